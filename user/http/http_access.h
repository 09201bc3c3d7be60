/* SPDX-License-Identifier: GPL-2.0-only */
/* Whom the exporter lets in. Of the HTTP thread only. */
#ifndef EXT4RACE_HTTP_ACCESS_H
#define EXT4RACE_HTTP_ACCESS_H

#include <microhttpd.h>
#include <stdbool.h>

#include "http/http_auth.h"
#include "http/http_conns.h"
#include "http/web_config.h"

/*
 * Whether the request has a right user and password; config has users. With AUTH_LATER
 * mhd is suspended, and it has to be asked again once it goes on.
 */
enum auth_result http_access_ask(struct http_auth *auth, const struct web_config *config,
				 struct MHD_Connection *mhd, struct http_conn *conn);
/*
 * For pages that tell more than numbers: the client is on the loopback, or has given the
 * right password or a certificate that was verified. config may be NULL.
 */
bool http_access_is_trusted(const struct web_config *config, struct MHD_Connection *mhd);

#endif /* EXT4RACE_HTTP_ACCESS_H */
