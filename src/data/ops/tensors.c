/* Datasets of tensors that are there: TensorDataset, TensorSliceDataset, RangeDataset. */
#include <string.h>

#include "base/alloc.h"
#include "data/rows.h"
#include "data/source.h"

typedef struct tensors {
  tn_source base;
  tn_tensor *values;
  int64_t rows; /* of slices */
} tensors;

typedef struct place {
  tn_cursor base;
  int64_t at;
} place;

static tn_error *keep_tensors(tn_run *r, tn_source *s) {
  tensors *t = (tensors *)s;
  if (s->n != r->n_inputs) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "the components don't match the inputs");
  TN_TRY(tn_element_new(s->n, &t->values));
  for (int i = 0; i < s->n; i++) tn_tensor_set(&t->values[i], r->inputs[i]);
  return NULL;
}

static void drop_tensors(tn_source *s) { tn_element_free(s->n, ((tensors *)s)->values); }

static int64_t one(const tn_source *s) {
  (void)s;
  return 1;
}

static tn_error *next_tensors(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  (void)step;
  const tensors *t = (const tensors *)c->source;
  place *p = (place *)c;
  *end = p->at > 0;
  if (!*end) tn_element_share(c->source->n, out, t->values);
  p->at++;
  return NULL;
}

static const tn_source_kind tensor_kind = {
    "TensorDataset", sizeof(tensors), sizeof(place), 0, keep_tensors, drop_tensors, one, NULL, next_tensors, NULL};

/* --- slices --- */

static tn_error *keep_slices(tn_run *r, tn_source *s) {
  tensors *t = (tensors *)s;
  TN_TRY(keep_tensors(r, s));
  for (int i = 0; i < s->n; i++) {
    const tn_shape *shape = &t->values[i].shape;
    if (shape->rank < 1) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "component %d is a scalar: it has no slices", i);
    if (i > 0 && shape->dims[0] != t->rows) {
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "the components have %lld and %lld slices", (long long)t->rows,
                           (long long)shape->dims[0]);
    }
    t->rows = shape->dims[0];
  }
  return NULL;
}

static int64_t row_count(const tn_source *s) { return ((const tensors *)s)->rows; }

static tn_error *next_slices(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  (void)step;
  const tensors *t = (const tensors *)c->source;
  place *p = (place *)c;
  *end = p->at >= t->rows;
  for (int i = 0; !*end && i < c->source->n; i++) TN_TRY(tn_row_of(&t->values[i], p->at, &out[i]));
  if (!*end) p->at++;
  return NULL;
}

static const tn_source_kind slice_kind = {
    "TensorSliceDataset", sizeof(tensors), sizeof(place), 0,           keep_slices,
    drop_tensors,         row_count,       NULL,          next_slices, NULL};

/* --- ranges --- */

typedef struct range {
  tn_source base;
  int64_t start, stop, step;
} range;

static tn_error *make_range(tn_run *r, tn_source *s) {
  range *g = (range *)s;
  TN_TRY(tn_run_int(r, 0, &g->start));
  TN_TRY(tn_run_int(r, 1, &g->stop));
  TN_TRY(tn_run_int(r, 2, &g->step));
  return g->step ? NULL : tn_run_errorf(r, TN_INVALID_ARGUMENT, "step must be a non-zero integer.");
}

static int64_t range_size(const tn_source *s) {
  const range *g = (const range *)s;
  __int128 way = (__int128)g->stop - g->start, step = g->step;
  if ((step > 0 && way <= 0) || (step < 0 && way >= 0)) return 0;
  __int128 n = (way + step - (step > 0 ? 1 : -1)) / step;
  return n > INT64_MAX ? INT64_MAX : (int64_t)n;
}

static tn_error *next_in_range(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  (void)step;
  const range *g = (const range *)c->source;
  place *p = (place *)c;
  *end = p->at >= range_size(c->source);
  if (*end) return NULL;
  int64_t value = (int64_t)((uint64_t)g->start + (uint64_t)p->at++ * (uint64_t)g->step);
  tn_shape scalar = tn_shape_scalar();
  TN_TRY(tn_tensor_init(out, c->source->types[0], &scalar));
  switch (out->dtype) {
  case TN_INT32: *TN_DATA(int32_t, out) = (int32_t)value; break;
  case TN_INT64: *TN_DATA(int64_t, out) = value; break;
  case TN_FLOAT: *TN_DATA(float, out) = (float)value; break;
  case TN_DOUBLE: *TN_DATA(double, out) = (double)value; break;
  case TN_INT16: *TN_DATA(int16_t, out) = (int16_t)value; break;
  case TN_INT8: *TN_DATA(int8_t, out) = (int8_t)value; break;
  case TN_UINT8: *TN_DATA(uint8_t, out) = (uint8_t)value; break;
  case TN_UINT16: *TN_DATA(uint16_t, out) = (uint16_t)value; break;
  default: return tn_cursor_errorf(c, TN_UNIMPLEMENTED, "no range of %s", tn_dtype_name(out->dtype));
  }
  return NULL;
}

static const tn_source_kind range_kind = {"RangeDataset", sizeof(range), sizeof(place), 0,   make_range, NULL,
                                          range_size,     NULL,          next_in_range, NULL};

TN_SOURCE_KERNELS(tensor, tensor_kind);
TN_SOURCE_KERNELS(slice, slice_kind);
TN_SOURCE_KERNELS(range, range_kind);

TN_OP(TensorDataset, .inputs = "components: Toutput_types", .outputs = "handle: variant",
      .attrs = "Toutput_types: list(type) >= 1; output_shapes: list(shape) >= 1; metadata: string = ''",
      .doc = "A dataset of one element, the components.", .flags = TN_OP_STATEFUL | TN_SOURCE_FLAGS,
      .shape = tn_shape_scalar_out, .kernels = tensor_kernels);

TN_OP(TensorSliceDataset, .inputs = "components: Toutput_types", .outputs = "handle: variant",
      .attrs = "Toutput_types: list(type) >= 1; output_shapes: list(shape) >= 1; is_files: bool = false; metadata: "
               "string = ''; replicate_on_split: bool = false",
      .doc = "A dataset of the components' slices along dimension 0.", .flags = TN_OP_STATEFUL | TN_SOURCE_FLAGS,
      .shape = tn_shape_scalar_out, .kernels = slice_kernels);

TN_OP(RangeDataset, .inputs = "start: int64, stop: int64, step: int64", .outputs = "handle: variant",
      .attrs = TN_SOURCE_ATTRS "; metadata: string = ''; replicate_on_split: bool = false",
      .doc = "A dataset of the numbers from start to stop, stop left out.", .flags = TN_OP_STATEFUL | TN_SOURCE_FLAGS,
      .shape = tn_shape_scalar_out, .kernels = range_kernels);
