/*
 * A whole session of pop3d: the first byte chooses whether before or after login; then, before it, as in imap_login: a
 * line of what the auth process answers; the rest is what the client sends.  Replies are clean lines, nobody gets in
 * without a yes, and without QUIT nothing is deleted.
 * LINK: pop3d/login.c pop3d/mailbox.c pop3d/command.c pop3d/maildrop.c pop3d/names.c pop3d/pop3.c pop3d/reply.c
 * LINK: pop3d/request.c pop3d/send.c pop3d/stuff.c pop3d/takeover.c pop3d/uidl_import.c
 */
#include "box.h"

#include <sys/mman.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "pop3d/pop3.h"

#define MESSAGES	3

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char *const texts[MESSAGES] = {
	"From: a@b\nSubject: dots\n\n.\n..\n.x\nend",
	"From: a@b\n\n", ".\r\n\r\nx\r\n.\n" };
static const char *const answers[] = { "ok alice@example.test\n", "fail\n",
	"disabled no\n", "malformed\n", "temp\n", "challenge cj0x\n" };
static void
fill(void)
{
	char name[64];

	box_empty();
	for (int i = 0; i < MESSAGES; i++) {
		snprintf(name, sizeof(name), "new/%d.m", i);
		box_put(name, span_str(texts[i]));
	}
}

/* Lines end in CRLF, and there is no LF or NUL besides. */
static void
check_replies(int fd, struct buf *b)
{
	buf_init(b, 64 << 20);
	if (lseek(fd, 0, SEEK_SET) == -1 || file_read_all(fd, b) == -1)
		abort();
	for (size_t i = 0; i < b->len; i++)
		if (b->p[i] == '\0' || (b->p[i] == '\n' &&
		    (i == 0 || b->p[i - 1] != '\r')))
			abort();
	if (b->len > 0 && b->p[b->len - 1] != '\n')
		abort();
}

static void
before_login(struct control *control, struct conn *conn, struct span letters)
{
	bool yes = false;
	int p[2], code;
	struct buf b;

	if (pipe2(p, O_DIRECT | O_NONBLOCK | O_CLOEXEC) == -1)
		err(1, "pipe");
	for (size_t i = 0; i < letters.len && i < 10; i++) {
		const char *s = answers[letters.p[i] % 6];

		yes = yes || s == answers[0];
		if (write(p[1], s, strlen(s)) == -1)
			err(1, "pipe");
	}
	close(p[1]);
	conn->auth_in = p[0];
	conn->auth_out = box_null;
	conn->left_out = memfd_create("left", MFD_CLOEXEC);
	code = login_session(control, conn);
	check_replies(conn->out, &b);
	if (code == CHAIN_EXIT_MAILBOX ? !yes :
	    lseek(conn->left_out, 0, SEEK_END) != 0)
		abort();
	if (code == CHAIN_EXIT_STARTTLS && !conn->can_tls)
		abort();
	buf_free(&b);
	close(conn->left_out);
	close(p[0]);
}

static void
after_login(struct control *control, struct conn *conn)
{
	struct account account = { .address = "alice@example.test" };
	struct buf b;
	unsigned n;

	strlcpy(account.maildir, box_dir, sizeof(account.maildir));
	fill();
	(void)mailbox_session(control, conn, &account, -1);
	check_replies(conn->out, &b);
	n = box_files("new", false) + box_files("cur", false);
	if (n > MESSAGES || box_files("tmp", false) != 0 || (n < MESSAGES &&
	    memmem(b.p, b.len, "+OK Bye", 7) == NULL))
		abort();
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct control control;
	struct conn conn = { .sid = "0", .peer_text = "local", .auth_in = -1,
	    .auth_out = -1, .left_out = -1 };
	struct span letters, in;
	struct cur c;

	if (size < 1)
		return 0;
	if (box_top == -1)
		box_make();
	control.set.errors = 20;
	control.set.command_timeout = 1;
	control.set.session_timeout = 10;
	control.set.mechanisms = ~0u;
	control.set.apop = (data[0] & 8) != 0;
	strlcpy(control.hostname, "mx.example.test", sizeof(control.hostname));
	conn.can_tls = (data[0] & 2) != 0;
	conn.loopback = (data[0] & 4) != 0;
	cur_init(&c, span_of(data + 1, size - 1));
	letters = cur_until(&c, '\n');
	(void)cur_ch(&c, '\n');
	in = cur_rest(&c);
	conn.in = memfd_create("in", MFD_CLOEXEC);
	conn.out = memfd_create("out", MFD_CLOEXEC);
	if (file_write_all(conn.in, in.p, in.len) == -1 ||
	    lseek(conn.in, 0, SEEK_SET) == -1)
		err(1, "memfd");
	box_quiet(true);
	if ((data[0] & 1) == 0)
		before_login(&control, &conn, letters);
	else
		after_login(&control, &conn);
	box_quiet(false);
	close(conn.in);
	close(conn.out);
	return 0;
}
