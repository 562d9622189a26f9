/* Workers and parameter servers whose computation is a pause. */
#include "job.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct worker {
  const job *job;
  int index;
  char token[32];
  uint64_t random;
  double computed_s;
  int64_t computations;
  tn_graph *graph;
  tn_net *net;
  tn_session *session;
  tn_output step, ready;
  tn_node *initialize, *train;
  tn_sync_step sync;
  tn_cancellation *stop;
} worker;

static double now_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void pause_s(double s) {
  nanosleep(&(struct timespec){.tv_sec = (time_t)s, .tv_nsec = (long)((s - floor(s)) * 1e9)}, NULL);
}

/* --- the computation --- */

static double uniform(worker *w) { /* SplitMix64, in (0, 1) */
  uint64_t z = w->random += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return ((double)((z ^ (z >> 31)) >> 11) + 0.5) / 9007199254740992.0;
}

static double draw_s(worker *w) {
  const job *j = w->job;
  double normal = sqrt(-2 * log(uniform(w))) * cos(2 * 3.14159265358979323846 * uniform(w));
  double slow = uniform(w) < j->slow_share ? j->slow_times : 1;
  return j->compute_ms * 1e-3 * exp(j->spread * normal) * slow;
}

/* From the variables to their gradients. */
static tn_error *compute(void *argument, size_t n_in, tn_tensor *const *in, size_t n_out, const tn_dtype *types,
                         tn_tensor **out) {
  worker *w = argument;
  double takes = draw_s(w);
  w->job->work_s(takes);
  w->computed_s += takes;
  w->computations++;
  for (size_t i = 0; i < n_out; i++) {
    int64_t n = tn_tensor_elements(in[i < n_in ? i : 0]);
    tn_error *error = tn_tensor_new(types[i], 1, &n, &out[i]);
    if (error) {
      while (i-- > 0) tn_tensor_free(out[i]);
      return error;
    }
    memset(tn_tensor_data(out[i]), 0, (size_t)n * sizeof(float));
  }
  return NULL;
}

/* --- the graph --- */

static tn_output op(worker *w, const char *type, size_t n, const tn_output *inputs) {
  tn_node *made = NULL;
  if (tn_net_error(w->net)) return (tn_output){NULL, 0};
  tn_node_builder *node = tn_node_begin(w->graph, type, NULL);
  for (size_t i = 0; i < n; i++) tn_node_input(node, inputs[i]);
  tn_error *error = tn_node_finish(node, &made);
  if (error) tn_net_fail(w->net, error);
  return (tn_output){made, 0};
}

static tn_output axis(worker *w) {
  tn_tensor *value = NULL;
  tn_node *made = NULL;
  tn_error *error = tn_tensor_copy_of(TN_INT32, 0, NULL, &(int32_t){0}, &value);
  tn_node_builder *node = tn_node_begin(w->graph, "Const", "axis");
  tn_node_attr_type(node, "dtype", TN_INT32);
  if (value) tn_node_attr_tensor(node, "value", value);
  if (!error) error = tn_node_finish(node, &made);
  tn_tensor_free(value);
  if (error) tn_net_fail(w->net, error);
  return (tn_output){made, 0};
}

/* A call of COMPUTE with all N variables. */
static tn_node *call_compute(worker *w, int n, const tn_output *variables) {
  tn_node *made = NULL;
  tn_dtype *types = malloc((size_t)n * sizeof *types);
  if (!types || tn_net_error(w->net)) {
    free(types);
    return NULL;
  }
  for (int i = 0; i < n; i++) types[i] = TN_FLOAT;
  tn_node_builder *node = tn_node_begin(w->graph, "PyFunc", "compute");
  for (int i = 0; i < n; i++) tn_node_input(node, variables[i]);
  tn_node_attr_types(node, "Tin", types, (size_t)n);
  tn_node_attr_types(node, "Tout", types, (size_t)n);
  tn_node_attr_string(node, "token", w->token, strlen(w->token));
  tn_error *error = tn_node_finish(node, &made);
  for (int i = 0; i < n && !error; i++) {
    error = tn_output_set_shape((tn_output){made, i}, &(tn_shape){1, {w->job->elements}});
  }
  if (error) tn_net_fail(w->net, error);
  free(types);
  return made;
}

/* The sum of variable * result of the computation: those results are its gradients. */
static tn_output loss_of(worker *w, int n, const tn_output *variables) {
  tn_node *computed = call_compute(w, n, variables);
  tn_output *terms = calloc((size_t)n, sizeof *terms), zero = axis(w), loss = {NULL, 0};
  for (int i = 0; i < n && terms; i++) {
    tn_output product = op(w, "Mul", 2, (const tn_output[]){variables[i], {computed, i}});
    terms[i] = op(w, "Sum", 2, (const tn_output[]){product, zero});
  }
  if (terms) loss = op(w, "AddN", (size_t)n, terms);
  free(terms);
  return loss;
}

static tn_error *build(worker *w) {
  const job *j = w->job;
  char text[64];
  tn_output *variables = calloc((size_t)j->n_ps, sizeof *variables);
  tn_initializer zeros = {.kind = TN_INIT_ZEROS};
  if (!variables) return tn_errorf(TN_RESOURCE_EXHAUSTED, "no memory");
  snprintf(text, sizeof text, "/job:worker/task:%d", w->index);
  tn_error *error = tn_graph_new(&w->graph);
  if (!error) error = tn_net_new(w->graph, &w->net);
  if (!error) error = tn_graph_push_device(w->graph, text);
  if (error) {
    free(variables);
    return error;
  }
  tn_net_parameter_servers(w->net, "ps", j->n_ps, false);
  w->step = tn_net_global_step(w->net);
  tn_net_parameter_servers(w->net, "ps", j->n_ps, false);
  for (int i = 0; i < j->n_ps; i++) {
    snprintf(text, sizeof text, "v%d", i);
    variables[i] = tn_net_variable_new(w->net, text, TN_FLOAT, &(tn_shape){1, {j->elements}}, &zeros, true);
  }
  tn_optimizer sgd = tn_sgd(0.1f);
  tn_output loss = loss_of(w, j->n_ps, variables);
  free(variables);
  if (j->sync) {
    tn_sync_options options = {.replicas = j->n_workers, .aggregate = j->n_workers - j->backups};
    w->sync = tn_net_minimize_sync(w->net, &sgd, loss, &options);
    w->train = w->sync.train;
  } else {
    w->train = tn_net_minimize(w->net, &sgd, loss);
  }
  w->initialize = tn_net_initializer(w->net);
  w->ready = tn_net_ready(w->net);
  return tn_error_copy(tn_net_error(w->net));
}

/* --- running it --- */

static tn_error *run_node(worker *w, const tn_run_options *options, tn_node *node) {
  return tn_session_run(w->session, options, 0, NULL, NULL, 0, NULL, 1, &node, NULL, NULL);
}

/* A session that knows the parameter servers and this task alone, as large clusters need it: ConfigProto's
 * device_filters. */
static tn_error *connect(worker *w, const tn_server *server) {
  char filter[64], config[160];
  int size = 0;
  for (int i = 0; i < 2; i++) {
    snprintf(filter, sizeof filter, i ? "/job:worker/task:%d" : "/job:ps", w->index);
    size += snprintf(config + size, sizeof config - (size_t)size, "\x22%c%s", (int)strlen(filter), filter);
  }
  tn_connect_options options = {.target = tn_server_target(server), .config = config, .config_size = (size_t)size};
  return tn_session_connect(w->graph, &options, &w->session);
}

static tn_error *start(worker *w) {
  bool ready = w->index == 0;
  if (ready) TN_TRY(run_node(w, NULL, w->initialize));
  if (ready && w->job->sync) TN_TRY(run_node(w, NULL, w->sync.start));
  while (!ready) {
    tn_tensor *got;
    TN_TRY(tn_session_run(w->session, NULL, 0, NULL, NULL, 1, &w->ready, 0, NULL, &got, NULL));
    ready = *(const bool *)tn_tensor_data(got);
    tn_tensor_free(got);
    if (!ready) pause_s(0.2);
  }
  return w->job->sync ? run_node(w, NULL, w->sync.join) : NULL;
}

static void *update_steps(void *argument) {
  worker *w = argument;
  tn_error *error = NULL;
  while (!error) error = run_node(w, &(tn_run_options){.cancellation = w->stop}, w->sync.update);
  if (tn_error_code(error) != TN_CANCELLED) fprintf(stderr, "updates: %s\n", tn_error_message(error));
  tn_error_free(error);
  return NULL;
}

/* Steps until all of the job's are taken, or the chief has left. */
static tn_error *train(worker *w, double began_s, job_result *out) {
  const job *j = w->job;
  int64_t times = j->sync ? 1 : j->n_workers, warm = j->warm * times, all = warm + j->steps * times;
  int64_t global = 0, at_warm = 0;
  double warm_s = 0;
  for (; global < all && !(j->ended && *j->ended); out->taken++) {
    tn_tensor *got;
    TN_TRY(tn_session_run(w->session, NULL, 0, NULL, NULL, 1, &w->step, 1, &w->train, &got, NULL));
    global = *(const int64_t *)tn_tensor_data(got);
    tn_tensor_free(got);
    if (!out->taken) out->start_s = now_s() - began_s;
    if (warm_s > 0 || global < warm) continue;
    warm_s = now_s();
    at_warm = global;
  }
  out->from_s = warm_s;
  out->to_s = now_s();
  out->steps_s = (double)(global - at_warm) / (out->to_s - warm_s);
  out->compute_s = w->computations ? w->computed_s / (double)w->computations : 0;
  return NULL;
}

static tn_error *work(worker *w, double began_s, job_result *out) {
  pthread_t thread;
  TN_TRY(start(w));
  bool updates = w->job->sync && w->index == 0;
  if (updates) TN_TRY(tn_cancellation_new(&w->stop));
  if (updates && pthread_create(&thread, NULL, update_steps, w) != 0) {
    return tn_errorf(TN_RESOURCE_EXHAUSTED, "the system grants no more threads");
  }
  tn_error *error = train(w, began_s, out);
  if (!updates) return error;
  tn_cancellation_cancel(w->stop);
  pthread_join(thread, NULL);
  tn_cancellation_free(w->stop);
  return error;
}

static tn_error *serve(const job *j, const char *name, int index, tn_server **out) {
  tn_session_options session = {.intra_op_threads = 1, .inter_op_threads = 1};
  tn_server_options options = {.cluster = j->cluster, .job = name, .task = index, .session = &session};
  return tn_server_new(&options, out);
}

tn_error *job_serve(const job *j, int index) {
  tn_server *server = NULL;
  TN_TRY(serve(j, "ps", index, &server));
  while (!tn_server_join(server, 100) && !(j->ended && *j->ended)) {
  }
  tn_server_free(server);
  return NULL;
}

tn_error *job_work(const job *j, int index, job_result *out) {
  worker w = {.job = j, .index = index, .random = j->seed * 1000003 + (uint64_t)index};
  tn_server *server = NULL;
  double began_s = now_s();
  *out = (job_result){0};
  snprintf(w.token, sizeof w.token, "compute%d", index);
  TN_TRY(tn_host_function_register(w.token, compute, &w, NULL));
  tn_error *error = serve(j, "worker", index, &server);
  if (!error) error = build(&w);
  if (!error) error = connect(&w, server);
  if (!error) error = work(&w, began_s, out);
  if (w.session) tn_session_free(w.session);
  tn_net_free(w.net);
  if (w.graph) tn_graph_free(w.graph);
  tn_server_free(server);
  tn_host_function_unregister(w.token);
  return error;
}
