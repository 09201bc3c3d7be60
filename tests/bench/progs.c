// SPDX-License-Identifier: GPL-2.0-only
#include <bpf/libbpf.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "progs.h"

#define NAME_MAX_KERNEL 15 /* the kernel cuts program names off there */

void prog_info(int fd, struct bpf_prog_info *info)
{
	unsigned int len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	if (bpf_obj_get_info_by_fd(fd, info, &len))
		errx(1, "program info: %s", strerror(errno));
}

int prog_fds_of(pid_t pid, int *fds, int max)
{
	char path[512], line[128];
	struct dirent *entry;
	unsigned int id;
	int n = 0;
	FILE *f;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)) && n < max) {
		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", pid, entry->d_name);
		f = fopen(path, "r");
		id = 0;
		/* A link names its program too, and its own id first. */
		while (f && fgets(line, sizeof(line), f)) {
			if (!strncmp(line, "link_", 5))
				break;
			sscanf(line, "prog_id: %u", &id);
		}
		if (f)
			fclose(f);
		if (!id)
			continue;
		fds[n] = bpf_prog_get_fd_by_id(id);
		n += fds[n] >= 0;
	}
	if (dir)
		closedir(dir);
	return n;
}

int progs_of(pid_t pid, struct prog *progs)
{
	int fds[PROGS_MAX], n = prog_fds_of(pid, fds, PROGS_MAX), i;
	struct bpf_prog_info info;

	for (i = 0; i < n; i++) {
		progs[i].fd = fds[i];
		prog_info(fds[i], &info);
		snprintf(progs[i].name, sizeof(progs[i].name), "%s", info.name);
		progs[i].hook[0] = 0;
	}
	return n;
}

void close_progs(struct prog *progs, int n)
{
	while (n--)
		close(progs[n].fd);
}

bool same_hook(const char *a, const char *b)
{
	return !strncmp(a, b, NAME_MAX_KERNEL);
}

void empties_attach(struct empties *e, const char *file, const struct prog *progs, int n)
{
	struct bpf_program *prog;
	bool used;
	int i;

	memset(e, 0, sizeof(*e));
	e->obj = bpf_object__open(file);
	if (!e->obj)
		errx(1, "%s: %s", file, strerror(errno));
	bpf_object__for_each_program(prog, e->obj)
	{
		used = false;
		for (i = 0; i < n; i++)
			used |= same_hook(progs[i].name, bpf_program__name(prog));
		bpf_program__set_autoload(prog, used);
	}
	if (bpf_object__load(e->obj))
		errx(1, "%s: cannot be loaded", file);
	bpf_object__for_each_program(prog, e->obj)
	{
		if (bpf_program__fd(prog) < 0)
			continue;
		e->links[e->n_links] = bpf_program__attach(prog);
		if (!e->links[e->n_links])
			errx(1, "%s: cannot be attached", bpf_program__name(prog));
		e->n_links++;
		for (i = 0; i < n; i++) {
			if (!same_hook(progs[i].name, bpf_program__name(prog)))
				continue;
			e->progs[i].fd = bpf_program__fd(prog);
			snprintf(e->progs[i].name, sizeof(e->progs[i].name), "%s",
				 bpf_program__name(prog));
			snprintf(e->progs[i].hook, sizeof(e->progs[i].hook), "%s",
				 bpf_program__name(prog));
		}
	}
}

void empties_detach(struct empties *e)
{
	while (e->n_links)
		bpf_link__destroy(e->links[--e->n_links]);
	bpf_object__close(e->obj);
}
