/* MaxPoolWithArgmax and its gradient, which takes the places of the maxima. */
#include <string.h>

#include "kernel/wide.h"
#include "ops/nn/pool.h"

static tn_error *shape(tn_shape_ctx *c) {
  TN_TRY(tn_pool_shape(c, 2, false, false));
  c->out[1] = c->out[0];
  return NULL;
}
static tn_error *shape_grad(tn_shape_ctx *c) { return tn_pool_grad_shape(c, 2); }

static tn_error *gradient(tn_gradient_ctx *c) {
  const tn_output in[] = {tn_grad_x(c, 0), tn_grad_dense(c, 0), tn_grad_y(c, 1), TN_END};
  tn_grad_set(c, 0,
              tn_build(c->scope, "MaxPoolGradWithArgmax", in,
                       TN_ATTRS(TN_A_SAME(c->node, "ksize"), TN_A_SAME(c->node, "strides"),
                                TN_A_SAME(c->node, "padding"), TN_A_SAME(c->node, "include_batch_in_index"))));
  return NULL;
}

static tn_error *prepare(tn_prepare *p) { return tn_pool_reference_prepare(p, TN_POOL_MAX_ARG, 2); }
static tn_error *run(tn_run *r) { return tn_pool_reference(r, TN_POOL_MAX_ARG); }
static const tn_kernel_def kernels[] = {
    {.name = "reference", .prepare = prepare, .run = run},
    {0},
};

static tn_error *prepare_grad(tn_prepare *p) {
  tn_pool pool, *state;
  TN_TRY(tn_pool_prepare(p, TN_POOL_MAX, 2, &pool));
  const tn_shape result = p->outputs[0].shape;
  for (int i = 1; i < 3; i++)
    if (!tn_shape_equal(&p->inputs[i].shape, &result))
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "%s is %s, expected %s", i == 1 ? "grad" : "argmax",
                               TN_SHAPE_STR(&p->inputs[i].shape), TN_SHAPE_STR(&result));
  TN_TRY(tn_prepare_output(p, 0, &p->inputs[0].shape));
  TN_TRY(tn_prepare_state(p, sizeof pool, &state));
  *state = pool;
  p->scratch = tn_wide_scratch(p->outputs[0].dtype, tn_elements(&p->outputs[0])) +
               tn_wide_scratch(p->inputs[1].dtype, tn_elements(&p->inputs[1]));
  return NULL;
}

static tn_error *run_grad(tn_run *r) {
  const tn_pool *pool = r->state;
  char *scratch = r->scratch;
  tn_tensor *out = r->outputs[0];
  const tn_wide wide = tn_wide_of(out->dtype);
  void *result = tn_wide_out(out, &scratch);
  const void *grad = tn_wide_in(r->inputs[1], &scratch);
  const int64_t size = tn_elements(out), n = tn_elements(r->inputs[1]);
  const int64_t image = pool->window.batch ? size / pool->window.batch : 0;
  const int64_t pooled = pool->window.batch ? n / pool->window.batch : 0;
  memset(result, 0, (size_t)size * tn_wide_size(wide));
  for (int64_t i = 0; i < n; i++) {
    int64_t at = r->inputs[2]->dtype == TN_INT64 ? TN_DATA(const int64_t, r->inputs[2])[i]
                                                 : TN_DATA(const int32_t, r->inputs[2])[i];
    const int64_t limit = pool->batch_index ? size : image;
    if (at < 0 || at >= limit)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "argmax holds %lld, not in [0, %lld)", (long long)at,
                           (long long)limit);
    if (!pool->batch_index) at += i / pooled * image;
    if (wide == TN_WIDE_REAL)
      ((double *)result)[at] += ((const double *)grad)[i];
    else
      ((uint64_t *)result)[at] += ((const uint64_t *)grad)[i];
  }
  tn_wide_finish(out, result);
  return NULL;
}

static const tn_kernel_def kernels_grad[] = {
    {.name = "reference", .type_attr = "T", .prepare = prepare_grad, .run = run_grad},
    {0},
};

TN_OP(MaxPoolWithArgmax,
      .doc = "The largest element of each window of images, and its place in the flattened image (or batch).",
      .inputs = "input: T", .outputs = "output: T, argmax: Targmax",
      .attrs = "ksize: list(int) >= 4; strides: list(int) >= 4; Targmax: indextype = DT_INT64; padding: {'SAME', "
               "'VALID'}; include_batch_in_index: bool = false; T: realnumbertype",
      .shape = shape, .gradient = gradient, .kernels = kernels);

TN_OP(MaxPoolGradWithArgmax, .doc = "The gradient of MaxPoolWithArgmax: adds each element of grad at its place.",
      .inputs = "input: T, grad: T, argmax: Targmax", .outputs = "output: T",
      .attrs = "ksize: list(int) >= 4; strides: list(int) >= 4; padding: {'SAME', 'VALID'}; include_batch_in_index: "
               "bool = false; Targmax: indextype; T: realnumbertype",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = shape_grad, .kernels = kernels_grad);
