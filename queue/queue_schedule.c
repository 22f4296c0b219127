/*
 * The retry schedule: retry-first, then half as long again each time, up to
 * retry-max, with up to an eighth of jitter so that what failed together is
 * not tried together.  No I/O, no clock: six days can be computed in a test.
 */
#include "queue_schedule.h"

#define ATTEMPTS_MAX	64	/* far beyond where the wait has reached its maximum */

/* Fraction 0..1023 from the queue id and the attempt (splitmix64's finish). */
static unsigned
jitter(uint64_t seed, unsigned attempts)
{
	uint64_t z = seed + attempts * 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return (unsigned)((z ^ (z >> 31)) >> 54);
}

unsigned
schedule_wait(const struct settings *s, unsigned attempts, uint64_t seed)
{
	uint64_t wait = s->retry_first, spread;

	for (unsigned i = 1; i < attempts && i < ATTEMPTS_MAX &&
	    wait < s->retry_max; i++)
		wait += (wait + 1) / 2;
	if (wait > s->retry_max)
		wait = s->retry_max;
	spread = wait / 8 * jitter(seed, attempts) / 1024;
	/* At the maximum the jitter shortens, for it is a promise. */
	if (wait + spread > s->retry_max && wait > s->retry_first)
		return (unsigned)(wait - spread);
	return (unsigned)(wait + spread);
}

time_t
schedule_next(const struct settings *s, time_t arrival, time_t now,
    unsigned attempts, uint64_t seed)
{
	time_t next = now + (time_t)schedule_wait(s, attempts, seed);
	time_t end = arrival + (time_t)s->queue_lifetime;

	return next > end && end > now ? end : next;
}

bool
schedule_expired(const struct settings *s, time_t arrival, time_t now)
{
	return now - arrival >= (time_t)s->queue_lifetime;
}

bool
schedule_warn(const struct settings *s, time_t arrival, time_t now,
    bool warned)
{
	return !warned && s->delay_warning > 0 &&
	    now - arrival >= (time_t)s->delay_warning;
}
