# imap_hosts.bats: one Maildir on a file system that two hosts have mounted: no inotify tells what the other does, and attributes are
# remembered for a second.  The hosts are two FUSE mounts of one tree; locks are passed on (t/data/ofdlock.c), as NFS does.
#
# IMAP_HOSTS_STEPS (default 150): of the model test.
# shellcheck shell=bash disable=SC2154

load helper
load imap

setup() {
	need_root
	need python3 python3
	need bindfs bindfs
	[ -c /dev/fuse ] || skip "NOT TESTED: no /dev/fuse"
	D=$(private_dir)
	mkdir -p "$D"/{real/box/{cur,new,tmp},a,b}
	control_dir 'poll-interval 1s'
	printf '#!/bin/sh\nexec %s/imapd -C %s "$@"\n' "$BIN" "$CTL" >"$D/imapd"
	chmod +x "$D/imapd"
}
teardown() {
	local m
	for m in a b; do
		! mountpoint -q "$D/$m" || umount "$D/$m" || umount -l "$D/$m"
	done
	rm -rf "$D"
}

# mounts SECONDS [NONE]: both, remembering names and attributes so long, and what there is not.
mounts() {
	local m
	cc -D_GNU_SOURCE -shared -fPIC -o "$D/ofdlock.so" "$ROOT/t/data/ofdlock.c"
	for m in a b; do
		LD_PRELOAD=$D/ofdlock.so timeout 120 bindfs --enable-lock-forwarding --multithreaded \
		    -o "attr_timeout=$1,entry_timeout=$1,negative_timeout=${2-$1}" "$D/real" "$D/$m" 3>&- ||
		    skip "NOT TESTED: bindfs does not work here"
	done
}

@test "four sessions on two hosts, and foreign programs on a third: every response is what the model says" {
	mounts 0
	IMAP_MODEL_ROOTS=$D/a/box:$D/b/box timeout $((300 + ${IMAP_HOSTS_STEPS:-150} * 2)) \
	    python3 "$ROOT/t/imap_model.py" "$D/imapd" "$D/real/box" "${IMAP_HOSTS_STEPS:-150}" "${IMAP_MODEL_SEED:-1}"
}

@test "two hosts append at once: every UID once; IDLE tells what the other host does" {
	mounts 1
	timeout 300 python3 - "$D/imapd" "$D/a/box" "$D/b/box" <<-'P'
	import re, subprocess, sys, threading, time
	class S:
	    def __init__(self, root):
	        self.p = subprocess.Popen([sys.argv[1], root], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
	        self.out = []
	        self.line()
	    def line(self):
	        got = self.p.stdout.readline().decode()
	        assert got.endswith('\r\n'), (got, self.out[-5:])
	        self.out.append(got)
	        return got
	    def send(self, text):
	        self.p.stdin.write(text.encode() + b'\r\n')
	        self.p.stdin.flush()
	    def cmd(self, text):
	        self.send('t ' + text)
	        del self.out[:]
	        while not self.line().startswith('t '):
	            pass
	        assert self.out[-1].startswith('t OK'), self.out
	        return self.out
	a, b, c, d = S(sys.argv[2]), S(sys.argv[3]), S(sys.argv[2]), S(sys.argv[3])
	got = {}
	def append(s, n):
	    for _ in range(n):
	        uid = int(re.search(r'APPENDUID \d+ (\d+)', s.cmd('APPEND INBOX {5+}\r\na: b\n')[-1]).group(1))
	        assert uid not in got, uid
	        got[uid] = s
	for s in (a, b):
	    s.cmd('SELECT INBOX')
	threads = [threading.Thread(target=append, args=(s, 40)) for s in (a, b, c, d)]
	for t in threads:
	    t.start()
	for t in threads:
	    t.join()
	assert sorted(got) == list(range(1, 161)), sorted(got)
	def sees(s, command, want):
	    end = time.monotonic() + 120
	    while True:
	        out = s.cmd(command)
	        if any(re.search(want, x) for x in out):
	            return
	        assert time.monotonic() < end, (command, want, out[:5])
	        time.sleep(0.2)
	for s in (a, b):
	    sees(s, 'UID SEARCH RETURN (ALL COUNT) ALL', r'COUNT 160 ALL 1:160|ALL 1:160 COUNT 160')
	def idle(s, do, *wants):
	    s.send('i IDLE')
	    while not s.line().startswith('+'):
	        pass
	    do()
	    for want in wants:
	        end = time.monotonic() + 120
	        while not re.search(want, s.line()):
	            assert time.monotonic() < end
	    s.send('DONE')
	    while not s.line().startswith('i OK'):
	        pass
	idle(a, lambda: b.cmd('APPEND INBOX {5+}\r\na: b\n'), r'^\* 161 EXISTS')
	idle(b, lambda: a.cmd('STORE 3 +FLAGS (\\Flagged $Work)'), r'^\* 3 FETCH .*\\Flagged \$Work')
	idle(a, lambda: (b.cmd('STORE 7:9 +FLAGS (\\Deleted)'), b.cmd('EXPUNGE')), r'^\* 9 EXPUNGE|^\* 7 EXPUNGE')
	for s in (a, b):
	    sees(s, 'UID SEARCH RETURN (COUNT) ALL', r'COUNT 158')
	assert b.cmd('STATUS INBOX (UIDNEXT)')[0].strip() == '* STATUS INBOX (UIDNEXT 162)', b.out
	for s in (a, b, c, d):
	    s.p.stdin.close()
	    s.p.stdout.read()
	    assert s.p.wait(120) == 0
	P
}

@test "a host that remembers that there were no lists makes none in place of the other's" {
	local h out
	mounts 0 600
	printf 'A: b\n\nx\n' >"$D/real/box/new/1.x"
	for h in a b; do	# now the kernel remembers, for both
		[ ! -e "$D/$h/box/posthouse.uids" ]
		[ ! -e "$D/$h/box/posthouse.keywords" ]
	done
	for h in a b; do
		out=$(printf 'a SELECT INBOX\r\na STORE 1 +FLAGS (%s)\r\na APPEND INBOX {1+}\r\nx\r\n' "\$$h" | timeout 120 "$D/imapd" "$D/$h/box")
		grep -o 'UIDVALIDITY [0-9]*' <<<"$out" >>"$D/validity"
		grep -o 'APPENDUID .*]' <<<"$out" | cut -d ' ' -f 3 >>"$D/uid"
	done
	[ "$(wc -l <"$D/validity")" = 2 ]
	[ "$(sort -u "$D/validity" | wc -l)" = 1 ] || { cat "$D/validity"; return 1; }
	[ "$(tr '\n' ' ' <"$D/uid")" = '2] 3] ' ]
	[ "$(cat "$D/real/box/posthouse.keywords")" = $'$a\n$b' ]
}
