/* RaggedTensorToTensor: a ragged tensor as a dense one, padded and cut. */
#include <string.h>

#include "ops/ragged/ragged.h"

#define FIRST 3 /* the first partition */

typedef enum partition { FIRST_DIM_SIZE, VALUE_ROWIDS, ROW_SPLITS } partition;

typedef struct state {
  int ragged; /* dimensions past the first that are partitioned */
  int n;      /* partitions */
  partition kinds[TN_MAX_RANK];
  bool free; /* the shape is a scalar: nothing is asked for */
  tn_shape asked;
} state;

static tn_error *read_kinds(const tn_node *node, state *s) {
  static const char *const names[] = {"FIRST_DIM_SIZE", "VALUE_ROWIDS", "ROW_SPLITS"};
  const tn_attr *types = tn_node_attr(node, "row_partition_types");
  int64_t n = tn_node_get_int(node, "num_row_partition_tensors");
  if ((int64_t)types->n != n || n > TN_MAX_RANK - 1) {
    return tn_node_errorf(node, TN_INVALID_ARGUMENT,
                          "Expected row_partition_types.size() == row_partition_tensors.size() of at most %d: got %zu, "
                          "%lld",
                          TN_MAX_RANK - 1, types->n, (long long)n);
  }
  s->n = (int)n;
  s->ragged = 0;
  for (int i = 0; i < s->n; i++) {
    tn_string name = types->strings[i];
    int kind = 0;
    while (kind < 3 && (name.size != strlen(names[kind]) || memcmp(name.data, names[kind], name.size) != 0)) kind++;
    if (kind == 3) {
      return tn_node_errorf(node, TN_INVALID_ARGUMENT, "Cannot handle type %.*s", (int)name.size, name.data);
    }
    if (i == 0 ? kind == VALUE_ROWIDS : kind == FIRST_DIM_SIZE) {
      return tn_node_errorf(node, TN_INVALID_ARGUMENT, "Cannot handle %s in %s dimension", names[kind],
                            i == 0 ? "first" : "a later");
    }
    s->kinds[i] = (partition)kind;
    s->ragged += kind != FIRST_DIM_SIZE;
  }
  return NULL;
}

/* Merges what was asked for, sizes of -1 being free, with the sizes of one value. */
static tn_error *combine(const tn_node *node, int ragged, const tn_shape *values, const tn_shape *asked,
                         tn_shape *out) {
  if (values->rank < 0) {
    *out = *asked;
    return NULL;
  }
  int rank = ragged + values->rank;
  tn_shape result = tn_shape_unknown_of_rank(rank < TN_MAX_RANK ? rank : TN_MAX_RANK);
  if (rank > TN_MAX_RANK) {
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "the result would have rank %d, at most %d is supported", rank,
                          TN_MAX_RANK);
  }
  if (asked->rank >= 0 && asked->rank != rank) {
    return tn_node_errorf(node, TN_INVALID_ARGUMENT,
                          "rt_input.shape and shape=%s are incompatible: rt_input.rank = %d but shape.rank = %d",
                          TN_SHAPE_STR(asked), rank, asked->rank);
  }
  for (int d = 0; d < rank; d++) {
    int64_t size = d > ragged ? values->dims[d - ragged] : -1, want = asked->rank < 0 ? -1 : asked->dims[d];
    if (size >= 0 && want >= 0 && size != want) {
      return tn_node_errorf(node, TN_INVALID_ARGUMENT,
                            "rt_input.shape and shape=%s are incompatible: rt_input.shape[%d] = %lld but shape[%d] = "
                            "%lld",
                            TN_SHAPE_STR(asked), d, (long long)size, d, (long long)want);
    }
    result.dims[d] = want >= 0 ? want : size;
  }
  *out = result;
  return NULL;
}

/* The default is a scalar, or broadcasts over one value. */
static tn_error *check_default(const tn_node *node, const tn_shape *value, const tn_shape *values) {
  if (value->rank < 0 || values->rank < 0) return NULL;
  bool good = value->rank < values->rank;
  for (int d = 0; good && d < value->rank; d++) {
    int64_t a = value->dims[value->rank - 1 - d], b = values->dims[values->rank - 1 - d];
    good = a < 0 || b < 0 || a == 1 || a == b;
  }
  if (good) return NULL;
  return tn_node_errorf(node, TN_INVALID_ARGUMENT,
                        "default_value.shape=%s and rt_input.flat_values.shape=%s are incompatible: the default must "
                        "broadcast over one value",
                        TN_SHAPE_STR(value), TN_SHAPE_STR(values));
}

static tn_error *shape(tn_shape_ctx *c) {
  state s;
  tn_shape asked = tn_shape_unknown();
  TN_TRY(read_kinds(c->node, &s));
  TN_TRY(check_default(c->node, &c->in[2], &c->in[1]));
  if (c->in[0].rank == 1) TN_TRY(tn_shape_from_value(c, 0, &asked));
  if (c->in[0].rank == 1 && asked.rank < 0 && c->in[0].dims[0] >= 0 && c->in[0].dims[0] <= TN_MAX_RANK) {
    asked = tn_shape_unknown_of_rank((int)c->in[0].dims[0]);
  }
  if (c->in[0].rank > 1) {
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "shape must be a scalar or vector, not shape %s",
                          TN_SHAPE_STR(&c->in[0]));
  }
  return combine(c->node, s.ragged, &c->in[1], &asked, &c->out[0]);
}

static tn_error *read_shape(const tn_prepare *p, state *s) {
  const tn_tensor *shape = &p->inputs[0];
  int64_t sizes[TN_MAX_RANK];
  int n;
  s->asked = tn_shape_unknown();
  if (shape->shape.rank > 1) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "shape must be a scalar or vector, not shape %s",
                             TN_SHAPE_STR(&shape->shape));
  }
  TN_TRY(tn_prepare_ints(p, 0, TN_MAX_RANK, &n, sizes));
  if (shape->shape.rank == 0) {
    if (sizes[0] == -1) return NULL;
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "The only valid scalar shape tensor is the fully unknown shape "
                             "specified as -1.");
  }
  for (int i = 0; i < n; i++) {
    if (sizes[i] < -1) {
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Dimension %lld must be >= -1", (long long)sizes[i]);
    }
  }
  s->asked = tn_shape_of(n, sizes);
  return NULL;
}

static tn_error *prepare(tn_prepare *p) {
  state *s = NULL;
  TN_TRY(tn_prepare_state(p, sizeof *s, &s));
  TN_TRY(read_kinds(p->node, s));
  for (int i = 0; i < s->n; i++) {
    const tn_shape *partition = &p->inputs[FIRST + i].shape;
    int rank = s->kinds[i] == FIRST_DIM_SIZE ? 0 : 1;
    if (partition->rank != rank) {
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "partition %d must have rank %d, not shape %s", i, rank,
                               TN_SHAPE_STR(partition));
    }
  }
  const tn_shape *values = &p->inputs[1].shape;
  if (values->rank < 1) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "default_value.shape=%s and rt_input.flat_values.shape=[] are incompatible: the values "
                             "must have rank 1 or more",
                             TN_SHAPE_STR(&p->inputs[2].shape));
  }
  TN_TRY(check_default(p->node, &p->inputs[2].shape, values));
  TN_TRY(read_shape(p, s));
  TN_TRY(combine(p->node, s->ragged, values, &s->asked, &s->asked));
  tn_prepare_dynamic(p, 0);
  return NULL;
}

/* The largest number of values in a row. */
static int64_t widest(const tn_tensor *t, partition kind) {
  int64_t n = tn_elements(t), most = 0, length = 0;
  for (int64_t i = 0; i < n; i++) {
    if (kind == ROW_SPLITS) {
      length = i ? tn_index_at(t, i) - tn_index_at(t, i - 1) : 0;
    } else {
      length = i && tn_index_at(t, i) == tn_index_at(t, i - 1) ? length + 1 : 1;
    }
    if (length > most) most = length;
  }
  return most;
}

/* The size of each dimension of the result. */
static tn_error *sizes_of(const tn_run *r, const state *s, tn_shape *out) {
  *out = s->asked;
  const tn_tensor *first = r->inputs[FIRST];
  int64_t rows = s->kinds[0] == FIRST_DIM_SIZE ? tn_index_at(first, 0) : tn_elements(first) - 1;
  if (s->kinds[0] == ROW_SPLITS && rows < 0) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "Invalid first partition input. Tensor requires at least one element.");
  }
  if (rows < 0) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Dimension %lld must be >= 0", (long long)rows);
  if (out->dims[0] < 0) out->dims[0] = rows;
  int skip = s->kinds[0] == FIRST_DIM_SIZE;
  for (int d = 1; d <= s->ragged; d++) {
    int i = d - 1 + skip;
    if (out->dims[d] < 0) out->dims[d] = widest(r->inputs[FIRST + i], s->kinds[i]);
  }
  return NULL;
}

/* Where each row of a level begins in the result, in units of one value; -1: it was cut off. */
typedef struct places {
  int64_t n, *at;
  size_t size;
} places;

static void places_free(places *p) { tn_free_aligned(p->at, p->size); }

static tn_error *places_new(int64_t n, places *out) {
  int64_t bytes;
  if (n < 0 || __builtin_mul_overflow(n, (int64_t)sizeof *out->at, &bytes)) {
    return tn_errorf(TN_INVALID_ARGUMENT, "Invalid row split size.");
  }
  void *memory = NULL;
  TN_TRY(tn_alloc_aligned((size_t)bytes + 1, &memory));
  *out = (places){n, memory, (size_t)bytes + 1};
  return NULL;
}

/* The places of the values of rows at ROWS, by splits; SIZE values of a row fit, STEP apart. */
static tn_error *by_splits(const tn_run *r, const tn_tensor *splits, const places *rows, int64_t size, int64_t step,
                           places *out) {
  int64_t n = tn_elements(splits) - 1, total = 0;
  if (n > rows->n) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Row partition size is greater than output size: %lld > %lld",
                         (long long)n, (long long)rows->n);
  }
  bool good = n < 0 || tn_index_at(splits, 0) == 0;
  for (int64_t i = 0; good && i < n; i++) good = tn_index_at(splits, i) <= tn_index_at(splits, i + 1);
  if (!good) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Invalid row split size.");
  if (n >= 0) total = tn_index_at(splits, n);
  TN_TRY(places_new(total, out));
  for (int64_t i = 0; i < n; i++) {
    int64_t at = tn_index_at(splits, i), length = tn_index_at(splits, i + 1) - at;
    for (int64_t j = 0; j < length; j++) out->at[at + j] = rows->at[i] >= 0 && j < size ? rows->at[i] + j * step : -1;
  }
  return NULL;
}

/* The same by the row of each value. */
static tn_error *by_rows(const tn_run *r, const tn_tensor *ids, const places *rows, int64_t size, int64_t step,
                         places *out) {
  int64_t n = tn_elements(ids), column = 0;
  TN_TRY(places_new(n, out));
  for (int64_t i = 0; i < n; i++) {
    int64_t row = tn_index_at(ids, i);
    if (row < 0 || row >= rows->n) {
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Got next_value_rowid=%lld which is not less than %lld",
                           (long long)row, (long long)rows->n);
    }
    column = i && row == tn_index_at(ids, i - 1) ? column + 1 : 0;
    out->at[i] = rows->at[row] >= 0 && column < size ? rows->at[row] + column * step : -1;
  }
  return NULL;
}

/* Where each value goes. */
static tn_error *place_values(const tn_run *r, const state *s, const tn_shape *sizes, places *out) {
  int skip = s->kinds[0] == FIRST_DIM_SIZE;
  int64_t step = tn_span(sizes, 1, s->ragged + 1);
  const tn_tensor *first = r->inputs[FIRST];
  places rows = {0};
  TN_TRY(places_new(skip ? tn_index_at(first, 0) : tn_elements(first) - 1, &rows));
  for (int64_t i = 0; i < rows.n; i++) rows.at[i] = i < sizes->dims[0] ? i * step : -1;
  tn_error *error = NULL;
  for (int d = 1; d <= s->ragged && !error; d++) {
    int i = d - 1 + skip;
    places next = {0};
    step = tn_span(sizes, d + 1, s->ragged + 1);
    error =
        (s->kinds[i] == ROW_SPLITS ? by_splits : by_rows)(r, r->inputs[FIRST + i], &rows, sizes->dims[d], step, &next);
    places_free(&rows);
    rows = next;
  }
  if (error) {
    places_free(&rows);
    return error;
  }
  *out = rows;
  return NULL;
}

/* COUNT elements of OUT from the default, which repeats. */
static tn_error *fill(tn_tensor *out, const tn_tensor *value, const tn_shape *one, int64_t count) {
  int64_t strides[TN_MAX_RANK] = {0}, targets[TN_MAX_RANK] = {0}, dims[TN_MAX_RANK], inner = 1;
  int rank = one->rank;
  dims[0] = count;
  targets[0] = tn_span(one, 1, rank);
  for (int d = rank - 1, v = value->shape.rank - 1; d >= 1; d--, v--) {
    dims[d] = one->dims[d];
    targets[d] = tn_span(one, d + 1, rank);
    if (v < 0) continue;
    strides[d] = value->shape.dims[v] == 1 ? 0 : inner;
    inner *= value->shape.dims[v];
  }
  tn_copy copy;
  tn_copy_init(&copy, out->dtype, rank, dims, targets, strides);
  return tn_copy_run(&copy, out->data, value->data);
}

static tn_error *run(tn_run *r) {
  const state *s = r->state;
  tn_shape sizes;
  places where = {0};
  TN_TRY(sizes_of(r, s, &sizes));
  TN_TRY(tn_run_allocate(r, 0, &sizes));
  tn_tensor *out = r->outputs[0];
  const tn_tensor *values = r->inputs[1];
  int64_t row = tn_row_elements(values);
  if (tn_elements(out) > 0) TN_TRY(fill(out, r->inputs[2], &values->shape, tn_span(&sizes, 0, s->ragged + 1)));
  TN_TRY(place_values(r, s, &sizes, &where));
  tn_error *error = NULL;
  int64_t n = where.n < values->shape.dims[0] ? where.n : values->shape.dims[0];
  for (int64_t i = 0; i < n && !error; i++) {
    if (where.at[i] < 0) continue;
    error = tn_copy_elements(out->dtype, tn_at(out, where.at[i] * row), tn_at(values, i * row), row);
  }
  places_free(&where);
  return error;
}

/* Elements I of a vector from I on, or up to I. */
static tn_output part(tn_scope *s, tn_output x, int64_t begin, int64_t size) {
  return tn_build(s, "Slice", TN_IN(x, tn_build_ints(s, TN_INT32, 1, &begin), tn_build_ints(s, TN_INT32, 1, &size)),
                  NULL);
}

static tn_output rows_at(tn_scope *s, tn_output x, tn_output at) {
  return tn_build(s, "GatherV2", TN_IN(x, at, tn_build_scalar(s, TN_INT32, 0)), NULL);
}

/* The same conversion of the values' numbers, with -1 as the default: which value each place of the result holds. */
static tn_output numbers_of(tn_gradient_ctx *c, int ragged, tn_output shape, tn_output count) {
  tn_scope *s = c->scope;
  tn_output inputs[TN_MAX_RANK + FIRST + 1];
  tn_output zero = tn_build_scalar(s, TN_INT32, 0), one = tn_build_scalar(s, TN_INT32, 1);
  tn_output scalar = tn_build2(s, "Reshape", count, tn_build_ints(s, TN_INT32, 0, NULL));
  inputs[0] = part(s, shape, 0, 1 + ragged);
  inputs[1] = tn_build(s, "Range", TN_IN(zero, scalar, one), NULL);
  inputs[2] = tn_build_scalar(s, TN_INT32, -1);
  for (int i = FIRST; i < c->node->n_inputs; i++) inputs[i] = tn_grad_x(c, i);
  inputs[c->node->n_inputs] = TN_END;
  tn_output places = tn_build(s, "RaggedTensorToTensor", inputs, TN_ATTRS(TN_A_SAME(c->node, "row_partition_types")));
  return tn_build2(s, "Reshape", places, tn_build_ints(s, TN_INT32, 1, &(int64_t){-1}));
}

static tn_output where(tn_scope *s, const char *compare, tn_output x) {
  tn_output places = tn_build1(s, "Where", tn_build2(s, compare, x, tn_build_scalar(s, TN_INT32, 0)));
  return tn_build2(s, "Reshape", places, tn_build_ints(s, TN_INT32, 1, &(int64_t){-1}));
}

/* What flows into a place goes to the value that it holds, or is summed up for the default. */
static tn_error *gradient(tn_gradient_ctx *c) {
  state kinds;
  TN_TRY(read_kinds(c->node, &kinds));
  if (!tn_grad_has(c, 0)) return NULL;
  tn_scope *s = c->scope;
  tn_output g = tn_grad_dense(c, 0), shape = tn_build_shape_of(s, tn_grad_x(c, 1));
  tn_output numbers = numbers_of(c, kinds.ragged, tn_build_shape_of(s, g), part(s, shape, 0, 1));
  tn_output count = tn_build(s, "Size", TN_IN(numbers), NULL);
  tn_output all = tn_build2(s, "Reshape", count, tn_build_ints(s, TN_INT32, 1, &(int64_t){1}));
  tn_output sizes = tn_build(s, "ConcatV2", TN_IN(all, part(s, shape, 1, -1), tn_build_scalar(s, TN_INT32, 0)), NULL);
  g = tn_build2(s, "Reshape", g, sizes);
  tn_output held = where(s, "GreaterEqual", numbers);
  c->grad_in[1].values = rows_at(s, g, held);
  c->grad_in[1].indices = rows_at(s, numbers, held);
  c->grad_in[1].dense_shape = shape;
  tn_output rest = rows_at(s, g, where(s, "Less", numbers));
  tn_grad_set(c, 2, tn_build_unbroadcast(s, rest, tn_grad_x(c, 2), rest));
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(RaggedTensorToTensor,
      .inputs = "shape: Tshape, values: T, default_value: T, row_partition_tensors: num_row_partition_tensors * Tindex",
      .outputs = "result: T",
      .attrs = "T: type; Tindex: {int64, int32}; Tshape: {int64, int32}; num_row_partition_tensors: int >= 1; "
               "row_partition_types: list(string)",
      .doc = "The ragged tensor as a dense one of SHAPE, its rows cut, or padded with DEFAULT_VALUE.",
      .flags = TN_OP_DYNAMIC_SHAPE, .value_inputs = 1 << 0, .shape = shape, .gradient = gradient, .kernels = kernels);
