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

# What the detector reads of an inode's extent status tree is what the kernel finds there.
walk_agrees() {
	local rc=0

	make -s -C "$ROOT" -f tests/bench/build.mk >/dev/null
	fixture 4096 "$TMP/mnt"
	"$ROOT/build/tests/bench/walk" "$ROOT/build/tests/bench/$1.bpf.o" "$TMP/mnt" || rc=$?
	unfixture "$TMP/mnt"
	((rc != SKIP)) || exit "$SKIP"
	return "$rc"
}

test_verifier_walk_by_copies() {
	walk_agrees walk
}

test_verifier_walk_by_loads() {
	walk_agrees walk_direct
}
