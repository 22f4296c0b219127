# cost.bats: cost grows as the work does.  Counted, not timed: system calls, and instructions by callgrind, of whole sessions of imapd on
# folders of two sizes.
# shellcheck shell=bash disable=SC2154

load helper

setup() {
	D=$(private_dir)
	mkdir "$D/control" "$D/out"
	echo mx.example.test >"$D/control/hostname"
	: >"$D/control/users"
	printf '%s\n' "spool-directory $D/spool" "mail-directory $D/home" "sandbox no" >"$D/control/settings"
	# Not as root: what is counted is the same, and callgrind may write where it wants to.
	as=
	[ "$(id -u)" != 0 ] || as="setpriv --reuid 65534 --regid 65534 --clear-groups"
}

teardown() { rm -rf "$D"; }

# fill DIR N: N messages that have been seen, small and of ten kinds.
fill() {
	mkdir -p "$1"/{cur,new,tmp}
	python3 - "$1" "$2" <<-'P'
	import os, sys
	top, n = sys.argv[1], int(sys.argv[2])
	for k in range(10):
	    with open(f"{top}/kind{k}", "w") as f:
	        f.write(f"From: Person {k} <p{k}@example.org>\nDate: Thu, 1 Jan 2026 12:00:0{k} +0000\nSubject: number {k}\n\n" +
	            f"This is text of kind {k}, of no great length.\n" * 8)
	for i in range(n):
	    os.link(f"{top}/kind{i % 10}", f"{top}/cur/1767225600.M{i:06d}P1.mx:2,S")
	for k in range(10):
	    os.unlink(f"{top}/kind{k}")
	P
	aged "$1"
}

# aged DIR: its times are old enough to be believed; it is opened once, and a cache is there.
aged() {
	touch -d '1 minute ago' "$1/cur" "$1/new"
	session "$1" 'a SELECT INBOX' >/dev/null
	[ -s "$1/posthouse.cache" ]
}

# session DIR COMMAND...: what imapd answers.  With $UNDER, under that.
session() {
	local dir=$1
	shift
	[ -z "$as" ] || chown -R 65534:65534 "$D"
	# shellcheck disable=SC2086
	printf '%s\r\n' "$@" 'z LOGOUT' | $as ${UNDER-} "$BIN/imapd" -C "$D/control" "$dir" 2>"$D/log"
}

# calls DIR COMMAND...: the system calls of that session.
calls() {
	UNDER="strace -f -o $D/out/calls" session "$@" >"$D/replies"
	grep -c '(' "$D/out/calls"
}

# instructions DIR COMMAND...: those of that session.
instructions() {
	UNDER="valgrind --tool=callgrind --callgrind-out-file=$D/out/instructions" session "$@" >"$D/replies"
	awk '$1 == "totals:" { print $2 }' "$D/out/instructions"
}

# within A B PERCENT
within() {
	awk -v a="$1" -v b="$2" -v p="$3" 'BEGIN { exit !(a > 0 && b > 0 && b <= a * (1 + p / 100) && a <= b * (1 + p / 100)) }' ||
		{ echo "$1 and $2 are further than $3 % from each other"; return 1; }
}

# arrive DIR N: a new message, the Nth.  The folder's time is another one, and old enough to be believed: with one of these moments,
# whether the cache is written would depend on how soon the session begins.
arrive() {
	printf 'Subject: new %s\n\nx\n' "$2" >"$1/new/1767300000.M$2.mx"
	touch -d "@$((1767300000 + $2))" "$1/new"
}

@test "opening a folder after a new message costs the same among 1,500 and among 12,000" {
	command -v valgrind >/dev/null || skip "NOT TESTED: no valgrind"
	local n c=() i=()
	for n in 1500 12000; do
		fill "$D/$n" "$n"
		arrive "$D/$n" 1
		c+=("$(calls "$D/$n" 'a EXAMINE INBOX')")
		grep -q "^\* $((n + 1)) EXISTS" "$D/replies"
		arrive "$D/$n" 2
		i+=("$(instructions "$D/$n" 'a EXAMINE INBOX' 'b STATUS INBOX (UNSEEN)' 'c FETCH * (FLAGS)')")
		grep -q "^\* $((n + 2)) EXISTS" "$D/replies"
		grep -q 'UNSEEN 2)' "$D/replies"
	done
	echo "system calls ${c[*]}, instructions ${i[*]}"
	within "${c[@]}" 2
	within "${i[@]}" 3
}

@test "FETCH, SEARCH and STORE cost four times as much for four times the messages" {
	command -v valgrind >/dev/null || skip "NOT TESTED: no valgrind"
	local n c=() i=() base
	for n in 1200 4800; do
		fill "$D/$n" "$n"
		base=$(calls "$D/$n" 'a SELECT INBOX')
		c+=($(($(calls "$D/$n" 'a SELECT INBOX' 'b FETCH 1:* (FLAGS ENVELOPE BODYSTRUCTURE)' 'c SEARCH BODY "kind 3"' \
			'd SEARCH SUBJECT "number 3"' 'e SORT (SUBJECT) UTF-8 ALL' 'f STORE 1:* +FLAGS (\Flagged)') - base)))
		grep -q '^f OK' "$D/replies"
		rm -f "$D/$n"/posthouse.cache*
		aged "$D/$n"
		base=$(instructions "$D/$n" 'a SELECT INBOX')
		i+=($(($(instructions "$D/$n" 'a SELECT INBOX' 'b FETCH 1:* (FLAGS ENVELOPE BODYSTRUCTURE)' 'c SEARCH BODY "kind 3"' \
			'd SEARCH SUBJECT "number 3"' 'f STORE 1:* -FLAGS (\Flagged)') - base)))
		grep -q '^f OK' "$D/replies"
	done
	echo "system calls ${c[*]}, instructions ${i[*]}"
	within "$((${c[0]} * 4))" "${c[1]}" 5
	within "$((${i[0]} * 4))" "${i[1]}" 5
}

@test "a message is opened, looked at, read once and closed: FETCH, SEARCH, SORT and whole bodies" {
	local n=1200 base command
	fill "$D/box" "$n"
	base=$(calls "$D/box" 'a SELECT INBOX')
	for command in 'FETCH 1:* (ENVELOPE BODYSTRUCTURE)' 'SEARCH FROM kind' 'SORT (SUBJECT) UTF-8 ALL' 'FETCH 1:* (BODY.PEEK[])'; do
		rm -f "$D/box"/posthouse.cache-*
		run calls "$D/box" 'a SELECT INBOX' "b $command"
		echo "$command: $(((output - base) * 100 / n)) system calls for 100 messages"
		[ "$((output - base))" -lt "$((n * 42 / 10))" ]
		grep -q '^b OK' "$D/replies"
	done
}

@test "STORE on 5,000 messages is a rename of each and nothing else of each" {
	local n=5000 base
	fill "$D/box" "$n"
	base=$(calls "$D/box" 'a SELECT INBOX')
	run calls "$D/box" 'a SELECT INBOX' 'b STORE 1:* +FLAGS.SILENT (\Flagged)'
	grep -q '^b OK' "$D/replies"
	! grep -q 'inotify.*= -1' "$D/out/calls" || skip "NOT TESTED: no inotify instance left"
	[ "$(grep -c 'rename.*new\|rename.*cur' "$D/out/calls")" -eq "$n" ]
	echo "$((output - base - n)) system calls beside the renames"
	[ "$((output - base - n))" -lt 300 ]
	# The watch was made quiet, and in place of 10,000 notices cur/ is listed once.  Not closed: for that the kernel waits.
	[ "$(grep -c 'openat.*"cur", .*O_DIRECTORY' "$D/out/calls")" -eq 1 ]
	[ "$(grep -c 'inotify_init1' "$D/out/calls")" -eq 1 ]
	[ "$(grep -c 'inotify_add_watch.*/cur"' "$D/out/calls")" -eq 3 ]
}

@test "STORE on 1,000 of 5,000 messages lists nothing: what the watch tells of them is known to be the session's own doing" {
	fill "$D/box" 5000
	calls "$D/box" 'a SELECT INBOX' 'b STORE 1:1000 +FLAGS.SILENT (\Flagged)'
	grep -q '^b OK' "$D/replies"
	! grep -q 'inotify.*= -1' "$D/out/calls" || skip "NOT TESTED: no inotify instance left"
	[ "$(grep -c 'rename.*new\|rename.*cur' "$D/out/calls")" -eq 1000 ]
	[ "$(grep -c getdents "$D/out/calls")" -eq 0 ]
}

@test "APPEND into the selected mailbox costs the same among 1,500 and among 12,000" {
	local n c=() one=('b APPEND INBOX {14+}' 'Subject: x' '' '')
	for n in 1500 12000; do
		fill "$D/$n" "$n"
		c+=("$(calls "$D/$n" 'a SELECT INBOX' "${one[@]}" "${one[@]}" "${one[@]}" "${one[@]}" "${one[@]}" "${one[@]}")")
		grep -q "^\* $((n + 6)) EXISTS" "$D/replies"
	done
	echo "system calls ${c[*]}"
	within "${c[@]}" 2
}

# many N: a folder, and the lines of one APPEND of N messages into it.
many() {
	local i
	fill "$D/box" 300
	many=('b APPEND INBOX {14+}')
	for ((i = 1; i < $1; i++)); do
		many+=('Subject: x' '' ' {14+}')
	done
	many+=('Subject: x' '' '')
}

# injected WHAT...: the same with these errors.
injected() {
	UNDER="strace -f -o $D/out/calls ${*/#/-e inject=}" session "$D/box" "${many[@]}" >"$D/replies"
	echo "$*: $(grep '^b' "$D/replies")"
}

new_files() { find "$D/box/new" "$D/box/tmp" -type f | wc -l; }

@test "MULTIAPPEND: the syncs of its messages are under way together, or one after the other, and all are over before one has its name" {
	local inject synced together many
	many 100
	# As it is; where the kernel has none of that; where it takes none, or not all.
	for inject in '' io_setup:error=ENOSYS io_submit:error=EINVAL io_submit:error=EAGAIN:when=2; do
		# shellcheck disable=SC2086
		injected $inject
		grep -q '^b OK \[APPENDUID' "$D/replies"
		[ "$(new_files)" -eq 100 ]
		synced=$(awk '/renameat\(.*"tmp\// { exit } /fsync\(.* = 0/ { n++ } /io_getevents\(.* = [0-9]/ { n += $NF } END { print n }' \
			"$D/out/calls")
		[ "$synced" -eq 100 ]
		together=$(grep -c 'io_getevents(' "$D/out/calls" || :)
		echo "$together waits, $(grep -c 'fsync(' "$D/out/calls") alone"
		[ -n "$inject" ] || [ "$together" -eq 4 ] || skip "NOT TESTED: the kernel cannot sync several files together"
		rm -f "$D/box/new"/*
	done
}

@test "MULTIAPPEND: a sync that fails, together with others or alone, is told, and none of the messages is there" {
	local inject many
	many 40
	injected io_setup:error=ENOSYS fsync:error=EIO:when=7
	grep -q '^b NO' "$D/replies"
	[ "$(new_files)" -eq 0 ]
	# The call itself, and what it tells of the first (struct io_event, whose third number is the result).
	for inject in io_getevents:error=EINVAL io_getevents:poke_exit=@arg4="$(printf '%032d%s%016d' 0 fbffffffffffffff 0)":when=1; do
		injected "$inject"
		grep -q 'io_setup(.* = 0' "$D/out/calls" || skip "NOT TESTED: the kernel cannot sync several files together"
		grep -q '^b NO' "$D/replies"
		[ "$(new_files)" -eq 0 ]
	done
}

@test "MULTIAPPEND in the sandbox" {
	local many
	many 40
	sed -i 's/^sandbox no/sandbox yes/' "$D/control/settings"
	session "$D/box" "${many[@]}" >"$D/replies"
	grep -q '^b OK \[APPENDUID' "$D/replies"
}

@test "the dates of messages that a session looked at are asked for by no later one" {
	local n=1200 base
	fill "$D/box" "$n"
	base=$(calls "$D/box" 'a SELECT INBOX')
	[ "$(calls "$D/box" 'a SELECT INBOX' 'b SEARCH SINCE 1-Jan-2024')" -gt "$((base + n))" ]
	[ "$(grep -c '^b OK' "$D/replies")" -eq 1 ]
	[ "$(calls "$D/box" 'a SELECT INBOX' 'b SEARCH SINCE 1-Jan-2024')" -lt "$((base + 100))" ]
	[ "$(grep -c '^b OK' "$D/replies")" -eq 1 ]
	[ "$(wc -w <<<"$(grep '^\* SEARCH' "$D/replies")")" -eq "$((n + 2))" ]
}
