/*
 * Taking over a maildrop: once, at the first UIDL.  Later lines of the other server are not ours to follow, and
 * its lists are never changed.
 */
#include "takeover.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "file.h"
#include "header.h"
#include "limits.h"
#include "log.h"
#include "uidl.h"
#include "uidl_import.h"

#define HEAD	65536		/* of a message: where its X-UIDL stands, or not at all */

static void
add(void *arg, struct span unique, struct span uidl)
{
	struct names *n = arg;

	(void)names_add(n, uidl, unique);
}

static void
take_field(struct names *n, struct folder *f, size_t i)
{
	static unsigned char head[HEAD];
	struct header_field field;
	struct span uidl;
	ssize_t r;
	int fd = folder_open_message(f, i);

	if (fd == -1)
		return;
	r = read(fd, head, sizeof(head));
	close(fd);
	if (r > 0 && header_find(span_of(head, (size_t)r), "X-UIDL", &field)) {
		uidl = header_trim(field.body);
		if (uidl_ok(uidl))
			add(n, folder_unique(f, i), uidl);
	}
}

/* 1 it was there, 0 not, or of no use. */
static int
read_list(int dirfd, const char *file, struct buf *text)
{
	int fd = openat(dirfd, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int r;

	if (fd == -1)
		return 0;
	buf_init(text, POP3_NAMES_MAX);
	r = file_read_all(fd, text);
	close(fd);
	if (r == 0)
		return 1;
	log_warn_errno("%s", file);
	buf_free(text);
	return 0;
}

static bool
take_lists(struct names *n, int dirfd, const struct settings *set)
{
	struct buf text;
	bool any = false;

	if (read_list(dirfd, "dovecot-uidlist", &text) == 1) {
		any = uidl_import_dovecot(buf_span(&text),
		    span_str(set->dovecot_uidl), add, n) == 0;
		buf_free(&text);
	}
	if (read_list(dirfd, "courierpop3dsizelist", &text) == 1) {
		any = uidl_import_courier(buf_span(&text), add, n) == 0 || any;
		buf_free(&text);
	}
	return any;
}

/* The first line for a message counts: its own field, Dovecot, Courier. */
static void
take_over(struct names *n, int dirfd, struct folder *f,
    const struct settings *set)
{
	bool any = set->reuse_xuidl;

	for (size_t i = 0; set->reuse_xuidl && i < folder_count(f); i++)
		take_field(n, f, i);
	any = take_lists(n, dirfd, set) || any;
	if (!any)
		return;
	if (names_index(n) == -1 || names_write(n, dirfd) == -1)
		log_warn_errno(TAKEOVER_FILE);
}

void
takeover_load(struct names *n, int dirfd, struct folder *f,
    const struct settings *set)
{
	int r;

	names_init(n, TAKEOVER_FILE, "posthouse-uidl");
	if ((r = names_read(n, dirfd)) == -1)
		log_warn_errno(TAKEOVER_FILE);
	else if (r == 0)
		take_over(n, dirfd, f, set);
}
