/* UnsortedSegmentJoin: the strings of each segment, joined. */
#include "ops/array/array.h"
#include "ops/string/string_array.h"

static tn_error *shape(tn_shape_ctx *c) {
  bool known = false;
  int64_t n = -1;
  if (c->in[2].rank == 0) TN_TRY(tn_shape_scalar_value(c, 2, &known, &n));
  const tn_shape *strings = &c->in[0], *ids = &c->in[1];
  if (!known) n = -1;
  if (known && n < 0) return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "num_segments must not be negative");
  if (strings->rank < 0 || ids->rank < 0) return NULL;
  if (ids->rank > strings->rank) {
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "segment_ids of shape %s must be a prefix of %s",
                          TN_SHAPE_STR(ids), TN_SHAPE_STR(strings));
  }
  c->out[0] = tn_shape_of(1, &n);
  for (int d = ids->rank; d < strings->rank; d++) c->out[0].dims[c->out[0].rank++] = strings->dims[d];
  return NULL;
}

static tn_error *prepare(tn_prepare *p) {
  const tn_shape *strings = &p->inputs[0].shape, *ids = &p->inputs[1].shape;
  int64_t n;
  TN_TRY(tn_array_scalar(p, 2, &n));
  if (n < 0) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Number of segments must be non-negative but got %lld",
                             (long long)n);
  }
  bool prefix = ids->rank <= strings->rank && ids->rank > 0;
  for (int d = 0; prefix && d < ids->rank; d++) prefix = ids->dims[d] == strings->dims[d];
  if (!prefix) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "segment_ids of shape %s must be a prefix of %s",
                             TN_SHAPE_STR(ids), TN_SHAPE_STR(strings));
  }
  tn_shape out = tn_shape_of(1, &n);
  for (int d = ids->rank; d < strings->rank; d++) out.dims[out.rank++] = strings->dims[d];
  return tn_prepare_output(p, 0, &out);
}

/* Adds each string to the text of its place: a separator comes before it where that is not empty, as TensorFlow's. */
static tn_error *gather(const tn_run *r, tn_str *texts, int64_t segments, int64_t row) {
  const tn_tensor *ids = r->inputs[1];
  tn_string separator = tn_node_get_string(r->node, "separator");
  for (int64_t i = 0; i < tn_elements(ids); i++) {
    int64_t id = tn_index_at(ids, i);
    if (id < 0 || id >= segments) {
      return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                           "segment_ids are not allowed to exceed num_segments or to have negative values: "
                           "segment_ids%s = %lld is not in [0, %lld)",
                           TN_PLACE_STR(&ids->shape, i), (long long)id, (long long)segments);
    }
    for (int64_t j = 0; j < row; j++) {
      tn_string s = tn_strings_of(r->inputs[0])[i * row + j];
      tn_str *text = &texts[id * row + j];
      if (text->size && separator.size) tn_str_add_bytes(text, separator.data, separator.size);
      if (s.size) tn_str_add_bytes(text, s.data, s.size);
    }
  }
  return NULL;
}

static tn_error *run(tn_run *r) {
  tn_tensor *out = r->outputs[0];
  int64_t all = tn_elements(out), segments = out->shape.dims[0], row = segments ? all / segments : 0;
  tn_str *texts = tn_calloc((size_t)all + 1, sizeof *texts);
  tn_error *error = texts ? gather(r, texts, segments, row) : tn_out_of_memory();
  for (int64_t k = 0; k < all && !error; k++) error = tn_string_take(&tn_strings_of(out)[k], &texts[k]);
  for (int64_t k = 0; k < all && texts; k++) tn_str_clear(&texts[k]);
  tn_free(texts);
  return error;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(UnsortedSegmentJoin, .inputs = "inputs: string, segment_ids: Tindices, num_segments: Tnumsegments",
      .outputs = "output: string",
      .attrs = "separator: string = ''; Tindices: {int32, int64}; Tnumsegments: {int32, int64} = DT_INT32",
      .doc = "The strings of each segment, joined.", .flags = TN_OP_GRADIENT_UNREGISTERED, .value_inputs = 1 << 2,
      .shape = shape, .kernels = kernels);
