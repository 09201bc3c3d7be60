/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Basic auth at a bounded price. bcrypt is slow on purpose; a scraper that has
 * proven itself once is remembered (as an HMAC under a key of this process), and
 * wrong guesses are limited in rate.
 */
#ifndef EXT4RACE_HTTP_AUTH_H
#define EXT4RACE_HTTP_AUTH_H

#include <stdint.h>

#include "http/web_config.h"

/* Checks that cost a bcrypt: at most this many at once, and a second. */
#define HTTP_AUTH_BURST	 10
#define HTTP_AUTH_RATE	 5
#define HTTP_AUTH_CACHED 16

enum auth_result { AUTH_OK, AUTH_WRONG, AUTH_TOO_FAST };

struct http_auth;

struct http_auth *http_auth_new(void); /* NULL: out of memory or randomness */
void http_auth_free(struct http_auth *auth);
/* now_ns: CLOCK_MONOTONIC. Either string may be NULL (none given). */
enum auth_result http_auth_check(struct http_auth *auth, const struct web_config *config,
				 const char *user, const char *password, uint64_t now_ns);

#endif /* EXT4RACE_HTTP_AUTH_H */
