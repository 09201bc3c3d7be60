// SPDX-License-Identifier: GPL-2.0-only
/* The sections of a web.config file and their keys. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/web_config_reader.h"

static int client_auth_type(struct web_reader *r, const yaml_node_t *node)
{
	static const char *const names[] = {
		[CLIENT_AUTH_NONE] = "NoClientCert",
		[CLIENT_AUTH_REQUEST] = "RequestClientCert",
		[CLIENT_AUTH_REQUIRE_ANY] = "RequireAnyClientCert",
		[CLIENT_AUTH_VERIFY_IF_GIVEN] = "VerifyClientCertIfGiven",
		[CLIENT_AUTH_REQUIRE_VERIFY] = "RequireAndVerifyClientCert",
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(web_scalar(node), names[i])) {
			r->config->client_auth = (enum client_auth)i;
			return 0;
		}
	return web_bad(r, node, "client_auth_type '%s' is not known", web_scalar(node));
}

static int tls_version(struct web_reader *r, const yaml_node_t *node, const char **to)
{
	static const char *const known[] = { "TLS10", "TLS11", "TLS12", "TLS13" };
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcmp(web_scalar(node), known[i])) {
			*to = known[i];
			return 0;
		}
	return web_bad(r, node, "TLS version '%s' is not one of TLS10, TLS11, TLS12, TLS13",
		       web_scalar(node));
}

static int curves(struct web_reader *r, const yaml_node_t *node)
{
	static const char *const known[][2] = { { "CurveP256", ":+GROUP-SECP256R1" },
						{ "CurveP384", ":+GROUP-SECP384R1" },
						{ "CurveP521", ":+GROUP-SECP521R1" },
						{ "X25519", ":+GROUP-X25519" } };
	const yaml_node_item_t *item;
	size_t i;

	if (node->type != YAML_SEQUENCE_NODE)
		return web_bad(r, node, "a list of curves is wanted here");
	for (item = node->data.sequence.items.start; item < node->data.sequence.items.top; item++) {
		const yaml_node_t *name = yaml_document_get_node(&r->doc, *item);
		const size_t used = strlen(r->groups);

		for (i = 0; i < 4 && strcmp(web_scalar(name), known[i][0]); i++)
			;
		if (i == 4)
			return web_bad(r, name, "curve '%s' is not known", web_scalar(name));
		if (used + strlen(known[i][1]) >= sizeof(r->groups))
			return web_bad(r, name, "too many curves");
		strcpy(r->groups + used, known[i][1]);
	}
	return 0;
}

static int tls_key(struct web_reader *r, const char *key, const yaml_node_t *key_node,
		   const yaml_node_t *value)
{
	struct web_config *c = r->config;

	if (!strcmp(key, "cert_file"))
		return web_path(r, value, &c->cert_file);
	if (!strcmp(key, "key_file"))
		return web_path(r, value, &c->key_file);
	if (!strcmp(key, "client_ca_file"))
		return web_path(r, value, &c->client_ca_file);
	if (!strcmp(key, "client_auth_type"))
		return client_auth_type(r, value);
	if (!strcmp(key, "min_version"))
		return tls_version(r, value, &r->min_version);
	if (!strcmp(key, "max_version"))
		return tls_version(r, value, &r->max_version);
	if (!strcmp(key, "prefer_server_cipher_suites"))
		return web_bool(r, value, &r->server_order);
	if (!strcmp(key, "curve_preferences"))
		return curves(r, value);
	if (!strcmp(key, "cipher_suites") || !strcmp(key, "client_allowed_sans"))
		return web_bad(r, key_node,
			       "%s is not supported; remove it, or put a proxy in front", key);
	return web_bad(r, key_node, "'%s' is not a key of tls_server_config", key);
}

static int header_key(struct web_reader *r, const char *key, const yaml_node_t *key_node,
		      const yaml_node_t *value)
{
	static const char *const known[WEB_CONFIG_HEADERS] = {
		"Content-Security-Policy", "X-Frame-Options", "X-Content-Type-Options",
		"X-XSS-Protection", "Strict-Transport-Security"
	};
	struct web_config *c = r->config;
	struct web_header *h = &c->headers[c->n_headers];
	int ret;
	size_t i;

	for (i = 0; i < WEB_CONFIG_HEADERS && strcmp(key, known[i]); i++)
		;
	if (i == WEB_CONFIG_HEADERS)
		return web_bad(r, key_node, "header '%s' can not be set", key);
	ret = web_string(r, value, &h->value);
	if (ret)
		return ret;
	h->name = known[i];
	c->n_headers++; /* a key comes once, so there is room */
	if (strpbrk(h->value, "\r\n"))
		return web_bad(r, value, "a header's value is one line");
	return 0;
}

static int http_key(struct web_reader *r, const char *key, const yaml_node_t *key_node,
		    const yaml_node_t *value)
{
	bool ignored;

	/* Either is fine: the exporter speaks HTTP/1.1. */
	if (!strcmp(key, "http2"))
		return web_bool(r, value, &ignored);
	if (!strcmp(key, "headers"))
		return web_for_each_key(r, value, header_key);
	return web_bad(r, key_node, "'%s' is not a key of http_server_config", key);
}

/* "$2y$10$" and 53 characters of salt and sum. */
static int check_hash(struct web_reader *r, const yaml_node_t *node, const char *hash)
{
	unsigned int cost;
	char minor;

	if (strlen(hash) != WEB_HASH_BYTES || sscanf(hash, "$2%c$%2u$", &minor, &cost) != 2 ||
	    !strchr("aby", minor) || hash[6] != '$')
		return web_bad(r, node, "not a bcrypt hash; make one with 'htpasswd -nBC 10 user'");
	if (cost < 4 || cost > WEB_CONFIG_MAX_COST)
		return web_bad(r, node, "bcrypt cost %u is not between 4 and %d", cost,
			       WEB_CONFIG_MAX_COST);
	return 0;
}

static int user_key(struct web_reader *r, const char *key, const yaml_node_t *key_node,
		    const yaml_node_t *value)
{
	struct web_config *c = r->config;
	struct web_user *u = &c->users[c->n_users];
	int ret;

	if (c->n_users == WEB_CONFIG_MAX_USERS)
		return web_bad(r, key_node, "more than %d users", WEB_CONFIG_MAX_USERS);
	if (!*key || strchr(key, ':'))
		return web_bad(r, key_node, "a user's name is not empty and has no colon");
	c->n_users++;
	u->name = strdup(key);
	if (!u->name)
		return -ENOMEM;
	ret = web_string(r, value, &u->hash);
	return ret ? ret : check_hash(r, value, u->hash);
}

int web_top_key(struct web_reader *r, const char *key, const yaml_node_t *key_node,
		const yaml_node_t *value)
{
	if (!strcmp(key, "tls_server_config")) {
		r->config->tls = value->type == YAML_MAPPING_NODE;
		return web_for_each_key(r, value, tls_key);
	}
	if (!strcmp(key, "http_server_config"))
		return web_for_each_key(r, value, http_key);
	if (!strcmp(key, "basic_auth_users"))
		return web_for_each_key(r, value, user_key);
	return web_bad(r, key_node,
		       "'%s' is not one of tls_server_config, http_server_config, basic_auth_users",
		       key);
}
