/* Base64, written and read. */
#include "base/base64.h"

#include <stdint.h>
#include <string.h>

const char tn_base64_standard[65] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const char tn_base64_url[65] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void tn_base64_encode(tn_str *to, const char alphabet[65], const void *data, size_t size, bool pad) {
  const unsigned char *bytes = data;
  for (size_t i = 0; i < size; i += 3) {
    size_t n = size - i < 3 ? size - i : 3;
    uint32_t bits = 0;
    for (size_t k = 0; k < 3; k++) bits = bits << 8 | (k < n ? bytes[i + k] : 0);
    for (size_t k = 0; k < 4; k++) {
      if (k <= n)
        tn_str_add_bytes(to, &alphabet[bits >> (18 - 6 * k) & 63], 1);
      else if (pad)
        tn_str_add_bytes(to, "=", 1);
    }
  }
}

bool tn_base64_decode(tn_str *to, const char alphabet[65], const char *text, size_t size) {
  size_t n = size;
  if (n > 0 && n % 4 == 0 && text[n - 1] == '=') n -= text[n - 2] == '=' ? 2 : 1;
  if (n % 4 == 1) return false;
  uint32_t bits = 0;
  for (size_t i = 0; i < n; i++) {
    const char *digit = text[i] ? strchr(alphabet, text[i]) : NULL;
    if (!digit) return false;
    bits = bits << 6 | (uint32_t)(digit - alphabet);
    if (i % 4 == 0) continue;
    char byte = (char)(bits >> (6 - 2 * (i % 4)) & 0xff);
    tn_str_add_bytes(to, &byte, 1);
  }
  return true;
}
