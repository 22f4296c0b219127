/*
 * The retry schedule: retry-first, then half as long again each time, up to
 * retry-max, with up to an eighth of jitter so that what failed together is
 * not tried together.  No I/O, no clock: six days can be computed in a test.
 */
#include "queue_schedule.h"

#include <string.h>

#define GREYLIST_ATTEMPTS 4	/* then it was no greylisting */
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

void
schedule_default(const struct settings *s, struct schedule *out)
{
	out->first = s->retry_first;
	out->max = s->retry_max;
	out->lifetime = s->queue_lifetime;
	out->greylist = s->greylist_retry;
}

void
schedule_for(const struct control *c, const char *domain,
    struct schedule *out, unsigned *jobs)
{
	struct route r;

	schedule_default(&c->set, out);
	(void)route_find(c, domain, &r);
	if (r.retry_first != 0)
		out->first = r.retry_first;
	if (r.retry_max != 0)
		out->max = r.retry_max;
	if (out->max < out->first && r.retry_first != 0)
		out->max = out->first;
	if (r.lifetime != 0)
		out->lifetime = r.lifetime;
	if (jobs != NULL)
		*jobs = r.jobs != 0 ? r.jobs : c->set.destination_jobs;
}

/* "450 " or "451 ", where another server's reply begins: behind "[host] ". */
static bool
is_450(struct cur c)
{
	if (cur_ch(&c, '[')) {
		(void)cur_until(&c, ' ');
		(void)cur_ch(&c, ' ');
	}
	return cur_word(&c, "450 ") || cur_word(&c, "451 ");
}

bool
schedule_is_greylisting(const char *answer)
{
	static const char *const words[] = { "greylist", "graylist",
		"grey-list", "gray-list", "grey list", "gray list" };
	struct span dsn;
	struct cur c;

	if (answer == NULL || answer[0] != '4')
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasestr(answer, words[i]) != NULL)
			return true;
	/* Those that do not say it: "try again later" by policy. */
	cur_init(&c, span_str(answer));
	dsn = cur_until(&c, ' ');
	(void)cur_ch(&c, ' ');
	return span_is(dsn, "4.7.1") && is_450(c);
}

/* Half as long again for each attempt before, up to the maximum. */
static uint64_t
grown(uint64_t wait, unsigned attempts, uint64_t max)
{
	for (unsigned i = 1; i < attempts && i < ATTEMPTS_MAX && wait < max;
	    i++)
		wait += (wait + 1) / 2;
	return wait > max ? max : wait;
}

unsigned
schedule_wait(const struct schedule *s, unsigned attempts, uint64_t seed,
    bool greylisted)
{
	uint64_t wait = grown(s->first, attempts, s->max), spread, quick;

	if (greylisted && s->greylist > 0 && attempts <= GREYLIST_ATTEMPTS) {
		quick = grown(s->greylist, attempts, s->max);
		wait = quick < wait ? quick : wait;
	}
	spread = wait / 8 * jitter(seed, attempts) / 1024;
	/* At the maximum the jitter shortens, for it is a promise. */
	if (wait + spread > s->max && wait > s->first)
		return (unsigned)(wait - spread);
	return (unsigned)(wait + spread);
}

time_t
schedule_next(const struct schedule *s, time_t arrival, time_t now,
    unsigned attempts, uint64_t seed, bool greylisted)
{
	time_t next = now + (time_t)schedule_wait(s, attempts, seed,
	    greylisted);
	time_t end = arrival + (time_t)s->lifetime;

	return next > end && end > now ? end : next;
}

bool
schedule_expired(const struct schedule *s, time_t arrival, time_t now)
{
	return now - arrival >= (time_t)s->lifetime;
}

bool
schedule_warn(const struct settings *s, time_t arrival, time_t now,
    bool warned)
{
	return !warned && s->delay_warning > 0 &&
	    now - arrival >= (time_t)s->delay_warning;
}

/* The two units that say it best: "1h7m", "5d". */
static void
print_span(unsigned seconds, struct buf *out)
{
	static const struct { unsigned size; char name; } units[] = {
		{ 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	size_t i = 0, n = sizeof(units) / sizeof(units[0]);
	unsigned rest;

	while (i + 1 < n && seconds < units[i].size)
		i++;
	buf_addf(out, "%u%c", seconds / units[i].size, units[i].name);
	rest = i + 1 < n ? seconds % units[i].size / units[i + 1].size : 0;
	if (rest > 0)
		buf_addf(out, "%u%c", rest, units[i + 1].name);
}

void
schedule_print(const struct schedule *s, struct buf *out)
{
	uint64_t wait;
	unsigned i = 0;

	buf_adds(out, "again after ");
	do {
		wait = grown(s->first, ++i, s->max);
		buf_adds(out, i > 1 ? ", " : "");
		print_span((unsigned)wait, out);
	} while (wait < s->max && i < ATTEMPTS_MAX);
	buf_adds(out, ", then each ");
	print_span(s->max, out);
	if (s->greylist > 0) {
		buf_adds(out, " (greylisted: first after ");
		print_span(s->greylist, out);
		buf_addc(out, ')');
	}
	buf_adds(out, "; given up after ");
	print_span(s->lifetime, out);
}
