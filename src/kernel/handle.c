/* Ops that hand out resources of the session. */
#include "kernel/handle.h"

#include <string.h>

#include "base/alloc.h"

/* Prepared once: a scalar whose element refers to the object. Running shares it. */
typedef struct handle {
  tn_tensor tensor;
} handle;

void tn_handle_destroy(void *state) {
  handle *h = state;
  if (!h) return;
  tn_tensor_clear(&h->tensor);
  tn_free(h);
}

typedef struct maker {
  const tn_handle_request *request;
  const char *name;
} maker;

static tn_error *create(void *argument, tn_object **out) {
  const maker *m = argument;
  return m->request->create(m->request->argument, m->name, out);
}

static tn_error *find(tn_prepare *p, const tn_handle_request *request, tn_object **out) {
  const tn_node *node = p->node;
  if (!p->session) return tn_prepare_errorf(p, TN_INTERNAL, "a resource needs a session");
  tn_string container = tn_node_get_string(node, "container");
  tn_string shared = tn_node_get_string(node, "shared_name");
  char *group = tn_strndup(container.size ? container.data : "", container.size);
  char *name = shared.size ? tn_strndup(shared.data, shared.size) : tn_strdup(node->name);
  maker m = {request, name};
  tn_error *error = group && name ? NULL : tn_out_of_memory();
  if (!error) {
    error = tn_resources_get(tn_session_state_resources(p->session), group, name, request->type, create, &m, out);
  }
  tn_free(group);
  tn_free(name);
  return tn_error_context(error, "%s '%s'", node->op->name, node->name);
}

tn_error *tn_handle_prepare(tn_prepare *p, const tn_handle_request *request, tn_object **out) {
  tn_object *object = NULL;
  TN_TRY(find(p, request, &object));
  handle *h = tn_calloc(1, sizeof *h);
  if (!h) {
    tn_object_unref(object);
    return tn_out_of_memory();
  }
  tn_error *error = tn_handle_init(&h->tensor, p->outputs[0].dtype, object);
  if (error) {
    tn_free(h);
    return error;
  }
  p->state = h;
  *out = object;
  tn_shape scalar = tn_shape_scalar();
  tn_prepare_dynamic(p, 0);
  return tn_prepare_output(p, 0, &scalar);
}

tn_error *tn_handle_run(tn_run *r) {
  const handle *h = r->state;
  tn_run_set(r, 0, &h->tensor);
  return NULL;
}

tn_error *tn_handle_strings(const char *container, const char *name, tn_tensor *out) {
  tn_shape two = tn_shape_of(1, &(int64_t){2});
  TN_TRY(tn_tensor_init(out, TN_STRING, &two));
  tn_error *error = tn_string_set(TN_DATA(tn_string, out), container, strlen(container));
  if (!error) error = tn_string_set(TN_DATA(tn_string, out) + 1, name, strlen(name));
  if (error) tn_tensor_clear(out);
  return error;
}
