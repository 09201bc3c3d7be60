// SPDX-License-Identifier: GPL-2.0-only
#include <bpf/libbpf.h>
#include <err.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"

#define LOG_STATS                                                                                  \
	4 /* BPF_LOG_STATS of the kernel's bpf_verifier.h: a few lines of figures, no trace */

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level;
	(void)fmt;
	(void)ap;
	return 0;
}

/* From the verifier's own log: kernels before 5.16 (aba64c7da983) tell it nowhere else. */
static unsigned int processed(const char *log)
{
	const char *at = strstr(log, "processed ");
	unsigned int insns;

	return at && sscanf(at, "processed %u insns", &insns) == 1 ? insns : 0;
}

void instructions(const char *file)
{
	static char log[1 << 16];
	struct bpf_program *prog, *p;
	struct bpf_object *obj;
	int k, n = 0;

	setlinebuf(stdout);
	libbpf_set_print(quiet);
	for (k = 0;; k++) {
		int at = 0;

		obj = bpf_object__open(file);
		if (!obj)
			errx(1, "%s: %s", file, strerror(errno));
		prog = NULL;
		bpf_object__for_each_program(p, obj)
		{
			bpf_program__set_autoload(p, at == k);
			if (at++ == k)
				prog = p;
		}
		if (!prog) {
			bpf_object__close(obj);
			break;
		}
		log[0] = '\0';
		bpf_program__set_log_buf(prog, log, sizeof(log));
		bpf_program__set_log_level(prog, LOG_STATS);
		if (!bpf_object__load(obj)) {
			printf("%s %u\n", bpf_program__name(prog), processed(log));
			n++;
		}
		bpf_object__close(obj);
	}
	if (!n)
		errx(1, "%s: no program of it can be loaded here", file);
}
