# SPDX-License-Identifier: GPL-2.0-only
#
# Fuzzing with libFuzzer: every tests/fuzz/fuzz_*.c becomes build/fuzz/fuzz_*, linked
# with what it needs of user/, all of it under the address and undefined-behaviour
# sanitizers. Included by the Makefile at the root. tests/fuzz/run runs them.

FUZZ_OUT := $(BUILD)/fuzz
FUZZ_TARGETS := $(patsubst tests/fuzz/%.c,$(FUZZ_OUT)/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_OBJ := $(patsubst user/%.c,$(FUZZ_OUT)/obj/%.o,$(filter-out user/main.c,$(wildcard user/*.c user/*/*.c)))
FUZZ_LIB := $(FUZZ_OUT)/libfuzzed.a
FUZZ_CFLAGS := -std=gnu11 -O1 -g -Wall -Wextra -Wno-missing-field-initializers -Werror -D_GNU_SOURCE -MMD -MP -Iuser -I. -I$(BUILD) \
	-fno-omit-frame-pointer -fno-sanitize-recover=all

.PHONY: fuzz-build
fuzz-build: $(FUZZ_TARGETS) $(FUZZ_OUT)/seeds/image/x86_64.o

$(FUZZ_OUT)/obj/%.o: user/%.c | $(OBJ)
	$(call msg,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link,address,undefined -c $< -o $@

$(FUZZ_OUT)/obj/http/page_files.o: $(wildcard user/http/page/*)

$(FUZZ_LIB): $(FUZZ_OBJ)
	$(call msg,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(FUZZ_TARGETS): $(FUZZ_OUT)/%: tests/fuzz/%.c $(FUZZ_LIB)
	$(call msg,FUZZ,$@)
	$(Q)$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer,address,undefined $< $(FUZZ_LIB) \
		$(LIBS) $($(@F)_LDFLAGS) -o $@

# It is asked what the command ends with.
$(FUZZ_OUT)/fuzz_options: fuzz_options_LDFLAGS := -Wl,--wrap=exit

# Object files to start from: those of the unit tests.
$(FUZZ_OUT)/seeds/image/x86_64.o: $(UNIT_IMAGES)/x86_64.o
	$(Q)mkdir -p $(@D)
	$(Q)cp $(UNIT_IMAGES)/*.o $(@D)/

-include $(wildcard $(FUZZ_OUT)/*.d $(FUZZ_OUT)/obj/*.d $(FUZZ_OUT)/obj/*/*.d)
