/*
 * One client of a chain as the listener sees it: its processes and the
 * descriptors kept for the next of them.  Private to chain*.c.  No child has the
 * clients (proc_private): each is given a copy of its own, made before the fork.
 */
#ifndef CHAIN_CLIENT_H
#define CHAIN_CLIENT_H

#include "chain.h"
#include "limits.h"
#include "tls.h"

enum chain_process { PROC_SESSION, PROC_TLS, PROC_MAILBOX, PROC_PROXY, PROC_N };

struct chain_client {
	bool used;
	struct conn conn;
	pid_t pid[PROC_N];		/* 0: not running */
	/* What the next process of the client will be given; -1: none. */
	int sock_in, sock_out;		/* the client; gone once tls has it */
	int plain_in, plain_out;	/* the session's ends of the tls pipes */
	int slot;			/* in chain.slots; -1: none */
	int left_in, left_out;		/* what a session leaves to its mailbox */
	int facts_in, facts_out;	/* what tls tells auth: the session has neither end */
	int next_in;			/* what a mailbox leaves to the next session */
	int proxy_in;			/* what the proxy's header said */
	bool proxied;			/* a header was asked for */
	char account[ADDR_MAX + 1];	/* who has logged in; "": nobody */
	bool makes_way;			/* its mailbox has been told to end */
	uint64_t login;			/* the how manieth login of this listener */
	bool handover;			/* the session wants its mailbox */
	int exit_code;			/* of the last session or mailbox */
};

/* What a session and auth talk by.  Its numbers are the same in every auth process that has
 * it; made and born (below) tell whether one has. */
struct auth_slot {
	int cred_in, cred_out;		/* to auth */
	int verdict_in, verdict_out;	/* from it */
	uint64_t made;			/* 0: nothing is open */
	bool used;
};

struct auth_worker {
	pid_t pid;			/* 0: none */
	int ask, told;			/* requests, or -1: no more; lines from it */
	uint64_t born;			/* it has the slots made until then */
	size_t client;			/* whom it serves; SIZE_MAX: nobody */
	unsigned logins;		/* it was asked for so many */
};

/* What a listener writes to an auth process; nfacts bytes (bindings.h) follow. */
struct auth_request {
	int slot;
	struct conn conn;
	size_t nfacts;
};

/* The files that an auth process has open. */
struct auth_stamp {
	ino_t passwords, guesses, shadow;
	off_t size;
	struct timespec mtime;		/* of passwords */
};

struct chain {
	const struct chain_service *service;
	struct control *control;
	const struct chain_options *options;
	const struct tls *tls;		/* NULL: not needed yet */
	struct tls_server *server;	/* likewise */
	bool has_tls;			/* there is a certificate */
	bool tls_broken;		/* it could not be loaded when it was needed */
	char empty[300];		/* the empty directory that is a root */
	char auth_dir[300];		/* what auth keeps: an index, failures */
	bool broken;			/* the control files do not load */
	struct chain_client *clients;
	size_t nclients, used;
	uint64_t logins;		/* so far */
	size_t children;		/* not yet waited for */
	struct auth_slot *slots;
	size_t nslots;
	struct auth_worker *workers;
	struct pollfd *set;		/* room for all of them */
	size_t nworkers, set_cap;
	uint64_t auth_births;
	struct auth_stamp auth_stamp;
	int listeners[CHAIN_LISTEN_MAX];
	size_t nlisteners;
	/* Do connections have the timeouts of the socket they came by? */
	enum { UNKNOWN, YES, NO } inherits;
};

/* NULL, or which limit keeps a client with that address out (chain.c). */
const char *chain_over_limit(const struct chain *, const struct in6_addr *);
int	chain_room(struct chain *, size_t clients, size_t workers);	/* to poll: 0, -1 */
/* In a child: no signal is blocked, and those that the listener catches end it (chain.c). */
void	chain_forked(void);
/* Starts what a new client begins with; takes over the descriptors in and out.
 * 0, or -1: the client has been told and closed. */
int	client_start(struct chain *, struct chain_client *, int in, int out);
/* Auth has done, and has set the account if it let the client in. */
void	client_auth_told(struct chain *, struct chain_client *);
void	client_log_death(const struct chain_client *, const char *name, int);
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
/* The first part of it: 0, 1 and signals. */
void	client_child_begin(int in, int out);
/* fork(2). */
pid_t	client_fork(struct chain *);

/* chain_tls.c */
/* At start: sees that TLS can be served if there is a certificate, or ends the program.
 * listening: before it does. */
void	chain_tls_begin(struct chain *, bool listening);
/* Before a tls process: loads what it needs, or what has changed.  0, or -1, which it
 * has logged. */
int	chain_tls_ready(struct chain *);
/* May a client ask for TLS? */
bool	chain_tls_offered(struct chain *);

/* chain_auth.c */
/* Gives the client a slot: 0, or -1.  return: its session has gone, and so does who serves it. */
int	auth_slot_take(struct chain *, struct chain_client *);
void	auth_slot_return(struct chain *, struct chain_client *);
struct auth_slot *auth_slot(const struct chain *, const struct chain_client *);
/* Is somebody serving this client? */
bool	auth_busy(const struct chain *, const struct chain_client *);
/* The credential pipe has something: asks an auth process. */
void	client_start_auth(struct chain *, struct chain_client *);
/* fd is readable, a process has ended: true when it is one of these. */
bool	auth_told(struct chain *, int fd);
bool	auth_reaped(struct chain *, pid_t, int status);
/* What auth processes have inherited is out of date: no new logins for them. */
void	auth_retire(struct chain *);
/* chain_worker.c: the auth process, from fork to exit code; cl is whom it begins with. */
int	auth_worker(struct chain *, struct chain_client *cl, int ask, int told);

#endif
