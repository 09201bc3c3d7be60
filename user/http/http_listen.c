// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <netdb.h>
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

static bool valid_port(const char *s)
{
	char *end;
	unsigned long port;

	errno = 0;
	port = strtoul(s, &end, 10);
	return *s >= '0' && *s <= '9' && !*end && !errno && port <= 65535;
}

static int bind_to(const struct addrinfo *ai, unsigned int *port)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int fd, ret;

	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)) ||
	    (ai->ai_family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){ 0 }, sizeof(int))) ||
	    bind(fd, ai->ai_addr, ai->ai_addrlen) || listen(fd, SOMAXCONN) ||
	    getsockname(fd, (struct sockaddr *)&ss, &len)) {
		ret = -errno;
		close(fd);
		return ret;
	}
	*port = ntohs(ss.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&ss)->sin6_port :
						 ((struct sockaddr_in *)&ss)->sin_port);
	return fd;
}

/* Every address: one socket for both families where there is IPv6. */
static int bind_all(const char *port, unsigned int *bound)
{
	static const char *const any[] = { "::", "0.0.0.0" };
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				  .ai_socktype = SOCK_STREAM };
	struct addrinfo *ai;
	size_t i;
	int fd = -EAFNOSUPPORT;

	for (i = 0; i < 2 && fd == -EAFNOSUPPORT; i++) {
		if (getaddrinfo(any[i], port, &hints, &ai))
			return -EINVAL;
		fd = bind_to(ai, bound);
		freeaddrinfo(ai);
	}
	return fd;
}

int http_listen_check(const char *address)
{
	char *copy = strdup(address), *host, *service;
	int err;

	if (!copy)
		return -ENOMEM;
	err = split_address(copy, &host, &service);
	if (!err && !valid_port(service))
		err = -EINVAL;
	free(copy);
	return err;
}

int http_listen(const char *address, unsigned int *port, char *why, size_t why_size)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	struct addrinfo *ai;
	char *copy, *host, *service;
	int fd, ret;

	*why = '\0';
	copy = strdup(address);
	if (!copy) {
		snprintf(why, why_size, "out of memory");
		return -ENOMEM;
	}
	if (split_address(copy, &host, &service) || !valid_port(service)) {
		snprintf(why, why_size, HTTP_LISTEN_SYNTAX, address);
		fd = -EINVAL;
	} else if (!strcmp(host, "*")) {
		fd = bind_all(service, port);
	} else {
		ret = getaddrinfo(host, service, &hints, &ai);
		if (ret) {
			snprintf(why, why_size, "--listen %s: %s", address, gai_strerror(ret));
			fd = -EINVAL;
		} else {
			fd = bind_to(ai, port);
			freeaddrinfo(ai);
		}
	}
	free(copy);
	if (fd < 0 && !*why)
		snprintf(why, why_size, "--listen %s: %s", address, strerror(-fd));
	return fd;
}
