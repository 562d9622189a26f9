/* MNIST with parameter servers and workers, in-graph replication: one client builds a graph over all workers.
 *
 *     tenon run --ps 1 --workers 2 --patience 0 -- build/example-in_graph
 *
 * The first worker's process is the client; all others only serve. Each step splits a batch over the workers and makes
 * one update of the mean of their losses, so that it is synchronous. */
#include "task.h"

typedef struct program {
  tn_graph *graph;
  tn_net *net;
  tn_output feeds[2];
  tn_net_metric metric;
  tn_node *initialize, *train;
} program;

static tn_output op(program *p, const char *type, size_t n, const tn_output *inputs) {
  tn_node *made = NULL;
  if (tn_net_error(p->net)) return (tn_output){NULL, 0};
  tn_node_builder *node = tn_node_begin(p->graph, type, NULL);
  for (size_t i = 0; i < n; i++) tn_node_input(node, inputs[i]);
  tn_error *error = tn_node_finish(node, &made);
  if (error) tn_net_fail(p->net, error);
  return (tn_output){made, 0};
}

/* X in N equal parts along its first dimension. */
static tn_output split(program *p, tn_output x, int n) {
  tn_tensor *zero = NULL;
  tn_node *axis = NULL, *made = NULL;
  tn_error *error = tn_tensor_copy_of(TN_INT32, 0, NULL, &(int32_t){0}, &zero);
  tn_node_builder *node = tn_node_begin(p->graph, "Const", "axis");
  tn_node_attr_type(node, "dtype", TN_INT32);
  if (!error) tn_node_attr_tensor(node, "value", zero);
  if (!error) error = tn_node_finish(node, &axis);
  tn_tensor_free(zero);
  if (!error) {
    node = tn_node_begin(p->graph, "Split", NULL);
    tn_node_input(node, (tn_output){axis, 0});
    tn_node_input(node, x);
    tn_node_attr_int(node, "num_split", n);
    error = tn_node_finish(node, &made);
  }
  if (error) tn_net_fail(p->net, error);
  return (tn_output){made, 0};
}

/* A copy of the network on WORKER for its part of a batch; the first one makes the variables. */
static tn_output tower(program *p, int worker, tn_output images, tn_output labels) {
  char device[64];
  snprintf(device, sizeof device, "/job:worker/task:%d", worker);
  tn_error *error = tn_graph_push_device(p->graph, device);
  if (error) tn_net_fail(p->net, error);
  tn_output logits = lenet(p->net, images);
  tn_output loss = tn_net_loss(p->net, "sparse_softmax_cross_entropy", logits, labels);
  if (worker == 0) p->metric = tn_net_metric_of(p->net, "accuracy", logits, labels);
  if (!error) tn_graph_pop_device(p->graph);
  if (worker == 0) tn_net_reuse(p->net, false);
  return loss;
}

static tn_error *build(const task *t, program *p) {
  tn_output losses[64];
  if (t->n_workers > 64) return tn_errorf(TN_INVALID_ARGUMENT, "this example takes 64 workers at most");
  TN_TRY(tn_graph_new(&p->graph));
  TN_TRY(tn_net_new(p->graph, &p->net));
  tn_net_parameter_servers(p->net, "ps", t->n_ps, false);
  p->feeds[0] = placeholder(p->net, "images", TN_FLOAT, &(tn_shape){4, {-1, 28, 28, 1}});
  p->feeds[1] = placeholder(p->net, "labels", TN_INT64, &(tn_shape){1, {-1}});
  tn_output images = split(p, p->feeds[0], t->n_workers), labels = split(p, p->feeds[1], t->n_workers);
  for (int i = 0; i < t->n_workers; i++) {
    losses[i] = tower(p, i, (tn_output){images.node, i}, (tn_output){labels.node, i});
  }
  tn_optimizer optimizer = adam(t);
  p->train = tn_net_minimize(p->net, &optimizer, op(p, "AddN", (size_t)t->n_workers, losses));
  p->initialize = tn_net_initializer(p->net);
  return tn_error_copy(tn_net_error(p->net));
}

static tn_error *train(const task *t, const program *p, tn_session *session, const tn_datasets *mnist) {
  batches b;
  double percent = 0;
  TN_TRY(run_node(session, NULL, p->initialize));
  if (!batches_open(&b, mnist->train, 1)) return tn_errorf(TN_RESOURCE_EXHAUSTED, "no memory");
  tn_error *error = NULL;
  for (int64_t i = 0; i < t->steps && !error; i++) {
    tn_tensor *values[2];
    error = take(&b, -1, t->batch, values);
    if (error) break;
    error = tn_session_run(session, NULL, 2, p->feeds, values, 0, NULL, 1, &p->train, NULL, NULL);
    tn_tensor_free(values[0]);
    tn_tensor_free(values[1]);
  }
  free(b.order);
  if (!error) error = accuracy(session, mnist->test, p->feeds, p->metric, &percent);
  if (!error) printf("test accuracy: %.2f %%\n", percent);
  return error;
}

static tn_error *run(const task *t, tn_server *server) {
  program p = {0};
  tn_session *session = NULL;
  tn_datasets mnist = {0};
  tn_error *error = tn_datasets_load("mnist", NULL, &mnist);
  if (!error) error = build(t, &p);
  if (!error) error = tn_session_connect(p.graph, &(tn_connect_options){.target = tn_server_target(server)}, &session);
  if (!error) error = train(t, &p, session, &mnist);
  if (session) tn_session_free(session);
  tn_net_free(p.net);
  if (p.graph) tn_graph_free(p.graph);
  tn_datasets_clear(&mnist);
  return error;
}

int main(int argc, char **argv) {
  task t;
  tn_server *server = NULL;
  tn_error *error = read_flags(argc, argv, &t);
  if (!error) error = serve(&t, &server);
  bool client = strcmp(t.job, "worker") == 0 && t.index == 0;
  if (!error && !client) tn_server_join(server, -1);
  if (!error && client) error = run(&t, server);
  if (error) fprintf(stderr, "%s: %s\n", tn_code_name(tn_error_code(error)), tn_error_message(error));
  int status = error ? 1 : 0;
  tn_error_free(error);
  tn_server_free(server);
  return status;
}
