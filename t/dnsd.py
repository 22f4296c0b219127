#!/usr/bin/env python3
"""dnsd.py: a small name server for tests, on UDP and TCP.

	dnsd.py [-l ADDRESS] [-p PORT] [-q QUERYLOG] ZONEFILE

Prints its port on standard output, then serves until it is ended.  Use it with RESOLVER=127.0.0.1:PORT.  The zone file is
read again whenever it has changed.  A line is NAME TYPE VALUE; "#" begins a comment:

	example.test	MX	10 mx.example.test
	none.test	MX	0 .			null MX
	mx.example.test	A	127.0.0.1
	mx.example.test	AAAA	::1
	www.test	CNAME	mx.example.test
	example.test	TXT	v=spf1 -all
	broken.test	SERVFAIL			every question about it
	silent.test	TIMEOUT				no answer at all
	garbage.test	GARBAGE				an answer that is none

A name that appears nowhere does not exist (NXDOMAIN).  An answer of more than 512 bytes is cut over UDP (TC), so TCP is asked.
"""
import argparse
import os
import socket
import socketserver
import struct
import sys
import threading

TYPES = {"A": 1, "CNAME": 5, "MX": 15, "TXT": 16, "AAAA": 28}
SPECIAL = ("SERVFAIL", "TIMEOUT", "GARBAGE")


class Zone:
    """The records, by lower-case name without final dot."""

    def __init__(self, path):
        self.path, self.stamp, self.names = path, None, {}
        self.lock = threading.Lock()

    def load(self):
        with self.lock:
            st = os.stat(self.path)
            stamp = (st.st_mtime_ns, st.st_size, st.st_ino)
            if stamp == self.stamp:
                return self.names
            names = {}
            with open(self.path, encoding="utf-8") as f:
                for line in f:
                    fields = line.split("#", 1)[0].split(None, 2)
                    if len(fields) >= 2:
                        value = fields[2].strip() if len(fields) > 2 else ""
                        names.setdefault(fields[0].lower().rstrip("."), []).append((fields[1].upper(), value))
            self.names, self.stamp = names, stamp
            return names


def wire_name(name):
    out = b""
    for label in name.rstrip(".").split("."):
        if label:
            raw = label.encode("utf-8")
            out += bytes([len(raw)]) + raw
    return out + b"\0"


def rdata(kind, value):
    if kind == "A":
        return socket.inet_pton(socket.AF_INET, value)
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, value)
    if kind == "CNAME":
        return wire_name(value)
    if kind == "MX":
        pref, host = value.split()
        return struct.pack("!H", int(pref)) + wire_name(host)
    raw = value.encode("utf-8")
    parts = [raw[i:i + 255] for i in range(0, len(raw), 255)] or [b""]
    return b"".join(bytes([len(p)]) + p for p in parts)


def parse_question(query):
    at, labels = 12, []
    while query[at] != 0:
        labels.append(query[at + 1:at + 1 + query[at]].decode("utf-8", "replace"))
        at += 1 + query[at]
    qtype = struct.unpack("!H", query[at + 1:at + 3])[0]
    return ".".join(labels), qtype, query[12:at + 5]


def find(names, name, qtype):
    """The answer's records, following aliases, and whether the name exists."""
    out, seen = [], 0
    while seen < 20:
        records = names.get(name.lower().rstrip("."))
        if records is None:
            return out, bool(out)
        match = [(name, k, v) for k, v in records if TYPES.get(k) == qtype]
        alias = [(name, k, v) for k, v in records if k == "CNAME"]
        if match or not alias:
            return out + match, True
        out.append(alias[0])
        name = alias[0][2]
        seen += 1
    return out, True


def answer(zone, query, udp, log):
    if len(query) < 17:
        return None
    ident, flags = struct.unpack("!HH", query[:4])
    name, qtype, question = parse_question(query)
    names = zone.load()
    if log:
        kind = {v: k for k, v in TYPES.items()}.get(qtype, str(qtype))
        with open(log, "a", encoding="utf-8") as f:
            f.write(f"{name} {kind} {'udp' if udp else 'tcp'}\n")
    special = [k for k, _ in names.get(name.lower(), []) if k in SPECIAL]
    if "TIMEOUT" in special:
        return None
    if "GARBAGE" in special:
        return query[:2] + b"\x81\x80\0\1\0\7\0\0\0\0" + question + b"\xc0\xff\0\1"
    rcode, records = 2, []
    if not special:
        records, exists = find(names, name, qtype)
        rcode = 0 if exists else 3
    body = b""
    for owner, kind, value in records:
        data = rdata(kind, value)
        body += wire_name(owner) + struct.pack("!HHIH", TYPES[kind], 1, 60, len(data)) + data
    out_flags = 0x8180 | (flags & 0x0100) | rcode
    if udp and 12 + len(question) + len(body) > 512:
        return struct.pack("!HHHHHH", ident, out_flags | 0x0200, 1, 0, 0, 0) + question
    return struct.pack("!HHHHHH", ident, out_flags, 1, len(records), 0, 0) + question + body


class UDP(socketserver.BaseRequestHandler):
    def handle(self):
        reply = answer(self.server.zone, self.request[0], True, self.server.log)
        if reply is not None:
            self.request[1].sendto(reply, self.client_address)


class TCP(socketserver.StreamRequestHandler):
    def handle(self):
        head = self.rfile.read(2)
        if len(head) < 2:
            return
        query = self.rfile.read(struct.unpack("!H", head)[0])
        reply = answer(self.server.zone, query, False, self.server.log)
        if reply is not None:
            self.wfile.write(struct.pack("!H", len(reply)) + reply)


class UDPServer(socketserver.ThreadingUDPServer):
    daemon_threads = True


class TCPServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def bind_both(address, port):
    """The same free port for both; another process may take one of them in between."""
    for _ in range(50):
        udp = UDPServer((address, port), UDP)
        try:
            return udp, TCPServer((address, udp.server_address[1]), TCP)
        except OSError:
            udp.server_close()
            if port:
                raise
    raise OSError("no free port")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("-l", default="127.0.0.1")
    p.add_argument("-p", type=int, default=0)
    p.add_argument("-q", help="file to which every question is written")
    p.add_argument("zone")
    a = p.parse_args()
    zone = Zone(a.zone)
    zone.load()
    udp, tcp = bind_both(a.l, a.p)
    for server in (udp, tcp):
        server.zone, server.log = zone, a.q
    threading.Thread(target=tcp.serve_forever, daemon=True).start()
    print(udp.server_address[1], flush=True)
    try:
        udp.serve_forever()
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
