// SPDX-License-Identifier: GPL-2.0-only
/* When the victim begins, relative to the partner. */
#include <string.h>

#include "race.h"

#define CALIBRATE_SPINS 200000
/* One file in this many tries another offset than the best known. */
#define EXPLORE 8

void aim_spin(long spins)
{
	/* No pause instruction: emulators leave their inner loop for it. */
	while (spins-- > 0)
		__asm__ volatile("" ::: "memory");
}

static uint64_t draw(struct aim *a)
{
	a->rng ^= a->rng << 13;
	a->rng ^= a->rng >> 7;
	a->rng ^= a->rng << 17;
	return a->rng;
}

void aim_init(struct aim *a, bool learn, uint64_t seed)
{
	uint64_t t;
	int i;

	memset(a, 0, sizeof(*a));
	a->learn = learn;
	a->rng = seed | 1;
	/* Twice: an emulator translates the loop during the first pass. */
	for (i = 0; i < 2; i++) {
		t = now_ns();
		aim_spin(CALIBRATE_SPINS);
		t = now_ns() - t;
	}
	a->spins_per_ns = (double)CALIBRATE_SPINS / (double)(t ? t : 1);
	a->op_ns = 20000;
}

static unsigned int best_arm(const struct aim *a)
{
	unsigned int i, best = 0;

	for (i = 1; i < AIM_ARMS; i++)
		if (a->rate[i] > a->rate[best])
			best = i;
	return best;
}

/* Choose the next file's offset: half an operation early to one operation late. */
void aim_next(struct aim *a)
{
	double span = a->op_ns * a->spins_per_ns;
	unsigned int best = best_arm(a);

	a->lo = (long)(-0.5 * span);
	a->step = (long)(1.5 * span / AIM_ARMS) + 1;
	if (a->tried < AIM_ARMS)
		a->arm = a->tried++;
	else if (!a->learn || a->rate[best] <= 0 || draw(a) % EXPLORE == 0)
		a->arm = (unsigned int)(draw(a) % AIM_ARMS);
	else
		a->arm = best;
}

void aim_result(struct aim *a, long hits, unsigned int steps)
{
	double rate;

	if (hits < 0 || !steps)
		return;
	rate = (double)hits / steps;
	a->rate[a->arm] = a->rate[a->arm] > 0 ? 0.7 * a->rate[a->arm] + 0.3 * rate : rate;
}

/* Spins for the victim to wait; every page falls elsewhere inside the arm's step. */
long aim_victim_delay(struct aim *a)
{
	return a->lo + (long)a->arm * a->step + (long)(draw(a) % (uint64_t)a->step);
}

long aim_partner_delay(const struct aim *a)
{
	return -(a->lo + (long)a->arm * a->step);
}
