# syslog.bats: where descriptors 0 and 2 are one socket, as under inetd, the lines go to /dev/log and the client sees none.
# /dev/log is a socket of ours in a mount namespace of the test's own: nothing outside it changes.
# shellcheck shell=bash disable=SC2154

load helper

# The reader: binds /dev/log, takes one client on a socket pair, starts the program on its other end as inetd does, talks to it
# and prints what the client got ("client LINE") and what the logger got ("log LINE").
reader='
import os, socket, subprocess, sys, threading
os.unlink("/dev/log") if os.path.lexists("/dev/log") else None
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind("/dev/log")
os.chmod("/dev/log", 0o666)
listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname(), timeout=120)
ours, _ = listener.accept()
listener.close()
fd = ours.fileno()
child = subprocess.Popen(sys.argv[1:], stdin=fd, stdout=fd, stderr=fd)
ours.close()
client.sendall(sys.stdin.buffer.read())
got = b""
while True:
    data = client.recv(65536)
    if not data:
        break
    got += data
child.wait(200)
for line in got.decode("latin-1").split("\r\n"):
    print("client", repr(line)[1:-1])
log.setblocking(False)
while True:
    try:
        data = log.recv(65536)
    except BlockingIOError:
        break
    print("log", repr(data.decode("latin-1"))[1:-1])
print("exit", child.returncode)
'

# under_inetd PROGRAM ARGS...: the dialogue on standard input; $output as above.
under_inetd() {
	local cwd=$BATS_TEST_TMPDIR/dev
	mkdir -p "$cwd"
	output=$(timeout 300 unshare -m --propagation private sh -c '
		set -e
		mount -t tmpfs -o mode=755 tmpfs "$1"
		for node in null zero full random urandom; do
			: >"$1/$node"
			mount --bind "/dev/$node" "$1/$node"
		done
		mount --rbind "$1" /dev
		shift
		exec python3 -c "$@"' sh "$cwd" "$reader" "$@")
}

# Every datagram is one line as posthouse-log(5) says, with what syslog(3) puts before it: facility mail (2 * 8) and info (6).
form='^log <22>(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 123][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2} '

setup() {
	need_root
	need python3 python3
	need unshare util-linux
	unshare -m true 2>/dev/null || skip "NOT TESTED: no mount namespace can be made here"
	DIR=$(private_dir)
	bare_control "$DIR"
}

teardown() {
	[ -z "${DIR-}" ] || rm -rf "$DIR"
}

# all_logged PROGRAM: lines came, and each has the form.
all_logged() {
	local bad
	bad=$(grep '^log ' <<<"$output" | grep -vE "$form$1\[[0-9]+\]: [a-z]+ ") || :
	if ! grep -q '^log ' <<<"$output" || [ -n "$bad" ]; then
		printf 'not a log line: %s\n%s\n' "$bad" "$output"
		return 1
	fi
}

# no_log_at_client REGEX: all that the client got is replies of this form.
no_log_at_client() {
	local bad
	bad=$(grep '^client .' <<<"$output" | grep -vE "^client $1") || :
	if [ -n "$bad" ] || grep -qE '^client .*(\[[0-9]+\]: |sid=)' <<<"$output"; then
		printf 'not a reply: %s\n%s\n' "$bad" "$output"
		return 1
	fi
}

@test "smtpd on a socket that is also descriptor 2: the lines reach /dev/log and not the client" {
	printf 'EHLO client.example.org\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<nobody@example.test>\r\nQUIT\r\n' \
	    >"$BATS_TEST_TMPDIR/in"
	under_inetd "$BIN/smtpd" -C "$DIR/control" <"$BATS_TEST_TMPDIR/in"
	echo "$output"
	all_logged smtpd
	no_log_at_client '[2-5][0-9][0-9][ -]'
	grep -q '^client 220 ' <<<"$output"
	grep -q '^client 550 ' <<<"$output"
	grep -q '^client 221 ' <<<"$output"
	grep -qE "$form"'smtpd\[[0-9]+\]: connect sid=[^ ]+ .*peer=127\.0\.0\.1' <<<"$output"
	grep -qE "$form"'smtpd\[[0-9]+\]: reject sid=[^ ]+ .*cmd=RCPT .*code=550 ' <<<"$output"
	grep -qE "$form"'smtpd\[[0-9]+\]: disconnect sid=' <<<"$output"
	grep -qx 'exit 0' <<<"$output"
}

@test "a control directory that cannot be read: syslog is told why, the client sees no line of the log" {
	under_inetd "$BIN/smtpd" -C "$DIR/none" </dev/null
	echo "$output"
	all_logged smtpd
	no_log_at_client '[45][0-9][0-9][ -]'
	grep -qE "$form"'smtpd\[[0-9]+\]: (warn|die) text=.*/none' <<<"$output"
	grep -qx 'exit 78' <<<"$output"
}

@test "pop3d and imapd log to syslog there as well" {
	printf 'QUIT\r\n' >"$BATS_TEST_TMPDIR/in"
	under_inetd "$BIN/pop3d" -C "$DIR/control" <"$BATS_TEST_TMPDIR/in"
	all_logged pop3d
	no_log_at_client '(\+OK|-ERR)'
	printf 'a LOGOUT\r\n' >"$BATS_TEST_TMPDIR/in"
	under_inetd "$BIN/imapd" -C "$DIR/control" <"$BATS_TEST_TMPDIR/in"
	all_logged imapd
	no_log_at_client '(\*|a) '
}

@test "-y sends the lines of a pipe to syslog, and none to descriptor 2" {
	printf 'QUIT\r\n' >"$BATS_TEST_TMPDIR/in"
	# shellcheck disable=SC2016	# expanded by that shell
	under_inetd sh -c 'exec "$0" -y -C "$1" <"$2" >"$3" 2>"$4"' "$BIN/smtpd" "$DIR/control" "$BATS_TEST_TMPDIR/in" \
	    "$BATS_TEST_TMPDIR/out" "$BATS_TEST_TMPDIR/err" </dev/null
	all_logged smtpd
	grep -q '^221 ' "$BATS_TEST_TMPDIR/out"
	[ ! -s "$BATS_TEST_TMPDIR/err" ]
}

@test "sendmail's line has the Message-ID: its own, the message's, none that is longer than the log takes" {
	long=$(printf %0170d 0)
	# shellcheck disable=SC2016
	CONTROL=$DIR/control under_inetd sh -c 'for id; do printf "%sSubject: x\n\nx\n" "${id:+Message-ID: $id
}" | "$0" -C "$CONTROL" bob@example.org; done' "$BIN/sendmail" '' '<a1@client.example>' "<$long@x>" </dev/null
	grep -q '^exit 0' <<<"$output"
	[ "$(grep -c '^log .*sendmail\[[0-9]*\]: queued ' <<<"$output")" = 3 ]
	qid=$(sed -n '/^log .*queued/{s/.* qid=\([^ ]*\) .*/\1/p;q}' <<<"$output")
	grep -qF " msgid=<$qid@mx.example.test>" <<<"$output"
	grep -qF ' msgid=<a1@client.example>' <<<"$output"
	[ "$(grep -c ' msgid=' <<<"$output")" = 2 ]
}
