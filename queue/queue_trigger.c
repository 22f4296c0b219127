/*
 * Reads the trigger.  Sessions, sendmail and administrators write to it, so that
 * nothing is believed of what comes: it is lines, and what is too long for a name
 * is thrown away.
 */
#include "queue_trigger.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "spool.h"

#define CHUNK		65536	/* what a FIFO holds */

/* Open for writing too, so that it never comes to its end. */
int
trigger_open(struct trigger *t, const char *spool)
{
	int at = open(spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	buf_init(&t->in, CHUNK + SPOOL_NAME_MAX);
	if (at == -1)
		return -1;
	t->fd = openat(at, "trigger",
	    O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	close(at);
	if (t->fd != -1 && (fstat(t->fd, &st) == -1 || !S_ISFIFO(st.st_mode))) {
		close(t->fd);
		t->fd = -1;
		errno = EINVAL;
	}
	return t->fd == -1 ? -1 : 0;
}

bool
trigger_read(struct trigger *t, void (*each)(void *arg, struct span line),
    void *arg)
{
	struct buf *b = &t->in;
	unsigned char *p;
	struct span line;
	struct cur c;
	size_t whole = 0;
	ssize_t n;

	if (b->len >= SPOOL_NAME_MAX)
		buf_clear(b);		/* not a line of ours */
	if ((p = buf_room(b, CHUNK)) == NULL) {
		buf_clear(b);
		return false;
	}
	if ((n = read(t->fd, p, CHUNK)) <= 0)
		return false;
	b->len += (size_t)n;
	cur_init(&c, buf_span(b));
	for (;;) {
		line = cur_until(&c, '\n');
		if (!cur_ch(&c, '\n'))
			break;
		whole += line.len + 1;
		each(arg, line);
	}
	buf_drop(b, whole);
	return n > CHUNK - 4096;
}
