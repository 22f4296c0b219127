# imap_sort.bats: SORT and THREAD (RFC 5256, 5957, 5267), and search by i;unicode-casemap (RFC 5051).
# shellcheck shell=bash disable=SC2154

load helper
load imap

setup() {
	mbox_dir
}

# mail N SUBJECT [HEADER LINE...]: message N, sent on day N of January 2026 unless a Date is given.
mail() {
	local n=$1 subject=$2 line date=1
	shift 2
	for line; do
		case $line in Date:*) date=0 ;; esac
	done
	{
		[ $date = 0 ] || printf 'Date: %d Jan 2026 12:00:00 +0000\n' "$n"
		printf 'Subject: %s\n' "$subject"
		[ $# = 0 ] || printf '%s\n' "$@"
		printf '\nbody %d\n' "$n"
	} >"$M/cur/$(printf '%03d' "$n").m:2,"
}

# ask COMMAND...: the untagged lines that the commands are answered with, in the selected INBOX.
ask() {
	{
		echo "a SELECT INBOX"
		printf 'b %s\n' "$@"
		echo "z LOGOUT"
	} | talk | sed -n '/^a OK/,/^\* BYE/p' | grep -v '^a OK\|^\* BYE\|^b OK'
}

@test "SORT: the examples of RFC 5256, and each criterion" {
	mail 1 'Re: zebra' 'From: Bob <bob@example.org>' 'To: x@example.org' 'Cc: c@example.org'
	mail 2 'apple' 'From: alice@example.net' 'To: y@example.org'
	mail 3 'Zebra' 'From: "Zoe" <anna@example.com>' 'To: a@example.org' 'Cc: b@example.org'
	printf 'From: =?utf-8?q?=C3=89mile?= <e@example.org>\nSubject: =?utf-8?q?=C3=A9toile?=\n\nlong body, long body, long body\n' \
		>"$M/cur/004.m:2,S"
	touch -d '2026-01-02 00:00 UTC' "$M/cur/004.m:2,S"
	touch -d '2026-02-01 00:00 UTC' "$M/cur/001.m:2,"
	touch -d '2026-02-03 00:00 UTC' "$M/cur/002.m:2,"
	touch -d '2026-02-02 00:00 UTC' "$M/cur/003.m:2,"
	run ask 'SORT (SUBJECT) UTF-8 ALL' 'SORT (SUBJECT REVERSE DATE) UTF-8 ALL' 'SORT (SUBJECT) US-ASCII TEXT "not in mailbox"' \
		'SORT (DATE) UTF-8 ALL' 'SORT (REVERSE DATE) UTF-8 ALL' 'SORT (ARRIVAL) UTF-8 ALL' 'SORT (SIZE) UTF-8 1:3' \
		'SORT (FROM) UTF-8 ALL' 'SORT (TO) UTF-8 ALL' 'SORT (CC) UTF-8 ALL' 'SORT (DISPLAYFROM) UTF-8 ALL' \
		'SORT (DISPLAYTO) UTF-8 ALL' 'UID SORT (REVERSE ARRIVAL) UTF-8 SEEN'
	echo "$output"
	[ "$output" = '* SORT 2 4 1 3
* SORT 2 4 3 1
* SORT
* SORT 1 4 2 3
* SORT 3 2 4 1
* SORT 4 1 3 2
* SORT 2 3 1
* SORT 2 3 1 4
* SORT 4 3 1 2
* SORT 2 4 3 1
* SORT 2 1 4 3
* SORT 4 3 1 2
* SORT 4' ]
}

@test "SORT: ties keep the order of the mailbox, names are compared by i;unicode-casemap" {
	mail 1 b
	mail 2 '=?iso-8859-1?q?=E9?='
	mail 3 B
	mail 4 '=?utf-8?b?RcyB?='
	mail 5 a 'Date: nonsense'
	mail 6 '_'
	touch -d '2027-01-01 UTC' "$M/cur/005.m:2,"
	run ask 'SORT (SUBJECT) UTF-8 ALL' 'SORT (REVERSE SUBJECT) UTF-8 ALL' 'SORT (DATE) UTF-8 ALL'
	[ "$output" = '* SORT 5 1 3 2 4 6
* SORT 6 2 4 1 3 5
* SORT 1 2 3 4 6 5' ]
}

@test "ESORT: result options, in the order of the sort; the result is saved" {
	mail 1 c
	mail 2 a
	mail 3 b
	mail 4 d
	run ask 'SORT RETURN (MIN MAX COUNT ALL) (SUBJECT) UTF-8 ALL' 'UID SORT RETURN () (REVERSE SUBJECT) UTF-8 ALL' \
		'SORT RETURN (COUNT) (SUBJECT) UTF-8 KEYWORD none' 'SORT RETURN (SAVE MIN) (SUBJECT) UTF-8 ALL' 'SEARCH $' \
		'SORT RETURN (SAVE) (SUBJECT) UTF-8 NOT 1' 'SEARCH $' \
		'SORT RETURN (PARTIAL 2:3 SAVE) (SUBJECT) UTF-8 ALL' 'SEARCH $' 'SORT RETURN (PARTIAL -1:-2) (SUBJECT) UTF-8 ALL' \
		'SORT RETURN (PARTIAL 9:10) (SUBJECT) UTF-8 ALL'
	echo "$output"
	[ "$output" = '* ESEARCH (TAG "b") MIN 2 MAX 4 COUNT 4 ALL 2:3,1,4
* ESEARCH (TAG "b") UID ALL 4,1,3,2
* ESEARCH (TAG "b") COUNT 0
* ESEARCH (TAG "b") MIN 2
* SEARCH 2
* SEARCH 2 3 4
* ESEARCH (TAG "b") PARTIAL (2:3 3,1)
* SEARCH 1 3
* ESEARCH (TAG "b") PARTIAL (-1:-2 1,4)
* ESEARCH (TAG "b") PARTIAL (9:10 NIL)' ]
}

@test "THREAD=ORDEREDSUBJECT: one subject, one thread, whoever answers whom" {
	mail 1 one
	mail 2 two
	mail 3 'Re: one'
	mail 4 '[list] Fwd: ONE (fwd)'
	mail 5 'Re: two'
	run ask 'THREAD ORDEREDSUBJECT UTF-8 ALL' 'UID THREAD ORDEREDSUBJECT UTF-8 2:3' 'THREAD ORDEREDSUBJECT US-ASCII TEXT "gewp"'
	echo "$output"
	[ "$output" = '* THREAD (1 (3)(4))(2 5)
* THREAD (2)(3)
* THREAD' ]
}

@test "THREAD=REFERENCES: the tree of RFC 5256 section 4, and a parent that is missing" {
	local id
	mail 2 lone 'Message-ID: <m2@x>'
	mail 3 root 'Message-ID: <m3@x>'
	mail 6 'Re: root' 'Message-ID: <m6@x>' 'References: <m3@x>'
	mail 4 'Re: root' 'Message-ID: <m4@x>' 'References: <m3@x> <m6@x>'
	mail 23 'Re: root' 'Message-ID: <m23@x>' 'In-Reply-To: <m4@x> (was: something)'
	mail 44 'Re: root' 'Message-ID: <"m44"@x>' 'References: <m3@x>' 'Date: 5 Jan 2026 12:00:00 +0000'
	sed -i 's/^References: .*/References: <m3@x>\n <m6@x>/' "$M/cur/044.m:2,"
	mail 7 'Re: root' 'Message-ID: <m7@x>' 'References: <m44@x>'
	mail 96 'Re: root' 'Message-ID: <m96@x>' 'References: <m7@x>' 'Date: 30 Jan 2026 12:00:00 +0000'
	mail 100 'first' 'References: <gone@x>' 'Date: 1 Feb 2026 12:00:00 +0000'
	mail 101 'second' 'References: <gone@x>' 'Date: 2 Feb 2026 12:00:00 +0000'
	run ask 'UID THREAD REFERENCES UTF-8 ALL' 'THREAD REFERENCES UTF-8 NOT SUBJECT root'
	# in order of names: 002 003 004 006 007 023 044 096 100 101 are 1 to 10
	echo "$output"
	[ "$output" = '* THREAD (1)(2 4 (3 6)(7 5 8))((9)(10))
* THREAD (1)((9)(10))' ]
}

@test "THREAD=REFERENCES: subjects join what references do not" {
	mail 1 'plan' 'Message-ID: <a@x>'
	mail 2 'Re: plan' 'Message-ID: <b@x>'
	mail 3 'Re: Plan' 'Message-ID: <c@x>'
	mail 4 'other' 'Message-ID: <d@x>'
	mail 5 'other' 'Message-ID: <e@x>'
	mail 6 ''
	mail 7 ''
	run ask 'THREAD REFERENCES UTF-8 ALL'
	echo "$output"
	[ "$output" = '* THREAD (1 (2)(3))((4)(5))(6)(7)' ]
}

@test "THREAD=REFERENCES: loops, duplicate IDs and messages that refer to themselves" {
	mail 1 a 'Message-ID: <a@x>' 'References: <b@x>'
	mail 2 b 'Message-ID: <b@x>' 'References: <a@x>'
	mail 3 c 'Message-ID: <c@x>' 'References: <c@x> <c@x>'
	mail 4 d 'Message-ID: <c@x>' 'References: <a@x> <b@x> <a@x>'
	mail 5 e 'Message-ID: no brackets' 'References: <<a@x>> <> <b@x'
	run ask 'THREAD REFERENCES UTF-8 ALL'
	echo "$output"
	[ "$output" = '* THREAD (2 1 4)(3)(5)' ]
}

@test "a chain of 20,000 answers is a thread, in both directions" {
	local i
	python3 - "$M/cur" <<-'E'
	import sys
	for n in range(20000):
	    with open('%s/%06d.m:2,' % (sys.argv[1], n), 'w') as f:
	        f.write('Message-ID: <m%d@x>\nIn-Reply-To: <m%d@x>\nSubject: %d\nDate: 1 Jan 2026 12:00:00 +0000\n\nx\n' % (n, n - 1 if n < 10000 else n + 1, n))
	E
	ask 'THREAD REFERENCES UTF-8 ALL' >"$BATS_TEST_TMPDIR/out"
	[ "$(tr -cd '(' <"$BATS_TEST_TMPDIR/out" | wc -c)" = 2 ]
	[ "$(grep -o '[0-9][0-9]*' "$BATS_TEST_TMPDIR/out" | wc -l)" = 20000 ]
}

@test "THREADID: one for all that name the same oldest message, in FETCH and SEARCH" {
	local a b
	mail 1 a 'Message-ID: <a@x>'
	mail 2 b 'Message-ID: <b@x>' 'References: <a@x>'
	mail 3 c 'Message-ID: <c@x>' 'References: <a@x> <b@x>' 'In-Reply-To: <b@x>'
	mail 4 d 'Message-ID: <d@x>' 'In-Reply-To: <"a"@x>'
	mail 5 e
	mail 6 f
	run ask 'FETCH 1:6 THREADID'
	echo "$output"
	a=$(sed -n 's/^\* 1 FETCH (THREADID (\(T[0-9a-f]*\)))$/\1/p' <<<"$output")
	b=$(sed -n 's/^\* 5 FETCH (THREADID (\(T[0-9a-f]*\)))$/\1/p' <<<"$output")
	[ -n "$a" ]
	[ -n "$b" ]
	[ "$(grep -c "$a" <<<"$output")" = 4 ]
	[ "$(grep -c "$b" <<<"$output")" = 1 ]
	run ask "SEARCH THREADID $a" "SEARCH THREADID $b" 'SEARCH THREADID T0'
	[ "$output" = '* SEARCH 1 2 3 4
* SEARCH 5
* SEARCH' ]
}

@test "bad SORT and THREAD" {
	local line
	mail 1 a
	while read -r line; do
		run talk <<-E
		a SELECT INBOX
		b $line
		z LOGOUT
		E
		echo "$line: $output"
		[[ "$output" == *$'\nb BAD '* ]]
	done <<-'E'
	SORT
	SORT () UTF-8 ALL
	SORT (DATE
	SORT (DATE) UTF-8
	SORT (DATE) ALL
	SORT (REVERSE) UTF-8 ALL
	SORT (REVERSE REVERSE DATE) UTF-8 ALL
	SORT (COLOUR) UTF-8 ALL
	SORT DATE UTF-8 ALL
	SORT (DATE DATE DATE DATE DATE DATE DATE DATE DATE DATE DATE DATE DATE DATE DATE DATE DATE) UTF-8 ALL
	THREAD
	THREAD REFS UTF-8 ALL
	THREAD REFERENCES UTF-8
	THREAD REFERENCES ALL
	E
	run ask 'SORT (DATE) KLINGON ALL' 'THREAD REFERENCES KLINGON ALL'
	[ "$output" = 'b NO [BADCHARSET (US-ASCII UTF-8)] Unknown charset
b NO [BADCHARSET (US-ASCII UTF-8)] Unknown charset' ]
}

@test "search does not see case, accents typed in two ways, or the charset" {
	printf 'Subject: =?utf-8?q?CAF=C3=89?=\nContent-Type: text/plain; charset=utf-8\n\nStra\xc3\x9fe \xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82\n' >"$M/cur/1:2,"
	printf 'Subject: x\nContent-Type: text/plain; charset=iso-8859-1\n\nle caf\xe9\n' >"$M/cur/2:2,"
	printf 'Subject: x\nContent-Type: text/plain; charset=koi8-r\n\n\xd0\xd2\xc9\xd7\xc5\xd4\n' >"$M/cur/3:2,"
	run ask 'SEARCH SUBJECT cafe' $'SEARCH CHARSET UTF-8 SUBJECT "caf\xc3\xa9"' $'SEARCH CHARSET UTF-8 TEXT "cafe\xcc\x81"' \
		'SEARCH BODY CAFE' $'SEARCH CHARSET UTF-8 BODY "\xd0\x9f\xd0\xa0\xd0\x98\xd0\x92\xd0\x95\xd0\xa2"' \
		$'SEARCH CHARSET UTF-8 BODY "\xd0\xbf\xd1\x80\xd0\xb8"' 'SEARCH BODY strase'
	echo "$output"
	[ "$output" = '* SEARCH 1
* SEARCH 1
* SEARCH 1 2
* SEARCH 2
* SEARCH 1 3
* SEARCH 1 3
* SEARCH' ]
}

@test "SEARCH=FUZZY: mistakes, order and marks; the score tells how near" {
	mail 1 'Helo there'
	mail 2 'please help'
	mail 3 'hello'
	mail 4 '=?utf-8?q?caf=C3=A9_cr=C3=A8me?='
	mail 5 'nothing'
	run ask 'SEARCH RETURN (RELEVANCY ALL) FUZZY SUBJECT Helo' 'SORT (RELEVANCY) UTF-8 FUZZY (SUBJECT helo NOT 2)' \
		'SORT RETURN (RELEVANCY ALL) (RELEVANCY REVERSE SUBJECT) UTF-8 FUZZY SUBJECT helo' 'SEARCH FUZZY SUBJECT "creme cafe"' \
		'SEARCH RETURN (RELEVANCY PARTIAL 2:9) FUZZY SUBJECT "thre"' 'SEARCH FUZZY TEXT "bodi" 5' 'SEARCH FUZZY SUBJECT xyzzy'
	echo "$output"
	[ "$output" = '* ESEARCH (TAG "b") ALL 1:3 RELEVANCY (100 50 50)
* SORT 1 3
* ESEARCH (TAG "b") ALL 1:3 RELEVANCY (100 50 50)
* SEARCH 4
* ESEARCH (TAG "b") PARTIAL (2:9 NIL) RELEVANCY ()
* SEARCH 5
* SEARCH' ]
	run ask 'SEARCH RETURN (RELEVANCY) ALL' 'SORT (RELEVANCY) UTF-8 ALL' 'SEARCH FUZZY' 'SEARCH FUZZY NOT'
	[ "$(grep -c '^b BAD' <<<"$output")" = 4 ]
}

@test "CONTEXT=SEARCH: results are kept up to date until CANCELUPDATE or the mailbox is closed" {
	mail 1 one
	mail 2 two
	mail 3 three
	run talk <<-'E'
	a SELECT INBOX
	b SEARCH RETURN (UPDATE COUNT) UNDELETED 1:3
	c UID SEARCH RETURN (UPDATE CONTEXT) SUBJECT o
	b SEARCH RETURN (UPDATE) ALL
	d STORE 1:2 +FLAGS.SILENT (\Deleted)
	e STORE 2 -FLAGS.SILENT (\Deleted)
	f APPEND INBOX {18+}
	Subject: o

	body
	g NOOP
	h UID EXPUNGE 1
	i CANCELUPDATE "b" "none"
	j STORE 1 +FLAGS.SILENT (\Deleted)
	k SORT RETURN (UPDATE COUNT) (DATE) UTF-8 ALL
	l CANCELUPDATE
	m UNSELECT
	n SELECT INBOX
	o UID STORE 2 -FLAGS.SILENT (\Deleted)
	z LOGOUT
	E
	output=$(sed -n '/^a OK/,/^m OK/p;/^n OK/,$p' <<<"$output" | grep 'ESEARCH\|EXISTS\|EXPUNGE\|NOUPDATE\|BAD\|^[b-o] OK')
	echo "$output"
	[ "$output" = '* ESEARCH (TAG "b") COUNT 3
b OK Search completed
* ESEARCH (TAG "c") UID
c OK Search completed
b BAD A search with this tag is being updated
* ESEARCH (TAG "b") REMOVEFROM (0 1:2)
d OK Store completed
* ESEARCH (TAG "b") ADDTO (0 2)
e OK Store completed
* 4 EXISTS
* ESEARCH (TAG "c") UID ADDTO (0 4)
f OK [APPENDUID '"$(sed -n 's/^f OK \[APPENDUID \([0-9]*\) .*/\1/p' <<<"$output")"' 4] Append completed
g OK NOOP completed
* ESEARCH (TAG "c") UID REMOVEFROM (0 1)
* 1 EXPUNGE
h OK Expunge completed
i OK No further updates
j OK Store completed
* ESEARCH (TAG "k") COUNT 3
* NO [NOUPDATE "k"] Will not notify
k OK Sort completed
l BAD Missing argument
m OK Unselect completed
n OK [READ-WRITE] Select completed
o OK Store completed' ]
}

@test "CONTEXT=SEARCH: the ninth search is not updated" {
	local n
	mail 1 one
	{
		echo "a SELECT INBOX"
		for n in 1 2 3 4 5 6 7 8 9; do echo "b$n SEARCH RETURN (UPDATE COUNT) ALL"; done
		echo "z LOGOUT"
	} | talk >"$BATS_TEST_TMPDIR/out"
	[ "$(grep -c 'NOUPDATE' "$BATS_TEST_TMPDIR/out")" = 1 ]
	grep -q '^\* NO \[NOUPDATE "b9"\]' "$BATS_TEST_TMPDIR/out"
}

@test "SEARCH, SORT and THREAD again, from the cache: the same answers, and a damaged cache is read around" {
	local first c
	need strace strace
	mail 1 'Re: zebra' 'From: =?utf-8?q?=C3=89mile?= <e@example.org>' 'Message-ID: <1@x>' 'To: a@example.org' 'To: bob@example.org'
	mail 2 '=?iso-8859-1?q?caf=E9?=' 'From: alice@example.net' 'Message-ID: <2@x>' 'References: <1@x>' 'Bcc: hidden@example.org'
	printf '\nno header\n' >"$M/cur/003.m:2,"
	questions() {
		ask 'SEARCH FROM "mile"' 'SEARCH CHARSET UTF-8 SUBJECT "cafe"' 'SEARCH TO bob' 'SEARCH HEADER Message-ID ""' \
			'SEARCH NOT CC x' 'SEARCH OR BCC hidden SUBJECT zebra' 'SEARCH FROM alice TEXT body' 'SEARCH HEADER References 1@x' \
			'SORT (SUBJECT FROM) UTF-8 ALL' 'SORT (REVERSE DATE) UTF-8 TO example' 'THREAD REFERENCES UTF-8 ALL'
	}
	first=$(questions)
	echo "$first"
	[ "$first" = '* SEARCH 1
* SEARCH 2
* SEARCH 1
* SEARCH 1 2
* SEARCH 1 2 3
* SEARCH 1 2
* SEARCH 2
* SEARCH 2
* SORT 3 2 1
* SORT 1
* THREAD (1 2)(3)' ]
	[ -s "$M/posthouse.cache-parsed" ]
	[ "$(questions)" = "$first" ]
	# No file of a message is opened for these.
	run bash -c "printf 'a SELECT INBOX\r\nb SEARCH FROM mile\r\nb SORT (SUBJECT) UTF-8 ALL\r\nz LOGOUT\r\n' |
		strace -f -e trace=openat '$BIN/imapd' '$M' 2>&1 >/dev/null | grep -c '00[123][.]m'"
	[ "$output" = 0 ]
	# What one search has read a header for, sorting knows.
	rm "$M"/posthouse.cache-*
	ask 'SEARCH FROM mile' >/dev/null
	run bash -c "printf 'a SELECT INBOX\r\nb SORT (SUBJECT) UTF-8 ALL\r\nb THREAD REFERENCES UTF-8 ALL\r\nz LOGOUT\r\n' |
		strace -f -e trace=openat '$BIN/imapd' '$M' 2>&1 >/dev/null | grep -c '00[123][.]m'"
	[ "$output" = 0 ]
	for c in 's/Caf/Xaf/I' 's/example/elpmaxe/' 's/bob/eve/' 's/zebra/arbez/I'; do
		sed -i "$c" "$M/posthouse.cache-parsed"
		[ "$(questions)" = "$first" ]
	done
	head -c 300 "$M/posthouse.cache-parsed" >"$M/cut"
	mv "$M/cut" "$M/posthouse.cache-parsed"
	[ "$(questions)" = "$first" ]
}

@test "BODY and TEXT again: only messages that may hold the words are opened, and what is found stays exact" {
	local i first opened
	for i in 1 2 3 4 5 6; do mail "$i" "number $i" "X-Word: head$i"; done
	printf 'Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nCaf=E9 au lait\n' >"$M/cur/007.m:2,"
	words() {
		ask 'SEARCH BODY "body 3"' 'SEARCH TEXT "HEAD5"' 'SEARCH BODY head5' 'SEARCH NOT BODY "body"' 'SEARCH BODY "y 4"' \
			'SEARCH CHARSET UTF-8 BODY "CAFÉ AU"' 'SEARCH OR BODY 3 TEXT "number 2"' 'SEARCH TEXT nowhere' 'SEARCH BODY ""'
	}
	first=$(words)
	echo "$first"
	[ "$first" = '* SEARCH 3
* SEARCH 5
* SEARCH
* SEARCH 7
* SEARCH 4
* SEARCH 7
* SEARCH 2 3
* SEARCH
* SEARCH 1 2 3 4 5 6 7' ]
	[ "$(words)" = "$first" ]
	# opened PROGRAM: the files that this search opens.
	opened() {
		printf 'a SELECT INBOX\r\nb SEARCH %s\r\nz LOGOUT\r\n' "$1" |
			strace -f -e trace=openat "$BIN/imapd" "$M" 2>&1 >/dev/null | grep -o '00[0-9][.]m' | tr '\n' ' '
	}
	[ "$(opened 'BODY "body 3"')" = '003.m ' ]
	[ "$(opened 'TEXT head5')" = '005.m ' ]
	[ "$(opened 'TEXT nowhere')" = '' ]
	[ "$(opened 'NOT BODY nowhere')" = '' ]
	# Two bytes are no sequence: all are read.
	[ "$(opened 'BODY zq' | wc -w)" = 7 ]
	# A cache that is lost, cut or changed costs time and nothing else.
	for i in 200 900 2000; do
		head -c "$i" "$M/posthouse.cache-parsed" >"$M/cut"
		mv "$M/cut" "$M/posthouse.cache-parsed"
		[ "$(words)" = "$first" ]
	done
	printf '\377\377\377\377\377\377\377\377' | dd of="$M/posthouse.cache-parsed" bs=1 seek=400 conv=notrunc status=none
	[ "$(words)" = "$first" ]
	rm "$M/posthouse.cache-index"
	[ "$(words)" = "$first" ]
}

@test "what the cache knows of a text never hides a word of it: public messages, 48 pieces of each" {
	[ -d "$TESTDATA/corpora" ] || skip "NOT TESTED: no $TESTDATA"
	find "$TESTDATA" -type f -size -1000k -print0 | xargs -0 "$BIN/../fuzz/imap_grams"
}

@test "the folding is that of the Unicode Character Database, code point by code point" {
	python3 -c 'import unicodedata, sys; sys.exit(unicodedata.unidata_version != "14.0.0")' ||
		skip "NOT TESTED: this Python has another version of Unicode"
	"$BIN/../t/casemap_test" table | python3 "$ROOT/t/casemap.py" check
}
