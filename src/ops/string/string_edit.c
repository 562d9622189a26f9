/* StringUpper, StringLower and StringStrip: letters of the other case, spaces at the ends. */
#include "ops/string/string_array.h"

static tn_error *same_shape(tn_prepare *p) { return tn_prepare_output(p, 0, &p->inputs[0].shape); }

static tn_error *case_prepare(tn_prepare *p) {
  if (!tn_node_string_is(p->node, "encoding", "") && !tn_node_string_is(p->node, "encoding", "utf-8"))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "only utf-8 or '' (no encoding) is supported as encoding");
  return same_shape(p);
}

/* Turns the letters FIRST to LAST into those of the other case. Other than ASCII letters need tables that are not here.
 */
static tn_error *turn(tn_run *r, char first, char last) {
  bool unicode = tn_node_string_is(r->node, "encoding", "utf-8");
  for (int64_t i = 0; i < tn_elements(r->inputs[0]); i++) {
    tn_string from = tn_strings_of(r->inputs[0])[i], *to = &tn_strings_of(r->outputs[0])[i];
    TN_TRY(tn_string_set(to, from.data, from.size));
    for (size_t k = 0; k < to->size; k++) {
      if (unicode && (to->data[k] & 0x80))
        return tn_run_errorf(r, TN_UNIMPLEMENTED, "element %lld has letters other than ASCII", (long long)i);
      if (to->data[k] >= first && to->data[k] <= last) to->data[k] ^= 0x20;
    }
  }
  return NULL;
}

static tn_error *upper_run(tn_run *r) { return turn(r, 'a', 'z'); }
static tn_error *lower_run(tn_run *r) { return turn(r, 'A', 'Z'); }

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static tn_error *strip_run(tn_run *r) {
  for (int64_t i = 0; i < tn_elements(r->inputs[0]); i++) {
    tn_string s = tn_strings_of(r->inputs[0])[i];
    size_t begin = 0, end = s.size;
    while (begin < end && is_space(s.data[begin])) begin++;
    while (end > begin && is_space(s.data[end - 1])) end--;
    TN_TRY(tn_string_set(&tn_strings_of(r->outputs[0])[i], end > begin ? s.data + begin : "", end - begin));
  }
  return NULL;
}

static const tn_kernel_def upper_kernels[] = {{.name = "reference", .prepare = case_prepare, .run = upper_run}, {0}};
static const tn_kernel_def lower_kernels[] = {{.name = "reference", .prepare = case_prepare, .run = lower_run}, {0}};
static const tn_kernel_def strip_kernels[] = {{.name = "reference", .prepare = same_shape, .run = strip_run}, {0}};

TN_OP(StringUpper, .inputs = "input: string", .outputs = "output: string", .attrs = "encoding: string = ''",
      .doc = "Each string with its ASCII letters in upper case.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = tn_shape_unchanged, .kernels = upper_kernels);

TN_OP(StringLower, .inputs = "input: string", .outputs = "output: string", .attrs = "encoding: string = ''",
      .doc = "Each string with its ASCII letters in lower case.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = tn_shape_unchanged, .kernels = lower_kernels);

TN_OP(StringStrip, .inputs = "input: string", .outputs = "output: string", .attrs = "",
      .doc = "Each string without the spaces at its ends.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = tn_shape_unchanged, .kernels = strip_kernels);
