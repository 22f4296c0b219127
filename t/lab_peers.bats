# lab_peers.bats: Postfix, Exim and OpenSMTPD as the other side, in both directions, with a name server between us.
# no-sanitizer: most of the time is theirs.
# shellcheck shell=bash disable=SC2030,SC2031,SC2034,SC2153,SC2154

bats_require_minimum_version 1.5.0

load helper
load lab_net

PEERS="postfix exim opensmtpd"
number() { # of a peer's address
	case $1 in postfix) echo 2 ;; exim) echo 3 ;; opensmtpd) echo 4 ;; esac
}
# Debian's OpenSMTPD cannot do TLS as a server: it was not made for OpenSSL 3.
tls() {
	[ "$1" = opensmtpd ] || echo "tls=TLSv1.3 "
}

setup_file() {
	local peer n cert
	[ "$(id -u)" = 0 ] || return 0	# setup says why nothing is tested
	need python3 python3
	# shellcheck disable=SC2086
	peers nsd $PEERS
	LAB=$(private_dir)
	net_up 192.0.2.{1,2,3,4,53}/32
	export LAB
	{
		printf '%s\n' "\$ORIGIN test." "\$TTL 60" "@ SOA ns hostmaster 1 60 60 60 60" "@ NS ns" "ns A 192.0.2.53" \
		    "us MX 10 mx.us" "mx.us A 192.0.2.1"
		for peer in $PEERS; do
			n=$(number "$peer")
			printf '%s\n' "$peer MX 10 dead.$peer" "$peer MX 20 mx.$peer" "mx.$peer A 192.0.2.$n" \
			    "dead.$peer A 192.0.2.$((n + 200))"
		done
	} >"$LAB/zone"
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$LAB/key.pem" -out "$LAB/cert.pem" \
	    -days 2 -subj "/CN=peers" -addext "subjectAltName=DNS:mx.postfix.test,DNS:mx.exim.test,DNS:mx.opensmtpd.test" 2>/dev/null
	chmod 644 "$LAB/cert.pem"
	"$ROOT/t/peers" start nsd "$LAB/nsd" "$NETNS" 192.0.2.53 "$LAB/zone"
	for peer in $PEERS; do
		cert=()
		[ -z "$(tls "$peer")" ] || cert=("$LAB/cert.pem" "$LAB/key.pem")
		"$ROOT/t/peers" start "$peer" "$LAB/$peer" "$NETNS" "192.0.2.$(number "$peer")" "$peer.test" "${cert[@]}"
		await 15 greets "192.0.2.$(number "$peer")" 2>/dev/null
	done
	SSL_CERT_FILE=$LAB/cert.pem house "$LAB/house" "retry-first 2s" "connect-timeout 60s"
	{
		echo "postfix.test mx: tls=encrypt"
		echo "exim.test mx: tls=verify"
	} >"$CONTROL/routes"
}

teardown_file() {
	local peer
	[ -n "${LAB-}" ] || return 0
	DIR=$LAB/house
	[ ! -e "$DIR/env" ] || house_end
	for peer in nsd $PEERS; do
		"$ROOT/t/peers" stop "$LAB/$peer"
	done
	net_down
	rm -rf "$LAB"
}

setup() {
	need_root
	DIR=$LAB/house
	load_env "$DIR"
}

teardown() {
	if [ -z "${BATS_TEST_COMPLETED-1}" ]; then
		tail -n 15 "$DIR"/log/{queue,smtp} "$LAB"/{postfix,exim,opensmtpd}/log >&2
	fi
}

# the_message: 8-bit text, a line that is too long for SMTP, dots, and 300 kB.
the_message() {
	cat <<-E
	From: alice@us.test
	To: all@us.test
	Subject: to each of them
	MIME-Version: 1.0
	Content-Type: text/plain; charset=utf-8
	Content-Transfer-Encoding: 8bit

	.
	..two
	Grüße aus der Posthalterei
	E
	seq 1 50000
	head -c 5000 /dev/zero | tr '\0' x
	echo
	echo "the end"
}

@test "to each of them: whole, over the second MX, with TLS, and nothing stays" {
	the_message >"$LAB/message"
	submit alice@us.test alice@postfix.test alice@exim.test alice@opensmtpd.test <"$LAB/message"
	for peer in $PEERS; do
		await 15 got "$LAB/$peer/mail/alice" "Subject: to each of them"
		await 10 logged "result qid=[0-9a-f.]* rcpt=<alice@$peer.test> relay=mx.$peer.test\[192.0.2.$(number "$peer")\]:25 $(tls "$peer")status=sent dsn=2"
		[ -z "$(tls "$peer")" ] ||
		    logged "tls qid=[0-9a-f.]* relay=mx.$peer.test\[[0-9.]*\]:25 tls=TLSv1.3 text=[A-Z0-9_]*, certificate verified$"
		python3 - "$LAB/message" "$LAB/$peer"/mail/alice/new/* <<-'E'
		import email, email.policy, sys
		sent, got = (email.message_from_binary_file(open(f, "rb"), policy=email.policy.default) for f in sys.argv[1:])
		assert got["subject"] == "to each of them"
		assert got.get_content() == sent.get_content(), (len(got.get_content()), len(sent.get_content()))
		E
	done
	await 10 spool_empty
}

@test "to a mailbox that is not there: each says so, and the sender is told once for each" {
	for peer in $PEERS; do
		printf 'Subject: nobody at %s\n\nx\n' "$peer" | submit alice@us.test "nobody@$peer.test"
	done
	for peer in $PEERS; do
		await 15 got "$(maildir alice@us.test)" "Final-Recipient: rfc822; nobody@$peer.test"
		logged "rcpt=<nobody@$peer.test> relay=mx.$peer.test\[[0-9.]*\]:25 $(tls "$peer")status=bounced dsn=5.[0-9.]* .*text=5"
		report=$(grep -rlF "Final-Recipient: rfc822; nobody@$peer.test" "$(maildir alice@us.test)/new")
		[ "$(wc -l <<<"$report")" = 1 ]
		grep -q "^Remote-MTA: dns; mx.$peer.test$" "$report"
		tr '\n' ' ' <"$report" | grep -q "Your message to nobody@$peer.test could not be delivered, because"
	done
	await 10 spool_empty
}

@test "from each of them: to a mailbox, and to one that is not there" {
	in_net python3 - <<-'E'
	import smtplib
	for n, peer in ((2, "postfix"), (3, "exim"), (4, "opensmtpd")):
	    with smtplib.SMTP(f"192.0.2.{n}", 25, local_hostname="client.test") as s:
	        for to in ("alice", "nobody"):
	            s.sendmail(f"carol@{peer}.test", [f"{to}@us.test"], (f"From: carol@{peer}.test\r\nSubject: from {peer} to {to}\r\n"
	                "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
	                ".\r\nGrüße\r\n").encode(), ["BODY=8BITMIME"] if s.has_extn("8bitmime") else [])
	E
	for peer in $PEERS; do
		await 15 got "$(maildir alice@us.test)" "Subject: from $peer to alice"
		file=$(grep -rlF "Subject: from $peer to alice" "$(maildir alice@us.test)/new")
		grep -q "^Return-Path: <carol@$peer.test>$" "$file"
		grep -q '^Grüße$' "$file"
		grep -q "^Received: from mx.$peer.test .*192.0.2.$(number "$peer").*ESMTPS" <(tr -d '\n' <"$file" | sed 's/Received:/\n&/g')
		await 10 logged "queued .*from=<carol@$peer.test> to=<alice@us.test>"
		# Theirs is the report about what we refused, with our words.
		await 15 got "$LAB/$peer/mail/carol" "nobody@us.test"
		got "$LAB/$peer/mail/carol" "550 5.1.1"
		logged "reject .*rcpt=<nobody@us.test> code=550 dsn=5.1.1"
	done
	await 10 spool_empty
}

@test "there and back: a message that one of them cannot deliver comes back through them as a report" {
	# Exim takes it for another host that refuses it, and sends the report to us with the null sender.
	sed -i 's/^postfix.*/postfix.test [192.0.2.3]/' "$CONTROL/routes"
	printf 'Subject: a detour\n\nx\n' | submit alice@us.test nobody@postfix.test
	await 15 logged "rcpt=<nobody@postfix.test> relay=\[192.0.2.3\]:25 .*status=sent"
	await 15 logged "queued .*from=<> to=<alice@us.test>"
	await 15 got "$(maildir alice@us.test)" "Subject: Mail delivery failed"
	await 10 spool_empty
}
