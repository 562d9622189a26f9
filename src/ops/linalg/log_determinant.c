/* LogMatrixDeterminant and Lu: factors by elimination. */
#include <math.h>
#include <string.h>

#include "ops/array/array.h"
#include "ops/linalg/dense.h"

static tn_error *log_prepare(tn_prepare *p) {
  TN_TRY(tn_square_check(p, 0));
  tn_shape out = p->inputs[0].shape;
  const int64_t n = out.dims[out.rank - 1];
  out.rank -= 2;
  p->scratch = (size_t)(n * n) * sizeof(tn_z) + (size_t)n * sizeof(int64_t);
  TN_TRY(tn_prepare_output(p, 0, &out));
  return tn_prepare_output(p, 1, &out);
}

static tn_error *log_run(tn_run *r) {
  int64_t n, columns;
  const int64_t count = tn_matrices(r->inputs[0], &n, &columns);
  tn_z *a = r->scratch;
  int64_t *pivots = (int64_t *)(a + n * n);
  for (int64_t i = 0; i < count; i++) {
    int sign;
    tn_dense_get(r->inputs[0], i * n * n, n * n, a);
    tn_dense_lu(a, n, pivots, &sign);
    tn_z phase = sign, log_size = 0;
    for (int64_t k = 0; k < n; k++) {
      const double size = cabs(a[k * n + k]);
      log_size += log(size);
      phase *= size > 0 ? a[k * n + k] / size : 0;
    }
    tn_dense_put(r->outputs[0], i, 1, &phase);
    tn_dense_put(r->outputs[1], i, 1, &log_size);
  }
  return NULL;
}

static tn_error *log_shape(tn_shape_ctx *c) {
  tn_shape s;
  TN_TRY(tn_square_shape(c, 0, &s));
  c->out[0] = c->out[1] = s.rank < 0 ? s : tn_shape_part(&s, 0, s.rank - 2);
  return NULL;
}

static tn_error *log_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  const tn_output inverse = tn_build(s, "MatrixInverse", TN_IN(tn_grad_x(c, 0)), TN_ATTRS(TN_A_BOOL("adjoint", true)));
  const tn_output last = tn_build_scalar(s, TN_INT32, -1);
  const tn_output g = tn_build2(s, "ExpandDims", tn_build2(s, "ExpandDims", tn_grad_dense(c, 1), last), last);
  tn_grad_set(c, 0, tn_build2(s, "Mul", g, inverse));
  return NULL;
}

/* --- Lu --- */

static tn_error *lu_prepare(tn_prepare *p) {
  TN_TRY(tn_square_check(p, 0));
  tn_shape places = p->inputs[0].shape;
  const int64_t n = places.dims[--places.rank];
  p->scratch = (size_t)(n * n) * sizeof(tn_z) + (size_t)n * sizeof(int64_t);
  TN_TRY(tn_prepare_output(p, 0, &p->inputs[0].shape));
  return tn_prepare_output(p, 1, &places);
}

static tn_error *lu_run(tn_run *r) {
  int64_t n, columns;
  const int64_t count = tn_matrices(r->inputs[0], &n, &columns);
  tn_z *a = r->scratch;
  int64_t *pivots = (int64_t *)(a + n * n);
  for (int64_t i = 0; i < count; i++) {
    int sign;
    tn_dense_get(r->inputs[0], i * n * n, n * n, a);
    if (!tn_dense_lu(a, n, pivots, &sign)) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Input is not invertible.");
    tn_dense_put(r->outputs[0], i * n * n, n * n, a);
    for (int64_t k = 0; k < n; k++) tn_int_put(r->outputs[1], i * n + k, k);
    for (int64_t k = 0; k < n; k++) {
      const int64_t t = tn_int_at(r->outputs[1], i * n + k);
      tn_int_put(r->outputs[1], i * n + k, tn_int_at(r->outputs[1], i * n + pivots[k]));
      tn_int_put(r->outputs[1], i * n + pivots[k], t);
    }
  }
  return NULL;
}

static tn_error *lu_shape(tn_shape_ctx *c) {
  tn_shape s;
  TN_TRY(tn_square_shape(c, 0, &s));
  c->out[0] = s;
  c->out[1] = s.rank < 0 ? s : tn_shape_part(&s, 0, s.rank - 1);
  return NULL;
}

static const tn_kernel_def log_kernels[] = {{.name = "reference", .prepare = log_prepare, .run = log_run}, {0}};
static const tn_kernel_def lu_kernels[] = {
    {.name = "reference", .type_attr = "T", .prepare = lu_prepare, .run = lu_run}, {0}};

TN_OP(LogMatrixDeterminant, .inputs = "input: T", .outputs = "sign: T, log_abs_determinant: T",
      .attrs = "T: {half, float, double, complex64, complex128}",
      .doc = "The signs and the logarithms of the absolute values of determinants.", .shape = log_shape,
      .gradient = log_gradient, .kernels = log_kernels);

TN_OP(Lu, .inputs = "input: T", .outputs = "lu: T, p: output_idx_type",
      .attrs = "T: {double, float, half, complex64, complex128}; output_idx_type: indextype = DT_INT32",
      .doc = "Triangular factors of matrices, both in one, and the rows' order.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = lu_shape, .kernels = lu_kernels);
