/* The variables of a network: VariableV2, its first value and the Identity that reads it, as TensorFlow's get_variable
 * makes them. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "nn/net.h"

#define LONGEST_NAME 400

static const tn_net_variable *find(const tn_net *net, const tn_map *map, const char *name) {
  size_t i = (size_t)(uintptr_t)tn_map_find(map, name);
  return i ? &net->variables[i - 1] : NULL;
}

const tn_net_variable *tn_net_find_variable(const tn_net *net, const char *name) {
  return find(net, net->by_name, name);
}

size_t tn_net_n_variables(const tn_net *net) { return net->n_variables; }

const tn_net_variable *tn_net_variable_at(const tn_net *net, size_t i) {
  return i < net->n_variables ? &net->variables[i] : NULL;
}

const tn_net_variable *tn_net_variable_behind(const tn_net *net, tn_output read) {
  for (size_t i = 0; i < net->n_variables; i++) {
    if (net->variables[i].read.node == read.node) return &net->variables[i];
  }
  return NULL;
}

static tn_error *add(tn_net *net, const tn_net_variable *variable) {
  if (net->n_variables == net->variable_capacity) {
    size_t capacity = net->variable_capacity ? 2 * net->variable_capacity : 16;
    tn_net_variable *larger = tn_realloc(net->variables, capacity * sizeof *larger);
    if (!larger) return tn_out_of_memory();
    net->variables = larger;
    net->variable_capacity = capacity;
  }
  net->variables[net->n_variables] = *variable;
  TN_TRY(tn_map_put(net->by_name, variable->name, (void *)(uintptr_t)(net->n_variables + 1)));
  net->n_variables++;
  return NULL;
}

/* Splits "a/b/c" into the scope "a/b/" (or "" for the root) and "c". */
static const char *split_name(const char *name, char scope[LONGEST_NAME + 32]) {
  const char *slash = strrchr(name, '/');
  size_t size = slash ? (size_t)(slash - name) + 1 : 0;
  memcpy(scope, name, size);
  scope[size] = 0;
  return slash ? slash + 1 : name;
}

/* Where a variable is made does not matter: no control scope counts for it. False after an error. */
static bool leave_control(tn_net *net) {
  if (tn_net_failed(net)) return false;
  tn_error *error = tn_graph_push_control(net->graph, 0, NULL);
  if (error) tn_net_fail(net, error);
  return !error;
}

static tn_output make_variable(tn_net *net, const char *name, tn_output value, bool trainable) {
  char scope[LONGEST_NAME + 32], inner[LONGEST_NAME + 32];
  if (strlen(name) > LONGEST_NAME) {
    tn_net_failf(net, TN_INVALID_ARGUMENT, "the name of a variable is longer than %d bytes: %.40s...", LONGEST_NAME,
                 name);
    return TN_NONE;
  }
  if (tn_net_find_variable(net, name)) {
    tn_net_failf(net, TN_ALREADY_EXISTS, "there is a variable '%s' already", name);
    return TN_NONE;
  }
  const char *last = split_name(name, scope);
  tn_shape shape = tn_output_shape(value);
  tn_dtype dtype = tn_dtype_base(tn_output_dtype(value));
  int64_t n_bytes = tn_shape_elements(&shape) * (int64_t)tn_dtype_size(dtype);
  bool on_server = !net->pinned && tn_net_push_server(net, n_bytes);
  tn_net_push(net, scope);
  tn_output ref = tn_net_op(net, "VariableV2", last, TN_NO_INPUTS,
                            TN_ATTRS(TN_A_TYPE("dtype", dtype), {"shape", {.kind = TN_ATTR_SHAPE, .shape = shape}}));
  tn_net_pop(net);
  snprintf(inner, sizeof inner, "%s/", name);
  tn_net_push(net, inner);
  tn_output assign = tn_net_op(net, "Assign", "Assign", TN_IN(ref, value), NULL);
  tn_output read = tn_net_op(net, "Identity", "read", TN_IN(ref), NULL);
  tn_net_pop(net);
  if (on_server) tn_graph_pop_device(net->graph);
  if (tn_net_failed(net)) return TN_NONE;
  if (strcmp(tn_node_name(ref.node), name) != 0) {
    tn_net_failf(net, TN_ALREADY_EXISTS, "the graph has a node '%s' already; a variable was to be called so", name);
    return TN_NONE;
  }
  tn_net_variable made = {tn_node_name(ref.node), ref, read, assign.node, value, trainable};
  tn_error *error = add(net, &made);
  if (error) tn_net_fail(net, error);
  return error ? TN_NONE : read;
}

tn_output tn_net_variable_of(tn_net *net, const char *name, tn_output value, bool trainable) {
  if (!leave_control(net)) return TN_NONE;
  tn_output read = make_variable(net, name, value, trainable);
  tn_graph_pop_control(net->graph);
  return read;
}

tn_output tn_net_variable_new(tn_net *net, const char *name, tn_dtype dtype, const tn_shape *shape,
                              const tn_initializer *initializer, bool trainable) {
  if (tn_net_failed(net)) return TN_NONE;
  const tn_net_variable *known = tn_net_find_variable(net, name);
  if (net->reuse) {
    const tn_net_variable *average = net->averages ? find(net, net->average_of, name) : NULL;
    if (!known) tn_net_failf(net, TN_NOT_FOUND, "there is no variable '%s' to use again", name);
    return average ? average->read : known ? known->read : TN_NONE;
  }
  if (known) {
    tn_net_failf(net, TN_ALREADY_EXISTS, "there is a variable '%s' already", name);
    return TN_NONE;
  }
  if (!tn_shape_known(shape)) {
    tn_net_failf(net, TN_INVALID_ARGUMENT, "variable '%s': its shape %s is not fully known", name, TN_SHAPE_STR(shape));
    return TN_NONE;
  }
  tn_initializer chosen = initializer ? *initializer : (tn_initializer){0};
  if (chosen.kind == TN_INIT_DEFAULT) chosen.kind = TN_INIT_GLOROT_UNIFORM;
  if (!leave_control(net)) return TN_NONE;
  tn_output value = tn_net_initial(net, name, dtype == TN_INVALID ? TN_FLOAT : dtype, shape, &chosen);
  tn_graph_pop_control(net->graph);
  return tn_net_variable_of(net, name, value, trainable);
}

tn_node *tn_net_initializer(tn_net *net) {
  if (tn_net_failed(net)) return NULL;
  tn_node_builder *b = tn_node_begin(net->graph, "NoOp", "init");
  for (size_t i = 0; i < net->n_variables; i++) tn_node_control(b, net->variables[i].initializer);
  tn_node *node = NULL;
  tn_error *error = tn_node_finish(b, &node);
  if (error) tn_net_fail(net, error);
  return node;
}

void tn_net_set_average(tn_net *net, const char *name, const char *average) {
  if (tn_net_failed(net)) return;
  void *index = tn_map_find(net->by_name, average);
  tn_error *error = index ? tn_map_put(net->average_of, name, index) : NULL;
  if (error) tn_net_fail(net, error);
}
