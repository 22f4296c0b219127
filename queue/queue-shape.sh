#!/bin/sh
# queue-shape: how many recipients wait for each domain, and for how long, the most first.  Columns are separated by tabs: domain,
# total, and then those waiting for less than 5, 10, 20, ... 1280 minutes, and the rest.  See posthouse-mailq(1).
set -u
here=$(dirname -- "$0")
column=8
for arg; do
	shift
	if [ "$arg" = -S ]; then column=7; else set -- "$@" "$arg"; fi
done
list=$("$here/mailq" -s "$@") || exit
printf '%s\n' "$list" | awk -F '\t' -v column=$column '
function row(name,   i, line) {
	line = name "\t" count[name, "T"]
	for (i = 1; i <= 10; i++) line = line "\t" count[name, i] + 0
	return line
}
BEGIN { head = "domain\ttotal"; for (m = 5; m <= 1280; m *= 2) head = head "\t" m; print head "\t1280+" }
NF >= 8 {
	name = tolower($column); gsub(/[<>]/, "", name)
	if (!sub(/.*@/, "", name)) name = name == "" ? "<>" : "(local)"
	bucket = 1
	for (limit = 300; bucket < 10 && $2 + 0 >= limit; limit *= 2) bucket++
	count["TOTAL", "T"]++; count["TOTAL", bucket]++
	count[name, "T"]++; count[name, bucket]++
	names[name] = 1
}
END {
	if (count["TOTAL", "T"] == 0) exit
	print row("TOTAL")
	for (name in names) print row(name) | "sort -t \"\t\" -k 2,2nr -k 1,1"
}'
