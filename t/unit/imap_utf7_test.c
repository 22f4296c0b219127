/*
 * Modified UTF-7 and mailbox names.
 * LINK: imapd/name.c
 */
#include "utf7.h"

#include "imapd/name.h"
#include "test.h"

static const struct { const char *utf7, *utf8; } good[] = {
	{ "", "" }, { "INBOX", "INBOX" }, { "&-", "&" }, { "a&-b", "a&b" },
	{ "~peter/mail/&U,BTFw-/&ZeVnLIqe-",
	    "~peter/mail/\345\217\260\345\214\227/\346\227\245\346\234\254\350\252\236" },
	{ "Entw&APw-rfe", "Entw\303\274rfe" }, { "&AOQ-", "\303\244" },
	{ "&AOQA9gD8-", "\303\244\303\266\303\274" },
	{ "&2D3eAA-", "\360\237\230\200" },
	{ "&Jjo-", "\342\230\272" }, { "&AH8-", "\177" },
};
static const char *const bad[] = {
	"&", "&A", "&AA", "&AAA", "&AEE-", "&AOQ", "&AOR-", "&AOQ-&AOQ-",
	"&2D0-", "&3gA-", "&2D3YPQ-", "\303\244", "a\tb", "&AO!-", "&AO/-",
	"&AOQ=-", "a&AOQ-\177",
};
static const struct {
	const char *wire, *raw;		/* raw NULL: refused */
} names[] = {
	{ "INBOX", "" }, { "inbox", "" }, { "iNbOx/x", "INBOX.x" },
	{ "A/B", "A.B" }, { "Inboxes", "Inboxes" }, { "A B", "A B" },
	{ "", NULL }, { "/", NULL }, { "/A", NULL }, { "A/", NULL },
	{ "A//B", NULL }, { "A.B", NULL }, { "..", NULL }, { ".", NULL },
	{ "A/../B", NULL }, { "A\nB", NULL }, { "&bad", NULL },
};

static void
test_utf7(void)
{
	struct buf b;

	buf_init(&b, 1000);
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		buf_clear(&b);
		CHECK(utf7_decode(span_str(good[i].utf7), &b) == 0,
		    good[i].utf7);
		CHECK_SPAN(buf_span(&b), good[i].utf8, good[i].utf7);
		buf_clear(&b);
		CHECK(utf7_encode(span_str(good[i].utf8), &b) == 0,
		    good[i].utf8);
		CHECK_SPAN(buf_span(&b), good[i].utf7, good[i].utf8);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		buf_clear(&b);
		CHECK(utf7_decode(span_str(bad[i]), &b) == -1, bad[i]);
	}
	buf_clear(&b);
	CHECK(utf7_encode(span_str("\300\200"), &b) == -1, "not UTF-8");
	buf_free(&b);
	test_end("modified UTF-7");
}

static void
test_names(void)
{
	char raw[NAME_RAW_MAX + 1], big[NAME_RAW_MAX + 2];
	struct buf b;

	buf_init(&b, 1000);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *why = name_to_raw(span_str(names[i].wire), false, raw);

		CHECK((why == NULL) == (names[i].raw != NULL), names[i].wire);
		if (why != NULL || names[i].raw == NULL)
			continue;
		CHECK_SPAN(span_str(raw), names[i].raw, names[i].wire);
		buf_clear(&b);
		CHECK(name_from_raw(raw, false, &b) == 0 &&
		    span_iseq(buf_span(&b), span_str(names[i].wire)),
		    names[i].wire);
	}
	memset(big, 'x', sizeof(big));
	CHECK(name_to_raw(span_of(big, NAME_RAW_MAX), false, raw) == NULL,
	    "longest");
	CHECK(name_to_raw(span_of(big, NAME_RAW_MAX + 1), false, raw) != NULL,
	    "too long");
	CHECK(name_for_new(span_str("A/"), false, raw) == NULL, "final slash");
	CHECK_SPAN(span_str(raw), "A", "final slash");
	CHECK(name_for_new(span_str("A*"), false, raw) != NULL, "wildcard");
	for (const char *const *p = (const char *const []){ "inbox", "a..b",
	    "a/b", "\377", "&bad", ".a", NULL }; *p != NULL; p++) {
		buf_clear(&b);
		CHECK(name_from_raw(*p, false, &b) == -1, *p);
	}
	buf_free(&b);
	test_end("mailbox names");
}

int
main(void)
{
	test_utf7();
	test_names();
	return test_done();
}
