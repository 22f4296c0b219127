#!/usr/bin/env python3
"""imap_mime.py WORK MATERIAL IMAPD...: broken mail through imapd, within bounds.

Writes hostile messages, and those of the folder MATERIAL, into a Maildir below WORK.  For each message there is a session of its own
that may use SECONDS of processor time and BYTES of memory.  BODYSTRUCTURE must be well formed, and each part that it names must be
there: as long as it says, with its header before it in the message.
"""
import os
import random
import re
import sys

from imap_compare import Server, messages, tokens, tree

SECONDS = int(os.environ.get('MIME_SECONDS', '6'))
BYTES = int(os.environ.get('MIME_BYTES', str(16 << 20)))
SAMPLE = 60                     # parts of one message that are fetched
HEAD = b'From: a@example.org\nTo: b@example.org\nSubject: %s\nMIME-Version: 1.0\n'


def mixed(boundary, body, head=b''):
    return HEAD % b'x' + head + b'Content-Type: multipart/mixed; boundary=' + boundary + b'\n\n' + body


def nested(depth, same=False):
    """Multiparts in multiparts, with boundaries of their own or all with the same."""
    out, name = [HEAD % b'nested'], (lambda k: b'same') if same else (lambda k: b'b%dx' % k)
    for k in range(depth):
        out.append(b'Content-Type: multipart/mixed; boundary=%s\n\n--%s\n' % (name(k), name(k)))
    out.append(b'Content-Type: text/plain\n\nthe core\n')
    out += [b'--%s--\n' % name(k) for k in reversed(range(depth))]
    return b''.join(out)


def hostile():
    """(name, message as it stands on the disk, the least number of parts)"""
    r = random.Random(7)
    part = b'--b\nContent-Type: text/plain\n\nx\n'
    yield 'no boundary end', mixed(b'b', part * 3), 3
    yield 'end cut in the middle', mixed(b'b', part * 2 + b'--b-'), 2
    yield 'no boundary parameter', HEAD % b'x' + b'Content-Type: multipart/mixed\n\n' + part, 1
    yield 'boundary that never comes', mixed(b'other', part), 1
    yield 'empty boundary', mixed(b'""', b'--\n\nx\n----\n'), 1
    yield 'boundary of 10,000 bytes', mixed(b'b' * 10000, (b'--' + b'b' * 10000 + b'\n\nx\n') * 3), 3
    yield 'boundaries that begin alike', mixed(b'b', part + b'--bb\n\ny\n' + part + b'--b--\n--b\n\nafter the end\n'), 2
    yield 'white space behind boundaries', mixed(b'b', b'--b \t \n\nx\n--b--  \n'), 1
    yield 'no blank line in a part', mixed(b'b', b'--b\nContent-Type: text/html\n--b\nContent-Type: image/png\n--b--\n'), 2
    yield 'nested 500 deep', nested(500), 1
    yield 'nested 20,000 deep', nested(20000), 1
    yield 'nested 500 deep, all boundaries the same', nested(500, True), 1
    yield 'messages in messages, 500 deep', b''.join([HEAD % b'%d' % k + b'Content-Type: message/rfc822\n\n' for k in range(500)]) + HEAD % b'z' + b'\nx\n', 1
    yield '100,000 parts', mixed(b'b', part * 100000 + b'--b--\n'), 1000
    yield '100,000 empty parts', mixed(b'b', b'--b\n' * 100000), 1000
    yield '100,000 lines that are nearly boundaries', mixed(b'bb', b'--b\n--\n' * 100000), 1
    yield '1,000 messages in a digest', HEAD % b'd' + b'Content-Type: multipart/digest; boundary=b\n\n' + (b'--b\n\n' + HEAD % b'in' + b'\ny\n') * 1000, 1000
    yield 'a message in base64', HEAD % b'x' + b'Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogeAoKeAo=\n', 1
    yield 'a message without a body, and one without anything', mixed(b'b', b'--b\nContent-Type: message/rfc822\n\nSubject: y\n--b\nContent-Type: message/rfc822\n\n--b--\n'), 2
    yield 'wrong charsets', mixed(b'b', b''.join(b'--b\nContent-Type: text/plain; charset=%s\n\nx\xff\xfe\n' % c for c in
                                                 (b'utf-9', b'""', b'utf-16', b'x' * 5000, b'\xff\xff', b'UTF-8//TRANSLIT//IGNORE', b'../../etc/passwd'))), 7
    yield '8-bit header', b'From: J\xf6rg <j\xf6rg@ex\xe4mple.org>\nTo: \xc3\xbc\xff <a@b>\nSubject: gr\xfc\xc3\xbc\nContent-Type: text/\xe4; n\xe4me=\xff\n\nx\n', 1
    yield 'NULs', b'From: a\0b@example.org\nSub\0ject: x\nSubject: \0\0\nContent-Type: text/pl\0ain; charset="\0"\n\nx\0y\0\n', 1
    yield 'an mbox From line', b'From a@example.org Sun Nov 22 00:00:00 2026\n' + HEAD % b'x' + b'\n>From here\nFrom there\n', 1
    yield 'CRLF on disk', mixed(b'b', part * 2 + b'--b--\n').replace(b'\n', b'\r\n'), 2
    yield 'all kinds of line ends', mixed(b'b', part * 2 + b'--b--\n').replace(b'x\n', b'x\r') + b'\r\r\n\n\r--b\r\n\rx\n', 1
    yield 'a header line of 8 MB', HEAD % (b'y' * (8 << 20)) + b'\nx\n', 1
    yield 'a field folded into 300,000 lines', HEAD % (b'y' + b'\n y' * 300000) + b'\nx\n', 1
    yield '200,000 header fields', HEAD % b'x' + b'X-A: b\n' * 200000 + b'\nx\n', 1
    yield '100,000 addresses', HEAD % b'x' + b'Cc: ' + b'a b <c@d.e>,\n ' * 100000 + b'f@g\n\nx\n', 1
    yield '100,000 address fields', HEAD % b'x' + b'Cc: a@b\n' * 100000 + b'\nx\n', 1
    yield '100,000 parameters', HEAD % b'x' + b'Content-Type: text/plain' + b';\n a=b' * 100000 + b'\n\nx\n', 1
    yield '100,000 parts of a parameter', HEAD % b'x' + b'Content-Type: text/plain' + b''.join(b';\n name*%d*=%%41' % k for k in range(100000)) + b'\n\nx\n', 1
    yield '100,000 open comments', HEAD % b'x' + b'Cc: ' + b'(' * 100000 + b'\nContent-Type: ' + b'(' * 100000 + b'\nDate: ' + b'(' * 100000 + b'\n\nx\n', 1
    yield '100,000 groups and routes', HEAD % b'x' + b'Cc: ' + b'g:' * 50000 + b'<@' * 50000 + b'\n\nx\n', 1
    yield '100,000 encoded words', HEAD % (b'=?utf-8?q?=41?= ' * 100000) + b'Cc: ' + b'=?x?b?????= ' * 50000 + b'\n\nx\n', 1
    yield 'quotes that never end', b'From: "' + b'a\\' * 100000 + b'\nSubject: x\nContent-Type: text/plain; charset="' + b'\\"' * 100000 + b'\n\nx\n', 1
    yield '100,000 references', HEAD % b'x' + b'References: ' + b'<a@b>\n ' * 100000 + b'<c@d>\nIn-Reply-To: ' + b'<' * 100000 + b'\n\nx\n', 1
    yield 'Re: 100,000 times', HEAD % (b'Re: ' * 100000 + b'[' * 100000 + b'(fwd)' * 50000) + b'\nx\n', 1
    yield '100,000 Content-Types', HEAD % b'x' + b'Content-Type: multipart/mixed; boundary=b\n' * 100000 + b'\n' + part, 1
    yield 'a line of 8 MB', HEAD % b'x' + b'\n' + b'z' * (8 << 20), 1
    yield 'nothing', b'', 1
    yield 'a line end', b'\n', 1
    yield 'a header without an end', b'Subject: x', 1
    yield 'no header', b'\nx\n', 1
    yield 'no fields', b'this is no mail at all\nnor this\n', 1
    yield 'noise', bytes(r.randrange(256) for _ in range(200000)), 1
    yield 'noise behind a boundary', mixed(b'b', b''.join(r.choice([b'--b\n', b'--b--\n', b'\n', b'Content-Type: multipart/alternative; boundary=b\n', b'Content-Type: message/rfc822\n', b'\r\n', b'x\n'])
                                                          for _ in range(20000))), 1


def write(box, number, text):
    for sub in ('cur', 'new', 'tmp'):
        os.makedirs(os.path.join(box, sub), exist_ok=True)
    with open(os.path.join(box, 'cur', '%d.M%dP1.host:2,S' % (1700000000 + number, number)), 'wb') as f:
        f.write(text)


class Session(Server):
    """With limits; an end by one of them is an EOFError in cmd."""

    def __init__(self, argv, box):
        super().__init__(['prlimit', '--cpu=%d' % SECONDS] + (['--data=%d' % BYTES] if BYTES else []) + argv + [box])
        assert self.cmd(b'EXAMINE INBOX')[0] == b'OK'

    def fetch(self, uid, items):
        """{item: value} of one message."""
        status, lines = self.cmd(b'UID FETCH %d (UID %s)' % (uid, items))
        assert status == b'OK', (status, items[:100])
        for parts in lines:
            top = tree(tokens(parts))
            if len(top) > 3 and top[2] == 'FETCH' and isinstance(top[3], list):
                return dict(zip(top[3][::2], top[3][1::2]))
        raise AssertionError('no FETCH')

    def close(self):
        self.proc.stdin.close()
        self.file.read()
        status = self.proc.wait()
        assert status == 0, 'exit status %d' % status


def leaves(node, path=''):
    """(part number, node) of all that are no multipart; a message inside has its body below it."""
    if isinstance(node[0], list):
        kids = []
        for k in node:
            if not isinstance(k, list) or not k or not (isinstance(k[0], list) or len(k) > 6):
                break
            kids.append(k)
        assert kids and isinstance(node[len(kids)], bytes), ('multipart without a subtype', node[len(kids):])
        for n, kid in enumerate(kids):
            yield from leaves(kid, '%s%d.' % (path, n + 1))
        return
    number = path.rstrip('.') or '1'
    assert isinstance(node[0], bytes) and isinstance(node[1], bytes) and node[0] and node[1], node[:2]
    assert isinstance(node[5], bytes) and re.fullmatch(r'\d+', node[6]), node[5:7]
    yield number, node
    if node[0].lower() == b'message' and node[1].lower() == b'rfc822' and len(node) > 8 and isinstance(node[8], list):
        assert len(node[7]) == 10, 'envelope of %d' % len(node[7])
        inside = node[8]
        yield from leaves(inside, number + '.') if isinstance(inside[0], list) else leaves(inside, number + '.1.')


def check_part(s, uid, whole, number, node):
    n = number.encode()
    got = s.fetch(uid, b'BODY.PEEK[%s] BODY.PEEK[%s.MIME] BODY.PEEK[%s]<3.5>' % (n, n, n))
    body, mime, some = got['BODY[%s]' % number], got['BODY[%s.MIME]' % number], got['BODY[%s]<3>' % number]
    if body is None and node[6] == '0':        # of a message that was not taken apart, which the grammar wants
        return
    assert body is not None, ('no part', number)
    assert len(body) == int(node[6]), (number, 'has', len(body), 'bytes, not', node[6])
    assert (mime or b'') + body in whole, (number, 'is not in the message')
    assert (some or b'') == body[3:8], (number, some)
    if node[0].lower() == b'text':
        assert int(node[7]) in (body.count(b'\n'), body.count(b'\n') + 1), (number, 'lines', node[7], body.count(b'\n'))


def check(s, uid, least):
    got = s.fetch(uid, b'RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY BODY.PEEK[] BODY.PEEK[HEADER] BODY.PEEK[TEXT] PREVIEW')
    whole = got['BODY[]'] or b''
    assert int(got['RFC822.SIZE']) == len(whole), (got['RFC822.SIZE'], len(whole))
    assert (got['BODY[HEADER]'] or b'') + (got['BODY[TEXT]'] or b'') == whole, 'header and text are not the whole'
    assert len(got['ENVELOPE']) == 10
    parts = list(leaves(got['BODYSTRUCTURE']))
    assert len(parts) >= least, (len(parts), 'parts')
    assert [n for n, _ in leaves(got['BODY'])] == [n for n, _ in parts]
    step = max(1, len(parts) // SAMPLE)
    for number, node in parts[::step] + parts[-1:]:
        check_part(s, uid, whole, number, node)
    for key in (b'BODY "nothing of this"', b'TEXT core', b'SUBJECT y', b'CC c@d.e', b'HEADER Content-Type b', b'SENTSINCE 1-Jan-2001'):
        assert s.cmd(b'UID SEARCH UID %d ' % uid + key)[0] == b'OK'


def main():
    work, material, argv = sys.argv[1], sys.argv[2], sys.argv[3:]
    names, least, box = [], [], os.path.join(work, 'box')
    sys.setrecursionlimit(100000)
    for name, text, parts in hostile():
        write(box, len(names) + 1, text)
        names.append(name)
        least.append(parts)
    for path in messages(material) if os.path.isdir(material) else []:
        with open(path, 'rb') as f:
            write(box, len(names) + 1, f.read())
        names.append(os.path.relpath(path, material))
        least.append(0)
    bad, own, s = 0, sum(1 for n in least if n), None
    for uid, name in enumerate(names, 1):
        try:
            if s is None or uid <= own + 1:     # the material shares one
                s = Session(argv, box)
            check(s, uid, least[uid - 1])
            if uid <= own or uid == len(names):
                s.close()
        except (AssertionError, EOFError, KeyError, IndexError, TypeError, ValueError) as e:
            bad, s = bad + 1, None
            print('%s: %s: %s' % (name, type(e).__name__, str(e)[:300]))
    s = Session(argv, box)
    for command in (b'UID SORT (SUBJECT) UTF-8 ALL', b'UID SORT (FROM TO CC DATE SIZE) UTF-8 ALL', b'UID THREAD REFERENCES UTF-8 ALL',
                    b'UID THREAD ORDEREDSUBJECT UTF-8 ALL', b'UID SORT (DISPLAYFROM DISPLAYTO) UTF-8 ALL'):
        try:
            assert s.cmd(command)[0] == b'OK', command
        except (AssertionError, EOFError) as e:
            bad += 1
            print('%s: %s' % (command, type(e).__name__))
            s = Session(argv, box)
    s.close()
    print('%d messages, %d bad' % (len(names), bad))
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
