/*
 * A folder whose uid list and keywords file, separated by a NUL, hold any bytes.  It opens; its UIDs rise, one for each
 * file, and are the same when it is opened again without its cache; its flags can be changed; and what "posthouse
 * maildir repair" has mended is sound.
 */
#include "box.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "folder_check.h"
#include "folder_impl.h"

#define MESSAGES 8

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Files "0.m" and on, some with flags and letters. */
static void
make(struct span uids, struct span keywords)
{
	static const char *const flags[] = { "", ":2,", ":2,S", ":2,FSa",
	    ":2,abc" };
	char name[64];

	box_empty();
	for (int i = 0; i < MESSAGES; i++) {
		snprintf(name, sizeof(name), "%s/%d.m,S=5,W=6%s",
		    box_subs[i < 5 ? 0 : 1], i, flags[i < 5 ? i : 0]);
		box_put(name, span_str("a: b\n"));
	}
	box_put(FOLDER_UIDS, uids);
	box_put(FOLDER_KEYWORDS, keywords);
}

static void
check(struct folder *f)
{
	if (folder_count(f) != MESSAGES || folder_uidvalidity(f) == 0)
		abort();
	for (size_t i = 0; i < MESSAGES; i++) {
		if (folder_uid(f, i) == 0 || folder_uid(f, i) >=
		    folder_uidnext(f) || (i > 0 && folder_uid(f, i) <=
		    folder_uid(f, i - 1)))
			abort();
		if (folder_modseq(f, i) == 0 || folder_modseq(f, i) >
		    folder_highest_modseq(f))
			abort();
	}
	for (size_t k = 0; k < folder_keyword_count(f); k++)
		if (strpbrk(folder_keyword_name(f, k), " \r\n()\"\\") != NULL)
			abort();
}

static int
count(void *arg, uint32_t lo, uint32_t hi)
{
	size_t *n = arg;

	if (lo == 0 || hi < lo)
		abort();
	return ++*n > 100000 ? -1 : 0;
}

/* Changes as a client makes them; their traces are read at the next opening. */
static void
change(struct folder *f)
{
	size_t n = 0;
	int k = folder_keyword_bit(f, span_str("$New"), true);

	(void)folder_vanished(f, 1, count, &n);
	(void)folder_set(f, 0, MAIL_SEEN, k == -1 ? 0 : UINT64_C(1) << k);
	if (folder_remove(f, 1) == -1 || folder_refresh(f, NULL) == -1 ||
	    folder_count(f) != MESSAGES - 1)
		abort();
	(void)folder_vanished(f, 1, count, &n);
}

static void
tell(void *arg, const struct folder_finding *f)
{
	(void)arg, (void)f;
}

/* A second repair finds nothing but what only a person can mend. */
static void
check_repair(void)
{
	struct folder_check first = { .repair = true, .tell = tell,
	    .owner = { (uid_t)-1, (gid_t)-1 } }, second = first;

	if (folder_check(&first, box_dir) == -1 || first.failed ||
	    folder_check(&second, box_dir) == -1 ||
	    second.findings != second.by_hand)
		abort();
}

static void
run(struct span uids, struct span keywords)
{
	uint32_t validity, uid[MESSAGES];
	struct folder *f;

	make(uids, keywords);
	if ((f = folder_open(box_dir, false)) == NULL)
		return;		/* a list of a later version, or too long */
	check(f);
	validity = folder_uidvalidity(f);
	for (size_t i = 0; i < MESSAGES; i++)
		uid[i] = folder_uid(f, i);
	folder_close(f);
	(void)unlinkat(box_top, FOLDER_CACHE, 0);
	if ((f = folder_open(box_dir, false)) == NULL)
		abort();
	check(f);
	for (size_t i = 0; i < MESSAGES; i++)
		if (folder_uid(f, i) != uid[i])
			abort();
	if (folder_uidvalidity(f) != validity)
		abort();
	change(f);
	folder_close(f);
	if ((f = folder_open(box_dir, true)) == NULL ||
	    folder_count(f) != MESSAGES - 1 || folder_uid(f, 0) != uid[0] ||
	    folder_uid(f, 1) != uid[2])
		abort();
	folder_close(f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span uids;
	struct cur c;

	if (box_top == -1)
		box_make();
	cur_init(&c, span_of(data, size));
	uids = cur_until(&c, 0);
	(void)cur_ch(&c, 0);
	box_quiet(true);
	run(uids, cur_rest(&c));
	make(uids, cur_rest(&c));
	check_repair();
	box_quiet(false);
	return 0;
}
