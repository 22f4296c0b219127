/*
 * Confinement.  As root both processes keep three capabilities: CAP_CHOWN to
 * give a message to its owner, CAP_DAC_OVERRIDE to reach mailboxes, CAP_FOWNER
 * to set mode and time of what it has given away.  Landlock confines the
 * worker to the spool and the mail directory, unless some account's Maildir lies
 * elsewhere.
 */
#include <sys/stat.h>
#include <sys/syscall.h>

#include <linux/capability.h>
#include <string.h>

#include "clock.h"
#include "local.h"
#include "table.h"

#define LOOK_MS	1000	/* between looks at the mail directory */

static const int local_calls[] = {
	SYS_openat,
#ifdef SYS_openat2
	SYS_openat2,
#endif
	SYS_renameat, SYS_renameat2, SYS_linkat, SYS_unlinkat,
	SYS_mkdirat, SYS_fchown, SYS_fchmod, SYS_utimensat, SYS_fsync,
	SYS_ftruncate, SYS_geteuid, SYS_getdents64, SYS_faccessat,
	SYS_faccessat2,
#ifdef SYS_open
	SYS_open, SYS_stat,
#endif
	-1
};

static const struct sandbox_role local_role = {
	.name = "deliver-local",
	.syscalls = local_calls,
	.memory = UINT64_C(2) << 30,
	.file_size = UINT64_MAX,
	.files = 1024,		/* 256 mailboxes, two each */
	.no_fork = true
};

static bool
is_below(struct span path, const char *dir)
{
	size_t n = strlen(dir);

	return path.len > n && memcmp(path.p, dir, n) == 0 && path.p[n] == '/';
}

/* Does some account keep its mail outside the mail directory? */
static bool
mail_elsewhere(const struct control *c)
{
	struct span key, value;
	unsigned line;

	if (c->set.home_maildir[0] != '\0')
		return true;
	for (size_t i = 0; i < c->users.nslots; i++) {
		table_at(&c->users, i, &key, &value, &line);
		if (value.len > 0 && value.p[0] == '/' &&
		    !is_below(value, c->set.mail))
			return true;
	}
	return false;
}

int
local_drop_powers(bool master)
{
	uint64_t caps = SANDBOX_CAP(CAP_CHOWN) |
	    SANDBOX_CAP(CAP_DAC_OVERRIDE) | SANDBOX_CAP(CAP_FOWNER);

	if (master)	/* to become users, end their programs, and confine the worker */
		caps |= SANDBOX_CAP(CAP_SETUID) | SANDBOX_CAP(CAP_SETGID) |
		    SANDBOX_CAP(CAP_KILL) | SANDBOX_CAP(CAP_SETPCAP);
	return sandbox_become(NULL, caps);
}

/* Which directory is it now?  None: all zero. */
static void
mail_look(const struct control *c, struct stat *st)
{
	if (stat(c->set.mail, st) == -1)
		memset(st, 0, sizeof(*st));
}

static struct stat confined_to;

bool
local_mail_changed(const struct control *c)
{
	static uint64_t looked;
	uint64_t now = clock_mono_ms();
	struct stat st;

	if (now - looked < LOOK_MS)
		return false;
	looked = now;
	mail_look(c, &st);
	return st.st_dev != confined_to.st_dev ||
	    st.st_ino != confined_to.st_ino;
}

int
local_confine(const struct control *c)
{
	const struct sandbox_path paths[] = {
		{ c->set.spool, SANDBOX_READ | SANDBOX_WRITE },
		{ c->set.mail, SANDBOX_READ | SANDBOX_WRITE },
		{ c->dir, SANDBOX_READ }
	};

	mail_look(c, &confined_to);
	return sandbox_enter(&local_role, NULL, NULL, mail_elsewhere(c) ?
	    NULL : paths, sizeof(paths) / sizeof(paths[0]), !c->set.sandbox);
}
