/*
 * APPEND: RFC 3501 section 6.3.11, several messages in one command as in
 * RFC 3502, APPENDUID of RFC 4315, messages put together as in RFC 4469, and
 * REPLACE, RFC 8508.  Message data goes from the client straight to a file in
 * tmp/; nothing is visible before the command is complete.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "append.h"
#include "ex.h"
#include "limit.h"
#include "log.h"
#include "notify.h"
#include "recode.h"
#include "usage.h"

#define APPEND_MAX 500		/* messages in one command: each holds a file open */
#define URL_MAX ((size_t)256 << 20)	/* bytes that one URL may stand for */

struct append_message {
	struct folder_append *to;
	uint64_t size;			/* of its literals and URLs so far */
	uint64_t stored, crlfs;		/* bytes given to the folder; CRLFs of them */
	struct recode *recode;		/* of a literal8 */
	struct recode_plan plan;
	struct flag_list flags;
	time_t date;
	struct append_message *next;
};
struct append_cmd {
	struct imap *im;
	struct place to;
	struct append_message *first, **last, *now;
	size_t n;
	bool catenate;			/* inside "CATENATE (" */
	bool enclosed;			/* the literal stands in "UTF8 (" and ")" */
	bool replace;
	uint32_t old;			/* REPLACE: UID of what goes */
	int failed;			/* errno */
	const char *code, *why;		/* NO, when not from errno */
	const char *bad;		/* BAD */
	bool empty;			/* a message of no bytes */
	bool cr;			/* the last byte was CR */
};

/* "REPLACE" has a sequence number before the mailbox. */
static bool
is_append(struct args *a)
{
	struct seqset set;
	struct span s;

	if (!parse_atom(a, &s))
		return false;
	if (span_isis(s, "UID") && (!parse_sp(a) || !parse_atom(a, &s)))
		return false;
	if (span_isis(s, "REPLACE"))
		return parse_sp(a) && parse_sequence_set(a, &set);
	return span_isis(s, "APPEND");
}

/* An URL is kept with the command: RFC 4469 section 5. */
static bool
is_url(struct span before)
{
	return before.len > 5 && (span_isis(span_of(before.p + before.len - 5,
	    5), " URL ") || span_isis(span_of(before.p + before.len - 5, 5),
	    "(URL "));
}

/* Is the literal after this text a message?  "tag APPEND mailbox ..." */
bool
append_streams(struct span before)
{
	struct arena arena;
	struct args a = { .arena = &arena };
	struct span s;
	bool yes;

	arena_init(&arena, before.len + 1024);
	cur_init(&a.c, before);
	yes = parse_tag(&a, &s) && parse_sp(&a) && is_append(&a) &&
	    parse_sp(&a) && parse_astring(&a, &s) && parse_sp(&a) &&
	    !is_url(before);
	arena_free(&arena);
	return yes;
}

static bool
streams_more(struct span before)
{
	return !is_url(before);
}

static bool
hopeless(const struct append_cmd *c)
{
	return c->bad != NULL || c->why != NULL || c->failed != 0;
}

/* Does nothing but the marker of a literal follow? */
static bool
at_literal(struct args *a)
{
	struct literal lit;

	return literal_at_end(cur_rest(&(struct cur){ a->c.p, a->c.end }),
	    &lit) && lit.at == 0;
}

/* The keywords must outlive the command's text, which the next line replaces. */
static void
keep_keywords(struct append_cmd *c)
{
	struct flag_list *f = &c->now->flags;

	for (size_t i = 0; i < f->nkeywords; i++)
		f->keywords[i] = arena_copy(&c->im->arena, f->keywords[i]);
}

/* RFC 6855 section 4, which RFC 9755 has taken back; its clients write it. */
static bool
begins_utf8(struct append_cmd *c, struct args *a)
{
	c->enclosed = (c->im->enabled & EN_UTF8) != 0 &&
	    cur_word(&a->c, "UTF8 (");
	return c->enclosed;
}

/* append-message up to its data: RFC 3502 section 5, RFC 4466. */
static bool
parse_message(struct append_cmd *c, struct args *a)
{
	struct append_message *m;

	if ((m = arena_alloc(a->arena, sizeof(*m))) == NULL)
		return parse_fail(a, "Command too large");
	*c->last = m;
	c->last = &m->next;
	c->now = m;
	if (++c->n > (c->replace ? 1 : APPEND_MAX))
		return parse_fail(a, c->replace ? "REPLACE takes one message" :
		    "Too many messages in one APPEND");
	if (cur_peek(&a->c) == '(' && (!parse_flag_list(a, &m->flags, false) ||
	    !parse_sp(a)))
		return false;
	keep_keywords(c);
	if (cur_peek(&a->c) == '"' && (!parse_date_time(a, &m->date) ||
	    !parse_sp(a)))
		return false;
	if (cur_word(&a->c, "CATENATE (")) {
		c->catenate = true;
		return true;
	}
	(void)begins_utf8(c, a);
	return at_literal(a) || parse_fail(a, "Message literal expected");
}

static void
count_crlfs(struct append_cmd *c, struct span s)
{
	struct cur cur;

	cur_init(&cur, s);
	while (!cur_end(&cur)) {
		struct span line = cur_until(&cur, '\n');

		if (line.len > 0)
			c->cr = line.p[line.len - 1] == '\r';
		if (cur_ch(&cur, '\n')) {
			c->now->crlfs += c->cr;
			c->cr = false;
		}
	}
}

static int
to_folder(struct append_cmd *c, struct span s)
{
	count_crlfs(c, s);
	c->now->stored += s.len;
	if (folder_append_add(c->now->to, s.p, s.len) == 0)
		return 0;
	c->failed = errno;
	return -1;
}

/* What recode makes of a literal8. */
static int
recoded(void *arg, struct span s)
{
	return to_folder(arg, s);
}

/*
 * RFC 3516 section 4.4: what no FETCH BODY could show is stored as base64.  The
 * message must say of its parts that they are binary.
 */
static int
store_binary(struct append_cmd *c, struct span s)
{
	struct append_message *m = c->now;

	if (m->recode == NULL && (m->recode = recode_new(RECODE_ONCE,
	    RECODE_8BIT, RECODE_CRLF, &m->plan, recoded, c)) == NULL)
		log_die(EX_TEMPFAIL, "out of memory");
	if (recode_add(m->recode, s) == 0)
		return 0;
	if (c->failed == 0)
		c->failed = errno;
	return -1;
}

static int
store_bytes(void *arg, const void *p, size_t n)
{
	struct append_cmd *c = arg;

	if (hopeless(c) || c->now->to == NULL)
		return -1;
	if (c->im->input.lit.binary && !c->catenate)
		return store_binary(c, span_of(p, n));
	if (memchr(p, 0, n) != NULL) {
		c->bad = "NUL in a message";
		return -1;
	}
	return to_folder(c, span_of(p, n));
}

/* size more bytes are to come for the present message. */
static void
begin(struct append_cmd *c, uint64_t size)
{
	uint64_t max = c->im->control->set.message_size;

	if (hopeless(c))
		return;
	if (max > 0 && (size > max || c->now->size > max - size)) {
		c->code = "TOOBIG";
		c->why = "Message larger than message-size-limit";
		return;
	}
	c->now->size += size;
	if (c->now->to != NULL ||
	    (c->now->to = folder_append_begin(c->to.dir)) != NULL)
		return;
	if (errno == ENOENT || errno == ENOTDIR) {
		c->code = "TRYCREATE";
		c->why = "Mailbox does not exist";
	} else {
		c->failed = errno;
	}
}

/* RFC 4469 section 4.1: the code holds the first URL that failed. */
static void
bad_url(struct append_cmd *c, struct span url, const char *why)
{
	struct buf *b = &c->im->code;

	c->why = why;
	buf_clear(b);
	if (url.len == 0)
		return;
	(void)buf_adds(b, "BADURL ");
	for (size_t i = 0; i < url.len; i++)
		if (url.p[i] >= ' ' && url.p[i] <= '~' && url.p[i] != ']')
			(void)buf_addc(b, url.p[i]);
}

static void
add_url(struct append_cmd *c, struct span url)
{
	struct buf data;
	const char *why;

	if (hopeless(c))
		return;
	buf_init(&data, URL_MAX);
	if ((why = url_fetch(c->im, url, &data)) != NULL) {
		bad_url(c, url, why);
	} else {
		begin(c, data.len);
		if (data.len > 0)
			(void)store_bytes(c, data.p, data.len);
	}
	buf_free(&data);
}

/* cat-part *(SP cat-part) ")": RFC 4469 section 5, RFC 6855 section 4.  Stops before
 * the literal of a text. */
static bool
parse_parts(struct append_cmd *c, struct args *a)
{
	struct span url;

	for (;;) {
		if (cur_word(&a->c, "TEXT ") || begins_utf8(c, a))
			return at_literal(a) ||
			    parse_fail(a, "Literal expected after TEXT");
		if (!cur_word(&a->c, "URL "))
			return parse_fail(a, "TEXT or URL expected");
		if (!parse_astring(a, &url))
			return false;
		add_url(c, url);
		if (cur_ch(&a->c, ')'))
			break;
		if (!parse_sp(a))
			return false;
	}
	c->catenate = false;
	return true;
}

/* What is wrong with the whole message shows when its end is reached. */
static void
end_message(struct append_cmd *c)
{
	struct append_message *m = c->now;

	if (!hopeless(c) && m->size == 0)
		c->empty = true;
	if (hopeless(c) || m->recode == NULL)
		return;
	if (recode_end(m->recode) == -1) {
		if (c->failed == 0)
			c->failed = errno;
	} else if (m->plan.prohibited) {
		c->code = "UNKNOWN-CTE";
		c->why = "Binary data in a part that is not said to be";
	}
}

/* What stands behind a literal: true when the text goes on. */
static bool
parse_after(struct append_cmd *c, struct args *a)
{
	if (c->enclosed && !cur_ch(&a->c, ')'))
		return parse_fail(a, "\")\" expected after UTF8 data");
	c->enclosed = false;
	if (c->catenate && !cur_ch(&a->c, ')'))
		return parse_sp(a);
	c->catenate = false;
	end_message(c);
	return !cur_end(&a->c) && parse_sp(a);
}

/*
 * The text of the command up to the next literal or its end: true when a
 * literal is to be read.
 */
static bool
parse_text(struct append_cmd *c, struct args *a, bool first)
{
	if (!first && !parse_after(c, a))
		return false;
	for (;;) {
		if (!c->catenate && !parse_message(c, a))
			return false;
		if (!c->catenate)
			return true;
		if (!parse_parts(c, a))
			return false;
		if (c->catenate)
			return true;
		end_message(c);
		if (cur_end(&a->c) || !parse_sp(a))
			return false;
	}
}

static enum input_result
take_literal(struct append_cmd *c)
{
	struct input *in = &c->im->input;
	enum input_result r;

	r = input_stream(in, store_bytes, c);
	if (r != INPUT_COMMAND)
		return r;
	in->streams = streams_more;
	r = input_rest(in);
	in->streams = append_streams;
	return r;
}

/*
 * All of the command, text and literals in turn; returns how the input stands.
 * After an error, what the client sends without waiting is still read.
 */
static enum input_result
take_all(struct append_cmd *c, struct args *a)
{
	struct input *in = &c->im->input;
	enum input_result r = c->im->literal ? INPUT_STREAM : INPUT_COMMAND;
	bool wants;

	c->im->literal = false;
	for (bool first = true;; first = false) {
		if (c->bad == NULL) {
			wants = parse_text(c, a, first);
			c->bad = a->why;
			if (c->bad == NULL && wants != (r == INPUT_STREAM))
				c->bad = "Unexpected text after the message";
		}
		if (r != INPUT_STREAM)
			return r;
		begin(c, in->lit.size);
		if (hopeless(c) && in->lit.sync)
			return INPUT_COMMAND;
		r = take_literal(c);
		if (r != INPUT_STREAM && r != INPUT_COMMAND)
			return r;
		cur_init(&a->c, buf_span(&in->cmd));
	}
}

static const char *const *
keyword_names(struct append_cmd *c, const struct flag_list *l)
{
	const char **names = arena_alloc(&c->im->arena,
	    (l->nkeywords + 1) * sizeof(*names));

	for (size_t i = 0; names != NULL && i < l->nkeywords; i++)
		names[i] = (const char *)l->keywords[i].p;
	return names;
}

/* RFC 8508 section 3.4: the new one is there, now the old one goes. */
static void
remove_old(struct append_cmd *c)
{
	struct imap *im = c->im;
	struct folder *f = im->view.folder;
	size_t i;

	/* RFC 8508 section 4.3: before the EXPUNGE. */
	(void)netout_adds(&im->out, "* OK [");
	(void)netout_add(&im->out, im->code.p, im->code.len);
	(void)netout_adds(&im->out, "] Replacement message ready\r\n");
	buf_free(&im->code);
	im->modseq_code = (im->enabled & EN_QRESYNC) != 0;
	i = folder_lower(f, c->old);
	if (i < folder_count(f) && folder_uid(f, i) == c->old &&
	    folder_remove(f, i) == -1)
		reply_errno(im, "cannot remove a message");
	else
		reply_ok(im, NULL, "Replace completed");
}

/* What the command adds, less what it takes away: RFC 8508 section 3.4. */
static struct usage
usage_of(struct append_cmd *c)
{
	struct usage more = { 0 }, old = { 0 };
	struct folder *f = c->im->view.folder;
	size_t i;

	/* What is in the mailboxes of others is not ours to count. */
	for (struct append_message *m = c->first; m != NULL && c->to.own;
	    m = m->next) {
		more.bytes += (int64_t)(m->stored - m->crlfs);
		more.messages++;
	}
	if (c->replace && c->im->view.place.own && (i = folder_lower(f, c->old)) < folder_count(f))
		usage_count(c->im, f, i, &old);
	more.bytes -= old.bytes;
	more.messages -= old.messages;
	return more;
}

/* RFC 3502 section 3: all or none. */
static void
commit_all(struct append_cmd *c)
{
	struct imap *im = c->im;
	struct folder_message *all;
	struct seqset uids = { 0 };
	unsigned mask = place_flags(c->to.rights);
	struct usage more = usage_of(c);
	uint32_t uidvalidity = 0;
	size_t n = 0;

	if (limit_messages(im) > 0 && c->n > limit_messages(im)) {
		limit_refuse(im, 0);
		return;
	}
	if (!usage_permits(im, &more))
		return;
	if ((all = calloc(c->n, sizeof(*all))) == NULL)
		log_die(EX_TEMPFAIL, "out of memory");
	for (struct append_message *m = c->first; m != NULL; m = m->next) {
		all[n].to = m->to;
		all[n].flags = m->flags.flags & mask;
		all[n].keywords = keyword_names(c, &m->flags);
		all[n].nkeywords = all[n].keywords == NULL ||
		    !(c->to.rights & ACL_WRITE) ? 0 : m->flags.nkeywords;
		all[n++].arrival = m->date;
		m->to = NULL;
	}
	if (folder_append_commit_many(all, n, &uidvalidity) == -1) {
		reply_errno(im, "cannot append");
		free(all);
		return;
	}
	for (size_t i = 0; i < n; i++)
		(void)seqset_append(&uids, &im->arena, all[i].uid);
	free(all);
	usage_note(im, &more, 1);
	if (uids.n > 0)
		notify_own_messages(im, c->to.raw, n, uids.r[0].lo,
		    uids.r[uids.n - 1].hi);
	(void)buf_addf(&im->code, "APPENDUID %u ", uidvalidity);
	(void)seqset_print(&uids, &im->code);
	if (c->replace)
		remove_old(c);
	else
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
append_skip(struct imap *im)
{
	struct append_cmd c = { .im = im, .bad = "Refused" };
	enum input_result r = take_all(&c, &(struct args){ .why = NULL });

	if (r != INPUT_COMMAND && r != INPUT_REFUSED)
		finish(&c, r);
}

static void
append(struct append_cmd *c, struct args *a)
{
	struct imap *im = c->im;
	char raw[NAME_RAW_MAX + 1];
	struct span name;
	const char *why;
	bool may;

	if (!parse_sp(a) || !parse_astring(a, &name) || !parse_sp(a)) {
		reply_args(im, a);
		return;
	}
	if ((why = name_to_raw(name, utf8_names(im), raw)) != NULL && c->why == NULL) {
		c->why = why;
		c->code = "CANNOT";
	} else if (place_find(im, raw, &c->to) == -1) {
		c->failed = errno;
	} else if (c->why == NULL && !(c->to.rights & ACL_INSERT)) {
		may = c->to.rights & ACL_LOOKUP;
		c->code = may ? "NOPERM" : "TRYCREATE";
		c->why = may ? "You have not the right to do that here" :
		    "Mailbox does not exist";
	}
	finish(c, take_all(c, a));
	for (struct append_message *m = c->first; m != NULL; m = m->next) {
		if (m->to != NULL)
			folder_append_abort(m->to);
		if (m->recode != NULL)
			recode_free(m->recode);
		recode_plan_free(&m->plan);
	}
}

void
cmd_append(struct imap *im, struct args *a)
{
	struct append_cmd c = { .im = im, .last = &c.first };

	append(&c, a);
}

static int
note_old(void *arg, size_t i)
{
	struct append_cmd *c = arg;

	if (c->old != 0)
		c->bad = "REPLACE takes one message";
	c->old = folder_uid(c->im->view.folder, i);
	return 0;
}

/* RFC 8508.  What is wrong with the old message is told when the literal has been
 * dealt with. */
void
cmd_replace(struct imap *im, struct args *a)
{
	struct append_cmd c = { .im = im, .last = &c.first, .replace = true };
	struct seqset set;

	if (!parse_sp(a) || !parse_sequence_set(a, &set)) {
		reply_args(im, a);
		return;
	}
	if (view_each(im, &set, im->uid, NULL, note_old, &c) == -1)
		c.bad = "No such message";
	/* RFC 8508 section 4.1 */
	if (!view_may(&im->view, ACL_DELETED | ACL_EXPUNGE)) {
		c.code = "NOPERM";
		c.why = view_why(&im->view);
	} else if (c.old == 0) {
		c.code = "EXPUNGEISSUED";
		c.why = "The message is gone";
	}
	append(&c, a);
}
