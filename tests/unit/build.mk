# SPDX-License-Identifier: GPL-2.0-only
#
# Unit tests: every tests/unit/ROOM/test_*.c becomes build/tests/unit/ROOM/test_*. ROOM is
# a room of user/, or bpf. The Makefile at the root includes this file; it also works alone
# from there:
#
#   make -f tests/unit/build.mk unit
#   make -f tests/unit/build.mk unit SANITIZE=address,undefined
#   make -f tests/unit/build.mk unit UNIT_RUN='valgrind -q --error-exitcode=99'
#
# A test is linked with UNIT_MODULES, from which the linker takes what the test needs, and with
# the modules in the variable of its name: test_options_MODULES := cli/options base/say attach/mode

ifndef msg
msg = @printf '  %-8s %s\n' '$(1)' '$(2)'
endif
ifneq ($(V),1)
Q ?= @
endif
PKG_CONFIG ?= pkg-config
CFLAGS ?= -O2 -g

BUILD ?= build
UNIT_COMMA := ,
# One directory a sanitizer: build/tests/unit-address, build/tests/unit-thread.
UNIT_OUT := $(BUILD)/tests/unit$(addprefix -,$(firstword $(subst $(UNIT_COMMA), ,$(SANITIZE))))
UNIT_OBJ := $(UNIT_OUT)/obj
UNIT_TESTS := $(patsubst tests/unit/%.c,$(UNIT_OUT)/%,$(sort $(wildcard tests/unit/*/test_*.c)))
UNIT_MODULES := report/report report/verdict base/clock base/output base/utf8 base/text_buffer base/terminal base/status_line base/status_text host/mounts host/path host/residual host/ksyms host/kallsyms host/race_functions report/report_json sink/sink_json sink/sink_text sink/text_words sink/text_start sink/text_table sink/text_verdict sink/text_summary sink/residual_check
test_evidence_behaviour_MODULES := verify/evidence_behaviour verify/evidence
test_evidence_image_MODULES := verify/evidence_image verify/machine_code verify/evidence
test_evidence_image_LIBS := -lelf
test_evidence_livepatch_MODULES := verify/evidence_livepatch verify/evidence
test_bundled_btf_MODULES := host/bundled_btf
test_joined_btf_MODULES := host/joined_btf base/output
test_exposition_MODULES := $(patsubst user/%.c,%,$(wildcard user/metrics/*.c))
test_exposition_LIBS := $(patsubst %,-Wl$(UNIT_COMMA)--wrap=%,realloc open opendir)
test_filesystems_MODULES := monitor/filesystems monitor/mount_filter base/say
test_heartbeat_MODULES := monitor/heartbeat monitor/loop base/signals
test_journal_MODULES := sink/sink_journal sink/journal_entry
test_links_MODULES := attach/links
test_loop_MODULES := monitor/loop base/signals
test_machine_code_MODULES := verify/machine_code verify/evidence
test_monitor_module_MODULES := monitor/monitor_module
test_mount_filter_MODULES := monitor/mount_filter
test_outputs_MODULES := monitor/outputs monitor/output_open base/signals
test_notify_MODULES := monitor/notify monitor/loop base/signals
test_bpf_features_MODULES := attach/bpf_features
test_counts_MODULES := attach/counts
test_event_reader_MODULES := attach/event_reader
test_plan_MODULES := attach/plan attach/candidates attach/classic_points attach/certainty attach/hooks attach/mode
test_options_MODULES := cli/options cli/help cli/option_table cli/option_values base/say attach/mode http/http_listen sink/sink_textfile
test_remedy_MODULES := verify/remedy host/kernel host/kernel_functions host/btf_types host/bundled_btf host/joined_btf base/output base/say
test_sink_text_LIBS := -Wl,--wrap=open_memstream
test_output_queue_LIBS := -Wl,--wrap=output_write
test_path_LIBS := $(patsubst %,-Wl$(UNIT_COMMA)--wrap=%,open_by_handle_at fstat readlink)
test_residual_LIBS := $(patsubst %,-Wl$(UNIT_COMMA)--wrap=%,open read readlink fstat syncfs)
test_resolve_MODULES := monitor/resolve
test_verdict_watch_MODULES := monitor/verdict_watch verify/evidence
test_sink_textfile_MODULES := sink/sink_textfile $(test_exposition_MODULES)
test_verify_verdict_MODULES := verify/verify_verdict verify/verdict_sample verify/evidence
test_watch_status_MODULES := monitor/watch_status
test_provoke_progress_MODULES := provoke/provoke_progress
test_web_config_MODULES := http/web_config http/web_config_reader http/web_config_keys http/web_password
test_http_auth_MODULES := http/http_auth
test_http_auth_LIBS = $(test_web_config_LIBS)
test_remedy_LIBS := -lbpf -lelf -lz
test_joined_btf_LIBS := -lbpf -lelf -lz
test_http_events_MODULES := http/http_events
test_page_MODULES := $(patsubst user/%.c,%,$(wildcard user/http/page*.c)) http/html http/http_history
test_http_host_MODULES := http/http_host
test_http_listen_MODULES := http/http_listen
test_web_config_LIBS = $(shell $(PKG_CONFIG) --libs gnutls yaml-0.1) -lcrypt
# Of a module the linker keeps only what the test calls, and what that needs.
UNIT_CFLAGS := -ffunction-sections -std=gnu11 -Wall -Wextra -Werror -D_GNU_SOURCE -Iuser -I. -MMD -MP
UNIT_LDFLAGS := -pthread -Wl,--gc-sections
ifdef SANITIZE
UNIT_CFLAGS += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
# What a sanitizer knows of a function keeps it from being left out: all that is named
# has to be there. Of two definitions the test's own is taken.
UNIT_LDFLAGS += -fsanitize=$(SANITIZE) -Wl,-z,muldefs
UNIT_SAN_MODULES := $(patsubst user/%.c,%,$(shell grep -L 'skel\.h"' $(wildcard user/*/*.c)))
UNIT_SAN_LIBS = $(shell $(PKG_CONFIG) --libs $(or $(PACKAGES),libmicrohttpd gnutls yaml-0.1 libcap-ng libbpf libseccomp)) -lelf -lz -lcrypt -lm
endif
# UNIT_ONLY="test_loop test_notify": only these.
UNIT_ONLY ?= %
UNIT_TESTS := $(foreach test,$(UNIT_TESTS),$(if $(filter $(UNIT_ONLY),$(notdir $(test))),$(test)))
UNIT_LIBS = $(shell $(PKG_CONFIG) --libs jansson cmocka) -lm
UNIT_LIB := $(UNIT_OUT)/libunit.a
# How the text and JSON sinks write.
UNIT_MODULES += sink/sink_write sink/output_queue sink/output_file base/thread base/say
# The includes and the map of the source. Nothing of it is built, so a run of some tests only,
# or under a sanitizer or valgrind, leaves it out.
PYTHON ?= python3
UNIT_SOURCE = $(if $(SANITIZE)$(UNIT_RUN)$(subst %,,$(UNIT_ONLY)),,tests/unit/source/run)
# What the programs run under; a test that hangs is a test that failed.
UNIT_RUN ?=
UNIT_TIMEOUT ?= 120

.PHONY: unit unit-build
unit-build: $(UNIT_TESTS)

# All of them run, whatever the earlier ones said.
unit: $(UNIT_TESTS)
	$(Q)failed=; for test in $(UNIT_TESTS); do \
		timeout $(UNIT_TIMEOUT) $(UNIT_RUN) "$$test"; rc=$$?; \
		if [ $$rc = 124 ]; then echo "[  FAILED  ] $$test: no end within $(UNIT_TIMEOUT) s"; fi; \
		if [ $$rc != 0 ]; then failed="$$failed $$test"; fi; \
	done; \
	for test in $(UNIT_SOURCE); do \
		PYTHON="$(PYTHON)" timeout $(UNIT_TIMEOUT) "$$test" || failed="$$failed $$test"; \
	done; \
	if [ -n "$$failed" ]; then echo "unit tests failed:$$failed" >&2; exit 1; fi

$(UNIT_OBJ)/%.o: user/%.c
	$(call msg,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(UNIT_CFLAGS) -c $< -o $@

$(UNIT_OBJ)/tests/%.o: tests/unit/%.c
	$(call msg,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(UNIT_CFLAGS) -Itests/unit -Ibpf -c $< -o $@

$(UNIT_OBJ)/http/page_files.o: $(wildcard user/http/page/*)

# Object files of both machines for test_evidence_image.
UNIT_IMAGES := $(UNIT_OUT)/image
$(UNIT_OBJ)/tests/sink/test_journal.o: UNIT_CFLAGS += -DCATALOG='"$(abspath deploy/journal/ext4race-detect.catalog)"'
$(UNIT_OBJ)/tests/verify/test_evidence_image.o: UNIT_CFLAGS += -DIMAGES='"$(abspath $(UNIT_IMAGES))"'
$(UNIT_OUT)/verify/test_evidence_image: $(UNIT_IMAGES)/x86_64.o
$(UNIT_IMAGES)/x86_64.o: tests/unit/image.c
	$(call msg,CC,$(@D))
	$(Q)mkdir -p $(@D)
	$(Q)for m in x86_64 aarch64; do \
		cc="clang -O1 -ffreestanding -fno-inline -fno-asynchronous-unwind-tables -target $$m-linux-gnu"; \
		$$cc -c $< -o $(@D)/$$m.o && \
		$$cc -DFIXED -c $< -o $(@D)/$$m-fixed.o && \
		$$cc -DOTHER -c $< -o $(@D)/$$m-other.o && \
		$$cc -DLOCAL -c $< -o $(@D)/$$m-local.o && \
		$$cc -DLOCAL -DFIXED -c $< -o $(@D)/$$m-local-fixed.o && \
		$$cc -DLOCAL -DWHOLE -c $< -o $(@D)/$$m-whole.o && \
		$$cc -DLOCAL -DWHOLE -DFIXED -c $< -o $(@D)/$$m-whole-fixed.o || exit 1; \
	done
	$(Q)llvm-strip --strip-all $(@D)/x86_64.o -o $(@D)/stripped.o
	$(Q)clang -target riscv64-linux-gnu -O1 -ffreestanding -c $< -o $(@D)/riscv64.o

$(UNIT_LIB): $(patsubst %,$(UNIT_OBJ)/%.o,$(or $(UNIT_SAN_MODULES),$(UNIT_MODULES))) tests/unit/build.mk
	$(call msg,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)

.SECONDEXPANSION:
$(UNIT_TESTS): $(UNIT_OUT)/%: $(UNIT_OBJ)/tests/%.o $$(addprefix $(UNIT_OBJ)/,$$(addsuffix .o,$$($$(notdir $$*)_MODULES))) $(UNIT_LIB)
	$(call msg,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(UNIT_LDFLAGS) $^ $(UNIT_LIBS) $($(notdir $*)_LIBS) $(UNIT_SAN_LIBS) -o $@

-include $(wildcard $(UNIT_OBJ)/*/*.d $(UNIT_OBJ)/tests/*/*.d)
