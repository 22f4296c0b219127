/*
 * The command table, and the commands that need nothing but it.  Which verb is legal when, and with how many
 * arguments, is data; handlers are called from command_run alone.
 */
#include "pop3.h"

#include <string.h>

#include "ex.h"
#include "sasl.h"

#define BEFORE	STATE_AUTHORIZATION
#define AFTER	STATE_TRANSACTION
#define ANY	(BEFORE | AFTER)
#define NARGS	2		/* TOP has two */

static void	do_capa(struct pop3 *, const struct request *,
    const uint64_t *, unsigned);
static void	do_lang(struct pop3 *, const struct request *,
    const uint64_t *, unsigned);
static void	do_noop(struct pop3 *, const struct request *,
    const uint64_t *, unsigned);
static void	do_quit(struct pop3 *, const struct request *,
    const uint64_t *, unsigned);

/* RFC 1939 sections 4 to 7; RFC 2449; RFC 2595 section 4; RFC 5034; RFC 6856. */
const struct command commands[] = {
	{ "CAPA", ANY, 0, 0, false, do_capa },
	{ "QUIT", ANY, 0, 0, false, do_quit },
	{ "USER", BEFORE, 0, 0, true, do_user },
	{ "PASS", BEFORE, 0, 0, true, do_pass },
	{ "APOP", BEFORE, 0, 0, true, do_apop },
	{ "AUTH", BEFORE, 0, 0, true, do_auth },
	{ "STLS", BEFORE, 0, 0, false, do_stls },
	{ "STAT", AFTER, 0, 0, false, do_stat },
	{ "LIST", AFTER, 0, 1, false, do_list },
	{ "UIDL", AFTER, 0, 1, false, do_uidl },
	{ "RETR", AFTER, 1, 1, false, do_retr },
	{ "TOP", AFTER, 2, 2, false, do_top },
	{ "DELE", AFTER, 1, 1, false, do_dele },
	{ "RSET", AFTER, 0, 0, false, do_rset },
	{ "NOOP", AFTER, 0, 0, false, do_noop },
	{ "UTF8", BEFORE, 0, 0, false, do_utf8 },
	{ "LANG", ANY, 0, 0, true, do_lang },
};
const size_t ncommands = sizeof(commands) / sizeof(commands[0]);

static const struct command *
command_find(struct span verb)
{
	for (size_t i = 0; i < ncommands; i++)
		if (span_isis(verb, commands[i].verb))
			return &commands[i];
	return NULL;
}

static void
run(struct pop3 *p, const struct command *c, const struct request *r)
{
	uint64_t number[NARGS] = { 0, 0 };
	int n = 0;

	if (!c->raw)
		n = request_numbers(r->arg, number, c->max);
	if (n < 0 || (unsigned)n < c->min)
		reply(p, R_ARGUMENTS);
	else
		c->run(p, r, number, (unsigned)n);
}

void
command_run(struct pop3 *p, struct span line)
{
	struct request r;
	const struct command *c;

	switch (request_parse(line, &r)) {
	case REQUEST_EMPTY:
		reply(p, R_NO_COMMAND);
		return;
	case REQUEST_BYTES:
		reply(p, R_BAD_BYTES);
		return;
	case REQUEST_OK:
		break;
	}
	if ((c = command_find(r.verb)) != NULL)
		p->verb = c->verb;
	if (line.len > POP3_LINE_MAX && (c == NULL || c->run != do_auth))
		reply(p, R_TOO_LONG);
	else if (c == NULL)
		reply(p, R_BAD_COMMAND);
	else if ((c->states & p->state) == 0)
		reply(p, p->state == BEFORE ? R_BEFORE_LOGIN : R_AFTER_LOGIN);
	else
		run(p, c, &r);
}

/* RFC 2449 section 6.7: how long mail may stay here. */
static void
capa_expire(struct pop3 *p)
{
	const struct settings *set = &p->control->set;

	if (!set->pop3_keep)
		netout_adds(&p->out, "EXPIRE 0\r\n");
	else if (set->expire > 0)
		netout_addf(&p->out, "EXPIRE %u\r\n",
		    set->expire / (24 * 60 * 60));
	else
		netout_adds(&p->out, "EXPIRE NEVER\r\n");
}

static void
capa_login(struct pop3 *p)
{
	struct buf b;

	buf_init(&b, 256);
	if (login_offered(p))
		netout_adds(&p->out, "USER\r\n");
	sasl_mechanisms(p->conn, &p->control->set, " ", &b);
	if (b.len > 0)
		netout_addf(&p->out, "SASL%s\r\n", buf_cstr(&b));
	buf_free(&b);
}

/* RFC 2449 section 5.  SASL and USER are named only where a password may be sent. */
static void
do_capa(struct pop3 *p, const struct request *r, const uint64_t *number,
    unsigned n)
{
	(void)r;
	(void)number;
	(void)n;
	netout_adds(&p->out, "+OK Capabilities\r\nTOP\r\nUIDL\r\n"
	    "PIPELINING\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n");
	capa_expire(p);
	if (p->control->set.login_delay > 0)
		netout_addf(&p->out, "LOGIN-DELAY %u\r\n",
		    p->control->set.login_delay);
	capa_login(p);
	if (p->state == BEFORE && p->conn->can_tls)
		netout_adds(&p->out, "STLS\r\n");
	netout_adds(&p->out, "UTF8\r\nLANG\r\nIMPLEMENTATION posthouse\r\n.\r\n");
}

/* RFC 6856 section 3.2; one language, found as RFC 4647 section 3.4 looks one up. */
static void
do_lang(struct pop3 *p, const struct request *r, const uint64_t *number,
    unsigned n)
{
	struct cur c;

	(void)number;
	(void)n;
	cur_init(&c, r->arg);
	if (r->arg.len == 0)
		netout_adds(&p->out, "+OK Languages\r\nen English\r\n.\r\n");
	else if (span_is(r->arg, "*") || span_isis(cur_until(&c, '-'), "en"))
		reply(p, R_LANG);
	else
		reply(p, R_NO_LANG);
}

static void
do_noop(struct pop3 *p, const struct request *r, const uint64_t *number,
    unsigned n)
{
	(void)r;
	(void)number;
	(void)n;
	reply(p, R_DONE);
}

static void
do_quit(struct pop3 *p, const struct request *r, const uint64_t *number,
    unsigned n)
{
	(void)r;
	(void)number;
	(void)n;
	if (p->state == AFTER)
		mailbox_update(p);
	else
		reply(p, R_BYE);
}
