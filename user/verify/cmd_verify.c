// SPDX-License-Identifier: GPL-2.0-only
/* ext4race-detect verify: is the fix in? */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/exit_status.h"
#include "base/say.h"
#include "base/status_line.h"
#include "base/status_text.h"
#include "cli/options.h"
#include "host/fs.h"
#include "verify/cmd_verify.h"
#include "verify/evidence_image.h"
#include "verify/remedy.h"
#include "verify/verdict_print.h"
#include "verify/verify_verdict.h"

/* How long to wait for the host's own inserts, where nothing may be written. */
#define PASSIVE_SEC 10.0

static int status_of(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_FIXED:
		return EXIT_OK;
	case VERDICT_VULNERABLE:
		return EXIT_RACE;
	default:
		return EXIT_UNKNOWN;
	}
}

/* --quiet: the one word. */
static int print_word(enum verdict verdict)
{
	puts(verdict_name(verdict));
	if (!fflush(stdout))
		return 0;
	say("output lost: %s", strerror(errno));
	return -EIO;
}

static int verify_image(struct verdict_info *info, const struct options *opt)
{
	const struct livepatch_state none = {};
	int err;

	memset(info, 0, sizeof(*info));
	err = evidence_image(&info->evidence[EVIDENCE_IMAGE], opt->image);
	if (err)
		say("--image %s: %s", opt->image,
		    err == -EINVAL ? "not a regular file" : strerror(-err));
	else
		verdict_conclude(info, &none);
	return err;
}

/* The directory that was asked for cannot be used, or permission is missing to look at all. */
static bool is_fatal(const struct options *opt, const struct verdict_info *info, int err)
{
	if (err && opt->dir)
		return true;
	return info->verdict == VERDICT_UNKNOWN && (err == -EPERM || err == -EACCES);
}

static void draw_progress(double left, unsigned long long seen, unsigned long long wanted)
{
	const struct status_style style = status_line_style();
	struct status_part parts[3] = {};
	size_t width = status_line_width();
	char text[256];

	if (!width)
		return;
	status_progress(parts, left, PASSIVE_SEC, style.utf8);
	snprintf(parts[2].full, STATUS_PART_MAX, "%llu of %llu delayed inserts seen", seen, wanted);
	snprintf(parts[2].brief, STATUS_PART_MAX, "%llu of %llu inserts", seen, wanted);
	parts[2].weight = 1;
	status_text(text, sizeof(text), parts, 3, width, &style);
	status_line_draw(text);
}

/* On a terminal it shows how long it may still wait. */
static int run(struct verdict_info *info, struct verify_config *config)
{
	int err;

	if (status_line_open(STDOUT_FILENO))
		config->wait.progress = draw_progress;
	err = verify_running(info, config);
	status_line_close();
	return err;
}

/* Remedies name the mount point of --dir's filesystem, not the directory. */
static void collect_remedies(struct remedies *rem, const struct options *opt)
{
	char *point = opt->dir ? mounts_point_of(opt->dir) : NULL;

	remedies_collect(rem, point);
	free(point);
}

/* A file's verdict says nothing about this host. */
static int print_verdict(const struct verdict_info *info, const struct options *opt)
{
	bool remedy = info->verdict == VERDICT_VULNERABLE && !opt->image;
	struct remedies rem;
	int err;

	if (remedy)
		collect_remedies(&rem, opt);
	err = verdict_print(info, remedy ? &rem : NULL, opt->json, opt->verbose);
	if (!err && remedy && !opt->json)
		remedies_print(&rem, REMEDIES_HEADING, STDOUT_FILENO);
	return err;
}

int cmd_verify(const struct options *opt)
{
	struct verify_config config = { .dir = opt->dir,
					.passive = opt->passive,
					.wait = { .sec = PASSIVE_SEC },
					.verbose = opt->verbose };
	struct verdict_info info;
	int err;

	if (opt->image) {
		err = verify_image(&info, opt);
		if (err)
			return EXIT_CANNOT;
	} else {
		err = run(&info, &config);
		if (is_fatal(opt, &info, err)) {
			say("verify: %s", info.evidence[EVIDENCE_BEHAVIOUR].detail);
			return EXIT_CANNOT;
		}
	}
	err = opt->quiet ? print_word(info.verdict) : print_verdict(&info, opt);
	if (err)
		return EXIT_CANNOT;
	return status_of(info.verdict);
}
