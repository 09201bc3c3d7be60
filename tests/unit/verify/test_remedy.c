// SPDX-License-Identifier: GPL-2.0-only
/* Which remedies are named for which host. */
#include "unit.h"
#include "verify/remedy.h"

/* A stock Debian 11, where all of them fit. */
static struct remedy_host stock(void)
{
	struct remedy_host host = {
		.release = "5.10.0-32-amd64",
		.machine = "x86_64",
		.codename = "bullseye",
		.known = true,
		.has_livepatch = true,
		.has_kprobes = true,
		.ext4_is_module = true,
		.insert = INSERT_RETURNS_INT,
	};

	return host;
}

static bool has(const struct remedies *rem, const char *text)
{
	size_t i;

	for (i = 0; i < rem->n; i++) {
		if (strstr(rem->line[i], text))
			return true;
	}
	return false;
}

static struct remedies of(const struct remedy_host *host)
{
	struct remedies rem;

	remedies_for(&rem, host, "/srv");
	assert_in_range(rem.n, 1, REMEDIES_MAX);
	return rem;
}

static void test_all_fit(void **state UNUSED)
{
	struct remedy_host host = stock();
	struct remedies rem = of(&host);

	assert_true(has(&rem, "5.10.226-1"));
	assert_true(has(&rem, "patch/livepatch/build --headers "
			      "/lib/modules/5.10.0-32-amd64/build --source "
			      "/usr/src/linux-source-5.10 && insmod ext4race_livepatch.ko"));
	assert_true(has(&rem, "dkms install ext4race-ext4/1.0; then umount"));
	assert_true(has(&rem, "patch/series/5.10.y-b"));
	assert_true(has(&rem, "remount,nodelalloc /srv"));
	assert_false(has(&rem, "no livepatch"));
}

/* Each reason alone keeps the livepatch out, and is named instead of a command. */
static void test_why_no_livepatch(void **state UNUSED)
{
	struct remedy_host host = stock();
	struct remedies rem;
#define REFUSED(change, reason)                                                                    \
	do {                                                                                       \
		host = stock();                                                                    \
		change;                                                                            \
		rem = of(&host);                                                                   \
		assert_true(has(&rem, "no livepatch: "));                                          \
		assert_true(has(&rem, reason));                                                    \
		assert_false(has(&rem, "insmod ext4race_livepatch"));                              \
	} while (0)

	REFUSED(strcpy(host.machine, "riscv64"), "x86-64 and arm64 only");
	REFUSED(host.has_livepatch = false, "CONFIG_DYNAMIC_FTRACE_WITH_REGS");
	REFUSED(host.has_kprobes = false, "CONFIG_KPROBES");
	REFUSED(host.insert = INSERT_IS_MISSING, "has neither ext4_es_insert_delayed_block");
	REFUSED(host.is_realtime = true, "PREEMPT_RT");
#undef REFUSED
}

/* arm64 has no live patching: ftrace redirects the insert. */
static void test_by_ftrace(void **state UNUSED)
{
	struct remedy_host host = stock();
	struct remedies rem;

	strcpy(host.release, "5.10.0-32-arm64");
	strcpy(host.machine, "aarch64");
	host.has_livepatch = false;
	host.has_ftrace = true;
	rem = of(&host);
	assert_true(has(&rem, "without a reboot (redirected by ftrace): patch/livepatch/build "
			      "--headers /lib/modules/5.10.0-32-arm64/build --source "
			      "/usr/src/linux-source-5.10 && insmod ext4race_livepatch.ko"));
	assert_false(has(&rem, "no livepatch"));
}

/* An insert that returns nothing is left out. What was not proven is said. */
static void test_void_insert_and_ibt(void **state UNUSED)
{
	struct remedy_host host = stock();
	struct remedies rem;

	host.insert = INSERT_RETURNS_VOID;
	rem = of(&host);
	assert_true(has(&rem, "without a reboot: patch/livepatch/build"));
	host.has_ibt = true;
	rem = of(&host);
	assert_true(has(&rem, "without a reboot (not proven on a CPU that enforces IBT): "));
}

/* No BTF: it is named, and so is that it may not fit. */
static void test_insert_unknown(void **state UNUSED)
{
	struct remedy_host host = stock();
	struct remedies rem;

	host.insert = INSERT_RETURNS_UNKNOWN;
	rem = of(&host);
	assert_true(has(&rem, "insmod ext4race_livepatch"));
	assert_true(has(&rem, "the build says if it does not fit"));
}

static void test_module(void **state UNUSED)
{
	struct remedy_host host = stock();
	struct remedies rem;

	host.root_is_ext4 = true;
	rem = of(&host);
	assert_true(has(&rem, "update-initramfs -u"));
	host.ext4_is_module = false;
	rem = of(&host);
	assert_true(has(&rem, "no fixed module: ext4 is built into"));
	assert_false(has(&rem, "dkms install"));
}

static void test_series(void **state UNUSED)
{
	static const struct {
		const char *release, *series;
	} lines[] = {
		{ "5.4.286", "series/5.4.y" },
		{ "5.15.0-91-generic", "series/5.15.y" },
		{ "6.1.0-18-amd64", "series/6.1.y" },
		{ "6.6.30", "series/6.6.y" },
		{ "6.8.0-31-generic", "series/mainline-6.8" },
		{ "6.12.1", "series/mainline-6.11" },
		{ "7.2.13", "series/mainline-7.0" },
		{ "4.19.255", "no patch series for kernels 4.19" },
		{ "6.18.1", "no patch series for kernels 6.18" },
	};
	struct remedy_host host = stock();
	struct remedies rem;
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		snprintf(host.release, sizeof(host.release), "%s", lines[i].release);
		rem = of(&host);
		assert_true(has(&rem, lines[i].series));
	}
}

/* A kernel that could not be looked at: nothing is said of what depends on it. */
static void test_unknown_kernel(void **state UNUSED)
{
	struct remedy_host host = { .release = "?", .machine = "x86_64" };
	struct remedies rem = of(&host);

	assert_false(has(&rem, "livepatch"));
	assert_false(has(&rem, "module"));
	assert_true(has(&rem, "0ea6560abb3b"));
	assert_true(has(&rem, "remount,nodelalloc"));
}

/* No line is cut off, even for the longest release. */
static void test_nothing_is_cut(void **state UNUSED)
{
	struct remedy_host host = stock();
	struct remedies rem;
	size_t i;

	memset(host.release, 'x', sizeof(host.release) - 1);
	memcpy(host.release, "5.10.", 5);
	host.insert = INSERT_RETURNS_UNKNOWN;
	host.has_livepatch = false;
	host.has_ftrace = true;
	host.has_ibt = true;
	rem = of(&host);
	assert_true(has(&rem, "insmod ext4race_livepatch.ko"));
	for (i = 0; i < rem.n; i++)
		assert_in_range(strlen(rem.line[i]), 1, sizeof(rem.line[i]) - 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_fit),
		cmocka_unit_test(test_why_no_livepatch),
		cmocka_unit_test(test_insert_unknown),
		cmocka_unit_test(test_by_ftrace),
		cmocka_unit_test(test_void_insert_and_ibt),
		cmocka_unit_test(test_module),
		cmocka_unit_test(test_series),
		cmocka_unit_test(test_unknown_kernel),
		cmocka_unit_test(test_nothing_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
