/* Pipelines with threads: parallel maps, prefetching, interleaving; drawn from by several threads, stopped half-way. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime/builder.h"

#define ELEMENTS 400

static tn_output int64s(tn_graph *g, int64_t value) {
  tn_tensor *t = NULL;
  ok(tn_tensor_copy_of(TN_INT64, 0, NULL, &value, &t));
  return constant(g, NULL, t);
}

/* A dataset op on INPUTS (ended by a NULL node) whose elements are scalars of int64. */
static tn_output dataset(tn_graph *g, const char *op, const char *function, const tn_output *inputs) {
  static const tn_dtype type = TN_INT64;
  tn_shape shape = tn_shape_unknown();
  tn_node *node = NULL;
  tn_node_builder *b = tn_node_begin(g, op, NULL);
  for (; inputs->node; inputs++) tn_node_input(b, *inputs);
  if (function) tn_node_attr_func(b, "f", function);
  tn_node_attr_types(b, "output_types", &type, 1);
  tn_node_attr_shapes(b, "output_shapes", &shape, 1);
  ok(tn_node_finish(b, &node));
  return (tn_output){node, 0};
}
#define DATASET(g, op, function, ...) dataset((g), (op), (function), (tn_output[]){__VA_ARGS__, {NULL, 0}})

/* Adds the function x -> x * x + x, or with ENDLESS one that never ends. */
static void add_function(tn_graph *g, const char *name, bool endless) {
  tn_graph *body = new_graph();
  tn_node *x = NULL;
  tn_node_builder *b = tn_node_begin(body, "Placeholder", "x");
  tn_shape scalar_shape = tn_shape_scalar();
  tn_node_attr_type(b, "dtype", TN_INT64);
  tn_node_attr_shape(b, "shape", &scalar_shape);
  ok(tn_node_finish(b, &x));
  tn_output in = {x, 0}, out = op2(body, "AddV2", "sum", op2(body, "Mul", "square", in, in), in);
  if (endless) {
    tn_output exit = loop(body, constant(body, "one", filled(1, 1, 1)), -1);
    tn_output after[2] = {in, in};
    out = op2_after(body, "AddV2", "late", after, exit.node);
  }
  tn_function_spec spec = {.name = name, .body = body, .n_inputs = 1, .n_outputs = 1, .inputs = &in, .outputs = &out};
  char *def = NULL;
  size_t size;
  ok(tn_function_to_def(&spec, &def, &size));
  ok(tn_graph_add_function(g, def, size));
  free(def);
  tn_graph_free(body);
}

typedef struct pipeline {
  tn_graph *graph;
  tn_session *session;
  tn_output next;
  tn_node *start;
} pipeline;

static void finish(pipeline *p, tn_output source) {
  static const tn_dtype type = TN_INT64;
  tn_shape shape = tn_shape_unknown();
  tn_node *iterator = NULL, *next = NULL;
  tn_node_builder *b = tn_node_begin(p->graph, "IteratorV2", "iterator");
  tn_node_attr_string(b, "shared_name", "", 0);
  tn_node_attr_string(b, "container", "", 0);
  tn_node_attr_types(b, "output_types", &type, 1);
  tn_node_attr_shapes(b, "output_shapes", &shape, 1);
  ok(tn_node_finish(b, &iterator));
  b = tn_node_begin(p->graph, "MakeIterator", "start");
  tn_node_input(b, source);
  tn_node_input(b, (tn_output){iterator, 0});
  ok(tn_node_finish(b, &p->start));
  b = tn_node_begin(p->graph, "IteratorGetNext", "next");
  tn_node_input(b, (tn_output){iterator, 0});
  tn_node_attr_types(b, "output_types", &type, 1);
  tn_node_attr_shapes(b, "output_shapes", &shape, 1);
  ok(tn_node_finish(b, &next));
  p->next = (tn_output){next, 0};
  p->session = new_session(p->graph, NULL, false);
  run_target(p->session, p->start);
}

/* A range, mapped by threads, batched and prefetched. */
static pipeline threaded(bool endless) {
  pipeline p = {.graph = new_graph()};
  tn_graph *g = p.graph;
  add_function(g, "f", endless);
  tn_output range = DATASET(g, "RangeDataset", NULL, int64s(g, 0), int64s(g, ELEMENTS), int64s(g, 1));
  tn_output mapped = DATASET(g, "ParallelMapDatasetV2", "f", range, int64s(g, 4));
  tn_output batches = DATASET(g, "BatchDataset", NULL, mapped, int64s(g, 4));
  finish(&p, DATASET(g, "PrefetchDataset", NULL, batches, int64s(g, 3)));
  return p;
}

static void end(pipeline *p) {
  tn_session_free(p->session);
  tn_graph_free(p->graph);
}

static void order_is_kept(void **state) {
  (void)state;
  pipeline p = threaded(false);
  for (int again = 0; again < 2; again++) {
    for (int64_t i = 0; i < ELEMENTS; i += 4) {
      tn_tensor *batch = run(p.session, (tn_output){NULL, 0}, NULL, p.next);
      assert_int_equal(tn_tensor_elements(batch), 4);
      for (int64_t k = i; k < i + 4; k++) assert_int_equal(((int64_t *)tn_tensor_data(batch))[k - i], k * k + k);
      tn_tensor_free(batch);
    }
    tn_tensor *none = NULL;
    fails(try_run(p.session, (tn_output){NULL, 0}, NULL, p.next, &none), TN_OUT_OF_RANGE, "End of sequence");
    fails(try_run(p.session, (tn_output){NULL, 0}, NULL, p.next, &none), TN_OUT_OF_RANGE, "End of sequence");
    run_target(p.session, p.start);
  }
  end(&p);
}

typedef struct drawer {
  pipeline *p;
  int64_t sum, n;
} drawer;

static void *draw(void *argument) {
  drawer *d = argument;
  for (;;) {
    tn_tensor *batch = NULL;
    tn_error *error = try_run(d->p->session, (tn_output){NULL, 0}, NULL, d->p->next, &batch);
    if (error) {
      tn_error_free(error);
      return NULL;
    }
    for (int64_t k = 0; k < tn_tensor_elements(batch); k++) d->sum += ((int64_t *)tn_tensor_data(batch))[k];
    d->n += tn_tensor_elements(batch);
    tn_tensor_free(batch);
  }
}

static void many_threads_share_an_iterator(void **state) {
  (void)state;
  pipeline p = threaded(false);
  pthread_t threads[4];
  drawer drawers[4];
  for (int i = 0; i < 4; i++) {
    drawers[i] = (drawer){&p, 0, 0};
    assert_int_equal(pthread_create(&threads[i], NULL, draw, &drawers[i]), 0);
  }
  int64_t sum = 0, n = 0, expected = 0;
  for (int i = 0; i < 4; i++) {
    pthread_join(threads[i], NULL);
    sum += drawers[i].sum;
    n += drawers[i].n;
  }
  for (int64_t k = 0; k < ELEMENTS; k++) expected += k * k + k;
  assert_int_equal(n, ELEMENTS);
  assert_int_equal(sum, expected);
  end(&p);
}

static void sessions_end_their_threads(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++) {
    pipeline p = threaded(i == 2);
    if (i == 1) tn_tensor_free(run(p.session, (tn_output){NULL, 0}, NULL, p.next));
    usleep(2000);
    end(&p); /* threads wait for room, or are in a function that never ends */
  }
}

static void timeouts_reach_a_waiting_iterator(void **state) {
  (void)state;
  pipeline p = threaded(true);
  tn_run_options options = {.timeout_ms = 40};
  tn_tensor *out = NULL;
  fails(tn_session_run(p.session, &options, 0, NULL, NULL, 1, &p.next, 0, NULL, &out, NULL), TN_DEADLINE_EXCEEDED,
        "timeout");
  run_target(p.session, p.start); /* starting again stops what runs */
  end(&p);
}

static void iterators_that_were_not_started(void **state) {
  (void)state;
  pipeline p = threaded(false);
  tn_session *other = new_session(p.graph, NULL, false);
  tn_tensor *out = NULL;
  fails(try_run(other, (tn_output){NULL, 0}, NULL, p.next, &out), TN_FAILED_PRECONDITION, "has not been initialized");
  tn_session_free(other);
  end(&p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(order_is_kept),
      cmocka_unit_test(many_threads_share_an_iterator),
      cmocka_unit_test(sessions_end_their_threads),
      cmocka_unit_test(timeouts_reach_a_waiting_iterator),
      cmocka_unit_test(iterators_that_were_not_started),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
