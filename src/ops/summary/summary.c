/* ScalarSummary, TensorSummary(V2) and MergeSummary. */
#include "ops/summary/summary.h"

#include "base/map.h"

size_t tn_summary_begin(tn_str *out, tn_string tag) {
  size_t mark = tn_proto_begin(out, 1);
  if (tag.size) tn_wire_put_bytes(out, 1, tag.data, tag.size);
  return mark;
}

size_t tn_summary_begin_numbered(tn_str *out, tn_string tag, const char *kind, int64_t i, int64_t of) {
  size_t mark = tn_proto_begin(out, 1), name = tn_proto_begin(out, 1);
  tn_str_add_bytes(out, tag.data, tag.size);
  tn_str_addf(out, "/%s", kind);
  if (of > 1) tn_str_addf(out, "/%lld", (long long)i);
  tn_proto_end(out, name);
  return mark;
}

void tn_summary_put_double(tn_str *out, uint32_t number, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  if (!bits) return;
  tn_wire_put_key(out, number, TN_WIRE_FIXED64);
  tn_put_u64(out, bits);
}

tn_error *tn_summary_prepare(tn_prepare *p, int scalars) {
  for (int i = 0; i < scalars; i++)
    if (tn_elements(&p->inputs[i]) != 1)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input %d must be a scalar, got shape %s", i,
                               TN_SHAPE_STR(&p->inputs[i].shape));
  tn_shape scalar = tn_shape_scalar();
  return tn_prepare_output(p, 0, &scalar);
}

tn_error *tn_summary_finish(tn_run *r, tn_str *out, tn_error *error) {
  if (!error) error = tn_string_take(tn_strings_of(r->outputs[0]), out);
  tn_str_clear(out);
  return error;
}

double tn_real_at(const tn_tensor *t, int64_t i) {
  switch (t->dtype) {
  case TN_FLOAT: return (double)TN_DATA(const float, t)[i];
  case TN_DOUBLE: return TN_DATA(const double, t)[i];
  case TN_HALF: return (double)tn_half_to_float(TN_DATA(const uint16_t, t)[i]);
  case TN_BFLOAT16: return (double)tn_bfloat16_to_float(TN_DATA(const uint16_t, t)[i]);
  case TN_INT8: return TN_DATA(const int8_t, t)[i];
  case TN_UINT8: return TN_DATA(const uint8_t, t)[i];
  case TN_INT16: return TN_DATA(const int16_t, t)[i];
  case TN_UINT16: return TN_DATA(const uint16_t, t)[i];
  case TN_INT32: return TN_DATA(const int32_t, t)[i];
  case TN_UINT32: return TN_DATA(const uint32_t, t)[i];
  case TN_INT64: return (double)TN_DATA(const int64_t, t)[i];
  default: return (double)TN_DATA(const uint64_t, t)[i];
  }
}

/* --- scalars --- */

static tn_error *scalar_prepare(tn_prepare *p) {
  const tn_shape *tags = &p->inputs[0].shape, *values = &p->inputs[1].shape;
  if (!tn_shape_equal(tags, values))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "tags and values are not the same shape: %s != %s",
                             TN_SHAPE_STR(tags), TN_SHAPE_STR(values));
  return tn_summary_prepare(p, 0);
}

static tn_error *scalar_run(tn_run *r) {
  tn_str out = {0};
  for (int64_t i = 0; i < tn_elements(r->inputs[1]); i++) {
    size_t mark = tn_summary_begin(&out, tn_strings_of(r->inputs[0])[i]);
    tn_wire_put_fixed32(&out, 2, tn_float_bits((float)tn_real_at(r->inputs[1], i)));
    tn_proto_end(&out, mark);
  }
  return tn_summary_finish(r, &out, NULL);
}

/* --- tensors --- */

static tn_error *tensor_prepare(tn_prepare *p) { return tn_summary_prepare(p, 0); }

static tn_error *tensor_run(tn_run *r) {
  tn_str out = {0};
  size_t mark = tn_proto_begin(&out, 1);
  tn_proto_put_string(&out, 7, r->node->name);
  tn_error *error = tn_proto_put_tensor(&out, 8, r->inputs[0]);
  tn_proto_end(&out, mark);
  return tn_summary_finish(r, &out, error);
}

static tn_error *tagged_prepare(tn_prepare *p) {
  for (int i = 0; i < 3; i += 2)
    if (p->inputs[i].shape.rank != 0)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "%s must be scalar, got shape %s",
                               i ? "serialized_summary_metadata" : "tag", TN_SHAPE_STR(&p->inputs[i].shape));
  return tn_summary_prepare(p, 0);
}

static tn_error *tagged_run(tn_run *r) {
  tn_str out = {0};
  size_t mark = tn_summary_begin(&out, *tn_strings_of(r->inputs[0]));
  tn_error *error = tn_proto_put_tensor(&out, 8, r->inputs[1]);
  tn_string metadata = *tn_strings_of(r->inputs[2]);
  tn_wire_put_bytes(&out, 9, metadata.data, metadata.size);
  tn_proto_end(&out, mark);
  return tn_summary_finish(r, &out, error);
}

/* --- merging --- */

static tn_error *bad_summary(const tn_run *r, tn_error *error) {
  tn_error_free(error);
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Could not parse one of the summary inputs");
}

/* INVALID_ARGUMENT if the value in FIELD has a tag that is among TAGS already; adds it. */
static tn_error *new_tag(tn_run *r, const tn_wire_field *field, tn_map *tags) {
  tn_wire_in in = tn_wire_bytes(field->data, field->size);
  tn_wire_field part, tag = {0};
  for (bool more = true; more;) {
    tn_error *error = tn_wire_next(&in, &part, &more);
    if (error) return bad_summary(r, error);
    if (more && part.number == 1 && part.type == TN_WIRE_BYTES) tag = part;
  }
  if (!tag.size) return NULL;
  if (tn_map_get(tags, tag.data, tag.size))
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Duplicate tag %.*s found in summary inputs", (int)tag.size, tag.data);
  return tn_map_set(tags, tag.data, tag.size, tags, NULL);
}

/* Appends the values of one serialised Summary. */
static tn_error *merge_one(tn_run *r, tn_string s, tn_map *tags, tn_str *out) {
  tn_wire_in in = tn_wire_bytes(s.data, s.size);
  tn_wire_field field;
  for (bool more = true; more;) {
    tn_error *error = tn_wire_next(&in, &field, &more);
    if (error) return bad_summary(r, error);
    if (!more || field.number != 1) continue;
    if (field.type != TN_WIRE_BYTES) return bad_summary(r, NULL);
    TN_TRY(new_tag(r, &field, tags));
    tn_wire_put_bytes(out, 1, field.data, field.size);
  }
  return NULL;
}

static tn_error *merge_run(tn_run *r) {
  tn_map *tags;
  TN_TRY(tn_map_new(&tags));
  tn_str out = {0};
  tn_error *error = NULL;
  for (int i = 0; i < r->n_inputs; i++)
    for (int64_t k = 0; k < tn_elements(r->inputs[i]) && !error; k++)
      error = merge_one(r, tn_strings_of(r->inputs[i])[k], tags, &out);
  tn_map_free(tags);
  return tn_summary_finish(r, &out, error);
}

static const tn_kernel_def scalar_kernels[] = {{.name = "reference", .prepare = scalar_prepare, .run = scalar_run},
                                               {0}};
static const tn_kernel_def tensor_kernels[] = {{.name = "reference", .prepare = tensor_prepare, .run = tensor_run},
                                               {0}};
static const tn_kernel_def tagged_kernels[] = {{.name = "reference", .prepare = tagged_prepare, .run = tagged_run},
                                               {0}};
static const tn_kernel_def merge_kernels[] = {{.name = "reference", .prepare = tensor_prepare, .run = merge_run}, {0}};

TN_OP(ScalarSummary, .inputs = "tags: string, values: T", .outputs = "summary: string", .attrs = "T: realnumbertype",
      .doc = "A serialised Summary with one number a tag.", .flags = TN_OP_NO_GRADIENT, .shape = tn_shape_scalar_out,
      .kernels = scalar_kernels);

TN_OP(TensorSummary, .inputs = "tensor: T", .outputs = "summary: string",
      .attrs = "T: type; description: string = ''; labels: list(string) = []; display_name: string = ''",
      .doc = "A serialised Summary with a tensor, named after the node.", .flags = TN_OP_NO_GRADIENT,
      .shape = tn_shape_scalar_out, .kernels = tensor_kernels);

TN_OP(TensorSummaryV2, .inputs = "tag: string, tensor: T, serialized_summary_metadata: string",
      .outputs = "summary: string", .attrs = "T: type",
      .doc = "A serialised Summary with a tensor and what plugins want to know of it.", .flags = TN_OP_NO_GRADIENT,
      .shape = tn_shape_scalar_out, .kernels = tagged_kernels);

TN_OP(MergeSummary, .inputs = "inputs: N * string", .outputs = "summary: string", .attrs = "N: int >= 1",
      .doc = "One serialised Summary with the values of all; a tag may come once.", .flags = TN_OP_NO_GRADIENT,
      .shape = tn_shape_scalar_out, .kernels = merge_kernels);
