# clients_imap.bats: IMAP as real programs speak it, over TLS, against a whole instance.
# shellcheck shell=bash disable=SC2154,SC2034

load helper
load clients

setup() { empty_box; }

put() { # NAME SUBJECT [FOLDER]
	printf 'From: Bob <bob@example.org>\nTo: alice@example.test\nSubject: %s\nDate: Sun, 22 Nov 2026 00:00:00 +0000\nMessage-ID: <%s@example.org>\n\nbody of %s\n' \
	    "$2" "$1" "$2" >"$BOX/${3:+$3/}new/$1"
	own "$BOX/${3:+$3/}new/$1"
}

@test "curl: list, read, search, append, flag, over imaps and STARTTLS" {
	need curl curl
	put 1700000001.a.b hello
	curl() { command curl -sS --max-time 120 --cacert "$CA_FILE" -u alice@example.test:secret "$@"; }
	url=imaps://localhost:$IMAPS_PORT
	curl "$url/" | grep -q '"/" INBOX'
	curl "$url/INBOX;UID=1" | grep -q '^body of hello'
	curl "$url/INBOX;UID=1;SECTION=HEADER.FIELDS%20(SUBJECT)" | grep -q '^Subject: hello'
	curl "$url/INBOX?SUBJECT%20HELLO" | grep -q '^\* SEARCH 1'
	curl "$url/INBOX" -X 'STORE 1 +FLAGS (\Flagged)' | grep -q 'Flagged'
	printf 'Subject: up\r\n\r\nx\r\n' >"$HOME/up"
	curl "$url/INBOX" -T "$HOME/up"
	command curl -sS --max-time 120 --ssl-reqd --cacert "$CA_FILE" -u alice@example.test:secret "imap://localhost:$IMAP_PORT/INBOX;UID=2" |
	    grep -q '^Subject: up'
	run command curl -sS --max-time 120 --cacert "$CA_FILE" -u alice@example.test:wrong "$url/"
	[ "$status" = 67 ]
}

sync_now() { timeout 300 mbsync -c "$HOME/near.rc" -a -V >"$HOME/mbsync.log" 2>&1 || { cat "$HOME/mbsync.log"; return 1; }; }
snapshot() { (cd "$1" && find . -type f ! -name '.*' ! -name 'posthouse*' ! -name 'maildirfolder' | sort); }

@test "mbsync: full two-way sync, then nothing moves; deletions and flags go both ways" {
	need mbsync isync
	mbsync_config near
	for i in 1 2 3 4 5; do put "170000000$i.a.b" "message $i"; done
	mkdir -p "$HOME/near/Work"/{cur,new,tmp}
	printf 'From: a@example.org\nSubject: local\nMessage-ID: <l1@example.org>\n\nhello\n' >"$HOME/near/Work/new/1.x.y"
	sync_now
	[ "$(find "$HOME/near/INBOX" -type f -path '*/[cn]*/*' ! -name '.*' | wc -l)" = 5 ]
	[ "$(messages "$BOX/.Work")" = 1 ]
	near=$(snapshot "$HOME/near") far=$(snapshot "$BOX")
	sync_now
	[ "$near" = "$(snapshot "$HOME/near")" ]
	[ "$far" = "$(snapshot "$BOX")" ]
	# One goes here, one gets a flag there.
	rm "$(find "$HOME/near/INBOX/cur" "$HOME/near/INBOX/new" -name '*U=2*' | head -n 1)"
	file=$(find "$BOX/cur" "$BOX/new" -name '1700000003*')
	mv "$file" "$BOX/cur/1700000003.a.b:2,FS"
	sync_now
	[ "$(messages "$BOX")" = 4 ]
	find "$HOME/near/INBOX/cur" -name '*:2,*F*S*' | grep -q .
	near=$(snapshot "$HOME/near") far=$(snapshot "$BOX")
	sync_now
	[ "$near" = "$(snapshot "$HOME/near")" ]
	[ "$far" = "$(snapshot "$BOX")" ]
}

@test "mbsync: nothing is downloaded again after every cache is deleted" {
	need mbsync isync
	mbsync_config near
	for i in 1 2 3; do put "170000000$i.a.b" "message $i"; done
	sync_now
	near=$(snapshot "$HOME/near")
	await 20 sessions_gone
	find "$BOX" -name '*cache*' -delete
	sync_now
	[ "$near" = "$(snapshot "$HOME/near")" ]
}

# as_dovecot DIR, as_courier DIR: as if another server had served it so far; what we know goes.
as_dovecot() {
	awk 'NR == 1 { print "3 V" $3 " N" next_uid($4) " G0123456789abcdef0123456789abcdef" }
	    /^[0-9]/ { print $1 " W9 :" $2 }
	    function next_uid(n) { return n + 1000 }' "$1/posthouse.uids" >"$1/dovecot-uidlist"
	rm -f "$1"/posthouse.*
}
as_courier() {
	awk 'NR == 1 { print "1 " $3 " 1000" } /^[0-9]/ { print $1 " " $2 }' "$1/posthouse.uids" >"$1/courierimapuiddb"
	rm -f "$1"/posthouse.*
}

@test "mbsync: nothing is downloaded again from a Maildir that Dovecot or Courier has served" {
	local server
	need mbsync isync
	mbsync_config near
	for i in 1 2 3; do put "170000000$i.a.b" "message $i"; done
	sync_now
	rm "$(find "$BOX/new" "$BOX/cur" -name '1700000002*')"
	sync_now
	near=$(snapshot "$HOME/near")
	for server in dovecot courier; do
		await 20 sessions_gone
		as_$server "$BOX"
		sync_now
		[ -s "$BOX/posthouse.uids" ]
		[ "$near" = "$(snapshot "$HOME/near")" ]
		not grep -q 'UIDVALIDITY' "$HOME/mbsync.log"
	done
	put 1700000009.a.b "one more"
	sync_now
	[ "$(snapshot "$HOME/near" | wc -l)" = $(($(wc -l <<<"$near") + 1)) ]
}

@test "mutt: reads over IMAP, and the same Maildir directly" {
	need mutt mutt
	put 1700000001.a.b "greeting one"
	put 1700000002.a.b "greeting two"
	cat >"$HOME/muttrc" <<-END
		set imap_user=alice@example.test imap_pass=secret
		set ssl_ca_certificates_file=$CA_FILE ssl_usesystemcerts=no
		set header_cache="" imap_check_subscribed=no mark_old=no quit=yes
		set wait_key=no print=yes print_split=yes print_command="cat >>$HOME/printed" pipe_decode=yes
		set imap_keepalive=10 timeout=5 imap_peek=no
	END
	TERM=vt100 timeout 120 script -qec "mutt -n -F $HOME/muttrc -f imaps://localhost:$IMAPS_PORT/INBOX -e 'push \"<jump>1<enter><print-message><jump>2<enter><print-message><quit>\"'" \
	    /dev/null </dev/null >"$HOME/screen" 2>&1 || :
	grep -q 'body of greeting one' "$HOME/printed"
	grep -q 'body of greeting two' "$HOME/printed"
	rm "$HOME/printed"
	TERM=vt100 timeout 120 script -qec "mutt -n -F $HOME/muttrc -f $BOX -e 'push \"<jump>1<enter><print-message><jump>2<enter><print-message><quit>\"'" \
	    /dev/null </dev/null >"$HOME/screen" 2>&1 || :
	grep -q 'body of greeting two' "$HOME/printed"
}

# neo WHERE KEYS: neomutt there, given these keys; a terminal of a size, for it waits for ever on one of 0 by 0.
neo() {
	TERM=vt100 timeout 120 script -qec "stty rows 40 cols 120; neomutt -n -F $HOME/neomuttrc -f $1 -e 'push \"$2\"'" \
	    /dev/null </dev/null >"$HOME/screen" 2>&1 || { cat -v "$HOME/screen"; return 1; }
}

@test "neomutt: reads, flags, copies and deletes over IMAP with QRESYNC and its cache; the same Maildir directly" {
	local i
	need neomutt neomutt
	for i in 1 2 3 4; do put "170000000$i.a.b" "letter $i"; done
	mkdir -p "$BOX"/.Work/{cur,new,tmp} "$HOME/cache"
	own "$BOX"
	cat >"$HOME/neomuttrc" <<-END
		set imap_user=alice@example.test imap_pass=secret
		set ssl_ca_certificates_file=$CA_FILE
		set folder=imaps://localhost:$IMAPS_PORT/ header_cache=$HOME/cache message_cachedir=$HOME/cache
		set resolve=no imap_condstore imap_qresync imap_check_subscribed=no mark_old=no quit=yes delete=yes sort=subject
		set wait_key=no print=yes print_split=yes print_command="cat >>$HOME/printed" pipe_decode=yes confirm_append=no
		set timeout=5 sleep_time=0
	END
	neo "imaps://localhost:$IMAPS_PORT/INBOX" \
	    '<jump>2<enter><print-message><flag-message><clear-flag>N<jump>3<enter><copy-message>=Work<enter><jump>4<enter><delete-message><sync-mailbox><quit>'
	grep -q 'body of letter 2' "$HOME/printed"
	find "$BOX/cur" -name '1700000002*:2,*F*S' | grep -q .
	[ "$(messages "$BOX/.Work")" = 1 ]
	[ "$(messages "$BOX")" = 3 ]
	# Another session deletes and flags; the cache is brought up to date by what QRESYNC tells.
	printf 'a SELECT INBOX\r\nb UID STORE 1 +FLAGS (\\Deleted)\r\nc EXPUNGE\r\nd UID STORE 3 +FLAGS (\\Flagged)\r\n' |
	    "$BIN/imapd" "$BOX" >/dev/null 2>&1
	await 20 sessions_gone
	own "$BOX"
	put 1700000005.a.b "letter 5"
	rm -f "$HOME/printed"
	neo "imaps://localhost:$IMAPS_PORT/INBOX" '<jump>3<enter><print-message><tag-pattern>~F<enter><tag-prefix><print-message><quit>'
	[ "$(grep -c '^body of letter 5' "$HOME/printed")" = 1 ]
	[ "$(grep '^body of' "$HOME/printed" | sort | uniq | wc -l)" = 3 ]
	not grep -q 'letter [14]$' "$HOME/printed"
	# The Maildir itself, while a session has it open and looks.
	rm "$HOME/printed"
	mkfifo "$HOME/in"
	"$BIN/imapd" "$BOX" >"$HOME/out" <"$HOME/in" 2>/dev/null 3>&- &
	exec 8>"$HOME/in"
	printf 'a SELECT INBOX\r\nb IDLE\r\n' >&8
	await 10 grep -q '^+ ' "$HOME/out"
	neo "$BOX" '<jump>1<enter><print-message><delete-message><jump>3<enter><flag-message><sync-mailbox><quit>'
	grep -q 'body of letter 2' "$HOME/printed"
	await 10 grep -q '^\* 1 EXPUNGE' "$HOME/out"
	await 10 grep -q '^\* 2 FETCH (FLAGS (.*\\Flagged' "$HOME/out"
	printf 'DONE\r\nc UID SEARCH ALL\r\nd LOGOUT\r\n' >&8
	exec 8>&-
	wait $!
	grep -q '^\* SEARCH 3 5' "$HOME/out"
}

@test "fetchmail: keep, then flush" {
	need fetchmail fetchmail
	put 1700000001.a.b one
	put 1700000002.a.b two
	cat >"$HOME/fetchmailrc" <<-END
		poll localhost proto IMAP port $IMAPS_PORT auth password
		    user "alice@example.test" password "secret"
		    ssl sslcertck sslcertfile "$CA_FILE"
		    mda "cat >>$HOME/got"
	END
	chmod 600 "$HOME/fetchmailrc"
	fm() { FETCHMAILHOME=$HOME timeout 120 fetchmail --nosyslog --pidfile "$HOME/pid" -f "$HOME/fetchmailrc" -i "$HOME/ids" "$@" >"$HOME/fetch.log" 2>&1 || { s=$?; [ $s = 1 ] || cat "$HOME/fetch.log"; return $s; }; }
	fm --keep
	[ "$(grep -c '^body of' "$HOME/got")" = 2 ]
	[ "$(messages "$BOX")" = 2 ]
	run fm --keep
	[ "$(grep -c '^body of' "$HOME/got")" = 2 ]
	put 1700000003.a.b three
	fm --all --nokeep
	[ "$(messages "$BOX")" = 0 ]
	[ "$(grep -c '^body of' "$HOME/got")" = 5 ]
}

@test "Python imaplib: the whole of it" {
	need python3 python3
	put 1700000001.a.b one
	timeout 300 python3 - "$IMAP_PORT" "$IMAPS_PORT" "$CA_FILE" <<-'END'
		import imaplib, ssl, sys
		plain, tls, ca = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
		ctx = ssl.create_default_context(cafile=ca)
		def ok(r):
		    assert r[0] == 'OK', r
		    return r[1]
		for how in 'tls', 'starttls', 'plain':
		    if how == 'tls':
		        m = imaplib.IMAP4_SSL('localhost', tls, ssl_context=ctx)
		    else:
		        m = imaplib.IMAP4('localhost', plain)
		        if how == 'starttls':
		            ok(m.starttls(ctx))
		            assert 'STARTTLS' not in m.capabilities
		    try:
		        m.login('alice@example.test', 'wrong')
		        raise SystemExit('logged in with a wrong password')
		    except imaplib.IMAP4.error:
		        pass
		    if how == 'plain':
		        ok(m.authenticate('PLAIN', lambda _: b'\0alice@example.test\0secret'))
		    else:
		        ok(m.login('alice@example.test', 'secret'))
		    ok(m.noop())
		    name = '"Box ' + how + '"'
		    ok(m.create(name))
		    ok(m.append(name, r'(\Flagged)', imaplib.Time2Internaldate(1700000000), b'Subject: a\r\n\r\nbody\r\n'))
		    ok(m.subscribe(name))
		    assert any(name.encode() in x for x in ok(m.list()))
		    assert any(name.encode() in x for x in ok(m.lsub()))
		    assert b'MESSAGES 1' in ok(m.status(name, '(MESSAGES UIDNEXT)'))[0]
		    assert ok(m.select(name)) == [b'1']
		    got = ok(m.fetch('1', '(FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])'))
		    assert b'Flagged' in got[0][0] and b'14-Nov-2023 22:13:20 +0000' in got[0][0], got
		    assert got[0][1] == b'Subject: a\r\n\r\nbody\r\n', got
		    assert ok(m.search(None, 'SUBJECT', 'a')) == [b'1']
		    ok(m.copy('1', 'INBOX'))
		    ok(m.uid('STORE', '1', '+FLAGS', r'(\Deleted)'))
		    assert ok(m.expunge()) == [b'1']
		    ok(m.unselect())
		    ok(m.rename(name, '"Other ' + how + '"'))
		    ok(m.unsubscribe(name))
		    ok(m.delete('"Other ' + how + '"'))
		    m.logout()
	END
}
