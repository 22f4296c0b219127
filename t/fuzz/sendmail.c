/*
 * What any local user gives to sendmail -t.  The first byte: a lone dot ends it; then the message.  Each recipient out of
 * the fields is an address and is there once; what goes out is a header with what it needs and without what it must not
 * tell; and with CRLF in place of LF all is the same.
 * LINK: queue/sendmail_header.c queue/sendmail_input.c
 */
#include <sys/mman.h>

#include <err.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "queue/sendmail.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);
/* In libasan and in clang's runtime; nowhere else. */
void	__lsan_disable(void) __attribute__((weak));
void	__lsan_enable(void) __attribute__((weak));

static jmp_buf refused;

/* In place of the end of the process. */
void
errx(int code, const char *fmt, ...)
{
	va_list ap;
	char text[1024];

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (code < 64 || code > 78)
		abort();
	longjmp(refused, 1);
}

static void
init(struct sendmail *s, bool dots)
{
	memset(s, 0, sizeof(*s));
	s->dots = dots;
	s->extract = true;
	strlcpy(s->login, "alice", sizeof(s->login));
	strlcpy(s->gecos, "Alice \"A\" Example", sizeof(s->gecos));
	strlcpy(s->control.hostname, "mx.example.org",
	    sizeof(s->control.hostname));
	strlcpy(s->control.first_domain, "example.org",
	    sizeof(s->control.first_domain));
	s->control.set.message_size = 1 << 20;
	s->control.set.recipients = 50;
	envelope_init(&s->envelope);
}

static void
free_all(struct sendmail *s)
{
	buf_free(&s->message);
	buf_free(&s->header);
	envelope_free(&s->envelope);
}

/* As main does it: 0, or -1 when it was refused.  What it held then is lost, as it is when a process ends. */
static int
run(struct sendmail *s, struct span in)
{
	int fd = memfd_create("in", MFD_CLOEXEC);
	volatile int r = -1;

	if (fd == -1 || file_write_all(fd, in.p, in.len) == -1 ||
	    lseek(fd, 0, SEEK_SET) == -1 || dup2(fd, 0) == -1)
		abort();
	close(fd);
	if (__lsan_disable != NULL)
		__lsan_disable();
	if (setjmp(refused) == 0) {
		sendmail_read(s);
		sendmail_extract(s);
		r = sendmail_header(s, "1795305600.0123456789abcdef");
	}
	if (__lsan_enable != NULL)
		__lsan_enable();
	return r;
}

static void
check_rcpts(const struct envelope *e)
{
	struct addr a;

	if (e->nrcpts > 50)
		abort();
	for (size_t i = 0; i < e->nrcpts; i++) {
		if (parse_mailbox(span_str(e->rcpts[i].addr), true, &a) !=
		    ADDR_OK || (a.utf8 && !e->smtputf8))
			abort();
		for (size_t k = 0; k < i; k++)
			if (strcasecmp(e->rcpts[i].addr, e->rcpts[k].addr) == 0)
				abort();
	}
}

static void
check_header(const struct sendmail *s)
{
	static const char *const never[] = { "bcc", "resent-bcc",
	    "return-path", "content-length" };
	struct span rest = buf_span(&s->header);
	unsigned from = 0, date = 0, id = 0;
	struct header_field f;

	if (s->header_len > s->message.len)
		abort();
	while (header_next(&rest, &f) == HEADER_FIELD) {
		for (size_t i = 0; i < 4; i++)
			if (span_isis(f.name, never[i]))
				abort();
		from += span_isis(f.name, "from");
		date += span_isis(f.name, "date");
		id += span_isis(f.name, "message-id");
	}
	/* The empty line is the first one, and the last. */
	if (from == 0 || date == 0 || id == 0 || rest.len != 0 ||
	    s->header.len < 2 ||
	    memcmp(s->header.p + s->header.len - 2, "\n\n", 2) != 0)
		abort();
}

/* The same message as another program would have it on its line ends. */
static void
check_crlf(const struct sendmail *s, bool dots)
{
	struct sendmail other;
	struct buf in;

	init(&other, dots);
	buf_init(&in, 3 << 20);
	for (size_t i = 0; i < s->message.len; i++) {
		if (s->message.p[i] == '\n')
			(void)buf_addc(&in, '\r');
		(void)buf_addc(&in, s->message.p[i]);
	}
	if (run(&other, buf_span(&in)) == -1 ||
	    !span_eq(buf_span(&s->message), buf_span(&other.message)) ||
	    !span_eq(buf_span(&s->header), buf_span(&other.header)) ||
	    s->envelope.nrcpts != other.envelope.nrcpts)
		abort();
	buf_free(&in);
	free_all(&other);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sendmail s;
	static bool fixed;

	if (size == 0)
		return 0;
	if (!fixed) {			/* two dates are to be the same */
		if (setenv("POSTHOUSE_CLOCK", "@1795305600", 1) == -1)
			abort();
		clock_init();
		fixed = true;
	}
	init(&s, (data[0] & 1) == 0);
	if (run(&s, span_of(data + 1, size - 1)) == 0) {
		check_rcpts(&s.envelope);
		check_header(&s);
		check_crlf(&s, s.dots);
	}
	free_all(&s);
	return 0;
}
