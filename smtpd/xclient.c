/*
 * XCLIENT (Postfix' XCLIENT_README): a machine that the file proxies lists says
 * for whom it speaks.  All attributes are read before any is believed; then the
 * session begins anew, as that client's.  Names and destinations are read and
 * not used.  Once an address is told, the rights are those of that address: a
 * proxy that passes everything on behind its XCLIENT, as nginx does, passes on
 * its client's XCLIENT too.
 */
#include "smtpd.h"

#include <arpa/inet.h>

#include <string.h>

#include "chars.h"
#include "encode.h"
#include "listen.h"
#include "log.h"

#define VALUE_MAX	ADDR_MAX

struct attributes {
	bool has_addr, has_port, has_helo, has_login;
	bool addr_known;
	struct in6_addr addr;
	unsigned port;
	char helo[SMTP_HELO_MAX + 1];
	char login[ADDR_MAX + 1];
};

/* attribute-value = xtext: RFC 3461 section 4. */
static bool
parse_value(struct cur *c, char out[VALUE_MAX + 1])
{
	size_t n = 0;
	int ch;

	while ((ch = cur_peek(c)) != -1 && ch != ' ') {
		(void)cur_next(c);
		if (ch == '+' && (ch = hex_byte(c)) == -1)
			return false;
		if (ch == 0 || n == VALUE_MAX)
			return false;
		out[n++] = (char)ch;
	}
	out[n] = '\0';
	return n > 0;
}

static bool
is_unavailable(const char *v)
{
	return span_isis(span_str(v), "[UNAVAILABLE]") ||
	    span_isis(span_str(v), "[TEMPUNAVAIL]");
}

static bool
take_addr(struct attributes *a, const char *v)
{
	struct in_addr v4;
	struct cur c;

	a->has_addr = true;
	if (is_unavailable(v))
		return true;
	a->addr_known = true;
	memset(&a->addr, 0, sizeof(a->addr));
	if (inet_pton(AF_INET, v, &v4) == 1) {
		a->addr.s6_addr[10] = a->addr.s6_addr[11] = 0xff;
		memcpy(&a->addr.s6_addr[12], &v4, 4);
		return true;
	}
	cur_init(&c, span_str(v));
	return cur_word(&c, "IPV6:") &&
	    inet_pton(AF_INET6, v + strlen("IPV6:"), &a->addr) == 1;
}

static bool
take_port(struct attributes *a, const char *v)
{
	uint64_t port = 0;
	struct cur c;

	a->has_port = true;
	if (is_unavailable(v))
		return true;
	cur_init(&c, span_str(v));
	if (cur_num(&c, 65535, &port) == -1 || !cur_end(&c))
		return false;
	a->port = (unsigned)port;
	return true;
}

static bool
take_helo(struct attributes *a, const char *v)
{
	a->has_helo = true;
	if (is_unavailable(v))
		return true;
	return is_helo(span_str(v)) &&
	    strlcpy(a->helo, v, sizeof(a->helo)) < sizeof(a->helo);
}

static bool
take_login(struct attributes *a, const char *v)
{
	struct addr addr;

	a->has_login = true;
	if (is_unavailable(v))
		return true;
	if (parse_mailbox(span_str(v), true, &addr) != ADDR_OK)
		return false;
	return strlcpy(a->login, addr.text, sizeof(a->login)) <
	    sizeof(a->login);
}

static bool
take_proto(struct attributes *a, const char *v)
{
	(void)a;
	return span_isis(span_str(v), "SMTP") || span_isis(span_str(v), "ESMTP");
}

static bool
take_unused(struct attributes *a, const char *v)
{
	(void)a;
	(void)v;
	return true;
}

static const struct {
	const char *name;
	unsigned variants;
	bool (*take)(struct attributes *, const char *value);
} rows[] = {
	{ "NAME", 7, take_unused }, { "ADDR", 7, take_addr },
	{ "PORT", 7, take_port }, { "PROTO", 7, take_proto },
	{ "HELO", 7, take_helo }, { "LOGIN", 1u << SUBMISSION, take_login },
	{ "DESTADDR", 7, take_unused }, { "DESTPORT", 7, take_unused },
};

static bool
take_attribute(const struct session *s, struct cur *c, struct attributes *a)
{
	struct span name = cur_while(c, chars, CH_LETDIG);
	char value[VALUE_MAX + 1];

	if (!cur_ch(c, '=') || !parse_value(c, value))
		return false;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (span_isis(name, rows[i].name))
			return (rows[i].variants & 1u << s->conn->variant) !=
			    0 && rows[i].take(a, value);
	return false;
}

/* A login counts where there is such an account. */
static bool
believe_login(struct session *s, const char *login)
{
	struct account account;

	if (login[0] != '\0' &&
	    account_find(s->control, login, &account) == -1)
		return false;
	strlcpy(s->user, login, sizeof(s->user));
	return true;
}

/* From now on the client itself may be speaking.  Behind TLS a new session would
 * take it for the proxy again, so there is no STARTTLS any more. */
static void
become_client(struct session *s)
{
	s->xclient = control_proxy(s->control, &s->conn->peer_in6) ==
	    PROXY_XCLIENT;
	s->conn->can_tls = false;
}

static bool
believe(struct session *s, const struct attributes *a)
{
	struct in6_addr nobody = IN6ADDR_ANY_INIT;

	if (a->has_login && !believe_login(s, a->login))
		return false;
	if (a->has_addr && a->addr_known)
		listen_peer_told(&a->addr, a->port, s->conn);
	else if (a->has_addr) {
		listen_peer_told(&nobody, 0, s->conn);
		strlcpy(s->conn->peer_text, "unknown",
		    sizeof(s->conn->peer_text));
	}
	if (a->has_addr)
		become_client(s);
	if (a->has_port)
		s->conn->peer_port = a->port;
	if (a->has_helo)
		strlcpy(s->told_helo, a->helo, sizeof(s->told_helo));
	return true;
}

void
do_xclient(struct session *s, struct cur *c)
{
	struct attributes a;
	struct log l;

	memset(&a, 0, sizeof(a));
	do {
		if (!take_attribute(s, c, &a)) {
			reply(s, R_SYNTAX, command_find(
			    span_str(s->verb))->syntax);
			return;
		}
		while (cur_ch(c, ' '))
			;
	} while (!cur_end(c));
	if (!believe(s, &a)) {
		reply(s, R_UNKNOWN_USER, NULL);
		return;
	}
	transaction_reset(s);
	s->state = STATE_START;
	s->helo[0] = '\0';
	session_log(s, &l, "connect");
	log_end(&l);
	reply(s, R_GREETING, s->control->hostname);
}
