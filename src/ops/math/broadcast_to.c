/* A tensor repeated to a given shape: BroadcastTo. */
#include <string.h>

#include "graph/build.h"
#include "graph/shape.h"
#include "kernel/elementwise.h"
#include "ops/math/sized.h"

#define COPY_LOOP(NAME, TYPE)                                                                                          \
  static void NAME(void *out, const void *const *in, const int64_t *step, int64_t n, double parameter) {               \
    const TYPE *x = in[0];                                                                                             \
    TYPE *z = out;                                                                                                     \
    (void)parameter;                                                                                                   \
    if (step[0]) {                                                                                                     \
      memcpy(z, x, (size_t)n * sizeof *z);                                                                             \
    } else {                                                                                                           \
      for (int64_t i = 0; i < n; i++) z[i] = *x;                                                                       \
    }                                                                                                                  \
  }
COPY_LOOP(copy_1, uint8_t)
COPY_LOOP(copy_2, uint16_t)
COPY_LOOP(copy_4, uint32_t)
COPY_LOOP(copy_8, uint64_t)
COPY_LOOP(copy_16, tn_bytes16)

static tn_loop_fn loop_of(tn_dtype dtype) {
  switch (tn_dtype_size(dtype)) {
  case 1: return copy_1;
  case 2: return copy_2;
  case 4: return copy_4;
  case 8: return copy_8;
  default: return copy_16;
  }
}

typedef struct broadcast_state {
  tn_broadcast broadcast;
  tn_loop_fn loop;
} broadcast_state;

static tn_error *broadcast_prepare(tn_prepare *p) {
  tn_shape shape, joined;
  TN_TRY(tn_prepare_shape(p, 1, &shape));
  const tn_shape *x = &p->inputs[0].shape;
  if (x->rank > shape.rank)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input has rank %d, more than the output's, %d: %s to %s", x->rank,
                             shape.rank, TN_SHAPE_STR(x), TN_SHAPE_STR(&shape));
  if (!tn_shape_broadcast(x, &shape, &joined) || !tn_shape_equal(&joined, &shape))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Incompatible shapes: %s can't be broadcast to %s",
                             TN_SHAPE_STR(x), TN_SHAPE_STR(&shape));
  TN_TRY(tn_prepare_output(p, 0, &shape));
  broadcast_state *state = NULL;
  TN_TRY(tn_prepare_state(p, sizeof *state, &state));
  state->loop = loop_of(p->outputs[0].dtype);
  tn_broadcast_init(&state->broadcast, 1, p->inputs, &shape);
  if (!tn_dtype_is_plain(p->outputs[0].dtype)) p->scratch = (size_t)tn_shape_elements(&shape) * sizeof(tn_bytes16);
  return NULL;
}

/* Strings and objects: first the pointers, then what they point to. */
static tn_error *broadcast_run(tn_run *r) {
  const broadcast_state *state = r->state;
  tn_tensor *z = r->outputs[0];
  int64_t n = state->broadcast.elements;
  if (n == 0) return NULL;
  if (tn_dtype_is_plain(z->dtype)) {
    tn_broadcast_run(&state->broadcast, state->loop, 0, r->inputs, z, 0, n);
    return NULL;
  }
  tn_tensor pointers = {.dtype = z->dtype, .shape = z->shape, .data = r->scratch};
  tn_broadcast_run(&state->broadcast, state->loop, 0, r->inputs, &pointers, 0, n);
  return tn_copy_elements(z->dtype, z->data, pointers.data, n);
}

static const tn_kernel_def broadcast_kernels[] = {
    {.name = "reference", .prepare = broadcast_prepare, .run = broadcast_run}, {0}};

/* Summed over the axes along which the input was repeated. */
static tn_error *broadcast_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_grad_set(c, 0, tn_build_unbroadcast(s, tn_grad_dense(c, 0), tn_grad_x(c, 0), tn_grad_y(c, 0)));
  return s->error;
}

static tn_error *broadcast_shape(tn_shape_ctx *c) {
  tn_shape ignored, shape;
  TN_TRY(tn_shape_with_rank(c, 1, 1, &ignored));
  TN_TRY(tn_shape_from_value(c, 1, &shape));
  const tn_shape *x = &c->in[0];
  if (shape.rank < 0 && c->in[1].rank == 1 && c->in[1].dims[0] >= 0 && c->in[1].dims[0] <= TN_MAX_RANK)
    shape = tn_shape_unknown_of_rank((int)c->in[1].dims[0]);
  c->out[0] = shape;
  if (shape.rank < 0 || x->rank < 0) return NULL;
  if (x->rank > shape.rank)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "input has rank %d, more than the output's, %d", x->rank,
                          shape.rank);
  for (int i = 1; i <= x->rank; i++) {
    int64_t from = x->dims[x->rank - i], to = shape.dims[shape.rank - i];
    if (from > 1 && to >= 0 && from != to)
      return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "Incompatible shapes: %s can't be broadcast to %s",
                            TN_SHAPE_STR(x), TN_SHAPE_STR(&shape));
  }
  /* Where the target says nothing, the input may. */
  tn_shape joined;
  TN_TRY(tn_shape_broadcast_unknown(c, x, &shape, &joined));
  for (int i = 0; i < shape.rank; i++)
    if (c->out[0].dims[i] < 0) c->out[0].dims[i] = joined.dims[i];
  return NULL;
}

TN_OP(BroadcastTo, .inputs = "input: T, shape: Tidx", .outputs = "output: T",
      .attrs = "T: type; Tidx: indextype = DT_INT32", .doc = "The input repeated to a shape.", .value_inputs = 1 << 1,
      .shape = broadcast_shape, .gradient = broadcast_gradient, .kernels = broadcast_kernels);
