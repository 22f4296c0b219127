# clients_pop3.bats: POP3 as real programs speak it, over TLS, against a whole instance.
# shellcheck shell=bash disable=SC2154,SC2034

load helper
load clients

setup() {
	empty_box
	put 1700000001.a.b one
	put 1700000002.c.d two
	put 1700000003.e.f three
}

# put NAME SUBJECT: a message whose body has what POP3 must stuff.
put() {
	printf 'From: Bob <bob@example.org>\nTo: alice@example.test\nSubject: %s\nDate: Sun, 22 Nov 2026 00:00:00 +0000\nMessage-ID: <%s@example.org>\n\n.\n..\n.dot\nbody of %s\n' \
	    "$2" "$1" "$2" >"$BOX/new/$1"
	own "$BOX/new/$1"
}

@test "curl: list, read, delete, over pop3s and STLS; a wrong password" {
	need curl curl
	curl() { command curl -sS --max-time 120 --cacert "$CA_FILE" -u alice@example.test:secret "$@"; }
	[ "$(curl "pop3s://localhost:$POP3S_PORT/" | wc -l)" = 3 ]
	curl "pop3s://localhost:$POP3S_PORT/2" | tr -d '\r' >"$HOME/got"
	cmp "$HOME/got" "$BOX/new/1700000002.c.d"
	curl --ssl-reqd "pop3://localhost:$POP3_PORT/3" | grep -q '^Subject: three'
	curl "pop3s://localhost:$POP3S_PORT/1" -X DELE -l
	await 5 not has_messages "$BOX" 3
	[ "$(messages "$BOX")" = 2 ]
	run command curl -sS --max-time 120 --cacert "$CA_FILE" -u alice@example.test:wrong "pop3s://localhost:$POP3S_PORT/"
	[ "$status" = 67 ]
}

# fetched OPTIONS...: fetchmail into files $HOME/mail.N.  As root it would have one lock for the whole machine.
fetched() {
	cat >"$HOME/deliver" <<-'END'
	#!/bin/sh
	cat >"$(mktemp "$HOME/mail.XXXXXX")"
	END
	chmod 700 "$HOME/deliver"
	cat >"$HOME/fetchmailrc" <<-END
	poll localhost service $POP3S_PORT protocol pop3 user "alice@example.test" password "secret"
	ssl sslcertck sslcertfile $CA_FILE mda "$HOME/deliver"
	END
	chmod 600 "$HOME/fetchmailrc"
	FETCHMAILHOME=$HOME timeout 300 fetchmail -f "$HOME/fetchmailrc" --pidfile "$HOME/pid" --nosyslog "$@" >"$HOME/log" 2>&1
}

@test "fetchmail: keep, by UIDL: the second run fetches nothing, a third only what is new" {
	need fetchmail fetchmail
	fetched --keep --uidl
	[ "$(find "$HOME" -name "mail.*" | wc -l)" = 3 ]
	run fetched --keep --uidl
	[ "$status" = 1 ]
	[ "$(find "$HOME" -name "mail.*" | wc -l)" = 3 ]
	put 1700000004.g.h four
	mv "$BOX/new/1700000001.a.b" "$BOX/cur/1700000001.a.b:2,S"
	fetched --keep --uidl
	[ "$(find "$HOME" -name "mail.*" | wc -l)" = 4 ]
	grep -q '^Subject: four' "$HOME"/mail.*
	[ "$(messages "$BOX")" = 4 ]
}

@test "fetchmail: fetch and delete; the text arrives unchanged" {
	need fetchmail fetchmail
	fetched --nokeep
	[ "$(find "$HOME" -name "mail.*" | wc -l)" = 3 ]
	[ "$(messages "$BOX")" = 0 ]
	[ "$(grep -lx '\.dot' "$HOME"/mail.* | wc -l)" = 3 ]
	[ "$(grep -cx '\.' "$HOME"/mail.* | cut -d : -f 2 | sort -u)" = 1 ]
}

@test "fetchmail: flush removes what was seen before, and only that" {
	need fetchmail fetchmail
	fetched --keep --uidl
	put 1700000004.g.h four
	# Seen by an earlier run: removed before the rest is fetched, which is kept.
	fetched --keep --uidl --flush
	[ "$(messages "$BOX")" = 1 ]
	[ -e "$BOX/new/1700000004.g.h" ]
	[ "$(find "$HOME" -name "mail.*" | wc -l)" = 4 ]
}

@test "fetchmail: only what is not too long, a few at a time; all again" {
	need fetchmail fetchmail
	run fetched --keep --uidl --fetchlimit 2
	[ "$status" = 13 ]
	[ "$(find "$HOME" -name "mail.*" | wc -l)" = 2 ]
	fetched --keep --uidl --fetchlimit 2
	[ "$(find "$HOME" -name "mail.*" | wc -l)" = 3 ]
	printf 'Subject: long\n\n%050000d\n' 0 >"$BOX/new/1700000005.long"
	own "$BOX/new/1700000005.long"
	run fetched --keep --uidl --limit 20000
	[ "$(find "$HOME" -name "mail.*" | wc -l)" = 3 ]
	fetched --keep --fetchall --limit 20000
	[ "$(find "$HOME" -name "mail.*" | wc -l)" = 6 ]
}

@test "fetchmail over STLS" {
	need fetchmail fetchmail
	cat >"$HOME/fetchmailrc" <<-END
	poll localhost service $POP3_PORT protocol pop3 user "alice@example.test" password "secret" sslproto "TLS1.2+"
	sslcertck sslcertfile $CA_FILE mda "cat"
	END
	chmod 600 "$HOME/fetchmailrc"
	FETCHMAILHOME=$HOME timeout 300 fetchmail -f "$HOME/fetchmailrc" --pidfile "$HOME/pid" --nosyslog --keep >"$HOME/log" 2>&1
	grep -q 'body of three' "$HOME/log"
}

# fetched_by_mpop OPTIONS...: into the Maildir $HOME/m.
fetched_by_mpop() {
	mkdir -p "$HOME/m"/{cur,new,tmp}
	cat >"$HOME/mpoprc" <<-END
	account default
	host localhost
	port $POP3S_PORT
	tls on
	tls_starttls off
	tls_trust_file $CA_FILE
	user alice@example.test
	password secret
	auth plain
	keep on
	delivery maildir $HOME/m
	uidls_file $HOME/uidls
	received_header off
	END
	chmod 600 "$HOME/mpoprc"
	timeout 300 mpop -C "$HOME/mpoprc" --quiet "$@"
}

@test "mpop: keep and fetch again; then fetch and delete, pipelined and not" {
	need mpop mpop
	fetched_by_mpop
	fetched_by_mpop --pipelining=off
	[ "$(messages "$HOME/m")" = 3 ]
	[ "$(messages "$BOX")" = 3 ]
	put 1700000004.g.h four
	fetched_by_mpop --keep=off --pipelining=on
	[ "$(messages "$HOME/m")" = 4 ]
	[ "$(messages "$BOX")" = 0 ]
	[ "$(cat "$HOME"/m/new/* | grep -cx '\.dot')" = 4 ]
}

@test "mpop: by USER and PASS, over STLS" {
	need mpop mpop
	fetched_by_mpop --auth=user --port="$POP3_PORT" --tls-starttls=on
	[ "$(messages "$HOME/m")" = 3 ]
}

@test "s-nail reads a message over pop3s" {
	need s-nail s-nail
	printf 'type 2\nxit\n' | SSL_CERT_FILE=$CA_FILE timeout 300 s-nail -n -S v15-compat -S "tls-ca-file=$CA_FILE" -S pop3-auth=plain \
	    -S "pop3-bulk-load" -# -R -f "pop3s://alice%40example.test:secret@localhost:$POP3S_PORT" >"$HOME/out" 2>&1 ||
	    skip "NOT TESTED: this s-nail has no POP3: $(tail -n 1 "$HOME/out")"
	grep -q 'body of two' "$HOME/out"
}

@test "mutt reads a message over pop3s" {
	need mutt mutt
	cat >"$HOME/muttrc" <<-END
	set pop_user="alice@example.test" pop_pass="secret" ssl_force_tls=yes ssl_ca_certificates_file="$CA_FILE" wait_key=no
	set ssl_verify_host=no pop_delete=no
	set pop_checkinterval=1 mark_old=no folder=$HOME spoolfile=$HOME/in mbox_type=Maildir
	push "<limit>~stwo<enter><pipe-message>cat > $HOME/piped<enter><exit>"
	END
	TERM=xterm timeout 300 script -qec "mutt -n -F $HOME/muttrc -f pops://localhost:$POP3S_PORT" /dev/null </dev/null >"$HOME/log" 2>&1 || :
	[ -s "$HOME/piped" ] || { tr -d "\033" <"$HOME/log" | tail -c 3000 >&2; return 1; }
	grep -q 'body of two' "$HOME/piped"
}

@test "python poplib: STLS, capabilities, all commands, UTF-8 text" {
	need python3 python3
	printf 'Subject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\n\ngr\xc3\xbc\xc3\x9fe\n' >"$BOX/new/1700000009.z"
	own "$BOX/new/1700000009.z"
	python3 - "$POP3_PORT" "$CA_FILE" <<-'PY'
	import poplib, ssl, sys
	ctx = ssl.create_default_context(cafile=sys.argv[2])
	p = poplib.POP3("localhost", int(sys.argv[1]), timeout=120)
	caps = p.capa()
	assert "STLS" in caps and "UIDL" in caps and "PIPELINING" in caps, caps
	p.stls(context=ctx)
	caps = p.capa()
	assert "STLS" not in caps and caps["SASL"] == ["SCRAM-SHA-256", "PLAIN", "LOGIN"], caps
	p.user("alice@example.test")
	p.pass_("secret")
	assert p.stat()[0] == 4
	assert len(p.list()[1]) == 4
	uids = [u.split()[1] for u in p.uidl()[1]]
	assert len(set(uids)) == 4 and uids[3] == b"1700000009.z", uids
	assert p.retr(4)[1][-1] == "gr\u00fc\u00dfe".encode()
	assert p.top(1, 1)[1][-1] == b"."
	p.dele(1)
	p.rset()
	p.dele(2)
	p.noop()
	p.quit()
	PY
	[ "$(messages "$BOX")" = 3 ]
	[ ! -e "$BOX/new/1700000002.c.d" ]
}

@test "download and delete, and download and keep, with a connection lost between" {
	need python3 python3
	python3 - "$POP3S_PORT" "$CA_FILE" <<-'PY'
	import poplib, socket, ssl, sys, time
	ctx = ssl.create_default_context(cafile=sys.argv[2])
	def login():
	    for again in range(100):        # the session that was lost may not have seen it yet
	        p = poplib.POP3_SSL("localhost", int(sys.argv[1]), timeout=120, context=ctx)
	        p.user("alice@example.test")
	        try:
	            p.pass_("secret")
	            return p
	        except poplib.error_proto as e:
	            assert b"[IN-USE]" in e.args[0], e
	            time.sleep(0.1)
	    sys.exit("still in use")
	seen = set()
	for lost in range(6):                   # each time one command further
	    p = login()
	    uids = [u.split()[1] for u in p.uidl()[1]]
	    assert len(uids) == 3, (lost, uids)
	    for i, u in list(enumerate(uids, 1))[:lost // 2 + 1]:
	        p.retr(i)
	        if lost % 2:
	            p.dele(i)
	        seen.add(u)
	    p.sock.shutdown(socket.SHUT_RDWR)
	    p.close()
	assert len(seen) == 3
	p = login()
	for i in (1, 2, 3):
	    p.dele(i)
	p.quit()
	assert login().stat()[0] == 0
	PY
	[ "$(messages "$BOX")" = 0 ]
}

@test "several at once on one maildrop: one is served, the others are told [IN-USE]" {
	need python3 python3
	python3 - "$POP3S_PORT" "$CA_FILE" <<-'PY'
	import poplib, ssl, sys, time
	ctx = ssl.create_default_context(cafile=sys.argv[2])
	def login():
	    p = poplib.POP3_SSL("localhost", int(sys.argv[1]), timeout=120, context=ctx)
	    p.user("alice@example.test")
	    p.pass_("secret")
	    return p
	a = login()
	for i in range(2):
	    try:
	        login()
	        sys.exit("two sessions")
	    except poplib.error_proto as e:
	        assert b"[IN-USE]" in e.args[0], e
	assert a.stat()[0] == 3
	a.close()                       # no QUIT
	for again in range(100):        # at once, or as soon as that session has seen it
	    try:
	        b = login()
	        break
	    except poplib.error_proto as e:
	        assert b"[IN-USE]" in e.args[0] and again < 99, e
	        time.sleep(0.1)
	b.dele(1)
	b.quit()
	assert login().stat()[0] == 2
	PY
}

@test "IMAP and POP3 on one mailbox at the same time" {
	need python3 python3
	python3 - "$POP3S_PORT" "$IMAPS_PORT" "$CA_FILE" <<-'PY'
	import imaplib, poplib, ssl, sys
	ctx = ssl.create_default_context(cafile=sys.argv[3])
	i = imaplib.IMAP4_SSL("localhost", int(sys.argv[2]), ssl_context=ctx)
	i.login("alice@example.test", "secret")
	assert i.select()[1] == [b"3"]
	p = poplib.POP3_SSL("localhost", int(sys.argv[1]), timeout=120, context=ctx)
	p.user("alice@example.test")
	p.pass_("secret")
	i.store("1", "+FLAGS", r"(\Seen)")
	i.store("2", "+FLAGS", r"(\Deleted)")
	i.expunge()
	assert p.retr(1)[1]
	try:
	    p.retr(2)
	    sys.exit("message 2 is gone")
	except poplib.error_proto as e:
	    assert b"removed" in e.args[0], e
	p.dele(3)
	p.quit()
	i.noop()
	assert i.search(None, "ALL")[1] == [b"1"], i.search(None, "ALL")
	i.logout()
	PY
}
