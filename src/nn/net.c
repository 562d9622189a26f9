/* Networks: what a graph under construction carries along, and building nodes with the names that TensorFlow gives. */
#include "nn/net.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "graph/graph_internal.h"

tn_error *tn_net_new(tn_graph *graph, tn_net **out) {
  tn_net *net = tn_calloc(1, sizeof *net);
  if (!net) return tn_out_of_memory();
  net->graph = graph;
  net->scope.graph = graph;
  tn_error *error = tn_map_new(&net->by_name);
  if (!error) error = tn_map_new(&net->average_of);
  if (!error) error = tn_map_new(&net->layer_counts);
  if (error) {
    tn_net_free(net);
    return error;
  }
  *out = net;
  return NULL;
}

void tn_net_free(tn_net *net) {
  if (!net) return;
  tn_error_free(net->scope.error);
  tn_map_free(net->by_name);
  tn_map_free(net->average_of);
  tn_map_free(net->layer_counts);
  tn_free(net->variables);
  tn_free(net->updates.items);
  tn_free(net->penalties.items);
  tn_net_parameter_servers(net, NULL, 0, false);
  tn_free(net);
}

tn_graph *tn_net_graph(const tn_net *net) { return net->graph; }
const tn_error *tn_net_error(const tn_net *net) { return net->scope.error; }
void tn_net_set_training(tn_net *net, bool training) { net->training = training; }

/* Builders return early from then on, so that the scopes that they opened are closed here. */
void tn_net_fail(tn_net *net, tn_error *error) {
  if (net->scope.error) {
    tn_error_free(error);
    return;
  }
  net->scope.error = error;
  for (; net->depth > 0; net->depth--) tn_graph_pop_name_scope(net->graph);
}

void tn_net_failf(tn_net *net, tn_code code, const char *format, ...) {
  va_list arguments;
  char text[512];
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  tn_net_fail(net, tn_errorf(code, "%s", text));
}

void tn_net_reuse(tn_net *net, bool averages) {
  tn_map *fresh;
  tn_error *error = tn_map_new(&fresh);
  if (error) {
    tn_net_fail(net, error);
    return;
  }
  tn_map_free(net->layer_counts);
  net->layer_counts = fresh;
  net->reuse = true;
  net->averages = averages;
}

/* --- nodes --- */

/* The innermost name scope with the '/' at its end that makes a name absolute. */
static tn_error *scope_as_name(const tn_graph *graph, char **out) {
  tn_str text = {0};
  const char *scope = graph->n_name_scopes > 0 ? graph->name_scopes[graph->n_name_scopes - 1] : "";
  tn_str_addf(&text, "%s/", scope[0] ? scope : "scope");
  return tn_str_take(&text, out, NULL);
}

tn_output tn_net_op(tn_net *net, const char *op, const char *name, const tn_output *inputs,
                    const tn_named_attr *attrs) {
  if (tn_net_failed(net)) return TN_NONE;
  char *scope = NULL;
  if (name && !strcmp(name, TN_AS_SCOPE)) {
    tn_error *error = scope_as_name(net->graph, &scope);
    if (error) tn_net_fail(net, error);
    if (error) return TN_NONE;
  }
  tn_node_builder *b = tn_node_begin(net->graph, op, scope ? scope : name ? name : op);
  tn_free(scope);
  for (; b && inputs->index != -2; inputs++) tn_node_input(b, *inputs);
  for (; b && attrs && attrs->name; attrs++) tn_builder_attr(b, attrs->name, &attrs->value);
  tn_node *node = NULL;
  tn_error *error = tn_node_finish(b, &node);
  if (error) {
    tn_net_fail(net, error);
    return TN_NONE;
  }
  return (tn_output){node, tn_node_n_outputs(node) > 0 ? 0 : -1};
}

/* Names the constant that VALUE is; takes VALUE over. */
static tn_output constant(tn_net *net, const char *name, tn_tensor *value) {
  tn_output out = tn_net_op(
      net, "Const", name, TN_NO_INPUTS,
      TN_ATTRS(TN_A_TYPE("dtype", tn_tensor_dtype(value)), {"value", {.kind = TN_ATTR_TENSOR, .tensor = value}}));
  tn_tensor_free(value);
  return out;
}

static bool set_number(tn_tensor *tensor, double value) {
  void *data = tn_tensor_data(tensor);
  switch (tn_tensor_dtype(tensor)) {
  case TN_FLOAT: *(float *)data = (float)value; return true;
  case TN_DOUBLE: *(double *)data = value; return true;
  case TN_INT32: *(int32_t *)data = (int32_t)value; return true;
  case TN_INT64: *(int64_t *)data = (int64_t)value; return true;
  case TN_BOOL: *(bool *)data = value != 0; return true;
  case TN_HALF: *(uint16_t *)data = tn_float_to_half((float)value); return true;
  case TN_BFLOAT16: *(uint16_t *)data = tn_float_to_bfloat16((float)value); return true;
  default: return false;
  }
}

tn_output tn_net_scalar(tn_net *net, const char *name, tn_dtype dtype, double value) {
  if (tn_net_failed(net)) return TN_NONE;
  tn_tensor *tensor = NULL;
  tn_error *error = tn_tensor_new(tn_dtype_base(dtype), 0, NULL, &tensor);
  if (!error && !set_number(tensor, value)) {
    error = tn_errorf(TN_INVALID_ARGUMENT, "%s: a network has no constants of type %s", name, tn_dtype_name(dtype));
  }
  if (error) {
    tn_tensor_free(tensor);
    tn_net_fail(net, error);
    return TN_NONE;
  }
  return constant(net, name, tensor);
}

tn_output tn_net_ints(tn_net *net, const char *name, int n, const int64_t *values) {
  if (tn_net_failed(net)) return TN_NONE;
  tn_tensor *tensor;
  int64_t size = n;
  tn_error *error = tn_tensor_new(TN_INT32, 1, &size, &tensor);
  if (error) {
    tn_net_fail(net, error);
    return TN_NONE;
  }
  for (int i = 0; i < n; i++) ((int32_t *)tn_tensor_data(tensor))[i] = (int32_t)values[i];
  return constant(net, name, tensor);
}

void tn_net_push(tn_net *net, const char *name) {
  if (tn_net_failed(net)) return;
  tn_error *error = tn_graph_push_name_scope(net->graph, name);
  if (error) {
    tn_net_fail(net, error);
  } else {
    net->depth++;
  }
}

void tn_net_pop(tn_net *net) {
  if (tn_net_failed(net)) return;
  tn_graph_pop_name_scope(net->graph);
  net->depth--;
}

void tn_net_append(tn_net *net, tn_output_list *list, tn_output item) {
  if (list->n == list->capacity) {
    size_t capacity = list->capacity ? 2 * list->capacity : 8;
    tn_output *larger = tn_realloc(list->items, capacity * sizeof *larger);
    if (!larger) {
      tn_net_fail(net, tn_out_of_memory());
      return;
    }
    list->items = larger;
    list->capacity = capacity;
  }
  list->items[list->n++] = item;
}

void tn_net_add_update(tn_net *net, tn_node *node) { tn_net_append(net, &net->updates, (tn_output){node, -1}); }

void tn_net_add_penalty(tn_net *net, tn_output penalty) {
  if (!tn_net_failed(net)) tn_net_append(net, &net->penalties, penalty);
}
