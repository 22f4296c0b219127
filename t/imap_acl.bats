# imap_acl.bats: access control lists (RFC 4314, RFC 8440) and the namespaces of others (RFC 2342), by sessions of three accounts.
# shellcheck shell=bash disable=SC2154

load helper
load imap

setup() {
	control_dir
	printf '%s@example.test:%s:\n' alice alice bob bob carol carol >"$CTL/users"
	printf '%s@example.test:{PLAIN}pw\n' alice bob carol >"$CTL/passwords"
	H=$BATS_TEST_TMPDIR/home
	S=$H/.shared
	P=user/bob@example.test/Proj
}

# as NAME: what imapd answers to the lines on standard input after a login.
as() {
	{
		printf 'login LOGIN %s@example.test pw\r\n' "$1"
		sed 's/$/\r/'
	} | timeout 120 "$BIN/imapd" -C "$CTL" 2>"$BATS_TEST_TMPDIR/log" | tr -d '\r'
	clean
}

# shares RIGHTS [NAME]: bob makes Proj with two messages and gives NAME (alice) these rights.
shares() {
	output=$(as bob <<-END
		a CREATE Proj
		b APPEND Proj (\Seen) {5+}
		one

		c APPEND Proj () {5+}
		two

		d SETACL Proj ${2-alice@example.test} $1
	END
	)
	has 'a OK .*' 'b OK .*' 'c OK .*' 'd OK .*'
}

# mail: one message of alice's own in her INBOX.
own_mail() {
	output=$(as alice <<<$'a APPEND INBOX (\\Seen \\Deleted \\Flagged $Work) {6+}\nmine\n')
	has 'a OK .*'
}

@test "SETACL, GETACL, DELETEACL, LISTRIGHTS, MYRIGHTS: the list is text, the owner has all" {
	output=$(as bob <<-'END'
		a CREATE Proj
		b GETACL Proj
		c SETACL Proj alice@example.test lrs
		d SETACL Proj Alice@Example.Test +wd
		e SETACL Proj alice@example.test -w
		f SETACL Proj -carol@example.test lr
		g SETACL Proj anyone l
		h GETACL Proj
		i DELETEACL Proj anyone
		j SETACL Proj -carol@example.test ""
		k GETACL Proj
		l LISTRIGHTS Proj alice@example.test
		m LISTRIGHTS Proj bob@example.test
		n MYRIGHTS Proj
		o MYRIGHTS INBOX
		p SETACL Proj x lrQ
		q SETACL Proj x lrq
		r SETACL Proj "a b" lr
		s SETACL Proj - lr
		t SETACL Proj x
		u SETACL Proj bob@example.test lr
		v DELETEACL Proj bob@example.test
		w SETACL INBOX alice@example.test lr
		x GETACL Nowhere
		y MYRIGHTS Nowhere
		z SETACL Proj x c
		z1 GETACL Proj
	END
	)
	has '\* ACL Proj bob@example.test lrswipkxteacd' 'b OK .*' 'c OK .*' \
	    '\* ACL Proj bob@example.test lrswipkxteacd alice@example.test lrsted -carol@example.test lr anyone l' \
	    '\* ACL Proj bob@example.test lrswipkxteacd alice@example.test lrsted' \
	    '\* LISTRIGHTS Proj alice@example.test "" l r s w i p k x t e a c d' \
	    '\* LISTRIGHTS Proj bob@example.test lrswipkxteacd' '\* MYRIGHTS Proj lrswipkxteacd' '\* MYRIGHTS INBOX lrswipkxteacd' \
	    'p BAD .*' 'q BAD .*' 'r BAD .*' 's BAD .*' 't BAD .*' 'u NO \[CANNOT\].*' 'v NO \[CANNOT\].*' 'w NO \[CANNOT\].*' \
	    'x NO \[NONEXISTENT\].*' 'y NO \[NONEXISTENT\].*' '\* ACL Proj bob@example.test lrswipkxteacd alice@example.test lrsted x kxc'
	[ "$(cat "$H/bob/.Proj/posthouse.acl")" = $'alice@example.test lrste\nx kx' ]
	[ "$(cat "$S/for/alice@example.test")" = 'bob@example.test Proj' ]
}

@test "NAMESPACE, LIST, LIST-MYRIGHTS, LSUB: what may not be looked up is not there" {
	shares lr
	as bob <<<$'a CREATE Proj/Sub\nb DELETEACL Proj/Sub alice@example.test\nc CREATE Other\nd SETACL Other alice@example.test r\ne SETACL Other carol@example.test l' >/dev/null
	output=$(as alice <<-END
		a CAPABILITY
		b NAMESPACE
		c LIST "" * RETURN (MYRIGHTS SUBSCRIBED)
		d LIST "" user/%/%
		e SUBSCRIBE $P
		f LSUB "" *
		g LIST (SUBSCRIBED) "" * RETURN (MYRIGHTS)
		h LIST "" "*" RETURN (STATUS (MESSAGES))
		i MYRIGHTS user/bob@example.test/Other
		j MYRIGHTS user/bob@example.test/Proj/Sub
		k LIST (SUBSCRIBED RECURSIVEMATCH) "" % RETURN (MYRIGHTS)
	END
	)
	has '\* CAPABILITY .* ACL RIGHTS=texk LIST-MYRIGHTS.*' '\* NAMESPACE \(\("" "/"\)\) \(\("user/" "/"\)\) \(\("Shared/" "/"\)\)' \
	    '\* LIST \(\\HasNoChildren\) "/" user/bob@example.test/Proj' "\* MYRIGHTS $P lr" '\* MYRIGHTS INBOX lrswipkxteacd' \
	    "\* LSUB \(\) \"/\" $P" "\* LIST \(\\\\HasNoChildren \\\\Subscribed\) \"/\" $P" "\* STATUS $P \(MESSAGES 2\)" \
	    '\* MYRIGHTS user/bob@example.test/Other r' 'j NO \[NONEXISTENT\].*' \
	    '\* LIST .* "/" user \("CHILDINFO" \("SUBSCRIBED"\)\)'
	hasnot '.*LIST.*Proj/Sub' '.*LIST.*Other' '\* MYRIGHTS user .*'
	output=$(as carol <<<$'a LIST "" user* RETURN (STATUS (MESSAGES))\nb LIST "" user*')
	# RFC 5819 section 2: \Noselect instead of the STATUS that cannot be told.
	[ "$(sed -n 's/^\* \(.*\) "\/" .*Other$/\1/p' <<<"$output")" = $'LIST (\\Noselect \\HasNoChildren)\nLIST (\\HasNoChildren)' ]
	hasnot '\* STATUS .*'
	output=$(as carol <<<$'a LIST "" *\nb SELECT user/bob@example.test/Other\nc SELECT user/bob@example.test/Proj\nd SELECT user/bob@example.test/Nowhere')
	has '.*LIST.* user/bob@example.test/Other' 'b NO \[NOPERM\].*' 'c NO (\[NONEXISTENT\] .*)'
	[ "$(sed -n 's/^c NO//p' <<<"$output")" = "$(sed -n 's/^d NO//p' <<<"$output")" ]
}

@test "what the rights permit: SELECT, FETCH, STORE, EXPUNGE, CLOSE, MOVE, COPY, APPEND, REPLACE (RFC 4314 section 4)" {
	shares lr
	output=$(as alice <<-END
		a SELECT $P
		b FETCH 2 BODY[TEXT]
		c STORE 1 +FLAGS (\Deleted)
		d EXPUNGE
		e MOVE 1 INBOX
		f COPY 1 INBOX
		g APPEND $P {1}
		h REPLACE 1 INBOX {1}
		i CLOSE
		j STATUS $P (MESSAGES UNSEEN)
	END
	)
	has '\* OK \[PERMANENTFLAGS \(\)\] .*' 'a OK \[READ-ONLY\].*' 'b OK .*' 'c NO \[NOPERM\].*' 'd NO \[NOPERM\].*' 'e NO \[NOPERM\].*' \
	    'f OK \[COPYUID.*' 'g NO \[NOPERM\].*' 'h NO \[NOPERM\].*' 'i OK .*' '\* STATUS .* \(MESSAGES 2 UNSEEN 1\)'
	hasnot '\* .*FETCH \(FLAGS.*'

	as bob <<<'a SETACL Proj alice@example.test lrs' >/dev/null
	output=$(as alice <<-END
		a SELECT $P
		b FETCH 2 BODY[TEXT]
		c STORE 1 +FLAGS (\Flagged)
		d STORE 1 -FLAGS (\Flagged \Seen \$Work)
		e STORE 1 FLAGS (\Deleted \Seen)
		f EXPUNGE
	END
	)
	has '\* OK \[PERMANENTFLAGS \(\\Seen\)\] .*' 'a OK \[READ-WRITE\].*' ' FLAGS \(\\Seen\)\)' 'c NO \[NOPERM\].*' \
	    '\* 1 FETCH \(FLAGS \(\)\)' 'd OK .*' '\* 1 FETCH \(FLAGS \(\\Seen\)\)' 'e OK .*' 'f NO \[NOPERM\].*'

	as bob <<<'a SETACL Proj alice@example.test lrte' >/dev/null
	output=$(as alice <<<"a SELECT $P
b STORE 1 +FLAGS (\\Deleted \\Seen \\Flagged)
c UID EXPUNGE 1
d MOVE 1 INBOX")
	has '\* OK \[PERMANENTFLAGS \(\\Deleted\)\] .*' '\* 1 FETCH \(FLAGS \(\\Deleted \\Seen\)\)' '\* 1 EXPUNGE' 'c OK .*' '\* OK \[COPYUID .*' 'd OK .*'
	[ "$(messages "$H/bob/.Proj")" = 0 ]
}

@test "flags of what is copied or appended are those that the rights on the target permit (RFC 4314 section 4)" {
	local want
	own_mail
	shares lrwis
	while read -r rights want; do
		as bob <<<"a SETACL Proj alice@example.test $rights" >/dev/null
		output=$(as alice <<-END
			a SELECT INBOX
			b COPY 1 $P
			c APPEND $P (\Seen \Deleted \Flagged \$Work) {1+}
			x
		END
		)
		has 'b OK .*' 'c OK .*'
		output=$(as bob <<<$'a SELECT Proj\nb FETCH *:3 FLAGS\nc STORE *:3 +FLAGS.SILENT \\Deleted\nd UID EXPUNGE 3:*')
		[ "$(sed -n 's/.*FLAGS (\(.*\)))$/\1/p' <<<"$output" | sort -u | tr -d '\n')" = "${want//_/ }" ] || {
			echo "$rights: $output"
			false
		}
	done <<-'END'
		rwis \Flagged_\Seen_$Work
		rsti \Deleted_\Seen
		ri
		lrit \Deleted
		lrwi \Flagged_$Work
	END
	as bob <<<'a SETACL Proj alice@example.test lrwst' >/dev/null
	output=$(as alice <<<$'a SELECT INBOX\nb COPY 1 user/bob@example.test/Proj\nc COPY 1 user/bob@example.test/None')
	has 'b NO \[NOPERM\].*' 'c NO \[TRYCREATE\].*'
}

@test "CREATE, DELETE, RENAME with k and x: the list goes to what is made, and with what is renamed" {
	shares lrkx
	output=$(as alice <<-END
		a CREATE $P/New
		b SELECT $P/New
		c RENAME $P/New $P/Newer
		d LIST "" user/*
		e RENAME $P Mine
		f RENAME $P/Newer user/bob@example.test/Top
		g CREATE user/bob@example.test/Top
		h CREATE user/carol@example.test/x
		i CREATE Shared/x
		j CREATE Shared
		k GETACL $P
	END
	)
	has 'a OK .*' 'b OK .*' 'c OK .*' ".*LIST.* $P/Newer" 'e NO \[CANNOT\].*' 'f NO \[NOPERM\].*' 'g NO \[NOPERM\].*' 'h NO \[NOPERM\].*' \
	    'i NO \[NOPERM\].*' 'j NO \[CANNOT\].*' 'k NO \[NOPERM\].*'
	[ "$(cat "$H/bob/.Proj.Newer/posthouse.acl")" = 'alice@example.test lrkx' ]
	# The next login finds it by its new name, whoever renames it.
	output=$(as bob <<<$'a RENAME Proj Plan\nb GETACL Plan/Newer')
	has 'a OK .*' '\* ACL Plan/Newer .* alice@example.test lrkxc'
	output=$(as alice <<<$'a LIST "" user/*\nb DELETE user/bob@example.test/Plan\nc DELETE user/bob@example.test/Plan/Newer\nd LIST "" user/*')
	has '.*LIST.* user/bob@example.test/Plan/Newer' 'b OK .*' 'c OK .*'
	[ ! -e "$H/bob/.Plan" ]
	hasnot ".*$P.*"
}

@test "a right that is taken away is gone with the next command, and reading ends the session" {
	shares lrst
	local out=$BATS_TEST_TMPDIR/out seen=0 pid
	mkfifo "$BATS_TEST_TMPDIR/in"
	timeout 300 "$BIN/imapd" -C "$CTL" >"$out" <"$BATS_TEST_TMPDIR/in" 2>"$BATS_TEST_TMPDIR/err" &
	pid=$!
	exec 8>"$BATS_TEST_TMPDIR/in"
	since() { tail -n "+$((seen + 1))" "$out"; }
	told() { since | grep -qE "^($1 |\\* BYE).*"$'\r$'; }	# all of the line
	answer() { # TAG COMMAND: what is told up to the tagged line
		seen=$(wc -l <"$out")
		printf '%s %s\r\n' "$1" "$2" >&8
		await 10 told "$1"
		output=$(since | tr -d '\r')
	}
	answer a 'LOGIN alice@example.test pw'
	answer b "SELECT $P"
	answer c 'STORE 1 +FLAGS (\Deleted)'
	has 'c OK .*'
	as bob <<<'a SETACL Proj alice@example.test lrs' >/dev/null
	answer d 'STORE 1 -FLAGS (\Deleted)'
	has '\* OK \[PERMANENTFLAGS \(\\Seen\)\] .*' 'd NO \[NOPERM\].*'
	as bob <<<'a SETACL Proj -alice@example.test s' >/dev/null
	answer e 'STORE 1 -FLAGS (\Seen)'
	has 'e NO \[NOPERM\].*'
	as bob <<<'a DELETEACL Proj alice@example.test' >/dev/null
	answer f 'FETCH 1 BODY[]'
	has '\* BYE \[NOPERM\].*'
	hasnot '.*FETCH.*'
	exec 8>&-
	wait "$pid" || :
}

@test "IDLE over a shared folder tells new mail, and ends when reading is not allowed any more" {
	shares lr
	mkfifo "$BATS_TEST_TMPDIR/in"
	timeout 300 "$BIN/imapd" -C "$CTL" >"$BATS_TEST_TMPDIR/out" <"$BATS_TEST_TMPDIR/in" 2>"$BATS_TEST_TMPDIR/err" &
	local pid=$!
	exec 8>"$BATS_TEST_TMPDIR/in"
	printf 'a LOGIN alice@example.test pw\r\nb SELECT %s\r\nc IDLE\r\n' "$P" >&8
	await 10 grep -q idling "$BATS_TEST_TMPDIR/out"
	# As a delivery does it: whoever looks first numbers it.
	printf 'Subject: x\n\nx\n' >"$H/bob/.Proj/tmp/1795000000.q.host"
	mv "$H/bob/.Proj/tmp/1795000000.q.host" "$H/bob/.Proj/new/"
	await 10 grep -q '3 EXISTS' "$BATS_TEST_TMPDIR/out"
	grep -q '^3 1795000000.q.host' "$H/bob/.Proj/posthouse.uids"
	as bob <<<$'a DELETEACL Proj alice@example.test\nb APPEND Proj {1+}\nx' >/dev/null
	await 10 grep -q 'BYE' "$BATS_TEST_TMPDIR/out"
	exec 8>&-
	wait "$pid" || :
	not grep -q '4 EXISTS' "$BATS_TEST_TMPDIR/out"
}

@test "a list that is broken, half-written, hostile or no file gives nobody a right, and says which line" {
	local bad
	shares lr
	for bad in 'alice@example.test lrq' 'alice@example.test  lr' 'alice@example.test' '-alice@example.test' \
	    $'alice@example.test lr\nalice@example.test lrs' '%zz lr' $'anyone lr\n\x01x lr'; do
		printf '%s\n' "$bad" >"$H/bob/.Proj/posthouse.acl"
		output=$(as alice <<<"a SELECT $P"$'\nb LIST "" *')
		has 'a NO \[NONEXISTENT\].*'
		hasnot ".*$P"
		grep -q "warn .*\.Proj/posthouse.acl:[12]: " "$BATS_TEST_TMPDIR/log"
	done
	printf 'alice@example.test lr' >"$H/bob/.Proj/posthouse.acl"	# no line end
	output=$(as alice <<<"a SELECT $P")
	has 'a NO \[NONEXISTENT\].*'
	output=$(as bob <<<$'a GETACL Proj\nb SETACL Proj carol@example.test l\nc SELECT Proj')
	has 'a NO \[CORRUPTION\].*' 'b NO \[CORRUPTION\].*' 'c OK .*'
	rm "$H/bob/.Proj/posthouse.acl"
	echo 'alice@example.test lr' >"$H/bob/list"
	ln -s ../list "$H/bob/.Proj/posthouse.acl"
	output=$(as alice <<<"a SELECT $P")
	has 'a NO \[NONEXISTENT\].*'
	rm "$H/bob/.Proj/posthouse.acl"
	mkfifo "$H/bob/.Proj/posthouse.acl"
	output=$(as alice <<<"a SELECT $P")
	has 'a NO \[NONEXISTENT\].*'
}

@test "an index that was tampered with, and links in a tree, lead nowhere" {
	shares lr
	mkdir -p "$H/carol/.Secret"/{cur,new,tmp}
	printf 'bob@example.test ../carol/.Secret\nbob@example.test Link\nbob@example.test .\nnobody@example.test x\n- ../bob/.Proj\nbob@example.test\n\n x\n%s\n' \
	    "$(printf 'y%.0s' {1..5000})" >>"$S/for/alice@example.test"
	printf 'x' >>"$S/for/anyone"
	ln -s ../carol/.Secret "$H/bob/.Link"
	echo 'anyone lr' >"$H/carol/.Secret/posthouse.acl"
	output=$(as alice <<<$'a LIST "" *\nb SELECT user/bob@example.test/Link\nc SELECT user/bob@example.test/../carol/.Secret\nd SELECT user/../bob/Proj\ne SELECT user/bob@example.test/Proj')
	[ "$(grep -c '^\* LIST' <<<"$output")" = 4 ]
	has '\* LIST .* INBOX' ".*LIST.* $P" 'b NO .*' 'c NO .*' 'd NO .*' 'e OK .*'
}

@test "half a line at the end of an index, of a write that was cut off, takes no other with it" {
	shares lr
	printf 'bob@example.test Ha' >>"$S/for/alice@example.test"
	as bob <<<$'a CREATE Late\nb SETACL Late alice@example.test lr' >/dev/null
	output=$(as alice <<<'a LIST "" user/*')
	has ".*LIST.* $P" '.*LIST.* user/bob@example.test/Late'
}

# Whoever shares, removes and shares again writes a line each time.
@test "an index that somebody fills hides nothing, and is tidied by who reads it" {
	shares lr
	as bob <<<$'a CREATE First\nb SETACL First anyone lr' >/dev/null
	printf 'carol@example.test Gone%d\n' {1..1500} >>"$S/for/alice@example.test"
	printf 'carol@example.test Gone\n%.0s' {1..1500} >>"$S/for/alice@example.test"
	printf 'carol@example.test Gone%d\n' {1..2500} >>"$S/for/anyone"
	as bob <<<$'a CREATE Late\nb SETACL Late alice@example.test lr\nc CREATE Open\nd SETACL Open anyone lr\ne CREATE Mine' >/dev/null
	output=$(as alice <<<'a LIST "" user/*')
	has ".*LIST.* $P" '.*LIST.* user/bob@example.test/Late' '.*LIST.* user/bob@example.test/Open'
	[ "$(wc -l <"$S/for/alice@example.test")" = 101 ]
	[ "$(grep -c . "$S/for/anyone")" = 102 ]	# as bob has left it, and one
	[ "$(sed -n '1p;$p' "$S/for/alice@example.test")" = $'bob@example.test Proj\nbob@example.test Late' ]
	[ -z "$(ls "$S/tmp")" ]
	# What is right stays, whoever reads it, and once.
	printf 'bob@example.test Open\n%.0s' {1..300} >"$S/for/anyone"
	printf 'carol@example.test Gone%d\n' {1..300} >>"$S/for/anyone"
	output=$(as bob <<<'a LIST "" *')
	[ "$(grep -c Open "$S/for/anyone")" = 1 ]
	# Who tidies at this moment is not disturbed.
	printf 'carol@example.test Gone%d\n' {1..300} >>"$S/for/anyone"
	local before
	before=$(wc -l <"$S/for/anyone")
	mkfifo "$BATS_TEST_TMPDIR/hold"
	python3 -c 'import fcntl, sys
f = open(sys.argv[1], "r+"); fcntl.lockf(f, fcntl.LOCK_EX); print("held", flush=True); sys.stdin.read()' "$S/for/anyone" \
	    <"$BATS_TEST_TMPDIR/hold" >"$BATS_TEST_TMPDIR/held" 3>&- &
	exec 7>"$BATS_TEST_TMPDIR/hold"
	await 10 grep -q held "$BATS_TEST_TMPDIR/held"
	output=$(as alice <<<'a LIST "" user/*' 7>&-)
	exec 7>&-
	wait
	has '.*LIST.* user/bob@example.test/Open'
	[ "$(wc -l <"$S/for/anyone")" = "$before" ]
}

@test "who shares very many mailboxes leaves room for those of others: 250 of one account, 500 in all" {
	shares lr
	share_many() { # ACCOUNT OWNER N: as if so many SETACL had been
		local i
		for i in $(seq "$3"); do
			mkdir -p "$H/$1/.Many$i"/{cur,new,tmp}
			echo 'alice@example.test lr' >"$H/$1/.Many$i/posthouse.acl"
			echo "$2 Many$i"
		done >>"$S/for/alice@example.test"
		[ "$(id -u)" != 0 ] || chown -R 64006 "$H/$1"
	}
	share_many bob bob@example.test 300
	as carol <<<$'a CREATE One\nb SETACL One alice@example.test lr' >/dev/null
	share_many .shared - 400
	output=$(as alice <<<$'a LIST "" user/*\nb LIST "" Shared/*\nc SELECT user/carol@example.test/One')
	[ "$(grep -c '^\* LIST.* user/bob@example.test/[PM]' <<<"$output")" = 250 ]
	[ "$(grep -c '^\* LIST.* Shared/Many' <<<"$output")" = 249 ]
	has ".*LIST.* $P" '.*LIST.* user/carol@example.test/One' 'c OK .*'
}

@test "a name that is nobody's makes no file in the index" {
	output=$(as bob <<-'END'
		a CREATE Proj
		b SETACL Proj nobody@example.test lr
		c SETACL Proj carol@example.test lr
		d RENAME Proj Other
		e GETACL Other
	END
	)
	has 'b OK .*' 'c OK .*' 'd OK .*' '\* ACL Other .* nobody@example.test lr carol@example.test lr'
	[ "$(ls "$S/for")" = carol@example.test ]
}

# forge FILE FROM TO: in records of the cache, with the checksum that fits.
forge() {
	python3 - "$@" <<-'END'
		import struct, sys
		M = (1 << 64) - 1
		def word(h, w):
		    h = (h ^ w) * 0xff51afd7ed558ccd & M
		    return h ^ h >> 32
		def words(b):
		    return [int.from_bytes(b[i:i + 8], "little") for i in range(0, len(b), 8)]
		def total(b):
		    h, lanes, n = 0x9e3779b97f4a7c15 ^ len(b), len(b) // 32 * 32, len(b) // 8 * 8
		    if lanes:
		        four = [h + i & M for i in range(4)]
		        for i, w in enumerate(words(b[:lanes])):
		            four[i % 4] = word(four[i % 4], w)
		        h = four[0]
		        for w in four[1:]:
		            h = word(h, w)
		    for w in words(b[lanes:n]):
		        h = word(h, w)
		    for x in b[n:]:
		        h = (h ^ x) * 0x100000001b3 & M
		    return h ^ h >> 29
		d = open(sys.argv[1], "rb").read()
		old, new = (s.encode().decode("unicode_escape").encode() for s in sys.argv[2:4])
		assert len(old) == len(new)
		at, hits = 64, 0
		out = d[:at]
		while at < len(d):
		    head, (n,), body = d[at:at + 16], struct.unpack("=I", d[at + 12:at + 16]), None
		    body = d[at + 24:at + 24 + n]
		    assert struct.unpack("=Q", d[at + 16:at + 24])[0] == total(head) ^ total(body)
		    hits += body.count(old)
		    body = body.replace(old, new)
		    out += head + struct.pack("=Q", total(head) ^ total(body)) + body
		    at += 24 + n
		assert hits > 0, "nothing forged"
		open(sys.argv[1], "r+b").write(out)
	END
}

@test "what others have put into the cache of a shared folder begins no response of its own" {
	output=$(as bob <<-'END'
		a CREATE Proj
		b APPEND Proj {61+}
		Subject: ABCDEFGHIJKLMNOPQRSTUVWXYZ
		From: <x@example.test>

		x

		c SETACL Proj alice@example.test lr
		d SELECT Proj
		e FETCH 1 (ENVELOPE BODYSTRUCTURE)
	END
	)
	has 'b OK .*' 'e OK .*' '\* 1 FETCH .*ABCDEFGHIJKLMNOPQRSTUVWXYZ.*'
	local honest
	honest=$(grep '^\* 1 FETCH' <<<"$output")
	forge "$H/bob/.Proj/posthouse.cache-parsed" ABCDEFGHIJKLMNOPQRSTUVWXYZ 'ABC")\r\n* BYE go away 34567'
	forge "$H/bob/.Proj/posthouse.cache-parsed" '"text" "plain"' '"text" {2}\r\nP)'
	output=$(as alice <<<"a SELECT $P"$'\nb FETCH 1 ENVELOPE\nc FETCH 1 (ENVELOPE BODYSTRUCTURE)\nd FETCH 1 BODY')
	has 'b OK .*' 'c OK .*' 'd OK .*'
	hasnot '.*BYE go.*'
	[ "$(grep -F "$honest" <<<"$output")" = "$honest" ]
}

@test "the kernel keeps a session out of what was not granted, whatever the program does" {
	need_root
	[ "${BIN##*/san/}" = "$BIN" ] || skip "a sanitized program is not confined"
	need strace strace
	shares lr
	as bob <<<$'a CREATE Other\nb APPEND Other {1+}\nx' >/dev/null
	mkfifo "$BATS_TEST_TMPDIR/in"
	timeout 300 strace -f -qq -e trace=landlock_add_rule,landlock_restrict_self,openat,renameat -o "$BATS_TEST_TMPDIR/trace" \
	    "$BIN/imapd" -C "$CTL" >"$BATS_TEST_TMPDIR/out" <"$BATS_TEST_TMPDIR/in" 2>"$BATS_TEST_TMPDIR/err" &
	local pid=$!
	exec 8>"$BATS_TEST_TMPDIR/in"
	printf 'a LOGIN alice@example.test pw\r\nb STATUS %s (MESSAGES)\r\n' "$P" >&8
	await 10 grep -q '^b OK' "$BATS_TEST_TMPDIR/out"
	# Another folder with the same list takes the place of the one that was granted.
	mv "$H/bob/.Proj" "$H/bob/.Gone"
	mv "$H/bob/.Other" "$H/bob/.Proj"
	cp -p "$H/bob/.Gone/posthouse.acl" "$H/bob/.Proj/"
	printf 'c SELECT %s\r\n' "$P" >&8
	await 10 grep -q $'^c .*\r$' "$BATS_TEST_TMPDIR/out"
	grep -q '^c NO' "$BATS_TEST_TMPDIR/out"
	exec 8>&-
	wait "$pid" || :
	grep -q 'openat(.*posthouse.acl.*EACCES' "$BATS_TEST_TMPDIR/trace"
}

@test "what is copied belongs to its new owner; from a mailbox that may only be read it is another file" {
	local inode
	need_root
	[ "${BIN##*/san/}" = "$BIN" ] || skip "a sanitized program is not confined"
	shares lr
	output=$(as alice <<<"a SELECT $P
b COPY 1 INBOX")
	has 'b OK .*'
	inode=$(stat -c %i "$H"/bob/.Proj/*/*:2,S)
	[ "$(stat -c '%U %G %a %h' "$H"/alice/cur/*:2,S)" = "$(stat -c '%U %G' "$H/alice") 600 1" ]
	[ "$(stat -c %i "$H"/alice/cur/*:2,S)" != "$inode" ]
	cmp "$H"/alice/cur/*:2,S "$H"/bob/.Proj/*/*:2,S
	# Who may change the mailbox gets a name of the same file, and whatever he does with it changes no byte.
	output=$(as bob <<<"a SETACL Proj carol@example.test lrswite")
	output=$(as carol <<<"a SELECT $P
b COPY 1 INBOX
c SELECT INBOX
d STORE 1 +FLAGS (\\Flagged \$Mine)
e UID REPLACE 1 INBOX {5+}
new

f EXPUNGE")
	has 'b OK .*' 'd OK .*' 'e OK .*'
	[ "$(stat -c '%i %h' "$H"/bob/.Proj/*/*:2,S)" = "$inode 1" ]
	[ "$(tr -d '\r\n' <"$(echo "$H"/bob/.Proj/*/*:2,S)")" = one ]
}

@test "a reader numbers new mail also where the list of UIDs would be written anew, and writes nothing else" {
	local i before
	shares lr
	for ((i = 0; i < 3000; i++)); do echo "f $((1700000000000 + i)) - 1:2"; done >>"$H/bob/.Proj/posthouse.uids"
	for i in 1 2; do
		printf 'Subject: x\n\nx\n' >"$H/bob/.Proj/new/179500000$i.q.host"
		before=$(ls -i "$H/bob/.Proj/posthouse.uids")
		output=$(as alice <<<"a SELECT $P
b UID FETCH 1:* BODY.PEEK[TEXT]
c STORE 1 +FLAGS (\\Seen)")
		has "\* $((2 + i)) EXISTS" 'b OK .*' 'c NO .*'
		grep -q "^$((2 + i)) 179500000$i.q.host" "$H/bob/.Proj/posthouse.uids"
		if [ "$(id -u)" = 0 ] && [ "${BIN##*/san/}" = "$BIN" ]; then [ "$(ls -i "$H/bob/.Proj/posthouse.uids")" = "$before" ]; fi
	done
	output=$(as bob <<<$'a SELECT Proj\nb STORE 1:4 +FLAGS.SILENT (\\Flagged)')
	has '\* 4 EXISTS' 'b OK .*'
	output=$(as alice <<<"a SELECT $P")
	has '\* 4 EXISTS'
}

@test "annotations, quota, special uses and REPLACE in a mailbox of others" {
	shares lrswite
	as bob <<<$'a SETMETADATA Proj (/private/comment "mine" /shared/comment "ours" /private/specialuse "\\\\Archive")' >/dev/null
	output=$(as alice <<-END
		a GETMETADATA $P (/private/comment /shared/comment)
		b SETMETADATA $P (/private/comment "x")
		c SETMETADATA $P (/shared/comment "all")
		d LIST "" user/%/% RETURN (SPECIAL-USE METADATA (/shared/comment))
		e GETQUOTAROOT $P
		f SELECT $P
		g REPLACE 1 $P (\Seen) {3+}
		new
		h APPEND INBOX CATENATE (URL "/$P;UID=2")
		i SELECT INBOX
		j MOVE 1 $P
	END
	)
	has "\* METADATA $P \(/private/comment NIL /shared/comment \"ours\"\)" 'b NO \[METADATA NOPRIVATE\].*' 'c OK .*' \
	    "\* LIST \(\\\\HasNoChildren\) \"/\" $P" "\* METADATA $P \(/shared/comment \"all\"\)" "\* QUOTAROOT $P" 'e OK .*' 'g OK .*' 'h OK .*' 'j OK .*'
	as bob <<<'a SETACL Proj alice@example.test lr' >/dev/null
	output=$(as alice <<-END
		a SETMETADATA $P (/shared/comment "x")
		b APPEND INBOX CATENATE (URL "/user/bob@example.test/None;UID=1")
	END
	)
	has 'a NO \[NOPERM\].*' 'b NO \[BADURL.*'
	output=$(as bob <<<$'a GETMETADATA Proj (/shared/comment)\nb STATUS Proj (MESSAGES)')
	has '\* METADATA Proj \(/shared/comment "all"\)' '\* STATUS Proj \(MESSAGES 3\)'
}

@test "shared folders that belong to nobody: the administrator's rights, and whom he lets give them" {
	local POSTHOUSE=$CTL
	export POSTHOUSE
	"$BIN/posthouse" acl create Shared/Team
	"$BIN/posthouse" acl set Shared/Team anyone lrp
	"$BIN/posthouse" acl set Shared/Team alice@example.test lrswipkxtea
	output=$(as alice <<<$'a LIST "" Shared/%\nb APPEND Shared/Team {1+}\nx\nc CREATE Shared/Team/Sub\nd SETACL Shared/Team/Sub bob@example.test lrswi\ne GETACL Shared/Team\nf LISTRIGHTS Shared/Team bob@example.test')
	has '.*LIST.* Shared/Team' 'b OK .*' 'c OK .*' 'd OK .*' '\* ACL Shared/Team anyone lrp alice@example.test lrswipkxteacd' \
	    '\* LISTRIGHTS Shared/Team bob@example.test "" l r s w i p k x t e a c d'
	output=$(as bob <<<$'a LIST "" Shared/*\nb SELECT Shared/Team\nc APPEND Shared/Team/Sub {1+}\nx\nd SETACL Shared/Team bob@example.test a\ne DELETE Shared/Team')
	has '.*LIST.* Shared/Team' '.*LIST.* Shared/Team/Sub' '\* 1 EXISTS' 'b OK \[READ-ONLY\].*' 'c OK .*' 'd NO \[NOPERM\].*' 'e NO \[NOPERM\].*'
	output=$(as alice <<<$'a DELETE Shared/Team/Sub\nb RENAME Shared/Team Shared/Other\nc DELETE Shared/Team')
	has 'a OK .*' 'b NO \[NOPERM\].*' 'c OK .*'
	[ ! -e "$S/.Team" ]
	output=$(as bob <<<'a LIST "" *')
	hasnot '.*Shared.*'
}

@test "an own mailbox called Shared or user is not lost; sharing can be turned off" {
	mkdir -p "$H/alice"/{cur,new,tmp} "$H/alice/.Shared.Photos"/{cur,new,tmp}
	[ "$(id -u)" != 0 ] || chown -R 64006:64006 "$H/alice"
	output=$(as alice <<<$'a LIST "" *\nb SELECT Shared/Photos\nc MYRIGHTS Shared/Photos')
	has '.*LIST.* Shared/Photos' 'b OK \[READ-WRITE\].*' '\* MYRIGHTS Shared/Photos lrswipkxteacd'
	shares lr
	echo 'shared-folders none' >>"$CTL/settings"
	output=$(as alice <<<"a NAMESPACE
b SELECT $P
c CREATE Shared/Mine")
	has '\* NAMESPACE \(\("" "/"\)\) NIL NIL' 'b NO .*' 'c OK .*'
}

@test "NOTIFY tells of a folder of another account, and of none that may not be read" {
	shares lr
	as bob <<<$'a CREATE Seen\nb SETACL Seen alice@example.test l' >/dev/null
	mkfifo "$BATS_TEST_TMPDIR/in"
	timeout 300 "$BIN/imapd" -C "$CTL" >"$BATS_TEST_TMPDIR/out" <"$BATS_TEST_TMPDIR/in" 2>"$BATS_TEST_TMPDIR/err" &
	local pid=$!
	exec 8>"$BATS_TEST_TMPDIR/in"
	printf 'a LOGIN alice@example.test pw\r\nb NOTIFY SET (subtree user (MessageNew MessageExpunge))\r\nc IDLE\r\n' >&8
	await 10 grep -q idling "$BATS_TEST_TMPDIR/out"
	as bob <<<$'a APPEND Seen {1+}\nx\nb APPEND Proj {1+}\nx' >/dev/null
	await 10 grep -q "STATUS $P (MESSAGES 3" "$BATS_TEST_TMPDIR/out"
	exec 8>&-
	wait "$pid" || :
	not grep -q 'STATUS user/bob@example.test/Seen' "$BATS_TEST_TMPDIR/out"
}

@test "NOTIFY: a mailbox that may not be read is \\NoAccess, and is told of again when it may be (RFC 5465 sections 3.1 and 5.9)" {
	local out=$BATS_TEST_TMPDIR/out set
	shares l
	set="NOTIFY SET STATUS (mailboxes $P (MessageNew MessageExpunge)) (personal (MessageNew MessageExpunge))"
	output=$(as alice <<<"a $set")
	has '\* LIST \(\\NoAccess\) "/" '"$P" '\* STATUS INBOX .*' 'a OK .*'
	hasnot "\\* STATUS $P .*"
	as bob <<<'a SETACL Proj alice@example.test lr' | grep -q '^a OK'
	mkfifo "$BATS_TEST_TMPDIR/in"
	timeout 300 "$BIN/imapd" -C "$CTL" >"$out" <"$BATS_TEST_TMPDIR/in" 2>"$BATS_TEST_TMPDIR/err" &
	local pid=$!
	exec 7>"$BATS_TEST_TMPDIR/in"
	printf 'l LOGIN alice@example.test pw\r\na %s\r\n' "$set" >&7
	await 10 grep -qF "* STATUS $P (MESSAGES 2 " "$out" || { cat "$out"; false; }
	await 10 grep -q '^a OK' "$out"
	as bob <<<$'a APPEND Proj {5+}\nthree\n' | grep -q '^a OK'
	await 10 grep -qF "* STATUS $P (MESSAGES 3 " "$out"
	as bob <<<'a SETACL Proj alice@example.test l' | grep -q '^a OK'
	await 10 grep -qF '* LIST (\NoAccess) "/" '"$P" "$out"
	as bob <<<$'a APPEND Proj {4+}\nfour\n' | grep -q '^a OK'
	as bob <<<'a SETACL Proj alice@example.test lr' | grep -q '^a OK'
	await 10 grep -qF '* LIST () "/" '"$P" "$out"
	await 10 grep -qF "* STATUS $P (MESSAGES 4 " "$out"
	exec 7>&-
	wait "$pid" || :
	[ "$(grep -oE 'MESSAGES 4|LIST \(\)' "$out" | head -n 1)" = 'LIST ()' ]
}
