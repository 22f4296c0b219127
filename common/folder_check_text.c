/*
 * The small text files: posthouse.keywords and posthouse.acl of each folder; posthouse.uidvalidity, maildirsize and subscriptions of the
 * root.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "acl.h"
#include "file.h"
#include "folder_check_impl.h"
#include "limits.h"

#define TEXT_MAX	(16 * 1048576)

/* 1: read; 0: there is none, or it is no file, which was told; -1. */
static int
read_text(struct check_dir *d, const char *name, struct buf *b)
{
	buf_init(b, TEXT_MAX);
	if (folder_read_text(d->fd, name, b) == 0)
		return 1;
	if (errno != ENOENT)
		return -1;
	if (faccessat(d->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		check_tell(d, name, 0, true,
		    "put the file itself here, or remove this",
		    "this is no file");
	return 0;
}

int
check_keywords(struct check_dir *d)
{
	struct span names[FOLDER_KEYWORDS_MAX], line;
	unsigned n = 0;
	struct cur c;
	struct buf b;
	int r = read_text(d, FOLDER_KEYWORDS, &b);

	cur_init(&c, buf_span(&b));
	while (r == 1 && !cur_end(&c)) {
		size_t at = b.len - cur_left(&c);

		line = cur_until(&c, '\n');
		if (!cur_ch(&c, '\n') || n == FOLDER_KEYWORDS_MAX) {
			check_tell(d, FOLDER_KEYWORDS, n + 1, false,
			    "drop all from here on", n < FOLDER_KEYWORDS_MAX ?
			    "the line has no end" :
			    "there are more than %d keywords",
			    FOLDER_KEYWORDS_MAX);
			if (d->c->repair)
				r = file_replace(d->fd, FOLDER_KEYWORDS, b.p,
				    at, 0600) == -1 ? -1 : 1;
			break;
		}
		for (unsigned i = 0; i < n; i++)
			if (line.len > 0 && span_iseq(names[i], line))
				check_tell(d, FOLDER_KEYWORDS, n + 1, true,
				    "give one of them another name: lines must "
				    "stay where they are",
				    "line %u has the same keyword", i + 1);
		names[n++] = line;
	}
	buf_free(&b);
	return r == -1 ? -1 : 0;
}

/* A list that cannot be understood keeps all others out, which its owner may not see. */
int
check_acl(struct check_dir *d)
{
	const char *why;
	struct acl acl;
	unsigned line;
	struct buf b;
	int r = read_text(d, ACL_FILE, &b);

	acl_init(&acl);
	if (r == 1 && acl_parse(&acl, buf_span(&b), &why, &line) == -1)
		check_tell(d, ACL_FILE, line, true,
		    "correct the line, then run posthouse acl index", "%s", why);
	acl_free(&acl);
	buf_free(&b);
	return r == -1 ? -1 : 0;
}

static bool
subscription_ok(struct span line)
{
	if (line.len > FOLDER_NAME_MAX * 4)
		return false;
	for (size_t i = 0; i < line.len; i++)
		if ((line.p[i] < ' ' && line.p[i] != '\t') || line.p[i] == 0x7f)
			return false;
	return true;
}

int
check_subscriptions(struct check_dir *d)
{
	unsigned n = 0;
	struct cur c;
	struct buf b;
	int r = read_text(d, "subscriptions", &b);

	cur_init(&c, buf_span(&b));
	while (r == 1 && !cur_end(&c)) {
		struct span line = cur_until(&c, '\n');

		n++;
		if (!cur_ch(&c, '\n') || !subscription_ok(line))
			check_tell(d, "subscriptions", n, true,
			    "correct or remove the line",
			    "this is not the name of a folder");
	}
	buf_free(&b);
	return r == -1 ? -1 : 0;
}

int
check_validity(struct check_dir *d, uint32_t validity)
{
	uint64_t last = 0;
	struct cur c;
	struct buf b;
	char text[32];
	int n, r = read_text(d, FOLDER_VALIDITY, &b);
	bool good = false;

	if (validity == UINT32_MAX)	/* the file tells none that has no next */
		validity--;
	cur_init(&c, buf_span(&b));
	if (r == 1)
		good = cur_num(&c, UINT32_MAX - 1, &last) == 0 &&
		    cur_ch(&c, '\n') && cur_end(&c);
	buf_free(&b);
	if (r != 1 || (good && last >= validity))
		return r == -1 ? -1 : 0;
	if (!good)
		check_tell(d, FOLDER_VALIDITY, 1, false, "write it anew",
		    "this is no UIDVALIDITY");
	else
		check_tell(d, FOLDER_VALIDITY, 1, false, "write it anew",
		    "a folder has a larger UIDVALIDITY, %u",
		    (unsigned)validity);
	if (!d->c->repair)
		return 0;
	n = snprintf(text, sizeof(text), "%u\n", (unsigned)validity);
	return file_replace(d->fd, FOLDER_VALIDITY, text, (size_t)n, 0600);
}

/* What maildirsize says: 1, 0 nothing, or -1 with *q unset when it is malformed. */
static int
read_quota(struct check_dir *d, struct quota *q, struct quota_usage *u)
{
	struct buf b;
	int r = read_text(d, QUOTA_FILE, &b);

	if (r == 1 && quota_parse(buf_span(&b), q, u) == -1)
		r = -1;
	buf_free(&b);
	return r;
}

int
check_quota(struct check_dir *d)
{
	struct quota q = d->c->quota, said = { 0 };
	struct quota_usage u, is;
	int r = read_quota(d, &said, &u);

	if (r == 0)
		return 0;
	quota_lower(d->fd, &d->c->owner, &q);
	if (!quota_is_set(&q))
		q = said;
	if (quota_count(d->fd, &is) == -1)
		return -1;
	if (r == 1 && q.bytes == said.bytes && q.messages == said.messages &&
	    u.bytes == is.bytes && u.messages == is.messages)
		return 0;
	if (r == -1)
		check_tell(d, QUOTA_FILE, 0, false, "count anew",
		    "this is no quota file");
	else if (q.bytes != said.bytes || q.messages != said.messages)
		check_tell(d, QUOTA_FILE, 1, false, "count anew",
		    "these are not the account's limits");
	else
		check_tell(d, QUOTA_FILE, 0, false, "count anew", "it says "
		    "%ju bytes in %ju messages; there are %ju in %ju",
		    (uintmax_t)u.bytes, (uintmax_t)u.messages,
		    (uintmax_t)is.bytes, (uintmax_t)is.messages);
	if (!d->c->repair)
		return 0;
	if (!quota_is_set(&q))
		return unlinkat(d->fd, QUOTA_FILE, 0);
	return quota_write(d->fd, &q, NULL, &is);
}
