# imap_rfc.bats: every example dialogue of the RFCs that can be replayed is (t/imap_rfc.py); the texts are read in place.
# shellcheck shell=bash disable=SC2154

load helper
load imap

setup() {
	need python3 python3
	need_data ../rfc/rfc3501.txt
	mbox_dir
}

# replay COUNT RFC...: at least so many commands of these are replayed, and all are answered as the RFC has it.
replay() {
	local count=$1 files=() rfc
	shift
	for rfc; do files+=("$TESTDATA/../rfc/rfc$rfc.txt"); done
	run timeout 600 python3 "$ROOT/t/imap_rfc.py" "$BIN/imapd" "$M" "${files[@]}"
	echo "$output"
	[ "$status" = 0 ]
	echo "# ${lines[-1]}" >&3
	[ "$(awk 'END { print $1 }' <<<"$output")" -ge "$count" ]
}

@test "examples of RFC 3501 and RFC 9051" { replay 205 3501 9051; }
@test "examples of RFC 7162, 4315, 6851, 8508, 9394" { replay 67 7162 4315 6851 8508 9394; }
@test "examples of RFC 5256, 4731, 5258, 5819, 6154, 5182, 5267, 6203" { replay 85 5256 4731 5258 5819 6154 5182 5267 6203; }
@test "examples of RFC 9208, 5464, 5465, 9590, 8474, 8514, 8970, 3502, 4469, 10022" { replay 75 9208 5464 5465 9590 8474 8514 8970 3502 4469 10022; }
@test "examples of RFC 2342, 2177, 3691, 5032, 5161, 5255, 5530, 8438, 8440, 9586" { replay 60 2342 2177 3691 5032 5161 5255 5530 8438 8440 9586; }
@test "examples of RFC 4314, 8440" { replay 17 4314 8440; }
