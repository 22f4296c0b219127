/*
 * Reports: failures first, then what was delivered and should be told, then a
 * delay.  A recipient that a report is owed about stays in the state until the
 * report is durable, so that kill -9 never loses one; a crash between the two
 * may send it twice.
 */
#include "queue_report.h"

#include "log.h"
#include "queue_run.h"
#include "queue_schedule.h"

static const struct {
	const char *word;
	enum rcpt_status status;
} kinds[] = {
	[REPORT_FAILED] = { "fail", RCPT_FAILED },
	[REPORT_DONE] = { "done", RCPT_REPORT },
	[REPORT_DELAYED] = { "delay", RCPT_DEFERRED }
};

static void
expire_one(struct rcpt *r)
{
	struct buf b;

	r->status = RCPT_FAILED;
	buf_init(&b, 2 * JOB_TEXT_MAX);
	buf_adds(&b, "delivery time expired");
	if (r->answer != NULL)
		buf_addf(&b, "; last answer: %s", r->answer);
	(void)rcpt_set_answer(r, "5.4.7", buf_span(&b));
	buf_free(&b);
}

void
report_expire(struct sched *s, struct message *m)
{
	struct schedule rule;

	for (size_t i = 0; i < m->rcpts.n; i++) {
		if (m->rcpts.v[i].status != RCPT_DEFERRED)
			continue;
		schedule_of(s->c, &m->rcpts.v[i], &rule);
		if (schedule_expired(&rule, m->name.arrival, s->now))
			expire_one(&m->rcpts.v[i]);
	}
}

/* A warning says until when each recipient will be tried: its route may say. */
static void
put_until(struct sched *s, const struct message *m, const struct rcpt *r)
{
	struct schedule rule;

	schedule_of(s->c, r, &rule);
	buf_addf(&s->workers[WORKER_BOUNCE].outbuf, "until\t%lld\n",
	    (long long)m->name.arrival + rule.lifetime);
}

/* Gives the bounce process the lines of all recipients that it is about.  0, or
 * -1 when there is no room. */
static int
send_report(struct sched *s, struct message *m, enum report kind)
{
	struct worker *w = &s->workers[WORKER_BOUNCE];
	struct job_entry *j = job_new(&s->jobs, WORKER_BOUNCE, m);

	if (j == NULL)
		return -1;
	j->report = kind;
	j->outstanding = 1;
	buf_addf(&w->outbuf, "%llu\t%s\t%s\t%s\n",
	    (unsigned long long)job_id(j, 0), m->name.text,
	    m->cur ? "cur" : "new", kinds[kind].word);
	for (size_t i = 0; i < m->rcpts.n; i++)
		if (m->rcpts.v[i].status == kinds[kind].status) {
			if (kind == REPORT_DELAYED)
				put_until(s, m, &m->rcpts.v[i]);
			(void)state_print_rcpt(&m->rcpts.v[i], &w->outbuf);
		}
	buf_adds(&w->outbuf, ".\n");
	w->inflight++;
	m->pending++;
	return 0;
}

static bool
is_due(const struct sched *s, const struct message *m, enum report kind)
{
	if (rcpts_count(&m->rcpts, kinds[kind].status) == 0)
		return false;
	return kind != REPORT_DELAYED || schedule_warn(&s->c->set,
	    m->name.arrival, s->now, m->rcpts.warned != 0);
}

bool
report_is_due(const struct sched *s, const struct message *m)
{
	for (int kind = 0; kind < REPORTS; kind++)
		if ((m->told & 1u << kind) == 0 &&
		    is_due(s, m, (enum report)kind))
			return true;
	return false;
}

bool
report_next(struct sched *s, struct message *m)
{
	for (int kind = 0; kind < REPORTS; kind++) {
		if ((m->told & 1u << kind) != 0 ||
		    !is_due(s, m, (enum report)kind))
			continue;
		m->told |= 1u << kind;
		if (send_report(s, m, (enum report)kind) == 0)
			return true;
	}
	m->told = 0;
	return false;
}

static void
log_bounce(const struct message *m, const struct rcpt *r)
{
	struct span answer = span_str(r->answer == NULL ? "" : r->answer);
	struct cur c;
	struct span dsn;
	struct log l;

	cur_init(&c, answer);
	dsn = cur_until(&c, ' ');
	(void)cur_ch(&c, ' ');
	log_begin(&l, "bounce");
	log_span(&l, "qid", span_of(m->name.text, m->name.qid_len));
	log_addr(&l, "from", span_str(m->env.sender));
	log_addr(&l, "rcpt", span_str(r->addr));
	log_str(&l, "status", span_is(dsn, "5.4.7") ? "expired" : "bounced");
	log_span(&l, "dsn", dsn);
	log_textspan(&l, cur_rest(&c));
	log_end(&l);
}

void
report_answer(struct sched *s, struct message *m, enum report kind, bool done)
{
	if (kind == REPORT_DELAYED) {
		m->rcpts.warned = s->now;	/* not again, whatever came of it */
		return;
	}
	for (size_t i = 0; i < m->rcpts.n; i++) {
		struct rcpt *r = &m->rcpts.v[i];

		/* One that failed is no attempt: what it tells stays. */
		if (r->status != kinds[kind].status || !done)
			continue;
		if (kind == REPORT_FAILED)
			log_bounce(m, r);
		r->status = RCPT_TOLD;
		m->partial = true;
	}
}

void
report_owe(struct rcpt *r, const struct answer *a)
{
	struct buf b;
	char dsn[16];

	buf_init(&b, JOB_TEXT_MAX + 16);
	buf_adds(&b, a->how == ANSWER_EXPANDED ? "expanded " : r->remote ?
	    "relayed " : "delivered ");
	buf_addspan(&b, a->text);
	if (span_cstr(a->dsn, dsn, sizeof(dsn)) == 0)
		dsn[0] = '2';
	else
		dsn[0] = '\0';
	if (dsn[0] != '\0' && rcpt_set_answer(r, dsn, buf_span(&b)) == 0)
		r->status = RCPT_REPORT;
	buf_free(&b);
}
