/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The exporter's open connections: how long each may take, and which one is closed when
 * there are too many. Only the HTTP thread uses them. Times are CLOCK_MONOTONIC in ns.
 */
#ifndef EXT4RACE_HTTP_CONNS_H
#define EXT4RACE_HTTP_CONNS_H

#include <stdbool.h>
#include <stdint.h>

#define HTTP_CONNECTIONS  96
#define HTTP_REQUEST_SEC  10  /* from the connection to a whole request line */
#define HTTP_RESPONSE_SEC 30  /* from there to the last byte of the answer */
#define HTTP_IDLE_SEC	  120 /* between requests; libmicrohttpd's to watch */

struct tls_creds;  /* http_tls.h */
struct auth_check; /* http_auth.h */

/* Where a connection is, from the first to go to the last when room is made. */
enum http_conn_state {
	CONN_NEW,  /* nothing was asked yet */
	CONN_IDLE, /* kept alive between requests */
	CONN_BUSY, /* from the request line to the last byte of the answer */
};

struct http_conn {
	struct http_conn *prev, *next; /* oldest first */
	int fd;			       /* borrowed */
	enum http_conn_state state;
	uint64_t since_ns;
	bool dropped;		 /* shut down; libmicrohttpd notices, and it is removed */
	struct tls_creds *creds; /* a reference, NULL without TLS */
	/* Of its password, while that is being checked; its owner's to end. */
	struct auth_check *check;
};

struct http_conns {
	struct http_conn list; /* its head */
	unsigned int n;
	unsigned long long evicted;  /* dropped to make room, or for want of TLS */
	unsigned long long timeouts; /* dropped because they were too slow */
};

void http_conns_init(struct http_conns *conns);
/* A new connection, first of all CONN_NEW. NULL: out of memory. */
struct http_conn *http_conns_add(struct http_conns *conns, int fd);
/* It is closed: forgets and frees it. */
void http_conns_remove(struct http_conns *conns, struct http_conn *conn);
void http_conn_enter(struct http_conn *conn, enum http_conn_state state);
/* Shuts it down, and counts it as evicted. */
void http_conns_evict(struct http_conns *conns, struct http_conn *conn);
/* Above HTTP_CONNECTIONS: evicts the oldest one of those that matter least, but never keep. */
void http_conns_make_room(struct http_conns *conns, const struct http_conn *keep);
/* Shuts down what is too slow. Returns the next deadline, 0 if there is none. */
uint64_t http_conns_expire(struct http_conns *conns);

#endif /* EXT4RACE_HTTP_CONNS_H */
