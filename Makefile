# SPDX-License-Identifier: GPL-2.0-only
#
# make             ./ext4race-detect
# make deps        the Debian packages that are missing
# make test        everything that fits an hour
# make demo        the race, live, on a vulnerable kernel in a VM; DEMO=stay: until ^C
# make help        the rest

.DELETE_ON_ERROR:
.SECONDARY:
all: ext4race-detect

comma := ,

ifeq ($(V),1)
Q :=
msg :=
else
Q := @
msg = @printf '  %-8s %s\n' "$(1)" "$(2)"
endif

# ---- configuration ----

CLANG ?= clang
LLVM_STRIP ?= llvm-strip
BPFTOOL ?= $(or $(shell command -v bpftool 2>/dev/null),/usr/sbin/bpftool)
PKG_CONFIG ?= pkg-config
PREFIX ?= /usr/local
DESTDIR ?=
# What is installed: built here, or given.
PROGRAM ?= ext4race-detect
sbindir := $(PREFIX)/sbin
mandir := $(PREFIX)/share/man

# What runs the program, as uname -m calls it or as Debian does.
ARCH ?= $(shell uname -m)
override ARCH := $(patsubst aarch64,arm64,$(patsubst amd64,x86_64,$(ARCH)))
ifeq ($(ARCH),x86_64)
TARGET_ARCH := x86
MULTIARCH := x86_64-linux-gnu
else ifeq ($(ARCH),arm64)
TARGET_ARCH := arm64
MULTIARCH := aarch64-linux-gnu
else
$(error ARCH=$(ARCH) is not supported: x86_64 or arm64)
endif
BUILD := build
BPF_INCLUDES := -I/usr/include/$(MULTIARCH) -I/usr/$(MULTIARCH)/include
PORTABLE := $(filter portable,$(MAKECMDGOALS))
ifneq ($(PORTABLE),)
include deploy/portable/build.mk
else ifneq ($(ARCH),$(patsubst aarch64,arm64,$(shell uname -m)))
BUILD := build/$(ARCH)
# Libraries of that machine: the machine's own multiarch ones, else a tree in the cache.
ifndef SYSROOT
SYSROOT := $(if $(wildcard /usr/lib/$(MULTIARCH)/pkgconfig/libbpf.pc),,$(shell tests/vm/sysroot))
endif
CC := $(MULTIARCH)-gcc $(if $(SYSROOT),--sysroot=$(SYSROOT) -Wl$(comma)-rpath-link=$(SYSROOT)/lib/$(MULTIARCH))
export PKG_CONFIG_LIBDIR := $(SYSROOT)/usr/lib/$(MULTIARCH)/pkgconfig:$(SYSROOT)/usr/share/pkgconfig
export PKG_CONFIG_SYSROOT_DIR := $(SYSROOT)
endif
ifeq ($(PORTABLE),)
BIN := $(if $(filter build,$(BUILD)),,$(BUILD)/)ext4race-detect
endif

PACKAGES := libbpf jansson libcap-ng libseccomp libmicrohttpd gnutls yaml-0.1
CFLAGS ?= -O2 -g
ALL_CFLAGS := -std=gnu11 -Wall -Wextra -Werror -D_GNU_SOURCE -MMD -MP -Iuser -I. -I$(BUILD) $(CFLAGS)
LIBS = $(shell $(PKG_CONFIG) --libs $(PACKAGES)) -lelf -lz -lcrypt -lm -pthread
BPF_CFLAGS := -g -O2 -target bpf -D__TARGET_ARCH_$(TARGET_ARCH) -D__bpf__ \
	$(BPF_INCLUDES) \
	-Wall -Wextra -Wno-unused-parameter -Werror

# ---- the command ----

OBJ := $(patsubst user/%.c,$(BUILD)/user/%.o,$(wildcard user/*.c user/*/*.c))

ifneq ($(BIN),ext4race-detect)
.PHONY: ext4race-detect
ext4race-detect: $(BIN)
endif

$(BIN): $(OBJ)
	$(call msg,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LIBS) -o $@

$(BUILD)/user/%.o: user/%.c $(BUILD)/ext4race.skel.h $(BUILD)/classic.skel.h Makefile
	$(call msg,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c $< -o $@

$(BUILD)/user/http/page_files.o: $(wildcard user/http/page/*)
$(BUILD)/user/verify/verify_probe.o: $(BUILD)/verify.skel.h $(BUILD)/old_verify.skel.h
$(BUILD)/user/attach/object.o: $(BUILD)/direct.skel.h $(BUILD)/old_ext4race.skel.h \
	$(BUILD)/old_classic.skel.h
$(BUILD)/user/host/bundled_btf.o: $(wildcard btf/*.btf)
$(BUILD)/direct.bpf.o: bpf/ext4race.bpf.c
$(BUILD)/user/provoke/provoke_probe.o: $(BUILD)/widen.skel.h $(BUILD)/old_widen.skel.h

$(BUILD)/%.skel.h: $(BUILD)/%.bpf.o
	$(call msg,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

# bpftool's linker drops what clang's DWARF adds and keeps BTF.
define build-bpf
	$(call msg,BPF,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) $(1) -c $< -o $(@:.o=.tmp.o)
	$(Q)$(BPFTOOL) gen object $@ $(@:.o=.tmp.o)
	$(Q)rm -f $(@:.o=.tmp.o)
endef

$(BUILD)/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h) vmlinux.h Makefile
	$(call build-bpf)

# The same sources for kernels before 5.8: see bpf/maps.bpf.h.
$(BUILD)/old_%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h) vmlinux.h Makefile
	$(call build-bpf,-DE4R_OLD)

-include $(OBJ:.o=.d)

-include tests/unit/build.mk
include tests/workload/build.mk
include tests/fuzz/build.mk
include tests/sanitize/build.mk
include tests/faults/build.mk
include tests/coverage/build.mk

# ---- tests ----

.PHONY: all deps deps-fleet deps-bench deps-portable packages release test-hosts test test-unit test-fuzz test-sanitize test-faults mutants coverage test-host test-confine test-vm test-kill soak test-harness test-mask test-matrix test-patch test-fleet test-verify \
	demo bench bench-vm clean install uninstall deb help

# Debian packages: to build, to test, to run the VMs.
BUILD_DEPS := gcc make pkg-config clang llvm bpftool libbpf-dev libelf-dev zlib1g-dev \
	libjansson-dev libmicrohttpd-dev libgnutls28-dev libyaml-dev \
	libcap-ng-dev libseccomp-dev libcrypt-dev linux-libc-dev
TEST_DEPS := libcmocka-dev python3 jq strace util-linux kmod cpio zstd xz-utils e2fsprogs \
	busybox-static qemu-system-x86 qemu-system-arm dpkg-dev apt pahole bc bison flex \
	libssl-dev libclang-rt-dev clang-format git fio rsync shellcheck dkms procps tmux gcc-aarch64-linux-gnu libc6-dev-arm64-cross
PYTHON ?= python3

# What the live page is looked at with.
BROWSER_DEPS := chromium fonts-dejavu-core $(if $(shell command -v npm),,nodejs npm)
# Servers that the fleet tests start themselves.
FLEET_DEPS := prometheus prometheus-alertmanager prometheus-node-exporter lintian debhelper \
	scdoc systemd curl openssl apache2-utils $(BROWSER_DEPS)
# What the benchmark holds the monitor against.
BENCH_DEPS := bpftrace trace-cmd libbpf-tools $(BROWSER_DEPS)
# GnuTLS is built from its source; packages are made of the static program.
PORTABLE_DEPS := autoconf automake libtool autopoint gettext dpkg-dev rpm debhelper lintian scdoc jq

deps:
	$(Q)tests/packages $(BUILD_DEPS) $(TEST_DEPS)
deps-fleet: deps
	$(Q)tests/packages $(FLEET_DEPS)
deps-bench: deps
	$(Q)tests/packages $(BENCH_DEPS)
deps-portable: deps
	$(Q)tests/packages $(PORTABLE_DEPS)

# The README's commands do their own set-up: tools first, then make again.
test: deps-fleet
bench: deps-bench
test demo bench: deps
	$(Q)$(MAKE) --no-print-directory run-$@

# What the race suite keeps victims waiting with.
WIDEN := $(BUILD)/tests/widen
$(WIDEN): tests/vm/race/widen.c $(BUILD)/widen.skel.h
	$(call msg,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $< $(LIBS) -o $@

# What kills the monitor, and looks for what is left.
KILLER := $(BUILD)/tests/killer
$(KILLER): tests/vm/kill/killer.c
	$(call msg,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 -g -Wall -Wextra -Werror -D_GNU_SOURCE -static $< -o $@

# What makes a kernel an older one, and what it then says.
MASK := $(BUILD)/tests/mask
$(MASK): tests/vm/mask/mask.c tests/vm/mask/masks.h
	$(call msg,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 -g -Wall -Wextra -Werror -D_GNU_SOURCE -static $< -lseccomp -o $@
TRY := $(BUILD)/tests/try
$(TRY): tests/vm/mask/try.c
	$(call msg,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 -g -Wall -Wextra -Werror -D_GNU_SOURCE $< -lbpf -lelf -lz -o $@

# The pictures of the documents, from real runs: every program in tests/pictures.
.PHONY: pictures
pictures: all workload deps-fleet
	$(Q)for picture in tests/pictures/*; do if [ -f $$picture ] && [ -x $$picture ]; then $$picture || exit; fi; done

.PHONY: run-test run-demo run-bench
run-test: all unit-build fuzz-build sanitize-build faults-build workload $(WIDEN) $(KILLER) $(MASK) $(TRY)
	$(Q)tests/run

run-demo: all workload
	$(Q)tests/demo/run

run-bench: all workload
	$(Q)tests/bench/run
	$(Q)tests/bench/page
# Where fentry and kprobes can be had: in a VM whose clock counts instructions.
bench-vm: all deps-bench
	$(Q)tests/bench/count

test-unit: unit
test-fuzz: fuzz-build
	$(Q)tests/fuzz/run
# For so long, all targets together: make fuzz TIME=10m
TIME ?= 10m
.PHONY: fuzz
fuzz: fuzz-build
	$(Q)FUZZ_TIME=$(TIME) tests/fuzz/run
# Unit, host and HTTP suites of builds with sanitizers in them.
test-sanitize: all unit-build sanitize-build workload
	$(Q)tests/sanitize/run
# Every allocation and system call of the command failing once.
test-faults: all faults-build
	$(Q)tests/faults/run
# Small faults in the sources, one at a time: is each noticed? MUTANTS="--no-vm", "--only REGEX"
mutants: all
	$(Q)tests/mutants/run $(MUTANTS)
# Which lines and branches the suites reach, by room.
coverage: all
	$(Q)tests/coverage/run $(COVERAGE)
test-host: all workload
	$(Q)tests/host/run
# What somebody could do who took the monitor over.
test-confine: all
	$(Q)tests/confine/run
test-vm: all workload $(WIDEN)
	$(Q)tests/vm/race/run
# SIGKILL at 200 random moments, in a storm; KILLS="200 SEED" repeats a choice of moments.
KILLS ?= 200
test-kill: all workload $(KILLER)
	$(Q)tests/vm/kill/run $(KILLS)
# Everything that happens to a host, for so long: is the monitor still as it was? make soak TIME=1h
soak: all workload
	$(Q)tests/vm/soak/run $(TIME)
# The masks that make a kernel an older one: what they refuse, and what verify says behind them.
test-mask: all $(MASK) $(TRY)
	$(Q)tests/vm/mask/run
# The harness of the VM tests itself: what it must pass through, and what it must notice.
test-harness:
	$(Q)tests/vm/selftest
test-matrix: all workload $(MASK)
	$(Q)tests/vm/matrix/run
test-patch: all workload
	$(Q)tests/vm/patch/run
test-verify: all workload
	$(Q)tests/vm/verify/run
test-fleet: all deps-fleet
	$(Q)tests/fleet/run --full
# Programs of Debian, as they are used, on its vulnerable kernel: make field NAMES="fio-direct lmdb"
.PHONY: field
field: all
	$(Q)tests/packages mmdebstrap e2fsprogs jq
	$(Q)tests/field/run $(NAMES)
clean:
	$(Q)rm -rf build ext4race-detect tests/workload/race

# ---- installation ----

install: $(filter ext4race-detect,$(PROGRAM))
	$(call msg,INSTALL,$(DESTDIR)$(PREFIX))
	$(Q)install -D -m 0755 $(PROGRAM) $(DESTDIR)$(sbindir)/ext4race-detect
	$(Q)install -D -m 0644 docs/ext4race-detect.8 $(DESTDIR)$(mandir)/man8/ext4race-detect.8
	$(Q)install -d $(DESTDIR)$(PREFIX)/share/ext4race-detect/btf
	$(Q)install -m 0644 btf/*.btf $(DESTDIR)$(PREFIX)/share/ext4race-detect/btf/
	$(Q)$(MAKE) -s -C deploy install PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)

uninstall:
	$(Q)rm -f $(DESTDIR)$(sbindir)/ext4race-detect $(DESTDIR)$(mandir)/man8/ext4race-detect.8
	$(Q)rm -rf $(DESTDIR)$(PREFIX)/share/ext4race-detect/btf
	$(Q)$(MAKE) -s -C deploy uninstall PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)

# Debian packages, to build/deb.
deb: all
	$(Q)$(MAKE) -C deploy deb

# make release VERSION=1.0.0: the files of a release, from a clean tree.
release:
	$(Q)deploy/portable/release --check '$(VERSION)'
	$(Q)$(MAKE) --no-print-directory packages
	$(Q)deploy/portable/release '$(VERSION)'
# Whole hosts: puts Debian releases together and does what an operator does on them.
test-hosts: packages workload
	$(Q)tests/packages mmdebstrap rpm e2fsprogs
	$(Q)tests/hosts/run
# What is handed out, of static programs for both architectures, to build/packages.
# make portable alone makes one of them: see deploy/portable/build.mk.
packages: deps-portable
	$(Q)$(MAKE) --no-print-directory portable ARCH=x86_64
	$(Q)$(MAKE) --no-print-directory portable ARCH=arm64
	$(Q)deploy/portable/packages

help:
	@sed -n '3,8s/^# *//p' Makefile
	@echo 'make test-unit   modules, includes, map   make test-fuzz    parsers, under libFuzzer'
	@echo 'make test-host   on this kernel           make test-verify  is the fix in, on every kernel'
	@echo 'make test-vm     real kernels, exactness  make test-matrix  every kernel and state'
	@echo 'make test-patch  the fixes, proven        make test-fleet   exporter, alerts, packages'
	@echo 'make test-harness  the VM harness itself  make bench        what it costs, here'
	@echo 'make test-sanitize  under sanitizers      make fuzz         new inputs, for TIME=10m'
	@echo 'make test-hosts  whole Debian hosts       make release     VERSION=1.0.0, what is handed out'
	@echo 'make portable    one static file          make packages    of it: .deb, .rpm, .tar.gz, image'
	@echo 'make test-faults  each call failing once  make mutants      are faults noticed'
	@echo 'make test-mask   older kernels imitated   make pictures    of the documents, anew'
	@echo 'make test-kill   SIGKILL anywhere         make soak        a long run, for TIME=1h'
	@echo 'make coverage    lines and branches        make field       real programs, counted'
	@echo 'make deb         packages, in build/deb   make bench-vm     what it costs, in instructions'
	@echo 'make install     PREFIX, DESTDIR          V=1               show the commands'
