/*
 * Exit codes, the same in every program; see EXIT STATUS in posthouse(7).
 */
#ifndef EX_H
#define EX_H

#include <sysexits.h>

/*
 * 0 done; 64 usage; 65 malformed input; 67 no such recipient; 69 refused for
 * good by the other side; 70 assertion; 71 fork, pipe or exec; 74 file I/O;
 * 75 try later; 76 the peer broke the protocol; 77 not permitted; 78
 * configuration.  100 and 111 are understood from users' programs only.
 */
enum proc_class { PROC_DONE, PROC_FAIL, PROC_DEFER };

/*
 * The class of a wait(2) status: 0 is done; 65, 67, 69, 76, 77, 100 and 112
 * fail for good; every other code and every signal defers, for a broken
 * script must delay mail and not bounce it.
 */
enum proc_class proc_class(int status);

#endif
