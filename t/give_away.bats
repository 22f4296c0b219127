# give_away.bats: a large message to several mailboxes becomes their copy itself (mode "take"); and everything that keeps it from
# that, before and after its recipients are off the file.  t/written_once.bats counts its bytes, t/durability.bats kills it.
# shellcheck shell=bash disable=SC2154,SC2030,SC2031

load helper
load queue

setup() {
	site </dev/null
	printf '%s\n' "carol@example.test:example.test/carol" "dave@example.test:example.test/dave" >>"$CONTROL/users"
	export BYTES=70000
}

teardown() {
	shut_off carol off 2>/dev/null || :
	cleanup_site
}

# shut_off USER on|off: nothing can be added to that mailbox.
shut_off() {
	local new=$MAIL/example.test/$1/new
	if [ "$(id -u)" != 0 ]; then
		chmod $([ "$2" = on ] && echo 500 || echo 700) "$new"
	else
		chattr $([ "$2" = on ] && echo +i || echo -i) "$new"
	fi
}
can_shut_off() {
	[ "$(id -u)" = 0 ] || return 0
	need chattr e2fsprogs
	: >"$WORK/x" && chattr +i "$WORK/x" 2>/dev/null || skip "NOT TESTED: no chattr +i here"
	chattr -i "$WORK/x"
}
mailboxes() { # all are made
	BYTES='' message s@example.org alice@example.test bob@example.test carol@example.test dave@example.test
	pass
	rm -f "$MAIL"/example.test/*/new/*
}
inodes() { stat -c %i "$MAIL"/example.test/*/new/* | sort -u | wc -l; }
# cut_off FILE RCPT...: what a crash leaves: the message is off its recipients and FILE's owner's; the state tells who they were.
cut_off() {
	local size=${name#*,S=} i=0 rcpt
	size=${size%%,*}
	mv "$SPOOL/new/$name" "$SPOOL/cur/$name"
	{
		envelope_of "$SPOOL/cur/$name"
		echo
		for rcpt; do
			printf '%s\t0\t0\t%s@example.test\t\n' "${INDEX-}$((i += 1))" "$rcpt"
		done
	} >"$SPOOL/state/$name"
	truncate -s "$size" "$SPOOL/cur/$name"
	chmod 600 "$SPOOL/cur/$name"
	if [ "$(id -u)" = 0 ]; then chown 64004:64007 "$SPOOL/state/$name" && chown 64006:64006 "$SPOOL/cur/$name"; fi
}
# clean: no mail names a recipient, each has the size of its name and is its owner's alone.
clean() {
	local file
	for file in "$MAIL"/example.test/*/new/*; do
		not grep -q '^Delivered-To:\|^Envelope-' "$file" || return 1
		[[ $file == *",S=$(stat -c %s "$file"),"* ]] || return 1
		[ "$(stat -c %a "$file")" = 600 ] || return 1
	done
}
tool() { POSTHOUSE_LIBEXEC=$QBIN sh "$BIN/posthouse" queue "$@"; }
small() { BYTES=100 message "$@"; }

@test "all of one owner: the spool file itself; a small one is copied" {
	message s@example.org alice@example.test bob@example.test carol@example.test
	inode=$(stat -c %i "$SPOOL/new/$name")
	pass
	[ "$(inodes)" = 1 ]
	[ "$(stat -c %i "$MAIL"/example.test/bob/new/*)" = "$inode" ]
	[ "$(count_in alice)$(count_in bob)$(count_in carol)" = 111 ]
	clean
	spool_is_empty
	rm "$MAIL"/example.test/*/new/*
	small s@example.org alice@example.test bob@example.test
	inode=$(stat -c %i "$SPOOL/new/$name")
	pass
	[ "$(inodes)" = 1 ]
	[ "$(stat -c %i "$MAIL"/example.test/bob/new/*)" != "$inode" ]
	clean
	spool_is_empty
}

@test "an alias of several: the spool file itself, and a second try has the same names" {
	mailboxes
	sed -i 's/^team:.*/team: alice, bob, carol/' "$CONTROL/aliases"
	ENVELOPE='Envelope-Id: QQ1' message s@example.org team@example.test
	inode=$(stat -c %i "$SPOOL/new/$name") sum=$(md5sum <"$SPOOL/new/$name")
	pass
	[ "$(inodes)" = 1 ]
	[ "$(stat -c '%i %h' "$MAIL"/example.test/bob/new/*)" = "$inode 3" ]
	[ "$(md5sum <"$MAIL"/example.test/bob/new/*)" = "$sum" ]
	[ "$(count_in alice)$(count_in bob)$(count_in carol)" = 111 ]
	[[ $(in_mailbox bob) == *",S=$(stat -c %s "$MAIL"/example.test/bob/new/*),"* ]]
	spool_is_empty
	# One has no room: copies.  The names are the same as if all had it, so nobody gets it twice after a crash.
	rm "$MAIL"/example.test/*/new/*
	sed -i 's,^carol.*,carol@example.test:example.test/carol::10000,' "$CONTROL/users"
	message s@example.org team@example.test
	sum=$(md5sum <"$SPOOL/new/$name")
	pass
	[ "$(count_in alice)$(count_in bob)$(count_in carol)" = 110 ]
	names=$(in_mailbox alice; in_mailbox bob)
	[ "$(md5sum <"$SPOOL/cur/$name")" = "$sum" ]
	[ "$(stat -c %h "$SPOOL/cur/$name")" = 1 ]
	printf '1.%d\t1\t0\t%s@example.test\t4.2.2 full\n' 1 alice 2 bob 3 carol >"$WORK/state"
	{ sed -n '/^Return/p' "$SPOOL/state/$name"; sed -n '/^Delivered/p' "$SPOOL/state/$name"; echo; cat "$WORK/state"; } >"$WORK/state.2"
	cat "$WORK/state.2" >"$SPOOL/state/$name"
	sed -i 's,^carol.*,carol@example.test:example.test/carol::,' "$CONTROL/users"
	tool retry "$qid"
	pass
	[ "$(in_mailbox alice; in_mailbox bob)" = "$names" ]
	[ "$(count_in carol)" = 1 ]
	spool_is_empty
}

@test "an alias of several, and a link that fails: the spool has the file as it was" {
	can_shut_off
	mailboxes
	sed -i 's/^team:.*/team: alice, bob, carol/' "$CONTROL/aliases"
	ENVELOPE='Envelope-Orcpt: 1 rfc822;Team@example.test' message dave@example.test team@example.test
	sum=$(md5sum <"$SPOOL/new/$name")
	shut_off carol on
	pass
	[ "$(count_in alice)$(count_in bob)$(count_in carol)" = 110 ]
	[ "$(md5sum <"$SPOOL/cur/$name")" = "$sum" ]
	[ "$(stat -c '%h %a' "$SPOOL/cur/$name")" = "1 640" ]
	tool bounce "$qid"
	pass
	grep -q '^Original-Recipient: rfc822; Team@example.test' "$MAIL"/example.test/dave/new/*
	not grep -q 'alice@\|bob@' "$MAIL"/example.test/dave/new/*
	spool_is_empty
}

@test "local and remote: a copy, and the file stays as it is until the last is done" {
	message s@ok.example alice@example.test bob@example.test x@later.example
	size=$(stat -c %s "$SPOOL/new/$name")
	pass
	[ "$(inodes)" = 1 ]
	clean
	[ "$(stat -c '%s %h' "$SPOOL/cur/$name")" = "$size 1" ]
	grep -q '^Delivered-To: x@later.example$' "$SPOOL/cur/$name"
	tool bounce "$qid"
	pass
	logged "bounce qid=$qid .*rcpt=<x@later.example> status=bounced"
	[ "$(count_in alice)$(count_in bob)" = 11 ]
}

@test "one over quota, one who forwards, one elsewhere: copies, and nobody is lost" {
	mailboxes
	sed -i 's,^carol.*,carol@example.test:example.test/carol::10000,' "$CONTROL/users"
	message s@example.org alice@example.test bob@example.test carol@example.test
	pass
	[ "$(count_in alice)$(count_in bob)$(count_in carol)" = 110 ]
	clean
	grep -q '^Delivered-To: alice@example.test$' "$SPOOL/cur/$name"
	[ "$("$QBIN/mailq" -s | cut -f 8)" = carol@example.test ]
	sed -i 's,^carol.*,carol@example.test:example.test/carol::,' "$CONTROL/users"
	tool retry "$qid"
	pass
	[ "$(count_in alice)$(count_in bob)$(count_in carol)" = 111 ]
	clean
	spool_is_empty
}

@test "a link that fails: the others have it, the spool has a file with its envelope again" {
	can_shut_off
	mailboxes
	ENVELOPE=$'Envelope-Id: QQ1\nEnvelope-Notify: 3 FAILURE\nEnvelope-Orcpt: 3 rfc822;Carol@example.test' \
	    message s@example.org alice@example.test bob@example.test carol@example.test dave@example.test
	before=$(md5sum <"$SPOOL/new/$name") inode=$(stat -c %i "$SPOOL/new/$name")
	shut_off carol on
	pass
	[ "$(count_in alice)$(count_in bob)$(count_in carol)$(count_in dave)" = 1101 ]
	clean
	[ "$(stat -c %i "$MAIL"/example.test/bob/new/*)" = "$inode" ]
	[ "$(stat -c %h "$SPOOL/cur/$name")" = 1 ]
	[ "$(md5sum <"$SPOOL/cur/$name")" = "$before" ]
	[ "$("$QBIN/mailq" | cut -f 7-8)" = $'<s@example.org>\tcarol@example.test' ]
	[ -z "$(find "$SPOOL/tmp" -type f)" ]
	# The tools know it: held, released, begun anew; and it goes when there is a way.
	tool hold "$qid"
	[ -e "$SPOOL/hold/$name" ]
	pass
	[ "$(count_in carol)" = 0 ]
	tool release "$qid"
	tool requeue "$qid"
	[ "$("$QBIN/mailq" | cut -f 4,8)" = $'0\tcarol@example.test' ]
	pass
	[ "$("$QBIN/mailq" | cut -f 4,8)" = $'1\tcarol@example.test' ]
	tool explain "$qid" 2>/dev/null || POSTHOUSE_LIBEXEC=$QBIN sh "$BIN/posthouse" explain "$qid" >"$WORK/explain"
	shut_off carol off
	tool retry "$qid"
	pass
	[ "$(count_in alice)$(count_in bob)$(count_in carol)$(count_in dave)" = 1111 ]
	clean
	spool_is_empty
}

@test "a link that fails and is given up: the sender hears of that one, by the name he gave it" {
	can_shut_off
	mailboxes
	ENVELOPE=$'Envelope-Id: QQ1\nEnvelope-Notify: 3 FAILURE\nEnvelope-Orcpt: 3 rfc822;Carol+2Bx@example.test' \
	    message bob@example.test alice@example.test dave@example.test carol@example.test
	shut_off carol on
	pass
	tool bounce "$qid"
	pass
	[ "$(count_in bob)" = 1 ]
	grep -q '^Original-Recipient: rfc822; Carol+x@example.test' "$MAIL"/example.test/bob/new/*
	grep -q '^Original-Envelope-Id: QQ1' "$MAIL"/example.test/bob/new/*
	not grep -q 'alice@\|dave@' "$MAIL"/example.test/bob/new/*
	[ "$(count_in alice)$(count_in dave)" = 11 ]
	spool_is_empty
}

@test "what a crash left: off the file, not yet linked everywhere; the state tells who" {
	mailboxes
	message s@example.org alice@example.test bob@example.test carol@example.test
	cut_off alice bob carol
	ln "$SPOOL/cur/$name" "$MAIL/example.test/bob/new/$qid.2${name#"$qid"}"
	[ "$("$QBIN/mailq" | cut -f 8 | tr '\n' ' ')" = "alice@example.test bob@example.test carol@example.test " ]
	pass
	[ "$(count_in alice)$(count_in bob)$(count_in carol)" = 111 ]
	[ "$(inodes)" = 1 ]
	clean
	spool_is_empty
	# The same, but one of them forwards by now: that one's message is made from a file of queue's own.
	name2=$name
	message s@example.org alice@example.test bob@example.test
	cut_off alice bob
	ln "$SPOOL/cur/$name" "$MAIL/example.test/bob/new/$qid.2${name#"$qid"}"
	sed -i 's/^alice.*/alice@example.test:example.test\/alice::10000/' "$CONTROL/users"
	pass
	[ "$(count_in alice)$(count_in bob)" = 12 ]
	[ "$(stat -c %h "$SPOOL/cur/$name")" = 1 ]
	[ "$(envelope_of "$SPOOL/cur/$name" | tr '\n' ' ')" = "Return-Path: <s@example.org> Delivered-To: alice@example.test Delivered-To: bob@example.test " ]
	[ "$name" != "$name2" ]
	clean
}

@test "what a crash left: off the file and linked nowhere, and then none can have it; queue can read it again" {
	mailboxes
	sed -i 's,^\(alice\|bob\)@.*,\1@example.test:example.test/\1::10000,' "$CONTROL/users"
	ENVELOPE='Envelope-Notify: 1 NEVER' message carol@example.test alice@example.test bob@example.test
	before=$(md5sum <"$SPOOL/new/$name")
	cut_off alice bob
	pass
	[ "$(md5sum <"$SPOOL/cur/$name")" = "$before" ]
	[ "$(stat -c %a "$SPOOL/cur/$name")" = 640 ]
	tool bounce "$qid"
	pass
	[ "$(count_in alice)$(count_in bob)$(count_in carol)" = 001 ]
	spool_is_empty
	grep -q '^Final-Recipient: rfc822; bob@' "$MAIL"/example.test/carol/new/*
	not grep -q 'alice@' "$MAIL"/example.test/carol/new/*
}

@test "recipients that are cut short: such a file was never acknowledged, and is held" {
	message s@example.org alice@example.test bob@example.test
	truncate -s -1 "$SPOOL/new/$name"
	pass
	[ -e "$SPOOL/hold/$name" ]
	[ ! -e "$MAIL/example.test/alice" ]
	logged "warn qid=$qid text=moved to hold: its envelope cannot be read"
	message s@example.org alice@example.test
	printf 'Delivered-To: bob@example.test\n\n' >>"$SPOOL/new/$name"	# behind one that has its envelope in front
	pass
	[ ! -e "$MAIL/example.test/alice/new/$name" ]
}

@test "what a crash left: off the file, and by now one of them, or all, have gone elsewhere" {
	mailboxes
	message s@example.org alice@example.test bob@example.test
	before=$(md5sum <"$SPOOL/new/$name")
	cut_off alice bob
	ln "$SPOOL/cur/$name" "$MAIL/example.test/bob/new/$qid.2${name#"$qid"}"
	sed -i '/^alice/d' "$CONTROL/users"
	echo "alice: a@later.example" >>"$CONTROL/aliases"
	planned=$("$QBIN/queue" --for 1s 2>"$WORK/said" | cut -f 2-)
	[ "$planned" = "$(printf "$qid\\t1\\ttry\\t%s\\n" a@later.example bob@example.test)" ]
	[ ! -s "$WORK/said" ]
	pass
	[ "$(attempts later.example)" = 1 ]
	[ "$(count_in bob)" = 1 ]
	[ "$(md5sum <"$SPOOL/cur/$name")" = "$before" ]
	[ "$(stat -c '%h %a' "$SPOOL/cur/$name")" = "1 640" ]
	[ "$("$QBIN/mailq" | cut -f 8)" = a@later.example ]
	tool delete "$qid"
	# Of an alias, and all of them; nobody is asked twice.
	message s@example.org team@example.test
	before=$(md5sum <"$SPOOL/new/$name")
	INDEX=1. cut_off alice bob
	sed -i 's/^alice:.*/alice: a@later.example/; $ a bob: b@later.example' "$CONTROL/aliases"
	sed -i '/^bob/d' "$CONTROL/users"
	pass
	[ "$(attempts later.example)" = 2 ]
	[ "$(md5sum <"$SPOOL/cur/$name")" = "$before" ]
	# One recipient, killed before the rename: there is no state, and the plan knows as much as it may.
	message s@example.org dave@example.test
	chmod 600 "$SPOOL/new/$name"
	if [ "$(id -u)" = 0 ]; then
		chown 64006:64006 "$SPOOL/new/$name"
		[ "$("$QBIN/queue" --for 1s | cut -f 2-)" = "$qid	1	try	dave@example.test" ]
		setpriv --reuid 64004 --regid 64007 --clear-groups "$QBIN/queue" --for 1s >"$WORK/plan" 2>"$WORK/said"
		[ ! -s "$WORK/plan" ]
		[ "$(cat "$WORK/said")" = "queue: $name: Permission denied" ]
	fi
	sed -i '/^dave/d' "$CONTROL/users"
	echo "dave: d@later.example" >>"$CONTROL/aliases"
	pass
	[ "$(attempts later.example)" = 1 ]
}

@test "what a crash left, and its recipients are nobody by now: the sender hears of it" {
	mailboxes
	message carol@example.test alice@example.test bob@example.test
	cut_off alice bob
	sed -i '/^alice@/d; /^bob@/d' "$CONTROL/users"
	pass
	[ "$(count_in carol)" = 1 ]
	grep -q '^Final-Recipient: rfc822; bob@' "$MAIL"/example.test/carol/new/*
	spool_is_empty
}

@test "what a crash left, and deliver-local cannot make it queue's: asked once, and later again" {
	need_root
	mailboxes
	message carol@example.test alice@example.test bob@example.test
	cut_off alice bob
	sed -i '/^alice@/d; /^bob@/d' "$CONTROL/users"
	chown 0:0 "$SPOOL/cur"
	chmod 777 "$SPOOL/cur"
	pass
	logged "cannot work on $name, trying again in 300 s"
	[ -e "$SPOOL/cur/$name" ]
}
