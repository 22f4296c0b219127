/*
 * Credentials, the session's side: it knows the protocol and no secret but the
 * one that its client just sent.  A record begins with protocol NUL mechanism
 * NUL when it begins an exchange; then comes "=" and the response, "-" for none,
 * or "*" to give up.  One write of at most CRED_MAX bytes, which a pipe keeps
 * whole.  The answer is one line: a word, a space, a text.
 */
#include "auth.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "file.h"

static int
read_answer(int in, char *line, size_t size)
{
	size_t n = 0;
	ssize_t r;

	while (n < size - 1) {
		r = read(in, line + n, size - 1 - n);
		if (r == -1 && errno == EINTR)
			continue;
		if (r <= 0)
			return -1;
		n += (size_t)r;
		if (line[n - 1] == '\n') {
			line[n - 1] = '\0';
			return 0;
		}
	}
	errno = EPROTO;
	return -1;
}

static const char *const words[] = { [AUTH_OK] = "ok", [AUTH_FAILED] = "fail",
    [AUTH_DISABLED] = "disabled", [AUTH_OTHER_NAME] = "other",
    [AUTH_MALFORMED] = "malformed", [AUTH_TEMP] = "temp",
    [AUTH_CHALLENGE] = "challenge" };

/* The line is in res->text, where all of it but the word stays. */
static void
parse_answer(struct auth_result *res)
{
	struct span word, rest;
	struct cur c;

	cur_init(&c, span_str(res->text));
	word = cur_until(&c, ' ');
	(void)cur_ch(&c, ' ');
	rest = cur_rest(&c);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (span_is(word, words[i]))
			res->verdict = (enum auth_verdict)i;
	if (res->verdict == AUTH_OK) {
		(void)span_cstr(rest, res->user, sizeof(res->user));
		rest.len = 0;
	}
	memmove(res->text, rest.p, rest.len);
	res->text[rest.len] = '\0';
}

static void
result_init(struct auth_result *res, enum auth_verdict v)
{
	res->verdict = v;
	res->user[0] = res->text[0] = '\0';
}

int
auth_turn(int out, int in, const char *protocol, const char *mechanism,
    const struct span *response, struct auth_result *res)
{
	struct buf b;
	int r;

	result_init(res, AUTH_TEMP);
	if (out == -1 || in == -1) {
		errno = ENOTCONN;
		return -1;
	}
	buf_init(&b, CRED_MAX);
	if (protocol != NULL) {
		(void)buf_add(&b, protocol, strlen(protocol) + 1);
		(void)buf_add(&b, mechanism, strlen(mechanism) + 1);
	}
	(void)buf_addc(&b, response != NULL ? '=' :
	    protocol != NULL ? '-' : '*');
	if (response != NULL)
		(void)buf_addspan(&b, *response);
	if (b.bad) {	/* what is so long cannot be a secret that is known */
		buf_wipe(&b);
		res->verdict = AUTH_FAILED;
		return 0;
	}
	r = file_write_all(out, b.p, b.len);
	buf_wipe(&b);
	if (r == -1 || read_answer(in, res->text, sizeof(res->text)) == -1) {
		result_init(res, AUTH_TEMP);
		return -1;
	}
	parse_answer(res);
	return 0;
}

/* Fields of a response, separated by NUL, none of which may hold one. */
static int
ask_fields(int out, int in, const char *protocol, const char *mechanism,
    const struct span field[3], struct auth_result *res)
{
	struct span response;
	struct buf b;
	bool bad = false;
	int r = 0;

	buf_init(&b, CRED_MAX);
	for (size_t i = 0; i < 3; i++) {
		bad = bad || span_haschr(field[i], 0);
		(void)buf_addspan(&b, field[i]);
		if (i < 2)
			(void)buf_addc(&b, 0);
	}
	response = buf_span(&b);
	if (bad || b.bad)
		result_init(res, AUTH_FAILED);
	else
		r = auth_turn(out, in, protocol, mechanism, &response, res);
	buf_wipe(&b);
	return r;
}

int
auth_ask(int out, int in, const char *protocol, struct span user,
    struct span secret, struct auth_result *res)
{
	const struct span field[3] = { span_str(""), user, secret };

	return ask_fields(out, in, protocol, "PLAIN", field, res);
}

int
auth_apop(int out, int in, struct span user, struct span digest,
    const char *stamp, struct auth_result *res)
{
	const struct span field[3] = { user, digest, span_str(stamp) };

	return ask_fields(out, in, "pop3", "APOP", field, res);
}
