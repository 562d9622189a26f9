/* State that steps share: an optimizer's updates in one sweep and random counters, from many threads; variables' life.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <tenon/testing.h>

#include "runtime/builder.h"

enum { THREADS = 4, STEPS = 50, WEIGHTS = 3, SIZE = 40 };

/* Nodes by name in a scope of their own; the first error fails the test. */
static tn_output node(tn_graph *g, const char *op, const tn_output *inputs, const tn_named_attr *attrs) {
  tn_scope s = {.graph = g};
  tn_output out = tn_build(&s, op, inputs, attrs);
  ok(s.error);
  return out;
}

typedef struct shared {
  tn_session *session;
  tn_callable *step;
  tn_output weights[WEIGHTS], random;
  int wrong;
} shared;

/* Takes steps; a step's random numbers are its alone. */
static void *take_steps(void *argument) {
  shared *s = argument;
  for (int i = 0; i < STEPS; i++) {
    tn_error *error = tn_callable_run(s->step, NULL, NULL, NULL, NULL);
    if (error) __atomic_add_fetch(&s->wrong, 1, __ATOMIC_RELAXED);
    tn_error_free(error);
  }
  return NULL;
}

/* Reads: the elements of a weight have seen the same updates. */
static void *look(void *argument) {
  shared *s = argument;
  for (int i = 0; i < STEPS; i++) {
    tn_tensor *out = NULL;
    tn_error *error = try_run(s->session, TN_NONE, NULL, s->weights[i % WEIGHTS], &out);
    bool good = !error;
    for (int k = 1; good && k < SIZE; k++) good = at(out, k) == at(out, 0);
    if (!good) __atomic_add_fetch(&s->wrong, 1, __ATOMIC_RELAXED);
    tn_error_free(error);
    tn_tensor_free(out);
  }
  return NULL;
}

static void one_sweep_from_many_threads(void **state) {
  (void)state;
  uint64_t before = tn_pass_fired("fuse_updates");
  tn_graph *g = new_graph();
  shared s = {0};
  tn_output alpha = constant(g, "alpha", scalar(-1)), ones = constant(g, "ones", filled(1, SIZE, 1));
  tn_output zeros = constant(g, "zeros", filled(1, SIZE, 0));
  tn_node *targets[WEIGHTS], *inits[WEIGHTS];
  for (int i = 0; i < WEIGHTS; i++) {
    s.weights[i] = variable(g, NULL, 1, SIZE);
    inits[i] = op2(g, "Assign", NULL, s.weights[i], zeros).node;
    targets[i] = node(g, "ApplyGradientDescent", TN_IN(s.weights[i], alpha, ones), NULL).node;
  }
  s.session = new_session(g, NULL, false);
  for (int i = 0; i < WEIGHTS; i++) run_target(s.session, inits[i]);
  ok(tn_session_make_callable(s.session, 0, NULL, 0, NULL, WEIGHTS, targets, &s.step));
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, i % 2 ? look : take_steps, &s), 0);
  }
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  assert_int_equal(s.wrong, 0);
  for (int i = 0; i < WEIGHTS; i++) {
    tn_tensor *out = run(s.session, TN_NONE, NULL, s.weights[i]);
    assert_true(at(out, 0) == STEPS * THREADS / 2 && at(out, SIZE - 1) == at(out, 0));
    tn_tensor_free(out);
  }
  assert_true(tn_pass_fired("fuse_updates") > before);
  tn_callable_free(s.step);
  tn_session_free(s.session);
  tn_graph_free(g);
}

typedef struct drawing {
  tn_session *session;
  tn_output random;
  float drawn[STEPS];
} drawing;

static void *draw(void *argument) {
  drawing *d = argument;
  for (int i = 0; i < STEPS; i++) {
    tn_tensor *out = run(d->session, TN_NONE, NULL, d->random);
    d->drawn[i] = at(out, 0);
    tn_tensor_free(out);
  }
  return NULL;
}

static int by_value(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

/* Whoever draws, the session gives out the same numbers, each once. */
static void random_numbers_from_many_threads(void **state) {
  (void)state;
  static float together[THREADS * STEPS], alone[THREADS * STEPS];
  for (int dynamic = 0; dynamic < 2; dynamic++) {
    tn_graph *g = new_graph();
    tn_scope scope = {.graph = g};
    tn_output shape = tn_build_ints(&scope, TN_INT32, 1, (int64_t[]){1});
    tn_output u = tn_build(&scope, "RandomUniform", TN_IN(shape),
                           TN_ATTRS(TN_A_INT("seed", 3), TN_A_INT("seed2", 4), TN_A_TYPE("dtype", TN_FLOAT)));
    ok(scope.error);
    drawing d[THREADS], one = {new_session(g, NULL, dynamic), u, {0}};
    pthread_t threads[THREADS];
    tn_session *session = new_session(g, NULL, dynamic);
    for (int i = 0; i < THREADS; i++) {
      d[i] = (drawing){session, u, {0}};
      assert_int_equal(pthread_create(&threads[i], NULL, draw, &d[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
      pthread_join(threads[i], NULL);
      memcpy(together + i * STEPS, d[i].drawn, sizeof d[i].drawn);
      draw(&one);
      memcpy(alone + i * STEPS, one.drawn, sizeof one.drawn);
    }
    qsort(together, THREADS * STEPS, sizeof *together, by_value);
    qsort(alone, THREADS * STEPS, sizeof *alone, by_value);
    assert_memory_equal(together, alone, sizeof alone);
    tn_session_free(session);
    tn_session_free(one.session);
    tn_graph_free(g);
  }
}

/* Rows are gathered, changed and counted; a variable without a value is named. */
static void rows_of_a_resource(void **state) {
  (void)state;
  for (int dynamic = 0; dynamic < 2; dynamic++) {
    tn_graph *g = new_graph();
    tn_scope s = {.graph = g};
    tn_shape table_shape = {.rank = 2, .dims = {4, 3}};
    tn_named_attr shape = {"shape", {.kind = TN_ATTR_SHAPE, .shape = table_shape}};
    tn_output table = tn_build(&s, "VarHandleOp", TN_NO_INPUTS, TN_ATTRS(TN_A_TYPE("dtype", TN_FLOAT), shape));
    tn_output rows = tn_build_ints(&s, TN_INT32, 2, (int64_t[]){2, 2}), ones = constant(g, "ones", filled(2, 3, 1));
    tn_output init = tn_build2(&s, "AssignVariableOp", table, constant(g, "start", filled(4, 3, 5)));
    tn_output add = tn_build(&s, "ResourceScatterAdd", TN_IN(table, rows, ones), NULL);
    tn_output seen = tn_build(&s, "ResourceGather", TN_IN(table, rows), TN_ATTRS(TN_A_TYPE("dtype", TN_FLOAT)));
    tn_output destroy = tn_build1(&s, "DestroyResourceOp", table);
    ok(s.error);
    tn_session *session = new_session(g, NULL, dynamic);
    tn_tensor *out = NULL;
    fails(try_run(session, TN_NONE, NULL, seen, &out), TN_NOT_FOUND, "VarHandleOp");
    run_target(session, init.node);
    run_target(session, add.node);
    out = run(session, TN_NONE, NULL, seen);
    assert_true(tn_tensor_dim(out, 0) == 2 && at(out, 0) == 7 && at(out, 5) == 7);
    tn_tensor_free(out);
    run_target(session, destroy.node);
    fails(try_run(session, TN_NONE, NULL, seen, &out), TN_NOT_FOUND, "VarHandleOp");
    tn_session_free(session);
    tn_graph_free(g);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(one_sweep_from_many_threads),
                                     cmocka_unit_test(random_numbers_from_many_threads),
                                     cmocka_unit_test(rows_of_a_resource)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
