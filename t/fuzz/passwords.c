/*
 * The index of passwords, with any bytes in its entries: whatever they are, a search ends, and finds nothing but what stands
 * behind that very address.  Entries that are sorted, of one line each, find all of its lines.
 */
#include "passwords.h"

#include <sys/mman.h>

#include <err.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "table.h"

#define HEAD	(10 * sizeof(uint64_t))	/* of the index */

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char text[] = "# a comment\na@b.example:x1\nc@d.example:x2\n"
	"a@b.example:x3\n\nno line\nA@B.example: x4 \nlast@b.example:x5";

static int
memory(const void *p, size_t n)
{
	int fd = memfd_create("passwords", MFD_CLOEXEC);

	if (fd == -1 || file_write_all(fd, p, n) == -1)
		err(1, "memfd");
	return fd;
}

/* Every line that is found is one of these. */
static void
check_find(const struct passwords *p, const char *address, const char *all)
{
	struct span line;
	struct buf out;
	struct cur c;

	buf_init(&out, 1 << 20);
	if (passwords_find(p, span_str(address), &out) == 0) {
		cur_init(&c, buf_span(&out));
		while (!cur_end(&c)) {
			line = cur_until(&c, '\n');
			if (!cur_ch(&c, '\n') || line.len != 2 ||
			    memmem(all, strlen(all), line.p, 2) == NULL)
				abort();
		}
	}
	buf_free(&out);
}

static void
check(const struct passwords *p)
{
	struct buf out;

	check_find(p, "a@b.example", "x1 x3 x4");
	check_find(p, "c@d.example", "x2");
	check_find(p, "last@b.example", "x5");
	check_find(p, "nobody@b.example", "");
	buf_init(&out, 1 << 20);
	(void)passwords_usual(p, &out);
	buf_free(&out);
}

static int
compare(const void *a, const void *b)
{
	const struct passwords_entry *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* The lines of the file among the input's entries, which are other people's. */
static void
check_sorted(struct passwords *p, const struct passwords_entry *e, size_t n)
{
	static const uint32_t at[] = { 12, 42, 66 };	/* of a@b.example */
	struct passwords_entry *v = calloc(n + 3, sizeof(*v));
	struct buf out;

	if (v == NULL)
		err(1, "calloc");
	for (size_t i = 0; i < n + 3; i++)
		v[i] = i < n ? e[i] : (struct passwords_entry){
		    table_hash(span_str("a@b.example")), at[i - n] };
	qsort(v, n + 3, sizeof(*v), compare);
	p->index = -1;
	p->entries = v;
	p->n = n + 3;
	check(p);
	buf_init(&out, 1 << 20);
	if (n == 0 && (passwords_find(p, span_str("a@b.example"), &out) ==
	    -1 || !span_is(buf_span(&out), "x1\nx3\nx4\n")))
		abort();
	buf_free(&out);
	free(v);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned char head[HEAD];
	struct passwords p = { .usual = 0 };
	struct passwords_entry *e;

	p.n = size / sizeof(*e);
	p.usual = size > 0 ? data[0] : UINT64_MAX;
	if ((e = malloc(size + 1)) == NULL)
		err(1, "malloc");
	memcpy(e, data, size);
	p.fd = memory(text, sizeof(text) - 1);
	p.index = memory(head, sizeof(head));
	if (file_write_all(p.index, data, p.n * sizeof(*e)) == -1)
		err(1, "memfd");
	check(&p);
	close(p.index);
	check_sorted(&p, e, p.n);
	close(p.fd);
	free(e);
	return 0;
}
