/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The exporter's certificates. A set never changes, and counts its references: a session
 * keeps the set it began with, and a new session gets what the files hold now. So renewed
 * certificates need no restart.
 */
#ifndef EXT4RACE_HTTP_TLS_H
#define EXT4RACE_HTTP_TLS_H

#include <stdint.h>
#include <gnutls/gnutls.h>

#include "http/web_config.h"

struct tls_creds;

/*
 * Reads certificate, key and CA of config. 0 and one reference in *creds, or a
 * negative errno and one line in why.
 */
int tls_creds_load(const struct web_config *config, struct tls_creds **creds, char *why,
		   size_t why_size);
struct tls_creds *tls_creds_get(struct tls_creds *creds);
void tls_creds_put(struct tls_creds *creds); /* NULL is fine */
/*
 * Replaces *creds when its files are other ones, or have other content, than when they
 * were read; what cannot be used leaves it as it was, and is said once. Looks at the
 * files once a second at most, however often it is called: strangers decide how often.
 */
struct tls_refresh {
	uint64_t looked_ns;
	char said[512]; /* why the files could not be used */
};
void tls_creds_refresh(struct tls_creds **creds, struct tls_refresh *refresh,
		       const struct web_config *config);
/* Readies a session before its handshake. 0 or a GnuTLS error. */
int tls_creds_apply(const struct tls_creds *creds, const struct web_config *config,
		    gnutls_session_t session);
/* Whether the client gave a certificate, and it was verified. */
bool tls_client_verified(const struct web_config *config, gnutls_session_t session);
/* PEM of certificate and key, for as long as the reference is held. */
const char *tls_creds_cert(const struct tls_creds *creds);
const char *tls_creds_key(const struct tls_creds *creds);

#endif /* EXT4RACE_HTTP_TLS_H */
