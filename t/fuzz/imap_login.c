/*
 * A whole session of imapd before login.  The first byte chooses the connection; the first line what the auth process
 * answers, a letter each; the rest is what the client sends.  Replies are clean lines; nobody gets to the mailbox without
 * its yes; what goes there is the tag and what was read too far; and TLS begins with nothing read too far.
 * LINK: imapd/session.c imapd/sasl.c imapd/input.c imapd/parse.c imapd/arena.c imapd/capability.c imapd/compress.c
 * LINK: imapd/seqset.c
 */
#include <sys/mman.h>

#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "imapd/imap.h"
#include "imapd/limit.h"
#include "imapd/login.h"
#include "log.h"

#define ANSWERS_MAX	10

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const struct { char letter; const char *line; } answers[] = {
	{ 'o', "ok alice@example.test\n" }, { 'f', "fail\n" },
	{ 'd', "disabled no IMAP here\n" }, { 'x', "other\n" },
	{ 'm', "malformed\n" }, { 't', "temp\n" }, { 'c', "challenge cj0x\n" },
	{ 'e', "challenge \n" }, { '?', "nonsense\n" }
};

/* In place of limit.c: there is no mailbox here. */
uint32_t
limit_messages(const struct imap *im)
{
	(void)im;
	return 0;
}

/* Each is one write, which a pipe in packet mode keeps apart.  Whether there is a yes among them. */
static bool
answer(int fd, struct span letters)
{
	bool yes = false;

	for (size_t i = 0; i < letters.len && i < ANSWERS_MAX; i++)
		for (size_t k = 0; k < sizeof(answers) / sizeof(*answers); k++)
			if (letters.p[i] == answers[k].letter) {
				const char *s = answers[k].line;

				if (write(fd, s, strlen(s)) == -1)
					err(1, "pipe");
				yes = yes || k == 0;
			}
	return yes;
}

/* Lines end in CRLF, and nothing else has a CR, LF or NUL. */
static void
check_replies(int fd)
{
	struct buf b;

	buf_init(&b, 64 << 20);
	if (lseek(fd, 0, SEEK_SET) == -1 || file_read_all(fd, &b) == -1)
		abort();
	for (size_t i = 0; i < b.len; i++)
		if (b.p[i] == '\0' || (b.p[i] == '\n') !=
		    (i > 0 && b.p[i - 1] == '\r') ||
		    (b.p[i] == '\r' && i + 1 == b.len))
			abort();
	buf_free(&b);
}

/* The facts of TLS, a tag, and the end of what was read of the input. */
static void
check_left(const struct conn *conn, struct span in)
{
	size_t at = (size_t)lseek(conn->in, 0, SEEK_CUR);
	struct span tag, rest;
	struct buf b;
	struct cur c;

	buf_init(&b, 1 << 20);
	if (lseek(conn->left_out, 0, SEEK_SET) == -1 ||
	    file_read_all(conn->left_out, &b) == -1)
		abort();
	cur_init(&c, buf_span(&b));
	if (conn->tls) {
		(void)cur_until(&c, '\n');
		if (!cur_ch(&c, '\n'))
			abort();
	}
	tag = cur_until(&c, '\n');
	if (tag.len == 0 || span_haschr(tag, ' ') || !cur_ch(&c, '\n'))
		abort();
	rest = cur_rest(&c);
	if (at > in.len || rest.len > at ||
	    memcmp(in.p + at - rest.len, rest.p, rest.len) != 0)
		abort();
	buf_free(&b);
}

static void
run(struct conn *conn, struct span in, bool yes)
{
	static struct control control;
	size_t at;
	int code;

	control.set.errors = 20;
	control.set.command_timeout = 1;
	control.set.session_timeout = 10;
	control.set.mechanisms = ~0u;
	strlcpy(control.hostname, "mx.example.test", sizeof(control.hostname));
	if (file_write_all(conn->in, in.p, in.len) == -1 ||
	    lseek(conn->in, 0, SEEK_SET) == -1)
		err(1, "memfd");
	code = session_serve(&control, conn);
	at = (size_t)lseek(conn->in, 0, SEEK_CUR);
	check_replies(conn->out);
	if (code == CHAIN_EXIT_MAILBOX) {
		if (!yes)
			abort();
		check_left(conn, in);
	} else if (lseek(conn->left_out, 0, SEEK_END) != 0)
		abort();
	if (code == CHAIN_EXIT_STARTTLS && (!conn->can_tls || at < 2 ||
	    memcmp(in.p + at - 2, "\r\n", 2) != 0))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int null_fd = -1, log_fd;
	struct conn conn = { .sid = "0", .peer_text = "local" };
	struct tls_facts facts = { .bits = 0 };
	int p[2];
	struct cur c;
	bool yes;

	if (size < 1)
		return 0;
	if (null_fd == -1) {
		clock_init();
		log_init("fuzz", false, false);
		null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		log_fd = dup(2);
	}
	conn.can_tls = (data[0] & 1) != 0;
	conn.tls = (data[0] & 2) != 0;
	conn.loopback = (data[0] & 4) != 0;
	conn.after_starttls = (data[0] & 8) != 0;
	conn.facts = &facts;
	facts.certificate = (data[0] & 16) != 0;
	strlcpy(facts.version, "TLSv1.3", sizeof(facts.version));
	strlcpy(facts.cipher, "x", sizeof(facts.cipher));
	if (pipe2(p, O_DIRECT | O_NONBLOCK | O_CLOEXEC) == -1)
		err(1, "pipe");
	cur_init(&c, span_of(data + 1, size - 1));
	yes = answer(p[1], cur_until(&c, '\n'));
	(void)cur_ch(&c, '\n');
	close(p[1]);
	conn.auth_in = p[0];
	conn.auth_out = (data[0] & 32) != 0 ? -1 : null_fd;
	conn.in = memfd_create("in", MFD_CLOEXEC);
	conn.out = memfd_create("out", MFD_CLOEXEC);
	conn.left_out = memfd_create("left", MFD_CLOEXEC);
	dup2(null_fd, 2);
	run(&conn, cur_rest(&c), yes);
	dup2(log_fd, 2);
	close(conn.in);
	close(conn.out);
	close(conn.left_out);
	close(p[0]);
	return 0;
}
