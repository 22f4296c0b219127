/*
 * An auth process: what it may need is opened as whoever we are, then all is
 * given up, and only then is what sessions write read.  Serves one session after
 * another, as the listener says.
 */
#include "chain_client.h"

#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checker.h"
#include "ex.h"
#include "file.h"
#include "fmt.h"
#include "guess.h"
#include "log.h"
#include "passwords.h"
#include "proc.h"

#define ASK	0		/* requests of the listener */
#define TOLD	1		/* what it is told */

static const int auth_calls[] = { SYS_pwrite64, -1 };
static const struct sandbox_role auth_role = {
	.name = "auth", .syscalls = auth_calls,
	.memory = CHAIN_AUTH_MEMORY, .file_size = GUESS_FILE_SIZE,
	.no_fork = true,
};

static int
by_number(const void *a, const void *b)
{
	const int *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Of all descriptors only its ends of the slots, and 0 to 2, stay open. */
static void
keep_slots(const struct chain *ch)
{
	int *keep = reallocarray(NULL, 2 * ch->nslots + 1, sizeof(*keep));
	int next = TOLD + 2;
	size_t n = 0;

	if (keep == NULL)
		log_die(EX_TEMPFAIL, "out of memory");
	for (size_t i = 0; i < ch->nslots; i++)
		if (ch->slots[i].made != 0) {
			keep[n++] = ch->slots[i].cred_in;
			keep[n++] = ch->slots[i].verdict_out;
		}
	qsort(keep, n, sizeof(*keep), by_number);
	for (size_t i = 0; i < n; i++) {
		for (; next < keep[i]; next++)
			close(next);
		next = keep[i] + 1;
	}
	proc_close_from(next);
	free(keep);
}

static int
open_files(struct chain *ch, struct chain_client *cl, struct auth_files *f,
    struct passwords *passwords, struct guesses *guesses)
{
	struct control *c = ch->control;
	char path[320];

	f->shadow = f->checker_in = f->checker_out = -1;
	fmt_print(path, sizeof(path), "%s/passwords.index", ch->auth_dir);
	if (passwords_open(passwords, c, path) == -1) {
		log_warn("%s", c->error);
		return -1;
	}
	fmt_print(path, sizeof(path), "%s/guesses", ch->auth_dir);
	if (guess_open(guesses, path, c->set.login_failures) == -1)
		log_warn_errno("%s: cannot be used, so guessing of passwords "
		    "is not slowed", path);
	f->passwords = passwords;
	f->guesses = guesses;
	if (c->system_passwords)
		f->shadow = open("/etc/shadow", O_RDONLY | O_CLOEXEC);
	if (c->set.checkpassword[0] != '\0' &&
	    checker_start(c, &cl->conn, &f->checker_out, &f->checker_in) == -1)
		log_warn_errno("checkpassword: cannot start a process");
	return 0;
}

/* n bytes whole.  false: the listener has closed its end. */
static bool
read_whole(void *p, size_t n)
{
	size_t at = 0;
	ssize_t r;

	while (at < n) {
		r = read(ASK, (char *)p + at, n - at);
		if (r == -1 && errno == EINTR)
			continue;
		if (r <= 0)
			return false;
		at += (size_t)r;
	}
	return true;
}

/* One session.  Without its files, it says so and ends. */
static int
serve_one(struct chain *ch, struct auth_files *f, struct auth_request *r)
{
	char facts[CRED_MAX], record[CRED_MAX];
	const struct auth_slot *s;
	int code;

	if (r->nfacts > sizeof(facts) || r->slot < 0 ||
	    (size_t)r->slot >= ch->nslots || !read_whole(facts, r->nfacts))
		return EX_SOFTWARE;
	s = &ch->slots[r->slot];
	f->facts = span_of(facts, r->nfacts);
	f->in = s->cred_in;
	f->session_out = s->verdict_out;
	if (f->passwords != NULL)
		code = auth_serve(ch->control, &r->conn, f);
	else
		code = read(f->in, record, sizeof(record)) > 0 &&
		    file_write_all(f->session_out, "temp\n", 5) == 0 &&
		    file_write_all(TOLD, ".\n", 2) == 0 ?
		    EX_OK : EX_IOERR;
	buf_zero(facts, sizeof(facts));
	if (f->passwords == NULL)
		buf_zero(record, sizeof(record));
	return code;
}

int
auth_worker(struct chain *ch, struct chain_client *cl, int ask, int told)
{
	struct pollfd pfd = { .fd = ASK, .events = POLLIN };
	struct auth_files files = { .account_out = TOLD,
	    .protocols = ch->service->protocol };
	struct auth_request request;
	struct passwords passwords;
	struct guesses guesses;
	int code = EX_OK;

	client_child_begin(ask, told);
	keep_slots(ch);
	(void)open_files(ch, cl, &files, &passwords, &guesses);
	client_enter(ch, &auth_role, ch->empty, &ch->control->set.auth_user,
	    NULL, 0);
	while (code == EX_OK && poll(&pfd, 1, AUTH_LINGER * 1000) == 1 &&
	    read_whole(&request, sizeof(request))) {
		code = serve_one(ch, &files, &request);
		if (files.passwords == NULL)
			break;
	}
	return code;
}
