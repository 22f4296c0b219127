# peers_lmtp.bats: deliver-remote hands mail to other people's LMTP servers, Dovecot's and Cyrus's, unpacked and not installed:
# several recipients of one message, each with an answer of its own.  no-sanitizer: other people's programs, and a download.
# shellcheck shell=bash disable=SC2154

load helper
load lab
load peer.bash

setup() {
	need_root
	need python3 python3
	lab_start
	chmod 755 "$LAB"
	RUNNING=
}
teardown() {
	[ -z "$RUNNING" ] || end "$RUNNING"
	lab_stop
	rm -rf "${HOME_DIR-/nonexistent}"
}

greets() { timeout 20 bash -c "exec 3<>/dev/tcp/$ADDRESS/$1; read -r line <&3; [[ \$line == 220* ]]" 2>/dev/null; }
# store CMD...: runs it in the peer's namespace until it greets on PORT, and the route leads there.
store() {
	peer_run "$@" >"$LAB/store.log" 2>&1 &
	RUNNING=$!
	await 20 greets "$PORT" || { cat "$LAB/store.log" "$LAB/store/log" 2>/dev/null; return 1; }
	echo "store.test lmtp:[$ADDRESS]:$PORT tls=none" >"$LAB/control/routes"
}
# letter WORD BYTES [SENDER]: a message in the spool, in name.
letter() {
	name=$({ printf 'From: a@me.test\nSubject: %s\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n' "$1"
		printf 'Content-Transfer-Encoding: 8bit\n\n.\n..x\n\303\274ber\n'
		yes 'a line of some length, to fill the mailbox' | head -c "$2"
		echo; } | spool "${3-a@me.test}" "Delivered-To: alice@store.test")
}
to() {
	local n=0 rcpts=() a
	for a; do n=$((n + 1)); rcpts+=("$n:$n:$a@store.test"); done
	job "$name" store.test "${rcpts[@]}" | deliver
}
# The body came through as it was: dots, 8-bit text.
came_whole() { grep -qx '\.' "$1" && grep -qx '\.\.x' "$1" && grep -q $'^\303\274ber' "$1"; }

@test "Dovecot: the mailbox, nobody, one that is full and one that cannot be written, in one message" {
	peer_fetch dovecot-lmtp dovecot-core dovecot-lmtpd
	peer_home
	account dovecot 7001
	account dovenull 7002
	ADDRESS=$(private_address) PORT=2424
	S=$LAB/store
	mkdir -p "$S/mail"
	for user in alice bob carol dave; do
		quota=; [ $user != carol ] || quota="userdb_quota_rule=*:storage=2K"
		echo "$user@store.test::65534:65534::$S/mail/$user::$quota"
		[ $user = dave ] || install -d -o 65534 -g 65534 "$S/mail/$user"
	done >"$S/users"
	echo "not a directory" >"$S/mail/dave"
	cat >"$S/conf" <<-C
	protocols = lmtp
	base_dir = /run/dovecot
	state_dir = /run/dovecot
	log_path = $S/log
	ssl = no
	listen = $ADDRESS
	hostname = store.test
	postmaster_address = postmaster@store.test
	mail_location = maildir:~/Maildir
	first_valid_uid = 1
	mail_plugins = quota
	lda_mailbox_autocreate = yes
	plugin {
	  quota = maildir:User quota
	  quota_grace = 0%%
	}
	service lmtp {
	  inet_listener lmtp {
	    address = $ADDRESS
	    port = $PORT
	  }
	}
	passdb {
	  driver = static
	  args = nopassword=y
	}
	userdb {
	  driver = passwd-file
	  args = $S/users
	}
	C
	chmod -R go+rX "$S"
	store dovecot -F -c "$S/conf"
	letter mixed 6000
	to alice nobody carol dave bob
	grep -q "^1 done 2.0.0 \[$ADDRESS\] 250 2.0.0 <alice@store.test> .*Saved" <<<"$output"
	grep -q "^2 fail 5.1.1 \[$ADDRESS\] 550 5.1.1 " <<<"$output"
	grep -q "^3 fail 5.2.2 \[$ADDRESS\] 552 5.2.2 .*Quota exceeded" <<<"$output"
	grep -q "^4 defer 4\.[0-9].[0-9] \[$ADDRESS\] 451 4\." <<<"$output"
	grep -q '^5 done 2.0.0 ' <<<"$output"
	for user in alice bob; do
		came_whole "$S/mail/$user/Maildir/new/"*
		grep -q '^Return-Path: <a@me.test>' "$S/mail/$user/Maildir/new/"*
	done
	# A bounce, one to many, and what was deferred once it can be.
	rm "$S/mail/dave" && install -d -o 65534 -g 65534 "$S/mail/dave"
	letter empty 10 ""
	to dave alice bob
	[ "$(grep -c ' done 2.0.0 ' <<<"$output")" = 3 ]
	grep -q '^Return-Path: <>' "$S/mail/dave/Maildir/new/"*
}

@test "Cyrus: mailboxes, nobody, and one that the first message has filled" {
	peer_fetch cyrus cyrus-imapd cyrus-common
	peer_home
	account cyrus 7003
	ADDRESS=$(private_address) PORT=2424
	S=$LAB/store
	mkdir -p "$S"/{spool,conf/{db,socket,proc,log,msg,ptclient,lock,quota,user}} "$HOME_DIR/run/cyrus/"{proc,lock,socket}
	cat >"$S/imapd.conf" <<-C
	configdirectory: $S/conf
	proc_path: /run/cyrus/proc
	mboxname_lockpath: /run/cyrus/lock
	defaultpartition: default
	partition-default: $S/spool
	cyrus_user: cyrus
	cyrus_group: cyrus
	servername: store.test
	defaultdomain: store.test
	virtdomains: off
	lmtp_downcase_rcpt: yes
	lmtp_over_quota_perm_failure: no
	lmtp_strict_quota: yes
	autocreate_post: yes
	autocreate_users: alice bob carol
	autocreate_quota: 8
	sasl_pwcheck_method: auxprop
	sasl_mech_list: PLAIN
	lmtpsocket: /run/cyrus/socket/lmtp
	idlesocket: /run/cyrus/socket/idle
	notifysocket: /run/cyrus/socket/notify
	C
	cat >"$S/cyrus.conf" <<-C
	START {
	  recover cmd="/usr/lib/cyrus/bin/ctl_cyrusdb -C $S/imapd.conf -r"
	}
	SERVICES {
	  lmtp cmd="/usr/lib/cyrus/bin/lmtpd -a -C $S/imapd.conf" listen="$ADDRESS:$PORT" prefork=0
	}
	EVENTS {
	}
	C
	cp "$S/imapd.conf" "$HOME_DIR/etc/"
	chown -R 7003:7003 "$S/spool" "$S/conf" "$HOME_DIR/run/cyrus"
	chmod -R go+rX "$S"
	store env CYRUS_USER=cyrus CYRUS_GROUP=cyrus /usr/sbin/cyrmaster -C "$S/imapd.conf" -M "$S/cyrus.conf" -p /run/cyrus/pid
	letter first 6000
	to alice nobody bob
	grep -q "^1 done 2.1.5 \[$ADDRESS\] 250 2.1.5 Success" <<<"$output"
	grep -q "^2 fail 5.1.1 \[$ADDRESS\] 550 Mailbox unknown" <<<"$output"
	grep -q '^3 done 2.1.5 ' <<<"$output"
	letter second 6000
	to alice carol nobody
	grep -q "^1 defer 4.2.2 \[$ADDRESS\] 452 4.2.2 " <<<"$output"
	grep -q '^2 done 2.1.5 ' <<<"$output"
	grep -q '^3 fail 5.1.1 ' <<<"$output"
	find "$S/spool" -name '[0-9]*.' >"$LAB/files"
	[ "$(wc -l <"$LAB/files")" = 3 ]
	while read -r file; do
		tr -d '\r' <"$file" >"$LAB/kept"
		came_whole "$LAB/kept"
	done <"$LAB/files"
	letter bounce 10 ""
	to bob
	[[ $output == "1 done 2.1.5 "* ]]
}
