# launchers.bats: the same binaries under inetd, tcpserver, systemd-socket-activate, s6 with -l, and on a pipe.
# shellcheck shell=bash disable=SC2154

load helper

setup_file() {
	instance_start
	adduser alice@example.test secret
	export DIR CONTROL MAIL CA_FILE
}

teardown_file() {
	# shellcheck disable=SC2034
	INSTANCES=("$DIR")
	instance_stop
}

teardown() {
	[ -z "${launcher-}" ] || end "$launcher" 2>/dev/null
}

# greeting PROGRAM: how its first line begins; quit PROGRAM: how a client leaves, and what it is told.
greeting() {
	case $1 in smtpd) echo 220 ;; pop3d) echo '+OK' ;; imapd) echo '* OK' ;; esac
}
dialogue() {
	case $1 in
	smtpd) printf 'EHLO client.example.org\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<nobody@example.test>\r\nQUIT\r\n' ;;
	pop3d) printf 'CAPA\r\nUSER alice@example.test\r\nPASS secret\r\nSTAT\r\nQUIT\r\n' ;;
	imapd) printf 'a CAPABILITY\r\nb LOGIN alice@example.test secret\r\nc SELECT INBOX\r\nd LOGOUT\r\n' ;;
	esac
}

# talk PROGRAM: the dialogue over a real socket, pipelined; all that comes back is in $output.
talk() {
	output=$(dialogue "$1" | timeout 120 python3 -c '
import socket, sys
s = socket.create_connection((sys.argv[1], 2525), timeout=120)
s.sendall(sys.stdin.buffer.read())
while True:
    data = s.recv(4096)
    if not data:
        break
    sys.stdout.buffer.write(data)
' "$HOST")
}

# Replies only: each line is one that the protocol knows.
only_replies() {
	local bad
	case $1 in
	smtpd) bad=$(grep -avE '^[2-5][0-9][0-9][ -]' <<<"$output") ;;
	pop3d) bad=$(grep -avE '^(\+OK|-ERR|\.|[A-Z][A-Z0-9-]*)( [A-Za-z0-9 /._+<>@-]*)?' <<<"$output") ;;
	imapd) bad=$(grep -avE '^(\*|\+|[a-d]) ' <<<"$output") ;;
	esac || :	# grep found nothing
	if [ -n "$bad" ] || grep -aqE 'd\[[0-9]+\]:|sid=' <<<"$output"; then
		printf 'not a reply: %s\n%s\n' "$bad" "$output"
		return 1
	fi
}

# served PROGRAM: what talk brought is the whole dialogue.
served() {
	case $1 in
	smtpd) grep -q '^550' <<<"$output" && grep -q '^221' <<<"$output" ;;
	pop3d) grep -q '^+OK 0 0' <<<"$output" ;;
	imapd) grep -q '^c OK' <<<"$output" && grep -q '^d OK' <<<"$output" ;;
	esac || {
		printf 'not the whole dialogue:\n%s\n' "$output"
		return 1
	}
	only_replies "$1"
}

# launch COMMAND...: starts it where nothing of ours is inherited, to listen on port 2525 of @HOST@, an address for it alone.
launch() {
	HOST=$(private_address)
	"${@//@HOST@/$HOST}" </dev/null >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/log" 3>&- 4>&- &
	launcher=$!
	await 20 answers || {
		cat "$BATS_TEST_TMPDIR/log"
		return 1
	}
}
answers() {
	(exec 7<>"/dev/tcp/$HOST/2525") 2>/dev/null
}

inetd_serves() {
	local program=$1 wait=$2 user
	need inetd openbsd-inetd
	need_root
	user=$(id -un)
	# inetd gives the program at most 20 words and no quoting; -i: no log, -d would print to its own output.
	printf '%%HOST%%:2525 stream tcp %s %s %s %s -C %s\n' "$wait" "$user" "$BIN/$program" "$program" "$CONTROL" \
	    >"$BATS_TEST_TMPDIR/inetd.conf"
	launch bash -c 'sed "s/%HOST%/$1/" "$2/inetd.conf" >"$2/inetd.conf.$1"; exec inetd -i "$2/inetd.conf.$1"' \
	    inetd @HOST@ "$BATS_TEST_TMPDIR"
	for _ in 1 2; do
		talk "$program"
		served "$program"
	done
}

@test "openbsd-inetd nowait: smtpd, and no log line reaches the client" { inetd_serves smtpd nowait; }
@test "openbsd-inetd nowait: pop3d" { inetd_serves pop3d nowait; }
@test "openbsd-inetd nowait: imapd" { inetd_serves imapd nowait; }
@test "openbsd-inetd wait: smtpd is the listener" { inetd_serves smtpd wait; }
@test "openbsd-inetd wait: pop3d" { inetd_serves pop3d wait; }
@test "openbsd-inetd wait: imapd" { inetd_serves imapd wait; }

# on_socket CMD...: what its client gets to see, with the socket as 0, 1 and 2.
on_socket() {
	timeout 120 python3 -c '
import socket, subprocess, sys
s = socket.create_server(("127.0.0.1", 0))
c = socket.create_connection(s.getsockname())
a, _ = s.accept()
code = subprocess.call(sys.argv[1:], stdin=a, stdout=a, stderr=a)
a.close()
print(code, c.recv(4096).decode())' "$@"
}

@test "a wrong option or a broken control file: the client gets a reply or nothing, and never a message" {
	local dir
	dir=$(private_dir)
	echo "no-such-setting 1" >"$dir/settings"
	for program in smtpd pop3d imapd; do
		[ "$(on_socket "$BIN/$program" -Q)" = "64 " ]
		run on_socket "$BIN/$program" -C "$dir"
		[ "${#lines[@]}" = 1 ]
		case $program in
		smtpd) [[ $output == "78 421 4.3.5 Not configured"* ]] ;;
		pop3d) [[ $output == "78 -ERR [SYS/TEMP] Not configured"* ]] ;;
		imapd) [[ $output == "78 * BYE "*"onfigured"* ]] ;;
		esac
	done
	rm -rf "$dir"
}

@test "tcpserver" {
	need tcpserver ucspi-tcp
	for program in smtpd pop3d imapd; do
		launch tcpserver -HRl0 @HOST@ 2525 "$BIN/$program" -C "$CONTROL"
		talk "$program"
		served "$program"
		[ "$program" != smtpd ] || grep -q 'sid=.* peer=127.0.0.1' "$BATS_TEST_TMPDIR/log"
		end "$launcher"
		launcher=
	done
}

@test "systemd-socket-activate, one process per connection" {
	need systemd-socket-activate systemd
	for program in smtpd pop3d imapd; do
		launch systemd-socket-activate --inetd -a -l @HOST@:2525 "$BIN/$program" -C "$CONTROL"
		talk "$program"
		served "$program"
		end "$launcher"
		launcher=
	done
}

@test "systemd-socket-activate, the socket itself" {
	need systemd-socket-activate systemd
	for program in smtpd pop3d imapd; do
		launch systemd-socket-activate --inetd -l @HOST@:2525 "$BIN/$program" -C "$CONTROL"
		for _ in 1 2; do
			talk "$program"
			served "$program"
		done
		end "$launcher"
		launcher=
	done
}

@test "s6-svscan supervises, -l listens; a service that was killed is back at once" {
	need s6-svscan s6
	local scan=$BATS_TEST_TMPDIR/scan pid
	mkdir -p "$scan/smtpd"
	printf '#!/bin/sh\nexec %s -C %s -l "$(cat host):2525" 2>>log\n' "$BIN/smtpd" "$CONTROL" >"$scan/smtpd/run"
	chmod +x "$scan/smtpd/run"
	launch sh -c 'echo "$1" >"$2/smtpd/host"; exec s6-svscan "$2"' scan @HOST@ "$scan"
	talk smtpd
	served smtpd
	pid=$(s6-svstat -o pid "$scan/smtpd")
	kill -9 "$pid"
	await 5 another_pid "$scan/smtpd" "$pid"
	await 5 answers
	talk smtpd
	served smtpd
	grep -q 'smtpd\[[0-9]*\]: ' "$scan/smtpd/log"
	s6-svscanctl -t "$scan"
	await 5 gone "$launcher"
}
another_pid() {
	local pid
	pid=$(s6-svstat -o pid "$1")
	[ "$pid" != "$2" ] && [ "$pid" != -1 ]
}

@test "a pipe: smtpd, pop3d and imapd, unprivileged, with nothing else running" {
	local dir=$BATS_TEST_TMPDIR/mail
	run unprivileged bash -c 'printf "EHLO a\r\nQUIT\r\n" | "$1" 2>/dev/null' _ "$BIN/smtpd"
	[ "$status" = 0 ]
	for code in 220 250 221; do
		grep -q "^${code}[ -]" <<<"$output"
	done
	dir=$(private_dir)
	mkdir -p "$dir/mail"/{cur,new,tmp}
	printf 'From: a@example.org\nSubject: one\n\nhello\n' >"$dir/mail/new/1.1.h"
	[ "$(id -u)" != 0 ] || chown -R 65534:65534 "$dir"
	run unprivileged bash -c 'printf "STAT\r\nQUIT\r\n" | "$1" "$2" 2>/dev/null' _ "$BIN/pop3d" "$dir/mail"
	[ "$status" = 0 ]
	grep -q '^+OK 1 ' <<<"$output"
	run unprivileged bash -c 'printf "a SELECT INBOX\r\nb LOGOUT\r\n" | "$1" "$2" 2>/dev/null' _ "$BIN/imapd" "$dir/mail"
	[ "$status" = 0 ]
	grep -q '^\* 1 EXISTS' <<<"$output"
	grep -q '^b OK' <<<"$output"
	rm -rf "$dir"
}

@test "a pipe with a control directory: the whole session of each" {
	for program in smtpd pop3d imapd; do
		output=$(dialogue "$program" | "$BIN/$program" -C "$CONTROL" 2>"$BATS_TEST_TMPDIR/log")
		served "$program"
	done
}

@test "the same into a file, with the log thrown away" {
	for program in smtpd pop3d imapd; do
		dialogue "$program" | "$BIN/$program" -C "$CONTROL" >"$BATS_TEST_TMPDIR/out" 2>/dev/null
		output=$(cat "$BATS_TEST_TMPDIR/out")
		served "$program"
	done
}

@test "UCSPI variables name the client where fd 0 is a pipe" {
	printf 'EHLO a\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<x@example.net>\r\nQUIT\r\n' |
	    TCPREMOTEIP=192.0.2.7 TCPREMOTEPORT=4711 "$BIN/smtpd" -C "$CONTROL" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/log"
	grep -q '^55[0-9]' "$BATS_TEST_TMPDIR/out"
	grep -q 'peer=192.0.2.7' "$BATS_TEST_TMPDIR/log"
}

@test "the start line names every place; an address that is not this machine's is told so" {
	"$BIN/smtpd" -C "$CONTROL" -l 127.0.0.1:0 -l 127.0.0.2:0 -l 127.0.0.3:0 </dev/null >/dev/null 2>>"$BATS_TEST_TMPDIR/log" 3>&- &
	launcher=$!
	listening "$launcher" "$BATS_TEST_TMPDIR/log"
	grep -q ': start peer=127.0.0.1:[1-9][0-9]* text=listening.*, also on 127.0.0.2:0 127.0.0.3:0$' "$BATS_TEST_TMPDIR/log"
	[ "$(cat /proc/sys/net/ipv4/ip_nonlocal_bind)" = 0 ] || skip "NOT TESTED: foreign addresses can be had here"
	run timeout 120 "$BIN/smtpd" -C "$CONTROL" -l 192.0.2.1:0 </dev/null
	[ "$status" = 69 ]
	[[ $output == *"-l 192.0.2.1:0: Cannot assign requested address; this machine has no such address"* ]]
}
