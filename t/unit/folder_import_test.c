/*
 * Taking over Dovecot's and Courier's UIDs and keywords: text by text, and a folder as a whole.
 */
#include "folder_import.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include "clock.h"
#include "folder.h"
#include "log.h"
#include "store.h"
#include "test.h"

static void
test_uids(void)
{
	static const struct { const char *in, *out; } table[] = {
		{ "3 V77 N9 Gabcdef\n5 W12 :1.a,S=3\n7 P3 W1 :2.b:2,S\n",
		    "posthouse-uids 1 77 9 0 x\n5 1.a\n7 2.b\n" },
		{ "3 N9 V77\n5 :1.a\n",
		    "posthouse-uids 1 77 9 0 x\n5 1.a\n" },
		{ "1 77 9\n5 1.a\n7 2.b\n",
		    "posthouse-uids 1 77 9 0 x\n5 1.a\n7 2.b\n" },
		{ "2 77 3\n5 1.a\n3 0.z\n\njunk\n8 .hidden\n9 3.c",
		    "posthouse-uids 1 77 10 0 x\n5 1.a\n9 3.c\n" },
		{ "3 V77 N9\n5 1.a\n6 W1\n7 :2.b\n",
		    "posthouse-uids 1 77 9 0 x\n7 2.b\n" },
		{ "3 V77\n5 :1.a\n", NULL }, { "4 V7 N9\n", NULL },
		{ "1 0 9\n", NULL }, { "", NULL }, { "1 7 9", NULL },
	};
	struct buf b;

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		int r;

		buf_init(&b, 4096);
		r = import_uids(span_str(table[i].in), "x", &b);
		CHECK(r == (table[i].out == NULL ? -1 : 0), table[i].in);
		if (table[i].out != NULL)
			CHECK(span_is(buf_span(&b), table[i].out),
			    buf_cstr(&b));
		buf_free(&b);
	}
	test_end("UID lists");
}

static void
test_keywords(void)
{
	struct buf names, uids;

	buf_init(&names, 4096);
	CHECK(import_dovecot_keywords(span_str("0 $Junk\n2 work\n27 far\nx\n"),
	    &names) == 0, "parses");
	CHECK(span_is(buf_span(&names), "$Junk\n\nwork\n"), buf_cstr(&names));
	buf_clear(&names);
	buf_init(&uids, 4096);
	buf_adds(&uids, "posthouse-uids 1 77 9 0 x\n5 1.a\n7 2.b\n");
	CHECK(import_courier_keywords(span_str("$Junk\nwork\n\n2.b:0 1\n"
	    "9.z:1\n1.a:1 99\nx\n"), &names, &uids) == 0, "parses");
	CHECK(names.len == 26 + 11, "names");
	CHECK(span_is(buf_span(&uids), "posthouse-uids 1 77 9 0 x\n5 1.a\n"
	    "7 2.b\nf 1 +26+27 7\nf 1 +27 5\n"), buf_cstr(&uids));
	buf_free(&names);
	buf_free(&uids);
	test_end("keywords");
}

static void
put(const char *dir, const char *name, const char *text)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
	if (fd == -1 || write(fd, text, strlen(text)) == -1)
		err(1, "%s", path);
	close(fd);
}

static void
make(const char *dir, const char *sub)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", dir, sub);
	if (mkdir(path, 0700) == -1)
		err(1, "%s", path);
}

static void
test_folder(const char *dir, bool dovecot)
{
	struct folder *f;
	int k;

	make(dir, "");
	make(dir, "cur");
	make(dir, "new");
	make(dir, "tmp");
	put(dir, dovecot ? "cur/1.a,S=3:2,Sb" : "cur/1.a,S=3:2,S", "x\n\n");
	put(dir, "new/3.c", "x\n\n");
	if (dovecot) {
		put(dir, "dovecot-uidlist",
		    "3 V77 N9 Gabc\n5 W5 :1.a,S=3\n7 :2.b\n");
		put(dir, "dovecot-keywords", "0 $Junk\n1 work\n");
	} else {
		make(dir, "courierimapkeywords");
		put(dir, "courierimapuiddb", "1 77 9\n5 1.a,S=3\n7 2.b\n");
		put(dir, "courierimapkeywords/:list",
		    "$Junk\nwork\n\n1.a,S=3:1\n");
	}
	for (int i = 0; i < 2; i++) {
		if ((f = folder_open(dir, false)) == NULL)
			err(1, "%s", dir);
		CHECK(folder_uidvalidity(f) == 77, "UIDVALIDITY");
		CHECK(folder_count(f) == 2 && folder_uid(f, 0) == 5 &&
		    folder_uid(f, 1) == 9 && folder_uidnext(f) == 10, "UIDs");
		k = folder_keyword_bit(f, span_str("work"), false);
		CHECK(k >= 0 && folder_keywords(f, 0) == (uint64_t)1 << k,
		    "keyword");
		CHECK(folder_flags(f, 0) == MAIL_SEEN, "flags");
		folder_close(f);
	}
	test_end(dovecot ? "a folder of Dovecot's" : "a folder of Courier's");
}

int
main(void)
{
	char path[64];

	clock_init();
	log_init("folder_import_test", false, false);
	test_uids();
	test_keywords();
	root_make();
	snprintf(path, sizeof(path), "%s/d", root);
	test_folder(path, true);
	snprintf(path, sizeof(path), "%s/c", root);
	test_folder(path, false);
	root_remove();
	return test_done();
}
