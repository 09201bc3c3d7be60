// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bad HTTP clients, against 127.0.0.1:PORT. Each mode holds the server to what
 * it promises and exits 0, or says what went wrong and exits 1.
 *
 *   abuse slow PORT N      N clients that send a header a byte at a time: all are
 *                          closed by the server in the end
 *   abuse flood PORT N     N connections that say nothing, held open, and one
 *                          honest scrape that must succeed meanwhile
 *   abuse deaf PORT N      N clients that ask and ask and never read
 *   abuse hoard PORT N     N clients that ask for /events, one after the other, and
 *                          never read
 *   abuse strangers PORT N N clients with a user that there is not, and then one that is
 *                          known: it does not wait until they are checked
 *   abuse arguments PORT N N requests with that many arguments: closed
 *   abuse garbage PORT N   N connections of random bytes
 *   abuse oversize PORT N  N requests with a megabyte of headers: refused
 *   abuse headers PORT N   N requests with too many small headers: refused
 */
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* Far beyond every deadline of the server: a test that hangs is a failed one. */
#define PATIENCE_SEC 90

static unsigned short port;

static int dial(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		err(1, "socket");
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
		err(1, "connect");
	return fd;
}

static int *dial_all(size_t n)
{
	int *fds = calloc(n, sizeof(*fds));
	size_t i;

	if (!fds)
		err(1, "clients");
	for (i = 0; i < n; i++)
		fds[i] = dial();
	return fds;
}

/* Sends what it can without waiting. False: the server closed. */
static bool push(int fd, const char *s, size_t n)
{
	return send(fd, s, n, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0 || errno == EAGAIN;
}

/* The first bytes of the answer; "" when the server just closes. */
static void answer(int fd, char *buf, size_t size)
{
	size_t n = 0;
	ssize_t got;

	while (n + 1 < size && (got = recv(fd, buf + n, size - 1 - n, 0)) > 0)
		n += (size_t)got;
	buf[n] = '\0';
}

static void slow(size_t n)
{
	static const char header[] = "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: ";
	int *fds = dial_all(n);
	size_t open = n, i, at;

	for (at = 0; open; at++) {
		poll(NULL, 0, 100);
		for (i = 0; i < n; i++) {
			const char *byte = at < sizeof(header) - 1 ? &header[at] : "z";

			if (fds[i] < 0 || push(fds[i], byte, 1))
				continue;
			close(fds[i]);
			fds[i] = -1;
			open--;
		}
	}
	free(fds);
}

static void scrape(void)
{
	static const char get[] =
		"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
	char buf[65536];
	int fd = dial();

	if (!push(fd, get, sizeof(get) - 1))
		err(1, "honest client");
	answer(fd, buf, sizeof(buf));
	close(fd);
	if (strncmp(buf, "HTTP/1.1 200 ", 13) || !strstr(buf, "ext4race_delayed_inserts_total "))
		errx(1, "honest client got: %.100s", buf);
}

static void flood(size_t n)
{
	int *fds = dial_all(n);
	size_t i;

	scrape();
	for (i = 0; i < n; i++)
		close(fds[i]);
	free(fds);
}

static void deaf(size_t n)
{
	static const char get[] = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
	int *fds = dial_all(n);
	size_t i, round;

	for (round = 0; round < 2000; round++)
		for (i = 0; i < n; i++)
			push(fds[i], get, sizeof(get) - 1);
	scrape();
	for (i = 0; i < n; i++)
		close(fds[i]);
	free(fds);
}

/* Takes little at once, so that the server has to keep what it answers. */
static int dial_small(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){ 4096 }, sizeof(int)) ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)))
		err(1, "small client");
	return fd;
}

static void hoard(size_t n)
{
	static const char get[] = "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n";
	int *fds = calloc(n, sizeof(*fds));
	char first;
	size_t i;

	if (!fds)
		err(1, "clients");
	for (i = 0; i < n; i++) {
		fds[i] = dial_small();
		/* The answer has begun: it was made for this one. */
		if (!push(fds[i], get, sizeof(get) - 1) || recv(fds[i], &first, 1, 0) != 1)
			errx(1, "no answer to client %zu", i);
	}
	scrape();
	for (i = 0; i < n; i++)
		close(fds[i]);
	free(fds);
}

#define AS(credentials)                                                                            \
	"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"                        \
	"Authorization: Basic " credentials "\r\n\r\n"

static void strangers(size_t n)
{
	static const char nobody[] = AS("bm9ib2R5Omd1ZXNz");	    /* nobody:guess */
	static const char known[] = AS("cHJvbWV0aGV1czpzZWNyZXQ="); /* prometheus:secret */
	int *fds = dial_all(n), fd = dial();
	size_t i, checked = 0;
	char buf[65536];

	for (i = 0; i < n; i++)
		if (!push(fds[i], nobody, sizeof(nobody) - 1))
			err(1, "stranger");
	if (!push(fd, known, sizeof(known) - 1))
		err(1, "known client");
	answer(fd, buf, sizeof(buf));
	if (strncmp(buf, "HTTP/1.1 200 ", 13))
		errx(1, "known client got: %.40s", buf);
	/* Whom it had to wait for. Too many of them (429) cost nothing. */
	for (i = 0; i < n; i++)
		checked += recv(fds[i], buf, 13, MSG_DONTWAIT) == 13 &&
			   !strncmp(buf, "HTTP/1.1 401 ", 13);
	if (checked > n / 2)
		errx(1, "%zu of %zu strangers were checked before", checked, n);
	for (i = 0; i < n; i++)
		close(fds[i]);
	close(fd);
	free(fds);
}

/* The server may answer or close, but it does not keep the connection. */
static void arguments(size_t n)
{
	struct pollfd pfd = { .events = POLLIN };
	char line[16384] = "GET /metrics?a", buf[4096];
	size_t count, i, len;

	for (count = 100; count < 1000; count += 50) {
		len = strlen("GET /metrics?a");
		for (i = 0; i < count; i++)
			len += (size_t)sprintf(line + len, "&a%zu", i);
		sprintf(line + len, " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
		for (i = 0; i < n; i++) {
			pfd.fd = dial();
			push(pfd.fd, line, strlen(line));
			/* Its deadline for an answer is 30 s; nothing waits for it here. */
			if (poll(&pfd, 1, 20000) != 1)
				errx(1, "%zu arguments: neither an answer nor the end", count);
			answer(pfd.fd, buf, sizeof(buf));
			close(pfd.fd);
		}
	}
}

static void garbage(size_t n)
{
	char junk[4096], buf[4096];
	unsigned int seed = 1;
	size_t i, j;
	int fd;

	for (i = 0; i < n; i++) {
		for (j = 0; j < sizeof(junk); j++)
			junk[j] = (char)rand_r(&seed);
		fd = dial();
		push(fd, junk, sizeof(junk));
		shutdown(fd, SHUT_WR);
		answer(fd, buf, sizeof(buf));
		close(fd);
		if (!strncmp(buf, "HTTP/1.1 2", 10))
			errx(1, "garbage was answered: %.40s", buf);
	}
}

/* One request with many headers; the answer may not be a good one. */
static void many_headers(size_t count, size_t width, const char *want)
{
	static const char start[] = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
	char *line = malloc(width + 32), buf[4096];
	int fd = dial(), n;
	size_t i;

	if (!line)
		err(1, "header");
	push(fd, start, sizeof(start) - 1);
	for (i = 0; i < count; i++) {
		n = sprintf(line, "X-%zu: ", i);
		memset(line + n, 'x', width);
		memcpy(line + n + width, "\r\n", 2);
		/* Waits for the server to take it, or to close. */
		if (send(fd, line, (size_t)n + width + 2, MSG_NOSIGNAL) < 0)
			break;
	}
	push(fd, "\r\n", 2);
	answer(fd, buf, sizeof(buf));
	close(fd);
	free(line);
	if (*buf && strncmp(buf, want, strlen(want)))
		errx(1, "got: %.40s", buf);
	if (!*buf && strstr(want, "431 "))
		errx(1, "closed without an answer");
}

int main(int argc, char **argv)
{
	struct rlimit rl = { 4096, 4096 };
	size_t n, i;

	if (argc != 4)
		errx(64, "usage: abuse MODE PORT N");
	port = (unsigned short)atoi(argv[2]);
	n = strtoul(argv[3], NULL, 10);
	if (setrlimit(RLIMIT_NOFILE, &rl))
		err(1, "descriptors");
	alarm(PATIENCE_SEC);
	signal(SIGPIPE, SIG_IGN);
	if (!strcmp(argv[1], "slow"))
		slow(n);
	else if (!strcmp(argv[1], "flood"))
		flood(n);
	else if (!strcmp(argv[1], "deaf"))
		deaf(n);
	else if (!strcmp(argv[1], "hoard"))
		hoard(n);
	else if (!strcmp(argv[1], "strangers"))
		strangers(n);
	else if (!strcmp(argv[1], "arguments"))
		arguments(n);
	else if (!strcmp(argv[1], "garbage"))
		garbage(n);
	else if (!strcmp(argv[1], "oversize"))
		for (i = 0; i < n; i++)
			many_headers(256, 4096, "HTTP/1.1 4");
	else if (!strcmp(argv[1], "headers"))
		for (i = 0; i < n; i++)
			many_headers(100, 8, "HTTP/1.1 431 ");
	else
		errx(64, "mode %s", argv[1]);
	return 0;
}
