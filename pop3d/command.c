/*
 * The command table, and the commands that need nothing but it.  Which verb is legal when, and with how many
 * arguments, is data; handlers are called from command_run alone.
 */
#include "pop3.h"

#include <string.h>

#include "ex.h"

#define BEFORE	STATE_AUTHORIZATION
#define AFTER	STATE_TRANSACTION
#define ANY	(BEFORE | AFTER)
#define NARGS	2		/* TOP has two */

static void	do_capa(struct pop3 *, const struct request *,
    const uint64_t *, unsigned);
static void	do_noop(struct pop3 *, const struct request *,
    const uint64_t *, unsigned);
static void	do_quit(struct pop3 *, const struct request *,
    const uint64_t *, unsigned);

/* RFC 1939 sections 4 to 7; RFC 2449; RFC 2595 section 4; RFC 5034. */
const struct command commands[] = {
	{ "CAPA", ANY, 0, 0, false, do_capa },
	{ "QUIT", ANY, 0, 0, false, do_quit },
	{ "USER", BEFORE, 0, 0, true, do_user },
	{ "PASS", BEFORE, 0, 0, true, do_pass },
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

/* RFC 2449 section 5.  SASL and USER are named only where a password may be sent. */
static void
do_capa(struct pop3 *p, const struct request *r, const uint64_t *number,
    unsigned n)
{
	(void)r;
	(void)number;
	(void)n;
	netout_adds(&p->out, "+OK Capabilities\r\nTOP\r\nUIDL\r\n"
	    "PIPELINING\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nEXPIRE NEVER\r\n");
	if (login_offered(p))
		netout_adds(&p->out, "USER\r\nSASL PLAIN\r\n");
	if (p->state == BEFORE && p->conn->can_tls)
		netout_adds(&p->out, "STLS\r\n");
	netout_adds(&p->out, "IMPLEMENTATION posthouse\r\n.\r\n");
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
