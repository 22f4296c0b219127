/*
 * Who may send what to whom: decisions about a sender or a recipient that is
 * well-formed.  Each gives the reply; nothing here speaks to the client.
 * Relaying is for the listed networks and for who has logged in.
 */
#include "policy.h"

#include <sys/vfs.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "chars.h"
#include "quota.h"
#include "rate.h"
#include "rcpt.h"
#include "resolver.h"

#define SPACE_SPARE	(16u << 20)	/* bytes left free whatever SIZE says */

bool
policy_may_relay(const struct session *s)
{
	if (s->conn->variant == LMTP)
		return false;
	return s->user[0] != '\0' ||
	    (!IN6_IS_ADDR_UNSPECIFIED(&s->conn->peer_in6) &&
	    control_may_relay(s->control, &s->conn->peer_in6));
}

/* RFC 1870 section 6.1: too large for the space that there is now. */
static bool
has_space(const struct session *s, uint64_t size)
{
	struct statfs fs;

	if (fstatfs(s->spool->tmp, &fs) == -1 || fs.f_bsize <= 0)
		return true;
	return fs.f_bavail >= (size + SPACE_SPARE) / (uint64_t)fs.f_bsize;
}

struct owner {
	const struct session *s;
	unsigned depth, looked;		/* how deep it is; addresses looked at */
	bool found;
};
static int	owner_each(void *, const struct addr *);

/* The address delivers to the account that has logged in. */
static bool
is_owner(struct owner *o, const struct addr *addr)
{
	const struct session *s = o->s;
	struct rcpt_decision d;

	if (span_isis(span_str(addr->text), s->user))
		return true;
	rcpt_decide(s->control, addr, &d);
	if (d.kind == RCPT_MAILBOX)
		return span_isis(span_str(d.account.address), s->user);
	if (d.kind != RCPT_ALIAS || o->depth == ALIAS_DEPTH_MAX)
		return false;
	o->depth++;
	(void)alias_targets(d.targets, addr_domain(addr), owner_each, o);
	o->depth--;
	return o->found;
}

/* Aliases of aliases can name the same ones again and again: more addresses than a list may
 * have are not looked at. */
static int
owner_each(void *arg, const struct addr *addr)
{
	struct owner *o = arg;

	o->found = is_owner(o, addr);
	return o->found || ++o->looked >= LIST_TARGETS_MAX ? -1 : 0;
}

/* RFC 6409 section 6.1; the null reverse-path is for notifications. */
static bool
may_send_as(const struct session *s, const struct addr *addr)
{
	struct owner o = { .s = s };

	return s->conn->variant != SUBMISSION || addr->text[0] == '\0' ||
	    is_owner(&o, addr);
}

/* The settings user-message-limit and user-recipient-limit; false: this session
 * has none. */
static bool
user_limit(const struct session *s, struct rate *limit)
{
	const struct settings *set = &s->control->set;

	*limit = (struct rate){ .messages = set->user_messages,
	    .recipients = set->user_recipients };
	return s->user[0] != '\0' &&
	    (limit->messages > 0 || limit->recipients > 0);
}

/* Which limit it is that now is over. */
static enum reply_id
over_limit(const struct rate *limit, const struct rate *now,
    char why[POLICY_WHY])
{
	const struct rate messages = { .messages = limit->messages };
	bool of_messages = rate_over(&messages, now);

	snprintf(why, POLICY_WHY, "%llu %s", (unsigned long long)(of_messages ?
	    limit->messages : limit->recipients), of_messages ? "messages" :
	    "recipients");
	return R_USER_LIMIT;
}

/* Would one more message with so many recipients be too much?  If not, the
 * reply is good. */
static enum reply_id
check_rate(const struct session *s, uint64_t rcpts, enum reply_id good,
    char why[POLICY_WHY])
{
	struct rate limit, now;

	if (!user_limit(s, &limit))
		return good;
	if (rate_get(s->spool->rate, s->user, &now) == -1)
		return R_NO_SPOOL;
	now.messages++;
	now.recipients += rcpts;
	return rate_over(&limit, &now) ? over_limit(&limit, &now, why) : good;
}

/* The setting domain-check: the domain of whoever may not relay must be one
 * that answers can be sent to. */
static enum reply_id
check_sender_domain(const struct session *s, const struct addr *addr)
{
	if (s->conn->variant != SMTP || addr->text[0] == '\0' ||
	    addr->literal || policy_may_relay(s) ||
	    control_is_local(s->control, addr_domain(addr)))
		return R_SENDER_OK;
	switch (resolver_ask(s->resolver, addr_domain(addr))) {
	case DOMAIN_NONE:
		return R_SENDER_DOMAIN;
	case DOMAIN_NULL_MX:
		return R_SENDER_NULL_MX;
	case DOMAIN_TEMP:
		return R_SENDER_TEMP;
	case DOMAIN_OK:
		break;
	}
	return R_SENDER_OK;
}

enum reply_id
policy_mail(const struct session *s, const struct addr *addr, uint64_t size,
    char why[POLICY_WHY])
{
	enum reply_id id;

	if (size > s->control->set.message_size)
		return R_TOO_BIG;
	if (s->spool == NULL)
		return R_NO_SPOOL;
	if (!has_space(s, size))
		return R_NO_SPACE;
	if (!may_send_as(s, addr))
		return R_NOT_OWNER;
	id = check_rate(s, 1, R_SENDER_OK, why);
	return id != R_SENDER_OK ? id : check_sender_domain(s, addr);
}

/* The mark that deliver-local has made; its first line says why. */
static bool
is_full(const struct session *s, const char *address, char why[POLICY_WHY])
{
	char name[QUOTA_MARK_MAX], text[POLICY_WHY];
	struct cur c;
	ssize_t n;
	int fd;

	if (s->spool->full == -1 || quota_mark_name(address, name) == -1)
		return false;
	fd = openat(s->spool->full, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	cur_init(&c, span_of(text, n > 0 ? (size_t)n : 0));
	if (span_cstr(cur_while(&c, chars, CH_QTEXT), why, POLICY_WHY) == -1 ||
	    why[0] == '\0')
		strlcpy(why, "the mailbox is full", POLICY_WHY);
	return true;
}

/* Who has logged in learns at once of a domain that takes no mail: RFC 7505
 * section 4.2, RFC 7504 section 4.  What cannot be looked up now is tried
 * later. */
static enum reply_id
check_rcpt_domain(const struct session *s, const struct addr *addr)
{
	if (s->user[0] == '\0' || addr->literal)
		return R_RCPT_OK;
	switch (resolver_ask(s->resolver, addr_domain(addr))) {
	case DOMAIN_NONE:
		return R_RCPT_DOMAIN;
	case DOMAIN_NULL_MX:
		return R_RCPT_NULL_MX;
	case DOMAIN_OK:
	case DOMAIN_TEMP:
		break;
	}
	return R_RCPT_OK;
}

enum reply_id
policy_rcpt(const struct session *s, const struct addr *addr,
    char why[POLICY_WHY])
{
	struct rcpt_decision d;
	enum reply_id id;

	if (addr->utf8 && !s->tx.envelope.smtputf8)
		return R_RCPT_UTF8;	/* RFC 6531 section 3.5 */
	rcpt_decide(s->control, addr, &d);
	if (d.kind == RCPT_UNKNOWN)
		return R_UNKNOWN_USER;
	if (d.kind == RCPT_REMOTE && !policy_may_relay(s))
		return R_NO_RELAY;
	if (d.kind == RCPT_MAILBOX && is_full(s, d.account.address, why))
		return s->control->set.full_bounces ? R_MAILBOX_FULL :
		    R_MAILBOX_FULL_NOW;
	id = check_rate(s, s->tx.accepted + 1, R_RCPT_OK, why);
	if (id == R_RCPT_OK && d.kind == RCPT_REMOTE)
		id = check_rcpt_domain(s, addr);
	return id;
}

enum reply_id
policy_count(const struct session *s, char why[POLICY_WHY])
{
	const struct rate more = { .messages = 1,
	    .recipients = s->tx.accepted };
	struct rate limit, now;

	if (!user_limit(s, &limit) ||
	    rate_add(s->spool->rate, s->user, &limit, &more, &now) == 0)
		return R_QUEUED;
	return errno == EDQUOT ? over_limit(&limit, &now, why) :
	    R_WRITE_FAILED;
}
