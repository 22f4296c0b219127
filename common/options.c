/*
 * Options of the programs that queue starts: the same four, and one or two of
 * their own.
 */
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ex.h"

void
options_parse(struct options *o, int argc, char *argv[], const char *letters,
    const char *usage, int operands)
{
	char all[32];
	int ch;

	memset(o, 0, sizeof(*o));
	snprintf(all, sizeof(all), "C:%s", letters);
	while ((ch = getopt(argc, argv, all)) != -1) {
		if (ch == '?' || ch > 127)
			break;
		if (ch == 'C')
			o->dir = optarg;
		o->given[ch] = true;
	}
	if (ch == -1 && argc - optind == operands)
		return;
	fputs(usage, stderr);
	exit(EX_USAGE);
}
