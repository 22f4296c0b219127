/*
 * A-labels: the samples of RFC 3492 section 7.1 that are labels, and domains
 * that are none.
 */
#include "idna.h"

#include "test.h"

static const struct { const char *domain, *ascii; } good[] = {
	{ "example.org", "example.org" }, { "a", "a" }, { "", "" },
	{ "b\xc3\xbc" "cher.example", "xn--bcher-kva.example" },
	{ "\xc3\xbc.example.\xc3\xbc", "xn--tda.example.xn--tda" },
	{ "xn--bcher-kva.example", "xn--bcher-kva.example" },
	/* (B) Chinese, (E) Hebrew, (L) digits and kanji, (P) mixed, (R), (S) */
	{ "\xe4\xbb\x96\xe4\xbb\xac\xe4\xb8\xba\xe4\xbb\x80\xe4\xb9\x88\xe4\xb8"
	  "\x8d\xe8\xaf\xb4\xe4\xb8\xad\xe6\x96\x87", "xn--ihqwcrb4cv8a8dqg056pqjye" },
	{ "\xd7\x9c\xd7\x9e\xd7\x94\xd7\x94\xd7\x9d\xd7\xa4\xd7\xa9\xd7\x95\xd7"
	  "\x98\xd7\x9c\xd7\x90\xd7\x9e\xd7\x93\xd7\x91\xd7\xa8\xd7\x99\xd7\x9d"
	  "\xd7\xa2\xd7\x91\xd7\xa8\xd7\x99\xd7\xaa",
	  "xn--4dbcagdahymbxekheh6e0a7fei0b" },
	{ "\xe3\x81\xb2\xe3\x81\xa8\xe3\x81\xa4\xe5\xb1\x8b\xe6\xa0\xb9\xe3\x81"
	  "\xae\xe4\xb8\x8b" "2", "xn--2-u9tlzr9756bt3uc0v" },
	{ "\xe3\x81\x9d\xe3\x81\xae\xe3\x82\xb9\xe3\x83\x94\xe3\x83\xbc\xe3\x83"
	  "\x89\xe3\x81\xa7", "xn--d9juau41awczczp" },
	{ "\xf0\x9f\x92\xa9.la", "xn--ls8h.la" },
};

int
main(void)
{
	char out[256], text[300];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		CHECK(idna_ascii(good[i].domain, out, sizeof(out)) == 0,
		    good[i].ascii);
		CHECK_SPAN(span_str(out), good[i].ascii, good[i].domain);
	}
	test_end("domains in two spellings");
	CHECK(idna_ascii("\xff.example", out, sizeof(out)) == -1, "no UTF-8");
	CHECK(idna_ascii("\xc3", out, sizeof(out)) == -1, "cut");
	CHECK(idna_ascii("abc", out, 3) == -1, "no room");
	memset(text, 'a', 64);
	text[64] = '\0';
	CHECK(idna_ascii(text, out, sizeof(out)) == -1, "a long label");
	/* 31 times U+07D0: 62 octets; an A-label as long as it may be at most. */
	for (size_t i = 0; i < 31; i++)
		memcpy(text + 2 * i, i % 2 == 0 ? "\xdf\x90" : "\xc3\xbc", 2);
	text[62] = '\0';
	CHECK(idna_ascii(text, out, sizeof(out)) == -1 || strlen(out) <= 63,
	    "a long A-label");
	for (size_t i = 0; i + 3 < sizeof(text); i += 2)
		memcpy(text + i, "a.", 3);
	CHECK(idna_ascii(text, out, sizeof(out)) == -1, "a long domain");
	test_end("what DNS cannot hold");
	return test_done();
}
