# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Nothing stays in the kernel, however the monitor ends.

ends_without_trace() {
	local want_rc=$2

	fixture 4096 "$TMP/mnt"
	in_kernel >"$TMP/before"
	monitor
	settle "$TMP/mnt"
	held "$MON_PID" >"$TMP/ours"
	# The test proves nothing unless the monitor had objects in the kernel.
	grep -q '^prog ' "$TMP/ours"
	grep -q '^map ' "$TMP/ours"
	grep -q '^link ' "$TMP/ours"
	same "not listed" "$(comm -23 "$TMP/ours" <(in_kernel))" ""
	finish "$1"
	same "exit status" "$MON_RC" "$want_rc"
	gone "$TMP/ours"
	no_trace "$TMP/before"
	unfixture "$TMP/mnt"
}

test_detach_after_sigint() {
	ends_without_trace INT 0
}

test_detach_after_sigkill() {
	ends_without_trace KILL 137
}

# No link is pinned, so all links end with the process.
test_detach_links_are_not_pinned() {
	monitor
	held "$MON_PID" | sed -n 's/^link //p' >"$TMP/links"
	[[ -s $TMP/links ]]
	bpftool -j -f link list | jq -e '[.[] | select(.pinned) | .id]' >"$TMP/pinned"
	while read -r id; do
		jq -e "index($id) == null" "$TMP/pinned"
	done <"$TMP/links"
	finish
}
