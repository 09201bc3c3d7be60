# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The status line, as a terminal shows it (tmux) and as it gets it (pty.c). Only a drawing of it
# has these bytes.
DRAWN=$'\033[?7l'

# ---- in tmux ----

# tm ARG...: tmux, with a server of the test's own.
tm() {
	tmux -u -S "$TMP/tmux" -f /dev/null "$@"
}

# terminal COLUMNS: a shell in a terminal of that width. Its bytes are in $TMP/bytes.
terminal() {
	command -v tmux >/dev/null || skip "no tmux: make deps installs it"
	tm new-session -d -x "$1" -y 24 "exec env -u NO_COLOR LC_ALL=C.UTF-8 PS1='$ ' bash --norc --noprofile"
	trap 'tm kill-server 2>/dev/null; end_monitor' EXIT
	tm pipe-pane "cat >>'$TMP/bytes'"
	fixture 4096 "$TMP/mnt"
}

types_line() { # TEXT: at the shell's prompt
	tm send-keys -l "$1"
	tm send-keys Enter
}

# all: what is on the screen and in the scrollback.
all() {
	tm capture-pane -p -J -S -
}

# shows PATTERN: waits until a line of it matches.
shows() {
	local until=$((SECONDS + 60))

	until all | grep -q -e "$1"; do
		((SECONDS < until)) || {
			echo "not shown: $1"
			all
			return 1
		}
		sleep 0.1
	done
}

# The line, and what would be left of one.
STATUS='[0-9]:[0-9][0-9]:[0-9][0-9] · \|0 overwritten\|0 leaked\|0 faults'

status_lines() {
	all | grep -c -e "$STATUS" || true
}

ends_clean() {
	tm send-keys C-c
	shows '^No overwrite seen'
	shows 'lost events'
	same "lines that are left" "$(status_lines)" 0
	unfixture "$TMP/mnt"
}

test_terminal_status_line() {
	terminal 79
	types_line "$TOOL --mount $TMP/mnt"
	shows '0 overwritten · 0 leaked'
	same "lines" "$(status_lines)" 1
	# The verdict comes with some inserts: it pushes the line down.
	head -c 1000000 /dev/zero >"$TMP/mnt/some"
	shows '  verdict    '
	shows '0 overwritten · 0 leaked'
	same "lines" "$(status_lines)" 1
	all | sed '/^$/d' | tail -n 1 | grep -q -e "$STATUS"
	same "columns at most" "$(all | grep -e "$STATUS" | wc -L | awk '{ print ($1 < 79) }')" 1
	ends_clean
}

# The terminal wraps what it shows before the monitor learns of the new size.
test_terminal_resize() {
	local columns

	terminal 150
	types_line "$TOOL --mount $TMP/mnt"
	shows '^watched 0:[0-9:]* · .* faults checked '
	for columns in 60 24 110; do
		tm resize-window -x "$columns"
		case $columns in
		60) shows '^0:[0-9:]* · .*0 leaked · 0 lost$' ;;
		24) shows '^0:[0-9:]* · 0 overwritten$' ;;
		110) shows '^0:[0-9:]* · .*0 leaked · 0 faults ' ;;
		esac
		same "lines at $columns" "$(status_lines)" 1
	done
	ends_clean
}

test_terminal_stop_and_go_on() {
	terminal 79
	types_line "$TOOL --mount $TMP/mnt"
	shows '0 overwritten · '
	tm send-keys C-z
	shows 'Stopped'
	same "lines while stopped" "$(status_lines)" 0
	types_line fg
	shows '0 overwritten · '
	same "lines" "$(status_lines)" 1
	ends_clean
}

# In the background it draws nothing, and `stty tostop` does not stop it when it reports.
test_terminal_background() {
	terminal 79
	types_line 'stty tostop'
	types_line "$TOOL --mount $TMP/mnt -d 3s & wait; echo status \$?"
	shows '^No overwrite seen'
	shows '^status 0'
	! grep -qF "$DRAWN" "$TMP/bytes" || return 1
	# In the foreground again, the same shell's monitor has one.
	types_line "$TOOL --mount $TMP/mnt"
	shows '0 overwritten · '
	ends_clean
}

# ---- as bytes ----

# on_terminal COMMAND...: on a terminal of 80 columns. Its bytes are in $TMP/tty.
on_terminal() {
	env -u NO_COLOR -u LC_ALL -u LC_CTYPE LANG=C TERM=xterm "$PTY" 80x24 "$@" >"$TMP/tty"
}

draws() {
	grep -qF "$DRAWN" "$TMP/tty"
}

draws_nothing() {
	! draws || return 1
}

test_terminal_bytes() {
	fixture 4096 "$TMP/mnt"
	set -- "$TOOL" --mount "$TMP/mnt" -d 2s
	on_terminal "$@"
	draws
	grep -q $'\033\[1m' "$TMP/tty"
	# The locale is not one of UTF-8.
	! LC_ALL=C grep -q '[^ -~[:cntrl:]]' "$TMP/tty" || return 1
	on_terminal env LC_ALL=C.UTF-8 "$@"
	grep -q ' · ' "$TMP/tty"
	on_terminal env NO_COLOR=1 "$@"
	draws
	! grep -q $'\033\[[0-9;]*m' "$TMP/tty" || return 1
	on_terminal env NO_COLOR=1 "$@" --color always
	grep -q $'\033\[1m' "$TMP/tty"
	on_terminal "$@" --color never
	! grep -q $'\033\[[0-9;]*m' "$TMP/tty" || return 1
	on_terminal env TERM=dumb "$@"
	! grep -q $'\033' "$TMP/tty" || return 1
	grep -q '^No overwrite seen' "$TMP/tty"
	unfixture "$TMP/mnt"
}

test_terminal_pipes_and_files() {
	fixture 4096 "$TMP/mnt"
	set -- "$TOOL" --mount "$TMP/mnt" -d 2s
	# shellcheck disable=SC2016 # of the inner shell
	on_terminal bash -c 'set -o pipefail; "$@" | cat >"$0"' "$TMP/out" "$@"
	draws_nothing
	grep -q '^No overwrite seen' "$TMP/out"
	! grep -q $'\033' "$TMP/out" || return 1
	# shellcheck disable=SC2016
	on_terminal bash -c '"$@" >"$0"' "$TMP/out" "$@"
	draws
	grep -q '^No overwrite seen' "$TMP/out"
	! grep -q $'\033' "$TMP/out" || return 1
	on_terminal "$@" --output-file "$TMP/log"
	draws
	! grep -q $'\033' "$TMP/log" || return 1
	# shellcheck disable=SC2016
	on_terminal bash -c '"$@" 2>"$0"' "$TMP/err" "$@"
	draws_nothing
	same messages "$(cat "$TMP/err")" ""
	# Color where it was asked for, and still no line.
	"$@" --color always >"$TMP/out"
	grep -q $'\033\[1m' "$TMP/out"
	! grep -qF "$DRAWN" "$TMP/out" || return 1
	unfixture "$TMP/mnt"
}

# Nothing wakes the monitor up every second where nobody sees it.
test_terminal_timer() {
	local pid

	monitor
	! grep -l 'it_interval: (1, 0)' /proc/"$MON_PID"/fdinfo/* || return 1
	finish
	terminal 79
	types_line "$TOOL --mount $TMP/mnt"
	shows '0 overwritten · '
	pid=$(pgrep -n -x ext4race-detect -P "$(tm display-message -p '#{pane_pid}')")
	grep -q 'it_interval: (1, 0)' /proc/"$pid"/fdinfo/*
	ends_clean
}

test_terminal_progress() {
	fixture 4096 "$TMP/mnt"
	on_terminal "$TOOL" provoke --dir "$TMP/mnt" --yes -d 2s || true
	draws
	grep -q ' s left .* attempts .* collisions' "$TMP/tty"
	on_terminal "$TOOL" verify --passive || true
	draws
	grep -q ' s left .* of 32 delayed inserts' "$TMP/tty"
	# A script that wants the word gets nothing else.
	# shellcheck disable=SC2016
	on_terminal bash -c '"$0" verify --passive --quiet | cat' "$TOOL" || true
	draws_nothing
	unfixture "$TMP/mnt"
}
