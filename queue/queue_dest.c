/*
 * Feedback and fairness among destinations.  The limit of parallel jobs begins
 * low, grows by one for each round of successes and shrinks by one for each
 * failure to reach the destination; a destination that cannot be reached at
 * all is left alone for a while, and its messages wait without costing a slot.
 */
#include "queue_dest.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"

#define SLOTS_FIRST	256	/* power of two */
#define LIMIT_FIRST	3	/* or fewer, if its route says so */
#define DEAD_MEMORY	14400	/* seconds that a death counts after its end */

int
dests_init(struct dests *d, const struct control *c)
{
	memset(d, 0, sizeof(*d));
	random_bytes(&d->seed, sizeof(d->seed));
	d->nslots = SLOTS_FIRST;
	d->c = c;
	d->slots = calloc(d->nslots, sizeof(*d->slots));
	return d->slots == NULL ? -1 : 0;
}

uint32_t
dest_hash(const struct dests *d, const char *domain)
{
	uint32_t h = d->seed ^ 2166136261u;

	for (; *domain != '\0'; domain++) {
		h = (h ^ (unsigned char)*domain) * 16777619u;
		h ^= h >> 15;
	}
	return h == 0 ? 1 : h;
}

struct dest *
dest_find(const struct dests *d, uint32_t hash)
{
	struct dest *p = d->slots[hash & (d->nslots - 1)];

	while (p != NULL && p->hash != hash)
		p = p->next;
	return p;
}

static void
slots_grow(struct dests *d)
{
	size_t n = d->nslots * 2;
	struct dest **slots, *p, *next;

	if (d->count < d->nslots || (slots = calloc(n, sizeof(*slots))) == NULL)
		return;		/* slower, not wrong */
	for (size_t i = 0; i < d->nslots; i++)
		for (p = d->slots[i]; p != NULL; p = next) {
			next = p->next;
			p->next = slots[p->hash & (n - 1)];
			slots[p->hash & (n - 1)] = p;
		}
	free(d->slots);
	d->slots = slots;
	d->nslots = n;
}

/* Jobs before anything is known. */
static unsigned
limit_first(const struct dest *p)
{
	return p->jobs < LIMIT_FIRST ? p->jobs : LIMIT_FIRST;
}

void
dests_rules(struct dests *d)
{
	for (size_t i = 0; i < d->nslots; i++)
		for (struct dest *p = d->slots[i]; p != NULL; p = p->next) {
			schedule_for(d->c, p->domain, &p->rule, &p->jobs);
			if (p->limit > p->jobs)
				p->limit = p->jobs;
		}
}

struct dest *
dest_get(struct dests *d, const char *domain)
{
	uint32_t hash = dest_hash(d, domain);
	struct dest *p = d->slots[hash & (d->nslots - 1)];

	while (p != NULL && strcmp(p->domain, domain) != 0)
		p = p->next;
	if (p != NULL)
		return p;
	slots_grow(d);
	if ((p = calloc(1, sizeof(*p))) == NULL ||
	    (p->domain = strdup(domain)) == NULL) {
		free(p);
		return NULL;
	}
	p->hash = hash;
	schedule_for(d->c, domain, &p->rule, &p->jobs);
	p->limit = limit_first(p);
	lanes_init(&p->waiting);
	p->next = d->slots[hash & (d->nslots - 1)];
	d->slots[hash & (d->nslots - 1)] = p;
	d->count++;
	return p;
}

bool
dest_open(const struct dest *p, time_t now)
{
	if (p->dead_until > now)
		return false;
	/* One job finds out whether the dead have risen. */
	return p->inflight < (p->dead_until != 0 ? 1 : p->limit);
}

static void
ring_add(struct dests *d, struct dest *p)
{
	if (d->ring == NULL) {
		d->ring = p->ring_next = p->ring_prev = p;
		return;
	}
	p->ring_next = d->ring;
	p->ring_prev = d->ring->ring_prev;
	p->ring_prev->ring_next = p;
	d->ring->ring_prev = p;
}

static void
ring_remove(struct dests *d, struct dest *p)
{
	if (p->ring_next == p)
		d->ring = NULL;
	else {
		p->ring_prev->ring_next = p->ring_next;
		p->ring_next->ring_prev = p->ring_prev;
		if (d->ring == p)
			d->ring = p->ring_next;
	}
	p->ring_next = p->ring_prev = NULL;
}

void
dest_wait(struct dests *d, struct index *ix, struct dest *p, uint32_t id)
{
	lanes_push(ix, &p->waiting, id);
	if (p->ring_next == NULL)
		ring_add(d, p);
}

uint32_t
dest_take(struct dests *d, struct index *ix, struct dest *p)
{
	uint32_t id = lanes_pop(ix, &p->waiting);

	if (p->waiting.n == 0 && p->ring_next != NULL)
		ring_remove(d, p);
	return id;
}

uint32_t
dest_next(struct dests *d, struct index *ix, time_t now)
{
	struct dest *start = d->ring, *p = start;

	if (p == NULL)
		return ITEM_NONE;
	do {
		if (dest_open(p, now)) {
			d->ring = p->ring_next;
			return dest_take(d, ix, p);
		}
		p = p->ring_next;
	} while (p != start);
	return ITEM_NONE;
}

static void
grow(struct dest *p)
{
	p->deaths = 0;
	p->dead_until = 0;
	if (p->limit == 0)
		p->limit = 1;
	if (++p->successes < p->limit || p->limit >= p->jobs)
		return;
	p->limit++;
	p->successes = 0;
}

void
dest_result(struct dest *p, time_t now, bool unreachable)
{
	p->inflight--;
	if (!unreachable) {
		grow(p);
		return;
	}
	p->successes = 0;
	if (p->limit > 0)
		p->limit--;
	if (p->limit > 0 && p->dead_until == 0)
		return;
	/* Jobs that were under way together are one death. */
	if (p->dead_until <= now)
		p->dead_until = now + (time_t)schedule_wait(&p->rule,
		    ++p->deaths, p->hash, false);
	p->limit = 1;
}

void
dest_revive(struct dest *p)
{
	if (p->dead_until == 0)
		return;
	p->dead_until = 0;
	p->limit = 1;
}

/* Worth keeping: in use, dead, not long risen, or slowed down. */
static bool
is_kept(const struct dest *p, time_t now)
{
	return p->inflight > 0 || p->waiting.n > 0 ||
	    p->dead_until + DEAD_MEMORY > now ||
	    (p->dead_until == 0 && p->limit < limit_first(p));
}

static void
dest_drop(struct dests *d, struct dest **at)
{
	struct dest *p = *at;

	*at = p->next;
	d->count--;
	free(p->domain);
	free(p);
}

void
dest_release(struct dests *d, struct dest *p, time_t now)
{
	struct dest **at = &d->slots[p->hash & (d->nslots - 1)];

	if (is_kept(p, now))
		return;
	while (*at != p)
		at = &(*at)->next;
	dest_drop(d, at);
}

void
dests_sweep(struct dests *d, time_t now)
{
	for (size_t i = 0; i < d->nslots; i++)
		for (struct dest **at = &d->slots[i]; *at != NULL;) {
			/* A shrunken limit is forgotten after a sweep. */
			if ((*at)->dead_until == 0 &&
			    (*at)->limit < limit_first(*at))
				(*at)->limit++;
			if (is_kept(*at, now))
				at = &(*at)->next;
			else
				dest_drop(d, at);
		}
}
