/*
 * For LD_PRELOAD into bindfs: its forwarded fcntl locks belong to the open file, that is to the program that opened it on the
 * mount, and not to bindfs as a whole, where none would ever keep another out.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>

typedef int (*call)(int, int, ...);

static int
forward(const char *name, int fd, int cmd, void *arg)
{
	if (cmd == F_SETLK || cmd == F_SETLKW || cmd == F_GETLK) {
		((struct flock *)arg)->l_pid = 0;
		cmd = cmd == F_SETLK ? F_OFD_SETLK :
		    cmd == F_SETLKW ? F_OFD_SETLKW : F_OFD_GETLK;
	}
	return ((call)dlsym(RTLD_NEXT, name))(fd, cmd, arg);
}

int
fcntl(int fd, int cmd, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	return forward("fcntl", fd, cmd, arg);
}

int
fcntl64(int fd, int cmd, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	return forward("fcntl64", fd, cmd, arg);
}
