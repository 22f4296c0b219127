# imap_sync.bats: two clients in two-way sync while a third session works, and readers of the Maildir itself at the same time.
#
# IMAP_SYNC_SECONDS (default 10): how long the sync goes on.
# shellcheck shell=bash disable=SC2154,SC2034

load helper
load clients

setup() { empty_box; }

# sync SIDE, as mbsync_config has made it.
sync() { timeout 300 mbsync -c "$HOME/$1.rc" -a -V >"$HOME/$1.log" 2>&1; }

# content DIR: subject and flags of every message.
content() {
	local file
	find "$1" -type f \( -path '*/cur/*' -o -path '*/new/*' \) ! -name '.*' | while read -r file; do
		printf '%s %s\n' "$(sed -n 's/^Subject: //p;/^$/q' "$file" | tr -d '\r')" "$(sed -n 's/.*:2,[^FRS]*\([FRS]*\).*/\1/p' <<<"$file")"
	done | sort
}

# third SECONDS: appends, deletes and flags over IMAP all that time.
third() {
	python3 - "$IMAP_PORT" "$1" <<-'P'
	import imaplib, random, sys, time
	m = imaplib.IMAP4("127.0.0.1", int(sys.argv[1]), timeout=120)
	m.login("alice@example.test", "secret")
	m.select()
	r, end, k = random.Random(1), time.monotonic() + float(sys.argv[2]), 0
	while time.monotonic() < end or k < 10:
	    k += 1
	    m.append("INBOX", r.choice([None, r"(\Seen)"]), None, b"Subject: third %d\r\nMessage-ID: <t%d@example.org>\r\n\r\nx\r\n" % (k, k))
	    uids = m.uid("SEARCH", "ALL")[1][0].split()
	    for what in r.sample([r"(\Flagged)", r"(\Seen)", r"(\Deleted)"], 2):
	        if uids:
	            assert m.uid("STORE", r.choice(uids), "+FLAGS.SILENT", what)[0] in ("OK", "NO")
	    if k % 3 == 0:
	        assert m.expunge()[0] == "OK"
	    time.sleep(0.05)
	m.logout()
	P
}

# local_work SIDE N: the client's own user deletes one message and writes another.
local_work() {
	local file
	file=$(find "$HOME/$1/INBOX/cur" -type f 2>/dev/null | sort | sed -n "$(($2 % 7 + 1))p")
	[ -z "$file" ] || rm -f "$file"
	printf 'Subject: %s %s\nMessage-ID: <%s.%s@example.org>\n\nx\n' "$1" "$2" "$1" "$2" >"$HOME/$1/INBOX/new/17000$2.$1.h"
}

# syncing SECONDS [CMD]: both sides in turn, each with its own changes, CMD after each.
syncing() {
	local end=$((SECONDS + $1)) n=0 side
	while ((SECONDS < end || n < 2)); do
		n=$((n + 1))
		for side in one two; do
			local_work $side $n
			sync $side || true	# a message that the third has just deleted is a warning
			"${2:-true}"
		done
	done
}

# same: after what is left to sync, all three hold the same.
same() {
	local side round
	for round in 1 2 3; do
		for side in one two; do sync $side || { cat "$HOME/$side.log"; return 1; }; done
	done
	content "$BOX" >"$HOME/content"
	content "$HOME/one/INBOX" | diff "$HOME/content" -
	content "$HOME/two/INBOX" | diff "$HOME/content" -
	[ "$(cut -d ' ' -f 1,2 "$HOME/content" | uniq -d)" = "" ]	# nothing twice
	[ -s "$HOME/content" ]
}

@test "mbsync both ways from two sides while a third appends, flags and deletes: equal content everywhere" {
	need mbsync isync
	need python3 python3
	mbsync_config one
	mbsync_config two
	sync one
	sync two
	third "${IMAP_SYNC_SECONDS:-10}" 3>&- &
	syncing "${IMAP_SYNC_SECONDS:-10}"
	wait $!
	same
}

# no_caches: one may have been given its name, or taken away, by its session since it was found.
no_caches() { find "$BOX" -ignore_readdir_race -name '*cache*' -exec rm -f {} +; }

@test "every cache deleted again and again during a sync: nothing changes for the client" {
	need mbsync isync
	need python3 python3
	mbsync_config one
	mbsync_config two
	sync one
	sync two
	third 4 3>&- &
	syncing 4 no_caches
	wait $!
	same
}

uids() {
	printf 'a SELECT INBOX\r\nb UID FETCH 1:* (FLAGS)\r\n' | "$BIN/imapd" "$1" 2>/dev/null | tr -d '\r' |
	    grep -E 'UIDVALIDITY|UIDNEXT|FETCH \('
}

@test "restored from tar: UIDVALIDITY and UIDs are kept, and mbsync moves nothing" {
	need mbsync isync
	mbsync_config one
	for i in 1 2 3 4 5; do printf 'Subject: m%s\n\nx\n' $i >"$BOX/new/170000000$i.a.b"; done
	own "$BOX"
	sync one
	rm "$(find "$BOX/new" "$BOX/cur" -name '1700000002*')"
	sync one
	await 20 sessions_gone
	uids "$BOX" >"$HOME/before"
	(cd "$BOX" && tar cf "$HOME/backup.tar" --exclude='*cache*' .)
	find "$BOX" -mindepth 1 -delete
	(cd "$BOX" && tar xf "$HOME/backup.tar")
	own "$BOX"
	uids "$BOX" | diff "$HOME/before" -
	[ "$(grep -c FETCH "$HOME/before")" = 4 ]
	near=$(find "$HOME/one" -type f ! -name '.*' | sort)
	sync one
	[ "$near" = "$(find "$HOME/one" -type f ! -name '.*' | sort)" ]
}

@test "mblaze on the Maildir while an IMAP session has it open" {
	need mflag mblaze
	need python3 python3
	for i in 1 2 3 4 5 6; do printf 'From: a@example.org\nSubject: m%s\nDate: Sun, 22 Nov 2026 00:00:0%s +0000\n\nbody %s\n' $i $i $i >"$BOX/new/170000000$i.a.b"; done
	own "$BOX"
	python3 - "$IMAP_PORT" "$HOME" <<-'P' 3>&- &
	import imaplib, os, sys, time
	m = imaplib.IMAP4("127.0.0.1", int(sys.argv[1]), timeout=120)
	m.login("alice@example.test", "secret")
	assert m.select()[1] == [b"6"]
	n = 0
	def step(want):
	    global n
	    n, end = n + 1, time.monotonic() + 300
	    open("%s/ready.%d" % (sys.argv[2], n), "w").close()
	    while not os.path.exists("%s/go.%d" % (sys.argv[2], n)):
	        assert time.monotonic() < end
	        time.sleep(0.02)
	    assert m.noop()[0] == "OK"
	    m.response("FETCH")
	    got = [x.decode() for x in m.fetch("1:*", "(UID FLAGS)")[1] if x]
	    for uid, flag, there in want:
	        line = [x for x in got if "(UID %d " % uid in x]
	        assert bool(line) == (flag is not None), (uid, got)
	        assert flag is None or (flag in line[0]) == there, (uid, flag, got)
	step([(1, "Seen", True), (2, "Seen", True), (3, "Seen", False)])
	step([(3, "Flagged", True), (4, "Seen", True)])
	m.logout()
	P
	client=$!
	await 20 test -e "$HOME/ready.1"
	minc "$BOX" >/dev/null
	mflag -S "$(find "$BOX" -name '1700000001*')" "$(find "$BOX" -name '1700000002*')"
	: >"$HOME/go.1"
	await 20 test -e "$HOME/ready.2"
	mflag -F "$(find "$BOX" -name '1700000003*')"
	mflag -S "$(find "$BOX" -name '1700000004*')"
	: >"$HOME/go.2"
	wait $client
	[ "$(messages "$BOX")" = 6 ]
}
