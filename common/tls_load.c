/*
 * Loads tls.so.  OpenSSL costs a process half a megabyte and each fork of it a
 * twentieth of a millisecond, and most listeners and all of their plaintext
 * clients never need it.  Found and opened at start: a new one that an update has
 * put there since, or over it, would not fit the old program.
 */
#include "tls.h"

#include <sys/stat.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proc.h"

static int found = -1;
static struct stat as_found;
static char path[512];

/* By its name, which debuggers understand, or by the descriptor if that names another
 * file by now. */
static void
so_name(char *out, size_t size)
{
	struct stat named, own;

	if (stat(path, &named) == 0 && fstat(found, &own) == 0 &&
	    named.st_dev == own.st_dev && named.st_ino == own.st_ino)
		strlcpy(out, path, size);
	else
		snprintf(out, size, "/proc/self/fd/%d", found);
}

/* No easier to change than the program is: its code will run with the same rights. */
static bool
trusted(const struct stat *so)
{
	struct stat self;

	if (!S_ISREG(so->st_mode))
		return false;
	if (stat("/proc/self/exe", &self) == -1)
		memset(&self, 0, sizeof(self));
	return (so->st_uid == 0 || so->st_uid == self.st_uid) &&
	    (so->st_mode & (S_IWGRP | S_IWOTH) & ~self.st_mode) == 0;
}

/* Has it been written to since?  A new one beside it is another file. */
static bool
rewritten(void)
{
	struct stat now;

	return fstat(found, &now) == -1 || now.st_size != as_found.st_size ||
	    now.st_mtim.tv_sec != as_found.st_mtim.tv_sec ||
	    now.st_mtim.tv_nsec != as_found.st_mtim.tv_nsec;
}

int
tls_find(char *error, size_t size)
{
	proc_beside("tls.so", path, sizeof(path));
	if ((found = open(path, O_RDONLY | O_CLOEXEC)) == -1) {
		snprintf(error, size, "%s: %s; it comes with this program: "
		    "install posthouse again", path, strerror(errno));
		return -1;
	}
	if (fstat(found, &as_found) == 0 && trusted(&as_found))
		return 0;
	snprintf(error, size, "%s: others than the program's owner can change "
	    "it; see to its owner and mode", path);
	close(found);
	found = -1;
	return -1;
}

const struct tls *
tls_load(char *error, size_t size)
{
	static const struct tls *tls;
	char name[sizeof(path)];
	void *so;

	if (tls != NULL)
		return tls;
	if (rewritten()) {
		snprintf(error, size, "%s: has been written over since this "
		    "program was started; start it again", path);
		return NULL;
	}
	so_name(name, sizeof(name));
	if ((so = dlopen(name, RTLD_NOW | RTLD_LOCAL)) != NULL)
		tls = dlsym(so, "tls_functions");
	if (tls == NULL)
		snprintf(error, size, "%s: cannot be loaded: %s; install "
		    "OpenSSL's libraries, or posthouse again", path, dlerror());
	return tls;
}
