# lmtp.bats: deliver-remote as an LMTP client (RFC 2033): our own server, and one that answers each recipient as it is told.
# shellcheck shell=bash disable=SC2016,SC2030,SC2031,SC2153,SC2154

load helper
load lab

setup() {
	need python3 python3
	lab_start
}
teardown() {
	lab_stop
	instance_stop
}

# lmtp REPLY...: a server that takes all recipients and gives these replies to the dot, then closes.
lmtp() {
	serve "$LAB/lmtp.port" python3 -c '
import socket, sys
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
log = open(sys.argv[1], "w")
while True:
    c, _ = s.accept()
    f = c.makefile("rwb", 0)
    say = lambda t: f.write(t.encode() + b"\r\n")
    say("220 store")
    for line in f:
        line = line.decode().rstrip()
        log.write(line + "\n"); log.flush()
        if line.startswith("LHLO"): say("250-store\r\n250-CHUNKING\r\n250 PIPELINING")
        elif line.startswith("RCPT TO:<no"): say("550 5.1.1 nobody")
        elif line == "DATA":
            say("354 go")
            for line in f:
                if line == b".\r\n": break
            for r in sys.argv[2:]: say(r)
            break
        elif line == "QUIT": say("221 bye"); break
        elif line.startswith("EHLO"): say("500 LMTP here")
        else: say("250 ok")
    f.close(); c.close()
' "$LAB/lmtp.log" "$@"
	echo "far.test lmtp:[127.0.0.1]:$PORT" >"$LAB/control/routes"
}

@test "each recipient has its own reply, in the order of those that were accepted" {
	lmtp "250 2.1.5 one" "452 4.2.2 full" "550 5.7.1 not you"
	name=$(printf 'Subject: x\n\nb\n' | spool a@me.test "Delivered-To: a@far.test")
	job "$name" far.test 1:1:a@far.test 2:2:nobody@far.test 3:3:b@far.test 4:4:c@far.test | deliver
	sort <<<"$output" | diff - <(printf '%s\n' "1 done 2.1.5 [127.0.0.1] 250 2.1.5 one" \
	    "2 fail 5.1.1 [127.0.0.1] 550 5.1.1 nobody" "3 defer 4.2.2 [127.0.0.1] 452 4.2.2 full" \
	    "4 fail 5.7.1 [127.0.0.1] 550 5.7.1 not you")
	[ "$(head -n 1 "$LAB/lmtp.log")" = "LHLO me.test" ]
	not grep -q 'EHLO\|BDAT' "$LAB/lmtp.log"
}

@test "the connection is lost between the replies: only those without one are tried again" {
	lmtp "250 2.1.5 one"
	name=$(printf 'Subject: x\n\nb\n' | spool a@me.test "Delivered-To: a@far.test")
	job "$name" far.test 1:1:a@far.test 2:2:b@far.test | deliver
	[[ $output == *"1 done 2.1.5 "* ]]
	[[ $output == *"2 defer 4."*"may arrive twice" ]]
}

@test "nobody is accepted: nothing is sent, and nothing is waited for" {
	lmtp
	name=$(printf 'Subject: x\n\nb\n' | spool a@me.test "Delivered-To: a@far.test")
	job "$name" far.test 1:1:no@far.test 2:2:nono@far.test | deliver
	[ "$(grep -c 'fail 5.1.1 \[127.0.0.1\] 550 5.1.1 nobody' <<<"$output")" = 2 ]
}

@test "an SMTP server where LMTP should be: deferred, for that can be mended" {
	sink sink -r "LHLO: 502 5.5.1 what?"
	echo "far.test lmtp:[127.0.0.1]:$PORT" >"$LAB/control/routes"
	name=$(printf 'Subject: x\n\nb\n' | spool a@me.test "Delivered-To: a@far.test")
	job "$name" far.test 1:1:a@far.test | deliver
	[[ $output == "1 defer 4.5.0 "*"no LMTP server: "* ]]
}

@test "into our own server: both users, and the one who is not there" {
	instance_start
	adduser alice@example.test secret
	adduser bob@example.test secret
	echo "example.test lmtp:[127.0.0.1]:$LMTP_PORT tls=none" >"$LAB/control/routes"
	export POSTHOUSE=$LAB/control
	name=$(printf 'Subject: x\n\nby lmtp\n' | spool a@me.test "Delivered-To: alice@example.test")
	job "$name" example.test 1:1:alice@example.test 2:2:eve@example.test 3:3:bob@example.test | deliver
	[[ $output == *"1 passed 2.0.0 "* ]]
	[[ $output == *"2 fail 5.1.1 "* ]]
	[[ $output == *"3 passed 2.0.0 "* ]]
	await 10 has_messages "$(maildir alice@example.test)" 1
	await 10 has_messages "$(maildir bob@example.test)" 1
	grep -q 'by lmtp' "$(maildir bob@example.test)"/new/*
}

@test "routes: the port is 24 unless it is given; mx: and lmtp: do not go together" {
	echo "far.test lmtp:store.test" >"$LAB/control/routes"
	echo "route far.test -> lmtp:store.test:24" >"$LAB/control/expect"
	echo far.example >"$LAB/control/domains"
	run "$BIN/admin" check; [[ $output != *"expect:"* ]] || { echo "$output"; false; }
	echo "far.test lmtp:mx:" >"$LAB/control/routes"
	run "$BIN/admin" check
	[[ $output == *"routes:1: "* ]]
}
