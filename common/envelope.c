/*
 * Envelope fields of a spool file, before its content and behind it: parser and
 * printer, and the one reader.  The printer refuses control bytes, so that no value becomes a field
 * of its own (CVE-2020-28021, CVE-2020-8794); the parser refuses what the
 * printer would not have written.
 */
#include "spool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fmt.h"

#define RCPTS_FIRST	4
#define ENVELOPE_CHUNK	4096

enum field {
	FIELD_SENDER, FIELD_RCPT, FIELD_ENVID, FIELD_RET, FIELD_BODY,
	FIELD_UTF8, FIELD_NOTIFY, FIELD_ORCPT, FIELD_AUTH, FIELD_END,
	FIELD_UNKNOWN
};

static const char *const field_names[] = {
	[FIELD_SENDER] = "Return-Path", [FIELD_RCPT] = "Delivered-To",
	[FIELD_ENVID] = "Envelope-Id", [FIELD_RET] = "Envelope-Ret",
	[FIELD_BODY] = "Envelope-Body", [FIELD_UTF8] = "Envelope-Smtputf8",
	[FIELD_NOTIFY] = "Envelope-Notify", [FIELD_ORCPT] = "Envelope-Orcpt",
	[FIELD_AUTH] = "Envelope-Auth", [FIELD_END] = "Received",
};

void
envelope_init(struct envelope *e)
{
	memset(e, 0, sizeof(*e));
}

void
envelope_free(struct envelope *e)
{
	for (size_t i = 0; i < e->nrcpts; i++) {
		free(e->rcpts[i].addr);
		free(e->rcpts[i].notify);
		free(e->rcpts[i].orcpt);
	}
	free(e->rcpts);
	free(e->sender);
	free(e->envid);
	free(e->ret);
	free(e->auth);
	envelope_init(e);
}

/* NULL stays NULL. */
static int
copy(const char *from, char **to)
{
	*to = NULL;
	if (from == NULL)
		return 0;
	return (*to = strdup(from)) == NULL ? -1 : 0;
}

static int
grow(struct envelope *e)
{
	size_t cap = e->cap == 0 ? RCPTS_FIRST : e->cap * 2;
	struct envelope_rcpt *r;

	if (e->nrcpts < e->cap)
		return 0;
	if ((r = reallocarray(e->rcpts, cap, sizeof(*r))) == NULL)
		return -1;
	e->rcpts = r;
	e->cap = cap;
	return 0;
}

int
envelope_add_rcpt(struct envelope *e, const char *addr, const char *notify,
    const char *orcpt)
{
	struct envelope_rcpt r = { NULL, NULL, NULL };

	if (grow(e) == -1 || copy(addr, &r.addr) == -1 ||
	    copy(notify, &r.notify) == -1 || copy(orcpt, &r.orcpt) == -1) {
		free(r.addr);
		free(r.notify);
		errno = ENOMEM;
		return -1;
	}
	e->rcpts[e->nrcpts++] = r;
	return 0;
}

/* What may stand in a value: no control byte, so no line end and no NUL. */
static bool
is_value(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return true;
}

static int
print_field(struct buf *out, enum field f, const char *before,
    const char *value, const char *after)
{
	if (!is_value(span_str(value))) {
		errno = EINVAL;
		return -1;
	}
	buf_adds(out, field_names[f]);
	buf_adds(out, ": ");
	buf_adds(out, before);
	buf_adds(out, value);
	buf_adds(out, after);
	return buf_addc(out, '\n');
}

static int
print_optional(struct buf *out, enum field f, const char *value)
{
	return value == NULL ? 0 : print_field(out, f, "", value, "");
}

/* "number value": what belongs to one recipient. */
static int
print_numbered(struct buf *out, enum field f, size_t n, const char *value)
{
	char number[24];

	if (value == NULL)
		return 0;
	fmt_print(number, sizeof(number), "%zu ", n);
	return print_field(out, f, number, value, "");
}

static int
print_rcpts(const struct envelope *e, struct buf *out)
{
	for (size_t i = 0; i < e->nrcpts; i++) {
		if (e->rcpts[i].addr[0] == '\0') {
			errno = EINVAL;
			return -1;
		}
		if (print_field(out, FIELD_RCPT, "", e->rcpts[i].addr, "") == -1)
			return -1;
	}
	return 0;
}

static int
print_sender(const struct envelope *e, struct buf *out)
{
	if (e->sender == NULL || e->nrcpts == 0) {
		errno = EINVAL;
		return -1;
	}
	return print_field(out, FIELD_SENDER, "<", e->sender, ">");
}

/* All but the sender. */
static int
print_rest(const struct envelope *e, struct buf *out)
{
	const char *body = e->binary ? "BINARYMIME" :
	    e->body8 ? "8BITMIME" : NULL;

	if (print_rcpts(e, out) == -1 ||
	    print_optional(out, FIELD_ENVID, e->envid) == -1 ||
	    print_optional(out, FIELD_RET, e->ret) == -1 ||
	    print_optional(out, FIELD_BODY, body) == -1 ||
	    print_optional(out, FIELD_UTF8, e->smtputf8 ? "yes" : NULL) == -1)
		return -1;
	for (size_t i = 0; i < e->nrcpts; i++)
		if (print_numbered(out, FIELD_NOTIFY, i + 1,
		    e->rcpts[i].notify) == -1 ||
		    print_numbered(out, FIELD_ORCPT, i + 1,
		    e->rcpts[i].orcpt) == -1)
			return -1;
	return print_optional(out, FIELD_AUTH, e->auth);
}

int
envelope_print(const struct envelope *e, struct buf *out)
{
	return print_sender(e, out) == -1 ? -1 : print_rest(e, out);
}

int
envelope_split(const struct envelope *e, struct buf *front, struct buf *behind)
{
	if (e->nrcpts < 2)
		return envelope_print(e, front);
	if (print_sender(e, front) == -1 || print_rest(e, behind) == -1)
		return -1;
	return buf_addc(behind, '\n');
}

static enum field
field_find(struct span name)
{
	for (int i = 0; i < FIELD_UNKNOWN; i++)
		if (span_isis(name, field_names[i]))
			return (enum field)i;
	return FIELD_UNKNOWN;
}

/* A value that may be given once.  0, or -1. */
static int
take_once(char **to, struct span value)
{
	if (*to != NULL || value.len == 0) {
		errno = EINVAL;
		return -1;
	}
	return (*to = span_dup(value)) == NULL ? -1 : 0;
}

static int
take_sender(struct envelope *e, struct span v)
{
	if (e->sender != NULL || v.len < 2 || v.p[0] != '<' ||
	    v.p[v.len - 1] != '>') {
		errno = EINVAL;
		return -1;
	}
	return (e->sender = span_dup(span_of(v.p + 1, v.len - 2))) == NULL ?
	    -1 : 0;
}

static int
take_rcpt(struct envelope *e, struct span v)
{
	char *addr;
	int r;

	if (v.len == 0) {
		errno = EINVAL;
		return -1;
	}
	if ((addr = span_dup(v)) == NULL)
		return -1;
	r = envelope_add_rcpt(e, addr, NULL, NULL);
	free(addr);
	return r;
}

static int
take_body(struct envelope *e, struct span v)
{
	bool *to = span_is(v, "8BITMIME") ? &e->body8 :
	    span_is(v, "BINARYMIME") ? &e->binary : NULL;

	if (to == NULL || e->body8 || e->binary) {
		errno = EINVAL;
		return -1;
	}
	*to = true;
	return 0;
}

static int
take_flag(bool *to, struct span v)
{
	if (*to || !span_is(v, "yes")) {
		errno = EINVAL;
		return -1;
	}
	*to = true;
	return 0;
}

/* number SP value, for a recipient that has been named before. */
static int
take_numbered(struct envelope *e, enum field f, struct span v)
{
	struct envelope_rcpt *r;
	struct cur c;
	uint64_t n;

	cur_init(&c, v);
	if (cur_peek(&c) == '0' || cur_num(&c, e->nrcpts, &n) == -1 ||
	    !cur_ch(&c, ' ')) {
		errno = EINVAL;
		return -1;
	}
	r = &e->rcpts[n - 1];
	return take_once(f == FIELD_NOTIFY ? &r->notify : &r->orcpt,
	    cur_rest(&c));
}

static int
take_field(struct envelope *e, enum field f, struct span v)
{
	if (!is_value(v) || (e->sender == NULL && f != FIELD_SENDER)) {
		errno = EINVAL;
		return -1;
	}
	switch (f) {
	case FIELD_SENDER:
		return take_sender(e, v);
	case FIELD_RCPT:
		return take_rcpt(e, v);
	case FIELD_ENVID:
		return take_once(&e->envid, v);
	case FIELD_RET:
		return take_once(&e->ret, v);
	case FIELD_BODY:
		return take_body(e, v);
	case FIELD_UTF8:
		return take_flag(&e->smtputf8, v);
	case FIELD_NOTIFY:
	case FIELD_ORCPT:
		return take_numbered(e, f, v);
	case FIELD_AUTH:
		return take_once(&e->auth, v);
	case FIELD_END:
	case FIELD_UNKNOWN:
		break;
	}
	errno = EINVAL;
	return -1;
}

/* One line of the head: 1 a field, 0 the first Received, -1 with errno. */
static int
parse_line(struct cur *c, struct envelope *e)
{
	struct span name, value;
	enum field f;

	name = cur_until(c, ':');
	if (span_haschr(name, '\n')) {
		errno = EINVAL;
		return -1;
	}
	if (!cur_ch(c, ':')) {
		errno = ENODATA;
		return -1;
	}
	if ((f = field_find(name)) == FIELD_END)
		return 0;
	value = cur_until(c, '\n');
	if (!cur_ch(c, '\n')) {
		errno = ENODATA;
		return -1;
	}
	if (value.len == 0 || value.p[0] != ' ') {
		errno = EINVAL;
		return -1;
	}
	return take_field(e, f, span_of(value.p + 1, value.len - 1)) == -1 ?
	    -1 : 1;
}

/* The sender alone: the rest stands behind the content. */
static bool
is_complete(const struct envelope *e, size_t lines)
{
	return e->sender != NULL && (e->nrcpts > 0 || lines == 1);
}

int
envelope_parse(struct span head, struct envelope *e)
{
	size_t length = 0, lines = 0;
	struct cur c;
	int r, err;

	envelope_init(e);
	cur_init(&c, head);
	while ((r = parse_line(&c, e)) == 1) {
		length = head.len - cur_left(&c);
		lines++;
	}
	if (r == 0 && !is_complete(e, lines)) {
		errno = EINVAL;
		r = -1;
	}
	if (r == -1 && errno == ENODATA && head.len >= SPOOL_ENVELOPE_MAX)
		errno = EINVAL;
	e->length = length;
	if (r == 0)
		return 0;
	err = errno;
	envelope_free(e);
	errno = err;
	return -1;
}

int
envelope_parse_block(struct cur *c, struct envelope *e)
{
	int r = 1;

	while (r == 1 && !cur_ch(c, '\n'))
		r = parse_line(c, e);
	if (r == 1 && e->sender != NULL && e->nrcpts > 0)
		return 0;
	if (r != -1 || errno == ENODATA)	/* cut short */
		errno = EINVAL;
	return -1;
}

/* At most size bytes of the file at offset to the end of b: how many, or -1. */
static ssize_t
read_piece(int fd, struct buf *b, size_t size, uint64_t offset)
{
	unsigned char *p = buf_room(b, size);
	ssize_t n;

	if (p == NULL)
		return -1;
	while ((n = pread(fd, p, size, (off_t)offset)) == -1 && errno == EINTR)
		;
	if (n > 0)
		b->len += (size_t)n;
	return n;
}

int
envelope_read_behind(int fd, const struct spool_name *name, struct buf *b)
{
	size_t room = ENVELOPE_CHUNK;
	ssize_t n;

	while ((n = read_piece(fd, b, room, name->size + b->len)) > 0)
		if ((size_t)n == room)
			room = b->len;
	return n == -1 ? -1 : 0;
}

/* What stands behind the content; nothing: it has been taken off. */
static int
parse_behind(int fd, const struct spool_name *name, struct envelope *e)
{
	struct buf b;
	struct cur c;
	int r, err;

	buf_init(&b, SPOOL_ENVELOPE_MAX);
	r = envelope_read_behind(fd, name, &b);
	cur_init(&c, buf_span(&b));
	if (r == 0 && b.len > 0 && (r = envelope_parse_block(&c, e)) == 0 &&
	    !cur_end(&c)) {
		errno = EINVAL;
		r = -1;
	}
	err = errno;
	buf_free(&b);
	errno = err;
	return r;
}

int
envelope_read(int fd, const struct spool_name *name, size_t chunk,
    struct buf *head, struct envelope *e)
{
	ssize_t n;
	int r, err;

	do {
		uint64_t left = name->size - head->len;
		size_t want = head->len < chunk ? chunk : head->len;

		n = left == 0 ? 0 : read_piece(fd, head,
		    left < want ? (size_t)left : want, head->len);
		if (n == -1)
			return -1;
		r = envelope_parse(buf_span(head), e);
	} while (r == -1 && errno == ENODATA && n > 0);
	if (r == 0 && e->nrcpts == 0 && parse_behind(fd, name, e) == -1) {
		err = errno;
		envelope_free(e);
		errno = err;
		r = -1;
	}
	if (r == -1 && (errno == EINVAL || errno == ENODATA ||
	    errno == ENOBUFS))
		errno = EBADMSG;
	return r;
}
