/*
 * The session after login, as the owner of the mail and confined to it.  Deletes at QUIT alone: a session that
 * ends in any other way deletes nothing (RFC 1939 section 6).
 */
#include "pop3.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ex.h"
#include "file.h"
#include "folder.h"
#include "maildrop.h"
#include "send.h"

#define FIRST_MAX	(NETIN_BUF + 1) /* what a session can have read ahead, and LOGIN_ASCII or LOGIN_UTF8 */

/* The message that a number means; 0 after the reply when there is none. */
static size_t
message(struct pop3 *p, uint64_t number)
{
	if (number == 0 || number > maildrop_count(p->drop)) {
		reply(p, R_NO_MESSAGE);
		return 0;
	}
	if (maildrop_marked(p->drop, (size_t)number)) {
		reply(p, R_MARKED);
		return 0;
	}
	return (size_t)number;
}

void
do_stat(struct pop3 *p, const struct request *r, const uint64_t *number,
    unsigned n)
{
	size_t messages;
	uint64_t octets;

	(void)r;
	(void)number;
	(void)n;
	maildrop_total(p->drop, &messages, &octets);
	netout_addf(&p->out, "+OK %zu %llu\r\n", messages,
	    (unsigned long long)octets);
}

/* LIST and UIDL: one message, or a line for each that is not marked. */
static void
list(struct pop3 *p, const uint64_t *number, unsigned n,
    void (*line)(struct pop3 *, size_t))
{
	size_t one;

	if (n == 1) {
		if ((one = message(p, number[0])) != 0) {
			netout_adds(&p->out, "+OK ");
			line(p, one);
		}
		return;
	}
	netout_adds(&p->out, "+OK\r\n");
	for (size_t i = 1; i <= maildrop_count(p->drop); i++)
		if (!maildrop_marked(p->drop, i))
			line(p, i);
	netout_adds(&p->out, ".\r\n");
}

static void
size_line(struct pop3 *p, size_t number)
{
	netout_addf(&p->out, "%zu %llu\r\n", number,
	    (unsigned long long)maildrop_size(p->drop, number));
}

static void
uidl_line(struct pop3 *p, size_t number)
{
	char uidl[UIDL_MAX + 1];

	maildrop_uidl(p->drop, number, uidl);
	netout_addf(&p->out, "%zu %s\r\n", number, uidl);
}

void
do_list(struct pop3 *p, const struct request *r, const uint64_t *number,
    unsigned n)
{
	(void)r;
	list(p, number, n, size_line);
}

void
do_uidl(struct pop3 *p, const struct request *r, const uint64_t *number,
    unsigned n)
{
	(void)r;
	list(p, number, n, uidl_line);
}

static int
open_message(struct pop3 *p, uint64_t number, struct source *src)
{
	size_t i = message(p, number);

	if (i == 0)
		return -1;
	if (i == p->ahead.number) {
		*src = p->ahead;
		p->ahead.number = 0;
		return 0;
	}
	source_close(&p->ahead);	/* its place is needed */
	if (source_open(src, p->drop, i) == 0)
		return 0;
	reply(p, errno == ENOENT ? R_VANISHED : R_READ_FAILED);
	return -1;
}

/*
 * Who fetches one message after the other, from the first or by now, and waits
 * for each, finds the next one read when he asks: what he waits for goes out first.
 */
static void
look_ahead(struct pop3 *p, size_t number)
{
	size_t next = number + 1;
	bool in_turn = number == p->last + 1;

	p->last = number;
	if (!in_turn || netin_buffered(&p->in).len > 0 ||
	    netout_flush(&p->out) == -1 || next > maildrop_count(p->drop) ||
	    maildrop_marked(p->drop, next))
		return;
	if (source_open(&p->ahead, p->drop, next) == -1)
		return;
	/* The reply tells it, and the name may be gone by then. */
	(void)maildrop_size(p->drop, next);
	source_ahead(&p->ahead);
}

void
do_retr(struct pop3 *p, const struct request *r, const uint64_t *number,
    unsigned n)
{
	size_t i = (size_t)number[0];
	struct source src;
	struct stuff s;
	char ok[48];
	bool sent;

	(void)r;
	(void)n;
	if (open_message(p, number[0], &src) == -1)
		return;
	snprintf(ok, sizeof(ok), "+OK %llu octets\r\n",
	    (unsigned long long)maildrop_size(p->drop, i));
	stuff_init(&s);
	sent = send_message(p, &src, &s, ok);
	if (sent) {
		maildrop_retrieved(p->drop, i);
		p->retrieved++;
		look_ahead(p, i);
	}
	source_close(&src);
}

void
do_top(struct pop3 *p, const struct request *r, const uint64_t *number,
    unsigned n)
{
	struct source src;
	struct stuff s;

	(void)r;
	(void)n;
	if (open_message(p, number[0], &src) == -1)
		return;
	stuff_init(&s);
	stuff_limit(&s, number[1]);
	(void)send_message(p, &src, &s, "+OK Top follows\r\n");
	source_close(&src);
}

void
do_dele(struct pop3 *p, const struct request *r, const uint64_t *number,
    unsigned n)
{
	size_t i = message(p, number[0]);

	(void)r;
	(void)n;
	if (i == 0)
		return;
	maildrop_mark(p->drop, i);
	reply(p, R_DELETED);
}

void
do_rset(struct pop3 *p, const struct request *r, const uint64_t *number,
    unsigned n)
{
	(void)r;
	(void)number;
	(void)n;
	maildrop_unmark_all(p->drop);
	reply(p, R_DONE);
}

void
mailbox_update(struct pop3 *p)
{
	size_t failed;

	p->deleted = (unsigned)maildrop_update(p->drop, &failed);
	if (failed > 0)
		reply(p, R_NOT_REMOVED);
	else
		reply(p, R_BYE);
}

/* What the session before login found out, and had read beyond it. */
static int
take_first(struct pop3 *p, int first)
{
	struct buf b;
	int r;

	if (first == -1)
		return 0;
	buf_init(&b, FIRST_MAX);
	r = file_read_all(first, &b);
	close(first);
	if (r == 0 && b.len > 0) {
		p->utf8 = b.p[0] == LOGIN_UTF8;
		r = netin_prepend(&p->in, span_of(b.p + 1, b.len - 1));
	}
	buf_free(&b);
	return r;
}

static enum reply_id
not_opened(const char *maildir)
{
	if (errno == EBUSY)
		return R_IN_USE;
	if (errno == EAGAIN)
		return R_LOGIN_DELAY;
	log_warn_errno("%s", maildir);
	return R_NO_MAILDROP;
}

static void
log_disconnect(const struct pop3 *p)
{
	struct log l;

	pop3_log(p, &l, "disconnect");
	log_text(&l, "%u retrieved, %u deleted, %u errors", p->retrieved,
	    p->deleted, p->errors);
	log_end(&l);
}

int
mailbox_session(struct control *control, struct conn *conn,
    struct account *account, int first)
{
	static struct pop3 p;
	int code;

	pop3_init(&p, control, conn, STATE_TRANSACTION);
	p.account = account->address;
	folder_setup(control->set.sync_directory);
	if (take_first(&p, first) == -1) {
		reply(&p, R_MEMORY);
	} else if ((p.drop = maildrop_open(account->maildir,
	    &control->set)) == NULL) {
		reply(&p, not_opened(account->maildir));
	} else {
		netout_addf(&p.out, "+OK %zu messages\r\n",
		    maildrop_count(p.drop));
	}
	code = pop3_run(&p);
	log_disconnect(&p);
	source_close(&p.ahead);
	maildrop_close(p.drop);
	pop3_free(&p);
	return code;
}
