/* Base64 (RFC 4648) in either of its alphabets. */
#ifndef TN_BASE_BASE64_H
#define TN_BASE_BASE64_H

#include "base/str.h"

extern const char tn_base64_standard[65]; /* with "+" and "/" */
extern const char tn_base64_url[65];      /* with "-" and "_" */

/* Adds DATA's text to TO; PAD: with "=" up to a multiple of four. */
void tn_base64_encode(tn_str *to, const char alphabet[65], const void *data, size_t size, bool pad);
/* Adds the bytes that TEXT stands for to TO. False if it is none of ALPHABET; padding is whole or left out. */
bool tn_base64_decode(tn_str *to, const char alphabet[65], const char *text, size_t size) TN_MUST_USE;

#endif
