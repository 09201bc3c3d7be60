# SPDX-License-Identifier: GPL-2.0-only
#
# What lets one allocation or one system call of the command fail, and a command that it
# can be preloaded to, whatever the one that is shipped is linked with. Included by the
# Makefile at the root. tests/faults/run runs it.

FAULTS_OUT := $(BUILD)/faults

.PHONY: faults-build
faults-build: $(FAULTS_OUT)/alloc.so $(FAULTS_OUT)/supervise $(FAULTS_OUT)/ext4race-detect

$(FAULTS_OUT)/ext4race-detect: $(OBJ)
	$(call msg,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -rdynamic $^ $(LIBS) -o $@

$(FAULTS_OUT)/alloc.so: tests/faults/alloc.c tests/faults/faults.h
	$(call msg,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -fPIC -shared -fno-builtin $< -ldl -o $@

$(FAULTS_OUT)/supervise: tests/faults/supervise.c tests/faults/faults.h
	$(call msg,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $< -o $@
