# bounce.bats: reports about failed and delayed messages, byte for byte (t/data/bounce/NAME.out), and who is told.
# UPDATE=1 bats t/bounce.bats writes the expected files anew: look at the difference before it is committed.
# shellcheck shell=bash disable=SC2154

load helper

NAME="1795305000.0123456789abcdef.mx.example.org,S=700,W=720"

setup() {
	PRIVATE=$(private_dir)
	DIR=$PRIVATE
	mkdir -p "$DIR"/control "$DIR"/spool/{tmp,new,cur,state,hold}
	mkfifo "$DIR/spool/trigger"
	if [ "$(id -u)" = 0 ]; then chown -R 64004:64004 "$DIR/spool"; fi
	echo mx.example.org >"$DIR/control/hostname"
	echo example.org >"$DIR/control/domains"
	cat >"$DIR/control/settings" <<-EOF
		spool-directory $DIR/spool
		net-user 1
		tls-user 1
		auth-user 1
		queue-user 64004
		send-user 1
		mail-user 1
		spool-group 64004
	EOF
	export POSTHOUSE_CLOCK=@1795305600 POSTHOUSE_RANDOM=bounce
}

teardown() {
	rm -rf "$PRIVATE"
	[ "${#INSTANCES[@]}" = 0 ] || instance_stop
}

# message: a spool file on standard output; its header and body come from the arguments, the envelope's beginning from ENVELOPE.
message() {
	printf '%b' "${ENVELOPE-Return-Path: <alice@example.org>\nDelivered-To: bob@example.net\n}"
	printf '%s\n' "Received: from client.example (192.0.2.7) by mx.example.org with ESMTP" \
	    "	id 1795305000.0123456789abcdef; Sat, 21 Nov 2026 23:50:00 +0000"
	printf '%b' "${1-From: Alice <alice@example.org>\nTo: Bob <bob@example.net>\nSubject: Minutes\nMessage-ID: <m1@example.org>\n}"
	printf '%b' "${2-\nHello Bob,\nhere they are.\n}"
}

# line INDEX ATTEMPTS ADDRESS ANSWER: a state line.
line() {
	printf '%s\t%s\t1795305301\t%s\t%s\n' "$@"
}

# bounce ARGS: with $DIR/message and $DIR/lines.
bounce() {
	"$BIN/bounce" -C "$DIR/control" "$@" "$NAME" <"$DIR/message" 3<"$DIR/lines" >"$DIR/out" 2>"$DIR/log"
}

# report: the one spool file that was written.
report() {
	local files=("$DIR"/spool/new/*)
	[ "${#files[@]}" = 1 ] && [ -f "${files[0]}" ] || return 1
	cat "${files[0]}"
}

# golden NAME: compares the report.
golden() {
	[ -z "${UPDATE-}" ] || report >"$ROOT/t/data/bounce/$1.out"
	diff -u "$ROOT/t/data/bounce/$1.out" <(report)
	# what the name says is the size, and nothing is left in tmp
	[ "$(report | wc -c)" = "$(basename "$DIR"/spool/new/* | sed 's/.*,S=\([0-9]*\).*/\1/')" ]
	[ -z "$(ls "$DIR/spool/tmp")" ]
}

none() {
	[ -z "$(ls "$DIR/spool/new")" ]
	grep -q 'no report is due' "$DIR/log"
}

@test "one recipient: one sentence says all, then the other side's words" {
	message >"$DIR/message"
	line 1 1 bob@example.net "5.1.1 [mx.example.net] 550 5.1.1 <bob@example.net>: User unknown in virtual mailbox table, see https://example.net/help for more" >"$DIR/lines"
	bounce
	golden one
	[ "$(cat "$DIR/out")" = "$(report | sed -n 's/^	id \([0-9a-f.]*\);.*/\1/p' | head -n 1)" ]
	grep -q "^bounce\[[0-9]*\]: queued qid=$(cat "$DIR/out") from=<> to=<alice@example.org> size=[0-9]* msgid=$(report | sed -n 's/^Message-ID: //p' | head -n 1) text=failure of 1795305000.0123456789abcdef$" "$DIR/log"
}

@test "the commonest errors of other servers: why, in words that a sender understands, and what to do" {
	local name answer n=0
	message >"$DIR/message"
	while IFS=$'\t' read -r name answer; do
		[[ $name != "#"* ]] || continue
		n=$((n + 1))
		line 1 3 bob@example.net "$answer" >"$DIR/lines"
		bounce
		printf '=== %s\n' "$name"
		# What people read, and what programs read.
		report | sed -n '/^Content-Description: What happened/,/^The message:/{/^Content-/d;/^The message:/d;p}
		    /^Content-Type: message\/delivery-status/,/^--=_/{/^Content-/d;/^--=_/d;p}' | cat -s
		rm "$DIR"/spool/new/*
	done <"$ROOT/t/data/bounce/errors" >"$DIR/errors"
	[ "$n" -ge 40 ]
	[ -z "${UPDATE-}" ] || cp "$DIR/errors" "$ROOT/t/data/bounce/errors.out"
	diff -u "$ROOT/t/data/bounce/errors.out" "$DIR/errors"
	[ "$(grep -c '^Your message to bob@example.net could not be delivered, because' "$DIR/errors")" = "$n" ]
}

@test "several recipients, an alias, an address, ENVID and ORCPT" {
	ENVELOPE='Return-Path: <alice@example.org>\nDelivered-To: bob@example.net\nDelivered-To: list@example.org\nDelivered-To: carol@example.com\nEnvelope-Id: QQ+2B1\nEnvelope-Orcpt: 3 rfc822;Carol+2Bx@example.com\n' message >"$DIR/message"
	{
		line 2.1 1 dave@example.com "5.2.2 mailbox is full"
		line 3 12 carol@example.com "5.4.7 [192.0.2.9] Connection refused"
	} >"$DIR/lines"
	bounce
	golden several
}

# tried NUMBER TIME ANSWER: an earlier attempt, behind a recipient's line.
tried() {
	printf 'tried\t%s\t%s\t%s\n' "$@"
}

@test "each attempt with its time, host and words; the same is not said twice, and what is left out is counted" {
	ENVELOPE='Return-Path: <alice@example.org>\nDelivered-To: bob@example.net\nDelivered-To: carol@example.com\nDelivered-To: dave@example.com\n' message >"$DIR/message"
	{
		line 1 30 bob@example.net "5.4.7 delivery time expired; last answer: 4.3.0 [192.0.2.7] 451 4.3.0 try again later"
		tried 1 1795305010 "4.7.1 [mx1.example.net] 450 4.7.1 Greylisted, see https://example.net/grey"
		tried 26 1795305100 "4.4.1 [mx2.example.net] connection timed out"
		tried 27 1795305150 "4.4.1 [mx2.example.net] connection timed out"
		tried 29 1795305200 "4.3.0 [192.0.2.7] 451 4.3.0 try again later"
		line 2 2 carol@example.com "5.0.0 given up by the postmaster; last answer: 4.4.1 [mx.example.com] Connection refused"
		tried 1 1795305020 "4.4.3 no answer from the name servers of example.com"
		line 3 0 dave@example.com "5.0.0 given up by the postmaster"
	} >"$DIR/lines"
	bounce
	golden attempts
	rm "$DIR"/spool/new/*
	# Words are a stranger's: no line of the report is theirs alone.
	{
		line 1 2 bob@example.net "4.4.1 [mx.example.net] connection timed out"
		tried 1 1795305010 $'4.7.1 [\033[31mmx] 450 \033]0;x\007 \377'
	} >"$DIR/lines"
	bounce -d
	not grep -q '[[:cntrl:]]' <(report | tr -d '\n\t')
	# Lines of attempts without a recipient, or broken ones, are no state.
	for bad in "tried	1	2	x" "$(line 1 1 bob@example.net "4.0.0 x")"$'\ntried\t1\tx\ty' \
	    "$(line 1 1 bob@example.net "4.0.0 x")"$'\ntried\t1\t5'; do
		echo "$bad" >"$DIR/lines"
		run bounce -d
		[ "$status" = 65 ]
	done
}

@test "a delay warning says until when it will be tried" {
	message >"$DIR/message"
	line 1 3 bob@example.net "4.4.1 [mx.example.net] connection timed out" >"$DIR/lines"
	bounce -d
	golden delay
	# A route may say otherwise.
	rm "$DIR"/spool/new/*
	sed -i $'1i until\t1795400000' "$DIR/lines"
	bounce -d
	report | tr '\n' ' ' | grep -q 'tried again until Mon, 23 Nov 2026 02:13:20 +0000\.'
	report | grep -q '^Will-Retry-Until: Mon, 23 Nov 2026 02:13:20 +0000$'
	rm "$DIR"/spool/new/*
	for bad in $'until\tx' until $'until\t1'; do
		{ echo "$bad"; [ "$bad" = $'until\t1' ] || sed 1d "$DIR/lines"; } >"$DIR/bad"
		run "$BIN/bounce" -C "$DIR/control" -d "$NAME" <"$DIR/message" 3<"$DIR/bad"
		[ "$status" = 65 ]
	done
}

@test "success: what was delivered, relayed and expanded, with the header only" {
	ENVELOPE='Return-Path: <alice@example.org>\nDelivered-To: bob@example.org\nDelivered-To: list@example.org\nDelivered-To: carol@example.com\nDelivered-To: dave@example.com\nEnvelope-Id: QQ+2B1\nEnvelope-Ret: FULL\nEnvelope-Notify: 1 SUCCESS\nEnvelope-Notify: 2 SUCCESS,FAILURE\nEnvelope-Notify: 3 SUCCESS\nEnvelope-Orcpt: 3 rfc822;Carol@example.com\nEnvelope-Notify: 4 FAILURE\n' message >"$DIR/message"
	{
		line 1 1 bob@example.org "2.0.0 delivered to the mailbox"
		line 2 0 list@example.org "2.0.0 expanded"
		line 3 2 carol@example.com "2.1.5 relayed [mx.example.com] 250 2.1.5 queued as 17"
		line 4 1 dave@example.com "2.0.0 relayed [mx.example.com] 250 ok"
	} >"$DIR/lines"
	bounce -s
	golden success
	rm "$DIR"/spool/new/*
	sed -n 3p "$DIR/lines" >"$DIR/one" && mv "$DIR/one" "$DIR/lines"
	bounce -s
	golden relayed
	rm "$DIR"/spool/new/*
	ENVELOPE='Return-Path: <>\nDelivered-To: bob@example.org\nEnvelope-Notify: 1 SUCCESS\n' message >"$DIR/message"
	line 1 1 bob@example.org "2.0.0 delivered to the mailbox" >"$DIR/lines"
	bounce -s
	none
}

@test "a long answer is shown whole" {
	message >"$DIR/message"
	words=$(seq -s ' / word ' 1 700)
	line 1 1 bob@example.net "5.7.1 [mx.example.net] 550 5.7.1 $words" >"$DIR/lines"
	bounce
	[ "$(report | sed -n '/^Diagnostic-Code/,/^[^ D]/p' | grep -o '[0-9][0-9]*$\|[0-9][0-9]* /' | wc -l)" -ge 600 ]
	report | sed -n '/^What was tried/,/^The message/p' | grep -q 'word 700$'
	report | sed -n '/^Diagnostic-Code/,$p' | grep -q 'word 700$'
}

@test "RET=FULL: the message goes back, 8-bit and all" {
	ENVELOPE='Return-Path: <alice@example.org>\nDelivered-To: bob@example.net\nEnvelope-Ret: FULL\nEnvelope-Body: 8BITMIME\n' message "Subject: =?utf-8?q?f=C3=BCr?= Bob\n" "\nGr\xc3\xbc\xc3\x9fe\n--=_x--\n" >"$DIR/message"
	line 1 1 bob@example.net "5.7.1 [mx.example.net] 554 5.7.1 spam" >"$DIR/lines"
	bounce
	golden full
}

@test "RET=FULL of a large message: the header only" {
	{
		ENVELOPE='Return-Path: <alice@example.org>\nDelivered-To: bob@example.net\nEnvelope-Ret: FULL\n' message
		yes 'a line of a large message' | head -c 3000000
	} >"$DIR/message"
	line 1 1 bob@example.net "5.3.4 [mx.example.net] 552 5.3.4 too large" >"$DIR/lines"
	bounce
	[ "$(report | wc -c)" -lt 5000 ]
	report | grep -q '^Content-Type: text/rfc822-headers$'
	report | grep -q '^Message-ID: <m1@example.org>$'
}

@test "addresses beyond ASCII: the forms of RFC 6533" {
	ENVELOPE='Return-Path: <j\xc3\xb6rg@example.org>\nDelivered-To: \xc3\xbc@example.net\nEnvelope-Body: 8BITMIME\nEnvelope-Smtputf8: yes\n' message "Subject: Gr\xc3\xbc\xc3\x9fe\n" >"$DIR/message"
	line 1 1 $'\xc3\xbc@example.net' "5.1.1 [mx.example.net] 550 5.1.1 no ü here" >"$DIR/lines"
	bounce
	golden utf8
}

@test "the null reverse-path: never a bounce, but word to the postmaster, once" {
	ENVELOPE='Return-Path: <>\nDelivered-To: bob@example.net\n' message >"$DIR/message"
	line 1 1 bob@example.net "5.1.1 no such mailbox" >"$DIR/lines"
	bounce
	golden double
	rm "$DIR"/spool/new/*
	bounce -d
	none
	echo double-bounces discard >>"$DIR/control/settings"
	bounce
	none
	sed -i '/^double/d' "$DIR/control/settings"
	ENVELOPE='Return-Path: <>\nDelivered-To: postmaster@example.org\n' message >"$DIR/message"
	line 1 1 postmaster@example.org "5.1.1 no such mailbox" >"$DIR/lines"
	bounce
	none
}

@test "NOTIFY decides, each recipient by itself" {
	ENVELOPE='Return-Path: <alice@example.org>\nDelivered-To: a@example.net\nEnvelope-Notify: 1 NEVER\nDelivered-To: b@example.net\nEnvelope-Notify: 2 SUCCESS\nDelivered-To: c@example.net\nEnvelope-Notify: 3 SUCCESS,FAILURE\nDelivered-To: d@example.net\nEnvelope-Notify: 4 DELAY\n' message >"$DIR/message"
	for i in 1 2 4; do line $i 1 x$i@example.net "5.1.1 no"; done >"$DIR/lines"
	bounce
	none
	for i in 1 2 3 4; do line $i 1 x$i@example.net "5.1.1 no"; done >"$DIR/lines"
	bounce
	[ "$(report | grep ^Final-Recipient)" = "Final-Recipient: rfc822; x3@example.net" ]
	rm "$DIR"/spool/new/*
	bounce -d
	[ "$(report | grep ^Final-Recipient)" = "Final-Recipient: rfc822; x4@example.net" ]
}

@test "no delay warning for lists and programs, but their failures are told" {
	line 1 1 bob@example.net "4.4.1 no answer" >"$DIR/lines"
	for field in 'List-Id: <x.example.org>' 'Precedence: BULK' 'Auto-Submitted: auto-generated'; do
		message "$field\n" >"$DIR/message"
		bounce -d
		none
	done
	message "Auto-Submitted: no\n" >"$DIR/message"
	bounce -d
	report | grep -q '^Action: delayed$'
	rm "$DIR"/spool/new/*
	message "List-Id: <x.example.org>\n" >"$DIR/message"
	bounce
	report | grep -q '^Action: failed$'
}

@test "no stranger writes a field: control bytes, encoded line ends, ids that are none" {
	message 'Subject: =?utf-8?q?a=0D=0ABcc:_eve@example.net=0A=0Abody?= =?utf-8?b?AAoK?=\nMessage-ID: <a\n b> x\nFrom: \x1b[2Jred\n' >"$DIR/message"
	printf '1\t1\t5\tbob@example.net\t5.1.1 [mx\x1b[0m] 550 \x1b[31m%s\xff \x07bell\n' "$(head -c 5000 /dev/zero | tr '\0' x)" >"$DIR/lines"
	bounce
	report | sed '/^$/q' >"$DIR/header"
	if grep -i '^Bcc\|^In-Reply-To\|^References' "$DIR/header"; then false; fi
	[ "$(grep -c '^Delivered-To' "$DIR/header")" = 1 ]
	# our parts hold no control bytes; only the header that goes back is as it was
	report | sed '/^Content-Type: text.rfc822-headers/,$d' | LC_ALL=C tr -d '\n\t -\176\200-\377' >"$DIR/controls"
	[ ! -s "$DIR/controls" ]
	[ -z "$(report | LC_ALL=C awk 'length > 998')" ]
}

@test "another's MIME parser reads it" {
	need python3 python3
	ENVELOPE='Return-Path: <alice@example.org>\nDelivered-To: bob@example.net\nEnvelope-Ret: FULL\n' message >"$DIR/message"
	line 1 1 bob@example.net "5.1.1 [mx.example.net] 550 5.1.1 no such user" >"$DIR/lines"
	bounce
	report | python3 -c '
import email, email.policy, sys
m = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
assert m.get_content_type() == "multipart/report", m.get_content_type()
assert m.get_param("report-type") == "delivery-status"
assert m["auto-submitted"] == "auto-replied" and m["in-reply-to"] == "<m1@example.org>"
assert m["return-path"] == "<>" and not m.defects
text, status, message = m.iter_parts()
assert text.get_content().startswith("Your message to bob@example.net could not be delivered")
whole, one = status.get_payload()
assert whole["reporting-mta"] == "dns; mx.example.org"
assert one["final-recipient"] == "rfc822; bob@example.net" and one["action"] == "failed"
assert one["status"] == "5.1.1" and one["diagnostic-code"] == "smtp; 550 5.1.1 no such user"
inner = message.get_payload()[0]
assert inner["subject"] == "Minutes" and "here they are" in inner.get_content()
assert inner["delivered-to"] is None and inner["return-path"] is None
'
}

@test "10,000 recipients: all in the machine's part, 50 in the people's" {
	{
		echo 'Return-Path: <alice@example.org>'
		seq -f 'Delivered-To: r%g@example.net' 10000
		ENVELOPE='' message
	} >"$DIR/message"
	for ((i = 1; i <= 10000; i++)); do
		printf '%d\t1\t1795305301\tr%d@example.net\t5.1.1 [mx.example.net] 550 5.1.1 no\n' $i $i
	done >"$DIR/lines"
	bounce
	[ "$(report | grep -c '^Final-Recipient')" = 10000 ]
	report | grep -q 'and 9950 more'
	[ "$(report | grep -c ': there is no such')" = 50 ]
}

@test "what becomes of standard output does not matter: a device, full, closed, a pipe that nobody reads" {
	message >"$DIR/message"
	line 1 1 bob@example.net "5.1.1 no" >"$DIR/lines"
	"$BIN/bounce" -C "$DIR/control" "$NAME" <"$DIR/message" 3<"$DIR/lines" >/dev/null
	POSTHOUSE_RANDOM=2 "$BIN/bounce" -C "$DIR/control" "$NAME" <"$DIR/message" 3<"$DIR/lines" >/dev/full
	POSTHOUSE_RANDOM=3 "$BIN/bounce" -C "$DIR/control" "$NAME" <"$DIR/message" 3<"$DIR/lines" >&-
	POSTHOUSE_RANDOM=4 "$BIN/bounce" -C "$DIR/control" "$NAME" <"$DIR/message" 3<"$DIR/lines" > >(:)
	[ "$(find "$DIR/spool/new" -type f | wc -l)" = 4 ]
	[ "$(cat "$DIR"/spool/new/* | grep -c '^Return-Path: <>$')" = 4 ]
}

@test "exit codes: each wrong thing has its own, and leaves nothing in the spool" {
	message >"$DIR/message"
	line 1 1 bob@example.net "5.1.1 no" >"$DIR/lines"
	code() { # EXPECTED CMD...
		local want=$1 got=0
		shift
		"$@" >"$DIR/out" 2>"$DIR/log" || got=$?
		[ "$got" = "$want" ] || {
			echo "want $want got $got: $*"
			cat "$DIR/log"
			return 1
		}
		[ -z "$(find "$DIR/spool/new" "$DIR/spool/tmp" -type f)" ]
	}
	with() { "$BIN/bounce" -C "$DIR/control" "$1" <"$2" 3<"$3"; }
	code 64 "$BIN/bounce"
	code 64 "$BIN/bounce" -x "$NAME"
	code 64 with "not-a-name" "$DIR/message" "$DIR/lines"
	without() { "$BIN/bounce" -C "$DIR/control" "$NAME" <"$DIR/message" 3<&-; }
	code 64 without
	code 65 with "$NAME" /dev/null "$DIR/lines"
	code 65 with "$NAME" "$DIR/lines" "$DIR/lines"
	code 65 with "$NAME" "$DIR/message" /dev/null
	for bad in '2\t1\t5\tbob@example.net\t5.1.1 no\n' '0\t1\t5\tb@c\t5.1.1 no\n' 'x\n' '1\t1\t5\tb@c\t5.1.1 no' '1\t1\tx\tb@c\t5\n' '1.\n'; do
		printf '%b' "$bad" >"$DIR/bad"
		code 65 with "$NAME" "$DIR/message" "$DIR/bad"
	done
	mv "$DIR/spool/tmp" "$DIR/spool/tmp2"
	got=0
	with "$NAME" "$DIR/message" "$DIR/lines" 2>/dev/null || got=$?
	[ "$got" = 75 ]
	mv "$DIR/spool/tmp2" "$DIR/spool/tmp"
	echo nonsense 1 >>"$DIR/control/settings"
	code 78 with "$NAME" "$DIR/message" "$DIR/lines"
}

@test "through the house: an alias leads nowhere, and its sender has the report in the mailbox" {
	unset POSTHOUSE_CLOCK POSTHOUSE_RANDOM
	instance_start
	adduser alice@example.test secret
	echo "gone: nobody-here@example.test" >>"$CONTROL/aliases"
	printf 'From: alice@example.test\nTo: gone@example.test\nSubject: hello\n\nbody\n' |
	    "$BIN/sendmail" -C "$CONTROL" -f alice@example.test gone@example.test
	await 20 has_messages "$(maildir alice@example.test)" 1
	grep -q '^Subject: Not delivered: hello$' "$(maildir alice@example.test)"/new/*
	grep -q '^Final-Recipient: rfc822; nobody-here@example.test$' "$(maildir alice@example.test)"/new/*
	await 10 spool_empty
}
