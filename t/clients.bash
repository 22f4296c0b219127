# clients.bash: one whole instance for all tests of a file, in which real programs read the mail of alice@example.test, whose
# password is "secret".
# shellcheck shell=bash disable=SC2154,SC2034

setup_file() {
	load helper
	instance_start
	adduser alice@example.test secret
	export DIR HOST POP3_PORT POP3S_PORT IMAP_PORT IMAPS_PORT CA_FILE MAIL
}
teardown_file() {
	load helper
	INSTANCES=("$DIR")
	instance_stop
}

# empty_box: what each test begins with: nothing in her Maildir, $BOX, and a home directory for the program.
empty_box() {
	BOX=$(maildir alice@example.test)
	HOME=$BATS_TEST_TMPDIR
	export HOME
	find "$BOX" -mindepth 1 -delete
	mkdir -p "$BOX"/{cur,new,tmp}
	own
}

# own: what root puts into the Maildir belongs to its owner.
own() { chown -R --reference="$MAIL/example.test/alice" "$BOX"; }
