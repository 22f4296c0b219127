# imap_reuse.bats: a connection that goes on as something else: UNAUTHENTICATE (RFC 8437) and COMPRESS=DEFLATE (RFC 4978).
# shellcheck shell=bash disable=SC2154

load helper
load imap

setup() {
	mbox_dir
	printf 'From: a@example.org\nSubject: one\n\nbody\n' | message 1700000001.m1.host
}

two_users() {
	control_dir
	echo "bob@example.test:bob:" >>"$CTL/users"
	echo "bob@example.test:{PLAIN}pw2" >>"$CTL/passwords"
}

reuse() {
	timeout 300 python3 "$ROOT/t/imap_reuse.py" "$@" 2>"$BATS_TEST_TMPDIR/log" || {
		cat "$BATS_TEST_TMPDIR/log" >&2
		return 1
	}
	clean
}

# zlib_imapd: imapd as ZLIB=1 builds it, in $IMAPD.
zlib_imapd() {
	IMAPD=${BIN%/bin}/t/imapd-zlib
	[ -x "$IMAPD" ] || skip "NOT TESTED: needs zlib (apt-get install zlib1g-dev) when the tests are built"
}

@test "UNAUTHENTICATE: another user on the same connection, with what was sent ahead and no state of the first" {
	two_users
	reuse "$BIN/imapd" again "$CTL"
	# One client for the listener: one connect, one disconnect, and a line for each login that was left.
	[ "$(grep -c ' connect sid=' "$BATS_TEST_TMPDIR/log")" = 1 ]
	[ "$(grep -c ' disconnect sid=' "$BATS_TEST_TMPDIR/log")" = 1 ]
	[ "$(grep -c ' unauthenticate sid=[0-9a-f]* peer=.* user=alice@example.test size=[1-9]' "$BATS_TEST_TMPDIR/log")" = 21 ]
	[ "$(grep -o 'sid=[0-9a-f]*' "$BATS_TEST_TMPDIR/log" | sort -u | wc -l)" = 1 ]
	reuse "$BIN/imapd" too_much "$CTL"
}

@test "UNAUTHENTICATE behind TLS: the same TLS connection, and what is known of it" {
	need openssl openssl
	two_users
	mkdir -p "$CTL/tls"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$CTL/tls/key.pem" -out "$CTL/tls/cert.pem" \
	    -days 2 -subj /CN=localhost 2>/dev/null
	reuse "$BIN/imapd" again "$CTL" tls
	grep -q ' disconnect sid=.* tls=TLSv1.3' "$BATS_TEST_TMPDIR/log"
	[ "$(grep -c ' tls sid=' "$BATS_TEST_TMPDIR/log")" = 1 ]
}

@test "where there is no login there is no UNAUTHENTICATE, and without zlib no COMPRESS" {
	output=$(talk <<<$'a CAPABILITY\nb UNAUTHENTICATE\nc NOOP')
	hasnot '.*UNAUTHENTICATE .*'
	has 'b BAD Unknown command' 'c OK .*'
	ldd "$BIN/imapd" >"$BATS_TEST_TMPDIR/libraries"
	not grep -q libz "$BATS_TEST_TMPDIR/libraries" || skip "NOT TESTED: built with ZLIB=1"
	output=$(talk <<<$'a CAPABILITY\nb COMPRESS DEFLATE\nc NOOP')
	hasnot '.*COMPRESS=.*'
	has 'b BAD Unknown command' 'c OK .*'
}

@test "COMPRESS=DEFLATE on a socket and on pipes: commands, literals, IDLE, packets cut anywhere" {
	zlib_imapd
	reuse "$IMAPD" compressed "$M"
	reuse "$IMAPD" compressed "$M" pipes
	reuse "$IMAPD" rubbish "$M"
}

@test "COMPRESS=DEFLATE ends with UNAUTHENTICATE" {
	zlib_imapd
	two_users
	reuse "$IMAPD" compressed_again "$CTL"
}
