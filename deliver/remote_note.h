/*
 * What was sent, noted where no crash can lose it: spool/sent, posthouse-spool(5).
 */
#ifndef REMOTE_NOTE_H
#define REMOTE_NOTE_H

#include "remote.h"

/* Descriptors 5 (append) and 6 (read) are this run's file. */
void	notes_begin(void);
/* In a worker: it notes, and reads nothing. */
void	notes_worker(void);
/* The other side has taken the message for these n recipients of the job, except those not in
 * accepted: one write, before anybody is answered. */
void	notes_add(const struct remote_job *, const size_t *rcpts,
	    const bool *accepted, size_t n, const struct relay *,
	    const struct verdict *);
/* In the manager, when the worker of the job has died: answers for those recipients that it
 * had noted. */
void	notes_answer(struct remote_job *, struct buf *out);

#endif
