/* RaggedTensorToVariant, RaggedTensorFromVariant and the gradient of the first: ragged tensors as elements. */
#include <string.h>

#include "kernel/prepared.h"
#include "ops/ragged/ragged.h"

#define RAGGED_TYPE "RaggedTensor"

/* What an element refers to: PARTS are RAGGED splits, then the values. */
typedef struct element {
  tn_object object;
  int ragged;
  tn_tensor parts[TN_MAX_RANK + 1];
} element;

static void destroy(tn_object *object) {
  element *e = (element *)object;
  for (int i = 0; i <= e->ragged; i++) tn_tensor_clear(&e->parts[i]);
  tn_free(e);
}

static tn_error *element_new(int ragged, element **out) {
  element *e = tn_calloc(1, sizeof *e);
  if (!e) return tn_out_of_memory();
  atomic_init(&e->object.refs, 1);
  e->object.type = RAGGED_TYPE;
  e->object.destroy = destroy;
  e->ragged = ragged;
  *out = e;
  return NULL;
}

/* --- to elements --- */

static tn_error *to_prepare(tn_prepare *p) {
  int ragged = p->n_inputs - 1;
  if (ragged > TN_MAX_RANK) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "at most %d ragged dimensions are supported, not %d", TN_MAX_RANK,
                             ragged);
  }
  bool batched = tn_node_get_bool(p->node, "batched_input");
  if (p->inputs[ragged].shape.rank < 1 && (batched || ragged > 0)) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Can't unbatch rank-0 tensor.");
  }
  tn_prepare_dynamic(p, 0);
  return NULL;
}

/* Rows [FROM, TO) of SOURCE; splits are counted from the first on. */
static tn_error *rows(const tn_tensor *source, int64_t from, int64_t to, bool splits, tn_tensor *out) {
  tn_shape shape = source->shape;
  int64_t row = tn_row_elements(source);
  shape.dims[0] = to - from;
  TN_TRY(tn_tensor_init(out, source->dtype, &shape));
  TN_TRY(tn_copy_elements(source->dtype, out->data, tn_at(source, from * row), (to - from) * row));
  int64_t first = splits ? tn_index_at(out, 0) : 0;
  for (int64_t i = 0; splits && i < to - from; i++) tn_int_put(out, i, tn_index_at(out, i) - first);
  return NULL;
}

/* Row I of the ragged tensor of the inputs. */
static tn_error *fill_row(const tn_run *r, int64_t i, element *e) {
  int ragged = r->n_inputs - 1;
  int64_t from = i, to = i + 1;
  for (int d = 0; d < ragged; d++) {
    from = tn_index_at(r->inputs[d], from);
    to = tn_index_at(r->inputs[d], to);
    bool splits = d + 1 < ragged;
    TN_TRY(rows(r->inputs[d + 1], from, to + splits, splits, &e->parts[d]));
  }
  if (ragged > 0) return NULL;
  tn_tensor *out = &e->parts[0];
  const tn_tensor *values = r->inputs[0];
  tn_shape shape = tn_shape_part(&values->shape, 1, values->shape.rank);
  int64_t row = tn_row_elements(values);
  TN_TRY(tn_tensor_init(out, values->dtype, &shape));
  return tn_copy_elements(values->dtype, out->data, tn_at(values, i * row), row);
}

/* Element I of the output refers to E, which is given away. */
static void put(tn_run *r, int64_t i, element *e) { TN_DATA(tn_object *, r->outputs[0])[i] = &e->object; }

static tn_error *to_run(tn_run *r) {
  int ragged = r->n_inputs - 1;
  const tn_tensor *values = r->inputs[ragged];
  if (ragged > 0) TN_TRY(tn_splits_check(r, 0, ragged, values->shape.dims[0]));
  element *e = NULL;
  if (!tn_node_get_bool(r->node, "batched_input")) {
    tn_shape scalar = tn_shape_scalar();
    TN_TRY(tn_run_allocate(r, 0, &scalar));
    TN_TRY(element_new(ragged, &e));
    put(r, 0, e);
    for (int i = 0; i <= ragged; i++) TN_TRY(tn_tensor_init_copy(&e->parts[i], r->inputs[i]));
    return NULL;
  }
  int64_t n = ragged > 0 ? tn_splits_rows(r->inputs[0]) : values->shape.dims[0];
  tn_shape all = tn_shape_of(1, &n);
  TN_TRY(tn_run_allocate(r, 0, &all));
  for (int64_t i = 0; i < n; i++) {
    TN_TRY(element_new(ragged > 0 ? ragged - 1 : 0, &e));
    put(r, i, e);
    TN_TRY(fill_row(r, i, e));
  }
  return NULL;
}

static tn_error *to_shape(tn_shape_ctx *c) {
  int ragged = c->n_inputs - 1;
  for (int i = 0; i < ragged; i++) TN_TRY(tn_splits_shape(c, i));
  if (!tn_node_get_bool(c->node, "batched_input")) {
    c->out[0] = tn_shape_scalar();
    return NULL;
  }
  int64_t n = c->in[0].rank > 0 ? c->in[0].dims[0] : -1;
  if (ragged > 0 && n >= 0) n--;
  c->out[0] = tn_shape_of(1, &n);
  return NULL;
}

/* --- from elements --- */

static tn_error *from_prepare(tn_prepare *p) {
  int64_t inner = tn_node_get_int(p->node, "input_ragged_rank"), outer = p->n_outputs - 1;
  int rank = p->inputs[0].shape.rank;
  if (inner == -1) inner = outer - rank;
  if (inner < 0) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "Inferred input_ragged_rank (output_ragged_rank - encoded_variant.dims()) must be >= 0, "
                             "found output_ragged_rank: %lld, encoded_variant.dims(): %d, inferred input_ragged_rank: "
                             "%lld",
                             (long long)outer, rank, (long long)inner);
  }
  if (inner + rank != outer) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "output_ragged_rank must be equal to input_ragged_rank + encoded_ragged.dims(); "
                             "output_ragged_rank: %lld, input_ragged_rank: %lld, encoded_variant.dims(): %d.",
                             (long long)outer, (long long)inner, rank);
  }
  return tn_prepare_all_dynamic(p);
}

static tn_error *element_at(const tn_run *r, int64_t i, const element **out) {
  const element *e = (const element *)TN_DATA(tn_object *, r->inputs[0])[i];
  int inner = r->n_outputs - 1 - r->inputs[0]->shape.rank;
  const tn_tensor *values = r->outputs[r->n_outputs - 1];
  if (!e || strcmp(e->object.type, RAGGED_TYPE) != 0) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "Input Variant element at index %lld doesn't hold a RaggedTensorVariant: %s", (long long)i,
                         e ? e->object.type : "it is empty");
  }
  if (e->ragged != inner) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "Encoded input RaggedTensorVariant has ragged_rank=%d.  Expected ragged_rank=%d.", e->ragged,
                         inner);
  }
  if (e->parts[e->ragged].dtype != values->dtype) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Expected values Tensor dtype: %s, found: %s",
                         tn_dtype_name(values->dtype), tn_dtype_name(e->parts[e->ragged].dtype));
  }
  if (e->ragged > 0 && e->parts[0].dtype != r->outputs[0]->dtype) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Expected row_splits Tensor dtype: %s, found: %s",
                         tn_dtype_name(r->outputs[0]->dtype), tn_dtype_name(e->parts[0].dtype));
  }
  *out = e;
  return NULL;
}

/* The dimensions of the input past the first are rows of one length. */
static tn_error *outer_splits(tn_run *r) {
  const tn_shape *in = &r->inputs[0]->shape;
  int64_t n = 1;
  for (int d = 0; d < in->rank - 1; d++) {
    n *= in->dims[d];
    int64_t size = n + 1;
    tn_shape shape = tn_shape_of(1, &size);
    TN_TRY(tn_run_allocate(r, d, &shape));
    for (int64_t i = 0; i <= n; i++) tn_int_put(r->outputs[d], i, i * in->dims[d + 1]);
  }
  return NULL;
}

/* The splits whose rows are whole elements: by the rows of their first part. */
static tn_error *element_splits(tn_run *r, int64_t n) {
  int at = r->inputs[0]->shape.rank - 1;
  int64_t size = n + 1, end = 0;
  tn_shape shape = tn_shape_of(1, &size);
  TN_TRY(tn_run_allocate(r, at, &shape));
  tn_int_put(r->outputs[at], 0, 0);
  for (int64_t i = 0; i < n; i++) {
    const element *e = NULL;
    TN_TRY(element_at(r, i, &e));
    if (e->parts[0].shape.rank < 1) {
      return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                           "Ragged values must have rank >= 1; encoded scalar element at index %lld has values of "
                           "shape []",
                           (long long)i);
    }
    end += e->parts[0].shape.dims[0] - (e->ragged > 0);
    tn_int_put(r->outputs[at], i + 1, end);
  }
  return NULL;
}

/* Part K of all N elements after each other, as output OUT: splits go on from where the ones before them ended. */
static tn_error *join(tn_run *r, int64_t n, int k, int out) {
  const element *e = NULL;
  bool splits = out < r->n_outputs - 1;
  int64_t count = splits;
  tn_shape shape = tn_shape_of(1, &(int64_t){0});
  for (int64_t i = 0; i < n; i++) {
    TN_TRY(element_at(r, i, &e));
    const tn_shape *part = &e->parts[k].shape;
    tn_shape rest = tn_shape_part(part, 1, part->rank);
    if (i > 0 && !splits &&
        (part->rank != shape.rank || tn_span(&shape, 1, shape.rank) != tn_span(&rest, 0, rest.rank))) {
      return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                           "All flat_values must have compatible shapes.  Shape at index 0: %s.  Shape at index "
                           "%lld: %s.",
                           TN_SHAPE_STR(&shape), (long long)i, TN_SHAPE_STR(part));
    }
    if (i == 0) shape = *part;
    count += part->dims[0] - splits;
  }
  shape.dims[0] = count;
  TN_TRY(tn_run_allocate(r, out, &shape));
  tn_tensor *to = r->outputs[out];
  int64_t at = splits, end = 0, row = tn_row_elements(to);
  if (splits) tn_int_put(to, 0, 0);
  for (int64_t i = 0; i < n; i++) {
    TN_TRY(element_at(r, i, &e));
    const tn_tensor *part = &e->parts[k];
    int64_t size = part->shape.dims[0];
    if (!splits) {
      TN_TRY(tn_copy_elements(to->dtype, tn_at(to, at * row), part->data, size * row));
      at += size;
    }
    for (int64_t j = 1; splits && j < size; j++) tn_int_put(to, at++, end + tn_index_at(part, j));
    if (splits) end += tn_index_at(part, size - 1);
  }
  return NULL;
}

static tn_error *from_run(tn_run *r) {
  int rank = r->inputs[0]->shape.rank;
  int64_t n = tn_elements(r->inputs[0]);
  if (rank == 0) {
    const element *e = NULL;
    TN_TRY(element_at(r, 0, &e));
    for (int i = 0; i <= e->ragged; i++) tn_run_set(r, i, &e->parts[i]);
    return NULL;
  }
  TN_TRY(outer_splits(r));
  TN_TRY(element_splits(r, n));
  for (int out = rank; out < r->n_outputs; out++) TN_TRY(join(r, n, out - rank, out));
  return NULL;
}

static tn_error *from_shape(tn_shape_ctx *c) {
  int outer = c->n_outputs - 1;
  int64_t inner = tn_node_get_int(c->node, "input_ragged_rank");
  if (inner == -1 && c->in[0].rank >= 0) inner = outer - c->in[0].rank;
  if (c->in[0].rank >= 0 && (inner < 0 || inner + c->in[0].rank != outer)) {
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT,
                          "output_ragged_rank must be equal to input_ragged_rank + encoded_ragged.dims(): %d, %lld, %d",
                          outer, (long long)inner, c->in[0].rank);
  }
  for (int i = 0; i < outer; i++) c->out[i] = tn_shape_unknown_of_rank(1);
  return NULL;
}

/* --- the gradient: each row's flat values at their places --- */

static tn_error *back_prepare(tn_prepare *p) {
  tn_shape shape;
  TN_TRY(tn_prepare_shape(p, 2, &shape));
  if (p->inputs[0].shape.rank != 1 || p->inputs[1].shape.rank != 1) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "encoded_ragged_grad and row_splits must be vectors, not %s and %s",
                             TN_SHAPE_STR(&p->inputs[0].shape), TN_SHAPE_STR(&p->inputs[1].shape));
  }
  return tn_prepare_output(p, 0, &shape);
}

static tn_error *back_run(tn_run *r) {
  tn_tensor *out = r->outputs[0];
  int64_t n = tn_elements(r->inputs[0]), at = 0, all = tn_elements(out);
  for (int64_t i = 0; i < n; i++) {
    const element *e = (const element *)TN_DATA(tn_object *, r->inputs[0])[i];
    const tn_tensor *values = e && strcmp(e->object.type, RAGGED_TYPE) == 0 ? &e->parts[e->ragged] : NULL;
    if (!values || values->dtype != out->dtype || tn_elements(values) > all - at) {
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "element %lld of encoded_ragged_grad is no ragged tensor of %s",
                           (long long)i, tn_dtype_name(out->dtype));
    }
    TN_TRY(tn_copy_elements(out->dtype, tn_at(out, at), values->data, tn_elements(values)));
    at += tn_elements(values);
  }
  if (at == all) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "encoded_ragged_grad has %lld values, expected %lld", (long long)at,
                       (long long)all);
}

static tn_error *back_shape(tn_shape_ctx *c) { return tn_shape_from_value(c, 2, &c->out[0]); }

static const tn_kernel_def tos[] = {{.name = "reference", .prepare = to_prepare, .run = to_run}, {0}};
static const tn_kernel_def froms[] = {{.name = "reference", .prepare = from_prepare, .run = from_run}, {0}};
static const tn_kernel_def backs[] = {{.name = "reference", .prepare = back_prepare, .run = back_run}, {0}};

TN_OP(RaggedTensorToVariant, .inputs = "rt_nested_splits: RAGGED_RANK * Tsplits, rt_dense_values: Tvalues",
      .outputs = "encoded_ragged: variant",
      .attrs = "RAGGED_RANK: int >= 0; Tvalues: type; Tsplits: {int32, int64} = DT_INT64; batched_input: bool",
      .doc = "The ragged tensor as one element, or each of its rows as one.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = to_shape, .kernels = tos);

TN_OP(RaggedTensorFromVariant, .inputs = "encoded_ragged: variant",
      .outputs = "output_nested_splits: output_ragged_rank * Tsplits, output_dense_values: Tvalues",
      .attrs = "input_ragged_rank: int >= -1; output_ragged_rank: int >= 0; Tvalues: type; "
               "Tsplits: {int32, int64} = DT_INT64",
      .doc = "The ragged tensor that an element is, or whose rows the elements of a tensor are.",
      .flags = TN_OP_DYNAMIC_SHAPE | TN_OP_GRADIENT_UNREGISTERED, .shape = from_shape, .kernels = froms);

TN_OP(RaggedTensorToVariantGradient,
      .inputs = "encoded_ragged_grad: variant, row_splits: Tsplits, dense_values_shape: int32",
      .outputs = "dense_values_grad: Tvalues", .attrs = "Tvalues: type; Tsplits: {int32, int64} = DT_INT64",
      .doc = "What flows back to the values of a ragged tensor from its rows as elements.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .value_inputs = 1 << 2, .shape = back_shape, .kernels = backs);
