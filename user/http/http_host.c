// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "http/http_host.h"

/* The longest address, and room for the name of an interface behind it. */
#define NAME_BYTES 64

static bool is_port(const char *s)
{
	return *s == ':' && s[1 + strspn(s + 1, "0123456789")] == '\0';
}

/* "fe80::1%eth0" is an address, too. */
static bool is_v6(char *name)
{
	struct in6_addr addr;

	name[strcspn(name, "%")] = '\0';
	return inet_pton(AF_INET6, name, &addr) == 1;
}

static bool is_v4_or_localhost(const char *name)
{
	struct in_addr addr;

	return inet_pton(AF_INET, name, &addr) == 1 || !strcasecmp(name, "localhost");
}

bool http_host_is_own(const char *host)
{
	bool bracket = *host == '[';
	const char *begin = host + bracket;
	size_t len = strcspn(begin, bracket ? "]" : ":");
	const char *end = begin + len + bracket;
	char name[NAME_BYTES];

	if (len >= sizeof(name) || (bracket && begin[len] != ']') || (*end && !is_port(end)))
		return false;
	memcpy(name, begin, len);
	name[len] = '\0';
	return bracket ? is_v6(name) : is_v4_or_localhost(name);
}
