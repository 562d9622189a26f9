/* FunctionDef in: the signature, and the body as a graph. */
#include <string.h>

#include "base/str.h"
#include "graph/function.h"
#include "graph/graph_def_in.h"

/* The strings and messages of a map's entry. */
typedef struct entry {
  const char *key;
  uint64_t number; /* of a key that is one */
  tn_wire_field value;
} entry;

static tn_error *read_entry(tn_arena *arena, const tn_wire_field *field, entry *out) {
  TN_TRY(tn_proto_check(field, TN_WIRE_BYTES));
  *out = (entry){.key = "", .value = {.data = ""}};
  tn_wire_in in = tn_wire_bytes(field->data, field->size);
  tn_wire_field part;
  for (bool more;;) {
    TN_TRY(tn_proto_next(&in, &part, &more));
    if (!more) return NULL;
    if (part.number == 1 && part.type == TN_WIRE_BYTES) {
      out->key = tn_arena_strndup(arena, part.data, part.size);
      if (!out->key) return tn_out_of_memory();
    } else if (part.number == 1) {
      out->number = part.value;
    } else if (part.number == 2) {
      out->value = part;
    }
  }
}

/* --- the signature --- */

static tn_error *read_arg(tn_arena *arena, const tn_wire_field *bytes, tn_arg_def *out) {
  TN_TRY(tn_proto_check(bytes, TN_WIRE_BYTES));
  tn_wire_in in = tn_wire_bytes(bytes->data, bytes->size);
  tn_wire_field field;
  *out = (tn_arg_def){.name = ""};
  for (bool more;;) {
    TN_TRY(tn_proto_next(&in, &field, &more));
    if (!more) break;
    if (field.number == 1 && field.type == TN_WIRE_BYTES) {
      out->name = tn_arena_strndup(arena, field.data, field.size);
      if (!out->name) return tn_out_of_memory();
    } else if (field.number == 3 && field.type == TN_WIRE_VARINT) {
      out->type = field.value < TN_N_DTYPES ? (tn_dtype)field.value : TN_INVALID;
    } else if (field.number >= 4 && field.number <= 6 && field.size > 0) {
      return tn_errorf(TN_UNIMPLEMENTED, "its argument '%.100s' has a type or length that is an attribute", out->name);
    }
  }
  if (out->type != TN_INVALID) return NULL;
  return tn_errorf(TN_INVALID_ARGUMENT, "its argument '%.100s' has no dtype", out->name);
}

static tn_error *add_arg(tn_arena *arena, const tn_wire_field *field, tn_arg_def **args, int *n, size_t *capacity) {
  tn_arg_def *more = tn_arena_room(arena, *args, (size_t)*n, capacity, sizeof **args);
  if (!more) return tn_out_of_memory();
  *args = more;
  TN_TRY(read_arg(arena, field, &more[*n]));
  ++*n;
  return NULL;
}

static tn_error *read_op(tn_arena *arena, const tn_wire_field *bytes, tn_function *f) {
  tn_wire_in in = tn_wire_bytes(bytes->data, bytes->size);
  tn_wire_field field;
  tn_op_schema *schema = &f->schema;
  size_t inputs = 0, outputs = 0;
  for (bool more;;) {
    TN_TRY(tn_proto_next(&in, &field, &more));
    if (!more) return NULL;
    if (field.number == 1 && field.type == TN_WIRE_BYTES) {
      f->name = tn_arena_strndup(arena, field.data, field.size);
      if (!f->name) return tn_out_of_memory();
    }
    if (field.number == 2) TN_TRY(add_arg(arena, &field, &schema->inputs, &schema->n_inputs, &inputs));
    if (field.number == 3) TN_TRY(add_arg(arena, &field, &schema->outputs, &schema->n_outputs, &outputs));
    if (field.number == 17 && field.type == TN_WIRE_VARINT) f->stateful = field.value != 0;
  }
}

static tn_error *types_of(tn_arena *arena, const tn_arg_def *args, int n, tn_dtype **out) {
  *out = tn_arena_alloc(arena, ((size_t)n + 1) * sizeof **out);
  if (!*out) return tn_out_of_memory();
  for (int i = 0; i < n; i++) (*out)[i] = args[i].type;
  return NULL;
}

static tn_error *find_signature(const tn_function *f, tn_wire_field *out) {
  tn_wire_in in = tn_wire_bytes(f->def, f->size);
  tn_wire_field field;
  *out = (tn_wire_field){.data = ""};
  for (bool more;;) {
    TN_TRY(tn_proto_next(&in, &field, &more));
    if (!more) return NULL;
    if (field.number != 1) continue;
    TN_TRY(tn_proto_check(&field, TN_WIRE_BYTES));
    *out = field;
  }
}

tn_error *tn_function_read_signature(tn_arena *arena, tn_function *f) {
  tn_wire_field signature;
  TN_TRY(find_signature(f, &signature));
  f->name = "";
  TN_TRY(tn_error_context(read_op(arena, &signature, f), "function '%.200s'", f->name));
  if (!f->name[0]) return tn_errorf(TN_INVALID_ARGUMENT, "a function has no name");
  f->n_inputs = (size_t)f->schema.n_inputs;
  f->n_outputs = (size_t)f->schema.n_outputs;
  TN_TRY(types_of(arena, f->schema.inputs, f->schema.n_inputs, &f->input_types));
  TN_TRY(types_of(arena, f->schema.outputs, f->schema.n_outputs, &f->output_types));
  const tn_op_def *call = tn_op_find(f->stateful ? "StatefulPartitionedCall" : "PartitionedCall");
  f->op = (tn_op_def){.name = f->name, .doc = "Calls a function of the graph's library."};
  if (!call) return NULL;
  f->op.flags = call->flags;
  f->op.shape = call->shape;
  f->op.gradient = call->gradient;
  f->op.kernels = call->kernels;
  return NULL;
}

/* --- the body --- */

typedef struct reader {
  tn_function *function;
  tn_arena *arena;
  tn_import import;
  entry *rets, *controls, *arg_attrs;
  size_t n_rets, n_controls, n_arg_attrs;
  size_t ret_capacity, control_capacity, arg_capacity;
} reader;

static tn_error *keep(reader *r, const tn_wire_field *field, entry **list, size_t *n, size_t *capacity) {
  entry *more = tn_arena_room(r->arena, *list, *n, capacity, sizeof **list);
  if (!more) return tn_out_of_memory();
  *list = more;
  TN_TRY(read_entry(r->arena, field, &more[*n]));
  ++*n;
  return NULL;
}

static tn_error *read_def(reader *r) {
  tn_wire_in in = tn_wire_bytes(r->function->def, r->function->size);
  tn_wire_field field;
  for (bool more;;) {
    TN_TRY(tn_proto_next(&in, &field, &more));
    if (!more) return NULL;
    switch (field.number) {
    case 3: TN_TRY(tn_import_read_node(&r->import, &field)); break;
    case 4: TN_TRY(keep(r, &field, &r->rets, &r->n_rets, &r->ret_capacity)); break;
    case 6: TN_TRY(keep(r, &field, &r->controls, &r->n_controls, &r->control_capacity)); break;
    case 7: TN_TRY(keep(r, &field, &r->arg_attrs, &r->n_arg_attrs, &r->arg_capacity)); break;
    default: break;
    }
  }
}

/* What the writer knew of argument I's shape: the attribute _output_shapes. */
static tn_error *arg_shape(const reader *r, size_t i, tn_shape *out) {
  *out = tn_shape_unknown();
  for (size_t k = 0; k < r->n_arg_attrs; k++) {
    const entry *e = &r->arg_attrs[k];
    if (e->number != i) continue;
    tn_wire_in in = tn_wire_bytes(e->value.data, e->value.size);
    tn_wire_field field;
    for (bool more;;) {
      TN_TRY(tn_proto_next(&in, &field, &more));
      if (!more) break;
      entry attr;
      if (field.number != 1) continue;
      TN_TRY(read_entry(r->arena, &field, &attr));
      if (strcmp(attr.key, "_output_shapes") != 0) continue;
      tn_attr value;
      TN_TRY(tn_proto_get_attr(attr.value.data, attr.value.size, &value));
      if (value.kind == TN_ATTR_SHAPE && value.is_list && value.n == 1) *out = value.shapes[0];
      if (value.kind == TN_ATTR_SHAPE && !value.is_list) *out = value.shape;
      tn_attr_clear(&value);
    }
  }
  return NULL;
}

static tn_error *add_args(reader *r, tn_function_body *body) {
  const tn_function *f = r->function;
  for (size_t i = 0; i < f->n_inputs; i++) {
    tn_shape shape;
    TN_TRY(arg_shape(r, i, &shape));
    /* A node may have the name of an argument. */
    const char *name = f->schema.inputs[i].name;
    tn_str text = {0};
    tn_str_addf(&text, "%s%s/", tn_map_find(r->import.names, name) ? "arg__" : "", name);
    if (text.failed) return tn_out_of_memory();
    tn_node_builder *b = tn_node_begin(body->graph, "Placeholder", text.data);
    tn_str_clear(&text);
    tn_node_attr_type(b, "dtype", f->input_types[i]);
    tn_node_attr_shape(b, "shape", &shape);
    body->args[i] = (tn_output){NULL, 0};
    TN_TRY(tn_node_finish(b, &body->args[i].node));
  }
  return NULL;
}

/* The tensor that RET names: "node:argument:0" or an argument of the function. */
static tn_error *find_ret(const reader *r, const tn_function_body *body, const tn_wire_field *ret, tn_output *out) {
  tn_import_edge edge = {.from = -1};
  char *text = tn_arena_strndup(r->arena, ret->data, ret->size);
  if (!text) return tn_out_of_memory();
  char *first = strchr(text, ':'), *last = strrchr(text, ':');
  if (first) *first = 0;
  uintptr_t node = (uintptr_t)tn_map_find(r->import.names, text);
  for (size_t i = 0; !first && i < r->function->n_inputs; i++) {
    if (strcmp(text, r->function->schema.inputs[i].name) != 0) continue;
    *out = body->args[i];
    return NULL;
  }
  if (!node || !first || first == last) {
    return tn_errorf(TN_INVALID_ARGUMENT, "its result '%.*s' does not exist", (int)(ret->size < 200 ? ret->size : 200),
                     ret->data);
  }
  *last = 0;
  edge.from = (int)(node - 1);
  edge.arg = first + 1;
  edge.text = text;
  for (const char *p = last + 1; *p >= '0' && *p <= '9' && edge.index < 100000000; p++) {
    edge.index = edge.index * 10 + (*p - '0');
  }
  return tn_import_output(&r->import, &edge, out);
}

static tn_error *find_rets(const reader *r, tn_function_body *body) {
  const tn_function *f = r->function;
  for (size_t i = 0; i < f->n_outputs; i++) {
    const entry *found = NULL;
    for (size_t k = 0; k < r->n_rets; k++) {
      if (strcmp(r->rets[k].key, f->schema.outputs[i].name) == 0) found = &r->rets[k];
    }
    if (!found) {
      return tn_errorf(TN_INVALID_ARGUMENT, "nothing is given for its result '%.200s'", f->schema.outputs[i].name);
    }
    TN_TRY(find_ret(r, body, &found->value, &body->rets[i]));
    tn_output ret = body->rets[i];
    tn_dtype type = tn_dtype_base(ret.node->output_types[ret.index]);
    if (type == f->output_types[i]) continue;
    return tn_errorf(TN_INVALID_ARGUMENT, "its result '%.200s' is %s; expected %s", f->schema.outputs[i].name,
                     tn_dtype_name(type), tn_dtype_name(f->output_types[i]));
  }
  return NULL;
}

/* True if running NODE changes something. */
static bool acts(const tn_node *node) {
  if (node->op->flags & TN_OP_READ_ONLY) return false;
  for (int i = 0; i < node->n_inputs; i++) {
    if (tn_dtype_is_ref(node->input_types[i])) return true;
  }
  return node->op->flags & TN_OP_STATEFUL;
}

/* What the definition says must run; where it says nothing, all that acts. */
static tn_error *find_targets(const reader *r, tn_function_body *body) {
  size_t n = tn_graph_n_nodes(body->graph);
  body->targets = tn_calloc(n + 1, sizeof(tn_node *));
  if (!body->targets) return tn_out_of_memory();
  for (size_t i = 0; i < r->n_controls; i++) {
    char *name = tn_arena_strndup(r->arena, r->controls[i].value.data, r->controls[i].value.size);
    if (!name) return tn_out_of_memory();
    uintptr_t node = (uintptr_t)tn_map_find(r->import.names, name);
    if (!node) return tn_errorf(TN_INVALID_ARGUMENT, "its control output '%.200s' does not exist", name);
    if (body->n_targets < n) body->targets[body->n_targets++] = r->import.nodes[node - 1].node;
  }
  for (size_t i = 0; r->n_controls == 0 && i < n; i++) {
    tn_node *node = tn_graph_node(body->graph, i);
    if (acts(node)) body->targets[body->n_targets++] = node;
  }
  return NULL;
}

static tn_error *build(reader *r, tn_function_body *body) {
  const tn_function *f = r->function;
  TN_TRY(tn_map_new(&r->import.names));
  TN_TRY(read_def(r));
  body->args = tn_calloc(f->n_inputs + 1, sizeof *body->args);
  body->rets = tn_calloc(f->n_outputs + 1, sizeof *body->rets);
  const char **names = tn_arena_alloc(r->arena, (f->n_inputs + 1) * sizeof *names);
  if (!body->args || !body->rets || !names) return tn_out_of_memory();
  TN_TRY(tn_graph_new_in(f->library, &body->graph));
  TN_TRY(add_args(r, body));
  for (size_t i = 0; i < f->n_inputs; i++) names[i] = f->schema.inputs[i].name;
  tn_import_options options = {.n_inputs = f->n_inputs, .input_names = names, .inputs = body->args};
  r->import.graph = body->graph;
  r->import.options = &options;
  tn_graph_lock(body->graph);
  tn_error *error = tn_import_nodes(&r->import);
  tn_graph_unlock(body->graph);
  r->import.options = NULL;
  if (error) return error;
  TN_TRY(find_rets(r, body));
  TN_TRY(find_targets(r, body));
  return tn_function_windows(body, f->n_outputs);
}

tn_error *tn_function_new_body(tn_function *f, tn_function_body **out) {
  reader r = {.function = f, .import = {.prefix = "", .function = true}};
  tn_function_body *body = tn_calloc(1, sizeof *body);
  if (!body) return tn_out_of_memory();
  tn_error *error = tn_arena_new(&r.arena);
  r.import.arena = r.arena;
  if (!error) error = build(&r, body);
  if (r.import.names) tn_map_free(r.import.names);
  tn_arena_free(r.arena);
  if (error) {
    tn_function_body_free(body);
    return tn_error_context(error, "function '%.200s'", f->name);
  }
  *out = body;
  return NULL;
}
