# properties.bats: what DESIGN.md promises about the processes, seen in /proc while sessions are open: uids, roots, seccomp,
# capabilities, and where the private key is not.  Root only, because the separation is root's.  no-sanitizer: its build has no
# confinement.
# shellcheck shell=bash disable=SC2154

load helper

setup_file() {
	[ "$(id -u)" = 0 ] || return 0
	instance_start
	adduser alice@example.test secret
	adduser slow@example.test secret
	# A password that takes auth ten seconds or so to judge, so that it can be looked at meanwhile.
	local hash
	hash='$6$rounds=40000000$saltsaltsalt$'$(printf '%086d' 0)
	sed -i "s|^slow@example.test:.*|slow@example.test:$hash|" "$CONTROL/passwords"
	export DIR
}

teardown_file() {
	[ "$(id -u)" = 0 ] || return 0
	# shellcheck disable=SC2034
	INSTANCES=("$DIR")
	instance_stop
}

setup() {
	need_root
	need python3 python3
	load_env "$DIR"
	HELD=()
}

teardown() {
	local pid
	[ -z "${STOPPED-}" ] || kill -CONT "$STOPPED" 2>/dev/null || :
	for pid in "${HELD[@]}"; do
		end "$pid" 2>/dev/null
	done
	[ ! -e "${DIR-}/pids" ] || await 10 no_sessions
}
no_sessions() { # those of the test before would count
	local pid name
	while read -r pid _ name; do
		[ "$name" = queue ] || [ -z "$(children "$pid")" ] || return 1
	done <"$DIR/pids"
}

setting() { sed -n "s/^$1 \([0-9]*\).*/\1/p" "$CONTROL/settings" | tail -n 1; }
listener() { awk -v name="$1" '$3 == name { print $1 }' "$DIR/pids" | tail -n 1; }

# hold WHAT PORT [USER PASSWORD]: an open session, until the test ends.
hold() {
	local fifo=$BATS_TEST_TMPDIR/fifo.${#HELD[@]} out=$BATS_TEST_TMPDIR/hold.${#HELD[@]}
	mkfifo "$fifo"
	python3 "$ROOT/t/probe.py" hold "$CA_FILE" "$@" <"$fifo" >"$out" 2>&1 3>&- 4>&- &
	HELD+=($!)
	eval "exec $((20 + ${#HELD[@]}))>$fifo"
	await 15 grep -q ready "$out" || {
		cat "$out"
		return 1
	}
}

# by_uid LISTENER USER: the listener's processes with that setting's uid.
by_uid() {
	local pid uid
	uid=$(setting "$2")
	for pid in $(children "$(listener "$1")"); do
		# shellcheck disable=SC2046
		set -- $(sed -n 's/^Uid://p' "/proc/$pid/status" 2>/dev/null) "$@"
		[ "${1-}" != "$uid" ] || echo "$pid"
	done
}
# processes NAME N: so many has that listener; those that are about to end have ended.
processes() { [ "$(children "$(listener "$1")" | wc -l)" = "$2" ]; }
# judges PID: this auth process is confined, and has begun to work on a password.
judges() {
	grep -qE '^Seccomp:[[:space:]]+2$' "/proc/$1/status" &&
	    [ "$(sed 's/.*) //' "/proc/$1/stat" | cut -d ' ' -f 12)" -ge 10 ]
}
nobody_of() { [ -z "$(by_uid "$1" "$2")" ]; }
one_of() { # LISTENER USER: exactly one, its pid
	local pids
	pids=$(by_uid "$1" "$2")
	[ "$(wc -w <<<"$pids")" = 1 ] || {
		echo "not one process of $2 under $1: ${pids:-none}" >&2
		return 1
	}
	echo "$pids"
}

# confined PID USER GID ROOT: all ids are USER's, no other groups, no capabilities, seccomp on, nothing open but its pipes.
confined() {
	local pid=$1 uid status bad=
	uid=$(setting "$2")
	status=$(cat "/proc/$pid/status")
	grep -qE "^Uid:([[:space:]]+$uid){4}\$" <<<"$status" || bad="$bad Uid"
	grep -qE "^Gid:([[:space:]]+$3){4}\$" <<<"$status" || bad="$bad Gid"
	grep -qE "^Groups:[[:space:]]*($3)? *\$" <<<"$status" || bad="$bad Groups"
	for set in CapInh CapPrm CapEff CapAmb; do
		grep -qE "^$set:[[:space:]]+0+\$" <<<"$status" || bad="$bad $set"
	done
	grep -qE '^NoNewPrivs:[[:space:]]+1$' <<<"$status" || bad="$bad NoNewPrivs"
	grep -qE '^Seccomp:[[:space:]]+2$' <<<"$status" || bad="$bad Seccomp"
	[ -z "$4" ] || [ "$(readlink "/proc/$pid/root")" = "$4" ] || bad="$bad root=$(readlink "/proc/$pid/root")"
	[ -z "$bad" ] || {
		echo "process $pid of $2 is wrong in:$bad"
		grep -E '^(Name|Uid|Gid|Groups|Cap|NoNew|Seccomp)' <<<"$status"
		return 1
	}
}

# only_pipes PID MAX: its descriptors are numbers up to MAX, and none is a file outside its role.
only_pipes() {
	local fd
	for fd in "/proc/$1/fd/"*; do
		[ "${fd##*/}" -le "$2" ] || {
			echo "process $1 has descriptor ${fd##*/}: $(readlink "$fd")"
			return 1
		}
	done
}

@test "the listener is root and nothing else is" {
	local pid
	hold smtp "$SMTP_PORT"
	hold imap-tls "$IMAP_PORT" alice@example.test secret
	for name in smtp imap; do
		grep -qE '^Uid:([[:space:]]+0){4}$' "/proc/$(listener $name)/status"
		for pid in $(children "$(listener $name)"); do
			not grep -qE '^Uid:.*[[:space:]]0([[:space:]]|$)' "/proc/$pid/status"
		done
	done
}

@test "smtpd session: uid, no capabilities, seccomp, its root is the spool, which it cannot list" {
	local pid
	hold smtp "$SMTP_PORT"
	pid=$(one_of smtp net-user)
	confined "$pid" net-user "$(setting spool-group)" "$SPOOL"
	for dir in new tmp; do
		not setpriv --reuid "$(setting net-user)" --regid "$(setting spool-group)" --clear-groups ls "$SPOOL/$dir" 2>/dev/null
	done
}

@test "pop3d and imapd sessions: uid, no capabilities, seccomp, an empty root, descriptors 0 to 5" {
	local pid
	hold pop3 "$POP3_PORT"
	hold imap "$IMAP_PORT"
	for name in pop3 imap; do
		pid=$(one_of $name net-user)
		confined "$pid" net-user "$(setting net-user)" "$SPOOL/empty"
		only_pipes "$pid" 5
	done
	[ -z "$(ls -A "$SPOOL/empty")" ]
}

@test "a plaintext connection has no tls process, and STARTTLS gives it one" {
	hold smtp "$SMTP_PORT"
	hold pop3 "$POP3_PORT"
	hold imap "$IMAP_PORT"
	for name in smtp pop3 imap; do
		[ -z "$(by_uid $name tls-user)" ]
		[ "$(children "$(listener $name)" | wc -l)" = 1 ]
	done
	hold smtp-tls "$SMTP_PORT"
	one_of smtp tls-user
}

@test "tls process: uid, no capabilities, seccomp, an empty root" {
	local pid
	hold smtp-tls "$SMTP_PORT"
	hold pop3s "$POP3S_PORT"
	hold imap-tls "$IMAP_PORT"
	for name in smtp pop3s imap; do
		pid=$(one_of $name tls-user)
		confined "$pid" tls-user "$(setting tls-user)" "$SPOOL/empty"
		only_pipes "$pid" 4
	done
}

@test "auth process: uid, no capabilities, seccomp, an empty root, and only while it is needed" {
	local pid
	hold smtps "$SUBMISSIONS_PORT"
	[ -z "$(by_uid submissions auth-user)" ]
	hold smtps "$SUBMISSIONS_PORT" slow@example.test -
	await 5 one_of submissions auth-user
	pid=$(one_of submissions auth-user)
	await 5 judges "$pid"
	STOPPED=$pid
	kill -STOP "$pid"	# it waits until all has been looked at
	confined "$pid" auth-user "$(setting auth-user)" "$SPOOL/empty"
	# Pipes, the log, and what it may need of passwords and failures: nothing else.
	for fd in "/proc/$pid/fd/"*; do
		readlink "$fd"
	done | sort >"$BATS_TEST_TMPDIR/fds"
	cat "$BATS_TEST_TMPDIR/fds"
	not grep -vE "^pipe:|^$CONTROL/passwords\$|^$SPOOL/auth/(guesses|passwords.index)\$|^$DIR/log/" "$BATS_TEST_TMPDIR/fds"
	kill -CONT "$pid"
	await 60 gone "$pid"
}

@test "mailbox process: uid of the owner, no capabilities, seccomp" {
	local pid
	hold pop3-tls "$POP3_PORT" alice@example.test secret
	hold imap-tls "$IMAP_PORT" alice@example.test secret
	for name in pop3 imap; do
		pid=$(one_of $name mail-user)
		confined "$pid" mail-user "$(setting mail-user)" ""
		await 5 nobody_of $name net-user	# the session goes
		await 5 nobody_of $name auth-user	# nor does auth wait for long
	done
}

@test "mailbox process: Landlock lets it see its own mail directory and no other" {
	local pid
	need gdb gdb
	adduser carol@example.test secret
	hold imap "$IMAP_PORT" alice@example.test secret
	pid=$(one_of imap mail-user)
	opens() {
		gdb -p "$pid" -batch -ex "print (int)openat(-100, \"$1\", 0)" 2>/dev/null | sed -n 's/^\$1 = //p'
	}
	[ "$(opens "$MAIL/example.test/alice/cur")" -ge 0 ]
	[ "$(opens "$MAIL/example.test/carol/cur")" = -1 ]
	[ "$(opens /etc/passwd)" = -1 ]
	[ "$(opens "$CONTROL/passwords")" = -1 ]
}

@test "mailbox process: what is in other charsets is found, though converters are loaded after Landlock" {
	local name text
	# Two that are in mail every day, one that is rare, and one that needs a further library.
	for name in koi8-r shift_jis viscii iso-2022-kr; do
		text=$(printf '\xd1\x8f\xd0\xb7' | iconv -f utf-8 -t koi8-r)
		case $name in
		shift_jis) text=$(printf '\xe7\x94\xa8' | iconv -f utf-8 -t $name) ;;
		viscii) text=$(printf '\xe1\xba\xbf' | iconv -f utf-8 -t $name) ;;
		iso-2022-kr) text=$(printf '\xea\xb0\x80' | iconv -f utf-8 -t $name) ;;
		esac
		printf 'Subject: %s\nContent-Type: text/plain; charset=%s\n\n%s\n' $name $name "$text" >"$MAIL/example.test/alice/new/1.$name"
	done
	chown --reference="$MAIL/example.test/alice" "$MAIL/example.test/alice/new/"1.*
	run python3 - "$IMAP_PORT" <<-'P'
		import imaplib, sys
		c = imaplib.IMAP4("127.0.0.1", int(sys.argv[1]))
		c.login("alice@example.test", "secret")
		c.select()
		for word in ("яз", "用", "ế", "가"):
		    c.literal = word.encode()
		    n = c.search("UTF-8", "TEXT")[1][0].decode()
		    print(c.fetch(n, "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1][0][1].decode().split()[1] if n else "none")
		c.logout()
	P
	rm "$MAIL/example.test/alice/new/"1.*
	echo "$output"
	[ "$(tr '\n' ' ' <<<"$output")" = "koi8-r shift_jis viscii iso-2022-kr " ]
	# And by nobody before: each mapping is one more that every fork copies.
	[ -z "$(grep gconv "/proc/$(listener imap)/maps")" ]
}

@test "a session has nothing of the listener's other clients" {
	local first pid sid
	hold smtp "$SMTP_PORT"
	first=$(one_of smtp net-user)
	await 5 grep -q "\[$first\]: connect " "$DIR/log/smtp"
	sid=$(sed -n "s/^smtpd\[$first\]: connect sid=\([^ ]*\).*/\1/p" "$DIR/log/smtp" | tail -n 1)
	hold smtp "$SMTP_PORT"
	for pid in "$(listener smtp)" $(children "$(listener smtp)"); do
		python3 "$ROOT/t/probe.py" find "$sid" "$pid"
	done >"$BATS_TEST_TMPDIR/found"
	cat "$BATS_TEST_TMPDIR/found"
	# The listener and the first session know it, the second does not.
	[ "$(grep -c ' [1-9][0-9]*$' "$BATS_TEST_TMPDIR/found")" = 2 ]
	[ "$(grep -c ' 0$' "$BATS_TEST_TMPDIR/found")" = 1 ]
	not grep -q "^$first 0\$" "$BATS_TEST_TMPDIR/found"
}

@test "key isolation: the private key is in tls processes and in no other" {
	local pids tls count
	hold smtp "$SMTP_PORT"
	hold smtp-tls "$SMTP_PORT"
	hold pop3s "$POP3S_PORT"
	hold pop3-tls "$POP3_PORT" alice@example.test secret
	hold imap "$IMAP_PORT"
	hold imap-tls "$IMAP_PORT" alice@example.test secret
	hold tcp "$IMAPS_PORT"		# a handshake that has not begun
	await 5 one_of imaps tls-user
	# Sessions, with tls where it is on, or mailboxes with it: who served them before, and auth, is gone.
	await 5 processes smtp 3
	await 5 processes pop3s 2
	await 5 processes pop3 2
	await 5 processes imap 3
	tls=0
	for name in smtp pop3s pop3 imap imaps; do
		pids="$(listener $name) $(children "$(listener $name)")"
		# shellcheck disable=SC2086
		python3 "$ROOT/t/probe.py" search "$CONTROL/tls/key.pem" $pids >"$BATS_TEST_TMPDIR/found"
		while read -r pid count; do
			if [ "$(sed -n 's/^Uid:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$pid/status")" = "$(setting tls-user)" ]; then
				[ "$count" = 0 ] || tls=$((tls + 1))
			elif [ "$count" != 0 ]; then
				echo "the key is in process $pid of $name:"
				grep -E '^(Name|Uid)' "/proc/$pid/status"
				return 1
			fi
		done <"$BATS_TEST_TMPDIR/found"
	done
	echo "# the key was found in $tls tls processes and in none of the others" >&3
	[ "$tls" -ge 2 ]	# the search can find it
}

@test "password isolation: no stored secret in listeners, sessions, tls or mailbox processes" {
	local secret pid
	hold smtp "$SMTP_PORT"
	hold imap-tls "$IMAP_PORT" alice@example.test secret
	await 5 processes smtp 1
	await 5 processes imap 2
	await 5 processes submissions 0
	secret='$6$rounds=40000000$saltsaltsalt'
	for name in smtp imap submissions; do
		# shellcheck disable=SC2046
		python3 "$ROOT/t/probe.py" find "$secret" "$(listener $name)" $(children "$(listener $name)")
	done >"$BATS_TEST_TMPDIR/found"
	not grep -v ' 0$' "$BATS_TEST_TMPDIR/found"
	hold smtps "$SUBMISSIONS_PORT" slow@example.test -
	await 5 one_of submissions auth-user
	# The search can find it: auth has it.
	pid=$(one_of submissions auth-user)
	await 10 has_secret "$pid" "$secret"
	kill -9 "$pid"		# and need not go on
}
has_secret() { python3 "$ROOT/t/probe.py" find "$2" "$1" | grep -v ' 0$'; }

@test "queue: the scheduler and deliver-remote are not root, deliver-local has what it needs" {
	local pid queue workers
	queue=$(listener queue)
	# Nobody has written to another host yet.
	not runs_remote "$queue"
	echo "gone.invalid [127.0.0.1]:1" >>"$CONTROL/routes"
	printf 'Subject: x\n\nx\n' | "$BIN/sendmail" -C "$CONTROL" b@gone.invalid
	await 20 runs_remote "$queue"
	await 10 runs_as "$queue" queue-user .
	await 10 runs_as "$queue" send-user deliver-remote	# not before it has begun
	# Of root's capabilities deliver-local has only those of its work: CAP_SYS_ADMIN (bit 21) is none of its business.
	workers=0
	for pid in $(children "$queue"); do
		grep -qa deliver-local "/proc/$pid/cmdline" || continue
		workers=$((workers + 1))
		[ $((0x$(sed -n 's/^CapEff:[[:space:]]*//p' "/proc/$pid/status") >> 21 & 1)) = 0 ]
	done
	[ "$workers" -ge 1 ]
}

# runs_as PID USER NAME: among PID's processes is one of that setting's uid and of that name.
runs_as() {
	local pid uid
	uid=$(setting "$2")
	for pid in $(children "$1"); do
		grep -qs "^Uid:[[:space:]]*$uid[[:space:]]" "/proc/$pid/status" || continue
		! grep -qa "$3" "/proc/$pid/cmdline" || return 0
	done
	return 1
}
runs_remote() {
	local pid
	for pid in $(children "$1"); do
		! grep -qa deliver-remote "/proc/$pid/cmdline" || return 0
	done
	return 1
}

@test "plain input dies at STARTTLS: smtp" {
	need_data vectors/starttls-injection.tsv
	python3 "$ROOT/t/probe.py" inject "$CA_FILE" "$SMTP_PORT" "$TESTDATA/vectors/starttls-injection.tsv" smtp
}
@test "plain input dies at STARTTLS: pop3" {
	need_data vectors/starttls-injection.tsv
	python3 "$ROOT/t/probe.py" inject "$CA_FILE" "$POP3_PORT" "$TESTDATA/vectors/starttls-injection.tsv" pop3
}
@test "plain input dies at STARTTLS: imap" {
	need_data vectors/starttls-injection.tsv
	python3 "$ROOT/t/probe.py" inject "$CA_FILE" "$IMAP_PORT" "$TESTDATA/vectors/starttls-injection.tsv" imap
}
