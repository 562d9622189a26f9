/* Variables that live for a part of one step: made by one op, handed out and dropped by another. */
#include <string.h>

#include "base/alloc.h"
#include "graph/shape.h"
#include "ops/state/update.h"

/* In the resources of the step, apart from all others. */
#define CONTAINER "temporary"

static tn_error *variable_name(const tn_run *r, char **out) {
  tn_string name = tn_node_get_string(r->node, "var_name");
  *out = name.size ? tn_strndup(name.data, name.size) : tn_strdup(r->node->name);
  return *out ? NULL : tn_out_of_memory();
}

static tn_error *prepare_reference(tn_prepare *p) {
  tn_shape scalar = tn_shape_scalar();
  tn_prepare_dynamic(p, 0);
  return tn_prepare_output(p, 0, &scalar);
}

typedef struct making {
  const tn_run *run;
  const char *name;
  bool made;
} making;

/* A new variable whose value is all zeros. */
static tn_error *create(void *argument, tn_object **out) {
  making *m = argument;
  const tn_shape *shape = tn_node_get_shape(m->run->node, "shape");
  tn_dtype dtype = tn_node_get_type(m->run->node, "dtype");
  if (!tn_shape_known(shape)) {
    return tn_run_errorf(m->run, TN_INVALID_ARGUMENT, "the shape %s is not fully known", TN_SHAPE_STR(shape));
  }
  tn_tensor zeros = {0};
  tn_variable *v = NULL;
  TN_TRY(tn_tensor_init(&zeros, dtype, shape));
  if (zeros.buffer && tn_dtype_is_plain(dtype)) memset(zeros.data, 0, zeros.buffer->size);
  tn_error *error = tn_variable_new(m->name, dtype, shape, &v);
  if (!error) error = tn_variable_assign(v, &zeros, false);
  tn_tensor_clear(&zeros);
  if (error) {
    if (v) tn_object_unref(&v->object);
    return error;
  }
  m->made = true;
  *out = &v->object;
  return NULL;
}

static tn_error *run_make(tn_run *r) {
  char *name;
  TN_TRY(variable_name(r, &name));
  making m = {.run = r, .name = name};
  tn_object *object = NULL;
  tn_error *error = tn_resources_get(tn_run_step_resources(r), CONTAINER, name, TN_VARIABLE_TYPE, create, &m, &object);
  if (!error && !m.made) {
    error = tn_run_errorf(r, TN_ALREADY_EXISTS, "there is a temporary variable %s in this step already", name);
  }
  tn_free(name);
  if (error) {
    if (object) tn_object_unref(object);
    return error;
  }
  return tn_run_set_handle(r, 0, object);
}

static tn_error *prepare_destroy(tn_prepare *p) {
  tn_prepare_dynamic(p, 0);
  return NULL;
}

static tn_error *run_destroy(tn_run *r) {
  tn_variable *v;
  tn_tensor value = {0};
  char *name;
  TN_TRY(tn_run_variable(r, 0, &v));
  TN_TRY(tn_variable_read(v, &value));
  tn_error *error = variable_name(r, &name);
  if (!error) {
    error = tn_resources_delete(tn_run_step_resources(r), CONTAINER, name);
    tn_free(name);
  }
  if (!error) tn_run_set(r, 0, &value);
  tn_tensor_clear(&value);
  return tn_error_context(error, "%s '%s'", r->node->op->name, r->node->name);
}

static const tn_kernel_def make_kernels[] = {{.name = "reference", .prepare = prepare_reference, .run = run_make}, {0}};
static const tn_kernel_def destroy_kernels[] = {{.name = "reference", .prepare = prepare_destroy, .run = run_destroy},
                                                {0}};

static tn_error *shape_make(tn_shape_ctx *c) {
  c->out[0] = *tn_node_get_shape(c->node, "shape");
  return NULL;
}

TN_OP(TemporaryVariable, .inputs = "", .outputs = "ref: Ref(dtype)",
      .attrs = "shape: shape; dtype: type; var_name: string = ''",
      .doc = "A variable that lives until DestroyTemporaryVariable, within one step.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = shape_make, .kernels = make_kernels);

TN_OP(DestroyTemporaryVariable, .inputs = "ref: Ref(T)", .outputs = "value: T", .attrs = "T: type; var_name: string",
      .doc = "The value of a temporary variable, which is dropped.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = tn_shape_unchanged, .kernels = destroy_kernels);
