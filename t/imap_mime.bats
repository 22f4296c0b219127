# imap_mime.bats: broken and hostile mail through imapd, each message within 6 seconds of processor time and 16 MiB of memory
# (t/imap_mime.py; MIME_SECONDS and MIME_BYTES say otherwise, as a sanitized build needs).
# shellcheck shell=bash disable=SC2154

load helper

setup() {
	need python3 python3
	need prlimit util-linux
	[ -z "${SANITIZED-}" ] || export MIME_SECONDS=60 MIME_BYTES=0
}

mime() { timeout 900 python3 "$ROOT/t/imap_mime.py" "$BATS_TEST_TMPDIR" "$@"; }

@test "every part that BODYSTRUCTURE names is there, as long as it says; work and memory are bounded" {
	mime "$TESTDATA/mime" "$BIN/imapd" >"$BATS_TEST_TMPDIR/out" || { cut -c1-300 "$BATS_TEST_TMPDIR/out"; false; }
	[ -d "$TESTDATA/mime" ] || skip "NOT TESTED: no ../shared/testdata/mime; the generated messages were"
}

@test "the bounds are felt: what reads a whole message of 8 MB into memory is found" {
	[ -z "${SANITIZED-}" ] || skip "no bounds there"
	cat >"$BATS_TEST_TMPDIR/greedy" <<-END
		#!/usr/bin/env python3
		import os, sys
		x = b'x' * (20 << 20)
		os.execv("$BIN/imapd", ["imapd"] + sys.argv[1:])
	END
	chmod +x "$BATS_TEST_TMPDIR/greedy"
	not mime /nonexistent "$BATS_TEST_TMPDIR/greedy" >"$BATS_TEST_TMPDIR/out" 2>&1
}
