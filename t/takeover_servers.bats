# takeover_servers.bats: Maildirs that a real Dovecot and a real Courier have made and served are taken over: mbsync, which had
# synced with them, downloads nothing again.  no-sanitizer: other people's programs, and a download.
# shellcheck shell=bash disable=SC2154

load helper
load peer.bash

setup() {
	need_root
	need python3 python3
	need mbsync isync
	D=$(private_dir)
	chmod 755 "$D"
	M=$D/box
	mkdir -p "$M"/{cur,new,tmp}
	printf '#!/bin/sh\nexec 9>%s/busy\nflock -s 9\nexec %s %s 2>>%s/log.ours\n' "$D" "$BIN/imapd" "$M" "$D" >"$D/ours"
	chmod +x "$D/ours"
}
teardown() { rm -rf "$D" "${HOME_DIR-/nonexistent}"; }

# theirs CMD: $D/theirs is a program that runs CMD as nobody in the peer's namespace.
theirs() {
	chown -R 65534:65534 "$M"
	export -f peer_run
	cat >"$D/theirs" <<-S
	#!/bin/bash
	PEER=$PEER HOME_DIR=$HOME_DIR ROOT=$ROOT
	$(declare -f peer_run)
	exec 9>$D/busy
	flock -s 9
	cd $D && peer_run setpriv --reuid 65534 --regid 65534 --clear-groups env HOME=$D USER=nobody $* 2>>$D/log.theirs
	S
	chmod +x "$D/theirs"
}

dovecot() {
	peer_fetch dovecot dovecot-core dovecot-imapd
	peer_home
	install -m 666 /dev/null "$D/log"
	install -d -m 777 "$D/run"
	printf '%s\n' 'protocols = imap' "base_dir = $D/run" "state_dir = $D/run" "log_path = $D/log" 'ssl = no' \
	    "mail_location = maildir:$M" 'mail_uid = 65534' 'mail_gid = 65534' >"$D/conf"
	theirs "/usr/lib/dovecot/imap -c $D/conf"
	PREFIX=
}

courier() {
	peer_fetch courier courier-imap
	peer_home
	cp -a "$PEER/etc/courier" "$HOME_DIR/etc/"
	theirs "AUTHENTICATED=nobody AUTHADDR=nobody PROTOCOL=IMAP MAILDIR=$M IMAP_KEYWORDS=1" \
	    "'IMAP_CAPABILITY=IMAP4rev1 UIDPLUS CHILDREN NAMESPACE'" "sh -c 'exec /usr/bin/imapd $M'"
	PREFIX=INBOX.
	# Courier 5 has names of directories in UTF-8, the others in modified UTF-7.
	export THIRD=Drafts
}

# near SERVER: what mbsync does with it.  It does not wait for the end of its server, which has $D/busy locked until then.
near() {
	mkdir -p "$D/near"
	cat >"$D/rc" <<-END
	IMAPAccount a
	Tunnel "$D/$1"

	IMAPStore far
	Account a
	${2:+Path $2}

	MaildirStore near
	Path $D/near/
	Inbox $D/near/INBOX
	SubFolders Verbatim

	Channel c
	Far :far:
	Near :near:
	Patterns *
	Create Near
	Expunge Both
	SyncState *
	END
	timeout 300 mbsync -c "$D/rc" -a -V >"$D/mbsync.log" 2>&1 || { cat "$D/mbsync.log"; return 1; }
	timeout 300 flock "$D/busy" true
}
snapshot() { (cd "$D/near" && find . -type f \( -path '*/cur/*' -o -path '*/new/*' \) | sort); }
state() { timeout 300 python3 "$ROOT/t/takeover.py" state "$2" -- "$D/$1"; }

# taken_over: what their server had is the same with ours, for any client and for mbsync; then ours goes on.
taken_over() {
	local before
	timeout 300 python3 "$ROOT/t/takeover.py" fill "$PREFIX" -- "$D/theirs"
	near theirs "$PREFIX"
	before=$(snapshot)
	[ "$(wc -l <<<"$before")" -gt 50 ]
	state theirs "$PREFIX" >"$D/state.theirs"
	near ours
	[ "$before" = "$(snapshot)" ] || { diff <(echo "$before") <(snapshot); return 1; }
	not grep -qi 'uidvalidity\|full sync\|error' "$D/mbsync.log"
	state ours "" | diff "$D/state.theirs" -
	grep -q ' later' "$D/state.theirs"
	# Deleting what they have left behind changes nothing, and what comes new is all that is pulled.
	find "$M" \( -name 'dovecot*' -o -name 'courierimapuiddb' -o -name 'courierimapkeywords' \) -exec rm -rf {} +
	state ours "" | diff "$D/state.theirs" -
	printf 'Subject: later\n\nx\n' >"$M/new/1800000000.M1.h"
	near ours
	[ "$(snapshot | wc -l)" = $(($(wc -l <<<"$before") + 1)) ]
}

@test "a mailbox that Dovecot has made: nothing is downloaded again; UIDs, flags, keywords, dates, folders, subscriptions" {
	dovecot
	taken_over
}

@test "a mailbox that Courier has made: nothing is downloaded again; UIDs, flags, keywords, dates, folders, subscriptions" {
	courier
	taken_over
}
