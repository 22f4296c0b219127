#!/bin/sh
# queue-retry: has deferred messages tried now.  The arguments choose them as mailq's do.
exec "$(dirname -- "$0")/queue-tool" retry "$@"
