/*
 * Adding lines to a uid list, under the folder's lock.  What a writer that died left half is cut; a
 * list that is not one is put aside, and a new UIDVALIDITY tells clients to forget what they know.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "folder_uids.h"
#include "log.h"

#define TAIL	65536		/* bytes at the end that surely hold a whole line */

static int
uids_create(int dirfd)
{
	struct uidlist_header h = { 0, 1 };
	struct buf b;
	int r;

	if (folder_new_validity(dirfd, &h.validity) == -1)
		return -1;
	buf_init(&b, 128);
	r = uidlist_print_header(&b, &h);
	if (r == 0)
		r = file_replace(dirfd, FOLDER_UIDS, b.p, b.len, 0600);
	buf_free(&b);
	return r;
}

/* The bytes from..end of fd into b. */
static int
read_part(int fd, off_t from, off_t end, struct buf *b)
{
	while (from < end) {
		size_t want = (size_t)(end - from);
		unsigned char *p = buf_room(b, want);
		ssize_t r;

		if (p == NULL)
			return -1;
		if ((r = pread(fd, p, want, from)) == -1 && errno == EINTR)
			continue;
		if (r <= 0) {
			errno = r == 0 ? ESTALE : errno;
			return -1;
		}
		b->len += (size_t)r;
		from += r;
	}
	return 0;
}

/* Cuts what follows the last line end. */
static int
cut_half_line(struct uids_out *o, const struct buf *tail)
{
	const unsigned char *lf = memrchr(tail->p, '\n', tail->len);
	size_t whole = lf == NULL ? 0 : (size_t)(lf - tail->p) + 1;

	if (whole == tail->len)
		return 0;
	if (lf == NULL) {		/* a line of TAIL bytes is none of ours */
		errno = EINVAL;
		return -1;
	}
	o->end -= (off_t)(tail->len - whole);
	return ftruncate(o->fd, o->end);
}

/* Raises h.next above the UIDs of the lines in tail; at: whether it begins inside a line. */
static void
find_next(struct uids_out *o, const struct buf *tail, bool inside)
{
	struct uidlist_line line;
	enum uidlist_kind kind;
	struct cur c;

	cur_init(&c, buf_span(tail));
	if (inside) {
		cur_until(&c, '\n');
		cur_ch(&c, '\n');
	}
	while ((kind = uidlist_next(&c, &line)) != UIDLIST_END &&
	    kind != UIDLIST_PARTIAL)
		if (kind == UIDLIST_MESSAGE && line.uid >= o->h.next)
			o->h.next = line.uid + 1;
}

static int
read_header(struct uids_out *o)
{
	unsigned char head[128];
	struct cur c;
	ssize_t r = pread(o->fd, head, sizeof(head), 0);

	if (r == -1)
		return -1;
	cur_init(&c, span_of(head, (size_t)r));
	return uidlist_header_parse(&c, &o->h);
}

static int
open_list(struct uids_out *o)
{
	struct stat st;
	struct buf tail;
	off_t from;
	int r;

	o->fd = openat(o->dirfd, FOLDER_UIDS,
	    O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
	if (o->fd == -1 || fstat(o->fd, &st) == -1 || read_header(o) == -1)
		return -1;
	o->ino = st.st_ino;
	o->end = st.st_size;
	from = o->end > TAIL ? o->end - TAIL : 0;
	buf_init(&tail, TAIL + 1);
	r = read_part(o->fd, from, o->end, &tail);
	if (r == 0)
		r = cut_half_line(o, &tail);
	if (r == 0)
		find_next(o, &tail, from > 0);
	buf_free(&tail);
	return r;
}

/* Not a uid list, though nothing of ours leaves it half: keep it for the administrator to look at. */
static int
put_aside(struct uids_out *o)
{
	log_warn("%s is damaged: put aside as %s.bad, all UIDs are new",
	    FOLDER_UIDS, FOLDER_UIDS);
	return renameat(o->dirfd, FOLDER_UIDS, o->dirfd, FOLDER_UIDS ".bad");
}

int
uids_begin(struct uids_out *o, int dirfd)
{
	int e;

	memset(o, 0, sizeof(*o));
	o->dirfd = dirfd;
	o->fd = -1;
	buf_init(&o->text, FOLDER_UIDS_MAX);
	if ((o->lock = folder_lock(dirfd, true)) == -1)
		return -1;
	for (int tries = 0; tries < 3; tries++) {
		if (open_list(o) == 0)
			return 0;
		e = errno;
		if (o->fd != -1)
			close(o->fd);
		o->fd = -1;
		errno = e;
		if (e != ENOENT && (e != EINVAL || put_aside(o) == -1))
			break;
		if (uids_create(dirfd) == -1)
			break;
	}
	uids_abort(o);
	return -1;
}

int
uids_add(struct uids_out *o, struct span unique, uint32_t *uid)
{
	if (o->h.next == UINT32_MAX) {
		errno = EOVERFLOW;
		return -1;
	}
	if (uidlist_print_message(&o->text, o->h.next, unique) == -1)
		return -1;
	*uid = o->h.next++;
	return 0;
}

int
uids_commit(struct uids_out *o)
{
	int r = 0, e;

	if (o->text.len > 0) {
		r = file_write_all(o->fd, o->text.p, o->text.len);
		if (r == 0)
			r = fdatasync(o->fd);
		e = errno;
		if (r == -1 && ftruncate(o->fd, o->end) == -1)
			log_warn_errno("%s: cutting back", FOLDER_UIDS);
		errno = e;
		if (r == 0)
			o->end += (off_t)o->text.len;
	}
	uids_abort(o);
	return r;
}

void
uids_abort(struct uids_out *o)
{
	int e = errno;

	buf_free(&o->text);
	if (o->fd != -1)
		close(o->fd);
	if (o->lock != -1)
		close(o->lock);
	o->fd = o->lock = -1;
	errno = e;
}
