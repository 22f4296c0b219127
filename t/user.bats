# user.bats: posthouse user: what it writes, what it refuses, that mail is not lost, and that a kill at any moment leaves the old
# file or the new one.
# shellcheck shell=bash disable=SC2154

load helper

setup() {
	DIR=$(private_dir)
	bare_control "$DIR"
	chmod 711 "$DIR/mail"
	export POSTHOUSE=$DIR/control
	POST=$BIN/posthouse
	cd "$DIR/control" || return 1
	printf '# people\nalice@example.test:\nbob@example.test:a/b:::protocols=imap\n' >users
	printf 'alice@example.test:{PLAIN}main\n# phones\nalice@example.test:{PLAIN}one:phone:imap\n' >passwords
	chmod 600 passwords
	BOX=$DIR/mail/example.test/alice
}

teardown() {
	[ -n "${BATS_TEST_COMPLETED-}" ] || cat users passwords >&2
	cd / && rm -rf "$DIR"
}

user() { run "$POST" user "$@"; }
ok() { [ "$status" = 0 ] || { echo "exit $status: $output"; return 1; }; }
says() { [[ $output == *"$1"* ]] || { echo "not said: $1: $output"; return 1; }; }

@test "add: the folders that mail programs expect, subscribed, the owner's" {
	user add carol@example.test <<<"secret"
	ok
	[ -z "$output" ]
	box=$DIR/mail/example.test/carol
	for f in Archive Drafts Junk Sent Trash; do
		[ -d "$box/.$f/cur" ]
		[ -d "$box/.$f/new" ]
		[ -d "$box/.$f/tmp" ]
		[ -e "$box/.$f/maildirfolder" ]
		grep -qx "$f" "$box/subscriptions"
	done
	[ "$(id -u)" != 0 ] || [ -z "$(find "$box" ! -uid 64006 -o ! -gid 64006)" ]
	[ -z "$(find "$box" -perm /077)" ]
	printf 'a list (special-use) "" "*"\r\nb logout\r\n' >"$DIR/in"
	"$BIN/imapd" "$box" >"$DIR/out" <"$DIR/in" 2>/dev/null
	[ "$(grep -c '^\* LIST .*\\\(Archive\|Drafts\|Junk\|Sent\|Trash\)' "$DIR/out")" = 5 ]
	# What is there already stays.
	mkdir -p "$DIR/mail/old"/{cur,new,tmp}
	touch "$DIR/mail/old/cur/1.a:2,S"
	echo Mine >"$DIR/mail/old/subscriptions"
	[ "$(id -u)" != 0 ] || chown -R 64006:64006 "$DIR/mail/old"
	user add -n -m old dave@example.test
	ok
	[ -e "$DIR/mail/old/cur/1.a:2,S" ]
	[ "$(cat "$DIR/mail/old/subscriptions")" = Mine ]
}

@test "add: protocols, clients, quota; what is refused makes nothing" {
	user add -n -p imap,smtp -c 192.0.2.0/24,2001:db8::1 -q 1G,100 carol@example.test
	ok
	grep -qxF 'carol@example.test:::1G,100:protocols=imap,smtp;clients=192.0.2.0/24,2001:db8::1' users
	cp users "$DIR/before"
	while IFS='|' read -r options why; do
		# shellcheck disable=SC2086
		user add -n $options dave@example.test
		[ "$status" != 0 ]
		says "$why"
	done <<-'END'
	-p ftp|-p ftp: write some of imap, pop3 and smtp
	-c 300.1.1.1|clients= wants addresses
	-c 10.0.0.1;disabled|holds a colon, a semicolon
	-q much|a quota
	-m a:b|holds a colon
	-m ../b|Maildir has an empty
	END
	cmp users "$DIR/before"
	[ ! -e "$DIR/mail/example.test/dave" ]
}

@test "passwd: the main password alone; app-password: one for each label" {
	user passwd alice@example.test <<<"new"
	ok
	[ "$(sed -n 2,3p passwords)" = $'# phones\nalice@example.test:{PLAIN}one:phone:imap' ]
	[[ $(head -n 1 passwords) == 'alice@example.test:{SCRAM-SHA-256}'* ]]
	user app-password -p imap,smtp -e 2027-01-31 alice@example.test 'Desk, left'
	ok
	[[ $output =~ ^[a-z2-7]{5}(-[a-z2-7]{5}){4}$ ]]
	made=$output
	grep -q '^alice@example.test:{SCRAM-SHA-256}[^:]*:Desk, left:imap,smtp:2027-01-31$' passwords
	not grep -q "$made" passwords
	# The same salt, so that SCRAM works with either.
	[ "$(grep -o '256}[0-9]*,[^,]*,' passwords | sort -u | wc -l)" = 1 ]
	user app-password -i alice@example.test phone <<<"given"
	ok
	[ -z "$output" ]
	[ "$(grep -c ':phone' passwords)" = 1 ]
	not grep -q '{PLAIN}' passwords
	user app-password -d alice@example.test phone
	ok
	user app-password -d alice@example.test phone
	[ "$status" = 67 ]
	says 'no password with the label "phone"'
	[ "$(grep -c alice passwords)" = 2 ]
	for bad in '-e tomorrow' '-p ftp'; do
		# shellcheck disable=SC2086
		user app-password $bad alice@example.test x
		[ "$status" = 64 ]
	done
	user app-password alice@example.test 'a:b'
	[ "$status" = 65 ]
	user app-password alice@example.test ' '
	[ "$status" = 64 ]
	user app-password nobody@example.test x
	[ "$status" = 67 ]
}

@test "disable keeps the other options; a reason that no line may hold is refused" {
	user disable bob@example.test
	ok
	grep -qx 'bob@example.test:a/b:::protocols=imap;disabled' users
	user disable bob@example.test 'one; two'
	[ "$status" = 65 ]
	user disable bob@example.test $'one\ntwo'
	[ "$status" = 65 ]
	user enable bob@example.test
	ok
	grep -qx 'bob@example.test:a/b:::protocols=imap' users
	[ "$(head -n 1 users)" = '# people' ]
}

@test "list and show: text for grep, and no secret, not even a hash" {
	user list -l
	[ "${lines[0]}" = "alice@example.test	$BOX		imap,pop3,smtp	enabled" ]
	[ "${lines[1]}" = "bob@example.test	$DIR/mail/a/b		imap	enabled" ]
	"$POST" user passwd alice@example.test <<<"new"
	"$POST" user disable alice@example.test why
	user show alice@example.test
	ok
	says "maildir $BOX"
	says "disabled why"
	says $'password scram-sha-256\n'
	says 'app-password phone plain for imap'
	for word in main '{' '256}' "$(grep -o '[^,]*$' passwords | head -n 1)"; do
		[[ $output != *"$word"* ]]
	done
}

@test "delete: mail is put aside, kept, or removed for good where that is said" {
	mkdir -p "$BOX"/{cur,new,tmp}
	echo x >"$BOX/new/1.a"
	user delete alice@example.test
	ok
	says "the mail is in $BOX.deleted."
	[ -e "$BOX".deleted.*/new/1.a ]
	[ ! -e "$BOX" ]
	not grep -q alice users passwords
	"$POST" user add -n alice@example.test
	[ -z "$(find "$BOX" -name 1.a)" ]
	user delete -k alice@example.test
	ok
	says "the mail stays in $BOX"
	[ -d "$BOX/new" ]
	"$POST" user add -n alice@example.test
	mkdir -p "$DIR/outside"
	touch "$DIR/outside/file"
	ln -s "$DIR/outside" "$BOX/.Link"
	ln -s "$DIR/outside/file" "$BOX/cur/1.link"
	user delete --purge alice@example.test
	ok
	[ -z "$output" ]
	[ ! -e "$BOX" ]
	[ -e "$DIR/outside/file" ]
	[ "$(find "$DIR/mail/example.test" -mindepth 1 -maxdepth 1 | wc -l)" = 1 ]	# what was put aside first
	user delete -k --purge bob@example.test
	[ "$status" = 64 ]
}

@test "delete: a Maildir that another account has too stays" {
	echo "carol@example.test:a/b" >>users
	mkdir -p "$DIR/mail/a/b"/{cur,new,tmp}
	user delete --purge bob@example.test
	ok
	says "which carol@example.test has too"
	[ -d "$DIR/mail/a/b/cur" ]
}

@test "delete: asks on a terminal" {
	need python3 python3
	cat >"$DIR/terminal.py" <<-'END'
	import os, pty, sys
	pid, fd = pty.fork()
	if pid == 0:
	    os.execv(sys.argv[1], [sys.argv[1], "user", "delete", "alice@example.test"])
	seen = b""
	while b"to go on: " not in seen:
	    seen += os.read(fd, 1000)
	os.write(fd, sys.argv[2].encode() + b"\n")
	try:
	    while os.read(fd, 1000):
	        pass
	except OSError:
	    pass
	sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	END
	run timeout 120 python3 "$DIR/terminal.py" "$POST" y
	[ "$status" = 77 ]
	grep -q '^alice' users
	run timeout 120 python3 "$DIR/terminal.py" "$POST" yes
	[ "$status" = 0 ]
	not grep -q '^alice' users
}

@test "a link is not replaced" {
	mv users "$DIR/users"
	ln -s "$DIR/users" users
	user disable alice@example.test
	[ "$status" = 74 ]
	says "not a regular file"
	[ -L users ]
	[ "$(cat users | sed -n 2p)" = 'alice@example.test:' ]
}

# kill_everywhere FILE COMMAND...: kills the command at every system call; FILE is then as before or as after.
kill_everywhere() {
	local file=$1 n=0 mode
	shift
	cp -p users "$DIR/users.0" && cp -p passwords "$DIR/passwords.0"
	mode=$(stat -c %u:%g:%a "$file")
	"$@" >/dev/null
	sed -E 's/(256\}[0-9]*,).*(:x)/\1\2/' "$file" >"$DIR/after"
	not cmp -s "$file" "$DIR/$file.0"
	until cp -p "$DIR/users.0" users && cp -p "$DIR/passwords.0" passwords && n=$((n + 1)) &&
	    "$BIN/../t/killat" "$n" "$@" >"$DIR/said" 3>"$DIR/killat"; do
		grep -q '^killed at' "$DIR/killat"
		[ "$(stat -c %u:%g:%a "$file")" = "$mode" ]
		cmp -s "$file" "$DIR/$file.0" || sed -E 's/(256\}[0-9]*,).*(:x)/\1\2/' "$file" | cmp - "$DIR/after"
	done
	echo "# killed at $n system calls"
	[ "$n" -gt 50 ]
	[ "$(ls -A | sort | tr '\n' ' ')" = ".lock domains hostname passwords settings users " ]
}

@test "killed at every system call: the old file or the new one" {
	[ -z "${SANITIZED-}" ] || skip "the same calls"
	[ -x "$BIN/../t/killat" ] || skip "NOT TESTED: no killat (make tests)"
	chmod 640 users
	kill_everywhere users "$BIN/admin" user disable bob@example.test gone
	chmod 640 passwords
	kill_everywhere passwords "$BIN/admin" user app-password alice@example.test x
}

@test "100,000 accounts: adding, showing and listing stay quick" {
	[ -z "${SANITIZED-}" ] || skip "sanitizers need time of their own"
	awk 'BEGIN { for (i = 0; i < 100000; i++) print "user" i "@example.test:" }' >>users
	awk 'BEGIN { k = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
		for (i = 0; i < 100000; i++)
			print "user" i "@example.test:{SCRAM-SHA-256}50000,AAAAAAAAAAAAAAAAAAAAAA==," k "," k }' >>passwords
	quick() { # quick CPU-SECONDS COMMAND...
		local limit=$1
		shift
		(ulimit -t "$limit" && "$@")
	}
	quick 20 "$POST" user add carol@example.test <<<"secret"
	quick 20 "$POST" user disable user99999@example.test
	quick 20 "$POST" user show user50000@example.test | grep -q 'password scram'
	[ "$(quick 20 "$POST" user list -l | wc -l)" = 100003 ]
	[ "$(grep -c '' passwords)" = 100004 ]
}
@test "a made password logs in, and only where it may" {
	echo 'login-failure-pause 0' >>settings
	mkdir -p "$BOX"/{cur,new,tmp}
	[ "$(id -u)" != 0 ] || chown -R 64006:64006 "$DIR/mail/example.test"
	made=$("$POST" user app-password -p pop3 alice@example.test tablet)
	login() { printf 'USER alice@example.test\r\nPASS %s\r\nQUIT\r\n' "$1" | "$BIN/pop3d" 2>"$DIR/log" | tr -d '\r' | sed -n 3p; }
	[ "$(login "$made")" = '+OK 0 messages' ]
	[ "$(login main)" = '+OK 0 messages' ]
	[[ $(login one) == '-ERR [AUTH]'* ]]
	"$POST" user disable alice@example.test 'Closed: call 7'
	grep -qx 'alice@example.test::::disabled=Closed: call 7' users
	[[ $(login "$made") == '-ERR [AUTH]'* ]]
	"$POST" user enable alice@example.test
	grep -qx 'alice@example.test:' users
	[ "$(login "$made")" = '+OK 0 messages' ]
}


@test "nobody waits for the lock while a password is typed" {
	mkfifo "$DIR/typed"
	"$POST" user passwd alice@example.test <"$DIR/typed" 3>&- &
	pid=$!
	exec 9>"$DIR/typed"
	echo other | timeout -k 1 120 "$POST" user add -q 1000000 other@example.test
	echo 'new password' >&9
	exec 9>&-
	wait "$pid"
	grep -q '^other@example.test:' "$POSTHOUSE/users"
	grep -q '^alice@example.test:' "$POSTHOUSE/passwords"
}

@test "without an address the usage is told, whatever the control directory is" {
	for command in "user add" "user add -n" "user passwd" "user app-password -d" "user delete -f" "user disable" "user enable" \
	    "user show" "acl create" "acl set" "acl set Shared/A alice@example.test" "acl list a b" "acl index x" "acl other"; do
		code=0
		# shellcheck disable=SC2086
		POSTHOUSE=/nonexistent "$BIN/admin" $command </dev/null >"$BATS_TEST_TMPDIR/out" 2>&1 || code=$?
		echo "$command: $code"
		[ "$code" = 64 ]
		grep -q "^usage: posthouse ${command%% *}" "$BATS_TEST_TMPDIR/out"
		not grep -q nonexistent "$BATS_TEST_TMPDIR/out"
	done
}
