// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "http/web_config_reader.h"
#include "report/report.h"

static int make_priority(struct web_reader *r)
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
		return web_bad(r, NULL, "min_version %s is above max_version %s", min, max);
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

static int check_whole(struct web_reader *r)
{
	struct web_config *c = r->config;

	if (c->tls && (!c->cert_file || !*c->cert_file))
		return web_bad(r, NULL, "tls_server_config lacks cert_file");
	if (c->tls && (!c->key_file || !*c->key_file))
		return web_bad(r, NULL, "tls_server_config lacks key_file");
	if (c->client_auth >= CLIENT_AUTH_VERIFY_IF_GIVEN && !c->client_ca_file)
		return web_bad(r, NULL,
			       "client_auth_type asks to verify, but client_ca_file is missing");
	if (c->client_ca_file && c->client_auth == CLIENT_AUTH_NONE)
		return web_bad(r, NULL,
			       "client_ca_file is given, but client_auth_type is NoClientCert");
	return make_priority(r);
}

static int parse(struct web_reader *r, FILE *file)
{
	yaml_parser_t parser;
	yaml_node_t *root;
	int ret;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_file(&parser, file);
	if (!yaml_parser_load(&parser, &r->doc)) {
		ret = web_bad(r, NULL, "line %zu: not YAML: %s", parser.problem_mark.line + 1,
			      parser.problem ? parser.problem : "cannot be read");
		goto out_parser;
	}
	root = yaml_document_get_root_node(&r->doc);
	ret = root ? web_for_each_key(r, root, web_top_key) : 0; /* an empty file is fine */
	if (!ret)
		ret = check_whole(r);
	yaml_document_delete(&r->doc);
out_parser:
	yaml_parser_delete(&parser);
	return ret;
}

static int read_config(const char *path, struct web_config **config, char *why, size_t why_size)
{
	struct web_reader r = { .path = path, .why = why, .why_size = why_size };
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
		ret = web_bad(&r, NULL, "not a file of at most %d bytes", WEB_CONFIG_MAX_BYTES);
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

/* A newline in the file must not begin a line of the log. */
static void make_printable(char *why, size_t why_size)
{
	char *raw = strdup(why);

	if (raw)
		printable(why, why_size, raw);
	else
		*why = '\0';
	free(raw);
}

int web_config_read(const char *path, struct web_config **config, char *why, size_t why_size)
{
	int ret = read_config(path, config, why, why_size);

	if (ret)
		make_printable(why, why_size);
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
