# imap_utf8.bats: UTF8=ACCEPT (RFC 9755) and IMAP4rev2 (RFC 9051): what changes once a client has enabled them.
# shellcheck shell=bash disable=SC2154

load helper
load imap

setup() {
	local i
	mbox_dir
	for i in 1 2 3; do
		printf 'From: a%s@example.org\nSubject: number %s\n\nbody %s\n' $i $i $i | message "170000000$i.m$i.host"
	done
}

@test "names: UTF-8 in and out, \"&\" is an ampersand, and others see modified UTF-7" {
	output=$(bytes 'a CREATE "Entw&APw-rfe"\r\nb CREATE "R&-D"\r\nc ENABLE UTF8=ACCEPT\r\nd LIST "" *\r\ne CREATE "\303\234ber/\346\227\245\346\234\254"\r\nf CREATE "a&b"\r\ng SELECT "R&D"\r\nh STATUS "Entw\303\274rfe" (MESSAGES)\r\ni RENAME {5+}\r\na&b\303\244 x\r\nj RENAME "a&b" "\303\244&"\r\nk SUBSCRIBE "\303\244&"\r\nl LSUB "" "\303\244*"\r\nm LIST "" "\303\234%%/*"\r\nn CREATE "a\302\205b"\r\no CREATE "a\342\200\250b"\r\np CREATE "bad\377"\r\nq SELECT "R&-D"\r\nr CREATE {4+}\r\nb\303\050x\r\n')
	has '\* ENABLED UTF8=ACCEPT' '\* LIST \(\\HasNoChildren\) "/" "Entwürfe"' '\* LIST \(\\HasNoChildren\) "/" R&D' 'g OK .*' \
	    '\* STATUS "Entwürfe" \(MESSAGES 0\)' 'i NO \[NONEXISTENT\] .*' 'j OK .*' '\* LSUB \(\) "/" "ä&"' \
	    '\* LIST \(\\HasNoChildren\) "/" "Über/日本"' '[no] NO \[CANNOT\] Control .*' 'p BAD Not UTF-8' 'q NO \[NONEXISTENT\] .*' 'r NO \[CANNOT\] .*UTF-8'
	[ "$(grep -c '^[no] NO \[CANNOT\] Control' <<<"$output")" = 2 ]
	[ -d "$M/.Entw&APw-rfe" ]
	[ -d "$M/.R&-D" ]
	[ -d "$M/.&ANw-ber.&ZeVnLA-" ]
	[ -d "$M/.&AOQ-&-" ]
	output=$(talk <<<$'a LIST "" *')
	has '\* LIST \(\\HasNoChildren\) "/" &ANw-ber/&ZeVnLA-' '\* LIST \(\\HasNoChildren\) "/" &AOQ-&-' '\* LIST .* R&-D'
}

@test "UTF8=ACCEPT: SEARCH takes UTF-8 and no CHARSET; names in METADATA, QUOTAROOT and CATENATE" {
	printf 'From: x@example.org\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n\nx\n' | message 1700000009.x.host
	output=$(bytes 'a ENABLE UTF8=ACCEPT\r\nb SELECT INBOX\r\nc SEARCH CHARSET UTF-8 ALL\r\nd SEARCH SUBJECT "gr\303\274\303\237e"\r\ne CREATE "\303\244"\r\nf SETMETADATA "\303\244" (/private/comment "\303\266")\r\ng GETMETADATA "\303\244" /private/comment\r\nh GETQUOTAROOT "\303\244"\r\ni COPY 1 "\303\244"\r\nj APPEND INBOX CATENATE (URL "/%%C3%%A4/;UID=1")\r\n')
	has 'c BAD No CHARSET .*' '\* SEARCH 4' '\* METADATA "ä" \(/private/comment \{2\}' 'ö\)' '\* QUOTAROOT "ä"' 'i OK .*' 'j OK .*'
}

@test "IMAP4rev2: ESEARCH, LIST in SELECT, no RECENT, no UNSEEN, UTF-8 names" {
	mkdir -p "$M"/.Box/{cur,new,tmp}
	output=$(bytes 'a ENABLE IMAP4rev2\r\nb SELECT inbox\r\nc SEARCH ALL\r\nd UID SEARCH UID 9\r\ne FETCH 1 FLAGS\r\nf CREATE "\303\244/x"\r\ng LIST "" *\r\nh SELECT "\303\244/x"\r\ni APPEND INBOX {14+}\r\nSubject: x\r\n\r\n\r\nj SELECT Box\r\nk DELETE "\303\244/x"\r\nl CREATE "p/q/r"\r\nm DELETE p\r\nn STATUS INBOX (MESSAGES SIZE DELETED)\r\no SEARCH RETURN () 1:*\r\np SEARCH CHARSET UTF-8 1:*\r\n')
	has '\* ENABLED IMAP4rev2' '\* LIST \(\) "/" INBOX' '\* ESEARCH \(TAG "c"\) ALL 1:3' '\* ESEARCH \(TAG "d"\) UID' '\* 1 FETCH \(FLAGS \(\)\)' \
	    '\* LIST .* "ä/x"' '\* LIST \(\) "/" "ä/x"' '\* OK \[CLOSED\] .*' '\* 0 EXISTS' 'k OK .*' 'm NO \[HASCHILDREN\] .*' \
	    '\* STATUS INBOX \(MESSAGES 4 SIZE [0-9]+ DELETED 0\)' '\* ESEARCH \(TAG "p"\)'
	hasnot '.*RECENT.*' '.*Recent.*' '.*UNSEEN.*' '\* SEARCH.*'
}

@test "UTF8=ACCEPT: a message as UTF8 data (RFC 6855), which RFC 9755 does not ask for any more" {
	local text='Subject: gr\303\274\303\237e\r\n\r\nx\r\n'
	output=$(bytes "a APPEND INBOX UTF8 (~{3+}\r\nabc)\r\nb ENABLE UTF8=ACCEPT\r\nd SELECT INBOX\r\nc APPEND INBOX (\\\\Seen) UTF8 (~{23+}\r\n$text) (\\\\Flagged) UTF8 (~{12+}\r\nX: y\r\n\r\nabcd)\r\ne FETCH 4:5 (FLAGS BODY.PEEK[])\r\nf UID REPLACE 5 INBOX UTF8 (~{3+}\r\nxyz)\r\ng APPEND INBOX UTF8 (~{3+}\r\nabc\r\nh APPEND INBOX UTF8 (~{3+}\r\nabc))\r\ni APPEND INBOX CATENATE (URL \"\")\r\n")
	has 'a BAD .*' 'c OK \[APPENDUID [0-9]+ 4:5\] .*' '\* 4 FETCH \(FLAGS \(\\Seen\) BODY\[\] \{23\}' 'Subject: grüße' \
	    '\* 5 FETCH \(FLAGS \(\\Flagged\) BODY\[\] \{12\}' 'f OK .*' '[gh] BAD .*' 'i NO The URL does not name a message here'
	[ "$(grep -c '^[gh] BAD' <<<"$output")" = 2 ]
}

@test "UTF8=ACCEPT: UTF8 data beside CATENATE in one APPEND, and as a part of it (RFC 6855 section 4)" {
	output=$(bytes 'a ENABLE UTF8=ACCEPT\r\ne SELECT INBOX\r\nb APPEND INBOX UTF8 (~{6+}\r\nA: b\r\n) CATENATE (TEXT {6+}\r\nC: d\r\n)\r\nc APPEND INBOX CATENATE (TEXT {3+}\r\nE:  UTF8 (~{4+}\r\n\303\244\r\n) TEXT {3+}\r\n\r\ng)\r\nd APPEND INBOX CATENATE (UTF8 (~{1+}\r\nx) {1+}\r\ny\r\nf FETCH 4:6 BODY.PEEK[]\r\n')
	has 'b OK \[APPENDUID [0-9]+ 4:5\] .*' 'c OK .*' 'd BAD .*' '\* 4 FETCH \(BODY\[\] \{6\}' 'A: b' '\* 5 FETCH \(BODY\[\] \{6\}' 'C: d' \
	    '\* 6 FETCH \(BODY\[\] \{10\}' 'E: ä' 'g\)' 'f OK .*'
}

@test "a mailbox is made or renamed in Normalization Form C alone (RFC 9051 section 5.1); what is there otherwise is found" {
	mkdir -p "$M/.o&AwI-"/{cur,new,tmp}
	output=$(bytes 'a ENABLE UTF8=ACCEPT\r\nb CREATE "cafe\314\201"\r\nc CREATE "caf\303\251"\r\nd RENAME "caf\303\251" "\342\204\253"\r\ne LIST "" *\r\nf STATUS "o\314\202" (MESSAGES)\r\ng RENAME "o\314\202" "\303\264"\r\n')
	has 'b NO \[CANNOT\] .*' 'c OK .*' 'd NO \[CANNOT\] .*' $'.*LIST.* "caf\303\251"' $'.*LIST.* "o\314\202"' 'f OK .*' 'g OK .*'
	[ -d "$M/.caf&AOk-" ]
	[ -d "$M/.&APQ-" ]
	[ "$(printf '%s\n' "$M"/.[!.]* | wc -l)" = 2 ]
}

@test "Normalization Form C is that of the Unicode Character Database" {
	python3 -c 'import unicodedata, sys; sys.exit(unicodedata.unidata_version != "14.0.0")' ||
		skip "NOT TESTED: this Python has another version of Unicode"
	python3 "$ROOT/t/casemap.py" nfc | cmp - "$ROOT/common/nfc_table.c"
	python3 "$ROOT/t/casemap.py" texts >"$BATS_TEST_TMPDIR/texts"
	"$BIN/../t/nfc_test" lines <"$BATS_TEST_TMPDIR/texts" | python3 "$ROOT/t/casemap.py" answers
}
