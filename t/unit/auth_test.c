/*
 * Credentials: records and verdicts.
 */
#include "auth.h"

#include <sys/wait.h>

#include "clock.h"
#include "ex.h"
#include "proc.h"
#include "test.h"

/* The auth process on the other side of two pipes: what it answers. */
static void
ask(struct control *c, const char *user, const char *secret,
    enum auth_verdict want)
{
	int cred[2], verdict[2], account[2], status;
	char line[400] = "";
	struct auth_result r;
	pid_t pid;

	if (pipe(cred) == -1 || pipe(verdict) == -1 || pipe(account) == -1)
		err(1, "pipe");
	if ((pid = fork()) == 0) {
		close(account[0]);
		close(cred[1]);
		_exit(auth_serve(c, cred[0], verdict[1], account[1]));
	}
	close(account[1]);
	close(verdict[1]);
	CHECK(auth_ask(cred[1], verdict[0], "IMAP", span_str(user),
	    span_str(secret), &r) == 0 && r.verdict == want, user);
	close(cred[1]);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0, "exit code");
	if (read(account[0], line, sizeof(line) - 1) == -1)
		err(1, "read");
	if (want == AUTH_OK) {
		CHECK_SPAN(span_str(r.user), "alice@example.test", user);
		CHECK_SPAN(span_str(line), "alice@example.test\n", user);
	} else
		CHECK(line[0] == '\0', "no account for the listener");
	close(cred[0]);
	close(verdict[0]);
	close(account[0]);
}

static void
test_serve(const char *dir)
{
	struct control c;
	char big[CRED_MAX];

	control_init(&c, dir, CONTROL_DOMAINS | CONTROL_USERS |
	    CONTROL_PASSWORDS);
	CHECK(control_load(&c, NULL) == 0, c.error);
	ask(&c, "alice@example.test", "secret", AUTH_OK);
	ask(&c, "alice", "secret", AUTH_OK);
	ask(&c, "alice@", "secret", AUTH_FAILED);
	ask(&c, "@example.test", "secret", AUTH_FAILED);
	ask(&c, "Alice@Example.TEST", "secret", AUTH_OK);
	ask(&c, "alice@example.test", "other", AUTH_OK);
	ask(&c, "alice@example.test", "", AUTH_FAILED);
	ask(&c, "alice@example.test", "secret2", AUTH_FAILED);
	ask(&c, "nobody@example.test", "secret", AUTH_FAILED);
	ask(&c, "ghost@example.test", "secret", AUTH_FAILED);
	ask(&c, "alice@example.test:x", "secret", AUTH_FAILED);
	ask(&c, "alice@example.test\n", "secret", AUTH_FAILED);
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	ask(&c, "alice@example.test", big, AUTH_FAILED);
	control_free(&c);
	test_end("verdicts");
}

/* A session that was taken over can write anything: the process must end with
 * an error and without a verdict that lets somebody in. */
static void
test_garbage(const char *dir)
{
	static const struct { const char *p; size_t n; } rows[] = {
		{ "x", 1 }, { "\0\0\0", 3 }, { "a\0b\0c", 5 },
		{ "a\0b\0c\0d", 7 }, { "a\0b\0c\0d\0", 8 }, { "\n\n\n", 3 },
	};
	struct control c;

	control_init(&c, dir, CONTROL_USERS | CONTROL_PASSWORDS);
	CHECK(control_load(&c, NULL) == 0, c.error);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int cred[2], out[2], status;
		char got[16] = "";
		pid_t pid;

		if (pipe(cred) == -1 || pipe(out) == -1 ||
		    write(cred[1], rows[i].p, rows[i].n) == -1)
			err(1, "pipe");
		if ((pid = fork()) == 0)
			_exit(auth_serve(&c, cred[0], out[1], -1));
		close(out[1]);
		CHECK(waitpid(pid, &status, 0) == pid &&
		    WIFEXITED(status) && WEXITSTATUS(status) == EX_DATAERR,
		    "exit code");
		CHECK(read(out[0], got, sizeof(got)) == 0, "no verdict");
		close(cred[0]);
		close(cred[1]);
		close(out[0]);
	}
	control_free(&c);
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

	clock_init();
	proc_ignore_sigpipe();
	if (mkdtemp(dir) == NULL)
		err(1, "mkdtemp");
	put(dir, "domains", "example.test\nexample.com\n");
	put(dir, "users", "alice@example.test:alice:\n");
	put(dir, "passwords", "alice@example.test:{PLAIN}secret\n"
	    "alice@example.test:{PLAIN}other\n"
	    "ghost@example.test:{PLAIN}secret\n");	/* has no mailbox */
	put(dir, "settings", "net-user 64001:64001\ntls-user 64002:64002\n"
	    "auth-user 64003:64003\nqueue-user 64004:64004\n"
	    "send-user 64005:64005\nmail-user 64006:64006\n"
	    "spool-group 64007\n");
	test_serve(dir);
	test_garbage(dir);
	put(dir, "domains", NULL);
	put(dir, "users", NULL);
	put(dir, "passwords", NULL);
	put(dir, "settings", NULL);
	rmdir(dir);
	return test_done();
}
