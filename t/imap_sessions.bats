# imap_sessions.bats: several sessions and foreign programs on one Maildir at once (t/imap_sessions.py).
# shellcheck shell=bash disable=SC2154

load helper
load imap

setup() {
	need python3 python3
	mbox_dir
}

sessions() { timeout 60 python3 "$ROOT/t/imap_sessions.py" "$BIN/imapd" "$M" "$1"; }

@test "IDLE tells new mail, flags and expunges at once; DONE and NOOP in one packet" { sessions idle_sees_new_mail; }
@test "no EXPUNGE during FETCH, STORE and SEARCH; numbers stay" { sessions no_expunge_in_fetch; }
@test "EXPUNGE during UID commands" { sessions uid_commands_expunge; }
@test "files renamed and removed by others" { sessions foreign_changes; }
@test "two sessions store flags at once" { sessions two_store; }
@test "a folder that is open is renamed and deleted" { sessions open_folder_renamed_deleted; }
@test "APPEND by one, IDLE by another" { sessions append_while_idle; }
@test "input that comes byte by byte" { sessions slow_literal; }
@test "COPY and MOVE into the selected mailbox" { sessions copy_to_selected; }
