#!/usr/bin/env python3
"""A SASL client of our own for three protocols, to say what real clients never say.

sasl.py PROTOCOL HOST PORT CA HOW [NAME=VALUE ...]

PROTOCOL: imap, pop3 or smtp.  CA: a file to begin TLS with, or "-" for none.  HOW:
  scram           SCRAM-SHA-256
  plus            SCRAM-SHA-256-PLUS by tls-unique (TLS 1.2, which Python knows)
  downgrade       SCRAM-SHA-256, telling that -PLUS was not offered (flag y)
  forged          SCRAM-SHA-256-PLUS with another connection's binding
  renamed         SCRAM-SHA-256-PLUS by a binding that there is not
  plain, external, salt (prints salt and iterations of the challenge)
VALUES: user, password, authzid, cert (file with certificate and key), times (how often), together (that many clients, each of
which does the same at once).
Prints each final reply, one a line, behind the milliseconds that it took where "clock=yes" is given; exits 0 if the last one
let us in and the server's proof was right.
"""
import base64
import concurrent.futures
import hashlib
import hmac
import os
import socket
import ssl
import sys
import time


class Client:
    def __init__(self, protocol, host, port, ca, cert, tls12):
        self.protocol = protocol
        self.sock = socket.create_connection((host, int(port)), timeout=600)
        self.file = self.sock.makefile("rb")
        self.binding = b""
        self.line()
        if protocol == "smtp":
            self.reply("EHLO client.example")
        if ca != "-":
            self.starttls(ca, cert, tls12)

    def line(self):
        return self.file.readline().decode().rstrip("\r\n")

    def send(self, text):
        self.sock.sendall(text.encode() + b"\r\n")

    def reply(self, command):
        """The last line of the reply."""
        self.send(("a " if self.protocol == "imap" else "") + command)
        while True:
            line = self.line()
            if self.protocol == "imap" and (line.startswith("a ") or not line):
                return line
            if self.protocol == "pop3" or (self.protocol == "smtp" and line[3:4] != "-"):
                return line

    def starttls(self, ca, cert, tls12):
        self.reply("STLS" if self.protocol == "pop3" else "STARTTLS")
        context = ssl.create_default_context(cafile=ca)
        if cert:
            context.load_cert_chain(cert)
        if tls12:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.sock = context.wrap_socket(self.sock, server_hostname="localhost")
        self.file = self.sock.makefile("rb")
        if tls12:
            self.binding = self.sock.get_channel_binding("tls-unique")
        if self.protocol == "smtp":
            self.reply("EHLO client.example")

    def leave(self):
        """A maildrop is let go of before the reply to QUIT, so that the next login finds it free."""
        try:
            self.reply("QUIT")
        except OSError:
            pass

    def begin(self, mechanism, response):
        verb = "AUTHENTICATE" if self.protocol == "imap" else "AUTH"
        tag = "a " if self.protocol == "imap" else ""
        self.send(f"{tag}{verb} {mechanism} {base64.b64encode(response).decode() or '='}")
        return self.answer()

    def answer(self):
        """(challenge, None) or (None, final reply)."""
        line = self.line()
        if line.startswith(("+ ", "334 ")):
            return base64.b64decode(line.split(" ", 1)[1]), None
        return None, line

    def respond(self, response):
        self.send(base64.b64encode(response).decode())
        return self.answer()


def mac(key, text):
    return hmac.new(key, text, hashlib.sha256).digest()


def scram(client, how, user, password, authzid):
    name = {"plus": "tls-unique", "forged": "tls-unique", "renamed": "tls-server-end-point"}.get(how)
    flag = f"p={name}" if name else "y" if how == "downgrade" else "n"
    header = f"{flag},{'a=' + authzid if authzid else ''},".encode()
    nonce = base64.b64encode(os.urandom(18)).decode()
    escaped = user.replace("=", "=3D").replace(",", "=2C")
    bare = f"n={escaped},r={nonce}".encode()
    server, final = client.begin("SCRAM-SHA-256" + ("-PLUS" if name else ""), header + bare)
    if final is not None:
        return final, False
    fields = dict(f.split("=", 1) for f in server.decode().split(","))
    if how == "salt":
        return fields["s"] + " " + fields["i"], True
    if not fields["r"].startswith(nonce) or len(fields["r"]) < len(nonce) + 20:
        sys.exit("the server's nonce is wrong: " + fields["r"])
    binding = client.binding if how == "plus" else b"x" * 12 if name else b""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
    key = mac(salted, b"Client Key")
    without = b"c=" + base64.b64encode(header + binding) + b",r=" + fields["r"].encode()
    message = bare + b"," + server + b"," + without
    signature = mac(hashlib.sha256(key).digest(), message)
    proof = bytes(a ^ b for a, b in zip(key, signature))
    server, final = client.respond(without + b",p=" + base64.b64encode(proof))
    if final is not None:
        return final, False
    verified = server == b"v=" + base64.b64encode(mac(mac(salted, b"Server Key"), message))
    return client.respond(b"")[1], verified


def login(client, how, value):
    user, password = value.get("user", ""), value.get("password", "")
    authzid = value.get("authzid", "")
    began, good = time.monotonic(), True
    if how == "plain":
        _, final = client.begin("PLAIN", f"{authzid}\0{user}\0{password}".encode())
    elif how == "external":
        _, final = client.begin("EXTERNAL", authzid.encode())
    else:
        final, good = scram(client, how, user, password, authzid)
    took = f"{int((time.monotonic() - began) * 1000)} " if "clock" in value else ""
    print(took + final, flush=True)
    return how == "salt" or (good and final.startswith(("a OK", "+OK", "235")))


def main():
    protocol, host, port, ca, how = sys.argv[1:6]
    value = dict(a.split("=", 1) for a in sys.argv[6:])
    clients = [Client(protocol, host, port, ca, value.get("cert"), how in ("plus", "forged", "renamed"))
               for _ in range(int(value.get("together", 1)))]
    for _ in range(int(value.get("times", 1))):
        with concurrent.futures.ThreadPoolExecutor(len(clients)) as pool:
            good = all(pool.map(lambda client: login(client, how, value), clients))
    for client in clients:
        if protocol == "pop3" and how != "salt":
            client.leave()
    if not good:
        sys.exit(1)


main()
