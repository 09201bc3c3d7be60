// SPDX-License-Identifier: GPL-2.0-only
/* When the victim begins, relative to the partner. */
#include <string.h>

#include "race.h"

#define CALIBRATE_SPINS 200000
/* One file in this many tries another offset than the best known. */
#define EXPLORE	 8
#define MAX_ZOOM 1
/* Hits per attempt that need no narrower range. */
#define GOOD	  0.5
#define ZOOM_ARMS 3 /* to each side of the best */

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
}

static unsigned int best_arm(const struct aim *a)
{
	unsigned int i, best = 0;

	for (i = 1; i < AIM_ARMS; i++)
		if (a->rate[i] > a->rate[best])
			best = i;
	return best;
}

static void set_range(struct aim *a, double lo, double hi)
{
	a->lo = lo;
	a->step = (hi - lo) / AIM_ARMS;
	a->tried = 0;
	memset(a->rate, 0, sizeof(a->rate));
}

static void narrow(struct aim *a, unsigned int best)
{
	double centre = a->lo + (best + 0.5) * a->step;
	double reach = (ZOOM_ARMS + 0.5) * a->step;

	a->zoom++;
	set_range(a, centre - reach, centre + reach);
}

/* Choose the next file's offset. */
void aim_next(struct aim *a)
{
	unsigned int best = best_arm(a);

	if (!a->op_ns) {
		/* Nothing measured yet; a few microseconds harm nobody. */
		a->lo = 0;
		a->step = 1000;
		return;
	}
	if (a->step == 1000 && !a->lo)
		set_range(a, -0.5 * a->op_ns, a->op_ns);
	else if (a->tried >= AIM_ARMS && a->rate[best] > 0 && a->rate[best] < GOOD &&
		 a->zoom < MAX_ZOOM)
		narrow(a, best);
	if (a->tried < AIM_ARMS)
		a->arm = a->tried++;
	else if (a->rate[best] <= 0 || draw(a) % EXPLORE == 0)
		a->arm = (unsigned int)(draw(a) % AIM_ARMS);
	else
		a->arm = best;
}

void aim_result(struct aim *a, double hits, unsigned int steps)
{
	double rate = hits / steps;

	a->rate[a->arm] = a->rate[a->arm] != 0 ? 0.7 * a->rate[a->arm] + 0.3 * rate : rate;
}

static double arm_ns(const struct aim *a)
{
	return a->lo + a->arm * a->step;
}

/* Spins for the victim to wait; every page falls elsewhere inside the arm's step. */
long aim_victim_delay(struct aim *a)
{
	double jitter = a->step * (double)(draw(a) % 1024) / 1024;

	return (long)((arm_ns(a) + jitter) * a->spins_per_ns);
}

long aim_partner_delay(const struct aim *a)
{
	return (long)(-arm_ns(a) * a->spins_per_ns);
}
