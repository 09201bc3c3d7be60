// SPDX-License-Identifier: GPL-2.0-only
/* When the victim begins, relative to the partner. */
#include <string.h>

#include "race.h"

#define CALIBRATE_ROUNDS 5
#define CALIBRATE_SPINS	 100000
/* One file in this many tries another offset than the best known. */
#define EXPLORE 8
/* How often each offset is tried before its rate is trusted. */
#define ZOOM_PASSES 2
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
	uint64_t t, best = UINT64_MAX;
	int i;

	memset(a, 0, sizeof(*a));
	a->learn = learn;
	a->rng = seed | 1;
	/* The best of several: the others were interrupted, or an emulator translated code. */
	for (i = 0; i < CALIBRATE_ROUNDS; i++) {
		t = now_ns();
		aim_spin(CALIBRATE_SPINS);
		t = now_ns() - t;
		best = t < best ? t : best;
	}
	a->spins_per_ns = (double)CALIBRATE_SPINS / (double)(best ? best : 1);
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

/* From half an operation early to one operation late. */
static void set_wide(struct aim *a)
{
	a->wide_ns = a->op_ns;
	a->narrow = false;
	set_range(a, -0.5 * a->op_ns, a->op_ns);
}

static void set_narrow(struct aim *a, unsigned int best)
{
	double centre = a->lo + (best + 0.5) * a->step;
	double reach = (ZOOM_ARMS + 0.5) * a->step;

	a->narrow = true;
	a->wide_best = a->rate[best];
	set_range(a, centre - reach, centre + reach);
}

static void choose_range(struct aim *a, unsigned int best)
{
	bool seen_all = a->tried >= ZOOM_PASSES * AIM_ARMS;

	/* The first operations are slow; on a busy machine any may be. */
	if (!a->wide_ns || (!a->narrow && a->op_ns < 0.7 * a->wide_ns))
		set_wide(a);
	else if (!a->narrow && seen_all && a->rate[best] > 0 && a->rate[best] < GOOD)
		set_narrow(a, best);
	else if (a->narrow && seen_all && a->rate[best] < 0.5 * a->wide_best)
		set_wide(a); /* what was narrowed to was luck */
}

/* Choose the next file's offset. */
void aim_next(struct aim *a)
{
	unsigned int best;

	/* Nothing is measured before the first file. */
	if (!a->op_ns)
		return;
	choose_range(a, best_arm(a));
	best = best_arm(a);
	if (a->tried < AIM_ARMS || (a->rate[best] < GOOD && a->tried < ZOOM_PASSES * AIM_ARMS))
		a->arm = a->tried++ % AIM_ARMS;
	else if (a->rate[best] <= 0 || draw(a) % EXPLORE == 0)
		a->arm = (unsigned int)(draw(a) % AIM_ARMS);
	else
		a->arm = best;
}

/* The mean of the fastest file is what an undisturbed operation takes. */
void aim_duration(struct aim *a, double ns)
{
	if (ns > 0 && (!a->op_ns || ns < a->op_ns))
		a->op_ns = ns;
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

/* How long the victim spins. Each page gets another place within the step of its offset. */
long aim_victim_delay(struct aim *a)
{
	double jitter = a->step * (double)(draw(a) % 1024) / 1024;

	return (long)((arm_ns(a) + jitter) * a->spins_per_ns);
}

long aim_partner_delay(const struct aim *a)
{
	return (long)(-arm_ns(a) * a->spins_per_ns);
}
