// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/race_functions.h"
#include "verify/evidence.h"
#include "verify/evidence_image.h"
#include "verify/machine_code.h"

/* Absent from older elf.h files. */
#ifndef EM_AARCH64
#define EM_AARCH64 183
#endif

/* A symbol whose function is longer than this is damaged. */
#define FUNCTION_MAX (1U << 16)

struct image {
	Elf *elf;
	enum code_arch arch;
	bool relocatable;
	Elf_Data *syms;
	size_t n_syms, strings; /* strings: the section of the symbols' names */
	/* The mapping function and where its bytes are. */
	GElf_Sym fn;
	const char *fn_name;
	const unsigned char *code;
};

static void unknown(struct evidence *ev, const char *what)
{
	evidence_set(ev, VERDICT_UNKNOWN, "%s", what);
}

/* ---- what kind of file ---- */

/* What is wrong with a file that is no ELF file, and what to do; NULL when it may be one. */
static const char *known_kind(const unsigned char *p, size_t n)
{
	if (n >= 6 && !memcmp(p, "\3757zXZ", 6))
		return "compressed with xz: unpack it first (xz -dc FILE >ext4.ko)";
	if (n >= 4 && !memcmp(p, "\050\265\057\375", 4))
		return "compressed with zstd: unpack it first (zstd -dc FILE >ext4.ko)";
	if (n >= 2 && !memcmp(p, "\037\213", 2))
		return "compressed with gzip: unpack it first (gzip -dc FILE >ext4.ko)";
	if (n >= 0x206 && !memcmp(p + 0x202, "HdrS", 4))
		return "a compressed boot image: unpack the vmlinux in it (the kernel's "
		       "scripts/extract-vmlinux); it needs its symbols";
	if (n >= 0x3c && !memcmp(p + 0x38, "ARMd", 4))
		return "an arm64 boot image, which has no symbols: give a vmlinux or ext4.ko";
	if (n < 4 || memcmp(p, ELFMAG, SELFMAG))
		return "neither a kernel module nor a vmlinux";
	return NULL;
}

static const char *open_elf(struct image *img, int fd)
{
	GElf_Ehdr ehdr;

	elf_version(EV_CURRENT);
	img->elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!img->elf || elf_kind(img->elf) != ELF_K_ELF || !gelf_getehdr(img->elf, &ehdr))
		return "a damaged or truncated ELF file";
	if (ehdr.e_ident[EI_CLASS] != ELFCLASS64 || ehdr.e_ident[EI_DATA] != ELFDATA2LSB ||
	    (ehdr.e_machine != EM_X86_64 && ehdr.e_machine != EM_AARCH64))
		return "not for x86-64 or arm64";
	img->arch = ehdr.e_machine == EM_X86_64 ? CODE_X86_64 : CODE_ARM64;
	img->relocatable = ehdr.e_type == ET_REL;
	if (!img->relocatable && ehdr.e_type != ET_EXEC && ehdr.e_type != ET_DYN)
		return "neither a kernel module nor a vmlinux";
	return NULL;
}

/* ---- symbols ---- */

static const char *find_symtab(struct image *img)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	size_t shnum;

	if (elf_getshdrnum(img->elf, &shnum) || !shnum)
		return "no sections: truncated, or stripped of them";
	while ((scn = elf_nextscn(img->elf, scn))) {
		if (!gelf_getshdr(scn, &shdr))
			return "a damaged or truncated ELF file";
		if (shdr.sh_type != SHT_SYMTAB)
			continue;
		img->syms = elf_getdata(scn, NULL);
		if (!img->syms || !img->syms->d_buf || !shdr.sh_entsize)
			return "its symbol table cannot be read: truncated?";
		img->n_syms = img->syms->d_size / shdr.sh_entsize;
		img->strings = shdr.sh_link;
		return NULL;
	}
	return "it has no symbol table: stripped";
}

static const char *name_of(const struct image *img, const GElf_Sym *sym)
{
	const char *name = elf_strptr(img->elf, img->strings, sym->st_name);

	return name ? name : "";
}

static const char *find_function(struct image *img)
{
	bool mapping, found = false;
	const char *name;
	GElf_Sym sym;
	size_t i;

	for (i = 0; i < img->n_syms; i++) {
		if (!gelf_getsym(img->syms, i, &sym))
			return "its symbol table cannot be read: truncated?";
		if (GELF_ST_TYPE(sym.st_info) != STT_FUNC || !sym.st_size)
			continue;
		name = name_of(img, &sym);
		mapping = code_symbol_is(name, RACE_MAPPING);
		if (!mapping && (found || !code_symbol_is(name, RACE_MAPPING_CALLER)))
			continue;
		img->fn = sym;
		img->fn_name = name;
		found = true;
		if (mapping)
			break;
	}
	if (!found)
		return img->n_syms > 1 ? "no ext4 in it (neither " RACE_MAPPING
					 " nor " RACE_MAPPING_CALLER ")" :
					 "its symbol table is empty: stripped";
	return NULL;
}

/* The function's offset in its section. */
static GElf_Addr offset_of(const struct image *img, const GElf_Shdr *shdr)
{
	return img->relocatable ? img->fn.st_value : img->fn.st_value - shdr->sh_addr;
}

static const char *find_code(struct image *img)
{
	Elf_Scn *scn = elf_getscn(img->elf, img->fn.st_shndx);
	GElf_Addr offset;
	GElf_Shdr shdr;
	Elf_Data *data;

	if (!scn || !gelf_getshdr(scn, &shdr))
		return "a damaged or truncated ELF file";
	if (shdr.sh_type != SHT_PROGBITS)
		return "it has symbols but no code: debugging information only";
	data = elf_rawdata(scn, NULL);
	offset = offset_of(img, &shdr);
	if (!data || !data->d_buf || img->fn.st_size > FUNCTION_MAX || offset > data->d_size ||
	    data->d_size - offset < img->fn.st_size)
		return "the function's code is not in the file: truncated?";
	img->code = (const unsigned char *)data->d_buf + offset;
	return NULL;
}

/* ---- calls ---- */

/* In a module each call to a global function has a relocation, which names the callee. */
static const char *mark_relocations(struct image *img, Elf_Scn *scn, const GElf_Shdr *shdr,
				    struct code *code)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	GElf_Rela rela;
	size_t i, n;
	GElf_Sym sym;

	if (!data || !data->d_buf || !shdr->sh_entsize)
		return "its relocations cannot be read: truncated?";
	n = data->d_size / shdr->sh_entsize;
	for (i = 0; i < n; i++) {
		if (!gelf_getrela(data, i, &rela))
			return "its relocations cannot be read: truncated?";
		if (rela.r_offset < img->fn.st_value ||
		    rela.r_offset >= img->fn.st_value + img->fn.st_size)
			continue;
		if (!gelf_getsym(img->syms, GELF_R_SYM(rela.r_info), &sym))
			continue;
		code_mark_relocation(code, rela.r_offset - img->fn.st_value,
				     code_mark_of(name_of(img, &sym)));
	}
	return NULL;
}

/*
 * Calls whose target is in the instruction already. In a vmlinux these are all calls. In a
 * module they are those to local functions of the same section: the assembler resolved
 * them.
 */
static void mark_direct(struct image *img, struct code *code)
{
	struct code_target target;
	enum code_mark mark;
	GElf_Sym sym;
	size_t i;

	for (i = 0; i < img->n_syms; i++) {
		if (!gelf_getsym(img->syms, i, &sym) || GELF_ST_TYPE(sym.st_info) != STT_FUNC)
			continue;
		if (img->relocatable &&
		    (sym.st_shndx != img->fn.st_shndx || GELF_ST_BIND(sym.st_info) != STB_LOCAL))
			continue;
		mark = code_mark_of(name_of(img, &sym));
		target.from = target.to = sym.st_value;
		if (mark != CODE_NOTHING)
			code_mark_calls(code, &target, mark);
	}
}

static const char *mark_in_module(struct image *img, struct code *code)
{
	Elf_Scn *scn = NULL;
	const char *reason;
	bool any = false;
	GElf_Shdr shdr;

	while ((scn = elf_nextscn(img->elf, scn))) {
		if (!gelf_getshdr(scn, &shdr))
			return "a damaged or truncated ELF file";
		if (shdr.sh_type != SHT_RELA || shdr.sh_info != img->fn.st_shndx)
			continue;
		any = true;
		reason = mark_relocations(img, scn, &shdr, code);
		if (reason)
			return reason;
	}
	if (!any)
		return "it has no relocations for its code: not a loadable module";
	mark_direct(img, code);
	return NULL;
}

static const char *mark(struct image *img, struct code *code)
{
	if (img->relocatable)
		return mark_in_module(img, code);
	mark_direct(img, code);
	return NULL;
}

static const char *examine(struct image *img, struct evidence *ev)
{
	const char *reason = NULL;
	struct code code;

	reason = find_symtab(img);
	if (!reason)
		reason = find_function(img);
	if (!reason)
		reason = find_code(img);
	if (reason)
		return reason;
	if (code_open(&code, img->arch, img->code, img->fn.st_size, img->fn.st_value))
		return "out of memory";
	reason = mark(img, &code);
	if (!reason)
		evidence_of_calls(ev, img->fn_name, &code);
	code_close(&code);
	return reason;
}

int evidence_image(struct evidence *ev, const char *file)
{
	unsigned char head[0x240] = {};
	struct image img = {};
	const char *reason;
	struct stat st;
	ssize_t n;
	int fd;

	/* Opening a pipe would wait for a writer, hence O_NONBLOCK. A device may never end. */
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	n = fstat(fd, &st) ? -1 : S_ISREG(st.st_mode) ? pread(fd, head, sizeof(head), 0) : -2;
	if (n < 0) {
		close(fd);
		return n == -2 ? -EINVAL : -errno;
	}
	reason = known_kind(head, n);
	if (!reason)
		reason = open_elf(&img, fd);
	if (!reason)
		reason = examine(&img, ev);
	if (reason)
		unknown(ev, reason);
	elf_end(img.elf);
	close(fd);
	return 0;
}
