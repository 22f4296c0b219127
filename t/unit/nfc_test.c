/*
 * Unicode Normalization Form C.  With the argument "lines": 0 or 1 before each line of standard input, for t/casemap.py.
 */
#include "nfc.h"

#include "test.h"

static const struct { const char *text; bool is; } texts[] = {
	{ "", true },
	{ "Sent", true },
	{ "caf\xc3\xa9", true },
	{ "cafe\xcc\x81", false },
	{ "\xcc\x81", true },			/* a mark on nothing */
	{ "q\xcc\x81", true },			/* there is no such letter */
	{ "e\xcc\xa7\xcc\x81", false },		/* the cedilla becomes one with it */
	{ "\xc8\xa9\xcc\x81", true },
	{ "\xc3\x94\xcc\xa8", false },		/* the ogonek goes before the circumflex */
	{ "x\xcc\x81\xcc\xa7", false },		/* marks out of order */
	{ "x\xcc\xa7\xcc\x81", true },
	{ "\xe2\x84\xab", false },		/* ANGSTROM SIGN */
	{ "\xea\xb0\x80\xe1\x86\xa8", false },	/* a syllable and its last consonant */
	{ "\xea\xb0\x81", true },
	{ "\xe1\x84\x80\xe1\x85\xa1", false },
	{ "\xf0\x9f\x92\xa9", true },
};

static void
answer_lines(void)
{
	static char line[4096];

	while (fgets(line, sizeof(line), stdin) != NULL)
		printf("%d %s", nfc_is(span_of((unsigned char *)line,
		    strcspn(line, "\n"))), line);
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "lines") == 0) {
		answer_lines();
		return 0;
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		CHECK(nfc_is(span_str(texts[i].text)) == texts[i].is,
		    texts[i].text);
	test_end("Normalization Form C");
	return test_done();
}
