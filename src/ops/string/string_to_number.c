/* StringToNumber: strings read as numbers. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "ops/string/string_array.h"

enum { MAX_DIGITS = 400 };

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* The text without spaces around it, NUL-terminated, in BUFFER; NULL if it is empty, too long or holds a NUL. */
static const char *trimmed(tn_string s, char buffer[MAX_DIGITS + 1]) {
  size_t begin = 0, end = s.size;
  while (begin < end && is_space(s.data[begin])) begin++;
  while (end > begin && is_space(s.data[end - 1])) end--;
  if (begin == end || end - begin > MAX_DIGITS || memchr(s.data + begin, 0, end - begin)) return NULL;
  memcpy(buffer, s.data + begin, end - begin);
  buffer[end - begin] = 0;
  return buffer;
}

static bool to_int(const char *text, int64_t low, int64_t high, int64_t *out) {
  char *end;
  errno = 0;
  long long value = strtoll(text, &end, 10);
  *out = value;
  return *end == 0 && end != text && errno == 0 && value >= low && value <= high;
}

static bool to_unsigned(const char *text, uint64_t high, uint64_t *out) {
  char *end;
  if (*text == '-') return false;
  errno = 0;
  *out = strtoull(text, &end, 10);
  return *end == 0 && end != text && errno == 0 && *out <= high;
}

/* Reads TEXT into element I of OUT. strtod takes what TensorFlow takes (hexadecimal, inf, nan) but "nan(...)". */
static bool to_number(const char *text, tn_tensor *out, int64_t i) {
  int64_t n;
  uint64_t u;
  char *end;
  switch (out->dtype) {
  case TN_FLOAT: TN_DATA(float, out)[i] = strtof(text, &end); return *end == 0 && end != text && !strchr(text, '(');
  case TN_DOUBLE: TN_DATA(double, out)[i] = strtod(text, &end); return *end == 0 && end != text && !strchr(text, '(');
  case TN_INT32:
    if (!to_int(text, INT32_MIN, INT32_MAX, &n)) return false;
    TN_DATA(int32_t, out)[i] = (int32_t)n;
    return true;
  case TN_INT64: return to_int(text, INT64_MIN, INT64_MAX, &TN_DATA(int64_t, out)[i]);
  case TN_UINT32:
    if (!to_unsigned(text, UINT32_MAX, &u)) return false;
    TN_DATA(uint32_t, out)[i] = (uint32_t)u;
    return true;
  default: return to_unsigned(text, UINT64_MAX, &TN_DATA(uint64_t, out)[i]);
  }
}

bool tn_string_number(tn_string s, tn_tensor *out, int64_t i) {
  char buffer[MAX_DIGITS + 1];
  const char *text = trimmed(s, buffer);
  return text && to_number(text, out, i);
}

static tn_error *number_prepare(tn_prepare *p) { return tn_prepare_output(p, 0, &p->inputs[0].shape); }

static tn_error *number_run(tn_run *r) {
  for (int64_t i = 0; i < tn_elements(r->inputs[0]); i++) {
    tn_string s = tn_strings_of(r->inputs[0])[i];
    if (!tn_string_number(s, r->outputs[0], i))
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "StringToNumberOp could not correctly convert string: %.*s",
                           (int)(s.size < 100 ? s.size : 100), s.size ? s.data : "");
  }
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference",
                                         .types = TN_BIT(TN_FLOAT) | TN_BIT(TN_DOUBLE) | TN_BIT(TN_INT32) |
                                                  TN_BIT(TN_INT64) | TN_BIT(TN_UINT32) | TN_BIT(TN_UINT64),
                                         .prepare = number_prepare,
                                         .run = number_run},
                                        {0}};

TN_OP(StringToNumber, .inputs = "string_tensor: string", .outputs = "output: out_type",
      .attrs = "out_type: {float, double, int32, int64, uint32, uint64} = DT_FLOAT",
      .doc = "Each string read as a number.", .flags = TN_OP_NO_GRADIENT, .shape = tn_shape_unchanged,
      .kernels = kernels);
