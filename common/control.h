/*
 * The control directory (DESIGN.md section 6): small text files, '#' comments.
 * Loaded whole by the listener or daemon at start and again when a file has
 * changed; sessions inherit the loaded copy by fork.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <sys/types.h>

#include <netinet/in.h>

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "account.h"
#include "addr.h"
#include "buf.h"
#include "settings.h"
#include "table.h"

struct network { struct in6_addr addr; unsigned bits; };	/* IPv4 mapped */

/* A machine that speaks for others, and how it says for whom. */
enum proxy_kind {
	PROXY_NONE,
	PROXY_HEADER,		/* the PROXY protocol, before anything else */
	PROXY_XCLIENT		/* the command XCLIENT */
};
struct proxy_network { struct network network; enum proxy_kind kind; };

/* Which files a program loads is its choice (want). */
enum control_files {
	CONTROL_HOSTNAME = 1, CONTROL_DOMAINS = 2, CONTROL_NETWORKS = 4,
	CONTROL_ROUTES = 8, CONTROL_USERS = 16, CONTROL_ALIASES = 32,
	CONTROL_PASSWORDS = 64,	/* to check or edit them; for a login, see passwords.h */
	CONTROL_PROXIES = 256,
	CONTROL_RULES = 512,	/* routes for their schedules: passwords are blanked, and where the
				 * file may not be read any more, what it said before counts */
	CONTROL_LAZY = 128	/* passwords: the lines are not checked */
};

/* A file as it was when it was loaded, so that a change is seen. */
struct control_stamp {
	char file[96];
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime, ctime;
	bool missing, recent;	/* recent: changed while we read, look again */
	uint64_t gone;		/* clock_mono_ms() when first missed, or 0 */
};
#define CONTROL_STAMPS 64

struct system_accounts;		/* mailboxes of the system's accounts (system.c) */
struct owner_names;		/* system accounts named in users (account.c) */

struct control {
	char dir[256];
	int dirfd;			/* open as long as the program runs */
	unsigned want;
	bool optional;			/* no directory is as an empty one, with this host's name */
	int watch;			/* control_follow, or -1 */
	bool polled, told;		/* control_polled; something has happened */
	uint64_t refreshed;		/* clock_mono_ms() of the last full look */
	struct settings set;
	char hostname[ADDR_DOMAIN_MAX + 1];
	struct table domains;		/* keys are domains */
	struct network *networks;
	size_t nnetworks;
	struct proxy_network *proxies;
	size_t nproxies;
	struct table routes, users, aliases, passwords;
	char first_domain[ADDR_DOMAIN_MAX + 1];	/* of domains, else hostname */
	struct owner_names *owners;
	struct system_accounts *system;	/* NULL: not asked for */
	bool system_passwords;		/* some account has password=system */
	struct control_stamp stamps[CONTROL_STAMPS];
	size_t nstamps;
	struct control_stamp *before;	/* those of the last load, while loading */
	size_t nbefore;
	void (*each)(const char *error);
	char error[768];		/* "dir/file:line: what and how to mend it" */
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
/* Opens the directory alone (control_load does it too).  0, or -1 and control_error. */
int	control_open(struct control *);
/* Has any file's identity, size or time changed since it was loaded? */
bool	control_changed(struct control *);
/* Loads anew if any file's identity, size or time has changed, or the last load
 * failed.  1 reloaded, 0 unchanged, -1 broken (the old content is gone). */
int	control_refresh(struct control *);
/* Makes control_changed and control_refresh cheap for a program that calls them
 * often: one read instead of a stat per file.  What inotify does not tell (the
 * target of a link was edited, the directory is another) is seen within
 * CONTROL_REFRESH_MS.  Call it before the sandbox is entered. */
void	control_follow(struct control *);
/* For a program that has c->watch in its poll set: from now on control_changed
 * reads it only when c->told says that it has become readable. */
void	control_polled(struct control *);
/* Adds a file below the directory to those that control_refresh looks at; call
 * it while loading.  A file that does not exist is watched too. */
void	control_watch(struct control *, const char *file);
/* Reads file whole: 1, 0 it does not exist, -1 and control_error.  Watches it. */
int	control_read(struct control *, const char *file, struct buf *, size_t max);
void	control_free(struct control *);
/* file "": the directory itself. */
void	control_error(struct control *, const char *file, unsigned line,
	    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
bool	control_is_local(const struct control *, const char *domain);
/* The domain as it stands in domains, in the line given (may be NULL): as it is, or as its
 * A-label, for which ascii has ADDR_DOMAIN_MAX + 1 bytes.  NULL: it is not local. */
const char *control_domain(const struct control *, const char *domain,
	    char *ascii, unsigned *line);
enum proxy_kind control_proxy(const struct control *,
	    const struct in6_addr *);
bool	control_may_relay(const struct control *, const struct in6_addr *);

/* One line of routes: "destination host[:port] key=value ...". */
struct route {
	char host[ADDR_DOMAIN_MAX + 4];	/* "[192.0.2.1]", a name, or "mx:" for MX look-up */
	bool lmtp;			/* RFC 2033: a store, not a relay */
	unsigned port;
	enum { TLS_NONE, TLS_MAY, TLS_ENCRYPT, TLS_VERIFY } tls;
	char user[256], password[256];
	/* Where connections come from, by family, "" for any; our name in EHLO, ""
	 * for the host's. */
	char source4[16], source6[46];
	char helo[ADDR_DOMAIN_MAX + 1];
	unsigned retry_first, retry_max, lifetime, jobs; /* s, s, s; 0: as the settings say */
};
/* The route for a domain: the domain itself, .parent suffixes, "*", else MX.
 * Returns the line of routes that decided, 0 for none. */
unsigned route_find(const struct control *, const char *domain, struct route *);

#endif
