/*
 * A worker: one process, one route, one connection that is kept for the next
 * job.  Reads what the internet sends, so it is confined, holds no password
 * but its route's, and its death costs one job.  It never ends by itself: the
 * manager closes its input.
 */
#include "remote.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "log.h"
#include "remote_loop.h"
#include "remote_send.h"
#include "remote_target.h"

#define TRIES_MAX	10	/* connections tried for one job */

struct worker {
	const char *own, *helo;		/* as in smtp_wishes */
	const struct settings *set;
	const struct dirs *dirs;
	const struct route *route;
	struct smtp smtp;
	struct buf answers;
};

/* The state of looking for a server that takes mail for one job. */
struct search {
	bool any, temporary;	/* a verdict is there; and it may be another tomorrow */
	unsigned tries;
	struct span qid;	/* for the log */
	size_t nrefused;
	/* From here on not zeroed: 26 KiB, of which a job that finds a connection needs none. */
	struct targets targets;
	struct relay relay;	/* who gave the verdict */
	struct verdict verdict;
	/* Servers that have answered and would not do, and what the first one said. */
	char refused[TRIES_MAX][RELAY_MAX];
	struct relay first;
	struct verdict said;
};

static struct search *
search_new(void)
{
	struct search *s = malloc(sizeof(*s));

	if (s == NULL)
		exit(EX_TEMPFAIL);
	memset(s, 0, offsetof(struct search, targets));
	s->targets.n = 0;
	memset(&s->relay, 0, sizeof(s->relay));
	verdict_clear(&s->verdict);
	return s;
}

/* Keeps the verdict that says most: a server's refusal for now outweighs one
 * for good, because the mail may go through later. */
static void
note(struct search *s, const struct verdict *v, const char *host,
    const char *address)
{
	bool temporary = v->class != PROC_FAIL;

	if (s->any && s->temporary && !temporary)
		return;
	s->any = true;
	s->temporary = temporary;
	s->verdict = *v;
	memset(&s->relay, 0, sizeof(s->relay));
	strlcpy(s->relay.host, host, sizeof(s->relay.host));
	if (address[0] != '\0')
		snprintf(s->relay.text, sizeof(s->relay.text), "%s%s",
		    host[0] == '[' ? "" : host, address);
}

/* One connected address; twice where TLS is wished for and broken. */
static bool
try_server(struct worker *w, struct search *s, const char *host,
    const struct sockaddr_storage *ss, int fd)
{
	struct smtp_wishes wishes = { .own = w->own, .helo = w->helo,
	    .route = w->route, .qid = s->qid };
	enum smtp_start r;
	bool tried = false;
	size_t which;
	char address[80];
	struct verdict v;

	target_text(ss, address, sizeof(address));
	r = smtp_start(&w->smtp, fd, host, address, w->set->reply_timeout,
	    &wishes, &v);
	if (r == SMTP_PLAIN) {
		log_warn("TLS handshake with %s%s failed, going on without",
		    host[0] == '[' ? "" : host, address);
		wishes.no_tls = true;
		fd = target_connect(w->route, ss, 1, &tried,
		    w->set->connect_timeout, &which);
		if (fd == -1) {
			verdict_set(&v, PROC_DEFER, "4.4.1", "%s",
			    strerror(errno));
			note(s, &v, host, address);
			return false;
		}
		r = smtp_start(&w->smtp, fd, host, address,
		    w->set->reply_timeout, &wishes, &v);
	}
	if (r != SMTP_READY)
		note(s, &v, host, address);
	return r == SMTP_READY;
}

static void
relay_name(const char *host, const struct sockaddr_storage *ss, char *out)
{
	char address[80];

	target_text(ss, address, sizeof(address));
	snprintf(out, RELAY_MAX, "%s%s", host[0] == '[' ? "" : host, address);
}

static bool
is_refused(const struct search *s, const char *host,
    const struct sockaddr_storage *ss)
{
	char name[RELAY_MAX];

	relay_name(host, ss, name);
	for (size_t i = 0; i < s->nrefused; i++)
		if (strcmp(s->refused[i], name) == 0)
			return true;
	return false;
}

/* RFC 5321 section 5.1: each server in its order, until one takes the message.  What the
 * first one said is kept: its word counts for most.  False: there were enough. */
static bool
refuse(struct search *s, const struct relay *by, const struct verdict *v)
{
	if (s->nrefused == 0) {
		s->first = *by;
		s->said = *v;
	}
	if (s->nrefused == TRIES_MAX)
		return false;
	strlcpy(s->refused[s->nrefused++], by->text, RELAY_MAX);
	return true;
}

/* Not every failure is the other side's. */
static void
cannot_connect(const struct route *r, int family, int why, struct verdict *v)
{
	const char *source = family == AF_INET6 ? r->source6 : r->source4;

	if (why == EADDRNOTAVAIL && source[0] != '\0')
		verdict_set(v, PROC_DEFER, "4.3.5", "cannot connect from %s: it is "
		    "the source= of the route, and no address of this machine",
		    source);
	else
		verdict_set(v, PROC_DEFER, "4.4.1", "cannot connect: %s",
		    strerror(why));
}

/* All addresses of one host, as far as tries allow. */
static bool
try_host(struct worker *w, struct search *s, size_t i)
{
	const char *host = s->targets.mx[i].host;
	struct sockaddr_storage ss[DNS_ADDR_MAX];
	bool tried[DNS_ADDR_MAX] = { false };
	char address[80];
	struct verdict v;
	size_t n, which = 0;

	if (targets_addr(&s->targets, i, ss, &n, &v) == -1) {
		note(s, &v, host, "");
		return false;
	}
	for (size_t k = 0; k < n; k++)
		tried[k] = is_refused(s, host, &ss[k]);
	for (;;) {
		size_t left = 0;
		int fd;

		for (size_t k = 0; k < n; k++)
			left += !tried[k];
		if (left == 0 || s->tries == TRIES_MAX)
			break;
		s->tries++;
		fd = target_connect(w->route, ss, n, tried,
		    w->set->connect_timeout, &which);
		if (fd != -1) {
			if (try_server(w, s, host, &ss[which], fd))
				return true;
			continue;
		}
		cannot_connect(w->route, ss[which].ss_family, errno, &v);
		target_text(&ss[which], address, sizeof(address));
		note(s, &v, host, address);
	}
	return false;
}

/* A connection that is ready for MAIL: 0, or -1 and the search's verdict. */
static int
open_connection(struct worker *w, const struct remote_job *j, struct search *s)
{
	s->any = s->temporary = false;
	if (s->nrefused == 0)
		s->tries = 0;
	memset(&s->relay, 0, sizeof(s->relay));
	s->qid = span_of(j->name.text, j->name.qid_len);
	if (targets_find(w->route, j->domain, w->own, &s->targets,
	    &s->verdict) == -1)
		return -1;
	for (size_t i = 0; i < s->targets.n && s->tries < TRIES_MAX; i++)
		if (try_host(w, s, i))
			return 0;
	/* A named smarthost that is not there is a wrong configuration: that
	 * delays mail and does not return it. */
	if (s->verdict.class == PROC_FAIL && s->relay.text[0] == '\0' &&
	    strcmp(w->route->host, "mx:") != 0) {
		s->verdict.class = PROC_DEFER;
		s->verdict.dsn[0] = '4';
	}
	return -1;
}

/* RFC 5321 section 5.1: whoever is no better than ourselves would give it back, too.  A
 * better one that is not there now may be there later: it is asked once more where the
 * connection is that of another message. */
static enum send_result
stop_loop(struct worker *w, struct remote_job *j, const struct search *s,
    const struct verdict *v)
{
	if (s->targets.n == 0)
		return SEND_AGAIN;
	if (s->nrefused > 0)
		remote_answer_all(j, &s->first, &s->said, &w->answers);
	else if (s->any && s->temporary)
		remote_answer_all(j, &s->relay, &s->verdict, &w->answers);
	else
		remote_answer_all(j, &w->smtp.relay, v, &w->answers);
	return SEND_DONE;
}

/* Sends over the connection that is there, or a new one; over several where a
 * server takes few transactions (RFC 9422), or will not do.  -1: no connection. */
static int
send_mail(struct worker *w, struct mail *m, struct remote_job *j,
    struct search *s)
{
	enum send_result r;
	struct verdict loop;

	do {
		if (w->smtp.fd == -1 &&
		    open_connection(w, j, s) == -1)
			return -1;
		r = loop_found(&w->smtp, m, j, w->route, w->own, &loop) ?
		    stop_loop(w, j, s, &loop) :
		    smtp_send(&w->smtp, m, j, &w->answers, &s->verdict);
		if (r == SEND_ELSEWHERE && !refuse(s, &w->smtp.relay, &s->verdict))
			r = SEND_DONE;
		if (r != SEND_DONE || w->smtp.closing ||
		    smtp_is_full(&w->smtp))
			smtp_end(&w->smtp);
	} while (r != SEND_DONE);
	if (s->nrefused > 0)
		remote_answer_all(j, &s->first, &s->said, &w->answers);
	return 0;
}

static void
do_job(struct worker *w, struct remote_job *j)
{
	static const struct relay nobody;
	struct search *s = search_new();
	bool dead = false;
	struct verdict v;
	struct mail m;

	if (mail_open(&m, w->dirs, j, &v) == -1)
		remote_answer_all(j, &nobody, &v, &w->answers);
	else if (send_mail(w, &m, j, s) == -1) {
		if (s->nrefused > 0)
			remote_answer_all(j, &s->first, &s->said, &w->answers);
		else if (s->verdict.class == PROC_FAIL)
			remote_answer_all(j, &s->relay, &s->verdict,
			    &w->answers);
		else
			dead = true;
	}
	if (dead)
		dead_print(&w->answers, &s->relay, &s->verdict);
	else
		buf_adds(&w->answers, ".\n");
	mail_close(&m);
	free(s);
}

static int
job_line(struct worker *w, struct span line, int out)
{
	struct remote_job *j = remote_job_parse(line);
	int r;

	if (j == NULL)
		return -1;	/* the manager has parsed it before: not this line */
	buf_clear(&w->answers);
	do_job(w, j);
	remote_job_free(j);
	if (w->answers.bad)
		return -1;
	r = file_write_all(out, w->answers.p, w->answers.len);
	return r;
}

int
worker_run(struct control *c, const struct dirs *dirs,
    const struct route *route, int in, int out)
{
	struct worker w = { .own = c->hostname, .set = &c->set,
	    .helo = route->helo[0] != '\0' ? route->helo : c->hostname,
	    .dirs = dirs, .route = route };
	struct lines lines;
	struct span line;
	int r;

	/* Other routes' passwords are not this process's business. */
	buf_wipe(&c->routes.text);
	if (remote_confine_worker(c) == -1)
		log_die_errno(EX_OSERR, "cannot confine myself");
	smtp_init(&w.smtp);
	lines_init(&lines);
	buf_init(&w.answers, JOB_LINE_MAX * 4);
	while ((r = lines_read(&lines, in)) == 1)
		while (lines_next(&lines, &line))
			if (job_line(&w, line, out) == -1)
				return EX_OSERR;
	smtp_end(&w.smtp);
	return r == 0 ? EX_OK : EX_OSERR;
}
