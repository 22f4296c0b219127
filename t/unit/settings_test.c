/*
 * Settings: defaults, units, bounds, and that every wrong line is told.
 */
#include "t/unit/dir.h"

static struct control c;

static const struct { const char *line, *error; } bad[] = {
	{ "message-size 1\n", ":9: there is no setting \"message-size\"" },
	{ "message-size-limit\n", ":9: message-size-limit \"\": the value is missing" },
	{ "message-size-limit 10X\n", "write a number of bytes" },
	{ "message-size-limit 10MM\n", "write a number of bytes" },
	{ "message-size-limit -1\n", "write a number of bytes" },
	{ "message-size-limit 1023\n", "from 1K to 1024G" },
	{ "message-size-limit 99999999999999999999\n", "write a number" },
	{ "recipient-limit 0\n", "write a whole number, from 1 to 100000" },
	{ "recipient-limit 10k\n", "write a whole number" },
	{ "command-timeout 2h\n", "from 1s to 1h" },
	{ "command-timeout 5min\n", "write a time such as" },
	{ "plain-auth maybe\n", "write \"no\" or \"yes\"" },
	{ "bare-newline fix\n", "write \"refuse\" or \"repair\"" },
	{ "spool-directory spool\n", "a path must be absolute" },
	{ "recipient-delimiter a\n", "may delimit" },
	{ "recipient-delimiter +-=+-=+-=\n", "more than 7" },
	{ "sandbox no\nsandbox no\n", ":10: sandbox is set in line 9 already" },
};

static const struct { const char *text; int64_t size, seconds; } numbers[] = {
	{ "0", 0, 0 }, { "1", 1, 1 }, { "5k", 5120, -1 }, { "5K", 5120, -1 },
	{ "2M", 2097152, 120 }, { "1g", 1073741824, -1 },
	{ "1T", 1099511627776, -1 }, { "30s", -1, 30 }, { "5m", 5242880, 300 },
	{ "4h", -1, 14400 }, { "5d", -1, 432000 }, { "2w", -1, 1209600 },
	{ "", -1, -1 }, { "k", -1, -1 }, { "1 k", -1, -1 }, { "1kk", -1, -1 },
	{ "0x10", -1, -1 }, { "+1", -1, -1 }, { "18446744073709551616", -1, -1 },
};

static void
check_numbers(void)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct span s = span_str(numbers[i].text);
		uint64_t v;

		CHECK((size_parse(s, &v) == 0 ? (int64_t)v : -1) ==
		    numbers[i].size, numbers[i].text);
		CHECK((duration_parse(s, &v) == 0 ? (int64_t)v : -1) ==
		    numbers[i].seconds, numbers[i].text);
	}
}

static void
check_bad(void)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		dir_put_settings(bad[i].line);
		CHECK(dir_load(&c, 0) == -1, bad[i].line);
		CHECK(c.nerrors == 1, test_errors);
		CHECK(strstr(c.error, bad[i].error) != NULL, c.error);
		control_free(&c);
	}
}

static void
check_good(void)
{
	dir_put_settings("# comment\n\n message-size-limit\t1M \n"
	    "recipient-delimiter none\nspool-sync directory\n"
	    "bare-newline repair\nsandbox no\nqueue-lifetime 0\n"
	    "retry-first 90\nspool-directory /s///\n");
	CHECK(dir_load(&c, 0) == 0, test_errors);
	CHECK(c.set.message_size == 1048576 && c.set.recipients == 1000 &&
	    c.set.command_timeout == 300, "numbers");
	CHECK(c.set.recipient_delimiter[0] == '\0' && c.set.sync_directory &&
	    c.set.bare_newline_repair && !c.set.sandbox && !c.set.plain_auth,
	    "words");
	CHECK(c.set.queue_lifetime == 0 && c.set.retry_first == 90, "times");
	CHECK(strcmp(c.set.spool, "/s") == 0 && strcmp(c.set.mail, "/m") == 0,
	    "paths");
	if (geteuid() == 0)
		CHECK(c.set.mail_user.uid == 64006 && c.set.mail_user.gid ==
		    64007 && c.set.net_user.gid == 64001 &&
		    c.set.spool_group == 64008, "ids as root");
	else
		CHECK(c.set.mail_user.uid == (uid_t)-1 &&
		    c.set.spool_group == (gid_t)-1, "ids not as root");
	control_free(&c);
}

/* As root a name must exist, and nothing that reads mail runs as root. */
static void
check_root(void)
{
	if (geteuid() != 0)
		return;
	dir_put("settings", "net-user no-such-account-here\ntls-user 0\n"
	    "auth-user root\nqueue-user 1\nsend-user 1\nmail-user nobody\n"
	    "spool-group no-such-group-here\n");
	CHECK(dir_load(&c, 0) == -1 && c.nerrors == 4, test_errors);
	CHECK(strstr(test_errors, "settings:1: net-user") != NULL &&
	    strstr(test_errors, ":2: tls-user \"0\": this is root") != NULL &&
	    strstr(test_errors, ":3: auth-user \"root\": this is") != NULL &&
	    strstr(test_errors, ":7: spool-group") != NULL, test_errors);
	CHECK(c.set.mail_user.uid != (uid_t)-1, "nobody is an account");
	control_free(&c);
}

/* What print says, load takes, and prints the same again. */
static void
check_round_trip(void)
{
	char once[8192] = "", twice[8192] = "";
	char path[256];
	FILE *out = stdout;

	dir_put_settings("retry-max 5400\nmessage-size-limit 1234567\n");
	snprintf(path, sizeof(path), "%s/printed", test_dir);
	for (int i = 0; i < 2; i++) {
		char *to = i == 0 ? once : twice;
		FILE *f;

		CHECK(dir_load(&c, 0) == 0, test_errors);
		if ((stdout = fopen(path, "w+")) == NULL)
			err(1, "%s", path);
		settings_print(&c.set);
		f = stdout;
		stdout = out;
		rewind(f);
		to[fread(to, 1, sizeof(once) - 1, f)] = '\0';
		fclose(f);
		control_free(&c);
		dir_put("settings", to);
	}
	unlink(path);
	CHECK(strcmp(once, twice) == 0, "the same twice");
	CHECK(strstr(once, "retry-max 90m\n") != NULL, once);
	CHECK(strstr(once, "message-size-limit 1234567\n") != NULL, once);
}

int
main(void)
{
	dir_make();
	check_numbers();
	check_bad();
	check_good();
	check_root();
	if (geteuid() == 0)
		check_round_trip();
	dir_remove();
	return failures != 0;
}
