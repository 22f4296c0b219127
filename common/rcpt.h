/*
 * Where a recipient goes, and what an alias means.
 */
#ifndef RCPT_H
#define RCPT_H

#include "addr.h"
#include "control.h"
#include "targets.h"

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
	bool is_catchall;	/* an "@domain" of aliases decided */
	const char *file;	/* which file decided, for explain */
	unsigned line;
};
/* Tries address, then without +detail, in aliases and users; domain-less
 * "postmaster" is postmaster@hostname's first domain. */
void	rcpt_decide(const struct control *, const struct addr *,
	    struct rcpt_decision *);
/* The same, but the mailbox itself: no alias is looked at. */
void	rcpt_mailbox(const struct control *, const struct addr *,
	    struct rcpt_decision *);
/* What stands behind the first delimiter of the local part; len 0: nothing. */
struct span rcpt_detail(const struct control *, const struct addr *);

/*
 * Takes an alias's value apart: each is called with the addresses among its
 * targets (a bare local name gets the domain) until it returns -1.  0, or -1:
 * that, or a target that is broken.  For all kinds of targets: targets.h.
 */
int	alias_targets(struct span targets, const char *domain,
	    int (*each)(void *arg, const struct addr *), void *arg);
/* The address owner-LIST where that is an alias or mailbox: errors of a list go
 * there. */
bool	alias_owner(const struct control *, const struct addr *, char *out,
	    size_t size);
/* Must deliver-local expand it?  It has programs, files, :include: or an owner. */
bool	alias_is_list(const struct control *, const struct addr *,
	    const struct rcpt_decision *);

#endif
