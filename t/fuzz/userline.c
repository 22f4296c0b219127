/*
 * A line of users, then one of passwords.  What parses prints, and reads back as
 * the same; and no secret harms who checks it.
 */
#include "userline.h"

#include <stdint.h>
#include <stdlib.h>

#include "secret.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* The value of a printed line, behind the key. */
static struct span
value_of(const struct buf *line, struct span key)
{
	if (line->len <= key.len || line->p[key.len] != ':' ||
	    span_haschr(buf_span(line), '\n'))
		abort();
	return span_of(line->p + key.len + 1, line->len - key.len - 1);
}

static void
check_user(struct span key, struct span value)
{
	struct in6_addr from = IN6ADDR_LOOPBACK_INIT;
	struct user_line a, b;
	struct buf out;

	if (user_line_parse(key, value, &a) != NULL)
		return;
	(void)user_line_client(&a, &from);
	buf_init(&out, 8 * (value.len + key.len) + 256);
	if (user_line_print(&out, &a) == 0 &&
	    (user_line_parse(key, value_of(&out, key), &b) != NULL ||
	    !span_eq(a.maildir, b.maildir) || !span_eq(a.owner, b.owner) ||
	    !span_eq(a.quota, b.quota) || a.protocols != b.protocols ||
	    !span_eq(a.clients, b.clients) || a.disabled != b.disabled ||
	    !span_eq(a.reason, b.reason) || a.password != b.password))
		abort();
	buf_free(&out);
}

/* The cost of a hash is the administrator's, not the parser's: not crypt here. */
static void
check_secret(struct span secret)
{
	enum secret_kind kind;
	struct span rest;
	struct buf text;

	(void)secret_wrong(secret);
	if (secret_kind(secret, &kind, &rest) == -1 || kind != SECRET_PLAIN)
		return;
	buf_init(&text, secret.len + 1);
	if (secret_plain(rest, &text) == 0 && text.len > 0 &&
	    !secret_check(secret, buf_span(&text)))
		abort();
	buf_free(&text);
}

static void
check_password(struct span key, struct span value)
{
	struct password_line a, b;
	struct buf out;

	if (password_line_parse(key, value, &a) != NULL)
		return;
	buf_init(&out, 8 * (value.len + key.len) + 256);
	if (password_line_print(&out, &a) == 0 &&
	    (password_line_parse(key, value_of(&out, key), &b) != NULL ||
	    !span_eq(a.secret, b.secret) || !span_eq(a.label, b.label) ||
	    a.protocols != b.protocols || a.expires != b.expires))
		abort();
	buf_free(&out);
	check_secret(a.secret);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span key, value;
	struct cur c;

	cur_init(&c, span_of(data, size));
	while (!cur_end(&c)) {
		key = cur_until(&c, ':');
		(void)cur_ch(&c, ':');
		value = cur_until(&c, '\n');
		(void)cur_ch(&c, '\n');
		if (span_haschr(key, '\n'))
			continue;
		check_user(key, value);
		check_password(key, value);
	}
	return 0;
}
