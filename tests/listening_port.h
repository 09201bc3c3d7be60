/* SPDX-License-Identifier: GPL-2.0-only */
/* For test programs that listen on port 0: which port it became. */
#ifndef EXT4RACE_LISTENING_PORT_H
#define EXT4RACE_LISTENING_PORT_H

#include <netinet/in.h>
#include <sys/socket.h>

/* The port of the nth socket of this process that listens, from 0 on; 0: there is none. */
static inline unsigned int listening_port(unsigned int nth)
{
	struct sockaddr_storage ss;
	socklen_t len, size;
	int fd, listens;

	for (fd = 0; fd < 256; fd++) {
		len = sizeof(ss);
		size = sizeof(listens);
		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) || !listens ||
		    nth-- || getsockname(fd, (struct sockaddr *)&ss, &len))
			continue;
		return ntohs(ss.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&ss)->sin6_port :
							((struct sockaddr_in *)&ss)->sin_port);
	}
	return 0;
}

#endif /* EXT4RACE_LISTENING_PORT_H */
