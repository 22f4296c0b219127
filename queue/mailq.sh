#!/bin/sh
# mailq: what waits in the queue, one line for each recipient, from the spool's files alone.  Columns are separated by tabs:
# queue id, age, status, attempts, next try, size, sender, recipient, last answer.  See posthouse-mailq(1).
set -u
LC_ALL=C
export LC_ALL

usage() {
	echo "usage: mailq [-hls] [-C dir] [-d domain] [-f sender] [-m text] [-o age] [-r recipient] [id ...]" >&2
	exit 64
}

# What chooses nothing would choose everything.
wrong() {
	echo "mailq: $1" >&2
	exit 64
}

control=${POSTHOUSE:-/etc/posthouse}
head=0 names=0 seconds=0 domain='' sender='' text='' older='' rcpt=''
while getopts aC:d:f:hlm:no:r:s option; do
	case $option${OPTARG-} in
	[dmor]) wrong "-$option needs a text that is not empty" ;;
	esac
	case $option in
	a | n) ;;	# of the tools that choose by it
	C) control=$OPTARG ;;
	d) domain=$OPTARG ;;
	f) sender=\<$OPTARG\> ;;	# in brackets, so that the null reverse-path can be asked for
	h) head=1 ;;
	l) names=1 ;;	# for the other tools: the files instead of lines
	m) text=$OPTARG ;;
	o) older=$OPTARG ;;
	r) rcpt=$OPTARG ;;
	s) seconds=1 ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))

unit=1
case $older in
*w) unit=604800 ;;
*d) unit=86400 ;;
*h) unit=3600 ;;
*m) unit=60 ;;
esac
case ${older%[smhdw]} in
*[!0-9]*) wrong "-o $older: an age is a number and s, m, h, d or w" ;;
'') [ -z "$older" ] || wrong "-o $older: an age is a number and s, m, h, d or w" ;;
esac
for id; do
	case $id in
	[0-9]*.[0-9a-f]*) ;;
	*) wrong "$id: this is no queue id; options go before the ids" ;;
	esac
	case $id in
	*[!-0-9A-Za-z._,=]*) wrong "$id: this is no queue id" ;;
	esac
done

# A place that is none would be the default one.
if ! [ -d "$control" ] || ! cd -- "$control" 2>/dev/null || { [ -e settings ] && [ ! -r settings ]; }; then
	echo "mailq: $control: cannot be read; name the control directory with -C or POSTHOUSE" >&2
	exit 78
fi
control=$PWD
spool=$(sed -n 's/^[[:space:]]*spool-directory[[:space:]][[:space:]]*\([^[:space:]]*\).*/\1/p' "$control/settings" 2>/dev/null |
    tail -n 1)
spool=${spool:-/var/spool/posthouse}
if ! cd "$spool" 2>/dev/null || ! ls new cur >/dev/null 2>&1; then
	echo "mailq: $spool: cannot be listed (only root and the queue's account may)" >&2
	exit 77
fi
case ${POSTHOUSE_CLOCK-} in
@*) now=${POSTHOUSE_CLOCK#@} ;;
/*) read -r now <"$POSTHOUSE_CLOCK" ;;
*) now=$(date +%s) ;;
esac

# A few ids need not have a look at a million other files.
ids=$*
if [ $# -gt 0 ] && [ $# -le 20 ]; then
	for id; do
		shift
		set -- "$@" -o -name "$id*"
	done
else
	set -- -o -name '*,S=*,W=*'
fi

# Time of change and name of each file; the rest is in the names and the files.
find new cur hold -type f \( -name . "$@" \) -exec stat -c '%Y %n' {} + 2>/dev/null |
    sort -k 2.5 |
    QUEUE_IDS=$ids DOMAIN=$domain FROM=$sender RCPT=$rcpt TEXT=$text awk -v now="$now" -v head="$head" -v names="$names" \
    -v seconds="$seconds" -v older="${older%[smhdw]}" -v unit="$unit" '
function span(s) {
	if (seconds) return s
	if (s < 100) return s "s"
	if (s < 6000) return int(s / 60) "m"
	if (s < 172800) return int(s / 3600) "h"
	return int(s / 86400) "d"
}
function is_in(addr, domain) { return tolower(substr(addr, length(addr) - length(domain))) == "@" domain }
# One recipient: printed, or noted when the names are wanted.
function show(attempts, addr, answer, line) {
	if (rcpt != "" && tolower(addr) != rcpt && tolower(addr) != "\\" rcpt) return	# "\\alice": her mailbox itself
	if (domain != "" && !is_in(addr, domain)) return
	if (text != "" && !index(answer, text)) return
	if (names) { wanted = 1; return }
	print qid "\t" span(now - arrival) "\t" status "\t" attempts "\t" next_try "\t" size "\t<" from ">\t" addr "\t" answer
}
function rcpts_of_state(file,   line, field, got) {
	while ((getline line < file) > 0) {
		if (line !~ /^[0-9]/) continue	# when it was warned, earlier attempts
		split(line, field, "\t")
		if (field[4] != "") { got = 1; show(field[2], field[4], field[5]) }
	}
	close(file)
	return got
}
function rcpts_of_envelope(file,   i, line) {
	if (nto == 0) {	# several recipients: behind the content
		file = "tail -c +" (size + 1) " " file
		while ((file | getline line) > 0) field(line)
		close(file)
	}
	for (i = 1; i <= nto; i++) show(0, to[i], "")
}
function field(line) {
	if (line ~ /^Return-Path: </) from = substr(line, 15, length(line) - 15)
	if (line ~ /^Delivered-To: /) to[++nto] = substr(line, 15)
}
function envelope(file,   line) {
	from = ""; nto = 0
	while ((getline line < file) > 0 && line !~ /^Received:/) field(line)
	close(file)
}
BEGIN {
	domain = tolower(ENVIRON["DOMAIN"]); sender = tolower(ENVIRON["FROM"]); rcpt = tolower(ENVIRON["RCPT"]); text = ENVIRON["TEXT"]
	n = split(ENVIRON["QUEUE_IDS"], ids, " ")
	for (i = 1; i <= n; i++) chosen[ids[i]] = 1
	if (head && !names) print "id\tage\tstatus\tattempts\tnext\tsize\tsender\trecipient\tanswer"
}
{
	mtime = $1; path = $0; sub(/^[^ ]* /, "", path); dir = path; sub(/\/.*/, "", dir)
	name = path; sub(/^[^\/]*\//, "", name)
	if (name !~ /^[0-9]+\.[0-9a-f]+\.[-._0-9A-Za-z]+,S=[0-9]+,W=[0-9]+$/) next	# sessions can write into new
	match(name, /^[0-9]+\.[0-9a-f]+/)
	qid = substr(name, 1, RLENGTH)
	if (n > 0 && !(qid in chosen) && !(name in chosen)) next
	arrival = qid; sub(/\..*/, "", arrival)
	if (older != "" && now - arrival < older * unit) next
	size = name; sub(/^[^,]*,S=/, "", size); sub(/,.*/, "", size)
	status = dir == "hold" ? "held" : dir == "new" ? "new" : mtime > now ? "deferred" : "due"
	next_try = dir == "hold" ? "-" : dir == "cur" && mtime > now ? span(mtime - now) : "now"
	envelope(path)
	if (sender ~ /^<@/ ? !is_in(from, substr(sender, 3, length(sender) - 3)) : sender != "" && "<" tolower(from) ">" != sender) next
	wanted = 0
	if (!rcpts_of_state("state/" name)) rcpts_of_envelope(path)
	if (names && wanted) print path
}'
