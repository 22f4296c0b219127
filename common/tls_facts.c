/*
 * The line that tells a session what its TLS connection is.  No OpenSSL here:
 * sessions have none.
 */
#include "tls.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "file.h"

#define TLS_FACTS_LINE	512

/* A name from the wire goes into a line only if it is a plain host name. */
static bool
plain_name(const char *s)
{
	for (; *s != '\0'; s++)
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		    "0123456789.-_", *s) == NULL)
			return false;
	return true;
}

int
tls_facts_write(int fd, struct tls_facts *f)
{
	char line[TLS_FACTS_LINE];
	int n;

	if (!plain_name(f->sni))
		f->sni[0] = '\0';
	n = snprintf(line, sizeof(line), "%s %s %u %d %s\n", f->version,
	    f->cipher, f->bits, f->certificate, f->sni[0] != '\0' ? f->sni : "-");
	if (n < 0 || (size_t)n >= sizeof(line))
		return -1;
	return file_write_all(fd, line, (size_t)n);
}

/* What tls_facts_write() wrote. */
static int
parse_facts(struct span line, struct tls_facts *f)
{
	struct cur c;
	uint64_t bits, certificate;

	cur_init(&c, line);
	if (span_cstr(cur_until(&c, ' '), f->version, sizeof(f->version)) == -1 ||
	    !cur_ch(&c, ' ') ||
	    span_cstr(cur_until(&c, ' '), f->cipher, sizeof(f->cipher)) == -1 ||
	    !cur_ch(&c, ' ') || cur_num(&c, UINT_MAX, &bits) == -1 ||
	    !cur_ch(&c, ' ') || cur_num(&c, 1, &certificate) == -1 ||
	    !cur_ch(&c, ' ') ||
	    span_cstr(cur_until(&c, '\n'), f->sni, sizeof(f->sni)) == -1)
		return -1;
	f->bits = (unsigned)bits;
	f->certificate = certificate == 1;
	return 0;
}

int
tls_read_facts(int fd, struct tls_facts *f)
{
	char line[TLS_FACTS_LINE];
	size_t n = 0;
	ssize_t r;

	memset(f, 0, sizeof(*f));
	while (n < sizeof(line) - 1) {
		if ((r = read(fd, line + n, 1)) == -1 && errno == EINTR)
			continue;
		if (r <= 0)
			return -1;
		if (line[n++] == '\n')
			return parse_facts(span_of(line, n), f);
	}
	return -1;		/* what is left of it is nobody's input */
}
