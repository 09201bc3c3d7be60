// SPDX-License-Identifier: GPL-2.0-only
/* What people read: whole blocks as golden text, and alignment whatever the values. */
#include <pty.h>

#include "sink/text.h"
#include "unit.h"

/* Sends reports one after the other through one sink; all text, malloc()ed. */
static char *shown(const struct report *reports, size_t n, bool verbose)
{
	int fd = capture_fd();
	struct sink *sink = sink_text_open(fd, verbose);
	char *text;
	size_t i;

	assert_non_null(sink);
	assert_string_equal(sink->ops->name, "text");
	for (i = 0; i < n; i++)
		assert_int_equal(sink->ops->event(sink, &reports[i]), 0);
	text = captured(fd);
	assert_int_equal(sink->ops->close(sink), 0);
	close(fd);
	return text;
}

static void shows(const struct report *report, bool verbose, const char *want)
{
	char *text = shown(report, 1, verbose);

	assert_string_equal(text, want);
	free(text);
}

/* The n-th line (from 0) in place, cut out of text by a copy. */
static char *line_of(const char *text, size_t n)
{
	const char *end;
	char *line;

	while (n--) {
		text = strchr(text, '\n');
		assert_non_null(text);
		text++;
	}
	end = strchr(text, '\n');
	assert_non_null(end);
	line = strndup(text, end - text);
	assert_non_null(line);
	return line;
}

static size_t column_of(const char *line, const char *what)
{
	const char *p = strstr(line, what);

	if (!p)
		fail_msg("no \"%s\" in: %s", what, line);
	return p - line;
}

static const struct hook_info hooks[] = {
	{ "delayed_insert", "kprobe ext4_es_insert_delayed_block", "fentry: no BTF of ext4" },
	{ "allocation", "kprobe ext4_fallocate", "" },
	{ "inode_end", "", "ext4_destroy_inode: not found" },
};

static const struct fs_info filesystems[] = {
	{ E4R_DEV(254, 1), "vda1", "/" },
	{ E4R_DEV(7, 0), "loop0", "/mnt/new\nline" },
	{ E4R_DEV(7, 1), "loop1", NULL },
};

static struct start_info sample_start(void)
{
	return (struct start_info){
		.version = "0.1.0",
		.kernel = "5.10.0-32-cloud-amd64",
		.attach = "kprobe",
		.certainty = "full",
		.n_hooks = ARRAY_SIZE(hooks),
		.hooks = hooks,
		.n_fs = ARRAY_SIZE(filesystems),
		.fs = filesystems,
	};
}

static void test_start(void **state)
{
	struct start_info start = sample_start();
	struct report report = { .type = REPORT_START, .time = SAMPLE_TIME, .start = &start };

	(void)state;
	shows(&report, false,
	      "ext4race-detect 0.1.0, started 2025-11-23 03:44:11 UTC\n"
	      "  kernel     5.10.0-32-cloud-amd64\n"
	      "  attach     kprobe\n"
	      "  certainty  full\n"
	      "  hooks      delayed_insert  kprobe ext4_es_insert_delayed_block\n"
	      "             allocation      kprobe ext4_fallocate\n"
	      "             inode_end       not bound (ext4_destroy_inode: not found)\n"
	      "  watching   vda1   254:1   /\n"
	      "             loop0  7:0     /mnt/new\\x0aline\n"
	      "             loop1  7:1     (not mounted here)\n"
	      "\n");
}

/* -v says why a better candidate was not taken. */
static void test_start_verbose(void **state)
{
	struct start_info start = sample_start();
	struct report report = { .type = REPORT_START, .time = SAMPLE_TIME, .start = &start };
	char *text;

	(void)state;
	text = shown(&report, 1, true);
	assert_non_null(
		strstr(text, "kprobe ext4_es_insert_delayed_block (fentry: no BTF of ext4)\n"));
	assert_non_null(strstr(text, "kprobe ext4_fallocate\n"));
	free(text);
}

static void test_start_degraded_and_empty(void **state)
{
	struct start_info start = { .version = "0.1.0",
				    .degraded = true,
				    .certainty = "near misses are not seen" };
	struct report report = { .type = REPORT_START, .time = SAMPLE_TIME, .start = &start };

	(void)state;
	shows(&report, false,
	      "ext4race-detect 0.1.0, started 2025-11-23 03:44:11 UTC\n"
	      "  kernel     unknown\n"
	      "  attach     unknown\n"
	      "  certainty! near misses are not seen\n"
	      "  watching   every ext4 filesystem; none is mounted here now\n"
	      "\n");
}

static void test_rows(void **state)
{
	struct e4r_event ev[3] = { sample_event(), sample_event(), sample_event() };
	struct race_info race[3] = { { .ev = &ev[0], .mount = "/mnt/x", .path = "/mnt/x/a b" },
				     { .ev = &ev[1], .mount = "/mnt/x" },
				     { .ev = &ev[2] } };
	struct report reports[3] = {
		{ .type = REPORT_OVERWRITE, .time = SAMPLE_TIME, .race = &race[0] },
		{ .type = REPORT_AVERTED, .time = SAMPLE_TIME, .race = &race[1] },
		{ .type = REPORT_LEAK, .time = SAMPLE_TIME, .race = &race[2] },
	};
	char *text;

	(void)state;
	ev[1].flags = E4R_F_RECLAIMED;
	ev[1].was = E4R_WAS_WRITTEN;
	text = shown(reports, 3, false);
	assert_string_equal(
		text, "TIME (UTC)    EVENT      DEV      INO   LBLK  LEN  WAS        WINDOW  "
		      "FAULT           ALLOCATOR                 FILE\n"
		      "03:44:11.123  overwrite  7:3      131     17    2  unwritten  12.3us  "
		      "812/race-fault  fallocate 912/race-alloc  /mnt/x/a b\n"
		      "03:44:11.123  averted    7:3      131     17    2  written         -  "
		      "812/race-fault  -                         ? on /mnt/x (entry reclaimed)\n"
		      "03:44:11.123  leak       7:3      131      -    2  "
		      "2 blocks still reserved at destroy; 9 seen overwritten\n");
	free(text);
}

/* Rows keep in line with each other whatever the values, and the header comes once. */
static void test_alignment(void **state)
{
	enum { N = 400 };
	struct race_info race = { .path = "/FILE" };
	struct report report = { .type = REPORT_OVERWRITE, .time = SAMPLE_TIME, .race = &race };
	struct e4r_event widest = sample_event(), ev;
	int fd = capture_fd();
	struct sink *sink = sink_text_open(fd, false);
	uint32_t seed = 0x0ea6560a;
	char *text, *line, *rest;
	size_t i, at = 0, headers = 0, rows = 0;

	(void)state;
	/* The widest comes first, as the columns grow and never shrink. */
	widest.dev = E4R_DEV(4095, 1048575);
	widest.ino = UINT32_MAX;
	widest.lblk = widest.len = widest.fault.pid = widest.alloc.task.pid = UINT32_MAX;
	widest.window_ns = 123456;
	widest.alloc.op = E4R_OP_DIRECT_WRITE;
	strcpy(widest.fault.comm, "fifteen-letters");
	strcpy(widest.alloc.task.comm, "fifteen-letters");
	race.ev = &widest;
	assert_int_equal(sink->ops->event(sink, &report), 0);
	race.ev = &ev;
	for (i = 0; i < N; i++) {
		ev = sample_event();
		ev.flags = next_random(&seed) & 3;
		ev.was = next_random(&seed) & 3;
		ev.dev = next_random(&seed) & 0xfffff;
		ev.ino = next_random(&seed) >> (next_random(&seed) & 31);
		ev.lblk = next_random(&seed) >> (next_random(&seed) & 31);
		ev.len = next_random(&seed) >> (next_random(&seed) & 31);
		ev.window_ns = next_random(&seed) >> (next_random(&seed) & 31);
		ev.fault.pid = next_random(&seed) >> (next_random(&seed) & 31);
		ev.alloc.op = next_random(&seed) % E4R_OP_MAX;
		snprintf(ev.fault.comm, sizeof(ev.fault.comm), "gr\xc3\xbc\xc3\x9f%zu", i);
		report.time.tv_nsec = next_random(&seed) % 1000000000;
		assert_int_equal(sink->ops->event(sink, &report), 0);
	}
	rest = text = captured(fd);
	sink->ops->close(sink);
	close(fd);
	while ((line = strsep(&rest, "\n")) && *line) {
		size_t width = 0, j;

		if (strstr(line, "EVENT")) {
			headers++;
			continue;
		}
		/* in characters, not in bytes */
		for (j = 0; j < column_of(line, "/FILE"); j++)
			width += (line[j] & 0xc0) != 0x80;
		if (!rows++)
			at = width;
		assert_int_equal(width, at);
	}
	assert_int_equal(headers, 1);
	assert_int_equal(rows, N + 1);
	free(text);
}

/* The header is where the first row is, even if that is wider than usual. */
static void test_header_fits_first_row(void **state)
{
	struct e4r_event ev = sample_event();
	struct race_info race = { .ev = &ev, .path = "/f" };
	struct report report = { .type = REPORT_OVERWRITE, .time = SAMPLE_TIME, .race = &race };
	char *text, *header, *row;

	(void)state;
	ev.ino = UINT32_MAX;
	ev.alloc.op = E4R_OP_DIRECT_WRITE;
	ev.fault.pid = 4194304;
	text = shown(&report, 1, false);
	header = line_of(text, 0);
	row = line_of(text, 1);
	assert_int_equal(column_of(header, "EVENT"), column_of(row, "overwrite"));
	assert_int_equal(column_of(header, "DEV"), column_of(row, "7:3"));
	assert_int_equal(column_of(header, "INO") + 3, column_of(row, "4294967295") + 10);
	assert_int_equal(column_of(header, "WAS"), column_of(row, "unwritten"));
	assert_int_equal(column_of(header, "FAULT"), column_of(row, "4194304/"));
	assert_int_equal(column_of(header, "ALLOCATOR"), column_of(row, "direct_write"));
	assert_int_equal(column_of(header, "FILE"), column_of(row, "/f"));
	free(header);
	free(row);
	free(text);
}

static void test_window_units(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{ 0, " 0ns " },
		{ 999, " 999ns " },
		{ 1000, " 1.00us " },
		{ 9994, " 9.99us " },
		{ 9996, " 10.0us " },
		{ 12345, " 12.3us " },
		{ 99940, " 99.9us " },
		{ 99960, " 100us " },
		{ 999400, " 999us " },
		{ 999600, " 1.00ms " },
		{ 4560000, " 4.56ms " },
		{ 999600000, " 1.00s " },
		{ 1230000000, " 1.23s " },
		{ 120000000000, " 120s " },
		{ 5000000000000, " 5000s " },
	};
	struct e4r_event ev = sample_event();
	struct race_info race = { .ev = &ev };
	struct report report = { .type = REPORT_OVERWRITE, .time = SAMPLE_TIME, .race = &race };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		char *text;

		ev.window_ns = cases[i].ns;
		text = shown(&report, 1, false);
		if (!strstr(text, cases[i].text))
			fail_msg("no \"%s\" in %s", cases[i].text, text);
		free(text);
	}
}

static void test_near_miss(void **state)
{
	struct e4r_event ev = sample_event();
	struct race_info race = { .ev = &ev, .path = "/f" };
	struct report report = { .type = REPORT_NEAR_MISS, .time = SAMPLE_TIME, .race = &race };
	char *text;

	(void)state;
	shows(&report, false, "");
	text = shown(&report, 1, true);
	assert_non_null(strstr(text, "near_miss  7:3      131     17    2  -          12.3us  "));
	free(text);
}

static void test_stacks(void **state)
{
	static const char *const fault[] = { "ext4_es_insert_delayed_block+0x0 [ext4]",
					     "odd\033name+0x1" };
	static const char *const alloc[] = { "ext4_fallocate+0x0 [ext4]" };
	struct e4r_event ev = sample_event();
	struct race_info race = {
		.ev = &ev,
		.path = "/f",
		.n_fault_stack = 2,
		.fault_stack = fault,
		.n_alloc_stack = 1,
		.alloc_stack = alloc,
	};
	struct report report = { .type = REPORT_OVERWRITE, .time = SAMPLE_TIME, .race = &race };
	char *text;

	(void)state;
	text = shown(&report, 1, false);
	assert_non_null(strstr(text,
			       "  /f\n"
			       "              fault      ext4_es_insert_delayed_block+0x0 [ext4]\n"
			       "                         odd\\x1bname+0x1\n"
			       "              allocator  ext4_fallocate+0x0 [ext4]\n"));
	free(text);
}

static void test_leaks(void **state)
{
	static const struct {
		unsigned int blocks, overwrites;
		const char *path, *mount, *text;
	} cases[] = {
		{ 1, 1, NULL, NULL,
		  "  1 block still reserved at destroy; each one seen overwritten\n" },
		{ 3, 3, NULL, "/m",
		  "  3 blocks still reserved at destroy; each one seen overwritten: a file on "
		  "/m\n" },
		{ 3, 2, "/m/f", "/m",
		  "  3 blocks still reserved at destroy; 2 seen overwritten: /m/f\n" },
		{ 3, 0, NULL, "/m\033",
		  "  3 blocks still reserved at destroy; overwritten before this run, or unseen: "
		  "a file on /m\\x1b\n" },
	};
	struct e4r_event ev = sample_event();
	struct race_info race = { .ev = &ev };
	struct report report = { .type = REPORT_LEAK, .time = SAMPLE_TIME, .race = &race };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		char *text;

		ev.len = cases[i].blocks;
		ev.overwrites = cases[i].overwrites;
		race.path = cases[i].path;
		race.mount = cases[i].mount;
		text = shown(&report, 1, false);
		if (!strstr(text, cases[i].text))
			fail_msg("no \"%s\" in %s", cases[i].text, text);
		free(text);
	}
}

/* One line an event, nothing for the terminal to obey, however hostile the names. */
static void test_malicious_names(void **state)
{
	struct e4r_event ev = sample_event();
	static const char evil[] = "/\033]0;owned\007\n\r\xc2\x9b"
				   "2J\xff\xe2\x80\xae";
	struct race_info race = { .ev = &ev, .mount = evil, .path = evil };
	struct report report = { .type = REPORT_OVERWRITE, .time = SAMPLE_TIME, .race = &race };
	const unsigned char *p;
	size_t lines = 0;
	char *text;

	(void)state;
	memcpy(ev.fault.comm, "\033[2J\n\033[31m\r\b\b\b\b", E4R_COMM_LEN);
	memset(ev.alloc.task.comm, 0xff, E4R_COMM_LEN);
	text = shown(&report, 1, false);
	for (p = (unsigned char *)text; *p; p++) {
		lines += *p == '\n';
		assert_true(*p == '\n' || (*p >= 0x20 && *p < 0x7f));
	}
	assert_int_equal(lines, 2);
	free(text);
}

static void test_verdict(void **state)
{
	struct verdict_info verdict = {
		.verdict = VERDICT_VULNERABLE,
		.evidence = { [EVIDENCE_BEHAVIOUR] = { true, VERDICT_VULNERABLE,
						       "1 lookup, 8 of 8 inserts" },
			      [EVIDENCE_CODE] = { true, VERDICT_UNKNOWN, "not\nreadable" } },
	};
	struct report report = { .type = REPORT_VERDICT, .time = SAMPLE_TIME, .verdict = &verdict };

	(void)state;
	shows(&report, false,
	      "03:44:11.123  verdict    vulnerable\n"
	      "              behaviour  says vulnerable  1 lookup, 8 of 8 inserts\n"
	      "              text       says unknown     not\\x0areadable\n");
	verdict.verdict = VERDICT_UNKNOWN;
	memset(verdict.evidence, 0, sizeof(verdict.evidence));
	shows(&report, false, "03:44:11.123  verdict    unknown, without evidence\n");
}

static struct summary_info sample_summary(const struct residual *residual, size_t n)
{
	return (struct summary_info){
		.delayed_inserts = 78825,
		.overwritten_blocks = 22792,
		.overwritten_files = 377,
		.near_misses = 12,
		.near_misses_seen = true,
		.leaked_blocks = 22792,
		.leaked_files = 377,
		.n_residual = n,
		.residual = residual,
		.seconds = 25.04,
	};
}

static void test_summary(void **state)
{
	static const struct residual residual[] = {
		{ .dev = E4R_DEV(254, 1), .source = "vda1", .has_counts = true },
		{ .dev = E4R_DEV(7, 0),
		  .source = "loop0",
		  .blocks = 22792,
		  .has_counts = true,
		  .overwritten_blocks = 22792,
		  .leaked_blocks = 22792 },
	};
	struct summary_info summary = sample_summary(residual, 2);
	struct report report = { .type = REPORT_SUMMARY, .time = SAMPLE_TIME, .summary = &summary };

	(void)state;
	shows(&report, false,
	      "\n"
	      "22792 blocks overwritten in 377 files (25.0 s, 78825 delayed inserts)\n"
	      "\n"
	      "                            OVERWRITTEN        LEAKED      RESIDUAL\n"
	      "  blocks, all filesystems         22792         22792         22792\n"
	      "  files                             377           377\n"
	      "  loop0 (7:0)                     22792         22792         22792\n"
	      "  1 more filesystem, all of it zero\n"
	      "\n"
	      "  near misses  12 (rows with -v)\n"
	      "  averted      0\n"
	      "  lost events  0\n"
	      "  The kernel's own accounting agrees, to the block.\n");
}

static void summary_says(struct summary_info summary, const char *want, const char *unwanted)
{
	struct report report = { .type = REPORT_SUMMARY, .time = SAMPLE_TIME, .summary = &summary };
	char *text = shown(&report, 1, false);

	if (want && !strstr(text, want))
		fail_msg("no \"%s\" in %s", want, text);
	if (unwanted && strstr(text, unwanted))
		fail_msg("\"%s\" in %s", unwanted, text);
	free(text);
}

/* Filesystem n with so many blocks delayed at the start, and then in the residual. */
static struct residual sample_residual(unsigned int n, unsigned long long before,
				       unsigned long long blocks, unsigned long long overwritten,
				       unsigned long long leaked)
{
	struct residual r = {
		.dev = E4R_DEV(7, n),
		.blocks = blocks,
		.before = before,
		.has_counts = true,
		.overwritten_blocks = overwritten,
		.leaked_blocks = leaked,
	};

	snprintf(r.source, sizeof(r.source), "loop%u", n);
	return r;
}

/* What a summary of these filesystems ends with, malloc()ed. */
static char *conclusion(const struct residual *r, size_t n)
{
	struct summary_info s = { .near_misses_seen = true, .n_residual = n, .residual = r };
	struct report report = { .type = REPORT_SUMMARY, .time = SAMPLE_TIME, .summary = &s };
	char *text, *p;
	size_t i;

	for (i = 0; i < n; i++) {
		s.overwritten_blocks += r[i].overwritten_blocks;
		s.leaked_blocks += r[i].leaked_blocks;
	}
	text = shown(&report, 1, false);
	p = strstr(text, "  lost events  0\n");
	assert_non_null(p);
	p = strdup(strchr(p, '\n') + 1);
	assert_non_null(p);
	free(text);
	return p;
}

static void concludes(const struct residual *r, size_t n, const char *want)
{
	char *text = conclusion(r, n);

	assert_string_equal(text, want);
	free(text);
}

#define GIVEN_BACK " not in the residual: given back (truncate, punch hole, direct write, umount)"
#define EXISTING   " in files that still exist: their leak shows when the inode is destroyed.\n"

/* What the summary concludes from the numbers of one filesystem, and what it must not. */
static void test_summary_conclusions(void **state)
{
	static const struct {
		unsigned long long before, blocks, overwritten, leaked;
		const char *want;
	} cases[] = {
		{ 0, 0, 0, 0, "" },
		{ 0, 792, 792, 792, "  The kernel's own accounting agrees, to the block.\n" },
		/* files that still exist: no leak yet, but the residual has them already */
		{ 0, 792, 792, 700,
		  "  The kernel's own accounting agrees, to the block.\n"
		  "  92 overwritten blocks are" EXISTING },
		/* off by one is not "to the block" */
		{ 0, 793, 792, 792,
		  "  1 more block in the residual than overwrites: dirty again, or overwritten "
		  "unseen.\n" },
		{ 0, 791, 792, 791, "  1 overwritten block is" GIVEN_BACK ".\n" },
		/* holes were punched: of files that exist the rest alone can leak */
		{ 0, 145, 389, 0,
		  "  244 overwritten blocks are" GIVEN_BACK ".\n"
		  "  145 overwritten blocks are" EXISTING },
		{ 0, 145, 389, 145, "  244 overwritten blocks are" GIVEN_BACK ".\n" },
		/* bigalloc, 6.12 and newer */
		{ 0, 0, 500, 0,
		  "  500 overwritten blocks are" GIVEN_BACK
		  ", or nothing leaks here (bigalloc, Linux 6.12 on).\n" },
		/* umount and mount, with and without new leaks; of earlier ones alone */
		{ 145, 0, 7706, 7851,
		  "  7851 leaked blocks were given back: the filesystem was mounted anew.\n" },
		{ 145, 51, 7706, 7851,
		  "  at least 7800 leaked blocks were given back: the filesystem was mounted "
		  "anew.\n" },
		{ 145, 0, 0, 145,
		  "  145 leaked blocks were given back: the filesystem was mounted anew.\n" },
		/* an old leak is not of this run, whether its inodes are gone or go now */
		{ 145, 537, 392, 392,
		  "  The kernel's own accounting agrees, to the block.\n"
		  "  145 blocks in the residual were there at the start.\n" },
		{ 145, 537, 392, 537,
		  "  The kernel's own accounting agrees, to the block.\n"
		  "  145 blocks in the residual were there at the start.\n" },
		/* and may hide as much that was given back, if it was not dirty data */
		{ 145, 392, 392, 300,
		  "  The residual agrees, to the block, if the 145 in it at the start were dirty "
		  "data.\n"
		  "  92 overwritten blocks are" EXISTING },
		{ 7000, 7145, 389, 0,
		  "  6756 more blocks in the residual than overwrites: leaked before this run (it "
		  "was 7000 then), or dirty again.\n"
		  "  145 to 389 overwritten blocks are" EXISTING },
		{ 100, 145, 389, 0,
		  "  244 to 344 overwritten blocks are" GIVEN_BACK ".\n"
		  "  45 to 145 overwritten blocks are" EXISTING },
		{ 9000, 145, 389, 20,
		  "  244 to 389 overwritten blocks are" GIVEN_BACK ".\n"
		  "  up to 125 overwritten blocks are" EXISTING },
	};
	struct residual r;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		r = sample_residual(0, cases[i].before, cases[i].blocks, cases[i].overwritten,
				    cases[i].leaked);
		concludes(&r, 1, cases[i].want);
	}
	/* an estimate proves nothing, except that less is there than was lost */
	r = sample_residual(0, 0, 792, 792, 0);
	r.estimate = true;
	concludes(&r, 1, "  ~ not synced: dirty data is still in this number\n");
	r = sample_residual(0, 0, 80, 792, 100);
	r.estimate = true;
	concludes(
		&r, 1,
		"  ~ not synced: dirty data is still in this number\n"
		"  at least 20 leaked blocks were given back: the filesystem was mounted anew.\n");
}

/* One filesystem does not make up for another. */
static void test_summary_by_filesystem(void **state)
{
	struct residual r[3] = {
		sample_residual(0, 0, 10, 10, 10),
		sample_residual(1, 0, 0, 0, 0),
		sample_residual(2, 0, 20, 20, 20),
	};

	(void)state;
	concludes(r, 3, "  The kernel's own accounting agrees, to the block.\n");
	/* what leaked long ago on one, where nothing happened, is not a deficit's match */
	r[1].before = r[1].blocks = 8;
	r[2].blocks = 12;
	r[2].leaked_blocks = 12;
	concludes(r, 3, "  loop2: 8 overwritten blocks are" GIVEN_BACK ".\n");
	r[0].before = 8;
	r[0].blocks = 18;
	r[1].estimate = true;
	concludes(r, 3,
		  "  ~ not synced: dirty data is still in this number\n"
		  "  loop0: 8 blocks in the residual were there at the start.\n"
		  "  loop2: 8 overwritten blocks are" GIVEN_BACK ".\n");
	/* an estimate somewhere else takes nothing from what agrees */
	r[2].blocks = r[2].leaked_blocks = 20;
	concludes(r, 3,
		  "  ~ not synced: dirty data is still in this number\n"
		  "  The kernel's own accounting agrees, to the block.\n"
		  "  loop0: 8 blocks in the residual were there at the start.\n");
	/* but where something was hit it does */
	r[2].estimate = true;
	concludes(r, 3,
		  "  ~ not synced: dirty data is still in this number\n"
		  "  loop0: 8 blocks in the residual were there at the start.\n");
}

/* Filesystems that are not there any more cannot agree. */
static void test_summary_unmounted(void **state)
{
	struct residual r = sample_residual(0, 0, 22000, 22000, 22000);
	struct summary_info s = sample_summary(&r, 1);

	(void)state;
	summary_says(s,
		     "  792 overwritten where there is no residual to compare with: unmounted?\n",
		     "agrees");
	r.has_counts = false;
	summary_says(s, "  loop0 (7:0)                         -             -         22000\n",
		     "agrees");
	s.n_residual = 0;
	summary_says(s, "22792         22792             -\n", "agrees");
	s.overwritten_blocks = s.overwritten_files = s.leaked_blocks = s.leaked_files = 0;
	summary_says(s, "\nNo overwrite seen (25.0 s, 78825 delayed inserts)\n", "unmounted");
	s.overwritten_blocks = s.overwritten_files = 1;
	summary_says(s, "\n1 block overwritten in 1 file (", NULL);
	s.delayed_inserts = 1;
	summary_says(s, "1 delayed insert)", NULL);
}

/* A green light needs all the evidence. */
static void test_summary_lost(void **state)
{
	static const struct mount_watch watches[] = {
		{ .path = "/quiet", .mounted = true },
		{ .path = "/gone", .gone_sec = 2.5 },
		{ .path = "/other", .mounted = true, .changes = 1 },
	};
	struct summary_info s = sample_summary(NULL, 0);

	(void)state;
	s.lost_events = s.lost_rows = 500;
	summary_says(s, "lost events  500 (rows that did not fit; the counts are exact)\n",
		     "nconclusive");
	s.lost_rows = 499;
	summary_says(s, "500 (files or leaks among them; the overwrites are exact)\n",
		     "nconclusive");
	s.lost_windows = 1;
	summary_says(s,
		     "500 (near misses, files or leaks among them; the overwrites are exact,\n"
		     "               but for one whose entry was reclaimed within a lost window)\n",
		     "nconclusive");
	s.lost_events = 502;
	s.lost_evidence = 2;
	summary_says(s, "  inconclusive: 2 pieces of evidence were lost", "the counts are exact");
	/* seen is seen */
	summary_says(s, "\n22792 blocks overwritten", NULL);
	s.overwritten_blocks = s.overwritten_files = 0;
	summary_says(s, "\nInconclusive: no overwrite seen, but evidence was lost", NULL);
	s.lost_evidence = 0;
	s.watches = watches;
	s.n_watches = 1;
	summary_says(s, "\nNo overwrite seen", "--mount");
	s.n_watches = 3;
	summary_says(s, "\nInconclusive: no overwrite seen, but not all was watched", "/quiet");
	summary_says(
		s,
		"  --mount      /gone: no ext4 filesystem is mounted there, for 2.5 s in all\n"
		"  --mount      /other: another filesystem was mounted there, its first moments "
		"were not watched\n",
		NULL);
	s.near_misses_seen = false;
	summary_says(s, "near misses  not visible in this attach mode", NULL);
}

/* A host with a thousand filesystems gets a table that a person can read. */
static void test_summary_many(void **state)
{
	struct residual *r = calloc(1000, sizeof(*r));
	struct summary_info s = sample_summary(r, 1000);
	struct report report = { .type = REPORT_SUMMARY, .time = SAMPLE_TIME, .summary = &s };
	size_t i, lines = 0;
	char *text, *p;

	(void)state;
	assert_non_null(r);
	for (i = 0; i < 1000; i++) {
		r[i].dev = E4R_DEV(253, i);
		snprintf(r[i].source, sizeof(r[i].source), "dm-%zu", i);
		r[i].blocks = i & 1;
	}
	text = shown(&report, 1, false);
	for (p = text; (p = strchr(p, '\n')); p++)
		lines++;
	assert_true(lines < 24);
	assert_non_null(strstr(text, "22792         22792           500\n"));
	assert_non_null(strstr(text, "  dm-1 (253:1)"));
	assert_null(strstr(text, "dm-0 "));
	assert_non_null(strstr(text, "  990 more filesystems\n"));
	free(text);
	for (i = 0; i < 1000; i++) {
		r[i].has_counts = true;
		r[i].overwritten_blocks = 2;
	}
	text = shown(&report, 1, false);
	assert_non_null(strstr(text, "  dm-9: "));
	assert_null(strstr(text, "dm-10: "));
	assert_non_null(strstr(text, "  990 more filesystems were hit\n"));
	free(text);
	free(r);
}

static struct sink *open_text(int fd)
{
	return sink_text_open(fd, false);
}

static void test_output_lost(void **state)
{
	struct summary_info summary = { 0 };
	struct report report = { .type = REPORT_SUMMARY, .time = SAMPLE_TIME, .summary = &summary };

	(void)state;
	ends_when_lost(open_text, &report);
}

static void test_silent_after_error(void **state)
{
	struct summary_info summary = { 0 };
	struct report report = { .type = REPORT_SUMMARY, .time = SAMPLE_TIME, .summary = &summary };

	(void)state;
	stays_silent(open_text, &report);
}

/* What one overwrite looks like on a terminal, malloc()ed. */
static char *on_terminal(void)
{
	struct e4r_event ev = sample_event();
	struct race_info race = { .ev = &ev, .path = "/f" };
	struct report report = { .type = REPORT_OVERWRITE, .time = SAMPLE_TIME, .race = &race };
	char *text = calloc(1, 4096);
	struct sink *sink;
	int master, slave;
	size_t used = 0;

	assert_non_null(text);
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	sink = sink_text_open(slave, false);
	assert_int_equal(sink->ops->event(sink, &report), 0);
	sink->ops->close(sink);
	while (used < 4095 && !strstr(text, "/f")) {
		ssize_t n = read(master, text + used, 4095 - used);

		assert_true(n > 0);
		used += n;
	}
	close(slave);
	close(master);
	return text;
}

/* Colored on a terminal, plain where it was asked for or the terminal is dumb, and in line either
 * way. */
static void test_terminal(void **state)
{
	char *text;

	(void)state;
	unsetenv("NO_COLOR");
	setenv("TERM", "xterm", 1);
	text = on_terminal();
	assert_non_null(strstr(text, "03:44:11.123  \033[1;31moverwrite  \033[0m7:3  "));
	free(text);
	setenv("NO_COLOR", "1", 1);
	text = on_terminal();
	assert_null(strchr(text, '\033'));
	free(text);
	terminal_use_color(COLOR_ALWAYS);
	text = on_terminal();
	assert_non_null(strchr(text, '\033'));
	free(text);
	terminal_use_color(COLOR_AUTO);
	/* set but empty is not set: no-color.org */
	setenv("NO_COLOR", "", 1);
	text = on_terminal();
	assert_non_null(strchr(text, '\033'));
	free(text);
	terminal_use_color(COLOR_NEVER);
	text = on_terminal();
	assert_null(strchr(text, '\033'));
	free(text);
	terminal_use_color(COLOR_AUTO);
	setenv("TERM", "dumb", 1);
	text = on_terminal();
	assert_null(strchr(text, '\033'));
	free(text);
	unsetenv("NO_COLOR");
}

/* A sentence on a terminal of 40 columns. */
static void breaks(unsigned int first, const char *s, const char *want)
{
	struct text_style style = { .columns = 40 };
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	text_sentence(&style, out, first, s);
	fclose(out);
	assert_string_equal(text, want);
	free(text);
}

static void test_sentence(void **state)
{
	(void)state;
	/* The last column is used. */
	breaks(10, "a word a word a word, 30 column",
	       "a word a word a word, 30\n"
	       "          column");
	breaks(10, "a word a word a word 30 column", "a word a word a word 30 column");
	breaks(10, "caf\xc3\xa9 a word a word, 30 columns",
	       "caf\xc3\xa9 a word a word, 30 columns");
	/* A word that fits nowhere is not cut: it may be copied. */
	breaks(15, "see /a/path/that/is/longer/than/a/line now",
	       "see\n"
	       "               /a/path/that/is/longer/than/a/line\n"
	       "               now");
	breaks(10, "\x1b[31m", "\\x1b[31m");
	breaks(10, "", "");
	/* With no room beside what stands before it, it is the terminal's. */
	breaks(21, "a word a word a word a word a word", "a word a word a word a word a word");
}

static bool no_memory;

FILE *__real_open_memstream(char **buf, size_t *len);
FILE *__wrap_open_memstream(char **buf, size_t *len);

FILE *__wrap_open_memstream(char **buf, size_t *len)
{
	return no_memory ? NULL : __real_open_memstream(buf, len);
}

/* One report is lost, and the caller is told; the next one is written. */
static void test_out_of_memory(void **state)
{
	struct summary_info summary = { 0 };
	struct report report = { .type = REPORT_SUMMARY, .time = SAMPLE_TIME, .summary = &summary };
	int fd = capture_fd();
	struct sink *sink = sink_text_open(fd, false);

	(void)state;
	no_memory = true;
	assert_int_equal(sink->ops->event(sink, &report), -ENOMEM);
	no_memory = false;
	assert_int_equal(lseek(fd, 0, SEEK_END), 0);
	assert_int_equal(sink->ops->event(sink, &report), 0);
	assert_true(lseek(fd, 0, SEEK_END) > 0);
	assert_int_equal(sink->ops->close(sink), 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start),
		cmocka_unit_test(test_start_verbose),
		cmocka_unit_test(test_start_degraded_and_empty),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_alignment),
		cmocka_unit_test(test_header_fits_first_row),
		cmocka_unit_test(test_window_units),
		cmocka_unit_test(test_near_miss),
		cmocka_unit_test(test_stacks),
		cmocka_unit_test(test_leaks),
		cmocka_unit_test(test_malicious_names),
		cmocka_unit_test(test_verdict),
		cmocka_unit_test(test_summary),
		cmocka_unit_test(test_summary_conclusions),
		cmocka_unit_test(test_summary_by_filesystem),
		cmocka_unit_test(test_summary_unmounted),
		cmocka_unit_test(test_summary_lost),
		cmocka_unit_test(test_summary_many),
		cmocka_unit_test(test_output_lost),
		cmocka_unit_test(test_sentence),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_silent_after_error),
		cmocka_unit_test(test_terminal),
	};

	return cmocka_run_group_tests_name("sink_text", tests, NULL, NULL);
}
