/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Host header of a request. A web page of a stranger can make the browser of somebody on
 * this host ask the exporter: its name is made to resolve to 127.0.0.1 (DNS rebinding). The
 * browser then is a client on the loopback, but it sends the stranger's name as Host.
 */
#ifndef EXT4RACE_HTTP_HOST_H
#define EXT4RACE_HTTP_HOST_H

#include <stdbool.h>

/*
 * Whether nobody else can own what host names: an IPv4 address, an IPv6 address in brackets, or
 * localhost, each with or without a port. --listen takes no other names.
 */
bool http_host_is_own(const char *host);

#endif /* EXT4RACE_HTTP_HOST_H */
