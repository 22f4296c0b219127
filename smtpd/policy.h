/*
 * Decisions about a sender, a recipient and a whole message.  A pure question
 * of the control files, the spool and (setting domain-check) the DNS.
 */
#ifndef SMTPD_POLICY_H
#define SMTPD_POLICY_H

#include "smtpd.h"

#define POLICY_WHY	128	/* what fills a reply's '%', and its NUL */

/* The client may send to domains that are not ours. */
bool	policy_may_relay(const struct session *);
/* R_SENDER_OK, or the reply that refuses MAIL; why is set where it has a '%'. */
enum reply_id policy_mail(const struct session *, const struct addr *,
	    uint64_t size, char why[POLICY_WHY]);
/* R_RCPT_OK, or the reply that refuses RCPT. */
enum reply_id policy_rcpt(const struct session *, const struct addr *,
	    char why[POLICY_WHY]);
/* Counts the message, which is complete, for its user: R_QUEUED, or why it must
 * not be taken. */
enum reply_id policy_count(const struct session *, char why[POLICY_WHY]);

#endif
