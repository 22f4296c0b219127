/*
 * posthouse check: loads every control file, tells every error and what looks
 * wrong without being one, runs the administrator's own expectations and prints
 * what is in force.  Changes nothing.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin.h"
#include "ex.h"

static const char *const known_files[] = { "settings", "hostname", "domains",
    "networks", "proxies", "routes", "users", "aliases", "passwords", "expect",
    "tls", "README" };

static void
tell(const struct control *c, const char *kind, const char *file,
    unsigned line, const char *fmt, va_list ap)
{
	fprintf(stderr, "%s%s/%s", kind, c->dir, file);
	if (line != 0)
		fprintf(stderr, ":%u", line);
	fputs(": ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

void
check_error(struct admin_check *k, const char *file, unsigned line,
    const char *fmt, ...)
{
	va_list ap;

	k->errors++;
	va_start(ap, fmt);
	tell(&k->control, "", file, line, fmt, ap);
	va_end(ap);
}

void
check_warning(struct admin_check *k, const char *file, unsigned line,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(&k->control, "warning: ", file, line, fmt, ap);
	va_end(ap);
}

static void
print_error(const char *error)
{
	fprintf(stderr, "%s\n", error);
}

void
check_secret(struct admin_check *k, const char *file, const char *what)
{
	struct stat st;

	if (fstatat(k->control.dirfd, file, &st, 0) == -1)
		return;
	if (st.st_mode & S_IRWXO)
		check_error(k, file, 0, "%s, and every account of this system can "
		    "read it (mode %03o); chmod o= %s/%s", what,
		    (unsigned)st.st_mode & 0777, k->control.dir, file);
	if (st.st_mode & S_IWGRP)
		check_warning(k, file, 0, "%s, and its group may write it; "
		    "chmod g-w %s/%s", what, k->control.dir, file);
}

static bool
routes_have_secrets(const struct control *c)
{
	struct span key, value;
	unsigned line;

	for (size_t i = 0; i < c->routes.nslots; i++) {
		struct cur cur;

		table_at(&c->routes, i, &key, &value, &line);
		cur_init(&cur, value);
		while (!cur_end(&cur)) {
			if (cur_word(&cur, "password="))
				return true;
			(void)cur_nextword(&cur);
			while (cur_ch(&cur, ' ') || cur_ch(&cur, '\t'))
				;
		}
	}
	return false;
}

/* Does a line of aliases include it, as "sales: :include:/etc/posthouse/sales"? */
static bool
is_included(const struct admin_check *k, const char *name)
{
	const struct control *c = &k->control;
	struct span key, value;
	const unsigned char *p;
	unsigned line;
	char path[600];
	int n = snprintf(path, sizeof(path), ":include:%s/%s", c->dir, name);

	for (size_t i = 0; i < c->aliases.nslots; i++) {
		table_at(&c->aliases, i, &key, &value, &line);
		p = memmem(value.p, value.len, path, (size_t)n);
		if (p != NULL && (p + n == value.p + value.len ||
		    strchr(", \t\"", p[n]) != NULL))
			return true;
	}
	return false;
}

/* A misspelt file name is a file that nobody reads. */
static void
check_names(struct admin_check *k)
{
	struct dirent *e;
	DIR *d = opendir(k->control.dir);

	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		bool known = e->d_name[0] == '.';

		for (size_t i = 0; i < sizeof(known_files) /
		    sizeof(known_files[0]); i++)
			known = known || strcmp(e->d_name, known_files[i]) == 0;
		if (!known && !is_included(k, e->d_name))
			check_warning(k, e->d_name, 0, "no program reads a file of "
			    "this name; posthouse.conf(5) lists them");
		if (known && strcmp(e->d_name, "..") != 0)
			check_writable(k, e->d_name);
	}
	closedir(d);
}

static void
print_summary(const struct control *c, unsigned expectations)
{
	printf("# control directory %s\n", c->dir);
	printf("# hostname %s\n", c->hostname);
	printf("# domains %zu, users %zu, aliases %zu, passwords %zu, routes %zu, "
	    "networks %zu, expectations %u\n", c->domains.nslots,
	    c->users.nslots, c->aliases.nslots, c->passwords.nslots,
	    c->routes.nslots, c->nnetworks, expectations);
	settings_print(&c->set);
}

int
admin_check(const char *dir, int argc, char *argv[])
{
	static struct admin_check k;
	unsigned expectations = 0;

	(void)argv;
	if (argc != 1) {
		fprintf(stderr, "usage: posthouse check\n");
		return EX_USAGE;
	}
	control_init(&k.control, dir, CONTROL_HOSTNAME | CONTROL_DOMAINS |
	    CONTROL_NETWORKS | CONTROL_PROXIES | CONTROL_ROUTES | CONTROL_USERS |
	    CONTROL_ALIASES | CONTROL_PASSWORDS);
	if (control_load(&k.control, print_error) == -1)
		k.errors = k.control.nerrors;
	if (k.control.dirfd == -1)
		return EX_CONFIG;
	check_secret(&k, "passwords", "it holds the secrets of all accounts");
	if (routes_have_secrets(&k.control))
		check_secret(&k, "routes", "it holds a password");
	check_tls(&k);
	check_names(&k);
	check_places(&k);
	check_readable(&k);
	check_shared(&k);
	/* With a line missing, what follows from it would be told as well. */
	if (k.control.nerrors == 0) {
		check_sense(&k);
		expectations = check_expect(&k);
	}
	print_summary(&k.control, expectations);
	fflush(stdout);
	if (k.errors > 0)
		fprintf(stderr, "%u error%s\n", k.errors,
		    k.errors == 1 ? "" : "s");
	control_free(&k.control);
	return k.errors == 0 ? EX_OK : EX_CONFIG;
}
