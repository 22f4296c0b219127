# queue_tools.bats: posthouse queue bounce, requeue, shape and the other verbs, alone and while queue works.
# shellcheck shell=bash disable=SC2154,SC2030,SC2031

load helper
load queue

setup() {
	site </dev/null
}

teardown() {
	cleanup_site
}

settings() {
	printf '%s\n' "$@" >>"$CONTROL/settings"
}

# posthouse queue VERB, from the tree.
tool() { POSTHOUSE_LIBEXEC=$QBIN sh "$BIN/posthouse" queue "$@"; }

@test "bounce now: the sender is told with the last answer; hold, a state of its own, a message without one" {
	at 1795000000
	ARRIVAL=1795000000 message alice@example.test b@later.example bob@example.test
	pass
	[ "$(tool bounce -n "$qid")" = "$qid" ]
	[ -e "$SPOOL/cur/$name" ]
	grep -q '	4.2.0 ' "$SPOOL/state/$name"
	[ "$(tool bounce -d later.example)" = "$qid" ]
	pass
	logged "bounce qid=$qid .*rcpt=<b@later.example> status=bounced dsn=5.0.0 text=given up by the postmaster; last answer: 4.2.0 .*try later"
	[ "$(count_in alice)" = 1 ]
	[ "$(count_in bob)" = 1 ]
	spool_is_empty
	ARRIVAL=1795000000 message alice@example.test b@ok.example bob@example.test
	tool hold "$qid"
	tool bounce "$qid"
	pass
	[ "$(attempts ok.example)" = 0 ]
	[ "$(count_in bob)" = 1 ]
	[ "$(count_in alice)" = 2 ]
	spool_is_empty
}

@test "hostile names: a link in tmp is not written through, a pattern is no choice of others" {
	at 1795000000
	ARRIVAL=1795000000 message alice@example.test b@later.example
	pass
	echo kept >"$WORK/victim"
	ln -s "$WORK/victim" "$SPOOL/tmp/$name.state"
	ln -s "$WORK/victim" "$SPOOL/hold/.$name.state"
	tool requeue "$qid"
	[ "$(cat "$WORK/victim")" = kept ]
	[ "$(cut -f 2 "$SPOOL/state/$name")" = 0 ]
	first=$qid
	cp "$SPOOL/cur/$name" "$SPOOL/new/1795000000.a*,S=*,W=*"
	cp "$SPOOL/cur/$name" "$SPOOL/new/1795000000.a x,S=1,W=1"
	ARRIVAL=1795000000 QID=a123456789abcdef message alice@example.test c@later.example
	[ "$(tool delete -r b@later.example)" = "$first" ]
	[ -e "$SPOOL/new/$name" ]
}

@test "requeue: the schedule begins anew, what is done stays done" {
	at 1795000000
	ARRIVAL=1795000000 message alice@example.test b@later.example bob@example.test
	pass
	at $((1795000000 + 90000))
	pass
	grep -q '^1	2	' "$SPOOL/state/$name"
	grep -q '^tried	1	1795000000	4.2.0 ' "$SPOOL/state/$name"
	[ "$("$QBIN/mailq" | cut -f 8)" = b@later.example ]
	owner=$(stat -c '%U %a' "$SPOOL/state/$name")
	[ "$(tool requeue -f alice@example.test -m 'try later')" = "$qid" ]
	[ "$(cat "$SPOOL/state/$name")" = "1	0	0	b@later.example	" ]
	[ "$(stat -c '%U %a' "$SPOOL/state/$name")" = "$owner" ]
	pass
	grep -q '^1	1	1795090000	b@later.example	' "$SPOOL/state/$name"
	[ "$(count_in bob)" = 1 ]
}

@test "the tools while queue works: whatever they meet, every message ends once" {
	settings "retry-first 1s" "retry-max 1s"
	start_queue
	for i in {1..40}; do
		message alice@example.test "b$i@once.example" bob@example.test
		announce "$name"
		case $((i % 4)) in
		0) tool hold "$qid" && tool release "$qid" ;;
		1) tool requeue "$qid" ;;
		2) tool retry "$qid" ;;
		3) tool hold -n "$qid" ;;
		esac || :
	done >/dev/null 2>&1
	tool release -a
	await 60 spool_is_empty
	[ "$(count_in bob)" = 40 ]
	[ "$(count_in alice)" = 0 ]
}

@test "requeue of one that ends at this moment leaves nothing" {
	at 1795000000
	ARRIVAL=1795000000 message alice@example.test b@later.example
	pass
	# As queue does it, while the new state is being written.
	mkdir "$WORK/fake"
	printf '#!/bin/sh\nrm "%s" "%s"\nexec %s "$@"\n' "$SPOOL/hold/$name" "$SPOOL/state/$name" "$(command -v chown)" >"$WORK/fake/chown"
	chmod 755 "$WORK/fake/chown"
	code=0
	PATH=$WORK/fake:$PATH tool requeue "$qid" >"$WORK/did" 2>"$WORK/said" || code=$?
	[ "$code" = 74 ]
	[ ! -s "$WORK/did" ]
	[ "$(cat "$WORK/said")" = "queue requeue: $qid: it has ended meanwhile" ]
	spool_is_empty
}

@test "no choice is no order, -n changes nothing, and the shape counts by age and domain" {
	at 1795000000
	ARRIVAL=1795000000 message alice@example.test b@later.example c@Later.Example
	ARRIVAL=1794990000 message "" d@dead.example
	pass
	for verb in bounce delete hold release requeue retry; do
		code=0
		tool $verb -n -C "$CONTROL" 2>"$WORK/said" || code=$?
		[ "$code" = 64 ]
		grep -q 'which messages' "$WORK/said"
	done
	find "$SPOOL" -type f -printf '%p %T@ %s\n' | sort >"$WORK/before"
	for verb in bounce delete hold requeue retry; do
		[ "$(tool $verb -n -a | wc -l)" = 2 ]
	done
	find "$SPOOL" -type f -printf '%p %T@ %s\n' | sort | diff "$WORK/before" -
	printf 'domain\ttotal\t5\t10\t20\t40\t80\t160\t320\t640\t1280\t1280+
		TOTAL\t3\t2\t0\t0\t0\t0\t0\t1\t0\t0\t0
		later.example\t2\t2\t0\t0\t0\t0\t0\t0\t0\t0\t0
		dead.example\t1\t0\t0\t0\t0\t0\t0\t1\t0\t0\t0\n' | sed 's/^\t*//' | diff - <(tool shape)
	[ "$(tool shape -S | cut -f 1,2 | tr '\t\n' '  ')" = "domain total TOTAL 3 example.test 2 <> 1 " ]
}

@test "a control directory that is none, or that cannot be read, is not the default one" {
	message s@example.org b@later.example
	pass
	for dir in "$WORK/none" "$CONTROL/settings" ""; do
		code=0
		tool delete -C "$dir" -a >"$WORK/did" 2>"$WORK/said" || code=$?
		[ "$code" = 78 ]
		[ ! -s "$WORK/did" ]
		grep -q "^mailq: $dir: cannot be read; name the control directory" "$WORK/said"
		code=0
		tool shape -C "$dir" >"$WORK/did" 2>"$WORK/said" || code=$?
		[ "$code" = 78 ]
	done
	[ -e "$SPOOL/cur/$name" ]
}

@test "what chooses nothing, or is no queue id, chooses no message" {
	message s@example.org b@later.example
	message "" c@later.example
	pass
	find "$SPOOL" -type f -printf '%p %T@ %s\n' | sort >"$WORK/before"
	refused() { # ARGUMENT...: every verb refuses it, and nothing changes
		local verb code
		for verb in bounce delete hold release requeue retry; do
			code=0
			tool "$verb" "$@" >"$WORK/did" 2>"$WORK/said" || code=$?
			echo "$verb $*: $code $(cat "$WORK/said")"
			[ "$code" = 64 ] || return 1
			[ ! -s "$WORK/did" ] || return 1
			[ "$(wc -l <"$WORK/said")" = 1 ] || return 1
			find "$SPOOL" -type f -printf '%p %T@ %s\n' | sort | diff "$WORK/before" - || return 1
		done
	}
	refused ""
	refused " "
	refused "" ""
	refused "$qid" ""
	refused "cur/$name"
	refused "*"
	refused "$qid x"
	refused x
	refused -d ""
	refused -r "" -f s@example.org
	refused -m ""
	refused -o ""
	refused -o d
	refused -o 1d2h
	refused -o -1
	refused "$qid" -n
	refused -n -- -a
	code=0
	"$QBIN/mailq" -o 1y 2>"$WORK/said" || code=$?
	[ "$code" = 64 ]
	grep -q 'an age is a number' "$WORK/said"
	# As values of options, -a and -n are what they stand for.
	[ -z "$(tool delete -m -n)" ]
	[ -z "$(tool delete -r -a)" ]
	[ "$("$QBIN/mailq" | wc -l)" = 2 ]
	[ "$("$QBIN/mailq" -o 08w | wc -l)" = 0 ]
	[ "$("$QBIN/mailq" -o 00s | wc -l)" = 2 ]
}

@test "an id that is not there is told, and others are worked on; so is one that is held" {
	message s@example.org b@later.example
	pass
	code=0
	tool hold 1795000000.00000000000000ab "$qid" >"$WORK/did" 2>"$WORK/said" || code=$?
	[ "$code" = 67 ]
	[ "$(cat "$WORK/did")" = "$qid" ]
	[ "$(cat "$WORK/said")" = "queue hold: 1795000000.00000000000000ab: not among the messages chosen, or not in the queue" ]
	code=0
	tool delete -d other.example "$qid" 2>"$WORK/said" || code=$?
	[ "$code" = 67 ]
	grep -q "^queue delete: $qid: not among" "$WORK/said"
	[ -e "$SPOOL/hold/$name" ]
	[ -z "$(tool retry "$qid" 2>"$WORK/said")" ]
	grep -q "^queue retry: $qid: it is held" "$WORK/said"
	[ "$(tool release "$name")" = "$qid" ]
}

@test "patterns together, a sender's domain, and addresses with a backslash" {
	message '"a\\b"@one.example' b@later.example
	one=$qid
	message x@one.example c@later.example
	two=$qid
	message x@two.example '"c\"d"@later.example'
	three=$qid
	sed -i 's/^team:.*/team: \\alice/' "$CONTROL/aliases"
	sed -i 's,^alice.*,alice@example.test:example.test/alice::10,' "$CONTROL/users"
	message x@three.example team@example.test
	pass
	[ "$("$QBIN/mailq" -f @One.example | cut -f 1 | sort | tr '\n' ' ')" = "$(printf '%s\n' "$one" "$two" | sort | tr '\n' ' ')" ]
	[ "$("$QBIN/mailq" -f '"a\\b"@one.example' | cut -f 1)" = "$one" ]
	[ "$("$QBIN/mailq" -r '"c\"d"@later.example' | cut -f 1)" = "$three" ]
	[ "$("$QBIN/mailq" -r alice@example.test | cut -f 8)" = '\alice@example.test' ]
	[ "$(tool hold -f @one.example -d later.example -m 'try later' -o 0s -r c@later.example)" = "$two" ]
	[ -z "$(tool hold -f @one.example -d later.example -m 'no such text')" ]
	[ "$("$QBIN/mailq" | grep -c '	held	')" = 1 ]
}

@test "posthouse queue --for: what the scheduler says it will do" {
	at 1795000000
	ARRIVAL=1795000000 message s@example.org b@later.example
	pass
	"$QBIN/queue" --for 6h >"$WORK/plan"
	[ "$(cut -f 3-5 "$WORK/plan" | head -n 1)" = "2	try	b@later.example" ]
	tool --for 6h | diff "$WORK/plan" -
	tool --for=6h | diff "$WORK/plan" -
	POSTHOUSE=/nonexistent tool -C "$CONTROL" --for 6h | diff "$WORK/plan" -
	code=0
	tool --for 6x 2>"$WORK/said" || code=$?
	[ "$code" = 64 ]
}

@test "hold, release, retry and delete of many messages are few processes" {
	need strace strace
	[ -z "${SANITIZED-}" ] || skip "the calls are the same"
	at 1795000000
	local first count i verb
	processes() { # VERB: how many it starts for all
		strace -f -qq -o "$WORK/trace" -e trace=execve env POSTHOUSE_LIBEXEC="$QBIN" sh "$BIN/posthouse" queue "$1" -a >"$WORK/did"
		grep -c 'execve(.* = 0' "$WORK/trace"
	}
	worked() { # VERB N: on all of N, in few processes
		count=$(processes "$1")
		echo "$1 of $2: $count processes"
		[ "$(sort -u "$WORK/did" | wc -l)" = "$2" ]
		[ "$count" -le 20 ]
	}
	ARRIVAL=1795000000 message alice@example.test b@later.example
	first=$name
	for ((i = 1; i < 250; i++)); do
		cp -p "$SPOOL/new/$first" "$SPOOL/new/1795000000.$(printf %016x "$i")${first#"$qid"}"
	done
	pass
	[ "$(ls "$SPOOL/cur" | wc -l)" = 250 ]
	[ "$(ls "$SPOOL/state" | wc -l)" = 250 ]
	find "$SPOOL/cur" -type f -newermt @1795000000 >"$WORK/later"
	[ "$(wc -l <"$WORK/later")" = 250 ]
	worked retry 250
	[ -z "$(find "$SPOOL/cur" -type f -newermt @1795000000)" ]
	worked hold 250
	[ "$(ls "$SPOOL/hold" | wc -l)" = 250 ]
	worked release 250
	[ "$(ls "$SPOOL/cur" | wc -l)" = 250 ]
	worked delete 250
	spool_is_empty
}

@test "delete takes the message before its state, wherever the message has gone meanwhile" {
	need strace strace
	[ -z "${SANITIZED-}" ] || skip "the calls are the same"
	at 1795000000
	ARRIVAL=1795000000 message alice@example.test b@later.example bob@example.test
	pass
	[ -e "$SPOOL/state/$name" ]
	(cd "$SPOOL" && echo "new/$name" | strace -qq -o "$WORK/trace" -e trace=unlink,unlinkat "$BIN/admin" queue delete)
	[ "$(grep -o '"[a-z]*/' "$WORK/trace" | tr -d '"\n')" = new/cur/hold/state/ ]
	spool_is_empty
	# Held while it was still in new when it was listed.
	ARRIVAL=1795000000 message alice@example.test b@later.example
	pass
	(cd "$SPOOL" && echo "new/$name" | "$BIN/admin" queue hold) >"$WORK/did"
	[ "$(cat "$WORK/did")" = "$qid" ]
	[ -e "$SPOOL/hold/$name" ]
	# One that cannot be removed keeps its state, and so does what is none of the queue's files.
	mkdir "$SPOOL/cur/$name"
	echo x >"$SPOOL/state/$name"
	code=0
	(cd "$SPOOL" && printf '%s\n' "cur/$name" "state/$name" "cur/../state/$name" "tmp/1.a" | "$BIN/admin" queue delete) \
	    >"$WORK/did" 2>"$WORK/said" || code=$?
	[ "$code" = 74 ]
	[ ! -s "$WORK/did" ]
	[ "$(grep -c 'this is no file of the queue' "$WORK/said")" = 3 ]
	[ -e "$SPOOL/state/$name" ]
	rmdir "$SPOOL/cur/$name"
}

@test "mailq of tried messages with several recipients starts nothing for each" {
	need strace strace
	[ -z "${SANITIZED-}" ] || skip "the calls are the same"
	at 1795000000
	ARRIVAL=1795000000 message alice@example.test b@later.example c@later.example
	pass
	strace -f -qq -o "$WORK/trace" -e trace=execve "$QBIN/mailq" >"$WORK/did"
	[ "$(wc -l <"$WORK/did")" = 2 ]
	not grep -q 'execve.*"tail".* = 0' <(grep -v '"-n", "1"' "$WORK/trace")
}
