# peers_quota.bats: one maildirsize for all: deliver-local, Dovecot (quota backend maildir) and maildrop (Courier's
# own code) add to the same file, and each believes what the others wrote.  no-sanitizer: other people's programs, and a download.
# shellcheck shell=bash disable=SC2154,SC2030,SC2031

load helper
load queue
load peer.bash

setup() {
	need_root
	site </dev/null
	chmod 755 "$WORK"
	echo "alice@example.test:example.test/alice::100K,50" >"$CONTROL/users"
	BOX=$MAIL/example.test/alice
	FILE=$BOX/maildirsize
}
teardown() {
	cleanup_site
	rm -rf "${HOME_DIR-/nonexistent}"
}

ours() { # [BYTES]: delivered, or deferred
	BYTES=${1-2000} message x@example.org alice@example.test
	output=$(timeout 300 "$QBIN/deliver-local" 2>>"$WORK/log" <<<"$name	new	move	1:1:alice@example.test")
}
letter() { printf 'From: a@x.example\nSubject: x\n\n'; yes 'some line' | head -c "$1"; echo; }
real() { find "$BOX" -path '*/tmp' -prune -o -type f \( -path '*/new/*' -o -path '*/cur/*' \) -printf '%s\n' | awk '{ b += $1 } END { print b + 0, NR }'; }
noted() { awk 'NR > 1 { b += $1; n += $2 } END { print b + 0, n + 0 }' "$FILE"; }
# agree: the file has the limits, and what is there; and has not been counted anew since KEPT was taken.
keep() { KEPT=$(cat "$FILE"); }
agree() {
	[ "$(head -n 1 "$FILE")" = 102400S,50C ]
	[ "$(noted)" = "$(real)" ] || { cat "$FILE"; real; return 1; }
	[ "$(stat -c %u "$FILE")" = 64006 ]
}
grown() { [[ $(cat "$FILE") == "$KEPT"* ]] || { echo "counted anew: $KEPT"; cat "$FILE"; return 1; }; }

dovecot() {
	peer_fetch dovecot-lmtp dovecot-core dovecot-lmtpd
	peer_home
	mkdir -p "$WORK/dovecot"
	install -m 666 /dev/null "$WORK/dovecot/log"
	chmod 777 "$WORK/dovecot"
	printf '%s\n' "base_dir = $WORK/dovecot" "state_dir = $WORK/dovecot" "log_path = $WORK/dovecot/log" 'ssl = no' \
	    "mail_location = maildir:$BOX" 'mail_uid = 64006' 'mail_gid = 64006' 'first_valid_uid = 1' 'mail_plugins = quota' \
	    'plugin {' 'quota = maildir:User quota' 'quota_rule = *:storage=100K:messages=50' 'quota_grace = 0%%' '}' >"$WORK/dovecot/conf"
}
doveadm() {
	peer_run setpriv --reuid 64006 --regid 64006 --clear-groups env USER=alice HOME="$WORK/dovecot" \
	    doveadm -c "$WORK/dovecot/conf" "$@"
}
# dovecot_says BYTES MESSAGES: as Dovecot prints it, in KiB.
dovecot_says() { doveadm -f tab quota get | awk -F '\t' '{ v[$2] = $3 } END { print v["STORAGE"], v["MESSAGE"] }'; }

@test "Dovecot reads what we wrote, adds to it and takes from it; we go on with its lines" {
	dovecot
	for _ in 1 2 3; do ours; done
	agree
	keep
	read -r bytes n <<<"$(real)"
	[ "$(dovecot_says)" = "$(((bytes + 1023) / 1024)) $n" ] || [ "$(dovecot_says)" = "$((bytes / 1024)) $n" ]
	grown
	for _ in 1 2; do letter 3000 | doveadm save; done
	agree
	grown
	keep
	ours
	[[ $output == "1 done "* ]]
	agree
	grown
	[ "$(real | cut -d ' ' -f 2)" = 6 ]
	# Dovecot fills it: we defer, and it says no itself; it removes, and we deliver.
	letter 80000 | doveadm save
	keep
	ours 20000
	[[ $output == "1 defer 4.2.2 "* ]]
	run doveadm save <<<"$(letter 20000)"
	[ "$status" != 0 ]
	doveadm expunge mailbox INBOX larger 50000
	agree
	ours 20000
	[[ $output == "1 done "* ]]
	agree
}

@test "a file that Dovecot has counted is ours to read; ours, counted for other limits, is its" {
	dovecot
	ours
	rm "$FILE"
	letter 3000 | doveadm save
	doveadm quota recalc
	[ -s "$FILE" ]
	agree
	keep
	ours
	agree
	grown
	# Another limit of ours: counted anew, by us; then again by Dovecot, which has the old one.
	echo "alice@example.test:example.test/alice::200K,60" >"$CONTROL/users"
	ours
	[ "$(head -n 1 "$FILE")" = 204800S,60C ]
	[ "$(noted)" = "$(real)" ]
	letter 3000 | doveadm save
	[ "$(noted)" = "$(real)" ]
}

@test "maildrop, which is Courier's code, and we: one file" {
	peer_fetch maildrop maildrop
	peer_home
	account alice 64006
	printf '%s\n' 'MAILDIRQUOTA="102400S,50C"' "to \"$BOX/\"" >"$WORK/filter"
	chown 64006:64006 "$WORK/filter"
	chmod 600 "$WORK/filter"
	quota() { peer_run setpriv --reuid 64006 --regid 64006 --clear-groups env HOME="$WORK" USER=alice maildrop "$WORK/filter"; }
	ours
	agree
	keep
	letter 3000 | quota
	agree
	grown
	keep
	ours
	agree
	grown
	rm "$FILE"
	letter 3000 | quota
	agree
	ours
	agree
	letter 80000 | quota
	ours 30000
	[[ $output == "1 defer 4.2.2 "* ]]
	run quota <<<"$(letter 30000)"
	[ "$status" != 0 ]
	agree
}
