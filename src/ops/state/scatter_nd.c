/* Updates of parts of a variable that are chosen by index vectors. */
#include "graph/shape.h"
#include "ops/state/update.h"

/* What to do with an index that is outside: an error, or nothing. */
static tn_error *prepare(tn_prepare *p) {
  bool *ignore;
  TN_TRY(tn_prepare_state(p, sizeof *ignore, &ignore));
  *ignore = tn_node_string_is(p->node, "bad_indices_policy", "IGNORE");
  if (!*ignore && tn_node_get_string(p->node, "bad_indices_policy").size &&
      !tn_node_string_is(p->node, "bad_indices_policy", "DEFAULT") &&
      !tn_node_string_is(p->node, "bad_indices_policy", "ERROR")) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "bad_indices_policy is none of DEFAULT, ERROR, IGNORE");
  }
  return p->n_outputs ? tn_state_prepare_ref(p) : NULL;
}

/* Indices [batch..., depth], updates [batch..., rest of the variable's shape after depth dimensions]. */
static tn_error *check(const tn_run *r, const tn_shape *params) {
  const tn_shape *indices = &r->inputs[1]->shape, *updates = &r->inputs[2]->shape;
  bool fits = indices->rank >= 1 && params->rank >= 1;
  int64_t depth = fits ? indices->dims[indices->rank - 1] : 0;
  int batch = indices->rank - 1;
  fits = fits && depth <= params->rank && updates->rank == batch + params->rank - (int)depth;
  for (int i = 0; fits && i < updates->rank; i++) {
    fits = updates->dims[i] == (i < batch ? indices->dims[i] : params->dims[i - batch + (int)depth]);
  }
  if (fits) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "indices %s and updates %s don't go with a variable of shape %s",
                       TN_SHAPE_STR(indices), TN_SHAPE_STR(updates), TN_SHAPE_STR(params));
}

/* The element at which part I begins, -1 if an index is outside. */
static int64_t place(const tn_tensor *indices, int64_t i, const tn_shape *params, int64_t width) {
  int depth = (int)indices->shape.dims[indices->shape.rank - 1];
  int64_t at = 0;
  for (int j = 0; j < depth; j++) {
    int64_t index = tn_index_at(indices, i * depth + j);
    if (index < 0 || index >= params->dims[j]) return -1;
    at = at * params->dims[j] + index;
  }
  return at * width;
}

static tn_error *scatter(const tn_run *r, tn_update_op op, tn_tensor *params) {
  const tn_tensor *indices = r->inputs[1], *updates = r->inputs[2];
  TN_TRY(check(r, &params->shape));
  bool ignore = *(const bool *)r->state;
  int depth = (int)indices->shape.dims[indices->shape.rank - 1];
  int64_t n = 1, width = 1;
  for (int i = 0; i < indices->shape.rank - 1; i++) n *= indices->shape.dims[i];
  for (int i = depth; i < params->shape.rank; i++) width *= params->shape.dims[i];
  for (int64_t i = 0; i < n && !ignore; i++) {
    if (place(indices, i, &params->shape, width) >= 0) continue;
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "index vector %lld of the indices does not point into %s",
                         (long long)i, TN_SHAPE_STR(&params->shape));
  }
  size_t size = tn_dtype_size(params->dtype);
  for (int64_t i = 0; i < n; i++) {
    int64_t at = place(indices, i, &params->shape, width);
    if (at < 0) continue;
    TN_TRY(tn_update_elements(params->dtype, op, (char *)params->data + (size_t)at * size,
                              (const char *)updates->data + (size_t)(i * width) * size, width, 1));
  }
  return NULL;
}

static tn_error *run(tn_run *r, tn_update_op op) {
  tn_variable *v;
  tn_tensor params = {0};
  TN_TRY(tn_run_variable(r, 0, &v));
  TN_TRY(tn_state_check_dtype(r, v, r->inputs[2]->dtype));
  TN_TRY(tn_state_begin(r, v, &params));
  tn_error *error = scatter(r, op, &params);
  tn_variable_end(v);
  return error;
}

static tn_error *shape_scatter(tn_shape_ctx *c) {
  tn_shape variable, merged, wanted = tn_shape_unknown(), updates = c->in[2], indices = c->in[1];
  TN_TRY(tn_state_variable_shape(c, 0, "T", &variable));
  if (c->n_outputs) c->out[0] = variable;
  if (indices.rank == 0)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "indices are a scalar, expected rank 1 or more");
  if (variable.rank < 0 || indices.rank < 0 || indices.dims[indices.rank - 1] < 0) return NULL;
  int64_t depth = indices.dims[indices.rank - 1];
  int batch = indices.rank - 1, rest = variable.rank - (int)depth;
  if (depth > variable.rank || batch + rest > TN_MAX_RANK) {
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "index vectors have %lld elements, but the variable is %s",
                          (long long)depth, TN_SHAPE_STR(&variable));
  }
  wanted.rank = batch + rest;
  for (int i = 0; i < wanted.rank; i++)
    wanted.dims[i] = i < batch ? indices.dims[i] : variable.dims[i - batch + (int)depth];
  return tn_shape_merge(c, &updates, &wanted, &merged);
}

static tn_error *run_update(tn_run *r) { return run(r, TN_UPDATE_ASSIGN); }
static tn_error *run_add(tn_run *r) { return run(r, TN_UPDATE_ADD); }
static tn_error *run_sub(tn_run *r) { return run(r, TN_UPDATE_SUB); }

static const tn_kernel_def update_kernels[] = {{.name = "reference", .types = 0, .prepare = prepare, .run = run_update},
                                               {0}};
static const tn_kernel_def add_kernels[] = {
    {.name = "reference", .types = TN_UPDATE_NUMBERS | TN_BIT(TN_BOOL), .prepare = prepare, .run = run_add}, {0}};
static const tn_kernel_def sub_kernels[] = {
    {.name = "reference", .types = TN_UPDATE_NUMBERS | TN_BIT(TN_BOOL), .prepare = prepare, .run = run_sub}, {0}};

TN_OP(ScatterNdUpdate, .inputs = "ref: Ref(T), indices: Tindices, updates: T", .outputs = "output_ref: Ref(T)",
      .attrs = "T: type; Tindices: indextype; use_locking: bool = true; bad_indices_policy: string = ''",
      .doc = "For each index vector, the update replaces that part of the variable.", .flags = TN_OP_NO_GRADIENT,
      .shape = shape_scatter, .kernels = update_kernels);

TN_OP(ResourceScatterNdUpdate, .inputs = "ref: resource, indices: Tindices, updates: T", .outputs = "",
      .attrs = "T: type; Tindices: indextype; use_locking: bool = true; bad_indices_policy: string = ''",
      .doc = "For each index vector, the update replaces that part of the resource variable.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = shape_scatter, .kernels = update_kernels);

TN_OP(ScatterNdAdd, .inputs = "ref: Ref(T), indices: Tindices, updates: T", .outputs = "output_ref: Ref(T)",
      .attrs = "T: numbertype; Tindices: indextype; use_locking: bool = false; bad_indices_policy: string = ''",
      .doc = "For each index vector, the update adds to that part of the variable.", .flags = TN_OP_NO_GRADIENT,
      .shape = shape_scatter, .kernels = add_kernels);

TN_OP(ResourceScatterNdAdd, .inputs = "ref: resource, indices: Tindices, updates: T", .outputs = "",
      .attrs = "T: type; Tindices: indextype; use_locking: bool = true; bad_indices_policy: string = ''",
      .doc = "For each index vector, the update adds to that part of the resource variable.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = shape_scatter, .kernels = add_kernels);

TN_OP(ScatterNdSub, .inputs = "ref: Ref(T), indices: Tindices, updates: T", .outputs = "output_ref: Ref(T)",
      .attrs = "T: numbertype; Tindices: indextype; use_locking: bool = false; bad_indices_policy: string = ''",
      .doc = "For each index vector, the update subtracts from that part of the variable.", .flags = TN_OP_NO_GRADIENT,
      .shape = shape_scatter, .kernels = sub_kernels);

TN_OP(ResourceScatterNdSub, .inputs = "ref: resource, indices: Tindices, updates: T", .outputs = "",
      .attrs = "T: type; Tindices: indextype; use_locking: bool = true; bad_indices_policy: string = ''",
      .doc = "For each index vector, the update subtracts from that part of the resource variable.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = shape_scatter, .kernels = sub_kernels);
