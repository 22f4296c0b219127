/*
 * A whole session over a small mailbox: whatever a client
 * sends, the process answers in lines that are clean and ends by itself.
 * LINK: imapd/cmd_sort.c imapd/cmd_thread.c imapd/context.c imapd/facts.c imapd/fuzzy.c imapd/search_run.c imapd/subject.c imapd/thread.c
 * LINK: imapd/cmd_esearch.c imapd/filter.c imapd/kept.c imapd/fields.c
 * LINK: imapd/append_url.c imapd/cmd_batches.c imapd/fetch_preview.c imapd/metadata.c imapd/cmd_metadata.c imapd/qresync.c imapd/cmd_quota.c imapd/fetch_binary.c
 * LINK: imapd/arena.c imapd/capability.c imapd/compress.c imapd/cmd_any.c imapd/cmd_append.c imapd/cmd_copy.c imapd/cmd_expunge.c
 * LINK: imapd/cmd_fetch.c imapd/fetch_parsed.c imapd/cmd_folder.c imapd/cmd_idle.c imapd/cmd_list.c imapd/cmd_search.c imapd/cmd_select.c
 * LINK: imapd/cmd_status.c imapd/cmd_store.c imapd/crlf.c imapd/envelope.c imapd/fetch_parse.c imapd/fetch_section.c imapd/find.c
 * LINK: imapd/imapdate.c imapd/input.c imapd/list.c imapd/mailbox.c imapd/match.c imapd/message.c imapd/name.c imapd/out.c
 * LINK: imapd/parse.c imapd/reply.c imapd/search_eval.c imapd/search_parse.c imapd/search_text.c imapd/search_grams.c imapd/grams.c imapd/seqset.c
 * LINK: imapd/cmd_notify.c imapd/notify.c imapd/notify_tree.c imapd/notify_look.c imapd/wait.c imapd/progress.c imapd/limit.c imapd/follow.c
 * LINK: imapd/structure.c imapd/subs.c imapd/view.c
 * LINK: imapd/cmd_acl.c imapd/place.c imapd/reach.c
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "imapd/imap.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char text[] = "From: \"A, B\" <a@example.org>\nTo: g: b@x, c@y;\n"
    "Subject: =?utf-8?B?w7w=?= x\nMIME-Version: 1.0\n"
    "Content-Type: multipart/mixed; boundary=\"b\"\n\n--b\n\nhello\n--b\n"
    "Content-Type: message/rfc822\n\nSubject: in\n\nbody\n--b--\n";

static char	dir[] = "/tmp/posthouse_fuzz.XXXXXX";

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	(void)remove(path);
	return 0;
}

static void
clean(void)
{
	(void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A mailbox of two messages, made once; a session may change it, which is all
 * the better. */
static void
make(void)
{
	static const char *const subs[] = { "cur", "new", "tmp", ".A",
		".A/cur", ".A/new", ".A/tmp" };
	int at, fd;

	if (mkdtemp(dir) == NULL || atexit(clean) != 0 ||
	    (at = open(dir, O_RDONLY | O_DIRECTORY)) == -1)
		abort();
	for (size_t i = 0; i < sizeof(subs) / sizeof(*subs); i++)
		if (mkdirat(at, subs[i], 0700) == -1)
			abort();
	for (int i = 0; i < 2; i++) {
		fd = openat(at, i == 0 ? "new/1.a" : "cur/2.b:2,S",
		    O_WRONLY | O_CREAT, 0600);
		if (fd == -1 || file_write_all(fd, text, sizeof(text) - 1) ==
		    -1)
			abort();
		close(fd);
	}
	close(at);
}

/* No byte of a reply may be NUL, and the last line is complete. */
static void
check(int fd)
{
	struct buf b;

	buf_init(&b, 256 << 20);
	if (lseek(fd, 0, SEEK_SET) == -1 || file_read_all(fd, &b) == -1)
		abort();
	if (b.len < 2 || memcmp(b.p + b.len - 2, "\r\n", 2) != 0 ||
	    span_haschr(buf_span(&b), 0))
		abort();
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char select[] = "s SELECT INBOX\r\n";
	static struct control control;
	struct account account = { .maildir = "" };
	struct conn conn = { .auth_in = -1, .auth_out = -1 };
	static bool made;

	if (!made)
		make();
	made = true;
	strlcpy(account.maildir, dir, sizeof(account.maildir));
	control.set.errors = 1000;
	control.set.message_size = 100000;
	control.set.idle_timeout = 1;
	control.set.poll_seconds = 1;
	conn.in = memfd_create("in", MFD_CLOEXEC);
	conn.out = memfd_create("out", MFD_CLOEXEC);
	if (conn.in == -1 || conn.out == -1 ||
	    file_write_all(conn.in, select, sizeof(select) - 1) == -1 ||
	    file_write_all(conn.in, data, size) == -1 ||
	    lseek(conn.in, 0, SEEK_SET) == -1)
		abort();
	(void)mailbox_serve(&control, &conn, &account, -1);
	check(conn.out);
	close(conn.in);
	close(conn.out);
	return 0;
}
