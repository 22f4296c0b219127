/*
 * Destinations: found by key, served in turns.  Domains that share a smarthost
 * share its connections.
 */
#include <stdlib.h>
#include <string.h>

#include "fmt.h"
#include "remote_manager.h"

/* Everything that makes a connection fit for a job or not. */
static void
make_key(const struct manager *m, const struct remote_job *j,
    struct route *r, char key[DEST_KEY_MAX])
{
	bool mx;

	(void)route_find(m->control, j->domain, r);
	mx = strcmp(r->host, "mx:") == 0;
	if (mx)
		r->port = m->control->set.smtp_port;
	fmt_print(key, DEST_KEY_MAX, "%s:%u %d %s %s %s %s", mx ? j->domain :
	    r->host, r->port, (int)r->tls + 10 * mx, r->source4, r->source6,
	    r->helo, r->user);
}

/* FNV-1a; domains come from senders, but the bucket's length only costs time
 * and jobs are limited by queue. */
static size_t
bucket(const char *key)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (; *key != '\0'; key++)
		h = (h ^ (unsigned char)*key) * 0x100000001b3ULL;
	return (size_t)(h >> 20) % DEST_BUCKETS;
}

static void
join_turns(struct manager *m, struct dest *d)
{
	if (m->turns == NULL) {
		m->turns = d->next = d->prev = d;
		return;
	}
	d->next = m->turns;
	d->prev = m->turns->prev;
	d->prev->next = d;
	d->next->prev = d;
}

struct dest *
dest_get(struct manager *m, const struct remote_job *j)
{
	struct route route;
	struct dest *d;
	char key[DEST_KEY_MAX];
	size_t b;

	make_key(m, j, &route, key);
	b = bucket(key);
	for (d = m->buckets[b]; d != NULL; d = d->hash_next)
		if (strcmp(d->key, key) == 0)
			return d;
	if ((d = calloc(1, sizeof(*d))) == NULL)
		return NULL;
	strlcpy(d->key, key, sizeof(d->key));
	d->route = route;
	d->last = &d->first;
	d->limit = m->control->set.destination_jobs;
	d->hash_next = m->buckets[b];
	m->buckets[b] = d;
	join_turns(m, d);
	return d;
}

void
dest_add(struct dest *d, struct remote_job *j)
{
	j->next = NULL;
	*d->last = j;
	d->last = &j->next;
}

void
dest_add_first(struct dest *d, struct remote_job *j)
{
	if (d->first == NULL) {
		dest_add(d, j);
		return;
	}
	j->next = d->first;
	d->first = j;
}

struct remote_job *
dest_take(struct dest *d)
{
	struct remote_job *j = d->first;

	if (j == NULL)
		return NULL;
	d->first = j->next;
	if (d->first == NULL)
		d->last = &d->first;
	j->next = NULL;
	return j;
}

void
dest_release(struct manager *m, struct dest *d)
{
	struct dest **p = &m->buckets[bucket(d->key)];

	if (d->first != NULL || d->workers > 0)
		return;
	while (*p != d)
		p = &(*p)->hash_next;
	*p = d->hash_next;
	if (m->turns == d)
		m->turns = d->next == d ? NULL : d->next;
	d->next->prev = d->prev;
	d->prev->next = d->next;
	buf_zero(&d->route, sizeof(d->route));
	free(d);
}
