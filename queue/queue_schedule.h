/*
 * When a message is tried again and when it is given up: pure functions of the
 * settings, the queue id and the number of attempts.
 */
#ifndef QUEUE_SCHEDULE_H
#define QUEUE_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "settings.h"

/* Seconds to wait after the given number of attempts (from 1).  seed is the queue
 * id's random part: the jitter of one message is always the same. */
unsigned schedule_wait(const struct settings *, unsigned attempts,
	    uint64_t seed);
/*
 * The time of the next attempt of a message that arrived then and was tried
 * just now; the last one falls on the end of its lifetime.
 */
time_t	schedule_next(const struct settings *, time_t arrival, time_t now,
	    unsigned attempts, uint64_t seed);
/* Is an attempt that was made now the last one? */
bool	schedule_expired(const struct settings *, time_t arrival, time_t now);
/* Should the sender be told now that the message is late?  Asked once the
 * attempt has been deferred; warned: he has been told. */
bool	schedule_warn(const struct settings *, time_t arrival, time_t now,
	    bool warned);

#endif
