# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Is the fix in this kernel? The verdict depends on the kernel. But the tool has to give the
# same verdict each time, and its pieces of evidence have to agree.

# judged OPTION...: prints the verdict, and checks that exit status and evidence belong to it.
judged() {
	local rc=0 verdict

	"$TOOL" verify -o json "$@" >"$TMP/verdict" || rc=$?
	verdict=$(jq -er .verdict "$TMP/verdict")
	case $verdict in
	fixed) same "exit status of $verdict" "$rc" 0 ;;
	vulnerable) same "exit status of $verdict" "$rc" 2 ;;
	*) same "exit status of $verdict" "$rc" 3 ;;
	esac || return 1
	echo "$verdict"
}

says() { # KIND: what this piece of evidence of the last verdict says
	jq -r --arg kind "$1" '.evidence[] | select(.kind == $kind).says' "$TMP/verdict"
}

test_verify_evidence_agrees() {
	local verdict

	fixture 4096 "$TMP/mnt"
	verdict=$(judged --dir "$TMP/mnt") || { echo "$verdict"; return 1; }
	same "behaviour" "$(says behaviour)" "$verdict" || return 1
	[[ $(says text) == unknown ]] || same "text" "$(says text)" "$verdict" || return 1
	same "--quiet" "$("$TOOL" verify --quiet --dir "$TMP/mnt" || true)" "$verdict" || return 1
	same "files left" "$(find "$TMP/mnt" -name '.ext4race*')" "" || return 1
	unfixture "$TMP/mnt"
}

# Writes and stores to many files on the same filesystem, over cached and uncached holes.
test_verify_under_fio() {
	local alone fio verdict i

	command -v fio >/dev/null || skip "fio is not installed"
	FIXTURE_SIZE=1G fixture 4096 "$TMP/mnt"
	alone=$(judged --dir "$TMP/mnt") || { echo "$alone"; return 1; }
	fio --directory="$TMP/mnt" --size=48M --time_based --runtime=600 --output="$TMP/fio.out" \
		--name=write --rw=randwrite --bs=4k --numjobs=2 --fallocate=none --overwrite=0 \
		--name=store --ioengine=mmap --rw=randrw --bs=4k --numjobs=2 --fallocate=none \
		--overwrite=0 2>"$TMP/fio.err" &
	fio=$!
	# Once the jobs work, all four files are there.
	for ((i = 0; i < 600; i++)); do
		[[ $(find "$TMP/mnt" -name '*.0' | wc -l) -lt 4 ]] || break
		read -r -t 0.1 <> <(:) || true
	done
	for ((i = 0; i < 10; i++)); do
		verdict=$(judged --dir "$TMP/mnt") || { echo "$verdict"; return 1; }
		same "run $i under load" "$verdict" "$alone" || return 1
		same "behaviour in run $i" "$(says behaviour)" "$alone" || return 1
	done
	verdict=$(judged --passive) || { echo "$verdict"; return 1; }
	same "of the load's own inserts" "$verdict" "$alone" || return 1
	kill -0 "$fio" || { cat "$TMP/fio.err"; return 1; }
	kill -s INT "$fio"
	wait "$fio" || true
	unfixture "$TMP/mnt"
}

test_verify_leaves_nothing() {
	fixture 4096 "$TMP/mnt"
	in_kernel >"$TMP/before"
	"$TOOL" verify --dir "$TMP/mnt" >/dev/null || true
	no_trace "$TMP/before" || return 1
	unfixture "$TMP/mnt"
}
