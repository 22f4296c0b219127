# admin.bats: posthouse check, explain, hash and user, through the shell command.
# shellcheck shell=bash

load helper

setup() {
	DIR=$(private_dir)
	bare_control "$DIR"
	export POSTHOUSE=$DIR/control
	POST=$BIN/posthouse
	cd "$DIR/control" || return 1
	echo 'postmaster: alice' >aliases
	printf 'alice@example.test:\nbob@example.test:\n' >users
}

teardown() {
	cd / && rm -rf "$DIR"
}

says() {
	[[ $output == *"$1"* ]] || {
		echo "not said: $1" >&2
		echo "$output" >&2
		return 1
	}
}
silent_on() {
	[[ $output != *"$1"* ]] || {
		echo "said: $output" >&2
		return 1
	}
}

@test "check: a good directory is 0 and prints every setting" {
	run "$POST" check
	[ "$status" = 0 ]
	says "message-size-limit 50M"
	says "# domains 1, users 2, aliases 1"
	silent_on " error"
}

@test "check: open secrets are errors" {
	echo 'alice@example.test:{PLAIN}x' >passwords
	chmod 644 passwords
	run "$POST" check
	[ "$status" = 78 ]
	says "passwords: it holds the secrets of all accounts"
	chmod 640 passwords
	echo 'example.net h.example user=a password=b' >routes
	chmod 644 routes
	run "$POST" check
	[ "$status" = 78 ]
	says "routes: it holds a password"
	silent_on "passwords: it holds"
	echo 'example.net h.example' >routes
	mkdir tls
	touch tls/cert.pem tls/key.pem
	chmod 604 tls/key.pem
	run "$POST" check
	[ "$status" = 78 ]
	says "tls/key.pem: it is a private key"
	rm tls/key.pem
	run "$POST" check
	says "tls/cert.pem: there is no key beside"
	chmod 600 passwords
	rm -r tls
	run "$POST" check
	[ "$status" = 0 ]
}

# certificate NAME [OPTION...]: a pair below tls, good for 30 days.
certificate() {
	mkdir -p tls
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tls/key.pem -out tls/cert.pem -days 30 \
	    -subj "/CN=$1" -addext "subjectAltName=DNS:$1" 2>"$DIR/openssl.log"
	chmod 600 tls/key.pem
}

@test "check: a certificate or key that servers cannot use, or clients will not like" {
	certificate "$(cat hostname)"
	run "$POST" check
	[ "$status" = 0 ]
	silent_on tls/
	now=$(date +%s)
	POSTHOUSE_CLOCK=@$((now + 20 * 86400)) run "$POST" check
	[ "$status" = 0 ]
	says "warning: $DIR/control/tls/cert.pem: it expires in "
	POSTHOUSE_CLOCK=@$((now + 40 * 86400)) run "$POST" check
	says "warning: $DIR/control/tls/cert.pem: it has expired"
	POSTHOUSE_CLOCK=@$((now - 2 * 86400)) run "$POST" check
	says "warning: $DIR/control/tls/cert.pem: it is not valid yet"
	mv tls/key.pem key
	certificate other.example
	run "$POST" check
	[ "$status" = 0 ]
	says "warning: $DIR/control/tls/cert.pem: it is not for $(cat hostname)"
	mv key tls/key.pem
	run "$POST" check
	[ "$status" = 78 ]
	says "tls/key.pem: this is the key of another certificate"
	# Of another kind, too: OpenSSL takes it, for a certificate that may still come.
	openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out tls/key.pem 2>>"$DIR/openssl.log"
	run "$POST" check
	[ "$status" = 78 ]
	says "tls/key.pem: this is the key of another certificate"
	cat tls/cert.pem >tls/key.pem
	run "$POST" check
	[ "$status" = 78 ]
	says "tls/key.pem: no private key in PEM form"
	certificate other.example
	openssl pkey -in tls/key.pem -aes128 -passout pass:x -out key 2>>"$DIR/openssl.log"
	cat key >tls/key.pem
	run "$POST" check </dev/null
	[ "$status" = 78 ]
	says "tls/key.pem: the key has a pass phrase"
	silent_on "Enter"
	# A certificate, but not one that the library lets a server use.
	openssl req -x509 -newkey rsa:512 -nodes -keyout tls/key.pem -out tls/cert.pem -days 30 -subj /CN=x 2>>"$DIR/openssl.log"
	run "$POST" check
	[ "$status" = 78 ]
	says "tls/cert.pem: no server takes this certificate: ee key too small"
	echo garbage >tls/cert.pem
	run "$POST" check
	[ "$status" = 78 ]
	says "tls/cert.pem: no certificate in PEM form"
	mkdir tls/mail.example.test
	echo garbage >tls/mail.example.test/cert.pem
	run "$POST" check
	says "tls/mail.example.test/cert.pem: there is no key beside"
}

@test "check: control files that anybody can write" {
	chmod 646 aliases
	run "$POST" check
	[ "$status" = 78 ]
	says "aliases: every account of this system can write it (mode 646)"
	says "1 error"
	chmod 757 .
	run "$POST" check
	says "/.: every account of this system can write it (mode 757)"
	says "2 errors"
	chmod 755 .
	chmod 644 aliases
	run "$POST" check
	[ "$status" = 0 ]
	[ "$(id -u)" = 0 ] || return 0
	chown 64001 aliases
	run "$POST" check
	[ "$status" = 0 ]
	says "warning: $DIR/control/aliases: it belongs to uid 64001"
}

@test "check: a spool or mail directory that cannot be used" {
	spool=$(sed -n 's/^spool-directory //p' settings)
	mail=$(sed -n 's/^mail-directory //p' settings)
	rm -rf "$spool" "$mail"
	: >"$spool"
	run "$POST" check
	[ "$status" = 78 ]
	says "spool-directory $spool is no directory"
	says "mail-directory $mail: No such file or directory; mount it, or make it: mkdir -p $mail"
	rm "$spool"
	mkdir "$spool" "$mail"
	run "$POST" check
	[ "$status" = 0 ]
	silent_on "$spool/"
	mkdir "$spool/new"
	run "$POST" check
	for part in tmp cur state hold full local rate sent trigger; do
		says "warning: $DIR/control/settings: $spool/$part is missing"
	done
	need_root
	says "warning: $DIR/control/settings: $spool/new belongs to uid 0, not to queue-user; chown "
}

@test "check: files that a program cannot read when it has given up root" {
	need_root
	echo 'example.net h.example user=a password=b' >routes
	chmod 600 routes users
	chmod 640 hostname
	run "$POST" check
	[ "$status" = 78 ]
	says "routes: send-user cannot read it (mode 600, owner 0:0)"
	says "users: queue-user cannot read it"
	says "hostname: sendmail is run by anybody and cannot read it"
	chown 0:64005 routes
	chmod 640 routes
	chmod 644 users hostname
	run "$POST" check
	[ "$status" = 0 ]
}

@test "check: lines that lead nowhere" {
	printf '%s\n' 'one: two' 'two: one' 'lost: nobody' 'alice: bob' 'x@example.net: bob' \
	    "inc: :include:$DIR/none" 'direct: \nosuch' '@example.test: @example.com' 'bob@example.test: bob, alice' >aliases
	echo 'carol@example.org:' >>users
	printf '%s\n' 'example.test [192.0.2.1]' '.example.test mx:' >routes
	printf 'b\303\274.example\n' >>domains
	echo 'dave@example.test:{PLAIN}x' >passwords
	chmod 600 passwords
	: >domainz
	run "$POST" check
	[ "$status" = 78 ]
	says "aliases:1: the alias goes round in a circle"
	says "aliases:2: the alias goes round in a circle"
	says "aliases:3: nobody@example.test is in a local domain, but"
	says "warning: $DIR/control/aliases:4: alice is not used for alice@example.test, for users has that"
	says "warning: $DIR/control/aliases:5: the line is never used"
	says "warning: $DIR/control/users:3: carol@example.org gets no mail"
	says "warning: $DIR/control/passwords:1: dave@example.test is not in users"
	says "warning: $DIR/control/domainz: no program reads"
	says "warning: $DIR/control/domains:1: postmaster@example.test is not known"
	says "warning: $DIR/control/routes:1: the line is never used, for example.test is in domains"
	silent_on routes:2
	says "warning: $DIR/control/domains:2: mail for xn--b-eha.example, the same domain as DNS has it, is not local"
	says "aliases:6: $DIR/none: No such file"
	says "aliases:7: there is no mailbox nosuch@example.test"
	says "aliases:8: example.com is not in domains"
	silent_on aliases:9
	says "6 errors"
}

@test "check: postmaster of a further domain, whose users are in the first one" {
	echo example.net >>domains
	run "$POST" check
	[ "$status" = 78 ]
	says "aliases:1: alice@example.net is in a local domain, but neither users nor aliases know it"
	echo 'postmaster: alice@example.test' >aliases
	run "$POST" check
	[ "$status" = 0 ]
}

@test "check: users of whom nobody has a password" {
	run "$POST" check
	[ "$status" = 0 ]
	says "warning: $DIR/control/passwords: nobody has a password"
	echo 'carol@example.test::::password=program' >>users
	run "$POST" check
	silent_on "nobody has"
}

@test "check: what an alias includes" {
	printf '%s\n' "list: :include:$DIR/list" "deep: :include:$DIR/deep" "loop: :include:$DIR/loop" "folder: :include:$DIR" \
	    'both: list, deep' >aliases
	printf '%s\n' '# members' alice 'x@example.net, bob' >"$DIR/list"
	echo ":include:$DIR/list" >"$DIR/deep"
	: >"$DIR/loop"
	run "$POST" check
	[ "$status" = 78 ]
	says "aliases:4: $DIR: Is a directory"
	says "1 error"
	sed -i /folder/d aliases
	# Nothing waits for a writer.
	echo "fifo: :include:$DIR/fifo" >>aliases
	mkfifo "$DIR/fifo"
	run timeout 300 "$POST" check
	[ "$status" = 78 ]
	says "aliases:5: $DIR/fifo: Invalid argument"
	sed -i /fifo/d aliases
	mkfifo networks
	run timeout 300 "$POST" check
	[ "$status" = 78 ]
	says "networks: cannot be read: Invalid argument"
	rm networks
	run "$POST" check
	[ "$status" = 0 ]
	echo 'no address here' >>"$DIR/list"
	echo ":include:$DIR/loop" >"$DIR/loop"
	run "$POST" check
	[ "$status" = 78 ]
	says "aliases:1: $DIR/list:4: this is not an address"
	says "aliases:2: $DIR/list:4: this is not an address"
	says "aliases:3: $DIR/loop:1: too many files are included"
	silent_on aliases:4
	says "3 errors"
	printf '%s\n' "list: :include:$DIR/control/list, bob" 'alice@example.test: bob' >aliases
	echo bob >list
	echo bob >lis
	run "$POST" check
	[ "$status" = 0 ]
	silent_on control/list
	says "control/lis: no program reads"
	rm list lis
	printf '%s\n' "list: :include:$DIR/list" "deep: :include:$DIR/deep" "loop: :include:$DIR/loop" 'both: list, deep' >aliases
	printf '%s\n' alice '|/bin/cat' >"$DIR/list"
	echo nosuch >"$DIR/loop"
	run "$POST" check
	says "aliases:1: $DIR/list:2: an included file holds addresses only"
	says "aliases:3: nosuch@example.test is in a local domain"
}

@test "explain: programs, files, includes, owners, mailboxes themselves, forwards" {
	mkdir -p "$DIR/mail/example.test"
	echo x@example.net >"$DIR/mail/example.test/alice.forward"
	printf '%s\n' "all: \"|/bin/robot a, b\", /var/box, :include:$DIR/none, alice, \\alice" 'owner-all: bob' \
	    'alice@example.test: alice' >>aliases
	run "$POST" explain all@example.test
	[ "$status" = 0 ]
	says "a new message, from owner-all@example.test"
	says 'the program "/bin/robot a, b"'
	says "the file /var/box"
	says "the addresses in $DIR/none, which cannot be read now: No such file"
	says "the mailbox itself: alice@example.test in $DIR/mail/example.test/alice"
	run "$POST" explain bob@example.test
	silent_on forward
	sed -i '/^alice@/d' aliases
	run "$POST" explain alice@example.test
	says "$DIR/mail/example.test/alice.forward says where it goes from there"
}

@test "expect: what holds is silent" {
	printf '%s\n' 'sales: alice, bob@example.net' '@catch.test: bob@example.test' >>aliases
	echo catch.test >>domains
	printf '%s\n' '.example.net [192.0.2.9]:26 tls=verify' 'example.com mx: tls=encrypt' >routes
	echo 192.0.2.0/25 >networks
	cat >expect <<-'END'
	# what must stay so
	rcpt alice+x@Example.test -> mailbox alice@example.test
	rcpt sales@example.test   ->  alias alice, bob@example.net
	rcpt any@catch.test -> alias bob@example.test
	rcpt x@example.org -> remote
	rcpt x@example.test -> unknown
	client 192.0.2.1 may relay
	client 192.0.2.200 may not relay
	client 127.0.0.1 may not relay
	client 2001:db8::1 may not relay
	route a.example.net -> [192.0.2.9]:26
	route example.net -> mx:
	tls a.example.net verified
	tls a.example.net required
	tls example.com required
	tls example.org optional
	END
	run "$POST" check
	[ "$status" = 0 ]
	says "expectations 15"
}

@test "expect: each line that does not hold, or is not understood, fails the check" {
	cat >expect <<-'END'
	rcpt alice@example.test -> mailbox bob@example.test
	rcpt alice@example.test -> remote
	client 127.0.0.1 may not relay
	client 192.0.2.1 may relay
	route example.net -> smart.example
	tls example.net required
	rcpt alice@example.test mailbox alice@example.test
	client localhost may relay
	client 127.0.0.1 may be relay
	tls example.net perhaps
	something else
	END
	run "$POST" check
	[ "$status" = 78 ]
	says "expect:1: "
	says "users:1 says \"mailbox alice@example.test\""
	says "expect:3: \"client 127.0.0.1 may not relay\" does not hold"
	says "expect:11: "
	says "11 errors"
}

@test "explain: every step to mailbox, host and dead end" {
	echo 'sales: alice, x@example.net' >>aliases
	echo 'example.net smart.example:587 user=me password=hidden' >routes
	run "$POST" explain Sales+now@example.test
	[ "$status" = 0 ]
	says "aliases:2: alias alice, x@example.net"
	says "users:1: mailbox alice@example.test in $DIR/mail/example.test/alice"
	says "routes:1: to smart.example:587, TLS with a verified name, with a password"
	silent_on hidden
	run "$POST" explain nobody@example.test
	[ "$status" = 67 ]
	says "refused with 550 5.1.1"
	printf 'a: b\nb: a\n' >aliases
	run "$POST" explain a@example.test
	[ "$status" = 67 ]
	says "round in a circle"
	run "$POST" explain 'a b@example.test'
	[ "$status" = 64 ]
}

@test "hash: a new salt each time, and nothing of the secret" {
	run "$POST" hash <<<"the secret"
	[ "$status" = 0 ]
	[[ $output == '{SCRAM-SHA-256}'*,*,*,* ]]
	silent_on "the secret"
	[ "$output" != "$("$POST" hash <<<"the secret")" ]
	run "$POST" hash -c <<<"the secret"
	[ "$status" = 0 ]
	[[ $output == '$'*'$'* ]]
	run "$POST" hash <<<""
	[ "$status" = 65 ]
	run "$POST" hash <<<$'a\001b'
	[ "$status" = 65 ]
}

@test "user add: mailbox, password, and last the line" {
	run "$POST" user add Carol@Example.test <<<"pw of carol"
	[ "$status" = 0 ]
	[ -z "$output" ]
	grep -qx 'carol@example.test:' users
	grep -q '^carol@example.test:{SCRAM-SHA-256}' passwords
	[ "$(cat users passwords | grep -c 'pw of carol')" = 0 ]
	[ "$(stat -c %a passwords)" = 600 ]
	[ -d "$DIR/mail/example.test/carol/cur" ]
	[ -d "$DIR/mail/example.test/carol/new" ]
	[ -d "$DIR/mail/example.test/carol/tmp" ]
	[ "$(id -u)" != 0 ] || [ "$(stat -c %u "$DIR/mail/example.test/carol/new")" = 64006 ]
	run "$POST" user list
	[ "$output" = $'alice@example.test\nbob@example.test\ncarol@example.test' ]
	[ -z "$(find . -name '.users*' -o -name '.passwords*')" ]
}

@test "user add: maildir, owner and quota" {
	run "$POST" user add -n -m "$DIR/mail/box" -o 64099.64098 -q 2G,500 dave@example.test
	[ "$status" = 0 ]
	grep -qx "dave@example.test:$DIR/mail/box:64099.64098:2G,500" users
	[ ! -e passwords ]
	run "$POST" user show dave@example.test
	says "maildir $DIR/mail/box"
	says "quota 2147483648 bytes, 500 messages"
	silent_on "password"
	[ "$(id -u)" != 0 ] || [ "$(stat -c %u:%g "$DIR/mail/box/cur")" = 64099:64098 ]
}

@test "user add: what is refused changes nothing" {
	cp users "$DIR/before"
	for arg in alice@example.test carol@example.net 'carol' 'a b@example.test' '-m ../x carol@example.test' \
	    '-q many carol@example.test' '-m a:b:c:d:e:f carol@example.test' '-x carol@example.test' ''; do
		# shellcheck disable=SC2086
		run "$POST" user add $arg <<<"secret"
		[ "$status" != 0 ] || {
			echo "taken: $arg" >&2
			false
		}
		[ -n "$output" ]
	done
	run "$POST" user add carol@example.test <<<""
	[ "$status" = 65 ]
	cmp users "$DIR/before"
	[ ! -s passwords ]
}

@test "user passwd and delete: other lines, comments, owner and mode stay" {
	printf '# first\nalice@example.test:{PLAIN}a\nALICE@example.test:{PLAIN}a2\n\nbob@example.test:{PLAIN}b' >passwords
	chmod 640 passwords
	[ "$(id -u)" != 0 ] || chown 64003:64007 passwords
	owner=$(stat -c %u:%g:%a passwords)
	run "$POST" user passwd alice@example.test <<<"new"
	[ "$status" = 0 ]
	[ "$(stat -c %u:%g:%a passwords)" = "$owner" ]
	[ "$(sed -n 1p passwords)" = "# first" ]
	[[ $(sed -n 2p passwords) == 'alice@example.test:{SCRAM-SHA-256}'* ]]
	[ -z "$(sed -n 3p passwords)" ]
	[ "$(sed -n 4p passwords)" = "bob@example.test:{PLAIN}b" ]
	run "$POST" user passwd nobody@example.test <<<"new"
	[ "$status" = 67 ]
	mkdir -p "$DIR/mail/example.test/alice"
	run "$POST" user delete alice@example.test
	[ "$status" = 0 ]
	says "the mail is in $DIR/mail/example.test/alice.deleted."
	[ "$(cat users)" = "bob@example.test:" ]
	[ "$(grep -c alice passwords)" = 0 ]
	[ ! -e "$DIR/mail/example.test/alice" ]
	run "$POST" user delete alice@example.test
	[ "$status" = 67 ]
}

@test "user: edits at the same time lose nothing" {
	for i in 1 2 3 4 5 6 7 8; do
		"$POST" user add -n "many$i@example.test" 3>&- &
		pids="${pids-} $!"
	done
	# shellcheck disable=SC2086
	for pid in $pids; do
		wait "$pid"
	done
	[ "$(grep -c '^many[1-8]@' users)" = 8 ]
}

@test "user: a password is asked for twice on a terminal" {
	need python3 python3
	cat >"$DIR/terminal.py" <<-'END'
	import os, pty, sys, time
	pid, fd = pty.fork()
	if pid == 0:
	    os.execv(sys.argv[1], [sys.argv[1], "user", "passwd", "alice@example.test"])
	def until(text):
	    seen = b""
	    while text not in seen:
	        seen += os.read(fd, 1000)
	    return seen
	said = until(b"New password: ")
	os.write(fd, sys.argv[2].encode() + b"\n")
	said += until(b"The same again: ")
	os.write(fd, sys.argv[3].encode() + b"\n")
	try:
	    while True:
	        more = os.read(fd, 1000)
	        if not more:
	            break
	        said += more
	except OSError:
	    pass
	if sys.argv[2].encode() in said:
	    sys.exit("the password was shown")
	sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	END
	run timeout 120 python3 "$DIR/terminal.py" "$POST" oneword oneword
	[ "$status" = 0 ]
	grep -q '^alice@example.test:{SCRAM-SHA-256}' passwords
	cp passwords "$DIR/before"
	run timeout 120 python3 "$DIR/terminal.py" "$POST" oneword otherword
	[ "$status" = 65 ]
	cmp passwords "$DIR/before"
}

@test "posthouse: finds its helpers and says when it cannot" {
	run "$POST"
	[ "$status" = 64 ]
	run "$POST" nonsense
	[ "$status" = 64 ]
	run env POSTHOUSE_LIBEXEC="$DIR/nowhere" "$POST" check
	[ "$status" = 72 ]
	says "there is no admin in $DIR/nowhere"
	run env -u POSTHOUSE "$POST" -C "$DIR/control" check
	[ "$status" = 0 ]
	cp "$POST" "$DIR/posthouse"
	run env POSTHOUSE_LIBEXEC="$BIN" "$DIR/posthouse" user list
	[ "$status" = 0 ]
	run "$POST" queue '../../bin/sh'
	[ "$status" = 64 ]
}

@test "explain: a message, from its files" {
	"$BIN/sendmail" -f ann@example.net bob@example.test carol@example.org <<<"x"
	name=$(ls "$DIR/spool/new")
	id=${name%%.mx*}
	run "$POST" explain "$id"
	[ "$status" = 0 ]
	says "accepted, not yet tried: new/$name"
	says "Return-Path: <ann@example.net>"
	says "Delivered-To: carol@example.org"
	silent_on "Received"
	mv "$DIR/spool/new/$name" "$DIR/spool/cur/$name"
	touch -d '2030-01-02 03:04:05 UTC' "$DIR/spool/cur/$name"
	printf '2\t3\t1795305600\tcarol@example.org\t4.4.1 [mx.example.org] timed out\n' >"$DIR/spool/state/$name"
	run "$POST" explain "$id"
	says "next try at 2030-01-02 03:04:05 UTC"
	says "carol@example.org: 3 attempts, the last answer: 4.4.1 [mx.example.org] timed out"
	rm "$DIR/spool/cur/$name"
	run "$POST" explain "$id"
	[ "$status" = 67 ]
	says "is not in the queue"
	run "$POST" explain '../x'
	[ "$status" = 64 ]
}
