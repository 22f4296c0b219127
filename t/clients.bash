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

# empty_box: what each test begins with: nothing in her Maildir, $BOX, and a home directory for the program.  It is another Maildir
# each time: a session of the test before may not have ended yet.
empty_box() {
	BOX=$(maildir alice@example.test).$BATS_TEST_NUMBER
	HOME=$BATS_TEST_TMPDIR
	export HOME
	mkdir -p "$BOX"/{cur,new,tmp}
	chmod 700 "$BOX" "$BOX"/{cur,new,tmp}
	own "$BOX"
	echo "alice@example.test:example.test/${BOX##*/}:::" >"$DIR/users.new"
	chmod --reference="$DIR/control/users" "$DIR/users.new"
	mv "$DIR/users.new" "$DIR/control/users"
}

# sessions_gone: nobody has the mailbox open any more.  A client that has its answer may have ended while its session still
# writes caches: files that come and go, which find and tar and chown -R cannot bear.
sessions_gone() {
	local pid name
	while read -r pid _ name; do
		case $name in imap* | pop3*) [ -z "$(children "$pid")" ] || return 1 ;; esac
	done <"$DIR/pids"
}

# own FILE: what root puts into the Maildir belongs to its owner; $BOX, all of it, only while no session is there.
own() { chown -R --reference="$MAIL/example.test/alice" "$1"; }

# mbsync_config SIDE: $HOME/SIDE.rc synchronizes all of her mailboxes both ways with Maildirs below $HOME/SIDE.
mbsync_config() {
	mkdir -p "$HOME/$1"
	cat >"$HOME/$1.rc" <<-END
		IMAPAccount a
		Host localhost
		Port $IMAPS_PORT
		User alice@example.test
		Pass secret
		SSLType IMAPS
		CertificateFile $CA_FILE

		IMAPStore far
		Account a

		MaildirStore near
		Path $HOME/$1/
		Inbox $HOME/$1/INBOX
		SubFolders Verbatim

		Channel c
		Far :far:
		Near :near:
		Patterns *
		Create Both
		Expunge Both
		SyncState *
	END
}
