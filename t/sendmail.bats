# sendmail.bats: what local programs hand in, and the one file that comes of it.
# shellcheck shell=bash

load helper

setup() {
	shopt -s lastpipe	# "printf ... | mail" sets file in this shell
	DIR=$(private_dir)
	bare=$DIR		# instance_start has another DIR
	bare_control "$DIR"
	export POSTHOUSE=$DIR/control
	S=$BIN/sendmail
}

teardown() {
	instance_stop
	rm -rf "$bare"
}

# mail ARGS...: one message from standard input; its file is in $file.
mail() {
	"$S" "$@" >"$DIR/out" 2>"$DIR/err" || {
		echo "exit code $?" >&2
		cat "$DIR/err" >&2
		return 1
	}
	[ ! -s "$DIR/err" ] && [ ! -s "$DIR/out" ] || return 1
	file=$(ls "$DIR"/spool/new/*) && [ -f "$file" ] || return 1
	[ -z "$(ls "$DIR/spool/tmp")" ]
}
# field NAME: its values, from all the file; body: all behind the header.
field() { { sed -n '/^$/q; p' "$file" && tail -c +$(($(sed 's/.*,S=//; s/,.*//' <<<"$file") + 1)) "$file"; } | sed -e ':a' -e 'N' -e '$!ba' -e 's/\n[ \t]/ /g' | sed -n "s/^$1: //p"; }
body() { sed '1,/^$/d' "$file"; }
# none CODE TEXT: the last run failed so, and nothing is left of it.
none() {
	if [ "$status" != "$1" ] || [[ $output != *"$2"* ]] || [ -n "$(find "$DIR/spool" -type f)" ]; then
		echo "status $status, not $1 with: $2" >&2
		echo "$output" >&2
		return 1
	fi
}

@test "one message: envelope, Received, what was missing, body" {
	printf 'Subject: hello\nTo: Bob <bob@example.test>\n\nline 1\nline 2' | mail -f Ann@Example.NET bob@example.test
	[ "$(sed -n 1p "$file")" = "Return-Path: <Ann@example.net>" ]
	[ "$(sed -n 2p "$file")" = "Delivered-To: bob@example.test" ]
	[[ $(sed -n 3p "$file") == "Received: from $(id -un) (uid $(id -u))" ]]
	[[ $(field Received) == *"by mx.example.test with local id "*"; "*" +0000" ]]
	qid=$(basename "$file")
	qid=${qid%%.mx*}
	[[ $(field Received) == *" id $qid;"* ]]
	[ "$(field Message-ID)" = "<$qid@mx.example.test>" ]
	[[ $(field From) == *"Ann@example.net"* ]]
	[[ $(field Date) == *" +0000" ]]
	[ "$(field Subject)" = hello ]
	[ "$(body)" = $'line 1\nline 2' ]
	size=$(stat -c %s "$file")
	[[ $file == *",S=$size,W=$((size + $(wc -l <"$file")))" ]]
	[ "$(stat -c %a "$file")" = 640 ]
}

@test "what is there is not added again, and order stays" {
	printf 'X-A: 1\nmessage-id: <a@b>\nDATE: Sun, 22 Nov 2026 00:00:00 +0000\nfrom: c@d.example\nX-B: 2\n\nb\n' | mail bob
	[ "$(sed '1,/^\t[SMTWF]/d' "$file" | head -n 5)" = \
	    $'X-A: 1\nmessage-id: <a@b>\nDATE: Sun, 22 Nov 2026 00:00:00 +0000\nfrom: c@d.example\nX-B: 2' ]
	[ -z "$(field Message-ID)$(field From)$(field Date)" ]
}

@test "-t: recipients from To, Cc and Bcc, with comments, groups and folding; Bcc goes" {
	mail -t <<-'END'
	To: "Last, First" <a@example.net>,
	 b@example.net (comment, with comma), friends: c@example.net, d@example.net;
	cc: e
	bCC: secret1@example.net,
	 secret2@example.net
	Subject: s

	b
	END
	[ "$(field Delivered-To | tr '\n' ' ')" = \
	    "a@example.net b@example.net c@example.net d@example.net e@example.test secret1@example.net secret2@example.net " ]
	[ "$(sed '1,/^Received/d; /^Delivered-To:/,$d' "$file" | grep -c secret)" = 0 ]
	[ "$(sed '1,/^Received/d' "$file" | grep -ci bcc)" = 0 ]
	[ "$(grep -c '^To: "Last, First"' "$file")" = 1 ]
}

@test "-t: recipients of the command line are added; doubles are one" {
	printf 'To: a@example.net, A@Example.net\nCc: bob\n\nb\n' | mail -t bob c@example.net
	[ "$(field Delivered-To | tr '\n' ' ')" = "bob@example.test c@example.net a@example.net " ]
}

@test "-t: the newest Resent- block counts, and only it" {
	mail -t <<-'END'
	Resent-To: new@example.net
	Resent-From: me@example.net
	Resent-Bcc: blind@example.net
	Resent-To: old@example.net
	From: first@example.net
	To: orig@example.net
	Date: Sun, 22 Nov 2026 00:00:00 +0000
	Message-ID: <x@y>

	b
	END
	[ "$(field Delivered-To | tr '\n' ' ')" = "new@example.net blind@example.net " ]
	[ "$(grep -c Resent-Bcc "$file")" = 0 ]
	[[ $(field Resent-Date) == *"+0000" ]]
	[[ $(field Resent-Message-ID) == '<'*'.resent@mx.example.test>' ]]
	[ "$(field Resent-From)" = me@example.net ]
	[ "$(field Message-ID)" = "<x@y>" ]
}

@test "a lone dot ends, unless -i or -oi" {
	printf 'S: x\n\na\n.\nb\n' | mail bob
	[ "$(body)" = a ]
	rm "$file"
	for flag in -i -oi; do
		printf 'S: x\n\na\n.\n..\nb\n' | mail $flag bob
		[ "$(body)" = $'a\n.\n..\nb' ]
		rm "$file"
	done
	printf 'S: x\n\na\n..\n.' | mail bob
	[ "$(body)" = $'a\n..' ]
	rm "$file"
	printf '.\n' | mail bob
	[ -z "$(body)" ]
}

@test "CRLF and CR become LF" {
	printf 'Subject: a\r\nX-B: c\r\n\r\none\r\ntwo\rthree\r\r\nfour\n' | mail -i bob
	[ "$(grep -c $'\r' "$file")" = 0 ]
	[ "$(field Subject)" = a ]
	[ "$(body)" = $'one\ntwo\nthree\n\nfour' ]
	[[ $file == *",S=$(stat -c %s "$file"),"* ]]
}

@test "input without a header, with a From line, empty, and with a broken header" {
	printf 'just text\nmore\n' | mail bob
	[ "$(body)" = $'just text\nmore' ]
	rm "$file"
	printf 'From ann Sun Nov 22 00:00:00 2026\nSubject: s\n\nb\n' | mail bob
	[ "$(field Subject)" = s ]
	[ "$(grep -c '^From ' "$file")" = 0 ]
	rm "$file"
	mail bob </dev/null
	[ -z "$(body)" ]
	[ -n "$(field From)" ]
	rm "$file"
	printf 'Subject: s\nthis is no field\nX: y\n\nb\n' | mail bob
	[ "$(field Subject)" = s ]
	[ "$(body)" = $'this is no field\nX: y\n\nb' ]
}

@test "fields cannot pass for envelope" {
	printf 'Return-Path: <evil@example.net>\nDelivered-To: evil@example.net\nSubject: s\n\nb\n' | mail -f a@b.example bob
	[ "$(sed -n '/^Received/q; p' "$file")" = $'Return-Path: <a@b.example>\nDelivered-To: bob@example.test' ]
	[ "$(grep -c '^Return-Path' "$file")" = 1 ]
}

@test "sender: -f, -r, null, and who calls" {
	printf 's: x\n\nb\n' | mail -r 'ann' bob
	[ "$(field Return-Path)" = "<ann@example.test>" ]
	rm "$file"
	for null in '' '<>'; do
		printf 's: x\n\nb\n' | mail -f "$null" bob
		[ "$(field Return-Path)" = "<>" ]
		[[ $(field From) == *"$(id -un)@example.test"* ]]
		rm "$file"
	done
	printf 's: x\n\nb\n' | LOGNAME=evil USER=evil mail bob
	[ "$(field Return-Path)" = "<$(id -un)@example.test>" ]
}

@test "-F: plain, quoted, encoded" {
	printf '\nb\n' | mail -F 'Ann B' -f a@b.example bob
	[ "$(field From)" = "Ann B <a@b.example>" ]
	rm "$file"
	printf '\nb\n' | mail -F 'Ann "x" B. \ <evil@example.net>,' -f a@b.example bob
	[ "$(field From)" = '"Ann \"x\" B. \\ <evil@example.net>," <a@b.example>' ]
	rm "$file"
	printf '\nb\n' | mail -F 'Jürgen' -f a@b.example bob
	[[ $(field From) == '=?'*'?= <a@b.example>' ]]
}

@test "nothing gets into a header through an option" {
	run "$S" -F $'x\nBcc: evil@example.net' bob <<<"x"
	none 64 "control character in -F"
	run "$S" -f $'x\nBcc: evil@example.net' bob <<<"x"
	none 64 "control character in -f"
	run "$S" -f $'a\rb@example.net' bob <<<"x"
	none 64 "control character"
	run "$S" $'bob\nX: y@example.test' <<<"x"
	none 64 "not an address"
	run "$S" -V $'a\nb' bob <<<"x"
	none 64 "-V takes"
}

@test "DSN options go into the envelope" {
	printf 's: x\n\nb\n' | mail -N Success,delay -R hdrs -V 'a+b=c' bob carol
	[ "$(field Envelope-Notify)" = $'1 SUCCESS,DELAY\n2 SUCCESS,DELAY' ]
	[ "$(field Envelope-Ret)" = HDRS ]
	[ "$(field Envelope-Id)" = 'a+2Bb+3Dc' ]
	rm "$file"
	printf 's: x\n\nb\n' | mail -N never bob
	[ "$(field Envelope-Notify)" = '1 NEVER' ]
	for bad in '-N sometimes' '-N never,delay' '-R all' '-B 9bit' '-V '; do
		# shellcheck disable=SC2086
		run "$S" ${bad% *} "${bad#* }" bob <<<"x"
		[ "$status" = 64 ]
	done
}

@test "8-bit text is marked, 7-bit text is not" {
	printf 'Subject: s\n\nJ\303\274rgen\n' | mail bob
	[ "$(field Envelope-Body)" = 8BITMIME ]
	rm "$file"
	printf 'Subject: s\n\nx\n' | mail bob
	[ -z "$(field Envelope-Body)" ]
}

@test "options of other sendmails are taken; unknown ones are not" {
	printf 's: x\n\nb\n' | mail -bm -oem -odb -oi -om -O DeliveryMode=b -v8 bob 2>/dev/null ||
	    printf 's: x\n\nb\n' | mail -bm -oem -odb -oi -om -O DeliveryMode=b -U -G -n -B8BITMIME -h 3 -L tag -p smtp:x -- bob
	[ "$(field Delivered-To)" = bob@example.test ]
	rm "$file"
	run "$S" -Z bob <<<"x"
	none 64 usage
	run "$S" -bd
	none 64 "posthouse(7)"
	run "$S" -bd -q30m
	none 64 "posthouse(7)"
	run "$S" -bt
	none 64 "posthouse explain"
	run "$S" -bz bob
	none 64 "-bz is not known"
	for which in 30m f I1795000000 Rexample.net; do
		run "$S" "-q$which"
		none 64 "-q$which: queue runs by itself; for some messages say posthouse queue retry"
	done
	run "$S" <<<"x"
	none 64 "name a recipient"
	run "$S" bob -f evil@example.net <<<"x"
	none 64 "options go before the recipients"
	printf 's: x\n\nb\n' | mail -- -bob@example.net
	[ "$(field Delivered-To)" = -bob@example.net ]
}

@test "-v tells the queue id; -bi and newaliases have nothing to do" {
	run "$S" -v bob <<<"x"
	[ "$status" = 0 ]
	[[ $output == "queued as "* ]]
	[[ $(ls "$DIR/spool/new") == "${output#queued as }".mx.example.test,* ]]
	run "$S" -bi
	[ "$status" = 0 ]
	ln -s "$S" "$DIR/newaliases"
	run "$DIR/newaliases"
	[ "$status" = 0 ]
	[ -z "$output" ]
}

@test "-bv: where addresses would go, without a message" {
	echo "alice@example.test:" >"$DIR/control/users"
	echo "team: alice" >"$DIR/control/aliases"
	run "$S" -bv alice team+x alice@example.net </dev/null
	[ "$status" = 0 ]
	[ "$output" = "alice... deliverable: mailbox alice@example.test
team+x... deliverable: alias in line 1 of aliases
alice@example.net... deliverable: to the servers of example.net" ]
	run "$S" -bv alice nobody 'a b' </dev/null
	[ "$status" = 67 ]
	[[ $output == *"nobody... no such user here"*"a b... is not an address" ]]
	run "$S" -bv </dev/null
	none 64 "name the addresses"
	echo broken >"$DIR/control/users"
	run "$S" -bv alice </dev/null
	none 78 "users:1"
}

@test "-q: queue is told to look at its spool; without queue that is said" {
	unprivileged true || skip "NOT TESTED: no setpriv"
	exec 7<>"$DIR/spool/trigger"
	"$S" -q
	read -r -t 60 line <&7
	[ "$line" = scan ]
	exec 7>&-
	need_root
	run "$S" -q
	[ "$status" = 75 ]
	[[ $output == *"queue is not running" ]]
	printf 's: x\n\nb\n' | mail -q30m bob	# a daemon's option beside a message means nothing
	[ "$(field Delivered-To)" = bob@example.test ]
}

@test "-q of root: what is deferred is tried; of others it keeps its time" {
	need_root
	printf 's: x\n\nb\n' | mail bob
	deferred=$DIR/spool/cur/${file##*/}
	mv "$file" "$deferred"
	touch -d @2000000000 "$deferred"
	chmod 666 "$DIR/spool/trigger"
	chmod 755 "$DIR" "$DIR/spool" "$DIR/control"
	exec 7<>"$DIR/spool/trigger"
	unprivileged env POSTHOUSE="$DIR/control" "$S" -q
	[ "$(stat -c %Y "$deferred")" = 2000000000 ]
	[ -z "$("$S" -q)" ]
	[ "$(stat -c %Y "$deferred")" -lt 2000000000 ]
	exec 7>&-
}

# The calls of programs that are on every system, as they make them.
@test "as cron, PHP, git, at, logwatch and smartd call it" {
	printf 'From: root (Cron Daemon)\nTo: alice\nSubject: Cron <root@mx> run\nAuto-Submitted: auto-generated\n\nout\n' |
	    mail -FCronDaemon -i -B8BITMIME -oem alice
	[ "$(field Delivered-To)" = alice@example.test ]
	[ "$(field Auto-Submitted)" = auto-generated ]
	rm "$file"
	printf 'To: x@example.net\nSubject: php\nX-PHP-Originating-Script: 0:x.php\n\nb\n' | mail -t -i
	[ "$(field Delivered-To)" = x@example.net ]
	rm "$file"
	printf 'From: a@example.org\nTo: x@example.net\n\nb\n' | mail -i -f a@example.org x@example.net y@example.net
	[ "$(field Return-Path)" = "<a@example.org>" ]
	[ "$(field Delivered-To | tr '\n' ' ')" = "x@example.net y@example.net " ]
	rm "$file"
	printf 'Subject: at\nTo: bob\n\nb\n' | mail -i bob
	rm "$file"
	printf 'To: root\nFrom: logwatch@mx\nSubject: Logwatch\nContent-Type: text/plain; charset="utf-8"\n\n\303\244\n' | mail -t
	[ "$(field Delivered-To)" = root@example.test ]
	[ "$(field Envelope-Body)" = 8BITMIME ]
	rm "$file"
	printf 'Subject: mutt\n\nb\n' | mail -oem -oi -f alice@example.test -- bob@example.net
	[ "$(field Return-Path)" = "<alice@example.test>" ]
}

@test "an argument of several recipients, as cron hands on its MAILTO; with names and comments" {
	printf 'Subject: x\n\nout\n' | mail -FCronDaemon -i -B8BITMIME -oem 'alice,bob@example.net, Carol <carol@example.net>' alice \
	    '"Doe, Dan" <dan@example.net> (works here)' '"a,b"@example.net' '<eve@example.net>'
	[ "$(field Delivered-To | tr '\n' ' ')" = 'alice@example.test bob@example.net carol@example.net dan@example.net "a,b"@example.net eve@example.net ' ]
	rm "$file"
	printf 'Subject: x\n\nout\n' | mail alice 'Alice <alice@example.test>'
	[ "$(field Delivered-To)" = alice@example.test ]
	rm "$file"
	for wrong in 'alice,b b' 'alice, bob@' 'nobody:;' ',' '' $'alice,\nbob' $'alice,\n bob' ':include:/etc/passwd' 'alice@example.net bob@example.net'; do
		run "$S" "$wrong" <<<x
		none 64 "not an address"
	done
}

@test "git send-email hands its patches in" {
	need git git
	[ -e "$(git --exec-path)/git-send-email" ] && perl -MMail::Address -e 1 2>/dev/null ||
	    skip "NOT TESTED: no git send-email here (apt-get install git-email libmailtools-perl)"
	export HOME=$DIR GIT_CONFIG_NOSYSTEM=1
	git init -q "$DIR/repo"
	cd "$DIR/repo"
	git config user.name Author
	git config user.email author@example.org
	echo one >file
	git add file
	git commit -qm "file: begin"
	git send-email --sendmail-cmd="$S" --to=list@example.net --cc=bob@example.test --envelope-sender=author@example.org \
	    --confirm=never --quiet -1 HEAD >"$DIR/out" 2>&1 || { cat "$DIR/out"; false; }
	file=$(ls "$DIR"/spool/new/*)
	[ "$(field Return-Path)" = "<author@example.org>" ]
	field Delivered-To | grep -qx list@example.net
	field Delivered-To | grep -qx bob@example.test
	field Subject | grep -q 'file: begin'
}

@test "mutt and s-nail hand a message in by sendmail" {
	need mutt mutt
	need s-nail s-nail
	export HOME=$DIR
	echo body | mutt -n -F /dev/null -e "set sendmail='$S -oem -oi'" -e 'set from=alice@example.test use_envelope_from=yes copy=no' \
	    -s 'by mutt' bob@example.net
	file=$(ls "$DIR"/spool/new/*)
	[ "$(field Delivered-To) $(field Return-Path) $(field Subject)" = "bob@example.net <alice@example.test> by mutt" ]
	rm "$file"
	echo body | s-nail -n -S "mta=$S" -S from=alice@example.test -S sendwait -r alice@example.test -s 'by s-nail' bob@example.net
	file=$(ls "$DIR"/spool/new/*)
	[ "$(field Delivered-To) $(field Return-Path) $(field Subject)" = "bob@example.net <alice@example.test> by s-nail" ]
}

@test "limits: size, recipients, NUL, bad recipients; nothing is left" {
	printf 'message-size-limit 2000\nrecipient-limit 3\n' >>"$DIR/control/settings"
	run "$S" bob < <(head -c 2001 /dev/zero | tr '\0' x)
	none 65 "more than 2000 bytes"
	run "$S" a b c d <<<"x"
	none 65 "more than 3 recipients"
	run "$S" bob < <(printf 'a\0b\n')
	none 65 "NUL byte"
	run "$S" 'a b' <<<"x"
	none 64 "a b: this is not an address"
	run "$S" '' <<<"x"
	none 64 "not an address"
	run "$S" -t < <(printf 'To: a@example.net, b c d\n\nx\n')
	none 65 "in To"
	run "$S" -t < <(printf 'Subject: x\n\nx\n')
	none 65 "names no recipient"
	run bash -c '"$0" bob <&-' "$S"
	[ "$status" = 0 ]
}

@test "the spool refuses: try later, and nothing is left" {
	rm -r "$DIR/spool/new"
	run "$S" bob <<<"x"
	none 75 "cannot open the spool"
	mkdir "$DIR/spool/new"
	run bash -c "ulimit -f 4; trap '' XFSZ; head -c 100000 /dev/zero | tr '\0' x | $S bob"
	none 75 "cannot write into the spool"
}

@test "set-gid: writes the spool that its caller cannot, and ignores his environment" {
	[ -z "${SANITIZED-}" ] || skip "sanitizers refuse to run set-gid"
	need_root
	mkdir "$DIR/etc"
	cp -r "$DIR/control" "$DIR/etc/posthouse"
	cp /etc/passwd /etc/group "$DIR/etc/"
	! [ -e /etc/nsswitch.conf ] || cp /etc/nsswitch.conf "$DIR/etc/"
	! [ -e /etc/ld.so.cache ] || cp /etc/ld.so.cache "$DIR/etc/"
	chown -R 64004:64007 "$DIR/spool"
	chmod 2730 "$DIR/spool/tmp" "$DIR/spool/new"
	chmod 620 "$DIR/spool/trigger"
	cp "$S" "$DIR/setgid"
	chown 0:64007 "$DIR/setgid"
	chmod 2755 "$DIR/setgid"
	unshare -m true 2>/dev/null || skip "NOT TESTED: no mount namespaces here"
	# shellcheck disable=SC2016
	run unshare -m bash -c 'mount --bind "$1/etc" /etc && shift && exec "$@"' - "$DIR" \
	    setpriv --reuid 65534 --regid 65534 --clear-groups \
	    env POSTHOUSE="$DIR/nowhere" POSTHOUSE_CLOCK=@1 "$DIR/setgid" -f a@b.example bob@example.test <<<"x"
	[ "$status" = 0 ]
	file=$(ls "$DIR"/spool/new/*)
	[ "$(stat -c %u:%g:%a "$file")" = 65534:64007:640 ]
	[[ $(field Received) == "from nobody (uid 65534) by"* ]]
	[[ $(basename "$file") != 1.* ]]
	rm "$file"
	# -C is honoured, but then without the group.
	run unprivileged "$DIR/setgid" -C "$DIR/control" bob@example.test <<<"x"
	none 75 "Permission denied"
}

@test "through the house: from sendmail into two Maildirs, each clean" {
	instance_start
	adduser alice@example.test secret
	adduser bob@example.test secret
	echo 'both: alice, bob' >"$CONTROL/aliases"
	printf 'To: both\nBcc: alice\nSubject: house\n\nbody\n' | POSTHOUSE=$CONTROL "$S" -t -f ''
	await 10 has_messages "$(maildir alice@example.test)" 1
	await 10 has_messages "$(maildir bob@example.test)" 1
	await 10 spool_empty
	for user in alice bob; do
		grep -qx 'Subject: house' "$(maildir "$user@example.test")"/new/*
		[ "$(cat "$(maildir "$user@example.test")"/new/* | grep -c Bcc)" = 0 ]
	done
}

@test "-bs: a session of smtpd on standard input and output, into the queue; another's domain is relayed to nobody" {
	instance_start
	adduser alice@example.test secret
	printf '%s\r\n' 'EHLO local' 'MAIL FROM:<s@example.org>' 'RCPT TO:<alice@example.test>' 'RCPT TO:<x@far.example>' DATA \
	    'Subject: by hand' '' '..dot' . QUIT | POSTHOUSE=$CONTROL POSTHOUSE_LIBEXEC=$BIN "$S" -bs >"$bare/replies" 2>"$bare/err"
	[ "$(tr -d '\r' <"$bare/replies" | sed -n 's/^\([0-9]*\) .*/\1/p' | tr '\n' ' ')" = "220 250 250 250 550 354 250 221 " ] || {
		cat "$bare/replies" "$bare/err"
		return 1
	}
	await 10 has_messages "$(maildir alice@example.test)" 1
	grep -qx '\.dot' "$(maildir alice@example.test)"/new/*
	# and with -C and without a command: nothing is left
	run "$S" -C "$CONTROL" -bs </dev/null
	[ "$status" = 0 ]
	[[ $output == *"220 "* ]]
}

@test "addresses without a domain in the header get one, and nothing else of it changes" {
	printf 'From: ann (me)\nTo: bob,\n\tTeam: carol, dan@b.example;\nSubject: To: bob\nX-To: bob\n\nb\n' | mail bob
	[ "$(field From)" = 'ann@example.test (me)' ]
	grep -qx 'To: bob@example.test,' "$file"
	grep -qx $'\tTeam: carol@example.test, dan@b.example;' "$file"
	[ "$(field Subject)" = 'To: bob' ]
	[ "$(field X-To)" = bob ]
}
