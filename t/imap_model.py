#!/usr/bin/env python3
"""Random commands by several imapd sessions over one Maildir against a model in memory: imap_model.py IMAPD MAILDIR [STEPS [SEED]].

IMAP_MODEL_ROOTS, directories with ":" between them, are other names of MAILDIR, which the sessions take in turn.

A foreign program renames, removes and delivers files meanwhile, as mutt does.  The model holds what the mailboxes contain; each session holds what its client was told.  Every response is checked, and after
every command that may tell all, what the client believes must be what there is.  A failure prints the seed and the last commands:
the same seed does the same again.
"""
import os
import random
import re
import signal
import subprocess
import sys
from collections import deque

IMAPD, ROOT = sys.argv[1], sys.argv[2]
ROOTS = os.environ.get('IMAP_MODEL_ROOTS', ROOT).split(':')
STEPS = int(sys.argv[3]) if len(sys.argv) > 3 else 3000
SEED = int(sys.argv[4]) if len(sys.argv) > 4 else 1
R = random.Random(SEED)
LOG = deque(maxlen=60)
LATE = 200      # seconds after which what has not come never will
NAMES = ['Box', 'Box/Sub', 'Extra', 'Extra/Sub', 'Other']
LETTERS = {'D': '\\Draft', 'F': '\\Flagged', 'R': '\\Answered', 'S': '\\Seen', 'T': '\\Deleted'}
FLAGS = ['\\Seen', '\\Answered', '\\Flagged', '\\Deleted', '\\Draft', '$Work', '$Forwarded', 'nonjunk']
TOKEN = re.compile(rb'\(|\)|"(?:[^"\\]|\\.)*"|BODY\[[^]]*\](?:<\d+>)?|\[[^]]*\]|[^\s()]+')


class Wrong(Exception):
    """The server did what it should not."""


def expect(cond, *what):
    if not cond:
        raise Wrong(' '.join(map(str, what)))


def uids_of(text):
    """'1:3,5' as a list in order."""
    out = []
    for part in text.split(','):
        lo, _, hi = part.partition(':')
        out += range(int(lo), int(hi or lo) + 1)
    return out


def set_of(numbers):
    """Numbers as a set, sometimes with ranges."""
    numbers = sorted(numbers)
    out, k = [], 0
    while k < len(numbers):
        end = k
        while end + 1 < len(numbers) and numbers[end + 1] == numbers[end] + 1 and R.random() < 0.8:
            end += 1
        out.append(str(numbers[k]) if end == k else '%d:%d' % (numbers[k], numbers[end]))
        k = end + 1
    if R.random() < 0.2:
        R.shuffle(out)
    return ','.join(out)


class Message:
    def __init__(self, uid, ident, flags):
        self.uid, self.ident, self.flags = uid, ident, frozenset(flags)
        self.told = None        # the highest mod-sequence that a client was told, and the flags that it stands for


class Box:
    def __init__(self, name):
        self.msgs, self.uidnext, self.validity, self.deleted = [], 1, None, False
        self.name = name

    def directory(self):
        return ROOT if self.name == 'INBOX' else os.path.join(ROOT, '.' + self.name.replace('/', '.'))

    def valid(self, validity):
        """UIDVALIDITY is told: it stays, and no other mailbox had it under this name."""
        expect(self.validity in (None, validity), 'UIDVALIDITY of', self.name, 'changed')
        self.validity = validity
        expect(VALID.setdefault((self.name, validity), self) is self, 'the UIDVALIDITY of an earlier', self.name)

    def add(self, ident, flags):
        self.msgs.append(Message(self.uidnext, ident, flags))
        self.uidnext += 1
        return self.uidnext - 1

    def find(self, uid):
        return next((m for m in self.msgs if m.uid == uid), None)


MODEL = {'INBOX': Box('INBOX')}
VALID = {}      # (name, UIDVALIDITY): the mailbox
IDENT = [0]


class Entry:
    """A message as a client knows it."""
    def __init__(self):
        self.uid = self.flags = self.modseq = None


class Session:
    def __init__(self, number):
        self.number, self.count, self.memory = number, 0, {}
        self.start()

    def start(self):
        self.proc = subprocess.Popen([IMAPD, ROOTS[self.number % len(ROOTS)]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.box, self.view, self.readonly, self.high = None, [], False, 0
        self.condstore = self.qresync = False
        self.resync, self.keep, self.last_told = None, None, 0
        expect(self.proc.stdout.readline().startswith(b'* PREAUTH'), 'greeting')
        if R.random() < 0.6:
            self.qresync = self.condstore = R.random() < 0.7
            self.cmd('ENABLE QRESYNC' if self.qresync else 'NOOP')

    # -- lines

    def response(self):
        """One response with its literals: the text, and the literals in order."""
        text, literals = b'', []
        while True:
            line = self.proc.stdout.readline()
            expect(line.endswith(b'\r\n'), 'the server went away after', text)
            text += line[:-2]
            m = re.search(rb'\{(\d+)\}$', text)
            if not m:
                return text, literals
            literals.append(self.proc.stdout.read(int(m.group(1))))
            text = text[:m.start()] + b'"literal"'

    def cmd(self, text, literal=None):
        """Sends a command: the tagged status, its text, and what came that is no news of the mailbox."""
        self.count += 1
        tag = b's%dc%d' % (self.number, self.count)
        LOG.append('%s %s' % (tag.decode(), text))
        self.proc.stdin.write(tag + b' ' + text.encode() + b'\r\n')
        if literal is not None:
            self.proc.stdin.write(literal + b'\r\n')
        self.proc.stdin.flush()
        other = []
        while True:
            got, literals = self.response()
            if got.startswith(tag + b' '):
                LOG.append('    %s' % got.decode())
                status, _, rest = got[len(tag) + 1:].decode().partition(' ')
                return status, rest, other
            expect(got.startswith(b'* '), 'no untagged response:', got)
            LOG.append('    %s' % got.decode())
            if not self.news(got[2:], literals, other):
                other.append(got[2:].decode())

    # -- what the client learns

    def news(self, got, literals, other):
        word = got.split(b' ', 2)
        if word[0] == b'VANISHED':
            self.vanished(got.decode())
        elif len(word) > 1 and word[1] == b'EXISTS':
            n = int(word[0])
            expect(n >= len(self.view), 'EXISTS went down', n, len(self.view))
            self.view += [Entry() for _ in range(n - len(self.view))]
            self.name_new()
        elif len(word) > 1 and word[1] == b'EXPUNGE':
            expect(not self.qresync, 'EXPUNGE after ENABLE QRESYNC')
            expect(1 <= int(word[0]) <= len(self.view), 'EXPUNGE beyond the mailbox')
            self.gone(self.view.pop(int(word[0]) - 1))
        elif len(word) > 1 and word[1] == b'FETCH':
            self.fetched(int(word[0]), word[2], literals, other)
        elif word[0] == b'FLAGS' or len(word) > 1 and word[1] == b'RECENT':
            pass
        elif got.startswith(b'OK [HIGHESTMODSEQ '):
            self.highest(int(got.split()[2].rstrip(b']')))
        else:
            return False
        return True

    def highest(self, n):
        expect(n >= self.high, 'HIGHESTMODSEQ went down', n, self.high)
        self.high = n

    def gone(self, entry):
        expect(not self.keep, 'told of an expunge during', self.keep)
        expect(self.box.find(entry.uid) is None, 'told that a living message is gone', entry.uid)

    def vanished(self, text):
        _, _, rest = text.partition(' ')
        earlier = rest.startswith('(EARLIER) ')
        for uid in uids_of(rest[len('(EARLIER) '):] if earlier else rest):
            entry = next((e for e in self.view if e.uid == uid), None)
            if earlier:
                expect(self.resync is not None, 'VANISHED (EARLIER) unasked')
                self.resync.pop(uid, None)
                expect(self.box.find(uid) is None, 'a living message vanished', uid)
            else:
                expect(self.qresync and entry is not None, 'VANISHED of a message not known', uid)
                self.view.remove(entry)
                self.gone(entry)

    def name_new(self):
        """UIDs and flags of new messages: what the model has beyond those told."""
        last = max([e.uid for e in self.view if e.uid], default=0)
        fresh = [m for m in self.box.msgs if m.uid > max(last, self.last_told)]
        blank = [e for e in self.view if e.uid is None]
        # What this very command adds is in the model already, and may be told later in it.
        expect(len(blank) <= len(fresh), 'EXISTS tells', len(blank), 'new messages, there are', len(fresh))
        fresh = fresh[:len(blank)]
        for e, m in zip(blank, fresh):
            e.uid, e.flags = m.uid, m.flags
        self.last_told = max([self.last_told] + [m.uid for m in fresh])

    def fetched(self, n, text, literals, other):
        expect(1 <= n <= len(self.view), 'FETCH beyond the mailbox', n, len(self.view))
        entry, item = self.view[n - 1], self.items(text, literals)
        if 'UID' in item:
            expect(int(item['UID']) == entry.uid, 'message', n, 'has UID', entry.uid, 'not', item['UID'])
        if 'FLAGS' in item:
            entry.flags = frozenset(f for f in item['FLAGS'] if f != '\\Recent')
            if self.resync is not None:
                expect('UID' in item, 'no UID in a FETCH of QRESYNC')
                self.resync[entry.uid] = entry.flags
        if 'MODSEQ' in item:
            entry.modseq = int(item['MODSEQ'][0])
            self.modseqs[entry.uid] = int(item['MODSEQ'][0])
        for name, value in item.items():
            if name.startswith('BODY['):
                m = self.box.find(entry.uid)
                expect(m is None or ('id%d\r\n' % m.ident).encode() in value, 'wrong content of', entry.uid, value)
        other.append((entry.uid, item))

    @staticmethod
    def items(text, literals):
        stack, out = [[]], iter(literals)
        for tok in TOKEN.findall(text):
            if tok == b'(':
                stack.append([])
            elif tok == b')':
                done = stack.pop()
                stack[-1].append(done)
            else:
                stack[-1].append(next(out) if tok == b'"literal"' else tok.decode())
        flat = stack[0][0]
        expect(len(stack) == 1 and len(flat) % 2 == 0, 'malformed FETCH', text)
        return dict(zip(flat[::2], flat[1::2]))

    # -- checks

    def send(self, line):
        self.proc.stdin.write(line.encode() + b'\r\n')
        self.proc.stdin.flush()

    def again(self):
        self.proc.stdin.close()
        expect(self.proc.stdout.read() == b'', 'more before the end')
        self.end()

    def end(self):
        self.proc.stdout.close()
        expect(self.proc.wait(LATE) == 0, 'exit code of a session that ends between commands')
        self.start()

    def lost(self):
        """The selected mailbox was deleted by another: BYE, and a new session."""
        if self.box is None or not self.box.deleted:
            return False
        try:
            _, _, other = self.cmd('NOOP')
            expect(any(str(x).startswith('BYE') for x in other), 'no BYE but', other)
            self.box, self.view = None, []
            self.again()
        except BrokenPipeError:         # it has seen it by itself
            expect(b'* BYE ' in self.proc.stdout.read(), 'no BYE')
            self.end()
        return True

    def run(self, text, literal=None, keep=False, want=('OK',), after=None):
        """A command in the selected state, with the news at its end."""
        self.keep = text if keep else None
        self.modseqs = {}
        status, rest, other = self.cmd(text, literal)
        self.keep = None
        expect(status in want, text, 'was answered', status, rest)
        if after is not None:
            after()
        if self.box is not None:
            self.agree(keep)
        return status, rest, other

    def agree(self, keep):
        truth = self.box.msgs
        have = [e.uid for e in self.view]
        if keep:
            have = [u for u in have if self.box.find(u)]
        expect(have == [m.uid for m in truth], 'the client has', have, 'there are', [m.uid for m in truth])
        known = {e.uid: e.flags for e in self.view}
        for m in truth:
            expect(known[m.uid] == m.flags, 'message', m.uid, 'is', sorted(m.flags), 'the client has', sorted(known[m.uid]))
        for e in self.view if self.condstore else []:
            m = self.box.find(e.uid)
            if m and e.modseq and e.modseq >= (m.told or (0,))[0]:
                expect(m.told is None or e.modseq > m.told[0] or m.flags == m.told[1],
                       'message', m.uid, 'has mod-sequence', e.modseq, 'with', sorted(m.flags), 'and had it with', m.told)
                m.told = e.modseq, m.flags

    def settle(self):
        """Reads, in IDLE, until the client knows all there is."""
        while True:
            try:
                self.agree(False)
                return
            except Wrong:
                got, literals = self.response()
                LOG.append('    ' + got.decode())
                expect(got.startswith(b'* ') and self.news(got[2:], literals, []), 'in IDLE:', got)

    def pick(self, some=0.3):
        """Messages of the view: (the set as text, uid form, entries)."""
        uid = R.random() < 0.5
        entries = [e for e in self.view if R.random() < some] or self.view[:1]
        numbers = [e.uid if uid else self.view.index(e) + 1 for e in entries]
        return set_of(numbers), uid, entries

    def is_gone(self, entries):
        return any(self.box.find(e.uid) is None for e in entries)

    def living(self, entries):
        return [m for m in (self.box.find(e.uid) for e in entries) if m]


def flags_some(top=4):
    return R.sample(FLAGS, R.randint(0, top))


# -- the commands: each returns False when it cannot be given now

def do_append(s):
    name, flags = R.choice(list(MODEL)), flags_some()
    if len(MODEL[name].msgs) > 60:
        return False
    n = R.choice([1, 1, 1, 3])
    text, body = 'APPEND "%s"' % name, []
    for _ in range(n):
        IDENT[0] += 1
        body.append((IDENT[0], b'Subject: id%d\r\nFrom: a@example.org\r\n\r\n%s\r\n' % (IDENT[0], b'x' * R.randint(0, 300))))
    first = MODEL[name].uidnext
    for ident, _ in body:
        MODEL[name].add(ident, flags)
    lit = b''
    for k, (_, data) in enumerate(body):
        head = (' (%s) {%d+}' % (' '.join(flags), len(data)))
        if k == 0:
            text += head
        else:
            lit += head.encode() + b'\r\n'
        lit += data
    _, rest, _ = s.run(text, lit)
    got = re.match(r'\[APPENDUID (\d+) ([\d:]+)\]', rest)
    expect(got and uids_of(got.group(2)) == list(range(first, first + n)), rest, 'instead of', first, 'and', n - 1, 'more')
    MODEL[name].valid(int(got.group(1)))


def do_select(s):
    name = R.choice(list(MODEL))
    box = MODEL[name]
    s.leave()
    old = s.memory.get(box)
    if R.random() < 0.03:
        s.run('SELECT "no such"', want=('NO',))
        return
    s.box, s.view, s.last_told, s.high = box, [], 0, 0
    s.readonly = R.random() < 0.15
    s.resync = None
    param = ''
    if s.qresync and old:
        s.resync = dict(old[2])
        param = ' (QRESYNC (%d %d))' % old[:2]
    elif R.random() < 0.1:
        param = ' (CONDSTORE)'
        s.condstore = True
    _, _, other = s.run('%s "%s"%s' % ('EXAMINE' if s.readonly else 'SELECT', name, param))
    told = {x.split()[1][1:]: int(x.split()[2].rstrip(']')) for x in other if isinstance(x, str) and
            x.startswith(('OK [UIDVALIDITY', 'OK [UIDNEXT'))}
    box.valid(told['UIDVALIDITY'])
    expect(told['UIDNEXT'] == box.uidnext, 'UIDNEXT', told['UIDNEXT'], 'instead of', box.uidnext)
    if s.resync is not None:
        truth = {m.uid: m.flags for m in box.msgs}
        have = {u: f for u, f in s.resync.items() if u in truth and u <= old[3] or u in truth}
        known = {u: f for u, f in truth.items() if u <= old[3]}
        expect({u: have.get(u) for u in known} == known, 'after QRESYNC the client has', have, 'there is', known)
        expect(all(u in truth for u in s.resync), 'QRESYNC did not tell what went')
    s.resync = None


def do_fetch(s):
    if not s.view:
        return False
    text, uid, entries = s.pick()
    items = R.sample(['FLAGS', 'UID', 'RFC822.SIZE', 'INTERNALDATE', 'ENVELOPE', 'BODY.PEEK[HEADER.FIELDS (SUBJECT)]',
                      'BODY[HEADER]', 'BODYSTRUCTURE'] + ['MODSEQ'] * s.condstore, R.randint(1, 3))
    gone = s.is_gone(entries)
    if 'BODY[HEADER]' in items and not s.readonly:
        for m in s.living(entries):
            m.flags |= {'\\Seen'}
    _, _, other = s.run('%sFETCH %s (%s)' % ('UID ' * uid, text, ' '.join(items)), keep=not uid,
                        want=('OK', 'NO') if gone else ('OK',))
    got = {}
    for u, item in (x for x in other if isinstance(x, tuple)):
        got.setdefault(u, set()).update(item)
    for m in s.living(entries):
        names = {i.replace('.PEEK', '') for i in items}
        expect(m.uid in got and names <= got[m.uid], 'FETCH did not give', names, 'of', m.uid, 'but', got.get(m.uid))


def do_store(s):
    if not s.view:
        return False
    text, uid, entries = s.pick()
    mode, flags = R.choice(['', '+', '-']), frozenset(flags_some())
    silent = R.random() < 0.3
    gone = s.is_gone(entries)

    def apply(things):
        for x in things:
            x.flags = flags if not mode else x.flags | flags if mode == '+' else x.flags - flags
    if not s.readonly:
        apply(s.living(entries))
    s.run('%sSTORE %s %sFLAGS%s (%s)' % ('UID ' * uid, text, mode, '.SILENT' * silent, ' '.join(flags)), keep=not uid,
          want=('NO',) if s.readonly else ('OK', 'NO') if gone else ('OK',),
          after=lambda: apply(entries if silent and not s.readonly else []))      # the client knows what it has done


def do_store_unchanged(s):
    if not s.view or not s.condstore or s.readonly:
        return False
    text, uid, entries = s.pick(0.2)
    s.run('NOOP')
    entries = [e for e in entries if e in s.view]
    if not entries:
        return False
    text = set_of([e.uid if uid else s.view.index(e) + 1 for e in entries])
    s.run('UID FETCH %s (MODSEQ)' % set_of([e.uid for e in entries]))
    base = R.choice(list(s.modseqs.values()))
    fails = {e.uid for e in entries if s.modseqs[e.uid] > base}
    flag = R.choice(FLAGS)
    for m in s.living([e for e in entries if e.uid not in fails]):
        m.flags |= {flag}
    before = {e.uid: s.modseqs[e.uid] for e in entries}
    number = {e.uid: e.uid if uid else s.view.index(e) + 1 for e in entries}
    _, rest, _ = s.run('%sSTORE %s (UNCHANGEDSINCE %d) +FLAGS (%s)' % ('UID ' * uid, text, base, flag), keep=not uid)
    told = re.match(r'\[MODIFIED ([\d:,]+)\]', rest)
    expect({number[u] for u in fails} == set(uids_of(told.group(1)) if told else []), 'MODIFIED', rest, 'instead of', fails)
    for u, n in s.modseqs.items():
        expect(u not in before or n >= before[u], 'the mod-sequence of', u, 'went down')


def do_search(s):
    flag = R.choice(FLAGS[:5])
    key, uid = flag[1:].upper(), R.random() < 0.5
    s.run('NOOP')
    want = [e for e in s.view if flag in e.flags]
    neg = R.random() < 0.3
    if neg:
        want = [e for e in s.view if flag not in e.flags]
    key = 'UN' * neg + key
    numbers = [e.uid if uid else s.view.index(e) + 1 for e in want]
    if R.random() < 0.5:
        _, _, other = s.run('%sSEARCH %s' % ('UID ' * uid, key), keep=not uid)
        got = [list(map(int, x.split()[1:])) for x in other if isinstance(x, str) and x.startswith('SEARCH')]
        expect(got == [numbers], 'SEARCH', key, 'gave', got, 'instead of', numbers)
        return
    _, _, other = s.run('%sSEARCH RETURN (MIN MAX COUNT ALL) %s' % ('UID ' * uid, key), keep=not uid)
    got = next(x for x in other if isinstance(x, str) and x.startswith('ESEARCH'))
    expect(' COUNT %d' % len(want) in got, got, 'instead of', numbers)
    if want:
        all_ = uids_of(re.search(r' ALL ([\d:,]+)', got).group(1))
        expect(all_ == numbers and ' MIN %d MAX %d ' % (numbers[0], numbers[-1]) in got, got, 'instead of', numbers)


def do_expunge(s):
    s.run('NOOP')
    uid = R.random() < 0.4 and bool(s.view)
    box = s.box
    some = {e.uid for e in s.pick(0.5)[2]} if uid else {m.uid for m in box.msgs}
    if not s.readonly:
        box.msgs = [m for m in box.msgs if not ('\\Deleted' in m.flags and m.uid in some)]
    s.run('UID EXPUNGE %s' % set_of(some) if uid else 'EXPUNGE', want=('NO',) if s.readonly else ('OK',))


def do_copy(s, move=False):
    if not s.view:
        return False
    target = R.choice(list(MODEL))
    if not move and len(MODEL[target].msgs) > 60:
        return False
    text, uid, entries = s.pick(0.2)
    if move and s.readonly:
        s.run('MOVE 1 "%s"' % target, want=('NO',))
        return None
    source = s.box
    gone = s.is_gone(entries)
    if gone:        # what is done then is the server's choice: keep to one that is certain
        s.run('NOOP')
        return False
    living = [m for m in source.msgs if m.uid in {e.uid for e in entries}]
    old = [m.uid for m in living]
    new = [MODEL[target].add(m.ident, m.flags) for m in living]
    if move:
        source.msgs = [m for m in source.msgs if m.uid not in old]
    _, rest, other = s.run('%s%s %s "%s"' % ('UID ' * uid, 'MOVE' if move else 'COPY', text, target))
    code = re.search(r'COPYUID (\d+) ([\d:,]+) ([\d:,]+)\]', rest if not move else
                     next((x for x in other if isinstance(x, str) and 'COPYUID' in x), ''))
    expect(code, 'no COPYUID in', rest, other)
    MODEL[target].valid(int(code.group(1)))
    expect(uids_of(code.group(2)) == old and uids_of(code.group(3)) == new, code.group(0), 'instead of', old, new)
    return None


def do_move(s):
    return do_copy(s, True)


def do_close(s):
    s.run('NOOP')
    box, how = s.box, R.choice(['CLOSE', 'UNSELECT'])
    s.leave()
    if how == 'CLOSE' and not s.readonly:
        box.msgs = [m for m in box.msgs if '\\Deleted' not in m.flags]
    s.run(how)
    s.memory.clear()        # what CLOSE expunged is told to nobody


def do_status(s):
    name = R.choice(list(MODEL))
    box = MODEL[name]
    _, _, other = s.run('STATUS "%s" (MESSAGES UIDNEXT UNSEEN DELETED)' % name)
    got = next(x for x in other if isinstance(x, str) and x.startswith('STATUS'))
    want = '(MESSAGES %d UIDNEXT %d UNSEEN %d DELETED %d)' % (
        len(box.msgs), box.uidnext, sum('\\Seen' not in m.flags for m in box.msgs),
        sum('\\Deleted' in m.flags for m in box.msgs))
    want2 = re.findall(r'(\w+ \d+)', want)
    expect(sorted(re.findall(r'([A-Z]+ \d+)', got.split('(', 1)[1])) == sorted(want2), got, 'instead of', want)


def do_noop(s):
    s.run('NOOP')


def do_restart(s):
    if R.random() > 0.1:
        return False
    s.leave()
    s.again()
    return None


def do_create(s):
    name = R.choice(NAMES)
    exists = name in MODEL
    s.run('CREATE "%s"' % name, want=('NO',) if exists else ('OK',))
    if not exists:
        MODEL[name] = Box(name)


def do_delete(s):
    name = R.choice(list(MODEL))
    if name == 'INBOX' or R.random() < 0.5:
        return False
    box = MODEL.pop(name)
    box.deleted, box.msgs = True, []
    if s.box is box:
        s.leave()
        s.run('UNSELECT')
    s.run('DELETE "%s"' % name)
    return None


def do_rename(s):
    old, new = R.choice(list(MODEL)), R.choice(NAMES)
    moved = [n for n in MODEL if n == old or n.startswith(old + '/')]
    if old == 'INBOX' or new.startswith(old + '/') or any(n.startswith(new + '/') for n in MODEL):
        return False
    if len(ROOTS) > 1 and any(x.box is MODEL[n] for x in SESSIONS for n in moved):
        return False            # on such file systems the session ends: posthouse-deviations(7)
    if new in MODEL:
        s.run('RENAME "%s" "%s"' % (old, new), want=('NO',))
        return None
    for n in moved:
        box = MODEL.pop(n)
        box.name = new + n[len(old):]
        MODEL[box.name] = box
        if box.validity is not None:
            box.valid(box.validity)
    s.run('RENAME "%s" "%s"' % (old, new))
    return None


def do_list(s):
    _, _, other = s.run('LIST "" *')
    got = [re.match(r'LIST \((.*?)\) "/" "?([^"]*)"?$', x) for x in other if isinstance(x, str)]
    have = sorted(m.group(2) for m in got if '\\Noselect' not in m.group(1) and '\\NonExistent' not in m.group(1))
    expect(have == sorted(MODEL), 'LIST has', have, 'there are', sorted(MODEL))


# -- a program that is no server: what mutt and delivery do to files

def foreign_files(box):
    """(directory, name, message) of those whose content tells which message they are."""
    idents = [m.ident for m in box.msgs]
    for sub in ('cur', 'new'):
        place = os.path.join(box.directory(), sub)
        for name in sorted(os.listdir(place)):
            with open(os.path.join(place, name), 'rb') as f:
                ident = int(re.match(rb'Subject: id(\d+)\r?\n', f.read(40)).group(1))
            if idents.count(ident) == 1:
                yield place, name, box.msgs[idents.index(ident)]


def do_foreign(s, box=None):
    """Flags, removal and, seen by STATUS at once so that its UID is known, delivery."""
    box = box or R.choice(list(MODEL.values()))
    if R.random() < 0.25 and len(box.msgs) < 60:
        IDENT[0] += 1
        name = '17%08d.M%dP1.foreign' % (IDENT[0], IDENT[0])
        LOG.append('foreign delivery to %s: id%d' % (box.name, IDENT[0]))
        with open(os.path.join(box.directory(), 'tmp', name), 'w', encoding='ascii') as f:
            f.write('Subject: id%d\n\nforeign\n' % IDENT[0])
        os.rename(os.path.join(box.directory(), 'tmp', name), os.path.join(box.directory(), 'new', name))
        box.add(IDENT[0], [])
        _, _, other = s.run('STATUS "%s" (UIDNEXT)' % box.name)
        expect(any('UIDNEXT %d)' % box.uidnext in str(x) for x in other), other, 'instead of UIDNEXT', box.uidnext)
        return
    for place, name, m in [x for x in sorted(foreign_files(box), key=lambda x: x[2].uid) if R.random() < 0.2]:
        if R.random() < 0.15:
            LOG.append('foreign removal from %s of UID %d' % (box.name, m.uid))
            os.unlink(os.path.join(place, name))
            box.msgs.remove(m)
            continue
        letters = {x for x in LETTERS if R.random() < 0.4}
        base, _, info = name.partition(':2,')
        other = {x for x in info if x not in LETTERS}
        m.flags = (m.flags - set(LETTERS.values())) | {LETTERS[x] for x in letters}
        LOG.append('foreign flags in %s: UID %d %s' % (box.name, m.uid, ''.join(sorted(letters))))
        os.rename(os.path.join(place, name), os.path.join(box.directory(), 'cur', base + ':2,' + ''.join(sorted(letters | other))))


def do_idle(s):
    """What another does meanwhile is told before DONE."""
    s.count += 1
    tag = 's%dc%d' % (s.number, s.count)
    LOG.append(tag + ' IDLE')
    s.modseqs = {}
    s.send(tag + ' IDLE')
    got = s.response()[0]
    while got.startswith(b'* '):
        expect(s.news(got[2:], [], []), 'in IDLE:', got)
        got = s.response()[0]
    expect(got.startswith(b'+ '), 'in IDLE:', got)
    signal.alarm(LATE)
    s.settle()
    other = R.choice([x for x in SESSIONS if x is not s])
    if not other.lost():
        do = R.choice([do_append, do_store, do_expunge, do_delete, do_copy, do_foreign, do_foreign])
        if do is do_foreign:
            do_foreign(other, R.choice([s.box] + list(MODEL.values())) if not s.box.deleted else None)
        elif other.box is not None or do is do_append:
            do(other)
    if s.box.deleted:
        while not got.startswith(b'* BYE'):
            got = s.response()[0]
        s.box, s.view = None, []
        s.again()
        signal.alarm(0)
        return
    s.settle()
    s.send('DONE')
    while not got.startswith(tag.encode()):
        got, literals = s.response()
        LOG.append('    ' + got.decode())
        expect(got.startswith(tag.encode() + b' OK') or s.news(got[2:], literals, []), 'after IDLE:', got)
    signal.alarm(0)
    s.agree(False)


def leave(self):
    """Remembers the mailbox as a client with a cache would."""
    if self.box is not None and self.qresync and not self.box.deleted:
        self.run('NOOP')
        self.run('STATUS "%s" (HIGHESTMODSEQ)' % self.box.name)
        self.run('FETCH 1:* (FLAGS MODSEQ)' if self.view else 'NOOP', keep=bool(self.view))
        high = max(list(self.modseqs.values()) + [self.high, 1])
        self.memory[self.box] = (self.box.validity, high, {e.uid: e.flags for e in self.view},
                                 max([e.uid for e in self.view], default=0))
    self.box, self.view = None, []


Session.leave = leave
ANY = [(do_append, 6), (do_select, 4), (do_status, 2), (do_noop, 2), (do_restart, 2), (do_create, 1), (do_delete, 1),
       (do_rename, 1), (do_list, 1), (do_foreign, 6)]
SELECTED = ANY + [(do_fetch, 10), (do_store, 12), (do_store_unchanged, 4), (do_search, 5), (do_expunge, 4), (do_copy, 4),
                  (do_move, 4), (do_close, 1), (do_idle, 4)]
SESSIONS = []


def late(_number, _frame):
    raise Wrong('nothing is told in IDLE for %d seconds' % LATE)


def main():
    signal.signal(signal.SIGALRM, late)
    sessions = SESSIONS
    sessions += [Session(k) for k in range(4)]
    for name in NAMES[:2]:
        sessions[0].run('CREATE "%s"' % name)
        MODEL[name] = Box(name)
    counts = {}
    for _ in range(STEPS):
        s = R.choice(sessions)
        if s.lost():
            continue
        table = SELECTED if s.box is not None else ANY
        do = R.choices([d for d, _ in table], [w for _, w in table])[0]
        if do(s) is not False:
            counts[do.__name__] = counts.get(do.__name__, 0) + 1
    for s in sessions:
        s.proc.stdin.close()
        expect(s.proc.wait(LATE) == 0, 'exit code at the end')
    print('%d commands, seed %d: %s' % (sum(counts.values()), SEED, ' '.join('%s %d' % (k[3:], n) for k, n in sorted(counts.items()))))


try:
    main()
except (Wrong, OSError, KeyError, StopIteration) as e:
    print('seed %d: %s: %s' % (SEED, type(e).__name__, e))
    print('\n'.join(LOG))
    sys.exit(1)
