# hostile.bats: clients at random that send what none should (t/hostile.py), to all servers of an instance.
#
# HOSTILE_SESSIONS (default 150) and HOSTILE_SEED (default: one that is always the same) choose more of it.
# shellcheck shell=bash disable=SC2154

load helper

teardown() { [ "${#INSTANCES[@]}" = 0 ] || instance_stop; }

# A listener has no process but itself, and for a second perhaps an auth process.
alone() { [ -z "$(children "$1")" ]; }

# Each of these was answered 250: it is there once; or its recipient had come to be at a domain that is not there, for an
# error in a line may change any byte, and it has bounced.
all_once() {
	local qid n inbox
	inbox=$(maildir bob@example.test)
	while read -r qid; do
		n=$(find "$inbox/new" "$inbox/cur" -name "$qid.*" | wc -l)
		[ "$n" = 1 ] || { [ "$n" = 0 ] && has_bounced "$qid"; } || {
			echo "$qid is there $n times"
			return 1
		}
	done <"$1"
}

has_bounced() {
	[ -n "$(grep -h "\]: result qid=$1 " "$DIR"/log/* | grep -v 'rcpt=<bob@example\.test>' |
	    grep ' relay=none status=bounced dsn=5\.1\.2 ')" ]
}

# The pid of each server, but for queue, whose workers are its children.
listeners() { awk '$3 != "queue" { print $1 }' "$DIR/pids"; }

@test "hostile clients: nobody dies or is left over, the next is served, and what was accepted is there once" {
	need python3 python3
	INSTANCE_SETTINGS=$'user-connection-limit 1000\nclient-connection-limit 1000' instance_start
	adduser alice@example.test pw
	adduser bob@example.test pw
	export HOST SMTP_PORT SUBMISSION_PORT SUBMISSIONS_PORT POP3_PORT POP3S_PORT IMAP_PORT IMAPS_PORT
	timeout 600 python3 "$ROOT/t/flood.py" send "$HOST" "$SMTP_PORT" alice@example.test "$DIR/first" 1 5
	timeout $((600 + ${HOSTILE_SESSIONS:-150})) \
	    python3 "$ROOT/t/hostile.py" "${HOSTILE_SEED:-1}" "${HOSTILE_SESSIONS:-150}" "$DIR/acked"
	[ -s "$DIR/acked" ]
	await 30 spool_empty
	all_once "$DIR/acked"
	[ "$(listeners | wc -l)" = 8 ]
	for pid in $(listeners); do
		await 30 alone "$pid"
		kill -0 "$pid"
	done
	# The instance tries another port where one is taken.
	grep -hE '\]: die |\]: [a-z]* .*(by signal|has ended)' "$DIR"/log/* | grep -v 'Address already in use' >"$DIR/dead" || :
	[ ! -s "$DIR/dead" ]
	timeout 600 python3 - <<-'P'
	import imaplib, os, poplib, smtplib
	host, port = os.environ["HOST"], lambda name: int(os.environ[name + "_PORT"])
	imap = imaplib.IMAP4(host, port("IMAP"), timeout=300)
	imap.login("bob@example.test", "pw")
	assert imap.select()[0] == "OK"
	pop = poplib.POP3(host, port("POP3"), timeout=300)
	pop.user("bob@example.test")
	pop.pass_("pw")
	pop.stat()
	for name in "SMTP", "SUBMISSION":
	    with smtplib.SMTP(host, port(name), timeout=300) as smtp:
	        if name == "SUBMISSION":
	            smtp.login("alice@example.test", "pw")
	        smtp.sendmail("alice@example.test", ["bob@example.test"], f"Subject: last {name}\r\n\r\n")
	P
	await 30 spool_empty
	[ "$(grep -rlE '^Subject: last (SMTP|SUBMISSION)$' "$(maildir bob@example.test)" | wc -l)" = 2 ]
}
