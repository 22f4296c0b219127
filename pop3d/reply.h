/*
 * Replies: each defined once, in reply.c, and listed in posthouse-pop3d(8).
 */
#ifndef POP3_REPLY_H
#define POP3_REPLY_H

enum reply_id {
	R_DONE, R_GREETING, R_START_TLS, R_BYE, R_USER, R_DELETED,
	R_LANG, R_UTF8,
	R_BAD_COMMAND, R_NO_COMMAND, R_BAD_BYTES, R_BAD_NEWLINE, R_NUL, R_TOO_LONG,
	R_ARGUMENTS, R_BEFORE_LOGIN, R_AFTER_LOGIN, R_NEED_TLS, R_NO_TLS,
	R_AFTER_STLS, R_LATE_STLS, R_NO_USER, R_BAD_USER, R_BAD_PASS, R_NO_MECHANISM,
	R_BAD_BASE64, R_BAD_SASL, R_CANCELLED, R_AUTH_FAILED, R_AUTH_DISABLED, R_AUTH_TEMP,
	R_IN_USE, R_LOGIN_DELAY, R_NO_MAILDROP, R_NO_MESSAGE, R_MARKED, R_VANISHED, R_NO_LANG, R_NEEDS_UTF8,
	R_READ_FAILED, R_NOT_REMOVED, R_ERRORS, R_TIMEOUT, R_MEMORY,
	REPLY_COUNT
};

/* What a reply does besides being sent. */
#define REPLY_CLOSE	1u	/* the session ends */
#define REPLY_ERROR	2u	/* counts towards error-limit, and is logged */

struct reply {
	const char *text;	/* with "+OK" or "-ERR" */
	unsigned flags;
};
extern const struct reply replies[REPLY_COUNT];

#endif
