# imap_dovecot.bats: the public test messages through imapd and through Dovecot.  no-sanitizer: the parsers have their own tests.
# shellcheck shell=bash disable=SC2154

load helper
load peer.bash

setup() {
	D=$(private_dir)
	chmod 755 "$D"
}
teardown() { rm -rf "$D" "${HOME_DIR-/nonexistent}"; }

@test "ENVELOPE, BODYSTRUCTURE, SEARCH, SORT and THREAD are Dovecot's, but for what posthouse-deviations(7) explains" {
	local status=0 heading
	need_root
	need python3 python3
	[ -d "$ROOT/../shared/testdata/mime" ] || skip "NOT TESTED: no ../shared/testdata"
	peer_fetch dovecot dovecot-core dovecot-imapd
	peer_home
	export -f peer_run
	export PEER HOME_DIR
	dovecot_conf </dev/null
	OWNER=65534:65534 timeout 600 python3 "$ROOT/t/imap_compare.py" "$ROOT/../shared/testdata" "$D" "$BIN/imapd" \
	    -- bash -c 'peer_run "$@"' peer setpriv --reuid 65534 --regid 65534 --clear-groups \
	    env USER=nobody HOME="$D" /usr/lib/dovecot/imap -c "$D/conf" >"$D/out" || status=$?
	cut -c1-300 "$D/out"
	[ $status -le 1 ]
	grep -q '^8[0-9][0-9] messages' "$D/out"
	# Each difference has its line, each line a heading that the page has; a line that is no longer needed is an error, too.
	sed -n 's/^DIFFERS //p' "$D/out" | sort -u >"$D/found"
	sed -n 's/^\([^#].*\)	.*/\1/p' "$ROOT/t/data/imap_dovecot" | sort -u | diff - "$D/found"
	cut -f 2 "$ROOT/t/data/imap_dovecot" | grep -v '^#' | sort -u | while read -r heading; do
		grep -qF ".It $heading" "$ROOT/man/posthouse-deviations.7" || {
			echo "posthouse-deviations(7) has no heading: $heading"
			exit 1
		}
	done
}
