/*
 * sendmail(1): options as other sendmails take them, and the modes that other
 * programs do for us.  Runs set-gid to the spool's group and trusts its caller
 * with nothing but the message: then the environment and the place of this
 * program are ignored, and -C gives the group up.
 */
#include "sendmail.h"

#include <sys/auxv.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "dsn.h"
#include "ex.h"
#include "proc.h"

static bool
is_set_id(void)
{
	return getauxval(AT_SECURE) != 0;
}

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: sendmail [-itv] [-B body] [-C dir] [-F name] "
	    "[-f sender] [-N when] [-R what]\n\t[-V id] [-bi | -bm | -bp | "
	    "-bs] [recipient ...]\n");
	exit(EX_USAGE);
}

/* The group was lent for writing into the spool and for nothing else. */
static void
drop_group(void)
{
	gid_t gid = getgid();

	if (setresgid(gid, gid, gid) == -1)
		err(EX_OSERR, "cannot give up the group");
}

/*
 * Runs another of our programs.  Beside our own binary is where it stands when
 * nothing is installed; set-id, only the installed place counts, for anybody
 * can make a hard link to us elsewhere.
 */
static _Noreturn void
run(const char *program, const char *control_dir, const char *option)
{
	static char path[4096], name[64], c_flag[] = "-C", dir[256], more[8];
	static char *const clean[] = { NULL };
	char *argv[] = { name, NULL, NULL, NULL, NULL };
	ssize_t n;
	char *slash;

	strlcpy(name, program, sizeof(name));
	if (control_dir != NULL) {
		strlcpy(dir, control_dir, sizeof(dir));
		argv[1] = c_flag;
		argv[2] = dir;
	}
	if (option != NULL) {
		strlcpy(more, option, sizeof(more));
		argv[control_dir != NULL ? 3 : 1] = more;
	}
	n = is_set_id() ? -1 : readlink("/proc/self/exe", path,
	    sizeof(path) - sizeof(name) - 1);
	if (n > 0) {
		path[n] = '\0';
		if ((slash = strrchr(path, '/')) != NULL) {
			strlcpy(slash + 1, program, sizeof(name));
			execv(path, argv);
		}
	}
	snprintf(path, sizeof(path), "%s/%s", LIBEXEC, program);
	if (is_set_id())
		execve(path, argv, clean);
	else
		execv(path, argv);
	err(EX_OSFILE, "cannot run %s", path);
}

/* -q: queue looks at its spool now, instead of in a while; and what is deferred is due, if its
 * caller is root, who alone may say so. */
static _Noreturn void
run_queue(struct sendmail *s)
{
	struct spool spool;

	control_init(&s->control, s->control_dir, CONTROL_HOSTNAME);
	if (control_load(&s->control, NULL) == -1)
		errx(EX_CONFIG, "%s", s->control.error);
	if (spool_open_writer(&spool, s->control.set.spool,
	    s->control.hostname, false) == -1)
		err(EX_TEMPFAIL, "cannot open the spool %s (queue makes it when "
		    "it starts)", s->control.set.spool);
	if (spool.trigger == -1 || write(spool.trigger, "scan\n", 5) == -1)
		errx(EX_TEMPFAIL, "queue is not running");
	if (getuid() != 0)
		exit(EX_OK);
	if (freopen("/dev/null", "w", stdout) == NULL)
		err(EX_OSERR, "/dev/null");
	run("queue-retry", s->control_dir, "-a");
}

/* -b: smtpd on this input, the queue's list, or nothing at all. */
static void
mode(struct sendmail *s, const char *arg)
{
	switch (arg[0]) {
	case 'm':
		return;
	case 'i':
		exit(EX_OK);		/* aliases are read as they are */
	case 'p':
		drop_group();
		run("mailq", s->control_dir, NULL);
	case 'q':			/* -q, which is no -b */
		run_queue(s);
	case 's':
		run("smtpd", s->control_dir, NULL);
	case 'v':
		s->verify = true;
		return;
	case 'd':
	case 'D':
		errx(EX_USAGE, "-b%s: servers are started by themselves "
		    "(posthouse(7))", arg);
	case 't':
		errx(EX_USAGE, "-bt: say posthouse explain ADDRESS");
	default:
		errx(EX_USAGE, "-b%s is not known", arg);
	}
}

/* -N never, or a list of success, failure, delay: RFC 3461 section 4.1. */
static const char *
notify_parse(const char *arg)
{
	static char out[DSN_NOTIFY_SIZE];
	unsigned bits = dsn_notify_parse(span_str(arg));

	if (bits == 0)
		errx(EX_USAGE, "-N takes never, or some of success, "
		    "failure and delay with commas between");
	dsn_notify_print(bits, out);
	return out;
}

static const char *
ret_parse(const char *arg)
{
	const char *ret = dsn_ret_parse(span_str(arg));

	if (ret == NULL)
		errx(EX_USAGE, "-R takes full or hdrs");
	return ret;
}

/* xtext: RFC 3461 section 4. */
static const char *
envid_parse(const char *arg)
{
	static struct buf out;

	buf_init(&out, DSN_ENVID_MAX);
	for (const char *p = arg; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if (c < '!' || c > '~')
			errx(EX_USAGE, "-V takes printable ASCII");
		if (c == '+' || c == '=')
			buf_addf(&out, "+%02X", c);
		else
			buf_addc(&out, c);
	}
	if (out.len == 0 || buf_cstr(&out) == NULL)
		errx(EX_USAGE, "-V takes 1 to %d characters", DSN_ENVID_MAX);
	return buf_cstr(&out);
}

/* What would end up inside a header field must not bring line ends along. */
static const char *
one_line(char flag, const char *arg)
{
	for (const char *p = arg; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			errx(EX_USAGE, "there is a control character in -%c",
			    flag);
	if (!is_utf8(span_str(arg)))
		errx(EX_USAGE, "-%c is not in UTF-8", flag);
	return arg;
}

static void
option(struct sendmail *s, int ch)
{
	switch (ch) {
	case 'B':
		s->body8 = strcasecmp(optarg, "8BITMIME") == 0;
		if (!s->body8 && strcasecmp(optarg, "7BIT") != 0)
			errx(EX_USAGE, "-B takes 7BIT or 8BITMIME");
		break;
	case 'b':
		mode(s, optarg);
		break;
	case 'C':
		if (is_set_id())
			drop_group();
		s->control_dir = optarg;
		break;
	case 'F':
		s->full_name = one_line('F', optarg);
		break;
	case 'f':
	case 'r':
		s->sender_arg = one_line('f', optarg);
		break;
	case 'i':
		s->dots = true;
		break;
	case 'N':
		s->notify = notify_parse(optarg);
		break;
	case 'o':
		s->dots = s->dots || strcmp(optarg, "i") == 0;
		break;
	case 'R':
		s->ret = ret_parse(optarg);
		break;
	case 't':
		s->extract = true;
		break;
	case 'V':
		s->envid = envid_parse(optarg);
		break;
	case 'v':
		s->verbose = true;
		break;
	case '?':
		usage();
	default:			/* others take it, and it means nothing here */
		break;
	}
}

/* -b may stand before -C, so it is looked at when all is read. */
static void
options(struct sendmail *s, int argc, char *argv[])
{
	const char *name = strrchr(argv[0], '/');
	const char *b = "m";
	int ch;

	name = name == NULL ? argv[0] : name + 1;
	if (strcmp(name, "mailq") == 0)
		b = "p";
	if (strcmp(name, "newaliases") == 0)
		b = "i";
	while ((ch = getopt(argc, argv,
	    "+A:B:b:C:D:d::Ee:F:f:Gh:IiL:mN:nO:o:p:q::R:r:tUV:vX:x")) != -1)
		if (ch == 'b')
			b = optarg;
		else if (ch == 'I')
			b = "i";
		else if (ch == 'q' && optarg == NULL)
			b = "q";
		else if (ch == 'q')
			s->queue_arg = optarg;
		else
			option(s, ch);
	mode(s, b);
}

/* The caller as the system knows him; the environment can say anything. */
static void
caller(struct sendmail *s)
{
	struct passwd *pw = getpwuid(getuid());
	char probe[sizeof(s->login) + 16];
	struct addr a;

	s->uid = (unsigned long)getuid();
	snprintf(s->login, sizeof(s->login), "uid%lu", s->uid);
	if (pw == NULL)
		return;
	snprintf(probe, sizeof(probe), "%s@a.example", pw->pw_name);
	if (strlen(pw->pw_name) < sizeof(s->login) &&
	    parse_mailbox(span_str(probe), false, &a) == ADDR_OK)
		strlcpy(s->login, pw->pw_name, sizeof(s->login));
	strlcpy(s->gecos, pw->pw_gecos, sizeof(s->gecos));
	s->gecos[strcspn(s->gecos, ",")] = '\0';
	for (const char *p = s->gecos; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f || *p == '&')
			s->gecos[0] = '\0';
	if (!is_utf8(span_str(s->gecos)))
		s->gecos[0] = '\0';
}

/* "" and "<>" are the null reverse-path. */
static void
sender(struct sendmail *s)
{
	struct span text = span_str(s->login);

	if (s->sender_arg != NULL)
		text = span_trim(span_str(s->sender_arg));
	if (text.len >= 2 && text.p[0] == '<' && text.p[text.len - 1] == '>')
		text = span_of(text.p + 1, text.len - 2);
	memset(&s->sender, 0, sizeof(s->sender));
	if (text.len > 0 && !sendmail_address(s, text, &s->sender))
		errx(EX_USAGE, "-f %s: this is not an address", s->sender_arg);
	s->envelope.sender = strdup(s->sender.text);
	if (s->envelope.sender == NULL)
		err(EX_OSERR, NULL);
}

/* "-x" behind a recipient is a misplaced option, or somebody's address that was
 * handed on without thought; "--" says that it is meant. */
static void
arguments(struct sendmail *s, int argc, char *argv[])
{
	bool meant = optind > 1 && strcmp(argv[optind - 1], "--") == 0;

	for (int i = optind; i < argc; i++) {
		if (argv[i][0] == '-' && !meant)
			errx(EX_USAGE, "%s: options go before the recipients; "
			    "for an address like this write -- before it",
			    argv[i]);
		sendmail_argument(s, span_str(argv[i]));
	}
}

static void
keep_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= 2);
	if (fd == -1)
		_exit(EX_OSERR);
	closefrom(3);
}

int
main(int argc, char *argv[])
{
	static struct sendmail s;
	const char *qid;

	keep_standard_descriptors();
	clock_init();
	envelope_init(&s.envelope);
	options(&s, argc, argv);
	proc_ignore_sigpipe();		/* queue may go away while it is told */
	if (s.verify)
		return sendmail_verify(&s, argc - optind, &argv[optind]);
	if (!s.extract && argc == optind && s.queue_arg != NULL)
		errx(EX_USAGE, "-q%s: queue runs by itself; for some messages "
		    "say posthouse queue retry", s.queue_arg);
	if (!s.extract && argc == optind)
		errx(EX_USAGE, "name a recipient, or say -t to take them from "
		    "the message");
	control_init(&s.control, s.control_dir, CONTROL_HOSTNAME |
	    CONTROL_DOMAINS);
	if (control_load(&s.control, NULL) == -1)
		errx(EX_CONFIG, "%s", s.control.error);
	caller(&s);
	sender(&s);
	arguments(&s, argc, argv);
	sendmail_read(&s);
	if (s.extract)
		sendmail_extract(&s);
	if (s.envelope.nrcpts == 0)
		errx(EX_DATAERR, "the message names no recipient in To, Cc or "
		    "Bcc");
	qid = sendmail_submit(&s);
	if (s.verbose)
		printf("queued as %s\n", qid);
	return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}
