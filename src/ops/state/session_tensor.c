/* Tensors that stay in the session between steps, under names that steps hand out. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "graph/shape.h"
#include "kernel/kernel.h"

#define KEPT_TYPE "SessionTensor"
#define CONTAINER "_session_tensors"

typedef struct kept {
  tn_object object;
  tn_tensor value;
} kept;

static void destroy(tn_object *object) {
  tn_tensor_clear(&((kept *)object)->value);
  tn_free(object);
}

/* Keeps VALUE; a copy where its bytes belong to somebody who may change them. */
static tn_error *create(void *argument, tn_object **out) {
  const tn_tensor *value = argument;
  kept *k = tn_calloc(1, sizeof *k);
  if (!k) return tn_out_of_memory();
  atomic_init(&k->object.refs, 1);
  k->object.type = KEPT_TYPE;
  k->object.destroy = destroy;
  tn_error *error = NULL;
  if (!value->buffer || value->buffer->release) {
    error = tn_tensor_init_copy(&k->value, value);
  } else {
    tn_tensor_set(&k->value, value);
  }
  if (error) {
    tn_free(k);
    return error;
  }
  *out = &k->object;
  return NULL;
}

/* The name that input 0 holds, as C text to be freed. */
static tn_error *name_of(const tn_run *r, char **out) {
  const tn_tensor *t = r->inputs[0];
  if (tn_elements(t) != 1) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "the handle must be a scalar, but its shape is %s",
                         TN_SHAPE_STR(&t->shape));
  }
  const tn_string *s = TN_DATA(const tn_string, t);
  *out = tn_strndup(s->size ? s->data : "", s->size);
  return *out ? NULL : tn_out_of_memory();
}

static tn_error *run_keep(tn_run *r) {
  static atomic_uint_fast64_t count;
  char name[300];
  snprintf(name, sizeof name, "%.200s;%llu;/job:localhost/replica:0/task:0/device:CPU:0", r->node->name,
           (unsigned long long)atomic_fetch_add(&count, 1));
  tn_object *object = NULL;
  TN_TRY(tn_resources_get(tn_run_resources(r), CONTAINER, name, KEPT_TYPE, create, (void *)r->inputs[0], &object));
  tn_shape scalar = tn_shape_scalar();
  if (r->outputs[0]->dtype == TN_RESOURCE) return tn_run_set_handle(r, 0, object);
  tn_object_unref(object);
  TN_TRY(tn_run_allocate(r, 0, &scalar));
  return tn_string_set(TN_DATA(tn_string, r->outputs[0]), name, strlen(name));
}

static tn_error *find(tn_run *r, const char *name) {
  tn_object *object = NULL;
  tn_error *error = tn_resources_get(tn_run_resources(r), CONTAINER, name, KEPT_TYPE, NULL, NULL, &object);
  if (error) {
    tn_error_free(error);
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "The tensor with handle '%s' is not in the session store.", name);
  }
  const tn_tensor *value = &((kept *)object)->value;
  if (value->dtype == r->node->output_types[0]) {
    tn_run_set(r, 0, value);
  } else {
    error = tn_run_errorf(r, TN_INVALID_ARGUMENT, "the tensor '%s' is %s, but %s was asked for", name,
                          tn_dtype_name(value->dtype), tn_dtype_name(r->node->output_types[0]));
  }
  tn_object_unref(object);
  return error;
}

static tn_error *run_find(tn_run *r) {
  char *name;
  TN_TRY(name_of(r, &name));
  tn_error *error = find(r, name);
  tn_free(name);
  return error;
}

static tn_error *run_delete(tn_run *r) {
  char *name;
  TN_TRY(name_of(r, &name));
  tn_error *error = tn_resources_delete(tn_run_resources(r), CONTAINER, name);
  if (error) {
    tn_error_free(error);
    error = tn_run_errorf(r, TN_INVALID_ARGUMENT, "The tensor with handle '%s' is not in the session store.", name);
  }
  tn_free(name);
  return error;
}

static tn_error *prepare_dynamic(tn_prepare *p) {
  tn_prepare_dynamic(p, 0);
  return NULL;
}

static const tn_kernel_def keeps[] = {{.name = "reference", .prepare = prepare_dynamic, .run = run_keep}, {0}};
static const tn_kernel_def finds[] = {{.name = "reference", .prepare = prepare_dynamic, .run = run_find}, {0}};
static const tn_kernel_def deletes[] = {{.name = "reference", .prepare = tn_prepare_nothing, .run = run_delete}, {0}};

static tn_error *shape_find(tn_shape_ctx *c) {
  tn_shape unused;
  return tn_shape_with_rank(c, 0, 0, &unused);
}

#define FLAGS TN_OP_STATEFUL | TN_OP_NO_GRADIENT

TN_OP(GetSessionHandle, .inputs = "value: T", .outputs = "handle: string", .attrs = "T: type",
      .doc = "Keeps value in the session, and tells the name under which it is kept.",
      .flags = FLAGS | TN_OP_DYNAMIC_SHAPE, .shape = tn_shape_scalar_out, .kernels = keeps);

TN_OP(GetSessionHandleV2, .inputs = "value: T", .outputs = "handle: resource", .attrs = "T: type",
      .doc = "Keeps value in the session, and hands it out.", .flags = FLAGS | TN_OP_DYNAMIC_SHAPE,
      .shape = tn_shape_scalar_out, .kernels = keeps);

TN_OP(GetSessionTensor, .inputs = "handle: string", .outputs = "value: dtype", .attrs = "dtype: type",
      .doc = "The tensor that is kept in the session under a name.", .flags = FLAGS | TN_OP_DYNAMIC_SHAPE,
      .shape = shape_find, .kernels = finds);

TN_OP(DeleteSessionTensor, .inputs = "handle: string", .outputs = "", .attrs = "",
      .doc = "Forgets a tensor that is kept in the session.", .flags = FLAGS, .shape = shape_find, .kernels = deletes);
