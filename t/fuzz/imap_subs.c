/*
 * The subscriptions file of any program, of which the first byte says the name: what it holds is read, and a name that is
 * added or taken out changes no other.  In the input "|" stands for a tab.
 * LINK: imapd/subs.c imapd/name.c
 */
#include "imapd/subs.h"

#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char *const files[] = { "subscriptions",
    "courierimapsubscribed" };
static char	dir[] = "/dev/shm/fuzz-subs.XXXXXX";
static int	dirfd = -1;

static void
clean(void)
{
	for (size_t i = 0; i < 2; i++)
		(void)unlinkat(dirfd, files[i], 0);
	(void)rmdir(dir);
}

static void
put(const char *file, const uint8_t *data, size_t size)
{
	unsigned char *copy = malloc(size + 1);
	int fd = openat(dirfd, file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	for (size_t i = 0; i < size; i++)
		copy[i] = data[i] == '|' ? '\t' : data[i];
	if (fd == -1 || file_write_all(fd, copy, size) == -1)
		err(1, "%s", dir);
	close(fd);
	free(copy);
}

static void
load(struct buf *names)
{
	buf_init(names, 1 << 24);
	if (subs_load(dir, names) == -1)
		abort();
	if (names->len > 0 && names->p[names->len - 1] != '\0')
		abort();
}

/* The names without that one. */
static void
without(const struct buf *names, struct span name, struct buf *out)
{
	struct span one;
	struct cur c;

	buf_init(out, 1 << 24);
	for (cur_init(&c, buf_span(names)); !cur_end(&c); (void)cur_ch(&c, 0))
		if (!span_eq(one = cur_until(&c, 0), name)) {
			(void)buf_addspan(out, one);
			(void)buf_addc(out, 0);
		}
}

static bool
has(const struct buf *names, struct span name)
{
	struct cur c;

	for (cur_init(&c, buf_span(names)); !cur_end(&c); (void)cur_ch(&c, 0))
		if (span_eq(cur_until(&c, 0), name))
			return true;
	return false;
}

static void
check_change(const struct buf *before, const char *name, bool on)
{
	struct buf after, others, same;

	if (subs_set(dir, name, on) == -1)
		abort();
	load(&after);
	without(before, span_str(name), &others);
	without(&after, span_str(name), &same);
	if (has(&after, span_str(name)) != on ||
	    !span_eq(buf_span(&others), buf_span(&same)))
		abort();
	buf_free(&after);
	buf_free(&others);
	buf_free(&same);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[NAME_RAW_MAX + 2];
	struct buf names;
	struct cur c;

	if (size == 0)
		return 0;
	if (dirfd == -1) {
		if (mkdtemp(dir) == NULL || (dirfd = open(dir,
		    O_RDONLY | O_DIRECTORY)) == -1)
			err(1, "%s", dir);
		atexit(clean);
	}
	(void)unlinkat(dirfd, files[0], 0);
	(void)unlinkat(dirfd, files[1], 0);
	put(files[data[0] & 1], data + 1, size - 1);
	load(&names);
	check_change(&names, "Work.New", true);
	check_change(&names, "Work.New", false);
	buf_free(&names);
	load(&names);
	cur_init(&c, buf_span(&names));
	if (span_cstr(cur_until(&c, 0), name, sizeof(name)) == 0 &&
	    names.len > 0) {
		check_change(&names, name, true);
		check_change(&names, name, false);
	}
	buf_free(&names);
	return 0;
}
