// SPDX-License-Identifier: GPL-2.0-only
/*
 * The exporter itself, on the loopback: whatever bytes come, in whatever pieces, it answers
 * with whole responses and closes, and a scraper that comes after gets its page.
 *
 * The input: a byte of flags, then pieces, each after a byte with its length. Flag 1: the
 * exporter that has a user, and the requests of a known one; flag 2: do not wait for answers.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#include "../listening_port.h"
#include "http/sink_http.h"
#include "metrics.h"

/* bcrypt of "secret", the cheapest. */
#define USERS                                                                                      \
	"basic_auth_users:\n  u: $2y$04$adP/DhKzjakWrEj/p8BFcOteYEjFg.QDEAHL668T5qw0Y59O3wtCO\n"
/* u:secret */
#define KNOWN "Authorization: Basic dTpzZWNyZXQ=\r\n"
/* Of the exporter's own limit of 10 s for a request, a part. */
#define PATIENCE_MS 5000

static unsigned int port[2];

static int snapshot(void *arg, void (*take)(void *ctx, const struct metrics *metrics), void *ctx)
{
	static struct fuzz_metrics m;
	struct fuzz_input none = { .data = (const uint8_t *)"" };

	(void)arg;
	take(ctx, fuzz_metrics(&m, &none));
	return 0;
}

static void start(void)
{
	struct http_options opt = { .listen = "0", .metrics = { .snapshot = snapshot } };
	struct sink *sink;
	char why[512];
	int i;

	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < 2; i++) {
		if (i)
			opt.web_config = fuzz_file((const uint8_t *)USERS, sizeof(USERS) - 1);
		must(!sink_http_open(&sink, &opt, why, sizeof(why)));
		must(!sink_http_start(sink));
		port[i] = listening_port((unsigned int)i);
		must(port[i]);
	}
}

static int connected(unsigned int to)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_port = htons((uint16_t)to),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	/* No port is held in TIME_WAIT: there are only so many. */
	struct linger linger = { .l_onoff = 1 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(fd >= 0);
	must(!setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)));
	must(!setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	must(!connect(fd, (struct sockaddr *)&addr, sizeof(addr)));
	return fd;
}

/*
 * All that comes until the exporter closes; *len bytes, NUL-terminated. The end of what is
 * sent comes on its own and late: libmicrohttpd does not see one that comes with the request.
 */
static char *answers(int fd, size_t *len)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	size_t size = 1 << 16;
	char *text = malloc(size);
	ssize_t n = 1;

	must(text);
	for (*len = 0; n > 0; *len += n > 0 ? (size_t)n : 0) {
		if (size - *len < 4096) {
			size *= 2;
			text = realloc(text, size);
			must(text);
		}
		if (!poll(&pfd, 1, 50)) {
			shutdown(fd, SHUT_WR);
			must(poll(&pfd, 1, PATIENCE_MS) == 1);
		}
		n = recv(fd, text + *len, size - *len - 1, 0);
	}
	text[*len] = '\0';
	return text;
}

/* The end of the response that begins at s; NULL if it is cut off. */
static char *response(char *s, const char *end, unsigned int *code)
{
	char *body = strstr(s, "\r\n\r\n"), *header;
	size_t len;

	must(sscanf(s, "HTTP/1.%*1[01] %3u ", code) == 1);
	if (!body)
		return NULL;
	*body = '\0';
	/* To who asked whether to go on: the answer follows. */
	if (*code == 100)
		return body + 4;
	header = strcasestr(s, "\r\nContent-Length:");
	must(header);
	len = strtoul(header + 17, NULL, 10);
	body += 4;
	/* An answer to HEAD has the length and no body. */
	if (body < end && !strncmp(body, "HTTP/1.", 7))
		return body;
	return len <= (size_t)(end - body) ? body + len : NULL;
}

/* With this the exporter closes, unless what came before is no whole request. */
static void ask_for_the_end(int fd)
{
	static const char last[] = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

	send(fd, last, sizeof(last) - 1, 0);
}

static void check_answers(char *text, size_t len)
{
	static const unsigned int codes[] = { 100, 200, 400, 401, 403, 404, 405, 408, 411,
					      413, 414, 417, 429, 431, 500, 501, 503, 505 };
	char *s = text;
	unsigned int code;
	size_t i;

	while (s && s < text + len) {
		s = response(s, text + len, &code);
		for (i = 0; i < sizeof(codes) / sizeof(codes[0]) && codes[i] != code; i++)
			;
		must(i < sizeof(codes) / sizeof(codes[0]));
	}
}

static void scrape(bool known)
{
	static const char request[] = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
	int fd = connected(port[known]);
	size_t len;
	char *text;

	must(send(fd, request, sizeof(request) - 1, MSG_MORE) > 0);
	must(send(fd, known ? KNOWN "\r\n" : "\r\n", known ? sizeof(KNOWN) + 1 : 2, 0) > 0);
	text = answers(fd, &len);
	close(fd);
	must(!strncmp(text, "HTTP/1.1 200 ", 13));
	must(strstr(text, "\next4race_delayed_inserts_total "));
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	static unsigned int run;
	uint8_t flags, piece;
	size_t len;
	char *text;
	int fd;

	if (!port[0])
		start();
	fuzz_take(&in, &flags, sizeof(flags));
	fd = connected(port[flags & 1]);
	while (in.left) {
		fuzz_take(&in, &piece, sizeof(piece));
		len = piece < in.left ? piece : in.left;
		/* Refused already: the answer says why. */
		if (len && send(fd, in.data, len, 0) < 0)
			break;
		in.data += len;
		in.left -= len;
	}
	if (!(flags & 2)) {
		ask_for_the_end(fd);
		text = answers(fd, &len);
		check_answers(text, len);
		free(text);
	}
	close(fd);
	if (++run % 16 == 0)
		scrape(flags & 1);
	return 0;
}
