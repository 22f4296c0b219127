/*
 * Destinations: how many jobs each may have at once, and which are dead.  One
 * domain is one destination.  Exists only while something is sent to it, waits
 * for it, or it is dead: the table is as small as the present traffic.
 */
#ifndef QUEUE_DEST_H
#define QUEUE_DEST_H

#include "queue_lanes.h"
#include "queue_schedule.h"

struct dest {
	char *domain;
	uint32_t hash;
	unsigned inflight;	/* jobs */
	unsigned limit;		/* of them, now */
	unsigned successes;	/* since the limit last grew */
	unsigned deaths;	/* in a row */
	time_t dead_until;	/* 0: alive */
	struct lanes waiting;
	struct schedule rule;	/* of its route */
	unsigned jobs;		/* the most at once */
	struct dest *next;	/* in its slot */
	struct dest *ring_next, *ring_prev;	/* those with waiting messages */
};

struct dests {
	struct dest **slots;
	size_t nslots, count;
	struct dest *ring;	/* whose turn it is next */
	const struct control *c;
	uint32_t seed;		/* nobody can choose a domain with another's hash */
};

int	dests_init(struct dests *, const struct control *);
uint32_t dest_hash(const struct dests *, const char *domain);	/* never 0 */
/* Finds or makes it. NULL: no memory. */
struct dest *dest_get(struct dests *, const char *domain);
/* The one with that hash, or NULL: then it is alive and idle. */
struct dest *dest_find(const struct dests *, uint32_t hash);
/* May a job be sent to it now? */
bool	dest_open(const struct dest *, time_t now);
/* Puts a message at the end of those that wait for it. */
void	dest_wait(struct dests *, struct index *, struct dest *, uint32_t id);
/* The next message that can go, fair among destinations; ITEM_NONE: none. */
uint32_t dest_next(struct dests *, struct index *, time_t now);
/* Takes one message that waits for a dead destination; ITEM_NONE: none is left. */
uint32_t dest_take(struct dests *, struct index *, struct dest *);
/*
 * A job has ended.  unreachable: no word was exchanged with the destination:
 * the limit shrinks, and at its end the destination is dead for a time that
 * grows.  Anything else is success and lets the limit grow.
 */
void	dest_result(struct dest *, time_t now, bool unreachable);
/* The control files have changed. */
void	dests_rules(struct dests *);
/* The administrator wants it tried. */
void	dest_revive(struct dest *);
/* Forgets it when nothing is known of it that matters. */
void	dest_release(struct dests *, struct dest *, time_t now);
/* The same for all: now and then, for those that died and were left alone. */
void	dests_sweep(struct dests *, time_t now);

#endif
