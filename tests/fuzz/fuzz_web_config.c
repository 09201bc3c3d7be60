// SPDX-License-Identifier: GPL-2.0-only
/* --web.config.file: a configuration, or an error with a line that says which. */
#include "fuzz.h"
#include "http/web_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct web_config *config = NULL;
	char why[256] = "";
	size_t i;
	int err;

	err = web_config_read(fuzz_file(data, size), &config, why, sizeof(why));
	must(err <= 0);
	must(!err == !!config);
	must(!err || (why[0] && memchr(why, 0, sizeof(why)) && !strchr(why, '\n')));
	if (!config)
		return 0;
	must(config->n_users <= WEB_CONFIG_MAX_USERS && config->n_headers <= WEB_CONFIG_HEADERS);
	must(!config->tls || (config->cert_file && config->key_file));
	for (i = 0; i < config->n_users; i++)
		must(config->users[i].name && config->users[i].hash);
	for (i = 0; i < config->n_headers; i++)
		must(!strpbrk(config->headers[i].value, "\r\n"));
	web_config_free(config);
	return 0;
}
