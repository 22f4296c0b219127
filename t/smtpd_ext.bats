# smtpd_ext.bats: SMTPUTF8 and BDAT, from the client to the next host.
# shellcheck shell=bash disable=SC2154,SC2034

# As those with instance_start, these tests run once more with sanitizers.
load helper
load smtpd.bash

M='MAIL FROM:<a@example.org>\r\n'
R='RCPT TO:<bob@example.test>\r\n'
LOGIN='AUTH PLAIN AGJvYkBleGFtcGxlLnRlc3QAcHc=\r\n'	# bob@example.test pw
GR='gr\xc3\xbcn'

setup() {
	WRAP=()
	HOSTS=()
	house
	HOUSE=$DIR
}

teardown() {
	for pid in "${HOSTS[@]}"; do end "$pid"; done
	[ "${#INSTANCES[@]}" = 0 ] || instance_stop
	[ -n "${BATS_TEST_COMPLETED-}" ] || tail -n 20 "$LOG" >&2
	rm -rf "$HOUSE"
}

# next_hosts: an instance that relays for this machine.  host NAME EXTENSIONS DOMAIN: where its mail for DOMAIN goes, into
# $DIR/NAME.
next_hosts() {
	instance_start
	echo 127.0.0.0/8 >>"$CONTROL/networks"
}
host() {
	mkdir "$DIR/$1"
	python3 "$ROOT/t/smtpsink.py" -e "$2" "$DIR/$1" >"$DIR/$1.port" 2>"$DIR/$1.err" 3>&- &
	HOSTS+=("$!")
	await 10 test -s "$DIR/$1.port"
	echo "$3 [127.0.0.1]:$(cat "$DIR/$1.port")" >>"$CONTROL/routes"
}

@test "SMTPUTF8: addresses beyond ASCII with it and only with it, each transaction by itself" {
	printf 'gr\303\274n@example.test:bob:::\n' >>"$CONTROL/users"
	smtp "EHLO a\r\nMAIL FROM:<$GR@b\xc3\xbc.example> SIZE=9 smtputf8 BODY=8BITMIME\r\nRCPT TO:<$GR@example.test>\r\n${R}DATA\r\nSubject: $GR\r\n\r\n.\r\n${M}RCPT TO:<$GR@example.test>\r\n${R}RSET\r\nMAIL FROM:<$GR@b.example>\r\nQUIT\r\n"
	expect 250 250 250 250 354 250 250 553 250 250 550 221
	printf 'Return-Path: <gr\303\274n@b\303\274.example>\nDelivered-To: gr\303\274n@example.test\nDelivered-To: bob@example.test\nEnvelope-Body: 8BITMIME\nEnvelope-Smtputf8: yes\n' >"$DIR/want"
	envelope_of "$SPOOL"/new/* | diff "$DIR/want" -
	message | grep -qxF $'Subject: gr\303\274n'
	# The log shows no byte of it raw.
	grep -q 'queued .*from=<gr%C3%BCn@b%C3%BC.example>' "$LOG"
	# An unknown one is unknown, not malformed; RCPT has no such parameter; all else as ever.
	smtp "EHLO a\r\nMAIL FROM:<> SMTPUTF8\r\nRCPT TO:<\xe7\x94\xa8@example.test>\r\nRCPT TO:<x@b\xc3\xbc.example>\r\nRCPT TO:<bob@example.test> SMTPUTF8\r\n${R}QUIT\r\n"
	expect 250 250 550 550 555 250 221
	smtp "EHLO a\r\nVRFY $GR\r\nVRFY $GR SMTPUTF8\r\nQUIT\r\n"
	expect 250 252 252 221
}

@test "SMTPUTF8: the with keywords of RFC 6531, and on submission and LMTP too" {
	D="${R}DATA\r\nx: y\r\n\r\n.\r\nQUIT\r\n"
	smtp "EHLO a\r\nMAIL FROM:<a@example.org> SMTPUTF8\r\n$D"
	has "250-SMTPUTF8"
	message | grep -qx '	by mx.example.test with UTF8SMTP'
	rm "$SPOOL"/new/*
	smtp "EHLO a\r\n${LOGIN}MAIL FROM:<bob@example.test> SMTPUTF8\r\n$D" -s
	has "250-SMTPUTF8"
	message | grep -qx '	by mx.example.test with UTF8SMTPA'
	rm "$SPOOL"/new/*
	smtp "LHLO a\r\nMAIL FROM:<a@example.org> SMTPUTF8\r\n$D" -L
	has "250-SMTPUTF8"
	message | grep -qx '	by mx.example.test with UTF8LMTP'
	rm "$SPOOL"/new/*
	certificate
	for row in "25||UTF8SMTPS" "587|-s|UTF8SMTPSA"; do
		IFS='|' read -r n args want <<<"$row"
		unprivileged "$BIN/smtpd" -C "$CONTROL" -l 127.0.0.1:0 ${args:+"$args"} 2>>"$LOG" &
		pid=$!
		listening "$pid" "$LOG"
		run timeout 120 python3 - "$port" "$args" <<-'E'
			import smtplib, ssl, sys
			c = ssl.create_default_context()
			c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
			s = smtplib.SMTP("127.0.0.1", int(sys.argv[1]), timeout=120)
			s.starttls(context=c)
			if sys.argv[2]:
			    s.login("bob@example.test", "pw")
			s.sendmail("bob@example.test", "bob@example.test", "Subject: gr\u00fcn\r\n\r\nx\r\n".encode(), ["SMTPUTF8", "BODY=8BITMIME"])
			print("sent", s.quit()[0])
		E
		end "$pid"
		[ "$output" = "sent 221" ]
		message | grep -q "^	by mx.example.test with $want (TLS"
		rm -f "$SPOOL"/new/*
	done
}

# The whole way: smtpd, the spool, queue, and what the next host then gets or the sender hears.
@test "SMTPUTF8: to a next host that takes it, and back with a report from one that does not" {
	need python3 python3
	next_hosts
	host new SMTPUTF8,8BITMIME,PIPELINING xn--b-eha.example
	host old 8BITMIME old.example
	adduser alice@example.test secret
	python3 - "$SMTP_PORT" <<-'E'
		import smtplib, sys
		s = smtplib.SMTP("127.0.0.1", int(sys.argv[1]), timeout=120)
		for to in "\u7528@b\u00fc.example", "x@old.example":
		    s.sendmail("alice@example.test", to, "Subject: gr\u00fcn\r\n\r\nx\r\n".encode(), ["SMTPUTF8", "BODY=8BITMIME"])
	E
	await 20 test -s "$DIR/new/1.eml"
	grep -qxF $'RCPT TO:<\347\224\250@b\303\274.example>' "$DIR/new/1.env"
	grep -q '^MAIL FROM:<alice@example.test> .*SMTPUTF8' "$DIR/new/1.env"
	grep -qF $'Subject: gr\303\274n' "$DIR/new/1.eml"
	await 20 has_messages "$(maildir alice@example.test)" 1
	grep -q '^Status: 5.6.9$' "$(maildir alice@example.test)"/new/*
	grep -q 'message/global-delivery-status' "$(maildir alice@example.test)"/new/*
	[ ! -e "$DIR/old/1.eml" ]
	await 10 spool_empty
}

# content: what the stored message holds behind its Received field.
content() { message | sed '1,/^	id /d'; }
# chunk TEXT [LAST]: BDAT with as many octets as TEXT (printf %b) gives.
chunk() {
	printf 'BDAT %s%s\\r\\n%s' "$(printf '%b' "$1" | wc -c)" "${2:+ $2}" "$1"
}

@test "BDAT: chunks of any size in any place make the same message" {
	text='Subject: x\r\nTo: <bob@example.test>\r\n\r\n.\r\n..\r\n.QUIT\r\nlast\r\n'
	printf 'Subject: x\nTo: <bob@example.test>\n\n.\n..\n.QUIT\nlast\n' >"$DIR/want"
	# In one; in two with a last one of nothing; without the last line end; in small letters.
	for body in "$(chunk "$text" LAST)" "$(chunk "$text")BDAT 0 LAST\r\n" "$(chunk "${text%'\r\n'}" LAST)" \
	    "BDAT 0\r\nBDAT 0\r\n$(chunk "$text" last | sed s/BDAT/bdat/)" "$(chunk "${text%'\n'}")$(chunk '\n' LAST)" \
	    "$(chunk "${text%'\r\n'}")NOOP\r\n$(chunk '\r')$(chunk '\n')BDAT   0   LAST\r\n"; do
		smtp "EHLO a\r\n$M$R${body}NOOP\r\nQUIT\r\n"
		[ "$(stored)" = 1 ]
		content | diff "$DIR/want" -
		grep -q '^250 2.0.0 Queued as' <<<"$output"
		grep -q '^221 ' <<<"$output"
		rm "$SPOOL"/new/*
	done
	# Octet by octet, and two messages in one session.
	all=
	printf '%b' "$text" >"$DIR/text"
	for octet in $(od -An -v -tx1 "$DIR/text"); do all+="BDAT 1\r\n\x$octet"; done
	all="EHLO a\r\n$M$R${all}BDAT 0 LAST\r\n"
	smtp "$all${all#EHLO a'\r\n'}QUIT\r\n"
	[ "$(stored)" = 2 ]
	for f in "$SPOOL"/new/*; do sed '1,/^	id /d' "$f" | diff "$DIR/want" -; done
	[ "$(grep -c '^250 2.0.0 1 octets received' <<<"$output")" = $((2 * $(wc -c <"$DIR/text"))) ]
}

@test "BDAT: an empty message, submission's missing fields, one reply for each recipient in LMTP" {
	smtp "EHLO a\r\n$M${R}BDAT 0 LAST\r\nQUIT\r\n"
	expect 250 250 250 250 221
	[ "$(stored)" = 1 ]
	rm "$SPOOL"/new/*
	smtp "EHLO a\r\n${LOGIN}MAIL FROM:<bob@example.test>\r\n$R$(chunk 'Subject: x' LAST)QUIT\r\n" -s
	expect 250 235 250 250 250 221
	for field in Date Message-ID From Subject; do content | grep -q "^$field: "; done
	rm "$SPOOL"/new/*
	two="LHLO a\r\n${M}${R}RCPT TO:<al@example.test>\r\n"
	smtp "$two$(chunk 'x: y\r\n')BDAT 0 LAST\r\nQUIT\r\n" -L
	expect 250 250 250 250 250 250 250 221
	smtp "$two$(chunk 'x\ry')BDAT 0\r\nBDAT 0 LAST\r\nQUIT\r\n" -L
	expect 250 250 250 250 550 503 503 503 221
	[ "$(stored)" = 1 ]
}

@test "BDAT: RSET, EHLO, QUIT and a lost client in the middle leave nothing" {
	for end in RSET 'EHLO b' 'HELO b'; do
		smtp "EHLO a\r\n$M$R$(chunk 'x: y\r\n')$end\r\nBDAT 5 LAST\r\nNOOP\nDATA\r\n$M${R}DATA\r\n\r\n.\r\nQUIT\r\n"
		expect 250 250 250 250 250 503 503 250 250 354 250 221
		[ "$(stored)" = 1 ]
		rm "$SPOOL"/new/*
		[ -z "$(find "$SPOOL/tmp" -type f)" ]
	done
	for end in 'QUIT\r\n' '' 'BDAT 10\r\nabc' 'BDAT 10' 'BDAT 99999999999 LAST\r\nQUIT\r\n'; do
		smtp "EHLO a\r\n$M$R$(chunk 'x: y\r\n')$end"
		nothing_left
	done
	smtp "EHLO a\r\n$M$R$(chunk 'x: y\r\n')MAIL FROM:<>\r\n${R}DATA\r\nVRFY x\r\nHELP\r\nBDAT 0 LAST\r\nBDAT 6\r\nQUIT\r\nBDAT 0 LAST\r\nQUIT\r\n"
	expect 250 250 250 250 503 503 503 252 214 250 503 503 221
	[ "$(stored)" = 1 ]
}

@test "BDAT: limits, and what is behind a refused chunk is still read" {
	setting message-size-limit 2000
	setting recipient-limit 3
	many=
	for i in {1..30}; do many+=$(chunk 'MAIL FROM:<evil@b.example>\r\n'); done
	smtp "EHLO a\r\n$M$R$(chunk "x: y\r\n\r\n$(printf 'a%.0s' {1..900})\r\n")$(chunk "$(printf 'a%.0s' {1..900})\r\n")$(chunk "$(printf 'a%.0s' {1..900})\r\n")${many}BDAT 0 LAST\r\nNOOP\r\nQUIT\r\n"
	[ "$(codes)" = "250 250 250 250 250 552 $(printf '503 %.0s' {1..31})250 221" ]
	nothing_left
	setting line-length-limit 998
	smtp "EHLO a\r\n$M$R$(chunk "x: y\r\n\r\n$(printf 'a%.0s' {1..999})\r\n" LAST)QUIT\r\n"
	expect 250 250 250 550 221
	# All recipients refused: every chunk is read, none is an error of its own.
	smtp "EHLO a\r\n${M}RCPT TO:<x@b.example>\r\n${many}RSET\r\nQUIT\r\n"
	[ "$(codes)" = "250 250 550 $(printf '554 %.0s' {1..30})250 221" ]
	nothing_left
}

@test "BDAT: a size that is none ends the session, and nothing behind it is a command" {
	for bad in 'BDAT' 'BDAT x' 'BDAT -1' 'BDAT +1' 'BDAT 1x' 'BDAT 0x10' 'BDAT 1 FOO' 'BDAT 1 LASTX' 'BDAT 1 LAST x' 'BDAT 1,LAST' \
	    'BDAT LAST' 'BDAT 18446744073709551616' "BDAT 1 $(printf 'a%.0s' {1..3000})" 'BDAT 3\rx' 'BDAT 3\0000'; do
		smtp "EHLO a\r\n$M$R$bad\r\nx: y\r\nMAIL FROM:<>\r\nDATA\r\n"
		expect 250 250 250 501
		[ "$status" = 76 ]
		nothing_left
	done
	smtp "EHLO a\r\n$M${R}BDAT 3\nNOOP\r\n"
	expect 250 250 250 501
}

@test "BDAT: bare CR, LF and NUL, in one chunk and over its edge" {
	for repair in refuse repair; do
		sed -i /bare-newline/d "$CONTROL/settings"
		setting "bare-newline $repair"
		for bad in '\r' '\n' '\0000'; do
			for data in "${bad}x: y\r\n\r\n" "x${bad}: y\r\n\r\n" "x: y$bad\r\n\r\n" "x: y\r\n$bad\r\n" "x: y\r\n\r\na${bad}.${bad}b" "x: y\r\n\r\na${bad}.\r\nb" "x: y\r\n\r\n.${bad}.\r\n" "x: y\r\n\r\nabc$bad"; do
				for body in "$(chunk "$data" LAST)" "$(chunk "${data%%"$bad"*}")$(chunk "$bad${data#*"$bad"}" LAST)" "$(chunk "${data%%"$bad"*}$bad")$(chunk "${data#*"$bad"}" LAST)"; do
					smtp "EHLO a\r\n$M$R${body}RSET\r\nNOOP\r\nQUIT\r\n"
					got=$(codes)
					if [ "$repair$bad" = 'refuse\r' ] || [ "$bad" = '\0000' ]; then
						[[ $got == '250 250 250 '*'550 '*'250 250 221' ]]
						nothing_left
					else
						[[ $got == '250 250 250 250 250 250 221' || $got == '250 250 250 250 250 250 250 221' ]]
						[ "$(stored)" = 1 ]
						message | no grep -q $'\r'
					fi
					rm -f "$SPOOL"/new/*
				done
			done
		done
	done
}

@test "BINARYMIME: binary parts are stored as base64, with every octet" {
	need python3 python3
	python3 - >"$DIR/session" <<-'E'
		import sys
		octets = bytes(range(256)) * 300 + b"\r\n.\r\n\n.\n\r.\r--b\r\nx\0"
		head = b"Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\n"
		text = b"--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\ngr\xc3\xbcn\r\n.\r\n"
		part = b"--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n"
		octets = octets.replace(b"--b", b"-+b")
		mail = head + text + part + octets + b"\r\n--b--\r\n"
		out = b"EHLO a\r\nMAIL FROM:<a@example.org> BODY=BINARYMIME SIZE=%d\r\nRCPT TO:<bob@example.test>\r\n" % len(mail)
		for i in range(0, len(mail), 4999):
		    piece = mail[i:i + 4999]
		    out += b"BDAT %d\r\n" % len(piece) + piece
		sys.stdout.buffer.write(out + b"BDAT 0 LAST\r\nQUIT\r\n")
		open(sys.argv[1] if len(sys.argv) > 1 else "/dev/null", "wb").write(octets)
	E
	output=$(session <"$DIR/session" | tr -d '\r')
	has "250-BINARYMIME"
	grep -q '^250 2.0.0 Queued as' <<<"$output"
	message | no grep -q $'\r'
	message | grep -qx 'Envelope-Body: 8BITMIME'
	message | python3 -c '
import email, sys
octets = (bytes(range(256)) * 300 + b"\r\n.\r\n\n.\n\r.\r--b\r\nx\0").replace(b"--b", b"-+b")
m = email.message_from_bytes(sys.stdin.buffer.read())
text, part = m.get_payload()
assert part["Content-Transfer-Encoding"] == "base64", part.items()
assert part.get_payload(decode=True) == octets, (len(part.get_payload(decode=True)), len(octets))
assert text.get_payload(decode=True).decode() == "gr\u00fcn\n.", text.get_payload(decode=True)
assert m["Content-Transfer-Encoding"] in ("8bit", None), m["Content-Transfer-Encoding"]
'
}

@test "BINARYMIME: not with DATA, not beyond the limits, not where it may not be changed, no NUL without a label" {
	B='MAIL FROM:<a@example.org> BODY=BINARYMIME\r\n'
	smtp "EHLO a\r\n$B${R}DATA\r\nNOOP\r\nRSET\r\n$B${R}BDAT 0 LAST\r\n$B${R}RSET\r\n$M${R}DATA\r\n\r\n.\r\nQUIT\r\n"
	expect 250 250 250 503 250 250 250 250 250 250 250 250 250 250 354 250 221
	has "503 5.5.1 BINARYMIME needs BDAT, send RSET"
	rm "$SPOOL"/new/*
	smtp "EHLO a\r\n$B$R$(chunk 'Subject: x\r\n\r\na\0000b' LAST)QUIT\r\n"
	expect 250 250 250 554 221
	signed='Content-Type: multipart/signed; boundary=b\r\nMIME-Version: 1.0\r\n\r\n--b\r\nContent-Transfer-Encoding: binary\r\n\r\na\0000b\r\n--b--\r\n'
	smtp "EHLO a\r\n$B$R$(chunk "$signed" LAST)QUIT\r\n"
	expect 250 250 250 554 221
	has "554 5.6.3 Binary content that is not labelled so, or is signed"
	smtp "EHLO a\r\n$B$R$(chunk "$(printf 'Received: x\\r\\n%.0s' {1..101})\r\n" LAST)QUIT\r\n"
	expect 250 250 250 554 221
	setting message-size-limit 2000
	smtp "EHLO a\r\n$B$R$(chunk "$(printf 'x%.0s' {1..1500})\r\n")$(chunk "$(printf 'x%.0s' {1..1500})\r\n")BDAT 0 LAST\r\nQUIT\r\n"
	expect 250 250 250 250 552 503 221
	nothing_left
	for end in QUIT '' 'BDAT 100\r\nab'; do
		smtp "EHLO a\r\n$B$R$(chunk 'x: y\r\nContent-Transfer-Encoding: binary\r\n\r\n\0000')$end\r\n"
		nothing_left
	done
}

# What Exchange does: text with LF alone, also as ".".
@test "BDAT: a bare LF is stored as a line's end, by default, and leaves as CRLF" {
	smtp "EHLO a\r\n$M$R$(chunk 'Subject: x\nTo: y\n\none\n')$(chunk '.\n.\ntwo\r\n..\nthree' LAST)QUIT\r\n"
	expect 250 250 250 250 250 221
	printf 'Subject: x\nTo: y\n\none\n.\n.\ntwo\n..\nthree\n' >"$DIR/want"
	content | diff "$DIR/want" -
	name=$(basename "$SPOOL"/new/*)
	[[ $name == *,S=$(message | wc -c),W=$(($(message | wc -c) + $(message | wc -l))) ]]
}

# Mail programs write whole web pages, and whole lists of References, in one line.
@test "a long line is stored as it came, and broken for the next host" {
	need python3 python3
	long=$(head -c 100000 /dev/zero | tr '\0' a)
	for body in "DATA\r\nSubject: x\r\nX-Long: $long\r\nDate: 1\r\n\r\n$long\r\n.\r\n" \
	    "$(chunk "Subject: x\r\nX-Long: $long\r\nDate: 1\r\n\r\n$long\r\n" LAST)"; do
		smtp "EHLO a\r\n${LOGIN}MAIL FROM:<bob@example.test>\r\n$R${body}QUIT\r\n" -s
		[ "$(stored)" = 1 ]
		content | grep -qx "X-Long: $long"
		content | grep -qx "$long"
		# The fields around it were seen, and those missing were put before the body.
		[ "$(content | sed '/^$/q' | grep -ciE '^(date|from|message-id): ')" = 3 ]
		rm "$SPOOL"/new/*
	done
	# A first line that is no field, however long, begins the body.
	smtp "EHLO a\r\n$M${R}DATA\r\n$long\r\nx\r\n.\r\nQUIT\r\n"
	[ "$(content | sed 2q | tr -d a)" = "" ]
	[ "$(content | wc -c)" = 100004 ]
	next_hosts
	host far PIPELINING,8BITMIME far.example
	python3 - "$SMTP_PORT" <<-'E'
		import smtplib, sys
		s = smtplib.SMTP("127.0.0.1", int(sys.argv[1]), timeout=120)
		s.sendmail("alice@example.test", "x@far.example", b"Subject: x\r\nX-Long: " + b"b" * 3000 + b"\r\n\r\n" + b"." * 5000 + b"\r\n")
	E
	await 20 test -s "$DIR/far/1.eml"
	[ "$(tr -d '\r' <"$DIR/far/1.eml" | awk '{ sub(/^\./, "") } length > n { n = length } END { print n }')" = 998 ]
	[ "$(tr -dc b <"$DIR/far/1.eml" | wc -c)" -ge 3000 ]
}

# The sequences that end DATA for some servers, inside a chunk: content like any other.
@test "BDAT: no smuggling vector ends the message or starts a command, and the next host gets none" {
	need_data vectors/smtp-smuggling.tsv
	setting bare-newline repair
	n=0
	while IFS=$'\t' read -r sequence ends verdict; do
		[[ $sequence != '#'* && $sequence != *x00* ]] || continue
		smtp "EHLO a\r\n$M$R$(chunk "Subject: x\r\n\r\nbody${sequence}MAIL FROM:<evil@b.example>\r\n${R}DATA\r\nFrom: evil\r\n" LAST)QUIT\r\n"
		expect 250 250 250 250 221
		[ "$(stored)" = 1 ]
		content | grep -q 'MAIL FROM:<evil@b.example>'
		message | no grep -q $'\r'
		rm "$SPOOL"/new/*
		n=$((n + 1))
	done <"$TESTDATA/vectors/smtp-smuggling.tsv"
	[ "$n" -ge 10 ]
	need python3 python3
	next_hosts
	host far PIPELINING,8BITMIME far.example
	echo bare-newline repair >>"$CONTROL/settings"
	python3 - "$SMTP_PORT" <<-'E'
		import smtplib, sys, time
		s = smtplib.SMTP("127.0.0.1", int(sys.argv[1]), timeout=120)
		s.ehlo("a"); s.mail("alice@example.test"); s.rcpt("x@far.example")
		text = b"Subject: x\r\n\r\na\n.\r\n.\nb\r.\r\r\n.\r\nMAIL FROM:<evil@b.example>"
		for i in range(0, len(text), 7):
		    part = text[i:i + 7]
		    s.send(b"BDAT %d\r\n" % len(part) + part)
		s.send(b"BDAT 0 LAST\r\n")
		for i in range(0, len(text), 7):
		    assert s.getreply()[0] == 250
		code, words = s.getreply()
		assert code == 250 and b"Queued" in words, words
	E
	await 20 test -s "$DIR/far/1.eml"
	# The far side saw one message, with stuffed dots and CRLF alone.
	tail -n 7 "$DIR/far/1.eml" | od -c >"$DIR/got"
	printf '\r\na\r\n..\r\n..\r\nb . \r\n..\r\nMAIL FROM:<evil@b.example>\r\n' | od -c | diff "$DIR/got" -
	[ ! -e "$DIR/far/2.eml" ]
}

# RFC 3461: what is asked stands in the envelope as it was given; what is not in the grammar is refused.
@test "DSN: RET, ENVID, NOTIFY and ORCPT reach the envelope" {
	smtp "EHLO a\r\nMAIL FROM:<a@b.example> RET=hdrs ENVID=QQ+2B3\r\nRCPT TO:<bob@example.test> NOTIFY=success,Delay ORCPT=rfc822;Bob+2Bx@example.test\r\nRCPT TO:<al@example.test>\r\nRCPT TO:<boss@example.test> NOTIFY=NEVER\r\nDATA\r\nSubject: x\r\n\r\n.\r\nQUIT\r\n"
	expect 250 250 250 250 250 354 250 221
	envelope_of "$SPOOL"/new/* >"$DIR/got"
	cat >"$DIR/want" <<-'E'
		Return-Path: <a@b.example>
		Delivered-To: bob@example.test
		Delivered-To: al@example.test
		Delivered-To: boss@example.test
		Envelope-Id: QQ+2B3
		Envelope-Ret: HDRS
		Envelope-Notify: 1 SUCCESS,DELAY
		Envelope-Orcpt: 1 rfc822;Bob+2Bx@example.test
		Envelope-Notify: 3 NEVER
	E
	diff "$DIR/want" "$DIR/got"
}

@test "DSN: what is not in the grammar is refused, and UTF-8 needs SMTPUTF8" {
	local bad=(RET= RET=ALL ENVID= ENVID=a+0a ENVID=a+0A "ENVID=$(printf '%0101d' 0)" "RET=FULL RET=FULL")
	for p in "${bad[@]}"; do
		smtp "EHLO a\r\nMAIL FROM:<a@b.example> $p\r\nMAIL FROM:<a@b.example>\r\nQUIT\r\n"
		expect 250 501 250 221
	done
	bad=(NOTIFY= NOTIFY=NEVER,DELAY NOTIFY=SOMETIMES ORCPT=bob ORCPT=rfc822\; "ORCPT=rfc822;a+00b"
	    "ORCPT=utf-8;gr\xc3\xbcn@b.example" "ORCPT=rfc822;$(printf '%0501d' 0)")
	for p in "${bad[@]}"; do
		smtp "EHLO a\r\n${M}RCPT TO:<bob@example.test> $p\r\nDATA\r\nQUIT\r\n"
		expect 250 250 501 554 221
	done
	smtp "EHLO a\r\nMAIL FROM:<a@b.example> SMTPUTF8\r\nRCPT TO:<bob@example.test> ORCPT=utf-8;gr\xc3\xbcn@b.example\r\nDATA\r\nSubject: x\r\n\r\n.\r\nQUIT\r\n"
	expect 250 250 250 354 250 221
	message | grep -q "^Envelope-Orcpt: 1 utf-8;gr$(printf '\303\274')n@b.example$"
}
