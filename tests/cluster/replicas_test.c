/* Training by several workers from C: where variables lie, and steps of several workers' gradients. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/server.h>
#include <tenon/train.h>
#include <unistd.h>

#include "runtime/builder.h"

enum { ROWS = 5, WIDTH = 2, STEPS = 6, WORKERS = 2 };

/* --- where variables lie --- */

static const char *device_of(const tn_net *net, const char *variable) {
  return tn_node_device_of(tn_net_find_variable(net, variable)->ref.node);
}

static tn_output add_vector(tn_net *net, const char *name, int64_t n) {
  return tn_net_variable_new(net, name, TN_FLOAT, &(tn_shape){1, {n}}, NULL, true);
}

static void variables_lie_on_servers(void **state) {
  (void)state;
  for (int by_bytes = 0; by_bytes < 2; by_bytes++) {
    tn_graph *graph;
    tn_net *net;
    ok(tn_graph_new(&graph));
    ok(tn_net_new(graph, &net));
    ok(tn_graph_push_device(graph, "/job:worker/task:1"));
    tn_net_parameter_servers(net, NULL, 2, by_bytes);
    tn_output a = add_vector(net, "a", 100), b = add_vector(net, "b", 10), c = add_vector(net, "c", 10);
    assert_string_equal(device_of(net, "a"), "/job:ps/task:0");
    assert_string_equal(device_of(net, "b"), "/job:ps/task:1");
    assert_string_equal(device_of(net, "c"), by_bytes ? "/job:ps/task:1" : "/job:ps/task:0");
    tn_net_parameter_servers(net, "store", 1, false);
    add_vector(net, "d", 1);
    assert_string_equal(device_of(net, "d"), "/job:store/task:0");
    tn_net_parameter_servers(net, NULL, 0, false);
    add_vector(net, "e", 1);
    assert_string_equal(device_of(net, "e"), "/job:worker/task:1");
    tn_net_parameter_servers(net, NULL, 2, by_bytes);
    tn_output loss = tn_net_loss(net, "mean_squared_error", a, a);
    for (int i = 0; i < 2; i++) {
      tn_output x = i ? b : c, terms[] = {loss, tn_net_loss(net, "mean_squared_error", x, x)};
      tn_node_builder *sum = tn_node_begin(graph, "AddN", NULL);
      for (int k = 0; k < 2; k++) tn_node_input(sum, terms[k]);
      loss.index = 0;
      ok(tn_node_finish(sum, &loss.node));
    }
    tn_optimizer optimizer = tn_adam(0.1f);
    optimizer.average = 0.5f;
    assert_non_null(tn_net_minimize(net, &optimizer, loss));
    assert_null(tn_net_error(net));
    static const char *const with_a[] = {"a/Adam", "a/Adam_1", "a/ExponentialMovingAverage"};
    for (int i = 0; i < 3; i++) assert_string_equal(device_of(net, with_a[i]), "/job:ps/task:0");
    assert_string_equal(device_of(net, "b/Adam_1"), "/job:ps/task:1");
    assert_memory_equal(device_of(net, "global_step"), "/job:ps", 7);
    tn_net_free(net);
    tn_graph_free(graph);
  }
}

static void bad_input(void **state) {
  (void)state;
  char job[200];
  tn_graph *graph;
  tn_net *net;
  memset(job, 'x', sizeof job - 1);
  job[sizeof job - 1] = 0;
  ok(tn_graph_new(&graph));
  ok(tn_net_new(graph, &net));
  tn_net_parameter_servers(net, job, 1, false);
  assert_int_equal(tn_error_code(tn_net_error(net)), TN_INVALID_ARGUMENT);
  assert_null(tn_net_ready(net).node);
  tn_net_free(net);
  ok(tn_net_new(graph, &net));
  tn_optimizer optimizer = tn_sgd(1);
  tn_output loss = tn_net_loss(net, "mean_squared_error", add_vector(net, "v", 1), add_vector(net, "w", 1));
  assert_null(tn_net_minimize_sync(net, &optimizer, loss, &(tn_sync_options){0}).train);
  assert_string_equal(tn_error_message(tn_net_error(net)), "0 replicas cannot train together");
  tn_net_free(net);
  tn_graph_free(graph);
}

/* --- steps of several workers --- */

/* What each worker builds, in a cluster of this process. */
typedef struct replica {
  tn_graph *graph;
  tn_net *net;
  tn_output targets, ready, table, dense, step;
  tn_node *initialize;
  tn_sync_step sync;
  tn_session *session;
  float target; /* what it is fed */
} replica;

typedef struct cluster {
  char folder[64];
  tn_server *servers[1 + WORKERS];
} cluster;

static void start_all(cluster *c) {
  char spec[512];
  snprintf(c->folder, sizeof c->folder, "/tmp/tenon-replicas-XXXXXX");
  assert_non_null(mkdtemp(c->folder));
  snprintf(spec, sizeof spec, "ps=unix:%s/0;worker=unix:%s/1,unix:%s/2", c->folder, c->folder, c->folder);
  for (int i = 0; i <= WORKERS; i++) {
    tn_session_options session = {.intra_op_threads = 1};
    tn_server_options options = {
        .cluster = spec, .job = i ? "worker" : "ps", .task = i ? i - 1 : 0, .session = &session};
    ok(tn_server_new(&options, &c->servers[i]));
  }
}

static void stop_all(cluster *c) {
  char path[128];
  for (int i = 0; i <= WORKERS; i++) {
    tn_server_free(c->servers[i]);
    snprintf(path, sizeof path, "%s/%d", c->folder, i);
    unlink(path);
  }
  rmdir(c->folder);
}

/* loss = mean((v - y)^2) + mean((rows 1 and 3 of a table - y)^2). */
static void build(replica *r, int worker, int aggregate) {
  char device[64];
  const int64_t n = 2;
  tn_initializer zeros = {.kind = TN_INIT_ZEROS};
  ok(tn_graph_new(&r->graph));
  ok(tn_net_new(r->graph, &r->net));
  snprintf(device, sizeof device, "/job:worker/task:%d", worker);
  ok(tn_graph_push_device(r->graph, device));
  tn_net_parameter_servers(r->net, NULL, 1, false);
  tn_node *node;
  tn_node_builder *b = tn_node_begin(r->graph, "Placeholder", "targets");
  tn_node_attr_type(b, "dtype", TN_FLOAT);
  tn_node_attr_shape(b, "shape", &(tn_shape){2, {n, WIDTH}});
  ok(tn_node_finish(b, &node));
  r->targets = (tn_output){node, 0};
  tn_tensor *ids;
  ok(tn_tensor_copy_of(TN_INT32, 1, &n, (const int32_t[]){1, 3}, &ids));
  b = tn_node_begin(r->graph, "Const", "ids");
  tn_node_attr_type(b, "dtype", TN_INT32);
  tn_node_attr_tensor(b, "value", ids);
  ok(tn_node_finish(b, &node));
  tn_tensor_free(ids);
  r->dense = tn_net_variable_new(r->net, "v", TN_FLOAT, &(tn_shape){2, {n, WIDTH}}, &zeros, true);
  tn_layer_options options = {.name = "table", .kernel = zeros};
  tn_output rows = tn_net_embedding(r->net, (tn_output){node, 0}, ROWS, WIDTH, &options);
  r->table = tn_net_find_variable(r->net, "table/embeddings")->read;
  tn_output both[] = {tn_net_loss(r->net, "mean_squared_error", r->dense, r->targets),
                      tn_net_loss(r->net, "mean_squared_error", rows, r->targets)};
  b = tn_node_begin(r->graph, "AddN", NULL);
  for (int i = 0; i < 2; i++) tn_node_input(b, both[i]);
  ok(tn_node_finish(b, &node));
  tn_optimizer sgd = tn_sgd(0.5f);
  tn_sync_options sync = {.replicas = WORKERS, .aggregate = aggregate};
  r->sync = tn_net_minimize_sync(r->net, &sgd, (tn_output){node, 0}, &sync);
  r->step = tn_net_global_step(r->net);
  r->ready = tn_net_ready(r->net);
  r->initialize = tn_net_initializer(r->net);
  assert_null(tn_net_error(r->net));
}

static void connect_all(cluster *c, replica *replicas, int aggregate) {
  start_all(c);
  for (int i = 0; i < WORKERS; i++) {
    build(&replicas[i], i, aggregate);
    tn_connect_options options = {.target = tn_server_target(c->servers[1 + i])};
    ok(tn_session_connect(replicas[i].graph, &options, &replicas[i].session));
  }
}

static void disconnect_all(cluster *c, replica *replicas) {
  for (int i = 0; i < WORKERS; i++) {
    tn_session_free(replicas[i].session);
    tn_net_free(replicas[i].net);
    tn_graph_free(replicas[i].graph);
  }
  stop_all(c);
}

static void run_here(replica *r, tn_node *node) {
  const int64_t dims[] = {2, WIDTH};
  tn_tensor *value;
  const float y[] = {r->target, r->target, r->target, r->target};
  ok(tn_tensor_copy_of(TN_FLOAT, 2, dims, y, &value));
  ok(tn_session_run(r->session, NULL, 1, &r->targets, &value, 0, NULL, 1, &node, NULL, NULL));
  tn_tensor_free(value);
}

static void check(replica *r, float expected, int64_t steps) {
  tn_tensor *got[3];
  const tn_output fetches[] = {r->dense, r->table, r->step};
  ok(tn_session_run(r->session, NULL, 0, NULL, NULL, 3, fetches, 0, NULL, got, NULL));
  const float *v = tn_tensor_data(got[0]), *table = tn_tensor_data(got[1]);
  for (int i = 0; i < 2 * WIDTH; i++) assert_float_equal(v[i], expected, 1e-6f);
  for (int i = 0; i < ROWS * WIDTH; i++) {
    bool used = i / WIDTH == 1 || i / WIDTH == 3;
    assert_float_equal(table[i], used ? expected : 0, 1e-6f);
  }
  assert_int_equal(*(const int64_t *)tn_tensor_data(got[2]), steps);
  for (int i = 0; i < 3; i++) tn_tensor_free(got[i]);
}

static bool is_ready(replica *r) {
  tn_tensor *got;
  ok(tn_session_run(r->session, NULL, 0, NULL, NULL, 1, &r->ready, 0, NULL, &got, NULL));
  bool ready = *(const bool *)tn_tensor_data(got);
  tn_tensor_free(got);
  return ready;
}

/* Each step is of both workers' mean gradient, dense and sparse. The tokens that lie ready at the start let workers be
 * one step ahead of the chief, so that one thread can run all of them in turn. */
static void workers_step_together(void **state) {
  (void)state;
  cluster c;
  replica replicas[WORKERS] = {{.target = 1}, {.target = 5}};
  float expected = 0;
  connect_all(&c, replicas, 0);
  assert_false(is_ready(&replicas[1]));
  run_here(&replicas[0], replicas[0].initialize);
  assert_true(is_ready(&replicas[1]));
  run_here(&replicas[0], replicas[0].sync.start);
  for (int i = 0; i < WORKERS; i++) run_here(&replicas[i], replicas[i].sync.join);
  for (int step = 1; step <= STEPS; step++) {
    for (int i = 0; i < WORKERS; i++) run_here(&replicas[i], replicas[i].sync.train);
    run_here(&replicas[0], replicas[0].sync.update);
    expected -= 0.5f * (expected - (1.0f + 5.0f) / 2) / 2; /* the gradient of the mean of four squares is (x - y) / 2 */
    check(&replicas[1], expected, step);
    /* Workers hold the tokens of the step before: they follow, and what they give is of this step. */
    for (int i = 0; i < WORKERS; i++) run_here(&replicas[i], replicas[i].sync.join);
  }
  disconnect_all(&c, replicas);
}

/* With a backup worker the gradient that comes too late is dropped, and its worker goes on. */
static void late_gradients_are_dropped(void **state) {
  (void)state;
  cluster c;
  replica replicas[WORKERS] = {{.target = 1}, {.target = 5}};
  connect_all(&c, replicas, 1);
  run_here(&replicas[0], replicas[0].initialize);
  run_here(&replicas[0], replicas[0].sync.start);
  for (int i = 0; i < WORKERS; i++) run_here(&replicas[i], replicas[i].sync.join);
  run_here(&replicas[0], replicas[0].sync.train);
  run_here(&replicas[0], replicas[0].sync.update);
  check(&replicas[0], 0.25f, 1);
  run_here(&replicas[1], replicas[1].sync.train); /* of step 0 */
  check(&replicas[0], 0.25f, 1);
  run_here(&replicas[1], replicas[1].sync.train); /* of step 1 */
  run_here(&replicas[0], replicas[0].sync.update);
  check(&replicas[0], 0.25f - 0.5f * (0.25f - 5) / 2, 2);
  disconnect_all(&c, replicas);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(variables_lie_on_servers), cmocka_unit_test(bad_input),
                                     cmocka_unit_test(workers_step_together),
                                     cmocka_unit_test(late_gradients_are_dropped)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
