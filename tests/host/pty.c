// SPDX-License-Identifier: GPL-2.0-only
/*
 * pty COLUMNSxROWS COMMAND [ARGUMENT...]: runs the command on a terminal of that size, and
 * copies what it writes there to standard output, byte for byte. Ends with its exit status;
 * 128 and the number of the signal that ended it.
 */
#include <errno.h>
#include <pty.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static int copy(int from)
{
	char buf[4096];
	ssize_t n, done, m;

	/* EIO: nobody has the terminal open any more. */
	while ((n = read(from, buf, sizeof(buf))) > 0 || (n < 0 && errno == EINTR)) {
		for (done = 0; done < n; done += m) {
			m = write(STDOUT_FILENO, buf + done, n - done);
			if (m < 0)
				return -errno;
		}
	}
	return n < 0 && errno != EIO ? -errno : 0;
}

int main(int argc, char **argv)
{
	struct winsize size = {};
	int master, status;
	pid_t pid;

	if (argc < 3 || sscanf(argv[1], "%hux%hu", &size.ws_col, &size.ws_row) != 2) {
		fputs("usage: pty COLUMNSxROWS COMMAND [ARGUMENT...]\n", stderr);
		return 64;
	}
	pid = forkpty(&master, NULL, NULL, &size);
	if (pid < 0) {
		perror("pty");
		return 1;
	}
	if (!pid) {
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	if (copy(master)) {
		perror("pty");
		return 1;
	}
	if (waitpid(pid, &status, 0) != pid)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
