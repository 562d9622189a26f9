/* FFT, IFFT, RFFT, IRFFT and their kin over two and three dimensions: the innermost ones of each tensor. */
#include <string.h>

#include "base/alloc.h"
#include "graph/build.h"
#include "graph/shape.h"
#include "kernel/fft.h"
#include "kernel/kernel.h"

typedef enum kind { COMPLEX, REAL_IN, REAL_OUT } kind;

/* A transform over RANK dimensions of each of BATCH blocks. In memory they are complex doubles [wide...], of which the
 * last holds half a spectrum, and one more, where the values outside are real. */
typedef struct fft {
  kind kind;
  int rank;
  bool inverse;
  int64_t batch, length[3], in[3], out[3], half; /* in, out: the sizes in the tensors */
  tn_fft *plan[3];
} fft;

static void destroy(void *state) {
  fft *f = state;
  for (int i = 0; i < 3; i++) tn_fft_free(f->plan[i]);
  tn_free(f);
}

/* --- set-up --- */

static tn_error *read_lengths(tn_prepare *p, fft *f, const tn_shape *s) {
  int n;
  int64_t lengths[3];
  const int64_t *dims = s->dims + s->rank - f->rank;
  for (int i = 0; i < f->rank; i++) f->in[i] = f->length[i] = dims[i];
  if (f->kind == COMPLEX) return NULL;
  if (p->inputs[1].shape.rank != 1 || p->inputs[1].shape.dims[0] != f->rank)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "fft_length must have shape [%d], not %s", f->rank,
                             TN_SHAPE_STR(&p->inputs[1].shape));
  TN_TRY(tn_prepare_ints(p, 1, 3, &n, lengths));
  for (int i = 0; i < f->rank; i++) {
    if (lengths[i] < 0)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "fft_length[%d] must be >= 0, but is %lld", i,
                               (long long)lengths[i]);
    f->length[i] = lengths[i];
    const int64_t need = f->kind == REAL_OUT && i == f->rank - 1 ? lengths[i] / 2 + 1 : lengths[i];
    if (dims[i] != 0 && dims[i] < need)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                               "Input dimension %d must have length of at least %lld but got: %lld",
                               s->rank - f->rank + i, (long long)need, (long long)dims[i]);
  }
  return NULL;
}

static tn_error *prepare(tn_prepare *p, kind kind, int rank, bool inverse) {
  const tn_shape *s = &p->inputs[0].shape;
  fft *f;
  TN_TRY(tn_prepare_state(p, sizeof *f, &f));
  *f = (fft){.kind = kind, .rank = rank, .inverse = inverse, .batch = 1};
  if (s->rank < rank)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Input must have rank of at least %d but got: %s", rank,
                             TN_SHAPE_STR(s));
  TN_TRY(read_lengths(p, f, s));
  tn_shape out = *s;
  for (int i = 0; i < s->rank - rank; i++) f->batch *= s->dims[i];
  for (int i = 0; i < rank; i++) {
    f->out[i] = f->length[i];
    if (kind == REAL_IN && i == rank - 1) f->out[i] = f->length[i] ? f->length[i] / 2 + 1 : 0;
    out.dims[s->rank - rank + i] = f->out[i];
    if (f->length[i] >= INT32_MAX)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "a transform of %lld elements is too long",
                               (long long)f->length[i]);
    if (f->length[i] > 0) TN_TRY(tn_fft_new(f->length[i], &f->plan[i]));
  }
  f->half = f->length[rank - 1] / 2 + 1;
  int64_t elements = f->length[rank - 1], longest = 0;
  for (int i = 0; i < rank; i++) {
    if (i < rank - 1) elements *= f->length[i];
    const int64_t need = f->plan[i] ? f->length[i] + tn_fft_scratch(f->plan[i]) : 0;
    if (need > longest) longest = need;
  }
  p->scratch = (size_t)(elements + longest + 8) * sizeof(double complex);
  return tn_prepare_output(p, 0, &out);
}

/* --- running --- */

static double complex read_at(const tn_tensor *t, int64_t i) {
  switch (t->dtype) {
  case TN_FLOAT: return (double)TN_DATA(float, t)[i];
  case TN_DOUBLE: return TN_DATA(double, t)[i];
  case TN_COMPLEX64: return tn_complex((double)TN_DATA(float, t)[2 * i], (double)TN_DATA(float, t)[2 * i + 1]);
  default: return tn_complex(TN_DATA(double, t)[2 * i], TN_DATA(double, t)[2 * i + 1]);
  }
}

static void write_at(const tn_tensor *t, int64_t i, double complex x) {
  switch (t->dtype) {
  case TN_FLOAT: TN_DATA(float, t)[i] = (float)creal(x); break;
  case TN_DOUBLE: TN_DATA(double, t)[i] = creal(x); break;
  case TN_COMPLEX64:
    TN_DATA(float, t)[2 * i] = (float)creal(x);
    TN_DATA(float, t)[2 * i + 1] = (float)cimag(x);
    break;
  default: TN_DATA(double, t)[2 * i] = creal(x); TN_DATA(double, t)[2 * i + 1] = cimag(x);
  }
}

/* The transform along dimension D of the block X, whose rows along the last dimension hold WIDTH elements. */
static void along(const fft *f, int d, int64_t width, double complex *x, double complex *room) {
  int64_t outer = 1, inner = 1;
  for (int i = 0; i < d; i++) outer *= f->length[i];
  for (int i = d + 1; i < f->rank; i++) inner *= i == f->rank - 1 ? width : f->length[i];
  const int64_t n = f->length[d];
  for (int64_t a = 0; a < outer; a++) {
    for (int64_t b = 0; b < inner; b++) {
      double complex *at = x + a * n * inner + b;
      for (int64_t k = 0; k < n; k++) room[k] = at[k * inner];
      tn_fft_run(f->plan[d], room, f->inverse, room + n);
      for (int64_t k = 0; k < n; k++) at[k * inner] = room[k];
    }
  }
}

/* The place in the block of row R (of all but the last dimension), where the sizes are SIZES. */
static int64_t row_at(const fft *f, int64_t r, const int64_t *sizes) {
  int64_t at = 0, step = 1;
  for (int i = f->rank - 2; i >= 0; i--) {
    at += r % f->length[i] * step;
    r /= f->length[i];
    step *= sizes[i];
  }
  return at;
}

static void run_block(const fft *f, const tn_tensor *in, int64_t from, const tn_tensor *out, int64_t to,
                      double complex *x) {
  const int last = f->rank - 1;
  const int64_t n = f->length[last], width = f->kind == REAL_OUT ? f->half : n;
  int64_t rows = 1;
  for (int i = 0; i < last; i++) rows *= f->length[i];
  double complex *room = x + rows * n;
  for (int64_t r = 0; r < rows; r++)
    for (int64_t k = 0; k < width; k++) x[r * width + k] = read_at(in, from + row_at(f, r, f->in) * f->in[last] + k);
  if (f->kind != REAL_OUT)
    for (int d = 0; d < f->rank; d++) along(f, d, n, x, room);
  for (int d = 0; d < last && f->kind == REAL_OUT; d++) along(f, d, width, x, room);
  for (int64_t r = 0; r < rows; r++) {
    double complex *row = x + r * width;
    if (f->kind == REAL_OUT) { /* the other half mirrors this one */
      for (int64_t k = 0; k < n; k++) room[k] = k < width ? row[k] : conj(row[n - k]);
      room[0] = creal(room[0]);
      if (n % 2 == 0) room[n / 2] = creal(room[n / 2]);
      tn_fft_run(f->plan[last], room, true, room + n);
      row = room;
    }
    for (int64_t k = 0; k < f->out[last]; k++) write_at(out, to + row_at(f, r, f->out) * f->out[last] + k, row[k]);
  }
}

static tn_error *run(tn_run *r) {
  const fft *f = r->state;
  const tn_tensor *in = r->inputs[0], *out = r->outputs[0];
  const int64_t n = tn_elements(out);
  if (n == 0 || tn_elements(in) == 0) {
    memset(out->data, 0, (size_t)n * tn_dtype_size(out->dtype));
    return NULL;
  }
  const int64_t from = tn_elements(in) / f->batch, to = n / f->batch;
  for (int64_t b = 0; b < f->batch; b++) {
    TN_TRY(tn_run_check(r));
    run_block(f, in, b * from, out, b * to, r->scratch);
  }
  return NULL;
}

/* --- shapes --- */

static tn_error *shape_of(tn_shape_ctx *c, kind kind, int rank) {
  tn_shape s, lengths;
  int n;
  int64_t values[TN_MAX_RANK], size;
  TN_TRY(tn_shape_at_least_rank(c, 0, rank, &s));
  c->out[0] = s;
  if (kind == COMPLEX) return NULL;
  TN_TRY(tn_shape_with_rank(c, 1, 1, &lengths));
  if (lengths.rank == 1) TN_TRY(tn_dim_merge(c, lengths.dims[0], rank, &size));
  TN_TRY(tn_shape_vector_value(c, 1, &n, values));
  for (int i = 0; i < rank && s.rank >= 0; i++) {
    int64_t length = n == rank ? values[i] : -1;
    if (kind == REAL_IN && i == rank - 1 && length > 0) length = length / 2 + 1;
    c->out[0].dims[s.rank - rank + i] = length;
  }
  return NULL;
}

/* --- gradients --- */

static tn_output scalar(tn_scope *s, double value) { return tn_build_scalar(s, TN_INT32, value); }
static tn_output vector(tn_scope *s, int64_t value) { return tn_build_ints(s, TN_INT32, 1, &value); }

/* The product of the last RANK sizes, as a number of DTYPE. */
static tn_output size_as(tn_scope *s, tn_output x, int rank, tn_dtype dtype) {
  tn_output sizes =
      tn_build(s, "StridedSlice", TN_IN(tn_build_shape_of(s, x), vector(s, -rank), vector(s, 0), vector(s, 1)),
               TN_ATTRS(TN_A_INT("end_mask", 1)));
  return tn_build_cast(s, tn_build(s, "Prod", TN_IN(sizes, vector(s, 0)), NULL), dtype);
}

static tn_error *complex_gradient(tn_gradient_ctx *c, const char *op, int rank, bool inverse) {
  tn_scope *s = c->scope;
  tn_output g = tn_grad_dense(c, 0), back = tn_build1(s, op, g);
  tn_output size = size_as(s, g, rank, tn_node_get_type(c->node, "Tcomplex"));
  tn_grad_set(c, 0, tn_build2(s, inverse ? "RealDiv" : "Mul", back, size));
  return NULL;
}

/* X with zeros behind, in the sizes of LIKE. */
static tn_output padded(tn_scope *s, tn_output x, tn_output like) {
  tn_output from = tn_build_shape_of(s, x), to = tn_build_shape_of(s, like), more = tn_build2(s, "Sub", to, from);
  tn_output around = tn_build(s, "Pack", TN_IN(tn_build1(s, "ZerosLike", more), more), TN_ATTRS(TN_A_INT("axis", 1)));
  return tn_build2(s, "Pad", x, around);
}

/* Half a spectrum with zeros for the other half, transformed back: the real parts are the gradient. */
static tn_error *real_gradient(tn_gradient_ctx *c, const char *op, int rank) {
  tn_scope *s = c->scope;
  const tn_dtype wide = tn_node_get_type(c->node, "Tcomplex"), real = tn_node_get_type(c->node, "Treal");
  tn_output g = tn_grad_dense(c, 0), shape = tn_build_shape_of(s, g);
  tn_output length = tn_build(s, "StridedSlice", TN_IN(tn_grad_x(c, 1), vector(s, -1), vector(s, 0), vector(s, 1)),
                              TN_ATTRS(TN_A_INT("end_mask", 1)));
  tn_output outer = tn_build(s, "StridedSlice", TN_IN(shape, vector(s, 0), vector(s, -1), vector(s, 1)),
                             TN_ATTRS(TN_A_INT("begin_mask", 1)));
  tn_output have = tn_build(s, "StridedSlice", TN_IN(shape, vector(s, -1), vector(s, 0), vector(s, 1)),
                            TN_ATTRS(TN_A_INT("end_mask", 1)));
  tn_output missing = tn_build(s, "ConcatV2", TN_IN(outer, tn_build2(s, "Sub", length, have), scalar(s, 0)), NULL);
  tn_output zeros = tn_build2(s, "Fill", missing, tn_build_scalar(s, wide, 0));
  tn_output full = tn_build(s, "ConcatV2", TN_IN(g, zeros, scalar(s, -1)), NULL);
  tn_output parts = tn_build(s, "Real", TN_IN(tn_build1(s, op, full)), TN_ATTRS(TN_A_TYPE("Tout", real)));
  tn_grad_set(c, 0, padded(s, tn_build2(s, "Mul", parts, size_as(s, full, rank, real)), tn_grad_x(c, 0)));
  return NULL;
}

/* All but the first, and the last of an even number, stand for two. */
static tn_error *real_out_gradient(tn_gradient_ctx *c, const char *op, int rank) {
  tn_scope *s = c->scope;
  const tn_dtype wide = tn_node_get_type(c->node, "Tcomplex"), real = tn_node_get_type(c->node, "Treal");
  tn_output g = tn_grad_dense(c, 0), lengths = tn_grad_x(c, 1);
  tn_output spectrum = tn_build(s, op, TN_IN(g, lengths), TN_ATTRS(TN_A_TYPE("Tcomplex", wide)));
  tn_output last = tn_build(s, "StridedSlice", TN_IN(lengths, vector(s, -1), vector(s, 0), vector(s, 1)),
                            TN_ATTRS(TN_A_INT("end_mask", 1)));
  tn_output odd = tn_build2(s, "FloorMod", last, vector(s, 2));
  tn_output half = tn_build2(s, "FloorDiv", last, vector(s, 2));
  tn_output doubled = tn_build2(s, "AddV2", tn_build2(s, "Sub", half, vector(s, 1)), odd);
  tn_output one = tn_build2(s, "Fill", vector(s, 1), tn_build_scalar(s, real, 1));
  tn_output twos = tn_build2(s, "Fill", doubled, tn_build_scalar(s, real, 2));
  tn_output end = tn_build2(s, "Fill", tn_build2(s, "Sub", vector(s, 1), odd), tn_build_scalar(s, real, 1));
  tn_output mask = tn_build(s, "ConcatV2", TN_IN(one, twos, end, scalar(s, 0)), NULL);
  mask = tn_build2(s, "RealDiv", mask, size_as(s, g, rank, real));
  tn_output back = tn_build2(s, "Mul", spectrum, tn_build_cast(s, mask, wide));
  tn_grad_set(c, 0, padded(s, back, tn_grad_x(c, 0)));
  return NULL;
}

/* --- records --- */

#define TRANSFORM(NAME, KIND, RANK, INVERSE, TYPES, TYPE_ATTR)                                                         \
  static tn_error *NAME##_prepare(tn_prepare *p) { return prepare(p, KIND, RANK, INVERSE); }                           \
  static tn_error *NAME##_shape(tn_shape_ctx *c) { return shape_of(c, KIND, RANK); }                                   \
  static const tn_kernel_def NAME##_kernels[] = {{.name = "reference",                                                 \
                                                  .types = TYPES,                                                      \
                                                  .type_attr = TYPE_ATTR,                                              \
                                                  .prepare = NAME##_prepare,                                           \
                                                  .run = run,                                                          \
                                                  .destroy = destroy},                                                 \
                                                 {0}};
#define TRANSFORMS(RANK)                                                                                               \
  TRANSFORM(fft##RANK, COMPLEX, RANK, false, TN_COMPLEXES, "Tcomplex")                                                 \
  TRANSFORM(ifft##RANK, COMPLEX, RANK, true, TN_COMPLEXES, "Tcomplex")                                                 \
  TRANSFORM(rfft##RANK, REAL_IN, RANK, false, TN_BIT(TN_FLOAT) | TN_BIT(TN_DOUBLE), "Treal")                           \
  TRANSFORM(irfft##RANK, REAL_OUT, RANK, true, TN_BIT(TN_FLOAT) | TN_BIT(TN_DOUBLE), "Treal")
TRANSFORMS(1)
TRANSFORMS(2)
TRANSFORMS(3)

#define GRADIENTS(RANK, SUFFIX)                                                                                        \
  static tn_error *fft##RANK##_gradient(tn_gradient_ctx *c) {                                                          \
    return complex_gradient(c, "IFFT" SUFFIX, RANK, false);                                                            \
  }                                                                                                                    \
  static tn_error *ifft##RANK##_gradient(tn_gradient_ctx *c) { return complex_gradient(c, "FFT" SUFFIX, RANK, true); }
GRADIENTS(1, "")
GRADIENTS(2, "2D")
GRADIENTS(3, "3D")
static tn_error *rfft1_gradient(tn_gradient_ctx *c) { return real_gradient(c, "IFFT", 1); }
static tn_error *rfft2_gradient(tn_gradient_ctx *c) { return real_gradient(c, "IFFT2D", 2); }
static tn_error *irfft1_gradient(tn_gradient_ctx *c) { return real_out_gradient(c, "RFFT", 1); }
static tn_error *irfft2_gradient(tn_gradient_ctx *c) { return real_out_gradient(c, "RFFT2D", 2); }

#define COMPLEX_OP                                                                                                     \
  .inputs = "input: Tcomplex", .outputs = "output: Tcomplex",                                                          \
  .attrs = "Tcomplex: {complex64, complex128} = DT_COMPLEX64"
#define REAL_ATTRS                                                                                                     \
  .attrs = "Treal: {float, double} = DT_FLOAT; Tcomplex: {complex64, complex128} = DT_COMPLEX64", .value_inputs = 1 << 1
#define REAL_IN_OP  .inputs = "input: Treal, fft_length: int32", .outputs = "output: Tcomplex", REAL_ATTRS
#define REAL_OUT_OP .inputs = "input: Tcomplex, fft_length: int32", .outputs = "output: Treal", REAL_ATTRS

TN_OP(FFT, COMPLEX_OP, .doc = "The Fourier transform along the last dimension.", .shape = fft1_shape,
      .gradient = fft1_gradient, .kernels = fft1_kernels);
TN_OP(IFFT, COMPLEX_OP, .doc = "The inverse of FFT.", .shape = ifft1_shape, .gradient = ifft1_gradient,
      .kernels = ifft1_kernels);
TN_OP(FFT2D, COMPLEX_OP, .doc = "The Fourier transform over the last two dimensions.", .shape = fft2_shape,
      .gradient = fft2_gradient, .kernels = fft2_kernels);
TN_OP(IFFT2D, COMPLEX_OP, .doc = "The inverse of FFT2D.", .shape = ifft2_shape, .gradient = ifft2_gradient,
      .kernels = ifft2_kernels);
TN_OP(FFT3D, COMPLEX_OP, .doc = "The Fourier transform over the last three dimensions.", .shape = fft3_shape,
      .gradient = fft3_gradient, .kernels = fft3_kernels);
TN_OP(IFFT3D, COMPLEX_OP, .doc = "The inverse of FFT3D.", .shape = ifft3_shape, .gradient = ifft3_gradient,
      .kernels = ifft3_kernels);
TN_OP(RFFT, REAL_IN_OP, .doc = "The first half of the Fourier transform of real numbers.", .shape = rfft1_shape,
      .gradient = rfft1_gradient, .kernels = rfft1_kernels);
TN_OP(IRFFT, REAL_OUT_OP, .doc = "The inverse of RFFT.", .shape = irfft1_shape, .gradient = irfft1_gradient,
      .kernels = irfft1_kernels);
TN_OP(RFFT2D, REAL_IN_OP, .doc = "Half of the Fourier transform of real numbers over two dimensions.",
      .shape = rfft2_shape, .gradient = rfft2_gradient, .kernels = rfft2_kernels);
TN_OP(IRFFT2D, REAL_OUT_OP, .doc = "The inverse of RFFT2D.", .shape = irfft2_shape, .gradient = irfft2_gradient,
      .kernels = irfft2_kernels);
TN_OP(RFFT3D, REAL_IN_OP, .doc = "Half of the Fourier transform of real numbers over three dimensions.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = rfft3_shape, .kernels = rfft3_kernels);
TN_OP(IRFFT3D, REAL_OUT_OP, .doc = "The inverse of RFFT3D.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = irfft3_shape, .kernels = irfft3_kernels);
