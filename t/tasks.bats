# tasks.bats: what posthouse-tasks(7) tells an administrator to do, taken from the page and typed into a server of this test's own;
# what stands there for the places of a system is put in the place of the test's.
# shellcheck shell=bash disable=SC2154

load helper

PAGE=$ROOT/man/posthouse-tasks.7

setup() {
	export DOMAINS=example.org
}

teardown() {
	[ -z "${queue-}" ] || end "$queue"
	instance_stop
}

# here: the places of the page in those of this instance.
here() {
	sed -e "s,/etc/posthouse,$CONTROL,g; s,[.]/var/mail/posthouse,.$MAIL,g; s,\([^.]\)/var/mail/posthouse,\1$MAIL,g" \
	    -e "s,/var/log/posthouse,$DIR/log,g; s,/srv,$DIR/srv,g; s,/var/backups,$DIR/backups,g; s,\\\\e,\\\\,g"
}

# quoted WORDS: what the item of the page that begins so has in quotation marks, one a line.
quoted() {
	awk -v item=".It $1" '/^\.It |^\.El/ { inside = index($0, item) == 1 } inside && /^\.Ql / {
		sub(/^\.Ql /, ""); sub(/ [.,;]$/, ""); print }' "$PAGE" | here
}

# commands WORDS [N]: those of the Nth display (the first) after a line of EXAMPLES that begins so.
commands() {
	awk -v begin="$1" -v nth="${2-1}" '/^\.Sh / { examples = $2 == "EXAMPLES" } examples && index($0, begin) == 1 { found = 1 }
	    /^\.Ed/ && inside { exit } inside { sub(/^# /, ""); print } found && /^\.Bd/ { inside = ++n == nth }' "$PAGE" | here
}

# typed: runs what is on standard input as the administrator would, and stops at the first error.
typed() {
	cat >"$DIR/typed"
	[ -s "$DIR/typed" ]
	POSTHOUSE=$CONTROL POSTHOUSE_LIBEXEC=$BIN PATH=$BIN:$PATH bash -eu "$DIR/typed" 9<>"$SPOOL/trigger"
}

post() { POSTHOUSE_LIBEXEC=$BIN "$BIN/posthouse" -C "$CONTROL" "$@"; }

# send TO [FROM]: a message by a program of this machine; its text is its recipient.
send() { printf 'Subject: task\n\nfor %s\n' "$1" | "$BIN/sendmail" -C "$CONTROL" -f "${2-from@example.com}" "$1"; }

# got ADDRESS TEXT: his mailbox has a message with that line.
got() { grep -qrx "$2" "$(maildir "$1")/new" "$(maildir "$1")/cur"; }

# queue has no port; it is the first that t/instance starts.
stop_queue() { end "$(sed -n 's/ [0-9]* queue$//p' "$DIR/pids")"; }
start_queue() {
	local before
	before=$(grep -c ': start' "$DIR/log/queue")
	"$BIN/queue" -C "$CONTROL" </dev/null >/dev/null 2>>"$DIR/log/queue" 3>&- &
	queue=$!
	await 20 more_starts "$before"
}
more_starts() { [ "$(grep -c ': start' "$DIR/log/queue")" -gt "$1" ]; }

# uids DIR: UIDVALIDITY, and UID and subject of each message, as a client has them.
uids() {
	printf '%s\r\n' 'a EXAMINE INBOX' 'b FETCH 1:* (UID BODY.PEEK[TEXT])' 'c LOGOUT' | as_owner "$BIN/imapd" -C "$CONTROL" "$1" \
	    2>>"$DIR/log/uids" | grep -E 'UIDVALIDITY|^[*] [0-9]+ FETCH|^for '
}
as_owner() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid 64006 --regid 64006 --clear-groups "$@"
	else
		"$@"
	fi
}

@test "domains, aliases, a catch-all, a list, a limit" {
	INSTANCE_ONLY=SMTP instance_start
	for address in postmaster@example.org alice@example.org; do
		post user add "$address" <<<secret
	done
	printf '%s\n' example.edu example.net >>"$CONTROL/domains"
	quoted "Aliases, a catch-all" >>"$CONTROL/aliases"
	quoted "A list" >>"$CONTROL/aliases"
	[ "$(grep -c : "$CONTROL/aliases")" = 7 ]
	echo alice@example.org >"$CONTROL/staff"
	printf '%s@example.edu: postmaster@example.org\n' postmaster >>"$CONTROL/aliases"
	post check >"$DIR/said" 2>&1 || { cat "$DIR/said"; false; }
	not grep aliases: "$DIR/said"
	# A further domain has mailboxes of its own.
	quoted "A further domain" | sed 's/$/ carol@example.net <<<secret/' | typed
	for address in sales@example.org any@example.edu alice@example.net staff@example.org carol@example.net; do
		send "$address"
	done
	for address in sales@example.org any@example.edu alice@example.net staff@example.org; do
		await 20 got alice@example.org "for $address"
	done
	await 20 got carol@example.net "for carol@example.net"
	grep -qrx 'Return-Path: <owner-staff@example.org>' "$(maildir alice@example.org)/new"
	post explain bob@example.org >"$DIR/said"
	grep -q 'bob@example.com' "$DIR/said"
	# A mailbox with a limit.
	quoted "A mailbox with a limit" | sed 's/$/ dave@example.org <<<secret/' | typed
	grep -q '^dave@example.org:[^:]*:[^:]*:2G' "$CONTROL/users"
	[ "$(post user show dave@example.org | grep ^quota)" = "quota 2147483648 bytes, 0 messages" ]
}

@test "a mailbox moves to another directory: mail that comes meanwhile waits, and UIDs stay" {
	INSTANCE_ONLY=IMAP instance_start
	adduser alice@example.org secret
	send alice@example.org
	await 20 spool_empty
	uids "$MAIL/example.org/alice" >"$DIR/before"
	[ "$(wc -l <"$DIR/before")" = 3 ]
	stop_queue
	commands "Alice's mailbox goes" | sed '/user enable/,$d' | typed
	not curl -s "imap://$HOST:$IMAP_PORT/" -u alice@example.org:secret
	send alice@example.org
	[ -z "$(find "$DIR/srv/mail/alice/new" -type f -newer "$DIR/typed")" ]
	start_queue
	commands "Alice's mailbox goes" | sed -n '/user enable/p' | typed
	await 20 has_messages "$DIR/srv/mail/alice" 2
	await 20 spool_empty
	[ ! -e "$MAIL/example.org/alice" ]
	uids "$DIR/srv/mail/alice" | head -n 3 | diff "$DIR/before" -
	curl -sS "imap://$HOST:$IMAP_PORT/INBOX" -u alice@example.org:secret -X 'FETCH 1:* UID' >"$DIR/said"
	[ "$(grep -c '^[*] [0-9]* FETCH' "$DIR/said")" = 2 ]
}

@test "the backup, and a mailbox out of it: what was there is there again, with its UIDs" {
	INSTANCE_ONLY=IMAP instance_start
	adduser alice@example.org secret
	adduser bob@example.org secret
	send alice@example.org
	await 20 spool_empty
	uids "$MAIL/example.org/alice" >"$DIR/before"
	[ "$(wc -l <"$DIR/before")" = 3 ]
	mkdir "$DIR/backups"
	commands "The backup, and" 1 | typed
	tar -tf "$DIR/backups/mail.tar" >"$DIR/said"
	grep -q "/control/passwords$" "$DIR/said"
	not grep posthouse.cache "$DIR/said"
	[ "$(stat -c %a "$DIR/backups/mail.tar")" = 600 ]
	stop_queue
	rm "$MAIL"/example.org/alice/new/*
	send bob@example.org
	commands "The backup, and" 2 | typed
	start_queue
	await 20 has_messages "$MAIL/example.org/bob" 1
	uids "$MAIL/example.org/alice" | diff "$DIR/before" -
	[ -d "$DIR/backups/old/alice.damaged/new" ]
	[ "$(stat -c '%u %a' "$MAIL/example.org/alice")" = "$(stat -c '%u %a' "$MAIL/example.org/bob")" ]
	curl -sS "imap://$HOST:$IMAP_PORT/INBOX" -u alice@example.org:secret -X 'FETCH 1:* UID' >"$DIR/said"
	[ "$(grep -c '^[*] [0-9]* FETCH' "$DIR/said")" = 1 ]
}

@test "all mail through a provider with a password" {
	DOMAINS=example.net INSTANCE_ONLY=SUBMISSION instance_start
	adduser me@example.net secret
	provider=$MAIL port=$SUBMISSION_PORT ca=$CA_FILE
	SSL_CERT_FILE=$ca INSTANCE_ONLY=SMTP instance_start
	quoted "All mail through" | sed "s/smtp.example.net:587/[$HOST]:$port/; s/user=me/user=me@example.net/" >>"$CONTROL/routes"
	grep -q 'password=secret' "$CONTROL/routes"
	if [ "$(id -u)" = 0 ]; then
		chgrp 64005 "$CONTROL/routes"
	fi
	chmod 640 "$CONTROL/routes"
	post check >"$DIR/said" 2>&1 || { cat "$DIR/said"; false; }
	not grep routes: "$DIR/said"
	send me@example.net me@example.net
	await 30 has_messages "$provider/example.net/me" 1
	await 20 spool_empty
	grep -qr 'with ESMTPSA' "$provider/example.net/me/new"
	echo '# deliver-remote, which has begun, reads it again as send-user' >>"$CONTROL/routes"
	send me@example.net me@example.net
	await 30 has_messages "$provider/example.net/me" 2
	not grep 'cannot be read' "$DIR/log/queue"
}

@test "networks names who relays, this machine only if it is there" {
	INSTANCE_ONLY=SMTP instance_start
	relayed() {
		exec 7<>"/dev/tcp/$HOST/$SMTP_PORT"
		read -r -u 7
		printf '%s\r\n' 'EHLO c' 'MAIL FROM:<a@example.com>' 'RCPT TO:<b@example.com>' QUIT >&7
		grep -c '^250 2.1.5' <&7 || :
		exec 7>&-
	}
	[ "$(relayed)" = 0 ]
	quoted "Machines that may relay" >>"$CONTROL/networks"
	[ "$(relayed)" = 1 ]
	post check >/dev/null
}

@test "a log that is copied and cut goes on at its beginning" {
	INSTANCE_ONLY=SMTP instance_start
	adduser alice@example.org secret
	cp "$DIR/log/queue" "$DIR/log/queue.1"
	: >"$DIR/log/queue"
	send alice@example.org
	await 20 spool_empty
	await 20 grep -q ': result ' "$DIR/log/queue"
	[ "$(head -c 5 "$DIR/log/queue" | tr -d '\0' | wc -c)" = 5 ]
}

@test "the filter of fail2ban finds a failed login in the log" {
	need fail2ban-regex fail2ban
	INSTANCE_ONLY=IMAP instance_start
	adduser alice@example.org secret
	not curl -s "imap://$HOST:$IMAP_PORT/" -u alice@example.org:wrong
	await 20 grep -q ': auth .*user=alice' "$DIR/log/imap"
	commands "Why can alice not log in" | typed >"$DIR/said"
	grep -q '^address alice@example.org' "$DIR/said"
	grep -q ': auth .* user=alice' "$DIR/said"
	sed 's/^/Nov 22 12:00:00 /' "$DIR/log/imap" >"$DIR/stamped"
	fail2ban-regex "$DIR/stamped" "$ROOT/common/fail2ban.conf" >"$DIR/said"
	grep -q 'Failregex: 1 total' "$DIR/said"
}

@test "vacation: a program in root's file of forwards is run, and the mailbox keeps the message" {
	need_root
	INSTANCE_ONLY=SMTP INSTANCE_SETTINGS='program-user 64006' instance_start
	adduser alice@example.org secret
	printf '#!/bin/sh\ncat >%s\n' "$DIR/answered/message" >"$DIR/vacation"
	mkdir "$DIR/answered"
	chown 64006 "$DIR/answered"
	chmod 755 "$DIR/vacation"
	printf '%s\n' '\alice@example.org' "\"|$DIR/vacation alice\"" >"$MAIL/example.org/alice.forward"
	send alice@example.org
	await 20 spool_empty
	await 20 got alice@example.org "for alice@example.org"
	await 20 grep -qx "for alice@example.org" "$DIR/answered/message"
}
