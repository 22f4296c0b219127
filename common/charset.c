/*
 * Character sets.  UTF-8, ASCII and ISO-8859-1 are done here; others by
 * iconv(3), and of those only what mail uses: a C library carries a hundred
 * more that nobody sends and that have had bugs (CVE-2020-27618).  Trusts the
 * library to make progress, checks that it does.
 */
#include "charset.h"

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

#include "chars.h"
#include "ex.h"
#include "file.h"
#include "proc.h"

#define NAME_MAX_	32	/* longer than any name that is allowed */
#define DIRECTORY_MAX	256
#define CONVERTERS_MAX	32	/* open at once; a message may name many */
#define REPLACEMENT	"\xef\xbf\xbd"	/* U+FFFD */

/* Beginnings of names that are passed to iconv_open. */
static const char *const allowed[] = {
	"iso-8859-", "iso8859-", "windows-", "cp12", "cp437", "cp85", "cp86",
	"cp932", "cp949", "koi8-", "utf-7", "utf-16", "utf-32", "unicode-1-1-utf-7",
	"iso-2022-jp", "iso-2022-kr", "euc-jp", "euc-kr", "euc-tw", "euc-cn",
	"shift_jis", "shift-jis", "sjis", "ms_kanji", "gb2312", "gbk",
	"gb18030", "hz-gb-2312", "big5", "ks_c_5601", "tis-620", "viscii",
	"macintosh", "hp-roman8",
};
/* What charset_prepare opens: seen in ordinary mail. */
static const char *const common[] = {
	"windows-1252", "iso-8859-15", "iso-8859-2", "windows-1250",
	"windows-1251", "koi8-r", "iso-8859-5", "iso-8859-7", "iso-8859-9",
	"windows-1254", "windows-1255", "windows-1256", "iso-2022-jp",
	"shift_jis", "euc-jp", "gb18030", "big5", "euc-kr", "utf-16", "utf-7",
};

static struct converter {
	char name[NAME_MAX_];
	iconv_t cd;		/* (iconv_t)-1: the library has none */
} converters[CONVERTERS_MAX];
static size_t nconverters;

static bool
is_any(struct span s, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (span_isis(s, names[i]))
			return true;
	return false;
}

static bool
is_utf8_name(struct span s)
{
	static const char *const names[] = { "utf-8", "utf8", "unicode-1-1-utf-8" };

	return is_any(s, names, sizeof(names) / sizeof(names[0]));
}

static bool
is_ascii_name(struct span s)
{
	static const char *const names[] = { "us-ascii", "ascii",
		"ansi_x3.4-1968", "iso646-us" };

	return is_any(s, names, sizeof(names) / sizeof(names[0]));
}

static bool
is_latin1_name(struct span s)
{
	static const char *const names[] = { "iso-8859-1", "iso8859-1",
		"latin1", "iso_8859-1" };

	return is_any(s, names, sizeof(names) / sizeof(names[0]));
}

/* Letters, digits, "-" and "_": no "/" or ",", which iconv_open would read as
 * options, and no path. */
static bool
is_allowed(struct span s)
{
	struct span begin;

	for (size_t i = 0; i < s.len; i++)
		if ((chars[s.p[i]] & CH_LETDIG) == 0 && s.p[i] != '-' &&
		    s.p[i] != '_')
			return false;
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		begin = span_str(allowed[i]);
		if (s.len >= begin.len &&
		    span_iseq(span_of(s.p, begin.len), begin))
			return true;
	}
	return false;
}

/* The converter for that name, opened when it is new: (iconv_t)-1 for none. */
static iconv_t
find_converter(struct span charset)
{
	static size_t oldest;
	struct converter *v;
	char name[NAME_MAX_];

	if (!is_allowed(charset) ||
	    span_cstr(charset, name, sizeof(name)) == -1)
		return (iconv_t)-1;
	for (char *p = name; *p != '\0'; p++)
		*p = (char)ascii_lower(*p);
	for (size_t i = 0; i < nconverters; i++)
		if (strcmp(converters[i].name, name) == 0)
			return converters[i].cd;
	if (nconverters < CONVERTERS_MAX) {
		v = &converters[nconverters++];
	} else {
		v = &converters[oldest++ % CONVERTERS_MAX];
		if (v->cd != (iconv_t)-1)
			iconv_close(v->cd);
	}
	memcpy(v->name, name, sizeof(name));
	v->cd = iconv_open("UTF-8", name);
	return v->cd;
}

static int
add_latin1(struct span s, struct buf *out)
{
	size_t n;

	for (; s.len > 0; s.p += n, s.len -= n) {
		if ((n = span_ascii(s)) > 0) {
			buf_add(out, s.p, n);
		} else {
			buf_addc(out, (unsigned char)(0xc0 | s.p[0] >> 6));
			buf_addc(out, (unsigned char)(0x80 | (s.p[0] & 0x3f)));
			n = 1;
		}
	}
	return out->bad ? -1 : 0;
}

size_t
charset_utf8_length(struct span s)
{
	unsigned char a = s.p[0], b;
	size_t n = a < 0x80 ? 1 : a < 0xc2 ? 0 : a < 0xe0 ? 2 : a < 0xf0 ? 3 :
	    a < 0xf5 ? 4 : 0;

	if (n < 2)
		return n;
	if (s.len < n)
		return 0;
	b = s.p[1];
	if ((a == 0xe0 && b < 0xa0) || (a == 0xed && b > 0x9f) ||
	    (a == 0xf0 && b < 0x90) || (a == 0xf4 && b > 0x8f))
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s.p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

/* How many bytes are well-formed. */
static size_t
utf8_run(struct span s)
{
	size_t at = 0, n;

	while (at < s.len) {
		struct span rest = span_of(s.p + at, s.len - at);

		if ((n = span_ascii(rest)) == 0 &&
		    (n = charset_utf8_length(rest)) == 0)
			break;
		at += n;
	}
	return at;
}

static bool
is_utf8_text(struct span s)
{
	return utf8_run(s) == s.len;
}

static int
add_utf8(struct span s, struct buf *out)
{
	size_t n;

	for (; s.len > 0; s.p += n, s.len -= n) {
		if ((n = utf8_run(s)) > 0) {
			buf_add(out, s.p, n);
		} else {
			buf_adds(out, REPLACEMENT);
			n = 1;
		}
	}
	return out->bad ? -1 : 0;
}

static int
add_converted(iconv_t cd, struct span s, struct buf *out)
{
	char chunk[1024], *in, *to;
	size_t left = s.len, room, before, r;

	iconv(cd, NULL, NULL, NULL, NULL);	/* the initial state */
	memcpy(&in, &s.p, sizeof(in));		/* iconv(3) writes not there */
	while (left > 0 && !out->bad) {
		before = left;
		to = chunk;
		room = sizeof(chunk);
		errno = 0;
		r = iconv(cd, &in, &left, &to, &room);
		buf_add(out, chunk, sizeof(chunk) - room);
		if (r != (size_t)-1 ||
		    (errno == E2BIG && (before > left || room < sizeof(chunk))))
			continue;
		buf_adds(out, REPLACEMENT);
		if (errno != EILSEQ || left == 0)
			break;		/* cut short, or stuck */
		in++;
		left--;
	}
	return out->bad ? -1 : 0;
}

int
charset_decode(struct span text, struct span charset, struct buf *out)
{
	iconv_t cd;

	if (is_utf8_name(charset))
		return add_utf8(text, out);
	if (is_latin1_name(charset))
		return add_latin1(text, out);
	if (charset.len > 0 && !is_ascii_name(charset) &&
	    (cd = find_converter(charset)) != (iconv_t)-1)
		return add_converted(cd, text, out);
	return is_utf8_text(text) ? buf_addspan(out, text) :
	    add_latin1(text, out);
}

void
charset_prepare(void)
{
	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		find_converter(span_str(common[i]));
}

static int
look_for_gconv(struct dl_phdr_info *info, size_t size, void *arg)
{
	const char *end = strrchr(info->dlpi_name, '/');
	size_t n = end != NULL ? (size_t)(end - info->dlpi_name) : 0;
	char *dir = arg;

	(void)size;
	if (strstr(info->dlpi_name, "/gconv/") == NULL || n >= DIRECTORY_MAX)
		return 0;
	memcpy(dir, info->dlpi_name, n);
	dir[n] = '\0';
	return 1;
}

/* One converter is opened from there, and tells. */
static void
tell_directory(int out)
{
	char dir[DIRECTORY_MAX] = "";

	if (iconv_open("UTF-8", common[0]) != (iconv_t)-1)
		(void)dl_iterate_phdr(look_for_gconv, dir);
	_exit(file_write_all(out, dir, strlen(dir)) == 0 ? EX_OK : EX_IOERR);
}

/* In a process of its own: a converter, and the library's names of all, are mappings
 * that every fork would copy. */
const char *
charset_directory(void)
{
	static char dir[DIRECTORY_MAX];
	static bool asked;
	int told[2];
	ssize_t n;
	pid_t pid;

	if (asked)
		return dir;
	asked = true;
	if (pipe2(told, O_CLOEXEC) == -1)
		return dir;
	if ((pid = proc_fork()) == 0)
		tell_directory(told[1]);
	close(told[1]);
	while ((n = read(told[0], dir, sizeof(dir) - 1)) == -1 &&
	    errno == EINTR)
		;
	dir[n > 0 ? n : 0] = '\0';
	close(told[0]);
	while (pid != -1 && waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		;
	return dir;
}
