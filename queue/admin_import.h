/*
 * posthouse maildir import: what its parts share.
 *
 *	admin_import.c		one folder: an mbox file, or a Maildir
 *	admin_import_tree.c	all folders below, and what the user has subscribed to
 */
#ifndef ADMIN_IMPORT_H
#define ADMIN_IMPORT_H

#include "admin.h"
#include "control.h"
#include "folder_source.h"

struct import {
	struct control control;
	const char *folder;		/* "" is INBOX; of a tree, where it goes below */
	const char *address, *source;
	bool tree;
	char path[1024];		/* of the folder */
	struct account account;
	int fd;				/* source */
	struct folder_source keywords;	/* of it */
	size_t messages, folders;
};

/* The messages of the file or Maildir open at fd, which is closed, into the folder, which is made. 0 or -1, told. */
int	import_folder(struct import *, int fd, const char *folder,
	    const char *source);
/* All of m->fd, a directory: a Maildir with its folders, or mbox files and directories of them. 0 or -1, told. */
int	import_tree(struct import *);

#endif
