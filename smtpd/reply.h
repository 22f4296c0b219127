/*
 * Replies: each defined once, in reply.c, and listed in posthouse-smtpd(8).
 */
#ifndef SMTPD_REPLY_H
#define SMTPD_REPLY_H

enum reply_id {
	R_STATUS, R_HELP, R_GREETING, R_START_TLS, R_BYE, R_AUTH_OK, R_HELO,
	R_DONE, R_SENDER_OK, R_RCPT_OK, R_MEMBER, R_CHUNK, R_QUEUED, R_VRFY,
	R_CHALLENGE, R_DATA, R_TIMEOUT, R_ERRORS, R_REJECTS, R_SHUTDOWN,
	R_IDLE, R_SENDER_TEMP, R_USER_LIMIT, R_NO_SPOOL, R_WRITE_FAILED,
	R_NO_SPACE, R_MAILBOX_FULL_NOW, R_TOO_MANY_RCPTS, R_AUTH_TEMP,
	R_NO_TLS, R_BAD_COMMAND, R_LINE_TOO_LONG, R_BARE_NEWLINE, R_NUL,
	R_AUTH_TOO_LONG, R_SYNTAX, R_BAD_HELO, R_NO_ARGUMENT, R_BAD_SENDER,
	R_BAD_RCPT, R_PATH_TOO_LONG, R_BAD_PARAM, R_DUP_PARAM, R_BAD_BASE64, R_BAD_SASL,
	R_CANCELLED, R_NOT_DONE, R_BAD_CHUNK, R_NO_HELO, R_NO_MAIL, R_NO_RCPT,
	R_IN_TRANSACTION, R_AFTER_BDAT, R_BDAT_REFUSED, R_AFTER_STARTTLS,
	R_TLS_ALREADY, R_AUTH_ALREADY, R_NO_MECHANISM, R_NO_TOPIC, R_DATA_BARE,
	R_DATA_NUL, R_AUTH_REQUIRED, R_AUTH_WEAK, R_AUTH_FAILED, R_AUTH_DISABLED, R_NEED_TLS, R_UNKNOWN_USER,
	R_NO_LIST, R_NO_RELAY, R_BDAT_BARE, R_BDAT_NUL, R_LINE_LENGTH,
	R_HEADER_SIZE, R_TOO_BIG, R_NOT_OWNER, R_SENDER_UTF8, R_LIST_UTF8,
	R_RCPT_UTF8, R_NO_VALID_RCPT, R_LOOP, R_UNKNOWN_PARAM, R_EARLY,
	R_SENDER_DOMAIN, R_SENDER_NULL_MX, R_RCPT_DOMAIN, R_RCPT_NULL_MX,
	R_MAILBOX_FULL,
	REPLY_COUNT
};

/* What a reply does besides being sent: bits of flags. */
#define REPLY_CLOSE	1u	/* the session ends */
#define REPLY_ERROR	2u	/* counts towards error-limit */
#define REPLY_REJECT	4u	/* a refused recipient: counted apart */
#define REPLY_QUIET	8u	/* not logged */

struct reply {
	unsigned code;
	const char *enhanced;	/* "" where RFC 2034 wants none */
	const char *text;	/* one '%' stands for the argument */
	unsigned flags;
};
extern const struct reply replies[REPLY_COUNT];

#endif
