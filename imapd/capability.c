/*
 * What is advertised, and what ENABLE knows.  A name stands here only when all
 * of its RFC is there.  An account may hide names from a client that mishandles
 * them: posthouse.capabilities in the mail directory, a name a line.
 */
#include <fcntl.h>
#include <stdio.h>

#include "file.h"
#include "fmt.h"
#include "header.h"
#include "limit.h"

#define HIDE_MAX	16384		/* bytes of posthouse.capabilities */

enum condition { ALWAYS, IF_COMPRESS, IF_RETURNS, WITH_APPEND, WITH_MESSAGES };

/* In the order in which they are told; at most 64. */
static const struct capability {
	const char *name;
	unsigned enables;		/* EN_* */
	enum condition when;
} table[] = {
	{ "IMAP4rev2", EN_REV2, 0 }, { "SASL-IR", 0, 0 }, { "LITERAL+", 0, 0 },
	{ "ID", 0, 0 }, { "ENABLE", 0, 0 }, { "IDLE", 0, 0 },
	{ "NAMESPACE", 0, 0 }, { "CHILDREN", 0, 0 }, { "BINARY", 0, 0 },
	{ "UIDPLUS", 0, 0 }, { "UNSELECT", 0, 0 }, { "MOVE", 0, 0 },
	{ "CONDSTORE", EN_CONDSTORE, 0 },
	{ "QRESYNC", EN_CONDSTORE | EN_QRESYNC, 0 },
	{ "UIDONLY", EN_UIDONLY, 0 }, { "UIDBATCHES", 0, 0 },
	{ "PREVIEW", 0, 0 }, { "LANGUAGE", 0, 0 },
	{ "UTF8=ACCEPT", EN_UTF8, 0 }, { "SAVEDATE", 0, 0 },
	{ "OBJECTID", 0, 0 }, { "SPECIAL-USE", 0, 0 },
	{ "CREATE-SPECIAL-USE", 0, 0 }, { "METADATA", EN_METADATA, 0 },
	{ "LIST-METADATA", 0, 0 }, { "LIST-EXTENDED", 0, 0 },
	{ "LIST-STATUS", 0, 0 }, { "STATUS=SIZE", 0, 0 }, { "ESEARCH", 0, 0 },
	{ "MULTISEARCH", 0, 0 }, { "PARTIAL", 0, 0 }, { "SEARCHRES", 0, 0 },
	{ "QUOTA", 0, 0 }, { "QUOTA=RES-STORAGE", 0, 0 },
	{ "QUOTA=RES-MESSAGE", 0, 0 }, { "QUOTASET", 0, 0 }, { "ACL", 0, 0 },
	{ "RIGHTS=texk", 0, 0 }, { "LIST-MYRIGHTS", 0, 0 }, { "WITHIN", 0, 0 },
	{ "MULTIAPPEND", 0, 0 }, { "REPLACE", 0, 0 }, { "SORT", 0, 0 },
	{ "SORT=DISPLAY", 0, 0 }, { "ESORT", 0, 0 },
	{ "THREAD=ORDEREDSUBJECT", 0, 0 }, { "THREAD=REFERENCES", 0, 0 },
	{ "SEARCH=FUZZY", 0, 0 }, { "CONTEXT=SEARCH", 0, 0 },
	{ "I18NLEVEL=1", 0, 0 }, { "NOTIFY", 0, 0 }, { "INPROGRESS", 0, 0 },
	{ "CATENATE", 0, 0 }, { "URL-PARTIAL", 0, 0 },
	{ "APPENDLIMIT", 0, WITH_APPEND }, { "MESSAGELIMIT", 0, WITH_MESSAGES },
	{ "COMPRESS=DEFLATE", 0, IF_COMPRESS },
	{ "UNAUTHENTICATE", 0, IF_RETURNS },
};
#define NTABLE (sizeof(table) / sizeof(table[0]))
_Static_assert(NTABLE <= 64, "one bit each in imap.hidden");

/* LITERAL- here, LITERAL+ after login, never both: RFC 7888 section 5. */
void
capability_session(struct netout *o, bool can_tls, const char *mechanisms,
    bool can_login)
{
	(void)netout_adds(o, "CAPABILITY IMAP4rev1 IMAP4rev2 SASL-IR LITERAL- "
	    "ID ENABLE LANGUAGE");
	if (can_tls)
		(void)netout_adds(o, " STARTTLS");
	if (mechanisms != NULL)
		(void)netout_adds(o, mechanisms);
	if (!can_login)
		(void)netout_adds(o, " LOGINDISABLED");
}

/* One that not every build or connection has, or that is told with its value:
 * which, 0 for none. */
static uint64_t
value_of(const struct imap *im, enum condition when)
{
	switch (when) {
	case IF_COMPRESS:
		return compress_built() && im->compress == NULL;
	case IF_RETURNS:
		return im->conn->next_out != 0;
	case WITH_APPEND:		/* RFC 7889 */
		return im->control->set.message_size;
	case WITH_MESSAGES:
		return limit_messages(im);
	case ALWAYS:
		break;
	}
	return 1;
}

void
capability_mailbox(struct imap *im)
{
	struct netout *o = &im->out;
	uint64_t value;

	(void)netout_adds(o, "CAPABILITY IMAP4rev1");
	for (size_t i = 0; i < NTABLE; i++) {
		const struct capability *c = &table[i];

		if (im->hidden >> i & 1 || (value = value_of(im, c->when)) == 0)
			continue;
		(void)netout_adds(o, " ");
		(void)netout_adds(o, c->name);
		if (c->when >= WITH_APPEND) {
			(void)netout_adds(o, "=");
			(void)netout_addu(o, value);
		}
	}
}

static int
find(struct span name)
{
	for (size_t i = 0; i < NTABLE; i++)
		if (span_isis(name, table[i].name))
			return (int)i;
	return -1;
}

unsigned
capability_enables(const struct imap *im, struct span name)
{
	int i;

	/* RFC 5464 section 4.1: METADATA has what METADATA-SERVER has. */
	if (span_isis(name, "METADATA-SERVER"))
		return EN_METADATA_SERVER;
	i = find(name);
	return i == -1 || im->hidden >> i & 1 ? 0 : table[i].enables;
}

/* Lines of one name; "#" begins a comment.  A name we do not have is hidden
 * already. */
void
capability_load(struct imap *im)
{
	char path[1024 + 32];
	struct span line;
	struct buf text;
	struct cur c;
	int i;

	fmt_print(path, sizeof(path), "%s/posthouse.capabilities", im->root);
	buf_init(&text, HIDE_MAX);
	if (file_read(AT_FDCWD, path, &text) == 0) {
		cur_init(&c, buf_span(&text));
		while (!cur_end(&c)) {
			line = cur_until(&c, '\n');
			(void)cur_ch(&c, '\n');
			line = header_trim(cur_until(&(struct cur){ line.p,
			    line.p + line.len }, '#'));
			if ((i = find(line)) != -1)
				im->hidden |= (uint64_t)1 << i;
		}
	}
	buf_free(&text);
}
