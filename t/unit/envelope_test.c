/*
 * Envelope fields: what is printed parses to the same again, and what is not
 * ours is refused.
 */
#include "spool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int	failures;

#define CHECK(cond, what) do {						\
	if (!(cond)) {							\
		fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__,	\
		    what, #cond);					\
		failures++;						\
	}								\
} while (0)

/* Heads in canonical form: parse, print, and the text is the same. */
static const char *const good[] = {
	"Return-Path: <a@example.org>\nDelivered-To: b@example.net\n",
	"Return-Path: <>\nDelivered-To: b@example.net\n",
	"Return-Path: <a@example.org>\nDelivered-To: b@example.net\n"
	    "Delivered-To: c@example.net\n",
	"Return-Path: <\"a >: b\"@example.org>\n"
	    "Delivered-To: \"x: y\"@example.net\n",
	"Return-Path: <a@example.org>\nDelivered-To: b@example.net\n"
	    "Delivered-To: c@example.net\nEnvelope-Id: QQ+2B1\n"
	    "Envelope-Ret: HDRS\nEnvelope-Body: 8BITMIME\n"
	    "Envelope-Smtputf8: yes\n"
	    "Envelope-Notify: 1 NEVER\nEnvelope-Orcpt: 1 rfc822;x@y\n"
	    "Envelope-Notify: 2 SUCCESS,FAILURE\n"
	    "Envelope-Auth: a@example.org\n",
	"Return-Path: <a@example.org>\nDelivered-To: b@example.net\n"
	    "Envelope-Body: BINARYMIME\n",
	"Return-Path: <\xc3\xa4@example.org>\nDelivered-To: \xc3\xbc@x.example\n"
	    "Envelope-Smtputf8: yes\n",
};

static const struct { const char *head; int error; } bad[] = {
	{ "", ENODATA },
	{ "Return-Path", ENODATA },
	{ "Return-Path: <a@x>\n", ENODATA },
	{ "Return-Path: <a@x>\nDelivered-To: b@x\n", ENODATA },
	{ "Return-Path: <a@x>\nDelivered-To: b@x\nReceived", ENODATA },
	{ "Return-Path: <a@x>\nDelivered-To: b@", ENODATA },
	{ "Return-Path: <a@x>\nEnvelope-Ret: HDRS\nReceived: x\n", EINVAL },
	{ "Received: x\n", EINVAL },
	{ "Delivered-To: b@x\nReceived: x\n", EINVAL },
	{ "Delivered-To: b@x\nReturn-Path: <a@x>\nReceived: x\n", EINVAL },
	{ "Return-Path: a@x\nDelivered-To: b@x\nReceived: x\n", EINVAL },
	{ "Return-Path:<a@x>\nDelivered-To: b@x\nReceived: x\n", EINVAL },
	{ "Return-Path: <a@x>\nReturn-Path: <b@x>\nDelivered-To: b@x\n"
	    "Received: x\n", EINVAL },
	{ "Return-Path: <a@x>\nDelivered-To: \nReceived: x\n", EINVAL },
	{ "Return-Path: <a@x>\nDelivered-To: b\x01@x\nReceived: x\n", EINVAL },
	{ "Return-Path: <a@x>\r\nDelivered-To: b@x\nReceived: x\n", EINVAL },
	{ "Return-Path: <a@x>\nDelivered-To: b@x\nX-Other: 1\nReceived: x\n",
	    EINVAL },
	{ "Return-Path: <a@x>\nDelivered-To: b@x\n\nReceived: x\n", EINVAL },
	{ "Return-Path: <a@x>\nDelivered-To: b@x\n folded\nReceived: x\n",
	    EINVAL },
	{ "Return-Path: <a@x>\nDelivered-To: b@x\nEnvelope-Notify: 2 NEVER\n"
	    "Received: x\n", EINVAL },
	{ "Return-Path: <a@x>\nDelivered-To: b@x\nEnvelope-Notify: 0 NEVER\n"
	    "Received: x\n", EINVAL },
	{ "Return-Path: <a@x>\nEnvelope-Notify: 1 NEVER\nDelivered-To: b@x\n"
	    "Received: x\n", EINVAL },
	{ "Return-Path: <a@x>\nDelivered-To: b@x\nEnvelope-Orcpt: 1 a;b\n"
	    "Envelope-Orcpt: 1 a;b\nReceived: x\n", EINVAL },
	{ "Return-Path: <a@x>\nDelivered-To: b@x\nEnvelope-Body: 7BIT\n"
	    "Received: x\n", EINVAL },
	{ "Return-Path: <a@x>\nDelivered-To: b@x\nEnvelope-Body: 8BITMIME\n"
	    "Envelope-Body: 8BITMIME\nReceived: x\n", EINVAL },
	{ "Return-Path: <a@x>\nDelivered-To: b@x\nEnvelope-Smtputf8: no\n"
	    "Received: x\n", EINVAL },
};

static void
round_trip(const char *text)
{
	char head[1024];
	struct envelope e;
	struct buf b;

	snprintf(head, sizeof(head), "%sReceived: from x\n\nbody\n", text);
	buf_init(&b, SPOOL_ENVELOPE_MAX);
	CHECK(envelope_parse(span_str(head), &e) == 0, text);
	CHECK(e.length == strlen(text), text);
	CHECK(envelope_print(&e, &b) == 0, text);
	CHECK(span_is(buf_span(&b), text), text);
	envelope_free(&e);
	/* Every shorter head asks for more, and never for less. */
	for (size_t n = 0; n < strlen(text) + 9; n++) {
		CHECK(envelope_parse(span_of(head, n), &e) == -1, text);
		CHECK(errno == ENODATA, text);
	}
	buf_free(&b);
}

/* One file in two parts: content between them, and a name that tells its size. */
static const char two_front[] = "Return-Path: <a@example.org>\n";
static const char two_behind[] = "Delivered-To: b@x\nDelivered-To: c@x\n"
    "Envelope-Ret: HDRS\nEnvelope-Notify: 2 NEVER\n\n";

static int
read_file(const char *front, const char *behind, size_t n, size_t more,
    struct envelope *e)
{
	static const char content[] = "Received: x\n\nDelivered-To: body\n";
	char path[] = "/tmp/envelope_test.XXXXXX";
	struct spool_name name = { .size = strlen(front) + strlen(content) +
	    more };
	struct buf head;
	int r, fd = mkstemp(path);

	unlink(path);
	buf_init(&head, SPOOL_ENVELOPE_MAX);
	CHECK(dprintf(fd, "%s%s%.*s", front, content, (int)n, behind) > 0, path);
	errno = 0;
	r = envelope_read(fd, &name, 8, &head, e);
	buf_free(&head);
	close(fd);
	return r;
}

static void
two_parts(void)
{
	struct buf front, behind;
	struct envelope e;

	buf_init(&front, SPOOL_ENVELOPE_MAX);
	buf_init(&behind, SPOOL_ENVELOPE_MAX);
	CHECK(read_file(two_front, two_behind, strlen(two_behind), 0, &e) == 0,
	    "two parts");
	CHECK(e.nrcpts == 2 && e.length == strlen(two_front), "two parts");
	CHECK(strcmp(e.rcpts[1].notify, "NEVER") == 0, "notify");
	CHECK(envelope_split(&e, &front, &behind) == 0, "split");
	CHECK(span_is(buf_span(&front), two_front), "front");
	CHECK(span_is(buf_span(&behind), two_behind), "behind");
	envelope_free(&e);
	/* What was cut short has never been whole; but nothing at all has been taken off. */
	for (size_t n = 1; n < strlen(two_behind); n++)
		CHECK(read_file(two_front, two_behind, n, 0, &e) == -1 &&
		    errno == EBADMSG, "cut");
	CHECK(read_file(two_front, "", 0, 0, &e) == 0 && e.nrcpts == 0, "none");
	envelope_free(&e);
	CHECK(read_file(two_front, "\n", 1, 0, &e) == -1, "empty");
	CHECK(read_file(two_front, "Delivered-To: b@x\n\nx", 20, 0, &e) == -1,
	    "more");
	CHECK(read_file(two_front, "Return-Path: <>\nDelivered-To: b@x\n\n",
	    35, 0, &e) == -1, "two senders");
	CHECK(read_file(two_front, "Received: b@x\n\n", 15, 0, &e) == -1,
	    "no recipient");
	CHECK(read_file("Return-Path: <a@x>\nDelivered-To: b@x\n",
	    "Delivered-To: c@x\n\n", 19, 0, &e) == 0 && e.nrcpts == 1,
	    "one in front");
	envelope_free(&e);
	CHECK(read_file("Return-Path: <a@x>\nDelivered-To", "", 0, 0, &e) ==
	    -1 && errno == EBADMSG, "no envelope");
	buf_free(&front);
	buf_free(&behind);
}

static void
printer_refuses(const char *sender, const char *rcpt, const char *envid)
{
	char id[64];
	struct envelope e;
	struct buf b;

	envelope_init(&e);
	buf_init(&b, SPOOL_ENVELOPE_MAX);
	snprintf(id, sizeof(id), "%s", envid);
	e.sender = strdup(sender);
	e.envid = strdup(id);
	envelope_add_rcpt(&e, rcpt, NULL, NULL);
	CHECK(envelope_print(&e, &b) == -1 && errno == EINVAL, rcpt);
	envelope_free(&e);
	buf_free(&b);
}

int
main(void)
{
	struct envelope e;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		round_trip(good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		errno = 0;
		CHECK(envelope_parse(span_str(bad[i].head), &e) == -1,
		    bad[i].head);
		CHECK(errno == bad[i].error, bad[i].head);
	}
	two_parts();
	printer_refuses("a\nDelivered-To: x", "b@x", "1");
	printer_refuses("a@x", "b@x\nReceived: y", "1");
	printer_refuses("a@x", "b@x", "1\r2");
	printer_refuses("a@x", "", "1");
	if (failures == 0)
		puts("ok");
	return failures == 0 ? 0 : 1;
}
