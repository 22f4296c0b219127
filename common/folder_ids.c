/*
 * Object ids (RFC 8474).  A message's is made of the unique part of the name that it got first; a copy, which needs a
 * unique part of its own, carries it along in the field E= of its name.  So it goes wherever the file goes,
 * by whatever program.  A folder's stands in its uid list.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fmt.h"
#include "folder_impl.h"

static uint64_t
mix(uint64_t h, unsigned char c)
{
	return (h ^ c) * 0x100000001b3ULL;	/* FNV-1a */
}

static bool
is_id(struct span s)
{
	if (s.len != FOLDER_EMAIL_ID)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!(s.p[i] >= '0' && s.p[i] <= '9') &&
		    !(s.p[i] >= 'a' && s.p[i] <= 'f'))
			return false;
	return true;
}

void
folder_id_make(struct span text, char out[FOLDER_EMAIL_ID + 1])
{
	uint64_t a = 0xcbf29ce484222325ULL, b = a;

	for (size_t i = 0; i < text.len; i++) {
		a = mix(a, text.p[i]);
		b = mix(b, text.p[text.len - 1 - i]);
	}
	snprintf(out, FOLDER_EMAIL_ID + 1, "%016jx%08jx", (uintmax_t)a,
	    (uintmax_t)(b >> 32));
}

void
folder_id_of(struct span base, size_t unique, char out[FOLDER_EMAIL_ID + 1])
{
	struct cur c;

	cur_init(&c, span_of(base.p + unique,
	    unique <= base.len ? base.len - unique : 0));
	while (cur_ch(&c, ',')) {
		struct span field = cur_until(&c, ',');

		if (field.len > 2 && memcmp(field.p, "E=", 2) == 0 &&
		    is_id(span_of(field.p + 2, field.len - 2))) {
			memcpy(out, field.p + 2, FOLDER_EMAIL_ID);
			out[FOLDER_EMAIL_ID] = '\0';
			return;
		}
	}
	folder_id_make(span_of(base.p, unique <= base.len ? unique : 0), out);
}

int
folder_email_id(const struct folder *f, size_t i, char out[FOLDER_ID_SIZE])
{
	const struct msg *m;

	if (i >= f->count) {
		errno = ENOENT;
		return -1;
	}
	m = msg_at(f, i);
	out[0] = 'M';
	folder_id_of(msg_base(f, m), m->unique, out + 1);
	return 0;
}

/* A list that is older than ids, or was taken over, has none: its UIDVALIDITY then tells it apart. */
void
folder_id(const struct folder *f, char out[FOLDER_ID_SIZE])
{
	if (f->head.id[0] != '\0')
		fmt_print(out, FOLDER_ID_SIZE, "F%s", f->head.id);
	else
		fmt_print(out, FOLDER_ID_SIZE, "F%u", (unsigned)f->validity);
}

int
folder_peek_id(const char *dir, char out[FOLDER_ID_SIZE])
{
	struct uidlist_header head;
	char path[4096], text[256];
	struct cur c;
	ssize_t n = -1;
	int fd;

	if (snprintf(path, sizeof(path), "%s/" FOLDER_UIDS, dir) >=
	    (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd != -1) {
		n = read(fd, text, sizeof(text));
		close(fd);
	}
	cur_init(&c, span_of(text, n > 0 ? (size_t)n : 0));
	if (n == -1 || uidlist_header_parse(&c, &head) == -1)
		return -1;
	if (head.id[0] != '\0')
		fmt_print(out, FOLDER_ID_SIZE, "F%s", head.id);
	else
		fmt_print(out, FOLDER_ID_SIZE, "F%u", (unsigned)head.validity);
	return 0;
}
