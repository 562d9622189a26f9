/* UniqueDataset: each element once. */
#include "base/alloc.h"
#include "base/map.h"
#include "base/str.h"
#include "data/source.h"

typedef struct seen {
  tn_cursor base;
  tn_map *keys;
} seen;

static tn_error *make(tn_run *r, tn_source *s) {
  bool fits = s->n == 1 && (s->types[0] == TN_INT32 || s->types[0] == TN_INT64 || s->types[0] == TN_STRING);
  if (fits) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "only one component of int32, int64 or string can be unique");
}

static int64_t unknown(const tn_source *s) { return tn_source_size(s->inputs[0]) == 0 ? 0 : TN_SIZE_UNKNOWN; }

static tn_error *open(tn_cursor *c, tn_step *step) {
  TN_TRY(tn_map_new(&((seen *)c)->keys));
  return tn_cursor_open(c->source->inputs[0], step, &c->input);
}

static void close(tn_cursor *c) { tn_map_free(((seen *)c)->keys); }

static void add_key(tn_str *key, const tn_tensor *t) {
  int64_t n = tn_elements(t);
  tn_str_add_bytes(key, &n, sizeof n);
  if (t->dtype != TN_STRING) {
    tn_str_add_bytes(key, t->data, (size_t)n * tn_dtype_size(t->dtype));
    return;
  }
  for (int64_t i = 0; i < n; i++) {
    const tn_string *s = &TN_DATA(tn_string, t)[i];
    tn_str_add_bytes(key, &s->size, sizeof s->size);
    tn_str_add_bytes(key, s->data, s->size);
  }
}

static tn_error *note(tn_map *keys, const tn_tensor *t, bool *is_new) {
  tn_str key = {0};
  add_key(&key, t);
  tn_error *error = key.failed ? tn_out_of_memory() : NULL;
  *is_new = !error && !tn_map_get(keys, key.data, key.size);
  if (*is_new) error = tn_map_set(keys, key.data, key.size, keys, NULL);
  tn_str_clear(&key);
  return error;
}

static tn_error *next(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  for (bool is_new = false;;) {
    TN_TRY(tn_cursor_next(c->input, step, out, end));
    if (*end) return NULL;
    TN_TRY(note(((seen *)c)->keys, out, &is_new));
    if (is_new) return NULL;
    tn_element_clear(1, out);
  }
}

static const tn_source_kind kind = {
    "UniqueDataset", sizeof(tn_source), sizeof(seen), 1, make, NULL, unknown, open, next, close};

TN_SOURCE_KERNELS(unique, kind);

TN_OP(UniqueDataset, .inputs = "input_dataset: variant", .outputs = "handle: variant",
      .attrs = TN_SOURCE_ATTRS "; metadata: string = ''", .doc = "The input's elements, each once.",
      .flags = TN_SOURCE_FLAGS, .shape = tn_shape_scalar_out, .kernels = unique_kernels);

TN_OP(ExperimentalUniqueDataset, .inputs = "input_dataset: variant", .outputs = "handle: variant",
      .attrs = TN_SOURCE_ATTRS, .doc = "The input's elements, each once.", .flags = TN_SOURCE_FLAGS,
      .shape = tn_shape_scalar_out, .kernels = unique_kernels);
