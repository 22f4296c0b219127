/*
 * A message of the spool as it goes out, converted where the server's road is narrow.  The first byte: it takes 8-bit text.
 * Lines end in CRLF and are short enough; what it takes no 8 bits for has none but in a header; the dot stands alone at the
 * end and nowhere else; as a chunk it is the same without dots; and the recipient's name in the envelope stays here.
 * LINK: deliver/remote_mail.c deliver/remote_body.c deliver/remote_job.c
 */
#include <sys/mman.h>

#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "deliver/remote_mail.h"
#include "file.h"
#include "limits.h"

#define ENVELOPE	"Return-Path: <a@b.example>\nDelivered-To: hidden@example.test\n" \
	"Received: from a by b;\n\tSun, 22 Nov 2026 00:00:00 +0000\n"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static char	dir[] = "/dev/shm/fuzz-mail.XXXXXX";
static int	top = -1;

static void
clean(void)
{
	(void)rmdir(dir);
}

static void
setup(void)
{
	clock_init();
	if (mkdtemp(dir) == NULL ||
	    (top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		err(1, "%s", dir);
	atexit(clean);
}

/* Puts the message into the directory, and its name into the job. */
static void
put_file(struct span in, struct remote_job *j)
{
	size_t head = strlen(ENVELOPE), size = head + in.len, lines = 0;
	char name[128];
	int fd;

	for (size_t i = 0; i < size; i++)
		lines += (i < head ? ENVELOPE[i] : in.p[i - head]) == '\n';
	snprintf(name, sizeof(name), "1.0123456789abcdef.h,S=%zu,W=%zu", size,
	    size + lines);
	if (!spool_name_parse(span_str(name), &j->name) ||
	    (fd = openat(top, name, O_WRONLY | O_CREAT | O_TRUNC, 0600)) ==
	    -1 || file_write_all(fd, ENVELOPE, head) == -1 ||
	    file_write_all(fd, in.p, in.len) == -1)
		err(1, "%s", name);
	close(fd);
}

static void
send_all(struct mail *m, struct buf *sent)
{
	int fd = memfd_create("sent", MFD_CLOEXEC);
	struct netout out;

	netout_init(&out, fd, 0);
	buf_init(sent, 64 << 20);
	if (mail_send(m, &out) == -1 || netout_flush(&out) == -1 ||
	    lseek(fd, 0, SEEK_SET) == -1 || file_read_all(fd, sent) == -1)
		abort();
	netout_free(&out);
	close(fd);
}

/* The lines, as a server takes them: without dots in chunk. */
static void
check_lines(struct span sent, struct buf *chunk)
{
	struct span line = { NULL, 0 };
	struct cur c;

	buf_init(chunk, 64 << 20);
	cur_init(&c, sent);
	while (!cur_end(&c)) {
		line = cur_until(&c, '\n');
		if (!cur_ch(&c, '\n') || line.len == 0 ||
		    line.p[line.len - 1] != '\r' ||
		    memchr(line.p, '\r', line.len - 1) != NULL ||
		    (span_is(line, ".\r") && !cur_end(&c)))
			abort();
		if (cur_end(&c))
			break;
		if (line.p[0] == '.')
			line = span_of(line.p + 1, line.len - 1);
		if (line.len - 1 > SMTP_TEXT_MAX)
			abort();
		(void)buf_addspan(chunk, line);
		(void)buf_addc(chunk, '\n');
	}
	if (!span_is(line, ".\r") || chunk->bad)
		abort();
}

static void
check_sent(struct mail *m, bool body8, struct span in)
{
	static const char hidden[] = "hidden@example.test";
	struct buf sent, want, chunk;

	send_all(m, &sent);
	check_lines(buf_span(&sent), &want);
	buf_init(&chunk, 64 << 20);
	if (mail_chunk(m, &chunk) == -1 ||
	    !span_eq(buf_span(&chunk), buf_span(&want)))
		abort();
	if (!body8 && !m->plan.header8 && !span_isascii(buf_span(&sent)))
		abort();
	if (memmem(sent.p, sent.len, hidden, strlen(hidden)) != NULL &&
	    (in.len == 0 ||
	    memmem(in.p, in.len, hidden, strlen(hidden)) == NULL))
		abort();
	buf_free(&sent);
	buf_free(&want);
	buf_free(&chunk);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct verdict v;
	struct remote_job job = { .cur = false };
	struct dirs dirs;
	struct mail m;
	struct span in;
	bool body8;

	if (top == -1)
		setup();
	if (size < 1)
		return 0;
	body8 = (data[0] & 1) != 0;
	in = span_of(data + 1, size - 1);
	dirs = (struct dirs){ top, top };
	put_file(in, &job);
	if (mail_open(&m, &dirs, &job, &v) == 0) {
		for (int i = 0; i < 2; i++, body8 = !body8)
			if (mail_fit(&m, body8, &v) == 0)
				check_sent(&m, body8, in);
			else if (v.text[0] == '\0' || (v.class == PROC_FAIL &&
			    !m.plan.prohibited))
				abort();
	}
	mail_close(&m);
	(void)unlinkat(top, job.name.text, 0);
	return 0;
}
