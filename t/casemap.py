#!/usr/bin/env python3
"""casemap.py runs | seqs | to | check: prints the tables of common/casemap_*.c, which fold text as RFC 5051 section 2 says: from the simple
titlecase and the decompositions of the Unicode Character Database as Python has it.  ASCII and Hangul syllables are done by
rule in common/casemap.c.  check: reads lines "HEX: HEX..." (build/t/casemap_test table) and says where they differ from that.

casemap.py nfc | texts | answers: prints common/nfc_table.c; texts of which about half are in Normalization Form C, one a line; and
reads lines "0 text" or "1 text" (build/t/nfc_test lines) and says where Python knows it better."""
import random
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


def head(text, header='casemap_table.h'):
    print('/*\n * Made by t/casemap.py from the Unicode Character Database, version\n * %s: %s\n */\n#include "%s"\n'
          % (VERSION, text, header))


def table(kind, name, items):
    print('const struct nfc_%s nfc_%s[] = {' % (kind, name))
    rows(items)
    print('};\nconst size_t nfc_n%s = sizeof(nfc_%s) /\n    sizeof(nfc_%s[0]);' % (name, name, name))


def classes(class_of):
    found = []
    for cp in points():
        k = class_of(cp)
        if k and found and found[-1][1] == cp - 1 and found[-1][2] == k:
            found[-1][1] = cp
        elif k:
            found.append([cp, cp, k])
    return ['{%#x,%#x,%d}' % tuple(f) for f in found]


def pairs():
    for cp in points():
        d = unicodedata.decomposition(chr(cp)).split()
        if len(d) == 2 and not d[0].startswith('<'):
            two = int(d[0], 16), int(d[1], 16)
            if unicodedata.normalize('NFC', chr(two[0]) + chr(two[1])) == chr(cp):
                yield two + (cp,)


def emit_nfc():
    head('Normalization Form C.', 'nfc_table.h')
    table('class', 'classes', classes(lambda cp: unicodedata.combining(chr(cp))))
    table('class', 'never', classes(lambda cp: int(unicodedata.normalize('NFC', chr(cp)) != chr(cp))))
    table('pair', 'pairs', ['{%#x,%#x,%#x}' % p for p in sorted(pairs())])


def texts():
    r = random.Random(1)
    two = list(pairs())
    marks = [chr(c) for c in points() if unicodedata.combining(chr(c))]
    letters = [chr(a) for a, b, c in two] + ['a', 'e', 'x', '\u1100', '\uac00', '\uac01', '\u00c5', '\u212b', '\ufa10']
    tails = [chr(b) for a, b, c in two] + ['\u1161', '\u11a8', 'z'] + marks
    for cp in points():
        if cp >= 0x80 and unicodedata.category(chr(cp)) not in ('Cn', 'Co'):
            print(chr(cp))
    for _ in range(100000):
        text = ''.join(r.choice(letters) + ''.join(r.choice(tails) for _ in range(r.randrange(4))) for _ in range(r.randrange(1, 3)))
        print(unicodedata.normalize('NFC', text) if r.random() < 0.4 else text)


def answers():
    n, bad = [0, 0], 0
    for line in sys.stdin.buffer.read().decode().split('\n')[:-1]:
        is_nfc = unicodedata.normalize('NFC', line[2:]) == line[2:]
        n[is_nfc] += 1
        if line[0] != str(int(is_nfc)):
            bad += 1
            print(ascii(line))
    print('%d texts are in Normalization Form C, %d are not; %d wrong answers' % (n[1], n[0], bad))
    return 1 if bad or not n[0] or not n[1] else 0


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
    if sys.argv[1:] == ['answers']:
        sys.exit(answers())
    {'nfc': emit_nfc, 'texts': texts}.get(sys.argv[1], lambda: emit(sys.argv[1]))()
