/*
 * Keywords of others' Maildirs, by message: letters in names, whose meaning posthouse.keywords or dovecot-keywords has;
 * or Courier's list of names and of messages.  Trusts nothing in them: what is no keyword or no line is left out.
 */
#include "folder_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "folder_import.h"
#include "folder_impl.h"

struct source_owner {
	struct span unique;
	uint64_t keywords;
};

/* flag-keyword = atom: RFC 9051 section 9. */
static bool
is_keyword(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' ||
		    strchr("(){%*\"\\]", s.p[i]) != NULL)
			return false;
	return s.len > 0;
}

bool
folder_source_ok(const char *name)
{
	return is_keyword(span_str(name));
}

static int
add_name(struct folder_source *f, size_t i, struct span name)
{
	if (i >= FOLDER_SOURCE_MAX || !is_keyword(name))
		return 0;
	return (f->name[i] = span_dup(name)) == NULL ? -1 : 0;
}

/* Line n is the name of letter n. */
static int
take_letters(struct folder_source *f)
{
	struct cur c;
	int r = 0;

	cur_init(&c, buf_span(&f->names));
	for (size_t i = 0; r == 0 && i < FOLDER_LETTERS && !cur_end(&c); i++) {
		r = add_name(f, i, cur_until(&c, '\n'));
		(void)cur_ch(&c, '\n');
	}
	return r;
}

static int
by_unique(const void *a, const void *b)
{
	const struct source_owner *x = a, *y = b;
	size_t n = x->unique.len < y->unique.len ? x->unique.len :
	    y->unique.len;
	int r = memcmp(x->unique.p, y->unique.p, n);

	return r != 0 ? r : (x->unique.len > y->unique.len) -
	    (x->unique.len < y->unique.len);
}

/* "NAME:0 3": the numbers of names. */
static int
add_owner(struct folder_source *f, struct cur *c)
{
	struct source_owner o = { .keywords = 0 }, *p;
	struct maildir_name name;
	uint64_t k;

	maildir_name_parse(cur_until(c, ':'), &name);
	o.unique = name.unique;
	(void)cur_ch(c, ':');
	while (cur_num(c, FOLDER_SOURCE_MAX - 1, &k) == 0) {
		o.keywords |= UINT64_C(1) << k;
		while (cur_ch(c, ' '))
			continue;
	}
	if (f->nowners % 1024 == 0) {
		p = reallocarray(f->owners, f->nowners + 1024, sizeof(*p));
		if (p == NULL)
			return -1;
		f->owners = p;
	}
	f->owners[f->nowners++] = o;
	return 0;
}

/* Names, an empty line, and messages: as folder_courier_keywords gives it. */
static int
take_courier(struct folder_source *f)
{
	struct cur all, c;
	size_t i = 0;
	int r = 0;

	cur_init(&all, buf_span(&f->text));
	while (r == 0 && !cur_end(&all)) {
		struct span name = cur_until(&all, '\n');

		(void)cur_ch(&all, '\n');
		if (name.len == 0)
			break;
		r = add_name(f, i++, name);
	}
	while (r == 0 && !cur_end(&all)) {
		cur_init(&c, cur_until(&all, '\n'));
		(void)cur_ch(&all, '\n');
		r = add_owner(f, &c);
	}
	if (f->nowners > 0)
		qsort(f->owners, f->nowners, sizeof(*f->owners), by_unique);
	return r;
}

int
folder_source_open(struct folder_source *f, int dirfd)
{
	memset(f, 0, sizeof(*f));
	buf_init(&f->text, IMPORT_MAX);
	buf_init(&f->names, IMPORT_MAX);
	if (file_read(dirfd, FOLDER_KEYWORDS, &f->names) == 0)
		return take_letters(f);
	if (file_read(dirfd, "dovecot-keywords", &f->text) == 0)
		return import_dovecot_keywords(buf_span(&f->text),
		    &f->names) == -1 ? -1 : take_letters(f);
	buf_clear(&f->text);
	if (folder_courier_keywords(dirfd, &f->text) == 0)
		return take_courier(f);
	return errno == ENOMEM ? -1 : 0;
}

void
folder_source_free(struct folder_source *f)
{
	for (size_t i = 0; i < FOLDER_SOURCE_MAX; i++)
		free(f->name[i]);
	free(f->owners);
	buf_free(&f->text);
	buf_free(&f->names);
}

size_t
folder_source_of(const struct folder_source *f, const struct maildir_name *n,
    const char *out[FOLDER_SOURCE_MAX])
{
	struct source_owner key = { .unique = n->unique }, *o = NULL;
	uint64_t bits = n->letters;
	size_t found = 0;

	if (f->nowners > 0)
		o = bsearch(&key, f->owners, f->nowners, sizeof(*o), by_unique);
	if (f->owners != NULL)
		bits = o == NULL ? 0 : o->keywords;
	for (size_t i = 0; i < FOLDER_SOURCE_MAX; i++)
		if ((bits >> i & 1) != 0 && f->name[i] != NULL)
			out[found++] = f->name[i];
	return found;
}
