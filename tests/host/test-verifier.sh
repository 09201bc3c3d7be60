# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# How many instructions of the programs the verifier walks.

# A change of more than a tenth has to be explained in the commit that makes it.
test_verifier_instructions() {
	local rc=0

	"$ROOT/tests/bench/insns" || rc=$?
	((rc != SKIP)) || exit "$SKIP"
	return "$rc"
}

# The detector reads from the extent status tree of an inode what the kernel finds there.
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
