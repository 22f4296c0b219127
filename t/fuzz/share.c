/*
 * The index of what is shared with an account, to which every other account's session may write: whatever stands there,
 * who reads it gets names without separators, tidying keeps what is wanted, and what is noted is found.
 */
#include <sys/stat.h>

#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "acl.h"
#include "clock.h"
#include "file.h"

#define WHO	"bob@example.org"
#define OWNER	"alice@example.org"
#define NAME	"New.Folder"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct seen {
	uint64_t wanted;	/* a sum over those that are kept */
	bool noted;
};

static char	dir[] = "/dev/shm/fuzz-share.XXXXXX";
static char	path[1024];

static void
clean(void)
{
	char sub[64];

	unlink(path);
	snprintf(sub, sizeof(sub), "%s/for", dir);
	rmdir(sub);
	snprintf(sub, sizeof(sub), "%s/tmp", dir);
	rmdir(sub);
	rmdir(dir);
}

static void
setup(void)
{
	const struct ids none = { (uid_t)-1, (gid_t)-1 };

	clock_init();
	if (mkdtemp(dir) == NULL || share_make(dir, &none) == -1 ||
	    share_index(dir, span_str(WHO), path) == -1)
		err(1, "%s", dir);
	atexit(clean);
}

/* Some, by their bytes. */
static bool
keep(void *arg, const char *owner, const char *name)
{
	(void)arg;
	return strcmp(name, NAME) == 0 ||
	    ((unsigned char)owner[0] ^ (unsigned char)name[0]) % 4 != 0;
}

static uint64_t
hash(const char *s)
{
	uint64_t h = 5381;

	for (; *s != '\0'; s++)
		h = h * 33 + (unsigned char)*s;
	return h;
}

static void
each(void *arg, const char *owner, const char *name)
{
	struct seen *s = arg;

	if (*owner == '\0' || *name == '\0' || strlen(owner) > ADDR_MAX ||
	    strlen(name) > 255 || strpbrk(owner, " \n") != NULL ||
	    strchr(name, '\n') != NULL)
		abort();
	if (strcmp(owner, OWNER) == 0 && strcmp(name, NAME) == 0)
		s->noted = true;
	/* A bit for each, so that it does not matter how often. */
	else if (keep(NULL, owner, name))
		s->wanted |= UINT64_C(1) << (hash(owner) + hash(name)) % 64;
}

static void
read_all(struct seen *s)
{
	memset(s, 0, sizeof(*s));
	if (share_each(dir, WHO, each, s) == -1)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen before, after;
	int fd;

	if (path[0] == '\0')
		setup();
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd == -1 || file_write_all(fd, data, size) == -1)
		err(1, "%s", path);
	close(fd);
	read_all(&before);
	if (share_tidy(dir, WHO, keep, NULL) == -1)
		abort();
	read_all(&after);
	if (before.wanted != after.wanted || before.noted != after.noted)
		abort();
	if (share_note(dir, span_str(WHO), OWNER, NAME) == -1)
		abort();
	read_all(&before);	/* half a line at the end may be one now */
	if (!before.noted || (before.wanted | after.wanted) != before.wanted)
		abort();
	if (share_tidy(dir, WHO, keep, NULL) == -1)
		abort();
	read_all(&after);
	if (after.noted != before.noted || after.wanted != before.wanted)
		abort();
	return 0;
}
