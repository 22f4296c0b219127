# smtpd.bash: a control directory and a spool without any daemon, and one session of smtpd on a pipe, as nobody.
# shellcheck shell=bash disable=SC2154

# house: in $DIR, domains example.test, user bob (alias sales), a client network 192.0.2.0/24, login bob@example.test / pw.
house() {
	DIR=$(private_dir) || return 1
	CONTROL=$DIR/control
	SPOOL=$DIR/spool
	LOG=$DIR/log
	mkdir -p "$CONTROL" "$SPOOL"/{tmp,new,cur,state,hold,full,rate}
	mkfifo "$SPOOL/trigger"
	echo mx.example.test >"$CONTROL/hostname"
	printf 'example.test\nother.test\n' >"$CONTROL/domains"
	echo 192.0.2.0/24 >"$CONTROL/networks"
	echo 'bob@example.test:bob:::' >"$CONTROL/users"
	echo 'al@example.test:al:::' >>"$CONTROL/users"
	printf 'sales: bob@example.test\npostmaster: al\nboss: sales\n' >"$CONTROL/aliases"
	echo 'bob@example.test:{PLAIN}pw' >"$CONTROL/passwords"
	chmod 600 "$CONTROL/passwords"
	printf 'spool-directory %s\nmail-directory %s\n' "$SPOOL" "$DIR/mail" >"$CONTROL/settings"
	: >"$LOG"
	[ "$(id -u)" != 0 ] || chown -R 65534:65534 "$DIR"
}

# certificate: TLS for this house.
certificate() {
	need openssl openssl
	mkdir -p "$CONTROL/tls"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$CONTROL/tls/key.pem" \
	    -out "$CONTROL/tls/cert.pem" -days 2 -subj /CN=localhost 2>/dev/null
	[ "$(id -u)" != 0 ] || chown -R 65534:65534 "$CONTROL/tls"
}

setting() { echo "$*" >>"$CONTROL/settings"; }

# session [ARGS...]: smtpd from stdin to stdout; its log is added to $LOG.
session() { unprivileged timeout 300 "${WRAP[@]}" "$BIN/smtpd" -C "$CONTROL" "$@" 2>>"$LOG"; }

# smtp TEXT [ARGS...]: one session whose client says TEXT (printf %b escapes).  All replies are in $output without CR, the
# exit code is in $status; what was seen is kept for the test of the manual page.
smtp() {
	local text=$1
	shift
	# shellcheck disable=SC2034	# as bats' run sets them
	status=0
	# shellcheck disable=SC2034
	output=$(printf '%b' "$text" | session "$@" | tr -d '\r'; exit "${PIPESTATUS[1]}") || status=$?
	[ -z "${SEEN-}" ] || echo "$output" >>"$SEEN"
	# As bats' run does: lines of the output.
	# shellcheck disable=SC2034
	mapfile -t lines <<<"$output"
}

# codes: the reply codes of $output in order, one for each reply, without the greeting.
codes() { sed -nE 's/^([2-5][0-9][0-9])( .*|)$/\1/p' <<<"$output" | sed 1d | tr '\n' ' ' | sed 's/ $//'; }

# expect CODES: in this order.
expect() {
	local got
	got=$(codes)
	[ "$got" = "$*" ] || {
		printf 'expected: %s\n     got: %s\n%s\n' "$*" "$got" "$output"
		return 1
	}
}

# has LINE: it is one of the lines of the output.
has() {
	grep -qxF -- "$1" <<<"$output" || {
		printf 'no line "%s" in:\n%s\n' "$1" "$output"
		return 1
	}
}

# no CMD...: it must fail; bats does not look at "!".
no() {
	if "$@"; then return 1; fi
}

stored() { find "$SPOOL/new" -type f | wc -l; }
# nothing_left: no message, and nothing half written.
nothing_left() { [ -z "$(find "$SPOOL/new" "$SPOOL/tmp" -type f)" ]; }
message() { cat "$SPOOL"/new/*; }

teardown() {
	if [ -z "${BATS_TEST_COMPLETED-}" ] && [ -s "${LOG-/dev/null}" ]; then tail -n 20 "$LOG" >&2; fi
	[ -z "${DIR-}" ] || rm -rf "$DIR"
}
