/* UnicodeDecode, UnicodeDecodeWithOffsets, UnicodeEncode and UnicodeTranscode. */
#include <string.h>

#include "ops/string/string_array.h"
#include "ops/string/unicode_code.h"

/* What is done with malformed text. */
typedef struct rules {
  tn_encoding in, out;
  bool strict, drop, controls;
  int32_t replacement;
} rules;

static tn_error *read_rules(tn_prepare *p, bool decodes, bool encodes, rules **out) {
  rules r = {.in = TN_ENCODING_UTF8};
  tn_string name = decodes ? tn_node_get_string(p->node, "input_encoding") : (tn_string){0};
  if (decodes && !tn_encoding_find(name, &r.in)) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Could not create converter for input encoding: %.*s",
                             (int)name.size, name.data);
  }
  if (encodes && !tn_encoding_find(tn_node_get_string(p->node, "output_encoding"), &r.out)) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "there is no such output_encoding");
  }
  r.strict = tn_node_string_is(p->node, "errors", "strict");
  r.drop = tn_node_string_is(p->node, "errors", "ignore");
  r.controls = decodes && tn_node_get_bool(p->node, "replace_control_characters");
  int64_t replacement = tn_node_get_int(p->node, "replacement_char");
  if (replacement != (int32_t)replacement || !tn_is_character((int32_t)replacement)) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "replacement_char out of unicode codepoint range");
  }
  r.replacement = (int32_t)replacement;
  TN_TRY(tn_prepare_state(p, sizeof r, out));
  **out = r;
  return NULL;
}

/* The next character of TEXT after the rules; false where it is left out. */
static tn_error *next(const tn_run *r, tn_string text, size_t *at, int32_t *code, bool *keep) {
  const rules *rules = r->state;
  *at += tn_encoding_next(rules->in, text, *at, code);
  *keep = true;
  if (*code >= 0 && !(rules->controls && *code <= 0x1f)) return NULL;
  if (rules->strict) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Invalid formatting on input string");
  *code = rules->replacement;
  *keep = !rules->drop;
  return NULL;
}

/* --- decoding --- */

static tn_error *decode_prepare(tn_prepare *p) {
  rules *r = NULL;
  TN_TRY(read_rules(p, true, false, &r));
  for (int i = 1; i < p->n_outputs; i++) tn_prepare_dynamic(p, i);
  int64_t n = tn_shape_elements(&p->inputs[0].shape) + 1;
  tn_shape splits = tn_shape_of(1, &n);
  return tn_prepare_output(p, 0, &splits);
}

static void put_split(tn_tensor *splits, int64_t i, int64_t value) {
  if (splits->dtype == TN_INT64) {
    TN_DATA(int64_t, splits)[i] = value;
  } else {
    TN_DATA(int32_t, splits)[i] = (int32_t)value;
  }
}

/* Counts the characters of all strings, and with VALUES set stores them; OFFSETS may be NULL. */
static tn_error *decode(tn_run *r, int32_t *values, int64_t *offsets, int64_t *count) {
  *count = 0;
  for (int64_t i = 0; i < tn_elements(r->inputs[0]); i++) {
    tn_string text = tn_strings_of(r->inputs[0])[i];
    put_split(r->outputs[0], i, *count);
    for (size_t at = 0; at < text.size;) {
      size_t begin = at;
      int32_t code;
      bool keep;
      TN_TRY(next(r, text, &at, &code, &keep));
      if (!keep) continue;
      if (values) values[*count] = code;
      if (offsets) offsets[*count] = (int64_t)begin;
      ++*count;
    }
  }
  put_split(r->outputs[0], tn_elements(r->inputs[0]), *count);
  return NULL;
}

static tn_error *decode_run(tn_run *r) {
  int64_t n = 0;
  TN_TRY(decode(r, NULL, NULL, &n));
  tn_shape all = tn_shape_of(1, &n);
  for (int i = 1; i < r->n_outputs; i++) TN_TRY(tn_run_allocate(r, i, &all));
  return decode(r, TN_DATA(int32_t, r->outputs[1]), r->n_outputs > 2 ? TN_DATA(int64_t, r->outputs[2]) : NULL, &n);
}

static tn_error *decode_shape(tn_shape_ctx *c) {
  for (int i = 0; i < c->n_outputs; i++) c->out[i] = tn_shape_unknown_of_rank(1);
  int64_t n = tn_shape_known(&c->in[0]) ? tn_shape_elements(&c->in[0]) + 1 : -1;
  c->out[0] = tn_shape_of(1, &n);
  return NULL;
}

/* --- from one encoding to another --- */

static tn_error *transcode_prepare(tn_prepare *p) {
  rules *r = NULL;
  TN_TRY(read_rules(p, true, true, &r));
  return tn_prepare_output(p, 0, &p->inputs[0].shape);
}

static tn_error *transcode(tn_run *r, tn_string text, tn_str *out) {
  for (size_t at = 0; at < text.size;) {
    int32_t code;
    bool keep;
    TN_TRY(next(r, text, &at, &code, &keep));
    if (keep) tn_encoding_put(((const rules *)r->state)->out, out, code);
  }
  return NULL;
}

static tn_error *transcode_run(tn_run *r) {
  for (int64_t i = 0; i < tn_elements(r->inputs[0]); i++) {
    tn_str text = {0};
    tn_error *error = transcode(r, tn_strings_of(r->inputs[0])[i], &text);
    if (!error) error = tn_string_take(&tn_strings_of(r->outputs[0])[i], &text);
    tn_str_clear(&text);
    if (error) return error;
  }
  return NULL;
}

/* --- encoding --- */

static tn_error *encode_prepare(tn_prepare *p) {
  rules *r = NULL;
  TN_TRY(read_rules(p, false, true, &r));
  const tn_shape *splits = &p->inputs[1].shape;
  if (splits->rank != 1 || p->inputs[0].shape.rank != 1) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input_values and input_splits must be vectors, not %s and %s",
                             TN_SHAPE_STR(&p->inputs[0].shape), TN_SHAPE_STR(splits));
  }
  if (splits->dims[0] == 0) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input_splits should have elements");
  int64_t n = splits->dims[0] - 1;
  tn_shape out = tn_shape_of(1, &n);
  return tn_prepare_output(p, 0, &out);
}

static tn_error *encode(tn_run *r, int64_t from, int64_t to, tn_str *out) {
  const rules *rules = r->state;
  for (int64_t k = from; k < to; k++) {
    int32_t code = TN_DATA(int32_t, r->inputs[0])[k];
    if (!tn_is_character(code)) {
      if (rules->strict) {
        return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Code point is out of range for Unicode, or a noncharacter.");
      }
      if (rules->drop) continue;
      code = rules->replacement;
    }
    tn_encoding_put(rules->out, out, code);
  }
  return NULL;
}

static tn_error *encode_run(tn_run *r) {
  const tn_tensor *splits = r->inputs[1];
  int64_t n = tn_elements(splits) - 1;
  if (tn_index_at(splits, 0) != 0) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "First value in input_splits must be zero.");
  }
  if (tn_index_at(splits, n) != tn_elements(r->inputs[0])) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Last value in input_splits must be equal to length of input_tensor.");
  }
  for (int64_t i = 0; i < n; i++) {
    int64_t from = tn_index_at(splits, i), to = tn_index_at(splits, i + 1);
    if (from > to) {
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Values in input_splits must be equal or in ascending order.");
    }
    if (to > tn_elements(r->inputs[0])) {
      return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                           "Values in input_splits must be less than or equal to input_tensor length.");
    }
    tn_str text = {0};
    tn_error *error = encode(r, from, to, &text);
    if (!error) error = tn_string_take(&tn_strings_of(r->outputs[0])[i], &text);
    tn_str_clear(&text);
    if (error) return error;
  }
  return NULL;
}

static tn_error *encode_shape(tn_shape_ctx *c) {
  tn_shape values, splits;
  TN_TRY(tn_shape_with_rank(c, 0, 1, &values));
  TN_TRY(tn_shape_with_rank(c, 1, 1, &splits));
  int64_t n = splits.dims[0] > 0 ? splits.dims[0] - 1 : -1;
  c->out[0] = tn_shape_of(1, &n);
  return NULL;
}

static const tn_kernel_def decodes[] = {{.name = "reference", .prepare = decode_prepare, .run = decode_run}, {0}};
static const tn_kernel_def transcodes[] = {{.name = "reference", .prepare = transcode_prepare, .run = transcode_run},
                                           {0}};
static const tn_kernel_def encodes[] = {{.name = "reference", .prepare = encode_prepare, .run = encode_run}, {0}};

#define ERRORS "errors: {'strict', 'replace', 'ignore'} = 'replace'; "
#define DECODE_ATTRS                                                                                                   \
  "input_encoding: string; " ERRORS "replacement_char: int = 65533; replace_control_characters: bool = false; "        \
  "Tsplits: {int32, int64} = int64"
#define OUTPUT "output_encoding: {'UTF-8', 'UTF-16-BE', 'UTF-32-BE'}; "

TN_OP(UnicodeDecode, .inputs = "input: string", .outputs = "row_splits: Tsplits, char_values: int32",
      .attrs = DECODE_ATTRS, .doc = "The code points of each string, one string after the other.",
      .flags = TN_OP_DYNAMIC_SHAPE | TN_OP_GRADIENT_UNREGISTERED, .shape = decode_shape, .kernels = decodes);

TN_OP(UnicodeDecodeWithOffsets, .inputs = "input: string",
      .outputs = "row_splits: Tsplits, char_values: int32, char_to_byte_starts: int64", .attrs = DECODE_ATTRS,
      .doc = "The code points of each string, and the bytes at which they begin.",
      .flags = TN_OP_DYNAMIC_SHAPE | TN_OP_GRADIENT_UNREGISTERED, .shape = decode_shape, .kernels = decodes);

TN_OP(UnicodeEncode, .inputs = "input_values: int32, input_splits: Tsplits", .outputs = "output: string",
      .attrs = ERRORS OUTPUT "replacement_char: int = 65533; Tsplits: {int32, int64} = int64",
      .doc = "Strings of the code points between each split and the next.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = encode_shape, .kernels = encodes);

TN_OP(UnicodeTranscode, .inputs = "input: string", .outputs = "output: string",
      .attrs = "input_encoding: string; " OUTPUT ERRORS
               "replacement_char: int = 65533; replace_control_characters: bool = false",
      .doc = "The same strings in another encoding.", .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = tn_shape_unchanged,
      .kernels = transcodes);
