/*
 * Child processes with an explicit descriptor map.
 */
#ifndef PROC_H
#define PROC_H

#include <sys/types.h>

#include <stdbool.h>

#include "settings.h"

/* For a variable that the listener or each session writes to: on the pages of the small variables
 * (Makefile), which they write to anyway.  The compiler would align it as for vectors. */
#define SMALL	_Alignas(8)

/*
 * The role of each descriptor, the same in every program (posthouse(7)):
 * 0 main input, 1 main output, 2 log, 3 second input, 4 result lines.
 */
struct proc_map { int from; int to; };

/*
 * Forks and executes path with argv and envp (NULL: the present one).  The child has exactly the
 * descriptors of map (and 2, if map does not name it); a from of -1 gives /dev/null.
 * Returns the pid, or -1 with errno (also when exec fails).
 */
pid_t	proc_spawn(const char *path, char *const argv[], char *const envp[],
	    const struct proc_map *map, size_t nmap);
/* The file of that name beside this program, so that a build folder works as what is
 * installed. */
void	proc_beside(const char *name, char *out, size_t size);
/* Closes every descriptor from low upwards. */
void	proc_close_from(int low);
/* Moves the descriptors of map to their places in this process and closes all others above 4
 * (2 is kept).  For a forked child that does not exec. */
int	proc_arrange(const struct proc_map *map, size_t nmap);
/* Gives up root for good: setgroups, setgid, setuid, and checks that it cannot come back.
 * No effect (0) when not root.  0 or -1. */
int	proc_become(const struct ids *);
/* The same, and a member of this group besides. */
int	proc_become_in(const struct ids *, gid_t);
/* Are we root?  Asked once; proc_become changes it. */
bool	proc_is_root(void);
/* fork(2), for a program of one thread and a child that has no use for what a library does after
 * fork (TLS has: its random numbers): no locks of libc are reset, no handlers called. */
pid_t	proc_fork(void);
void	proc_ignore_sigpipe(void);
/* No signal is blocked any more. */
void	proc_unblock_signals(void);
/* Memory of this process alone: what it forks does not have it, where the system can do that, so
 * that it sees nothing of it and no page is copied.  In place of old, which had
 * so many bytes (NULL: nothing); what is new is zero.  NULL with errno: old stands. */
void	*proc_private(void *old, size_t had, size_t want);
/* Gives back the pages of programs and libraries that starting up has touched and waiting does
 * not: what is needed again comes from the file. */
void	proc_settle(void);

#endif
