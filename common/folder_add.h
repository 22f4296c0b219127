/*
 * Adding to folders, and the folders of an account: the other half of folder.h, which includes this.
 */
#ifndef FOLDER_ADD_H
#define FOLDER_ADD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct folder;

/*
 * A message being added (APPEND).  Content with LF or CRLF line ends is stored with LF.
 * commit: durable, with flags, keywords and arrival (0: now), and returns its UID.
 */
struct folder_append;
struct folder_append *folder_append_begin(const char *dir);
int	folder_append_add(struct folder_append *, const void *, size_t);
int	folder_append_commit(struct folder_append *, unsigned flags,
	    const char *const *keywords, size_t nkeywords, time_t arrival, uint32_t *uidvalidity, uint32_t *uid);
void	folder_append_abort(struct folder_append *);
/* Several into one folder: all or none, with one lock and shared syncs.  Ends all of them in either case;
 * to[k] becomes NULL. */
struct folder_message {
	struct folder_append *to;
	unsigned flags;
	const char *const *keywords;
	size_t nkeywords;
	time_t arrival;
	uint32_t uid;			/* set */
};
int	folder_append_commit_many(struct folder_message *, size_t n,
	    uint32_t *uidvalidity);

/* Copies (link(2), or a real copy across file systems) n messages into the folder in dir with their flags and
 * keywords, with one lock and one sync; move is rename(2), and goes on without what has vanished: uids[k] is 0
 * there.  0, the new UIDs; -1: nothing was copied (what had been moved stays moved); with errno ESRCH because
 * one of them has vanished. */
int	folder_copy_many(struct folder *, const size_t *i, size_t n, const char *dir, bool move,
	    uint32_t *uidvalidity, uint32_t *uids);
/* The same, and only of these flags, and keywords, do the new messages have what the old ones had. */
struct folder_marks {
	unsigned flags;			/* MAIL_* */
	bool keywords;
};
int	folder_copy_marked(struct folder *, const size_t *i, size_t n, const char *dir, bool move,
	    const struct folder_marks *, uint32_t *uidvalidity, uint32_t *uids);

/* Called for each message that folder_copy_many has done; NULL: nothing. */
void	folder_on_copy(struct folder *, void (*)(void *arg, size_t done, size_t n),
	    void *arg);

/* STATUS without opening for work: counts. */
struct folder_status {
	size_t messages, unseen, recent, deleted;
	uint32_t uidnext, uidvalidity;
	uint64_t highest_modseq;
	char id[48];			/* FOLDER_ID_SIZE */
};
int	folder_status(const char *dir, struct folder_status *);

/* The folders of an account: Maildir++ (".A.B" is A/B).  Names here are the raw directory names without
 * the leading dot; "" is INBOX. */
int	folder_list(const char *root, int (*each)(void *arg, const char *name), void *arg);
int	folder_create(const char *root, const char *name);	/* EEXIST */
int	folder_delete(const char *root, const char *name);
int	folder_rename(const char *root, const char *from, const char *to);
int	folder_path(const char *root, const char *name, char *out, size_t size);

#endif
