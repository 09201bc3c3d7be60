// SPDX-License-Identifier: GPL-2.0-only
/*
 * storm TOOL OBJECT FILE: what the monitor makes of more overwrites than a kernel can
 * race. FILE is on a mounted ext4.
 * storm count TOOL OBJECT FILE: what an event and a scrape cost, where CPU time is a count of
 * instructions.
 *
 * The detector's own raw tracepoint program is loaded once more, on the running
 * monitor's maps, and run (BPF_PROG_TEST_RUN) with an inode and an extent status entry
 * made up in a map's memory: WRITTEN, at the entry of a delayed insert. From there on
 * all is as in a real race: the walk, the counts, the ring buffer, the sinks.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS	  3
#define AREA	  65536 /* the made-up objects */
#define AT_INODE  0	/* ext4_inode_info */
#define AT_SB	  8192
#define AT_MAP	  16384 /* address_space */
#define AT_ENTRY  24576 /* the tree's one extent_status */
#define AT_INSERT 28672 /* what the threads insert, one each */
#define AT_SELF	  (AREA - 8)
#define MAPS_MAX  64
#define TAIL	  8192
#define START_MS  30000

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* ---- where the kernel has its members ---- */

static struct btf *btf;

static const struct btf_type *resolved(unsigned int id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	while (btf_is_mod(t) || btf_is_typedef(t))
		t = btf__type_by_id(btf, t->type);
	return t;
}

/* Byte offset of a member, also of unnamed structs and unions in it; -1: no such. */
static long member(const struct btf_type *t, const char *name, const struct btf_type **type)
{
	const struct btf_member *m = btf_members(t);
	const struct btf_type *inner;
	long at;
	int i;

	for (i = 0; i < btf_vlen(t); i++, m++) {
		const char *has = btf__name_by_offset(btf, m->name_off);

		inner = resolved(m->type);
		if (!strcmp(has, name)) {
			*type = inner;
			return btf_member_bit_offset(t, i) / 8;
		}
		if (*has || !btf_is_composite(inner))
			continue;
		at = member(inner, name, type);
		if (at >= 0)
			return (long)btf_member_bit_offset(t, i) / 8 + at;
	}
	return -1;
}

/* Byte offset of "a.b.c" in a struct. */
static size_t offset(const char *name, const char *path)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);
	const struct btf_type *t;
	char copy[128], *part, *rest = copy;
	size_t sum = 0;
	long at;

	if (id < 0)
		errx(1, "BTF has no struct %s", name);
	t = btf__type_by_id(btf, id);
	snprintf(copy, sizeof(copy), "%s", path);
	while ((part = strsep(&rest, "."))) {
		at = member(t, part, &t);
		if (at < 0)
			errx(1, "BTF: struct %s has no %s", name, path);
		sum += at;
	}
	return sum;
}

/* ---- the made-up inode ---- */

static char *area;	   /* the map's memory as it is seen here ... */
static uint64_t area_addr; /* ... and where the kernel has it */
static int area_fd;

/* The program stores the address of the map's value in it. */
static void find_area(void)
{
	struct bpf_insn insns[] = {
		{ .code = BPF_LD | BPF_DW | BPF_IMM,
		  .dst_reg = 1,
		  .src_reg = BPF_PSEUDO_MAP_VALUE,
		  .imm = area_fd },
		{ .imm = 0 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 2, .src_reg = 1 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 2, .imm = AT_SELF },
		{ .code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = 2, .src_reg = 1 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_test_run_opts, run);
	int fd;

	fd = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "address", "GPL", insns,
			   sizeof(insns) / sizeof(insns[0]), NULL);
	if (fd < 0 || bpf_prog_test_run_opts(fd, &run))
		errx(1, "cannot find a map's address: %s", strerror(errno));
	close(fd);
	memcpy(&area_addr, area + AT_SELF, sizeof(area_addr));
}

static void put(size_t at, uint64_t value, size_t size)
{
	memcpy(area + at, &value, size);
}

static void put_entry(size_t at, uint32_t lblk, uint32_t len, uint64_t pblk)
{
	put(at + offset("extent_status", "es_lblk"), lblk, 4);
	put(at + offset("extent_status", "es_len"), len, 4);
	put(at + offset("extent_status", "es_pblk"), pblk, 8);
}

static void make_inode(const struct stat *st)
{
	size_t inode = AT_INODE + offset("ext4_inode_info", "vfs_inode");
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int i;

	area_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "made_up", 4, AREA, 1, &opts);
	if (area_fd < 0)
		errx(1, "cannot make a map: %s", strerror(errno));
	area = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_SHARED, area_fd, 0);
	if (area == MAP_FAILED)
		errx(1, "cannot map a map: %s", strerror(errno));
	find_area();
	put(inode + offset("inode", "i_sb"), area_addr + AT_SB, 8);
	put(inode + offset("inode", "i_mapping"), area_addr + AT_MAP, 8);
	put(inode + offset("inode", "i_ino"), st->st_ino, 8);
	put(AT_SB + offset("super_block", "s_dev"), major(st->st_dev) << 20 | minor(st->st_dev), 4);
	put(AT_SB + offset("super_block", "s_blocksize_bits"), 12, 1);
	put(AT_MAP + offset("address_space", "i_mmap_writable.counter"), 1, 4);
	put(AT_INODE + offset("ext4_inode_info", "i_es_tree.root.rb_node"), area_addr + AT_ENTRY,
	    8);
	put(AT_INODE + offset("ext4_inode_info", "i_es_tree.cache_es"), area_addr + AT_ENTRY, 8);
	put_entry(AT_ENTRY, 0, 1U << 31, 1ULL << 59 | 4096);
	for (i = 0; i < THREADS; i++)
		put_entry(AT_INSERT + 64 * i, 0, 1, 1ULL << 61);
}

/* ---- the monitor ---- */

struct monitor {
	pid_t pid;
	int out;
	pthread_t drain;
	char tail[TAIL]; /* the last of what it said */
	size_t len;
};

static void *drain(void *arg)
{
	struct monitor *mon = arg;
	char buf[TAIL / 2];
	ssize_t n;

	while ((n = read(mon->out, buf, sizeof(buf))) > 0) {
		if (mon->len + n > TAIL) {
			memmove(mon->tail, mon->tail + TAIL / 2, mon->len - TAIL / 2);
			mon->len -= TAIL / 2;
		}
		memcpy(mon->tail + mon->len, buf, n);
		mon->len += n;
	}
	return NULL;
}

static void monitor_start(struct monitor *mon, const char *tool, const char *const *args)
{
	const char *argv[16] = { tool };
	struct pollfd pfd;
	int fds[2], i;

	memset(mon, 0, sizeof(*mon));
	for (i = 0; args[i]; i++)
		argv[i + 1] = args[i];
	if (pipe2(fds, O_CLOEXEC))
		errx(1, "pipe: %s", strerror(errno));
	/* Room for what it writes: its reader is none of its costs. */
	fcntl(fds[0], F_SETPIPE_SZ, 1 << 20);
	mon->pid = fork();
	if (!mon->pid) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		dup2(fds[1], STDOUT_FILENO);
		/* It says that these overwrites are a contradiction, and right it is. */
		dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
		execv(tool, (char **)argv);
		_exit(127);
	}
	if (mon->pid < 0)
		errx(1, "fork: %s", strerror(errno));
	close(fds[1]);
	mon->out = fds[0];
	pfd = (struct pollfd){ .fd = mon->out, .events = POLLIN };
	if (poll(&pfd, 1, START_MS) != 1 || pfd.revents & POLLHUP)
		errx(1, "%s did not start", tool);
	if (pthread_create(&mon->drain, NULL, drain, mon))
		errx(1, "no thread");
}

static void monitor_end(struct monitor *mon)
{
	int status;

	kill(mon->pid, SIGINT);
	pthread_join(mon->drain, NULL);
	close(mon->out);
	if (waitpid(mon->pid, &status, 0) != mon->pid || !WIFEXITED(status) || WEXITSTATUS(status))
		errx(1, "the monitor did not end well: status %#x", status);
	mon->tail[mon->len < TAIL ? mon->len : TAIL - 1] = 0;
}

/* A number of the summary, the last line of its JSON. */
static unsigned long long summary(const struct monitor *mon, const char *key)
{
	const char *at = NULL, *next = mon->tail;
	char quoted[64];

	snprintf(quoted, sizeof(quoted), "\"%s\":", key);
	while ((next = strstr(next, "\"type\":\"summary\"")))
		at = next++;
	at = at ? strstr(at, quoted) : NULL;
	if (!at)
		errx(1, "the monitor's summary has no %s", key);
	return strtoull(at + strlen(quoted), NULL, 10);
}

/* CPU time of all its threads, in seconds. */
static double monitor_cpu(const struct monitor *mon)
{
	struct timespec ts;
	clockid_t clock;

	if (clock_getcpuclockid(mon->pid, &clock) || clock_gettime(clock, &ts))
		errx(1, "the monitor's CPU time cannot be had");
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static long rss_kib(const struct monitor *mon)
{
	char path[64], line[128];
	long kib = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", mon->pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "VmRSS: %ld", &kib);
	if (f)
		fclose(f);
	return kib;
}

/* ---- its maps ---- */

struct map_id {
	char name[BPF_OBJ_NAME_LEN];
	unsigned int id;
};

static int maps_of_prog(unsigned int prog_id, struct map_id *maps, int n)
{
	struct bpf_map_info map;
	struct bpf_prog_info info = {};
	unsigned int ids[MAPS_MAX], len = sizeof(info), i;
	int fd = bpf_prog_get_fd_by_id(prog_id), map_fd;

	if (fd < 0)
		return n;
	info.nr_map_ids = MAPS_MAX;
	info.map_ids = (uintptr_t)ids;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		info.nr_map_ids = 0;
	close(fd);
	for (i = 0; i < info.nr_map_ids && n < MAPS_MAX; i++) {
		map_fd = bpf_map_get_fd_by_id(ids[i]);
		len = sizeof(map);
		memset(&map, 0, sizeof(map));
		if (map_fd >= 0 && !bpf_obj_get_info_by_fd(map_fd, &map, &len)) {
			memcpy(maps[n].name, map.name, sizeof(map.name));
			maps[n++].id = ids[i];
		}
		if (map_fd >= 0)
			close(map_fd);
	}
	return n;
}

/* Of the programs that the process holds; a link names its program too. */
static int maps_of(pid_t pid, struct map_id *maps)
{
	char path[64], line[128];
	unsigned int id;
	int fd, n = 0;
	FILE *f;

	for (fd = 0; fd < 256 && n < MAPS_MAX; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", pid, fd);
		f = fopen(path, "re");
		while (f && fgets(line, sizeof(line), f)) {
			if (sscanf(line, "prog_id: %u", &id) == 1)
				n = maps_of_prog(id, maps, n);
		}
		if (f)
			fclose(f);
	}
	return n;
}

/* ".rodata" and ".bss" have their object's name before the dot. */
static bool same_map(const char *a, const char *b)
{
	if (strchr(a, '.') && strchr(b, '.'))
		return !strcmp(strchr(a, '.'), strchr(b, '.'));
	return !strncmp(a, b, BPF_OBJ_NAME_LEN - 1);
}

/*
 * The detector's program on the monitor's maps; a new one for each monitor. own_config: not
 * with the monitor's constants, which on some kernels say that an overwrite is only known at
 * the end of the fault. Here is no fault.
 */
static struct bpf_object *load_on(const struct monitor *mon, const char *file, bool own_config,
				  int *prog_fd)
{
	struct bpf_object *obj = bpf_object__open(file);
	struct map_id maps[MAPS_MAX];
	int n = maps_of(mon->pid, maps), i, shared = 0;
	struct bpf_program *prog;
	struct bpf_map *map;

	if (!obj)
		errx(1, "%s: %s", file, strerror(errno));
	bpf_object__for_each_program(prog, obj) bpf_program__set_autoload(
		prog, !strcmp(bpf_program__name(prog), "raw_insert_extent"));
	bpf_object__for_each_map(map, obj)
	{
		for (i = 0; i < n; i++) {
			int fd;

			if (!same_map(bpf_map__name(map), maps[i].name) ||
			    (own_config && strstr(maps[i].name, ".rodata")))
				continue;
			fd = bpf_map_get_fd_by_id(maps[i].id);
			if (fd < 0 || bpf_map__reuse_fd(map, fd))
				errx(1, "map %s: %s", maps[i].name, strerror(errno));
			close(fd);
			shared++;
			break;
		}
	}
	if (shared < 5 || bpf_object__load(obj))
		errx(1, "%s: cannot be loaded on the monitor's maps", file);
	*prog_fd = bpf_program__fd(bpf_object__find_program_by_name(obj, "raw_insert_extent"));
	return obj;
}

/* ---- the storm ---- */

struct gust {
	pthread_t thread;
	int prog_fd, number;
	unsigned int count;
	double rate; /* a second, 0: as fast as can be */
};

static void *blow(void *arg)
{
	struct gust *gust = arg;
	size_t at = AT_INSERT + 64 * gust->number;
	uint64_t args[] = { area_addr + offset("ext4_inode_info", "vfs_inode"), area_addr + at };
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = args, .ctx_size_in = sizeof(args));
	size_t lblk_at = at + offset("extent_status", "es_lblk");
	double start = now_s();
	unsigned int i;

	for (i = 0; i < gust->count; i++) {
		if (gust->rate && !(i % 64)) {
			double ahead = start + i / gust->rate - now_s();
			struct timespec ts = { 0, ahead * 1e9 };

			if (ahead > 0 && ahead < 1)
				nanosleep(&ts, NULL);
		}
		put(lblk_at, i * THREADS + gust->number, 4);
		if (bpf_prog_test_run_opts(gust->prog_fd, &run))
			errx(1, "test run: %s", strerror(errno));
	}
	return NULL;
}

/* count overwrites, by so many threads; the seconds that they took. */
static double storm(int prog_fd, unsigned int count, int threads, double rate)
{
	struct gust gusts[THREADS];
	double start = now_s();
	int i;

	for (i = 0; i < threads; i++) {
		gusts[i] = (struct gust){ .prog_fd = prog_fd,
					  .number = i,
					  .count = count / threads,
					  .rate = rate / threads };
		if (pthread_create(&gusts[i].thread, NULL, blow, &gusts[i]))
			errx(1, "no thread");
	}
	for (i = 0; i < threads; i++)
		pthread_join(gusts[i].thread, NULL);
	return now_s() - start;
}

/* Until it has taken no CPU time for a while: all that waited is told. */
static void let_rest(const struct monitor *mon)
{
	struct timespec ts = { 0, 20000000 };
	double before = -1, now = monitor_cpu(mon);

	while (now - before > 1e-6) {
		before = now;
		nanosleep(&ts, NULL);
		now = monitor_cpu(mon);
	}
}

/* CPU time of the monitor for 1 000 events, at a rate at which it loses none. */
static void cost(const char *tool, const char *object, const char *what, const char *const *args)
{
	const unsigned int count = 20000;
	struct bpf_object *obj;
	struct monitor mon;
	int prog_fd, round;
	double cpu;
	long rss;

	for (round = 0; round < 5; round++) {
		monitor_start(&mon, tool, args);
		obj = load_on(&mon, object, false, &prog_fd);
		storm(prog_fd, 500, 1, 10000);
		let_rest(&mon);
		cpu = monitor_cpu(&mon);
		storm(prog_fd, count, 1, 20000);
		let_rest(&mon);
		cpu = monitor_cpu(&mon) - cpu;
		rss = rss_kib(&mon);
		bpf_object__close(obj);
		monitor_end(&mon);
		printf("{\"kind\":\"event_cpu\",\"what\":\"%s\",\"ms\":%.3f,\"rss_kib\":%ld}\n",
		       what, cpu * 1e3 / (count / 1000.0), rss);
		fflush(stdout);
	}
}

/* ---- counts of instructions ---- */

#define SCRAPES	    20
#define SCRAPE_PORT 19436
#define JOURNAL	    "/run/systemd/journal/socket"

static void print_count(const char *what, double seconds)
{
	printf("{\"kind\":\"user\",\"op\":\"%s\",\"instructions\":%.0f}\n", what, seconds * 1e9);
	fflush(stdout);
}

/* The monitor's instructions for an event. */
static void count_event(const char *tool, const char *object, const char *what,
			const char *const *args)
{
	const unsigned int count = 2000;
	struct bpf_object *obj;
	struct monitor mon;
	double cpu;
	int prog_fd;

	monitor_start(&mon, tool, args);
	obj = load_on(&mon, object, true, &prog_fd);
	storm(prog_fd, 500, 1, 10000);
	let_rest(&mon);
	cpu = monitor_cpu(&mon);
	storm(prog_fd, count, 1, 10000);
	let_rest(&mon);
	cpu = monitor_cpu(&mon) - cpu;
	bpf_object__close(obj);
	monitor_end(&mon);
	if (summary(&mon, "overwritten_blocks") != count + 500 || summary(&mon, "lost_events"))
		errx(1, "%s: not every event was told", what);
	print_count(what, cpu / count);
}

static void scrape(void)
{
	static const char get[] = "GET /metrics HTTP/1.0\r\n\r\n";
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(SCRAPE_PORT) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char page[1 << 16];
	size_t len = 0;
	ssize_t n;

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    write(fd, get, sizeof(get) - 1) != sizeof(get) - 1)
		errx(1, "the exporter does not answer: %s", strerror(errno));
	while (len < sizeof(page) - 1 && (n = read(fd, page + len, sizeof(page) - 1 - len)) > 0)
		len += n;
	page[len] = 0;
	close(fd);
	if (!strstr(page, " 200 ") || !strstr(page, "ext4race_"))
		errx(1, "no page of metrics: %.80s", page);
}

/* With the filesystems that the guest has, and no race: the page of a healthy host. */
static void count_scrape(const char *tool)
{
	static const char *const args[] = { "-o", "json", "--listen", "127.0.0.1:19436", NULL };
	struct monitor mon;
	double cpu;
	int i;

	monitor_start(&mon, tool, args);
	/* Its first answers may be that nothing is watched yet. */
	let_rest(&mon);
	scrape();
	let_rest(&mon);
	cpu = monitor_cpu(&mon);
	for (i = 0; i < SCRAPES; i++)
		scrape();
	let_rest(&mon);
	print_count("a scrape", (monitor_cpu(&mon) - cpu) / SCRAPES);
	monitor_end(&mon);
}

static void *read_journal(void *arg)
{
	char entry[1 << 16];

	while (recv(*(int *)arg, entry, sizeof(entry), 0) > 0)
		;
	return NULL;
}

/* Where no journal is, as in a guest, this process takes its place. True if it does. */
static bool be_journal(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = JOURNAL };
	static int fd;
	pthread_t thread;

	if (!access(JOURNAL, F_OK))
		return false;
	mkdir("/run/systemd", 0755);
	mkdir("/run/systemd/journal", 0755);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    pthread_create(&thread, NULL, read_journal, &fd))
		errx(1, "%s: %s", JOURNAL, strerror(errno));
	pthread_detach(thread);
	return true;
}

static void counts(const char *tool, const char *object)
{
	static const char *const json[] = { "-o", "json", NULL };
	static const char *const journal[] = { "-o", "json", "--journal", NULL };
	static const char *const listen[] = { "-o", "json", "--listen", "127.0.0.1:0", NULL };
	bool ours;

	count_event(tool, object, "an event, JSON", json);
	ours = be_journal();
	count_event(tool, object, "an event, JSON and --journal", journal);
	if (ours)
		unlink(JOURNAL);
	count_event(tool, object, "an event, JSON and --listen", listen);
	count_scrape(tool);
}

/* ---- the fastest storm ---- */

struct result {
	unsigned long long made, counted, lost;
	double rate;
};

static struct result once(const char *tool, const char *object, unsigned int count, int threads,
			  double rate)
{
	static const char *const json[] = { "-o", "json", NULL };
	struct bpf_object *obj;
	struct monitor mon;
	struct result res;
	double seconds;
	int prog_fd;

	count -= count % threads;
	monitor_start(&mon, tool, json);
	obj = load_on(&mon, object, false, &prog_fd);
	seconds = storm(prog_fd, count, threads, rate);
	let_rest(&mon);
	bpf_object__close(obj);
	monitor_end(&mon);
	res.made = count;
	res.rate = count / seconds;
	res.counted = summary(&mon, "overwritten_blocks");
	res.lost = summary(&mon, "lost_events");
	printf("{\"kind\":\"storm\",\"asked\":%.0f,\"rate\":%.0f,\"made\":%llu,\"counted\":%llu,"
	       "\"lost_details\":%llu}\n",
	       rate, res.rate, res.made, res.counted, res.lost);
	fflush(stdout);
	return res;
}

/* Doubles the rate until a detail is lost, then closes in; at last all that goes. */
static bool rates(const char *tool, const char *object)
{
	double good = 0, bad = 0, rate = 5000;
	struct result res;
	bool exact = true;
	int i;

	for (i = 0; i < 12 && (!bad || bad / good > 1.2); i++) {
		res = once(tool, object, rate * 1.5, 1, rate);
		exact &= res.counted == res.made;
		/* It could not be made any faster. */
		if (res.rate < rate * 0.9 && !res.lost) {
			good = res.rate;
			break;
		}
		if (res.lost)
			bad = rate;
		else
			good = rate;
		rate = bad ? (good + bad) / 2 : rate * 2;
	}
	printf("{\"kind\":\"largest_rate\",\"rate\":%.0f}\n", good);
	res = once(tool, object, 1000000, THREADS, 0);
	exact &= res.counted == res.made;
	printf("{\"kind\":\"storm_rate\",\"rate\":%.0f,\"exact\":%s,\"lost_details\":%llu}\n",
	       res.rate, exact ? "true" : "false", res.lost);
	return exact;
}

int main(int argc, char **argv)
{
	static const char *const text[] = { "-o", "text", NULL };
	static const char *const json[] = { "-o", "json", NULL };
	static const char *const listen[] = { "-o", "json", "--listen", "127.0.0.1:0", NULL };
	bool counting = argc == 5 && !strcmp(argv[1], "count");
	struct stat st;

	argv += counting;
	if (argc - counting != 4) {
		fputs("usage: storm [count] TOOL OBJECT FILE\n", stderr);
		return 64;
	}
	if (stat(argv[3], &st))
		errx(1, "%s: %s", argv[3], strerror(errno));
	btf = btf__load_vmlinux_btf();
	if (!btf)
		errx(1, "no BTF: %s", strerror(errno));
	make_inode(&st);
	if (counting) {
		counts(argv[1], argv[2]);
		return 0;
	}
	cost(argv[1], argv[2], "text", text);
	cost(argv[1], argv[2], "json", json);
	cost(argv[1], argv[2], "exporter", listen);
	return rates(argv[1], argv[2]) ? 0 : 1;
}
