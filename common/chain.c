/*
 * The listener: accepts, forks, reaps, counts.  Never reads a byte that a
 * client sent.  One loop serves all three ways of being started; a single
 * connection or a pipe is a listener with one client.
 */
#include "chain.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chain_client.h"
#include "clock.h"
#include "ex.h"
#include "file.h"
#include "limits.h"
#include "listen.h"
#include "log.h"
#include "proc.h"

#define PENDING_TURNS	8	/* clients that may come before signals are looked for */

static volatile sig_atomic_t got_term, got_child, is_child;

/* A child needs no calls to be rid of the handler: it ends as it would. */
static void
on_signal(int sig)
{
	if (sig == SIGCHLD)
		got_child = 1;
	else if (is_child)
		_exit(128 + sig);
	else
		got_term = 1;
}

void
chain_forked(void)
{
	is_child = 1;
	proc_unblock_signals();
}

/* Signals arrive only inside ppoll, so no code can be interrupted half way. */
static void
catch_signals(sigset_t *during_poll)
{
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t block;

	sigemptyset(&sa.sa_mask);
	sigaction(SIGCHLD, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	proc_ignore_sigpipe();
	sigemptyset(&block);
	sigaddset(&block, SIGCHLD);
	sigaddset(&block, SIGTERM);
	sigaddset(&block, SIGINT);
	sigprocmask(SIG_BLOCK, &block, during_poll);
}

/* A ppoll that finds a descriptor ready lets no signal in: under load, or when
 * a session's pipe hangs up before its SIGCHLD comes. */
static void
see_pending(void)
{
	sigset_t pending;

	if (sigpending(&pending) == -1)
		return;
	if (sigismember(&pending, SIGCHLD))
		got_child = 1;
	if (sigismember(&pending, SIGTERM) || sigismember(&pending, SIGINT))
		got_term = 1;
}

/* A client costs the listener up to eight descriptors: all that the hard limit
 * allows. */
static void
raise_descriptors(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		return;
	rl.rlim_cur = rl.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &rl);
}

/* To where no child places its own; the number that it had stays taken. */
static int
move_up(int fd)
{
	int up = fcntl(fd, F_DUPFD_CLOEXEC, CHAIN_FD_BASE);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (up == -1 || null == -1 || dup2(null, fd) == -1)
		log_die_errno(EX_OSERR, "dup2");
	close(null);
	return up;
}

/* Keeps every descriptor below CHAIN_FD_BASE taken, so that a child may place
 * its own there without overwriting one that it still needs. */
static void
reserve_low_descriptors(struct control *c)
{
	int fd;

	if (c->dirfd != -1 && c->dirfd < CHAIN_FD_BASE)
		c->dirfd = move_up(c->dirfd);
	do {
		if ((fd = open("/dev/null", O_RDWR | O_CLOEXEC)) == -1)
			log_die_errno(EX_OSERR, "/dev/null");
	} while (fd < CHAIN_FD_BASE);
	close(fd);
}

/* A directory below the spool that nobody else can write to. */
static void
make_directory(const struct chain *ch, const char *path, mode_t mode)
{
	struct stat st;

	if (mkdir(path, mode) == -1 && errno != EEXIST && proc_is_root())
		log_die_errno(EX_CANTCREAT, "%s: cannot be made; does the "
		    "directory of the setting spool-directory (%s) exist?",
		    path, ch->control->set.spool);
	if (proc_is_root() && (lstat(path, &st) == -1 ||
	    !S_ISDIR(st.st_mode) || st.st_uid != 0 || (st.st_mode & 022) != 0))
		log_die(EX_CONFIG, "%s: must be a directory that only root "
		    "can write to", path);
}

/* The root of processes that need no file; the files of auth. */
static void
make_directories(struct chain *ch)
{
	snprintf(ch->empty, sizeof(ch->empty), "%s/empty",
	    ch->control->set.spool);
	snprintf(ch->auth_dir, sizeof(ch->auth_dir), "%s/auth",
	    ch->control->set.spool);
	if (proc_is_root())
		make_directory(ch, ch->empty, 0555);
	if (ch->service->auth)
		make_directory(ch, ch->auth_dir, 0700);
}

/* Before there is more to poll: a full machine costs whoever comes, and nobody else. */
int
chain_room(struct chain *ch, size_t nclients, size_t nworkers)
{
	size_t want = CHAIN_LISTEN_MAX + nclients + nworkers + 1;
	struct pollfd *p;

	if (want <= ch->set_cap)
		return 0;
	if ((p = proc_private(ch->set, ch->set_cap * sizeof(*p),
	    want * sizeof(*p))) == NULL)
		return -1;
	ch->set = p;
	ch->set_cap = want;
	return 0;
}

static struct chain_client *
free_slot(struct chain *ch)
{
	struct chain_client *p;
	size_t n;

	for (size_t i = 0; i < ch->nclients; i++)
		if (!ch->clients[i].used)
			return memset(&ch->clients[i], 0, sizeof(*p));
	n = ch->nclients == 0 ? 16 : ch->nclients * 2;
	if (chain_room(ch, n, ch->nworkers) == -1 ||
	    (p = proc_private(ch->clients, ch->nclients * sizeof(*p),
	    n * sizeof(*p))) == NULL)
		return NULL;
	ch->clients = p;
	p += ch->nclients;
	ch->nclients = n;
	return p;
}

/* Serves what fd 0 (and 1) is: the exit code so far. */
static int
serve_one(struct chain *ch)
{
	bool socket = listen_kind(0) == LISTEN_CONNECTED;
	struct chain_client *cl = free_slot(ch);
	int in, out;

	if (cl == NULL)
		return EX_TEMPFAIL;
	listen_peer(0, &cl->conn);
	in = move_up(0);
	out = socket ? in : move_up(1);
	return client_start(ch, cl, in, out) == -1 ? EX_TEMPFAIL : EX_OK;
}

/* Clients whose addresses begin as peer's does: in all of v4 or v6 bytes, for
 * IPv4 those of the mapped address. */
static size_t
count_from(const struct chain *ch, const struct in6_addr *peer, size_t v4,
    size_t v6)
{
	size_t n = 0, same = IN6_IS_ADDR_V4MAPPED(peer) ? v4 : v6;

	for (size_t i = 0; i < ch->nclients; i++)
		if (ch->clients[i].used && memcmp(&ch->clients[i].conn.peer_in6,
		    peer, same) == 0)
			n++;
	return n;
}

/* In clear only to who speaks it: a TLS client would take it for nonsense. */
static void
refuse(const struct chain *ch, const char *line, int fd,
    const struct conn *conn, const char *why)
{
	struct log l;

	/* The socket's buffer is empty, so this does not wait. */
	if (!ch->options->implicit_tls)
		(void)file_write_all(fd, line, strlen(line));
	log_begin(&l, "reject");
	log_str(&l, "peer", conn->peer_text);
	log_text(&l, "%s", why);
	log_end(&l);
	close(fd);
}

void
chain_not_configured(const struct chain_service *service,
    const struct chain_options *opt)
{
	enum listen_kind kind = listen_kind(0);

	if (opt->nlisten > 0 || opt->implicit_tls || kind == LISTEN_LISTENER)
		return;
	(void)file_write_all(kind == LISTEN_CONNECTED ? 0 : 1, service->broken,
	    strlen(service->broken));
}

/* What sessions inherit and the control files decide. */
static void
settle(struct chain *ch)
{
	if (ch->service->place != NULL)
		ch->service->place(ch->control, client_kept(ch));
	for (size_t i = 0; i < ch->nlisteners; i++)
		listen_timeout(ch->listeners[i],
		    ch->control->set.command_timeout);
	sandbox_measure();
}

/* An edit of a control file is live for the next connection. */
static void
refresh(struct chain *ch)
{
	int r = control_refresh(ch->control);

	if (r == -1)
		log_warn("%s", ch->control->error);
	if (r != 0) {
		ch->broken = r == -1;
		auth_retire(ch);
	}
	if (r == 1 && ch->service->prepare != NULL)
		ch->broken = ch->service->prepare(ch->control) != 0;
	if (r == 1)
		settle(ch);
}

/*
 * NULL, or which limit keeps this client out.  One client is an IPv4 address, or
 * an IPv6 network of 64 bits, all of whose addresses one machine may use (RFC
 * 4291 section 2.5.1); a network is 24 or 48 bits (RFC 6177 section 2).
 */
const char *
chain_over_limit(const struct chain *ch, const struct in6_addr *peer)
{
	const struct settings *set = &ch->control->set;
	unsigned network = set->network_connections;

	if (count_from(ch, peer, 16, 8) >= set->client_connections)
		return "limit reached: client-connection-limit";
	if (network < set->client_connections)
		network = set->client_connections;
	if (count_from(ch, peer, 15, 6) >= network)
		return "limit reached: network-connection-limit";
	return NULL;
}

static void
serve_new(struct chain *ch, int fd, const struct sockaddr_storage *peer)
{
	struct chain_client *cl;
	struct conn conn;
	const char *limit;

	memset(&conn, 0, sizeof(conn));
	listen_peer_from(peer, &conn);
	refresh(ch);
	if (ch->broken) {
		refuse(ch, ch->service->broken, fd, &conn,
		    "the control files do not load: run posthouse check");
		return;
	}
	limit = ch->used >= ch->control->set.connections ?
	    "limit reached: connection-limit" : NULL;
	/* One that speaks for others is many clients; each is counted later. */
	if (limit == NULL &&
	    control_proxy(ch->control, &conn.peer_in6) == PROXY_NONE)
		limit = chain_over_limit(ch, &conn.peer_in6);
	if (limit != NULL) {
		refuse(ch, ch->service->busy, fd, &conn, limit);
		return;
	}
	if ((cl = free_slot(ch)) == NULL) {
		refuse(ch, ch->service->busy, fd, &conn, "out of memory");
		return;
	}
	cl->conn = conn;
	if (ch->inherits == UNKNOWN)
		ch->inherits = listen_has_timeout(fd,
		    ch->control->set.command_timeout) ? YES : NO;
	(void)client_start(ch, cl, fd, fd);
}

/* false: nobody can be accepted for a while, and trying on would only spin. */
static bool
accept_one(struct chain *ch, int listener)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	int fd;

	memset(&peer, 0, sizeof(peer));
	fd = accept4(listener, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC);
	if (fd != -1)
		serve_new(ch, fd, &peer);
	else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		log_warn_errno("accept");
		return false;
	}
	return true;
}

static void
reap(struct chain *ch)
{
	int status;
	pid_t pid;

	got_child = 0;
	while (ch->children > 0 &&
	    (pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (auth_reaped(ch, pid, status)) {
			ch->children--;
			continue;
		}
		for (size_t i = 0; i < ch->nclients; i++) {
			struct chain_client *cl = &ch->clients[i];
			int p = 0;

			while (p < PROC_N && (!cl->used || cl->pid[p] != pid))
				p++;
			if (p == PROC_N)
				continue;
			ch->children--;
			client_reaped(ch, cl, (enum chain_process)p, status);
			break;
		}
	}
}

/* Clients whose session may hand in a credential. */
static bool
wants_auth(const struct chain *ch, const struct chain_client *cl)
{
	return cl->used && cl->slot != -1 && cl->pid[PROC_SESSION] != 0 &&
	    cl->account[0] == '\0' && !auth_busy(ch, cl);
}

/*
 * The listeners first, then the credential pipes; last what tells of edits.  An
 * edit from before a client came is seen with it: poll looks at them in
 * this order.  One is enough to know until the next client.
 */
static size_t
poll_fill(struct chain *ch, const int *fds, size_t nfds)
{
	struct pollfd *set = ch->set;
	size_t n = 0;

	for (size_t i = 0; i < nfds; i++)
		set[n++] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	for (size_t i = 0; i < ch->nworkers; i++)
		if (ch->workers[i].pid != 0)
			set[n++] = (struct pollfd){
			    .fd = ch->workers[i].told, .events = POLLIN };
	for (size_t i = 0; i < ch->nclients; i++)
		if (wants_auth(ch, &ch->clients[i]))
			set[n++] = (struct pollfd){
			    .fd = auth_slot(ch, &ch->clients[i])->cred_in,
			    .events = POLLIN };
	set[n++] = (struct pollfd){ .fd = ch->control->told ? -1 :
	    ch->control->watch, .events = POLLIN };
	return n;
}

/* A credential is there. */
static void
credential_ready(struct chain *ch, int fd)
{
	for (size_t i = 0; i < ch->nclients; i++) {
		struct chain_client *cl = &ch->clients[i];

		if (wants_auth(ch, cl) && auth_slot(ch, cl)->cred_in == fd) {
			client_start_auth(ch, cl);
			return;
		}
	}
}

/* Ends the sessions, which all had their answers for what they acknowledged. */
static void
end_clients(struct chain *ch)
{
	for (size_t i = 0; i < ch->nclients; i++)
		for (int p = 0; p < PROC_N; p++)
			if (ch->clients[i].used && ch->clients[i].pid[p] != 0)
				kill(ch->clients[i].pid[p], SIGTERM);
	for (size_t i = 0; i < ch->nworkers; i++)
		if (ch->workers[i].pid != 0)
			kill(ch->workers[i].pid, SIGTERM);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

/* full: no descriptor or no memory was left, so those who wait are looked at again
 * in a second.  How many are ready. */
static int
wait_events(struct pollfd *set, size_t n, bool full, const sigset_t *during)
{
	static const struct timespec second = { .tv_sec = 1 };
	int r = ppoll(set, (nfds_t)n, full ? &second : NULL, during);

	if (r == -1 && errno == ENOMEM) {
		(void)nanosleep(&second, NULL);
		see_pending();
	} else if (r == -1 && errno != EINTR)
		log_die_errno(EX_OSERR, "ppoll");
	return r;
}

/* Until SIGTERM, or (nfds 0) until the only client has gone. */
static void
serve_loop(struct chain *ch, const int *fds, size_t nfds,
    const sigset_t *during_poll)
{
	bool full = false;	/* no descriptor, no memory */
	unsigned turns = 0;

	while (!got_term && (nfds > 0 || ch->used > 0)) {
		size_t n = poll_fill(ch, fds, nfds);
		int r;

		for (size_t i = 0; full && i < nfds; i++)
			ch->set[i].fd = -1;
		r = wait_events(ch->set, n, full, during_poll);
		full = false;
		if (r > 0 && ch->set[n - 1].revents != 0) {
			ch->control->told = true;
			n--;
		}
		if (r > 0 && ++turns % PENDING_TURNS == 0)
			see_pending();
		/* A new client may move the set. */
		for (size_t i = 0; r > 0 && i < n; i++) {
			int fd = ch->set[i].fd;

			if (ch->set[i].revents == 0)
				continue;
			if (i < nfds)
				full = !accept_one(ch, fd) || full;
			else if (!auth_told(ch, fd))
				credential_ready(ch, fd);
		}
		/* Last: it frees descriptors whose numbers set still holds. */
		if (got_child)
			reap(ch);
	}
	if (got_term)
		end_clients(ch);
}

static size_t
open_listeners(const struct chain_options *opt, int *fds)
{
	char error[256];
	size_t n = 0;

	for (size_t i = 0; i < opt->nlisten; i++)
		if (listen_open(opt->listen[i], fds, &n, CHAIN_LISTEN_MAX, error,
		    sizeof(error)) == -1)
			log_die(EX_UNAVAILABLE, "%s", error);
	if (n == 0 && listen_kind(0) == LISTEN_LISTENER)
		fds[n++] = 0;
	for (size_t i = 0; i < n; i++)
		listen_prepare(fds[i]);
	return n;
}

/* The other places than the first, as they were given. */
static void
also_on(const struct chain_options *opt, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 1; i < opt->nlisten && n < size; i++)
		n += (size_t)snprintf(out + n, size - n, "%s%s",
		    i == 1 ? ", also on " : " ", opt->listen[i]);
}

static void
log_start(const struct chain *ch, size_t nfds)
{
	char also[300];
	struct log l;

	log_begin(&l, "start");
	also_on(ch->options, also, sizeof(also));
	if (ch->options->nlisten > 0) {
		char spec[300];

		listen_name(ch->options->listen[0], ch->listeners[0], spec,
		    sizeof(spec));
		log_str(&l, "peer", spec);
	}
	log_text(&l, "%s%s%s%s", nfds > 0 ? "listening" : "one session",
	    !ch->has_tls ? ", no TLS (no tls/cert.pem)" : "",
	    !proc_is_root() ? ", not root: every process keeps this user" : "",
	    also);
	log_end(&l);
}

int
chain_run(const struct chain_service *service, struct control *control,
    const struct chain_options *options)
{
	static SMALL struct chain ch;
	int code = EX_OK;
	sigset_t during_poll;
	size_t nfds;

	ch.service = service;
	ch.control = control;
	ch.options = options;
	reserve_low_descriptors(control);
	chain_tls_begin(&ch, options->nlisten > 0 ||
	    listen_kind(0) == LISTEN_LISTENER);
	if (service->prepare != NULL && service->prepare(control) != 0)
		return EX_CONFIG;
	ch.nlisteners = nfds = open_listeners(options, ch.listeners);
	raise_descriptors();
	/* With auth, a checkpassword program may need privileges of its own. */
	if (!service->auth && sandbox_no_new_privs() == -1)
		log_die_errno(EX_OSERR, "no_new_privs");
	if (chain_room(&ch, 0, 0) == -1)
		log_die(EX_TEMPFAIL, "out of memory");
	make_directories(&ch);
	settle(&ch);
	catch_signals(&during_poll);
	log_start(&ch, nfds);
	if (nfds > 0) {
		proc_settle();
		control_follow(control);
		control_polled(control);
	}
	else
		code = serve_one(&ch);
	serve_loop(&ch, ch.listeners, nfds, &during_poll);
	if (nfds == 0 && code == EX_OK)
		code = ch.clients[0].exit_code;
	if (ch.server != NULL)
		ch.tls->server_free(ch.server);
	free(ch.slots);
	free(ch.workers);
	return code;
}
