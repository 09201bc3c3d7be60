/* SPDX-License-Identifier: GPL-2.0-only */
/* Questions to BTF that libbpf does not answer in one call. */
#ifndef EXT4RACE_BTF_TYPES_H
#define EXT4RACE_BTF_TYPES_H

#include <stdbool.h>

struct btf;

/* Whether btf has a type of that name and kind (BTF_KIND_*); false without BTF (NULL). */
bool btf_has_type(const struct btf *btf, const char *name, unsigned int kind);
/* Whether struct `type` has a member of that name itself; false without BTF (NULL). */
bool btf_has_member(const struct btf *btf, const char *type, const char *member);

#endif /* EXT4RACE_BTF_TYPES_H */
