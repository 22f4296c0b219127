# lab_dialogue.bats: destinations that are dead, slow, greylisting, full, unwilling, broken, or lie, each at 192.0.2.N:25 in a network of its own.
# For each: what is logged, what the sender gets, what stays in the queue.
# no-sanitizer: remote.bats runs the same dialogues sanitized.
# shellcheck shell=bash disable=SC2030,SC2031,SC2034,SC2153,SC2154

bats_require_minimum_version 1.5.0

load helper
load lab_net

# case NAME LOG REPORT QUEUE SINK-ARGS...: a destination NAME.test.  LOG is what its log line goes on with behind the relay
# (basic regular expression), REPORT what the report to the sender says ("-": there is none), QUEUE "stays" or "gone".  Without
# arguments for the sink, nobody is there.
cases() {
	local n=100
	# Well, or well in the end.
	case_ fine "status=sent dsn=2.0.0" - gone -e PIPELINING
	case_ slow "status=sent dsn=2.0.0" - gone -r "CONNECT: sleep 0.7 && go" -r "RCPT: sleep 0.7 && go" -r "DOT: sleep 0.7 && go"
	case_ dripping "status=sent dsn=2.0.0" - gone -r "MAIL: slow && 250 2.1.0 fine"
	case_ old "status=sent dsn=2.0.0" - gone -e HELO
	case_ greylist "status=deferred dsn=4.7.1 .*text=451 4.7.1 greylisted, try again" - gone -r "RCPT#1: 451 4.7.1 greylisted, try again"
	# Not now.
	case_ busy "status=deferred dsn=4.3.2 .*text=421 4.3.2 too busy" - stays -r "CONNECT: 421 4.3.2 too busy && close"
	case_ later "status=deferred dsn=4.2.0 .*text=450 4.2.0 not now" - stays -r "RCPT: 450 4.2.0 not now"
	case_ nospace "status=deferred dsn=4.3.1 .*text=452 4.3.1 disk full" - stays -r "DOT: 452 4.3.1 disk full"
	case_ silent "status=deferred dsn=4.4.2 .*text=no reply to the connection in time" - stays -r "CONNECT: sleep 600"
	case_ notsmtp "status=deferred dsn=4.5.0 .*text=malformed reply to the connection" - stays -r "CONNECT: SSH-2.0-OpenSSH_9.2"
	# Never.
	case_ unknown "status=bounced dsn=5.1.1 .*text=550 5.1.1 no such user" "there is no such mailbox" gone \
	    -r 'RCPT: 550-5.1.1 no such user\r\n550 5.1.1 ask postmaster'
	case_ full "status=bounced dsn=5.2.2 .*text=552 5.2.2 over quota" "the mailbox is full" gone -r "RCPT: 552 5.2.2 over quota"
	case_ blocked "status=bounced dsn=5.7.1 .*text=554 5.7.1 your address is listed" "because of a blocklist or its bad reputation" gone -r "CONNECT: 554 5.7.1 your address is listed"
	case_ spam "status=bounced dsn=5.7.1 .*text=550 5.7.1 this looks like spam" "takes the message for spam" gone -r "DOT: 550 5.7.1 this looks like spam"
	case_ sender "status=bounced dsn=5.1.8 .*text=553 5.1.8 sender domain not found" - gone -r "MAIL: 553 5.1.8 sender domain not found"
	# Liars.
	case_ liesize "status=bounced dsn=5.3.4 .*text=message of [0-9]* bytes is over the limit" "is too large" gone -e "SIZE 100"
	case_ lie8bit "status=bounced dsn=5.5.4 .*text=555 5.5.4 what is BODY" - gone -e 8BITMIME -r "MAIL~BODY: 555 5.5.4 what is BODY"
	# Who offers PIPELINING and loses what was sent ahead, or answers out of order, gets one command at a time.
	case_ liepipe "status=sent dsn=2.0.0" - gone -e PIPELINING -r "MAIL: forget && go"
	case_ liercpt "status=sent dsn=2.0.0" - gone -e PIPELINING,SIZE -r "RCPT: forget && go"
	case_ liebdat "status=sent dsn=2.0.0" - gone -e PIPELINING,CHUNKING -r "MAIL: forget && go"
	case_ liedata "status=sent dsn=2.0.0" - gone -e PIPELINING -r "DATA: forget && go" -r "DOT: forget && go"
	case_ lie503 "status=sent dsn=2.0.0" - gone -e PIPELINING -r "RCPT#1: 503 5.5.1 MAIL first"
	case_ lie354 "status=sent dsn=2.0.0" - gone -e PIPELINING -r "RCPT#1: 354 go ahead"
	case_ lieclose "status=sent dsn=2.0.0" - gone -e PIPELINING -r "MAIL#1: 250 2.1.0 ok && close"
	case_ always503 "status=bounced dsn=5.5.1 .*text=503 5.5.1 log in first" - gone -e PIPELINING -r "RCPT: 503 5.5.1 log in first"
	# RCPT may be on its way already when it closes: a reset, then, and not an end.
	case_ alwaysclose "status=deferred dsn=4.4.2 .*text=connection [a-z ]* reply to RCPT" - stays -e PIPELINING -r "MAIL: 250 2.1.0 ok && close"
	case_ liechunk "status=sent dsn=2.0.0" - gone -e PIPELINING,CHUNKING -r "BDAT: 502 5.5.1 what is BDAT"
	case_ lietls "status=sent dsn=2.0.0" - gone -e STARTTLS -r "STARTTLS: 454 4.7.0 not today"
	case_ brokentls "status=sent dsn=2.0.0" - gone -e STARTTLS -r "STARTTLS: 220 go && hear && raw this is not TLS"
	case_ brokenmust "status=deferred dsn=4.7.5 .*text=TLS handshake failed: " - stays -e STARTTLS -r "STARTTLS: 220 go && hear && raw this is not TLS"
	case_ wrongcert "tls=TLSv1.3 status=sent dsn=2.0.0" - gone -c "$LAB/cert.pem" -k "$LAB/key.pem"
	case_ wrongmust "status=deferred dsn=4.7.5 .*text=TLS handshake failed: [Hh]ostname mismatch" - stays -c "$LAB/cert.pem" -k "$LAB/key.pem"
	case_ injected "status=deferred dsn=4.7.0 .*text=the server sent data between STARTTLS and the handshake" - stays \
	    -c "$LAB/cert.pem" -k "$LAB/key.pem" -r 'STARTTLS: raw 220 go\r\n250 evil\r\n && go'
	# The end of the connection, at each step.
	case_ endconnect "status=deferred dsn=4.4.2 .*text=connection closed instead of a reply to the connection" - stays -r "CONNECT: close"
	case_ endehlo "status=deferred dsn=4.4.2 .*text=connection closed instead of a reply to EHLO" - stays -r "EHLO: close"
	case_ endmail "status=deferred dsn=4.4.2 .*text=connection closed instead of a reply to MAIL" - stays -e - -r "MAIL: close"
	case_ endrcpt "status=deferred dsn=4.4.2 .*text=connection closed instead of a reply to RCPT" - stays -e - -r "RCPT: close"
	case_ enddata "status=deferred dsn=4.4.2 .*text=connection closed instead of a reply to DATA" - stays -e - -r "DATA: close"
	case_ enddot "status=deferred dsn=4.4.2 .*text=connection closed instead of a reply to the final dot; .* may arrive twice" - stays -e - -r "DOT: close"
	case_ resetdot "status=deferred dsn=4.4.2 .*Connection reset by peer; the message may have been taken" - stays -e - -r "DOT: reset"
	# Nobody there.
	case_ refused "relay=mx.refused.test.*status=deferred dsn=4.4.1 .*text=cannot connect: Connection refused" - stays
	case_ dead "status=deferred dsn=4.4.1 .*text=cannot connect: Connection timed out" - stays
	case_ half "status=sent dsn=2.0.0" - gone -e PIPELINING
	case_ null "status=bounced dsn=5.1.10 .*text=null.test does not accept mail (null MX)" "does not take any mail" gone
	case_ nowhere "status=bounced dsn=5.1.2 .*text=no such domain: nowhere.test" "its domain does not exist" gone
	case_ nohost "status=bounced dsn=5.4.4 .*text=no address for host mx.nohost.test" "no server for its domain" gone
	case_ loop "status=bounced dsn=5.4.6 .*text=mail for loop.test loops" - gone
	case_ nodns "status=deferred dsn=4.4.3 .*text=no answer from DNS" - stays
}

# The records of a case; most have a sink at the next address.
zone_of() { # NAME N
	case $1 in
	refused) echo "$1.test MX 10 mx.$1.test"; echo "mx.$1.test A 192.0.2.250" ;;
	dead) echo "$1.test MX 10 mx.$1.test"; echo "mx.$1.test A 198.51.100.7" ;;
	half)
		echo "$1.test MX 10 mx.$1.test"
		echo "mx.$1.test AAAA 2001:db8:dead::7"
		echo "mx.$1.test A 192.0.2.$2"
		;;
	null) echo "$1.test MX 0 ." ;;
	nowhere) ;;
	nohost) echo "$1.test MX 10 mx.$1.test"; echo "mx.$1.test TXT here" ;;
	loop) echo "$1.test MX 10 mx.us.test" ;;
	nodns) echo "$1.test SERVFAIL" ;;
	*) echo "$1.test MX 10 mx.$1.test"; echo "mx.$1.test A 192.0.2.$2" ;;
	esac
}

prepare() { # as case_: zone, sink
	local name=$1
	shift 4
	n=$((n + 1))
	zone_of "$name" "$n" >>"$LAB/zone"
	[ $# -gt 0 ] || return 0
	mkdir "$LAB/$name"
	in_net python3 "$ROOT/t/smtpsink.py" -l "192.0.2.$n" -p 25 "$@" "$LAB/$name" >"$LAB/$name/port" 2>>"$LAB/sinks.log" 3>&- 4>&- &
	echo $! >>"$LAB/pids"
}

send() {
	printf 'From: alice@us.test\nTo: b@%s.test\nSubject: to %s\n\nGr\303\274\303\237e\n' "$1" "$1" |
	    submit alice@us.test "b@$1.test"
}

setup_file() {
	[ "$(id -u)" = 0 ] || return 0	# setup says why nothing is tested
	need python3 python3
	LAB=$(private_dir)
	export LAB
	# shellcheck disable=SC2046
	net_up 192.0.2.{1,53,250}/32 $(printf '192.0.2.%d/32 ' {101..160})
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$LAB/key.pem" -out "$LAB/cert.pem" \
	    -days 2 -subj "/CN=other.test" -addext "subjectAltName=DNS:other.test" 2>/dev/null
	chmod 644 "$LAB/cert.pem"
	printf '%s\n' "us.test MX 10 mx.us.test" "mx.us.test A 192.0.2.1" >"$LAB/zone"
	: >"$LAB/pids"
	case_() { prepare "$@"; }
	cases
	in_net python3 "$ROOT/t/dnsd.py" -l 192.0.2.53 -p 53 "$LAB/zone" >"$LAB/dns.port" 2>>"$LAB/sinks.log" 3>&- 4>&- &
	echo $! >>"$LAB/pids"
	await 30 all_listen
	SSL_CERT_FILE=$LAB/cert.pem house "$LAB/house" "retry-first 3s" "retry-max 1h" "connect-timeout 60s" "reply-timeout 30s"
	printf '%s\n' "brokenmust.test mx: tls=encrypt" "wrongmust.test mx: tls=verify" >"$CONTROL/routes"
	case_() { send "$1"; }
	cases
}
all_listen() {
	local file
	for file in "$LAB"/*/port "$LAB/dns.port"; do
		[ -s "$file" ] || return 1
	done
}

teardown_file() {
	local pids
	[ -n "${LAB-}" ] || return 0
	DIR=$LAB/house
	[ ! -e "$DIR/env" ] || house_end
	mapfile -t pids <"$LAB/pids"
	end "${pids[@]}"
	net_down
	rm -rf "$LAB"
}

setup() {
	need_root
	DIR=$LAB/house
	load_env "$DIR"
	bad=0
}

wrong() {
	bad=$((bad + 1))
	echo "$1"
	[ ! -e "$LAB/${1%%:*}/log" ] || head -n 30 "$LAB/${1%%:*}/log"
	grep "rcpt=<b@${1%%:*}.test>" "$DIR/log/queue" | head -n 3
}

@test "each is logged as what it is" {
	case_() { await 20 logged "rcpt=<b@$1.test> .*$2" || wrong "$1: not logged: $2"; }
	cases
	[ "$bad" = 0 ]
	# What goes on without TLS is told.
	logged "warn text=TLS handshake with mx.brokentls.test\[192.0.2.[0-9]*\]:25 failed, going on without"
	logged "relay=mx.wrongcert.test\[192.0.2.[0-9]*\]:25 tls=TLSv1.3 text=.*certificate not trusted: [Hh]ostname mismatch"
	logged "warn text=mx.liepipe.test\[192.0.2.[0-9]*\]:25 offers PIPELINING and loses commands: sending one at a time"
	for name in liepipe liercpt liebdat lie503 lie354 lieclose; do	# at once, not at the next try
		not logged "rcpt=<b@$name.test> .*status=deferred"
	done
	# The greylisted one comes through at the second try.
	await 20 logged "rcpt=<b@greylist.test> .*status=sent"
}

@test "the sender is told what failed for good, and of nothing else" {
	case_() {
		local file
		[[ $2 == *status=bounced* ]] || {
			! got "$(maildir alice@us.test)" "Final-Recipient: rfc822; b@$1.test" || wrong "$1: a report that should not be"
			return 0
		}
		await 15 got "$(maildir alice@us.test)" "Final-Recipient: rfc822; b@$1.test" || wrong "$1: no report"
		file=$(grep -rlF "Final-Recipient: rfc822; b@$1.test" "$(maildir alice@us.test)/new")
		[ "$(wc -l <<<"$file")" = 1 ] || wrong "$1: several reports"
		tr '\n' ' ' <"$file" | grep -q "Your message to b@$1.test could not be delivered, because" || wrong "$1: no sentence"
		[ "$3" = - ] || tr '\n' ' ' <"$file" | grep -qF "$3" || wrong "$1: not said: $3"
	}
	cases
	[ "$bad" = 0 ]
}

# queued NAME: its message is in the queue; looked for in the order in which it goes.
queued() { grep -rqsxF "Delivered-To: b@$1.test" "$SPOOL/new" "$SPOOL/cur"; }
unqueued() { ! queued "$1"; }

@test "what may go later stays in the queue with the last answer, and the rest is gone" {
	case_() {
		if [ "$4" = gone ]; then
			await 10 unqueued "$1" || wrong "$1: still there"
		else
			queued "$1" || wrong "$1: not there"
			await 10 grep -qs "b@$1.test	4" "$SPOOL"/state/* || wrong "$1: no state"
		fi
	}
	cases
	[ "$bad" = 0 ]
}

@test "nothing arrived twice or changed; a dead family did not cost its time-out" {
	for name in fine slow dripping old greylist liechunk liepipe liercpt liebdat liedata lie503 lie354 lieclose lietls brokentls wrongcert half; do
		[ "$(find "$LAB/$name" -name '*.eml' | wc -l)" = 1 ] || wrong "$name: not once"
		python3 - "$LAB/$name/1.eml" <<-'E' || wrong "$name: changed"
		import email, email.policy, sys
		m = email.message_from_binary_file(open(sys.argv[1], "rb"), policy=email.policy.default)
		got = m.get_content() if m["content-type"] else m.get_payload(decode=True).decode()
		assert got.replace("\r", "") == "Grüße\n", got
		E
	done
	[ "$bad" = 0 ]
	logged "rcpt=<b@half.test> relay=mx.half.test\[192.0.2.[0-9]*\]:25 status=sent dsn=2.0.0 delay=[1-5]\{0,1\}[0-9] "
}
