# imap_sessions.bats: several sessions and foreign programs on one Maildir at once (t/imap_sessions.py).
# shellcheck shell=bash disable=SC2154

load helper
load imap

setup() {
	need python3 python3
	mbox_dir
}
teardown() { [ "${#INSTANCES[@]}" = 0 ] || instance_stop; }

sessions() { timeout 300 python3 "$ROOT/t/imap_sessions.py" "$BIN/imapd" "$M" "$@"; }

@test "IDLE tells new mail, flags and expunges at once; DONE and NOOP in one packet" {
	control_dir "poll-interval 1h"
	sessions idle_sees_new_mail -C "$CTL"
}
@test "no EXPUNGE during FETCH, STORE and SEARCH; numbers stay" { sessions no_expunge_in_fetch; }
@test "EXPUNGE during UID commands" { sessions uid_commands_expunge; }
@test "files renamed and removed by others" { sessions foreign_changes; }
@test "two sessions store flags at once" { sessions two_store; }
@test "two sessions store on condition: MODIFIED, and what is there now" { sessions condstore_race; }
@test "VANISHED for what the other session expunged" { sessions qresync_two; }
@test "a folder that is open is renamed and deleted" { sessions open_folder_renamed_deleted; }
@test "IDLE tells a keyword that is in no file name" { sessions keyword_wakes_idle; }
@test "a folder that another session renames has its new name here" { sessions foreign_rename_followed; }
@test "EXAMINE tells another program's change with its mod-sequence" { sessions examine_modseq; }
@test "APPEND by one, IDLE by another" { sessions append_while_idle; }
@test "input that comes byte by byte" { sessions slow_literal; }
@test "COPY and MOVE into the selected mailbox" { sessions copy_to_selected; }

@test "user-connection-limit: the newest login is let in, the oldest session makes way" {
	INSTANCE_SETTINGS="user-connection-limit 2" instance_start
	adduser bob@example.test pw
	adduser al@example.test pw
	python3 - "$IMAP_PORT" <<-'P'
	import imaplib, sys
	def login(user):
	    m = imaplib.IMAP4("127.0.0.1", int(sys.argv[1]), timeout=120)
	    m.login(user, "pw")
	    return m
	other = login("al@example.test")
	first, second, third = [login("bob@example.test") for _ in range(3)]
	try:
	    first.noop()
	    sys.exit("the oldest goes on")
	except (imaplib.IMAP4.abort, OSError):
	    pass
	for m in other, second, third:
	    assert m.noop()[0] == "OK"
	P
	grep -q 'warn sid=.* text=limit reached: user-connection-limit' "$DIR/log/imap"
}

@test "without the mail directory nobody is shown an empty mailbox: logins fail, and it is not made" {
	instance_start
	adduser bob@example.test pw
	mv "$MAIL" "$MAIL.away"
	python3 - "$IMAP_PORT" "$POP3_PORT" "$MAIL" <<-'P'
	import imaplib, os, poplib, sys
	def imap():
	    m = imaplib.IMAP4("127.0.0.1", int(sys.argv[1]), timeout=120)
	    m.login("bob@example.test", "pw")
	    return m
	def pop():
	    m = poplib.POP3("127.0.0.1", int(sys.argv[2]), timeout=120)
	    m.user("bob@example.test")
	    return m.pass_("pw")
	def refused(how, text):
	    try:
	        how()
	    except (imaplib.IMAP4.error, poplib.error_proto) as e:
	        assert text in str(e), e
	    else:
	        sys.exit("let in")
	refused(imap, "[UNAVAILABLE] The mail is not there now, try later")
	refused(pop, "-ERR [SYS/TEMP] Cannot open the maildrop")
	assert not os.path.exists(sys.argv[3])
	os.rename(sys.argv[3] + ".away", sys.argv[3])
	assert imap().select()[1] == [b"0"]
	assert pop().startswith(b"+OK")
	P
	for program in imap pop3; do
		grep -q "warn text=the mail directory $MAIL is missing; mount it, make it, or name another in settings" \
		    "$DIR/log/$program"
	done
}

@test "messages that were moved away and back keep the UIDs they got" { sessions moved_back; }
@test "a keyword that another session has just made is taken away" { sessions keyword_of_another; }
