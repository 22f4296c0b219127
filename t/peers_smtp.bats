# peers_smtp.bats: Postfix and Exim send to us: SMTPUTF8, DSN, BDAT, pipelining, TLS, many recipients, long lines.
# no-sanitizer: other people's programs, and a download.
# shellcheck shell=bash disable=SC2154

load helper
load peer.bash

setup() {
	INSTANCE_ONLY=SMTP instance_start
	adduser alice@example.test secret
	adduser bob@example.test secret
	printf 'gr\303\274n@example.test:example.test/bob:::\n' >>"$CONTROL/users"
	BOB=$(maildir bob@example.test)
	cat >"$DIR/text" <<-E
		From: alice@example.test
		To: bob@example.test
		Subject: from a peer
		X-Long: $(head -c 1500 /dev/zero | tr '\0' h)

		.dot
		..dots
		$(head -c 3000 /dev/zero | tr '\0' l)
		grün
	E
}

teardown() {
	[ -z "${STOP-}" ] || $STOP || :
	instance_stop
	rm -rf "${HOME_DIR-/nonexistent}"
}

# arrived N: so many messages in bob's Maildir, and the content of the first that is from the peer is what was sent.
arrived() { await 30 has_messages "$BOB" "$1"; }
whole() {
	local file=$1
	sed '1,/^$/d' "$file" | tr -d '\n ' | diff - <(sed '1,/^$/d' "$DIR/text" | tr -d '\n ')
}

# report SUBJECT-PART: alice is told of the delivery, with her envelope id.
reported() { grep -lqs "^Original-Envelope-Id: $1" "$(maildir alice@example.test)"/new/*; }

postfix_stop() { peer_run postfix stop >/dev/null 2>&1; }

@test "Postfix sends: TLS, pipelining, DSN, SMTPUTF8, 300 recipients" {
	peer_fetch postfix postfix
	peer_home
	account postfix 5101
	account postdrop 5102
	mkdir -p "$HOME_DIR/etc/postfix" "$HOME_DIR"/var/{spool,lib}/postfix
	for file in postfix-files dynamicmaps.cf main.cf.proto master.cf.proto; do
		for from in "$PEER/etc/postfix" "$PEER/usr/share/postfix"; do
			[ ! -e "$from/$file" ] || cp "$from/$file" "$HOME_DIR/etc/postfix/"
		done
	done
	touch "$HOME_DIR"/etc/postfix/{postfix-files,dynamicmaps.cf}
	for file in postfix-script post-install makedefs.out; do
		[ ! -e "$PEER/etc/postfix/$file" ] || cp "$PEER/etc/postfix/$file" "$HOME_DIR/etc/postfix/"
	done
	sed 's/^\([a-z-]* *[a-z-]* *[a-z-]* *[a-z-]* *\)y /\1n /' "$PEER/usr/share/postfix/master.cf.dist" |
	    sed '/^smtp *inet/d' >"$HOME_DIR/etc/postfix/master.cf"
	cat >"$HOME_DIR/etc/postfix/main.cf" <<-E
		compatibility_level = 3.6
		myhostname = peer.example.org
		mydestination =
		inet_interfaces = 127.0.0.1
		inet_protocols = ipv4
		alias_maps =
		relayhost = [127.0.0.1]:$SMTP_PORT
		disable_dns_lookups = yes
		smtp_host_lookup = native
		smtputf8_enable = yes
		smtp_tls_security_level = encrypt
		maillog_file = /var/log/mail
		maillog_file_prefixes = /var
	E
	# Its programs, unpacked by us, need their group and bits.
	chgrp 5102 "$PEER/usr/sbin/postdrop" "$PEER/usr/sbin/postqueue"
	chmod 2755 "$PEER/usr/sbin/postdrop" "$PEER/usr/sbin/postqueue"
	peer_run sh -c 'chown postfix /var/lib/postfix; exec postfix start' >"$DIR/start" 2>&1 || {
		cat "$DIR/start" "$HOME_DIR/var/log/mail"
		return 1
	}
	STOP=postfix_stop
	peer_run sendmail -f alice@example.test -N success -R full -V peer-1 bob@example.test <"$DIR/text"
	arrived 1 || { tail -n 20 "$HOME_DIR/var/log/mail" "$DIR/log/smtp"; return 1; }
	whole "$BOB"/new/*
	grep -q 'with ESMTPS (TLSv1.[23]' "$BOB"/new/*
	await 30 reported peer-1
	# SMTPUTF8, and many in one transaction.
	rm "$BOB"/new/*
	peer_run sendmail -O SMTPUTF8 -f alice@example.test $'gr\303\274n@example.test' <"$DIR/text" 2>/dev/null ||
	    peer_run sendmail -f alice@example.test $'gr\303\274n@example.test' <"$DIR/text"
	arrived 1 || { tail -n 20 "$HOME_DIR/var/log/mail" "$DIR/log/smtp"; return 1; }
	grep -q 'with UTF8SMTPS' "$BOB"/new/*
	rm "$BOB"/new/*
	# shellcheck disable=SC2046
	peer_run sendmail -f alice@example.test $(seq -f 'bob+%.0f@example.test' 300) <"$DIR/text"
	arrived 300 || { tail -n 20 "$HOME_DIR/var/log/mail" "$DIR/log/smtp"; return 1; }
	# Postfix sends to 50 at a time.
	await 10 eval '[ "$(grep -c " queued .*nrcpt=50 " "$DIR/log/smtp")" = 6 ]'
	# Nothing was refused on the way, and Postfix keeps nothing.
	not grep ' reject ' "$DIR/log/smtp"
	await 20 eval '[ -z "$(find "$HOME_DIR"/var/spool/postfix/{active,deferred,incoming,maildrop} -type f)" ]'
}

@test "Exim sends: BDAT, TLS, DSN, SMTPUTF8, a refused recipient among others" {
	peer_fetch exim exim4-daemon-light exim4-base
	peer_home
	account Debian-exim 5301
	mkdir -p "$HOME_DIR/etc/exim4" "$HOME_DIR/var/spool/exim4" "$HOME_DIR/var/log/exim4"
	chown -R 5301:5301 "$HOME_DIR/var/spool/exim4" "$HOME_DIR/var/log/exim4"
	cat >"$HOME_DIR/etc/exim4/exim4.conf" <<-E
		primary_hostname = peer.example.org
		exim_user = Debian-exim
		exim_group = Debian-exim
		never_users =
		trusted_users = root
		disable_ipv6 = true
		host_lookup =
		smtputf8_advertise_hosts = *
		dsn_advertise_hosts = *
		chunking_advertise_hosts = *
		acl_smtp_rcpt = accept
		acl_smtp_data = accept
		log_selector = +all
		begin acl
		accept:
		  accept
		begin routers
		out:
		  driver = manualroute
		  route_list = * 127.0.0.1 byname
		  self = send
		  transport = out_smtp
		begin transports
		out_smtp:
		  driver = smtp
		  port = $SMTP_PORT
		  allow_localhost
		  hosts_require_tls = *
		  tls_verify_hosts =
		  hosts_try_chunking = *
		  message_linelength_limit = 1G
		begin retry
		* * F,1h,1m
	E
	chown -R 0:0 "$HOME_DIR/etc/exim4"
	send() { # MAIL-LINE RCPT-LINE...
		{
			printf 'EHLO client\r\nMAIL FROM:%s\r\n' "$1"
			shift
			printf 'RCPT TO:%s\r\n' "$@"
			printf 'DATA\r\n'
			sed 's/^\./../; s/$/\r/' "$DIR/text"
			printf '.\r\nQUIT\r\n'
		} >"$DIR/session"
		peer_run exim4 -odf -bs <"$DIR/session" >"$DIR/out" 2>&1 || { cat "$DIR/out"; return 1; }
	}
	send '<alice@example.test> RET=HDRS ENVID=peer-2 BODY=8BITMIME' '<bob@example.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;bob@example.test' '<nobody@example.test>'
	arrived 1 || { cat "$DIR/out"; tail -n 30 "$HOME_DIR/var/log/exim4/mainlog" "$DIR/log/smtp"; return 1; }
	whole "$BOB"/new/*
	grep -q 'with ESMTPS (TLSv1.[23]' "$BOB"/new/*
	# Exim marks what went by BDAT with K.
	grep -q '=> bob@example.test.* K ' "$HOME_DIR/var/log/exim4/mainlog"
	await 30 reported peer-2
	grep -q 'nobody@example.test.*550.5.1.1 No such user here' "$HOME_DIR/var/log/exim4/mainlog"
	rm "$BOB"/new/*
	send '<alice@example.test> SMTPUTF8 BODY=8BITMIME' $'<gr\303\274n@example.test>'
	arrived 1 || { cat "$DIR/out"; tail -n 30 "$HOME_DIR/var/log/exim4/mainlog" "$DIR/log/smtp"; return 1; }
	grep -q 'with UTF8SMTPS' "$BOB"/new/*
	whole "$BOB"/new/*
}
