# maildir.bats: posthouse maildir check and repair: what is wrong in a mailbox is told with its file and line, and mended without
# a UID being lost.
# shellcheck shell=bash disable=SC2154

load helper

setup() {
	DIR=$(private_dir)
	bare_control "$DIR"
	chmod 711 "$DIR" "$DIR/mail"
	export POSTHOUSE=$DIR/control
	echo 'alice@example.test:a' >"$DIR/control/users"
	M=$DIR/mail/a
	printf 'From bob@example.org Sun Nov 22 01:02:03 2026\nSubject: %s\n\nx\n\n' 1 2 3 4 >"$DIR/mbox"
	"$BIN/posthouse" maildir import alice@example.test "$DIR/mbox" >/dev/null
	posthouse maildir check alice@example.test
	U=$M/posthouse.uids
	mapfile -t NAMES < <(sed -n 's/^[0-9][0-9]* //p' "$U")
}
teardown() { rm -rf "$DIR"; }

posthouse() { "$BIN/posthouse" "$@"; }

# shot: all of the mailbox, to see that nothing has changed.
shot() { (cd "$M" && find . -type f -printf '%p %m %U %i\n' | sort && cat posthouse.uids); }

# wrong TEXT...: check says so and changes nothing, repair -n too; repair mends it; then all is well.
wrong() {
	local text before
	before=$(shot)
	run posthouse maildir check alice@example.test
	[ "$status" = 65 ]
	for text; do [[ $output == *"$text"* ]] || { echo "no '$text' in: $output"; return 1; }; done
	[[ $output == *'; to mend it: '* ]]
	run posthouse maildir repair -n alice@example.test
	[ "$status" = 65 ]
	[[ $output == *'; would: '* ]]
	[ "$(shot)" = "$before" ]
	run posthouse maildir repair alice@example.test
	[ "$status" = 0 ] || { echo "$output"; return 1; }
	for text; do [[ $output == *"$text"* ]]; done
	[[ $output == *'; mended: '* ]]
	run posthouse maildir check "$M"
	[ "$status" = 0 ] || { echo "after it: $output"; return 1; }
	[ -z "$output" ]
}

# uid NAME: the UID that a session gives the message of that unique part.
uid() { grep "^[0-9]* $1\$" "$U" | tail -n 1 | cut -d' ' -f1; }

@test "a mailbox in which all is well: no word, and nothing changes" {
	before=$(shot)
	run posthouse maildir check alice@example.test
	[ "$status" = 0 ]
	[ -z "$output" ]
	run posthouse maildir repair alice@example.test
	[ "$status" = 0 ]
	[ -z "$output" ]
	[ "$(shot | grep -v cache)" = "$(grep -v cache <<<"$before")" ]
}

@test "posthouse.uids: lines out of order, twice, unreadable and without an end; every UID stays" {
	header=$(head -n 1 "$U")
	{ echo "$header"; echo "3 ${NAMES[2]}"; echo '??'; echo "1 ${NAMES[0]}"; echo "2 ${NAMES[1]}"
	  echo "4 ${NAMES[3]}"; echo "4 other.name"; printf '9 half'; } >"$U"
	wrong "$U:3: this is no line" "$U:4: the UID is lower" "$U:5: the UID is lower" "$U:7: a line before it has the same UID" \
	    "$U:8: the line has no end"
	for i in 0 1 2 3; do [ "$(uid "${NAMES[$i]}")" = $((i + 1)) ]; done
	[ "$(head -n 1 "$U" | cut -d' ' -f3)" = "$(cut -d' ' -f3 <<<"$header")" ]
	printf 'a SELECT INBOX\r\na FETCH 1:* UID\r\na LOGOUT\r\n' | "$BIN/imapd" "$M" 2>/dev/null | tr -d '\r' >"$DIR/out"
	for i in 1 2 3 4; do grep -qF "* $i FETCH (UID $i)" "$DIR/out"; done
	grep -qF "[UIDVALIDITY $(cut -d' ' -f3 <<<"$header")]" "$DIR/out"
}

@test "posthouse.uids: the first line is broken or gone; the UIDs stay, and the UIDVALIDITY where the cache knows it" {
	validity=$(head -n 1 "$U" | cut -d ' ' -f 3)
	for first in 'posthouse-uids 1 x y' '' "posthouse-uids 1 $validity"; do
		sed -i "1s/.*/$first/" "$U"
		rm -f "$M/posthouse.cache"
		wrong "$U:1: this is no first line"
		for i in 0 1 2 3; do [ "$(uid "${NAMES[$i]}")" = $((i + 1)) ]; done
		new=$(head -n 1 "$U" | cut -d ' ' -f 3)
		[ "$new" -gt "$validity" ]
		validity=$new
	done
	sed -i 1d "$U"	# not there at all
	wrong "$U:1: this is no first line"
	for i in 0 1 2 3; do [ "$(uid "${NAMES[$i]}")" = $((i + 1)) ]; done
	[ "$(sed -n 2p "$U")" = "1 ${NAMES[0]}" ]
	printf 'From bob@example.org Sun Nov 22 01:02:03 2026\nSubject: %s\n\nx\n\n' {5..24} >"$DIR/mbox"	# enough for a cache
	posthouse maildir import alice@example.test "$DIR/mbox"
	printf 'a SELECT INBOX\r\na STORE 1 +FLAGS (\\Deleted)\r\na EXPUNGE\r\na LOGOUT\r\n' | "$BIN/imapd" "$M" >/dev/null 2>&1
	header=$(head -n 1 "$U")
	touch -d '1 minute ago' "$M/cur" "$M/new"
	printf 'a SELECT INBOX\r\na LOGOUT\r\n' | "$BIN/imapd" "$M" >/dev/null 2>&1
	[ -e "$M/posthouse.cache" ]
	sed -i '1s/.*/broken/' "$U"
	run posthouse maildir repair alice@example.test
	[[ $output == *'with the UIDVALIDITY of the cache'* ]]
	[ "$(head -n 1 "$U" | cut -d ' ' -f 3)" = "$(cut -d ' ' -f 3 <<<"$header")" ]
	[ "$(head -n 1 "$U" | cut -d ' ' -f 4)" -ge 25 ]
	printf 'a SELECT INBOX\r\na FETCH 1:* UID\r\na LOGOUT\r\n' | "$BIN/imapd" "$M" 2>/dev/null | tr -d '\r' >"$DIR/out"
	for i in 1 2 3; do grep -qF "* $i FETCH (UID $((i + 1)))" "$DIR/out"; done
	grep -qF "[UIDNEXT 25]" "$DIR/out"
}

@test "a file that is not there: its UID is expunged, and never given again" {
	rm "$M"/*/"${NAMES[3]}"*
	line=$(grep -n '^4 ' "$U")
	wrong "$U:${line%%:*}: no file has this name"
	grep -q '^-4 [0-9]' "$U"
	printf 'From bob@example.org Sun Nov 22 01:02:03 2026\nSubject: 5\n\nx\n' >"$DIR/mbox"
	posthouse maildir import alice@example.test "$DIR/mbox"
	[ "$(sed -n 's/^\([0-9][0-9]*\) .*/\1/p' "$U" | tail -n 1)" = 5 ]
}

@test "folders with names in UTF-8, as Courier 5 makes them, get the name that sessions show; their UIDs and subscriptions too" {
	for name in '.Entwürfe' '.Entwürfe.Ä & ö' '.R & D' '.Gr&APwA-n' $'.\xff'; do
		mkdir -p "$M/$name"/{cur,new,tmp}
		: >"$M/$name/maildirfolder"
	done
	printf 'A: b\n\nx\n' >"$M/.Entwürfe/cur/7.x,S=8:2,S"
	printf '1 1500000001 8\n7 7.x\n' >"$M/.Entwürfe/courierimapuiddb"
	printf 'INBOX\nINBOX.Entwürfe\nINBOX.R & D\n' >"$M/courierimapsubscribed"
	[ "$(id -u)" != 0 ] || chown -R 64006:64006 "$M"
	chmod -R go-rwx "$M"
	run posthouse maildir check alice@example.test
	[ "$status" = 65 ]
	[[ $output == *"$M/.Entwürfe: this name is in UTF-8"*'it is .Entw&APw-rfe; to mend it: rename it'* ]]
	[[ $output == *'no session shows a folder of this name'* ]]
	[ -d "$M/.Entwürfe" ]
	run posthouse maildir repair alice@example.test
	[ "$status" = 65 ]
	run posthouse maildir check alice@example.test
	[[ $output == *'by hand: give it another name' && $output != *$'\n'* ]] || { echo "$output"; return 1; }
	printf 'a LIST "" *\r\nb LSUB "" *\r\nc SELECT Entw&APw-rfe\r\nd FETCH 1 (UID FLAGS)\r\n' |
	    "$BIN/imapd" "$M" 2>/dev/null | tr -d '\r' >"$DIR/out"
	for want in '* LIST (\HasChildren) "/" Entw&APw-rfe' '* LIST (\HasNoChildren) "/" "Entw&APw-rfe/&AMQ- &- &APY-"' \
	    '* LIST (\HasNoChildren) "/" "R &- D"' '* LSUB () "/" Entw&APw-rfe' '* LSUB () "/" "R &- D"' \
	    '* OK [UIDVALIDITY 1500000001]' '* 1 FETCH (UID 7 FLAGS (\Seen))'; do
		grep -qF -- "$want" "$DIR/out" || { echo "no $want"; cat "$DIR/out"; return 1; }
	done
	# One that has that name already is not touched.
	mkdir -p "$M/.Entwürfe"/{cur,new,tmp}
	run posthouse maildir repair "$M"
	[ "$status" != 0 ]
	[ -d "$M/.Entwürfe" ]
	[ -d "$M/.Entw&APw-rfe" ]
}

@test "names: without a size, with a wrong one, that no program knows, two of one message" {
	file=$(echo "$M"/*/"${NAMES[0]}"*)
	mv "$file" "$M/cur/${NAMES[0]}:2,FS"
	file=$(echo "$M"/*/"${NAMES[1]}"*)
	mv "$file" "$M/cur/${NAMES[1]},S=9999,W=10000,E=abc:2,S"
	printf 'A: b\n\nodd\n' >"$M/cur/"$'od\td:2,'
	file=$(echo "$M"/*/"${NAMES[2]}"*)
	ln "$file" "$M/new/${NAMES[2]}"
	file=$(echo "$M"/*/"${NAMES[3]}"*)
	printf 'A: b\n\nanother\n' >"$M/new/${NAMES[3]},S=14"
	mv "$file" "$M/cur/"
	[ "$(id -u)" != 0 ] || chown 64006:64006 "$M"/*/*
	chmod 600 "$M"/cur/* "$M"/new/*
	wrong 'does not tell its size' 'a wrong size' 'od\x09d' 'is the same file' 'with the same unique part'
	size=$(stat -c %s "$M"/cur/"${NAMES[0]}"*)
	[ -e "$M/cur/${NAMES[0]},S=$size:2,FS" ]
	[ -e "$M/cur/${NAMES[1]},E=abc,S=$size:2,S" ]
	[ "$(grep -l odd "$M"/cur/* | wc -l)" = 1 ]
	[ "$(grep -l another "$M"/new/* | wc -l)" = 1 ]
	[ "$(messages "$M")" = 6 ]
	for i in 0 1 2 3; do [ "$(uid "${NAMES[$i]}")" = $((i + 1)) ]; done
}

@test "modes, missing directories, caches" {
	mkdir -p "$M/.Sub/cur" "$M/.Sub/new"
	[ "$(id -u)" != 0 ] || chown -R 64006:64006 "$M/.Sub"
	file=$(echo "$M"/*/"${NAMES[0]}"*)
	chmod 644 "$file"
	chmod 755 "$M/cur"
	chmod 700 "$M/.Sub/cur" "$M/.Sub/new"
	echo garbage >"$M/posthouse.cache"
	wrong "$file: its mode is 644: everyone" "$M/cur: its mode is 755" "$M/.Sub/tmp: a folder has this directory" \
	    "$M/.Sub/maildirfolder: a folder has this file"
	[ "$(stat -c %a "$file" "$M/cur" "$M/.Sub/tmp" | tr '\n' ' ')" = '600 700 700 ' ]
	not grep -q garbage "$M/posthouse.cache"
}

@test "owners: given back, but not what has another name elsewhere" {
	need_root
	file=$(echo "$M"/*/"${NAMES[0]}"*)
	chown 0:0 "$file" "$U"
	wrong "$file: it belongs to uid 0, not 64006" "$U: it belongs to uid 0"
	[ "$(stat -c %u "$file" "$U" | tr '\n' ' ')" = '64006 64006 ' ]
	echo secret >"$DIR/secret"
	chmod 600 "$DIR/secret"
	ln "$DIR/secret" "$M/cur/1.secret,S=7:2,"
	run posthouse maildir repair alice@example.test
	[ "$status" = 65 ]
	[[ $output == *'1.secret,S=7:2,: it belongs to uid 0'*'; by hand: '* ]]
	[ "$(stat -c %u "$DIR/secret")" = 0 ]
}

@test "what only a person can mend stays, and is told" {
	ln -s /etc/passwd "$M/cur/1.link:2,"
	ln -s /etc "$M/.Elsewhere"
	echo "no list" >"$U"
	run posthouse maildir repair alice@example.test
	[ "$status" = 65 ]
	[[ $output == *'1.link:2,: a symbolic link is no message; by hand: '* ]]
	[[ $output == *'.Elsewhere: a symbolic link is no folder; by hand: '* ]]
	[[ $output == *"$U:1: this is no first line; by hand: "* ]]
	[ -L "$M/cur/1.link:2," ]
	[ -L "$M/.Elsewhere" ]
}

@test "the small files: keywords, uidvalidity, subscriptions, maildirsize" {
	printf 'One\nTwo\nhalf' >"$M/posthouse.keywords"
	echo 5 >"$M/posthouse.uidvalidity"
	printf '1000000S\n12 1\n' >"$M/maildirsize"
	[ "$(id -u)" != 0 ] || chown 64006:64006 "$M"/posthouse.* "$M/maildirsize"
	wrong 'posthouse.keywords:3: the line has no end' 'posthouse.uidvalidity:1: a folder has a larger' \
	    'maildirsize: it says 12 bytes in 1 messages; there are '
	[ "$(cat "$M/posthouse.keywords")" = $'One\nTwo' ]
	bytes=$(cat "$M"/*/*,S=* | wc -c)
	[ "$(tail -n 1 "$M/maildirsize" | tr -s ' ')" = " $bytes 4" ]
	[ "$(head -n 1 "$M/maildirsize")" = 1000000S ]
	printf 'Sent\n\001bad\n' >"$M/subscriptions"
	[ "$(id -u)" != 0 ] || chown 64006:64006 "$M/subscriptions"
	run posthouse maildir check "$M"
	[ "$status" = 65 ]
	[[ $output == "$M/subscriptions:2: this is not the name of a folder; by hand: "* ]]
}

@test "killed at system calls while mending: nothing is lost, and the next repair ends it" {
	[ -z "${SANITIZED-}" ] || skip "the same calls"
	[ -x "$BIN/../t/killat" ] || skip "NOT TESTED: no killat (make tests)"
	cp -a "$M" "$DIR/mail/kept"
	damage() {
		rm -rf "$M"
		cp -a "$DIR/mail/kept" "$M"
		{ head -n 1 "$DIR/mail/kept/posthouse.uids"; echo "3 ${NAMES[2]}"; echo '??'; echo "1 ${NAMES[0]}"; echo "4 ${NAMES[3]}"
		  echo "2 ${NAMES[1]}"; } >"$U"
		mv "$M"/*/"${NAMES[0]}"* "$M/cur/${NAMES[0]}:2,S"
	}
	damage
	"$BIN/../t/killat" 1000000 "$BIN/admin" maildir repair "$M" >/dev/null 2>"$DIR/log" 3>"$DIR/killat" || :
	last=$(sed -n 's/^ended after \([0-9]*\) stops.*/\1/p' "$DIR/killat")
	[ "$last" -gt 50 ]
	for n in $(seq $((last / 3)) $((last / 40 + 1)) "$last"); do
		damage
		"$BIN/../t/killat" "$n" "$BIN/admin" maildir repair "$M" >/dev/null 2>"$DIR/log" 3>"$DIR/killat" || :
		posthouse maildir repair "$M" >/dev/null
		posthouse maildir check "$M"
		for i in 0 1 2 3; do [ "$(uid "${NAMES[$i]}")" = $((i + 1)) ] || { cat "$U"; return 1; }; done
		[ "$(messages "$M")" = 4 ]
	done
}

@test "what is no mailbox, and no command" {
	run posthouse maildir check bob@example.test
	[ "$status" = 67 ]
	run posthouse maildir check "$DIR/none"
	[ "$status" = 66 ]
	run posthouse maildir mend "$M"
	[ "$status" = 64 ]
	run posthouse maildir check
	[ "$status" = 64 ]
}
