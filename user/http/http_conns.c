// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "http/http_conns.h"
#include "http/http_tls.h"

void http_conns_init(struct http_conns *conns)
{
	conns->list.prev = conns->list.next = &conns->list;
}

struct http_conn *http_conns_add(struct http_conns *conns, int fd)
{
	struct http_conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->fd = fd;
	http_conn_enter(c, CONN_NEW);
	c->next = &conns->list;
	c->prev = conns->list.prev;
	c->prev->next = c;
	conns->list.prev = c;
	conns->n++;
	return c;
}

void http_conns_remove(struct http_conns *conns, struct http_conn *conn)
{
	conn->prev->next = conn->next;
	conn->next->prev = conn->prev;
	conns->n--;
	tls_creds_put(conn->creds);
	free(conn);
}

void http_conn_enter(struct http_conn *conn, enum http_conn_state state)
{
	conn->state = state;
	conn->since_ns = monotonic_ns();
}

static void drop(struct http_conn *conn, unsigned long long *counter)
{
	/* libmicrohttpd owns the descriptor, and closes it when it reads the end. */
	shutdown(conn->fd, SHUT_RDWR);
	conn->dropped = true;
	++*counter;
}

void http_conns_evict(struct http_conns *conns, struct http_conn *conn)
{
	drop(conn, &conns->evicted);
}

void http_conns_make_room(struct http_conns *conns, const struct http_conn *keep)
{
	struct http_conn *c, *victim = NULL;

	if (conns->n <= HTTP_CONNECTIONS)
		return;
	for (c = conns->list.next; c != &conns->list; c = c->next)
		if (c != keep && !c->dropped &&
		    (!victim || c->state < victim->state ||
		     (c->state == victim->state && c->since_ns < victim->since_ns)))
			victim = c;
	if (victim)
		drop(victim, &conns->evicted);
}

/* When its time is over; 0: libmicrohttpd's own timeout sees to it. */
static uint64_t deadline_of(const struct http_conn *c)
{
	if (c->dropped || c->state == CONN_IDLE)
		return 0;
	return c->since_ns +
	       (c->state == CONN_NEW ? HTTP_REQUEST_SEC : HTTP_RESPONSE_SEC) * NSEC_PER_SEC;
}

uint64_t http_conns_expire(struct http_conns *conns)
{
	uint64_t now = monotonic_ns(), next = 0, deadline;
	struct http_conn *c;

	for (c = conns->list.next; c != &conns->list; c = c->next) {
		deadline = deadline_of(c);
		if (deadline && deadline <= now)
			drop(c, &conns->timeouts);
		else if (deadline && (!next || deadline < next))
			next = deadline;
	}
	return next;
}
