/*
 * One command line in a state chosen by the first byte.
 * LINK: smtpd/session.c smtpd/command.c smtpd/mail.c smtpd/message.c
 * LINK: smtpd/data.c smtpd/sasl.c smtpd/reply.c smtpd/info.c
 * LINK: smtpd/policy.c smtpd/rate.c smtpd/resolver.c smtpd/xclient.c smtpd/bdat.c
 */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smtpd/smtpd.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum state states[] = { STATE_START, STATE_READY,
	    STATE_MAIL, STATE_RCPT };
	static struct control control;
	static int null_fd = -1, log_fd;
	struct spool spool = { .tmp = -1, .new = -1, .cur = -1, .state = -1,
	    .hold = -1, .full = -1, .rate = -1, .trigger = -1, .host = "h" };
	struct conn conn;
	struct session s;
	uint64_t before;

	if (size < 1)
		return 0;
	if (null_fd == -1) {
		null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		log_fd = dup(2);
		control.set.recipients = 100;
		control.set.errors = 1000;
		control.set.message_size = 1000;
	}
	memset(&conn, 0, sizeof(conn));
	conn.in = conn.out = null_fd;
	conn.auth_in = conn.auth_out = -1;
	conn.variant = (data[0] >> 2) % 3;
	dup2(null_fd, 2);
	session_init(&s, &control, &conn, &spool);
	s.state = states[data[0] & 3];
	if (s.state > STATE_READY)
		s.tx.envelope.sender = strdup("a@example.org");
	if (s.state == STATE_RCPT) {
		envelope_add_rcpt(&s.tx.envelope, "b@example.org", NULL, NULL);
		s.tx.accepted = 1;
	}
	if ((data[0] & 64) != 0)
		strlcpy(s.user, "a@example.org", sizeof(s.user));
	s.xclient = (data[0] & 128) != 0;
	before = s.out.total;
	command_run(&s, span_of(data + 1, size - 1));
	dup2(log_fd, 2);
	/* Every command has a reply, unless the input ended inside it. */
	if (s.out.total == before && !s.done)
		abort();
	if (s.state > STATE_READY && s.tx.envelope.sender == NULL)
		abort();
	session_free(&s);
	return 0;
}
