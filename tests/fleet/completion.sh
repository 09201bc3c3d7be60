#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The completions offer what the option table has, in the shells themselves.
set -euo pipefail
# shellcheck source=tests/fleet/lib.sh
. "$(dirname "$0")/lib.sh"
need zsh
COMMAND=${EXT4RACE_DETECT:-$ROOT/ext4race-detect}
need "$COMMAND"
LIBRARY=/usr/share/bash-completion/bash_completion
if ! [[ -r $LIBRARY ]]; then
	echo "1..0 # skip bash-completion is not installed"
	rm -rf "$TMP"
	exit 77
fi

"$COMMAND" --dump-options >"$TMP/table"
awk -f "$ROOT/deploy/completion/bash.awk" "$TMP/table" >"$TMP/bash"
mkdir "$TMP/zsh"
awk -f "$ROOT/deploy/completion/zsh.awk" "$TMP/table" >"$TMP/zsh/_ext4race-detect"

# The options that the table has for a command, one per line.
options_of() {
	awk -F'\t' -v c="$1" '$1 == c { if ($2 != " ") print $2; print $3 }' "$TMP/table" | sort -u
}

# What bash offers after these words.
bash_offers() {
	# shellcheck disable=SC2016 # of the inner shell
	bash --norc -c '. "$1"; . "$2"; shift 2
		COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
		_ext4race_detect 2>/dev/null
		printf "%s\n" "${COMPREPLY[@]}"' bash "$LIBRARY" "$TMP/bash" "$@" | sort -u
}

# The options that the zsh function hands to _arguments after these words, one per line.
zsh_offers() {
	# shellcheck disable=SC2016 # of the inner shell
	zsh -f -c '_arguments() { print -rl -- "$@" }
		file=$1; shift
		words=(ext4race-detect "$@" -) CURRENT=$(($# + 2))
		source "$file"' zsh "$TMP/zsh/_ext4race-detect" "$@" |
		sed -nE "s/^(\([^)]*\)|\*)?(-[-a-zA-Z.]+)[+=]?\[.*/\2/p" | sort -u
}

bash_same() {
	diff <(options_of "$1") <(bash_offers ext4race-detect "$1" -)
}

zsh_same() {
	diff <(options_of "$1") <(zsh_offers "$1")
}

offers() { # WANT... -- WORDS...
	local want=()
	while [[ $1 != -- ]]; do
		want+=("$1")
		shift
	done
	shift
	diff <(printf '%s\n' "${want[@]}" | sort -u) <(bash_offers "$@")
}

# A value that looks like the name of a command is no command.
zsh_value() {
	diff <(options_of monitor) <(zsh_offers --output-file doctor)
}

mapfile -t COMMANDS < <(cut -f1 "$TMP/table" | uniq)
for command in "${COMMANDS[@]}"; do
	ok "bash: $command" bash_same "$command"
	ok "zsh: $command" zsh_same "$command"
done
ok "bash: commands" offers "${COMMANDS[@]}" -- ext4race-detect ''
ok "bash: values" offers text json -- ext4race-detect --output ''
ok "bash: values behind =" offers fentry -- ext4race-detect doctor --attach=f
ok "bash: a value that is called like a command" offers --listen -- ext4race-detect \
	--output-file doctor --l
ok "zsh: a value that is called like a command" zsh_value
ok "bash: no value for a number" offers '' -- ext4race-detect --duration ''
ok "shellcheck" shellcheck -s bash "$TMP/bash"
