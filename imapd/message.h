/*
 * The bytes of one message, read as far as they are needed.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <stdbool.h>

#include "buf.h"
#include "folder.h"
#include "mime.h"

enum message_need { NEED_NOTHING, NEED_HEADER, NEED_WHOLE, NEED_TREE };

struct message {
	struct folder *folder;
	size_t i;
	int fd;
	enum message_need has;
	struct span text;		/* from the start: the header, or all */
	struct mime_tree tree;		/* NEED_TREE */
	unsigned char *mem;		/* kept from message to message */
	size_t cap;
	void *map;
	size_t map_len, size;
};

void	message_init(struct message *, struct folder *);
/* Goes on to message i; nothing is read yet. */
void	message_begin(struct message *, size_t i);
/* Reads what is needed: 0, or -1 when the message has gone or cannot be read. */
int	message_need(struct message *, enum message_need);
void	message_end(struct message *);
void	message_free(struct message *);

/* The header, maybe with what follows it: for header_field, which finds its end. */
struct span message_header(const struct message *);

#endif
