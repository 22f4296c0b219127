# setup.bats: the commands of SETTING UP in posthouse(7), taken from the page, make a server that works.  They run as root with
# files and a network of their own (namespaces), so nothing of this machine is touched.
# shellcheck shell=bash disable=SC2154

load helper

# literal: the lines of the literal blocks of the section.
literal() {
	awk '/^\.Sh / { here = /SETTING UP/ } /^\.Ed/ { open = 0 } here && open; /^\.Bd/ { open = 1 }' "$ROOT/man/posthouse.7" |
	    sed 's/\\e/\\/g'
}

@test "SETTING UP in posthouse(7), line by line" {
	if [ "${SANITIZED-}" ]; then skip "the page is the same"; fi
	[ "$(id -u)" = 0 ] || skip "not root"
	unshare -mn true || skip "no namespaces here"
	need swaks swaks
	T=$BATS_TEST_TMPDIR
	literal | sed -n '/^# /{s/^# //;:a;/\\$/{N;ba};p}' >"$T/commands"
	literal | grep '^/usr/local/libexec' >"$T/daemons"
	[ "$(wc -l <"$T/commands")" -ge 15 ]
	[ "$(wc -l <"$T/daemons")" = 6 ]
	sed '/^echo hello/,$d' "$T/commands" >"$T/make"
	sed -n '/^echo hello/,$p' "$T/commands" >"$T/try"
	cat >"$T/inside" <<-'END'
		set -eu
		cp -a /etc "$T/etc"
		mount --bind "$T/etc" /etc
		for dir in /usr/local /var/spool /var/mail; do mount -t tmpfs -o mode=755 none $dir; done
		ip link set lo up
		rm -rf /etc/posthouse
		for name in phnet phtls phauth phqueue phsend phmail; do ! id $name >/dev/null 2>&1 || userdel $name; done
		! getent group phspool >/dev/null || groupdel phspool
		live=/etc/letsencrypt/live/mx.example.org
		mkdir -p $live
		openssl req -x509 -newkey rsa:2048 -nodes -days 90 -subj /CN=mx.example.org \
		    -keyout $live/privkey.pem -out $live/fullchain.pem 2>/dev/null
		export PATH=/usr/local/sbin:$PATH
		unset POSTHOUSE BIN
		cd "$ROOT"
		echo secret | sh -eux "$T/make"
		set -f
		while read -r program; do $program 2>>"$T/log" & done <"$T/daemons"
		trap 'kill $(jobs -p)' EXIT
		until [ "$(grep -c ': start' "$T/log")" = 6 ]; do sleep 0.1; done
		sh -eux "$T/try"
		setpriv --reuid 65534 --regid 65534 --clear-groups sh -c 'echo hi | sendmail alice@example.org'
		swaks --silent 2 --server 127.0.0.1:25 -tls -f x@example.com -t postmaster@example.org
		swaks --silent 2 --server '[::1]:587' -tls -a PLAIN -au alice@example.org -ap secret \
		    -f alice@example.org -t alice@example.org
		until [ "$(ls /var/mail/posthouse/example.org/alice/new | wc -l)" = 4 ]; do sleep 0.1; done
		curl -sSk -u alice@example.org:secret pop3s://127.0.0.1/
		curl -sSk -u alice@example.org:secret imaps://127.0.0.1/INBOX -X 'FETCH 1:* (UID RFC822.SIZE)'
		echo worked
	END
	O=${BIN%/bin} ROOT=$ROOT T=$T run timeout 300 unshare -mn --propagation private bash "$T/inside"
	[ "$status" = 0 ] || { cat "$T/log"; false; }
	[ "${lines[-1]}" = worked ]
	grep -q '^[*] 4 FETCH' <<<"$output"
	not grep -E 'die|warn' "$T/log"
	not grep -E '^warning: .*(is missing|tls|account)' <<<"$output"
}
