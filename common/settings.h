/*
 * The settings file: "name value" lines; every name, default and bound stands
 * in one table in settings.c, is documented in posthouse.conf(5), and an
 * unknown name is an error.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

/* Ways of logging in; bits. */
enum { MECH_PLAIN = 1, MECH_LOGIN = 2, MECH_SCRAM = 4, MECH_SCRAM_PLUS = 8,
	MECH_EXTERNAL = 16 };

struct ids { uid_t uid; gid_t gid; };	/* from "name", "uid" or "uid:gid" */

struct settings {
	/* places */
	char spool[256], mail[256];
	/* accounts; resolved only when running as root */
	struct ids net_user, tls_user, auth_user, queue_user, send_user,
	    mail_user;
	gid_t spool_group;
	/* receiving */
	uint64_t message_size, line_length;	/* bytes */
	unsigned recipients;		/* per message */
	unsigned connections, client_connections, network_connections,
	    user_connections;
	unsigned command_timeout, session_timeout, data_rate;	/* s, s, bytes/s */
	unsigned errors;		/* failed commands per session */
	unsigned idle_commands;		/* those that move no mail, between two messages */
	unsigned user_messages, user_recipients;	/* per hour; 0: any number */
	unsigned greet_pause;		/* s */
	bool early_refuse;		/* who speaks before its turn; else noted */
	bool domain_check;		/* senders' and recipients' domains in the DNS */
	bool hide_client;		/* no address of a user's machine in Received */
	bool plain_auth;		/* AUTH without TLS outside loopback */
	/* logging in */
	unsigned mechanisms;		/* MECH_ bits */
	unsigned login_failures;	/* in GUESS_WINDOW; 0: no limit */
	unsigned failure_pause;		/* s */
	char checkpassword[256];	/* program and arguments; "": none */
	char recipient_delimiter[8];
	bool bare_newline_repair;
	/* spool */
	bool sync_directory;		/* two-flush order */
	/* queue */
	unsigned queue_lifetime, retry_first, retry_max, delay_warning;	/* s */
	unsigned greylist_retry;	/* s; 0: as any other */
	bool double_bounces;		/* to the postmaster, else nowhere */
	unsigned local_jobs, remote_jobs, destination_jobs;
	/* sending */
	unsigned smtp_port, connect_timeout, reply_timeout;
	unsigned reuse_seconds;
	/* mailboxes */
	uint64_t mailbox_size;		/* bytes; 0: no limit */
	unsigned mailbox_messages;
	bool full_bounces;		/* what a full mailbox cannot take */
	char home_maildir[64];		/* below homes; "": the system's accounts get no mail */
	bool detail_folders;
	/* programs and forwards */
	struct ids program_user;
	unsigned program_timeout;	/* s */
	/* security */
	bool sandbox;
	/* imap, pop3 */
	char shared[64];		/* below mail; "": nothing is shared */
	unsigned idle_timeout, poll_seconds;
	unsigned imap_messages;
	bool apop;
	unsigned login_delay, expire;	/* s; expire 0: never */
	bool pop3_keep;			/* else what was retrieved goes at QUIT */
	bool pop3_hide;			/* instead of removing */
	char dovecot_uidl[40];		/* uidl.h */
	bool reuse_xuidl;
};

struct control;

/* Reads CONTROL/settings; a missing file means the defaults.  Errors go to
 * control_error.  0 or -1. */
int	settings_load(struct control *, struct settings *);
/* Prints every effective setting, one "name value" a line. */
void	settings_print(const struct settings *);

/* "500K" "50M" "1G" "1T" or plain bytes; "30s" "5m" "4h" "5d" "2w" or plain
 * seconds.  0, or -1. */
int	size_parse(struct span, uint64_t *);
int	duration_parse(struct span, uint64_t *);
/* A system account: a name, "uid" (the group is the same number) or uid, sep, gid.  Asks the
 * system only when running as root; else both are -1.  NULL, or what is wrong. */
const char *ids_parse(struct span, unsigned char sep, struct ids *);

#endif
