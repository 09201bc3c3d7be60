# SPDX-License-Identifier: GPL-2.0-only
# In the guest: the bench's pairs, every way to attach, beside what else does such work.
mount -t tracefs none /sys/kernel/tracing 2>/dev/null || true
export BENCH_TMP=/tmp
for mode in fentry kprobe tracepoint; do
	BENCH_ATTACH=$mode bench pairs /usr/local/bin/ext4race-detect /bench/empty.bpf.o /mnt/ext4 \
		"$1" /bench/peers/trace-cmd /bench/peers/ext4dist /bench/peers/ext4slower \
		>"/out/$mode.jsonl" || exit 1
done
for object in ext4race direct; do
	bench insns "/bench/$object.bpf.o" >"/out/insns.$object" || true
done
