/*
 * The mailbox process: reads commands, finds them in the table, runs them.
 * Runs as the owner of the mail directory and sees nothing else.  Trusts the
 * file names below it no more than the client.
 */
#include <string.h>
#include <unistd.h>

#include "ex.h"
#include "file.h"
#include "imap.h"
#include "limits.h"
#include "log.h"
#include "notify.h"
#include "progress.h"
#include "tls.h"
#include "usage.h"
#include "wait.h"

#define ARENA_MAX	(32 * (size_t)IMAP_COMMAND_MAX)
#define FIRST_MAX	(2 * (size_t)NETIN_BUF)
#define WRITE_TIMEOUT	300	/* seconds a client may refuse to read */

#define BOTH	(C_UID | C_UID_BARE | C_NUMBERS)

/* RFC 3501 sections 6.1 to 6.4 and the extensions; in order of name. */
static const struct command commands[] = {
	{ "APPEND", S_ANY, C_UID_BARE, cmd_append },
	{ "CANCELUPDATE", S_SELECTED, C_UID_BARE, cmd_cancelupdate },
	{ "CAPABILITY", S_ANY, C_UID_BARE, cmd_capability },
	{ "CHECK", S_SELECTED, C_UID_BARE, cmd_check },
	{ "CLOSE", S_SELECTED, C_UID_BARE | C_QUIET, cmd_close },
	{ "COMPRESS", S_ANY, C_UID_BARE, cmd_compress },
	{ "COPY", S_SELECTED, BOTH, cmd_copy },
	{ "CREATE", S_ANY, C_UID_BARE, cmd_create },
	{ "DELETE", S_ANY, C_UID_BARE, cmd_delete },
	{ "DELETEACL", S_ANY, C_UID_BARE, cmd_deleteacl },
	{ "ENABLE", S_ANY, C_UID_BARE, cmd_enable },
	{ "ESEARCH", S_ANY, C_UID_BARE | C_KEEP, cmd_esearch },
	{ "EXAMINE", S_ANY, C_UID_BARE | C_QUIET, cmd_examine },
	{ "EXPUNGE", S_SELECTED, C_UID | C_UID_BARE | C_TELLS, cmd_expunge },
	{ "FETCH", S_SELECTED, BOTH | C_KEEP, cmd_fetch },
	{ "GETACL", S_ANY, C_UID_BARE, cmd_getacl },
	{ "GETMETADATA", S_ANY, C_UID_BARE, cmd_getmetadata },
	{ "GETQUOTA", S_ANY, C_UID_BARE, cmd_getquota },
	{ "GETQUOTAROOT", S_ANY, C_UID_BARE, cmd_getquotaroot },
	{ "ID", S_ANY, C_UID_BARE, cmd_id },
	{ "IDLE", S_ANY, C_UID_BARE, cmd_idle },
	{ "LANGUAGE", S_ANY, C_UID_BARE, cmd_language },
	{ "LIST", S_ANY, C_UID_BARE, cmd_list },
	{ "LISTRIGHTS", S_ANY, C_UID_BARE, cmd_listrights },
	{ "LOGOUT", S_ANY, C_UID_BARE | C_QUIET, cmd_logout },
	{ "LSUB", S_ANY, C_UID_BARE, cmd_lsub },
	{ "MOVE", S_SELECTED, BOTH | C_TELLS, cmd_move },
	{ "MYRIGHTS", S_ANY, C_UID_BARE, cmd_myrights },
	{ "NAMESPACE", S_ANY, C_UID_BARE, cmd_namespace },
	{ "NOOP", S_ANY, C_UID_BARE, cmd_noop },
	{ "NOTIFY", S_ANY, C_UID_BARE | C_TELLS, cmd_notify },
	{ "RENAME", S_ANY, C_UID_BARE, cmd_rename },
	{ "REPLACE", S_SELECTED, BOTH | C_TELLS, cmd_replace },
	{ "SEARCH", S_SELECTED, BOTH | C_KEEP, cmd_search },
	{ "SELECT", S_ANY, C_UID_BARE | C_QUIET, cmd_select },
	{ "SETACL", S_ANY, C_UID_BARE, cmd_setacl },
	{ "SETMETADATA", S_ANY, C_UID_BARE, cmd_setmetadata },
	{ "SETQUOTA", S_ANY, C_UID_BARE, cmd_setquota },
	{ "SORT", S_SELECTED, BOTH | C_KEEP, cmd_sort },
	{ "STATUS", S_ANY, C_UID_BARE, cmd_status },
	{ "STORE", S_SELECTED, BOTH | C_KEEP, cmd_store },
	{ "SUBSCRIBE", S_ANY, C_UID_BARE, cmd_subscribe },
	{ "THREAD", S_SELECTED, BOTH | C_KEEP, cmd_thread },
	{ "UIDBATCHES", S_SELECTED, C_UID_BARE, cmd_uidbatches },
	{ "UNAUTHENTICATE", S_ANY, C_UID_BARE | C_QUIET, cmd_unauthenticate },
	{ "UNSELECT", S_SELECTED, C_UID_BARE | C_QUIET, cmd_unselect },
	{ "UNSUBSCRIBE", S_ANY, C_UID_BARE, cmd_unsubscribe },
};
#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct command *
find_command(struct span name, bool uid)
{
	for (size_t i = 0; i < NCOMMANDS; i++)
		if (span_isis(name, commands[i].name))
			return commands[i].flags & (uid ? C_UID : C_UID_BARE) ?
			    &commands[i] : NULL;
	return NULL;
}

static void
run(struct imap *im)
{
	struct args a = { .arena = &im->arena };
	struct span name;

	cur_init(&a.c, buf_span(&im->input.cmd));
	a.utf8 = utf8_names(im);
	im->command = NULL;
	im->uid = false;
	if (!parse_tag(&a, &im->tag)) {
		im->tag.len = 0;
		reply_bad(im, "Invalid tag");
		return;
	}
	/* APPEND reads more input, which takes the place of the command. */
	im->tag = arena_copy(&im->arena, im->tag);
	if (!parse_sp(&a) || !parse_atom(&a, &name)) {
		reply_bad(im, "Missing command");
		return;
	}
	if (span_isis(name, "UID")) {
		im->uid = true;
		if (!parse_sp(&a) || !parse_atom(&a, &name)) {
			reply_bad(im, "Missing command after UID");
			return;
		}
	}
	if ((im->command = find_command(name, im->uid)) == NULL) {
		reply_bad(im, "Unknown command");
		return;
	}
	if (!(im->command->states & (im->view.folder != NULL ? S_SELECTED :
	    S_AUTH))) {
		reply_bad(im, "No mailbox is selected");
		return;
	}
	if (view_rights(im) == -1) {
		reply_bye(im, "NOPERM", "You may not read the selected "
		    "mailbox any more");
		return;
	}
	if (im->enabled & EN_UIDONLY && !im->uid &&
	    im->command->flags & C_NUMBERS) {
		reply_uid_required(im);
		return;
	}
	progress_begin(im);
	im->command->run(im, &a);
}

/* A line that is no command: the reply has the tag where there was one. */
static void
refuse(struct imap *im, enum input_result r)
{
	im->tag = line_tag(buf_span(&im->input.cmd));
	im->command = NULL;
	if (r == INPUT_CLOSE) {
		reply_bad(im, im->input.why);
		reply_bye(im, im->input.code, im->input.why);
		im->exit_code = EX_PROTOCOL;
	} else if (im->input.code != NULL) {
		reply_no(im, im->input.code, im->input.why);
	} else {
		reply_bad(im, im->input.why);
	}
}

static void
ended(struct imap *im, enum input_result r)
{
	if (r == INPUT_TIMEOUT)
		reply_bye(im, NULL, "Idle for too long");
	if (r == INPUT_ERROR || (r == INPUT_EOF && im->input.cmd.len > 0))
		im->exit_code = EX_PROTOCOL;
	im->done = true;
}

/* What NOTIFY asks for is told until the client speaks. */
static enum input_result
next_command(struct imap *im)
{
	enum netin_result r;

	im->command = NULL;
	if (!notify_always(im))
		return input_command(&im->input);
	r = wait_for_client(im, false);
	if (r == NETIN_DATA)
		return input_command(&im->input);
	if (r == NETIN_ERROR && !im->out.failed)
		reply_bye(im, "UNAVAILABLE", "The selected mailbox is gone");
	return r == NETIN_TIMEOUT ? INPUT_TIMEOUT : INPUT_ERROR;
}

static void
serve(struct imap *im)
{
	enum input_result r;

	while (!im->done && !im->out.failed) {
		r = next_command(im);
		im->literal = r == INPUT_STREAM;
		if (r == INPUT_COMMAND || r == INPUT_STREAM)
			run(im);
		else if (r == INPUT_REFUSED || r == INPUT_CLOSE)
			refuse(im, r);
		else
			ended(im, r);
		if (im->literal && !im->done)
			append_skip(im);
		arena_free(&im->arena);
	}
	(void)netout_flush(&im->out);
}

/* The facts of TLS, the tag of the login, and what the client had sent after it. */
static int
take_first(struct imap *im, int first)
{
	struct buf b;
	struct span all, tag;
	struct cur c;
	int r = -1;

	buf_init(&b, FIRST_MAX);
	if ((!im->conn->tls || tls_read_facts(first, im->conn->facts) == 0) &&
	    file_read_all(first, &b) == 0) {
		all = buf_span(&b);
		cur_init(&c, all);
		tag = cur_until(&c, '\n');
		if (cur_ch(&c, '\n')) {
			im->tag = arena_copy(&im->arena, tag);
			r = netin_prepend(&im->input.in, cur_rest(&c));
		}
	}
	buf_wipe(&b);
	close(first);
	return r;
}

static void
greet(struct imap *im, int first)
{
	struct netout *o = &im->out;

	if (first == -1) {
		(void)netout_adds(o, "* PREAUTH [");
	} else {
		(void)netout_add(o, im->tag.p, im->tag.len);
		(void)netout_adds(o, " OK [");
	}
	capability_mailbox(im);
	(void)netout_adds(o, first == -1 ? "] Ready\r\n" :
	    "] Logged in\r\n");
	arena_free(&im->arena);
}

/* RFC 5530: a login fails so as long as the mail's file system is not there. */
static void
turn_away(struct imap *im)
{
	(void)netout_add(&im->out, im->tag.p, im->tag.len);
	(void)netout_adds(&im->out,
	    " NO [UNAVAILABLE] The mail is not there now, try later\r\n"
	    "* BYE [UNAVAILABLE] Try later\r\n");
	(void)netout_flush(&im->out);
}

static void
log_end_of(const struct imap *im, const struct account *account)
{
	struct log l;

	if (im->conn->sid[0] == '\0')
		return;			/* a test */
	log_begin(&l, im->exit_code == CHAIN_EXIT_SESSION ? "unauthenticate" :
	    "disconnect");
	log_str(&l, "sid", im->conn->sid);
	log_str(&l, "peer", im->conn->peer_text);
	if (account->address[0] != '\0')
		log_str(&l, "user", account->address);
	log_num(&l, "size", im->out.total);
	log_end(&l);
}

int
mailbox_serve(struct control *control, struct conn *conn,
    struct account *account, int first)
{
	struct imap im = { .control = control, .conn = conn,
	    .root = account->maildir, .self = account->address,
	    .granted = account->quota, .exit_code = EX_OK };

	netout_init(&im.out, conn->out, WRITE_TIMEOUT);
	input_init(&im.input, conn->in, &im.out, IMAP_COMMAND_MAX,
	    control->set.idle_timeout);
	im.input.streams = append_streams;
	im.input.rate = control->set.data_rate;
	arena_init(&im.arena, ARENA_MAX);
	buf_init(&im.code, 2 * (size_t)IMAP_COMMAND_MAX);
	if (first != -1 && take_first(&im, first) == -1) {
		log_warn_errno("sid=%s no login from the session", conn->sid);
		return EX_SOFTWARE;
	}
	if (account->missing) {
		turn_away(&im);
	} else {
		capability_load(&im);
		usage_begin(&im);
		greet(&im, first);
		serve(&im);
	}
	view_close(&im.view);
	notify_free(&im);
	log_end_of(&im, account);
	compress_end(im.compress, &im.input.in, &im.out);
	input_free(&im.input);
	netout_free(&im.out);
	buf_free(&im.code);
	return im.exit_code;
}
