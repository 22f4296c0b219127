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
