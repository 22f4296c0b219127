/*
 * All fixed replies.  Response codes in brackets are those of RFC 2449 section 8, of RFC 3206
 * and of RFC 6856 section 5.
 */
#include "pop3.h"

#include <string.h>

#include "ex.h"

#define ERROR	REPLY_ERROR
#define CLOSE	REPLY_CLOSE

const struct reply replies[REPLY_COUNT] = {
	[R_DONE] = { "+OK", 0 },
	[R_GREETING] = { "+OK POP3 ready", 0 },
	[R_START_TLS] = { "+OK Begin TLS", 0 },
	[R_BYE] = { "+OK Bye", CLOSE },
	[R_USER] = { "+OK Send PASS", 0 },
	[R_DELETED] = { "+OK Marked for deletion at QUIT", 0 },
	[R_LANG] = { "+OK en English it is", 0 },
	[R_UTF8] = { "+OK UTF8 enabled", 0 },
	[R_BAD_COMMAND] = { "-ERR Unknown command", ERROR },
	[R_NO_COMMAND] = { "-ERR Empty line", ERROR },
	[R_BAD_BYTES] = { "-ERR Control or 8-bit byte in a command", ERROR },
	[R_BAD_NEWLINE] = { "-ERR Lines end in CRLF, and nowhere else is CR or LF",
	    ERROR },
	[R_NUL] = { "-ERR NUL byte in a command", ERROR },
	[R_TOO_LONG] = { "-ERR Line too long", ERROR },
	[R_ARGUMENTS] = { "-ERR Wrong arguments", ERROR },
	[R_BEFORE_LOGIN] = { "-ERR Log in first", ERROR },
	[R_AFTER_LOGIN] = { "-ERR Logged in already", ERROR },
	[R_NEED_TLS] = { "-ERR A password needs TLS: send STLS first", ERROR },
	[R_NO_TLS] = { "-ERR No TLS here", ERROR },
	[R_AFTER_STLS] = { "-ERR Input after STLS, closing connection",
	    ERROR | CLOSE },
	[R_LATE_STLS] = { "-ERR STLS comes before UTF8", ERROR },
	[R_NO_USER] = { "-ERR Send USER first", ERROR },
	[R_BAD_USER] = { "-ERR [AUTH] That cannot be a user name", ERROR },
	[R_BAD_PASS] = { "-ERR [AUTH] That cannot be a password", ERROR },
	[R_NO_MECHANISM] = { "-ERR No such mechanism here", ERROR },
	[R_BAD_BASE64] = { "-ERR Not base64", ERROR },
	[R_BAD_SASL] = { "-ERR Not a response of this mechanism", ERROR },
	[R_CANCELLED] = { "-ERR Cancelled", ERROR },
	[R_AUTH_FAILED] = { "-ERR [AUTH] Wrong name or password", ERROR },
	[R_AUTH_DISABLED] = { "-ERR [AUTH] Account disabled", ERROR },
	[R_AUTH_TEMP] = { "-ERR [SYS/TEMP] Cannot check passwords now", ERROR },
	[R_IN_USE] = { "-ERR [IN-USE] Another session has this maildrop",
	    ERROR | CLOSE },
	[R_LOGIN_DELAY] = { "-ERR [LOGIN-DELAY] The last login was a moment ago, "
	    "try later", ERROR | CLOSE },
	[R_NO_MAILDROP] = { "-ERR [SYS/TEMP] Cannot open the maildrop",
	    ERROR | CLOSE },
	[R_NO_MESSAGE] = { "-ERR No such message", ERROR },
	[R_MARKED] = { "-ERR Message is marked for deletion", ERROR },
	[R_VANISHED] = { "-ERR Message was removed by another session", ERROR },
	[R_NO_LANG] = { "-ERR No such language; there is en", ERROR },
	[R_NEEDS_UTF8] = { "-ERR [UTF8] This message needs the command UTF8 "
	    "before login", ERROR },
	[R_READ_FAILED] = { "-ERR [SYS/TEMP] Cannot read the message", ERROR },
	[R_NOT_REMOVED] = { "-ERR [SYS/TEMP] Some messages were not removed",
	    ERROR | CLOSE },
	[R_ERRORS] = { "-ERR Too many errors, closing connection",
	    ERROR | CLOSE },
	[R_TIMEOUT] = { "-ERR Timeout, closing connection", CLOSE },
	[R_MEMORY] = { "-ERR [SYS/TEMP] Out of memory, closing connection",
	    ERROR | CLOSE },
};

void
pop3_log(const struct pop3 *p, struct log *l, const char *event)
{
	log_begin(l, event);
	log_str(l, "sid", p->conn->sid);
	log_str(l, "peer", p->conn->peer_text);
	if (p->account != NULL)
		log_str(l, "user", p->account);
}

static void
log_reject(const struct pop3 *p, const struct reply *r)
{
	struct log l;

	pop3_log(p, &l, "reject");
	log_str(&l, "cmd", p->verb);
	log_text(&l, "%s", r->text + strlen("-ERR "));
	log_end(&l);
}

void
reply(struct pop3 *p, enum reply_id id)
{
	reply_text(p, id, NULL);
}

void
reply_text(struct pop3 *p, enum reply_id id, const char *text)
{
	const struct reply *r = &replies[id];

	netout_adds(&p->out, r->text);
	if (text != NULL)
		netout_addf(&p->out, ": %s", text);
	netout_adds(&p->out, "\r\n");
	if ((r->flags & REPLY_CLOSE) != 0) {
		p->done = true;
		if (r->text[0] == '-')
			p->exit_code = EX_PROTOCOL;
	}
	if ((r->flags & REPLY_ERROR) == 0)
		return;
	log_reject(p, r);
	if (++p->errors >= p->control->set.errors && !p->done)
		reply(p, R_ERRORS);
}
