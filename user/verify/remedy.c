// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/output.h"
#include "host/kernel.h"
#include "host/kernel_functions.h"
#include "host/race_functions.h"
#include "verify/remedy.h"

/*
 * The first package versions with the fix, from the distributions' changelogs. They only
 * tell where to get a fixed kernel. The verdict never comes from here.
 */
static const struct {
	const char *codename;
	const char *says;
} fixed_in[] = {
	{ "bullseye", "Debian 11: linux 5.10.226-1 (bullseye-security) or later" },
	{ "bookworm", "Debian 12: linux 6.1.106-1 or later" },
	{ "trixie", "Debian 13: every released linux (6.12) has it" },
	{ "sid", "Debian sid: linux 6.10.4-1 or later" },
};

static __attribute__((format(printf, 2, 3))) void add(struct remedies *rem, const char *fmt, ...)
{
	va_list ap;

	if (rem->n == REMEDIES_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(rem->line[rem->n++], sizeof(rem->line[0]), fmt, ap);
	va_end(ap);
}

static bool read_codename(char *buf, size_t size)
{
	static const char key[] = "VERSION_CODENAME=";
	char line[256];
	bool found = false;
	FILE *f = fopen("/etc/os-release", "re");

	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		if (strncmp(line, key, sizeof(key) - 1))
			continue;
		line[strcspn(line, "\n")] = 0;
		snprintf(
			buf, size, "%.*s",
			(int)strcspn(line + sizeof(key) - 1 + (line[sizeof(key) - 1] == '"'), "\""),
			line + sizeof(key) - 1 + (line[sizeof(key) - 1] == '"'));
		found = true;
	}
	fclose(f);
	return found;
}

static void add_fixed_kernel(struct remedies *rem)
{
	char codename[64];
	size_t i;

	if (read_codename(codename, sizeof(codename))) {
		for (i = 0; i < sizeof(fixed_in) / sizeof(fixed_in[0]); i++) {
			if (!strcmp(codename, fixed_in[i].codename)) {
				add(rem, "a fixed kernel and a reboot: %s", fixed_in[i].says);
				return;
			}
		}
	}
	add(rem, "a fixed kernel and a reboot: 6.11, 6.10.4, 6.6.45, 6.1.104, 5.15.165, 5.10.224 "
		 "or later, or your vendor's with 0ea6560abb3b; patches are in patch/series");
}

static void add_livepatch(struct remedies *rem)
{
	struct kernel kernel;
	struct kernel_func func;
	char why[128];

	if (kernel_open(&kernel, NULL, why, sizeof(why)))
		return;
	if (!kernel.has_livepatch)
		add(rem, "no livepatch: this kernel is built without CONFIG_LIVEPATCH");
	else if (kernel_func(&kernel, RACE_INSERT_BLOCK, &func) || !func.is_symbol)
		add(rem, "no livepatch: this kernel has no " RACE_INSERT_BLOCK);
	else if (func.nargs >= 0 && func.returns_void)
		add(rem, "no livepatch: " RACE_INSERT_BLOCK " returns nothing here, so that "
			 "an insert cannot be refused");
	else
		add(rem, "without a reboot: the livepatch in patch/livepatch");
	kernel_close(&kernel);
}

void remedies_collect(struct remedies *rem, const char *mount)
{
	memset(rem, 0, sizeof(*rem));
	add_fixed_kernel(rem);
	add_livepatch(rem);
	add(rem, "at once, but it turns delayed allocation off: mount -o remount,nodelalloc %s",
	    mount ? mount : "MOUNTPOINT");
	add(rem, "the leaked blocks come back with umount and mount; a remount does not do it");
	add(rem, "how to roll it out and verify it: docs/remediation.md");
}

void remedies_print(const struct remedies *rem, int fd)
{
	char text[REMEDIES_MAX * 272 + 64];
	size_t i, len;

	len = snprintf(text, sizeof(text), "\nHow to end the race on this host:\n");
	for (i = 0; i < rem->n; i++)
		len += snprintf(text + len, sizeof(text) - len, "  - %s\n", rem->line[i]);
	output_write(fd, text, len);
}
