# two_instances.bats: two servers of different domains find each other through MX records and exchange mail; when one is away
# the mail waits where everybody can see it, and when it stays away the sender is told.
# shellcheck shell=bash disable=SC2154

bats_require_minimum_version 1.5.0

load helper

setup() {
	need python3 python3
	WORK=$(private_dir)
	HOST_ONE=$(private_address)
	HOST_TWO=$(private_address)
	cat >"$WORK/zone" <<-E
	one.test	MX	10 mx.one.test
	mx.one.test	A	$HOST_ONE
	two.test	MX	10 mx.two.test
	mx.two.test	A	$HOST_TWO
	E
	python3 "$ROOT/t/dnsd.py" -q "$WORK/queries" "$WORK/zone" >"$WORK/port" 3>&- &
	DNSD=$!
	await 10 test -s "$WORK/port"
	RESOLVER=127.0.0.1:$(cat "$WORK/port")
	export RESOLVER RES_OPTIONS="timeout:30 attempts:1"
}

teardown() {
	instance_stop
	end "$DNSD"
	rm -rf "$WORK"
}

# One machine, two of them: each has an address for itself.
start_one() {
	DOMAINS=one.test INSTANCE_HOST=$HOST_ONE SMTP_PORT=2525 INSTANCE_SETTINGS="smtp-port 2525
$1" instance_start "$WORK/one"
	ONE=$MAIL
	adduser alice@one.test secret
}
start_two() {
	DOMAINS=two.test INSTANCE_HOST=$HOST_TWO SMTP_PORT=2525 INSTANCE_SETTINGS="smtp-port 2525" instance_start "$WORK/two"
	TWO=$MAIL
	adduser bob@two.test secret
}

# send CONTROL FROM TO: by sendmail(1), as a local program would.
send() {
	printf 'From: %s\nTo: %s\nSubject: hello\n\nFrom one house to the other.\n' "$2" "$3" |
	    "$BIN/sendmail" -C "$WORK/$1/control" -f "$2" "$3"
}

# waits FILE: it has its time, and nobody will set it now.
waits() { [ "$(stat -c %Y "$1")" -gt "$(date -d '10 minutes' +%s)" ]; }
in_queue() { [ -n "$(find "$WORK/one/spool/cur" -name "$1*")" ]; }

@test "mail goes both ways through MX, over TLS, and leaves nothing behind" {
	start_one
	start_two
	send one alice@one.test bob@two.test
	await 20 has_messages "$TWO/two.test/bob" 1
	send two bob@two.test alice@one.test
	await 20 has_messages "$ONE/one.test/alice" 1
	file=$(find "$TWO/two.test/bob/new" -type f)
	grep -q '^Return-Path: <alice@one.test>$' "$file"
	grep -q '^From one house to the other\.$' "$file"
	# It was looked up, went over TLS, and both logs tell the same story.
	grep -q '^two.test MX' "$WORK/queries"
	await 10 grep -q "rcpt=<bob@two.test> relay=mx.two.test\[$HOST_TWO\].* tls=TLSv1.3 status=sent dsn=2\.[0-9.]* " "$WORK/one/log/queue"
	SPOOL=$WORK/one/spool await 10 spool_empty
	SPOOL=$WORK/two/spool await 10 spool_empty
}

@test "a house that is away: mail waits, is seen by ls and mailq, and goes when it is back" {
	start_one "retry-first 1h"
	send one alice@one.test bob@two.test
	await 20 grep -q 'rcpt=<bob@two.test> .*status=deferred dsn=4.4.1 ' "$WORK/one/log/queue"
	qid=$(sed -n 's/.*result qid=\([^ ]*\) .*status=deferred.*/\1/p' "$WORK/one/log/queue" | head -n 1)
	await 10 in_queue "$qid"
	name=$(ls "$WORK/one/spool/cur")
	[ "${name%%.mx.one.test*}" = "$qid" ]
	grep -q '^Delivered-To: bob@two.test$' "$WORK/one/spool/cur/$name"
	grep -q 'bob@two.test.*4\.4\.1 .*cannot connect: Connection refused' "$WORK/one/spool/state/$name"
	if [ -x "$BIN/mailq" ]; then
		run "$BIN/mailq" -C "$WORK/one/control"
		[[ $output == *"$qid"*bob@two.test* ]]
	fi
	start_two
	# The retry time is the file's time: touch brings it forward, and the trigger says so.
	await 10 waits "$WORK/one/spool/cur/$name"
	touch "$WORK/one/spool/cur/$name"
	echo "$name" >"$WORK/one/spool/trigger"
	await 20 has_messages "$TWO/two.test/bob" 1
	SPOOL=$WORK/one/spool await 10 spool_empty
	grep -q "result qid=$qid .*status=sent" "$WORK/one/log/queue"
}

@test "a house that stays away: the sender is told why" {
	start_one "retry-first 1s
retry-max 1s
queue-lifetime 3s"
	send one alice@one.test bob@two.test
	await 40 has_messages "$ONE/one.test/alice" 1
	file=$(find "$ONE/one.test/alice/new" -type f)
	grep -q '^Return-Path: <>$' "$file"
	grep -q '^Content-Type: multipart/report' "$file"
	grep -q '^Final-Recipient: rfc822; *bob@two.test$' "$file"
	grep -q '^Action: failed$' "$file"
	grep -q '^Status: [45]\.4\.' "$file"
	grep -q 'Connection refused' "$file"
	await 10 spool_empty
	[ "$(messages "$ONE/one.test/alice")" = 1 ]
}

@test "a recipient who is refused there: the sender gets the other side's words" {
	start_one
	start_two
	send one alice@one.test nobody@two.test
	await 20 has_messages "$ONE/one.test/alice" 1
	file=$(find "$ONE/one.test/alice/new" -type f)
	grep -q '^Status: 5\.1\.1$' "$file"
	grep -q '^Remote-MTA: dns; *mx.two.test$' "$file"
	grep -q '^Diagnostic-Code: smtp; *550 5\.1\.1' "$file"
}

@test "a domain that does not exist is told at once" {
	start_one
	send one alice@one.test bob@nowhere.test
	await 20 has_messages "$ONE/one.test/alice" 1
	grep -q 'no such domain: nowhere.test' "$ONE"/one.test/alice/new/*
}

@test "a route that leads back to this house ends after ten rounds, and the sender hears which" {
	start_one
	echo "127.0.0.0/8" >>"$WORK/one/control/networks"
	echo "away.test [$HOST_ONE]:2525" >"$WORK/one/control/routes"
	send one alice@one.test bob@away.test
	await 60 has_messages "$ONE/one.test/alice" 1
	file=$(find "$ONE/one.test/alice/new" -type f)
	grep -q '^Status: 5.4.6$' "$file"
	# It is told as the log has it; the report folds it.
	tr -s ' \t\n' ' ' <"$file" | grep -q "routes sends it to \[$HOST_ONE\]:2525, which leads back to this host, mx.one.test;"
	[ "$(grep -c '^Received: from mx.one.test' "$file")" = 9 ]
}
