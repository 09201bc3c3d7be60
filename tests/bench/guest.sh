# SPDX-License-Identifier: GPL-2.0-only
# In the guest: guest.sh PAIRS ROUNDS. The bench's pairs and programs in every mode, beside
# other tools that do such work. Writes raw lines to /out/MODE.jsonl.
mount -t tracefs none /sys/kernel/tracing 2>/dev/null || true
export BENCH_TMP=/tmp
set -- "$1" "$2" /bench/peers/trace-cmd /bench/peers/ext4dist /bench/peers/ext4slower
pairs=$1 rounds=$2
shift 2
for mode in fentry kprobe tracepoint; do
	export BENCH_ATTACH=$mode
	echo "$mode: $pairs pairs, $rounds rounds ..."
	{
		bench pairs /usr/local/bin/ext4race-detect /bench/empty.bpf.o /mnt/ext4 "$pairs" "$@" &&
			bench progs /usr/local/bin/ext4race-detect /bench/empty.bpf.o /mnt/ext4 "$rounds"
	} >"/out/$mode.jsonl" || exit 1
done
# A kernel that cannot read by plain loads loads no program of direct.
for object in ext4race direct; do
	bench insns "/bench/$object.bpf.o" 2>/dev/null | sed "s/^/$object:/"
done >/out/insns
