# forward.bats: what deliver-local does beyond mailboxes: .forward files, lists, programs, files, loops, and each of it once.
# shellcheck shell=bash disable=SC2154,SC2030,SC2031,SC2153

load helper
load queue

setup() {
	site </dev/null
	echo "carol@example.test:example.test/carol:${OWNER:=64020}" >>"$CONTROL/users"
	FORWARD=$MAIL/example.test/alice.forward
	mkdir -p "$MAIL/example.test"
	[ "$(id -u)" != 0 ] || chown 64006:64006 "$MAIL/example.test"
}
teardown() { cleanup_site; }

job() {
	local IFS=$'\t'
	output=$(timeout 300 "$QBIN/deliver-local" 2>>"$WORK/log" <<<"$name"$'\t'"$*")
}
# forward USER TEXT: the user's file, his own.
forward() {
	FORWARD=$MAIL/example.test/$1.forward
	printf '%b' "$2" >"$FORWARD"
	[ "$(id -u)" != 0 ] || chown "$(stat -c %u "$MAIL/example.test/$1" 2>/dev/null || echo "${3:-64006}")" "$FORWARD"
	chmod 600 "$FORWARD"
}
# root's: the file belongs to whoever runs the test, so it may name programs.
roots() { [ "$(id -u)" != 0 ] || { chown 0 "$FORWARD" && chmod 644 "$FORWARD"; }; }
# noted PATTERN: what the log says of the last recipient; the sender is told less.
noted() {
	# shellcheck disable=SC2053
	[[ $(grep ' result ' "$WORK/log" | tail -n 1 | sed 's/.* text=//') == $1 ]] || { tail -n 2 "$WORK/log"; false; }
}
BROKEN="defer 4.3.5 the forward of this address is broken; mail waits until it is mended"
child() { ls "$SPOOL/new" | grep -v -F "$name" | head -n 1; }
aliases() { printf '%s\n' "$@" >>"$CONTROL/aliases"; }

@test "forward: a new message with a new envelope, the same sender, and the forwarder as Delivered-To" {
	forward alice '# to where I am\nx@ok.example, y@ok.example\n'
	message s@example.org alice@example.test
	job new move 1:1:alice@example.test
	[[ $output == "1 expanded 2.0.0 forwarded to 2 addresses as "* ]]
	[ ! -e "$SPOOL/new/$name" ]
	file=$SPOOL/new/$(child)
	[ "$(envelope_of "$file")" = $'Return-Path: <s@example.org>\nDelivered-To: x@ok.example\nDelivered-To: y@ok.example' ]
	[ "$(grep -c '^Delivered-To: alice@example.test$' "$file")" = 1 ]
	[ "$(sed -n '/^Received: from client/,$p' "$file" | tail -n +2 | head -n 1)" != "" ]
	[ "$(sed '/^Delivered-To: x@/,$d' "$file" | wc -c)" = "$(sed 's/.*,S=\([0-9]*\),.*/\1/' <<<"$file")" ]
	[ -z "$(find "$SPOOL/local" "$MAIL/example.test/alice/new" -type f)" ]
	grep -q "queued qid=.* text=forward alice@example.test of ${qid}" "$WORK/log"
}

@test "the own mailbox as well: backslash, full address, bare name" {
	for own in '\\alice' alice@example.test alice; do
		forward alice "$own\nx@ok.example\n"
		message s@example.org alice@example.test
		job new move 1:1:alice@example.test
		[ "$output" = "1 expanded 2.0.0 delivered to 2 targets" ]
		[ -n "$(child)" ]
		rm "$SPOOL/new/"*
	done
	[ "$(count_in alice)" = 3 ]
	forward alice '# nothing\n'
	message s@example.org alice@example.test
	job new move 1:1:alice@example.test
	[ "$output" = "1 done 2.0.0 delivered to mailbox" ]
	[ "$(count_in alice)" = 4 ]
}

@test "a loop is found by Delivered-To, before anything is done, and bounces with 5.4.6" {
	forward alice 'x@ok.example\n'
	message s@example.org alice@example.test
	sed -i '/^Received/s/^/Received: by y.example; x\nDelivered-To: Alice@example.test\n/' "$SPOOL/new/$name"
	new=${name%%,*},S=$(stat -c %s "$SPOOL/new/$name"),W=$(($(stat -c %s "$SPOOL/new/$name") + $(wc -l <"$SPOOL/new/$name")))
	mv "$SPOOL/new/$name" "$SPOOL/new/$new"
	name=$new
	job new move 1:1:alice@example.test
	[[ $output == "1 fail 5.4.6 this message has been to alice@example.test before: its forward leads back here" ]]
	[ -z "$(child)" ]
	[ -e "$SPOOL/new/$name" ]
}

@test "a header and nothing behind it: who else gets it is neither its header nor passed on" {
	forward alice 'x@ok.example\n'
	aliases "robot: \"|cat >$WORK/tried/got\""
	BARE=1 message s@example.org alice@example.test robot@example.test bob@example.test
	pass
	[ -s "$WORK/tried/ok.example" ]
	[ "$(count_in bob)" = 1 ]
	[ "$(tail -n 1 "$MAIL/example.test/bob/new/"*)" = "Subject: test" ]
	[ "$(tail -n 1 "$WORK/tried/got")" = "Subject: test" ]
	[ "$(grep -h Delivered-To "$WORK/tried/got")" = "Delivered-To: robot@example.test" ]
	[ -z "$(find "$SPOOL/new" "$SPOOL/cur" -type f)" ]
}

@test "two mailboxes that forward to each other: the queue ends it with one bounce" {
	forward alice 'bob@example.test\n'
	forward bob 'alice@example.test\n'
	message s@ok.example alice@example.test
	for _ in 1 2 3 4; do pass; done
	[ -z "$(find "$SPOOL/new" "$SPOOL/cur" -type f)" ]
	[ "$(grep -c ' text=forward ' "$WORK/log")" = 2 ]
	[ "$(grep -c 'status=bounced dsn=5.4.6' "$WORK/log")" -ge 1 ]
	[ "$(cat "$WORK/tried/ok.example" | wc -l)" = 1 ]
}

@test "programs: contract of descriptors, environment, directory, identity" {
	need_root	# a file that may name programs is root's
	forward alice "\"|cat >$WORK/tried/message; cat <&3 >$WORK/tried/envelope; env >$WORK/tried/env; id -u >$WORK/tried/id; pwd >$WORK/tried/pwd; echo 'done 2.1.5 seen to' >&4\"\n"
	roots
	message s@example.org alice+x@example.test
	job new move "1:1:alice+x@example.test"
	[ "$output" = "1 done 2.1.5 seen to" ]
	[ "$(head -n 3 "$WORK/tried/message")" = $'Return-Path: <s@example.org>\nDelivered-To: alice+x@example.test\nReceived: from client.example by mx.example.test' ]
	[ "$(cat "$WORK/tried/envelope")" = $'Return-Path: <s@example.org>\nDelivered-To: alice+x@example.test' ]
	for v in SENDER=s@example.org RECIPIENT=alice+x@example.test EXTENSION=x DOMAIN=example.test USER=alice SHELL=/bin/sh "QID=$qid"; do
		grep -qxF "$v" "$WORK/tried/env"
	done
	not grep -q POSTHOUSE "$WORK/tried/env"
	[ "$(cat "$WORK/tried/pwd")" = "$MAIL/example.test" ]
	if [ "$(id -u)" = 0 ]; then [ "$(cat "$WORK/tried/id")" = 64006 ]; fi
}

@test "programs: exit codes and signals give the class, fd 4 or the output the text" {
	need_root	# a file that may name programs is root's
	while IFS='|' read -r command want; do
		forward alice "\"|$command\"\n"
		roots
		message s@example.org alice@example.test
		job new move 1:1:alice@example.test
		[[ $output == $want ]] || { echo "$command: $output, not $want"; false; }
		[ "$command" != "exec /no/such" ] || noted "*code 127: */no/such: not found"
		rm -f "$SPOOL/new/"*
	done <<-'END'
	exit 0|1 done 2.0.0 a program took it
	exit 67|1 fail 5.1.1 the program ended with code 67
	echo one; echo two >&2; exit 100|1 fail 5.3.0 the program ended with code 100: two
	exit 75|1 defer 4.3.0 the program ended with code 75
	exit 1|1 defer 4.3.0 the program ended with code 1
	exec /no/such|1 defer 4.3.0 the program ended with code 127
	kill -9 $$|1 defer 4.3.0 the program was ended by signal 9
	echo fail 5.7.1 go away >&4; exit 77|1 fail 5.7.1 go away
	echo done 2.0.0 lies >&4; exit 77|1 fail 5.3.0 the program ended with code 77
	echo defer 5.1.1 wrong >&4; exit 75|1 defer 4.3.0 the program ended with code 75
	head -c 1000000 /dev/zero; exit 65|1 fail 5.3.0 the program ended with code 65*
	exec cat >/dev/null|1 done 2.0.0 a program took it
	sleep 100 >/dev/null 2>/dev/null 4>&- & exit 0|1 done 2.0.0 a program took it
	END
}

@test "a program that takes too long is ended, with all that it started" {
	need_root	# a file that may name programs is root's
	echo "program-timeout 1s" >>"$CONTROL/settings"
	local tag=7777$BASHPID	# nobody else sleeps so long
	forward alice "\"|sleep $tag.1 & trap '' TERM; sleep $tag.2; sleep $tag.3\"\n"
	roots
	message s@example.org alice@example.test
	job new move 1:1:alice@example.test
	[ "$output" = "1 defer 4.3.0 the program took too long" ]
	await 10 not pgrep -f "^sleep $tag"
}

@test "several targets: each has its own result, and what is done is not done again" {
	need_root	# a file that may name programs is root's
	forward alice "\\\\alice, x@ok.example, \"|echo ran >>$WORK/tried/ran\", \"|test -e $WORK/tried/go\"\n"
	roots
	message s@example.org alice@example.test
	job new move 1:1:alice@example.test
	[[ $output == "1 defer 4.3.0 the program ended with code 1" ]]
	[ "$(count_in alice)$(wc -l <"$WORK/tried/ran")" = 11 ]
	[ "$(find "$SPOOL/new" -type f | wc -l)" = 2 ]
	rm "$SPOOL/new/$(child)"	# sent by now
	job new move 1:1:alice@example.test
	[[ $output == "1 defer "* ]]
	touch "$WORK/tried/go"
	job new move 1:1:alice@example.test
	[ "$output" = "1 expanded 2.0.0 delivered to 4 targets" ]
	[ "$(count_in alice)$(wc -l <"$WORK/tried/ran")" = 11 ]
	[ -z "$(find "$SPOOL/new" "$SPOOL/local" -type f)" ]
}

@test "one fails for good and one works: the failure is told, once all is done" {
	need_root	# a file that may name programs is root's
	forward alice "\\\\alice, \"|exit 69\"\n"
	roots
	message s@example.org alice@example.test
	job new copy 1:1:alice@example.test
	[[ $output == "1 fail 5.3.0 the program ended with code 69" ]]
	[ "$(count_in alice)" = 1 ]
}

@test "each of several programs keeps its own code: what a later one says changes no earlier one" {
	need_root	# a file that may name programs is root's
	forward alice "\"|echo 'fail 5.7.1 not for me' >&4; exit 77\", \"|echo 'done 2.6.9 mine' >&4\"\n"
	roots
	message s@example.org alice@example.test
	job new copy 1:1:alice@example.test
	[ "$output" = "1 fail 5.7.1 not for me" ]
	job new copy 1:1:alice@example.test	# from the journal
	[ "$output" = "1 fail 5.7.1 not for me" ]
}

@test "a program holds no descriptor, no power and no group but its own" {
	need_root
	forward alice "\"|ls -l /proc/self/fd >$WORK/tried/fds; cat /proc/self/status >$WORK/tried/status\"\n"
	roots
	message s@example.org alice@example.test
	exec 7<"$CONTROL/users" 8<"$SPOOL"
	job new move 1:1:alice@example.test
	exec 7<&- 8<&-
	[[ $output == "1 done "* ]]
	awk '$9 ~ /^[0-9]+$/ && $9 > 4 && $11 !~ /^\/proc\//' "$WORK/tried/fds" >"$WORK/more"
	[ ! -s "$WORK/more" ]
	for f in CapInh CapPrm CapEff; do grep -q "^$f:	0000000000000000$" "$WORK/tried/status"; done
	[ "$(awk '$1 == "Groups:" { print $2 $3 }' "$WORK/tried/status")" = 64006 ]
	[ "$(awk '$1 == "Gid:" { print $2 $3 $4 $5 }' "$WORK/tried/status")" = 64006640066400664006 ]
}

@test "an included file: root reads no secret of its own through somebody's link" {
	need_root
	mkdir -m 755 "$WORK/lists"
	echo secret@ok.example >"$WORK/control/secret"
	chmod 600 "$WORK/control/secret"
	ln -s "$WORK/control/secret" "$WORK/lists/friends"
	chown -h 64020:64020 "$WORK/lists" "$WORK/lists/friends"
	aliases "friends: :include:$WORK/lists/friends" "own: :include:$WORK/control/secret"
	message s@example.org friends@example.test
	job new copy 1:1:friends@example.test
	[[ $output == "1 defer 4.3.5 the list of this address is broken"* ]]
	noted "*: Permission denied"
	job new copy 2:1:own@example.test
	[[ $output == "2 passed 2.0.0 forwarded as "* ]]
	noted "forwarded to <secret@ok.example> as *"
	chmod 644 "$WORK/control/secret"	# what all may read, all may send to
	job new copy 3:2:friends@example.test
	[[ $output == "3 passed 2.0.0 forwarded as "* ]]
	noted "forwarded to <secret@ok.example> as *"
}

@test "who may run programs: the mail-user's own file may not, root's and a system account's may" {
	need_root
	forward alice "\"|touch $WORK/tried/ran\"\n"
	message s@example.org alice@example.test
	job new move 1:1:alice@example.test
	[ "$output" = "1 $BROKEN" ]
	noted "$FORWARD:1: *programs and files are for accounts of the system*"
	[ ! -e "$WORK/tried/ran" ]
	forward carol "\"|id -u >$WORK/tried/ran\"\n" 64020
	chmod 644 "$FORWARD"
	message s@example.org carol@example.test
	job new move 1:1:carol@example.test
	[[ $output == "1 done "* ]]
	[ "$(cat "$WORK/tried/ran")" = 64020 ]
}

@test "broken, unsafe and unreadable .forward files delay the mail and say where" {
	while IFS='|' read -r text want; do
		forward alice "$text"
		message s@example.org alice@example.test
		job new move 1:1:alice@example.test
		[ "$output" = "1 $BROKEN" ]
		noted "$FORWARD:$want"
	done <<-'END'
	\n# x\na b c\n|3: "a b c": this is not an address*
	x@ok.example\n"unclosed\n|2: "\"unclosed": a quotation mark*
	:include:list\n|1: *begins with "/"
	END
	forward alice 'x@ok.example'
	chmod 666 "$FORWARD"
	job new move 1:1:alice@example.test
	noted "*others may write to it*"
	rm "$FORWARD"; mkdir "$FORWARD"
	job new move 1:1:alice@example.test
	noted "*this is not a file*"
	rmdir "$FORWARD"; ln -s /etc/passwd "$FORWARD"
	job new move 1:1:alice@example.test
	noted "*this is not a file*"
	[ "$(find "$SPOOL/new" -type f | wc -l)" = 3 ]
}

@test "lists: owner-, :include:, programs, nested, to members once, with errors by line" {
	printf '%s\n' '# staff' 'x@ok.example (works at home)' 'Bob <bob@example.test>, X@OK.example' alice >"$WORK/control/staff"
	aliases "staff: :include:$WORK/control/staff" "owner-staff: alice" "all: staff, y@ok.example"
	message s@example.org staff@example.test
	job new move 1:1:staff@example.test
	[[ $output == "1 done 2.0.0 forwarded to 4 addresses as "* ]]
	file=$SPOOL/new/$(child)
	[ "$(envelope_of "$file" | head -n 4)" = $'Return-Path: <owner-staff@example.test>\nDelivered-To: x@ok.example\nDelivered-To: bob@example.test\nDelivered-To: X@ok.example' ]
	rm "$SPOOL/new/"*
	# A bounce keeps its null sender; through the queue all members get it.
	message "" all@example.test
	for _ in 1 2 3 4; do pass; done
	[ "$(count_in alice)$(count_in bob)" = 11 ]
	grep -q '^Return-Path: <>$' "$MAIL/example.test/alice/new/"*
	printf 'x@ok.example\nno address here\n' >"$WORK/control/staff"
	message s@example.org staff@example.test
	job new move 1:1:staff@example.test
	[[ $output == "1 defer 4.3.5 the list of this address is broken"* ]]
	noted "$WORK/control/staff:2: this is not an address*"
	printf '"|touch %s/tried/no"\n' "$WORK" >"$WORK/control/staff"
	job new move 1:1:staff@example.test
	noted "*an included file holds addresses only"
	rm "$WORK/control/staff"
	job new move 1:1:staff@example.test
	noted "*No such file*"
	# A FIFO that nobody writes to is no empty list.
	mkfifo -m 644 "$WORK/control/staff"
	job new move 1:1:staff@example.test
	[[ $output == "1 defer 4.3.5 the list of this address is broken"* ]]
	noted "*Invalid argument*"
}

@test "included files that include others: read by who has read the first, and not without end" {
	mkdir -m 755 "$WORK/lists"
	printf '%s\n' "a@ok.example, :include:$WORK/lists/b" c@ok.example >"$WORK/lists/a"
	printf '%s\n' '# b' b@ok.example a@ok.example >"$WORK/lists/b"
	aliases "all: :include:$WORK/lists/a"
	message s@example.org all@example.test
	job new move 1:1:all@example.test
	[[ $output == "1 done 2.0.0 forwarded to 3 addresses as "* ]] || [[ $output == "1 expanded 2.0.0 forwarded to 3 addresses as "* ]]
	[ "$(envelope_of "$SPOOL/new/$(child)" | grep -c '^Delivered-To: [abc]@ok.example$')" = 3 ]
	rm "$SPOOL/new/"*
	printf '%s\n' b@ok.example 'not an address' >"$WORK/lists/b"
	message s@example.org all@example.test
	job new move 1:1:all@example.test
	[[ $output == "1 defer 4.3.5 the list of this address is broken"* ]]
	noted "$WORK/lists/b:2: this is not an address*"
	printf '%s\n' b@ok.example "|touch $WORK/tried/no" >"$WORK/lists/b"
	job new move 1:1:all@example.test
	noted "$WORK/lists/b:2: an included file holds addresses only"
	echo ":include:$WORK/lists/a" >"$WORK/lists/b"
	job new move 1:1:all@example.test
	[[ $output == "1 defer 4.3.5 the list of this address is broken"* ]]
	noted "$WORK/lists/?:1: too many files are included, or one includes itself*"
	# Those that include others are held in memory meanwhile: 4 MiB in all, of which each has less.
	head -c 2200000 /dev/zero | tr '\0' '\n' >"$WORK/lists/big"
	cp "$WORK/lists/big" "$WORK/lists/b"
	echo b@ok.example >>"$WORK/lists/b"
	job new move 1:1:all@example.test
	[[ $output == "1 "*" 2.0.0 forwarded to 3 addresses as "* ]]
	rm "$SPOOL/new/"*
	message s@example.org all@example.test
	echo ":include:$WORK/lists/big" >>"$WORK/lists/b"
	job new move 1:1:all@example.test
	noted "$WORK/lists/b:2200002: File too large"
	[ "$(id -u)" = 0 ] || return 0
	# Somebody's file reads what he may read: not root's secret, nor another's.
	echo secret@ok.example >"$WORK/control/secret"
	chmod 600 "$WORK/control/secret"
	echo ":include:$WORK/control/secret" >"$WORK/lists/b"
	job new move 1:1:all@example.test
	[[ $output == "1 "*" 2.0.0 forwarded to 3 addresses as "* ]]
	rm "$SPOOL/new/"*
	message s@example.org all@example.test
	chown 64020:64020 "$WORK/lists/a"
	job new move 1:1:all@example.test
	noted "$WORK/lists/b:1: Permission denied"
	chown 64021:64021 "$WORK/control/secret"
	job new move 1:1:all@example.test
	noted "$WORK/lists/b:1: Permission denied"
}

@test "programs of aliases run as program-user, in the root directory" {
	aliases "robot: \"|id -u >$WORK/tried/id; pwd >$WORK/tried/pwd\""
	message s@example.org robot@example.test
	job new move 1:1:robot@example.test
	[[ $output == "1 done "* ]]
	[ "$(cat "$WORK/tried/pwd")" = / ]
	if [ "$(id -u)" = 0 ]; then [ "$(cat "$WORK/tried/id")" = "$(id -u nobody)" ]; fi
}

@test "files: mbox with quoted From, Maildir, /dev/null; as their owner" {
	need_root
	mkdir "$WORK/files"
	if [ "$(id -u)" = 0 ]; then chown 64020 "$WORK/files"; fi
	forward carol "$WORK/files/box, $WORK/files/dir/, /dev/null\n" 64020
	BODY=$'From here\n>From there\nno From' message s@example.org carol@example.test
	printf 'From here\n>From there\n' >>"$SPOOL/new/$name"
	size=$(stat -c %s "$SPOOL/new/$name")
	mv "$SPOOL/new/$name" "$SPOOL/new/${name%%,*},S=$size,W=$((size + $(wc -l <"$SPOOL/new/$name")))"
	name=$(ls "$SPOOL/new")
	job new move 1:1:carol@example.test
	[ "$output" = "1 done 2.0.0 delivered to 3 targets" ]
	[ "$(grep -c '^From s@example.org ' "$WORK/files/box")" = 1 ]
	grep -q '^>From here$' "$WORK/files/box"
	grep -q '^>>From there$' "$WORK/files/box"
	[ "$(find "$WORK/files/dir/new" -type f | wc -l)" = 1 ]
	if [ "$(id -u)" = 0 ]; then [ "$(stat -c %u "$WORK/files/box" "$WORK/files/dir/new/"* | sort -u)" = 64020 ]; fi
	# An alias writes as the owner of what is there, and never as root.
	need_root
	touch "$WORK/roots"
	aliases "box: $WORK/files/box" "rootbox: $WORK/roots"
	message s@example.org box@example.test
	job new copy 1:1:box@example.test 2:2:rootbox@example.test
	[[ $output == *"1 done 2.0.0 added to a file"* ]]
	grep -q "text=added to $WORK/files/box$" "$WORK/log"
	[[ $output == *"2 defer 4.3.5 the file belongs to the wrong account"* ]]
	grep -q "text=$WORK/roots is root's" "$WORK/log"
	[ ! -s "$WORK/roots" ]
}

@test "a disk that fails under a file, and a file of forwards that is exchanged while it is looked at" {
	need cc gcc
	[ "${BIN##*/san/}" = "$BIN" ] || skip "a sanitized program takes no other library first"
	# The message that a target is given has no name: its second piece cannot be read.  Of a file of forwards that was
	# looked at, who reads it finds another.
	cat >"$WORK/fake.c" <<-'END'
	#define _GNU_SOURCE
	#include <sys/stat.h>
	#include <sys/syscall.h>
	#include <dlfcn.h>
	#include <errno.h>
	#include <fcntl.h>
	#include <stdio.h>
	#include <unistd.h>
	ssize_t read(int fd, void *p, size_t n)
	{
		struct stat st;
		if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 0 && st.st_size > 70000 &&
		    lseek(fd, 0, SEEK_CUR) > 0) {
			errno = EIO;
			return -1;
		}
		return syscall(SYS_read, fd, p, n);
	}
	static char looked[600];
	int lstat(const char *path, struct stat *st)
	{
		snprintf(looked, sizeof(looked), "%s", path);
		return fstatat(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
	}
	pid_t fork(void)
	{
		pid_t pid = ((pid_t (*)(void))dlsym(RTLD_NEXT, "fork"))();
		char other[700];
		snprintf(other, sizeof(other), "%s.other", looked);
		if (pid == 0)
			rename(other, looked);
		return pid;
	}
	END
	cc -shared -fPIC -o "$WORK/fake.so" "$WORK/fake.c"
	chmod 755 "$WORK/fake.so"
	mkdir "$WORK/files"
	[ "$(id -u)" != 0 ] || chown 64020 "$WORK/files"
	echo before >"$WORK/files/box"
	[ "$(id -u)" != 0 ] || chown 64020 "$WORK/files/box"
	aliases "box: $WORK/files/box"
	BYTES=100000 message s@example.org box@example.test
	LD_PRELOAD=$WORK/fake.so job new copy 1:1:box@example.test
	[ "$output" = "1 defer 4.3.0 the mailbox: Input/output error" ]
	[ "$(cat "$WORK/files/box")" = before ]
	job new copy 1:1:box@example.test
	[ "$output" = "1 done 2.0.0 added to a file" ]
	forward alice "|touch $WORK/tried/program\n"
	mv "$FORWARD" "$FORWARD.other"
	forward alice 'x@ok.example\n'
	roots
	message s@example.org alice@example.test
	LD_PRELOAD=$WORK/fake.so job new move 1:1:alice@example.test
	[[ $output == "1 defer "* ]]
	noted "*Stale file handle"
	[ ! -e "$WORK/tried/program" ]
}

@test "detail folders: only with the setting, only into one that is there" {
	for i in 1 2 3; do
		message s@example.org alice+lists@example.test
		job new move 1:1:alice+lists@example.test
		[[ $output == "1 done "* ]]
		case $i in
		1) mkdir -p "$MAIL/example.test/alice/.lists" ;;
		2) echo "detail-folders yes" >>"$CONTROL/settings" ;;
		esac
	done
	[ "$(count_in alice)" = 2 ]
	[ "$(ls "$MAIL/example.test/alice/.lists/new" | wc -l)" = 1 ]
	for bad in "alice+../bob" "alice+.." "alice+." "alice+a..b" "alice+\"x\"" "alice+new" "alice+nosuch"; do
		message s@example.org alice@example.test
		job new move "1:1:$bad@example.test"
		[[ $output != *" done "* ]] || [ -n "$(find "$MAIL/example.test/alice/new" -name "$name")" ]
	done
	[ "$(ls -A "$MAIL/example.test/alice" | sort | tr '\n' ' ')" = ".lists cur new tmp " ]
}

@test "killed at each system call: forwarded once, delivered once, never lost" {
	need strace strace
	[ -z "${SANITIZED-}" ] || skip "the calls are the same"
	forward alice '\\alice, x@ok.example\n'
	for call in openat write fsync renameat renameat2 linkat unlinkat flock close; do
		for when in 1 2 3 5 8 12; do
			rm -rf "${SPOOL:?}/new/"* "$SPOOL/local/"* "$MAIL/example.test/alice"
			message s@example.org alice@example.test
			line="$name	new	move	1:1:alice@example.test"
			timeout 120 strace -f -qq -o /dev/null -e trace="$call" -e inject="$call:signal=KILL:when=$when" \
			    "$QBIN/deliver-local" <<<"$line" >/dev/null 2>>"$WORK/log" || :
			if [ -e "$SPOOL/new/$name" ]; then
				job new move 1:1:alice@example.test
				[[ $output == *"1 expanded "* ]] || { echo "$call $when: $output"; false; }
			fi
			[ "$(count_in alice)" = 1 ] || { echo "$call $when: $(count_in alice) delivered"; false; }
			[ "$(find "$SPOOL/new" -type f | wc -l)" = 1 ] || { echo "$call $when"; ls "$SPOOL/new"; false; }
		done
	done
}

@test "a recipient's process that is killed: deferred, and the others go on" {
	need_root	# a file that may name programs is root's
	forward alice "\"|touch $WORK/tried/on; exec sleep 300\"\n"
	roots
	message s@example.org alice@example.test
	mkfifo "$WORK/in"
	"$QBIN/deliver-local" >"$WORK/out" <"$WORK/in" 2>>"$WORK/log" 3>&- &
	pid=$!
	exec 8>"$WORK/in"
	printf '%s\tnew\tmove\t7:1:alice@example.test\n' "$name" >&8
	await 10 test -e "$WORK/tried/on"
	await 10 sleeping "$pid"
	kill -9 "$(ps -o ppid= -p "$sleeper" | tr -d ' ')"
	await 10 grep -q '^7 defer 4.3.0 its process has ended before its work was done$' "$WORK/out"
	end "$sleeper"
	message s@example.org bob@example.test
	printf '%s\tnew\tmove\t8:1:bob@example.test\n' "$name" >&8
	await 10 grep -q '^8 done ' "$WORK/out"
	exec 8>&-
	wait "$pid"
}
sleeping() {
	for sleeper in $(children "$1"); do
		[ "$(tr '\0' ' ' <"/proc/$sleeper/cmdline")" != "sleep 300 " ] || return 0
	done 2>/dev/null
	return 1
}

@test "one owner's slow programs: a quarter of the places, and others' forwards and mailboxes go on" {
	need_root	# a file that may name programs is root's
	echo "local-jobs 8" >>"$CONTROL/settings"
	forward alice "\"|cat >/dev/null; sleep 600 & echo \$! >>$WORK/tried/pids; wait\"\n"
	roots
	forward bob 'x@ok.example'
	echo 'robot: "|touch '"$WORK"'/tried/robot"' >>"$CONTROL/aliases"
	start_queue
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
		message s@example.org alice@example.test
		announce "$name"
	done
	await 10 test -s "$WORK/tried/pids"
	for to in bob carol robot; do
		message s@example.org "$to@example.test"
		announce "$name"
	done
	await 20 test -s "$WORK/tried/ok.example"
	await 20 test -e "$WORK/tried/robot"
	await 20 in_mailbox carol
	# two at work, the others put off with a word
	await 20 eval '[ "$(cat "$SPOOL"/state/* | grep -c "alice@example.test.*4.3.2 too many programs of this recipient are running")" = 10 ]'
	await 20 eval '[ "$(wc -l <"$WORK/tried/pids")" -ge 2 ]'
	[ "$(wc -l <"$WORK/tried/pids")" = 2 ]
	logged "result qid=.* rcpt=<alice@example.test> relay=local status=deferred dsn=4.3.2 .*text=too many programs of this recipient are running"
	while read -r pid; do kill "$pid"; done <"$WORK/tried/pids"
}

@test "one owner by many names: an alias in all spellings, a whole domain's catch-all" {
	need_root	# runs programs of aliases
	echo "local-jobs 8" >>"$CONTROL/settings"
	aliases "robot: \"|echo \$\$ >>$WORK/tried/robot; exec sleep 600\"" "@all.example: \"|echo \$\$ >>$WORK/tried/all; exec sleep 600\""
	echo all.example >>"$CONTROL/domains"
	start_queue
	for to in robot ROBOT rObot robot+x; do
		message s@example.org "$to@example.test"
		announce "$name"
		message s@example.org "x$to@all.example"
		announce "$name"
	done
	await 20 eval '[ "$(grep -c "dsn=4.3.2 .*too many programs of this recipient are running" "$WORK/log")" = 4 ]'
	for to in robot all; do
		await 20 eval '[ "$(grep -c . "$WORK/tried/$to")" -ge 2 ]'
		[ "$(wc -l <"$WORK/tried/$to")" = 2 ]
	done
	while read -r pid; do kill "$pid"; done < <(cat "$WORK/tried/robot" "$WORK/tried/all")
}

@test "a burst to one owner whose programs are quick: all are served, a few at a time" {
	need_root	# a file that may name programs is root's
	# Whoever is put off all the same comes back at once: a program is quick or slow by the clock, and so is this machine.
	printf '%s\n' "local-jobs 8" "retry-first 1s" "retry-max 1s" >>"$CONTROL/settings"
	mkdir -m 777 "$WORK/tried/at"
	forward alice "\"|mkdir $WORK/tried/at/\$\$; ls $WORK/tried/at | wc -l >>$WORK/tried/most; sleep 0.05; rmdir $WORK/tried/at/\$\$\"\n"
	roots
	start_queue
	for round in 1 2 3 4 5 6 7 8; do
		before=$(put_off)
		for _ in $(seq 40); do
			message s@example.org alice@example.test
			announce "$name"
		done
		await 60 spool_is_empty
		[ "$(wc -l <"$WORK/tried/most")" = $((round * 40)) ]
		[ "$(sort -n "$WORK/tried/most" | tail -n 1)" -le 2 ]
		[ "$(put_off)" != "$before" ] || break
	done
	[ "$(put_off)" = "$before" ]	# once at least nobody had to come back
}
put_off() { grep -c 'status=deferred' "$WORK/log" || :; }

@test "litter: a journal whose message has gone is removed, another is not" {
	name="1795000000.0123456789abcdef.mx,S=5,W=6"
	touch -d '1 hour ago' "$SPOOL/local/$name:1" "$SPOOL/local/$name:1.child"
	kept="1795000000.0123456789abcdea.mx,S=5,W=6"
	touch "$SPOOL/cur/$kept"
	touch -d '1 hour ago' "$SPOOL/local/$kept:2.1"
	touch "$SPOOL/local/1795000000.0123456789abcdeb.mx,S=5,W=6:1"
	"$QBIN/deliver-local" </dev/null 2>>"$WORK/log"
	[ "$(ls "$SPOOL/local" | wc -l)" = 2 ]
	[ -e "$SPOOL/local/$kept:2.1" ]
}
