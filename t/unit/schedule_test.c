/* The retry schedule as posthouse-queue(8) documents it, six days in a loop.
 * LINK: queue/queue_schedule.c */
#include "queue/queue_schedule.h"

#include <stdio.h>

static int	failures;

#define CHECK(cond, ...) do {						\
	if (!(cond)) {							\
		failures++;						\
		fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #cond); \
		fprintf(stderr, __VA_ARGS__);				\
		fputc('\n', stderr);					\
	}								\
} while (0)

#define HOUR	3600
#define DAY	86400

static const struct schedule defaults = {
	.lifetime = 5 * DAY, .first = 1800, .max = 4 * HOUR, .greylist = 300
};

/* The table of the man page: wait before attempt n + 1, without jitter. */
static const struct { unsigned attempts, seconds; } table[] = {
	{ 1, 1800 }, { 2, 2700 }, { 3, 4050 }, { 4, 6075 }, { 5, 9113 },
	{ 6, 13670 }, { 7, 14400 }, { 8, 14400 }, { 50, 14400 }
};

static void
test_waits(void)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		for (uint64_t seed = 0; seed < 1000; seed++) {
			unsigned n = table[i].attempts, s = table[i].seconds;
			unsigned w = schedule_wait(&defaults, n, seed,
			    false);

			CHECK(w == schedule_wait(&defaults, n, seed,
			    false),
			    "not the same twice");
			CHECK(w >= s - s / 8 - 1 && w <= s + s / 8 + 1,
			    "attempt %u waits %u, not about %u", n, w, s);
			CHECK(w <= defaults.max, "%u", w);
			CHECK(n > 1 || w >= defaults.first, "%u", w);
		}
}

/* Jitter spreads: of 1,000 messages that failed together, no second gets more
 * than a few. */
static void
test_spread(void)
{
	static unsigned seen[2 * HOUR];
	unsigned most = 0;

	for (uint64_t i = 0; i < 1000; i++) {
		unsigned w = schedule_wait(&defaults, 1,
		    i * 0x123456789abcdefULL, false);

		if (++seen[w] > most)
			most = seen[w];
	}
	CHECK(most < 25, "%u at once", most);
}

static void
test_six_days(void)
{
	for (uint64_t seed = 1; seed < 200; seed++) {
		time_t arrival = 1795000000, t = arrival;
		unsigned n = 0;

		for (;;) {
			n++;
			if (schedule_expired(&defaults, arrival, t))
				break;
			t = schedule_next(&defaults, arrival, t, n, seed,
			    false);
			CHECK(t <= arrival + 5 * DAY, "after its lifetime");
			if (n > 100)
				break;
		}
		CHECK(t == arrival + 5 * DAY, "the last try is at the end");
		CHECK(n > 30 && n < 50, "%u attempts", n);
	}
}

static void
test_limits(void)
{
	struct schedule s = defaults;

	s.lifetime = 0;
	CHECK(schedule_expired(&s, 100, 100), "no lifetime: one attempt");
	s = defaults;
	s.first = s.max = 1;
	CHECK(schedule_wait(&s, 1, 7, false) == 1 &&
	    schedule_wait(&s, 9, 7, false) == 1, "1 s");
	s.first = 10;
	s.max = 5;	/* an odd wish: never above the maximum */
	CHECK(schedule_wait(&s, 1, 7, false) <= 5, "above the maximum");
	s.first = s.max = 7 * DAY;
	s.lifetime = 5 * DAY;
	CHECK(schedule_next(&s, 1000, 2000, 1, 5, false) == 1000 + 5 * DAY,
	    "once more at the end");
	CHECK(schedule_next(&s, 1000, 1000 + 5 * DAY, 2, 5, false) >
	    1000 + 5 * DAY, "time goes on behind the end");
}

/* What servers say, and what is only like it. */
static const struct { const char *answer; bool yes; } answers[] = {
	{ "4.2.0 [mx.example.org] 450 4.2.0 <b@example.org>: Recipient address "
	    "rejected: Greylisted, see http://postgrey.schweikert.ch/", true },
	{ "4.7.1 [mx.example.org] 451 4.7.1 Greylisting in action, please come "
	    "back later", true },
	{ "4.0.0 [192.0.2.1] 451 graylisted for 300 seconds", true },
	{ "4.7.1 [mx.example.org] 450 4.7.1 please try again later", true },
	{ "4.7.1 [mx.example.org] 451 4.7.1 Try again later", true },
	{ "4.7.1 450 4.7.1 later", true },
	{ "4.7.1 [mx.example.org] 421 4.7.1 too many connections", false },
	{ "4.7.0 [mx.example.org] 451 4.7.0 rate limited", false },
	{ "4.2.2 [mx.example.org] 452 4.2.2 mailbox full", false },
	{ "4.4.1 [mx.example.org] connection timed out", false },
	{ "5.7.1 [mx.example.org] 550 greylisted for ever", false },
	{ "4.7.1 we have no certificate", false }, { "", false },
	{ NULL, false }
};

static void
test_greylisting(void)
{
	static const unsigned waits[] = { 300, 450, 675, 1013, 9113 };
	struct schedule off = defaults, quick = defaults;

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		CHECK(schedule_is_greylisting(answers[i].answer) ==
		    answers[i].yes, "%s", answers[i].answer);
	for (unsigned n = 1; n <= 5; n++)
		for (uint64_t seed = 0; seed < 100; seed++) {
			unsigned s = waits[n - 1];
			unsigned w = schedule_wait(&defaults, n, seed, true);

			CHECK(w >= s && w <= s + s / 8 + 1, "%u: %u", n, w);
		}
	off.greylist = 0;
	CHECK(schedule_wait(&off, 1, 7, true) == schedule_wait(&off, 1, 7,
	    false), "turned off");
	quick.first = 60;
	CHECK(schedule_wait(&quick, 1, 7, true) < 70, "never later than others");
}

static void
test_warning(void)
{
	struct settings s = { .delay_warning = 4 * HOUR };

	CHECK(!schedule_warn(&s, 0, 4 * HOUR - 1, false), "too early");
	CHECK(schedule_warn(&s, 0, 4 * HOUR, false), "in time");
	CHECK(!schedule_warn(&s, 0, 9 * HOUR, true), "twice");
	s.delay_warning = 0;
	CHECK(!schedule_warn(&s, 0, 9 * HOUR, false), "turned off");
}

/* In words, without jitter. */
static const struct { struct schedule s; const char *words; } printed[] = {
	{ { .lifetime = 5 * DAY, .first = 1800, .max = 4 * HOUR,
	    .greylist = 300 }, "again after 30m, 45m, 1h7m, 1h41m, 2h31m, "
	    "3h47m, 4h, then each 4h (greylisted: first after 5m); given up "
	    "after 5d" },
	{ { .lifetime = 36 * HOUR, .first = 90, .max = 90 },
	    "again after 1m30s, then each 1m30s; given up after 1d12h" },
	{ { .lifetime = 1, .first = 3599, .max = 3600 },
	    "again after 59m59s, 1h, then each 1h; given up after 1s" },
};

static void
test_words(void)
{
	struct buf b;

	for (size_t i = 0; i < sizeof(printed) / sizeof(printed[0]); i++) {
		buf_init(&b, 4096);
		schedule_print(&printed[i].s, &b);
		CHECK(span_is(buf_span(&b), printed[i].words), "%s",
		    buf_cstr(&b));
		buf_free(&b);
	}
}

int
main(void)
{
	test_waits();
	test_spread();
	test_six_days();
	test_limits();
	test_greylisting();
	test_warning();
	test_words();
	return failures == 0 ? 0 : 1;
}
