#!/usr/bin/env bats
# Property: written once.  The system calls of every process, from accept to the Maildir, for one 4 KiB message to one local
# mailbox: what is counted does not depend on the machine.

load helper

setup() {
	need strace strace
	need python3 python3
	need_root	# attaching to processes of other users
}
teardown() {
	[ -z "${TRACERS-}" ] || kill "${TRACERS[@]}" 2>/dev/null || :
	instance_stop
}

# trace: attaches to the listener on port 25 and to all of queue's processes, following what they fork; to $DIR/trace.PID.PID, each to
# its own, so that no line is cut in two by another's.
trace() {
	local listener queue pid
	listener=$(awk '$3 == "smtp" { print $1 }' "$DIR/pids")
	queue=$(awk '$3 == "queue" { print $1 }' "$DIR/pids")
	await 10 childless "$listener"
	await 10 asleep "$queue"
	mapfile -t TRACED < <(echo "$listener"; echo "$queue"; children "$queue")
	for pid in "${TRACED[@]}"; do
		strace -ff -qq -y -s 64 -o "$DIR/trace.$pid" -p "$pid" 2>/dev/null 3>&- &
		TRACERS+=($!)
	done
	for pid in "${TRACED[@]}"; do
		await 10 grep -q '^TracerPid:[[:space:]]*[1-9]' "/proc/$pid/status"
	done
}
# What was before is over: no session, and no process of queue at work.  Looked at twice, for one wakes the other.
childless() { [ -z "$(children "$1")" ]; }
asleep() {
	local pid
	for pid in $(children "$1") $(children "$1"); do
		grep -q '^State:[[:space:]]*S' "/proc/$pid/status" || return 1
	done
}
untrace() {
	kill "${TRACERS[@]}"
	wait "${TRACERS[@]}" || :
	TRACERS=()
	cat "$DIR"/trace.* >"$DIR/trace"
}

# send N RECIPIENT...: one message with N bytes of content in lines of 64.
send() {
	python3 - "$SMTP_PORT" "$@" <<-'P'
	import smtplib, sys
	port, size, rcpts = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
	text = "Subject: written once\r\n\r\n" + ("x" * 62 + "\r\n") * (size // 64)
	s = smtplib.SMTP("127.0.0.1", port, "client.example")
	s.sendmail("alice@example.org", rcpts, text)
	s.quit()
	P
}

# said_sent N: N deliveries are in the log.
said_sent() { [ "$(grep -c 'status=sent' "$DIR/log/queue")" -ge "$1" ]; }

# calls PATTERN: how many completed calls match.
calls() { grep -cE "$1" "$DIR/trace" || :; }

@test "one message, one mailbox: one file, its bytes once, one fsync, one rename, no exec" {
	local name file size written
	instance_start
	adduser bob@example.test pw
	send 4096 bob@example.test	# the first makes what is made once
	await 5 said_sent 1
	trace
	send 4096 bob@example.test
	await 5 has_messages "$(maildir bob@example.test)" 2
	await 5 said_sent 2
	untrace
	echo "data files created:"
	grep -E 'open(at)?\(.*O_CREAT' "$DIR/trace" || :
	[ "$(calls 'open(at)?\(.*O_CREAT')" = 1 ]
	[ "$(calls 'creat\(|mkdir|mknod|linkat?\(|symlink')" = 0 ]
	[ "$(calls '(fsync|fdatasync|syncfs|sync)\(')" = 1 ]
	[ "$(calls 'execve')" = 0 ]
	# Into new/ of the spool, where it gets its size, and from there into the Maildir.
	grep rename "$DIR/trace"
	[ "$(calls 'rename(at2?)?\(.*= 0')" = 2 ]
	[ "$(calls "rename(at2?)?\(.*$(maildir bob@example.test)/new.*= 0")" = 1 ]
	# Bytes written to files of the spool or the Maildir: exactly the message's.
	written=$(sed -nE "s@^p?write(v|64)?\([0-9]+<$DIR/(spool|mail)[^>]*/(tmp|new|cur)/.*= ([0-9]+)\$@\4@p" "$DIR/trace" |
	    awk '{ n += $1 } END { print n + 0 }')
	name=$(find "$(maildir bob@example.test)/new" -type f -newer "$DIR/env" -printf '%T@ %p\n' | sort -n | tail -n 1)
	file=${name#* }
	size=$(stat -c %s "$file")
	echo "written $written, size $size"
	[ "$written" = "$size" ]
	[ "$(calls 'sendfile|copy_file_range|splice')" = 0 ]
	# It was answered 250 only behind the fsync.
	awk '/fsync\(/ { f = NR } /write\(.*"250 2\.0\.0/ { if (!f) exit 1; ok = 1 } END { exit !ok }' \
	    "$(grep -l 'write(.*"250 2\.0\.0' "$DIR"/trace.*)"
}

@test "one message costs at most 60 system calls beyond the dialogue" {
	local all dialogue
	[ -z "${SANITIZED-}" ] || skip "sanitizers make calls of their own"
	instance_start
	adduser bob@example.test pw
	send 4096 bob@example.test
	await 5 said_sent 1
	trace
	send 4096 bob@example.test
	await 5 has_messages "$(maildir bob@example.test)" 2
	untrace
	# Where no inotify instance is left on the machine, control files are looked at one by one: that is not what is counted.
	sed -i "\\@newfstatat([0-9A-Z_]*<[^>]*>, \"$CONTROL\"\\|newfstatat([0-9]*<$CONTROL>@d" "$DIR/trace"
	# Nor is what the clock or a signal does: a look at new/ every half minute, a wait that was cut short.
	sed -i -E "\\@ERESTART|EINTR|EAGAIN|getdents|spool/trigger>.*\\(Timeout\\)|<$SPOOL/new>(, \"\.?\"|, F_|\\))@d" "$DIR/trace"
	# Calls that returned; a poll that an idle process was in when the trace ended did not.
	all=$(grep -vE '<unfinished|\+\+\+|---|<detached' "$DIR/trace" | grep -c ' = ')
	dialogue=$(grep -cE '(read|write)\([0-9]+<(socket|TCP)' "$DIR/trace" || :)
	echo "$all calls, $dialogue of them the dialogue" >&3
	sed 's/(.*//' "$DIR/trace" | sort | uniq -c | sort -rn
	[ $((all - dialogue)) -le 60 ]
}

@test "several recipients: no copy names the others, one inode for one owner" {
	local box one two
	instance_start
	adduser bob@example.test pw
	adduser carol@example.test pw
	send 4096 bob@example.test carol@example.test
	for box in bob carol; do
		await 5 has_messages "$(maildir $box@example.test)" 1
	done
	one=$(find "$(maildir bob@example.test)/new" -type f)
	two=$(find "$(maildir carol@example.test)/new" -type f)
	not grep -iq 'carol@' "$one"
	not grep -iq 'bob@' "$two"
	[ "$(stat -c %i "$one")" = "$(stat -c %i "$two")" ]
	await 5 spool_empty
}

# users_100: an instance with user1 to user100; their addresses are in RCPTS.
users_100() {
	local n
	RCPTS=()
	instance_start
	for n in {1..100}; do
		RCPTS+=("user$n@example.test")
		echo "user$n@example.test:user$n:::" >>"$CONTROL/users"
	done
}
# one_mib_once RCPT...: 1 MiB to these, who are the hundred, is written once.
one_mib_once() {
	local written file
	send 4096 "$@"	# makes the Maildirs
	await 10 spool_empty
	trace
	send 1066000 "$@"
	await 10 said_sent 200
	await 5 spool_empty
	untrace
	written=$(sed -nE "s@^p?write(v|64)?\([0-9]+<$DIR/(spool|mail)[^>]*/(tmp|new|cur|state)/.*= ([0-9]+)\$@\4@p" "$DIR/trace" |
	    awk '{ n += $1 } END { print n + 0 }')
	echo "# $written bytes, $(calls '(fsync|fdatasync|syncfs|sync)\(.*= 0') flushes" >&3
	[ "$written" -ge 1048576 ]
	[ "$written" -le 1101004 ]	# 1.05 MiB
	[ "$(calls '(fsync|fdatasync|syncfs|sync)\(.*= 0')" -le 4 ]
	[ "$(calls 'sendfile|copy_file_range|splice')" = 0 ]
	[ "$(find "$MAIL" -type f -size +1000k | wc -l)" = 100 ]
	[ "$(find "$MAIL" -type f -size +1000k -printf '%i %n %m %u\n' | sort -u | wc -l)" = 1 ]
	file=$(find "$MAIL/user7/new" -size +1000k)
	[ "$(stat -c '%h %a' "$file")" = "100 600" ]
	[[ $file == *",S=$(stat -c %s "$file"),W=$(($(stat -c %s "$file") + $(wc -l <"$file")))" ]]
	not grep -q 'user[0-9]*@' "$file"
}

@test "1 MiB to 100 mailboxes: written once, 4 flushes, and nobody sees the others" {
	users_100
	one_mib_once "${RCPTS[@]}"
	# The recipients were off the file, on the disk, before the first could see it.
	grep -hE 'ftruncate|fsync|linkat' "$DIR"/trace.* | grep -A 100 ftruncate | head -n 3 | sed 's/(.*//' | tr '\n' ' ' |
	    grep -q '^ftruncate fsync linkat '
}

@test "1 MiB to an alias of 100 mailboxes: written once, 4 flushes, and nobody sees the others" {
	users_100
	(IFS=,; echo "all: ${RCPTS[*]}") >>"$CONTROL/aliases"
	one_mib_once all@example.test
}
