# imapd_bad.bats: what is wrong gets its documented reply, and the process goes on or ends as it should.
# shellcheck shell=bash disable=SC2154

load helper
load imap

setup() {
	mbox_dir
	printf 'Subject: one\n\nbody\n' | message 1700000001.a.host
}

# Each line of a table: bytes for printf, a tab, a regular expression that some line of the answer must match.  The answer must
# end in the reply to "z NOOP" (the session goes on) or, where the expression begins with "* BYE", in the end of the session.
table() { # COMMAND
	local input want out failed=0 n=0
	while IFS=$'\t' read -r input want; do
		case $input in '' | '#'*) continue ;; esac
		n=$((n + 1))
		out=$($1 "$input"'z NOOP\r\n' | tail -n +2)
		if ! grep -aqE -- "^$want" <<<"$out"; then
			printf 'input: %s\nwanted: %s\ngot: %s\n' "$input" "$want" "$out"
			failed=1
		elif [[ $want == '\* BYE'* ]]; then
			not grep -q '^z OK' <<<"$out" || { printf 'went on after: %s\n' "$input"; failed=1; }
		elif ! grep -aq '^z OK' <<<"$out"; then
			printf 'did not go on after: %s\ngot: %s\n' "$input" "$out"
			failed=1
		fi
	done
	echo "# $n inputs" >&3
	[ "$failed" = 0 ]
}

@test "logged in: lines that are no commands" {
	table bytes <<-'END'
		\r\n	\* BAD Invalid tag
		 a NOOP\r\n	\* BAD Invalid tag
		a\r\n	a BAD Missing command
		a \r\n	a BAD Missing command
		a  NOOP\r\n	a BAD Missing command
		a+b NOOP\r\n	.* BAD
		+ NOOP\r\n	\* BAD Invalid tag
		(a) NOOP\r\n	\* BAD Invalid tag
		a* NOOP\r\n	a BAD Missing command
		\377\376 NOOP\r\n	\* BAD Invalid tag
		a FROBNICATE\r\n	a BAD Unknown command
		a LOGIN x y\r\n	a BAD Unknown command
		a AUTHENTICATE PLAIN\r\n	a BAD Unknown command
		a STARTTLS\r\n	a BAD Unknown command
		a UID\r\n	a BAD Missing command after UID
		a UID NOOP\r\n	a BAD Unknown command
		a UID SELECT INBOX\r\n	a BAD Unknown command
		a NOOP\n	a BAD Line ends in LF without CR
		a NO\rOP\r\n	a BAD CR inside a line
		a NO\0OP\r\n	a BAD NUL inside a line
		a NOOP \r\n	a BAD Unexpected text
		a NOOP now\r\n	a BAD Unexpected text
		a CAPABILITY x\r\n	a BAD Unexpected text
		a LOGOUT x\r\n	a BAD Unexpected text
		DONE\r\n	DONE BAD Missing command
	END
}

@test "logged in: states and names" {
	table bytes <<-'END'
		a FETCH 1 FLAGS\r\n	a BAD No mailbox is selected
		a STORE 1 FLAGS ()\r\n	a BAD No mailbox is selected
		a SEARCH ALL\r\n	a BAD No mailbox is selected
		a UID COPY 1 x\r\n	a BAD No mailbox is selected
		a EXPUNGE\r\n	a BAD No mailbox is selected
		a CLOSE\r\n	a BAD No mailbox is selected
		a SELECT\r\n	a BAD Missing argument
		a SELECT \r\n	a BAD String expected
		a SELECT INBOX x\r\n	a BAD List of parameters expected
		a SELECT ""\r\n	a NO \[NONEXISTENT\] Empty mailbox name
		a SELECT ../alice\r\n	a NO \[NONEXISTENT\]
		a SELECT /etc\r\n	a NO \[NONEXISTENT\]
		a SELECT INBOX/\r\n	a NO \[NONEXISTENT\]
		a SELECT "a\\\\b\r\n	a BAD Unterminated
		a SELECT "a\\x"\r\n	a BAD Unterminated or invalid
		a SELECT {5}\r\nIN\0OX\r\n	a BAD NUL in a literal
		a CREATE ..\r\n	a NO \[CANNOT\]
		a CREATE .hidden\r\n	a NO \[CANNOT\]
		a CREATE x/../y\r\n	a NO \[CANNOT\]
		a CREATE "a\tb"\r\n	a NO \[CANNOT\]
		a CREATE "\303\251"\r\n	a NO \[CANNOT\]
		a CREATE &Jjo\r\n	a NO \[CANNOT\]
		a CREATE &Jjo!-\r\n	a NO \[CANNOT\]
		a CREATE &2AA-\r\n	a NO \[CANNOT\]
		a CREATE &AAA-\r\n	a NO \[CANNOT\]
		a CREATE {241}\r\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n	a NO \[CANNOT\] Mailbox name too long
		a STATUS INBOX MESSAGES\r\n	a BAD STATUS item list
		a STATUS INBOX (MESSAGES\r\n	a BAD Unterminated list
		a LIST "" (\r\n	a BAD
		a LIST (NOSUCH) "" *\r\n	a BAD Unknown LIST option
		a RENAME INBOX\r\n	a BAD Missing argument
		a ENABLE\r\n	a BAD Missing argument
		a ID (1 2)\r\n	a BAD String expected
		a ID x\r\n	a BAD NIL or a list expected
		a IDLE\r\nNOOP\r\n	\* BYE DONE expected
	END
}

@test "logged in: literals" {
	table bytes <<-'END'
		a SELECT {99999999999999999999}\r\n	a NO \[TOOBIG\] Literal too large
		a SELECT {99999999999999999999+}\r\nb NOOP\r\n	\* BYE \[TOOBIG\] Literal too large
		a SELECT {9223372036854775808+}\r\nb NOOP\r\n	\* BYE \[TOOBIG\] Literal too large
		a SELECT {4294967296}\r\n	a NO \[TOOBIG\] Literal too large
		a SELECT {1048577}\r\n	a NO \[TOOBIG\] Literal too large
		a SELECT {2000000+}\r\n	\* BYE \[TOOBIG\] Literal too large
		a SELECT {-1}\r\n	a BAD
		a SELECT {}\r\n	a BAD
		a SELECT {5\r\n	a BAD
		a SELECT {5}x\r\n	a BAD
		a SELECT ~{5}\r\nINBOX\r\n	a BAD
		a SELECT {5+}\r\nINBOX trailing\r\n	a BAD List of parameters expected
		a NOOP {3}\r\nabc\r\n	a BAD Unexpected text
		a N\0OOP {30+}\r\n	\* BYE NUL inside a line
		a NOOP {30+}\n	\* BYE Line ends in LF
		a APPEND INBOX\r\n	a BAD Missing argument
		a APPEND INBOX \r\n	a BAD Message literal expected
		a APPEND INBOX abc\r\n	a BAD Message literal expected
		a APPEND INBOX (\\Bad) {3}\r\n	a BAD Unknown system flag
		a APPEND INBOX (\\Recent) {3+}\r\nabc\r\n	a BAD .Recent cannot be set
		a APPEND INBOX "99-Nov-2026 00:00:00 +0000" {3+}\r\nabc\r\n	a BAD Invalid date-time
		a APPEND INBOX "29-Feb-2026 00:00:00 +0000" {3}\r\n	a BAD Invalid date-time
		a APPEND INBOX {3+}\r\na\0c\r\n	a BAD NUL in a message
		a APPEND INBOX {3+}\r\nabcd\r\n	a BAD
		a APPEND INBOX {99999999999}\r\n	a NO \[TOOBIG\]
		a APPEND nowhere {3}\r\n	a NO \[TRYCREATE\]
		a APPEND x.y {3+}\r\nabc\r\n	a NO \[CANNOT\]
		a APPEND INBOX {0+}\r\n\r\n	a NO A message of no bytes
	END
}

@test "message data of a command that is refused at once is never read as commands" {
	output=$(bytes 'a REPLACE 1 INBOX {14+}\r\n\r\nx CREATE X\r\n\r\nb UID APPEND INBOX {14+}\r\n\r\nx CREATE X\r\n () {14+}\r\n\r\ny CREATE Y\r\n\r\nc ENABLE UIDONLY UTF8=ACCEPT\r\nd SELECT INBOX\r\ne REPLACE 1 INBOX {14+}\r\n\r\nx CREATE X\r\n\r\nf APPEND "\351" {14+}\r\n\r\nx CREATE X\r\n\r\ng UID APPEND INBOX {13}\r\nh LIST "" *\r\n')
	has 'a BAD No mailbox is selected' 'b BAD Unknown command' 'e BAD \[UIDREQUIRED\] .*' 'f BAD Not UTF-8' 'g BAD Unknown command' 'h OK .*'
	hasnot '[xy] .*' '\* BAD .*' '\* LIST .* [XY]'
	output=$(bytes 'a REPLACE 1 INBOX {14+}\r\n\r\nx CREATE')
	has 'a BAD .*'
	hasnot 'x .*'
	output=$(bytes 'a REPLACE 1 INBOX {1+}\r\nx {1+}\n\r\nb NOOP\r\n')
	has 'a BAD .*' '\* BYE Line ends in LF without CR'
	hasnot 'b .*'
}

@test "selected: sets, items, searches" {
	selected() { bytes 's SELECT INBOX\r\n'"$1"; }
	table selected <<-'END'
		a FETCH\r\n	a BAD Missing argument
		a FETCH 1\r\n	a BAD Missing argument
		a FETCH 0 FLAGS\r\n	a BAD Number must not be zero
		a FETCH 2 FLAGS\r\n	a BAD No such message
		a FETCH 1:2 FLAGS\r\n	a BAD No such message
		a FETCH 4294967295 FLAGS\r\n	a BAD No such message
		a FETCH 4294967296 FLAGS\r\n	a BAD Number expected
		a FETCH 99999999999999999999999 FLAGS\r\n	a BAD Number expected
		a FETCH 1: FLAGS\r\n	a BAD
		a FETCH 1,,1 FLAGS\r\n	a BAD
		a FETCH :1 FLAGS\r\n	a BAD
		a FETCH ** FLAGS\r\n	a BAD
		a FETCH 1 FLAG\r\n	a BAD Unknown FETCH item
		a FETCH 1 FLAGSX\r\n	a BAD
		a FETCH 1 (FLAGS\r\n	a BAD Unterminated FETCH list
		a FETCH 1 ()\r\n	a BAD Unknown FETCH item
		a FETCH 1 (ALL)\r\n	a BAD Unknown FETCH item
		a FETCH 1 ((FLAGS))\r\n	a BAD Unknown FETCH item
		a FETCH 1 BODY[\r\n	a BAD
		a FETCH 1 BODY[0]\r\n	a BAD Number must not be zero
		a FETCH 1 BODY[1.]\r\n	a BAD Unknown section
		a FETCH 1 BODY[MIME]\r\n	a BAD MIME needs a part number
		a FETCH 1 BODY[TEXT.1]\r\n	a BAD
		a FETCH 1 BODY[HEADER.FIELDS]\r\n	a BAD
		a FETCH 1 BODY[HEADER.FIELDS ()]\r\n	a BAD
		a FETCH 1 BODY[HEADER.FIELDS (a]\r\n	a BAD
		a FETCH 1 BODY[]<\r\n	a BAD
		a FETCH 1 BODY[]<0>\r\n	a BAD Invalid partial
		a FETCH 1 BODY[]<0.0>\r\n	a BAD Empty partial
		a FETCH 1 BODY[]<-1.5>\r\n	a BAD
		a FETCH 1 BODY[]<0.99999999999999999999>\r\n	a BAD
		a UID FETCH x FLAGS\r\n	a BAD
		a STORE 1\r\n	a BAD
		a STORE 1 FLAG (\\Seen)\r\n	a BAD
		a STORE 1 FLAGS (\\Seen\r\n	a BAD Unterminated flag list
		a STORE 1 FLAGS (\\Recent)\r\n	a BAD .Recent cannot be set
		a STORE 1 FLAGS (\\Nope)\r\n	a BAD Unknown system flag
		a STORE 1 FLAGS (\\)\r\n	a BAD
		a STORE 1 +FLAGS\r\n	a BAD
		a STORE 2 FLAGS ()\r\n	a BAD No such message
		a COPY 1\r\n	a BAD Missing argument
		a COPY 1 a.b\r\n	a NO \[CANNOT\]
		a MOVE 7 INBOX\r\n	a BAD No such message
		a UID EXPUNGE\r\n	a BAD Missing argument
		a EXPUNGE 1\r\n	a BAD Unexpected text
		a SEARCH\r\n	a BAD Missing argument
		a SEARCH BOGUS\r\n	a BAD Unknown search key
		a SEARCH FROM\r\n	a BAD Missing argument
		a SEARCH NOT\r\n	a BAD
		a SEARCH OR ALL\r\n	a BAD
		a SEARCH OR\r\n	a BAD
		a SEARCH (ALL\r\n	a BAD Unterminated
		a SEARCH ALL)\r\n	a BAD Unexpected text
		a SEARCH ()\r\n	a BAD Unknown search key
		a SEARCH BEFORE 31-Feb-2026\r\n	a BAD Invalid date
		a SEARCH BEFORE 1-Foo-2026\r\n	a BAD Invalid date
		a SEARCH BEFORE 1-Jan-26x\r\n	a BAD
		a SEARCH LARGER -1\r\n	a BAD Number expected
		a SEARCH LARGER 99999999999999999999\r\n	a BAD Number expected
		a SEARCH CHARSET\r\n	a BAD
		a SEARCH CHARSET UTF-8\r\n	a BAD
		a SEARCH CHARSET X-NONE ALL\r\n	a NO \[BADCHARSET
		a SEARCH RETURN (BOGUS) ALL\r\n	a BAD Unknown result option
		a SEARCH RETURN MIN ALL\r\n	a BAD Result option list expected
		a SEARCH ((((((((((((((((((((((((((((((((((((ALL))))))))))))))))))))))))))))))))))))\r\n	a BAD Search nested too deeply
		a SEARCH NOT NOT NOT NOT NOT NOT NOT NOT NOT NOT NOT NOT NOT NOT NOT NOT NOT NOT NOT NOT NOT NOT NOT NOT NOT NOT NOT NOT NOT NOT NOT NOT NOT NOT ALL\r\n	a BAD Search nested too deeply
	END
}

@test "before login" {
	control_dir
	table session <<-'END'
		a SELECT INBOX\r\n	a BAD Unknown command, or not before login
		a LOGIN\r\n	a BAD Missing argument
		a LOGIN x\r\n	a BAD Missing argument
		a LOGIN x y z\r\n	a BAD Unexpected text
		a LOGIN "" ""\r\n	a NO \[AUTHENTICATIONFAILED\]
		a LOGIN nobody@example.test pw\r\n	a NO \[AUTHENTICATIONFAILED\]
		a LOGIN ../../etc pw\r\n	a NO \[AUTHENTICATIONFAILED\]
		a LOGIN {10000}\r\n	a BAD Literal too large
		a LOGIN {10000+}\r\n	\* BYE \[TOOBIG\] Literal too large
		a LOGIN {4097+}\r\n	\* BYE \[TOOBIG\] Literal too large
		a CAPABILITY\r\n	\* CAPABILITY IMAP4rev1 IMAP4rev2 SASL-IR LITERAL- ID
		a AUTHENTICATE\r\n	a BAD Missing argument
		a AUTHENTICATE CRAM-MD5\r\n	a NO \[CANNOT\] Unknown mechanism
		a AUTHENTICATE PLAIN !!!\r\n	a BAD Invalid base64
		a AUTHENTICATE PLAIN =\r\n	a BAD Not a response of this mechanism
		a AUTHENTICATE PLAIN \r\n	a BAD Invalid initial response
		a AUTHENTICATE PLAIN Ym9iAGFsaWNlQGV4YW1wbGUudGVzdABwdw==\r\n	a NO \[AUTHORIZATIONFAILED\]
		a AUTHENTICATE PLAIN\r\n*\r\n	a BAD Cancelled
		a AUTHENTICATE LOGIN\r\nYQ==\r\n*\r\n	a BAD Cancelled
		a STARTTLS\r\n	a BAD TLS is not available
		a STARTTLS now\r\n	a BAD Unexpected text
		a ENABLE X\r\n	a BAD Log in first
		a UID FETCH 1 FLAGS\r\n	a BAD
		a NOOP\n	a BAD Line ends in LF
		a N\0P\r\n	a BAD NUL inside
	END
}

@test "a line that never ends closes the connection, and memory does not grow" {
	control_dir
	for kind in session bytes; do
		output=$(head -c 30000000 /dev/zero | tr '\0' x | { if [ $kind = bytes ]; then
			timeout 120 "$BIN/imapd" "$M"
		else
			timeout 120 "$BIN/imapd" -C "$CTL"
		fi; } 2>/dev/null | tr -d '\r') || :
		hasnot 'a OK.*'
		[ "${#output}" -lt 1000 ]
	done
	output=$(session "a LOGIN $(head -c 9000 /dev/zero | tr '\0' x)\r\nb NOOP\r\n")
	has '\* BYE Command line too long'
	hasnot 'b OK.*'
	output=$(bytes "a NOOP $(head -c 70000 /dev/zero | tr '\0' x)\r\nb NOOP\r\n")
	has '\* BYE Command line too long'
}

@test "too many errors end the session" {
	output=$(for i in $(seq 1 40); do echo "a$i BOGUS"; done | talk)
	has '\* BYE Too many invalid commands'
	[ "$(grep -c '^a[0-9]* BAD' <<<"$output")" -lt 40 ]
	control_dir 'error-limit 3'
	output=$(session 'a LOGIN x y\r\nb LOGIN x y\r\nc LOGIN x y\r\nd NOOP\r\n')
	has 'c NO .*' '\* BYE Too many errors'
	hasnot 'd OK.*'
}

@test "plain text is refused where it could be heard" {
	control_dir
	# The loopback is trusted; a peer address elsewhere is not.
	output=$(printf 'a CAPABILITY\r\nb LOGIN alice@example.test pw\r\nc LOGOUT\r\n' |
	    env TCPREMOTEIP=192.0.2.7 TCPREMOTEPORT=40000 TCPLOCALIP=192.0.2.1 TCPLOCALPORT=143 PROTO=TCP timeout 120 "$BIN/imapd" -C "$CTL" 2>/dev/null | tr -d '\r')
	has '\* CAPABILITY .*LOGINDISABLED.*' 'b NO \[PRIVACYREQUIRED\] .*'
	hasnot '.*AUTH=PLAIN.*'
}

@test "huge sets, many keys, many header names: bounded and answered" {
	set=$(seq -s, 1 2 20000)
	output=$(talk <<<$'s SELECT INBOX\na UID FETCH '"${set:0:60000}"$'1 FLAGS\nb UID FETCH 1:4294967295 UID\nc UID FETCH 4294967295:1 UID\nd UID STORE 1:* FLAGS ()\ne UID SEARCH UID '"${set:0:60000}"1)
	has '\* 1 FETCH \(FLAGS .*' 'a OK .*' '\* 1 FETCH \(UID 1\)' 'b OK .*' 'c OK .*' 'd OK .*' '\* SEARCH 1' 'e OK .*'
	names=$(seq -s ' ' -f 'X-%g' 1 8000)
	output=$(talk <<<$'s SELECT INBOX\na FETCH 1 BODY.PEEK[HEADER.FIELDS ('"${names:0:60000}"$')]\nb SEARCH '"$(printf 'ALL %.0s' $(seq 1 10000))ALL"$'\nc FETCH 1 ('"$(printf 'FLAGS %.0s' $(seq 1 300))FLAGS"$')\nd NOOP')
	has 'a OK .*' 'b OK .*' 'c BAD Too many FETCH items' 'd OK .*'
	keys=$(seq -s ' ' -f '$k%g' 1 100)
	output=$(talk <<<$'s SELECT INBOX\na STORE 1 FLAGS ('"$keys"$')\nb FETCH 1 FLAGS')
	has 'a NO \[LIMIT\] The mailbox has 64 keywords already' '\* 1 FETCH \(FLAGS \(\)\)' 'b OK .*'
	[ ! -s "$M/posthouse.keywords" ]
}
