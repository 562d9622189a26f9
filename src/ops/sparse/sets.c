/* SetSize and the set operations: the last dimension of a tensor holds a set. */
#include <stdlib.h>

#include "ops/sparse/sparse.h"
#include "ops/string/string_array.h"

/* --- elements in order --- */

#define ORDER(T)                                                                                                       \
  {                                                                                                                    \
    const T x = *(const T *)a, y = *(const T *)b;                                                                      \
    return (x > y) - (x < y);                                                                                          \
  }

static int compare(const void *a, const void *b, void *dtype) {
  switch (*(const tn_dtype *)dtype) {
  case TN_INT8: ORDER(int8_t)
  case TN_UINT8: ORDER(uint8_t)
  case TN_INT16: ORDER(int16_t)
  case TN_UINT16: ORDER(uint16_t)
  case TN_INT32: ORDER(int32_t)
  case TN_INT64: ORDER(int64_t)
  default: break;
  }
  const tn_string *s = a, *t = b;
  size_t n = s->size < t->size ? s->size : t->size;
  int order = n ? memcmp(s->data, t->data, n) : 0;
  return order ? order : (s->size > t->size) - (s->size < t->size);
}

/* A group of elements, FIRST to LAST, by the coordinates before the last dimension. */
typedef struct sets {
  const tn_tensor *values;
  bool dense;
  int64_t width;       /* dense: elements in a group */
  int64_t groups;      /* dense: how many there are */
  tn_coo x;            /* sparse */
  const int64_t *dims; /* of the groups */
  int rank;
} sets;

static sets dense_sets(const tn_tensor *t) {
  int rank = t->shape.rank;
  return (sets){.values = t,
                .dense = true,
                .width = t->shape.dims[rank - 1],
                .groups = tn_span(&t->shape, 0, rank - 1),
                .dims = t->shape.dims,
                .rank = rank - 1};
}

static sets sparse_sets(const tn_run *r, int first) {
  tn_coo x = tn_coo_of(r, first);
  return (sets){.values = x.values, .x = x, .dims = x.dims, .rank = x.rank - 1};
}

typedef struct group {
  int64_t begin, end, at[TN_MAX_RANK];
  bool some;
} group;

/* The group that begins at element BEGIN. */
static group group_at(const sets *s, int64_t begin) {
  group g = {.begin = begin, .end = begin};
  if (s->dense) {
    if (s->width == 0 || begin >= s->groups * s->width) return g;
    g.end = begin + s->width;
    int64_t rest = begin / s->width;
    for (int d = s->rank - 1; d >= 0; d--) {
      g.at[d] = rest % s->dims[d];
      rest /= s->dims[d];
    }
  } else {
    if (begin >= s->x.n) return g;
    memcpy(g.at, tn_coo_row(&s->x, begin), (size_t)s->rank * sizeof *g.at);
    while (g.end < s->x.n && !tn_coo_compare(g.at, tn_coo_row(&s->x, g.end), s->rank)) g.end++;
  }
  g.some = true;
  return g;
}

/* The elements of a group, sorted, each once; strings are borrowed. Returns how many. */
static int64_t load(const sets *s, const group *g, char *out) {
  tn_dtype dtype = s->values->dtype;
  size_t size = tn_dtype_size(dtype);
  int64_t n = g->end - g->begin, kept = 0;
  if (n <= 0) return 0;
  memcpy(out, tn_at(s->values, g->begin), (size_t)n * size);
  qsort_r(out, (size_t)n, size, compare, &dtype);
  for (int64_t i = 0; i < n; i++) {
    if (kept && !compare(out + (kept - 1) * (int64_t)size, out + i * (int64_t)size, &dtype)) continue;
    memmove(out + kept++ * (int64_t)size, out + i * (int64_t)size, size);
  }
  return kept;
}

/* --- operations --- */

typedef enum operation { A_MINUS_B, B_MINUS_A, INTERSECTION, UNION, NONE } operation;

static operation operation_of(const tn_node *node) {
  static const char *const names[] = {"a-b", "b-a", "intersection", "union"};
  tn_string s = tn_node_get_string(node, "set_operation");
  for (int i = 0; i < 4; i++)
    if (s.size == strlen(names[i]) && !strncasecmp(s.data, names[i], s.size)) return (operation)i;
  return NONE;
}

typedef struct job {
  tn_run *r;
  sets a, b;
  operation op;
  char *left, *right, *joined;
  int64_t n, widest;
  bool store;
} job;

/* Joins the sorted sets of N and M elements; returns the number of elements. */
static int64_t join(const job *w, int64_t n, int64_t m) {
  tn_dtype dtype = w->a.values->dtype;
  int64_t size = (int64_t)tn_dtype_size(dtype), kept = 0;
  for (int64_t i = 0, j = 0; i < n || j < m;) {
    const char *a = w->left + i * size, *b = w->right + j * size;
    int order = i == n ? 1 : j == m ? -1 : compare(a, b, &dtype);
    bool take = w->op == UNION || (w->op == INTERSECTION ? order == 0 : w->op == A_MINUS_B ? order < 0 : order > 0);
    if (take) memcpy(w->joined + kept++ * size, order <= 0 ? a : b, (size_t)size);
    i += order <= 0;
    j += order >= 0;
  }
  return kept;
}

static tn_error *emit(job *j, const int64_t *at, int64_t n) {
  if (n > j->widest) j->widest = n;
  for (int64_t i = 0; i < n && j->store; i++) {
    int64_t *row = TN_DATA(int64_t, j->r->outputs[0]) + (j->n + i) * (j->a.rank + 1);
    memcpy(row, at, (size_t)j->a.rank * sizeof *row);
    row[j->a.rank] = i;
    TN_TRY(tn_copy_elements(j->a.values->dtype, tn_at(j->r->outputs[1], j->n + i),
                            j->joined + i * (int64_t)tn_dtype_size(j->a.values->dtype), 1));
  }
  j->n += n;
  return NULL;
}

/* Walks the groups of both in order. */
static tn_error *walk(job *j) {
  j->n = 0;
  group a = group_at(&j->a, 0), b = group_at(&j->b, 0);
  while (a.some || b.some) {
    int order = !a.some ? 1 : !b.some ? -1 : tn_coo_compare(a.at, b.at, j->a.rank);
    int64_t n = order <= 0 ? load(&j->a, &a, j->left) : 0, m = order >= 0 ? load(&j->b, &b, j->right) : 0;
    n = join(j, n, m);
    TN_TRY(emit(j, order <= 0 ? a.at : b.at, n));
    if (order <= 0) a = group_at(&j->a, a.end);
    if (order >= 0) b = group_at(&j->b, b.end);
  }
  return NULL;
}

static tn_error *work(job *j) {
  int64_t n = tn_elements(j->a.values), m = tn_elements(j->b.values);
  size_t size = tn_dtype_size(j->a.values->dtype);
  j->left = tn_malloc((size_t)n * size + 1);
  j->right = tn_malloc((size_t)m * size + 1);
  j->joined = tn_malloc((size_t)(n + m) * size + 1);
  if (!j->left || !j->right || !j->joined) return tn_out_of_memory();
  TN_TRY(walk(j));
  TN_TRY(tn_sparse_matrix(j->r, 0, j->n, j->a.rank + 1));
  TN_TRY(tn_sparse_vector(j->r, 1, j->n));
  TN_TRY(tn_sparse_vector(j->r, 2, j->a.rank + 1));
  int64_t *dims = TN_DATA(int64_t, j->r->outputs[2]);
  memcpy(dims, j->a.dims, (size_t)j->a.rank * sizeof *dims);
  dims[j->a.rank] = j->widest;
  j->store = true;
  return walk(j);
}

static tn_error *check_order(const tn_run *r, const sets *s) {
  if (s->dense) return NULL;
  TN_TRY(tn_coo_check(r, &s->x));
  for (int64_t i = 1; i < s->x.n && tn_node_get_bool(r->node, "validate_indices"); i++)
    if (tn_coo_compare(tn_coo_row(&s->x, i - 1), tn_coo_row(&s->x, i), s->x.rank) >= 0)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "indices[%lld] is out of order or repeated", (long long)i);
  return NULL;
}

static tn_error *operate(tn_run *r, sets a, sets b) {
  job j = {.r = r, .a = a, .b = b, .op = operation_of(r->node)};
  TN_TRY(check_order(r, &a));
  TN_TRY(check_order(r, &b));
  bool same = a.rank == b.rank && a.rank < TN_MAX_RANK;
  for (int d = 0; same && d < a.rank; d++) same = a.dims[d] == b.dims[d];
  if (!same) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Mismatched group shapes of the two sets");
  tn_error *error = work(&j);
  tn_free(j.left);
  tn_free(j.right);
  tn_free(j.joined);
  return error;
}

static tn_error *dense_dense_run(tn_run *r) { return operate(r, dense_sets(r->inputs[0]), dense_sets(r->inputs[1])); }
static tn_error *dense_sparse_run(tn_run *r) { return operate(r, dense_sets(r->inputs[0]), sparse_sets(r, 1)); }
static tn_error *sparse_sparse_run(tn_run *r) { return operate(r, sparse_sets(r, 0), sparse_sets(r, 3)); }

/* Input I is a dense or, of three inputs, a sparse tensor of sets. */
static tn_error *check_sets(const tn_prepare *p, int i, bool sparse) {
  if (sparse) TN_TRY(tn_coo_prepare(p, i));
  int64_t rank = sparse ? p->inputs[i + 2].shape.dims[0] : p->inputs[i].shape.rank;
  if (rank < 2 || rank > TN_MAX_RANK)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Invalid rank %lld of a tensor of sets: it must be 2 at least",
                             (long long)rank);
  return NULL;
}

static tn_error *prepare(tn_prepare *p, bool sparse_a, bool sparse_b) {
  TN_TRY(check_sets(p, 0, sparse_a));
  TN_TRY(check_sets(p, sparse_a ? 3 : 1, sparse_b));
  if (operation_of(p->node) == NONE)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "Invalid set_operation: it must be a-b, b-a, intersection or union");
  tn_sparse_all_dynamic(p);
  return NULL;
}

static tn_error *dense_dense_prepare(tn_prepare *p) { return prepare(p, false, false); }
static tn_error *dense_sparse_prepare(tn_prepare *p) { return prepare(p, false, true); }
static tn_error *sparse_sparse_prepare(tn_prepare *p) { return prepare(p, true, true); }

/* --- SetSize --- */

static tn_error *size_prepare(tn_prepare *p) {
  TN_TRY(check_sets(p, 0, true));
  tn_prepare_dynamic(p, 0);
  return NULL;
}

static tn_error *size_run(tn_run *r) {
  sets s = sparse_sets(r, 0);
  TN_TRY(check_order(r, &s));
  tn_shape shape = tn_shape_of(s.rank, s.dims);
  TN_TRY(tn_run_allocate(r, 0, &shape));
  int32_t *out = TN_DATA(int32_t, r->outputs[0]);
  memset(out, 0, (size_t)tn_elements(r->outputs[0]) * sizeof *out);
  char *scratch = tn_malloc((size_t)s.x.n * tn_dtype_size(s.values->dtype) + 1);
  if (!scratch) return tn_out_of_memory();
  for (group g = group_at(&s, 0); g.some; g = group_at(&s, g.end)) {
    int64_t flat = 0;
    for (int d = 0; d < s.rank; d++) flat = flat * s.dims[d] + g.at[d];
    out[flat] = (int32_t)load(&s, &g, scratch);
  }
  tn_free(scratch);
  return NULL;
}

/* --- shapes --- */

static void result_shapes(tn_shape_ctx *c, int rank) {
  c->out[0] = tn_shape_of(2, (int64_t[]){-1, rank});
  c->out[1] = tn_shape_unknown_of_rank(1);
  c->out[2] = tn_shape_of(1, (int64_t[]){rank});
}

static tn_error *bad_rank(const tn_shape_ctx *c, int64_t rank) {
  if (rank < 0 || rank > 1) return NULL;
  return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "Input rank must be at least 2, not %lld", (long long)rank);
}

static tn_error *dense_dense_shape(tn_shape_ctx *c) {
  const tn_shape *a = &c->in[0], *b = &c->in[1];
  TN_TRY(bad_rank(c, a->rank));
  TN_TRY(bad_rank(c, b->rank));
  if (a->rank >= 0 && b->rank >= 0) {
    tn_shape unused, left = tn_shape_part(a, 0, a->rank - 1), right = tn_shape_part(b, 0, b->rank - 1);
    TN_TRY(tn_shape_merge(c, &left, &right, &unused));
  }
  result_shapes(c, a->rank >= 0 ? a->rank : b->rank);
  return NULL;
}

static tn_error *dense_sparse_shape(tn_shape_ctx *c) {
  TN_TRY(tn_coo_shape(c, 1));
  TN_TRY(bad_rank(c, c->in[0].rank));
  int64_t rank = c->in[3].rank == 1 ? c->in[3].dims[0] : -1;
  result_shapes(c, c->in[0].rank >= 0 ? c->in[0].rank : (int)rank);
  return NULL;
}

static tn_error *sparse_sparse_shape(tn_shape_ctx *c) {
  TN_TRY(tn_coo_shape(c, 0));
  TN_TRY(tn_coo_shape(c, 3));
  int64_t a = c->in[2].rank == 1 ? c->in[2].dims[0] : -1, b = c->in[5].rank == 1 ? c->in[5].dims[0] : -1;
  result_shapes(c, (int)(a >= 0 ? a : b));
  return NULL;
}

#define SET_TYPES (TN_SIGNED | TN_BIT(TN_UINT8) | TN_BIT(TN_UINT16) | TN_BIT(TN_STRING))
#define KERNEL(NAME)                                                                                                   \
  static const tn_kernel_def NAME##_kernels[] = {                                                                      \
      {.name = "reference", .types = SET_TYPES, .prepare = NAME##_prepare, .run = NAME##_run}, {0}}
KERNEL(dense_dense);
KERNEL(dense_sparse);
KERNEL(sparse_sparse);
KERNEL(size);

TN_OP(SetSize, .inputs = "set_indices: int64, set_values: T, set_shape: int64", .outputs = "size: int32",
      .attrs = "validate_indices: bool = true; T: {int8, int16, int32, int64, uint8, uint16, string}",
      .doc = "The number of different elements in each set.", .flags = TN_OP_NO_GRADIENT | TN_OP_DYNAMIC_SHAPE,
      .shape = tn_shape_unknown_out, .kernels = size_kernels);

TN_OP(DenseToDenseSetOperation, .inputs = "set1: T, set2: T",
      .outputs = "result_indices: int64, result_values: T, result_shape: int64",
      .attrs =
          "set_operation: string; validate_indices: bool = true; T: {int8, int16, int32, int64, uint8, uint16, string}",
      .doc = "Unions, intersections or differences of the sets in the last dimensions.",
      .flags = TN_OP_NO_GRADIENT | TN_OP_DYNAMIC_SHAPE, .shape = dense_dense_shape, .kernels = dense_dense_kernels);

TN_OP(DenseToSparseSetOperation, .inputs = "set1: T, set2_indices: int64, set2_values: T, set2_shape: int64",
      .outputs = "result_indices: int64, result_values: T, result_shape: int64",
      .attrs =
          "set_operation: string; validate_indices: bool = true; T: {int8, int16, int32, int64, uint8, uint16, string}",
      .doc = "Unions, intersections or differences of dense and sparse sets.",
      .flags = TN_OP_NO_GRADIENT | TN_OP_DYNAMIC_SHAPE, .shape = dense_sparse_shape, .kernels = dense_sparse_kernels);

TN_OP(SparseToSparseSetOperation,
      .inputs = "set1_indices: int64, set1_values: T, set1_shape: int64, set2_indices: int64, set2_values: T, "
                "set2_shape: int64",
      .outputs = "result_indices: int64, result_values: T, result_shape: int64",
      .attrs =
          "set_operation: string; validate_indices: bool = true; T: {int8, int16, int32, int64, uint8, uint16, string}",
      .doc = "Unions, intersections or differences of sparse sets.", .flags = TN_OP_NO_GRADIENT | TN_OP_DYNAMIC_SHAPE,
      .shape = sparse_sparse_shape, .kernels = sparse_sparse_kernels);
