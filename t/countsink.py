#!/usr/bin/env python3
"""countsink.py: an SMTP server that takes everything and counts it, for tests with many messages.

	countsink.py [-l PERCENT] FILE

Prints its port, then serves until it is ended.  For each message that it takes, and each of its recipients, one line "ID
RECIPIENT" goes to FILE before the reply to the final dot, ID from the field X-Id.  PERCENT of those replies are lost: the
connection is closed instead.
"""
import argparse
import asyncio
import random
import re


class Sink:
    def __init__(self, args):
        self.lost = args.l
        self.file = open(args.file, "a", buffering=1, encoding="ascii")

    async def content(self, reader):
        lines = []
        while (line := await reader.readline()) != b".\r\n":
            if not line:
                raise ConnectionError
            lines.append(line)
        return re.search(rb"^X-Id: (\S+)", b"".join(lines), re.M).group(1).decode()

    async def serve(self, reader, writer):
        rcpts = []
        writer.write(b"220 count ESMTP\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                writer.write(b"250-count\r\n250-PIPELINING\r\n250 8BITMIME\r\n")
            elif verb == b"RCPT":
                rcpts.append(line[9:line.index(b">")].decode())
                writer.write(b"250 2.1.5 ok\r\n")
            elif verb == b"DATA":
                writer.write(b"354 go on\r\n")
                await writer.drain()
                name = await self.content(reader)
                self.file.write("".join(f"{name} {r}\n" for r in rcpts))
                rcpts = []
                if random.random() * 100 < self.lost:
                    return
                writer.write(b"250 2.0.0 kept\r\n")
            else:
                if verb in (b"MAIL", b"RSET"):
                    rcpts = []
                writer.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 2.0.0 ok\r\n")

    async def client(self, reader, writer):
        try:
            await self.serve(reader, writer)
        except (ConnectionError, AttributeError):
            pass
        finally:
            writer.close()


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-l", type=float, default=0)
    parser.add_argument("file")
    server = await asyncio.start_server(Sink(parser.parse_args()).client, "127.0.0.1", 0, backlog=500)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
