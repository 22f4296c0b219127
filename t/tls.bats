# tls.bats: versions and ciphers, host names and their certificates, new certificates without a restart, and no session
# resumption, as openssl and gnutls see it.
# shellcheck shell=bash disable=SC2154

load helper

setup_file() {
	INSTANCE_ONLY="IMAPS IMAP SUBMISSIONS" instance_start
	adduser alice@example.test secret
	export DIR HOST IMAPS_PORT IMAP_PORT SUBMISSIONS_PORT CA_FILE CONTROL
}

teardown_file() {
	# shellcheck disable=SC2034
	INSTANCES=("$DIR")
	instance_stop
}

# client OPTIONS...: one TLS connection to IMAPS by openssl; what it says is in $output.
client() {
	run timeout 120 openssl s_client -connect "$HOST:$IMAPS_PORT" -CAfile "$CA_FILE" "$@" <<<'a LOGOUT'
}

# certificate NAME: a new one for that host, by the instance's authority, in NAME.crt and NAME.key.
certificate() {
	(
		set -e
		cd "$DIR"
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1"
		printf 'subjectAltName=DNS:%s\n' "$1" >"$1.ext"
		openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -set_serial "0x$(openssl rand -hex 6)" -days 3 \
		    -extfile "$1.ext" -out "$1.crt"
	) >/dev/null 2>&1
}
install_certificate() { # NAME DIRECTORY
	mkdir -p "$2"
	cp "$DIR/$1.key" "$2/key.new" && mv "$2/key.new" "$2/key.pem"
	cp "$DIR/$1.crt" "$2/cert.new" && mv "$2/cert.new" "$2/cert.pem"
}

@test "TLS 1.2 and 1.3 and nothing older; forward secrecy alone, AEAD first" {
	need openssl openssl
	client -tls1_3
	grep -q 'New, TLSv1.3' <<<"$output"
	client -tls1_2
	grep -qE 'New, TLSv1.2, Cipher is ECDHE-ECDSA-(AES256-GCM-SHA384|CHACHA20-POLY1305)' <<<"$output"
	grep -q 'Extended master secret: yes' <<<"$output"
	for old in -tls1 -tls1_1; do
		client $old -cipher 'ALL:@SECLEVEL=0'
		not grep -q 'BEGIN CERTIFICATE' <<<"$output"
	done
	for cipher in kRSA DHE+AESGCM SHA1 3DES aNULL:@SECLEVEL=0 CAMELLIA; do
		client -tls1_2 -cipher "$cipher"
		not grep -qE 'New, TLSv1.2, Cipher is [A-Z]' <<<"$output"
	done
	await 5 grep -qE 'tls sid=[0-9a-f]* peer=127.0.0.1 tls=TLSv1.3 text=TLS_AES' "$DIR"/log/imaps
	await 5 grep -qE 'tls sid=[0-9a-f]* peer=127.0.0.1 text=handshake failed' "$DIR"/log/imaps
}

@test "no compression, no renegotiation, and a client that tries gets no further" {
	need openssl openssl
	client -tls1_2
	grep -q 'Compression: NONE' <<<"$output"
	run timeout 120 openssl s_client -connect "$HOST:$IMAPS_PORT" -CAfile "$CA_FILE" -tls1_2 < <(printf 'R\n'; sleep 1; echo 'a LOGOUT')
	not grep -q '^a OK' <<<"$output"
}

@test "no session is resumed, no ticket sent: openssl -reconnect, -sess_out, gnutls-cli --resume" {
	need openssl openssl
	need gnutls-cli gnutls-bin
	client -tls1_2 -reconnect
	[ "$(grep -c '^New, TLSv1.2' <<<"$output")" = 6 ]
	not grep -q '^Reused' <<<"$output"
	not grep -q 'session ticket' <<<"$output"
	client -tls1_3 -sess_out "$BATS_TEST_TMPDIR/session"
	not grep -q 'Session-ID:' <<<"$output"	# printed for each ticket that comes
	[ ! -s "$BATS_TEST_TMPDIR/session" ]
	run timeout 300 gnutls-cli --x509cafile "$CA_FILE" --priority NORMAL:-VERS-TLS1.3 --resume -p "$IMAPS_PORT" localhost </dev/null
	grep -q 'Resume Handshake was completed' <<<"$output"
	not grep -q 'This is a resumed session' <<<"$output"
	[ "$(grep -c 'Got a certificate list of 1' <<<"$output")" = 2 ]
}

@test "a ticket of another server is no harm, with and without client certificates" {
	need openssl openssl
	local at
	at=$(private_address):4433
	(cd "$DIR" && exec timeout 300 openssl s_server -accept "$at" -cert control/tls/cert.pem -key control/tls/key.pem -quiet \
	    </dev/null >/dev/null 2>&1 3>&-) &
	answers() { openssl s_client -connect "$at" "-$1" -sess_out "$BATS_TEST_TMPDIR/foreign.$1" </dev/null >/dev/null 2>&1; }
	await 10 answers tls1_2
	for version in tls1_2 tls1_3; do
		(sleep 1; echo Q) | openssl s_client -connect "$at" -$version -sess_out "$BATS_TEST_TMPDIR/foreign.$version" \
		    >/dev/null 2>&1 || :
		[ -s "$BATS_TEST_TMPDIR/foreign.$version" ] || continue
		for ca in no yes; do
			[ $ca = no ] || cp "$DIR/ca.pem" "$CONTROL/tls/client-ca.pem"
			client -$version -sess_in "$BATS_TEST_TMPDIR/foreign.$version"
			grep -q '^New, TLS' <<<"$output"
			grep -q 'Verify return code: 0' <<<"$output"
		done
		rm "$CONTROL/tls/client-ca.pem"
	done
	[ -s "$BATS_TEST_TMPDIR/foreign.tls1_2" ]
	end %% 2>/dev/null || kill %% || :
}

@test "host names: each its own certificate, another the default, and a new directory without a restart" {
	need openssl openssl
	certificate one.example.test
	certificate two.example.test
	install_certificate one.example.test "$CONTROL/tls/one.example.test"
	install_certificate two.example.test "$CONTROL/tls/two.example.test"
	for name in one two; do
		client -servername $name.example.test -verify_return_error -verify_hostname $name.example.test
		grep -q 'Verify return code: 0' <<<"$output"
		await 5 grep -q "tls=TLSv1.3 text=TLS_.* $name.example.test" "$DIR"/log/imaps
	done
	client -servername ONE.Example.Test
	grep -q 'subject=CN *= *one.example.test' <<<"$output"
	for name in three.example.test ../../ca.pem; do
		client -servername $name
		grep -q 'subject=CN *= *localhost' <<<"$output"
	done
}

@test "a new certificate is live for the next connection; a broken one changes nothing and is told" {
	need openssl openssl
	cp "$CONTROL/tls/cert.pem" "$DIR/old.crt"
	cp "$CONTROL/tls/key.pem" "$DIR/old.key"
	certificate new.example.test
	install_certificate new.example.test "$CONTROL/tls"
	client -noservername
	grep -q 'subject=CN *= *new.example.test' <<<"$output"
	echo broken >"$CONTROL/tls/cert.pem"
	client -noservername
	grep -q 'subject=CN *= *new.example.test' <<<"$output"
	await 5 grep -q 'cert.pem: no certificate in PEM form: .*; the certificate that was loaded before stays in use' "$DIR"/log/imaps
	install_certificate old "$CONTROL/tls"
	client -noservername
	grep -q 'subject=CN *= *localhost' <<<"$output"
	# OpenSSL takes a key of another kind, and then has no cipher for anybody.
	openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$DIR/other.key" 2>"$DIR/openssl.log"
	cat "$DIR/other.key" >"$CONTROL/tls/key.pem"
	client -noservername
	[ "$status" != 0 ]
	await 5 grep -q 'tls/key.pem: no private key that fits cert.pem: ' "$DIR"/log/imaps
	install_certificate old "$CONTROL/tls"
}

@test "certificate and key are links, as certbot keeps them, and a renewal is other links" {
	need openssl openssl
	mkdir "$DIR/live"
	certificate five.example.test
	ln -s ../five.example.test.crt "$DIR/live/fullchain.pem"
	ln -s ../five.example.test.key "$DIR/live/privkey.pem"
	ln -sf "$DIR/live/fullchain.pem" "$CONTROL/tls/cert.pem"
	ln -sf "$DIR/live/privkey.pem" "$CONTROL/tls/key.pem"
	client -noservername
	grep -q 'subject=CN *= *five.example.test' <<<"$output"
	certificate six.example.test
	ln -sfn ../six.example.test.crt "$DIR/live/fullchain.pem"
	ln -sfn ../six.example.test.key "$DIR/live/privkey.pem"
	client -noservername
	grep -q 'subject=CN *= *six.example.test' <<<"$output"
	not grep -q 'Not a directory' "$DIR"/log/imaps
}
