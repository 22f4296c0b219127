/*
 * spool/trigger: a FIFO into which whoever puts a message into the spool writes its
 * name, a line each.
 */
#ifndef QUEUE_TRIGGER_H
#define QUEUE_TRIGGER_H

#include <stdbool.h>

#include "buf.h"

struct trigger {
	int fd;
	struct buf in;		/* the beginning of a line */
};

/* 0, or -1 with errno. */
int	trigger_open(struct trigger *, const char *spool);
/* Gives each whole line that is there to each, without its LF; it may be anything.
 * true: the FIFO was full, and names may have been lost. */
bool	trigger_read(struct trigger *, void (*each)(void *arg, struct span line),
	    void *arg);

#endif
