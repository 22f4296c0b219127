/*
 * SASL, the session's side.  Knows base64 and nothing of what is in it: that
 * goes to the auth process and is wiped.
 */
#include "sasl.h"

#include <string.h>

#include "encode.h"
#include "limits.h"

/* As a list is read: the first is the one to prefer. */
static const struct {
	const char *name;
	unsigned bit;			/* of the setting login-mechanisms */
	bool tls, certificate;		/* what it needs */
} mechanisms[] = {
	{ "SCRAM-SHA-256-PLUS", MECH_SCRAM_PLUS, true, false },
	{ "SCRAM-SHA-256", MECH_SCRAM, false, false },
	{ "EXTERNAL", MECH_EXTERNAL, true, true },
	{ "PLAIN", MECH_PLAIN, false, false },
	{ "LOGIN", MECH_LOGIN, false, false },
};
#define N	(sizeof(mechanisms) / sizeof(*mechanisms))

bool
sasl_private(const struct conn *conn, const struct settings *set)
{
	return conn->tls || conn->loopback || set->plain_auth;
}

static bool
usable(size_t i, const struct conn *conn, const struct settings *set)
{
	return sasl_private(conn, set) &&
	    (set->mechanisms & mechanisms[i].bit) != 0 &&
	    (conn->tls || !mechanisms[i].tls) &&
	    ((conn->facts != NULL && conn->facts->certificate) || !mechanisms[i].certificate);
}

void
sasl_mechanisms(const struct conn *conn, const struct settings *set,
    const char *before, struct buf *out)
{
	for (size_t i = 0; i < N; i++)
		if (usable(i, conn, set))
			(void)buf_addf(out, "%s%s", before,
			    mechanisms[i].name);
}

const char *
sasl_find(const struct conn *conn, const struct settings *set,
    struct span name)
{
	for (size_t i = 0; i < N; i++)
		if (usable(i, conn, set) && span_isis(name, mechanisms[i].name))
			return mechanisms[i].name;
	return NULL;
}

bool
sasl_refused(const struct settings *set, struct span name)
{
	for (size_t i = 0; i < N; i++)
		if (span_isis(name, mechanisms[i].name))
			return (set->mechanisms & mechanisms[i].bit) == 0;
	return false;
}

static enum sasl_step
turn(struct sasl *s, const char *protocol, const char *mechanism,
    const struct span *response)
{
	if (auth_turn(s->conn->auth_out, s->conn->auth_in, protocol, mechanism,
	    response, &s->result) == -1)
		s->result.verdict = AUTH_TEMP;
	s->running = s->result.verdict == AUTH_CHALLENGE;
	return s->running ? SASL_GO_ON : SASL_DONE;
}

/* "=" is the empty response: RFC 4954 section 4, RFC 4959 section 3. */
static enum sasl_step
decoded_turn(struct sasl *s, const char *protocol, const char *mechanism,
    struct span text)
{
	enum sasl_step step = SASL_BAD_BASE64;
	struct span response;
	struct buf b;

	buf_init(&b, SASL_MESSAGE_MAX);
	if (span_is(text, "=") || base64_decode(text, &b) == 0) {
		response = buf_span(&b);
		step = turn(s, protocol, mechanism, &response);
	}
	buf_wipe(&b);
	return step;
}

enum sasl_step
sasl_start(struct sasl *s, const struct conn *conn, const char *protocol,
    const char *mechanism, const struct span *initial)
{
	memset(s, 0, sizeof(*s));
	s->conn = conn;
	if (initial == NULL)
		return turn(s, protocol, mechanism, NULL);
	return decoded_turn(s, protocol, mechanism, *initial);
}

enum sasl_step
sasl_line(struct sasl *s, struct span line)
{
	if (span_is(line, "*"))
		return SASL_CANCELLED;
	return decoded_turn(s, NULL, NULL, line);
}

void
sasl_end(struct sasl *s)
{
	if (s->running)
		(void)turn(s, NULL, NULL, NULL);
	buf_zero(&s->result, sizeof(s->result));
}
