# acl_dovecot.bats: lists of rights, changed by the same commands in Dovecot (vfile) and here.
# shellcheck shell=bash disable=SC2154

load helper
load peer.bash
load imap

setup() {
	D=$(private_dir)
	chmod 755 "$D"
}
teardown() { rm -rf "$D" "${HOME_DIR-/nonexistent}"; }

# canon: the data of each reply with its rights in one order, without the owner's pair and (Dovecot keeps them) pairs without rights; and how
# each command ended.
canon() {
	python3 -c '
import re, shlex, sys
def rights(s):
    return "".join(sorted(s))
for line in sys.stdin:
    w = shlex.split(line) if line.startswith(("* ACL", "* MYR", "* LISTR")) else line.split()
    if len(w) > 1 and w[1] in ("OK", "NO", "BAD") and re.match(r"[a-z]\d$", w[0]):
        print(w[0], w[1])
    elif w[:2] == ["*", "ACL"]:
        pairs = [(w[i], rights(w[i + 1])) for i in range(3, len(w), 2)]
        print("ACL", sorted(p for p in pairs if p[1] and p[0] not in ("nobody", "owner", "#owner", "local")))
    elif w[:2] == ["*", "MYRIGHTS"]:
        print("MYRIGHTS", rights(w[3]))
    elif w[:2] == ["*", "LISTRIGHTS"]:
        print("LISTRIGHTS", w[3], rights("".join(w[4:])))
'
}

@test "SETACL, DELETEACL, GETACL, MYRIGHTS and LISTRIGHTS leave what they leave in Dovecot" {
	need_root
	need python3 python3
	peer_fetch dovecot dovecot-core dovecot-imapd
	peer_home
	mkdir -p "$D/theirs" "$D/ours"/{cur,new,tmp}
	dovecot_conf <<-C
	mail_plugins = acl
	namespace inbox {
	  inbox = yes
	  separator = /
	}
	protocol imap {
	  mail_plugins = acl imap_acl
	}
	plugin {
	  acl = vfile
	  acl_anyone = allow
	}
	C
	chown -R 65534:65534 "$D/theirs" "$D/ours" "$D/run"
	sed 's/$/\r/' >"$D/in" <<-'END'
	a0 CREATE Proj
	a1 SETACL Proj alice lrs
	a2 SETACL Proj alice +te
	a3 SETACL Proj alice -s
	a4 SETACL Proj anyone l
	a5 SETACL Proj -carol lr
	a6 GETACL Proj
	a7 SETACL Proj dave lrswipkxtea
	a8 SETACL Proj dave -d
	a9 SETACL Proj erin c
	b0 GETACL Proj
	b1 DELETEACL Proj alice
	b2 DELETEACL Proj -carol
	b3 SETACL Proj erin ""
	b4 GETACL Proj
	b5 MYRIGHTS Proj
	b6 LISTRIGHTS Proj alice
	b7 SETACL Proj x lrQ
	b9 GETACL None
	c0 LOGOUT
	END
	# shellcheck disable=SC2002
	cat "$D/in" | peer_run setpriv --reuid 65534 --regid 65534 --clear-groups env USER=nobody HOME="$D" \
	    /usr/lib/dovecot/imap -c "$D/conf" >"$D/theirs.out" 2>&1 || :
	setpriv --reuid 65534 --regid 65534 --clear-groups "$BIN/imapd" "$D/ours" >"$D/ours.out" <"$D/in" 2>"$D/ours.log"
	cat "$D/log"
	canon <"$D/theirs.out" >"$D/theirs.canon"
	canon <"$D/ours.out" >"$D/ours.canon"
	grep -q '^ACL .*alice' "$D/theirs.canon" || { cat "$D/theirs.out"; false; }
	diff "$D/theirs.canon" "$D/ours.canon" || { cat "$D/theirs.out" "$D/ours.out"; false; }
}
