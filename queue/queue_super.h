/*
 * The supervisor: starts the scheduler and the workers, and all of them again
 * when one ends.
 */
#ifndef QUEUE_SUPER_H
#define QUEUE_SUPER_H

#include "control.h"

struct super {
	struct control *c;
	bool once;		/* one pass, then exit */
	bool stamp, syslog;	/* for the workers' logs */
};
/* Returns the exit code when told to stop (SIGTERM, SIGINT) or, once, when the
 * pass is over. */
int	super_run(struct super *);
/* Makes the spool's directories and the trigger where they are missing, with
 * the owners that the settings name.  0, or -1 with errno. */
int	spool_make(const struct settings *);

#endif
