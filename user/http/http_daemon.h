/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libmicrohttpd as the exporter uses it: connections come, say what they want, wait for a
 * password to be checked, get a page, and go. Of the HTTP thread only.
 */
#ifndef EXT4RACE_HTTP_DAEMON_H
#define EXT4RACE_HTTP_DAEMON_H

#include <microhttpd.h>
#include <stdint.h>

#include "http/http_conns.h"
#include "http/http_pages.h"
#include "http/http_tls.h"
#include "http/web_config.h"

struct http_daemon {
	struct MHD_Daemon *mhd;
	struct http_conns conns;
	struct http_pages pages;
	/* Both are the daemon's; NULL: no file, no TLS. */
	struct web_config *config;
	struct tls_creds *creds;
	struct tls_refresh refresh;
};

/*
 * Serves what comes to listen_fd, which is the daemon's from now on. config and creds are
 * set, the pages are ready. 0 or -EIO.
 */
int http_daemon_start(struct http_daemon *d, int listen_fd);
/* Does what can be done without waiting. */
void http_daemon_run(struct http_daemon *d);
/* The descriptor that is readable when there is something to do. */
int http_daemon_fd(const struct http_daemon *d);
/* Milliseconds until there is something to do without it, -1: never. */
int http_daemon_sleep_ms(struct http_daemon *d);
/* Users, headers and certificates are others from now on. Takes both over. */
void http_daemon_configure(struct http_daemon *d, struct web_config *config,
			   struct tls_creds *creds);
/* Closes every connection. All password checks have ended. */
void http_daemon_stop(struct http_daemon *d);

#endif /* EXT4RACE_HTTP_DAEMON_H */
