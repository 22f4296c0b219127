#!/bin/sh
# queue-bounce: gives messages up now: their senders are told.  The arguments choose them as mailq's do.
exec "$(dirname -- "$0")/queue-tool" bounce "$@"
