/*
 * Lines of users and passwords: what they say, and that what is printed reads
 * back as the same.
 */
#include "userline.h"

#include <arpa/inet.h>
#include <string.h>

#include "table.h"
#include "test.h"

#define LINE	"a@example.org"

/* The canonical text of each; "" is the same as what was parsed. */
static const struct { const char *value, *text; } users[] = {
	{ "", "" },
	{ "a/b", "" },
	{ " a/b : bob :2G,10", "a/b:bob:2G,10" },
	{ ":::", "" },
	{ ":bob", "" },
	{ "::1G:", "::1G" },
	{ ":::protocols=imap,smtp", "" },
	{ ":::protocols=SMTP , imap", ":::protocols=imap,smtp" },
	{ ":::protocols=imap,pop3,smtp", "" },
	{ ":::clients=192.0.2.0/24,2001:db8::/32", "" },
	{ ":::disabled", "" },
	{ ":::disabled=gone: ask = me, please", "" },
	{ ":bob::password=system", "" },
	{ "x::1K:disabled=x; clients=192.0.2.1;password=program;protocols=pop3",
	    "x::1K:protocols=pop3;clients=192.0.2.1;password=program;disabled=x" },
};

static void
test_users(void)
{
	struct user_line u, v;
	struct span value;
	struct buf b;

	buf_init(&b, 4096);
	for (size_t i = 0; i < sizeof(users) / sizeof(*users); i++) {
		const char *want = users[i].text;
		struct cur c;

		buf_clear(&b);
		CHECK(user_line_parse(span_str(LINE), span_str(users[i].value),
		    &u) == NULL, users[i].value);
		CHECK(user_line_print(&b, &u) == 0, users[i].value);
		cur_init(&c, buf_span(&b));
		CHECK(span_is(cur_until(&c, ':'), LINE) && cur_ch(&c, ':'),
		    users[i].value);
		value = cur_rest(&c);
		if (*want != '\0')
			CHECK_SPAN(value, want, users[i].value);
		CHECK(user_line_parse(span_str(LINE), value, &v) == NULL &&
		    span_eq(u.maildir, v.maildir) &&
		    span_eq(u.owner, v.owner) && span_eq(u.quota, v.quota) &&
		    u.protocols == v.protocols &&
		    span_eq(u.clients, v.clients) &&
		    u.disabled == v.disabled && span_eq(u.reason, v.reason) &&
		    u.password == v.password, users[i].value);
	}
	buf_clear(&b);
	memset(&u, 0, sizeof(u));
	u.address = span_str(LINE);
	u.reason = span_str("a;b");
	u.disabled = true;
	CHECK(user_line_print(&b, &u) == -1, "separator in a reason");
	u.reason = span_str("a\nb");
	CHECK(user_line_print(&b, &u) == -1, "newline in a reason");
	buf_free(&b);
	test_end("lines of users");
}

static const struct { const char *clients, *from; bool may; } clients[] = {
	{ "192.0.2.0/24", "::ffff:192.0.2.200", true },
	{ "192.0.2.0/24", "::ffff:192.0.3.1", false },
	{ "192.0.2.0/24", "2001:db8::1", false },
	{ "192.0.2.1,2001:db8::/32", "2001:db8:1::1", true },
	{ "192.0.2.1,2001:db8::/32", "::ffff:192.0.2.1", true },
	{ "192.0.2.1,2001:db8::/32", "::ffff:192.0.2.2", false },
	{ "192.0.2.1", "::", false },
	{ "", "::", true },
};

static void
test_clients(void)
{
	struct user_line u = { .protocols = FOR_ALL };
	struct in6_addr from;

	for (size_t i = 0; i < sizeof(clients) / sizeof(*clients); i++) {
		u.clients = span_str(clients[i].clients);
		CHECK(inet_pton(AF_INET6, clients[i].from, &from) == 1 &&
		    user_line_client(&u, &from) == clients[i].may,
		    clients[i].from);
	}
	test_end("from where");
}

static const struct { const char *value, *text; time_t expires; } passwords[] = {
	{ "$y$x", "", 0 },
	{ "$y$x:", "$y$x", 0 },
	{ "$y$x:phone", "", 0 },
	{ "{PLAIN}a b:my phone:imap", "", 0 },
	{ "$y$x::pop3,imap", "$y$x::imap,pop3", 0 },
	{ "$y$x:phone::1970-01-01", "", 86400 },
	{ "$y$x:phone:imap:2024-02-29", "", 1709251200 },
};

static void
test_passwords(void)
{
	struct password_line p, q;
	struct buf b;

	buf_init(&b, 4096);
	for (size_t i = 0; i < sizeof(passwords) / sizeof(*passwords); i++) {
		const char *want = passwords[i].text;
		struct cur c;

		buf_clear(&b);
		CHECK(password_line_parse(span_str(LINE),
		    span_str(passwords[i].value), &p) == NULL &&
		    p.expires == passwords[i].expires, passwords[i].value);
		CHECK(password_line_print(&b, &p) == 0, passwords[i].value);
		cur_init(&c, buf_span(&b));
		(void)cur_until(&c, ':');
		(void)cur_ch(&c, ':');
		CHECK_SPAN(cur_rest(&c), *want != '\0' ? want :
		    passwords[i].value, "printed");
		cur_init(&c, buf_span(&b));
		(void)cur_until(&c, ':');
		(void)cur_ch(&c, ':');
		CHECK(password_line_parse(span_str(LINE), cur_rest(&c), &q) ==
		    NULL && span_eq(p.secret, q.secret) &&
		    span_eq(p.label, q.label) &&
		    p.protocols == q.protocols && p.expires == q.expires,
		    passwords[i].value);
	}
	p.label = span_str("a:b");
	buf_clear(&b);
	CHECK(password_line_print(&b, &p) == -1, "separator in a label");
	buf_free(&b);
	test_end("lines of passwords");
}

int
main(void)
{
	test_users();
	test_clients();
	test_passwords();
	return test_done();
}
