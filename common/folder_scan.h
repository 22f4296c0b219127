/*
 * What goes on between a folder and its directories: listing, following, the cache.  The second half of folder_impl.h,
 * which includes it.
 */
#ifndef FOLDER_SCAN_H
#define FOLDER_SCAN_H

/* folder_scan.c */
/* Finds out what changed; take_up: gives UIDs to new files.  0 or -1. */
int	folder_scan(struct folder *, bool take_up);
/* 1: the directories are not, or may not be, as they were before the last listing; 0; -1. */
int	folder_dirs_changed(struct folder *);
/* Whether a change since the last listing would have given them another time. */
bool	folder_settled(const struct folder *);
/* Matches the messages with a fresh listing and takes over its names.  Returns how many are missing
 * for the first time, or -1. */
long	folder_apply(struct folder *, struct listing *);
int	folder_add_msg(struct folder *, uint32_t uid, struct listing *,
	    struct entry *);
/* As folder_lower, over messages not told yet too. */
size_t	folder_lower_all(const struct folder *, uint32_t uid);
struct span msg_name(const struct folder *, const struct msg *);
struct span msg_unique(const struct folder *, const struct msg *);
struct span msg_base(const struct folder *, const struct msg *);
/* "cur/NAME" or "new/NAME". 0 or -1. */
int	msg_path(const struct folder *, const struct msg *, char out[FOLDER_PATH_MAX]);
/* Notes that the file is now called name, in cur. */
int	msg_renamed(struct folder *, struct msg *, struct span name);

/* Notes that there is something to tell about m. */
void	msg_touch(struct folder *, const struct msg *);
/* Notes whether the list knows the marks that m has now. */
void	msg_doubt(struct folder *, const struct msg *);

/* Notes that the file is now called name there; a change of flags is news. 0 or -1. */
int	msg_moved(struct folder *, struct msg *, struct span name, bool in_new);

/* folder_cache.c */
/* Takes from posthouse.cache what it tells, when it fits the uid list.  Whether it did. */
bool	folder_cache_load(struct folder *);
/* Writes it, and where that is worth it maps it in place of memory.  Best effort. */
void	folder_cache_save(struct folder *);
void	folder_cache_drop(struct folder *);
/* The message of that name, without looking at all of them where there is a cache; or NULL. */
struct msg *folder_find(const struct folder *, struct span unique);
/* folder_blob.c */
void	folder_blob_close(struct folder *);
void	folder_count_all(struct folder *);	/* sets counts */
/* Before n bytes at this place of the mapped file are believed.  Does not return when they are damaged. */
void	folder_cache_check(const struct folder *, const void *, size_t n);
/* Room for one more message.  0 or -1. */
int	folder_grow(struct folder *);

/* Message i, also of those not told yet; i < nmsgs.  Changes of it stay this session's own. */
static inline struct msg *
msg_at(const struct folder *f, size_t i)
{
	size_t b = i * sizeof(struct msg) / CACHE_BLOCK;

	if (i < f->map.nmsgs && (f->map.checked[b / 8] >> b % 8 & 1) == 0)
		folder_cache_check(f, f->map.file + CACHE_BLOCK +
		    i * sizeof(struct msg), 1);
	return &f->msgs[i];
}

/* folder_events.c */
/* Notes a change made by us at path, for the watch will tell it too. */
void	folder_own(struct folder *, const char *path, bool came);
void	folder_own_forget(struct folder *);
/* Before changes: watches a folder that is expensive to list. */
void	folder_watch_if_large(struct folder *);
/* Until a listing, before which it tells again, the watch tells nothing. */
void	folder_watch_quiet(struct folder *, bool quiet);
/* Takes up lines and the files of a listing that is not of all files.  0; 1: a listing is needed, and text may be
 * empty now; -1. */
int	folder_take_up(struct folder *, struct listing *, struct buf *text);
/* Whether it pays to list new/ alone, where only that has changed. */
bool	folder_has_few_new(const struct folder *);
/* Lists new/, applies what came there, and new lines.  1 done, 0 a listing is needed, -1. */
int	folder_take_new(struct folder *, struct listing *, struct buf *text);
/* Applies what the watch tells, and new lines.  1 done, 0 a listing is needed, -1. */
int	folder_follow(struct folder *, struct listing *, struct buf *text);

#endif
