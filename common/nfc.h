/*
 * Unicode Normalization Form C, which RFC 5198 (Net-Unicode) asks for.
 */
#ifndef NFC_H
#define NFC_H

#include "buf.h"

#define NFC_TEXT_MAX	1024		/* bytes: more than any name */

/* Is text, which is well-formed UTF-8, in that form?  Of longer text than that: no. */
bool	nfc_is(struct span text);

#endif
