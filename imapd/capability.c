/*
 * What is advertised, and what ENABLE knows.  A name stands here only when all
 * of its RFC is there.  An account may hide names from a client that mishandles
 * them: posthouse.capabilities in the mail directory, a name a line.
 */
#include <fcntl.h>
#include <unistd.h>

#include "file.h"
#include "header.h"
#include "limit.h"

#define HIDE_MAX	16384		/* bytes of posthouse.capabilities */

/* In the order in which they are told; at most 64. */
static const struct capability {
	const char *name;
	unsigned enables;		/* EN_* */
} table[] = {
	{ "IMAP4rev2", EN_REV2 },
	{ "SASL-IR", 0 }, { "LITERAL+", 0 }, { "ID", 0 }, { "ENABLE", 0 },
	{ "IDLE", 0 }, { "NAMESPACE", 0 }, { "CHILDREN", 0 },
	{ "BINARY", 0 }, { "UIDPLUS", 0 }, { "UNSELECT", 0 }, { "MOVE", 0 },
	{ "CONDSTORE", EN_CONDSTORE },
	{ "QRESYNC", EN_CONDSTORE | EN_QRESYNC }, { "UIDONLY", EN_UIDONLY },
	{ "UIDBATCHES", 0 }, { "PREVIEW", 0 }, { "LANGUAGE", 0 },
	{ "UTF8=ACCEPT", EN_UTF8 },
	{ "SAVEDATE", 0 }, { "OBJECTID", 0 },
	{ "SPECIAL-USE", 0 }, { "CREATE-SPECIAL-USE", 0 },
	{ "METADATA", EN_METADATA }, { "LIST-METADATA", 0 }, { "LIST-EXTENDED", 0 }, { "LIST-STATUS", 0 },
	{ "STATUS=SIZE", 0 }, { "ESEARCH", 0 }, { "MULTISEARCH", 0 },
	{ "PARTIAL", 0 }, { "SEARCHRES", 0 },
	{ "QUOTA", 0 }, { "QUOTA=RES-STORAGE", 0 },
	{ "QUOTA=RES-MESSAGE", 0 }, { "QUOTASET", 0 },
	{ "ACL", 0 }, { "RIGHTS=texk", 0 }, { "LIST-MYRIGHTS", 0 },
	{ "WITHIN", 0 }, { "MULTIAPPEND", 0 }, { "REPLACE", 0 },
	{ "SORT", 0 }, { "SORT=DISPLAY", 0 }, { "ESORT", 0 },
	{ "THREAD=ORDEREDSUBJECT", 0 }, { "THREAD=REFERENCES", 0 },
	{ "SEARCH=FUZZY", 0 }, { "CONTEXT=SEARCH", 0 }, { "I18NLEVEL=1", 0 },
	{ "NOTIFY", 0 }, { "INPROGRESS", 0 }, { "CATENATE", 0 }, { "URL-PARTIAL", 0 }, { "APPENDLIMIT", 0 },
	{ "MESSAGELIMIT", 0 }, { "SAVELIMIT", 0 },
	{ "COMPRESS=DEFLATE", 0 }, { "UNAUTHENTICATE", 0 },
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

/* Is it there in this build, on this connection? */
static bool
possible(const struct imap *im, const char *name)
{
	struct span s = span_str(name);

	if (span_is(s, "COMPRESS=DEFLATE"))
		return compress_built() && im->compress == NULL;
	return !span_is(s, "UNAUTHENTICATE") || im->conn->next_out != 0;
}

/* RFC 9738 section 3: told with its value, and one of the two alone. */
static bool
is_limit(struct imap *im, const char *name)
{
	struct span s = span_str(name);
	uint32_t all = limit_messages(im);

	if (span_is(s, "MESSAGELIMIT") && all > 0)
		(void)netout_addf(&im->out, " MESSAGELIMIT=%u", all);
	if (span_is(s, "SAVELIMIT") && all == 0 && limit_saves(im) > 0)
		(void)netout_addf(&im->out, " SAVELIMIT=%u", limit_saves(im));
	return span_is(s, "MESSAGELIMIT") || span_is(s, "SAVELIMIT");
}

void
capability_mailbox(struct imap *im)
{
	uint64_t limit = im->control->set.message_size;

	(void)netout_adds(&im->out, "CAPABILITY IMAP4rev1");
	for (size_t i = 0; i < NTABLE; i++) {
		if (im->hidden >> i & 1 || !possible(im, table[i].name))
			continue;
		if (is_limit(im, table[i].name))
			continue;
		if (!span_is(span_str(table[i].name), "APPENDLIMIT"))
			(void)netout_addf(&im->out, " %s", table[i].name);
		else if (limit > 0)		/* RFC 7889 */
			(void)netout_addf(&im->out, " APPENDLIMIT=%ju",
			    (uintmax_t)limit);
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
	int dirfd = open(im->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC), i;
	struct span line;
	struct buf text;
	struct cur c;

	if (dirfd == -1)
		return;
	buf_init(&text, HIDE_MAX);
	if (file_read(dirfd, "posthouse.capabilities", &text) == 0) {
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
	close(dirfd);
}
