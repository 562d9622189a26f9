/* gRPC's words over HTTP/2. */
#include "cluster/grpc.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <string.h>

/* Bytes of a message, and of what they become: gRPC's C core may refuse headers of 8192. */
enum { LONGEST = 3072, LONGEST_ENCODED = 7168 };

static bool is_plain(uint8_t byte) { return byte >= 0x20 && byte <= 0x7e && byte != '%'; }

/* How much of a message is told: not half of a character of UTF-8. */
static size_t told(const uint8_t *text) {
  size_t n = 0, encoded = 0;
  while (text[n] && n < LONGEST && encoded + 3 <= LONGEST_ENCODED) encoded += is_plain(text[n++]) ? 1 : 3;
  for (int back = 0; back < 3 && n && (text[n] & 0xc0) == 0x80; back++) n--;
  return n;
}

void tn_grpc_encode(tn_str *out, const char *text) {
  const uint8_t *at = (const uint8_t *)text, *end = at + told(at);
  while (at < end) {
    size_t n = tn_utf8_size((const char *)at);
    if (n == 1 && is_plain(*at)) tn_str_add_bytes(out, at, 1);
    if (!n) tn_str_add(out, "?");
    for (size_t i = 0; i < n && !is_plain(*at); i++) tn_str_addf(out, "%%%02X", at[i]);
    at += n ? n : 1;
  }
  if (*end) tn_str_add(out, " ... [truncated]");
}

static int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

void tn_grpc_decode(char *text) {
  char *to = text;
  for (const char *from = text; *from; from++) {
    int high = *from == '%' ? hex(from[1]) : -1, low = high >= 0 ? hex(from[2]) : -1;
    if (low < 0) {
      *to++ = *from;
    } else {
      *to++ = (char)(high << 4 | low);
      from += 2;
    }
  }
  *to = '\0';
}

/* The units of timeouts, from the shortest on. */
static const struct {
  char letter;
  int64_t ns;
} units[] = {{'n', 1}, {'u', 1000}, {'m', 1000000}, {'S', 1000000000}, {'M', 60000000000}, {'H', 3600000000000}};
enum { UNITS = sizeof units / sizeof *units, MOST = 99999999 };

/* NS in a unit, rounded up. */
static int64_t in_units(int64_t ns, int64_t unit) { return ns / unit + (ns % unit != 0); }

void tn_grpc_put_timeout(int64_t ns, char text[16]) {
  int i = 0;
  if (ns < 0) ns = 0;
  while (i + 1 < UNITS && in_units(ns, units[i].ns) > MOST) i++;
  int64_t n = in_units(ns, units[i].ns);
  snprintf(text, 16, "%d%c", (int)(n > MOST ? MOST : n), units[i].letter);
}

bool tn_grpc_timeout(const char *text, size_t size, int64_t *ns) {
  int64_t n = 0;
  if (size < 2 || size > 9) return false;
  for (size_t i = 0; i + 1 < size; i++) {
    if (text[i] < '0' || text[i] > '9') return false;
    n = n * 10 + (text[i] - '0');
  }
  for (int i = 0; i < UNITS; i++) {
    if (units[i].letter != text[size - 1]) continue;
    *ns = n > INT64_MAX / units[i].ns ? INT64_MAX : n * units[i].ns;
    return true;
  }
  return false;
}

tn_code tn_grpc_code_of_http(int status) {
  switch (status) {
  case 400: return TN_INTERNAL;
  case 401: return TN_UNAUTHENTICATED;
  case 403: return TN_PERMISSION_DENIED;
  case 404: return TN_UNIMPLEMENTED;
  case 429:
  case 502:
  case 503:
  case 504: return TN_UNAVAILABLE;
  default: return TN_UNKNOWN;
  }
}

tn_code tn_grpc_code_of_reset(uint32_t http2_error) {
  switch (http2_error) {
  case NGHTTP2_REFUSED_STREAM: return TN_UNAVAILABLE;
  case NGHTTP2_CANCEL: return TN_CANCELLED;
  case NGHTTP2_ENHANCE_YOUR_CALM: return TN_RESOURCE_EXHAUSTED;
  case NGHTTP2_INADEQUATE_SECURITY: return TN_PERMISSION_DENIED;
  default: return TN_INTERNAL;
  }
}
