/*
 * MAIL and RCPT: grammar first, into a struct without side effects; policy on
 * the complete struct after it (policy.c).  An address is accepted or refused;
 * only submission completes one, by the domain that it lacks.
 */
#include "policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chars.h"
#include "dsn.h"
#include "fmt.h"
#include "limits.h"
#include "log.h"

#define PARAMS_MAX	16	/* of one command; more than there are */
#define PARAM_NAME_MAX	32	/* of a name shown in a reply */

/* RFC 5321 section 4.1.2: esmtp-param = esmtp-keyword ["=" esmtp-value] */
struct param {
	struct span name, value;	/* value.p NULL: none given */
};
struct params {
	struct param p[PARAMS_MAX];
	size_t n;
};

/* What a command line said. */
struct mail_args {
	struct addr addr;
	uint64_t size;
	bool body8, binary, smtputf8;
	const char *ret;		/* NULL: not given */
	struct span envid, orcpt;	/* p NULL: not given */
	unsigned notify;		/* 0: not given */
	struct span seen[PARAMS_MAX];
};

enum param_result { PARAM_OK, PARAM_UNKNOWN, PARAM_BAD, PARAM_TWICE };

/* esmtp-value = 1*(%d33-60 / %d62-126), and RFC 6531 section 3.5 UTF-8. */
static bool
is_value_byte(int c)
{
	return c > ' ' && c != '=' && c != 0x7f;
}

/* esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-") */
static struct span
parse_keyword(struct cur *c)
{
	struct span k = { c->p, 0 };
	bool more = (chars[(unsigned char)cur_peek(c)] & CH_LETDIG) != 0;

	while (!cur_end(c) && more) {
		(void)cur_next(c);
		more = (chars[(unsigned char)cur_peek(c)] & CH_LETDIG) != 0 ||
		    cur_peek(c) == '-';
	}
	k.len = (size_t)(c->p - k.p);
	return k;
}

/* *(SP esmtp-param) up to the end of the line.  false: not in the grammar. */
static bool
parse_params(struct cur *c, struct params *ps)
{
	ps->n = 0;
	while (!cur_end(c)) {
		struct param *p = &ps->p[ps->n];

		if (!cur_ch(c, ' '))
			return false;
		if (cur_end(c) || cur_peek(c) == ' ')
			continue;
		if (ps->n == PARAMS_MAX)
			return false;
		p->name = parse_keyword(c);
		p->value = span_of(NULL, 0);
		if (p->name.len == 0 || p->name.len > PARAM_NAME_MAX)
			return false;
		if (cur_ch(c, '=')) {
			p->value = span_of(c->p, 0);
			while (is_value_byte(cur_peek(c)))
				(void)cur_next(c);
			p->value.len = (size_t)(c->p - p->value.p);
			if (p->value.len == 0)
				return false;
		}
		ps->n++;
	}
	return true;
}

/* RFC 1870 section 6.1: SIZE=1*20DIGIT */
static bool
take_size(struct mail_args *a, struct span v)
{
	struct cur c;

	cur_init(&c, v);
	return v.len <= 20 && cur_num(&c, UINT64_MAX, &a->size) == 0 &&
	    cur_end(&c);
}

/* RFC 6152 section 2, RFC 3030 section 3 */
static bool
take_body(struct mail_args *a, struct span v)
{
	a->binary = span_isis(v, "BINARYMIME");
	/* What is left of it in the spool is 8-bit text. */
	a->body8 = a->binary || span_isis(v, "8BITMIME");
	return a->body8 || span_isis(v, "7BIT");
}

/* RFC 6531 section 3.4: no value */
static bool
take_smtputf8(struct mail_args *a, struct span v)
{
	a->smtputf8 = true;
	return v.p == NULL;
}

/* RFC 4954 section 5: whoever wrote it first; nobody here trusts it. */
static bool
take_auth(struct mail_args *a, struct span v)
{
	(void)a;
	return v.len > 0;
}

/* RFC 3461 section 4.3 */
static bool
take_ret(struct mail_args *a, struct span v)
{
	return (a->ret = dsn_ret_parse(v)) != NULL;
}

/* RFC 3461 section 4.4 */
static bool
take_envid(struct mail_args *a, struct span v)
{
	a->envid = v;
	return dsn_is_envid(v);
}

/* RFC 3461 section 4.1 */
static bool
take_notify(struct mail_args *a, struct span v)
{
	return (a->notify = dsn_notify_parse(v)) != 0;
}

/* RFC 3461 section 4.2; UTF-8 only in a transaction with SMTPUTF8, which
 * the caller looks at: RFC 6533 section 3. */
static bool
take_orcpt(struct mail_args *a, struct span v)
{
	a->orcpt = v;
	return dsn_is_orcpt(v, true);
}

struct param_row {
	const char *name;
	unsigned variants;
	bool (*take)(struct mail_args *, struct span value);
};
#define ALL	((1u << SMTP) | (1u << SUBMISSION) | (1u << LMTP))

static const struct param_row mail_params[] = {
	{ "SIZE", ALL, take_size },
	{ "BODY", ALL, take_body },
	{ "SMTPUTF8", ALL, take_smtputf8 },
	{ "AUTH", 1u << SUBMISSION, take_auth },
	{ "RET", ALL, take_ret },
	{ "ENVID", ALL, take_envid },
	{ NULL, 0, NULL }
};
static const struct param_row rcpt_params[] = {
	{ "NOTIFY", ALL, take_notify },
	{ "ORCPT", ALL, take_orcpt },
	{ NULL, 0, NULL }
};

static enum param_result
take_param(const struct session *s, const struct param_row *rows,
    const struct param *p, struct mail_args *a)
{
	for (size_t i = 0; rows[i].name != NULL; i++) {
		if (!span_isis(p->name, rows[i].name) ||
		    (rows[i].variants & (1u << s->conn->variant)) == 0)
			continue;
		if (a->seen[i].p != NULL)
			return PARAM_TWICE;
		a->seen[i] = p->name;
		return rows[i].take(a, p->value) ? PARAM_OK : PARAM_BAD;
	}
	return PARAM_UNKNOWN;
}

/* All parameters, or the reply to the first that is wrong and false. */
static bool
take_params(struct session *s, const struct param_row *rows,
    const struct params *ps, struct mail_args *a)
{
	static const enum reply_id ids[] = {
		[PARAM_UNKNOWN] = R_UNKNOWN_PARAM, [PARAM_BAD] = R_BAD_PARAM,
		[PARAM_TWICE] = R_DUP_PARAM,
	};

	for (size_t i = 0; i < ps->n; i++) {
		enum param_result r = take_param(s, rows, &ps->p[i], a);
		char name[PARAM_NAME_MAX + 1];

		if (r == PARAM_OK)
			continue;
		(void)span_cstr(ps->p[i].name, name, sizeof(name));
		reply(s, ids[r], name);
		return false;
	}
	return true;
}

typedef enum addr_result path_parser(struct cur *, bool, struct addr *);

/* RFC 6409 section 6.2: "<bob>" of a user is bob@ our first domain; it is the
 * whole address that must be right. */
static enum addr_result
parse_unqualified(struct cur *c, const char *domain, struct addr *a)
{
	char full[ADDR_MAX + 8];
	struct span local;

	if (!cur_ch(c, '<'))
		return ADDR_SYNTAX;
	local = cur_until(c, '>');
	if (!cur_ch(c, '>') || (size_t)fmt_print(full, sizeof(full), "%.*s@%s",
	    (int)local.len, (const char *)local.p, domain) >= sizeof(full))
		return ADDR_SYNTAX;
	return parse_mailbox(span_str(full), true, a);
}

/*
 * "FROM:" or "TO:", a path, parameters.  White space behind the colon is
 * accepted, as Outlook and many scripts send it; nowhere else.
 */
static bool
parse_args(struct session *s, struct cur *c, const char *word,
    path_parser *parse, enum reply_id bad, const struct param_row *rows,
    struct mail_args *a)
{
	const char *syntax = command_find(span_str(s->verb))->syntax;
	enum addr_result r;
	struct params ps;
	struct cur path;

	memset(a, 0, sizeof(*a));
	if (!cur_word(c, word)) {
		reply(s, R_SYNTAX, syntax);
		return false;
	}
	while (cur_ch(c, ' '))
		;
	path = *c;
	r = parse(c, true, &a->addr);
	if (r == ADDR_SYNTAX && s->conn->variant == SUBMISSION) {
		*c = path;
		r = parse_unqualified(c, s->control->first_domain, &a->addr);
	}
	if (r != ADDR_OK) {
		reply(s, r == ADDR_TOOLONG ? R_PATH_TOO_LONG : bad, NULL);
		return false;
	}
	if (!parse_params(c, &ps)) {
		reply(s, R_SYNTAX, syntax);
		return false;
	}
	return take_params(s, rows, &ps, a);
}

/* What MAIL gave goes into the envelope: 0, or -1 no memory. */
static int
begin_envelope(struct envelope *e, const struct mail_args *a)
{
	e->body8 = a->body8;
	e->smtputf8 = a->smtputf8;
	if ((e->sender = strdup(a->addr.text)) == NULL ||
	    (a->ret != NULL && (e->ret = strdup(a->ret)) == NULL) ||
	    (a->envid.p != NULL && (e->envid = span_dup(a->envid)) == NULL)) {
		envelope_free(e);
		return -1;
	}
	return 0;
}

/* RFC 5321 section 4.1.1.2 */
void
do_mail(struct session *s, struct cur *c)
{
	char why[POLICY_WHY] = "";
	struct mail_args a;
	enum reply_id id;

	if (s->conn->variant == SUBMISSION && s->user[0] == '\0')
		reply(s, R_AUTH_REQUIRED, NULL);
	else if (!parse_args(s, c, "FROM:", parse_reverse_path, R_BAD_SENDER,
	    mail_params, &a))
		return;
	else if (a.addr.utf8 && !a.smtputf8)	/* RFC 6531 section 3.5 */
		reply(s, R_SENDER_UTF8, NULL);
	else if ((id = policy_mail(s, &a.addr, a.size, why)) != R_SENDER_OK)
		reply(s, id, why);
	else if (begin_envelope(&s->tx.envelope, &a) == -1)
		reply(s, R_SHUTDOWN, NULL);
	else {
		s->tx.binary = a.binary;
		s->state = STATE_MAIL;
		reply(s, R_SENDER_OK, NULL);
	}
}

static bool
is_duplicate(const struct envelope *e, const char *addr)
{
	for (size_t i = 0; i < e->nrcpts; i++)
		if (strcmp(e->rcpts[i].addr, addr) == 0)
			return true;
	return false;
}

/* RFC 5321 section 4.5.3.1.10: 452, and those before it stand. */
static void
too_many(struct session *s)
{
	struct log l;

	if (!s->tx.overflow) {
		session_log(s, &l, "reject");
		log_str(&l, "cmd", s->verb);
		log_num(&l, "code", replies[R_TOO_MANY_RCPTS].code);
		log_text(&l, "%s", replies[R_TOO_MANY_RCPTS].text);
		log_end(&l);
	}
	s->tx.overflow = true;
	reply(s, R_TOO_MANY_RCPTS, NULL);
}

/* 0, or -1 no memory.  Who is named twice counts once, as named first. */
static int
add_rcpt(struct envelope *e, const struct mail_args *a)
{
	char notify[DSN_NOTIFY_SIZE], orcpt[DSN_ORCPT_MAX + 1];

	if (is_duplicate(e, a->addr.text))
		return 0;
	dsn_notify_print(a->notify, notify);
	if (a->orcpt.p != NULL &&
	    span_cstr(a->orcpt, orcpt, sizeof(orcpt)) == -1)
		return -1;
	return envelope_add_rcpt(e, a->addr.text, a->notify == 0 ? NULL :
	    notify, a->orcpt.p == NULL ? NULL : orcpt);
}

/* RFC 5321 section 4.1.1.3 */
void
do_rcpt(struct session *s, struct cur *c)
{
	char why[POLICY_WHY] = "";
	struct mail_args a;
	enum reply_id r;

	if (!parse_args(s, c, "TO:", parse_forward_path, R_BAD_RCPT,
	    rcpt_params, &a)) {
		s->tx.refused++;
		return;
	}
	if (!s->tx.envelope.smtputf8 && !span_isascii(a.orcpt)) {
		s->tx.refused++;
		reply(s, R_BAD_PARAM, "ORCPT");
		return;
	}
	if (s->tx.accepted >= s->control->set.recipients) {
		too_many(s);
		return;
	}
	if ((r = policy_rcpt(s, &a.addr, why)) != R_RCPT_OK) {
		s->tx.refused++;
		s->tx.rcpt = a.addr.text;
		reply(s, r, why);
		s->tx.rcpt = NULL;
		return;
	}
	if (add_rcpt(&s->tx.envelope, &a) == -1) {
		reply(s, R_SHUTDOWN, NULL);
		return;
	}
	s->state = STATE_RCPT;
	s->tx.accepted++;
	reply(s, R_RCPT_OK, NULL);
}
