# schedule.bats: when a message is tried, by which rules, and in whose turn.
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

# The table as the page prints it: attempt and wait.
@test "six days of a destination that always defers: the attempts are those of the table in posthouse-queue(8)" {
	local want due attempt=1
	page() { # N: the wait before attempt N, in seconds; for 8 and more the last line's
		sed -n '/^\.It Em attempt/,/^\.El/p' "$ROOT/man/posthouse-queue.8" | awk -v n="$1" '
		    $1 == ".It" && ($2 == n || ($2 == 8 && n > 8)) {
			t = $0; sub(/^\.It [^T]*(and more )?Ta /, "", t); split(t, w, " ")
			print w[1] == "-" ? 0 : w[2] == "m" ? w[1] * 60 : w[1] * 3600 }'
	}
	at 1795000000
	settings "delay-warning 0"
	ARRIVAL=1795000000 message alice@example.test b@later.example
	pass
	due=1795000000
	while [ -e "$SPOOL/cur/$name" ]; do
		attempt=$((attempt + 1))
		before=$due
		due=$(stat -c %Y "$SPOOL/cur/$name")
		want=$(page $attempt)
		[ "$want" -gt 0 ]
		# jitter is an eighth, either way at the maximum, and the last falls on the end
		((due - before <= want + want / 8 + 60))
		((due - before >= want - want / 8 - 60 || due == 1795432000))
		at "$due"
		pass
	done
	[ "$due" = $((1795000000 + 5 * 86400)) ]
	[ "$(attempts later.example)" = "$attempt" ]
	[ "$attempt" -gt 30 ]
	logged "bounce qid=$qid .*status=expired"
	at $((1795000000 + 6 * 86400))
	pass
	[ "$(attempts later.example)" = "$attempt" ]
}

@test "a route's own schedule: first wait, longest, lifetime, jobs; the time machine says the same" {
	echo ".slow.example mx: retry=1m,2m lifetime=10m jobs=1" >"$CONTROL/routes"
	at 1795000000
	ARRIVAL=1795000000 message alice@example.test b@later.slow.example
	pass
	due=$(stat -c %Y "$SPOOL/cur/$name")
	((due >= 1795000060 && due <= 1795000068))
	"$QBIN/queue" --for 1h | cut -f 1,4 >"$WORK/plan"
	while [ -e "$SPOOL/cur/$name" ]; do
		date -u -d "@$(stat -c %Y "$SPOOL/cur/$name")" '+%Y-%m-%dT%H:%M:%SZ	try' >>"$WORK/times"
		at "$(stat -c %Y "$SPOOL/cur/$name")"
		pass
	done
	[ "$(cat "$CLOCK")" = 1795000600 ]
	grep 'try$' "$WORK/plan" | diff "$WORK/times" -
	for i in 1 2 3 4 5 6; do message alice@example.test "b$i@dead.slow.example"; done
	pass	# one at a time, and the first finds it dead
	[ "$(wc -l <"$WORK/tried/dead.slow.example")" = 1 ]
}

@test "greylisted: tried again within minutes" {
	at 1795000000
	ARRIVAL=1795000000 message alice@example.test b@grey.example
	pass
	due=$(stat -c %Y "$SPOOL/cur/$name")
	((due >= 1795000300 && due <= 1795000338))
	at "$due"
	pass
	due=$(($(stat -c %Y "$SPOOL/cur/$name") - due))
	((due >= 450 && due <= 507))
}

# 2,000 to one slow destination are waiting when one of another sender comes: counted is how many go before it.
@test "one sender's mailing does not delay another's message, to the same destination or to a mailbox" {
	python3 - "$SPOOL" "$(id -u)" <<-'END'
		import os, random, sys, time
		for i in range(2000):
		    rcpt = "bob@example.test" if i % 2 else f"x{i}@tick.example"
		    text = f"Return-Path: <list@example.org>\nDelivered-To: {rcpt}\nReceived: by mx; Sun, 22 Nov 2026 00:00:00 +0000\n\nx\n"
		    name = f"{int(time.time()) - 100}.{random.getrandbits(64):016x}.mx.example.test,S={len(text)},W={len(text) + 5}"
		    open(f"{sys.argv[1]}/new/{name}", "w").write(text)
		    os.chmod(f"{sys.argv[1]}/new/{name}", 0o640)
		    if sys.argv[2] == "0":
		        os.chown(f"{sys.argv[1]}/new/{name}", 64001, 64007)
	END
	sleep 5		# until they are no longer too young to be taken without a word
	touch "$WORK/tried/wait"
	start_queue
	await 20 hundred_tried
	message alice@example.test y@tick.example
	announce "$name"
	before=$(wc -l <"$WORK/tried/tick.example")
	rm "$WORK/tried/wait"
	await 20 grep -q y@tick.example "$WORK/tried/tick.example"
	place=$(grep -n y@tick.example "$WORK/tried/tick.example" | cut -d : -f 1)
	echo "# $before before it came, then it was number $place" >&3
	[ "$((place - before))" -lt 100 ]
	[ "$place" -lt 900 ]
}
hundred_tried() { [ "$(wc -l <"$WORK/tried/tick.example")" -ge 100 ]; }
