// SPDX-License-Identifier: GPL-2.0-only
#include <crypt.h>
#include <errno.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <gnutls/gnutls.h>
#include <yaml.h>

#include "http/web_config.h"

/* A salt as good as any, for the users that do not exist. */
#define NOBODY_SALT "sWc1Yv0uQnTzK3eXr5mB2u"

/* The document while it is read, and where the first mistake goes. */
struct reader {
	const char *path;
	yaml_document_t doc;
	struct web_config *config;
	const char *min_version, *max_version;
	bool server_order;
	char groups[256];
	char *why;
	size_t why_size;
};

/* Notes the mistake; the value is for `return bad(...)`. */
__attribute__((format(printf, 3, 4))) static int bad(struct reader *r, const yaml_node_t *at,
						     const char *fmt, ...)
{
	va_list ap;
	int n;

	n = at ? snprintf(r->why, r->why_size, "%s, line %zu: ", r->path, at->start_mark.line + 1) :
		 snprintf(r->why, r->why_size, "%s: ", r->path);
	if (n < 0 || (size_t)n >= r->why_size)
		return -EINVAL;
	va_start(ap, fmt);
	vsnprintf(r->why + n, r->why_size - (size_t)n, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static const char *scalar(const yaml_node_t *node)
{
	return node && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : "";
}

static int get_string(struct reader *r, const yaml_node_t *node, char **to)
{
	const char *s = scalar(node);

	if (node->type != YAML_SCALAR_NODE || strlen(s) != node->data.scalar.length)
		return bad(r, node, "a string is wanted here");
	free(*to);
	*to = strdup(s);
	return *to ? 0 : -ENOMEM;
}

static int get_bool(struct reader *r, const yaml_node_t *node, bool *to)
{
	const char *s = scalar(node);

	if (strcmp(s, "true") && strcmp(s, "false"))
		return bad(r, node, "true or false is wanted here");
	*to = *s == 't';
	return 0;
}

/* A file name, relative to the directory of the configuration. */
static int get_path(struct reader *r, const yaml_node_t *node, char **to)
{
	char *dir, *full = NULL;
	int ret;

	ret = get_string(r, node, to);
	if (ret || !**to || **to == '/')
		return ret;
	dir = strdup(r->path);
	if (!dir || asprintf(&full, "%s/%s", dirname(dir), *to) < 0)
		full = NULL;
	free(dir);
	if (!full)
		return -ENOMEM;
	free(*to);
	*to = full;
	return 0;
}

/* --------------------------------------------------------------- sections */

typedef int (*key_fn)(struct reader *r, const char *key, const yaml_node_t *key_node,
		      const yaml_node_t *value);

static int for_each_key(struct reader *r, const yaml_node_t *map, key_fn fn)
{
	const yaml_node_pair_t *p;

	/* "key:" with nothing behind it is an empty section. */
	if (map->type == YAML_SCALAR_NODE && !*scalar(map))
		return 0;
	if (map->type != YAML_MAPPING_NODE)
		return bad(r, map, "keys and values are wanted here");
	for (p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top; p++) {
		const yaml_node_t *key = yaml_document_get_node(&r->doc, p->key);
		const yaml_node_t *value = yaml_document_get_node(&r->doc, p->value);
		const yaml_node_pair_t *q;
		int ret;

		for (q = map->data.mapping.pairs.start; q < p; q++)
			if (!strcmp(scalar(yaml_document_get_node(&r->doc, q->key)), scalar(key)))
				return bad(r, key, "%s is given twice", scalar(key));
		ret = fn(r, scalar(key), key, value);
		if (ret)
			return ret;
	}
	return 0;
}

static int client_auth_type(struct reader *r, const yaml_node_t *node)
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
		if (!strcmp(scalar(node), names[i])) {
			r->config->client_auth = (enum client_auth)i;
			return 0;
		}
	return bad(r, node, "client_auth_type '%s' is not known", scalar(node));
}

static int tls_version(struct reader *r, const yaml_node_t *node, const char **to)
{
	static const char *const known[] = { "TLS10", "TLS11", "TLS12", "TLS13" };
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcmp(scalar(node), known[i])) {
			*to = known[i];
			return 0;
		}
	return bad(r, node, "TLS version '%s' is not one of TLS10, TLS11, TLS12, TLS13",
		   scalar(node));
}

static int curves(struct reader *r, const yaml_node_t *node)
{
	static const char *const known[][2] = { { "CurveP256", ":+GROUP-SECP256R1" },
						{ "CurveP384", ":+GROUP-SECP384R1" },
						{ "CurveP521", ":+GROUP-SECP521R1" },
						{ "X25519", ":+GROUP-X25519" } };
	const yaml_node_item_t *item;
	size_t i;

	if (node->type != YAML_SEQUENCE_NODE)
		return bad(r, node, "a list of curves is wanted here");
	for (item = node->data.sequence.items.start; item < node->data.sequence.items.top; item++) {
		const yaml_node_t *name = yaml_document_get_node(&r->doc, *item);
		const size_t used = strlen(r->groups);

		for (i = 0; i < 4 && strcmp(scalar(name), known[i][0]); i++)
			;
		if (i == 4)
			return bad(r, name, "curve '%s' is not known", scalar(name));
		if (used + strlen(known[i][1]) >= sizeof(r->groups))
			return bad(r, name, "too many curves");
		strcpy(r->groups + used, known[i][1]);
	}
	return 0;
}

static int tls_key(struct reader *r, const char *key, const yaml_node_t *key_node,
		   const yaml_node_t *value)
{
	struct web_config *c = r->config;

	if (!strcmp(key, "cert_file"))
		return get_path(r, value, &c->cert_file);
	if (!strcmp(key, "key_file"))
		return get_path(r, value, &c->key_file);
	if (!strcmp(key, "client_ca_file"))
		return get_path(r, value, &c->client_ca_file);
	if (!strcmp(key, "client_auth_type"))
		return client_auth_type(r, value);
	if (!strcmp(key, "min_version"))
		return tls_version(r, value, &r->min_version);
	if (!strcmp(key, "max_version"))
		return tls_version(r, value, &r->max_version);
	if (!strcmp(key, "prefer_server_cipher_suites"))
		return get_bool(r, value, &r->server_order);
	if (!strcmp(key, "curve_preferences"))
		return curves(r, value);
	if (!strcmp(key, "cipher_suites") || !strcmp(key, "client_allowed_sans"))
		return bad(r, key_node, "%s is not supported; remove it, or put a proxy in front",
			   key);
	return bad(r, key_node, "'%s' is not a key of tls_server_config", key);
}

static int header_key(struct reader *r, const char *key, const yaml_node_t *key_node,
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
		return bad(r, key_node, "header '%s' can not be set", key);
	ret = get_string(r, value, &h->value);
	if (ret)
		return ret;
	h->name = known[i];
	c->n_headers++; /* a key comes once, so there is room */
	if (strpbrk(h->value, "\r\n"))
		return bad(r, value, "a header's value is one line");
	return 0;
}

static int http_key(struct reader *r, const char *key, const yaml_node_t *key_node,
		    const yaml_node_t *value)
{
	bool ignored;

	/* HTTP/2 may be allowed or not: HTTP/1.1 is what is spoken here. */
	if (!strcmp(key, "http2"))
		return get_bool(r, value, &ignored);
	if (!strcmp(key, "headers"))
		return for_each_key(r, value, header_key);
	return bad(r, key_node, "'%s' is not a key of http_server_config", key);
}

/* "$2y$10$" and 53 characters of salt and sum. */
static int check_hash(struct reader *r, const yaml_node_t *node, const char *hash)
{
	unsigned int cost;
	char minor;

	if (strlen(hash) != 60 || sscanf(hash, "$2%c$%2u$", &minor, &cost) != 2 ||
	    !strchr("aby", minor) || hash[6] != '$')
		return bad(r, node, "not a bcrypt hash; make one with 'htpasswd -nBC 10 user'");
	if (cost < 4 || cost > WEB_CONFIG_MAX_COST)
		return bad(r, node, "bcrypt cost %u is not between 4 and %d", cost,
			   WEB_CONFIG_MAX_COST);
	return 0;
}

static int user_key(struct reader *r, const char *key, const yaml_node_t *key_node,
		    const yaml_node_t *value)
{
	struct web_config *c = r->config;
	struct web_user *u = &c->users[c->n_users];
	int ret;

	if (c->n_users == WEB_CONFIG_MAX_USERS)
		return bad(r, key_node, "more than %d users", WEB_CONFIG_MAX_USERS);
	if (!*key || strchr(key, ':'))
		return bad(r, key_node, "a user's name is not empty and has no colon");
	c->n_users++;
	u->name = strdup(key);
	if (!u->name)
		return -ENOMEM;
	ret = get_string(r, value, &u->hash);
	return ret ? ret : check_hash(r, value, u->hash);
}

static int top_key(struct reader *r, const char *key, const yaml_node_t *key_node,
		   const yaml_node_t *value)
{
	if (!strcmp(key, "tls_server_config")) {
		r->config->tls = value->type == YAML_MAPPING_NODE;
		return for_each_key(r, value, tls_key);
	}
	if (!strcmp(key, "http_server_config"))
		return for_each_key(r, value, http_key);
	if (!strcmp(key, "basic_auth_users"))
		return for_each_key(r, value, user_key);
	return bad(r, key_node,
		   "'%s' is not one of tls_server_config, http_server_config, basic_auth_users",
		   key);
}

/* ------------------------------------------------------------ the whole file */

static int make_priority(struct reader *r)
{
	static const char *const names[][2] = { { "TLS10", ":+VERS-TLS1.0" },
						{ "TLS11", ":+VERS-TLS1.1" },
						{ "TLS12", ":+VERS-TLS1.2" },
						{ "TLS13", ":+VERS-TLS1.3" } };
	const char *min = r->min_version ? r->min_version : "TLS12";
	const char *max = r->max_version ? r->max_version : "TLS13";
	char versions[96] = "";
	size_t i;

	/* The names sort as the versions do. */
	if (strcmp(min, max) > 0)
		return bad(r, NULL, "min_version %s is above max_version %s", min, max);
	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(names[i][0], min) >= 0 && strcmp(names[i][0], max) <= 0)
			strcat(versions, names[i][1]);
	if (asprintf(&r->config->priority, "NORMAL:-VERS-ALL%s%s%s%s", versions,
		     *r->groups ? ":-GROUP-ALL" : "", r->groups,
		     r->server_order ? ":%SERVER_PRECEDENCE" : "") < 0) {
		r->config->priority = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int check_whole(struct reader *r)
{
	struct web_config *c = r->config;

	if (c->tls && (!c->cert_file || !*c->cert_file))
		return bad(r, NULL, "tls_server_config lacks cert_file");
	if (c->tls && (!c->key_file || !*c->key_file))
		return bad(r, NULL, "tls_server_config lacks key_file");
	if (c->client_auth >= CLIENT_AUTH_VERIFY_IF_GIVEN && !c->client_ca_file)
		return bad(r, NULL,
			   "client_auth_type asks to verify, but client_ca_file is missing");
	if (c->client_ca_file && c->client_auth == CLIENT_AUTH_NONE)
		return bad(r, NULL,
			   "client_ca_file is given, but client_auth_type is NoClientCert");
	return make_priority(r);
}

static int parse(struct reader *r, FILE *file)
{
	yaml_parser_t parser;
	yaml_node_t *root;
	int ret;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_file(&parser, file);
	if (!yaml_parser_load(&parser, &r->doc)) {
		ret = bad(r, NULL, "line %zu: not YAML: %s", parser.problem_mark.line + 1,
			  parser.problem ? parser.problem : "cannot be read");
		goto out_parser;
	}
	root = yaml_document_get_root_node(&r->doc);
	ret = root ? for_each_key(r, root, top_key) : 0; /* an empty file is fine */
	if (!ret)
		ret = check_whole(r);
	yaml_document_delete(&r->doc);
out_parser:
	yaml_parser_delete(&parser);
	return ret;
}

int web_config_read(const char *path, struct web_config **config, char *why, size_t why_size)
{
	struct reader r = { .path = path, .why = why, .why_size = why_size };
	struct stat st;
	FILE *file;
	int ret;

	*why = '\0';
	file = fopen(path, "re");
	if (!file || fstat(fileno(file), &st)) {
		ret = -errno;
		snprintf(why, why_size, "%s: %s", path, strerror(-ret));
		goto out_file;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > WEB_CONFIG_MAX_BYTES) {
		ret = bad(&r, NULL, "not a file of at most %d bytes", WEB_CONFIG_MAX_BYTES);
		goto out_file;
	}
	r.config = calloc(1, sizeof(*r.config));
	ret = r.config ? parse(&r, file) : -ENOMEM;
	if (ret == -ENOMEM)
		snprintf(why, why_size, "%s: out of memory", path);
	if (ret)
		web_config_free(r.config);
	else
		*config = r.config;
out_file:
	if (file)
		fclose(file);
	return ret;
}

void web_config_free(struct web_config *c)
{
	size_t i;

	if (!c)
		return;
	for (i = 0; i < c->n_users; i++) {
		free(c->users[i].name);
		free(c->users[i].hash);
	}
	for (i = 0; i < c->n_headers; i++)
		free(c->headers[i].value);
	free(c->cert_file);
	free(c->key_file);
	free(c->client_ca_file);
	free(c->priority);
	free(c);
}

const char *web_config_hash(const struct web_config *config, const char *user)
{
	size_t i;

	for (i = 0; i < config->n_users; i++)
		if (!strcmp(config->users[i].name, user))
			return config->users[i].hash;
	return NULL;
}

bool web_config_check(const struct web_config *config, const char *user, const char *password,
		      struct crypt_data *data)
{
	const char *hash = web_config_hash(config, user);
	char nobody[64];
	const char *made;

	/* As expensive as a user that there is. */
	snprintf(nobody, sizeof(nobody), "%.7s" NOBODY_SALT,
		 config->n_users ? config->users[0].hash : "$2y$10$");
	made = crypt_r(password, hash ? hash : nobody, data);
	/* A failed crypt_r() gives "*0": shorter than any hash. */
	return made && hash && strlen(made) == strlen(hash) &&
	       !gnutls_memcmp(made, hash, strlen(hash));
}
