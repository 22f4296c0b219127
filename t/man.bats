# man.bats: examples of the manual pages that say so are run.  A mdoc comment line ".\" test" right above a ".Bd -literal" of an
# EXAMPLES section marks it.  In it, lines that begin with "$ " or "# " are commands; a command goes on as long as the shell
# wants more of it.  All other lines are what the command prints, where the page shows that.
#
# Each display runs in a directory of its own, unprivileged: control (which POSTHOUSE names), Maildir (HOME is here too), spool
# with one waiting message, message and password-file.
# shellcheck shell=bash

load helper

setup() {
	DIR=$(private_dir)
}

teardown() {
	cd / && rm -rf "$DIR"
}

QID=1795000000.0123456789abcdef

# fixture DIR: what the examples speak of.
fixture() {
	local dir=$1 name content
	bare_control "$dir"
	content=$'From: Alice <alice@example.org>\nTo: bob@example.net\nSubject: one\n\nhello\n'
	printf '%s\n' mx.example.org >"$dir/control/hostname"
	printf '%s\n' example.org >"$dir/control/domains"
	printf '%s\n' 'postmaster: alice' 'abuse: postmaster' '' 'sales: alice, carol@example.net' >"$dir/control/aliases"
	printf '%s\n' 'alice@example.org:' >"$dir/control/users"
	echo "$dir" >"$dir/.cwd"
	printf 'secret\n' >"$dir/password-file"
	printf %s "$content" >"$dir/message"
	mkdir -p "$dir"/Maildir/{cur,new,tmp}
	printf %s "$content" >"$dir/Maildir/new/1795305601.0123456789abcdef.mx.example.org,S=512,W=528"
	content="Return-Path: <mallory@example.org>
Delivered-To: bob@example.net
Delivered-To: carol@lists.example.org
Received: by mx.example.org
$content"
	name=$QID.mx.example.org,S=${#content},W=$((${#content} + 8))
	printf %s "$content" >"$dir/spool/cur/$name"
	printf '%s\t1\t1795000000\t%s\t4.2.0 [mx.example.net] 450 4.2.0 greylisted\n' 1 bob@example.net \
	    2 carol@lists.example.org >"$dir/spool/state/$name"
	if [ "$(id -u)" = 0 ]; then
		chown -R 65534:65534 "$dir"
	fi
}

# examples PAGE: for each marked display "== LINE" and its text as a reader sees it.
examples() {
	awk '/^\.Sh /{ here = $2 == "EXAMPLES" }
	    /^\.\\" test$/{ marked = NR; next }
	    /^\.Bd -literal/ && here && marked == NR - 1 { inside = 1; print "== " NR; next }
	    marked == NR - 1 && marked { print "== " marked " not above a .Bd -literal of EXAMPLES" }
	    /^\.Ed/{ inside = 0 }
	    inside { gsub(/\\e/, "\\"); gsub(/\\&/, ""); print }' "$1"
}

# whole TEXT: the shell wants no more of it.  It only complains of a here-document that does not end, and takes a last
# backslash without a word.
whole() {
	local complaint
	[[ $1 != *\\ ]] || return 1
	complaint=$(bash -n <<<"$1" 2>&1) && [ -z "$complaint" ]
}

# What a command is followed by, so that the next of its display finds the directory to which it changed.
keep_cwd='
status=$?; pwd >"$HOME/.cwd"; exit $status'

# run_command COMMAND SHOWN: succeeds, and prints what the page shows, if that shows anything.
run_command() {
	local command=$1 shown=$2 out status=0
	out=$(cd "$(cat "$dir/.cwd")" && HOME=$dir POSTHOUSE=$dir/control POSTHOUSE_LIBEXEC=$BIN PATH=$BIN:$PATH \
	    unprivileged timeout 120 bash -o pipefail -c "$command$keep_cwd" 2>"$DIR/err" 9<>"$dir/spool/trigger") || status=$?
	out=${out//$dir\/mail//var/mail/posthouse}
	if [ $status != 0 ] || grep -qE '\]: (die|warn) |usage:|not found' "$DIR/err" ||
	    { [ -n "$shown" ] && [ "$out" != "${shown%$'\n'}" ]; }; then
		printf '%s: exit code %s\n-- the page shows\n%s\n-- it prints\n%s\n' "$command" "$status" "$shown" "$out"
		cat "$DIR/err"
		return 1
	fi
}

# run_display: its commands one after the other, from standard input.
run_display() {
	local command='' shown='' line more=
	while IFS= read -r line; do
		if [ -n "$more" ]; then
			command+=$'\n'$line
		elif [[ $line == [\$#]' '* ]]; then
			[ -z "$command" ] || run_command "$command" "$shown" || return 1
			command=${line#??} shown=
		elif [ -z "$command" ]; then
			echo "no command before: $line"
			return 1
		else
			shown+=$line$'\n'
			continue
		fi
		whole "$command" && more= || more=1
	done
	[ -n "$command" ] && [ -z "$more" ] && run_command "$command" "$shown"
}

# run_page PAGE [CHECK]: at least one display is marked, and each runs; CHECK looks at the directory afterwards.
run_page() {
	local page=$ROOT/man/$1 line dir n=0 parts=$DIR/parts
	mkdir -p "$parts"
	examples "$page" | awk -v parts="$parts" '/^== /{ file = parts "/" sprintf("%05d", $2); print >(file ".head"); printf "" >file; next } { print >file }'
	for line in "$parts"/*.head; do
		[ -e "$line" ] || break
		not grep -H not "$line"
		dir=$DIR/run$n
		mkdir "$dir"
		fixture "$dir"
		run_display <"${line%.head}" >"$DIR/said" 2>&1 || {
			echo "$page:$(cut -c 4- "$line"): an example does not work:"
			cat "$DIR/said"
			return 1
		}
		n=$((n + 1))
	done
	[ $n -gt 0 ] || {
		echo "$page: no example is marked"
		return 1
	}
}

@test "smtpd's examples" { run_page posthouse-smtpd.8; }
@test "pop3d's examples" { run_page posthouse-pop3d.8; }
@test "imapd's examples" { run_page posthouse-imapd.8; }
@test "queue's examples" { run_page posthouse-queue.8; }
@test "mailq's examples, which take one sender's message out of the queue" {
	run_page posthouse-mailq.1
	[ -n "$(find "$DIR"/run1/spool/cur -type f)" ]
	[ -z "$(find "$DIR"/run2/spool/{new,cur,hold} -type f)" ]
}
@test "sendmail's examples put one message into the spool each" {
	run_page posthouse-sendmail.1
	for dir in "$DIR"/run*; do
		[ "$(find "$dir/spool/new" -type f | wc -l)" = 1 ]
		grep -q '^Delivered-To: bob@example.org$' "$dir"/spool/new/*
	done
	grep -q '^Return-Path: <>$' "$DIR"/run1/spool/new/*
}
@test "posthouse's examples make a user and explain an address" {
	run_page posthouse.1
	grep -q '^bob@example.org:' "$DIR"/run0/control/passwords
}
@test "the examples of overview, tasks, Maildir and spool" {
	run_page posthouse.7
	rm -rf "$DIR"/{parts,run*}
	run_page posthouse-tasks.7
	rm -rf "$DIR"/{parts,run*}
	run_page posthouse-maildir.5
	rm -rf "$DIR"/{parts,run*}
	run_page posthouse-spool.5
}

@test "no mark stands where it marks nothing" {
	for page in "$ROOT"/man/*.[1578]; do
		[ "$(grep -c '^\.\\" test$' "$page")" = "$(examples "$page" | grep -c '^== [0-9]*$')" ] || {
			echo "$page: a mark without a display of EXAMPLES"
			return 1
		}
	done
}
