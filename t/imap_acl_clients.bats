# imap_acl_clients.bats: shared folders as real programs see them, over TLS, against a whole instance with three accounts.
# no-sanitizer: other people's programs; the sessions they make are in imap_acl.bats.
# shellcheck shell=bash disable=SC2154

load helper

setup() {
	instance_start
	for who in alice bob carol; do adduser $who@example.test secret; done
	HOME=$BATS_TEST_TMPDIR
	export HOME
}
teardown() { instance_stop; }

# shared NAME RIGHTS: bob's folder Proj with one message, and these rights.
shared() {
	python3 - "$IMAP_PORT" "$@" <<-'END'
	import imaplib, sys
	m = imaplib.IMAP4('127.0.0.1', int(sys.argv[1]))
	m.login('bob@example.test', 'secret')
	m.create('Proj')
	m.append('Proj', None, None, b'From: bob@example.test\r\nSubject: plan\r\nMessage-ID: <1@x>\r\n\r\nthe plan of bob\r\n')
	assert m.setacl('Proj', sys.argv[2], sys.argv[3])[0] == 'OK'
	m.logout()
	END
}

@test "Python imaplib: three accounts at once set, use and lose rights on one folder" {
	need python3 python3
	timeout 300 python3 - "$IMAP_PORT" <<-'END'
	import imaplib, sys
	P = 'user/bob@example.test/Proj'
	def login(who):
	    m = imaplib.IMAP4('127.0.0.1', int(sys.argv[1]))
	    assert m.login(who + '@example.test', 'secret')[0] == 'OK'
	    return m
	def ok(r):
	    assert r[0] == 'OK', r
	    return r[1]
	bob = login('bob')
	ok(bob.create('Proj'))
	for n in range(20):
	    ok(bob.append('Proj', None, None, b'Subject: %d\r\n\r\nx\r\n' % n))
	ok(bob.setacl('Proj', 'alice@example.test', 'lrswite'))
	ok(bob.setacl('Proj', 'carol@example.test', 'lrsa'))
	assert ok(bob.getacl('Proj'))[0] == b'Proj bob@example.test lrswipkxteacd alice@example.test lrswited carol@example.test lrsa'
	assert ok(bob.myrights('Proj'))[0] == b'Proj lrswipkxteacd'
	assert b'user/' in ok(bob.namespace())[0]
	alice, carol = login('alice'), login('carol')
	assert any(P.encode() in x for x in ok(alice.list()))
	for m in (bob, alice, carol):
	    ok(m.select('Proj' if m is bob else P))
	# All flag at once; what each may is what all see.
	for k in range(1, 21):
	    ok(alice.store(str(k), '+FLAGS', r'(\Flagged)'))
	    ok(carol.store(str(k), '+FLAGS', r'(\Seen)'))
	    ok(bob.store(str(k), '+FLAGS', r'($Work)'))
	for m in (bob, alice, carol):
	    ok(m.noop())
	    for line in ok(m.fetch('1:20', '(FLAGS)')):
	        assert b'\\Flagged' in line and b'\\Seen' in line and b'$Work' in line, line
	try:
	    assert carol.store('1', '+FLAGS', r'(\Deleted)')[0] == 'NO'
	except imaplib.IMAP4.error:
	    pass
	assert carol.expunge()[0] == 'NO'
	ok(alice.store('1:10', '+FLAGS', r'(\Deleted)'))
	ok(alice.expunge())
	ok(bob.noop()); ok(carol.noop())
	assert len(ok(bob.search(None, 'ALL'))[0].split()) == 10 and len(ok(carol.search(None, 'ALL'))[0].split()) == 10
	# Carol administers, and takes away what alice had.
	ok(carol.setacl(P, 'alice@example.test', 'lr'))
	assert alice.store('1', '+FLAGS', r'(\Deleted)')[0] == 'NO'
	ok(carol.deleteacl(P, 'alice@example.test'))
	try:
	    alice.fetch('1', '(BODY[])')
	    raise SystemExit('alice still reads')
	except imaplib.IMAP4.abort:
	    pass
	alice = login('alice')
	assert alice.select(P)[0] == 'NO'
	assert not any(P.encode() in (x or b'') for x in ok(alice.list()))
	END
}

@test "mutt and neomutt read a folder of another account" {
	need mutt mutt
	need neomutt neomutt
	shared alice@example.test lrs
	mkdir -p "$HOME/Mail"
	cat >"$HOME/muttrc" <<-END
		set imap_user=alice@example.test imap_pass=secret
		set ssl_ca_certificates_file=$CA_FILE
		set header_cache="" imap_check_subscribed=no mark_old=no quit=yes
		set wait_key=no print=yes print_split=yes print_command="cat >>$HOME/printed" pipe_decode=yes
		set imap_keepalive=10 timeout=5 imap_peek=no
	END
	for prog in mutt neomutt; do
		rm -f "$HOME/printed"
		TERM=vt100 timeout 120 script -qec "stty rows 40 cols 120; $prog -n -F $HOME/muttrc -f imaps://localhost:$IMAPS_PORT/user/bob%40example.test/Proj -e 'push \"<print-message><quit>\"'" \
		    /dev/null </dev/null >"$HOME/screen" 2>&1 || :
		grep -q 'the plan of bob' "$HOME/printed" || { cat -v "$HOME/screen"; false; }
	done
}

@test "mbsync takes a copy of a folder that it may only read, and then nothing moves" {
	need mbsync isync
	shared anyone lr
	cat >"$HOME/mbsyncrc" <<-END
		IMAPStore far
		Host localhost
		Port $IMAPS_PORT
		User alice@example.test
		Pass secret
		SSLType IMAPS
		SystemCertificates no
		CertificateFile $CA_FILE

		MaildirStore near
		Path $HOME/near/
		Inbox $HOME/near/INBOX
		SubFolders Verbatim

		Channel all
		Far :far:user/bob@example.test/Proj
		Near :near:Proj
		Create Near
		Sync Pull
		SyncState *
	END
	mkdir -p "$HOME/near"
	run timeout 120 mbsync -c "$HOME/mbsyncrc" all
	echo "$output"
	[ "$status" = 0 ]
	[ "$(messages "$HOME/near/Proj")" = 1 ]
	run timeout 120 mbsync -c "$HOME/mbsyncrc" all
	[ "$status" = 0 ]
	[ "$(messages "$HOME/near/Proj")" = 1 ]
}
