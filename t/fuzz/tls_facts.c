/*
 * What a process is told of its TLS connection, over a pipe from another that a stranger may have taken over: no more than
 * one line is read, and what was understood is written, and read, as the same.  Then the input as a host name from the wire:
 * it adds nothing to the line.
 */
#include <sys/mman.h>

#include <err.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "tls.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int	fd = -1;

static void
fill(struct span s)
{
	if (ftruncate(fd, 0) == -1 || lseek(fd, 0, SEEK_SET) == -1 ||
	    file_write_all(fd, s.p, s.len) == -1)
		err(1, "memfd");
	(void)lseek(fd, 0, SEEK_SET);
}

static void
check_same(const struct tls_facts *a, const struct tls_facts *b)
{
	if (strcmp(a->version, b->version) != 0 ||
	    strcmp(a->cipher, b->cipher) != 0 || a->bits != b->bits ||
	    a->certificate != b->certificate)
		abort();
}

/* Written it is one line, and it is read as what it was. */
static void
check_write(struct tls_facts *f)
{
	struct tls_facts again;

	fill(span_of(NULL, 0));
	if (tls_facts_write(fd, f) == -1)
		abort();
	(void)file_write_all(fd, "250 ok\r\n", 8);
	(void)lseek(fd, 0, SEEK_SET);
	if (tls_read_facts(fd, &again) == -1 ||
	    lseek(fd, 0, SEEK_CUR) + 8 != lseek(fd, 0, SEEK_END))
		abort();
	check_same(f, &again);
	if (strcmp(again.sni, f->sni[0] == '\0' ? "-" : f->sni) != 0)
		abort();
}

static void
check_read(struct span in)
{
	struct tls_facts f;
	struct span line;
	struct cur c;
	int r;

	fill(in);
	r = tls_read_facts(fd, &f);
	cur_init(&c, in);
	line = cur_until(&c, '\n');
	if ((size_t)lseek(fd, 0, SEEK_CUR) > line.len + !cur_end(&c))
		abort();
	if (r == -1)
		return;
	if (cur_end(&c) || (size_t)lseek(fd, 0, SEEK_CUR) != line.len + 1)
		abort();
	check_write(&f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tls_facts f = { .version = "TLSv1.3",
	    .cipher = "TLS_AES_256_GCM_SHA384", .bits = 256 };

	if (fd == -1 && (fd = memfd_create("facts", MFD_CLOEXEC)) == -1)
		err(1, "memfd");
	check_read(span_of(data, size));
	memcpy(f.sni, data, size < sizeof(f.sni) ? size : sizeof(f.sni) - 1);
	check_write(&f);
	return 0;
}
