/*
 * posthouse user list, show: accounts as text, one fact a line or one account a line, for grep and cut.  Never a
 * secret, not even its hash.
 */
#include <stdio.h>
#include <string.h>

#include "admin_user.h"
#include "ex.h"

/* Columns for -l, with a tab between: address, Maildir, quota, protocols, state. */
static void
list_long(const struct user *u, const char *address)
{
	struct account a;
	struct buf b;

	if (account_find(&u->control, address, &a) == -1)
		return;
	buf_init(&b, CONTROL_LINE_MAX);
	buf_addf(&b, "%s\t%s\t", a.address, a.maildir);
	buf_addspan(&b, a.line.quota);
	buf_addc(&b, '\t');
	(void)protocols_print(&b, a.line.protocols);
	buf_adds(&b, a.line.disabled ? "\tdisabled" : "\tenabled");
	if (buf_cstr(&b) != NULL)
		puts(buf_cstr(&b));
	buf_free(&b);
}

/* In the order of the file. */
int
user_list(struct user *u, int argc, char *argv[])
{
	bool all = argc == 2 && strcmp(argv[1], "-l") == 0;
	char address[ADDR_MAX + 1];
	struct control_lines l;
	struct span line;

	if (argc != 1 && !all)
		return user_usage();
	control_lines_init(&l, &u->control, "users",
	    buf_span(&u->control.users.text));
	while (control_lines_next(&l, &line)) {
		struct span key;
		struct cur c;

		cur_init(&c, line);
		key = table_key(&u->control.users, &c);
		if (span_cstr(key, address, sizeof(address)) == -1)
			continue;
		if (all)
			list_long(u, address);
		else
			puts(address);
	}
	return EX_OK;
}

static void
show_line(const char *name, struct span value)
{
	if (value.len > 0)
		printf("%s %.*s\n", name, (int)value.len,
		    (const char *)value.p);
}

static void
show_options(const struct user_line *l)
{
	struct buf b;

	buf_init(&b, 64);
	(void)protocols_print(&b, l->protocols);
	show_line("protocols", buf_span(&b));
	buf_free(&b);
	show_line("clients", l->clients);
	if (l->disabled)
		printf("disabled %.*s\n", (int)l->reason.len,
		    (const char *)l->reason.p);
}

int
user_show(struct user *u, int argc, char *argv[])
{
	struct account a;
	unsigned line;
	int r;

	if (argc != 2)
		return user_usage();
	if ((r = user_find(u, argv[1], &a)) != EX_OK)
		return r;
	(void)table_find(&u->control.users, span_str(u->address), NULL, &line);
	printf("address %s\nfile %s/users:%u\nmaildir %s\n", a.address,
	    u->control.dir, line, a.maildir);
	if (a.owner.uid != (uid_t)-1)
		printf("owner %lu.%lu\n", (unsigned long)a.owner.uid,
		    (unsigned long)a.owner.gid);
	if (quota_is_set(&a.quota))
		printf("quota %llu bytes, %llu messages\n",
		    (unsigned long long)a.quota.bytes,
		    (unsigned long long)a.quota.messages);
	show_options(&a.line);
	user_print_passwords(u);
	return EX_OK;
}
