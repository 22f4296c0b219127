# imap_fields.bats: header fields and other parts of messages that the cache of a folder keeps: the same with it and without.
# shellcheck shell=bash disable=SC2154

load helper
load imap

setup() {
	mbox_dir
	printf 'From: a@example.org\nTo: b@example.org,\n\tc@example.org\nTO: d@example.org\nSubject: one\nX-Other: no\nDate: now\n\nTo: body\n' |
	    message 1700000001.m1.host
	printf 'from : e@example.org\r\nSubject: two\r\n folded\r\nReferences: <1@x>\r\nX-Other: no\r\n\r\nbody\r\n' | message 1700000002.m2.host
	printf 'no header\nat all\n' | message 1700000003.m3.host
	printf 'Subject: nul \0 and \351\nbad line\nFrom: f@example.org\n\nbody\n' | message 1700000004.m4.host
	printf '' | message 1700000005.m5.host
	{ # more than is kept
		printf 'Subject: long\nReferences:'
		seq -f ' <%.0f@example.org>' 1 1000
		printf '\nbody\n'
	} | message 1700000006.m6.host
	printf 'To: g@example.org' | message 1700000007.m7.host
}

# fields NAMES [PARTIAL]: the literals of all messages, without the name of the section in front.
fields() {
	printf 'a SELECT INBOX\nb FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (%s)]%s)\nz LOGOUT\n' "$1" "${2-}" | talk |
	    sed -n 's/BODY\[HEADER[^]]*\]/BODY/; /FETCH/,/^b /p'
}

@test "HEADER.FIELDS from the cache and from the message: the same bytes, whole and in parts" {
	local names partial plain
	for names in 'FROM TO SUBJECT DATE' 'references' 'Bcc' 'to FROM list-id'; do
		for partial in '' '<0.10>' '<7.5>' '<30.400>' '<100000.1>'; do
			rm -f "$M"/posthouse.cache*
			# A field that no cache keeps: this reads the messages.
			plain=$(fields "$names x-nobody" "$partial")
			[ ! -e "$M/posthouse.cache-parsed" ]
			[ "$(fields "$names" "$partial")" = "$plain" ]
			[ -s "$M/posthouse.cache-parsed" ]
			[ "$(fields "$names" "$partial")" = "$plain" ]
		done
	done
	[ "$(grep -c FETCH <<<"$plain")" = 7 ]
	[ "$(fields TO | sed -n 2,6p)" = 'To: b@example.org,
	c@example.org
TO: d@example.org

)' ]
}

@test "HEADER.FIELDS after ENVELOPE opens no file; a damaged cache is read around" {
	local plain c
	need strace strace
	plain=$(fields 'FROM TO SUBJECT x-nobody')
	printf 'a SELECT INBOX\nb FETCH 1:* ENVELOPE\nz LOGOUT\n' | talk >/dev/null
	run bash -c "printf 'a SELECT INBOX\r\nb FETCH 1:* BODY.PEEK[HEADER.FIELDS (FROM TO SUBJECT)]\r\nz LOGOUT\r\n' |
		strace -f -e trace=openat '$BIN/imapd' '$M' 2>&1 >/dev/null | grep -c '17000000[^6].*m[1-57].host'"
	[ "$output" = 0 ]
	for c in 's/b@example/x@example/' 's/Subject: /Sxbject: /' 's/two/owt/'; do
		sed -i "$c" "$M/posthouse.cache-parsed"
		[ "$(fields 'FROM TO SUBJECT')" = "$plain" ]
	done
	printf 'XXXX' | dd of="$M/posthouse.cache-index" bs=1 seek=100 conv=notrunc status=none
	[ "$(fields 'FROM TO SUBJECT')" = "$plain" ]
	head -c 200 "$M/posthouse.cache-parsed" >"$M/cut"
	mv "$M/cut" "$M/posthouse.cache-parsed"
	[ "$(fields 'FROM TO SUBJECT')" = "$plain" ]
}

# search FIRST...: what is found and how it is sorted, after these commands.
search() {
	printf '%s\n' 'a SELECT INBOX' "$@" 'b SEARCH FROM a@example' 'c SEARCH TO c@example' 'd SEARCH SUBJECT "two folded"' \
	    'e SORT (SUBJECT DATE FROM TO) UTF-8 ALL' 'f THREAD REFERENCES UTF-8 ALL' 'z LOGOUT' | talk |
	    grep -E '^\* (SEARCH|SORT|THREAD)' | tail -n 5
}

@test "SEARCH, SORT and THREAD after ENVELOPE, or after each other, open no file and answer the same" {
	local plain first c
	need strace strace
	plain=$(search)
	[ "$(wc -l <<<"$plain")" = 5 ]
	[ "$(sed -n '1,3p' <<<"$plain")" = $'* SEARCH 1\n* SEARCH 1\n* SEARCH 2' ]
	for first in 'x FETCH 1:* ENVELOPE' 'x SEARCH SUBJECT o' 'x SORT (ARRIVAL SUBJECT) UTF-8 ALL' 'x FETCH 1:* BODY.PEEK[HEADER.FIELDS (TO)]'; do
		rm -f "$M"/posthouse.cache*
		[ "$(search "$first")" = "$plain" ]
		rm -f "$M"/posthouse.cache*
		printf '%s\n' 'a SELECT INBOX' "$first" 'z LOGOUT' | talk >/dev/null
		run bash -c "printf '%s\r\n' 'a SELECT INBOX' 'b SEARCH FROM a@example' 'c SORT (SUBJECT) UTF-8 ALL' 'd THREAD REFERENCES UTF-8 ALL' \
			'z LOGOUT' | strace -f -e trace=openat '$BIN/imapd' '$M' 2>&1 >/dev/null | grep -c '17000000[^6].*m[1-57].host'"
		[ "$output" = 0 ]
	done
	for c in 's/b@example/x@example/' 's/Subject: /Sxbject: /' 's/two/owt/'; do
		rm -f "$M"/posthouse.cache*
		printf '%s\n' 'a SELECT INBOX' 'b FETCH 1:* ENVELOPE' 'z LOGOUT' | talk >/dev/null
		sed -i "$c" "$M/posthouse.cache-parsed"
		[ "$(search)" = "$plain" ]
	done
}

@test "\\Seen that reading fields sets is told, from the cache too" {
	for _ in 1 2; do
		output=$(printf 'a SELECT INBOX\nb FETCH 1 BODY[HEADER.FIELDS (SUBJECT)]\nc STORE 1 -FLAGS.SILENT (\\Seen)\nz LOGOUT\n' | talk)
		has '.* FLAGS \(\\Seen.*'
	done
}

@test "\\Seen is set for many messages with few locks, and no lock is held while the client does not read" {
	local i
	need strace strace
	for ((i = 0; i < 400; i++)); do
		{
			printf 'Subject: %d\n\n' $i
			head -c 1000 /dev/zero | tr '\0' x
			echo
		} >"$M/new/1800000$((100 + i)).m.host"
	done
	talk <<<'a SELECT INBOX' >/dev/null
	mkfifo "$BATS_TEST_TMPDIR/in"
	strace -f -o "$BATS_TEST_TMPDIR/trace" -e trace=fcntl "$BIN/imapd" "$M" <"$BATS_TEST_TMPDIR/in" 2>/dev/null | {
		# Nobody reads until the other session has changed a flag.
		until [ -e "$BATS_TEST_TMPDIR/changed" ]; do sleep 0.1; done
		cat >"$BATS_TEST_TMPDIR/out"
	} &
	exec 4>"$BATS_TEST_TMPDIR/in"
	printf 'a SELECT INBOX\r\nb FETCH 1:* (BODY[])\r\nz LOGOUT\r\n' >&4
	i=0
	until [ "$(find "$M/cur" -name '*:2,S' | wc -l)" -ge 50 ]; do
		sleep 0.1
		((++i < 1200))
	done
	output=$(printf 'a SELECT INBOX\nb STORE 407 +FLAGS (\\Flagged)\nz LOGOUT\n' | talk)
	touch "$BATS_TEST_TMPDIR/changed"
	exec 4>&-
	wait
	has '\* 407 FETCH \(FLAGS \(\\Flagged.*'
	grep -aq 'b OK Fetch completed' "$BATS_TEST_TMPDIR/out"
	[ "$(grep -ac 'FLAGS (.*\\Seen' "$BATS_TEST_TMPDIR/out")" -ge 406 ]
	[ "$(find "$M/cur" -name '*:2,*S*' | wc -l)" = 407 ]
	[ "$(grep -c 'F_SETLK.* = 0' "$BATS_TEST_TMPDIR/trace")" -lt 60 ]
	printf 'a SELECT INBOX\nb FETCH 407 FLAGS\nz LOGOUT\n' | talk | grep -q 'Flagged.*Seen\|Seen.*Flagged'
}
