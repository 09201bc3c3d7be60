/* SPDX-License-Identifier: GPL-2.0-only */
/* How a web.config file is read: values of YAML nodes, keys of sections. */
#ifndef EXT4RACE_WEB_CONFIG_READER_H
#define EXT4RACE_WEB_CONFIG_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

#include "http/web_config.h"

/* The document while it is read, and where the first mistake goes. */
struct web_reader {
	const char *path;
	yaml_document_t doc;
	struct web_config *config;
	const char *min_version, *max_version;
	bool server_order;
	char groups[256];
	char *why;
	size_t why_size;
};

/* ---- web_config_reader.c: all return 0, -EINVAL with a line in why, or -ENOMEM ---- */

/* Notes the mistake, in the line of at unless that is NULL; always -EINVAL. */
__attribute__((format(printf, 3, 4))) int web_bad(struct web_reader *r, const yaml_node_t *at,
						  const char *fmt, ...);
/* The value of a scalar, "" for any other node. It belongs to the document. */
const char *web_scalar(const yaml_node_t *node);
/* Replaces *to, which is allocated or NULL. */
int web_string(struct web_reader *r, const yaml_node_t *node, char **to);
/* The same for a file name: relative ones are those of the configuration's directory. */
int web_path(struct web_reader *r, const yaml_node_t *node, char **to);
int web_bool(struct web_reader *r, const yaml_node_t *node, bool *to);

typedef int (*web_key_fn)(struct web_reader *r, const char *key, const yaml_node_t *key_node,
			  const yaml_node_t *value);

/* Calls fn for each key of a section; a key that comes twice is a mistake. */
int web_for_each_key(struct web_reader *r, const yaml_node_t *map, web_key_fn fn);

/* ---- web_config_keys.c: which keys there are ---- */

/* Takes one key of the file, with all that is below it, into r->config. */
int web_top_key(struct web_reader *r, const char *key, const yaml_node_t *key_node,
		const yaml_node_t *value);

#endif /* EXT4RACE_WEB_CONFIG_READER_H */
