/*
 * SCRAM-SHA-256 and stored secrets: the example of RFC 7677 section 3, and what
 * must be refused.
 */
#include "scram.h"

#include <string.h>

#include "clock.h"
#include "encode.h"
#include "secret.h"
#include "test.h"

/* RFC 7677 section 3. */
#define FIRST	"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
#define NONCE	"%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define SERVER	"r=rOprNGfwEbeRWgbNEkqO" NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
#define BARE	"c=biws,r=rOprNGfwEbeRWgbNEkqO" NONCE
#define FINAL	BARE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define LAST	"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

static void
example_keys(struct scram_keys *k, const char *password)
{
	struct buf salt;

	memset(k, 0, sizeof(*k));
	k->iterations = 4096;
	buf_init(&salt, 64);
	CHECK(base64_decode(span_str("W22ZaJ0SNY7soEsUEjb6gQ=="), &salt) == 0,
	    "salt");
	memcpy(k->salt, salt.p, salt.len);
	k->salt_len = salt.len;
	buf_free(&salt);
	scram_keys_derive(k, span_str(password));
}

static void
test_example(void)
{
	struct scram_keys k;
	struct scram s;
	struct buf out;

	buf_init(&out, 4096);
	example_keys(&k, "pencil");
	CHECK(scram_first(&s, false, true, span_str(FIRST)) == SCRAM_OK,
	    "first");
	CHECK_SPAN(s.user, "user", "user");
	CHECK(scram_challenge(&s, span_str(NONCE), &k, &out) == 0, "challenge");
	CHECK_SPAN(buf_span(&out), SERVER, "challenge");
	CHECK(scram_final(&s, span_str(SERVER), span_str(""),
	    span_str(FINAL)) == SCRAM_OK, "final");
	buf_clear(&out);
	CHECK(scram_verify(&s, span_str(SERVER), &k, &out), "proof");
	CHECK_SPAN(buf_span(&out), LAST, "last");
	example_keys(&k, "Pencil");
	CHECK(!scram_verify(&s, span_str(SERVER), &k, &out), "wrong password");
	buf_free(&out);
	test_end("RFC 7677 section 3");
}

static const struct {
	const char *text;
	bool plus, can_bind;
	enum scram_result want;
} firsts[] = {
	{ "n,,n=u,r=a", false, false, SCRAM_OK },
	{ "n,a=other,n=u,r=a", false, true, SCRAM_OK },
	{ "n,,n=u,r=a,x=1", false, true, SCRAM_OK },
	{ "y,,n=u,r=a", false, false, SCRAM_OK },
	{ "y,,n=u,r=a", false, true, SCRAM_REFUSED },	/* -PLUS was taken away */
	{ "p=tls-exporter,,n=u,r=a", true, true, SCRAM_OK },
	{ "p=tls-exporter,,n=u,r=a", false, true, SCRAM_REFUSED },
	{ "n,,n=u,r=a", true, true, SCRAM_REFUSED },
	{ "y,,n=u,r=a", true, true, SCRAM_REFUSED },
	{ "n,,m=x,n=u,r=a", false, true, SCRAM_REFUSED },
	{ "", false, true, SCRAM_MALFORMED },
	{ "n", false, true, SCRAM_MALFORMED },
	{ "n,", false, true, SCRAM_MALFORMED },
	{ "n,,", false, true, SCRAM_MALFORMED },
	{ "x,,n=u,r=a", false, true, SCRAM_MALFORMED },
	{ "p=,,n=u,r=a", true, true, SCRAM_MALFORMED },
	{ "n,a=,n=u,r=a", false, true, SCRAM_MALFORMED },
	{ "n,,n=,r=a", false, true, SCRAM_MALFORMED },
	{ "n,,n=u", false, true, SCRAM_MALFORMED },
	{ "n,,n=u,r=", false, true, SCRAM_MALFORMED },
	{ "n,,n=u,r=a b", false, true, SCRAM_MALFORMED },
	{ "n,,r=a,n=u", false, true, SCRAM_MALFORMED },
};

static const struct { const char *text; enum scram_result want; } finals[] = {
	{ FINAL, SCRAM_OK },
	{ BARE ",x=1,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", SCRAM_OK },
	{ BARE, SCRAM_MALFORMED },
	{ BARE ",", SCRAM_MALFORMED },
	{ BARE ",p=", SCRAM_MALFORMED },
	{ BARE ",p=dHzb", SCRAM_MALFORMED },
	{ BARE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=,x=1",
	    SCRAM_MALFORMED },
	{ "c=biws,r=rOprNGfwEbeRWgbNEkqO,"
	    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", SCRAM_REFUSED },
	{ "c=eSws,r=rOprNGfwEbeRWgbNEkqO" NONCE	/* "y,," */
	    ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", SCRAM_REFUSED },
	{ "c=*,r=rOprNGfwEbeRWgbNEkqO" NONCE
	    ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", SCRAM_REFUSED },
};

static void
test_messages(void)
{
	struct scram s;

	for (size_t i = 0; i < sizeof(firsts) / sizeof(*firsts); i++)
		CHECK(scram_first(&s, firsts[i].plus, firsts[i].can_bind,
		    span_str(firsts[i].text)) == firsts[i].want,
		    firsts[i].text);
	for (size_t i = 0; i < sizeof(finals) / sizeof(*finals); i++) {
		CHECK(scram_first(&s, false, true, span_str(FIRST)) ==
		    SCRAM_OK, "first");
		CHECK(scram_final(&s, span_str(SERVER), span_str(""),
		    span_str(finals[i].text)) == finals[i].want,
		    finals[i].text);
	}
	/* c= is the header and the binding data: "p=tls-exporter,,XY". */
	CHECK(scram_first(&s, true, true,
	    span_str("p=tls-exporter,,n=user,r=rOprNGfwEbeRWgbNEkqO")) ==
	    SCRAM_OK && span_is(s.binding_name, "tls-exporter"), "plus");
	for (int i = 0; i < 2; i++)
		CHECK(scram_final(&s, span_str(SERVER), span_str(i == 0 ? "XY" :
		    "XZ"), span_str("c=cD10bHMtZXhwb3J0ZXIsLFhZ,"
		    "r=rOprNGfwEbeRWgbNEkqO" NONCE ",p=dHzbZapWIk4jUhN+"
		    "Ute9ytag9zjfMHgsqmmiz7AndVQ=")) == (i == 0 ? SCRAM_OK :
		    SCRAM_REFUSED), "channel binding");
	test_end("messages");
}

static void
test_names(void)
{
	static const struct { const char *in, *out; } rows[] = {
		{ "user", "user" }, { "a=2Cb=3Dc", "a,b=c" }, { "=2C", "," },
		{ "a=", NULL }, { "a=2D", NULL },
	};
	struct buf b;

	buf_init(&b, 64);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		buf_clear(&b);
		CHECK((scram_name(span_str(rows[i].in), &b) == 0) ==
		    (rows[i].out != NULL), rows[i].in);
		if (rows[i].out != NULL)
			CHECK_SPAN(buf_span(&b), rows[i].out, rows[i].in);
	}
	buf_free(&b);
	test_end("names");
}

static const struct { const char *stored, *secret; bool ok; } checks[] = {
	{ "{PLAIN}secret", "secret", true },
	{ "{PLAIN}secret", "Secret", false },
	{ "{PLAIN}secret", "secret ", false },
	{ "{PLAIN}a%3Ab%25", "a:b%", true },
	{ "{PLAIN}", "", false },
	{ "{plain}secret", "secret", true },
	{ "", "", false },
	{ "*", "x", false },
	{ "!", "", false },
	{ "x", "x", false },
	{ "$5$rounds=1000$abc$", "x", false },
	/* openssl passwd -6 -salt abcdefgh secret */
	{ "$6$abcdefgh$2K/SScZ5TCVYz1Yk2mR3fnyc2YyQ0eCGhSy8YAZkw1nUA2yVVb1c"
	    "KX0C9uyhNNKJHNnDNAxFXAH7pXwJBmwST1", "wrong", false },
};

static void
test_stored(void)
{
	static const enum secret_kind kinds[] = { SECRET_CRYPT, SECRET_SCRAM,
	    SECRET_PLAIN };
	struct scram_keys keys, like;
	enum secret_kind kind;
	struct span rest;
	struct buf b;

	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++)
		CHECK(secret_check(span_str(checks[i].stored),
		    span_str(checks[i].secret)) == checks[i].ok,
		    checks[i].stored);
	buf_init(&b, 1024);
	for (size_t i = 0; i < 6; i++) {
		buf_clear(&b);
		CHECK(secret_make(kinds[i / 2], span_str("pass: %wörd"),
		    i % 2 == 0, NULL, &b) == 0, "make");
		CHECK(secret_wrong(buf_span(&b)) == NULL, "form");
		CHECK(secret_kind(buf_span(&b), &kind, &rest) == 0 &&
		    kind == kinds[i / 2], "kind");
		CHECK(!span_haschr(buf_span(&b), ':'), "one field");
		CHECK(secret_check(buf_span(&b), span_str("pass: %wörd")),
		    "right");
		CHECK(!secret_check(buf_span(&b), span_str("pass: %word")),
		    "wrong");
	}
	CHECK(secret_make(SECRET_SCRAM, span_str(""), true, NULL, &b) == -1,
	    "empty");
	example_keys(&like, "pencil");
	buf_clear(&b);
	CHECK(secret_make(SECRET_SCRAM, span_str("other"), true, &like, &b) ==
	    0 && secret_kind(buf_span(&b), &kind, &rest) == 0 &&
	    scram_keys_parse(rest, &keys) == 0 &&
	    keys.iterations == like.iterations &&
	    keys.salt_len == like.salt_len &&
	    memcmp(keys.salt, like.salt, like.salt_len) == 0 &&
	    memcmp(keys.stored_key, like.stored_key, SHA256_SIZE) != 0,
	    "same salt");
	buf_free(&b);
	test_end("stored secrets");
}

int
main(void)
{
	clock_init();
	test_example();
	test_messages();
	test_names();
	test_stored();
	return test_done();
}
