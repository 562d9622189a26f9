/* Assignment to variables of the reference kind, and the question whether they have a value. */
#include "graph/shape.h"
#include "ops/state/update.h"

static tn_error *run_assign(tn_run *r) {
  tn_variable *v;
  TN_TRY(tn_run_variable(r, 0, &v));
  TN_TRY(tn_state_check_dtype(r, v, r->inputs[1]->dtype));
  bool validate = tn_node_get_bool(r->node, "validate_shape");
  if (validate) TN_TRY(tn_state_check_shape(r, v, r->inputs[1]));
  tn_error *error = tn_variable_assign(v, r->inputs[1], validate && !tn_variable_initialized(v));
  return tn_error_context(error, "%s '%s'", r->node->op->name, r->node->name);
}

static tn_error *run_update(tn_run *r, tn_update_op op) {
  tn_variable *v;
  tn_tensor value = {0};
  TN_TRY(tn_run_variable(r, 0, &v));
  TN_TRY(tn_state_check_dtype(r, v, r->inputs[1]->dtype));
  TN_TRY(tn_state_begin(r, v, &value));
  tn_error *error = NULL;
  if (!tn_shape_equal(&value.shape, &r->inputs[1]->shape)) {
    error = tn_run_errorf(r, TN_INVALID_ARGUMENT, "shapes differ: variable %s is %s and the value is %s", v->name,
                          TN_SHAPE_STR(&value.shape), TN_SHAPE_STR(&r->inputs[1]->shape));
  } else {
    error = tn_update_whole(op, &value, r->inputs[1]);
  }
  tn_variable_end(v);
  return error;
}

static tn_error *run_add(tn_run *r) { return run_update(r, TN_UPDATE_ADD); }
static tn_error *run_sub(tn_run *r) { return run_update(r, TN_UPDATE_SUB); }

static tn_error *prepare_initialized(tn_prepare *p) {
  tn_shape scalar = tn_shape_scalar();
  return tn_prepare_output(p, 0, &scalar);
}

static tn_error *run_initialized(tn_run *r) {
  tn_variable *v;
  TN_TRY(tn_run_variable(r, 0, &v));
  TN_DATA(bool, r->outputs[0])[0] = tn_variable_initialized(v);
  return NULL;
}

static const tn_kernel_def assign_kernels[] = {
    {.name = "reference", .prepare = tn_state_prepare_ref, .run = run_assign}, {0}};
static const tn_kernel_def add_kernels[] = {
    {.name = "reference", .types = TN_UPDATE_NUMBERS, .prepare = tn_state_prepare_ref, .run = run_add}, {0}};
static const tn_kernel_def sub_kernels[] = {
    {.name = "reference", .types = TN_UPDATE_NUMBERS, .prepare = tn_state_prepare_ref, .run = run_sub}, {0}};
static const tn_kernel_def initialized_kernels[] = {
    {.name = "reference", .prepare = prepare_initialized, .run = run_initialized}, {0}};

static tn_error *shape_merged(tn_shape_ctx *c) { return tn_shape_merge(c, &c->in[0], &c->in[1], &c->out[0]); }

static tn_error *shape_assign(tn_shape_ctx *c) {
  if (tn_node_get_bool(c->node, "validate_shape")) return shape_merged(c);
  c->out[0] = c->in[1];
  return NULL;
}

TN_OP(Assign, .inputs = "ref: Ref(T), value: T", .outputs = "output_ref: Ref(T)",
      .attrs = "T: type; validate_shape: bool = true; use_locking: bool = true",
      .doc = "Gives the variable a value and passes the reference on.",
      .flags = TN_OP_ALLOWS_UNINITIALIZED | TN_OP_NO_GRADIENT, .shape = shape_assign, .kernels = assign_kernels);

TN_OP(AssignAdd, .inputs = "ref: Ref(T), value: T", .outputs = "output_ref: Ref(T)",
      .attrs = "T: numbertype; use_locking: bool = false",
      .doc = "Adds the value to the variable and passes the reference on.", .flags = TN_OP_NO_GRADIENT,
      .shape = shape_merged, .kernels = add_kernels);

TN_OP(AssignSub, .inputs = "ref: Ref(T), value: T", .outputs = "output_ref: Ref(T)",
      .attrs = "T: numbertype; use_locking: bool = false",
      .doc = "Subtracts the value from the variable and passes the reference on.", .flags = TN_OP_NO_GRADIENT,
      .shape = shape_merged, .kernels = sub_kernels);

TN_OP(IsVariableInitialized, .inputs = "ref: Ref(dtype)", .outputs = "is_initialized: bool", .attrs = "dtype: type",
      .doc = "Whether the variable has a value.",
      .flags = TN_OP_ALLOWS_UNINITIALIZED | TN_OP_READ_ONLY | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_shape_scalar_out,
      .kernels = initialized_kernels);
