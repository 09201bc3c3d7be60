// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/http_listen.h"

/* "HOST:PORT" to its two parts, in place. 0 or -EINVAL. */
static int split_address(char *s, char **host, char **port)
{
	char *colon = strrchr(s, ':');
	char *end;

	*host = "127.0.0.1";
	*port = s;
	if (!colon)
		return *s ? 0 : -EINVAL;
	*colon = '\0';
	*port = colon + 1;
	if (!*s)
		return 0;
	*host = s;
	if (*s == '[') {
		end = strchr(s, ']');
		if (!end || end[1])
			return -EINVAL;
		*end = '\0';
		*host = s + 1;
	} else if (strchr(s, ':')) {
		return -EINVAL; /* an IPv6 address without brackets */
	}
	return 0;
}

/* 0 to 65535 in decimal digits. The port, or -EINVAL. */
static int parse_port(const char *s)
{
	char *end;
	unsigned long port;

	errno = 0;
	port = strtoul(s, &end, 10);
	if (*s < '0' || *s > '9' || *end || errno || port > 65535)
		return -EINVAL;
	return port;
}

/* "fe80::1%eth0": the interface belongs to the address. 0 or -EINVAL. */
static int parse_v6(char *host, struct sockaddr_in6 *sin6)
{
	char *interface = strchr(host, '%');

	if (interface) {
		*interface++ = '\0';
		sin6->sin6_scope_id = if_nametoindex(interface);
		if (!sin6->sin6_scope_id)
			return -EINVAL;
	}
	sin6->sin6_family = AF_INET6;
	return inet_pton(AF_INET6, host, &sin6->sin6_addr) == 1 ? 0 : -EINVAL;
}

/*
 * Numeric addresses, and localhost. No other name: getaddrinfo() loads modules of the
 * host's C library, and the static program must not. 0 or -EINVAL.
 */
static int parse_host(char *host, struct sockaddr_storage *ss)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)ss;

	if (!strcmp(host, "localhost"))
		host = "127.0.0.1";
	memset(ss, 0, sizeof(*ss));
	sin->sin_family = AF_INET;
	if (inet_pton(AF_INET, host, &sin->sin_addr) == 1)
		return 0;
	memset(ss, 0, sizeof(*ss));
	return parse_v6(host, (struct sockaddr_in6 *)ss);
}

struct listen_address {
	bool all; /* every address of the host */
	struct sockaddr_storage ss;
	unsigned int port;
};

static int parse_address(const char *address, struct listen_address *to)
{
	char *copy = strdup(address), *host, *service;
	int err, port;

	if (!copy)
		return -ENOMEM;
	err = split_address(copy, &host, &service);
	if (!err) {
		port = parse_port(service);
		to->port = port;
		to->all = !strcmp(host, "*");
		err = port < 0 ? port : to->all ? 0 : parse_host(host, &to->ss);
	}
	free(copy);
	return err;
}

static int bind_to(const struct sockaddr_storage *to, unsigned int port)
{
	struct sockaddr_storage ss = *to;
	struct sockaddr_in *sin = (struct sockaddr_in *)&ss;
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)&ss;
	bool v6 = ss.ss_family == AF_INET6;
	socklen_t len = v6 ? sizeof(*sin6) : sizeof(*sin);
	int fd, ret;

	*(v6 ? &sin6->sin6_port : &sin->sin_port) = htons(port);
	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)) ||
	    (v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){ 0 }, sizeof(int))) ||
	    bind(fd, (struct sockaddr *)&ss, len) || listen(fd, SOMAXCONN)) {
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}

/* Every address: one socket for both families where there is IPv6. */
static int bind_all(unsigned int port)
{
	static const struct sockaddr_storage v6 = { .ss_family = AF_INET6 };
	static const struct sockaddr_storage v4 = { .ss_family = AF_INET };
	int fd = bind_to(&v6, port);

	return fd == -EAFNOSUPPORT ? bind_to(&v4, port) : fd;
}

int http_listen_check(const char *address)
{
	struct listen_address to;

	return parse_address(address, &to);
}

int http_listen(const char *address, char *why, size_t why_size)
{
	struct listen_address to;
	int fd, err;

	*why = '\0';
	err = parse_address(address, &to);
	if (err == -EINVAL) {
		snprintf(why, why_size, HTTP_LISTEN_SYNTAX, address);
		return err;
	}
	if (err)
		fd = err;
	else if (to.all)
		fd = bind_all(to.port);
	else
		fd = bind_to(&to.ss, to.port);
	if (fd < 0)
		snprintf(why, why_size, "--listen %s: %s", address, strerror(-fd));
	return fd;
}
