#!/usr/bin/env python3
"""Several imapd sessions over one Maildir at the same time: imap_sessions.py IMAPD MAILDIR TEST [WORDS FOR IMAPD...].

Each test is a function below; it raises when the server does not do what RFC 3501 and the extensions say.
"""
import os
import re
import select
import socket
import subprocess
import sys
import time

IMAPD, ROOT = [sys.argv[1]] + sys.argv[4:], sys.argv[2]
COUNTER = [0]
PRESENT = sum(len(os.listdir(os.path.join(ROOT, d))) for d in ('cur', 'new'))


class Imap:
    """One pre-authenticated session on a pipe or a socket."""
    all = []

    def __init__(self, sock=False):
        self.all.append(self)
        self.sock = None
        if sock:
            ours, theirs = socket.socketpair()
            self.proc = subprocess.Popen(IMAPD + [ROOT], stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL)
            theirs.close()
            self.sock = ours
            self.fin = self.fout = ours.fileno()
        else:
            self.proc = subprocess.Popen(IMAPD + [ROOT], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.DEVNULL)
            self.fin, self.fout = self.proc.stdout.fileno(), self.proc.stdin.fileno()
        self.buf = b''
        self.n = 0
        assert self.line().startswith(b'* PREAUTH')

    def line(self, timeout=120.0):
        end = time.monotonic() + timeout
        while b'\r\n' not in self.buf:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.fin], [], [], left)[0]:
                raise TimeoutError(repr(self.buf))
            data = os.read(self.fin, 65536)
            if not data:
                raise EOFError(repr(self.buf))
            self.buf += data
        got, self.buf = self.buf.split(b'\r\n', 1)
        return got

    def send(self, data):
        os.write(self.fout, data)

    def cmd(self, text, want='OK'):
        """Sends a command; its untagged lines (no literals)."""
        self.n += 1
        tag = b't%d' % self.n
        self.send(tag + b' ' + text.encode() + b'\r\n')
        out = []
        while True:
            got = self.line()
            if got.startswith(tag + b' '):
                assert got.startswith(tag + b' ' + want.encode()), got
                self.tagged = got.decode()
                return out
            out.append(got.decode())

    def close(self):
        if self.sock:
            self.sock.close()
        else:
            self.proc.stdin.close()
            self.proc.stdout.close()
        return self.proc.wait(120)


def deliver(folder='', subject='x'):
    COUNTER[0] += 1
    name = '%d.%d_%d.test' % (time.time(), os.getpid(), COUNTER[0])
    base = os.path.join(ROOT, folder)
    with open(os.path.join(base, 'tmp', name), 'w') as f:
        f.write('From: a@example.org\nSubject: %s\n\nbody\n' % subject)
    os.rename(os.path.join(base, 'tmp', name), os.path.join(base, 'new', name))
    return name


def idle_sees_new_mail():
    """New mail is told at once, and so is what goes and what changes: a session that only polls, once an hour, is too late."""
    for sock in (False, True):
        a = Imap(sock)
        a.cmd('SELECT INBOX')
        a.send(b'i IDLE\r\n')
        assert a.line() == b'+ idling'
        for _ in range(5):
            deliver()
            while b'EXISTS' not in a.line():
                pass
        b = Imap()
        b.cmd('SELECT INBOX')
        b.cmd('STORE 1 +FLAGS (\\Flagged)')
        while b'FLAGS (\\Flagged' not in a.line():
            pass
        b.cmd('STORE 1 +FLAGS (\\Deleted)')
        b.cmd('EXPUNGE')
        while a.line() != b'* 1 EXPUNGE':
            pass
        a.send(b'DONE\r\nn NOOP\r\n')
        lines = []
        while not lines or not lines[-1].startswith(b'n OK'):
            lines.append(a.line())
        assert any(x.startswith(b'i OK') for x in lines), lines
        a.close()
        b.close()


def no_expunge_in_fetch():
    """FETCH, STORE and SEARCH by sequence number never tell EXPUNGE, and numbers stay what they were."""
    for _ in range(5):
        deliver()
    a, b = Imap(), Imap()
    a.cmd('SELECT INBOX')
    b.cmd('SELECT INBOX')
    b.cmd('STORE 2,4 +FLAGS.SILENT (\\Deleted)')
    b.cmd('EXPUNGE')
    out = a.cmd('FETCH 1:5 UID')
    assert not any('EXPUNGE' in x for x in out), out
    out = a.cmd('FETCH 5 UID')
    assert out[0] == '* 5 FETCH (UID 5)', out
    out = a.cmd('FETCH 1:5 UID', 'NO')
    assert 'EXPUNGEISSUED' in a.tagged
    assert out == ['* 1 FETCH (UID 1)', '* 3 FETCH (UID 3)', '* 5 FETCH (UID 5)'], out
    deliver()
    out = a.cmd('SEARCH ALL')
    assert '* 6 EXISTS' in out and not any('EXPUNGE' in x for x in out), out
    out = a.cmd('STORE 5 +FLAGS (\\Seen)')
    assert out == ['* 5 FETCH (FLAGS (\\Seen))'] or out == ['* 5 FETCH (FLAGS (\\Seen \\Recent))'], out
    out = a.cmd('SEARCH UNSEEN')
    assert out[0] == '* SEARCH 1 3 6', out
    out = a.cmd('NOOP')
    assert out == ['* 4 EXPUNGE', '* 2 EXPUNGE'], out
    out = a.cmd('FETCH 1:* UID')
    assert out == ['* 1 FETCH (UID 1)', '* 2 FETCH (UID 3)', '* 3 FETCH (UID 5)', '* 4 FETCH (UID 6)'], out
    a.close()
    b.close()


def uid_commands_expunge():
    """A UID command may tell EXPUNGE."""
    for _ in range(3):
        deliver()
    a, b = Imap(), Imap()
    a.cmd('SELECT INBOX')
    b.cmd('SELECT INBOX')
    b.cmd('STORE 1 +FLAGS.SILENT (\\Deleted)')
    b.cmd('EXPUNGE')
    a.cmd('UID FETCH 2 FLAGS')
    out = a.cmd('NOOP')
    more = a.cmd('FETCH 1:* UID')
    assert more == ['* 1 FETCH (UID 2)', '* 2 FETCH (UID 3)'], (out, more)
    a.close()
    b.close()


def foreign_changes():
    """A mail reader on the same Maildir renames and removes files."""
    names = [deliver() for _ in range(3)]
    a = Imap()
    a.cmd('SELECT INBOX')
    os.rename(f'{ROOT}/new/{names[0]}', f'{ROOT}/cur/{names[0]}:2,FS')
    os.unlink(f'{ROOT}/new/{names[2]}')
    deliver()
    out = a.cmd('NOOP')
    assert '* 3 EXPUNGE' in out and '* 3 EXISTS' in out, out
    assert any(re.fullmatch(r'\* 1 FETCH \(FLAGS \(\\Flagged \\Seen( \\Recent)?\)\)', x) for x in out), out
    a.close()


def modseq(line):
    return int(re.search(r'MODSEQ \((\d+)\)', line).group(1))


def condstore_race():
    """Two sessions change the same message on condition: one of them is told MODIFIED, and what is there now."""
    deliver()
    deliver()
    a, b = Imap(), Imap()
    for s in a, b:
        s.cmd('SELECT INBOX (CONDSTORE)')
    known = modseq(a.cmd('FETCH 1 MODSEQ')[0])
    out = a.cmd('STORE 1 (UNCHANGEDSINCE %d) +FLAGS.SILENT (\\Flagged)' % known)
    new = modseq(out[0])
    assert new > known and '[MODIFIED' not in a.tagged, out
    out = b.cmd('STORE 1:2 (UNCHANGEDSINCE %d) +FLAGS.SILENT (\\Answered)' % known)
    assert 'OK [MODIFIED 1]' in b.tagged, b.tagged
    flags = [x for x in out if x.startswith('* 1 FETCH (') and 'FLAGS (\\Flagged' in x]
    assert flags and modseq(flags[0]) == new, out
    assert not any('Answered' in x for x in out), out
    out = a.cmd('NOOP')
    assert any(x.startswith('* 2 FETCH') and '\\Answered' in x and modseq(x) > new for x in out), out
    a.close()
    b.close()


def qresync_two():
    """One session expunges, the other is told VANISHED, never a message that it did not know; then both agree."""
    for _ in range(6):
        deliver()
    a, b = Imap(), Imap()
    for s in a, b:
        s.cmd('ENABLE QRESYNC')
        s.cmd('SELECT INBOX')
    deliver()
    a.cmd('NOOP')
    a.cmd('UID STORE 2,4:5,7 +FLAGS.SILENT (\\Deleted)')
    a.cmd('EXPUNGE')
    high = int(re.search(r'HIGHESTMODSEQ (\d+)', a.tagged).group(1))
    out = b.cmd('FETCH 1:3 UID')
    assert not any('VANISHED' in x for x in out), out
    out = b.cmd('NOOP')
    assert '* VANISHED 2,4:5' in out and not any('7' in x for x in out if 'VANISHED' in x), out
    c = Imap()
    c.cmd('ENABLE QRESYNC')
    uidvalidity = next(re.search(r'UIDVALIDITY (\d+)', x).group(1) for x in c.cmd('EXAMINE INBOX') if 'UIDVALIDITY' in x)
    out = c.cmd('SELECT INBOX (QRESYNC (%s %d))' % (uidvalidity, high))
    assert not any('VANISHED' in x or 'FETCH' in x for x in out), out
    for s in a, b, c:
        s.close()


def half_dead():
    """Who does not read, or is gone in the middle of a literal, keeps nobody from the mailbox."""
    for _ in range(200):
        deliver(subject='x' * 500)
    deaf, gone, c = Imap(True), Imap(True), Imap()
    deaf.cmd('SELECT INBOX')
    deaf.sock.setblocking(False)
    asked = 0
    try:        # until the server cannot write and therefore does not read any more
        while asked < 4000:
            deaf.send(b'x STORE 1:* +FLAGS (\\Seen)\r\ny FETCH 1:* (FLAGS ENVELOPE)\r\n')
            asked += 1
    except BlockingIOError:
        pass
    assert asked < 4000, 'the server read everything'
    gone.send(b'a APPEND INBOX {1000+}\r\nSubject: half')
    c.cmd('SELECT INBOX')
    c.cmd('STORE 1:* +FLAGS.SILENT (\\Flagged)')
    c.cmd('STORE 1:100 +FLAGS.SILENT (\\Deleted)')
    c.cmd('EXPUNGE')
    gone.sock.close()
    gone.proc.wait(120)
    out = c.cmd('STATUS INBOX (MESSAGES)')
    assert '* STATUS INBOX (MESSAGES %d)' % (COUNTER[0] - 100 + PRESENT) in out, out
    # the deaf session may write its cache at this moment: that is its own file, not a message
    litter = [x for x in os.listdir(ROOT + '/tmp') if not x.startswith('posthouse.cache.')]
    assert not litter, 'litter of the half message: %s' % litter
    deaf.sock.close()
    deaf.proc.wait(120)
    c.close()


def two_store():
    """Two sessions add different flags at once: both stay."""
    for _ in range(50):
        deliver()
    a, b = Imap(), Imap()
    a.cmd('SELECT INBOX')
    b.cmd('SELECT INBOX')
    a.send(b'x STORE 1:50 +FLAGS.SILENT (\\Flagged)\r\n')
    b.send(b'x STORE 1:50 +FLAGS.SILENT (\\Answered)\r\n')
    for s in a, b:
        while not s.line().startswith(b'x OK'):
            pass
    a.cmd('NOOP')
    out = a.cmd('FETCH 1:* FLAGS')
    lost = [x for x in out if '\\Flagged' not in x or '\\Answered' not in x]
    assert len(out) == 50 and not lost, lost
    a.close()
    b.close()


def open_folder_renamed_deleted():
    """Renaming and deleting a folder that another session has open."""
    a, b = Imap(), Imap()
    b.cmd('CREATE Work')
    for _ in range(2):
        deliver('.Work')
    a.cmd('SELECT Work')
    b.cmd('RENAME Work Play')
    try:
        a.cmd('NOOP')
        a.cmd('FETCH 1 FLAGS')
    except (EOFError, BrokenPipeError, AssertionError):
        a.close()
        a = Imap()
    b.cmd('SELECT Play')
    assert b.cmd('FETCH 1:* UID') == ['* 1 FETCH (UID 1)', '* 2 FETCH (UID 2)']
    a.cmd('SELECT Play')
    b.cmd('DELETE Play')
    told, ended = [], False
    try:
        for _ in range(3):
            told += a.cmd('NOOP')
    except (EOFError, BrokenPipeError):
        ended = True        # after a BYE
    assert ended or any('EXPUNGE' in x for x in told), told
    assert b.cmd('LIST "" Play') == []
    a.close()
    b.close()


def append_while_idle():
    """A session that appends and one that watches agree."""
    a, b = Imap(), Imap()
    a.cmd('SELECT INBOX')
    a.send(b'i IDLE\r\n')
    a.line()
    for i in range(3):
        b.send(b'p APPEND INBOX (\\Seen) {12+}\r\nSubject: y\r\n\r\n')
        while not (got := b.line()).startswith(b'p '):
            pass
        assert b'APPENDUID' in got, got
        while b'EXISTS' not in (got := a.line()):
            pass
        assert got == b'* %d EXISTS' % (i + 1), got
    a.close()
    b.close()


def slow_literal():
    """A command that comes byte by byte, and a continuation for each literal."""
    a = Imap(True)
    for ch in b'a SELECT {5}\r\n':
        a.send(bytes([ch]))
        time.sleep(0.001)
    assert a.line() == b'+ OK'
    for ch in b'INBOX\r\n':
        a.send(bytes([ch]))
        time.sleep(0.001)
    while not a.line().startswith(b'a OK'):
        pass
    a.send(b'b APPEND INBOX {14}\r\n')
    assert a.line() == b'+ OK'
    a.send(b'Subject: z\r\n\r\n\r\n')
    while not a.line().startswith(b'b OK [APPENDUID'):
        pass
    a.send(b'c APPEND nowhere {14}\r\n')
    assert a.line().startswith(b'c NO [TRYCREATE]')
    a.send(b'd NOOP\r\n')
    assert a.line().startswith(b'd OK')
    a.close()


def copy_to_selected():
    """COPY into the selected mailbox tells EXISTS at once."""
    deliver()
    a = Imap()
    a.cmd('SELECT INBOX')
    out = a.cmd('COPY 1 INBOX')
    assert '* 2 EXISTS' in out and 'COPYUID' in a.tagged, (out, a.tagged)
    out = a.cmd('MOVE 1 INBOX')
    assert '* 1 EXPUNGE' in out, out
    assert len(a.cmd('UID SEARCH ALL')[0].split()) == 4
    a.close()


def moved_back():
    """Messages that went to another mailbox and came back between two looks have the UIDs that the other was told."""
    for _ in range(4):
        deliver()
    a, b = Imap(), Imap()
    for s in (a, b):
        s.cmd('SELECT INBOX')
    a.send(b'i IDLE\r\n')                # from now on it watches the directory
    assert a.line().startswith(b'+ ')
    a.send(b'DONE\r\n')
    assert a.line().startswith(b'i OK')
    b.cmd('CREATE Aside')
    b.cmd('MOVE 1:3 Aside')
    b.cmd('SELECT Aside')
    b.cmd('COPY 1 Aside')                 # a name that a has never seen, with the highest UID
    out = b.cmd('MOVE 1:* INBOX')
    assert any(re.search(r'COPYUID \d+ 1:4 5:8\]', x) for x in out), out
    a.cmd('NOOP')
    assert a.cmd('UID SEARCH ALL') == ['* SEARCH 4 5 6 7 8']
    c = Imap()
    c.cmd('SELECT INBOX')
    assert c.cmd('UID SEARCH ALL') == ['* SEARCH 4 5 6 7 8']
    for s in (a, b, c):
        s.close()


def keyword_of_another():
    """A keyword that another session has just made is taken away."""
    deliver()
    a, b = Imap(), Imap()
    for s in (a, b):
        s.cmd('SELECT INBOX')
    a.cmd('STORE 1 +FLAGS (fresh)')
    b.cmd('STORE 1 -FLAGS.SILENT (fresh)')
    a.cmd('NOOP')
    assert a.cmd('FETCH 1 FLAGS') == ['* 1 FETCH (FLAGS (\\Recent))'], 'still there'
    a.close()
    b.close()


def keyword_wakes_idle():
    """A keyword beyond the 26th, which is in no file name, is told during IDLE like any other."""
    deliver()
    a, b = Imap(), Imap()
    a.cmd('SELECT INBOX')
    b.cmd('SELECT INBOX')
    for k in range(30):
        b.cmd('STORE 1 +FLAGS.SILENT (kw%d)' % k)
    b.cmd('STORE 1 FLAGS.SILENT ()')
    a.cmd('NOOP')
    a.send(b'i IDLE\r\n')
    assert a.line() == b'+ idling'
    for want in b'kw29', b'kw1':
        b.cmd('STORE 1 FLAGS (%s)' % want.decode())
        while not re.match(rb'\* 1 FETCH .*%s\)' % want, a.line()):
            pass
    a.send(b'DONE\r\n')


def foreign_rename_followed():
    """A mailbox that another session renames while it is selected has its new name here too."""
    a, b = Imap(), Imap()
    a.cmd('CREATE Old/Sub')
    a.cmd('APPEND Old/Sub {4+}\r\na: b')
    a.cmd('SELECT Old/Sub')
    b.cmd('RENAME Old New')
    out = a.cmd('ESEARCH RETURN (COUNT) ALL')
    assert any('"MAILBOX" New/Sub' in x or 'MAILBOX New/Sub' in x for x in out), out
    out = a.cmd('ESEARCH IN (selected personal) RETURN (COUNT) ALL')
    assert len([x for x in out if 'ESEARCH' in x]) == 1, out      # once, not as two mailboxes
    a.cmd('APPEND New/Sub CATENATE (URL "/;UID=1")')
    assert any('2 EXISTS' in x for x in a.cmd('NOOP')) or len(a.cmd('UID SEARCH ALL')[0].split()) == 4
    a.send(b'i IDLE\r\n')
    while a.line() != b'+ idling':
        pass
    deliver('.New.Sub')
    while b'3 EXISTS' not in a.line():
        pass
    a.send(b'DONE\r\n')


def examine_modseq():
    """A session that reads alone tells another program's change with the mod-sequence that it gets."""
    deliver()
    a, b = Imap(), Imap()
    a.cmd('ENABLE CONDSTORE')
    a.cmd('EXAMINE INBOX')
    was = int(re.search(r'MODSEQ \((\d+)', a.cmd('FETCH 1 MODSEQ')[0]).group(1))
    new = os.path.join(ROOT, 'new')
    for name in os.listdir(new):
        os.rename(os.path.join(new, name), os.path.join(ROOT, 'cur', name + ':2,F'))
    told = [int(re.search(r'MODSEQ \((\d+)', x).group(1)) for x in a.cmd('NOOP') if 'FETCH' in x]
    assert told and told[0] > was, (was, told)
    b.cmd('ENABLE CONDSTORE')
    b.cmd('SELECT INBOX')
    assert 'MODSEQ (%d)' % told[0] in b.cmd('FETCH 1 MODSEQ')[0]


def run(tests):
    """The test that was named.  No session outlives it: one that ends may still write its caches."""
    tests[sys.argv[3]]()
    for s in Imap.all:
        s.close()


if __name__ == '__main__':
    run(globals())
