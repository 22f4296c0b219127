/*
 * Dates of IMAP: "1-Feb-1994" in SEARCH, " 1-Feb-1994 08:00:00 -0800" in
 * APPEND.  Pure arithmetic in the proleptic Gregorian calendar; no locale, no
 * time zone of the system.
 */
#include "imapdate.h"

#include <string.h>

#include "fmt.h"
#include "parse.h"

static const char months[12][4] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
};

/* Days since 1970-01-01 of a civil date; month from 1. */
int64_t
day_number(int64_t y, unsigned m, unsigned d)
{
	int64_t era, yoe, doy;

	if (m <= 2)
		y--;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (int64_t)(m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static unsigned
month_days(int64_t y, unsigned m)
{
	static const uint8_t days[12] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
	};
	bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

	return m == 2 && leap ? 29 : days[m - 1];
}

/* date-text: RFC 3501 section 9; date-day-fixed has a space for a zero. */
static bool
date_text(struct cur *c, int64_t *day)
{
	uint64_t d, y;
	unsigned m;

	(void)cur_ch(c, ' ');
	if (cur_num(c, 31, &d) == -1 || d == 0 || !cur_ch(c, '-'))
		return false;
	for (m = 0; m < 12 && !cur_word(c, months[m]); m++)
		;
	if (m == 12 || !cur_ch(c, '-') || cur_num(c, 9999, &y) == -1)
		return false;
	if (d > month_days((int64_t)y, m + 1))
		return false;
	*day = day_number((int64_t)y, m + 1, (unsigned)d);
	return true;
}

bool
parse_date(struct args *a, int64_t *day)
{
	bool quoted = cur_ch(&a->c, '"');

	if (!date_text(&a->c, day) || (quoted && !cur_ch(&a->c, '"')))
		return parse_fail(a, "Invalid date");
	return true;
}

/* Two digits up to max, exactly. */
static bool
two(struct cur *c, uint64_t max, int64_t *v)
{
	struct span s = cur_take(c, 2);
	struct cur d;
	uint64_t n;

	cur_init(&d, s);
	if (s.p == NULL || cur_num(&d, max, &n) == -1 || !cur_end(&d))
		return false;
	*v = (int64_t)n;
	return true;
}

/* time: RFC 3501 section 9.  A leap second counts as the next second. */
static bool
time_text(struct cur *c, int64_t *seconds)
{
	int64_t h, m, s;

	if (!two(c, 23, &h) || !cur_ch(c, ':') || !two(c, 59, &m) ||
	    !cur_ch(c, ':') || !two(c, 60, &s))
		return false;
	*seconds = h * 3600 + m * 60 + s;
	return true;
}

static bool
zone_text(struct cur *c, int64_t *seconds)
{
	int64_t h, m;
	bool minus = cur_ch(c, '-');

	if (!minus && !cur_ch(c, '+'))
		return false;
	if (!two(c, 23, &h) || !two(c, 59, &m))
		return false;
	*seconds = (h * 3600 + m * 60) * (minus ? -1 : 1);
	return true;
}

/* date-time: RFC 3501 section 9. */
bool
parse_date_time(struct args *a, time_t *t)
{
	int64_t day, seconds, zone;
	struct cur *c = &a->c;

	if (!cur_ch(c, '"') || !date_text(c, &day) || !cur_ch(c, ' ') ||
	    !time_text(c, &seconds) || !cur_ch(c, ' ') ||
	    !zone_text(c, &zone) || !cur_ch(c, '"'))
		return parse_fail(a, "Invalid date-time");
	*t = (time_t)(day * 86400 + seconds - zone);
	return true;
}

void
imap_date_print(time_t t, char out[IMAP_DATE_SIZE])
{
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || fmt_print(out, IMAP_DATE_SIZE,
	    "%02d-%s-%04d %02d:%02d:%02d +0000", tm.tm_mday,
	    months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
	    tm.tm_sec) >= IMAP_DATE_SIZE)
		(void)strlcpy(out, "01-Jan-1970 00:00:00 +0000",
		    IMAP_DATE_SIZE);
}
