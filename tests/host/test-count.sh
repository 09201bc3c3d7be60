# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Counts are exact, and cover the filesystems that were asked for and no other.

# counted DIR BLOCKS: makes delayed inserts there and prints how many.
counted() {
	"$RACE" --dir "$1" --mode count --blocks "$2" | jq -e .delayed_inserts
}

count_exactly() {
	local wanted

	fixture "$1" "$TMP/mnt"
	monitor --mount "$TMP/mnt"
	wanted=$(counted "$TMP/mnt" "$2")
	((wanted >= 2 * $2))
	finish
	same "exit status" "$MON_RC" 0
	same delayed_inserts "$(summary delayed_inserts)" "$wanted"
	same overwritten_blocks "$(summary overwritten_blocks)" 0
	same overwritten_files "$(summary overwritten_files)" 0
	same leaked_blocks "$(summary leaked_blocks)" 0
	same lost_events "$(summary lost_events)" 0
	same residual "$(summary 'residual[0].blocks')" 0
	unfixture "$TMP/mnt"
}

test_count_4k_blocks() {
	count_exactly 4096 5000
}

test_count_1k_blocks() {
	count_exactly 1024 5000
}

# One monitor for each filesystem: together they count what the monitor of all counts.
test_count_by_mount() {
	local a b

	fixture 4096 "$TMP/a"
	fixture 4096 "$TMP/b"
	mkdir "$TMP/b/below"
	monitor --mount "$TMP/a"
	a=$(counted "$TMP/a" 300)
	counted "$TMP/b" 700
	finish
	same "only a" "$(summary delayed_inserts)" "$a"
	same filesystems "$(jq -r '.filesystems[].mount' <<<"$MON_START")" "$TMP/a"
	# --mount takes any directory of a filesystem.
	monitor --mount "$TMP/a" --mount "$TMP/b/below"
	a=$(counted "$TMP/a" 300)
	b=$(counted "$TMP/b" 700)
	finish
	same "a and b" "$(summary delayed_inserts)" "$((a + b))"
	unfixture "$TMP/a"
	unfixture "$TMP/b"
}

# ended_with_gap: the monitor ends, and says that evidence is missing.
ended_with_gap() {
	finish
	same "exit status" "$MON_RC" 3
	same overwritten_blocks "$(summary overwritten_blocks)" 0
}

# Unmounted, and another one mounted in its place: that one is meant from then on. Its first
# moments were not watched.
test_count_follows_mount() {
	local wanted

	fixture 4096 "$TMP/mnt"
	fixture 4096 "$TMP/other"
	monitor --mount "$TMP/mnt" --fail-on-race --textfile "$TMP/x.prom"
	umount "$TMP/mnt"
	mount --bind "$TMP/other" "$TMP/mnt"
	appears "$TMP/mon.err" 'another filesystem'
	wanted=$(counted "$TMP/mnt" 300)
	ended_with_gap
	same delayed_inserts "$(summary delayed_inserts)" "$wanted"
	jq -e --arg path "$TMP/mnt" 'select(.type == "summary") | .watched |
		length == 1 and (.[0] | .path == $path and .mounted and .changes == 1)' \
		"$TMP/mon.out"
	grep -qF "ext4race_mount_watched{path=\"$TMP/mnt\"} 1" "$TMP/x.prom"
	umount "$TMP/mnt"
	unfixture "$TMP/other"
}

# Nothing is mounted there any more, and that is told by all that tells something.
test_count_nothing_mounted() {
	fixture 4096 "$TMP/mnt"
	monitor --mount "$TMP/mnt" --fail-on-race --textfile "$TMP/x.prom"
	umount "$TMP/mnt"
	appears "$TMP/mon.err" "--mount $TMP/mnt: no ext4 filesystem is mounted"
	ended_with_gap
	jq -e 'select(.type == "summary") | .watched | length == 1 and
		(.[0] | (.mounted | not) and .changes == 0 and .gone_seconds > 0)' "$TMP/mon.out"
	grep -qF "ext4race_mount_watched{path=\"$TMP/mnt\"} 0" "$TMP/x.prom"
}

# The same one again: nothing happened to it meanwhile.
test_count_mounted_again() {
	local wanted

	fixture 4096 "$TMP/mnt"
	mkdir "$TMP/keep"
	mount --bind "$TMP/mnt" "$TMP/keep"
	monitor --mount "$TMP/mnt" --fail-on-race
	umount "$TMP/mnt"
	appears "$TMP/mon.err" 'no ext4 filesystem'
	mount --bind "$TMP/keep" "$TMP/mnt"
	appears "$TMP/mon.err" 'the same filesystem is mounted again'
	wanted=$(counted "$TMP/mnt" 300)
	finish
	same "exit status" "$MON_RC" 0
	same delayed_inserts "$(summary delayed_inserts)" "$wanted"
	umount "$TMP/keep"
	unfixture "$TMP/mnt"
}

# Filesystems that find no place of their own share one. It is there before anybody else could
# take the last place.
test_count_place_for_others() {
	local id stats=

	monitor
	for id in $(held "$MON_PID" | sed -n 's/^map //p'); do
		[[ $(bpftool -j map show id "$id" | jq -r .name) != stats ]] || stats=$id
	done
	bpftool -j map dump id "$stats" | jq -e 'length == 1 and (.[0].key | map(tonumber? // .) |
		all(. == 0 or . == "0x00"))' >"$TMP/others"
	finish
	# Nothing was counted there, so that nobody is told of it.
	! grep -q 'more filesystems' "$TMP/mon.err" || return 1
}

# Real races are tried: either this kernel has the fix, or every overwrite is counted.
test_count_races() {
	local leaked

	fixture 4096 "$TMP/mnt"
	monitor --mount "$TMP/mnt"
	"$RACE" --dir "$TMP/mnt" --mode fallocate --duration 5 >"$TMP/race.out"
	finish
	leaked=$(jq -e .blocks_leaked "$TMP/race.out")
	same overwritten_blocks "$(summary overwritten_blocks)" "$leaked"
	same leaked_blocks "$(summary leaked_blocks)" "$leaked"
	(($(summary delayed_inserts) > 0))
	unfixture "$TMP/mnt"
}

test_count_with_a_tiny_buffer() {
	local wanted

	fixture 4096 "$TMP/mnt"
	monitor --mount "$TMP/mnt" --buffer 4 --stacks
	wanted=$(counted "$TMP/mnt" 2000)
	finish
	same delayed_inserts "$(summary delayed_inserts)" "$wanted"
	unfixture "$TMP/mnt"
}

# Two monitors at once do not disturb each other.
test_count_twice_at_once() {
	local wanted other

	fixture 4096 "$TMP/mnt"
	"$TOOL" -o json --mount "$TMP/mnt" --output-file "$TMP/other" &
	other=$!
	appears "$TMP/other" '"type":"start"'
	monitor --mount "$TMP/mnt"
	wanted=$(counted "$TMP/mnt" 1000)
	finish
	kill -s INT "$other"
	wait "$other"
	same "the one" "$(summary delayed_inserts)" "$wanted"
	same "the other" "$(jq -r 'select(.type == "summary").delayed_inserts' "$TMP/other")" "$wanted"
	unfixture "$TMP/mnt"
}

# Files that are deleted before writeback keep their reserved blocks to the end and then give
# them back: this is no leak.
test_count_short_lived_files() {
	local i

	fixture 4096 "$TMP/mnt"
	monitor --mount "$TMP/mnt"
	for ((i = 0; i < 200; i++)); do
		head -c 20000 /dev/zero >"$TMP/mnt/file"
		rm "$TMP/mnt/file"
	done
	finish
	same delayed_inserts "$(summary delayed_inserts)" 1000
	same leaked_blocks "$(summary leaked_blocks)" 0
	same leaked_files "$(summary leaked_files)" 0
	same residual "$(summary 'residual[0].blocks')" 0
	unfixture "$TMP/mnt"
}
