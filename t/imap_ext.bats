# imap_ext.bats: extensions of IMAP that came after RFC 3501, one dialogue each over a Maildir.
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

@test "UIDONLY: numbers are refused, UIDFETCH and VANISHED take their place" {
	output=$(talk <<-'END'
		a ENABLE UIDONLY
		b SELECT INBOX
		c FETCH 1 FLAGS
		d STORE 1 +FLAGS (\Seen)
		e SEARCH ALL
		f COPY 1 INBOX
		g MOVE 1 INBOX
		h UID SEARCH 1:2
		i UID SEARCH UID 1:2
		j UID FETCH 2 (RFC822.SIZE)
		k UID FETCH 2 (UID FLAGS)
		l UID STORE 2,3,5 +FLAGS (\Deleted)
		m EXPUNGE
		n ENABLE UIDONLY
		o UID SEARCH RETURN (SAVE) ALL
		p UID SEARCH $
	END
	)
	has '\* ENABLED UIDONLY' '[cdefgh] BAD \[UIDREQUIRED\] .*' '\* SEARCH 1 2' '\* 2 UIDFETCH \(RFC822.SIZE [0-9]+\)' \
	    '\* 2 UIDFETCH \(UID 2 FLAGS \(\\Recent\)\)' '\* 5 UIDFETCH \(FLAGS \(\\Deleted \\Recent\)\)' '\* VANISHED 2:3,5' 'm OK .*' \
	    '\* ENABLED' '\* SEARCH 1 4 6' 'p OK .*'
	hasnot '.*UNSEEN.*' '\* [0-9]+ FETCH.*' '.* EXPUNGE'
	[ "$(grep -c UIDREQUIRED <<<"$output")" = 6 ]
}

@test "PARTIAL: windows of SEARCH and UID FETCH, from both ends, past the end" {
	output=$(talk <<-'END'
		a SELECT INBOX
		b SEARCH RETURN (PARTIAL 1:2) ALL
		c UID SEARCH RETURN (PARTIAL -1:-2 COUNT) NOT 3
		d SEARCH RETURN (PARTIAL 5:9) ALL
		e SEARCH RETURN (PARTIAL 7:9) ALL
		f SEARCH RETURN (PARTIAL -5:-9) ALL
		g SEARCH RETURN (PARTIAL 2:1 ALL) ALL
		h SEARCH RETURN (PARTIAL 1:-1) ALL
		i SEARCH RETURN (PARTIAL 0:1) ALL
		j SEARCH RETURN (PARTIAL 1:2 PARTIAL 3:4) ALL
		k SEARCH RETURN (SAVE PARTIAL 2:3 MAX) ALL
		l UID SEARCH $
		m SEARCH RETURN (SAVE PARTIAL 2:3 COUNT) ALL
		n UID SEARCH $
		o UID FETCH 2:5 (UID) (PARTIAL -1:-2)
		p UID FETCH 1:* (UID) (PARTIAL 1:1)
		q UID FETCH 1:* (UID) (PARTIAL 9:12)
		r FETCH 1:* (UID) (PARTIAL 1:1)
		s UID FETCH 1:* (UID) (NOTHING)
	END
	)
	has '\* ESEARCH \(TAG "b"\) PARTIAL \(1:2 1:2\)' '\* ESEARCH \(TAG "c"\) UID COUNT 5 PARTIAL \(-1:-2 5:6\)' \
	    '\* ESEARCH \(TAG "d"\) PARTIAL \(5:9 5:6\)' '\* ESEARCH \(TAG "e"\) PARTIAL \(7:9 NIL\)' '\* ESEARCH \(TAG "f"\) PARTIAL \(-5:-9 1:2\)' \
	    'g BAD .*' 'h BAD .*' 'i BAD .*' 'j BAD .*' '\* ESEARCH \(TAG "k"\) MAX 6 PARTIAL \(2:3 2:3\)' '\* SEARCH 2 3 6' \
	    '\* SEARCH 1 2 3 4 5 6' 'q OK .*' 'r BAD .*' 's BAD .*'
	[ "$(sed -n '/^n OK/,/^o OK/p' <<<"$output")" = $'n OK Search completed\n* 4 FETCH (UID 4)\n* 5 FETCH (UID 5)\no OK Fetch completed' ]
	[ "$(sed -n '/^o OK/,/^q OK/p' <<<"$output")" = $'o OK Fetch completed\n* 1 FETCH (UID 1)\np OK Fetch completed\nq OK Fetch completed' ]
}

@test "posthouse.capabilities hides what it names, from CAPABILITY and from ENABLE" {
	printf '# a client cannot bear these\nUIDONLY # new\nmove\n\nX-UNKNOWN\n' >"$M/posthouse.capabilities"
	output=$(talk <<<$'a CAPABILITY\nb ENABLE UIDONLY\nc SELECT INBOX\nd FETCH 1 UID')
	hasnot '.*CAPABILITY.* (UIDONLY|MOVE)( .*|\].*|)'
	has '\* CAPABILITY IMAP4rev1 .*SASL-IR.* WITHIN.*' '\* ENABLED' '\* 1 FETCH \(UID 1\)'
}
