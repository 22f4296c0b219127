/*
 * The resolver process: reads domains, looks them up, answers with one byte.
 * Trusts neither the session, whose lines it parses anew and bounds, nor the
 * name servers, whose answers common/dns.c parses.  Its root is empty, it can
 * open sockets and nothing else, and it ends with the session.
 */
#include "resolver.h"

#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dns.h"
#include "ex.h"
#include "file.h"
#include "idna.h"
#include "log.h"
#include "netio.h"
#include "proc.h"
#include "sandbox.h"

static const int resolver_calls[] = {
	SYS_socket, SYS_connect, SYS_recvfrom, SYS_sendmsg, SYS_recvmsg,
	SYS_sendmmsg, SYS_ioctl, SYS_getpeername,
	-1
};
static const struct sandbox_role resolver_role = {
	.name = "smtpd resolver", .syscalls = resolver_calls,
	.memory = 16u << 20, .files = 16, .no_fork = true,
};

/* RFC 5321 section 5.1: MX, else the address of the domain itself. */
static enum domain_kind
look_up(struct span line)
{
	static struct dns_mx mx[DNS_MX_MAX];
	static struct sockaddr_storage addr[DNS_ADDR_MAX];
	char domain[ADDR_DOMAIN_MAX + 1], name[ADDR_DOMAIN_MAX + 1];
	enum dns_result r;
	bool null;
	size_t n;

	if (!is_domain(line, true) ||
	    span_cstr(line, domain, sizeof(domain)) == -1 ||
	    idna_ascii(domain, name, sizeof(name)) == -1)
		return DOMAIN_NONE;
	r = dns_mx(name, mx, &n, &null);
	if (r == DNS_OK)
		return null ? DOMAIN_NULL_MX : DOMAIN_OK;
	if (r == DNS_NONE)
		r = dns_addr(name, 25, addr, &n);
	return r == DNS_OK ? DOMAIN_OK : r == DNS_TEMP ? DOMAIN_TEMP :
	    DOMAIN_NONE;
}

/* Reads lines from 0, answers on 1, until the session is gone. */
static int
serve(void)
{
	struct span line;
	struct netin in;

	netin_init(&in, 0, NULL, 0);
	while (netin_line(&in, ADDR_DOMAIN_MAX, &line) == NETIN_LINE) {
		unsigned char answer = (unsigned char)look_up(line);

		if (file_write_all(1, &answer, 1) == -1)
			break;
	}
	netin_free(&in);
	return EX_OK;
}

static void
child(const struct control *c, int in, int out)
{
	static const struct sandbox_path nothing[1];
	const struct proc_map map[] = { { in, 0 }, { out, 1 } };
	char empty[300];

	log_forked();
	if (proc_arrange(map, 2) == -1 || dns_init() == -1)
		log_die_errno(EX_OSERR, "resolver");
	proc_close_from(3);
	snprintf(empty, sizeof(empty), "%s/empty", c->set.spool);
	if (sandbox_enter(&resolver_role, empty, &c->set.net_user, nothing, 0,
	    !c->set.sandbox) == -1)
		log_die_errno(EX_OSERR, "%s: cannot give up privileges",
		    resolver_role.name);
	_exit(serve());
}

int
resolver_start(struct resolver *r, const struct control *c)
{
	int ask[2], answer[2];
	pid_t pid;

	*r = (struct resolver){ .out = -1, .in = -1 };
	if (pipe2(ask, O_CLOEXEC) == -1)
		return -1;
	if (pipe2(answer, O_CLOEXEC) == -1) {
		close(ask[0]);
		close(ask[1]);
		return -1;
	}
	if ((pid = fork()) == 0)
		child(c, ask[0], answer[1]);
	close(ask[0]);
	close(answer[1]);
	if (pid == -1) {
		close(ask[1]);
		close(answer[0]);
		return -1;
	}
	r->out = ask[1];
	r->in = answer[0];
	return 0;
}

enum domain_kind
resolver_ask(struct resolver *r, const char *domain)
{
	struct pollfd pfd = { .events = POLLIN };
	char line[ADDR_DOMAIN_MAX + 4];
	unsigned char answer;
	int n;

	if (r == NULL)
		return DOMAIN_OK;
	n = snprintf(line, sizeof(line), "%s\r\n", domain);
	if (r->lost || n < 0 || (size_t)n >= sizeof(line) ||
	    file_write_all(r->out, line, (size_t)n) == -1)
		return DOMAIN_TEMP;
	pfd.fd = r->in;
	while ((n = poll(&pfd, 1, RESOLVER_SECONDS * 1000)) == -1 &&
	    errno == EINTR)
		;
	if (n != 1 || read(r->in, &answer, 1) != 1) {
		r->lost = true;	/* what comes later would answer another question */
		return DOMAIN_TEMP;
	}
	return answer == DOMAIN_OK || answer == DOMAIN_NONE ||
	    answer == DOMAIN_NULL_MX ? (enum domain_kind)answer : DOMAIN_TEMP;
}
