/*
 * The main function that pop3d and imapd share.
 */
#ifndef CHAIN_MAIN_H
#define CHAIN_MAIN_H

#include "chain.h"

/*
 * Options, control files, then chain_run; or, with a directory as argument, one
 * session over that Maildir on descriptors 0 and 1, already logged in, as
 * whoever started the program.  Returns the exit code.
 */
int	chain_main(const struct chain_service *, int argc, char *argv[]);

#endif
