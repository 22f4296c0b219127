# remote.bats: deliver-remote against servers that do what a test tells them.  For each: what is answered to queue, what is
# logged, and what the server got.
# shellcheck shell=bash disable=SC2012,SC2016,SC2030,SC2031,SC2153,SC2154,SC2317

bats_require_minimum_version 1.5.0

load helper
load lab

setup() {
	need python3 python3
	lab_start
}

teardown() {
	lab_stop
}

certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$LAB/key.pem" -out "$LAB/cert.pem" \
	    -days 2 -subj "/CN=${1:-localhost}" -addext "subjectAltName=DNS:${1:-localhost}" 2>/dev/null
}

@test "a message arrives whole, without its envelope fields, in CRLF with stuffed dots" {
	sink sink
	echo "far.test [127.0.0.1]:$PORT" >"$LAB/control/routes"
	name=$(printf 'Subject: x\nReturn-Path: stays\n\n.\n..a\nbare\rCR\n.\rx\nlast' |
	    spool a@me.test "Delivered-To: secret@far.test" "Delivered-To: b@far.test" "Envelope-Auth: alice")
	job "$name" far.test 12:2:b@far.test | deliver
	[ "$output" = "12 done 2.0.0 [127.0.0.1] 250 2.0.0 kept" ]
	printf '%s\r\n' "Received: by me.test; Sun, 22 Nov 2026 00:00:00 +0000" "Subject: x" "Return-Path: stays" "" .. ...a \
	    "bare CR" ".. x" last | cmp - "$LAB/sink/1.eml"
	[ "$(head -n 1 "$LAB/sink/1.env")" = "MAIL FROM:<a@me.test> SIZE=$(($(wc -c <"$LAB/sink/1.eml") - 3 - 2))" ]
	[ "$(sed 1d "$LAB/sink/1.env")" = "RCPT TO:<b@far.test>" ]
	grep -q "result qid=${name%%.me.test*} rcpt=<b@far.test> relay=\[127.0.0.1\]:$PORT status=sent dsn=2.0.0 delay=[0-9]* text=250 2.0.0 kept$" \
	    "$LAB/log"
	# The message itself stays where it was: queue removes it.
	[ -e "$LAB/spool/new/$name" ]
}

@test "a large message and a null sender" {
	sink sink
	echo "far.test [127.0.0.1]:$PORT" >"$LAB/control/routes"
	{
		printf 'Subject: large\n\n'
		seq 1 400000
	} >"$LAB/body"
	name=$(spool "" "Delivered-To: b@far.test" <"$LAB/body")
	job "$name" far.test 1:1:b@far.test | deliver
	[[ $output == "1 done 2.0.0 "* ]]
	grep -q '^MAIL FROM:<> SIZE=' "$LAB/sink/1.env"
	tr -d '\r' <"$LAB/sink/1.eml" | sed 1d | cmp - "$LAB/body"
}

@test "each refusal at each step is told in the other side's words" {
	try "defer 4.0.0 \[127.0.0.1\] 450 not now" -r "MAIL: 450 not now"
	try "defer 4.7.1 \[127.0.0.1\] 451 4.7.1 greylisted" -r "RCPT: 451 4.7.1 greylisted"
	try "fail 5.1.1 \[127.0.0.1\] 550 5.1.1 no such user / see https://sink.test/" \
	    -r 'RCPT: 550-5.1.1 no such user\r\n550 5.1.1 see https://sink.test/'
	try "fail 5.0.0 \[127.0.0.1\] 550 no such user" -r "RCPT: 550 no such user"
	try "fail 5.0.0 \[127.0.0.1\] 550 4.1.1 confused" -r "RCPT: 550 4.1.1 confused"
	try "fail 5.7.1 \[127.0.0.1\] 553 5.7.1 sender refused" -r "MAIL: 553 5.7.1 sender refused"
	try "fail 5.5.1 \[127.0.0.1\] 554 5.5.1 no data" -r "DATA: 554 5.5.1 no data"
	try "defer 4.3.1 \[127.0.0.1\] 452 4.3.1 disk full" -r "DATA: 452 4.3.1 disk full"
	try "fail 5.7.1 \[127.0.0.1\] 554 5.7.1 spam" -r "DOT: 554 5.7.1 spam"
	try "defer 4.3.0 \[127.0.0.1\] 451 4.3.0 later" -r "DOT: 451 4.3.0 later"
	try "done 2.6.0 \[127.0.0.1\] 250 2.6.0 queued as 1234 % <x>" -r "DOT: 250 2.6.0 queued as 1234 % <x>"
}

@test "a server that does not want us at all: greeting and EHLO" {
	try "fail 5.3.2 \[127.0.0.1\] 521 5.3.2 no mail here" -r "CONNECT: 521 5.3.2 no mail here"
	try "defer 4.3.2 \[127.0.0.1\] 421 4.3.2 too busy" -r "CONNECT: 421 4.3.2 too busy"
	try "defer 4.7.0 \[127.0.0.1\] 450 4.7.0 who are you" -r "EHLO: 450 4.7.0 who are you"
	try "fail 5.7.1 \[127.0.0.1\] 550 5.7.1 go away" -r "EHLO: 550 5.7.1 go away" -r "HELO: 550 5.7.1 go away"
	try "done 2.0.0 *" -e HELO
	grep -q '^1< HELO me.test$' "$LAB/sink/log"
	run ! grep -q SIZE= "$LAB/sink/1.env"
}

@test "a connection that ends at any step is a deferral, and says where" {
	try "defer 4.4.2 \[127.0.0.1\] connection closed instead of a reply to the connection" -r "CONNECT: close"
	try "defer 4.4.2 \[127.0.0.1\] connection closed instead of a reply to EHLO" -r "EHLO: close"
	try "defer 4.4.2 \[127.0.0.1\] connection closed instead of a reply to MAIL" -e - -r "MAIL: close"
	try "defer 4.4.2 \[127.0.0.1\] connection closed instead of a reply to RCPT" -e - -r "RCPT: close"
	try "defer 4.4.2 \[127.0.0.1\] connection closed instead of a reply to DATA" -e - -r "DATA: close"
	try "defer 4.4.2 \[127.0.0.1\] connection closed instead of a reply to the final dot; the message may have been taken and may arrive twice" \
	    -r "DOT: close"
	try "defer 4.4.2 \[127.0.0.1\] connection lost while waiting for the reply to EHLO: Connection reset by peer" -r "EHLO: reset"
	try "defer 4.3.2 \[127.0.0.1\] 421 4.3.2 shutting down" -r "RCPT: 421 4.3.2 shutting down && close"
	try "defer 4.3.2 \[127.0.0.1\] 421 4.3.2 shutting down" -r "MAIL: 421 4.3.2 shutting down && close"
	# Nothing listens there.
	echo "far.test [127.0.0.1]:1" >"$LAB/control/routes"
	job "$(simple)" far.test 7:1:b@far.test | deliver
	[ "$output" = "7 defer 4.4.1 [127.0.0.1] cannot connect: Connection refused" ]
}

# side NAME SINK-ARGS...: a server of its own for NAME.test, beside others.  all_sides: a message for each, all at once; sides_say NAME
# ANSWER: the answer for that one begins so.
side() {
	local name=$1
	shift
	sink "$name" "$@"
	echo "$name.test [127.0.0.1]:$PORT ${ROUTE-}" >>"$LAB/control/routes"
}
all_sides() {
	local n=0 name rest
	while read -r name rest; do
		n=$((n + 1))
		echo "$n ${name%.test}" >>"$LAB/sides"
		job "$(simple)" "$name" "$n:1:b@$name" >>"$LAB/jobs"
	done <"$LAB/control/routes"
	deliver <"$LAB/jobs"
}
sides_say() {
	local id
	id=$(sed -n "s/ $1\$//p" "$LAB/sides")
	[[ $(grep "^$id " "$LAB/answers") == "$id $2"* ]] || {
		echo "not said of $1: $2"
		cat "$LAB/answers" "$LAB/$1/log"
		return 1
	}
}

@test "slow servers: each reply has its time, drop by drop or not at all" {
	lab_settings "reply-timeout 15s"
	side connect -r "CONNECT: sleep 300"
	side mail -e - -r "MAIL: sleep 300"
	side dot -r "DOT: sleep 300"
	side drops -r "EHLO: slow && $(printf '250-drop by drop\\r\\n%.0s' {1..50})250 end"	# more than 40 seconds
	all_sides
	sides_say connect "defer 4.4.2 [127.0.0.1] no reply to the connection in time"
	sides_say mail "defer 4.4.2 [127.0.0.1] no reply to MAIL in time"
	sides_say dot "defer 4.4.2 [127.0.0.1] no reply to the final dot in time; the message may have been taken and may arrive twice"
	sides_say drops "defer 4.4.2 [127.0.0.1] no reply to EHLO in time"
	lab_settings
	try "done 2.0.0 *" -r "RCPT: slow && go"
}

@test "replies that are none end the connection" {
	try "defer 4.5.0 \[127.0.0.1\] malformed reply to the connection" -r "CONNECT: HTTP/1.1 400 Bad Request"
	try "defer 4.5.0 \[127.0.0.1\] malformed reply to EHLO" -r 'EHLO: 250-a\r\n550 b'
	try "defer 4.5.0 \[127.0.0.1\] malformed reply to EHLO" -r 'EHLO: raw 250 bare\n'
	try "defer 4.5.0 \[127.0.0.1\] malformed reply to EHLO" -r 'EHLO: raw 250 nul\0\r\n'
	try "defer 4.5.0 \[127.0.0.1\] malformed reply to RCPT" -r 'RCPT: raw 250 cr\rx\r\n'
	try "defer 4.5.0 \[127.0.0.1\] malformed reply to EHLO" -r "EHLO: $(printf '250-x%.0s' {1..1000})"
	try "defer 4.5.0 \[127.0.0.1\] unexpected reply to MAIL: 354 what" -e - -r "MAIL: 354 what"
	try "defer 4.5.0 \[127.0.0.1\] unexpected reply to DATA: 250 2.0.0 ok" -r "DATA: 250 2.0.0 ok"
	try "fail 5.1.1 \[127.0.0.1\] 550 5.1.1 ?\[2J?" -r 'RCPT: 550 5.1.1 \x1b[2J\x07'
}

@test "an endless reply is cut off" {
	many=$(printf '250-x\\r\\n%.0s' {1..150})
	try "defer 4.5.0 \[127.0.0.1\] malformed reply to EHLO" -r "EHLO: ${many}250 end"
}

@test "a server that lies about its extensions" {
	# Says PIPELINING, and drops what came along with MAIL.
	try "done 2.0.0 *" -e "PIPELINING" -r "RCPT: sleep 0.2 && go"
	# No PIPELINING: each command waits for its reply.
	try "done 2.0.0 *" -e "8BITMIME"
	run ! grep -q SIZE= "$LAB/sink/1.env"
	# Unknown and broken keywords are nothing.
	try "done 2.0.0 *" -r 'EHLO: 250-sink\r\n250-\r\n250-SIZE x\r\n250-X-FOO BAR\r\n250 PIPELININGX'
	try "fail 5.3.4 \[127.0.0.1\] message of 79 bytes is over the limit of \[127.0.0.1\], 10" -e "SIZE 10"
	run ! grep -q '< MAIL' "$LAB/sink/log"
	# 354 although every recipient was refused: the message does not go.
	try "fail 5.1.1 *" -r "RCPT: 550 5.1.1 no" -r "DATA: 354 go on"
	grep -q '^1! data 0$' "$LAB/sink/log"
}

@test "several recipients: each has its own answer, and the message goes once" {
	sink sink -r "RCPT~bad@: 550 5.1.1 no bad here" -r "RCPT~later@: 450 4.2.1 later"
	echo "far.test [127.0.0.1]:$PORT" >"$LAB/control/routes"
	job "$(simple)" far.test 3:1:one@far.test 4:2:bad@far.test 5:3:later@far.test 6:3.1:two@far.test | deliver
	[ "$(sort "$LAB/answers")" = "3 done 2.0.0 [127.0.0.1] 250 2.0.0 kept
4 fail 5.1.1 [127.0.0.1] 550 5.1.1 no bad here
5 defer 4.2.1 [127.0.0.1] 450 4.2.1 later
6 done 2.0.0 [127.0.0.1] 250 2.0.0 kept" ]
	[ "$(ls "$LAB"/sink/*.eml | wc -l)" = 1 ]
	[ "$(grep -c 'result qid=' "$LAB/log")" = 4 ]
}

@test "more than 100 recipients go in several transactions on one connection" {
	sink sink
	echo "far.test [127.0.0.1]:$PORT" >"$LAB/control/routes"
	# shellcheck disable=SC2046
	job "$(simple)" far.test $(seq 1 250 | sed 's/.*/&:1:u&@far.test/') | deliver
	[ "$(grep -c ' done 2.0.0 ' "$LAB/answers")" = 250 ]
	[ "$(ls "$LAB"/sink/*.eml | wc -l)" = 3 ]
	[ "$(cat "$LAB"/sink/*.env | grep -c ^RCPT)" = 250 ]
	[ "$(grep -c '! connect' "$LAB/sink/log")" = 1 ]
}

@test "a server that has enough recipients gets the others in its next transaction" {
	declare -A says=([-]="452 4.5.3" [PIPELINING]="552 5.5.3" [PIPELINING,CHUNKING]=452)
	for offer in "${!says[@]}"; do
		sink sink -e "$offer" -r "RCPT#4-10: ${says[$offer]} too many"
		echo "far.test [127.0.0.1]:$PORT" >"$LAB/control/routes"
		# shellcheck disable=SC2046
		job "$(simple)" far.test $(seq 1 10 | sed 's/.*/&:1:u&@far.test/') | deliver
		[ "$(grep -c ' done 2.0.0 ' "$LAB/answers")" = 10 ]
		[ "$(ls "$LAB"/sink/*.eml | wc -l)" = 4 ]
		[ "$(cat "$LAB"/sink/*.env | grep ^RCPT | sort -u | wc -l)" = 10 ]
		[ "$(cat "$LAB"/sink/*.env | grep -c ^RCPT)" = 10 ]
		# Ten were offered once, and then three at a time, as many as it took.
		[ "$(grep -c '< RCPT' "$LAB/sink/log")" = 17 ]
		[ "$(grep -c '! connect' "$LAB/sink/log")" = 1 ]
		# Where nobody has got it, there is no next one.
		sink sink -e "$offer" -r "RCPT#3-: 452 4.5.3 too many" -r "DOT: 554 5.7.1 spam"
		echo "far.test [127.0.0.1]:$PORT" >"$LAB/control/routes"
		# shellcheck disable=SC2046
		job "$(simple)" far.test $(seq 1 5 | sed 's/.*/&:1:u&@far.test/') | deliver
		[ "$(grep -c ' fail 5.7.1 .* 554 5.7.1 spam$' "$LAB/answers")" = 2 ]
		[ "$(grep -c ' defer 4.5.3 .* 452 4.5.3 too many$' "$LAB/answers")" = 3 ]
		[ "$(grep -c '< MAIL' "$LAB/sink/log")" = 1 ]
	done
}

@test "one connection for many messages, RSET where a transaction was refused" {
	sink sink -r "RCPT~bad@: 550 5.1.1 no"
	echo "far.test [127.0.0.1]:$PORT" >"$LAB/control/routes"
	lab_settings "destination-jobs 1"
	for i in 1 2 3; do
		job "$(simple)" far.test "$i:1:b@far.test"
		job "$(simple)" far.test "10$i:1:bad@far.test"
	done | deliver
	[ "$(grep -c '^[123] done' "$LAB/answers")" = 3 ]
	[ "$(grep -c '^10[123] fail 5.1.1' "$LAB/answers")" = 3 ]
	[ "$(grep -c '! connect' "$LAB/sink/log")" = 1 ]
	grep -q '< RSET' "$LAB/sink/log"
	await 10 grep -q '< QUIT' "$LAB/sink/log"
}

@test "a connection that was closed while idle costs nothing" {
	# The second MAIL is answered with 421, or by closing; a new connection takes it.
	for rule in "MAIL#2: 421 4.4.2 idle too long && close" "MAIL#2: close"; do
		sink sink -r "$rule"
		echo "far.test [127.0.0.1]:$PORT" >"$LAB/control/routes"
		lab_settings "destination-jobs 1"
		for i in 1 2 3; do
			job "$(simple)" far.test "$i:1:b@far.test"
		done | deliver
		[ "$(grep -c ' done 2.0.0 ' "$LAB/answers")" = 3 ]
		[ "$(grep -c '! connect' "$LAB/sink/log")" = 2 ]
		[ "$(ls "$LAB"/sink/*.eml | wc -l)" = 3 ]
	done
}

@test "domains that share a smarthost share its connections; idle ones end" {
	sink sink
	echo "* [127.0.0.1]:$PORT" >"$LAB/control/routes"
	lab_settings "connection-reuse 10s" "destination-jobs 1"
	mkfifo "$LAB/jobs"
	"$BIN/deliver-remote" <"$LAB/jobs" >"$LAB/answers" 2>>"$LAB/log" &
	pid=$!
	LAB_PIDS+=("$pid")
	exec 8>"$LAB/jobs"
	# In one write: what is idle meanwhile does not end because the test takes its time.
	jobs=$(job "$(simple)" far.test 1:1:b@far.test; job "$(simple)" other.test 2:1:b@other.test)
	printf '%s\n' "$jobs" >&8
	await 10 grep -q '^1 done' "$LAB/answers"
	await 10 grep -q '^2 done' "$LAB/answers"
	[ "$(grep -c '! connect' "$LAB/sink/log")" = 1 ]
	await 10 grep -q '< QUIT' "$LAB/sink/log"
	await 10 childless "$pid"
	job "$(simple)" far.test 3:1:b@far.test >&8
	await 10 grep -q '^3 done' "$LAB/answers"
	[ "$(grep -c '! connect' "$LAB/sink/log")" = 2 ]
	exec 8>&-
	await 10 gone "$pid"
}
childless() { [ -z "$(children "$1")" ]; }

@test "greylisting: the same job succeeds later" {
	sink sink -r "RCPT#-1: 451 4.7.1 greylisted, try again"
	echo "far.test [127.0.0.1]:$PORT" >"$LAB/control/routes"
	name=$(simple)
	job "$name" far.test 1:1:b@far.test | deliver
	[[ $output == "1 defer 4.7.1 "* ]]
	job "$name" far.test 1:1:b@far.test | deliver
	[[ $output == "1 done 2.0.0 "* ]]
}

@test "STARTTLS: used when offered, required when told, verified when told" {
	certificate localhost
	tls=(-c "$LAB/cert.pem" -k "$LAB/key.pem")
	try "done 2.0.0 *" "${tls[@]}"
	grep -q '! tls TLSv1' "$LAB/sink/log"
	grep -q ' tls=TLSv1[.0-9]* status=sent' "$LAB/log"
	# After the handshake EHLO is said again.
	[ "$(grep -c '< EHLO' "$LAB/sink/log")" = 2 ]
	ROUTE=tls=none try "done 2.0.0 *" "${tls[@]}"
	run ! grep -q '< STARTTLS' "$LAB/sink/log"
	ROUTE=tls=encrypt try "done 2.0.0 *" "${tls[@]}"
	ROUTE=tls=encrypt try "defer 4.7.4 \[127.0.0.1\] TLS is required, but the server does not offer it"
	ROUTE=tls=encrypt try "defer 4.7.4 \[127.0.0.1\] TLS is required, but the server refused it: 454 4.7.0 not now" \
	    "${tls[@]}" -r "STARTTLS: 454 4.7.0 not now"
	ROUTE=tls=verify try "defer 4.7.5 \[127.0.0.1\] TLS handshake failed: *" "${tls[@]}"
	run ! grep -q '< MAIL' "$LAB/sink/log"
	try "done 2.0.0 *" "${tls[@]}" -r "STARTTLS: 454 4.7.0 not now"
}

@test "STARTTLS, verify: the right name by the right authority, and no other" {
	certificate localhost
	sink sink -c "$LAB/cert.pem" -k "$LAB/key.pem"
	zone <<-E
	wrong.test A 127.0.0.1
	E
	sink sink -c "$LAB/cert.pem" -k "$LAB/key.pem"
	echo "far.test localhost:$PORT tls=verify" >"$LAB/control/routes"
	echo "wrong.test wrong.test:$PORT tls=verify" >>"$LAB/control/routes"
	export SSL_CERT_FILE=$LAB/cert.pem
	job "$(simple)" far.test 1:1:b@far.test | deliver
	[[ $output == "1 done 2.0.0 [localhost] "* ]]
	job "$(simple)" wrong.test 1:1:b@wrong.test | deliver
	[[ $output == "1 defer 4.7.5 [wrong.test] TLS handshake failed: "* ]]
	unset SSL_CERT_FILE
	job "$(simple)" far.test 1:1:b@far.test | deliver
	[[ $output == "1 defer 4.7.5 [localhost] TLS handshake failed: "* ]]
}

@test "STARTTLS, broken: plain again where it may be, deferred where it may not" {
	certificate localhost
	try "done 2.0.0 *" -e "PIPELINING,STARTTLS" -r "STARTTLS: 220 ready && hear && raw this is not TLS at all"
	[ "$(grep -c '! connect' "$LAB/sink/log")" = 2 ]
	grep -q 'warn text=TLS handshake with \[127.0.0.1\].* failed, going on without' "$LAB/log"
	ROUTE=tls=encrypt try "defer 4.7.5 \[127.0.0.1\] TLS handshake failed: *" \
	    -e "PIPELINING,STARTTLS" -r "STARTTLS: 220 ready && hear && raw this is not TLS at all"
	ROUTE=tls=encrypt try "defer 4.7.5 *" -e "PIPELINING,STARTTLS" -r "STARTTLS: 220 ready && close"
	# TLS 1.3: what the server does not like it says when our side is done.
	tls=(-c "$LAB/cert.pem" -k "$LAB/key.pem")
	try "done 2.0.0 *" "${tls[@]}" -r "EHLO#2: close"
	[ "$(grep -c '! connect' "$LAB/sink/log")" = 2 ]
	[ "$(grep -c '! tls' "$LAB/sink/log")" = 1 ]
	ROUTE=tls=encrypt try "defer 4.7.5 \[127.0.0.1\] TLS handshake failed: connection *" \
	    "${tls[@]}" -r "EHLO#2: close"
	# Words inside TLS are an answer, and no reason to go without.
	try "defer 4.3.2 \[127.0.0.1\] 450 4.3.2 not now" "${tls[@]}" -r "EHLO#2: 450 4.3.2 not now"
}

@test "STARTTLS: what a stranger puts behind 220 is never taken for a reply inside TLS" {
	# ../shared/testdata/vectors/starttls-injection.tsv, smtp-client: CVE-2021-38371.
	certificate localhost
	tls=(-c "$LAB/cert.pem" -k "$LAB/key.pem")
	for policy in may encrypt; do
		ROUTE=tls=$policy try "defer 4.7.0 \[127.0.0.1\] the server sent data between STARTTLS and the handshake" \
		    "${tls[@]}" -r 'STARTTLS: raw 220 ready\r\n250 evil\r\n && go'
		run ! grep -q '! tls' "$LAB/sink/log"
		run ! grep -q '< MAIL' "$LAB/sink/log"
	done
}

@test "AUTH with the route's credentials, and never in clear over a network" {
	certificate localhost
	tls=(-c "$LAB/cert.pem" -k "$LAB/key.pem")
	ROUTE="tls=encrypt user=alice password=se cret" try "done 2.0.0 *" "${tls[@]}" -e "PIPELINING,AUTH LOGIN PLAIN"
	grep -q "< AUTH PLAIN $(printf '\0alice\0se cret' | base64)$" "$LAB/sink/log"
	ROUTE="tls=encrypt user=alice password=secret" try "done 2.0.0 *" "${tls[@]}" -e "AUTH LOGIN"
	grep -A 4 '< AUTH LOGIN' "$LAB/sink/log" | grep -q "< $(printf secret | base64)$"
	ROUTE="tls=encrypt user=alice password=secret" \
	    try "defer 4.7.8 \[127.0.0.1\] login as alice refused: 535 5.7.8 no" "${tls[@]}" -e "AUTH PLAIN" -r "AUTH: 535 5.7.8 no"
	ROUTE="tls=encrypt user=alice password=secret" \
	    try "defer 4.7.0 \[127.0.0.1\] the server offers none of AUTH SCRAM-SHA-256, PLAIN and LOGIN" "${tls[@]}"
	run ! grep -q 'secret\|c2VjcmV0' "$LAB/log"
}

@test "AUTH SCRAM-SHA-256: no password leaves, and the server must know it too" {
	certificate localhost
	tls=(-c "$LAB/cert.pem" -k "$LAB/key.pem")
	route="tls=encrypt user=alice password=secret"
	ROUTE=$route try "done 2.0.0 *" "${tls[@]}" -e "AUTH PLAIN SCRAM-SHA-256 LOGIN"
	grep -q '> 235 2.7.0 welcome by SCRAM' "$LAB/sink/log"
	not grep -q "$(printf '\0alice\0secret' | base64)" "$LAB/sink/log"
	# The account has no SCRAM keys: another mechanism is as good as if this one were not offered.
	ROUTE=$route try "done 2.0.0 *" "${tls[@]}" -a alice:other -e "AUTH PLAIN SCRAM-SHA-256"
	grep -q '< AUTH PLAIN' "$LAB/sink/log"
	ROUTE=$route try "defer 4.7.8 \[127.0.0.1\] login as alice refused: 535 5.7.8 no" "${tls[@]}" -a alice:other -e "AUTH SCRAM-SHA-256"
	# Whoever takes any password does not get this one by PLAIN.
	ROUTE=$route try "defer 4.7.8 \[127.0.0.1\] login as alice: the server does not show that it knows the password" \
	    "${tls[@]}" -e "AUTH PLAIN SCRAM-SHA-256" -r "AUTH~SCRAM: 235 2.7.0 come in"
	not grep -q '< AUTH PLAIN' "$LAB/sink/log"
	ROUTE=$route try "defer 4.7.8 \[127.0.0.1\] login as alice *" "${tls[@]}" -e "AUTH SCRAM-SHA-256" \
	    -r "AUTH: 334 cj14LHM9eCxpPTk5OTk5OTk5OTk="
	grep -q '^1< \*$' "$LAB/sink/log"
}

@test "source= and helo= of a route, and connections are not shared between them" {
	sink sink
	echo "far.test [127.0.0.1]:$PORT source=127.0.0.9 helo=out.me.test source=::1" >"$LAB/control/routes"
	echo "other.test [127.0.0.1]:$PORT" >>"$LAB/control/routes"
	lab_settings "destination-jobs 1"
	{
		job "$(simple)" far.test 1:1:b@far.test
		job "$(simple)" other.test 2:1:b@other.test
	} | deliver
	[ "$(grep -c ' done ' "$LAB/answers")" = 2 ]
	[ "$(sed -n 's/.*! connect //p' "$LAB/sink/log" | sort)" = "127.0.0.1
127.0.0.9" ]
	[ "$(grep -c '< EHLO out.me.test$' "$LAB/sink/log")" = 1 ]
	[ "$(grep -c '< EHLO me.test$' "$LAB/sink/log")" = 1 ]
	# An address that is not ours is our error: mail waits.
	echo "far.test [127.0.0.1]:$PORT source=192.0.2.77" >"$LAB/control/routes"
	job "$(simple)" far.test 1:1:b@far.test | deliver
	[ "$output" = "1 defer 4.3.5 [127.0.0.1] cannot connect from 192.0.2.77: it is the source= of the route, and no address of this machine" ]
}

@test "TLS in the log: whose certificate it was, for addresses too" {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$LAB/key.pem" -out "$LAB/cert.pem" \
	    -days 2 -subj "/CN=x" -addext "subjectAltName=IP:127.0.0.1,IP:::1,DNS:right.test" 2>/dev/null
	tls=(-c "$LAB/cert.pem" -k "$LAB/key.pem")
	try "done 2.0.0 *" "${tls[@]}"
	grep -q "tls qid=[0-9a-f.]* relay=\[127.0.0.1\]:[0-9]* tls=TLSv1.3 text=TLS_[A-Z0-9_]*, certificate not trusted: self-signed certificate$" "$LAB/log"
	export SSL_CERT_FILE=$LAB/cert.pem
	ROUTE=tls=verify try "done 2.0.0 *" "${tls[@]}"
	grep -q ' tls=TLSv1.3 text=TLS_[A-Z0-9_]*, certificate verified$' "$LAB/log"
	zone <<-E
	wrong.test A 127.0.0.1
	E
	sink sink "${tls[@]}"
	# The wrong name: opportunistic TLS goes on, and the log tells.
	echo "far.test wrong.test:$PORT" >"$LAB/control/routes"
	: >"$LAB/log"
	job "$(simple)" far.test 1:1:b@far.test | deliver
	[[ $output == "1 done "* ]]
	grep -qi 'certificate not trusted: hostname mismatch$' "$LAB/log"
	sink sink -l 127.0.0.2 "${tls[@]}"
	echo "far.test [127.0.0.2]:$PORT tls=verify" >"$LAB/control/routes"
	job "$(simple)" far.test 1:1:b@far.test | deliver
	[[ ${output,,} == "1 defer 4.7.5 [127.0.0.2] tls handshake failed: ip address mismatch" ]]
}

@test "a TLS handshake has one time for all of it, drop by drop or not at all" {
	lab_settings "reply-timeout 15s"
	ROUTE=tls=encrypt
	side never -e STARTTLS -r "STARTTLS: 220 ready && sleep 300"
	# Drop by drop until 75 seconds are over, and then another end.
	side drops -e STARTTLS -r "STARTTLS: 220 ready && hear && slow && raw \\x16\\x03\\x03\\x3f\\xf0$(printf '\\x00%.0s' {1..1500}) && close"
	all_sides
	sides_say never "defer 4.7.5 [127.0.0.1] TLS handshake failed: Connection timed out"
	sides_say drops "defer 4.7.5 [127.0.0.1] TLS handshake failed: Connection timed out"
}

@test "each step has its share of reply-timeout (RFC 5321 section 4.5.3.2)" {
	# Of 5 minutes: greeting, MAIL and RCPT all, DATA two, a block of content three, the final dot ten.
	lab_settings "reply-timeout 15s"
	side data -e - -r "DATA: sleep 300"
	side rcpt -e - -r "RCPT: sleep 300"
	side dot -e - -r "DOT: sleep 300"
	side block -e - -r "DATA: 354 go on && sleep 300"	# a server that does not read
	simple() {
		{
			printf 'Subject: x\n\n'
			[ "$name" != block.test ] || yes 'a line of a message that nobody reads' | head -c 30000000
		} | spool a@me.test "Delivered-To: b@far.test"
	}
	all_sides
	sides_say data "defer 4.4.2 [127.0.0.1] no reply to DATA in time"
	sides_say rcpt "defer 4.4.2 [127.0.0.1] no reply to RCPT in time"
	sides_say dot "defer 4.4.2 [127.0.0.1] no reply to the final dot in time; the message may"
	sides_say block "defer 4.4.2 [127.0.0.1] connection lost while sending the message"
	took() { # NAME SECONDS
		local delay
		delay=$(sed -n "s/.*rcpt=<b@$1.test> .* delay=\([0-9]*\) .*/\1/p" "$LAB/log")
		echo "$1: $delay s"
		[ "$delay" -ge "$2" ]
	}
	took data 6
	took rcpt 15
	took dot 30
	took block 9
}

@test "8-bit and internationalized mail only where it is taken" {
	sink sink
	echo "far.test [127.0.0.1]:$PORT" >"$LAB/control/routes"
	job "$(printf 'Subject: x\n\ngr\303\274n\n' | spool a@me.test "Delivered-To: b@far.test")" far.test 1:1:b@far.test | deliver
	[[ $output == "1 done "* ]]
	grep -q 'BODY=8BITMIME' "$LAB/sink/1.env"
	# A late 8-bit byte in a large message is seen too.
	{
		printf 'Subject: x\n\n'
		seq 1 100000
		printf '\374\n'
	} | spool a@me.test "Delivered-To: b@far.test" >"$LAB/name"
	job "$(cat "$LAB/name")" far.test 1:1:b@far.test | deliver
	[[ $output == "1 done "* ]]
	grep -q 'BODY=8BITMIME' "$LAB/sink/2.env"
}

# content: what the sink got, without CR and our Received:.
content() {
	tr -d '\r' <"$LAB/sink/$1.eml" | sed 1d
}

@test "8-bit mail where 8BITMIME is missing: quoted-printable or base64, whole, and its size told before" {
	sink sink -e SIZE,PIPELINING
	echo "far.test [127.0.0.1]:$PORT" >"$LAB/control/routes"
	{
		printf 'Subject: x\n\n'
		seq 1 100000
		printf 'gr\303\274n\n'
	} | spool a@me.test "Delivered-To: b@far.test" >"$LAB/name"
	# shellcheck disable=SC2046
	job "$(cat "$LAB/name")" far.test $(seq 1 150 | sed 's/.*/&:1:u&@far.test/') | deliver
	[ "$(grep -c ' done 2.0.0 ' "$LAB/answers")" = 150 ]
	[ "$(content 1 | sed '/^$/q')" = "Subject: x
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable" ]
	cmp <(content 1) <(content 2)
	[ "$(content 1 | tail -n 1)" = "gr=C3=BCn" ]
	[ "$(content 1 | sed '1,/^$/d' | head -n 100000)" = "$(seq 1 100000)" ]
	grep -q "^MAIL FROM:<a@me.test> SIZE=$(($(wc -c <"$LAB/sink/1.eml")))$" "$LAB/sink/1.env"
	name=$(printf 'Content-Type: text/plain; charset=koi8-r\n\n\360\322\311\327\305\324\n' | spool a@me.test "Delivered-To: b@far.test")
	job "$name" far.test 1:1:b@far.test | deliver
	[ "$(content 3 | sed '1,/^$/d' | base64 -d)" = "$(printf '\360\322\311\327\305\324\r')" ]
	# In a part that is signed nothing may be changed (RFC 2480).
	name=$(printf 'Content-Type: multipart/signed; boundary=s\n\n--s\n\ngr\303\274n\n--s\n\nsig\n--s--\n' |
	    spool a@me.test "Delivered-To: b@far.test")
	job "$name" far.test 1:1:b@far.test | deliver
	[[ $output == "1 fail 5.6.2 [127.0.0.1] the server takes only 7-bit text"* ]]
}

@test "lines over 998 octets never leave" {
	sink sink -e 8BITMIME
	echo "far.test [127.0.0.1]:$PORT" >"$LAB/control/routes"
	name=$({
		printf 'Subject: x\nContent-Type: text/plain; charset=utf-8\n\n'
		head -c 200000 /dev/zero | tr '\0' x
		printf '\ngr\303\274n\n'
	} | spool a@me.test "Delivered-To: b@far.test")
	job "$name" far.test 1:1:b@far.test | deliver
	[[ $output == "1 done "* ]]
	[ "$(LC_ALL=C awk '{ if (length > n) n = length } END { print n }' "$LAB/sink/1.eml")" -le 77 ]
	python3 - "$LAB/sink/1.eml" <<-'E'
	import email, email.policy, sys
	m = email.message_from_binary_file(open(sys.argv[1], "rb"), policy=email.policy.default)
	assert m.get_content() == "x" * 200000 + "\ngrün\n", m.items()
	assert m["content-transfer-encoding"] == "quoted-printable"
	E
}

@test "addresses and headers beyond ASCII only where SMTPUTF8 is; a domain has another form" {
	sink sink -e SIZE,8BITMIME
	echo "* [127.0.0.1]:$PORT" >"$LAB/control/routes"
	name=$(printf 'Subject: x\n\nx\n' | spool a@me.test $'Delivered-To: gr\303\274n@far.test' "Envelope-Smtputf8: yes")
	job "$name" far.test $'1:1:gr\303\274n@far.test' 2:1.1:plain@far.test | deliver
	[ "$(sort "$LAB/answers")" = "1 fail 5.6.7 [127.0.0.1] does not take an address that is not ASCII (no SMTPUTF8)
2 done 2.0.0 [127.0.0.1] 250 2.0.0 kept" ]
	# An alias leads there, and the message came without SMTPUTF8.
	job "$(simple)" far.test $'1:1.1:gr\303\274n@far.test' | deliver
	[[ $output == "1 fail 5.6.7 "* ]]
	# A domain in A-labels is the same domain.
	job "$(simple)" $'b\303\274cher.test' $'1:1.1:b@b\303\274cher.test' | deliver
	[[ $output == "1 done "* ]]
	grep -q '^RCPT TO:<b@xn--bcher-kva.test>$' "$LAB/sink/2.env"
	name=$(printf 'Subject: x\n\nx\n' | spool $'a@b\303\274cher.test' "Delivered-To: b@far.test")
	job "$name" far.test 1:1:b@far.test | deliver
	grep -q '^MAIL FROM:<a@xn--bcher-kva.test>' "$LAB/sink/3.env"
	name=$(printf 'Subject: x\n\nx\n' | spool $'\303\274@me.test' "Delivered-To: b@far.test")
	job "$name" far.test 1:1:b@far.test | deliver
	[[ $output == "1 fail 5.6.7 "* ]]
	name=$(printf 'Subject: gr\303\274n\n\nx\n' | spool a@me.test "Delivered-To: b@far.test" "Envelope-Smtputf8: yes")
	job "$name" far.test 1:1:b@far.test | deliver
	[[ $output == "1 fail 5.6.9 "* ]]
	not grep -q $'\303' "$LAB"/sink/log
	sink sink -e SMTPUTF8,8BITMIME
	echo "far.test [127.0.0.1]:$PORT" >"$LAB/control/routes"
	job "$name" far.test $'1:1.1:gr\303\274n@far.test' | deliver
	[[ $output == "1 done "* ]]
	grep -q 'SMTPUTF8' "$LAB/sink/1.env"
	grep -q $'RCPT TO:<gr\303\274n@far.test>' "$LAB/sink/1.env"
	job "$(simple)" far.test $'1:1.1:gr\303\274n@far.test' | deliver
	grep -q '^MAIL FROM:<a@me.test> SMTPUTF8$' "$LAB/sink/2.env"
	job "$(simple)" far.test 1:1:b@far.test | deliver
	grep -q '^MAIL FROM:<a@me.test>$' "$LAB/sink/3.env"
}

@test "CHUNKING: small mail in one round trip, each recipient with its own answer; large mail waits for them" {
	sink sink -e PIPELINING,CHUNKING,8BITMIME -r "RCPT~bad@: 550 5.1.1 no"
	echo "far.test [127.0.0.1]:$PORT" >"$LAB/control/routes"
	name=$(printf 'Subject: x\n\n.\n..a\nbare\rCR\nlast' | spool a@me.test "Delivered-To: b@far.test")
	job "$name" far.test 1:1:b@far.test 2:1:bad@far.test | deliver
	[ "$(sort "$LAB/answers")" = "1 done 2.0.0 [127.0.0.1] 250 2.0.0 kept
2 fail 5.1.1 [127.0.0.1] 550 5.1.1 no" ]
	[ "$(content 1)" = "Subject: x

.
..a
bare CR
last" ]
	grep -q "< BDAT $(wc -c <"$LAB/sink/1.eml") LAST$" "$LAB/sink/log"
	# Nobody to receive it: the answers are the recipients', and the connection is good for the next.
	lab_settings "destination-jobs 1"
	{
		job "$(simple)" far.test 3:1:bad@far.test
		job "$(simple)" far.test 4:1:b@far.test
	} | deliver
	[ "$(sort "$LAB/answers")" = "3 fail 5.1.1 [127.0.0.1] 550 5.1.1 no
4 done 2.0.0 [127.0.0.1] 250 2.0.0 kept" ]
	[ "$(grep -c '! connect' "$LAB/sink/log")" = 2 ]
	name=$({
		printf 'Subject: large\n\n'
		seq 1 20000
	} | spool a@me.test "Delivered-To: b@far.test")
	job "$name" far.test 1:1:b@far.test | deliver
	[[ $output == "1 done "* ]]
	[ "$(grep -c '< DATA' "$LAB/sink/log")" = 1 ]
	try "fail 5.7.1 \[127.0.0.1\] 554 5.7.1 spam" -e CHUNKING,PIPELINING -r "DOT: 554 5.7.1 spam"
	try "defer 4.3.0 \[127.0.0.1\] 451 4.3.0 later" -e CHUNKING,PIPELINING -r "DOT: 451 4.3.0 later"
	try "defer 4.4.2 \[127.0.0.1\] connection closed instead of a reply to BDAT; the message may have been taken and may arrive twice" \
	    -e CHUNKING,PIPELINING -r "DOT: close"
	try "done 2.0.0 *" -e CHUNKING
	grep -q '< DATA' "$LAB/sink/log"
}

@test "CHUNKING that is a lie: a new connection without it, and the message goes once" {
	sink sink -e PIPELINING,CHUNKING -r "BDAT: 500 5.5.2 what is BDAT"
	echo "far.test [127.0.0.1]:$PORT" >"$LAB/control/routes"
	lab_settings "destination-jobs 1"
	for i in 1 2 3; do
		job "$(simple)" far.test "$i:1:b@far.test"
	done | deliver
	[ "$(grep -c ' done 2.0.0 ' "$LAB/answers")" = 3 ]
	[ "$(ls "$LAB"/sink/*.eml | wc -l)" = 3 ]
	[ "$(grep -c '! connect' "$LAB/sink/log")" = 2 ]
	[ "$(grep -c '< BDAT' "$LAB/sink/log")" = 1 ]
}

@test "CHUNKING and replies out of place: who was accepted gets it once, the others are deferred" {
	for dot in "250 2.0.0 kept" close; do
		sink sink -e CHUNKING,PIPELINING -r "RCPT~lost@: 503 5.5.1 MAIL first" -r "DOT: $dot"
		echo "far.test [127.0.0.1]:$PORT" >"$LAB/control/routes"
		job "$(simple)" far.test 1:1:lost@far.test 2:1:b@far.test | deliver
		[ "$(grep -c '! connect' "$LAB/sink/log")" = 1 ]
		[[ $(sort "$LAB/answers") == "1 defer "*"2 d"* ]]
	done
	[ "$(grep -c "may arrive twice$" "$LAB/answers")" = 2 ]
	# None was accepted: again, one at a time.
	sink sink -e CHUNKING,PIPELINING -r "RCPT#1: 503 5.5.1 MAIL first"
	echo "far.test [127.0.0.1]:$PORT" >"$LAB/control/routes"
	job "$(simple)" far.test 1:1:b@far.test | deliver
	[[ $output == "1 done "* ]]
	[ "$(ls "$LAB"/sink/*.eml | wc -l)" = 1 ]
	# The connection ends with the content under way, and nobody can know.
	sink sink -e CHUNKING,PIPELINING -r "RCPT#1: 250 2.1.5 ok && close"
	echo "far.test [127.0.0.1]:$PORT" >"$LAB/control/routes"
	job "$(simple)" far.test 1:1:b@far.test 2:1:c@far.test | deliver
	[ "$(grep -c ' done ' "$LAB/answers")" = 2 ]
	grep -q "sending one at a time; the message may arrive twice" "$LAB/log"
}

@test "LIMITS (RFC 9422): recipients in a transaction and transactions in a session" {
	sink sink -e "PIPELINING,LIMITS RCPTMAX=10 MAILMAX=3 RCPTDOMAINMAX=1 XYZ"
	echo "far.test [127.0.0.1]:$PORT" >"$LAB/control/routes"
	# shellcheck disable=SC2046
	job "$(simple)" far.test $(seq 1 45 | sed 's/.*/&:1:u&@far.test/') | deliver
	[ "$(grep -c ' done 2.0.0 ' "$LAB/answers")" = 45 ]
	[ "$(for f in "$LAB"/sink/*.env; do grep -c ^RCPT "$f"; done | sort -n | tr '\n' ' ')" = "5 10 10 10 10 " ]
	[ "$(grep -c '! connect' "$LAB/sink/log")" = 2 ]
	await 10 eval '[ "$(grep -c "< QUIT" "$LAB/sink/log")" = 2 ]'
	# Values that are none are no limits.
	try "done 2.0.0 *" -e "LIMITS RCPTMAX=0 MAILMAX=x RCPTMAX= =,LIMITS"
}

@test "DSN wishes go along where they are understood" {
	sink sink -e "DSN,PIPELINING"
	echo "far.test [127.0.0.1]:$PORT" >"$LAB/control/routes"
	name=$(printf 'Subject: x\n\nx\n' | spool a@me.test "Delivered-To: b@far.test" "Delivered-To: c@far.test" \
	    "Envelope-Id: id+2B7" "Envelope-Ret: HDRS" "Envelope-Notify: 2 SUCCESS,FAILURE" "Envelope-Orcpt: 2 rfc822;C@far.test")
	job "$name" far.test 1:1:b@far.test 2:2:c@far.test | deliver
	[ "$(cat "$LAB/sink/1.env")" = "MAIL FROM:<a@me.test> RET=HDRS ENVID=id+2B7
RCPT TO:<b@far.test>
RCPT TO:<c@far.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;C@far.test" ]
}

@test "MX: preference, the next host when one is dead or refuses, A when there is none" {
	sink two -l 127.0.0.2
	lab_settings "smtp-port $PORT"
	zone <<-E
	far.test	MX	20 two.far.test
	far.test	MX	10 one.far.test
	far.test	MX	5 gone.far.test
	one.far.test	A	127.0.0.3
	two.far.test	A	127.0.0.2
	plain.test	A	127.0.0.2
	alias.test	CNAME	far.test
	E
	job "$(simple)" far.test 1:1:b@far.test | deliver
	[ "$output" = "1 done 2.0.0 [two.far.test] 250 2.0.0 kept" ]
	grep -q "relay=two.far.test\[127.0.0.2\]:$(cat "$LAB/two.port") status=sent" "$LAB/log"
	job "$(simple)" plain.test 1:1:b@plain.test | deliver
	[ "$output" = "1 done 2.0.0 [plain.test] 250 2.0.0 kept" ]
	job "$(simple)" alias.test 1:1:b@alias.test | deliver
	[ "$output" = "1 done 2.0.0 [two.far.test] 250 2.0.0 kept" ]
	# A server that greets with 5yz is passed over for the next.
	sink one -l 127.0.0.3 -p "$(cat "$LAB/two.port")" -r "CONNECT: 554 5.3.2 not here"
	job "$(simple)" far.test 1:1:b@far.test | deliver
	[ "$output" = "1 done 2.0.0 [two.far.test] 250 2.0.0 kept" ]
	grep -q '> 554' "$LAB/one/log"
}

@test "MX: ten connections are tried for one job, not fewer" {
	sink last -l 127.0.0.2
	lab_settings "smtp-port $PORT"
	for n in 1 2 3 4 5 6 7 8 9; do
		printf '%s\n' "far.test MX $n mx$n.far.test" "mx$n.far.test A 127.0.0.3"
	done >"$LAB/dead"
	printf '%s\n' "far.test MX 10 last.far.test" "last.far.test A 127.0.0.2" | cat "$LAB/dead" - | zone
	job "$(simple)" far.test 1:1:b@far.test | deliver
	[ "$output" = "1 done 2.0.0 [last.far.test] 250 2.0.0 kept" ]
	# The eleventh is not.
	printf '%s\n' "far.test MX 11 last.far.test" "last.far.test A 127.0.0.2" "far.test MX 10 mx10.far.test" \
	    "mx10.far.test A 127.0.0.3" | cat "$LAB/dead" - >"$LAB/zone"
	job "$(simple)" far.test 1:1:b@far.test | deliver
	[ "$output" = "1 defer 4.4.1 [mx10.far.test] cannot connect: Connection refused" ]
}

@test "MX: a server that takes the connection and not the message is passed over for the next" {
	sink two -l 127.0.0.2 -e - -r "MAIL#7: 450 4.2.0 nor here" -r "MAIL#8: 550 5.7.1 not from you"
	lab_settings "smtp-port $PORT"
	sink one -l 127.0.0.3 -p "$PORT" -e - -r "MAIL#1: 452 4.3.1 disk full" -r "MAIL#2: 421 4.3.2 shutting down && close" \
	    -r "RCPT#1: close" -r "DATA#1: 451 4.3.0 later" -r "DATA#2: reset" -r "RCPT#6: 421 4.3.2 for this one && close" \
	    -r "MAIL#7-: 452 4.3.1 disk full"
	zone <<-E
	far.test	MX	10 one.far.test
	far.test	MX	20 two.far.test
	half.test	MX	10 one.far.test
	half.test	MX	20 dead.far.test
	one.far.test	A	127.0.0.3
	two.far.test	A	127.0.0.2
	dead.far.test	A	127.0.0.4
	E
	for n in 1 2 3 4 5 6; do
		job "$(simple)" far.test 1:1:b@far.test 2:2:c@far.test | deliver
		mapfile -t lines < <(printf '%s\n' "$output" | sort)
		[ -e "$LAB/two/$n.eml" ]
		if [ "$n" -lt 6 ]; then
			[ "${lines[0]}" = "1 done 2.0.0 [two.far.test] 250 2.0.0 kept" ]
		else
			[ "${lines[0]}" = "1 defer 4.3.2 [one.far.test] 421 4.3.2 for this one" ]
		fi
		[ "${lines[1]}" = "2 done 2.0.0 [two.far.test] 250 2.0.0 kept" ]
	done
	[ ! -e "$LAB/one/1.eml" ]
	# If none takes it, the word of the first counts; but a refusal for good is one.
	job "$(simple)" far.test 1:1:b@far.test | deliver
	[ "$output" = "1 defer 4.3.1 [one.far.test] 452 4.3.1 disk full" ]
	[ "$(grep -c '< MAIL' "$LAB/two/log")" = 7 ]
	job "$(simple)" far.test 1:1:b@far.test | deliver
	[ "$output" = "1 fail 5.7.1 [two.far.test] 550 5.7.1 not from you" ]
	job "$(simple)" half.test 1:1:b@half.test | deliver
	[ "$output" = "1 defer 4.3.1 [one.far.test] 452 4.3.1 disk full" ]
	[ "$(grep -c '< MAIL' "$LAB/one/log")" = 9 ]
}

@test "MX: a refusal with which the connection ends is heard whole, and asks nothing more of anybody" {
	for offer in PIPELINING PIPELINING,CHUNKING; do
		sink two -l 127.0.0.2 -r "MAIL: 450 4.2.0 nor here"
		lab_settings "smtp-port $PORT"
		sink one -l 127.0.0.3 -p "$PORT" -e "$offer" -r "MAIL#1: 451 4.3.2 busy && close" -r "MAIL#2: 550 5.7.1 not you && close" \
		    -r "RCPT#1: 554 5.7.1 not him && close" -r "RCPT#2: 421 4.3.2 bye && close"
		zone <<-E
		far.test	MX	10 one.far.test
		far.test	MX	20 two.far.test
		one.far.test	A	127.0.0.3
		two.far.test	A	127.0.0.2
		E
		while read -r answer; do
			job "$(simple)" far.test 1:1:b@far.test | deliver
			[ "$output" = "1 $answer" ]
		done <<-'E'
			defer 4.3.2 [one.far.test] 451 4.3.2 busy
			fail 5.7.1 [one.far.test] 550 5.7.1 not you
			fail 5.7.1 [one.far.test] 554 5.7.1 not him
			defer 4.3.2 [one.far.test] 421 4.3.2 bye
		E
		[ "$(grep -c '! connect' "$LAB/one/log")" = 4 ]
		[ "$(grep -c '! connect' "$LAB/two/log")" = 1 ]
		[ "$(grep -c 'loses commands' "$LAB/log")" = 0 ]
	done
}

@test "a server that is gone for the second transaction: the first stands, the other recipient waits" {
	sink sink -e "PIPELINING,LIMITS MAILMAX=1 RCPTMAX=1" -r "CONNECT#2-: close"
	echo "far.test [127.0.0.1]:$PORT" >"$LAB/control/routes"
	job "$(simple)" far.test 1:1:b@far.test 2:2:c@far.test | deliver
	grep -qx '1 done 2.0.0 \[127.0.0.1\] 250 2.0.0 kept' "$LAB/answers"
	grep -qx '2 defer 4.4.2 \[127.0.0.1\] connection closed instead of a reply to the connection' "$LAB/answers"
	[ "$(grep -c warn "$LAB/log")" = 0 ]
}

@test "what was sent ahead by BDAT to a server that then falls silent goes nowhere else" {
	sink two -l 127.0.0.2
	lab_settings "smtp-port $PORT"
	sink one -l 127.0.0.3 -p "$PORT" -e PIPELINING,CHUNKING -r "MAIL: close"
	zone <<-E
	far.test	MX	10 one.far.test
	far.test	MX	20 two.far.test
	one.far.test	A	127.0.0.3
	two.far.test	A	127.0.0.2
	E
	job "$(simple)" far.test 1:1:b@far.test | deliver
	[[ $output == "1 defer 4.4.2 [one.far.test] connection "* ]]
	[ ! -e "$LAB/two/1.eml" ]
}

@test "MX: a domain in another script is asked for as its A-label" {
	sink sink -e SMTPUTF8,8BITMIME -l 127.0.0.2
	lab_settings "smtp-port $PORT"
	zone <<-E
	xn--bcher-kva.test	MX	10 mx.far.test
	mx.far.test	A	127.0.0.2
	xn--tda.test	A	127.0.0.2
	E
	for domain in $'b\303\274cher.test' $'\303\274.test'; do
		name=$(printf 'Subject: x\n\nx\n' | spool a@me.test "Delivered-To: b@$domain" "Envelope-Smtputf8: yes")
		job "$name" "$domain" "1:1:b@$domain" | deliver
		[[ $output == "1 done "* ]]
	done
	grep -q $'RCPT TO:<b@b\303\274cher.test>' "$LAB/sink/1.env"
}

@test "MX: equals take turns" {
	sink one -l 127.0.0.2
	port=$PORT
	sink two -l 127.0.0.3 -p "$port"
	lab_settings "smtp-port $port"
	zone <<-E
	far.test	MX	10 one.far.test
	far.test	MX	10 two.far.test
	one.far.test	A	127.0.0.2
	two.far.test	A	127.0.0.3
	E
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		job "$(simple)" far.test 1:1:b@far.test | deliver
		[ ! -s "$LAB/one/log" ] || [ ! -s "$LAB/two/log" ] || return 0
	done
	echo "twenty times the same host"
	return 1
}

@test "MX: what DNS says against delivery" {
	zone <<-E
	null.test	MX	0 .
	loop.test	MX	10 me.test
	loop.test	MX	20 far.test
	self.test	MX	10 ME.TEST
	noaddr.test	MX	10 nothing.noaddr.test
	txt.test	TXT	only text
	broken.test	SERVFAIL
	silent.test	TIMEOUT
	garbage.test	GARBAGE
	half.test	MX	10 broken.test
	address.test	MX	10 127.0.0.1
	six.test	MX	10 2001:db8::25
	E
	expect() {
		job "$(simple)" "$1" "7:1:b@$1" | deliver
		[ "$output" = "7 $2" ] || {
			echo "$output"
			return 1
		}
	}
	expect null.test "fail 5.1.10 null.test does not accept mail (null MX)"
	mend() { echo "which is this host; its MX record must name another, or $1 must stand in domains if its mail is to stay here"; }
	expect loop.test "fail 5.4.6 mail for loop.test loops: its best MX host is me.test, $(mend loop.test)"
	expect self.test "fail 5.4.6 mail for self.test loops: its best MX host is me.test, $(mend self.test)"
	expect nowhere.test "fail 5.1.2 no such domain: nowhere.test"
	expect noaddr.test "fail 5.4.4 [nothing.noaddr.test] no address for host nothing.noaddr.test"
	expect txt.test "fail 5.4.4 [txt.test] no address for host txt.test"
	expect broken.test "defer 4.4.3 no answer from DNS about the MX hosts of broken.test"
	RES_OPTIONS="timeout:3 attempts:1" expect silent.test "defer 4.4.3 no answer from DNS about the MX hosts of silent.test"
	expect garbage.test "defer 4.4.3 no answer from DNS about the MX hosts of garbage.test"
	expect half.test "defer 4.4.3 [broken.test] no answer from DNS about the addresses of broken.test"
	grep -q 'relay=none status=bounced dsn=5.1.10' "$LAB/log"
	# An address where a name must stand: nobody is asked for an address that it might have.
	for pair in address.test=127.0.0.1 six.test=2001:db8::25; do
		expect "${pair%=*}" "fail 5.4.4 [${pair#*=}] the MX record of ${pair%=*} is wrong: it names ${pair#*=}, an address, where \
the name of a host must stand (RFC 5321 section 5.1); only whoever runs the DNS of ${pair%=*} can mend it"
		grep -q "status=bounced dsn=5.4.4 .* text=the MX record of ${pair%=*} is wrong: it names ${pair#*=}, an address" "$LAB/log"
		not grep -q "^${pair#*=} " "$LAB/queries"
	done
}

# been NAME TIMES [SENDER]: a message that the host NAME has received so many times (and we once more).
been() {
	{
		for ((i = 1; i <= $2; i++)); do
			printf 'Received: from by (by [127.0.0.1])\n\tby %s with ESMTP id %s;\n\tSun, 22 Nov 2026 00:00:00 +0000\n' "$1" "$i"
		done
		printf 'Subject: by me.test\nX: by me.test\n\nReceived: by me.test\n'
	} | spool a@me.test "Delivered-To: b@far.test"
}

@test "a server that gives our own name is a loop where the message has been here ten times, and else a filter" {
	for offer in '250-ME.test hello\r\n250 PIPELINING' '250 me.test'; do
		sink sink -r "EHLO: $offer"
		echo "far.test [127.0.0.1]:$PORT" >"$LAB/control/routes"
		{
			job "$(been me.test 8)" far.test 1:1:b@far.test
			job "$(been other.test 30)" far.test 2:1:b@far.test
			job "$(been me.test.test 30)" far.test 3:1:b@far.test
		} | deliver
		[ "$(grep -c ' done 2.0.0 ' "$LAB/answers")" = 3 ]
		{
			job "$(been me.test 9)" far.test 4:1:b@far.test 5:2:c@far.test
			job "$(been other.test 30)" far.test 6:1:b@far.test
		} | deliver
		[ "$(sort "$LAB/answers" | head -n 2 | cut -c 3-)" = "$(yes "fail 5.4.6 [127.0.0.1] mail for far.test loops: routes sends it to \
[127.0.0.1]:$PORT, which leads back to this host, me.test; a line for far.test in routes must name another, or mx:, or far.test must stand in \
domains if its mail is to stay here" | head -n 2)" ]
		[ "$(grep -c '^6 done 2.0.0 ' "$LAB/answers")" = 1 ]
		[ "$(ls "$LAB"/sink/*.eml | wc -l)" = 4 ]
	done
	# Another name, whatever stands behind it: as many as there are.
	sink sink -r 'EHLO: 250 other.test me.test'
	echo "far.test [127.0.0.1]:$PORT" >"$LAB/control/routes"
	job "$(been me.test 40)" far.test 1:1:b@far.test | deliver
	[[ $output == "1 done 2.0.0 "* ]]
}

@test "MX that lead to a host of our name: the failure says which, and a better host that is away is waited for" {
	sink sink -l 127.0.0.2 -r 'EHLO: 250 me.test'
	local port=$PORT
	lab_settings "smtp-port $port"
	sink busy -l 127.0.0.3 -p "$port" -e - -r "MAIL: 452 4.3.1 disk full"
	zone <<-E
	far.test	MX	10 nat.far.test
	away.test	MX	5 dead.far.test
	away.test	MX	10 nat.far.test
	busy.test	MX	5 busy.far.test
	busy.test	MX	10 nat.far.test
	nat.far.test	A	127.0.0.2
	busy.far.test	A	127.0.0.3
	dead.far.test	A	127.0.0.4
	E
	job "$(been me.test 9)" far.test 1:1:b@far.test | deliver
	[ "$output" = "1 fail 5.4.6 [nat.far.test] mail for far.test loops: its best MX host is nat.far.test, which is this host, me.test; its \
MX record must name another, or far.test must stand in domains if its mail is to stay here" ]
	job "$(been me.test 9)" away.test 1:1:b@away.test | deliver
	[ "$output" = "1 defer 4.4.1 [dead.far.test] cannot connect: Connection refused" ]
	job "$(been me.test 9)" busy.test 1:1:b@busy.test | deliver
	[ "$output" = "1 defer 4.3.1 [busy.far.test] 452 4.3.1 disk full" ]
	job "$(been me.test 8)" busy.test 1:1:b@busy.test | deliver
	[ "$output" = "1 done 2.0.0 [nat.far.test] 250 2.0.0 kept" ]
	# Nor is it forgotten over a connection that was there.
	lab_settings "smtp-port $port" "remote-jobs 1"
	{
		job "$(been me.test 8)" away.test 1:1:b@away.test
		job "$(been me.test 9)" away.test 2:1:b@away.test
	} | deliver
	[ "$output" = "1 done 2.0.0 [nat.far.test] 250 2.0.0 kept
2 defer 4.4.1 [dead.far.test] cannot connect: Connection refused" ]
}

@test "MX behind ourselves are not asked, those in front of us are" {
	sink two -l 127.0.0.2
	lab_settings "smtp-port $PORT"
	zone <<-E
	far.test	MX	10 two.far.test
	far.test	MX	20 me.test
	far.test	MX	30 three.far.test
	two.far.test	A	127.0.0.2
	E
	job "$(simple)" far.test 1:1:b@far.test | deliver
	[[ $output == "1 done 2.0.0 [two.far.test] "* ]]
}

@test "address literals, IPv4 and IPv6, and a dead family that costs under a second" {
	sink four -l 127.0.0.2
	port=$PORT
	lab_settings "smtp-port $port" "connect-timeout 200s"
	job "$(simple)" "[127.0.0.2]" "1:1:b@[127.0.0.2]" | deliver
	[ "$output" = "1 done 2.0.0 [127.0.0.2] 250 2.0.0 kept" ]
	zone <<-E
	far.test	MX	10 both.far.test
	both.far.test	AAAA	100::1
	both.far.test	AAAA	::1
	both.far.test	A	127.0.0.2
	E
	start=${EPOCHREALTIME/./}
	job "$(simple)" far.test 1:1:b@far.test | deliver
	[[ $output == "1 done 2.0.0 [both.far.test] "* ]]
	# Far from the 200 s of the dead one, however busy this machine is.
	[ $((${EPOCHREALTIME/./} - start)) -lt 100000000 ]
	[ -e /proc/net/if_inet6 ] || return 0
	grep -q "^0*1 " /proc/net/if_inet6 || return 0
	sink six -l ::1 -p "$port"
	job "$(simple)" "[ipv6:::1]" "1:1:b@[IPv6:::1]" | deliver
	[[ $output == "1 done 2.0.0 [ipv6:::1] "* ]]
}

@test "a smarthost that is not there delays mail and does not return it" {
	zone <<-E
	x.test A 127.0.0.1
	E
	echo "* smart.test:2525" >"$LAB/control/routes"
	job "$(simple)" far.test 1:1:b@far.test | deliver
	[ "$output" = "1 defer 4.4.4 [smart.test] no address for host smart.test" ]
}

@test "a dead destination is deferred at once for all who wait, and holds up nobody else" {
	sink dead -r "CONNECT: sleep 600"
	echo "dead.test [127.0.0.1]:$PORT" >"$LAB/control/routes"
	sink sink
	echo "far.test [127.0.0.1]:$PORT" >>"$LAB/control/routes"
	lab_settings "destination-jobs 5" "remote-jobs 3" "reply-timeout 20s"
	for i in {1..40}; do
		job "$(simple)" dead.test "$i:1:b@dead.test"
	done >"$LAB/jobs"
	job "$(simple)" far.test "100:1:b@far.test" >>"$LAB/jobs"
	deliver <"$LAB/jobs"
	[ "$(grep -c 'defer 4.4.2 \[127.0.0.1\] no reply to the connection in time' "$LAB/answers")" = 40 ]
	[ "$(head -n 1 "$LAB/answers")" = "100 done 2.0.0 [127.0.0.1] 250 2.0.0 kept" ]
	[ "$(grep -c '! connect' "$LAB/dead/log")" -le 2 ]
}

@test "a dead destination of ten MX hosts holds two workers and no more, however long each of them takes" {
	sink dead -l 127.0.0.2 -r "CONNECT: sleep 3000"
	lab_settings "smtp-port $PORT" "destination-jobs 5" "remote-jobs 3" "reply-timeout 1h"
	sink sink
	echo "far.test [127.0.0.1]:$PORT" >"$LAB/control/routes"
	for n in {1..10}; do
		printf '%s\n' "dead.test MX $n mx$n.dead.test" "mx$n.dead.test A 127.0.0.2"
	done | zone
	mkfifo "$LAB/jobs"
	"$BIN/deliver-remote" <"$LAB/jobs" >"$LAB/answers" 2>>"$LAB/log" &
	LAB_PIDS+=("$!")
	exec 8>"$LAB/jobs"
	for n in {1..20}; do
		job "$(simple)" dead.test "$n:1:b@dead.test"
	done >&8
	# A third that is held says so at once; nothing else is waited for then.
	held() { grep -c "! connect" "$LAB/dead/log"; }
	await 30 eval '[ "$(held)" -ge 2 ]'
	for n in {100..110}; do
		job "$(simple)" far.test "$n:1:b@far.test"
	done >&8
	await 30 eval '[ "$(held)" -gt 2 ] || [ "$(grep -c " done 2.0.0 " "$LAB/answers")" = 11 ]'
	[ "$(held)" = 2 ]
	exec 8>&-
	[ "$(wc -l <"$LAB/answers")" = 11 ]
	[ "$(grep -c "! connect" "$LAB/dead/log")" = 2 ]
}

@test "dead destinations that want two workers each leave one for a live destination" {
	sink dead -r "CONNECT: sleep 3000"
	echo "dead.test [127.0.0.1]:$PORT" >"$LAB/control/routes"
	sink gone -r "CONNECT: sleep 3000"
	echo "gone.test [127.0.0.1]:$PORT" >>"$LAB/control/routes"
	sink sink
	echo "far.test [127.0.0.1]:$PORT" >>"$LAB/control/routes"
	lab_settings "remote-jobs 4" "reply-timeout 1h"
	mkfifo "$LAB/jobs"
	"$BIN/deliver-remote" <"$LAB/jobs" >"$LAB/answers" 2>>"$LAB/log" &
	LAB_PIDS+=("$!")
	exec 8>"$LAB/jobs"
	for place in dead gone; do
		for n in {1..5}; do
			job "$(simple)" "$place.test" "$n:1:b@$place.test"
		done
	done >"$LAB/first"
	cat "$LAB/first" >&8
	await 30 grep -q "! connect" "$LAB/dead/log"
	await 30 grep -q "! connect" "$LAB/gone/log"
	job "$(simple)" far.test "100:1:b@far.test" >&8
	await 30 grep -q "^100 done 2.0.0 " "$LAB/answers"
	exec 8>&-
}

@test "a server that takes two connections only gets all the mail over two" {
	sink sink -r "CONNECT#3-: 421 4.7.0 too many connections && close" -r "DOT#-2: sleep 0.5 && go"
	echo "far.test [127.0.0.1]:$PORT" >"$LAB/control/routes"
	for i in {1..30}; do
		job "$(simple)" far.test "$i:1:b@far.test"
	done >"$LAB/jobs"
	deliver <"$LAB/jobs"
	[ "$(grep -c ' done 2.0.0 ' "$LAB/answers")" = 30 ]
	[ "$(ls "$LAB"/sink/*.eml | wc -l)" = 30 ]
}

@test "a worker that dies defers its one job, and is in the log" {
	sink sink -r "DOT#-1: sleep 300"
	echo "far.test [127.0.0.1]:$PORT" >"$LAB/control/routes"
	lab_settings "destination-jobs 1"
	mkfifo "$LAB/jobs"
	"$BIN/deliver-remote" <"$LAB/jobs" >"$LAB/answers" 2>>"$LAB/log" &
	pid=$!
	LAB_PIDS+=("$pid")
	exec 8>"$LAB/jobs"
	job "$(simple)" far.test 1:1:b@far.test 2:2:c@far.test >&8
	job "$(simple)" far.test 3:1:b@far.test >&8
	await 10 grep -q '! data' "$LAB/sink/log"
	kill -9 "$(children "$pid")"
	await 10 grep -q '^3 done' "$LAB/answers"
	await 10 eval '[ "$(grep -c "^[12] defer 4.3.0 the sending process died; if .*" "$LAB/answers")" = 2 ]'
	grep -q 'warn text=worker [0-9]* died by signal 9' "$LAB/log"
	grep -q 'rcpt=<c@far.test> relay=none status=deferred dsn=4.3.0 ' "$LAB/log"
	exec 8>&-
	await 10 gone "$pid"
}

@test "-s: what was taken is noted before it is answered, and the notes answer for a worker that dies" {
	sink sink -r "RCPT~c@: 550 5.1.1 no" -r "DOT#2: sleep 300"
	echo "far.test [127.0.0.1]:$PORT" >"$LAB/control/routes"
	: >"$LAB/notes"
	mkfifo "$LAB/jobs"
	"$BIN/deliver-remote" -s <"$LAB/jobs" >"$LAB/answers" 2>>"$LAB/log" 5>>"$LAB/notes" 6<"$LAB/notes" &
	pid=$!
	LAB_PIDS+=("$pid")
	exec 8>"$LAB/jobs"
	first=$(simple)
	job "$first" far.test 1:1:b@far.test 2:2:c@far.test 3:3.1:d@far.test >&8
	await 10 grep -q '^3 done' "$LAB/answers"
	printf '%s\t%s\t%s\t0 done 2.0.0 [127.0.0.1] 250 2.0.0 kept\n' "$first" 1 b@far.test "$first" 3.1 d@far.test |
	    diff "$LAB/notes" -
	second=$(simple)
	job "$second" far.test 4:1:b@far.test 5:2:x@far.test >&8
	await 10 grep -q '^2! data\|^1! data.*' "$LAB/sink/log"
	await 10 eval '[ "$(grep -c "! data" "$LAB/sink/log")" = 2 ]'
	printf '%s\t2\tx@far.test\t0 passed 2.0.0 [mx] 250 noted\n' "$second" >>"$LAB/notes"
	kill -9 "$(children "$pid")"
	await 10 grep -q '^4 defer 4.3.0 the sending process died' "$LAB/answers"
	await 10 grep -qx '5 passed 2.0.0 \[mx\] 250 noted' "$LAB/answers"
	exec 8>&-
	await 10 gone "$pid"
}

@test "a job that cannot be read is logged and costs nothing else" {
	sink sink
	echo "far.test [127.0.0.1]:$PORT" >"$LAB/control/routes"
	{
		printf 'nonsense\n\n\t\t\t\n../../etc/passwd\tnew\tfar.test\t1:1:b@far.test\n'
		job "$(simple)" far.test $'2:1:b@far.test%0D%0ARCPT%20TO:<evil@far.test>'
		job "$(simple)" far.test 3:1:not-an-address
		head -c 3000 /dev/urandom
		echo
		job "1700000000.0123456789abcdef.me.test,S=100,W=110" far.test 4:1:b@far.test
		job "$(simple)" far.test 5:1:b@far.test
	} | deliver
	[ "$(sort "$LAB/answers")" = "4 defer 4.3.0 cannot read the message from the spool: No such file or directory
5 done 2.0.0 [127.0.0.1] 250 2.0.0 kept" ]
	[ "$(grep -c 'a job that cannot be read' "$LAB/log")" -ge 5 ]
	run ! grep -q evil "$LAB/sink/log"
}

@test "a file that is shorter than its name says is not sent" {
	sink sink
	echo "far.test [127.0.0.1]:$PORT" >"$LAB/control/routes"
	name=$(seq 1 50000 | sed '1s/^/Subject: x\n\n/' | spool a@me.test "Delivered-To: b@far.test")
	truncate -s 100000 "$LAB/spool/new/$name"
	job "$name" far.test 1:1:b@far.test | deliver
	[[ $output == "1 defer 4.3.0 "* ]]
	[ ! -e "$LAB/sink/1.eml" ]
}

@test "a message that has moved to cur is found; routes edited meanwhile hold" {
	sink sink
	echo "far.test [127.0.0.1]:1" >"$LAB/control/routes"
	mkfifo "$LAB/jobs"
	"$BIN/deliver-remote" <"$LAB/jobs" >"$LAB/answers" 2>>"$LAB/log" &
	pid=$!
	LAB_PIDS+=("$pid")
	exec 8>"$LAB/jobs"
	name=$(simple)
	mv "$LAB/spool/new/$name" "$LAB/spool/cur/"
	job "$name" far.test 1:1:b@far.test >&8
	await 10 grep -q '^1 defer 4.4.1' "$LAB/answers"
	routes() { # LINE: a reader sees the old or the new one
		echo "$1" >"$LAB/control/routes.new"
		mv "$LAB/control/routes.new" "$LAB/control/routes"
	}
	routes "far.test [127.0.0.1]:$PORT"
	again() { job "$name" far.test 2:1:b@far.test >&8; sleep 0.3; grep -q '^2 done' "$LAB/answers"; }
	await 10 again
	routes "far.test [not an address"
	broken() { job "$name" far.test 3:1:b@far.test >&8; sleep 0.3; grep -q '^3 defer 4.3.5 the control files cannot be read' "$LAB/answers"; }
	await 10 broken
	exec 8>&-
	await 10 gone "$pid"
}

@test "SIGTERM lets a message that is being sent finish; the end of queue ends all" {
	sink sink -r "DOT#-1: sleep 1 && go"
	echo "far.test [127.0.0.1]:$PORT" >"$LAB/control/routes"
	mkfifo "$LAB/jobs"
	"$BIN/deliver-remote" <"$LAB/jobs" >"$LAB/answers" 2>>"$LAB/log" &
	pid=$!
	LAB_PIDS+=("$pid")
	exec 8>"$LAB/jobs"
	job "$(simple)" far.test 1:1:b@far.test >&8
	await 10 grep -q '! data' "$LAB/sink/log"
	kill "$pid"
	await 10 gone "$pid"
	grep -q '^1 done' "$LAB/answers"
	exec 8>&-
	# queue is gone: its end of both pipes is closed.
	"$BIN/deliver-remote" <"$LAB/jobs" 2>>"$LAB/log" > >(true) &
	pid=$!
	LAB_PIDS+=("$pid")
	exec 8>"$LAB/jobs"
	await 10 grep -q 'nobody reads the answers' "$LAB/log"
	await 10 gone "$pid"
	exec 8>&-
}

@test "the workers are confined: user, no privileges, filter, no file to write" {
	sink sink -r "DOT#-1: sleep 300"
	echo "far.test [127.0.0.1]:$PORT" >"$LAB/control/routes"
	mkfifo "$LAB/jobs"
	"$BIN/deliver-remote" <"$LAB/jobs" >"$LAB/answers" 2>>"$LAB/log" &
	pid=$!
	LAB_PIDS+=("$pid")
	exec 8>"$LAB/jobs"
	job "$(simple)" far.test 1:1:b@far.test >&8
	await 10 grep -q '! data' "$LAB/sink/log"
	for p in "$pid" "$(children "$pid")"; do
		grep -q '^NoNewPrivs:	1$' "/proc/$p/status"
		[ "${SANITIZED-}" ] || grep -q '^Seccomp:	2$' "/proc/$p/status"
		[ "$(id -u)" != 0 ] || {
			grep -q '^Uid:	65534	65534	65534	65534$' "/proc/$p/status"
			grep -q '^CapEff:	0000000000000000$' "/proc/$p/status"
		}
	done
	exec 8>&-
}

@test "usage, -n, and a broken configuration" {
	run "$BIN/deliver-remote" -x
	[ "$status" = 64 ]
	run "$BIN/deliver-remote" -n
	[ "$status" = 0 ]
	[[ $output == *"smtp-port 25"* ]]
	echo "spool-directory" >"$LAB/control/settings"
	run "$BIN/deliver-remote" -n
	[ "$status" = 78 ]
	[[ $output == *settings:1:* ]]
}
