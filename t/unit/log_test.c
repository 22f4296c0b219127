/*
 * Log lines: form, escaping, length.
 */
#include "log.h"

#include "test.h"

static int	log_pipe[2];

/* The line that was just written, without its "PROG[PID]: ". */
static struct span
last_line(void)
{
	static char text[2 * LOG_LINE_MAX];
	ssize_t n = read(log_pipe[0], text, sizeof(text));
	char *p;

	if (n <= 0 || (p = memchr(text, ' ', (size_t)n)) == NULL)
		return span_str("nothing was logged");
	return span_of(p + 1, (size_t)(text + n - p - 1));
}

static void
test_values(void)
{
	struct log l;

	log_begin(&l, "reject");
	log_str(&l, "sid", "abc");
	log_str(&l, "helo", "a b%\n\177\xff\x01=");
	log_str(&l, "user", NULL);
	log_addr(&l, "from", span_str("x> to=<y"));
	log_num(&l, "size", UINT64_MAX);
	log_text(&l, "%s", "free text\r\nmailer[1]: queued %");
	log_end(&l);
	CHECK_SPAN(last_line(), "reject sid=abc helo=a%20b%25%0A%7F%FF%01= "
	    "from=<x%3E%20to=%3Cy> size=18446744073709551615 "
	    "text=free text%0D%0Amailer[1]: queued %25\n", "escaped");
	test_end("values");
}

static void
test_length(void)
{
	char big[2000];
	struct log l;
	struct span s;

	memset(big, '\n', sizeof(big));
	log_begin(&l, "warn");
	for (int i = 0; i < 9; i++)
		log_span(&l, "from", span_of(big, sizeof(big)));
	log_textspan(&l, span_of(big, sizeof(big)));
	log_end(&l);
	s = last_line();
	CHECK(s.len > 400 && s.len < LOG_LINE_MAX && s.p[s.len - 1] == '\n' &&
	    memchr(s.p, '\n', s.len - 1) == NULL, "one line, cut");
	log_warn("%s", "plain");
	CHECK_SPAN(last_line(), "warn text=plain\n", "warn");
	test_end("length");
}

int
main(void)
{
	if (pipe(log_pipe) == -1 || dup2(log_pipe[1], 2) == -1)
		return 1;
	log_init("test", false, false);
	test_values();
	test_length();
	return test_done();
}
