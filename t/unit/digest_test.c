/*
 * Digests: the examples of RFC 6234, 4231, 7914 and 1321, and keys about as long
 * as a block.
 */
#include "digest.h"

#include "test.h"

#define B16	"kkkkkkkkkkkkkkkk"
#define B64	B16 B16 B16 B16

static struct span
hex(const unsigned char *p, size_t n)
{
	static char text[2 * SHA256_SIZE + 1];

	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", p[i]);
	return span_str(text);
}

static const struct { const char *key, *text, *mac; } macs[] = {
	{ "Jefe", "what do ya want for nothing?",
	    "5bdcc146bf60754e6a042426089575c7"
	    "5a003f089d2739839dec58b964ec3843" },
	{ "", "",
	    "b613679a0814d9ec772f95d778c35fc5"
	    "ff1697c493715653c6c712144292c5ad" },
	{ B64, "x",
	    "f91c4c403625fb06910ef93999265bbd"
	    "2d62baeaec6ff36455498cc124fe3e66" },
	{ B64 "k", "x",
	    "75092ca3ee2b307470c227697b42b3e6"
	    "5376aa3bae98fb5a1f7b7536daa9588a" },
	{ B64 B64, "This is a test using a larger than block-size key",
	    "98098f3d41c2abf621c8e07cdcf63816"
	    "1519e5286e2dbb63d659b3e590dfea12" },
};

static const struct {
	const char *password, *salt;
	uint64_t iterations;
	const char *key;
} keys[] = {
	{ "passwd", "salt", 1,
	    "55ac046e56e3089fec1691c22544b605"
	    "f94185216dde0465e68b9d57c20dacbc" },
	{ "Password", "NaCl", 80000,
	    "4ddcd8f60b98be21830cee5ef22701f9"
	    "641a4418d04c0414aeff08876b34ab56" },
	{ "", "salt", 2,
	    "62384466264daadc4144018c6bd86464"
	    "8272b34da8980d31521ffcce92ae003b" },
	{ B64 "k", "", 3,
	    "3ff12ae140e48533fc9fe9eead6b0070"
	    "5c314d3a4fba43f5df589f4a0671bbe1" },
};

int
main(void)
{
	unsigned char out[SHA256_SIZE];

	sha256(span_str(""), out);
	CHECK_SPAN(hex(out, SHA256_SIZE), "e3b0c44298fc1c149afbf4c8996fb924"
	    "27ae41e4649b934ca495991b7852b855", "empty");
	sha256(span_str("abc"), out);
	CHECK_SPAN(hex(out, SHA256_SIZE), "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad", "abc");
	test_end("sha256");
	md5_sum(span_str("message digest"), out);
	CHECK_SPAN(hex(out, MD5_SIZE), "f96b697d7cb7938d525a2f31aaf161d0", "md5");
	test_end("md5");
	for (size_t i = 0; i < sizeof(macs) / sizeof(*macs); i++) {
		hmac_sha256(span_str(macs[i].key), span_str(macs[i].text), out);
		CHECK_SPAN(hex(out, SHA256_SIZE), macs[i].mac, macs[i].key);
	}
	test_end("hmac");
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		pbkdf2_sha256(span_str(keys[i].password),
		    span_str(keys[i].salt), keys[i].iterations, out);
		CHECK_SPAN(hex(out, SHA256_SIZE), keys[i].key,
		    keys[i].password);
	}
	test_end("pbkdf2");
	return test_done();
}
