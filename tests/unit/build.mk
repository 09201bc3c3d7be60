# SPDX-License-Identifier: GPL-2.0-only
#
# Unit tests: every tests/unit/test_*.c becomes build/tests/unit/test_*. Included by
# the Makefile at the root; works alone from there too:
#
#   make -f tests/unit/build.mk unit
#   make -f tests/unit/build.mk unit SANITIZE=address,undefined
#   make -f tests/unit/build.mk unit UNIT_RUN='valgrind -q --error-exitcode=99'
#
# A test is linked with the modules of UNIT_MODULES, from which the linker takes what
# it needs, and with those it names itself: test_options_MODULES := options

ifndef msg
msg = @printf '  %-8s %s\n' '$(1)' '$(2)'
endif
ifneq ($(V),1)
Q ?= @
endif
PKG_CONFIG ?= pkg-config
CFLAGS ?= -O2 -g

BUILD ?= build
UNIT_OUT := $(BUILD)/tests/unit$(if $(SANITIZE),-san)
UNIT_OBJ := $(UNIT_OUT)/obj
UNIT_TESTS := $(patsubst tests/unit/%.c,$(UNIT_OUT)/%,$(sort $(wildcard tests/unit/test_*.c)))
UNIT_MODULES := report output mounts path residual ksyms sink_json sink_text text_check
test_loop_MODULES := loop
test_monitor_livepatch_MODULES := monitor_livepatch
test_monitor_module_MODULES := monitor_module
test_monitor_sinks_MODULES := monitor_sinks
test_monitor_verdict_MODULES := monitor_verdict
test_notify_MODULES := notify loop
test_options_MODULES := options http_listen sink_textfile
test_resolve_MODULES := resolve
test_verify_code_MODULES := verify_code verify_verdict
test_verify_image_MODULES := verify_image verify_code verify_verdict
test_verify_livepatch_MODULES := verify_livepatch verify_verdict
test_verify_samples_MODULES := verify_behaviour verify_verdict
test_verify_verdict_MODULES := verify_verdict
test_verify_image_LIBS := -lelf
# Of a module only what the test calls has to be linked, with what that needs.
UNIT_CFLAGS := -ffunction-sections -std=gnu11 -Wall -Wextra -Werror -D_GNU_SOURCE -MMD -MP
UNIT_LDFLAGS := -pthread -Wl,--gc-sections
ifdef SANITIZE
UNIT_CFLAGS += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
UNIT_LDFLAGS += -fsanitize=$(SANITIZE)
endif
UNIT_LIBS = $(shell $(PKG_CONFIG) --libs jansson cmocka)
UNIT_LIB := $(UNIT_OUT)/libunit.a
# How the text and JSON sinks write.
UNIT_MODULES += sink_write output_queue
# What the programs run under; a test that hangs is a test that failed.
UNIT_RUN ?=
UNIT_TIMEOUT ?= 120

.PHONY: unit unit-build
unit-build: $(UNIT_TESTS)

# All of them run, whatever the earlier ones said.
unit: $(UNIT_TESTS)
	$(Q)failed=; for test in $(UNIT_TESTS); do \
		timeout $(UNIT_TIMEOUT) $(UNIT_RUN) "$$test" || failed="$$failed $$test"; \
	done; \
	if [ -n "$$failed" ]; then echo "unit tests failed:$$failed" >&2; exit 1; fi

$(UNIT_OBJ)/%.o: user/%.c
	$(call msg,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(UNIT_CFLAGS) -c $< -o $@

$(UNIT_OBJ)/tests/%.o: tests/unit/%.c
	$(call msg,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(UNIT_CFLAGS) -Iuser -Ibpf -c $< -o $@

# Object files of both machines for test_verify_image.
UNIT_IMAGES := $(UNIT_OUT)/image
$(UNIT_OBJ)/tests/test_verify_image.o: UNIT_CFLAGS += -DIMAGES='"$(abspath $(UNIT_IMAGES))"'
$(UNIT_OUT)/test_verify_image: $(UNIT_IMAGES)/x86_64.o
$(UNIT_IMAGES)/x86_64.o: tests/unit/image.c
	$(call msg,CC,$(@D))
	$(Q)mkdir -p $(@D)
	$(Q)for m in x86_64 aarch64; do \
		cc="clang -O1 -ffreestanding -fno-inline -fno-asynchronous-unwind-tables -target $$m-linux-gnu"; \
		$$cc -c $< -o $(@D)/$$m.o && \
		$$cc -DFIXED -c $< -o $(@D)/$$m-fixed.o && \
		$$cc -DOTHER -c $< -o $(@D)/$$m-other.o || exit 1; \
	done
	$(Q)llvm-strip --strip-all $(@D)/x86_64.o -o $(@D)/stripped.o
	$(Q)clang -target riscv64-linux-gnu -O1 -ffreestanding -c $< -o $(@D)/riscv64.o

$(UNIT_LIB): $(UNIT_MODULES:%=$(UNIT_OBJ)/%.o)
	$(call msg,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

.SECONDEXPANSION:
$(UNIT_TESTS): $(UNIT_OUT)/%: $(UNIT_OBJ)/tests/%.o $$(addprefix $(UNIT_OBJ)/,$$(addsuffix .o,$$($$*_MODULES))) $(UNIT_LIB)
	$(call msg,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(UNIT_LDFLAGS) $^ $(UNIT_LIBS) $($*_LIBS) -o $@

-include $(wildcard $(UNIT_OBJ)/*.d $(UNIT_OBJ)/tests/*.d)
