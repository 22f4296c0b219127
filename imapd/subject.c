/*
 * Base subjects: RFC 5256 sections 2.1 and 5, "subject".  Only ever makes a span
 * shorter.  Cost is quadratic in the number of "[...]": callers limit the length.
 */
#include "subject.h"

#include <string.h>

static struct span
after(struct span s, size_t n)
{
	return span_of(s.p + n, s.len - n);
}

static struct span
skip_wsp(struct span s)
{
	while (s.len > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = after(s, 1);
	return s;
}

static bool
begins(struct span s, const char *word)
{
	size_t n = strlen(word);

	return s.len >= n && span_isis(span_of(s.p, n), word);
}

static bool
ends(struct span s, const char *word)
{
	size_t n = strlen(word);

	return s.len >= n && span_isis(span_of(s.p + s.len - n, n), word);
}

/* subj-blob = "[" *BLOBCHAR "]" *WSP */
static bool
take_blob(struct span *s)
{
	size_t i = 1;

	if (s->len == 0 || s->p[0] != '[')
		return false;
	while (i < s->len && s->p[i] != '[' && s->p[i] != ']')
		i++;
	if (i == s->len || s->p[i] != ']')
		return false;
	*s = skip_wsp(after(*s, i + 1));
	return true;
}

/* subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":" */
static bool
take_refwd(struct span *s)
{
	struct span t = *s;

	if (begins(t, "re"))
		t = after(t, 2);
	else if (begins(t, "fwd"))
		t = after(t, 3);
	else if (begins(t, "fw"))
		t = after(t, 2);
	else
		return false;
	t = skip_wsp(t);
	(void)take_blob(&t);
	if (t.len == 0 || t.p[0] != ':')
		return false;
	*s = after(t, 1);
	return true;
}

/* subj-leader = (*subj-blob subj-refwd) / WSP */
static bool
take_leader(struct span *s, bool *reply)
{
	struct span t = skip_wsp(*s);

	if (t.len < s->len) {
		*s = t;
		return true;
	}
	while (take_blob(&t))
		;
	if (!take_refwd(&t))
		return false;
	*s = t;
	*reply = true;
	return true;
}

/* subj-trailer = "(fwd)" / WSP */
static bool
take_trailer(struct span *s, bool *reply)
{
	if (s->len == 0)
		return false;
	if (s->p[s->len - 1] == ' ' || s->p[s->len - 1] == '\t') {
		s->len--;
		return true;
	}
	if (!ends(*s, "(fwd)"))
		return false;
	s->len -= 5;
	*reply = true;
	return true;
}

/* A blob at the front, unless nothing would be left. */
static bool
take_front_blob(struct span *s)
{
	struct span t = *s;

	if (!take_blob(&t) || t.len == 0)
		return false;
	*s = t;
	return true;
}

struct span
subject_base(struct span s, bool *reply)
{
	*reply = false;
	for (;;) {
		while (take_trailer(&s, reply))
			;
		do {
			while (take_leader(&s, reply))
				;
		} while (take_front_blob(&s));
		if (!begins(s, "[fwd:") || !ends(s, "]"))
			return s;
		s = span_of(s.p + 5, s.len - 6);
		*reply = true;
	}
}
