/* SPDX-License-Identifier: GPL-2.0-only */
/* The address that the exporter listens on. */
#ifndef EXT4RACE_HTTP_LISTEN_H
#define EXT4RACE_HTTP_LISTEN_H

#include <stddef.h>

/* What is wrong with an address, for people; %s is the address. */
#define HTTP_LISTEN_SYNTAX                                                                         \
	"--listen %s: not an address; use PORT, ADDR:PORT or [V6ADDR]:PORT, ADDR being "           \
	"numeric, localhost or *"

/* 0 for an address that http_listen() understands. -EINVAL or -ENOMEM. */
int http_listen_check(const char *address);
/*
 * Listens on address (see http_options.listen). Returns the socket, non-blocking and
 * closed on exec, which the caller closes; or a negative errno and one line in why.
 */
int http_listen(const char *address, char *why, size_t why_size);

#endif /* EXT4RACE_HTTP_LISTEN_H */
