# posthouse: make, make check, make demo, make install.  See README.
PREFIX	?= /usr/local
SBINDIR	?= $(PREFIX)/sbin
LIBEXEC	?= $(PREFIX)/libexec/posthouse
MANDIR	?= $(PREFIX)/share/man
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
PATHS	= -DLIBEXEC='"$(LIBEXEC)"'
ALL_CFLAGS = $(WARN) $(HARD) -D_GNU_SOURCE $(PATHS) -iquote common $(BSD) $(CFLAGS) $(SAN)
ALL_LDFLAGS = $(LDHARD) $(LDFLAGS) $(SAN)
LIBS	= $(BSDLIBS) -lcrypt -lresolv
TLSLIBS	= -lssl -lcrypto

PROGS	= smtpd queue deliver-local deliver-remote bounce sendmail admin pop3d imapd
HEADERS	= $(wildcard common/*.h smtpd/*.h queue/*.h deliver/*.h pop3d/*.h imapd/*.h)
obj	= $(patsubst %.c,$(O)/%.o,$(wildcard $(1)))
COMMON	= $(call obj,common/*.c)

all: $(PROGS:%=$(O)/bin/%)

$(O)/%.o: %.c $(HEADERS) Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(O)/libcommon.a: $(COMMON)
	@rm -f $@
	ar rcs $@ $(COMMON)

link = @mkdir -p $(@D); echo "$(CC) -o $@"; \
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(O)/libcommon.a $(LIBS)

$(O)/bin/smtpd: $(call obj,smtpd/*.c) $(O)/libcommon.a
	$(link) $(TLSLIBS)
$(O)/bin/pop3d: $(call obj,pop3d/*.c) $(O)/libcommon.a
	$(link) $(TLSLIBS)
$(O)/bin/imapd: $(call obj,imapd/*.c) $(O)/libcommon.a
	$(link) $(TLSLIBS)
$(O)/bin/queue: $(call obj,queue/queue*.c) $(O)/libcommon.a
	$(link)
$(O)/bin/sendmail: $(call obj,queue/sendmail*.c) $(O)/libcommon.a
	$(link)
$(O)/bin/admin: $(call obj,queue/admin*.c) $(O)/libcommon.a
	$(link)
$(O)/bin/bounce: $(call obj,deliver/bounce*.c) $(O)/libcommon.a
	$(link)
$(O)/bin/deliver-local: $(call obj,deliver/local*.c) $(O)/libcommon.a
	$(link)
$(O)/bin/deliver-remote: $(call obj,deliver/remote*.c) $(O)/libcommon.a
	$(link) $(TLSLIBS)

clean:
	rm -rf $(O)

.PHONY: all check demo install uninstall lint fuzz bench clean
