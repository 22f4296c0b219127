/*
 * The setting domain-check: a small process beside the session asks the DNS
 * whether a domain can get mail, for a session can open no socket.  One line
 * to it, a domain; one byte back.
 */
#ifndef SMTPD_RESOLVER_H
#define SMTPD_RESOLVER_H

#include "control.h"

struct resolver {
	int out, in;		/* the session's ends; -1: there is none */
	bool lost;		/* an answer never came: none is believed now */
};

enum domain_kind {
	DOMAIN_OK = '+',
	DOMAIN_NONE = '-',	/* neither MX nor address: RFC 5321 section 5.1 */
	DOMAIN_NULL_MX = '0',	/* RFC 7505 */
	DOMAIN_TEMP = '?'	/* not known now */
};

/* Forks it; before the session gives up its privileges.  0, or -1 with errno. */
int	resolver_start(struct resolver *, const struct control *);
/* Waits for the answer, RESOLVER_SECONDS at most; NULL: DOMAIN_OK. */
enum domain_kind resolver_ask(struct resolver *, const char *domain);
#define RESOLVER_SECONDS	30

#endif
