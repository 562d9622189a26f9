/* Queues between steps: many runners beside a step that trains, and waits that are ended from outside. */
#include <pthread.h>
#include <tenon/testing.h>
#include <unistd.h>

#include "base/thread.h"
#include "runtime/builder.h"

enum { RUNNERS = 20, ELEMENTS = 60, BATCH = 10 };

static tn_output queue(tn_graph *g, const char *op, int64_t capacity, int64_t kept) {
  tn_node_builder *b = tn_node_begin(g, op, NULL);
  tn_dtype type = TN_FLOAT;
  tn_shape shape = {.rank = 1, .dims = {4}};
  tn_node_attr_types(b, "component_types", &type, 1);
  tn_node_attr_shapes(b, "shapes", &shape, 1);
  tn_node_attr_int(b, "capacity", capacity);
  if (kept) tn_node_attr_int(b, "min_after_dequeue", kept);
  tn_node *node = NULL;
  ok(tn_node_finish(b, &node));
  return (tn_output){node, 0};
}

static tn_node *put(tn_graph *g, tn_output q, tn_output value) {
  tn_node_builder *b = tn_node_begin(g, "QueueEnqueueV2", NULL);
  tn_node_input(b, q);
  tn_node_input(b, value);
  tn_node *node = NULL;
  ok(tn_node_finish(b, &node));
  return node;
}

static tn_output take(tn_graph *g, tn_output q, int n) {
  tn_node_builder *b = tn_node_begin(g, n ? "QueueDequeueManyV2" : "QueueDequeueV2", NULL);
  tn_dtype type = TN_FLOAT;
  tn_node_input(b, q);
  if (n) {
    tn_tensor *count = NULL;
    int32_t value = n;
    ok(tn_tensor_copy_of(TN_INT32, 0, NULL, &value, &count));
    tn_node_input(b, constant(g, NULL, count));
  }
  tn_node_attr_types(b, "component_types", &type, 1);
  tn_node *node = NULL;
  ok(tn_node_finish(b, &node));
  return (tn_output){node, 0};
}

static tn_node *close_of(tn_graph *g, tn_output q, bool cancel) {
  tn_node_builder *b = tn_node_begin(g, "QueueCloseV2", NULL);
  tn_node_input(b, q);
  tn_node_attr_bool(b, "cancel_pending_enqueues", cancel);
  tn_node *node = NULL;
  ok(tn_node_finish(b, &node));
  return node;
}

/* --- many runners --- */

typedef struct runner {
  tn_session *session;
  tn_node *put;
  tn_error *error;
  int steps;
} runner;

/* As a queue runner: until the queue says that it is closed. */
static void *produce(void *argument) {
  runner *r = argument;
  while (!r->error && r->steps < ELEMENTS) {
    r->error = tn_session_run(r->session, NULL, 0, NULL, NULL, 0, NULL, 1, &r->put, NULL, NULL);
    if (!r->error) r->steps++;
  }
  return NULL;
}

static void runners(void **state) {
  (void)state;
  static const char *const kinds[] = {"FIFOQueueV2", "RandomShuffleQueueV2", "PaddingFIFOQueueV2"};
  for (int kind = 0; kind < 3; kind++) {
    tn_graph *g = new_graph();
    tn_output first = queue(g, kinds[kind], 32, kind == 1 ? 15 : 0), second = queue(g, "FIFOQueueV2", 4, 0);
    tn_output v = variable(g, "v", BATCH, 4), zero = constant(g, NULL, filled(BATCH, 4, 0));
    tn_node *init = op2(g, "Assign", NULL, v, zero).node;
    tn_output one = constant(g, NULL, vector(4, (float[]){1, 2, 3, 4}));
    tn_node *feed = put(g, first, one), *hand_on = put(g, second, op1(g, "Neg", NULL, take(g, first, 0)));
    tn_output batch = op1(g, "Neg", NULL, take(g, second, BATCH));
    tn_output train = op2(g, "AssignAdd", NULL, v, batch);
    tn_session *s = new_session(g, NULL, false);
    run_target(s, init);
    runner all[RUNNERS] = {0};
    pthread_t threads[RUNNERS];
    for (int i = 0; i < RUNNERS; i++) {
      all[i] = (runner){s, i % 2 ? hand_on : feed, NULL, 0};
      assert_int_equal(pthread_create(&threads[i], NULL, produce, &all[i]), 0);
    }
    int n = (RUNNERS / 2 * ELEMENTS - 16) / BATCH;
    for (int i = 0; i < n; i++) {
      tn_tensor *out = run(s, TN_NONE, NULL, train);
      for (int k = 0; k < 4 * BATCH; k++) assert_true(at(out, k) == (float)((i + 1) * (k % 4 + 1)));
      tn_tensor_free(out);
    }
    tn_session_close(s);
    for (int i = 0; i < RUNNERS; i++) {
      pthread_join(threads[i], NULL);
      if (all[i].error) fails(all[i].error, TN_CANCELLED, "");
    }
    tn_session_free(s);
    tn_graph_free(g);
  }
}

/* --- waits that are ended --- */

typedef struct waiter {
  tn_session *session;
  tn_output fetch;
  tn_node *target;
  tn_run_options options;
  tn_error *error;
} waiter;

static void *wait_for(void *argument) {
  waiter *w = argument;
  tn_tensor *out = NULL;
  size_t n = w->fetch.node ? 1 : 0;
  w->error = tn_session_run(w->session, &w->options, 0, NULL, NULL, n, &w->fetch, 1 - n, &w->target, &out, NULL);
  if (!w->error && n) tn_tensor_free(out);
  return NULL;
}

static void ended(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output q = queue(g, "FIFOQueueV2", 1, 0), one = constant(g, NULL, filled(1, 4, 1));
  tn_output got = take(g, q, 0), many = take(g, q, 3);
  tn_node *give = put(g, q, op1(g, "Neg", NULL, one)), *closes = close_of(g, q, true);
  tn_output row = constant(g, NULL, vector(4, (float[]){1, 2, 3, 4}));
  tn_node *give_row = put(g, q, row);
  tn_session *s = new_session(g, NULL, false);
  tn_tensor *out = NULL;
  fails(tn_session_run(s, NULL, 0, NULL, NULL, 0, NULL, 1, &give, NULL, NULL), TN_INVALID_ARGUMENT, "Shape mismatch");
  waiter w = {.session = s, .fetch = got, .options = {.timeout_ms = 50}};
  wait_for(&w);
  fails(w.error, TN_DEADLINE_EXCEEDED, "timeout");
  /* What a step that was stopped had taken is there again. */
  run_target(s, give_row);
  w = (waiter){.session = s, .fetch = many, .options = {.timeout_ms = 50}};
  wait_for(&w);
  fails(w.error, TN_DEADLINE_EXCEEDED, "timeout");
  out = run(s, TN_NONE, NULL, got);
  assert_true(at(out, 2) == 3);
  tn_tensor_free(out);
  run_target(s, give_row);
  w = (waiter){.session = s, .target = give_row};
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, wait_for, &w), 0);
  usleep(30000);
  run_target(s, closes);
  pthread_join(thread, NULL);
  fails(w.error, TN_CANCELLED, "is closed");
  tn_tensor_free(run(s, TN_NONE, NULL, got));
  fails(try_run(s, TN_NONE, NULL, got, &out), TN_OUT_OF_RANGE, "insufficient elements (requested 1, current size 0)");
  tn_session_free(s);
  tn_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(runners), cmocka_unit_test(ended)};
  return cmocka_run_group_tests_name("queues", tests, NULL, NULL);
}
