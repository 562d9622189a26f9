/* Dense solvers in complex double, and the shapes of the ops that use them. */
#include "ops/linalg/dense.h"

size_t tn_dense_scratch(const tn_tensor *t) { return ((size_t)tn_elements(t) * sizeof(tn_z) + 63) / 64 * 64; }

/* Elements go through a small buffer of wide ones. */
enum { BUFFER = 64 };

void tn_dense_get(const tn_tensor *t, int64_t at, int64_t n, tn_z *out) {
  const char *from = (const char *)t->data + (size_t)at * tn_dtype_size(t->dtype);
  if (tn_wide_of(t->dtype) == TN_WIDE_COMPLEX) {
    tn_widen(t->dtype, from, n, out);
    return;
  }
  double wide[BUFFER];
  for (int64_t i = 0; i < n; i += BUFFER) {
    const int64_t some = n - i < BUFFER ? n - i : BUFFER;
    tn_widen(t->dtype, from + (size_t)i * tn_dtype_size(t->dtype), some, wide);
    for (int64_t j = 0; j < some; j++) out[i + j] = wide[j];
  }
}

void tn_dense_put(tn_tensor *t, int64_t at, int64_t n, const tn_z *in) {
  char *to = (char *)t->data + (size_t)at * tn_dtype_size(t->dtype);
  if (tn_wide_of(t->dtype) == TN_WIDE_COMPLEX) {
    tn_narrow(t->dtype, in, n, to);
    return;
  }
  double wide[BUFFER];
  for (int64_t i = 0; i < n; i += BUFFER) {
    const int64_t some = n - i < BUFFER ? n - i : BUFFER;
    for (int64_t j = 0; j < some; j++) wide[j] = creal(in[i + j]);
    tn_narrow(t->dtype, wide, some, to + (size_t)i * tn_dtype_size(t->dtype));
  }
}

bool tn_dense_lu(tn_z *a, int64_t n, int64_t *pivots, int *sign) {
  bool regular = true;
  *sign = 1;
  for (int64_t k = 0; k < n; k++) {
    int64_t best = k;
    for (int64_t i = k + 1; i < n; i++)
      if (cabs(a[i * n + k]) > cabs(a[best * n + k])) best = i;
    pivots[k] = best;
    if (a[best * n + k] == 0) {
      regular = false;
      continue;
    }
    if (best != k) *sign = -*sign;
    for (int64_t j = 0; j < n && best != k; j++) {
      const tn_z t = a[k * n + j];
      a[k * n + j] = a[best * n + j];
      a[best * n + j] = t;
    }
    for (int64_t i = k + 1; i < n; i++) {
      const tn_z factor = a[i * n + k] /= a[k * n + k];
      for (int64_t j = k + 1; j < n; j++) a[i * n + j] -= factor * a[k * n + j];
    }
  }
  return regular;
}

void tn_dense_lu_solve(const tn_z *a, int64_t n, const int64_t *pivots, tn_z *b, int64_t m) {
  for (int64_t k = 0; k < n; k++)
    for (int64_t j = 0; j < m && pivots[k] != k; j++) {
      const tn_z t = b[k * m + j];
      b[k * m + j] = b[pivots[k] * m + j];
      b[pivots[k] * m + j] = t;
    }
  for (int64_t i = 0; i < n; i++)
    for (int64_t k = 0; k < i; k++)
      for (int64_t j = 0; j < m; j++) b[i * m + j] -= a[i * n + k] * b[k * m + j];
  for (int64_t i = n - 1; i >= 0; i--) {
    for (int64_t k = i + 1; k < n; k++)
      for (int64_t j = 0; j < m; j++) b[i * m + j] -= a[i * n + k] * b[k * m + j];
    for (int64_t j = 0; j < m; j++) b[i * m + j] /= a[i * n + i];
  }
}

void tn_dense_adjoint(tn_z *a, int64_t n) {
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = i; j < n; j++) {
      const tn_z t = conj(a[i * n + j]);
      a[i * n + j] = conj(a[j * n + i]);
      a[j * n + i] = t;
    }
}

tn_error *tn_square_shape(tn_shape_ctx *c, int i, tn_shape *out) {
  tn_shape s;
  int64_t n;
  TN_TRY(tn_shape_at_least_rank(c, i, 2, &s));
  if (s.rank >= 2) {
    TN_TRY(tn_dim_merge(c, s.dims[s.rank - 1], s.dims[s.rank - 2], &n));
    s.dims[s.rank - 1] = s.dims[s.rank - 2] = n;
  }
  *out = s;
  return NULL;
}

tn_error *tn_square_unchanged(tn_shape_ctx *c) { return tn_square_shape(c, 0, &c->out[0]); }

tn_error *tn_square_check(const tn_prepare *p, int i) {
  const tn_shape *s = &p->inputs[i].shape;
  if (s->rank >= 2 && s->dims[s->rank - 1] == s->dims[s->rank - 2]) return NULL;
  return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input matrices must be square, got %s", TN_SHAPE_STR(s));
}

int64_t tn_matrices(const tn_tensor *t, int64_t *rows, int64_t *columns) {
  int64_t n = 1;
  for (int i = 0; i < t->shape.rank - 2; i++) n *= t->shape.dims[i];
  *rows = t->shape.dims[t->shape.rank - 2];
  *columns = t->shape.dims[t->shape.rank - 1];
  return n;
}
