/*
 * posthouse check, places: the spool and the mail directory, whose they are, and
 * who may change what the control directory says.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin.h"

#define N_BELOW	10	/* what queue makes in a spool */

static const char *const below[N_BELOW] = { "tmp", "new", "cur", "state",
    "hold", "full", "local", "rate", "sent", "trigger" };

/* Who can write a control file can be any user, or run a program. */
void
check_writable(struct admin_check *k, const char *file)
{
	struct stat st;

	if (fstatat(k->control.dirfd, file, &st, 0) == -1)
		return;
	if (st.st_mode & S_IWOTH)
		check_error(k, file, 0, "every account of this system can write "
		    "it (mode %03o); chmod o-w %s/%s", (unsigned)st.st_mode & 0777,
		    k->control.dir, file);
	if (geteuid() == 0 && st.st_uid != 0)
		check_warning(k, file, 0, "it belongs to uid %lu, who can change "
		    "it; chown root %s/%s", (unsigned long)st.st_uid,
		    k->control.dir, file);
}

/* As queue makes it: posthouse-spool(5). */
static void
check_part(struct admin_check *k, const char *path)
{
	const struct settings *s = &k->control.set;
	struct stat st;

	if (geteuid() != 0 || s->queue_user.uid == (uid_t)-1 ||
	    stat(path, &st) == -1 || st.st_uid == s->queue_user.uid)
		return;
	check_warning(k, "settings", 0, "%s belongs to uid %lu, not to queue-user; "
	    "chown %lu:%lu %s", path, (unsigned long)st.st_uid,
	    (unsigned long)s->queue_user.uid, (unsigned long)s->spool_group,
	    path);
}

static bool
is_directory(struct admin_check *k, const char *setting, const char *path,
    struct stat *st)
{
	if (path[0] == '\0')
		return false;		/* the setting is wrong, and that was told */
	if (stat(path, st) == -1)
		check_warning(k, "settings", 0, "%s %s: %s; mount it, or make it: "
		    "mkdir -p %s", setting, path, strerror(errno), path);
	else if (!S_ISDIR(st->st_mode))
		check_error(k, "settings", 0, "%s %s is no directory; remove it, "
		    "or name another", setting, path);
	else
		return true;
	return false;
}

void
check_places(struct admin_check *k)
{
	const struct settings *s = &k->control.set;
	bool missing[N_BELOW], has_spool, has_mail;
	struct stat spool, mail, st;
	size_t nmissing = 0;
	char path[300];

	has_spool = is_directory(k, "spool-directory", s->spool, &spool);
	has_mail = is_directory(k, "mail-directory", s->mail, &mail);
	for (size_t i = 0; has_spool && i < N_BELOW; i++) {
		snprintf(path, sizeof(path), "%s/%s", s->spool, below[i]);
		missing[i] = stat(path, &st) == -1 && errno == ENOENT;
		nmissing += missing[i];
		check_part(k, path);
	}
	/* A new spool is empty until queue starts for the first time. */
	for (size_t i = 0; has_spool && i < N_BELOW && nmissing < N_BELOW; i++)
		if (missing[i])
			check_warning(k, "settings", 0, "%s/%s is missing; queue "
			    "makes it when it starts", s->spool, below[i]);
	if (has_spool && has_mail && mail.st_dev != spool.st_dev)
		check_warning(k, "settings", 0, "spool-directory and "
		    "mail-directory are on different file systems, so every "
		    "message is copied instead of renamed");
}
