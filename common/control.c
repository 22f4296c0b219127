/*
 * The control directory: which files are loaded, when they have changed, and
 * the short files hostname, domains and networks.  Trusts that only the
 * administrator can write there.  Refuses every line that it does not fully
 * understand, tells all errors at once, and a control with an error is not
 * usable: nothing is guessed and no relay opens by accident.
 */
#include "control.h"

#include <sys/stat.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "control_parts.h"
#include "file.h"
#include "idna.h"
#include "secret.h"
#include "watch.h"

#define CONTROL_DIR	"/etc/posthouse"
#define RECENT_NS	20000000 /* two clock ticks: a second write may leave the same time */

void
control_init(struct control *c, const char *dir, unsigned want)
{
	memset(c, 0, sizeof(*c));
	c->dirfd = c->watch = -1;
	c->want = want;
	if (dir == NULL)
		dir = secure_getenv("POSTHOUSE");
	if (dir == NULL || *dir == '\0')
		dir = CONTROL_DIR;
	if (strlcpy(c->dir, dir, sizeof(c->dir)) >= sizeof(c->dir))
		c->dir[0] = '\0';
}

void
control_error(struct control *c, const char *file, unsigned line,
    const char *fmt, ...)
{
	char text[sizeof(c->error)];
	va_list ap;
	int n;

	if (file[0] == '\0')
		n = snprintf(text, sizeof(text), "%s%s", c->dir,
		    c->dir[0] == '\0' ? "" : ": ");
	else
		n = line == 0 ?
		    snprintf(text, sizeof(text), "%s/%s: ", c->dir, file) :
		    snprintf(text, sizeof(text), "%s/%s:%u: ", c->dir, file, line);
	if (n < 0 || (size_t)n >= sizeof(text))
		n = 0;
	va_start(ap, fmt);
	if (vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap) < 0)
		text[n] = '\0';
	va_end(ap);
	if (c->nerrors++ == 0)
		memcpy(c->error, text, sizeof(c->error));
	if (c->each != NULL)
		c->each(text);
}

static bool
same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static void
stamp_take(const struct control *c, const char *file, struct control_stamp *s)
{
	struct timespec now;
	struct stat st;
	int64_t age;

	memset(s, 0, sizeof(*s));
	strlcpy(s->file, file, sizeof(s->file));
	if (fstatat(c->dirfd, file, &st, 0) == -1) {
		s->missing = true;
		return;
	}
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	s->size = st.st_size;
	s->mtime = st.st_mtim;
	s->ctime = st.st_ctim;
	clock_gettime(CLOCK_REALTIME, &now);
	if (llabs((long long)(now.tv_sec - st.st_ctim.tv_sec)) > 1)
		return;
	age = (int64_t)(now.tv_sec - st.st_ctim.tv_sec) * 1000000000 +
	    (now.tv_nsec - st.st_ctim.tv_nsec);
	s->recent = llabs(age) < RECENT_NS;
}

static bool
stamp_same(const struct control_stamp *a, const struct control_stamp *b)
{
	if (a->missing || b->missing)
		return a->missing == b->missing;
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	    same_time(a->mtime, b->mtime) && same_time(a->ctime, b->ctime);
}

void
control_watch(struct control *c, const char *file)
{
	for (size_t i = 0; i < c->nstamps; i++)
		if (strcmp(c->stamps[i].file, file) == 0)
			return;
	if (c->nstamps < CONTROL_STAMPS &&
	    strlen(file) < sizeof(c->stamps[0].file))
		stamp_take(c, file, &c->stamps[c->nstamps++]);
}

static struct control_stamp *
stamp_of(struct control_stamp *s, size_t n, const char *file)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(s[i].file, file) == 0)
			return &s[i];
	return NULL;
}

/* Had the file something in it until a moment ago?  Then it is being replaced,
 * and what it said must not be taken back yet. */
static bool
is_just_gone(struct control *c, const char *file)
{
	struct control_stamp *now = stamp_of(c->stamps, c->nstamps, file);
	struct control_stamp *old = stamp_of(c->before, c->nbefore, file);

	if (now == NULL || old == NULL ||
	    (old->gone == 0 && (old->missing || old->size == 0)))
		return false;
	now->gone = old->gone != 0 ? old->gone : clock_mono_ms();
	if (clock_mono_ms() - now->gone < CONTROL_GONE_MS)
		return true;
	now->gone = 0;
	return false;
}

/* The stamp is taken before the content, so that a change in between shows. */
int
control_read(struct control *c, const char *file, struct buf *b, size_t max)
{
	int r;

	buf_free(b);
	buf_init(b, max);
	control_watch(c, file);
	if (c->dirfd == -1)
		return 0;
	r = file_read(c->dirfd, file, b) == 0 ? 1 : errno == ENOENT ? 0 : -1;
	if ((r == 0 || (r == 1 && b->len == 0)) && is_just_gone(c, file))
		control_error(c, file, 0, r == 0 ? "was here a moment ago; put it "
		    "back, or wait until its absence counts" : "is empty since a "
		    "moment ago; write it, or wait until that counts");
	else if (r != -1)
		return r;
	else if (errno == EFBIG || errno == ENOBUFS)
		control_error(c, file, 0, "the file has more than %zu bytes, "
		    "which is the limit; split or shorten it", max);
	else
		control_error(c, file, 0, "cannot be read: %s; see to its owner "
		    "and mode", strerror(errno));
	return -1;
}

static void
hostname_load(struct control *c)
{
	struct control_lines l;
	struct buf text;
	struct span name = { NULL, 0 }, more;

	buf_init(&text, CONTROL_SMALL_MAX);
	if (control_read(c, "hostname", &text, CONTROL_SMALL_MAX) == -1) {
		buf_free(&text);
		return;
	}
	control_lines_init(&l, c, "hostname", buf_span(&text));
	if (c->dirfd == -1 &&
	    gethostname(c->hostname, sizeof(c->hostname) - 1) == 0)
		return;
	if (!control_lines_next(&l, &name))
		control_error(c, "hostname", 0, "is missing or empty; write this "
		    "machine's full name into it, such as mx.example.org");
	else if (!is_domain(name, false) || is_address_literal(name) ||
	    span_cstr(name, c->hostname, sizeof(c->hostname)) == -1)
		control_error(c, "hostname", l.line, "this is not a host name; "
		    "write one like mx.example.org and nothing else");
	else if (control_lines_next(&l, &more))
		control_error(c, "hostname", l.line, "only one line may stand "
		    "here; remove the others");
	buf_free(&text);
}

static void
domain_check(struct control *c, const char *file, unsigned line,
    struct span key, struct span value)
{
	if (value.len > 0)
		control_error(c, file, line, "one domain in a line, and nothing "
		    "behind it (a comment needs a line of its own); remove "
		    "\"%.*s\"", (int)(value.len > 100 ? 100 : value.len),
		    (const char *)value.p);
	else if (!is_domain(key, true) || is_address_literal(key) ||
	    key.len > ADDR_DOMAIN_MAX)
		control_error(c, file, line, "\"%.*s\" is not a domain; write one "
		    "like example.org", (int)(key.len > 100 ? 100 : key.len),
		    (const char *)key.p);
}

/* A keyed file into its table; one that is missing leaves it empty. */
static void
table_load(struct control *c, const char *file, struct table *t,
    const struct table_format *format)
{
	struct buf text;

	buf_init(&text, CONTROL_TABLE_MAX);
	if (control_read(c, file, &text, CONTROL_TABLE_MAX) == 1 &&
	    table_build(t, c, file, &text, format) == -1)
		control_error(c, file, 0, "there is not enough memory to load it");
	buf_free(&text);
}

static void
domains_load(struct control *c)
{
	static const struct table_format format = { ' ', false, true,
	    domain_check };
	struct span key, value, first = span_str(c->hostname);
	unsigned line, lowest = 0;

	table_load(c, "domains", &c->domains, &format);
	for (size_t i = 0; i < c->domains.nslots; i++) {
		table_at(&c->domains, i, &key, &value, &line);
		if (lowest == 0 || line < lowest) {
			lowest = line;
			first = key;
		}
	}
	if (span_cstr(first, c->first_domain, sizeof(c->first_domain)) == -1)
		c->first_domain[0] = '\0';
}

const char *
network_parse(struct span s, struct network *n)
{
	char text[INET6_ADDRSTRLEN + 1];
	struct in_addr v4;
	struct cur c;
	uint64_t bits, max = 128;

	cur_init(&c, s);
	if (span_cstr(cur_until(&c, '/'), text, sizeof(text)) == -1)
		return "is not an address";
	memset(n, 0, sizeof(*n));
	if (inet_pton(AF_INET, text, &v4) == 1) {
		n->addr.s6_addr[10] = n->addr.s6_addr[11] = 0xff;
		memcpy(&n->addr.s6_addr[12], &v4, 4);
		max = 32;
	} else if (inet_pton(AF_INET6, text, &n->addr) != 1)
		return "is not an address; write one like 192.0.2.7, "
		    "192.0.2.0/24 or 2001:db8::/32";
	bits = max;
	if (cur_ch(&c, '/') && (cur_num(&c, max, &bits) == -1 || !cur_end(&c)))
		return "has a wrong prefix length; IPv4 has 1 to 32, IPv6 1 to 128";
	if (bits == 0)
		return "is every machine in the world; name your own networks";
	n->bits = (unsigned)(bits + 128 - max);
	for (unsigned i = n->bits; i < 128; i++)
		if (n->addr.s6_addr[i / 8] & (0x80u >> i % 8))
			return "has bits set behind the prefix length; set them "
			    "to 0 or write a longer prefix";
	return NULL;
}

static void
network_add(struct control *c, unsigned line, struct span s)
{
	struct network n, *p;
	const char *wrong;

	if ((wrong = network_parse(s, &n)) != NULL) {
		control_error(c, "networks", line, "\"%.*s\" %s",
		    (int)(s.len > 100 ? 100 : s.len), (const char *)s.p, wrong);
		return;
	}
	p = reallocarray(c->networks, c->nnetworks + 1, sizeof(*p));
	if (p == NULL) {
		control_error(c, "networks", line, "there is not enough memory");
		return;
	}
	c->networks = p;
	p[c->nnetworks++] = n;
}

/* Without the file this machine alone may relay; with it, what it names and
 * nothing else. */
static void
networks_load(struct control *c)
{
	struct control_lines l;
	struct buf text;
	struct span s;
	int r;

	buf_init(&text, CONTROL_SMALL_MAX);
	r = control_read(c, "networks", &text, CONTROL_SMALL_MAX);
	if (r == 0) {
		network_add(c, 0, span_str("127.0.0.0/8"));
		network_add(c, 0, span_str("::1"));
	} else if (r == 1) {
		control_lines_init(&l, c, "networks", buf_span(&text));
		while (control_lines_next(&l, &s))
			network_add(c, l.line, s);
	}
	buf_free(&text);
}

static void
password_check(struct control *c, const char *file, unsigned line,
    struct span key, struct span value)
{
	struct password_line p;
	const char *wrong;

	if (!address_check(c, file, line, key))
		return;
	if ((wrong = password_line_parse(key, value, &p)) != NULL ||
	    (wrong = secret_wrong(p.secret)) != NULL)
		control_error(c, file, line, "%s", wrong);
}

static void
contents_free(struct control *c)
{
	table_free(&c->domains);
	table_free(&c->routes);
	table_free(&c->users);
	table_free(&c->aliases);
	table_free(&c->passwords);
	free(c->networks);
	c->networks = NULL;
	c->nnetworks = 0;
	free(c->proxies);
	c->proxies = NULL;
	c->nproxies = 0;
	owners_free(c);
	c->system_passwords = false;
	c->hostname[0] = c->first_domain[0] = '\0';
	c->nstamps = 0;
}

void
control_free(struct control *c)
{
	contents_free(c);
	system_free(c);
	if (c->dirfd != -1)
		close(c->dirfd);
	if (c->watch != -1)
		close(c->watch);
	c->dirfd = c->watch = -1;
}

static bool
is_same_dir(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 &&
	    x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

int
control_open(struct control *c)
{
	bool other;
	int fd;

	if (c->dir[0] == '\0') {
		control_error(c, "", 0, "the name of the control directory is "
		    "too long; use one below 256 bytes");
		return -1;
	}
	fd = open(c->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT && c->optional)
		return 0;
	if (fd == -1) {
		control_error(c, "", 0, "cannot open the control directory: %s; "
		    "make it, or name another with -C or POSTHOUSE",
		    strerror(errno));
		return -1;
	}
	other = c->dirfd != -1 && !is_same_dir(c->dirfd, fd);
	if (c->dirfd != -1)
		close(c->dirfd);
	c->dirfd = fd;
	if (other && c->watch != -1)
		control_follow(c);
	return 0;
}

static void
routes_load(struct control *c, struct table *before)
{
	static const struct table_format format = { ' ', false, true,
	    route_check };

	if ((c->want & CONTROL_RULES) != 0 && before->text.len > 0 &&
	    faccessat(c->dirfd, "routes", R_OK, AT_EACCESS) == -1 &&
	    errno == EACCES) {
		c->routes = *before;
		memset(before, 0, sizeof(*before));
		control_watch(c, "routes");
		return;
	}
	table_load(c, "routes", &c->routes, &format);
	if ((c->want & CONTROL_RULES) != 0)
		route_forget(&c->routes);
}

int
control_load(struct control *c, void (*each)(const char *error))
{
	static const struct table_format users = { ':', false, true,
	    account_check }, aliases = { ':', true, true, alias_check },
	    passwords = { ':', false, false, password_check },
	    unchecked = { ':', false, false, NULL };
	struct control_stamp stamps[CONTROL_STAMPS];
	struct table before = c->routes;

	memset(&c->routes, 0, sizeof(c->routes));
	memcpy(stamps, c->stamps, c->nstamps * sizeof(stamps[0]));
	c->before = stamps;
	c->nbefore = c->nstamps;
	contents_free(c);
	c->each = each;
	c->nerrors = 0;
	c->error[0] = '\0';
	if (control_open(c) == -1) {
		c->nstamps = c->nbefore;	/* of the directory that will come back */
		c->nbefore = 0;
		table_free(&before);
		return -1;
	}
	(void)settings_load(c, &c->set);
	if (c->want & CONTROL_HOSTNAME)
		hostname_load(c);
	if (c->want & CONTROL_DOMAINS)
		domains_load(c);
	if (c->want & CONTROL_NETWORKS)
		networks_load(c);
	if (c->want & CONTROL_PROXIES)
		proxies_load(c);
	if (c->want & (CONTROL_ROUTES | CONTROL_RULES))
		routes_load(c, &before);
	table_free(&before);
	if (c->want & CONTROL_USERS) {
		table_load(c, "users", &c->users, &users);
		system_load(c);
	}
	if (c->want & CONTROL_ALIASES)
		table_load(c, "aliases", &c->aliases, &aliases);
	if (c->want & CONTROL_PASSWORDS)
		table_load(c, "passwords", &c->passwords,
		    c->want & CONTROL_LAZY ? &unchecked : &passwords);
	c->each = NULL;
	c->nbefore = 0;
	return c->nerrors == 0 ? 0 : -1;
}

void
control_follow(struct control *c)
{
	if (c->watch != -1)
		close(c->watch);
	c->watch = watch_files(c->dirfd, c->dir);
}

void
control_polled(struct control *c)
{
	c->polled = true;
	c->told = true;
}

/* Has anything happened in the directory? */
static bool
is_touched(struct control *c)
{
	bool told = c->told;

	c->told = false;
	return (told || !c->polled) && watch_drain(c->watch);
}

bool
control_changed(struct control *c)
{
	uint64_t ms = clock_mono_ms();
	struct control_stamp now;
	struct stat a, b;
	bool changed;

	if (c->watch != -1 && c->nerrors == 0 &&
	    ms - c->refreshed < CONTROL_REFRESH_MS && !is_touched(c))
		return false;
	c->refreshed = ms;
	changed = c->nerrors > 0 || c->dirfd == -1 ||
	    stat(c->dir, &a) == -1 || fstat(c->dirfd, &b) == -1 ||
	    a.st_dev != b.st_dev || a.st_ino != b.st_ino;

	for (size_t i = 0; i < c->nstamps && !changed; i++) {
		if (c->stamps[i].recent)
			changed = true;
		stamp_take(c, c->stamps[i].file, &now);
		if (!stamp_same(&now, &c->stamps[i]))
			changed = true;
	}
	return changed;
}

int
control_refresh(struct control *c)
{
	if (!control_changed(c))
		return 0;
	return control_load(c, NULL) == 0 ? 1 : -1;
}

const char *
control_domain(const struct control *c, const char *domain, char *ascii,
    unsigned *line)
{
	if (table_find(&c->domains, span_str(domain), NULL, line))
		return domain;
	if (span_isascii(span_str(domain)) ||
	    idna_ascii(domain, ascii, ADDR_DOMAIN_MAX + 1) == -1 ||
	    !table_find(&c->domains, span_str(ascii), NULL, line))
		return NULL;
	return ascii;
}

bool
control_is_local(const struct control *c, const char *domain)
{
	char ascii[ADDR_DOMAIN_MAX + 1];

	return control_domain(c, domain, ascii, NULL) != NULL;
}

bool
network_has(const struct network *n, const struct in6_addr *addr)
{
	size_t bytes = n->bits / 8;
	unsigned mask = 0xff00u >> n->bits % 8 & 0xff;

	if (memcmp(addr->s6_addr, n->addr.s6_addr, bytes) != 0)
		return false;
	return mask == 0 ||
	    ((addr->s6_addr[bytes] ^ n->addr.s6_addr[bytes]) & mask) == 0;
}

bool
control_may_relay(const struct control *c, const struct in6_addr *addr)
{
	for (size_t i = 0; i < c->nnetworks; i++)
		if (network_has(&c->networks[i], addr))
			return true;
	return false;
}
