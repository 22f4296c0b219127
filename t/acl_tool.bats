# acl_tool.bats: posthouse acl, what posthouse check says of lists, and mail delivered into a shared folder.
# shellcheck shell=bash disable=SC2154

load helper
load queue

setup() {
	D=$(private_dir)
	bare_control "$D"
	printf '%s@example.test:%s:\n' alice alice bob bob >"$D/control/users"
	if [ "$(id -u)" = 0 ]; then chown 64006:64006 "$D/mail"; fi
	S=$D/mail/.shared
}

teardown() {
	rm -rf "$D"
}

ph() {
	status=0
	output=$("$BIN/posthouse" -C "$D/control" "$@" 2>"$D/err") || status=$?
	stderr=$(cat "$D/err")
	echo "$output" "$stderr"
}

@test "posthouse acl: creates, sets, lists; says what is wrong" {
	ph acl create Shared/Team
	[ "$status" = 0 ]
	ph acl create Shared/Team/Sub
	[ "$status" = 0 ]
	ph acl create Shared/Team
	[ "$status" = 73 ]
	ph acl set Shared/Team anyone lrs
	[ "$status" = 0 ]
	ph acl set Shared/Team Alice@Example.Test lrswipkxtea
	ph acl set Shared/Team -alice@example.test p
	ph acl set Shared/Team anyone +p
	ph acl set Shared/Team anyone -s
	[ "$status" = 0 ]
	ph acl list
	[ "$output" = $'Shared/Team\tanyone lrp\nShared/Team\talice@example.test lrswipkxtea\nShared/Team\t-alice@example.test p\nShared/Team/Sub\t' ] ||
	    [ "$output" = $'Shared/Team/Sub\t\nShared/Team\tanyone lrp\nShared/Team\talice@example.test lrswipkxtea\nShared/Team\t-alice@example.test p' ]
	[ "$(cat "$S/for/alice@example.test")" = '- Team' ]
	[ "$(stat -c %a "$S")" = 700 ]
	if [ "$(id -u)" = 0 ]; then [ "$(stat -c %u "$S" "$S/for/anyone" "$S/.Team/posthouse.acl" | sort -u)" = 64006 ]; fi
	ph acl set Shared/Team x lrq
	[ "$status" = 64 ]
	[[ $stderr == *lrswipkxtea* ]]
	ph acl set Shared/Nowhere x l
	[ "$status" = 74 ]
	ph acl set Team x l
	[ "$status" = 64 ]
	ph acl set Shared/../x x l
	[ "$status" = 64 ]
	ph acl set user/nobody@example.test/A x l
	[ "$status" = 67 ]
	ph acl list Shared/Nowhere
	[ "$status" = 74 ]
	ph acl
	[ "$status" = 64 ]
	echo 'shared-folders none' >>"$D/control/settings"
	ph acl list
	[ "$status" = 78 ]
}

@test "posthouse acl index: what was written by hand is found; check tells what is broken or missing" {
	ph acl create Shared/Team
	echo 'alice@example.test lr' >"$S/.Team/posthouse.acl"
	mkdir -p "$D/mail/bob/.A"/{cur,new,tmp}
	echo 'alice@example.test lr' >"$D/mail/bob/.A/posthouse.acl"
	if [ "$(id -u)" = 0 ]; then chown -R 64006:64006 "$D/mail"; fi
	ph check
	[[ $stderr == *'lacks 1 lines'*'posthouse acl index'* ]]
	ph acl index
	[ "$output" = '2 lines added' ]
	[ "$(cat "$S/for/alice@example.test")" = $'- Team\n\nbob@example.test A' ]
	ph acl index
	[[ $output == '0 lines added'* ]]
	ph check
	[[ $stderr != *'posthouse acl index'* ]]
	printf 'anyone l\nbob@example.test lrz\n' >"$S/.Team/posthouse.acl"
	ph check
	[ "$status" = 78 ]
	[[ $stderr == *"$S/.Team/posthouse.acl:2: "*rights* ]]
	ph acl index
	[ "$status" = 65 ]
	printf 'anyone l' >"$D/mail/bob/.A/posthouse.acl"
	ph maildir check bob@example.test
	[[ $output == *'.A/posthouse.acl:1: the last line does not end'*by\ hand* ]]
}

@test "mail for an alias that names a shared folder, or for an account whose Maildir it is, comes into it" {
	site </dev/null
	"$BIN/posthouse" acl create Shared/Team
	echo "announce: $MAIL/.shared/.Team/" >>"$CONTROL/aliases"
	echo "list@example.test:.shared/.Team" >>"$CONTROL/users"
	for to in announce list; do
		message x@example.org "$to@example.test"
		"$QBIN/queue" -1 2>>"$WORK/log"
	done
	await 10 has_messages "$MAIL/.shared/.Team" 2
	if [ "$(id -u)" = 0 ]; then [ "$(stat -c %u "$MAIL/.shared/.Team/new"/* | sort -u)" = 64006 ]; fi
	cleanup_site
}
