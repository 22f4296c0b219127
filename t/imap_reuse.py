#!/usr/bin/env python3
"""One connection that changes what it is: imap_reuse.py IMAPD TEST [ARGUMENT...].

Each test is a function below; it raises when the server does not do what RFC 8437 (UNAUTHENTICATE) or RFC 4978 (COMPRESS) say.
"""
import fcntl
import socket
import ssl
import subprocess
import sys
import termios
import threading
import time
import zlib

IMAPD = sys.argv[1]


class Imap:
    """A session of imapd with these arguments, on a socket or (pipes) on two pipes."""

    def __init__(self, args, tls=False, pipes=False):
        ours, theirs = socket.socketpair()
        self.sock = ours
        self.packer = self.unpacker = None
        self.buf = b''
        if pipes:
            self.proc = subprocess.Popen([IMAPD] + args, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self.read, self.write = lambda n: self.proc.stdout.read1(n), self.proc.stdin.write
        else:
            self.proc = subprocess.Popen([IMAPD] + args, stdin=theirs, stdout=theirs)
            if tls:
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                self.sock = context.wrap_socket(ours)
            self.sock.settimeout(120)
            self.read, self.write = self.sock.recv, self.sock.sendall
        theirs.close()

    def more(self):
        data = self.read(65536)
        if not data:
            raise EOFError(repr(self.buf))
        self.buf += self.unpacker.decompress(data) if self.unpacker else data

    def line(self):
        while b'\r\n' not in self.buf:
            self.more()
        got, self.buf = self.buf.split(b'\r\n', 1)
        return got.decode()

    def send(self, data, flush=zlib.Z_SYNC_FLUSH):
        if self.packer:
            data = self.packer.compress(data) + self.packer.flush(flush)
        self.write(data)
        if self.proc.stdin:
            self.proc.stdin.flush()

    def until(self, tag):
        """The lines up to the tagged one, which is the last."""
        got = []
        while not got or not got[-1].startswith(tag + ' '):
            got.append(self.line())
        return got

    def cmd(self, text):
        self.send(text.encode() + b'\r\n')
        return self.until(text.split()[0])

    def compress(self):
        assert self.cmd('z COMPRESS DEFLATE')[-1].startswith('z OK'), 'COMPRESS'
        assert self.buf == b''
        self.packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        self.unpacker = zlib.decompressobj(-15)

    def end(self, code=0):
        if self.proc.stdin:
            self.proc.stdin.close()
        self.sock.close()
        assert self.proc.wait(200) == code, self.proc.returncode


def again(control, *how):
    """Two users one after the other, with commands sent ahead; no state is left."""
    tls = 'tls' in how
    c = Imap(['-C', control] + (['-S'] if tls else []), tls=tls)
    first = c.line()
    assert 'UNAUTHENTICATE' not in first
    got = c.cmd('a LOGIN alice@example.test pw')[-1]
    assert 'a OK' in got and ' UNAUTHENTICATE' in got, got
    c.cmd('b CREATE OnlyAlice')
    assert c.cmd('c ENABLE CONDSTORE UIDONLY UTF8=ACCEPT')[-1].startswith('c OK')
    assert c.cmd('d SELECT INBOX')[-1].startswith('d OK')
    assert c.cmd('e UNAUTHENTICATE now')[-1].startswith('e BAD')
    c.send(b'f UNAUTHENTICATE\r\ng NOOP\r\nh SELECT INBOX\r\ni LOGIN bob@example.test "pw2"\r\nj LIST "" %\r\nk FETCH 1 FLAGS\r\n')
    assert c.until('f') == ['f OK Not authenticated any more']
    assert c.until('g') == ['g OK NOOP completed']
    assert c.until('h')[-1].startswith('h BAD')
    assert c.until('i')[-1].startswith('i OK')
    assert not [x for x in c.until('j') if 'OnlyAlice' in x]
    assert c.until('k') == ['k BAD No mailbox is selected']
    c.cmd('l SELECT INBOX')
    assert 'MODSEQ' not in ''.join(c.cmd('m UID FETCH 1:* FLAGS'))
    for i in range(20):
        assert c.cmd('n UNAUTHENTICATE') == ['n OK Not authenticated any more']
        got = c.cmd('o CAPABILITY')[0]
        assert sorted(got.split()[2:]) == sorted(first[first.index('[') + 12:first.index(']')].split()), (got, first)
        assert c.cmd('p LOGIN alice@example.test wrong')[-1].startswith('p NO')
        assert c.cmd('q LOGIN alice@example.test pw')[-1].startswith('q OK')
    assert 'OnlyAlice' in ''.join(c.cmd('r LIST "" %'))
    c.cmd('s UNAUTHENTICATE')
    assert c.cmd('t LOGOUT')[-1].startswith('t OK')
    c.end()


def too_much(control):
    """More than a pipe holds behind the command: BYE, as RFC 8437 section 3 has it; or, where it was not all
    there yet, every one is answered."""
    c = Imap(['-C', control])
    c.line()
    c.cmd('a LOGIN alice@example.test pw')
    data = b'b UNAUTHENTICATE\r\n' + b'x NOOP\r\n' * 20000 + b'y LOGOUT\r\n'
    threading.Thread(target=c.send, args=(data,), daemon=True).start()
    got = c.line()
    if not got.startswith('* BYE [UNAVAILABLE]'):
        assert got == 'b OK Not authenticated any more', got
        assert c.until('y')[:20000] == ['x OK NOOP completed'] * 20000
    c.sock.close()
    c.proc.wait(200)


def compressed(maildir, *how):
    """COMPRESS: both ways, with IDLE, literals, many commands in one packet, and large answers."""
    c = Imap([maildir], pipes='pipes' in how)
    assert ' COMPRESS=DEFLATE' in c.line()
    assert c.cmd('a COMPRESS')[-1].startswith('a BAD')
    assert c.cmd('b COMPRESS LZ4')[-1].startswith('b BAD')
    c.compress()
    assert c.cmd('c COMPRESS DEFLATE')[-1] == 'c BAD DEFLATE is active already'
    assert 'COMPRESS' not in c.cmd('d CAPABILITY')[0]
    big = b'Subject: big\r\n\r\n' + b'a line that is the same again and again\r\n' * 20000
    c.send(b'e APPEND INBOX {%d+}\r\n' % len(big) + big + b'\r\n')
    assert c.until('e')[-1].startswith('e OK')
    assert c.cmd('f SELECT INBOX')[-1].startswith('f OK')
    assert sum(len(x) + 2 for x in c.cmd('g FETCH 1 BODY.PEEK[]')) > len(big)
    # More of it inflates than the reader takes at once: nothing may wait for the next packet.
    c.send(b''.join(b'h%d NOOP\r\n' % i for i in range(30000)))
    assert len(c.until('h29999')) == 30000
    for i in range(3):
        c.send(b'i IDLE\r\n')
        assert c.line() == '+ idling'
        c.send(b'DONE\r\nj NOOP\r\n')
        assert c.until('j')[-2:] == ['i OK Idle completed', 'j OK NOOP completed']
    for byte in b'k NOOP\r\n':          # and parts of a block, a byte a packet
        for piece in c.packer.compress(bytes([byte])) + c.packer.flush(zlib.Z_SYNC_FLUSH):
            c.write(bytes([piece]))
            if c.proc.stdin:
                c.proc.stdin.flush()
    assert c.until('k') == ['k OK NOOP completed']
    c.send(b'l LOGOUT\r\n', zlib.Z_FINISH)
    assert c.until('l')[-1] == 'l OK Logout completed'
    c.end()


def rubbish(maildir):
    """What is no DEFLATE ends the session; so does input that did not wait for the answer."""
    c = Imap([maildir])
    c.line()
    c.compress()
    c.write(b'\xff\xff\xff\xff this is not compressed\r\n')
    try:
        while True:
            c.more()
    except (EOFError, ConnectionResetError):
        pass
    c.end(76)
    c = Imap([maildir])
    c.line()
    c.send(b'a COMPRESS DEFLATE\r\nb NOOP\r\n')
    assert [c.line(), c.line()] == ['a BAD Input after COMPRESS', '* BYE Input after COMPRESS']
    c.end(76)


def compressed_again(control):
    """RFC 8437 section 4.1: UNAUTHENTICATE ends the compression, the next login may begin it again."""
    c = Imap(['-C', control])
    c.line()
    # The end of the client's stream makes no byte of a command, and may come in a packet of its own.
    for user, word, flush, late in (('alice', 'pw', zlib.Z_SYNC_FLUSH, 0), ('bob', 'pw2', zlib.Z_SYNC_FLUSH, 4),
                                    ('alice', 'pw', zlib.Z_SYNC_FLUSH, 1), ('bob', 'pw2', zlib.Z_FINISH, 0)):
        assert c.cmd('a LOGIN %s@example.test %s' % (user, word))[-1].startswith('a OK')
        c.compress()
        assert c.cmd('b SELECT INBOX')[-1].startswith('b OK')
        data = c.packer.compress(b'c UNAUTHENTICATE\r\n') + c.packer.flush(flush)
        c.write(data[:len(data) - late])
        while late and int.from_bytes(fcntl.ioctl(c.sock, termios.TIOCOUTQ, bytes(4)), sys.byteorder):
            time.sleep(0.01)
        c.write(data[len(data) - late:])
        assert c.until('c') == ['c OK Not authenticated any more']
        c.packer = c.unpacker = None
    assert c.cmd('d LOGOUT')[-1].startswith('d OK')
    c.end()


globals()[sys.argv[2]](*sys.argv[3:])
