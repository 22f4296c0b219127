/*
 * Credentials.  auth_ask is the session's side: it knows the protocol and no
 * secret but the one that its client just sent.  auth_serve is the auth
 * process: it reads one record of fixed form, trusts nothing in it, and knows
 * no protocol.
 */
#include "auth.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "ex.h"
#include "file.h"
#include "log.h"
#include "secret.h"

/*
 * The record: protocol NUL user NUL secret NUL, in one write of at most
 * CRED_MAX bytes, which a pipe keeps whole.  The answer is one line:
 * "ok USER", "fail", "temp" or "disabled TEXT".
 */
#define ANSWER_MAX	512

/* Checked for a name that does not exist, so that it takes as long as one that
 * does, where the passwords file has no hash to take instead. */
#define DUMMY_SECRET	"$y$j9T$AAAAAAAAAAAAAAAAAAAAA/$" \
	"0000000000000000000000000000000000000000000"

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

static int
parse_answer(const char *line, struct auth_result *res)
{
	memset(res, 0, sizeof(*res));
	if (strncmp(line, "ok ", 3) == 0) {
		res->verdict = AUTH_OK;
		return strlcpy(res->user, line + 3, sizeof(res->user)) <
		    sizeof(res->user) ? 0 : -1;
	}
	if (strncmp(line, "disabled ", 9) == 0) {
		res->verdict = AUTH_DISABLED;
		strlcpy(res->text, line + 9, sizeof(res->text));
		return 0;
	}
	res->verdict = strcmp(line, "fail") == 0 ? AUTH_FAILED : AUTH_TEMP;
	return 0;
}

int
auth_ask(int out, int in, const char *protocol, struct span user,
    struct span secret, struct auth_result *res)
{
	char line[ANSWER_MAX];
	struct buf b;
	int r;

	if (out == -1 || in == -1) {
		errno = ENOTCONN;
		return -1;
	}
	/* What cannot be a name or a secret is not worth a process. */
	if (span_haschr(user, 0) || span_haschr(secret, 0) ||
	    user.len > ADDR_MAX || user.len == 0) {
		memset(res, 0, sizeof(*res));
		res->verdict = AUTH_FAILED;
		return 0;
	}
	buf_init(&b, CRED_MAX);
	buf_add(&b, protocol, strlen(protocol) + 1);
	buf_addspan(&b, user);
	buf_addc(&b, 0);
	buf_addspan(&b, secret);
	if (buf_addc(&b, 0) == -1) {
		buf_wipe(&b);
		memset(res, 0, sizeof(*res));
		res->verdict = AUTH_FAILED;
		return 0;
	}
	r = file_write_all(out, b.p, b.len);
	buf_wipe(&b);
	if (r == -1 || read_answer(in, line, sizeof(line)) == -1)
		return -1;
	return parse_answer(line, res);
}

/* Record fields; each ends in a NUL that must be there. */
struct cred {
	struct span protocol, user, secret;
};

static int
cred_parse(struct span record, struct cred *cred)
{
	struct span *field[3] = { &cred->protocol, &cred->user,
	    &cred->secret };
	struct cur c;

	cur_init(&c, record);
	for (size_t i = 0; i < 3; i++) {
		*field[i] = cur_until(&c, 0);
		if (!cur_ch(&c, 0))
			return -1;
	}
	return cur_end(&c) && cred->user.len > 0 ? 0 : -1;
}

/* A canonical account name: lower case, with the first local domain where the
 * client gave none, and nothing that could be taken for a separator in the files
 * or on the pipes. */
static int
cred_name(const struct control *c, struct span user, char name[ADDR_MAX + 1])
{
	if (user.len > ADDR_MAX)
		return -1;
	for (size_t i = 0; i < user.len; i++) {
		unsigned char ch = user.p[i];

		if (ch <= ' ' || ch == ':' || ch == 0x7f)
			return -1;
		name[i] = (char)ascii_lower(ch);
	}
	name[user.len] = '\0';
	if (span_haschr(user, '@') || c->first_domain[0] == '\0')
		return 0;
	if (strlcat(name, "@", ADDR_MAX + 1) > ADDR_MAX ||
	    strlcat(name, c->first_domain, ADDR_MAX + 1) > ADDR_MAX)
		return -1;
	return 0;
}

/* What a check costs here: the first hash in the file.  */
static struct span
usual_secret(const struct control *c)
{
	struct span line;
	struct cur cur, l;

	cur_init(&cur, buf_span(&c->passwords.text));
	while (!cur_end(&cur)) {
		line = cur_until(&cur, '\n');
		(void)cur_ch(&cur, '\n');
		cur_init(&l, line);
		if (cur_peek(&l) == '#')
			continue;
		(void)cur_until(&l, ':');
		if (cur_ch(&l, ':') && cur_peek(&l) == '$')
			return cur_rest(&l);
	}
	return span_str(DUMMY_SECRET);
}

/* Checks all secrets of the name, and one more where there is none. */
static enum auth_verdict
check_all(const struct control *c, const char *name, struct span secret)
{
	struct password_line p;
	struct span value;
	unsigned line;
	size_t at = 0, n = 0;
	bool ok = false;

	while (table_next(&c->passwords, span_str(name), &at, &value, &line)) {
		if (password_line_parse(span_str(name), value, &p) == NULL)
			ok = secret_check(p.secret, secret) || ok;
		n++;
	}
	if (n == 0)
		(void)secret_check(usual_secret(c), secret);
	return ok ? AUTH_OK : AUTH_FAILED;
}

static int
answer(int fd, const char *word, const char *arg)
{
	char line[ANSWER_MAX];
	int n = snprintf(line, sizeof(line), "%s%s\n", word, arg);

	if (n < 0 || (size_t)n >= sizeof(line))
		return -1;
	return file_write_all(fd, line, (size_t)n);
}

static int
serve_record(struct control *c, struct span record, int session_out,
    int account_out)
{
	char name[ADDR_MAX + 1];
	struct cred cred;
	struct account account;
	enum auth_verdict v;

	if (cred_parse(record, &cred) == -1) {
		log_warn("malformed credential record from a session");
		return EX_DATAERR;
	}
	if (cred_name(c, cred.user, name) == -1)
		name[0] = '\0';
	v = check_all(c, name, cred.secret);
	/* A secret without a mailbox lets nobody in. */
	if (v == AUTH_OK && account_find(c, name, &account) == -1)
		v = AUTH_FAILED;
	if (v == AUTH_OK && account_out != -1 &&
	    answer(account_out, "", name) == -1)
		return EX_IOERR;
	if (v == AUTH_OK)
		return answer(session_out, "ok ", name) == -1 ? EX_IOERR :
		    EX_OK;
	return answer(session_out, "fail", "") == -1 ? EX_IOERR : EX_OK;
}

int
auth_serve(struct control *c, int in, int session_out, int account_out)
{
	char record[CRED_MAX];
	ssize_t n;
	int r;

	while ((n = read(in, record, sizeof(record))) == -1 && errno == EINTR)
		;
	if (n <= 0)
		return EX_OK;		/* the session went away */
	r = serve_record(c, span_of(record, (size_t)n), session_out,
	    account_out);
	explicit_bzero(record, sizeof(record));
	return r;
}
