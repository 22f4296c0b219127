# kill.bats: kill -9 of queue and of each of its workers at random, while many messages go to 50 users and 20 destinations: every
# message arrives, none twice in a mailbox, and twice at another host only where its reply was lost, which the log says.
# KILL_MESSAGES sets how many; make kills runs it with 10,000.
# shellcheck shell=bash disable=SC2154

load helper
load queue

setup() {
	need python3 python3
	site <<-END
		retry-first 1s
		retry-max 2s
		delay-warning 0
		connection-reuse 1s
	END
	cp "$BIN/deliver-remote" "$QBIN/deliver-remote"
	python3 "$ROOT/t/countsink.py" -l 1 "$WORK/taken" >"$WORK/port" 3>&- &
	sink=$!
	await 10 test -s "$WORK/port"
	for ((i = 0; i < 20; i++)); do
		echo "d$i.example [127.0.0.1]:$(cat "$WORK/port") tls=none"
	done >"$CONTROL/routes"
	for ((i = 0; i < 50; i++)); do
		echo "u$i@example.test:example.test/u$i"
	done >"$CONTROL/users"
	echo "mixed: u1, u2, list@d1.example, list@d2.example" >"$CONTROL/aliases"
}

teardown() {
	kill "$sink"
	cleanup_site
}

# feed COUNT: messages with one recipient here or there, several of both, and an alias; what should arrive is in $WORK/want.
feed() {
	python3 - "$SPOOL" "$WORK/want" "$1" "$(id -u)" <<-'END'
		import os, random, sys, time
		spool, want, count, uid = sys.argv[1], open(sys.argv[2], "w"), int(sys.argv[3]), int(sys.argv[4])
		for i in range(count):
		    user, dest = f"u{random.randrange(50)}@example.test", f"x@d{random.randrange(20)}.example"
		    kind = i % 4
		    rcpts = [[user], [dest], [user, dest, f"u{i % 50}@example.test", f"y@d{i % 20}.example"],
		        ["mixed@example.test"]][kind]
		    final = sorted(set(rcpts)) if kind < 3 else ["u1@example.test", "u2@example.test", "list@d1.example",
		        "list@d2.example"]
		    text = "Return-Path: <s@example.org>\n" + "".join(f"Delivered-To: {r}\n" for r in rcpts)
		    text += f"Received: by mx; Sun, 22 Nov 2026 00:00:00 +0000\nX-Id: m{i}\nSubject: x\n\nbody {i}\n"
		    qid = f"{int(time.time())}.{random.getrandbits(64):016x}"
		    tmp, name = f"{spool}/tmp/{qid}", f"{qid}.mx.example.test,S={len(text)},W={len(text) + text.count(chr(10))}"
		    with open(tmp, "w") as f:
		        f.write(text)
		    os.chmod(tmp, 0o640)
		    if uid == 0:
		        os.chown(tmp, 64001, 64007)
		    os.rename(tmp, f"{spool}/new/{name}")
		    want.write("".join(f"m{i} {r} {qid}\n" for r in final))
	END
}

# murder: kills one of them, the supervisor now and then, and starts all again.
murder() {
	local victims
	mapfile -t victims < <(echo "$queue"; children "$queue")
	kill -9 "${victims[RANDOM % ${#victims[@]}]}" 2>/dev/null || :
	sleep "0.0$((RANDOM % 10))"
	if ((RANDOM % 2)); then kill -9 "$queue" 2>/dev/null || :; else kill "$queue" 2>/dev/null || :; fi
	wait "$queue" 2>/dev/null || :
}

settled() { [ -z "$(find "$SPOOL/new" "$SPOOL/cur" -type f -print -quit)" ]; }

# arrived: "ID ADDRESS" for each copy in a mailbox, and each that the other hosts took.
arrived() {
	(cd "$MAIL/example.test" && grep -r '^X-Id: ' --include='*,S=*' . || :) |
	    sed -n 's|^\./\(u[0-9]*\)/.*X-Id: \(.*\)|\2 \1@example.test|p'
	cat "$WORK/taken"
}

@test "kill -9 at random: nothing is lost, nothing comes twice but where a reply was lost" {
	local count=${KILL_MESSAGES:-400} kills=0 end
	feed "$count"
	end=$((SECONDS + 600 + count / 2))
	until settled; do
		[ "$SECONDS" -lt "$end" ]
		start_queue
		# At first so short that no machine is done before; longer and longer, where it is slow.
		sleep "$((kills / 20)).$((kills < 3 ? 0 : RANDOM % 5))$((RANDOM % 9 + 1))"
		if settled; then break; fi
		murder
		kills=$((kills + 1))
	done
	await 60 settled
	end "$queue" 2>/dev/null
	queue=
	pass	# of the last message killed at its end the state is left, until the next look
	echo "# $count messages, $kills kills, $(grep -c 'not sent again' "$WORK/log" || :) saved by sent/" >&3
	cut -d ' ' -f 1,2 "$WORK/want" | sort >"$WORK/expected"
	arrived | sort >"$WORK/got"
	sort -u "$WORK/got" | diff "$WORK/expected" - # every one, and nobody else
	uniq -d "$WORK/got" >"$WORK/twice"
	not grep -q '@example.test$' "$WORK/twice"
	while read -r id addr; do
		qid=$(sed -n "s/^$id $addr //p" "$WORK/want")
		logged "qid=$qid .*may arrive twice"
	done <"$WORK/twice"
	[ -z "$(ls "$SPOOL/state")" ]
	[ "$kills" -ge 3 ]
}
