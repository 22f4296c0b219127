#!/usr/bin/env python3
"""Replays the example dialogues of RFCs: imap_rfc.py IMAPD MAILDIR RFC.txt...

The commands after "C:" are taken from the texts as they stand and sent to a server over a mailbox of 1000 messages.  The examples' mailboxes
are not ours, so what must agree is what does not depend on them: whether the command is well-formed (BAD or not), that the reply has the
tag, and which kinds of data a successful command is answered with.
"""
import os
import re
import subprocess
import sys

IMAPD, ROOT, TEXTS = sys.argv[1], sys.argv[2], sys.argv[3:]
MESSAGES = 1000
# Before login, experiments, and what is not here.
NOT_HERE = re.compile(r'^(LOGIN|AUTHENTICATE|STARTTLS|X[A-Z-]+|BLURDYBLOOP|ESEARCH|CONVERT|COMPARATOR|UNAUTHENTICATE)\b', re.I)
# What breaks the RFC's own grammar: (RFC, beginning of the command).
ODD = {
    ('rfc5464', 'SETMETADATA INBOX (/private/comment {'),       # the literal is not marked as the client's
    ('rfc5465', 'notify set status'), ('rfc5465', 'notify set (selected MessageNew (uid body'),          # events without parentheses, and one alone; replayed by imap_notify.py
    ('rfc5464', 'GETMETADATA "INBOX" /private/comment /shared/comment'),        # a list without parentheses
    ('rfc5267', 'UID SORT RETURN (UPDATE COUNT) UTF-8 KEYWORD'),        # no criteria
}
DATA = re.compile(r'^\* (?:\d+ )?(SEARCH|ESEARCH|FETCH|UIDFETCH|LIST|STATUS|BYE|NAMESPACE|ENABLED|CAPABILITY|ID|SORT|THREAD|QUOTAROOT|'
                  r'UIDBATCHES|FLAGS|ACL|LISTRIGHTS|MYRIGHTS)\b')


# Lines of a literal, and what is said instead of a line.
NO_TAG = {'Hello', 'FRED', 'fat', '...very', '...empty'}
COUNT = [0]


def clean(path):
    """The text without what separates pages."""
    with open(path, encoding='latin-1') as f:
        lines = f.read().replace('\f', '').split('\n')
    return [x for x in lines if not re.search(r'\[Page \d+\]$|^RFC \d+ +.* \d{4}$', x)]


def dialogues(lines):
    """Groups of ('C' or 'S', text) that follow each other."""
    out, blank = [], 0
    for line in lines:
        m = re.match(r'^\s*([CS]):(?: |$)(.*)', line)
        if m:
            out.append([m.group(1), m.group(2).rstrip(), line.index(m.group(1) + ':')])
            blank = 0
        elif not line.strip():
            blank += 1
        elif out and not blank and len(line) - len(line.lstrip()) > out[-1][2] and not line.strip().startswith('//'):
            out[-1][1] = out[-1][1].rstrip('\\').rstrip() + ' ' + line.strip()
    return out


def tidy(text):
    """A command that the page was too narrow for."""
    text = re.sub(r'\s+\)', ')', re.sub(r'\(\s+', '(', text)).replace(')"', ') "')
    return re.sub(r'(\d),\s+(\d)', r'\1,\2', text)


def literal_of(text, lines):
    """The literal that text announces, out of the lines that follow it, and the text behind it."""
    size = int(re.search(r'(\d+)\+?\}$', text).group(1))
    data = ''.join(x + '\r\n' for x in lines)
    rest = data[size:].rstrip('\r\n')
    if len(data) < size or not re.match(r'$|[ )]', rest):       # the count is not that of the text
        data, rest = data[:-2], ''
        for k, line in enumerate(lines[1:], 1):
            if re.match(r' (URL|TEXT) |\)$', line):
                data, rest = ''.join(x + '\r\n' for x in lines[:k]), line
                break
    else:
        data = data[:size]
    return re.sub(r'\{\d+\+?\}$', '{%d+}' % len(data), text) + '\r\n' + data, rest


def commands(said):
    """(tag, text with its literals, what the server of the example answered)."""
    k = 0
    while k < len(said):
        who, text, _ = said[k]
        k += 1
        m = re.match(r'^\s*([A-Za-z0-9.]+) +([A-Za-z]+\b.*)', text) if who == 'C' else None
        if not m or m.group(1) in NO_TAG:
            continue
        tag, part, text = m.group(1), tidy(m.group(2).strip()), ''
        while re.search(r'\{\d+\+?\}$', part):
            lines = []
            while k < len(said) and said[k][0] == 'S' and said[k][1].strip().startswith('+'):
                k += 1
            while k < len(said) and said[k][0] == 'C':
                lines.append(said[k][1])
                k += 1
                if re.search(r'\{\d+\+?\}$', lines[-1]):
                    break
            part, rest = literal_of(part, lines)
            text, part = text + part, rest
        text += part
        answer = []
        while k < len(said) and not (said[k][0] == 'C' and re.match(r'^\s*[A-Za-z0-9.]+ +[A-Za-z]', said[k][1])):
            if said[k][0] == 'S':
                answer.append(said[k][1].strip())
            k += 1
            if answer and answer[-1].startswith(tag + ' '):
                break
        yield tag, text, answer


def expanded(text):
    """"f3 ... f9" written out."""
    m = re.search(r'\bf(\d+) \.\.\. f(\d+)', text)
    return text if not m else text[:m.start()] + ' '.join('f%d' % n for n in range(int(m.group(1)), int(m.group(2)) + 1)) + text[m.end():]


def status_of(tag, answer, later):
    """OK, NO or BAD; of a command that others follow at once, from where its answer stands; '' where none is shown."""
    for said in (answer, later):
        for line in said:
            if re.match(re.escape(tag) + ' (OK|NO|BAD)\\b', line):
                return line.split()[1]
    return ''


class Server:
    def __init__(self):
        self.proc = subprocess.Popen([IMAPD, ROOT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.proc.stdout.readline()

    def cmd(self, tag, text):
        self.proc.stdin.write(('%s %s\r\n' % (tag, text)).encode('latin-1'))
        if text.upper() == 'IDLE':
            self.proc.stdin.write(b'DONE\r\n')
        self.proc.stdin.flush()
        out = []
        while True:
            line = self.proc.stdout.readline()
            if not line:
                raise EOFError('the server went away after: %s %s' % (tag, text))
            m = re.search(rb'\{(\d+)\}\r\n$', line)
            if m:
                self.proc.stdout.read(int(m.group(1)))
            out.append(line.decode('latin-1').rstrip('\r\n'))
            if line.startswith(tag.encode() + b' ') and not m:
                return out


def fill():
    """What a command has taken away comes back."""
    for k in range(MESSAGES - len(os.listdir(ROOT + '/cur')) - len(os.listdir(ROOT + '/new'))):
        COUNT[0] += 1
        with open('%s/cur/1600000000.%d.host:2,%s' % (ROOT, COUNT[0], 'S' if k % 7 == 0 else ''), 'w', encoding='ascii') as f:
            f.write('From: a%d@example.org\nTo: b@example.net\nSubject: number %d\nDate: Mon, 1 Feb 1994 10:00:%02d +0000\n\nbody %d\n' % (
                k, k, k % 60, k))


def prepare():
    fill()
    s = Server()
    for name in ('Drafts', 'Sent', 'Trash', 'foo', 'foo/bar', 'saved-messages', 'MEETING', 'blurdybloop', 'Archive', 'Archives/2023',
                 'INBOX/Drafts', '~/Mail/saved', 'archive/imap', 'TargetMailbox'):
        s.cmd('p', 'CREATE "%s"' % name)
        s.cmd('p', 'SUBSCRIBE "%s"' % name)


def replay(path):
    """(replayed, those with data compared, complaints)"""
    name = os.path.basename(path)[:-4]
    done = compared = 0
    wrong = []
    enable = {'rfc7162': 'ENABLE QRESYNC', 'rfc9051': 'ENABLE IMAP4rev2'}.get(name, 'NOOP')
    s = Server()
    s.cmd('q', enable)
    said = dialogues(clean(path))
    for tag, text, answer in commands(said):
        status, text = status_of(tag, answer, [t.strip() for who, t, _ in said if who == 'S']), expanded(text)
        if NOT_HERE.match(text) or '...' in text or '<' in text.split('{')[0].replace('<0', '') or any(
                name == r and text.startswith(t) for r, t in ODD):
            continue
        fill()
        s.cmd('q', 'SELECT INBOX')
        got = s.cmd(tag, text)
        mine = got[-1].split()[1]
        done += 1
        if text.upper() == 'LOGOUT':
            s = Server()
            s.cmd('q', enable)
        if (status == 'BAD') != (mine == 'BAD'):
            wrong.append('%s: %s %s: the RFC has %s, we: %s' % (name, tag, text, status, got[-1]))
            continue
        if status == mine == 'OK':
            want = {m.group(1) for m in map(DATA.match, answer) if m}
            have = {m.group(1) for m in map(DATA.match, got) if m}
            if text.upper().startswith('MYRIGHTS'):     # an example that is pipelined behind SELECT
                want.discard('FLAGS')
            # Which messages and mailboxes there are is the example's own.
            if not want <= have | {'FETCH', 'UIDFETCH', 'LIST'} | ({'STATUS'} if text.upper().startswith('LIST') else set()):
                wrong.append('%s: %s %s: no %s in %s' % (name, tag, text, want - have, got))
            compared += 1
    s.proc.stdin.close()
    s.proc.wait(200)
    return done, compared, wrong


def main():
    prepare()
    bad = total = 0
    for path in TEXTS:
        done, compared, wrong = replay(path)
        total += done
        print('%s: %d commands replayed, data of %d compared' % (os.path.basename(path), done, compared))
        for w in wrong:
            print('  ' + w)
        bad += len(wrong)
    print('%d commands, %d differ' % (total, bad))
    sys.exit(bad > 0)


main()
