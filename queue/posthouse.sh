#!/bin/sh
# posthouse: one name for what an administrator does.  Finds its helpers in POSTHOUSE_LIBEXEC, else beside itself (a tree that
# is not installed), else where they were installed.
set -u

installed=@LIBEXEC@
here=$(dirname -- "$0")
if [ -n "${POSTHOUSE_LIBEXEC-}" ]; then
	libexec=$POSTHOUSE_LIBEXEC
elif [ -x "$here/admin" ]; then
	libexec=$here
else
	libexec=$installed
fi

usage() {
	cat >&2 <<-'END'
	usage: posthouse [-C dir] command
	  acl create|list|set|index ...    shared folders, and who may do what there
	  check                            read all control files, say what is wrong, print every setting
	  explain [-dj] ADDRESS            where mail for the address goes; -d asks DNS, -j prints JSON
	  explain [-j] [-l LOG] ID         what became of the message
	  user add|passwd|disable|enable|delete|show ADDRESS
	  user app-password ADDRESS LABEL
	  user list [-l]
	  maildir check ADDRESS|DIR        what is wrong in a mailbox, file by file
	  maildir import [-r] [-f FOLDER] ADDRESS SOURCE
	                                   messages of an mbox file or a Maildir into a mailbox
	  maildir repair [-n] ADDRESS|DIR  mend it; -n says what would be done
	  hash                             a password on standard input to what passwords holds
	  queue [shape] [...]              list the queue, or show its shape by age and domain (posthouse-mailq(1))
	  queue --for TIME                 what would be tried when, if nothing got through
	  queue bounce|delete|hold|release|requeue|retry ...  work on it
	  version
	END
	exit 64
}

# helper NAME ARGS...: ends this program.
helper() {
	name=$1
	shift
	if [ ! -x "$libexec/$name" ]; then
		echo "posthouse: there is no $name in $libexec; set POSTHOUSE_LIBEXEC or install it" >&2
		exit 72
	fi
	exec "$libexec/$name" "$@"
}

while getopts C: option; do
	case $option in
	C) POSTHOUSE=$OPTARG && export POSTHOUSE ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || usage
command=$1
shift

case $command in
acl | check | hash | maildir | user)
	helper admin "$command" "$@"
	;;
explain)
	[ $# -gt 0 ] || usage
	for what; do :; done	# the last one
	case $what in
	*@*) helper admin rcpt "$@" ;;
	[0-9]*.*) helper queue-explain "$@" ;;
	*) helper admin rcpt "$@" ;;	# a name in the first domain
	esac
	;;
queue)
	case ${1-}/${3-} in
	--for* | -C/--for*) helper queue "$@" ;;	# the scheduler's own word on what it will do
	esac
	case ${1-} in
	'' | -*) helper mailq "$@" ;;
	bounce | delete | hold | release | requeue | retry | shape)
		verb=$1
		shift
		helper "queue-$verb" "$@"
		;;
	*) usage ;;
	esac
	;;
version)
	echo "posthouse @VERSION@"
	;;
*)
	usage
	;;
esac
