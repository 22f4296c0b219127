# imap_qresync.bats: mod-sequences: CONDSTORE and QRESYNC (RFC 7162), and what else the store keeps of a message: SAVEDATE (RFC 8514)
# and OBJECTID (RFC 8474).
# shellcheck shell=bash disable=SC2154

load helper
load imap

setup() {
	local i
	mbox_dir
	for i in 1 2 3 4 5 6; do
		printf 'From: a%s@example.org\nSubject: number %s\n\nbody %s\n' $i $i $i | message "170000000$i.m$i.host"
	done
}

# highest: the HIGHESTMODSEQ that SELECT tells.
highest() { talk <<<'a SELECT INBOX' | sed -n 's/.*HIGHESTMODSEQ \([0-9]*\).*/\1/p'; }
validity() { talk <<<'a SELECT INBOX' | sed -n 's/.*UIDVALIDITY \([0-9]*\).*/\1/p'; }

@test "every CONDSTORE enabling command enables, tells HIGHESTMODSEQ once, and MODSEQ and UID from then on" {
	local cmd
	for cmd in 'ENABLE CONDSTORE' 'SELECT INBOX (CONDSTORE)' 'STATUS INBOX (HIGHESTMODSEQ)' 'FETCH 1 MODSEQ' 'SEARCH MODSEQ 1' \
	    'FETCH 1 UID (CHANGEDSINCE 1)' 'STORE 1 (UNCHANGEDSINCE 1) FLAGS ()' 'ENABLE QRESYNC' 'SORT (DATE) UTF-8 MODSEQ 1'; do
		output=$(talk <<<$'a SELECT INBOX\nb STORE 1 +FLAGS (\\Draft)\nc '"$cmd"$'\nd STORE 1 -FLAGS (\\Draft)\ne STORE 1 +FLAGS.SILENT (\\Draft)\nf STORE 1 +FLAGS.SILENT (\\Draft)\ng STORE 1 -FLAGS (\\Draft)')
		sed -n '/^b OK/,/^c OK/p' <<<"$output" >"$BATS_TEST_TMPDIR/c"
		echo "$cmd:" && cat "$BATS_TEST_TMPDIR/c"
		[ "$(grep -c '^\* OK \[HIGHESTMODSEQ [1-9]' "$BATS_TEST_TMPDIR/c")" = 1 ]
		has '\* 1 FETCH \(UID 1 FLAGS \((\\Recent)?\) MODSEQ \([1-9][0-9]*\)\)' '\* 1 FETCH \(UID 1 MODSEQ \([1-9][0-9]*\)\)' 'g OK .*'
		[ "$(sed -n '/^e OK/,/^f OK/p' <<<"$output")" = $'e OK Store completed\nf OK Store completed' ]
		not grep -q '^b.*MODSEQ' <<<"$(sed -n '/^a OK/,/^b OK/p' <<<"$output")"
	done
}

@test "mod-sequences rise with every change, and only with a change" {
	output=$(talk <<-'END'
		a SELECT INBOX
		b FETCH 1:6 MODSEQ
		c STORE 2 +FLAGS (\Seen)
		d STORE 2 +FLAGS (\Seen)
		e STORE 4:5 +FLAGS ($Work)
		f FETCH 1:* (FLAGS) (CHANGEDSINCE 0)
		g FETCH 3 BODY[1]
		h FETCH 3 BODY[1]
		i STATUS INBOX (HIGHESTMODSEQ)
		j SEARCH RETURN (MAX) MODSEQ 0
		k SEARCH MODSEQ "/flags/\\draft" all 0
		l SEARCH MODSEQ 9000000000000000000
		m FETCH 1 (MODSEQ) (CHANGEDSINCE 99999999999999999999)
		n SORT (REVERSE SUBJECT) UTF-8 MODSEQ 1
	END
	)
	python3 - "$output" <<-'END'
	import re, sys
	out = sys.argv[1]
	def at(tag, prev):
	    return out.split('\n%s OK' % prev, 1)[1].split('\n%s OK' % tag, 1)[0]
	def modseqs(text):
	    return {int(n): int(m) for n, m in re.findall(r'\* (\d+) FETCH \((?:(?!\n\* )[\s\S])*?MODSEQ \((\d+)\)', text)}
	first, c, d, e, f = modseqs(at('b', 'a')), modseqs(at('c', 'b')), modseqs(at('d', 'c')), modseqs(at('e', 'd')), modseqs(at('f', 'e'))
	assert set(first) == set(range(1, 7)) and min(first.values()) > 0, first
	assert c[2] > max(first.values()) and d[2] == c[2], (c, d)
	assert e[4] > c[2] and e[5] > c[2] and set(e) == {4, 5}, e
	assert set(f) == set(first), f
	g, h = modseqs(at('g', 'f')), modseqs(at('h', 'g'))
	assert g[3] > max(f.values()) and h == {}, (g, h)
	assert 'FLAGS (\\Seen' in at('g', 'f') and 'UID 3' in at('g', 'f')
	assert 'HIGHESTMODSEQ %d)' % g[3] in at('i', 'h')
	assert 'MAX 6 MODSEQ %d' % first[6] in at('j', 'i'), at('j', 'i')
	assert '* SEARCH 1 2 3 4 5 6 (MODSEQ %d)' % g[3] in at('k', 'j')
	assert at('l', 'k').endswith('\n* SEARCH'), at('l', 'k')
	assert '* SORT 6 5 4 3 2 1 (MODSEQ %d)' % g[3] in out
	END
	has 'm BAD .*'
}

@test "STORE UNCHANGEDSINCE: what has changed is left alone and told in MODIFIED" {
	h=$(highest)
	output=$(talk <<<$'a SELECT INBOX\nb STORE 2,4 +FLAGS.SILENT (\\Seen)\nc STORE 1:5 (UNCHANGEDSINCE '"$h"$') +FLAGS.SILENT (\\Flagged)\nd UID STORE 1,3 (UNCHANGEDSINCE 0) +FLAGS (\\Draft)\ne UID FETCH 1:6 FLAGS\nf STORE 6 (UNCHANGEDSINCE 9223372036854775807) FLAGS (\\Answered)\ng STORE 6 (UNCHANGEDSINCE -1) FLAGS ()\nh STORE 6 (CHANGEDSINCE 1) FLAGS ()\ni STORE 6 (UNCHANGEDSINCE 1 FLAGS ()')
	has 'c OK \[MODIFIED 2,4\] .*' 'd OK \[MODIFIED 1,3\] .*' '\* 1 FETCH \(FLAGS \(\\Flagged( \\Recent)?\) UID 1\)' \
	    '\* 2 FETCH \(FLAGS \(\\Seen( \\Recent)?\) UID 2\)' '\* 6 FETCH \(UID 6 FLAGS \(\\Answered( \\Recent)?\) MODSEQ .*' \
	    '\* 3 FETCH \(UID 3 MODSEQ \([0-9]+\)\)' '[ghi] BAD .*'
	hasnot '.*FETCH.*Draft.*'
	[ "$(grep -c '^[ghi] BAD' <<<"$output")" = 3 ]
}

@test "QRESYNC: SELECT tells what was missed, as far as the client knows the mailbox" {
	v=$(validity)
	talk <<<$'a SELECT INBOX\nb STORE 3 +FLAGS (\\Deleted)\nc EXPUNGE' >/dev/null
	h=$(highest)
	talk <<<$'a SELECT INBOX\nb UID STORE 2,5 +FLAGS (\\Deleted)\nc EXPUNGE\nd UID STORE 4 +FLAGS ($New)\n' >/dev/null
	printf 'Subject: seven\n\n7\n' | message 1700000007.m7.host
	talk <<<$'a SELECT INBOX\nb UID STORE 7 FLAGS (\\Deleted)\nc EXPUNGE' >/dev/null
	output=$(talk <<-END
		a SELECT INBOX (QRESYNC ($v $h))
		b ENABLE QRESYNC
		c SELECT INBOX (QRESYNC ($v $h))
		d SELECT INBOX (QRESYNC ($v $h 1:3,6))
		e SELECT INBOX (QRESYNC ($v $h 1:6 (1:2 1,4)))
		f SELECT INBOX (QRESYNC ($((v + 1)) $h))
		g SELECT INBOX (QRESYNC ($v 1))
		h EXAMINE INBOX (CONDSTORE QRESYNC ($v $h (1 9)))
		i SELECT INBOX (QRESYNC ($v $h 1:*))
		j SELECT INBOX (QRESYNC ($v 0))
		k SELECT INBOX (QRESYNC ($v $h (1:2 1)))
		l SELECT INBOX (QRESYNC ($v))
		m SELECT INBOX (NOTHING)
	END
	)
	python3 - "$output" <<-'END'
	import re, sys
	out = sys.argv[1]
	def at(tag, prev):
	    return out.split('\n%s OK' % prev, 1)[1].split('\n%s OK' % tag, 1)[0]
	c = at('c', 'b')
	assert '* VANISHED (EARLIER) 2,5,7' in c and 'UID 4 FLAGS ($New) MODSEQ' in c and c.count(' FETCH ') == 1, c
	assert c.index('VANISHED') < c.index('FETCH') and c.index('EXISTS') < c.index('VANISHED')
	d = at('d', 'c')
	assert '* OK [CLOSED]' in d and '* VANISHED (EARLIER) 2\n' in d + '\n' and ' FETCH ' not in d, d
	e = at('e', 'd')
	assert '* VANISHED (EARLIER) 5\n' in e and 'UID 4 FLAGS' in e, e
	f = at('f', 'e')
	assert 'VANISHED' not in f and ' FETCH ' not in f, f
	g = at('g', 'f')
	assert '* VANISHED (EARLIER) 2:3,5,7' in g, g
	h = at('h', 'g')
	assert '* VANISHED (EARLIER) 2,5,7' in h, h
	END
	has 'a BAD .*' '[ijklm] BAD .*'
	[ "$(grep -c '^[aijklm] BAD' <<<"$output")" = 6 ]
}

@test "UID FETCH VANISHED, and VANISHED instead of EXPUNGE" {
	h=$(highest)
	talk <<<$'a SELECT INBOX\nb STORE 2:3,6 +FLAGS (\\Deleted)\nc EXPUNGE' >/dev/null
	output=$(talk <<-END
		a SELECT INBOX
		b UID FETCH 1:* (UID) (CHANGEDSINCE $h VANISHED)
		c ENABLE QRESYNC
		d FETCH 1:* (UID) (CHANGEDSINCE $h VANISHED)
		e UID FETCH 1:* (UID) (VANISHED)
		f UID FETCH 1:* (UID) (CHANGEDSINCE $h VANISHED)
		g UID FETCH 3:5 (UID) (VANISHED CHANGEDSINCE $h)
		h UID STORE 4:5 +FLAGS.SILENT (\Deleted)
		i EXPUNGE
		j EXPUNGE
		k UID EXPUNGE 1:*
		l UID STORE 1 +FLAGS.SILENT (\Deleted)
		m CLOSE
		n SELECT INBOX
	END
	)
	has '[bde] BAD .*' '\* VANISHED \(EARLIER\) 2:3,6' '\* VANISHED \(EARLIER\) 3' '\* VANISHED 4:5' 'i OK \[HIGHESTMODSEQ [0-9]+\] .*' \
	    'j OK Expunge completed' 'k OK Expunge completed' 'm OK Close completed' '\* 0 EXISTS'
	[ "$(grep -c '^[bde] BAD' <<<"$output")" = 3 ]
	hasnot '.* EXPUNGE'
}

@test "HIGHESTMODSEQ and what was expunged outlive the files that can be rebuilt" {
	v=$(validity)
	h=$(highest)
	talk <<<$'a SELECT INBOX\nb STORE 2 +FLAGS (\\Deleted)\nc EXPUNGE\nd STORE 1 +FLAGS (\\Seen)' >/dev/null
	find "$M" -maxdepth 1 -name '*cache*' -delete
	output=$(talk <<<$'a ENABLE QRESYNC\nb SELECT INBOX (QRESYNC ('"$v $h"'))')
	has '\* VANISHED \(EARLIER\) 2' '\* 1 FETCH \(UID 1 FLAGS \(\\Seen\) MODSEQ .*'
	hasnot '\* [2-9] FETCH .*'
}

@test "another program renames and removes: the mod-sequence tells" {
	h=$(highest)
	mv "$M/new/1700000004.m4.host" "$M/cur/1700000004.m4.host:2,F"
	rm "$M/new/1700000005.m5.host"
	output=$(talk <<<$'a ENABLE QRESYNC\nb SELECT INBOX\nc UID FETCH 1:* (FLAGS) (CHANGEDSINCE '"$h"' VANISHED)')
	has '\* VANISHED \(EARLIER\) 5' '\* 4 FETCH \((UID 4 )?FLAGS \(\\Flagged\).* MODSEQ \([0-9]+\).*'
	hasnot '\* [12356] FETCH .*'
}

@test "SAVEDATE, EMAILID, THREADID, MAILBOXID" {
	touch -d '2020-01-01 10:00 UTC' "$M"/new/*
	output=$(talk <<-'END'
		a CREATE Box
		b STATUS Box (MAILBOXID)
		c SELECT INBOX
		d FETCH 1 (SAVEDATE EMAILID THREADID)
		e COPY 1 Box
		f RENAME Box Other
		g STATUS Other (MESSAGES MAILBOXID)
		h SEARCH SAVEDATESUPPORTED SAVEDSINCE 1-Jan-2021
		i SEARCH SAVEDBEFORE 1-Jan-2021
		j SEARCH NOT SAVEDON 1-Jan-2021
		k SEARCH THREADID x
		l SELECT Other
		m FETCH 1 EMAILID
	END
	)
	id=$(sed -n 's/^a OK \[MAILBOXID (\([A-Za-z0-9_-]*\))\].*/\1/p' <<<"$output")
	mail=$(sed -n 's/^\* 1 FETCH (.*EMAILID (\([A-Za-z0-9_-]*\)) THREADID (T[0-9a-f]*))/\1/p' <<<"$output")
	[ -n "$id" ]
	[ -n "$mail" ]
	has "\* STATUS Box \(MAILBOXID \($id\)\)" "\* STATUS Other \(MESSAGES 1 MAILBOXID \($id\)\)" "\* OK \[MAILBOXID \($id\)\].*" \
	    '\* 1 FETCH \(SAVEDATE "[ 0-9]{2}-...-20[2-9][0-9] ..:..:.. \+0000" EMAILID .*' '\* SEARCH 1 2 3 4 5 6' '\* SEARCH' \
	    "\* 1 FETCH \(EMAILID \($mail\)\)"
	[ "$(grep -c '^\* SEARCH 1 2 3 4 5 6$' <<<"$output")" = 2 ]
	output=$(talk <<<$'a SELECT INBOX\nb SEARCH EMAILID '"$mail"$'\nc SEARCH EMAILID x')
	has '\* SEARCH 1' '\* SEARCH'
}
