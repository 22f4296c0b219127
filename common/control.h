/*
 * The control directory (DESIGN.md section 6): small text files, '#' comments.
 * Loaded whole by the listener or daemon at start and again when a file has
 * changed; sessions inherit the loaded copy by fork.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <netinet/in.h>

#include <stdbool.h>
#include <stdio.h>

#include "addr.h"
#include "buf.h"
#include "settings.h"

/*
 * A keyed file ("key:rest" or "key: rest" lines) with an index, so that a
 * look-up in 1,000,000 lines takes microseconds.  Keys are matched without
 * case (ASCII).  Spans point into text.
 */
struct table {
	struct buf text;
	struct table_slot *slots;
	size_t nslots, nkeys;
};
/* The first line with that key: its value (after the colon, trimmed) and line number. */
bool	table_find(const struct table *, struct span key, struct span *value,
	    unsigned *line);
/* All lines with that key, in order: call with *at = 0 first. */
bool	table_next(const struct table *, struct span key, size_t *at,
	    struct span *value, unsigned *line);

struct network { struct in6_addr addr; unsigned bits; };	/* IPv4 mapped */

/* What one file could need of the others is all here; which files a program
 * loads is its choice (want). */
enum control_files {
	CONTROL_HOSTNAME = 1, CONTROL_DOMAINS = 2, CONTROL_NETWORKS = 4,
	CONTROL_ROUTES = 8, CONTROL_USERS = 16, CONTROL_ALIASES = 32,
	CONTROL_PASSWORDS = 64	/* auth alone */
};

struct control {
	char dir[256];
	int dirfd;			/* open as long as the program runs */
	unsigned want;
	struct settings set;
	char hostname[ADDR_DOMAIN_MAX + 1];
	struct table domains;		/* keys are domains */
	struct network *networks;
	size_t nnetworks;
	struct table routes, users, aliases, passwords;
	char error[512];		/* "file:line: what and how to mend it" */
	unsigned nerrors;
};

/* Which directory: dir if not NULL, else $POSTHOUSE, else /etc/posthouse. */
void	control_init(struct control *, const char *dir, unsigned want);
/*
 * Loads settings and all wanted files.  0, or -1 with the first error in
 * c->error; every error is given to each (NULL: none).  A control that failed
 * to load must not be used to serve: a missing or broken file never opens a
 * relay.
 */
int	control_load(struct control *, void (*each)(const char *error));
/* Loads anew if any file's identity, size or time has changed.  1 reloaded, 0
 * unchanged, -1 changed and broken (the old content is gone). */
int	control_refresh(struct control *);
void	control_free(struct control *);
void	control_error(struct control *, const char *file, unsigned line,
	    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
bool	control_is_local(const struct control *, const char *domain);
bool	control_may_relay(const struct control *, const struct in6_addr *);

/* One line of users: address:maildir:owner:quota:options (posthouse-users(5)).
 * maildir is absolute, or below the setting mail-directory. */
struct account {
	char address[ADDR_MAX + 1];
	char maildir[512];		/* absolute, without final slash */
	struct ids owner;		/* (uid_t)-1 when not root */
	uint64_t quota_bytes, quota_messages;	/* 0: none */
};
/* 0, or -1: not there (ENOENT) or a broken line (EINVAL). */
int	account_find(const struct control *, const char *address,
	    struct account *);

/* One line of routes: "destination host[:port] key=value ...". */
struct route {
	char host[ADDR_DOMAIN_MAX + 4];	/* "[192.0.2.1]", a name, or "mx:" for MX look-up */
	unsigned port;
	enum { TLS_NONE, TLS_MAY, TLS_ENCRYPT, TLS_VERIFY } tls;
	char user[256], password[256];
};
/* The route for a domain: the domain itself, .parent suffixes, "*", else MX. */
void	route_find(const struct control *, const char *domain, struct route *);

/*
 * Where a recipient goes: the one decision, used by smtpd at RCPT, queue and
 * explain alike.  A pure function of the control files.
 */
enum rcpt_kind {
	RCPT_MAILBOX,		/* account is set */
	RCPT_ALIAS,		/* targets is set */
	RCPT_REMOTE,
	RCPT_UNKNOWN		/* local domain, no such user: 550 5.1.1 */
};
struct rcpt_decision {
	enum rcpt_kind kind;
	struct account account;
	struct span targets;	/* comma-separated, in c->aliases */
	const char *file;	/* which file decided, for explain */
	unsigned line;
};
/* Tries address, then without +detail, in users and aliases; domain-less
 * "postmaster" is postmaster@hostname's first domain. */
void	rcpt_decide(const struct control *, const struct addr *,
	    struct rcpt_decision *);
/*
 * Splits an alias value: each target is an address (a bare local name gets the
 * alias's own domain).  |program, /file and :include: are recognised and
 * reported as unsupported kinds by a later step.  0, or -1 at a broken target.
 */
int	alias_targets(struct span targets, const char *domain,
	    int (*each)(void *arg, const struct addr *), void *arg);

#endif
