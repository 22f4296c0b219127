# imap_notify.bats: NOTIFY (RFC 5465) between sessions (t/imap_notify.py).
# shellcheck shell=bash disable=SC2154

load helper
load imap

setup() {
	need python3 python3
	mbox_dir
}

notify() { timeout 300 python3 "$ROOT/t/imap_notify.py" "$BIN/imapd" "$M" "$@"; }

@test "NOTIFY: STATUS of other mailboxes" { notify others; }
@test "NOTIFY: not of what the session does itself" { notify own; }
@test "NOTIFY: the selected mailbox while no command runs" { notify selected; }
@test "NOTIFY: SELECTED without FlagChange" { notify no_flags; }
@test "NOTIFY: SELECTED-DELAYED" { notify delayed; }
@test "NOTIFY: without SELECTED the mailbox stays as it was" { notify snapshot; }
@test "NOTIFY: MailboxName, with OLDNAME" { notify names; }
@test "NOTIFY: SubscriptionChange" { notify subscriptions; }
@test "NOTIFY and ENABLE METADATA: unsolicited METADATA" { notify metadata; }
@test "NOTIFY: BADEVENT and BAD" { notify errors; }
@test "NOTIFY: NOTIFICATIONOVERFLOW" { notify overflow; }
@test "NOTIFY: the same events in IDLE" { notify idle; }
@test "NOTIFY: a client that never pauses, and a flood of mail" { notify busy; }
@test "NOTIFY: UIDONLY" { notify uidonly; }
@test "NOTIFY: attributes for SEARCH RETURN (UPDATE (...))" { notify context; }
@test "NOTIFY: the dialogues of RFC 5465" { notify rfc5465; }

@test "NOTIFY: polls where inotify is not to be had" {
	[ "${BIN##*/san/}" = "$BIN" ] || skip "a sanitized program takes no other library first"
	printf '#include <errno.h>\nint inotify_init1(int f) { (void)f; errno = EMFILE; return -1; }\n' >"$BATS_TEST_TMPDIR/no.c"
	cc -shared -fPIC -o "$BATS_TEST_TMPDIR/no.so" "$BATS_TEST_TMPDIR/no.c"
	control_dir "poll-interval 1s"
	for t in others selected names subscriptions; do
		rm -rf "$M"
		mbox_dir
		LD_PRELOAD=$BATS_TEST_TMPDIR/no.so notify "$t" -C "$CTL"
	done
}
