/*
 * Why a message failed, in words that the sender understands, and what to do.
 * By the enhanced status code (RFC 3463, RFC 7372 and IANA's list) where it says
 * something; where it says little, or there was none, by the other side's own
 * words.  Trusts neither: the words stand in the report all the same.
 */
#include "bounce.h"

#include <string.h>

#define OWN_SERVER	"please show this report to your postmaster"
#define CHECK_ADDRESS	"please check the address and send your message again"

enum why {
	NO_MAILBOX, NO_DOMAIN, BAD_ADDRESS, MOVED, NO_MAIL, ADDRESS, DISABLED,
	FULL, LARGE_BOX, LARGE, NO_ANSWER, BREAKS, NO_SERVER, LOOP, EXPIRED,
	TOO_MANY, PLAIN_ONLY, SIGNED, CONTENT, SPAM, LISTED, UNPROVEN, NO_RELAY,
	ATTACHMENT, TOO_FAST, SENDER, NO_LOGIN, NO_TLS, MEMBERS, POLICY, OTHER
};

static const struct bounce_reason reasons[] = {
	[NO_MAILBOX] = { "there is no such mailbox", CHECK_ADDRESS },
	[NO_DOMAIN] = { "its domain does not exist", "please check what stands "
	    "behind the \"@\" and send your message again" },
	[BAD_ADDRESS] = { "the address is not a valid one", CHECK_ADDRESS },
	[MOVED] = { "the mailbox has moved and left no new address",
	    "please ask the recipient for it in another way" },
	[NO_MAIL] = { "its domain does not take any mail",
	    "please ask the recipient for another address" },
	[ADDRESS] = { "something is wrong with the address",
	    "please check it and send your message again" },
	[DISABLED] = { "the mailbox is not in use",
	    "please ask the recipient for another address" },
	[FULL] = { "the mailbox is full", "please send your message again "
	    "later, or reach the recipient in another way" },
	[LARGE_BOX] = { "the message is too large for the mailbox",
	    "please send it in smaller parts" },
	[LARGE] = { "the message is too large for the receiving system",
	    "please send it in smaller parts" },
	[NO_ANSWER] = { "the receiving system does not answer",
	    "please send your message again later" },
	[BREAKS] = { "the receiving system breaks the connection",
	    "please send your message again later" },
	[NO_SERVER] = { "no server for its domain can be found", "please check "
	    "what stands behind the \"@\" and send your message again" },
	[LOOP] = { "it went round in a circle", "please tell the postmaster" },
	[EXPIRED] = { "the receiving system did not take it for too long",
	    "please send it again later, or reach the recipient in another "
	    "way" },
	[TOO_MANY] = { "the message has too many recipients for the receiving "
	    "system", "please send it to fewer at a time" },
	[PLAIN_ONLY] = { "the receiving system takes only addresses and "
	    "headers in plain letters (a to z)", "please write to another "
	    "address of the recipient, or without accents in the subject" },
	[SIGNED] = { "the receiving system takes only plain text, and to "
	    "change the message would break its signature",
	    "please send it without the signature, or without accents" },
	[CONTENT] = { "the receiving system cannot take this kind of content",
	    "please send your message in a simpler form" },
	[SPAM] = { "the receiving system takes the message for spam",
	    "please write it in other words and without links, or reach the "
	    "recipient in another way" },
	[LISTED] = { "the receiving system takes no mail from our mail server, "
	    "because of a blocklist or its bad reputation", "this is not "
	    "about you: " OWN_SERVER },
	[UNPROVEN] = { "the receiving system cannot verify that the message "
	    "comes from your domain (SPF, DKIM or DMARC)", "if you sent it "
	    "through the server of your domain, " OWN_SERVER },
	[NO_RELAY] = { "the receiving system says that it is not responsible "
	    "for this domain", "please check what stands behind the \"@\"; if "
	    "it is right, the recipient's postmaster must mend this" },
	[ATTACHMENT] = { "the receiving system refuses what is attached to the "
	    "message", "please send the file in another form, or put it where "
	    "the recipient can fetch it" },
	[TOO_FAST] = { "the receiving system takes no more messages for now, "
	    "because too many came in a short time",
	    "please send your message again later" },
	[SENDER] = { "the receiving system does not accept your own address as "
	    "that of a sender", "please check it in the settings of your mail "
	    "program; if it is right, " OWN_SERVER },
	[NO_LOGIN] = { "the next mail server wants a login first", OWN_SERVER },
	[NO_TLS] = { "no secure connection to the receiving system could be "
	    "made", OWN_SERVER },
	[MEMBERS] = { "only certain senders may write to this address",
	    "please ask its owner to let you" },
	[POLICY] = { "the receiving system does not allow it",
	    "please see its own words below" },
	[OTHER] = { "the receiving system did not take it",
	    "please see its own words below" },
};

/* By the code without its class; the first that matches counts.  One that ends in
 * "." stands for all below it.  vague: the words may know better. */
static const struct {
	const char *code;
	enum why why;
	bool vague;
} codes[] = {
	{ "1.0", ADDRESS, true }, { "1.1", NO_MAILBOX, false },
	{ "1.2", NO_DOMAIN, false }, { "1.3", BAD_ADDRESS, false },
	{ "1.6", MOVED, false }, { "1.7", SENDER, false },
	{ "1.8", SENDER, false }, { "1.10", NO_MAIL, true },
	{ "1.", ADDRESS, true }, { "2.1", DISABLED, true },
	{ "2.2", FULL, false }, { "2.3", LARGE_BOX, false },
	{ "2.4", NO_MAILBOX, true }, { "2.", OTHER, true },
	{ "3.4", LARGE, false }, { "3.", OTHER, true },
	{ "4.1", NO_ANSWER, true }, { "4.2", BREAKS, false },
	{ "4.3", NO_SERVER, false }, { "4.4", NO_SERVER, false },
	{ "4.6", LOOP, false }, { "4.7", EXPIRED, false },
	{ "4.", OTHER, true }, { "5.3", TOO_MANY, false },
	{ "6.2", SIGNED, false }, { "6.7", PLAIN_ONLY, false },
	{ "6.9", PLAIN_ONLY, false }, { "6.", CONTENT, true },
	{ "7.2", MEMBERS, true }, { "7.4", NO_TLS, false },
	{ "7.5", NO_TLS, false }, { "7.8", NO_LOGIN, false },
	{ "7.10", NO_TLS, false }, { "7.20", UNPROVEN, false },
	{ "7.21", UNPROVEN, false }, { "7.22", UNPROVEN, false },
	{ "7.23", UNPROVEN, false }, { "7.24", UNPROVEN, false },
	{ "7.25", LISTED, false }, { "7.26", UNPROVEN, false },
	{ "7.27", SENDER, false }, { "7.28", TOO_FAST, false },
	{ "7.", POLICY, true }, { "", OTHER, true },
};

/* In the other side's words, without case; the first that is found counts, so
 * what says more stands in front. */
static const struct { const char *words; enum why why; } words[] = {
	{ "dmarc", UNPROVEN }, { "dkim", UNPROVEN }, { "spf ", UNPROVEN },
	{ "sender policy framework", UNPROVEN },
	{ "unauthenticated email", UNPROVEN },
	{ "smtp authentication", NO_LOGIN },
	{ "authentication required", NO_LOGIN },
	{ "authentication is required", NO_LOGIN },
	{ "must issue a starttls", NO_TLS }, { "requires tls", NO_TLS },
	{ "encryption required", NO_TLS },
	{ "virus", ATTACHMENT }, { "malware", ATTACHMENT },
	{ "attachment", ATTACHMENT },
	{ "blocked because of its content", ATTACHMENT },
	{ "frequency limited", TOO_FAST }, { "too many messages", TOO_FAST },
	{ "rate limit", TOO_FAST }, { "rate that", TOO_FAST },
	{ "too many connections", TOO_FAST },
	{ "too many recipients", TOO_MANY },
	{ "quota", FULL }, { "mailbox full", FULL },
	{ "mailbox is full", FULL }, { "insufficient disk space", FULL },
	{ "out of storage", FULL }, { "insufficient storage", FULL },
	{ "message size", LARGE }, { "too large", LARGE },
	{ "too big", LARGE }, { "size limit", LARGE },
	{ "spamhaus", LISTED }, { "blacklist", LISTED },
	{ "blocklist", LISTED }, { "block list", LISTED },
	{ "black list", LISTED }, { "rbl", LISTED }, { "dnsbl", LISTED },
	{ "banned sending ip", LISTED }, { "reputation", LISTED },
	{ "network not allowed", LISTED }, { "is listed", LISTED },
	{ "part of their network", LISTED }, { "your ip", LISTED },
	{ "reverse dns", LISTED }, { "reverse hostname", LISTED },
	{ "ptr record", LISTED },
	{ "relay", NO_RELAY }, { "not a local domain", NO_RELAY },
	{ "not our customer", NO_RELAY }, { "rcpthosts", NO_RELAY },
	{ "spam", SPAM }, { "ube", SPAM }, { "unsolicited", SPAM },
	{ "bulk", SPAM }, { "content rejected", SPAM },
	{ "inactive", DISABLED }, { "disabled", DISABLED },
	{ "suspended", DISABLED }, { "frozen", DISABLED },
	{ "deactivated", DISABLED }, { "no longer", DISABLED },
	{ "only accepts", MEMBERS }, { "not a member", MEMBERS },
	{ "not allowed to post", MEMBERS }, { "restricted", MEMBERS },
	{ "sender rejected", SENDER }, { "sender address", SENDER },
	{ "sender domain", SENDER }, { "sender verify", SENDER },
	{ "unknown user", NO_MAILBOX }, { "user unknown", NO_MAILBOX },
	{ "user not found", NO_MAILBOX }, { "no such", NO_MAILBOX },
	{ "unknown recipient", NO_MAILBOX },
	{ "recipient unknown", NO_MAILBOX },
	{ "recipient not found", NO_MAILBOX },
	{ "recipientnotfound", NO_MAILBOX },	/* Exchange, with 5.1.10 */
	{ "invalid recipient", NO_MAILBOX },
	{ "invalid mailbox", NO_MAILBOX },
	{ "does not exist", NO_MAILBOX }, { "doesn't exist", NO_MAILBOX },
	{ "doesn't have a", NO_MAILBOX }, { "no mailbox", NO_MAILBOX },
	{ "mailbox not found", NO_MAILBOX },
	{ "mailbox unavailable", NO_MAILBOX },
	{ "address rejected", NO_MAILBOX }, { "not a valid", NO_MAILBOX },
	{ "unrouteable address", NO_MAILBOX },
	{ "host unknown", NO_DOMAIN }, { "domain not found", NO_DOMAIN },
	{ "hop count", LOOP }, { "too many hops", LOOP },
	{ "loop", LOOP },
};

static bool
is_letter(int ch)
{
	ch = ascii_lower(ch);
	return ch >= 'a' && ch <= 'z';
}

/* Does a word of the text begin so, ASCII case apart? */
static bool
contains(struct span text, const char *word)
{
	struct cur c, look;
	int before = ' ';

	cur_init(&c, text);
	for (; !cur_end(&c); before = cur_next(&c)) {
		look = c;
		if (!is_letter(before) && cur_word(&look, word))
			return true;
	}
	return false;
}

const struct bounce_reason *
bounce_reason(const struct bounce_rcpt *r)
{
	const char *code = r->dsn + 2;
	size_t i = 0, n;

	for (; codes[i].code[0] != '\0'; i++) {
		n = strlen(codes[i].code);
		if (codes[i].code[n - 1] == '.' ?
		    strncmp(code, codes[i].code, n) == 0 :
		    strcmp(code, codes[i].code) == 0)
			break;
	}
	if (!codes[i].vague || !bounce_is_reply(r->text))
		return &reasons[codes[i].why];
	for (n = 0; n < sizeof(words) / sizeof(words[0]); n++)
		if (contains(r->text, words[n].words))
			return &reasons[words[n].why];
	return &reasons[codes[i].why];
}
