/*
 * Listening sockets and what fd 0 is.
 */
#ifndef LISTEN_H
#define LISTEN_H

#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>

#include "chain.h"

enum listen_kind { LISTEN_LISTENER, LISTEN_CONNECTED, LISTEN_OTHER };

/* What fd is: a listening socket, a connected one, or a pipe, file or terminal. */
enum listen_kind listen_kind(int fd);
/* Opens "host:port", "[::1]:port", ":port" or "*:port" (every address).  Appends to fds (room in
 * *n of max).  0, or -1 with the reason in error. */
int	listen_open(const char *spec, int *fds, size_t *n, size_t max,
	    char *error, size_t size);
/* The "host:port" that fd was opened with, and for port 0 the port that it got. */
void	listen_name(const char *spec, int fd, char *out, size_t size);
/* Prepares a listening socket that was inherited or opened: non-blocking,
 * replies not held back (TCP_NODELAY is inherited by its connections). */
void	listen_prepare(int fd);
/* How long a read or a write on its connections may wait, where these inherit
 * that, as on Linux; and whether a connection has. */
void	listen_timeout(int fd, unsigned seconds);
bool	listen_has_timeout(int fd, unsigned seconds);
/* Fills peer, its port and loopback from the socket, or from the UCSPI variables
 * where fd is none. */
void	listen_peer(int fd, struct conn *);
/* The same where a proxy has told it: never loopback. */
void	listen_peer_told(const struct in6_addr *, unsigned port, struct conn *);
/* The same where accept(2) has told the peer already. */
void	listen_peer_from(const struct sockaddr_storage *, struct conn *);

#endif
