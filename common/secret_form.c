/*
 * The form of stored secrets, without any cryptography: what looks over the
 * control files needs no more.
 */
#include "secret.h"

#include "encode.h"

static const char *const marks[] = { [SECRET_CRYPT] = "",
    [SECRET_SCRAM] = "{SCRAM-SHA-256}", [SECRET_PLAIN] = "{PLAIN}" };

int
secret_kind(struct span stored, enum secret_kind *kind, struct span *rest)
{
	struct cur c;

	for (int k = SECRET_SCRAM; k <= SECRET_PLAIN; k++) {
		cur_init(&c, stored);
		if (cur_word(&c, marks[k])) {
			*kind = (enum secret_kind)k;
			*rest = cur_rest(&c);
			return 0;
		}
	}
	/* Never an old (DES) or an empty hash. */
	if (stored.len == 0 || stored.p[0] != '$')
		return -1;
	*kind = SECRET_CRYPT;
	*rest = stored;
	return 0;
}

int
secret_plain(struct span rest, struct buf *out)
{
	struct cur c;
	int byte;

	cur_init(&c, rest);
	while (!cur_end(&c)) {
		if (!cur_ch(&c, '%'))
			byte = cur_next(&c);
		else if ((byte = hex_byte(&c)) <= 0)
			return -1;
		if (buf_addc(out, (unsigned char)byte) == -1)
			return -1;
	}
	return 0;
}

static const char *
plain_wrong(struct span rest)
{
	const char *wrong = NULL;
	struct buf b;

	buf_init(&b, CONTROL_LINE_MAX);
	if (secret_plain(rest, &b) == -1)
		wrong = "behind {PLAIN}, \"%\" begins two hexadecimal digits; "
		    "write %25 for the sign itself";
	else if (b.len == 0)
		wrong = "behind {PLAIN} there is no password; write it, or "
		    "remove the line";
	buf_wipe(&b);
	return wrong;
}

const char *
secret_wrong(struct span stored)
{
	struct scram_keys keys;
	enum secret_kind kind;
	struct span rest;

	/* As shadow(5) locks an account: no hash, so nobody gets in. */
	if (stored.len > 0 && (stored.p[0] == '!' || stored.p[0] == '*'))
		return NULL;
	if (secret_kind(stored, &kind, &rest) == -1)
		return "the secret has no known form; \"posthouse hash\" makes "
		    "one";
	if (kind == SECRET_PLAIN)
		return plain_wrong(rest);
	if (kind == SECRET_SCRAM && scram_keys_parse(rest, &keys) == -1)
		return "{SCRAM-SHA-256} wants iterations,salt,StoredKey,ServerKey; "
		    "\"posthouse hash\" makes them";
	return NULL;
}
