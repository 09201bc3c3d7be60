# SPDX-License-Identifier: GPL-2.0-only
#
# make portable [ARCH=arm64]: build/portable/ext4race-detect-ARCH, one static file that
# needs no library, loader or configuration beside it. Included by the Makefile at the root
# in place of its own choice of compiler and libraries.
#
# The same commit and the same libraries give the same bytes, wherever it is built: no
# path of the build gets into the file. --fatal-warnings: the linker warns of calls that
# need the host's C library.

SYSROOT := $(shell deploy/portable/libraries $(ARCH))
ifeq ($(SYSROOT),)
$(error no libraries to link with: see above)
endif
BUILD := build/portable/obj-$(ARCH)
BIN := $(BUILD)/ext4race-detect
PORTABLE := build/portable/ext4race-detect-$(ARCH)

CC := $(MULTIARCH)-gcc --sysroot=$(SYSROOT)
# Not exported: make before 4.4 does not hand that to $(shell).
PKG_CONFIG := PKG_CONFIG_LIBDIR=$(SYSROOT)/usr/lib/$(MULTIARCH)/pkgconfig:$(SYSROOT)/usr/share/pkgconfig \
	PKG_CONFIG_SYSROOT_DIR=$(SYSROOT) pkg-config --static
no_paths := -ffile-prefix-map=$(CURDIR)=. -ffile-prefix-map=$(SYSROOT)=
override CFLAGS := -O2 -g -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2 -DEXT4RACE_STATIC $(no_paths)
override LDFLAGS := -static-pie -Wl,-z,relro,-z,now,--build-id=sha1,--fatal-warnings
BPF_INCLUDES := -I$(SYSROOT)/usr/include/$(MULTIARCH) -I$(SYSROOT)/usr/include $(no_paths)

.PHONY: portable
portable: $(PORTABLE)

# What a debugger needs is beside it.
$(PORTABLE): $(BIN)
	$(call msg,STRIP,$@)
	$(Q)$(MULTIARCH)-objcopy --only-keep-debug $< $@.debug
	$(Q)$(MULTIARCH)-strip -o $@ $<

$(BIN): $(BUILD)/no_nss.o
$(BUILD)/no_nss.o: deploy/portable/no_nss.c
	$(call msg,CC,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -c $< -o $@

$(BUILD)/user/base/libraries.o: $(BUILD)/static_libraries.h

# By source package; the kernel's headers leave nothing in the file.
$(BUILD)/static_libraries.h: $(SYSROOT)/../taken
	$(Q)mkdir -p $(@D)
	$(Q)awk '$$3 != "linux" { print "STATIC_LIBRARY(\"" $$3 "\", \"" $$4 "\")" } \
		END { print "STATIC_LIBRARY(\"libgcc\", \"$(shell $(CC) -dumpfullversion)\")" }' $< | \
		LC_ALL=C sort -u >$@
