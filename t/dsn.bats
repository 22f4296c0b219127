# dsn.bats: reports that a sender asked for (RFC 3461), from the envelope to the sender's mailbox; and that kill -9 between
# the delivery and its report loses neither.
# shellcheck shell=bash disable=SC2154,SC2030,SC2031

load helper
load queue
load lab

setup() {
	site </dev/null
}

teardown() {
	cleanup_site
}

# report N: the Nth report in alice's mailbox; reports: how many.
reports() { grep -l '^Content-Type: multipart/report' "$MAIL/example.test/alice/new/"* 2>/dev/null | grep -c . || :; }
report() { grep -l '^Content-Type: multipart/report' "$MAIL/example.test/alice/new/"* | sed -n "${1-1}p" | xargs cat; }
actions() { report "${1-1}" | sed -n '/^Final-Recipient/{s/.*; //;N;s/\n.*: / /p}' | tr '\n' ' ' | sed 's/ $//'; }

@test "one local recipient, NOTIFY=SUCCESS: delivered once, told once, nothing left" {
	ENVELOPE=$'Envelope-Id: QQ+2B7\nEnvelope-Ret: FULL\nEnvelope-Notify: 1 SUCCESS,FAILURE\nEnvelope-Orcpt: 1 rfc822;Bob@example.test' \
	    message alice@example.test bob@example.test
	pass
	[ "$(count_in bob)" = 1 ]
	[ "$(reports)" = 1 ]
	[ "$(actions)" = "bob@example.test delivered" ]
	report | grep -q '^Original-Envelope-Id: QQ+7$'
	report | grep -q '^Original-Recipient: rfc822; Bob@example.test$'
	report | grep -q '^Content-Type: text/rfc822-headers$'
	report | grep -q '^Return-Path: <>$'
	spool_is_empty
	# His copy is the file with the envelope of its one recipient (posthouse-deliver-local(8)).
	[ "$(grep -c '^Delivered-To: ' "$MAIL/example.test/bob/new/"*)" = 1 ]
}

@test "nobody asked, or asked for NEVER, or there is no sender: nobody is told" {
	message alice@example.test bob@example.test x@ok.example
	ENVELOPE='Envelope-Notify: 1 NEVER' message alice@example.test nosuch@example.test
	ENVELOPE='Envelope-Notify: 1 FAILURE,DELAY' message alice@example.test bob@example.test
	ENVELOPE='Envelope-Notify: 1 SUCCESS' message "" bob@example.test
	pass
	[ "$(count_in bob)" = 3 ]
	[ "$(count_in alice)" = 0 ]
	spool_is_empty
}

@test "a host that takes DSN reports itself; one that does not is reported as relayed" {
	ENVELOPE=$'Envelope-Notify: 1 SUCCESS\nEnvelope-Notify: 2 SUCCESS\nEnvelope-Notify: 3 SUCCESS' \
	    message alice@example.test a@ok.example b@dsn.example c@no.example
	pass
	[ "$(reports)" = 1 ]
	[ "$(actions)" = "a@ok.example relayed" ]
	report | grep -q '^Remote-MTA: dns; mx.ok.example$'
	spool_is_empty
}

@test "an alias of several is expanded and its targets' success is not told; an only target inherits the wish" {
	ENVELOPE=$'Envelope-Notify: 1 SUCCESS,FAILURE\nEnvelope-Notify: 2 SUCCESS' \
	    message alice@example.test outside@example.test single@example.test
	echo "single: bob" >"$CONTROL/aliases.new"
	sed '/^single/d' "$CONTROL/aliases" >>"$CONTROL/aliases.new"
	mv "$CONTROL/aliases.new" "$CONTROL/aliases"
	pass
	[ "$(actions | tr ' ' '\n' | paste - - | sort | tr '\t\n' '  ')" = "bob@example.test delivered outside@example.test expanded " ]
	[ "$(reports)" = 1 ]
	[ "$(count_in bob)" = 1 ]
	[ "$(attempts ok.example)" = 1 ]
	spool_is_empty
}

# forward USER TEXT: the user's file of forwards.
forward() {
	printf '%b' "$2" >"$MAIL/example.test/$1.forward"
	[ "$(id -u)" != 0 ] || chown 64006:64006 "$MAIL/example.test" "$MAIL/example.test/$1.forward"
	chmod 600 "$MAIL/example.test/$1.forward"
}

@test "a forward to one inherits all wishes and is told once; to several it is expanded, and theirs is not told" {
	mkdir -p "$MAIL/example.test"
	forward bob 'x@ok.example\n'
	ENVELOPE=$'Envelope-Id: QQ7\nEnvelope-Notify: 1 SUCCESS\nEnvelope-Orcpt: 1 rfc822;b@old.example' \
	    message alice@example.test bob@example.test
	pass
	pass
	[ "$(reports)" = 1 ]
	[ "$(actions)" = "x@ok.example relayed" ]
	report | grep -q '^Original-Recipient: rfc822; b@old.example$'
	report | grep -q '^Original-Envelope-Id: QQ7$'
	rm "$MAIL/example.test/alice/new/"*
	for to in 'x@ok.example, y@ok.example' '\\bob, x@ok.example'; do
		forward bob "$to\n"
		ENVELOPE='Envelope-Notify: 1 SUCCESS,FAILURE' message alice@example.test bob@example.test
		pass
		pass
		[ "$(reports)" = 1 ]
		[ "$(actions)" = "bob@example.test expanded" ]
		# not a word of where it went
		not grep -q '[xy]@ok' <(report)
		rm "$MAIL/example.test/alice/new/"*
	done
	# Only the own mailbox, or a list with a sender of its own: that is the end.
	forward bob '\\bob\n'
	printf '%s\n' "staff: bob, z@ok.example" "owner-staff: bob" >>"$CONTROL/aliases"
	for to in bob staff; do
		ENVELOPE='Envelope-Notify: 1 SUCCESS' message alice@example.test "$to@example.test"
		pass
		pass
		[ "$(reports)" = 1 ]
		[ "$(actions)" = "$to@example.test delivered" ]
		rm "$MAIL/example.test/alice/new/"*
	done
	[ -z "$(find "$SPOOL/new" "$SPOOL/cur" "$SPOOL/state" -type f)" ]
}

@test "a forward to several keeps NEVER, and what was wished but SUCCESS" {
	mkdir -p "$MAIL/example.test"
	forward bob 'a@no.example, b@no.example\n'
	ENVELOPE='Envelope-Notify: 1 NEVER' message alice@example.test bob@example.test
	pass
	pass
	ENVELOPE='Envelope-Notify: 1 SUCCESS' message alice@example.test bob@example.test
	pass
	pass
	[ "$(reports)" = 1 ]
	[ "$(actions)" = "bob@example.test expanded" ]
	rm "$MAIL/example.test/alice/new/"*
	ENVELOPE='Envelope-Notify: 1 FAILURE' message alice@example.test bob@example.test
	pass
	pass
	[ "$(reports)" = 1 ]
	[ "$(actions)" = "a@no.example failed b@no.example failed" ]
	[ -z "$(find "$SPOOL/new" "$SPOOL/cur" "$SPOOL/state" -type f)" ]
}

@test "what is wrong with a forward is the log's to say: the sender reads no path and no line of it" {
	printf "%s\n" "delay-warning 1m" "retry-first 2m" >>"$CONTROL/settings"
	mkdir -p "$MAIL/example.test"
	forward bob 'secret words here\n'
	at 1795000000
	ARRIVAL=1795000000 message alice@example.test bob@example.test
	pass
	at "$(stat -c %Y "$SPOOL/cur/$name")"
	pass
	[ "$(reports)" = 1 ]
	[ "$(actions)" = "bob@example.test delayed" ]
	report | grep -q 'the forward of this address is broken; mail waits until it is mended'
	not grep -e secret -e "$MAIL" -e '\.forward' <(report)
	logged "text=$MAIL/example.test/bob.forward:1: .*secret words here"
}

@test "some are done, some deferred: the report comes at once and only once" {
	at 1795000000
	ARRIVAL=1795000000 ENVELOPE=$'Envelope-Notify: 1 SUCCESS\nEnvelope-Notify: 2 SUCCESS' \
	    message alice@example.test bob@example.test b@once.example
	pass
	[ "$(actions)" = "bob@example.test delivered" ]
	[ "$(cut -f 1,4 "$SPOOL/state/$name")" = "2	b@once.example" ]
	at "$(stat -c %Y "$SPOOL/cur/$name")"
	pass
	[ "$(reports)" = 2 ]
	[ "$(count_in bob)" = 1 ]
	spool_is_empty
}

@test "the report cannot be written: the message stays, is not delivered again, and the report comes later" {
	at 1795000000
	mv "$QBIN/bounce" "$QBIN/bounce.away"
	printf '#!/bin/sh\nexit 75\n' >"$QBIN/bounce"
	chmod 755 "$QBIN/bounce"
	ARRIVAL=1795000000 ENVELOPE='Envelope-Notify: 1 SUCCESS' message alice@example.test bob@example.test
	pass
	[ "$(count_in bob)" = 1 ]
	grep -q "^1	[0-9]*	1795000000	bob@example.test	2.0.0 delivered " "$SPOOL/state/$name"
	[ -e "$SPOOL/cur/$name" ]
	"$QBIN/queue" --for 6h | grep -q "	report	bob@example.test$"
	rm "$MAIL/example.test/bob/new/"*	# the reader has taken it
	mv "$QBIN/bounce.away" "$QBIN/bounce"
	at "$(stat -c %Y "$SPOOL/cur/$name")"
	pass
	[ "$(count_in bob)" = 0 ]
	[ "$(reports)" = 1 ]
	spool_is_empty
}

@test "kill -9 of all while the report is written: delivered once, and the report comes" {
	mv "$QBIN/bounce" "$QBIN/bounce.real"
	cat >"$QBIN/bounce" <<-END
		#!/bin/bash
		if mkdir "$WORK/tried/killed" 2>/dev/null; then
			kill -9 \$PPID \$(pgrep -P \$(ps -o ppid= -p \$PPID)) 2>/dev/null
			exit 75
		fi
		exec "$QBIN/bounce.real" "\$@"
	END
	chmod 755 "$QBIN/bounce"
	ENVELOPE='Envelope-Notify: 1 SUCCESS' message alice@example.test bob@example.test
	pass || :
	[ -d "$WORK/tried/killed" ]
	[ -n "$(find "$SPOOL/new" "$SPOOL/cur" -type f)" ]
	pass
	[ "$(count_in bob)" = 1 ]
	[ "$(reports)" = 1 ]
	spool_is_empty
}

@test "smtpd to sendmail to deliver-remote: the next host gets the parameters if it takes them" {
	need python3 python3
	lab_start
	cp "$BIN/deliver-remote" "$QBIN/deliver-remote"
	export POSTHOUSE=$CONTROL
	sink with -e "DSN,8BITMIME"
	echo "with.example [127.0.0.1]:$PORT tls=none" >"$CONTROL/routes"
	sink without -e "8BITMIME"
	echo "without.example [127.0.0.1]:$PORT tls=none" >>"$CONTROL/routes"
	echo "both: x@with.example, y@with.example" >>"$CONTROL/aliases"
	echo "sole: z@with.example" >>"$CONTROL/aliases"
	printf 'Subject: x\n\nbody\n' | "$QBIN/sendmail" -C "$CONTROL" -f alice@example.test -N success,delay -R hdrs -V id+1 \
	    a@with.example b@without.example both@example.test sole@example.test
	pass
	grep -q '^MAIL FROM:<alice@example.test>.* RET=HDRS ENVID=id+2B1$' "$LAB/with/1.env"
	grep -q '^RCPT TO:<a@with.example> NOTIFY=SUCCESS,DELAY$' "$LAB/with/1.env"
	grep -q '^RCPT TO:<z@with.example> NOTIFY=SUCCESS,DELAY$' "$LAB/with/1.env"
	grep -q '^RCPT TO:<x@with.example> NOTIFY=DELAY$' "$LAB/with/1.env"
	grep -q '^RCPT TO:<y@with.example> NOTIFY=DELAY$' "$LAB/with/1.env"
	not grep -q 'RET=\|ENVID=\|NOTIFY=' "$LAB/without/1.env"
	[ "$(actions | tr ' ' '\n' | paste - - | sort | tr '\t\n' '  ')" = "b@without.example relayed both@example.test expanded " ]
	report | grep -q '^Original-Envelope-Id: id+1$'
	lab_stop
}
