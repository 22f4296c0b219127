/*
 * The file of failures.  A record is one line of text, padded with spaces:
 *
 *	KIND KEY DUE SEEN		(seconds since 1970)
 *
 * net and user records hold until when the patience with them is spent; pair
 * records the same for one user from one network, and when he last got in.  A
 * key can stand in one of GUESS_WAYS records, and takes the one that matters
 * least.  A lock on them lasts for two system calls.  Pairs are made by success
 * only and stand apart, so that no flood of names pushes them out.
 */
#include "guess.h"

#include <sys/stat.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "encode.h"
#include "file.h"
#include "fmt.h"
#include "limits.h"
#include "log.h"

#define GUESS_MARK	"posthouse guesses 1 "

struct record {
	char name[GUESS_LINE];	/* "net 192.0.2.0/24" */
	uint64_t due, seen;
};

/* The first line: the key, in hexadecimal. */
static int
key_read(struct guesses *g)
{
	char line[GUESS_LINE];
	struct cur c;
	int byte;

	if (pread(g->fd, line, sizeof(line), 0) != (ssize_t)sizeof(line))
		return -1;
	cur_init(&c, span_of(line, sizeof(line)));
	if (!cur_word(&c, GUESS_MARK))
		return -1;
	for (size_t i = 0; i < sizeof(g->key); i++) {
		if ((byte = hex_byte(&c)) == -1)
			return -1;
		g->key[i] = (unsigned char)byte;
	}
	return 0;
}

static int
key_write(struct guesses *g)
{
	char line[GUESS_LINE];
	size_t n = strlen(GUESS_MARK);

	memset(line, ' ', sizeof(line));
	memcpy(line, GUESS_MARK, n);
	for (size_t i = 0; i < sizeof(g->key); i++)
		snprintf(line + n + 2 * i, 3, "%02x", g->key[i]);
	line[n + 2 * sizeof(g->key)] = ' ';
	line[GUESS_LINE - 1] = '\n';
	return pwrite(g->fd, line, sizeof(line), 0) ==
	    (ssize_t)sizeof(line) ? 0 : -1;
}

static int
lock(int fd, short type, off_t start, off_t len)
{
	struct flock fl = { .l_type = type, .l_whence = SEEK_SET,
	    .l_start = start, .l_len = len };
	int r;

	while ((r = fcntl(fd, F_SETLKW, &fl)) == -1 && errno == EINTR)
		;
	return r;
}

int
guess_open(struct guesses *g, const char *path, unsigned limit)
{
	struct stat st;

	g->limit = limit;
	random_bytes(g->key, sizeof(g->key));
	g->fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (g->fd == -1)
		return -1;
	/* Only what one of us has made: the directory may be others' too. */
	if (fstat(g->fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    st.st_nlink != 1 || st.st_uid != geteuid()) {
		errno = EPERM;
		goto fail;
	}
	if (lock(g->fd, F_WRLCK, 0, GUESS_LINE) == -1)
		goto fail;
	if (key_read(g) == -1 && (ftruncate(g->fd, 0) == -1 ||
	    ftruncate(g->fd, GUESS_FILE_SIZE) == -1 || key_write(g) == -1))
		goto fail;
	(void)lock(g->fd, F_UNLCK, 0, GUESS_LINE);
	return 0;
fail:
	close(g->fd);
	g->fd = -1;
	return -1;
}

void
guess_init(struct guess *a, const struct in6_addr *addr, bool loopback,
    const char *name)
{
	struct in6_addr net = *addr;
	char text[INET6_ADDRSTRLEN];
	size_t n;

	a->net[0] = a->pair[0] = '\0';
	strlcpy(a->user, name, sizeof(a->user));
	for (n = 0; a->user[n] != '\0'; n++)
		a->user[n] = (char)ascii_lower((unsigned char)a->user[n]);
	if (loopback)
		return;
	if (IN6_IS_ADDR_V4MAPPED(&net)) {
		net.s6_addr[15] = 0;
		inet_ntop(AF_INET, &net.s6_addr[12], text, sizeof(text));
		fmt_print(a->net, sizeof(a->net), "%s/24", text);
	} else {
		memset(&net.s6_addr[8], 0, 8);
		inet_ntop(AF_INET6, &net, text, sizeof(text));
		fmt_print(a->net, sizeof(a->net), "%s/64", text);
	}
}

/* A stranger cannot know which names share a set. */
static uint64_t
keyed_hash(const struct guesses *g, const char *name)
{
	unsigned char mac[SHA256_SIZE];
	uint64_t h;

	hmac_sha256(span_of(g->key, sizeof(g->key)), span_str(name), mac);
	memcpy(&h, mac, sizeof(h));
	return h;
}

/* "kind a b" as it stands in a record: no byte that would be a separator, and a
 * hash in place of what is too long. */
static void
record_name(const struct guesses *g, const char *kind, const char *a,
    const char *b, char out[GUESS_LINE])
{
	char full[512];
	int n;

	n = fmt_print(full, sizeof(full), "%s %s%s%s", kind, a, *b != '\0' ?
	    "," : "", b);
	for (char *p = full + strlen(kind) + 1; *p != '\0'; p++)
		if (*p <= ' ' || *p >= 0x7f)
			*p = '?';
	if (n < 90)
		strlcpy(out, full, GUESS_LINE);
	else
		snprintf(out, GUESS_LINE, "%.60s#%016jx", full,
		    (uintmax_t)keyed_hash(g, full));
}

static void
record_parse(const char line[GUESS_LINE], struct record *r)
{
	struct cur c;
	struct span kind, key;

	memset(r, 0, sizeof(*r));
	cur_init(&c, span_of(line, GUESS_LINE));
	kind = cur_until(&c, ' ');
	(void)cur_ch(&c, ' ');
	key = cur_until(&c, ' ');
	if (kind.len == 0 || key.len == 0 || !cur_ch(&c, ' ') ||
	    cur_num(&c, UINT32_MAX * 4ull, &r->due) == -1 || !cur_ch(&c, ' ') ||
	    cur_num(&c, UINT32_MAX * 4ull, &r->seen) == -1) {
		r->due = r->seen = 0;	/* free, or damaged: the same */
		return;
	}
	memcpy(r->name, line, kind.len + 1 + key.len);	/* less than the line */
}

static void
record_print(const struct record *r, char line[GUESS_LINE])
{
	char text[2 * GUESS_LINE];
	int n;

	n = fmt_print(text, sizeof(text), "%s %ju %ju", r->name,
	    (uintmax_t)r->due, (uintmax_t)r->seen);
	memset(line, ' ', GUESS_LINE);
	memcpy(line, text, n < GUESS_LINE ? (size_t)n : GUESS_LINE - 1);
	line[GUESS_LINE - 1] = '\n';
}

/* The records of one set, locked from set_read to set_write. */
struct set {
	off_t at;
	char lines[GUESS_WAYS][GUESS_LINE];
	size_t i;		/* the record of the name */
	struct record r;
};

static uint64_t
worth(const struct record *r)
{
	return r->due > r->seen ? r->due : r->seen;
}

static uint64_t
set_number(const struct guesses *g, const char *name)
{
	return keyed_hash(g, name) % GUESS_SETS + 1;
}

/* false: the file cannot be used. */
static bool
set_read(const struct guesses *g, uint64_t number, const char *name,
    struct set *s)
{
	size_t n = strlen(name);
	struct record r;

	s->at = (off_t)number * GUESS_WAYS * GUESS_LINE;
	if (lock(g->fd, F_WRLCK, s->at, sizeof(s->lines)) == -1)
		return false;
	if (pread(g->fd, s->lines, sizeof(s->lines), s->at) !=
	    (ssize_t)sizeof(s->lines)) {
		(void)lock(g->fd, F_UNLCK, s->at, sizeof(s->lines));
		return false;
	}
	for (s->i = 0; s->i < GUESS_WAYS; s->i++)
		if (memcmp(s->lines[s->i], name, n) == 0 &&
		    s->lines[s->i][n] == ' ') {
			record_parse(s->lines[s->i], &s->r);
			if (s->r.name[0] != '\0')
				return true;
		}
	for (size_t i = 0; i < GUESS_WAYS; i++) {
		record_parse(s->lines[i], &r);
		if (i == 0 || worth(&r) < worth(&s->r)) {
			s->i = i;
			s->r = r;
		}
	}
	memset(&s->r, 0, sizeof(s->r));
	strlcpy(s->r.name, name, sizeof(s->r.name));
	return true;
}

/* Of net or user. */
static bool
read_named(const struct guesses *g, const char *kind, const char *key,
    struct set *s)
{
	char name[GUESS_LINE];

	record_name(g, kind, key, "", name);
	return set_read(g, set_number(g, name), name, s);
}

static void
set_end(const struct guesses *g, struct set *s, bool write)
{
	char line[GUESS_LINE];

	if (write) {
		record_print(&s->r, line);
		if (pwrite(g->fd, line, GUESS_LINE,
		    s->at + (off_t)(s->i * GUESS_LINE)) != GUESS_LINE)
			log_warn_errno("failed logins cannot be counted");
	}
	(void)lock(g->fd, F_UNLCK, s->at, sizeof(s->lines));
}

/* Seconds beyond a free window that the next attempt stands at. */
static uint64_t
overdue(const struct record *r, uint64_t now)
{
	uint64_t spent = r->due > now ? r->due - now : 0;

	return spent > GUESS_WINDOW ? spent - GUESS_WINDOW : 0;
}

static int
wait_ms(const struct guesses *g, uint64_t over)
{
	/* One second for each failure that is too many. */
	uint64_t s = over * g->limit / GUESS_WINDOW;

	if (over > 0 && s == 0)
		s = 1;
	return (int)(s > GUESS_WAIT_MAX ? GUESS_WAIT_MAX : s) * 1000;
}

/* More than this makes no difference, and would go on for days where many have
 * guessed at one name, or for years where the clock was wrong.  true: it was. */
static bool
forget_excess(struct record *r, uint64_t now)
{
	uint64_t most = now + 2 * GUESS_WINDOW + GUESS_REFUSE;
	bool excess = r->due > most;

	if (excess)
		r->due = most;
	return excess;
}

/* Charges the record of a set, unless it is refused (-1), and lets go of the
 * set: how long to wait. */
static int
charge_set(const struct guesses *g, struct set *s, bool may_refuse,
    uint64_t now)
{
	bool changed = forget_excess(&s->r, now);
	uint64_t over = overdue(&s->r, now);

	if (may_refuse && over > GUESS_REFUSE) {
		set_end(g, s, changed);
		return -1;
	}
	s->r.due = (s->r.due > now ? s->r.due : now) + GUESS_WINDOW / g->limit;
	set_end(g, s, true);
	return wait_ms(g, over);
}

static int
charge(const struct guesses *g, const char *kind, const char *key,
    bool may_refuse, uint64_t now)
{
	struct set s;

	return read_named(g, kind, key, &s) ?
	    charge_set(g, &s, may_refuse, now) : 0;
}

static void
refund(const struct guesses *g, const char *kind, const char *key)
{
	struct set s;

	if (!read_named(g, kind, key, &s))
		return;
	if (s.r.due > GUESS_WINDOW / g->limit)
		s.r.due -= GUESS_WINDOW / g->limit;
	set_end(g, &s, true);
}

static bool
is_known(const struct record *r, uint64_t now)
{
	return r->seen > 0 && now < r->seen + GUESS_KNOWN;
}

/* Where the pair's record is: found out once for an attempt. */
static bool
read_pair(const struct guesses *g, struct guess *a, struct set *s)
{
	if (a->pair[0] == '\0') {
		record_name(g, "pair", a->net[0] != '\0' ? a->net : "local",
		    a->user, a->pair);
		a->pair_set = set_number(g, a->pair) + GUESS_SETS;
	}
	return set_read(g, a->pair_set, a->pair, s);
}

int
guess_begin(const struct guesses *g, struct guess *a, uint64_t now)
{
	struct set s;
	int n = 0, u;

	if (g->fd == -1 || g->limit == 0)
		return 0;
	if (read_pair(g, a, &s)) {
		if (is_known(&s.r, now))
			return charge_set(g, &s, false, now);
		set_end(g, &s, false);
	}
	if (a->net[0] != '\0' &&
	    (n = charge(g, "net", a->net, true, now)) == -1)
		return -1;
	u = charge(g, "user", a->user, false, now);
	return n > u ? n : u;
}

void
guess_success(const struct guesses *g, struct guess *a, uint64_t now)
{
	bool was_known = false;
	struct set s;

	if (g->fd == -1 || g->limit == 0)
		return;
	if (read_pair(g, a, &s)) {
		was_known = is_known(&s.r, now);
		s.r.seen = now;
		s.r.due = 0;
		set_end(g, &s, true);
	}
	if (was_known)
		return;
	refund(g, "user", a->user);
	if (a->net[0] != '\0')
		refund(g, "net", a->net);
}
