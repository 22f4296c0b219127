/*
 * bounce: reads a spool file on fd 0 and state lines of recipients on fd 3,
 * and writes a report about them to the sender into the spool.  Exits 0 only
 * when the report is durable or none is due.  Trusts queue, which starts it;
 * trusts neither the message nor the answers in the lines.
 */
#include "bounce.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "ex.h"
#include "file.h"
#include "limits.h"
#include "log.h"
#include "options.h"
#include "proc.h"

#define FD_LINES	3

/* No file of ours may take the place of a descriptor that was closed. */
static void
check_descriptors(void)
{
	int fd;

	while ((fd = open("/dev/null", O_RDWR)) != -1 && fd < FD_LINES)
		continue;
	if (fd == FD_LINES)
		log_die(EX_USAGE, "descriptor 3, the recipients, is not open");
	close(fd);
}

static const char usage[] = "usage: bounce [-d | -s] [-ty] [-C dir] name "
    "<message 3<recipients\n";

/* NAME, or a path that ends in it. */
static void
parse_name(struct bounce *b, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!spool_name_parse(span_str(slash == NULL ? path : slash + 1),
	    &b->name))
		log_die(EX_USAGE, "%s is not the name of a spool file", path);
}

/* What the sender asked for, behind the content, which ends there. */
static void
read_behind(struct bounce *b)
{
	struct buf rest;
	struct cur c;
	int r = 0;

	buf_init(&rest, SPOOL_ENVELOPE_MAX);
	if (b->message.len >= b->name.size && b->whole)
		r = buf_addspan(&rest, span_of(b->message.p + b->name.size,
		    b->message.len - b->name.size));
	else
		r = envelope_read_behind(STDIN_FILENO, &b->name, &rest);
	cur_init(&c, buf_span(&rest));
	if (r == -1 || (rest.len > 0 &&
	    envelope_parse_block(&c, &b->env) == -1))
		log_die(EX_DATAERR, "%s is not a spool file", b->name.text);
	if (b->message.len >= b->name.size) {
		b->message.len = b->name.size;
		b->whole = true;
	}
	buf_free(&rest);
}

/* The message, as far as it is of use: to the end, or until it is clear that
 * it will not go back whole. */
static void
read_message(struct bounce *b)
{
	const size_t enough = 2 * BOUNCE_RETURN_MAX;
	unsigned char *p;
	ssize_t n = 1;
	int r;

	buf_init(&b->message, SPOOL_ENVELOPE_MAX + 4 * BOUNCE_RETURN_MAX);
	for (;;) {
		errno = ENODATA;
		r = b->message.len == 0 ? -1 :
		    envelope_parse(buf_span(&b->message), &b->env);
		if (r == -1 && errno != ENODATA)
			break;
		if (r == 0 && b->message.len - b->env.length >= enough)
			break;
		if (n == 0)
			break;
		if (r == 0)
			envelope_free(&b->env);
		if ((p = buf_room(&b->message, BOUNCE_RETURN_MAX)) == NULL)
			log_die(EX_DATAERR, "the envelope is too long");
		while ((n = read(STDIN_FILENO, p, BOUNCE_RETURN_MAX)) == -1)
			if (errno != EINTR)
				log_die_errno(EX_IOERR,
				    "cannot read the message");
		b->message.len += (size_t)n;
	}
	if (r == -1)
		log_die(EX_DATAERR, "%s is not a spool file", b->name.text);
	b->whole = n == 0;
	if (b->env.nrcpts == 0)
		read_behind(b);
	b->content = span_of(b->message.p + b->env.length,
	    b->message.len - b->env.length);
}

static void
read_rcpts(struct bounce *b)
{
	buf_init(&b->lines, BOUNCE_LINES_MAX);
	if (file_read_all(FD_LINES, &b->lines) == -1)
		log_die_errno(EX_IOERR,
		    "cannot read recipients on descriptor 3");
}

static void
log_queued(const struct bounce *b, const char *qid, uint64_t size)
{
	static const char *const what[] = {
		[BOUNCE_FAILED] = "failure of", [BOUNCE_DELAYED] = "delay of",
		[BOUNCE_DONE] = "success of"
	};
	char id[BOUNCE_ID_SIZE];
	struct log l;

	bounce_id(b, qid, id);
	log_begin(&l, "queued");
	log_str(&l, "qid", qid);
	log_addr(&l, "from", span_str(""));
	log_addr(&l, "to", span_str(b->to));
	log_num(&l, "size", size);
	if (strlen(id) <= MESSAGE_ID_MAX)
		log_addr(&l, "msgid", span_str(id));
	log_text(&l, "%s %.*s", what[b->kind],
	    (int)b->name.qid_len, b->name.text);
	log_end(&l);
}

static void
log_none(const struct bounce *b)
{
	struct log l;

	log_begin(&l, "bounce");
	log_span(&l, "qid", span_of(b->name.text, b->name.qid_len));
	log_addr(&l, "from", span_str(b->env.sender));
	log_text(&l, "no report is due");
	log_end(&l);
}

static int
write_report(struct bounce *b)
{
	static struct spool_writer w;
	struct spool_name name;
	struct buf out;

	if (spool_begin(&w, &b->spool) == -1)
		log_die_errno(EX_TEMPFAIL, "cannot write into the spool %s",
		    b->control.set.spool);
	buf_init(&out, 2 * (size_t)BOUNCE_LINES_MAX);
	if (bounce_print(b, w.qid, &out) == -1) {
		spool_abort(&w);
		log_die(EX_DATAERR, "the report cannot be written");
	}
	if (spool_add(&w, out.p, out.len) == -1 ||
	    spool_commit(&w, &name) == -1) {
		int e = errno;

		spool_abort(&w);
		errno = e;
		log_die_errno(EX_IOERR, "cannot write into the spool %s",
		    b->control.set.spool);
	}
	buf_free(&out);
	spool_trigger(&b->spool, &name);
	log_queued(b, w.qid, name.size);
	/* Not stdio: on a device it asks what kind, which the sandbox forbids.  And
	 * no failure: the report is in the spool. */
	if (file_write_all(1, w.qid, strlen(w.qid)) == -1 ||
	    file_write_all(1, "\n", 1) == -1)
		log_warn_errno("cannot write the queue id");
	spool_close(&b->spool);
	return 0;
}

/* Control files and spool, then the loss of all privilege. */
static void
prepare(struct bounce *b, const char *dir)
{
	struct control *c = &b->control;

	control_init(c, dir, CONTROL_HOSTNAME | CONTROL_DOMAINS);
	if (control_load(c, NULL) == -1)
		log_die(EX_CONFIG, "%s", c->error);
	if (spool_open_writer(&b->spool, c->set.spool, c->hostname,
	    c->set.sync_directory) == -1)
		log_die_errno(EX_TEMPFAIL, "cannot open the spool %s",
		    c->set.spool);
	if (bounce_confine(c) == -1)
		log_die_errno(EX_OSERR, "cannot confine this process");
}

int
main(int argc, char *argv[])
{
	static struct bounce b;
	struct options o;

	options_parse(&o, argc, argv, "dsty", usage, 1);
	if (o.given['s'])
		b.kind = BOUNCE_DONE;
	else if (o.given['d'])
		b.kind = BOUNCE_DELAYED;
	clock_init();
	log_init("bounce", o.given['t'], o.given['y']);
	proc_ignore_sigpipe();
	check_descriptors();
	b.now = clock_now();
	parse_name(&b, argv[optind]);
	prepare(&b, o.dir);
	read_rcpts(&b);
	read_message(&b);
	if (bounce_parse_rcpts(&b) == -1)
		log_die(errno == ENOMEM ? EX_OSERR : EX_DATAERR,
		    "the recipients on descriptor 3 are not state lines");
	if (!bounce_select(&b)) {
		log_none(&b);
		return 0;
	}
	return write_report(&b);
}
