#!/usr/bin/env python3
"""imap_compare.py MATERIAL WORK OURS -- THEIRS...: the same messages through two IMAP servers.

Puts every message of the folder MATERIAL into two Maildirs below WORK (ours, theirs), starts both commands as pre-authenticated
sessions over them, and compares ENVELOPE, BODYSTRUCTURE, SEARCH, SORT and THREAD.  What posthouse-deviations(7) explains in general (white space,
letters) is made alike by a function below; every other difference is printed, then a line "DIFFERS KIND MESSAGE" each.  Exit
status: 0 for none, 1 for some.
"""
import bisect
import os
import re
import subprocess
import sys


class Server:
    """A session on a pipe; answers are parsed into lists, bytes and None."""

    def __init__(self, argv):
        self.proc = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.file = self.proc.stdout
        self.n = 0
        assert self.file.readline().startswith(b'* PREAUTH')

    def cmd(self, text):
        """Sends a command: (status of the tagged line, list of untagged lines with their literals in place)."""
        self.n += 1
        tag = b't%d ' % self.n
        self.proc.stdin.write(tag + text + b'\r\n')
        self.proc.stdin.flush()
        out = []
        while True:
            line = self.file.readline()
            if not line:
                raise EOFError(text)
            parts = [line]
            while parts[-1].endswith(b'}\r\n') and re.search(rb'\{(\d+)\}\r\n$', parts[-1]):
                size = int(re.search(rb'\{(\d+)\}\r\n$', parts[-1]).group(1))
                parts.append(self.file.read(size))
                parts.append(self.file.readline())
            if parts[0].startswith(tag):
                return parts[0][len(tag):].split(b' ')[0], out
            out.append(parts)


def tokens(parts):
    """The lexemes of a response: '(' and ')', bytes for strings, str for atoms, None for NIL."""
    for i, part in enumerate(parts):
        if i % 2 == 1:
            yield part
            continue
        if i + 1 < len(parts):
            part = part[:part.rindex(b'{')]
        for m in re.finditer(rb'\(|\)|"((?:[^"\\]|\\.)*)"|[^\s()"]+', part):
            if m.group(1) is not None:
                yield re.sub(rb'\\(.)', rb'\1', m.group(1))
            elif m.group() in (b'(', b')'):
                yield m.group().decode()
            else:
                yield None if m.group().upper() == b'NIL' else ('atom', m.group())


def tree(stream):
    out = []
    for token in stream:
        if token == '(':
            out.append(tree(stream))
        elif token == ')':
            return out
        elif isinstance(token, tuple):
            out.append(token[1].decode('latin-1'))
        else:
            out.append(token)
    return out


def fetch_all(server, items):
    """{uid: {item: value}}"""
    status, lines = server.cmd(b'UID FETCH 1:* (UID ' + items + b')')
    assert status == b'OK', status
    got = {}
    for parts in lines:
        top = tree(tokens(parts))
        if len(top) > 3 and top[2] == 'FETCH':
            pairs = dict(zip(top[3][::2], top[3][1::2]))
            got[int(pairs.pop('UID'))] = pairs
    return got


def squeeze(value):
    """Folding and runs of white space: ours keeps what the field has."""
    return value if value is None else re.sub(rb'[ \t\r\n]+', b' ', value).strip()


def same_text(value):
    value = squeeze(value)
    if value is None:
        return None
    return value.replace(b'\x80', b'').replace(b'\xef\xbf\xbd', b'') or None


def address(item):
    name, route, box, host = item
    if host == b'MISSING_DOMAIN':
        host = b''
    if box == b'MISSING_MAILBOX':
        box = b''
    return [same_text(name), None, same_text(box), same_text(host)]


def is_group(item):
    return item[3] is None


def addresses(value):
    """Groups are left to the other tests: the two write an unfinished one differently."""
    if not value:
        return None
    found = [address(i) for i in value if not is_group(i)]
    return [i for i in found if i[2] or i[3]] or None


def envelope(value):
    date, subject, *rest = value
    return [squeeze(date), same_text(subject)] + [addresses(a) for a in rest[:6]] + [same_text(v) for v in rest[6:]]


def lower(value):
    return value.lower() if isinstance(value, (bytes, str)) else value


def params(value):
    """Names in one case; values without folding.  RFC 2231 parameters are joined by ours alone."""
    if not value:
        return None
    out = {}
    for name, val in zip(value[::2], value[1::2]):
        name = re.sub(rb'\*.*', b'', name.lower())
        if name not in out:
            out[name] = lower(squeeze(val)) if name == b'charset' else squeeze(val)
    return out


def structure(value):
    """BODYSTRUCTURE as (type, subtype, parameters, encoding, size of text, children)."""
    if isinstance(value[0], list):
        kids = [structure(v) for v in value if isinstance(v, list) and v and (isinstance(v[0], list) or len(v) > 6)]
        rest = value[len(kids):]
        return ('multipart', lower(rest[0]), params(rest[1]) if len(rest) > 1 else None, kids)
    kind, sub, par, ident, desc, enc, size, *rest = value
    kids = []
    if lower(kind) == b'message' and lower(sub) == b'rfc822' and len(rest) > 1 and isinstance(rest[1], list):
        kids = [envelope(rest[0]), structure(rest[1])]
    return (lower(kind), lower(sub), params(par), squeeze(ident), squeeze(desc), lower(enc), int(size), kids)


def differences(a, b, path=''):
    """Where two parsed values part: [(path, ours, theirs)]."""
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and len(a) == len(b):
        return [d for i, (x, y) in enumerate(zip(a, b)) for d in differences(x, y, '%s.%d' % (path, i))]
    return [] if a == b else [(path, a, b)]


def put(material, folder, wanted):
    """One file for each message, named so that both servers number them alike; their names by UID."""
    for sub in ('cur', 'new', 'tmp'):
        os.makedirs(os.path.join(folder, sub), exist_ok=True)
    names = {}
    for i, path in enumerate(wanted):
        with open(path, 'rb') as f:
            text = f.read().replace(b'\r\n', b'\n')
        target = os.path.join(folder, 'cur', '%d.M%dP1.host:2,S' % (1700000000 + i, i))
        with open(target, 'wb') as f:
            f.write(text)
        os.utime(target, (1700000000 + 86400 * i, 1700000000 + 86400 * i))
        names[i + 1] = os.path.relpath(path, material)
    return names


def messages(material):
    """Files that begin like a message."""
    out = []
    for top, _, files in sorted(os.walk(material)):
        for name in sorted(files):
            path = os.path.join(top, name)
            with open(path, 'rb') as f:
                start = f.read(4096)
            if re.match(rb'(From [^\n]*\n)?[!-9;-~]+[ \t]*:', start) and not name.endswith(('.xml', '.json', '.out', '.md')):
                out.append(path)
    return out


def numbers(lines, name):
    for parts in lines:
        if parts[0].startswith(b'* ' + name):
            return [int(n) for n in parts[0].split()[2:]]
    return None


SEARCHES = [
    b'FROM example', b'TO linux', b'SUBJECT re', b'SUBJECT test', b'CC list', b'BODY the', b'BODY "http://"', b'TEXT mime',
    b'BODY wrote', b'HEADER Message-ID a', b'HEADER Content-Type multipart', b'HEADER X-Mailer ""', b'SENTSINCE 1-Jan-2003',
    b'SENTBEFORE 1-Jan-2003', b'LARGER 5000', b'SMALLER 1000', b'NOT SUBJECT re BODY patch', b'OR FROM com TO org',
    b'CHARSET UTF-8 SUBJECT "\xc3\xa9"', b'CHARSET UTF-8 BODY "\xc3\xbc"', b'BODY "kernel"', b'SINCE 1-Jan-2024', b'ALL',
]
SORTS = [b'ARRIVAL', b'SIZE', b'DATE', b'SUBJECT', b'FROM', b'TO', b'CC', b'DISPLAYFROM', b'DISPLAYTO', b'REVERSE SUBJECT DATE']


def compare_fetch(ours, theirs, names, say):
    a, b = (fetch_all(s, b'ENVELOPE BODYSTRUCTURE RFC822.SIZE INTERNALDATE') for s in (ours, theirs))
    if sorted(a) != sorted(b):
        say('UIDs differ: %d and %d messages' % (len(a), len(b)), 'FETCH', 'UIDs')
    for uid in sorted(set(a) & set(b)):
        for item, normal in (('ENVELOPE', envelope), ('BODYSTRUCTURE', structure), ('RFC822.SIZE', lower)):
            for path, x, y in differences(normal(a[uid][item]), normal(b[uid][item])):
                say('%s %s%s: ours %r theirs %r' % (names[uid], item, path, x, y), item, names[uid])


def compare_search(ours, theirs, names, say):
    for key in SEARCHES:
        a, b = (set(numbers(s.cmd(b'UID SEARCH ' + key)[1], b'SEARCH') or []) for s in (ours, theirs))
        for uid in sorted(a ^ b):
            say('SEARCH %s: %s only %s' % (key, names[uid], 'ours' if uid in a else 'theirs'), 'SEARCH', names[uid])


def displaced(a, b):
    """The fewest members of a that stand in another order in b: all but a longest increasing run of places."""
    place = {x: i for i, x in enumerate(b)}
    tails, prev, best = [], {}, []
    for x in a:
        at = bisect.bisect_left([place[t] for t in tails], place[x])
        prev[x] = tails[at - 1] if at else None
        tails[at:at + 1] = [x]
    x = tails[-1] if tails else None
    while x is not None:
        best.append(x)
        x = prev[x]
    return [x for x in a if x not in set(best)]


def compare_sort(ours, theirs, names, say):
    for key in SORTS:
        a, b = (numbers(s.cmd(b'UID SORT (' + key + b') UTF-8 ALL')[1], b'SORT') for s in (ours, theirs))
        for uid in displaced(a, b):
            say('SORT %s: %s' % (key.decode(), names[uid]), 'SORT', names[uid])


def threads(lines):
    """{uid: the UIDs of its thread}"""
    out = {}
    for parts in lines:
        if parts[0].startswith(b'* THREAD'):
            for text in top_lists(parts[0][8:]):
                members = frozenset(int(n) for n in re.findall(rb'\d+', text))
                out.update((uid, members) for uid in members)
    return out


def top_lists(text):
    depth, start = 0, 0
    for i, c in enumerate(text):
        if c == ord('('):
            if depth == 0:
                start = i
            depth += 1
        elif c == ord(')'):
            depth -= 1
            if depth == 0:
                yield text[start:i + 1]


def compare_thread(ours, theirs, names, say):
    for alg in (b'ORDEREDSUBJECT', b'REFERENCES'):
        a, b = (s.cmd(b'UID THREAD ' + alg + b' UTF-8 ALL')[1] for s in (ours, theirs))
        x, y = threads(a), threads(b)
        for uid in sorted(x):
            if x[uid] != y[uid]:
                say('THREAD %s: %s: ours alone %s, theirs alone %s' % (alg.decode(), names[uid], sorted(x[uid] - y[uid]), sorted(y[uid] - x[uid])),
                    'THREAD', names[uid])
        if x == y and a[0][0] != b[0][0]:
            say('THREAD %s: the same threads, another tree or order' % alg.decode(), 'THREAD', alg.decode())


def main():
    material, work, ours = sys.argv[1:4]
    theirs = sys.argv[sys.argv.index('--') + 1:]
    wanted = messages(material)
    count = {}

    def say(text, kind, what):
        count.setdefault(kind, set()).add(what)
        print(text)
    put(material, os.path.join(work, 'theirs'), wanted)
    names = put(material, os.path.join(work, 'ours'), wanted)
    subprocess.run(['chown', '-R', os.environ.get('OWNER', str(os.getuid())), work], check=True)
    a, b = Server([ours, os.path.join(work, 'ours')]), Server(theirs)
    for server in (a, b):
        assert server.cmd(b'SELECT INBOX')[0] == b'OK'
    for compare in (compare_fetch, compare_search, compare_sort, compare_thread):
        compare(a, b, names, say)
    for kind, what in sorted((k, w) for k, v in count.items() for w in v):
        print('DIFFERS %s %s' % (kind, what))
    print('%d messages, %s' % (len(names), ', '.join('%s: %d' % (k, len(v)) for k, v in sorted(count.items())) or 'no difference'))
    return 1 if count else 0


if __name__ == '__main__':
    sys.exit(main())
