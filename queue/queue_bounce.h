/*
 * The process that runs the program "bounce", one message at a time.
 */
#ifndef QUEUE_BOUNCE_H
#define QUEUE_BOUNCE_H

#include "control.h"

/*
 * Reads requests on fd in, answers on fd out, until the end of in:
 *
 *	ID NAME DIR KIND	separated by tabs; KIND is fail, delay or done
 *	state lines		of the recipients it is about
 *	.
 *
 * program is bounce's path.  Already queue-user where root.  Returns the exit
 * code.
 */
int	bounce_serve(const struct control *, const char *program, int in,
	    int out);

#endif
