#!/usr/bin/env python3
"""casemap.py runs | seqs | to | check: prints the tables of common/casemap_*.c, which fold text as RFC 5051 section 2 says: from the simple
titlecase and the decompositions of the Unicode Character Database as Python has it.  ASCII and Hangul syllables are done by
rule in common/casemap.c.  check: reads lines "HEX: HEX..." (build/t/casemap_test table) and says where they differ from that."""
import sys
import unicodedata

VERSION = '14.0.0'


def fold(cp):
    char = chr(cp)
    title = char.title()
    if len(title) != 1:         # only the full mapping has it: not in UnicodeData.txt
        title = char
    return [ord(c) for c in unicodedata.normalize('NFKD', title)]


def points():
    return (c for c in range(0x110000) if not 0xd800 <= c < 0xe000)


def tables():
    runs, seqs, to, where = [], [], [], {}
    for cp in points():
        f = fold(cp)
        if cp < 0x80 or 0xac00 <= cp <= 0xd7a3 or f == [cp]:
            continue
        if len(f) == 1:
            delta = f[0] - cp
            last = runs[-1] if runs else None
            if last and last[3] == delta and (cp - last[1] == last[2] or last[0] == last[1] and cp - last[1] in (1, 2)):
                runs[-1] = (last[0], cp, cp - last[1], delta)
            else:
                runs.append((cp, cp, 1, delta))
        else:
            key = tuple(f)
            if key not in where:
                where[key] = len(to)
                to.extend(f)
            seqs.append((cp, where[key], len(f)))
    return runs, seqs, to


def rows(items):
    line = '\t'
    for item in items:
        if len(line) + len(item) + 2 > 73:
            print(line.rstrip())
            line = '\t'
        line += item + ', '
    print(line.rstrip())


def head(text):
    print('/*\n * Made by t/casemap.py from the Unicode Character Database, version\n * %s: %s\n */\n#include "casemap_table.h"\n'
          % (VERSION, text))


def emit(which):
    runs, seqs, to = tables()
    if which == 'runs':
        head('code points that fold to one other.')
        print('const struct casemap_run casemap_runs[] = {')
        rows('{%#x,%d,%d,%d}' % (a, (b - a) // s + 1, s, d) for a, b, s, d in runs)
        print('};\nconst size_t casemap_nruns = sizeof(casemap_runs) /\n    sizeof(casemap_runs[0]);')
    elif which == 'seqs':
        head('code points that fold to\n * several.')
        print('const struct casemap_seq casemap_seqs[] = {')
        rows('{%#x,%d,%d}' % s for s in seqs)
        print('};\nconst size_t casemap_nseqs = sizeof(casemap_seqs) /\n    sizeof(casemap_seqs[0]);')
    else:
        head('what they fold to.')
        print('const uint32_t casemap_to[] = {')
        rows('%#x' % c for c in to)
        print('};')


def check():
    seen, bad = {}, 0
    for line in sys.stdin:
        cp, result = line.split(':')
        seen[int(cp, 16)] = [int(x, 16) for x in result.split()]
    for cp in points():
        want = fold(cp)
        if cp == 0 or cp == 0xa or cp == 0xd:
            continue
        if seen.get(cp) != want:
            bad += 1
            if bad < 10:
                print('U+%04X: want %s, have %s' % (cp, want, seen.get(cp)))
    print('%d code points, %d differ' % (len(seen), bad))
    return 1 if bad else 0


if __name__ == '__main__':
    if unicodedata.unidata_version != VERSION:
        print('this Python has Unicode %s, not %s' % (unicodedata.unidata_version, VERSION), file=sys.stderr)
        sys.exit(77)
    if sys.argv[1:] == ['check']:
        sys.exit(check())
    emit(sys.argv[1])
