// SPDX-License-Identifier: GPL-2.0-only
#include "base/libraries.h"

#ifdef EXT4RACE_STATIC

/* Made by deploy/portable/build.mk: STATIC_LIBRARY("name", "version") a line. */
#define STATIC_LIBRARY(name, version) { name, version },
static const struct {
	const char *name, *version;
} libraries[] = {
#include "static_libraries.h"
};

void libraries_print(FILE *out)
{
	size_t i;

	fputs("  libraries     inside (static)\n", out);
	for (i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++)
		fprintf(out, "  %-13s %s\n", libraries[i].name, libraries[i].version);
}

#else

#include <bpf/libbpf.h>
#include <gnu/libc-version.h>
#include <gnutls/gnutls.h>
#include <jansson.h>
#include <microhttpd.h>
#include <seccomp.h>
#include <yaml.h>
#include <zlib.h>

void libraries_print(FILE *out)
{
	fputs("  libraries     of the host (dynamic)\n", out);
	fprintf(out, "  %-13s %s\n", "glibc", gnu_get_libc_version());
	fprintf(out, "  %-13s %s\n", "libbpf", libbpf_version_string());
	fprintf(out, "  %-13s %s\n", "gnutls", gnutls_check_version(NULL));
	fprintf(out, "  %-13s %s\n", "libmicrohttpd", MHD_get_version());
	fprintf(out, "  %-13s %s\n", "jansson", jansson_version_str());
	if (seccomp_version())
		fprintf(out, "  %-13s %u.%u.%u\n", "libseccomp", seccomp_version()->major,
			seccomp_version()->minor, seccomp_version()->micro);
	fprintf(out, "  %-13s %s\n", "libyaml", yaml_get_version_string());
	fprintf(out, "  %-13s %s\n", "zlib", zlibVersion());
}

#endif
