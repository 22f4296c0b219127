/*
 * The loop of both processes: lines in, replies out.  Trusts nothing that comes in; whatever netin_line
 * gives besides a line has its one reply here.  Replies wait until a read could block, which is
 * what PIPELINING (RFC 2449 section 6.6) asks for.
 */
#include "pop3.h"

#include <sys/socket.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "ex.h"

#define LINE_LIMIT	SMTP_AUTH_MAX	/* AUTH with an initial response: RFC 5034 section 4 */
#define AUTOLOGOUT	600		/* RFC 1939 section 3: at least ten minutes */
#define LINGER_MS	3000		/* for a client to read why it was turned away */
#define LINGER_PAUSE	1

void
pop3_init(struct pop3 *p, struct control *control, struct conn *conn,
    enum pop3_state state)
{
	const struct settings *set = &control->set;
	unsigned pause = state == STATE_TRANSACTION ? AUTOLOGOUT :
	    set->command_timeout;

	memset(p, 0, sizeof(*p));
	p->control = control;
	p->conn = conn;
	p->state = state;
	p->verb = "-";
	buf_init(&p->user, POP3_LINE_MAX);
	netout_init(&p->out, conn->out, set->command_timeout);
	netin_init(&p->in, conn->in, &p->out, pause);
	if (state == STATE_AUTHORIZATION && set->session_timeout > 0)
		p->in.deadline = clock_mono_ms() +
		    (uint64_t)set->session_timeout * 1000;
}

void
pop3_free(struct pop3 *p)
{
	netin_free(&p->in);
	netout_free(&p->out);
	buf_free(&p->user);
}

/* The client is gone, silent, or we are out of memory: nothing is deleted. */
static void
end(struct pop3 *p, enum netin_result r)
{
	if (r == NETIN_TIMEOUT)
		reply(p, R_TIMEOUT);
	else if (r == NETIN_ERROR && (errno == ENOMEM || errno == ENOBUFS))
		reply(p, R_MEMORY);
	else if (p->state == STATE_TRANSACTION)
		p->exit_code = EX_PROTOCOL;	/* left without QUIT */
	p->done = true;
}

bool
pop3_line(struct pop3 *p, size_t max, struct span *line)
{
	enum netin_result r = netin_line(&p->in, max, line);

	switch (r) {
	case NETIN_LINE:
		return true;
	case NETIN_TOOLONG:
		reply(p, R_TOO_LONG);
		break;
	case NETIN_BARE_LF:
	case NETIN_BARE_CR:
		reply(p, R_BAD_NEWLINE);
		break;
	case NETIN_NUL:
		reply(p, R_NUL);
		break;
	case NETIN_DATA:
	case NETIN_OTHER:
	case NETIN_EOF:
	case NETIN_TIMEOUT:
	case NETIN_ERROR:
		end(p, r);
		break;
	}
	return false;
}

static void
serve_line(struct pop3 *p)
{
	struct span line;

	p->verb = "-";
	if (pop3_line(p, LINE_LIMIT, &line))
		command_run(p, line);
}

/* Closing a socket with unread input resets the connection, and the client never reads why: say that nothing
 * more will come, and read on for a moment. */
static void
linger(struct pop3 *p)
{
	struct span unread;

	if (netout_flush(&p->out) == -1 ||
	    shutdown(p->conn->out, SHUT_WR) == -1)
		return;
	p->in.out = NULL;
	p->in.pause = LINGER_PAUSE;
	p->in.deadline = clock_mono_ms() + LINGER_MS;
	while (netin_block(&p->in, &unread) == NETIN_DATA)
		netin_consume(&p->in, unread.len);
}

int
pop3_run(struct pop3 *p)
{
	while (!p->done && !p->out.failed)
		serve_line(p);
	if (p->exit_code == EX_PROTOCOL)
		linger(p);
	else
		(void)netout_flush(&p->out);
	return p->exit_code;
}
