# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the verifier makes of the programs.

# A jump of more than a tenth has to be explained where it is made.
test_verifier_instructions() {
	local rc=0

	"$ROOT/tests/bench/insns" || rc=$?
	((rc != SKIP)) || exit "$SKIP"
	return "$rc"
}
