/*
 * A private control directory for a unit test, and its way to say what failed.
 */
#ifndef TEST_DIR_H
#define TEST_DIR_H

#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control.h"

static int	failures;
static char	test_dir[] = "/tmp/posthouse_unit.XXXXXX";
static char	test_errors[65536];	/* all errors of the last load */

#define CHECK(cond, what) do {						\
	if (!(cond)) {							\
		fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__,	\
		    (what), #cond);					\
		failures++;						\
	}								\
} while (0)

static inline void
dir_make(void)
{
	if (mkdtemp(test_dir) == NULL)
		err(1, "mkdtemp");
}

/* NULL removes the file. */
static inline void
dir_put(const char *file, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", test_dir, file);
	if (text == NULL) {
		unlink(path);
		return;
	}
	if ((f = fopen(path, "w")) == NULL || fputs(text, f) == EOF ||
	    fclose(f) == EOF)
		err(1, "%s", path);
}

static inline void
dir_remove(void)
{
	static const char *const files[] = { "settings", "hostname", "domains",
	    "networks", "routes", "users", "aliases", "passwords" };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		dir_put(files[i], NULL);
	rmdir(test_dir);
}

/* As numbers, so that no account of this system is asked for. */
static inline void
dir_put_settings(const char *more)
{
	char text[8192];

	snprintf(text, sizeof(text), "net-user 64001\ntls-user 64002\n"
	    "auth-user 64003\nqueue-user 64004\nsend-user 64005\n"
	    "mail-user 64006:64007\nspool-group 64008\n"
	    "mail-directory /m\n%s", more);
	dir_put("settings", text);
}

static inline void
dir_on_error(const char *error)
{
	strlcat(test_errors, error, sizeof(test_errors));
	strlcat(test_errors, "\n", sizeof(test_errors));
}

static inline int
dir_load(struct control *c, unsigned want)
{
	test_errors[0] = '\0';
	control_init(c, test_dir, want);
	return control_load(c, dir_on_error);
}

#endif
