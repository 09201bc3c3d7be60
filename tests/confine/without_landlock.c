// SPDX-License-Identifier: GPL-2.0-only
/*
 * without_landlock COMMAND...: runs it as a kernel without Landlock would, where these
 * system calls do not exist.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int nr, err = ctx ? 0 : -ENOMEM;

	/* Numbers: libseccomp 2.5 of Debian 11 does not know the names. */
	for (nr = 444; !err && nr <= 446; nr++)
		err = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), nr, 0);
	if (!err)
		err = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0);
	if (!err)
		err = seccomp_load(ctx);
	if (err || argc < 2) {
		fprintf(stderr, "without_landlock: cannot filter: %d\n", err);
		return 1;
	}
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 1;
}
