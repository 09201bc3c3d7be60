// SPDX-License-Identifier: GPL-2.0-only
/*
 * The same detector where ext4's state can be read by plain loads. An object of its
 * own, because kernels that do not know bpf_rdonly_cast() may refuse every program
 * that names it, called or not (5.13 to 5.15).
 */
#define E4R_DIRECT
#include "ext4race.bpf.c"
