// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compares the counts with the kernel's own accounting. Each filesystem is compared for
 * itself: too many blocks of one must not hide that another one has too few.
 */
#include "sink/residual_check.h"

enum relation {
	REL_NOTHING,  /* not hit, or no exact residual to compare with */
	REL_AGREES,   /* to the block */
	REL_OLD,      /* to the block, beside what was there at the start */
	REL_IF_DIRTY, /* to the block, if what was there at the start was no leak */
	REL_BELOW,    /* the residual has less than was overwritten */
	REL_ABOVE,
	REL_ANEW, /* the residual has less than leaked: it began again */
};

/* least and most: overwritten blocks that can be in the residual. */
struct fs_check {
	enum relation rel;
	unsigned long long least, most;
};

static unsigned long long smaller(unsigned long long a, unsigned long long b)
{
	return a < b ? a : b;
}

/*
 * What was in the residual at the start is an old leak, which is still in it, or dirty
 * data, which is not: nothing was synced then.
 */
static struct fs_check check_fs(const struct residual *r)
{
	unsigned long long old = smaller(r->before, r->blocks);
	struct fs_check c = {
		.least = smaller(r->blocks - old, r->overwritten_blocks),
		.most = smaller(r->blocks, r->overwritten_blocks),
	};

	if (!r->has_counts)
		return c;
	/* Only umount takes the leak of a destroyed inode out of the residual. */
	if (r->leaked_blocks > r->blocks) {
		c.rel = REL_ANEW;
		return c;
	}
	if (r->estimate || !r->overwritten_blocks)
		return c;
	if (r->blocks == r->overwritten_blocks)
		c.rel = r->before ? REL_IF_DIRTY : REL_AGREES;
	else if (r->blocks - old == r->overwritten_blocks)
		c.rel = REL_OLD;
	else
		c.rel = r->blocks < r->overwritten_blocks ? REL_BELOW : REL_ABOVE;
	if (c.rel == REL_IF_DIRTY || c.rel == REL_OLD)
		c.least = c.most;
	return c;
}

/* "2 overwritten blocks are", "up to 2 ...", "1 to 2 ...". */
static void put_range(FILE *out, unsigned long long least, unsigned long long most)
{
	if (!least && most)
		fputs("up to ", out);
	else if (least < most)
		fprintf(out, "%llu to ", least);
	fprintf(out, "%llu overwritten block%s", most, most == 1 ? " is" : "s are");
}

static void put_difference(FILE *out, const struct residual *r, const struct fs_check *c)
{
	unsigned long long n;

	switch (c->rel) {
	case REL_ANEW:
		n = r->leaked_blocks - r->blocks;
		fprintf(out, "%s%llu leaked block%s given back: the filesystem was mounted anew.\n",
			r->blocks ? "at least " : "", n, n == 1 ? " was" : "s were");
		break;
	case REL_BELOW:
		put_range(out, r->overwritten_blocks - c->most, r->overwritten_blocks - c->least);
		fputs(" not in the residual: given back (truncate, punch hole, direct write, "
		      "umount)",
		      out);
		/* There, an insert over a delayed entry gives its reservation back. */
		if (!r->blocks)
			fputs(", or nothing leaks here (bigalloc, Linux 6.12 on)", out);
		fputs(".\n", out);
		break;
	case REL_ABOVE:
		n = r->blocks - r->overwritten_blocks;
		fprintf(out, "%llu more block%s in the residual than overwrites: ", n,
			n == 1 ? "" : "s");
		if (r->before)
			fprintf(out, "leaked before this run (it was %llu then), or dirty again.\n",
				r->before);
		else
			fputs("dirty again, or overwritten unseen.\n", out);
		break;
	case REL_OLD:
		n = r->before;
		fprintf(out, "%llu block%s in the residual %s there at the start.\n", n,
			n == 1 ? "" : "s", n == 1 ? "was" : "were");
		break;
	case REL_IF_DIRTY:
		fprintf(out,
			"The residual agrees, to the block, if the %llu in it at the start were "
			"dirty data.\n",
			r->before);
		break;
	case REL_NOTHING:
	case REL_AGREES:
		break;
	}
}

static void put_place(FILE *out, const struct summary_info *s, const struct residual *r)
{
	fputs("  ", out);
	if (s->n_residual > 1)
		fprintf(out, "%s: ", r->source);
}

static void put_fs(FILE *out, const struct summary_info *s, const struct residual *r,
		   const struct fs_check *c)
{
	unsigned long long leaked = r->leaked_blocks;

	if (c->rel == REL_NOTHING)
		return;
	if (c->rel != REL_AGREES) {
		put_place(out, s, r);
		put_difference(out, r, c);
	}
	if (c->rel == REL_ANEW || c->most <= leaked)
		return;
	put_place(out, s, r);
	put_range(out, c->least > leaked ? c->least - leaked : 0, c->most - leaked);
	fputs(" in files that still exist: their leak shows when the inode is destroyed.\n", out);
}

/* Whether every overwrite is in a residual that agrees. */
static bool agrees(const struct summary_info *s)
{
	unsigned long long blocks = 0;
	struct fs_check c;
	size_t i;

	for (i = 0; i < s->n_residual; i++) {
		c = check_fs(&s->residual[i]);
		if (c.rel == REL_AGREES || c.rel == REL_OLD)
			blocks += s->residual[i].overwritten_blocks;
		else if (c.rel != REL_NOTHING)
			return false;
	}
	return blocks && blocks == s->overwritten_blocks;
}

/* Blocks overwritten on filesystems whose residual can no longer be read. */
static unsigned long long without_residual(const struct summary_info *s)
{
	unsigned long long blocks = 0;
	size_t i;

	for (i = 0; i < s->n_residual; i++)
		blocks += s->residual[i].overwritten_blocks;
	return blocks < s->overwritten_blocks ? s->overwritten_blocks - blocks : 0;
}

static void put_filesystems(FILE *out, const struct summary_info *s)
{
	size_t n = 0, i;

	for (i = 0; i < s->n_residual; i++) {
		struct fs_check c = check_fs(&s->residual[i]);

		if (c.rel != REL_NOTHING && n++ < SUMMARY_FS_MAX)
			put_fs(out, s, &s->residual[i], &c);
	}
	if (n > SUMMARY_FS_MAX)
		fprintf(out, "  %zu more filesystems were hit\n", n - SUMMARY_FS_MAX);
}

void residual_check(FILE *out, const struct summary_info *s)
{
	unsigned long long gone = without_residual(s);
	bool estimate = false;
	size_t i;

	for (i = 0; i < s->n_residual; i++)
		estimate |= s->residual[i].estimate;
	if (estimate)
		fputs("  ~ not synced: dirty data is still in this number\n", out);
	if (agrees(s))
		fputs("  The kernel's own accounting agrees, to the block.\n", out);
	put_filesystems(out, s);
	if (gone)
		fprintf(out,
			"  %llu overwritten where there is no residual to compare with: "
			"unmounted?\n",
			gone);
}
