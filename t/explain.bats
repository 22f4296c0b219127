# explain.bats: what posthouse explain says of addresses and of messages, byte for byte (t/data/explain/NAME.out), as text and as
# JSON.  UPDATE=1 bats t/explain.bats writes the expected files anew: look at the difference before it is committed.
# shellcheck shell=bash disable=SC2154

load helper
load queue
load lab

setup() {
	need python3 python3
	site <<-END
		delay-warning 4h
	END
	cp "$BIN"/{deliver-remote,admin} "$QBIN/"
	lab_start
	export POSTHOUSE=$CONTROL POSTHOUSE_LIBEXEC=$QBIN
}

teardown() {
	lab_stop
	cleanup_site
}

explain() { sh "$BIN/posthouse" explain "$@"; }

# normal: without what differs between two runs.
normal() {
	sed -E -e "s|$WORK|/W|g" -e 's/\[[0-9]+\]: /[N]: /; s/127\.0\.0\.1\]:[0-9]+/127.0.0.1]:PORT/g' \
	    -e 's/(qid=|of )?179[0-9]{7}\.[0-9a-f]{4}[1-9a-f][0-9a-f]{11}/\1QID/g' -e 's/(size=|"size":"|S=|W=)[0-9]+/\1N/g'
}

# situation NAME ARGS...: both forms of what explain says go to $WORK/out; the JSON is parsed, and the exit code is said.
situation() {
	local name=$1 code=0
	shift
	{
		echo "== $name: explain ${*##*/}"
		explain "$@" 2>&1 || code=$?
		echo "-- exit $code"
		explain -j "$@" >"$WORK/json" 2>&1 || [ $? = $code ]
		cat "$WORK/json"
		echo
	} >>"$WORK/out"
	[ "$code" = 64 ] || python3 -m json.tool "$WORK/json" >/dev/null
	count=$((${count-0} + 1))
}

golden() {
	normal <"$WORK/out" >"$WORK/normal"
	[ -z "${UPDATE-}" ] || cp "$WORK/normal" "$ROOT/t/data/explain/$1.out"
	diff -u "$ROOT/t/data/explain/$1.out" "$WORK/normal"
}

@test "addresses: mailboxes, aliases, routes and DNS" {
	printf '%s\n' example.test second.test third.test >"$CONTROL/domains"
	echo "carol+own@example.test:example.test/carol" >>"$CONTROL/users"
	cat >>"$CONTROL/aliases" <<-'END'
		sales: alice, team, x@far.example
		deep: sales
		remote: someone@smart.example
		broken: alice, nosuch
		@second.test: bob@example.test
		info@second.test: alice@example.test
		@third.test: @example.test
	END
	cat >"$CONTROL/routes" <<-'END'
		smart.example relay.far.example:587 user=me password=hidden words
		.lab.example [192.0.2.25] tls=none
		sure.example mx: tls=verify
		crypt.example mx: tls=encrypt
		slow.example mx: retry=1h,6h lifetime=2d jobs=1
		brief.example mx: lifetime=12h
	END
	zone <<-'END'
		far.example	MX	20 mx2.far.example
		far.example	MX	10 mx1.far.example
		mx1.far.example	A	192.0.2.1
		mx1.far.example	AAAA	2001:db8::1
		mx2.far.example	A	192.0.2.2
		relay.far.example	A	192.0.2.3
		null.example	MX	0 .
		plain.example	A	192.0.2.4
		broken.example	SERVFAIL
		lost.example	MX	10 nowhere.lost.example
		other.example	TXT	x
		self.example	MX	10 mx.example.test
		self.example	MX	20 mx1.far.example
		behind.example	MX	10 mx.example.test
		behind.example	MX	5 mx1.far.example
		unsure.example	MX	10 broken.example
		unsure.example	MX	20 nowhere.lost.example
		xn--bcher-kva.example	MX	10 mx1.far.example
	END
	situation "a mailbox" alice@example.test
	situation "a mailbox, in capitals" ALICE@Example.Test
	situation "a mailbox with a detail" alice+news@example.test
	situation "an alias of two" team@example.test
	situation "an alias of one" single@example.test
	situation "an alias with a detail" single+x@example.test
	situation "an alias of an alias, and another host" deep@example.test
	situation "an alias that goes elsewhere" remote@example.test
	situation "an alias with a target that is nobody" broken@example.test
	situation "an alias that goes round" loop@example.test
	situation "the postmaster" postmaster@example.test
	situation "nobody" nosuch@example.test
	situation "the catch-all of a domain" anything@second.test
	situation "an alias before the catch-all" info@second.test
	situation "another host" x@far.example
	situation "a route with a password" x@smart.example
	situation "a route for all below" x@deep.lab.example
	situation "the domain itself is not below" x@lab.example
	situation "a route with a verified name" x@sure.example
	situation "a route that insists on TLS" x@crypt.example
	situation "a route with a schedule" x@slow.example
	situation "a route that gives up early" x@brief.example
	situation "an address literal" 'x@[192.0.2.9]'
	situation "a quoted local part" '"a b\"c"@example.test'
	situation "an address literal of IPv6" 'x@[IPv6:2001:db8::9]'
	situation "a local part in another script" 'jürgen@far.example'
	situation "a domain that is another name, with a detail" single+x@third.test
	situation "a mailbox there" bob@third.test
	situation "nobody there" nosuch@third.test
	situation "a mailbox that has a detail in its name" carol+own@example.test
	situation "a name without a domain" postmaster
	situation "a name that is nobody's" nosuch
	situation "a mailbox itself, as mailq shows it" '\alice@example.test'
	situation "a mailbox that is none" '\nosuch'
	situation "no address" 'a b@example.test'
	situation "nothing" ''
	situation "DNS: two MX hosts" -d x@far.example
	situation "DNS: no mail at all" -d x@null.example
	situation "DNS: no MX but an address" -d x@plain.example
	situation "DNS: no such domain" -d x@nowhere.example
	situation "DNS: no answer" -d x@broken.example
	situation "DNS: an MX without address" -d x@lost.example
	situation "DNS: neither" -d x@other.example
	situation "DNS: the host of a route" -d x@smart.example
	situation "DNS: an alias's other host" -d sales@example.test
	situation "DNS: this host is the MX" -d x@self.example
	situation "DNS: this host is behind the MX" -d x@behind.example
	situation "DNS: an MX about which there is no answer" -d x@unsure.example
	situation "DNS: a domain in another script" -d x@bücher.example
	golden addresses
	[ "$count" = 49 ]
	not grep -q 'hidden' "$WORK/out"
	echo "detail-folders yes" >>"$CONTROL/settings"
	explain alice+news@example.test | grep -q 'without "+news", which is its folder if there is one of that name'
	code=0
	explain 12.ab 12.cd 2>"$WORK/said" || code=$?
	[ "$code" = 64 ]
	grep -q '^usage: posthouse explain' "$WORK/said"
}

@test "a message about to be given away, and one in a mailbox that is elsewhere" {
	mkdir -p "$WORK/else"
	if [ "$(id -u)" = 0 ]; then chown 64006:64006 "$WORK/else"; fi
	sed -i "s,^bob.*,bob@example.test:$WORK/else/bob," "$CONTROL/users"
	message alice@example.test alice@example.test bob@example.test
	mv "$SPOOL/new/$name" "$SPOOL/cur/$name"
	{ envelope_of "$SPOOL/cur/$name"; echo; printf '%d\t0\t0\t%s@example.test\t\n' 1 alice 2 bob; } >"$SPOOL/state/$name"
	size=${name#*,S=}
	truncate -s "${size%%,*}" "$SPOOL/cur/$name"
	explain "$qid" >"$WORK/out"
	grep -q '^  Delivered-To: bob@example.test$' "$WORK/out"
	grep -q "users:2: mailbox bob@example.test in $WORK/else/bob" "$WORK/out"
	[ "$(grep -c 'none yet' "$WORK/out")" = 2 ]
	rm "$SPOOL/state/$name" "$SPOOL/cur/$name"
	message alice@example.test bob@example.test
	pass
	explain "$qid" | grep -qx "  $WORK/else/bob/new/$name"
}

# told NAME ARGS...: what is said of the message that was last written, with the log; by program, for those work side by side.
told() {
	sort -s -t '[' -k 1,1 "$WORK/log" >"$WORK/sorted logs/log"
	situation "$1" -l "$WORK/sorted logs/log" "$qid"
}
new() { # FROM RCPT...
	n=$((${n-0} + 1))
	ARRIVAL=1795000000 QID=$(printf '0000%012d' $n) message "$@"
}
later() { at "$1"; touch -d "@$1" "$SPOOL/cur/"*; pass; }

@test "JSON whatever is in it: backslashes, quotation marks, control bytes, and bytes that are no UTF-8" {
	sink sink -e - -r 'RCPT: 450 4.2.0 see C:\\mail\\new "here" \303\274'
	echo "* [127.0.0.1]:$PORT tls=none" >"$CONTROL/routes"
	message alice@example.test '"a\"b\\c"@far.example'
	pass
	{
		cat "$WORK"/log
		printf 'queue[1]: warn qid=%s text=odd \377 \355\240\200 \340\200\200 \360\237\230\200 \001 "\\" end\n' "$qid"
	} >"$WORK/odd"
	explain -j -l "$WORK/odd" "$qid" >"$WORK/json"
	python3 - "$WORK/json" <<-'E'
		import json, sys
		d = json.loads(open(sys.argv[1], "rb").read().decode())
		assert d["undone"][0]["recipient"] == '"a\\"b\\\\c"@far.example', d["undone"]
		assert d["undone"][0]["answer"].endswith('see C:\\mail\\new "here" \u00fc'), d["undone"]
		assert d["log"][-1]["text"] == 'odd ? ??? ??? \U0001f600 ? "\\" end', d["log"][-1]
	E
	printf 'odd: "|echo \377 \303\274", /tmp/\303\274\n' >>"$CONTROL/aliases"
	explain -j odd@example.test >"$WORK/json"
	python3 - "$WORK/json" <<-'E'
		import json, sys
		d = json.loads(open(sys.argv[1], "rb").read().decode())
		texts = [s["text"] for s in d["steps"] if "text" in s]
		assert any("echo ? ??" in t for t in texts), texts
		assert any(t.endswith("/tmp/\u00fc") for t in texts), texts
	E
}

@test "messages: from the queue's files, the log, and the mailboxes" {
	sink sink -e "8BITMIME" -r "RCPT~later@: 450-4.2.0 come back\r\n450 4.2.0 in an hour" -r "RCPT~grey@: 451 4.7.1 Greylisted" \
	    -r "RCPT~no@: 550 5.1.1 no such user" -r "MAIL~spam: 554 5.7.1 we do not like you" -r "RCPT~full@: 452 4.2.2 full"
	port=$PORT
	mkdir "$WORK/sorted logs"
	sink dsn -e "8BITMIME,DSN"
	printf '%s tls=none\n' "* [127.0.0.1]:$port" "dsn.example [127.0.0.1]:$PORT" "dead.example [127.0.0.1]:1" >"$CONTROL/routes"
	at 1795000000
	new alice@example.test bob@example.test
	told "not yet tried"
	pass
	told "in its mailbox"
	situation "in its mailbox, without the log" "$qid"
	new x@far.example team@example.test
	pass
	told "an alias's mailboxes"
	new alice@example.test x@far.example
	pass
	told "sent to another host"
	new alice@example.test later@far.example
	pass
	told "deferred"
	later 1795002000
	told "deferred twice"
	tool hold "$qid"
	told "held"
	tool delete -a
	told "deleted"
	new alice@example.test grey@far.example
	pass
	told "greylisted"
	new alice@example.test x@dead.example
	pass
	told "no connection"
	new alice@example.test full@far.example bob@example.test x@far.example
	pass
	told "one of three is undone"
	tool delete -a >/dev/null
	new alice@example.test no@far.example
	pass
	told "refused, and the sender told"
	new spam@far.example x@far.example
	pass
	told "the sender refused"
	new alice@example.test nosuch@example.test loop@example.test
	pass
	told "nobody, and an alias that goes round"
	new "" no@far.example
	pass
	told "a bounce that cannot be delivered"
	ENVELOPE='Envelope-Notify: 1 NEVER' new alice@example.test no@far.example
	pass
	told "refused, and nobody to be told"
	ENVELOPE=$'Envelope-Id: id7\nEnvelope-Notify: 1 SUCCESS\nEnvelope-Notify: 2 SUCCESS' new alice@example.test bob@example.test x@far.example
	pass
	told "delivered and relayed, as the sender wanted to know"
	ENVELOPE='Envelope-Notify: 1 SUCCESS' new alice@example.test x@dsn.example
	pass
	told "sent to a host that will report itself"
	mv "$QBIN/bounce" "$QBIN/bounce.away"
	printf '#!/bin/sh\nexit 75\n' >"$QBIN/bounce" && chmod 755 "$QBIN/bounce"
	new alice@example.test no@far.example
	pass
	told "failed, and its bounce could not be written"
	ENVELOPE='Envelope-Notify: 1 SUCCESS' new alice@example.test bob@example.test
	pass
	told "delivered, and its report could not be written"
	mv "$QBIN/bounce.away" "$QBIN/bounce"
	later 1795004000
	told "delivered, and its report came later"
	new alice@example.test later@far.example
	pass
	later 1795020000
	told "the sender was told of a delay"
	tool bounce "$qid" >/dev/null
	pass
	told "given up by the administrator"
	new alice@example.test later@far.example
	at 1795000000
	pass
	later 1795432000
	told "its time is over"
	qid=1795000000.0123456789abcdef
	told "never here"
	situation "no id" 12.zz
	golden messages
	[ "$count" -ge 26 ]
}
tool() { sh "$BIN/posthouse" queue "$@"; }
