/* SPDX-License-Identifier: GPL-2.0-only */
/* Times and numbers as people write them. */
#ifndef EXT4RACE_OPTION_VALUES_H
#define EXT4RACE_OPTION_VALUES_H

/* "10", "10s", "1.5m", "2h" as seconds, at most a year. 0, or -EINVAL. */
int parse_duration(const char *text, double *seconds);
/* A whole number from min to max. 0, or -EINVAL. */
int parse_number(const char *text, unsigned long long min, unsigned long long max,
		 unsigned long long *number);

#endif /* EXT4RACE_OPTION_VALUES_H */
