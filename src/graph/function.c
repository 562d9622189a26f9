/* Libraries of functions: adding, finding, reading and writing. */
#include "graph/function.h"

#include <string.h>

#include "base/thread.h"
#include "graph/graph_internal.h"
#include "graph/proto.h"

/* Of a FunctionDefLibrary: what maps functions to gradients, kept as the bytes that came. */
typedef struct extra {
  int field;
  size_t size;
  const char *data;
} extra;

struct tn_library {
  atomic_int refs;
  pthread_mutex_t mutex; /* recursive */
  tn_arena *arena;
  tn_map *by_name;
  size_t n, capacity, n_extras, extra_capacity;
  tn_function **functions;
  extra *extras;
};

tn_error *tn_library_new(tn_library **out) {
  tn_library *library = tn_calloc(1, sizeof *library);
  if (!library) return tn_out_of_memory();
  tn_error *error = tn_mutex_init_recursive(&library->mutex);
  if (error) {
    tn_free(library);
    return error;
  }
  atomic_init(&library->refs, 1);
  error = tn_arena_new(&library->arena);
  if (!error) error = tn_map_new(&library->by_name);
  if (error) {
    tn_library_unref(library);
    return error;
  }
  *out = library;
  return NULL;
}

tn_library *tn_library_ref(tn_library *library) {
  atomic_fetch_add_explicit(&library->refs, 1, memory_order_relaxed);
  return library;
}

void tn_library_unref(tn_library *library) {
  if (!library || atomic_fetch_sub_explicit(&library->refs, 1, memory_order_acq_rel) != 1) return;
  for (size_t i = 0; i < library->n; i++) tn_function_body_free(library->functions[i]->body);
  if (library->by_name) tn_map_free(library->by_name);
  if (library->arena) tn_arena_free(library->arena);
  pthread_mutex_destroy(&library->mutex);
  tn_free(library);
}

static void lock(tn_library *library) { tn_lock(&library->mutex); }
static void unlock(tn_library *library) { tn_unlock(&library->mutex); }

tn_function *tn_library_find(tn_library *library, const char *name) {
  lock(library);
  tn_function *found = tn_map_find(library->by_name, name);
  unlock(library);
  return found;
}

size_t tn_library_size(tn_library *library) {
  lock(library);
  size_t n = library->n;
  unlock(library);
  return n;
}

tn_function *tn_library_at(tn_library *library, size_t i) {
  lock(library);
  tn_function *found = i < library->n ? library->functions[i] : NULL;
  unlock(library);
  return found;
}

bool tn_library_empty(tn_library *library) {
  lock(library);
  bool empty = library->n + library->n_extras == 0;
  unlock(library);
  return empty;
}

/* --- adding, with the lock held --- */

static tn_error *add_function(tn_library *library, const char *def, size_t size) {
  tn_function *function = tn_arena_alloc(library->arena, sizeof *function);
  char *copy = tn_arena_alloc(library->arena, size + 1);
  if (!function || !copy) return tn_out_of_memory();
  memcpy(copy, def, size);
  function->library = library;
  function->def = copy;
  function->size = size;
  TN_TRY(tn_function_read_signature(library->arena, function));
  if (tn_op_find(function->name)) {
    return tn_errorf(TN_INVALID_ARGUMENT, "a function can't be called '%.200s': there is an op type of that name",
                     function->name);
  }
  const tn_function *other = tn_map_find(library->by_name, function->name);
  if (other) {
    if (other->size == size && memcmp(other->def, def, size) == 0) return NULL;
    return tn_errorf(TN_INVALID_ARGUMENT, "the graph has another function '%.200s' already", function->name);
  }
  tn_function **functions =
      tn_arena_room(library->arena, library->functions, library->n, &library->capacity, sizeof(tn_function *));
  if (!functions) return tn_out_of_memory();
  library->functions = functions;
  TN_TRY(tn_map_put(library->by_name, function->name, function));
  functions[library->n++] = function;
  return NULL;
}

tn_error *tn_library_add(tn_library *library, const char *def, size_t size) {
  lock(library);
  tn_error *error = add_function(library, def, size);
  unlock(library);
  return error;
}

static tn_error *add_extra(tn_library *library, const tn_wire_field *field) {
  for (size_t i = 0; i < library->n_extras; i++) {
    const extra *e = &library->extras[i];
    if (e->field == (int)field->number && e->size == field->size && memcmp(e->data, field->data, e->size) == 0) {
      return NULL;
    }
  }
  extra *extras =
      tn_arena_room(library->arena, library->extras, library->n_extras, &library->extra_capacity, sizeof *extras);
  char *copy = tn_arena_alloc(library->arena, field->size + 1);
  if (!extras || !copy) return tn_out_of_memory();
  memcpy(copy, field->data, field->size);
  library->extras = extras;
  extras[library->n_extras++] = (extra){(int)field->number, field->size, copy};
  return NULL;
}

/* A GradientDef: the function, and the one that is its gradient. */
static tn_error *note_gradient(tn_library *library, const tn_wire_field *def) {
  const char *names[2] = {NULL, NULL};
  tn_wire_in in = tn_wire_bytes(def->data, def->size);
  tn_wire_field field;
  for (bool more;;) {
    TN_TRY(tn_proto_next(&in, &field, &more));
    if (!more) break;
    if (field.number > 2 || field.type != TN_WIRE_BYTES) continue;
    names[field.number - 1] = tn_arena_strndup(library->arena, field.data, field.size);
    if (!names[field.number - 1]) return tn_out_of_memory();
  }
  tn_function *function = names[0] ? tn_map_find(library->by_name, names[0]) : NULL;
  if (function) function->gradient = names[1];
  return NULL;
}

static tn_error *import_fields(tn_library *library, const char *data, size_t size) {
  tn_wire_field field;
  for (uint32_t wanted = 1; wanted <= 3; wanted++) {
    tn_wire_in in = tn_wire_bytes(data, size);
    for (bool more;;) {
      TN_TRY(tn_proto_next(&in, &field, &more));
      if (!more) break;
      if (field.number != wanted || field.type != TN_WIRE_BYTES) continue;
      TN_TRY(wanted == 1 ? add_function(library, field.data, field.size) : add_extra(library, &field));
      if (wanted == 2) TN_TRY(note_gradient(library, &field));
    }
  }
  return NULL;
}

tn_error *tn_library_import(tn_library *library, const char *data, size_t size) {
  lock(library);
  size_t n = library->n, n_extras = library->n_extras;
  tn_error *error = import_fields(library, data, size);
  while (error && library->n > n) {
    tn_function *last = library->functions[--library->n];
    tn_map_remove(library->by_name, last->name, strlen(last->name));
  }
  if (error) library->n_extras = n_extras;
  unlock(library);
  return error;
}

void tn_library_write(tn_library *library, tn_str *out) {
  lock(library);
  for (size_t i = 0; i < library->n; i++) {
    tn_wire_put_bytes(out, 1, library->functions[i]->def, library->functions[i]->size);
  }
  for (size_t i = 0; i < library->n_extras; i++) {
    tn_wire_put_bytes(out, (uint32_t)library->extras[i].field, library->extras[i].data, library->extras[i].size);
  }
  unlock(library);
}

/* --- finding --- */

static tn_error *find(const tn_node *node, const tn_string *name, tn_function **out) {
  tn_library *library = node->graph->library;
  lock(library);
  tn_function *found = tn_map_get(library->by_name, name->data, name->size);
  unlock(library);
  if (!found) {
    return tn_node_errorf(node, TN_NOT_FOUND, "the graph has no function '%.*s'",
                          name->size < 200 ? (int)name->size : 200, name->data ? name->data : "");
  }
  *out = found;
  return NULL;
}

tn_error *tn_node_function(const tn_node *node, const char *name, tn_function **out) {
  const tn_attr *attr = tn_node_attr(node, name);
  if (!attr || attr->kind != TN_ATTR_FUNC || attr->is_list) {
    return tn_node_errorf(node, TN_INTERNAL, "the attribute '%s' is no function", name);
  }
  return find(node, &attr->string, out);
}

tn_error *tn_node_function_at(const tn_node *node, const char *name, size_t i, tn_function **out) {
  const tn_attr *attr = tn_node_attr(node, name);
  if (!attr || attr->kind != TN_ATTR_FUNC || !attr->is_list || i >= attr->n) {
    return tn_node_errorf(node, TN_INTERNAL, "the attribute '%s' has no function %zu", name, i);
  }
  return find(node, &attr->strings[i], out);
}

tn_error *tn_node_callee(const tn_node *node, tn_function **out) {
  if (tn_node_attr(node, "f")) return tn_node_function(node, "f", out);
  tn_string name = {(char *)node->op->name, strlen(node->op->name)};
  return find(node, &name, out);
}

/* --- bodies --- */

void tn_function_body_free(tn_function_body *body) {
  if (!body) return;
  tn_graph_free(body->graph);
  tn_free(body->args);
  tn_free(body->rets);
  tn_free(body->targets);
  tn_free(body);
}

tn_error *tn_function_get_body(tn_function *function, const tn_function_body **out) {
  lock(function->library);
  tn_error *error = function->body ? NULL : tn_function_new_body(function, &function->body);
  if (!error) *out = function->body;
  unlock(function->library);
  return error;
}

/* --- the public face --- */

tn_error *tn_graph_add_function(tn_graph *graph, const char *def, size_t size) {
  return tn_library_add(graph->library, def, size);
}

size_t tn_graph_n_functions(const tn_graph *graph) { return tn_library_size(graph->library); }

const char *tn_graph_function_name(const tn_graph *graph, size_t i) {
  const tn_function *function = tn_library_at(graph->library, i);
  return function ? function->name : NULL;
}

tn_error *tn_graph_function_def(const tn_graph *graph, const char *name, char **out, size_t *size) {
  const tn_function *function = tn_library_find(graph->library, name);
  if (!function) return tn_errorf(TN_NOT_FOUND, "the graph has no function '%.200s'", name);
  char *copy = tn_strndup(function->def, function->size);
  if (!copy) return tn_out_of_memory();
  *out = copy;
  *size = function->size;
  return NULL;
}

tn_error *tn_graph_copy_functions(tn_graph *graph, const tn_graph *from) {
  if (graph->library == from->library) return NULL;
  tn_str text = {0};
  tn_library_write(from->library, &text);
  char *data;
  size_t size;
  TN_TRY(tn_str_take(&text, &data, &size));
  tn_error *error = tn_library_import(graph->library, data, size);
  tn_free(data);
  return error;
}
