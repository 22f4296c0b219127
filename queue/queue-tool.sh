#!/bin/sh
# queue-tool VERB [mailq's options and ids]: the verbs on messages in the queue.  Does nothing that an administrator could not do
# with mv, touch and rm (posthouse-spool(5)); each message is named on standard output.
set -u
verb=$1
shift
if [ $# = 0 ]; then
	echo "usage: queue-$verb [-C dir] [-d domain] [-f sender] [-m text] [-o age] [-r recipient] [id ...] | -a" >&2
	exit 64
fi
here=$(dirname -- "$0")
control=${POSTHOUSE:-/etc/posthouse}
all=0
for arg; do	# all messages only when asked for by name
	shift
	if [ "$arg" = -a ]; then all=1; else set -- "$@" "$arg"; fi
done
chosen=$*
while getopts C:d:f:m:o:r: option; do
	case $option in
	C) control=$OPTARG ;;
	d | f | m | o | r) ;;	# mailq's own
	*) exit 64 ;;
	esac
done
if [ $all = 0 ] && [ "$chosen" = "-C $control" ]; then
	echo "queue-$verb: which messages? (-a: all)" >&2
	exit 64
fi
spool=$(sed -n 's/^[[:space:]]*spool-directory[[:space:]][[:space:]]*\([^[:space:]]*\).*/\1/p' "$control/settings" 2>/dev/null |
    tail -n 1)
list=$("$here/mailq" -l "$@") || exit
cd "${spool:-/var/spool/posthouse}" || exit 74

# The trigger is opened for both ways so that writing does not wait where queue is not running; many names are one scan.
tell() {
	[ -p trigger ] && printf '%s\n' "$1" 1<>trigger
}
count=$(printf '%s\n' "$list" | grep -c .)
failed=0
for path in $list; do
	name=${path#*/}
	case $verb/$path in
	hold/hold/* | release/new/* | release/cur/* | retry/hold/* | retry/new/*) continue ;;
	hold/*) mv -- "$path" "hold/$name" ;;
	release/*) mv -- "$path" "cur/$name" && touch -- "cur/$name" ;;
	retry/*) touch -- "$path" ;;
	delete/*) rm -f -- "$path" "state/$name" ;;
	*) exit 64 ;;
	esac || {
		failed=1
		continue
	}
	printf '%s\n' "$name" | sed 's/^\([0-9]*\.[0-9a-f]*\).*/\1/'
	case $verb in
	release | retry) [ "$count" -gt 200 ] || tell "$name" ;;
	esac
done
case $verb in
release | retry) [ "$count" -le 200 ] || tell scan ;;
esac
exit $((failed ? 74 : 0))
