# imap_multi.bats: ESEARCH over many mailboxes (RFC 7377).
# shellcheck shell=bash disable=SC2154

load helper
load imap

# INBOX has 3 messages, A 4, A/B 2, A/B/C 1, D none; UIDVALIDITY is 10 to 14.
setup() {
	local d i=0 k n
	mbox_dir
	for d in . .A .A.B .A.B.C .D; do
		n=$((10 + i))
		i=$((i + 1))
		mkdir -p "$M/$d"/{cur,new,tmp}
		for k in 1 2 3 4; do
			[ "$k" -le "$(cut -d' ' -f$i <<<"3 4 2 1 0")" ] || continue
			printf 'Subject: number %s\n\nin %s\n' "$k" "$d" >"$M/$d/cur/170000000$k.m$k.$n:2,$([ "$k" = 2 ] && echo S)"
		done
	done
	printf 'A\nA/B\n' | tr / . >"$M/subscriptions"
}

# rows: the names, kinds and numbers of the ESEARCH responses, without UIDVALIDITY.
rows() {
	sed -nE 's/^\* ESEARCH (.*) UIDVALIDITY [1-9][0-9]*\)/\1/p' <<<"$output"
}

@test "ESEARCH IN: each kind of mailboxes, in the order of LIST, silent where nothing matches" {
	output=$(talk <<-'END'
		a ESEARCH IN (personal) ALL
		b ESEARCH IN (inboxes) RETURN (COUNT) UNSEEN
		c ESEARCH IN (subscribed) RETURN (MIN MAX) ALL
		d ESEARCH IN (subtree A) SEEN
		e ESEARCH IN (subtree-one A) SUBJECT "number 1"
		f ESEARCH IN (mailboxes (D inbox "A/B") mailboxes A/B mailboxes nowhere) RETURN (ALL COUNT) 1:2
		g ESEARCH IN (subtree (A/B D) mailboxes INBOX) *
		h ESEARCH IN (mailboxes D) RETURN (COUNT MIN MAX) ALL
	END
	)
	diff <(rows) - <<-'END'
		(TAG "a" MAILBOX INBOX UID ALL 1:3
		(TAG "a" MAILBOX A UID ALL 1:4
		(TAG "a" MAILBOX A/B UID ALL 1:2
		(TAG "a" MAILBOX A/B/C UID ALL 1
		(TAG "b" MAILBOX INBOX UID COUNT 2
		(TAG "b" MAILBOX A UID COUNT 3
		(TAG "b" MAILBOX A/B UID COUNT 1
		(TAG "b" MAILBOX A/B/C UID COUNT 1
		(TAG "c" MAILBOX A UID MIN 1 MAX 4
		(TAG "c" MAILBOX A/B UID MIN 1 MAX 2
		(TAG "d" MAILBOX A UID ALL 2
		(TAG "d" MAILBOX A/B UID ALL 2
		(TAG "e" MAILBOX A UID ALL 1
		(TAG "e" MAILBOX A/B UID ALL 1
		(TAG "f" MAILBOX INBOX UID COUNT 2 ALL 1:2
		(TAG "f" MAILBOX A/B UID COUNT 2 ALL 1:2
		(TAG "g" MAILBOX INBOX UID ALL 3
		(TAG "g" MAILBOX A/B UID ALL 2
		(TAG "g" MAILBOX A/B/C UID ALL 1
	END
	[ "$(grep -c '^[a-h] OK' <<<"$output")" = 8 ]
}

@test "ESEARCH tells the UIDVALIDITY of STATUS and leaves the selected mailbox alone" {
	output=$(talk <<-'END'
		a STATUS A (UIDVALIDITY)
		b SELECT INBOX
		c UID SEARCH RETURN (SAVE) 2
		d ESEARCH IN (mailboxes A) RETURN (MAX) ALL
		e UID SEARCH $
		f ESEARCH IN (selected mailboxes A) $
		g ESEARCH SEEN
		h ESEARCH RETURN (SAVE COUNT) NOT SEEN
		i UID FETCH $ (UID)
		j ESEARCH IN (personal selected) RETURN (PARTIAL -1:-1) ALL
	END
	)
	n=$(sed -nE 's/^\* STATUS A \(UIDVALIDITY ([0-9]+)\)/\1/p' <<<"$output")
	has "\* ESEARCH \(TAG \"d\" MAILBOX A UIDVALIDITY $n\) UID MAX 4" '\* SEARCH 2' '\* 3 FETCH \(UID 3\)'
	diff <(rows) - <<-'END'
		(TAG "d" MAILBOX A UID MAX 4
		(TAG "f" MAILBOX INBOX UID ALL 2
		(TAG "g" MAILBOX INBOX UID ALL 2
		(TAG "h" MAILBOX INBOX UID COUNT 2
		(TAG "j" MAILBOX INBOX UID PARTIAL (-1:-1 3)
		(TAG "j" MAILBOX A UID PARTIAL (-1:-1 4)
		(TAG "j" MAILBOX A/B UID PARTIAL (-1:-1 2)
		(TAG "j" MAILBOX A/B/C UID PARTIAL (-1:-1 1)
	END
}

@test "ESEARCH refuses what RFC 7377 section 2.2 forbids, and what it does not know" {
	output=$(talk <<-'END'
		a ESEARCH ALL
		b ESEARCH IN (selected) ALL
		c ESEARCH IN (personal) RETURN (UPDATE) ALL
		d SELECT INBOX
		e ESEARCH IN (selected personal) RETURN (SAVE) ALL
		f ESEARCH IN (selected-delayed) ALL
		g ESEARCH IN () ALL
		h ESEARCH IN (subtree) ALL
		i ESEARCH IN (mailboxes ()) ALL
		j ESEARCH IN (personal (deep yes)) ALL
		k ESEARCH IN (personal ALL
		l ESEARCH IN (personal) NONSENSE
		m ESEARCH IN (personal) CHARSET KOI8-R ALL
		n UID ESEARCH ALL
		o ESEARCH IN (mailboxes "../x" mailboxes "a.b" mailboxes "") ALL
	END
	)
	has '[abcefghijkln] BAD .*' 'm NO \[BADCHARSET .*' 'o OK .*'
	[ "$(grep -c ' BAD ' <<<"$output")" = 12 ]
	hasnot '\* ESEARCH.*'
}

@test "ESEARCH: UPDATE is of the selected mailbox alone, MODSEQ is each mailbox's, UTF-8 names" {
	mkdir -p "$M/.&AOQ-"/{cur,new,tmp}
	printf 'Subject: x\n\n' >"$M/.&AOQ-/cur/1.x.y:2,"
	output=$(talk <<-'END'
		a SELECT INBOX
		b ESEARCH IN (selected mailboxes A) RETURN (COUNT UPDATE) UNSEEN
		c STORE 2 -FLAGS (\Seen)
		d ESEARCH IN (mailboxes A) RETURN (COUNT UPDATE) SEEN
		e ESEARCH IN (selected mailboxes A) RETURN (COUNT) MODSEQ 1
		f ESEARCH IN (mailboxes &AOQ-) ALL
		g ENABLE UTF8=ACCEPT UIDONLY
		h ESEARCH IN (mailboxes "ä") ALL
		i ESEARCH IN (personal) 1:2
	END
	)
	has '\* ESEARCH \(TAG "b" MAILBOX INBOX UIDVALIDITY [0-9]+\) UID COUNT 2' '\* ESEARCH \(TAG "b" MAILBOX A UIDVALIDITY [0-9]+\) UID COUNT 3' \
	    '\* ESEARCH \(TAG "b" MAILBOX INBOX UIDVALIDITY [0-9]+\) UID ADDTO \(0 2\)' '\* NO \[NOUPDATE "d"\].*' \
	    '\* ESEARCH \(TAG "e" MAILBOX A UIDVALIDITY [0-9]+\) UID COUNT 4 MODSEQ [0-9]+' '\* ESEARCH \(TAG "f" MAILBOX &AOQ- .*\) UID ALL 1' \
	    '\* ESEARCH \(TAG "h" MAILBOX "ä" .*\) UID ALL 1' 'i BAD \[UIDREQUIRED\] .*'
	[ "$(grep -c HIGHESTMODSEQ <<<"$output")" = 2 ]
}

@test "ESEARCH: more mailboxes than the limit are refused, a subtree of them is searched" {
	for i in $(seq 1 1001); do
		mkdir "$M/.E.$i" "$M/.E.$i"/{cur,new,tmp}
	done
	output=$(talk <<<$'a ESEARCH IN (personal) ALL\nb ESEARCH IN (subtree E/17 mailboxes A) ALL')
	has 'a NO \[LIMIT\] .*' '\* ESEARCH \(TAG "b" MAILBOX A .*\) UID ALL 1:4' 'b OK .*'
}
