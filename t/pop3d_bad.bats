# pop3d_bad.bats: bad input.  Each line of the list gets its documented reply, the process goes on (or closes where
# posthouse-pop3d(8) says so), and does not grow.
# shellcheck shell=bash disable=SC2154

load helper

setup() {
	D=$(private_dir)
	M=$D/mail/a
	bare_control "$D"
	echo 'alice@example.test:a:::' >"$D/control/users"
	echo 'alice@example.test:{PLAIN}secret' >"$D/control/passwords"
	chmod 600 "$D/control/passwords"
	printf 'error-limit 10000\nlogin-failures 600\nlogin-failure-pause 0\n' >>"$D/control/settings"
	mkdir -p "$M"/{cur,new,tmp}
	printf 'Subject: a\n\nx\n' >"$M/new/1.a"
	chmod 711 "$D/mail"
	[ "$(id -u)" != 0 ] || chown -R 64006:64006 "$M"
}

teardown() {
	[ -n "${BATS_TEST_COMPLETED-}" ] || tail -n 20 "$D/log" >&2 2>/dev/null || :
	rm -rf "$D"
}

# The bytes (printf escapes), a tab, and how the reply to them begins.  NOOP or CAPA behind each shows that
# the session still lives.
before_login() {
	cat <<-'END'
	\r\n	-ERR Empty line
	 \r\n	-ERR Empty line
	   CAPA\r\n	-ERR Empty line
	XYZZY\r\n	-ERR Unknown command
	CAPAB\r\n	-ERR Unknown command
	CAP\r\n	-ERR Unknown command
	EHLO a\r\n	-ERR Unknown command
	GET / HTTP/1.1\r\n	-ERR Unknown command
	APOP alice 00\r\n	-ERR Unknown command
	CAPA\t\r\n	-ERR Control or 8-bit byte
	CAPA x\r\n	-ERR Wrong arguments
	CAPA 1\r\n	-ERR Wrong arguments
	QUIT 1\r\n	-ERR Wrong arguments
	STLS 1\r\n	-ERR Wrong arguments
	STLS\r\n	-ERR No TLS here
	C\0APA\r\n	-ERR NUL byte
	\0\r\n	-ERR NUL byte
	CAPA\n	-ERR Lines end in CRLF
	\n	-ERR Lines end in CRLF
	CAPA\rCAPA\r\n	-ERR Lines end in CRLF
	CAPA\r\r\n	-ERR Lines end in CRLF
	USER \xc3\xa4\r\n	-ERR Control or 8-bit byte
	\xff\xfe\r\n	-ERR Control or 8-bit byte
	USER a\x1bb\r\n	-ERR Control or 8-bit byte
	USER a\x7fb\r\n	-ERR Control or 8-bit byte
	USER\r\n	-ERR [AUTH] That cannot be a user name
	USER \r\n	-ERR [AUTH] That cannot be a user name
	USER a b\r\n	-ERR [AUTH] That cannot be a user name
	USER %400s\r\n	-ERR [AUTH] That cannot be a user name
	USER %600s\r\n	-ERR Line too long
	PASS secret\r\n	-ERR Send USER first
	PASS\r\n	-ERR Send USER first
	NOOP\r\n	-ERR Log in first
	STAT\r\n	-ERR Log in first
	RETR 1\r\n	-ERR Log in first
	TOP x y\r\n	-ERR Log in first
	AUTH CRAM-MD5\r\n	-ERR No such mechanism
	AUTH PLAINX\r\n	-ERR No such mechanism
	AUTH GSSAPI\r\n	-ERR No such mechanism
	AUTH PLAIN =\r\n	-ERR Not a response of this mechanism
	AUTH PLAIN ====\r\n	-ERR Not base64
	AUTH PLAIN @@@@\r\n	-ERR Not base64
	AUTH PLAIN YQ\r\n	-ERR Not base64
	AUTH PLAIN YQ==\r\n	-ERR Not a response of this mechanism
	AUTH PLAIN AAA=\r\n	-ERR Not a response of this mechanism
	AUTH PLAIN AGEAYg== x\r\n	-ERR Not base64
	AUTH PLAIN AGEAYg==\r\n	-ERR [AUTH] Wrong name or password
	AUTH PLAIN YgBhAGM=\r\n	-ERR [AUTH] Wrong name or password
	AUTH PLAIN %9000s\r\n	-ERR Not base64
	AUTH PLAIN %13000s\r\n	-ERR Line too long
	CAPA%600s\r\n	-ERR Line too long
	%70000s\r\n	-ERR Line too long
	%2000000s\r\n	-ERR Line too long
	END
}

after_login() {
	cat <<-'END'
	USER alice\r\n	-ERR Logged in already
	PASS x\r\n	-ERR Logged in already
	AUTH PLAIN\r\n	-ERR Logged in already
	STLS\r\n	-ERR Logged in already
	LIST 0\r\n	-ERR No such message
	LIST 2\r\n	-ERR No such message
	LIST -1\r\n	-ERR Wrong arguments
	LIST +1\r\n	-ERR Wrong arguments
	LIST 1.0\r\n	-ERR Wrong arguments
	LIST 1x\r\n	-ERR Wrong arguments
	LIST 0x1\r\n	-ERR Wrong arguments
	LIST  1\r\n	-ERR Wrong arguments
	LIST 1  1\r\n	-ERR Wrong arguments
	LIST 1 1\r\n	-ERR Wrong arguments
	LIST 4294967295\r\n	-ERR No such message
	LIST 4294967296\r\n	-ERR Wrong arguments
	LIST 99999999999999999999999999\r\n	-ERR Wrong arguments
	LIST \xd9\xa1\r\n	-ERR Control or 8-bit byte
	UIDL 0\r\n	-ERR No such message
	UIDL x\r\n	-ERR Wrong arguments
	RETR\r\n	-ERR Wrong arguments
	RETR 0\r\n	-ERR No such message
	RETR 2\r\n	-ERR No such message
	RETR a\r\n	-ERR Wrong arguments
	RETR 1 1\r\n	-ERR Wrong arguments
	RETR 18446744073709551617\r\n	-ERR Wrong arguments
	DELE\r\n	-ERR Wrong arguments
	DELE 0\r\n	-ERR No such message
	DELE 2\r\n	-ERR No such message
	DELE 1 2\r\n	-ERR Wrong arguments
	TOP\r\n	-ERR Wrong arguments
	TOP 1\r\n	-ERR Wrong arguments
	TOP 1 -1\r\n	-ERR Wrong arguments
	TOP 1 99999999999\r\n	-ERR Wrong arguments
	TOP 1 1 1\r\n	-ERR Wrong arguments
	TOP 2 1\r\n	-ERR No such message
	STAT 1\r\n	-ERR Wrong arguments
	RSET 1\r\n	-ERR Wrong arguments
	NOOP x\r\n	-ERR Wrong arguments
	LAST\r\n	-ERR Unknown command
	XTND XMIT\r\n	-ERR Unknown command
	QUIT QUIT\r\n	-ERR Wrong arguments
	NOOP\n	-ERR Lines end in CRLF
	NO\0OP\r\n	-ERR NUL byte
	RETR %600s\r\n	-ERR Line too long
	%100000s\r\n	-ERR Line too long
	END
}

# bytes TEXT: with %Ns as N letters.
bytes() {
	local text=$1 n
	if [[ $text =~ %([0-9]+)s ]]; then
		n=${BASH_REMATCH[1]}
		printf '%b' "${text%%\%*}"
		head -c "$n" /dev/zero | tr '\0' 'x'
		printf '%b' "${text#*s}"
	else
		printf '%b' "$text"
	fi
}

# each LIST ALIVE PREFIX CMD...: runs CMD once for each line.  The reply must begin as told, ALIVE must be answered with +OK
# after it.
each() {
	local list=$1 alive=$2 input want count=0 got
	shift 2
	while IFS=$'\t' read -r input want; do
		got=$({
			bytes "$input"
			printf '%s\r\nQUIT\r\n' "$alive"
		} | "$@" 2>"$D/log" | tr -d '\r')
		count=$((count + 1))
		[[ $(sed -n 2p <<<"$got") == "$want"* ]] || {
			echo "$input: wanted $want, got: $(head -c 300 <<<"$got")"
			return 1
		}
		[[ $(sed -n 3p <<<"$got") == +OK* && $(tail -n 1 <<<"$got") == "+OK Bye" ]] || {
			echo "$input: the session did not go on: $(head -c 300 <<<"$got")"
			return 1
		}
	done < <("$list")
	echo "$count lines"
}

@test "before login: 53 bad lines, each with its reply" {
	each before_login CAPA "$BIN/pop3d" -C "$D/control"
	[ "$(before_login | wc -l)" = 53 ]
}

@test "after login: 46 bad lines, each with its reply" {
	export POSTHOUSE=$D/control
	each after_login NOOP "$BIN/pop3d" "$M"
	[ "$(after_login | wc -l)" = 46 ]
	[ -e "$M/new/1.a" ]
}

@test "the replies are those of the man page" {
	local text
	[ -e "$ROOT/man/posthouse-pop3d.8" ] || skip "no man page yet"
	{ before_login; after_login; } | cut -f 2 | sort -u | while read -r text; do
		grep -qF -e "${text#-ERR }" "$ROOT/man/posthouse-pop3d.8" || {
			echo "not documented: $text"
			exit 1
		}
	done
}

@test "STLS with a command behind it in one packet closes the connection" {
	need openssl openssl
	mkdir -p "$D/control/tls"
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=mx.example.test -keyout "$D/control/tls/key.pem" \
	    -out "$D/control/tls/cert.pem" 2>/dev/null
	got=$(printf 'STLS\r\nCAPA\r\n' | "$BIN/pop3d" -C "$D/control" 2>"$D/log" | tr -d '\r')
	[ "$got" = $'+OK POP3 ready\n-ERR Input after STLS, closing connection' ]
}

@test "half a line, then nothing: no reply, no deletion, exit codes" {
	run bash -c 'printf "DELE 1\r\nQUIT" | "$1" "$2" 2>"$3"' _ "$BIN/pop3d" "$M" "$D/log"
	[ "$status" = 76 ]
	[ -e "$M/new/1.a" ]
	run bash -c ': | "$1" "$2" 2>"$3"' _ "$BIN/pop3d" "$M" "$D/log"
	[ "$status" = 76 ]
}

@test "a flood of bytes without a line end does not make it grow" {
	[ -z "${SANITIZED-}" ] || skip "sanitizers need memory of their own"
	got=$({
		head -c 30000000 /dev/zero | tr '\0' 'x'
		printf '\r\nNOOP\r\nQUIT\r\n'
	} | bash -c 'ulimit -v 60000; exec "$@"' _ "$BIN/pop3d" "$M" 2>"$D/log" | tr -d '\r')
	[ "$got" = $'+OK 1 messages\n-ERR Line too long\n+OK\n+OK Bye' ]
}

@test "strange files in the Maildir: FIFO, directory, link, no permission" {
	mkfifo "$M/new/2.fifo"
	mkdir "$M/new/3.dir"
	ln -s /etc/passwd "$M/new/4.link"
	got=$(printf 'STAT\r\nRETR 2\r\nRETR 3\r\nNOOP\r\nQUIT\r\n' | timeout 120 "$BIN/pop3d" "$M" 2>"$D/log" | tr -d '\r')
	grep -q '^+OK Bye' <<<"$got"
	[ "$(grep -c -e '^-ERR \[SYS/TEMP\] Cannot read the message' <<<"$got")" = 2 ]
	if grep -q root: <<<"$got"; then return 1; fi
}
