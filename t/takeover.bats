# takeover.bats: Maildirs that Dovecot or Courier had before: UIDs, keywords, subscriptions and UIDLs go on, so that clients
# download nothing again.
# shellcheck shell=bash disable=SC2154

load helper

setup() {
	D=$(private_dir)
	M=$D/box
	mkdir -p "$M"/{cur,new,tmp} "$M/.Sent"/{cur,new,tmp}
	for n in 1 2 3; do printf 'Subject: %s\n\nx\n' "$n" >"$M/cur/170000000$n.M$n.h,S=14,W=17:2,S"; done
	mv "$M/cur/1700000003.M3.h,S=14,W=17:2,S" "$M/cur/1700000003.M3.h,S=14,W=17:2,FSac"
	printf 'Subject: new\n\nx\n' >"$M/new/1700000009.M9.h"
	printf 'Subject: sent\n\nx\n' >"$M/.Sent/cur/1700000005.M5.h:2,S"
}

teardown() {
	[ -n "${BATS_TEST_COMPLETED-}" ] || cat "$D/log" >&2 2>/dev/null || :
	rm -rf "$D"
}

imap() { printf 'a %s\r\n' "$@" 'LOGOUT' | "$BIN/imapd" "$M" 2>>"$D/log" | tr -d '\r'; }

dovecot() {
	printf '3 V1500000000 N58 G0123456789abcdef0123456789abcdef\n40 G9 :1700000001.M1.h,S=14,W=17\n41 :gone.M1.h,S=14,W=17\n52 W17 :1700000002.M2.h,S=14,W=17\n57 :1700000003.M3.h,S=14,W=17\n' \
	    >"$M/dovecot-uidlist"
	printf '3 V1500000001 N8 G00\n7 :1700000005.M5.h\n' >"$M/.Sent/dovecot-uidlist"
	printf '0 $Forwarded\n2 Project(x\n3 Later\n' >"$M/dovecot-keywords"
}

courier() {
	printf '1 1500000000 58\n40 1700000001.M1.h,S=14,W=17\n52 1700000002.M2.h,S=14,W=17:2,S\n57 1700000003.M3.h,S=14,W=17\n' \
	    >"$M/courierimapuiddb"
	printf '1 1500000001 8\n7 1700000005.M5.h\n' >"$M/.Sent/courierimapuiddb"
	printf 'INBOX\nINBOX.Sent\n' >"$M/courierimapsubscribed"
}

# uids: what a client must find, whoever had the Maildir.
uids() {
	out=$(imap 'SELECT INBOX' 'FETCH 1:* (UID)' 'SELECT Sent' 'FETCH 1 (UID)')
	grep -q '^\* OK \[UIDVALIDITY 1500000000\]' <<<"$out"
	grep -q '^\* OK \[UIDNEXT 59\]' <<<"$out"
	grep -q '^\* OK \[UIDVALIDITY 1500000001\]' <<<"$out"
	[ "$(grep -c 'FETCH (UID' <<<"$out")" = 5 ]
	for want in '1 FETCH (UID 40)' '2 FETCH (UID 52)' '3 FETCH (UID 57)' '4 FETCH (UID 58)' '1 FETCH (UID 7)'; do
		grep -qF "$want" <<<"$out" || { echo "no $want in: $out"; return 1; }
	done
}

@test "Dovecot: UIDs, UIDVALIDITY and UIDNEXT of all folders" {
	dovecot
	uids
	# Ours now, whatever becomes of theirs.
	rm "$M/dovecot-uidlist" "$M/.Sent/dovecot-uidlist"
	uids
	[ -z "$(find "$M" -name 'dovecot-keywords.*' -o -name '*.bad')" ]
}

@test "Dovecot: keywords keep their letters; a name that IMAP does not know keeps its place" {
	dovecot
	out=$(imap 'SELECT INBOX' 'FETCH 3 (FLAGS)' 'STORE 1 +FLAGS (Fresh)' 'FETCH 1 (FLAGS)')
	grep -q '^\* 3 FETCH (FLAGS (.*\\Flagged.*\$Forwarded' <<<"$out"
	[ "$(sed -n 4p "$M/posthouse.keywords")" = Later ]
	[ "$(sed -n 1p "$M/posthouse.keywords")" = '$Forwarded' ]
	[ "$(sed -n 5p "$M/posthouse.keywords")" = Fresh ]
	ls "$M/cur" | grep -q '^1700000001.*:2,Se$'
}

@test "Courier: UIDs and subscriptions" {
	courier
	uids
	imap 'LSUB "" "*"' | grep -q 'LSUB .*Sent'
}

@test "Courier: keywords of its list, and those it has not put there yet" {
	courier
	K=$M/courierimapkeywords
	mkdir "$K"
	printf 'old\nother\n\n1700000001.M1.h,S=14,W=17:0\n1700000002.M2.h,S=14,W=17:0 1\n1700000003.M3.h,S=14,W=17:1\n' >"$K/:list"
	printf 'other\nfresh\n' >"$K/1700000001.M1.h,S=14,W=17"
	printf 'old\n' >"$K/.5984457.1700000001.M1.h,S=14,W=17"
	printf 'older\n' >"$K/.5984457.1700000002.M2.h,S=14,W=17"
	printf 'newer\n' >"$K/.5984458.1700000002.M2.h,S=14,W=17"
	: >"$K/1700000003.M3.h,S=14,W=17"
	echo 'not)a(keyword' >"$K/.x.1700000003.M3.h,S=14,W=17"
	ln -s /etc/passwd "$K/1700000009.M9.h"
	out=$(imap 'SELECT INBOX' 'FETCH 1:4 (FLAGS)' | tr -d '()')
	flags() { sed -n "s/^\* $1 FETCH FLAGS //p" <<<"$out" | tr ' ' '\n' | grep -v '^.Recent' | sort | tr '\n' ' '; }
	not grep -q 'FLAGS.*  \|FETCH.* $' <<<"$out"	# letters without a name are not shown
	[ "$(flags 1)" = '\Seen fresh other ' ]
	[ "$(flags 2)" = '\Seen newer ' ]
	[ "$(flags 3)" = '\Flagged \Seen ' ]
	[ "$(flags 4)" = '' ]
}

@test "a list with hostile lines: what can be is taken, the rest is new" {
	printf '3 V1500000000 N5\n40 :1700000001.M1.h,S=14,W=17\n39 :1700000002.M2.h,S=14,W=17\n0 :x\n4294967295 :1700000003.M3.h,S=14,W=17\n41 :../../etc/passwd\n99999999999 :y\n\n41 \n42 X\n43 :\n' \
	    >"$M/dovecot-uidlist"
	out=$(imap 'SELECT INBOX' 'FETCH 1:* (UID)')
	grep -q 'UIDVALIDITY 1500000000' <<<"$out"
	grep -qF '1 FETCH (UID 40)' <<<"$out"
	[ "$(grep -c 'FETCH (UID' <<<"$out")" = 4 ]
	for bad in '' '2 V1 N1' '3 N5' '3 V0 N5' '3 V99999999999 N1' '1 x y' 'garbage'; do
		rm -f "$M"/posthouse.*
		echo "$bad" >"$M/dovecot-uidlist"
		out=$(imap 'SELECT INBOX')
		grep -q '^\* 4 EXISTS' <<<"$out"
		not grep -q 'UIDVALIDITY 1500000000' <<<"$out"
	done
}

@test "what is delivered, appended or copied before the first look changes nothing" {
	dovecot
	printf 'a APPEND INBOX {5+}\r\nA: b\n\r\na COPY 1 Sent\r\n' >"$D/in"
	{ printf 'a APPEND INBOX {5+}\r\nA: b\n\r\n'; printf 'a LOGOUT\r\n'; } | "$BIN/imapd" "$M" >"$D/out" 2>>"$D/log"
	grep -q 'APPENDUID 1500000000 5[89]' "$D/out"
	imap 'SELECT INBOX' 'FETCH 1:* (UID)' | grep -qF '2 FETCH (UID 52)'
}

@test "killed at system calls while taking over: done again, and the same" {
	[ -z "${SANITIZED-}" ] || skip "the same calls"
	[ -x "$BIN/../t/killat" ] || skip "NOT TESTED: no killat (make tests)"
	printf 'QUIT\r\n' >"$D/in"
	dovecot
	"$BIN/../t/killat" 1000000 "$BIN/pop3d" "$M" <"$D/in" >/dev/null 2>"$D/log" 3>"$D/killat" || :
	last=$(sed -n 's/^ended after \([0-9]*\) stops.*/\1/p' "$D/killat")
	for n in $(seq $((last / 3)) 17 "$last"); do
		rm -f "$M"/posthouse.* "$M"/.Sent/posthouse.*
		"$BIN/../t/killat" "$n" "$BIN/pop3d" "$M" <"$D/in" >/dev/null 2>"$D/log" 3>"$D/killat" || :
		uids
		[ "$(sed -n 4p "$M/posthouse.keywords")" = Later ]
	done
}
