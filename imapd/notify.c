/*
 * When NOTIFY looks, and at what.  One descriptor tells of changes in all watched
 * directories; each says which mailbox to look at again, so that nothing is read
 * that did not change.  Where no descriptor can be had (NFS, no more of them)
 * everything is looked at now and then.  After a round of work the client alone is
 * listened to for some times as long: others cannot make this session work more
 * than a small part of the time.
 */
#include "notify.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "watch_many.h"

#define REST_TIMES	8		/* rest, by the work before it */
#define REST_MAX	5000		/* ms */
#define SETTLE		50		/* ms for a RENAME of many to come to its end */

static const char *const subs[WATCH_N] = { "cur", "new", "." };

bool
notify_wants(const struct imap *im, unsigned events)
{
	const struct notify *n = im->notify;

	return n == NULL || n->implied || (n->selected & events) == events;
}

bool
notify_always(const struct imap *im)
{
	const struct notify *n = im->notify;

	return n != NULL && !n->implied && (n->groups != NULL ||
	    n->selected != 0);
}

static void
look_at_all(struct notify *n)
{
	n->look_tree = n->look_selected = n->look_account = true;
	for (size_t i = 0; i < n->n; i++)
		n->box[i].look = n->box[i].look_meta = true;
}

/* In the mail directory: mailboxes, and files of the account. */
static void
on_root(struct notify *n, const char *name)
{
	if (name[0] == '.' || strcmp(name, "subscriptions") == 0)
		n->look_tree = true;
	else if (strcmp(name, METADATA_ACCOUNT) == 0)
		n->look_account = true;
	else if (name[0] == '\0')
		look_at_all(n);
}

static void
on_box(struct notify_box *b, int k, const char *name)
{
	if (name[0] == '\0')
		b->watch[k] = -1;
	else if (k != WATCH_DIR || strcmp(name, "posthouse.uids") == 0 ||
	    strcmp(name, ACL_FILE) == 0)
		b->look = true;
	else if (strcmp(name, METADATA_FILE) == 0)
		b->look_meta = true;
}

static void
on_change(void *arg, int dir, unsigned what, const char *name)
{
	struct notify *n = arg;

	(void)what;
	if (dir == n->root)
		on_root(n, name);
	for (int k = 0; k < WATCH_N; k++)
		if (dir == n->chosen[k])
			n->look_selected = true;
	for (size_t i = 0; i < n->n; i++)
		for (int k = 0; k < WATCH_N; k++)
			if (n->box[i].watch[k] == dir)
				on_box(&n->box[i], k, name);
}

static int
watch_mailbox(const struct imap *im, const struct notify *n, const char *raw,
    int watch[WATCH_N], bool messages)
{
	char path[DIR_SIZE + 8];
	struct place place;

	if (place_find(im, raw, &place) == -1)
		return -1;
	if (!(place.rights & ACL_READ))	/* RFC 5465 section 5: nothing is told */
		messages = false;	/* but that it may be read again */
	for (int k = messages ? WATCH_CUR : WATCH_DIR; k < WATCH_N; k++) {
		if (watch[k] != -1)
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", place.dir, subs[k]);
		watch[k] = watch_many_add(n->fd, path);
		if (watch[k] == -1)
			return place.rights & ACL_READ ? -1 : 0;
	}
	return 0;
}

/* A mailbox that is not there any more is no reason to poll: the tree tells. */
static bool
watch_box(struct imap *im, const struct notify *n, struct notify_box *b)
{
	struct place place;
	struct stat st;

	if (!b->exists || !(b->events & (EV_MESSAGE | EV_METADATA)) ||
	    watch_mailbox(im, n, b->raw, b->watch,
	    (b->events & EV_MESSAGE) != 0) == 0)
		return true;
	return place_find(im, b->raw, &place) == 0 &&
	    stat(place.dir, &st) == -1;
}

/* The selected mailbox, which no group need name. */
static bool
watch_chosen(struct imap *im, struct notify *n)
{
	const char *raw = im->view.folder == NULL ? "" : im->view.raw;

	if (n->selected == 0 || im->view.folder == NULL)
		return true;
	if (strcmp(raw, n->chosen_raw) != 0 || n->chosen[0] == -1) {
		for (int k = 0; k < WATCH_N; k++)
			n->chosen[k] = -1;
		(void)span_cstr(span_str(raw), n->chosen_raw,
		    sizeof(n->chosen_raw));
		n->look_selected = true;
	}
	return watch_mailbox(im, n, raw, n->chosen, true) == 0;
}

/* Watches whatever is not watched yet; where that cannot be, nothing is. */
void
notify_watch(struct imap *im, struct notify *n, bool again)
{
	int dirfd;
	bool ok;

	if (n->fd == -1 && again) {
		if ((dirfd = open(im->root, O_RDONLY | O_DIRECTORY |
		    O_CLOEXEC)) == -1)
			return;
		n->fd = watch_many_open(dirfd);
		close(dirfd);
	}
	if (n->fd == -1)
		return;
	if (n->root == -1)
		n->root = watch_many_add(n->fd, im->root);
	ok = n->root != -1 && watch_chosen(im, n);
	for (size_t i = 0; ok && i < n->n; i++)
		ok = watch_box(im, n, &n->box[i]);
	if (ok)
		return;
	close(n->fd);
	n->fd = n->root = -1;
	for (int k = 0; k < WATCH_N; k++)
		n->chosen[k] = -1;
	for (size_t i = 0; i < n->n; i++)
		for (int k = 0; k < WATCH_N; k++)
			n->box[i].watch[k] = -1;
}

int
notify_fd(const struct imap *im, uint64_t now)
{
	return now < im->notify->quiet_until ? -1 : im->notify->fd;
}

uint64_t
notify_when(const struct imap *im, uint64_t now)
{
	const struct notify *n = im->notify;

	if (now < n->quiet_until)
		return n->quiet_until;
	/* Heard of while a command ran, or kept back by it. */
	if (n->look_tree || (im->view.folder != NULL && n->selected != 0 &&
	    (n->look_selected || (im->view.ngone > 0 && !n->delayed))))
		return now;
	return n->fd != -1 ? UINT64_MAX : n->looked +
	    (uint64_t)im->control->set.poll_seconds * 1000;
}

static bool
is_selected(const struct imap *im, const struct notify_box *b)
{
	return im->view.folder != NULL && strcmp(b->raw, im->view.raw) == 0;
}

/* -1: the folder has been taken away; how that is said, is the caller's. */
static int
tell_selected(struct imap *im, bool expunge)
{
	struct notify *n = im->notify;

	if (im->view.folder == NULL || n->selected == 0)
		return 0;
	(void)watch_chosen(im, n);
	if (!n->look_selected && im->view.ngone == 0)
		return 0;
	n->look_selected = false;
	if (n->fd != -1)
		(void)folder_watch(im->view.folder);
	return view_sync(im, expunge, !n->implied);
}

/* The tree first: names that others gave are the ones to tell with. */
static void
tell_others(struct imap *im)
{
	struct notify *n = im->notify;

	if (n->look_tree) {
		n->look_tree = n->settling = false;
		if (notify_tree(im, n, true) == -1) {
			notify_overflow(im);
			return;
		}
	}
	if (n->look_account)
		notify_look_meta(im, NULL, NULL);
	n->look_account = false;
	for (size_t i = 0; i < n->n && !im->out.failed; i++) {
		struct notify_box *b = &n->box[i];

		if (b->look && b->exists && b->events & EV_MESSAGE &&
		    !is_selected(im, b))
			notify_look_status(im, b);
		if (b->look_meta && b->exists && b->events & EV_METADATA)
			notify_look_meta(im, b, b->raw);
	}
}

static bool
hear(struct notify *n)
{
	bool before = n->look_tree;

	if (n->fd == -1 || watch_many_read(n->fd, on_change, n) == -1)
		look_at_all(n);
	/* Polled, it has settled for most of the time. */
	return n->fd == -1 || !n->look_tree || before;
}

static void
rest(struct notify *n, uint64_t began)
{
	uint64_t now = clock_mono_ms(), ms = (now - began) * REST_TIMES;

	n->looked = now;
	n->quiet_until = now + (ms < REST_MAX ? ms : REST_MAX);
	if (n->settling && n->quiet_until < now + SETTLE)
		n->quiet_until = now + SETTLE;
}

int
notify_round(struct imap *im, bool expunge)
{
	struct notify *n = im->notify;
	uint64_t began = clock_mono_ms();
	bool tree, settled = hear(n);

	n->settling = !settled;
	if (tell_selected(im, expunge) == -1)
		return -1;
	tree = n->look_tree;
	n->look_tree = tree && settled;
	tell_others(im);
	if (im->notify == n) {
		n->look_tree = tree && !settled;
		rest(n, began);
	}
	return im->out.failed ? -1 : 0;
}

void
notify_others(struct imap *im)
{
	struct notify *n = im->notify;
	uint64_t now = clock_mono_ms();

	if (n == NULL || now < n->quiet_until || (n->fd == -1 &&
	    now < notify_when(im, now)))
		return;
	(void)hear(n);
	tell_others(im);
	if (im->notify == n)
		rest(n, now);
}

static void
clear(struct notify *n)
{
	for (size_t i = 0; i < n->n; i++) {
		free(n->box[i].raw);
		buf_free(&n->box[i].meta);
	}
	free(n->box);
	buf_free(&n->account);
	if (n->fd != -1)
		close(n->fd);
	arena_free(&n->arena);
	memset(n, 0, sizeof(*n));
	n->fd = n->root = -1;
}

void
notify_free(struct imap *im)
{
	if (im->notify == NULL)
		return;
	clear(im->notify);
	free(im->notify);
	im->notify = NULL;
}

void
notify_overflow(struct imap *im)
{
	(void)netout_adds(&im->out, "* OK [NOTIFICATIONOVERFLOW] Too many "
	    "mailboxes, nothing is told any more\r\n");
	clear(im->notify);
}

struct notify_box *
notify_find(const struct notify *n, const char *raw)
{
	size_t lo = 0, hi = n->n, mid;
	int c;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if ((c = strcmp(n->box[mid].raw, raw)) == 0)
			return &n->box[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

void
notify_own_names(struct imap *im, const char *raw, const char *second)
{
	struct notify *n = im->notify;

	if (n == NULL || n->groups == NULL)
		return;
	n->own[0] = raw;
	n->own[1] = second;
	if (notify_tree(im, n, true) == -1)
		notify_overflow(im);
	n->own[0] = n->own[1] = NULL;
}

void
notify_own_metadata(struct imap *im, const char *raw,
    const struct meta_entry *changes)
{
	struct notify *n = im->notify;
	struct notify_box *b = NULL;

	if (n == NULL || (raw != NULL && ((b = notify_find(n, raw)) == NULL ||
	    !(b->events & EV_METADATA))))
		return;
	n->own_entries = changes;
	notify_look_meta(im, b, raw);
	n->own_entries = NULL;
}

void
notify_own_messages(struct imap *im, const char *raw, size_t n,
    uint32_t first, uint32_t last)
{
	struct notify_box *b;

	if (im->notify == NULL)
		return;
	if (im->view.folder != NULL && strcmp(raw, im->view.raw) == 0) {
		im->view.own_first = first;
		im->view.own_last = last;
	} else if ((b = notify_find(im->notify, raw)) != NULL) {
		b->own += n;
		b->own_next = last + 1;
	}
}

void
notify_leave(struct imap *im, bool as_seen)
{
	const struct folder *f = im->view.folder;
	struct notify_box *b;

	if (im->notify == NULL || f == NULL ||
	    (b = notify_find(im->notify, im->view.raw)) == NULL)
		return;
	b->look = true;
	b->known = as_seen;
	if (!as_seen)
		return;
	b->unseen_known = false;
	b->status.messages = folder_count(f);
	b->status.uidnext = folder_uidnext(f);
	b->status.uidvalidity = folder_uidvalidity(f);
	b->status.highest_modseq = folder_highest_modseq(f);
}
