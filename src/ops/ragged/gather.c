/* RaggedGather: rows of a ragged tensor. */
#include <string.h>

#include "ops/ragged/ragged.h"

static tn_error *shape(tn_shape_ctx *c) {
  int ragged = c->n_inputs - 2, outputs = c->n_outputs - 1;
  tn_shape values;
  for (int i = 0; i < ragged; i++) TN_TRY(tn_splits_shape(c, i));
  TN_TRY(tn_shape_at_least_rank(c, ragged, 1, &values));
  int rank = c->in[ragged + 1].rank;
  if (rank >= 0 && ragged + rank - 1 != outputs) {
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT,
                          "OUTPUT_RAGGED_RANK must be PARAMS_RAGGED_RANK + indices.rank - 1: %d, not %d",
                          ragged + rank - 1, outputs);
  }
  for (int i = 0; i < outputs; i++) c->out[i] = tn_shape_unknown_of_rank(1);
  if (values.rank > 0) values.dims[0] = -1;
  c->out[outputs] = values;
  return NULL;
}

static tn_error *prepare(tn_prepare *p) {
  int ragged = p->n_inputs - 2, rank = p->inputs[ragged + 1].shape.rank;
  if (p->inputs[ragged].shape.rank < 1) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "params.rank must be nonzero");
  if (ragged + rank - 1 != p->n_outputs - 1) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "OUTPUT_RAGGED_RANK must be %d, not %d", ragged + rank - 1,
                             p->n_outputs - 1);
  }
  return tn_prepare_all_dynamic(p);
}

/* Splits may begin past 0 and end before the values, but they must not fall or point past what they split. */
static tn_error *check(const tn_run *r, int ragged) {
  const tn_tensor *indices = r->inputs[ragged + 1];
  int64_t rows = tn_elements(r->inputs[0]) - 1;
  for (int64_t i = 0; i < tn_elements(indices); i++) {
    int64_t index = tn_index_at(indices, i);
    if (index < 0 || index >= rows) {
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "indices%s = %lld is not in [0, %lld)",
                           TN_PLACE_STR(&indices->shape, i), (long long)index, (long long)rows);
    }
  }
  for (int dim = 0; dim < ragged; dim++) {
    const tn_tensor *splits = r->inputs[dim];
    int64_t n = tn_elements(splits),
            last = dim + 1 < ragged ? tn_elements(r->inputs[dim + 1]) - 1 : r->inputs[ragged]->shape.dims[0];
    if (n == 0) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Ragged splits may not be empty");
    if (tn_index_at(splits, 0) < 0) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Ragged splits must be non-negative");
    if (tn_index_at(splits, n - 1) > last) {
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Ragged splits must not point past values");
    }
    for (int64_t i = 1; i < n; i++) {
      if (tn_index_at(splits, i - 1) > tn_index_at(splits, i)) {
        return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Ragged splits must be sorted");
      }
    }
  }
  return NULL;
}

/* The dimensions of the indices past the first one become rows of one length. */
static tn_error *outer_splits(tn_run *r, const tn_shape *indices) {
  int64_t rows = 1;
  for (int dim = 0; dim < indices->rank - 1; dim++) {
    rows *= indices->dims[dim];
    int64_t n = rows + 1;
    tn_shape all = tn_shape_of(1, &n);
    TN_TRY(tn_run_allocate(r, dim, &all));
    for (int64_t i = 0; i < n; i++) tn_int_put(r->outputs[dim], i, i * indices->dims[dim + 1]);
  }
  return NULL;
}

/* The rows [*FROM, *TO) of level DIM as rows of the level below it. */
static void descend(const tn_run *r, int dim, int64_t *from, int64_t *to) {
  *from = tn_index_at(r->inputs[dim], *from);
  *to = tn_index_at(r->inputs[dim], *to);
}

/* The splits of level DIM of what was gathered, and how many rows (or values) it has below. */
static tn_error *inner_splits(tn_run *r, int dim, int out, int64_t *below) {
  const tn_tensor *splits = r->inputs[dim], *indices = r->inputs[r->n_inputs - 1];
  int64_t rows = 0, at = 1, end = 0;
  for (int pass = 0; pass < 2; pass++) {
    for (int64_t i = 0; i < tn_elements(indices); i++) {
      int64_t from = tn_index_at(indices, i), to = from + 1;
      for (int d = 0; d < dim; d++) descend(r, d, &from, &to);
      if (pass == 0) rows += to - from;
      if (pass == 1 && out < 0) end += tn_index_at(splits, to) - tn_index_at(splits, from);
      for (int64_t row = from; pass == 1 && out >= 0 && row < to; row++) {
        end += tn_index_at(splits, row + 1) - tn_index_at(splits, row);
        tn_int_put(r->outputs[out], at++, end);
      }
    }
    rows++;
    tn_shape all = tn_shape_of(1, &rows);
    if (pass == 0 && out >= 0) {
      TN_TRY(tn_run_allocate(r, out, &all));
      tn_int_put(r->outputs[out], 0, 0);
    }
  }
  *below = end;
  return NULL;
}

static tn_error *run(tn_run *r) {
  int ragged = r->n_inputs - 2, last = r->n_outputs - 1;
  const tn_tensor *values = r->inputs[ragged], *indices = r->inputs[ragged + 1];
  TN_TRY(check(r, ragged));
  TN_TRY(outer_splits(r, &indices->shape));
  int64_t n = 0, row = tn_row_elements(values), at = 0;
  for (int dim = 0; dim < ragged; dim++) TN_TRY(inner_splits(r, dim, dim + indices->shape.rank - 1, &n));
  tn_shape all = values->shape;
  all.dims[0] = n;
  TN_TRY(tn_run_allocate(r, last, &all));
  for (int64_t i = 0; i < tn_elements(indices); i++) {
    int64_t from = tn_index_at(indices, i), to = from + 1;
    for (int dim = 0; dim < ragged; dim++) descend(r, dim, &from, &to);
    TN_TRY(tn_copy_elements(values->dtype, tn_at(r->outputs[last], at * row), tn_at(values, from * row),
                            (to - from) * row));
    at += to - from;
  }
  return NULL;
}

/* Element I and on (I 0), or I 1 and on, of vector X: where each row begins, and where it ends. */
static tn_output gathered(tn_gradient_ctx *c, tn_output x, tn_output at, int past) {
  tn_scope *s = c->scope;
  if (past) at = tn_build2(s, "AddV2", at, tn_build_scalar(s, s->error ? TN_INT32 : tn_output_dtype(at), 1));
  return tn_build(s, "GatherV2", TN_IN(x, at, tn_build_scalar(s, TN_INT32, 0)), NULL);
}

/* What flows into the gathered values goes back to the values that they are copies of. */
static tn_error *gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  int ragged = c->node->n_inputs - 2, last = c->node->n_outputs - 1;
  if (!tn_grad_has(c, last)) return NULL;
  tn_output splits = tn_grad_x(c, 0), values = tn_grad_x(c, ragged);
  for (int i = 1; i < ragged; i++) splits = gathered(c, tn_grad_x(c, i), splits, 0);
  tn_output rows = tn_build2(s, "Reshape", tn_grad_x(c, ragged + 1), tn_build_ints(s, TN_INT32, 1, &(int64_t){-1}));
  tn_output one = tn_build_scalar(s, s->error ? TN_INT64 : tn_output_dtype(splits), 1);
  tn_output ranges =
      tn_build(s, "RaggedRange", TN_IN(gathered(c, splits, rows, 0), gathered(c, splits, rows, 1), one), NULL);
  c->grad_in[ragged].values = tn_grad_dense(c, last);
  c->grad_in[ragged].indices = tn_nth(ranges, 1);
  c->grad_in[ragged].dense_shape = tn_build_shape_of(s, values);
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(RaggedGather,
      .inputs = "params_nested_splits: PARAMS_RAGGED_RANK * Tsplits, params_dense_values: Tvalues, indices: Tindices",
      .outputs = "output_nested_splits: OUTPUT_RAGGED_RANK * Tsplits, output_dense_values: Tvalues",
      .attrs = "Tvalues: type; Tindices: {int32, int64}; Tsplits: {int32, int64} = DT_INT64; "
               "PARAMS_RAGGED_RANK: int >= 1; OUTPUT_RAGGED_RANK: int >= 0",
      .doc = "The rows of a ragged tensor at INDICES, a ragged tensor with the shape of INDICES before the rows'.",
      .flags = TN_OP_DYNAMIC_SHAPE, .shape = shape, .gradient = gradient, .kernels = kernels);
