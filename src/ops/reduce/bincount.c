/* Bincount. */
#include <inttypes.h>
#include <string.h>

#include "graph/shape.h"
#include "kernel/kernel.h"

static tn_error *prepare(tn_prepare *p) {
  int n;
  int64_t size;
  TN_TRY(tn_prepare_ints(p, 1, 1, &n, &size));
  if (n != 1 || p->inputs[1].shape.rank)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "size must be a scalar, but is %s",
                             TN_SHAPE_STR(&p->inputs[1].shape));
  if (size < 0) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "size (%" PRId64 ") must be non-negative", size);
  const tn_shape *x = &p->inputs[0].shape, *w = &p->inputs[2].shape;
  if (tn_shape_elements(w) && !tn_shape_equal(x, w))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "weights %s must be empty or have the shape of arr, %s",
                             TN_SHAPE_STR(w), TN_SHAPE_STR(x));
  tn_shape out = {.rank = 1, .dims = {size}};
  return tn_prepare_output(p, 0, &out);
}

#define ADD(TYPE) TN_DATA(TYPE, out)[v] += weighted ? TN_DATA(TYPE, w)[i] : (TYPE)1

static tn_error *run(tn_run *r) {
  const tn_tensor *x = r->inputs[0], *w = r->inputs[2], *out = r->outputs[0];
  bool weighted = tn_elements(w) > 0;
  int64_t n = tn_elements(x), size = out->shape.dims[0];
  memset(out->data, 0, (size_t)size * tn_dtype_size(out->dtype));
  for (int64_t i = 0; i < n; i++) {
    int32_t v = TN_DATA(int32_t, x)[i];
    if (v < 0)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Input arr must be non-negative! arr[%" PRId64 "] is %d", i, v);
    if (v >= size) continue;
    switch (out->dtype) {
    case TN_FLOAT: ADD(float); break;
    case TN_DOUBLE: ADD(double); break;
    case TN_INT32: ADD(int32_t); break;
    default: ADD(int64_t); break;
    }
  }
  return NULL;
}

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape scalar;
  TN_TRY(tn_shape_with_rank(c, 1, 0, &scalar));
  bool known;
  int64_t size;
  TN_TRY(tn_shape_scalar_value(c, 1, &known, &size));
  if (known && size < 0)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "size (%" PRId64 ") must be non-negative", size);
  c->out[0] = (tn_shape){.rank = 1, .dims = {known ? size : -1}};
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(Bincount, .inputs = "arr: int32, size: int32, weights: T", .outputs = "bins: T",
      .attrs = "T: {int32, int64, float, double}",
      .doc = "How often each number occurs, weighted if weights are given.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .value_inputs = 1 << 1, .shape = shape, .kernels = kernels);
