/* EncodeBase64 and DecodeBase64: the alphabet for addresses and file names ("-" and "_"). */
#include <string.h>

#include "ops/string/string_array.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static tn_error *same_shape(tn_prepare *p) { return tn_prepare_output(p, 0, &p->inputs[0].shape); }

static void encode(tn_str *to, tn_string s, bool pad) {
  for (size_t i = 0; i < s.size; i += 3) {
    size_t n = s.size - i < 3 ? s.size - i : 3;
    uint32_t bits = 0;
    for (size_t k = 0; k < 3; k++) bits = bits << 8 | (k < n ? (unsigned char)s.data[i + k] : 0);
    for (size_t k = 0; k < 4; k++) {
      if (k <= n)
        tn_str_add_bytes(to, &alphabet[bits >> (18 - 6 * k) & 63], 1);
      else if (pad)
        tn_str_add_bytes(to, "=", 1);
    }
  }
}

static tn_error *encode_run(tn_run *r) {
  bool pad = tn_node_get_bool(r->node, "pad");
  for (int64_t i = 0; i < tn_elements(r->inputs[0]); i++) {
    tn_str text = {0};
    encode(&text, tn_strings_of(r->inputs[0])[i], pad);
    TN_TRY(tn_string_take(&tn_strings_of(r->outputs[0])[i], &text));
  }
  return NULL;
}

/* Padding is whole or left out. */
static bool decode(tn_str *to, tn_string s) {
  size_t n = s.size;
  if (n > 0 && n % 4 == 0 && s.data[n - 1] == '=') n -= s.data[n - 2] == '=' ? 2 : 1;
  if (n % 4 == 1) return false;
  uint32_t bits = 0;
  for (size_t i = 0; i < n; i++) {
    const char *digit = s.data[i] ? strchr(alphabet, s.data[i]) : NULL;
    if (!digit) return false;
    bits = bits << 6 | (uint32_t)(digit - alphabet);
    if (i % 4 == 0) continue;
    char byte = (char)(bits >> (6 - 2 * (i % 4)) & 0xff);
    tn_str_add_bytes(to, &byte, 1);
  }
  return true;
}

static tn_error *decode_run(tn_run *r) {
  for (int64_t i = 0; i < tn_elements(r->inputs[0]); i++) {
    tn_str text = {0};
    if (!decode(&text, tn_strings_of(r->inputs[0])[i])) {
      tn_str_clear(&text);
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "element %lld is not base64", (long long)i);
    }
    TN_TRY(tn_string_take(&tn_strings_of(r->outputs[0])[i], &text));
  }
  return NULL;
}

static const tn_kernel_def encode_kernels[] = {{.name = "reference", .prepare = same_shape, .run = encode_run}, {0}};
static const tn_kernel_def decode_kernels[] = {{.name = "reference", .prepare = same_shape, .run = decode_run}, {0}};

TN_OP(EncodeBase64, .inputs = "input: string", .outputs = "output: string", .attrs = "pad: bool = false",
      .doc = "Each string in base64, with the alphabet for addresses.", .flags = TN_OP_NO_GRADIENT,
      .shape = tn_shape_unchanged, .kernels = encode_kernels);

TN_OP(DecodeBase64, .inputs = "input: string", .outputs = "output: string", .attrs = "",
      .doc = "The bytes that base64 text, padded or not, stands for.", .flags = TN_OP_NO_GRADIENT,
      .shape = tn_shape_unchanged, .kernels = decode_kernels);
