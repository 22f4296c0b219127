# lab_net.bash: a network of its own for the laboratory, with addresses, a real name server and hosts in it.  Loaded behind
# helper.bash; as root alone.
# shellcheck shell=bash disable=SC2034,SC2153,SC2154

# net_up ADDRESS...: the network namespace NETNS, with these addresses in it; 198.51.100.0/24 and 2001:db8:dead::/48 are there
# too, and swallow everything.
net_up() {
	local address
	need ip iproute2
	NETNS=posthouse-$BASHPID
	ip netns add "$NETNS" 2>/dev/null || skip "NOT TESTED: no network namespaces here"
	ip -n "$NETNS" link set lo up
	for address; do
		ip -n "$NETNS" addr add "$address" dev lo nodad 2>/dev/null || ip -n "$NETNS" addr add "$address" dev lo
	done
	# A bridge without ports loses whatever is sent to it.
	ip -n "$NETNS" link add hole type bridge 2>/dev/null || skip "NOT TESTED: no bridges here"
	ip -n "$NETNS" link set hole arp off up
	ip -n "$NETNS" route add 198.51.100.0/24 dev hole
	ip -n "$NETNS" -6 route add 2001:db8:dead::/48 dev hole
	export NETNS
}

net_down() {
	[ -z "${NETNS-}" ] || ip netns del "$NETNS" || :
}

# in_net CMD...: runs it there.
in_net() {
	nsenter --net="/run/netns/$NETNS" "$@"
}

# peers NAME...: their packages are there, or the test is skipped.
peers() {
	need apt-get apt
	timeout -k 5 600 "$ROOT/t/peers" fetch "$@" >&2 || skip "NOT TESTED: the packages of $* cannot be fetched (apt-get download)"
}

# house DIR SETTING...: our own instance in the network, us.test, with mailbox alice@us.test, receiving on 192.0.2.1:25; ended
# with house_end.
house() {
	DIR=$1
	shift
	INSTANCE_SETTINGS=$(printf '%s\n' "$@") DOMAINS=us.test INSTANCE_ONLY=LMTP RESOLVER=192.0.2.53:53 \
	    in_net "$ROOT/t/instance" start "$DIR" >"$DIR.start" 2>&1 || {
		cat "$DIR.start" >&2
		return 1
	}
	load_env "$DIR"
	adduser alice@us.test secret
	in_net setsid "$BIN/smtpd" -C "$CONTROL" -l 192.0.2.1:25 </dev/null >/dev/null 2>>"$DIR/log/smtp" 3>&- 4>&- &
	echo $! >"$DIR/listener"
	await 10 greets 192.0.2.1 2>/dev/null
}
house_end() {
	[ ! -e "$DIR/listener" ] || end "$(cat "$DIR/listener")"
	"$ROOT/t/instance" stop "$DIR" >&2
	if grep -h -A 30 'AddressSanitizer\|runtime error:\|LeakSanitizer' "$DIR"/log/* >&2; then
		echo "a sanitizer found an error: see above" >&2
		return 1
	fi
}

# greets ADDRESS: an SMTP server is there.
greets() {
	# shellcheck disable=SC2016
	in_net timeout 60 bash -c 'exec 3<>"/dev/tcp/$0/25" && read -r line <&3 && printf "QUIT\r\n" >&3 && [[ $line == 220* ]]' "$1"
}

# submit FROM TO...: the message on standard input goes into our queue.
submit() {
	local from=$1
	shift
	"$BIN/sendmail" -C "$CONTROL" -i -f "$from" "$@"
}

# logged PATTERN: a line of our log matches (basic regular expression).
logged() {
	grep -q "$1" "$DIR"/log/*
}

# got DIR TEXT: a message in this Maildir has a line with this text.
got() {
	grep -rqsF -- "$2" "$1/new" "$1/cur"
}
