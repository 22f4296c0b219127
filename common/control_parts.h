/*
 * What control.c, account.c, route.c and rcpt.c share while loading: the
 * checks of one line each.  For these files alone.
 */
#ifndef CONTROL_PARTS_H
#define CONTROL_PARTS_H

#include "control.h"

/* Each has the form of table_format.check. */
/* For CONTROL_RULES: overwrites the passwords of the loaded table. */
void	route_forget(struct table *);
void	route_check(struct control *, const char *file, unsigned line,
	    struct span key, struct span value);
void	alias_check(struct control *, const char *file, unsigned line,
	    struct span key, struct span value);
/* The key must be a full address in canonical text; case is free.  Reports. */
bool	address_check(struct control *, const char *file, unsigned line,
	    struct span key);
/* "192.0.2.0/24", "2001:db8::/32" or an address alone.  NULL, or what is wrong. */
const char *network_parse(struct span, struct network *);
void	proxies_load(struct control *);
bool	network_has(const struct network *, const struct in6_addr *);
void	owners_free(struct control *);
/* Accounts of the system; system_find has the form of account_find. */
void	system_load(struct control *);
void	system_free(struct control *);
int	system_find(const struct control *, const char *address,
	    struct account *);

#endif
