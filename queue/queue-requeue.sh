#!/bin/sh
# queue-requeue: begins the schedule of messages anew, and has them tried now.  The arguments choose them as mailq's do.
exec "$(dirname -- "$0")/queue-tool" requeue "$@"
