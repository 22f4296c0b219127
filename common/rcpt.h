/*
 * Where a recipient goes, and what an alias means.
 */
#ifndef RCPT_H
#define RCPT_H

#include "addr.h"
#include "control.h"

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
enum target_kind { TARGET_ADDRESS, TARGET_PROGRAM, TARGET_FILE, TARGET_INCLUDE };
enum target_kind target_kind(struct span);
int	alias_targets(struct span targets, const char *domain,
	    int (*each)(void *arg, const struct addr *), void *arg);

#endif
