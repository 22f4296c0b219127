/*
 * Passwords of accounts: the main one, and those of applications, which have a label.  A secret comes from the
 * terminal or standard input, never from the command line, and none that is stored is ever printed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin.h"
#include "admin_edit.h"
#include "admin_user.h"
#include "clock.h"
#include "ex.h"
#include "header.h"
#include "secret.h"

#define GROUPS		5	/* of a made password: 125 random bits */
#define GROUP_LEN	5

static bool
is_main(const void *arg, struct span value)
{
	struct password_line p;

	(void)arg;
	(void)password_line_parse(span_of("", 0), value, &p);
	return p.label.len == 0;
}

static bool
has_label(const void *arg, struct span value)
{
	const struct span *label = arg;
	struct password_line p;

	(void)password_line_parse(span_of("", 0), value, &p);
	return span_eq(p.label, *label);
}

/* The keys whose salt SCRAM tells clients of this account, if there are any besides those that go. */
static const struct scram_keys *
keys_of_others(const struct user *u,
    bool (*goes)(const void *, struct span), const void *arg)
{
	static struct scram_keys keys;
	struct password_line p;
	struct span value, rest;
	enum secret_kind kind;
	size_t at = 0;

	while (table_next(&u->control.passwords, span_str(u->address), &at,
	    &value, NULL))
		if (!goes(arg, value) &&
		    password_line_parse(span_of("", 0), value, &p) == NULL &&
		    secret_kind(p.secret, &kind, &rest) == 0 &&
		    kind == SECRET_SCRAM && scram_keys_parse(rest, &keys) == 0)
			return &keys;
	return NULL;
}

/* Stores the hash of a secret in place of the lines that go. */
static int
store(struct user *u, struct password_line *p, struct span secret, bool fast,
    bool (*goes)(const void *, struct span), const void *arg)
{
	struct buf hash, line;
	int r = EX_OSERR;

	buf_init(&hash, CONTROL_LINE_MAX);
	buf_init(&line, CONTROL_LINE_MAX);
	if (secret_make(SECRET_SCRAM, secret, fast, keys_of_others(u, goes,
	    arg), &hash) == -1) {
		fprintf(stderr, "cannot make a hash: %s\n", strerror(errno));
	} else {
		p->address = span_str(u->address);
		p->secret = buf_span(&hash);
		if (password_line_print(&line, p) == -1) {
			fprintf(stderr, "the label holds a colon or a control "
			    "character; write it without\n");
			r = EX_DATAERR;
		} else
			r = edit_some(&u->control, "passwords", p->address,
			    goes, arg, buf_cstr(&line), 0600) == 0 ? EX_OK :
			    EX_IOERR;
	}
	buf_wipe(&hash);
	buf_wipe(&line);
	return r;
}

int
user_set_password(struct user *u)
{
	struct password_line p = { .protocols = FOR_ALL };

	return store(u, &p, span_str(u->secret), false, is_main, NULL);
}

int
user_passwd(struct user *u, int argc, char *argv[])
{
	struct account a;
	int r;

	if (argc != 2)
		return user_usage();
	if ((r = user_find(u, argv[1], &a)) != EX_OK)
		return r;
	if (a.line.password != PASSWORD_FILE) {
		fprintf(stderr, "%s: the option password= in users says that the "
		    "password is kept elsewhere; change it there\n", u->address);
		return EX_DATAERR;
	}
	return u->asked ? user_set_password(u) : USER_ASK;
}

/* A password that nobody needs to remember. */
static void
make_secret(char out[ADMIN_SECRET_MAX])
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	unsigned char rnd[GROUPS * GROUP_LEN];
	size_t n = 0;

	random_bytes(rnd, sizeof(rnd));
	for (size_t i = 0; i < sizeof(rnd); i++) {
		if (i > 0 && i % GROUP_LEN == 0)
			out[n++] = '-';
		out[n++] = letters[rnd[i] % 32];
	}
	out[n] = '\0';
	buf_zero(rnd, sizeof(rnd));
}

struct app {
	struct password_line line;
	bool given, remove;
};

static int
app_options(struct app *a, int argc, char *argv[])
{
	int ch;

	a->line.protocols = FOR_ALL;
	optind = 0;
	while ((ch = getopt(argc, argv, "+de:ip:")) != -1)
		switch (ch) {
		case 'd':
			a->remove = true;
			break;
		case 'e':
			if (day_parse(span_str(optarg), &a->line.expires) ==
			    -1) {
				fprintf(stderr, "-e %s: write the last day when "
				    "the password is good, such as 2027-01-31\n",
				    optarg);
				return EX_USAGE;
			}
			a->line.expires += 86400;
			break;
		case 'i':
			a->given = true;
			break;
		case 'p':
			if (protocols_parse(span_str(optarg),
			    &a->line.protocols) == -1) {
				fprintf(stderr, "-p %s: write some of imap, pop3 "
				    "and smtp, with commas between\n", optarg);
				return EX_USAGE;
			}
			break;
		default:
			return user_usage();
		}
	return argc - optind == 2 ? EX_OK : user_usage();
}

static int
app_remove(struct user *u, const struct span *label)
{
	struct span value;
	size_t at = 0;

	while (table_next(&u->control.passwords, span_str(u->address), &at,
	    &value, NULL))
		if (has_label(label, value))
			return edit_some(&u->control, "passwords",
			    span_str(u->address), has_label, label, NULL,
			    0600) == 0 ? EX_OK : EX_IOERR;
	fprintf(stderr, "%s: there is no password with the label \"%.*s\"\n",
	    u->address, (int)label->len, (const char *)label->p);
	return EX_NOUSER;
}

/* Says the made password once; it is nowhere kept. */
static int
app_add(struct user *u, struct app *a)
{
	int r;

	if (!a->given)
		make_secret(u->secret);
	else if (!u->asked)
		return USER_ASK;
	r = store(u, &a->line, span_str(u->secret), !a->given, has_label,
	    &a->line.label);
	if (r == EX_OK && !a->given)
		puts(u->secret);
	return r;
}

int
user_app_password(struct user *u, int argc, char *argv[])
{
	struct app a = { .given = false };
	struct account account;
	int r;

	if ((r = app_options(&a, argc, argv)) != EX_OK ||
	    (r = user_find(u, argv[optind], &account)) != EX_OK)
		return r;
	a.line.label = span_trim(span_str(argv[optind + 1]));
	if (a.line.label.len == 0) {
		fprintf(stderr, "the label is empty; name the application or "
		    "the device\n");
		return EX_USAGE;
	}
	return a.remove ? app_remove(u, &a.line.label) : app_add(u, &a);
}

static const char *
kind_name(struct span secret)
{
	static const char *const names[] = { [SECRET_CRYPT] = "crypt",
	    [SECRET_SCRAM] = "scram-sha-256", [SECRET_PLAIN] = "plain" };
	enum secret_kind kind;
	struct span rest;

	return secret_kind(secret, &kind, &rest) == 0 ? names[kind] : "locked";
}

void
user_print_passwords(const struct user *u)
{
	struct password_line p;
	struct span value;
	char day[DAY_SIZE];
	struct buf list;
	size_t at = 0;

	while (table_next(&u->control.passwords, span_str(u->address), &at,
	    &value, NULL)) {
		if (password_line_parse(span_of("", 0), value, &p) != NULL)
			continue;
		if (p.label.len == 0)
			printf("password %s", kind_name(p.secret));
		else
			printf("app-password %.*s %s", (int)p.label.len,
			    (const char *)p.label.p, kind_name(p.secret));
		buf_init(&list, 64);
		if (p.protocols != FOR_ALL &&
		    protocols_print(&list, p.protocols) == 0)
			printf(" for %s", buf_cstr(&list));
		buf_free(&list);
		if (p.expires != 0) {
			day_print(p.expires - 86400, day);
			printf(" until %s", day);
		}
		putchar('\n');
	}
}
