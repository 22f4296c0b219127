# running.bats: servers as posthouse(7) has them installed, with their accounts and sandboxes, while the administrator changes
# things under them: no restart is needed.  As root, with files and a network of their own (namespaces).
# shellcheck shell=bash disable=SC2154

load helper

setup() {
	if [ "${SANITIZED-}" ]; then skip "without sandboxes it is another thing"; fi
	need_root
	unshare -mn true 2>/dev/null || skip "NOT TESTED: no namespaces here"
	T=$(private_dir)
	cat >"$T/begin" <<-'END'
		set -eu
		cp -a /etc "$T/etc"
		mount --bind "$T/etc" /etc
		for dir in /usr/local /var/spool /var/mail /srv; do mount -t tmpfs -o mode=755 none $dir; done
		ip link set lo up
		rm -rf /etc/posthouse
		for name in phnet phtls phauth phqueue phsend phmail; do ! id $name >/dev/null 2>&1 || userdel $name; done
		! getent group phspool >/dev/null || groupdel phspool
		groupadd -r phspool
		for u in phnet phtls phauth phqueue phsend phmail; do useradd -r -U -M -d / -s /usr/sbin/nologin $u; done
		make -s -C "$ROOT" O="$O" install
		export PATH=/usr/local/sbin:$PATH
		unset POSTHOUSE BIN RESOLVER
		mkdir -p /etc/posthouse /var/spool/posthouse /var/mail/posthouse
		cd /etc/posthouse
		echo mx.example.org >hostname
		echo example.org >domains
		echo 'postmaster: alice' >aliases
		echo secret | posthouse user add alice@example.org
		start() { "/usr/local/libexec/posthouse/$@" 2>>"$T/log" & pids="${pids-} $!"; }
		finish() { cat "$T/log" >&2; kill $pids; wait; }
		trap finish EXIT
		mail() { echo hello | sendmail -f alice@example.org "$@"; }
		has() { [ "$(ls /var/mail/posthouse/example.org/alice/new 2>/dev/null | wc -l)" -ge "$1" ]; }
		until_() { until "$@"; do sleep 0.1; done; }
		started() { [ "$(grep -c ': start' "$T/log")" = "$1" ]; }
	END
}
teardown() { [ -z "${T-}" ] || rm -rf "$T"; }

# inside: the commands on standard input, behind the above; $output ends with what they print last.
inside() {
	cat "$T/begin" - >"$T/inside"
	O=${BIN%/bin} ROOT=$ROOT T=$T run timeout 300 unshare -mn --propagation private bash "$T/inside" 3>&-
	echo "$output"
	[ "$status" = 0 ]
}

@test "queue follows a file that is a link, one for its own group alone, and another control directory in the place of this" {
	inside <<-'END'
		start queue
		until_ started 1
		mail alice
		until_ has 1
		echo 'one: alice' >>aliases
		mv aliases /srv/aliases
		ln -s /srv/aliases aliases
		mail one
		until_ has 2
		rm aliases
		cp /srv/aliases aliases
		echo 'two: alice' >>aliases
		chown root:phqueue aliases
		chmod 640 aliases
		posthouse check >/dev/null
		mail two
		until_ has 3
		cp -a /etc/posthouse /etc/new
		echo 'three: alice' >>/etc/new/aliases
		mv /etc/posthouse /etc/old
		mv /etc/new /etc/posthouse
		mail three
		until_ has 4
		echo 'four: alice' >>/etc/posthouse/aliases
		mail four
		until_ has 5
		! grep -E 'die|warn|bounce' "$T/log"
	END
}

@test "another control directory in the place of this: each edit there is live for the next connection" {
	inside <<-'END'
		start smtpd -l 127.0.0.1:25
		until_ started 1
		greeting() { bash -c 'exec 5<>/dev/tcp/127.0.0.1/25; echo QUIT >&5; head -1 <&5' | tr -d '\r'; }
		[ "$(greeting)" = '220 mx.example.org ESMTP posthouse' ]
		cp -a /etc/posthouse /etc/new
		echo new.example.org >/etc/new/hostname
		mv /etc/posthouse /etc/old
		mv /etc/new /etc/posthouse
		until [ "$(greeting)" = '220 new.example.org ESMTP posthouse' ]; do sleep 0.1; done
		for i in 1 2 3 4 5 6 7 8 9; do
			echo mx$i.example.org >/etc/posthouse/hostname
			[ "$(greeting)" = "220 mx$i.example.org ESMTP posthouse" ]
		done
	END
}

@test "a mail directory that is mounted when deliver-local is at work already" {
	inside <<-'END'
		start queue
		until_ started 1
		mail alice
		until_ has 1
		mount -t tmpfs -o mode=755 none /var/mail/posthouse
		until has 1; do
			mail alice
			sleep 0.3
		done
	END
}

@test "other name servers in resolv.conf, edited and replaced, when deliver-remote is at work already" {
	need python3 python3
	case $(command -v python3) in
	/usr/local/*) skip "NOT TESTED: python3 is below /usr/local, which is hidden here" ;;
	esac
	inside <<-'END'
		# Nobody exists there, and a name is asked about once: one that gave no answer waits.
		n=0
		asked() {
			until grep -q "rcpt=<$1[0-9]*@.* $2 " "$T/log"; do
				n=$((n + 1))
				mail $1$n@$1$n.example
				sleep 0.3
			done
		}
		: >"$T/zone"
		for i in 1 2; do
			python3 "$ROOT/t/dnsd.py" -l 127.0.0.$i -p 53 -q "$T/queries$i" "$T/zone" >"$T/port$i" 2>&1 &
			pids="${pids-} $!"
			until_ [ -s "$T/port$i" ]
		done
		rm -f /etc/resolv.conf
		echo nameserver 127.0.0.9 >/etc/resolv.conf
		start queue
		until_ started 1
		asked nobody status=deferred
		echo nameserver 127.0.0.1 >/etc/resolv.conf
		asked first status=bounced
		rm /etc/resolv.conf
		echo nameserver 127.0.0.2 >/srv/resolv.conf
		ln -s /srv/resolv.conf /etc/resolv.conf
		until grep -q second "$T/queries2" 2>/dev/null; do
			n=$((n + 1))
			mail second@second$n.example
			sleep 0.3
		done
		! grep -E 'die|warn' "$T/log"
	END
}
