/* Variables: the ops whose output refers to one. The variable belongs to the session and is found by container and
 * name. */
#include "base/alloc.h"
#include "graph/shape.h"
#include "kernel/prepared.h"

/* Prepared once: a scalar whose element refers to the variable. Running shares it. */
typedef struct handle {
  tn_tensor tensor;
} handle;

static void destroy_handle(void *state) {
  handle *h = state;
  if (!h) return;
  tn_tensor_clear(&h->tensor);
  tn_free(h);
}

typedef struct wanted {
  const char *name;
  tn_dtype dtype;
  const tn_shape *shape;
} wanted;

static tn_error *create(void *argument, tn_object **out) {
  const wanted *w = argument;
  tn_variable *v;
  TN_TRY(tn_variable_new(w->name, w->dtype, w->shape, &v));
  *out = &v->object;
  return NULL;
}

/* The variable that NODE names by container and shared_name (its own name where that is empty). */
static tn_error *find_variable(tn_prepare *p, tn_variable **out) {
  const tn_node *node = p->node;
  if (!p->session) return tn_prepare_errorf(p, TN_INTERNAL, "a variable needs a session");
  tn_string container = tn_node_get_string(node, "container");
  tn_string shared = tn_node_get_string(node, "shared_name");
  wanted w = {.dtype = tn_node_get_type(node, "dtype"), .shape = tn_node_get_shape(node, "shape")};
  char *group = tn_strndup(container.data ? container.data : "", container.size);
  char *name = shared.size ? tn_strndup(shared.data, shared.size) : tn_strdup(node->name);
  tn_error *error = group && name ? NULL : tn_out_of_memory();
  tn_object *object = NULL;
  w.name = name;
  if (!error) {
    error =
        tn_resources_get(tn_session_state_resources(p->session), group, name, TN_VARIABLE_TYPE, create, &w, &object);
  }
  tn_free(group);
  tn_free(name);
  if (error) return error;
  tn_variable *v = tn_variable_of(object);
  if (v->dtype != w.dtype) {
    error = tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "variable %s holds %s, but the node wants %s", v->name,
                              tn_dtype_name(v->dtype), tn_dtype_name(w.dtype));
    tn_object_unref(object);
    return error;
  }
  *out = v;
  return NULL;
}

static tn_error *prepare_variable(tn_prepare *p) {
  tn_variable *v;
  TN_TRY(find_variable(p, &v));
  handle *h = tn_calloc(1, sizeof *h);
  tn_error *error = h ? tn_handle_init(&h->tensor, p->outputs[0].dtype, &v->object) : tn_out_of_memory();
  if (error) {
    tn_free(h);
    tn_object_unref(&v->object);
    return error;
  }
  p->state = h;
  tn_shape scalar = tn_shape_scalar();
  tn_prepare_dynamic(p, 0);
  return tn_prepare_output(p, 0, &scalar);
}

static tn_error *run_variable(tn_run *r) {
  const handle *h = r->state;
  tn_run_set(r, 0, &h->tensor);
  return NULL;
}

static const tn_kernel_def variable_kernels[] = {
    {.name = "reference", .prepare = prepare_variable, .run = run_variable, .destroy = destroy_handle}, {0}};

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
