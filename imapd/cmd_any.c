/*
 * Commands that concern the session: CAPABILITY NOOP LOGOUT ID ENABLE
 * NAMESPACE CHECK LANGUAGE.
 */
#include "imap.h"
#include "limits.h"
#include "qresync.h"

/* RFC 3501 section 6.1.1. */
void
cmd_capability(struct imap *im, struct args *a)
{
	if (!parse_end(a)) {
		reply_args(im, a);
		return;
	}
	(void)netout_adds(&im->out, "* ");
	capability_mailbox(im);
	(void)netout_adds(&im->out, "\r\n");
	reply_ok(im, NULL, "Capability completed");
}

/* RFC 3501 section 6.1.2. */
void
cmd_noop(struct imap *im, struct args *a)
{
	if (!parse_end(a))
		reply_args(im, a);
	else
		reply_ok(im, NULL, "NOOP completed");
}

/* RFC 3501 section 6.4.1: all that is answered is on disk already. */
void
cmd_check(struct imap *im, struct args *a)
{
	if (!parse_end(a))
		reply_args(im, a);
	else
		reply_ok(im, NULL, "Check completed");
}

/* RFC 3501 section 6.1.3. */
void
cmd_logout(struct imap *im, struct args *a)
{
	if (!parse_end(a)) {
		reply_args(im, a);
		return;
	}
	reply_bye(im, NULL, "Logging out");
	reply_ok(im, NULL, "Logout completed");
}

/* RFC 2971 section 3.1: parsed and not used. */
void
cmd_id(struct imap *im, struct args *a)
{
	if (!parse_sp(a) || !parse_id(a) || !parse_end(a)) {
		reply_args(im, a);
		return;
	}
	(void)netout_adds(&im->out, "* ID (\"name\" \"posthouse\")\r\n");
	reply_ok(im, NULL, "ID completed");
}

/* RFC 5161: what is told is what this command has enabled and was not before. */
void
cmd_enable(struct imap *im, struct args *a)
{
	unsigned now = im->enabled, bits;
	struct span name;
	struct buf told;

	buf_init(&told, IMAP_LINE_MAX);
	do {
		if (!parse_sp(a) || !parse_atom(a, &name)) {
			buf_free(&told);
			reply_args(im, a);
			return;
		}
		bits = capability_enables(im, name);
		if ((bits & ~now) == 0)
			continue;
		now |= bits;
		(void)buf_addc(&told, ' ');
		(void)buf_addspan(&told, name);
	} while (!cur_end(&a->c));
	(void)netout_adds(&im->out, "* ENABLED");
	if (told.len > 0)
		(void)netout_add(&im->out, told.p, told.len);
	(void)netout_adds(&im->out, "\r\n");
	if (now & EN_CONDSTORE)
		condstore_enable(im);
	im->enabled = now;
	buf_free(&told);
	reply_ok(im, NULL, "Enabled");
}

/* RFC 2342 section 5. */
void
cmd_namespace(struct imap *im, struct args *a)
{
	if (!parse_end(a)) {
		reply_args(im, a);
		return;
	}
	(void)netout_adds(&im->out,
	    "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n");
	reply_ok(im, NULL, "Namespace completed");
}

/* RFC 5255 section 3.2. */
void
cmd_language(struct imap *im, struct args *a)
{
	bool list, known;

	if (!parse_languages(a, &list, &known)) {
		reply_args(im, a);
	} else if (!list && !known) {
		reply_no(im, NULL, "Unsupported language");
	} else {
		(void)netout_adds(&im->out, list ?
		    "* LANGUAGE (EN i-default)\r\n" :
		    "* LANGUAGE (EN)\r\n");
		reply_ok(im, NULL, "Language completed");
	}
}
