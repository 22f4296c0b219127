# queue.bats: the scheduler with a deliver-remote that does what a test tells it: what is tried when, what stays on disk, who
# hears of it, and that no crash, full disk or garbage loses anything.
# shellcheck shell=bash disable=SC2154,SC2030,SC2031

load helper
load queue

setup() {
	site </dev/null
}

teardown() {
	cleanup_site
}

settings() {
	printf '%s\n' "$@" >>"$CONTROL/settings"
}

@test "one local recipient: the file itself goes into the Maildir, and nothing is left" {
	message x@example.org alice@example.test
	inode=$(stat -c %i "$SPOOL/new/$name")
	pass
	[ "$(in_mailbox alice)" = "$name" ]
	[ "$(stat -c %i "$MAIL/example.test/alice/new/$name")" = "$inode" ]
	[ "$(stat -c %a "$MAIL/example.test/alice/new/$name")" = 600 ]
	if [ "$(id -u)" = 0 ]; then [ "$(stat -c %u:%g "$MAIL/example.test/alice/new/$name")" = 64006:64006 ]; fi
	spool_is_empty
	logged "deliver-local\[[0-9]*\]: result qid=$qid rcpt=<alice@example.test> relay=local status=sent dsn=2.0.0 "
}

@test "an alias to two mailboxes and a destination: each once, none in the others' copies" {
	message x@example.org team@example.test alice@example.test outside@example.test
	pass
	[ "$(count_in alice)" = 1 ]
	[ "$(count_in bob)" = 1 ]
	[ "$(attempts ok.example)" = 1 ]
	grep -q ":3\.2:x@ok.example\|:3\.1:x@ok.example" "$WORK/tried/ok.example"
	not grep -rq "^Delivered-To" "$MAIL"
	spool_is_empty
}

@test "a deferred message: state, time of its file, and the next try when it is due and not before" {
	at 1795000000
	ARRIVAL=1795000000 message alice@example.test "b@later.example" bob@example.test
	pass
	[ "$(count_in bob)" = 1 ]
	[ -e "$SPOOL/cur/$name" ]
	[ "$(cat "$SPOOL/state/$name")" = "1	1	1795000000	b@later.example	4.2.0 [mx.later.example] 450 try later" ]
	due=$(stat -c %Y "$SPOOL/cur/$name")
	[ "$due" -ge 1795001800 ]
	[ "$due" -le 1795002025 ]
	at $((due - 1))
	pass
	[ "$(attempts later.example)" = 1 ]
	at "$due"
	pass
	[ "$(attempts later.example)" = 2 ]
	[ "$(count_in bob)" = 1 ]
	grep -q "^1	2	$due	b@later.example	" "$SPOOL/state/$name"
	[ "$(stat -c %Y "$SPOOL/cur/$name")" -gt "$due" ]
}

@test "greylisted once, then delivered: state and message are gone" {
	at 1795000000
	ARRIVAL=1795000000 message alice@example.test b@once.example
	pass
	at "$(stat -c %Y "$SPOOL/cur/$name")"
	pass
	spool_is_empty
	[ "$(attempts once.example)" = 2 ]
}

@test "sent and noted, and all are killed: not sent again, and the others are" {
	at 1795000000
	ARRIVAL=1795000000 message alice@example.test x@gone.example
	first=$name
	pass || :
	[ "$(cut -f 1 "$SPOOL/sent/"*)" = "$first" ]
	pass
	spool_is_empty && [ -z "$(ls "$SPOOL/sent")" ]
	[ "$(attempts gone.example)" = 1 ]
	logged "warn qid=$qid rcpt=<x@gone.example> text=was sent before the last stop; not sent again"
	ENVELOPE='Envelope-Notify: 2 SUCCESS' ARRIVAL=1795000000 \
	    message alice@example.test a@later.example x@gone.example outside@example.test y@ok.example
	while [ -z "$(ls "$SPOOL/sent")" ] || [ ! -s "$(ls "$SPOOL/sent/"* | head -n 1)" ]; do pass || :; done
	pass
	[ "$(attempts gone.example)" = 1 ]
	[ "$(cut -f 1,4 "$SPOOL/state/$name")" = "1	a@later.example" ]
	[ "$(count_in alice)" = 2 ]	# as outside, and the report
	grep -q '^Action: relayed$' "$MAIL/example.test/alice/new/"*
	[ -z "$(ls "$SPOOL/sent")" ]
}

@test "noted, killed, and then held: what was sent is not sent again after the release" {
	at 1795000000
	ARRIVAL=1795000000 message alice@example.test x@gone.example
	pass || :
	mv "$SPOOL"/*/"$name" "$SPOOL/hold/" 2>/dev/null || [ -e "$SPOOL/hold/$name" ]
	pass
	[ -z "$(ls "$SPOOL/sent" "$SPOOL/hold" | grep -v :)" ]
	ARRIVAL=1795000000 message alice@example.test x@gone.example y@ok.example
	while [ -z "$(ls "$SPOOL/sent")" ] || [ ! -s "$(ls "$SPOOL/sent/"* | head -n 1)" ]; do pass || :; done
	mv "$SPOOL"/[nc][eu][wr]/"$name" "$SPOOL/hold/"
	pass
	[ -z "$(ls "$SPOOL/sent")" ]
	[ -e "$SPOOL/hold/$name" ] || [ -s "$WORK/tried/ok.example" ]
	POSTHOUSE_LIBEXEC=$QBIN sh "$BIN/posthouse" queue release "$qid"
	pass
	[ "$(attempts gone.example)" = 1 ]
	[ "$(attempts ok.example)" = 1 ]
	spool_is_empty
}

@test "as long as a process of the last run may still send, nothing goes to other hosts, and local mail does" {
	touch "$WORK/tried/linger"
	message alice@example.test x@gone.example
	pass || :
	start_queue
	message x@example.org bob@example.test
	announce "$name"
	message x@example.org b@ok.example
	announce "$name"
	await 10 in_mailbox bob
	[ "$(attempts ok.example)" = 0 ]
	rm "$WORK/tried/linger"
	await 10 test -s "$WORK/tried/ok.example"
	await 5 spool_is_empty
	[ "$(wc -l <"$WORK/tried/gone.example")" = 1 ]
}

@test "refused for good: the sender gets a bounce that names the reason, once" {
	message alice@example.test nobody@no.example
	pass
	spool_is_empty
	[ "$(count_in alice)" = 1 ]
	grep -q '550 no such user' "$MAIL/example.test/alice/new/"*
	grep -q 'nobody@no.example' "$MAIL/example.test/alice/new/"*
	logged "bounce qid=$qid from=<alice@example.test> rcpt=<nobody@no.example> status=bounced dsn=5.1.1 text=.*550 no such user"
}

@test "unknown user, alias loop, two destinations: each gets what it deserves" {
	message alice@example.test nosuch@example.test loop@example.test b@ok.example c@later.example
	pass
	[ "$(attempts ok.example)" = 1 ]
	logged "bounce qid=$qid .*rcpt=<nosuch@example.test> .*dsn=5.1.1"
	logged "bounce qid=$qid .*rcpt=<loop@example.test> .*dsn=5.4.6"
	[ "$(cut -f 1,4 "$SPOOL/state/$name")" = "4	c@later.example" ]
	[ "$(count_in alice)" = 1 ]
}

@test "a lifetime later: the last try, then a bounce with the last answer" {
	settings "queue-lifetime 1h" "delay-warning 0"
	at 1795000000
	ARRIVAL=1795000000 message alice@example.test b@later.example
	pass
	while [ -e "$SPOOL/cur/$name" ]; do
		at "$(stat -c %Y "$SPOOL/cur/$name")"
		pass
	done
	[ "$(cat "$CLOCK")" = 1795003600 ]
	tries=$(attempts later.example)
	report=$(cat "$MAIL/example.test/alice/new/"*)
	# each attempt with its time, and the words once
	[ "$(grep -c '^    attempt [0-9]* on Wed, 18 Nov 2026 ' <<<"$report")" = "$tries" ]
	grep -q "^    attempt $tries on .*: the same$" <<<"$report"
	[ "$(grep -c '^    450 try later$' <<<"$report")" = 1 ]
	grep -q '^    not tried again: delivery time expired$' <<<"$report"
	logged "bounce qid=$qid .*status=expired dsn=5.4.7 text=delivery time expired; last answer: 4.2.0 .mx.later.example. 450 try later"
	[ "$(count_in alice)" = 1 ]
	spool_is_empty
}

@test "many attempts: the state keeps the first and the latest, and the report counts the others" {
	settings "queue-lifetime 10h" "retry-first 30m" "retry-max 30m" "delay-warning 0"
	at 1795000000
	ARRIVAL=1795000000 message alice@example.test b@later.example
	pass
	while [ -e "$SPOOL/cur/$name" ]; do
		cp "$SPOOL/state/$name" "$WORK/state"
		at "$(stat -c %Y "$SPOOL/cur/$name")"
		pass
	done
	tries=$(attempts later.example)
	[ "$tries" -ge 15 ]
	[ "$(grep -c '^tried	' "$WORK/state")" = 8 ]
	grep -q "^tried	1	1795000000	4.2.0 .mx.later.example. 450 try later$" "$WORK/state"
	grep -q "^tried	$((tries - 2))	" "$WORK/state"
	report=$(cat "$MAIL/example.test/alice/new/"*)
	[ "$(grep -c '^    attempt [0-9]* on ' <<<"$report")" = 9 ]
	grep -q "^    ($((tries - 9)) more between them)$" <<<"$report"
}

@test "the bounce cannot be written: the recipient stays, is not tried again, and the bounce comes later" {
	at 1795000000
	ARRIVAL=1795000000 message alice@example.test nobody@no.example
	mv "$QBIN/bounce" "$QBIN/bounce.away"
	printf '#!/bin/sh\nexit 75\n' >"$QBIN/bounce"
	chmod 755 "$QBIN/bounce"
	pass
	for again in 1800 3600; do	# no attempt, and no new time of the last
		grep -q "^1	1	1795000000	nobody@no.example	5.1.1 " "$SPOOL/state/$name"
		[ "$(stat -c %Y "$SPOOL/cur/$name")" = $((1795000000 + again)) ]
		at $((1795000000 + again))
		[ $again = 3600 ] || pass
	done
	mv "$QBIN/bounce.away" "$QBIN/bounce"
	pass
	[ "$(attempts no.example)" = 1 ]
	[ "$(count_in alice)" = 1 ]
	[ "$(grep -h '^    attempt ' "$MAIL/example.test/alice/new/"*)" = "    attempt 1 on $(date -u -R -d @1795000000)" ]
	spool_is_empty
}

@test "a warning when a message is late, once" {
	settings "delay-warning 1h" "retry-first 30m" "retry-max 30m"
	echo "later.example mx: lifetime=2d" >>"$CONTROL/routes"
	at 1795000000
	ARRIVAL=1795000000 message alice@example.test b@later.example
	for _ in 1 2 3 4 5; do
		pass
		at "$(stat -c %Y "$SPOOL/cur/$name")"
	done
	[ "$(count_in alice)" = 1 ]
	grep -q '^Action: delayed' "$MAIL/example.test/alice/new/"*
	grep -q '^Will-Retry-Until: Fri, 20 Nov 2026 11:06:40 +0000$' "$MAIL/example.test/alice/new/"*
	grep -q '^warned	[0-9]' "$SPOOL/state/$name"
}

@test "the time machine says what then happens" {
	at 1795000000
	ARRIVAL=1795000000 message alice@example.test b@later.example c@later.example
	pass
	"$QBIN/queue" --for 12h >"$WORK/plan"
	cmp "$WORK/plan" <("$QBIN/queue" -f 12h)
	[ "$(grep -c '	try	b@later.example$' "$WORK/plan")" -ge 5 ]
	while read -r when; do
		at "$(date -d "$when" +%s)"
		before=$(attempts later.example)
		at $(($(cat "$CLOCK") - 1))
		pass
		[ "$(attempts later.example)" = "$before" ]
		at "$(date -d "$when" +%s)"
		pass
		[ "$(attempts later.example)" = $((before + 2)) ]
	done < <(cut -f 1 "$WORK/plan" | uniq | head -n 5)
	[ ! -e "$SPOOL/hold/$name" ]
}

@test "mailq lists, hold holds, release and retry hurry, delete deletes" {
	at 1795000000
	ARRIVAL=1795000000 message alice@example.test b@later.example
	one=$qid one_name=$name
	ARRIVAL=1795000000 message bob@example.test c@later.other.example
	pass
	[ "$("$QBIN/mailq" | wc -l)" = 2 ]
	[ "$("$QBIN/mailq" -h | head -n 1)" = "id	age	status	attempts	next	size	sender	recipient	answer" ]
	[ "$("$QBIN/mailq" -s "$one" | cut -f 1-4,7-)" = "$one	0	deferred	1	<alice@example.test>	b@later.example	4.2.0 [mx.later.example] 450 try later" ]
	[ "$("$QBIN/mailq" -d later.example | cut -f 1)" = "$one" ]
	[ "$("$QBIN/mailq" -f bob@example.test | cut -f 1)" = "$qid" ]
	[ "$("$QBIN/mailq" -r nobody@later.example)" = "" ]
	[ "$("$QBIN/mailq" -o 1h)" = "" ]
	[ "$("$QBIN/queue-hold" -r b@later.example)" = "$one" ]
	[ -e "$SPOOL/hold/$one_name" ]
	[ -e "$SPOOL/state/$one_name" ]
	at 1795100000
	pass
	qid=$one
	[ "$(attempts later.example)" = 1 ]
	[ "$("$QBIN/mailq" "$one" | cut -f 3)" = held ]
	[ "$("$QBIN/mailq" -s -o 1d "$one" | cut -f 2)" = 100000 ]
	run "$QBIN/queue-delete"
	[ "$status" = 64 ]
	"$QBIN/queue-release" "$one"
	touch -d @1795100000 "$SPOOL/cur/$one_name"	# the tools use the real time
	pass
	[ "$(attempts later.example)" = 2 ]
	"$QBIN/queue-delete" -a
	spool_is_empty
}

@test "a daemon: retry by name, and touch with a scan, come at once" {
	start_queue
	message alice@example.test b@once.example
	announce "$name"
	await 10 put_off
	"$QBIN/queue-retry" "$qid"
	await 10 spool_is_empty
	message alice@example.test c@once.example
	announce "$name"
	await 10 put_off
	touch "$SPOOL/cur/$name"
	kill -HUP "$queue"
	await 10 spool_is_empty
}
put_off() { # all of it is done: state, name and time
	[ -e "$SPOOL/state/$name" ] && [ "$(stat -c %Y "$SPOOL/cur/$name" 2>/dev/null || echo 0)" -gt $((EPOCHSECONDS + 60)) ]
}

@test "files in new/: announced at once, others after they had time, short ones are held" {
	start_queue
	message x@example.org alice@example.test
	announce "$name"
	await 10 in_mailbox alice
	message x@example.org bob@example.test
	short="1795000000.0123456789abcdef.mx.example.test,S=4000,W=4100"
	printf 'Return-Path: <>\n' >"$SPOOL/new/$short"
	came=$(stat -c %Z "$SPOOL/new/$name")
	came_short=$(stat -c %Z "$SPOOL/new/$short")
	kill -HUP "$queue"
	await 60 in_mailbox bob
	await 20 test -e "$SPOOL/hold/$short"
	# A rename sets the time of change: both were left alone for five seconds, of which the first and the last are not whole.
	[ "$(stat -c %Z "$MAIL/example.test/bob/new/$name")" -ge $((came + 4)) ]
	[ "$(stat -c %Z "$SPOOL/hold/$short")" -ge $((came_short + 4)) ]
	logged "warn qid=1795000000.0123456789abcdef text=moved to hold: it is shorter than its name says: it was never acknowledged"
}

@test "what a crash leaves is understood: state alone, state before the move, litter in tmp" {
	at 1795000000
	echo "1	1	1794999000	gone@later.example	4.0.0 x" >"$SPOOL/state/1794990000.0123456789abcdef.h,S=1,W=1"
	echo half >"$SPOOL/state/.1794990000.0123456789abcdee.h,S=1,W=1"
	ARRIVAL=1794990000 message alice@example.test a@ok.example b@later.example
	echo "2	1	1794999999	b@later.example	4.2.0 x" >"$SPOOL/state/$name"
	echo old >"$SPOOL/tmp/1794990000.0123456789abcdef.h"
	pass
	# a@ok.example was done before the crash: only the other is left
	[ "$(attempts ok.example)" = 0 ]
	[ -e "$SPOOL/cur/$name" ]
	[ "$(ls -A "$SPOOL/state")" = "$name" ]
	[ -e "$SPOOL/tmp/1794990000.0123456789abcdef.h" ]	# its age is real time
}

@test "a state file that was cut counts for nothing" {
	at 1795000000
	ARRIVAL=1795000000 message alice@example.test b@later.example
	pass
	: >"$SPOOL/state/$name"
	touch -d @1795000001 "$SPOOL/cur/$name"
	at 1795000002
	pass
	[ "$(attempts later.example)" = 2 ]
	grep -q '^1	1	1795000002	b@later.example	' "$SPOOL/state/$name"
}

@test "malformed envelopes and strange names are held or left, and nothing stops" {
	for text in "" "Received: x" "Return-Path: <a@x>
Subject: no envelope" "Return-Path: <a@x>
Delivered-To: b
c: d"; do
		n="1795000000.$(printf '%04x' $RANDOM $RANDOM $RANDOM $RANDOM).h,S=${#text},W=$((${#text} + 5))"
		printf '%s' "$text" >"$SPOOL/new/$n"
		chmod 644 "$SPOOL/new/$n"
	done
	echo x >"$SPOOL/new/not-a-name"
	printf 'x' >"$SPOOL/new/01795000000.0123456789abcdef.h,S=1,W=1"
	ln -s /etc/passwd "$SPOOL/new/1795000000.0123456789abcdef.link,S=1,W=1"
	mkdir "$SPOOL/new/1795000000.0123456789abcdef.dir,S=1,W=1"
	message x@example.org alice@example.test
	pass
	[ "$(count_in alice)" = 1 ]
	[ "$(find "$SPOOL/hold" -name '*.h,S=*' | wc -l)" -ge 4 ]
	[ -e "$SPOOL/new/not-a-name" ]
	[ -h "$SPOOL/new/1795000000.0123456789abcdef.link,S=1,W=1" ]	# no file of ours: left alone
}

@test "garbage on the trigger is nothing" {
	start_queue
	head -c 20000 /dev/urandom >"$WORK/garbage"
	for _ in 1 2 3 4 5; do
		cat "$WORK/garbage" 1<>"$SPOOL/trigger"
	done
	printf '../../etc/passwd\n/x\nscan\nscan\n\n' 1<>"$SPOOL/trigger"
	echo "1795000000.0123456789abcdef.gone,S=1,W=1" 1<>"$SPOOL/trigger"
	message x@example.org alice@example.test
	announce "$name"
	await 20 in_mailbox alice
	kill -0 "$queue"
}

@test "garbage from a worker: the message is neither lost nor twice" {
	message alice@example.test b@garbage.example
	pass
	[ -e "$SPOOL/cur/$name" ]
	logged "a worker's answer is malformed"
}

@test "a worker dies: all start again, and what it had is tried again" {
	start_queue
	message alice@example.test b@mute.example
	announce "$name"
	await 10 test -s "$WORK/tried/mute.example"
	end "$(children "$queue" | while read -r p; do grep -qa deliver-remote "/proc/$p/cmdline" && echo "$p"; done)"
	await 30 started 1
	await 30 two_attempts
	message x@example.org alice@example.test
	announce "$name"
	await 10 in_mailbox alice
}
two_attempts() { [ "$(attempts mute.example)" -ge 2 ]; }

@test "a dead destination with 300 messages delays nobody and is not knocked at for each" {
	start_queue
	for _ in $(seq 300); do
		message alice@example.test b@dead.example
		announce "$name"
	done
	message alice@example.test b@ok.example
	announce "$name"
	await 5 test -s "$WORK/tried/ok.example"
	message x@example.org bob@example.test
	announce "$name"
	await 5 in_mailbox bob
	sleep 2
	[ "$(wc -l <"$WORK/tried/dead.example")" -lt 20 ]
	await 20 eval '[ "$(find "$SPOOL/new" "$SPOOL/cur" -type f | wc -l)" = 300 ]'
}

@test "control files: a new user counts at once, a broken file stops delivery until it is mended" {
	start_queue
	message x@example.org alice@example.test
	announce "$name"
	await 10 in_mailbox alice
	echo "carol@example.test:example.test/carol" >>"$CONTROL/users"
	message x@example.org carol@example.test
	announce "$name"
	await 10 in_mailbox carol
	cp "$CONTROL/users" "$WORK/users"
	echo "broken" >>"$CONTROL/users"
	message x@example.org bob@example.test
	announce "$name"
	await 10 logged "nothing is delivered until this is mended: .*users:4"
	[ -e "$SPOOL/new/$name" ]
	mv "$WORK/users" "$CONTROL/users"	# at once: half a file is a file without bob
	await 10 in_mailbox bob
}

# all_work: the scheduler says "start" of itself; deliver-local has forked by now, too.
all_work() { [ "$(children "$queue" | wc -l)" -ge 4 ]; }

@test "one queue for a spool; SIGTERM ends it and all its children" {
	start_queue
	run timeout 300 "$QBIN/queue" -1
	[ "$status" = 75 ]
	await 10 all_work
	pids=$(children "$queue")
	kill "$queue"
	wait "$queue"
	queue=
	for p in $pids; do
		await 5 gone "$p"
	done
	logged ': stop'
}

@test "killed with -9, its workers end by themselves and the next one starts" {
	start_queue
	await 10 all_work
	pids=$(children "$queue")
	kill -9 "$queue"
	wait "$queue" || :
	for p in $pids; do
		await 10 gone "$p"
	done
	start_queue
	message x@example.org alice@example.test
	announce "$name"
	await 10 in_mailbox alice
}

@test "exit codes: 64 usage, 78 configuration, 0 checked" {
	run "$QBIN/queue" -x
	[ "$status" = 64 ]
	run "$QBIN/queue" --for never
	[ "$status" = 64 ]
	run "$QBIN/queue" -n
	[ "$status" = 0 ]
	[[ $output == *"spool-directory $SPOOL"* ]]
	echo nonsense >>"$CONTROL/settings"
	run "$QBIN/queue" -1
	[ "$status" = 78 ]
	[[ $output == *settings:* ]]
	run "$QBIN/queue" -C "$WORK/nowhere" -n
	[ "$status" = 78 ]
}

@test "the spool's directories are made with modes that hide it from sessions" {
	[ "$(stat -c %a "$SPOOL/tmp")$(stat -c %a "$SPOOL/new")" = 27302730 ]
	[ "$(stat -c %a "$SPOOL/cur")$(stat -c %a "$SPOOL/state")$(stat -c %a "$SPOOL/hold")" = 2710700700 ]
	[ -p "$SPOOL/trigger" ]
	if [ "$(id -u)" = 0 ]; then [ "$(stat -c %u:%g "$SPOOL/new")" = 64004:64007 ]; fi
}

@test "killed at each of its system calls: a deferral, a bounce and a delivery are never lost" {
	need strace strace
	[ -z "${SANITIZED-}" ] || skip "the calls are the same"
	for call in renameat unlinkat utimensat fsync openat write; do
		for when in 1 2 3 4; do
			rm -rf "${MAIL:?}"/* "${SPOOL:?}"/{new,cur,state,hold}/* "${WORK:?}"/tried/*
			message alice@example.test a@ok.example b@later.example nobody@no.example bob@example.test
			before=$name
			strace -f -qq -o /dev/null -e trace="$call" -e inject="$call:signal=KILL:when=$((when * 2))" \
			    "$QBIN/queue" -1 2>>"$WORK/log" || :
			sleep 0.05
			touch -d @1 "$SPOOL/cur/"* 2>/dev/null || :
			await 20 pass
			name=$before
			[ "$(count_in bob)" = 1 ]
			grep -lq '550 no such user' "$MAIL/example.test/alice/new/"*
			[ "$(attempts ok.example)" -ge 0 ]
			[ -s "$WORK/tried/ok.example" ]
			grep -q '	b@later.example	' "$SPOOL/state/$name"
			[ "$(grep -c "^[0-9]" "$SPOOL/state/$name")" = 1 ]
			[ -e "$SPOOL/cur/$name" ]
			[ -z "$(ls -A "$SPOOL/new")" ]
		done
	done
}
