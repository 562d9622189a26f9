/* EncodeBase64 and DecodeBase64: the alphabet for addresses and file names ("-" and "_"). */
#include "base/base64.h"
#include "ops/string/string_array.h"

static tn_error *same_shape(tn_prepare *p) { return tn_prepare_output(p, 0, &p->inputs[0].shape); }

static tn_error *encode_run(tn_run *r) {
  bool pad = tn_node_get_bool(r->node, "pad");
  for (int64_t i = 0; i < tn_elements(r->inputs[0]); i++) {
    tn_str text = {0};
    tn_string s = tn_strings_of(r->inputs[0])[i];
    tn_base64_encode(&text, tn_base64_url, s.data, s.size, pad);
    TN_TRY(tn_string_take(&tn_strings_of(r->outputs[0])[i], &text));
  }
  return NULL;
}

static tn_error *decode_run(tn_run *r) {
  for (int64_t i = 0; i < tn_elements(r->inputs[0]); i++) {
    tn_str text = {0};
    tn_string s = tn_strings_of(r->inputs[0])[i];
    if (!tn_base64_decode(&text, tn_base64_url, s.data, s.size)) {
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
