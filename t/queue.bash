# queue.bash: what queue.bats and local.bats share: a control directory, a spool and mailboxes of their own, and a bin
# directory whose deliver-remote does what the destination's name says.
# shellcheck shell=bash disable=SC2154,SC2034,SC2153

# site: makes all of it in WORK; extra lines of settings on standard input.
site() {
	WORK=$(private_dir) || return 1
	CONTROL=$WORK/control SPOOL=$WORK/spool MAIL=$WORK/mail QBIN=$WORK/bin
	CLOCK=$WORK/clock
	mkdir -p "$CONTROL" "$SPOOL" "$MAIL" "$QBIN" "$WORK/tried"
	chmod 755 "$SPOOL" "$QBIN" "$WORK/control"
	chmod 777 "$WORK/tried"
	cp "$BIN"/{queue,deliver-local,bounce,smtpd,tls.so,sendmail,admin,mailq} "$BIN"/queue-* "$QBIN/"
	remote >"$QBIN/deliver-remote"
	chmod 755 "$QBIN/deliver-remote"
	echo mx.example.test >"$CONTROL/hostname"
	echo example.test >"$CONTROL/domains"
	printf '%s\n' "alice@example.test:example.test/alice" "bob@example.test:example.test/bob" >"$CONTROL/users"
	printf '%s\n' "team: alice, bob" "single: alice" "loop: pool" "pool: loop" "outside: alice, x@ok.example" \
	    "postmaster: alice" >"$CONTROL/aliases"
	: >"$CONTROL/routes"
	{
		echo "spool-directory $SPOOL"
		echo "mail-directory $MAIL"
		if [ "$(id -u)" = 0 ]; then
			printf '%s-user %s\n' net 64001:64001 tls 64002:64002 auth 64003:64003 queue 64004:64004 \
			    send 64005:64005 mail 64006:64006
			echo "spool-group 64007"
			chown 64006:64006 "$MAIL"
		fi
		cat
	} >"$CONTROL/settings"
	export POSTHOUSE=$CONTROL
	unset POSTHOUSE_CLOCK POSTHOUSE_RANDOM
	"$QBIN/queue" -1 2>"$WORK/log"	# makes the spool's directories
}

# remote: a deliver-remote that answers by the first label of the destination, and notes each attempt in tried/.
remote() {
	cat <<-END
	#!/bin/bash
	tried=$WORK/tried
	END
	cat <<-'END'
	while IFS=$'\t' read -r name dir mode rcpts; do
		for r in $(tr '\t' ' ' <<<"$rcpts"); do
			id=${r%%:*}
			echo "$name $dir $r" >>"$tried/$mode"
			case $mode in
			ok.*) echo "$id done 2.0.0 [mx.$mode] 250 ok" ;;
			gone.*)	# noted, and all die before anybody hears of it
				printf '%s\t%s\t%s\t0 done 2.0.0 [mx.%s] 250 ok\n' "$name" "$(cut -d : -f 2 <<<"$r")" \
				    "${r##*:}" "$mode" >&5
				if [ -e "$tried/linger" ]; then (while [ -e "$tried/linger" ]; do sleep 0.1; done) <&- >&- 2>&- & fi
				kill -9 $(pgrep -P $PPID) $PPID ;;
			dsn.*) echo "$id passed 2.0.0 [mx.$mode] 250 ok" ;;
			no.*) echo "$id fail 5.1.1 [mx.$mode] 550 no such user" ;;
			later.*) echo "$id defer 4.2.0 [mx.$mode] 450 try later" ;;
			grey.*) echo "$id defer 4.2.0 [mx.$mode] 450 4.2.0 Greylisted, come back in 5 minutes" ;;
			tick.*)	# not beyond the hundredth, where it is told to wait
				while [ -e "$tried/wait" ] && [ "$(wc -l <"$tried/$mode")" -ge 100 ]; do sleep 0.1; done
				echo "$id done 2.0.0 ok" ;;
			once.*) if [ "$(grep -c "$name" "$tried/$mode")" -gt 1 ]; then echo "$id done 2.0.0 ok"
				else echo "$id defer 4.7.1 greylisted"; fi ;;
			dead.*) (sleep 0.2; echo "$id defer 4.4.1 connection timed out") & ;;
			garbage.*) printf '%s done\nx y z\n99999999999 done 2.0.0 t\n\n%s defer 4.0.0 ok\n' "$id" "$id" ;;
			mute.*) ;;
			die.*) exit 1 ;;
			esac
		done
	done
	wait
	END
}

cleanup_site() {
	[ -z "${queue-}" ] || end "$queue" 2>/dev/null
	queue=
	[ -n "${BATS_TEST_COMPLETED-}" ] || tail -n 30 "$WORK/log" >&2 || :
	if grep -A 30 'AddressSanitizer\|runtime error:' "$WORK/log" >&2; then return 1; fi
	[ -n "${KEEP-}" ] || rm -rf "$WORK"
}

# message FROM RCPT...: a spool file in new/ as smtpd writes it; its queue id is in $qid, its name in $name.  ARRIVAL may give
# its time, QID the digits of its queue id, BYTES more content, ENVELOPE further fields; BARE: not even an empty line behind the header.
message() {
	local from=$1 text rcpt size lines fields=''
	shift
	text="Return-Path: <$from>"
	for rcpt; do
		fields+=$'\n'"Delivered-To: $rcpt"
	done
	[ -z "${ENVELOPE-}" ] || fields+=$'\n'$ENVELOPE
	if [ $# = 1 ]; then
		text+=$fields fields=''
	fi
	text+=$'\n'"Received: from client.example by mx.example.test"$'\n'"	with ESMTP; Sun, 22 Nov 2026 00:00:00 +0000"
	text+=$'\n'"Subject: test"$'\n'
	[ -n "${BARE-}" ] || text+=$'\n'"body of the message"$'\n'
	[ -z "${BYTES-}" ] || text+=$(head -c "$BYTES" /dev/zero | tr '\0' x)$'\n'
	size=${#text} lines=$(wc -l <<<"${text%$'\n'}")
	qid=${ARRIVAL-$(date +%s)}.${QID-$(printf '%04x' $RANDOM $RANDOM $RANDOM $RANDOM)}
	name="$qid.mx.example.test,S=$size,W=$((size + lines))"
	printf '%s' "$text${fields:+${fields#?}$'\n\n'}" >"$SPOOL/tmp/$qid" || return 1
	chmod 640 "$SPOOL/tmp/$qid"
	if [ "$(id -u)" = 0 ]; then chown 64001:64007 "$SPOOL/tmp/$qid"; fi
	mv "$SPOOL/tmp/$qid" "$SPOOL/new/$name"
}

# pass: one pass of queue over what is due.
pass() {
	timeout 300 "$QBIN/queue" -1 2>>"$WORK/log"
}

# start_queue: as a daemon; its pid is in $queue.
start_queue() {
	local before
	before=$(grep -c ': start' "$WORK/log" || :)
	"$QBIN/queue" </dev/null >/dev/null 2>>"$WORK/log" 3>&- &
	queue=$!
	await 10 started "$before"
}
started() { [ "$(grep -c ': start' "$WORK/log")" -gt "$1" ]; }
announce() { printf '%s\n' "$1" 1<>"$SPOOL/trigger"; }

at() { # at SECONDS: the time from now on
	echo "$1" >"$CLOCK"
	chmod 644 "$CLOCK"
	export POSTHOUSE_CLOCK=$CLOCK
}
in_mailbox() { find "$MAIL/example.test/$1/new" -type f -printf '%f\n' 2>/dev/null | grep .; }
count_in() { in_mailbox "$1" | grep -c . || :; }
# In the order in which messages go, and once more for a report that was written meanwhile: who looks elsewhere first may miss
# one that moves.
spool_is_empty() {
	[ -z "$(find "$SPOOL"/{tmp,new,cur,tmp,new,cur} -type f)" ] &&
	    [ -z "$(find "$SPOOL" -mindepth 2 -type f -not -path '*/sent/*')" ]
}
attempts() { cat "$WORK/tried/$1" 2>/dev/null | grep -c "$qid" || :; }
logged() { grep -q "$1" "$WORK/log"; }
not() { if "$@"; then return 1; fi; }
