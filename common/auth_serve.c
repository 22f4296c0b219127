/*
 * The auth process: one exchange from the first record to the verdict.  Knows
 * no protocol.  Trusts the listener, which tells it who the client is and what
 * the tls process has seen; trusts nothing that the session writes.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "auth_impl.h"
#include "clock.h"
#include "encode.h"
#include "ex.h"
#include "file.h"
#include "log.h"
#include "sasl.h"

enum auth_verdict
auth_end(struct auth *a, enum auth_verdict v, const char *why)
{
	strlcpy(a->why, why, sizeof(a->why));
	return v;
}

static int
answer(int fd, const char *word, const char *arg)
{
	struct buf b;
	int r;

	buf_init(&b, CRED_MAX);
	r = buf_addf(&b, "%s%s%s\n", word, *word != '\0' ? " " : "", arg);
	if (r == 0)
		r = file_write_all(fd, b.p, b.len);
	buf_wipe(&b);
	return r;
}

/* One record, whole: the session waits for its answer before the next. */
static bool
record_read(struct auth *a)
{
	unsigned char *room;
	ssize_t n;

	buf_clear(&a->record);
	if ((room = buf_room(&a->record, CRED_MAX)) == NULL)
		return false;
	while ((n = read(a->files->in, room, CRED_MAX)) == -1 && errno == EINTR)
		;
	if (n > 0)
		a->record.len = (size_t)n;
	return n > 0;
}

/* "=" response, "-" or "*": auth.c writes it. */
static bool
turn_parse(struct auth *a, struct cur *c)
{
	a->has_response = cur_ch(c, '=');
	a->response = span_of(NULL, 0);
	if (a->has_response)
		a->response = cur_rest(c);
	else if (cur_ch(c, '*'))
		a->gone = true;
	else if (!cur_ch(c, '-'))
		return false;
	return cur_end(c);
}

bool
auth_challenge(struct auth *a, struct span text)
{
	struct buf b;
	struct cur c;
	char *out;

	buf_init(&b, CRED_MAX);
	if (base64_encode(text, &b) == -1 || (out = buf_cstr(&b)) == NULL ||
	    answer(a->files->session_out, "challenge", out) == -1 ||
	    !record_read(a))
		a->gone = true;
	buf_free(&b);
	if (a->gone)
		return false;
	cur_init(&c, buf_span(&a->record));
	if (!turn_parse(a, &c) || !a->has_response)
		a->gone = true;
	return !a->gone;
}

bool
auth_need(struct auth *a, const char *challenge)
{
	return a->has_response || auth_challenge(a, span_str(challenge));
}

/* A canonical account name: lower case, with the first local domain where the
 * client gave none, and nothing that could be taken for a separator in the files
 * or on the pipes. */
static int
canonical(const struct control *c, struct span user, char name[ADDR_MAX + 1])
{
	name[0] = '\0';
	if (user.len > ADDR_MAX || user.len == 0)
		return -1;
	for (size_t i = 0; i < user.len; i++)
		if (user.p[i] <= ' ' || user.p[i] == ':' || user.p[i] == 0x7f)
			return -1;
	for (size_t i = 0; i < user.len; i++)
		name[i] = (char)ascii_lower(user.p[i]);
	name[user.len] = '\0';
	if (span_haschr(user, '@') || c->first_domain[0] == '\0')
		return 0;
	if (strlcat(name, "@", ADDR_MAX + 1) <= ADDR_MAX &&
	    strlcat(name, c->first_domain, ADDR_MAX + 1) <= ADDR_MAX)
		return 0;
	name[0] = '\0';
	return -1;
}

static void
wait_ms(uint64_t ms)
{
	uint64_t now, end = clock_mono_ms() + ms;

	while ((now = clock_mono_ms()) < end)
		(void)poll(NULL, 0, (int)(end - now));
}

enum auth_verdict
auth_name(struct auth *a, struct span user)
{
	int ms;

	a->tried = user.len > ADDR_MAX ? span_of(user.p, ADDR_MAX) : user;
	if (a->tried.len > 0)
		memcpy(a->name_text, a->tried.p, a->tried.len);
	a->tried.p = (unsigned char *)a->name_text;
	if (canonical(a->control, user, a->name) == 0) {
		a->exists = account_find(a->control, a->name, &a->account) == 0;
		if (passwords_find(a->files->passwords, span_str(a->name),
		    &a->lines) == -1)
			return auth_end(a, AUTH_TEMP, "passwords cannot be read");
		/* Who is known elsewhere has no second secret here, which would
		 * outlive the first. */
		if (a->exists && a->account.line.password != PASSWORD_FILE)
			buf_clear(&a->lines);
	}
	guess_init(&a->guess, &a->conn->peer_in6, a->conn->loopback,
	    a->name[0] != '\0' ? a->name : "?");
	ms = guess_begin(a->files->guesses, &a->guess, (uint64_t)clock_now());
	if (ms == -1) {
		strlcpy(a->text, "Too many failed logins, try later",
		    sizeof(a->text));
		return auth_end(a, AUTH_TEMP, "too many failures from this "
		    "network");
	}
	a->counted = true;
	wait_ms((uint64_t)ms);
	a->began = clock_mono_ms();
	return AUTH_OK;
}

bool
auth_same_name(const struct auth *a, struct span authzid)
{
	char name[ADDR_MAX + 1];

	return authzid.len == 0 || (a->name[0] != '\0' &&
	    canonical(a->control, authzid, name) == 0 &&
	    strcmp(name, a->name) == 0);
}

static enum auth_verdict
not_allowed(struct auth *a, const char *text)
{
	strlcpy(a->text, text, sizeof(a->text));
	return auth_end(a, AUTH_DISABLED, text);
}

enum auth_verdict
auth_permit(struct auth *a)
{
	const struct user_line *u = &a->account.line;
	char reason[sizeof(a->text)];

	/* A secret without a mailbox lets nobody in. */
	if (!a->exists)
		return auth_end(a, AUTH_FAILED, "no such account in users");
	if (u->disabled && u->reason.len > 0 &&
	    span_cstr(u->reason, reason, sizeof(reason)) == 0)
		return not_allowed(a, reason);
	if (u->disabled)
		return not_allowed(a, "This account is disabled");
	if ((u->protocols & a->protocol) == 0)
		return not_allowed(a, "This account may not use this protocol");
	/* A shell's pipe comes from no network. */
	if ((a->conn->socket || !a->conn->loopback) &&
	    !user_line_client(u, &a->conn->peer_in6))
		return not_allowed(a, "This account may not be used from your "
		    "network");
	return AUTH_OK;
}

static const char *const words[] = { [AUTH_OK] = "ok", [AUTH_FAILED] = "fail",
    [AUTH_DISABLED] = "disabled", [AUTH_OTHER_NAME] = "other",
    [AUTH_MALFORMED] = "malformed", [AUTH_TEMP] = "temp" };
static const char *const log_words[] = { [AUTH_OK] = "ok",
    [AUTH_FAILED] = "failed", [AUTH_DISABLED] = "disabled",
    [AUTH_OTHER_NAME] = "failed", [AUTH_MALFORMED] = "failed",
    [AUTH_TEMP] = "temporary failure" };

static void
log_verdict(const struct auth *a, enum auth_verdict v)
{
	struct log l;

	log_begin(&l, "auth");
	log_str(&l, "sid", a->conn->sid);
	log_str(&l, "peer", a->conn->peer_text);
	log_span(&l, "user", v == AUTH_OK ? span_str(a->name) : a->tried);
	log_str(&l, "mech", a->mechanism);
	log_text(&l, "%s%s%s", log_words[v], a->why[0] != '\0' ? ": " : "",
	    a->why);
	log_end(&l);
}

/* Tells everybody.  A failure is not told before its time. */
static int
finish(struct auth *a, enum auth_verdict v)
{
	uint64_t pause = (uint64_t)a->control->set.failure_pause * 1000;
	uint64_t spent = clock_mono_ms() - a->began;

	if (a->counted && (v == AUTH_OK || v == AUTH_DISABLED))
		guess_success(a->files->guesses, &a->guess,
		    (uint64_t)clock_now());
	log_verdict(a, v);
	if (v != AUTH_OK && a->counted && spent < pause)
		wait_ms(pause - spent);
	if (answer(a->files->session_out, words[v], v == AUTH_OK ? a->name :
	    a->text) == -1)
		return EX_IOERR;
	a->let_in = v == AUTH_OK;
	return EX_OK;
}

/* The head of the first record: protocol NUL mechanism NUL.  The session has
 * offered what may be used; whatever it says, this must hold. */
static const struct auth_mechanism *
head_parse(struct auth *a, struct cur *c)
{
	const struct settings *set = &a->control->set;
	struct span protocol, name;

	protocol = cur_until(c, 0);
	if (!cur_ch(c, 0) || protocols_parse(protocol, &a->protocol) == -1 ||
	    (a->protocol & ~a->files->protocols) != 0)
		return NULL;
	name = cur_until(c, 0);
	if (!cur_ch(c, 0) || !sasl_private(a->conn, set))
		return NULL;
	for (size_t i = 0; i < auth_nmechanisms; i++)
		if (span_is(name, auth_mechanisms[i].name) &&
		    (auth_mechanisms[i].bit & ~set->mechanisms) == 0)
			return &auth_mechanisms[i];
	return NULL;
}

static int
serve(struct auth *a)
{
	const struct auth_mechanism *m;
	enum auth_verdict v;
	struct cur c;

	if (!record_read(a))
		return EX_OK;		/* the session went away */
	cur_init(&c, buf_span(&a->record));
	if ((m = head_parse(a, &c)) == NULL || !turn_parse(a, &c) || a->gone) {
		log_warn("malformed credential record from a session");
		return EX_DATAERR;
	}
	a->mechanism = m->name;
	a->began = clock_mono_ms();
	v = m->run(a);
	if (!a->gone)
		return finish(a, v);
	/* The session waits for an answer if it lives. */
	(void)answer(a->files->session_out, words[AUTH_FAILED], "");
	return EX_OK;
}

int
auth_serve(struct control *control, const struct conn *conn,
    const struct auth_files *files)
{
	static struct auth a;
	int r;

	memset(&a, 0, sizeof(a));
	a.control = control;
	a.conn = conn;
	a.files = files;
	a.mechanism = "-";
	buf_init(&a.record, CRED_MAX);
	buf_init(&a.lines, CONTROL_SMALL_MAX);
	if (bindings_parse(files->facts, &a.facts) == -1)
		log_warn("what the tls process tells cannot be read");
	r = serve(&a);
	/* Last, so that nothing of this exchange comes after it. */
	if (r == EX_OK && files->account_out != -1 &&
	    answer(files->account_out, "", a.let_in ? a.name : ".") == -1)
		r = EX_IOERR;
	buf_wipe(&a.record);
	buf_wipe(&a.lines);
	buf_zero(&a, sizeof(a));
	return r;
}
