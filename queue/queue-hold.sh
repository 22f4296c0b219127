#!/bin/sh
# queue-hold: moves messages to hold/, where queue leaves them alone.  The arguments choose them as mailq's do.
exec "$(dirname -- "$0")/queue-tool" hold "$@"
