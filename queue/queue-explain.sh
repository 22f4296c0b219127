#!/bin/sh
# queue-explain ID: what is known of one message from its files: where it is, its envelope, and each undone recipient with its
# attempts and the last answer.  posthouse explain runs it.
set -u
LC_ALL=C
export LC_ALL
here=$(dirname -- "$0")
control=${POSTHOUSE:-/etc/posthouse}
while getopts C: option; do
	case $option in
	C) control=$OPTARG ;;
	*) exit 64 ;;
	esac
done
shift $((OPTIND - 1))
case ${1-} in
[0-9]*.[0-9a-f]*) id=$1 ;;
*)
	echo "usage: queue-explain [-C dir] id" >&2
	exit 64
	;;
esac
path=$("$here/mailq" -l -C "$control" "$id") || exit
if [ -z "$path" ]; then
	echo "$id is not in the queue: it was delivered or bounced, or never came here."
	echo "The log says which: grep 'qid=$id' in it; a delivered message keeps the id in its file name."
	exit 67
fi
spool=$(sed -n 's/^[[:space:]]*spool-directory[[:space:]][[:space:]]*\([^[:space:]]*\).*/\1/p' "$control/settings" 2>/dev/null |
    tail -n 1)
cd "${spool:-/var/spool/posthouse}" || exit 74

case $path in
new/*) echo "accepted, not yet tried: $path" ;;
cur/*) echo "in the queue, next try at $(date -u -r "$path" '+%Y-%m-%d %H:%M:%S') UTC: $path" ;;
hold/*) echo "held by the administrator (posthouse queue release $id): $path" ;;
esac
echo
sed -n '/^$/q; /^Received:/q; p' "$path"
state=state/${path#*/}
[ -s "$state" ] || exit 0
echo
# index, attempts, time of the last, address, answer: posthouse-spool(5)
awk -F '\t' '{ printf "%s: %s attempt%s, the last answer: %s\n", $4, $2, $2 == 1 ? "" : "s", $5 == "" ? "none yet" : $5 }' "$state"
