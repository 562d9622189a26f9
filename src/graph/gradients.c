/* Reverse-mode differentiation: the walk from the ys back to the xs, in the order that TensorFlow's gradients have. */
#include "graph/gradients.h"

#include <string.h>

bool tn_node_is(const tn_node *node, const char *op, const char *ref_op) {
  return strcmp(node->op->name, op) == 0 || strcmp(node->op->name, ref_op) == 0;
}

bool tn_dtype_trainable(tn_dtype dtype) {
  dtype = tn_dtype_base(dtype);
  return tn_dtype_is_floating(dtype) || tn_dtype_is_complex(dtype) || dtype == TN_RESOURCE || dtype == TN_VARIANT;
}

tn_error *tn_list_add(tn_gradients *g, tn_node_list *list, tn_node *node) {
  if (list->n == list->capacity) {
    size_t capacity = list->capacity ? 2 * list->capacity : 8;
    tn_node **nodes = tn_arena_alloc(g->arena, capacity * sizeof *nodes);
    if (!nodes) return tn_out_of_memory();
    if (list->n > 0) memcpy(nodes, list->nodes, list->n * sizeof *nodes);
    list->nodes = nodes;
    list->capacity = capacity;
  }
  list->nodes[list->n++] = node;
  return NULL;
}

tn_error *tn_grads_add(tn_gradients *g, tn_output output, const tn_gradient_value *value) {
  tn_grad_list **lists = &g->grads[output.node->id];
  if (!*lists) *lists = tn_arena_alloc(g->arena, (size_t)output.node->n_outputs * sizeof **lists);
  if (!*lists) return tn_out_of_memory();
  tn_grad_list *list = &(*lists)[output.index];
  if (list->n == list->capacity) {
    int capacity = list->capacity ? 2 * list->capacity : 2;
    tn_gradient_value *values = tn_arena_alloc(g->arena, (size_t)capacity * sizeof *values);
    if (!values) return tn_out_of_memory();
    if (list->n > 0) memcpy(values, list->values, (size_t)list->n * sizeof *values);
    list->values = values;
    list->capacity = capacity;
  }
  list->values[list->n++] = *value;
  return NULL;
}

bool tn_grads_any(const tn_gradients *g, const tn_node *node) {
  const tn_grad_list *lists = g->grads[node->id];
  for (int i = 0; lists && i < node->n_outputs; i++) {
    if (lists[i].n > 0) return true;
  }
  return false;
}

/* --- which nodes matter --- */

/* What is pushed on a stack comes out of it again: the stack that NODE, a push, goes to is reached as well. */
static void mark_stack(const tn_node *node, uint8_t *reached) {
  while (!tn_node_is(node, "Stack", "StackV2") && node->n_inputs > 0 && node->inputs[0].node->id < node->id) {
    node = node->inputs[0].node;
  }
  reached[node->id] = 1;
}

/* Marks in REACHED all that the xs flow into. A node's inputs have smaller ids, but for the back edges of loops: so one
 * pass does, and another one for each time that a back edge brings something new. */
static void mark_reached(const tn_gradients *g, uint8_t *reached) {
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = 0; i < g->n; i++) {
      const tn_node *node = tn_graph_node(g->graph, i);
      for (int j = 0; j < node->n_inputs && !reached[i]; j++) {
        tn_output from = node->inputs[j];
        if (!reached[from.node->id] || !tn_dtype_trainable(tn_output_dtype(from))) continue;
        reached[i] = 1;
        changed = true;
        if (tn_node_is(node, "StackPush", "StackPushV2")) mark_stack(node, reached);
      }
    }
  }
}

/* Marks g->between backwards from the ys and counts what is pending. */
static tn_error *mark_between(tn_gradients *g, const uint8_t *reached) {
  tn_node_list list = {0};
  for (size_t i = 0; i < g->asked.n_ys; i++) {
    tn_node *node = g->asked.ys[i].node;
    if (!reached[node->id] || g->between[node->id]) continue;
    g->between[node->id] = 1;
    TN_TRY(tn_list_add(g, &list, node));
  }
  for (size_t i = 0; i < list.n; i++) {
    for (int j = 0; j < list.nodes[i]->n_inputs; j++) {
      tn_node *from = list.nodes[i]->inputs[j].node;
      if (!reached[from->id] || g->between[from->id]) continue;
      g->between[from->id] = 1;
      TN_TRY(tn_list_add(g, &list, from));
    }
  }
  return NULL;
}

static void count_pending(tn_gradients *g) {
  for (size_t i = 0; i < g->n; i++) {
    if (!g->between[i]) continue;
    const tn_node *node = tn_graph_node(g->graph, i);
    for (int j = 0; j < node->n_inputs; j++) {
      int from = node->inputs[j].node->id;
      if (!g->between[from]) continue;
      g->pending[from]++;
      if (tn_is_exit(node)) g->exits[from]++;
    }
  }
}

/* Nothing is asked for beyond an x that no other x lies behind. */
static void mark_stops(tn_gradients *g) {
  for (size_t i = 0; i < g->asked.n_xs; i++) {
    const tn_node *node = g->asked.xs[i].node;
    bool last = true;
    for (int j = 0; j < node->n_inputs; j++) last = last && g->pending[node->inputs[j].node->id] == 0;
    if (last) g->stop[node->id] = 1;
  }
  for (size_t i = 0; i < g->asked.n_stop; i++) g->stop[g->asked.stop[i].node->id] = 1;
}

/* --- the gradients of the ys --- */

static tn_error *first_gradient(tn_gradients *g, tn_output y, const tn_output *given, tn_output *out) {
  tn_dtype dtype = tn_dtype_base(tn_output_dtype(y));
  tn_scope *s = &g->scope;
  g->op = y.node;
  g->current = g->loops ? tn_frame_backward(tn_frame_of(g, y.node)) : NULL;
  if (given && given->node) {
    tn_shape shape = tn_output_shape(y);
    /* What is known of Y helps; where it differs ([1,2] for [2]) the gradient's own operations say whether that can be.
     */
    tn_error_free(tn_output_set_shape(*given, &shape));
    *out = tn_build1(s, "Identity", *given);
  } else {
    tn_shape shape = tn_output_shape(y);
    if (tn_shape_known(&shape)) {
      *out = tn_build_filled(s, dtype, &shape, 1);
    } else {
      *out = tn_build2(s, "Fill", tn_build1(s, "Shape", y), tn_build_scalar(s, dtype, 1));
    }
  }
  return s->error ? tn_error_copy(s->error) : NULL;
}

static tn_error *start(tn_gradients *g) {
  const tn_gradient_request *asked = &g->asked;
  for (size_t i = 0; i < asked->n_ys; i++) {
    tn_output gradient;
    TN_TRY(first_gradient(g, asked->ys[i], asked->grad_ys ? &asked->grad_ys[i] : NULL, &gradient));
    tn_gradient_value value = {.values = gradient};
    TN_TRY(tn_grads_add(g, asked->ys[i], &value));
  }
  for (size_t i = 0; i < asked->n_ys; i++) {
    tn_node *node = asked->ys[i].node;
    bool first = true;
    for (size_t j = 0; j < i; j++) first = first && asked->ys[j].node != node;
    if (first && g->pending[node->id] == 0 && g->between[node->id]) TN_TRY(tn_list_add(g, &g->queue, node));
  }
  return NULL;
}

/* --- one node --- */

/* How the gradient of a node is made: by its op, by the user, or not at all (both NULL). */
typedef struct how {
  tn_gradient_fn op;
  const tn_user_gradient *user;
} how;

static tn_error *find_gradient(const tn_gradients *g, const tn_node *node, how *out) {
  const tn_attr *override = tn_node_attr(node, "_gradient_op_type");
  const tn_op_def *op = node->op;
  *out = (how){0};
  if (override && override->kind == TN_ATTR_STRING && !override->is_list) {
    out->user = tn_map_get(g->graph->gradients, override->string.data, override->string.size);
    if (out->user) return NULL;
    op = tn_op_find(override->string.data);
    if (!op) {
      return tn_node_errorf(node, TN_NOT_FOUND, "there is no gradient called '%.200s'", override->string.data);
    }
  }
  out->op = op->gradient;
  if (op->gradient || (op->flags & TN_OP_NO_GRADIENT)) return NULL;
  return tn_node_errorf(node, TN_NOT_FOUND, "no gradient is defined for op %s", op->name);
}

static tn_error *run_user(tn_gradients *g, const tn_user_gradient *user, tn_gradient_ctx *c, int n_in) {
  int n_out = c->node->n_outputs;
  tn_output *outs = tn_arena_alloc(g->arena, ((size_t)n_out + 1) * sizeof *outs);
  tn_output *ins = tn_arena_alloc(g->arena, ((size_t)n_in + 1) * sizeof *ins);
  if (!outs || !ins) return tn_out_of_memory();
  for (int i = 0; i < n_out; i++) {
    if (tn_grad_has(c, i) || tn_dtype_trainable(c->node->output_types[i])) outs[i] = tn_grad_dense(c, i);
  }
  if (g->scope.error) return NULL;
  TN_TRY(user->fn(g->graph, (tn_node *)c->node, outs, ins, user->argument));
  for (int i = 0; i < n_in; i++) {
    if (ins[i].node && (ins[i].node->graph != g->graph || ins[i].index < 0 || ins[i].index >= ins[i].node->n_outputs)) {
      return tn_node_errorf(c->node, TN_INVALID_ARGUMENT,
                            "its gradient returned something that is no tensor of the graph");
    }
    c->grad_in[i].values = ins[i];
  }
  return NULL;
}

/* Gradients have the type and the shape of what they belong to. */
static tn_error *check_gradient(const tn_node *node, int i, const tn_gradient_value *value) {
  tn_output x = node->inputs[i];
  tn_dtype expected = tn_dtype_base(tn_output_dtype(x)), type = tn_dtype_base(tn_output_dtype(value->values));
  if (expected == TN_RESOURCE || expected == TN_VARIANT) return NULL;
  if (type != expected) {
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "its gradient for input %d is %s, expected %s", i,
                          tn_dtype_name(type), tn_dtype_name(expected));
  }
  if (value->indices.node) return NULL;
  tn_shape shape = tn_output_shape(x);
  return tn_error_context(tn_output_set_shape(value->values, &shape), "%s '%s': its gradient for input %d",
                          node->op->name, node->name, i);
}

/* A gradient function may return one of the forward tensors as it is. */
static void map_gradient(tn_gradients *g, tn_gradient_value *value) {
  value->values = tn_loop_map(g, g->current, value->values);
  if (value->indices.node) value->indices = tn_loop_map(g, g->current, value->indices);
  if (value->dense_shape.node) value->dense_shape = tn_loop_map(g, g->current, value->dense_shape);
}

static tn_error *run_gradient(tn_gradients *g, const how *how, tn_gradient_ctx *c) {
  const tn_node *node = c->node;
  tn_str name = {0};
  char *text;
  tn_str_addf(&name, "%s_grad", node->name);
  TN_TRY(tn_str_take(&name, &text, NULL));
  tn_error *error = tn_graph_push_name_scope(g->graph, text);
  tn_free(text);
  if (error) return error;
  error = how->user ? run_user(g, how->user, c, node->n_inputs) : how->op(c);
  tn_graph_pop_name_scope(g->graph);
  if (!error && g->scope.error) error = tn_error_copy(g->scope.error);
  if (error) return tn_error_context(error, "gradient of %s '%s'", node->op->name, node->name);
  for (int i = 0; i < node->n_inputs; i++) {
    if (!c->grad_in[i].values.node) continue;
    if (g->loops && !tn_is_enter(node) && !tn_is_exit(node)) map_gradient(g, &c->grad_in[i]);
    if (g->scope.error) return tn_error_copy(g->scope.error);
    TN_TRY(check_gradient(node, i, &c->grad_in[i]));
    TN_TRY(tn_grads_add(g, node->inputs[i], &c->grad_in[i]));
  }
  return NULL;
}

static tn_error *visit(tn_gradients *g, tn_node *node) {
  g->op = node;
  g->current = g->loops ? tn_frame_backward(tn_frame_of(g, node)) : NULL;
  tn_gradient_value *out = tn_arena_alloc(g->arena, ((size_t)node->n_outputs + 1) * sizeof *out);
  tn_gradient_value *in = tn_arena_alloc(g->arena, ((size_t)node->n_inputs + 1) * sizeof *in);
  if (!out || !in) return tn_out_of_memory();
  bool any = false;
  for (int i = 0; i < node->n_outputs; i++) {
    TN_TRY(tn_grads_sum(g, (tn_output){node, i}, &out[i]));
    any = any || out[i].values.node;
    /* A gradient that was asked for inside a loop stays there, also on its way through what the loop takes in. */
    if (g->loops && !g->current && out[i].values.node) g->current = tn_frame_of(g, out[i].values.node);
  }
  if (!any || g->stop[node->id]) return NULL;
  how how;
  TN_TRY(find_gradient(g, node, &how));
  if (!how.op && !how.user) return NULL;
  tn_gradient_ctx c = {.scope = &g->scope, .node = node, .grad_out = out, .grad_in = in, .driver = g};
  return run_gradient(g, &how, &c);
}

/* The inputs of NODE have one gradient less to wait for. */
static tn_error *release_inputs(tn_gradients *g, const tn_node *node) {
  for (int i = 0; i < node->n_inputs; i++) {
    tn_node *from = node->inputs[i].node;
    int left = --g->pending[from->id];
    /* A loop's Switch is visited twice: when its exits are through, and when the body is. */
    bool left_loop = tn_is_exit(node) && --g->exits[from->id] == 0;
    bool ready = left == 0 || (left_loop && tn_is_loop_switch(from));
    if (!ready || !g->between[from->id]) continue;
    if (g->loops && tn_is_exit(from)) {
      TN_TRY(tn_loop_exit_ready(g, from));
    } else {
      TN_TRY(tn_list_add(g, &g->queue, from));
    }
  }
  return NULL;
}

static tn_error *walk(tn_gradients *g) {
  if (g->loops) TN_TRY(tn_loops_unused_exits(g));
  mark_stops(g);
  while (g->next < g->queue.n) {
    tn_node *node = g->queue.nodes[g->next++];
    TN_TRY(visit(g, node));
    TN_TRY(release_inputs(g, node));
  }
  return g->loops ? tn_loops_finish(g) : NULL;
}

/* --- the whole --- */

static tn_error *prepare(tn_gradients *g) {
  size_t n = g->n + 1;
  g->between = tn_arena_alloc(g->arena, n);
  g->stop = tn_arena_alloc(g->arena, n);
  g->pending = tn_arena_alloc(g->arena, n * sizeof *g->pending);
  g->exits = tn_arena_alloc(g->arena, n * sizeof *g->exits);
  g->grads = tn_arena_alloc(g->arena, n * sizeof *g->grads);
  uint8_t *reached = tn_arena_alloc(g->arena, n);
  if (!g->between || !g->stop || !g->pending || !g->exits || !g->grads || !reached) return tn_out_of_memory();
  for (size_t i = 0; i < g->asked.n_xs; i++) reached[g->asked.xs[i].node->id] = 1;
  mark_reached(g, reached);
  TN_TRY(mark_between(g, reached));
  if (g->loops) TN_TRY(tn_loops_prepare(g));
  count_pending(g);
  return NULL;
}

static tn_error *check_output(const tn_graph *graph, const char *what, tn_output output) {
  if (!output.node || output.node->graph != graph || output.index < 0 || output.index >= output.node->n_outputs) {
    return tn_errorf(TN_INVALID_ARGUMENT, "gradients: %s is not a tensor of this graph", what);
  }
  return NULL;
}

static tn_error *check_y(const tn_graph *graph, tn_output y, const tn_output *gradient) {
  TN_TRY(check_output(graph, "a y", y));
  tn_dtype dtype = tn_dtype_base(tn_output_dtype(y));
  if (!tn_dtype_is_floating(dtype) && !tn_dtype_is_complex(dtype)) {
    return tn_node_errorf(y.node, TN_INVALID_ARGUMENT, "gradients of %s tensors don't exist: y must be floating",
                          tn_dtype_name(dtype));
  }
  if (!gradient || !gradient->node) {
    if (!tn_dtype_is_complex(dtype)) return NULL;
    return tn_node_errorf(y.node, TN_INVALID_ARGUMENT, "the gradient of a complex y must be given");
  }
  TN_TRY(check_output(graph, "the gradient of a y", *gradient));
  tn_dtype given = tn_dtype_base(tn_output_dtype(*gradient));
  if (given == dtype) return NULL;
  return tn_node_errorf(y.node, TN_INVALID_ARGUMENT, "its given gradient is %s, expected %s", tn_dtype_name(given),
                        tn_dtype_name(dtype));
}

static tn_error *collect(tn_gradients *g, tn_gradient_value *out) {
  for (size_t i = 0; i < g->asked.n_xs; i++) {
    tn_output x = g->asked.xs[i];
    g->op = x.node;
    g->current = g->loops ? tn_frame_backward(tn_frame_of(g, x.node)) : NULL;
    TN_TRY(tn_grads_sum(g, x, &out[i]));
  }
  return NULL;
}

static tn_error *differentiate(tn_gradients *g, tn_gradient_value *out) {
  tn_error *error = tn_arena_new(&g->arena);
  if (error) return error;
  error = tn_frames_find(g);
  /* A control edge from outside into a backward loop would never be satisfied. */
  bool controlled = false, scoped = false;
  if (!error && g->loops) {
    error = tn_graph_push_control(g->graph, 0, NULL);
    controlled = !error;
    tn_loops_start(g);
  }
  if (!error) {
    error = tn_graph_push_name_scope(g->graph, "gradients");
    scoped = !error;
  }
  g->source = error ? NULL : tn_arena_strdup(g->arena, tn_graph_name_scope(g->graph));
  if (!error && !g->source) error = tn_out_of_memory();
  if (!error) error = prepare(g);
  if (!error) error = start(g);
  if (!error) error = walk(g);
  if (!error) error = collect(g, out);
  if (!error && g->scope.error) error = tn_error_copy(g->scope.error);
  if (scoped) tn_graph_pop_name_scope(g->graph);
  if (controlled) tn_graph_pop_control(g->graph);
  tn_frames_free(g);
  tn_error_free(g->scope.error);
  tn_arena_free(g->arena);
  return error;
}

tn_error *tn_graph_gradients_sparse(tn_graph *graph, size_t n_ys, const tn_output *ys, size_t n_xs, const tn_output *xs,
                                    const tn_output *grad_ys, size_t n_stop, const tn_output *stop,
                                    tn_gradient_value *out) {
  for (size_t i = 0; i < n_ys; i++) TN_TRY(check_y(graph, ys[i], grad_ys ? &grad_ys[i] : NULL));
  for (size_t i = 0; i < n_xs; i++) TN_TRY(check_output(graph, "an x", xs[i]));
  for (size_t i = 0; i < n_stop; i++) TN_TRY(check_output(graph, "a stop", stop[i]));
  tn_gradient_value *values = tn_calloc(n_xs + 1, sizeof *values);
  if (!values) return tn_out_of_memory();
  tn_gradients g = {.graph = graph, .n = tn_graph_n_nodes(graph), .scope = {.graph = graph}};
  g.asked = (tn_gradient_request){n_ys, n_xs, n_stop, ys, xs, grad_ys, stop};
  tn_error *error = differentiate(&g, values);
  if (!error && n_xs > 0) memcpy(out, values, n_xs * sizeof *values);
  tn_free(values);
  return error;
}

tn_error *tn_graph_gradients(tn_graph *graph, size_t n_ys, const tn_output *ys, size_t n_xs, const tn_output *xs,
                             const tn_output *grad_ys, tn_output *out) {
  tn_gradient_value *values = tn_calloc(n_xs + 1, sizeof *values);
  if (!values) return tn_out_of_memory();
  tn_error *error = tn_graph_gradients_sparse(graph, n_ys, ys, n_xs, xs, grad_ys, 0, NULL, values);
  tn_scope scope = {.graph = graph, .prefix = "gradients"};
  for (size_t i = 0; !error && i < n_xs; i++) {
    values[i].values = tn_grad_densify(&scope, &values[i]);
    error = scope.error;
  }
  for (size_t i = 0; !error && i < n_xs; i++) out[i] = values[i].values;
  tn_free(values);
  return error;
}

tn_error *tn_graph_register_gradient(tn_graph *graph, const char *name, tn_user_gradient_fn gradient, void *argument) {
  if (tn_map_find(graph->gradients, name)) {
    return tn_errorf(TN_ALREADY_EXISTS, "the graph has a gradient called '%.200s' already", name);
  }
  tn_user_gradient *user = tn_arena_alloc(graph->arena, sizeof *user);
  if (!user) return tn_out_of_memory();
  *user = (tn_user_gradient){gradient, argument};
  return tn_map_put(graph->gradients, name, user);
}
