/* A parameter server and two workers in one process, over Unix sockets: steps, errors, sessions' life. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/server.h>
#include <time.h>
#include <unistd.h>

#include "base/thread.h"
#include "runtime/builder.h"

enum { TASKS = 3, ROWS = 2, COLUMNS = 1500 };

typedef struct cluster {
  char folder[64], spec[512];
  tn_server *servers[TASKS];
} cluster;

static const struct {
  const char *job;
  int task;
} tasks[TASKS] = {{"ps", 0}, {"worker", 0}, {"worker", 1}};

static tn_server *start(const cluster *c, int i) {
  tn_server *server = NULL;
  tn_session_options session = {.intra_op_threads = 1};
  tn_server_options options = {.cluster = c->spec, .job = tasks[i].job, .task = tasks[i].task, .session = &session};
  ok(tn_server_new(&options, &server));
  return server;
}

static void start_all(cluster *c) {
  snprintf(c->folder, sizeof c->folder, "/tmp/tenon-cluster-XXXXXX");
  assert_non_null(mkdtemp(c->folder));
  snprintf(c->spec, sizeof c->spec, "ps=unix:%s/ps0;worker=unix:%s/w0,unix:%s/w1", c->folder, c->folder, c->folder);
  for (int i = 0; i < TASKS; i++) c->servers[i] = start(c, i);
}

static void stop_all(cluster *c) {
  for (int i = 0; i < TASKS; i++) tn_server_free(c->servers[i]);
  char path[128];
  static const char *const names[] = {"ps0", "w0", "w1"};
  for (int i = 0; i < TASKS; i++) {
    snprintf(path, sizeof path, "%s/%s", c->folder, names[i]);
    unlink(path);
  }
  rmdir(c->folder);
}

/* A session at task I: called directly, or, if REMOTE, through its socket. */
static tn_session *connect_to(const cluster *c, tn_graph *graph, int i, bool remote) {
  char target[256];
  const char *address = strstr(tn_server_target(c->servers[i]), "/tmp/");
  /* Another way to write the path is not found among the servers of this process. */
  snprintf(target, sizeof target, "grpc://unix:%s%s", remote ? "/." : "", address);
  tn_session *session = NULL;
  ok(tn_session_connect(graph, &(tn_connect_options){.target = target}, &session));
  return session;
}

static tn_output on(const char *device, tn_output output) {
  ok(tn_node_set_device(output.node, device));
  return output;
}

/* y = square(v * x) with v on the parameter server, the product on one worker, the square on the other. */
typedef struct model {
  tn_graph *graph;
  tn_output x, v, init, product, y, update;
} model;

static model new_model(void) {
  model m = {.graph = new_graph()};
  m.x = placeholder(m.graph, "x");
  m.v = on("/job:ps/task:0", variable(m.graph, "v", ROWS, COLUMNS));
  tn_output two = on("/job:ps/task:0", constant(m.graph, "two", filled(ROWS, COLUMNS, 2)));
  m.init = on("/job:ps/task:0", op2(m.graph, "Assign", "init", m.v, two));
  m.product = on("/job:worker/task:0", op2(m.graph, "Mul", "product", m.v, m.x));
  m.y = on("/job:worker/task:1", op1(m.graph, "Square", "y", m.product));
  m.update = on("/job:ps/task:0", op2(m.graph, "AssignAdd", "update", m.v, m.y));
  return m;
}

static void check_value(tn_session *session, const model *m, float x, float expected) {
  tn_tensor *value = filled(ROWS, COLUMNS, x), *out = run(session, m->x, value, m->y);
  assert_int_equal(tn_tensor_elements(out), ROWS * COLUMNS);
  for (int i = 0; i < ROWS * COLUMNS; i += 977) assert_float_equal(at(out, i), expected, 1e-5);
  tn_tensor_free(value);
  tn_tensor_free(out);
}

static void steps(void **state) {
  (void)state;
  cluster c;
  start_all(&c);
  for (int remote = 0; remote < 2; remote++) {
    model m = new_model();
    tn_session *session = connect_to(&c, m.graph, 1, remote != 0);
    assert_int_equal(tn_session_n_devices(session), TASKS);
    run_target(session, m.init.node);
    check_value(session, &m, 3, 36);
    check_value(session, &m, -0.5f, 1);
    /* Another session sees the variable, through another master. */
    tn_session *other = connect_to(&c, m.graph, 2, remote == 0);
    check_value(other, &m, 1, 4);
    tn_tensor *value = filled(ROWS, COLUMNS, 1);
    tn_tensor_free(run(other, m.x, value, m.update));
    tn_tensor_free(value);
    check_value(session, &m, 1, 36);
    /* The graph grows after the first step. */
    tn_output more = on("/job:ps/task:0", op1(m.graph, "Neg", "more", m.y));
    value = filled(ROWS, COLUMNS, 1);
    tn_tensor *out = run(session, m.x, value, more);
    assert_float_equal(at(out, 5), -36, 1e-5);
    tn_tensor_free(value);
    tn_tensor_free(out);
    tn_session_free(other);
    tn_session_free(session);
    tn_graph_free(m.graph);
  }
  stop_all(&c);
}

/* A step that computes PRODUCT, checked; how many bytes came to its task. */
static uint64_t bytes_of_product(const cluster *c, tn_session *session, const model *m, float expected) {
  uint64_t before = tn_server_traffic(c->servers[1]).local_in;
  tn_tensor *value = filled(ROWS, COLUMNS, 3), *out = run(session, m->x, value, m->product);
  for (int i = 0; i < ROWS * COLUMNS; i += 977) assert_float_equal(at(out, i), expected, 1e-5);
  tn_tensor_free(value);
  tn_tensor_free(out);
  return tn_server_traffic(c->servers[1]).local_in - before;
}

static void unchanged_variables_are_not_sent_again(void **state) {
  (void)state;
  const uint64_t all = ROWS * COLUMNS * sizeof(float);
  cluster c;
  start_all(&c);
  model m = new_model();
  tn_session *session = connect_to(&c, m.graph, 1, false);
  tn_output one = on("/job:ps/task:0", constant(m.graph, "one", filled(ROWS, COLUMNS, 1)));
  tn_output more = on("/job:ps/task:0", op2(m.graph, "AssignAdd", "more", m.v, one));
  run_target(session, m.init.node);
  assert_true(bytes_of_product(&c, session, &m, 6) > all);
  for (int i = 0; i < 3; i++) assert_true(bytes_of_product(&c, session, &m, 6) < all / 4);
  /* Whatever changes between two steps is seen, however often it did before. */
  for (int i = 1; i <= 40; i++) {
    run_target(session, more.node);
    assert_true(bytes_of_product(&c, session, &m, 6 + 3 * (float)i) > all);
    if (i % 10 == 0) bytes_of_product(&c, session, &m, 6 + 3 * (float)i);
  }
  tn_session_free(session);
  tn_graph_free(m.graph);
  stop_all(&c);
}

static void large_floats_may_go_in_half_their_bytes(void **state) {
  (void)state;
  const uint64_t all = ROWS * COLUMNS * sizeof(float);
  cluster c;
  setenv("TENON_WIRE", "bfloat16", 1);
  start_all(&c);
  model m = new_model();
  tn_session *session = connect_to(&c, m.graph, 1, false);
  run_target(session, m.init.node);
  uint64_t came = bytes_of_product(&c, session, &m, 6);
  assert_true(came > all / 2 && came < all * 3 / 4);
  tn_session_free(session);
  tn_graph_free(m.graph);
  stop_all(&c);
  setenv("TENON_WIRE", "float8", 1);
  tn_server *server = NULL;
  fails(tn_server_new(&(tn_server_options){.cluster = "ps=127.0.0.1:0", .job = "ps"}, &server), TN_INVALID_ARGUMENT,
        "TENON_WIRE");
  unsetenv("TENON_WIRE");
}

static void errors_name_their_task(void **state) {
  (void)state;
  cluster c;
  start_all(&c);
  for (int remote = 0; remote < 2; remote++) {
    model m = new_model();
    tn_output w = on("/job:ps/task:0", variable(m.graph, "w", ROWS, COLUMNS));
    tn_output sum = on("/job:worker/task:1", op2(m.graph, "Add", "sum", w, m.y));
    tn_output nowhere = op1(m.graph, "Neg", "nowhere", m.y);
    ok(tn_node_set_device(nowhere.node, "/job:worker/task:7"));
    tn_session *session = connect_to(&c, m.graph, 1, remote != 0);
    tn_tensor *value = filled(ROWS, COLUMNS, 1), *out = NULL;
    fails(try_run(session, m.x, value, nowhere, &out), TN_INVALID_ARGUMENT, "nowhere");
    nowhere = on("", nowhere);
    tn_session_free(session);
    session = connect_to(&c, m.graph, 1, remote != 0);
    run_target(session, m.init.node);
    tn_error *error = try_run(session, m.x, value, sum, &out);
    assert_non_null(strstr(tn_error_message(error), "/job:ps/replica:0/task:0"));
    fails(error, TN_FAILED_PRECONDITION, "uninitialized value");
    /* The session goes on. */
    check_value(session, &m, 3, 36);
    tn_tensor *narrow = vector(3, (float[]){1, 2, 3});
    fails(try_run(session, m.x, narrow, m.y, &out), TN_INVALID_ARGUMENT, "");
    tn_tensor_free(narrow);
    tn_tensor_free(value);
    tn_session_free(session);
    tn_graph_free(m.graph);
  }
  stop_all(&c);
}

typedef struct stepper {
  tn_session *session;
  const model *model;
  int wrong;
} stepper;

static void *step_often(void *argument) {
  stepper *s = argument;
  tn_tensor *value = filled(ROWS, COLUMNS, 1);
  for (int i = 0; i < 20; i++) {
    tn_tensor *out = NULL;
    tn_error *error = try_run(s->session, s->model->x, value, s->model->y, &out);
    if (error || at(out, 17) != 4) s->wrong++;
    tn_error_free(error);
    tn_tensor_free(out);
  }
  tn_tensor_free(value);
  return NULL;
}

static void many_steps_at_once(void **state) {
  (void)state;
  cluster c;
  start_all(&c);
  model m = new_model();
  tn_session *sessions[2] = {connect_to(&c, m.graph, 1, false), connect_to(&c, m.graph, 2, true)};
  run_target(sessions[0], m.init.node);
  enum { THREADS = 6 };
  pthread_t threads[THREADS];
  stepper steppers[THREADS];
  for (int i = 0; i < THREADS; i++) {
    steppers[i] = (stepper){sessions[i % 2], &m, 0};
    pthread_create(&threads[i], NULL, step_often, &steppers[i]);
  }
  for (int i = 0; i < THREADS; i++) {
    pthread_join(threads[i], NULL);
    assert_int_equal(steppers[i].wrong, 0);
  }
  for (int i = 0; i < 2; i++) tn_session_free(sessions[i]);
  tn_graph_free(m.graph);
  stop_all(&c);
}

/* A queue on the parameter server that nobody fills: whoever takes from it waits. */
static tn_output stuck(tn_graph *g) {
  tn_scope s = {.graph = g, .device = "/job:ps/task:0"};
  tn_dtype types[] = {TN_FLOAT};
  tn_output queue =
      tn_build(&s, "FIFOQueueV2", TN_NO_INPUTS,
               (const tn_named_attr[]){
                   {"component_types", {.kind = TN_ATTR_TYPE, .is_list = true, .n = 1, .types = types}}, {NULL, {0}}});
  tn_output taken =
      tn_build(&s, "QueueDequeueV2", TN_IN(queue),
               (const tn_named_attr[]){
                   {"component_types", {.kind = TN_ATTR_TYPE, .is_list = true, .n = 1, .types = types}}, {NULL, {0}}});
  ok(s.error);
  return on("/job:worker/task:1", op1(g, "Neg", "after", taken));
}

typedef struct canceller {
  tn_cancellation *cancellation;
  tn_session *session; /* closed instead */
} canceller;

static void *cancel_soon(void *argument) {
  const canceller *c = argument;
  nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
  if (c->cancellation) {
    tn_cancellation_cancel(c->cancellation);
  } else {
    tn_session_close(c->session);
  }
  return NULL;
}

static void steps_that_wait_can_be_ended(void **state) {
  (void)state;
  cluster c;
  start_all(&c);
  for (int remote = 0; remote < 2; remote++) {
    model m = new_model();
    tn_output after = stuck(m.graph);
    tn_session *session = connect_to(&c, m.graph, 1, remote != 0);
    tn_tensor *out = NULL;
    tn_run_options limit = {.timeout_ms = 100};
    fails(tn_session_run(session, &limit, 0, NULL, NULL, 1, &after, 0, NULL, &out, NULL), TN_DEADLINE_EXCEEDED, "");
    canceller by = {0};
    pthread_t thread;
    ok(tn_cancellation_new(&by.cancellation));
    pthread_create(&thread, NULL, cancel_soon, &by);
    tn_run_options cancelled = {.cancellation = by.cancellation};
    fails(tn_session_run(session, &cancelled, 0, NULL, NULL, 1, &after, 0, NULL, &out, NULL), TN_CANCELLED, "");
    pthread_join(thread, NULL);
    tn_cancellation_free(by.cancellation);
    run_target(session, m.init.node);
    check_value(session, &m, 3, 36);
    by = (canceller){.session = session};
    pthread_create(&thread, NULL, cancel_soon, &by);
    fails(tn_session_run(session, NULL, 0, NULL, NULL, 1, &after, 0, NULL, &out, NULL), TN_CANCELLED, "");
    pthread_join(thread, NULL);
    fails(tn_session_run(session, NULL, 0, NULL, NULL, 1, &after, 0, NULL, &out, NULL), TN_CANCELLED, "closed");
    tn_session_free(session);
    tn_graph_free(m.graph);
  }
  stop_all(&c);
}

static void partial_runs(void **state) {
  (void)state;
  cluster c;
  start_all(&c);
  for (int remote = 0; remote < 2; remote++) {
    model m = new_model();
    tn_output z = placeholder(m.graph, "z");
    tn_output sum = on("/job:worker/task:0", op2(m.graph, "Add", "sum", m.y, z));
    tn_session *session = connect_to(&c, m.graph, 1, remote != 0);
    run_target(session, m.init.node);
    tn_output feeds[] = {m.x, z}, fetches[] = {m.y, sum};
    tn_partial_run *partial = NULL;
    ok(tn_partial_run_new(session, 2, feeds, 2, fetches, &partial));
    tn_tensor *value = filled(ROWS, COLUMNS, 1), *out = NULL;
    ok(tn_partial_run_step(partial, 1, feeds, &value, 1, fetches, &out));
    assert_float_equal(at(out, 3), 4, 0);
    tn_tensor_free(out);
    ok(tn_partial_run_step(partial, 1, feeds + 1, &value, 1, fetches + 1, &out));
    assert_float_equal(at(out, 3), 5, 0);
    tn_tensor_free(out);
    fails(tn_partial_run_step(partial, 1, feeds + 1, &value, 1, fetches + 1, &out), TN_INVALID_ARGUMENT, "partial");
    tn_partial_run_free(partial);
    tn_tensor_free(value);
    tn_session_free(session);
    tn_graph_free(m.graph);
  }
  stop_all(&c);
}

static void a_reset_drops_variables(void **state) {
  (void)state;
  cluster c;
  start_all(&c);
  model m = new_model();
  tn_session *session = connect_to(&c, m.graph, 1, true);
  run_target(session, m.init.node);
  check_value(session, &m, 3, 36);
  ok(tn_cluster_reset(tn_server_target(c.servers[1]), 0, NULL));
  tn_tensor *value = filled(ROWS, COLUMNS, 1), *out = NULL;
  fails(try_run(session, m.x, value, m.y, &out), TN_ABORTED, "is not found");
  tn_session_free(session);
  session = connect_to(&c, m.graph, 1, false);
  fails(try_run(session, m.x, value, m.y, &out), TN_FAILED_PRECONDITION, "uninitialized");
  tn_tensor_free(value);
  tn_session_free(session);
  tn_graph_free(m.graph);
  stop_all(&c);
}

static void a_task_that_was_restarted_is_noticed(void **state) {
  (void)state;
  cluster c;
  start_all(&c);
  model m = new_model();
  tn_session *session = connect_to(&c, m.graph, 1, false);
  run_target(session, m.init.node);
  check_value(session, &m, 3, 36);
  tn_tensor *value = filled(ROWS, COLUMNS, 1), *out = NULL;
  tn_server_free(c.servers[0]);
  c.servers[0] = NULL;
  tn_error *error = try_run(session, m.x, value, m.y, &out);
  assert_non_null(strstr(tn_error_message(error), "/job:ps/replica:0/task:0"));
  fails(error, TN_UNAVAILABLE, "");
  c.servers[0] = start(&c, 0);
  error = try_run(session, m.x, value, m.y, &out);
  assert_non_null(strstr(tn_error_message(error), "/job:ps/replica:0/task:0"));
  fails(error, TN_ABORTED, "");
  tn_session_free(session);
  session = connect_to(&c, m.graph, 1, false);
  run_target(session, m.init.node);
  check_value(session, &m, 3, 36);
  tn_tensor_free(value);
  tn_session_free(session);
  tn_graph_free(m.graph);
  stop_all(&c);
}

static void bad_input(void **state) {
  (void)state;
  static const struct {
    const char *cluster, *job;
    int task;
    const char *says;
  } bad[] = {{"", "ps", 0, "no tasks"},
             {"ps", "ps", 0, "JOB=ADDRESS"},
             {"1=a:1", "1", 0, "not the name of a job"},
             {"ps=unix:/tmp/a;ps=unix:/tmp/b", "ps", 0, "two tasks 0"},
             {"ps=unix:/tmp/a,unix:/tmp/a", "ps", 0, "one address"},
             {"ps=unix:/tmp/a", "ps", 1, "no task 1 of a job 'ps'"},
             {"ps=unix:/nonexistent/a", "ps", 0, "/job:ps/replica:0/task:0"},
             {"ps=nonsense", "ps", 0, "nonsense"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    tn_server *server = NULL;
    tn_error *error =
        tn_server_new(&(tn_server_options){.cluster = bad[i].cluster, .job = bad[i].job, .task = bad[i].task}, &server);
    assert_non_null(error);
    fails(error, tn_error_code(error), bad[i].says);
  }
  tn_graph *g = new_graph();
  tn_session *session = NULL;
  fails(tn_session_connect(g, &(tn_connect_options){.target = "http://x"}, &session), TN_INVALID_ARGUMENT, "grpc://");
  tn_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(steps),
                                     cmocka_unit_test(unchanged_variables_are_not_sent_again),
                                     cmocka_unit_test(large_floats_may_go_in_half_their_bytes),
                                     cmocka_unit_test(errors_name_their_task),
                                     cmocka_unit_test(many_steps_at_once),
                                     cmocka_unit_test(steps_that_wait_can_be_ended),
                                     cmocka_unit_test(partial_runs),
                                     cmocka_unit_test(a_reset_drops_variables),
                                     cmocka_unit_test(a_task_that_was_restarted_is_noticed),
                                     cmocka_unit_test(bad_input)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
