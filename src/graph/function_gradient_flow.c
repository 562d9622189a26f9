/* Gradients of If, Case and While: nodes of the same kind over the gradients of their functions. */
#include <string.h>

#include "graph/build.h"
#include "graph/function.h"

typedef struct flow {
  tn_gradient_ctx *c;
  tn_arena *arena;
  int first; /* the first input that the functions see */
  size_t n_in, n_out, n_x, n_y;
  size_t *x, *y; /* the numbers of the inputs and outputs that gradients flow through */
  tn_dtype *in_types, *out_types;
  tn_output *inputs;
} flow;

static bool trainable(tn_dtype type) { return tn_dtype_is_floating(type) || tn_dtype_is_complex(type); }

static tn_named_attr types_attr(const char *name, size_t n, tn_dtype *types) {
  return (tn_named_attr){name, {.kind = TN_ATTR_TYPE, .is_list = true, .n = n, .types = types}};
}

static tn_string name_of(const tn_function *f) { return (tn_string){(char *)f->name, strlen(f->name)}; }

static tn_named_attr function_attr(const char *name, const tn_function *f) {
  return (tn_named_attr){name, {.kind = TN_ATTR_FUNC, .string = name_of(f)}};
}

/* The gradient of F, from its inputs and the gradients of its trainable results. */
static tn_error *gradient_of(const flow *w, tn_function *f, tn_function **out) {
  if (f->gradient) {
    return tn_node_errorf(w->c->node, TN_UNIMPLEMENTED,
                          "the gradient that is given for function '%.200s' can't be used", f->name);
  }
  TN_TRY(tn_function_gradient(f, out));
  if ((*out)->n_inputs == w->n_in + w->n_y && (*out)->n_outputs == w->n_x) return NULL;
  return tn_node_errorf(w->c->node, TN_INVALID_ARGUMENT, "function '%.200s' does not fit the node", f->name);
}

/* What the new node takes: all that the forward node takes, then the gradients. */
static tn_error *begin(flow *w) {
  const tn_node *node = w->c->node;
  w->n_in = (size_t)(node->n_inputs - w->first);
  w->n_out = (size_t)node->n_outputs;
  size_t room = w->n_in + w->n_out + (size_t)w->first + 2;
  w->x = tn_arena_alloc(w->arena, room * sizeof *w->x);
  w->y = tn_arena_alloc(w->arena, room * sizeof *w->y);
  w->in_types = tn_arena_alloc(w->arena, room * sizeof *w->in_types);
  w->out_types = tn_arena_alloc(w->arena, room * sizeof *w->out_types);
  w->inputs = tn_arena_alloc(w->arena, room * sizeof *w->inputs);
  if (!w->x || !w->y || !w->in_types || !w->out_types || !w->inputs) return tn_out_of_memory();
  size_t n = 0;
  for (int i = 0; i < node->n_inputs; i++) w->inputs[n++] = node->inputs[i];
  for (size_t i = 0; i < w->n_in; i++) {
    w->in_types[i] = node->input_types[(size_t)w->first + i];
    if (!trainable(w->in_types[i])) continue;
    w->out_types[w->n_x] = w->in_types[i];
    w->x[w->n_x++] = i;
  }
  for (size_t i = 0; i < w->n_out; i++) {
    if (!trainable(node->output_types[i])) continue;
    w->in_types[w->n_in + w->n_y] = node->output_types[i];
    w->inputs[n++] = tn_grad_dense(w->c, (int)i);
    w->y[w->n_y++] = i;
  }
  w->inputs[n] = TN_END;
  return NULL;
}

/* The results of MADE are the gradients of the inputs. */
static void finish(const flow *w, tn_output made) {
  for (size_t i = 0; made.node && i < w->n_x; i++) {
    int at = w->first + (int)w->x[i];
    tn_output x = tn_grad_x(w->c, at);
    made.node->output_shapes[i] = x.node->output_shapes[x.index];
    tn_grad_set(w->c, at, tn_nth(made, (int)i));
  }
}

static tn_error *branches(flow *w) {
  const tn_node *node = w->c->node;
  bool is_if = strstr(node->op->name, "If") != NULL, stateful = false;
  size_t n = is_if ? 2 : tn_node_attr(node, "branches")->n;
  tn_string *names = tn_arena_alloc(w->arena, n * sizeof *names);
  if (!names) return tn_out_of_memory();
  for (size_t i = 0; i < n; i++) {
    tn_function *f = NULL, *g = NULL;
    if (is_if) {
      TN_TRY(tn_node_function(node, i ? "else_branch" : "then_branch", &f));
    } else {
      TN_TRY(tn_node_function_at(node, "branches", i, &f));
    }
    TN_TRY(gradient_of(w, f, &g));
    TN_TRY(tn_function_check_again(g, node, false));
    names[i] = name_of(g);
    stateful = stateful || g->stateful;
  }
  tn_named_attr in = types_attr("Tin", w->n_in + w->n_y, w->in_types), out = types_attr("Tout", w->n_x, w->out_types);
  tn_named_attr if_attrs[] = {in,
                              out,
                              {"then_branch", {.kind = TN_ATTR_FUNC, .string = names[0]}},
                              {"else_branch", {.kind = TN_ATTR_FUNC, .string = names[n > 1]}},
                              {NULL, {0}}};
  tn_named_attr case_attrs[] = {
      in, out, {"branches", {.kind = TN_ATTR_FUNC, .is_list = true, .n = n, .strings = names}}, {NULL, {0}}};
  const char *op = is_if ? (stateful ? "If" : "StatelessIf") : stateful ? "Case" : "StatelessCase";
  finish(w, tn_build(w->c->scope, op, w->inputs, is_if ? if_attrs : case_attrs));
  return NULL;
}

static tn_error *whiles(flow *w) {
  const tn_node *node = w->c->node;
  tn_function *cond = NULL, *body = NULL, *gradient = NULL;
  TN_TRY(tn_node_function(node, "cond", &cond));
  TN_TRY(tn_node_function(node, "body", &body));
  TN_TRY(gradient_of(w, body, &gradient));
  TN_TRY(tn_function_check_again(cond, node, true));
  TN_TRY(tn_function_check_again(body, node, true));
  tn_named_attr attrs[] = {types_attr("T", w->n_in, w->in_types), types_attr("Tgrad", w->n_y, w->in_types + w->n_in),
                           function_attr("cond", cond),           function_attr("body", body),
                           function_attr("gradient", gradient),   {NULL, {0}}};
  finish(w, tn_build(w->c->scope, "_WhileGrad", w->inputs, attrs));
  return NULL;
}

static tn_error *with_arena(tn_gradient_ctx *c, int first, tn_error *(*build)(flow *w)) {
  flow w = {.c = c, .first = first};
  TN_TRY(tn_arena_new(&w.arena));
  tn_error *error = begin(&w);
  if (!error) error = build(&w);
  tn_arena_free(w.arena);
  return error;
}

tn_error *tn_grad_branches(tn_gradient_ctx *c) { return with_arena(c, 1, branches); }
tn_error *tn_grad_while(tn_gradient_ctx *c) { return with_arena(c, 0, whiles); }
