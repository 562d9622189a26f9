/* ReduceJoin: strings joined along dimensions. */
#include "ops/string/string_array.h"

typedef struct join_state {
  int n;                                           /* joined dimensions, the fastest first */
  int64_t dims[TN_MAX_RANK], strides[TN_MAX_RANK]; /* of those */
  int n_kept;
  int64_t kept[TN_MAX_RANK], kept_strides[TN_MAX_RANK]; /* of the others, outermost first */
  int64_t count;                                        /* strings joined into one */
} join_state;

/* TensorFlow's codes differ between building and running. */
static tn_error *axis_of(const tn_node *node, tn_code code, int64_t axis, int rank, int *out) {
  if (axis < -rank || axis >= rank)
    return tn_node_errorf(node, code, "Invalid reduction dimension %lld for input with %d dimensions", (long long)axis,
                          rank);
  *out = (int)(axis < 0 ? axis + rank : axis);
  return NULL;
}

static tn_shape reduced(const tn_shape *in, uint32_t mask, bool keep) {
  tn_shape out = tn_shape_scalar();
  for (int i = 0; i < in->rank; i++) {
    if (!(mask >> i & 1))
      out.dims[out.rank++] = in->dims[i];
    else if (keep)
      out.dims[out.rank++] = 1;
  }
  return out;
}

static tn_error *join_prepare(tn_prepare *p) {
  const tn_shape *in = &p->inputs[0].shape;
  int n = 0;
  int64_t axes[TN_MAX_RANK], strides[TN_MAX_RANK], stride = 1;
  TN_TRY(tn_prepare_ints(p, 1, TN_MAX_RANK, &n, axes));
  join_state *s;
  TN_TRY(tn_prepare_state(p, sizeof *s, &s));
  for (int i = in->rank - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= in->dims[i];
  }
  uint32_t mask = 0;
  s->count = 1;
  for (int i = 0; i < n; i++) {
    int axis = 0;
    TN_TRY(axis_of(p->node, TN_OUT_OF_RANGE, axes[i], in->rank, &axis));
    if (mask >> axis & 1) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Duplicate reduction dimension %d", axis);
    mask |= 1u << axis;
    s->dims[s->n] = in->dims[axis];
    s->strides[s->n++] = strides[axis];
    s->count *= in->dims[axis];
  }
  for (int i = 0; i < in->rank; i++) {
    if (mask >> i & 1) continue;
    s->kept[s->n_kept] = in->dims[i];
    s->kept_strides[s->n_kept++] = strides[i];
  }
  tn_shape out = reduced(in, mask, tn_node_get_bool(p->node, "keep_dims"));
  return tn_prepare_output(p, 0, &out);
}

/* The place of number I counted over N dimensions: the first of them goes fastest (FRONT_FIRST) or slowest. */
static int64_t place_of(int64_t i, int n, const int64_t *dims, const int64_t *strides, bool front_first) {
  int64_t place = 0;
  for (int k = 0; k < n; k++) {
    int d = front_first ? k : n - 1 - k;
    place += i % dims[d] * strides[d];
    i /= dims[d];
  }
  return place;
}

static tn_error *join_run(tn_run *r) {
  const join_state *s = r->state;
  const tn_string *in = tn_strings_of(r->inputs[0]);
  tn_string separator = tn_node_get_string(r->node, "separator");
  for (int64_t i = 0; i < tn_elements(r->outputs[0]); i++) {
    int64_t base = place_of(i, s->n_kept, s->kept, s->kept_strides, false);
    tn_str text = {0};
    for (int64_t k = 0; k < s->count; k++) {
      const tn_string *part = &in[base + place_of(k, s->n, s->dims, s->strides, true)];
      if (k > 0) tn_str_add_bytes(&text, separator.data, separator.size);
      tn_str_add_bytes(&text, part->data, part->size);
    }
    TN_TRY(tn_string_take(&tn_strings_of(r->outputs[0])[i], &text));
  }
  return NULL;
}

static tn_error *join_shape(tn_shape_ctx *c) {
  const tn_tensor *axes = c->value(c, 1);
  const tn_shape *in = &c->in[0];
  bool keep = tn_node_get_bool(c->node, "keep_dims");
  if (!axes || in->rank < 0) {
    if (keep && in->rank >= 0) c->out[0] = tn_shape_unknown_of_rank(in->rank);
    return NULL;
  }
  uint32_t mask = 0;
  for (int64_t i = 0; i < tn_shape_elements(&axes->shape); i++) {
    int axis = 0;
    TN_TRY(axis_of(c->node, TN_INVALID_ARGUMENT, TN_DATA(int32_t, axes)[i], in->rank, &axis));
    mask |= 1u << axis;
  }
  c->out[0] = reduced(in, mask, keep);
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = join_prepare, .run = join_run}, {0}};

TN_OP(ReduceJoin, .inputs = "inputs: string, reduction_indices: int32", .outputs = "output: string",
      .attrs = "keep_dims: bool = false; separator: string = ''",
      .doc = "The strings along REDUCTION_INDICES joined with SEPARATOR; the first of those dimensions goes fastest.",
      .flags = TN_OP_NO_GRADIENT, .value_inputs = 1 << 1, .shape = join_shape, .kernels = kernels);
