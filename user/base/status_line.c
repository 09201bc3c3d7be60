// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/status_line.h"
#include "base/terminal.h"

#define TEXT_MAX	1024
#define COLUMNS_UNKNOWN 80

/* The cursor is at the beginning of the line, and it stays there. */
#define ERASE "\r\033[J"
/* Text that is wider than the terminal, whose size changes at any time, is cut and not wrapped. */
#define WRAP_OFF "\033[?7l"
#define WRAP_ON	 "\033[?7h"

static struct {
	bool open;
	int fd; /* of our own, so that it alone is non-blocking */
	dev_t tty;
	pid_t group;
	volatile sig_atomic_t shown;
	pthread_mutex_t lock; /* whoever writes to the terminal */
	char text[TEXT_MAX];
} line = { .fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER };

static bool is_open(void)
{
	return __atomic_load_n(&line.open, __ATOMIC_ACQUIRE);
}

/* In the background the terminal is somebody else's. */
static bool in_foreground(void)
{
	return tcgetpgrp(line.fd) == line.group;
}

/* wait: until there is room, for a caller that would wait at its own write just the same. */
static void erase(bool wait)
{
	struct pollfd pfd = { .fd = line.fd, .events = POLLOUT };

	if (!line.shown)
		return;
	line.shown = 0;
	if (!in_foreground())
		return;
	while (write(line.fd, ERASE, strlen(ERASE)) < 0) {
		if (errno != EINTR && (errno != EAGAIN || !wait || poll(&pfd, 1, -1) < 0))
			return;
	}
}

static void put(void)
{
	char buf[TEXT_MAX + 32];
	int len;

	if (!line.text[0] || !in_foreground())
		return;
	len = snprintf(buf, sizeof(buf), ERASE WRAP_OFF "%s" WRAP_ON "\r", line.text);
	line.shown = 1;
	/*
	 * A terminal that is stopped takes nothing, or a part. The line that was there before
	 * has to be erased in each case, and that is how the next drawing begins.
	 */
	(void)!write(line.fd, buf, (size_t)len);
}

/* ---- signals that stop or end the process ---- */

static const int signals[] = { SIGTSTP, SIGINT, SIGQUIT, SIGTERM, SIGHUP };
#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

/* Erases the line; then the signal does what it does anyhow. */
static void on_signal(int sig)
{
	int err = errno;
	sigset_t set, before;

	erase(false);
	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	raise(sig);
	pthread_sigmask(SIG_UNBLOCK, &set, &before);
	/* Here it has been stopped, and goes on. */
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	signal(sig, on_signal);
	errno = err;
}

/* A signal that is ignored stays so: nohup(1). */
static void handle_signals(void (*from)(int), void (*to)(int))
{
	struct sigaction now, action = { .sa_handler = to, .sa_flags = SA_RESTART };
	size_t i;

	for (i = 0; i < SIGNALS; i++) {
		if (!sigaction(signals[i], NULL, &now) && now.sa_handler == from)
			sigaction(signals[i], &action, NULL);
	}
}

/* ---- life ---- */

/* Who reads a pipe may write to this terminal at any time, and we would not know. */
static bool can_share(int reports_fd)
{
	struct stat st;

	return !fstat(reports_fd, &st) && (S_ISREG(st.st_mode) || S_ISCHR(st.st_mode));
}

bool status_line_open(int reports_fd)
{
	struct stat st;

	if (!isatty(STDERR_FILENO) || terminal_is_dumb() || !can_share(reports_fd))
		return false;
	line.fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (line.fd < 0)
		return false;
	line.group = getpgrp();
	/* Of a terminal that is not ours nobody tells whether we are in its foreground. */
	if (tcgetpgrp(line.fd) < 0 || fstat(line.fd, &st)) {
		close(line.fd);
		line.fd = -1;
		return false;
	}
	line.tty = st.st_rdev;
	line.text[0] = 0;
	__atomic_store_n(&line.open, true, __ATOMIC_RELEASE);
	handle_signals(SIG_DFL, on_signal);
	return true;
}

void status_line_close(void)
{
	if (!is_open())
		return;
	pthread_mutex_lock(&line.lock);
	erase(true);
	line.text[0] = 0;
	__atomic_store_n(&line.open, false, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&line.lock);
	handle_signals(on_signal, SIG_DFL);
	/* Nobody uses it any more: line.text is empty, and line.shown is 0. */
	close(line.fd);
	line.fd = -1;
}

/* ---- what is drawn ---- */

size_t status_line_width(void)
{
	struct winsize size;

	if (!is_open() || !in_foreground())
		return 0;
	if (ioctl(line.fd, TIOCGWINSZ, &size) || !size.ws_col)
		return COLUMNS_UNKNOWN - 1;
	/* Some terminals wrap when the last column is written. */
	return size.ws_col > 1 ? size.ws_col - 1 : 1;
}

struct status_style status_line_style(void)
{
	return (struct status_style){ terminal_has_color(STDERR_FILENO), terminal_is_utf8() };
}

void status_line_draw(const char *text)
{
	if (!is_open() || pthread_mutex_trylock(&line.lock))
		return;
	snprintf(line.text, sizeof(line.text), "%s", text);
	put();
	pthread_mutex_unlock(&line.lock);
}

bool status_line_hold(int fd)
{
	struct stat st;

	if (!is_open() || fstat(fd, &st) || !S_ISCHR(st.st_mode) || st.st_rdev != line.tty)
		return false;
	pthread_mutex_lock(&line.lock);
	erase(true);
	return true;
}

void status_line_release(void)
{
	put();
	pthread_mutex_unlock(&line.lock);
}
