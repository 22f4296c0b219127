/*
 * The file of annotations, which its owner may write as he likes: what is read of it, changed in one entry, is read again as
 * the same but for that entry, whatever bytes its value has.
 * LINK: imapd/metadata.c imapd/arena.c
 */
#include "imapd/metadata.h"

#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "limits.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static char	dir[] = "/dev/shm/fuzz-metadata.XXXXXX";
static int	dirfd = -1;

static void
clean(void)
{
	(void)unlinkat(dirfd, METADATA_FILE, 0);
	(void)unlinkat(dirfd, METADATA_FILE ".lock", 0);
	(void)rmdir(dir);
}

static struct meta_entry *
load(struct arena *arena)
{
	struct meta_entry *list;

	if (metadata_load(dir, METADATA_FILE, arena, &list) == -1)
		abort();
	return list;
}

/* All of a that are not of that name are in b, in their order, with their values. */
static void
check_others(const struct meta_entry *a, const struct meta_entry *b,
    struct span name)
{
	for (;; a = a->next, b = b->next) {
		while (a != NULL && span_eq(a->name, name))
			a = a->next;
		while (b != NULL && span_eq(b->name, name))
			b = b->next;
		if (a == NULL || b == NULL)
			break;
		if (!span_eq(a->name, b->name) || !span_eq(a->value, b->value))
			abort();
	}
	if (a != b)
		abort();
}

static void
check_change(struct arena *arena, const struct meta_entry *before,
    struct span name, struct span value)
{
	struct meta_entry change = { .name = name, .value = value }, *after;
	const struct meta_entry *e;

	if (metadata_change(dir, METADATA_FILE, arena, &change) == -1)
		abort();
	after = load(arena);
	check_others(before, after, name);
	e = metadata_find(after, name);
	if ((e == NULL) != (value.p == NULL) ||
	    (e != NULL && (!span_eq(e->value, value) ||
	    metadata_find(e->next, name) != NULL)))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span name = span_str("/private/comment");
	const struct meta_entry *e;
	struct meta_entry *list;
	struct arena arena;
	size_t n = 0;
	int fd;

	if (dirfd == -1) {
		if (mkdtemp(dir) == NULL || (dirfd = open(dir,
		    O_RDONLY | O_DIRECTORY)) == -1)
			err(1, "%s", dir);
		atexit(clean);
	}
	fd = openat(dirfd, METADATA_FILE, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd == -1 || file_write_all(fd, data, size) == -1)
		err(1, "%s", dir);
	close(fd);
	arena_init(&arena, 64 << 20);
	list = load(&arena);
	for (e = list; e != NULL; e = e->next)
		n++;
	if (n < METADATA_ENTRIES_MAX) {	/* more are not written */
		check_change(&arena, list, name, span_of(data, size));
		check_change(&arena, list, name, span_of(NULL, 0));
		list = load(&arena);
		if (list != NULL)
			check_change(&arena, list, list->name,
			    span_of("a\0% \n", 5));
	}
	arena_free(&arena);
	return 0;
}
