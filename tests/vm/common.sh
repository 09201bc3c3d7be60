# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Shared by tests/vm/kernel and tests/vm/run.

# shellcheck disable=SC2034 # for those who read this
vm_cache=${EXT4RACE_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/ext4race}

say()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

# die STATUS MESSAGE...
die()
{
	local status=$1

	shift
	say "$@"
	exit "$status"
}

# need COMMAND PACKAGE: dies unless COMMAND exists; PACKAGE is the one to install.
need()
{
	command -v "$1" >/dev/null ||
		die 1 "$1 is missing: install the package $2 (or run: make deps)"
}
