// SPDX-License-Identifier: GPL-2.0-only
/* Which objects a kernel takes, found by trying what it knows. */
#include <bpf/bpf.h>
#include <bpf/libbpf_version.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <unistd.h>

#include "attach/bpf_features.h"
#include "unit.h"

/* ---- a kernel ---- */

static struct {
	bool ring_buffer, mmapable, rdonly_prog, loops;
	int refuses; /* everything, with this errno */
} kernel;

static int answer(bool knows)
{
	if (kernel.refuses || !knows) {
		errno = kernel.refuses ? kernel.refuses : EINVAL;
		return -1;
	}
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int bpf_map_create(enum bpf_map_type type, const char *name, __u32 key_size, __u32 value_size,
		   __u32 max_entries, const struct bpf_map_create_opts *opts)
{
	(void)name;
	assert_true(max_entries > 0);
	if (type == BPF_MAP_TYPE_RINGBUF) {
		assert_int_equal(key_size + value_size, 0);
		return answer(kernel.ring_buffer);
	}
	assert_int_equal(type, BPF_MAP_TYPE_ARRAY);
	if (opts->map_flags & BPF_F_MMAPABLE)
		return answer(kernel.mmapable);
	assert_true(opts->map_flags & BPF_F_RDONLY_PROG);
	return answer(kernel.rdonly_prog);
}

/* From libbpf 1.2 on it writes to them (Debian 13). */
#if LIBBPF_MAJOR_VERSION == 1 && LIBBPF_MINOR_VERSION < 2
typedef const struct bpf_prog_load_opts load_opts;
#else
typedef struct bpf_prog_load_opts load_opts;
#endif

int bpf_prog_load(enum bpf_prog_type type, const char *name, const char *license,
		  const struct bpf_insn *insns, size_t n, load_opts *opts)
{
	size_t i, back = 0;

	(void)name;
	(void)license;
	(void)opts;
	assert_int_equal(type, BPF_PROG_TYPE_RAW_TRACEPOINT);
	for (i = 0; i < n; i++)
		back += insns[i].off < 0;
	/* It is a loop, or the question is not asked. */
	assert_int_equal(back, 1);
	return answer(kernel.loops);
}

static int kernel_5_8(void **state)
{
	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	kernel.ring_buffer = kernel.mmapable = kernel.rdonly_prog = kernel.loops = true;
	return 0;
}

/* ---- tests ---- */

static void new_kernels_take_the_usual_objects(void **state)
{
	char why[160] = "";

	(void)state;
	assert_false(bpf_is_old());
	assert_int_equal(bpf_possible(why, sizeof(why)), 0);
	assert_string_equal(why, "");
}

static void either_lack_asks_for_the_old_objects(void **state)
{
	char why[160] = "";

	(void)state;
	kernel.ring_buffer = false; /* 5.5 to 5.7 */
	assert_true(bpf_is_old());
	kernel.mmapable = false; /* 5.4 */
	assert_true(bpf_is_old());
	assert_int_equal(bpf_possible(why, sizeof(why)), 0);
	kernel.ring_buffer = true; /* somebody's own mixture */
	assert_true(bpf_is_old());
}

static void kernels_before_5_4_are_told_what_is_missing(void **state)
{
	char why[160] = "";

	(void)state;
	kernel.ring_buffer = kernel.mmapable = kernel.loops = false; /* 5.2 */
	assert_int_equal(bpf_possible(why, sizeof(why)), -EOPNOTSUPP);
	assert_string_equal(why,
			    "the kernel's BPF has no loops (Linux 5.3): kernels older than 5.4 "
			    "cannot be watched");
	kernel.rdonly_prog = false; /* 4.19 */
	assert_int_equal(bpf_possible(why, sizeof(why)), -EOPNOTSUPP);
	assert_string_equal(why, "the kernel's BPF has no global data (Linux 5.2): kernels older "
				 "than 5.4 cannot be watched");
}

static void a_refusal_is_not_a_lack(void **state)
{
	char why[160] = "";

	(void)state;
	kernel.refuses = EPERM;
	assert_false(bpf_is_old());
	assert_int_equal(bpf_possible(why, sizeof(why)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(new_kernels_take_the_usual_objects, kernel_5_8),
		cmocka_unit_test_setup(either_lack_asks_for_the_old_objects, kernel_5_8),
		cmocka_unit_test_setup(kernels_before_5_4_are_told_what_is_missing, kernel_5_8),
		cmocka_unit_test_setup(a_refusal_is_not_a_lack, kernel_5_8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
