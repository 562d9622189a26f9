/* What the distributed examples share: the flags that `tenon run` gives each task, a network for MNIST, and batches. */
#ifndef EXAMPLES_DISTRIBUTED_TASK_H
#define EXAMPLES_DISTRIBUTED_TASK_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/tenon.h>

typedef struct task {
  const char *ps_hosts, *worker_hosts, *job;
  int index, n_ps, n_workers;
  bool sync;
  int64_t steps, batch;
} task;

static inline int count(const char *hosts) {
  int n = *hosts ? 1 : 0;
  for (; *hosts; hosts++) n += *hosts == ',';
  return n;
}

/* "--ps_hosts=a:1,b:2 --worker_hosts=... --job_name=worker --task_index=0 [--sync_replicas] [--steps=N]". */
static inline tn_error *read_flags(int argc, char **argv, task *t) {
  *t = (task){.ps_hosts = "", .worker_hosts = "", .job = "worker", .steps = 2600, .batch = 100};
  for (int i = 1; i < argc; i++) {
    const char *value = strchr(argv[i], '=');
    size_t size = value ? (size_t)(value++ - argv[i]) : strlen(argv[i]);
    char name[32];
    snprintf(name, sizeof name, "%.*s", (int)size, argv[i]);
    if (strcmp(name, "--sync_replicas") == 0) {
      t->sync = true;
    } else if (value && strcmp(name, "--ps_hosts") == 0) {
      t->ps_hosts = value;
    } else if (value && strcmp(name, "--worker_hosts") == 0) {
      t->worker_hosts = value;
    } else if (value && strcmp(name, "--job_name") == 0) {
      t->job = value;
    } else if (value && strcmp(name, "--task_index") == 0) {
      t->index = atoi(value);
    } else if (value && strcmp(name, "--steps") == 0) {
      t->steps = atoll(value);
    } else {
      return tn_errorf(TN_INVALID_ARGUMENT, "unknown argument %s", argv[i]);
    }
  }
  t->n_ps = count(t->ps_hosts);
  t->n_workers = count(t->worker_hosts);
  return NULL;
}

/* This task's server. */
static inline tn_error *serve(const task *t, tn_server **out) {
  char cluster[8192];
  snprintf(cluster, sizeof cluster, "ps=%s;worker=%s", t->ps_hosts, t->worker_hosts);
  return tn_server_new(&(tn_server_options){.cluster = cluster, .job = t->job, .task = t->index}, out);
}

/* A placeholder. */
static inline tn_output placeholder(tn_net *net, const char *name, tn_dtype dtype, const tn_shape *shape) {
  tn_node_builder *node = tn_node_begin(tn_net_graph(net), "Placeholder", name);
  tn_node *made = NULL;
  tn_node_attr_type(node, "dtype", dtype);
  tn_node_attr_shape(node, "shape", shape);
  tn_error *error = tn_node_finish(node, &made);
  if (error) tn_net_fail(net, error);
  return (tn_output){made, 0};
}

/* Two convolutions and two layers, to ten logits. */
static inline tn_output lenet(tn_net *net, tn_output images) {
  const tn_layer_options convolution = {.activation = "relu", .padding = "VALID"}, hidden = {.activation = "relu"};
  tn_output x = tn_net_max_pool(net, tn_net_conv2d(net, images, 16, 5, &convolution), 2, NULL);
  x = tn_net_max_pool(net, tn_net_conv2d(net, x, 32, 5, &convolution), 2, NULL);
  return tn_net_dense(net, tn_net_dense(net, tn_net_flatten(net, x), 128, &hidden), 10, NULL);
}

/* Adam, whose rate falls to 0 over the run. */
static inline tn_optimizer adam(const task *t) {
  tn_optimizer o = tn_adam(0.003f);
  o.rate.kind = TN_RATE_POLYNOMIAL;
  o.rate.steps = t->steps;
  return o;
}

/* Examples of a data set in an order of its own, again and again. */
typedef struct batches {
  const tn_dataset *data;
  uint64_t state;
  int64_t n, next, *order;
} batches;

static inline uint64_t random_number(batches *b) { /* SplitMix64 */
  uint64_t z = b->state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

static inline bool batches_open(batches *b, const tn_dataset *data, uint64_t seed) {
  int64_t n = tn_dataset_size(data);
  *b = (batches){.data = data, .state = seed, .n = n, .next = n, .order = malloc((size_t)n * sizeof *b->order)};
  for (int64_t i = 0; b->order && i < n; i++) b->order[i] = i;
  return b->order != NULL;
}

static inline int64_t next_example(batches *b) {
  if (b->next == b->n) {
    for (int64_t i = b->n - 1; i > 0; i--) {
      int64_t k = (int64_t)(random_number(b) % (uint64_t)(i + 1)), other = b->order[k];
      b->order[k] = b->order[i];
      b->order[i] = other;
    }
    b->next = 0;
  }
  return b->order[b->next++];
}

/* N examples as the network takes them: VALUES[0] float32 [N,28,28,1] in [0,1], VALUES[1] int64 [N]. B's own order, or
 * (FROM >= 0) those from FROM on. */
static inline tn_error *take(batches *b, int64_t from, int64_t n, tn_tensor *values[2]) {
  const int64_t dims[] = {n, 28, 28, 1};
  const uint8_t *pixels = tn_tensor_data(tn_dataset_features(b->data));
  const int64_t *labels = tn_tensor_data(tn_dataset_labels(b->data));
  TN_TRY(tn_tensor_new(TN_FLOAT, 4, dims, &values[0]));
  tn_error *error = tn_tensor_new(TN_INT64, 1, dims, &values[1]);
  if (error) {
    tn_tensor_free(values[0]);
    return error;
  }
  float *to = tn_tensor_data(values[0]);
  for (int64_t i = 0; i < n; i++) {
    int64_t k = from < 0 ? next_example(b) : from + i;
    for (int64_t j = 0; j < 784; j++) to[i * 784 + j] = (float)pixels[k * 784 + j] / 255;
    ((int64_t *)tn_tensor_data(values[1]))[i] = labels[k];
  }
  return NULL;
}

/* Runs NODE, with a batch for FEEDS where BATCH says so. */
static inline tn_error *run_node(tn_session *session, const tn_run_options *options, tn_node *node) {
  return tn_session_run(session, options, 0, NULL, NULL, 0, NULL, 1, &node, NULL, NULL);
}

/* The share of the test images that METRIC, fed through FEEDS, counts as right, in percent. */
static inline tn_error *accuracy(tn_session *session, const tn_dataset *test, const tn_output feeds[2],
                                 tn_net_metric metric, double *out) {
  batches b = {.data = test};
  double right = 0, all = 0;
  for (int64_t i = 0; i < tn_dataset_size(test); i += 1000) {
    tn_tensor *values[2], *got[2];
    const tn_output fetches[] = {metric.total, metric.count};
    TN_TRY(take(&b, i, 1000, values));
    tn_error *error = tn_session_run(session, NULL, 2, feeds, values, 2, fetches, 0, NULL, got, NULL);
    tn_tensor_free(values[0]);
    tn_tensor_free(values[1]);
    if (error) return error;
    right += (double)*(const float *)tn_tensor_data(got[0]);
    all += (double)*(const float *)tn_tensor_data(got[1]);
    tn_tensor_free(got[0]);
    tn_tensor_free(got[1]);
  }
  *out = 100 * right / all;
  return NULL;
}

#endif
