/* TridiagonalMatMul: products of matrices with three diagonals, and how such diagonals are moved. */
#include "ops/linalg/tridiagonal.h"

#include "ops/linalg/dense.h"

/* --- moves --- */

enum { END = INT32_MAX };

/* Rows or columns [BEGIN, END) of matrices. */
static tn_output part(tn_scope *s, tn_output x, bool rows, int64_t begin, int64_t end) {
  const int64_t from[] = {0, rows ? begin : 0, rows ? 0 : begin}, to[] = {0, rows ? end : END, rows ? END : end},
                step[] = {1, 1, 1};
  return tn_build(s, "StridedSlice",
                  TN_IN(x, tn_build_ints(s, TN_INT32, 3, from), tn_build_ints(s, TN_INT32, 3, to),
                        tn_build_ints(s, TN_INT32, 3, step)),
                  TN_ATTRS(TN_A_INT("ellipsis_mask", 1)));
}

tn_output tn_build_rows(tn_scope *s, tn_output x, int64_t begin, int64_t end) { return part(s, x, true, begin, end); }

/* All but the first (FORTH) or last row or column, with zeros at the other end. */
static tn_output shift(tn_scope *s, tn_output x, bool rows, bool forth) {
  const tn_output zeros = tn_build1(s, "ZerosLike", part(s, x, rows, 0, 1));
  const tn_output kept = forth ? part(s, x, rows, 1, END) : part(s, x, rows, 0, -1);
  const tn_output axis = tn_build_scalar(s, TN_INT32, rows ? -2 : -1);
  return tn_build(s, "ConcatV2", forth ? TN_IN(kept, zeros, axis) : TN_IN(zeros, kept, axis), NULL);
}

tn_output tn_build_shift_left(tn_scope *s, tn_output x) { return shift(s, x, false, true); }
tn_output tn_build_shift_right(tn_scope *s, tn_output x) { return shift(s, x, false, false); }
tn_output tn_build_shift_up(tn_scope *s, tn_output x) { return shift(s, x, true, true); }
tn_output tn_build_shift_down(tn_scope *s, tn_output x) { return shift(s, x, true, false); }

tn_output tn_build_row_dots(tn_scope *s, tn_output x, tn_output y) {
  return tn_build_sum(s, tn_build2(s, "Mul", x, y), tn_build_scalar(s, TN_INT32, -1), false);
}

/* --- shapes and gradient --- */

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape rhs;
  TN_TRY(tn_shape_at_least_rank(c, 3, 2, &rhs));
  tn_shape batch = tn_matrix_batch(&rhs);
  int64_t n = tn_matrix_dim(&rhs, 2), one;
  for (int i = 0; i < 3; i++) {
    tn_shape d;
    TN_TRY(tn_shape_at_least_rank(c, i, 2, &d));
    const tn_shape its = tn_matrix_batch(&d);
    TN_TRY(tn_shape_merge(c, &batch, &its, &batch));
    TN_TRY(tn_dim_merge(c, n, tn_matrix_dim(&d, 1), &n));
    TN_TRY(tn_dim_merge(c, tn_matrix_dim(&d, 2), 1, &one));
  }
  c->out[0] = rhs;
  return NULL;
}

static tn_output conjugate(tn_scope *s, tn_output x) {
  return tn_dtype_is_complex(tn_dtype_base(tn_output_dtype(x))) ? tn_build1(s, "Conj", x) : x;
}

/* A row as a column, conjugated. */
static tn_output column(tn_scope *s, tn_output x) {
  return conjugate(
      s, tn_build(s, "Einsum", TN_IN(x), TN_ATTRS(TN_A_INT("N", 1), TN_A_STRING("equation", "...ij->...ji"))));
}

static tn_error *gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  const tn_output g = tn_grad_dense(c, 0), b = conjugate(s, tn_grad_x(c, 3));
  const tn_output rights[] = {tn_build_shift_up(s, b), b, tn_build_shift_down(s, b)};
  tn_output back[3];
  for (int i = 0; i < 3; i++) {
    tn_grad_set(c, i, tn_build2(s, "ExpandDims", tn_build_row_dots(s, rights[i], g), tn_build_scalar(s, TN_INT32, -2)));
    back[i] = tn_build2(s, "Mul", column(s, tn_grad_x(c, i)), g);
  }
  tn_grad_set(c, 3,
              tn_build2(s, "AddV2", tn_build2(s, "AddV2", tn_build_shift_down(s, back[0]), back[1]),
                        tn_build_shift_up(s, back[2])));
  return NULL;
}

/* --- kernel --- */

static tn_error *prepare(tn_prepare *p) {
  const tn_shape *b = &p->inputs[3].shape;
  for (int i = 0; i < 3; i++) {
    tn_shape wanted = *b;
    if (b->rank >= 2) {
      wanted.dims[b->rank - 1] = b->dims[b->rank - 2];
      wanted.dims[b->rank - 2] = 1;
    }
    if (b->rank < 2 || !tn_shape_equal(&p->inputs[i].shape, &wanted))
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                               "each diagonal must be a row for the rows of rhs; rhs is %s, diagonal %d is %s",
                               TN_SHAPE_STR(b), i, TN_SHAPE_STR(&p->inputs[i].shape));
  }
  const int64_t n = tn_matrix_dim(b, 2), m = tn_matrix_dim(b, 1);
  p->scratch = (size_t)(3 * n + 2 * n * m) * sizeof(tn_z);
  return tn_prepare_output(p, 0, b);
}

static tn_error *run(tn_run *r) {
  int64_t n, m;
  const int64_t count = tn_matrices(r->inputs[3], &n, &m);
  tn_z *d = r->scratch, *b = d + 3 * n, *out = b + n * m;
  for (int64_t c = 0; c < count; c++) {
    for (int i = 0; i < 3; i++) tn_dense_get(r->inputs[i], c * n, n, d + i * n);
    tn_dense_get(r->inputs[3], c * n * m, n * m, b);
    for (int64_t i = 0; i < n; i++)
      for (int64_t j = 0; j < m; j++) {
        tn_z sum = d[n + i] * b[i * m + j];
        if (i + 1 < n) sum += d[i] * b[(i + 1) * m + j];
        if (i > 0) sum += d[2 * n + i] * b[(i - 1) * m + j];
        out[i * m + j] = sum;
      }
    tn_dense_put(r->outputs[0], c * n * m, n * m, out);
  }
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(TridiagonalMatMul, .inputs = "superdiag: T, maindiag: T, subdiag: T, rhs: T", .outputs = "output: T",
      .attrs = "T: {double, float, complex64, complex128}", .doc = "Products of matrices that have three diagonals.",
      .shape = shape, .gradient = gradient, .kernels = kernels);
