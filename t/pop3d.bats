# pop3d.bats: the whole protocol over pipes; the properties of a maildrop: snapshot, lock, deletion at QUIT alone.
# shellcheck shell=bash disable=SC2154

load helper

setup() {
	D=$(private_dir)
	M=$D/mail/example.test/alice
	bare_control "$D"
	echo 'alice@example.test:example.test/alice:::' >"$D/control/users"
	echo 'alice@example.test:{PLAIN}secret word' >"$D/control/passwords"
	chmod 600 "$D/control/passwords"
	mkdir -p "$M"/{cur,new,tmp}
	chmod 711 "$D/mail" "$D/mail/example.test"
	[ "$(id -u)" != 0 ] || chown -R 64006:64006 "$D/mail/example.test"
	C=$D/control
}

teardown() {
	[ -n "${BATS_TEST_COMPLETED-}" ] || tail -n 20 "$D/log" >&2 2>/dev/null || :
	[ -z "${PID-}" ] || end "$PID"
	[ -z "${CLIENT-}" ] || end "$CLIENT"
	rm -rf "$D"
}

# message NAME TEXT: a file in the Maildir, owned as mail is.
message() {
	printf '%b' "$2" >"$M/$1"
	[ "$(id -u)" != 0 ] || chown -R 64006:64006 "$D/mail/example.test"
}

# lines...: as CRLF lines.
lines() { printf '%s\r\n' "$@"; }

# drop LINES...: a session over the Maildir itself; the reply without CRs.
drop() { lines "$@" | "$BIN/pop3d" "$M" 2>"$D/log" | tr -d '\r'; }

# login LINES...: the same through the whole chain.
login() {
	lines 'USER alice@example.test' 'PASS secret word' "$@" | "$BIN/pop3d" -C "$C" 2>"$D/log" | tr -d '\r'
}

is() { # is WHAT WANTED GOT
	[ "$2" = "$3" ] || {
		printf '%s: wanted\n%s\ngot\n%s\n' "$1" "$2" "$3"
		return 1
	}
}

@test "a maildrop: STAT LIST UIDL RETR TOP DELE RSET NOOP" {
	message new/1.a 'Subject: a\n\n.dot\nx\n..\n'
	message 'cur/2.b,S=20,W=26:2,S' 'Subject: b\n\n1\n2\n3\n4\n'
	is stat $'+OK 2 messages\n+OK 2 53\n+OK Bye' "$(drop STAT QUIT)"
	is list $'+OK 2 messages\n+OK\n1 27\n2 26\n.\n+OK 2 26\n+OK Bye' "$(drop LIST 'LIST 2' QUIT)"
	is uidl $'+OK 2 messages\n+OK\n1 1.a\n2 2.b\n.\n+OK 1 1.a\n+OK Bye' "$(drop UIDL 'UIDL 1' QUIT)"
	is retr $'+OK 2 messages\n+OK 27 octets\nSubject: a\n\n..dot\nx\n...\n.\n+OK Bye' "$(drop 'RETR 1' QUIT)"
	is top $'+OK 2 messages\n+OK Top follows\nSubject: b\n\n1\n2\n.\n+OK Top follows\nSubject: b\n\n.\n+OK Bye' \
	    "$(drop 'TOP 2 2' 'top 2 0' QUIT)"
	is rset $'+OK 2 messages\n+OK Marked for deletion at QUIT\n+OK 1 26\n-ERR Message is marked for deletion\n+OK\n+OK 2 53\n+OK\n+OK Bye' \
	    "$(drop 'DELE 1' STAT 'LIST 1' RSET STAT NOOP QUIT)"
	[ "$(messages "$M")" = 2 ]
}

@test "deletion at QUIT, and by nothing else" {
	message new/1.a 'A: b\n\nx\n'
	message new/2.b 'A: b\n\nx\n'
	drop 'DELE 1' STAT >/dev/null
	[ "$(messages "$M")" = 2 ]
	drop 'DELE 1' 'QUIT now' >/dev/null
	[ "$(messages "$M")" = 2 ]
	drop 'DELE 1' QUIT >/dev/null
	[ "$(messages "$M")" = 1 ]
	[ -e "$M/new/2.b" ]
	is uids $'+OK 1 messages\n+OK\n1 2.b\n.\n+OK Bye' "$(drop UIDL QUIT)"
}

@test "login by USER and PASS, and what was sent ahead goes with it" {
	message new/1.a 'A: b\n\nx\n'
	is login $'+OK POP3 ready\n+OK Send PASS\n+OK 1 messages\n+OK 1 11\n+OK Bye' "$(login STAT QUIT)"
	grep -q 'auth sid=[0-9a-f]* peer=local user=alice@example.test mech=PLAIN text=ok' "$D/log"
	if grep -q secret "$D/log"; then return 1; fi
}

@test "login by AUTH PLAIN, with and without initial response" {
	local b64
	b64=$(printf '\0alice@example.test\0secret word' | base64 -w0)
	is initial $'+OK POP3 ready\n+OK 0 messages\n+OK Bye' \
	    "$(lines "AUTH PLAIN $b64" QUIT | "$BIN/pop3d" -C "$C" 2>"$D/log" | tr -d '\r')"
	is asked $'+OK POP3 ready\n+ \n+OK 0 messages\n+OK Bye' \
	    "$(lines "auth plain" "$b64" QUIT | "$BIN/pop3d" -C "$C" 2>"$D/log" | tr -d '\r')"
	is cancelled $'+OK POP3 ready\n+ \n-ERR Cancelled\n+OK Bye' \
	    "$(lines "AUTH PLAIN" '*' QUIT | "$BIN/pop3d" -C "$C" 2>"$D/log" | tr -d '\r')"
	is listed $'+OK POP3 ready\n+OK Mechanisms\nSCRAM-SHA-256\nPLAIN\nLOGIN\n.\n+OK Bye' \
	    "$(lines 'AUTH ' QUIT | "$BIN/pop3d" -C "$C" 2>"$D/log" | tr -d '\r')"
}

@test "silence in the middle of AUTH gets its reply" {
	echo 'command-timeout 1s' >>"$C/settings"
	mkfifo "$D/client"
	exec 7<>"$D/client"	# stays open, and says no more
	printf 'AUTH PLAIN\r\n' >&7
	is silent $'+OK POP3 ready\n+ \n-ERR Timeout, closing connection' \
	    "$(timeout 120 "$BIN/pop3d" -C "$C" <"$D/client" 2>"$D/log" | tr -d '\r')"
	exec 7>&-
}

@test "a wrong password, an unknown name: the same words, and another try" {
	is tries $'+OK POP3 ready\n+OK Send PASS\n-ERR [AUTH] Wrong name or password\n+OK Send PASS\n-ERR [AUTH] Wrong name or password\n+OK Send PASS\n+OK 0 messages\n+OK Bye' \
	    "$(lines 'USER alice@example.test' 'PASS secret word ' 'USER eve@example.test' 'PASS x' \
	        'USER alice@example.test' 'PASS secret word' QUIT | "$BIN/pop3d" -C "$C" 2>"$D/log" | tr -d '\r')"
	[ "$(grep -c 'text=failed' "$D/log")" = 2 ]
}

@test "passwords that cannot be read: a temporary failure" {
	rm "$C/passwords" && mkdir "$C/passwords"
	[ "$( (lines 'USER alice@example.test' 'PASS x' 'USER alice@example.test' 'PASS x'; sleep 1; lines QUIT) |
	    "$BIN/pop3d" -C "$C" 2>"$D/log" | grep -cF -e '-ERR [SYS/TEMP] Cannot check passwords now')" = 2 ]
	# One look at the file for each try, not one after another for as long as the session lives.
	[ "$(grep -c 'passwords: cannot be read' "$D/log")" = 2 ]
}

@test "a TLS client that reads nothing holds no process for longer than the timeouts" {
	need openssl openssl
	need python3 python3
	mkdir "$C/tls"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$C/tls/key.pem" -out "$C/tls/cert.pem" \
	    -days 2 -subj /CN=localhost 2>/dev/null
	echo 'command-timeout 4s' >>"$C/settings"
	message new/1.a "Subject: a\n\n$(head -c 9000000 /dev/zero | tr '\0' x | fold -w 70)\n"
	"$BIN/pop3d" -S -C "$C" -l 127.0.0.1:0 2>"$D/log" &
	PID=$!
	listening "$PID" "$D/log"
	timeout 600 python3 - "$port" "$D/asked" 3>&- 4>&- <<-'E' &
		import socket, ssl, sys, time
		c = ssl.create_default_context()
		c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
		def ask():
		    s = socket.socket()
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
		    s.connect(("127.0.0.1", int(sys.argv[1])))
		    t = c.wrap_socket(s)
		    for line in b"", b"USER alice@example.test\r\n", b"PASS secret word\r\n":
		        t.sendall(line)
		        if not t.recv(200).startswith(b"+OK"):
		            raise OSError
		    t.sendall(b"RETR 1\r\n")
		    return t
		while True:
		    try:
		        t = ask()
		        break
		    except OSError:	# we were too slow ourselves for the timeouts
		        pass
		open(sys.argv[2], "w").close()
		time.sleep(600)
	E
	CLIENT=$!
	await 60 test -e "$D/asked"
	await 10 grep -q 'disconnect .*user=alice' "$D/log"
	no_child() { [ -z "$(children "$PID")" ]; }
	await 10 no_child
	kill -0 "$CLIENT"
}

@test "CAPA before and after login" {
	is before $'+OK POP3 ready\n+OK Capabilities\nTOP\nUIDL\nPIPELINING\nRESP-CODES\nAUTH-RESP-CODE\nEXPIRE NEVER\nUSER\nSASL SCRAM-SHA-256 PLAIN LOGIN\nUTF8\nLANG\nIMPLEMENTATION posthouse\n.\n+OK Bye' \
	    "$(lines CAPA QUIT | "$BIN/pop3d" -C "$C" 2>/dev/null | tr -d '\r')"
	login CAPA QUIT | grep -q '^UIDL'
}

@test "every verb of the wrong state is refused" {
	local verb
	for verb in STAT LIST UIDL 'RETR 1' 'TOP 1 1' 'DELE 1' RSET NOOP; do
		is "$verb" $'+OK POP3 ready\n-ERR Log in first\n+OK Bye' \
		    "$(lines "$verb" QUIT | "$BIN/pop3d" -C "$C" 2>/dev/null | tr -d '\r')"
	done
	for verb in 'USER x' 'PASS x' 'AUTH PLAIN' STLS; do
		is "$verb" $'+OK 0 messages\n-ERR Logged in already\n+OK Bye' "$(drop "$verb" QUIT)"
	done
}

@test "a snapshot: what arrives later is not seen, what vanishes answers -ERR" {
	message new/1.a 'A: b\n\nx\n'
	message new/2.b 'A: b\n\nx\n'
	mkfifo "$D/in"
	"$BIN/pop3d" "$M" >"$D/out" <"$D/in" 2>"$D/log" &
	PID=$!
	exec 7>"$D/in"
	lines STAT >&7
	await 5 grep -q '^+OK 2 22' "$D/out"
	message new/3.c 'A: b\n\nnew\n'
	rm "$M/new/1.a"
	mv "$M/new/2.b" "$M/cur/2.b:2,S"
	lines STAT 'RETR 1' 'RETR 2' 'RETR 3' 'DELE 1' QUIT >&7
	exec 7>&-
	wait "$PID"
	PID=
	is replies $'+OK 2 messages\n+OK 2 22\n+OK 2 22\n-ERR Message was removed by another session\n+OK 11 octets\nA: b\n\nx\n.\n-ERR No such message\n+OK Marked for deletion at QUIT\n+OK Bye' \
	    "$(tr -d '\r' <"$D/out")"
}

@test "3,000 new messages at once, in a confined process" {
	"$BIN/../t/folder_test" make "$M" 3000 || skip "NOT TESTED: no folder_test (make tests)"
	[ "$(id -u)" != 0 ] || chown -R 64006:64006 "$M"
	is stat "+OK 3000 12570000" "$(login STAT QUIT | sed -n 4p)"
	is uidl "$(printf '%d 17%08d.%016x.mx.example.org\n' 3000 2999 2999)" "$(drop 'UIDL' QUIT | sed -n 3002p)"
}

@test "one session at a time, and a killed one leaves no lock" {
	message new/1.a 'A: b\n\nx\n'
	mkfifo "$D/in"
	"$BIN/pop3d" "$M" >"$D/out" <"$D/in" 2>"$D/log" &
	PID=$!
	exec 7>"$D/in"
	await 5 grep -q '^+OK' "$D/out"
	is in-use '-ERR [IN-USE] Another session has this maildrop' "$(drop STAT QUIT)"
	kill -9 "$PID"
	wait "$PID" || :
	PID=
	exec 7>&-
	is free $'+OK 1 messages\n+OK Bye' "$(drop QUIT)"
}

@test "UIDL: long and strange names get one that fits" {
	local long
	long=$(printf 'x%.0s' {1..90})
	message "new/1.$long" 'A: b\n\nx\n'
	message "new/2.a b" 'A: b\n\nx\n'
	message "new/3.ok" 'A: b\n\nx\n'
	drop UIDL QUIT | grep -qE '^1 uid-[0-9]+-1$'
	drop UIDL QUIT | grep -qE '^2 uid-[0-9]+-2$'
	drop UIDL QUIT | grep -qx '3 3.ok'
}

# ask COMMAND PATTERN: sends one command to the session on 7, and awaits the end of what $D/out gets for it.
ask() {
	lines "$1" >&7
	await 60 grep -qa "$2" "$D/out"
}

@test "messages fetched in turn, each awaited: the next is open before it is asked for, and the answers are the same" {
	local cmds=('RETR 1' 'RETR 2' 'RETR 3' 'TOP 5 1' 'RETR 4' 'DELE 5' 'RETR 5' 'RETR 6' 'RETR 6' 'RETR 7' 'RETR 8')
	message new/1.a 'A: 1\n\nx\n'
	message new/2.a 'A: 2\n\nx\n'
	message new/3.a "A: 3\n\n$(head -c 200000 /dev/zero | tr '\0' x)\n.\n"
	message new/4.a 'A: \303\244\n\nx\n'
	message new/5.a 'A: 5\n\nx\ny\n'
	message new/6.a ''
	message new/7.a 'A: 7\n\nx'
	lines "${cmds[@]}" QUIT | "$BIN/pop3d" "$M" 2>"$D/log" | tr -d '\r' | grep -v -e Marked -e marked >"$D/want"
	[ ! -e "$M/new/5.a" ]
	message new/5.a 'A: 5\n\nx\ny\n'
	mkfifo "$D/in"
	"$BIN/pop3d" "$M" >"$D/out" <"$D/in" 2>"$D/log" &
	PID=$!
	exec 7>"$D/in"
	ask 'RETR 1' '^A: 1'
	ask 'RETR 2' '^A: 2'
	await 60 sh -c 'find "/proc/$1/fd" -lname "$2/new/3.a" | grep -q .' _ "$PID" "$M"
	lines "${cmds[@]:2}" QUIT >&7
	exec 7>&-
	wait "$PID"
	PID=
	tr -d '\r' <"$D/out" | grep -v -e Marked -e marked >"$D/got"
	cmp "$D/want" "$D/got"
}

# ahead NAME SIZE: is it open once, and read up to there?
ahead() {
	local fds
	fds=$(find "/proc/$PID/fd" -lname "$M/new/$1")
	[ "$(wc -l <<<"$fds")" = 1 ] || return 1
	grep -qx "pos:.*[^0-9]$2" "/proc/$PID/fdinfo/${fds##*/}"
}

@test "a message that is removed after it was read ahead is sent, and its size is told" {
	message new/1.a 'A: 1\n\nx\n'
	message new/2.a 'A: 2\n\nx\n'
	message new/3.a 'A: 3\n\nx\n'
	mkfifo "$D/in"
	"$BIN/pop3d" "$M" >"$D/out" <"$D/in" 2>"$D/log" &
	PID=$!
	exec 7>"$D/in"
	ask 'RETR 1' '^A: 1'
	await 60 ahead 2.a 8
	rm "$M/new/2.a" "$M/new/3.a"
	lines 'RETR 2' 'RETR 3' QUIT >&7
	exec 7>&-
	wait "$PID"
	PID=
	[ "$(grep -c '^+OK 11 octets' "$D/out")" = 2 ]
	grep -q '^A: 2' "$D/out"
	grep -q '^-ERR.*removed by another session' "$D/out"
}

@test "dots and line ends at every edge of the 64 KiB blocks" {
	local n
	mkdir -p "$D/got"
	python3 - "$M" <<-'PY'
	import sys
	for n in range(65530, 65540):
	    for k, tail in enumerate((b"\n.\n", b".\n", b"\r\n.x\n", b"\n..")):
	        with open("%s/new/%d.%d" % (sys.argv[1], n, k), "wb") as f:
	            f.write(b"a" * n + tail)
	PY
	[ "$(id -u)" != 0 ] || chown -R 64006:64006 "$M"
	n=$(messages "$M")
	for ((i = 1; i <= n; i++)); do echo "RETR $i"; done >"$D/cmds"
	mapfile -t cmds <"$D/cmds"
	lines "${cmds[@]}" QUIT | "$BIN/pop3d" "$M" 2>"$D/log" >"$D/out"
	python3 - "$M" "$D/out" <<-'PY'
	import os, re, sys
	out = open(sys.argv[2], "rb").read().split(b"\r\n")
	names = sorted(os.listdir(sys.argv[1] + "/new"), key=lambda s: (int(s.split(".")[0]), s))
	at = 1
	for name in names:
	    assert out[at].startswith(b"+OK "), out[at][:80]
	    end = at + 1
	    while out[end] != b".":
	        end += 1
	    got = b"\r\n".join(l[1:] if l[:1] == b"." else l for l in out[at + 1:end])
	    want = re.sub(b"\r?\n", b"\r\n", open(sys.argv[1] + "/new/" + name, "rb").read())
	    want = want[:-2] if want.endswith(b"\r\n") else want
	    assert got == want, name
	    at = end + 1
	assert out[at] == b"+OK Bye", out[at][:80]
	PY
}

@test "a large message in constant memory" {
	need strace strace
	[ -z "${SANITIZED-}" ] || skip "sanitizers need memory of their own"
	truncate -s 300M "$M/new/1.big"
	[ "$(id -u)" != 0 ] || chown -R 64006:64006 "$M"
	lines 'RETR 1' QUIT | /usr/bin/env bash -c 'ulimit -v 100000; exec "$@"' _ "$BIN/pop3d" "$M" 2>"$D/log" | wc -c >"$D/count"
	[ "$(cat "$D/count")" -gt $((300 * 1048576)) ]
}

@test "a small message and the final dot are one write" {
	need strace strace
	[ -z "${SANITIZED-}" ] || skip "the same calls"
	message new/1.a 'A: b\n\nx\n'
	lines 'RETR 1' QUIT >"$D/in"
	strace -f -o "$D/trace" -e trace=write "$BIN/pop3d" "$M" >"$D/out" <"$D/in" 2>"$D/log"
	[ "$(grep -c 'write(1,' "$D/trace")" = 2 ]	# the greeting, and all the rest
}

@test "100 errors in a row end the session" {
	local n=0
	for ((i = 0; i < 100; i++)); do echo X; done >"$D/cmds"
	mapfile -t cmds <"$D/cmds"
	run drop "${cmds[@]}"
	n=$(grep -c '^-ERR Unknown' <<<"$output")
	[ "$n" = 20 ]
	grep -qx -e '-ERR Too many errors, closing connection' <<<"$output"
}

@test "options: -n, wrong usage, no such directory" {
	run "$BIN/pop3d" -C "$C" -n
	[ "$status" = 0 ]
	grep -q '^error-limit 20' <<<"$output"
	run "$BIN/pop3d" -x
	[ "$status" = 64 ]
	run "$BIN/pop3d" a b
	[ "$status" = 64 ]
	run "$BIN/pop3d" "$D/none"
	[ "$status" = 66 ]
	run "$BIN/pop3d" -C "$D/none" -n
	[ "$status" = 78 ]
}
