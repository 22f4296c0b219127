/*
 * snprintf(3) and vsnprintf(3) for what every session prints: replies, names,
 * log lines.  They do %s, %c, %d, %u and %x with their widths and precisions as far
 * as we use them and leave all else to stdio, whose code and tables are a dozen
 * pages that each new process has to be given.
 */
#ifndef FMT_H
#define FMT_H

#include <stdarg.h>
#include <stddef.h>

int	fmt_print(char *out, size_t size, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));
int	fmt_vprint(char *out, size_t size, const char *fmt, va_list)
	    __attribute__((format(printf, 3, 0)));

#endif
