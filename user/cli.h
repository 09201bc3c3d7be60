/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line: subcommands, options, exit statuses. */
#ifndef EXT4RACE_CLI_H
#define EXT4RACE_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "../bpf/event.h"

#define PROGRAM "ext4race-detect"

/* 0, 2 and 3 are Nagios' OK, CRITICAL and UNKNOWN. */
enum exit_status {
	EXIT_OK = 0,	     /* no race seen; fixed */
	EXIT_CANNOT = 1,     /* permission, kernel, I/O */
	EXIT_RACE = 2,	     /* race seen with --fail-on-race; vulnerable; overwritten */
	EXIT_UNKNOWN = 3,    /* unknown, inconclusive, evidence lost */
	EXIT_BAD_USAGE = 64, /* EX_USAGE */
};

enum command {
	COMMAND_MONITOR = 1,
	COMMAND_VERIFY = 2,
	COMMAND_PROVOKE = 4,
	COMMAND_DOCTOR = 8,
	COMMAND_ALL = 15,
};

enum attach_mode {
	ATTACH_AUTO,
	ATTACH_FENTRY,
	ATTACH_KPROBE,
	ATTACH_TRACEPOINT,
	ATTACH_MAX,
};

struct options {
	enum command command;
	bool json;
	enum attach_mode attach;
	const char *btf_file;
	bool verbose;
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
 * Parses argv. Does not return on --help, --version (exit 0) and on a usage
 * error (one line on stderr, exit EXIT_BAD_USAGE).
 */
void options_parse(struct options *opt, int argc, char **argv);

/* "10", "10s", "1.5m", "2h" as seconds, at most a year. 0, or -EINVAL. */
int parse_duration(const char *text, double *seconds);
/* A whole number from min to max. 0, or -EINVAL. */
int parse_number(const char *text, unsigned long long min, unsigned long long max,
		 unsigned long long *number);

const char *attach_mode_name(enum attach_mode mode);

/* The subcommands; each returns an exit status. */
int cmd_monitor(const struct options *opt);
int cmd_verify(const struct options *opt);
int cmd_provoke(const struct options *opt);
int cmd_doctor(const struct options *opt);

/* One line on stderr, with the program's name before and a newline after it. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif /* EXT4RACE_CLI_H */
