/*
 * Secrets from a person or a script, never from a command line, where ps shows
 * them.  Trusts the terminal; refuses empty secrets and control bytes, which no
 * mail program can send.
 */
#include <errno.h>
#include <readpassphrase.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin.h"
#include "ex.h"
#include "secret.h"

static int
ask_twice(char out[ADMIN_SECRET_MAX])
{
	char again[ADMIN_SECRET_MAX];
	int r;

	if (readpassphrase("New password: ", out, ADMIN_SECRET_MAX,
	    RPP_ECHO_OFF) == NULL ||
	    readpassphrase("The same again: ", again, sizeof(again),
	    RPP_ECHO_OFF) == NULL) {
		fprintf(stderr, "no password was read\n");
		return -1;
	}
	r = strcmp(out, again) == 0 ? 0 : -1;
	buf_zero(again, sizeof(again));
	if (r == -1)
		fprintf(stderr, "the two are not the same; nothing was changed\n");
	return r;
}

/* Byte by byte, so that nothing behind the line is taken. */
static int
read_line(char out[ADMIN_SECRET_MAX])
{
	size_t n = 0;
	ssize_t r;
	char c;

	for (;;) {
		r = read(STDIN_FILENO, &c, 1);
		if (r == -1 && errno == EINTR)
			continue;
		if (r <= 0 || c == '\n')
			break;
		if (n + 1 >= ADMIN_SECRET_MAX) {
			fprintf(stderr, "the password is longer than %d bytes\n",
			    ADMIN_SECRET_MAX - 1);
			return -1;
		}
		out[n++] = c;
	}
	if (n > 0 && out[n - 1] == '\r')
		n--;
	out[n] = '\0';
	if (strlen(out) == n)
		return 0;
	fprintf(stderr, "there is a NUL byte in the password\n");
	return -1;
}

int
secret_read(char out[ADMIN_SECRET_MAX])
{
	int r = isatty(STDIN_FILENO) ? ask_twice(out) : read_line(out);

	if (r == 0 && *out == '\0') {
		fprintf(stderr, "the password is empty; nothing was changed\n");
		r = -1;
	}
	for (const char *p = out; r == 0 && *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f) {
			fprintf(stderr, "there is a control character in the "
			    "password\n");
			r = -1;
		}
	if (r == -1)
		buf_zero(out, ADMIN_SECRET_MAX);
	return r;
}

int
admin_hash(const char *dir, int argc, char *argv[])
{
	char secret[ADMIN_SECRET_MAX];
	enum secret_kind kind = SECRET_SCRAM;
	struct buf out;
	int r;

	(void)dir;
	if (argc == 2 && strcmp(argv[1], "-c") == 0)
		kind = SECRET_CRYPT;
	else if (argc != 1) {
		fprintf(stderr, "usage: posthouse hash [-c] <file\n");
		return EX_USAGE;
	}
	if (secret_read(secret) == -1)
		return EX_DATAERR;
	buf_init(&out, CONTROL_LINE_MAX);
	r = secret_make(kind, span_str(secret), false, NULL, &out);
	if (r == -1)
		fprintf(stderr, "cannot make a hash: %s\n", strerror(errno));
	else
		puts(buf_cstr(&out));
	buf_zero(secret, sizeof(secret));
	buf_wipe(&out);
	return r == -1 ? EX_OSERR : EX_OK;
}
