/* Updates of whole rows of a variable, chosen by indices; an index that comes twice is applied twice, in order. */
#include "graph/shape.h"
#include "ops/state/update.h"

/* The updates are one scalar, or one row for each index. */
static tn_error *check(const tn_run *r, const tn_shape *params) {
  const tn_shape *indices = &r->inputs[1]->shape, *updates = &r->inputs[2]->shape;
  if (params->rank < 1) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "the variable must be at least 1-D, got shape %s",
                         TN_SHAPE_STR(params));
  }
  if (updates->rank == 0) return NULL;
  bool fits = updates->rank == indices->rank + params->rank - 1;
  for (int i = 0; fits && i < updates->rank; i++) {
    fits = updates->dims[i] == (i < indices->rank ? indices->dims[i] : params->dims[i - indices->rank + 1]);
  }
  if (fits) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                       "updates have shape %s, expected that of the indices, %s, followed by that of a row of %s",
                       TN_SHAPE_STR(updates), TN_SHAPE_STR(indices), TN_SHAPE_STR(params));
}

static tn_error *scatter(const tn_run *r, tn_update_op op, tn_tensor *params) {
  const tn_tensor *indices = r->inputs[1], *updates = r->inputs[2];
  TN_TRY(check(r, &params->shape));
  int64_t n = tn_elements(indices), rows = params->shape.dims[0], width = 1;
  for (int i = 1; i < params->shape.rank; i++) width *= params->shape.dims[i];
  for (int64_t i = 0; i < n; i++) {
    int64_t row = tn_index_at(indices, i);
    if (row >= 0 && row < rows) continue;
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "indices[%lld] = %lld is not in [0, %lld)", (long long)i,
                         (long long)row, (long long)rows);
  }
  TN_TRY(tn_update_check_divisor(r, op, updates));
  size_t bytes = (size_t)width * tn_dtype_size(params->dtype);
  int step = updates->shape.rank > 0;
  for (int64_t i = 0; i < n; i++) {
    char *target = (char *)params->data + (size_t)tn_index_at(indices, i) * bytes;
    const char *source = (const char *)updates->data + (step ? (size_t)i * bytes : 0);
    TN_TRY(tn_update_elements(params->dtype, op, target, source, width, step));
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

static tn_error *prepare(tn_prepare *p) { return p->n_outputs ? tn_state_prepare_ref(p) : NULL; }

static tn_error *shape_scatter(tn_shape_ctx *c) {
  const char *type = c->n_outputs ? "T" : "dtype";
  tn_shape variable, updates = c->in[2], wanted = tn_shape_unknown(), merged;
  TN_TRY(tn_state_variable_shape(c, 0, type, &variable));
  if (variable.rank == 0)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "the variable is a scalar, expected rank 1 or more");
  int rank = c->in[1].rank + variable.rank - 1;
  if (variable.rank > 0 && c->in[1].rank >= 0 && updates.rank != 0) {
    if (rank > TN_MAX_RANK)
      return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "updates would need %d dimensions, at most %d are possible",
                            rank, TN_MAX_RANK);
    wanted.rank = rank;
    for (int i = 0; i < rank; i++) {
      wanted.dims[i] = i < c->in[1].rank ? c->in[1].dims[i] : variable.dims[i - c->in[1].rank + 1];
    }
    TN_TRY(tn_shape_merge(c, &updates, &wanted, &merged));
  }
  if (c->n_outputs) c->out[0] = variable;
  return NULL;
}

static tn_error *run_update(tn_run *r) { return run(r, TN_UPDATE_ASSIGN); }
static tn_error *run_add(tn_run *r) { return run(r, TN_UPDATE_ADD); }
static tn_error *run_sub(tn_run *r) { return run(r, TN_UPDATE_SUB); }
static tn_error *run_mul(tn_run *r) { return run(r, TN_UPDATE_MUL); }
static tn_error *run_div(tn_run *r) { return run(r, TN_UPDATE_DIV); }
static tn_error *run_min(tn_run *r) { return run(r, TN_UPDATE_MIN); }
static tn_error *run_max(tn_run *r) { return run(r, TN_UPDATE_MAX); }

static const tn_kernel_def update_kernels[] = {{.name = "reference", .types = 0, .prepare = prepare, .run = run_update},
                                               {0}};
static const tn_kernel_def add_kernels[] = {
    {.name = "reference", .types = TN_UPDATE_NUMBERS, .prepare = prepare, .run = run_add}, {0}};
static const tn_kernel_def sub_kernels[] = {
    {.name = "reference", .types = TN_UPDATE_NUMBERS, .prepare = prepare, .run = run_sub}, {0}};
static const tn_kernel_def mul_kernels[] = {
    {.name = "reference", .types = TN_UPDATE_NUMBERS, .prepare = prepare, .run = run_mul}, {0}};
static const tn_kernel_def div_kernels[] = {
    {.name = "reference", .types = TN_UPDATE_NUMBERS, .prepare = prepare, .run = run_div}, {0}};
static const tn_kernel_def min_kernels[] = {
    {.name = "reference", .types = TN_UPDATE_ORDERED, .prepare = prepare, .run = run_min}, {0}};
static const tn_kernel_def max_kernels[] = {
    {.name = "reference", .types = TN_UPDATE_ORDERED, .prepare = prepare, .run = run_max}, {0}};

TN_OP(ScatterUpdate, .inputs = "ref: Ref(T), indices: Tindices, updates: T", .outputs = "output_ref: Ref(T)",
      .attrs = "T: type; Tindices: indextype; use_locking: bool = true",
      .doc = "For each index, the update replaces that row of the variable.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = shape_scatter, .kernels = update_kernels);

TN_OP(ResourceScatterUpdate, .inputs = "resource: resource, indices: Tindices, updates: dtype", .outputs = "",
      .attrs = "dtype: type; Tindices: indextype",
      .doc = "For each index, the update replaces that row of the resource variable.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = shape_scatter, .kernels = update_kernels);

TN_OP(ScatterAdd, .inputs = "ref: Ref(T), indices: Tindices, updates: T", .outputs = "output_ref: Ref(T)",
      .attrs = "T: numbertype; Tindices: indextype; use_locking: bool = false",
      .doc = "For each index, the update adds to that row of the variable.", .flags = TN_OP_NO_GRADIENT,
      .shape = shape_scatter, .kernels = add_kernels);

TN_OP(ResourceScatterAdd, .inputs = "resource: resource, indices: Tindices, updates: dtype", .outputs = "",
      .attrs = "dtype: numbertype; Tindices: indextype",
      .doc = "For each index, the update adds to that row of the resource variable.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = shape_scatter, .kernels = add_kernels);

TN_OP(ScatterSub, .inputs = "ref: Ref(T), indices: Tindices, updates: T", .outputs = "output_ref: Ref(T)",
      .attrs = "T: numbertype; Tindices: indextype; use_locking: bool = false",
      .doc = "For each index, the update subtracts from that row of the variable.", .flags = TN_OP_NO_GRADIENT,
      .shape = shape_scatter, .kernels = sub_kernels);

TN_OP(ResourceScatterSub, .inputs = "resource: resource, indices: Tindices, updates: dtype", .outputs = "",
      .attrs = "dtype: numbertype; Tindices: indextype",
      .doc = "For each index, the update subtracts from that row of the resource variable.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = shape_scatter, .kernels = sub_kernels);

TN_OP(ScatterMul, .inputs = "ref: Ref(T), indices: Tindices, updates: T", .outputs = "output_ref: Ref(T)",
      .attrs = "T: numbertype; Tindices: indextype; use_locking: bool = false",
      .doc = "For each index, the update multiplies that row of the variable.", .flags = TN_OP_NO_GRADIENT,
      .shape = shape_scatter, .kernels = mul_kernels);

TN_OP(ResourceScatterMul, .inputs = "resource: resource, indices: Tindices, updates: dtype", .outputs = "",
      .attrs = "dtype: numbertype; Tindices: indextype",
      .doc = "For each index, the update multiplies that row of the resource variable.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = shape_scatter, .kernels = mul_kernels);

TN_OP(ScatterDiv, .inputs = "ref: Ref(T), indices: Tindices, updates: T", .outputs = "output_ref: Ref(T)",
      .attrs = "T: numbertype; Tindices: indextype; use_locking: bool = false",
      .doc = "For each index, the update divides that row of the variable.", .flags = TN_OP_NO_GRADIENT,
      .shape = shape_scatter, .kernels = div_kernels);

TN_OP(ResourceScatterDiv, .inputs = "resource: resource, indices: Tindices, updates: dtype", .outputs = "",
      .attrs = "dtype: numbertype; Tindices: indextype",
      .doc = "For each index, the update divides that row of the resource variable.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = shape_scatter, .kernels = div_kernels);

TN_OP(ScatterMin, .inputs = "ref: Ref(T), indices: Tindices, updates: T", .outputs = "output_ref: Ref(T)",
      .attrs = "T: {half, bfloat16, float, double, int32, int64}; Tindices: indextype; use_locking: bool = false",
      .doc = "For each index, the update takes the minimum with that row of the variable.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = shape_scatter, .kernels = min_kernels);

TN_OP(ResourceScatterMin, .inputs = "resource: resource, indices: Tindices, updates: dtype", .outputs = "",
      .attrs = "dtype: numbertype; Tindices: indextype",
      .doc = "For each index, the update takes the minimum with that row of the resource variable.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = shape_scatter, .kernels = min_kernels);

TN_OP(ScatterMax, .inputs = "ref: Ref(T), indices: Tindices, updates: T", .outputs = "output_ref: Ref(T)",
      .attrs = "T: {half, bfloat16, float, double, int32, int64}; Tindices: indextype; use_locking: bool = false",
      .doc = "For each index, the update takes the maximum with that row of the variable.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = shape_scatter, .kernels = max_kernels);

TN_OP(ResourceScatterMax, .inputs = "resource: resource, indices: Tindices, updates: dtype", .outputs = "",
      .attrs = "dtype: numbertype; Tindices: indextype",
      .doc = "For each index, the update takes the maximum with that row of the resource variable.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = shape_scatter, .kernels = max_kernels);
