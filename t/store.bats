# store.bats: the mail store under crashes, foreign programs and restores.  folder_test is the unit test and, with arguments,
# a tool over one folder.
# shellcheck shell=bash disable=SC2154

load helper

setup() {
	T=$BIN/../t/folder_test
	[ -x "$T" ] || skip "NOT TESTED: no $T (make tests)"
	K=$BIN/../t/killat
	[ -x "$K" ] || K=$ROOT/build/t/killat
	D=$(private_dir)
	mkdir -p "$D"/{a,b}/{cur,new,tmp}
}

teardown() { rm -rf "$D"; }

# fill DIR N [PREFIX]: N small messages.
fill() {
	local i
	for ((i = 1; i <= $2; i++)); do
		printf 'Subject: %s\n\nx\n' "$i" >"$1/new/$i.${3-m}"
	done
}

@test "the unit test passes" {
	"$T"
}

@test "UIDs survive tar and restore on another machine, as long as the text files do" {
	fill "$D/a" 5
	rm -f "$D/a/new/3.m"
	"$T" list "$D/a" >"$D/before"
	mv "$D/a/new/2.m" "$D/a/cur/2.m:2,S"
	"$T" list "$D/a" >"$D/before"
	tar -C "$D" -cf "$D/t.tar" a
	rm -rf "$D/a"
	tar -C "$D" -xf "$D/t.tar"
	find "$D/a" -exec touch {} +
	"$T" list "$D/a" >"$D/after"
	cmp "$D/before" "$D/after"
}

@test "all caches may be deleted: nothing changes but the time it takes" {
	fill "$D/a" 20
	"$T" list "$D/a" >"$D/before"
	find "$D/a" -name 'posthouse*' ! -name '*.uids' ! -name '*.keywords' ! -name '*.uidvalidity' -delete
	"$T" list "$D/a" >"$D/after"
	cmp "$D/before" "$D/after"
}

@test "the last message expunged: its UID is never given again, also after a new list" {
	fill "$D/a" 3
	"$T" list "$D/a" >/dev/null
	rm "$D/a/new/3.m"
	fill "$D/a" 1 z
	"$T" list "$D/a" | grep -q '^4 0 1.z$'
	[ "$("$T" list "$D/a" | head -n 1 | cut -d ' ' -f 2)" = 5 ]
}

@test "a few files come into and go out of new/ of a large folder: as if all were listed" {
	local i step
	for ((i = 1; i <= 1100; i++)); do : >"$D/a/cur/$i.m,S=5,W=6:2,S"; done
	fill "$D/a" 20 n
	for step in 'true' 'fill "$D/a" 1 a' 'fill "$D/a" 3 b' 'rm "$D/a/new/3.n"' 'rm "$D/a/new/4.n"; fill "$D/a" 1 c' \
		'mv "$D/a/new/5.n" "$D/a/cur/5.n:2,S"; fill "$D/a" 1 d' 'mv "$D/a/new/6.n" "$D/a/new/6.n:2,F"; fill "$D/a" 1 e' \
		'ln "$D/a/cur/7.m,S=5,W=6:2,S" "$D/a/new/7.m,S=5,W=6"; fill "$D/a" 1 f' 'rm "$D/a/new/7.m,S=5,W=6"' \
		'fill "$D/a" 90 g' 'mkdir "$D/a/new/sub"; : >"$D/a/new/.dot"; fill "$D/a" 1 h'; do
		touch -d '1 minute ago' "$D/a/cur" "$D/a/new"
		"$T" list "$D/a" >/dev/null
		[ -s "$D/a/posthouse.cache" ]
		eval "$step"
		"$T" list "$D/a" >"$D/one"
		rm "$D/a/posthouse.cache"
		"$T" list "$D/a" >"$D/two"
		cmp "$D/one" "$D/two" || { echo "after: $step"; return 1; }
		[ "$(tail -n +2 "$D/one" | wc -l)" = "$(find "$D/a/cur" "$D/a/new" -type f ! -name '.*' -printf '%f\n' | sed 's/:2,.*//' | sort -u | wc -l)" ]
	done
}

# whole DIR: every message has one UID, no UID or file twice, and two openings agree.
whole() {
	"$T" list "$1" >"$D/one" && "$T" list "$1" >"$D/two" && cmp "$D/one" "$D/two" || return 1
	[ "$(tail -n +2 "$D/one" | wc -l)" = "$(messages "$1")" ] || {
		echo "files without UID or UIDs without file in $1"
		ls "$1/new" "$1/cur"
		cat "$D/one" "$1/posthouse.uids"
		return 1
	}
	[ -z "$(tail -n +2 "$D/one" | cut -d ' ' -f 1 | sort | uniq -d)" ]
}

# kept BEFORE AFTER: every "UID name" known before that is still there has its UID.
kept() {
	local uid name
	while read -r uid _ name; do
		awk -v u="$uid" -v n="$name" 'NR > 1 && $3 == n && $1 != u { bad = 1 } END { exit bad }' "$2" || {
			echo "$name had UID $uid before"
			return 1
		}
	done < <(tail -n +2 "$1")
}

@test "kill -9 at every system call of taking up, flags, copy and move: UIDs kept, nothing lost" {
	local n status count=0
	[ -x "$K" ] || skip "NOT TESTED: no killat (make tests)"
	[ -z "${SANITIZED-}" ] || skip "sanitizers make calls of their own"
	fill "$D/a" 2 old
	"$T" list "$D/a" >"$D/known"
	fill "$D/a" 3
	cp -a "$D/a" "$D/start"
	for ((n = 1; n < 600; n += 3)); do
		rm -rf "$D/a" "$D/b"
		cp -a "$D/start" "$D/a"
		mkdir -p "$D"/b/{cur,new,tmp}
		status=0
		"$K" "$n" "$T" churn "$D/a" "$D/b" 3>"$D/said" >/dev/null 2>&1 || status=$?
		whole "$D/b" || { cat "$D/said"; return 1; }
		whole "$D/a" || { cat "$D/said"; return 1; }
		kept "$D/known" "$D/one" || { cat "$D/said"; return 1; }
		# 5 messages, and a copy of the first or not: a move never loses one.
		(($(messages "$D/a") + $(messages "$D/b") >= 5)) || { cat "$D/said"; return 1; }
		count=$((count + 1))
		[ "$status" != 0 ] || break
	done
	echo "killed at $count places"
	[ "$status" = 0 ]
	[ "$count" -gt 20 ]
}

@test "kill -9 at every system call of an append: acknowledged is there with its UID, else whole or absent" {
	local n status size validity uid count=0
	[ -x "$K" ] || skip "NOT TESTED: no killat (make tests)"
	[ -z "${SANITIZED-}" ] || skip "sanitizers make calls of their own"
	head -c 100000 /dev/urandom | base64 >"$D/text"
	size=$(stat -c %s "$D/text")
	fill "$D/a" 1
	"$T" list "$D/a" >/dev/null
	for ((n = 1; n < 600; n += 3)); do
		status=0
		"$K" "$n" "$T" add "$D/a" <"$D/text" 3>"$D/said" >"$D/acked" 2>/dev/null || status=$?
		whole "$D/a" || { cat "$D/said"; return 1; }
		if [ -s "$D/acked" ]; then
			read -r validity uid <"$D/acked"
			grep -q "^$uid 1 " "$D/one"
			grep -q "^$validity " "$D/one"
		fi
		[ -z "$(find "$D/a/new" "$D/a/cur" -name '*,S=*' ! -size "${size}c")" ] || { cat "$D/said"; return 1; }
		count=$((count + 1))
		[ "$status" != 0 ] || break
	done
	echo "killed at $count places"
	[ "$status" = 0 ]
	[ "$count" -gt 20 ]
}

@test "errors of the disk: nothing half, the next attempt succeeds" {
	local call
	need strace strace
	[ -z "${SANITIZED-}" ] || skip "sanitizers make calls of their own"
	for call in write:error=ENOSPC:when=1 write:error=ENOSPC:when=2 fsync:error=EIO fdatasync:error=EIO \
	    renameat:error=EIO renameat:error=ENOSPC:when=1 linkat:error=EIO getdents64:error=EIO:when=3 openat:error=EMFILE:when=4 \
	    fcntl:error=ENOLCK; do
		rm -rf "$D/a"
		mkdir -p "$D"/a/{cur,new,tmp}
		fill "$D/a" 2
		run strace -f -o "$D/trace" -e trace="${call%%:*}" -e inject="$call" "$T" list "$D/a"
		grep -q INJECTED "$D/trace"	# of what is not traced, strace breaks nothing
		whole "$D/a"
		echo x | strace -f -o /dev/null -e trace="${call%%:*}" -e inject="$call" "$T" add "$D/a" >"$D/acked" 2>/dev/null || :
		whole "$D/a"
		[ ! -s "$D/acked" ] || grep -q "^$(cut -d ' ' -f 2 "$D/acked") 1 " "$D/one"
		[ -s "$D/acked" ] || [ "$(messages "$D/a")" = 2 ]
	done
}

@test "errors of the disk: a letter that stands in a file name is given to no keyword, whichever listing ends early" {
	local n
	need strace strace
	[ -z "${SANITIZED-}" ] || skip "sanitizers make calls of their own"
	: >"$D/a/cur/1.m:2,a"
	for n in {1..12}; do
		rm -f "$D/a/posthouse.keywords"
		run strace -f -o /dev/null -e trace=getdents64 -e inject="getdents64:error=EIO:when=$n" "$T" keyword "$D/a" Ours
		[ "$status" != 0 ] || [ "$(cat "$D/a/posthouse.keywords")" = $'\nOurs' ]
		[ "$status" = 0 ] || [ ! -e "$D/a/posthouse.keywords" ]
	done
	[ "$status" = 0 ]	# so many listings there are not
}

@test "a crash in the middle of a line: it is cut, the file gets a UID again" {
	local size n
	fill "$D/a" 3
	"$T" list "$D/a" >/dev/null
	size=$(stat -c %s "$D/a/posthouse.uids")
	for ((n = size - 1; n > size - 15; n--)); do
		truncate -s "$n" "$D/a/posthouse.uids"
		fill "$D/a" 4
		whole "$D/a"
		grep -q '^1 0 1.m$' "$D/one"
		grep -qE '^[0-9]+ 0 4.m$' "$D/one"
	done
	printf '\0\0\0\0\0\0' >>"$D/a/posthouse.uids"
	fill "$D/a" 5
	whole "$D/a"
}

@test "a stopped process that holds the lock delays others, and a killed one does not" {
	fill "$D/a" 1
	python3 - "$D/a/posthouse.lock" "$D/ready" <<-'PY' &
	import fcntl, signal, sys
	f = open(sys.argv[1], "w")
	fcntl.lockf(f, fcntl.LOCK_EX)
	open(sys.argv[2], "w").close()
	signal.pause()
	PY
	PID=$!
	await 10 test -e "$D/ready"
	timeout -s KILL 0.5 "$T" list "$D/a" && return 1
	kill -9 "$PID"
	wait "$PID" || :
	whole "$D/a"
}

@test "mutt and we on one folder at the same time" {
	need mutt mutt
	fill "$D/a" 5
	"$T" list "$D/a" >"$D/before"
	cat >"$D/muttrc" <<-END
	set folder=$D spoolfile=$D/a mbox_type=Maildir header_cache="" move=no delete=yes quit=yes wait_key=no beep=no
	set mark_old=no
	push "<tag-pattern>~s ^2\$<enter><tag-prefix><flag-message><delete-pattern>~s ^4\$<enter><sync-mailbox><quit>"
	END
	TERM=xterm timeout 120 script -qec "mutt -n -F $D/muttrc -f $D/a" /dev/null </dev/null >"$D/mutt.log" 2>&1
	[ "$(messages "$D/a")" = 4 ]
	whole "$D/a"
	kept "$D/before" "$D/one"
	grep -q "^2 $((4)) 2.m\$" "$D/one"
	if grep -q ' 4.m$' "$D/one"; then return 1; fi
}

@test "100,000 files (the figures are for information)" {
	[ -z "${SANITIZED-}" ] || skip "measures nothing under sanitizers"
	"$T" make "$D/a" 100000
	"$T" time "$D/a" >"$D/times"
	sed 's/^/# /' "$D/times" >&3
	[ "$(grep -c '100000 messages' "$D/times")" = 3 ]
}
