#!/bin/sh
# queue-explain [-j] [-l log] ID: what is known of one message: its place and next try, its envelope, which file and line decide for
# each recipient, what is undone, each line of the log about it, and the mailbox where it landed.  posthouse explain runs it.
set -u
LC_ALL=C
export LC_ALL
here=$(dirname -- "$0")
control=${POSTHOUSE:-/etc/posthouse}
json=0 logs=$(printf '%s' "${POSTHOUSE_LOG-}" | tr ' ' '\n')
while getopts C:jl: option; do
	case $option in
	C) control=$OPTARG ;;
	j) json=1 ;;
	l) logs=$logs'
'$OPTARG ;;
	*) exit 64 ;;
	esac
done
shift $((OPTIND - 1))
case ${1-} in
*[!0-9a-f.]* | *.*.*)
	id='' ;;
[0-9]*.[0-9a-f]*) id=$1 ;;
*) id='' ;;
esac
if [ -z "$id" ] || [ $# -gt 1 ]; then
	echo "usage: posthouse explain [-j] [-l log] id" >&2
	exit 64
fi
setting() {
	sed -n "s/^[[:space:]]*$1[[:space:]][[:space:]]*\([^[:space:]]*\).*/\1/p" "$control/settings" 2>/dev/null | tail -n 1
}
spool=$(setting spool-directory) mail=$(setting mail-directory) home=$(setting home-maildir)
spool=${spool:-/var/spool/posthouse} mail=${mail:-/var/mail/posthouse}
path=$("$here/mailq" -l -C "$control" "$id") || exit
# shellcheck disable=SC2086	# several logs, one a line
log=$([ -z "$logs" ] || { IFS='
' && grep -h -e "qid=$id" -e "of $id\$" -- $logs; })

# The envelope: before the content, and of several recipients behind it; or in the state, when it was about to be given away.
envelope() {
	sed -n '1{/^Return-Path: /!q}; /^$/q; p' "$spool/state/${path#*/}" 2>/dev/null | grep . && return
	size=${path#*,S=}
	sed -n '/^$/q; /^Received:/q; p' "$spool/$path"
	tail -c +$((${size%%,*} + 1)) "$spool/$path"
}

# Where mailboxes are: in one directory, where users says, and below the homes of accounts of the system.
maildirs() {
	echo "$mail"
	sed -n 's/^[^#:][^:]*:\(\/[^:]*\).*/\1/p' "$control/users" 2>/dev/null
	[ "${home:-none}" = none ] || getent passwd | awk -F : -v name="$home" '$3 >= 1000 && $3 <= 60000 { print $6 "/" name }'
}

# The facts, one a line with fields separated by tabs; what they look like comes behind.
facts() {
	printf 'id\t%s\n' "$id"
	if [ -n "$path" ]; then
		printf 'place\t%s\t%s\n' "$path" "$(date -u -r "$spool/$path" '+%Y-%m-%d %H:%M:%S')"
		envelope | sed -n 's/^\([^:]*\): /field	\1	/p'
		envelope | sed -n 's/^Delivered-To: //p' | while read -r rcpt; do
			POSTHOUSE=$control "$here/admin" rcpt "$rcpt" 2>/dev/null | sed 's/^/decision	/'
		done
		# index, attempts, time of the last, address, answer; tried, number, time, answer: posthouse-spool(5)
		sed -n 's/^[0-9]/undone	&/p; /^tried	/p' "$spool/state/${path#*/}" 2>/dev/null
	else
		maildirs | tr '\n' '\0' | xargs -0 sh -c 'find "$@" -name "$0.*" -type f 2>/dev/null' "$id" | sort -u | sed 's/^/landed	/'
	fi
	[ -z "$log" ] || printf '%s\n' "$log" | sed 's/	/ /g; s/^/log	/'
}

facts | awk -F '\t' -v json=$json '
function clean(s,   out) {	# JSON is UTF-8 (RFC 8259 section 8.1), and other programs may write into the log, too
	while (match(s, /[\200-\377]/)) {
		out = out substr(s, 1, RSTART - 1); s = substr(s, RSTART)
		if (!match(s, /^([\302-\337][\200-\277]|\340[\240-\277][\200-\277]|[\341-\354\356\357][\200-\277][\200-\277]|\355[\200-\237][\200-\277]|\360[\220-\277][\200-\277][\200-\277]|[\361-\363][\200-\277][\200-\277][\200-\277]|\364[\200-\217][\200-\277][\200-\277])/)) {
			out = out "?"; RLENGTH = 1
		} else out = out substr(s, 1, RLENGTH)
		s = substr(s, RLENGTH + 1)
	}
	return out s
}
function q(s) {
	s = clean(s)
	gsub(/\\/, "&&", s); gsub(/"/, "\\\"", s); gsub(/[\001-\037\177]/, "?", s)
	return "\"" s "\""
}
function put(list, item) { items[list] = items[list] (items[list] == "" ? "" : ",") "\n  " item }
function value(line, key) { return match(line, " " key "=[^ ]*") ? substr(line, RSTART + length(key) + 2, RLENGTH - length(key) - 2) : "" }
function rest(n,   i, s) { s = $n; for (i = n + 1; i <= NF; i++) s = s FS $i; return s }
function utc(t,   d, s, era, y, m) {	# days since 0000-03-01, in eras of 400 years
	s = t % 86400; d = int(t / 86400) + 719468; era = int(d / 146097); d %= 146097
	y = int((d - int(d / 1460) + int(d / 36524) - int(d / 146096)) / 365); d -= 365 * y + int(y / 4) - int(y / 100)
	m = int((5 * d + 2) / 153); d -= int((153 * m + 2) / 5) - 1; m += m < 10 ? 3 : -9
	return sprintf("%04d-%02d-%02d %02d:%02d:%02d", era * 400 + y + (m <= 2), m, d, int(s / 3600), int(s / 60) % 60, s % 60)
}
function head(title) { if (!said[title]++) print "\n" title }
function attempt(line,   at, who, event, text, keys, i, n, key, out) {
	if (!match(line, /[a-z0-9-]+\[[0-9]+\]: [a-z]+/)) return
	at = substr(line, 1, RSTART - 1); sub(/ +$/, "", at)
	who = substr(line, RSTART, RLENGTH); event = who; sub(/.*: /, "", event); sub(/\[.*/, "", who)
	text = ""; if (match(line, / text=.*/)) { text = substr(line, RSTART + 6); line = substr(line, 1, RSTART - 1) }
	if (!json) {
		head("log:")
		printf "  %s%s %s", at == "" ? "" : at " ", who, event
	} else out = "{" (at == "" ? "" : "\"time\":" q(at) ",") "\"program\":" q(who) ",\"event\":" q(event)
	n = split("peer from to rcpt relay tls status dsn delay size", keys, " ")
	for (i = 1; i <= n; i++) {
		key = value(line, keys[i]); if (key == "") continue
		if (json) out = out "," q(keys[i]) ":" q(key); else printf " %s=%s", keys[i], key
	}
	if (json) put("log", out (text == "" ? "" : ",\"text\":" q(text)) "}"); else print text == "" ? "" : ": " text
	known = 1
}
$1 == "id" { id = $2; if (!json) print id; next }
$1 == "place" {
	known = 1; place = $2; sub(/\/.*/, "", place)
	what = place == "new" ? "accepted, not yet tried" : place == "hold" ? "held by the administrator (posthouse queue release " id ")" : \
	    "in the queue, next try at " $3 " UTC"
	if (json) { where = ",\"place\":" q(place) ",\"file\":" q($2) (place == "cur" ? ",\"next\":" q($3) : "") }
	else print what ": " $2
	next
}
$1 == "field" { if (json) put("envelope", "{\"name\":" q($2) ",\"value\":" q(rest(3)) "}"); else { head("envelope:"); print "  " $2 ": " rest(3) } next }
$1 == "decision" {
	if (json) { s = rest(2); sub(/^ +/, "", s); put("decisions", "{\"depth\":" int((length(rest(2)) - length(s)) / 4) ",\"text\":" q(s) "}") }
	else { head("where it goes:"); print "  " rest(2) }
	next
}
$1 == "undone" {
	rcpt = $5
	if (json) put("undone", "{\"recipient\":" q($5) ",\"attempts\":" $3 + 0 ",\"answer\":" q(rest(6)) "}")
	else {
		head($6 ~ /^5/ || $6 ~ /^2/ ? "done with, to be told to the sender:" : "undone:")
		printf "  %s: %s attempt%s, the last answer: %s\n", $5, $3, $3 == 1 ? "" : "s", $6 == "" ? "none yet" : rest(6)
	}
	next
}
$1 == "tried" {
	if (json) put("tried", "{\"recipient\":" q(rcpt) ",\"attempt\":" $2 + 0 ",\"time\":" q(utc($3)) ",\"answer\":" q(rest(4)) "}")
	else print "    attempt " $2 " at " utc($3) " UTC: " rest(4)
	next
}
$1 == "landed" { known = 1; if (json) put("landed", q(rest(2))); else { head("it landed in:"); print "  " rest(2) } next }
$1 == "log" { attempt(rest(2)) }
END {
	if (json) {
		if (where == "") where = ",\"place\":\"gone\""
		printf "{\"id\":%s%s", q(id), where
		n = split("envelope decisions undone tried landed log", lists, " ")
		for (i = 1; i <= n; i++) printf ",\n \"%s\":[%s]", lists[i], items[lists[i]]
		print "}"
	} else if (place == "") {
		print (known ? "\n" : "") id " is not in the queue" (known ? "." : ": it was delivered or bounced, or never came here.")
		if (!known) print "The log says which: posthouse explain -l LOG " id
	}
	exit known ? 0 : 67
}'
