/*
 * Facts of a TLS connection for the auth process.
 */
#include "bindings.h"

#include <string.h>

#include "encode.h"

static int
binding_parse(struct cur *c, const char *name, unsigned char *out, size_t *n)
{
	int byte;

	*n = 0;
	if (!cur_word(c, name))
		return 0;
	while (cur_peek(c) != '\n') {
		if (*n == BINDING_MAX || (byte = hex_byte(c)) == -1)
			return -1;
		out[(*n)++] = (unsigned char)byte;
	}
	return cur_ch(c, '\n') ? 0 : -1;
}

int
bindings_parse(struct span s, struct bindings *f)
{
	struct cur c;

	memset(f, 0, sizeof(*f));
	cur_init(&c, s);
	if (binding_parse(&c, "tls-exporter ", f->exporter,
	    &f->exporter_len) == -1 ||
	    binding_parse(&c, "tls-unique ", f->unique, &f->unique_len) == -1)
		return -1;
	f->addresses = cur_rest(&c);
	return 0;
}

static void
binding_print(struct buf *out, const char *name, const unsigned char *p,
    size_t n)
{
	if (n == 0)
		return;
	(void)buf_addf(out, "%s ", name);
	for (size_t i = 0; i < n; i++)
		(void)buf_addf(out, "%02x", p[i]);
	(void)buf_addc(out, '\n');
}

int
bindings_print(struct buf *out, const struct bindings *f)
{
	binding_print(out, "tls-exporter", f->exporter, f->exporter_len);
	binding_print(out, "tls-unique", f->unique, f->unique_len);
	return buf_addspan(out, f->addresses);
}

struct span
bindings_find(const struct bindings *f, struct span name)
{
	if (span_is(name, "tls-exporter") && f->exporter_len > 0)
		return span_of(f->exporter, f->exporter_len);
	if (span_is(name, "tls-unique") && f->unique_len > 0)
		return span_of(f->unique, f->unique_len);
	return span_of(NULL, 0);
}
