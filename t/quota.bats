# quota.bats: quotas at delivery: maildirsize, what does not fit, the marks of full mailboxes.
# shellcheck shell=bash disable=SC2154,SC2030,SC2031,SC2153

load helper
load queue

setup() { site </dev/null; }
teardown() { cleanup_site; }

job() {
	local IFS=$'\t'
	output=$(timeout 300 "$QBIN/deliver-local" 2>>"$WORK/log" <<<"$name"$'\t'"$*")
}
size_file() { echo "$MAIL/example.test/$1/maildirsize"; }
usage() { awk 'NR > 1 { b += $1; n += $2 } END { print b " " n }' "$(size_file "$1")"; }
# limit SIZE: alice's.
limit() { printf '%s\n' "alice@example.test:example.test/alice::$1" "bob@example.test:example.test/bob" >"$CONTROL/users"; }

@test "what is delivered is added to maildirsize, whose owner and limits are right" {
	limit 100K,50
	message x@example.org alice@example.test
	job new move 1:1:alice@example.test
	[ "$output" = "1 done 2.0.0 delivered to mailbox" ]
	[ "$(head -n 1 "$(size_file alice)")" = 102400S,50C ]
	[ "$(usage alice)" = "$(stat -c %s "$MAIL/example.test/alice/new/"*) 1" ]
	[ "$(stat -c %u:%a "$(size_file alice)")" = "$(stat -c %u "$MAIL/example.test/alice/new"):600" ]
	message x@example.org alice@example.test bob@example.test
	job new copy 1:1:alice@example.test 2:2:bob@example.test
	[ "$(usage alice)" = "$(cat "$MAIL/example.test/alice/new/"* | wc -c) 2" ]
	[ ! -e "$(size_file bob)" ]	# no quota, no file
	[ -z "$(ls "$SPOOL/full")" ]
	# Again after a crash: not added twice.
	job new copy 1:1:alice@example.test 2:2:bob@example.test
	[[ $output == *"1 done 2.0.0"* ]]
	[ "$(usage alice)" = "$(cat "$MAIL/example.test/alice/new/"* | wc -c) 2" ]
}

@test "too large for the room that is left: deferred, the others get theirs, and no mark" {
	limit 300K
	BYTES=310000 message x@example.org alice@example.test bob@example.test
	job new copy 1:1:alice@example.test 2:2:bob@example.test
	[[ $output == *"1 defer 4.2.2 the mailbox has no room for a message of this size"* ]]
	[[ $output == *"2 done 2.0.0"* ]]
	[ -z "$(find "$SPOOL/full" "$MAIL/example.test/alice/new" -type f)" ]
	message x@example.org alice@example.test
	job new move 1:1:alice@example.test
	[[ $output == "1 done "* ]]
}

@test "the limits that the owner has set himself hold too, and never give him more" {
	limit 300K
	message x@example.org alice@example.test
	job new move 1:1:alice@example.test
	[[ $output == "1 done "* ]]
	own=$MAIL/example.test/alice/posthouse.quota
	echo 200000S,1C >"$own"
	[ "$(id -u)" != 0 ] || chown --reference="$MAIL/example.test/alice" "$own"
	message x@example.org alice@example.test
	job new move 1:1:alice@example.test
	[[ $output == "1 defer 4.2.2 the mailbox is full" ]] || { echo "$output"; return 1; }
	[ "$(head -n 1 "$(size_file alice)")" = 200000S,1C ]
	[ -e "$SPOOL/full/alice@example.test" ]
	echo 999999999S >"$own"
	BYTES=310000 message x@example.org alice@example.test
	job new move 1:1:alice@example.test
	[[ $output == "1 defer 4.2.2 "* ]]
	rm "$own"
	mkfifo "$own"		# nothing that stands there holds delivery up
	message x@example.org alice@example.test
	job new move 1:1:alice@example.test
	[[ $output == "1 done "* ]]
	[ "$(head -n 1 "$(size_file alice)")" = 307200S ]
	rm "$own"
}

@test "full: deferred or bounced by the setting, marked, and unmarked when there is room" {
	limit 0,2
	for i in 1 2; do
		message x@example.org alice@example.test
		job new move 1:1:alice@example.test
		[[ $output == "1 done "* ]]
	done
	# The message that filled it has made the mark.
	[ "$(cat "$SPOOL/full/alice@example.test")" = "the mailbox is full" ]
	[ "$(stat -c %a "$SPOOL/full/alice@example.test")" = 640 ]
	message x@example.org alice@example.test
	job new move 1:1:alice@example.test
	[[ $output == "1 defer 4.2.2 the mailbox is full" ]]
	[ -e "$SPOOL/new/$name" ]
	echo "full-mailbox bounce" >>"$CONTROL/settings"
	job new move 1:1:alice@example.test
	[[ $output == "1 fail 5.2.2 the mailbox is full" ]]
	[ -e "$SPOOL/full/alice@example.test" ]
	rm "$MAIL/example.test/alice/new/"* "$(size_file alice)"
	output=$("$QBIN/deliver-local" </dev/null 2>>"$WORK/log")
	[ ! -e "$SPOOL/full/alice@example.test" ]
	job new move 1:1:alice@example.test
	[[ $output == "1 done "* ]]
}

@test "a mark whose mailbox is unknown or has no quota any more goes" {
	limit 0,1
	message x@example.org alice@example.test
	job new move 1:1:alice@example.test
	[[ $output == "1 done "* ]]
	[ -e "$SPOOL/full/alice@example.test" ]
	echo text >"$SPOOL/full/gone@example.test"
	limit ""
	"$QBIN/deliver-local" </dev/null 2>>"$WORK/log"
	[ -z "$(ls "$SPOOL/full")" ]
}

@test "a hostile or broken maildirsize: counted, never followed, never fatal" {
	limit 100K
	message x@example.org alice@example.test
	job new move 1:1:alice@example.test
	file=$(size_file alice)
	one=$(usage alice)
	echo precious >"$WORK/precious"
	for bad in 'rm -f "$file"; ln -s "$WORK/precious" "$file"' 'rm -f "$file"; mkfifo "$file"' \
	    'rm -f "$file"; echo rubbish >"$file"' 'rm -f "$file"; ln "$WORK/precious" "$file"' 'head -c 9000 /dev/zero >"$file"'; do
		eval "$bad"
		message x@example.org alice@example.test
		job new move 1:1:alice@example.test
		[[ $output == "1 done 2.0.0 delivered to mailbox" ]]
		[ -f "$file" ]
		[ ! -L "$file" ]
	done
	[ "$(cat "$WORK/precious")" = precious ]
	[ "$(usage alice)" = "$(cat "$MAIL/example.test/alice/new/"* | wc -c) 6" ]
	# A tmp that leads elsewhere: nothing is made there.
	mkdir "$WORK/elsewhere"
	rm "$file"
	rmdir "$MAIL/example.test/alice/tmp"
	ln -s "$WORK/elsewhere" "$MAIL/example.test/alice/tmp"
	message x@example.org alice@example.test
	job new move 1:1:alice@example.test
	[[ $output == "1 done 2.0.0 delivered to mailbox" ]]
	[ ! -e "$file" ]
	[ -z "$(ls "$WORK/elsewhere")" ]
	[ "$one" != "" ]
}
