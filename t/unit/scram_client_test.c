/* SCRAM as a client: the example of RFC 7677, and servers that are none. */
#include "scram_client.h"

#include "limits.h"
#include "test.h"

#define NONCE	"rOprNGfwEbeRWgbNEkqO"
#define BOTH	NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define SALT	",s=W22ZaJ0SNY7soEsUEjb6gQ==,i="

static void
begin(struct scram_client *s, const char *user, struct buf *out)
{
	buf_init(out, 4096);
	CHECK(scram_client_first(s, span_str(user), span_str(NONCE), out) == 0,
	    user);
}

/* RFC 7677 section 3. */
static void
test_example(void)
{
	struct scram_client s;
	struct buf out;

	begin(&s, "user", &out);
	CHECK_SPAN(buf_span(&out), "n,,n=user,r=" NONCE, "first");
	buf_clear(&out);
	CHECK(scram_client_final(&s, span_str("pencil"),
	    span_str("r=" BOTH SALT "4096"), &out) == 0, "final");
	CHECK_SPAN(buf_span(&out), "c=biws,r=" BOTH
	    ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "final");
	CHECK(scram_client_check(&s, span_str(
	    "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")), "server");
	CHECK(!scram_client_check(&s, span_str(
	    "v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")), "impostor");
	CHECK(!scram_client_check(&s, span_str("v=6rriTRBi")), "short");
	CHECK(!scram_client_check(&s, span_str("v=")), "nothing");
	CHECK(!scram_client_check(&s, span_str("")), "nothing");
	CHECK(!scram_client_check(&s, span_str("e=invalid-proof")), "error");
	scram_client_free(&s);
	buf_free(&out);
	test_end("RFC 7677");
}

static void
test_bad(void)
{
	static const char *const bad[] = { "", "r=" BOTH, "r=" BOTH SALT,
		"r=" BOTH SALT "4095", "r=" BOTH SALT "1000001",
		"r=" BOTH SALT "99999999999999999999", "r=" BOTH SALT "-4096",
		"r=" NONCE SALT "4096", "r=x" BOTH SALT "4096",
		"m=x,r=" BOTH SALT "4096", "r=" BOTH ",s=,i=4096",
		"r=" BOTH ",s=W22,i=4096", "r=" BOTH SALT "4096x",
		"s=W22ZaJ0SNY7soEsUEjb6gQ==,r=" BOTH ",i=4096" };
	struct scram_client s;
	struct buf out;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		begin(&s, "user", &out);
		CHECK(scram_client_final(&s, span_str("pencil"),
		    span_str(bad[i]), &out) == -1, bad[i]);
		scram_client_free(&s);
		buf_free(&out);
	}
	begin(&s, "a=b,c", &out);
	CHECK_SPAN(buf_span(&out), "n,,n=a=3Db=2Cc,r=" NONCE, "escapes");
	scram_client_free(&s);
	buf_free(&out);
	test_end("servers that are none");
}

int
main(void)
{
	test_example();
	test_bad();
	return test_done();
}
