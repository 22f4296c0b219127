/*
 * One client of a chain as the listener sees it: its processes and the
 * descriptors kept for the next of them.  Private to chain.c and
 * chain_client.c.
 */
#ifndef CHAIN_CLIENT_H
#define CHAIN_CLIENT_H

#include "chain.h"
#include "limits.h"
#include "tls.h"

enum chain_process { PROC_SESSION, PROC_TLS, PROC_AUTH, PROC_MAILBOX,
    PROC_PROXY, PROC_N };

struct chain_client {
	bool used;
	struct conn conn;
	pid_t pid[PROC_N];		/* 0: not running */
	/* What the next process of the client will be given; -1: none. */
	int sock_in, sock_out;		/* the client; gone once tls has it */
	int plain_in, plain_out;	/* the session's ends of the tls pipes */
	int cred_in;			/* what the session writes for auth and mailbox */
	bool cred_ended;		/* the session has closed its end */
	int verdict_out;		/* what auth answers the session */
	int cred_out, verdict_in;	/* the session's ends, until it is forked */
	int facts_in, facts_out;	/* what tls tells auth: the session has neither end */
	int account_in;			/* what auth tells the listener */
	int next_in;			/* what a mailbox leaves to the next session */
	int proxy_in;			/* what the proxy's header said */
	bool proxied;			/* a header was asked for */
	char account[ADDR_MAX + 1];	/* who has logged in; "": nobody */
	bool makes_way;			/* its mailbox has been told to end */
	uint64_t login;			/* the how manieth login of this listener */
	bool handover;			/* the session wants its mailbox */
	int exit_code;			/* of the last session or mailbox */
};

struct chain {
	const struct chain_service *service;
	struct control *control;
	const struct chain_options *options;
	struct tls_server *tls;		/* NULL: no TLS is offered */
	char empty[300];		/* the empty directory that is a root */
	char auth_dir[300];		/* what auth keeps: an index, failures */
	bool broken;			/* the control files do not load */
	struct chain_client *clients;
	size_t nclients, used;
	uint64_t logins;		/* so far */
	size_t children;		/* not yet waited for */
	int listeners[CHAIN_LISTEN_MAX];
	size_t nlisteners;
	/* Do connections have the timeouts of the socket they came by? */
	enum { UNKNOWN, YES, NO } inherits;
};

/* NULL, or which limit keeps a client with that address out (chain.c). */
const char *chain_over_limit(const struct chain *, const struct in6_addr *);
/* In a child: signals end it, as by default (chain.c). */
void	chain_forked(void);
/* Starts what a new client begins with; takes over the descriptors in and out.
 * 0, or -1: the client has been told and closed. */
int	client_start(struct chain *, struct chain_client *, int in, int out);
/* The credential pipe has something: starts the auth process. */
void	client_start_auth(struct chain *, struct chain_client *);
/* One of the client's processes has ended with this wait(2) status. */
void	client_reaped(struct chain *, struct chain_client *,
	    enum chain_process, int status);

/* The first of the descriptors that sessions find open, as the service says. */
int	client_kept(const struct chain *);
/* In a child: the common beginning.  The descriptors go to 0, 1, 3, 4 and 5 (-1: none), all others
 * but the log are closed. */
void	client_child(int in, int out, int third, int fourth, int fifth);
/* Gives up privileges as the role says, or ends the process. */
void	client_enter(struct chain *, const struct sandbox_role *,
	    const char *root, const struct ids *, const struct sandbox_path *,
	    size_t n);
/* chain_auth.c: the auth process, from fork to exit code. */
int	client_auth(struct chain *, struct chain_client *, int account_out);

#endif
