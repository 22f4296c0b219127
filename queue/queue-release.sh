#!/bin/sh
# queue-release: moves messages out of hold/ and has them tried now.  The arguments choose them as mailq's do.
exec "$(dirname -- "$0")/queue-tool" release "$@"
