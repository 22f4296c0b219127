# smtpd.bats: dialogues with smtpd on a pipe; every reply that posthouse-smtpd(8) lists is produced here.
# shellcheck shell=bash disable=SC2154,SC2034

# As those with instance_start, these tests run once more with sanitizers.
load helper
load smtpd.bash

M='MAIL FROM:<a@example.org>\r\n'
R='RCPT TO:<bob@example.test>\r\n'
LOGIN='AUTH PLAIN AGJvYkBleGFtcGxlLnRlc3QAcHc=\r\n'	# bob@example.test pw

setup() {
	SEEN=$BATS_FILE_TMPDIR/seen
	WRAP=()
	house
}

@test "greeting, EHLO with every extension, QUIT" {
	smtp 'EHLO client.example\r\nQUIT\r\n'
	[ "$status" = 0 ]
	[ "${lines[0]}" = "220 mx.example.test ESMTP posthouse" ]
	[ "${lines[1]}" = "250-mx.example.test" ]
	for word in PIPELINING 'SIZE 52428800' 8BITMIME CHUNKING BINARYMIME DSN SMTPUTF8 ENHANCEDSTATUSCODES 'LIMITS RCPTMAX=1000'; do
		has "250-$word"
	done
	no grep -q 'STARTTLS\|AUTH' <<<"$output"
	has "221 2.0.0 mx.example.test closing connection"
}

@test "a message is stored with its envelope, LF line ends, dots unstuffed, sizes in its name" {
	smtp "EHLO client.example\r\nMAIL FROM: <a@example.org> SIZE=40 BODY=8BITMIME\r\n${R}RCPT TO:<AL@Example.Test>\r\nDATA\r\nSubject: x\r\n\r\n..dot\r\n\xc3\xa4\r\n.\r\nQUIT\r\n"
	expect 250 250 250 250 354 250 221
	[ "$(stored)" = 1 ]
	message >"$DIR/got"
	cat >"$DIR/want" <<-E
		Return-Path: <a@example.org>
		Delivered-To: bob@example.test
		Delivered-To: AL@example.test
		Envelope-Body: 8BITMIME
	E
	envelope_of "$SPOOL"/new/* | diff "$DIR/want" -
	[[ $(sed -n 2p "$DIR/got") == "Received: from client.example (local)" ]]
	[[ $(sed -n 4p "$DIR/got") == *"id "*"."*"; "*" +0000" ]]
	printf 'Subject: x\n\n.dot\n\xc3\xa4\n' >"$DIR/want"
	sed '/^Delivered-To:/,$d' "$DIR/got" >"$DIR/content"	# what each recipient may see
	tail -n 4 "$DIR/content" | diff "$DIR/want" -
	name=$(basename "$SPOOL"/new/*)
	size=$(stat -c %s "$DIR/content")
	[[ $name == *.mx.example.test,S=$size,W=$((size + $(wc -l <"$DIR/content"))) ]]
	[ "$(stat -c %a "$SPOOL"/new/*)" = 640 ]
	qid=$(cut -d . -f 1,2 <<<"$name")
	has "250 2.0.0 Queued as $qid"
	[ "$(grep -c "queued sid=.* qid=$qid from=<a@example.org> to=<bob@example.test> nrcpt=2 size=$size" "$LOG")" = 1 ]
}

@test "the log has the Message-ID: the first, folded or not, and none that is too long" {
	long=$(printf '%0160d' 0)
	smtp "EHLO a\r\n$M${R}DATA\r\nmessage-id : <One.!2 3@x> (c)\r\nMessage-ID: <two@x>\r\n\r\n.\r\n$M${R}DATA\r\nMessage-ID:\r\n <folded@x>\r\n\r\n.\r\n$M${R}DATA\r\nMessage-ID: <0$long>\r\n\r\nMessage-ID: <body@x>\r\n.\r\n$M${R}DATA\r\nMessage-ID: <$long>\r\nSubject: a\r\n <b>\r\n\r\n.\r\nQUIT\r\n"
	[ "$(grep -c ': queued ' "$LOG")" = 4 ]
	grep -o ' msgid=.*' "$LOG" >"$DIR/ids"
	printf ' msgid=%s\n' '<One.!2%203@x>' '<folded@x>' "<$long>" | diff - "$DIR/ids"
}

@test "the queue is told the name through the trigger" {
	exec 8<>"$SPOOL/trigger"
	smtp "EHLO a\r\n$M${R}DATA\r\n\r\n.\r\nQUIT\r\n"
	read -r -t 60 name <&8
	exec 8>&-
	[ -f "$SPOOL/new/$name" ]
}

# walk N ARGS...: each line of standard input is a verb and the code it is answered with in the first N of these states: START
# (no EHLO), READY, MAIL, RCPT, BDAT (the first chunk was there), and for submission READY, MAIL, RCPT and BDAT of a login.
walk() {
	local hello=EHLO own='MAIL FROM:<bob@example.test>\r\n' n=$1 verb codes want got i seen=0 reach
	shift
	[[ $* != *-L* ]] || hello=LHLO
	reach=('' "$hello a\r\n" "$hello a\r\n$M" "$hello a\r\n$M$R" "$hello a\r\n$M${R}BDAT 0\r\n")
	[[ $* != *-s* ]] || reach=('' 'EHLO a\r\n' "EHLO a\r\n$LOGIN" "EHLO a\r\n$LOGIN$own" "EHLO a\r\n$LOGIN$own$R" \
	    "EHLO a\r\n$LOGIN$own${R}BDAT 0\r\n")
	while IFS='|' read -r verb codes; do
		read -ra want <<<"$codes"
		[ "${#want[@]}" = "$n" ]
		for ((i = 0; i < n; i++)); do
			smtp "${reach[i]}$verb\r\n" "$@"
			got=$(sed -n '$s/^\([0-9]*\).*/\1/p' <<<"$output")
			[ "$got" = "${want[i]}" ] || {
				echo "$verb in state $i: expected ${want[i]}, got $output"
				return 1
			}
			seen=$((seen + 1))
		done
	done
	echo "$seen pairs"
}

@test "every verb in every state" {
	run walk 5 <<-'E'
		HELO a|250 250 250 250 250
		EHLO a|250 250 250 250 250
		LHLO a|502 502 502 502 502
		MAIL FROM:<a@example.org>|503 250 503 503 503
		MAIL|503 501 503 503 503
		RCPT TO:<bob@example.test>|503 503 250 250 503
		RCPT|503 503 501 501 503
		DATA|503 503 503 354 503
		RSET|250 250 250 250 250
		NOOP|250 250 250 250 250
		NOOP x y|250 250 250 250 250
		QUIT|221 221 221 221 221
		VRFY bob|252 252 252 252 252
		VRFY bob SMTPUTF8|252 252 252 252 252
		HELP|214 214 214 214 214
		HELP data|214 214 214 214 214
		HELP status|211 211 211 211 211
		HELP auth|504 504 504 504 504
		STARTTLS|454 454 503 503 503
		AUTH PLAIN|502 502 502 502 502
		EXPN sales|502 502 502 502 502
		SEND FROM:<a@b>|502 502 502 502 502
		SOML FROM:<a@b>|502 502 502 502 502
		SAML FROM:<a@b>|502 502 502 502 502
		TURN|502 502 502 502 502
		BDAT 0|503 503 503 250 250
		BDAT 0 LAST|503 503 503 250 250
		BDAT|501 501 501 501 501
		BDAT x|501 501 501 501 501
		XYZZY|500 500 500 500 500
		|500 500 500 500 500
		RSET x|501 501 501 501 501
		QUIT x|501 501 501 501 501
		DATA x|503 503 503 501 503
		VRFY|501 501 501 501 501
		HELP xyzzy|504 504 504 504 504
		HELO|501 501 501 501 501
		EHLO|501 501 501 501 501
	E
	echo "$output"
	[ "${lines[-1]}" = "190 pairs" ]
}

@test "every verb in every state: submission before and after the login, and LMTP" {
	run walk 6 -s <<-'E'
		HELO a|250 250 250 250 250 250
		EHLO a|250 250 250 250 250 250
		LHLO a|502 502 502 502 502 502
		MAIL FROM:<bob@example.test>|503 530 250 503 503 503
		RCPT TO:<bob@example.test>|503 503 503 250 250 503
		DATA|503 503 503 503 354 503
		BDAT 0 LAST|503 503 503 503 250 250
		RSET|250 250 250 250 250 250
		NOOP|250 250 250 250 250 250
		QUIT|221 221 221 221 221 221
		VRFY bob|252 252 252 252 252 252
		EXPN sales|530 530 250 250 250 250
		EXPN bob|530 530 550 550 550 550
		EXPN|530 530 501 501 501 501
		HELP auth|214 214 214 214 214 214
		STARTTLS|454 454 454 503 503 503
		AUTH PLAIN|503 334 503 503 503 503
		AUTH|503 501 503 503 503 503
		TURN|502 502 502 502 502 502
		SEND FROM:<a@b>|502 502 502 502 502 502
	E
	echo "$output"
	[ "${lines[-1]}" = "120 pairs" ]
	run walk 5 -L <<-'E'
		LHLO a|250 250 250 250 250
		HELO a|502 502 502 502 502
		EHLO a|502 502 502 502 502
		MAIL FROM:<a@example.org>|503 250 503 503 503
		RCPT TO:<bob@example.test>|503 503 250 250 503
		DATA|503 503 503 354 503
		BDAT 0 LAST|503 503 503 250 250
		RSET|250 250 250 250 250
		NOOP|250 250 250 250 250
		QUIT|221 221 221 221 221
		VRFY bob|252 252 252 252 252
		EXPN sales|502 502 502 502 502
		AUTH PLAIN|502 502 502 502 502
		STARTTLS|454 454 503 503 503
		SAML FROM:<a@b>|502 502 502 502 502
	E
	echo "$output"
	[ "${lines[-1]}" = "75 pairs" ]
}

@test "HELP has a topic for each verb that is served, and STATUS" {
	smtp 'HELP\r\nHELP mail\r\nHELP EXPN\r\nHELP LHLO\r\nEHLO client.example\r\nHELP STATUS\r\nQUIT\r\n'
	expect 214 214 504 504 250 211 221
	has "214-2.0.0 HELO EHLO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY HELP STARTTLS"
	has "214-2.0.0 MAIL FROM:<sender> [parameters]"
	has "211-2.0.0 You are client.example, address local"
	has "211 2.0.0 0 messages taken; now no mail transaction, 0 recipients"
	for verb in $(sed -n 's/^214-2.0.0 \(HELO .*\)/\1/p' <<<"$output"); do
		smtp "HELP $verb\r\nQUIT\r\n"
		expect 214 221
	done
	smtp "EHLO a\r\n${LOGIN}MAIL FROM:<bob@example.test>\r\n${R}HELP status\r\nQUIT\r\n" -s
	has "211-2.0.0 Logged in as bob@example.test"
	has "211 2.0.0 0 messages taken; now in a mail transaction, 1 recipients"
}

@test "EXPN: aliases, for who has logged in" {
	printf 'team: bob, al@example.test,\n x@example.com\nsaal: gr\303\274n@example.test, bob\n' >>"$CONTROL/aliases"
	smtp "EHLO a\r\nEXPN team\r\n${LOGIN}EXPN team\r\nexpn <Sales@Other.test>\r\nEXPN boss SMTPUTF8\r\nEXPN bob\r\nEXPN nobody\r\nEXPN x@example.com\r\nEXPN a b\r\nEXPN a..b\r\nEXPN saal\r\nEXPN saal SMTPUTF8\r\nQUIT\r\n" -s
	expect 250 530 235 250 250 250 550 550 550 501 501 550 250 221
	has "250-2.1.5 <bob@example.test>"
	has "250-2.1.5 <al@example.test>"
	has "250 2.1.5 <x@example.com>"
	has "250 2.1.5 <sales@example.test>"
	has "550 5.1.1 No such alias here"
	has "550 5.6.7 Members need SMTPUTF8"
	has $'250-2.1.5 <gr\303\274n@example.test>'
}

@test "EHLO, HELO and RSET in a transaction forget it" {
	for verb in 'EHLO b' 'HELO b' RSET; do
		smtp "EHLO a\r\n$M$R$verb\r\n${R}DATA\r\nQUIT\r\n"
		expect 250 250 250 250 503 503 221
	done
	# After a message the next one begins anew.
	smtp "EHLO a\r\n$M${R}DATA\r\n\r\n.\r\n${R}QUIT\r\n"
	expect 250 250 250 354 250 503 221
}

@test "verbs and keywords without case; blanks at the end and behind the colon" {
	smtp 'ehlo a\r\nmail from:   <a@example.org>   size=1 \t\r\nrCpT tO: <bob@example.test> \r\ndata \r\nx: y\r\n\r\n.\r\nquit \r\n'
	expect 250 250 250 354 250 221
	smtp "HELO a\r\nMAIL FROM:<>\r\n${R}QUIT\r\n"
	expect 250 250 250 221
}

@test "recipients: users, aliases, details, postmaster; unknown ones and relaying refused" {
	smtp "EHLO a\r\n${M}RCPT TO:<bob+x@example.test>\r\nRCPT TO:<sales@other.test>\r\nRCPT TO:<postmaster>\r\nRCPT TO:<@relay.example,@b.example:bob@example.test>\r\nRCPT TO:<nobody@example.test>\r\nRCPT TO:<x@example.com>\r\nRCPT TO:<bob%%example.com@example.test>\r\nRCPT TO:<\"x@example.com\"@example.test>\r\nQUIT\r\n"
	expect 250 250 250 250 250 250 550 550 550 550 221
	has "550 5.1.1 No such user here"
	has "550 5.7.1 Relaying denied"
	grep -q 'reject .*cmd=RCPT from=<a@example.org> rcpt=<x@example.com> code=550 dsn=5.7.1' "$LOG"
	# All refused: no data.
	smtp "EHLO a\r\n${M}RCPT TO:<x@example.com>\r\nDATA\r\nQUIT\r\n"
	expect 250 250 550 554 221
	has "554 5.5.1 No valid recipients"
}

@test "a listed network may relay, others not" {
	TCPREMOTEIP=192.0.2.7 smtp "EHLO a\r\n${M}RCPT TO:<x@example.com>\r\nDATA\r\n\r\n.\r\nQUIT\r\n"
	expect 250 250 250 354 250 221
	message | grep -q '^Received: from a (\[192.0.2.7\])$'
	TCPREMOTEIP=192.0.3.7 smtp "EHLO a\r\n${M}RCPT TO:<x@example.com>\r\nQUIT\r\n"
	expect 250 250 550 221
	TCPREMOTEIP=2001:db8::1 smtp "EHLO a\r\n${M}${R}DATA\r\n\r\n.\r\nQUIT\r\n"
	message | grep -q '^Received: from a (\[IPv6:2001:db8::1\])$'
}

@test "the same recipient twice is delivered once" {
	smtp "EHLO a\r\n$M$R${R}DATA\r\n\r\n.\r\nQUIT\r\n"
	expect 250 250 250 250 354 250 221
	[ "$(message | grep -c '^Delivered-To:')" = 1 ]
}

@test "recipient limit: 452, those before it stand, 50,000 are answered at once" {
	setting recipient-limit 5
	smtp "$(printf 'EHLO a\\r\\n%s' "$M"; for i in {1..7}; do printf 'RCPT TO:<bob+%d@example.test>\\r\\n' "$i"; done)DATA\r\n\r\n.\r\nQUIT\r\n"
	expect 250 250 250 250 250 250 250 452 452 354 250 221
	has "452 4.5.3 Too many recipients, send the rest in another message"
	[ "$(message | grep -c '^Delivered-To:')" = 5 ]
	[ "$(printf 'EHLO a\r\nMAIL FROM:<>\r\n%s\nQUIT\r\n' "$(seq -f 'RCPT TO:<bob+%.0f@example.test>'$'\r' 50000)" |
	    session | grep -c '^452 4.5.3')" = 49995 ]
	[ "$(grep -c 'Too many recipients' "$LOG")" -le 2 ]
}

@test "limits: errors, refused recipients, size, line, header, hops" {
	smtp "$(printf 'FOO\\r\\n%.0s' {1..30})"
	[ "$(grep -c '^500' <<<"$output")" = 20 ]
	has "421 4.7.0 Too many errors, closing connection"
	[ "$status" = 76 ]
	setting recipient-limit 3
	smtp "EHLO a\r\n$M$(printf 'RCPT TO:<x%d@example.test>\\r\\n' 1 2 3 4)QUIT\r\n"
	expect 250 250 550 550 550 421
	has "421 4.7.0 Too many refused recipients, closing connection"
	setting message-size-limit 10000
	smtp "EHLO a\r\n${M%??}"
	smtp "EHLO a\r\nMAIL FROM:<a@b.example> SIZE=10001\r\nMAIL FROM:<a@b.example> SIZE=10000\r\nQUIT\r\n"
	expect 250 552 250 221
	body=$(printf 'x: y\\r\\n\\r\\n'; head -c 10500 /dev/zero | tr '\0' a | sed 's/.\{70\}/&\\r\\n/g')
	smtp "EHLO a\r\n$M${R}DATA\r\n$body\r\n.\r\nQUIT\r\n"
	expect 250 250 250 354 552 221
	has "552 5.3.4 Message too large"
	nothing_left
	sed -i /message-size/d "$CONTROL/settings"
	line=$(head -c 2000 /dev/zero | tr '\0' a)
	setting line-length-limit 2000
	for data in "\r\n${line}a\r\n" "X: ${line:0:1998}\r\n" "\r\nx\r\n${line}a"; do
		smtp "EHLO a\r\n$M${R}DATA\r\n$data\r\n.\r\nQUIT\r\n"
		has "550 5.6.0 Message has too long a line"
		nothing_left
	done
	smtp "EHLO a\r\n$M${R}DATA\r\n$(printf 'Received: x\\r\\n%.0s' {1..101})\r\n.\r\nQUIT\r\n"
	has "554 5.4.6 Too many hops, message is looping"
	smtp "EHLO a\r\n$M${R}DATA\r\n$(printf 'X: x\\r\\n%.0s' {1..10001})\r\n.\r\nQUIT\r\n"
	has "550 5.6.0 Message header too large"
	nothing_left
	# At the limits, not over them.
	smtp "EHLO a\r\n$M${R}DATA\r\n$(printf 'Received: x\\r\\n%.0s' {1..100})\r\n$line\r\n.\r\nQUIT\r\n"
	expect 250 250 250 354 250 221
}

@test "silence ends the session, also in the data, and nothing is kept" {
	setting command-timeout 1
	smtp ''
	mkfifo "$DIR/in"
	chmod 666 "$DIR/in"
	exec 8<>"$DIR/in"	# stays open, and says no more
	printf 'EHLO a\r\n' >&8
	output=$(session <"$DIR/in" | tr -d '\r')
	echo "$output" >>"$SEEN"
	has "421 4.4.2 Too slow, closing connection"
	printf 'EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nx: y\r\n' >&8
	output=$(session <"$DIR/in" | tr -d '\r')
	exec 8>&-
	has "421 4.4.2 Too slow, closing connection"
	nothing_left
}

@test "input that ends anywhere leaves nothing" {
	text="EHLO a\r\n$M${R}DATA\r\nx: y\r\n\r\nbody\r\n."
	whole=$(printf '%b' "$text")
	for n in $(seq 0 7 ${#whole}) ${#whole}; do
		smtp "${whole:0:n}"
		nothing_left
	done
}

@test "AUTH PLAIN and LOGIN, with and without initial response" {
	u=Ym9iQGV4YW1wbGUudGVzdA== p=cHc= plain=AGJvYkBleGFtcGxlLnRlc3QAcHc=
	for auth in "AUTH PLAIN $plain" "AUTH PLAIN\r\n$plain" "auth plain\r\n$plain" "AUTH LOGIN\r\n$u\r\n$p" "AUTH LOGIN $u\r\n$p"; do
		smtp "EHLO a\r\n$auth\r\nMAIL FROM:<bob@example.test>\r\nRCPT TO:<x@example.com>\r\nQUIT\r\n" -s
		has "250-AUTH SCRAM-SHA-256 PLAIN LOGIN"
		has "235 2.7.0 Authentication succeeded"
		has "250 2.1.5 Recipient ok"
	done
	no grep -q "pw$\|$p\|$plain" "$LOG"
	smtp "EHLO a\r\n$LOGIN${LOGIN}EHLO b\r\nQUIT\r\n" -s
	expect 250 235 503 250 221
	has "503 5.5.1 Authenticated already"
	[ "$(grep -c '^250-AUTH' <<<"$output")" = 1 ]
	grep -q 'auth sid=.* user=bob@example.test mech=PLAIN text=ok' "$LOG"
}

@test "AUTH that fails: wrong, cancelled, malformed, unknown, and again right" {
	smtp "EHLO a\r\nAUTH PLAIN AGJvYkBleGFtcGxlLnRlc3QAeHg=\r\nAUTH LOGIN\r\n*\r\nAUTH PLAIN !!\r\nAUTH PLAIN AAA=\r\nAUTH PLAIN =\r\nAUTH CRAM-MD5\r\nAUTH\r\n${M}AUTH PLAIN YWwAYm9iQGV4YW1wbGUudGVzdABwdw==\r\n${LOGIN}QUIT\r\n" -s
	expect 250 535 334 501 501 501 501 504 501 530 535 235 221
	has "535 5.7.8 Wrong name or password"
	has "501 5.7.0 Authentication cancelled"
	has "501 5.5.2 Not a valid base64 response"
	has "501 5.5.2 Not a response of this mechanism"
	has "504 5.5.4 Mechanism not known"
	has "530 5.7.0 Authentication required"
	smtp "EHLO a\r\nAUTH LOGIN\r\n$(head -c 13000 /dev/zero | tr '\0' A)\r\nQUIT\r\n" -s
	has "500 5.5.6 Authentication line too long"
	echo 'carol@example.test::::disabled=Closed: ask the help desk' >>"$CONTROL/users"
	echo 'carol@example.test:{PLAIN}pw' >>"$CONTROL/passwords"
	smtp "EHLO a\r\nAUTH PLAIN $(printf '\0carol@example.test\0pw' | base64)\r\nQUIT\r\n" -s
	has "535 5.7.13 Closed: ask the help desk"
	echo 'login-mechanisms scram-sha-256' >>"$CONTROL/settings"
	smtp "EHLO a\r\n${LOGIN}QUIT\r\n" -s
	has "250-AUTH SCRAM-SHA-256"
	has "534 5.7.9 Mechanism is too weak here"
	sed -i '/^login-mech/d' "$CONTROL/settings"
	chmod 0 "$CONTROL/passwords"
	smtp "EHLO a\r\n${LOGIN}QUIT\r\n" -s
	has "454 4.7.0 Authentication is not possible now, try later"
}

@test "AUTH is not offered in clear to the network, nor on port 25" {
	TCPREMOTEIP=192.0.2.7 smtp "EHLO a\r\n${LOGIN}QUIT\r\n" -s
	expect 250 538 221
	has "538 5.7.11 Send STARTTLS first"
	no grep -q AUTH <<<"$output"
	setting plain-auth yes
	TCPREMOTEIP=192.0.2.7 smtp "EHLO a\r\n${LOGIN}QUIT\r\n" -s
	expect 250 235 221
}

@test "submission: the sender must be the login's own" {
	smtp "EHLO a\r\n${LOGIN}${M}MAIL FROM:<al@example.test>\r\nMAIL FROM:<BOB@Example.Test>\r\nRSET\r\nMAIL FROM:<bob+x@example.test>\r\nRSET\r\nMAIL FROM:<sales@other.test>\r\nRSET\r\nMAIL FROM:<boss@example.test>\r\nRSET\r\nMAIL FROM:<postmaster@example.test>\r\nMAIL FROM:<> AUTH=<>\r\nQUIT\r\n" -s
	expect 250 235 553 553 250 250 250 250 250 250 250 250 553 250 221
	has "553 5.7.1 Sender address is not yours"
}

@test "submission: an alias may lead to the sender by way of others, but not by more than can be looked at" {
	{
		echo "far: a1"
		for n in {1..12}; do echo "a$n: a$((n + 1))"; done
		echo "a13: nobody@other.test, bob"
		for n in {1..18}; do echo "m$n: $(printf "m$((n + 1)), %.0s" {1..20})nobody@other.test"; done
		echo "m19: nobody@other.test"
	} >>"$CONTROL/aliases"
	smtp "EHLO a\r\n${LOGIN}MAIL FROM:<far@example.test>\r\nRSET\r\nMAIL FROM:<m1@example.test>\r\nQUIT\r\n" -s
	expect 250 235 250 250 553 221
}

@test "submission: addresses in the header get the domain they lack, and nothing else is touched" {
	local head
	send() { smtp "EHLO a\r\n${LOGIN}MAIL FROM:<bob@example.test>\r\n${R}$1\r\nQUIT\r\n" -s; message >"$DIR/got"; rm "$SPOOL"/new/*; }
	head='From: bob\r\nTo: alice (her),\r\n\t"c, d" <carol>, g: x, y@z;,\r\n =?utf-8?q?=C3=A9?= <"e f">\r\nSubject: to: bob\r\nResent-Cc:\r\n bob\r\n'
	send "DATA\r\n$head\r\nFrom: nobody\r\n."
	sed -n '/^From:/,$p' "$DIR/got" >"$DIR/rest"
	cat "$DIR/rest"
	sed -i 's/^\t/TAB/; /^\(Date\|Message-ID\): /d' "$DIR/rest"
	diff "$DIR/rest" - <<-'E'
	From: bob@example.test
	To: alice@example.test (her),
	TAB"c, d" <carol@example.test>, g: x@example.test, y@z;,
	 =?utf-8?q?=C3=A9?= <"e f"@example.test>
	Subject: to: bob
	Resent-Cc:
	 bob@example.test

	From: nobody
	E
	# BDAT, cut anywhere, and without a body; a field that is too long stays as it is.
	send 'BDAT 7\r\nFrom: bBDAT 4 LAST\r\nob\r\n'
	grep -qx 'From: bob@example.test' "$DIR/got"
	send "DATA\r\nTo: bob,\r\n$(printf ' %0900d,\\r\\n' $(seq 80))\r\n."
	grep -qx 'To: bob,' "$DIR/got"
	# What other servers send is theirs.
	smtp "EHLO a\r\n$M${R}DATA\r\nFrom: bob\r\n\r\n.\r\nQUIT\r\n"
	message | grep -qx 'From: bob'
}

@test "submission: Date, Message-ID and From are added where they are missing, and only there" {
	send() { smtp "EHLO a\r\n${LOGIN}MAIL FROM:<bob@example.test>\r\n${R}DATA\r\n$1.\r\nQUIT\r\n" -s; message >"$DIR/got"; rm "$SPOOL"/new/*; }
	send 'Subject: x\r\n\r\nbody\r\n'
	[ "$(grep -cE '^(Date: .* \+0000|Message-ID: <.*@mx.example.test>|From: <bob@example.test>)$' "$DIR/got")" = 3 ]
	tail -n 2 "$DIR/got" | head -n 1 | grep -qx ''
	send 'date: 1\r\nmessage-id : 2\r\nFROM: 3\r\n\r\nDate: x\r\n'
	[ "$(grep -ciE '^(Date|Message-ID|From) ?:' "$DIR/got")" = 4 ]
	# Text without a header becomes a body.
	send 'just text\r\n'
	[ "$(tail -n 2 "$DIR/got")" = $'\njust text' ]
	send ' folded first\r\n'
	[ "$(tail -n 2 "$DIR/got")" = $'\n folded first' ]
	send ''
	grep -q '^Date:' "$DIR/got"
	grep -q 'with ESMTPA$' "$DIR/got"
	# Port 25 adds nothing.
	smtp "EHLO a\r\n$M${R}DATA\r\nSubject: x\r\n\r\n.\r\nQUIT\r\n"
	message | no grep -q '^Date:'
}

@test "with keywords: SMTP and ESMTP" {
	smtp "HELO a\r\n$M${R}DATA\r\n\r\n.\r\nQUIT\r\n"
	message | grep -q 'with SMTP$'
	rm "$SPOOL"/new/*
	smtp "EHLO a\r\n$M${R}DATA\r\n\r\n.\r\nQUIT\r\n"
	message | grep -q 'with ESMTP$'
}

@test "LMTP: LHLO, no relaying, one reply for each accepted recipient" {
	smtp "EHLO a\r\nLHLO a\r\n$M${R}RCPT TO:<nobody@example.test>\r\nRCPT TO:<al@example.test>\r\n${R}RCPT TO:<x@example.com>\r\nDATA\r\nx: y\r\n\r\n.\r\nQUIT\r\n" -L
	expect 502 250 250 250 550 250 250 550 354 250 250 250 221
	message | grep -q 'with LMTP$'
	[ "$(message | grep -c '^Delivered-To:')" = 2 ]
	rm "$SPOOL"/new/*
	smtp "LHLO a\r\n$M${R}RCPT TO:<al@example.test>\r\nDATA\r\n$(printf 'Received: x\\r\\n%.0s' {1..101})\r\n.\r\nQUIT\r\n" -L
	expect 250 250 250 250 354 554 554 221
	nothing_left
}

@test "STARTTLS: offered with a certificate; nothing may follow it in clear" {
	certificate
	smtp 'EHLO a\r\nSTARTTLS\r\nEHLO injected\r\nMAIL FROM:<>\r\n'
	has "250-STARTTLS"
	expect 250 503
	has "503 5.5.1 Nothing may follow STARTTLS, closing connection"
	smtp 'STARTTLS x\r\nSTARTTLS\r\n'
	has "501 5.5.4 No argument allowed"
	has "220 2.0.0 Ready to start TLS"
}

# tls_client PORT MODE TEXT: a client behind TLS; needs python3.
tls_client() {
	python3 - "$@" <<-'E'
		import socket, ssl, sys
		port, mode, text = int(sys.argv[1]), sys.argv[2], sys.argv[3].encode().decode("unicode_escape").encode("latin-1")
		s = socket.create_connection(("127.0.0.1", port), timeout=120)
		def reply(s):
		    data = b""
		    while not data.endswith(b"\n") or data.split(b"\r\n")[-2][3:4] == b"-":
		        part = s.recv(4096)
		        if not part: break
		        data += part
		    return data
		out = b""
		if mode == "starttls":
		    out += reply(s); s.sendall(b"EHLO a\r\n"); out += reply(s)
		    s.sendall(b"STARTTLS\r\n"); out += reply(s)
		c = ssl.create_default_context(); c.check_hostname = False; c.verify_mode = ssl.CERT_NONE
		s = c.wrap_socket(s)
		s.sendall(text)
		while True:
		    part = s.recv(4096)
		    if not part: break
		    out += part
		sys.stdout.write(out.decode().replace("\r", ""))
	E
}

@test "behind TLS: STARTTLS forgets everything, 465 greets; facts in Received" {
	need python3 python3
	certificate
	for mode in starttls implicit; do
		[ "$mode" = starttls ] && flag=-s || flag=-S
		unprivileged "$BIN/smtpd" -C "$CONTROL" "$flag" -l 127.0.0.1:0 2>>"$LOG" &
		pid=$!
		listening "$pid" "$LOG"
		output=$(tls_client "$port" "$mode" "${M}QUIT\r\n")
		[ "$mode" = implicit ] || grep -q '^503 5.5.1 Send EHLO first' <<<"$output"
		output=$(tls_client "$port" "$mode" "EHLO b\r\n${LOGIN}STARTTLS\r\nMAIL FROM:<bob@example.test>\r\n${R}DATA\r\n\r\n.\r\nQUIT\r\n")
		echo "$output" >>"$SEEN"
		end "$pid"
		has "235 2.7.0 Authentication succeeded"
		has "503 5.5.1 TLS is on already"
		[ "$(sed '1,/220 2.0.0 Ready/d' <<<"$output" | grep -c '^250-STARTTLS')" = 0 ]
		message | grep -qE 'with ESMTPSA \(TLSv1\.[23] [A-Z0-9_-]+\)$'
		rm "$SPOOL"/new/*
	done
}

@test "no spool: 451 at MAIL" {
	sed -i 's/^spool-directory.*/spool-directory \/nonexistent/' "$CONTROL/settings"
	smtp "EHLO a\r\n${M}QUIT\r\n"
	[ "$(id -u)" = 0 ] || expect 250 451 221
	has "451 4.3.0 Cannot take mail now, try later"
}

@test "works unprivileged with nothing else running, and without -C" {
	output=$(printf 'EHLO a\r\nQUIT\r\n' | unprivileged env "POSTHOUSE=$CONTROL" "$BIN/smtpd" 2>>"$LOG" | tr -d '\r')
	has "221 2.0.0 mx.example.test closing connection"
}

@test "one gibibyte is streamed in constant memory" {
	[ -z "${SANITIZED-}" ] || skip "the sanitizer's own memory"
	setting message-size-limit 2G
	mkfifo "$DIR/in"
	(printf 'EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n'
	 yes "$(head -c 900 /dev/zero | tr '\0' a)"$'\r' | head -c $((902 * 1190000)); printf '.\r\n'
	 await 100 grep -q '^250 2.0.0 Queued' "$DIR/out"
	 cat "/proc/$(pgrep -P "$(cat "$DIR/pid")" 2>/dev/null | head -n 1)/status" >"$DIR/status" 2>/dev/null
	 printf 'QUIT\r\n') >"$DIR/in" &
	unprivileged sh -c 'echo $$ >"$0"; exec "$@"' "$DIR/pid" "$BIN/smtpd" -C "$CONTROL" >"$DIR/out" <"$DIR/in" 2>>"$LOG"
	wait
	grep -q '^250 2.0.0 Queued' "$DIR/out"
	[ "$(stat -c %s "$SPOOL"/new/*)" -gt 1000000000 ]
	peak=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "$DIR/status")
	echo "peak memory $peak kB"
	[ "$peak" -lt 8000 ]
}

@test "configuration: -n prints it; a broken one is exit 78, wrong usage 64" {
	run unprivileged "$BIN/smtpd" -C "$CONTROL" -n
	[ "$status" = 0 ]
	[[ $output == *"message-size-limit 5"* ]]
	setting no-such-setting 1
	run unprivileged "$BIN/smtpd" -C "$CONTROL" -n
	[ "$status" = 78 ]
	run unprivileged "$BIN/smtpd" -x
	[ "$status" = 64 ]
}

# Out of memory is made by taking it away from a session that runs.
@test "no memory: 421 and an end, not a crash" {
	need prlimit util-linux
	[ -z "${SANITIZED-}" ] || skip "the sanitizer's own memory"
	setting recipient-limit 100000
	mkfifo "$DIR/in"
	chmod 666 "$DIR/in"
	session >"$DIR/out" <"$DIR/in" &
	exec 8>"$DIR/in"
	printf 'EHLO a\r\n' >&8
	await 10 grep -q '250 HELP' "$DIR/out"
	pid=$(sed -n 's/^smtpd\[\([0-9]*\)\]: connect.*/\1/p' "$LOG")
	unprivileged prlimit --pid "$pid" --data=1000:1000
	printf 'MAIL FROM:<>\r\n' >&8
	seq -f 'RCPT TO:<bob+%.0f@example.test>'$'\r' 5000 >&8 2>/dev/null || :
	exec 8>&-
	wait || :
	output=$(tr -d '\r' <"$DIR/out")
	echo "$output" >>"$SEEN"
	has "421 4.3.0 Out of memory, closing connection"
}

@test "write errors: ENOSPC, EIO, short writes: a 4xx reply, and nothing is left" {
	need strace strace
	[ -z "${SANITIZED-}" ] || skip "strace and the leak checker exclude each other"
	text="EHLO a\r\n$M${R}DATA\r\nSubject: x\r\n\r\n$(printf 'line %d of the body\\r\\n' {1..200})\r\n.\r\nNOOP\r\nQUIT\r\n"
	setting sandbox no	# a call that strace leaves out looks forbidden to seccomp
	while read -r inject code; do
		WRAP=(strace -f -qq -o "$DIR/trace" -e "$inject")
		smtp "$text"
		WRAP=()
		expect 250 250 250 354 "$code" 250 221 || { echo "$inject"; return 1; }
		nothing_left || { echo "$inject"; ls -l "$SPOOL"/*; return 1; }
		grep -q 'warn qid=.* errno=E.* text=message not stored' "$LOG"
		: >"$LOG"
	done <<-'E'
		inject=renameat:error=EIO 451
		inject=renameat:error=ENOSPC 452
		inject=fsync:error=EIO 451
		inject=fsync:error=ENOSPC 452
	E
	# A full file system, and one that breaks in the middle of a write.
	cat >"$DIR/small" <<-E
		ulimit -f 2
		exec "$BIN/smtpd" -C "$CONTROL"
	E
	output=$(printf '%b' "$text" | unprivileged sh "$DIR/small" 2>>"$LOG" | tr -d '\r')
	echo "$output" >>"$SEEN"
	expect 250 250 250 354 452 250 221
	nothing_left
}

@test "one message of 4 KiB: one open, its bytes in one write, one rename, one fsync, one trigger, no exec" {
	need strace strace
	[ -z "${SANITIZED-}" ] || skip "strace and the leak checker exclude each other"
	exec 8<>"$SPOOL/trigger"
	WRAP=(strace -ff -qq -o "$DIR/trace")	# a file for each process: no call of one is cut by another's
	smtp "EHLO a\r\n$M${R}DATA\r\nSubject: x\r\n\r\n$(printf 'line %03d of the body of this message, 4 KiB in all\\r\\n' {1..78})\r\n.\r\nQUIT\r\n"
	WRAP=()
	exec 8>&-
	expect 250 250 250 354 250 221
	# From the DATA reply on, in the session's process.
	session=$(grep -l 'openat([0-9]*, "[0-9]*\.[0-9a-f]\{16\}\.' "$DIR"/trace.*)
	sed -n '/openat([0-9]*, "[0-9]*\.[0-9a-f]\{16\}\./,$p' "$session" >"$DIR/tail"
	file=$(sed -n '1s/.*= \([0-9]*\)$/\1/p' "$DIR/tail")
	calls=$(grep -E "^(openat|renameat2?|fsync|link|unlink)|^(write|close)\(${file}[,)]|^write\([0-9]+, \"[0-9]+\.[0-9a-f]{16}\." "$DIR/tail" |
	    sed 's/(.*//' | tr '\n' ' ')
	echo "$calls"
	[ "$calls" = "openat write renameat fsync close write " ]
	[ "$(cat "$DIR"/trace.* | grep -c execve)" -le 3 ]	# strace's, setpriv's and timeout's own
	no grep -q execve "$DIR/tail"
}

@test "an auth process that has ended is heard of once: the listener does not read its pipe until its signal comes" {
	need strace strace
	[ -z "${SANITIZED-}" ] || skip "strace and the leak checker exclude each other"
	setting checkpassword /bin/false	# a process for each login
	setting sandbox no
	wrong='AUTH PLAIN AGJvYkBleGFtcGxlLnRlc3QAbm8=\r\n'
	WRAP=(strace -ff -qq -o "$DIR/trace" -e trace=read,ppoll)
	smtp "EHLO a\r\n$wrong$wrong$wrong${LOGIN}NOOP\r\nQUIT\r\n" -s
	WRAP=()
	expect 250 535 535 535 235 250 221
	listener=$(grep -l '^ppoll' "$DIR"/trace.*)
	[ "$(wc -w <<<"$listener")" = 1 ]
	[ "$(sed -n '/^ppoll/,$p' "$listener" | grep -c '^read([0-9]*, "", ')" -le 4 ]
}

@test "the other refusals, each with its words" {
	smtp "$(head -c 3000 /dev/zero | tr '\0' a)\r\nNOOP\nNOOP\rx\r\nNO\x00OP\r\nEHLO a\r\nMAIL FROM:<a b>\r\nMAIL FROM:<$(head -c 70 /dev/zero | tr '\0' a)@b.example>\r\nMAIL FROM:<a@b.example> SIZE=x\r\nMAIL FROM:<a@b.example> SIZE=1 SIZE=1\r\nMAIL FROM:<a@b.example> FOO=1\r\nMAIL FROM:<\xc3\xa4@b.example>\r\n${M}RCPT TO:<a b>\r\nRCPT TO:<\xc3\xa4@b.example>\r\nQUIT\r\n"
	expect 500 500 500 500 250 501 501 501 501 555 550 250 501 553 221
	has "500 5.5.2 Line too long"
	has "500 5.5.2 A line must end in CRLF"
	has "500 5.5.2 NUL is not allowed"
	has "501 5.1.7 Bad sender address"
	has "501 5.1.0 Address too long"
	has "501 5.5.4 Bad value of parameter SIZE"
	has "501 5.5.4 Parameter SIZE given twice"
	has "555 5.5.4 Parameter FOO not known"
	has "550 5.6.7 Sender needs SMTPUTF8"
	has "553 5.6.7 Recipient needs SMTPUTF8"
	has "501 5.1.3 Bad recipient address"
	smtp "EHLO a\r\n$M${R}DATA\r\na: b\n.\n\r\n.\r\nMAIL FROM:<>\r\n"
	expect 250 250 250 354 521
	has "521 5.5.2 Message with a bare CR or LF refused, closing connection"
	smtp "EHLO a\r\n$M${R}BDAT 3\r\na\rbBDAT 2\r\nxyDATA\r\nRSET\r\n$M${R}BDAT 4\r\na: bDATA\r\nBDAT 1 LAST\r\n\0000BDAT\r\nNOOP\r\n"
	expect 250 250 250 550 503 503 250 250 250 250 503 550 501
	has "550 5.6.0 Message has a bare CR"
	has "503 5.5.1 Message is refused already, send RSET"
	has "503 5.5.1 After BDAT only BDAT, or RSET"
	has "250 2.0.0 4 octets received"
	has "550 5.6.0 Message has a NUL"
	has "501 5.5.4 Bad chunk size, closing connection"
	smtp "EHLO a\r\nMAIL FROM:<> BODY=BINARYMIME\r\n${R}DATA\r\nBDAT 4 LAST\r\n\r\n\0000xQUIT\r\n"
	expect 250 250 250 503 554 221
	has "503 5.5.1 BINARYMIME needs BDAT, send RSET"
	has "554 5.6.3 Binary content that is not labelled so, or is signed"
	smtp "EHLO a\r\n$M${R}DATA\r\na: b\x00\r\n.\r\nQUIT\r\n"
	has "521 5.5.2 Message with a NUL refused, closing connection"
	[ "$status" = 76 ]
	nothing_left
}

@test "connections: in total, of one client, of one network; a place that is left is taken" {
	need python3 python3
	setting connection-limit 4
	setting client-connection-limit 2
	setting network-connection-limit 3
	unprivileged "$BIN/smtpd" -C "$CONTROL" -l 127.0.0.1:0 2>>"$LOG" &
	pid=$!
	listening "$pid" "$LOG"
	run timeout 120 python3 - "$port" <<-'E'
		import socket, sys, time
		def client(address):
		    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 120, (address, 0))
		    return s, s.recv(200)[:9].decode()
		held = [client(a) for a in ("127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.2", "127.0.1.1", "127.0.2.1")]
		print(" ".join(text[:3] for _, text in held), held[-1][1])
		held[0][0].sendall(b"QUIT\r\n")
		while held[0][0].recv(200): pass
		for _ in range(1200):
		    text = client("127.0.2.1")[1]
		    if text[:3] == "220": break
		    time.sleep(0.05)
		print(text[:3])
	E
	end "$pid"
	[ "$output" = $'220 220 421 220 421 220 421 421 4.3.2\n220' ]
	for limit in client-connection network-connection connection; do grep -q "reject peer=.* text=limit reached: $limit-limit" "$LOG"; done
}

# peer ADDRESS TEXT [ARGS...]: a session of a client at that address.
peer() { TCPREMOTEIP=$1 smtp "${@:2}"; }

# at_once ADDRESS [FLAG [VERB]]: likewise, and the client has said all it will say before the session begins: its input is a file.
at_once() {
	printf '%s a\r\nQUIT\r\n' "${3-EHLO}" >"$DIR/text"
	status=0
	TCPREMOTEIP=$1 session ${2:+"$2"} <"$DIR/text" >"$DIR/out" || status=$?
	output=$(tr -d '\r' <"$DIR/out")
	echo "$output" >>"$SEEN"
	mapfile -t lines <<<"$output"
}

# replies N: so many have come in $DIR/out.
replies() { [ "$(tr -d '\r' <"$DIR/out" | grep -cE '^[2-5][0-9][0-9]( |$)')" -ge "$1" ]; }

@test "greet-pause and early-talkers: who speaks before its turn is noted, or refused" {
	# All of it is there when the session begins, so everything is early; strangers are noted, and served.
	at_once 198.51.100.7
	expect 250 221
	grep -q 'disconnect .*peer=198.51.100.7 text=.*, spoke before its turn$' "$LOG"
	setting early-talkers refuse
	at_once 198.51.100.7
	[ "${lines[0]}" = "554 5.5.1 Commands sent before their turn, closing connection" ]
	[ "${#lines[@]}" = 1 ]
	[ "$status" = 76 ]
	# Who may relay, and who is on this machine, is left alone; and LMTP and submission are.
	for address in 192.0.2.7 ''; do
		at_once "$address"
		expect 250 221
	done
	at_once 198.51.100.7 -L LHLO
	expect 250 221
	at_once 198.51.100.7 -s
	expect 250 221
	# A client that waits for the greeting, however long it takes.
	setting greet-pause 1
	while read -r code text; do
		printf '%b' "$text" >"$DIR/text"	# in one write
		: >"$DIR/out"
		{
			await 10 replies 1
			printf 'EHLO a\r\n'
			await 10 replies 2
			cat "$DIR/text"
			await 10 replies $((2 + $(tr ',' '\n' <<<"${code%,221}" | wc -l)))
			printf 'QUIT\r\n' 2>/dev/null || :
		} | TCPREMOTEIP=198.51.100.7 session >"$DIR/out" || :
		output=$(tr -d '\r' <"$DIR/out")
		[ "$(codes)" = "250 ${code//,/ }" ] || { echo "$text: $output"; return 1; }
	done <<-E
		250,250,221 MAIL\x20FROM:<a@example.org>\r\nRSET\r\n
		250,250,554 MAIL\x20FROM:<a@example.org>\r\n$(printf '%s' "${R% }" | sed 's/ /\\x20/')DATA\r\nx:y\r\n.\r\n
		554 NOOP\r\nNOOP\r\n
		554 EHLO\x20a\r\nRSET\r\n
		554 HELO\x20a\r\nRSET\r\n
		503,250,221 BDAT\x200\r\nRSET\r\n
	E
	nothing_left
}

@test "commands that move no mail have an end, and mail begins the count anew" {
	setting command-limit 5
	smtp 'EHLO a\r\nNOOP\r\nHELP\r\nVRFY x\r\nRSET\r\nNOOP\r\n'
	expect 250 250 214 252 250 421
	has "421 4.7.0 Too many commands without mail, closing connection"
	[ "$status" = 76 ]
	one="${M}${R}DATA\r\n\r\n.\r\nRSET\r\nRSET\r\nNOOP\r\n"
	smtp "EHLO a\r\n$one$one${one}QUIT\r\n"
	[ "$(grep -c '^250 2.0.0 Queued' <<<"$output")" = 3 ]
	has "221 2.0.0 mx.example.test closing connection"
}

@test "a full mailbox is known at RCPT: 452, or 552 where the setting says so" {
	echo 'no room for 3 more messages' >"$SPOOL/full/bob@example.test"
	: >"$SPOOL/full/al@example.test"
	smtp "EHLO a\r\n${M}RCPT TO:<Bob+x@Example.Test>\r\nRCPT TO:<al@example.test>\r\nDATA\r\nQUIT\r\n"
	expect 250 250 452 452 554 221
	has "452 4.2.2 no room for 3 more messages"
	has "452 4.2.2 the mailbox is full"
	grep -q 'reject .*cmd=RCPT .*rcpt=<Bob+x@example.test> code=452 dsn=4.2.2 text=no room' "$LOG"
	setting full-mailbox bounce
	printf 'a\rb\n' >"$SPOOL/full/bob@example.test"
	rm "$SPOOL/full/al@example.test"
	smtp "EHLO a\r\n${M}${R}RCPT TO:<al@example.test>\r\nDATA\r\n\r\n.\r\nQUIT\r\n"
	expect 250 250 552 250 354 250 221
	has "552 5.2.2 a"
	# An alias may have other targets, and the queue knows what to do.
	smtp "EHLO a\r\n${M}RCPT TO:<sales@example.test>\r\nQUIT\r\n"
	expect 250 250 250 221
}

@test "limits of a user and hour: messages and recipients, over all sessions, until the hour is over" {
	setting user-message-limit 3
	setting user-recipient-limit 5
	one="MAIL FROM:<bob@example.test>\r\n${R}DATA\r\n\r\n.\r\n"
	POSTHOUSE_CLOCK=@1795305600 smtp "EHLO a\r\n$LOGIN$one${one}QUIT\r\n" -s
	expect 250 235 250 250 354 250 250 250 354 250 221
	read -r since messages rcpts <"$SPOOL/rate/bob@example.test"
	[ "$since $messages $rcpts" = "1795305600 2 2" ]
	# Three recipients are left, then one message is.
	POSTHOUSE_CLOCK=@1795309199 smtp "EHLO a\r\n${LOGIN}MAIL FROM:<bob@example.test>\r\n$R$R${R}RCPT TO:<al@example.test>\r\nRSET\r\n$one${one}QUIT\r\n" -s
	expect 250 235 250 250 250 250 450 250 250 250 354 250 450 503 503 500 500 221
	has "450 4.7.1 No more than 5 recipients an hour are taken from one user, try later"
	has "450 4.7.1 No more than 3 messages an hour are taken from one user, try later"
	[ "$(stored)" = 3 ]
	# Port 25 does not count, nor does another user's hour; a new hour begins.
	smtp "EHLO a\r\n$M${R}DATA\r\n\r\n.\r\nQUIT\r\n"
	expect 250 250 250 354 250 221
	POSTHOUSE_CLOCK=@1795309200 smtp "EHLO a\r\n$LOGIN${one}QUIT\r\n" -s
	expect 250 235 250 250 354 250 221
	read -r since messages rcpts <"$SPOOL/rate/bob@example.test"
	[ "$since $messages $rcpts" = "1795309200 1 1" ]
	[ "$(stat -c %s "$SPOOL/rate/bob@example.test")" = 48 ]
	# What is broken begins anew; where nothing can be counted nothing is taken.
	printf 'x' >"$SPOOL/rate/bob@example.test"
	smtp "EHLO a\r\n$LOGIN${one}QUIT\r\n" -s
	expect 250 235 250 250 354 250 221
	mv "$SPOOL/rate" "$SPOOL/gone"
	smtp "EHLO a\r\n$LOGIN${one}QUIT\r\n" -s
	expect 250 235 451 503 503 500 500 221
}

# Sessions that began before the limit was reached: only what is left is taken, at the end of the data.
@test "limits of a user hold where many sessions send at once" {
	setting user-message-limit 4
	for i in 1 2 3 4 5 6 7 8; do
		mkfifo "$DIR/in$i"
		chmod 666 "$DIR/in$i"
		session -s <"$DIR/in$i" >"$DIR/out$i" &
		exec {fd}>"$DIR/in$i"
		to[i]=$fd
		printf '%b' "EHLO a\r\n${LOGIN}MAIL FROM:<bob@example.test>\r\n${R}DATA\r\n" >&"$fd"
	done
	for i in 1 2 3 4 5 6 7 8; do await 10 grep -q '^354' "$DIR/out$i"; done
	for i in 1 2 3 4 5 6 7 8; do
		fd=${to[i]}
		printf 'x: y\r\n\r\n.\r\nQUIT\r\n' >&"$fd"
		exec {fd}>&-
	done
	wait
	tr -d '\r' <"$DIR/out8" >>"$SEEN"
	[ "$(cat "$DIR"/out? | grep -c '^250 2.0.0 Queued')" = 4 ]
	[ "$(cat "$DIR"/out? | grep -c '^450 4.7.1')" = 4 ]
	[ "$(stored)" = 4 ]
	[ -z "$(find "$SPOOL/tmp" -type f)" ]
}

@test "submission: addresses without a domain get ours, and Received can hide the user" {
	smtp "EHLO laptop.example\r\n${LOGIN}MAIL FROM:<bob>\r\nRCPT TO:<al>\r\nRCPT TO:<sales>\r\nRCPT TO:<nobody>\r\nRCPT TO:<a..b>\r\nRCPT TO:<>\r\nRCPT TO:<a@>\r\nDATA\r\n\r\n.\r\nQUIT\r\n" -s
	expect 250 235 250 250 250 550 501 501 501 354 250 221
	envelope_of "$SPOOL"/new/* | diff - <(printf 'Return-Path: <bob@example.test>\nDelivered-To: al@example.test\nDelivered-To: sales@example.test\n')
	message | grep -q '^Received: from laptop.example'
	rm "$SPOOL"/new/*
	setting received-client hide
	smtp "EHLO laptop.example\r\n${LOGIN}MAIL FROM:<bob>\r\nRCPT TO:<al>\r\nDATA\r\n\r\n.\r\nQUIT\r\n" -s
	message | grep -qx 'Received: by mx.example.test with ESMTPA'
	message | no grep -q 'laptop\|local)'
	rm "$SPOOL"/new/*
	# Between servers nothing is hidden, and nothing is completed.
	smtp "EHLO relay.example\r\nMAIL FROM:<bob>\r\n${M}RCPT TO:<bob>\r\n${R}DATA\r\n\r\n.\r\nQUIT\r\n"
	expect 250 501 250 501 250 354 250 221
	message | grep -q '^Received: from relay.example'
}

@test "domain-check: senders that no answer reaches, and recipients of users that take no mail" {
	need python3 python3
	cat >"$DIR/zone" <<-'E'
		good.example	MX	10 mx.good.example
		bare.example	A	192.0.2.1
		none.example	TXT	nothing
		null.example	MX	0 .
		broken.example	SERVFAIL
	E
	python3 "$ROOT/t/dnsd.py" "$DIR/zone" >"$DIR/dns.port" 3>&- &
	dns=$!
	await 10 test -s "$DIR/dns.port"
	export RESOLVER=127.0.0.1:$(cat "$DIR/dns.port") RES_OPTIONS="timeout:30 attempts:1"
	setting domain-check yes
	mails='' rcpts=''
	for d in good bare null gone none broken; do
		mails+="MAIL FROM:<a@$d.example>\r\nRSET\r\n"
		rcpts+="RCPT TO:<a@$d.example>\r\n"
	done
	peer 198.51.100.7 "EHLO a\r\n${mails}MAIL FROM:<>\r\nRSET\r\nMAIL FROM:<al@example.test>\r\nRSET\r\nMAIL FROM:<a@[192.0.2.1]>\r\nQUIT\r\n"
	expect 250 250 250 250 250 550 250 550 250 550 250 450 250 250 250 250 250 250 221
	has "550 5.7.27 Sender domain takes no mail (null MX)"
	has "550 5.1.8 Sender domain has neither MX nor address"
	has "450 4.1.8 Sender domain cannot be looked up now, try later"
	# Those that may relay are not asked.
	peer 192.0.2.7 "EHLO a\r\nMAIL FROM:<a@gone.example>\r\nRCPT TO:<a@gone.example>\r\nQUIT\r\n"
	expect 250 250 250 221
	smtp "EHLO a\r\n${LOGIN}MAIL FROM:<bob@example.test>\r\n${rcpts}QUIT\r\n" -s
	expect 250 235 250 250 250 556 550 550 250 221
	has "556 5.1.10 Recipient domain takes no mail (null MX)"
	has "550 5.1.2 Recipient domain has neither MX nor address"
	end "$dns"
	unset RESOLVER RES_OPTIONS
}

@test "posthouse-smtpd(8) lists every reply, and every reply that it lists was seen here" {
	[ -e "$SEEN" ] || skip "run the whole file"
	[ -z "${SANITIZED-}" ] || skip "some need what the sanitizer does not allow"
	in_source() { sed -n '/\[R_/,/},$/p' "$ROOT/smtpd/reply.c" | tr '\n' ' ' | sed 's/\[R_/\n&/g' |
	    sed -n 's/.*= { \([0-9]*\), "\([^"]*\)",[[:space:]]*"\([^"]*\)".*/\1 \2 \3/p' | tr -s ' ' | sed 's/%/.../'; }
	in_manual() { sed -n '/^\.Ss Replies/,/^\.S[hs] [^R]/s/^\.It \([0-9][0-9][0-9] .*\)/\1/p' "$ROOT/man/posthouse-smtpd.8" | sed 's/\\&//'; }
	[ "$(in_source | wc -l)" -gt 50 ]
	diff <(in_source | sort) <(in_manual | sort)
	in_source | while read -r reply; do
		# shellcheck disable=SC2001
		pattern=$(sed 's/[][().*^$<>\\]/\\&/g; s/\\\.\\\.\\\./.*/' <<<"$reply" | sed 's/\\</</g;s/\\>/>/g')
		grep -qE "^${pattern:0:3}[ -]${pattern:4}\$" "$SEEN" || {
			echo "never seen: $reply"
			exit 1
		}
	done
}

@test "with no control directory at all a pipe is served, and takes mail for nobody" {
	[ ! -e /etc/posthouse ] || skip "NOT TESTED: /etc/posthouse is here"
	run unprivileged env -u POSTHOUSE bash -c \
	    'printf "EHLO a\r\nMAIL FROM:<a@b.example>\r\nQUIT\r\n" | "$1" 2>/dev/null' _ "$BIN/smtpd"
	[ "$status" = 0 ]
	grep -q '^220 ' <<<"$output"
	grep -q '^451 4.3.0 ' <<<"$output"
	grep -q '^221 ' <<<"$output"
	# Who started it as root is served by nobody.
	run env -u POSTHOUSE bash -c 'printf "EHLO a\r\nQUIT\r\n" | "$1" 2>&1' _ "$BIN/smtpd"
	[ "$status" = 0 ]
	grep -q '^221 ' <<<"$output"
	grep -q 'not root' <<<"$output"
	# But never on a socket.
	run unprivileged env -u POSTHOUSE timeout 120 "$BIN/smtpd" -l 127.0.0.1:0
	[ "$status" = 78 ]
}
