/*
 * Header fields for HEADER.FIELDS: packed as kept.h does it, each with its number in the table, which is that of its bit.
 * The table has what Thunderbird, Apple Mail, Outlook, mutt, K-9, Roundcube and their like list a mailbox by; trace
 * fields and signatures, which are most of a header's bytes, are not among them.
 */
#include "fields.h"

#include "kept.h"

static const struct span names[] = {
	HEADER_NAME("From"), HEADER_NAME("To"), HEADER_NAME("Cc"),
	HEADER_NAME("Subject"), HEADER_NAME("Date"), HEADER_NAME("Message-ID"),
	HEADER_NAME("In-Reply-To"), HEADER_NAME("References"),
	HEADER_NAME("Reply-To"), HEADER_NAME("Sender"), HEADER_NAME("Bcc"),
	HEADER_NAME("Content-Type"), HEADER_NAME("MIME-Version"),
	HEADER_NAME("Content-Transfer-Encoding"),
	HEADER_NAME("Content-Disposition"), HEADER_NAME("Content-Description"),
	HEADER_NAME("Content-Language"), HEADER_NAME("Return-Path"),
	HEADER_NAME("Delivered-To"), HEADER_NAME("X-Original-To"),
	HEADER_NAME("Newsgroups"), HEADER_NAME("Priority"),
	HEADER_NAME("X-Priority"), HEADER_NAME("X-MSMail-Priority"),
	HEADER_NAME("Importance"), HEADER_NAME("Sensitivity"),
	HEADER_NAME("Precedence"), HEADER_NAME("Auto-Submitted"),
	HEADER_NAME("List-Id"), HEADER_NAME("List-Post"),
	HEADER_NAME("List-Help"), HEADER_NAME("List-Archive"),
	HEADER_NAME("List-Owner"), HEADER_NAME("List-Subscribe"),
	HEADER_NAME("List-Unsubscribe"), HEADER_NAME("List-Unsubscribe-Post"),
	HEADER_NAME("Disposition-Notification-To"), HEADER_NAME("Lines"),
	HEADER_NAME("X-Label"), HEADER_NAME("X-Mailing-List"),
	HEADER_NAME("X-Spam-Flag"), HEADER_NAME("X-Spam-Status"),
	HEADER_NAME("Mail-Followup-To"), HEADER_NAME("Mail-Reply-To"),
	HEADER_NAME("Followup-To"), HEADER_NAME("Organization"),
	HEADER_NAME("User-Agent"), HEADER_NAME("X-Mailer"),
	HEADER_NAME("X-Uniform-Type-Identifier"),
	HEADER_NAME("X-Universally-Unique-Identifier"),
};
#define NNAMES (sizeof(names) / sizeof(names[0]))
_Static_assert(NNAMES <= 64, "a bit for each name");

/* NNAMES: it is not kept. */
static size_t
number(struct span name)
{
	size_t i = 0;

	while (i < NNAMES && (names[i].len != name.len ||
	    !span_iseq(names[i], name)))
		i++;
	return i;
}

uint64_t
fields_wanted(const struct section *s)
{
	uint64_t wanted = 0;
	size_t k;

	if (s->kind != SEC_FIELDS || s->npath > 0)
		return 0;
	for (size_t i = 0; i < s->nfields; i++) {
		if ((k = number(s->fields[i])) == NNAMES)
			return 0;
		wanted |= UINT64_C(1) << k;
	}
	return wanted;
}

int
fields_pack(struct span header, struct buf *out)
{
	struct header_field f;
	size_t k;

	while (header_field(&header, &f))
		if ((k = number(f.name)) < NNAMES &&
		    kept_add(out, (int)k, f.whole) == -1)
			return -1;
	return 0;
}

bool
fields_pick(struct span packed, uint64_t wanted, struct buf *out)
{
	struct span text;
	int k;

	while (packed.len > 0) {
		if (!kept_next(&packed, &k, &text) || (size_t)k >= NNAMES)
			return false;
		if ((wanted >> k & 1) != 0 && out != NULL)
			(void)buf_addspan(out, text);
	}
	return out == NULL || buf_adds(out, "\r\n") == 0;
}
