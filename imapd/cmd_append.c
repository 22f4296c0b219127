/*
 * APPEND: RFC 3501 section 6.3.11, several messages in one command as in
 * RFC 3502, APPENDUID of RFC 4315.  Message data goes from the client straight to a file in
 * tmp/; nothing is visible before the command is complete.
 */
#include <errno.h>
#include <string.h>

#include "ex.h"
#include "imap.h"

#define APPEND_MAX 500		/* messages in one command: each holds a file open */

struct append_message {
	struct folder_append *to;
	struct flag_list flags;
	time_t date;
	struct append_message *next;
};
struct append_cmd {
	struct imap *im;
	char dir[DIR_SIZE];
	struct append_message *first, **last, *now;
	size_t n;
	int failed;			/* errno */
	const char *code, *why;		/* NO, when not from errno */
	const char *bad;		/* BAD */
	bool empty;			/* a message of no bytes */
};

/* Is the literal after this text a message?  "tag APPEND mailbox ..." */
bool
append_streams(struct span before)
{
	struct arena arena;
	struct args a = { .arena = &arena };
	struct span s;
	bool yes;

	arena_init(&arena, before.len + 64);
	cur_init(&a.c, before);
	yes = parse_tag(&a, &s) && parse_sp(&a) && parse_atom(&a, &s) &&
	    span_isis(s, "APPEND") && parse_sp(&a) && parse_astring(&a, &s) &&
	    parse_sp(&a);
	arena_free(&arena);
	return yes;
}

static bool
always(struct span before)
{
	(void)before;
	return true;
}

/* append-message: RFC 3502 section 5: flags and date before the literal. */
static bool
parse_message(struct append_cmd *c, struct args *a)
{
	struct append_message *m;

	if ((m = arena_alloc(a->arena, sizeof(*m))) == NULL)
		return parse_fail(a, "Command too large");
	*c->last = m;
	c->last = &m->next;
	c->now = m;
	if (++c->n > APPEND_MAX)
		return parse_fail(a, "Too many messages in one APPEND");
	if (cur_peek(&a->c) == '(' && (!parse_flag_list(a, &m->flags, false) ||
	    !parse_sp(a)))
		return false;
	if (cur_peek(&a->c) == '"' && (!parse_date_time(a, &m->date) ||
	    !parse_sp(a)))
		return false;
	return cur_peek(&a->c) == '{' ||
	    parse_fail(a, "Message literal expected");
}

/* The keywords must outlive the command's text, which the next line replaces. */
static void
keep_keywords(struct append_cmd *c)
{
	struct flag_list *f = &c->now->flags;

	for (size_t i = 0; i < f->nkeywords; i++)
		f->keywords[i] = arena_copy(&c->im->arena, f->keywords[i]);
}

static int
store_bytes(void *arg, const void *p, size_t n)
{
	struct append_cmd *c = arg;

	if (c->now->to == NULL)
		return -1;
	if (memchr(p, 0, n) != NULL) {
		c->bad = "NUL in a message";
		return -1;
	}
	if (folder_append_add(c->now->to, p, n) == -1) {
		c->failed = errno;
		return -1;
	}
	return 0;
}

static void
begin(struct append_cmd *c)
{
	const struct literal *lit = &c->im->input.lit;

	if (lit->size == 0)
		c->empty = true;
	if (c->im->control->set.message_size > 0 &&
	    lit->size > c->im->control->set.message_size) {
		c->code = "TOOBIG";
		c->why = "Message larger than message-size-limit";
	}
	if (c->bad != NULL || c->why != NULL || c->failed != 0 || c->empty)
		return;
	if ((c->now->to = folder_append_begin(c->dir)) != NULL)
		return;
	if (errno == ENOENT || errno == ENOTDIR) {
		c->code = "TRYCREATE";
		c->why = "Mailbox does not exist";
	} else {
		c->failed = errno;
	}
}

static bool
hopeless(const struct append_cmd *c)
{
	return c->bad != NULL || c->why != NULL || c->failed != 0;
}

/*
 * The literal of the present message, then the rest of the line.  INPUT_STREAM when
 * another message follows, INPUT_COMMAND at the end of the command or when
 * the client does not send what would be refused anyway; else how the input
 * failed.
 */
static enum input_result
take_literal(struct append_cmd *c)
{
	struct input *in = &c->im->input;
	enum input_result r;

	begin(c);
	if (hopeless(c) && in->lit.sync)
		return INPUT_COMMAND;
	r = input_stream(in, store_bytes, c);
	if (r != INPUT_COMMAND)
		return r;
	in->streams = always;
	r = input_rest(in);
	in->streams = append_streams;
	return r;
}

/* All messages of the command; returns how the input stands. */
static enum input_result
take_all(struct append_cmd *c, struct args *a)
{
	enum input_result r;

	for (;;) {
		if (c->bad == NULL && !parse_message(c, a))
			c->bad = a->why;
		keep_keywords(c);
		r = take_literal(c);
		if (r == INPUT_COMMAND && !hopeless(c) &&
		    c->im->input.cmd.len > 0)
			c->bad = "Unexpected text after the message";
		if (r != INPUT_STREAM)
			return r;
		cur_init(&a->c, buf_span(&c->im->input.cmd));
		if (c->bad == NULL && !parse_sp(a))
			c->bad = a->why;
	}
}

static int
commit_one(struct append_message *m, uint32_t *uidvalidity, uint32_t *uid)
{
	const char *names[64];
	size_t n = m->flags.nkeywords;
	int r;

	for (size_t i = 0; i < n && i < 64; i++)
		names[i] = (const char *)m->flags.keywords[i].p;
	r = folder_append_commit(m->to, m->flags.flags, names, n, m->date,
	    uidvalidity, uid);
	m->to = NULL;
	return r;
}

/* RFC 3502 section 3: all or none.  What was stored before one failed goes. */
static void
take_back(const struct append_cmd *c, const struct seqset *uids)
{
	struct folder *f;

	if (uids->n == 0 || (f = folder_open(c->dir, false)) == NULL)
		return;
	for (size_t i = folder_count(f); i > 0; i--)
		if (seqset_has(uids, folder_uid(f, i - 1)))
			(void)folder_remove(f, i - 1);
	folder_close(f);
}

static void
commit_all(struct append_cmd *c)
{
	struct imap *im = c->im;
	struct seqset uids = { 0 };
	uint32_t uidvalidity = 0, uid;
	int e;

	for (struct append_message *m = c->first; m != NULL; m = m->next) {
		if (commit_one(m, &uidvalidity, &uid) == -1) {
			e = errno;
			take_back(c, &uids);
			errno = e;
			reply_errno(im, "cannot append");
			return;
		}
		(void)seqset_append(&uids, &im->arena, uid);
	}
	(void)buf_addf(&im->code, "APPENDUID %u ", uidvalidity);
	(void)seqset_print(&uids, &im->code);
	reply_ok(im, NULL, "Append completed");
}

static void
finish(struct append_cmd *c, enum input_result r)
{
	struct imap *im = c->im;

	if (r == INPUT_CLOSE || r == INPUT_REFUSED) {
		reply_bad(im, im->input.why);
		if (r == INPUT_CLOSE)
			reply_bye(im, NULL, im->input.why);
	} else if (r != INPUT_COMMAND) {
		if (r == INPUT_TIMEOUT)
			reply_bye(im, NULL, "Too slow");
		im->exit_code = EX_PROTOCOL;
		im->done = true;
	} else if (c->bad != NULL) {
		reply_bad(im, c->bad);
	} else if (c->why != NULL) {
		reply_no(im, c->code, c->why);
	} else if (c->failed != 0) {
		errno = c->failed;
		reply_errno(im, "cannot append");
	} else if (c->empty) {
		reply_no(im, NULL, "A message of no bytes cannot be stored");
	} else {
		commit_all(c);
	}
}

void
cmd_append(struct imap *im, struct args *a)
{
	struct append_cmd c = { .im = im };
	char raw[NAME_RAW_MAX + 1];
	struct span name;

	c.last = &c.first;
	if (!parse_sp(a) || !parse_astring(a, &name) || !parse_sp(a)) {
		reply_args(im, a);
		return;
	}
	if ((c.why = name_to_raw(name, raw)) != NULL)
		c.code = "CANNOT";
	else if (folder_path(im->root, raw, c.dir, sizeof(c.dir)) == -1)
		c.failed = errno;
	/* A line without a literal at its end holds no message. */
	if (!im->literal) {
		reply_bad(im, "Message literal expected");
		return;
	}
	finish(&c, take_all(&c, a));
	for (struct append_message *m = c.first; m != NULL; m = m->next)
		if (m->to != NULL)
			folder_append_abort(m->to);
}
