/*
 * The time machine: what would be tried when, if every attempt were deferred.
 */
#ifndef QUEUE_PLAN_H
#define QUEUE_PLAN_H

#include <stdio.h>
#include <time.h>

#include "control.h"

/* Prints the attempts of the next seconds, one a line and in order of time:
 * time, queue id, attempt, what, recipient, separated by tabs.  Changes
 * nothing.  Exit code. */
int	plan_print(const struct control *, time_t seconds, FILE *);

#endif
