// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <stdio.h>

#include "cli/option_table.h"

const struct option_def option_table[] = {
	{ 'o', "output", "text|json", COMMAND_ALL, "Output for people or as JSON lines" },
	{ OPT_ATTACH, "attach", "auto|fentry|kprobe|tracepoint", COMMAND_ALL,
	  "How to attach to the kernel (default: auto, the cheapest hook at each point)" },
	{ OPT_BTF, "btf", "FILE", COMMAND_ALL, "BTF of ext4, where the kernel has none" },
	{ 'd', "duration", "SEC", COMMAND_MONITOR | COMMAND_PROVOKE,
	  "Stop after this time; 30, 30s, 5m and 2h are understood" },
	{ OPT_MOUNT, "mount", "PATH", COMMAND_MONITOR,
	  "Watch the ext4 filesystem mounted at PATH only; may be repeated" },
	{ OPT_STACKS, "stacks", NULL, COMMAND_MONITOR, "Record kernel stacks of both sides" },
	{ OPT_FAIL_ON_RACE, "fail-on-race", NULL, COMMAND_MONITOR,
	  "Exit with 2 when an overwrite was seen, 3 when evidence was lost" },
	{ OPT_NO_WAIT, "no-wait", NULL, COMMAND_MONITOR, "Do not wait for ext4 to be loaded" },
	{ OPT_LISTEN, "listen", "ADDR:PORT", COMMAND_MONITOR,
	  "Serve metrics and events over HTTP; ADDR is numeric, localhost or * (default: "
	  "127.0.0.1)" },
	{ OPT_WEB_CONFIG, "web.config.file", "FILE", COMMAND_MONITOR,
	  "TLS and users of --listen, in exporter-toolkit's format" },
	{ OPT_TEXTFILE, "textfile", "FILE", COMMAND_MONITOR,
	  "Write metrics for node_exporter's textfile collector" },
	{ OPT_JOURNAL, "journal", NULL, COMMAND_MONITOR, "Report to systemd's journal as well" },
	{ OPT_OUTPUT_FILE, "output-file", "FILE", COMMAND_MONITOR,
	  "Append the output to FILE instead; SIGHUP reopens it" },
	{ OPT_BUFFER, "buffer", "KIB", COMMAND_MONITOR | COMMAND_PROVOKE,
	  "Ring buffer for event details, a power of two from 4 (default: 512)" },
	{ OPT_DIR, "dir", "DIR", COMMAND_VERIFY | COMMAND_PROVOKE,
	  "Directory on the ext4 filesystem to use for scratch files" },
	{ OPT_IMAGE, "image", "FILE", COMMAND_VERIFY,
	  "Judge an ext4.ko or vmlinux on disk instead of the running kernel" },
	{ OPT_PASSIVE, "passive", NULL, COMMAND_VERIFY,
	  "Write nothing, wait for the host's own delayed inserts" },
	{ OPT_QUIET, "quiet", NULL, COMMAND_VERIFY, "Print the one word only" },
	{ OPT_WIDEN, "widen", "USEC", COMMAND_PROVOKE,
	  "Delay our own faults inside the window, at most 10000" },
	{ OPT_YES, "yes", NULL, COMMAND_PROVOKE, "Do not ask" },
	{ OPT_MAX_LEAK, "max-leak", "BLOCKS", COMMAND_PROVOKE, "Stop after so many leaked blocks" },
	{ OPT_COLOR, "color", "auto|always|never", COMMAND_ALL,
	  "Color what is serious (default: auto, on a terminal, unless NO_COLOR is set)" },
	{ 'v', "verbose", NULL, COMMAND_ALL, "Say more, libbpf's messages included" },
	{ 'V', "version", NULL, COMMAND_ALL,
	  "Print the version; with -v the libraries and theirs too" },
	{ 'h', "help", NULL, COMMAND_ALL, "Print this help" },
	{ OPT_DUMP_OPTIONS, "dump-options", NULL, COMMAND_ALL, NULL },
	{},
};

_Static_assert(sizeof(option_table) / sizeof(option_table[0]) <= OPTIONS_MAX + 1, "OPTIONS_MAX");

const struct command_def command_table[] = {
	{ "monitor", COMMAND_MONITOR, "Watch this kernel and report each overwrite (the default)",
	  "0 no race seen, 2 race seen, 3 evidence was lost (2 and 3 only\n"
	  "with --fail-on-race), 1 it could not be done, 64 usage.",
	  "  sudo ext4race-detect                        watch until ^C\n"
	  "  sudo ext4race-detect verify                 is the fix in this kernel?\n"
	  "  sudo ext4race-detect -d 1h --mount /srv --fail-on-race\n"
	  "                                              an hour, one filesystem, as a check\n" },
	{ "verify", COMMAND_VERIFY, "Is the fix in the running kernel? No race is needed",
	  "0 fixed, 2 vulnerable, 3 unknown, 1 it could not be done, 64 usage.",
	  "  sudo ext4race-detect verify                 with the evidence\n"
	  "  sudo ext4race-detect verify --quiet         one word, for scripts\n"
	  "  sudo ext4race-detect verify --passive       write nothing to any disk\n" },
	{ "provoke", COMMAND_PROVOKE,
	  "Make the race happen on scratch files, and report what came of it",
	  "0 nothing overwritten, 2 overwritten, 3 inconclusive, 1 it could\n"
	  "not be done, 64 usage.",
	  "  sudo ext4race-detect provoke --dir /srv     ten seconds; asks before it leaks\n"
	  "  sudo ext4race-detect provoke --dir /srv --widen 500 --max-leak 10\n"
	  "                                              surer, and ten blocks at most\n"
	  "  sudo ext4race-detect provoke --dir /srv -d 1m --yes -o json\n"
	  "                                              for scripts\n" },
	{ "doctor", COMMAND_DOCTOR,
	  "What this kernel offers, what would be attached, what is missing",
	  "0 full detection, 3 degraded, 1 impossible, 64 usage.",
	  "  sudo ext4race-detect doctor                 before the first monitor\n"
	  "  sudo ext4race-detect doctor -v              each hook that was refused, and why\n"
	  "  sudo ext4race-detect doctor --attach kprobe\n"
	  "                                              would this one work?\n" },
	{},
};

void options_dump(void)
{
	const struct command_def *cmd;
	const struct option_def *def;

	for (cmd = command_table; cmd->name; cmd++) {
		for (def = option_table; def->name; def++) {
			if (!def->help || !(def->commands & cmd->command))
				continue;
			printf("%s\t%s%c\t--%s\t%s\t%s\n", cmd->name, isascii(def->key) ? "-" : "",
			       isascii(def->key) ? def->key : ' ', def->name,
			       def->arg ? def->arg : "", def->help);
		}
	}
}
