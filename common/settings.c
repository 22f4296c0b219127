/*
 * The settings file.  One table holds every name with its kind, default,
 * bounds and reason; parser and printer both walk it.  The default is text and
 * goes through the same parser.  Refuses unknown names, second values and
 * anything outside the bounds, and tells all of it.
 */
#include "settings.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "uidl.h"

#define KIB	1024ull
#define MIB	(1024 * KIB)
#define GIB	(1024 * MIB)
#define HOUR	3600u
#define DAY	86400u

enum kind { PATH, IDS, GROUP, SIZE, COUNT, SECONDS, CHOICE, CHARS, UIDL,
	FOLDER, PROGRAM, MECHANISMS };

struct row {
	const char *name;
	enum kind kind;
	size_t at;			/* in struct settings */
	const char *def;
	uint64_t min, max;		/* SIZE COUNT SECONDS */
	const char *words[2];		/* CHOICE: for false and true */
};

#define F(f)		offsetof(struct settings, f)
#define NO_YES		0, 0, { "no", "yes" }

static const struct row rows[] = {
	/* On one file system, so that delivery is a rename. */
	{ "spool-directory", PATH, F(spool), "/var/spool/posthouse", 0, 0, { 0 } },
	{ "mail-directory", PATH, F(mail), "/var/mail/posthouse", 0, 0, { 0 } },
	/* One account for each job, so that none can harm another. */
	{ "net-user", IDS, F(net_user), "phnet", 0, 0, { 0 } },
	{ "tls-user", IDS, F(tls_user), "phtls", 0, 0, { 0 } },
	{ "auth-user", IDS, F(auth_user), "phauth", 0, 0, { 0 } },
	{ "queue-user", IDS, F(queue_user), "phqueue", 0, 0, { 0 } },
	{ "send-user", IDS, F(send_user), "phsend", 0, 0, { 0 } },
	{ "mail-user", IDS, F(mail_user), "phmail", 0, 0, { 0 } },
	{ "spool-group", GROUP, F(spool_group), "phspool", 0, 0, { 0 } },
	/* What most others take today; RFC 5321 4.5.3.1.7 asks for 64 KiB. */
	{ "message-size-limit", SIZE, F(message_size), "50M", KIB, 1024 * GIB, { 0 } },
	/* Web pages in one line are mail too; RFC 5321 4.5.3.1.6 asks for 998. */
	{ "line-length-limit", SIZE, F(line_length), "1M", 998, 1024 * MIB, { 0 } },
	/* RFC 5321 4.5.3.1.8 asks for 100; lists need more. */
	{ "recipient-limit", COUNT, F(recipients), "1000", 1, 100000, { 0 } },
	/* Each costs a process of about 1 MiB. */
	{ "connection-limit", COUNT, F(connections), "1000", 1, 100000, { 0 } },
	/* An office behind one address, but not a flood. */
	{ "client-connection-limit", COUNT, F(client_connections), "50", 1, 100000, { 0 } },
	/* A provider's customers share a network, and so does a farm of machines. */
	{ "network-connection-limit", COUNT, F(network_connections), "200", 1, 100000, { 0 } },
	/* Mail programs open one per folder that they watch. */
	{ "user-connection-limit", COUNT, F(user_connections), "30", 1, 100000, { 0 } },
	/* RFC 5321 4.5.3.2.7. */
	{ "command-timeout", SECONDS, F(command_timeout), "5m", 1, HOUR, { 0 } },
	/* 50 MB at 10 kB/s, and some patience. */
	{ "session-timeout", SECONDS, F(session_timeout), "2h", 1, 7 * DAY, { 0 } },
	/* Slower is no modem but an attack; 0 is no demand. */
	{ "data-rate", COUNT, F(data_rate), "100", 0, 1000000, { 0 } },
	/* A person types a few errors, a guessing machine many. */
	{ "error-limit", COUNT, F(errors), "20", 1, 10000, { 0 } },
	/* A client that moves no mail is no client. */
	{ "command-limit", COUNT, F(idle_commands), "100", 1, 1000000, { 0 } },
	/* What is normal only the administrator knows. */
	{ "user-message-limit", COUNT, F(user_messages), "0", 0, 10000000, { 0 } },
	{ "user-recipient-limit", COUNT, F(user_recipients), "0", 0, 10000000, { 0 } },
	/* Every client pays for it; RFC 5321 4.5.3.2.1 lets it wait 5 minutes. */
	{ "greet-pause", SECONDS, F(greet_pause), "0s", 0, 60, { 0 } },
	/* Some good clients are impatient, too. */
	{ "early-talkers", CHOICE, F(early_refuse), "note", 0, 0, { "note", "refuse" } },
	/* Needs a name server nearby. */
	{ "domain-check", CHOICE, F(domain_check), "no", NO_YES },
	{ "received-client", CHOICE, F(hide_client), "show", 0, 0, { "show", "hide" } },
	/* A password that crossed the network in clear is everybody's. */
	{ "plain-auth", CHOICE, F(plain_auth), "no", NO_YES },
	/* What all accounts that posthouse user makes can do. */
	{ "login-mechanisms", MECHANISMS, F(mechanisms),
	    "scram-sha-256 external plain login", 0, 0, { 0 } },
	/* MD5, and a password that must be kept as it is. */
	{ "apop", CHOICE, F(apop), "no", NO_YES },
	/* In ten minutes, of one name or from one network: a person gives up earlier. */
	{ "login-failures", COUNT, F(login_failures), "10", 0, 600, { 0 } },
	/* Longer than any check of a password takes, so that its time tells nothing. */
	{ "login-failure-pause", SECONDS, F(failure_pause), "1s", 0, 30, { 0 } },
	{ "checkpassword", PROGRAM, F(checkpassword), "none", 0, 0, { 0 } },
	{ "recipient-delimiter", CHARS, F(recipient_delimiter), "+", 0, 0, { 0 } },
	/* Repairing lets a smuggled message through to others: CVE-2023-51764. */
	{ "bare-newline", CHOICE, F(bare_newline_repair), "refuse", 0, 0, { "refuse", "repair" } },
	/* ext4, xfs and btrfs keep the name by fsync of the file alone. */
	{ "spool-sync", CHOICE, F(sync_directory), "file", 0, 0, { "file", "directory" } },
	/* RFC 5321 4.5.4.1: at least 4-5 days, first retry after 30 minutes. */
	{ "queue-lifetime", SECONDS, F(queue_lifetime), "5d", 0, 90 * DAY, { 0 } },
	{ "retry-first", SECONDS, F(retry_first), "30m", 1, 7 * DAY, { 0 } },
	{ "retry-max", SECONDS, F(retry_max), "4h", 1, 7 * DAY, { 0 } },
	/* Most greylists want 5 minutes; half an hour is lost mail to people. */
	{ "greylist-retry", SECONDS, F(greylist_retry), "5m", 0, 7 * DAY, { 0 } },
	/* The sender may still want to telephone; 0 is never. */
	{ "delay-warning", SECONDS, F(delay_warning), "4h", 0, 90 * DAY, { 0 } },
	/* What cannot be told to a sender hides errors of our own. */
	{ "double-bounces", CHOICE, F(double_bounces), "postmaster", 0, 0, { "discard", "postmaster" } },
	/* One process renames; more wait for the same disk. */
	{ "local-jobs", COUNT, F(local_jobs), "20", 1, 10000, { 0 } },
	{ "remote-jobs", COUNT, F(remote_jobs), "100", 1, 10000, { 0 } },
	/* Big sites answer 421 above about this. */
	{ "destination-jobs", COUNT, F(destination_jobs), "10", 1, 1000, { 0 } },
	/* Where MX hosts listen; another only in a laboratory. */
	{ "smtp-port", COUNT, F(smtp_port), "25", 1, 65535, { 0 } },
	/* The kernel's own patience is minutes, for each address. */
	{ "connect-timeout", SECONDS, F(connect_timeout), "30s", 1, HOUR, { 0 } },
	/* RFC 5321 4.5.3.2. */
	{ "reply-timeout", SECONDS, F(reply_timeout), "5m", 1, HOUR, { 0 } },
	/* Long enough for the next message of a burst, short for the other side. */
	{ "connection-reuse", SECONDS, F(reuse_seconds), "5s", 0, 300, { 0 } },
	/* Who shares a disk sets his own; users(5) has each mailbox's. */
	{ "mailbox-size-limit", SIZE, F(mailbox_size), "0", 0, 1024 * GIB, { 0 } },
	{ "mailbox-message-limit", COUNT, F(mailbox_messages), "0", 0, 100000000, { 0 } },
	/* Its owner may make room before the sender is told that all is lost. */
	{ "full-mailbox", CHOICE, F(full_bounces), "defer", 0, 0, { "defer", "bounce" } },
	/* Who asks for it knows that all people of this machine get mail. */
	{ "home-maildir", FOLDER, F(home_maildir), "none", 0, 0, { 0 } },
	/* alice+lists@ into her folder "lists": not everybody sorts so. */
	{ "detail-folders", CHOICE, F(detail_folders), "no", NO_YES },
	/* For programs of aliases: owns nothing. */
	{ "program-user", IDS, F(program_user), "nobody", 0, 0, { 0 } },
	/* Longer than a spam filter takes; each holds one of local-jobs. */
	{ "program-timeout", SECONDS, F(program_timeout), "5m", 1, HOUR, { 0 } },
	{ "sandbox", CHOICE, F(sandbox), "yes", NO_YES },
	/* No domain begins with a dot, so no account's mail is there. */
	{ "shared-folders", FOLDER, F(shared), ".shared", 0, 0, { 0 } },
	/* RFC 3501 5.4 asks for 30 minutes at least. */
	{ "idle-timeout", SECONDS, F(idle_timeout), "30m", 1, 7 * DAY, { 0 } },
	/* Where inotify sees nothing (NFS), how long new mail may wait. */
	{ "poll-interval", SECONDS, F(poll_seconds), "15s", 1, HOUR, { 0 } },
	/* RFC 9738 4.2: a client that does not know of it loses messages; 0 is no limit. */
	{ "imap-message-limit", COUNT, F(imap_messages), "0", 0, 100000000, { 0 } },
	/* RFC 2449 6.5: what a client that looks every second costs; 0 is no demand. */
	{ "pop3-login-delay", SECONDS, F(login_delay), "0s", 0, DAY, { 0 } },
	/* RFC 2449 6.7: 0 is never; mail is not ours to throw away. */
	{ "pop3-expire", SECONDS, F(expire), "0s", 0, 3650 * DAY, { 0 } },
	{ "pop3-keep", CHOICE, F(pop3_keep), "yes", NO_YES },
	/* What POP3 deletes, others may still want to see by IMAP. */
	{ "pop3-delete", CHOICE, F(pop3_hide), "remove", 0, 0, { "remove", "hide" } },
	/* Dovecot's own default, for Maildirs that are taken over from it. */
	{ "dovecot-uidl", UIDL, F(dovecot_uidl), "%08Xu%08Xv", 0, 0, { 0 } },
	/* Reads the header of every message once; for what qpopper and others left. */
	{ "reuse-x-uidl", CHOICE, F(reuse_xuidl), "no", NO_YES },
};
#define NROWS	(sizeof(rows) / sizeof(rows[0]))

/* Typed access to the field of a row; the row's kind says which is right. */
static void *
field(struct settings *s, const struct row *r)
{
	return (unsigned char *)s + r->at;
}

static const void *
cfield(const struct settings *s, const struct row *r)
{
	return (const unsigned char *)s + r->at;
}

/* A number with an optional unit letter; units is "k1024m..." in pairs. */
struct unit { char letter; uint64_t times; };

static int
number_parse(struct span v, const struct unit *units, size_t n, uint64_t *out)
{
	struct cur c;
	int letter;

	cur_init(&c, v);
	if (cur_num(&c, UINT64_MAX / (1024 * GIB), out) == -1)
		return -1;
	if ((letter = cur_next(&c)) == -1)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (ascii_lower(letter) == units[i].letter && cur_end(&c)) {
			*out *= units[i].times;
			return 0;
		}
	return -1;
}

int
size_parse(struct span v, uint64_t *out)
{
	static const struct unit units[] = { { 'k', KIB }, { 'm', MIB },
	    { 'g', GIB }, { 't', 1024 * GIB } };
	struct cur c;

	cur_init(&c, v);		/* plain bytes may be larger than with a unit */
	if (cur_num(&c, UINT64_MAX, out) == 0 && cur_end(&c))
		return 0;
	return number_parse(v, units, 4, out);
}

int
duration_parse(struct span v, uint64_t *out)
{
	static const struct unit units[] = { { 's', 1 }, { 'm', 60 },
	    { 'h', HOUR }, { 'd', DAY }, { 'w', 7 * DAY } };

	return number_parse(v, units, 5, out);
}

/* "uid" or "uid:gid"; false: not numbers. */
static bool
ids_numeric(struct span v, unsigned char sep, struct ids *ids)
{
	struct cur c;
	uint64_t uid, gid;

	cur_init(&c, v);
	if (cur_num(&c, UINT32_MAX - 1, &uid) == -1)
		return false;
	gid = uid;
	if (cur_ch(&c, sep) && cur_num(&c, UINT32_MAX - 1, &gid) == -1)
		return false;
	ids->uid = (uid_t)uid;
	ids->gid = (gid_t)gid;
	return cur_end(&c);
}

const char *
ids_parse(struct span v, unsigned char sep, struct ids *ids)
{
	char name[64];
	struct passwd *pw;

	ids->uid = (uid_t)-1;
	ids->gid = (gid_t)-1;
	if (geteuid() != 0)
		return NULL;
	if (!ids_numeric(v, sep, ids)) {
		if (span_cstr(v, name, sizeof(name)) == -1 ||
		    (pw = getpwnam(name)) == NULL)
			return "there is no such account on this system; "
			    "make it (useradd -r) or name another";
		ids->uid = pw->pw_uid;
		ids->gid = pw->pw_gid;
	}
	if (ids->uid == 0) {
		ids->uid = (uid_t)-1;
		return "this is root, which must never do this work; "
		    "name another account";
	}
	return NULL;
}

static const char *
group_parse(struct span v, gid_t *gid)
{
	char name[64];
	struct group *gr;
	struct ids ids;

	*gid = (gid_t)-1;
	if (geteuid() != 0)
		return NULL;
	if (ids_numeric(v, 0, &ids)) {
		*gid = ids.gid;
		return NULL;
	}
	if (span_cstr(v, name, sizeof(name)) == -1 ||
	    (gr = getgrnam(name)) == NULL)
		return "there is no such group on this system; "
		    "make it (groupadd -r) or name another";
	*gid = gr->gr_gid;
	return NULL;
}

static const char *
path_parse(struct span v, char *out)
{
	while (v.len > 1 && v.p[v.len - 1] == '/')
		v.len--;
	if (v.len == 0 || v.p[0] != '/')
		return "a path must be absolute: begin it with \"/\"";
	if (span_cstr(v, out, sizeof(((struct settings *)0)->spool)) == -1)
		return "the path is too long; use one below 256 bytes";
	return NULL;
}

/* A set of punctuation; "none" for the empty set. */
static const char *
chars_parse(struct span v, char *out)
{
	if (span_is(v, "none"))
		v.len = 0;
	for (size_t i = 0; i < v.len; i++)
		if (!span_haschr(span_str("+-=_%!#$&*/~^|"), v.p[i]))
			return "only + - = _ % ! # $ & * / ~ ^ | may delimit; "
			    "write some of them, or none";
	if (span_cstr(v, out,
	    sizeof(((struct settings *)0)->recipient_delimiter)) == -1)
		return "there are more than 7 characters; write fewer";
	return NULL;
}

/* A program with its arguments, separated by spaces; "none" for "". */
static const char *
program_parse(struct span v, char *out)
{
	if (span_is(v, "none"))
		v.len = 0;
	else if (v.p[0] != '/')
		return "a program is written with its full path: begin it with "
		    "\"/\", or write none";
	if (span_cstr(v, out,
	    sizeof(((struct settings *)0)->checkpassword)) == -1)
		return "the command is too long; put it into a script";
	return NULL;
}

static const struct { unsigned bit; const char *name; } mechanisms[] = {
	{ MECH_SCRAM_PLUS, "scram-sha-256-plus" },
	{ MECH_SCRAM, "scram-sha-256" }, { MECH_EXTERNAL, "external" },
	{ MECH_PLAIN, "plain" }, { MECH_LOGIN, "login" },
};
#define NMECHANISMS	(sizeof(mechanisms) / sizeof(mechanisms[0]))

static const char *
mechanisms_parse(struct span v, unsigned *bits)
{
	struct cur c;
	struct span word;

	*bits = 0;
	cur_init(&c, v);
	while ((word = cur_nextword(&c)).len > 0) {
		unsigned bit = 0;

		for (size_t i = 0; i < NMECHANISMS; i++)
			if (span_isis(word, mechanisms[i].name))
				bit = mechanisms[i].bit;
		if (bit == 0)
			return "write some of scram-sha-256-plus, scram-sha-256, "
			    "external, plain and login";
		*bits |= bit;
	}
	return NULL;
}

static void
mechanisms_print(const char *name, unsigned bits)
{
	printf("%s", name);
	for (size_t i = 0; i < NMECHANISMS; i++)
		if ((bits & mechanisms[i].bit) != 0)
			printf(" %s", mechanisms[i].name);
	putchar('\n');
}

static const char *
uidl_format_parse(struct span v, char *out)
{
	if (span_cstr(v, out, sizeof(((struct settings *)0)->dovecot_uidl)) ==
	    -1 || !uidl_format_ok(v))
		return "write Dovecot's pop3_uidl_format with %u, %v, %f and %g, "
		    "such as %08Xu%08Xv or %v.%u, at most 39 bytes";
	return NULL;
}

/* A relative path of plain parts; "none" for none. */
static const char *
folder_parse(struct span v, char *out)
{
	struct cur c;

	if (span_is(v, "none"))
		v.len = 0;
	if (span_cstr(v, out,
	    sizeof(((struct settings *)0)->home_maildir)) == -1)
		return "the name is too long; use one below 64 bytes";
	cur_init(&c, v);
	while (!cur_end(&c)) {
		struct span part = cur_until(&c, '/');

		if (part.len == 0 || span_is(part, ".") || span_is(part, "..") ||
		    (cur_ch(&c, '/') && cur_end(&c)))
			return "write a relative name without empty, \".\" or "
			    "\"..\" parts, such as Maildir, or none";
	}
	return NULL;
}

static const char *
choice_parse(const struct row *r, struct span v, bool *out, char *why,
    size_t size)
{
	for (int i = 0; i < 2; i++)
		if (span_is(v, r->words[i])) {
			*out = i == 1;
			return NULL;
		}
	snprintf(why, size, "write \"%s\" or \"%s\"", r->words[0], r->words[1]);
	return why;
}

/* What the printer writes too: the largest unit that divides the value. */
static void
number_print(char *out, size_t size, enum kind kind, uint64_t v)
{
	static const struct unit bytes[] = { { 'G', GIB }, { 'M', MIB },
	    { 'K', KIB } };
	static const struct unit secs[] = { { 'd', DAY }, { 'h', HOUR },
	    { 'm', 60 } };
	const struct unit *u = kind == SIZE ? bytes : secs;

	for (int i = 0; kind != COUNT && v != 0 && i < 3; i++)
		if (v % u[i].times == 0) {
			snprintf(out, size, "%" PRIu64 "%c", v / u[i].times,
			    u[i].letter);
			return;
		}
	snprintf(out, size, "%" PRIu64 "%s", v, kind == SECONDS ? "s" : "");
}

static const char *
bounded_parse(const struct row *r, struct span v, uint64_t *out, char *why,
    size_t size)
{
	static const char *const forms[] = { [SIZE] = "a number of bytes such as "
	    "52428800, 500K, 50M or 1G", [COUNT] = "a whole number",
	    [SECONDS] = "a time such as 30s, 5m, 4h or 5d" };
	char min[32], max[32];
	int bad;

	if (r->kind == SIZE)
		bad = size_parse(v, out);
	else if (r->kind == SECONDS)
		bad = duration_parse(v, out);
	else
		bad = number_parse(v, NULL, 0, out);
	if (bad == 0 && *out >= r->min && *out <= r->max)
		return NULL;
	number_print(min, sizeof(min), r->kind, r->min);
	number_print(max, sizeof(max), r->kind, r->max);
	snprintf(why, size, "write %s, from %s to %s", forms[r->kind], min, max);
	return why;
}

/* NULL, or what is wrong and how to mend it (static, or in why). */
static const char *
value_parse(const struct row *r, struct span v, struct settings *s, char *why,
    size_t size)
{
	uint64_t n;

	switch (r->kind) {
	case PATH:
		return path_parse(v, field(s, r));
	case IDS:
		return ids_parse(v, ':', field(s, r));
	case GROUP:
		return group_parse(v, field(s, r));
	case CHARS:
		return chars_parse(v, field(s, r));
	case UIDL:
		return uidl_format_parse(v, field(s, r));
	case FOLDER:
		return folder_parse(v, field(s, r));
	case PROGRAM:
		return program_parse(v, field(s, r));
	case MECHANISMS:
		return mechanisms_parse(v, field(s, r));
	case CHOICE:
		return choice_parse(r, v, field(s, r), why, size);
	default:
		break;
	}
	if (bounded_parse(r, v, &n, why, size) != NULL)
		return why;
	if (r->kind == SIZE)
		*(uint64_t *)field(s, r) = n;
	else
		*(unsigned *)field(s, r) = (unsigned)n;
	return NULL;
}

static const struct row *
row_find(struct span name)
{
	for (size_t i = 0; i < NROWS; i++)
		if (span_is(name, rows[i].name))
			return &rows[i];
	return NULL;
}

/* One line of the file; seen has the line that set each row. */
static void
line_load(struct control *c, unsigned line, struct span text,
    struct settings *s, unsigned seen[NROWS])
{
	char why[256];
	const struct row *r;
	const char *wrong;
	struct span name, value;
	struct cur cur;

	cur_init(&cur, text);
	name = cur_nextword(&cur);
	value = span_trim(cur_rest(&cur));
	if ((r = row_find(name)) == NULL) {
		control_error(c, "settings", line, "there is no setting "
		    "\"%.*s\"; posthouse.conf(5) lists them all",
		    (int)(name.len > 64 ? 64 : name.len), (const char *)name.p);
		return;
	}
	if (seen[r - rows] != 0)
		control_error(c, "settings", line, "%s is set in line %u "
		    "already; remove one of them", r->name, seen[r - rows]);
	seen[r - rows] = line;
	if (value.len == 0)
		wrong = "the value is missing; write it after the name, or "
		    "remove the line for the default";
	else
		wrong = value_parse(r, value, s, why, sizeof(why));
	if (wrong != NULL)
		control_error(c, "settings", line, "%s \"%.*s\": %s", r->name,
		    (int)(value.len > 100 ? 100 : value.len),
		    (const char *)value.p, wrong);
}

/* Rows without a line get their default; even that can be wrong (no account). */
static void
defaults_load(struct control *c, struct settings *s,
    const unsigned seen[NROWS])
{
	char why[256];

	for (size_t i = 0; i < NROWS; i++) {
		const char *wrong;

		if (seen[i] != 0)
			continue;
		wrong = value_parse(&rows[i], span_str(rows[i].def), s, why,
		    sizeof(why));
		if (wrong != NULL)
			control_error(c, "settings", 0, "%s is not set and its "
			    "default is \"%s\": %s", rows[i].name, rows[i].def,
			    wrong);
	}
}

int
settings_load(struct control *c, struct settings *s)
{
	struct control_lines l;
	struct buf text;
	struct span line;
	unsigned seen[NROWS] = { 0 };
	unsigned before = c->nerrors;

	memset(s, 0, sizeof(*s));
	buf_init(&text, CONTROL_SMALL_MAX);
	if (control_read(c, "settings", &text, CONTROL_SMALL_MAX) == 1) {
		control_lines_init(&l, c, "settings", buf_span(&text));
		while (control_lines_next(&l, &line))
			line_load(c, l.line, line, s, seen);
	}
	buf_free(&text);
	defaults_load(c, s, seen);
	return c->nerrors == before ? 0 : -1;
}

static const char *
no_account(void)
{
	return geteuid() == 0 ? "there is no such account" :
	    "not used, for this is not root";
}

static void
row_print(const struct settings *s, const struct row *r)
{
	const struct ids *ids = cfield(s, r);
	char t[32];

	switch (r->kind) {
	case IDS:
		if (ids->uid == (uid_t)-1)
			printf("# %s: %s\n", r->name, no_account());
		else
			printf("%s %lu:%lu\n", r->name, (unsigned long)ids->uid,
			    (unsigned long)ids->gid);
		return;
	case GROUP:
		if (s->spool_group == (gid_t)-1)
			printf("# %s: %s\n", r->name, no_account());
		else
			printf("%s %lu\n", r->name,
			    (unsigned long)s->spool_group);
		return;
	case PATH:
	case UIDL:
		printf("%s %s\n", r->name, (const char *)cfield(s, r));
		return;
	case MECHANISMS:
		mechanisms_print(r->name, *(const unsigned *)cfield(s, r));
		return;
	case PROGRAM:
	case FOLDER:
	case CHARS:
		printf("%s %s\n", r->name, *(const char *)cfield(s, r) != '\0' ?
		    (const char *)cfield(s, r) : "none");
		return;
	case CHOICE:
		printf("%s %s\n", r->name, r->words[*(const bool *)cfield(s, r)]);
		return;
	default:
		break;
	}
	number_print(t, sizeof(t), r->kind, r->kind == SIZE ?
	    *(const uint64_t *)cfield(s, r) : *(const unsigned *)cfield(s, r));
	printf("%s %s\n", r->name, t);
}

void
settings_print(const struct settings *s)
{
	for (size_t i = 0; i < NROWS; i++)
		row_print(s, &rows[i]);
}
