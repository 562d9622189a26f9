/* A batch of messages with features, parsed into the first outputs of a node. */
#include <string.h>

#include "base/parallel.h"
#include "ops/parsing/example.h"

typedef struct parse {
  tn_run *r;
  tn_parse_layout l;
  const tn_feature_table *table;
  int64_t n, chunks;
  tn_feature *features; /* [n, features] */
  int64_t *widest;      /* per feature: most values in an example */
  tn_error **errors;    /* per chunk */
} parse;

static tn_string name_of(const parse *p, int64_t i) { return tn_parse_name(p->l.names, i); }

/* Checks feature F of example I, which was opened, against its spec. */
static tn_error *check(const parse *p, int64_t i, const tn_feature_spec *s, const tn_feature *f) {
  tn_string name = name_of(p, i);
  if (f->dtype == TN_INVALID) {
    if (s->kind != TN_FEATURE_DENSE || s->variable || tn_elements(s->fallback) > 0 || s->stride == 0) return NULL;
    return tn_run_errorf(p->r, TN_INVALID_ARGUMENT,
                         "Name: %.*s, Feature: %.*s (data type: %s) is required but could not be found.", TN_TEXT(name),
                         TN_TEXT(s->key), tn_dtype_name(s->dtype));
  }
  if (f->dtype != s->dtype)
    return tn_run_errorf(
        p->r, TN_INVALID_ARGUMENT,
        "Name: %.*s, Key: %.*s, Index: %lld.  Data types don't match. Data type: %s but expected type: %s",
        TN_TEXT(name), TN_TEXT(s->key), (long long)i, tn_dtype_name(f->dtype), tn_dtype_name(s->dtype));
  if (s->kind != TN_FEATURE_DENSE) return NULL;
  if (s->variable ? s->stride > 0 && f->count % s->stride != 0 : f->count != s->stride)
    return tn_run_errorf(p->r, TN_INVALID_ARGUMENT,
                         "Name: %.*s, Key: %.*s, Index: %lld.  Number of %s values != expected.  Values size: %lld but "
                         "output shape: %s",
                         TN_TEXT(name), TN_TEXT(s->key), (long long)i, tn_feature_list_name(s->dtype),
                         (long long)f->count, TN_SHAPE_STR(s->shape));
  return NULL;
}

static tn_error *find_one(const parse *p, int64_t i) {
  tn_feature *found = p->features + i * p->table->n;
  tn_string message = tn_strings_of(p->r->inputs[0])[i], name = name_of(p, i);
  if (!tn_features_find(p->table, 1, message, found))
    return tn_run_errorf(p->r, TN_INVALID_ARGUMENT, "Could not parse example input %lld, name: %.*s", (long long)i,
                         TN_TEXT(name));
  for (int k = 0; k < p->table->n; k++) {
    if (found[k].data && !tn_feature_open(&found[k]))
      return tn_run_errorf(p->r, TN_INVALID_ARGUMENT,
                           "Name: %.*s, Key: %.*s, Index: %lld.  Can't parse serialized Example.", TN_TEXT(name),
                           TN_TEXT(p->table->specs[k].key), (long long)i);
    TN_TRY(check(p, i, &p->table->specs[k], &found[k]));
  }
  return NULL;
}

static void find_chunk(void *argument, int64_t chunk) {
  const parse *p = argument;
  int64_t begin, end;
  tn_chunk(p->n, p->chunks, chunk, 1, &begin, &end);
  for (int64_t i = begin; i < end && !p->errors[chunk]; i++) p->errors[chunk] = find_one(p, i);
}

/* The outputs of feature K. */
typedef struct places {
  tn_tensor *indices, *values, *shape, *splits;
} places;

static int values_output(const tn_parse_layout *l, int k) {
  int dense = k - l->n_sparse;
  return dense < 0 ? l->n_sparse + k : 3 * l->n_sparse + dense;
}

static places places_of(const parse *p, int k) {
  tn_tensor *const *out = p->r->outputs;
  places at = {.values = out[values_output(&p->l, k)]};
  if (k < p->l.n_sparse) {
    at.indices = out[k];
    at.shape = out[2 * p->l.n_sparse + k];
  }
  if (k >= p->l.n_sparse + p->l.n_dense) at.splits = out[values_output(&p->l, k) + p->l.n_ragged];
  return at;
}

static tn_error *copy_rest(const tn_feature_spec *s, char *to, int64_t from, int64_t upto) {
  size_t size = tn_dtype_size(s->dtype);
  for (int64_t i = from; i < upto; i++) TN_TRY(tn_copy_elements(s->dtype, to + (size_t)i * size, s->fallback->data, 1));
  return NULL;
}

static tn_error *decode_one(const parse *p, int64_t i, int k) {
  const tn_feature_spec *s = &p->table->specs[k];
  const tn_feature *f = &p->features[i * p->table->n + k];
  places at = places_of(p, k);
  char *to = (char *)at.values->data + (size_t)f->at * tn_dtype_size(s->dtype);
  if (f->count > 0) TN_TRY(tn_feature_decode(f, to));
  for (int64_t j = 0; at.indices && j < f->count; j++) {
    int64_t *row = TN_DATA(int64_t, at.indices) + (f->at + j) * (p->l.batch ? 2 : 1);
    if (p->l.batch) *row++ = i;
    *row = j;
  }
  if (s->kind != TN_FEATURE_DENSE) return NULL;
  if (s->variable) return copy_rest(s, to, f->count, p->widest[k]);
  if (f->dtype == TN_INVALID && s->stride > 0) return tn_copy_elements(s->dtype, to, s->fallback->data, s->stride);
  return NULL;
}

static void decode_chunk(void *argument, int64_t chunk) {
  const parse *p = argument;
  int64_t begin, end;
  tn_chunk(p->n, p->chunks, chunk, 1, &begin, &end);
  for (int64_t i = begin; i < end; i++)
    for (int k = 0; k < p->table->n && !p->errors[chunk]; k++) p->errors[chunk] = decode_one(p, i, k);
}

static void put_split(tn_tensor *t, int64_t i, int64_t value) {
  if (t->dtype == TN_INT64)
    TN_DATA(int64_t, t)[i] = value;
  else
    TN_DATA(int32_t, t)[i] = (int32_t)value;
}

/* Sparse and ragged features follow one another; dense ones lie where their example does. */
static int64_t lay_out(parse *p, int k) {
  const tn_feature_spec *s = &p->table->specs[k];
  int64_t total = 0, widest = 0;
  for (int64_t i = 0; i < p->n; i++) {
    tn_feature *f = &p->features[i * p->table->n + k];
    f->at = total;
    total += f->count;
    if (f->count > widest) widest = f->count;
  }
  p->widest[k] = widest;
  if (s->kind == TN_FEATURE_DENSE)
    for (int64_t i = 0; i < p->n; i++) p->features[i * p->table->n + k].at = i * (s->variable ? widest : s->stride);
  return total;
}

static tn_error *allocate_sparse(parse *p, int k, int64_t total) {
  tn_shape indices = tn_shape_of(2, (int64_t[]){total, p->l.batch ? 2 : 1}), values = tn_shape_of(1, &total),
           two = tn_shape_of(1, (int64_t[]){p->l.batch ? 2 : 1});
  TN_TRY(tn_run_allocate(p->r, k, &indices));
  TN_TRY(tn_run_allocate(p->r, p->l.n_sparse + k, &values));
  TN_TRY(tn_run_allocate(p->r, 2 * p->l.n_sparse + k, &two));
  int64_t *shape = TN_DATA(int64_t, p->r->outputs[2 * p->l.n_sparse + k]);
  if (p->l.batch) *shape++ = p->n;
  *shape = p->widest[k];
  return NULL;
}

static tn_error *allocate_ragged(parse *p, int k, int64_t total) {
  int values_at = values_output(&p->l, k), splits_at = values_at + p->l.n_ragged;
  tn_shape values = tn_shape_of(1, &total), splits = tn_shape_of(1, (int64_t[]){p->l.batch ? p->n + 1 : 0});
  TN_TRY(tn_run_allocate(p->r, values_at, &values));
  TN_TRY(tn_run_allocate(p->r, splits_at, &splits));
  for (int64_t i = 0; p->l.batch && i <= p->n; i++)
    put_split(p->r->outputs[splits_at], i, i < p->n ? p->features[i * p->table->n + k].at : total);
  return NULL;
}

static tn_error *allocate(parse *p, int k) {
  const tn_feature_spec *s = &p->table->specs[k];
  int64_t total = lay_out(p, k);
  if (s->kind == TN_FEATURE_SPARSE) return allocate_sparse(p, k, total);
  if (s->kind == TN_FEATURE_RAGGED) return allocate_ragged(p, k, total);
  if (!s->variable && !p->l.all_dynamic) return NULL;
  tn_shape out = *s->shape;
  if (s->variable) out.dims[0] = s->stride > 0 ? p->widest[k] / s->stride : 0;
  if (p->l.batch) {
    for (int d = out.rank++; d > 0; d--) out.dims[d] = out.dims[d - 1];
    out.dims[0] = p->n;
  }
  return tn_run_allocate(p->r, values_output(&p->l, k), &out);
}

/* The first error of the chunks; the others are freed. */
static tn_error *first_error(parse *p) {
  tn_error *first = NULL;
  for (int64_t i = 0; i < p->chunks; i++) {
    if (first)
      tn_error_free(p->errors[i]);
    else
      first = p->errors[i];
    p->errors[i] = NULL;
  }
  return first;
}

static tn_error *work(parse *p) {
  p->features = tn_malloc(((size_t)p->n * (size_t)p->table->n + 1) * sizeof *p->features);
  p->widest = tn_calloc((size_t)p->table->n + 1, sizeof *p->widest);
  p->errors = tn_calloc((size_t)p->chunks + 1, sizeof *p->errors);
  if (!p->features || !p->widest || !p->errors) return tn_out_of_memory();
  tn_parallel(p->chunks, find_chunk, p);
  TN_TRY(first_error(p));
  for (int k = 0; k < p->table->n; k++) TN_TRY(allocate(p, k));
  tn_parallel(p->chunks, decode_chunk, p);
  return first_error(p);
}

tn_error *tn_parse_features(tn_run *r, const tn_parse_layout *l, const tn_feature_table *t) {
  parse p = {.r = r, .l = *l, .table = t, .n = tn_elements(r->inputs[0])};
  p.chunks = tn_chunks(p.n, 16);
  tn_error *error = work(&p);
  tn_free(p.features);
  tn_free(p.widest);
  tn_free(p.errors);
  return error;
}
