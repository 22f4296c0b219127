# lab.bash: a laboratory for deliver-remote: control files, a spool, name servers and SMTP servers that do what they are told.
# Loaded behind helper.bash.
# shellcheck shell=bash disable=SC2034,SC2154

shopt -s lastpipe	# "jobs | deliver" sets output here, not in a subshell

# lab_start: an empty spool and control directory in LAB; lab_stop in teardown.
lab_start() {
	LAB=$(private_dir) || return 1
	LAB_PIDS=()
	mkdir -p "$LAB"/{control,spool/{tmp,new,cur}} || return 1
	echo me.test >"$LAB/control/hostname"
	: >"$LAB/control/routes"
	: >"$LAB/log"
	lab_settings
	export POSTHOUSE=$LAB/control RES_OPTIONS="timeout:30 attempts:1"
}

# lab_settings [LINE...]: the settings, with these lines on top of the usual ones.
lab_settings() {
	local user line
	for line; do
		echo "$line"
	done >"$LAB/control/settings.own"
	{
		echo "spool-directory $LAB/spool"
		for user in net tls auth queue send mail; do
			echo "$user-user 65534:65534"
		done
		echo "spool-group 65534"
		grep -q ^reply-timeout "$LAB/control/settings.own" || echo "reply-timeout 60s"
		grep -q ^connect-timeout "$LAB/control/settings.own" || echo "connect-timeout 60s"
		# No connection ends because a test, or its machine, takes its time.
		grep -q ^connection-reuse "$LAB/control/settings.own" || echo "connection-reuse 300s"
		cat "$LAB/control/settings.own"
	} >"$LAB/control/settings"
}

lab_stop() {
	local pid
	[ -z "${BATS_TEST_COMPLETED-1}" ] && tail -n 40 "$LAB/log" >&2
	for pid in "${LAB_PIDS[@]}"; do
		end "$pid"
	done
	if grep -h -A 30 'AddressSanitizer\|runtime error:\|LeakSanitizer' "$LAB/log" >&2; then
		echo "a sanitizer found an error: see above" >&2
		return 1
	fi
	rm -rf "$LAB"
}

# serve FILE CMD...: starts a server that prints its port; the port is in PORT, its pid in SERVED.
serve() {
	local file=$1
	shift
	rm -f "$file"
	"$@" >"$file" 2>>"$LAB/servers.log" 3>&- 4>&- &
	SERVED=$!
	LAB_PIDS+=("$SERVED")
	await 10 test -s "$file" || {
		cat "$LAB/servers.log" >&2
		return 1
	}
	PORT=$(cat "$file")
}

# sink NAME ARGS...: an SMTP server that writes into $LAB/NAME.
sink() {
	local name=$1
	shift
	rm -rf "${LAB:?}/$name"
	mkdir "$LAB/$name"
	serve "$LAB/$name.port" python3 "$ROOT/t/smtpsink.py" "$@" "$LAB/$name"
}

# zone: a name server with the zone file on standard input.
zone() {
	cat >"$LAB/zone"
	serve "$LAB/dns.port" python3 "$ROOT/t/dnsd.py" -q "$LAB/queries" "$LAB/zone"
	export RESOLVER=127.0.0.1:$PORT
}

# spool SENDER ENVELOPE-FIELD...: a spool file with the message on standard input; its name is printed.  Of several recipients
# the fields stand behind the content.
spool() {
	local sender=$1 size wsize name tmp several
	shift
	several=$(printf '%s\n' "$@" | grep -c '^Delivered-To:')
	tmp=$(mktemp "$LAB/spool/tmp/XXXXXX") || return 1
	{
		echo "Return-Path: <$sender>"
		[ "$several" -gt 1 ] || printf '%s\n' "$@"
		echo "Received: by me.test; Sun, 22 Nov 2026 00:00:00 +0000"
		cat
	} >"$tmp"
	size=$(stat -c %s "$tmp")
	wsize=$((size + $(tr -cd '\n' <"$tmp" | wc -c)))
	[ "$several" -le 1 ] || printf '%s\n' "$@" '' >>"$tmp"
	name=$(date +%s).$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n').me.test,S=$size,W=$wsize
	chmod 644 "$tmp"
	mv "$tmp" "$LAB/spool/new/$name"
	echo "$name"
}
# simple: a plain message with an envelope sender.
simple() {
	printf 'Subject: test\n\nhello\n' | spool a@me.test "Delivered-To: b@far.test"
}

# job NAME DOMAIN ID:INDEX:ADDRESS...: a job line.
job() {
	local name=$1 domain=$2
	shift 2
	printf '%s\tnew\t%s' "$name" "$domain"
	printf '\t%s' "$@"
	echo
}

# deliver: jobs on standard input; answers in $LAB/answers and $output, the log in $LAB/log.
deliver() {
	timeout -k 2 "${DELIVER_SECONDS:-300}" "$BIN/deliver-remote" >"$LAB/answers" 2>>"$LAB/log"
	status=$?
	output=$(cat "$LAB/answers")
	[ "$status" = 0 ] || {
		tail -n 20 "$LAB/log" >&2
		return 1
	}
}

# try EXPECTED SINK-ARGS...: one simple message for one recipient through a new sink: the answer must be as expected, with * for
# anything, and the log's status, dsn and text must say the same.
try() {
	local expected=$1 class dsn text result
	shift
	sink sink "$@" || return 1
	echo "far.test [127.0.0.1]:$PORT ${ROUTE-}" >"$LAB/control/routes"
	: >"$LAB/log"
	job "$(simple)" far.test 7:1:b@far.test | deliver || return 1
	end "$SERVED"
	# shellcheck disable=SC2053
	[[ $output == "7 "$expected ]] || {
		echo "got:      $output"
		echo "expected: 7 $expected"
		cat "$LAB/sink/log"
		return 1
	}
	read -r _ class dsn text <<<"$output"
	declare -A words=([done]=sent [fail]=bounced [defer]=deferred)
	result=$(grep "result qid=[0-9.a-f]* rcpt=<b@far.test> .*status=${words[$class]} dsn=$dsn delay=[0-9]* text=" "$LAB/log") || {
		echo "not in the log: $output"
		cat "$LAB/log"
		return 1
	}
	text=${text#\[127.0.0.1\] }
	[ "${result#*text=}" = "${text//%/%25}" ] || [ ${#text} -gt 300 ] || {
		echo "log: $result"
		echo "answer: $output"
		return 1
	}
}
