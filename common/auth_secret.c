/*
 * A plain password, wherever it is known: passwords, shadow(5), or the
 * checkpassword program.  For a name that does not exist a hash of the kind that
 * is usual here is computed all the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <shadow.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "auth_impl.h"
#include "clock.h"
#include "file.h"
#include "limits.h"
#include "log.h"
#include "secret.h"

#define CHECKER_WAIT	(CHECKER_SECONDS + 5)

/* Where passwords has no hash at all. */
#define DUMMY_SECRET	"$y$j9T$AAAAAAAAAAAAAAAAAAAAA/$" \
	"0000000000000000000000000000000000000000000"

bool
auth_line(const struct auth *a, size_t *at, struct password_line *p)
{
	struct cur c;

	cur_init(&c, span_of(a->lines.p + *at, a->lines.len - *at));
	while (!cur_end(&c)) {
		struct span value = cur_until(&c, '\n');

		(void)cur_ch(&c, '\n');
		if (password_line_parse(span_str(a->name), value, p) != NULL ||
		    (p->protocols & a->protocol) == 0 ||
		    (p->expires != 0 && clock_now() >= p->expires))
			continue;
		*at = a->lines.len - cur_left(&c);
		return true;
	}
	*at = a->lines.len;
	return false;
}

/* Takes the time of a check, and is not one. */
static enum auth_verdict
check_nothing(struct auth *a, struct span secret, const char *why)
{
	struct password_line p = { .secret = span_str(DUMMY_SECRET) };
	struct buf b;

	buf_init(&b, CONTROL_LINE_MAX);
	if (passwords_usual(a->files->passwords, &b) == 0)
		(void)password_line_parse(span_str(""), buf_span(&b), &p);
	(void)secret_check(p.secret, secret);
	buf_wipe(&b);
	return auth_end(a, AUTH_FAILED, why);
}

/* Checks all secrets of the account, so that none of them is told by time. */
static enum auth_verdict
check_file(struct auth *a, struct span secret)
{
	struct password_line p;
	char label[AUTH_LABEL_MAX] = "";
	size_t at = 0, n = 0;
	bool ok = false;

	for (; auth_line(a, &at, &p); n++) {
		if (!secret_check(p.secret, secret))
			continue;
		if (!ok)
			(void)span_cstr(p.label, label, sizeof(label));
		ok = true;
	}
	if (n == 0)
		return check_nothing(a, secret, a->exists ?
		    "no password is good for this" : "no such account");
	return auth_end(a, ok ? AUTH_OK : AUTH_FAILED, ok ? label :
	    "wrong password");
}

/* From its beginning, and left open for the next login. */
static FILE *
open_shadow(int shadow)
{
	int fd = shadow == -1 ? -1 : fcntl(shadow, F_DUPFD_CLOEXEC, 0);
	FILE *f = fd == -1 ? NULL : fdopen(fd, "r");

	if (f != NULL)
		rewind(f);
	else if (fd != -1)
		close(fd);
	return f;
}

/* shadow(5) of the account's owner. */
static enum auth_verdict
check_system(struct auth *a, struct span secret)
{
	FILE *f = open_shadow(a->files->shadow);
	const struct user_line *u = &a->account.line;
	long today = (long)(clock_now() / 86400);
	enum auth_verdict v = AUTH_FAILED;
	struct spwd *sp = NULL;

	if (f == NULL)
		return auth_end(a, AUTH_TEMP, "/etc/shadow cannot be read");
	while ((sp = fgetspent(f)) != NULL && !span_is(u->owner, sp->sp_namp))
		;
	if (sp == NULL && ferror(f))
		v = auth_end(a, AUTH_TEMP, "/etc/shadow cannot be read");
	else if (sp == NULL)
		v = check_nothing(a, secret, "not in /etc/shadow");
	else if (!secret_check(span_str(sp->sp_pwdp), secret))
		v = auth_end(a, AUTH_FAILED, "wrong password");
	else if (sp->sp_expire > 0 && today >= sp->sp_expire)
		v = auth_end(a, AUTH_FAILED, "the system account has expired");
	else
		v = auth_end(a, AUTH_OK, "system");
	fclose(f);
	return v;
}

/* One letter, or it has ended without.  Its own clock, of CHECKER_SECONDS, stands
 * still where somebody has stopped it. */
static char
checker_letter(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	uint64_t now, end = clock_mono_ms() + CHECKER_WAIT * 1000;
	char letter;
	int r = 0;

	while (r == 0 && (now = clock_mono_ms()) < end)
		if ((r = poll(&pfd, 1, (int)(end - now))) == -1 &&
		    errno == EINTR)
			r = 0;
	if (r == 0)
		log_warn("checkpassword: no answer, and no end of the process "
		    "that waits for it, within %d seconds", CHECKER_WAIT);
	return r == 1 && read(fd, &letter, 1) == 1 ? letter : 't';
}

/* name NUL secret NUL to the process that runs it; back comes one letter. */
static enum auth_verdict
check_program(struct auth *a, struct span secret)
{
	struct buf b;
	char got = 't';

	buf_init(&b, CRED_MAX);
	(void)buf_add(&b, a->name, strlen(a->name) + 1);
	(void)buf_addspan(&b, secret);
	(void)buf_addc(&b, 0);
	if (!b.bad && a->files->checker_in != -1 &&
	    file_write_all(a->files->checker_out, b.p, b.len) == 0)
		got = checker_letter(a->files->checker_in);
	buf_wipe(&b);
	if (got == 'y')
		return auth_end(a, AUTH_OK, "checkpassword");
	if (got == 'n')
		return auth_end(a, AUTH_FAILED, "wrong password");
	return auth_end(a, AUTH_TEMP, a->files->checker_in == -1 ?
	    "the setting checkpassword is missing" :
	    "the checkpassword program has failed");
}

enum auth_verdict
auth_secret(struct auth *a, struct span secret)
{
	enum user_password from = a->account.line.password;

	if (span_haschr(secret, 0) || a->name[0] == '\0')
		return check_nothing(a, secret, "not a name");
	/* Nobody has it; and a program may take it for none at all, as a
	 * directory does that is asked to bind without a password: RFC 4513
	 * section 5.1.2. */
	if (secret.len == 0)
		return check_nothing(a, secret, "empty password");
	if (a->exists && from == PASSWORD_SYSTEM)
		return check_system(a, secret);
	if (a->exists && (from == PASSWORD_PROGRAM ||
	    (a->lines.len == 0 && a->files->checker_in != -1)))
		return check_program(a, secret);
	return check_file(a, secret);
}
