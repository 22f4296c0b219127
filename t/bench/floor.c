/*
 * floor PORT DIR [fork]: the least that a server has to do for a message of
 * the SMTP harness: it answers each line without a look at it and makes the
 * content durable: create, write, fsync, rename to DIR/mail/uN/new.  One
 * process takes one client after another (S6), or forks one for each (S1, S2).
 * No privileges given up, no parsing, no queue, no log.
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define USERS	100

static int
say(int fd, const char *s)
{
	return write(fd, s, strlen(s)) == (ssize_t)strlen(s) ? 0 : -1;
}

static void
keep(const char *p, size_t n, const char *from, const char *to)
{
	int fd = open(from, O_WRONLY | O_CREAT | O_EXCL, 0600);

	if (fd == -1 || write(fd, p, n) != (ssize_t)n || fsync(fd) == -1 ||
	    close(fd) == -1 || rename(from, to) == -1)
		err(1, "%s", to);
}

/* More of the client's bytes, up to and with that end. */
static int
take(int fd, char *b, size_t size, size_t *n, const char *end)
{
	size_t len = strlen(end);
	ssize_t r;

	for (*n = 0; *n < len || memcmp(b + *n - len, end, len) != 0;
	    *n += (size_t)r)
		if (*n == size || (r = read(fd, b + *n, size - *n)) <= 0)
			return -1;
	return 0;
}

static void
session(int fd)
{
	static unsigned count;
	static char b[65536];
	char from[32], name[64], *user;
	unsigned u = 0;
	size_t n;

	if (say(fd, "220 floor\r\n") == -1)
		return;
	while (take(fd, b, sizeof(b) - 1, &n, "\r\n") == 0) {
		b[n] = '\0';
		if ((user = strstr(b, "TO:<u")) != NULL)
			u = (unsigned)strtoul(user + 5, NULL, 10) % USERS;
		if (strncmp(b, "DATA", 4) == 0) {
			if (say(fd, "354 go on\r\n") == -1 ||
			    take(fd, b, sizeof(b), &n, "\r\n.\r\n") == -1)
				return;
			snprintf(from, sizeof(from), "tmp.%d", getpid());
			snprintf(name, sizeof(name), "mail/u%u/new/%d.%u", u,
			    getpid(), count++);
			keep(b, n, from, name);
		}
		if (say(fd, "250 ok\r\n") == -1)
			return;
	}
}

int
main(int argc, char *argv[])
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int fd, on = 1, s = socket(AF_INET, SOCK_STREAM, 0);
	bool forks = argc == 4 && strcmp(argv[3], "fork") == 0;
	pid_t pid = 0;

	if (argc != 3 + forks || chdir(argv[2]) == -1)
		errx(64, "usage: floor PORT DIR [fork]");
	signal(SIGCHLD, SIG_IGN);
	sin.sin_port = htons((in_port_t)strtoul(argv[1], NULL, 10));
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (s == -1 ||
	    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    bind(s, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(s, 64) == -1)
		err(71, "port %s", argv[1]);
	while ((fd = accept(s, NULL, NULL)) != -1) {
		if (forks && (pid = fork()) == -1)
			err(71, "fork");
		if (pid == 0)
			session(fd);
		if (forks && pid == 0)
			_exit(0);
		close(fd);
	}
	err(71, "accept");
}
