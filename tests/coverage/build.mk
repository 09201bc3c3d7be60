# SPDX-License-Identifier: GPL-2.0-only
#
# Builds that count which lines run: with make BUILD=build/coverage and --coverage in
# CFLAGS the fuzz targets, to be replayed. Included by the Makefile at the root;
# tests/coverage/run does it all.

REPLAY_TARGETS := $(patsubst tests/fuzz/fuzz_%.c,$(BUILD)/replay/%,$(wildcard tests/fuzz/fuzz_*.c))

.PHONY: replay-build
replay-build: $(REPLAY_TARGETS)

$(BUILD)/replay/libreplayed.a: $(filter-out $(BUILD)/user/main.o,$(OBJ))
	$(call msg,AR,$@)
	$(Q)mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# By clang for its headers; what is counted is in the archive.
$(REPLAY_TARGETS): $(BUILD)/replay/%: tests/fuzz/fuzz_%.c tests/coverage/replay.c $(BUILD)/replay/libreplayed.a
	$(call msg,REPLAY,$@)
	$(Q)$(CLANG) -std=gnu11 -D_GNU_SOURCE -O1 -g -Iuser -I. -I$(BUILD) -c $< -o $@.o
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE $(CFLAGS) $(fuzz_$(@F)_WRAP) $@.o tests/coverage/replay.c \
		$(BUILD)/replay/libreplayed.a $(LIBS) -o $@

$(BUILD)/replay/options: fuzz_options_WRAP := -Wl,--wrap=exit
