/*
 * A whole session over memory: what it stores is whole, and nothing else is
 * left.  The first byte chooses submission, repair and where the session begins.
 * LINK: smtpd/session.c smtpd/command.c smtpd/mail.c smtpd/message.c
 * LINK: smtpd/data.c smtpd/sasl.c smtpd/reply.c smtpd/info.c
 * LINK: smtpd/policy.c smtpd/rate.c smtpd/resolver.c smtpd/xclient.c smtpd/bdat.c
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "log.h"
#include "smtpd/smtpd.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct control	control;
static struct spool	spool;
static char		dir[] = "/dev/shm/fuzz-smtp.XXXXXX";
static int		null_fd, log_fd;

static void
put_file(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if ((f = fopen(path, "w")) == NULL || fputs(text, f) == EOF)
		err(1, "%s", path);
	fclose(f);
}

static void
clean(void)
{
	static const char *const names[] = { "hostname", "domains", "users",
	    "aliases", "settings", "tmp", "new", "" };
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)remove(path);
	}
}

static void
setup(void)
{
	static const char *const sub[] = { "tmp", "new" };
	char path[128];

	if (mkdtemp(dir) == NULL)
		err(1, "%s", dir);
	atexit(clean);
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, sub[i]);
		mkdir(path, 0700);
	}
	put_file("hostname", "mx.example.test\n");
	put_file("domains", "example.test\n");
	put_file("users", "bob@example.test:bob:::\n");
	put_file("aliases", "sales: bob\n");
	/* Numeric ids, so that root needs no accounts made for this. */
	put_file("settings", "message-size-limit 100k\nrecipient-limit 5\n"
	    "net-user 1:1\ntls-user 1:1\nauth-user 1:1\nqueue-user 1:1\n"
	    "send-user 1:1\nmail-user 1:1\nspool-group 1\n");
	control_init(&control, dir, CONTROL_HOSTNAME | CONTROL_DOMAINS |
	    CONTROL_USERS | CONTROL_ALIASES);
	if (control_load(&control, NULL) == -1)
		errx(1, "%s", control.error);
	if (spool_open_writer(&spool, dir, "mx.example.test", false) == -1)
		err(1, "%s", dir);
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	log_fd = dup(2);
}

static void
check_message(const char *name)
{
	struct spool_name n;
	struct envelope e;
	char path[300];
	struct buf b, head;
	int fd;

	snprintf(path, sizeof(path), "%s/new/%s", dir, name);
	buf_init(&b, 1 << 24);
	buf_init(&head, 1 << 24);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (file_read(AT_FDCWD, path, &b) == -1 ||
	    !spool_name_parse(span_str(name), &n) || n.size > b.len ||
	    envelope_read(fd, &n, 512, &head, &e) == -1 || e.nrcpts == 0 ||
	    (n.size < b.len) != (e.nrcpts > 1) ||
	    span_haschr(buf_span(&b), '\r') || span_haschr(buf_span(&b), 0))
		abort();
	envelope_free(&e);
	buf_free(&b);
	buf_free(&head);
	close(fd);
	unlink(path);
}

static unsigned
check_dir(const char *sub)
{
	char path[128];
	struct dirent *de;
	unsigned n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s/%s", dir, sub);
	if ((d = opendir(path)) == NULL)
		abort();
	while ((de = readdir(d)) != NULL)
		if (de->d_name[0] != '.') {
			n++;
			check_message(de->d_name);
		}
	closedir(d);
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conn conn;
	struct session s;
	int in;

	if (size < 1)
		return 0;
	if (null_fd == 0)
		setup();
	memset(&conn, 0, sizeof(conn));
	strlcpy(conn.peer_text, "local", sizeof(conn.peer_text));
	strlcpy(conn.sid, "0", sizeof(conn.sid));
	conn.variant = data[0] & 1 ? SUBMISSION : SMTP;
	conn.can_tls = (data[0] & 2) != 0;
	conn.auth_in = conn.auth_out = data[0] & 4 ? null_fd : -1;
	conn.loopback = true;
	control.set.bare_newline_repair = (data[0] & 8) != 0;
	if ((in = memfd_create("in", MFD_CLOEXEC)) == -1 ||
	    file_write_all(in, data + 1, size - 1) == -1)
		err(1, "memfd");
	lseek(in, 0, SEEK_SET);
	conn.in = in;
	conn.out = dup(null_fd);	/* the session may close it */
	dup2(null_fd, 2);
	session_init(&s, &control, &conn, &spool);
	if ((data[0] & 16) != 0) {
		strlcpy(s.user, "bob@example.test", sizeof(s.user));
		strlcpy(s.helo, "a", sizeof(s.helo));
		s.state = STATE_READY;
	}
	(void)session_run(&s);
	dup2(log_fd, 2);
	if (check_dir("new") != s.messages || check_dir("tmp") != 0)
		abort();
	session_free(&s);
	close(in);
	(void)close(conn.out);
	return 0;
}
