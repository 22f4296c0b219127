/*
 * Reply lines of an SMTP server.  Trusts nothing in them: a code outside
 * 200-599, codes that differ within one reply, and more lines than
 * SMTP_REPLY_LINES are refused; control bytes and ill-formed UTF-8 become "?".
 */
#include "remote_reply.h"

#include <string.h>

#include "addr.h"
#include "limits.h"

#define REPLY_LINE_CUT	"..."

void
reply_init(struct reply *r)
{
	memset(r, 0, sizeof(*r));
	buf_init(&r->text, REPLY_TEXT_MAX + sizeof(REPLY_LINE_CUT));
}

void
reply_clear(struct reply *r)
{
	r->code = r->lines = 0;
	r->dsn[0] = '\0';
	r->cut = false;
	buf_clear(&r->text);
}

void
reply_free(struct reply *r)
{
	buf_free(&r->text);
}

static bool
take_digits(struct cur *c, int max)
{
	int n = 0;

	while (cur_peek(c) >= '0' && cur_peek(c) <= '9' && n < max) {
		cur_next(c);
		n++;
	}
	return n > 0;
}

/* RFC 3463 section 2: status-code = class "." subject "." detail */
size_t
dsn_length(struct span s)
{
	struct cur c;
	int class, next;

	cur_init(&c, s);
	class = cur_next(&c);
	if ((class != '2' && class != '4' && class != '5') ||
	    !cur_ch(&c, '.') || !take_digits(&c, 3) || !cur_ch(&c, '.') ||
	    !take_digits(&c, 3))
		return 0;
	next = cur_peek(&c);
	return next == -1 || next == ' ' ? s.len - cur_left(&c) : 0;
}

/* RFC 5321 section 4.2: Reply-code = %x32-35 %x30-35 %x30-39, the second digit
 * taken as any, for servers invent. */
static unsigned
parse_code(struct cur *c)
{
	int a = cur_next(c), b = cur_next(c), d = cur_next(c);

	if (a < '2' || a > '5' || b < '0' || b > '9' || d < '0' || d > '9')
		return 0;
	return (unsigned)(a - '0') * 100 + (unsigned)(b - '0') * 10 +
	    (unsigned)(d - '0');
}

static void
add_text(struct reply *r, struct span s)
{
	size_t room = REPLY_TEXT_MAX - r->text.len;
	bool clean = is_utf8(s);

	if (r->cut)
		return;
	for (size_t i = 0; i < s.len && i < room; i++) {
		unsigned char c = s.p[i];

		if (c < ' ' || c == 0x7f || (c >= 0x80 && !clean))
			c = '?';
		buf_addc(&r->text, c);
	}
	if (s.len > room) {
		buf_adds(&r->text, REPLY_LINE_CUT);
		r->cut = true;
	}
}

/* Of the first line that has one: Cyrus's is the last.  An enhanced code of another
 * class than the reply's is noise. */
static void
set_dsn(struct reply *r, struct span line, struct span code)
{
	if (r->dsn[0] == '\0' && code.len > 0 && code.p[0] == line.p[0] &&
	    code.len < sizeof(r->dsn))
		(void)span_cstr(code, r->dsn, sizeof(r->dsn));
}

enum reply_state
reply_line(struct reply *r, struct span line, struct span *text)
{
	struct cur c;
	struct span s;
	unsigned code;
	size_t n;
	bool more;

	cur_init(&c, line);
	code = parse_code(&c);
	more = cur_ch(&c, '-');
	if (code == 0 || (r->lines > 0 && code != r->code) ||
	    (!more && !cur_end(&c) && !cur_ch(&c, ' ')) ||
	    ++r->lines > SMTP_REPLY_LINES)
		return REPLY_BAD;
	*text = s = cur_rest(&c);
	n = dsn_length(s);
	if (r->lines == 1) {
		r->code = code;
		set_dsn(r, line, span_of(s.p, n));
		add_text(r, span_of(line.p, 3));
		add_text(r, span_str(" "));
	} else {
		add_text(r, span_str(" / "));
		/* The same enhanced code again says nothing new. */
		if (n > 0 && span_is(span_of(s.p, n), r->dsn)) {
			cur_init(&c, s);
			(void)cur_take(&c, n);
			(void)cur_ch(&c, ' ');
			s = cur_rest(&c);
		}
		set_dsn(r, line, span_of(s.p, n));
	}
	add_text(r, s);
	return more ? REPLY_MORE : REPLY_DONE;
}

/* RFC 4954 section 4 (and "AUTH=" of servers older than it). */
static void
ehlo_auth(struct ehlo *e, struct cur *c)
{
	while (!cur_end(c)) {
		struct span word = cur_until(c, ' ');

		if (span_isis(word, "PLAIN"))
			e->auth_plain = true;
		else if (span_isis(word, "LOGIN"))
			e->auth_login = true;
		else if (span_isis(word, "SCRAM-SHA-256"))
			e->auth_scram = true;
		(void)cur_ch(c, ' ');
	}
}

/* RFC 9422 section 4.  RCPTDOMAINMAX is at least 1, and no transaction of ours has
 * more: a job is for one domain. */
static void
ehlo_limits(struct ehlo *e, struct cur *c)
{
	while (!cur_end(c)) {
		struct cur word;
		struct span name;
		uint64_t n;

		cur_init(&word, cur_until(c, ' '));
		(void)cur_ch(c, ' ');
		name = cur_until(&word, '=');
		if (!cur_ch(&word, '=') ||
		    cur_num(&word, 999999, &n) == -1 || !cur_end(&word))
			continue;
		if (span_isis(name, "MAILMAX"))
			e->mail_max = n;
		else if (span_isis(name, "RCPTMAX"))
			e->rcpt_max = n;
	}
}

/* RFC 5321 section 4.1.1.1: ehlo-line = ehlo-keyword *( SP ehlo-param ) */
void
ehlo_line(struct ehlo *e, struct span text)
{
	struct cur c;
	struct span word;
	uint64_t n;

	cur_init(&c, text);
	if (cur_word(&c, "AUTH=")) {
		ehlo_auth(e, &c);
		return;
	}
	word = cur_until(&c, ' ');
	(void)cur_ch(&c, ' ');
	if (span_isis(word, "PIPELINING"))
		e->pipelining = true;
	else if (span_isis(word, "8BITMIME"))
		e->body8 = true;
	else if (span_isis(word, "SMTPUTF8"))
		e->smtputf8 = true;
	else if (span_isis(word, "STARTTLS"))
		e->starttls = true;
	else if (span_isis(word, "DSN"))
		e->dsn = true;
	else if (span_isis(word, "CHUNKING"))
		e->chunking = true;
	else if (span_isis(word, "AUTH"))
		ehlo_auth(e, &c);
	else if (span_isis(word, "LIMITS"))
		ehlo_limits(e, &c);
	else if (span_isis(word, "SIZE")) {
		e->size = true;
		if (cur_num(&c, UINT64_MAX, &n) == 0 && cur_end(&c))
			e->size_max = n;
	}
}
