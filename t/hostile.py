#!/usr/bin/env python3
"""hostile.py: clients that send what none should, at random, to the servers of an instance.

    hostile.py SEED SESSIONS ACKED    each of SESSIONS is one connection to one of the servers; from the environment
                                      HOST and the ports.  ACKED gets the queue id of each message that was answered 250.

A session is lines of its protocol, most of them right, some broken: bytes changed, cut, far too long, without an end;
literals and chunks that are announced and do not come; STARTTLS with words behind it, with TLS or with noise after it; AUTH that is
given up.  It sends them one by one or many at once, and ends by waiting for the server, or by going away.  Who waits
is told the end: a server that neither answers nor closes is what fails here.  All else is looked at afterwards, by the caller.
"""
import base64
import os
import random
import re
import socket
import ssl
import struct
import sys

HOST = os.environ["HOST"]
USER, PASSWORD = "alice@example.test", "pw"
PATIENCE = 300      # seconds: for a machine that is slow and busy, not for a test to measure


def b64(text):
    return base64.b64encode(text.encode()).decode()


PLAIN = b64(f"\0{USER}\0{PASSWORD}")
SCRAM = b64(f"n,,n={USER},r=rOprNGfwEbeRWgbNEkqO")


class Generator:
    """Lines of one protocol."""

    def __init__(self, rng):
        self.rng = rng

    def pick(self, *choices):
        return self.rng.choice(choices)

    def word(self):
        return self.pick("a", "INBOX", "*", '""', "1:*", "{3+}\r\nabc", "0", "4294967296", "\xff\xfe", "(", ")", "\\Seen", "x" * 300)

    def auth(self, verb):
        """Each of these comes to its end, or is given up, or is not what was announced."""
        if self.rng.randrange(3):
            return f"{verb} PLAIN {PLAIN}"
        return self.pick(
            f"{verb} PLAIN\r\n{PLAIN}", f"{verb} PLAIN\r\n*", f"{verb} PLAIN =",
            f"{verb} PLAIN {b64('x')}", f"{verb} LOGIN\r\n{b64(USER)}\r\n{b64(PASSWORD)}", f"{verb} LOGIN\r\n*",
            f"{verb} LOGIN\r\n{b64(USER)}\r\n*", f"{verb} SCRAM-SHA-256 {SCRAM}\r\n*",
            f"{verb} SCRAM-SHA-256 {SCRAM}\r\n{b64('c=biws,r=rOprNGfwEbeRWgbNEkqO,p=AAAA')}",
            f"{verb} EXTERNAL =", f"{verb} {self.word()}", f"{verb} PLAIN !!!", f"{verb} PLAIN {'A' * 13000}")

    def broken(self, line):
        """As a client with an error in it, or with a purpose, would send it."""
        data = bytearray(line.encode("latin-1"))
        how = self.rng.randrange(8)
        at = self.rng.randrange(len(data) + 1)
        if how == 0:
            data[at:at + 1] = bytes([self.rng.randrange(256)])
        elif how == 1:
            del data[at:]
        elif how == 2:
            data[at:at] = self.pick(b"\0", b"\r", b"\n", b"\r\r\n", b"\x80", b" ", b"%n%s")
        elif how == 3:
            data[at:at] = bytes([self.rng.randrange(33, 127)]) * self.pick(100, 1000, 9000, 70000)
        elif how == 4:
            data *= 2
        elif how == 5:
            data = bytearray(self.rng.randbytes(self.rng.randrange(200)))
        elif how == 6:
            data = bytearray(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + self.rng.randbytes(40))
        else:
            data += self.pick(b"", b" ", b"\t", b"{", b"{5", b"{99999999999999999999}", b"~{3}")
        end = self.pick(b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"")
        return bytes(data) + end

    def session(self):
        """Pieces, each of which is sent in one write."""
        pieces = []
        errors = self.pick(0, 0, 0, 0.05, 0.2)
        for line in self.lines():
            if self.rng.random() < errors:
                pieces.append(self.broken(line))
            else:
                pieces.append(line.encode("latin-1") + b"\r\n")
        while len(pieces) > 1 and self.rng.randrange(2) == 0:      # at once
            at = self.rng.randrange(len(pieces) - 1)
            pieces[at:at + 2] = [pieces[at] + pieces[at + 1]]
        if self.rng.randrange(4) == 0:                              # in pieces
            at = self.rng.randrange(len(pieces))
            cut = self.rng.randrange(len(pieces[at]) + 1)
            pieces[at:at + 1] = [pieces[at][:cut], pieces[at][cut:]]
        return pieces


class Smtp(Generator):
    def message(self):
        rng = self.rng
        body = "Subject: hostile\r\n\r\n" + "".join(
            self.pick("line\r\n", "..\r\n", ".x\r\n", "x" * 900 + "\r\n", "\r\n", "From me\r\n") for _ in range(rng.randrange(9)))
        if rng.randrange(8) == 0:
            body += self.pick("\n.\n", "\r\n.\n", "\n.\r\n", "\r.\r", "bare\rcr\r\n", "bare\nlf\r\n", "nul\0\r\n", "x" * 3000 + "\r\n")
        if rng.randrange(3) > 0:
            return ["DATA", body + "."]
        chunks, left = [], body
        while left:
            n = rng.randrange(len(left)) + 1
            last = n == len(left)
            size = n if rng.randrange(40) else n + self.pick(-1, 1, 1000, 10 ** 20)
            # No line end behind a chunk: the next command follows it.
            chunks.append(f"BDAT {size}{' LAST' if last else ''}\r\n{left[:n]}")
            left = left[n:]
        return ["".join(chunks) + self.pick("RSET", "NOOP")]

    def lines(self):
        rng = self.rng
        lines = [self.pick("EHLO a", "EHLO a", "EHLO a", "EHLO [127.0.0.1]", "HELO a", "NOOP")]
        if rng.randrange(3):
            lines.append(self.auth("AUTH"))
        for _ in range(rng.randrange(4)):
            lines.append("MAIL FROM:<" + self.pick(USER, USER, USER, "", "x@example.test", "a@b.example") + ">" +
                         self.pick("", "", " SIZE=100", " BODY=8BITMIME", " SIZE=99999999999", " SMTPUTF8", " RET=HDRS ENVID=x"))
            for _ in range(rng.randrange(1, 4)):
                lines.append("RCPT TO:<" + self.pick("bob@example.test", "bob@example.test", "bob@example.test",
                                                     "nobody@example.test", "x y@example.test", "@a:bob@example.test") + ">" + self.pick("", "", " NOTIFY=NEVER", " ORCPT=rfc822;x"))
            lines += self.message()
            if rng.randrange(4) == 0:
                lines.append(self.pick("RSET", "VRFY bob", "HELP", "EXPN x", "XCLIENT NAME=x", "STARTTLS", "DATA"))
        lines.append(self.pick("QUIT", "QUIT", "NOOP", "DATA", "BDAT 5"))
        return lines


class Pop3(Generator):
    def lines(self):
        login = self.pick(*[[f"USER {USER}", f"PASS {PASSWORD}"]] * 6, [self.auth("AUTH")], [f"USER {self.word()}", "PASS"],
                          [f"APOP {USER} {'0' * 32}"], ["AUTH"], [f"USER {USER}", f"USER {USER}", f"PASS {PASSWORD} "])
        n = self.pick("1", "2", "0", "99", "", "x", "1 2", "18446744073709551617")
        more = [self.pick("STAT", "LIST", "UIDL", f"LIST {n}", f"UIDL {n}", f"RETR {n}", f"TOP {n} 3", f"DELE {n}", "RSET", "NOOP", "CAPA",
                          "UTF8", "STLS", "LANG") for _ in range(self.rng.randrange(12))]
        return ["CAPA"] * self.rng.randrange(2) + login + more + [self.pick("QUIT", "NOOP")]


class Imap(Generator):
    def command(self):
        rng = self.rng
        message = "Subject: x\r\n\r\n" + "y" * rng.randrange(60) + "\r\n"
        literal = self.pick(len(message), len(message), len(message) + 5, 0, 10 ** 9)
        box = self.pick("INBOX", "A", '"A/B"', "&AOQ-", "&bad", "INBOX.x", "{1}\r\nA", "{2+}\r\nAB", '"a\\"b"', "../x", "")
        numbers = self.pick("1", "1:*", "*", "2,1:3", "0", "1:", "4294967295", "$")
        fetched = self.pick("BODY[]", "ENVELOPE", "BODY.PEEK[1.2]<0.5>", "BODY[HEADER.FIELDS ({1}\r\nA)]", "X")
        flag = self.pick("\\Deleted", "$x", "\\*")
        key = self.pick("ALL", "NOT OR 1 2", "TEXT {3+}\r\nabc", "CHARSET X ALL", "((((((((ALL))))))))")
        return self.pick(
            "CAPABILITY", "NOOP", f"SELECT {box}", f"EXAMINE {box} (CONDSTORE)", f"CREATE {box}", f"DELETE {box}", f"RENAME {box} B",
            f"SUBSCRIBE {box}", f'LIST "" {self.pick("*", "%", box)} RETURN (STATUS (MESSAGES))', f"STATUS {box} (MESSAGES UIDNEXT X)",
            f"APPEND {box} (\\Seen) {{{literal}}}\r\n{message}", f"APPEND {box} {{{literal}+}}\r\n{message}",
            f"APPEND INBOX CATENATE (TEXT {{4+}}\r\nabcd URL \"/{box};UID=1\")",
            f"FETCH {numbers} (UID FLAGS {fetched})",
            f"UID FETCH {numbers} (BODYSTRUCTURE PREVIEW)", f"STORE {numbers} +FLAGS ({flag})", f"SEARCH {key}",
            f"SORT (DATE) UTF-8 {numbers}", "THREAD REFERENCES UTF-8 ALL", "EXPUNGE", f"COPY {numbers} {box}", f"MOVE {numbers} {box}",
            "IDLE\r\nDONE", "IDLE\r\nx", "ENABLE QRESYNC UTF8=ACCEPT", f"SETMETADATA {box} (/private/comment {{3+}}\r\na%b)",
            f"GETACL {box}", f"SETACL {box} anyone lr", f"GETQUOTAROOT {box}", "NOTIFY SET (SELECTED (MessageNew))", "UNSELECT", "CLOSE",
            "COMPRESS DEFLATE", "UNAUTHENTICATE", "STARTTLS", f"XYZ {self.word()}", f"ID ({self.word()})", "(" * 200)

    def lines(self):
        tag = self.pick("a", "a", "a1", "a1", "b", "c", "+", "")
        login = self.pick(*[f"LOGIN {USER} {PASSWORD}"] * 9, f"LOGIN {{18}}\r\n{USER} {{2+}}\r\n{PASSWORD}",
                          f"LOGIN {USER} {{1000000}}", self.auth("AUTHENTICATE"), f"LOGIN {self.word()} {self.word()}", "NOOP")
        return [f"{tag} {login}", f"{tag} SELECT INBOX"] + [f"{tag} {self.command()}" for _ in range(self.rng.randrange(14))] + \
            [f"{tag} {self.pick('LOGOUT', 'NOOP')}"]


class Client:
    def __init__(self, port, implicit, rng):
        self.rng = rng
        self.sock = socket.create_connection((HOST, port), timeout=PATIENCE)
        self.got = b""
        self.tls = False
        if implicit:
            self.handshake()

    def handshake(self):
        context = ssl._create_unverified_context()
        self.sock = context.wrap_socket(self.sock)
        self.tls = True

    def take(self, seconds):
        """What is there; waits so long for the first of it.  False: the server has closed."""
        self.sock.settimeout(seconds)
        try:
            while data := self.sock.recv(65536):
                self.got += data
                self.sock.settimeout(0)
            return False
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        finally:
            self.sock.settimeout(PATIENCE)

    def run(self, pieces):
        self.take(PATIENCE)                                 # the greeting
        for piece in pieces:
            self.sock.sendall(piece)
            if re.search(rb"(?i)(starttls|stls)\r\n$", piece) and not self.tls:
                before = len(self.got)
                try:
                    if not self.take(2):
                        return
                except TimeoutError:
                    pass        # it may be part of a message, or come later: then what follows is refused
                if re.search(rb"(?m)^(220|\+OK Begin|\w* OK Begin)", self.got[before:]) and self.rng.randrange(3):
                    self.handshake()
            elif self.rng.randrange(2) and not self.take(0):
                return
        if self.rng.randrange(4) == 0:                      # gone
            if self.rng.randrange(2):
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        if self.tls:
            self.sock.setblocking(False)
            try:
                self.sock.unwrap()                          # says so, and does not wait for the answer
            except ssl.SSLError:
                pass
            self.sock.settimeout(PATIENCE)
        else:
            self.sock.shutdown(socket.SHUT_WR)
        while self.take(PATIENCE):
            pass


SERVERS = [("SMTP_PORT", Smtp, False), ("SUBMISSION_PORT", Smtp, False), ("SUBMISSIONS_PORT", Smtp, True),
           ("POP3_PORT", Pop3, False), ("POP3S_PORT", Pop3, True), ("IMAP_PORT", Imap, False), ("IMAPS_PORT", Imap, True)]


def main(seed, sessions, acked):
    out = open(acked, "a", buffering=1)
    for n in range(sessions):
        rng = random.Random(f"{seed} {n}")
        port, protocol, implicit = rng.choice(SERVERS)
        pieces = protocol(rng).session()
        client = None
        try:
            client = Client(int(os.environ[port]), implicit, rng)
            client.run(pieces)
        except TimeoutError:
            sys.exit(f"seed {seed}, session {n}: the server at {port} neither answers nor closes\n"
                     f"{b''.join(pieces)[-2000:]!r}\n{client.got[-2000:] if client else b''!r}")
        except OSError:
            pass            # it closed first, which it may
        if client:
            client.sock.close()
            for qid in re.findall(rb"(?m)^250 2\.0\.0 Queued as (\S+)\r$", client.got):
                out.write(qid.decode() + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
