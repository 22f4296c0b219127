/*
 * The verbs that only tell: VRFY, EXPN, HELP.  What an address means is told to
 * nobody but to who has logged in, and to them only by EXPN over aliases;
 * everybody else learns from RCPT what they need to know.
 */
#include "smtpd.h"

#include <stdio.h>
#include <string.h>

#include "limits.h"
#include "rcpt.h"

#define SMTPUTF8_WORD	"SMTPUTF8"

/* RFC 5321 section 3.5.3: 252, for who may know is told by RCPT.  The same for
 * a name that is not ASCII, with SMTPUTF8 or not: RFC 6531 section 3.7.4.2. */
void
do_vrfy(struct session *s, struct cur *arg)
{
	if (cur_end(arg))
		reply(s, R_SYNTAX, command_find(span_str(s->verb))->syntax);
	else
		reply(s, R_VRFY, NULL);
}

/* EXPN's argument: an address, with brackets or not, or the name of an alias
 * of the first domain. */
static bool
parse_list(const struct session *s, struct span text, struct addr *out)
{
	char full[ADDR_MAX + 8];

	if (text.len > 2 && text.p[0] == '<' && text.p[text.len - 1] == '>')
		text = span_of(text.p + 1, text.len - 2);
	if (parse_mailbox(text, true, out) == ADDR_OK)
		return true;
	return (size_t)snprintf(full, sizeof(full), "%.*s@%s", (int)text.len,
	    (const char *)text.p, s->control->first_domain) < sizeof(full) &&
	    parse_mailbox(span_str(full), true, out) == ADDR_OK;
}

struct members {
	struct session *s;
	bool utf8;		/* the client can read it */
	bool hidden;		/* one was left out: it cannot */
	char last[ADDR_MAX + 8];	/* not yet sent: "250-" or "250 " */
};

/* One target of the alias; the one before it is no longer the last. */
static int
member_each(void *arg, const struct addr *addr)
{
	struct members *m = arg;

	if (addr->utf8 && !m->utf8) {
		m->hidden = true;
		return 0;
	}
	if (m->last[0] != '\0')
		reply_more(m->s, R_MEMBER, m->last);
	strlcpy(m->last, addr->text, sizeof(m->last));
	return 0;
}

/* RFC 5321 section 3.5: the members of a list, and those of lists in it only
 * when asked for; RFC 6531 section 3.7.4.2 for the parameter. */
void
do_expn(struct session *s, struct cur *arg)
{
	struct span list = cur_until(arg, ' ');
	struct members m = { .s = s };
	struct rcpt_decision d;
	struct addr addr;

	while (cur_ch(arg, ' '))
		;
	m.utf8 = cur_word(arg, SMTPUTF8_WORD);
	if (s->user[0] == '\0') {
		reply(s, R_AUTH_REQUIRED, NULL);
		return;
	}
	if (list.len == 0 || !cur_end(arg)) {
		reply(s, R_SYNTAX, command_find(span_str(s->verb))->syntax);
		return;
	}
	if (!parse_list(s, list, &addr)) {
		reply(s, R_BAD_RCPT, NULL);
		return;
	}
	rcpt_decide(s->control, &addr, &d);
	if (d.kind == RCPT_ALIAS)
		(void)alias_targets(d.targets, addr_domain(&addr), member_each,
		    &m);
	if (m.hidden)
		reply(s, R_LIST_UTF8, NULL);
	else if (m.last[0] == '\0')
		reply(s, R_NO_LIST, NULL);
	else
		reply(s, R_MEMBER, m.last);
}

/* HELP STATUS, RFC 5321 section 4.2.2: 211 is about the system and where this
 * session stands. */
static void
help_status(struct session *s)
{
	const struct conn *conn = s->conn;
	char line[SMTP_REPLY_MAX];

	reply_more(s, R_STATUS, s->control->hostname);
	snprintf(line, sizeof(line), "You are %s, address %s%s%s",
	    s->helo[0] != '\0' ? s->helo : "not introduced", conn->peer_text,
	    conn->tls ? ", " : "", conn->tls ? conn->facts->version : "");
	reply_more(s, R_STATUS, line);
	if (s->user[0] != '\0') {
		snprintf(line, sizeof(line), "Logged in as %s", s->user);
		reply_more(s, R_STATUS, line);
	}
	snprintf(line, sizeof(line), "%u messages taken; now %s, %u recipients",
	    s->messages, s->state > STATE_READY ? "in a mail transaction" :
	    "no mail transaction", s->tx.accepted);
	reply(s, R_STATUS, line);
}

static bool
is_served(const struct session *s, const struct command *c)
{
	return c->syntax != NULL && (c->run != do_xclient || s->xclient) &&
	    (c->variants & (1u << s->conn->variant)) != 0;
}

static void
help_topic(struct session *s, struct span topic)
{
	const struct command *c = command_find(topic);

	if (span_isis(topic, "STATUS")) {
		help_status(s);
	} else if (c == NULL || !is_served(s, c)) {
		reply(s, R_NO_TOPIC, NULL);
	} else {
		reply_more(s, R_HELP, c->syntax);
		reply(s, R_HELP, c->about);
	}
}

/* RFC 5321 section 4.1.1.8 */
void
do_help(struct session *s, struct cur *arg)
{
	char verbs[256] = "";

	if (!cur_end(arg)) {
		help_topic(s, cur_rest(arg));
		return;
	}
	for (size_t i = 0; i < ncommands; i++)
		if (is_served(s, &commands[i])) {
			strlcat(verbs, verbs[0] == '\0' ? "" : " ",
			    sizeof(verbs));
			strlcat(verbs, commands[i].verb, sizeof(verbs));
		}
	reply_more(s, R_HELP, verbs);
	reply(s, R_HELP, "HELP command tells more of it, HELP STATUS of now");
}
