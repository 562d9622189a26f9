/* FunctionDef out: a graph from some inputs to some outputs, as TensorFlow writes it. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "graph/function.h"
#include "graph/graph_internal.h"
#include "graph/proto.h"

typedef struct writer {
  const tn_function_spec *spec;
  tn_arena *arena;
  const char **inputs, **outputs; /* the arguments' names */
  uint8_t *left_out;              /* per node; NULL: all are written */
  tn_str text;
} writer;

static int input_at(const writer *w, const tn_output *value) {
  for (size_t i = 0; i < w->spec->n_inputs; i++) {
    if (w->spec->inputs[i].node == value->node && w->spec->inputs[i].index == value->index) return (int)i;
  }
  return -1;
}

static bool is_input(const writer *w, const tn_node *node) {
  for (size_t i = 0; i < w->spec->n_inputs; i++) {
    if (w->spec->inputs[i].node == node) return true;
  }
  return false;
}

/* "name", "name:argument:0": an input is called by its argument's name. */
static void value_text(void *state, const tn_output *value, tn_str *text) {
  const writer *w = state;
  if (value->index < 0) {
    tn_str_addf(text, "^%s", value->node->name);
    return;
  }
  int at = input_at(w, value), first = 0;
  if (at >= 0) {
    tn_str_add(text, w->inputs[at]);
    return;
  }
  const tn_node *node = value->node;
  for (int i = 0; i < node->schema->n_outputs; i++) {
    const tn_arg_def *arg = &node->schema->outputs[i];
    int count = tn_node_arg_count(node, arg);
    if (value->index < first + count) {
      tn_str_addf(text, "%s:%s:%d", node->name, arg->name, value->index - first);
      return;
    }
    first += count;
  }
}

/* --- names of arguments: small letters, digits and '_', not one of another argument, nor a node's --- */

static bool taken(const writer *w, const char *name, const char **names, size_t n, const tn_node *own) {
  const tn_node *node = tn_graph_find(w->spec->body, name);
  if (node && node != own) return true;
  for (size_t i = 0; i < n; i++) {
    if (strcmp(names[i], name) == 0) return true;
  }
  return false;
}

static tn_error *choose(writer *w, const char *wish, const char **names, size_t n, const tn_node *own) {
  const char *slash = strrchr(wish, '/');
  size_t size = strlen(slash ? slash + 1 : wish);
  char *name = tn_arena_alloc(w->arena, size + 32);
  if (!name) return tn_out_of_memory();
  size_t at = 0;
  if (!isalpha((unsigned char)(slash ? slash[1] : wish[0]))) name[at++] = 'x';
  for (const char *p = slash ? slash + 1 : wish; *p; p++) {
    name[at++] = isalnum((unsigned char)*p) ? (char)tolower((unsigned char)*p) : '_';
  }
  for (int k = 1; taken(w, name, names, n, own); k++) snprintf(name + at, 24, "_%d", k);
  names[n] = name;
  return NULL;
}

static tn_error *choose_names(writer *w) {
  const tn_function_spec *spec = w->spec;
  w->inputs = tn_arena_alloc(w->arena, (spec->n_inputs + 1) * sizeof *w->inputs);
  w->outputs = tn_arena_alloc(w->arena, (spec->n_outputs + 1) * sizeof *w->outputs);
  if (!w->inputs || !w->outputs) return tn_out_of_memory();
  for (size_t i = 0; i < spec->n_inputs; i++) {
    TN_TRY(choose(w, spec->inputs[i].node->name, w->inputs, i, spec->inputs[i].node));
  }
  for (size_t i = 0; i < spec->n_outputs; i++) {
    const tn_node *node = spec->outputs[i].node;
    TN_TRY(choose(w, spec->output_names ? spec->output_names[i] : node->name, w->outputs, i, node));
  }
  return NULL;
}

/* --- the message --- */

static void put_args(writer *w, uint32_t number, size_t n, const tn_output *values, const char **names) {
  for (size_t i = 0; i < n; i++) {
    size_t mark = tn_proto_begin(&w->text, number);
    tn_proto_put_string(&w->text, 1, names[i]);
    tn_wire_put_int(&w->text, 3, tn_dtype_base(values[i].node->output_types[values[i].index]));
    tn_proto_end(&w->text, mark);
  }
}

static void put_pair(writer *w, uint32_t number, const char *key, const char *value) {
  size_t mark = tn_proto_begin(&w->text, number);
  tn_proto_put_string(&w->text, 1, key);
  tn_proto_put_string(&w->text, 2, value);
  tn_proto_end(&w->text, mark);
}

static bool writes(const writer *w, const tn_node *node) {
  return !is_input(w, node) && !(w->left_out && w->left_out[node->id]);
}

static bool stateful(const writer *w) {
  const tn_graph *body = w->spec->body;
  for (size_t i = 0, n = tn_graph_n_nodes(body); i < n; i++) {
    const tn_node *node = tn_graph_node(body, i);
    if (writes(w, node) && (node->op->flags & TN_OP_STATEFUL)) return true;
  }
  return false;
}

static void put_signature(writer *w) {
  const tn_function_spec *spec = w->spec;
  size_t mark = tn_proto_begin(&w->text, 1);
  tn_proto_put_string(&w->text, 1, spec->name);
  put_args(w, 2, spec->n_inputs, spec->inputs, w->inputs);
  put_args(w, 3, spec->n_outputs, spec->outputs, w->outputs);
  if (stateful(w)) tn_wire_put_int(&w->text, 17, 1);
  for (size_t i = 0; i < spec->n_controls; i++) tn_proto_put_string(&w->text, 20, spec->controls[i]->name);
  tn_proto_end(&w->text, mark);
}

/* The static shapes of the arguments, as TensorFlow keeps them: {index: {"_output_shapes": [shape]}}. */
static void put_shapes(writer *w) {
  for (size_t i = 0; i < w->spec->n_inputs; i++) {
    tn_output input = w->spec->inputs[i];
    const tn_shape *shape = &input.node->output_shapes[input.index];
    size_t entry = tn_proto_begin(&w->text, 7);
    tn_wire_put_int(&w->text, 1, (int64_t)i);
    size_t attrs = tn_proto_begin(&w->text, 2), attr = tn_proto_begin(&w->text, 1);
    tn_proto_put_string(&w->text, 1, "_output_shapes");
    size_t value = tn_proto_begin(&w->text, 2), list = tn_proto_begin(&w->text, 1);
    tn_proto_put_shape(&w->text, 7, shape);
    tn_proto_end(&w->text, list);
    tn_proto_end(&w->text, value);
    tn_proto_end(&w->text, attr);
    tn_proto_end(&w->text, attrs);
    tn_proto_end(&w->text, entry);
  }
}

static tn_error *put_all(writer *w) {
  const tn_function_spec *spec = w->spec;
  put_signature(w);
  for (size_t i = 0, n = tn_graph_n_nodes(spec->body); i < n; i++) {
    const tn_node *node = tn_graph_node(spec->body, i);
    if (!writes(w, node)) continue;
    size_t mark = tn_proto_begin(&w->text, 3);
    TN_TRY(tn_proto_node_with(&w->text, node, value_text, w));
    tn_proto_end(&w->text, mark);
  }
  for (size_t i = 0; i < spec->n_outputs; i++) {
    tn_str value = {0};
    value_text(w, &spec->outputs[i], &value);
    if (!value.failed) put_pair(w, 4, w->outputs[i], value.data);
    w->text.failed |= value.failed;
    tn_str_clear(&value);
  }
  for (size_t i = 0; i < spec->n_controls; i++) put_pair(w, 6, spec->controls[i]->name, spec->controls[i]->name);
  put_shapes(w);
  return NULL;
}

/* Finds what is left out of a function that holds only what is needed. */
static tn_error *find_needed(writer *w) {
  const tn_function_spec *spec = w->spec;
  size_t n = tn_graph_n_nodes(spec->body), n_found = 0;
  tn_node **found = tn_arena_alloc(w->arena, (n + 1) * sizeof *found);
  w->left_out = tn_arena_alloc(w->arena, n + 1);
  if (!found || !w->left_out) return tn_out_of_memory();
  memset(w->left_out, 1, n);
  for (size_t i = 0; i < spec->n_outputs + spec->n_controls; i++) {
    tn_node *node = i < spec->n_outputs ? spec->outputs[i].node : spec->controls[i - spec->n_outputs];
    if (w->left_out[node->id]) found[n_found++] = node;
    w->left_out[node->id] = 0;
  }
  while (n_found > 0) {
    const tn_node *node = found[--n_found];
    for (int i = 0; i < node->n_inputs + node->n_controls; i++) {
      tn_node *from = i < node->n_inputs ? node->inputs[i].node : node->controls[i - node->n_inputs];
      if (!w->left_out[from->id]) continue;
      w->left_out[from->id] = 0;
      found[n_found++] = from;
    }
  }
  return NULL;
}

static tn_error *check(const tn_function_spec *spec) {
  for (size_t i = 0; i < spec->n_inputs + spec->n_outputs; i++) {
    tn_output value = i < spec->n_inputs ? spec->inputs[i] : spec->outputs[i - spec->n_inputs];
    bool here =
        value.node && value.node->graph == spec->body && value.index >= 0 && value.index < value.node->n_outputs;
    if (here) continue;
    return tn_errorf(TN_INVALID_ARGUMENT, "function '%.200s': its %s %zu is no tensor of the body", spec->name,
                     i < spec->n_inputs ? "input" : "output", i < spec->n_inputs ? i : i - spec->n_inputs);
  }
  for (size_t i = 0; i < spec->n_inputs; i++) {
    if (spec->inputs[i].node->n_outputs == 1 && spec->inputs[i].node->n_inputs == 0) continue;
    return tn_node_errorf(spec->inputs[i].node, TN_INVALID_ARGUMENT,
                          "only a placeholder can be an argument of '%.200s'", spec->name);
  }
  for (size_t i = 0; i < spec->n_controls; i++) {
    if (spec->controls[i] && spec->controls[i]->graph == spec->body) continue;
    return tn_errorf(TN_INVALID_ARGUMENT, "function '%.200s': its control output %zu is not in the body", spec->name,
                     i);
  }
  return NULL;
}

tn_error *tn_function_to_def(const tn_function_spec *spec, char **out, size_t *size) {
  if (!spec->name || !spec->name[0]) return tn_errorf(TN_INVALID_ARGUMENT, "a function needs a name");
  TN_TRY(check(spec));
  writer w = {.spec = spec};
  TN_TRY(tn_arena_new(&w.arena));
  tn_graph_lock(spec->body);
  tn_error *error = spec->only_needed ? find_needed(&w) : NULL;
  if (!error) error = choose_names(&w);
  if (!error) error = put_all(&w);
  tn_graph_unlock(spec->body);
  tn_arena_free(w.arena);
  if (error) {
    tn_str_clear(&w.text);
    return error;
  }
  return tn_str_take(&w.text, out, size);
}
