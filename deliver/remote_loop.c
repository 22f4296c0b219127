/*
 * Mail that comes back to this host, for a route or an MX record leads here.  A
 * server's name alone proves nothing: a content filter that speaks for us, or a
 * second instance, gives ours and is no loop.  So the message must say, too, that
 * it has been here OWN_HOPS_MAX times.  Trusts its Received fields no further:
 * who forges them gets his own mail back.
 */
#include "remote_loop.h"

#include <string.h>

#include "chars.h"
#include "header.h"

static bool
is_between(int ch)
{
	return ch == ';' || (ch != -1 && (chars[ch] & CH_FWS) != 0);
}

static struct span
take_word(struct cur *c)
{
	const unsigned char *start;

	while (is_between(cur_peek(c)))
		cur_next(c);
	start = c->p;
	while (!cur_end(c) && !is_between(cur_peek(c)))
		cur_next(c);
	return span_of(start, (size_t)(c->p - start));
}

/* RFC 5321 section 4.4: By-domain = CFWS "BY" FWS Extended-Domain */
static bool
is_by(struct span received, const char *own)
{
	struct cur c;
	struct span before = span_of(received.p, 0), word;

	cur_init(&c, received);
	while ((word = take_word(&c)).len > 0) {
		if (span_isis(before, "by") && span_isis(word, own))
			return true;
		before = word;
	}
	return false;
}

void
loop_mx(const char *domain, const char *host, const char *own,
    struct verdict *v)
{
	verdict_set(v, PROC_FAIL, "5.4.6", "mail for %s loops: its best MX host "
	    "is %s, which is this host%s%s; its MX record must name another, or "
	    "%s must stand in domains if its mail is to stay here", domain,
	    host, strcasecmp(host, own) == 0 ? "" : ", ",
	    strcasecmp(host, own) == 0 ? "" : own, domain);
}

unsigned
loop_hops(struct span header, const char *own)
{
	struct header_field f;
	unsigned hops = 0;

	while (header_field(&header, &f))
		hops += span_isis(f.name, "Received") && is_by(f.body, own);
	return hops;
}

bool
loop_found(const struct smtp *s, const struct mail *m,
    const struct remote_job *j, const struct route *r, const char *own,
    struct verdict *v)
{
	if (!s->is_self || loop_hops(mail_front(m), own) < OWN_HOPS_MAX)
		return false;
	if (strcmp(r->host, "mx:") == 0)
		loop_mx(j->domain, s->relay.host, own, v);
	else
		verdict_set(v, PROC_FAIL, "5.4.6", "mail for %s loops: routes "
		    "sends it to %s, which leads back to this host, %s; a line "
		    "for %s in routes must name another, or mx:, or %s must "
		    "stand in domains if its mail is to stay here", j->domain,
		    s->relay.text, own, j->domain, j->domain);
	return true;
}
