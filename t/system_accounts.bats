# system_accounts.bats: mail of the system's accounts, with a passwd file that only these processes see.
# shellcheck shell=bash disable=SC2154,SC2030,SC2031,SC2153

load helper
load queue

setup() {
	need_root
	unshare -m true 2>/dev/null || skip "NOT TESTED: no mount namespaces here"
	site <<<"home-maildir Maildir"
	mkdir -p "$WORK/home/carol" "$WORK/home/dan"
	{
		grep '^nobody:\|^root:' /etc/passwd
		echo "carol:x:30020:30020:Carol:$WORK/home/carol:/bin/sh"
		echo "Dan:x:30001:30001::$WORK/home/dan:/bin/sh"
		echo "robot:x:998:998::$WORK:/usr/sbin/nologin"
	} >"$WORK/passwd"
	chown 30020 "$WORK/home/carol"
	chown 30001 "$WORK/home/dan"
	chmod 755 "$WORK" "$WORK/home" "$WORK/home/carol" "$WORK/home/dan"
}
teardown() { [ -z "${WORK-}" ] || cleanup_site; }

# inside CMD...: with our passwd in the place of the system's.
inside() {
	# shellcheck disable=SC2016
	unshare -m sh -c 'mount --bind "$0" /etc/passwd && exec "$@"' "$WORK/passwd" "$@"
}
job() {
	local IFS=$'\t'
	output=$(inside timeout 300 "$QBIN/deliver-local" 2>>"$WORK/log" <<<"$name"$'\t'"$*")
}

@test "carol gets mail at home, hers; services, root and strangers get none" {
	message s@example.org Carol+x@example.test
	job new move 1:1:Carol+x@example.test
	[ "$output" = "1 done 2.0.0 delivered to mailbox" ]
	[ "$(stat -c '%u %a' "$WORK/home/carol/Maildir/new/$name")" = "30020 600" ]
	message s@example.org dan@example.test
	job new move 1:1:dan@example.test
	[ "$output" = "1 done 2.0.0 delivered to mailbox" ]
	for who in root robot nobody eve; do
		message s@example.org "$who@example.test"
		job new move "1:1:$who@example.test"
		[ "$output" = "1 fail 5.1.1 no such user here" ]
		rm "$SPOOL/new/"*
	done
	# In the first domain alone, and after users and aliases.
	echo second.test >>"$CONTROL/domains"
	message s@example.org carol@second.test
	job new move 1:1:carol@second.test
	[[ $output == "1 fail 5.1.1 "* ]]
	sed -i '/^home-maildir/d' "$CONTROL/settings"
	job new move 1:1:carol@example.test
	[[ $output == "1 fail 5.1.1 "* ]]
}

@test "~/.forward: programs as the user at home" {
	printf '\\carol\n"|id -u >id; pwd >>id"\n' >"$WORK/home/carol/.forward"
	chown 30020 "$WORK/home/carol/.forward"
	message s@example.org carol@example.test
	job new move 1:1:carol@example.test
	[ "$output" = "1 done 2.0.0 delivered to 2 targets" ]
	[ "$(cat "$WORK/home/carol/id")" = "30020
$WORK/home/carol" ]
	[ "$(stat -c %u "$WORK/home/carol/id")" = 30020 ]
	[ "$(ls "$WORK/home/carol/Maildir/new" | wc -l)" = 1 ]
}

@test "through the queue, also for an account that is made while it runs" {
	inside "$QBIN/queue" </dev/null >/dev/null 2>>"$WORK/log" 3>&- &
	queue=$!
	await 10 grep -q ': start' "$WORK/log"
	message s@example.org carol@example.test
	announce "$name"
	await 10 test -e "$WORK/home/carol/Maildir/new/$name"
	echo "erin:x:30002:30002::$WORK/home/erin:/bin/sh" >>"$WORK/passwd"
	mkdir "$WORK/home/erin"
	chown 30002 "$WORK/home/erin"
	message s@example.org erin@example.test
	announce "$name"
	await 10 test -e "$WORK/home/erin/Maildir/new/$name"
	inside "$BIN/admin" rcpt erin@example.test | grep -q 'an account of this system (home-maildir): mailbox erin@example.test'
}
