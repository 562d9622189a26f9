/* The shape that two shapes broadcast to, and the axes that a gradient is summed over: BroadcastArgs,
 * BroadcastGradientArgs. Both are computed while the kernel is prepared, since their results are shapes themselves. */
#include "graph/build.h"
#include "graph/shape.h"
#include "kernel/kernel.h"

typedef struct args_state {
  int n[2];
  int64_t values[2][TN_MAX_RANK];
} args_state;

static tn_error *read_shapes(const tn_prepare *p, tn_shape shapes[2]) {
  for (int k = 0; k < 2; k++) {
    if (p->inputs[k].shape.rank != 1)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input %d must be a vector, but it has shape %s", k,
                               TN_SHAPE_STR(&p->inputs[k].shape));
    TN_TRY(tn_prepare_shape(p, k, &shapes[k]));
  }
  return NULL;
}

static tn_error *incompatible(const tn_prepare *p, const tn_shape shapes[2]) {
  return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Incompatible shapes: %s vs. %s", TN_SHAPE_STR(&shapes[0]),
                           TN_SHAPE_STR(&shapes[1]));
}

static tn_error *set_outputs(tn_prepare *p, const args_state *state) {
  for (int k = 0; k < p->n_outputs; k++) {
    int64_t n = state->n[k];
    tn_shape shape = tn_shape_of(1, &n);
    TN_TRY(tn_prepare_output(p, k, &shape));
  }
  return NULL;
}

static tn_error *args_prepare(tn_prepare *p) {
  tn_shape shapes[2], result;
  TN_TRY(read_shapes(p, shapes));
  if (!tn_shape_broadcast(&shapes[0], &shapes[1], &result)) return incompatible(p, shapes);
  args_state *state = NULL;
  TN_TRY(tn_prepare_state(p, sizeof *state, &state));
  state->n[0] = result.rank;
  for (int i = 0; i < result.rank; i++) state->values[0][i] = result.dims[i];
  return set_outputs(p, state);
}

/* TensorFlow's rule: equal shapes need no sums; else an axis is summed for every side that has 1 (or nothing) there,
 * even if both have. */
static tn_error *gradient_args_prepare(tn_prepare *p) {
  tn_shape shapes[2], result;
  TN_TRY(read_shapes(p, shapes));
  if (!tn_shape_broadcast(&shapes[0], &shapes[1], &result)) return incompatible(p, shapes);
  args_state *state = NULL;
  TN_TRY(tn_prepare_state(p, sizeof *state, &state));
  bool equal = tn_shape_equal(&shapes[0], &shapes[1]);
  for (int axis = 0; axis < result.rank && !equal; axis++) {
    for (int k = 0; k < 2; k++) {
      int i = axis - (result.rank - shapes[k].rank);
      if (i < 0 || shapes[k].dims[i] == 1) state->values[k][state->n[k]++] = axis;
    }
  }
  return set_outputs(p, state);
}

static tn_error *args_run(tn_run *r) {
  const args_state *state = r->state;
  for (int k = 0; k < r->n_outputs; k++) {
    const tn_tensor *z = r->outputs[k];
    for (int i = 0; i < state->n[k]; i++) {
      if (z->dtype == TN_INT64) {
        TN_DATA(int64_t, z)[i] = state->values[k][i];
      } else {
        TN_DATA(int32_t, z)[i] = (int32_t)state->values[k][i];
      }
    }
  }
  return NULL;
}

static const tn_kernel_def args_kernels[] = {{.name = "reference", .prepare = args_prepare, .run = args_run}, {0}};
static const tn_kernel_def gradient_args_kernels[] = {
    {.name = "reference", .prepare = gradient_args_prepare, .run = args_run}, {0}};

static tn_error *args_shape(tn_shape_ctx *c) {
  tn_shape a, b;
  TN_TRY(tn_shape_with_rank(c, 0, 1, &a));
  TN_TRY(tn_shape_with_rank(c, 1, 1, &b));
  int64_t n = a.dims[0] < 0 || b.dims[0] < 0 ? -1 : a.dims[0] > b.dims[0] ? a.dims[0] : b.dims[0];
  c->out[0] = tn_shape_of(1, &n);
  return NULL;
}

static tn_error *gradient_args_shape(tn_shape_ctx *c) {
  tn_shape ignored;
  for (int k = 0; k < 2; k++) {
    TN_TRY(tn_shape_with_rank(c, k, 1, &ignored));
    c->out[k] = tn_shape_unknown_of_rank(1);
  }
  return NULL;
}

TN_OP(BroadcastArgs, .inputs = "s0: T, s1: T", .outputs = "r0: T", .attrs = "T: indextype = DT_INT32",
      .doc = "The shape that two shapes broadcast to.", .flags = TN_OP_GRADIENT_UNREGISTERED, .value_inputs = 3,
      .shape = args_shape, .kernels = args_kernels);
TN_OP(BroadcastGradientArgs, .inputs = "s0: T, s1: T", .outputs = "r0: T, r1: T", .attrs = "T: indextype = DT_INT32",
      .doc = "The axes that the gradients of a broadcast binary op are summed over.", .flags = TN_OP_NO_GRADIENT,
      .value_inputs = 3, .shape = gradient_args_shape, .kernels = gradient_args_kernels);
