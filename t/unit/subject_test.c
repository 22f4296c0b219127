/*
 * Base subjects: RFC 5256 section 2.1.
 */
#include "imapd/subject.h"

#include "test.h"

/* LINK: imapd/subject.c */

static const struct { const char *subject, *base; bool reply; } rows[] = {
	{ "", "", false },
	{ "a", "a", false },
	{ " a ", "a", false },
	{ "Re: a", "a", true },
	{ "RE:a", "a", true },
	{ "re : a", "a", true },
	{ "Re: Re: a", "a", true },
	{ "Fw: Fwd: a", "a", true },
	{ "Re[2]: a", "a", true },
	{ "Re [x] : a", "a", true },
	{ "[list] Re: a", "a", true },
	{ "[list] [b] a", "a", false },
	{ "[list]", "[list]", false },
	{ "[a] [b]", "[b]", false },
	{ "Re: [list] Re: [other] a", "a", true },
	{ "a (fwd)", "a", true },
	{ "a (FWD) (fwd) ", "a", true },
	{ "[Fwd: a]", "a", true },
	{ "[fwd: [Fwd: Re: a (fwd)] ]", "a", true },
	{ "Re: [Fwd: a]", "a", true },
	{ "[fwd: a", "[fwd: a", false },
	{ "[fwd:]", "", true },
	{ "Re:", "", true },
	{ "reply: a", "reply: a", false },
	{ "fwdx: a", "fwdx: a", false },
	{ "Re a", "Re a", false },
	{ "[a [b] c", "[a [b] c", false },
	{ "]a[", "]a[", false },
	{ "(fwd)", "", true },
	{ "AW: a", "AW: a", false },
	{ "\xc3\xa9 Re: a", "\xc3\xa9 Re: a", false },
};

int
main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool reply;
		struct span base = subject_base(span_str(rows[i].subject),
		    &reply);

		CHECK_SPAN(base, rows[i].base, rows[i].subject);
		CHECK(reply == rows[i].reply, rows[i].subject);
	}
	test_end("base subjects");
	return test_done();
}
