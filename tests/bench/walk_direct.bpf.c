// SPDX-License-Identifier: GPL-2.0-only
#define E4R_DIRECT
#include "walk.bpf.c"
