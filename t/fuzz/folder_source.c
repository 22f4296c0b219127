/*
 * The keywords of a Maildir that another program keeps.  The input is files separated by NULs: dovecot-keywords if the first
 * byte is even, else Courier's list and what it has not taken in yet.  Each keyword is one that IMAP can say.
 */
#include "folder_source.h"

#include <sys/stat.h>

#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "folder_impl.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char *const files[] = { ":list", "1.m", ".17.1.m", ".9.2.m",
    "..x", ".12" };
#define NFILES	(sizeof(files) / sizeof(*files))
static char	dir[] = "/dev/shm/fuzz-source.XXXXXX";
static int	dirfd = -1, courier;

static void
remove_files(void)
{
	for (size_t i = 0; i < NFILES; i++)
		(void)unlinkat(courier, files[i], 0);
	(void)unlinkat(dirfd, "dovecot-keywords", 0);
}

static void
clean(void)
{
	remove_files();
	(void)unlinkat(dirfd, "courierimapkeywords", AT_REMOVEDIR);
	(void)rmdir(dir);
}

static void
setup(void)
{
	if (mkdtemp(dir) == NULL ||
	    (dirfd = open(dir, O_RDONLY | O_DIRECTORY)) == -1 ||
	    mkdirat(dirfd, "courierimapkeywords", 0700) == -1 ||
	    (courier = openat(dirfd, "courierimapkeywords",
	    O_RDONLY | O_DIRECTORY)) == -1)
		err(1, "%s", dir);
	atexit(clean);
}

static void
put(int at, const char *name, struct span s)
{
	int fd = openat(at, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd == -1 || file_write_all(fd, s.p, s.len) == -1)
		err(1, "%s", name);
	close(fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const messages[] = { "1.m,S=5:2,Sab", "2.m:2,", "3",
	    "" };
	const char *names[FOLDER_SOURCE_MAX];
	struct folder_source f;
	struct maildir_name n;
	struct cur c;
	size_t found;

	if (size == 0)
		return 0;
	if (dirfd == -1)
		setup();
	remove_files();
	cur_init(&c, span_of(data + 1, size - 1));
	if (data[0] % 2 == 0)
		put(dirfd, "dovecot-keywords", cur_rest(&c));
	for (size_t i = 0; i < NFILES && !cur_end(&c); i++) {
		put(courier, files[i], cur_until(&c, 0));
		(void)cur_ch(&c, 0);
	}
	if (folder_source_open(&f, dirfd) == -1)
		abort();
	for (size_t i = 0; i < sizeof(messages) / sizeof(*messages); i++) {
		maildir_name_parse(span_str(messages[i]), &n);
		found = folder_source_of(&f, &n, names);
		if (found > FOLDER_SOURCE_MAX)
			abort();
		for (size_t k = 0; k < found; k++)
			if (!folder_source_ok(names[k]))
				abort();
	}
	folder_source_free(&f);
	return 0;
}
