/* InvertPermutation: where each number of a permutation stands. */
#include "ops/array/array.h"

static tn_error *invert_shape(tn_shape_ctx *c) { return tn_shape_with_rank(c, 0, 1, &c->out[0]); }

static tn_error *invert_prepare(tn_prepare *p) {
  if (p->inputs[0].shape.rank != 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "invert_permutation expects a 1D vector, got shape %s",
                             TN_SHAPE_STR(&p->inputs[0].shape));
  return tn_prepare_output(p, 0, &p->inputs[0].shape);
}

static tn_error *invert_run(tn_run *r) {
  const tn_tensor *x = r->inputs[0];
  int64_t n = tn_elements(x);
  for (int64_t i = 0; i < n; i++) tn_int_put(r->outputs[0], i, -1);
  for (int64_t i = 0; i < n; i++) {
    int64_t d = tn_int_at(x, i);
    if (d < 0 || d >= n)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "%lld is not between 0 and %lld", (long long)d, (long long)n);
    if (tn_int_at(r->outputs[0], d) != -1)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "%lld is duplicated in the input.", (long long)d);
    tn_int_put(r->outputs[0], d, i);
  }
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = invert_prepare, .run = invert_run}, {0}};

TN_OP(InvertPermutation, .inputs = "x: T", .outputs = "y: T", .attrs = "T: indextype = DT_INT32",
      .doc = "The inverse of a permutation: y[x[i]] = i.", .flags = TN_OP_NO_GRADIENT, .shape = invert_shape,
      .kernels = kernels);
