/*
 * From a destination to a connected socket.  Trusts DNS to say where mail
 * goes, but not to send it back to ourselves or round in a circle.
 */
#include "remote_target.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "idna.h"
#include "limits.h"
#include "remote_loop.h"

#define RACE_STAGGER	250	/* ms before the next address starts: RFC 8305 section 5 */

static void
one_host(struct targets *t, const char *host)
{
	t->n = 1;
	t->mx[0].pref = 0;
	strlcpy(t->mx[0].host, host, sizeof(t->mx[0].host));
}

/* "[192.0.2.1]" or "[IPv6:2001:db8::1]" (RFC 5321 section 4.1.3); a route may
 * leave "IPv6:" out. */
static bool
parse_literal(const char *host, unsigned port, struct sockaddr_storage *ss)
{
	struct sockaddr_in s4 = { .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port) };
	struct sockaddr_in6 s6 = { .sin6_family = AF_INET6,
	    .sin6_port = htons((uint16_t)port) };
	char text[64];
	struct cur c;
	struct span s;

	cur_init(&c, span_str(host));
	if (!cur_ch(&c, '['))
		return false;
	(void)cur_word(&c, "IPv6:");
	s = cur_until(&c, ']');
	if (!cur_ch(&c, ']') || !cur_end(&c) ||
	    span_cstr(s, text, sizeof(text)) == -1)
		return false;
	memset(ss, 0, sizeof(*ss));
	if (inet_pton(AF_INET, text, &s4.sin_addr) == 1) {
		memcpy(ss, &s4, sizeof(s4));
		return true;
	}
	if (inet_pton(AF_INET6, text, &s6.sin6_addr) != 1)
		return false;
	memcpy(ss, &s6, sizeof(s6));
	return true;
}

/* RFC 5321 section 5.1: from our own name on, every host of the same or a
 * higher preference value would give the mail back to us. */
static int
drop_self(struct targets *t, const char *domain, const char *own,
    struct verdict *v)
{
	size_t i, n = 0;

	for (i = 0; i < t->n; i++)
		if (strcasecmp(t->mx[i].host, own) == 0)
			break;
	if (i == t->n)
		return 0;
	while (n < i && t->mx[n].pref < t->mx[i].pref)
		n++;
	t->n = n;
	if (n > 0)
		return 0;
	loop_mx(domain, own, own, v);
	return -1;
}

static int
find_mx(const char *domain, const char *own, struct targets *t,
    struct verdict *v)
{
	bool null;

	switch (dns_mx(domain, t->mx, &t->n, &null)) {
	case DNS_OK:
		break;
	case DNS_NONE:		/* the domain itself is the host: RFC 5321 5.1 */
		one_host(t, domain);
		return drop_self(t, domain, own, v);
	case DNS_NXDOMAIN:
		verdict_set(v, PROC_FAIL, "5.1.2", "no such domain: %s",
		    domain);
		return -1;
	default:
		verdict_set(v, PROC_DEFER, "4.4.3",
		    "no answer from DNS about the MX hosts of %s", domain);
		return -1;
	}
	if (null) {		/* RFC 7505 section 4.1 */
		verdict_set(v, PROC_FAIL, "5.1.10",
		    "%s does not accept mail (null MX)", domain);
		return -1;
	}
	return drop_self(t, domain, own, v);
}

int
targets_find(const struct route *r, const char *domain, const char *own_name,
    struct targets *t, struct verdict *v)
{
	struct sockaddr_storage ss;
	bool mx = strcmp(r->host, "mx:") == 0 || r->host[0] == '\0';
	const char *host = mx ? domain : r->host;
	char ascii[ADDR_DOMAIN_MAX + 1];

	memset(t, 0, sizeof(*t));
	t->port = r->port;
	if (host[0] == '[') {
		one_host(t, host);
		t->literal = parse_literal(host, t->port, &ss);
		if (t->literal)
			return 0;
		verdict_set(v, mx ? PROC_FAIL : PROC_DEFER,
		    mx ? "5.1.2" : "4.3.5", "not an address: %s", host);
		return -1;
	}
	if (mx && idna_ascii(domain, ascii, sizeof(ascii)) == -1) {
		verdict_set(v, PROC_FAIL, "5.1.2", "no such domain: %s",
		    domain);
		return -1;
	}
	if (mx) {
		t->domain = domain;
		return find_mx(ascii, own_name, t, v);
	}
	one_host(t, host);
	return 0;
}

int
targets_addr(const struct targets *t, size_t i, struct sockaddr_storage *ss,
    size_t *n, struct verdict *v)
{
	const char *host = t->mx[i].host;

	if (t->literal) {
		*n = 1;
		return parse_literal(host, t->port, &ss[0]) ? 0 : -1;
	}
	if (dns_is_address(host)) {
		verdict_set(v, PROC_FAIL, "5.4.4", "the MX record of %s is "
		    "wrong: it names %s, an address, where the name of a host "
		    "must stand (RFC 5321 section 5.1); only whoever runs the "
		    "DNS of %s can mend it", t->domain, host, t->domain);
		return -1;
	}
	switch (dns_addr(host, t->port, ss, n)) {
	case DNS_OK:
		return 0;
	case DNS_TEMP:
		verdict_set(v, PROC_DEFER, "4.4.3",
		    "no answer from DNS about the addresses of %s", host);
		return -1;
	default:
		verdict_set(v, PROC_FAIL, "5.4.4", "no address for host %s",
		    host);
		return -1;
	}
}

void
target_text(const struct sockaddr_storage *ss, char *out, size_t size)
{
	struct sockaddr_in s4;
	struct sockaddr_in6 s6;
	char text[INET6_ADDRSTRLEN] = "?";
	unsigned port;

	memcpy(&s4, ss, sizeof(s4));
	memcpy(&s6, ss, sizeof(s6));
	if (ss->ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &s6.sin6_addr, text, sizeof(text));
		port = ntohs(s6.sin6_port);
	} else {
		inet_ntop(AF_INET, &s4.sin_addr, text, sizeof(text));
		port = ntohs(s4.sin_port);
	}
	snprintf(out, size, "[%s]:%u", text, port);
}

struct racer { int fd; size_t index; };

/* From the address that the route names: 0, or -1. */
static int
bind_source(const struct route *r, int family, int fd)
{
	struct sockaddr_in s4 = { .sin_family = AF_INET };
	struct sockaddr_in6 s6 = { .sin6_family = AF_INET6 };

	if (family == AF_INET6)
		return r->source6[0] == '\0' ||
		    (inet_pton(AF_INET6, r->source6, &s6.sin6_addr) == 1 &&
		    bind(fd, (struct sockaddr *)&s6, sizeof(s6)) == 0) ? 0 : -1;
	return r->source4[0] == '\0' ||
	    (inet_pton(AF_INET, r->source4, &s4.sin_addr) == 1 &&
	    bind(fd, (struct sockaddr *)&s4, sizeof(s4)) == 0) ? 0 : -1;
}

/* A connection that has begun, or -1. */
static int
start_connect(const struct route *r, const struct sockaddr_storage *ss)
{
	socklen_t len = ss->ss_family == AF_INET6 ?
	    sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	int fd, e;

	fd = socket(ss->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	if (fd == -1)
		return -1;
	if (bind_source(r, ss->ss_family, fd) == 0 &&
	    (connect(fd, (const struct sockaddr *)ss, len) == 0 ||
	    errno == EINPROGRESS))
		return fd;
	e = errno;
	close(fd);
	errno = e;
	return -1;
}

/* 0 connected, else why not. */
static int
connect_error(int fd)
{
	int e = 0;
	socklen_t n = sizeof(e);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &n) == -1 ? errno : e;
}

/* Starts the next untried address.  False when there is none. */
static bool
start_next(const struct route *route, const struct sockaddr_storage *ss,
    size_t n, bool *tried, struct racer *r, int *why)
{
	for (size_t i = 0; i < n; i++) {
		if (tried[i])
			continue;
		tried[i] = true;
		r->index = i;
		if ((r->fd = start_connect(route, &ss[i])) != -1)
			return true;
		*why = errno;
	}
	return false;
}

/* Waits for racers until ms have passed: the index of the one that has come
 * through, or -1.  Those that failed are closed. */
static int
race(struct racer *r, int n, int ms, int *why)
{
	struct pollfd pfd[2];

	for (int i = 0; i < n; i++)
		pfd[i] = (struct pollfd){ .fd = r[i].fd, .events = POLLOUT };
	if (poll(pfd, (nfds_t)n, ms) == -1 && errno != EINTR)
		*why = errno;
	for (int i = 0; i < n; i++) {
		if (r[i].fd == -1 || pfd[i].revents == 0)
			continue;
		if ((*why = connect_error(r[i].fd)) == 0)
			return i;
		close(r[i].fd);
		r[i].fd = -1;
	}
	return -1;
}

int
target_connect(const struct route *route, const struct sockaddr_storage *ss,
    size_t n, bool *tried, unsigned timeout, size_t *which)
{
	struct racer r[2] = { { -1, 0 }, { -1, 0 } };
	uint64_t end = clock_mono_ms() + (uint64_t)timeout * 1000, now;
	bool second = false;
	int won = -1, why = ETIMEDOUT;

	if (!start_next(route, ss, n, tried, &r[0], &why)) {
		*which = r[0].index;
		errno = why;
		return -1;
	}
	while (won == -1 && (now = clock_mono_ms()) < end) {
		int ms = (int)(end - now);

		if (!second && ms > RACE_STAGGER)
			ms = RACE_STAGGER;
		won = race(r, 2, ms, &why);
		if (won == -1 && !second) {
			(void)start_next(route, ss, n, tried, &r[1],
			    &why);
			second = true;
		}
		if (won == -1 && r[0].fd == -1 && r[1].fd == -1)
			break;
	}
	if (won == -1 && (r[0].fd != -1 || r[1].fd != -1))
		why = ETIMEDOUT;
	for (int i = 0; i < 2; i++)
		if (i != won && r[i].fd != -1) {
			close(r[i].fd);
			/* Beaten, not broken: it may have its turn later. */
			tried[r[i].index] = won == -1;
		}
	if (won == -1) {
		*which = r[0].index;
		errno = why;
		return -1;
	}
	*which = r[won].index;
	(void)fcntl(r[won].fd, F_SETFL, 0);
	return r[won].fd;
}
