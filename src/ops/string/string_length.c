/* StringLength: bytes or characters in each string. */
#include "ops/string/string_array.h"

static tn_error *length_prepare(tn_prepare *p) { return tn_prepare_output(p, 0, &p->inputs[0].shape); }

/* Characters are counted by the bytes that begin one. */
static tn_error *length_run(tn_run *r) {
  bool bytes = tn_node_string_is(r->node, "unit", "BYTE");
  for (int64_t i = 0; i < tn_elements(r->inputs[0]); i++) {
    tn_string s = tn_strings_of(r->inputs[0])[i];
    int32_t n = 0;
    for (size_t k = 0; !bytes && k < s.size; k++) n += ((unsigned char)s.data[k] & 0xc0) != 0x80;
    TN_DATA(int32_t, r->outputs[0])[i] = bytes ? (int32_t)s.size : n;
  }
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = length_prepare, .run = length_run}, {0}};

TN_OP(StringLength, .inputs = "input: string", .outputs = "output: int32",
      .attrs = "unit: {'BYTE', 'UTF8_CHAR'} = 'BYTE'",
      .doc = "The length of each string in bytes or in characters of UTF-8.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = tn_shape_unchanged, .kernels = kernels);
