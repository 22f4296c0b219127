/*
 * The session before login.
 */
#ifndef LOGIN_H
#define LOGIN_H

#include "chain.h"
#include "input.h"

struct login {
	struct control *control;
	struct conn *conn;
	struct input input;
	struct netout out;
	struct arena arena;
	struct span tag;
	unsigned errors;		/* BAD replies and failed logins */
	bool done;
	int exit_code;
};

/* session.c */
int	session_serve(struct control *, struct conn *);
void	login_reply(struct login *, const char *what, const char *text);
/* NO with a response code. */
void	login_no(struct login *, const char *code, const char *text);
void	login_bad(struct login *, const char *why);
void	login_bye(struct login *, const char *text);
/* The input has ended, or cannot be trusted any more. */
void	login_ended(struct login *, enum input_result);
/* May a password be sent as it is? */
bool	login_allowed(const struct login *);

/* sasl.c: arguments are parsed, the reply is sent or the login handed over. */
void	login_login(struct login *, struct args *);
void	login_authenticate(struct login *, struct args *);

#endif
