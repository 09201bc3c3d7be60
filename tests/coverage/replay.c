// SPDX-License-Identifier: GPL-2.0-only
/*
 * replay FILE-OR-DIRECTORY...: a fuzz target over these inputs, without a fuzzer and its
 * instrumentation, so that what they reach can be counted.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
					      void (*on_free)(const volatile void *));

/* There is none. What argp has allocated when it is left stays where it is. */
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
					      void (*on_free)(const volatile void *))
{
	(void)on_malloc;
	(void)on_free;
	return 0;
}

static void replay(const char *path)
{
	static uint8_t data[1 << 20];
	FILE *file = fopen(path, "re");

	if (!file)
		return;
	LLVMFuzzerTestOneInput(data, fread(data, 1, sizeof(data), file));
	fclose(file);
}

int main(int argc, char **argv)
{
	struct dirent *entry;
	char path[4096];
	DIR *dir;
	int i;

	for (i = 1; i < argc; i++) {
		dir = opendir(argv[i]);
		if (!dir) {
			replay(argv[i]);
			continue;
		}
		while ((entry = readdir(dir))) {
			snprintf(path, sizeof(path), "%s/%s", argv[i], entry->d_name);
			if (entry->d_name[0] != '.')
				replay(path);
		}
		closedir(dir);
	}
	return 0;
}
