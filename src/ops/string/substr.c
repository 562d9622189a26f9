/* Substr: parts of strings by place and length, with broadcasting. */
#include "ops/string/string_array.h"

static tn_error *substr_shape(tn_shape_ctx *c) {
  tn_shape places;
  TN_TRY(tn_shape_merge(c, &c->in[1], &c->in[2], &places));
  return tn_shape_broadcast_unknown(c, &c->in[0], &places, &c->out[0]);
}

typedef struct substr_state {
  int64_t input[TN_MAX_RANK], places[TN_MAX_RANK]; /* strides under the output's shape; 0: repeated */
  bool characters;
} substr_state;

static void strides_under(const tn_shape *shape, const tn_shape *out, int64_t *strides) {
  int64_t stride = 1;
  for (int i = out->rank - 1; i >= 0; i--) {
    int d = i - (out->rank - shape->rank);
    strides[i] = d < 0 || shape->dims[d] == 1 ? 0 : stride;
    if (d >= 0) stride *= shape->dims[d];
  }
}

static tn_error *substr_prepare(tn_prepare *p) {
  const tn_shape *input = &p->inputs[0].shape, *pos = &p->inputs[1].shape, *len = &p->inputs[2].shape;
  tn_shape out;
  if (!tn_shape_equal(pos, len))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "pos and len should have the same shape, got: %s vs. %s",
                             TN_SHAPE_STR(pos), TN_SHAPE_STR(len));
  if (!tn_shape_broadcast(input, pos, &out))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input of shape %s does not broadcast with pos of shape %s",
                             TN_SHAPE_STR(input), TN_SHAPE_STR(pos));
  substr_state *s;
  TN_TRY(tn_prepare_state(p, sizeof *s, &s));
  strides_under(input, &out, s->input);
  strides_under(pos, &out, s->places);
  s->characters = tn_node_string_is(p->node, "unit", "UTF8_CHAR");
  return tn_prepare_output(p, 0, &out);
}

static int64_t int_at(const tn_tensor *t, int64_t i) {
  return t->dtype == TN_INT64 ? TN_DATA(int64_t, t)[i] : TN_DATA(int32_t, t)[i];
}

static bool begins(char c) { return ((unsigned char)c & 0xc0) != 0x80; }

/* The byte at which unit I of S begins, counted on from byte AT, where unit FROM begins. */
static size_t byte_of(const substr_state *s, tn_string text, size_t at, int64_t from, int64_t i) {
  if (!s->characters) return (uint64_t)(i - from) > text.size - at ? text.size : at + (size_t)(i - from);
  for (; at < text.size && from < i; from++) {
    at++;
    while (at < text.size && !begins(text.data[at])) at++;
  }
  return at;
}

static int64_t units(const substr_state *s, tn_string text) {
  if (!s->characters) return (int64_t)text.size;
  int64_t n = 0;
  for (size_t i = 0; i < text.size; i++) n += begins(text.data[i]);
  return n;
}

/* A negative POS counts from the end; a large LEN goes up to it, and so does, in bytes, a negative one (of characters
 * it takes none, as in TensorFlow). */
static tn_error *cut(tn_run *r, tn_string text, int64_t pos, int64_t len, tn_string *out) {
  const substr_state *s = r->state;
  int64_t n = units(s, text);
  if (pos < -n || pos > n)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "pos %lld out of range for a string of %lld", (long long)pos,
                         (long long)n);
  if (pos < 0) pos += n;
  if (s->characters && len < 0) len = 0;
  size_t begin = byte_of(s, text, 0, 0, pos);
  size_t end = len < 0 || len > n - pos ? text.size : byte_of(s, text, begin, pos, pos + len);
  return tn_string_set(out, end > begin ? text.data + begin : "", end - begin);
}

static tn_error *substr_run(tn_run *r) {
  const substr_state *s = r->state;
  const tn_shape *out = &r->outputs[0]->shape;
  for (int64_t i = 0; i < tn_elements(r->outputs[0]); i++) {
    int64_t rest = i, input = 0, place = 0;
    for (int d = out->rank - 1; d >= 0; d--) {
      input += rest % out->dims[d] * s->input[d];
      place += rest % out->dims[d] * s->places[d];
      rest /= out->dims[d];
    }
    TN_TRY(cut(r, tn_strings_of(r->inputs[0])[input], int_at(r->inputs[1], place), int_at(r->inputs[2], place),
               &tn_strings_of(r->outputs[0])[i]));
  }
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = substr_prepare, .run = substr_run}, {0}};

TN_OP(Substr, .inputs = "input: string, pos: T, len: T", .outputs = "output: string",
      .attrs = "T: indextype; unit: {'BYTE', 'UTF8_CHAR'} = 'BYTE'",
      .doc = "LEN bytes or characters of each string from POS on (negative: from the end).",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = substr_shape, .kernels = kernels);
