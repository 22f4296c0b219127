# imap_model.bats: random commands by four sessions at once against a model in memory (t/imap_model.py).
#
# IMAP_MODEL_STEPS (for each seed, default 1500) and IMAP_MODEL_SEED (default: two that are always the same) choose more of it;
# a failure prints its seed and the last commands.  make soak runs a million.
# shellcheck shell=bash disable=SC2154

load helper
load imap

setup() {
	need python3 python3
	mbox_dir
}

model() {
	timeout $((300 + ${IMAP_MODEL_STEPS:-1500})) \
	    python3 "$ROOT/t/imap_model.py" "$BIN/imapd" "$M" "${IMAP_MODEL_STEPS:-1500}" "$1" | tee "$BATS_TEST_TMPDIR/out"
	[ "${PIPESTATUS[0]}" = 0 ]
	echo "# $(cat "$BATS_TEST_TMPDIR/out")" >&3
}

@test "every response is what the model says" { model "${IMAP_MODEL_SEED:-1}"; }
@test "and with another seed" { [ "${IMAP_MODEL_SEED-}" ] || model 2; }

@test "the model test can fail: a server that loses a flag is found" {
	cat >"$BATS_TEST_TMPDIR/bad" <<-END
		#!/bin/sh
		sed -u 's/ STORE \(.*\) +FLAGS/ STORE \1 -FLAGS/' | "$BIN/imapd" "\$@"
	END
	chmod +x "$BATS_TEST_TMPDIR/bad"
	not timeout 300 python3 "$ROOT/t/imap_model.py" "$BATS_TEST_TMPDIR/bad" "$M" 500 1 >"$BATS_TEST_TMPDIR/out"
	grep -q '^seed 1: Wrong: ' "$BATS_TEST_TMPDIR/out"
}
