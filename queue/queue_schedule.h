/*
 * When a message is tried again and when it is given up: pure functions of the
 * schedule, the queue id and the number of attempts.
 */
#ifndef QUEUE_SCHEDULE_H
#define QUEUE_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "control.h"

/* What holds for one destination; all in seconds. */
struct schedule {
	unsigned first, max;	/* waits */
	unsigned lifetime;
	unsigned greylist;	/* the first wait behind a greylisting; 0: as any */
};
/* From the settings alone, and with what the route of the domain says otherwise.  *jobs, if
 * not NULL, is how many may be under way to it. */
void	schedule_default(const struct settings *, struct schedule *);
void	schedule_for(const struct control *, const char *domain,
	    struct schedule *, unsigned *jobs);

/* Appends what it means, in words without its jitter: "again after 30m, 45m, ... 4h,
 * then each 4h; given up after 5d". */
void	schedule_print(const struct schedule *, struct buf *out);

/* Does the answer ("4.7.1 [host] 450 ...", as in the state) speak of greylisting?
 * NULL: no. */
bool	schedule_is_greylisting(const char *answer);

/* Seconds to wait after the given number of attempts (from 1).  seed is the queue
 * id's random part: the jitter of one message is always the same. */
unsigned schedule_wait(const struct schedule *, unsigned attempts,
	    uint64_t seed, bool greylisted);
/*
 * The time of the next attempt of a message that arrived then and was tried
 * just now; the last one falls on the end of its lifetime.
 */
time_t	schedule_next(const struct schedule *, time_t arrival, time_t now,
	    unsigned attempts, uint64_t seed, bool greylisted);
/* Is an attempt that was made now the last one? */
bool	schedule_expired(const struct schedule *, time_t arrival, time_t now);
/* Should the sender be told now that the message is late?  Asked once the
 * attempt has been deferred; warned: he has been told. */
bool	schedule_warn(const struct settings *, time_t arrival, time_t now,
	    bool warned);

#endif
