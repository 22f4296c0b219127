/*
 * posthouse maildir import: messages of an mbox file or another Maildir into a folder of an account, as its owner.  What
 * is imported from is read and never changed.  A message is in the folder whole or not at all; what
 * is interrupted is begun again by the administrator, with what had been imported still there.
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin_import.h"
#include "ex.h"
#include "folder.h"
#include "folder_add.h"
#include "utf7.h"
#include "maildir.h"
#include "mbox.h"
#include "sandbox.h"

#define CHUNK	65536


static int
usage(void)
{
	fprintf(stderr, "usage: posthouse maildir import [-r] [-f folder] "
	    "address mbox-or-maildir\n");
	return EX_USAGE;
}

static int
failed(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	return -1;
}

static int
commit(struct import *m, struct folder_append *a, unsigned flags,
    const char *const *keywords, size_t n, time_t arrival)
{
	uint32_t validity, uid;

	if (folder_append_commit(a, flags, keywords, n, arrival, &validity,
	    &uid) == -1)
		return failed(m->path);
	m->messages++;
	return 0;
}

/* One message of an mbox file, line by line. */
struct message {
	struct import *m;
	struct folder_append *append;	/* NULL: none is begun */
	struct mbox mbox;
};

static int
end_message(struct message *g)
{
	struct folder_append *a = g->append;
	const char *names[FOLDER_SOURCE_MAX];
	char *word, *rest = g->mbox.keywords;
	size_t n = 0;

	g->append = NULL;
	if (a == NULL)
		return 0;
	while ((word = strsep(&rest, " ")) != NULL)
		if (n < FOLDER_SOURCE_MAX && folder_source_ok(word))
			names[n++] = word;
	return commit(g->m, a, g->mbox.flags, names, n, g->mbox.arrival);
}

static int
take_line(struct message *g, struct span line)
{
	switch (mbox_line(&g->mbox, &line)) {
	case MBOX_FROM:
		if (end_message(g) == -1)
			return -1;
		mbox_begin(&g->mbox, line);
		g->append = folder_append_begin(g->m->path);
		return g->append == NULL ? failed(g->m->path) : 0;
	case MBOX_LINE:
		if (g->append == NULL) {
			fprintf(stderr, "%s: this is no mbox file: it does not "
			    "begin with \"From \"\n", g->m->source);
			return -1;
		}
		if ((g->mbox.empty_first &&
		    folder_append_add(g->append, "\n", 1) == -1) ||
		    folder_append_add(g->append, line.p, line.len) == -1)
			return failed(g->m->path);
		return 0;
	case MBOX_NOTHING:
		break;
	}
	return 0;
}

/* A line with its end, or a piece of one that is very long. */
static int
import_mbox(struct import *m)
{
	struct message g = { .m = m };
	FILE *f = fdopen(m->fd, "r");
	char line[CHUNK];
	int r = 0;

	if (f == NULL)
		return failed(m->source);
	while (r == 0) {
		size_t n = 0;
		int ch = 0;

		while (n < sizeof(line) && (ch = getc(f)) != EOF) {
			line[n++] = (char)ch;
			if (ch == '\n')
				break;
		}
		if (n == 0)
			break;
		r = take_line(&g, span_of(line, n));
	}
	if (r == 0 && ferror(f))
		r = failed(m->source);
	if (r == 0)
		r = end_message(&g);
	if (g.append != NULL)
		folder_append_abort(g.append);
	fclose(f);
	return r;
}

static int
import_file(struct import *m, int dirfd, const char *name)
{
	const char *names[FOLDER_SOURCE_MAX];
	char chunk[CHUNK];
	struct maildir_name n;
	struct folder_append *a;
	struct stat st;
	ssize_t r;
	int fd = openat(dirfd, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd == -1 || fstat(fd, &st) == -1)
		return failed(name);
	if (!S_ISREG(st.st_mode) || (a = folder_append_begin(m->path)) == NULL) {
		close(fd);
		return S_ISREG(st.st_mode) ? failed(m->path) : 0;
	}
	while ((r = read(fd, chunk, sizeof(chunk))) > 0)
		if (folder_append_add(a, chunk, (size_t)r) == -1)
			break;
	close(fd);
	if (r != 0) {
		(void)failed(name);
		folder_append_abort(a);
		return -1;
	}
	maildir_name_parse(span_str(name), &n);
	return commit(m, a, n.flags, names,
	    folder_source_of(&m->keywords, &n, names), st.st_mtime);
}

/* In the order of their names, which begin with the second of arrival. */
static int
import_part(struct import *m, const char *part)
{
	int fd = openat(m->fd, part,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirent **list;
	int n = fd == -1 ? -1 : scandirat(fd, ".", &list, NULL, versionsort);
	int r = 0;

	if (n == -1) {
		fprintf(stderr, "%s/%s: %s; a Maildir has cur and new\n",
		    m->source, part, strerror(errno));
		return -1;
	}
	for (int i = 0; i < n; i++) {
		if (r == 0 && list[i]->d_name[0] != '.')
			r = import_file(m, fd, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	close(fd);
	return r;
}

static int
import_maildir(struct import *m)
{
	int r = folder_source_open(&m->keywords, m->fd);

	if (r == -1)
		(void)failed(m->source);
	if (r == 0)
		r = import_part(m, "cur");
	if (r == 0)
		r = import_part(m, "new");
	folder_source_free(&m->keywords);
	return r;
}

int
import_folder(struct import *m, int fd, const char *folder, const char *source)
{
	struct stat st;
	int r;

	m->fd = fd;
	m->source = source;
	m->folders++;
	if (folder[0] != '\0' && folder_create(m->account.maildir,
	    folder) == -1 && errno != EEXIST)
		r = failed(folder);
	else if (folder_path(m->account.maildir, folder, m->path,
	    sizeof(m->path)) == -1 || fstat(fd, &st) == -1)
		r = failed(source);
	else if (!S_ISDIR(st.st_mode))
		return import_mbox(m);		/* closes it */
	else
		r = import_maildir(m);
	close(fd);
	return r;
}

/* In a process of its own: writes as the owner, and may read what the administrator may. */
static int
import(struct import *m)
{
	int r;

	if (geteuid() == 0 && m->account.owner.uid != (uid_t)-1 &&
	    sandbox_become(&m->account.owner, SANDBOX_CAP(CAP_DAC_READ_SEARCH))
	    == -1)
		return failed("become the owner");
	r = m->tree ? import_tree(m) : import_folder(m, m->fd, m->folder,
	    m->source);
	if (m->tree)
		printf("%zu messages imported into %zu folders\n", m->messages,
		    m->folders);
	else
		printf("%zu messages imported\n", m->messages);
	return fflush(stdout) == 0 ? r : -1;
}

static int
run(struct import *m)
{
	int status;
	pid_t pid;

	if (maildir_make(m->account.maildir, &m->account.owner) == -1) {
		(void)failed(m->account.maildir);
		return EX_CANTCREAT;
	}
	if ((m->fd = open(m->source, O_RDONLY | O_CLOEXEC)) == -1) {
		(void)failed(m->source);
		return EX_NOINPUT;
	}
	if ((pid = fork()) == -1) {
		(void)failed("fork");
		return EX_OSERR;
	}
	if (pid == 0)
		_exit(import(m) == 0 ? EX_OK : EX_IOERR);
	close(m->fd);
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return EX_OSERR;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
}

int
admin_import(const char *dir, int argc, char *argv[])
{
	static struct import m;
	struct buf folder;
	int ch, r = EX_NOUSER;

	m.folder = "";
	buf_init(&folder, sizeof(m.path));
	optind = 0;
	while ((ch = getopt(argc, argv, "+f:r")) != -1) {
		if (ch == 'r')
			m.tree = true;
		else if (ch == 'f' && utf7_take(span_str(optarg), &folder) == 0)
			m.folder = buf_cstr(&folder);
		else
			return usage();
	}
	if (argc - optind != 2)
		return usage();
	m.address = argv[optind];
	m.source = argv[optind + 1];
	control_init(&m.control, dir, CONTROL_USERS);
	if (control_load(&m.control, NULL) == -1) {
		fprintf(stderr, "%s\n", m.control.error);
		return EX_CONFIG;
	}
	folder_setup(m.control.set.sync_directory);
	if (account_find(&m.control, m.address, &m.account) == 0)
		r = run(&m);
	else
		fprintf(stderr, "%s: there is no such user in %s/users\n",
		    m.address, m.control.dir);
	control_free(&m.control);
	buf_free(&folder);
	return r;
}
