/*
 * Hangul syllables are made of their parts by arithmetic: The Unicode Standard, section 3.12.
 */
#ifndef HANGUL_H
#define HANGUL_H

#define HANGUL_S	0xac00
#define HANGUL_L	0x1100
#define HANGUL_V	0x1161
#define HANGUL_T	0x11a7
#define HANGUL_NL	19
#define HANGUL_NV	21
#define HANGUL_NT	28
#define HANGUL_NS	(HANGUL_NL * HANGUL_NV * HANGUL_NT)

#endif
