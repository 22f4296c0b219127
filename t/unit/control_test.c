/*
 * Control files: what is missing, what is wrong, who may relay, routes, and
 * that an edit is seen.
 */
#include <arpa/inet.h>

#include "clock.h"
#include "t/unit/dir.h"

static struct control c;

#define ALL	(CONTROL_HOSTNAME | CONTROL_DOMAINS | CONTROL_NETWORKS | \
	CONTROL_ROUTES | CONTROL_USERS | CONTROL_ALIASES | CONTROL_PASSWORDS)

static const struct { const char *file, *text, *error; } bad[] = {
	{ "hostname", NULL, "hostname: is missing or empty" },
	{ "hostname", "# only this\n", "hostname: is missing or empty" },
	{ "hostname", "mx example\n", "hostname:1: this is not a host name" },
	{ "hostname", "[192.0.2.1]\n", "hostname:1: this is not a host name" },
	{ "hostname", "a.example\nb.example\n", "hostname:2: only one line" },
	{ "domains", "a.example\nc.example b\n", "domains:2: one domain in" },
	{ "domains", "a.example\nA.EXAMPLE\n", "stands in line 1 already" },
	{ "domains", "a..example\n", "domains:1: \"a..example\" is not a" },
	{ "domains", "[192.0.2.1]\n", "is not a domain" },
	{ "networks", "0.0.0.0/0\n", "every machine in the world" },
	{ "networks", "::/0\n", "every machine in the world" },
	{ "networks", "192.0.2.1/24\n", "bits set behind the prefix" },
	{ "networks", "192.0.2.0/33\n", "wrong prefix length" },
	{ "networks", "192.0.2.0/\n", "wrong prefix length" },
	{ "networks", "192.0.2\n", "is not an address" },
	{ "networks", "192.0.2.1 x\n", "is not an address" },
	{ "networks", "example.org\n", "is not an address" },
	{ "routes", "a.example\n", "routes:1: the second word must be" },
	{ "routes", "a..b mx:\n", "a line begins with a domain" },
	{ "routes", "* h.example:0\n", "the host must look like" },
	{ "routes", "* h.example:70000\n", "a port number" },
	{ "routes", "* h.example:25x\n", "the host must look like" },
	{ "routes", "* [192.0.2.300]\n", "between the brackets" },
	{ "routes", "* 192.0.2.1:25\n", "routes:1: an address stands in br" },
	{ "routes", "* h.example tls=strong\n", "tls= takes none" },
	{ "routes", "* h.example color=red\n", "only tls=, source=, helo=" },
	{ "routes", "* h.example user=a\n", "go together" },
	{ "routes", "* mx: retry=0\n", "retry= takes" },
	{ "routes", "* mx: retry=1h,5m\n", "retry= takes" },
	{ "routes", "* mx: retry=5m,\n", "retry= takes" },
	{ "routes", "* mx: lifetime=91d\n", "lifetime= takes" },
	{ "routes", "* mx: jobs=0\n", "jobs= takes" },
	{ "routes", "* h.example tls=may user=a password=b\n", "tls=verify" },
	{ "routes", "* mx: user=a password=b\n", "need a named host" },
	{ "routes", "a.example mx\n", "write mx: and nothing behind it" },
	{ "routes", "a.example mx:25\n", "write mx: and nothing behind it" },
	{ "routes", "a.example MX:\n", "write mx: and nothing behind it" },
	{ "routes", "* mx: tls=verify tls=none\n", "stands there twice" },
	{ "routes", "* mx: jobs=1 tls=may jobs=1\n", "stands there twice" },
	{ "routes", "* h.example user=a user=b password=c\n", "there twice" },
	{ "routes", "* mx: source=192.0.2.1 source=192.0.2.2\n",
	    "for one of each" },
	{ "routes", "b\xc3\xbc.example mx:\n", "is written xn--b-eha.example" },
	{ "routes", ".b\xc3\xbc.example mx:\n", "is written xn--b-eha.example" },
	{ "routes", "* mx:\n* mx:\n", "routes:2: \"*\" stands in line 1" },
	{ "users", "alice:\n", "\"alice\" is not an address" },
	{ "users", "a@b.example\na@B.example:x\n", "stands in line 1" },
	{ "users", "\"alice\"@b.example:\n", "write alice@b.example" },
	{ "users", "a@b.example:../x\n", "\"..\" part" },
	{ "users", "a@b.example:/x//y\n", "an empty" },
	{ "users", "a/b@b.example:\n", "cannot name a folder" },
	{ "users", "a@b.example:::lots\n", "a quota is written" },
	{ "users", "a@b.example:::1G,x\n", "a quota is written" },
	{ "users", "a@b.example::::flag\n", "the options of the fifth field are" },
	{ "users", "a@b.example:::::\n", "the options of the fifth field are" },
	{ "users", "a@b.example::::protocols=\n", "some of imap, pop3 and smtp" },
	{ "users", "a@b.example::::protocols=imap,ftp\n", "some of imap, pop3" },
	{ "users", "a@b.example::::clients=\n", "clients= wants" },
	{ "users", "a@b.example::::clients=192.0.2.1/24\n", "clients= wants" },
	{ "users", "a@b.example::::password=none\n", "file, system or program" },
	{ "users", "a@b.example::::password=system\n", "the system account's name" },
	{ "aliases", "a b: c\n", "cannot be an alias" },
	{ "aliases", "a:\n", "has no target" },
	{ "aliases", "a: ,\n", "has no target" },
	{ "aliases", "a: b c\n", "\"b c\": this is not an address" },
	{ "aliases", "a: |\n", "there is no command behind" },
	{ "aliases", "a: b,\n c, \"|x\n", "aliases:2: " },
	{ "aliases", "a: b,\n c d\n", "aliases:2: \"c d\"" },
	{ "aliases", "a: :include:x\n", "stands a path that begins with" },
	{ "aliases", "a: @b.example\n", "this is not an address" },
	{ "aliases", "@b..c: a\n", "\"@b..c\" is not a domain" },
	{ "aliases", "a: b\nA: c\n", "aliases:2: \"A\" stands in line 1" },
	{ "passwords", "alice:x\n", "is not an address" },
	{ "passwords", "a@b.example:\n", "the secret is missing" },
	{ "passwords", "a@b.example:x\n", "no known form" },
	{ "passwords", "a@b.example:{PLAIN}\n", "there is no password" },
	{ "passwords", "a@b.example:{PLAIN}50%\n", "two hexadecimal digits" },
	{ "passwords", "a@b.example:{SCRAM-SHA-256}1,a,b,c\n", "wants iter" },
	{ "passwords", "a@b.example:$5$x:a:ftp\n", "the fourth field wants" },
	{ "passwords", "a@b.example:$5$x:a::2027-02-29\n", "the fifth field" },
};

static void
base(void)
{
	dir_put_settings("");
	dir_put("hostname", "mx.example.org\n");
	dir_put("domains", "# ours\nexample.org\nexample.net\n");
	dir_put("networks", NULL);
	dir_put("routes", NULL);
	dir_put("users", NULL);
	dir_put("aliases", NULL);
	dir_put("passwords", NULL);
}

static void
check_bad(void)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		base();
		dir_put(bad[i].file, bad[i].text);
		CHECK(dir_load(&c, ALL) == -1, bad[i].text);
		CHECK(c.nerrors == 1, test_errors);
		CHECK(strstr(c.error, bad[i].error) != NULL, c.error);
		control_free(&c);
	}
	base();
	dir_put("networks", "x\n192.0.2.0/24\ny\n");
	dir_put("users", "x\n");
	CHECK(dir_load(&c, ALL) == -1 && c.nerrors == 3, test_errors);
	CHECK(strstr(test_errors, "networks:3") != NULL, "all are told");
	control_free(&c);
	control_init(&c, "/nonexistent/posthouse", ALL);
	CHECK(control_load(&c, NULL) == -1 && strstr(c.error,
	    "cannot open the control directory") != NULL, c.error);
	control_free(&c);
}

static bool
relays(const char *text)
{
	struct in6_addr a;
	char mapped[64];

	if (inet_pton(AF_INET6, text, &a) != 1) {
		snprintf(mapped, sizeof(mapped), "::ffff:%s", text);
		if (inet_pton(AF_INET6, mapped, &a) != 1)
			errx(1, "%s", text);
	}
	return control_may_relay(&c, &a);
}

static void
check_networks(void)
{
	base();
	CHECK(dir_load(&c, ALL) == 0, test_errors);
	CHECK(relays("127.0.0.1") && relays("127.255.0.1") && relays("::1"),
	    "without the file this machine relays");
	CHECK(!relays("128.0.0.1") && !relays("::2") && !relays("10.0.0.1") &&
	    !relays("::"), "and nobody else");
	control_free(&c);

	dir_put("networks", "# none\n");
	CHECK(dir_load(&c, ALL) == 0, test_errors);
	CHECK(!relays("127.0.0.1") && !relays("::1"), "empty is nobody");
	control_free(&c);

	dir_put("networks", "192.0.2.128/25\n198.51.100.7\n2001:db8::/33\n"
	    "203.0.113.0/31\n");
	CHECK(dir_load(&c, ALL) == 0, test_errors);
	CHECK(relays("192.0.2.128") && relays("192.0.2.255"), "/25");
	CHECK(!relays("192.0.2.127") && !relays("192.0.3.128"), "not /25");
	CHECK(relays("198.51.100.7") && !relays("198.51.100.6"), "/32");
	CHECK(relays("2001:db8:7fff::1") && !relays("2001:db8:8000::1"), "/33");
	CHECK(relays("203.0.113.1") && !relays("203.0.113.2"), "/31");
	CHECK(!relays("127.0.0.1"), "the file is all");
	control_free(&c);
}

static void
check_routes(void)
{
	static const struct { const char *domain, *host; unsigned port, line;
	    int tls; } want[] = {
		{ "a.example", "h.example", 587, 1, TLS_VERIFY },
		{ "A.Example", "h.example", 587, 1, TLS_VERIFY },
		{ "b.example", "[192.0.2.1]", 25, 4, TLS_MAY },
		{ "x.b.example", "mx:", 25, 3, TLS_ENCRYPT },
		{ "x.y.b.example", "mx:", 25, 3, TLS_ENCRYPT },
		{ "c.example", "[IPv6:2001:db8::1]", 26, 5, TLS_NONE },
		{ "d.example", "[2001:db8::2]", 25, 6, TLS_MAY },
		{ "other.example", "mx:", 25, 0, TLS_MAY },
	};
	struct route r;

	base();
	dir_put("routes", "a.example h.example:587 user=me password= a b#:c \n"
	    "# comment\n.b.example mx: tls=encrypt\nb.example [192.0.2.1]\n"
	    "c.example [IPv6:2001:db8::1]:26 tls=none\n"
	    "d.example\t[2001:db8::2]\n");
	CHECK(dir_load(&c, ALL) == 0, test_errors);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		unsigned line = route_find(&c, want[i].domain, &r);

		CHECK(line == want[i].line && strcmp(r.host, want[i].host) == 0 &&
		    r.port == want[i].port && (int)r.tls == want[i].tls,
		    want[i].domain);
	}
	(void)route_find(&c, "a.example", &r);
	CHECK(strcmp(r.user, "me") == 0 && strcmp(r.password, "a b#:c") == 0,
	    r.password);
	control_free(&c);
	dir_put("routes", "a.example mx: helo=out.example source=192.0.2.1 "
	    "source=2001:db8::1\n");
	CHECK(dir_load(&c, ALL) == 0, test_errors);
	(void)route_find(&c, "a.example", &r);
	CHECK(strcmp(r.helo, "out.example") == 0 &&
	    strcmp(r.source4, "192.0.2.1") == 0 &&
	    strcmp(r.source6, "2001:db8::1") == 0, "source and helo");
	control_free(&c);
	dir_put("routes", "a.example mx: helo=-\nb.example mx: source=host\n");
	CHECK(dir_load(&c, ALL) == -1, "source and helo that are none");
	control_free(&c);
	dir_put("routes", "* smart.example\nexample.com mx:\n");
	CHECK(dir_load(&c, ALL) == 0, test_errors);
	CHECK(route_find(&c, "x.example", &r) == 1 && strcmp(r.host,
	    "smart.example") == 0, "*");
	CHECK(route_find(&c, "example.com", &r) == 2 && strcmp(r.host,
	    "mx:") == 0, "mx:");
	control_free(&c);
	/* No way round a policy by the other form of the domain. */
	dir_put("routes", "xn--b-eha.example mx: tls=verify\n"
	    ".xn--b-eha.example mx: tls=encrypt\n");
	CHECK(dir_load(&c, ALL) == 0, test_errors);
	CHECK(route_find(&c, "b\xc3\xbc.example", &r) == 1, "U-label");
	CHECK(route_find(&c, "xn--b-eha.example", &r) == 1, "A-label");
	CHECK(route_find(&c, "\xc3\xbc.b\xc3\xbc.example", &r) == 2, "below");
	control_free(&c);
}

static void
check_accounts(void)
{
	struct account a;
	char owner[128];

	base();
	snprintf(owner, sizeof(owner), "B@example.org:sub/box/:64100:2G,10\n"
	    "c@example.org:/abs:64100.64101\nd@example.org: : : 5K :\n"
	    "Alice@Example.ORG:\n");
	dir_put("users", owner);
	CHECK(dir_load(&c, ALL) == 0, test_errors);
	CHECK(account_find(&c, "alice@example.org", &a) == 0 &&
	    strcmp(a.address, "alice@example.org") == 0 &&
	    strcmp(a.maildir, "/m/example.org/alice") == 0 &&
	    a.quota.bytes == 0, a.maildir);
	CHECK(a.owner.uid == c.set.mail_user.uid, "mail-user");
	CHECK(account_find(&c, "b@example.org", &a) == 0 &&
	    strcmp(a.maildir, "/m/sub/box") == 0 &&
	    a.quota.bytes == 2147483648 && a.quota.messages == 10, a.maildir);
	CHECK(a.owner.uid == (geteuid() == 0 ? 64100 : (uid_t)-1), "uid");
	CHECK(account_find(&c, "c@example.org", &a) == 0 &&
	    strcmp(a.maildir, "/abs") == 0, a.maildir);
	CHECK(a.owner.gid == (geteuid() == 0 ? 64101 : (gid_t)-1), "gid");
	CHECK(account_find(&c, "d@example.org", &a) == 0 &&
	    a.quota.bytes == 5120, "blanks around the fields");
	CHECK(account_find(&c, "e@example.org", &a) == -1, "not there");
	control_free(&c);
}

static void
check_refresh(void)
{
	base();
	CHECK(dir_load(&c, ALL) == 0, test_errors);
	usleep(30000);			/* past the time in which files count as new */
	(void)control_refresh(&c);
	CHECK(control_refresh(&c) == 0, "nothing changed");
	CHECK(strcmp(c.first_domain, "example.org") == 0 &&
	    control_is_local(&c, "EXAMPLE.net"), "domains");
	dir_put("domains", "example.com\n");
	CHECK(control_refresh(&c) == 1 && control_is_local(&c, "example.com") &&
	    !control_is_local(&c, "example.org"), "an edit");
	dir_put("domains", "example.edu\n");	/* same size, same moment */
	CHECK(control_refresh(&c) == 1 && control_is_local(&c, "example.edu"),
	    "an edit within the same tick");
	dir_put("networks", "192.0.2.0/24\n");
	CHECK(control_refresh(&c) == 1 && relays("192.0.2.1"), "a new file");
	dir_put("networks", "broken\n");
	CHECK(control_refresh(&c) == -1 && c.nnetworks == 0, "a broken file");
	CHECK(control_refresh(&c) == -1, "stays broken");
	dir_put("networks", "192.0.2.0/24\n");
	CHECK(control_refresh(&c) == 1 && relays("192.0.2.1"), "mended");
	control_free(&c);
}

static int
refresh_until_good(void)
{
	for (int i = 0; i < 60000; i++) {
		if (control_refresh(&c) == 1)
			return 0;
		usleep(1000);
	}
	return -1;
}

/* An editor that moves the old file away, or writes into it, must not make
 * anybody unknown. */
static void
check_gone(void)
{
	static const char *const texts[] = { NULL, "" };
	uint64_t began;

	for (int i = 0; i < 2; i++) {
		base();
		dir_put("aliases", "root: x@example.org\n");
		CHECK(dir_load(&c, ALL) == 0, test_errors);
		dir_put("aliases", texts[i]);
		began = clock_mono_ms();
		CHECK(control_refresh(&c) == -1, "gone: broken at first");
		CHECK(strstr(c.error, "moment ago") != NULL, c.error);
		CHECK(control_refresh(&c) == -1 || clock_mono_ms() - began >=
		    CONTROL_GONE_MS, "not believed at the second look");
		dir_put("aliases", "root: x@example.org\n");
		CHECK(control_refresh(&c) == 1 && c.aliases.nslots > 0, "back");
		dir_put("aliases", texts[i]);
		CHECK(control_refresh(&c) == -1, "gone again");
		CHECK(refresh_until_good() == 0, "it stays away: that counts");
		CHECK(c.nerrors == 0 && c.aliases.nslots == 0, "empty now");
		usleep(30000);
		(void)control_refresh(&c);
		CHECK(control_refresh(&c) == 0, "and nothing changes then");
		control_free(&c);
	}
}

/* Nor must a directory that is filled again after it was seen missing. */
static void
check_gone_directory(void)
{
	char away[sizeof(test_dir) + 2];

	snprintf(away, sizeof(away), "%s.x", test_dir);
	base();
	dir_put("aliases", "root: x@example.org\n");
	CHECK(dir_load(&c, ALL) == 0, test_errors);
	CHECK(rename(test_dir, away) == 0, away);
	CHECK(control_refresh(&c) == -1, "no directory");
	CHECK(rename(away, test_dir) == 0, away);
	dir_put("aliases", NULL);
	CHECK(control_refresh(&c) == -1, "aliases are still to come");
	CHECK(strstr(c.error, "aliases: was here a moment ago") != NULL, c.error);
	dir_put("aliases", "root: x@example.org\n");
	CHECK(control_refresh(&c) == 1 && c.aliases.nslots > 0, "all is there");
	control_free(&c);
}

int
main(void)
{
	dir_make();
	check_bad();
	check_networks();
	check_routes();
	check_accounts();
	check_refresh();
	check_gone();
	check_gone_directory();
	dir_remove();
	return failures != 0;
}
