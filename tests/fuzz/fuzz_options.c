// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command line, arguments with a NUL between them: either it is understood, and then
 * every value is one that the commands take, or it ends with 64 and one line on stderr.
 */
#include <errno.h>
#include <sanitizer/allocator_interface.h>
#include <setjmp.h>

#include "cli/options.h"
#include "fuzz.h"

#define ARGS 24

static jmp_buf left;
static volatile bool parsing;
static int status;

void __real_exit(int code) __attribute__((noreturn));
void __wrap_exit(int code) __attribute__((noreturn));

/* Linked in exit()'s place: options_parse() does not return from a mistake. */
void __wrap_exit(int code)
{
	if (!parsing)
		__real_exit(code);
	parsing = false;
	status = code;
	longjmp(left, 1);
}

/* ---- what argp has allocated when it is left in the middle ---- */

#define HELD 4096
static void *held[HELD];
static size_t n_held;

static void on_malloc(const volatile void *at, size_t size)
{
	(void)size;
	if (parsing && n_held < HELD)
		held[n_held++] = (void *)at;
}

static void on_free(const volatile void *at)
{
	size_t i;

	if (!parsing || !at)
		return;
	for (i = n_held; i--;) {
		if (held[i] == at) {
			held[i] = held[--n_held];
			return;
		}
	}
}

static void free_held(void)
{
	while (n_held)
		free(held[--n_held]);
}

/* ---- one command line ---- */

static int split(const uint8_t *data, size_t size, char *text, char **argv)
{
	int argc = 1;
	char *at = text;

	memcpy(text, data, size);
	text[size] = '\0';
	while (at < text + size && argc < ARGS) {
		argv[argc++] = at;
		at += strlen(at) + 1;
	}
	argv[argc] = NULL;
	return argc;
}

static void check(const struct options *opt)
{
	must(opt->command == COMMAND_MONITOR || opt->command == COMMAND_VERIFY ||
	     opt->command == COMMAND_PROVOKE || opt->command == COMMAND_DOCTOR);
	must(opt->attach < ATTACH_MAX);
	must(opt->duration >= 0 && opt->duration <= 366 * 86400.0);
	must(opt->buffer_kib >= 4 && !(opt->buffer_kib & (opt->buffer_kib - 1)));
	must(opt->n_mounts <= E4R_MAX_FILTER);
	must(opt->widen_usec <= 10000);
	must(!opt->web_config || opt->listen);
	must(opt->command != COMMAND_PROVOKE || opt->dir);
	must(opt->command == COMMAND_MONITOR || !opt->listen);
	must(!opt->image || (!opt->dir && !opt->passive));
}

static size_t lines_of(const char *text)
{
	size_t n = 0;

	while ((text = strchr(text, '\n'))) {
		text++;
		n++;
	}
	return n;
}

static void check_end(const char *said, const char *told, size_t newlines)
{
	must(status == EXIT_BAD_USAGE || status == EXIT_OK);
	if (status == EXIT_OK) {
		must(told[0] && !said[0]);
		return;
	}
	/* A newline of an argument is the user's own. */
	must(!told[0] && !strncmp(said, "ext4race-detect", 15));
	must(lines_of(said) >= 1 && lines_of(said) <= 1 + newlines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool hooked;
	FILE *out = stdout, *err = stderr;
	char *argv[ARGS + 1] = { (char[]){ "ext4race-detect" } };
	char *said = NULL, *told = NULL, *text = malloc(size + 1);
	size_t said_len, told_len, i, newlines = 0;
	struct options opt;
	volatile int argc;

	/* --help sets it, too: the environment's memory must not be among what is freed here. */
	if (!hooked)
		setenv("ARGP_HELP_FMT", "no-dup-args-note", 0);
	if (!hooked)
		__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
	hooked = true;
	must(text);
	argc = split(data, size, text, argv);
	for (i = 0; i < size; i++)
		newlines += data[i] == '\n';
	stderr = open_memstream(&said, &said_len);
	stdout = open_memstream(&told, &told_len);
	/* Their buffers are made by the first byte. */
	setvbuf(stderr, NULL, _IOFBF, 0);
	must(stderr && stdout);
	status = -1;
	if (!setjmp(left)) {
		parsing = true;
		options_parse(&opt, argc, argv);
		parsing = false;
	}
	program_invocation_short_name = (char *)"ext4race-detect";
	fclose(stderr);
	fclose(stdout);
	stderr = err;
	stdout = out;
	if (status < 0)
		check(&opt);
	else
		check_end(said, told, newlines);
	free_held();
	free(said);
	free(told);
	free(text);
	return 0;
}
