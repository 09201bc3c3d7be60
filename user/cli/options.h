/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line: subcommands and their options. */
#ifndef EXT4RACE_OPTIONS_H
#define EXT4RACE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "attach/mode.h"
#include "base/exit_status.h"
#include "base/terminal.h"
#include "bpf/event.h"
#include "cli/command.h"

struct options {
	enum command command;
	bool json;
	enum attach_mode attach;
	const char *btf_file;
	enum color_when color;
	bool verbose;
	bool version; /* print it and do nothing else */
	/* monitor */
	double duration; /* seconds; 0: until a signal; provoke has its own default */
	const char *mounts[E4R_MAX_FILTER];
	size_t n_mounts;
	bool stacks;
	bool fail_on_race;
	bool no_wait;
	const char *listen;
	const char *web_config;
	const char *textfile;
	bool journal;
	const char *output_file;
	size_t buffer_kib;
	/* verify, provoke */
	const char *dir;
	const char *image;
	bool passive;
	bool quiet;
	unsigned int widen_usec;
	bool yes;
	unsigned long long max_leak; /* blocks; 0: no limit */
};

/*
 * Parses argv, which the result points into. Does not return on --help and
 * --dump-options (exit EXIT_OK; EXIT_CANNOT where standard output cannot be written), nor on
 * a usage error (one line on stderr, exit EXIT_BAD_USAGE).
 */
void options_parse(struct options *opt, int argc, char **argv);

#endif /* EXT4RACE_OPTIONS_H */
