// SPDX-License-Identifier: GPL-2.0-only
/* Who may ask: the users of a web.config file. */
#include <crypt.h>
#include <stdio.h>
#include <string.h>
#include <gnutls/gnutls.h>

#include "http/web_config.h"

/* A salt as good as any, for the users that do not exist. */
#define NOBODY_SALT "sWc1Yv0uQnTzK3eXr5mB2u"

const char *web_config_hash(const struct web_config *config, const char *user)
{
	size_t i;

	for (i = 0; i < config->n_users; i++)
		if (!strcmp(config->users[i].name, user))
			return config->users[i].hash;
	return NULL;
}

void web_config_setting(const struct web_config *config, const char *user,
			char setting[WEB_HASH_BYTES + 1])
{
	const char *hash = web_config_hash(config, user);

	if (hash)
		snprintf(setting, WEB_HASH_BYTES + 1, "%s", hash);
	else
		snprintf(setting, WEB_HASH_BYTES + 1, "%.7s" NOBODY_SALT,
			 config->n_users ? config->users[0].hash : "$2y$10$");
}

bool web_password_matches(const char *password, const char *setting, struct crypt_data *data)
{
	const char *made = crypt_r(password, setting, data);

	/* A failed crypt_r() gives "*0": shorter than any hash. */
	return made && strlen(made) == strlen(setting) &&
	       !gnutls_memcmp(made, setting, strlen(setting));
}
