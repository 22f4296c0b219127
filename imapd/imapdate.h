/*
 * Dates as IMAP writes them, always in UTC.
 */
#ifndef IMAPDATE_H
#define IMAPDATE_H

#include <stdint.h>
#include <time.h>

#define IMAP_DATE_SIZE 32

int64_t	day_number(int64_t year, unsigned month, unsigned day);
/* "17-Jul-1996 02:44:25 +0000", without quotes. */
void	imap_date_print(time_t, char out[IMAP_DATE_SIZE]);

#endif
