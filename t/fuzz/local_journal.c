/*
 * A journal of deliver-local that a crash, or a full disk, has left with any bytes: what is noted afterwards is found
 * by whoever opens it next, and nothing that was found before gets lost.
 * LINK: deliver/local_journal.c deliver/local_outcome.c
 */
#include <sys/stat.h>

#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "deliver/local_forward.h"
#include "file.h"

#define NAME	"1795305600.0123456789abcdef.mx.example.org,S=512,W=528"
#define CHILD	"1795305601.fedcba9876543210.mx.example.org,S=600,W=616"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static char	dir[] = "/dev/shm/fuzz-journal.XXXXXX";
static int	spool = -1;

static void
clean(void)
{
	(void)unlinkat(spool, "local/" NAME ":1", 0);
	(void)unlinkat(spool, "local", AT_REMOVEDIR);
	(void)rmdir(dir);
}

static void
setup(void)
{
	if (mkdtemp(dir) == NULL ||
	    (spool = open(dir, O_RDONLY | O_DIRECTORY)) == -1 ||
	    mkdirat(spool, "local", 0700) == -1)
		err(1, "%s", dir);
	atexit(clean);
}

static void
begin(struct journal *j)
{
	struct spool_name name;

	if (!spool_name_parse(span_str(NAME), &name) ||
	    journal_open(j, spool, &name, span_str("1")) == -1)
		abort();
}

static void
end(struct journal *j)
{
	close(j->fd);
	buf_free(&j->text);
}

/* Keys as they are, "k" and the first word of the input, which may be one that stands there. */
static void
first_word(struct span in, char key[32])
{
	struct cur c;

	cur_init(&c, in);
	if (span_cstr(cur_until(&c, ' '), key, 32) == -1 || key[0] == '\0' ||
	    strchr(key, '\n') != NULL || strcasecmp(key, "child") == 0 ||
	    strcasecmp(key, "k") == 0)
		strlcpy(key, "other", 32);
}

static bool
same(const struct outcome *a, const struct outcome *b)
{
	return a->class == b->class && strcmp(a->dsn, b->dsn) == 0 &&
	    strcmp(a->text, b->text) == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome made, found = { .dsn = "" }, before = { .dsn = "" };
	struct spool_name child, had;
	bool knew, had_child;
	struct journal j;
	char key[32];
	int fd;

	if (spool == -1)
		setup();
	fd = openat(spool, "local/" NAME ":1", O_WRONLY | O_CREAT | O_TRUNC,
	    0600);
	if (fd == -1 || file_write_all(fd, data, size) == -1)
		err(1, "%s", dir);
	close(fd);
	begin(&j);
	first_word(span_of(data, size), key);
	knew = journal_find(&j, key, &before);
	had_child = journal_child(&j, &had);
	outcome_set(&made, PROC_FAIL, "5.1.1", "no\tsuch\nuser");
	if (journal_note(&j, "k", &made) == -1)
		abort();
	end(&j);

	begin(&j);
	outcome_set(&made, PROC_FAIL, "5.1.1", "no such user");
	if (!journal_find(&j, "k", &found) || !same(&found, &made))
		abort();
	if (knew && (!journal_find(&j, key, &found) || !same(&found, &before)))
		abort();
	if (had_child != journal_child(&j, &child) || (had_child &&
	    strcmp(had.text, child.text) != 0))
		abort();
	if (!spool_name_parse(span_str(CHILD), &child) ||
	    journal_note_child(&j, &child) == -1)
		abort();
	end(&j);

	begin(&j);
	if (!journal_child(&j, &had) || strcmp(had.text, CHILD) != 0)
		abort();
	end(&j);
	return 0;
}
