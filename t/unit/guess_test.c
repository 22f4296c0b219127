/*
 * Slowing down guesses: who waits, who is refused, and whom a stranger cannot
 * lock out; and a file that is damaged, foreign or gone.
 */
#include "guess.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <arpa/inet.h>

#include "clock.h"
#include "limits.h"
#include "test.h"

#define LIMIT	10
#define NOW	1800000000u

static char		path[] = "/tmp/posthouse_guess.XXXXXX";
static struct guesses	g;

static struct guess
attempt(const char *addr, const char *name)
{
	struct in6_addr a;
	struct guess out;

	if (inet_pton(AF_INET6, addr, &a) != 1)
		errx(1, "%s", addr);
	guess_init(&out, &a, strcmp(addr, "::1") == 0, name);
	return out;
}

static int
try(const char *addr, const char *name, uint64_t now)
{
	struct guess a = attempt(addr, name);

	return guess_begin(&g, &a, now);
}

static void
success(const char *addr, const char *name, uint64_t now)
{
	struct guess a = attempt(addr, name);

	guess_success(&g, &a, now);
}

static void
fresh(void)
{
	if (g.fd > 0)
		close(g.fd);
	unlink(path);
	CHECK(guess_open(&g, path, LIMIT) == 0, "open");
}

/* One network, one name each: the first ten are free, then it takes longer and
 * longer, then there is no answer, and time heals. */
static void
test_network(void)
{
	char name[32];
	int ms = 0, last = 0;
	unsigned i;

	fresh();
	for (i = 0; i < LIMIT + 1; i++) {
		snprintf(name, sizeof(name), "user%u@example.org", i);
		CHECK(try("::ffff:192.0.2.7", name, NOW) == 0, "free");
	}
	for (; i < 100 && ms != -1; i++) {
		snprintf(name, sizeof(name), "user%u@example.org", i);
		ms = try("::ffff:192.0.2.200", name, NOW);
		CHECK(ms == -1 || (ms >= last && ms <= GUESS_WAIT_MAX * 1000),
		    "waits");
		CHECK(ms == -1 || ms > 0, "waits at all");
		if (ms != -1)
			last = ms;
	}
	CHECK(ms == -1 && i > 3 * LIMIT && i < 6 * LIMIT, "refused at last");
	CHECK(last == GUESS_WAIT_MAX * 1000, "the longest wait");
	CHECK(try("::ffff:192.0.3.7", "x@example.org", NOW) == 0, "others");
	CHECK(try("2001:db8::7", "y@example.org", NOW) == 0, "IPv6");
	CHECK(try("::1", "z@example.org", NOW) == 0, "this machine");
	CHECK(try("::ffff:192.0.2.7", "x@example.org",
	    NOW + GUESS_WINDOW) != -1, "later");
	CHECK(try("::ffff:192.0.2.7", "x@example.org",
	    NOW + 10 * GUESS_WINDOW) == 0, "much later");
	/* The clock was wrong, and is set back by years. */
	for (i = 0; i < LIMIT; i++)
		(void)try("::ffff:192.0.9.7", "x@example.org", 2u * NOW);
	CHECK(try("::ffff:192.0.9.7", "x@example.org", NOW) == -1, "refused");
	CHECK(try("::ffff:192.0.9.7", "new@example.org",
	    NOW + 2 * GUESS_WINDOW + GUESS_REFUSE) == 0, "not for years");
	test_end("one network");
}

/* Many networks guess at one name: each of them waits, nobody is refused, and
 * the user at home, who was there before, does not even wait. */
static void
test_account(void)
{
	char addr[32];
	int ms;

	fresh();
	CHECK(try("2001:db8:1::5", "Alice@Example.org", NOW) == 0, "home");
	success("2001:db8:1::5", "alice@example.org", NOW);
	for (unsigned i = 0; i < 200; i++) {
		snprintf(addr, sizeof(addr), "::ffff:10.%u.%u.1", i / 200,
		    i % 200);
		ms = try(addr, "alice@example.org", NOW);
		CHECK(i <= LIMIT ? ms == 0 : ms > 0, addr);
	}
	CHECK(try("2001:db8:1::6", "alice@example.org", NOW) == 0, "home again");
	CHECK(try("::ffff:203.0.113.1", "alice@example.org", NOW) > 0,
	    "travelling: waits, is not refused");
	CHECK(try("::ffff:203.0.113.1", "bob@example.org", NOW) == 0, "bob");
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(addr, sizeof(addr), "2001:db8:2:%x::1", i);
		(void)try(addr, "carol@example.org", NOW);
	}
	CHECK(try("2001:db8:3::1", "carol@example.org", NOW + 3 * GUESS_WINDOW +
	    GUESS_REFUSE) == 0, "a day of guessing is forgotten in an hour");
	/* From the user's own network he waits for his own failures only. */
	for (unsigned i = 0; i < 100; i++)
		ms = try("2001:db8:1::7", "alice@example.org", NOW);
	CHECK(ms == GUESS_WAIT_MAX * 1000, "a stranger in the same network");
	CHECK(try("2001:db8:1::5", "alice@example.org",
	    NOW + GUESS_KNOWN + 1) == 0, "forgotten after a month");
	test_end("one account");
}

static void
test_success(void)
{
	fresh();
	for (unsigned i = 0; i < 100; i++) {
		CHECK(try("::ffff:192.0.2.7", "alice@example.org", NOW) == 0,
		    "right passwords cost nothing");
		success("::ffff:192.0.2.7", "alice@example.org", NOW);
	}
	g.limit = 0;
	for (unsigned i = 0; i < 100; i++)
		CHECK(try("::ffff:192.0.2.7", "x@example.org", NOW) == 0,
		    "turned off");
	g.limit = LIMIT;
	test_end("success");
}

/* Processes at the same time see each other's failures. */
static void
test_together(void)
{
	int status;

	fresh();
	for (unsigned i = 0; i < 8; i++)
		if (fork() == 0) {
			struct guesses own;

			if (guess_open(&own, path, LIMIT) == -1)
				_exit(1);
			g = own;
			for (unsigned k = 0; k < 2; k++)
				(void)try("::ffff:192.0.2.7", "a@example.org",
				    NOW);
			_exit(0);
		}
	while (wait(&status) > 0)
		CHECK(status == 0, "child");
	/* 16 failures: 6 above the limit, so this one waits 6 seconds. */
	CHECK(try("::ffff:192.0.2.7", "a@example.org", NOW) == 6000, "all seen");
	test_end("many processes");
}

/* A file that somebody has cut is of no use, and nobody waits for it. */
static void
test_cut(void)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int status;

	fresh();
	CHECK(ftruncate(g.fd, GUESS_LINE) == 0, "cut");
	CHECK(try("::ffff:192.0.2.7", "a@example.org", NOW) == 0, "no wait");
	if (fork() == 0)
		_exit(fcntl(g.fd, F_SETLK, &fl) == -1);
	CHECK(wait(&status) > 0 && status == 0, "no lock stays");
	test_end("a file that was cut");
}

static void
test_file(void)
{
	unsigned char key[SHA256_SIZE], junk[GUESS_FILE_SIZE];
	struct guesses other;
	char link_path[64];
	int fd;

	fresh();
	memcpy(key, g.key, sizeof(key));
	CHECK(guess_open(&other, path, LIMIT) == 0 &&
	    memcmp(key, other.key, sizeof(key)) == 0, "the key stays");
	close(other.fd);
	memset(junk, 0xa5, sizeof(junk));
	fd = open(path, O_WRONLY);
	CHECK(fd != -1 && file_write_all(fd, junk, sizeof(junk)) == 0, "junk");
	close(fd);
	CHECK(guess_open(&other, path, LIMIT) == 0 &&
	    memcmp(key, other.key, sizeof(key)) != 0, "damaged: a new one");
	close(other.fd);
	CHECK(try("::ffff:192.0.2.7", "a@example.org", NOW) == 0, "empty");
	snprintf(link_path, sizeof(link_path), "%s.link", path);
	CHECK(symlink(path, link_path) == 0 &&
	    guess_open(&other, link_path, LIMIT) == -1, "a symbolic link");
	unlink(link_path);
	CHECK(link(path, link_path) == 0 &&
	    guess_open(&other, path, LIMIT) == -1 && other.fd == -1,
	    "a second name");
	unlink(link_path);
	CHECK(guess_open(&other, "/nonexistent/x", LIMIT) == -1, "no place");
	other.fd = -1;
	g.fd = -1;
	CHECK(try("::ffff:192.0.2.7", "a@example.org", NOW) == 0, "no file");
	unlink(path);
	test_end("the file");
}

int
main(void)
{
	int fd = mkstemp(path);

	if (fd == -1)
		err(1, "mkstemp");
	close(fd);
	clock_init();
	test_network();
	test_account();
	test_success();
	test_together();
	test_cut();
	test_file();
	return test_done();
}
