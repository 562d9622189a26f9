/* The driver of the plain elementwise kernels: broadcasting, threads, and the state that connects a node with its loop.
 */
#include "kernel/elementwise.h"

#include "base/parallel.h"

enum { GRAIN = 16384 }; /* elements that are worth a thread */

typedef struct elementwise_state {
  tn_broadcast broadcast;
  tn_loop_fn loop;
  double parameter;
  tn_loop_check check;
} elementwise_state;

typedef struct elementwise_job {
  const elementwise_state *state;
  const tn_run *run;
  int64_t chunks;
} elementwise_job;

tn_error *tn_broadcast_shapes(const tn_node *node, int n, const tn_tensor *inputs, tn_shape *out) {
  tn_shape all = inputs[0].shape;
  for (int i = 1; i < n; i++) {
    tn_shape next;
    if (!tn_shape_broadcast(&all, &inputs[i].shape, &next)) {
      const char *a = TN_SHAPE_STR(&all), *b = TN_SHAPE_STR(&inputs[i].shape);
      if (!node) return tn_errorf(TN_INVALID_ARGUMENT, "Incompatible shapes: %s vs. %s", a, b);
      return tn_node_errorf(node, TN_INVALID_ARGUMENT, "Incompatible shapes: %s vs. %s (input %d)", a, b, i);
    }
    all = next;
  }
  *out = all;
  return NULL;
}

/* The strides of an input of SHAPE under the dimensions of OUT. */
static void input_strides(const tn_shape *shape, const tn_shape *out, int64_t strides[TN_MAX_RANK]) {
  int64_t stride = 1;
  for (int i = out->rank - 1, j = shape->rank - 1; i >= 0; i--, j--) {
    int64_t dim = j >= 0 ? shape->dims[j] : 1;
    strides[i] = dim == 1 ? 0 : stride;
    stride *= dim;
  }
}

/* True if the dimension at INNER and that at OUTER, which is around it, can be one for all inputs. */
static bool joins(int n, int64_t (*strides)[TN_MAX_RANK], int64_t inner_dim, int outer, int inner) {
  for (int k = 0; k < n; k++)
    if (strides[k][outer] != strides[k][inner] * inner_dim) return false;
  return true;
}

int tn_broadcast_join(int n, const tn_tensor *inputs, const tn_shape *out, int64_t dims[TN_MAX_RANK],
                      int64_t (*strides)[TN_MAX_RANK]) {
  for (int k = 0; k < n; k++) input_strides(&inputs[k].shape, out, strides[k]);
  /* From the inside out, towards the end of the arrays; what is read is never behind what was written. */
  int at = TN_MAX_RANK;
  int64_t joined[TN_MAX_RANK];
  for (int i = out->rank - 1; i >= 0; i--) {
    if (out->dims[i] == 1) continue;
    if (at < TN_MAX_RANK && joins(n, strides, joined[at], i, at)) {
      joined[at] *= out->dims[i];
      continue;
    }
    joined[--at] = out->dims[i];
    for (int k = 0; k < n; k++) strides[k][at] = strides[k][i];
  }
  int rank = TN_MAX_RANK - at;
  for (int i = 0; i < rank; i++) {
    dims[i] = joined[at + i];
    for (int k = 0; k < n; k++) strides[k][i] = strides[k][at + i];
  }
  if (rank > 0) return rank;
  dims[0] = 1;
  for (int k = 0; k < n; k++) strides[k][0] = 0;
  return 1;
}

void tn_broadcast_init(tn_broadcast *b, int n, const tn_tensor *inputs, const tn_shape *out) {
  *b = (tn_broadcast){.n_inputs = n, .elements = tn_shape_elements(out)};
  b->rank = tn_broadcast_join(n, inputs, out, b->dims, b->strides);
}

void tn_broadcast_run(const tn_broadcast *b, tn_loop_fn loop, double parameter, const tn_tensor *const *inputs,
                      tn_tensor *output, int64_t begin, int64_t end) {
  int inner = b->rank - 1;
  int64_t index[TN_MAX_RANK], offset[TN_LOOP_MAX_INPUTS] = {0}, step[TN_LOOP_MAX_INPUTS];
  int64_t rest = begin;
  for (int i = inner; i >= 0; i--) {
    index[i] = rest % b->dims[i];
    rest /= b->dims[i];
    for (int k = 0; k < b->n_inputs; k++) offset[k] += index[i] * b->strides[k][i];
  }
  for (int k = 0; k < b->n_inputs; k++) step[k] = b->strides[k][inner];
  size_t out_size = tn_dtype_size(output->dtype);
  while (begin < end) {
    int64_t n = b->dims[inner] - index[inner];
    if (n > end - begin) n = end - begin;
    const void *in[TN_LOOP_MAX_INPUTS];
    for (int k = 0; k < b->n_inputs; k++)
      in[k] = (const char *)inputs[k]->data + (size_t)offset[k] * tn_dtype_size(inputs[k]->dtype);
    loop((char *)output->data + (size_t)begin * out_size, in, step, n, parameter);
    begin += n;
    /* The next row: carry through the outer dimensions. */
    for (int k = 0; k < b->n_inputs; k++) offset[k] -= index[inner] * step[k];
    index[inner] = 0;
    for (int i = inner - 1; i >= 0; i--) {
      for (int k = 0; k < b->n_inputs; k++) offset[k] += b->strides[k][i];
      if (++index[i] < b->dims[i]) break;
      for (int k = 0; k < b->n_inputs; k++) offset[k] -= b->strides[k][i] * b->dims[i];
      index[i] = 0;
    }
  }
}

static tn_error *prepare_state(tn_prepare *p, const tn_loop_row *rows, double parameter, elementwise_state **out) {
  tn_dtype dtype = tn_dtype_base(p->inputs[0].dtype);
  while (rows->loop && rows->dtype != dtype) rows++;
  if (!rows->loop) return tn_prepare_errorf(p, TN_UNIMPLEMENTED, "no kernel for dtype %s", tn_dtype_name(dtype));
  elementwise_state *state = NULL;
  TN_TRY(tn_prepare_state(p, sizeof *state, &state));
  state->loop = rows->loop;
  state->parameter = parameter;
  *out = state;
  return NULL;
}

tn_error *tn_elementwise_prepare(tn_prepare *p, const tn_loop_row *rows, double parameter, tn_loop_check check) {
  tn_shape shape;
  TN_TRY(tn_broadcast_shapes(p->node, p->n_inputs, p->inputs, &shape));
  TN_TRY(tn_prepare_output(p, 0, &shape));
  elementwise_state *state = NULL;
  TN_TRY(prepare_state(p, rows, parameter, &state));
  state->check = check;
  tn_broadcast_init(&state->broadcast, p->n_inputs, p->inputs, &shape);
  tn_prepare_in_place_any(p, tn_shape_elements(&shape));
  return NULL;
}

tn_error *tn_prepare_same_size(tn_prepare *p, bool shapes) {
  const tn_shape *shape = &p->inputs[0].shape;
  for (int k = 1; k < p->n_inputs; k++) {
    const tn_shape *other = &p->inputs[k].shape;
    if (shapes ? tn_shape_equal(shape, other) : tn_shape_elements(shape) == tn_shape_elements(other)) continue;
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "inputs must have the same %s: input 0 is %s and input %d is %s",
                             shapes ? "shape" : "number of elements", TN_SHAPE_STR(shape), k, TN_SHAPE_STR(other));
  }
  return tn_prepare_output(p, 0, shape);
}

tn_error *tn_elementwise_prepare_same(tn_prepare *p, const tn_loop_row *rows, double parameter, bool shapes) {
  TN_TRY(tn_prepare_same_size(p, shapes));
  const tn_shape *shape = &p->inputs[0].shape;
  int64_t elements = tn_shape_elements(shape);
  elementwise_state *state = NULL;
  TN_TRY(prepare_state(p, rows, parameter, &state));
  tn_broadcast *b = &state->broadcast;
  *b = (tn_broadcast){.n_inputs = p->n_inputs, .rank = 1, .elements = elements, .dims = {elements}};
  for (int k = 0; k < p->n_inputs; k++) b->strides[k][0] = 1;
  tn_prepare_in_place_any(p, elements);
  return NULL;
}

static void run_chunk(void *argument, int64_t i) {
  const elementwise_job *job = argument;
  const tn_broadcast *b = &job->state->broadcast;
  int64_t begin, end;
  tn_chunk(b->elements, job->chunks, i, 64, &begin, &end);
  if (begin < end)
    tn_broadcast_run(b, job->state->loop, job->state->parameter, job->run->inputs, job->run->outputs[0], begin, end);
}

tn_error *tn_elementwise_run(tn_run *r) {
  const elementwise_state *state = r->state;
  const tn_broadcast *b = &state->broadcast;
  if (b->elements == 0) return NULL;
  if (state->check) TN_TRY(state->check(r));
  elementwise_job job = {state, r, tn_chunks(b->elements, GRAIN)};
  tn_parallel(job.chunks, run_chunk, &job);
  return NULL;
}
