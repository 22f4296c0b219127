# helper.bash: what every t/*.bats file loads.  Gives ROOT, BIN, TESTDATA and the functions below; nothing here needs a
# fixed port, and whatever is started is ended by its own pid.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BIN=${BIN:-$ROOT/build/bin}
TESTDATA=${TESTDATA:-$ROOT/../shared/testdata}
export ROOT BIN TESTDATA
export INSTANCE_FAST=${INSTANCE_FAST:-1}
INSTANCES=()

# await SECONDS CMD...: polls until CMD succeeds; fails loudly when it never did.  SECONDS are those of a quiet machine; one that
# is slow and busy gets ten times as many.
await() {
	local seconds=$(($1 * 10)) end
	shift
	end=$((${EPOCHREALTIME/./} + seconds * 1000000))
	until "$@"; do
		if ((${EPOCHREALTIME/./} > end)); then
			echo "await: not within ${seconds}s: $*" >&2
			return 1
		fi
		sleep 0.05
	done
}

# not CMD...: succeeds when CMD fails; "!" alone never fails a bats test.
not() {
	if "$@"; then
		echo "succeeded, and should not have: $*" >&2
		return 1
	fi
}

# need CMD PACKAGE: skips the test, and says how to get the command.
need() {
	command -v "$1" >/dev/null 2>&1 ||
	    skip "NOT TESTED: no $1 here (apt-get install $2)"
}

# need_root, need_data FILE: the same for other things that may be missing.
need_root() {
	[ "$(id -u)" = 0 ] || skip "NOT TESTED: needs root"
}
need_data() {
	[ -e "$TESTDATA/$1" ] || skip "NOT TESTED: no test material $1"
}

# private_dir: an empty directory that other users may pass through; it goes with the test run.
private_dir() {
	local dir parent=${BATS_RUN_TMPDIR:-${TMPDIR:-/tmp}}
	[ -z "${BATS_RUN_TMPDIR-}" ] || chmod 711 "$parent"
	dir=$(mktemp -d "$parent/posthouse.XXXXXX") || return 1
	chmod 711 "$dir"
	echo "$dir"
}

# load_env DIR: takes the instance's variables (HOST SMTP_PORT ... PIDS) into this shell.
load_env() {
	# shellcheck disable=SC1091
	. "$1/env"
}

# instance_start [DIR]: a private server; its directory is in DIR, its ports and paths in the variables of DESIGN.md
# section 9.  INSTANCE_SETTINGS may hold lines for CONTROL/settings.
instance_start() {
	if [ $# -gt 0 ]; then
		DIR=$1
	else
		DIR=$(private_dir) || return 1
	fi
	INSTANCES+=("$DIR")
	"$ROOT/t/instance" start "$DIR" >"$DIR.start" 2>&1 || {
		cat "$DIR.start" >&2
		return 1
	}
	rm -f "$DIR.start"
	load_env "$DIR"
}

# instance_stop [DIR...]: stops the instances (all that were started, by default), shows their logs if KEEP_LOG or the
# test failed, and removes their directories.
instance_stop() {
	local dir status=0
	[ $# -gt 0 ] || set -- "${INSTANCES[@]}"
	for dir; do
		[ -d "$dir" ] || continue
		if [ -z "${BATS_TEST_COMPLETED-1}" ] || [ -n "${KEEP_LOG-}" ]; then
			tail -n 40 "$dir"/log/* >&2 || :
		fi
		"$ROOT/t/instance" stop "$dir" >&2 || status=1
		if grep -h -A 30 'AddressSanitizer\|runtime error:\|LeakSanitizer' "$dir"/log/* >&2; then
			echo "a sanitizer found an error: see above" >&2
			status=1
		fi
		[ -n "${KEEP-}" ] || rm -rf "$dir" "$dir.start"
	done
	return $status
}

# adduser ADDRESS PASSWORD: into the instance in DIR.
adduser() {
	"$ROOT/t/instance" adduser "$DIR" "$1" "$2"
}

# maildir ADDRESS: where its mail is.
maildir() {
	echo "$MAIL/${1#*@}/${1%@*}"
}

# messages DIR: how many messages a Maildir holds; has_messages DIR N for await.
messages() {
	find "$1/new" "$1/cur" -type f 2>/dev/null | wc -l
}
has_messages() {
	[ "$(messages "$1")" -ge "$2" ]
}

# spool_empty: nothing waits in the instance's spool.  Looks in the order in which messages go, so that none is missed that moves, and
# once more for a report that was written meanwhile.
spool_empty() {
	[ -z "$(find "$SPOOL"/{tmp,new,cur,tmp,new,cur} -type f)" ]
}

# listening PID LOG: awaits a daemon of ours that was started with -l HOST:0; the port that it got is in $port.
listening() {
	await 10 port_in_log "$1" "$2" || {
		tail -n 5 "$2" >&2
		return 1
	}
}
port_in_log() {
	local pid
	for pid in "$1" $(children "$1"); do
		port=$(sed -n "s/.*\[$pid\]: start peer=[^ ]*:\([0-9]*\) text=listening.*/\1/p" "$2")
		[ -z "$port" ] || return 0
	done
	return 1
}

# private_address: an address of this machine that nobody else uses; all ports are free there.
private_address() {
	echo "127.$((RANDOM % 253 + 1)).$((RANDOM % 254)).$((RANDOM % 253 + 1))"
}

# unprivileged CMD...: as nobody when root, else as we are.
unprivileged() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
	else
		"$@"
	fi
}

# children PID: all its descendants, one pid a line.
children() {
	local pid
	# shellcheck disable=SC2013
	for pid in $(cat "/proc/$1/task/"*/children 2>/dev/null); do
		echo "$pid"
		children "$pid"
	done
}

# end PID...: ends these processes and their descendants, and waits until they are gone.
end() {
	local pid all=()
	for pid; do
		mapfile -t -O "${#all[@]}" all < <(echo "$pid"; children "$pid")
	done
	kill "${all[@]}" 2>/dev/null || :
	for pid in "${all[@]}"; do
		await 5 gone "$pid" || kill -9 "$pid" 2>/dev/null || :
	done
}
gone() {
	local state
	state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null) || return 0
	[ -z "$state" ] || [ "$state" = Z ] || [ "$state" = X ]
}

# bare_control DIR: DIR/control with hostname and domains, DIR/mail and a spool that its caller may use; nothing is started.
bare_control() {
	mkdir -p "$1/control" "$1/mail" "$1"/spool/{tmp,new,cur,state,hold,full,local,rate} &&
	    mkfifo "$1/spool/trigger" || return 1
	echo mx.example.test >"$1/control/hostname"
	echo example.test >"$1/control/domains"
	{
		echo "spool-directory $1/spool"
		echo "mail-directory $1/mail"
		printf '%s\n' 'net-user 64001' 'tls-user 64002' 'auth-user 64003' 'queue-user 64004' 'send-user 64005' \
		    'mail-user 64006' 'spool-group 64007'
	} >"$1/control/settings"
	chmod 755 "$1/control" "$1/spool"
}

# envelope_of FILE: the envelope of a spool file: before its content, and of several recipients behind it.
envelope_of() {
	local size=${1#*,S=}
	sed '/^Received:/,$d' "$1"
	tail -c +$((${size%%,*} + 1)) "$1" | sed '/^$/d'
}
