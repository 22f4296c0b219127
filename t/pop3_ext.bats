# pop3_ext.bats: extensions of POP3 (LANG, UTF8, LOGIN-DELAY, EXPIRE), hiding, and maildrops taken over from other servers.
# shellcheck shell=bash disable=SC2154

load helper

setup() {
	D=$(private_dir)
	M=$D/mail/a
	C=$D/control
	bare_control "$D"
	echo 'alice@example.test:a:::' >"$C/users"
	echo 'alice@example.test:{PLAIN}secret' >"$C/passwords"
	chmod 600 "$C/passwords"
	mkdir -p "$M"/{cur,new,tmp}
	chmod 711 "$D/mail"
	owned
}

teardown() {
	[ -n "${BATS_TEST_COMPLETED-}" ] || tail -n 20 "$D/log" >&2 2>/dev/null || :
	[ -z "${PID-}" ] || end "$PID"
	rm -rf "$D"
}

certificate() {
	need openssl openssl
	mkdir -p "$C/tls"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$C/tls/key.pem" -out "$C/tls/cert.pem" \
	    -days 2 -subj /CN=localhost 2>/dev/null
}
owned() { [ "$(id -u)" != 0 ] || chown -R 64006:64006 "$M"; }
message() { printf '%b' "$2" >"$M/$1" && owned; }
lines() { printf '%s\r\n' "$@"; }
# session LINES...: without login; drop LINES...: with it, and only what comes behind it.
session() { lines "$@" | "$BIN/pop3d" -C "$C" 2>"$D/log" | tr -d '\r'; }
drop() { session 'USER alice@example.test' 'PASS secret' "$@" | sed 1,2d; }

is() { # is WHAT WANTED GOT
	[ "$2" = "$3" ] || {
		printf '%s: wanted\n%s\ngot\n%s\n' "$1" "$2" "$3"
		return 1
	}
}

@test "LANG: the list, one language, any, none that there is" {
	is lang $'+OK POP3 ready\n+OK Languages\nen English\n.\n+OK en English it is\n+OK en English it is\n+OK en English it is\n-ERR No such language; there is en\n-ERR No such language; there is en\n+OK Bye' \
	    "$(session LANG 'LANG en' 'lang *' 'LANG EN-gb' 'LANG eng' 'LANG MUL' QUIT)"
	is after $'+OK 0 messages\n+OK en English it is\n+OK Bye' "$(drop 'LANG en' QUIT)"
}

@test "capabilities follow the settings" {
	session CAPA QUIT | grep -qx 'EXPIRE NEVER'
	not grep -q LOGIN-DELAY <(session CAPA QUIT)
	printf 'pop3-expire 30d\npop3-login-delay 10m\n' >>"$C/settings"
	session CAPA QUIT | grep -qx 'EXPIRE 30'
	drop CAPA QUIT | grep -qx 'LOGIN-DELAY 600'
	echo 'pop3-keep no' >>"$C/settings"
	session CAPA QUIT | grep -qx 'EXPIRE 0'
}

@test "APOP: where it is on, for a password that is kept as it is; after STLS too" {
	need python3 python3
	is off $'+OK POP3 ready\n-ERR Unknown command\n+OK Bye' "$(session 'APOP alice@example.test 00' QUIT)"
	printf 'apop yes\nlogin-failure-pause 0\n' >>"$C/settings"
	hash=$("$BIN/posthouse" hash <<<secret)
	printf 'bob@example.test:b\n' >>"$C/users"
	printf 'bob@example.test:%s\n' "$hash" >>"$C/passwords"
	certificate
	"$BIN/pop3d" -C "$C" -l 127.0.0.1:0 2>"$D/log" 3>&- &
	PID=$!
	listening "$PID" "$D/log"
	python3 - "$port" <<-'PY'
	import hashlib, poplib, re, ssl, sys
	def connect(tls=False):
	    p = poplib.POP3("localhost", int(sys.argv[1]), timeout=120)
	    if tls:
	        c = ssl.create_default_context()
	        c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
	        p.stls(context=c)
	    return p
	def refused(f, *args):
	    try:
	        f(*args)
	    except poplib.error_proto as e:
	        return e.args[0].decode()
	    sys.exit("let in: %r" % (args,))
	stamps = set()
	for tls in (False, True):
	    p = connect(tls)
	    stamp = re.search(rb"<[^<>@ ]+@[^<>@ ]+>", p.getwelcome()).group()
	    stamps.add(stamp)
	    assert "Wrong name" in refused(p.apop, "alice@example.test", "wrong")
	    assert "Wrong name" in refused(p.apop, "bob@example.test", "secret")
	    assert "Wrong name" in refused(p.apop, "eve@example.test", "secret")
	    digest = hashlib.md5(stamp + b"secret").hexdigest()
	    for bad in ("", "alice@example.test", "alice@example.test " + digest.upper(), "alice@example.test " + digest[:-1],
	                "alice@example.test " + digest + " x"):
	        assert "Wrong arguments" in refused(p._shortcmd, "APOP " + bad), bad
	    assert p.apop("alice@example.test", "secret").startswith(b"+OK")
	    assert p.stat()[0] == 0
	    p.quit()
	assert len(stamps) == 2
	PY
}

@test "SASL: what is offered, and logging in by LOGIN" {
	session CAPA QUIT | grep -qx 'SASL SCRAM-SHA-256 PLAIN LOGIN'
	is login $'+OK POP3 ready\n+ VXNlcm5hbWU6\n+ UGFzc3dvcmQ6\n+OK 0 messages\n+OK Bye' \
	    "$(session 'AUTH LOGIN' "$(printf alice@example.test | base64)" "$(printf secret | base64)" QUIT)"
	is list $'+OK Mechanisms\nSCRAM-SHA-256\nPLAIN\nLOGIN\n.' "$(session 'AUTH ' QUIT | sed '1d;$d')"
}

@test "LOGIN-DELAY: a second login too early is refused, and later is not" {
	echo 'pop3-login-delay 5m' >>"$C/settings"
	export POSTHOUSE_CLOCK=@1800000000
	is first $'+OK 0 messages\n+OK Bye' "$(drop QUIT)"
	POSTHOUSE_CLOCK=@1800000299
	is early '-ERR [LOGIN-DELAY] The last login was a moment ago, try later' "$(drop QUIT)"
	POSTHOUSE_CLOCK=@1800000300
	is late $'+OK 0 messages\n+OK Bye' "$(drop QUIT)"
	POSTHOUSE_CLOCK=@1700000000	# a clock that was set back locks nobody out
	is back $'+OK 0 messages\n+OK Bye' "$(drop QUIT)"
}

@test "pop3-keep no: what was retrieved is removed at QUIT, and only then" {
	echo 'pop3-keep no' >>"$C/settings"
	message new/1.a 'A: b\n\nx\n'
	message new/2.b 'A: b\n\nx\n'
	drop 'RETR 1' 'TOP 2 0' >/dev/null
	[ "$(messages "$M")" = 2 ]
	drop 'RETR 1' 'TOP 2 0' QUIT >/dev/null
	[ "$(messages "$M")" = 1 ]
	[ -e "$M/new/2.b" ]
}

@test "pop3-expire: what is old is removed at QUIT, whatever its name says" {
	echo 'pop3-expire 10d' >>"$C/settings"
	export POSTHOUSE_CLOCK=@1800000000
	message new/1799999999.a 'A: b\n\nx\n'		# new by its name
	message new/1700000000.b 'A: b\n\nx\n'		# old by both
	message new/1700000001.c 'A: b\n\nx\n'		# new by its time: moved here
	message new/d 'A: b\n\nx\n'			# old
	touch -d @1700000000 "$M/new/1799999999.a" "$M/new/1700000000.b" "$M/new/d"
	touch -d @1799999000 "$M/new/1700000001.c"
	drop STAT >/dev/null
	[ "$(messages "$M")" = 4 ]
	drop QUIT >/dev/null
	is left $'1700000001.c\n1799999999.a' "$(ls "$M/new")"
}

@test "pop3-delete hide: gone for POP3, there for others; the file tells" {
	echo 'pop3-delete hide' >>"$C/settings"
	export POSTHOUSE_CLOCK=@1800000000
	message new/1.a 'A: b\n\nx\n'
	message new/2.b 'A: b\n\nx\n'
	message new/3.c 'A: b\n\nx\n'
	drop 'DELE 2' >/dev/null
	[ ! -e "$M/posthouse.hidden" ]
	drop 'DELE 2' QUIT >/dev/null
	[ "$(messages "$M")" = 3 ]
	is file $'posthouse-hidden 1\n1800000000 2.b' "$(cat "$M/posthouse.hidden")"
	is uidl $'+OK 2 messages\n+OK\n1 1.a\n2 3.c\n.\n+OK 2 22\n+OK Bye' "$(drop UIDL STAT QUIT)"
	mv "$M/new/2.b" "$M/cur/2.b:2,S"
	drop 'DELE 1' QUIT >/dev/null
	is both $'+OK 1 messages\n+OK\n1 3.c\n.\n+OK Bye' "$(drop UIDL QUIT)"
	# A writer that died in the middle of its line: the line counts for nothing and is cut.
	printf '1800000000 3.' >>"$M/posthouse.hidden"
	is cut $'+OK 1 messages\n+OK Marked for deletion at QUIT\n+OK Bye' "$(drop 'DELE 1' QUIT)"
	is file $'posthouse-hidden 1\n1800000000 2.b\n1800000000 1.a\n1800000000 3.c' "$(cat "$M/posthouse.hidden")"
	is none $'+OK 0 messages\n+OK Bye' "$(drop QUIT)"
	echo 'something else' >"$M/posthouse.hidden"
	is other '-ERR [SYS/TEMP] Cannot open the maildrop' "$(drop QUIT)"
}

@test "what POP3 removes is taken off the quota's usage" {
	message new/1.a 'A: b\n\nx\n'
	message new/2.b 'A: b\n\nx\n'
	drop 'DELE 1' QUIT >/dev/null
	[ ! -e "$M/maildirsize" ]
	message new/1.a 'A: b\n\nx\n'
	printf '1000S,10C\n16 2\n' >"$M/maildirsize"
	owned
	drop 'DELE 1' QUIT >/dev/null
	[ "$(awk 'NR > 1 { b += $1; n += $2 } END { print b, n }' "$M/maildirsize")" = "8 1" ]
}

@test "posthouse.hidden forgets messages that are gone" {
	echo 'pop3-delete hide' >>"$C/settings"
	message new/1.a 'A: b\n\nx\n'
	message new/2.b 'A: b\n\nx\n'
	{ echo 'posthouse-hidden 1'; seq -f '1700000000 gone.%.0f' 1 600; echo '1700000001 2.b'; } >"$M/posthouse.hidden"
	owned
	is login $'+OK 1 messages\n+OK\n1 1.a\n.\n+OK Marked for deletion at QUIT\n+OK Bye' "$(drop UIDL 'DELE 1' QUIT)"
	is shrunk $'posthouse-hidden 1\n1700000001 2.b' "$(head -n 2 "$M/posthouse.hidden")"
	[ "$(wc -l <"$M/posthouse.hidden")" = 3 ]
	is none $'+OK 0 messages\n+OK Bye' "$(drop QUIT)"
}

@test "UIDLs of Dovecot: its own words, its format, and names of our own for what is new" {
	message 'cur/1700000001.M1.h,S=9,W=12:2,S' 'A: b\n\nx\n'
	message 'cur/1700000002.M2.h:2,' 'A: b\n\nx\n'
	message 'new/1700000003.M3.h' 'A: b\n\nx\n'
	message 'new/1700000009.new' 'A: b\n\nx\n'
	cat >"$M/dovecot-uidlist" <<-'END'
	3 V1500000000 N12 G0123456789abcdef0123456789abcdef
	9 W12 :1700000001.M1.h,S=9,W=12
	10 Psaid-so G77 :1700000002.M2.h
	11 P :1700000003.M3.h
	END
	owned
	want=$'+OK 4 messages\n+OK\n1 0000000959682f00\n2 said-so\n3 1700000003.M3.h\n4 1700000009.new\n.\n+OK Bye'
	is dovecot "$want" "$(drop UIDL QUIT)"
	# Kept in text, whatever becomes of the list, the setting and the file's flags.
	rm "$M/dovecot-uidlist"
	echo 'dovecot-uidl %v.%u' >>"$C/settings"
	mv "$M/cur/1700000002.M2.h:2," "$M/cur/1700000002.M2.h:2,FS"
	is kept "$want" "$(drop UIDL QUIT)"
	is file $'posthouse-uidl 1\n0000000959682f00 1700000001.M1.h' "$(head -n 2 "$M/posthouse.uidl")"
}

@test "UIDLs of Dovecot in other formats" {
	local format want
	message 'cur/1700000001.M1.h,S=9:2,S' 'A: b\n\nx\n'
	while read -r format want; do
		rm -f "$M/posthouse.uidl"
		printf '1 1500000000 10\n9 1700000001.M1.h,S=9\n' >"$M/dovecot-uidlist"
		owned
		sed -i '/^dovecot-uidl/d' "$C/settings"
		echo "dovecot-uidl $format" >>"$C/settings"
		is "$format" "1 $want" "$(drop UIDL QUIT | sed -n 3p)"
	done <<-'END'
	%v.%u 1500000000.9
	%v-%u 1500000000-9
	%u 9
	UID%u-%v UID9-1500000000
	%08Xv%08Xu 59682f0000000009
	%f 1700000001.M1.h,S=9
	%g 1700000001.M1.h,S=9
	END
	for format in '%v' '%' '%m' 'x' '%99u' '%8f' '%u %v'; do
		sed -i '/^dovecot-uidl/d' "$C/settings"
		echo "dovecot-uidl $format" >>"$C/settings"
		run "$BIN/pop3d" -C "$C" -n
		[ "$status" = 78 ]
		grep -q 'dovecot-uidl.*pop3_uidl_format' <<<"$output"
	done
}

@test "UIDLs of Courier, by all versions of its list" {
	message 'cur/1.a,S=9:2,S' 'A: b\n\nx\n'
	message 'cur/2.b:2,' 'A: b\n\nx\n'
	printf '/3 8 1500000000\n1.a,S=9:2,S 12 5:1500000000:0\n2.b 12 7:1400000000:1\n' >"$M/courierpop3dsizelist"
	owned
	is v3 $'1 UID5-1500000000\n2 UID7-1400000000' "$(drop UIDL QUIT | sed -n 3,4p)"
	rm "$M/posthouse.uidl"
	printf '/2 8 1500000000\n1.a,S=9:2,S 12 5:0\n2.b 12 0:0\n' >"$M/courierpop3dsizelist"
	is v2 $'1 UID5\n2 2.b' "$(drop UIDL QUIT | sed -n 3,4p)"
	rm "$M/posthouse.uidl"
	printf '/1 8\n1.a,S=9:2,S 12 5\nbroken\n2.b 12 x\n' >"$M/courierpop3dsizelist"
	is v1 $'1 UID5\n2 2.b' "$(drop UIDL QUIT | sed -n 3,4p)"
	rm "$M/posthouse.uidl"
	printf '1.a,S=9:2,S 12\n2.b 12\n' >"$M/courierpop3dsizelist"
	is v0 $'1 1.a,S=9\n2 2.b' "$(drop UIDL QUIT | sed -n 3,4p)"
	# A list to come is not guessed at.
	rm "$M/posthouse.uidl"
	printf '/4 8 1\n1.a,S=9:2,S 12 5:1\n' >"$M/courierpop3dsizelist"
	is v4 $'1 1.a\n2 2.b' "$(drop UIDL QUIT | sed -n 3,4p)"
}

@test "X-UIDL: taken where the setting says so" {
	message new/1.a 'X-UIDL: qpopper-1\nA: b\n\nx\n'
	message new/2.b 'A: b\n\nX-UIDL: no\n'
	message new/3.c 'X-UIDL: two words\n\nx\n'
	is off $'1 1.a\n2 2.b\n3 3.c' "$(drop UIDL QUIT | sed -n 3,5p)"
	echo 'reuse-x-uidl yes' >>"$C/settings"
	is on $'1 qpopper-1\n2 2.b\n3 3.c' "$(drop UIDL QUIT | sed -n 3,5p)"
	sed -i d "$M/new/1.a"
	is kept '1 qpopper-1' "$(drop UIDL QUIT | sed -n 3p)"
}

@test "UTF8: a header of UTF-8 goes as it is to who asked, else in the form of RFC 6858" {
	message new/1.a 'From: "Bj\xc3\xb6rn" <bjorn@example.org>\nTo: \xe7\x94\xa8@example.test, Bob <bob@m\xc3\xbcller.example>\nSubject: gr\xc3\xbc\xc3\x9fe an alle\nX-Note: \xc3\xa9\nX-Plain: yes\nContent-Type: text/plain; charset=utf-8; name="\xc3\xa9.txt"\n\ngr\xc3\xbc\xc3\x9fe\n'
	message new/2.b 'Subject: gr\xfc\xdfe\n\nLatin-1 of old\n'
	lines UTF8 'USER alice@example.test' 'PASS secret' 'RETR 1' QUIT | "$BIN/pop3d" -C "$C" 2>"$D/log" | tr -d '\r' >"$D/utf8"
	sed '1,/octets/d;/^\.$/,$d' "$D/utf8" | cmp - "$M/new/1.a"
	grep -qx '+OK UTF8 enabled' "$D/utf8"
	drop 'RETR 1' QUIT | sed '1,2d;/^\.$/,$d' >"$D/ascii"
	cat >"$D/want" <<-'END'
	From: =?UTF-8?B?QmrDtnJu?= <bjorn@example.org>
	To: =?UTF-8?B?55SoQGV4YW1wbGUudGVzdA==?= <invalid@internationalized-address.invalid>,
	 "Bob" <bob@xn--mller-kva.example>
	Subject: =?UTF-8?B?Z3LDvMOfZQ==?= an alle
	X-Plain: yes
	Content-Type: text/plain;
	 charset="utf-8"

	grüße
	END
	diff "$D/want" "$D/ascii"
	# TOP too, whose lines are those of this form.
	drop 'TOP 1 0' QUIT | sed '1,2d;/^\.$/,$d' | diff <(sed '/^$/q' "$D/want") -
	# What is in no known charset is older than UTF8 and goes as it always did.
	drop 'RETR 2' QUIT | sed '1,2d;/^\.$/,$d' | cmp - "$M/new/2.b"
}

@test "UTF8: a header that is too long for another form is refused with [UTF8]" {
	{
		printf 'Subject: gr\303\274\303\237e\n'
		for ((i = 0; i < 20000; i++)); do printf 'X-Long-%d: %060d\n' "$i" 0; done
		printf '\nx\n'
	} >"$M/new/1.a"
	message new/2.b 'A: b\n\nx\n'
	is refused $'-ERR [UTF8] This message needs the command UTF8 before login\n+OK 11 octets\nA: b\n\nx\n.\n+OK Bye' \
	    "$(drop 'RETR 1' 'RETR 2' QUIT | sed 1d)"
	[ "$(lines UTF8 'USER alice@example.test' 'PASS secret' 'RETR 1' QUIT | "$BIN/pop3d" -C "$C" 2>"$D/log" | wc -l)" = 20010 ]
}

@test "UTF8 is for before login, and STLS for before UTF8" {
	is late $'+OK 0 messages\n-ERR Logged in already\n+OK Bye' "$(drop UTF8 QUIT)"
	certificate
	is stls $'+OK POP3 ready\n+OK UTF8 enabled\n-ERR STLS comes before UTF8\n+OK Bye' "$(session UTF8 STLS QUIT)"
}

@test "a client that is gone without a word is noticed: the connection has keepalive" {
	"$BIN/pop3d" -C "$C" -l 127.0.0.1:0 2>"$D/log" 3>&- &
	PID=$!
	listening "$PID" "$D/log"
	exec 7<>"/dev/tcp/127.0.0.1/$port"
	read -r -t 60 line <&7
	[[ $line == '+OK POP3 ready'* ]]
	# The server's end, established, with the timer of keepalive (2) running.
	armed() { awk -v port=":$(printf %04X "$port")" '$2 ~ port "$" && $4 == "01" && $6 ~ /^02:/ { n++ } END { exit n != 1 }' /proc/net/tcp; }
	await 5 armed
	exec 7>&-
}

@test "a connection that is lost at any byte deletes nothing; the last byte of QUIT deletes" {
	printf 'DELE 1\r\nRETR 2\r\nDELE 2\r\nTOP 1 1\r\nLIST\r\nQUIT\r\n' >"$D/lines"
	message new/1.a 'A: b\n\nx\n'
	message new/2.b 'A: b\n\nx\n'
	size=$(stat -c %s "$D/lines")
	for ((n = 0; n < size; n++)); do
		head -c "$n" "$D/lines" | "$BIN/pop3d" "$M" >/dev/null 2>"$D/log" || :
		[ "$(messages "$M")" = 2 ] || { echo "deleted after $n bytes"; return 1; }
	done
	"$BIN/pop3d" "$M" <"$D/lines" >/dev/null 2>"$D/log"
	[ "$(messages "$M")" = 0 ]
}

# killed N KIND: a session over three messages, killed at the N-th stop at a system call.
killed() {
	printf 'A: b\n\nx\n' | tee "$M/new/1.a" "$M/new/2.b" "$M/cur/3.c:2,S" >/dev/null
	"$BIN/../t/killat" "$1" "$BIN/pop3d" "$M" <"$D/$2" >"$D/out" 2>"$D/log" 3>"$D/killat"
}

@test "killed at system calls: nothing is deleted before QUIT, and no message is half" {
	[ -z "${SANITIZED-}" ] || skip "the same calls"
	[ -x "$BIN/../t/killat" ] || skip "NOT TESTED: no killat (make tests)"
	printf 'DELE 1\r\nNOOP\r\n' >"$D/noquit"
	printf 'DELE 1\r\nDELE 2\r\nQUIT\r\n' >"$D/quit"
	for kind in noquit quit; do
		killed 1000000 "$kind" || :	# the first makes files of its own
		killed 1000000 "$kind" || :
		last=$(sed -n 's/^ended after \([0-9]*\) stops.*/\1/p' "$D/killat")
		[ "$last" -gt 200 ]
		# All of the end, where QUIT is, and some of what comes before.  How many calls there are depends a little on the clock: what
		# is new is looked at again.
		kills=0
		for n in $(seq 1 29 $((last - 60))) $(seq $((last - 60)) "$last"); do
			killed "$n" "$kind" || :
			[ "$(head -c 6 "$D/killat")" != killed ] || kills=$((kills + 1))
			[ -e "$M/cur/3.c:2,S" ]
			[ "$kind" = quit ] || [ "$(messages "$M")" = 3 ]
			[ -z "$(find "$M/new" "$M/cur" -type f ! -size 8c)" ]
			if grep -q '^.OK Bye' "$D/out"; then [ "$(messages "$M")" = 1 ]; fi
		done
		[ "$kills" -ge 40 ]
	done
}
