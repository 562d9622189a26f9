/* MNIST with parameter servers and workers, between-graph replication: every worker runs this program.
 *
 *     tenon run --ps 1 --workers 2 -- build/example-between_graph           # asynchronous
 *     tenon run --ps 1 --workers 2 --sync -- build/example-between_graph    # synchronous
 *
 * The chief, worker 0, gives the variables their first values and prints the accuracy on the test images. */
#include <pthread.h>
#include <time.h>

#include "task.h"

/* The graph that every worker builds, and what of it is run. */
typedef struct program {
  tn_graph *graph;
  tn_net *net;
  tn_output feeds[2], ready, step;
  tn_net_metric metric;
  tn_node *initialize, *train;
  tn_sync_step sync;
} program;

static tn_error *build(const task *t, program *p) {
  char device[64];
  TN_TRY(tn_graph_new(&p->graph));
  TN_TRY(tn_net_new(p->graph, &p->net));
  snprintf(device, sizeof device, "/job:worker/task:%d", t->index);
  TN_TRY(tn_graph_push_device(p->graph, device));
  tn_net_parameter_servers(p->net, "ps", t->n_ps, false);
  p->feeds[0] = placeholder(p->net, "images", TN_FLOAT, &(tn_shape){4, {-1, 28, 28, 1}});
  p->feeds[1] = placeholder(p->net, "labels", TN_INT64, &(tn_shape){1, {-1}});
  tn_output logits = lenet(p->net, p->feeds[0]);
  tn_output loss = tn_net_loss(p->net, "sparse_softmax_cross_entropy", logits, p->feeds[1]);
  p->metric = tn_net_metric_of(p->net, "accuracy", logits, p->feeds[1]);
  p->step = tn_net_global_step(p->net);
  tn_optimizer optimizer = adam(t);
  if (t->sync) {
    p->sync = tn_net_minimize_sync(p->net, &optimizer, loss, &(tn_sync_options){.replicas = t->n_workers});
    p->train = p->sync.train;
  } else {
    p->train = tn_net_minimize(p->net, &optimizer, loss);
  }
  p->initialize = tn_net_initializer(p->net);
  p->ready = tn_net_ready(p->net);
  return tn_error_copy(tn_net_error(p->net));
}

/* --- the chief's thread, which makes a step of what the workers give --- */

typedef struct updater {
  tn_session *session;
  tn_node *update;
  tn_cancellation *stop;
} updater;

static void *update_steps(void *argument) {
  const updater *u = argument;
  tn_error *error = NULL;
  while (!error) error = run_node(u->session, &(tn_run_options){.cancellation = u->stop}, u->update);
  if (tn_error_code(error) != TN_CANCELLED) fprintf(stderr, "updates: %s\n", tn_error_message(error));
  tn_error_free(error);
  return NULL;
}

/* --- training --- */

/* Has the chief give the variables their values, and the others wait for that. */
static tn_error *start(const task *t, const program *p, tn_session *session) {
  bool ready = t->index == 0;
  if (ready) TN_TRY(run_node(session, NULL, p->initialize));
  if (ready && t->sync) TN_TRY(run_node(session, NULL, p->sync.start));
  while (!ready) {
    tn_tensor *got;
    TN_TRY(tn_session_run(session, NULL, 0, NULL, NULL, 1, &p->ready, 0, NULL, &got, NULL));
    ready = *(const bool *)tn_tensor_data(got);
    tn_tensor_free(got);
    if (!ready) nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
  }
  return t->sync ? run_node(session, NULL, p->sync.join) : NULL;
}

static tn_error *train(const task *t, const program *p, tn_session *session, const tn_dataset *data) {
  batches b;
  tn_error *error = NULL;
  int64_t global = 0, own = 0;
  if (!batches_open(&b, data, (uint64_t)t->index + 1)) return tn_errorf(TN_RESOURCE_EXHAUSTED, "no memory");
  for (; global < t->steps && !error; own++) {
    tn_tensor *values[2], *got;
    error = take(&b, -1, t->batch, values);
    if (error) break;
    error = tn_session_run(session, NULL, 2, p->feeds, values, 1, &p->step, 1, &p->train, &got, NULL);
    tn_tensor_free(values[0]);
    tn_tensor_free(values[1]);
    if (error) break;
    global = *(const int64_t *)tn_tensor_data(got);
    tn_tensor_free(got);
  }
  free(b.order);
  if (!error) printf("worker %d took %lld steps\n", t->index, (long long)own);
  return error;
}

static tn_error *work(const task *t, const program *p, tn_session *session, const tn_datasets *mnist) {
  updater u = {.session = session, .update = p->sync.update};
  pthread_t thread;
  double percent = 0;
  TN_TRY(start(t, p, session));
  bool updates = t->sync && t->index == 0;
  if (updates) TN_TRY(tn_cancellation_new(&u.stop));
  if (updates && pthread_create(&thread, NULL, update_steps, &u) != 0) {
    tn_cancellation_free(u.stop);
    return tn_errorf(TN_RESOURCE_EXHAUSTED, "the system grants no more threads");
  }
  tn_error *error = train(t, p, session, mnist->train);
  if (updates) {
    tn_cancellation_cancel(u.stop);
    pthread_join(thread, NULL);
    tn_cancellation_free(u.stop);
  }
  if (!error && t->index == 0) {
    error = accuracy(session, mnist->test, p->feeds, p->metric, &percent);
    if (!error) printf("test accuracy: %.2f %%\n", percent);
  }
  return error;
}

static tn_error *run(const task *t, tn_server *server) {
  program p = {0};
  tn_session *session = NULL;
  tn_datasets mnist = {0};
  tn_error *error = tn_datasets_load("mnist", NULL, &mnist);
  if (!error) error = build(t, &p);
  if (!error) error = tn_session_connect(p.graph, &(tn_connect_options){.target = tn_server_target(server)}, &session);
  if (!error) error = work(t, &p, session, &mnist);
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
  if (!error && strcmp(t.job, "ps") == 0) tn_server_join(server, -1);
  if (!error && strcmp(t.job, "worker") == 0) error = run(&t, server);
  if (error) fprintf(stderr, "%s: %s\n", tn_code_name(tn_error_code(error)), tn_error_message(error));
  int status = error ? 1 : 0;
  tn_error_free(error);
  tn_server_free(server);
  return status;
}
