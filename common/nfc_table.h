/*
 * The tables of nfc.c, sorted by code point.
 */
#ifndef NFC_TABLE_H
#define NFC_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct nfc_class {		/* their canonical combining class */
	uint32_t first, last;
	uint32_t class;		/* not 0 */
};
struct nfc_pair {		/* become one code point when they stand together */
	uint32_t starter, mark, both;
};

extern const struct nfc_class nfc_classes[];
extern const size_t nfc_nclasses;
extern const struct nfc_class nfc_never[];	/* those that the form does not have; class 1 */
extern const size_t nfc_nnever;
extern const struct nfc_pair nfc_pairs[];
extern const size_t nfc_npairs;

#endif
