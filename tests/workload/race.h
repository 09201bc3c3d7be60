/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * race - provoke the ext4 delayed-allocation race, or what only looks like it.
 *
 * A pair is two threads working on the same pages of a fresh file that is all
 * hole: the victim stores through a shared mapping (ext4_page_mkwrite), the
 * partner allocates the same blocks. Rounds repeat with a new file each time.
 */
#ifndef RACE_H
#define RACE_H

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define EX_BAD_USAGE 64

/* What a logged operation was; the first three are the detector's names. */
enum op {
	OP_FALLOCATE,
	OP_ZERO_RANGE,
	OP_DIRECT_WRITE,
	OP_FAULT,
	OP_WRITE,
	OP_PUNCH_HOLE,
	OP_READ,
};

enum settle {
	SETTLE_WRITEBACK, /* sync_file_range(): data only, no journal commit */
	SETTLE_FSYNC,
	SETTLE_SYNCFS,
};

enum cache_hole { HOLE_YES, HOLE_NO, HOLE_MIX };

enum meet_at { MEET_PAGE, MEET_FILE };

/* Why a run ended; the first reason stays. */
enum stop {
	STOP_NONE,
	STOP_DURATION,
	STOP_RACES,
	STOP_FILES,
	STOP_LEAKS,
	STOP_SIGNAL,
	STOP_NO_SPACE,
	STOP_ERROR,
};

struct mode;

struct options {
	const char *dir;
	const char *log;
	const struct mode *mode;
	double duration;      /* seconds */
	unsigned long races;  /* attempts, 0: no limit */
	unsigned long files;  /* files, 0: no limit */
	unsigned long leaks;  /* blocks leaked, 0: no limit */
	unsigned long rate;   /* attempts a second of each pair, 0: no limit */
	unsigned long blocks; /* of --mode count */
	unsigned int pages;   /* of one file */
	unsigned int extents; /* of one page each, behind these */
	unsigned int processes;
	enum settle settle;
	enum cache_hole cache_hole;
	enum meet_at meet_at;
	bool aim;
	bool pin;
	bool keep;
	bool verify;
};

/* The file system under test. */
struct fs {
	int dirfd;
	char dev[32];	      /* "254:0" */
	char sysfs[PATH_MAX]; /* .../delayed_allocation_blocks, empty: none */
	unsigned int block;   /* bytes */
	unsigned int page;    /* bytes: the unit of racing, at least one block */
	bool delalloc;
};

/* Shared by all worker processes. */
struct shared {
	atomic_int stop; /* enum stop */
	long long residual_before;
	atomic_ulong files;
	atomic_ulong attempts;
	atomic_ulong faults;
	atomic_ulong allocations;
	atomic_ulong mismatches;
	atomic_ulong log_dropped;
	atomic_ulong stale_cache; /* fsync errors that direct mode has to expect */
};

struct oprec {
	uint64_t start_ns; /* CLOCK_MONOTONIC */
	uint64_t end_ns;
	uint32_t ino;
	uint32_t generation;
	uint32_t lblk; /* file system blocks */
	uint32_t len;
	int32_t err; /* 0 or a negative errno */
	uint32_t op; /* enum op */
};

struct opchunk;

struct oplog {
	bool on;
	struct opchunk *first, *last;
	unsigned long total;
	unsigned long dropped;
	pid_t tid;
	char comm[16];
};

/*
 * Where in the partner's operation to let the victim begin. The best moment
 * depends on machine and kernel, so it is learnt: after each file the leak
 * counter tells how often that offset hit. First arms all over the operation,
 * then as many around the best one.
 */
#define AIM_ARMS 24

struct aim {
	bool learn;
	bool narrow;	       /* the arms are around the best of the wide range */
	double wide_best;      /* the rate that was narrowed to */
	double wide_ns;	       /* op_ns that the wide range was made for */
	unsigned int arm;      /* of this file */
	unsigned int tried;    /* arms tried since the range was set */
	double rate[AIM_ARMS]; /* smoothed hits per attempt */
	double op_ns;	       /* duration of one partner operation, 0: not known */
	double spins_per_ns;
	double lo, step; /* ns */
	uint64_t rng;
};

struct file {
	int fd;
	int direct; /* O_DIRECT descriptor, or -1 */
	char name[64];
	char *map;
	uint64_t number; /* part of the data pattern */
	uint32_t ino;
	uint32_t generation;
	long surplus; /* blocks that stat still charges beyond the allocated ones */
};

struct side {
	_Alignas(128) _Atomic uint32_t met; /* how often it came to meet(); wraps */
	atomic_int asleep;
	struct oplog log;
	int cpu; /* -1: do not pin */
	unsigned long done;
	uint64_t busy_ns;
	char *buf; /* one page, page aligned */
};

struct pair {
	const struct options *opt;
	const struct fs *fs;
	struct shared *sh;
	unsigned int id;
	struct side victim;
	struct side partner;
	struct file file;
	struct aim aim;
	bool go;
	unsigned int spin_limit;
	unsigned int yield_limit;
	unsigned long rounds;
	uint64_t began_ns;
	unsigned long partner_done; /* up to the file before */
	uint64_t partner_busy_ns;
};

#define MODE_CONTROL  0x01 /* must never count */
#define MODE_ONCE     0x02 /* the partner acts once a file */
#define MODE_AFTER    0x04 /* the partner waits for the victim's page */
#define MODE_EVEN     0x08 /* only every second page is a step */
#define MODE_DIRECT   0x10 /* needs an O_DIRECT descriptor */
#define MODE_MAY_ZERO 0x20 /* data may legally read back as zeros */

struct mode {
	const char *name;
	const char *says;
	unsigned int flags;
	unsigned int pages;	/* default for --pages */
	unsigned int processes; /* default for --processes */
	const char *victim_comm;
	const char *partner_comm;
	int (*prepare)(struct pair *p); /* may be NULL; victim's thread */
	int (*victim)(struct pair *p, unsigned int step);
	int (*partner)(struct pair *p, unsigned int step);
};

/* modes.c */
extern const struct mode modes[];
const struct mode *mode_find(const char *name);
unsigned int mode_steps(const struct mode *m, unsigned int pages);
/* SIGBUS: a store that could not be reserved space for. */
void race_bus(int sig);
/* Dirty one page through a shared mapping. Returns 0 or -ENOSPC. */
int store_word(char *at);

/* pair.c: run one pair until the run ends. Returns 0 or a negative errno. */
int pair_run(struct pair *p);
void run_stop(struct shared *sh, enum stop why);
/* Report a failed operation once and end the run; -ENOSPC and -EDQUOT are no error. */
void run_fail(struct shared *sh, const char *what, int err);

/* file.c */
int file_open(struct pair *p);
void file_close(struct pair *p);
/* The pattern of one page; the hole in it is left to ZERO_RANGE. */
#define PATTERN_HOLE	 128
#define PATTERN_HOLE_END 384
void pattern_fill(char *page, size_t size, uint64_t file, unsigned int index);

/* aim.c */
void aim_init(struct aim *a, bool learn, uint64_t seed);
void aim_next(struct aim *a);
void aim_duration(struct aim *a, double ns);
void aim_result(struct aim *a, double hits, unsigned int steps);
long aim_victim_delay(struct aim *a);
long aim_partner_delay(const struct aim *a);
void aim_spin(long spins);

/* oplog.c */
uint64_t now_ns(void);
int oplog_reserve(struct oplog *log, unsigned int records);
void oplog_add(struct oplog *log, const struct oprec *rec);
int oplog_create(const char *path);
/* Append a finished thread's records as JSON lines. */
int oplog_dump(const struct oplog *log, const char *path, const char *dev);
void oplog_free(struct oplog *log);

/* account.c */
int fs_open(struct fs *fs, const char *dir);
/* Blocks reserved by delayed allocation; -1 when the kernel does not say. */
long long fs_reserved(const struct fs *fs);
/* The same after everything dirty was written. */
long long fs_residual(const struct fs *fs);

/* count.c */
int count_run(const struct options *opt, const struct fs *fs, struct shared *sh);

#endif
