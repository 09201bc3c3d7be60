/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libbpf's messages. libbpf explains a failure only through its log: the first warning
 * is kept, so that it can be told with the error. Each loader owns one struct bpf_log.
 */
#ifndef EXT4RACE_BPF_LOG_H
#define EXT4RACE_BPF_LOG_H

#include <stdbool.h>
#include <stddef.h>

struct bpf_log {
	bool verbose;	 /* every message goes to stderr too */
	char first[256]; /* the first warning since bpf_log_forget(), or empty */
	char prog[48];	 /* the program that it is about, or empty */
};

/*
 * Sends libbpf's messages to log from here on, or nowhere (NULL). Returns where they
 * went before. The log stays the caller's, who says bpf_log_end() before it goes away.
 */
struct bpf_log *bpf_log_use(struct bpf_log *log);
/* Messages go nowhere, if they went to this log. */
void bpf_log_end(const struct bpf_log *log);
/* "Permission denied: what libbpf said" for negative errno err, into buf. */
void bpf_log_explain(const struct bpf_log *log, int err, char *buf, size_t size);
/* Empties first and prog. */
void bpf_log_forget(struct bpf_log *log);

#endif /* EXT4RACE_BPF_LOG_H */
