/* SPDX-License-Identifier: GPL-2.0-only */
/* Whom the exporter lets in. Of the HTTP thread only. */
#ifndef EXT4RACE_HTTP_ACCESS_H
#define EXT4RACE_HTTP_ACCESS_H

#include <microhttpd.h>

#include "http/http_auth.h"
#include "http/http_conns.h"
#include "http/web_config.h"

enum http_trust {
	HTTP_TRUSTED,
	HTTP_STRANGER,	 /* neither on the loopback nor authenticated */
	HTTP_OTHER_NAME, /* on the loopback, but it asks for a name of somebody else: http_host.h */
};

/*
 * Whether the request has a right user and password; config has users. With AUTH_LATER
 * mhd is suspended, and it has to be asked again once it goes on.
 */
enum auth_result http_access_ask(struct http_auth *auth, const struct web_config *config,
				 struct MHD_Connection *mhd, struct http_conn *conn);
/*
 * For pages that tell more than numbers. Trusted is who has given the right password or a
 * certificate that was verified, and who is on the loopback. config may be NULL.
 */
enum http_trust http_access_trust(const struct web_config *config, struct MHD_Connection *mhd);

#endif /* EXT4RACE_HTTP_ACCESS_H */
