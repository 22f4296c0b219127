# imap.bash: for the tests of imapd: a Maildir, and dialogues through a pipe.
# shellcheck shell=bash disable=SC2059,SC2154

# mbox_dir: an empty Maildir in $M.
mbox_dir() {
	M=$BATS_TEST_TMPDIR/mail
	mkdir -p "$M"/{cur,new,tmp}
}

# message NAME [WHERE]: puts standard input there as a message (new/ by default).
message() {
	cat >"$M/${2:-new}/$1"
}

# clean: no sanitizer has found an error in what just ran.
clean() {
	if grep -A 30 'AddressSanitizer\|runtime error:\|LeakSanitizer' "$BATS_TEST_TMPDIR/log" >&2; then
		echo "SANITIZER: see standard error"
		return 1
	fi
}

# talk: what imapd answers to the lines on standard input over $M (PREAUTH), without the CRs.  Further words go to imapd.
talk() {
	sed 's/$/\r/' | timeout 120 "$BIN/imapd" "$@" "$M" 2>"$BATS_TEST_TMPDIR/log" | tr -d '\r'
	clean
}

# bytes TEXT: the same with printf escapes and nothing added; for what is no clean line.
bytes() {
	printf "$1" | timeout 120 "$BIN/imapd" "$M" 2>"$BATS_TEST_TMPDIR/log" | tr -d '\r'
	clean
}

# control_dir: a control directory in $CTL with one account, alice@example.test, password "pw", and mail below $BATS_TEST_TMPDIR/home.
control_dir() {
	local uid=64001 name
	CTL=$BATS_TEST_TMPDIR/control
	mkdir -p "$CTL" "$BATS_TEST_TMPDIR/spool" "$BATS_TEST_TMPDIR/home"
	echo mx.example.test >"$CTL/hostname"
	echo "alice@example.test:alice:" >"$CTL/users"
	echo "alice@example.test:{PLAIN}pw" >"$CTL/passwords"
	printf '%s\n' "spool-directory $BATS_TEST_TMPDIR/spool" "mail-directory $BATS_TEST_TMPDIR/home" "$@" >"$CTL/settings"
	[ "$(id -u)" = 0 ] || return 0
	for name in net tls auth queue send mail; do
		echo "$name-user $uid:$uid"
		uid=$((uid + 1))
	done >>"$CTL/settings"
	echo "spool-group $uid" >>"$CTL/settings"
	chown 64003 "$CTL/passwords"
	chown 64006 "$BATS_TEST_TMPDIR/home"
	chmod 711 "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR" "$BATS_RUN_TMPDIR"/* 2>/dev/null || :
}

# session TEXT: what imapd answers before login to these bytes (printf escapes).
session() {
	printf "$1" | timeout 120 "$BIN/imapd" -C "$CTL" 2>"$BATS_TEST_TMPDIR/log" | tr -d '\r'
	clean
}

# has REGEX...: each is a whole line of $output; hasnot: none is.
has() {
	local re
	for re; do
		grep -qE -- "^$re\$" <<<"$output" || {
			printf 'no line: %s\nin:\n%s\n' "$re" "$output" >&2
			return 1
		}
	done
}
hasnot() {
	local re
	for re; do
		if grep -E -- "^$re\$" <<<"$output"; then
			printf 'unexpected: %s\nin:\n%s\n' "$re" "$output" >&2
			return 1
		fi
	done
}
