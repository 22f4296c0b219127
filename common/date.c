/*
 * Dates of header fields: RFC 5322 section 3.3 with obs-date of 4.3.  Every
 * number has a range; the day of the week is read and not believed.  No libc
 * time functions, so that neither zone nor locale matters.
 */
#include "header.h"

#include <stdio.h>

#include "chars.h"
#include "fmt.h"

static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri",
	"Sat" };

/* Days from 1970-01-01 to the date in the proleptic Gregorian calendar:
 * years begin in March, so that the leap day is the last of its year. */
static int64_t
days_from_civil(int64_t y, int64_t m, int64_t d)
{
	int64_t era, yoe, doy;

	if (m <= 2)
		y--;
	era = y / 400;		/* y > 0 here: years begin at 1900 */
	yoe = y % 400;
	doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void
civil_from_days(int64_t z, int64_t *y, int64_t *m, int64_t *d)
{
	int64_t era, doe, yoe, doy, mp;

	z += 719468;
	era = (z >= 0 ? z : z - 146096) / 146097;
	doe = z - era * 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	*d = doy - (153 * mp + 2) / 5 + 1;
	*m = mp < 10 ? mp + 3 : mp - 9;
	*y = yoe + era * 400 + (*m <= 2);
}

static int64_t
days_in_month(int64_t y, int64_t m)
{
	static const uint8_t length[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30,
		31, 30, 31 };

	if (m == 2 && y % 4 == 0 && (y % 100 != 0 || y % 400 == 0))
		return 29;
	return length[m - 1];
}

static int
parse_number(struct cur *c, uint64_t min, uint64_t max, int64_t *out)
{
	uint64_t v;

	header_skip_cfws(c);
	if (cur_num(c, max, &v) == -1 || v < min)
		return -1;
	*out = (int64_t)v;
	return 0;
}

/* day-of-week ",": section 3.3; some write more letters, some no comma. */
static int
parse_day_name(struct cur *c)
{
	struct span word;
	size_t i;

	header_skip_cfws(c);
	word = cur_while(c, chars, CH_LETDIG);
	if (word.len < 3)
		return -1;
	word.len = 3;
	for (i = 0; i < 7 && !span_isis(word, days[i]); i++)
		continue;
	header_skip_cfws(c);
	cur_ch(c, ',');
	return i < 7 ? 0 : -1;
}

/* month-name: section 3.3; "-" between the parts is an old custom. */
static int
parse_month(struct cur *c, int64_t *month)
{
	struct span word;

	header_skip_cfws(c);
	cur_ch(c, '-');
	word = cur_while(c, chars, CH_LETDIG);
	if (word.len < 3)
		return -1;
	word.len = 3;
	for (*month = 1; *month <= 12; (*month)++)
		if (span_isis(word, months[*month - 1]))
			break;
	header_skip_cfws(c);
	cur_ch(c, '-');
	return *month <= 12 ? 0 : -1;
}

/* year, obs-year: sections 3.3 and 4.3. */
static int
parse_year(struct cur *c, int64_t *year)
{
	size_t left;

	header_skip_cfws(c);
	left = cur_left(c);
	if (parse_number(c, 0, 9999, year) == -1)
		return -1;
	switch (left - cur_left(c)) {
	case 2:
		*year += *year < 50 ? 2000 : 1900;
		return 0;
	case 3:
		*year += 1900;
		return 0;
	default:
		return *year >= 1900 ? 0 : -1;
	}
}

/* time-of-day: section 3.3; the 61st second is a leap second. */
static int
parse_time(struct cur *c, int64_t *seconds)
{
	int64_t h, m, s = 0;

	if (parse_number(c, 0, 23, &h) == -1)
		return -1;
	header_skip_cfws(c);
	if (!cur_ch(c, ':') || parse_number(c, 0, 59, &m) == -1)
		return -1;
	header_skip_cfws(c);
	if (cur_ch(c, ':') && parse_number(c, 0, 60, &s) == -1)
		return -1;
	*seconds = h * 3600 + m * 60 + s;
	return 0;
}

/* zone, obs-zone: sections 3.3 and 4.3, in minutes east.  Unknown names,
 * military letters and nothing at all mean UTC, as section 4.3 says. */
static int
parse_zone(struct cur *c, int *zone)
{
	static const struct { const char *name; int hours; } names[] = {
		{ "EDT", -4 }, { "EST", -5 }, { "CDT", -5 }, { "CST", -6 },
		{ "MDT", -6 }, { "MST", -7 }, { "PDT", -7 }, { "PST", -8 },
	};
	struct span word;
	bool west = false;
	uint64_t v;

	*zone = 0;
	header_skip_cfws(c);
	if (cur_ch(c, '+') || (west = cur_ch(c, '-'))) {
		if (cur_num(c, 9959, &v) == -1 || v % 100 > 59)
			return -1;
		*zone = (int)(v / 100 * 60 + v % 100);
		if (west)
			*zone = -*zone;
		return 0;
	}
	word = cur_while(c, chars, CH_LETDIG);
	if (word.len > 3)		/* "EST5EDT" */
		word.len = 3;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (span_isis(word, names[i].name))
			*zone = names[i].hours * 60;
	return 0;
}

/* date-time: RFC 5322 section 3.3.  What follows the zone is not looked at. */
int
date_parse(struct span s, time_t *t, int *zone)
{
	int64_t day, month, year, seconds;
	struct cur c;
	int ch;

	cur_init(&c, s);
	header_skip_cfws(&c);
	ch = cur_peek(&c);
	if ((ch < '0' || ch > '9') && parse_day_name(&c) == -1)
		return -1;
	if (parse_number(&c, 1, 31, &day) == -1 ||
	    parse_month(&c, &month) == -1 || parse_year(&c, &year) == -1 ||
	    parse_time(&c, &seconds) == -1 || parse_zone(&c, zone) == -1)
		return -1;
	if (day > days_in_month(year, month))
		return -1;
	*t = (time_t)(days_from_civil(year, month, day) * 86400 + seconds -
	    (int64_t)*zone * 60);
	return 0;
}

void
date_print(time_t t, char out[DATE_SIZE])
{
	int64_t y, m, d, z, s, v = (int64_t)t;

	/* outside the years that four digits can say: the nearest */
	if (v < -2208988800)
		v = -2208988800;
	if (v > 253402300799)
		v = 253402300799;
	z = v / 86400 - (v % 86400 < 0);
	s = v - z * 86400;
	civil_from_days(z, &y, &m, &d);
	/* 1970-01-01 was a Thursday; the shift keeps the remainder positive */
	fmt_print(out, DATE_SIZE, "%s, %02u %s %04u %02u:%02u:%02u +0000",
	    days[(z + 4 + 7 * 10000) % 7], (unsigned)(d % 100),
	    months[m - 1], (unsigned)(y % 10000), (unsigned)(s / 3600 % 24),
	    (unsigned)(s / 60 % 60), (unsigned)(s % 60));
}

/* RFC 3339 section 5.6: full-date. */
int
day_parse(struct span s, time_t *t)
{
	uint64_t year, month, day;
	struct cur c;

	cur_init(&c, s);
	if (s.len != DAY_SIZE - 1 || cur_num(&c, 9999, &year) == -1 ||
	    !cur_ch(&c, '-') || cur_num(&c, 12, &month) == -1 ||
	    !cur_ch(&c, '-') || cur_num(&c, 31, &day) == -1 || !cur_end(&c) ||
	    year < 1970 || month == 0 || day == 0 ||
	    (int64_t)day > days_in_month((int64_t)year, (int64_t)month))
		return -1;
	*t = (time_t)(days_from_civil((int64_t)year, (int64_t)month,
	    (int64_t)day) * 86400);
	return 0;
}

void
day_print(time_t t, char out[DAY_SIZE])
{
	int64_t y, m, d, z = (int64_t)t / 86400;

	civil_from_days(z < 0 ? 0 : z > 2932896 ? 2932896 : z, &y, &m, &d);
	fmt_print(out, DAY_SIZE, "%04u-%02u-%02u", (unsigned)(y % 10000),
	    (unsigned)(m % 100), (unsigned)(d % 100));
}
