/* A counter in a variable, up to a limit. */
#include "graph/shape.h"
#include "ops/state/update.h"

static tn_error *prepare(tn_prepare *p) {
  tn_shape scalar = tn_shape_scalar();
  return tn_prepare_output(p, 0, &scalar);
}

static tn_error *count(const tn_run *r, const tn_variable *v, tn_tensor *value) {
  int64_t limit = tn_node_get_int(r->node, "limit");
  if (value->shape.rank != 0) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "variable %s is not a scalar: %s", v->name,
                         TN_SHAPE_STR(&value->shape));
  }
  int64_t now = tn_index_at(value, 0);
  if (now >= limit) return tn_run_errorf(r, TN_OUT_OF_RANGE, "Reached limit of %lld", (long long)limit);
  if (value->dtype == TN_INT32) {
    TN_DATA(int32_t, r->outputs[0])[0] = (int32_t)now;
    TN_DATA(int32_t, value)[0] = (int32_t)(now + 1);
  } else {
    TN_DATA(int64_t, r->outputs[0])[0] = now;
    TN_DATA(int64_t, value)[0] = now + 1;
  }
  return NULL;
}

static tn_error *run(tn_run *r) {
  tn_variable *v;
  tn_tensor value = {0};
  TN_TRY(tn_run_variable(r, 0, &v));
  TN_TRY(tn_state_check_dtype(r, v, r->outputs[0]->dtype));
  TN_TRY(tn_state_begin(r, v, &value));
  tn_error *error = count(r, v, &value);
  tn_variable_end(v);
  return error;
}

static const tn_kernel_def kernels[] = {
    {.name = "reference", .types = TN_BIT(TN_INT32) | TN_BIT(TN_INT64), .prepare = prepare, .run = run}, {0}};

static tn_error *shape_count(tn_shape_ctx *c) {
  tn_shape variable, scalar = tn_shape_scalar();
  TN_TRY(tn_state_variable_shape(c, 0, "T", &variable));
  return tn_shape_merge(c, &variable, &scalar, &c->out[0]);
}

TN_OP(CountUpTo, .inputs = "ref: Ref(T)", .outputs = "output: T", .attrs = "limit: int; T: indextype",
      .doc = "Adds one to a scalar variable and gives the value before; OUT_OF_RANGE at the limit.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = shape_count, .kernels = kernels);

TN_OP(ResourceCountUpTo, .inputs = "resource: resource", .outputs = "output: T", .attrs = "limit: int; T: indextype",
      .doc = "Adds one to a scalar resource variable and gives the value before; OUT_OF_RANGE at the limit.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = shape_count, .kernels = kernels);
