/*
 * Credentials: records and verdicts.
 */
#include "auth.h"

#include <sys/wait.h>

#include "chain.h"
#include "clock.h"
#include "ex.h"
#include "guess.h"
#include "passwords.h"
#include "proc.h"
#include "test.h"

/* The auth process on the other side of two pipes. */
struct server {
	int cred_out, verdict_in, account_in;
	int cred_in, verdict_out;
	pid_t pid;
};

static struct conn		conn = { .loopback = true, .sid = "test",
    .peer_text = "local", .auth_in = -1, .auth_out = -1 };
static struct passwords		passwords;
static struct guesses		guesses = { .fd = -1 };
static unsigned			protocols = FOR_ALL;

static void
server_start(struct control *c, struct server *s)
{
	int cred[2], verdict[2], account[2];

	if (pipe(cred) == -1 || pipe(verdict) == -1 || pipe(account) == -1)
		err(1, "pipe");
	*s = (struct server){ cred[1], verdict[0], account[0], cred[0],
	    verdict[1], -1 };
	if ((s->pid = fork()) == 0) {
		const struct auth_files f = { .in = cred[0],
		    .protocols = protocols,
		    .session_out = verdict[1], .account_out = account[1],
		    .passwords = &passwords, .guesses = &guesses,
		    .shadow = -1, .checker_in = -1, .checker_out = -1 };

		close(account[0]);
		close(cred[1]);
		_exit(auth_serve(c, &conn, &f));
	}
	close(account[1]);
	close(verdict[1]);
}

/* Its exit code; line is what it told the listener. */
static int
server_end(struct server *s, char line[400])
{
	ssize_t n;
	int status;

	close(s->cred_out);
	CHECK(waitpid(s->pid, &status, 0) == s->pid && WIFEXITED(status),
	    "exit");
	if ((n = read(s->account_in, line, 399)) == -1)
		err(1, "read");
	line[n] = '\0';
	close(s->cred_in);
	close(s->verdict_in);
	close(s->account_in);
	return WEXITSTATUS(status);
}

static void
ask(struct control *c, const char *user, const char *secret,
    enum auth_verdict want)
{
	struct auth_result r;
	struct server s;
	char line[400];

	server_start(c, &s);
	CHECK(auth_ask(s.cred_out, s.verdict_in, "IMAP", span_str(user),
	    span_str(secret), &r) == 0 && r.verdict == want, user);
	CHECK(server_end(&s, line) == 0, "exit code");
	if (want == AUTH_OK) {
		CHECK_SPAN(span_str(r.user), "alice@example.test", user);
		CHECK_SPAN(span_str(line), "alice@example.test\n", user);
	} else
		CHECK_SPAN(span_str(line), ".\n", "no account for the listener");
	CHECK(want != AUTH_DISABLED || r.text[0] != '\0', "a reason");
}

static void
test_serve(struct control *c)
{
	char big[CRED_MAX];

	ask(c, "alice@example.test", "secret", AUTH_OK);
	ask(c, "alice", "secret", AUTH_OK);
	ask(c, "alice@", "secret", AUTH_FAILED);
	ask(c, "@example.test", "secret", AUTH_FAILED);
	ask(c, "Alice@Example.TEST", "secret", AUTH_OK);
	ask(c, "alice@example.test", "other", AUTH_OK);
	ask(c, "alice@example.test", "", AUTH_FAILED);
	ask(c, "alice@example.test", "secret2", AUTH_FAILED);
	ask(c, "alice@example.test", "late", AUTH_FAILED);	/* expired */
	ask(c, "alice@example.test", "soon", AUTH_OK);
	ask(c, "alice@example.test", "mails", AUTH_FAILED);	/* for smtp */
	ask(c, "nobody@example.test", "secret", AUTH_FAILED);
	ask(c, "ghost@example.test", "secret", AUTH_FAILED);
	ask(c, "erin@example.test", "secret", AUTH_DISABLED);
	ask(c, "erin@example.test", "wrong", AUTH_FAILED);
	ask(c, "fred@example.test", "secret", AUTH_DISABLED);
	ask(c, "system@example.test", "secret", AUTH_TEMP);
	ask(c, "program@example.test", "secret", AUTH_TEMP);
	ask(c, "alice@example.test:x", "secret", AUTH_FAILED);
	ask(c, "alice@example.test\n", "secret", AUTH_FAILED);
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	ask(c, "alice@example.test", big, AUTH_FAILED);
	conn.loopback = false;		/* 0.0.0.0, in clear */
	ask(c, "grace@example.test", "secret", AUTH_DISABLED);
	conn.loopback = true;
	test_end("verdicts");
}

/* An exchange that the client gives up, at every turn. */
static void
test_turns(struct control *c)
{
	static const char *const mechanisms[] = { "PLAIN", "LOGIN",
	    "SCRAM-SHA-256", "EXTERNAL" };
	struct span first = span_str("n,,n=alice,r=abc");
	struct auth_result r;
	struct server s;
	char line[400];

	for (size_t i = 0; i < 4; i++) {
		server_start(c, &s);
		CHECK(auth_turn(s.cred_out, s.verdict_in, "smtp", mechanisms[i],
		    NULL, &r) == 0 && r.verdict == AUTH_CHALLENGE,
		    mechanisms[i]);
		CHECK(auth_turn(s.cred_out, s.verdict_in, NULL, NULL, NULL,
		    &r) == 0 && r.verdict == AUTH_FAILED, mechanisms[i]);
		CHECK(server_end(&s, line) == 0 && strcmp(line, ".\n") == 0,
		    mechanisms[i]);
	}
	server_start(c, &s);
	CHECK(auth_turn(s.cred_out, s.verdict_in, "smtp", "SCRAM-SHA-256",
	    &first, &r) == 0 && r.verdict == AUTH_CHALLENGE, "scram");
	CHECK(server_end(&s, line) == 0 && strcmp(line, ".\n") == 0, "session gone");
	test_end("given up");
}

/* A session cannot pass for one of another protocol, nor of all: not even a
 * secret that is good for that one is looked at. */
static void
test_protocols(struct control *c)
{
	static const char *const lies[] = { "smtp", "imap,smtp,pop3", "x" };
	struct span good = span_of("\0alice\0secret", 13);
	struct auth_result r;
	struct server s;
	char line[400];

	protocols = FOR_IMAP;
	for (size_t i = 0; i < 3; i++) {
		server_start(c, &s);
		CHECK(auth_turn(s.cred_out, s.verdict_in, lies[i], "PLAIN",
		    &good, &r) == -1, lies[i]);
		CHECK(server_end(&s, line) == EX_DATAERR && line[0] == '\0',
		    lies[i]);
	}
	server_start(c, &s);
	CHECK(auth_turn(s.cred_out, s.verdict_in, "imap", "PLAIN", &good,
	    &r) == 0 && r.verdict == AUTH_OK, "its own");
	CHECK(server_end(&s, line) == 0, "its own");
	protocols = FOR_ALL;
	test_end("protocols");
}

/* The stamp and the digest of RFC 1939 section 7. */
static void
test_apop(struct control *c)
{
	static const char *const digests[] = {
	    "c4c9334bac560ecc979e58001b3e22fb",
	    "c4c9334bac560ecc979e58001b3e22fc", "" };
	struct auth_result r;
	struct server s;
	char line[400];

	for (size_t i = 0; i < 3; i++) {
		server_start(c, &s);
		CHECK(auth_apop(s.cred_out, s.verdict_in, span_str("mrose"),
		    span_str(digests[i]), "<1896.697170952@dbc.mtview.ca.us>",
		    &r) == 0 && r.verdict == (i == 0 ? AUTH_OK : AUTH_FAILED),
		    digests[i]);
		CHECK(server_end(&s, line) == 0, "exit code");
		CHECK_SPAN(span_str(line), i == 0 ? "mrose@example.test\n" :
		    ".\n", "account");
	}
	test_end("APOP");
}

/* A session that was taken over can write anything: the process must end with
 * an error and without a verdict that lets somebody in. */
static void
test_garbage(struct control *c)
{
#define ROW(s)	{ s, sizeof(s) - 1 }
	static const struct { const char *p; size_t n; } rows[] = {
		ROW("x"), ROW("\0\0\0"), ROW("a\0b\0c"), ROW("imap\0PLAIN\0"),
		ROW("imap\0PLAIN\0x"), ROW("imap\0PLAIN\0*"),
		ROW("imap\0PLAIN\0-x"), ROW("imap\0NONE\0=x"),
		ROW("news\0PLAIN\0=\0alice\0secret"), ROW("\n\n\n"),
		ROW("=\0alice\0secret"),
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char got[16] = "", line[400];
		struct server s;

		server_start(c, &s);
		if (write(s.cred_out, rows[i].p, rows[i].n) == -1)
			err(1, "write");
		CHECK(read(s.verdict_in, got, sizeof(got)) == 0, "no verdict");
		CHECK(server_end(&s, line) == EX_DATAERR && line[0] == '\0',
		    rows[i].p);
	}
	test_end("garbage on the pipe");
}

static void
put(const char *dir, const char *name, const char *text)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (text == NULL) {
		unlink(path);
		return;
	}
	if ((fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600)) == -1 ||
	    file_write_all(fd, text, strlen(text)) == -1 || close(fd) == -1)
		err(1, "%s", path);
}

int
main(void)
{
	char dir[] = "/tmp/posthouse_auth.XXXXXX";
	struct control c;

	clock_init();
	proc_ignore_sigpipe();
	if (mkdtemp(dir) == NULL)
		err(1, "mkdtemp");
	put(dir, "domains", "example.test\nexample.com\n");
	put(dir, "users", "alice@example.test:alice:\nmrose@example.test:\n"
	    "erin@example.test::::disabled=Moved away\n"
	    "fred@example.test::::protocols=smtp,pop3\n"
	    "grace@example.test::::clients=192.0.2.0/24\n"
	    "system@example.test::nobody::password=system\n"
	    "program@example.test::::password=program\n");
	put(dir, "passwords", "alice@example.test:{PLAIN}secret\n"
	    "# alice@example.test:{PLAIN}no\n"
	    "alice@example.test:{PLAIN}late:phone::2020-01-01\n"
	    "alice@example.test:{PLAIN}soon:tablet:imap:2999-01-01\n"
	    "alice@example.test:{PLAIN}mails:printer:smtp\n"
	    "mrose@example.test:{PLAIN}tanstaaf\n"
	    "erin@example.test:{PLAIN}secret\n"
	    "fred@example.test:{PLAIN}secret\n"
	    "grace@example.test:{PLAIN}secret\n"
	    "ALICE@example.test:{PLAIN}other\n"
	    "ghost@example.test:{PLAIN}secret\n");	/* has no mailbox */
	put(dir, "settings", "net-user 64001:64001\ntls-user 64002:64002\n"
	    "auth-user 64003:64003\nqueue-user 64004:64004\n"
	    "send-user 64005:64005\nmail-user 64006:64006\n"
	    "spool-group 64007\nplain-auth yes\nlogin-failure-pause 0\n");
	control_init(&c, dir, CONTROL_DOMAINS | CONTROL_USERS);
	CHECK(control_load(&c, NULL) == 0, c.error);
	CHECK(passwords_open(&passwords, &c, "") == 0, c.error);
	test_serve(&c);
	test_turns(&c);
	test_protocols(&c);
	test_apop(&c);
	test_garbage(&c);
	passwords_close(&passwords);
	control_free(&c);
	put(dir, "domains", NULL);
	put(dir, "users", NULL);
	put(dir, "passwords", NULL);
	put(dir, "settings", NULL);
	rmdir(dir);
	return test_done();
}
