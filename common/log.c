/*
 * The log writer and the only escaper of peers' bytes.  Refuses to let any
 * value break the form of the line: no control byte, no space in a value, no
 * line longer than a pipe takes in one piece.
 */
#include "log.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fmt.h"

#define VALUE_MAX	160	/* bytes of one escaped value before it is cut */
#define TEXT_MAX	400	/* bytes of free text before escaping */

static const char *log_prog = "posthouse";
static bool	log_stamp, log_syslog, log_child;
static pid_t	log_pid;

static bool
same_socket(int a, int b)
{
	struct stat sa, sb;

	if (fstat(a, &sa) == -1 || fstat(b, &sb) == -1)
		return false;
	return S_ISSOCK(sa.st_mode) && S_ISSOCK(sb.st_mode) &&
	    sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

/*
 * Makes fd 2 a socket to the system's logger, so that every process of ours
 * has it already, in whatever root and sandbox, and so that nothing at all can
 * reach the client by fd 2 any more.  No logger: lines are lost, as with
 * syslog(3).
 */
static void
connect_syslog(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX,
	    .sun_path = "/dev/log" };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd == -1 || connect(fd, (struct sockaddr *)&sun,
	    sizeof(sun)) == -1) {
		if (fd != -1)
			close(fd);
		fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	}
	if (fd == -1)
		close(2);
	else if (fd != 2) {
		dup2(fd, 2);
		close(fd);
	}
}

void
log_init(const char *prog, bool stamp, bool to_syslog)
{
	log_prog = prog;
	log_stamp = stamp;
	log_syslog = log_syslog || to_syslog || same_socket(0, 2);
	log_pid = getpid();
	if (log_syslog) {
		tzset();		/* reads its file while it can */
		connect_syslog();
	}
}

void
log_forked(void)
{
	log_pid = getpid();
	log_child = true;
}

/* Keeps room for " ..." marks and the newline. */
static void
put(struct log *l, const char *s, size_t n)
{
	size_t room = sizeof(l->line) - 1 - l->len;

	if (n > room)
		n = room;
	memcpy(l->line + l->len, s, n);
	l->len += n;
}

static void
put_escaped(struct log *l, struct span v, bool spaces, bool angles, size_t max)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t start = l->len;

	for (size_t i = 0; i < v.len; i++) {
		unsigned char c = v.p[i];
		bool plain = c > ' ' && c <= '~' && c != '%';

		if (angles && (c == '<' || c == '>'))
			plain = false;
		if (spaces && c == ' ')
			plain = true;
		if (l->len - start > max || l->len + 8 > sizeof(l->line)) {
			put(l, "...", 3);
			return;
		}
		if (plain)
			l->line[l->len++] = (char)c;
		else
			put(l, (char[3]){ '%', hex[c >> 4], hex[c & 15] }, 3);
	}
}

void
log_begin(struct log *l, const char *event)
{
	char head[96];
	char stamp[32] = "";
	struct tm tm;
	time_t now;
	int n;

	if (log_pid == 0)
		log_pid = getpid();
	now = time(NULL);
	/* As syslog(3) writes it: RFC 3164 section 4.1, in local time. */
	if (log_syslog && localtime_r(&now, &tm) != NULL)
		strftime(stamp, sizeof(stamp), "<22>%b %e %T ", &tm);
	else if (log_stamp && gmtime_r(&now, &tm) != NULL)
		strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ ", &tm);
	l->len = 0;
	n = fmt_print(head, sizeof(head), "%s%s[%ld]: %s", stamp, log_prog,
	    (long)log_pid, event);
	if (n > 0)
		put(l, head, (size_t)n < sizeof(head) ? (size_t)n :
		    sizeof(head) - 1);
}

static void
put_key(struct log *l, const char *key)
{
	put(l, " ", 1);
	put(l, key, strlen(key));
	put(l, "=", 1);
}

void
log_span(struct log *l, const char *key, struct span v)
{
	put_key(l, key);
	put_escaped(l, v, false, false, VALUE_MAX);
}

void
log_str(struct log *l, const char *key, const char *v)
{
	if (v != NULL)
		log_span(l, key, span_str(v));
}

void
log_num(struct log *l, const char *key, uint64_t v)
{
	char t[24];

	fmt_print(t, sizeof(t), "%llu", (unsigned long long)v);
	log_str(l, key, t);
}

void
log_addr(struct log *l, const char *key, struct span v)
{
	put_key(l, key);
	put(l, "<", 1);
	put_escaped(l, v, false, true, VALUE_MAX);
	put(l, ">", 1);
}

void
log_textspan(struct log *l, struct span v)
{
	put_key(l, "text");
	put_escaped(l, v, true, false, sizeof(l->line));
}

static void
log_vtext(struct log *l, const char *fmt, va_list ap)
{
	char t[TEXT_MAX];

	if (fmt_vprint(t, sizeof(t), fmt, ap) >= 0)
		log_textspan(l, span_str(t));
}

void
log_text(struct log *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vtext(l, fmt, ap);
	va_end(ap);
}

void
log_end(struct log *l)
{
	ssize_t r;

	if (log_syslog) {
		/* A logger that was started anew has a new socket; a child is
		 * confined and could not look for it. */
		if (write(2, l->line, l->len) == -1 && !log_child) {
			connect_syslog();
			(void)!write(2, l->line, l->len);
		}
		return;
	}
	l->line[l->len] = '\n';
	do
		r = write(2, l->line, l->len + 1);
	while (r == -1 && errno == EINTR);
}

static void
log_simple(const char *event, int e, const char *fmt, va_list ap)
{
	struct log l;

	log_begin(&l, event);
	if (e != 0)
		log_str(&l, "errno", strerrorname_np(e));
	log_vtext(&l, fmt, ap);
	log_end(&l);
}

void
log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_simple("warn", 0, fmt, ap);
	va_end(ap);
}

void
log_warn_errno(const char *fmt, ...)
{
	int e = errno;
	va_list ap;

	va_start(ap, fmt);
	log_simple("warn", e, fmt, ap);
	va_end(ap);
	errno = e;
}

void
log_die(int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_simple("die", 0, fmt, ap);
	va_end(ap);
	_exit(code);
}

void
log_die_errno(int code, const char *fmt, ...)
{
	int e = errno;
	va_list ap;

	va_start(ap, fmt);
	log_simple("die", e, fmt, ap);
	va_end(ap);
	_exit(code);
}
