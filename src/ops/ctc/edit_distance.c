/* EditDistance: Levenshtein's distance between sequences, the last dimension of two sparse tensors. */
#include "ops/ctc/ctc.h"
#include "ops/sparse/sparse.h"

static bool same(const tn_tensor *a, int64_t i, const tn_tensor *b, int64_t j) {
  if (a->dtype == TN_STRING) {
    const tn_string *s = &TN_DATA(tn_string, a)[i], *t = &TN_DATA(tn_string, b)[j];
    return s->size == t->size && (s->size == 0 || memcmp(s->data, t->data, s->size) == 0);
  }
  return memcmp(tn_at(a, i), tn_at(b, j), tn_dtype_size(a->dtype)) == 0;
}

/* A run of elements that belong to one sequence. */
typedef struct sequence {
  int64_t begin, end;
} sequence;

static sequence next_sequence(const tn_coo *x, int64_t begin) {
  sequence s = {begin, begin};
  while (s.end < x->n && !tn_coo_compare(tn_coo_row(x, begin), tn_coo_row(x, s.end), x->rank - 1)) s.end++;
  return s;
}

static int64_t distance(const tn_coo *a, sequence s, const tn_coo *b, sequence t, int64_t *row) {
  int64_t n = t.end - t.begin;
  for (int64_t j = 0; j <= n; j++) row[j] = j;
  for (int64_t i = s.begin; i < s.end; i++) {
    int64_t corner = row[0]++;
    for (int64_t j = 1; j <= n; j++) {
      int64_t change = corner + !same(a->values, i, b->values, t.begin + j - 1),
              least = row[j] < row[j - 1] ? row[j] : row[j - 1];
      corner = row[j];
      row[j] = change < least + 1 ? change : least + 1;
    }
  }
  return row[n];
}

static tn_error *put(tn_run *r, const int64_t *at, float value) {
  const tn_shape *shape = &r->outputs[0]->shape;
  int64_t flat = 0;
  for (int d = 0; d < shape->rank; d++) {
    if (at[d] < 0 || at[d] >= shape->dims[d])
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "index %lld is out of bounds in dimension %d", (long long)at[d], d);
    flat = flat * shape->dims[d] + at[d];
  }
  TN_DATA(float, r->outputs[0])[flat] = value;
  return NULL;
}

static tn_error *walk(tn_run *r, const tn_coo *a, const tn_coo *b, int64_t *row) {
  bool normalize = tn_node_get_bool(r->node, "normalize");
  for (int64_t i = 0, j = 0; i < a->n || j < b->n;) {
    int order = i == a->n ? 1 : j == b->n ? -1 : tn_coo_compare(tn_coo_row(a, i), tn_coo_row(b, j), a->rank - 1);
    const int64_t *at = order <= 0 ? tn_coo_row(a, i) : tn_coo_row(b, j);
    sequence s = {i, i}, t = {j, j};
    if (order <= 0) s = next_sequence(a, i);
    if (order >= 0) t = next_sequence(b, j);
    int64_t n = s.end - s.begin, m = t.end - t.begin;
    float value = (float)(n == 0 ? m : m == 0 ? n : distance(a, s, b, t, row));
    if (normalize) value = m ? value / (float)m : INFINITY;
    TN_TRY(put(r, at, value));
    i = s.end;
    j = t.end;
  }
  return NULL;
}

static tn_error *run(tn_run *r) {
  tn_coo a = tn_coo_of(r, 0), b = tn_coo_of(r, 3);
  memset(r->outputs[0]->data, 0, (size_t)tn_elements(r->outputs[0]) * sizeof(float));
  int64_t *row = tn_malloc(((size_t)b.n + 1) * sizeof *row);
  if (!row) return tn_out_of_memory();
  tn_error *error = walk(r, &a, &b, row);
  tn_free(row);
  return error;
}

static tn_error *prepare(tn_prepare *p) {
  TN_TRY(tn_coo_prepare(p, 0));
  TN_TRY(tn_coo_prepare(p, 3));
  int64_t rank = p->inputs[2].shape.dims[0];
  if (rank != p->inputs[5].shape.dims[0] || rank < 1 || rank > TN_MAX_RANK)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "truth_shape and hypothesis_shape must have one rank, but are of %lld and %lld",
                             (long long)p->inputs[5].shape.dims[0], (long long)rank);
  tn_shape out = tn_shape_unknown_of_rank((int)rank - 1);
  for (int d = 0; d < out.rank; d++) {
    int64_t a = TN_DATA(int64_t, &p->inputs[2])[d], b = TN_DATA(int64_t, &p->inputs[5])[d];
    out.dims[d] = a > b ? a : b;
    if (out.dims[d] < 0) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "a shape has a negative size");
  }
  return tn_prepare_output(p, 0, &out);
}

static tn_error *shape(tn_shape_ctx *c) {
  TN_TRY(tn_coo_shape(c, 0));
  TN_TRY(tn_coo_shape(c, 3));
  const tn_tensor *a = c->value(c, 2), *b = a ? c->value(c, 5) : NULL;
  if (!a || !b) return NULL;
  int64_t n = tn_elements(a), m = tn_elements(b);
  if (n != m || n < 1 || n > TN_MAX_RANK)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT,
                          "Num elements of hypothesis_shape does not match truth_shape: %lld vs. %lld", (long long)n,
                          (long long)m);
  tn_shape out = tn_shape_unknown_of_rank((int)n - 1);
  for (int d = 0; d < out.rank; d++) {
    int64_t x = TN_DATA(int64_t, a)[d], y = TN_DATA(int64_t, b)[d];
    out.dims[d] = x > y ? x : y;
  }
  c->out[0] = out;
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(EditDistance,
      .inputs = "hypothesis_indices: int64, hypothesis_values: T, hypothesis_shape: int64, truth_indices: int64, "
                "truth_values: T, truth_shape: int64",
      .outputs = "output: float", .attrs = "normalize: bool = true; T: type",
      .doc = "Levenshtein's distances between the sequences of two sparse tensors.", .flags = TN_OP_NO_GRADIENT,
      .value_inputs = 1 << 2 | 1 << 5, .shape = shape, .kernels = kernels);
