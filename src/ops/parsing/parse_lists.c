/* The feature lists of a batch of SequenceExamples: each is a list of features, one a step. */
#include <string.h>

#include "ops/parsing/example.h"

/* A feature list of one example. */
typedef struct list {
  tn_feature found; /* the FeatureList message */
  int64_t steps, values, widest;
} list;

typedef struct job {
  tn_run *r;
  tn_parse_layout l;
  const tn_feature_table *table;
  int first; /* output */
  int64_t n;
  list *lists;       /* [n, features] */
  tn_feature *found; /* [features] */
} job;

static tn_error *bad_step(const job *p, int64_t i, int k, int64_t step, const char *what) {
  tn_string name = tn_parse_name(p->l.names, i);
  return tn_run_errorf(p->r, TN_INVALID_ARGUMENT, "Name: %.*s, Feature list: %.*s, Index: %lld.  %s", TN_TEXT(name),
                       TN_TEXT(p->table->specs[k].key), (long long)step, what);
}

/* Checks the steps of list K of example I and counts what is in them. */
static tn_error *measure(const job *p, int64_t i, int k, list *out) {
  const tn_feature_spec *s = &p->table->specs[k];
  tn_wire_in in = tn_wire_bytes(out->found.data, out->found.size);
  tn_feature f;
  for (bool more;; out->steps++) {
    if (!tn_feature_list_next(&in, &f, &more)) return bad_step(p, i, k, out->steps, "Can't parse the feature.");
    if (!more) return NULL;
    if (f.dtype != s->dtype && (f.dtype != TN_INVALID || s->kind == TN_FEATURE_DENSE))
      return bad_step(p, i, k, out->steps, "Data types don't match.");
    if (s->kind == TN_FEATURE_DENSE && f.count != s->stride)
      return bad_step(p, i, k, out->steps, "Number of values != expected.");
    out->values += f.count;
    if (f.count > out->widest) out->widest = f.count;
  }
}

static tn_error *find(job *p, int64_t i) {
  tn_string name = tn_parse_name(p->l.names, i);
  if (!tn_features_find(p->table, 2, tn_strings_of(p->r->inputs[0])[i], p->found))
    return tn_run_errorf(p->r, TN_INVALID_ARGUMENT, "Could not parse example input %lld, name: %.*s", (long long)i,
                         TN_TEXT(name));
  for (int k = 0; k < p->table->n; k++) {
    const tn_feature_spec *s = &p->table->specs[k];
    list *l = &p->lists[i * p->table->n + k];
    *l = (list){.found = p->found[k]};
    if (l->found.data) {
      TN_TRY(measure(p, i, k, l));
    } else if (s->kind == TN_FEATURE_DENSE && !s->missing_is_empty) {
      return tn_run_errorf(p->r, TN_INVALID_ARGUMENT,
                           "Name: %.*s, Feature list '%.*s' is required but could not be found.  Did you mean to "
                           "include it in feature_list_dense_missing_assumed_empty or feature_list_dense_defaults?",
                           TN_TEXT(name), TN_TEXT(s->key));
    }
  }
  return NULL;
}

/* --- outputs --- */

static list totals(const job *p, int k) {
  list t = {.steps = 0};
  for (int64_t i = 0; i < p->n; i++) {
    const list *l = &p->lists[i * p->table->n + k];
    t.steps += l->steps;
    t.values += l->values;
    if (l->widest > t.widest) t.widest = l->widest;
  }
  return t;
}

static int64_t most_steps(const job *p, int k) {
  int64_t most = 0;
  for (int64_t i = 0; i < p->n; i++) {
    int64_t steps = p->lists[i * p->table->n + k].steps;
    if (steps > most) most = steps;
  }
  return most;
}

static tn_error *vector(const job *p, int output, int64_t n) {
  tn_shape shape = tn_shape_of(1, &n);
  return tn_run_allocate(p->r, output, &shape);
}

static void put_int(tn_tensor *t, int64_t i, int64_t value) {
  if (t->dtype == TN_INT64)
    TN_DATA(int64_t, t)[i] = value;
  else
    TN_DATA(int32_t, t)[i] = (int32_t)value;
}

/* Decodes the values of list K of example I to element AT of OUT on, and calls EACH for every step. */
static tn_error *decode(const job *p, int64_t i, int k, tn_tensor *out, int64_t at, int64_t *counts) {
  const list *l = &p->lists[i * p->table->n + k];
  tn_wire_in in = tn_wire_bytes(l->found.data, l->found.size);
  tn_feature f;
  for (int64_t step = 0; step < l->steps; step++) {
    bool more;
    if (!tn_feature_list_next(&in, &f, &more)) return NULL;
    if (f.count) TN_TRY(tn_feature_decode(&f, (char *)out->data + (size_t)at * tn_dtype_size(out->dtype)));
    at += f.count;
    if (counts) counts[step] = f.count;
  }
  return NULL;
}

static tn_error *sparse(job *p, int k, int64_t *counts) {
  int ns = p->l.n_sparse, rank = p->l.batch ? 3 : 2, output = p->first + k;
  list t = totals(p, k);
  tn_shape indices = tn_shape_of(2, (int64_t[]){t.values, rank});
  TN_TRY(tn_run_allocate(p->r, output, &indices));
  TN_TRY(vector(p, output + ns, t.values));
  TN_TRY(vector(p, output + 2 * ns, rank));
  int64_t *row = TN_DATA(int64_t, p->r->outputs[output]), *shape = TN_DATA(int64_t, p->r->outputs[output + 2 * ns]),
          at = 0;
  if (p->l.batch) *shape++ = p->n;
  shape[0] = most_steps(p, k);
  shape[1] = t.widest;
  for (int64_t i = 0; i < p->n; i++) {
    const list *l = &p->lists[i * p->table->n + k];
    TN_TRY(decode(p, i, k, p->r->outputs[output + ns], at, counts));
    at += l->values;
    for (int64_t step = 0; step < l->steps; step++)
      for (int64_t j = 0; j < counts[step]; j++) {
        if (p->l.batch) *row++ = i;
        *row++ = step;
        *row++ = j;
      }
  }
  return NULL;
}

static tn_error *dense(job *p, int k) {
  const tn_feature_spec *s = &p->table->specs[k];
  int output = p->first + 2 * p->l.n_sparse + k;
  int64_t most = most_steps(p, k);
  tn_shape out = *s->shape;
  int more = p->l.batch ? 2 : 1;
  for (int d = out.rank - 1; d >= 0; d--) out.dims[d + more] = out.dims[d];
  out.rank += more;
  out.dims[more - 1] = most;
  if (p->l.batch) out.dims[0] = p->n;
  TN_TRY(tn_run_allocate(p->r, output, &out));
  tn_tensor *values = p->r->outputs[output];
  if (tn_dtype_is_plain(s->dtype) && tn_elements(values) > 0)
    memset(values->data, 0, (size_t)tn_elements(values) * tn_dtype_size(s->dtype));
  if (p->l.batch) TN_TRY(vector(p, output + p->l.n_dense, p->n));
  for (int64_t i = 0; i < p->n; i++) {
    TN_TRY(decode(p, i, k, values, i * most * s->stride, NULL));
    if (p->l.batch) TN_DATA(int64_t, p->r->outputs[output + p->l.n_dense])[i] = p->lists[i * p->table->n + k].steps;
  }
  return NULL;
}

static tn_error *ragged(job *p, int k, int64_t *counts) {
  int values = p->first + 2 * p->l.n_sparse + p->l.n_dense + k, outer = values + p->l.n_ragged,
      inner = outer + p->l.n_ragged;
  list t = totals(p, k);
  TN_TRY(vector(p, values, t.values));
  TN_TRY(vector(p, outer, p->n + 1));
  TN_TRY(vector(p, inner, t.steps + 1));
  int64_t at = 0, steps = 0;
  put_int(p->r->outputs[outer], 0, 0);
  put_int(p->r->outputs[inner], 0, 0);
  for (int64_t i = 0; i < p->n; i++) {
    const list *l = &p->lists[i * p->table->n + k];
    TN_TRY(decode(p, i, k, p->r->outputs[values], at, counts));
    for (int64_t step = 0; step < l->steps; step++) put_int(p->r->outputs[inner], ++steps, at += counts[step]);
    put_int(p->r->outputs[outer], i + 1, steps);
  }
  return NULL;
}

static tn_error *work(job *p) {
  int64_t most = 0;
  for (int64_t i = 0; i < p->n; i++) TN_TRY(find(p, i));
  for (int k = 0; k < p->table->n; k++) most = most_steps(p, k) > most ? most_steps(p, k) : most;
  int64_t *counts = tn_malloc(((size_t)most + 1) * sizeof *counts);
  if (!counts) return tn_out_of_memory();
  tn_error *error = NULL;
  for (int k = 0; k < p->table->n && !error; k++) {
    tn_feature_kind kind = p->table->specs[k].kind;
    error = kind == TN_FEATURE_SPARSE  ? sparse(p, k, counts)
            : kind == TN_FEATURE_DENSE ? dense(p, k)
                                       : ragged(p, k, counts);
  }
  tn_free(counts);
  return error;
}

tn_error *tn_parse_feature_lists(tn_run *r, const tn_parse_layout *l, const tn_feature_table *t, int first) {
  job p = {.r = r, .l = *l, .table = t, .first = first, .n = tn_elements(r->inputs[0])};
  p.lists = tn_calloc((size_t)p.n * (size_t)t->n + 1, sizeof *p.lists);
  p.found = tn_calloc((size_t)t->n + 1, sizeof *p.found);
  tn_error *error = p.lists && p.found ? work(&p) : tn_out_of_memory();
  tn_free(p.lists);
  tn_free(p.found);
  return error;
}
