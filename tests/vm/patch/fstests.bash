# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154
# In the guest, as common/preamble: what tests/ext4/900 of patch/fstests asks of the kernel's
# own suite (fstests), as that suite's common/rc defines it. bash reads it; what bash does
# not have is busybox's.

FSTYP=ext4
SCRATCH_DEV=/dev/vda
SCRATCH_MNT=/mnt/ext4
MOUNT_OPTIONS=

_begin_fstest() {
	seq=$(basename "$0")
	seqres=$RESULT_DIR/$seq
	here=$(pwd)
	status=1
	trap 'exit $status' EXIT
	: >"$seqres.full"
	echo "QA output created by $seq"
	echo "run fstests ext4/$seq, $RUN" >/dev/kmsg
}

_notrun() {
	echo "$*" >"$seqres.notrun"
	status=0
	exit
}

_fail() {
	echo "$*"
	exit 1
}

_exclude_fs() {
	[[ $1 != "$FSTYP" ]] || _notrun "not for $FSTYP"
}

_exclude_scratch_mount_option() {
	local option
	for option; do
		[[ $MOUNT_OPTIONS != *"$option"* ]] || _notrun "not with $option"
	done
}

_fixed_by_kernel_commit() {
	echo "$*" >"$seqres.hints"
}

_require_scratch() {
	[[ -b $SCRATCH_DEV ]] || _notrun "no $SCRATCH_DEV"
}

_require_check_dmesg() {
	[[ -w /dev/kmsg ]] || _notrun 'no /dev/kmsg'
}

_require_test_program() {
	[[ -x $here/src/$1 ]] || _notrun "$1 is not built"
}

_scratch_mkfs() {
	mkfs.ext4 -F -q "$SCRATCH_DEV" || _fail 'mkfs failed'
}

_scratch_mount() {
	mount -t "$FSTYP" "$SCRATCH_DEV" "$SCRATCH_MNT" || _fail 'mount failed'
}

_scratch_unmount() {
	umount "$SCRATCH_MNT"
}

_require_fs_sysfs_attr() {
	[[ -e /sys/fs/$FSTYP/$(basename "$1")/$2 ]] || _notrun "no $2 in sysfs"
}

_get_fs_sysfs_attr() {
	cat "/sys/fs/$FSTYP/$(basename "$1")/$2"
}

_check_dmesg_for() {
	dmesg | tac | sed "/run fstests ext4\/$seq, $RUN\$/q" | grep -E -q "$1"
}
