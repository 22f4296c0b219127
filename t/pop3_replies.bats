# pop3_replies.bats: every error reply that posthouse-pop3d(8) lists is produced here, and nothing else is.  The last test compares.
# shellcheck shell=bash disable=SC2154

load helper

setup_file() {
	: >"$BATS_FILE_TMPDIR/seen"
}

setup() {
	D=$(private_dir)
	M=$D/mail/a
	C=$D/control
	bare_control "$D"
	echo 'alice@example.test:a' >"$C/users"
	echo 'alice@example.test:{PLAIN}secret' >"$C/passwords"
	chmod 600 "$C/passwords"
	printf 'login-failures 600\nlogin-failure-pause 0\n' >>"$C/settings"
	mkdir -p "$M"/{cur,new,tmp}
	chmod 711 "$D/mail"
	printf 'A: b\n\nx\n' >"$M/new/1.a"
	owned
}

teardown() {
	[ -n "${BATS_TEST_COMPLETED-}" ] || tail -n 20 "$D/log" "$D/out" >&2 2>/dev/null || :
	[ -z "${PID-}" ] || end "$PID"
	rm -rf "$D"
}

owned() { [ "$(id -u)" != 0 ] || chown -R 64006:64006 "$M"; }
certificate() {
	need openssl openssl
	mkdir -p "$C/tls"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$C/tls/key.pem" -out "$C/tls/cert.pem" \
	    -days 2 -subj /CN=localhost 2>/dev/null
}

# expect REPLY...: the error replies on standard input are these, in this order; what is seen is noted.
expect() {
	tr -d '\r' | tee "$D/out" | sed -n 's/^-ERR //p' >"$D/errors"
	cat "$D/errors" >>"$BATS_FILE_TMPDIR/seen"
	{ [ $# = 0 ] || printf '%s\n' "$@"; } | diff - "$D/errors"
}
lines() { printf '%s\r\n' "$@"; }
session() { lines "$@" | "$BIN/pop3d" -C "$C" 2>>"$D/log"; }
drop() { session 'USER alice@example.test' 'PASS secret' "$@"; }

@test "lines that are none" {
	printf 'A\001\r\nA\0\r\nA\n\r\n%600s\r\n' | "$BIN/pop3d" -C "$C" 2>>"$D/log" |
	    expect 'Control or 8-bit byte in a command' 'NUL byte in a command' \
	        'Lines end in CRLF, and nowhere else is CR or LF' 'Empty line' 'Empty line'
	printf 'CAPA%600s\r\n' | "$BIN/pop3d" -C "$C" 2>>"$D/log" | expect 'Line too long'
}

@test "commands: unknown, wrong, too early, too late" {
	session X 'CAPA 1' STAT STLS 'PASS x' 'USER' 'USER alice@example.test' 'PASS' 'LANG de' QUIT |
	    expect 'Unknown command' 'Wrong arguments' 'Log in first' 'No TLS here' 'Send USER first' \
	        '[AUTH] That cannot be a user name' '[AUTH] That cannot be a password' 'No such language; there is en'
	drop 'USER x' 'LIST 2' 'DELE 1' 'DELE 1' | expect 'Logged in already' 'No such message' 'Message is marked for deletion'
}

@test "TLS: needed, too late, followed too soon" {
	lines 'USER alice@example.test' QUIT | TCPREMOTEIP=192.0.2.1 "$BIN/pop3d" -C "$C" 2>>"$D/log" |
	    expect 'A password needs TLS: send STLS first'
	certificate
	session UTF8 STLS QUIT | expect 'STLS comes before UTF8'
	printf 'STLS\r\nCAPA\r\n' | "$BIN/pop3d" -C "$C" 2>>"$D/log" | expect 'Input after STLS, closing connection'
}

@test "AUTH: no mechanism, no base64, cancelled; wrong, disabled, not to be checked" {
	session 'AUTH X' 'AUTH PLAIN @' 'AUTH PLAIN =' 'AUTH PLAIN' '*' QUIT |
	    expect 'No such mechanism here' 'Not base64' 'Not a response of this mechanism' 'Cancelled'
	echo 'alice@example.test:a:::disabled=for a reason' >"$C/users"
	session 'USER alice@example.test' 'PASS secret' QUIT | expect '[AUTH] Account disabled: for a reason'
	echo 'alice@example.test:a' >"$C/users"
	session 'USER alice@example.test' 'PASS x' QUIT | expect '[AUTH] Wrong name or password'
	rm "$C/passwords" && mkdir "$C/passwords"
	session 'USER alice@example.test' 'PASS x' | expect '[SYS/TEMP] Cannot check passwords now'
}

@test "a maildrop that cannot be had: in use, too soon, not to be opened" {
	mkfifo "$D/in"
	"$BIN/pop3d" "$M" >"$D/first" <"$D/in" 2>>"$D/log" &
	PID=$!
	exec 7>"$D/in"
	await 5 grep -q '^+OK' "$D/first"
	owned
	drop | expect '[IN-USE] Another session has this maildrop'
	exec 7>&-
	wait "$PID" || :
	PID=
	echo 'pop3-login-delay 1h' >>"$C/settings"
	rm "$M/posthouse.pop3"
	drop | expect
	drop | expect '[LOGIN-DELAY] The last login was a moment ago, try later'
	rm -r "$M" && : >"$M"
	drop | expect '[SYS/TEMP] Cannot open the maildrop'
}

@test "messages: gone, not to be read, not to be shown, not to be removed" {
	echo closed >"$M/new/2.closed" && chmod 000 "$M/new/2.closed"
	printf 'Subject: \303\251\nX: %01100000d\n\nx\n' 0 >"$M/new/3.long"
	owned
	drop 'RETR 2' 'RETR 3' |
	    expect '[SYS/TEMP] Cannot read the message' '[UTF8] This message needs the command UTF8 before login'
	mkfifo "$D/in"
	"$BIN/pop3d" "$M" >"$D/first" <"$D/in" 2>>"$D/log" &
	PID=$!
	exec 7>"$D/in"
	await 5 grep -q '^+OK' "$D/first"
	rm "$M/new/1.a"
	lines 'RETR 1' QUIT >&7
	exec 7>&-
	wait "$PID" || :
	PID=
	expect 'Message was removed by another session' <"$D/first"
	owned
	chmod 555 "$M/new"
	drop 'DELE 1' QUIT | expect '[SYS/TEMP] Some messages were not removed'
	chmod 755 "$M/new"
}

@test "ends: errors, time, memory" {
	echo 'error-limit 2' >>"$C/settings"
	session X X X | expect 'Unknown command' 'Unknown command' 'Too many errors, closing connection'
	echo 'command-timeout 1s' >>"$C/settings"
	mkfifo "$D/in"
	exec 7<>"$D/in"
	timeout 120 "$BIN/pop3d" -C "$C" <"$D/in" 2>>"$D/log" | expect 'Timeout, closing connection'
	exec 7>&-
	[ -z "${SANITIZED-}" ] || skip "sanitizers need memory of their own"
	need cc gcc
	# The buffer of input may not grow any more.
	cat >"$D/little.c" <<-'END'
	#include <errno.h>
	#include <stddef.h>
	void *__libc_realloc(void *, size_t);
	void *realloc(void *p, size_t n)
	{
		if (n == 65536) {
			errno = ENOMEM;
			return NULL;
		}
		return __libc_realloc(p, n);
	}
	END
	cc -shared -fPIC -o "$D/little.so" "$D/little.c"
	printf '%70000s\r\nQUIT\r\n' x | LD_PRELOAD=$D/little.so "$BIN/pop3d" "$M" >"$D/out" 2>>"$D/log" || :
	expect '[SYS/TEMP] Out of memory, closing connection' <<<"$(cat "$D/out")"
}

@test "a listener that has no place, and one that is not configured" {
	echo 'connection-limit 1' >>"$C/settings"
	"$BIN/pop3d" -C "$C" -l 127.0.0.1:0 2>"$D/log" 3>&- &
	PID=$!
	listening "$PID" "$D/log"
	exec 7<>"/dev/tcp/127.0.0.1/$port"
	read -r -t 60 _ <&7
	exec 8<>"/dev/tcp/127.0.0.1/$port"
	timeout 60 cat <&8 | expect '[SYS/TEMP] Too many connections, try later'
	exec 7>&- 8>&-
	echo nonsense >>"$C/settings"
	: | "$BIN/pop3d" -C "$C" 2>>"$D/log" | expect '[SYS/TEMP] Not configured, try later'
}

@test "a listener on a machine without memory refuses who comes, and serves on" {
	[ -z "${SANITIZED-}" ] || skip "sanitizers need memory of their own"
	need cc gcc
	# What a listener knows of its clients may not become more while the file is there.
	cat >"$D/little.c" <<-'END'
	#include <sys/mman.h>
	#include <sys/syscall.h>
	#include <errno.h>
	#include <stdlib.h>
	#include <unistd.h>
	void *mmap(void *p, size_t size, int prot, int flags, int fd, off_t at)
	{
		if (fd == -1 && access(getenv("FULL"), F_OK) == 0) {
			errno = ENOMEM;
			return MAP_FAILED;
		}
		return (void *)syscall(SYS_mmap, p, size, prot, flags, fd, at);
	}
	END
	cc -shared -fPIC -o "$D/little.so" "$D/little.c"
	echo 'client-connection-limit 1000' >>"$C/settings"
	FULL=$D/full LD_PRELOAD=$D/little.so "$BIN/pop3d" -C "$C" -l 127.0.0.1:0 2>"$D/log" 3>&- &
	PID=$!
	listening "$PID" "$D/log"
	# As many as fit, one refusal, and with memory there is room for the next.
	python3 - "$port" "$D/full" >"$D/out" <<-'P'
	import os, socket, sys
	def come():
	    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=120)
	    f = s.makefile("rwb")
	    clients.append((s, f))
	    return f.readline()
	clients = []
	come()
	open(sys.argv[2], "w").close()
	for n in range(1000):
	    if not (greeting := come()).startswith(b"+OK"):
	        break
	print(greeting.decode().strip())
	clients.pop()
	s, f = clients[0]
	f.write(b"CAPA\r\n")
	f.flush()
	assert f.readline().startswith(b"+OK"), "served no more"
	os.unlink(sys.argv[2])
	assert come().startswith(b"+OK"), "not served again"
	P
	expect '[SYS/TEMP] Too many connections, try later' <<<"$(cat "$D/out")"
	grep -q 'reject peer=127.0.0.1 text=out of memory$' "$D/log"
}

@test "these are all that the page lists" {
	[ -z "${SANITIZED-}" ] || skip "one reply needs memory of its own"
	command -v cc >/dev/null && command -v openssl >/dev/null || skip "NOT TESTED: needs cc and openssl"
	sed -n '/^.Sh DIAGNOSTICS/,/^.El/p' "$ROOT/man/posthouse-pop3d.8" | sed -n 's/^\.It //p' |
	    sed 's/^"\(.*\)" : Ar reason$/\1: for a reason/; s/^"\(.*\)"$/\1/; s/^\\&//' | sort -u >"$BATS_FILE_TMPDIR/listed"
	[ "$(wc -l <"$BATS_FILE_TMPDIR/listed")" -gt 30 ]
	sort -u "$BATS_FILE_TMPDIR/seen" | diff "$BATS_FILE_TMPDIR/listed" -
}
