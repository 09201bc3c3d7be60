// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/array_size.h"
#include "base/output.h"
#include "host/kernel.h"
#include "host/kernel_functions.h"
#include "host/race_functions.h"
#include "verify/remedy.h"

/* Exists where CONFIG_X86_KERNEL_IBT is set, 991625f3dd2c (5.18). */
#define IBT_FUNCTION "ibt_save"
/* Exists where ftrace can redirect a function, CONFIG_DYNAMIC_FTRACE_WITH_REGS. */
#define FTRACE_FUNCTION "ftrace_regs_caller"

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

static void add_fixed_kernel(struct remedies *rem, const struct remedy_host *host)
{
	size_t i;

	for (i = 0; i < sizeof(fixed_in) / sizeof(fixed_in[0]); i++) {
		if (strcmp(host->codename, fixed_in[i].codename))
			continue;
		add(rem,
		    "a fixed kernel and a reboot: %s: apt-get update && apt-get --only-upgrade "
		    "install 'linux-image-*'",
		    fixed_in[i].says);
		return;
	}
	add(rem, "a fixed kernel and a reboot: 6.11, 6.10.4, 6.6.45, 6.1.104, 5.15.165, 5.10.224 "
		 "or later, or your vendor's with 0ea6560abb3b");
}

/* Why patch/livepatch does not fit, or NULL. Its builder and the module itself check the same. */
static const char *why_no_livepatch(const struct remedy_host *host)
{
	if (strcmp(host->machine, "x86_64") && strcmp(host->machine, "aarch64"))
		return "it is made for x86-64 and arm64 only";
	if (!host->has_livepatch && !host->has_ftrace)
		return "this kernel is built without CONFIG_LIVEPATCH and without "
		       "CONFIG_DYNAMIC_FTRACE_WITH_REGS";
	if (!host->has_kprobes)
		return "this kernel is built without CONFIG_KPROBES";
	if (host->insert == INSERT_IS_MISSING)
		return "this kernel has neither " RACE_INSERT_BLOCK " nor " RACE_INSERT_EXTENT;
	if (host->is_realtime)
		return "this is a PREEMPT_RT kernel";
	return NULL;
}

/* Reads "5.10" of the release. False if it does not begin with two numbers. */
static bool read_line(const struct remedy_host *host, unsigned int *major, unsigned int *minor)
{
	return sscanf(host->release, "%u.%u", major, minor) == 2;
}

/* Adds to notes, which ends up as " (one; another" or empty. */
static void note(char *notes, size_t size, const char *text)
{
	size_t len = strlen(notes);

	snprintf(notes + len, size - len, "%s%s", len ? "; " : " (", text);
}

static void add_livepatch(struct remedies *rem, const struct remedy_host *host)
{
	const char *why = why_no_livepatch(host);
	unsigned int major, minor;
	char notes[128] = "";

	if (why) {
		add(rem, "no livepatch: %s", why);
		return;
	}
	if (!read_line(host, &major, &minor))
		return;
	if (!host->has_livepatch)
		note(notes, sizeof(notes), "redirected by ftrace");
	if (host->insert == INSERT_RETURNS_UNKNOWN)
		note(notes, sizeof(notes), "the build says if it does not fit");
	if (host->has_ibt)
		note(notes, sizeof(notes), "not proven on a CPU that enforces IBT");
	add(rem,
	    "without a reboot%s%s: patch/livepatch/build --headers /lib/modules/%s/build "
	    "--source /usr/src/linux-source-%u.%u && insmod ext4race_livepatch.ko",
	    notes, notes[0] ? ")" : "", host->release, major, minor);
}

static void add_module(struct remedies *rem, const struct remedy_host *host)
{
	if (!host->ext4_is_module)
		add(rem, "no fixed module: ext4 is built into this kernel");
	else if (host->root_is_ext4)
		add(rem, "a fixed ext4 module, by DKMS; / is ext4, so it takes a reboot: "
			 "patch/module/dkms-tree && dkms install ext4race-ext4/1.0 && "
			 "update-initramfs -u");
	else
		add(rem, "a fixed ext4 module, by DKMS: patch/module/dkms-tree && dkms install "
			 "ext4race-ext4/1.0; then umount, rmmod ext4, modprobe ext4");
}

/*
 * Which series of patch/README.md a kernel of this line is built with. This is where to begin:
 * a vendor's tree may need another one.
 */
static const char *series_of(unsigned int major, unsigned int minor)
{
	unsigned int line = major * 1000 + minor;

	if (line == 5004)
		return "patch/series/5.4.y";
	if (line == 5010)
		return "patch/series/5.10.y-b (5.10.y-a before 5.10.213)";
	if (line >= 5011 && line <= 5015)
		return "patch/series/5.15.y";
	if (line >= 5016 && line <= 6004)
		return "patch/series/6.1.y";
	if (line >= 6005 && line <= 6007)
		return "patch/series/6.6.y";
	if (line >= 6008 && line <= 6010)
		return "patch/series/mainline-6.8";
	if (line >= 6011 && line <= 6015)
		return "patch/series/mainline-6.11";
	return line >= 7000 ? "patch/series/mainline-7.0" : NULL;
}

static void add_series(struct remedies *rem, const struct remedy_host *host)
{
	unsigned int major, minor;
	const char *series;

	if (!read_line(host, &major, &minor))
		return;
	series = series_of(major, minor);
	if (series)
		add(rem, "if you build the kernel yourself: apply %s with git am", series);
	else
		add(rem, "no patch series for kernels %u.%u: see patch/README.md", major, minor);
}

void remedies_for(struct remedies *rem, const struct remedy_host *host, const char *mount)
{
	memset(rem, 0, sizeof(*rem));
	add_fixed_kernel(rem, host);
	if (host->known) {
		add_livepatch(rem, host);
		add_module(rem, host);
	}
	add_series(rem, host);
	add(rem, "at once, but it turns delayed allocation off: mount -o remount,nodelalloc %s",
	    mount ? mount : "MOUNTPOINT");
	add(rem, "the leaked blocks come back with umount and mount; a remount does not do it");
	add(rem, "how to roll it out and verify it: docs/remediation.md");
}

static enum insert_returns what_insert_returns(const struct kernel *kernel)
{
	struct kernel_func func;

	if (kernel_func(kernel, RACE_INSERT_BLOCK, &func))
		return INSERT_RETURNS_UNKNOWN;
	/* The insert of extents, 12eba993b94c (6.11), never returned anything. */
	if (!func.is_symbol)
		return !kernel_func(kernel, RACE_INSERT_EXTENT, &func) && func.is_symbol ?
			       INSERT_RETURNS_VOID :
			       INSERT_IS_MISSING;
	if (func.nargs < 0)
		return INSERT_RETURNS_UNKNOWN;
	return func.returns_void ? INSERT_RETURNS_VOID : INSERT_RETURNS_INT;
}

static void look_at_host(struct remedy_host *host, const struct kernel *kernel)
{
	static const char *const names[] = { RACE_INSERT_BLOCK, RACE_INSERT_EXTENT, IBT_FUNCTION,
					     FTRACE_FUNCTION };
	struct kernel_func func;
	struct utsname uts;

	memset(host, 0, sizeof(*host));
	if (!uname(&uts)) {
		snprintf(host->release, sizeof(host->release), "%s", uts.release);
		snprintf(host->machine, sizeof(host->machine), "%s", uts.machine);
	}
	if (!read_codename(host->codename, sizeof(host->codename)))
		host->codename[0] = 0;
	if (!kernel)
		return;
	kernel_expect(kernel, names, ARRAY_SIZE(names));
	host->known = true;
	host->has_livepatch = kernel->has_livepatch;
	host->has_kprobes = kernel->has_kprobes;
	host->has_ftrace = !kernel_func(kernel, FTRACE_FUNCTION, &func) && func.is_symbol;
	host->has_ibt = !kernel_func(kernel, IBT_FUNCTION, &func) && func.is_symbol;
	host->is_realtime = !access("/sys/kernel/realtime", F_OK);
	host->ext4_is_module = kernel->ext4_is_module;
	host->root_is_ext4 = !kernel->ext4_may_go;
	host->insert = what_insert_returns(kernel);
}

void remedies_of(struct remedies *rem, const struct kernel *kernel, const char *mount)
{
	struct remedy_host host;

	look_at_host(&host, kernel);
	remedies_for(rem, &host, mount);
}

void remedies_collect(struct remedies *rem, const char *mount)
{
	struct kernel kernel;
	char why[128];

	if (kernel_open(&kernel, NULL, why, sizeof(why))) {
		remedies_of(rem, NULL, mount);
	} else {
		remedies_of(rem, &kernel, mount);
		kernel_close(&kernel);
	}
}

void remedies_print(const struct remedies *rem, const char *heading, int fd)
{
	char text[sizeof(rem->line) + REMEDIES_MAX * 8 + 128];
	size_t i, len;

	len = snprintf(text, sizeof(text), "\n%.100s\n", heading);
	for (i = 0; i < rem->n; i++)
		len += snprintf(text + len, sizeof(text) - len, "  - %s\n", rem->line[i]);
	output_write(fd, text, len);
}
