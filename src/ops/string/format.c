/* StringFormat: a template with tensors in the places of the placeholders. */
#include <string.h>

#include "ops/flow/summary.h"
#include "ops/string/string_array.h"

static tn_error *prepare(tn_prepare *p) {
  tn_shape scalar = tn_shape_scalar();
  return tn_prepare_output(p, 0, &scalar);
}

static tn_error *run(tn_run *r) {
  tn_string template = tn_node_get_string(r->node, "template"), hole = tn_node_get_string(r->node, "placeholder");
  int64_t limit = tn_node_get_int(r->node, "summarize");
  tn_str out = {0};
  size_t at = 0;
  for (int i = 0; i <= r->n_inputs; i++) {
    const char *found = hole.size ? memmem(template.data + at, template.size - at, hole.data, hole.size) : NULL;
    size_t end = found && i < r->n_inputs ? (size_t)(found - template.data) : template.size;
    tn_str_add_bytes(&out, template.data + at, end - at);
    if (i == r->n_inputs || !found) break;
    tn_summary_add_ends(&out, r->inputs[i], limit);
    at = end + hole.size;
  }
  tn_error *error = tn_string_take(tn_strings_of(r->outputs[0]), &out);
  tn_str_clear(&out);
  return error;
}

static tn_error *shape(tn_shape_ctx *c) {
  tn_string template = tn_node_get_string(c->node, "template"), hole = tn_node_get_string(c->node, "placeholder");
  int holes = 0;
  for (const char *at = template.data; hole.size && at;) {
    at = memmem(at, template.size - (size_t)(at - template.data), hole.data, hole.size);
    if (at) {
      holes++;
      at += hole.size;
    }
  }
  if (holes != c->n_inputs)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT,
                          "num placeholders in template and num inputs must match: %d vs. %d", holes, c->n_inputs);
  return tn_shape_scalar_out(c);
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(StringFormat, .inputs = "inputs: T", .outputs = "output: string",
      .attrs = "T: list(type) >= 0; template: string = '%s'; placeholder: string = '%s'; summarize: int = 3",
      .doc = "TEMPLATE with tensors shown in the places of PLACEHOLDER.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = shape, .kernels = kernels);
