/*
 * Commands that concern the session: CAPABILITY NOOP LOGOUT ID ENABLE
 * NAMESPACE CHECK LANGUAGE COMPRESS UNAUTHENTICATE.
 */
#include "ex.h"
#include "file.h"
#include "limits.h"
#include "notify.h"
#include "qresync.h"
#include "reach.h"
#include "tls.h"

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

static bool
is_among(struct span words, struct span name)
{
	struct cur c;

	cur_init(&c, words);
	while (cur_ch(&c, ' '))
		if (span_iseq(cur_until(&c, ' '), name))
			return true;
	return false;
}

/* RFC 5161: what is told is what this command has enabled and was not before, as
 * CONDSTORE also behind QRESYNC, which implies it. */
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
		if ((bits & ~im->enabled) == 0 ||
		    is_among(buf_span(&told), name))
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
	if (now & (EN_METADATA | EN_METADATA_SERVER))
		notify_metadata(im);
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
	(void)netout_adds(&im->out, "* NAMESPACE ((\"\" \"/\")) ");
	(void)netout_adds(&im->out, reach_shared() == NULL ? "NIL NIL\r\n" :
	    "((\"" REACH_USERS "/\" \"/\")) ((\"" REACH_SHARED
	    "/\" \"/\"))\r\n");
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

/*
 * RFC 4978 section 3.  A client waits for the answer: what is there already could
 * be compressed or not.
 */
void
cmd_compress(struct imap *im, struct args *a)
{
	struct span name;

	if (!compress_built()) {
		reply_bad(im, "Unknown command");
	} else if (!parse_sp(a) || !parse_atom(a, &name) || !parse_end(a)) {
		reply_args(im, a);
	} else if (!span_isis(name, "DEFLATE")) {
		reply_bad(im, "Unknown compression");
	} else if (im->compress != NULL) {
		reply_bad(im, "DEFLATE is active already");
	} else if (netin_buffered(&im->input.in).len > 0) {
		reply_bad(im, "Input after COMPRESS");
		reply_bye(im, NULL, "Input after COMPRESS");
		im->exit_code = EX_PROTOCOL;
	} else {
		reply_ok(im, NULL, "DEFLATE active");
		(void)netout_flush(&im->out);
		im->compress = compress_begin(&im->input.in, &im->out);
	}
}

/* What the next session goes on with.  Behind a compressed command stand bytes that
 * have been inflated or not: they cannot be given on, but the end of the client's stream
 * is awaited, for the next session would take it for a command. */
static int
leave_to_session(struct imap *im)
{
	struct netin *in = &im->input.in;
	struct span rest = netin_buffered(in);
	int fd = im->conn->next_out;

	if (rest.len > IMAP_HANDOVER_MAX || (im->compress != NULL &&
	    (rest.len > 0 || in->pending(in->arg) || compress_drain(
	    im->compress, im->control->set.command_timeout) == -1)))
		return -1;
	if (im->conn->tls && tls_facts_write(fd, im->conn->facts) == -1)
		return -1;
	return rest.len == 0 ? 0 : file_write_all(fd, rest.p, rest.len);
}

/* RFC 8437 section 3: all that was of this login dies with this process.  There is
 * no NO. */
void
cmd_unauthenticate(struct imap *im, struct args *a)
{
	if (im->conn->next_out == 0) {
		reply_bad(im, "Unknown command");
	} else if (!parse_end(a)) {
		reply_args(im, a);
	} else if (leave_to_session(im) == -1) {
		reply_bye(im, "UNAVAILABLE", "Too much input after "
		    "UNAUTHENTICATE");
	} else {
		view_close(&im->view);
		reply_ok(im, NULL, "Not authenticated any more");
		im->done = true;
		im->exit_code = CHAIN_EXIT_SESSION;
	}
}
