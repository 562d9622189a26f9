/* Variables: the ops whose output refers to one. The variable belongs to the session and is found by container and
 * name. */
#include "graph/shape.h"
#include "kernel/handle.h"

static tn_error *create(void *argument, const char *name, tn_object **out) {
  const tn_node *node = argument;
  tn_variable *v;
  TN_TRY(tn_variable_new(name, tn_node_get_type(node, "dtype"), tn_node_get_shape(node, "shape"), &v));
  *out = &v->object;
  return NULL;
}

static tn_error *prepare_variable(tn_prepare *p) {
  tn_object *object;
  tn_handle_request request = {TN_VARIABLE_TYPE, create, (void *)p->node};
  TN_TRY(tn_handle_prepare(p, &request, &object));
  const tn_variable *v = tn_variable_of(object);
  tn_dtype wanted = tn_node_get_type(p->node, "dtype");
  if (v->dtype == wanted) return NULL;
  return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "variable %s holds %s, but the node wants %s", v->name,
                           tn_dtype_name(v->dtype), tn_dtype_name(wanted));
}

static const tn_kernel_def variable_kernels[] = {
    {.name = "reference", .prepare = prepare_variable, .run = tn_handle_run, .destroy = tn_handle_destroy}, {0}};

static tn_error *shape_v1(tn_shape_ctx *c) {
  /* The first variable op can't tell a scalar from a shape that is not known. */
  const tn_shape *shape = tn_node_get_shape(c->node, "shape");
  if (shape->rank > 0) c->out[0] = *shape;
  return NULL;
}

static tn_error *shape_v2(tn_shape_ctx *c) {
  c->out[0] = *tn_node_get_shape(c->node, "shape");
  return NULL;
}

static tn_error *shape_handle(tn_shape_ctx *c) {
  c->out[0] = tn_shape_scalar();
  if (c->out_handles) {
    c->out_handles[0].dtype = tn_node_get_type(c->node, "dtype");
    c->out_handles[0].shape = *tn_node_get_shape(c->node, "shape");
  }
  return NULL;
}

TN_OP(Variable, .inputs = "", .outputs = "ref: Ref(dtype)",
      .attrs = "shape: shape; dtype: type; container: string = ''; shared_name: string = ''",
      .doc = "A variable of the reference kind, in its first form (a scalar shape means an unknown one).",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = shape_v1, .kernels = variable_kernels);

TN_OP(VariableV2, .inputs = "", .outputs = "ref: Ref(dtype)",
      .attrs = "shape: shape; dtype: type; container: string = ''; shared_name: string = ''",
      .doc = "A variable of the reference kind: a tensor that lives as long as the session.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = shape_v2, .kernels = variable_kernels);

TN_OP(VarHandleOp, .inputs = "", .outputs = "resource: resource",
      .attrs = "container: string = ''; shared_name: string = ''; debug_name: string = ''; dtype: type; "
               "shape: shape; allowed_devices: list(string) = []",
      .doc = "A handle to a variable of the resource kind.", .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED,
      .shape = shape_handle, .kernels = variable_kernels);
