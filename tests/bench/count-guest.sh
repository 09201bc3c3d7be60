# SPDX-License-Identifier: GPL-2.0-only
# count-guest.sh [--trees] [--no-empty] RUNS PEERS LABEL=OPTIONS..., in the guest, whose clock counts
# instructions: what each operation costs with nothing attached, with the monitor and these options,
# with empty programs on the same hooks (unless --no-empty), and with the PEERS (a comma-separated
# list, or "none"). Without a LABEL: what faults and fallocates cost on 1 to all CPUs at once. With
# PEERS also what an event and a scrape cost. --trees: at the end also faults among many extents.
# Of each object in /bench/insns, if there are any: what the verifier walks.
trees=
while :; do
	case $1 in
	--trees) trees=1 ;;
	--no-empty) export BENCH_NO_EMPTY=1 ;;
	*) break ;;
	esac
	shift
done
mount -t tracefs none /sys/kernel/tracing 2>/dev/null || true
for object in /bench/insns/*.bpf.o; do
	[ ! -e "$object" ] || bench insns "$object" | sed "s|^|$(basename "$object" .bpf.o):|" >>/out/insns
done
# measure LABEL MODE RUNS [PEER...]: the bench's lines, with the plan's label
measure() {
	label=$1 mode=$2
	shift 2
	bench "$mode" /usr/local/bin/ext4race-detect /bench/empty.bpf.o /mnt/ext4 "$@" |
		sed "s/^{/{\"plan\":\"$label\",/" >>/out/count.jsonl
}
export BENCH_TMP=/tmp
runs=$1 peers=
for peer in $(echo "$2" | tr , ' '); do
	[ "$peer" = none ] || peers="$peers /bench/peers/$peer"
done
shift 2
# The file systems of --mount, when it is asked for more than once.
for i in $(seq 15); do
	case "$*" in
	*/mnt/more15*) ;;
	*) break ;;
	esac
	mkdir -p "/mnt/more$i"
	truncate -s 8M "/tmp/more$i" && mkfs.ext4 -q "/tmp/more$i" && mount -o loop "/tmp/more$i" "/mnt/more$i" || exit 1
done
[ $# -gt 0 ] || bench cpus /usr/local/bin/ext4race-detect /bench/empty.bpf.o /mnt/ext4 "$runs" >>/out/count.jsonl || exit 1
if [ "$peers" ]; then
	ip link set lo up
	: >/mnt/ext4/storm
	storm count /usr/local/bin/ext4race-detect /bench/ext4race.bpf.o /mnt/ext4/storm >>/out/count.jsonl ||
		echo "no figures of an event here"
fi
for plan; do
	label=${plan%%=*} options=${plan#*=}
	case $options in
	"--attach "*) BENCH_ATTACH=$(echo "$options" | cut -d' ' -f2) BENCH_ARGS=$(echo "$options" | cut -d' ' -f3-) ;;
	*) BENCH_ATTACH=auto BENCH_ARGS=$options ;;
	esac
	export BENCH_ATTACH BENCH_ARGS
	echo "$label ..."
	# shellcheck disable=SC2086 # a list
	measure "$label" count "$runs" $peers || exit 1
	peers=
done
# Last, as they leave little free space in one piece: what an allocation costs changes.
if [ "$trees" ]; then
	unset BENCH_ATTACH BENCH_ARGS
	measure default trees 1 || exit 1
fi
