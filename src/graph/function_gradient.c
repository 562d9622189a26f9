/* Gradients of functions: another function, which computes the first one again and goes back through it. */
#include <string.h>

#include "base/thread.h"
#include "graph/build.h"
#include "graph/function.h"
#include "graph/gradients.h"

/* The inputs of F that gradients can flow to. */
static size_t trainable(size_t n, const tn_dtype *types, size_t *at) {
  size_t found = 0;
  for (size_t i = 0; i < n; i++) {
    if (tn_dtype_is_floating(types[i]) || tn_dtype_is_complex(types[i])) at[found++] = i;
  }
  return found;
}

typedef struct deriver {
  tn_function *function;
  tn_function_body *body;
  size_t n_xs, n_ys;
  size_t *x, *y; /* the numbers of the inputs and outputs that count */
  tn_output *ys, *xs, *grad_ys, *grads, *inputs;
} deriver;

static tn_error *make_room(deriver *d, tn_arena *arena) {
  const tn_function *f = d->function;
  size_t n = f->n_inputs + f->n_outputs + 1;
  d->x = tn_arena_alloc(arena, n * sizeof *d->x);
  d->y = tn_arena_alloc(arena, n * sizeof *d->y);
  d->xs = tn_arena_alloc(arena, n * sizeof *d->xs);
  d->ys = tn_arena_alloc(arena, n * sizeof *d->ys);
  d->grad_ys = tn_arena_alloc(arena, n * sizeof *d->grad_ys);
  d->grads = tn_arena_alloc(arena, n * sizeof *d->grads);
  d->inputs = tn_arena_alloc(arena, n * sizeof *d->inputs);
  if (!d->x || !d->y || !d->xs || !d->ys || !d->grad_ys || !d->grads || !d->inputs) return tn_out_of_memory();
  d->n_xs = trainable(f->n_inputs, f->input_types, d->x);
  d->n_ys = trainable(f->n_outputs, f->output_types, d->y);
  return NULL;
}

static tn_error *build(deriver *d) {
  const tn_function *f = d->function;
  tn_function_body *body = d->body;
  memcpy(d->inputs, body->args, f->n_inputs * sizeof *d->inputs);
  for (size_t i = 0; i < d->n_xs; i++) d->xs[i] = body->args[d->x[i]];
  for (size_t i = 0; i < d->n_ys; i++) {
    d->ys[i] = body->rets[d->y[i]];
    tn_node_builder *b = tn_node_begin(body->graph, "Placeholder", "gradient_of_result");
    tn_node_attr_type(b, "dtype", f->output_types[d->y[i]]);
    tn_node_attr_shape(b, "shape", &d->ys[i].node->output_shapes[d->ys[i].index]);
    tn_node *made = NULL;
    TN_TRY(tn_node_finish(b, &made));
    d->grad_ys[i] = d->inputs[f->n_inputs + i] = (tn_output){made, 0};
  }
  TN_TRY(tn_graph_gradients(body->graph, d->n_ys, d->ys, d->n_xs, d->xs, d->grad_ys, d->grads));
  tn_scope s = {.graph = body->graph};
  for (size_t i = 0; i < d->n_xs; i++) {
    if (!d->grads[i].node) d->grads[i] = tn_build1(&s, "ZerosLike", d->xs[i]);
  }
  return s.error;
}

static tn_error *derive(deriver *d, const char *name) {
  TN_TRY(build(d));
  char *def;
  size_t size;
  tn_function_spec spec = {.name = name,
                           .body = d->body->graph,
                           .n_inputs = d->function->n_inputs + d->n_ys,
                           .n_outputs = d->n_xs,
                           .inputs = d->inputs,
                           .outputs = d->grads,
                           .only_needed = true};
  TN_TRY(tn_function_to_def(&spec, &def, &size));
  tn_error *error = tn_library_add(d->function->library, def, size);
  tn_free(def);
  return error;
}

tn_error *tn_function_gradient(tn_function *f, tn_function **out) {
  tn_arena *arena = NULL;
  TN_TRY(tn_arena_new(&arena));
  tn_str name = {0};
  tn_str_addf(&name, "__gradient_of_%s", f->name);
  deriver d = {.function = f};
  tn_error *error = name.failed ? tn_out_of_memory() : NULL;
  const char *known = f->gradient ? f->gradient : name.data;
  tn_function *found = error ? NULL : tn_library_find(f->library, known);
  if (!error && !found) {
    error = tn_function_new_body(f, &d.body);
    if (!error) error = make_room(&d, arena);
    if (!error) error = derive(&d, name.data);
    if (!error) found = tn_library_find(f->library, name.data);
  }
  tn_function_body_free(d.body);
  tn_str_clear(&name);
  tn_arena_free(arena);
  if (!error && !found) error = tn_errorf(TN_INTERNAL, "the gradient of function '%.200s' is missing", f->name);
  if (!error) *out = found;
  return error;
}

/* Why NODE, of a function's body, can't run once more without harm; NULL: it can. */
static const char *harm(const tn_node *node, bool changes) {
  if ((node->op->flags & TN_OP_STATEFUL) && tn_node_attr(node, "seed")) return "draws random numbers";
  bool passes_on = node->op->flags & (TN_OP_READ_ONLY | TN_OP_CALLS);
  if (!changes || passes_on || strncmp(node->op->name, "TensorArray", 11) == 0) return NULL;
  for (int i = 0; i < node->n_inputs; i++) {
    if (tn_dtype_is_ref(node->input_types[i])) return "changes a variable";
    if (node->input_types[i] == TN_RESOURCE) return "changes a resource";
  }
  return NULL;
}

static tn_error *check_again(tn_function *f, const tn_node *caller, bool changes, int depth);

/* The same for the functions that attribute ATTR of a node of F's body names. */
static tn_error *check_called(const tn_function *f, const tn_attr *attr, const tn_node *caller, bool changes,
                              int depth) {
  enum { DEEPEST = 16 }; /* a function that calls itself ends here */
  if (attr->kind != TN_ATTR_FUNC || depth >= DEEPEST) return NULL;
  for (size_t i = 0; i < (attr->is_list ? attr->n : 1); i++) {
    tn_string name = attr->is_list ? attr->strings[i] : attr->string;
    tn_function *inner = name.size ? tn_library_find(f->library, name.data) : NULL;
    if (inner) TN_TRY(check_again(inner, caller, changes, depth + 1));
  }
  return NULL;
}

static tn_error *check_again(tn_function *f, const tn_node *caller, bool changes, int depth) {
  const tn_function_body *body = NULL;
  TN_TRY(tn_function_get_body(f, &body));
  for (size_t i = 0, n = tn_graph_n_nodes(body->graph); i < n; i++) {
    const tn_node *node = tn_graph_node(body->graph, i);
    const char *what = harm(node, changes);
    if (what) {
      return tn_node_errorf(caller, TN_UNIMPLEMENTED,
                            "its gradient would compute function '%.200s' again, in which '%s' (%s) %s", f->name,
                            node->name, node->op->name, what);
    }
    for (int k = 0; k < node->n_attrs; k++) TN_TRY(check_called(f, &node->attrs[k].value, caller, changes, depth));
  }
  return NULL;
}

tn_error *tn_function_check_again(tn_function *f, const tn_node *caller, bool changes) {
  return check_again(f, caller, changes, 0);
}

/* The types of the N given inputs or gradients, as an attribute. */
static tn_named_attr type_list(const char *name, size_t n, tn_dtype *types) {
  return (tn_named_attr){name, {.kind = TN_ATTR_TYPE, .is_list = true, .n = n, .types = types}};
}

/* A given gradient function has gradients of all inputs as results; ours has those of the trainable ones. */
static tn_error *call_gradient(tn_gradient_ctx *c, tn_function *f, tn_function *g, tn_arena *arena) {
  size_t room = f->n_inputs + f->n_outputs + 1, n = 0;
  size_t *at = tn_arena_alloc(arena, room * sizeof *at);
  tn_output *inputs = tn_arena_alloc(arena, room * sizeof *inputs);
  if (!at || !inputs) return tn_out_of_memory();
  bool given = f->gradient != NULL;
  for (size_t i = 0; i < f->n_inputs; i++) inputs[n++] = tn_grad_x(c, (int)i);
  size_t n_ys = trainable(f->n_outputs, f->output_types, at);
  for (size_t i = 0; i < (given ? f->n_outputs : n_ys); i++) inputs[n++] = tn_grad_dense(c, (int)(given ? i : at[i]));
  inputs[n] = TN_END;
  if (c->scope->error || n != g->n_inputs) {
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "the gradient function '%s' does not fit", g->name);
  }
  const char *op = g->stateful ? "StatefulPartitionedCall" : "PartitionedCall";
  tn_named_attr attrs[] = {type_list("Tin", g->n_inputs, g->input_types),
                           type_list("Tout", g->n_outputs, g->output_types),
                           {"f", {.kind = TN_ATTR_FUNC, .string = {(char *)g->name, strlen(g->name)}}},
                           {NULL, {0}}};
  tn_output call = tn_build(c->scope, op, inputs, attrs);
  size_t n_xs = trainable(f->n_inputs, f->input_types, at);
  for (size_t i = 0; i < n_xs && call.node; i++) {
    size_t from = given ? at[i] : i;
    if (from >= g->n_outputs) break;
    tn_output value = tn_nth(call, (int)from);
    tn_output x = tn_grad_x(c, (int)at[i]);
    value.node->output_shapes[from] = x.node->output_shapes[x.index];
    tn_grad_set(c, (int)at[i], value);
  }
  return NULL;
}

tn_error *tn_grad_call(tn_gradient_ctx *c) {
  tn_function *f = NULL, *g = NULL;
  TN_TRY(tn_node_callee(c->node, &f));
  TN_TRY(tn_function_gradient(f, &g));
  if (!f->gradient) TN_TRY(tn_function_check_again(g, c->node, false));
  tn_arena *arena = NULL;
  TN_TRY(tn_arena_new(&arena));
  tn_error *error = call_gradient(c, f, g, arena);
  tn_arena_free(arena);
  return error;
}
