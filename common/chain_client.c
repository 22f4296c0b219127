/*
 * The processes of one client: which follows which, what each is given, and
 * how each gives up its privileges.  Runs in the listener, so it reads nothing
 * that a client sent: exit codes of the sessions, and the one line that our own
 * auth process writes.
 */
#include "chain_client.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "ex.h"
#include "file.h"
#include "limits.h"
#include "listen.h"
#include "log.h"
#include "netio.h"
#include "proc.h"
#include "proxy.h"

/* In every child, descriptors below CHAIN_FD_BASE are free (chain.c keeps them
 * so), and dup2 to them never overwrites one that is still needed. */
#define FD_CRED		3	/* session: to auth; mailbox: what its session has left */
#define FD_VERDICT	4
#define FD_FACTS	5	/* tls: to auth */
#define FD_NEXT_OUT	FD_VERDICT	/* mailbox: to the next session */
#define FD_LEFT		5	/* session: to its mailbox */
#define FD_FIRST_IN	6	/* session: from the mailbox before it */

static const int proxy_calls[] = { -1 };
static const struct sandbox_role proxy_role = {
	.name = "proxy header", .syscalls = proxy_calls,
	.memory = CHAIN_PROXY_MEMORY, .files = 16, .no_fork = true,
};

static void
close_fd(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

/* A child's own: of the client that it serves. */
static struct tls_facts told_facts;

static pid_t
forked(struct chain *ch, pid_t pid)
{
	if (pid > 0)
		ch->children++;
	return pid;
}

pid_t
client_fork(struct chain *ch)
{
	return forked(ch, proc_fork());
}

/* The client's own descriptors: a socket is both. */
static void
close_client(struct chain_client *cl)
{
	if (cl->sock_out != cl->sock_in)
		close_fd(&cl->sock_out);
	cl->sock_out = -1;
	close_fd(&cl->sock_in);
}

static void
client_forget(struct chain *ch, struct chain_client *cl)
{
	close_client(cl);
	auth_slot_return(ch, cl);
	close_fd(&cl->plain_in);
	close_fd(&cl->plain_out);
	close_fd(&cl->left_in);
	close_fd(&cl->left_out);
	close_fd(&cl->next_in);
	close_fd(&cl->proxy_in);
	close_fd(&cl->facts_in);
	close_fd(&cl->facts_out);
	for (int p = 0; p < PROC_N; p++)
		if (cl->pid[p] != 0)
			return;		/* tls may still be sending */
	if (cl->used)
		ch->used--;
	cl->used = false;
}

/* A copy at the place a child expects it; the listener's own is closed by
 * closefrom.  Descriptor 2 is the log and never moves. */
static void
place(int from, int to)
{
	if (from != to && dup2(from, to) == -1)
		log_die_errno(EX_OSERR, "dup2");
}

int
client_kept(const struct chain *ch)
{
	return ch->service->mailbox != NULL ? FD_LEFT + 1 :
	    ch->service->auth ? FD_VERDICT + 1 : FD_CRED;
}

void
client_child_begin(int in, int out)
{
	log_forked();
	chain_forked();
	place(in, 0);
	if (out != in)
		place(out, 1);
}

void
client_child(int in, int out, int third, int fourth, int fifth)
{
	client_child_begin(in, out);
	if (third != -1)
		place(third, FD_CRED);
	if (fourth != -1)
		place(fourth, FD_VERDICT);
	if (fifth != -1)
		place(fifth, FD_FACTS);
	proc_close_from(fifth != -1 ? 6 : fourth != -1 ? 5 : third != -1 ? 4 :
	    3);
}

void
client_enter(struct chain *ch, const struct sandbox_role *role,
    const char *root, const struct ids *ids, const struct sandbox_path *paths,
    size_t n)
{
	if (sandbox_enter(role, root, ids, paths, n,
	    !ch->control->set.sandbox) == -1)
		log_die_errno(EX_OSERR, "%s: cannot give up privileges",
		    role->name);
}

static void
session_child(struct chain *ch, struct chain_client *cl, int in, int out)
{
	static const struct sandbox_path nothing[1];
	const struct chain_service *s = ch->service;
	struct conn *conn = &cl->conn;
	struct ids ids = ch->control->set.net_user;
	const char *root = s->chroot_spool ? ch->control->set.spool :
	    ch->empty;
	const struct auth_slot *slot = auth_slot(ch, cl);
	int code;

	client_child_begin(in, out);
	if (slot != NULL) {
		place(slot->cred_out, FD_CRED);
		place(slot->verdict_in, FD_VERDICT);
	}
	if (cl->left_out != -1)
		place(cl->left_out, FD_LEFT);
	if (cl->next_in != -1)
		place(cl->next_in, FD_FIRST_IN);
	proc_close_from(cl->next_in != -1 ? FD_FIRST_IN + 1 :
	    client_kept(ch) + (int)s->kept);
	conn->first_in = cl->next_in != -1 ? FD_FIRST_IN : 0;
	conn->in = 0;
	conn->out = in == out ? 0 : 1;
	conn->auth_out = slot != NULL ? FD_CRED : -1;
	conn->auth_in = slot != NULL ? FD_VERDICT : -1;
	conn->left_out = cl->left_out != -1 ? FD_LEFT : -1;
	if (ch->inherits == YES && !conn->tls && !cl->proxied)
		netio_has_timeout(0, ch->control->set.command_timeout);
	if (s->before != NULL && (code = s->before(ch->control, conn)) != 0)
		_exit(code);
	if (s->chroot_spool)		/* it writes there, and lists nothing */
		ids.gid = ch->control->set.spool_group;
	client_enter(ch, s->session_role, root, &ids,
	    s->chroot_spool ? NULL : nothing, 0);
	conn->facts = &told_facts;
	if (conn->tls && tls_read_facts(conn->first_in, &told_facts) == -1)
		_exit(EX_OK);		/* the tls process has said why */
	_exit(s->session(ch->control, conn));
}

static int
client_start_session(struct chain *ch, struct chain_client *cl)
{
	int in = cl->conn.tls ? cl->plain_in : cl->sock_in;
	int out = cl->conn.tls ? cl->plain_out : cl->sock_out;
	struct chain_client own = *cl;
	pid_t pid = client_fork(ch);

	if (pid == 0)
		session_child(ch, &own, in, out);
	if (pid == -1) {
		log_warn_errno("cannot start a session: raise the limit of "
		    "processes, or lower the setting connections");
		return -1;
	}
	cl->pid[PROC_SESSION] = pid;
	close_fd(&cl->left_out);
	close_fd(&cl->next_in);
	if (!cl->conn.tls && !cl->conn.can_tls &&
	    ch->service->mailbox == NULL)
		close_client(cl);	/* nobody will ask for it again */
	return 0;
}

static void
tls_child(struct chain *ch, struct chain_client *cl, int plain_in,
    int plain_out)
{
	client_child(cl->sock_in, cl->sock_out, plain_in, plain_out,
	    cl->facts_out);
	_exit(ch->tls->serve(ch->server, ch->control, &cl->conn, 0,
	    cl->sock_in == cl->sock_out ? 0 : 1, FD_CRED, FD_VERDICT,
	    cl->facts_out != -1 ? FD_FACTS : -1, ch->empty));
}

/* One pipe each way between tls and the session; one that holds what tls tells
 * auth, of which the session gets neither end. */
static int
client_start_tls(struct chain *ch, struct chain_client *cl)
{
	int up[2], down[2];	/* up: to the session; down: from it */
	int facts[2];
	struct chain_client own;
	pid_t pid;

	if (chain_tls_ready(ch) == -1)
		return -1;
	if (ch->service->auth) {
		if (pipe2(facts, O_CLOEXEC | O_NONBLOCK) == -1)
			return -1;
		cl->facts_in = facts[0];
		cl->facts_out = facts[1];
	}
	if (pipe2(up, O_CLOEXEC) == -1)
		return -1;
	/* A write to it must end when the client reads nothing: netio waits. */
	if (pipe2(down, O_CLOEXEC | O_NONBLOCK) == -1) {
		close(up[0]);
		close(up[1]);
		return -1;
	}
	own = *cl;
	if ((pid = forked(ch, fork())) == 0)
		tls_child(ch, &own, down[0], up[1]);
	close(down[0]);
	close(up[1]);
	cl->plain_in = up[0];
	cl->plain_out = down[1];
	if (pid == -1)
		return -1;
	cl->pid[PROC_TLS] = pid;
	close_client(cl);
	cl->conn.tls = true;
	cl->conn.can_tls = false;
	return 0;
}

/* The ways to auth and to the mailbox. */
static int
make_ways(struct chain *ch, struct chain_client *cl)
{
	int left[2];

	if (ch->service->auth && auth_slot_take(ch, cl) == -1)
		return -1;
	if (ch->service->mailbox == NULL)
		return 0;
	if (pipe2(left, O_CLOEXEC) == -1)
		return -1;
	cl->left_in = left[0];
	cl->left_out = left[1];
	return 0;
}

/* A session, or a tls process and a session behind it. */
static int
client_begin(struct chain *ch, struct chain_client *cl, bool tls)
{
	if (make_ways(ch, cl) == -1)
		return -1;
	if (tls && client_start_tls(ch, cl) == -1)
		return -1;
	return client_start_session(ch, cl);
}

/* Says so where the client could read it. */
static void
client_refuse(struct chain *ch, struct chain_client *cl)
{
	if (cl->sock_out != -1 && !ch->options->implicit_tls)
		(void)file_write_all(cl->sock_out, ch->service->busy,
		    strlen(ch->service->busy));
}

/* The header is read by a process that can do nothing else, for the bytes come
 * from outside. */
static int
client_start_proxy(struct chain *ch, struct chain_client *cl)
{
	static const struct sandbox_path nothing[1];
	int told[2], in = cl->sock_in;
	pid_t pid;

	if (pipe2(told, O_CLOEXEC) == -1)
		return -1;
	if ((pid = client_fork(ch)) == 0) {
		client_child(in, told[1], -1, -1, -1);
		client_enter(ch, &proxy_role, ch->empty,
		    &ch->control->set.net_user, nothing, 0);
		_exit(proxy_serve(0, 1));
	}
	close(told[1]);
	cl->proxy_in = told[0];
	cl->proxied = true;
	if (pid == -1)
		return -1;
	cl->pid[PROC_PROXY] = pid;
	return 0;
}

int
client_start(struct chain *ch, struct chain_client *cl, int in, int out)
{
	int r;

	cl->sock_in = in;
	cl->sock_out = out;
	cl->plain_in = cl->plain_out = cl->proxy_in = -1;
	cl->next_in = cl->left_in = cl->left_out = -1;
	cl->facts_in = cl->facts_out = -1;
	cl->slot = -1;
	cl->conn.can_tls = !ch->options->implicit_tls && chain_tls_offered(ch);
	cl->conn.variant = ch->options->variant;
	random_id(cl->conn.sid);
	cl->conn.sid[CHAIN_SID_LEN] = '\0';
	cl->used = true;
	ch->used++;
	r = control_proxy(ch->control, &cl->conn.peer_in6) == PROXY_HEADER ?
	    client_start_proxy(ch, cl) :
	    client_begin(ch, cl, ch->options->implicit_tls);
	if (r == -1) {
		client_refuse(ch, cl);
		client_forget(ch, cl);
	}
	return r;
}

static void
log_proxied(const struct chain_client *cl, const char *text)
{
	struct log l;

	log_begin(&l, "reject");
	log_str(&l, "sid", cl->conn.sid);
	log_str(&l, "peer", cl->conn.peer_text);
	log_text(&l, "%s", text);
	log_end(&l);
}

/* Our own proxy process has ended, and has written one line if there was a
 * header: the client begins, under its own address. */
static void
proxy_ended(struct chain *ch, struct chain_client *cl, int code)
{
	char line[PROXY_LINE_MAX];
	ssize_t n = code == 0 ? read(cl->proxy_in, line, sizeof(line)) : -1;
	const char *wrong = NULL;
	struct proxy p;

	close_fd(&cl->proxy_in);
	if (n <= 0 || proxy_line_parse(span_of(line, (size_t)n), &p) == -1)
		wrong = "no PROXY header from a machine that the file proxies "
		    "names";
	else if (p.known && (wrong = chain_over_limit(ch, &p.client)) == NULL)
		listen_peer_told(&p.client, p.port, &cl->conn);
	if (wrong != NULL)
		log_proxied(cl, wrong);
	if (wrong != NULL && code == 0)
		client_refuse(ch, cl);
	if (wrong == NULL)
		(void)client_begin(ch, cl, ch->options->implicit_tls);
}

static void
log_missing(const struct control *c, const struct account *a)
{
	if (account_has_place(c, a))
		log_warn_errno("%s: cannot be made", a->maildir);
	else
		log_warn("the mail directory %s is missing; mount it, make it, "
		    "or name another in settings", c->set.mail);
}

static void
mailbox_child(struct chain *ch, struct chain_client *cl, int next_out)
{
	const struct chain_service *s = ch->service;
	int in = cl->conn.tls ? cl->plain_in : cl->sock_in;
	int out = cl->conn.tls ? cl->plain_out : cl->sock_out;
	struct account account;
	struct sandbox_path own = { account.maildir,
	    SANDBOX_READ | SANDBOX_WRITE | SANDBOX_DIR };
	const struct sandbox_path *paths = &own;
	size_t n = 1;

	client_child(in, out, cl->left_in, next_out, -1);
	cl->conn.next_out = next_out != -1 ? FD_NEXT_OUT : 0;
	cl->conn.facts = &told_facts;
	cl->conn.in = 0;
	cl->conn.out = in == out ? 0 : 1;
	cl->conn.auth_in = cl->conn.auth_out = cl->conn.left_out = -1;
	if (account_find(ch->control, cl->account, &account) == -1)
		log_die_errno(EX_NOUSER, "%s: no such account in users",
		    cl->account);
	account.missing = access(account.maildir, F_OK) == -1 &&
	    account_make(ch->control, &account) == -1;
	if (account.missing)
		log_missing(ch->control, &account);
	if (s->reach != NULL) {
		/* What other accounts have written must not be read by root. */
		if (proc_become(&account.owner) == -1)
			log_die_errno(EX_OSERR, "%s: cannot become the owner",
			    account.maildir);
		n = s->reach(ch->control, &account, &paths);
	}
	client_enter(ch, s->mailbox_role, NULL, &account.owner, paths, n);
	_exit(s->mailbox(ch->control, &cl->conn, &account, FD_CRED));
}

static void
log_user_limit(const struct chain_client *cl)
{
	struct log l;

	log_begin(&l, "warn");
	log_str(&l, "sid", cl->conn.sid);
	log_str(&l, "peer", cl->conn.peer_text);
	log_addr(&l, "user", span_str(cl->account));
	log_text(&l, "limit reached: user-connection-limit; this session, the "
	    "oldest, makes way");
	log_end(&l);
}

/* The setting user-connection-limit: whoever logs in is let in, and the user's
 * oldest session ends, which is most often one that its client has forgotten. */
static void
make_way(const struct chain *ch, const struct chain_client *cl)
{
	struct chain_client *oldest = NULL;
	unsigned n = 0;

	for (size_t i = 0; i < ch->nclients; i++) {
		struct chain_client *p = &ch->clients[i];

		if (!p->used || p->pid[PROC_MAILBOX] == 0 || p->makes_way ||
		    strcmp(p->account, cl->account) != 0)
			continue;
		n++;
		if (oldest == NULL || p->login < oldest->login)
			oldest = p;
	}
	if (n < ch->control->set.user_connections)
		return;
	log_user_limit(oldest);
	oldest->makes_way = true;
	kill(oldest->pid[PROC_MAILBOX], SIGTERM);
}

/* Nobody will log in once more: only the mailbox and tls have the client now. */
static void
keep_nothing(struct chain_client *cl)
{
	close_fd(&cl->facts_in);
	close_fd(&cl->facts_out);
	close_fd(&cl->plain_in);
	close_fd(&cl->plain_out);
	close_client(cl);
}

static int
client_start_mailbox(struct chain *ch, struct chain_client *cl)
{
	int next[2] = { -1, -1 };
	struct chain_client own;
	pid_t pid;

	make_way(ch, cl);
	if (ch->service->returns && pipe2(next, O_CLOEXEC) == -1)
		log_warn_errno("no way back from a mailbox");
	cl->next_in = next[0];
	own = *cl;
	if ((pid = client_fork(ch)) == 0)
		mailbox_child(ch, &own, next[1]);
	close_fd(&next[1]);
	if (pid == -1) {
		log_warn_errno("cannot start a mailbox process");
		return -1;
	}
	cl->pid[PROC_MAILBOX] = pid;
	cl->makes_way = false;
	cl->login = ++ch->logins;
	cl->handover = false;
	close_fd(&cl->left_in);
	if (cl->next_in == -1)
		keep_nothing(cl);
	return 0;
}

void
client_log_death(const struct chain_client *cl, const char *name, int status)
{
	struct log l;

	if (!WIFSIGNALED(status))
		return;
	log_begin(&l, "warn");
	log_str(&l, "sid", cl->conn.sid);
	log_str(&l, "peer", cl->conn.peer_text);
	log_text(&l, "%s process ended by signal %d%s", name,
	    WTERMSIG(status), WTERMSIG(status) == SIGSYS ?
	    " (a system call that its role does not allow)" : "");
	log_end(&l);
}

/* What the next session is given is new. */
static void
end_session(struct chain *ch, struct chain_client *cl)
{
	auth_slot_return(ch, cl);
	close_fd(&cl->left_in);
	close_fd(&cl->left_out);
}

/* The session asked for TLS by its exit code: a tls process, and behind it a
 * new session that knows nothing of what the old one read. */
static int
client_restart_tls(struct chain *ch, struct chain_client *cl)
{
	if (!cl->conn.can_tls || cl->conn.tls)
		return -1;
	end_session(ch, cl);
	cl->account[0] = '\0';	/* the login did not come through TLS */
	cl->conn.after_starttls = true;
	return client_begin(ch, cl, true);
}

static void
session_ended(struct chain *ch, struct chain_client *cl, int code)
{
	if (code == CHAIN_EXIT_STARTTLS)
		(void)client_restart_tls(ch, cl);
	if (code != CHAIN_EXIT_MAILBOX || ch->service->mailbox == NULL)
		return;
	cl->handover = true;		/* auth may not have been heard yet */
	if (cl->account[0] != '\0')
		(void)client_start_mailbox(ch, cl);
	if (!auth_busy(ch, cl))
		auth_slot_return(ch, cl);
}

/* The client is nobody again. */
static void
mailbox_ended(struct chain *ch, struct chain_client *cl, int code)
{
	if (code != CHAIN_EXIT_SESSION || cl->next_in == -1)
		return;
	end_session(ch, cl);
	cl->account[0] = '\0';
	cl->conn.after_starttls = true;
	(void)client_begin(ch, cl, false);
}

/* Nobody works for the client any more, or will. */
static void
client_settle(struct chain *ch, struct chain_client *cl)
{
	if (cl->pid[PROC_SESSION] == 0 && cl->pid[PROC_MAILBOX] == 0 &&
	    !(cl->handover && auth_busy(ch, cl)))
		client_forget(ch, cl);
}

void
client_auth_told(struct chain *ch, struct chain_client *cl)
{
	if (cl->handover && cl->account[0] != '\0')
		(void)client_start_mailbox(ch, cl);
	if (cl->pid[PROC_SESSION] != 0)
		return;
	auth_slot_return(ch, cl);
	client_settle(ch, cl);
}

void
client_reaped(struct chain *ch, struct chain_client *cl,
    enum chain_process p, int status)
{
	static const char *const name[PROC_N] = { "session", "tls", "mailbox",
	    "proxy header" };
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;

	cl->pid[p] = 0;
	client_log_death(cl, name[p], status);
	if (p == PROC_SESSION || p == PROC_MAILBOX)
		cl->exit_code = code;
	if (p == PROC_PROXY)
		proxy_ended(ch, cl, code);
	if (p == PROC_SESSION)
		session_ended(ch, cl, code);
	if (p == PROC_MAILBOX)
		mailbox_ended(ch, cl, code);
	client_settle(ch, cl);
}
