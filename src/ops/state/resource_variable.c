/* Variables of the resource kind: reading, assigning, asking, destroying. */
#include "graph/build.h"
#include "graph/shape.h"
#include "ops/state/update.h"

static tn_error *prepare_scalar(tn_prepare *p) {
  tn_shape scalar = tn_shape_scalar();
  return tn_prepare_output(p, 0, &scalar);
}

static tn_error *prepare_dynamic(tn_prepare *p) {
  tn_prepare_dynamic(p, 0);
  return NULL;
}

static tn_error *run_read(tn_run *r) {
  tn_variable *v;
  tn_tensor value = {0};
  TN_TRY(tn_run_variable(r, 0, &v));
  TN_TRY(tn_state_check_dtype(r, v, r->outputs[0]->dtype));
  TN_TRY(tn_error_context(tn_variable_read(v, &value), "%s '%s'", r->node->op->name, r->node->name));
  tn_run_set(r, 0, &value);
  tn_tensor_clear(&value);
  return NULL;
}

static tn_error *run_assign(tn_run *r) {
  tn_variable *v;
  TN_TRY(tn_run_variable(r, 0, &v));
  TN_TRY(tn_state_check_dtype(r, v, r->inputs[1]->dtype));
  if (tn_node_get_bool(r->node, "validate_shape")) TN_TRY(tn_state_check_shape(r, v, r->inputs[1]));
  tn_error *error = tn_variable_assign(v, r->inputs[1], false);
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

static tn_error *run_initialized(tn_run *r) {
  tn_variable *v;
  TN_TRY(tn_run_variable(r, 0, &v));
  TN_DATA(bool, r->outputs[0])[0] = tn_variable_initialized(v);
  return NULL;
}

/* Plans put the value in the place of the handle. */
static tn_error *prepare_shape(tn_prepare *p) {
  if (p->inputs[0].dtype == TN_RESOURCE) return prepare_dynamic(p);
  tn_shape vector = tn_shape_of(1, &(int64_t){p->inputs[0].shape.rank});
  return tn_prepare_output(p, 0, &vector);
}

static tn_error *run_shape(tn_run *r) {
  tn_variable *v;
  tn_tensor value = {0};
  tn_shape shape = r->inputs[0]->shape;
  if (r->inputs[0]->dtype == TN_RESOURCE) {
    TN_TRY(tn_run_variable(r, 0, &v));
    TN_TRY(tn_state_read(r, v, &value));
    shape = value.shape;
    tn_tensor_clear(&value);
    tn_shape vector = tn_shape_of(1, &(int64_t){shape.rank});
    TN_TRY(tn_run_allocate(r, 0, &vector));
  }
  for (int i = 0; i < shape.rank; i++) {
    if (r->outputs[0]->dtype == TN_INT64) {
      TN_DATA(int64_t, r->outputs[0])[i] = shape.dims[i];
    } else if (shape.dims[i] > INT32_MAX) {
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "dimension %d, %lld, does not fit an int32", i,
                           (long long)shape.dims[i]);
    } else {
      TN_DATA(int32_t, r->outputs[0])[i] = (int32_t)shape.dims[i];
    }
  }
  return NULL;
}

/* Destroying takes the value away; the name and the plans that are bound to it stay usable, as a later assignment in
 * TensorFlow makes the resource anew under the same name. */
static tn_error *run_destroy(tn_run *r) {
  tn_variable *v;
  tn_error *error = tn_run_variable(r, 0, &v);
  bool ignore = tn_node_get_bool(r->node, "ignore_lookup_error");
  if (error && ignore && tn_error_code(error) == TN_NOT_FOUND) {
    tn_error_free(error);
    return NULL;
  }
  TN_TRY(error);
  if (!tn_variable_initialized(v)) {
    return ignore ? NULL : tn_run_errorf(r, TN_NOT_FOUND, "resource %s does not exist", v->name);
  }
  tn_variable_reset(v);
  return NULL;
}

static tn_error *run_nothing(tn_run *r) {
  tn_variable *v;
  return tn_run_variable(r, 0, &v);
}

static const tn_kernel_def read_kernels[] = {{.name = "reference", .prepare = prepare_dynamic, .run = run_read}, {0}};
static const tn_kernel_def assign_kernels[] = {
    {.name = "reference", .prepare = tn_state_prepare_none, .run = run_assign}, {0}};
static const tn_kernel_def add_kernels[] = {
    {.name = "reference", .types = TN_UPDATE_NUMBERS, .prepare = tn_state_prepare_none, .run = run_add}, {0}};
static const tn_kernel_def sub_kernels[] = {
    {.name = "reference", .types = TN_UPDATE_NUMBERS, .prepare = tn_state_prepare_none, .run = run_sub}, {0}};
static const tn_kernel_def initialized_kernels[] = {
    {.name = "reference", .prepare = prepare_scalar, .run = run_initialized}, {0}};
static const tn_kernel_def shape_kernels[] = {{.name = "reference", .prepare = prepare_shape, .run = run_shape}, {0}};
static const tn_kernel_def destroy_kernels[] = {
    {.name = "reference", .prepare = tn_state_prepare_none, .run = run_destroy}, {0}};
static const tn_kernel_def nothing_kernels[] = {
    {.name = "reference", .prepare = tn_state_prepare_none, .run = run_nothing}, {0}};

static tn_error *shape_read(tn_shape_ctx *c) { return tn_state_handle_shape(c, 0, "dtype", &c->out[0]); }

static tn_error *shape_assign(tn_shape_ctx *c) {
  tn_shape variable, merged;
  TN_TRY(tn_state_handle_shape(c, 0, "dtype", &variable));
  return tn_shape_merge(c, &variable, &c->in[1], &merged);
}

static tn_error *shape_variable_shape(tn_shape_ctx *c) {
  tn_shape variable;
  TN_TRY(tn_state_handle_shape(c, 0, NULL, &variable));
  c->out[0] = tn_shape_of(1, &(int64_t){variable.rank});
  return NULL;
}

static tn_error *gradient_read(tn_gradient_ctx *c) {
  c->grad_in[0] = c->grad_out[0];
  return NULL;
}

TN_OP(VarIsInitializedOp, .inputs = "resource: resource", .outputs = "is_initialized: bool", .attrs = "",
      .doc = "Whether the variable behind the handle has a value.",
      .flags = TN_OP_STATEFUL | TN_OP_READ_ONLY | TN_OP_NO_GRADIENT, .shape = tn_shape_scalar_out,
      .kernels = initialized_kernels);

TN_OP(ReadVariableOp, .inputs = "resource: resource", .outputs = "value: dtype", .attrs = "dtype: type",
      .doc = "The value of the variable behind the handle.", .flags = TN_OP_STATEFUL | TN_OP_READ_ONLY,
      .shape = shape_read, .gradient = gradient_read, .kernels = read_kernels);

TN_OP(AssignVariableOp, .inputs = "resource: resource, value: dtype", .outputs = "",
      .attrs = "dtype: type; validate_shape: bool = false", .doc = "Gives the variable behind the handle a value.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = shape_assign, .kernels = assign_kernels);

TN_OP(AssignAddVariableOp, .inputs = "resource: resource, value: dtype", .outputs = "", .attrs = "dtype: type",
      .doc = "Adds the value to the variable behind the handle.", .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED,
      .shape = shape_assign, .kernels = add_kernels);

TN_OP(AssignSubVariableOp, .inputs = "resource: resource, value: dtype", .outputs = "", .attrs = "dtype: type",
      .doc = "Subtracts the value from the variable behind the handle.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = shape_assign, .kernels = sub_kernels);

TN_OP(VariableShape, .inputs = "input: resource", .outputs = "output: out_type",
      .attrs = "out_type: indextype = DT_INT32", .doc = "The shape of the variable behind the handle.",
      .flags = TN_OP_STATEFUL | TN_OP_READ_ONLY | TN_OP_FROM_SHAPES | TN_OP_NO_GRADIENT, .shape = shape_variable_shape,
      .kernels = shape_kernels);

TN_OP(DestroyResourceOp, .inputs = "resource: resource", .outputs = "", .attrs = "ignore_lookup_error: bool = true",
      .doc = "Drops what the handle refers to.", .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED,
      .shape = tn_shape_no_outputs, .kernels = destroy_kernels);

TN_OP(DisableCopyOnRead, .inputs = "resource: resource", .outputs = "", .attrs = "",
      .doc = "Asks that reads share the variable's buffer, which they do here anyway.",
      .flags = TN_OP_STATEFUL | TN_OP_READ_ONLY | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_shape_no_outputs,
      .kernels = nothing_kernels);
