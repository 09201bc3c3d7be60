// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "sink/residual_check.h"
#include "sink/text.h"

/* One line of the table. */
struct account {
	char name[96];
	char overwritten[32], leaked[32], residual[32];
};

static void set_count(char cell[32], unsigned long long n)
{
	snprintf(cell, 32, "%llu", n);
}

static void set_residual(char cell[32], unsigned long long n, bool estimate)
{
	snprintf(cell, 32, "%s%llu", estimate ? "~" : "", n);
}

static void put_account(FILE *out, const char *name, size_t width, const char *a, const char *b,
			const char *c)
{
	fprintf(out, "  %-*s  %12s  %12s", (int)width, name, a, b);
	if (*c)
		fprintf(out, "  %12s", c);
	fputc('\n', out);
}

static bool has_account(const struct residual *r)
{
	return r->blocks || (r->has_counts && (r->overwritten_blocks || r->leaked_blocks));
}

static void account_of(struct account *account, const struct residual *r)
{
	char dev[24];

	snprintf(account->name, sizeof(account->name), "%s (%s)", r->source, text_dev(dev, r->dev));
	strcpy(account->overwritten, "-");
	strcpy(account->leaked, "-");
	if (r->has_counts) {
		set_count(account->overwritten, r->overwritten_blocks);
		set_count(account->leaked, r->leaked_blocks);
	}
	set_residual(account->residual, r->blocks, r->estimate);
}

static void put_total(FILE *out, const struct summary_info *s, size_t width)
{
	char a[32], b[32], c[32] = "-";
	unsigned long long sum = 0;
	bool estimate = false;
	size_t i;

	for (i = 0; i < s->n_residual; i++) {
		sum += s->residual[i].blocks;
		estimate |= s->residual[i].estimate;
	}
	set_count(a, s->overwritten_blocks);
	set_count(b, s->leaked_blocks);
	if (s->n_residual)
		set_residual(c, sum, estimate);
	put_account(out, "blocks, all filesystems", width, a, b, c);
	set_count(a, s->overwritten_files);
	set_count(b, s->leaked_files);
	put_account(out, "files", width, a, b, "");
}

static void put_table(FILE *out, const struct summary_info *s)
{
	size_t width = strlen("blocks, all filesystems"), n = 0, hidden = 0, i;
	struct account account[SUMMARY_FS_MAX];

	for (i = 0; i < s->n_residual; i++) {
		if (n == SUMMARY_FS_MAX || (s->n_residual > 1 && !has_account(&s->residual[i]))) {
			hidden++;
			continue;
		}
		account_of(&account[n], &s->residual[i]);
		if (strlen(account[n].name) > width)
			width = strlen(account[n].name);
		n++;
	}
	put_account(out, "", width, "OVERWRITTEN", "LEAKED", "RESIDUAL");
	put_total(out, s, width);
	for (i = 0; i < n; i++)
		put_account(out, account[i].name, width, account[i].overwritten, account[i].leaked,
			    account[i].residual);
	if (hidden)
		fprintf(out, "  %zu more filesystem%s%s\n", hidden, hidden == 1 ? "" : "s",
			n == SUMMARY_FS_MAX ? "" : ", all of it zero");
	fputc('\n', out);
}

static enum severity result_severity(const struct summary_info *s)
{
	if (s->overwritten_blocks)
		return SEVERITY_BAD;
	return summary_is_inconclusive(s) ? SEVERITY_WARN : SEVERITY_STRONG;
}

static void put_result(const struct text_style *style, FILE *out, const struct summary_info *s)
{
	fputs(text_paint(style, result_severity(s)), out);
	if (s->overwritten_blocks)
		fprintf(out, "%llu block%s overwritten in %llu file%s", s->overwritten_blocks,
			s->overwritten_blocks == 1 ? "" : "s", s->overwritten_files,
			s->overwritten_files == 1 ? "" : "s");
	else if (s->lost_evidence)
		fputs("Inconclusive: no overwrite seen, but evidence was lost", out);
	else if (summary_is_inconclusive(s))
		fputs("Inconclusive: no overwrite seen, but not all was watched", out);
	else
		fputs("No overwrite seen", out);
	fprintf(out, "%s (%.1f s, %llu delayed insert%s)\n", text_plain(style), s->seconds,
		s->delayed_inserts, s->delayed_inserts == 1 ? "" : "s");
}

static const char *lost_what(const struct summary_info *s)
{
	if (!s->lost_events || s->lost_evidence)
		return "";
	if (s->lost_events == s->lost_rows)
		return " (rows that did not fit; the counts are exact)";
	if (!s->lost_windows)
		return " (files or leaks among them; the overwrites are exact)";
	return " (near misses, files or leaks among them; the overwrites are exact,\n"
	       "               but for one whose entry was reclaimed within a lost window)";
}

/* What is not as it was when the run began. */
static void put_watches(FILE *out, const struct summary_info *s)
{
	const struct mount_watch *watch;

	for (watch = s->watches; watch < s->watches + s->n_watches; watch++) {
		if (!mount_watch_has_gap(watch))
			continue;
		fputs("  --mount      ", out);
		text_name(out, watch->path);
		if (watch->changes)
			fprintf(out, ": another filesystem was mounted there, its first moments "
				     "were not "
				     "watched");
		if (!watch->mounted)
			fprintf(out, ": no ext4 filesystem is mounted there, for %.1f s in all",
				watch->gone_sec);
		fputc('\n', out);
	}
}

void text_summary(struct text_style *style, FILE *out, const struct report *report)
{
	const struct summary_info *s = report->summary;

	fputc('\n', out);
	put_result(style, out, s);
	fputc('\n', out);
	put_table(out, s);
	if (s->near_misses_seen)
		fprintf(out, "  near misses  %llu%s\n", s->near_misses,
			s->near_misses && !style->verbose ? " (rows with -v)" : "");
	else
		fputs("  near misses  not visible in this attach mode\n", out);
	fprintf(out, "  averted      %llu\n", s->averted);
	fprintf(out, "  lost events  %llu%s\n", s->lost_events, lost_what(s));
	if (s->lost_evidence)
		fprintf(out,
			"  %sinconclusive%s: %llu pieces of evidence were lost that could hide "
			"a race\n",
			text_paint(style, SEVERITY_WARN), text_plain(style), s->lost_evidence);
	put_watches(out, s);
	residual_check(out, s);
}
