/*
 * -bv: where recipients would go, by the same decision as everywhere.  No message
 * is read and nothing is sent.
 */
#include <err.h>
#include <stdio.h>

#include "ex.h"
#include "rcpt.h"
#include "sendmail.h"

/* Is it deliverable, as far as this machine knows? */
static bool
verify(struct sendmail *s, const char *text)
{
	struct rcpt_decision d;
	struct addr a;

	if (!sendmail_address(s, span_str(text), &a)) {
		printf("%s... is not an address\n", text);
		return false;
	}
	rcpt_decide(&s->control, &a, &d);
	switch (d.kind) {
	case RCPT_MAILBOX:
		printf("%s... deliverable: mailbox %s\n", text,
		    d.account.address);
		return true;
	case RCPT_ALIAS:
		printf("%s... deliverable: alias in line %u of aliases\n", text,
		    d.line);
		return true;
	case RCPT_REMOTE:
		printf("%s... deliverable: to the servers of %s\n", text,
		    addr_domain(&a));
		return true;
	case RCPT_UNKNOWN:
		break;
	}
	printf("%s... no such user here\n", text);
	return false;
}

int
sendmail_verify(struct sendmail *s, int n, char *rcpts[])
{
	bool all = true;

	if (n == 0)
		errx(EX_USAGE, "name the addresses that -bv is to look at");
	control_init(&s->control, s->control_dir, CONTROL_HOSTNAME |
	    CONTROL_DOMAINS | CONTROL_USERS | CONTROL_ALIASES);
	if (control_load(&s->control, NULL) == -1)
		errx(EX_CONFIG, "%s", s->control.error);
	for (int i = 0; i < n; i++)
		all = verify(s, rcpts[i]) && all;
	if (fflush(stdout) != 0)
		return EX_IOERR;
	return all ? EX_OK : EX_NOUSER;
}
