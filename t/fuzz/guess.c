/*
 * The file of failed logins, which anything may have damaged: the input stands where the records of one attempt are, its first
 * byte says whether at the front of the file, too.  Nobody waits longer than the longest wait; who knows the password is
 * known from then on; what is written are whole records; and time heals.
 */
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "guess.h"
#include "limits.h"
#include "log.h"

#define LIMIT	10
#define NOW	1800000000u
#define SET	(GUESS_WAYS * GUESS_LINE)
#define SETS	3		/* of network, name and both */

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static char	path[] = "/dev/shm/fuzz-guess.XXXXXX";
static char	front[GUESS_LINE];	/* as it was made */
static off_t	at[SETS];		/* where the records of our attempt are */

static void
clean(void)
{
	(void)unlink(path);
}

static struct guess
attempt(void)
{
	struct guess a;
	struct in6_addr addr;

	(void)inet_pton(AF_INET6, "::ffff:192.0.2.7", &addr);
	guess_init(&a, &addr, false, "Bob@example.test");
	return a;
}

/* The sets that are not empty. */
static size_t
find_sets(int fd)
{
	char set[SET], none[SET] = "";
	size_t n = 0;

	for (off_t o = SET; o < GUESS_FILE_SIZE; o += SET)
		if (pread(fd, set, SET, o) == SET &&
		    memcmp(set, none, SET) != 0 && n++ < SETS)
			at[n - 1] = o;
	return n;
}

static void
setup(void)
{
	struct guesses g;
	struct guess a = attempt();
	int fd = mkstemp(path);

	clock_init();
	log_init("fuzz", false, false);
	atexit(clean);
	if (fd == -1 || guess_open(&g, path, LIMIT) == -1)
		err(1, "%s", path);
	(void)guess_begin(&g, &a, NOW);
	guess_success(&g, &a, NOW);
	if (find_sets(fd) != SETS ||
	    pread(fd, front, sizeof(front), 0) != sizeof(front))
		errx(1, "%s: not as expected", path);
	close(g.fd);
	close(fd);
}

static void
check_wait(int ms)
{
	if (ms < -1 || ms > GUESS_WAIT_MAX * 1000)
		abort();
}

/* A record that has changed is a whole one. */
static void
check_set(int fd, off_t o, const unsigned char *old)
{
	unsigned char now[SET];

	if (pread(fd, now, SET, o) != SET)
		abort();
	for (size_t i = 0; i < SET; i += GUESS_LINE)
		if (memcmp(now + i, old + i, GUESS_LINE) != 0 &&
		    (now[i + GUESS_LINE - 1] != '\n' ||
		    memchr(now + i, '\n', GUESS_LINE - 1) != NULL ||
		    memchr(now + i, 0, GUESS_LINE) != NULL))
			abort();
}

static void
log_in(const struct guesses *g)
{
	struct guess a = attempt();

	check_wait(guess_begin(g, &a, NOW));
	a = attempt();
	guess_success(g, &a, NOW);
	a = attempt();
	if (guess_begin(g, &a, NOW) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned char sets[SETS * SET];
	struct guesses g;
	struct guess a = attempt();
	int fd;

	if (front[0] == '\0')
		setup();
	if (size < 1)
		return 0;
	memset(sets, 0, sizeof(sets));
	memcpy(sets, data + 1, size - 1 < sizeof(sets) ? size - 1 :
	    sizeof(sets));
	if ((fd = open(path, O_RDWR | O_CLOEXEC)) == -1 ||
	    pwrite(fd, data[0] & 1 ? (char *)sets : front, GUESS_LINE, 0) == -1)
		err(1, "%s", path);
	for (size_t i = 0; i < SETS; i++)
		if (pwrite(fd, sets + i * SET, SET, at[i]) != SET)
			err(1, "%s", path);
	if (guess_open(&g, path, LIMIT) == -1)
		abort();
	for (int i = 0; i < 3; i++) {
		a = attempt();
		check_wait(guess_begin(&g, &a, NOW));
	}
	if ((data[0] & 1) == 0)
		for (size_t i = 0; i < SETS; i++)
			check_set(fd, at[i], sets + i * SET);
	a = attempt();
	if (guess_begin(&g, &a, NOW + 4 * GUESS_WINDOW + GUESS_REFUSE) == -1)
		abort();
	log_in(&g);
	close(g.fd);
	close(fd);
	return 0;
}
