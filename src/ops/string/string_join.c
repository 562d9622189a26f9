/* StringJoin: strings of several tensors put together, element by element. */
#include "ops/string/string_array.h"

/* Scalars go with everything; the others must agree. */
static tn_error *join_shape(tn_shape_ctx *c) {
  tn_shape out = tn_shape_unknown();
  bool all_scalar = true;
  for (int i = 0; i < c->n_inputs; i++) {
    if (c->in[i].rank == 0) continue;
    all_scalar = false;
    if (c->in[i].rank > 0) TN_TRY(tn_shape_merge(c, &out, &c->in[i], &out));
  }
  c->out[0] = all_scalar ? tn_shape_scalar() : out;
  return NULL;
}

static tn_error *join_prepare(tn_prepare *p) {
  tn_shape out = tn_shape_scalar();
  for (int i = 0; i < p->n_inputs; i++) {
    const tn_shape *shape = &p->inputs[i].shape;
    if (shape->rank == 0) continue;
    if (out.rank > 0 && !tn_shape_equal(&out, shape))
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Input shapes do not match: %s vs. %s", TN_SHAPE_STR(&out),
                               TN_SHAPE_STR(shape));
    out = *shape;
  }
  return tn_prepare_output(p, 0, &out);
}

static tn_error *join_run(tn_run *r) {
  tn_string separator = tn_node_get_string(r->node, "separator");
  for (int64_t i = 0; i < tn_elements(r->outputs[0]); i++) {
    tn_str text = {0};
    for (int k = 0; k < r->n_inputs; k++) {
      const tn_string *part = &tn_strings_of(r->inputs[k])[r->inputs[k]->shape.rank == 0 ? 0 : i];
      if (k > 0) tn_str_add_bytes(&text, separator.data, separator.size);
      tn_str_add_bytes(&text, part->data, part->size);
    }
    TN_TRY(tn_string_take(&tn_strings_of(r->outputs[0])[i], &text));
  }
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = join_prepare, .run = join_run}, {0}};

TN_OP(StringJoin, .inputs = "inputs: N * string", .outputs = "output: string",
      .attrs = "N: int >= 0; separator: string = ''",
      .doc = "The strings of the inputs joined with SEPARATOR, element by element.", .flags = TN_OP_NO_GRADIENT,
      .shape = join_shape, .kernels = kernels);
