# SPDX-License-Identifier: GPL-2.0-only
#
# make             ./ext4race-detect
# make deps        the Debian packages that are missing
# make test        everything that fits a quarter of an hour
# make demo        the race, live, on a vulnerable kernel in a VM
# make help        the rest

.DELETE_ON_ERROR:
.SECONDARY:
all: ext4race-detect

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
ifneq ($(ARCH),$(patsubst aarch64,arm64,$(shell uname -m)))
BUILD := build/$(ARCH)
CC := $(MULTIARCH)-gcc
export PKG_CONFIG_LIBDIR := /usr/lib/$(MULTIARCH)/pkgconfig:/usr/share/pkgconfig
endif
BIN := $(if $(filter build,$(BUILD)),,$(BUILD)/)ext4race-detect

PACKAGES := libbpf jansson libcap-ng libmicrohttpd gnutls yaml-0.1
CFLAGS ?= -O2 -g
ALL_CFLAGS := -std=gnu11 -Wall -Wextra -Werror -D_GNU_SOURCE -MMD -MP -I$(BUILD) $(CFLAGS)
LIBS = $(shell $(PKG_CONFIG) --libs $(PACKAGES)) -lelf -lz -lcrypt -lm -pthread
BPF_CFLAGS := -g -O2 -target bpf -D__TARGET_ARCH_$(TARGET_ARCH) -D__bpf__ \
	-I/usr/include/$(MULTIARCH) -I/usr/$(MULTIARCH)/include \
	-Wall -Wextra -Wno-unused-parameter -Werror
ifeq ($(shell $(PKG_CONFIG) --exists libsystemd && echo yes),yes)
ALL_CFLAGS += -DHAVE_SYSTEMD
LIBS += $(shell $(PKG_CONFIG) --libs libsystemd)
endif

# ---- the command ----

OBJ := $(patsubst user/%.c,$(BUILD)/user/%.o,$(wildcard user/*.c))

ifneq ($(BIN),ext4race-detect)
.PHONY: ext4race-detect
ext4race-detect: $(BIN)
endif

$(BIN): $(OBJ)
	$(call msg,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LIBS) -o $@

$(BUILD)/user/%.o: user/%.c $(BUILD)/ext4race.skel.h Makefile
	$(call msg,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c $< -o $@

$(BUILD)/%.skel.h: $(BUILD)/%.bpf.o
	$(call msg,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

# bpftool's linker drops what clang's DWARF adds and keeps BTF.
$(BUILD)/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h) vmlinux.h Makefile
	$(call msg,BPF,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c $< -o $(@:.o=.tmp.o)
	$(Q)$(BPFTOOL) gen object $@ $(@:.o=.tmp.o)
	$(Q)rm -f $(@:.o=.tmp.o)

-include $(OBJ:.o=.d)

-include tests/unit/build.mk
include tests/workload/build.mk
