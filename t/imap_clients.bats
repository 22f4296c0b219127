# imap_clients.bats: what clients do that breaks naive servers, one test each.
# shellcheck shell=bash disable=SC2154

load helper
load imap

setup() {
	local i
	need python3 python3
	mbox_dir
	for i in 1 2 3 4 5; do
		printf 'From: a%s@example.org\nSubject: number %s\n\nbody %s\n' $i $i $i | message "170000000$i.m$i.host"
	done
}
teardown() { [ "${#INSTANCES[@]}" = 0 ] || instance_stop; }

# sessions TEST: one of t/imap_sessions.py, over a mailbox of its own.
sessions() {
	mkdir -p "$BATS_TEST_TMPDIR"/empty/{cur,new,tmp}
	timeout 300 python3 "$ROOT/t/imap_sessions.py" "$BIN/imapd" "$BATS_TEST_TMPDIR/empty" "$1"
}

@test "DONE and further commands in one packet after IDLE" {
	output=$(bytes 'a SELECT INBOX\r\nb IDLE\r\nDONE\r\nc NOOP\r\nd FETCH 1 UID\r\ne IDLE\r\nDONE\r\nf LOGOUT\r\n')
	[ "$(grep -E '^[a-f+] ' <<<"$output" | cut -c1-4 | tr '\n' ' ')" = "a OK + id b OK c OK d OK + id e OK f OK " ]
}

@test "very long UID sets, in any order, with numbers that do not exist" {
	output=$({
		echo 'a SELECT INBOX'
		echo "b UID FETCH $(seq -s, 1 2 20001),2:3,*:4 (UID)"
		echo "c UID STORE $(seq -s, 10000 -1 1) +FLAGS.SILENT (\\Seen)"
		echo 'd UID SEARCH SEEN'
		echo "e UID COPY $(seq -s, 1 12000) INBOX"
	} | talk)
	[ "$(grep -c '^\* [1-5] FETCH (UID [1-5])$' <<<"$output")" = 5 ]
	has '[abcde] OK .*' '\* SEARCH 1 2 3 4 5' 'e OK \[COPYUID [0-9]+ 1:5 6:10\] .*'
}

@test "literals of 0 bytes" {
	output=$(bytes 'a SELECT {0+}\r\n\r\nb LIST {0}\r\n {0}\r\n\r\nc SELECT INBOX\r\nd SEARCH SUBJECT {0+}\r\n\r\ne SEARCH BODY {0}\r\n\r\nf APPEND INBOX {0+}\r\n\r\ng APPEND INBOX {0}\r\n\r\nh STATUS {0+}\r\n (MESSAGES)\r\ni SETMETADATA INBOX (/private/x {0+}\r\n)\r\nj GETMETADATA INBOX /private/x\r\n')
	has 'a NO .*' '\* LIST \(\\Noselect\) "/" ""' 'b OK .*' '\* SEARCH 1 2 3 4 5' 'f NO .*' 'g NO .*' 'h NO .*' '\* METADATA INBOX \(/private/x ""\)'
	[ "$(grep -c '^\* SEARCH 1 2 3 4 5$' <<<"$output")" = 2 ]
}

@test "partial fetch past the end" {
	output=$(talk <<<$'a SELECT INBOX\nb FETCH 1 (BODY.PEEK[]<10000.10> BODY.PEEK[TEXT]<8.1> BODY.PEEK[TEXT]<7.100> BINARY.PEEK[1]<99.1> BODY.PEEK[]<9223372036854775807.1>)')
	has '\* 1 FETCH \(BODY\[\]<10000> \{0\}' ' BODY\[TEXT\]<8> \{0\}' ' BODY\[TEXT\]<7> \{1\}' '.*BINARY\[1\]<99> \{0\}' ' BODY\[\]<9223372036854775807> \{0\}' 'b OK .*'
}

@test "UIDONLY, and then a fetch by sequence number" {
	output=$(talk <<<$'a ENABLE UIDONLY\nb SELECT INBOX\nc FETCH 1 UID\nd UID FETCH 1 UID')
	has 'c BAD \[UIDREQUIRED\] .*' '\* 1 UIDFETCH \(UID 1\)'
}

@test "CHANGEDSINCE 0" {
	output=$(talk <<<$'a SELECT INBOX\nb FETCH 1:* (FLAGS) (CHANGEDSINCE 0)\nc ENABLE QRESYNC\nd UID FETCH 1:* (FLAGS) (CHANGEDSINCE 0 VANISHED)')
	[ "$(grep -c '^\* [1-5] FETCH (.*MODSEQ' <<<"$output")" = 10 ]
}

@test "names with & under UTF8=ACCEPT" {
	output=$(talk <<<$'a ENABLE UTF8=ACCEPT\nb CREATE "R&D"\nc CREATE "&-"\nd LIST "" "*&*"')
	has '[bc] OK .*' '\* LIST .* R&D' '\* LIST .* &-'
	[ -d "$M/.R&-D" ]
	[ -d "$M/.&--" ]
}

@test "INBOX in any case, and below it" {
	output=$(talk <<-'END'
		a SELECT iNbOx
		b STATUS inbox (MESSAGES)
		c CREATE inbox/Sub
		d SUBSCRIBE Inbox
		e LSUB "" inBOX
		f LIST "" inbox/%
		g COPY 1 InBoX
		h LIST "" *
		i CREATE Inbox
		j SELECT Inbox/Sub
		k CREATE inboxes
	END
	)
	has 'a OK .*' '\* STATUS INBOX \(MESSAGES 5\)' '\* LSUB \(.*\) "/" INBOX' '\* LIST .* INBOX/Sub' 'g OK .*' 'i NO \[ALREADYEXISTS\] .*' 'j OK .*' 'k OK .*'
	[ -d "$M/.INBOX.Sub" ]
	[ -d "$M/.inboxes" ]
}

@test "EXISTS is always sent" {
	mkdir -p "$M"/.Empty/{cur,new,tmp}
	output=$(talk <<<$'a SELECT Empty\nb EXAMINE Empty\nc SELECT INBOX\nd SELECT INBOX')
	[ "$(grep -E '^\* [0-9]+ EXISTS|^[a-d] OK' <<<"$output" | cut -c1-8 | tr '\n' ,)" = "* 0 EXIS,a OK [RE,* 0 EXIS,b OK [RE,* 5 EXIS,c OK [RE,* 5 EXIS,d OK [RE," ]
}

@test "APPENDUID and COPYUID in order" {
	mkdir -p "$M"/.To/{cur,new,tmp}
	output=$(bytes 'a SELECT INBOX\r\nb COPY 5,1,3 To\r\nc UID MOVE 4,2 To\r\nd APPEND To {1+}\r\na {1+}\r\nb {1+}\r\nc\r\n')
	has 'b OK \[COPYUID [0-9]+ 1,3,5 1:3\] .*' '\* OK \[COPYUID [0-9]+ 2,4 4:5\] .*' 'd OK \[APPENDUID [0-9]+ 6:8\] .*'
}

@test "UIDVALIDITY and UIDs are durable before the first answer" {
	mkfifo "$BATS_TEST_TMPDIR/in"
	"$BIN/imapd" "$M" >"$BATS_TEST_TMPDIR/out" <"$BATS_TEST_TMPDIR/in" 2>/dev/null &
	pid=$!
	exec 7>"$BATS_TEST_TMPDIR/in"
	printf 'a SELECT INBOX\r\n' >&7
	await 5 grep -q '^a OK' "$BATS_TEST_TMPDIR/out"
	kill -9 $pid
	exec 7>&-
	first=$(sed -n 's/.*UIDVALIDITY \([0-9]*\).*/\1/p' "$BATS_TEST_TMPDIR/out")
	output=$(talk <<<$'a SELECT INBOX\nb FETCH 1:* (UID)')
	has ".*UIDVALIDITY $first\].*" '\* 5 FETCH \(UID 5\)'
}

@test "kill -9 at the system calls of a first SELECT: a UIDVALIDITY that was answered holds, on disk before it is sent" {
	local n first answered=0 silent=0
	[ -x "$BIN/../t/killat" ] || skip "NOT TESTED: no killat (make tests)"
	[ -z "${SANITIZED-}" ] || skip "sanitizers make calls of their own"
	cp -a "$M" "$BATS_TEST_TMPDIR/start"
	for ((n = 1; n < 2000; n += 31)); do
		rm -rf "$M"
		cp -a "$BATS_TEST_TMPDIR/start" "$M"
		printf 'a SELECT INBOX\r\nb FETCH 1:* UID\r\n' | "$BIN/../t/killat" "$n" "$BIN/imapd" "$M" 2>/dev/null \
		    3>"$BATS_TEST_TMPDIR/said" | tr -d '\r' >"$BATS_TEST_TMPDIR/out" || :
		[ "$(head -c 6 "$BATS_TEST_TMPDIR/said")" = killed ] || break
		first=$(sed -n 's/.*UIDVALIDITY \([0-9]*\).*/\1/p' "$BATS_TEST_TMPDIR/out")
		if [ -z "$first" ]; then
			silent=$((silent + 1))
			continue
		fi
		answered=$((answered + 1))
		output=$(talk <<<$'a SELECT INBOX\nb FETCH 1:* (UID)')
		has ".*UIDVALIDITY $first\\].*" '\* 5 FETCH \(UID 5\)'
	done
	echo "killed before the answer: $silent, after it: $answered"
	[ "$silent" -gt 2 ]
	# What was answered had been synced: the power may fail, too.
	need strace strace
	rm -rf "$M"
	cp -a "$BATS_TEST_TMPDIR/start" "$M"
	printf 'a SELECT INBOX\r\n' | strace -s 4096 -o "$BATS_TEST_TMPDIR/calls" "$BIN/imapd" "$M" >/dev/null 2>&1
	awk '/^(fsync|fdatasync)\(.*= 0$/ { synced = NR } /^write.*UIDVALIDITY/ { ok = synced; exit }
	    END { exit !ok }' "$BATS_TEST_TMPDIR/calls"
}

@test "tagged replies in order, however many commands come at once" {
	{
		echo 's SELECT INBOX'
		for i in $(seq 300); do
			case $((i % 5)) in
			0) echo "t$i NOOP" ;; 1) echo "t$i FETCH 1:5 (FLAGS ENVELOPE)" ;; 2) echo "t$i FROB" ;;
			3) echo "t$i STORE $((i % 5 + 1)) +FLAGS (\\Seen)" ;; 4) echo "t$i SEARCH BODY body" ;;
			esac
		done
	} >"$BATS_TEST_TMPDIR/in"
	output=$(talk <"$BATS_TEST_TMPDIR/in")
	[ "$(grep -oE '^t[0-9]+' <<<"$output")" = "$(seq -f 't%g' 300)" ]
}

@test "50 connections of one user: the oldest idle one goes, the newest is not refused" {
	INSTANCE_SETTINGS=$'user-connection-limit 50\nclient-connection-limit 100' instance_start
	adduser bob@example.test pw
	python3 - "$IMAP_PORT" <<-'P'
	import imaplib, sys, time
	def login():
	    m = imaplib.IMAP4("127.0.0.1", int(sys.argv[1]), timeout=120)
	    m.login("bob@example.test", "pw")
	    return m
	all = [login() for _ in range(53)]
	def gone(m):
	    try:
	        return m.noop()[0] != "OK"
	    except (imaplib.IMAP4.abort, OSError):
	        return True
	end = time.monotonic() + 120
	for m in all[:3]:
	    while not gone(m):
	        assert time.monotonic() < end, "the oldest goes on"
	        time.sleep(0.05)
	for k, m in enumerate(all[3:]):
	    assert m.noop()[0] == "OK", k
	P
}

@test "half-dead connections: one that does not read and one that leaves in mid-literal hold up nobody" { sessions half_dead; }
@test "NOOP after another session's expunge" { sessions no_expunge_in_fetch; }
@test "two sessions storing flags at once" { sessions two_store; }
@test "rename and delete of a folder that is open" { sessions open_folder_renamed_deleted; }
