// SPDX-License-Identifier: GPL-2.0-only
/*
 * The same detector, for kernels where plain loads can read ext4's state. It is an object
 * of its own, because kernels that do not know bpf_rdonly_cast() may refuse every program
 * that names it, even if it never calls it (5.13 to 5.15).
 */
#define E4R_DIRECT
#include "ext4race.bpf.c"
