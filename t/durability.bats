# durability.bats: 250 means kept.  kill -9 at every system call of accepting and of local delivery, and power cuts on an ext4
# and an xfs image; after each, all that was answered 250 is there once and whole.  no-sanitizer: it is about the order of system calls.
# shellcheck shell=bash disable=SC2154

load helper

setup() {
	need_root
	need python3 python3
	KILLAT=${BIN%/bin}/t/killat
	[ -x "$KILLAT" ] || skip "NOT TESTED: no $KILLAT (make tests)"
}

teardown() {
	[ -z "${killer-}" ] || end "$killer" 2>/dev/null
	[ -z "${queue-}" ] || end "$queue" 2>/dev/null
	instance_stop
}

# A control directory and a spool, with nothing running, and sessions to the RECIPIENT.
prepare() { # SYNC RECIPIENT
	INSTANCE_SETTINGS="spool-sync $1" instance_start
	adduser alice@example.test secret
	adduser bob@example.test secret
	echo "both: alice@example.test, bob@example.test" >"$CONTROL/aliases"
	"$ROOT/t/instance" stop "$DIR"
	mkdir "$DIR/sessions"
	"$ROOT/t/flood.py" sessions "$2" 2000 "$DIR/sessions"
	: >"$DIR/acked"
}

# submit N [KILLAT N]: one message through smtpd on a pipe; noted in acked when it was answered 250.
submit() {
	local n=$1
	shift
	"$@" "$BIN/smtpd" -C "$CONTROL" <"$DIR/sessions/$n" >"$DIR/replies" 2>>"$DIR/log/smtp" 3>"$DIR/killat" || :
	# The reply after 354 is the answer to the data.
	if awk '/^354/ { if ((getline) > 0) kept = /^250 / } END { exit !kept }' "$DIR/replies"; then
		echo "$n" >>"$DIR/acked"
	fi
}

# Everything that is in the spool is looked at once, as if it were old: what a crash left is finished.
queue_pass() {
	timeout 300 "$BIN/queue" -1 -C "$CONTROL" </dev/null >>"$DIR/log/queue" 2>&1 3>&- 4>&-
	find "$SPOOL/new" "$SPOOL/cur" -type f -printf 'left in the spool: %p\n'
}

accept_under_fire() {
	local n
	prepare "$1" alice@example.test
	for ((n = 1; n < 2000; n++)); do
		submit "$n" "$KILLAT" "$n"
		[ "$(head -c 6 "$DIR/killat")" = killed ] || break
	done
	echo "# killed at each of $((n - 1)) stops of smtpd, $(wc -l <"$DIR/acked") answered 250 (spool-sync $1)" >&3
	[ "$n" -gt 100 ]
	[ "$n" -lt 2000 ]
	grep -q "^$n\$" "$DIR/acked"	# the last one went through
	queue_pass
	"$ROOT/t/flood.py" check "$DIR/acked" "$MAIL" "$SPOOL/new" "$SPOOL/cur"
}

@test "accepting: killed at every system call, file sync" {
	accept_under_fire file
}

@test "accepting: killed at every system call, directory sync" {
	accept_under_fire directory
}

# LMTP promises for each recipient: those that were told 250 have their copy whenever the session is killed; all share one
# file, so they share one fate.
@test "LMTP: killed at every system call; a recipient that was told 250 has the message" {
	prepare file alice@example.test
	for ((n = 1; n < 2000; n++)); do
		{
			printf 'LHLO lmtp.example.org\r\nMAIL FROM:<flood@example.org>\r\nRCPT TO:<alice@example.test>\r\nRCPT TO:<nobody@example.test>\r\nRCPT TO:<bob@example.test>\r\n'
			sed -n '/^DATA/,$p' "$DIR/sessions/$n"
		} >"$DIR/lmtp"
		"$KILLAT" "$n" "$BIN/smtpd" -L -C "$CONTROL" <"$DIR/lmtp" >"$DIR/replies" 2>>"$DIR/log/lmtp" 3>"$DIR/killat" || :
		# The replies after 354: one for each of the two that were accepted, both or neither.
		kept=$(awk '/^354/ { on = 1; next } on && /^250 2.0.0 Queued/ { n++ } END { print n + 0 }' "$DIR/replies")
		[ "$kept" = 0 ] || [ "$kept" = 2 ]
		[ "$kept" = 0 ] || { echo "$n" >>"$DIR/acked"; }
		[ "$(head -c 6 "$DIR/killat")" = killed ] || break
	done
	echo "# killed at each of $((n - 1)) stops of smtpd -L, $(wc -l <"$DIR/acked") answered 250" >&3
	[ "$n" -gt 100 ]
	[ "$n" -lt 2000 ]
	grep -q "^$n\$" "$DIR/acked"
	queue_pass
	for user in alice bob; do
		"$ROOT/t/flood.py" check "$DIR/acked" "$(maildir "$user@example.test")" "$SPOOL/new" "$SPOOL/cur"
	done
}

queue_start() {
	local before i
	before=$(grep -c ': start' "$DIR/log/queue" || :)
	"$BIN/queue" -C "$CONTROL" </dev/null >/dev/null 2>>"$DIR/log/queue" 3>&- 4>&- &
	queue=$!
	for ((i = 0; i < 12000; i++)); do
		[ "$(grep -c ': start' "$DIR/log/queue")" = "$before" ] || return 0
		sleep 0.01
	done
	return 1
}

delivered() { # N TIMES: message N is in that many Maildirs, and nothing is under way
	[ "$(grep -ls "^Subject: flood $1\$" "$MAIL"/example.test/*/new/* | wc -l)" -ge "$2" ] &&
	    [ -z "$(find "$SPOOL/cur" "$SPOOL/state" -type f)" ]
}

# delivery_under_fire SYNC RECIPIENT STEP: kills queue and all its workers at every STEP-th stop of one delivery.
delivery_under_fire() {
	local n k=0 step=$3 times i
	prepare "$1" "$2"
	times=$([ "$2" = both@example.test ] && echo 2 || echo 1)
	for ((n = 1; n < 2000; n += step)); do
		queue_start
		: >"$DIR/killed"	# now: else the last one's "ready" is read
		"$KILLAT" -p "$(echo "$queue" "$(children "$queue" | tr '\n' ' ')" | tr -s ' ' ',' | sed 's/,$//')" "$n" \
		    3>"$DIR/killed" &
		killer=$!
		await 5 grep -q ready "$DIR/killed"
		submit "$n"
		for ((i = 0; i < 12000; i++)); do
			not_yet "$n" "$times" || break
			sleep 0.01
		done
		if ! grep -q '^killed' "$DIR/killed"; then
			kill "$killer" 2>/dev/null || :	# it may have come to that just now
			wait "$killer" || :
			grep -q '^killed' "$DIR/killed" || break	# delivered before it came to that
		fi
		wait "$queue" "$killer" 2>/dev/null || :
		k=$((k + 1))
	done
	end "$queue"
	echo "# killed at $k stops of queue and its workers, step $step (spool-sync $1, $2)" >&3
	[ "$k" -ge $((40 / step)) ]
	[ "$n" -lt 2000 ]
	[ -z "$(queue_pass | tee /dev/fd/3)" ]
	"$ROOT/t/flood.py" check "$DIR/acked" "$MAIL/example.test/alice"
	[ "$times" = 1 ] || "$ROOT/t/flood.py" check "$DIR/acked" "$MAIL/example.test/bob"
}
not_yet() { # N TIMES: neither killed nor delivered
	! grep -q '^killed' "$DIR/killed" && ! delivered "$1" "$2"
}

@test "local delivery: killed at every system call" {
	delivery_under_fire file alice@example.test 1
}

@test "local delivery to two: killed at every third system call" {
	delivery_under_fire directory both@example.test 3
}

# give_away STEP: a message of 100 KB for 100 users, killed at every STEP-th stop of its delivery.  Whatever is visible then names
# nobody, belongs to its owner and is whole; after the next pass everybody has it once.
seen_clean() { # what users see
	[ -z "$(grep -rls 'user[0-9]*@example.test' --include='*,S=*' "$MAIL")" ] &&
	    [ -z "$(find "$MAIL" -type f -path '*/new/*' \( -not -perm 600 -o -not -user "$1" \))" ]
}
everybody_has() { # MESSAGES
	[ "$(find "$MAIL" -type f -path '*/user*/new/*' -size 100000c -o -type f -path '*/user*/new/*' -size +99k | wc -l)" = $((100 * $1)) ]
}
@test "a large message to 100 mailboxes: killed at a sample of the stops of giving it away" {
	local n k=0 body owner=0 i
	prepare file alice@example.test
	for n in {1..100}; do echo "user$n@example.test:user$n:::"; done >>"$CONTROL/users"
	owner=$(stat -c %u "$(maildir alice@example.test)" 2>/dev/null || stat -c %u "$MAIL")
	body=$(printf '%064d\n' {1..1600})
	for ((n = 1; n < 4000; n += ${KILL_STEP:-n < 60 ? 6 : 151})); do
		{
			printf 'EHLO a\r\nMAIL FROM:<flood@example.org>\r\n'
			printf 'RCPT TO:<user%d@example.test>\r\n' {1..100}
			printf 'DATA\r\nSubject: large %d\r\n\r\n%s\n.\nQUIT\n' "$n" "$body" | sed 's/\r*$/\r/'
		} >"$DIR/sessions/$n"
		queue_start
		: >"$DIR/killed"
		"$KILLAT" -p "$(echo "$queue" "$(children "$queue" | tr '\n' ' ')" | tr -s ' ' ',' | sed 's/,$//')" "$n" 3>"$DIR/killed" &
		killer=$!
		await 5 grep -q ready "$DIR/killed"
		submit "$n"
		k=$((k + 1))
		for ((i = 0; i < 12000; i++)); do
			! grep -q '^killed' "$DIR/killed" || break
			! { everybody_has "$k" && spool_empty; } || break
			sleep 0.01
		done
		seen_clean "$owner"
		if ! grep -q '^killed' "$DIR/killed"; then
			kill "$killer" 2>/dev/null || :
			wait "$killer" || :
			grep -q '^killed' "$DIR/killed" || break
		fi
		wait "$queue" "$killer" 2>/dev/null || :
		queue_pass >/dev/null
		seen_clean "$owner"
		everybody_has "$k"
		spool_empty
		[ -z "$(find "$SPOOL/state" "$MAIL"/user*/tmp -type f)" ]
	done
	end "$queue"
	echo "# killed at $((k - 1)) of $n stops; $k messages, 100 times each" >&3
	[ "$k" -gt 10 ]
	[ "$(wc -l <"$DIR/acked")" = "$k" ]
}

power_cuts() { # SYNC [COUNT]
	local n dir count=${2:-10}
	need xfs_io xfsprogs
	need mkfs.ext4 e2fsprogs
	losetup -f >/dev/null 2>&1 || skip "NOT TESTED: no loop devices"
	dir=$(private_dir)
	for ((n = 0; n < count; n++)); do
		"$ROOT/t/powercut" "$dir" "$1" >"$dir/out" 2>&1 || {
			cat "$dir/out"
			return 1
		}
		tail -n 1 "$dir/out" >>"$dir/results"
	done
	echo "# $count power cuts, spool-sync $1: $(awk '{ a += $1; t += $4 } END { print a, "answered 250,", t, "there" }' "$dir/results")" >&3
	rm -rf "$dir"
}

@test "ten power cuts, file sync" {
	power_cuts file
}

@test "ten power cuts, directory sync" {
	power_cuts directory
}

@test "three power cuts on xfs, file sync" {
	need mkfs.xfs xfsprogs
	POWERCUT_FS=xfs power_cuts file 3
}
