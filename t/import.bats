# import.bats: posthouse maildir import: mbox files and Maildirs into a mailbox, whole, with flags and dates.
# shellcheck shell=bash disable=SC2154

load helper

setup() {
	DIR=$(private_dir)
	bare_control "$DIR"
	chmod 711 "$DIR/mail"
	export POSTHOUSE=$DIR/control
	echo 'alice@example.test:a' >"$DIR/control/users"
	M=$DIR/mail/a
}
teardown() { rm -rf "$DIR"; }

@test "an mbox file: text, flags, dates, quoted From lines; the owner's" {
	printf '%s\n' 'From bob@example.org Sun Nov 22 01:02:03 2026' 'Subject: one' 'Status: RO' 'X-Status: AF' '' 'text' '' \
	    'From here on it is text? No: the next is' '>From here' '>>From there' '' '' 'end' '' \
	    'From carol@example.org  Mon Nov  2 00:00:00 2020' 'Subject: two' '' 'x' '' >"$DIR/mbox"
	sed -i 's/^From here on it.*/from here on/' "$DIR/mbox"
	run "$BIN/posthouse" maildir import alice@example.test "$DIR/mbox"
	[ "$status" = 0 ]
	[ "$output" = '2 messages imported' ]
	[ "$(messages "$M")" = 2 ]
	one=$(grep -l 'Subject: one' "$M"/cur/* "$M"/new/* 2>/dev/null)
	two=$(grep -l 'Subject: two' "$M"/cur/* "$M"/new/* 2>/dev/null)
	[[ $one == *:2,FRS ]]
	printf '%s\n' 'Subject: one' 'Status: RO' 'X-Status: AF' '' 'text' '' 'from here on' 'From here' '>From there' '' '' 'end' |
	    cmp - "$one"
	printf 'Subject: two\n\nx\n' | cmp - "$two"
	[ "$(stat -c %Y "$one")" = "$(date -u -d '2026-11-22 01:02:03' +%s)" ]
	[ "$(stat -c %Y "$two")" = "$(date -u -d '2020-11-02' +%s)" ]
	[ "$(id -u)" != 0 ] || [ -z "$(find "$M" ! -uid 64006)" ]
}

@test "a Maildir, into a folder that is made: text, flags and dates" {
	mkdir -p "$DIR/old"/{cur,new,tmp}
	printf 'A: b\n\nseen\n' >"$DIR/old/cur/1.x:2,FS"
	printf 'A: b\r\n\r\nnew\r\n' >"$DIR/old/new/2.y"
	touch -d @1600000000 "$DIR/old/cur/1.x:2,FS"
	chmod 700 "$DIR/old"
	run "$BIN/posthouse" maildir import -f Old.Mail alice@example.test "$DIR/old"
	[ "$status" = 0 ]
	[ "$output" = '2 messages imported' ]
	[ "$(messages "$M/.Old.Mail")" = 2 ]
	seen=$(grep -rl seen "$M/.Old.Mail/cur")
	[[ $seen == *:2,FS ]]
	[ "$(stat -c %Y "$seen")" = 1600000000 ]
	[ -e "$DIR/old/new/2.y" ]
}

# keywords FILE: the names of a message's keywords, from the letters of its name and posthouse.keywords.
keywords() {
	local dir letters
	dir=$(dirname "$(dirname "$1")") letters=$(sed 's/.*:2,//; s/[A-Z]//g' <<<"$1" | grep -o .) || :
	for l in $letters; do sed -n "$(($(printf '%d' "'$l") - 96))p" "$dir/posthouse.keywords"; done | sort | tr '\n' ' '
}
# old DIR: a Maildir with two messages, the first with the letters a and c.
old() {
	mkdir -p "$1"/{cur,new,tmp}
	printf 'Subject: one\n\nx\n' >"$1/cur/1.x,S=17:2,FSac"
	printf 'Subject: two\n\nx\n' >"$1/new/2.y"
}
find_one() { grep -rl "Subject: ${2-one}" "$1/cur" "$1/new"; }

@test "a tree of Dovecot's: folders, keywords by name, subscriptions of both forms; what is there stays" {
	old "$DIR/old"
	printf '0 $Label1\n1 unused\n2 later\n3 bad name\n' >"$DIR/old/dovecot-keywords"
	old "$DIR/old/.Work.2026"
	printf '0 other\n' >"$DIR/old/.Work.2026/dovecot-keywords"
	mkdir -p "$DIR/old/.nomail" "$DIR/old/..x/cur"
	ln -s /etc "$DIR/old/.link"
	printf 'V\t2\n\nINBOX\nWork\t2026\nGone\n' >"$DIR/old/subscriptions"
	mkdir -p "$M"/{cur,new,tmp}
	printf 'Mine\nINBOX\n' >"$M/subscriptions"
	[ "$(id -u)" != 0 ] || chown -R 64006:64006 "$M"
	run "$BIN/posthouse" maildir import -r alice@example.test "$DIR/old"
	[ "$status" = 0 ]
	[ "$output" = '4 messages imported into 2 folders' ]
	[ "$(keywords "$(find_one "$M")")" = '$Label1 later ' ]
	[[ $(find_one "$M") == *:2,FS* ]]
	[ "$(keywords "$(find_one "$M/.Work.2026")")" = 'other ' ]
	[ "$(cat "$M/subscriptions")" = $'Mine\nINBOX\nWork.2026\nGone' ]
	[ ! -e "$M/.nomail" ]
	[ ! -e "$M/.link" ]
	printf 'Sub.Folder\n' >"$DIR/old/subscriptions"
	run "$BIN/posthouse" maildir import -r -f Old alice@example.test "$DIR/old"
	[ "$output" = '4 messages imported into 2 folders' ]
	[ "$(messages "$M/.Old")$(messages "$M/.Old.Work.2026")" = 22 ]
	[ "$(tail -n 1 "$M/subscriptions")" = Old.Sub.Folder ]
	# What was imported is as good a source, with our own names.
	echo 'bob@example.test:b' >>"$DIR/control/users"
	run "$BIN/posthouse" maildir import -r bob@example.test "$M"
	[ "$output" = '8 messages imported into 4 folders' ]
	[ "$(keywords "$(find_one "$DIR/mail/b")")" = '$Label1 later ' ]
}

@test "a tree of Courier's: keywords of its list, subscriptions that begin with INBOX" {
	old "$DIR/old"
	mkdir -p "$DIR/old/courierimapkeywords"
	printf 'alpha\nbeta\n\n1.x:1\n' >"$DIR/old/courierimapkeywords/:list"
	old "$DIR/old/.Sent"
	printf 'INBOX.Sent\nINBOX.Other.One\n' >"$DIR/old/courierimapsubscribed"
	run "$BIN/posthouse" maildir import -r alice@example.test "$DIR/old"
	[ "$status" = 0 ]
	[ "$output" = '4 messages imported into 2 folders' ]
	[ "$(keywords "$(find_one "$M")")" = 'beta ' ]
	[ "$(cat "$M/subscriptions")" = $'Sent\nOther.One' ]
}

@test "names in UTF-8, of folders and of mbox files, become those that sessions show" {
	old "$DIR/old/.Entwürfe"
	mkdir -p "$DIR/old"/{cur,new,tmp}
	old "$DIR/old/.R & D.Grün"
	printf 'INBOX.Entwürfe\n' >"$DIR/old/courierimapsubscribed"
	run "$BIN/posthouse" maildir import -r -f Früher alice@example.test "$DIR/old"
	[ "$status" = 0 ] || { echo "$output"; return 1; }
	[ "$(messages "$M/.Fr&APw-her.Entw&APw-rfe")" = 2 ]
	[ "$(messages "$M/.Fr&APw-her.R &- D.Gr&APw-n")" = 2 ]
	[ "$(cat "$M/subscriptions")" = 'Fr&APw-her.Entw&APw-rfe' ]
	mkdir "$DIR/mboxes"
	printf 'From bob@example.org Sun Nov 22 01:02:03 2026\nSubject: one\n\nx\n' >"$DIR/mboxes/süß.alt"
	run "$BIN/posthouse" maildir import -r alice@example.test "$DIR/mboxes"
	[ "$status" = 0 ]
	[ "$(messages "$M/.s&APwA3w-_alt")" = 1 ]
}

@test "a tree of mbox files: directories, keywords in fields, subscriptions; what is none is named and left" {
	mkdir -p "$DIR/old/lists/deep" "$DIR/old/.imap"
	one() { printf 'From a@b.c Sun Nov 22 01:02:03 2026\nSubject: one\nX-Keywords: %s\nStatus: RO\n\nx\n\n' "$1"; }
	one 'alpha $Junk          ' >"$DIR/old/inbox"
	{ one 'beta'; one ''; } >"$DIR/old/lists/v1.0"
	: >"$DIR/old/lists/deep/empty"
	echo 'no mail' >"$DIR/old/notes"
	printf 'lists/v1.0\ninbox\n' >"$DIR/old/.subscriptions"
	ln -s /etc/passwd "$DIR/old/link"
	run "$BIN/posthouse" maildir import -r alice@example.test "$DIR/old"
	[ "$status" = 0 ]
	[ "$output" = $'notes: left, for it is no mbox file\n3 messages imported into 3 folders' ]
	[ "$(keywords "$(find_one "$M")")" = '$Junk alpha ' ]
	[ "$(messages "$M/.lists.v1_0")" = 2 ]
	[ "$(messages "$M/.lists.deep.empty")" = 0 ]
	[ "$(cat "$M/subscriptions")" = $'lists.v1_0\nINBOX' ]
	[ "$(id -u)" != 0 ] || [ -z "$(find "$M" ! -uid 64006)" ]
}

@test "what is no mailbox is refused, and says why" {
	echo 'no mail at all' >"$DIR/text"
	run "$BIN/posthouse" maildir import alice@example.test "$DIR/text"
	[ "$status" = 74 ]
	[[ $output == *'this is no mbox file'* ]]
	run "$BIN/posthouse" maildir import alice@example.test "$DIR/none"
	[ "$status" = 66 ]
	run "$BIN/posthouse" maildir import bob@example.test "$DIR/text"
	[ "$status" = 67 ]
	mkdir "$DIR/empty"
	run "$BIN/posthouse" maildir import alice@example.test "$DIR/empty"
	[ "$status" = 74 ]
	[[ $output == *'a Maildir has cur and new'* ]]
	run "$BIN/posthouse" maildir import -f ../x alice@example.test "$DIR/text"
	[ "$status" = 74 ]
	run "$BIN/posthouse" maildir import alice@example.test
	[ "$status" = 64 ]
	[ "$(messages "$M")" = 0 ]
}
