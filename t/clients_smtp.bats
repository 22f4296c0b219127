# clients_smtp.bats: real clients send through a whole instance: swaks, curl, msmtp, Python's smtplib.
# shellcheck shell=bash disable=SC2154

load helper

setup_file() {
	instance_start
	adduser alice@example.test secret
	adduser bob@example.test geheim
	export DIR HOST SMTP_PORT SUBMISSION_PORT SUBMISSIONS_PORT CA_FILE CONTROL MAIL SPOOL
}

teardown_file() {
	# shellcheck disable=SC2034
	INSTANCES=("$DIR")
	instance_stop
}

# arrives SUBJECT: in bob's Maildir, within ten seconds; the file is in $mail.
arrives() { await 10 found "$1"; }
found() { mail=$(grep -lrsx "Subject: $1" "$(maildir bob@example.test)/new"); }

mail_text() { printf 'From: alice@example.test\nTo: bob@example.test\nSubject: %s\n\nbody of %s\n.a line with a dot\n' "$1" "$1"; }

@test "swaks: plain, as another server would" {
	need swaks swaks
	run timeout 120 swaks --server "$HOST" --port "$SMTP_PORT" --from x@example.org --to bob@example.test --header 'Subject: swaks plain'
	[ "$status" = 0 ]
	arrives 'swaks plain'
	grep -q 'with ESMTP$' "$mail"
	head -n 1 "$mail" | grep -qx 'Return-Path: <x@example.org>'
}

@test "swaks: pipelined, several recipients" {
	need swaks swaks
	run timeout 120 swaks --pipeline --server "$HOST" --port "$SMTP_PORT" --from x@example.org --to bob@example.test,alice@example.test --header 'Subject: swaks pipeline'
	[ "$status" = 0 ]
	arrives 'swaks pipeline'
	[ "$(grep -c '^Delivered-To: alice' "$mail")" = 0 ]
}

@test "swaks: STARTTLS on 25, certificate verified" {
	need swaks swaks
	run timeout 120 swaks --server localhost --port "$SMTP_PORT" --tls --tls-verify --tls-ca-path "$CA_FILE" --from x@example.org --to bob@example.test --header 'Subject: swaks starttls'
	[ "$status" = 0 ]
	arrives 'swaks starttls'
	grep -qE 'with ESMTPS \(TLSv1\.[23] ' "$mail"
}

@test "swaks: submission with every mechanism, on 587 and 465" {
	need swaks swaks
	for auth in PLAIN LOGIN; do
		run timeout 120 swaks --server "$HOST" --port "$SUBMISSION_PORT" --tls --auth "$auth" --auth-user alice@example.test --auth-password secret \
		    --from alice@example.test --to bob@example.test --header "Subject: swaks 587 $auth"
		[ "$status" = 0 ]
		arrives "swaks 587 $auth"
		grep -q 'with ESMTPSA ' "$mail"
		run timeout 120 swaks --server "$HOST" --port "$SUBMISSIONS_PORT" --tls-on-connect --auth "$auth" --auth-user alice@example.test --auth-password secret \
		    --from alice@example.test --to bob@example.test --header "Subject: swaks 465 $auth"
		[ "$status" = 0 ]
		arrives "swaks 465 $auth"
	done
	# A wrong password (28) and somebody else's address (23) are refused.
	run timeout 120 swaks --server "$HOST" --port "$SUBMISSION_PORT" --tls --auth PLAIN --auth-user alice@example.test --auth-password wrong --from alice@example.test --to bob@example.test
	[ "$status" = 28 ]
	run timeout 120 swaks --server "$HOST" --port "$SUBMISSION_PORT" --tls --auth PLAIN --auth-user alice@example.test --auth-password secret --from bob@example.test --to bob@example.test
	[ "$status" = 23 ]
}

@test "swaks: no open relay" {
	need swaks swaks
	run timeout 120 swaks --server "$HOST" --port "$SMTP_PORT" --from x@example.org --to x@example.org
	[ "$status" = 24 ]
	[[ $output == *"550 5.7.1 Relaying denied"* ]]
}

@test "curl: smtp with STARTTLS, smtps, and a file" {
	need curl curl
	mail_text 'curl starttls' >"$BATS_TEST_TMPDIR/mail"
	run timeout 120 curl -sS --cacert "$CA_FILE" --ssl-reqd -u alice@example.test:secret "smtp://localhost:$SUBMISSION_PORT/client.example" \
	    --mail-from alice@example.test --mail-rcpt bob@example.test --crlf -T "$BATS_TEST_TMPDIR/mail"
	[ "$status" = 0 ]
	arrives 'curl starttls'
	grep -qx '\.a line with a dot' "$mail"
	mail_text 'curl smtps' >"$BATS_TEST_TMPDIR/mail"
	run timeout 120 curl -sS --cacert "$CA_FILE" -u alice@example.test:secret "smtps://localhost:$SUBMISSIONS_PORT/client.example" \
	    --mail-from alice@example.test --mail-rcpt bob@example.test --crlf -T "$BATS_TEST_TMPDIR/mail"
	[ "$status" = 0 ]
	arrives 'curl smtps'
}

@test "msmtp: STARTTLS and implicit TLS" {
	need msmtp msmtp
	for mode in on off; do
		port=$SUBMISSION_PORT
		[ "$mode" = on ] || port=$SUBMISSIONS_PORT
		cat >"$BATS_TEST_TMPDIR/rc" <<-E
			account default
			host localhost
			port $port
			tls on
			tls_starttls $mode
			tls_trust_file $CA_FILE
			auth on
			user alice@example.test
			password secret
			from alice@example.test
		E
		chmod 600 "$BATS_TEST_TMPDIR/rc"
		mail_text "msmtp $mode" | timeout 120 msmtp -C "$BATS_TEST_TMPDIR/rc" -t
		arrives "msmtp $mode"
	done
}

@test "mutt: submission with STARTTLS and with TLS from the first byte" {
	need mutt mutt
	for url in "smtp://alice%40example.test:secret@localhost:$SUBMISSION_PORT" "smtps://alice%40example.test:secret@localhost:$SUBMISSIONS_PORT"; do
		cat >"$BATS_TEST_TMPDIR/rc" <<-E
			set smtp_url="$url"
			set ssl_force_tls=yes
			set ssl_verify_host=yes
			set certificate_file=$CA_FILE
			set from=alice@example.test
			set use_from=yes
			set copy=no
		E
		echo 'body' | HOME=$BATS_TEST_TMPDIR timeout 120 mutt -n -F "$BATS_TEST_TMPDIR/rc" -s "mutt ${url%%:*}" -- bob@example.test
		arrives "mutt ${url%%:*}"
		grep -q 'with ESMTPSA' "$mail"
	done
}

@test "s-nail: submission with STARTTLS and with TLS from the first byte" {
	need s-nail s-nail
	for url in "smtp://alice%40example.test:secret@localhost:$SUBMISSION_PORT" "smtps://alice%40example.test:secret@localhost:$SUBMISSIONS_PORT"; do
		starttls=
		[ "${url%%:*}" = smtps ] || starttls=-Ssmtp-use-starttls
		for auth in plain login; do
			echo 'body' | MAILRC=/dev/null timeout 120 s-nail -n -S v15-compat -S "tls-ca-file=$CA_FILE" -S tls-ca-no-defaults \
			    -S tls-verify=strict ${starttls:+"$starttls"} -S "smtp-auth=$auth" -S "mta=$url" -S from=alice@example.test \
			    -S sendwait -s "s-nail ${url%%:*} $auth" bob@example.test
			arrives "s-nail ${url%%:*} $auth"
			grep -q 'with ESMTPSA' "$mail"
		done
	done
}

@test "Python's smtplib: 25, 587, 465, and each refusal as its exception" {
	need python3 python3
	run timeout 300 python3 - <<-'E'
		import os, smtplib, ssl
		ctx = ssl.create_default_context(cafile=os.environ["CA_FILE"])
		msg = "From: alice@example.test\r\nTo: bob@example.test\r\nSubject: smtplib %s\r\n\r\n.dot\r\n\u00e4\r\n"
		def send(s, name):
		    r = s.sendmail("alice@example.test", ["bob@example.test", "nobody@example.test"], (msg % name).encode("utf-8"), ["BODY=8BITMIME"])
		    assert r["nobody@example.test"][0] == 550, r
		    s.quit()
		s = smtplib.SMTP("localhost", int(os.environ["SMTP_PORT"]))
		send(s, "25")
		s = smtplib.SMTP("localhost", int(os.environ["SUBMISSION_PORT"]))
		s.starttls(context=ctx)
		try: s.login("alice@example.test", "wrong"); raise SystemExit("logged in")
		except smtplib.SMTPAuthenticationError as e: assert e.smtp_code == 535
		s.login("alice@example.test", "secret")
		send(s, "587")
		s = smtplib.SMTP_SSL("localhost", int(os.environ["SUBMISSIONS_PORT"]), context=ctx)
		s.login("alice@example.test", "secret")
		send(s, "465")
		s = smtplib.SMTP("localhost", int(os.environ["SMTP_PORT"]))
		try: s.sendmail("a@example.org", ["x@example.org"], "x"); raise SystemExit("relayed")
		except smtplib.SMTPRecipientsRefused: pass
		print("fine")
	E
	echo "$output"
	[ "$output" = fine ]
	for name in 25 587 465; do
		arrives "smtplib $name"
		grep -q $'^\xc3\xa4$' "$mail"
	done
}

@test "a login in clear is forgotten at STARTTLS, and another is possible behind it" {
	run timeout 120 python3 - "$SUBMISSION_PORT" <<-'E'
		import smtplib, ssl, sys
		c = ssl.create_default_context()
		c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
		s = smtplib.SMTP("127.0.0.1", int(sys.argv[1]), timeout=120)
		s.login("alice@example.test", "secret")
		s.starttls(context=c)
		s.ehlo()
		print(s.mail("alice@example.test")[0])
		print(s.login("alice@example.test", "secret")[0], s.mail("alice@example.test")[0])
	E
	[ "$output" = $'530\n235 250' ]
}

# The accept half and the delivery half together: what the client sent is what lies in the Maildir.
@test "a message arrives byte for byte, behind its trace fields" {
	need python3 python3
	need_data bounces/sisimai/lhost-postfix-01.eml
	{ printf 'Subject: byte for byte\n'; tr -d '\r' <"$TESTDATA/bounces/sisimai/lhost-postfix-01.eml"; } >"$BATS_TEST_TMPDIR/mail"
	timeout 120 python3 -c '
import smtplib, sys
s = smtplib.SMTP(sys.argv[1], int(sys.argv[2]))
s.sendmail("x@example.org", ["bob@example.test"], sys.stdin.buffer.read().replace(b"\n", b"\r\n"))
s.quit()' "$HOST" "$SMTP_PORT" <"$BATS_TEST_TMPDIR/mail"
	arrives 'byte for byte'
	sed '1,/^Subject: byte for byte$/d' "$mail" | diff - <(sed 1d "$BATS_TEST_TMPDIR/mail")
}
