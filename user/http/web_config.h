/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * --web.config.file: TLS, client certificates, users and response headers in
 * the vocabulary of Prometheus' exporter-toolkit, so that one file serves every
 * exporter of a fleet.
 */
#ifndef EXT4RACE_WEB_CONFIG_H
#define EXT4RACE_WEB_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#define WEB_CONFIG_MAX_BYTES (64 * 1024)
#define WEB_CONFIG_MAX_USERS 64
#define WEB_CONFIG_MAX_COST  14 /* of bcrypt: about a second of CPU */
#define WEB_HASH_BYTES	     60 /* of a bcrypt hash, as text */

enum client_auth {
	CLIENT_AUTH_NONE,
	CLIENT_AUTH_REQUEST,	     /* ask, take whatever comes */
	CLIENT_AUTH_REQUIRE_ANY,     /* one is needed, it is not verified */
	CLIENT_AUTH_VERIFY_IF_GIVEN, /* none is fine, a wrong one is not */
	CLIENT_AUTH_REQUIRE_VERIFY,
};

struct web_user {
	char *name;
	char *hash; /* bcrypt */
};

struct web_header {
	const char *name;
	char *value;
};

#define WEB_CONFIG_HEADERS 5

struct web_config {
	bool tls;
	char *cert_file, *key_file, *client_ca_file; /* as absolute or cwd-relative paths */
	enum client_auth client_auth;
	char *priority; /* GnuTLS priority string made of versions and curves */
	struct web_user users[WEB_CONFIG_MAX_USERS];
	size_t n_users;
	struct web_header headers[WEB_CONFIG_HEADERS];
	size_t n_headers;
};

/*
 * Reads path. Files that it names are relative to its own directory. 0 and
 * *config (for web_config_free()), or a negative errno and one line in why: what
 * is wrong, in which line. Unknown keys are errors: a misspelt one must not
 * leave a door open.
 */
int web_config_read(const char *path, struct web_config **config, char *why, size_t why_size);
void web_config_free(struct web_config *config);

/* The hash of a user, NULL for one that there is not; a changed one voids what was cached. */
const char *web_config_hash(const struct web_config *config, const char *user);
/*
 * What to check a password of user with: the user's hash, or for a user that there is not
 * a salt that costs as much and matches no password, so that the delay of an answer does
 * not tell which names exist.
 */
void web_config_setting(const struct web_config *config, const char *user,
			char setting[WEB_HASH_BYTES + 1]);
/* Costs one bcrypt. data is scratch space of crypt_r()'s, zeroed once by the caller. */
struct crypt_data;
bool web_password_matches(const char *password, const char *setting, struct crypt_data *data);

#endif /* EXT4RACE_WEB_CONFIG_H */
