# imapd.bats: dialogues with one imapd over a Maildir, through a pipe; every command of RFC 3501 and the extensions.
# shellcheck shell=bash disable=SC2154

load helper
load imap

setup() {
	mbox_dir
	message 1700000001.a.host <<-'END'
		From: Alice Example <alice@example.org>
		To: "Bob, B." <bob@example.net>, carol@example.net
		Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe_aus?= Wien
		Date: Sun, 22 Nov 2026 01:00:00 +0100
		Message-ID: <1@example.org>
		MIME-Version: 1.0
		Content-Type: multipart/mixed; boundary=xx

		preamble
		--xx
		Content-Type: text/plain; charset=iso-8859-1
		Content-Transfer-Encoding: quoted-printable

		Hallo W=F6rld
		line two
		--xx
		Content-Type: message/rfc822

		From: inner@example.org
		Subject: inside

		inner body
		--xx
		Content-Type: application/octet-stream; name=a.bin
		Content-Disposition: attachment; filename="a.bin"
		Content-Transfer-Encoding: base64

		AAECAw==
		--xx--
	END
	printf 'From: x@example.org\nSubject: second\nDate: Sat, 21 Nov 2026 23:30:00 -0200\n\nplain body\n' |
	    message 1700000002.b.host:2,S cur
	touch -d '2026-11-20 10:00:00 UTC' "$M/new/1700000001.a.host"
	touch -d '2026-11-21 12:30:00 UTC' "$M/cur/1700000002.b.host:2,S"
}

@test "greeting, CAPABILITY, NOOP, ID, ENABLE, NAMESPACE, LOGOUT" {
	output=$(talk <<-'END'
		a CAPABILITY
		b NOOP
		c ID NIL
		d ID ("name" "test" "version" NIL)
		e NAMESPACE
		f ENABLE CONDSTORE X-NOTHING
		f2 ENABLE CONDSTORE
		g LOGOUT
	END
	)
	has '\* PREAUTH \[CAPABILITY IMAP4rev1 .*\] .*' '\* CAPABILITY IMAP4rev1 .*SASL-IR.* LITERAL\+.*' 'a OK .*' 'b OK .*' \
	    '\* ID \("name" "posthouse"\)' 'c OK .*' 'd OK .*' '\* NAMESPACE \(\("" "/"\)\) NIL NIL' 'e OK .*' '\* ENABLED CONDSTORE' 'f OK .*' '\* ENABLED' \
	    '\* BYE .*' 'g OK .*'
	hasnot '.*LOGINDISABLED.*' '.*STARTTLS.*' '.*AUTH=.*'
}

@test "SELECT and EXAMINE tell what RFC 3501 asks for" {
	output=$(talk <<<$'a SELECT inbox\nb EXAMINE "INBOX"\nc SELECT nowhere\nd FETCH 1 FLAGS')
	has '\* FLAGS \(\\Answered \\Flagged \\Deleted \\Seen \\Draft .*' \
	    '\* OK \[PERMANENTFLAGS \(.* \\\*\)\] .*' '\* 2 EXISTS' '\* 2 RECENT' '\* OK \[UNSEEN 1\] .*' '\* OK \[UIDVALIDITY [1-9][0-9]*\] .*' \
	    '\* OK \[UIDNEXT 3\] .*' 'a OK \[READ-WRITE\] .*' '\* OK \[PERMANENTFLAGS \(\)\] .*' 'b OK \[READ-ONLY\] .*' \
	    'c NO \[NONEXISTENT\] .*' 'd BAD .*'
}

@test "EXAMINE changes nothing" {
	output=$(talk <<<$'a EXAMINE INBOX\nb FETCH 1 BODY[1]\nc STORE 1 +FLAGS (\\Seen)\nd EXPUNGE\ne MOVE 1 INBOX\nf CLOSE')
	has 'b OK .*' 'c NO .*' 'd NO .*' 'e NO .*' 'f OK .*'
	[ -e "$M/new/1700000001.a.host" ]
}

@test "FETCH: macros and simple items" {
	output=$(talk <<<$'a SELECT INBOX\nb FETCH 2 ALL\nc FETCH 2 FAST\nd FETCH 2 FULL\ne UID FETCH 2 FLAGS\nf FETCH 1:* (UID)\ng FETCH *:1 UID\nh FETCH 2,1,2 UID')
	has '\* 2 FETCH \(FLAGS \(\\Seen \\Recent\) INTERNALDATE "21-Nov-2026 12:30:00 \+0000" RFC822.SIZE 91 ENVELOPE \("Sat, 21 Nov 2026 23:30:00 -0200" "second" \(\(NIL NIL "x" "example.org"\)\) \(\(NIL NIL "x" "example.org"\)\) \(\(NIL NIL "x" "example.org"\)\) NIL NIL NIL NIL NIL\)\)' \
	    '\* 2 FETCH \(FLAGS \(\\Seen \\Recent\) INTERNALDATE "21-Nov-2026 12:30:00 \+0000" RFC822.SIZE 91\)' \
	    '\* 2 FETCH \(.* BODY \("text" "plain" \("charset" "us-ascii"\) NIL NIL "7bit" 12 1\)\)' \
	    '\* 2 FETCH \(FLAGS \(\\Seen \\Recent\) UID 2\)|\* 2 FETCH \(UID 2 FLAGS \(\\Seen \\Recent\)\)' \
	    'f OK .*' 'g OK .*' 'h OK .*'
	[ "$(grep -c '^\* 1 FETCH (UID 1)$' <<<"$output")" = 3 ]
}

@test "FETCH: ENVELOPE and BODYSTRUCTURE of a multipart" {
	output=$(talk <<<$'a SELECT INBOX\nb FETCH 1 (ENVELOPE)\nc FETCH 1 BODYSTRUCTURE\nd FETCH 1 BODY')
	has '\* 1 FETCH \(ENVELOPE \("Sun, 22 Nov 2026 01:00:00 \+0100" "=\?utf-8\?Q\?Gr=C3=BC=C3=9Fe_aus\?= Wien" \(\("Alice Example" NIL "alice" "example.org"\)\) .* \(\("Bob, B." NIL "bob" "example.net"\)\(NIL NIL "carol" "example.net"\)\) NIL NIL NIL "<1@example.org>"\)\)' \
	    '\* 1 FETCH \(BODYSTRUCTURE \(\("text" "plain" \("charset" "iso-8859-1"\) NIL NIL "quoted-printable" 23 1 NIL NIL NIL NIL\)\("message" "rfc822" NIL NIL NIL "7bit" 54 \(NIL "inside" .*\) \("text" "plain" \("charset" "us-ascii"\) NIL NIL "7bit" 10 0 NIL NIL NIL NIL\) 3 NIL NIL NIL NIL\)\("application" "octet-stream" \("name" "a.bin"\) NIL NIL "base64" 8 NIL \("attachment" \("filename" "a.bin"\)\) NIL NIL\) "mixed" \("boundary" "xx"\) NIL NIL NIL\)\)' \
	    '\* 1 FETCH \(BODY \(\(.*\) "mixed"\)\)'
}

@test "BODYSTRUCTURE: what cannot be taken apart keeps the form that the grammar wants" {
	printf 'Content-Type: multipart/mixed\n\nno boundary\n' | message 1700000003.c.host
	printf 'Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogeAoKYgo=\n' | message 1700000004.d.host
	printf 'Content-Type: text/html; name=x\n\n<p>\n' | message 1700000005.e.host
	printf 'From: a@example.org (Guenter\n Example)\nTo: Undisclosed:;\n\nx\n' | message 1700000006.f.host
	output=$(talk <<<$'a SELECT INBOX\nb FETCH 3:5 BODY\nc FETCH 6 ENVELOPE')
	has '\* 3 FETCH \(BODY \(\("text" "plain" \("charset" "us-ascii"\) NIL NIL "7bit" 13 1\) "mixed"\)\)' \
	    '\* 4 FETCH \(BODY \("message" "rfc822" NIL NIL NIL "base64" 22 \(NIL( NIL){9}\) \("text" .* 0 0\) 1\)\)' \
	    '\* 5 FETCH \(BODY \("text" "html" \("name" "x" "charset" "us-ascii"\) NIL NIL "7bit" 5 1\)\)' \
	    '\* 6 FETCH \(ENVELOPE \(NIL NIL \(\("Guenter Example" NIL "a" "example.org"\)\) .* \(\(NIL NIL "Undisclosed" NIL\)\(NIL NIL NIL NIL\)\) NIL NIL NIL NIL\)\)'
}

@test "FETCH: sections, parts and partials are right to the byte" {
	output=$(talk <<<$'a SELECT INBOX\nb FETCH 1 (BODY.PEEK[1] BODY.PEEK[2.HEADER] BODY.PEEK[2.TEXT] BODY.PEEK[2.1] BODY.PEEK[3.MIME])\nc FETCH 1 (BODY.PEEK[HEADER.FIELDS (subject X-None)])\nd FETCH 2 BODY.PEEK[HEADER.FIELDS.NOT (From Date)]\ne FETCH 2 (BODY[TEXT]<0.5> BODY[TEXT]<5.100> BODY[TEXT]<12.1> BODY[TEXT]<4000000000.1> BODY[]<0.1>)\nf FETCH 1 (BODY.PEEK[4] BODY.PEEK[1.1] BODY.PEEK[3.HEADER])\ng FETCH 2 (BODY.PEEK[1] RFC822.HEADER)')
	has '\* 1 FETCH \(BODY\[1\] \{23\}' 'Hallo W=F6rld' 'line two BODY\[2.HEADER\] \{44\}' ' BODY\[2.TEXT\] \{10\}' 'inner body BODY\[2.1\] \{10\}' \
	    'inner body BODY\[3.MIME\] \{140\}' '\* 1 FETCH \(BODY\[HEADER.FIELDS \(subject X-None\)\] \{49\}' \
	    '\* 2 FETCH \(BODY\[HEADER.FIELDS.NOT \(From Date\)\] \{19\}' '\* 2 FETCH \(BODY\[TEXT\]<0> \{5\}' 'plain BODY\[TEXT\]<5> \{7\}' \
	    ' BODY\[TEXT\]<12> \{0\}' ' BODY\[TEXT\]<4000000000> \{0\}' ' BODY\[\]<0> \{1\}' \
	    '\* 1 FETCH \(BODY\[4\] NIL BODY\[1.1\] NIL BODY\[3.HEADER\] NIL\)' '\* 2 FETCH \(BODY\[1\] \{12\}' ' RFC822.HEADER \{79\}'
}

@test "FETCH: every partial of a message is the same cut of the whole" {
	printf 'Subject: mixed\r\nX: y\n\nabc\r\nd\n\n\ne\r\n\rf\n' | message 1700000003.c.host
	for from in $(seq 0 45); do
		echo "p$from FETCH 3 BODY.PEEK[]<$from.7>"
	done | { echo 's SELECT INBOX'; cat; } | sed 's/$/\r/' | "$BIN/imapd" "$M" 2>/dev/null >"$BATS_TEST_TMPDIR/out"
	python3 - "$BATS_TEST_TMPDIR/out" <<-'END'
		import re, sys
		out = open(sys.argv[1], 'rb').read()
		whole = b'Subject: mixed\r\nX: y\r\n\r\nabc\r\nd\r\n\r\n\r\ne\r\n\rf\r\n'
		n = 0
		for m in re.finditer(rb'BODY\[\]<(\d+)> \{(\d+)\}\r\n', out):
		    at, size = int(m[1]), int(m[2])
		    got = out[m.end():m.end() + size]
		    assert got == whole[at:at + 7], (at, got, whole[at:at + 7])
		    assert out[m.end() + size:m.end() + size + 3] == b')\r\n', at
		    n += 1
		assert n == 46, n
	END
}

@test "FETCH: a literal never holds a NUL, and an empty message is empty" {
	printf 'Subject: nul\n\na\0b\n' | message 1700000003.c.host
	: | message 1700000004.d.host
	printf 'a SELECT INBOX\r\nb FETCH 3 BODY.PEEK[TEXT]\r\nc FETCH 4 (RFC822.SIZE BODY.PEEK[] ENVELOPE BODYSTRUCTURE)\r\n' |
	    "$BIN/imapd" "$M" 2>/dev/null >"$BATS_TEST_TMPDIR/out"
	grep -aq $'^\* 3 FETCH (BODY\[TEXT\] {5}\r$' "$BATS_TEST_TMPDIR/out"
	[ "$(tr -d '\0' <"$BATS_TEST_TMPDIR/out" | wc -c)" = "$(wc -c <"$BATS_TEST_TMPDIR/out")" ]
	grep -aq '^\* 4 FETCH (RFC822.SIZE 0 BODY\[\] {0}' "$BATS_TEST_TMPDIR/out"
}

@test "reading sets \\Seen, PEEK does not" {
	output=$(talk <<<$'a SELECT INBOX\nb FETCH 1 BODY.PEEK[TEXT]\nc FETCH 1 RFC822.HEADER\nd FETCH 1 FLAGS\ne FETCH 1 BODY[1]\nf FETCH 1 FLAGS')
	has '\* 1 FETCH \(FLAGS \(\\Recent\)\)' 'line two FLAGS \(\\Seen \\Recent\)\)' '\* 1 FETCH \(FLAGS \(\\Seen \\Recent\)\)'
	[ "$(find "$M/cur" -name '1700000001.a.host*:2,S' | wc -l)" = 1 ]
}

@test "STORE: set, add, remove, silent, keywords" {
	output=$(talk <<<$'a SELECT INBOX\nb STORE 1 FLAGS (\\Flagged $Label1)\nc STORE 1 +FLAGS \\Answered \\Draft\nd STORE 1 -FLAGS (\\Flagged)\ne STORE 1 +FLAGS.SILENT (\\Deleted)\nf UID STORE 1 FLAGS ()\ng UID STORE 99 FLAGS (\\Seen)\nh STORE 1:2 +FLAGS ($Forwarded)\ni FETCH 2 FLAGS')
	has '\* FLAGS \(.* \$Label1\)' '\* 1 FETCH \(FLAGS \(\\Flagged \\Recent \$Label1\)\)' \
	    '\* 1 FETCH \(FLAGS \(\\Answered \\Flagged \\Draft \\Recent \$Label1\)\)' '\* 1 FETCH \(FLAGS \(\\Answered \\Draft \\Recent \$Label1\)\)' \
	    'e OK .*' '\* 1 FETCH \(UID 1 FLAGS \(\\Recent\)\)' 'g OK .*' '\* 2 FETCH \(FLAGS \(\\Seen \$Forwarded \\Recent\)\)'
	[ "$(grep -c '^\* 1 FETCH' <<<"$output")" = 5 ]
	[ "$(find "$M/cur" -name '*:2,PS' | wc -l)" = 1 ]
}

@test "EXPUNGE, UID EXPUNGE, CLOSE" {
	for i in 3 4 5 6; do printf 'Subject: %s\n\nx\n' $i | message 170000000$i.c.host; done
	output=$(talk <<<$'a SELECT INBOX\nb STORE 1,3,4 +FLAGS.SILENT (\\Deleted)\nc UID EXPUNGE 4:5\nd EXPUNGE\ne FETCH 1:* UID\nf STORE 1 +FLAGS (\\Deleted)\ng CLOSE\nh SELECT INBOX')
	has '\* 4 EXPUNGE' 'c OK .*' '\* 3 EXPUNGE' '\* 1 EXPUNGE' 'd OK .*' '\* 1 FETCH \(UID 2\)' '\* 3 FETCH \(UID 6\)' 'g OK .*' '\* 2 EXISTS'
	[ "$(grep -n '\* 3 EXPUNGE' <<<"$output" | cut -d: -f1)" -lt "$(grep -n '\* 1 EXPUNGE' <<<"$output" | cut -d: -f1)" ]
	[ "$(messages "$M")" = 2 ]
}

@test "UNSELECT keeps what is marked; CHECK" {
	output=$(talk <<<$'a SELECT INBOX\nb STORE 1 +FLAGS.SILENT (\\Deleted)\nc CHECK\nd UNSELECT\ne CHECK')
	has 'c OK .*' 'd OK .*' 'e BAD .*'
	[ "$(messages "$M")" = 2 ]
}

@test "CREATE, LIST, DELETE, RENAME" {
	output=$(talk <<-'END'
		a CREATE Work/2026/Nov
		b CREATE Sent/
		c CREATE inbox
		d CREATE Work/2026/Nov
		e LIST "" *
		f LIST "" %
		g LIST Work/ %
		h LIST "" Work/%/Nov
		i LIST "" ""
		j RENAME Work/2026 Old
		k LIST "" Old*
		l RENAME nowhere x
		m RENAME Sent Old/Nov
		n RENAME Old Old/x
		o DELETE Old/Nov
		p DELETE nowhere
		q DELETE INBOX
		r LIST "" "in%"
		s CREATE bad.name
		t CREATE a//b
		u CREATE "star*"
		v CREATE &bad
	END
	)
	has 'a OK .*' 'b OK .*' 'c NO \[ALREADYEXISTS\] .*' 'd NO \[ALREADYEXISTS\] .*' \
	    '\* LIST \(\\HasNoChildren\) "/" INBOX' '\* LIST \(\\HasNoChildren\) "/" Work/2026/Nov' '\* LIST \(\\HasNoChildren \\Sent\) "/" Sent' \
	    '\* LIST \(\\Noselect \\HasChildren\) "/" Work' '\* LIST \(\\Noselect \\HasChildren\) "/" Work/2026' \
	    '\* LIST \(\\Noselect\) "/" ""' 'j OK .*' '\* LIST \(\\HasNoChildren\) "/" Old/Nov' 'l NO \[NONEXISTENT\] .*' \
	    'm NO \[ALREADYEXISTS\] .*' 'n NO \[CANNOT\] .*' 'o OK .*' 'p NO \[NONEXISTENT\] .*' 'q NO \[CANNOT\] .*' 'r OK .*' \
	    's NO \[CANNOT\] .*' 't NO \[CANNOT\] .*' 'u NO \[CANNOT\] .*' 'v NO \[CANNOT\] .*'
	[ -d "$M/.Sent/cur" ]
	[ ! -e "$M/.Old.Nov" ]
}

@test "names in modified UTF-7 are directories of that name" {
	output=$(talk <<<$'a CREATE Entw&APw-rfe\nb LIST "" Entw*\nc CREATE "A &- B"\nd LIST "" A*\ne CREATE &AEE-\nf SELECT Entw&APw-rfe')
	has 'a OK .*' '\* LIST \(\\HasNoChildren\) "/" Entw&APw-rfe' 'c OK .*' '\* LIST \(\\HasNoChildren\) "/" "A &- B"' 'e NO \[CANNOT\] .*' 'f OK .*'
	[ -d "$M/.Entw&APw-rfe/cur" ]
}

@test "RENAME INBOX moves its messages and leaves it empty" {
	output=$(talk <<<$'a RENAME INBOX Saved\nb STATUS INBOX (MESSAGES)\nc STATUS Saved (MESSAGES UNSEEN)')
	has 'a OK .*' '\* STATUS INBOX \(MESSAGES 0\)' '\* STATUS Saved \(MESSAGES 2 UNSEEN 1\)'
}

@test "SUBSCRIBE, UNSUBSCRIBE, LSUB, and the file that others read" {
	output=$(talk <<<$'a CREATE Work/a\nb SUBSCRIBE Work/a\nc SUBSCRIBE INBOX\nd SUBSCRIBE gone\ne LSUB "" *\nf LSUB "" %\ng UNSUBSCRIBE gone\nh LSUB "" *')
	has 'b OK .*' '\* LSUB \(\) "/" Work/a' '\* LSUB \(\) "/" INBOX' '\* LSUB \(\\Noselect\) "/" gone' '\* LSUB \(\\Noselect\) "/" Work' 'h OK .*'
	[ "$(cat "$M/subscriptions")" = $'Work.a\nINBOX' ]
	printf 'V\t2\n\nWork\ta\nINBOX\n' >"$M/subscriptions"
	output=$(talk <<<$'a SUBSCRIBE Work/b\nb LSUB "" Work/*')
	has '\* LSUB \(\) "/" Work/a'
	[ "$(cat "$M/subscriptions")" = $'V\t2\n\nWork\ta\nINBOX\nWork\tb' ]
}

@test "LIST with selection and return options" {
	output=$(talk <<<$'a CREATE Work/a\nb SUBSCRIBE Work/a\nc SUBSCRIBE gone\nd LIST (SUBSCRIBED) "" *\ne LIST (SUBSCRIBED RECURSIVEMATCH) "" %\nf LIST "" (INBOX Work) RETURN (SUBSCRIBED STATUS (MESSAGES))\ng CREATE Trash\nh LIST (SPECIAL-USE) "" *\ni LIST (RECURSIVEMATCH) "" *')
	has '\* LIST \(\\HasNoChildren \\Subscribed\) "/" Work/a' '\* LIST \(\\NonExistent \\HasNoChildren \\Subscribed\) "/" gone' \
	    '\* LIST \(\\NonExistent \\HasChildren\) "/" Work \("CHILDINFO" \("SUBSCRIBED"\)\)' '\* STATUS INBOX \(MESSAGES 2\)' \
	    '\* LIST \(\\HasNoChildren \\Trash\) "/" Trash' 'i BAD .*'
}

@test "ENABLE tells all that it has enabled, in any order (RFC 5161 section 3.2)" {
	output=$(talk <<<$'a ENABLE QRESYNC CONDSTORE X\nb ENABLE CONDSTORE')
	has '\* ENABLED QRESYNC CONDSTORE' '\* ENABLED'
	# Once, however often it is named.
	output=$(talk <<<'a ENABLE CONDSTORE X condstore QRESYNC CONDSTORE qresync')
	has '\* ENABLED CONDSTORE QRESYNC'
}

@test "LIST with STATUS: none for a name that stands for what is below it (RFC 5819 section 2)" {
	output=$(talk <<<$'a CREATE A\nb CREATE A/B\nc SUBSCRIBE A/B\nd SUBSCRIBE INBOX\ne LIST (SUBSCRIBED RECURSIVEMATCH) "" % RETURN (STATUS (MESSAGES))')
	has '\* LIST \(\\HasChildren\) "/" A \("CHILDINFO" \("SUBSCRIBED"\)\)' '\* STATUS INBOX \(MESSAGES 2\)' 'e OK .*'
	hasnot '\* STATUS A .*'
}

@test "STATUS" {
	output=$(talk <<<$'a STATUS INBOX (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN)\nb STATUS INBOX (SIZE DELETED)\nc STATUS nowhere (MESSAGES)\nd STATUS INBOX ()\ne STATUS INBOX (BOGUS)')
	has '\* STATUS INBOX \(MESSAGES 2 RECENT [0-2] UIDNEXT 3 UIDVALIDITY [0-9]+ UNSEEN 1\)' '\* STATUS INBOX \(SIZE [0-9]+ DELETED 0\)' \
	    'c NO \[NONEXISTENT\] .*' 'd BAD .*' 'e BAD .*'
}

@test "COPY and MOVE: COPYUID, TRYCREATE, flags go along" {
	output=$(talk <<<$'a SELECT INBOX\nb COPY 1 nowhere\nc CREATE A\nd STORE 2 +FLAGS ($K \\Flagged)\ne COPY 1:2 A\nf UID COPY 2 A\ng UID MOVE 1 A\nh MOVE 1 A\ni SELECT A\nj FETCH 1:* (UID FLAGS)\nk UID COPY 99 A\nl COPY 99 A\nm MOVE 1 INBOX')
	has 'b NO \[TRYCREATE\] .*' 'e OK \[COPYUID [0-9]+ 1:2 1:2\] .*' 'f OK \[COPYUID [0-9]+ 2 3\] .*' '\* OK \[COPYUID [0-9]+ 1 4\] .*' '\* 1 EXPUNGE' \
	    'g OK .*' '\* OK \[COPYUID [0-9]+ 2 5\] .*' 'h OK .*' '\* 5 EXISTS' '\* 2 FETCH \(UID 2 FLAGS \(\\Flagged \\Seen .*\$K\)\)' 'k OK .*' 'l BAD .*' 'm OK .*'
	[ "$(messages "$M")" = 1 ]
	[ "$(messages "$M/.A")" = 4 ]
}

@test "APPEND: synchronizing and not, flags, date, APPENDUID, several messages" {
	output=$(bytes 'a APPEND INBOX (\\Seen $X) "20-Nov-2026 08:00:00 +0100" {15}\r\nSubject: a\r\n\r\nbb APPEND INBOX {14+}\r\nSubject: b\r\n\r\n\r\nc APPEND nowhere {3+}\r\nabc\r\nd APPEND INBOX {0+}\r\n\r\ne SELECT INBOX\r\nf FETCH 3:* (FLAGS INTERNALDATE RFC822.SIZE)\r\n' | head -60)
	has '\+ OK' 'c NO \[TRYCREATE\] .*' 'd NO .*'
	output=$(bytes 'a APPEND INBOX (\\Seen $X) "20-Nov-2026 08:00:00 +0100" {14+}\r\nSubject: a\r\n\r\n\r\nb APPEND {5+}\r\nINBOX {14+}\r\nSubject: b\r\n\r\n\r\nc APPEND INBOX {14+}\r\nSubject: 1\r\n\r\n (\\Flagged) {14+}\r\nSubject: 2\r\n\r\n\r\nd SELECT INBOX\r\ne FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)\r\n')
	has 'a OK \[APPENDUID [0-9]+ [0-9]+\] .*' 'b OK \[APPENDUID [0-9]+ [0-9]+\] .*' 'c OK \[APPENDUID [0-9]+ [0-9]+:[0-9]+\] .*' \
	    '\* [0-9]+ FETCH \(UID [0-9]+ FLAGS \(\\Seen .*\$X\) INTERNALDATE "20-Nov-2026 07:00:00 \+0000" RFC822.SIZE 14\)' \
	    '\* [0-9]+ FETCH \(UID [0-9]+ FLAGS \(\\Flagged.*\) .*RFC822.SIZE 14\)'
}

@test "APPEND to the selected mailbox is seen at once" {
	output=$(bytes 'a SELECT INBOX\r\nb APPEND INBOX {14+}\r\nSubject: b\r\n\r\n\r\nc FETCH 3 UID\r\n')
	has '\* 3 EXISTS' 'b OK \[APPENDUID .*' '\* 3 FETCH \(UID 3\)'
}

@test "SEARCH: flags, sets, sizes, dates" {
	output=$(talk <<-'END'
		s SELECT INBOX
		1 SEARCH ALL
		2 SEARCH SEEN
		3 SEARCH UNSEEN
		4 SEARCH NOT SEEN NOT DELETED
		5 SEARCH 2
		6 UID SEARCH UID 1:*
		7 SEARCH LARGER 200
		8 SEARCH SMALLER 200
		9 SEARCH BEFORE 21-Nov-2026
		10 SEARCH ON 21-Nov-2026
		11 SEARCH SINCE "21-Nov-2026"
		12 SEARCH SENTON 22-Nov-2026
		13 SEARCH SENTBEFORE 22-Nov-2026
		14 SEARCH OR SEEN UNSEEN
		15 SEARCH (SEEN (SUBJECT second))
		16 SEARCH KEYWORD $nothing
		17 SEARCH UNKEYWORD $nothing
		18 SEARCH OR 1 OR 2 OR 1 2
		19 SEARCH NEW
		20 SEARCH OLD
		21 SEARCH RECENT
		22 SEARCH OLDER 1
		23 SEARCH YOUNGER 1
		24 SEARCH UNANSWERED UNDRAFT UNFLAGGED UNDELETED
	END
	)
	check() { # NUMBER RESULT
		[ "$(grep -B1 "^$1 OK" <<<"$output" | head -1)" = "* SEARCH$2" ] || { echo "$1: wanted '$2'"; echo "$output"; return 1; }
	}
	check 1 ' 1 2'; check 2 ' 2'; check 3 ' 1'; check 4 ' 1'; check 5 ' 2'; check 6 ' 1 2'; check 7 ' 1'; check 8 ' 2'
	check 9 ' 1'; check 10 ' 2'; check 11 ' 2'; check 12 ' 1'; check 13 ' 2'; check 14 ' 1 2'; check 15 ' 2'; check 16 ''
	check 17 ' 1 2'; check 18 ' 1 2'; check 19 ' 1'; check 20 ''; check 21 ' 1 2'; check 23 ''; check 24 ' 1 2'
}

@test "SEARCH: text is what a person sees" {
	output=$(bytes 's SELECT INBOX\r\n1 SEARCH FROM ALICE\r\n2 SEARCH SUBJECT {7+}\r\nGr\303\274\303\237e\r\n3 SEARCH CHARSET UTF-8 BODY {6+}\r\nw\303\266rld\r\n4 SEARCH TEXT "inner body"\r\n5 SEARCH BODY inside\r\n6 SEARCH BODY preamble\r\n7 SEARCH HEADER Message-ID "1@example"\r\n8 SEARCH HEADER Message-ID ""\r\n9 SEARCH TO bob CC bob\r\n10 SEARCH CHARSET KOI8-X TEXT a\r\n11 SEARCH BODY AAECAw\r\n12 SEARCH TEXT "plain body"\r\n')
	check() {
		[ "$(grep -B1 "^$1 OK" <<<"$output" | head -1)" = "* SEARCH$2" ] || { echo "$1: wanted '$2'"; echo "$output"; return 1; }
	}
	check 1 ' 1'; check 2 ' 1'; check 3 ' 1'
	check 4 ' 1'; check 5 ' 1'; check 6 ''; check 7 ' 1'; check 8 ' 1'; check 9 ''; check 11 ''; check 12 ' 2'
	has '10 NO \[BADCHARSET \(US-ASCII UTF-8\)\] .*'
}

@test "SEARCH RETURN" {
	output=$(talk <<<$'s SELECT INBOX\na SEARCH RETURN (MIN MAX COUNT ALL) ALL\nb UID SEARCH RETURN () SEEN\nc SEARCH RETURN (MIN COUNT) DELETED')
	has '\* ESEARCH \(TAG "a"\) MIN 1 MAX 2 COUNT 2 ALL 1:2' '\* ESEARCH \(TAG "b"\) UID ALL 2' '\* ESEARCH \(TAG "c"\) COUNT 0'
}

@test "SEARCH RETURN (SAVE) and \$" {
	for i in 3 4 5; do printf 'Subject: %s\n\nx\n' $i | message 170000000$i.c.host; done
	output=$(talk <<-'END'
		s SELECT INBOX
		a SEARCH RETURN (SAVE) UNSEEN
		b FETCH $ UID
		c UID SEARCH RETURN (SAVE COUNT) UID $ SUBJECT 4
		d STORE $ +FLAGS.SILENT (\Deleted)
		e UID SEARCH RETURN (SAVE MIN MAX) ALL
		f UID FETCH $ FLAGS
		g SEARCH RETURN (SAVE) CHARSET X-NONE ALL
		h FETCH $ UID
		i SEARCH NOT $
		j UID SEARCH RETURN (SAVE) DELETED
		k UID EXPUNGE $
		l FETCH $ UID
	END
	)
	has 'a OK .*' '\* 1 FETCH \(UID 1\)' '\* 3 FETCH \(UID 3\)' '\* 5 FETCH \(UID 5\)' '\* ESEARCH \(TAG "c"\) UID COUNT 1' \
	    '\* ESEARCH \(TAG "e"\) UID MIN 1 MAX 5' '\* 5 FETCH \(.*UID 5.*\)' 'g NO \[BADCHARSET.*' 'h OK .*' '\* SEARCH 1 2 3 4 5' '\* 4 EXPUNGE' 'l OK .*'
	hasnot '\* ESEARCH \(TAG "[aj]"\).*'
	[ "$(grep -c 'FETCH' <<<"$(sed -n '/^e OK/,/^f OK/p' <<<"$output")")" = 2 ]
}

@test "WITHIN, APPENDLIMIT, LIST-STATUS, STATUS=SIZE are told and true" {
	touch "$M/new/1700000001.a.host"
	output=$(talk <<<$'s SELECT INBOX\na SEARCH YOUNGER 3600\nb SEARCH OLDER 3600\nc SEARCH YOUNGER 0\nd STATUS INBOX (SIZE APPENDLIMIT)\ne FETCH 1:* RFC822.SIZE')
	has '\* PREAUTH .*APPENDLIMIT=52428800\].*'
	[ "$(grep -B1 '^a OK' <<<"$output" | head -1)" = '* SEARCH 1' ]
	size=$(sed -n 's/.*RFC822.SIZE \([0-9]*\))/\1/p' <<<"$output" | awk '{ n += $1 } END { print n }')
	has 'c BAD .*' "\\* STATUS INBOX \\(SIZE $size APPENDLIMIT 52428800\\)"
}

@test "UIDs and UIDVALIDITY stay when another session opens, and when files are renamed" {
	first=$(talk <<<$'a SELECT INBOX\nb FETCH 1:* UID' | grep -E 'UIDVALIDITY|FETCH')
	mv "$M/new/1700000001.a.host" "$M/cur/1700000001.a.host:2,F"
	second=$(talk <<<$'a SELECT INBOX\nb FETCH 1:* UID' | grep -E 'UIDVALIDITY|FETCH')
	[ "$first" = "$second" ]
}

@test "a tag may be odd, an argument may be a literal, commands may come all at once" {
	output=$(bytes 'A]x-1.(\r\nA]x SELECT {5}\r\nINBOX\r\nb fetch {1}\r\nb uid fetch 1 (flags)\r\nc search {3}\r\nALL\r\nd SEARCH FROM {5+}\r\nalice BODY {0+}\r\n\r\ne LOGOUT\r\n')
	has 'A\]x OK .*' '\* BYE .*' 'e OK .*'
}

@test "IDLE ends with DONE, and what follows in the same packet is done" {
	output=$(talk <<<$'a SELECT INBOX\nb IDLE\nDONE\nc NOOP\nd IDLE\ndone\ne LOGOUT')
	has '\+ idling' 'b OK .*' 'c OK .*' 'd OK .*' 'e OK .*'
}

@test "exit status: 0 after LOGOUT or between commands, 76 inside one" {
	printf 'a LOGOUT\r\n' | "$BIN/imapd" "$M" >/dev/null 2>&1
	printf 'a NOOP\r\n' | "$BIN/imapd" "$M" >/dev/null 2>&1
	printf '' | "$BIN/imapd" "$M" >/dev/null 2>&1
	export M
	run bash -c 'printf "a APPEND INBOX {100+}\r\nshort" | "$BIN/imapd" "$M" >/dev/null 2>&1'
	[ "$status" = 76 ]
	[ "$(messages "$M")" = 2 ]
	[ -z "$(ls "$M/tmp")" ]
	run "$BIN/imapd" "$M/nowhere" </dev/null
	[ "$status" = 66 ]
	run "$BIN/imapd" -X </dev/null
	[ "$status" = 64 ]
}

@test "before login: CAPABILITY, LOGIN, AUTHENTICATE, and input read ahead" {
	control_dir
	output=$(session 'a CAPABILITY\r\nb SELECT INBOX\r\nc LOGIN alice@example.test wrong\r\nd LOGIN alice@example.test "pw"\r\ne SELECT INBOX\r\nf LOGOUT\r\n')
	has '\* OK \[CAPABILITY IMAP4rev1 .*AUTH=PLAIN AUTH=LOGIN\] mx.example.test ready' '\* CAPABILITY IMAP4rev1 .*' 'b BAD .*' \
	    'c NO \[AUTHENTICATIONFAILED\] .*' 'd OK \[CAPABILITY IMAP4rev1 .*IDLE.*\] .*' 'e OK \[READ-WRITE\] .*' 'f OK .*'
	output=$(session 'a AUTHENTICATE PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABwdw==\r\nb NOOP\r\n')
	has 'a OK .*' 'b OK .*'
	output=$(session 'a AUTHENTICATE PLAIN\r\nAGFsaWNlQGV4YW1wbGUudGVzdABwdw==\r\nb NOOP\r\n')
	has '\+ ' 'a OK .*' 'b OK .*'
	output=$(session 'a AUTHENTICATE LOGIN\r\nYWxpY2VAZXhhbXBsZS50ZXN0\r\ncHc=\r\nb NOOP\r\n')
	has '\+ VXNlcm5hbWU6' '\+ UGFzc3dvcmQ6' 'a OK .*' 'b OK .*'
	output=$(session 'a AUTHENTICATE PLAIN\r\n*\r\nb LOGIN {18+}\r\nalice@example.test {2+}\r\npw\r\nc NOOP\r\n')
	has 'a BAD Cancelled' 'b OK .*' 'c OK .*'
	grep -q 'auth sid=[0-9a-f]* peer=local user=alice@example.test mech=[A-Z]* text=ok' "$BATS_TEST_TMPDIR/log"
	not grep -q 'pw' "$BATS_TEST_TMPDIR/log"
}

@test "thousands of messages and a large one, confined as in service" {
	python3 - "$M" <<-'END'
		import sys
		m = sys.argv[1]
		for i in range(3000):
		    with open(f'{m}/new/{1700001000 + i}.m{i}.host', 'w') as f:
		        f.write(f'From: s{i % 7}@example.org\nSubject: n{i}\n\nbody {i}\n')
		with open(f'{m}/new/1700009999.big.host', 'w') as f:
		    f.write('Subject: big\n\n' + 'x' * 69 + '\n')
		    for i in range(40000):
		        f.write('line %06d of a message that is longer than what is read at once\n' % i)
	END
	output=$(talk <<<$'a SELECT INBOX\nb SEARCH FROM s3@ SUBJECT n10\nc FETCH 3003 (RFC822.SIZE BODY.PEEK[TEXT]<2010071.23>)\nd STORE 1:* +FLAGS.SILENT ($Label1)\ne UID SEARCH RETURN (COUNT) KEYWORD $label1\nf CREATE A\ng COPY 1:3000 A\nh STATUS A (MESSAGES)\ni STORE 2:3000 +FLAGS.SILENT (\\Deleted)\nj EXPUNGE\nk SEARCH ALL\nl SEARCH BODY "line 039999 of"' | grep -v EXPUNGE)
	has '\* 3003 EXISTS' 'a OK .*' '\* 3003 FETCH \(RFC822.SIZE 2680087 BODY\[TEXT\]<2010071> \{23\}' 'line 030000 of a messag\)' 'd OK .*' \
	    '\* ESEARCH \(TAG "e"\) UID COUNT 3003' 'g OK \[COPYUID .* 1:3000 1:3000\] .*' '\* STATUS A \(MESSAGES 3000\)' 'j OK .*' '\* SEARCH 1 2 3 4' '\* SEARCH 4'
}
