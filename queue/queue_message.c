/*
 * From a spool file to recipients that can be delivered to.  Trusts nothing in
 * the file: smtpd's session, which wrote it, speaks with strangers.  Aliases
 * may be nested, but not for ever; an address is delivered to once however
 * many aliases lead to it.
 */
#include "queue_message.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dsn.h"
#include "file.h"
#include "fmt.h"
#include "rcpt.h"

#define HEAD_FIRST	4096	/* holds nearly every envelope */
#define EXPAND_MAX	200000	/* targets looked at for one message */
#define STATE_FILE_MAX	1073741824 /* 100,000 recipients with long answers */

static const char sender_only[] = "Return-Path: <>\n";

static int
read_envelope(struct message *m, int dir, bool with_mtime)
{
	struct stat st;
	struct buf head;
	int fd, r, e;

	fd = openat(dir, m->name.text,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (with_mtime && fstat(fd, &st) == 0)
		m->mtime = st.st_mtim.tv_sec;
	buf_init(&head, SPOOL_ENVELOPE_MAX + HEAD_FIRST);
	r = envelope_read(fd, &m->name, HEAD_FIRST, &head, &m->env);
	e = errno;
	m->behind = r == 0 && m->env.nrcpts > 0 &&
	    m->env.length == strlen(m->env.sender) + strlen(sender_only);
	buf_free(&head);
	close(fd);
	errno = e;
	return r;
}

/* The envelope of a file that was being given away: from then on the state is what
 * tells it, for the file may have become somebody's. */
static int
take_envelope(struct message *m, struct cur *c)
{
	struct envelope e;
	int r, err;

	if (cur_peek(c) != sender_only[0])
		return 0;
	envelope_init(&e);
	r = envelope_parse_block(c, &e);
	m->noted = r == 0;
	if (r == 0) {
		envelope_free(&m->env);
		m->env = e;
		return 0;
	}
	err = errno;
	envelope_free(&e);
	errno = err;
	return r;
}

/* A state file that is cut or garbled counts for nothing: then every recipient
 * is tried again, which for local ones does no harm. */
static int
read_state(struct message *m, int dir)
{
	struct buf b;
	struct cur c;
	int r;

	buf_init(&b, STATE_FILE_MAX);
	r = file_read(dir, m->name.text, &b);
	if (r == -1 && errno == ENOENT)
		r = 0;
	else if (r == 0) {
		m->has_state = true;
		cur_init(&c, buf_span(&b));
		if ((take_envelope(m, &c) == -1 ||
		    state_parse(cur_rest(&c), &m->rcpts) == -1) &&
		    errno == ENOMEM)
			r = -1;
	}
	buf_free(&b);
	return r;
}

int
message_load(struct message *m, const struct dirs *d,
    const struct spool_name *name, bool cur, bool state, bool with_mtime)
{
	int r, e;

	memset(m, 0, sizeof(*m));
	m->name = *name;
	m->cur = cur;
	/* One that has been given away is not ours to read. */
	if (read_envelope(m, cur ? d->cur : d->new, with_mtime) == -1 &&
	    (errno != EACCES || !state))
		return -1;
	m->given = m->env.nrcpts == 0;
	e = m->env.sender == NULL ? EACCES : EBADMSG;
	r = state ? read_state(m, d->state) : 0;
	if (r == 0 && m->env.nrcpts == 0) {
		errno = e;
		r = -1;
	}
	if (r == -1) {
		e = errno;
		message_free(m);
		errno = e;
		return -1;
	}
	m->partial = m->rcpts.n > 0 && m->rcpts.n != m->env.nrcpts;
	for (size_t i = 0; i < m->rcpts.n; i++)
		m->partial = m->partial ||
		    m->rcpts.v[i].status == RCPT_REPORT;
	return 0;
}

void
message_free(struct message *m)
{
	envelope_free(&m->env);
	rcpts_free(&m->rcpts);
}

bool
message_wants_success(const struct message *m, const char *index)
{
	struct span s = span_str(index);
	uint64_t n;
	struct cur c;

	cur_init(&c, s);
	if (m->env.sender[0] == '\0' ||
	    cur_num(&c, m->env.nrcpts, &n) == -1 || n == 0)
		return false;
	return (dsn_notify_of(m->env.rcpts[n - 1].notify, s) &
	    DSN_SUCCESS) != 0;
}

void
schedule_of(const struct control *c, const struct rcpt *r,
    struct schedule *rule)
{
	if (r->remote)
		schedule_for(c, address_domain(r->addr), rule, NULL);
	else
		schedule_default(&c->set, rule);
}

const char *
address_domain(const char *address)
{
	const char *at = strrchr(address, '@');

	return at == NULL ? "" : at + 1;
}

/* Which addresses are there already: open addressing over m->rcpts. */
struct seen {
	uint32_t *slots;
	size_t nslots;
};

static uint32_t
address_hash(const char *s)
{
	uint32_t h = 2166136261u;

	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return h;
}

static int
seen_init(struct seen *s, size_t n)
{
	for (s->nslots = 16; s->nslots < n * 4; s->nslots *= 2)
		;
	s->slots = calloc(s->nslots, sizeof(*s->slots));
	return s->slots == NULL ? -1 : 0;
}

/* The slot of that address: empty (0), or the recipient's position + 1. */
static uint32_t *
seen_slot(struct seen *s, const struct rcpts *r, const char *addr)
{
	size_t i = address_hash(addr) & (s->nslots - 1);

	while (s->slots[i] != 0 &&
	    strcmp(r->v[s->slots[i] - 1].addr, addr) != 0)
		i = (i + 1) & (s->nslots - 1);
	return &s->slots[i];
}

static int
seen_grow(struct seen *s, const struct rcpts *r)
{
	struct seen bigger;

	if (r->n * 2 < s->nslots)
		return 0;
	if (seen_init(&bigger, r->n) == -1)
		return -1;
	for (size_t i = 0; i < r->n; i++)
		*seen_slot(&bigger, r, r->v[i].addr) = (uint32_t)i + 1;
	free(s->slots);
	*s = bigger;
	return 0;
}

struct expansion {
	const struct control *c;
	const struct message *m;
	struct rcpts *out;
	struct seen seen;
	const struct rcpt *origin;	/* of which this is an expansion */
	const char *domain;		/* of the alias, for bare names */
	unsigned depth, targets, budget;
	bool unknown;
};

static int
give_up(struct rcpt *r, const char *dsn, const char *why)
{
	r->status = RCPT_FAILED;
	return rcpt_set_answer(r, dsn, span_str(why));
}

/* A final recipient, unless its address is there already.  One that was no
 * alias keeps its index and history. */
static int
add_final(struct expansion *x, const char *addr, enum rcpt_kind kind)
{
	char index[JOB_INDEX_MAX];
	struct rcpt *r;
	uint32_t *slot;

	if (x->depth == 0)
		strlcpy(index, x->origin->index, sizeof(index));
	else if ((size_t)snprintf(index, sizeof(index), "%s.%u",
	    x->origin->index, ++x->targets) >= sizeof(index))
		return 0;	/* aliases changed five times while it waited */
	if (seen_grow(&x->seen, x->out) == -1)
		return -1;
	slot = seen_slot(&x->seen, x->out, addr);
	if (*slot != 0)
		return 0;
	if ((r = rcpts_add(x->out, index, addr)) == NULL)
		return -1;
	*slot = (uint32_t)x->out->n;
	if (x->depth == 0) {
		r->status = x->origin->status;
		if (rcpt_copy_attempts(r, x->origin) == -1)
			return -1;
	}
	r->remote = kind == RCPT_REMOTE;
	if (kind != RCPT_UNKNOWN || r->status == RCPT_FAILED)
		return 0;
	x->unknown = true;
	return give_up(r, "5.1.1", "no such user here");
}

static int
add_failed(struct expansion *x, const char *addr, const char *dsn,
    const char *why)
{
	size_t before = x->out->n;

	if (add_final(x, addr, RCPT_REMOTE) == -1)
		return -1;
	return x->out->n == before ? 0 : give_up(&x->out->v[before], dsn, why);
}

static int
add_loop(struct expansion *x, const char *addr)
{
	return add_failed(x, addr, "5.4.6", "the alias leads back to itself");
}

/* A local name that this process does not know may be an account of the system
 * that has just been made: deliver-local will say. */
static enum rcpt_kind
known_kind(const struct control *c, const struct addr *a, enum rcpt_kind kind)
{
	return kind == RCPT_UNKNOWN && system_is_domain(c, addr_domain(a)) ?
	    RCPT_MAILBOX : kind;
}

static int expand(struct expansion *, const struct addr *);

/* "\name", and the alias's own address where users has it: the mailbox itself. */
static int
add_mailbox(struct expansion *x, const struct addr *a)
{
	char text[ADDR_MAX + 2];
	struct rcpt_decision d;

	rcpt_mailbox(x->c, a, &d);
	if (d.kind == RCPT_REMOTE)
		return add_final(x, a->text, RCPT_REMOTE);
	if ((size_t)snprintf(text, sizeof(text), "\\%s", a->text) > ADDR_MAX)
		return add_failed(x, a->text, "5.1.3", "the address is too long");
	return add_final(x, text, known_kind(x->c, a, d.kind));
}

/* Is it the alias itself, and a mailbox? */
static bool
is_itself(const struct expansion *x, const struct addr *a,
    const struct addr *alias)
{
	struct rcpt_decision d;

	if (strcmp(a->text, alias->text) != 0)
		return false;
	rcpt_mailbox(x->c, a, &d);
	return d.kind == RCPT_MAILBOX;
}

static int
expand_targets(struct expansion *x, const struct addr *a, struct span targets)
{
	const char *domain = addr_domain(a), *wrong;
	struct target_item item;
	struct targets t;
	int r, bad = 0;

	targets_init(&t, targets, *domain == '\0' ? x->c->first_domain : domain,
	    false);
	while ((r = targets_next(&t, &item, &wrong)) != 0) {
		if (r == -1)
			bad = -1;
		else if (item.kind == TARGET_MAILBOX ||
		    is_itself(x, &item.addr, a))
			r = add_mailbox(x, &item.addr);
		else
			r = expand(x, &item.addr);
		if (r == -1 && bad == 0)
			return -1;
	}
	return bad;
}

static int
expand_alias(struct expansion *x, const struct addr *a,
    const struct rcpt_decision *d)
{
	size_t before = x->out->n;
	int r;

	if (alias_is_list(x->c, a, d))
		return add_final(x, a->text, RCPT_MAILBOX);
	if (x->depth == ALIAS_DEPTH_MAX)
		return add_loop(x, a->text);
	x->depth++;
	errno = 0;
	r = expand_targets(x, a, d->targets);
	x->depth--;
	if (r == -1 && errno == ENOMEM)
		return -1;
	/* A target that is no address: the check of the control directory
	 * has said so; the others go on. */
	if (r == -1 && x->out->n == before && x->depth == 0)
		return add_final(x, a->text, RCPT_UNKNOWN);
	return 0;
}

static int
expand(struct expansion *x, const struct addr *a)
{
	struct rcpt_decision d;

	if (x->budget == 0)
		return add_loop(x, a->text);
	x->budget--;
	rcpt_decide(x->c, a, &d);
	if (d.kind == RCPT_ALIAS)
		return expand_alias(x, a, &d);
	return add_final(x, a->text, known_kind(x->c, a, d.kind));
}

/* What smtpd accepted; "postmaster" alone is the one name without a domain. */
static int
parse_recipient(const char *text, struct addr *a)
{
	if (parse_mailbox(span_str(text), true, a) == ADDR_OK)
		return 0;
	if (!span_isis(span_str(text), "postmaster"))
		return -1;
	memset(a, 0, sizeof(*a));
	strlcpy(a->text, "postmaster", sizeof(a->text));
	a->local_len = strlen(a->text);
	return 0;
}

/* Done, and only to be reported: no other recipient's address. */
static struct rcpt *
add_report(struct expansion *x, const struct rcpt *origin)
{
	struct rcpt *r = rcpts_add(x->out, origin->index, origin->addr);

	if (r == NULL || rcpt_copy_attempts(r, origin) == -1)
		return NULL;
	r->status = RCPT_REPORT;
	return r;
}

/* An alias's only target inherits the sender's wishes, and its index says so;
 * several do not, and the alias is reported itself: RFC 3461 sections 5.2.7.2 and
 * 5.2.7.3 (c). */
static int
settle_alias(struct expansion *x, const struct rcpt *origin, size_t before)
{
	struct rcpt *r = &x->out->v[before];

	if (x->targets > 1 && message_wants_success(x->m, origin->index)) {
		r = add_report(x, origin);
		return r == NULL ? -1 :
		    rcpt_set_answer(r, "2.0.0", span_str("expanded"));
	}
	if (x->targets == 1 && x->out->n == before + 1)
		r->index[strlen(r->index) - 1] = '0';	/* it was ".1" */
	return 0;
}

static int
route_one(struct expansion *x, const struct rcpt *origin)
{
	size_t before = x->out->n;
	struct addr a;

	x->origin = origin;
	x->depth = x->targets = 0;
	if (origin->status == RCPT_FAILED)	/* waits for its bounce only */
		return add_final(x, origin->addr, RCPT_REMOTE);
	if (origin->status == RCPT_REPORT)
		return add_report(x, origin) == NULL ? -1 : 0;
	if (origin->addr[0] == '\\' &&
	    parse_recipient(origin->addr + 1, &a) == 0)
		return add_mailbox(x, &a);
	if (parse_recipient(origin->addr, &a) == -1)
		return add_failed(x, origin->addr, "5.1.3",
		    "this is not an address");
	return expand(x, &a) == -1 || settle_alias(x, origin, before) == -1 ?
	    -1 : 0;
}

static int
route_all(struct expansion *x, const struct message *m)
{
	struct rcpt r;

	for (size_t i = 0; i < m->rcpts.n; i++)
		if (route_one(x, &m->rcpts.v[i]) == -1)
			return -1;
	if (m->rcpts.n > 0)
		return 0;
	for (size_t i = 0; i < m->env.nrcpts; i++) {
		memset(&r, 0, sizeof(r));
		fmt_print(r.index, sizeof(r.index), "%zu", i + 1);
		r.addr = m->env.rcpts[i].addr;
		if (route_one(x, &r) == -1)
			return -1;
	}
	return 0;
}

int
message_route(const struct message *m, const struct control *c,
    struct rcpts *out, bool *unknown)
{
	struct expansion x = { .c = c, .m = m, .out = out, .budget = EXPAND_MAX };
	int r;

	memset(out, 0, sizeof(*out));
	out->warned = m->rcpts.warned;
	*unknown = false;
	if (seen_init(&x.seen, m->env.nrcpts) == -1)
		return -1;
	r = route_all(&x, m);
	free(x.seen.slots);
	*unknown = x.unknown;
	if (r == -1)
		rcpts_free(out);
	return r;
}
