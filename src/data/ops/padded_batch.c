/* PaddedBatchDataset: batches of elements whose shapes differ. */
#include <string.h>

#include "base/alloc.h"
#include "data/batch.h"
#include "data/rows.h"
#include "kernel/copy.h"

typedef struct padded {
  tn_source base;
  int64_t size;
  bool drop;
  tn_shape *wanted; /* per component; -1: as large as the largest */
  tn_tensor *padding;
} padded;

static tn_error *read_shapes(tn_run *r, padded *p) {
  int first, n = tn_node_argument(r->node, 2, &first);
  if (n != p->base.n) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "%d padded_shapes for %d components", n, p->base.n);
  p->wanted = tn_calloc((size_t)n + 1, sizeof *p->wanted);
  if (!p->wanted) return tn_out_of_memory();
  for (int i = 0; i < n; i++) {
    const tn_tensor *t = r->inputs[first + i];
    if (t->shape.rank != 1 || t->shape.dims[0] >= TN_MAX_RANK) {
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "padded shape %d must be a vector; it has shape %s", i,
                           TN_SHAPE_STR(&t->shape));
    }
    p->wanted[i] = tn_shape_of((int)t->shape.dims[0], TN_DATA(int64_t, t));
  }
  return NULL;
}

static tn_error *make(tn_run *r, tn_source *s) {
  padded *p = (padded *)s;
  int first;
  TN_TRY(tn_run_int(r, 1, &p->size));
  TN_TRY(tn_batch_check(r, p->size));
  TN_TRY(read_shapes(r, p));
  int n = tn_node_argument(r->node, 3, &first);
  TN_TRY(tn_element_new(s->n, &p->padding));
  for (int i = 0; i < n; i++) {
    if (r->inputs[first + i]->shape.rank != 0) {
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "All padding values must be scalars");
    }
    tn_tensor_set(&p->padding[i], r->inputs[first + i]);
  }
  return r->node->schema->n_inputs > 4 ? tn_run_bool(r, 4, &p->drop) : NULL;
}

static void drop(tn_source *s) {
  padded *p = (padded *)s;
  tn_free(p->wanted);
  tn_element_free(s->n, p->padding);
}

static int64_t size(const tn_source *s) {
  const padded *p = (const padded *)s;
  int64_t n = tn_source_size(s->inputs[0]);
  return n < 0 ? n : n / p->size + (!p->drop && n % p->size != 0);
}

/* The shape of component I's rows. */
static tn_error *row_shape(const tn_cursor *c, const tn_tensor *elements, int64_t rows, int i, tn_shape *out) {
  const padded *p = (const padded *)c->source;
  int n = c->source->n;
  tn_shape shape = p->wanted[i];
  for (int64_t k = 0; k < rows; k++) {
    const tn_shape *row = &elements[k * n + i].shape;
    if (row->rank != shape.rank) {
      return tn_cursor_errorf(c, TN_INVALID_ARGUMENT,
                              "All elements in a batch must have the same rank as the padded shape for component%d: "
                              "expected rank %d but got element with rank %d",
                              i, shape.rank, row->rank);
    }
    for (int d = 0; d < shape.rank; d++) {
      if (p->wanted[i].dims[d] < 0) {
        if (row->dims[d] > shape.dims[d]) shape.dims[d] = row->dims[d];
      } else if (row->dims[d] > shape.dims[d]) {
        return tn_cursor_errorf(c, TN_DATA_LOSS,
                                "Attempted to pad to a smaller size than the input element: dimension %d is %lld, "
                                "padded to %lld",
                                d, (long long)row->dims[d], (long long)shape.dims[d]);
      }
    }
  }
  for (int d = 0; d < shape.rank; d++) {
    if (shape.dims[d] < 0) shape.dims[d] = 0;
  }
  *out = shape;
  return NULL;
}

static tn_error *pad_row(const tn_tensor *row, tn_tensor *out, int64_t k, const tn_shape *shape) {
  int64_t strides[TN_MAX_RANK], from[TN_MAX_RANK];
  tn_copy_strides(shape->rank, shape->dims, strides);
  tn_copy_strides(row->shape.rank, row->shape.dims, from);
  tn_copy copy;
  tn_copy_init(&copy, row->dtype, shape->rank, row->shape.dims, strides, from);
  char *target = (char *)out->data + (size_t)k * (size_t)tn_shape_elements(shape) * tn_dtype_size(row->dtype);
  return tn_copy_run(&copy, target, row->data);
}

static tn_error *join(tn_cursor *c, const tn_tensor *elements, int64_t rows, tn_tensor *out) {
  const padded *p = (const padded *)c->source;
  for (int i = 0; i < c->source->n; i++) {
    tn_shape shape, whole;
    TN_TRY(row_shape(c, elements, rows, i, &shape));
    TN_TRY(tn_shape_of_rows(&shape, rows, &whole));
    TN_TRY(tn_tensor_init(&out[i], p->padding[i].dtype, &whole));
    if (elements[i].dtype != out[i].dtype)
      return tn_cursor_errorf(c, TN_INVALID_ARGUMENT, "component %d changes type", i);
    TN_TRY(tn_copy_fill(out[i].dtype, out[i].data, p->padding[i].data, tn_shape_elements(&whole)));
    for (int64_t k = 0; k < rows; k++) TN_TRY(pad_row(&elements[k * c->source->n + i], &out[i], k, &shape));
  }
  return NULL;
}

static tn_error *collect(tn_cursor *c, tn_step *step, tn_tensor **elements, int64_t *rows) {
  const padded *p = (const padded *)c->source;
  int n = c->source->n;
  int64_t capacity = 0;
  for (bool end = false; *rows < p->size; ++*rows) {
    if (*rows == capacity) {
      int64_t more = capacity ? 2 * capacity : p->size < 64 ? p->size : 64;
      tn_tensor *grown = tn_realloc(*elements, (size_t)(more * n + 1) * sizeof *grown);
      if (!grown) return tn_out_of_memory();
      memset(grown + capacity * n, 0, (size_t)((more - capacity) * n) * sizeof *grown);
      *elements = grown;
      capacity = more;
    }
    TN_TRY(tn_cursor_next(c->input, step, *elements + *rows * n, &end));
    if (end) return NULL;
  }
  return NULL;
}

static tn_error *next(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  const padded *p = (const padded *)c->source;
  tn_tensor *elements = NULL;
  int64_t rows = 0;
  tn_error *error = collect(c, step, &elements, &rows);
  *end = rows == 0 || (p->drop && rows < p->size);
  if (!error && !*end) error = join(c, elements, rows, out);
  for (int64_t i = 0; i < rows * c->source->n; i++) tn_tensor_clear(&elements[i]);
  tn_free(elements);
  return error;
}

static const tn_source_kind kind = {
    "PaddedBatchDataset", sizeof(padded), sizeof(tn_cursor), 1, make, drop, size, NULL, next, NULL};

TN_SOURCE_KERNELS(padded, kind);

#define PADDED "Toutput_types: list(type) >= 1; output_shapes: list(shape) >= 1; N: int >= 1; metadata: string = ''"

TN_OP(PaddedBatchDataset,
      .inputs = "input_dataset: variant, batch_size: int64, padded_shapes: N * int64, padding_values: Toutput_types",
      .outputs = "handle: variant", .attrs = PADDED, .doc = "Batches of elements that are padded to one shape.",
      .flags = TN_SOURCE_FLAGS, .shape = tn_shape_scalar_out, .kernels = padded_kernels);

TN_OP(PaddedBatchDatasetV2,
      .inputs = "input_dataset: variant, batch_size: int64, padded_shapes: N * int64, padding_values: Toutput_types, "
                "drop_remainder: bool",
      .outputs = "handle: variant", .attrs = "parallel_copy: bool = false; " PADDED,
      .doc = "Batches of elements that are padded to one shape; the last one may be left out.",
      .flags = TN_SOURCE_FLAGS, .shape = tn_shape_scalar_out, .kernels = padded_kernels);
