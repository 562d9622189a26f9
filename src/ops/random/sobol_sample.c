/* SobolSample: points of Sobol's sequence, with the direction numbers of Joe and Kuo (2008), sobol.bin.
 * What that holds, and how it is made: scripts/sobol_table.py. */
#include <string.h>

#include "graph/shape.h"
#include "ops/array/array.h"

enum { MAX_DIM = 1111, DIGITS = 31 };

/* Dimensions up to and with those whose primitive polynomials have degree 0 (there is none: the first dimension), 1...
 * phi(2^s - 1) / s polynomials have degree s. */
static const int last_of_degree[] = {1, 2, 3, 5, 7, 13, 19, 37, 53, 101, 161, 337, 481, 1111};

/* The file's bytes, made a part of the library by the build. */
extern const unsigned char tn_sobol_packed[];

typedef struct bits {
  size_t at;
} bits;

static uint32_t take(bits *b, int width) {
  uint32_t value = 0;
  for (int i = 0; i < width; i++, b->at++) value |= (uint32_t)(tn_sobol_packed[b->at / 8] >> b->at % 8 & 1) << i;
  return value;
}

/* The directions of one dimension, each as a binary fraction of 32 digits, from those of POLYNOMIAL's degree S. */
static void extend(int s, uint32_t polynomial, uint32_t *v) {
  for (int k = s; k < DIGITS; k++) {
    v[k] = v[k - s] ^ v[k - s] >> s;
    for (int j = 1; j < s; j++)
      if (polynomial >> (s - 1 - j) & 1) v[k] ^= v[k - j];
  }
}

/* V[dim][DIGITS]. */
static void directions(int64_t dim, uint32_t *v) {
  bits packed = {0};
  for (int k = 0; k < DIGITS; k++) v[k] = 1U << (31 - k);
  for (int64_t d = 1, s = 1; d < dim; d++) {
    while (d >= last_of_degree[s]) s++;
    uint32_t *own = v + d * DIGITS, polynomial = take(&packed, (int)s - 1);
    for (int i = 0; i < s; i++) own[i] = (take(&packed, i) << 1 | 1) << (31 - i);
    extend((int)s, polynomial, own);
  }
}

static tn_error *prepare(tn_prepare *p) {
  static const char *const names[3] = {"dim", "num_results", "skip"};
  int64_t values[3];
  for (int i = 0; i < 3; i++) {
    if (p->inputs[i].shape.rank != 0)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "%s must be a scalar, not shape %s", names[i],
                               TN_SHAPE_STR(&p->inputs[i].shape));
    TN_TRY(tn_array_scalar(p, i, &values[i]));
  }
  if (values[0] < 1) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "dim must be at least one");
  if (values[0] > MAX_DIM) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "dim must be at most %d", MAX_DIM);
  if (values[1] < 1) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "num_results must be at least one");
  if (values[2] < 0) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "skip must be non-negative");
  if (values[1] >= INT32_MAX - values[2])
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "num_results+skip must be less than %d", INT32_MAX);
  p->scratch = (size_t)values[0] * (DIGITS + 1) * sizeof(uint32_t);
  tn_shape shape = tn_shape_of(2, (int64_t[2]){values[1], values[0]});
  return tn_prepare_output(p, 0, &shape);
}

/* Point N is the sum, without carry, of the directions whose digits are set in N's Gray code, which changes by one
 * digit from each N to the next. TensorFlow leaves point 0 out. */
static tn_error *run(tn_run *r) {
  const int64_t rows = r->outputs[0]->shape.dims[0], dim = r->outputs[0]->shape.dims[1];
  const uint32_t first = (uint32_t)TN_DATA(int32_t, r->inputs[2])[0] + 1;
  uint32_t *point = r->scratch, *v = point + dim;
  directions(dim, v);
  memset(point, 0, (size_t)dim * sizeof *point);
  for (int k = 0; k < DIGITS; k++)
    if ((first ^ first >> 1) >> k & 1)
      for (int64_t d = 0; d < dim; d++) point[d] ^= v[d * DIGITS + k];
  const bool single = r->outputs[0]->dtype == TN_FLOAT;
  for (int64_t i = 0;;) {
    for (int64_t d = 0; d < dim; d++) {
      if (single)
        TN_DATA(float, r->outputs[0])[i * dim + d] = (float)point[d] * 0x1p-32F;
      else
        TN_DATA(double, r->outputs[0])[i * dim + d] = point[d] * 0x1p-32;
    }
    if (++i == rows) return NULL;
    const int digit = __builtin_ctz(first + (uint32_t)i);
    for (int64_t d = 0; d < dim; d++) point[d] ^= v[d * DIGITS + digit];
  }
}

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape ignored;
  int64_t dims[2] = {-1, -1};
  for (int i = 0; i < 3; i++) TN_TRY(tn_shape_with_rank(c, i, 0, &ignored));
  for (int i = 0; i < 2; i++) {
    bool known;
    int64_t value;
    TN_TRY(tn_shape_scalar_value(c, 1 - i, &known, &value));
    if (known) dims[i] = value;
  }
  c->out[0] = tn_shape_of(2, dims);
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(SobolSample, .inputs = "dim: int32, num_results: int32, skip: int32", .outputs = "samples: dtype",
      .attrs = "dtype: {float, double} = DT_FLOAT", .doc = "Points of Sobol's sequence.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .value_inputs = 7, .shape = shape, .kernels = kernels);
