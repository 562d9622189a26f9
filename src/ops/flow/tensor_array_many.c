/* Tensor arrays: all elements at once. Those that are cut out of one tensor share its buffer. */
#include <string.h>

#include "base/thread.h"
#include "kernel/copy.h"
#include "ops/flow/tensor_array.h"

/* --- taking elements out --- */

typedef struct taken {
  int64_t n;
  tn_tensor *values;
} taken;

static void clear(taken *t) {
  for (int64_t i = 0; i < t->n; i++) tn_tensor_clear(&t->values[i]);
  tn_free(t->values);
}

/* Takes the elements at INDICES (NULL: all). */
static tn_error *take(const tn_run *r, tn_tensor_array *a, const tn_tensor *indices, taken *out) {
  tn_lock(&a->mutex);
  tn_error *error = tn_array_check_open(r, a);
  if (!error) error = tn_array_check_type(r, a);
  int64_t n = indices ? tn_elements(indices) : a->n;
  out->values = error ? NULL : tn_calloc((size_t)n + 1, sizeof *out->values);
  if (!error && !out->values) error = tn_out_of_memory();
  for (; out->n < n && !error; out->n++) {
    int64_t at = indices ? TN_DATA(const int32_t, indices)[out->n] : out->n;
    error = tn_array_read(r, a, at, &out->values[out->n]);
    if (error) break;
  }
  tn_unlock(&a->mutex);
  return error;
}

static tn_error *empty(tn_run *r, const tn_shape *rows) {
  if (tn_shape_known(rows)) return tn_run_allocate(r, 0, rows);
  return tn_run_errorf(r, TN_UNIMPLEMENTED,
                       "TensorArray has size zero, but element shape %s is not fully defined. Currently only static "
                       "shapes are supported when packing zero-size TensorArrays.",
                       TN_SHAPE_STR(rows));
}

/* --- gather --- */

static tn_shape stacked(int64_t n, const tn_shape *element) {
  tn_shape out = *element;
  if (element->rank < 0) return out;
  out.rank++;
  out.dims[0] = n;
  memcpy(out.dims + 1, element->dims, (size_t)element->rank * sizeof *out.dims);
  return out;
}

static tn_error *check_same(const tn_run *r, const taken *t) {
  for (int64_t i = 1; i < t->n; i++) {
    if (tn_shape_equal(&t->values[0].shape, &t->values[i].shape)) continue;
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "TensorArray has inconsistent shapes.  Index 0 has shape: %s but index %lld has shape: %s",
                         TN_SHAPE_STR(&t->values[0].shape), (long long)i, TN_SHAPE_STR(&t->values[i].shape));
  }
  return NULL;
}

/* True if the values lie behind each other in one buffer, as they were cut. */
static bool in_one_piece(const taken *t) {
  const tn_tensor *first = &t->values[0];
  size_t bytes = (size_t)tn_elements(first) * tn_dtype_size(first->dtype);
  for (int64_t i = 0; i < t->n; i++) {
    if (t->values[i].buffer != first->buffer || t->values[i].data != (char *)first->data + (size_t)i * bytes)
      return false;
  }
  return first->buffer && bytes > 0;
}

/* Puts the values behind each other into output 0 of shape SHAPE. */
static tn_error *join(tn_run *r, const taken *t, const tn_shape *shape) {
  if (in_one_piece(t)) {
    tn_tensor whole = {0};
    tn_tensor_set(&whole, &t->values[0]);
    whole.shape = *shape;
    tn_run_set(r, 0, &whole);
    tn_tensor_clear(&whole);
    return NULL;
  }
  TN_TRY(tn_run_allocate(r, 0, shape));
  char *to = r->outputs[0]->data;
  for (int64_t i = 0; i < t->n; i++) {
    int64_t n = tn_elements(&t->values[i]);
    if (n == 0) continue;
    TN_TRY(tn_copy_dense(t->values[i].dtype, to, t->values[i].data, n));
    to += (size_t)n * tn_dtype_size(t->values[i].dtype);
  }
  return NULL;
}

static tn_error *gather(tn_run *r, const taken *t) {
  const tn_shape *asked = tn_node_get_shape(r->node, "element_shape");
  if (t->n == 0) {
    tn_shape rows = stacked(0, asked);
    return empty(r, &rows);
  }
  tn_shape first = t->values[0].shape;
  if (!tn_array_fits(asked, &first)) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "TensorArray was passed element_shape %s which does not match the Tensor at index 0: %s",
                         TN_SHAPE_STR(asked), TN_SHAPE_STR(&first));
  }
  TN_TRY(check_same(r, t));
  if (first.rank == TN_MAX_RANK) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "the result has too many dimensions");
  tn_shape shape = stacked(t->n, &first);
  return join(r, t, &shape);
}

static tn_error *run_gather(tn_run *r) {
  tn_tensor_array *a = NULL;
  TN_TRY(tn_array_of(r, &a));
  taken t = {0};
  tn_error *error = take(r, a, r->n_inputs > 2 ? r->inputs[1] : NULL, &t);
  if (!error) error = gather(r, &t);
  clear(&t);
  tn_object_unref(&a->object);
  return error;
}

static tn_error *prepare_gather(tn_prepare *p) {
  if (p->n_inputs > 2) TN_TRY(tn_array_check_rank(p, 1, 1, "indices"));
  tn_prepare_dynamic(p, 0);
  return NULL;
}

/* --- concat --- */

/* SHAPE with N for its first dimension. */
static tn_shape with_rows(const tn_shape *shape, int64_t n) {
  tn_shape out = *shape;
  out.dims[0] = n;
  return out;
}

static tn_error *concat_shape(const tn_run *r, const taken *t, tn_shape *out) {
  int64_t rows = 0;
  for (int64_t i = 0; i < t->n; i++) {
    const tn_shape *shape = &t->values[i].shape;
    if (shape->rank == 0) {
      return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                           "Concat saw a scalar shape at index %lld but requires at least vectors.  Did you mean to "
                           "call pack?",
                           (long long)i);
    }
    tn_shape first = with_rows(&t->values[0].shape, 0), other = with_rows(shape, 0);
    if (!tn_shape_equal(&first, &other)) {
      return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                           "TensorArray has inconsistent shapes.  Index 0 has (excepting dimension 0) shape: %s but "
                           "index %lld has (excepting dimension 0) shape: %s",
                           TN_SHAPE_STR(&first), (long long)i, TN_SHAPE_STR(&other));
    }
    TN_DATA(int64_t, r->outputs[1])[i] = shape->dims[0];
    rows += shape->dims[0];
  }
  *out = with_rows(&t->values[0].shape, rows);
  return NULL;
}

static tn_error *concat(tn_run *r, const taken *t) {
  const tn_shape *rest = tn_node_get_shape(r->node, "element_shape_except0");
  tn_shape lengths = tn_shape_of(1, &t->n), shape;
  TN_TRY(tn_run_allocate(r, 1, &lengths));
  if (t->n == 0) {
    shape = stacked(0, rest);
    return empty(r, &shape);
  }
  TN_TRY(concat_shape(r, t, &shape));
  tn_shape asked = stacked(-1, rest);
  if (!tn_array_fits(&asked, &shape)) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "TensorArray was passed element_shape_except0 %s but index 0 has shape: %s",
                         TN_SHAPE_STR(rest), TN_SHAPE_STR(&t->values[0].shape));
  }
  return join(r, t, &shape);
}

static tn_error *run_concat(tn_run *r) {
  tn_tensor_array *a = NULL;
  TN_TRY(tn_array_of(r, &a));
  taken t = {0};
  tn_error *error = take(r, a, NULL, &t);
  if (!error) error = concat(r, &t);
  clear(&t);
  tn_object_unref(&a->object);
  return error;
}

static tn_error *prepare_concat(tn_prepare *p) {
  tn_prepare_dynamic(p, 0);
  tn_prepare_dynamic(p, 1);
  return NULL;
}

/* --- putting elements in --- */

/* A piece of VALUE: the elements from FIRST on that SHAPE has. It shares the buffer. */
static tn_tensor cut(const tn_tensor *value, int64_t first, const tn_shape *shape) {
  tn_tensor piece = {.dtype = value->dtype, .shape = *shape, .buffer = value->buffer};
  piece.data = (char *)value->data + (size_t)first * tn_dtype_size(value->dtype);
  return piece;
}

static tn_error *prepare_scatter(tn_prepare *p) {
  const tn_shape *value = &p->inputs[p->n_inputs - 2].shape;
  if (value->rank == 0) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "the value must be a vector at least");
  if (p->n_inputs < 4) return tn_array_prepare_flow(p);
  TN_TRY(tn_array_check_rank(p, 1, 1, "indices"));
  if (p->inputs[1].shape.dims[0] != value->dims[0]) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Expected len(indices) == values.shape[0], but saw: %lld vs. %lld",
                             (long long)p->inputs[1].shape.dims[0], (long long)value->dims[0]);
  }
  return tn_array_prepare_flow(p);
}

/* With the lock held. INDICES NULL: places 0, 1, 2, ... */
static tn_error *scatter(const tn_run *r, tn_tensor_array *a, const int32_t *indices, const tn_tensor *value) {
  TN_TRY(tn_array_check_open(r, a));
  tn_shape element = tn_shape_of(value->shape.rank - 1, value->shape.dims + 1);
  int64_t size = tn_shape_elements(&element), n = value->shape.dims[0], highest = n - 1;
  if (indices) highest = -1;
  for (int64_t i = 0; indices && i < n; i++) highest = indices[i] > highest ? indices[i] : highest;
  if ((highest >= a->n && !a->dynamic) || (!indices && n < a->n)) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Max scatter index must be < array size (%lld vs. %lld)",
                         (long long)highest, (long long)a->n);
  }
  for (int64_t i = 0; i < n; i++) {
    tn_tensor piece = cut(value, i * size, &element);
    TN_TRY(tn_array_write(r, a, indices ? indices[i] : i, &piece));
  }
  return NULL;
}

static tn_error *run_scatter(tn_run *r) {
  tn_tensor_array *a = NULL;
  TN_TRY(tn_array_of(r, &a));
  tn_lock(&a->mutex);
  const int32_t *indices = r->n_inputs > 3 ? TN_DATA(const int32_t, r->inputs[1]) : NULL;
  tn_error *error = scatter(r, a, indices, r->inputs[r->n_inputs - 2]);
  tn_unlock(&a->mutex);
  tn_object_unref(&a->object);
  return error;
}

static tn_error *prepare_split(tn_prepare *p) {
  TN_TRY(tn_array_check_rank(p, 2, 1, "lengths"));
  if (p->inputs[1].shape.rank == 0) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Expected value to be at least a vector, but received shape: []");
  }
  return tn_array_prepare_flow(p);
}

static tn_error *check_lengths(const tn_run *r) {
  const tn_tensor *lengths = r->inputs[2];
  int64_t left = r->inputs[1]->shape.dims[0];
  for (int64_t i = 0; i < tn_elements(lengths); i++) {
    int64_t length = TN_DATA(const int64_t, lengths)[i];
    if (length < 0 || length > left) {
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "length %lld of piece %lld does not fit: value's shape is %s",
                           (long long)length, (long long)i, TN_SHAPE_STR(&r->inputs[1]->shape));
    }
    left -= length;
  }
  if (left == 0) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                       "Expected sum of lengths to be equal to values.shape[0], but it is %lld less; value's shape is "
                       "%s",
                       (long long)left, TN_SHAPE_STR(&r->inputs[1]->shape));
}

/* With the lock held. */
static tn_error *split(const tn_run *r, tn_tensor_array *a) {
  const tn_tensor *value = r->inputs[1], *lengths = r->inputs[2];
  int64_t n = tn_elements(lengths), first = 0;
  TN_TRY(tn_array_check_open(r, a));
  if (a->n != n && !(a->dynamic && a->n < n)) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "TensorArray's size is not equal to the size of lengths (%lld vs. %lld), and the TensorArray "
                         "is not marked as dynamically resizeable",
                         (long long)a->n, (long long)n);
  }
  for (int64_t i = 0; i < n; i++) {
    tn_shape shape = with_rows(&value->shape, TN_DATA(const int64_t, lengths)[i]);
    tn_tensor piece = cut(value, first, &shape);
    TN_TRY(tn_array_write(r, a, i, &piece));
    first += tn_shape_elements(&shape);
  }
  return NULL;
}

static tn_error *run_split(tn_run *r) {
  tn_tensor_array *a = NULL;
  TN_TRY(check_lengths(r));
  TN_TRY(tn_array_of(r, &a));
  tn_lock(&a->mutex);
  tn_error *error = split(r, a);
  tn_unlock(&a->mutex);
  tn_object_unref(&a->object);
  return error;
}

/* --- the ops --- */

static const tn_kernel_def gathers[] = {{.name = "reference", .prepare = prepare_gather, .run = run_gather}, {0}};
static const tn_kernel_def concats[] = {{.name = "reference", .prepare = prepare_concat, .run = run_concat}, {0}};
static const tn_kernel_def scatters[] = {{.name = "reference", .prepare = prepare_scatter, .run = run_scatter}, {0}};
static const tn_kernel_def splits[] = {{.name = "reference", .prepare = prepare_split, .run = run_split}, {0}};

static tn_error *shape_gather(tn_shape_ctx *c) {
  tn_shape indices, unused;
  TN_TRY(tn_shape_with_rank(c, 1, 1, &indices));
  TN_TRY(tn_shape_with_rank(c, 2, 0, &unused));
  if (c->in_handles && c->in_handles[0].dtype != TN_INVALID)
    c->out[0] = stacked(indices.dims[0], &c->in_handles[0].shape);
  return NULL;
}

static tn_error *shape_concat(tn_shape_ctx *c) {
  tn_shape unused;
  TN_TRY(tn_shape_with_rank(c, 1, 0, &unused));
  c->out[1] = tn_shape_unknown_of_rank(1);
  return NULL;
}

static tn_error *shape_scatter(tn_shape_ctx *c) {
  tn_shape unused, indices, element = tn_shape_unknown();
  TN_TRY(tn_shape_with_rank(c, 1, 1, &indices));
  TN_TRY(tn_shape_with_rank(c, 3, 0, &unused));
  if (c->in_handles && c->in_handles[0].dtype != TN_INVALID) element = c->in_handles[0].shape;
  if (c->in[2].rank == 0) TN_TRY(tn_shape_at_least_rank(c, 2, 1, &unused));
  if (element.rank >= 0) {
    tn_shape rows = stacked(indices.dims[0], &element);
    TN_TRY(tn_shape_merge(c, &rows, &c->in[2], &unused));
  } else if (c->in[2].rank > 0) {
    int64_t n;
    TN_TRY(tn_dim_merge(c, indices.dims[0], c->in[2].dims[0], &n));
  }
  c->out[0] = tn_shape_scalar();
  return NULL;
}

static tn_error *shape_split(tn_shape_ctx *c) {
  tn_shape unused;
  TN_TRY(tn_shape_with_rank(c, 2, 1, &unused));
  TN_TRY(tn_shape_with_rank(c, 3, 0, &unused));
  c->out[0] = tn_shape_scalar();
  return NULL;
}

#define NEW TN_OP_STATEFUL | TN_OP_DYNAMIC_SHAPE
#define OLD TN_OP_DYNAMIC_SHAPE

TN_OP(TensorArrayGatherV3, .inputs = "handle: resource, indices: int32, flow_in: float", .outputs = "value: dtype",
      .attrs = "dtype: type; element_shape: shape = unknown", .doc = "Stacks elements of a tensor array.", .flags = NEW,
      .shape = shape_gather, .gradient = tn_grad_array_gather, .kernels = gathers);

TN_OP(TensorArrayGatherV2, .inputs = "handle: string, indices: int32, flow_in: float", .outputs = "value: dtype",
      .attrs = "dtype: type; element_shape: shape = unknown", .doc = "The old TensorArrayGatherV3.", .flags = OLD,
      .shape = shape_gather, .gradient = tn_grad_array_gather, .kernels = gathers);

TN_OP(TensorArrayGather, .inputs = "handle: Ref(string), indices: int32, flow_in: float", .outputs = "value: dtype",
      .attrs = "dtype: type; element_shape: shape = unknown", .doc = "The oldest TensorArrayGatherV3.", .flags = OLD,
      .shape = tn_shape_unknown_out, .gradient = tn_grad_array_gather, .kernels = gathers);

TN_OP(TensorArrayPack, .inputs = "handle: Ref(string), flow_in: float", .outputs = "value: dtype",
      .attrs = "dtype: type; element_shape: shape = unknown", .doc = "Stacks all elements of a tensor array.",
      .flags = OLD | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_shape_unknown_out, .kernels = gathers);

TN_OP(TensorArrayScatterV3, .inputs = "handle: resource, indices: int32, value: T, flow_in: float",
      .outputs = "flow_out: float", .attrs = "T: type", .doc = "Puts the rows of a tensor into an array.", .flags = NEW,
      .shape = shape_scatter, .gradient = tn_grad_array_scatter, .kernels = scatters);

TN_OP(TensorArrayScatterV2, .inputs = "handle: string, indices: int32, value: T, flow_in: float",
      .outputs = "flow_out: float", .attrs = "T: type", .doc = "The old TensorArrayScatterV3.", .flags = OLD,
      .shape = shape_scatter, .gradient = tn_grad_array_scatter, .kernels = scatters);

TN_OP(TensorArrayScatter, .inputs = "handle: Ref(string), indices: int32, value: T, flow_in: float",
      .outputs = "flow_out: float", .attrs = "T: type", .doc = "The oldest TensorArrayScatterV3.", .flags = OLD,
      .shape = tn_shape_unknown_out, .gradient = tn_grad_array_scatter, .kernels = scatters);

TN_OP(TensorArrayUnpack, .inputs = "handle: Ref(string), value: T, flow_in: float", .outputs = "flow_out: float",
      .attrs = "T: type", .doc = "Puts the rows of a tensor into an array that has as many places.",
      .flags = OLD | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_shape_unknown_out, .kernels = scatters);

TN_OP(TensorArrayConcatV3, .inputs = "handle: resource, flow_in: float", .outputs = "value: dtype, lengths: int64",
      .attrs = "dtype: type; element_shape_except0: shape = unknown",
      .doc = "Puts the elements of a tensor array behind each other.", .flags = NEW, .shape = shape_concat,
      .gradient = tn_grad_array_concat, .kernels = concats);

TN_OP(TensorArrayConcatV2, .inputs = "handle: string, flow_in: float", .outputs = "value: dtype, lengths: int64",
      .attrs = "dtype: type; element_shape_except0: shape = unknown", .doc = "The old TensorArrayConcatV3.",
      .flags = OLD, .shape = shape_concat, .gradient = tn_grad_array_concat, .kernels = concats);

TN_OP(TensorArrayConcat, .inputs = "handle: Ref(string), flow_in: float", .outputs = "value: dtype, lengths: int64",
      .attrs = "dtype: type; element_shape_except0: shape = unknown", .doc = "The oldest TensorArrayConcatV3.",
      .flags = OLD, .shape = tn_shape_unknown_out, .gradient = tn_grad_array_concat, .kernels = concats);

TN_OP(TensorArraySplitV3, .inputs = "handle: resource, value: T, lengths: int64, flow_in: float",
      .outputs = "flow_out: float", .attrs = "T: type",
      .doc = "Cuts a tensor into pieces along dimension 0 and puts these into an array.", .flags = NEW,
      .shape = shape_split, .gradient = tn_grad_array_split, .kernels = splits);

TN_OP(TensorArraySplitV2, .inputs = "handle: string, value: T, lengths: int64, flow_in: float",
      .outputs = "flow_out: float", .attrs = "T: type", .doc = "The old TensorArraySplitV3.", .flags = OLD,
      .shape = shape_split, .gradient = tn_grad_array_split, .kernels = splits);

TN_OP(TensorArraySplit, .inputs = "handle: Ref(string), value: T, lengths: int64, flow_in: float",
      .outputs = "flow_out: float", .attrs = "T: type", .doc = "The oldest TensorArraySplitV3.", .flags = OLD,
      .shape = tn_shape_unknown_out, .gradient = tn_grad_array_split, .kernels = splits);
