/*
 * The options of a program that has letters alone: -C with the control
 * directory, the others without a value.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>

struct options {
	const char *dir;	/* -C; NULL: not given */
	bool given[128];	/* by letter */
};

/*
 * Takes the options; letters are those without a value.  Anything else prints
 * usage and ends the program with 64; so do operands, unless that many are
 * wanted.  optind is that of the first of them.
 */
void	options_parse(struct options *, int argc, char *argv[],
	    const char *letters, const char *usage, int operands);

#endif
