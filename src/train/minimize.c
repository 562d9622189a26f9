/* Training steps: gradients, and for each variable the op of the optimizer with its slots and hyper-parameters. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "train/train.h"

enum { MOST_SLOTS = 3, MOST_INPUTS = 16 };

/* What distinguishes the optimizers. Slots are made in the order of SLOTS: 'z' starts at zero, 'o' at one, 'i' at the
 * optimizer's INITIAL; the op takes them in the order of TAKES. BEFORE and AFTER are the scalars around the gradient.
 */
typedef struct rule {
  const char *name, *op, *sparse_op;
  const char *slots, *takes, *before, *after;
} rule;

static const rule rules[] = {
    [TN_SGD] = {"GradientDescent", "ApplyGradientDescent", NULL, "", "", "r", ""},
    [TN_MOMENTUM_SGD] = {"Momentum", "ApplyMomentum", "SparseApplyMomentum", "z", "0", "r", "m"},
    [TN_ADAM_METHOD] = {"Adam", "ApplyAdam", NULL, "zz", "01", "pqr12e", ""},
    [TN_RMSPROP_METHOD] = {"RMSProp", "ApplyRMSProp", "SparseApplyRMSProp", "oz", "01", "rdme", ""},
    [TN_ADAGRAD_METHOD] = {"Adagrad", "ApplyAdagrad", "SparseApplyAdagrad", "i", "0", "r", ""},
    [TN_ADADELTA_METHOD] = {"Adadelta", "ApplyAdadelta", "SparseApplyAdadelta", "zz", "01", "rde", ""},
    [TN_FTRL_METHOD] = {"Ftrl", "ApplyFtrl", "SparseApplyFtrl", "iz", "01", "", "rxyw"},
};
static const rule centered = {"RMSProp", "ApplyCenteredRMSProp", "SparseApplyCenteredRMSProp", "ozz", "102", "rdme",
                              ""};

/* The scalars, by their letters. */
typedef struct scalars {
  tn_output of[128];
} scalars;

/* What is to be changed, after READY ran, and the nodes that do it. */
typedef struct pending {
  size_t n;
  tn_update *updates;
  tn_output ready;
  tn_output_list applied;
} pending;

static tn_output power_variable(tn_net *net, const char *name, float beta) {
  tn_shape scalar = tn_shape_scalar();
  tn_initializer init = {.kind = TN_INIT_CONSTANT, .a = beta};
  return tn_net_variable_new(net, name, TN_FLOAT, &scalar, &init, false);
}

static void make_scalars(tn_net *net, const tn_optimizer *o, const rule *r, scalars *s) {
  const struct {
    char letter;
    const char *name;
    float value;
  } known[] = {{'m', "momentum", o->momentum},
               {'1', "beta1", o->beta1},
               {'2', "beta2", o->beta2},
               {'e', "epsilon", o->epsilon},
               {'d', "decay", o->rho},
               {'x', "l1_regularization_strength", o->l1},
               {'y', "l2_regularization_strength", o->l2},
               {'w', "learning_rate_power", o->power}};
  s->of['r'] = tn_net_learning_rate(net, &o->rate);
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    if (!strchr(r->before, known[i].letter) && !strchr(r->after, known[i].letter)) continue;
    s->of[(int)known[i].letter] = tn_net_scalar(net, known[i].name, TN_FLOAT, (double)known[i].value);
  }
  if (!strchr(r->before, 'p')) return;
  s->of['p'] = power_variable(net, "beta1_power", o->beta1);
  s->of['q'] = power_variable(net, "beta2_power", o->beta2);
}

/* A slot's variable: "dense/kernel/Adam", "dense/kernel/Adam_1", ... */
static tn_output make_slot(tn_net *net, const tn_optimizer *o, const rule *r, const tn_net_variable *v, int i) {
  char name[512];
  tn_initializer init = {.kind = r->slots[i] == 'z' ? TN_INIT_ZEROS : TN_INIT_CONSTANT};
  init.a = r->slots[i] == 'i' ? o->initial : 1;
  tn_shape shape = tn_output_shape(v->ref);
  snprintf(name, sizeof name, i ? "%s/%s_%d" : "%s/%s", v->name, r->name, i);
  net->pinned = true; /* with its variable: the device scope is that one's */
  tn_net_variable_new(net, name, tn_dtype_base(tn_output_dtype(v->ref)), &shape, &init, false);
  net->pinned = false;
  const tn_net_variable *slot = tn_net_find_variable(net, name);
  return slot ? slot->ref : TN_NONE;
}

/* The rows that a sparse gradient names, each once, with the sums of what came for it. */
static void join_rows(tn_net *net, tn_gradient_value *g) {
  tn_output unique = tn_net_one(net, "Unique", NULL, g->indices);
  if (tn_net_failed(net)) return;
  tn_output count = tn_net_one(net, "Size", NULL, unique);
  g->values = tn_net_op(net, "UnsortedSegmentSum", NULL, TN_IN(g->values, tn_nth(unique, 1), count), NULL);
  g->indices = unique;
}

/* Gradient descent changes the rows directly: rows that come twice add up by themselves. */
static tn_output descend_rows(tn_net *net, const tn_update *u, const scalars *s) {
  tn_output step = tn_net_two(net, "Mul", "mul", u->gradient.values, s->of['r']);
  return tn_net_op(net, "ScatterSub", NULL, TN_IN(u->variable.ref, u->gradient.indices, step), NULL);
}

/* VALUE as a dense tensor; for Adam, whose moments fade in every row. */
static tn_output densify(tn_net *net, const tn_update *u) {
  tn_shape shape = tn_output_shape(u->variable.ref);
  tn_output rows = tn_net_scalar(net, "rows", TN_INT32, (double)shape.dims[0]);
  return tn_net_op(net, "UnsortedSegmentSum", NULL, TN_IN(u->gradient.values, u->gradient.indices, rows), NULL);
}

static tn_output apply(tn_net *net, const tn_optimizer *o, const rule *r, const scalars *s, tn_update *u) {
  tn_output inputs[MOST_INPUTS], slots[MOST_SLOTS];
  bool sparse = u->gradient.indices.node != NULL;
  int n = 0;
  for (int i = 0; r->slots[i]; i++) slots[i] = make_slot(net, o, r, &u->variable, i);
  if (tn_net_failed(net)) return TN_NONE;
  if (sparse && o->method == TN_SGD) return descend_rows(net, u, s);
  if (sparse && r->sparse_op) join_rows(net, &u->gradient);
  if (sparse && !r->sparse_op) {
    u->gradient.values = densify(net, u);
    sparse = false;
  }
  inputs[n++] = u->variable.ref;
  for (const char *c = r->takes; *c; c++) inputs[n++] = slots[*c - '0'];
  for (const char *c = r->before; *c; c++) inputs[n++] = s->of[(int)*c];
  inputs[n++] = u->gradient.values;
  if (sparse) inputs[n++] = u->gradient.indices;
  for (const char *c = r->after; *c; c++) inputs[n++] = s->of[(int)*c];
  inputs[n] = TN_END;
  bool nesterov = o->method == TN_MOMENTUM_SGD && o->nesterov;
  return tn_net_op(net, sparse ? r->sparse_op : r->op, NULL, inputs,
                   nesterov ? TN_ATTRS(TN_A_BOOL("use_nesterov", true)) : NULL);
}

tn_output tn_net_group(tn_net *net, const char *name, const tn_output_list *group) {
  if (tn_net_failed(net)) return TN_NONE;
  tn_node_builder *b = tn_node_begin(net->graph, "NoOp", name);
  for (size_t i = 0; i < group->n; i++) tn_node_control(b, group->items[i].node);
  tn_node *node = NULL;
  tn_error *error = tn_node_finish(b, &node);
  if (error) tn_net_fail(net, error);
  return error ? TN_NONE : (tn_output){node, -1};
}

/* Opens a scope of control: later nodes run after NODE. False after an error. */
static bool after(tn_net *net, tn_output node) {
  if (tn_net_failed(net)) return false;
  tn_error *error = tn_graph_push_control(net->graph, 1, &node.node);
  if (error) tn_net_fail(net, error);
  return !error;
}

/* The gradients of the trainable variables that LOSS depends on. */
static size_t find_gradients(tn_net *net, tn_output loss, tn_update *updates, tn_output *xs, tn_gradient_value *gs) {
  size_t n = 0, kept = 0;
  for (size_t i = 0; i < net->n_variables; i++) {
    if (!net->variables[i].trainable) continue;
    updates[n].variable = net->variables[i];
    xs[n++] = net->variables[i].read;
  }
  tn_error *error = tn_graph_gradients_sparse(net->graph, 1, &loss, n, xs, NULL, 0, NULL, gs);
  if (error) {
    tn_net_fail(net, error);
    return 0;
  }
  for (size_t i = 0; i < n; i++) {
    if (!gs[i].values.node) continue;
    updates[kept] = updates[i];
    updates[kept++].gradient = gs[i];
  }
  if (!kept) tn_net_failf(net, TN_INVALID_ARGUMENT, "the loss depends on no trainable variable");
  return kept;
}

/* Updates wait for this until all gradients and the loss are there: nobody sees a weight that is changed already. */
static tn_output gradients_ready(tn_net *net, tn_output loss, size_t n, const tn_update *updates) {
  tn_output_list all = {0};
  tn_net_append(net, &all, loss);
  for (size_t i = 0; i < n; i++) tn_net_append(net, &all, updates[i].gradient.values);
  tn_output ready = tn_net_group(net, "gradients_ready", &all);
  tn_free(all.items);
  return ready;
}

/* Gives the variable NAME a value, on its task. */
static tn_output assign_there(tn_net *net, const char *name, tn_output value) {
  const tn_net_variable *v = tn_net_find_variable(net, name);
  if (!tn_net_push_device_of(net, v)) return TN_NONE;
  tn_output assign = tn_net_two(net, "Assign", NULL, v->ref, value);
  tn_graph_pop_device(net->graph);
  return assign;
}

static void advance_powers(tn_net *net, const scalars *s, tn_output_list *group) {
  if (!s->of['p'].node || tn_net_failed(net)) return;
  tn_output first = tn_net_two(net, "Mul", "mul", s->of['p'], s->of['1']);
  tn_output second = tn_net_two(net, "Mul", "mul_1", s->of['q'], s->of['2']);
  tn_net_append(net, group, assign_there(net, "beta1_power", first));
  tn_net_append(net, group, assign_there(net, "beta2_power", second));
}

/* One update after the other, once READY ran. */
static void apply_all(tn_net *net, const tn_optimizer *o, const rule *r, const scalars *s, pending *p) {
  char scope[520];
  if (!after(net, p->ready)) return;
  for (size_t i = 0; i < p->n && !tn_net_failed(net); i++) {
    snprintf(scope, sizeof scope, "update_%s", p->updates[i].variable.name);
    if (!tn_net_push_device_of(net, &p->updates[i].variable)) break;
    tn_net_push(net, scope);
    tn_net_append(net, &p->applied, apply(net, o, r, s, &p->updates[i]));
    tn_net_pop(net);
    tn_graph_pop_device(net->graph);
  }
  tn_graph_pop_control(net->graph);
}

/* The updates of all variables, the global step after them; into GROUP. */
static void update_all(tn_net *net, const tn_optimizer *o, pending *p, tn_output_list *group) {
  const rule *r = o->method == TN_RMSPROP_METHOD && o->centered ? &centered : &rules[o->method];
  scalars s = {0};
  tn_net_push(net, r->name);
  make_scalars(net, o, r, &s);
  apply_all(net, o, r, &s, p);
  if (after(net, tn_net_group(net, "applied", &p->applied))) {
    advance_powers(net, &s, &p->applied);
    tn_graph_pop_control(net->graph);
  }
  tn_output done = tn_net_group(net, "update", &p->applied);
  tn_net_global_step(net);
  const tn_net_variable *step = tn_net_find_variable(net, "global_step");
  if (step && after(net, done)) {
    tn_output one = tn_net_scalar(net, "value", TN_INT64, 1);
    if (tn_net_push_device_of(net, step)) {
      tn_net_append(net, group, tn_net_two(net, "AssignAdd", TN_AS_SCOPE, step->ref, one));
      tn_graph_pop_device(net->graph);
    }
    tn_graph_pop_control(net->graph);
  }
  tn_net_pop(net);
  if (o->average > 0) tn_net_averages(net, o->average, done.node, p->n, p->updates, group);
  tn_free(p->applied.items);
}

bool tn_net_find_updates(tn_net *net, const tn_optimizer *optimizer, tn_output loss, tn_updates *out) {
  if (tn_net_failed(net)) return false;
  size_t n = net->n_variables + 1;
  tn_update *updates = tn_calloc(n, sizeof *updates);
  tn_output *xs = tn_calloc(n, sizeof *xs);
  tn_gradient_value *gs = tn_calloc(n, sizeof *gs);
  if (!updates || !xs || !gs) tn_net_fail(net, tn_out_of_memory());
  if ((int)optimizer->method < 0 || optimizer->method > TN_FTRL_METHOD)
    tn_net_failf(net, TN_INVALID_ARGUMENT, "there is no optimizer number %d", (int)optimizer->method);
  n = tn_net_failed(net) ? 0 : find_gradients(net, loss, updates, xs, gs);
  if (n) tn_net_clip(net, optimizer, n, updates);
  tn_free(gs);
  tn_free(xs);
  if (tn_net_failed(net)) {
    tn_free(updates);
    return false;
  }
  *out = (tn_updates){n, updates};
  return true;
}

void tn_net_apply_updates(tn_net *net, const tn_optimizer *optimizer, const tn_updates *updates, tn_output ready,
                          tn_output_list *group) {
  pending p = {updates->n, updates->items, ready, {0}};
  bool reuse = net->reuse;
  net->reuse = false; /* slots are new, whoever made the variables */
  update_all(net, optimizer, &p, group);
  net->reuse = reuse;
}

tn_node *tn_net_minimize(tn_net *net, const tn_optimizer *optimizer, tn_output loss) {
  tn_updates updates = {0};
  tn_output_list group = {0};
  if (!tn_net_find_updates(net, optimizer, loss, &updates)) return NULL;
  tn_output ready = gradients_ready(net, loss, updates.n, updates.items);
  tn_net_apply_updates(net, optimizer, &updates, ready, &group);
  for (size_t i = 0; i < net->updates.n; i++) tn_net_append(net, &group, net->updates.items[i]);
  tn_output train = tn_net_group(net, "train", &group);
  tn_free(group.items);
  tn_free(updates.items);
  return train.node;
}
