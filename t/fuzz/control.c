/*
 * Control files from any bytes: the first byte chooses the file, the rest is
 * its content.  Whatever loads must answer every question without harm.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "file.h"
#include "rcpt.h"

static const char *const files[] = { "settings", "hostname", "domains",
    "networks", "routes", "users", "aliases", "passwords" };
#define NFILES	(sizeof(files) / sizeof(files[0]))

/* What the files hold that the input does not choose. */
static const char *const base[NFILES] = { "net-user 1\ntls-user 1\n"
    "auth-user 1\nqueue-user 1\nsend-user 1\nmail-user 1\nspool-group 1\n",
    "mx.example.org\n", "example.org\n", "192.0.2.0/24\n", "* mx:\n",
    "a@example.org:\n", "\"a:b\": a, b@example.net\n", "a@example.org:x\n" };

static char	dir[] = "/tmp/posthouse_fuzz.XXXXXX";

static void
cleanup(void)
{
	char path[64];

	for (size_t i = 0; i < NFILES; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		unlink(path);
	}
	rmdir(dir);
}

static void
put(const char *file, const void *p, size_t n)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd == -1 || file_write_all(fd, p, n) == -1 || close(fd) == -1)
		abort();
}

static int
each(void *arg, const struct addr *a)
{
	(void)arg;
	if (strlen(a->text) > ADDR_MAX + 7)
		abort();
	return 0;
}

static void
ask(const struct control *c)
{
	static const char *const asked[] = { "a@example.org", "a+b@example.org",
	    "\"a:b\"@example.org", "x@example.net" };
	struct in6_addr any = IN6ADDR_ANY_INIT;
	struct rcpt_decision d;
	struct route r;
	struct addr a;

	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		if (parse_mailbox(span_str(asked[i]), true, &a) != ADDR_OK)
			abort();
		rcpt_decide(c, &a, &d);
		if (d.kind == RCPT_ALIAS)
			(void)alias_targets(d.targets, addr_domain(&a), each, NULL);
		(void)route_find(c, addr_domain(&a), &r);
	}
	if (control_may_relay(c, &any) && c->nnetworks == 0)
		abort();
}

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static size_t changed = NFILES;
	struct control c;

	if (size == 0)
		return 0;
	if (changed == NFILES) {
		if (mkdtemp(dir) == NULL)
			abort();
		atexit(cleanup);
		for (size_t i = 0; i < NFILES; i++)
			put(files[i], base[i], strlen(base[i]));
	} else
		put(files[changed], base[changed], strlen(base[changed]));
	changed = data[0] % NFILES;
	put(files[changed], data + 1, size - 1);
	control_init(&c, dir, 0x7f);
	/* What loaded beside an error is asked as well. */
	(void)control_load(&c, NULL);
	ask(&c);
	control_free(&c);
	return 0;
}
