/* SparseReorder, SparseReshape, SparseSlice with its gradient, SparseConcat and SparseSplit: places change, values
 * move. */
#include "ops/sparse/sparse.h"

/* --- SparseReorder --- */

static tn_error *reorder_prepare(tn_prepare *p) {
  TN_TRY(tn_coo_prepare(p, 0));
  TN_TRY(tn_prepare_output(p, 0, &p->inputs[0].shape));
  return tn_prepare_output(p, 1, &p->inputs[1].shape);
}

static tn_error *place_in_order(tn_run *r, const tn_coo *x, const int64_t *order) {
  for (int64_t i = 0; i < x->n; i++) {
    memcpy(TN_DATA(int64_t, r->outputs[0]) + i * x->rank, tn_coo_row(x, order[i]), (size_t)x->rank * sizeof(int64_t));
    TN_TRY(tn_sparse_copy(r->outputs[1], i, x->values, order[i]));
  }
  return NULL;
}

static tn_error *reorder_run(tn_run *r) {
  tn_coo x = tn_coo_of(r, 0);
  int64_t *order;
  TN_TRY(tn_coo_order(x.at, x.n, x.rank, &order));
  tn_error *error = place_in_order(r, &x, order);
  tn_free(order);
  return error;
}

static tn_error *reorder_shape(tn_shape_ctx *c) {
  tn_shape shape;
  TN_TRY(tn_shape_with_rank(c, 0, 2, &c->out[0]));
  TN_TRY(tn_shape_with_rank(c, 1, 1, &c->out[1]));
  return tn_shape_with_rank(c, 2, 1, &shape);
}

/* The gradient goes back through the permutation that reordering the numbers 0, 1, ... shows. */
static tn_error *reorder_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output indices = tn_grad_x(c, 0), zero = tn_build_scalar(s, TN_INT32, 0), one = tn_build_scalar(s, TN_INT32, 1);
  tn_output n = tn_build(s, "GatherV2", TN_IN(tn_build_shape_of(s, indices), zero, zero), NULL);
  tn_output numbers = tn_build(s, "Range", TN_IN(zero, n, one), NULL);
  tn_output ordered = tn_build(s, "SparseReorder", TN_IN(indices, numbers, tn_grad_x(c, 2)), NULL);
  tn_output back = tn_build1(s, "InvertPermutation", tn_nth(ordered, 1));
  tn_grad_set(c, 1, tn_build(s, "GatherV2", TN_IN(tn_grad_dense(c, 1), back, zero), NULL));
  return NULL;
}

/* --- SparseReshape --- */

static tn_error *reshape_prepare(tn_prepare *p) {
  const tn_shape *indices = &p->inputs[0].shape;
  if (indices->rank != 2)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Input indices should be a matrix but received shape %s",
                             TN_SHAPE_STR(indices));
  for (int i = 1; i < 3; i++)
    if (p->inputs[i].shape.rank != 1)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "%s should be a vector but received shape %s",
                               i == 1 ? "Input shape" : "Target shape", TN_SHAPE_STR(&p->inputs[i].shape));
  if (indices->dims[1] != p->inputs[1].shape.dims[0])
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "indices have %lld columns but the shape has %lld dimensions",
                             (long long)indices->dims[1], (long long)p->inputs[1].shape.dims[0]);
  tn_shape out = tn_shape_of(2, (int64_t[]){indices->dims[0], p->inputs[2].shape.dims[0]});
  TN_TRY(tn_prepare_output(p, 0, &out));
  return tn_prepare_output(p, 1, &p->inputs[2].shape);
}

static bool times(int64_t *product, int64_t by) { return by < 0 || __builtin_mul_overflow(*product, by, product); }

/* The new dimensions, with -1 resolved. */
static tn_error *resolve(tn_run *r, int64_t total, int64_t *dims, int64_t n) {
  int64_t product = 1, unknown = -1;
  for (int64_t d = 0; d < n; d++) {
    if (dims[d] == -1) {
      if (unknown >= 0) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "only one output dimension may be -1");
      unknown = d;
    } else if (times(&product, dims[d])) {
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "size %lld must be non-negative, and the shape not too large",
                           (long long)dims[d]);
    }
  }
  if (unknown >= 0) {
    if (product <= 0)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                           "reshape cannot infer the missing input size for an empty tensor "
                           "unless all specified input sizes are non-zero");
    dims[unknown] = total / product;
    product *= dims[unknown];
  }
  if (product != total)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "Input to reshape is a tensor with %lld dense values, but the requested shape has %lld",
                         (long long)total, (long long)product);
  return NULL;
}

static tn_error *reshape_run(tn_run *r) {
  int64_t n = r->inputs[0]->shape.dims[0], from = r->inputs[0]->shape.dims[1], to = r->inputs[2]->shape.dims[0],
          total = 1;
  const int64_t *dims = TN_DATA(int64_t, r->inputs[1]), *in = TN_DATA(int64_t, r->inputs[0]);
  int64_t *shape = TN_DATA(int64_t, r->outputs[1]), *out = TN_DATA(int64_t, r->outputs[0]);
  if (to) memcpy(shape, r->inputs[2]->data, (size_t)to * sizeof *shape);
  for (int64_t d = 0; d < from; d++)
    if (times(&total, dims[d]))
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "the input shape is too large or negative");
  TN_TRY(resolve(r, total, shape, to));
  for (int64_t i = 0; i < n; i++) {
    int64_t flat = 0;
    for (int64_t d = 0; d < from; d++) {
      if (in[i * from + d] < 0 || in[i * from + d] >= dims[d])
        return tn_run_errorf(r, TN_INVALID_ARGUMENT, "index %lld is out of bounds in dimension %lld", (long long)i,
                             (long long)d);
      flat = flat * dims[d] + in[i * from + d];
    }
    for (int64_t d = to - 1; d >= 0; d--) {
      out[i * to + d] = flat % shape[d];
      flat /= shape[d];
    }
  }
  return NULL;
}

static tn_error *reshape_shape(tn_shape_ctx *c) {
  tn_shape indices, shape, wanted;
  TN_TRY(tn_shape_with_rank(c, 0, 2, &indices));
  TN_TRY(tn_shape_with_rank(c, 1, 1, &shape));
  TN_TRY(tn_shape_with_rank(c, 2, 1, &wanted));
  c->out[0] = tn_shape_of(2, (int64_t[]){indices.dims[0], wanted.dims[0]});
  c->out[1] = wanted;
  return NULL;
}

/* --- SparseSlice --- */

static tn_error *slice_prepare(tn_prepare *p) {
  TN_TRY(tn_coo_prepare(p, 0));
  for (int i = 3; i < 5; i++)
    if (p->inputs[i].shape.rank != 1 || p->inputs[i].shape.dims[0] != p->inputs[2].shape.dims[0])
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                               "%s must be a vector with one element for each dimension, got %s",
                               i == 3 ? "start" : "size", TN_SHAPE_STR(&p->inputs[i].shape));
  tn_sparse_all_dynamic(p);
  return NULL;
}

static bool inside(const int64_t *row, const int64_t *start, const int64_t *size, int rank) {
  for (int d = 0; d < rank; d++)
    if (row[d] < start[d] || row[d] - start[d] >= size[d]) return false;
  return true;
}

static tn_error *slice_run(tn_run *r) {
  tn_coo x = tn_coo_of(r, 0);
  const int64_t *start = TN_DATA(int64_t, r->inputs[3]), *size = TN_DATA(int64_t, r->inputs[4]);
  TN_TRY(tn_sparse_vector(r, 2, x.rank));
  for (int d = 0; d < x.rank; d++) {
    int64_t left = x.dims[d] - start[d];
    if (start[d] < 0 || size[d] < 0)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "start and size must not be negative in dimension %d", d);
    TN_DATA(int64_t, r->outputs[2])[d] = left < 0 ? 0 : left < size[d] ? left : size[d];
  }
  int64_t n = 0;
  for (int64_t i = 0; i < x.n; i++) n += inside(tn_coo_row(&x, i), start, size, x.rank);
  TN_TRY(tn_sparse_matrix(r, 0, n, x.rank));
  TN_TRY(tn_sparse_vector(r, 1, n));
  int64_t *out = TN_DATA(int64_t, r->outputs[0]);
  for (int64_t i = n = 0; i < x.n; i++) {
    if (!inside(tn_coo_row(&x, i), start, size, x.rank)) continue;
    for (int d = 0; d < x.rank; d++) *out++ = tn_coo_row(&x, i)[d] - start[d];
    TN_TRY(tn_sparse_copy(r->outputs[1], n++, x.values, i));
  }
  return NULL;
}

static tn_error *slice_shape(tn_shape_ctx *c) {
  tn_shape shape, parts[2];
  TN_TRY(tn_shape_with_rank(c, 2, 1, &shape));
  for (int i = 0; i < 2; i++) {
    TN_TRY(tn_shape_with_rank(c, 3 + i, 1, &parts[i]));
    TN_TRY(tn_shape_merge(c, &shape, &parts[i], &shape));
  }
  c->out[0] = tn_shape_of(2, (int64_t[]){-1, shape.dims[0]});
  c->out[1] = tn_shape_unknown_of_rank(1);
  c->out[2] = c->in[2];
  return NULL;
}

static tn_error *slice_gradient(tn_gradient_ctx *c) {
  tn_grad_set(c, 1,
              tn_build(c->scope, "SparseSliceGrad",
                       TN_IN(tn_grad_dense(c, 1), tn_grad_x(c, 0), tn_grad_x(c, 3), tn_grad_y(c, 0)), NULL));
  return NULL;
}

static tn_error *slice_grad_prepare(tn_prepare *p) {
  const tn_shape *g = &p->inputs[0].shape, *in = &p->inputs[1].shape, *start = &p->inputs[2].shape,
                 *out = &p->inputs[3].shape;
  if (g->rank != 1 || in->rank != 2 || start->rank != 1 || out->rank != 2 || g->dims[0] != out->dims[0] ||
      in->dims[1] != out->dims[1] || start->dims[0] != in->dims[1])
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "the shapes do not fit: %s, %s, %s, %s", TN_SHAPE_STR(g),
                             TN_SHAPE_STR(in), TN_SHAPE_STR(start), TN_SHAPE_STR(out));
  tn_shape result = tn_shape_of(1, in->dims);
  return tn_prepare_output(p, 0, &result);
}

static tn_error *slice_grad_run(tn_run *r) {
  const int64_t *in = TN_DATA(int64_t, r->inputs[1]), *start = TN_DATA(int64_t, r->inputs[2]),
                *out = TN_DATA(int64_t, r->inputs[3]);
  int64_t n = r->inputs[1]->shape.dims[0], rank = r->inputs[1]->shape.dims[1], kept = r->inputs[3]->shape.dims[0],
          k = 0;
  TN_TRY(tn_copy_zero(r->outputs[0]->dtype, r->outputs[0]->data, n));
  for (int64_t i = 0; i < n && k < kept; i++) {
    bool same = true;
    for (int64_t d = 0; d < rank; d++) same = same && in[i * rank + d] - start[d] == out[k * rank + d];
    if (same) TN_TRY(tn_sparse_copy(r->outputs[0], i, r->inputs[0], k++));
  }
  if (k != kept)
    return tn_run_errorf(r, TN_INTERNAL, "Elements of backprop_val_grad aren't all propagated: %lld of %lld",
                         (long long)k, (long long)kept);
  return NULL;
}

static tn_error *slice_grad_shape(tn_shape_ctx *c) {
  tn_shape in;
  TN_TRY(tn_shape_with_rank(c, 1, 2, &in));
  c->out[0] = tn_shape_of(1, in.dims);
  return NULL;
}

static const tn_kernel_def reorder_kernels[] = {{.name = "reference", .prepare = reorder_prepare, .run = reorder_run},
                                                {0}};
static const tn_kernel_def reshape_kernels[] = {{.name = "reference", .prepare = reshape_prepare, .run = reshape_run},
                                                {0}};
static const tn_kernel_def slice_kernels[] = {{.name = "reference", .prepare = slice_prepare, .run = slice_run}, {0}};
static const tn_kernel_def slice_grad_kernels[] = {
    {.name = "reference", .types = TN_NUMBERS, .prepare = slice_grad_prepare, .run = slice_grad_run}, {0}};

TN_OP(SparseReorder, .inputs = "input_indices: int64, input_values: T, input_shape: int64",
      .outputs = "output_indices: int64, output_values: T", .attrs = "T: type",
      .doc = "A sparse tensor with its elements in row-major order.", .shape = reorder_shape,
      .gradient = reorder_gradient, .kernels = reorder_kernels);

TN_OP(SparseReshape, .inputs = "input_indices: int64, input_shape: int64, new_shape: int64",
      .outputs = "output_indices: int64, output_shape: int64", .attrs = "",
      .doc = "The places of a sparse tensor's elements under another shape.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = reshape_shape, .kernels = reshape_kernels);

TN_OP(SparseSlice, .inputs = "indices: int64, values: T, shape: int64, start: int64, size: int64",
      .outputs = "output_indices: int64, output_values: T, output_shape: int64", .attrs = "T: type",
      .doc = "The part of a sparse tensor that begins at START and has SIZE at most.", .flags = TN_OP_DYNAMIC_SHAPE,
      .shape = slice_shape, .gradient = slice_gradient, .kernels = slice_kernels);

TN_OP(SparseSliceGrad,
      .inputs = "backprop_val_grad: T, input_indices: int64, input_start: int64, output_indices: int64",
      .outputs = "val_grad: T", .attrs = "T: numbertype", .doc = "The gradient of the values that SparseSlice cut.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = slice_grad_shape, .kernels = slice_grad_kernels);
