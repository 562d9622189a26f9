/* Reading and writing encoded characters. */
#include "ops/string/unicode_code.h"

#include <ctype.h>
#include <string.h>

bool tn_encoding_find(tn_string name, tn_encoding *out) {
  static const struct {
    const char *name;
    tn_encoding encoding;
  } names[] = {{"utf8", TN_ENCODING_UTF8},        {"utf16be", TN_ENCODING_UTF16_BE}, {"utf16", TN_ENCODING_UTF16_BE},
               {"utf16le", TN_ENCODING_UTF16_LE}, {"utf32be", TN_ENCODING_UTF32_BE}, {"utf32", TN_ENCODING_UTF32_BE},
               {"utf32le", TN_ENCODING_UTF32_LE}, {"usascii", TN_ENCODING_ASCII},    {"ascii", TN_ENCODING_ASCII},
               {"iso88591", TN_ENCODING_LATIN1},  {"latin1", TN_ENCODING_LATIN1}};
  char plain[16];
  size_t n = 0;
  for (size_t i = 0; i < name.size; i++) {
    if (name.data[i] == '-' || name.data[i] == '_' || name.data[i] == ' ') continue;
    if (n + 1 == sizeof plain) return false;
    plain[n++] = (char)tolower((unsigned char)name.data[i]);
  }
  plain[n] = 0;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (strcmp(names[i].name, plain) != 0) continue;
    *out = names[i].encoding;
    return true;
  }
  return false;
}

/* The second byte of a sequence may be narrower than the later ones: nothing overlong, no surrogates, no more than
 * 0x10ffff. */
static size_t next_utf8(const unsigned char *s, size_t left, int32_t *code) {
  unsigned char first = s[0], low = 0x80, high = 0xbf;
  *code = -1;
  if (first < 0x80) {
    *code = first;
    return 1;
  }
  if (first < 0xc2 || first > 0xf4) return 1;
  size_t n = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (first == 0xe0) low = 0xa0;
  if (first == 0xed) high = 0x9f;
  if (first == 0xf0) low = 0x90;
  if (first == 0xf4) high = 0x8f;
  int32_t value = first & (n == 2 ? 0x1f : n == 3 ? 0x0f : 0x07);
  for (size_t i = 1; i < n; i++) {
    if (i == left || s[i] < low || s[i] > high) return i;
    value = value << 6 | (s[i] & 0x3f);
    low = 0x80;
    high = 0xbf;
  }
  *code = value;
  return n;
}

static int32_t unit16(const unsigned char *s, bool little) { return little ? s[1] << 8 | s[0] : s[0] << 8 | s[1]; }

static size_t next_utf16(const unsigned char *s, size_t left, bool little, int32_t *code) {
  *code = -1;
  if (left < 2) return left;
  int32_t unit = unit16(s, little);
  if ((unit & 0xf800) != 0xd800) {
    *code = unit;
    return 2;
  }
  if (unit >= 0xdc00) return 2;
  if (left < 4) return left;
  int32_t second = unit16(s + 2, little);
  if ((second & 0xfc00) != 0xdc00) return 2;
  *code = 0x10000 + ((unit & 0x3ff) << 10) + (second & 0x3ff);
  return 4;
}

static size_t next_utf32(const unsigned char *s, size_t left, bool little, int32_t *code) {
  *code = -1;
  if (left < 4) return left;
  uint32_t value = 0;
  for (int i = 0; i < 4; i++) value = value << 8 | s[little ? 3 - i : i];
  if (value <= 0x10ffff && (value & ~0x7ffu) != 0xd800) *code = (int32_t)value;
  return 4;
}

size_t tn_encoding_next(tn_encoding encoding, tn_string text, size_t at, int32_t *code) {
  const unsigned char *s = (const unsigned char *)text.data + at;
  size_t left = text.size - at;
  switch (encoding) {
  case TN_ENCODING_UTF8: return next_utf8(s, left, code);
  case TN_ENCODING_UTF16_BE: return next_utf16(s, left, false, code);
  case TN_ENCODING_UTF16_LE: return next_utf16(s, left, true, code);
  case TN_ENCODING_UTF32_BE: return next_utf32(s, left, false, code);
  case TN_ENCODING_UTF32_LE: return next_utf32(s, left, true, code);
  case TN_ENCODING_ASCII: *code = *s < 0x80 ? *s : -1; return 1;
  case TN_ENCODING_LATIN1: break;
  }
  *code = *s;
  return 1;
}

static void put_bytes(tn_str *out, int n, uint32_t value) {
  char bytes[4];
  for (int i = 0; i < n; i++) bytes[i] = (char)(value >> 8 * (n - 1 - i));
  tn_str_add_bytes(out, bytes, (size_t)n);
}

static void put_utf8(tn_str *out, uint32_t c) {
  if (c < 0x80) {
    put_bytes(out, 1, c);
  } else if (c < 0x800) {
    put_bytes(out, 2, 0xc080 | (c & 0x7c0) << 2 | (c & 0x3f));
  } else if (c < 0x10000) {
    put_bytes(out, 3, 0xe08080 | (c & 0xf000) << 4 | (c & 0xfc0) << 2 | (c & 0x3f));
  } else {
    put_bytes(out, 4, 0xf0808080 | (c & 0x1c0000) << 6 | (c & 0x3f000) << 4 | (c & 0xfc0) << 2 | (c & 0x3f));
  }
}

void tn_encoding_put(tn_encoding encoding, tn_str *out, int32_t code) {
  uint32_t c = (uint32_t)code;
  if (encoding == TN_ENCODING_UTF8) {
    put_utf8(out, c);
  } else if (encoding == TN_ENCODING_UTF32_BE) {
    put_bytes(out, 4, c);
  } else if (c < 0x10000) {
    put_bytes(out, 2, c);
  } else {
    put_bytes(out, 4, (0xd800 | (c - 0x10000) >> 10) << 16 | 0xdc00 | ((c - 0x10000) & 0x3ff));
  }
}

bool tn_is_character(int32_t code) { return code >= 0 && code <= 0x10ffff && (code & ~0x7ff) != 0xd800; }
