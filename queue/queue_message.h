/*
 * One message being worked on: its envelope, its recipients as they are after
 * aliases, and what is on disk of it.
 */
#ifndef QUEUE_MESSAGE_H
#define QUEUE_MESSAGE_H

#include "control.h"
#include "queue_schedule.h"
#include "queue_state.h"
#include "spool.h"

/* The spool's directories, open for reading and listing. */
struct dirs { int tmp, new, cur, state, hold, sent; };

struct message {
	uint32_t item;		/* in the index */
	struct spool_name name;
	bool cur;		/* where the file is */
	bool has_state;		/* a state file was read */
	bool behind;		/* the envelope stands behind the content */
	bool noted;		/* the state has the envelope: the file may lose it */
	bool given;		/* the state alone tells the recipients: the file has lost them, or is its owner's */
	bool partial;		/* some recipient is done: the state must last */
	bool dirty;		/* the state on disk is behind */
	unsigned told;		/* reports asked for in this round: queue_report.h */
	struct envelope env;
	struct rcpts rcpts;
	unsigned pending;	/* answers that are to come */
	time_t mtime;		/* of the file, when asked for */
	struct message *next;	/* in a list of its owner */
};

/* Opens and reads the head of the spool file, and the state file when state
 * is set.  with_mtime: mtime is set too.  0; -1 with errno: ENOENT; EBADMSG when the
 * envelope is malformed; others. */
int	message_load(struct message *, const struct dirs *,
	    const struct spool_name *, bool cur, bool state, bool with_mtime);
void	message_free(struct message *);

/*
 * Decides where each recipient goes and replaces aliases by their targets
 * (index "3.1", or "3.0" where there is one target), each address once: all of them in *out, which the caller frees.
 * What goes nowhere is set to failed with its answer.  unknown: some local address
 * was not found (the caller may refresh its control files and ask again).  0,
 * or -1 no memory.
 */
int	message_route(const struct message *, const struct control *,
	    struct rcpts *out, bool *unknown);
/* Does its sender want to be told when this recipient is done?  RFC 3461. */
bool	message_wants_success(const struct message *, const char *index);
/* The schedule that holds for a recipient. */
void	schedule_of(const struct control *, const struct rcpt *,
	    struct schedule *);
/* Where a remote recipient goes.  Canonical addresses have it in lower case. */
const char *address_domain(const char *address);

#endif
