# SPDX-License-Identifier: GPL-2.0-only
# The race workload. Included by the Makefile at the root, or used by itself:
#	make -f tests/workload/build.mk [WORKLOAD_CC=aarch64-linux-gnu-gcc WORKLOAD_OUT=...]

ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(V),1)
Q ?=
msg ?=
else
Q ?= @
msg ?= @printf '  %-8s %s\n' "$(1)" "$(2)";
endif

WORKLOAD_CC ?= $(CC)
WORKLOAD_OUT ?= tests/workload/race
WORKLOAD_SRC := $(addprefix tests/workload/,main.c pair.c file.c modes.c aim.c oplog.c account.c count.c)
# Static, so that it runs in a guest that has no libc.
WORKLOAD_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror -static -pthread

.PHONY: workload workload-clean
workload: $(WORKLOAD_OUT)

$(WORKLOAD_OUT): $(WORKLOAD_SRC) tests/workload/race.h tests/workload/build.mk
	$(call msg,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(WORKLOAD_CC) $(WORKLOAD_CFLAGS) -o $@ $(WORKLOAD_SRC)

workload-clean:
	$(Q)rm -f $(WORKLOAD_OUT)
