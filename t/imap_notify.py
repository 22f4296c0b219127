#!/usr/bin/env python3
"""NOTIFY (RFC 5465) between several sessions: imap_notify.py IMAPD MAILDIR TEST [WORDS FOR IMAPD...].

Each test is a function below.  What must come is awaited; that something does not come is shown by what comes after it.
"""
import contextlib
import os
import re
import signal
import time

from imap_sessions import Imap, ROOT, deliver, run

MSG = 'MessageNew MessageExpunge'


class Session(Imap):
    """A session that is told of more than what its commands ask for."""

    def told(self, *want, timeout=120.0):
        """Awaits these lines (regular expressions), in this order and with nothing between them."""
        got = []
        for w in want:
            got.append(self.line(timeout).decode())
            while got[-1].endswith(' RECENT'):
                got[-1] = self.line(timeout).decode()
            assert re.fullmatch(w, got[-1]), 'wanted %r, got %r' % (w, got)
        return got

    def until(self, want, timeout=120.0):
        """Awaits this line; what came before it."""
        got = []
        while True:
            got.append(self.line(timeout).decode())
            if re.fullmatch(want, got[-1]):
                return got[:-1]

    @contextlib.contextmanager
    def stopped(self):
        """Sees nothing meanwhile, and then all of it at once."""
        self.proc.send_signal(signal.SIGSTOP)
        assert os.WIFSTOPPED(os.waitpid(self.proc.pid, os.WUNTRACED)[1])
        yield
        self.proc.send_signal(signal.SIGCONT)

    def quiet(self, other):
        """Nothing comes before this session is told of a mailbox that the other one now makes."""
        other.cmd('CREATE Mark')
        self.told(r'\* LIST \(.*\) "/" Mark')
        other.cmd('DELETE Mark')
        self.told(r'\* LIST \(\\NonExistent.*\) "/" Mark')


def pair(what, select=None):
    """A session that has said this to NOTIFY, and another one."""
    a, b = Session(), Session()
    if select:
        a.cmd('SELECT ' + select)
    a.cmd('NOTIFY SET ' + what)
    return a, b


def append(s, box, flags='', text='x'):
    data = 'Subject: %s\r\n\r\nbody\r\n' % text
    s.cmd('APPEND %s (%s) {%d+}\r\n%s' % (box, flags, len(data), data))


def others():
    """STATUS of mailboxes that are not selected, with what each event asks for."""
    b = Session()
    for name in ('Lists', 'Lists/A', 'Lists/B', 'Other'):
        b.cmd('CREATE ' + name)
    append(b, 'Lists/A')
    a = Session()
    out = a.cmd('NOTIFY SET STATUS (subtree Lists (%s)) (mailboxes (Other Nowhere) (%s FlagChange)) '
                '(personal (MailboxName))' % (MSG, MSG))
    assert sorted(x.split()[2] for x in out) == ['Lists', 'Lists/A', 'Lists/B', 'Other'], out
    assert any(re.fullmatch(r'\* STATUS Lists/A \(MESSAGES 1 UIDNEXT 2 UIDVALIDITY \d+\)', x) for x in out), out
    assert any(re.fullmatch(r'\* STATUS Other \(MESSAGES 0 UIDNEXT 1 UIDVALIDITY \d+ UNSEEN 0 HIGHESTMODSEQ \d+\)', x)
               for x in out), out
    append(b, 'Lists/A')
    a.told(r'\* STATUS Lists/A \(MESSAGES 2 UIDNEXT 3 UIDVALIDITY \d+\)')
    deliver('.Lists.B')
    a.told(r'\* STATUS Lists/B \(MESSAGES 1 UIDNEXT 2 UIDVALIDITY \d+\)')
    b.cmd('SELECT Lists/A')
    b.cmd('STORE 1 +FLAGS (\\Deleted)')             # FlagChange is not asked for there
    b.cmd('EXPUNGE')
    a.told(r'\* STATUS Lists/A \(MESSAGES 1 UIDNEXT 3 UIDVALIDITY \d+\)')
    append(b, 'Other')
    a.told(r'\* STATUS Other \(MESSAGES 1 UIDNEXT 2 UIDVALIDITY \d+ UNSEEN 1\)')
    b.cmd('SELECT Other')
    b.cmd('STORE 1 +FLAGS (\\Flagged)')             # neither UNSEEN nor, without CONDSTORE, a mod-sequence to tell
    b.cmd('STORE 1 +FLAGS (\\Seen)')
    a.told(r'\* STATUS Other \(UIDVALIDITY \d+ UNSEEN 0\)')
    a.cmd('ENABLE CONDSTORE')
    b.cmd('STORE 1 +FLAGS (\\Answered)')
    a.told(r'\* STATUS Other \(UIDVALIDITY \d+ HIGHESTMODSEQ \d+\)')
    a.quiet(b)


def own():
    """What the session does itself is not told to it; what another does meanwhile is."""
    a, b = pair('(selected (%s FlagChange)) (personal (%s MailboxName SubscriptionChange MailboxMetadataChange))' % (MSG, MSG))
    assert a.cmd('CREATE Mine/Sub') == []
    assert a.cmd('SUBSCRIBE Mine/Sub') == []
    assert a.cmd('SETMETADATA Mine/Sub (/private/comment "x")') == []
    append(a, 'Mine/Sub')
    append(a, 'INBOX')
    a.cmd('SELECT INBOX')
    a.cmd('COPY 1 Mine/Sub')
    a.cmd('UNSELECT')
    assert a.cmd('RENAME Mine Yours') == []
    assert a.cmd('UNSUBSCRIBE Mine/Sub') == []
    a.quiet(b)
    append(b, 'Yours/Sub')
    a.told(r'\* STATUS Yours/Sub \(MESSAGES 3 UIDNEXT 4 .*\)')
    assert a.cmd('DELETE Yours/Sub') == []
    a.quiet(b)


def selected():
    """The selected mailbox while no command runs: EXISTS with attributes, flags with UID, EXPUNGE."""
    a, b = pair('(selected (MessageNew (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)]) MessageExpunge FlagChange)) '
                '(personal (MailboxName))', 'INBOX')
    b.cmd('SELECT INBOX')
    append(b, 'INBOX', '\\Flagged', 'Hello')
    a.until(r'\* 1 EXISTS')
    got = a.until(r'.*\{18\}')
    assert a.told(r'Subject: Hello', '', r'\)') and all('RECENT' in x for x in got), got
    b.cmd('STORE 1 +FLAGS (\\Answered)')
    a.told(r'\* 1 FETCH \(UID 1 FLAGS \(\\Answered \\Flagged.*\)\)')
    append(a, 'INBOX', '', 'own')                   # EXISTS, and no FETCH for our own
    deliver(subject='Delivered')
    a.until(r'\* 3 EXISTS')
    a.until(r'\* 3 FETCH \(UID 3 .*\{22\}')
    a.told('Subject: Delivered', '', r'\)')
    b.cmd('STORE 1 +FLAGS.SILENT (\\Deleted)')
    a.told(r'\* 1 FETCH \(UID 1 FLAGS .*Deleted.*')
    b.cmd('EXPUNGE')
    a.told(r'\* 1 EXPUNGE')
    a.cmd('ENABLE QRESYNC')
    b.cmd('UID STORE 2 +FLAGS (\\Deleted)')
    a.told(r'\* 1 FETCH \(UID 2 FLAGS .*MODSEQ \(\d+\)\)')
    b.cmd('EXPUNGE')
    a.told(r'\* VANISHED 2')
    # An expunge that a FETCH had to keep back follows it at once.
    a.cmd('NOOP')
    a.quiet(b)


def no_flags():
    """SELECTED without FlagChange; attributes are for SELECTED alone."""
    a, b = pair('(selected (%s)) (personal (MailboxName))' % MSG, 'INBOX')
    deliver()
    a.until(r'\* 1 EXISTS')
    b.cmd('SELECT INBOX')
    b.cmd('STORE 1 +FLAGS (\\Answered)')
    a.quiet(b)
    assert a.cmd('NOOP') == []
    a.cmd('NOTIFY SET (mailboxes INBOX (MessageNew (UID) MessageExpunge))', 'BAD')


def delayed():
    """SELECTED-DELAYED: new messages at once, EXPUNGE when a command allows it, or IDLE."""
    for _ in range(3):
        deliver()
    a, b = pair('(selected-delayed (%s FlagChange)) (personal (MailboxName))' % MSG, 'INBOX')
    b.cmd('SELECT INBOX')
    b.cmd('STORE 1 +FLAGS (\\Deleted)')
    a.told(r'\* 1 FETCH .*Deleted.*')
    b.cmd('EXPUNGE')
    deliver()
    a.until(r'\* 4 EXISTS')
    a.quiet(b)
    assert any('2 FETCH (UID 2)' in x for x in a.cmd('FETCH 2 UID'))
    assert '* 1 EXPUNGE' in a.cmd('NOOP')
    b.cmd('STORE 1 +FLAGS (\\Deleted)')
    a.until(r'\* 1 FETCH .*Deleted.*')
    a.send(b'i IDLE\r\n')
    a.until(r'\+ idling')
    b.cmd('EXPUNGE')
    a.until(r'\* 1 EXPUNGE')
    a.send(b'DONE\r\n')
    a.until('i OK.*')


def snapshot():
    """Without SELECTED, and after NOTIFY NONE, the selected mailbox stays as it was; NOTIFY SET brings it up to date."""
    deliver()
    for what in ('SET (personal (MailboxName))', 'SET (selected NONE) (personal (MailboxName))', 'NONE'):
        a, b = Session(), Session()
        count = int(a.cmd('SELECT INBOX')[2].split()[1])
        b.cmd('SELECT INBOX')
        a.cmd('NOTIFY ' + what)
        deliver()
        b.cmd('NOOP')
        b.cmd('STORE 1 +FLAGS (\\Answered)')
        assert a.cmd('NOOP') == [] and a.cmd('CHECK') == []
        assert len(a.cmd('UID SEARCH ALL')[0].split()) == count + 2
        if what != 'NONE':
            a.quiet(b)
        out = a.cmd('NOTIFY SET (selected (%s FlagChange))' % MSG)
        assert '* %d EXISTS' % (count + 1) in out and any('Answered' in x for x in out), out
        b.cmd('STORE 1 -FLAGS (\\Answered)')
        a.until(r'\* 1 FETCH .*')
        a.close()
        b.close()
    # The mailbox that was left behind is one of the others again: from what the client has seen of it.
    a, b = pair('(selected (%s)) (mailboxes INBOX (%s)) (personal (MailboxName))' % (MSG, MSG), 'INBOX')
    deliver()
    a.until(r'\* \d+ EXISTS')
    a.quiet(b)
    a.cmd('UNSELECT')
    a.quiet(b)
    deliver()
    a.told(r'\* STATUS INBOX .*')


def names():
    """LIST for what is made, deleted and renamed; with OLDNAME, once for a whole tree; parents are told too."""
    a, b = pair('(personal (MailboxName))')
    b.cmd('CREATE A')
    a.told(r'\* LIST \(\\HasNoChildren\) "/" A')
    b.cmd('CREATE A/B')
    a.told(r'\* LIST \(\\HasNoChildren\) "/" A/B', r'\* LIST \(\\HasChildren\) "/" A')
    with a.stopped():       # each directory of the tree is renamed by itself
        b.cmd('RENAME A Z')
    a.told(r'\* LIST \(\\HasChildren\) "/" Z \("OLDNAME" \(A\)\)')
    b.cmd('CREATE P/Q')
    a.told(r'\* LIST \(\\HasNoChildren\) "/" P/Q', r'\* LIST \(\\NonExistent \\HasChildren\) "/" P')
    b.cmd('CREATE "&AOk-t&AOk-"')
    a.told(r'\* LIST \(\\HasNoChildren\) "/" &AOk-t&AOk-')
    a.cmd('ENABLE UTF8=ACCEPT')
    b.cmd('RENAME "&AOk-t&AOk-" Drafts')
    a.told('\\* LIST \\(\\\\HasNoChildren \\\\Drafts\\) "/" Drafts \\("OLDNAME" \\("\u00c3\u00a9t\u00c3\u00a9"\\)\\)'
           .encode('latin-1').decode('utf-8'))
    b.cmd('DELETE Z/B')
    a.told(r'\* LIST \(\\NonExistent \\HasNoChildren\) "/" Z/B', r'\* LIST \(\\HasNoChildren\) "/" Z')
    os.rename(os.path.join(ROOT, '.Z'), os.path.join(ROOT, '.Foreign'))
    a.told(r'\* LIST \(\\HasNoChildren\) "/" Foreign \("OLDNAME" \(Z\)\)')
    # A mailbox that takes the place of another is new, whatever its inode is.
    b.cmd('DELETE Foreign')
    b.cmd('CREATE Fresh')
    got = a.told(r'\* LIST .*', r'\* LIST .*')
    assert any('"/" Fresh' in x for x in got) and any('NonExistent' in x for x in got), got
    # NONE takes away what another group asks for.
    a.cmd('NOTIFY SET (mailboxes Hidden NONE) (personal (MailboxName))')
    b.cmd('CREATE Hidden')
    a.quiet(b)


def subscriptions():
    """SubscriptionChange, and filters that follow the subscriptions."""
    a, b = pair('(personal (SubscriptionChange)) (subscribed (%s))' % MSG)
    b.cmd('CREATE A')
    b.cmd('SUBSCRIBE A')
    a.told(r'\* LIST \(\\HasNoChildren \\Subscribed\) "/" A')
    append(b, 'A')
    a.told(r'\* STATUS A \(MESSAGES 1 .*')
    b.cmd('SUBSCRIBE Nowhere')
    a.told(r'\* LIST \(\\NonExistent \\HasNoChildren \\Subscribed\) "/" Nowhere')
    b.cmd('UNSUBSCRIBE A')
    a.told(r'\* LIST \(\\HasNoChildren\) "/" A')
    append(b, 'A')
    b.cmd('UNSUBSCRIBE Nowhere')
    a.told(r'\* LIST \(\\NonExistent \\HasNoChildren\) "/" Nowhere')


def metadata():
    """MailboxMetadataChange and ServerMetadataChange; ENABLE METADATA (RFC 5464) tells at the end of commands."""
    b = Session()
    b.cmd('CREATE A')
    b.cmd('SETMETADATA A (/private/comment "old" /private/keep "k")')
    a = Session()
    a.cmd('NOTIFY SET (personal (MailboxMetadataChange ServerMetadataChange))')
    b.cmd('SETMETADATA A (/private/comment "new" /shared/comment "x")')
    a.told(r'\* METADATA A /private/comment /shared/comment')
    b.cmd('SETMETADATA A (/private/comment NIL)')
    a.told(r'\* METADATA A /private/comment')
    b.cmd('SETMETADATA "" (/shared/comment "x")')
    a.told(r'\* METADATA "" /shared/comment')
    b.cmd('SETMETADATA INBOX (/private/comment "x")')
    a.told(r'\* METADATA INBOX /private/comment')
    c = Session()
    assert c.cmd('ENABLE METADATA') == ['* ENABLED METADATA']
    assert c.cmd('ENABLE METADATA-SERVER') == ['* ENABLED METADATA-SERVER']
    b.cmd('SETMETADATA A (/private/comment "third")')
    b.cmd('SETMETADATA "" (/shared/comment NIL)')
    out = []
    while len(out) < 2:
        out += c.cmd('NOOP')
    assert sorted(out) == ['* METADATA "" /shared/comment', '* METADATA A /private/comment'], out
    assert c.cmd('SETMETADATA A (/private/comment "mine")') == []
    c.send(b'i IDLE\r\n')
    c.told(r'\+ idling')
    b.cmd('SETMETADATA A (/private/comment "fourth")')
    c.told(r'\* METADATA A /private/comment')
    d = Session()
    b.cmd('SETMETADATA A (/private/comment "fifth")')
    assert d.cmd('NOOP') == []


def errors():
    """What is refused, and with which code; what was asked for before holds on."""
    a, b = pair('(personal (MailboxName))')
    for bad in ('', ' SET', ' SET STATUS', ' NONE x', ' SET (personal)', ' SET (personal ())', ' SET (selected (MailboxName))',
                ' SET (personal (MessageNew))', ' SET (personal (MessageExpunge))', ' SET (personal (FlagChange))',
                ' SET (personal (MessageNew FlagChange))', ' SET (selected NONE) (selected-delayed NONE)',
                ' SET (subtree-one A NONE)', ' SET (mailboxes NONE)', ' SET (unknown NONE)', ' SET (personal NONE',
                ' SET (personal NONE)(inboxes NONE)', ' SET (selected (MessageNew (NOTHING) MessageExpunge))',
                ' SET (selected (MessageNew MessageExpunge))x'):
        a.cmd('NOTIFY' + bad, 'BAD')
    for bad in ('AnnotationChange', 'FutureEvent', 'MessageNew MessageExpunge AnnotationChange'):
        a.cmd('NOTIFY SET (personal (%s))' % bad, 'NO')
        assert '[BADEVENT (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange ' \
            'ServerMetadataChange)]' in a.tagged, a.tagged
    a.quiet(b)
    a.cmd('NOTIFY NONE')
    b.cmd('CREATE A')
    assert a.cmd('NOOP') == []


def overflow():
    """More mailboxes than are watched: refused at once, or NOTIFY NONE when they become too many."""
    def make(k):
        for d in ('cur', 'new', 'tmp'):
            os.makedirs(os.path.join(ROOT, '.m%04d' % k, d))
    for k in range(999):
        make(k)
    a = Session()
    a.cmd('NOTIFY SET (personal (MailboxName))')
    make(999)
    a.told(r'\* OK \[NOTIFICATIONOVERFLOW\].*')
    make(1000)
    deliver('.m0001')
    assert a.cmd('NOOP') == []
    a.cmd('NOTIFY SET (personal (MailboxName))', 'NO')
    assert '[NOTIFICATIONOVERFLOW]' in a.tagged
    a.cmd('NOTIFY SET (mailboxes m0001 (%s))' % MSG)
    deliver('.m0001')
    a.told(r'\* STATUS m0001 .*')


def idle():
    """IDLE tells the same events, and nothing else."""
    a, b = pair('(mailboxes A (%s)) (personal (MailboxName))' % MSG, 'INBOX')
    a.send(b'i IDLE\r\n')
    a.told(r'\+ idling')
    deliver()                                       # the selected mailbox is not named
    b.cmd('CREATE A')
    a.told(r'\* LIST .* A')
    append(b, 'A')
    a.told(r'\* STATUS A .*')
    a.send(b'DONE\r\n')
    a.told('i OK.*')


def busy():
    """A client that never pauses is told all the same, and one that floods a mailbox does not make the server work for ever."""
    a, b = pair('(mailboxes A (%s)) (personal (MailboxName))' % MSG)
    b.cmd('CREATE A')
    a.until(r'\* LIST .* A')
    start, lines = time.monotonic(), []
    for _ in range(500):
        deliver('.A')
    took = time.monotonic() - start
    while not any('MESSAGES 500' in x for x in lines):
        lines += a.cmd('NOOP')
        assert time.monotonic() - start < 200, lines[-3:]
    assert sum('STATUS' in x for x in lines) < 100 + 1000 * took, (len(lines), took)


def uidonly():
    """UIDFETCH instead of FETCH, VANISHED instead of EXPUNGE."""
    a, b = pair('(selected (MessageNew (FLAGS) MessageExpunge FlagChange))', 'INBOX')
    a.cmd('ENABLE UIDONLY')
    deliver()
    a.until(r'\* 1 EXISTS')
    a.until(r'\* 1 UIDFETCH \(FLAGS \(.*\)\)')
    b.cmd('SELECT INBOX')
    b.cmd('STORE 1 +FLAGS (\\Deleted)')
    a.told(r'\* 1 UIDFETCH \(FLAGS .*')
    b.cmd('EXPUNGE')
    a.told(r'\* VANISHED 1')


def rfc5465():
    """The dialogues of sections 3.1 and 6, with the parentheses that section 8 wants."""
    b = Session()
    for name in ('Lists', 'Lists/Lemonade', 'Lists/Im2000', 'misc'):
        b.cmd('CREATE ' + name)
    a = Session()
    out = a.cmd('notify set status (selected (MessageNew (uid body.peek[header.fields (from to subject)]) MessageExpunge)) '
                '(subtree Lists (MessageNew MessageExpunge))')
    assert len(out) == 3 and all('UIDVALIDITY' in x and 'UIDNEXT' in x and 'MESSAGES' in x for x in out), out
    a.cmd('select inbox')
    deliver('.Lists.Lemonade')
    a.told(r'\* STATUS Lists/Lemonade \(.*UIDNEXT 2.*\)')
    deliver('', 'Re: good morning')
    a.until(r'\* 1 EXISTS')
    a.told(r'\* 1 FETCH \(UID 1 BODY\[HEADER.FIELDS \(from to subject\)\] \{\d+\}', 'From: a@example.org', 'Subject: Re: good morning',
           '', r'\)')
    assert len(a.cmd('STATUS misc (UIDVALIDITY UIDNEXT MESSAGES)')) == 1
    assert a.cmd('notify set (selected (MessageNew (uid body.peek[header.fields (from to subject)]) MessageExpunge)) '
                 '(subtree Lists (MessageNew MessageExpunge)) (mailboxes misc (MessageNew MessageExpunge))') == []
    deliver('.misc')
    a.told(r'\* STATUS misc \(.*')
    a.cmd('UNSELECT')
    a.cmd('notify set (mailboxes INBOX (Messagenew messageExpunge)) (personal (SubscriptionChange))')
    b.cmd('SUBSCRIBE INBOX')
    a.told(r'\* LIST \(.*\\Subscribed\) "/" INBOX')
    deliver()
    a.told(r'\* STATUS INBOX \(.*')
    a.cmd('notify set (selected (Messagenew (uid flags) messageExpunge)) (personal (MessageNew FlagChange MessageExpunge))')


def context():
    """UPDATE with attributes (section 7): one FETCH for all that want some, between EXISTS and ADDTO; none for a mere change."""
    a, b = pair('(selected (MessageNew (UID) MessageExpunge FlagChange)) (personal (MailboxName))', 'INBOX')
    a.cmd('SEARCH RETURN (COUNT UPDATE (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])) SUBJECT boss')
    first = 't%d' % a.n
    a.cmd('UID SEARCH RETURN (UPDATE(UID FLAGS)) OR SUBJECT boss FLAGGED')
    second = 't%d' % a.n
    deliver('', 'the boss')
    a.until(r'\* 1 EXISTS')
    a.told(r'\* 1 FETCH \(UID 1 FLAGS \(.*\) BODY\[HEADER.FIELDS \(SUBJECT\)\] \{21\}', 'Subject: the boss', '', r'\)',
           r'\* ESEARCH \(TAG "%s"\) UID ADDTO \(0 1\)' % second, r'\* ESEARCH \(TAG "%s"\) ADDTO \(0 1\)' % first)
    deliver('', 'other')
    a.until(r'\* 2 EXISTS')
    a.told(r'\* 2 FETCH \(UID 2\)')
    b.cmd('SELECT INBOX')
    b.cmd('STORE 2 +FLAGS (\\Flagged)')
    a.told(r'\* 2 FETCH \(UID 2 FLAGS .*Flagged.*\)', r'\* ESEARCH \(TAG "%s"\) UID ADDTO \(0 2\)' % second)
    # The same without NOTIFY.
    c = Session()
    c.cmd('SELECT INBOX')
    c.cmd('SEARCH RETURN (UPDATE (UID)) SUBJECT boss')
    deliver('', 'boss too')
    deliver('', 'not')
    out = c.cmd('NOOP')
    assert [x for x in out if 'FETCH' in x] == ['* 3 FETCH (UID 3)'] and '* 4 EXISTS' in out, out
    assert [x for x in out if 'ESEARCH' in x] == ['* ESEARCH (TAG "t2") ADDTO (0 3)'], out
    append(c, 'INBOX', '', 'my boss')
    c.cmd('SEARCH RETURN (UPDATE (NOTHING)) ALL', 'BAD')


if __name__ == '__main__':
    run(globals())
