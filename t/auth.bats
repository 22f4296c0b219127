# auth.bats: logging in, by every mechanism, at all three protocols, with clients of others as peers; who may, and who is slowed.
# shellcheck shell=bash disable=SC2154

load helper

setup_file() {
	INSTANCE_ONLY="SUBMISSION POP3 IMAP" INSTANCE_SETTINGS="login-mechanisms scram-sha-256-plus scram-sha-256 external plain login" \
	    instance_start
	adduser alice@example.test 'pen cil,=:%'
	adduser bob@example.test secret
	adduser erin@example.test secret
	adduser fred@example.test secret
	adduser sys@example.test x
	# bob has keys, and a password for his telephone that reads mail alone
	local keys
	keys=$("$BIN/admin" hash <<<secret)
	sed -i '/^bob@\|^sys@/d; s/^\(alice@example.test\):.*/\1:{PLAIN}pen cil,=%3A%25/' "$CONTROL/passwords"
	{
		echo "bob@example.test:$keys"
		echo "bob@example.test:{PLAIN}phone word:phone:imap:2999-12-31"
		echo "bob@example.test:{PLAIN}old word:tablet::2020-12-31"
	} >>"$CONTROL/passwords"
	sed -i -e 's/^erin@.*/erin@example.test::::disabled=Closed: ask the help desk/' \
	    -e 's/^fred@.*/fred@example.test::::protocols=imap/' "$CONTROL/users"
	client_certificate alice alice@example.test "$DIR/ca"
	cp "$DIR/ca.pem" "$CONTROL/tls/client-ca.pem"
	export DIR HOST SUBMISSION_PORT POP3_PORT IMAP_PORT CA_FILE CONTROL MAIL SPOOL
}

teardown_file() {
	# shellcheck disable=SC2034
	INSTANCES=("$DIR")
	instance_stop
}

teardown() {
	[ -z "${other-}" ] || "$ROOT/t/instance" stop "$other/i"	# one test has another server
}

# client_certificate NAME ADDRESS CA: NAME.pem in DIR has certificate and key, by the authority CA.pem and CA.key.
client_certificate() {
	(
		set -e
		cd "$DIR"
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1"
		printf 'subjectAltName=DNS:x.example,email:nobody@example.test,email:%s\n' "$2" >"$1.ext"
		openssl x509 -req -in "$1.csr" -CA "$3.pem" -CAkey "$3.key" -set_serial 7 -days 3 -extfile "$1.ext" -out "$1.crt"
		cat "$1.crt" "$1.key" >"$1.pem"
	) >/dev/null 2>&1
}

port() {
	case $1 in
	imap) echo "$IMAP_PORT" ;;
	pop3) echo "$POP3_PORT" ;;
	smtp) echo "$SUBMISSION_PORT" ;;
	esac
}

# sasl PROTOCOL CA HOW NAME=VALUE...: its reply is in $output.
sasl() {
	local protocol=$1 ca=$2
	shift 2
	run timeout 300 python3 "$ROOT/t/sasl.py" "$protocol" "$HOST" "$(port "$protocol")" "$ca" "$@"

}

# logged REGEX: a line says so, or will.
logged() { await 5 grep -hE "$1" "$DIR"/log/*; }

@test "SCRAM-SHA-256 at all protocols, with stored keys and with a plain secret, in clear on this machine and behind TLS" {
	need python3 python3
	for protocol in imap pop3 smtp; do
		for ca in - "$CA_FILE"; do
			sasl $protocol "$ca" scram user=bob@example.test password=secret
			[ "$status" = 0 ]
			sasl $protocol "$ca" scram user=alice 'password=pen cil,=:%'
			[ "$status" = 0 ]
			sasl $protocol "$ca" scram user=bob@example.test password=Secret
			[ "$status" = 1 ]
			[[ $output == 'a NO [AUTHENTICATIONFAILED]'* || $output == '-ERR [AUTH]'* || $output == '535 5.7.8'* ]]
		done
	done
	logged 'imapd\[[0-9]*\]: auth sid=[0-9a-f]* peer=127.0.0.1 user=bob@example.test mech=SCRAM-SHA-256 text=ok$'
	logged 'pop3d\[[0-9]*\]: auth sid=[0-9a-f]* peer=127.0.0.1 user=bob@example.test mech=SCRAM-SHA-256 text=failed: wrong password$'
}

@test "SCRAM-SHA-256-PLUS at all protocols: right, another connection's, one that there is not; and the hidden offer" {
	need python3 python3
	for protocol in imap pop3 smtp; do
		sasl $protocol "$CA_FILE" plus user=bob@example.test password=secret
		[ "$status" = 0 ]
		for how in forged renamed downgrade; do
			sasl $protocol "$CA_FILE" $how user=bob@example.test password=secret
			[ "$status" = 1 ]
			[[ $output == 'a NO [AUTHENTICATIONFAILED]'* || $output == '-ERR [AUTH]'* || $output == '535 5.7.8'* ]]
		done
		sasl $protocol - plus user=bob@example.test password=secret
		[ "$status" = 1 ]	# there is no channel to bind to
		# Without TLS nothing was hidden: "y" is what such a client says.
		sasl $protocol - downgrade user=bob@example.test password=secret
		[ "$status" = 0 ]
	done
	logged 'mech=SCRAM-SHA-256-PLUS text=failed: wrong channel binding$'
	logged 'mech=SCRAM-SHA-256-PLUS text=failed: no such channel binding$'
	logged 'mech=SCRAM-SHA-256 text=failed: channel binding was hidden from the client$'
}

@test "gsasl: SCRAM-SHA-256-PLUS by tls-exporter, SCRAM-SHA-256, PLAIN, LOGIN; imap and smtp" {
	need gsasl gsasl
	try() { # PROTOCOL MECHANISM PASSWORD OPTIONS...: gsasl takes part with the channel's binding unless told --no-cb
		local protocol=$1 mechanism=$2 password=$3
		shift 3
		run timeout 300 gsasl --"$protocol" --connect "localhost:$(port "$protocol")" --x509-ca-file "$CA_FILE" -m "$mechanism" \
		    -a bob@example.test -p "$password" "$@" </dev/null
		echo "$protocol $mechanism: $output"
	}
	for protocol in imap smtp; do
		try $protocol SCRAM-SHA-256-PLUS secret
		[ "$status" = 0 ]
		for mechanism in SCRAM-SHA-256 PLAIN LOGIN; do
			try $protocol $mechanism secret --no-cb
			[ "$status" = 0 ]
			try $protocol $mechanism secret --no-cb --no-client-first
			[ "$status" = 0 ]
			try $protocol $mechanism wrong --no-cb
			[ "$status" != 0 ]
		done
	done
	logged 'imapd.*mech=SCRAM-SHA-256-PLUS text=ok'
	logged 'smtpd.*mech=SCRAM-SHA-256-PLUS text=ok'
}

@test "gsasl's stored keys are ours" {
	need gsasl gsasl
	adduser mk@example.test x
	sed -i '/^mk@/d' "$CONTROL/passwords"
	echo "mk@example.test:$(gsasl -k -m SCRAM-SHA-256 -p 'gnu word' --iteration-count 5000)" >>"$CONTROL/passwords"
	sasl imap - scram user=mk@example.test 'password=gnu word'
	[ "$status" = 0 ]
	sasl imap - plain user=mk@example.test 'password=gnu word'
	[ "$status" = 0 ]
}

@test "EXTERNAL: the certificate's address, one of them asked for, and nobody else's" {
	need python3 python3
	for protocol in imap pop3 smtp; do
		sasl $protocol "$CA_FILE" external cert="$DIR/alice.pem"
		[ "$status" = 0 ]
		sasl $protocol "$CA_FILE" external cert="$DIR/alice.pem" authzid=alice@example.test
		[ "$status" = 0 ]
		sasl $protocol "$CA_FILE" external cert="$DIR/alice.pem" authzid=bob@example.test
		[ "$status" = 1 ]
		sasl $protocol "$CA_FILE" external
		[ "$status" = 1 ]
	done
	logged 'user=alice@example.test mech=EXTERNAL text=ok'
	logged 'user=bob@example.test mech=EXTERNAL text=failed: no address of the certificate fits'
	logged 'tls sid=.*, client certificate$'
}

@test "EXTERNAL: a certificate of an authority that is not ours is as none" {
	need python3 python3
	(cd "$DIR" && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.key -out other.pem -days 3 \
	    -subj "/CN=posthouse test CA" -addext "keyUsage=critical,keyCertSign") 2>/dev/null
	client_certificate forged bob@example.test "$DIR/other"
	sasl imap "$CA_FILE" external cert="$DIR/forged.pem"
	[ "$status" = 1 ]
	[[ $output == 'a NO [CANNOT]'* ]]
	sasl imap "$CA_FILE" plain cert="$DIR/forged.pem" user=bob@example.test password=secret
	[ "$status" = 0 ]	# and harms nobody
}

@test "acting for another is refused, as oneself it is not; and it counts as an error" {
	need python3 python3
	for how in plain scram; do
		sasl imap - $how user=bob@example.test password=secret authzid=bob@example.test
		[ "$status" = 0 ]
		sasl imap - $how user=bob@example.test password=secret authzid=alice@example.test times=1
		[ "$status" = 1 ]
		[[ $output == 'a NO [AUTHORIZATIONFAILED]'* ]]
	done
	sasl imap - plain user=bob@example.test password=secret authzid=alice@example.test times=21
	grep -q '^\* BYE Too many errors' <<<"$output"
}

@test "application passwords: for their protocols, until their day; the label is logged" {
	need python3 python3
	sasl imap - plain user=bob@example.test 'password=phone word'
	[ "$status" = 0 ]
	logged 'user=bob@example.test mech=PLAIN text=ok: phone$'
	sasl smtp - plain user=bob@example.test 'password=phone word'
	[ "$status" = 1 ]
	sasl imap - plain user=bob@example.test 'password=old word'
	[ "$status" = 1 ]
	# It takes part in SCRAM beside the main password, whose salt the client is told.
	sasl imap - scram user=bob@example.test 'password=phone word'
	[ "$status" = 0 ]
}

@test "accounts that are disabled, or not for this protocol: the reason, for who knows the password" {
	need python3 python3
	sasl imap - plain user=erin@example.test password=secret
	[ "$output" = "a NO [CONTACTADMIN] Closed: ask the help desk" ]
	sasl pop3 - scram user=erin@example.test password=secret
	[ "$output" = "-ERR [AUTH] Account disabled: Closed: ask the help desk" ]
	sasl smtp - plain user=erin@example.test password=secret
	[ "$output" = "535 5.7.13 Closed: ask the help desk" ]
	sasl smtp - plain user=erin@example.test password=wrong
	[ "$output" = "535 5.7.8 Wrong name or password" ]
	sasl pop3 - plain user=fred@example.test password=secret
	[ "$output" = "-ERR [AUTH] Account disabled: This account may not use this protocol" ]
	sasl imap - plain user=fred@example.test password=secret
	[ "$status" = 0 ]
	sed -i 's/^fred@.*/fred@example.test::::clients=192.0.2.0\/24,2001:db8::\/32/' "$CONTROL/users"
	sasl imap - scram user=fred@example.test password=secret
	[ "$output" = "a NO [CONTACTADMIN] This account may not be used from your network" ]
	sed -i 's/^fred@.*/fred@example.test::::clients=192.0.2.0\/24,127.0.0.0\/8/' "$CONTROL/users"
	sasl imap - scram user=fred@example.test password=secret
	[ "$status" = 0 ]
}

@test "a name that does not exist has a salt too, always the same, and fails as a wrong password does" {
	need python3 python3
	local salt
	sasl imap - salt user=nobody@example.test
	salt=$output
	[[ $salt == ????????????????????????' '50000 ]]
	sasl pop3 - salt user=NOBODY@example.test
	[ "$output" = "$salt" ]
	sasl smtp - salt user=nobody2@example.test
	[ "$output" != "$salt" ]
	sasl imap - scram user=nobody@example.test password=x
	[[ $output == 'a NO [AUTHENTICATIONFAILED]'* ]]
}

@test "a system account: shadow(5), by the auth process alone" {
	need_root
	need python3 python3
	unshare -m true 2>/dev/null || skip "NOT TESTED: no mount namespaces here"
	local wrong=()
	# A server that has passwd and shadow of its own; they are changed in place.
	other=$(private_dir)
	cp /etc/passwd /etc/shadow "$other/"
	chmod 640 "$other/shadow"
	echo 'phtest:x:64099:64099::/:/usr/sbin/nologin' >>"$other/passwd"
	cp "$other/shadow" "$other/shadow.old"
	echo "phtest:$(openssl passwd -6 'system word'):20000:0:99999:7:::" >>"$other/shadow"
	unset SUBMISSION_PORT POP3_PORT IMAP_PORT
	# shellcheck disable=SC2016
	INSTANCE_ONLY="SUBMISSION POP3 IMAP" unshare -m --propagation private sh -c '
		mount --bind "$0/passwd" /etc/passwd && mount --bind "$0/shadow" /etc/shadow && exec "$@"' "$other" \
	    "$ROOT/t/instance" start "$other/i" >"$other/start" 2>&1 || { cat "$other/start"; return 1; }
	DIR=$other/i
	load_env "$DIR"
	adduser sys@example.test 'left over'
	sed -i "s/^sys@.*/sys@example.test:sys:phtest::password=system/" "$CONTROL/users"
	for protocol in imap pop3 smtp; do
		sasl $protocol - plain user=sys@example.test 'password=system word'
		[ "$status" = 0 ] || wrong+=("$protocol: refused")
		for how in plain scram; do
			sasl $protocol - $how user=sys@example.test 'password=left over'
			[ "$status" = 1 ] || wrong+=("$protocol: $how by what is left over")
		done
		sasl $protocol - plain user=sys@example.test 'password=system words'
		[ "$status" = 1 ] || wrong+=("$protocol: a wrong word")
	done
	{ # locked
		cat "$other/shadow.old"
		echo "phtest:!$(openssl passwd -6 'system word'):20000:0:99999:7:::"
	} >"$other/shadow"
	sasl imap - plain user=sys@example.test 'password=system word'
	[ "$status" = 1 ] || wrong+=("a locked account")
	printf '%s\n' "${wrong[@]}"
	[ ${#wrong[@]} = 0 ]
	logged 'user=sys@example.test mech=PLAIN text=ok: system$'
}

@test "fail2ban: the filter finds every failure, and nothing else" {
	need fail2ban-regex fail2ban
	need python3 python3
	local failures
	for protocol in imap pop3 smtp; do
		for user in alice nobody; do
			sasl $protocol - plain user=$user@example.test password=wrong
			[ "$status" = 1 ]
		done
	done
	sasl imap - plain user=bob@example.test password=secret
	[ "$status" = 0 ]
	cat "$DIR"/log/* >"$BATS_TEST_TMPDIR/log"
	cat >>"$BATS_TEST_TMPDIR/log" <<-'E'
		imapd[1]: auth sid=0 peer=2001:db8::7 user= mech=PLAIN text=failed: malformed response
		smtpd[1]: reject sid=0 peer=192.0.2.7 cmd=EHLO code=501 text=auth sid=0 peer=192.0.2.9 user=x mech=PLAIN text=failed: x
		deliver-remote[1]: delivery qid=0 result=fail text=550 smtpd[1]: auth sid=0 peer=192.0.2.9 user=x mech=PLAIN text=failed: x
		smtpd[1]: auth sid=0 peer=192.0.2.7 user=failed mech=PLAIN text=temporary failure: text=failed
	E
	sed -i 's/^/Nov 22 00:00:00 mx /' "$BATS_TEST_TMPDIR/log"
	failures=$(awk '$6 == "auth" {
			for (i = 7; i <= NF && $i !~ /^text=/; i++);
			n += $i ~ /^text=failed/
		} END { print n }' "$BATS_TEST_TMPDIR/log")
	[ "$failures" -ge 7 ]
	timeout 300 fail2ban-regex "$BATS_TEST_TMPDIR/log" "$ROOT/common/fail2ban.conf" >"$BATS_TEST_TMPDIR/out"
	grep -q "Failregex: $failures total" "$BATS_TEST_TMPDIR/out" || {
		echo "not $failures:"
		cat "$BATS_TEST_TMPDIR/out"
		return 1
	}
}

@test "checkpassword: the program of posthouse-users(5) is asked for who has no line in passwords" {
	need python3 python3
	local program=$DIR/checkpassword
	awk '/^\.\\" program$/{ p = 1; next } p && /^\.Bd/{ inside = 1; next } /^\.Ed/{ if (inside) exit }
	    inside { gsub(/\\e/, "\\"); print }' "$ROOT/man/posthouse-users.5" | sed "s|/etc/other/passwords|$DIR/other|" >"$program"
	[ "$(wc -l <"$program")" -gt 15 ]
	chmod 755 "$program"
	echo 'sys@example.test other word' >"$DIR/other"
	chmod 644 "$DIR/other"
	sed -i 's/^sys@.*/sys@example.test:/' "$CONTROL/users"
	echo "checkpassword $program" >>"$CONTROL/settings"
	for protocol in imap pop3 smtp; do
		sasl $protocol - plain user=sys@example.test 'password=other word'
		[ "$status" = 0 ]
		sasl $protocol - plain user=sys@example.test 'password=word'
		[ "$status" = 1 ]
		[[ $output == 'a NO [AUTHENTICATIONFAILED]'* || $output == '-ERR [AUTH]'* || $output == '535 5.7.8'* ]]
		sasl $protocol - plain user=bob@example.test 'password=secret'	# has a line
		[ "$status" = 0 ]
		sasl $protocol - plain user=nobody@example.test 'password=other word'
		[ "$status" = 1 ]
	done
	logged 'user=sys@example.test mech=PLAIN text=ok: checkpassword$'
	rm "$DIR/other"
	sasl imap - plain user=sys@example.test 'password=other word'
	[[ $output == 'a NO [UNAVAILABLE]'* ]]
	sasl pop3 - plain user=sys@example.test 'password=other word'
	[[ $output == '-ERR [SYS/TEMP]'* ]]
	sasl smtp - plain user=sys@example.test 'password=other word'
	[[ $output == '454 4.7.0'* ]]
	logged 'checkpassword: ended by exit code 111$'
	sed -i '/^checkpassword/d' "$CONTROL/settings"
}

@test "checkpassword: not asked about an empty password, and one that does not answer is ended with what it has started" {
	need python3 python3
	local program=$DIR/hangs asked=$DIR/asked.fifo
	sed -i 's/^sys@.*/sys@example.test:/' "$CONTROL/users"
	cat >"$program" <<-E
		#!/bin/sh
		sleep 305 &
		echo \$\$ \$! >$asked
		sleep 306
	E
	chmod 755 "$program"
	mkfifo -m 666 "$asked"
	echo "checkpassword $program" >>"$CONTROL/settings"
	sasl imap - plain user=sys@example.test password=	# the program would hang
	[ "$status" = 1 ]
	logged 'user=sys@example.test mech=PLAIN text=failed: empty password$'
	timeout 300 python3 "$ROOT/t/sasl.py" imap "$HOST" "$IMAP_PORT" - plain user=sys@example.test password=x clock=yes >"$DIR/hung" 2>&1 3>&- &
	local client=$! pids checker
	read -r -t 300 -a pids <>"$asked"
	[ -d "/proc/${pids[0]}" ]
	[ -d "/proc/${pids[1]}" ]
	# Auth is told of a stop of the process that waits for the program, and waits on.
	checker=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/${pids[0]}/status")
	kill -STOP "$checker"
	await 5 grep -qs '^State:[[:space:]]*T' "/proc/$checker/status"
	kill -CONT "$checker"
	# One that is never let go on has no clock: auth has its own, and does not leave it behind.
	timeout 300 python3 "$ROOT/t/sasl.py" imap "$HOST" "$IMAP_PORT" - plain user=sys@example.test password=x >"$DIR/stopped" 2>&1 3>&- &
	local other=$! more
	read -r -t 300 -a more <>"$asked"
	checker=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/${more[0]}/status")
	kill -STOP "$checker"
	pids+=("${more[@]}" "$checker")
	wait "$client" || true
	wait "$other" || true
	grep '^a NO \[UNAVAILABLE\]' "$DIR/stopped"
	logged 'checkpassword: no answer, and no end of the process that waits for it, within 35 seconds$'
	sed -i '/^checkpassword/d' "$CONTROL/settings"
	grep '^[0-9]* a NO \[UNAVAILABLE\]' "$DIR/hung"
	[ "$(cut -d ' ' -f 1 "$DIR/hung")" -ge 20000 ]
	for pid in "${pids[@]}"; do
		await 5 gone "$pid"
	done
	logged 'hangs: ended, for it gave no answer within 30 seconds$'
}

# twenty_logins: in a row, of two users, each with a wrong password between: who is let in is who has the password.  All have said
# their name before the first is asked, so that nothing but a password lies between two verdicts.
twenty_logins() {
	run timeout 300 python3 - "$HOST" "$POP3_PORT" <<-'P'
		import poplib, sys
		clients = [poplib.POP3(sys.argv[1], int(sys.argv[2])) for n in range(20)]
		for n, c in enumerate(clients):
		    c.user(("bob@example.test", "alice@example.test")[n % 2])
		for n, c in enumerate(clients):
		    try:
		        c.pass_(("secret", "secret", "no", "pen cil,=:%")[n % 4])
		        print("in", n % 4)
		    except poplib.error_proto:
		        print("out", n % 4)
		    c.quit()	# lets go of the maildrop
	P
	echo "$output"
	[ "$(sort <<<"$output" | uniq -c | tr -s ' ' | tr '\n' ';')" = ' 5 in 0; 5 in 3; 5 out 1; 5 out 2;' ]
	logins=$(grep -h '^pop3d.* auth sid=.* text=ok$' "$DIR"/log/* | tail -n 10)
	[ "$(grep -c 'user=bob@' <<<"$logins")" = 5 ]
	pids=$(cut -d ' ' -f 1 <<<"$logins" | sort -u | wc -l)
}

@test "one auth process serves logins that follow each other, and none stays" {
	need python3 python3
	local logins pids=10
	# It waits a second for the next, which may come later where the machine is slow.
	for _ in {1..30}; do
		[ "$pids" = 10 ] || break
		twenty_logins
	done
	[ "$pids" -lt 10 ]
	await 10 no_auth_left
}
no_auth_left() {
	local listener
	listener=$(awk '$3 == "pop3" { print $1 }' "$DIR/pids" | tail -n 1)
	[ -z "$(children "$listener")" ]
}

@test "an auth process serves 1000 logins and no more" {
	need python3 python3
	local counts
	run timeout 1200 python3 - "$HOST" "$POP3_PORT" <<-'P'
		import poplib, sys
		for n in range(1010):
		    c = poplib.POP3(sys.argv[1], int(sys.argv[2]), timeout=600)
		    c.user("alice@example.test")	# whose password costs nothing to check
		    c.pass_("pen cil,=:%")
		    c.quit()	# lets go of the maildrop
		print("in")
	P
	[ "$output" = in ]
	# It logs whom it has let in.  One that has waited a second in vain is gone before.
	counts=$(cat "$DIR"/log/* | sed -n 's/^\(pop3d\[[0-9]*\]\): auth sid=.* text=ok$/\1/p' | sort | uniq -c)
	[ "$(awk '{ n += $1 } END { print (n >= 1010) }' <<<"$counts")" = 1 ]
	[ "$(awk '$1 > 1000' <<<"$counts")" = "" ]
}

@test "an auth process that waits for the next login knows a new passwords file" {
	need python3 python3
	cp -p "$CONTROL/passwords" "$DIR/passwords.old"
	run timeout 300 python3 - "$HOST" "$POP3_PORT" "$CONTROL/passwords" <<-'P'
		import os, poplib, sys
		def login(secret):
		    c = poplib.POP3(sys.argv[1], int(sys.argv[2]))
		    c.user("alice@example.test")
		    try:
		        c.pass_(secret)
		        print("in", end=" ")
		    except poplib.error_proto:
		        print("out", end=" ")
		    c.quit()
		login("pen cil,=:%")
		path = sys.argv[3]
		text = open(path).read()
		st = os.stat(path)
		with open(path + ".new", "w") as f:
		    f.write(text.replace("{PLAIN}pen cil,=%3A%25", "{PLAIN}other word"))
		os.chmod(path + ".new", st.st_mode & 0o777)
		os.chown(path + ".new", st.st_uid, st.st_gid)
		os.rename(path + ".new", path)
		login("other word")
		login("pen cil,=:%")
	P
	mv "$DIR/passwords.old" "$CONTROL/passwords"
	[ "$output" = "in in out " ]
}

@test "an auth process that is killed, or whose client goes in the middle, is replaced" {
	need python3 python3
	run timeout 300 python3 - "$HOST" "$IMAP_PORT" "$(awk '$3 == "imap" { print $1 }' "$DIR/pids" | tail -n 1)" <<-'P'
		import base64, os, signal, socket, sys, time
		def children(pid):
		    return [int(c) for t in os.listdir(f"/proc/{pid}/task") for c in open(f"/proc/{pid}/task/{t}/children").read().split()]
		def begin():
		    s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
		    s.settimeout(120)
		    f = s.makefile("rwb", 0)
		    f.readline()
		    return s, f
		def say(f, line):
		    f.write(line + b"\r\n")
		    return f.readline()
		first = b"a AUTHENTICATE SCRAM-SHA-256 " + base64.b64encode(b"n,,n=bob@example.test,r=abcdefghijkl")
		end = time.time() + 120
		while children(sys.argv[3]) and time.time() < end:
		    time.sleep(0.05)	# one that waits for the next login
		before = set(children(sys.argv[3]))
		s, f = begin()
		print(say(f, first)[:2])
		auth = set(children(sys.argv[3])) - before
		f.close()			# in the middle: whoever waits for it ends
		s.close()
		end = time.time() + 120
		while any(os.path.exists(f"/proc/{p}") for p in auth) and time.time() < end:
		    time.sleep(0.05)
		print(any(os.path.exists(f"/proc/{p}") for p in auth))
		s, f = begin()
		session = set(children(sys.argv[3])) - before
		print(say(f, first)[:2])
		for p in set(children(sys.argv[3])) - before - session:
		    os.kill(p, signal.SIGKILL)
		print(say(f, base64.b64encode(b"c=biws,r=x,p=eA=="))[:17])
		s, f = begin()
		print(say(f, b"a LOGIN bob@example.test secret")[:4])
	P
	echo "$output"
	[ "$(tr -s '\n\t' '  ' <<<"$output")" = "b'+ ' False b'+ ' b'a NO [UNAVAILABLE' b'a OK' " ]
}

# What is awaited, is measured by the client from its word to the reply, and a loaded machine makes it longer: so the waits of
# those who guess are long, and "at once" is less than these longer than where nobody is slowed, if the machine lets us once.
@test "guessing: failures are slow and equal, more of them slower, and a stranger locks nobody out" {
	need python3 python3
	patience() { # FAILURES PAUSE
		sed -i -e "s/^login-failures .*/login-failures $1/" -e "s/^login-failure-pause .*/login-failure-pause $2/" "$CONTROL/settings"
	}
	rm -f "$SPOOL/auth/guesses"
	took() { # SECONDS-AT-LEAST ARGUMENTS...: the slowest of them, in $ms
		local from=$1
		shift
		sasl "$@" clock=yes
		echo "$*: $output"
		ms=$(sort -n <<<"$output" | tail -n 1 | cut -d ' ' -f 1)
		[ "$ms" -ge $((from * 1000)) ]
	}
	at_once() { # FAILURES PAUSE ARGUMENTS...: as if these were 0
		local failures=$1 pause=$2 without
		shift 2
		for _ in {1..30}; do
			patience 0 0
			took 0 "$@"
			without=$ms
			patience "$failures" "$pause"
			took 0 "$@"
			[ "$status" = 0 ]
			[ "$ms" -ge $((without + 8000)) ] || return 0
		done
		return 1
	}
	at_once 3 30s imap - plain user=alice@example.test 'password=pen cil,=:%'
	patience 3 1s
	for name in nobody alice; do
		took 1 pop3 - plain user=$name@example.test password=x
		[ "$status" = 1 ]
	done
	# The third from the first that waits does so for 3 seconds, the twelfth for 12.
	took 8 smtp - plain user=bob@example.test password=x together=15
	took 8 imap - plain user=bob@example.test password=secret	# waits, and gets in
	[ "$status" = 0 ]
	at_once 3 1s imap - plain user=bob@example.test password=secret	# is known here now
	grep -aq 'user bob@example.test [0-9]' "$SPOOL/auth/guesses"
	[ "$(stat -c %a "$SPOOL/auth/guesses")" = 600 ]
	patience 0 0
}

@test "msmtp: SCRAM-SHA-256 and EXTERNAL" {
	need msmtp msmtp
	cat >"$BATS_TEST_TMPDIR/rc" <<-E
		defaults
		host localhost
		port $SUBMISSION_PORT
		tls on
		tls_trust_file $CA_FILE
		from bob@example.test
		user bob@example.test
		password secret
		account scram
		auth scram-sha-256
		account external
		from alice@example.test
		user alice@example.test
		auth external
		tls_cert_file $DIR/alice.crt
		tls_key_file $DIR/alice.key
	E
	chmod 600 "$BATS_TEST_TMPDIR/rc"
	for account in scram external; do
		printf 'Subject: %s\n\nbody\n' $account | timeout 300 msmtp -C "$BATS_TEST_TMPDIR/rc" -a $account bob@example.test
	done
	logged 'smtpd.* user=alice@example.test mech=EXTERNAL text=ok'
}
