# install.bats: make install puts servers out of the PATH and four commands into it; make uninstall leaves nothing.
# shellcheck shell=bash disable=SC2154

load helper

setup() {
	if [ "${SANITIZED-}" ]; then skip "the same files"; fi
	cd "$ROOT" || return 1
	D=$BATS_TEST_TMPDIR/dest
	O=${BIN%/bin}
	make -s -j2 O="$O" DESTDIR="$D" install >/dev/null
}

@test "what is installed finds its parts: each command for the queue" {
	DIR=$BATS_TEST_TMPDIR
	bare_control "$DIR"
	echo 'alice@example.test:' >"$DIR/control/users"
	export POSTHOUSE=$DIR/control POSTHOUSE_LIBEXEC=$D/usr/local/libexec/posthouse
	local posthouse=$D/usr/local/sbin/posthouse id=1795000000.0123456789abcdef verb
	name=$id.mx.example.test,S=80,W=84
	printf '%s\n' 'Return-Path: <alice@example.test>' 'Delivered-To: bob@example.net' 'Received: x' '' x >"$DIR/spool/cur/$name"
	[ "$(readlink "$D/usr/local/sbin/mailq")" = /usr/local/libexec/posthouse/mailq ]
	"$posthouse" queue | grep -q "^$id"
	"$posthouse" queue shape | grep -q '^example.net'
	"$posthouse" queue --for 1h | grep -q "$id"
	"$posthouse" explain "$id" | grep -q bob@example.net
	"$posthouse" explain alice | grep -q alice@example.test
	"$posthouse" check >/dev/null
	for verb in hold release retry requeue bounce delete; do
		[ "$("$posthouse" queue "$verb" "$id")" = "$id" ]
	done
	[ -z "$("$posthouse" queue)" ]
}

@test "install and uninstall in DESTDIR" {
	(cd "$D/usr/local/sbin" && [ "$(echo *)" = "mailq newaliases posthouse sendmail" ])
	for program in smtpd pop3d imapd queue deliver-local deliver-remote bounce mailq; do
		[ -x "$D/usr/local/libexec/posthouse/$program" ]
	done
	[ -e "$D/usr/local/share/man/man7/posthouse.7" ]
	grep -q '^installed=/usr/local/libexec/posthouse' "$D/usr/local/sbin/posthouse"
	"$D/usr/local/sbin/posthouse" version
	# A hardened binary: position-independent, everything bound at start, no executable stack.
	readelf -Wdlh "$D/usr/local/libexec/posthouse/smtpd" >"$BATS_TEST_TMPDIR/elf"
	grep -q 'Type: *DYN' "$BATS_TEST_TMPDIR/elf"
	grep -q 'BIND_NOW\|NOW' "$BATS_TEST_TMPDIR/elf"
	grep -q GNU_RELRO "$BATS_TEST_TMPDIR/elf"
	not grep -q 'GNU_STACK.*RWE' "$BATS_TEST_TMPDIR/elf"
	# Nothing but libc, its parts, libbsd and OpenSSL.
	not sh -c "ldd $D/usr/local/libexec/posthouse/* 2>/dev/null | grep '=>' | grep -vE 'lib(c|crypt|resolv|bsd|md|ssl|crypto|pthread|dl)\\.so'"
	make -s O="$O" DESTDIR="$D" uninstall
	[ -z "$(find "$D" ! -type d)" ]
}
