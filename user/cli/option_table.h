/* SPDX-License-Identifier: GPL-2.0-only */
/* Every option and every command, once: parsing, --help and the completions follow from it. */
#ifndef EXT4RACE_OPTION_TABLE_H
#define EXT4RACE_OPTION_TABLE_H

#include "cli/command.h"

/* What options without a letter are known by. */
enum {
	OPT_ATTACH = 0x100,
	OPT_BTF,
	OPT_MOUNT,
	OPT_STACKS,
	OPT_FAIL_ON_RACE,
	OPT_NO_WAIT,
	OPT_LISTEN,
	OPT_WEB_CONFIG,
	OPT_TEXTFILE,
	OPT_JOURNAL,
	OPT_OUTPUT_FILE,
	OPT_BUFFER,
	OPT_DIR,
	OPT_IMAGE,
	OPT_PASSIVE,
	OPT_QUIET,
	OPT_WIDEN,
	OPT_YES,
	OPT_MAX_LEAK,
	OPT_COLOR,
	OPT_DUMP_OPTIONS,
};

struct option_def {
	int key; /* a letter, or OPT_* */
	const char *name;
	const char *arg;
	unsigned int commands;
	const char *help; /* NULL: hidden */
};

/* Ends with one without a name, and has OPTIONS_MAX at most. */
#define OPTIONS_MAX 40
extern const struct option_def option_table[];

struct command_def {
	const char *name;
	enum command command;
	const char *help;     /* one line */
	const char *statuses; /* exit statuses; one line or more */
	const char *examples; /* three, each a line or two */
};

/* Likewise. The first one is the default. */
extern const struct command_def command_table[];

/* --dump-options: a line for each option of each command, for completions and tests. */
void options_dump(void);

#endif /* EXT4RACE_OPTION_TABLE_H */
