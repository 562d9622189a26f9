/* The driver of all training ops: what is which input, checks, locking, dense sweeps and sparse rows. */
#include "ops/train/training.h"

#include <string.h>

#include "base/parallel.h"
#include "graph/shape.h"

/* Where the op has what; input numbers, -1 for none. */
typedef struct layout {
  int n_slots, n_scalars;
  int slots[TN_OPTIMIZER_SLOTS], scalars[TN_OPTIMIZER_SCALARS];
  int gradient, indices;
} layout;

typedef struct training {
  layout layout;
  tn_optimizer_kind kind;
  tn_sweep_fn fn;
  size_t element;
  bool flag;
  bool ftrl; /* its scalars have ranges */
} training;

static void find_layout(const tn_node *node, layout *l) {
  *l = (layout){.gradient = -1, .indices = -1};
  for (int i = 0; i < node->schema->n_inputs; i++) {
    const tn_arg_def *a = &node->schema->inputs[i];
    if (a->is_ref || a->type == TN_RESOURCE) {
      l->slots[l->n_slots++] = i;
    } else if (!strcmp(a->name, "grad") || !strcmp(a->name, "delta")) {
      l->gradient = i;
    } else if (!strcmp(a->name, "indices")) {
      l->indices = i;
    } else {
      l->scalars[l->n_scalars++] = i;
    }
  }
}

static bool find_flag(const tn_node *node) {
  static const char *const names[] = {"use_nesterov", "update_slots", "multiply_linear_by_lr"};
  for (int i = 0; i < 3; i++) {
    if (tn_node_attr(node, names[i])) return tn_node_get_bool(node, names[i]);
  }
  return false;
}

/* The shape of the variable behind input I: of a reference its own, of a resource what the handle tells. */
static tn_shape slot_shape(const tn_shape_ctx *c, int i) {
  if (c->node->input_types[i] != TN_RESOURCE) return c->in[i];
  return c->in_handles && c->in_handles[i].dtype != TN_INVALID ? c->in_handles[i].shape : tn_shape_unknown();
}

/* A sparse gradient: [n] indices, n rows of the variable. */
static tn_error *merge_rows(tn_shape_ctx *c, const layout *l, tn_shape *variable) {
  tn_shape indices, rows = c->in[l->gradient];
  TN_TRY(tn_shape_with_rank(c, l->indices, 1, &indices));
  if (rows.rank < 0) return NULL;
  if (rows.rank == 0)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "the gradient's rank is 0, expected at least 1");
  int64_t n;
  TN_TRY(tn_dim_merge(c, rows.dims[0], indices.rank == 1 ? indices.dims[0] : -1, &n));
  rows.dims[0] = -1;
  return tn_shape_merge(c, variable, &rows, variable);
}

tn_error *tn_training_shape(tn_shape_ctx *c) {
  layout l;
  find_layout(c->node, &l);
  tn_shape variable = slot_shape(c, l.slots[0]), scalar;
  for (int i = 1; i < l.n_slots; i++) {
    tn_shape slot = slot_shape(c, l.slots[i]);
    TN_TRY(tn_shape_merge(c, &variable, &slot, &variable));
  }
  for (int i = 0; i < l.n_scalars; i++) TN_TRY(tn_shape_with_rank(c, l.scalars[i], 0, &scalar));
  if (l.indices >= 0) {
    TN_TRY(merge_rows(c, &l, &variable));
  } else {
    TN_TRY(tn_shape_merge(c, &variable, &c->in[l.gradient], &variable));
  }
  if (c->n_outputs) c->out[0] = variable;
  return NULL;
}

static const char *input_name(const tn_node *node, int i) { return node->schema->inputs[i].name; }

tn_error *tn_training_prepare(tn_prepare *p, tn_optimizer_kind kind, bool vector) {
  training *t;
  TN_TRY(tn_prepare_state(p, sizeof *t, &t));
  find_layout(p->node, &t->layout);
  const layout *l = &t->layout;
  tn_dtype dtype = p->inputs[l->gradient].dtype;
  t->kind = kind;
  t->fn = vector ? tn_optimizer_vector(kind, dtype) : tn_optimizer_plain(kind, dtype);
  t->element = tn_dtype_size(dtype);
  t->flag = find_flag(p->node);
  t->ftrl = kind == TN_FTRL || kind == TN_FTRL_V2;
  if (!t->fn) return tn_prepare_errorf(p, TN_UNIMPLEMENTED, "no kernel for %s", tn_dtype_name(dtype));
  for (int i = 0; i < l->n_scalars; i++) {
    const tn_shape *shape = &p->inputs[l->scalars[i]].shape;
    if (shape->rank == 0) continue;
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "%s is not a scalar: %s", input_name(p->node, l->scalars[i]),
                             TN_SHAPE_STR(shape));
  }
  if (l->indices >= 0 && p->inputs[l->indices].shape.rank != 1) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "indices must be one-dimensional, got %s",
                             TN_SHAPE_STR(&p->inputs[l->indices].shape));
  }
  return p->n_outputs ? tn_prepare_alias(p, 0, 0, &p->inputs[0].shape) : NULL;
}

static double real_scalar(const tn_tensor *t) {
  switch (t->dtype) {
  case TN_FLOAT: return (double)TN_DATA(const float, t)[0];
  case TN_DOUBLE: return TN_DATA(const double, t)[0];
  case TN_HALF: return (double)tn_half_to_float(TN_DATA(const uint16_t, t)[0]);
  case TN_BFLOAT16: return (double)tn_bfloat16_to_float(TN_DATA(const uint16_t, t)[0]);
  default: return 0;
  }
}

/* FTRL's lr is positive, l1, l2 and the shrinkage are not negative, lr_power is not positive. As TensorFlow, only the
 * sparse form asks. */
static tn_error *check_ftrl(const tn_run *r, const training *t) {
  for (int i = 0; i < t->layout.n_scalars; i++) {
    int input = t->layout.scalars[i];
    double value = real_scalar(r->inputs[input]);
    bool power = i == t->layout.n_scalars - 1;
    bool right = power ? value <= 0 : i == 0 && !t->flag ? value > 0 : value >= 0;
    if (right) continue;
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "%s is %g, expected %s", input_name(r->node, input), value,
                         power                ? "at most 0"
                         : i == 0 && !t->flag ? "more than 0"
                                              : "at least 0");
  }
  return NULL;
}

static tn_error *check_shapes(const tn_run *r, const layout *l, const tn_tensor *values) {
  const tn_shape *var = &values[0].shape, *gradient = &r->inputs[l->gradient]->shape;
  for (int i = 1; i < l->n_slots; i++) {
    if (tn_shape_equal(var, &values[i].shape)) continue;
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "var and %s do not have the same shape: %s and %s",
                         input_name(r->node, l->slots[i]), TN_SHAPE_STR(var), TN_SHAPE_STR(&values[i].shape));
  }
  if (l->indices < 0) {
    if (tn_shape_equal(var, gradient)) return NULL;
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "var and %s do not have the same shape: %s and %s",
                         input_name(r->node, l->gradient), TN_SHAPE_STR(var), TN_SHAPE_STR(gradient));
  }
  if (var->rank < 1) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "var must be at least 1 dimensional");
  bool fits = gradient->rank == var->rank && gradient->dims[0] == r->inputs[l->indices]->shape.dims[0];
  for (int i = 1; fits && i < var->rank; i++) fits = gradient->dims[i] == var->dims[i];
  if (fits) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "the gradient %s does not give a row of var %s to each of %lld indices",
                       TN_SHAPE_STR(gradient), TN_SHAPE_STR(var), (long long)r->inputs[l->indices]->shape.dims[0]);
}

enum { ROW_CHUNKS = 4, ROW_GRAIN = 32768 };

typedef struct row_work {
  const training *training;
  const tn_sweep *sweep;
  const tn_tensor *indices;
  int64_t n, width, chunks;
} row_work;

/* The rows of one chunk, one after the other, so that an index that comes twice is seen twice, in order. */
static void run_row_chunk(void *argument, int64_t chunk) {
  const row_work *w = argument;
  const training *t = w->training;
  tn_sweep part = *w->sweep;
  part.n = w->width;
  size_t bytes = (size_t)w->width * t->element;
  for (int64_t i = 0; i < w->n; i++) {
    uint64_t row = (uint64_t)tn_index_at(w->indices, i);
    /* A row always falls into the same chunk: its hash tells which. */
    if (w->chunks > 1 && (int64_t)((row * 0x9E3779B97F4A7C15u) >> 62) != chunk) continue;
    for (int j = 0; j < t->layout.n_slots; j++) part.slots[j] = (char *)w->sweep->slots[j] + row * bytes;
    part.gradient = (const char *)w->sweep->gradient + (size_t)i * bytes;
    t->fn(&part);
  }
}

static tn_error *run_rows(const tn_run *r, const training *t, const tn_sweep *s, const tn_shape *var) {
  row_work w = {.training = t, .sweep = s, .indices = r->inputs[t->layout.indices], .width = 1};
  w.n = tn_elements(w.indices);
  for (int i = 1; i < var->rank; i++) w.width *= var->dims[i];
  for (int64_t i = 0; i < w.n; i++) {
    int64_t row = tn_index_at(w.indices, i);
    if (row >= 0 && row < var->dims[0]) continue;
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "index %lld at offset %lld in indices is out of range [0, %lld)",
                         (long long)row, (long long)i, (long long)var->dims[0]);
  }
  w.chunks = w.n * w.width >= ROW_GRAIN ? ROW_CHUNKS : 1;
  if (w.width) tn_parallel(w.chunks, run_row_chunk, &w);
  return NULL;
}

/* The global step comes as int64; the loops want every scalar in the variables' dtype. */
static void convert_step(tn_dtype dtype, int64_t step, void *out) {
  switch (dtype) {
  case TN_FLOAT: *(float *)out = (float)step; break;
  case TN_DOUBLE: *(double *)out = (double)step; break;
  case TN_HALF: *(uint16_t *)out = tn_float_to_half((float)step); break;
  default: *(uint16_t *)out = tn_float_to_bfloat16((float)step); break;
  }
}

static tn_error *sweep(const tn_run *r, const training *t, const tn_tensor *values) {
  const layout *l = &t->layout;
  TN_TRY(check_shapes(r, l, values));
  if (t->ftrl && l->indices >= 0) TN_TRY(check_ftrl(r, t));
  const tn_tensor *gradient = r->inputs[l->gradient];
  double step;
  tn_sweep s = {.n = tn_elements(gradient), .gradient = gradient->data, .flag = t->flag};
  for (int i = 0; i < l->n_slots; i++) s.slots[i] = values[i].data;
  for (int i = 0; i < l->n_scalars; i++) {
    const tn_tensor *scalar = r->inputs[l->scalars[i]];
    s.h[i] = scalar->data;
    if (scalar->dtype == gradient->dtype) continue;
    convert_step(gradient->dtype, TN_DATA(const int64_t, scalar)[0], &step);
    s.h[i] = &step;
  }
  if (l->indices >= 0) return run_rows(r, t, &s, &values[0].shape);
  if (s.n) tn_sweep_parallel(&s, t->fn, t->element);
  return NULL;
}

tn_error *tn_training_run(tn_run *r) {
  const training *t = r->state;
  const layout *l = &t->layout;
  tn_variable *variables[TN_OPTIMIZER_SLOTS];
  tn_tensor values[TN_OPTIMIZER_SLOTS];
  for (int i = 0; i < l->n_slots; i++) {
    TN_TRY(tn_run_variable(r, l->slots[i], &variables[i]));
    if (variables[i]->dtype != r->inputs[l->gradient]->dtype) {
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "variable %s holds %s, expected %s", variables[i]->name,
                           tn_dtype_name(variables[i]->dtype), tn_dtype_name(r->inputs[l->gradient]->dtype));
    }
    for (int j = 0; j < i; j++) {
      if (variables[i] != variables[j]) continue;
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "%s and %s are the same variable, %s",
                           input_name(r->node, l->slots[j]), input_name(r->node, l->slots[i]), variables[i]->name);
    }
  }
  TN_TRY(
      tn_error_context(tn_variables_begin(l->n_slots, variables, values), "%s '%s'", r->node->op->name, r->node->name));
  tn_error *error = sweep(r, t, values);
  tn_variables_end(l->n_slots, variables);
  return error;
}
