/* SPDX-License-Identifier: GPL-2.0-only */
/* The address that the exporter listens on. */
#ifndef EXT4RACE_HTTP_LISTEN_H
#define EXT4RACE_HTTP_LISTEN_H

#include <stddef.h>

/*
 * Listens on address (see http_options.listen). Returns the socket, non-blocking and
 * closed on exec, with the port that it got in *port; or a negative errno and one
 * line in why.
 */
int http_listen(const char *address, unsigned int *port, char *why, size_t why_size);

#endif /* EXT4RACE_HTTP_LISTEN_H */
