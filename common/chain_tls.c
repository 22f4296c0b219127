/*
 * When a listener loads what TLS needs: at start where the first byte is TLS,
 * else for the first client that says STARTTLS.  From then on all its children
 * have it.  Whether it can be loaded, and the certificates with it, is seen at start
 * in any case.
 */
#include "chain_client.h"

#include <sys/wait.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ex.h"
#include "log.h"
#include "proc.h"
#include "sandbox.h"

/* 0, or -1 and why in the control's error. */
static int
load(struct chain *ch)
{
	struct control *c = ch->control;

	if (ch->tls == NULL &&
	    (ch->tls = tls_load(c->error, sizeof(c->error))) == NULL)
		return -1;
	ch->server = ch->tls->server_load(c, ch->service->auth);
	return ch->server == NULL ? -1 : 0;
}

/* Likewise, while clients are served: their processes may have their share of memory beside
 * it. */
static int
load_late(struct chain *ch)
{
	if (load(ch) == -1)
		return -1;
	proc_settle();
	sandbox_measure();
	return 0;
}

/* Loads in a child, which says what is wrong; then this process ends, too. */
static void
try_load(struct chain *ch)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		log_forked();
		if (load(ch) == -1)
			log_die(EX_CONFIG, "%s", ch->control->error);
		_exit(EX_OK);
	}
	if (pid == -1)
		log_die_errno(EX_OSERR, "cannot start a process");
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	if (!WIFEXITED(status))
		log_die(EX_SOFTWARE, "loading TLS ended by signal %d",
		    WTERMSIG(status));
	if (WEXITSTATUS(status) != EX_OK)
		exit(WEXITSTATUS(status));
}

static bool
has_certificate(const struct control *c)
{
	char path[sizeof(c->dir) + 16];

	snprintf(path, sizeof(path), "%s/tls/cert.pem", c->dir);
	return access(path, F_OK) == 0 || errno != ENOENT;
}

void
chain_tls_begin(struct chain *ch, bool listening)
{
	bool implicit = ch->options->implicit_tls;
	struct control *c = ch->control;

	ch->has_tls = has_certificate(c);
	if (!ch->has_tls && implicit)
		log_die(EX_CONFIG, "tls/cert.pem: not there; without it "
		    "no TLS can be served (option -S)");
	if (!ch->has_tls) {	/* there may be one later */
		(void)tls_find(c->error, sizeof(c->error));
		return;
	}
	if (tls_find(c->error, sizeof(c->error)) == -1)
		log_die(EX_CONFIG, "%s", c->error);
	if (listening && !implicit)
		try_load(ch);
	else if (load(ch) == -1)
		log_die(EX_CONFIG, "%s", c->error);
}

int
chain_tls_ready(struct chain *ch)
{
	if (ch->server != NULL)
		ch->tls->server_refresh(&ch->server, ch->control);
	else if (load_late(ch) == -1) {
		log_warn("%s; STARTTLS is not offered until this is mended",
		    ch->control->error);
		ch->tls_broken = true;
		return -1;
	}
	return 0;
}

bool
chain_tls_offered(struct chain *ch)
{
	if (!ch->has_tls)
		ch->has_tls = has_certificate(ch->control);
	if (ch->tls_broken && load_late(ch) == 0)
		ch->tls_broken = false;
	return ch->has_tls && !ch->tls_broken;
}
