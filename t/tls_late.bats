# tls_late.bats: OpenSSL is loaded when TLS is first needed and not before, from the tls.so that came with the program; and what
# happens when that, or the certificate, is not as it should be.
# shellcheck shell=bash disable=SC2154

load helper

setup() {
	need openssl openssl
	DIR=$(private_dir)
	C=$DIR/control
	bare_control "$DIR"
	: >"$C/users"
	mkdir "$C/tls" "$DIR/bin"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=mx.example.test \
	    -keyout "$C/tls/key.pem" -out "$C/tls/cert.pem" 2>/dev/null
	cp "$BIN"/{smtpd,pop3d,imapd,tls.so} "$DIR/bin"
	SERVER=
}
teardown() {
	[ -z "$SERVER" ] || end "$SERVER"
	rm -rf "$DIR"
}

# listen PROGRAM OPTIONS...: the copy of the program in DIR/bin, on $port.
listen() {
	local program=$1
	shift
	"$DIR/bin/$program" "$@" -C "$C" -l 127.0.0.1:0 >/dev/null 2>"$DIR/log" 3>&- &
	SERVER=$!
	listening "$SERVER" "$DIR/log"
}

# refuses PROGRAM OPTIONS...: it does not start; what it says is in $output.
refuses() {
	local program=$1
	shift
	run timeout 200 "$DIR/bin/$program" "$@" -C "$C" -l "127.0.0.1:0"
	echo "$output"
	[ "$status" = 78 ]
}
has_openssl() { grep -qE '/lib(ssl|crypto)\.so' "/proc/$SERVER/maps"; }
quiet() { [ -z "$(children "$SERVER")" ]; }

# talk LINES: one session in clear; the replies are in $output.
talk() {
	run timeout 200 bash -c 'exec 7<>"/dev/tcp/127.0.0.1/$1" && printf "$2" >&7 && tr -d "\r" <&7' _ "$port" "$1"
	await 10 quiet
}

# starttls PROTOCOL: a session by STARTTLS; $output has what openssl says.
starttls() {
	run timeout 200 openssl s_client -connect "127.0.0.1:$port" -starttls "$1" </dev/null
	await 10 quiet
}
in_tls() { grep -q '^New, TLSv1.3' <<<"$output"; }

@test "three servers: no OpenSSL in the listener before the first STARTTLS, not even for a plaintext session; then it stays" {
	local program protocol
	for program in smtpd pop3d imapd; do
		protocol=${program%d}
		listen "$program"
		not has_openssl
		talk 'a LOGOUT\r\nQUIT\r\n'		# the one or the other is the end
		not has_openssl
		starttls "$protocol"
		in_tls
		has_openssl
		starttls "$protocol"
		in_tls
		end "$SERVER"
	done
}

# data_limit: how much memory a session may have.
data_limit() {
	exec 7<>"/dev/tcp/127.0.0.1/$port"
	read -r -t 200 _ <&7
	sed -n 's/^Max data size  *\([a-z0-9]*\).*/\1/p' "/proc/$(children "$SERVER" | head -n 1)/limits"
	exec 7>&-
	await 10 quiet
}

@test "what OpenSSL takes is not taken from the memory that a session may have" {
	local before after
	listen pop3d
	before=$(data_limit)
	starttls pop3
	in_tls
	after=$(data_limit)
	if [ "$before" = unlimited ]; then	# a sanitizer has all that it wants
		[ "$after" = unlimited ]
	else
		[ $((after - before)) -ge 200000 ]
	fi
}

@test "where the first byte is TLS it is loaded before anybody can connect" {
	listen imapd -S
	has_openssl
	run timeout 200 openssl s_client -connect "127.0.0.1:$port" </dev/null
	in_tls
}

@test "no certificate: no OpenSSL, tls.so is not asked for, and STARTTLS is neither offered nor done" {
	rm "$C/tls/cert.pem" "$DIR/bin/tls.so"
	listen smtpd
	grep -q 'no TLS (no tls/cert.pem)' "$DIR/log"
	talk 'EHLO a\r\nSTARTTLS\r\nQUIT\r\n'
	not grep -q '^250.STARTTLS' <<<"$output"
	grep -q '^454 4.7.0 ' <<<"$output"
	not has_openssl
}

@test "a certificate that comes after the start is offered without a restart" {
	mv "$C/tls/cert.pem" "$DIR/cert.pem"
	listen smtpd
	grep -q 'no TLS (no tls/cert.pem)' "$DIR/log"
	talk 'EHLO a\r\nQUIT\r\n'
	not grep -q '^250.STARTTLS' <<<"$output"
	mv "$DIR/cert.pem" "$C/tls/cert.pem"
	until grep -q '^250.STARTTLS' <<<"$output"; do
		talk 'EHLO a\r\nQUIT\r\n'
	done
	starttls smtp
	in_tls
}

@test "a broken certificate is told at start, in all ways of being started" {
	echo broken >"$C/tls/cert.pem"
	refuses smtpd
	grep -q "$C/tls/cert.pem: no certificate in PEM form" <<<"$output"
	refuses smtpd -S
	grep -q "$C/tls/cert.pem: no certificate in PEM form" <<<"$output"
	run bash -c 'printf "QUIT\r\n" | "$1" -C "$2"' _ "$DIR/bin/smtpd" "$C"
	[ "$status" = 78 ]
	grep -q "$C/tls/cert.pem: no certificate in PEM form" <<<"$output"
}

@test "tls.so that is missing, no library, or open to others is told at start: which, where, and how to mend it" {
	: >"$DIR/bin/tls.so"
	refuses pop3d
	grep -q "$DIR/bin/tls.so: cannot be loaded: .*too short; install OpenSSL's libraries, or posthouse again" <<<"$output"
	rm "$DIR/bin/tls.so"
	refuses pop3d
	grep -q "$DIR/bin/tls.so: No such file or directory; it comes with this program: install posthouse again" <<<"$output"
	mkdir "$DIR/bin/tls.so"
	refuses pop3d
	rmdir "$DIR/bin/tls.so"
	cp "$BIN/tls.so" "$DIR/bin/tls.so"
	chmod 775 "$DIR/bin/tls.so"
	chmod 755 "$DIR/bin/pop3d"
	refuses pop3d -S
	grep -q "$DIR/bin/tls.so: others than the program's owner can change it; see to its owner and mode" <<<"$output"
}

@test "root takes no tls.so that belongs to somebody else" {
	need_root
	chown 65534 "$DIR/bin/tls.so"
	refuses imapd
	grep -q "others than the program's owner can change it" <<<"$output"
}

@test "tls.so is written over after the start, even by its like: told once, STARTTLS is no longer offered (454)" {
	touch -d '1 hour ago' "$DIR/bin/tls.so"
	listen smtpd
	cat "$BIN/tls.so" >"$DIR/bin/tls.so"
	starttls smtp
	not in_tls
	talk 'EHLO a\r\nSTARTTLS\r\nQUIT\r\n'
	not grep -q '^250.STARTTLS' <<<"$output"
	grep -q '^454 4.7.0 ' <<<"$output"
	grep -q '^221 ' <<<"$output"
	[ "$(grep -c "tls.so: has been written over .*; start it again; STARTTLS is not offered until this is mended" "$DIR/log")" = 1 ]
	end "$SERVER"
	listen smtpd
	starttls smtp
	in_tls
}

@test "a certificate that breaks before the first STARTTLS: likewise" {
	listen imapd
	cp "$C/tls/cert.pem" "$DIR/good"
	echo broken >"$C/tls/cert.pem"
	starttls imap
	not in_tls
	talk 'a STARTTLS\r\nb LOGOUT\r\n'
	grep -q '^a BAD TLS is not available' <<<"$output"
	grep -q 'cert.pem: no certificate in PEM form: .*; STARTTLS is not offered until this is mended' "$DIR/log"
	cat "$DIR/good" >"$C/tls/cert.pem"
	starttls imap
	in_tls
}

@test "an update that puts another tls.so there does not reach a server that runs" {
	listen smtpd
	echo "of another version" >"$DIR/new"
	mv "$DIR/new" "$DIR/bin/tls.so"
	starttls smtp
	in_tls
	grep -q 'tls.so (deleted)' "/proc/$SERVER/maps"
}
