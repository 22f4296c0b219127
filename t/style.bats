# style.bats: what reviewers would say again and again, counted by a machine.  The limits are those of the project's style:
# functions normally at most 60 lines, never over 100; files normally at most 500, never over 800; headers at most 150.
# shellcheck shell=bash disable=SC2154

load helper

setup() {
	cd "$ROOT" || return 1
	if [ "${SANITIZED-}" ]; then skip "the source is the same"; fi
}

sources() { ls common/*.c smtpd/*.c queue/*.c deliver/*.c pop3d/*.c imapd/*.c; }
headers() { ls common/*.h smtpd/*.h queue/*.h deliver/*.h pop3d/*.h imapd/*.h 2>/dev/null; }

# code FILE...: without comments and strings, each line with its file and number in front.
code() {
	awk '
	FNR == 1 { inside = 0 }
	{
		line = $0
		gsub(/\\./, "_", line)
		gsub(/"[^"]*"/, "\"\"", line)
		out = ""
		while (line != "") {
			if (inside) {
				if ((i = index(line, "*/")) == 0) break
				line = substr(line, i + 2); inside = 0
			} else if ((i = index(line, "/*")) > 0) {
				out = out substr(line, 1, i - 1)
				line = substr(line, i + 2); inside = 1
			} else {
				out = out line; line = ""
			}
		}
		print FILENAME ":" FNR ": " out
	}' "$@"
}

# functions FILE...: "lines file:name", from the line of the name to the closing brace in the first column.
functions() {
	awk '
	FNR == 1 { open = 0; head = 0 }
	/^[a-zA-Z_][a-zA-Z_0-9]*\(/ && !open { head = FNR; name = $0; sub(/\(.*/, "", name) }
	/^\{/ { if (head) open = head }
	/^\}/ { if (open) print FNR - open + 1, FILENAME ":" name; open = 0; head = 0 }
	' "$@"
}

none() { # fails and shows what there is on standard input
	local found
	found=$(cat)
	[ -z "$found" ] || {
		printf '%s:\n%s\n' "$1" "$found"
		return 1
	}
}

@test "no function is longer than 100 lines" {
	list=$(functions $(sources) | sort -n)
	set -- $(awk '{ n[NR] = $1 } END { print NR, n[int((NR + 1) / 2)], n[int(NR * 0.9 + 0.5)], n[NR] }' <<<"$list")
	echo "# $1 functions: median $2, p90 $3, longest $4 lines" >&3
	awk '$1 > 100' <<<"$list" | none "too long"
	# Normally at most 60: a few may be longer.
	[ "$(awk '$1 > 60' <<<"$list" | wc -l)" -le $(($1 / 50 + 1)) ] ||
	    awk '$1 > 60' <<<"$list" | none "too many functions over 60 lines"
}

@test "no file is longer than 800 lines, no header longer than 150, the Makefile under 200" {
	wc -l $(sources) t/*.c t/*/*.c | awk '$2 != "total" && $1 > 800' | none "too long"
	wc -l $(headers) | awk '$2 != "total" && $1 > 150' | none "headers too long"
	[ "$(wc -l <Makefile)" -lt 200 ]
}

@test "calls that have no place here do not occur" {
	code $(sources) $(headers) | grep -E '\b(strcpy|strcat|strncpy|strncat|sprintf|vsprintf|gets|system|popen|strtok|strtok_r|atoi|atol|atoll|alloca|tmpnam|mktemp|setjmp|longjmp|sigsetjmp|rand|srand|random|scanf|sscanf|fscanf) *\(' |
	    none "forbidden calls"
	code $(sources) | grep -E '\bsignal *\(' | grep -vE 'SIG_(IGN|DFL)' | none "sigaction for handlers"
	grep -n 'ctype\.h' $(sources) $(headers) | none "ctype.h: peers' bytes have no locale"
}

@test "a folder includes only its own headers and those of common" {
	for file in $(sources) $(headers); do
		folder=$(dirname "$file")
		sed -n 's/^#[[:space:]]*include "\([^"]*\)".*/\1/p' "$file" | while read -r header; do
			case $header in
			*/*) echo "$file: $header: no folders in includes" ;;
			*) [ -e "$folder/$header" ] || [ -e "common/$header" ] || echo "$file: $header" ;;
			esac
		done
	done | none "wrong direction"
}

@test "OpenSSL is known to the tls files alone" {
	grep -l '<openssl/' $(sources) $(headers) | grep -vE '^common/tls[a-z_]*\.[ch]$' |
	    none "includes OpenSSL"
}

@test "every source file says at its top what it is" {
	for file in $(sources) $(headers); do
		head -n 1 "$file" | grep -q '^/\*' || echo "$file"
	done | none "no head comment"
}

@test "every group of prototypes in common has its contract" {
	awk '
	function judge() {
		if (proto != "" && !comment) print file ": " proto
		if (proto != "") comment = 0	# a struct between comment and prototypes is part of them
		proto = ""
	}
	FNR == 1 { judge(); file = FILENAME; comment = 0 }
	/^$/ { judge() }
	/\/\*/ { comment = 1 }
	/^[a-z].*[a-z_0-9]\(.*/ && !/^typedef|^#/ && proto == "" { proto = $0 }
	END { judge() }' common/*.h | none "prototypes without a word"
}

@test "nothing in the tree knows the machine it was written on" {
	{ git ls-files -co --exclude-standard 2>/dev/null || find . \( -name build -o -name .git \) -prune -o -type f -print; } |
	    xargs grep -nIE "(^|[^A-Za-z0-9_./(|])(/root/|/home/[a-z]|$ROOT/)" | none "absolute paths"
}

@test "man pages are clean" {
	need mandoc mandoc
	mandoc -T lint -W style man/*.[1578] | grep -v 'referenced manual not found\|mandoc.db' | none "mandoc"
}

@test "man pages are shown whole by groff, as man(1) of Debian does" {
	need groff groff-base
	for page in man/*.[1578]; do
		groff -mandoc -Tutf8 -rLL=78n "$page" 2>&1 >/dev/null
	done | none "groff"
}

@test "every program has a man page, and every page is installed by its name" {
	for program in $(sed -n 's/^PROGS[[:space:]]*= *//p' Makefile); do
		page "$program" >/dev/null || echo "$program"
	done | none "without a page"
	for file in man/*.[1578]; do
		title=$(sed -n 's/^\.Dt \([^ ]*\) \([0-9]\).*/\1.\2/p' "$file" | tr '[:upper:]' '[:lower:]')
		[ "man/$title" = "$file" ] || echo "$file: .Dt $title"
	done | none "title and file name differ"
}

# page PROGRAM: its man page.
page() {
	local file
	for file in "man/posthouse-$1.8" "man/$1.8" "man/$1.1" "man/posthouse-$1.1"; do
		if [ -e "$file" ]; then
			echo "$file"
			return 0
		fi
	done
	return 1
}

# program_files PROGRAM: as the Makefile links them.
program_files() {
	case $1 in
	smtpd) ls "$1"/*.c ;;
	pop3d | imapd) ls "$1"/*.c common/chain_main.c ;;
	queue | sendmail | admin) ls queue/"$1"*.c ;;
	bounce) ls deliver/bounce*.c ;;
	deliver-*) ls deliver/"${1#deliver-}"*.c ;;
	esac
}

@test "every option is in the man page of its program" {
	for program in $(sed -n 's/^PROGS[[:space:]]*= *//p' Makefile); do
		man=$(page "$program") || continue
		options=$(cat $(program_files "$program") | tr '\n' ' ' |
		    grep -o 'getopt([^"]*"[^"]*"' | sed 's/.*"\(.*\)"/\1/; s/[^A-Za-z0-9]//g' | fold -w 1 | sort -u)
		for option in $options; do
			grep -qE "^\.(It|Op|Oo)?.*Fl ([A-Za-z0-9]+ )*[A-Za-z0-9]*$option" "$man" || echo "$man: -$option"
		done
	done | none "undocumented options"
}

@test "every exit code is in the EXIT STATUS of its program" {
	local -A number=([EX_OK]=0 [EX_USAGE]=64 [EX_DATAERR]=65 [EX_NOINPUT]=66 [EX_NOUSER]=67 [EX_NOHOST]=68
	    [EX_UNAVAILABLE]=69 [EX_SOFTWARE]=70 [EX_OSERR]=71 [EX_OSFILE]=72 [EX_CANTCREAT]=73 [EX_IOERR]=74
	    [EX_TEMPFAIL]=75 [EX_PROTOCOL]=76 [EX_NOPERM]=77 [EX_CONFIG]=78)
	for program in $(sed -n 's/^PROGS[[:space:]]*= *//p' Makefile); do
		man=$(page "$program") || continue
		status=$(awk '/^\.Sh/ { on = /EXIT STATUS/ } on' "$man")
		[ -n "$status" ] || echo "$man: no EXIT STATUS"
		for name in $(code $(program_files "$program") | grep -ow 'EX_[A-Z]*' | sort -u); do
			grep -qE "^\.It.*\b${number[$name]-$name}\b" <<<"$status" || echo "$man: $name (${number[$name]-})"
		done
	done | none "undocumented exit codes"
}

@test "every log event and key is in posthouse-log(5)" {
	cat $(sources) | tr -s '\n\t ' ' ' >"$BATS_TEST_TMPDIR/all"
	{
		# log_begin itself, and what a program puts around it
		grep -oE '(log_begin|session_log|pop3_log|log_event|log_simple)\([^;"]*"[^"]*"' "$BATS_TEST_TMPDIR/all" | sed 's/.*"\(.*\)"/\1/' | sort -u |
		    while read -r event; do
			grep -q "^\.It Ic $event\b" man/posthouse-log.5 || echo "event $event"
		done
		grep -oE 'log_(str|span|num|addr)\([^,]*, "[^"]*"' "$BATS_TEST_TMPDIR/all" | sed 's/.*"\(.*\)"/\1/' |
		    sort -u | while read -r key; do
			grep -q "^\.It Va $key\b" man/posthouse-log.5 || echo "key $key"
		done
	} | none "not in the page"
}

@test "every setting is in posthouse.conf(5)" {
	grep -oE '^[[:space:]]*\{ *"[a-z][a-z0-9-]*"' common/settings.c | sed 's/.*"\(.*\)"/\1/' | while read -r name; do
		grep -q "^\.It .*$name\b" man/posthouse.conf.5 || echo "$name"
	done | none "undocumented settings"
}

@test "README is the overview page" {
	need mandoc mandoc
	need col bsdextrautils
	mandoc -T ascii -I os=posthouse man/posthouse.7 | col -bx | diff - README
}

@test "shell scripts are clean" {
	need shellcheck shellcheck
	t/lint shell
}

@test "an assertion stands in a line of its own: in a list of && only the last one can fail a test" {
	awk '/^@test/ { inside = 1 }
	/^}/ { inside = 0 }
	inside && /^\t+(\[|\[\[|grep|not|cmp|diff|logged|clean) .* && / && !/\|\|/ && !/\[\[ [^]]* && [^]]* \]\]$/ {
		print FILENAME ":" FNR ": " $0
	}' "$ROOT"/t/*.bats | none "assertions that cannot fail"
}
