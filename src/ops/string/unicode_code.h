/* Characters of encoded text, one after the other. */
#ifndef TN_OPS_STRING_UNICODE_CODE_H
#define TN_OPS_STRING_UNICODE_CODE_H

#include "base/str.h"
#include "tensor/tensor.h"

typedef enum tn_encoding {
  TN_ENCODING_UTF8,
  TN_ENCODING_UTF16_BE,
  TN_ENCODING_UTF16_LE,
  TN_ENCODING_UTF32_BE,
  TN_ENCODING_UTF32_LE,
  TN_ENCODING_ASCII,
  TN_ENCODING_LATIN1
} tn_encoding;

/* By one of the names that are in use, whatever its case: "UTF-8", "utf16-be", "ISO-8859-1"... False: unknown. */
bool tn_encoding_find(tn_string name, tn_encoding *out);
/* The character at byte AT < TEXT.size: its number of bytes; *CODE is its code point, -1 where the bytes are malformed
 * (as many as can't begin a character go into one). */
size_t tn_encoding_next(tn_encoding encoding, tn_string text, size_t at, int32_t *code);
/* Adds a character, which must be one of Unicode. UTF-8, UTF-16-BE and UTF-32-BE only. */
void tn_encoding_put(tn_encoding encoding, tn_str *out, int32_t code);
/* False for surrogates and numbers above 0x10ffff. */
bool tn_is_character(int32_t code);

#endif
