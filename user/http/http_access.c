// SPDX-License-Identifier: GPL-2.0-only
#include <netinet/in.h>
#include <strings.h>

#include "base/clock.h"
#include "http/http_access.h"
#include "http/http_host.h"
#include "http/http_tls.h"

enum auth_result http_access_ask(struct http_auth *auth, const struct web_config *config,
				 struct MHD_Connection *mhd, struct http_conn *conn)
{
	struct auth_check *check = conn->check;
	enum auth_result result;
	char *user, *password = NULL;

	/* The request was suspended for this, and the result is known now. */
	conn->check = NULL;
	if (check)
		return http_auth_result(auth, check);
	user = MHD_basic_auth_get_username_password(mhd, &password);
	result = http_auth_ask(auth, config, user, password, monotonic_ns(), &conn->check);
	MHD_free(user);
	MHD_free(password);
	if (result != AUTH_LATER)
		return result;
	MHD_suspend_connection(mhd);
	/* Without the thread that checks, the result is that it is wrong. */
	if (http_auth_submit(auth, conn->check, mhd))
		MHD_resume_connection(mhd);
	return AUTH_LATER;
}

static bool is_loopback(const struct sockaddr *addr)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)addr;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)addr;

	if (addr->sa_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	if (addr->sa_family != AF_INET6)
		return false;
	return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) ||
	       (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) &&
		v6->sin6_addr.s6_addr[12] == IN_LOOPBACKNET);
}

static enum MHD_Result check_host(void *all_own, enum MHD_ValueKind kind, const char *key,
				  const char *value)
{
	(void)kind;
	if (!strcasecmp(key, MHD_HTTP_HEADER_HOST))
		*(bool *)all_own &= value && http_host_is_own(value);
	return MHD_YES;
}

/* Every browser says whom it asks. Who does not, as HTTP/1.0 allows, is none. */
static bool asks_own_name(struct MHD_Connection *mhd)
{
	bool all_own = true;

	MHD_get_connection_values(mhd, MHD_HEADER_KIND, check_host, &all_own);
	return all_own;
}

static bool has_authenticated(const struct web_config *config, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info;

	if (!config)
		return false;
	/* Who is asked for a password and got here has given the right one. */
	if (config->n_users)
		return true;
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	return info && info->tls_session &&
	       tls_client_verified(config, (gnutls_session_t)info->tls_session);
}

enum http_trust http_access_trust(const struct web_config *config, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info;

	if (has_authenticated(config, mhd))
		return HTTP_TRUSTED;
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (!info || !info->client_addr || !is_loopback(info->client_addr))
		return HTTP_STRANGER;
	return asks_own_name(mhd) ? HTTP_TRUSTED : HTTP_OTHER_NAME;
}
