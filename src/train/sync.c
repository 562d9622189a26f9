/* Gradients of several workers in one step, as tf.train.SyncReplicasOptimizer has it: an accumulator for each variable
 * lies with it and takes the mean; a queue of tokens beside the global step tells workers that the step was made. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "train/train.h"

/* What the nodes share. */
typedef struct sync {
  tn_net *net;
  int aggregate, replicas;
  tn_output step_ref, step;        /* the global step */
  tn_output local_ref, local_step; /* the step that this worker's gradients are for */
  tn_output required;              /* AGGREGATE as a tensor */
  tn_output_list gives;            /* nodes that give a gradient */
  tn_output_list sets;             /* nodes that tell an accumulator the global step */
} sync;

static bool on_variable(sync *s, const tn_net_variable *v) { return tn_net_push_device_of(s->net, v); }
static const tn_net_variable *step_variable(sync *s) { return tn_net_find_variable(s->net, "global_step"); }

/* A variable of this task alone, which is in no checkpoint and has a value only after JOIN. */
static void make_local_step(sync *s) {
  tn_net *net = s->net;
  tn_shape scalar = tn_shape_scalar();
  s->local_ref = tn_net_op(net, "VariableV2", "sync_rep_local_step", TN_NO_INPUTS,
                           TN_ATTRS(TN_A_TYPE("dtype", TN_INT64), {"shape", {.kind = TN_ATTR_SHAPE, .shape = scalar}}));
  s->local_step = tn_net_one(net, "Identity", "sync_rep_local_step/read", s->local_ref);
}

static tn_output accumulator(sync *s, const tn_update *u, bool sparse) {
  char name[512];
  tn_shape shape = sparse ? tn_shape_unknown() : tn_output_shape(u->variable.ref);
  tn_dtype dtype = tn_dtype_base(tn_output_dtype(u->variable.ref));
  snprintf(name, sizeof name, "%s/grad_accum", u->variable.name);
  tn_named_attr shared = {"shared_name", {.kind = TN_ATTR_STRING, .string = {name, strlen(name)}}};
  return tn_net_op(s->net, sparse ? "SparseConditionalAccumulator" : "ConditionalAccumulator", NULL, TN_NO_INPUTS,
                   TN_ATTRS(TN_A_TYPE("dtype", dtype), {"shape", {.kind = TN_ATTR_SHAPE, .shape = shape}}, shared));
}

/* The mean gradient of U's variable in place of this worker's own. */
static void average(sync *s, tn_update *u) {
  tn_gradient_value *g = &u->gradient;
  tn_net *net = s->net;
  bool sparse = g->indices.node != NULL;
  if (tn_net_failed(net) || !on_variable(s, &u->variable)) return;
  tn_output handle = accumulator(s, u, sparse);
  if (sparse) {
    tn_output none = tn_net_ints(net, "shape", 0, NULL);
    none = tn_net_op(net, "Cast", NULL, TN_IN(none), TN_ATTRS(TN_A_TYPE("DstT", TN_INT64)));
    tn_output rows = tn_net_op(net, "Cast", NULL, TN_IN(g->indices), TN_ATTRS(TN_A_TYPE("DstT", TN_INT64)));
    tn_net_append(net, &s->gives,
                  tn_net_op(net, "SparseAccumulatorApplyGradient", NULL,
                            TN_IN(handle, s->local_step, rows, g->values, none),
                            TN_ATTRS(TN_A_BOOL("has_known_shape", false))));
    tn_output mean = tn_net_op(net, "SparseAccumulatorTakeGradient", NULL, TN_IN(handle, s->required),
                               TN_ATTRS(TN_A_SAME(u->variable.ref.node, "dtype")));
    *g = (tn_gradient_value){.values = tn_nth(mean, 1), .indices = mean};
  } else {
    tn_net_append(net, &s->gives,
                  tn_net_op(net, "AccumulatorApplyGradient", NULL, TN_IN(handle, s->local_step, g->values), NULL));
    g->values = tn_net_op(net, "AccumulatorTakeGradient", NULL, TN_IN(handle, s->required),
                          TN_ATTRS(TN_A_SAME(u->variable.ref.node, "dtype")));
  }
  tn_net_append(net, &s->sets, tn_net_two(net, "AccumulatorSetGlobalStep", NULL, handle, s->step));
  tn_graph_pop_device(net->graph);
}

/* The queue of tokens, of which every process has the same. */
static tn_output make_queue(sync *s) {
  if (tn_net_failed(s->net)) return TN_NONE;
  const tn_dtype type = TN_INT64;
  const tn_shape scalar = tn_shape_scalar();
  tn_node_builder *b = tn_node_begin(tn_net_graph(s->net), "FIFOQueueV2", "sync_token_q");
  tn_node_attr_types(b, "component_types", &type, 1);
  tn_node_attr_shapes(b, "shapes", &scalar, 1);
  tn_node_attr_string(b, "shared_name", "sync_token_q", strlen("sync_token_q"));
  tn_node *node = NULL;
  tn_error *error = tn_node_finish(b, &node);
  if (error) tn_net_fail(s->net, error);
  return (tn_output){node, 0};
}

/* Opens a scope in which nodes run after N nodes. False after an error. */
static bool after(sync *s, const tn_output_list *nodes) {
  tn_output all = tn_net_group(s->net, "after", nodes);
  if (tn_net_failed(s->net)) return false;
  tn_error *error = tn_graph_push_control(tn_net_graph(s->net), 1, &all.node);
  if (error) tn_net_fail(s->net, error);
  return !error;
}

/* N tokens with the number of the global step as it is when that runs. */
static tn_output put_tokens(sync *s, tn_output queue, int n) {
  tn_net *net = s->net;
  int64_t size = n;
  tn_output now = tn_net_one(net, "Identity", "step", s->step_ref);
  tn_output tokens = tn_net_two(net, "Fill", "tokens", tn_net_ints(net, "n", 1, &size), now);
  return tn_net_two(net, "QueueEnqueueManyV2", "put_tokens", queue, tokens);
}

static tn_node *group(sync *s, const char *name, tn_output_list *nodes, tn_output more) {
  if (tn_net_failed(s->net)) return NULL;
  if (more.node) tn_net_append(s->net, nodes, more);
  return tn_net_group(s->net, name, nodes).node;
}

/* The four nodes, once the gradients are the means. */
static void finish(sync *s, tn_output_list *updates, tn_sync_step *out) {
  tn_net *net = s->net;
  if (tn_net_failed(net) || !on_variable(s, step_variable(s))) return;
  tn_output queue = make_queue(s), token = TN_NONE, more = TN_NONE;
  if (after(s, &s->gives)) {
    token = tn_net_op(net, "QueueDequeueV2", "take_token", TN_IN(queue),
                      TN_ATTRS({"component_types",
                                {.kind = TN_ATTR_TYPE, .is_list = true, .n = 1, .types = (tn_dtype[]){TN_INT64}}}));
    tn_graph_pop_control(net->graph);
  }
  if (after(s, updates)) {
    more = put_tokens(s, queue, s->replicas > s->aggregate ? s->replicas : s->aggregate);
    tn_graph_pop_control(net->graph);
  }
  tn_output first = put_tokens(s, queue, s->aggregate);
  tn_graph_pop_device(net->graph);
  tn_output_list trains = {0}, joins = {0};
  out->update = group(s, "sync_update", updates, more);
  out->train = group(s, "train", &trains, tn_net_two(net, "Assign", "follow", s->local_ref, token));
  out->join = group(s, "sync_join", &joins, tn_net_two(net, "Assign", "join", s->local_ref, s->step));
  out->start = group(s, "sync_start", &s->sets, first);
  tn_free(trains.items);
  tn_free(joins.items);
}

tn_sync_step tn_net_minimize_sync(tn_net *net, const tn_optimizer *optimizer, tn_output loss,
                                  const tn_sync_options *options) {
  tn_sync_step out = {0};
  sync s = {.net = net, .aggregate = options->aggregate, .replicas = options->replicas};
  if (s.aggregate <= 0) s.aggregate = s.replicas;
  if (s.replicas <= 0) tn_net_failf(net, TN_INVALID_ARGUMENT, "%d replicas cannot train together", s.replicas);
  tn_updates updates = {0};
  tn_output_list applied = {0}, means = {0};
  if (!tn_net_find_updates(net, optimizer, loss, &updates)) return out;
  tn_net_push(net, "sync_replicas");
  s.step = tn_net_global_step(net);
  const tn_net_variable *step = step_variable(&s);
  if (step) s.step_ref = step->ref;
  make_local_step(&s);
  s.required = tn_net_scalar(net, "required", TN_INT32, s.aggregate);
  for (size_t i = 0; i < updates.n; i++) {
    average(&s, &updates.items[i]);
    if (!tn_net_failed(net)) tn_net_append(net, &means, updates.items[i].gradient.values);
  }
  tn_net_pop(net);
  tn_net_apply_updates(net, optimizer, &updates, tn_net_group(net, "gradients_ready", &means), &applied);
  tn_net_push(net, "sync_replicas");
  for (size_t i = 0; i < net->updates.n; i++) tn_net_append(net, &s.gives, net->updates.items[i]);
  finish(&s, &applied, &out);
  tn_net_pop(net);
  tn_free(updates.items);
  tn_free(applied.items);
  tn_free(means.items);
  tn_free(s.gives.items);
  tn_free(s.sets.items);
  return tn_net_failed(net) ? (tn_sync_step){0} : out;
}
