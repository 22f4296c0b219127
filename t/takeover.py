#!/usr/bin/env python3
"""takeover.py fill|state PREFIX -- SERVER...: a mailbox as another IMAP server makes it, and as any server shows it.

SERVER is a command that speaks IMAP, authenticated, on its standard input and output; PREFIX stands before the names of its
folders ("INBOX." for Courier).  fill makes folders, messages, flags, keywords, subscriptions and expunges; state prints all a client
can know of it, in a form that is the same for all servers.
"""
import imaplib
import os
import re
import shlex
import sys

FOLDERS = ['Work', 'Work.Old', os.environ.get('THIRD', 'Entw&APw-rfe'), 'Empty']
KEYWORDS = ['$Forwarded', '$Label1', 'NonJunk', 'project-x', 'later']


def ok(answer):
    assert answer[0] == 'OK', answer
    return answer[1]


def message(k):
    extra = b'Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n' if k % 3 == 0 else b''
    return (b'From: a%d@example.org\r\nTo: alice@example.test\r\nSubject: message %d\r\nMessage-ID: <%d@example.org>\r\n'
            b'Date: Sun, 22 Nov 2026 00:00:%02d +0000\r\n%s\r\n%s\r\n' % (k, k, k, k % 60, extra, b'gr\xc3\xbcn ' * (k % 7) + b'body'))


def fill(m, prefix):
    names = ['INBOX'] + ['"%s%s"' % (prefix, f) for f in FOLDERS]
    for name in names[1:]:
        ok(m.create(name))
    for name in names[:4]:
        ok(m.subscribe(name))
    k = 0
    for name, count in zip(names, (40, 12, 3, 2, 0)):
        for _ in range(count):
            k += 1
            flags = ' '.join(f for n, f in enumerate(['\\Seen', '\\Flagged', '\\Answered', '\\Draft']) if k >> n & 1)
            ok(m.append(name, '(%s)' % flags, imaplib.Time2Internaldate(1700000000 + 1000 * k), message(k)))
        ok(m.select(name))
        for n, keyword in enumerate(KEYWORDS[:count]):
            ok(m.store('%d:%d' % (n + 1, min(n * 3 + 2, count)), '+FLAGS', '(%s)' % keyword))
        if count > 5:
            ok(m.store('2,5,7:9', '+FLAGS', '(\\Deleted)'))
            ok(m.expunge())
            ok(m.store('3', '+FLAGS', '(\\Deleted)'))
            ok(m.store('4', '-FLAGS', '(%s)' % KEYWORDS[2]))
    ok(m.select('INBOX'))
    ok(m.copy('1:6', names[1]))
    ok(m.copy('11', names[3]))


def listed(lines, prefix):
    out = []
    for line in lines:
        delimiter, name = re.match(rb'\(.*?\) "(.)" "?([^"]*)"?$', line).groups()
        name = name.decode()
        name = name if name == 'INBOX' or not name.startswith(prefix) else name[len(prefix):]
        out.append(name.replace(delimiter.decode(), '/'))
    return sorted(out)


def state(m, prefix):
    print('folders', listed(ok(m.list()), prefix))
    print('subscribed', listed(ok(m.lsub()), prefix))
    delimiter = re.search(rb'"(.)"', ok(m.list())[0]).group(1).decode()
    for folder in ['INBOX'] + FOLDERS:
        name = folder if folder == 'INBOX' else '"%s%s"' % (prefix, folder.replace('.', delimiter))
        ok(m.select(name, readonly=True))
        validity = m.response('UIDVALIDITY')[1][0].decode()
        following = re.search(rb'UIDNEXT (\d+)', ok(m.status(name, '(UIDNEXT)'))[0]).group(1).decode()
        print('mailbox', folder.replace('.', '/'), validity, following)
        answers = ok(m.uid('FETCH', '1:*', '(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])'))
        for answer in answers:
            if not isinstance(answer, tuple):
                continue
            head, text = answer
            uid, size = (int(re.search(w + rb' (\d+)', head).group(1)) for w in (rb'UID', rb'RFC822.SIZE'))
            flags = sorted(f.decode() for f in re.search(rb'FLAGS \((.*?)\)', head).group(1).split() if f != b'\\Recent')
            when = imaplib.Internaldate2tuple(head)
            assert size == len(text), (folder, uid, size, len(text))
            print(uid, size, '%04d-%02d-%02d %02d:%02d:%02d' % when[:6], re.search(rb'Subject: (.*)\r', text).group(1).decode(), *flags)


def main():
    what, prefix = sys.argv[1:3]
    m = imaplib.IMAP4_stream(shlex.join(sys.argv[sys.argv.index('--') + 1:]))
    {'fill': fill, 'state': state}[what](m, prefix)
    m.logout()


if __name__ == '__main__':
    main()
