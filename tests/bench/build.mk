# SPDX-License-Identifier: GPL-2.0-only
# The bench's own programs: make -f tests/bench/build.mk, from the root.

CLANG ?= clang
BENCH_OUT ?= build/tests/bench
BENCH_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror -D_GNU_SOURCE
BENCH_ARCH := $(if $(filter aarch64%,$(shell $(CC) -print-multiarch)),arm64,x86)
BENCH_MULTIARCH := $(shell $(CC) -print-multiarch)

.PHONY: bench-build
bench-build: $(BENCH_OUT)/bench $(BENCH_OUT)/empty.bpf.o $(BENCH_OUT)/walk \
	$(BENCH_OUT)/storm \
	$(BENCH_OUT)/walk.bpf.o $(BENCH_OUT)/walk_direct.bpf.o

BENCH_PARTS := bench ops monitor peers progs pairs programs counts cpus lines instructions
$(BENCH_OUT)/bench: $(BENCH_PARTS:%=tests/bench/%.c) $(wildcard tests/bench/*.h)
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -o $@ $(filter %.c,$^) -lbpf -lelf -lz -pthread

$(BENCH_OUT)/storm: tests/bench/storm.c
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -o $@ $< -lbpf -lelf -lz -pthread

$(BENCH_OUT)/walk: tests/bench/walk.c tests/bench/walk.h
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -o $@ $< -lbpf -lelf -lz

$(BENCH_OUT)/%.bpf.o: tests/bench/%.bpf.c tests/bench/walk.bpf.c tests/bench/walk.h bpf/ext4.bpf.h \
		vmlinux.h
	@mkdir -p $(@D)
	$(CLANG) -g -O2 -target bpf -D__TARGET_ARCH_$(BENCH_ARCH) -D__bpf__ \
		-I/usr/include/$(BENCH_MULTIARCH) -Wall -Werror -c -o $@ $<
