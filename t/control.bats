# control.bats: the control files as an administrator meets them, and the programs that refuse to run on broken ones.
# shellcheck shell=bash

load helper

setup() {
	DIR=$(private_dir)
	bare_control "$DIR"
	export POSTHOUSE=$DIR/control
	cd "$DIR/control" || return 1
}

teardown() {
	cd / && rm -rf "$DIR"
}

# says TEXT: somewhere in the output of the last run, literally.
says() {
	[[ $output == *"$1"* ]] || {
		echo "not said: $1" >&2
		echo "$output" >&2
		return 1
	}
}

@test "every error is told with file, line and mend, and the exit code is 78" {
	printf 'messages 5\nretry-first never\n' >>settings
	echo 'mx example' >hostname
	printf 'example.test\nexample..org\n' >domains
	echo '10.0.0.0/0' >networks
	echo 'x@example.test:../../etc' >users
	echo 'sales: |' >aliases
	echo 'example.net smart.example tls=may user=a password=b' >routes
	run "$BIN/admin" check
	[ "$status" = 78 ]
	says "$DIR/control/settings:10: there is no setting \"messages\""
	says "$DIR/control/settings:11: retry-first \"never\": write a time"
	says "$DIR/control/hostname:1: this is not a host name"
	says "$DIR/control/domains:2: "
	says "$DIR/control/networks:1: "
	says "$DIR/control/users:1: "
	says "$DIR/control/aliases:1: "
	says "$DIR/control/routes:1: "
	says "9 errors"
}

@test "a missing hostname is an error that says what to write" {
	rm hostname
	run "$BIN/admin" check
	[ "$status" = 78 ]
	says "hostname: is missing or empty; write this machine's full name"
}

@test "a missing control directory is named" {
	run "$BIN/admin" -C "$DIR/nowhere" check
	[ "$status" = 78 ]
	says "$DIR/nowhere: cannot open the control directory"
}

@test "a line that ends in CR LF is refused, not half understood" {
	printf 'example.test\r\n' >domains
	run "$BIN/admin" check
	[ "$status" = 78 ]
	says "domains:1: the line ends in CR LF"
}

@test "-C wins over POSTHOUSE" {
	cp -r "$DIR/control" "$DIR/other"
	echo other.example.test >"$DIR/other/hostname"
	run "$BIN/admin" -C "$DIR/other" check
	says "# hostname other.example.test"
	run "$BIN/admin" check
	says "# hostname mx.example.test"
}

@test "printed settings are a settings file that prints the same" {
	need_root
	"$BIN/admin" check 2>/dev/null | grep -v '^#' >"$DIR/once"
	[ "$(wc -l <"$DIR/once")" -gt 30 ]
	cp "$DIR/once" settings
	"$BIN/admin" check 2>/dev/null | grep -v '^#' >"$DIR/twice"
	cmp "$DIR/once" "$DIR/twice"
}

@test "every setting stands in posthouse.conf(5), and no other" {
	[ -f "$ROOT/man/posthouse.conf.5" ]
	"$BIN/admin" check 2>/dev/null | sed -n 's/^\(# \)\{0,1\}\([a-z][a-z-]*\)[: ].*/\2/p' |
	    grep -vx 'control\|hostname\|domains' | sort >"$DIR/settings"
	sed -n 's/^\.It Ic \([a-z-]*\) .*/\1/p' "$ROOT/man/posthouse.conf.5" | sort >"$DIR/documented"
	diff "$DIR/settings" "$DIR/documented"
}

@test "sendmail refuses to run on a broken control directory and leaves nothing" {
	echo 'nonsense yes' >>settings
	run "$BIN/sendmail" bob@example.test <<<"x"
	[ "$status" = 78 ]
	says 'there is no setting "nonsense"'
	[ -z "$(find "$DIR/spool" -type f)" ]
}

@test "a table of 200000 users is checked in seconds" {
	awk 'BEGIN { for (i = 0; i < 200000; i++) print "user" i "@example.test:" }' >users
	run timeout 120 "$BIN/admin" check
	[ "$status" = 0 ]
	says "users 200000"
}
