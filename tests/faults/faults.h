/* SPDX-License-Identifier: GPL-2.0-only */
/* What alloc.c and supervise.c have agreed on. */
#ifndef EXT4RACE_FAULTS_H
#define EXT4RACE_FAULTS_H

/* prctl() option by which the program says that main() comes next. No kernel has it. */
#define FAULTS_BEGIN 0x66617500

#endif /* EXT4RACE_FAULTS_H */
