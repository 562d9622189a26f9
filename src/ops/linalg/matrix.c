/* Shapes of batches of matrices, their products in wide elements, and the words that gradients need. */
#include "ops/linalg/matrix.h"

int64_t tn_matrix_dim(const tn_shape *shape, int from_end) {
  return shape->rank < from_end ? -1 : shape->dims[shape->rank - from_end];
}

tn_shape tn_matrix_batch(const tn_shape *shape) {
  if (shape->rank < 2) return tn_shape_unknown();
  return tn_shape_of(shape->rank - 2, shape->dims);
}

tn_error *tn_matrix_shape(const tn_shape_ctx *c, const tn_shape *batch, int64_t rows, int64_t columns, tn_shape *out) {
  if (batch->rank < 0) {
    *out = tn_shape_unknown();
    return NULL;
  }
  if (batch->rank + 2 > TN_MAX_RANK)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "the result would have rank %d, the largest is %d",
                          batch->rank + 2, TN_MAX_RANK);
  *out = *batch;
  out->dims[out->rank++] = rows;
  out->dims[out->rank++] = columns;
  return NULL;
}

/* Row by row of C, so that rows of B are read in order: DEFINE_PRODUCT makes the function for one element type. */
#define DEFINE_PRODUCT(NAME, TYPE, FLIP_A, FLIP_B)                                                                     \
  static void NAME(const tn_product *p, const TYPE *a, const TYPE *b, TYPE *c) {                                       \
    for (int64_t i = 0; i < p->m; i++, c += p->n) {                                                                    \
      for (int64_t j = 0; j < p->n; j++) c[j] = 0;                                                                     \
      for (int64_t k = 0; k < p->k; k++) {                                                                             \
        const TYPE x = FLIP_A(a[i * p->a_row + k * p->a_col]);                                                         \
        for (int64_t j = 0; j < p->n; j++) c[j] += x * FLIP_B(b[k * p->b_row + j * p->b_col]);                         \
      }                                                                                                                \
    }                                                                                                                  \
  }
#define AS_IS(x)       (x)
#define CONJUGATE_A(x) (p->conjugate_a ? conj(x) : (x))
#define CONJUGATE_B(x) (p->conjugate_b ? conj(x) : (x))
DEFINE_PRODUCT(product_real, double, AS_IS, AS_IS)
DEFINE_PRODUCT(product_int, uint64_t, AS_IS, AS_IS)
DEFINE_PRODUCT(product_complex, double complex, CONJUGATE_A, CONJUGATE_B)

void tn_product_reference(tn_wide wide, const tn_product *p, const void *a, const void *b, void *c) {
  if (wide == TN_WIDE_REAL)
    product_real(p, a, b, c);
  else if (wide == TN_WIDE_INT)
    product_int(p, a, b, c);
  else
    product_complex(p, a, b, c);
}

/* Steps through a broadcast batch: 0 along dimensions that repeat. */
static void batch_steps(const tn_shape *in, const tn_shape *batch, int64_t step[TN_MAX_RANK]) {
  int64_t size = in->dims[in->rank - 1] * in->dims[in->rank - 2];
  for (int i = batch->rank - 1, j = in->rank - 3; i >= 0; i--, j--) {
    step[i] = j < 0 || in->dims[j] == 1 ? 0 : size;
    if (j >= 0) size *= in->dims[j];
  }
}

static void product_fill(tn_batch_product *b, const tn_shape *x, const tn_shape *y) {
  const int64_t x_columns = tn_matrix_dim(x, 1), y_columns = tn_matrix_dim(y, 1);
  tn_product *one = &b->one;
  one->m = tn_matrix_dim(x, b->transpose_a ? 1 : 2);
  one->k = tn_matrix_dim(x, b->transpose_a ? 2 : 1);
  one->n = tn_matrix_dim(y, b->transpose_b ? 2 : 1);
  one->a_row = b->transpose_a ? 1 : x_columns;
  one->a_col = b->transpose_a ? x_columns : 1;
  one->b_row = b->transpose_b ? 1 : y_columns;
  one->b_col = b->transpose_b ? y_columns : 1;
}

tn_error *tn_batch_product_prepare(tn_prepare *p, bool transpose_a, bool transpose_b, bool broadcast,
                                   tn_batch_product *out) {
  const tn_shape *x = &p->inputs[0].shape, *y = &p->inputs[1].shape;
  if (x->rank < 2 || y->rank < 2)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "matrices expected, got a %s and b %s", TN_SHAPE_STR(x),
                             TN_SHAPE_STR(y));
  tn_batch_product b = {.transpose_a = transpose_a, .transpose_b = transpose_b};
  product_fill(&b, x, y);
  if (b.one.k != tn_matrix_dim(y, transpose_b ? 1 : 2))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "inner dimensions differ: a is %s%s and b is %s%s",
                             TN_SHAPE_STR(x), transpose_a ? " transposed" : "", TN_SHAPE_STR(y),
                             transpose_b ? " transposed" : "");
  const tn_shape x_batch = tn_matrix_batch(x), y_batch = tn_matrix_batch(y);
  tn_shape batch;
  if (broadcast ? !tn_shape_broadcast(&x_batch, &y_batch, &batch) : !tn_shape_equal(&x_batch, &y_batch))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "batch dimensions don't agree: a is %s and b is %s",
                             TN_SHAPE_STR(x), TN_SHAPE_STR(y));
  if (!broadcast) batch = x_batch;
  batch_steps(x, &batch, b.a_step);
  batch_steps(y, &batch, b.b_step);
  b.rank = batch.rank;
  b.count = tn_shape_elements(&batch);
  for (int i = 0; i < batch.rank; i++) b.dims[i] = batch.dims[i];
  if (batch.rank + 2 > TN_MAX_RANK)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "the result would have rank %d", batch.rank + 2);
  batch.dims[batch.rank++] = b.one.m;
  batch.dims[batch.rank++] = b.one.n;
  TN_TRY(tn_prepare_output(p, 0, &batch));
  *out = b;
  return NULL;
}

void tn_batch_product_offsets(const tn_batch_product *b, int64_t i, int64_t *a_offset, int64_t *b_offset) {
  *a_offset = *b_offset = 0;
  for (int d = b->rank - 1; d >= 0; d--) {
    *a_offset += i % b->dims[d] * b->a_step[d];
    *b_offset += i % b->dims[d] * b->b_step[d];
    i /= b->dims[d];
  }
}

tn_output tn_build_matmul(tn_scope *s, tn_output x, tn_output y, bool adjoint_x, bool adjoint_y, tn_dtype t) {
  if (s->error) return TN_NONE;
  const tn_dtype xt = tn_dtype_base(tn_output_dtype(x)), yt = tn_dtype_base(tn_output_dtype(y));
  if (xt == yt && xt == t)
    return tn_build(s, "BatchMatMulV2", TN_IN(x, y),
                    TN_ATTRS(TN_A_BOOL("adj_x", adjoint_x), TN_A_BOOL("adj_y", adjoint_y)));
  return tn_build(s, "BatchMatMulV3", TN_IN(x, y),
                  TN_ATTRS(TN_A_TYPE("Tout", t), TN_A_BOOL("adj_x", adjoint_x), TN_A_BOOL("adj_y", adjoint_y)));
}

/* shape[:-2] of a shape vector. */
static tn_output batch_of(tn_scope *s, tn_output shape) {
  const int64_t zero = 0, end = -2, one = 1;
  return tn_build(s, "StridedSlice",
                  TN_IN(shape, tn_build_ints(s, TN_INT32, 1, &zero), tn_build_ints(s, TN_INT32, 1, &end),
                        tn_build_ints(s, TN_INT32, 1, &one)),
                  TN_ATTRS(TN_A_INT("begin_mask", 1)));
}

void tn_build_unbroadcast_batch(tn_scope *s, tn_output x, tn_output y, tn_output *gx, tn_output *gy) {
  if (s->error) return;
  const tn_shape x_shape = tn_output_shape(x), y_shape = tn_output_shape(y);
  const tn_shape x_batch = tn_matrix_batch(&x_shape), y_batch = tn_matrix_batch(&y_shape);
  if (tn_shape_known(&x_batch) && tn_shape_known(&y_batch) && tn_shape_equal(&x_batch, &y_batch)) return;
  const tn_output sx = tn_build_shape_of(s, x), sy = tn_build_shape_of(s, y);
  const tn_output axes = tn_build2(s, "BroadcastGradientArgs", batch_of(s, sx), batch_of(s, sy));
  *gx = tn_build2(s, "Reshape", tn_build_sum(s, *gx, axes, false), sx);
  *gy = tn_build2(s, "Reshape", tn_build_sum(s, *gy, tn_nth(axes, 1), false), sy);
}
