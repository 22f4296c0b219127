/*
 * One exchange of the auth process: the first line is what the tls process
 * tells, every other line one record of the session, in which "|" stands for NUL.
 * Whatever they are, it ends, its answers are lines, and nobody gets in who
 * does not know the password, which is another one each time.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth.h"
#include "chain.h"
#include "clock.h"
#include "encode.h"
#include "file.h"
#include "guess.h"
#include "passwords.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define RECORDS_MAX	12	/* that a pipe holds for sure */

static struct control	control;
static struct passwords	passwords;

static void
put(const char *dir, const char *name, const char *text)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd == -1 || file_write_all(fd, text, strlen(text)) == -1)
		abort();
	close(fd);
}

static void
init(void)
{
	static const char *const names[] = { "settings", "users", "passwords",
	    "domains" };
	char dir[] = "/tmp/posthouse_fuzz.XXXXXX", secret[17], text[512];

	clock_init();
	random_hex64(secret);
	snprintf(text, sizeof(text), "alice@example.test:{PLAIN}%s\n"
	    "bob@example.test:{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,"
	    "/Ohun0OCj8CnYDMV9MJRr61LJN3ZEhDWyO7zhbaxJ64=,"
	    "kwLLfpeb3lchN4bXfnZRr+UqFV+wkFmWDYIRFpy0U3w=\n", secret);
	if (mkdtemp(dir) == NULL)
		abort();
	put(dir, "settings", "net-user 1\ntls-user 1\nauth-user 1\n"
	    "queue-user 1\nsend-user 1\nmail-user 1\nspool-group 1\n"
	    "login-failure-pause 0\n");
	put(dir, "domains", "example.test\n");
	put(dir, "users", "alice@example.test:\nbob@example.test:\n");
	put(dir, "passwords", text);
	control_init(&control, dir, CONTROL_USERS | CONTROL_DOMAINS);
	if (control_load(&control, NULL) == -1 ||
	    passwords_open(&passwords, &control, "") == -1)
		abort();
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(text, sizeof(text), "%s/%s", dir, names[i]);
		unlink(text);
	}
	rmdir(dir);
}

/* Each line is one write, which a pipe in packet mode keeps apart. */
static void
write_records(int fd, struct cur *c)
{
	char record[CRED_MAX];

	for (unsigned n = 0; n < RECORDS_MAX && !cur_end(c); n++) {
		struct span line = cur_until(c, '\n');

		(void)cur_ch(c, '\n');
		if (line.len == 0 || line.len > sizeof(record))
			continue;
		memcpy(record, line.p, line.len);
		for (size_t i = 0; i < line.len; i++)
			if (record[i] == '|')
				record[i] = '\0';
		if (write(fd, record, line.len) != (ssize_t)line.len)
			abort();
	}
}

static void
check_answers(int out, int account)
{
	static char text[65536];
	ssize_t n;
	struct span line;
	struct cur c;

	if (read(account, text, 2) == 2 && memcmp(text, ".\n", 2) != 0)
		abort();		/* somebody got in */
	if ((n = read(out, text, sizeof(text))) == -1)
		n = 0;			/* no answer at all: the session went away */
	cur_init(&c, span_of(text, (size_t)n));
	while (!cur_end(&c)) {
		line = cur_until(&c, '\n');
		if (!cur_ch(&c, '\n') || span_haschr(line, 0) ||
		    (line.len >= 2 && memcmp(line.p, "ok", 2) == 0))
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct guesses guesses = { .fd = -1 };
	struct conn conn = { .loopback = true, .tls = true, .sid = "fuzz",
	    .peer_text = "local", .auth_in = -1, .auth_out = -1 };
	struct auth_files f = { .passwords = &passwords, .guesses = &guesses,
	    .protocols = FOR_ALL, .shadow = -1, .checker_in = -1, .checker_out = -1 };
	int in[2], out[2], account[2];
	struct cur c;

	if (passwords.n == 0)
		init();
	if (pipe2(in, O_DIRECT) == -1 || pipe2(out, O_NONBLOCK) == -1 ||
	    pipe2(account, O_NONBLOCK) == -1)
		abort();
	cur_init(&c, span_of(data, size));
	f.facts = cur_until(&c, '\n');
	if (span_haschr(f.facts, '@'))	/* the address of a certificate does let in */
		f.facts.len = 0;
	(void)cur_ch(&c, '\n');
	write_records(in[1], &c);
	close(in[1]);
	f.in = in[0];
	f.session_out = out[1];
	f.account_out = account[1];
	(void)auth_serve(&control, &conn, &f);
	check_answers(out[0], account[0]);
	close(in[0]);
	for (int i = 0; i < 2; i++) {
		close(out[i]);
		close(account[i]);
	}
	return 0;
}
