# smtpd_proxy.bats: clients behind a proxy: the PROXY protocol, and XCLIENT; from listed machines only.
# shellcheck shell=bash disable=SC2154,SC2034

# As those with instance_start, these tests run once more with sanitizers.
load helper
load smtpd.bash

M='MAIL FROM:<a@example.org>\r\n'
R='RCPT TO:<bob@example.test>\r\n'

setup() {
	WRAP=()
	house
}

# behind PROGRAM FLAG CODE...: starts a server whose proxies are in $CONTROL/proxies, and runs the Python CODE from standard
# input with: v1(CLIENT), v2(CLIENT) headers; talk(BYTES, TLS) what the server says, TLS being none, implicit or starttls.
behind() {
	local port pid program=$1 flag=$2
	need python3 python3
	unprivileged "$BIN/$program" -C "$CONTROL" ${flag:+"$flag"} -l 127.0.0.1:0 2>>"$LOG" &
	pid=$!
	listening "$pid" "$LOG"
	{
		cat <<-'E'
			import ipaddress, socket, ssl, struct, sys
			def v1(client, port=4242):
			    family = 6 if ":" in client else 4
			    here = "::1" if family == 6 else "127.0.0.1"
			    return f"PROXY TCP{family} {client} {here} {port} 25\r\n".encode()
			def v2(client, port=4242, tlv=b"", command=0x21):
			    a = ipaddress.ip_address(client).packed
			    body = a + bytes(len(a)) + struct.pack("!HH", port, 25) + tlv
			    return b"\r\n\r\n\0\r\nQUIT\n" + bytes([command, 0x21 if len(a) == 16 else 0x11]) + struct.pack("!H", len(body)) + body
			def talk(head, text=b"QUIT\r\n", tls=None, pieces=False):
			    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=120)
			    if pieces:
			        for i in range(len(head)): s.sendall(head[i:i + 1])
			    else:
			        s.sendall(head if tls else head + text)
			    c = ssl.create_default_context(); c.check_hostname = False; c.verify_mode = ssl.CERT_NONE
			    out = b""
			    if tls == "starttls":
			        def line():
			            l = b""
			            while not l.endswith(b"\n"): l += s.recv(1)
			            return l
			        out += line()
			        s.sendall(b"STARTTLS\r\n")
			        assert line().startswith(b"220")
			    if tls: s = c.wrap_socket(s)
			    if tls or pieces: s.sendall(text)
			    try:
			        while True:
			            part = s.recv(65536)
			            if not part: break
			            out += part
			    except ConnectionResetError:
			        pass
			    return out.decode().replace("\r", "")
		E
		cat
	} >"$DIR/code"
	timeout 300 python3 "$DIR/code" "$port" >"$DIR/said" 2>&1 || { cat "$DIR/said"; end "$pid"; return 1; }
	end "$pid"
	output=$(cat "$DIR/said")
}

@test "PROXY: both versions, whole or in pieces, plain, with STARTTLS and with TLS from the first byte" {
	certificate
	echo '127.0.0.0/8 proxy' >"$CONTROL/proxies"
	mail="EHLO a\\\\r\\\\nMAIL FROM:<a@example.org>\\\\r\\\\nRCPT TO:<bob@example.test>\\\\r\\\\nDATA\\\\r\\\\nSubject: x\\\\r\\\\n\\\\r\\\\n.\\\\r\\\\nQUIT\\\\r\\\\n"
	for flag in '' -S; do
		behind smtpd "$flag" <<-E
			mail = b"$(printf '%b' "$mail")"
			modes = ["implicit"] if "$flag" else [None, "starttls"]
			if "$flag": mail = b"EHLO a\r\nQUIT\r\n"
			n = 0
			for mode in modes:
			    for make in v1, v2:
			        for client in "198.51.100.7", "2001:db8::7":
			            for pieces in (False, True):
			                out = talk(make(client), mail, mode, pieces)
			                assert out.startswith("220 ") and "\n221 " in out, out
			                n += 1
			out = talk(v2("198.51.100.7", tlv=b"\x20\0\x10" + bytes(16)), mail, modes[0])
			assert "\n221 " in out, out
			print(n + 1, "sessions")
		E
	done
	[ "$(stored)" = 17 ]
	[ "$(cat "$SPOOL"/new/* | grep -c '^Received: from a (\[198.51.100.7\])$')" = 9 ]
	[ "$(cat "$SPOOL"/new/* | grep -c '^Received: from a (\[IPv6:2001:db8::7\])$')" = 8 ]
	grep -q 'connect sid=.* peer=198.51.100.7' "$LOG"
	no grep -q 'connect sid=.* peer=127.0.0.1' "$LOG"
}

@test "PROXY: the client's address decides, not the proxy's; a limit counts clients" {
	echo '127.0.0.1 proxy' >"$CONTROL/proxies"
	behind smtpd '' <<-'E'
		relay = b"EHLO a\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<x@example.com>\r\nQUIT\r\n"
		assert "\n250 2.1.5" in talk(v1("192.0.2.7"), relay)
		assert "\n550 5.7.1" in talk(v1("198.51.100.7"), relay)
		# A client that claims to be this machine is none.
		assert "\n550 5.7.1" in talk(v1("127.0.0.1"), relay)
		# LOCAL and UNKNOWN: the proxy itself, for its own checks.
		assert "\n221" in talk(b"PROXY UNKNOWN\r\n")
		assert "\n221" in talk(v2("192.0.2.7", command=0x20))
		print("fine")
	E
	[ "$output" = fine ]
	setting client-connection-limit 2
	behind smtpd '' <<-'E'
		held = []
		def hold(client):
		    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=120)
		    s.sendall(v1(client))
		    held.append(s)
		    return s.recv(100).decode()[:9]
		said = [hold(c) for c in ("203.0.113.1", "203.0.113.1", "203.0.113.1", "203.0.113.2", "203.0.113.2", "198.51.100.1")]
		assert [t[:3] for t in said] == ["220", "220", "421", "220", "220", "220"], said
		print("fine")
	E
	[ "$output" = fine ]
	grep -q 'reject sid=.* peer=127.0.0.1 text=limit reached: client-connection-limit' "$LOG"
}

@test "PROXY: who is not listed is not believed, and who is must send a header" {
	echo '192.0.2.9 proxy' >"$CONTROL/proxies"
	behind smtpd '' <<-'E'
		out = talk(v1("192.0.2.7"))
		assert "\n500 5.5.1" in out and "\n221" in out, out
		print("fine")
	E
	[ "$output" = fine ]
	echo '127.0.0.1 proxy' >"$CONTROL/proxies"
	behind smtpd '' <<-'E'
		for head in (b"", b"EHLO a\r\n", b"\r\n\r\n", b"PROXY TCP4 1.2.3.4\r\n", v1("192.0.2.7")[:-2] + b"\n", v2("192.0.2.7")[:13] + b"\xff" * 20,
		             b"P" * 200, b"PROXY " + b"x" * 200):
		    out = talk(head, b"QUIT\r\n")
		    assert out == "", (head, out)
		print("fine")
	E
	[ "$output" = fine ]
	grep -q 'reject sid=.* peer=127.0.0.1 text=no PROXY header from a machine' "$LOG"
	no grep -q 'signal' "$LOG"
}

@test "PROXY: pop3d and imapd know it too" {
	certificate
	echo '127.0.0.1 proxy' >"$CONTROL/proxies"
	behind pop3d '' <<-'E'
		out = talk(v2("2001:db8::7"))
		assert out.startswith("+OK") and out.count("+OK") == 2, out
	E
	behind imapd -S <<-'E'
		out = talk(v1("198.51.100.7"), b"a LOGOUT\r\n", "implicit")
		assert "a OK" in out, out
	E
	grep -q 'pop3d.*connect sid=.* peer=2001:db8::7' "$LOG"
	grep -q 'imapd.*connect sid=.* peer=198.51.100.7' "$LOG"
}

@test "PROXY: broken lines of the file are errors" {
	for line in '127.0.0.1' '127.0.0.1 PROXY' 'x proxy' '0.0.0.0/0 proxy' '127.0.0.1 proxy xclient' '127.0.0.1/8 proxy'; do
		echo "$line" >"$CONTROL/proxies"
		run unprivileged "$BIN/smtpd" -C "$CONTROL" -n
		[ "$status" = 78 ]
		[[ $output == *"proxies:1: "* ]]
	done
}

@test "XCLIENT: a listed machine says for whom it speaks, before any mail and until it has named an address" {
	echo '198.51.100.9 xclient' >"$CONTROL/proxies"
	export TCPREMOTEIP=198.51.100.9
	smtp "EHLO proxy.example\r\nxclient helo=first.example\r\nXCLIENT NAME=client.example ADDR=192.0.2.7 PORT=1234 PROTO=ESMTP HELO=told.example DESTADDR=192.0.2.1 DESTPORT=25\r\nMAIL FROM:<>\r\nEHLO a\r\n${M}RCPT TO:<x@example.com>\r\nDATA\r\n\r\n.\r\nXCLIENT ADDR=198.51.100.9\r\nHELP XCLIENT\r\nQUIT\r\n"
	expect 250 220 220 503 250 250 250 354 250 500 504 221
	[ "$(grep -c "250-XCLIENT NAME ADDR PORT PROTO HELO DESTADDR DESTPORT" <<<"$output")" = 1 ]
	cat "$SPOOL"/new/* | grep -qx 'Received: from told.example (\[192.0.2.7\])'
	smtp "EHLO a\r\nxclient addr=IPV6:2001:db8::7 helo=[UNAVAILABLE]\r\nEHLO b\r\n${M}RCPT TO:<x@example.com>\r\nQUIT\r\n"
	expect 250 220 250 250 550 221
	grep -q 'connect sid=.* peer=2001:db8::7' "$LOG"
	smtp "EHLO a\r\n${M}XCLIENT ADDR=192.0.2.7\r\nRSET\r\nXCLIENT ADDR=[UNAVAILABLE] NAME=[TEMPUNAVAIL]\r\nHELO c\r\n${M}RCPT TO:<x@example.com>\r\n${R}DATA\r\n\r\n.\r\nXCLIENT ADDR=192.0.2.7\r\nQUIT\r\n"
	expect 250 250 503 250 220 250 250 550 250 354 250 500 221
	cat "$SPOOL"/new/* | grep -qx 'Received: from c (unknown)'
	for bad in '' ADDR ADDR= ADDR=1.2.3 ADDR=IPV6:1.2.3.4 ADDR=2001:db8::1 PORT=x PORT=65536 'HELO=a+20b' HELO=a+ZZ PROTO=LMTP FOO=1 LOGIN=bob@example.test 'ADDR=192.0.2.7 PORT=' 'HELO=+00' '=x'; do
		smtp "EHLO a\r\nXCLIENT $bad\r\n${M}RCPT TO:<x@example.com>\r\nQUIT\r\n"
		expect 250 501 250 550 221
	done
	smtp "HELP XCLIENT\r\nQUIT\r\n"
	expect 214 221
	echo '192.0.2.0/24 xclient' >>"$CONTROL/proxies"	# one proxy behind another
	smtp "XCLIENT ADDR=192.0.2.7\r\nXCLIENT ADDR=203.0.113.1\r\nXCLIENT ADDR=192.0.2.7\r\nQUIT\r\n"
	expect 220 220 500 221
}

@test "XCLIENT: behind it there is no STARTTLS, whose new session would take the client for the proxy" {
	certificate
	echo '198.51.100.9 xclient' >"$CONTROL/proxies"
	export TCPREMOTEIP=198.51.100.9
	smtp "EHLO a\r\nXCLIENT HELO=b.example\r\nEHLO a\r\nXCLIENT ADDR=192.0.2.7\r\nEHLO a\r\nSTARTTLS\r\nQUIT\r\n"
	expect 250 220 250 220 250 454 221
	[ "$(grep -c '^250.STARTTLS' <<<"$output")" = 2 ]
}

@test "XCLIENT: a login on submission, and only of an account that there is" {
	echo '198.51.100.9 xclient' >"$CONTROL/proxies"
	export TCPREMOTEIP=198.51.100.9
	smtp "EHLO a\r\nXCLIENT ADDR=203.0.113.1 LOGIN=nobody@example.test\r\nXCLIENT LOGIN=bob+40example.test\r\nEHLO a\r\nMAIL FROM:<bob@example.test>\r\nRCPT TO:<x@example.com>\r\nRSET\r\nXCLIENT ADDR=203.0.113.1 LOGIN=[UNAVAILABLE]\r\nEHLO a\r\nMAIL FROM:<bob@example.test>\r\nQUIT\r\n" -s
	expect 250 550 220 250 250 250 250 220 250 530 221
	has "250-XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT"
}

@test "XCLIENT: for others there is no such command" {
	for address in '' 192.0.2.7 198.51.100.9; do
		[ "$address" != 198.51.100.9 ] || echo '198.51.100.9 proxy' >"$CONTROL/proxies"
		TCPREMOTEIP=$address smtp "EHLO a\r\nXCLIENT ADDR=192.0.2.7\r\nHELP XCLIENT\r\nQUIT\r\n"
		if [ "$address" = 198.51.100.9 ]; then
			[ "$output" = "" ]	# a proxy that sends no header
		else
			expect 250 500 504 221
			no grep -q '^250.XCLIENT' <<<"$output"
		fi
	done
}
