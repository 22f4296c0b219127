#!/usr/bin/env python3
"""probe.py: looks at a running server from both ends.

    probe.py hold CA WHAT PORT [USER PASSWORD]   opens a session, prints "ready", holds it until standard input ends.
                                                 WHAT: smtp smtp-tls smtps pop3 pop3-tls pop3s imap imap-tls imaps tcp;
                                                 with USER and PASSWORD it logs in
    probe.py search KEY.pem PID...               prints "PID COUNT": how often the private key (scalar, prime or exponent, in
                                                 either byte order, or its PEM text) is in that process's memory
    probe.py find TEXT PID...                    the same for a text
    probe.py inject CA PORT FILE PROTOCOL        sends each vector of FILE for PROTOCOL in one write, then shakes hands
"""
import base64
import codecs
import re
import socket
import ssl
import subprocess
import sys

STARTTLS = {"smtp": b"STARTTLS\r\n", "pop3": b"STLS\r\n", "imap": b"t STARTTLS\r\n"}
SAYS_YES = {"smtp": b"220", "pop3": b"+OK", "imap": b"t OK"}


def context(ca):
    return ssl.create_default_context(cafile=ca)


class Session:
    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=120)
        self.data = b""

    def tls(self, ca):
        self.sock = context(ca).wrap_socket(self.sock, server_hostname="localhost")
        self.data = b""

    def line(self):
        while b"\n" not in self.data:
            more = self.sock.recv(4096)
            if not more:
                raise EOFError("the server closed the connection")
            self.data += more
        line, self.data = self.data.split(b"\n", 1)
        return line.rstrip(b"\r")

    def reply(self, tag=b""):
        """The last line of one reply; tag for IMAP."""
        while True:
            line = self.line()
            if tag and not line.startswith(tag):
                continue
            if not tag and re.match(rb"\d\d\d-", line):
                continue
            return line

    def ask(self, command, tag=b""):
        self.sock.sendall(command)
        return self.reply(tag)


def login(session, protocol, user, password):
    if protocol == "smtp":
        session.ask(b"EHLO probe.example.org\r\n")
        plain = base64.b64encode(f"\0{user}\0{password}".encode())
        answer = session.ask(b"AUTH PLAIN " + plain + b"\r\n")
        good = answer.startswith(b"235")
    elif protocol == "pop3":
        session.ask(f"USER {user}\r\n".encode())
        answer = session.ask(f"PASS {password}\r\n".encode())
        good = answer.startswith(b"+OK")
    else:
        answer = session.ask(f'l LOGIN {user} "{password}"\r\n'.encode(), b"l ")
        good = answer.startswith(b"l OK")
    if not good:
        sys.exit(f"login: {answer!r}")


def hold(ca, what, port, *credentials):
    session = Session(int(port))
    protocol = what.removesuffix("-tls").removesuffix("s")
    if what == protocol + "s":
        session.tls(ca)
    if what != "tcp":
        session.reply()
    if protocol == "smtp":
        session.ask(b"EHLO probe.example.org\r\n")
    if what.endswith("-tls"):
        answer = session.ask(STARTTLS[protocol], b"t " if protocol == "imap" else b"")
        if not answer.startswith(SAYS_YES[protocol]):
            sys.exit(f"STARTTLS: {answer!r}")
        session.tls(ca)
        if not credentials:      # the new session is there when it answers
            answer = session.ask({"smtp": b"NOOP\r\n", "pop3": b"CAPA\r\n", "imap": b"t NOOP\r\n"}[protocol],
                                 b"t " if protocol == "imap" else b"")
    if credentials and credentials[1] == "-":    # a credential that auth takes a while to judge: do not wait
        session.sock.sendall(b"EHLO x\r\nAUTH PLAIN " + base64.b64encode(f"\0{credentials[0]}\0x".encode()) + b"\r\n")
    elif credentials:
        login(session, protocol, *credentials)
    print("ready", flush=True)
    sys.stdin.read()


def memory(pid):
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            span, mode = line.split()[:2]
            if mode[0] != "r" or "[vvar" in line or "[vsyscall" in line:
                continue
            start, end = (int(x, 16) for x in span.split("-"))
            try:
                mem.seek(start)
                yield mem.read(end - start)
            except (OSError, ValueError, OverflowError):
                continue


def key_needles(path):
    text = subprocess.run(["openssl", "pkey", "-in", path, "-noout", "-text"], check=True, capture_output=True,
                          text=True).stdout
    numbers = []
    for name in ("priv", "privateExponent", "prime1", "prime2"):
        found = re.search(rf"^{name}:\n((?:    [0-9a-f:]+\n)+)", text, re.M)
        if found:
            numbers.append(bytes.fromhex(re.sub(r"[^0-9a-f]", "", found.group(1))).lstrip(b"\0"))
    if not numbers:
        sys.exit("no private number in the key")
    with open(path) as f:
        pem = [line.strip() for line in f if not line.startswith("-")]
    # The first line of PEM holds the algorithm, which is no secret; the second holds the scalar.
    needles = [pem[1].encode()] if len(pem) > 1 else []
    for number in numbers:
        needles += [number, number[::-1], number.hex().encode()]
    return needles


def count(needles, pids):
    for pid in pids:
        print(pid, sum(chunk.count(needle) for chunk in memory(pid) for needle in needles))


def inject(ca, port, path, only):
    wrong = tried = 0
    real = {"smtp": b"EHLO real.example.org\r\n", "pop3": b"CAPA\r\n", "imap": b"z NOOP\r\n"}
    with open(path) as f:
        rows = [line.rstrip("\n").split("\t") for line in f if line.strip() and line[0] != "#"]
    # The last row is our own: nothing injected, so that the test knows that its handshake can succeed.
    rows = [row for row in rows if row[0] == only] + [(only, None, "control")]
    for protocol, text, _ in rows:
        tried += 1
        session = Session(int(port))
        session.reply()
        control = text is None
        session.sock.sendall(STARTTLS[protocol] if control else codecs.decode(text, "unicode_escape").encode("latin-1"))
        shaken = False
        try:
            while not session.line().startswith((b"220", b"+OK", b"A OK", b"t OK")):
                pass
            if session.data:
                raise EOFError(f"plain text after the go-ahead: {session.data!r}")
            session.tls(ca)
            shaken = True
            session.sock.settimeout(2)
            if not control:
                try:
                    early = session.sock.recv(4096)
                except TimeoutError:
                    early = b""
                if early:
                    print(f"{text}: answered inside TLS: {early!r}")
                    wrong += 1
                    continue
            session.sock.settimeout(120)
            first = session.ask(real[protocol])
            if not first.startswith((b"250", b"+OK", b"z OK")):
                raise EOFError(f"the first answer inside TLS is {first!r}")
        except (EOFError, OSError) as error:
            # Refusing and closing is as good as forgetting; only the control row must get through.
            if control or shaken and "first answer" in str(error):
                print(f"{text}: {error}")
                wrong += 1
        finally:
            session.sock.close()
    print(f"{tried} tried, {wrong} wrong")
    sys.exit(1 if wrong or tried < 2 else 0)


if __name__ == "__main__":
    verb, args = sys.argv[1], sys.argv[2:]
    if verb == "hold":
        hold(*args)
    elif verb == "search":
        count(key_needles(args[0]), args[1:])
    elif verb == "find":
        count([args[0].encode()], args[1:])
    elif verb == "inject":
        inject(*args)
