# imap_long.bats: commands over many messages: signs of life (RFC 9585).
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
	        f.write('From: a@example.org\nSubject: %d\n\n%s\n' % (k, 'body text ' * 200))
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
	for tag, text, goal in (('b1', 'SEARCH BODY "not there"', 3000), ('b2', 'UID SORT (SUBJECT) UTF-8 BODY "not there"', 3000),
	                        ('b3', 'THREAD REFERENCES UTF-8 BODY "not there"', 3000), ('b4', 'COPY 1:* Other', 3000)):
	    told, seconds = cmd(tag, text, 2)
	    if seconds > 60:
	        assert told, (text, seconds)
	    assert len(told) <= seconds // 10, (told, seconds)
	    counts = []
	    for line in told:
	        m = re.fullmatch(r'\* OK \[INPROGRESS \("%s" (\d+) %d\)\] Still working\r\n' % (tag, goal), line)
	        assert m, line
	        counts.append(int(m.group(1)))
	    assert counts == sorted(counts) and all(c < goal for c in counts), counts
	    if tag == 'b1':
	        assert counts, seconds
	told, _ = cmd('x]y', 'COPY 1:* Other', 50)
	assert told and all('[INPROGRESS (NIL ' in x for x in told), told
	told, _ = cmd('c', 'COPY 1:* Other', 0)	# the clock stands still
	assert told == [], told
	P
}
