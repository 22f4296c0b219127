/*
 * The listener's side of auth.  A session is given a slot: a pipe for its
 * credential and one for the verdict.  An auth process (chain_worker.c) is forked when
 * a credential comes and none is idle that knows the slot; it serves one session
 * at a time, and ends when nothing has come for AUTH_LINGER seconds.  Runs in the
 * listener: reads what its own auth processes say, and no byte of a session.
 */
#include "chain_client.h"

#include <sys/ioctl.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "fmt.h"
#include "log.h"

#define NONE	SIZE_MAX

static void
slot_close(struct auth_slot *s)
{
	if (s->made == 0)
		return;
	close(s->cred_in);
	close(s->cred_out);
	close(s->verdict_in);
	close(s->verdict_out);
	memset(s, 0, sizeof(*s));
}

static int
slot_open(struct chain *ch, struct auth_slot *s)
{
	int cred[2], verdict[2];

	if (pipe2(cred, O_CLOEXEC) == -1)
		return -1;
	if (pipe2(verdict, O_CLOEXEC) == -1) {
		close(cred[0]);
		close(cred[1]);
		return -1;
	}
	*s = (struct auth_slot){ .cred_in = cred[0], .cred_out = cred[1],
	    .verdict_in = verdict[0], .verdict_out = verdict[1],
	    .made = ++ch->auth_births };
	return 0;
}

/* One that is open, else one that has room. */
static struct auth_slot *
slot_free(struct chain *ch)
{
	struct auth_slot *p, *empty = NULL;
	size_t n = ch->nslots == 0 ? 16 : ch->nslots * 2;

	for (size_t i = 0; i < ch->nslots; i++) {
		p = &ch->slots[i];
		if (!p->used && p->made != 0)
			return p;
		if (!p->used && empty == NULL)
			empty = p;
	}
	if (empty != NULL)
		return empty;
	if ((p = reallocarray(ch->slots, n, sizeof(*p))) == NULL)
		return NULL;
	memset(p + ch->nslots, 0, (n - ch->nslots) * sizeof(*p));
	ch->slots = p;
	p += ch->nslots;
	ch->nslots = n;
	return p;
}

int
auth_slot_take(struct chain *ch, struct chain_client *cl)
{
	struct auth_slot *s = slot_free(ch);

	if (s == NULL || (s->made == 0 && slot_open(ch, s) == -1))
		return -1;
	s->used = true;
	cl->slot = (int)(s - ch->slots);
	return 0;
}

struct auth_slot *
auth_slot(const struct chain *ch, const struct chain_client *cl)
{
	return cl->slot == -1 ? NULL : &ch->slots[cl->slot];
}

static struct auth_worker *
worker_of(const struct chain *ch, const struct chain_client *cl)
{
	for (size_t i = 0; i < ch->nworkers; i++)
		if (ch->workers[i].pid != 0 &&
		    ch->workers[i].client == (size_t)(cl - ch->clients))
			return &ch->workers[i];
	return NULL;
}

bool
auth_busy(const struct chain *ch, const struct chain_client *cl)
{
	return worker_of(ch, cl) != NULL;
}

/* It sees the end of its requests, and ends when it has served the one it has. */
static void
worker_retire(struct auth_worker *w)
{
	if (w->ask != -1)
		close(w->ask);
	w->ask = -1;
}

void
auth_retire(struct chain *ch)
{
	for (size_t i = 0; i < ch->nworkers; i++)
		if (ch->workers[i].pid != 0)
			worker_retire(&ch->workers[i]);
}

/* What is in a pipe was for the session that has gone: nobody else may find it. */
static bool
slot_clean(const struct auth_slot *s)
{
	int cred = -1, verdict = -1;

	return ioctl(s->cred_in, FIONREAD, &cred) == 0 && cred == 0 &&
	    ioctl(s->verdict_in, FIONREAD, &verdict) == 0 && verdict == 0;
}

void
auth_slot_return(struct chain *ch, struct chain_client *cl)
{
	struct auth_worker *w = worker_of(ch, cl);
	struct auth_slot *s = auth_slot(ch, cl);

	if (w != NULL) {		/* it would wait for the session for ever */
		kill(w->pid, SIGTERM);
		worker_retire(w);
		w->client = NONE;
	}
	cl->slot = -1;
	if (s == NULL)
		return;
	s->used = false;
	if (w != NULL || !slot_clean(s))
		slot_close(s);
}

/*
 * An auth process that could not do its work may have left the credential in
 * the pipe, and another would fail as it did, again and again; or it has read it
 * and the session would wait for ever.  So the session sees the end of both
 * pipes, once no auth process has them, and answers 4xx.
 */
static void
auth_failed(struct chain *ch, struct chain_client *cl)
{
	struct auth_slot *s = auth_slot(ch, cl);

	auth_retire(ch);
	cl->slot = -1;
	if (s != NULL)
		slot_close(s);
}

/* Has what an auth process holds open been replaced since the last one began? */
static bool
files_changed(struct chain *ch)
{
	struct auth_stamp now;
	char path[512];
	struct stat st;
	bool changed;

	memset(&now, 0, sizeof(now));
	fmt_print(path, sizeof(path), "%s/passwords", ch->control->dir);
	if (stat(path, &st) == 0) {
		now.passwords = st.st_ino;
		now.size = st.st_size;
		now.mtime = st.st_mtim;
	}
	fmt_print(path, sizeof(path), "%s/guesses", ch->auth_dir);
	if (stat(path, &st) == 0)
		now.guesses = st.st_ino;
	if (ch->control->system_passwords && stat("/etc/shadow", &st) == 0)
		now.shadow = st.st_ino;
	changed = memcmp(&now, &ch->auth_stamp, sizeof(now)) != 0;
	ch->auth_stamp = now;
	return changed;
}

static struct auth_worker *
worker_free(struct chain *ch)
{
	size_t n = ch->nworkers == 0 ? 4 : ch->nworkers * 2;
	struct auth_worker *p;

	for (size_t i = 0; i < ch->nworkers; i++)
		if (ch->workers[i].pid == 0)
			return &ch->workers[i];
	if (chain_room(ch, ch->nclients, n) == -1 ||
	    (p = reallocarray(ch->workers, n, sizeof(*p))) == NULL)
		return NULL;
	memset(p + ch->nworkers, 0, (n - ch->nworkers) * sizeof(*p));
	ch->workers = p;
	p += ch->nworkers;
	ch->nworkers = n;
	return p;
}

static struct auth_worker *
worker_start(struct chain *ch, struct chain_client *cl)
{
	struct auth_worker *w = worker_free(ch);
	struct chain_client own = *cl;
	int ask[2], told[2];
	pid_t pid;

	if (w == NULL || pipe2(ask, O_CLOEXEC) == -1)
		return NULL;
	if (pipe2(told, O_CLOEXEC | O_NONBLOCK) == -1) {
		close(ask[0]);
		close(ask[1]);
		return NULL;
	}
	if ((pid = client_fork(ch)) == 0)
		_exit(auth_worker(ch, &own, ask[0], told[1]));
	close(ask[0]);
	close(told[1]);
	if (pid == -1) {
		close(ask[1]);
		close(told[0]);
		return NULL;
	}
	*w = (struct auth_worker){ .pid = pid, .ask = ask[1], .told = told[0],
	    .born = ch->auth_births, .client = NONE };
	return w;
}

static struct auth_worker *
worker_idle(const struct chain *ch, const struct auth_slot *s)
{
	for (size_t i = 0; i < ch->nworkers; i++) {
		struct auth_worker *w = &ch->workers[i];

		if (w->pid != 0 && w->ask != -1 && w->client == NONE &&
		    w->born >= s->made)
			return w;
	}
	return NULL;
}

/* Who the client is, and what the tls process has written of it, which is not
 * looked at here and stays for the next time. */
static int
worker_ask(struct auth_worker *w, const struct chain_client *cl)
{
	struct auth_request r = { .slot = cl->slot, .conn = cl->conn };
	int n = 0;

	if (cl->facts_in != -1 && (ioctl(cl->facts_in, FIONREAD, &n) == -1 ||
	    n < 0 || n > CRED_MAX))
		return -1;
	r.nfacts = (size_t)n;
	if (file_write_all(w->ask, &r, sizeof(r)) == -1)
		return -1;
	return n == 0 ? 0 : file_tee(cl->facts_in, cl->facts_out,
	    w->ask, r.nfacts);
}

void
client_start_auth(struct chain *ch, struct chain_client *cl)
{
	struct auth_slot *s = auth_slot(ch, cl);
	struct auth_worker *w;

	if (files_changed(ch))
		auth_retire(ch);
	if ((w = worker_idle(ch, s)) == NULL && (w = worker_start(ch, cl)) == NULL) {
		log_warn_errno("cannot start auth");
		auth_failed(ch, cl);
		return;
	}
	w->client = (size_t)(cl - ch->clients);
	if (worker_ask(w, cl) == -1) {
		kill(w->pid, SIGTERM);	/* what is missing would be waited for */
		worker_retire(w);
	}
	/* A checkpassword program runs for one login. */
	if (ch->control->set.checkpassword[0] != '\0' ||
	    ++w->logins == AUTH_LOGINS)
		worker_retire(w);
}

/* It has done: an account, for a login that has succeeded; or ".". */
static void
worker_line(struct chain *ch, struct auth_worker *w, const char *line)
{
	struct chain_client *cl = w->client == NONE ? NULL :
	    &ch->clients[w->client];

	w->client = NONE;
	if (cl == NULL)
		return;
	if (strcmp(line, ".") != 0)
		strlcpy(cl->account, line, sizeof(cl->account));
	client_auth_told(ch, cl);
}

static void
worker_read(struct chain *ch, struct auth_worker *w)
{
	char text[2 * sizeof(ch->clients->account)];
	ssize_t n = w->told == -1 ? -1 : read(w->told, text, sizeof(text) - 1);
	char *line = text, *end;

	if (n == 0) {		/* it has ended: its signal comes, or has not been seen yet */
		close(w->told);
		w->told = -1;
	}
	if (n <= 0)
		return;
	text[n] = '\0';		/* each line was one write */
	for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		worker_line(ch, w, line);
	}
}

bool
auth_told(struct chain *ch, int fd)
{
	for (size_t i = 0; i < ch->nworkers; i++)
		if (ch->workers[i].pid != 0 && ch->workers[i].told == fd) {
			worker_read(ch, &ch->workers[i]);
			return true;
		}
	return false;
}

bool
auth_reaped(struct chain *ch, pid_t pid, int status)
{
	struct auth_worker *w = NULL;
	struct chain_client *cl;

	for (size_t i = 0; i < ch->nworkers && w == NULL; i++)
		if (ch->workers[i].pid == pid)
			w = &ch->workers[i];
	if (w == NULL)
		return false;
	worker_read(ch, w);
	cl = w->client == NONE ? NULL : &ch->clients[w->client];
	worker_retire(w);
	if (w->told != -1)
		close(w->told);
	memset(w, 0, sizeof(*w));
	if (cl == NULL)
		return true;
	client_log_death(cl, "auth", status);
	if (status == 0)	/* it had waited long enough when the request came */
		client_start_auth(ch, cl);
	else
		auth_failed(ch, cl);
	if (!auth_busy(ch, cl))
		client_auth_told(ch, cl);
	return true;
}
