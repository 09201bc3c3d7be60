// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/web_config_reader.h"

int web_bad(struct web_reader *r, const yaml_node_t *at, const char *fmt, ...)
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

const char *web_scalar(const yaml_node_t *node)
{
	return node && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : "";
}

int web_string(struct web_reader *r, const yaml_node_t *node, char **to)
{
	const char *s = web_scalar(node);

	if (node->type != YAML_SCALAR_NODE || strlen(s) != node->data.scalar.length)
		return web_bad(r, node, "a string is wanted here");
	free(*to);
	*to = strdup(s);
	return *to ? 0 : -ENOMEM;
}

int web_bool(struct web_reader *r, const yaml_node_t *node, bool *to)
{
	const char *s = web_scalar(node);

	if (strcmp(s, "true") && strcmp(s, "false"))
		return web_bad(r, node, "true or false is wanted here");
	*to = *s == 't';
	return 0;
}

/* A file name, relative to the directory of the configuration. */
int web_path(struct web_reader *r, const yaml_node_t *node, char **to)
{
	char *dir, *full = NULL;
	int ret;

	ret = web_string(r, node, to);
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

int web_for_each_key(struct web_reader *r, const yaml_node_t *map, web_key_fn fn)
{
	const yaml_node_pair_t *p;

	/* "key:" with nothing behind it is an empty section. */
	if (map->type == YAML_SCALAR_NODE && !*web_scalar(map))
		return 0;
	if (map->type != YAML_MAPPING_NODE)
		return web_bad(r, map, "keys and values are wanted here");
	for (p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top; p++) {
		const yaml_node_t *key = yaml_document_get_node(&r->doc, p->key);
		const yaml_node_t *value = yaml_document_get_node(&r->doc, p->value);
		const yaml_node_pair_t *q;
		int ret;

		for (q = map->data.mapping.pairs.start; q < p; q++)
			if (!strcmp(web_scalar(yaml_document_get_node(&r->doc, q->key)),
				    web_scalar(key)))
				return web_bad(r, key, "%s is given twice", web_scalar(key));
		ret = fn(r, web_scalar(key), key, value);
		if (ret)
			return ret;
	}
	return 0;
}
