# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The table of attempts, for run and for the guest of tests/fleet/confine.sh.

TABLE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/table

expected() { # SETTING: "ATTEMPT OUTCOME" a line
	awk -v want="$1" '/^# attempt/ { for (i = 3; i <= NF; i++) if ($i == want) column = i - 1 }
		!/^#/ && $column != "-" { print $1, $column }' "$TABLE"
}

# judge FILE THREAD ATTEMPT OUTCOME: what the monitor wrote down in FILE, is it that?
# 77: this kernel has no such file. HIDES=1: the process has a view of its own of the files.
judge() {
	local got
	got=$(awk -v t="$2" -v a="$3" '$1 == t && $2 == a { print $3, $4 }' "$1")
	echo "got: $got"
	if [[ $got == "refused 2" && $3 =~ ^(read_kernel_memory|enable_trace)$ ]]; then
		return 77
	fi
	# EPERM or EACCES: another error would be an attempt that is wrong itself.
	case "$4 $got" in
	"done done 0" | "refused refused 1" | "refused refused 13") return 0 ;;
	esac
	# EROFS; ENODATA of an empty file; ENOENT where there is a file outside.
	[[ ${HIDES:-} && $4 == refused ]] || return 1
	case "$3 $got" in
	*" refused 30" | "read_kernel_memory refused 61") return 0 ;;
	"read_disk refused 2" | "read_process refused 2" | "read_environment refused 2") return 0 ;;
	esac
	return 1
}
