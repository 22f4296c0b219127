#!/bin/sh
# queue-delete: removes messages without a word to anybody.  The arguments choose them as mailq's do.
exec "$(dirname -- "$0")/queue-tool" delete "$@"
