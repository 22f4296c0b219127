/*
 * Every fixed limit, with its reason.  What an administrator may change is a setting, with
 * its default and bounds: settings.c.  Both are in the man pages of the programs.
 */
/* A compiler's <limits.h> asks for the next one of that name and finds this
 * file: it is passed on to the system's. */
#pragma GCC system_header
#include_next <limits.h>

#ifndef POSTHOUSE_LIMITS_H
#define POSTHOUSE_LIMITS_H

/* netio */
#define NETIN_BUF_FIRST	2048	/* half a page: what an idle session holds, and each new one has to touch */
#define NETIN_BUF	65536	/* bulk data: fewer reads, no more gain above */
#define NETIN_RATE_WINDOW 60	/* seconds over which the minimum rate is taken */
#define NETOUT_BUF	65536	/* one write for a batch of replies */

/* addresses: RFC 5321 section 4.5.3.1 */
#define ADDR_LOCAL_MAX	64	/* octets of a local part */
#define ADDR_DOMAIN_MAX	255	/* octets of a domain */
#define ADDR_MAX	320	/* both and the "@" */
#define ADDR_PATH_MAX	1024	/* a path with an (ignored) source route */

/* SMTP */
#define SMTP_LINE_MAX	2048	/* command line: 512 and what extensions add (RFC 5321 4.5.3.1.4, AUTH 12288 apart) */
#define SMTP_AUTH_MAX	12288	/* an AUTH line: RFC 4954 section 4 */
#define SMTP_TEXT_MAX	998	/* octets of a text line that every host takes, without CRLF: RFC 5321 4.5.3.1.6 */
#define SMTP_HELO_MAX	255	/* CVE-2019-16928: a long EHLO name has no use */
#define SMTP_REPLY_MAX	510	/* a reply line we send: RFC 5321 4.5.3.1.5 */
#define SMTP_REPLY_LINES 100	/* lines of one reply that the client reads */
#define DSN_ENVID_MAX	100	/* ENVID: RFC 3461 section 4.4 */
#define DSN_ORCPT_MAX	500	/* ORCPT: RFC 3461 section 4.2 */

/* POP3 */
#define POP3_LINE_MAX	512	/* RFC 2449 section 4 says 255; AUTH lines apart */

#define POP3_NAMES_MAX	268435456 /* posthouse.uidl, posthouse.hidden and what they are made from: 1,000,000 lines */
#define POP3_SURROGATE_MAX 1048576 /* a header that is shown in another form: RFC 6858 */

/* IMAP */
#define IMAP_LINE_MAX	65530	/* one line of a command, before a literal; NETIN_BUF less its end */
#define IMAP_LOGIN_MAX	8192	/* all of one command before login: CVE-2026-27857 */
#define IMAP_UNASKED_MAX 4096	/* a non-synchronizing literal before login: RFC 7888 section 5 */
#define IMAP_COMMAND_MAX 1048576 /* all of one command after login, APPEND data apart */
#define IMAP_HANDOVER_MAX 60000	/* read-ahead that goes to the next process, through a pipe that nobody reads yet (64 KiB) */
#define IMAP_SORT_KEY_MAX 2048	/* of a subject or address, in SORT and THREAD */
#define IMAP_REFERENCES_MAX 200	/* Message IDs of one message, in THREAD */
#define IMAP_GRAMS_LOG	15	/* bits, as a power of two, of what is remembered of a message's text, and of its header: 4 KiB each */
#define METADATA_ENTRIES_MAX 100 /* annotations of one mailbox: RFC 5464 4.1 asks for 10 */
#define METADATA_NAME_MAX 256	/* the name of one */
#define METADATA_VALUE_MAX 65536 /* its value: RFC 5464 4.1 asks for 1024 */
#define IMAP_CONTEXTS_MAX 8	/* searches that are kept up to date, in a session */
#define IMAP_BATCH_MIN	500	/* messages of a UIDBATCHES batch: RFC 10022 3.1.3 */
#define IMAP_BATCHES_MAX 100000	/* messages that its range may name: RFC 10022 3.1.5 */
#define IMAP_MULTISEARCH_MAX 1000 /* mailboxes that one ESEARCH looks at */
#define IMAP_NOTIFY_MAX	1000	/* mailboxes that NOTIFY watches: three watches each, of the 65536 or so of a user */
#define IMAP_NOTIFY_META_MAX 65536 /* names of annotations of one mailbox that it watches */
#define IMAP_PROGRESS	10	/* seconds of a command between signs of life: RFC 9585 section 4 says 10 to 15 */
#define IMAP_DEPTH_MAX	32	/* nesting of parentheses */

/* messages: CVE-2019-11494, CVE-2020-12100, CVE-2024-23184 and their kin */
#define HEADER_LINE_MAX	1048576	/* one header field, unfolded */
#define HEADER_MAX	10485760 /* the whole header */
#define HEADER_FIELDS_MAX 10000
#define MIME_DEPTH_MAX	100
#define MIME_PARTS_MAX	10000
#define MIME_PARAMS_MAX	100	/* parameters of one field */
#define ADDRESS_LIST_MAX 1000	/* addresses parsed from one field */
#define MESSAGE_ID_MAX	160	/* of a Message-ID, as the log takes of a value */
#define RECEIVED_MAX	100	/* hops before a message loops: RFC 5321 6.3 */
#define OWN_HOPS_MAX	10	/* the same of hops by us, to a server that gives our name */

/* spool and control */
#define SPOOL_NAME_MAX	128	/* a spool file's name */
#define SPOOL_ENVELOPE_MAX 16777216 /* envelope fields of a file */
#define COPY_WAIT	2000	/* ms that a delivery waits for an earlier attempt that outlived its queue */
#define COPY_LOOK	50	/* ms between looks */
#define SPOOL_TAKE_MIN	65536	/* bytes: a smaller one is sooner copied than given away */
#define RECEIVED_FIELD_MAX 4096	/* our own: two names, an address, what was spoken */
#define CONTROL_SMALL_MAX 1048576 /* settings, hostname, networks, routes */
#define CONTROL_TABLE_MAX 268435456 /* users, passwords, aliases: 1,000,000 entries */
#define CONTROL_LINE_MAX 4096
#define CONTROL_REFRESH_MS 1000	/* a change of a control file that no watch tells is seen by then */
#define CONTROL_GONE_MS	2000	/* a control file that is gone or emptied is being replaced for so long */
#define ALIAS_DEPTH_MAX	20	/* an alias of an alias ...: deeper is a loop */
#define CRED_MAX	4096	/* one credential on the pipe to auth: PIPE_BUF */
/* what the state keeps of a recipient's earlier attempts: for its report, which need not tell of thirty */
#define TRIED_MAX	8	/* attempts: the first and the latest */
#define TRIED_TEXT_MAX	400	/* bytes of what one was answered */

/* accounts of the system that are people: Debian's useradd, without nobody */
#define SYSTEM_UID_MIN	1000
#define SYSTEM_UID_MAX	60000

/* forwards and lists */
#define FORWARD_FILE_MAX 65536	/* a .forward: longer is no list of targets */
#define LIST_FILE_MAX	4194304	/* what :include: names, all together: those that include others are held meanwhile */
#define LIST_TARGETS_MAX 10000	/* of one recipient: as many as one job takes */
#define INCLUDED_MAX	100	/* files that a list includes, and those include: one process reads each */
#define PROGRAM_TEXT_MAX 1024	/* of what a program says */

/* quotas */
#define QUOTA_FILE_MAX	5120	/* of maildirsize: longer is counted anew, as Maildir++ says */
#define QUOTA_ROOM	65536	/* bytes of an ordinary message, or a twentieth of the limit: less left is full */

/* secrets: RFC 7677 section 4 asks for 4096 iterations at least */
#define SCRAM_ITERATIONS_MIN 4096
#define SCRAM_ITERATIONS 50000	/* what we make: as long as yescrypt takes, about */
#define SCRAM_ITERATIONS_MAX 10000000 /* some seconds: more is an error of typing */
#define SCRAM_CLIENT_MAX 1000000 /* a server asks us for more: it wants our time */
#define SCRAM_SALT_MAX	64	/* octets */
#define SCRAM_NONCE_MAX	256	/* octets of a client's nonce; they use 18 to 40 */
#define CHECKER_SECONDS	30	/* that a checkpassword program may take */
#define SASL_MESSAGE_MAX 2048	/* one decoded message: names, secret, proof */

/* mail folders */
#define FOLDER_HISTORY_MAX 262144 /* bytes about expunged messages that outlive a new list: RFC 7162 section 5 */

#define ACL_ENTRIES_MAX	1000	/* lines of one access control list */
#define ACL_FILE_MAX	524288	/* bytes of it: each of these with the longest identifier */
#define SHARE_FOLDERS_MAX 500	/* folders of others that one session sees: each costs the kernel a rule or three */
#define SHARE_OWNER_MAX	250	/* of these that are of one other account: nobody takes the room of all others */
#define SHARE_YOUNG	100	/* lines at its end that are never tidied away: those of who is about to share */
#define SHARE_INDEX_MAX	1048576	/* bytes that are read of what concerns one account: 10,000 grants */

/* A client that is gone without a word (NAT, a lid closed) holds a maildrop, or a place among the connections,
 * for IDLE + BETWEEN * COUNT seconds and no longer. */
#define KEEPALIVE_IDLE	120	/* seconds of silence: seldom enough for a telephone */
#define KEEPALIVE_BETWEEN 30
#define KEEPALIVE_COUNT	4

/* guessing passwords: guess.h */
#define GUESS_WINDOW	600	/* s over which the setting login-failures is free */
#define GUESS_WAIT_MAX	15	/* s: clients give up after 30 */
#define GUESS_REFUSE	1800	/* s of patience overspent before a network is not answered */
#define GUESS_KNOWN	2592000	/* s for which a user's network is known: 30 days */

/* the session chain */
#define PROXY_SECONDS	10	/* for a PROXY header, which a proxy sends at once: its text asks for 3 at least */
#define CHAIN_LISTEN_MAX 32	/* sockets: a few names, two families each */
#define CHAIN_FD_BASE	12	/* the listener's own descriptors start here */
#define CHAIN_SID_LEN	10	/* digits of a session id: 40 bits, in the log only */
#define CHAIN_AUTH_MEMORY 268435456 /* yescrypt needs 16 MiB; the table of passwords the rest */
#define AUTH_LINGER	1	/* seconds that an auth process waits for the next login: few are ever apart under load */
#define AUTH_LOGINS	1000	/* of one auth process: what it might lose or keep is gone with it */
#define CHAIN_PROXY_MEMORY 8388608 /* one header of 4 KiB, beside what the listener holds */
#define CHAIN_TLS_MEMORY 33554432 /* OpenSSL's buffers and a certificate chain */

#endif
