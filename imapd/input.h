/*
 * The command reader: lines and literals put together to whole commands.
 */
#ifndef INPUT_H
#define INPUT_H

#include <stdbool.h>

#include "netio.h"
#include "parse.h"

enum input_result {
	INPUT_COMMAND,		/* cmd holds a whole command */
	INPUT_STREAM,		/* cmd ends in a literal that is not to be kept: lit */
	INPUT_REFUSED,		/* why: tagged BAD (code), and go on */
	INPUT_CLOSE,		/* why: BYE; what follows cannot be told from data */
	INPUT_EOF,
	INPUT_TIMEOUT,
	INPUT_ERROR
};

struct input {
	struct netin in;
	struct netout *out;
	struct buf cmd;		/* without the last CRLF */
	size_t max;		/* bytes of one command */
	size_t unasked;		/* bytes of a non-synchronizing literal; 0: any */
	unsigned rate;		/* bytes a second that a literal must make; 0: any */
	const char *why, *code;	/* code may be NULL */
	struct literal lit;	/* the last one that was announced */
	/* Asked about each literal with the text before its marker: is it to be
	 * streamed?  NULL: never. */
	bool (*streams)(struct span before);
};

void	input_init(struct input *, int fd, struct netout *, size_t max,
	    unsigned pause);
void	input_free(struct input *);
/* Gives memory back that only an active session needs. */
void	input_shrink(struct input *);
/* Reads the next command. */
enum input_result input_command(struct input *);
/* After INPUT_STREAM: what follows the literal, to the end of the line or the next
 * literal. */
enum input_result input_rest(struct input *);
/*
 * Asks for the announced literal (lit) and gives it to sink piece by piece.
 * Once sink has returned -1 the rest is read and thrown away.  INPUT_COMMAND, or how the
 * input ended.
 */
enum input_result input_stream(struct input *,
	    int (*sink)(void *arg, const void *, size_t), void *arg);
/* One line that is no command (SASL, DONE): INPUT_COMMAND and *line, valid until the next call. */
enum input_result input_line(struct input *, size_t max, struct span *line);

#endif
