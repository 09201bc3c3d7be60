# SPDX-License-Identifier: GPL-2.0-only
#
# The command itself with sanitizers in it: build/sanitize/address/ext4race-detect, with
# the undefined-behaviour sanitizer too, of the objects that the fuzz targets are linked
# with; build/sanitize/thread/ext4race-detect, of its own. Included by the Makefile at the
# root. tests/sanitize/run runs the suites with them.

SAN_OUT := $(BUILD)/sanitize
SAN_THREAD_OBJ := $(patsubst user/%.c,$(SAN_OUT)/thread/obj/%.o,$(wildcard user/*.c user/*/*.c))

.PHONY: sanitize-build
sanitize-build: $(SAN_OUT)/address/ext4race-detect

$(SAN_OUT)/address/ext4race-detect: $(FUZZ_OUT)/obj/main.o $(FUZZ_LIB)
	$(call msg,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_CFLAGS) -fsanitize=address,undefined $^ $(LIBS) -o $@

$(SAN_OUT)/thread/ext4race-detect: $(SAN_THREAD_OBJ)
	$(call msg,LINK,$@)
	$(Q)$(CC) -fsanitize=thread $^ $(LIBS) -o $@

$(SAN_OUT)/thread/obj/%.o: user/%.c | $(OBJ)
	$(call msg,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -O1 -fno-omit-frame-pointer -fsanitize=thread -c $< -o $@

$(SAN_OUT)/thread/obj/http/page_files.o: $(wildcard user/http/page/*)

-include $(SAN_THREAD_OBJ:.o=.d)
