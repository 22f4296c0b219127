/*
 * Reading messages.  Small ones are read into memory that is used again for
 * the next, large ones are mapped.  Messages never change once they are in a
 * Maildir; a file that someone truncates while it is mapped ends this one
 * session.
 */
#include "message.h"

#include <sys/mman.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ex.h"
#include "limits.h"
#include "log.h"

#define MAP_MIN	(256 * 1024)	/* below, read(2) is cheaper than page faults */
#define HEAD	(8 * 1024)	/* most headers fit */
#ifndef MAP_POPULATE
#define MAP_POPULATE 0		/* Linux: all pages at once, for all are looked at */
#endif

void
message_init(struct message *m, struct folder *f)
{
	memset(m, 0, sizeof(*m));
	m->folder = f;
	m->fd = -1;
}

void
message_end(struct message *m)
{
	if (m->has == NEED_TREE)
		mime_free(&m->tree);
	if (m->map != NULL)
		munmap(m->map, m->map_len);
	if (m->fd != -1)
		close(m->fd);
	m->map = NULL;
	m->fd = -1;
	m->has = NEED_NOTHING;
	m->text = span_of(NULL, 0);
	m->size = 0;
}

void
message_free(struct message *m)
{
	message_end(m);
	free(m->mem);
	m->mem = NULL;
	m->cap = 0;
}

void
message_begin(struct message *m, size_t i)
{
	message_end(m);
	m->i = i;
}

static int
open_it(struct message *m)
{
	if (m->fd == -1)
		m->fd = folder_open_sized(m->folder, m->i, &m->size);
	return m->fd == -1 ? -1 : 0;
}

/* Reads on until n bytes are there, or the end. */
static int
read_upto(struct message *m, size_t n)
{
	unsigned char *p;
	size_t have = m->text.len;
	ssize_t r;

	if (n > m->size)
		n = m->size;
	if (n > m->cap) {
		if ((p = realloc(m->mem, n)) == NULL)
			log_die(EX_TEMPFAIL, "out of memory");
		m->mem = p;
		m->cap = n;
	}
	while (have < n) {
		r = read(m->fd, m->mem + have, n - have);
		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1)
			return -1;
		if (r == 0)
			m->size = n = have;	/* shorter than it was */
		have += (size_t)r;
	}
	m->text = span_of(m->mem, have);
	return 0;
}

static int
need_header(struct message *m)
{
	size_t n = HEAD;

	do {
		if (read_upto(m, n) == -1)
			return -1;
		n *= 4;
	} while (m->text.len < m->size && m->text.len < HEADER_MAX &&
	    header_length(m->text) == m->text.len);
	m->has = m->text.len == m->size ? NEED_WHOLE : NEED_HEADER;
	return 0;
}

static int
need_whole(struct message *m)
{
	if (m->size < MAP_MIN) {
		if (read_upto(m, m->size) == -1)
			return -1;
	} else {
		m->map = mmap(NULL, m->size, PROT_READ,
		    MAP_PRIVATE | MAP_POPULATE, m->fd, 0);
		if (m->map == MAP_FAILED) {
			m->map = NULL;
			return -1;
		}
		m->map_len = m->size;
		m->text = span_of(m->map, m->size);
	}
	m->has = NEED_WHOLE;
	return 0;
}

int
message_need(struct message *m, enum message_need need)
{
	if (need <= m->has)
		return 0;
	if (open_it(m) == -1)
		return -1;
	if (need == NEED_HEADER)
		return need_header(m);
	if (m->has < NEED_WHOLE && need_whole(m) == -1)
		return -1;
	if (need == NEED_TREE) {
		if (mime_parse(m->text, &m->tree) == -1)
			log_die(EX_TEMPFAIL, "out of memory");
		m->has = NEED_TREE;
	}
	return 0;
}

struct span
message_header(const struct message *m)
{
	return m->has == NEED_TREE ? mime_header(&m->tree, m->tree.parts) :
	    m->text;
}
