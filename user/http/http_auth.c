// SPDX-License-Identifier: GPL-2.0-only
#include <crypt.h>
#include <stdlib.h>
#include <string.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "base/clock.h"
#include "http/http_auth.h"

#define SUM_BYTES 32 /* of SHA-256 */
struct http_auth {
	unsigned char key[SUM_BYTES];
	unsigned char good[HTTP_AUTH_CACHED][SUM_BYTES];
	size_t n_good, next;
	double tokens; /* checks that may be made now */
	uint64_t filled_ns;
	struct crypt_data crypt;
};

struct http_auth *http_auth_new(void)
{
	struct http_auth *auth = calloc(1, sizeof(*auth));

	if (!auth)
		return NULL;
	auth->tokens = HTTP_AUTH_BURST;
	if (gnutls_rnd(GNUTLS_RND_KEY, auth->key, sizeof(auth->key))) {
		free(auth);
		return NULL;
	}
	return auth;
}

void http_auth_free(struct http_auth *auth)
{
	if (!auth)
		return;
	gnutls_memset(auth, 0, sizeof(*auth));
	free(auth);
}

/* HMAC of name, password and the hash they were checked against; 0 or an error. */
static int sum_of(const struct http_auth *auth, const char *user, const char *password,
		  const char *hash, unsigned char sum[SUM_BYTES])
{
	gnutls_hmac_hd_t hmac;
	int ret;

	ret = gnutls_hmac_init(&hmac, GNUTLS_MAC_SHA256, auth->key, sizeof(auth->key));
	if (ret)
		return ret;
	/* With the NULs: no two triples give the same bytes. */
	ret = gnutls_hmac(hmac, user, strlen(user) + 1);
	if (!ret)
		ret = gnutls_hmac(hmac, password, strlen(password) + 1);
	if (!ret)
		ret = gnutls_hmac(hmac, hash, strlen(hash) + 1);
	gnutls_hmac_deinit(hmac, ret ? NULL : sum);
	return ret;
}

static bool remembered(const struct http_auth *auth, const unsigned char sum[SUM_BYTES])
{
	size_t i;

	for (i = 0; i < auth->n_good; i++)
		if (!gnutls_memcmp(auth->good[i], sum, SUM_BYTES))
			return true;
	return false;
}

static void remember(struct http_auth *auth, const unsigned char sum[SUM_BYTES])
{
	memcpy(auth->good[auth->next], sum, SUM_BYTES);
	auth->next = (auth->next + 1) % HTTP_AUTH_CACHED;
	if (auth->n_good < HTTP_AUTH_CACHED)
		auth->n_good++;
}

static bool take_token(struct http_auth *auth, uint64_t now_ns)
{
	auth->tokens += (double)(now_ns - auth->filled_ns) / NSEC_PER_SEC * HTTP_AUTH_RATE;
	auth->filled_ns = now_ns;
	if (auth->tokens > HTTP_AUTH_BURST)
		auth->tokens = HTTP_AUTH_BURST;
	if (auth->tokens < 1)
		return false;
	auth->tokens -= 1;
	return true;
}

enum auth_result http_auth_check(struct http_auth *auth, const struct web_config *config,
				 const char *user, const char *password, uint64_t now_ns)
{
	unsigned char sum[SUM_BYTES];
	const char *hash;

	if (!user || !password)
		return AUTH_WRONG;
	hash = web_config_hash(config, user);
	if (sum_of(auth, user, password, hash ? hash : "", sum))
		return AUTH_WRONG;
	if (hash && remembered(auth, sum))
		return AUTH_OK;
	if (!take_token(auth, now_ns))
		return AUTH_TOO_FAST;
	if (!web_config_check(config, user, password, &auth->crypt))
		return AUTH_WRONG;
	remember(auth, sum);
	return AUTH_OK;
}
