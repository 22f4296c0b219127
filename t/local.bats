# local.bats: deliver-local by itself, jobs on its standard input and answers on its standard output: move, copies and links,
# other file systems, full disks, hostile jobs and Maildirs, and kill -9 at every system call.
# shellcheck shell=bash disable=SC2154,SC2030,SC2031,SC2153

load helper
load queue

setup() {
	site </dev/null
	MOUNTED=
	BAD=
	declare -gA still=()
}

teardown() {
	if [ -n "$MOUNTED" ]; then umount -l "$MOUNTED"; fi
	if [ -n "$BAD" ]; then rm -rf "$BAD"; fi
	for pid in "${still[@]}"; do	# only where the test has failed
		kill -9 "$pid" $(children "$pid") 2>/dev/null || :
	done
	cleanup_site
}

# jobs: job lines on standard input, answers in $output.
jobs_run() {
	output=$(timeout 300 "$QBIN/deliver-local" 2>>"$WORK/log")
	status=$?
}
# job DIR MODE ID:INDEX:ADDRESS...: one job about $name.
job() {
	local IFS=$'\t'
	jobs_run <<<"$name"$'\t'"$*"
}
to_cur() { mv "$SPOOL/new/$name" "$SPOOL/cur/$name"; }
new_of() { echo "$MAIL/example.test/$1/new"; }

# other_fs SIZE: a second file system, at $OTHER; a mount in a place of its own where we may.
other_fs() {
	OTHER=$WORK/other
	mkdir -p "$OTHER"
	if [ "$(id -u)" = 0 ] && mount -t tmpfs -o "size=$1,mode=755" tmpfs "$OTHER" 2>/dev/null; then
		MOUNTED=$OTHER
	elif [ -w /dev/shm ] && [ "$(stat -c %d /dev/shm)" != "$(stat -c %d "$SPOOL")" ] && [ "$1" = 1m ]; then
		OTHER=$(mktemp -d /dev/shm/posthouse.XXXXXX)
		BAD=$OTHER
	else
		skip "NOT TESTED: no second file system here"
	fi
}

@test "move: the same file, its owner's, with the mode and time of its arrival" {
	ARRIVAL=1795000000 message x@example.org alice@example.test
	inode=$(stat -c %i "$SPOOL/new/$name")
	to_cur
	touch -d @1800000000 "$SPOOL/cur/$name"
	job cur move 7:1:alice@example.test
	[ "$output" = "7 done 2.0.0 delivered to mailbox" ]
	file=$(new_of alice)/$name
	[ "$(stat -c '%i %a %Y' "$file")" = "$inode 600 1795000000" ]
	[ "$(grep -c '^Delivered-To: alice@example.test$' "$file")" = 1 ]
	[ ! -e "$SPOOL/cur/$name" ]
	[ "$(stat -c %a "$MAIL/example.test/alice")" = 700 ]
	[ -d "$MAIL/example.test/alice/cur" ]
	[ -d "$MAIL/example.test/alice/tmp" ]
}

# Killed between chown and rename.
@test "a file that was given to its owner and got no further is queue's again, and delivered" {
	need_root
	message x@example.org alice@example.test
	chown 64006:64006 "$SPOOL/new/$name"
	chmod 600 "$SPOOL/new/$name"
	job new back 7:1:-
	[ "$output" = "7 done 2.0.0 given back" ]
	[ "$(stat -c '%u %g %a' "$SPOOL/new/$name")" = "64004 64007 640" ]
	for dir in new cur; do
		if [ $dir = cur ]; then
			message x@example.org alice@example.test
			to_cur
			printf '1\t1\t1795000000\talice@example.test\t4.2.0 later\n' >"$SPOOL/state/$name"
			chown 64004 "$SPOOL/state/$name"
		fi
		chown 64006:64006 "$SPOOL/$dir/$name"
		chmod 600 "$SPOOL/$dir/$name"
		pass
		[ "$(stat -c '%u %a' "$(new_of alice)/$name")" = "64006 600" ]
		spool_empty
	done
	[ "$(count_in alice)" = 2 ]
	# One that is no spool file, or has another name, is nobody's to give.
	message x@example.org alice@example.test
	ln "$SPOOL/new/$name" "$SPOOL/link"
	chown 64006:64006 "$SPOOL/link"
	job new back 7:1:-
	[[ $output == "7 defer 4."* ]]
	[ "$(stat -c %u "$SPOOL/link")" = 64006 ]
	pass
	grep -q "cannot work on $name, trying again in 300 s" "$WORK/log"
}

@test "copies: one file with many names, no recipient named, sizes in the names true" {
	message x@example.org alice@example.test bob@example.test
	job new copy 1:1:alice@example.test 2:2:bob@example.test
	[ "$output" = $'1 done 2.0.0 delivered to mailbox\n2 done 2.0.0 delivered to mailbox' ]
	a=$(find "$(new_of alice)" -type f) b=$(find "$(new_of bob)" -type f)
	[ "$(stat -c %i:%h "$a")" = "$(stat -c %i "$b"):2" ]
	[[ ${a##*/} == "$qid.1.mx.example.test,S="* ]]
	[[ ${b##*/} == "$qid.2.mx.example.test,S="* ]]
	[ "$(head -n 2 "$a")" = $'Return-Path: <x@example.org>\nReceived: from client.example by mx.example.test' ]
	size=$(stat -c %s "$a")
	head -c "$size" "$SPOOL/new/$name" | cmp - "$a"
	[[ $a == *",S=$size,W=$((size + $(wc -l <"$a")))" ]]
	[ -e "$SPOOL/new/$name" ]	# queue removes it
	[ -z "$(ls -A "$MAIL/example.test/alice/tmp")" ]
	# Again, as after a crash: the names are taken, and that is success.
	job new copy 1:1:alice@example.test 2:2:bob@example.test
	[ "$(grep -c ' done ' <<<"$output")" = 2 ]
	[ "$(count_in alice)$(count_in bob)" = 11 ]
}

@test "copies of 1 MiB to 100 users: the bytes are written once" {
	for i in $(seq 100); do echo "u$i@example.test:example.test/u$i"; done >>"$CONTROL/users"
	BYTES=1048576 message x@example.org alice@example.test
	line="$name	new	copy"
	for i in $(seq 100); do line+="	$i:$i:u$i@example.test"; done
	jobs_run <<<"$line"
	[ "$(grep -c ' done ' <<<"$output")" = 100 ]
	[ "$(find "$MAIL" -type f -links 100 | wc -l)" = 100 ]
	[ "$(du -s --block-size=1 "$MAIL" | cut -f 1)" -lt 3500000 ]	# directories are a page each
}

@test "another file system: copied whole under the same name, synced, and the spool file removed" {
	other_fs 1m
	echo "far@example.test:$OTHER/far" >>"$CONTROL/users"
	message x@example.org far@example.test
	sum=$(md5sum <"$SPOOL/new/$name")
	job new move 1:1:far@example.test
	[ "$output" = "1 done 2.0.0 delivered to mailbox" ]
	[ "$(md5sum <"$OTHER/far/new/$name")" = "$sum" ]
	[ ! -e "$SPOOL/new/$name" ]
	[ -z "$(ls -A "$OTHER/far/tmp")" ]
	# Some here, some there, by copies.
	message x@example.org alice@example.test far@example.test bob@example.test
	job new copy 1:1:alice@example.test 2:2:far@example.test 3:3:bob@example.test
	[ "$(grep -c ' done ' <<<"$output")" = 3 ]
	[ "$(find "$MAIL" -type f -links 2 | wc -l)" = 2 ]
	[ "$(find "$OTHER/far/new" -type f -links 1 | wc -l)" = 2 ]
}

@test "another file system: what is in the mailbox is on the disk before the spool file goes" {
	need strace strace
	[ -z "${SANITIZED-}" ] || skip "the calls are the same"
	other_fs 1m
	echo "far@example.test:$OTHER/far" >>"$CONTROL/users"
	message x@example.org far@example.test
	strace -f -o "$WORK/trace" -e trace=fsync,linkat,renameat2,unlinkat \
	    "$QBIN/deliver-local" <<<"$name	new	move	1:1:far@example.test" >/dev/null 2>>"$WORK/log"
	[ "$(sed -n 's/^[0-9]* *\([a-z0-9]*\)(.*/\1/p' "$WORK/trace" | tail -n 6 | tr '\n' ' ')" = \
	    "fsync linkat fsync fsync unlinkat unlinkat " ] || { cat "$WORK/trace"; false; }
}

@test "no space: deferred with 4.3.1, nothing visible, no litter, and done when there is space" {
	other_fs 64k
	[ -n "$MOUNTED" ] || skip "NOT TESTED: needs a small file system"
	echo "far@example.test:$OTHER/far" >>"$CONTROL/users"
	BYTES=100000 message x@example.org far@example.test
	job new move 1:1:far@example.test
	[[ $output == "1 defer 4.3.1 no space is left for the mailbox"* ]]
	[ -e "$SPOOL/new/$name" ]
	[ -z "$(find "$OTHER" -type f)" ]
	mount -o remount,size=1m "$OTHER"
	job new move 1:1:far@example.test
	[ "$output" = "1 done 2.0.0 delivered to mailbox" ]
}

@test "no more descriptors, no such spool file, a short one, one with two names: deferred" {
	message x@example.org alice@example.test
	output=$(prlimit --nofile=5 "$QBIN/deliver-local" 2>>"$WORK/log" <<<"$name	new	move	1:1:alice@example.test" || :)
	[ -e "$SPOOL/new/$name" ]
	name="1795000000.0123456789abcdef.gone,S=5,W=6"
	job new move 1:1:alice@example.test
	[[ $output == "1 defer 4.3.0 "* ]]
	echo >"$SPOOL/new/$name"
	job new move 1:1:alice@example.test
	[[ $output == "1 defer 4.3.0 the spool file is not what its name says" ]]
	message x@example.org alice@example.test
	ln "$SPOOL/new/$name" "$SPOOL/new/second"
	job new move 1:1:alice@example.test
	[[ $output == "1 defer 4.3.0 the spool file is not what its name says" ]]
	[ "$(count_in alice)" = 0 ]
}

@test "a symbolic link in the spool is not followed" {
	name="1795000000.0123456789abcdef.link,S=$(stat -c %s /etc/hostname),W=99"
	ln -s /etc/hostname "$SPOOL/new/$name"
	before=$(stat -c '%u %a' /etc/hostname)
	job new move 1:1:alice@example.test
	[[ $output == "1 defer "* ]]
	[ "$(stat -c '%u %a' /etc/hostname)" = "$before" ]
}

@test "a Maildir whose parts are links or somebody else's is not written to" {
	mkdir -p "$WORK/elsewhere/new" "$MAIL/example.test"
	message x@example.org alice@example.test
	if [ "$(id -u)" = 0 ]; then
		chown 64006 "$MAIL/example.test"
		ln -s "$WORK/elsewhere" "$MAIL/example.test/alice"
		job new move 1:1:alice@example.test
		[[ $output == "1 defer 4.3.5 "* ]]
		rm "$MAIL/example.test/alice"
		mkdir -p "$MAIL/example.test/alice/new"
		job new move 1:1:alice@example.test
		[[ $output == "1 defer 4.3.5 the mailbox belongs to somebody else"* ]]
		rm -r "$MAIL/example.test/alice"
	fi
	mkdir -p "$MAIL/example.test/alice/cur"
	ln -s "$WORK/elsewhere/new" "$MAIL/example.test/alice/new"
	job new move 1:1:alice@example.test
	[[ $output == "1 defer 4.3.5 "* ]]
	[ -z "$(find "$WORK/elsewhere" -type f)" ]
	[ -e "$SPOOL/new/$name" ]
}

@test "hostile jobs: names that are paths, unknown addresses, garbage" {
	echo secret >"$WORK/secret"
	jobs_run <<-END
	../control/settings	new	move	1:1:alice@example.test
	/etc/passwd	new	move	2:1:alice@example.test
	.	cur	move	3:1:alice@example.test
	a	b
	$(head -c 3000 /dev/zero | tr '\0' x)
		new	move	4:1:alice@example.test
	1795000000.0123456789abcdef.h,S=1,W=1	../tmp	move	5:1:alice@example.test
	1795000000.0123456789abcdef.h,S=1,W=1	new	move	6:1:nobody@example.test
	1795000000.0123456789abcdef.h,S=1,W=1	new	move	7:1:alice@elsewhere.example
	1795000000.0123456789abcdef.h,S=1,W=1	new	move	8:1:not%20an%20address
	1795000000.0123456789abcdef.h,S=1,W=1	new	copy	9:../../x:alice@example.test
	END
	[ "$status" = 0 ]
	[ "$output" = $'6 fail 5.1.1 no such user here\n7 defer 4.3.5 this is no mailbox any more\n8 defer 4.3.5 this is no mailbox any more' ]
	[ -z "$(find "$MAIL" -type f)" ]
	[ "$(grep -c 'a job is malformed' "$WORK/log")" = 8 ]
}

@test "a user made while it runs; a Maildir that is moved away while it runs" {
	mkfifo "$WORK/in"
	"$QBIN/deliver-local" >"$WORK/out" <"$WORK/in" 2>>"$WORK/log" 3>&- &
	pid=$!
	exec 8>"$WORK/in"
	message x@example.org alice@example.test
	printf '%s\tnew\tmove\t1:1:alice@example.test\n' "$name" >&8
	await 10 grep -q '^1 done' "$WORK/out"
	echo "carol@example.test:example.test/carol" >>"$CONTROL/users"
	message x@example.org carol@example.test
	printf '%s\tnew\tmove\t2:1:carol@example.test\n' "$name" >&8
	await 10 grep -q '^2 done' "$WORK/out"
	mv "$MAIL/example.test/alice" "$MAIL/example.test/old"
	sleep 1.1
	message x@example.org alice@example.test
	printf '%s\tnew\tmove\t3:1:alice@example.test\n' "$name" >&8
	await 10 grep -q '^3 done' "$WORK/out"
	exec 8>&-
	wait "$pid"
	[ "$(count_in alice)" = 1 ]
	[ "$(count_in old)" = 1 ]
	[ "$(count_in carol)" = 1 ]
}

@test "the mail directory is missing: said, deferred, not made; found again once it is there" {
	rm -r "$MAIL"
	mkfifo "$WORK/in"
	"$QBIN/deliver-local" >"$WORK/out" <"$WORK/in" 2>>"$WORK/log" 3>&- &
	pid=$!
	exec 8>"$WORK/in"
	message x@example.org alice@example.test
	printf '%s\tnew\tmove\t1:1:alice@example.test\n%s\tnew\tcopy\t2:1:alice@example.test\n' "$name" "$name" >&8
	await 10 grep -q '^2 ' "$WORK/out"
	[ "$(cat "$WORK/out")" = $'1 defer 4.3.5 the mail directory is missing\n2 defer 4.3.5 the mail directory is missing' ]
	[ "$(grep -c "status=deferred.*text=the mail directory $MAIL is missing; mount it, make it, or name another in settings" "$WORK/log")" = 2 ]
	[ ! -e "$MAIL" ]
	[ -e "$SPOOL/new/$name" ]
	mkdir "$MAIL"
	# The worker may look a little later.
	again() {
		printf '%s\tnew\tmove\t3:1:alice@example.test\n' "$name" >&8
		grep -q '^3 done' "$WORK/out"
	}
	await 10 again
	exec 8>&-
	wait "$pid"
	[ "$(count_in alice)" = 1 ]
}

# confined_child PID: the one that has its seccomp filter, in $worker; another cleans up at start, and ends.
confined_child() {
	for worker in $(children "$1"); do
		! grep -q '^Seccomp:.*2' "/proc/$worker/status" 2>/dev/null || return 0
	done
	return 1
}

@test "as root: three capabilities, no new privileges, seccomp; no exec on the way" {
	need_root
	[ -z "${SANITIZED-}" ] || skip "no sandbox there"
	mkfifo "$WORK/in"
	"$QBIN/deliver-local" >"$WORK/out" <"$WORK/in" 2>>"$WORK/log" 3>&- &
	pid=$!
	exec 8>"$WORK/in"
	await 10 confined_child "$pid"
	grep -q '^NoNewPrivs:.*1' "/proc/$worker/status"
	# CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER; the master has CAP_KILL, CAP_SETGID, CAP_SETUID and CAP_SETPCAP, too.
	for p in "$pid 1eb" "$worker b"; do
		[ "$(sed -n 's/^CapEff:[[:space:]]*0*//p' "/proc/${p% *}/status")" = "${p#* }" ]
		[ "$(sed -n 's/^CapBnd:[[:space:]]*0*//p' "/proc/${p% *}/status")" = "${p#* }" ]
	done
	exec 8>&-
	wait "$pid"
}

@test "killed at each system call: never lost, never twice, never cut" {
	need strace strace
	[ -z "${SANITIZED-}" ] || skip "the calls are the same"
	for call in openat mkdirat fchown fchmod utimensat write fsync linkat renameat2 unlinkat close; do
		for when in 1 2 3 5 8; do
			for mode in move copy; do
				rm -rf "${MAIL:?}"/* "${SPOOL:?}"/{new,cur}/*
				rcpts="1:1:alice@example.test" both=()
				[ $mode = move ] || rcpts+="	2:2:bob@example.test" both=(bob@example.test)
				message x@example.org alice@example.test "${both[@]}"
				strace -f -qq -o /dev/null -e trace="$call" -e inject="$call:signal=KILL:when=$when" \
				    "$QBIN/deliver-local" <<<"$name	new	$mode	$rcpts" >/dev/null 2>>"$WORK/log" || :
				# What queue does next: the same again, if the file is there.
				if [ -e "$SPOOL/new/$name" ]; then
					jobs_run <<<"$name	new	$mode	$rcpts"
					not grep -v ' done ' <<<"$output"
				fi
				[ "$(count_in alice)" = 1 ]
				[ $mode = move ] || [ "$(count_in bob)" = 1 ]
				for file in "$MAIL"/example.test/*/new/*; do
					[[ $file == *",S=$(stat -c %s "$file"),"* ]]
				done
				[ -z "$(find "$MAIL" -path "$MAIL/*/*/tmp/*")" ]
			done
		done
	done
}

# stopped NAME CALL: deliver-local with $line, of which one process stands still behind its first CALL; its answers: $WORK/NAME.
stopped() {
	: >"$WORK/$1.trace"
	strace -f -qq -o "$WORK/$1.trace" -e trace="$2" -e inject="$2:signal=STOP:when=1" "$QBIN/deliver-local" <<<"$line" \
	    >"$WORK/$1" 2>>"$WORK/log" 3>&- &
	still[$1]=$!
	await 20 grep -q 'stopped by SIGSTOP' "$WORK/$1.trace"
}
# wake NAME: it goes on, and comes to its end.
wake() {
	# shellcheck disable=SC2046
	kill -CONT $(children "${still[$1]}")
	wait "${still[$1]}"
	unset "still[$1]"
}
all_done() { [ "$(grep -c ' done ' "$WORK/$1")" = 2 ]; }

@test "a worker that has outlived its queue is waited for, and loses nothing to the next one" {
	need strace strace
	[ -z "${SANITIZED-}" ] || skip "the calls are the same"
	for second in waits leaves; do
		message x@example.org alice@example.test bob@example.test
		line="$name	new	copy	1:1:alice@example.test	2:2:bob@example.test"
		stopped first fsync
		# The second finds what the first has delivered, or leaves it to a later attempt.
		if [ $second = waits ]; then
			stopped second poll
			wake first
			wake second
			all_done second
		else
			jobs_run <<<"$line"
			grep -q '^1 defer 4\..* an earlier attempt is still at work' <<<"$output"
			wake first
		fi
		all_done first
		for box in alice bob; do
			[ "$(count_in $box)" = 1 ]
			[ -z "$(find "$MAIL/example.test/$box/tmp" -type f)" ]
		done
		for file in "$MAIL"/example.test/*/new/*; do
			[[ $file == *",S=$(stat -c %s "$file"),"* ]]
		done
		rm -rf "${MAIL:?}"/*
	done
}

@test "exit codes: 64 usage, 78 configuration, 0 at the end of input" {
	jobs_run </dev/null
	[ "$status" = 0 ]
	run "$QBIN/deliver-local" -x
	[ "$status" = 64 ]
	run "$QBIN/deliver-local" -C "$WORK/nowhere"
	[ "$status" = 78 ]
}
