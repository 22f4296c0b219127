# imap_long.bats: commands over many messages: signs of life (RFC 9585) and limits (RFC 9738).
# shellcheck shell=bash disable=SC2154

load helper
load imap

setup() {
	need python3 python3
	mbox_dir
}

# many N: so many messages.
many() {
	python3 - "$M" "$1" <<-'P'
	import sys
	for k in range(int(sys.argv[2])):
	    with open('%s/new/1600000000.%d.host' % (sys.argv[1], k), 'w') as f:
	        f.write('From: a@example.org\nSubject: %d\n\n%s\n' % (k, 'abc bcd text ' * 150))
	P
}

@test "INPROGRESS: every ten seconds of the clock that was given, with tag, count and goal" {
	many 3000
	python3 - "$BIN/imapd" "$M" "$BATS_TEST_TMPDIR/clock" <<-'P'
	import os, re, subprocess, sys, threading, time
	fd = os.open(sys.argv[3], os.O_RDWR | os.O_CREAT)
	now = [1800000000]
	def tick(n):
	    now[0] += n
	    os.pwrite(fd, b'%010d' % now[0], 0)
	tick(0)
	p = subprocess.Popen([sys.argv[1], sys.argv[2]], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
	                     env=dict(os.environ, POSTHOUSE_CLOCK=sys.argv[3]))
	p.stdout.readline()
	def cmd(tag, text, step):
	    """Runs it with a clock that goes on by step seconds every millisecond: what was told, and the seconds."""
	    began, stop = now[0], threading.Event()
	    def run():
	        while not stop.is_set():
	            tick(step)
	            time.sleep(0.001)
	    t = threading.Thread(target=run)
	    t.start()
	    p.stdin.write(('%s %s\r\n' % (tag, text)).encode())
	    p.stdin.flush()
	    told = []
	    while True:
	        line = p.stdout.readline().decode()
	        assert line, 'gone'
	        if line.startswith(tag + ' '):
	            break
	        if 'INPROGRESS' in line:
	            told.append(line)
	    stop.set()
	    t.join()
	    assert line.split()[1] == 'OK', line
	    return told, now[0] - began
	cmd('a', 'SELECT INBOX', 0)
	cmd('m', 'CREATE Other', 0)
	# "abcd": its sequences of three bytes are in every message, so that each is read, each time.
	for tag, text, step in (('b1', 'SEARCH BODY abcd', 2), ('b2', 'UID SORT (SUBJECT) UTF-8 BODY abcd', 2),
	                        ('b3', 'THREAD REFERENCES UTF-8 BODY abcd', 2), ('b4', 'COPY 1:* Other', 2),
	                        ('x]y', 'COPY 1:* Other', 50)):
	    told, end = [], time.monotonic() + 120
	    while not told:	# the clock's thread must have had its turn
	        assert time.monotonic() < end, (text, seconds)
	        told, seconds = cmd(tag, text, step)
	    assert len(told) <= seconds // 10, (told, seconds)
	    counts = []
	    for line in told:
	        m = re.fullmatch(r'\* OK \[INPROGRESS \((\S+) (\d+) 3000\)\] Still working\r\n', line)
	        assert m, line
	        assert m.group(1) == ('NIL' if ']' in tag else '"%s"' % tag), line
	        counts.append(int(m.group(2)))
	    assert counts == sorted(counts) and all(c < 3000 for c in counts), counts
	told, _ = cmd('c', 'COPY 1:* Other', 0)	# the clock stands still
	assert told == [], told
	p.stdin.close()
	assert p.wait(120) == 0
	P
}

# limited SETTING...: twelve messages, and a control directory with these settings.
limited() {
	local k
	for k in 01 02 03 04 05 06 07 08 09 10 11 12; do
		printf 'Subject: %s\n\nbody\n' "$k" >"$M/new/16000000$k.$k.host"
	done
	control_dir "$@"
}

@test "MESSAGELIMIT: FETCH, SEARCH and STORE deal with the newest, and say down to which" {
	limited "imap-message-limit 5"
	run talk -C "$CTL" <<-'S'
	a CAPABILITY
	b SELECT INBOX
	c FETCH 1:* UID
	d FETCH 8:* UID
	e UID FETCH 3:9 FLAGS
	f SEARCH ALL
	g UID SEARCH UID 2:9 UNDELETED
	h UID SEARCH UID 2:6 UNDELETED
	i STORE 1:10 +FLAGS.SILENT (\Flagged)
	j SEARCH FLAGGED
	k UID SEARCH RETURN (COUNT) UID 1:5 FLAGGED
	l UID FETCH 1:12 FLAGS (PARTIAL 1:6)
	m UID FETCH 1:12 FLAGS (PARTIAL -1:-2)
	n SEARCH RETURN (SAVE) ALL
	o FETCH $ UID
	p ESEARCH IN (personal) ALL
	S
	has '\* CAPABILITY .* MESSAGELIMIT=5( .*)?' 'c OK \[MESSAGELIMIT 5 8\] .*' 'd OK Fetch completed' 'e OK \[MESSAGELIMIT 5 5\] .*'
	[ "$(sed -n '/^c OK/q; s/^\* \([0-9]*\) FETCH.*/\1/p' <<<"$output" | tr '\n' ' ')" = "12 11 10 9 8 " ]
	[ "$(sed -n '1,/^d OK/d; /^e OK/q; s/^\* \([0-9]*\) FETCH.*/\1/p' <<<"$output" | tr '\n' ' ')" = "9 8 7 6 5 " ]
	has '\* SEARCH 8 9 10 11 12' 'f OK \[MESSAGELIMIT 5 8\].*' '\* SEARCH 5 6 7 8 9' 'g OK \[MESSAGELIMIT 5 5\] .*' '\* SEARCH 2 3 4 5 6' 'h OK Search.*'
	has 'i OK \[MESSAGELIMIT 5 6\] .*' '\* SEARCH 8 9 10' 'j OK \[MESSAGELIMIT 5 8\] .*' '\* ESEARCH \(TAG "k"\) UID COUNT 0' 'k OK Search.*'
	has 'l NO \[MESSAGELIMIT 5\] .*' 'm OK Fetch completed' 'n OK \[MESSAGELIMIT 5 8\] .*' 'o OK Fetch completed' 'p OK \[MESSAGELIMIT 5\] .*'
	[ "$(sed -n '1,/^n OK/d; /^o OK/q; p' <<<"$output" | wc -l)" = 5 ]
	run talk <<<"a CAPABILITY"
	hasnot '.*MESSAGELIMIT.*'
}

@test "MESSAGELIMIT: COPY and APPEND are refused whole, MOVE and UID EXPUNGE take the newest, EXPUNGE all" {
	limited "imap-message-limit 5"
	run talk -C "$CTL" <<-'S'
	a CREATE Other
	b SELECT INBOX
	c COPY 1:6 Other
	d STATUS Other (MESSAGES)
	e UID MOVE 1:7 Other
	f STATUS Other (MESSAGES)
	g STORE 1:4 +FLAGS.SILENT (\Deleted)
	h UID STORE 11:12 +FLAGS.SILENT (\Deleted)
	i UID EXPUNGE 1:*
	j EXPUNGE
	k APPEND Other {1+}
	x {1+}
	x {1+}
	x {1+}
	x {1+}
	x {1+}
	x
	l STATUS Other (MESSAGES)
	S
	has 'c NO \[MESSAGELIMIT 5 2\] .*' '\* STATUS Other \(MESSAGES 0\)' '\* OK \[COPYUID [0-9]+ 3:7 1:5\] .*' 'e OK \[MESSAGELIMIT 5 3\] .*' \
	    'g OK .*' 'h OK .*' 'i OK \[MESSAGELIMIT 5 2\] .*' 'j OK Expunge completed' 'k NO \[MESSAGELIMIT 5\] .*'
	[ "$(grep -c '^\* STATUS Other (MESSAGES 5)$' <<<"$output")" = 2 ]
	[ "$(sed -n '1,/^h OK/d; /^i OK/q; p' <<<"$output" | grep -c EXPUNGE)" = 5 ]
	[ "$(sed -n '1,/^i OK/d; /^j OK/q; p' <<<"$output" | grep -c EXPUNGE)" = 1 ]
}

@test "UIDAFTER and UIDBEFORE, at their ends too" {
	limited
	run talk <<-'S'
	a SELECT INBOX
	b SEARCH UIDAFTER 10
	c SEARCH UIDAFTER 12
	d SEARCH UIDBEFORE 1
	e SEARCH UIDBEFORE 3
	f SEARCH UIDAFTER 4294967295
	g SEARCH NOT UIDAFTER 2
	h SEARCH UIDAFTER 0
	S
	has '\* SEARCH 11 12' '\* SEARCH 1 2' 'h BAD .*'
	[ "$(grep -c '^\* SEARCH$' <<<"$output")" = 3 ]
	[ "$(grep -c '^\* SEARCH 1 2$' <<<"$output")" = 2 ]
}
