/* Resolving strided slices: the sparse description (one entry per index written) becomes one entry per dimension. */
#include "ops/array/strided.h"

enum { MAX_ENTRIES = 32, NEW_AXIS = -1 };

/* The masks of a node, one bit per index that the program wrote. */
typedef struct masks {
  uint32_t begin, end, ellipsis, new_axis, shrink;
} masks;

/* One dimension as described. */
typedef struct dense {
  int64_t begin, end, stride;
  bool begin_masked, end_masked, shrink;
} dense;

/* The described dimensions, and where each output dimension comes from (a dimension, or NEW_AXIS). */
typedef struct description {
  dense dims[TN_MAX_RANK];
  int sources[MAX_ENTRIES + TN_MAX_RANK];
  int n_sources;
} description;

static masks masks_of(const tn_node *node) {
  return (masks){(uint32_t)tn_node_get_int(node, "begin_mask"), (uint32_t)tn_node_get_int(node, "end_mask"),
                 (uint32_t)tn_node_get_int(node, "ellipsis_mask"), (uint32_t)tn_node_get_int(node, "new_axis_mask"),
                 (uint32_t)tn_node_get_int(node, "shrink_axis_mask")};
}

static tn_error *check_values(const tn_node *node, const tn_strided_values *v) {
  int64_t n = tn_elements(v->strides);
  bool good = v->strides->shape.rank == 1 && (!v->begin || (v->begin->shape.rank == 1 && tn_elements(v->begin) == n)) &&
              (!v->end || (v->end->shape.rank == 1 && tn_elements(v->end) == n));
  if (!good)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT,
                          "Expected begin, end, and strides to be 1D equal size tensors, but got strides of shape %s",
                          TN_SHAPE_STR(&v->strides->shape));
  if (n >= MAX_ENTRIES)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "%lld indices are too many, at most %d are supported",
                          (long long)n, MAX_ENTRIES - 1);
  return NULL;
}

/* Whole dimensions [*AT, END), as an ellipsis takes them. */
static void take_whole(description *d, int *at, int end) {
  for (; *at < end; (*at)++) {
    d->dims[*at] = (dense){0, 0, 1, true, true, false};
    d->sources[d->n_sources++] = *at;
  }
}

static tn_error *describe(const tn_node *node, int rank, const tn_strided_values *v, description *d) {
  masks m = masks_of(node);
  int n = (int)tn_elements(v->strides), at = 0, new_after = 0;
  uint32_t present = m.ellipsis & (uint32_t)(((uint64_t)1 << n) - 1);
  if (present & (present - 1))
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "Multiple ellipses in slice spec not allowed");
  for (int i = 0; i < n; i++)
    if (present && (m.new_axis >> i & 1) && (uint32_t)1 << i > present) new_after++;
  for (int i = 0; i < n; i++) {
    uint32_t bit = (uint32_t)1 << i;
    if (present & bit) {
      int next = rank - (n - i) + 1 + new_after;
      take_whole(d, &at, next < rank ? next : rank);
    } else if (m.new_axis & bit) {
      d->sources[d->n_sources++] = NEW_AXIS;
    } else if (at == rank) {
      return tn_node_errorf(node, TN_INVALID_ARGUMENT, "Index out of range using input dim %d; input has only %d dims",
                            at, rank);
    } else {
      d->dims[at] = (dense){v->begin ? tn_int_at(v->begin, i) : 0,
                            v->end ? tn_int_at(v->end, i) : 0,
                            tn_int_at(v->strides, i),
                            (m.begin & bit) != 0,
                            (m.end & bit) != 0,
                            (m.shrink & bit) != 0};
      if (!d->dims[at].shrink) d->sources[d->n_sources++] = at;
      at++;
    }
  }
  take_whole(d, &at, rank);
  return NULL;
}

/* An index that may count from the end, clamped to where an iteration with this stride can be. */
static int64_t canonical(int64_t x, int64_t dim, bool forward) {
  int64_t low = forward ? 0 : -1, high = forward ? dim : dim - 1;
  if (x < 0) x += dim;
  return x < low ? low : x > high ? high : x;
}

/* The elements that one dimension of size DIM gives. */
static tn_error *resolve_dim(const tn_node *node, int i, int64_t dim, const dense *d, bool known, tn_strided *out) {
  out->stride[i] = d->stride;
  out->begin[i] = 0;
  if (d->stride == 0) return tn_node_errorf(node, TN_INVALID_ARGUMENT, "strides[%d] must be non-zero", i);
  if (dim < 0) {
    out->size[i] = d->shrink ? 1 : -1;
    return NULL;
  }
  if (d->shrink && d->stride < 0)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "only stride 1 allowed on non-range indexing.");
  if (d->shrink) {
    int64_t x = d->begin < 0 ? d->begin + dim : d->begin;
    if (known && (x < 0 || x >= dim))
      return tn_node_errorf(node, TN_INVALID_ARGUMENT, "slice index %lld of dimension %d out of bounds.",
                            (long long)d->begin, i);
    out->begin[i] = x;
    out->size[i] = 1;
    return NULL;
  }
  if (!known && !(d->begin_masked && d->end_masked)) {
    out->size[i] = -1;
    return NULL;
  }
  bool forward = d->stride > 0;
  int64_t begin = d->begin_masked ? (forward ? 0 : dim - 1) : canonical(d->begin, dim, forward);
  int64_t end = d->end_masked ? (forward ? dim : -1) : canonical(d->end, dim, forward);
  int64_t length = end - begin;
  out->begin[i] = begin;
  out->size[i] = length == 0 || (length < 0) == forward ? 0 : length / d->stride + (length % d->stride != 0);
  return NULL;
}

tn_error *tn_strided_resolve(const tn_node *node, const tn_shape *in, const tn_strided_values *v, tn_strided *out) {
  TN_TRY(check_values(node, v));
  description d = {.n_sources = 0};
  TN_TRY(describe(node, in->rank, v, &d));
  if (d.n_sources > TN_MAX_RANK)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "the result would have rank %d, at most %d is supported",
                          d.n_sources, TN_MAX_RANK);
  tn_strided s = {.rank = in->rank, .out = tn_shape_scalar()};
  for (int i = 0; i < in->rank; i++) TN_TRY(resolve_dim(node, i, in->dims[i], &d.dims[i], v->begin && v->end, &s));
  for (int i = 0; i < d.n_sources; i++) {
    s.source[i] = d.sources[i];
    s.out.dims[s.out.rank++] = d.sources[i] == NEW_AXIS ? 1 : s.size[d.sources[i]];
  }
  *out = s;
  return NULL;
}

void tn_strided_copy(const tn_strided *s, tn_dtype dtype, const tn_shape *whole, bool inward, tn_copy *copy,
                     int64_t *offset) {
  int64_t outside[TN_MAX_RANK], inside[TN_MAX_RANK];
  tn_copy_strides(s->rank, whole->dims, outside);
  tn_copy_strides(s->rank, s->size, inside);
  *offset = 0;
  for (int i = 0; i < s->rank; i++) {
    *offset += s->begin[i] * outside[i];
    outside[i] *= s->stride[i];
  }
  tn_copy_init(copy, dtype, s->rank, s->size, inward ? outside : inside, inward ? inside : outside);
}
