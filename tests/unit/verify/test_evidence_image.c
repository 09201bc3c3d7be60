// SPDX-License-Identifier: GPL-2.0-only
/* verify --image on what people give it: object files of both machines, whole and cut off. */
#include <elf.h>

#include "unit.h"
#include "verify/evidence_image.h"

/* IMAGES is the directory where the Makefile has put the object files. */
static void file_says(enum verdict wanted, const char *file, const char *detail)
{
	struct evidence ev = {};

	assert_int_equal(evidence_image(&ev, file), 0);
	assert_true(ev.given);
	if (ev.says != wanted || !strstr(ev.detail, detail))
		fail_msg("%s: %d, \"%s\"", file, ev.says, ev.detail);
}

static void bytes_say(enum verdict wanted, const void *bytes, size_t len, const char *detail)
{
	char name[64];
	int fd = fixture(bytes, len, name);

	file_says(wanted, name, detail);
	close(fd);
}

static size_t slurp(const char *file, char **bytes)
{
	FILE *f = fopen(file, "r");
	size_t len;

	assert_non_null(f);
	*bytes = malloc(1 << 20);
	assert_non_null(*bytes);
	len = fread(*bytes, 1, 1 << 20, f);
	assert_true(len > 0 && len < 1 << 20);
	fclose(f);
	return len;
}

static void test_both_machines(void **state)
{
	(void)state;
	file_says(VERDICT_VULNERABLE, IMAGES "/x86_64.o",
		  "ext4_da_map_blocks calls ext4_es_lookup_extent once");
	file_says(VERDICT_VULNERABLE, IMAGES "/aarch64.o", "once");
	file_says(VERDICT_FIXED, IMAGES "/x86_64-fixed.o", "twice");
	file_says(VERDICT_FIXED, IMAGES "/aarch64-fixed.o", "twice");
}

static void test_not_ext4(void **state)
{
	(void)state;
	file_says(VERDICT_UNKNOWN, IMAGES "/x86_64-other.o", "no ext4 in it");
	file_says(VERDICT_UNKNOWN, IMAGES "/aarch64-other.o", "no ext4 in it");
	file_says(VERDICT_UNKNOWN, IMAGES "/stripped.o", "stripped");
	file_says(VERDICT_UNKNOWN, IMAGES "/riscv64.o", "not for x86-64 or arm64");
	/* This program is an ELF file, but no kernel. */
	file_says(VERDICT_UNKNOWN, "/proc/self/exe", "");
}

static void test_kinds_by_name(void **state)
{
	char boot[0x240] = {}, arm[64] = {};

	(void)state;
	memcpy(boot + 0x202, "HdrS", 4);
	memcpy(arm + 0x38, "ARMd", 4);
	bytes_say(VERDICT_UNKNOWN, "\3757zXZ\0x", 7, "xz -dc");
	bytes_say(VERDICT_UNKNOWN, "\050\265\057\375xxxx", 8, "zstd -dc");
	bytes_say(VERDICT_UNKNOWN, "\037\213xxxx", 6, "gzip -dc");
	bytes_say(VERDICT_UNKNOWN, boot, sizeof(boot), "extract-vmlinux");
	bytes_say(VERDICT_UNKNOWN, arm, sizeof(arm), "arm64 boot image");
	bytes_say(VERDICT_UNKNOWN, "hello", 5, "neither a kernel module nor a vmlinux");
	bytes_say(VERDICT_UNKNOWN, "", 0, "neither a kernel module nor a vmlinux");
}

/* However much of the file is missing, the verdict is never wrong. */
static void test_truncated_anywhere(void **state)
{
	struct evidence ev;
	char name[64], *bytes;
	size_t len, n;
	int fd;

	(void)state;
	len = slurp(IMAGES "/x86_64-fixed.o", &bytes);
	for (n = 0; n < len; n++) {
		fd = fixture(bytes, n, name);
		assert_int_equal(evidence_image(&ev, name), 0);
		if (ev.says == VERDICT_VULNERABLE)
			fail_msg("cut after %zu of %zu bytes: %s", n, len, ev.detail);
		assert_true(ev.detail[0]);
		close(fd);
	}
	free(bytes);
}

static void test_files_that_cannot_be_read(void **state)
{
	struct evidence ev;
	char name[64];
	int fds[2];

	(void)state;
	assert_int_equal(evidence_image(&ev, "/nowhere"), -ENOENT);
	assert_int_equal(evidence_image(&ev, "/"), -EINVAL);
	assert_int_equal(evidence_image(&ev, "/dev/zero"), -EINVAL);
	/* A pipe that nobody ever writes to. */
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fds[0]);
	assert_int_equal(evidence_image(&ev, name), -EINVAL);
	close(fds[0]);
	close(fds[1]);
}

/* ---- object files with one thing in them changed ---- */

struct object {
	char *bytes;
	size_t len;
	Elf64_Ehdr *header;
	Elf64_Shdr *sections;
};

static struct object object(const char *file)
{
	struct object o;

	o.len = slurp(file, &o.bytes);
	o.header = (Elf64_Ehdr *)o.bytes;
	o.sections = (Elf64_Shdr *)(o.bytes + o.header->e_shoff);
	return o;
}

static Elf64_Shdr *section(const struct object *o, Elf64_Word type)
{
	size_t i;

	for (i = 0; i < o->header->e_shnum; i++)
		if (o->sections[i].sh_type == type)
			return &o->sections[i];
	fail_msg("no section of type %u", type);
	return NULL;
}

static Elf64_Sym *symbol(const struct object *o, const char *name)
{
	Elf64_Shdr *symtab = section(o, SHT_SYMTAB);
	const char *strings = o->bytes + o->sections[symtab->sh_link].sh_offset;
	Elf64_Sym *sym = (Elf64_Sym *)(o->bytes + symtab->sh_offset);
	size_t i;

	for (i = 0; i < symtab->sh_size / sizeof(*sym); i++)
		if (!strcmp(strings + sym[i].st_name, name))
			return &sym[i];
	fail_msg("no symbol %s", name);
	return NULL;
}

/* The relocations of calls of this function: how many, and the first of them. */
static size_t relocations(const struct object *o, const char *name, Elf64_Rela **first)
{
	Elf64_Shdr *section_of = section(o, SHT_RELA), *symtab = section(o, SHT_SYMTAB);
	Elf64_Rela *rela = (Elf64_Rela *)(o->bytes + section_of->sh_offset);
	Elf64_Sym *syms = (Elf64_Sym *)(o->bytes + symtab->sh_offset);
	Elf64_Sym *wanted = symbol(o, name);
	size_t i, n = 0;

	for (i = section_of->sh_size / sizeof(*rela); i-- > 0;)
		if (&syms[ELF64_R_SYM(rela[i].r_info)] == wanted) {
			*first = &rela[i];
			n++;
		}
	return n;
}

/* Frees the object. */
static void object_says(struct object *o, enum verdict wanted, const char *detail)
{
	bytes_say(wanted, o->bytes, o->len, detail);
	free(o->bytes);
}

#define LINKED_AT 0xffffffff81000000
#define FIXED_KO  IMAGES "/x86_64-fixed.o"

/* A vmlinux has its calls' targets in the code, and so have local functions of a module. */
static void test_direct_calls(void **state)
{
	static const char *const machines[] = { "x86_64", "aarch64" };
	char file[512];
	struct object o;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(machines); i++) {
		snprintf(file, sizeof(file), "%s/%s-local.o", IMAGES, machines[i]);
		file_says(VERDICT_VULNERABLE, file, "once");
		snprintf(file, sizeof(file), "%s/%s-local-fixed.o", IMAGES, machines[i]);
		file_says(VERDICT_FIXED, file, "twice");
		snprintf(file, sizeof(file), "%s/%s-whole.o", IMAGES, machines[i]);
		o = object(file);
		o.header->e_type = ET_EXEC;
		object_says(&o, VERDICT_VULNERABLE, "once");
		snprintf(file, sizeof(file), "%s/%s-whole-fixed.o", IMAGES, machines[i]);
		o = object(file);
		o.header->e_type = ET_DYN;
		object_says(&o, VERDICT_FIXED, "twice");
	}
	/* A vmlinux is linked to an address. */
	o = object(IMAGES "/x86_64-whole-fixed.o");
	o.header->e_type = ET_EXEC;
	o.sections[symbol(&o, "ext4_da_map_blocks")->st_shndx].sh_addr = LINKED_AT;
	symbol(&o, "ext4_da_map_blocks")->st_value += LINKED_AT;
	symbol(&o, "ext4_es_lookup_extent")->st_value += LINKED_AT;
	symbol(&o, "ext4_es_insert_delayed_block")->st_value += LINKED_AT;
	object_says(&o, VERDICT_FIXED, "twice");
}

static void test_other_files(void **state)
{
	struct object o = object(FIXED_KO);

	(void)state;
	o.header->e_type = ET_CORE;
	object_says(&o, VERDICT_UNKNOWN, "neither a kernel module nor a vmlinux");
	o = object(FIXED_KO);
	o.header->e_ident[EI_CLASS] = ELFCLASS32;
	object_says(&o, VERDICT_UNKNOWN, "");
	o = object(FIXED_KO);
	o.header->e_ident[EI_DATA] = ELFDATA2MSB;
	object_says(&o, VERDICT_UNKNOWN, "");
	o = object(FIXED_KO);
	o.sections[symbol(&o, "ext4_da_map_blocks")->st_shndx].sh_type = SHT_NOBITS;
	object_says(&o, VERDICT_UNKNOWN, "debugging information only");
	o = object(FIXED_KO);
	section(&o, SHT_RELA)->sh_type = SHT_NOTE;
	object_says(&o, VERDICT_UNKNOWN, "not a loadable module");
}

/* Whatever is damaged: unknown, and never a verdict. */
static void test_damaged(void **state)
{
	struct object o = object(FIXED_KO);

	(void)state;
	section(&o, SHT_SYMTAB)->sh_entsize = 0;
	object_says(&o, VERDICT_UNKNOWN, "");
	o = object(IMAGES "/x86_64-other.o");
	section(&o, SHT_SYMTAB)->sh_entsize = 1;
	object_says(&o, VERDICT_UNKNOWN, "");
	o = object(FIXED_KO);
	symbol(&o, "ext4_da_map_blocks")->st_shndx = 0x1234;
	object_says(&o, VERDICT_UNKNOWN, "damaged or truncated");
	o = object(FIXED_KO);
	symbol(&o, "ext4_da_map_blocks")->st_value = o.len;
	object_says(&o, VERDICT_UNKNOWN, "not in the file");
	o = object(FIXED_KO);
	symbol(&o, "ext4_da_map_blocks")->st_value = ~0ULL;
	object_says(&o, VERDICT_UNKNOWN, "not in the file");
	o = object(FIXED_KO);
	symbol(&o, "ext4_da_map_blocks")->st_size = (1 << 16) + 1;
	object_says(&o, VERDICT_UNKNOWN, "not in the file");
	o = object(FIXED_KO);
	section(&o, SHT_RELA)->sh_entsize = 0;
	object_says(&o, VERDICT_UNKNOWN, "");
	o = object(FIXED_KO);
	section(&o, SHT_RELA)->sh_entsize = 1;
	object_says(&o, VERDICT_UNKNOWN, "");
}

/* A call is counted for the function that it is in, and by the name of what it calls. */
static void test_calls_of_others(void **state)
{
	struct object o = object(FIXED_KO);
	Elf64_Rela *call;

	(void)state;
	assert_int_equal(relocations(&o, "ext4_es_lookup_extent", &call), 2);
	call->r_offset = symbol(&o, "ext4_da_map_blocks")->st_size + 4096;
	object_says(&o, VERDICT_VULNERABLE, "once");
	o = object(FIXED_KO);
	assert_int_equal(relocations(&o, "ext4_es_lookup_extent", &call), 2);
	call->r_info = ELF64_R_INFO(0xffff, ELF64_R_TYPE(call->r_info));
	object_says(&o, VERDICT_VULNERABLE, "once");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_machines),
		cmocka_unit_test(test_not_ext4),
		cmocka_unit_test(test_kinds_by_name),
		cmocka_unit_test(test_truncated_anywhere),
		cmocka_unit_test(test_files_that_cannot_be_read),
		cmocka_unit_test(test_direct_calls),
		cmocka_unit_test(test_other_files),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_calls_of_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
