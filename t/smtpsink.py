#!/usr/bin/env python3
"""smtpsink.py: a fake SMTP server that does what a test tells it, and writes down what it got.

	smtpsink.py [-l ADDRESS] [-p PORT] [-e EXTENSIONS] [-c CERT -k KEY] [-a USER:PASSWORD] [-r RULE]... DIR

Prints its port on standard output, then serves until it is ended.  Below DIR:

	log	every line: "N< line" from the client, "N> line" to it, "N! event"; N is the connection
	K.env	the accepted MAIL and RCPT commands of message K, as they came
	K.eml	its bytes as they came over the wire, without the final dot

EXTENSIONS: comma-separated EHLO keywords (default PIPELINING,SIZE 10000000,8BITMIME); "-" is none, "HELO" refuses EHLO.  With -c
and -k STARTTLS is offered too, unless -e names it itself.  -a: who SCRAM lets in (alice:secret).

A RULE is VERB[~TEXT][#N]: ACTION.  VERB is CONNECT EHLO HELO STARTTLS AUTH MAIL RCPT DATA BDAT DOT RSET QUIT; TEXT must be in the line;
N makes it hold for the N-th command of that kind only (over all connections; "#N-" from the N-th on, "#-N" up to it).  The
first rule that fits is done instead of the ordinary thing.  A BDAT that is not done reads its chunk as commands, as a server
would that does not know it; DOT is also the end of the last chunk.  ACTIONs, joined by " && ":

	TEXT		sent as it is (with C escapes), CRLF added
	raw TEXT	sent as it is, nothing added
	close		the connection is closed
	reset		it is reset (RST)
	sleep N		N seconds pass
	forget		what the client has sent ahead is thrown away
	hear		waits until the client says something
	go		the ordinary thing is done after all
	slow		the rest, up to the next command, is sent byte by byte, 0.05 s apart
"""
import argparse
import base64
import codecs
import hashlib
import hmac
import os
import re
import socket
import ssl
import struct
import sys
import threading
import time


class Closed(Exception):
    pass


class Rule:
    def __init__(self, text):
        m = re.fullmatch(r"([A-Z]+)(?:~([^#:]*))?(?:#(\d*)(-?)(\d*))?: ?(.*)", text, re.S)
        if not m:
            sys.exit(f"smtpsink.py: not a rule: {text}")
        self.verb, self.text, low, dash, high, action = m.groups()
        self.low = int(low) if low else 0
        self.high = int(high) if high else (1 << 30 if dash or not low else self.low)
        self.actions = action.split(" && ")

    def fits(self, verb, line, number):
        return verb == self.verb and (self.text is None or self.text in line) and self.low <= number <= self.high


class Sink:
    def __init__(self, args):
        self.args = args
        self.rules = [Rule(r) for r in args.r]
        self.lock = threading.Lock()
        self.counts, self.messages, self.connections = {}, 0, 0
        self.context = None
        if args.c:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(args.c, args.k)

    def note(self, conn, mark, text):
        with self.lock, open(os.path.join(self.args.dir, "log"), "a", encoding="utf-8", errors="backslashreplace") as f:
            f.write(f"{conn}{mark} {text}\n")

    def rule(self, verb, line):
        with self.lock:
            self.counts[verb] = number = self.counts.get(verb, 0) + 1
        return next((r for r in self.rules if r.fits(verb, line, number)), None)

    def keep(self, envelope, data):
        with self.lock:
            self.messages += 1
            path = os.path.join(self.args.dir, str(self.messages))
        with open(path + ".eml.tmp", "wb") as f:
            f.write(data)
        with open(path + ".env", "w", encoding="utf-8", errors="surrogateescape") as f:
            f.write("".join(line + "\n" for line in envelope))
        os.rename(path + ".eml.tmp", path + ".eml")


class Session:
    def __init__(self, sink, sock):
        self.sink, self.sock, self.buf = sink, sock, b""
        with sink.lock:
            sink.connections += 1
            self.number = sink.connections
        self.envelope, self.chunks, self.tls, self.slow = [], b"", False, False

    def send(self, data):
        for line in data.decode("utf-8", "backslashreplace").splitlines():
            self.sink.note(self.number, ">", line)
        if self.slow:
            for i in range(len(data)):
                self.sock.sendall(data[i:i + 1])
                time.sleep(0.05)
        else:
            self.sock.sendall(data)

    def more(self):
        got = self.sock.recv(65536)
        if not got:
            raise Closed
        self.buf += got

    def line(self):
        self.slow = False
        while b"\n" not in self.buf:
            self.more()
        line, self.buf = self.buf.split(b"\n", 1)
        if not line.endswith(b"\r"):
            self.sink.note(self.number, "!", "bare LF in a command")
        return line.rstrip(b"\r").decode("utf-8", "surrogateescape")

    def data(self):
        while not (self.buf.startswith(b".\r\n") or b"\r\n.\r\n" in self.buf):
            self.more()
        if self.buf.startswith(b".\r\n"):
            self.buf = self.buf[3:]
            return b""
        body, self.buf = self.buf.split(b"\r\n.\r\n", 1)
        return body + b"\r\n"

    def act(self, rule):
        """True when the ordinary thing is still to be done."""
        go = False
        self.slow = False
        for action in rule.actions:
            word, _, rest = action.partition(" ")
            text = codecs.decode(rest if word == "raw" else action, "unicode_escape").encode("latin-1")
            if action == "close":
                self.sink.note(self.number, "!", "close")
                raise Closed
            if action == "reset":
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                raise Closed
            if action == "go":
                go = True
            elif action == "forget":
                time.sleep(0.2)
                self.sock.setblocking(False)
                try:
                    self.more()
                except (BlockingIOError, InterruptedError):
                    pass
                self.sock.setblocking(True)
                self.buf = b""
            elif action == "hear":
                self.more()
            elif action == "slow":
                self.slow = True
            elif word == "sleep":
                time.sleep(float(rest))
            else:
                self.send(text if word == "raw" else text + b"\r\n")
        return go

    def ruled(self, verb, line):
        rule = self.sink.rule(verb, line)
        return rule is not None and not self.act(rule)

    def ehlo(self):
        words = self.sink.args.e.split(",")
        if words == ["HELO"]:
            return self.send(b"502 5.5.1 what is EHLO?\r\n")
        words = ["sink.test"] + [w for w in words if w != "-"]
        if self.sink.context and not self.tls and "STARTTLS" not in words:
            words.append("STARTTLS")
        out = [f"250{'-' if i < len(words) - 1 else ' '}{w}\r\n" for i, w in enumerate(words)]
        return self.send("".join(out).encode())

    def starttls(self):
        if self.sink.context is None:
            return self.send(b"454 4.7.0 TLS not available\r\n")
        self.send(b"220 2.0.0 ready\r\n")
        self.sink.note(self.number, "!", "handshake")
        self.buf = b""
        self.sock = self.sink.context.wrap_socket(self.sock, server_side=True)
        if self.sock.version() is None:     # the client had gone already
            raise Closed
        self.sink.note(self.number, "!", f"tls {self.sock.version()}")
        self.tls, self.envelope = True, []
        return None

    def scram(self, line):
        """RFC 5802 as the server; the password is that of -a."""
        def word(b):
            self.send(b"334 " + base64.b64encode(b) + b"\r\n")
            got = self.line()
            self.sink.note(self.number, "<", got)
            return base64.b64decode(got) if got != "*" else None
        mac = lambda key, text: hmac.new(key, text, "sha256").digest()
        user, password = self.sink.args.a.encode().split(b":", 1)
        bare = base64.b64decode(line.split(" ")[2])[3:]
        nonce = bare.split(b",r=")[1] + b"server"
        challenge = b"r=" + nonce + b",s=" + base64.b64encode(b"salt") + b",i=4096"
        final = word(challenge)
        if final is None:
            return self.send(b"501 5.7.0 as you like\r\n")
        without, _, proof = final.partition(b",p=")
        salted = hashlib.pbkdf2_hmac("sha256", password, b"salt", 4096)
        text = bare + b"," + challenge + b"," + without
        key = mac(salted, b"Client Key")
        want = bytes(a ^ b for a, b in zip(key, mac(hashlib.sha256(key).digest(), text)))
        if base64.b64decode(proof) != want or bare.split(b",")[0] != b"n=" + user:
            return self.send(b"535 5.7.8 no\r\n")
        if word(b"v=" + base64.b64encode(mac(mac(salted, b"Server Key"), text))) is None:
            return self.send(b"501 5.7.0 as you like\r\n")
        return self.send(b"235 2.7.0 welcome by SCRAM\r\n")

    def auth(self, line):
        if line.upper().startswith("AUTH SCRAM-SHA-256 "):
            return self.scram(line)
        for question in ("VXNlcm5hbWU6", "UGFzc3dvcmQ6") if line.upper() == "AUTH LOGIN" else ():
            self.send(f"334 {question}\r\n".encode())
            self.sink.note(self.number, "<", self.line())
        return self.send(b"235 2.7.0 welcome\r\n")

    def content(self, line):
        if not any(e.upper().startswith("RCPT") for e in self.envelope):
            return self.send(b"554 5.5.1 no valid recipients\r\n")
        self.send(b"354 go ahead\r\n")
        return self.body()

    def body(self):
        data = self.data()
        self.sink.note(self.number, "!", f"data {len(data)}")
        if not self.ruled("DOT", ""):
            self.sink.keep(self.envelope, data)
            self.send(b"250 2.0.0 kept\r\n")
        self.envelope = []

    def bdat(self, line):
        words = line.split(" ")
        size = int(words[1])
        while len(self.buf) < size:
            self.more()
        self.chunks, self.buf = self.chunks + self.buf[:size], self.buf[size:]
        self.sink.note(self.number, "!", f"chunk {size}")
        if not any(e.upper().startswith("RCPT") for e in self.envelope):
            self.chunks = b""
            return self.send(b"503 5.5.1 no valid recipients\r\n")
        if words[2:] != ["LAST"]:
            return self.send(b"250 2.0.0 go on\r\n")
        if not self.ruled("DOT", ""):
            self.sink.keep(self.envelope, self.chunks)
            self.send(b"250 2.0.0 kept\r\n")
        self.chunks, self.envelope = b"", []

    def command(self, line):
        verb = line.split(" ", 1)[0].upper()
        rule = self.sink.rule(verb, line)
        if rule is not None and not self.act(rule):
            # "354" said by a rule is meant: the content follows.
            if verb == "DATA" and any(a.startswith("354") for a in rule.actions):
                self.body()
            return
        if verb == "EHLO":
            self.ehlo()
        elif verb == "STARTTLS":
            self.starttls()
        elif verb == "AUTH":
            self.auth(line)
        elif verb in ("MAIL", "RCPT"):
            self.envelope = [line] if verb == "MAIL" else self.envelope + [line]
            self.send(b"250 2.1.0 ok\r\n")
        elif verb == "DATA":
            self.content(line)
        elif verb == "BDAT":
            self.bdat(line)
        elif verb == "QUIT":
            self.send(b"221 2.0.0 bye\r\n")
            raise Closed
        else:
            self.envelope = [] if verb == "RSET" else self.envelope
            self.send(b"250 2.0.0 ok\r\n")

    def run(self):
        try:
            self.sink.note(self.number, "!", f"connect {self.sock.getpeername()[0]}")
            if not self.ruled("CONNECT", ""):
                self.send(b"220 sink.test ESMTP\r\n")
            while True:
                line = self.line()
                self.sink.note(self.number, "<", line)
                self.command(line)
        except (Closed, OSError) as e:
            self.sink.note(self.number, "!", f"end {e}")
        finally:
            self.sock.close()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("-l", default="127.0.0.1")
    p.add_argument("-p", type=int, default=0)
    p.add_argument("-e", default="PIPELINING,SIZE 10000000,8BITMIME")
    p.add_argument("-a", default="alice:secret")
    p.add_argument("-c")
    p.add_argument("-k")
    p.add_argument("-r", action="append", default=[])
    p.add_argument("dir")
    args = p.parse_args()
    sink = Sink(args)
    family = socket.AF_INET6 if ":" in args.l else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((args.l, args.p))
    listener.listen(128)
    print(listener.getsockname()[1], flush=True)
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=Session(sink, sock).run, daemon=True).start()


if __name__ == "__main__":
    main()
