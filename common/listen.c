/*
 * Listening sockets, and who is at the other end.  Reads no byte of any
 * client; believes getpeername(2) before the environment.
 */
#include "listen.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "limits.h"

#define LISTEN_BACKLOG	1024	/* OpenSMTPD's 5 loses connections in a burst */

enum listen_kind
listen_kind(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int on = 0;
	socklen_t on_len = sizeof(on);

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &on_len) == -1)
		return LISTEN_OTHER;
	if (on)
		return LISTEN_LISTENER;
	if (getpeername(fd, (struct sockaddr *)&ss, &len) == -1 &&
	    errno == ENOTCONN)
		return LISTEN_OTHER;
	return LISTEN_CONNECTED;
}

/* What is accepted inherits it. */
static void
keep_alive(int fd)
{
	int on = 1, idle = KEEPALIVE_IDLE, between = KEEPALIVE_BETWEEN,
	    count = KEEPALIVE_COUNT;

	if (setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) == -1)
		return;			/* no TCP */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &between,
	    sizeof(between));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
}

void
listen_prepare(int fd)
{
	int on = 1;

	(void)file_nonblock(fd, 1);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	keep_alive(fd);
}

void
listen_timeout(int fd, unsigned seconds)
{
	struct timeval tv = { .tv_sec = (time_t)seconds };

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

bool
listen_has_timeout(int fd, unsigned seconds)
{
	struct timeval in = { .tv_sec = 0 }, out = { .tv_sec = 0 };
	socklen_t in_len = sizeof(in), out_len = sizeof(out);

	return getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &in, &in_len) == 0 &&
	    getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &out, &out_len) == 0 &&
	    in.tv_sec == (time_t)seconds && out.tv_sec == in.tv_sec;
}

/* "host:port" into its parts; brackets around an IPv6 address. */
static int
split_spec(const char *spec, char *host, size_t hsize, const char **port)
{
	const char *colon = strrchr(spec, ':');
	size_t n;

	if (colon == NULL || colon[1] == '\0')
		return -1;
	*port = colon + 1;
	n = (size_t)(colon - spec);
	if (n >= 2 && spec[0] == '[' && spec[n - 1] == ']') {
		spec++;
		n -= 2;
	}
	if (n >= hsize)
		return -1;
	memcpy(host, spec, n);
	host[n] = '\0';
	if (strcmp(host, "*") == 0)
		host[0] = '\0';
	return 0;
}

static int
open_one(const struct addrinfo *ai)
{
	int on = 1, fd, e;

	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ai->ai_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
		    sizeof(on));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == -1 ||
	    listen(fd, LISTEN_BACKLOG) == -1) {
		e = errno;
		close(fd);
		errno = e;
		return -1;
	}
	return fd;
}

int
listen_open(const char *spec, int *fds, size_t *n, size_t max, char *error,
    size_t size)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *list, *ai;
	char host[256];
	const char *port;
	size_t before = *n;
	int r;

	if (split_spec(spec, host, sizeof(host), &port) == -1) {
		snprintf(error, size, "-l %s: write host:port, such as "
		    "127.0.0.1:2525, [::1]:25 or :25 for every address", spec);
		return -1;
	}
	r = getaddrinfo(host[0] != '\0' ? host : NULL, port, &hints, &list);
	if (r != 0) {
		snprintf(error, size, "-l %s: %s", spec, gai_strerror(r));
		return -1;
	}
	for (ai = list; ai != NULL && *n < max; ai = ai->ai_next) {
		int fd = open_one(ai);

		if (fd != -1)
			fds[(*n)++] = fd;
		else if (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL)
			break;
	}
	if (ai != NULL || *n == before) {
		snprintf(error, size, "-l %s: %s%s", spec, strerror(errno),
		    errno == EADDRINUSE ?
		    "; another server listens there: stop it first" :
		    errno == EACCES ?
		    "; start as root for a port below 1024" :
		    errno == EADDRNOTAVAIL ?
		    "; this machine has no such address" : "");
		freeaddrinfo(list);
		return -1;
	}
	freeaddrinfo(list);
	return 0;
}

/* An address as IPv6, IPv4 mapped; false for other families. */
static bool
to_in6(const struct sockaddr_storage *ss, struct in6_addr *out, unsigned *port)
{
	if (ss->ss_family == AF_INET) {
		const struct sockaddr_in *s4 = (const void *)ss;

		memset(out, 0, sizeof(*out));
		out->s6_addr[10] = out->s6_addr[11] = 0xff;
		memcpy(&out->s6_addr[12], &s4->sin_addr, 4);
		*port = ntohs(s4->sin_port);
		return true;
	}
	if (ss->ss_family == AF_INET6) {
		const struct sockaddr_in6 *s6 = (const void *)ss;

		*out = s6->sin6_addr;
		*port = ntohs(s6->sin6_port);
		return true;
	}
	return false;
}

void
listen_name(const char *spec, int fd, char *out, size_t size)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct in6_addr addr;
	unsigned port;
	size_t n = strlen(spec);

	strlcpy(out, spec, size);
	if (n < 2 || n >= size || strcmp(spec + n - 2, ":0") != 0 ||
	    getsockname(fd, (struct sockaddr *)&ss, &len) == -1 ||
	    !to_in6(&ss, &addr, &port))
		return;
	snprintf(out + n - 1, size - n + 1, "%u", port);
}

static void
print_in6(const struct in6_addr *a, char *out, size_t size)
{
	if (IN6_IS_ADDR_V4MAPPED(a))
		inet_ntop(AF_INET, &a->s6_addr[12], out, (socklen_t)size);
	else
		inet_ntop(AF_INET6, a, out, (socklen_t)size);
}

static bool
is_loopback(const struct in6_addr *a)
{
	if (IN6_IS_ADDR_V4MAPPED(a))
		return a->s6_addr[12] == 127;
	return IN6_IS_ADDR_LOOPBACK(a);
}

void
listen_peer_from(const struct sockaddr_storage *peer, struct conn *c)
{
	c->socket = true;
	strlcpy(c->peer_text, "local", sizeof(c->peer_text));
	c->loopback = true;
	if (!to_in6(peer, &c->peer_in6, &c->peer_port))
		return;		/* not from the network */
	print_in6(&c->peer_in6, c->peer_text, sizeof(c->peer_text));
	c->loopback = is_loopback(&c->peer_in6);
}

void
listen_peer_told(const struct in6_addr *addr, unsigned port, struct conn *c)
{
	c->socket = false;
	c->peer_in6 = *addr;
	c->peer_port = port;
	print_in6(addr, c->peer_text, sizeof(c->peer_text));
	c->loopback = false;
}

/* UCSPI (tcpserver): for a fd 0 that is a pipe in front of the connection. */
static void
peer_from_environment(struct conn *c)
{
	const char *ip = getenv("TCPREMOTEIP");
	const char *port = getenv("TCPREMOTEPORT");
	struct in6_addr a;
	struct in_addr a4;

	strlcpy(c->peer_text, "local", sizeof(c->peer_text));
	c->loopback = true;
	if (ip == NULL)
		return;
	memset(&a, 0, sizeof(a));
	if (inet_pton(AF_INET, ip, &a4) == 1) {
		a.s6_addr[10] = a.s6_addr[11] = 0xff;
		memcpy(&a.s6_addr[12], &a4, 4);
	} else if (inet_pton(AF_INET6, ip, &a) != 1) {
		c->loopback = false;	/* unknown is never trusted */
		strlcpy(c->peer_text, "unknown", sizeof(c->peer_text));
		return;
	}
	c->peer_in6 = a;
	c->loopback = is_loopback(&a);
	print_in6(&a, c->peer_text, sizeof(c->peer_text));
	if (port != NULL)
		c->peer_port = (unsigned)strtonum(port, 0, 65535, NULL);
}

void
listen_peer(int fd, struct conn *c)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);

	memset(&peer, 0, sizeof(peer));
	if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0)
		listen_peer_from(&peer, c);
	else
		peer_from_environment(c);
}
