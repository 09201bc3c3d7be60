// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "metrics/exposition_parts.h"

/* Size and resident pages of this process; 0 or negative errno. */
static int read_statm(unsigned long long *size, unsigned long long *resident)
{
	char buf[128];
	ssize_t n;
	int fd;

	fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n <= 0)
		return -EIO;
	buf[n] = '\0';
	return sscanf(buf, "%llu %llu", size, resident) == 2 ? 0 : -EIO;
}

static int count_fds(unsigned long long *n)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *e;

	if (!dir)
		return -errno;
	*n = 0;
	while ((e = readdir(dir)))
		*n += e->d_name[0] != '.';
	closedir(dir);
	*n -= 1; /* the directory itself */
	return 0;
}

void exposition_process(struct expo *o, const struct metrics *m)
{
	static const struct expo_family cpu = { "process_cpu_seconds", COUNTER,
						"User and system CPU time spent." };
	static const struct expo_family rss = { "process_resident_memory_bytes", GAUGE,
						"Resident memory size." };
	static const struct expo_family vsz = { "process_virtual_memory_bytes", GAUGE,
						"Virtual memory size." };
	static const struct expo_family start = { "process_start_time_seconds", GAUGE,
						  "Start of the run, as a Unix time." };
	static const struct expo_family fds = { "process_open_fds", GAUGE,
						"Open file descriptors." };
	static const struct expo_family max = { "process_max_fds", GAUGE,
						"Limit of open file descriptors." };
	unsigned long long size, resident, n = 0;
	unsigned long long page = (unsigned long long)sysconf(_SC_PAGESIZE);
	struct timespec ts;
	struct rlimit rl;

	if (!clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts))
		expo_ns(o, &cpu, timespec_ns(&ts));
	if (!read_statm(&size, &resident)) {
		expo_u64(o, &rss, resident * page);
		expo_u64(o, &vsz, size * page);
	}
	expo_ns(o, &start, timespec_ns(&m->start_time));
	if (!count_fds(&n))
		expo_u64(o, &fds, n);
	if (!getrlimit(RLIMIT_NOFILE, &rl))
		expo_u64(o, &max, rl.rlim_cur);
}
