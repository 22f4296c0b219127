# smtpd_ext.bats: SMTPUTF8, from the client to the next host.
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
	message | head -n 5 | diff "$DIR/want" -
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
		port=$(free_port)
		unprivileged "$BIN/smtpd" -C "$CONTROL" -l "127.0.0.1:$port" ${args:+"$args"} 2>>"$LOG" &
		pid=$!
		await 10 grep -q "start peer=127.0.0.1:$port" "$LOG"
		run timeout 30 python3 - "$port" "$args" <<-'E'
			import smtplib, ssl, sys
			c = ssl.create_default_context()
			c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
			s = smtplib.SMTP("127.0.0.1", int(sys.argv[1]), timeout=10)
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
	host new SMTPUTF8,8BITMIME,PIPELINING $'b\303\274.example'
	host old 8BITMIME old.example
	adduser alice@example.test secret
	python3 - "$SMTP_PORT" <<-'E'
		import smtplib, sys
		s = smtplib.SMTP("127.0.0.1", int(sys.argv[1]), timeout=10)
		for to in "\u7528@b\u00fc.example", "x@old.example":
		    s.sendmail("alice@example.test", to, "Subject: gr\u00fcn\r\n\r\nx\r\n".encode(), ["SMTPUTF8", "BODY=8BITMIME"])
	E
	await 20 test -s "$DIR/new/1.eml"
	grep -qxF $'RCPT TO:<\347\224\250@b\303\274.example>' "$DIR/new/1.env"
	grep -q '^MAIL FROM:<alice@example.test> .*SMTPUTF8' "$DIR/new/1.env"
	grep -qF $'Subject: gr\303\274n' "$DIR/new/1.eml"
	await 20 has_messages "$(maildir alice@example.test)" 1
	grep -q '^Status: 5.6.7$' "$(maildir alice@example.test)"/new/*
	grep -q 'message/global-delivery-status' "$(maildir alice@example.test)"/new/*
	[ ! -e "$DIR/old/1.eml" ]
	await 10 spool_empty
}
