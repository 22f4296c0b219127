# imap_ext.bats: extensions of IMAP that came after RFC 3501, one dialogue each over a Maildir.
# shellcheck shell=bash disable=SC2154

load helper
load imap

setup() {
	local i
	mbox_dir
	for i in 1 2 3 4 5 6; do
		printf 'From: a%s@example.org\nSubject: number %s\n\nbody %s\n' $i $i $i | message "170000000$i.m$i.host"
	done
}

@test "UIDONLY: numbers are refused, UIDFETCH and VANISHED take their place" {
	output=$(talk <<-'END'
		a ENABLE UIDONLY
		b SELECT INBOX
		c FETCH 1 FLAGS
		d STORE 1 +FLAGS (\Seen)
		e SEARCH ALL
		f COPY 1 INBOX
		g MOVE 1 INBOX
		h UID SEARCH 1:2
		i UID SEARCH UID 1:2
		j UID FETCH 2 (RFC822.SIZE)
		k UID FETCH 2 (UID FLAGS)
		l UID STORE 2,3,5 +FLAGS (\Deleted)
		m EXPUNGE
		n ENABLE UIDONLY
		o UID SEARCH RETURN (SAVE) ALL
		p UID SEARCH $
	END
	)
	has '\* ENABLED UIDONLY' '[cdefgh] BAD \[UIDREQUIRED\] .*' '\* SEARCH 1 2' '\* 2 UIDFETCH \(RFC822.SIZE [0-9]+\)' \
	    '\* 2 UIDFETCH \(UID 2 FLAGS \(\\Recent\)\)' '\* 5 UIDFETCH \(FLAGS \(\\Deleted \\Recent\)\)' '\* VANISHED 2:3,5' 'm OK .*' \
	    '\* ENABLED' '\* SEARCH 1 4 6' 'p OK .*'
	hasnot '.*UNSEEN.*' '\* [0-9]+ FETCH.*' '.* EXPUNGE'
	[ "$(grep -c UIDREQUIRED <<<"$output")" = 6 ]
}

@test "UIDONLY: SELECT with message numbers of QRESYNC is refused, and leaves the mailbox selected" {
	output=$(talk <<-'END'
		a ENABLE UIDONLY QRESYNC
		b SELECT INBOX
		c SELECT INBOX (QRESYNC (1 1 1:3 (1 1)))
		d UID FETCH 1 UID
		e SELECT INBOX (QRESYNC (1 1 1:3))
	END
	)
	has 'c BAD \[UIDREQUIRED\] .*' '\* 1 UIDFETCH \(UID 1\)' 'e OK \[READ-WRITE\] .*'
}

@test "a name without a mailbox is \\Noselect in the LIST of RFC 3501, \\NonExistent in that of RFC 5258 and of IMAP4rev2" {
	output=$(talk <<<$'a CREATE A/B\nb LIST "" A\nc LIST "" A RETURN (CHILDREN)\nd ENABLE IMAP4rev2\ne LIST "" A')
	[ "$(grep -c '^\* LIST (\\Noselect \\HasChildren) "/" A$' <<<"$output")" = 1 ]
	[ "$(grep -c '^\* LIST (\\NonExistent \\HasChildren) "/" A$' <<<"$output")" = 2 ]
}

@test "PARTIAL: windows of SEARCH and UID FETCH, from both ends, past the end" {
	output=$(talk <<-'END'
		a SELECT INBOX
		b SEARCH RETURN (PARTIAL 1:2) ALL
		c UID SEARCH RETURN (PARTIAL -1:-2 COUNT) NOT 3
		d SEARCH RETURN (PARTIAL 5:9) ALL
		e SEARCH RETURN (PARTIAL 7:9) ALL
		f SEARCH RETURN (PARTIAL -5:-9) ALL
		g SEARCH RETURN (PARTIAL 2:1 ALL) ALL
		h SEARCH RETURN (PARTIAL 1:-1) ALL
		i SEARCH RETURN (PARTIAL 0:1) ALL
		j SEARCH RETURN (PARTIAL 1:2 PARTIAL 3:4) ALL
		k SEARCH RETURN (SAVE PARTIAL 2:3 MAX) ALL
		l UID SEARCH $
		m SEARCH RETURN (SAVE PARTIAL 2:3 COUNT) ALL
		n UID SEARCH $
		o UID FETCH 2:5 (UID) (PARTIAL -1:-2)
		p UID FETCH 1:* (UID) (PARTIAL 1:1)
		q UID FETCH 1:* (UID) (PARTIAL 9:12)
		r FETCH 1:* (UID) (PARTIAL 1:1)
		s UID FETCH 1:* (UID) (NOTHING)
		t SEARCH RETURN (PARTIAL 3:2) ALL
		u UID SORT RETURN (PARTIAL -3:-2) (REVERSE SUBJECT) UTF-8 ALL
		v UID FETCH 1:* (UID) (PARTIAL 4:3)
	END
	)
	has '\* ESEARCH \(TAG "b"\) PARTIAL \(1:2 1:2\)' '\* ESEARCH \(TAG "c"\) UID COUNT 5 PARTIAL \(-1:-2 5:6\)' \
	    '\* ESEARCH \(TAG "d"\) PARTIAL \(5:9 5:6\)' '\* ESEARCH \(TAG "e"\) PARTIAL \(7:9 NIL\)' '\* ESEARCH \(TAG "f"\) PARTIAL \(-5:-9 1:2\)' \
	    'g BAD .*' 'h BAD .*' 'i BAD .*' 'j BAD .*' '\* ESEARCH \(TAG "k"\) MAX 6 PARTIAL \(2:3 2:3\)' '\* SEARCH 2 3 6' \
	    '\* SEARCH 1 2 3 4 5 6' 'q OK .*' 'r BAD .*' 's BAD .*'
	# The range is told as it was asked for: RFC 9394 section 4.
	has '\* ESEARCH \(TAG "t"\) PARTIAL \(3:2 2:3\)' '\* ESEARCH \(TAG "u"\) UID PARTIAL \(-3:-2 3,2\)'
	[ "$(sed -n '/^u OK/,/^v OK/p' <<<"$output")" = $'u OK Sort completed\n* 3 FETCH (UID 3)\n* 4 FETCH (UID 4)\nv OK Fetch completed' ]
	[ "$(sed -n '/^n OK/,/^o OK/p' <<<"$output")" = $'n OK Search completed\n* 4 FETCH (UID 4)\n* 5 FETCH (UID 5)\no OK Fetch completed' ]
	[ "$(sed -n '/^o OK/,/^q OK/p' <<<"$output")" = $'o OK Fetch completed\n* 1 FETCH (UID 1)\np OK Fetch completed\nq OK Fetch completed' ]
}

@test "posthouse.capabilities hides what it names, from CAPABILITY and from ENABLE" {
	printf '# a client cannot bear these\nUIDONLY # new\nmove\n\nX-UNKNOWN\n' >"$M/posthouse.capabilities"
	output=$(talk <<<$'a CAPABILITY\nb ENABLE UIDONLY\nc SELECT INBOX\nd FETCH 1 UID')
	hasnot '.*CAPABILITY.* (UIDONLY|MOVE)( .*|\].*|)'
	has '\* CAPABILITY IMAP4rev1 .*SASL-IR.* WITHIN.*' '\* ENABLED' '\* 1 FETCH \(UID 1\)'
}

@test "every capability but IMAP4rev1 can be hidden, alone, and every other is still told" {
	local name
	told=$(talk <<<'a CAPABILITY' | sed -n 's/^\* CAPABILITY //p' | sed 's/APPENDLIMIT=[0-9]*/APPENDLIMIT/' | tr ' ' '\n')
	[ "$(wc -l <<<"$told")" -gt 50 ]
	for name in $told; do
		[ "$name" != IMAP4rev1 ] || continue
		echo "$name" >"$M/posthouse.capabilities"
		left=$(talk <<<'a CAPABILITY' | sed -n 's/^\* CAPABILITY //p' | sed 's/APPENDLIMIT=[0-9]*/APPENDLIMIT/' | tr ' ' '\n')
		diff <(grep -vxF -- "$name" <<<"$told") - <<<"$left"
	done
}

@test "a letter that another program has put into a file name is given to no keyword of ours" {
	mv "$M/new/1700000001.m1.host" "$M/cur/1700000001.m1.host:2,ac"
	output=$(talk <<<$'a CREATE A\nb SELECT INBOX\nc STORE 2 +FLAGS (Ours)\nd STORE 3 +FLAGS (Too)\ne COPY 2:3 A\nf FETCH 1:3 FLAGS\ng SEARCH OR KEYWORD Ours KEYWORD Too')
	has '\* 1 FETCH \(FLAGS \(.?.?Recent\)\)' '\* 2 FETCH \(FLAGS \(.*Ours\)\)' '\* 3 FETCH \(FLAGS \(.*Too\)\)' '\* SEARCH 2 3'
	[ "$(cat "$M/posthouse.keywords")" = $'\nOurs\n\nToo' ]
	[ -e "$M/cur/1700000001.m1.host:2,ac" ]
	# Letters without a name are kept, whichever side of ours they stand.
	talk <<<$'a SELECT INBOX\nb STORE 1 FLAGS (\\Seen)\nc STORE 1 FLAGS (Too)\nd STORE 1 -FLAGS (Too)' >/dev/null
	[ -e "$M/cur/1700000001.m1.host:2,ac" ]
	# A target of COPY and APPEND is not listed for anything else.
	mv "$M"/.A/cur/*:2,a "$M/.A/cur/1700000009.x.host:2,c"
	output=$(talk <<<$'a APPEND A (Third) {1+}\nx\nb SELECT A\nc SEARCH KEYWORD Third')
	has '\* SEARCH [0-9]+'
	[ "$(cat "$M/.A/posthouse.keywords")" = $'Ours\nToo\n\nThird' ]
}

@test "keywords of the registry, in any letters, stay what they are: told, found, copied, and kept when the caches go" {
	local all='$MDNSent $Forwarded $SubmitPending $Submitted $Junk $NotJunk $Phishing $Important $hasAttachment $hasNoAttachment'
	local seen='\$Forwarded \$MDNSent \$SubmitPending \$Submitted \$Junk \$NotJunk \$Phishing \$Important \$hasAttachment \$hasNoAttachment'
	output=$(talk <<<"a SELECT INBOX
b STORE 1 FLAGS ($all)
c STORE 2 +FLAGS (\$important \$JUNK)
d SEARCH KEYWORD \$IMPORTANT UNKEYWORD \$phishing
e CREATE A
f COPY 1 A
g SELECT A" | sed 's/\\Recent //')
	has "\\* 1 FETCH \\(FLAGS \\($seen\\)\\)" '\* 2 FETCH \(FLAGS \(\$Junk \$Important\)\)' '\* SEARCH 2' 'f OK .*' \
	    "\\* OK \\[PERMANENTFLAGS \\(.* ${seen#* } \\\\\\*\\)\\] .*"
	rm -f "$M"/posthouse.cache* "$M"/.A/posthouse.cache*
	output=$(talk <<<$'a SELECT A\nb FETCH 1 FLAGS\nc SELECT INBOX\nd FETCH 1:2 FLAGS' | sed 's/\\Recent //')
	[ "$(grep -cE "^\\* 1 FETCH \\(FLAGS \\($seen\\)\\)" <<<"$output")" = 2 ]
	has '\* 2 FETCH \(FLAGS \(\$Junk \$Important\)\)'
}

@test "BINARY: parts without their transfer encoding, sizes, partials, NUL, UNKNOWN-CTE" {
	cat >"$M/cur/1700000009.b.host:2," <<-'END'
		MIME-Version: 1.0
		Content-Type: multipart/mixed; boundary=x

		--x
		Content-Type: text/plain; charset=utf-8
		Content-Transfer-Encoding: quoted-printable

		Gr=C3=BC=C3=9Fe=
		 hier
		zwei
		--x
		Content-Type: application/octet-stream
		Content-Transfer-Encoding: base64

		AAECAwo=
		--x
		Content-Type: text/plain
		Content-Transfer-Encoding: base64

		YQpiCg==
		--x
		Content-Type: text/plain
		Content-Transfer-Encoding: x-uuencode

		begin 644 x
		--x--
	END
	printf 's SELECT INBOX\r\na FETCH 7 (BINARY.SIZE[1] BINARY.PEEK[1])\r\nb FETCH 7 BINARY.PEEK[2]\r\nc FETCH 7 (BINARY[2]<1.2>)\r\nd FETCH 7 (BINARY.SIZE[3] BINARY.PEEK[3])\r\ne FETCH 6:7 BINARY[4]\r\nf FETCH 7 (BINARY.SIZE[9] BINARY[9])\r\ng FETCH 1 BINARY.PEEK[1]\r\nh FETCH 7 BINARY[1.]\r\ni FETCH 7 BINARY[1.MIME]\r\nj FETCH 7 FLAGS\r\n' |
	    "$BIN/imapd" "$M" 2>"$BATS_TEST_TMPDIR/log" >"$BATS_TEST_TMPDIR/out"
	clean
	python3 - "$BATS_TEST_TMPDIR/out" <<-'END'
	import sys
	out = open(sys.argv[1], 'rb').read()
	for want in (b'* 7 FETCH (BINARY.SIZE[1] 18 BINARY[1] {18}\r\nGr\xc3\xbc\xc3\x9fe hier\r\nzwei)\r\n',
	             b'* 7 FETCH (BINARY[2] ~{5}\r\n\0\1\2\3\n)\r\n', b'* 7 FETCH (BINARY[2]<1> {2}\r\n\1\2 FLAGS (\\Seen',
	             b'* 7 FETCH (BINARY.SIZE[3] 6 BINARY[3] {6}\r\na\r\nb\r\n)\r\n', b'e NO [UNKNOWN-CTE] ',
	             b'* 6 FETCH (BINARY[4] NIL', b'* 7 FETCH (BINARY.SIZE[9] 0 BINARY[9] NIL)\r\n', b'* 1 FETCH (BINARY[1] {8}\r\nbody 1\r\n)\r\n',
	             b'h BAD ', b'i BAD ', b'* 7 FETCH (FLAGS (\\Seen'):
	    assert want in out, (want, out)
	END
}

# What "Subject" of message N is, over a new session.
subject() { talk <<<$'a SELECT INBOX\nb FETCH '"$1"$' BODY.PEEK[HEADER.FIELDS (Subject)]' | sed -n 's/^Subject: //p'; }

@test "REPLACE: the new message and the end of the old one, or neither" {
	output=$(bytes 'a SELECT INBOX\r\nb REPLACE 2 INBOX (\\Seen $New) {14}\r\nSubject: new\r\n\r\nc UID REPLACE 4 INBOX {14+}\r\nSubject: nov\r\n\r\nd UID REPLACE 4 INBOX {14+}\r\nSubject: nay\r\n\r\ne REPLACE 99 INBOX {14+}\r\nSubject: nay\r\n\r\nf REPLACE 1 None {14+}\r\nSubject: nay\r\n\r\ng REPLACE 1 INBOX {14+}\r\nSubject: nay\r\n {14+}\r\nSubject: nay\r\n\r\nh REPLACE 1:2 INBOX {14+}\r\nSubject: nay\r\n\r\ni FETCH 1:* (UID FLAGS)\r\nj EXAMINE INBOX\r\nk REPLACE 1 INBOX {14+}\r\nSubject: nay\r\n\r\nl NOOP\r\n')
	has '\+ .*' '\* OK \[APPENDUID [0-9]+ 7\] .*' '\* 2 EXPUNGE' 'b OK .*' '\* OK \[APPENDUID [0-9]+ 8\] .*' '\* 3 EXPUNGE' 'c OK .*' \
	    'd NO \[EXPUNGEISSUED\] .*' 'e BAD .*' 'f NO \[TRYCREATE\] .*' 'g BAD .*' 'h BAD .*' 'k NO \[NOPERM\] .*' 'l OK .*' \
	    '\* 5 FETCH \(UID 7 FLAGS \(\\Seen (\\Recent )?\$New\)\)' '\* 6 FETCH \(UID 8 .*'
	[ "$(messages "$M")" = 6 ]
	[ "$(sed -n '/^b /,$d; /EXISTS\|APPENDUID\|EXPUNGE/p' <<<"$output" | tail -3 | cut -d' ' -f2,3 | tr '\n' ,)" = "OK [APPENDUID,2 EXPUNGE,6 EXISTS," ]
}

@test "CATENATE: texts and URLs become one message; BADURL leaves nothing behind" {
	cat >"$M/cur/1700000009.b.host:2," <<-'END'
		Subject: parts
		Content-Type: multipart/mixed; boundary=x

		--x
		Content-Type: text/plain

		first part
		--x
		Content-Type: text/html

		second
		--x--
	END
	output=$(bytes 'a SELECT INBOX\r\nb APPEND INBOX (\\Draft) CATENATE (URL "/INBOX/;UID=7/;SECTION=HEADER" TEXT {9+}\r\n--x\r\nA: b URL ";UID=7/;section=1" TEXT {9}\r\n\r\n--x--\r\n)\r\nc FETCH 8 BODY.PEEK[]\r\nd APPEND INBOX CATENATE (URL "/INBOX;UIDVALIDITY=1/;UID=7")\r\ne APPEND INBOX CATENATE (URL "/INBOX;UID=99" TEXT {1+}\r\nx)\r\nf APPEND INBOX CATENATE (URL "imap://h/INBOX;UID=7" TEXT {100}\r\ng APPEND INBOX CATENATE (URL "/INBOX;UID=7/;SECTION=9")\r\nh APPEND INBOX CATENATE (URL {12+}\r\n/INBOX;UID=1 URL "/%%49nbox/;UID=7/;SECTION=1/;PARTIAL=2.3")\r\ni FETCH 9 BODY.PEEK[TEXT]\r\nj APPEND INBOX CATENATE (URL "/INBOX;UID=1") CATENATE (TEXT {3+}\r\nxyz) {3+}\r\nuvw\r\nk APPEND INBOX CATENATE (NONE "x")\r\nl APPEND INBOX CATENATE (TEXT {1+}\r\nx\r\nm APPEND INBOX CATENATE (TEXT "x")\r\nn APPEND INBOX CATENATE ()\r\no UID REPLACE 1 INBOX CATENATE (URL "/INBOX;UID=2" TEXT {3+}\r\nend)\r\np SEARCH ALL\r\n')
	has '\+ .*' 'b OK \[APPENDUID [0-9]+ 8\] .*' 'd NO \[BADURL /INBOX;UIDVALIDITY=1/;UID=7\] .*' 'e NO \[BADURL /INBOX;UID=99\] .*' \
	    'f NO \[BADURL imap://h/INBOX;UID=7\] .*' 'g NO \[BADURL .*' 'h OK \[APPENDUID [0-9]+ 9\] .*' 'j OK \[APPENDUID [0-9]+ 10:12\] .*' \
	    '[klmn] BAD .*' '\* OK \[APPENDUID [0-9]+ 13\].*' '\* 1 EXPUNGE' 'o OK .*' 'p OK .*'
	[ "$(grep -c '^[klmn] BAD' <<<"$output")" = 4 ]
	[ "$(sed -n '/^\* 8 FETCH (BODY/,/^c OK/p' <<<"$output")" = $'* 8 FETCH (BODY[] {89}\nSubject: parts\nContent-Type: multipart/mixed; boundary=x\n\n--x\nA: bfirst part\n--x--\n)\nc OK Fetch completed' ]
	grep -q '^rst)$' <<<"$output"
}

@test "QUOTA: told, held in APPEND and COPY, given back by EXPUNGE" {
	local home=$BATS_TEST_TMPDIR/home
	output=$(talk <<<$'a GETQUOTAROOT INBOX\nb GETQUOTA ""')
	has '\* QUOTAROOT INBOX' 'a OK .*' 'b NO \[NONEXISTENT\] .*'
	control_dir
	echo 'alice@example.test:alice::4K,7:' >"$CTL/users"
	mkdir -p "$home" && mv "$M" "$home/alice"
	[ "$(id -u)" != 0 ] || chown -R 64006:64006 "$home/alice"
	big=$(printf 'X%.0s' {1..3000})
	output=$(session "l LOGIN alice@example.test pw\r\na GETQUOTAROOT inbox\r\nb GETQUOTA \"\"\r\nc GETQUOTA other\r\nd SETQUOTA \"\" (STORAGE 5)\r\ne SELECT INBOX\r\nf COPY 1 INBOX\r\ng COPY 1 INBOX\r\nh APPEND INBOX {14+}\r\nSubject: x\r\n\r\n\r\ni MOVE 2 INBOX\r\nj STORE 1,3 +FLAGS.SILENT (\\\\Deleted)\r\nk STATUS INBOX (DELETED DELETED-STORAGE)\r\nm EXPUNGE\r\nn GETQUOTA \"\"\r\no APPEND INBOX {3002+}\r\n$big\r\n\r\np APPEND INBOX {3002+}\r\n$big\r\n\r\nq UID REPLACE 9 INBOX {3002+}\r\n$big\r\n\r\nr GETQUOTA {0+}\r\n\r\ns SETQUOTA \"\" (STORAGE)\r\n")
	has '\* QUOTAROOT inbox ""' '\* QUOTA "" \(STORAGE 1 4 MESSAGE 6 7\)' 'a OK .*' 'b OK .*' 'c NO \[NONEXISTENT\] .*' 'd NO \[NOPERM\] .*' \
	    'f OK .*' 'g NO \[OVERQUOTA\] .*' 'h NO \[OVERQUOTA\] .*' 'i OK .*' '\* STATUS INBOX \(DELETED 2 DELETED-STORAGE [1-9][0-9]*\)' 'm OK .*' \
	    '\* QUOTA "" \(STORAGE 1 4 MESSAGE 5 7\)' 'o OK .*' 'p NO \[OVERQUOTA\] .*' 'q OK .*' '\* QUOTA "" \(STORAGE 4 4 MESSAGE 6 7\)' 's BAD .*'
	# What was noted is what there is.
	used=$(awk 'NR > 1 { b += $1; m += $2 } END { print b, m }' "$home/alice/maildirsize")
	[ "$used" = "$(find "$home/alice/cur" "$home/alice/new" -type f -printf '%s\n' | awk '{ b += $1; m++ } END { print b, m }')" ]
}

@test "QUOTASET: the owner lowers his limits and raises them again, up to the administrator's" {
	local home=$BATS_TEST_TMPDIR/home
	control_dir
	echo 'alice@example.test:alice::8K:' >"$CTL/users"
	output=$(session 'l LOGIN alice@example.test pw\r\na SETQUOTA "" (STORAGE 1 MESSAGE 2)\r\nb APPEND INBOX {1500+}\r\n%01500d\r\nc APPEND INBOX {2+}\r\nhi\r\nd APPEND INBOX {2+}\r\nhi\r\ne APPEND INBOX {2+}\r\nhi\r\n')
	has '\* QUOTA "" \(STORAGE 0 1 MESSAGE 0 2\)' 'a OK .*' 'b NO \[OVERQUOTA\] .*' 'c OK .*' 'd OK .*' 'e NO \[OVERQUOTA\] .*'
	[ "$(cat "$home/alice/posthouse.quota")" = 1024S,2C ]
	[ "$(head -n 1 "$home/alice/maildirsize")" = 1024S,2C ]
	[ -z "$(POSTHOUSE=$CTL "$BIN/posthouse" maildir check alice@example.test)" ]
	output=$(session 'l LOGIN alice@example.test pw\r\na GETQUOTA ""\r\nb SETQUOTA "" (MESSAGE 3)\r\nc APPEND INBOX {1500+}\r\n%01500d\r\nd APPEND INBOX {2+}\r\nhi\r\ne SETQUOTA "" (STORAGE 9)\r\nf SETQUOTA "" (MESSAGE 0)\r\ng SETQUOTA "" (X-SPACE 1)\r\nh SETQUOTA other (MESSAGE 1)\r\ni GETQUOTA ""\r\nj SETQUOTA "" ()\r\nk APPEND INBOX {2+}\r\nhi\r\nm SETQUOTA "" (STORAGE)\r\n')
	has '\* QUOTA "" \(STORAGE 1 1 MESSAGE 2 2\)' '\* QUOTA "" \(STORAGE 1 8 MESSAGE 2 3\)' 'c OK .*' 'd NO \[OVERQUOTA\] .*' '[efg] NO \[NOPERM\] .*' \
	    'h NO \[NONEXISTENT\] .*' '\* QUOTA "" \(STORAGE 2 8 MESSAGE 3 3\)' 'i OK .*' '\* QUOTA "" \(STORAGE 2 8\)' 'k OK .*' 'm BAD .*'
	[ "$(grep -c '^[efg] NO \[NOPERM\]' <<<"$output")" = 3 ]
	[ ! -e "$home/alice/posthouse.quota" ]
	# Whatever stands there, it gives nobody more; what is no such file is none.
	for text in 9999999S,9C 0S 8X $'1S\n1 1\nx' ''; do
		printf '%s\n' "$text" >"$home/alice/posthouse.quota"
		[ "$(id -u)" != 0 ] || chown 64006:64006 "$home/alice/posthouse.quota"
		output=$(session 'l LOGIN alice@example.test pw\r\na GETQUOTA ""\r\n')
		has '\* QUOTA "" \(STORAGE 2 8( MESSAGE 4 9|)\)'
	done
	echo 'alice@example.test:alice::' >"$CTL/users"
	output=$(session 'l LOGIN alice@example.test pw\r\na SETQUOTA "" (MESSAGE 1)\r\nb APPEND INBOX {2+}\r\nhi\r\n')
	has 'a NO \[NONEXISTENT\] .*' 'b OK .*'
}

@test "posthouse-imapd(8) names every capability that is told, and no other" {
	told=$(talk <<<'a CAPABILITY' | sed -n 's/^\* CAPABILITY //p' | sed 's/APPENDLIMIT=[0-9]*/APPENDLIMIT/' | tr ' ' '\n' | sort)
	page=$(sed -n '/^\.It after login/,/^\.El/p' "$ROOT/man/posthouse-imapd.8" | tr -d , | tr ' ' '\n' |
	    grep -E '^([A-Z][-A-Z0-9=+]+|RIGHTS=texk|IMAP4rev[12])$' | sort)
	diff <(echo "$told") <(echo "$page")
}

@test "one line that is no header field does not end the header" {
	printf 'Subject: before\nthis is no field\nFrom: x@example.org\n(nor this)\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\nrubbish\nContent-ID: <i>\n\nbody\n--b\nno field at all\n--b--\n' |
	    message 1700000009.b.host cur
	output=$(talk <<<$'a SELECT INBOX\nb FETCH 7 (ENVELOPE BODY)\nc FETCH 7 BODY.PEEK[TEXT]<0.5>\nd FETCH 7 BODY.PEEK[HEADER.FIELDS (From)]\ne FETCH 7 BODY.PEEK[2]\nf SEARCH FROM x@example.org')
	has '\* 7 FETCH \(ENVELOPE \(NIL "before" \(\(NIL NIL "x" "example.org"\)\) .*\) BODY \(\("text" "html" \("charset" "us-ascii"\) "<i>" NIL "7bit" 4 0\)\("text" "plain" .* 15 0\) "mixed"\)\)' \
	    '\* 7 FETCH \(BODY\[TEXT\]<0> \{5\}' '--b' 'From: x@example.org' '\* 7 FETCH \(BODY\[2\] \{15\}' '\* SEARCH 7'
}

@test "METADATA: set, get, depth, size, remove; with the mailbox when it is renamed; LIST RETURN" {
	output=$(bytes 'a CREATE A\r\nb SETMETADATA A (/private/Comment "my own" /shared/x/y/z {5+}\r\n1\n %%2 /shared/x/y "b")\r\nc GETMETADATA A /private/comment\r\nd GETMETADATA (DEPTH 1) A (/shared/x /private/none)\r\ne GETMETADATA A (DEPTH infinity MAXSIZE 3) /shared/x\r\nf SETMETADATA A (/private/comment NIL /shared/bin ~{3+}\r\n\0\1\2)\r\ng RENAME A B\r\nh LIST "" %% RETURN (METADATA ("/private/comment" /shared/x/y))\r\ni SETMETADATA "" (/private/server "s")\r\nj GETMETADATA "" /private/server\r\nk GETMETADATA None /private/x\r\nl SETMETADATA B (/other/x "y")\r\nm SETMETADATA B (/private/x* "y")\r\nn SETMETADATA B (/private/x/ "y")\r\no GETMETADATA B (DEPTH 2) /private/x\r\np SETMETADATA B ("/private/x" "y" /private/y "")\r\nq GETMETADATA B (DEPTH infinity) /private/y\r\n')
	has 'b OK .*' '\* METADATA A \(/private/comment "my own"\)' '\* METADATA A \(/shared/x/y "b"\)' 'e OK \[METADATA LONGENTRIES 5\] .*' \
	    '\* METADATA B \(/private/comment NIL /shared/x/y "b"\)' '\* METADATA INBOX \(/private/comment NIL /shared/x/y NIL\)' \
	    '\* METADATA "" \(/private/server "s"\)' 'k NO \[NONEXISTENT\] .*' '[lmno] BAD .*' '\* METADATA B \(/private/y ""\)'
	[ "$(grep -c '^[lmno] BAD' <<<"$output")" = 4 ]
	grep -qx '/shared/x/y/z 1%0A%20%252' "$M/.B/posthouse.metadata"
	grep -qx '/shared/bin %00%01%02' "$M/.B/posthouse.metadata"
	not grep -q comment "$M/.B/posthouse.metadata"
	printf 'a GETMETADATA B /shared/bin\r\n' | "$BIN/imapd" "$M" 2>/dev/null | grep -qaP '/shared/bin ~\{3\}\r$'
	# Limits: the count, the size; one that fails changes none.
	for i in $(seq 120); do echo "n$i SETMETADATA INBOX (/private/n$i \"x\")"; done | talk >"$BATS_TEST_TMPDIR/out"
	grep -q '^n100 OK' "$BATS_TEST_TMPDIR/out"
	grep -q '^n101 NO \[METADATA TOOMANY\]' "$BATS_TEST_TMPDIR/out"
	big=$(printf 'x%.0s' {1..65537})
	output=$(bytes "a SETMETADATA B (/private/x \"new\" /private/big {65537+}\r\n$big)\r\nb GETMETADATA B /private/x\r\n")
	has 'a NO \[METADATA MAXSIZE 65536\] .*' '\* METADATA B \(/private/x "y"\)'
}

@test "METADATA: where nothing is to be told there is no response, as the grammar has no empty list" {
	output=$(talk <<-'END'
		a SETMETADATA INBOX (/private/comment "hello")
		b GETMETADATA (MAXSIZE 1) INBOX /private/comment
		c GETMETADATA (DEPTH 1) INBOX /private/vendor
		d GETMETADATA (DEPTH 1) INBOX (/private/comment /private/vendor)
	END
	)
	has 'b OK \[METADATA LONGENTRIES 5\] .*' 'c OK .*' '\* METADATA INBOX \(/private/comment "hello"\)'
	[ "$(grep -c '^\* METADATA' <<<"$output")" = 1 ]
}

@test "CREATE with USE, and special uses in LIST" {
	output=$(talk <<-'END'
		a CREATE Sent
		b CREATE Gesendet (USE (\Sent))
		c CREATE Wichtig (USE (\Important \Archive))
		d CREATE Nix (USE (\Flagged))
		e CREATE Nix (OTHER)
		f LIST "" *
		g LIST (SPECIAL-USE) "" *
		h GETMETADATA Wichtig /private/specialuse
		i SETMETADATA Wichtig (/private/specialuse "\\Junk")
		j SETMETADATA Wichtig (/private/specialuse "\\Nothing")
		k CREATE Archive
		l LIST "" *
		m CREATE INBOX (USE (\Sent))
		n DELETE Gesendet
		o LIST (SPECIAL-USE) "" * RETURN (SPECIAL-USE)
	END
	)
	has '[abc] OK \[MAILBOXID.*' 'd NO \[USEATTR\] .*' 'e BAD .*' '\* LIST \(\\HasNoChildren \\Sent\) "/" Gesendet' '\* LIST \(\\HasNoChildren\) "/" Sent' \
	    '\* LIST \(\\HasNoChildren \\Important \\Archive\) "/" Wichtig' '\* METADATA Wichtig \(/private/specialuse "\\\\Important \\\\Archive"\)' \
	    'i OK .*' 'j NO \[USEATTR\] .*' '\* LIST \(\\HasNoChildren \\Junk\) "/" Wichtig' '\* LIST \(\\HasNoChildren \\Archive\) "/" Archive' \
	    'm NO \[ALREADYEXISTS\] .*' '\* LIST \(\\HasNoChildren \\Sent\) "/" Sent'
	[ "$(sed -n '/^f OK/,/^g OK/p' <<<"$output" | grep -c '^\* LIST')" = 2 ]
	[ ! -d "$M/.Nix" ]
}

@test "APPEND of a literal8: binary parts are kept to the byte; data that is not said to be binary is refused" {
	printf 'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: application/x\r\nContent-Transfer-Encoding: binary\r\n\r\n\0\1\n\r\n\377\r\n--b--\r\n' >"$BATS_TEST_TMPDIR/m"
	{
		printf 'a SELECT INBOX\r\nb APPEND INBOX ~{%s+}\r\n' "$(stat -c %s "$BATS_TEST_TMPDIR/m")"
		cat "$BATS_TEST_TMPDIR/m"
		printf '\r\nc FETCH 7 BINARY.PEEK[1]\r\nd FETCH 7 BODY.PEEK[1]\r\ne APPEND INBOX ~{20+}\r\nSubject: x\r\n\r\nab\0def\r\nf APPEND INBOX ~{14+}\r\nSubject: x\r\n\r\n\r\ng APPEND INBOX {15+}\r\nSubject: x\r\n\r\n\0\r\n'
	} | "$BIN/imapd" "$M" 2>"$BATS_TEST_TMPDIR/log" >"$BATS_TEST_TMPDIR/out"
	clean
	python3 - "$BATS_TEST_TMPDIR/out" <<-'END'
	import sys
	out = open(sys.argv[1], 'rb').read()
	for want in (b'b OK [APPENDUID ', b'* 7 FETCH (BINARY[1] ~{6}\r\n\0\1\n\r\n\xff)\r\n', b'* 7 FETCH (BODY[1] {', b'AAEKDQr/',
	             b'e NO [UNKNOWN-CTE] ', b'f OK [APPENDUID ', b'g BAD NUL in a message'):
	    assert want in out, (want, out)
	END
}

@test "UIDBATCHES: ranges that touch, from the newest; limits" {
	local i
	for i in $(seq 2100); do echo x >"$M/cur/1600000000.$i.host:2,"; done
	output=$(talk <<-'END'
		z UIDBATCHES 500
		a SELECT INBOX
		b UIDBATCHES 1000
		c UIDBATCHES 1000 2:3
		d UIDBATCHES 1000 4:9
		e UIDBATCHES 499
		f UIDBATCHES 1000 3:2
		g UIDBATCHES 1000 1:101
		h UIDBATCHES 5000
		i UIDBATCHES 1000 1:*
		j UIDBATCHES
		k ENABLE UIDONLY
		l UIDBATCHES 2105
	END
	)
	has 'z BAD .*' '\* UIDBATCHES \(TAG "b"\) 2106:1107,1106:107,106:1' '\* UIDBATCHES \(TAG "c"\) 1106:107,106:1' '\* UIDBATCHES \(TAG "d"\)' \
	    'e NO \[TOOFEW\] .*' 'f BAD \[CLIENTBUG\] .*' 'g NO \[TOOMANY\] .*' '\* UIDBATCHES \(TAG "h"\) 2106:1' 'i BAD .*' 'j BAD .*' \
	    '\* UIDBATCHES \(TAG "l"\) 2106:2,1:1'
}

@test "PREVIEW: the first words, of plain text or HTML, in UTF-8, at most 200" {
	printf 'Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\n> quoted\nHallo  W=F6rld\n\tnext\n' | message 1700000010.a.host
	printf 'Content-Type: text/html\n\n<html><head><title>no</title><style>p { x: y }</style></head><body><!-- <p>no --><p>One &amp; two<br>three</p> &lt;x&gt; <script>no</script>end' | message 1700000011.a.host
	printf 'Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: image/png\n\nxxxx\n--b--\n' | message 1700000012.a.host
	{ printf 'Content-Type: text/plain; charset=utf-8\n\n'; printf 'ä%.0s' {1..300}; } | message 1700000013.a.host
	output=$(talk <<<$'a SELECT INBOX\nb FETCH 7 (PREVIEW UID)\nc FETCH 8 PREVIEW\nd FETCH 9 (PREVIEW (LAZY) UID)\ne FETCH 10 PREVIEW (LAZY)\nf FETCH 1 (PREVIEW (EAGER))\ng FETCH 1 PREVIEW')
	has '\* 7 FETCH \(PREVIEW \{17\}' 'Hallo Wörld next UID 7\)' '\* 8 FETCH \(PREVIEW "One & two three <x> end"\)' '\* 9 FETCH \(PREVIEW "" UID 9\)' \
	    '\* 10 FETCH \(PREVIEW \{400\}' 'f BAD .*' '\* 1 FETCH \(PREVIEW "body 1"\)'
	hasnot '.*FLAGS \(\\Seen.*'
}

@test "LANGUAGE: English under its names, before and after login" {
	output=$(talk <<<$'a LANGUAGE\nb LANGUAGE FR-CA EN-CA\nc LANGUAGE MUL\nd LANGUAGE "default"\ne LANGUAGE *')
	has '\* LANGUAGE \(EN i-default\)' 'a OK .*' '\* LANGUAGE \(EN\)' 'b OK .*' 'c NO .*' 'd OK .*' 'e OK .*'
	control_dir
	output=$(session 'a LANGUAGE EN\r\nb LANGUAGE XX\r\n')
	has '\* LANGUAGE \(EN\)' 'a OK .*' 'b NO .*'
}
