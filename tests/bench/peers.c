// SPDX-License-Identifier: GPL-2.0-only
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "monitor.h"
#include "peers.h"

bool peer_start(struct peer *peer)
{
	struct pollfd pfd;
	char buf[4096];
	size_t len = 0;
	int fds[2];
	ssize_t n;

	if (pipe2(fds, O_CLOEXEC))
		errx(1, "pipe: %s", strerror(errno));
	peer->pid = fork();
	if (!peer->pid) {
		sched_setaffinity(0, sizeof(all_cpus), &all_cpus);
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		/* A shell may have it ignored, and it may come before the peer takes it. */
		signal(SIGINT, SIG_DFL);
		dup2(fds[1], STDOUT_FILENO);
		dup2(fds[1], STDERR_FILENO);
		execl(peer->path, peer->path, NULL);
		_exit(127);
	}
	if (peer->pid < 0)
		errx(1, "fork: %s", strerror(errno));
	close(fds[1]);
	peer->out = fds[0];
	pfd = (struct pollfd){ .fd = peer->out, .events = POLLIN };
	do {
		if (poll(&pfd, 1, START_TIMEOUT_MS) != 1)
			errx(1, "%s did not start in time", peer->name);
		/* It may have found something by then: the last of it will do. */
		if (len > sizeof(buf) / 2) {
			memmove(buf, buf + len - 64, 64);
			len = 64;
		}
		n = read(peer->out, buf + len, sizeof(buf) - 1 - len);
		if (n <= 0) {
			fprintf(stderr, "bench: %s does not run here:\n%.*s\n", peer->name,
				(int)len, buf);
			close(peer->out);
			waitpid(peer->pid, NULL, 0);
			return false;
		}
		len += n;
		buf[len] = 0;
	} while (!strstr(buf, "ready") && !strstr(buf, "Hit Ctrl"));
	return true;
}

void peer_end(struct peer *peer)
{
	struct pollfd pfd = { .fd = peer->out, .events = POLLIN };
	double until = now_ms() + START_TIMEOUT_MS;
	char buf[65536];

	/* Again and again: some go to sleep for good after one that came just before. */
	do {
		if (now_ms() > until)
			fprintf(stderr, "bench: %s does not end by itself\n", peer->name);
		kill(peer->pid, now_ms() > until ? SIGKILL : SIGINT);
	} while (!poll(&pfd, 1, 200) || read(peer->out, buf, sizeof(buf)) > 0);
	close(peer->out);
	waitpid(peer->pid, NULL, 0);
}

int peers_of(struct peer *peers, char **paths, int n_paths)
{
	int i, n = 0;

	if (n_paths > PEERS_MAX)
		errx(1, "more than %d peers", PEERS_MAX);
	for (i = 0; i < n_paths; i++) {
		peers[n].path = paths[i];
		peers[n].name = strrchr(paths[i], '/') ? strrchr(paths[i], '/') + 1 : paths[i];
		if (!peer_start(&peers[n]))
			continue;
		peer_end(&peers[n]);
		n++;
	}
	return n;
}
