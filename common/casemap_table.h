/*
 * The tables of casemap.c, sorted by code point.
 */
#ifndef CASEMAP_TABLE_H
#define CASEMAP_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct casemap_run {		/* first, first + step ... (n of them): + delta */
	uint32_t first;
	uint16_t n, step;
	int32_t delta;
};
struct casemap_seq {		/* casemap_to[at], n of them */
	uint32_t from;
	uint16_t at, n;
};

extern const struct casemap_run casemap_runs[];
extern const size_t casemap_nruns;
extern const struct casemap_seq casemap_seqs[];
extern const size_t casemap_nseqs;
extern const uint32_t casemap_to[];

#endif
