/* Placeholders: values that come from outside with every step. */
#include "ops/array/array.h"

static tn_error *placeholder_shape(tn_shape_ctx *c) {
  c->out[0] = *tn_node_get_shape(c->node, "shape");
  return NULL;
}

/* A placeholder that is fed never runs: running one is the error. */
static tn_error *placeholder_prepare(tn_prepare *p) {
  tn_prepare_dynamic(p, 0);
  return NULL;
}

static tn_error *placeholder_run(tn_run *r) {
  const tn_shape *shape = tn_node_get_shape(r->node, "shape");
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "You must feed a value for placeholder '%s' with dtype %s and shape %s",
                       tn_node_name(r->node), tn_dtype_name(r->outputs[0]->dtype), TN_SHAPE_STR(shape));
}

static const tn_kernel_def placeholder_kernels[] = {
    {.name = "reference", .prepare = placeholder_prepare, .run = placeholder_run}, {0}};

TN_OP(Placeholder, .inputs = "", .outputs = "output: dtype", .attrs = "dtype: type; shape: shape = unknown",
      .doc = "A value that must be fed.", .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = placeholder_shape,
      .kernels = placeholder_kernels);

TN_OP(PlaceholderV2, .inputs = "", .outputs = "output: dtype", .attrs = "dtype: type; shape: shape",
      .doc = "A value that must be fed.", .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = placeholder_shape,
      .kernels = placeholder_kernels);

/* The declared shape must agree with the default's and may be vaguer. */
static tn_error *default_shape(tn_shape_ctx *c) {
  const tn_shape *declared = tn_node_get_shape(c->node, "shape");
  tn_shape merged;
  TN_TRY(tn_shape_merge(c, &c->in[0], declared, &merged));
  c->out[0] = *declared;
  return NULL;
}

static tn_error *default_prepare(tn_prepare *p) { return tn_prepare_alias(p, 0, 0, &p->inputs[0].shape); }

static tn_error *default_run(tn_run *r) {
  (void)r;
  return NULL;
}

static const tn_kernel_def default_kernels[] = {{.name = "reference", .prepare = default_prepare, .run = default_run},
                                                {0}};

TN_OP(PlaceholderWithDefault, .inputs = "input: dtype", .outputs = "output: dtype",
      .attrs = "dtype: type; shape: shape", .doc = "The input, unless another value is fed.", .flags = TN_OP_DEFAULT,
      .shape = default_shape, .gradient = tn_grad_pass, .kernels = default_kernels);
