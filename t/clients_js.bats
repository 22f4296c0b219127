# clients_js.bats: a full JavaScript IMAP client (imapflow, from npm) against a whole instance, over TLS.
# no-sanitizer: a download and other people's program; the sessions it makes are in the other tests.
# shellcheck shell=bash disable=SC2154

load helper

setup() {
	instance_start
	adduser alice@example.test secret
}
teardown() { instance_stop; }

@test "imapflow: folders, APPEND, FETCH, SEARCH, flags, COPY, MOVE, IDLE of a second session, QRESYNC" {
	local npm=$ROOT/build/npm-imapflow
	need node nodejs
	need npm npm
	if [ ! -e "$npm/node_modules/imapflow/package.json" ]; then
		mkdir -p "$npm" 2>/dev/null || skip "NOT TESTED: $npm cannot be made"
		timeout 600 npm install --no-audit --no-fund --ignore-scripts --prefix "$npm" imapflow@1.2.0 >"$DIR/npm" 2>&1 ||
			skip "NOT TESTED: npm install imapflow: $(tail -n 1 "$DIR/npm")"
	fi
	run timeout 300 node "$ROOT/t/imapflow.js" "$npm/node_modules" "$IMAPS_PORT" "$CA_FILE" alice@example.test secret
	echo "$output"
	[ "$status" = 0 ]
	[ "$output" = "all of it" ]
}
