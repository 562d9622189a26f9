/* UnravelIndex: flat indices as coordinates. */
#include "ops/array/array.h"

static tn_error *prepare(tn_prepare *p) {
  const tn_shape *indices = &p->inputs[0].shape, *dims = &p->inputs[1].shape;
  if (indices->rank > 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "The indices can only be scalar or vector, got %s",
                             TN_SHAPE_STR(indices));
  if (dims->rank != 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "The dims must be a vector, got %s", TN_SHAPE_STR(dims));
  tn_shape out = tn_shape_of(indices->rank + 1, (int64_t[]){dims->dims[0], indices->dims[0]});
  return tn_prepare_output(p, 0, &out);
}

static tn_error *run(tn_run *r) {
  const tn_tensor *dims = r->inputs[1];
  int64_t n = tn_elements(r->inputs[0]), rank = tn_elements(dims), total = 1;
  for (int64_t d = 0; d < rank; d++) {
    if (tn_int_at(dims, d) == 0)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Input dims cannot contain a dim of zero");
    if (tn_int_at(dims, d) < 0 || __builtin_mul_overflow(total, tn_int_at(dims, d), &total))
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "dims are negative or too large");
  }
  for (int64_t i = 0; i < n; i++) {
    int64_t rest = tn_int_at(r->inputs[0], i);
    if (rest < 0 || rest >= total)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "index %lld is out of bound as with dims", (long long)rest);
    for (int64_t d = rank - 1; d >= 0; d--) {
      tn_int_put(r->outputs[0], d * n + i, rest % tn_int_at(dims, d));
      rest /= tn_int_at(dims, d);
    }
  }
  return NULL;
}

static tn_error *shape(tn_shape_ctx *c) {
  if (c->in[0].rank < 0 || c->in[1].rank != 1) return NULL;
  c->out[0] = c->in[0].rank == 0 ? c->in[1] : tn_shape_of(2, (int64_t[]){c->in[1].dims[0], c->in[0].dims[0]});
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(UnravelIndex, .inputs = "indices: Tidx, dims: Tidx", .outputs = "output: Tidx",
      .attrs = "Tidx: indextype = DT_INT32", .doc = "Flat indices into a tensor of shape DIMS as coordinates.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = shape, .kernels = kernels);
