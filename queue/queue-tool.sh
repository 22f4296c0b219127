#!/bin/sh
# queue-tool VERB [-n] [mailq's options and ids]: the verbs on messages in the queue.  Does nothing that an administrator could not
# do with mv, touch, rm and an editor (posthouse-spool(5)); each message is named on standard output.
set -uf
verb=$1
shift
if [ $# = 0 ]; then
	echo "usage: posthouse queue $verb [-n] [-C dir] [-d domain] [-f sender] [-m text] [-o age] [-r recipient] [id ...] | -a" >&2
	exit 64
fi
here=$(cd -- "$(dirname -- "$0")" && pwd) || exit 74
control=${POSTHOUSE:-/etc/posthouse}
dry=0 chosen=0
while getopts aC:d:f:m:no:r: option; do	# all messages only when asked for by name
	case $option in
	a) chosen=1 ;;
	n) dry=1 ;;
	C) control=$OPTARG ;;
	d | f | m | o | r) chosen=1 ;;	# mailq's own
	*) exit 64 ;;
	esac
done
if [ $chosen = 0 ] && [ $# -lt $OPTIND ]; then
	echo "queue $verb: which messages? (-a: all)" >&2
	exit 64
fi
spool=$(sed -n 's/^[[:space:]]*spool-directory[[:space:]][[:space:]]*\([^[:space:]]*\).*/\1/p' "$control/settings" 2>/dev/null |
    tail -n 1)
list=$("$here/mailq" -l "$@") || exit
shift $((OPTIND - 1))
code=0
for id; do
	case $list in
	*"/$id,"* | *"/$id."* | *"/$id") ;;
	*)
		echo "queue $verb: $id: not among the messages chosen, or not in the queue" >&2
		code=67
		;;
	esac
done
cd "${spool:-/var/spool/posthouse}" || exit 74

# qid NAME: its queue id.
qid() {
	rest=${1#*.}
	printf '%s\n' "${1%%.*}.${rest%%.*}"
}

# The files of the messages to which the verb has anything to do.
wanted() {
	for path in $list; do
		case $verb/$path in
		retry/hold/*) [ $# = 0 ] || echo "queue retry: $(qid "${path#*/}"): it is held; release does both" >&2 ;;
		hold/hold/* | release/new/* | release/cur/* | retry/new/*) ;;
		*) printf '%s\n' "$path" ;;
		esac
	done
}

# Any number of messages is one process, but for those whose state is written anew.
case $verb in
delete | hold | release | retry)
	[ $dry = 0 ] || dry=-n
	wanted "$@" | "$here/admin" queue ${dry#0} "$verb" || code=$?
	exit $code
	;;
esac

# The trigger is opened for both ways so that writing does not wait where queue is not running; many names are one scan.
tell() {
	[ -p trigger ] && printf '%s\n' "$1" 1<>trigger
}

# due FILE: its time is now.
due() {
	case ${POSTHOUSE_CLOCK-} in
	@*) touch -c -d "$POSTHOUSE_CLOCK" -- "$1" ;;
	/*) touch -c -d "@$(cat "$POSTHOUSE_CLOCK")" -- "$1" ;;
	*) touch -c -- "$1" ;;
	esac
}

# to DIR: out of where it is, new and cur being one, for queue may have moved it since it was listed.
to() {
	[ "$path" = "$1/$name" ] || mv -- "$path" "$1/$name" 2>/dev/null ||
	    { [ "$path" = "new/$name" ] && mv -- "cur/$name" "$1/$name"; }
}

# Each undone recipient of the message, as its state has it (with its earlier attempts) or its envelope.
recipients() {
	if [ -s "state/$name" ]; then
		grep '	' "state/$name" | grep -v '^warned	'
	else
		size=${name#*,S=}
		{ sed '/^Received:/q' "hold/$name"; tail -c +$((${size%%,*} + 1)) "hold/$name"; } |
		    awk '/^Delivered-To: / { print ++n "\t0\t0\t" substr($0, 15) "\t" }'
	fi
}

# The envelope that the state has of a message which was about to be given away; else nothing.
noted() { [ ! -s "state/$name" ] || sed '/	/,$d' "state/$name"; }

# edit PROGRAM: a new state by awk.  The message stands in hold meanwhile, so that queue does not write one too; and the state beside
# it, for in tmp smtpd's sessions could have put a link of its name, and in state queue clears away what it does not know.
edit() {
	was=$path new=hold/.$name.state
	to hold || return 1
	rm -f -- "$new"
	if ! (set -C && umask 077 && { noted && recipients | awk -F '\t' -v OFS='\t' "$1"; } >"$new") ||
	    ! chown -h --reference=state "$new" || ! mv -- "$new" "state/$name"; then
		rm -f -- "$new"
		[ "$was" = "hold/$name" ] || { mv -- "hold/$name" "cur/$name" && tell "$name"; }
		return 1
	fi
	path=hold/$name
	to cur && due "cur/$name" && return
	# It was under way, and has ended meanwhile, with the state that it had then; nobody would look at this one for a quarter of an hour.
	for dir in cur hold cur; do
		[ ! -e "$dir/$name" ] || return 1
	done
	rm -f -- "state/$name"
	echo "queue $verb: $(qid "$name"): it has ended meanwhile" >&2
	return 1
}

act() {
	case $verb in
	bounce)	# what is done or has failed already waits for its own report
		edit '$1 != "tried" && $5 !~ /^[25]/ { $5 = "5.0.0 given up by the postmaster" ($5 == "" ? "" : "; last answer: " $5) } { print }' ;;
	requeue)	# as if never tried
		edit '$1 == "tried" { if (done) print; next } { done = $5 ~ /^[25]/ } !done { $2 = 0; $3 = 0; $5 = "" } { print }' ;;
	esac
}

count=$(printf '%s\n' "$list" | grep -c .)
for path in $list; do
	name=${path#*/}
	if [ $dry = 0 ] && ! act; then
		code=74
		continue
	fi
	qid "$name"
	[ $dry = 1 ] || [ "$count" -gt 200 ] || tell "$name"
done
[ $dry = 1 ] || [ "$count" -le 200 ] || tell scan
exit $code
