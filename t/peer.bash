# peer.bash: other people's mail servers as senders, without installing them.  Their Debian packages are unpacked below
# $PEERS; a command of theirs runs in a private mount namespace in which /usr is an overlay of the unpacked tree on this
# machine's, /etc is a copy, and /var and /run are new.  So paths that are compiled in work, nothing of the machine is touched,
# and all of it goes with the last process.
# shellcheck shell=bash disable=SC2154

PEERS=${PEERS:-$ROOT/build/peers}

# peer_fetch NAME PACKAGE...: skips the test, and says why, where they cannot be had.
peer_fetch() {
	local why
	need_root
	need unshare util-linux
	PEER=$PEERS/$1
	why=$(PEERS=$PEERS "$ROOT/t/unpack" "$@" 2>&1) || skip "NOT TESTED: $why"
}

# peer_home: $HOME_DIR with the private etc, to be completed before peer_run.
peer_home() {
	local file
	HOME_DIR=$(private_dir)
	mkdir "$HOME_DIR"/{etc,var,run,work,up}
	for file in passwd group protocols services localtime ld.so.conf ld.so.conf.d ssl alternatives; do
		[ ! -e "/etc/$file" ] || cp -a "/etc/$file" "$HOME_DIR/etc/"
	done
	echo '127.0.0.1 localhost peer.example.org peer' >"$HOME_DIR/etc/hosts"
	echo peer.example.org >"$HOME_DIR/etc/mailname"
	printf 'passwd: files\ngroup: files\nhosts: files\nservices: files\n' >"$HOME_DIR/etc/nsswitch.conf"
	mkdir -p "$HOME_DIR"/var/{spool,log,lib,tmp,mail,cache/ldconfig}
}

# account NAME NUMBER: in the private etc.
account() {
	echo "$1:x:$2:$2::/var/spool/$1:/usr/sbin/nologin" >>"$HOME_DIR/etc/passwd"
	echo "$1:x:$2:" >>"$HOME_DIR/etc/group"
}

# peer_run CMD...: in the namespace; each call has its own, /var stays.
peer_run() {
	PEER=$PEER HOME_DIR=$HOME_DIR timeout -k 5 300 unshare -m --propagation private sh -c '
		set -e
		mount -t overlay overlay -o "lowerdir=$PEER/usr:/usr" /usr
		mount --bind "$HOME_DIR/etc" /etc
		mount --bind "$HOME_DIR/var" /var
		mount --bind "$HOME_DIR/run" /run
		[ -e /etc/ld.so.cache ] || ldconfig 2>/dev/null || :
		exec "$@"' peer "$@" 3>&-
}

# dovecot_conf: $D/conf for a pre-authenticated Dovecot of uid 65534 over $D/theirs, with what standard input adds.
dovecot_conf() {
	mkdir -p "$D/run"
	: >"$D/log"
	chmod 666 "$D/log"
	{
		cat <<-C
		protocols = imap
		base_dir = $D/run
		state_dir = $D/run
		log_path = $D/log
		ssl = no
		mail_location = maildir:$D/theirs
		mail_uid = 65534
		mail_gid = 65534
		C
		cat
	} >"$D/conf"
}
