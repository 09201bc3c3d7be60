/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Basic auth at a bounded price. bcrypt is slow on purpose, so that a thread of its own
 * checks passwords: nobody who is known waits for a stranger. A scraper that has proven
 * itself once is remembered (as an HMAC under a key of this process). All others share a
 * budget of CPU time, from which each check takes what it cost.
 */
#ifndef EXT4RACE_HTTP_AUTH_H
#define EXT4RACE_HTTP_AUTH_H

#include <stdint.h>

#include "http/web_config.h"

/* CPU time for checks: a quarter of one CPU, and as much at once. */
#define HTTP_AUTH_SHARE	   4
#define HTTP_AUTH_BURST_NS 500000000ULL
/* A check is charged at least so much: a cheap hash is no reason for many guesses. */
#define HTTP_AUTH_LEAST_NS 50000000ULL
/* Checks that wait for the thread; who comes when there are more is too fast. */
#define HTTP_AUTH_WAITING 4
#define HTTP_AUTH_CACHED  16

enum auth_result {
	AUTH_OK,
	AUTH_WRONG,
	AUTH_TOO_FAST,
	AUTH_LATER, /* the thread checks it */
};

struct http_auth;
struct auth_check;

/*
 * resume(ctx, arg) is called in the thread for each check that was submitted, once its
 * result is known; arg came with it. NULL: out of memory or randomness.
 */
struct http_auth *http_auth_new(void (*resume)(void *ctx, void *arg), void *ctx);
/* Ends the thread. Checks that wait are wrong, and resumed. */
void http_auth_stop(struct http_auth *auth);
/* After http_auth_stop(), and with no check left. NULL is fine. */
void http_auth_free(struct http_auth *auth);
/*
 * now_ns: CLOCK_MONOTONIC. Either string may be NULL (none given). With AUTH_LATER *check
 * is the caller's, who has to submit it. One thread only.
 */
enum auth_result http_auth_ask(struct http_auth *auth, const struct web_config *config,
			       const char *user, const char *password, uint64_t now_ns,
			       struct auth_check **check);
/*
 * Has the thread check it, which starts with the first one; it may be resumed before
 * this returns. 0, or negative errno: nothing is resumed, and the result is known.
 */
int http_auth_submit(struct http_auth *auth, struct auth_check *check, void *arg);
/* AUTH_OK or AUTH_WRONG, and frees check, which was resumed. The same thread. */
enum auth_result http_auth_result(struct http_auth *auth, struct auth_check *check);

#endif /* EXT4RACE_HTTP_AUTH_H */
