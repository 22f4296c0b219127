# posthouse: make, make check, make demo, make install.  See README.
#
#	make O=build/x CFLAGS=-O0		another tree, other flags
#	make install DESTDIR=/tmp/x PREFIX=/usr	for a package
#	make ZLIB=1				imapd with COMPRESS=DEFLATE
#	make SHARED=1				no archives: libbsd, libmd, libcrypt shared
PREFIX	?= /usr/local
SBINDIR	?= $(PREFIX)/sbin
LIBEXEC	?= $(PREFIX)/libexec/posthouse
MANDIR	?= $(PREFIX)/share/man
SHARE	?= $(PREFIX)/share/posthouse
CFLAGS	?= -O2 -g
O	?= build

WARN	= -std=c11 -Wall -Wextra -Wpedantic -Werror -Wconversion -Wshadow \
	  -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	  -Wcast-qual -Wwrite-strings -Wformat=2 -Wvla -Wundef
HARD	?= -fPIE -fstack-protector-strong -fstack-clash-protection \
	  -D_FORTIFY_SOURCE=2 -fcf-protection
LDHARD	?= -pie -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,--as-needed
BSD	!= pkg-config --cflags libbsd-overlay 2>/dev/null
BSDLIBS	!= pkg-config --libs libbsd-overlay 2>/dev/null
ZCFLAGS_1 != pkg-config --cflags zlib 2>/dev/null
ZLIBS_1	!= pkg-config --libs zlib 2>/dev/null
ZLIBS	= $(if $(filter 1,$(ZLIB)),$(ZLIBS_1))
PATHS	= -DLIBEXEC='"$(LIBEXEC)"' $(if $(filter 1,$(ZLIB)),-DPOSTHOUSE_ZLIB $(ZCFLAGS_1))
ALL_CFLAGS = $(WARN) $(HARD) -D_GNU_SOURCE $(PATHS) -iquote common $(BSD) \
	  $(CPPFLAGS) $(if $(SAN),,-fdata-sections -ffunction-sections) $(CFLAGS) $(SAN)
# Small variables together: each page of them that is written is copied by a fork.
ALL_LDFLAGS = $(LDHARD) $(if $(SAN),,-Wl,--sort-section=alignment) $(LDFLAGS) $(SAN)
# From archives where they are there: each library that is mapped costs every fork.
archive	= $(if $(SHARED),,$(filter /%,$(shell $(CC) -print-file-name=$(l:-l%=lib%.a))))
LIBS	:= -lc -lresolv $(foreach l,$(BSDLIBS) -lmd -lcrypt,$(or $(archive),$(l)))
TLSLIBS	= -lssl -lcrypto

PROGS	= smtpd queue deliver-local deliver-remote bounce sendmail admin pop3d imapd
SERVERS	= smtpd pop3d imapd
obj	= $(patsubst %.c,$(O)/%.o,$(wildcard $(1)))
COMMON	= $(call obj,common/*.c)

# Programs that are shell scripts: queue/NAME.sh is built to NAME.
SCRIPTS	= $(patsubst queue/%.sh,%,$(wildcard queue/*.sh))
VERSION	= 0.1

all: $(PROGS:%=$(O)/bin/%) $(SCRIPTS:%=$(O)/bin/%) $(O)/bin/newaliases $(O)/bin/tls.so

# What was built for another PREFIX is built again.
$(O)/paths: .FORCE
	@mkdir -p $(@D); echo '$(PATHS)' | cmp -s - $@ || echo '$(PATHS)' >$@

# The compiler notes which headers an object needs.
$(O)/%.o: %.c Makefile $(O)/paths
	@mkdir -p $(@D); echo "$(CC) -c $<"
	@$(CC) $(ALL_CFLAGS) $(PIC) -MMD -MP -c -o $@ $<
-include $(wildcard $(O)/*/*.d)

$(O)/libcommon.a: $(COMMON)
	@rm -f $@; ar rcs $@ $(COMMON)

# What a server needs of OpenSSL, loaded when TLS is first needed (common/tls_load.c),
# and the names in the server that it uses.
LATE	= $(addprefix $(O)/common/tls,.o _peer.o _relay.o)
$(LATE): PIC = -fPIC
$(O)/bin/tls.so: $(LATE)
	@mkdir -p $(@D); echo "$(CC) -o $@"
	@$(CC) -shared $(filter-out -pie,$(ALL_LDFLAGS)) -o $@ $^ $(TLSLIBS)
$(O)/tls.list: $(LATE)
	@(echo '{'; nm -u $^ | awk '$$2 ~ /^[a-z]/ { print $$2 ";" }'; echo '};') >$@

.SECONDEXPANSION:
$(SERVERS:%=$(O)/bin/%): $(O)/bin/%: $$(call obj,$$*/*.c) $(O)/tls.list
$(O)/bin/queue: $(call obj,queue/queue*.c)
$(O)/bin/sendmail: $(call obj,queue/sendmail*.c)
$(O)/bin/admin: $(call obj,queue/admin*.c) $(O)/queue/queue_schedule.o
$(O)/bin/bounce: $(call obj,deliver/bounce*.c)
$(O)/bin/deliver-local: $(call obj,deliver/local*.c)
$(O)/bin/deliver-remote: $(call obj,deliver/remote*.c)
EXPORT	= -Wl,--dynamic-list=$(O)/tls.list
$(SERVERS:%=$(O)/bin/%): LIBS += $(EXPORT) $(ZLIBS)
# What a login runs stands side by side; ORDER= for a linker that knows no INSERT (gold).
ORDER	?= -Wl,-T,common/order.ld
$(O)/bin/imapd $(O)/bin/pop3d: LIBS += $(if $(SAN),,$(ORDER))
$(O)/bin/deliver-remote $(O)/bin/admin: LIBS += $(TLSLIBS)
$(PROGS:%=$(O)/bin/%): $(O)/libcommon.a
	@mkdir -p $(@D); echo "$(CC) -o $@"
	@$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(O)/libcommon.a $(LIBS)
$(O)/bin/newaliases: $(O)/bin/sendmail
	ln -sf sendmail $@
$(O)/bin/%: queue/%.sh Makefile $(O)/paths
	@mkdir -p $(@D)
	sed -e 's|@LIBEXEC@|$(LIBEXEC)|' -e 's|@VERSION@|$(VERSION)|' \
	    queue/$*.sh >$@.new && chmod 755 $@.new && mv $@.new $@

# Tests in C: common/ and what the source's "LINK: folder/file.c" comment names.
# A fuzz target is linked with t/fuzz/main.c, which runs it over saved inputs,
# or with libFuzzer (FUZZER=-fsanitize=fuzzer).
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all \
	  -fno-omit-frame-pointer
UNITS	= $(patsubst t/unit/%.c,$(O)/t/%,$(wildcard t/unit/*_test.c))
TARGETS	= $(patsubst t/fuzz/%.c,$(O)/fuzz/%,$(filter-out t/fuzz/main.c, \
	  $(wildcard t/fuzz/*.c)))
HELPERS	= $(patsubst t/%.c,$(O)/t/%,$(wildcard t/*.c)) \
	  $(if $(ZLIBS_1),$(O)/t/imapd-zlib)
linked	= $(patsubst %.c,$(O)/%.o,$(shell sed -n \
	  's/.*LINK: *\([^*]*\).*/\1/p' $(1)))
linktest = @mkdir -p $(@D); echo "$(CC) -o $@"; $(CC) $(ALL_CFLAGS) -iquote . \
	$(ALL_LDFLAGS) $(2) -o $@ $(1) $(filter %.o,$^) $(O)/libcommon.a \
	$(LIBS) $(TLSLIBS) $(ZLIBS)

$(O)/t/%_test: t/unit/%_test.c $(O)/libcommon.a $$(call linked,t/unit/%_test.c)
	$(call linktest,$<)
$(O)/fuzz/%: t/fuzz/%.c t/fuzz/main.c $(O)/libcommon.a $$(call linked,t/fuzz/%.c)
	$(call linktest,$(if $(FUZZER),$<,$< t/fuzz/main.c),$(FUZZER))
$(O)/t/%: t/%.c Makefile
	@mkdir -p $(@D); echo "$(CC) -o $@"
	@$(CC) $(WARN) -D_GNU_SOURCE -O1 -g -o $@ $<

# imapd as ZLIB=1 makes it, from the same objects but one.
$(O)/t/imapd-zlib: imapd/compress.c $(O)/libcommon.a $(O)/bin/tls.so $(O)/tls.list \
    $(filter-out %/compress.o,$(call obj,imapd/*.c))
	@mkdir -p $(@D); echo "$(CC) -o $@"
	@$(CC) $(ALL_CFLAGS) -DPOSTHOUSE_ZLIB $(ZCFLAGS_1) -c -o $@.o $<
	@$(CC) $(ALL_LDFLAGS) -o $@ $@.o $(filter %.o,$^) $(O)/libcommon.a \
	    $(EXPORT) $(LIBS) $(ZLIBS_1)
	@ln -sf ../bin/tls.so $(@D)/tls.so

tests: $(UNITS) $(TARGETS) $(HELPERS)
sanitized:
	@$(MAKE) O=$(O)/san CFLAGS="-O1 -g" SAN="$(SANITIZE)" all tests

check:
	@O=$(O) MAKE="$(MAKE)" t/run $(TESTS)

# Each target for FUZZ_SECONDS; what it finds stays in $(O)/fuzz/found.
FUZZ_SECONDS ?= 60
fuzz:
	@t/deps clang
	@$(MAKE) O=$(O)/clang CC=clang WARN="-std=c11 -w" HARD= LDHARD= \
	    SAN="-g -fsanitize=address,undefined,fuzzer-no-link" \
	    FUZZER=-fsanitize=fuzzer fuzzers
	@O=$(O)/clang t/fuzz/run $(FUZZ_SECONDS)
fuzzers: $(TARGETS)

# The whole of t/kill.bats; make check does a part of it.
kills: all
	KILL_MESSAGES=10000 BIN=$(CURDIR)/$(O)/bin bats t/kill.bats

# The model of IMAP, two-way sync, two hosts and hostile clients: hours.
SOAK_STEPS ?= 1000000
soak: all
	export BIN=$(CURDIR)/$(O)/bin HOSTILE_SEED=$${SEED:-$$(date +%s)}; HOSTILE_SESSIONS=50000 \
	    IMAP_MODEL_STEPS=$(SOAK_STEPS) IMAP_MODEL_SEED=$$HOSTILE_SEED IMAP_HOSTS_STEPS=5000 \
	    IMAP_SYNC_SECONDS=300 bats $(addprefix t/,imap_model.bats imap_sync.bats imap_hosts.bats hostile.bats)

lint:
	@t/deps mandoc shellcheck cppcheck
	@t/lint

# What a message costs, compared with what it did; then us and the best peer on
# the same work, in one run; takes two hours.  t/bench/README says what comes of it.
bench: all
	@t/deps valgrind
	@export BIN=$(CURDIR)/$(O)/bin; t/bench/instructions && t/bench/run

demo:
	@O=$(O) MAKE="$(MAKE)" t/demo

# README is the overview page, so that there is one text.
README: man/posthouse.7
	mandoc -T ascii -I os=posthouse man/posthouse.7 | col -bx >$@.new && mv $@.new $@

# Servers and workers go to LIBEXEC, only these four into the PATH (mailq to both).
# sendmail is set-group-id to the group where that exists: posthouse-sendmail(1).
GROUP	?= phspool
D	= $(DESTDIR)
PATHED	= posthouse mailq sendmail newaliases
HIDDEN	= $(filter-out posthouse sendmail,$(PROGS) $(SCRIPTS)) tls.so
PAGES	= $(wildcard man/*.[1578])
install: all
	install -d $(D)$(LIBEXEC) $(D)$(SBINDIR)
	cd $(O)/bin && install -m 755 $(HIDDEN) $(D)$(LIBEXEC)
	cd $(O)/bin && install -m 755 posthouse sendmail $(D)$(SBINDIR)
	cd $(D)$(SBINDIR) && ln -sf $(LIBEXEC)/mailq . && ln -sf sendmail newaliases
	install -D -m 644 common/fail2ban.conf $(D)$(SHARE)/fail2ban.conf
	if [ -z "$(D)" ] && chgrp $(GROUP) $(SBINDIR)/sendmail 2>/dev/null; \
	    then chmod 2755 $(SBINDIR)/sendmail; else echo "sendmail is not set-group-id: as root, with the group \
	$(GROUP), install again (posthouse(7), SETTING UP)"; fi
	for f in $(PAGES); do install -D -m 644 $$f \
	    $(D)$(MANDIR)/man$${f##*.}/$${f#man/} || exit 1; done

uninstall:
	cd $(D)$(SBINDIR) && rm -f $(PATHED)
	rm -rf $(D)$(LIBEXEC) $(D)$(SHARE)
	for f in $(PAGES); do rm -f $(D)$(MANDIR)/man$${f##*.}/$${f#man/}; done

clean:
	rm -rf $(O)

.PHONY: all check demo kills soak install uninstall lint fuzz fuzzers bench clean tests sanitized .FORCE
