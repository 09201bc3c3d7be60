// SPDX-License-Identifier: GPL-2.0-only
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "attach/globals.h"

static size_t whole_pages(size_t size)
{
	size_t page = sysconf(_SC_PAGESIZE);

	return (size + page - 1) / page * page;
}

static int map_section(struct globals *globals)
{
	void *mem = mmap(NULL, whole_pages(globals->size), PROT_READ | PROT_WRITE, MAP_SHARED,
			 globals->fd, 0);

	if (mem == MAP_FAILED)
		return -errno;
	globals->mem = mem;
	return 0;
}

static int copy_section(struct globals *globals)
{
	globals->mem = calloc(1, globals->size);
	return globals->mem ? globals_read(globals) : -ENOMEM;
}

int globals_open(struct globals *globals, const struct bpf_object *bpf, const char *section)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(bpf, section);
	int err;

	memset(globals, 0, sizeof(*globals));
	if (!map)
		return -ENOENT;
	globals->fd = bpf_map__fd(map);
	globals->size = bpf_map__value_size(map);
	/* libbpf clears the flag where the kernel does not know it. */
	globals->mapped = bpf_map__map_flags(map) & BPF_F_MMAPABLE;
	err = globals->mapped ? map_section(globals) : copy_section(globals);
	if (err)
		globals_close(globals);
	return err;
}

void globals_close(struct globals *globals)
{
	if (globals->mapped && globals->mem)
		munmap(globals->mem, whole_pages(globals->size));
	else
		free(globals->mem);
	memset(globals, 0, sizeof(*globals));
}

int globals_read(const struct globals *globals)
{
	const unsigned int zero = 0;

	if (globals->mapped)
		return 0;
	return bpf_map_lookup_elem(globals->fd, &zero, globals->mem) ? -errno : 0;
}

int globals_write(const struct globals *globals)
{
	const unsigned int zero = 0;

	if (globals->mapped)
		return 0;
	return bpf_map_update_elem(globals->fd, &zero, globals->mem, BPF_ANY) ? -errno : 0;
}
