/* State files, job and answer lines: what is printed is read back the same, and
 * anything else is refused.
 * LINK: queue/queue_state.c */
#include "queue/queue_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int	failures;

#define CHECK(cond, what) do {						\
	if (!(cond)) {							\
		failures++;						\
		fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__,	\
		    what, #cond);					\
	}								\
} while (0)

static const char *const good[] = {
	"1\t1\t1795000000\tbob@example.org\t4.4.1 connection timed out\n",
	"1\t0\t0\tbob@example.org\t\n",
	"3.1\t12\t1795000000\t\"a b\"@example.org\t4.2.2 over <quota> %\n"
	    "100000.20\t1\t1795000001\tx@[192.0.2.1]\t5.1.1 no\n",
	"1\t3\t1795000000\tb@x.example\t4.2.0 no\ntried\t1\t1794000000\t4.2.0 "
	    "[mx] 450 no\ntried\t2\t1794100000\t\n2\t0\t0\tc@x.example\t\n",
	"warned\t1795000000\n2\t1\t1795000000\tb\xc3\xbc@x.example\t4.0.0 \n",
};

static const char *const bad[] = {
	"", "\n", "warned\t1795000000\n", "1\t1\t1795000000\tbob@example.org\t",
	"1\t1\t1795000000\tbob@example.org\n",
	"1\t1\t1795000000\t\t4.4.1 x\n", "\t1\t1\tbob@x\tx\n",
	".1\t1\t1\tbob@x\tx\n", "1/2\t1\t1\tbob@x\tx\n", "-1\t1\t1\tbob@x\tx\n",
	"1\t-1\t1\tbob@x\tx\n", "1\tx\t1\tbob@x\tx\n", "1\t1\t1x\tbob@x\tx\n",
	"1\t99999999999\t1\tbob@x\tx\n", "1\t1\t99999999999\tbob@x\tx\n",
	"1\t1\t1\tbob@x\ta\tb\n", "1\t1\t1\tbob@x\ta\rb\n",
	"1\t1\t1\tbob@x\ta\x01\n", "1\t1\t1\tbob@x\tx\n\n",
	"1\t1\t1\tbob@x\tx\nwarned\t1\n", "warned\tx\n1\t1\t1\tbob@x\tx\n",
	"tried\t1\t1\tx\n1\t1\t1\tbob@x\tx\n",
	"1\t1\t1\tbob@x\tx\ntried\t1\t1\n",
	"1\t1\t1\tbob@x\tx\ntried\tx\t1\tx\n",
	"1\t1\t1\tbob@x\tx\ntried\t1\tx\tx\n",
	"1\t1\t1\tbob@x\tx\ntried\t1\t1\ta\tb\n",
	"123456789012345678901234567890\t1\t1\tbob@x\tx\n",
};

static void
test_state(void)
{
	struct rcpts r;
	struct buf b;

	buf_init(&b, 65536);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		CHECK(state_parse(span_str(good[i]), &r) == 0, good[i]);
		buf_clear(&b);
		CHECK(state_print(&r, &b) == 0, good[i]);
		CHECK(span_is(buf_span(&b), good[i]), good[i]);
		rcpts_free(&r);
		/* cut anywhere it is refused, or shorter by whole lines */
		for (size_t n = 0; n < strlen(good[i]); n++)
			if (n == 0 || good[i][n - 1] != '\n')
				CHECK(state_parse(span_of(good[i], n), &r) ==
				    -1 && errno == EINVAL, good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(state_parse(span_str(bad[i]), &r) == -1 &&
		    errno == EINVAL, bad[i]);
	CHECK(state_parse(span_of("1\t1\t1\tb\0b@x\tx\n", 14), &r) == -1,
	    "NUL");
	buf_free(&b);
}

static void
test_state_rules(void)
{
	struct rcpts r;
	struct buf b;
	char long_text[JOB_TEXT_MAX * 2];

	buf_init(&b, 65536);
	CHECK(state_parse(span_str("1\t3\t9\ta@x\t5.1.1 no\n"
	    "2\t3\t9\tb@x\t4.1.1 no\n"), &r) == 0, "two");
	CHECK(r.v[0].status == RCPT_FAILED, "a 5 waits for its bounce");
	CHECK(r.v[1].status == RCPT_TODO, "a 4 is tried again");
	rcpts_free(&r);
	CHECK(state_parse(span_str("1\t1\t9\ta@x\t2.0.0 relayed ok\n"), &r) ==
	    0 && r.v[0].status == RCPT_REPORT, "a 2 waits for its report");
	rcpts_free(&r);
	CHECK(state_parse(span_str("1\t3\t9\ta@x\t5.1.1 no\n"
	    "2\t3\t9\tb@x\t4.1.1 no\n"), &r) == 0, "two again");
	r.v[0].status = RCPT_TOLD;
	CHECK(rcpt_set_answer(&r.v[1], "4.4.2",
	    span_of("a\nb\r\tc\0d", 8)) == 0, "set");
	CHECK(state_print(&r, &b) == 0 && span_is(buf_span(&b),
	    "2\t3\t9\tb@x\t4.4.2 a b  c d\n"), "one line of plain text");
	memset(long_text, 'x', sizeof(long_text));
	CHECK(rcpt_set_answer(&r.v[1], "4.4.2",
	    span_of(long_text, sizeof(long_text))) == 0, "long");
	CHECK(strlen(r.v[1].answer) == JOB_TEXT_MAX + 6, "cut");
	buf_clear(&b);
	CHECK(state_print(&r, &b) == 0, "print long");
	rcpts_free(&r);
	CHECK(state_parse(buf_span(&b), &r) == 0, "read long");
	free(r.v[0].addr);
	r.v[0].addr = strdup("a\tb@x");
	buf_clear(&b);
	CHECK(state_print(&r, &b) == -1, "a tab in an address is not printed");
	rcpts_free(&r);
	buf_free(&b);
}

/* The first attempt and the latest ones stay, and their answers are cut. */
static void
test_attempts(void)
{
	char text[TRIED_TEXT_MAX * 2];
	struct rcpts all = { 0 }, copy = { 0 };
	struct rcpt *r = rcpts_add(&all, "1", "a@x"), *to;
	struct buf b, again;

	memset(text, 'x', sizeof(text));
	buf_init(&b, 65536);
	buf_init(&again, 65536);
	CHECK(rcpt_keep_attempt(r) == 0 && r->ntried == 0, "none before");
	for (unsigned i = 1; i <= 3 * TRIED_MAX; i++) {
		CHECK(rcpt_keep_attempt(r) == 0, "keep");
		r->attempts = i;
		r->last = 1000 + i;
		CHECK(rcpt_set_answer(r, "4.4.1", span_of(text, i)) == 0, "answer");
	}
	CHECK(rcpt_keep_attempt(r) == 0 && r->ntried == TRIED_MAX, "bounded");
	CHECK(r->tried[0].attempt == 1 && r->tried[0].when == 1001, "first");
	for (unsigned i = 1; i < TRIED_MAX; i++)
		CHECK(r->tried[i].attempt == 2 * TRIED_MAX + 1 + i, "latest");
	CHECK(state_print(&all, &b) == 0, "print");
	to = rcpts_add(&copy, "1", "a@x");
	CHECK(rcpt_copy_attempts(to, r) == 0 &&
	    state_print(&copy, &again) == 0 &&
	    span_eq(buf_span(&b), buf_span(&again)), "a copy is the same");
	CHECK(rcpt_set_answer(r, "4.4.1", span_of(text, sizeof(text))) == 0 &&
	    rcpt_keep_attempt(r) == 0 &&
	    strlen(r->tried[TRIED_MAX - 1].answer) == TRIED_TEXT_MAX, "cut");
	rcpts_free(&all);
	rcpts_free(&copy);
	buf_clear(&b);
	buf_adds(&b, "1\t1\t1\ta@x\tx\n");
	for (unsigned i = 0; i < 1000; i++)
		buf_addf(&b, "tried\t%u\t1\tx\n", i);
	CHECK(state_parse(buf_span(&b), &all) == 0 &&
	    all.v[0].ntried == TRIED_MAX &&
	    all.v[0].tried[TRIED_MAX - 1].attempt == 999, "too many lines");
	rcpts_free(&all);
	buf_free(&b);
	buf_free(&again);
}

static const char *const addresses[] = {
	"bob@example.org", "\"a b\"@example.org", "\"100%\"@x", "a:b@x",
	"\"tab\there\"@x", "\xc3\xbc@x", "\"\x7f\"@x", "postmaster"
};

static void
test_jobs(void)
{
	struct job_rcpt r;
	struct job j;
	struct buf b;

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		buf_init(&b, 65536);
		job_print(&b, "NAME,S=1", true, "example.org");
		job_print_rcpt(&b, 7, "1", "x@y");
		job_print_rcpt(&b, UINT64_MAX / 2, "3.1", addresses[i]);
		CHECK(job_print_end(&b) == 0, addresses[i]);
		CHECK(b.p[b.len - 1] == '\n' && memchr(b.p, '\n', b.len - 1) ==
		    NULL, "one line");
		CHECK(job_parse(span_of(b.p, b.len - 1), &j) == 0 && j.cur &&
		    span_is(j.name, "NAME,S=1") &&
		    span_is(j.mode, "example.org"), addresses[i]);
		CHECK(job_next(&j, &r) == 1 && span_is(r.id, "7") &&
		    strcmp(r.address, "x@y") == 0, "first");
		CHECK(job_next(&j, &r) == 1 && span_is(r.index, "3.1") &&
		    strcmp(r.address, addresses[i]) == 0, addresses[i]);
		CHECK(job_next(&j, &r) == 0, "end");
		buf_free(&b);
	}
}

static const char *const bad_jobs[] = {
	"", "NAME", "NAME\tnew", "NAME\tnew\tmove", "NAME\told\tmove\t1:1:a@x",
	"\tnew\tmove\t1:1:a@x", "NAME\tnew\tmove\tx:1:a@x",
	"NAME\tnew\tmove\t1:x:a@x", "NAME\tnew\tmove\t1:1:",
	"NAME\tnew\tmove\t1:1:a@%zz", "NAME\tnew\tmove\t1:1:a@%00",
	"NAME\tnew\tmove\t1:1:a@x%4", "NAME\tnew\tmove\t1:1:a b@x",
	"NAME\tnew\tmove\t1:1", "NAME\tnew\tmove\t1:1:a@x\t",
	"NAME\tnew\tmove\t1:1:a@x\t\t2:1:b@x",
};

static void
test_bad_jobs(void)
{
	struct job_rcpt r;
	struct job j;
	struct buf b;
	int n;

	for (size_t i = 0; i < sizeof(bad_jobs) / sizeof(bad_jobs[0]); i++) {
		n = job_parse(span_str(bad_jobs[i]), &j);
		while (n != -1 && (n = job_next(&j, &r)) == 1)
			;
		/* a tab at the very end is the one thing that is forgiven */
		CHECK(n == -1 || strcmp(bad_jobs[i],
		    "NAME\tnew\tmove\t1:1:a@x\t") == 0, bad_jobs[i]);
	}
	buf_init(&b, 1000);
	CHECK(job_print(&b, "a\tb", false, "move") == -1, "tab in name");
	buf_clear(&b);
	CHECK(job_print(&b, "a", false, "") == -1, "no mode");
	buf_free(&b);
}

static void
test_answers(void)
{
	static const char *const refused[] = { "", "1", "x done 2.0.0 t",
	    "1 done", "1 well 2.0.0 t", "1 done 2.0 t", "1 done 2.0.0.0 t",
	    "1 done x t", "1  done 2.0.0 t", "1 done 2.0.0 a\tb",
	    "1 defer 4444.0.0 t" };
	struct answer a;
	struct buf b;

	buf_init(&b, 65536);
	CHECK(answer_print(&b, span_str("42"), PROC_DEFER, "4.4.1",
	    span_str("a\r\nb")) == 0 && span_is(buf_span(&b),
	    "42 defer 4.4.1 a  b\n"), "print");
	CHECK(answer_parse(span_of(b.p, b.len - 1), &a) == 0 && a.id == 42 &&
	    a.class == PROC_DEFER && span_is(a.dsn, "4.4.1") &&
	    span_is(a.text, "a  b"), "parse");
	buf_clear(&b);
	CHECK(answer_print_done(&b, span_str("7"), ANSWER_PASSED, "2.0.0",
	    span_str("ok")) == 0 && span_is(buf_span(&b),
	    "7 passed 2.0.0 ok\n"), "print passed");
	CHECK(answer_parse(span_of(b.p, b.len - 1), &a) == 0 &&
	    a.how == ANSWER_PASSED && a.class == PROC_DONE, "parse passed");
	CHECK(answer_parse(span_str("7 expanded 2.0.0 x"), &a) == 0 &&
	    a.how == ANSWER_EXPANDED && a.class == PROC_DONE, "expanded");
	CHECK(answer_parse(span_str("1 fail 5.1.1"), &a) == 0 &&
	    a.class == PROC_FAIL && a.text.len == 0, "no text");
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		CHECK(answer_parse(span_str(refused[i]), &a) == -1, refused[i]);
	buf_free(&b);
}

int
main(void)
{
	test_state();
	test_state_rules();
	test_attempts();
	test_jobs();
	test_bad_jobs();
	test_answers();
	return failures == 0 ? 0 : 1;
}
