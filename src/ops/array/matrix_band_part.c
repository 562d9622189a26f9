/* MatrixBandPart: matrices with zeros outside a band around the diagonal. */
#include <string.h>

#include "base/parallel.h"
#include "ops/array/array.h"

static tn_error *band_shape(tn_shape_ctx *c) {
  tn_shape scalar;
  for (int i = 1; i < 3; i++) TN_TRY(tn_shape_with_rank(c, i, 0, &scalar));
  return tn_shape_at_least_rank(c, 0, 2, &c->out[0]);
}

static tn_error *band_prepare(tn_prepare *p) {
  const tn_shape *in = &p->inputs[0].shape;
  if (in->rank < 2)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input must be at least 2-dim, received shape: %s",
                             TN_SHAPE_STR(in));
  for (int i = 1; i < 3; i++)
    if (p->inputs[i].shape.rank != 0)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "%s must be scalar, got shape %s",
                               i == 1 ? "num_lower" : "num_upper", TN_SHAPE_STR(&p->inputs[i].shape));
  tn_prepare_in_place(p, 0, 0);
  return tn_prepare_output(p, 0, in);
}

typedef struct job {
  const char *from;
  char *to;
  int64_t rows, columns, all_rows, chunks, size;
  int64_t lower, upper; /* of the band; negative: all */
} job;

static int64_t clamp(int64_t x, int64_t high) { return x < 0 ? 0 : x > high ? high : x; }

static void run_chunk(void *argument, int64_t chunk) {
  const job *j = argument;
  int64_t first, last, width = j->columns * j->size;
  tn_chunk(j->all_rows, j->chunks, chunk, 1, &first, &last);
  for (int64_t row = first; row < last; row++) {
    int64_t i = row % j->rows;
    int64_t begin = j->lower < 0 ? 0 : clamp(i - j->lower, j->columns);
    int64_t end = j->upper < 0 ? j->columns : clamp(i + j->upper + 1, j->columns);
    if (end < begin) end = begin;
    char *to = j->to + row * width;
    memset(to, 0, (size_t)(begin * j->size));
    if (j->to != j->from)
      memcpy(to + begin * j->size, j->from + row * width + begin * j->size, (size_t)((end - begin) * j->size));
    memset(to + end * j->size, 0, (size_t)((j->columns - end) * j->size));
  }
}

static tn_error *band_run(tn_run *r) {
  const tn_shape *shape = &r->inputs[0]->shape;
  job j = {.from = r->inputs[0]->data,
           .to = r->outputs[0]->data,
           .rows = shape->dims[shape->rank - 2],
           .columns = shape->dims[shape->rank - 1],
           .size = (int64_t)tn_dtype_size(r->outputs[0]->dtype),
           .lower = tn_int_at(r->inputs[1], 0),
           .upper = tn_int_at(r->inputs[2], 0)};
  if (j.lower > j.rows)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "num_lower must be negative or less or equal to number of rows (%lld) got: %lld",
                         (long long)j.rows, (long long)j.lower);
  if (j.upper > j.columns)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "num_upper must be negative or less or equal to number of columns (%lld) got: %lld",
                         (long long)j.columns, (long long)j.upper);
  if (tn_elements(r->outputs[0]) == 0) return NULL;
  j.all_rows = tn_elements(r->outputs[0]) / j.columns;
  j.chunks = tn_chunks(j.all_rows, (1 << 16) / (j.columns * j.size) + 1);
  tn_parallel(j.chunks, run_chunk, &j);
  return NULL;
}

static tn_error *band_gradient(tn_gradient_ctx *c) {
  tn_grad_set(c, 0,
              tn_build(c->scope, "MatrixBandPart", TN_IN(tn_grad_dense(c, 0), tn_grad_x(c, 1), tn_grad_x(c, 2)), NULL));
  return NULL;
}

static const tn_kernel_def kernels[] = {
    {.name = "reference", .types = TN_BASIC, .type_attr = "T", .prepare = band_prepare, .run = band_run}, {0}};

TN_OP(MatrixBandPart, .inputs = "input: T, num_lower: Tindex, num_upper: Tindex", .outputs = "band: T",
      .attrs = "T: type; Tindex: indextype = DT_INT64",
      .doc = "Matrices with zeros outside NUM_LOWER diagonals below and NUM_UPPER above the main one (negative: all of "
             "them).",
      .shape = band_shape, .gradient = band_gradient, .kernels = kernels);
