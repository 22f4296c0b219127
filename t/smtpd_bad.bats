# smtpd_bad.bats: bad input gets the documented reply; the process neither grows nor dies without one.
# shellcheck shell=bash disable=SC2154,SC2034

# As those with instance_start, these tests run once more with sanitizers.
load helper
load smtpd.bash

setup() {
	WRAP=()
	house
}

# long N [C]: N times C.
long() { head -c "$1" /dev/zero | tr '\0' "${2-a}"; }

# For each line: the code of the last reply but one (before QUIT's, or the last where the session closes), the way there, the
# bad input (printf %b; {N} is N times the letter a, behind it).
@test "bad commands: each has its reply, and the session goes on" {
	n=0
	while IFS='|' read -r code reach bad; do
		[ -n "$code" ] || continue
		case $reach in
		start) before='' ;;
		ehlo) before='EHLO a\r\n' ;;
		mail) before='EHLO a\r\nMAIL FROM:<a@b.example>\r\n' ;;
		rcpt) before='EHLO a\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<bob@example.test>\r\n' ;;
		esac
		while [[ $bad =~ \{([0-9]+)\} ]]; do
			bad=${bad/"${BASH_REMATCH[0]}"/$(long "${BASH_REMATCH[1]}")}
		done
		smtp "$before$bad\r\nQUIT\r\n"
		got=$(codes)
		got=${got% 221}
		[ "${got##* }" = "$code" ] && [ "$(codes | grep -c '221$')" = 1 ] && [ "$status" = 0 ] || {
			printf 'expected %s for: %.200s\n%s (exit %s)\n' "$code" "$bad" "$output" "$status"
			return 1
		}
		nothing_left
		n=$((n + 1))
	done <<'E'
500|start|{3000}
500|start|NOOP {3000}
500|ehlo|MAIL FROM:<a@b.example> {13000}
500|start|NO\0OP
500|start|\0
500|start|EHLO a\0b
500|start|NOOP\rNOOP
500|start|NOOP\nNOOP x\ry
500|start|\r
500|start|\xff\xfe\xfd
500|start| NOOP
500|start|\tNOOP
500|start|NOOPX
500|start|GET / HTTP/1.1
500|start|
500|start|EHLO\ta
501|start|EHLO
501|start|EHLO {256}
501|start|EHLO a b
501|start|EHLO a\tb
501|start|EHLO \xc3\xa4.example
501|start|EHLO a\xffb
501|start|EHLO [1.2.3]
501|start|EHLO a(b)
501|start|EHLO a;b
501|start|HELO
501|start|HELO <a>
503|start|MAIL FROM:<a@b.example>
503|start|RCPT TO:<a@b.example>
503|start|DATA
503|ehlo|RCPT TO:<bob@example.test>
503|ehlo|DATA
503|mail|MAIL FROM:<a@b.example>
503|mail|DATA
503|rcpt|STARTTLS
501|ehlo|MAIL
501|ehlo|MAIL <a@b.example>
501|ehlo|MAIL FROM <a@b.example>
501|ehlo|MAIL FROM:
501|ehlo|MAIL FROM:a@b.example
501|ehlo|MAIL FROM:<a@b.example
501|ehlo|MAIL FROM:a@b.example>
501|ehlo|MAIL FROM:<<a@b.example>>
501|ehlo|MAIL FROM:<a@b.example>x
501|ehlo|MAIL FROM:<a@b.example>SIZE=1
501|ehlo|MAIL FROM:<a>
501|ehlo|MAIL FROM:<@b.example>
501|ehlo|MAIL FROM:<a@>
501|ehlo|MAIL FROM:<a@b..example>
501|ehlo|MAIL FROM:<a@-b.example>
501|ehlo|MAIL FROM:<a..c@b.example>
501|ehlo|MAIL FROM:<a@b@c.example>
501|ehlo|MAIL FROM:<a@[300.1.1.1]>
501|ehlo|MAIL FROM:<a@[IPv6:zz]>
501|ehlo|MAIL FROM:<a@[1.2.3.4>
501|ehlo|MAIL FROM:<"a@b.example>
501|ehlo|MAIL FROM:<"a\x01"@b.example>
501|ehlo|MAIL FROM:<a\x7f@b.example>
501|ehlo|MAIL FROM:<{65}@b.example>
501|ehlo|MAIL FROM:<a@{64}.example>
501|ehlo|MAIL FROM:<a@{60}.{60}.{60}.{60}.{60}.example>
501|ehlo|MAIL FROM:<\xff@b.example>
550|ehlo|MAIL FROM:<\xc3\xa4@b.example>
550|ehlo|MAIL FROM:<a@b\xc3\xa4.example>
501|ehlo|MAIL FROM:<\xff@b.example> SMTPUTF8
501|ehlo|MAIL FROM:<a@b\xe3\x80\x82example> SMTPUTF8
501|ehlo|MAIL FROM:<a\xc2\x85@b.example> SMTPUTF8
501|ehlo|MAIL FROM:<a@b.example> SMTPUTF8=1
501|ehlo|MAIL FROM:<a@b.example> SMTPUTF8 SMTPUTF8
501|ehlo|MAIL FROM:<a@b.example> smtputf8=
555|mail|RCPT TO:<bob@example.test> SMTPUTF8
501|ehlo|MAIL FROM:<a@b.example> =1
501|ehlo|MAIL FROM:<a@b.example> SIZE=
501|ehlo|MAIL FROM:<a@b.example> SIZE==1
501|ehlo|MAIL FROM:<a@b.example> SIZE
501|ehlo|MAIL FROM:<a@b.example> SIZE=-1
501|ehlo|MAIL FROM:<a@b.example> SIZE=1x
501|ehlo|MAIL FROM:<a@b.example> SIZE=99999999999999999999
552|ehlo|MAIL FROM:<a@b.example> SIZE=18446744073709551615
552|ehlo|MAIL FROM:<a@b.example> SIZE=9999999999
501|ehlo|MAIL FROM:<a@b.example> SIZE=1 SIZE=2
501|ehlo|MAIL FROM:<a@b.example> BODY=9BIT
501|ehlo|MAIL FROM:<a@b.example> BODY
555|ehlo|MAIL FROM:<a@b.example> FOO
555|ehlo|MAIL FROM:<a@b.example> AUTH=<>
501|ehlo|MAIL FROM:<a@b.example> {33}
501|ehlo|MAIL FROM:<a@b.example> A B C D E F G H I J K L M N O P Q
501|mail|RCPT
501|mail|RCPT TO:
501|mail|RCPT TO:<>
501|mail|RCPT TO:<bob>
501|mail|RCPT TO:bob@example.test
501|mail|RCPT TO:<bob@example.test> x y=
555|mail|RCPT TO:<bob@example.test> SIZE=1
500|mail|RCPT TO:<bob@example.test\0000>
501|mail|RCPT TO:<{65}@example.test>
501|mail|RCPT TO:<@a,b:bob@example.test>
501|mail|RCPT TO:<bob@example.test.>
501|mail|RCPT TO:<../../etc/passwd@example.test>
550|mail|RCPT TO:<|sh@example.test>
550|mail|RCPT TO:<"|sh -c x"@example.test>
553|mail|RCPT TO:<b\xc3\xb6b@example.test>
501|rcpt|DATA x
501|ehlo|RSET x
501|ehlo|QUIT now
504|ehlo|HELP \xff
501|ehlo|VRFY
502|ehlo|EXPN x
502|ehlo|AUTH PLAIN AAAA
503|start|BDAT 6 LAST\r\nQUIT
503|ehlo|BDAT 6\r\nQUIT
503|mail|BDAT 6 LAST\r\nQUIT
503|mail|BDAT 5 LAST\r\na\nb
550|rcpt|BDAT 5 LAST\r\na\rb
550|rcpt|BDAT 5 LAST\r\na\0000b
550|mail|RCPT TO:</etc/passwd@example.test>
E
	[ "$n" -ge 60 ]
}

# Every sequence in place of the end of the data, then what a smuggler would send.
@test "smuggling: every vector, and nothing behind it is a command" {
	need_data vectors/smtp-smuggling.tsv
	n=0
	while IFS=$'\t' read -r sequence ends verdict; do
		[[ $sequence != '#'* ]] || continue
		# shellcheck disable=SC2001	# \x00 is \0000 for %b
		sequence=$(sed 's/\\x00/\\0000/g' <<<"$sequence")
		for repair in refuse repair; do
			sed -i /bare-newline/d "$CONTROL/settings"
			setting "bare-newline $repair"
			smtp "EHLO a\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nSubject: x\r\n\r\nbody${sequence}MAIL FROM:<evil@b.example>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nFrom: evil\r\n\r\n.\r\nQUIT\r\n"
			n=$((n + 1))
			if [ "$ends" = yes ]; then
				expect 250 250 250 354 250 250 250 354 250 221
			else
				# Either refused and closed, or all of it is one message.
				case $(codes) in
				'250 250 250 354 521') nothing_left ;;
				'250 250 250 354 250 221')
					[ "$(stored)" = 1 ]
					message | grep -q '^MAIL FROM:<evil' || message | grep -q 'MAIL FROM:<evil'
					[ "$(message | grep -c 'Return-Path: <evil')" = 0 ]
					message | no grep -q $'\r' ;;
				*) echo "$sequence: $output"; return 1 ;;
				esac
			fi
			find "$SPOOL/new" -type f -delete
			[ "$repair" = repair ] || [ "$ends" = yes ] || [[ $sequence == '\r\n..\r\n' ]] ||
			    [[ $(codes) == '250 250 250 354 521' ]]
		done
	done <"$TESTDATA/vectors/smtp-smuggling.tsv"
	[ "$n" -ge 28 ]
}

@test "bare CR, LF and NUL at every place of the data" {
	for repair in refuse repair; do
		sed -i /bare-newline/d "$CONTROL/settings"
		setting "bare-newline $repair"
		for bad in '\r' '\n' '\0000'; do
			for data in "${bad}x: y\r\n\r\n" "x${bad}: y\r\n\r\n" "x: y$bad\r\n\r\n" "x: y\r\n$bad\r\n" "x: y\r\n\r\n$bad\r\n" "x: y\r\n\r\n.$bad\r\n" "x: y\r\n\r\n..$bad.\r\n" "x: y\r\n\r\nabc$bad"; do
				smtp "EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n$data\r\n.\r\nQUIT\r\n"
				if [ "$repair" = refuse ] || [ "$bad" = '\0000' ]; then
					expect 250 250 250 354 521
					nothing_left
				else
					expect 250 250 250 354 250 221
					message | no grep -q $'\r'
				fi
				rm -f "$SPOOL"/new/*
			done
		done
	done
}

# peak: the session's largest memory in kB while it is fed from stdin, taken when all was read.
@test "endless input: the process does not grow" {
	[ -z "${SANITIZED-}" ] || skip "the sanitizer's own memory"
	[ -d /proc/self ] || skip "no /proc"
	setting message-size-limit 1M
	setting error-limit 10000
	setting command-limit 1000000
	for kind in line lines header body rcpt; do
		mkfifo "$DIR/in"
		chmod 666 "$DIR/in"
		: >"$LOG"
		session >"$DIR/out" <"$DIR/in" &
		exec 8>"$DIR/in"
		printf 'EHLO a\r\n' >&8
		data='MAIL FROM:<>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n'
		case $kind in
		line) long 50000000 >&8 ;;
		lines) yes $'NOOP\r' | head -c 3000000 >&8 ;;
		header) { printf '%b' "$data"; yes "X-$(long 900): x"$'\r' | head -c 50000000; } >&8 ;;
		body) { printf '%b' "$data\r\n"; yes "$(long 900)"$'\r' | head -c 50000000; } >&8 ;;
		rcpt) { printf 'MAIL FROM:<>\r\n'; yes "RCPT TO:<$(long 60)@$(long 60).example>"$'\r' | head -c 3000000; } >&8 2>/dev/null || : ;;
		esac
		pid=$(sed -n 's/^smtpd\[\([0-9]*\)\]: connect.*/\1/p' "$LOG")
		peak=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status" 2>/dev/null || echo 0)
		exec 8>&-
		wait
		echo "$kind: peak ${peak:-0} kB"
		[ "${peak:-0}" -lt 8000 ]
		nothing_left
		rm "$DIR/in"
	done
}

@test "a whole session, AUTH and BDAT in it, one octet at a time" {
	need python3 python3
	cat >"$DIR/code" <<-'E'
		import os, subprocess, sys, time
		p = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
		text = (b"EHLO a\r\nAUTH LOGIN\r\nYm9iQGV4YW1wbGUudGVzdA==\r\ncHc=\r\nMAIL FROM:<bob@example.test>\r\nRCPT TO:<bob@example.test>\r\n"
		        b"BDAT 9\r\nx: y\r\n\r\n.BDAT 3 LAST\r\n.\r\nMAIL FROM:<bob@example.test>\r\nRCPT TO:<al@example.test>\r\nDATA\r\n"
		        b"x: y\r\n\r\n..\r\n.\r\nQUIT\r\n")
		for i in range(len(text)):
		    os.write(p.stdin.fileno(), text[i:i + 1])
		    time.sleep(0.002)
		p.stdin.close()
		sys.stdout.buffer.write(p.stdout.read().replace(b"\r", b""))
		sys.exit(p.wait())
	E
	output=$(unprivileged timeout 120 python3 "$DIR/code" "$BIN/smtpd" -s -C "$CONTROL" 2>>"$LOG")
	expect 250 334 334 235 250 250 250 250 250 250 354 250 221
	[ "$(stored)" = 2 ]
	for f in "$SPOOL"/new/*; do [[ $(tail -n 1 "$f") == . || $(tail -n 1 "$f") == .. ]]; done
}

@test "half-closed connections and clients that do not wait for replies" {
	need python3 python3
	unprivileged "$BIN/smtpd" -C "$CONTROL" -l 127.0.0.1:0 2>>"$LOG" &
	pid=$!
	listening "$pid" "$LOG"
	run timeout 300 python3 - "$port" <<-'E'
		import socket, sys
		port = int(sys.argv[1])
		def talk(data, read=True):
		    s = socket.create_connection(("127.0.0.1", port), timeout=120)
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 200000)    # the kernel has all at once
		    s.sendall(data); s.shutdown(socket.SHUT_WR)
		    out = b""
		    while read:
		        part = s.recv(65536)
		        if not part: break
		        out += part
		    s.close()
		    return out.decode()
		head = b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n"
		out = talk(head + b"x: y\r\n\r\n.\r\nQUIT\r\n")
		assert "250 2.0.0 Queued" in out and "221 " in out, out
		out = talk(head + b"x: y\r\n\r\n.\r\n")
		assert "250 2.0.0 Queued" in out, out
		# Data of a refused message is read, so that the reply arrives and no reset.
		out = talk(head + b"x\ny\r\n" + b"z" * 150000)
		assert out.endswith("closing connection\r\n") and "521 " in out, out
		for i in range(20):
		    talk(head + b"x: y\r\n\r\n.\r\nQUIT\r\n", read=False)
		print("fine")
	E
	end "$pid"
	[ "$output" = fine ]
}

@test "slow clients hold their own process alone: others are served among them" {
	need python3 python3
	[ -z "${SANITIZED-}" ] || skip "the sanitizer's own memory"
	run timeout 600 "$ROOT/t/bench/slow-clients" 100 20
	echo "$output"
	[ "$status" = 0 ]
	[[ ${lines[1]} =~ among\ 100\ clients.*\ 0\ lost ]]
	# Of its own, in kB: the ceiling that posthouse-smtpd(8) names, with room for another libc.
	[[ ${lines[2]} =~ \ ([0-9]+)(\.[0-9])?\ kB\ of\ its\ own$ ]]
	[ "${BASH_REMATCH[1]}" -lt 300 ]
}
