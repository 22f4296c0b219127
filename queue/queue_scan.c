/*
 * What the directories hold: at start, now and then, and when asked.  A scan
 * goes in small steps, so that new mail does not wait for it.  Order: cur/ (so
 * that every deferred message is known), state/ (what no message belongs to
 * goes), new/ (names that the trigger did not carry), tmp/ (litter).
 *
 * A file in new/ that was not announced may still be on its way to the disk:
 * it is left alone while young.  One shorter than its name says was
 * never acknowledged, for the disk was not told to keep it.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "queue_run.h"

#define STEP		500	/* directory entries at a time */
#define YOUNG		5	/* seconds in which a writer flushes and announces */
#define NEW_EVERY	30	/* seconds between looks at new/ */
#define FULL_EVERY	900	/* and at all */
#define LITTER_AGE	129600	/* 36 h: no session lasts so long */

/* Real time, also where the clock is given from outside: file ages are real. */
static time_t
file_age(const struct stat *st)
{
	return time(NULL) - st->st_ctim.tv_sec;
}

static bool
has_cur(struct sched *s, const char *name)
{
	return faccessat(s->dirs.cur, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* It could not be taken into the index.  A name that is not ours never can; for what time
 * may mend the next scan comes. */
static void
not_taken(struct sched *s, const char *file, bool cur)
{
	if (errno == EINVAL)
		work_hold(s, file, cur, "its name is not one of ours");
	else
		log_warn_errno("cannot take %s now", file);
}

static void
scan_cur(struct sched *s, const char *file)
{
	struct spool_name name;
	struct stat st;
	struct item *it;
	uint32_t id;

	if (!spool_name_parse(span_str(file), &name) ||
	    fstatat(s->dirs.cur, file, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return;
	if (!S_ISREG(st.st_mode))
		return;
	if ((uint64_t)st.st_size < name.size) {
		work_hold(s, file, true, "it is shorter than its name says");
		return;
	}
	if ((id = index_find(&s->ix, &name)) == ITEM_NONE) {
		if ((id = index_add(&s->ix, &name)) == ITEM_NONE) {
			not_taken(s, file, true);
			return;
		}
		it = index_item(&s->ix, id);
		it->cur = it->state = true;
		if (heap_push(&s->ix, id, st.st_mtim.tv_sec) == -1)
			index_remove(&s->ix, id);
		return;
	}
	it = index_item(&s->ix, id);
	if (it->where != ITEM_HEAP || !it->cur ||
	    it->due == (uint32_t)st.st_mtim.tv_sec)
		return;
	/* A message of a dead destination stands in the heap with a later time
	 * than its file's.  But when the file has changed since the last scan, somebody
	 * touched it, and its time counts. */
	if (st.st_ctim.tv_sec < s->scan.before)
		return;
	it->forced = st.st_mtim.tv_sec <= s->now;
	heap_remove(&s->ix, id);
	(void)heap_push(&s->ix, id, st.st_mtim.tv_sec);
}

/* A state whose message is in new/ is from a step that a crash cut short: go on
 * with it.  One whose message is gone is litter. */
static void
scan_state(struct sched *s, const char *file)
{
	struct spool_name name;
	uint32_t id;

	if (file[0] == '.') {		/* a state that was being written */
		unlinkat(s->dirs.state, file, 0);
		return;
	}
	if (!spool_name_parse(span_str(file), &name))
		return;
	id = index_find(&s->ix, &name);
	if (id != ITEM_NONE && (index_item(&s->ix, id)->cur ||
	    index_item(&s->ix, id)->where == ITEM_ACTIVE))
		return;
	if (has_cur(s, file) || faccessat(s->dirs.hold, file, F_OK,
	    AT_SYMLINK_NOFOLLOW) == 0)
		return;
	if (renameat(s->dirs.new, file, s->dirs.cur, file) == -1) {
		/* It may have been released since the first look. */
		if (errno == ENOENT && !has_cur(s, file))
			unlinkat(s->dirs.state, file, 0);
		return;
	}
	if (id != ITEM_NONE)
		index_item(&s->ix, id)->cur = true;
	else
		scan_cur(s, file);
}

static void
scan_new(struct sched *s, const char *file)
{
	struct spool_name name;
	struct stat st;
	uint32_t id;

	if (!spool_name_parse(span_str(file), &name) ||
	    index_find(&s->ix, &name) != ITEM_NONE ||
	    fstatat(s->dirs.new, file, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return;
	if (!s->once && file_age(&st) < YOUNG) {
		s->scan.young = true;
		return;
	}
	if (!S_ISREG(st.st_mode))
		return;
	if ((uint64_t)st.st_size < name.size) {
		work_hold(s, file, false, "it is shorter than its name says: "
		    "it was never acknowledged");
		return;
	}
	if ((id = index_add(&s->ix, &name)) == ITEM_NONE) {
		not_taken(s, file, false);
		return;
	}
	index_item(&s->ix, id)->state = name.arrival <= s->start;
	list_push(&s->ix, &s->fresh, id);
}

static void
scan_tmp(struct sched *s, const char *file)
{
	struct stat st;

	if (file[0] != '.' &&
	    fstatat(s->dirs.tmp, file, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(st.st_mode) && file_age(&st) > LITTER_AGE)
		unlinkat(s->dirs.tmp, file, 0);
}

static const struct {
	void (*each)(struct sched *, const char *);
	enum scan_phase next;
} phases[] = {
	[SCAN_CUR] = { scan_cur, SCAN_STATE },
	[SCAN_STATE] = { scan_state, SCAN_NEW },
	[SCAN_NEW] = { scan_new, SCAN_TMP },
	[SCAN_TMP] = { scan_tmp, SCAN_NONE },
};

static int
phase_dir(const struct sched *s)
{
	switch (s->scan.phase) {
	case SCAN_CUR:
		return s->dirs.cur;
	case SCAN_STATE:
		return s->dirs.state;
	case SCAN_NEW:
		return s->dirs.new;
	default:
		return s->dirs.tmp;
	}
}

bool
scan_running(const struct sched *s)
{
	return s->scan.phase != SCAN_NONE;
}

void
scan_start(struct sched *s, bool full)
{
	if (scan_running(s)) {
		s->scan.again = s->scan.again || full;
		return;
	}
	s->scan.full = full;
	s->scan.young = false;
	s->scan.phase = full ? SCAN_CUR : SCAN_NEW;
	if (!full)
		return;
	s->scan.before = s->scan.since;
	s->scan.since = time(NULL);
	dests_sweep(&s->dests, s->now);
}

static void
phase_end(struct sched *s)
{
	struct scan *c = &s->scan;

	if (c->dir != NULL)
		closedir(c->dir);
	c->dir = NULL;
	c->phase = phases[c->phase].next;
	if (c->phase == SCAN_TMP && !c->full)
		c->phase = SCAN_NONE;
	if (c->phase != SCAN_NONE)
		return;
	c->next_new = s->now + (c->young ? YOUNG : NEW_EVERY);
	s->scanned = s->scanned || c->full;
	if (c->full)
		c->next_full = s->now + FULL_EVERY;
	if (c->again) {
		c->again = false;
		scan_start(s, true);
	}
}

static DIR *
open_listing(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);

	if (d == NULL) {
		log_warn_errno("cannot list a directory of the spool");
		if (fd != -1)
			close(fd);
	}
	return d;
}

void
scan_step(struct sched *s)
{
	struct scan *c = &s->scan;
	struct dirent *e = NULL;

	if (!scan_running(s))
		return;
	if (c->dir == NULL && (c->dir = open_listing(phase_dir(s))) == NULL) {
		phase_end(s);
		return;
	}
	for (unsigned i = 0; i < STEP; i++) {
		if ((e = readdir(c->dir)) == NULL)
			break;
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			phases[c->phase].each(s, e->d_name);
	}
	if (e == NULL)
		phase_end(s);
}
