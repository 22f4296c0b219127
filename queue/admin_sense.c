/*
 * What the control files mean together: lines that can never be reached,
 * aliases that lead nowhere or round in a circle.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin.h"
#include "file.h"
#include "idna.h"

#define STEPS_MAX	10000	/* addresses that one alias may lead through */

/* One walk from an alias through all that its targets lead to. */
struct walk {
	struct admin_check *k;
	unsigned line;			/* of the alias where it began */
	unsigned depth, steps;
	const char *own;		/* its address, or "" */
	const char *file;		/* that is included, NULL: aliases */
	unsigned included;		/* files */
	size_t included_size;		/* of them all */
	bool told;
};

static int	walk_target(void *, const struct addr *);
static void	walk_list(struct walk *, struct span, const char *domain);

/* What deliver-local would not find either. */
static void
walk_file(struct walk *w, const char *path)
{
	if (access(path, F_OK) == -1 && errno != EACCES) {
		check_error(w->k, "aliases", w->line, "%s: %s; make it, or mend "
		    "the path", path, strerror(errno));
		w->told = true;
	}
}

static void
tell_included(struct walk *w, unsigned line, const char *wrong)
{
	check_error(w->k, "aliases", w->line, "%s:%u: %s", w->file, line,
	    wrong);
	w->told = true;
}

/* As deliver-local reads it; what this process may not read is left to that. */
static int
read_included(const struct walk *w, const char *path, struct buf *b)
{
	buf_init(b, LIST_FILE_MAX - w->included_size);
	return file_read(AT_FDCWD, path, b) == -1 && errno != EACCES ? -1 : 0;
}

static void
walk_include(struct walk *w, const char *path, const char *domain)
{
	const char *from = w->file;
	struct buf b;

	w->file = path;
	if (w->included++ == INCLUDED_MAX)
		tell_included(w, 1, "too many files are included, or one "
		    "includes itself; name the addresses here");
	else if (read_included(w, path, &b) == -1) {
		check_error(w->k, "aliases", w->line, "%s: %s; make it, or mend "
		    "the path", path, strerror(errno));
		w->told = true;
		buf_free(&b);
	} else {
		w->included_size += b.len;
		walk_list(w, buf_span(&b), domain);
		buf_free(&b);
	}
	w->file = from;
}

/* The targets of one alias, or of a file in it.  Its own address is the mailbox. */
static void
walk_list(struct walk *w, struct span value, const char *domain)
{
	struct target_item item;
	struct rcpt_decision d;
	const char *wrong;
	struct targets t;
	int r;

	targets_init(&t, value, domain, w->file != NULL);
	while (!w->told && (r = targets_next(&t, &item, &wrong)) != 0) {
		if (r == -1 && w->file != NULL)
			tell_included(w, item.line, wrong);
		if (r == -1)
			continue;	/* was told while loading */
		rcpt_mailbox(&w->k->control, &item.addr, &d);
		if (w->file != NULL && (item.kind == TARGET_PROGRAM ||
		    item.kind == TARGET_FILE))
			tell_included(w, item.line, "an included file holds "
			    "addresses only");
		else if (item.kind == TARGET_INCLUDE && w->depth == 0)
			walk_include(w, item.text, domain);
		else if (item.kind == TARGET_FILE &&
		    item.text[strlen(item.text) - 1] != '/')
			walk_file(w, item.text);
		else if (item.kind == TARGET_ADDRESS &&
		    !(strcmp(item.addr.text, w->own) == 0 &&
		    d.kind == RCPT_MAILBOX))
			(void)walk_target(w, &item.addr);
		else if (item.kind == TARGET_MAILBOX &&
		    d.kind == RCPT_UNKNOWN) {
			check_error(w->k, "aliases", w->line, "there is no "
			    "mailbox %s; mend the target or make the user",
			    item.addr.text);
			w->told = true;
		}
	}
}

static int
walk_target(void *arg, const struct addr *a)
{
	struct walk *w = arg;
	const char *own, *file;
	struct rcpt_decision d;
	char domain[ADDR_DOMAIN_MAX + 1];

	if (w->told)
		return -1;
	rcpt_decide(&w->k->control, a, &d);
	if (d.kind == RCPT_UNKNOWN) {
		check_error(w->k, "aliases", w->line, "%s is in a local domain, "
		    "but neither users nor aliases know it; mend the target, "
		    "in full where its domain is another, or make the user",
		    a->text);
		w->told = true;
		return -1;
	}
	if (d.kind != RCPT_ALIAS)
		return 0;
	if (w->depth + 1 >= ALIAS_DEPTH_MAX || ++w->steps > STEPS_MAX) {
		check_error(w->k, "aliases", w->line, "the alias goes round in a "
		    "circle or through too many others (at %s, line %u); "
		    "name the mailboxes themselves, in full", a->text, d.line);
		w->told = true;
		return -1;
	}
	w->depth++;
	strlcpy(domain, addr_domain(a), sizeof(domain));
	own = w->own;
	file = w->file;
	w->own = a->text;
	w->file = NULL;
	walk_list(w, d.targets, domain);
	w->own = own;
	w->file = file;
	w->depth--;
	return 0;
}

/* A bare name whose address in the first domain is in users: text is that. */
static bool
is_hidden(const struct admin_check *k, struct span key, char *text, size_t size)
{
	return key.p[0] != '@' && (size_t)snprintf(text, size, "%.*s@%s",
	    (int)key.len, (const char *)key.p, k->control.first_domain) < size &&
	    table_find(&k->control.users, span_str(text), NULL, NULL);
}

/* "@example.com: @example.org" */
static void
check_other_domain(struct admin_check *k, unsigned line, struct span value)
{
	char domain[ADDR_DOMAIN_MAX + 1];

	if (span_cstr(span_of(value.p + 1, value.len - 1), domain,
	    sizeof(domain)) == 0 && !control_is_local(&k->control, domain))
		check_error(k, "aliases", line, "%s is not in domains, and only a "
		    "local domain can take another's addresses; add it there",
		    domain);
}

/* Which domain an alias stands for when a target has none: its own, or that of
 * a bare name, for which the first local domain is tried. */
static void
check_alias(struct admin_check *k, struct span key, struct span value,
    unsigned line)
{
	struct walk w = { .k = k, .line = line, .own = "" };
	char domain[ADDR_DOMAIN_MAX + 1], text[ADDR_MAX + 8], own[ADDR_MAX + 8];
	struct addr a;

	own[0] = '\0';

	strlcpy(domain, k->control.first_domain, sizeof(domain));
	if (key.p[0] == '@')
		(void)span_cstr(span_of(key.p + 1, key.len - 1), domain,
		    sizeof(domain));
	else if (parse_mailbox(key, true, &a) == ADDR_OK) {
		strlcpy(domain, addr_domain(&a), sizeof(domain));
		strlcpy(own, a.text, sizeof(own));
	} else if (is_hidden(k, key, text, sizeof(text)))
		check_warning(k, "aliases", line, "%.*s is not used for %s, for "
		    "users has that; write the alias in full if it is to come "
		    "first", (int)key.len, (const char *)key.p, text);
	if (value.len > 1 && value.p[0] == '@') {
		check_other_domain(k, line, value);
		return;
	}
	if (!control_is_local(&k->control, domain)) {
		check_warning(k, "aliases", line, "the line is never used, for %s "
		    "is not in domains; add it there or remove the line",
		    domain);
		return;
	}
	w.own = own;
	walk_list(&w, value, domain);
}

static void
check_users(struct admin_check *k)
{
	const struct control *c = &k->control;
	bool elsewhere = c->set.checkpassword[0] != '\0';

	for (size_t i = 0; i < c->users.nslots; i++) {
		char text[ADDR_MAX + 1];
		struct span key, value;
		unsigned line;
		const char *at;

		table_at(&c->users, i, &key, &value, &line);
		elsewhere = elsewhere ||
		    memmem(value.p, value.len, "password=", 9) != NULL;
		if (span_cstr(key, text, sizeof(text)) == -1 ||
		    (at = strrchr(text, '@')) == NULL)
			continue;
		if (!control_is_local(c, at + 1))
			check_warning(k, "users", line, "%s gets no mail, for %s is "
			    "not in domains; add it there", text, at + 1);
	}
	if (c->users.nslots > 0 && c->passwords.nslots == 0 && !elsewhere)
		check_warning(k, "passwords", 0, "nobody has a password, so nobody "
		    "can log in; posthouse user passwd sets one");
	for (size_t i = 0; i < c->passwords.nslots; i++) {
		struct span key, value;
		unsigned line;

		table_at(&c->passwords, i, &key, &value, &line);
		if (!table_find(&c->users, key, NULL, NULL))
			check_warning(k, "passwords", line, "%.*s is not in users, so "
			    "nobody can log in with it", (int)key.len,
			    (const char *)key.p);
	}
}

/* RFC 5321 section 4.5.1: postmaster is read in every domain. */
static void
check_postmasters(struct admin_check *k)
{
	const struct control *c = &k->control;

	for (size_t i = 0; i < c->domains.nslots; i++) {
		char text[ADDR_MAX + 8];
		struct rcpt_decision d;
		struct span key, value;
		unsigned line;
		struct addr a;

		table_at(&c->domains, i, &key, &value, &line);
		snprintf(text, sizeof(text), "postmaster@%.*s", (int)key.len,
		    (const char *)key.p);
		if (parse_mailbox(span_str(text), true, &a) != ADDR_OK)
			continue;
		rcpt_decide(c, &a, &d);
		if (d.kind == RCPT_UNKNOWN)
			check_warning(k, "domains", line, "%s is not known; add "
			    "\"postmaster: somebody\" to aliases, for every domain "
			    "must have one", text);
		else if (d.kind == RCPT_ALIAS &&
		    strcmp(addr_domain(&a), c->first_domain) != 0) {
			/* In the first one the line itself is looked at. */
			struct walk w = { .k = k, .line = d.line, .own = "" };

			(void)walk_target(&w, &a);
		}
	}
}

/* A domain in another script has a second form, in which most mail comes. */
static void
check_forms(struct admin_check *k)
{
	const struct control *c = &k->control;

	for (size_t i = 0; i < c->domains.nslots; i++) {
		char text[ADDR_DOMAIN_MAX + 1], ascii[ADDR_DOMAIN_MAX + 1];
		struct span key, value;
		unsigned line;

		table_at(&c->domains, i, &key, &value, &line);
		if (span_isascii(key) ||
		    span_cstr(key, text, sizeof(text)) == -1 ||
		    idna_ascii(text, ascii, sizeof(ascii)) == -1 ||
		    control_is_local(c, ascii))
			continue;
		check_warning(k, "domains", line, "mail for %s, the same domain as "
		    "DNS has it, is not local; write that here instead, or add it "
		    "and \"@%s: @%s\" to aliases", ascii, ascii, text);
	}
}

/* Mail for a local domain asks no route. */
static void
check_routes(struct admin_check *k)
{
	const struct control *c = &k->control;

	for (size_t i = 0; i < c->routes.nslots; i++) {
		char text[ADDR_DOMAIN_MAX + 1];
		struct span key, value;
		unsigned line;

		table_at(&c->routes, i, &key, &value, &line);
		if (span_cstr(key, text, sizeof(text)) == 0 &&
		    control_is_local(c, text))
			check_warning(k, "routes", line, "the line is never used, for "
			    "%s is in domains; remove it from one of them", text);
	}
}

void
check_sense(struct admin_check *k)
{
	const struct control *c = &k->control;

	if (strchr(c->hostname, '.') == NULL)
		check_warning(k, "hostname", 0, "%s has no domain; other servers "
		    "distrust such a name", c->hostname);
	check_users(k);
	for (size_t i = 0; i < c->aliases.nslots; i++) {
		struct span key, value;
		unsigned line;

		table_at(&c->aliases, i, &key, &value, &line);
		check_alias(k, key, value, line);
	}
	check_postmasters(k);
	check_forms(k);
	check_routes(k);
}

static bool
may_read(const struct stat *st, const struct ids *who)
{
	if (st->st_uid == who->uid)
		return (st->st_mode & S_IRUSR) != 0;
	if (st->st_gid == who->gid)
		return (st->st_mode & S_IRGRP) != 0;
	return (st->st_mode & S_IROTH) != 0;
}

/*
 * Programs that have given up root read their files again after an edit.  Who
 * calls sendmail is anybody.
 */
void
check_readable(struct admin_check *k)
{
	const struct settings *s = &k->control.set;
	const struct ids anybody = { (uid_t)-2, (gid_t)-2 };
	const struct { const char *file; const struct ids *who; const char *why; }
	    needs[] = {
		{ "settings", &anybody, "sendmail is run by anybody and" },
		{ "hostname", &anybody, "sendmail is run by anybody and" },
		{ "domains", &anybody, "sendmail is run by anybody and" },
		{ "users", &s->queue_user, "queue-user" },
		{ "aliases", &s->queue_user, "queue-user" },
		{ "routes", &s->send_user, "send-user" },
	};

	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
		struct stat st;

		if (needs[i].who->uid == (uid_t)-1 ||
		    fstatat(k->control.dirfd, needs[i].file, &st, 0) == -1 ||
		    may_read(&st, needs[i].who))
			continue;
		check_error(k, needs[i].file, 0, "%s cannot read it (mode %03o, "
		    "owner %lu:%lu); change its owner, group or mode",
		    needs[i].why, (unsigned)st.st_mode & 0777,
		    (unsigned long)st.st_uid, (unsigned long)st.st_gid);
	}
}
