/*
 * From memory into the spool: envelope, Received field, header, body.  When it
 * returns the message is on stable storage; else nothing is left of it.
 */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "ex.h"
#include "header.h"
#include "limits.h"
#include "log.h"
#include "sendmail.h"

/* -N, -R and -V, and what the message needs of its way. */
static void
complete_envelope(struct sendmail *s)
{
	struct envelope *e = &s->envelope;

	e->body8 = s->body8 || !span_isascii(buf_span(&s->message));
	e->smtputf8 = e->smtputf8 || s->sender.utf8;
	if (s->ret != NULL && (e->ret = strdup(s->ret)) == NULL)
		err(EX_OSERR, NULL);
	if (s->envid != NULL && (e->envid = strdup(s->envid)) == NULL)
		err(EX_OSERR, NULL);
}

/* Envelope, then the Received field that ends it: RFC 5321 section 4.4. */
static int
add_envelope(struct sendmail *s, struct spool_writer *w)
{
	char now[DATE_SIZE];
	struct buf out;
	int r;

	if (spool_envelope(w, &s->envelope) == -1)
		return -1;
	buf_init(&out, RECEIVED_FIELD_MAX);
	date_print(clock_now(), now);
	buf_addf(&out, "Received: from %s (uid %lu)\n\tby %s with local id %s;\n"
	    "\t%s\n", s->login, s->uid, s->control.hostname, w->qid, now);
	r = out.bad ? -1 : spool_add(w, out.p, out.len);
	buf_free(&out);
	return r;
}

/* As smtpd notes it: the first one, without brackets. */
static struct span
message_id(const struct sendmail *s)
{
	struct header_field f;
	struct cur c;

	if (!header_find(buf_span(&s->header), "Message-ID", &f))
		return span_of(NULL, 0);
	cur_init(&c, f.body);
	(void)cur_until(&c, '<');
	return cur_ch(&c, '<') ? cur_until(&c, '>') : span_of(NULL, 0);
}

static void
log_queued(const struct sendmail *s, const struct spool_writer *w,
    const struct spool_name *name)
{
	struct span id = message_id(s);
	struct log l;

	/* Not before all is well: it takes descriptor 2, and until now that was
	 * the caller's. */
	log_init("sendmail", false, true);
	log_begin(&l, "queued");
	log_str(&l, "qid", w->qid);
	log_str(&l, "user", s->login);
	log_addr(&l, "from", span_str(s->envelope.sender));
	log_addr(&l, "to", span_str(s->envelope.rcpts[0].addr));
	log_num(&l, "nrcpt", s->envelope.nrcpts);
	log_num(&l, "size", name->size);
	if (id.len > 0 && id.len <= MESSAGE_ID_MAX)
		log_addr(&l, "msgid", id);
	log_end(&l);
}

const char *
sendmail_submit(struct sendmail *s)
{
	static struct spool_writer w;
	struct spool spool;
	struct spool_name name;
	int e;

	complete_envelope(s);
	if (spool_open_writer(&spool, s->control.set.spool,
	    s->control.hostname, s->control.set.sync_directory) == -1)
		err(EX_TEMPFAIL, "cannot open the spool %s (queue makes it when "
		    "it starts)", s->control.set.spool);
	if (spool_begin(&w, &spool) == -1)
		err(EX_TEMPFAIL, "cannot write into the spool %s",
		    s->control.set.spool);
	if (sendmail_header(s, w.qid) == -1 || add_envelope(s, &w) == -1 ||
	    spool_add(&w, s->header.p, s->header.len) == -1 ||
	    spool_add(&w, s->message.p + s->header_len,
	    s->message.len - s->header_len) == -1 ||
	    spool_commit(&w, &name) == -1) {
		e = errno;
		spool_abort(&w);
		errno = e;
		err(EX_TEMPFAIL, "cannot write into the spool %s",
		    s->control.set.spool);
	}
	spool_trigger(&spool, &name);
	log_queued(s, &w, &name);
	return w.qid;
}
