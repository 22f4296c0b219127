#!/usr/bin/env python3
"""flood.py: sends numbered messages and checks afterwards that each that was answered 250 is there, once and whole.

    flood.py send HOST PORT RECIPIENT ACKED [SESSIONS [COUNT]]    until the server breaks, or COUNT messages
    flood.py session RECIPIENT N                                 one SMTP session for a server on a pipe
    flood.py sessions RECIPIENT COUNT DIR                        as files DIR/1 to DIR/COUNT
    flood.py check ACKED FOLDER...                               the files below the folders; prints what is wrong

ACKED gets a line for each number that was answered 250.  A message's content follows from its number alone.
"""
import itertools
import os
import re
import smtplib
import sys
import threading


def content(n):
    lines = [f"From: flood@example.org\r\nSubject: flood {n}\r\nMessage-ID: <{n}@flood.example.org>\r\n\r\n"]
    size = 100 + n * 7919 % 9000
    lines += [f"{n} {i} {'x' * 50}\r\n" for i in range(size // 60 + 1)]
    return "".join(lines) + f"end {n}\r\n"


def send(host, port, recipient, acked, sessions, count):
    numbers = itertools.count(1)
    lock = threading.Lock()
    out = open(acked, "a", buffering=1)

    def session():
        while True:
            try:
                with smtplib.SMTP(host, port, timeout=120) as smtp:
                    for _ in range(5):
                        with lock:
                            n = next(numbers)
                        if count and n > count:
                            return
                        smtp.sendmail("flood@example.org", [recipient], content(n).encode())
                        out.write(f"{n}\n")
            except (OSError, smtplib.SMTPException) as error:
                if count or os.environ.get("FLOOD_VERBOSE"):
                    print(f"flood.py: {error}", file=sys.stderr)
                return

    threads = [threading.Thread(target=session) for _ in range(sessions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def session(recipient, n, out=sys.stdout):
    out.write("EHLO flood.example.org\r\nMAIL FROM:<flood@example.org>\r\n" +
              f"RCPT TO:<{recipient}>\r\nDATA\r\n{content(n)}.\r\nQUIT\r\n")


def check(acked, folders):
    with open(acked) as f:
        must = {int(line) for line in f if line.endswith("\n")}
    found, bad = {}, []
    for folder in folders:
        for base, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(base, name)
                with open(path, "rb") as f:
                    data = f.read()
                subject = re.search(rb"^Subject: flood (\d+)$", data, re.M)
                if not subject:
                    bad.append(f"{path}: not one of our messages, {len(data)} bytes")
                    continue
                n = int(subject.group(1))
                found.setdefault(n, []).append(path)
                if not data.endswith(content(n).replace("\r\n", "\n").encode()):
                    bad.append(f"{path}: message {n} is not whole, {len(data)} bytes")
                size = re.search(r",S=(\d+)", name)
                if size and int(size.group(1)) != len(data):
                    bad.append(f"{path}: {len(data)} bytes, the name says {size.group(1)}")
    bad += [f"message {n}: answered 250 and not there" for n in sorted(must - set(found))]
    bad += [f"message {n}: {len(paths)} times: {' '.join(paths)}" for n, paths in found.items() if len(paths) > 1]
    for line in bad[:20]:
        print(line)
    print(f"{len(must)} answered 250, {len(found)} there, {len(bad)} wrong")
    return 1 if bad else 0


if __name__ == "__main__":
    args = sys.argv[1:]
    if args[0] == "send":
        send(args[1], int(args[2]), args[3], args[4], int((args[5:] or ["4"])[0]), int((args[6:] or ["0"])[0]))
    elif args[0] == "session":
        session(args[1], int(args[2]))
    elif args[0] == "sessions":
        for number in range(1, int(args[2]) + 1):
            with open(os.path.join(args[3], str(number)), "w") as f:
                session(args[1], number, f)
    elif args[0] == "check":
        sys.exit(check(args[1], args[2:]))
