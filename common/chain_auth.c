/*
 * The beginning of an auth process: what it may need is opened as whoever we are,
 * then all is given up, and only then is what the session wrote read.
 */
#include "chain_client.h"

#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "checker.h"
#include "ex.h"
#include "file.h"
#include "guess.h"
#include "limits.h"
#include "log.h"
#include "passwords.h"

static const int auth_calls[] = { SYS_pwrite64, -1 };
static const struct sandbox_role auth_role = {
	.name = "auth", .syscalls = auth_calls,
	.memory = CHAIN_AUTH_MEMORY, .file_size = GUESS_FILE_SIZE,
	.no_fork = true,
};

/* What the tls process has written, once; the next auth process of this client
 * will want it too.  Not looked at here. */
static void
take_facts(struct chain_client *cl, struct buf *facts)
{
	unsigned char *room;
	ssize_t n;

	if (cl->facts_in == -1 ||
	    (room = buf_room(facts, CRED_MAX)) == NULL ||
	    (n = read(cl->facts_in, room, CRED_MAX)) <= 0)
		return;
	facts->len = (size_t)n;
	(void)file_write_all(cl->facts_out, facts->p, facts->len);
}

static int
open_files(struct chain *ch, struct chain_client *cl, struct auth_files *f,
    struct passwords *passwords, struct guesses *guesses)
{
	struct control *c = ch->control;
	char path[320];

	snprintf(path, sizeof(path), "%s/passwords.index", ch->auth_dir);
	if (passwords_open(passwords, c, path) == -1) {
		log_warn("%s", c->error);
		return -1;
	}
	snprintf(path, sizeof(path), "%s/guesses", ch->auth_dir);
	if (guess_open(guesses, path, c->set.login_failures) == -1)
		log_warn_errno("%s: cannot be used, so guessing of passwords "
		    "is not slowed", path);
	f->passwords = passwords;
	f->guesses = guesses;
	f->shadow = f->checker_in = f->checker_out = -1;
	if (c->system_passwords)
		f->shadow = open("/etc/shadow", O_RDONLY | O_CLOEXEC);
	if (c->set.checkpassword[0] != '\0' &&
	    checker_start(c, &cl->conn, &f->checker_out, &f->checker_in) == -1)
		log_warn_errno("checkpassword: cannot start a process");
	return 0;
}

int
client_auth(struct chain *ch, struct chain_client *cl, int account_out)
{
	struct auth_files files = { .in = 0, .session_out = 1,
	    .protocols = ch->service->protocol };
	struct passwords passwords;
	struct guesses guesses;
	struct buf facts;

	buf_init(&facts, CRED_MAX);
	take_facts(cl, &facts);
	client_child(cl->cred_in, cl->verdict_out, account_out, -1, -1);
	files.account_out = 3;
	files.facts = buf_span(&facts);
	if (open_files(ch, cl, &files, &passwords, &guesses) == -1) {
		(void)file_write_all(files.session_out, "temp\n", 5);
		return EX_CONFIG;
	}
	client_enter(ch, &auth_role, ch->empty, &ch->control->set.auth_user,
	    NULL, 0);
	return auth_serve(ch->control, &cl->conn, &files);
}
