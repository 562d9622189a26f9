/* Steps in many threads at once, and steps that are stopped. */
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <tenon/testing.h>
#include <unistd.h>

#include "base/thread.h"
#include "runtime/builder.h"

static const float four[] = {1, 2, 3, 4};

/* --- stopping --- */

typedef struct stopper {
  tn_session *session;
  tn_cancellation *cancellation;
} stopper;

static void *stop_soon(void *argument) {
  stopper *s = argument;
  usleep(30000);
  if (s->cancellation) {
    tn_cancellation_cancel(s->cancellation);
  } else {
    tn_session_close(s->session);
  }
  return NULL;
}

/* An endless loop. */
static tn_output endless(tn_graph *g) { return loop(g, constant(g, "x", filled(2, 2, 1)), -1); }

static void timeouts(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output exit = endless(g);
  tn_session *s = new_session(g, NULL, false);
  tn_run_options options = {.timeout_ms = 40};
  tn_tensor *out = NULL;
  int64_t start = tn_now_ns();
  fails(tn_session_run(s, &options, 0, NULL, NULL, 1, &exit, 0, NULL, &out, NULL), TN_DEADLINE_EXCEEDED, "timeout");
  int64_t took = tn_now_ns() - start;
  assert_true(took >= 40000000 && took < 60000000000);
  tn_session_free(s);
  tn_graph_free(g);
}

static void cancellation(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output exit = endless(g), two = op2(g, "AddV2", "two", constant(g, NULL, scalar(1)), constant(g, NULL, scalar(1)));
  tn_session *s = new_session(g, NULL, false);
  stopper stop = {s, NULL};
  ok(tn_cancellation_new(&stop.cancellation));
  tn_run_options options = {.cancellation = stop.cancellation};
  tn_tensor *out = NULL;
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, stop_soon, &stop), 0);
  fails(tn_session_run(s, &options, 0, NULL, NULL, 1, &exit, 0, NULL, &out, NULL), TN_CANCELLED, "cancelled");
  pthread_join(thread, NULL);
  tn_tensor_free(run(s, TN_NONE, NULL, two)); /* the session goes on */
  fails(tn_session_run(s, &options, 0, NULL, NULL, 1, &two, 0, NULL, &out, NULL), TN_CANCELLED, "cancelled");
  tn_cancellation_free(stop.cancellation);
  stop.cancellation = NULL;
  assert_int_equal(pthread_create(&thread, NULL, stop_soon, &stop), 0);
  fails(try_run(s, TN_NONE, NULL, exit, &out), TN_CANCELLED, "closed");
  pthread_join(thread, NULL);
  tn_session_free(s);
  tn_graph_free(g);
}

static void loops(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output x = placeholder(g, "x"), y = loop(g, x, 100);
  for (int workers = 1; workers < 4; workers++) {
    tn_session_options options = {.inter_op_threads = workers};
    tn_session *s = NULL;
    ok(tn_session_new(g, &options, &s));
    tn_tensor *in = vector(4, four);
    for (int i = 0; i < 20; i++) {
      tn_tensor *out = run(s, x, in, y);
      for (int k = 0; k < 4; k++) assert_true(at(out, k) == four[k]);
      tn_tensor_free(out);
    }
    tn_tensor_free(in);
    tn_session_free(s);
  }
  tn_graph_free(g);
}

/* --- running together --- */

enum { THREADS = 4, STEPS = 200 };

typedef struct together {
  tn_session *session;
  tn_callable *add;
  tn_output v, read;
  int wrong;
} together;

/* Adds to the variable. */
static void *add_often(void *argument) {
  together *t = argument;
  for (int i = 0; i < STEPS; i++) {
    tn_error *error = tn_callable_run(t->add, NULL, NULL, NULL, NULL);
    if (error) __atomic_add_fetch(&t->wrong, 1, __ATOMIC_RELAXED);
    tn_error_free(error);
  }
  return NULL;
}

/* Reads it: every element has seen as many additions as the others. */
static void *read_often(void *argument) {
  together *t = argument;
  for (int i = 0; i < STEPS; i++) {
    tn_tensor *out = NULL;
    tn_error *error = try_run(t->session, TN_NONE, NULL, t->read, &out);
    bool good = !error;
    for (int k = 1; good && k < 4; k++) good = at(out, k) == at(out, 0) * four[k];
    if (!good) __atomic_add_fetch(&t->wrong, 1, __ATOMIC_RELAXED);
    tn_error_free(error);
    tn_tensor_free(out);
  }
  return NULL;
}

static void updates_and_reads(void **state) {
  (void)state;
  for (int dynamic = 0; dynamic < 2; dynamic++) {
    tn_graph *g = new_graph();
    together t = {.v = variable(g, "v", 2, 2)};
    tn_output c = constant(g, "c", matrix(2, 2, four)), init = op2(g, "Assign", "init", t.v, c);
    tn_output add = op2(g, "AssignAdd", "add", t.v, c);
    /* The reading step holds the value while it computes with it. */
    t.read = op1(g, "Neg", NULL, op1(g, "Neg", NULL, op1(g, "Identity", "read", t.v)));
    t.session = new_session(g, NULL, dynamic);
    run_target(t.session, init.node);
    ok(tn_session_make_callable(t.session, 0, NULL, 0, NULL, 1, &add.node, &t.add));
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
      assert_int_equal(pthread_create(&threads[i], NULL, i % 2 ? read_often : add_often, &t), 0);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(t.wrong, 0);
    tn_tensor *out = run(t.session, TN_NONE, NULL, t.v);
    assert_true(at(out, 0) == 1 + STEPS * THREADS / 2);
    tn_tensor_free(out);
    tn_callable_free(t.add);
    tn_session_free(t.session);
    tn_graph_free(g);
  }
}

typedef struct stepper {
  tn_session *session;
  tn_output x, y;
  int number, wrong;
} stepper;

static void *step_often(void *argument) {
  stepper *t = argument;
  for (int i = 0; i < STEPS; i++) {
    int rows = 1 + (i + t->number) % 5;
    tn_tensor *in = filled(rows, 2, (float)t->number), *out = NULL;
    tn_error *error = try_run(t->session, t->x, in, t->y, &out);
    if (error || at(out, 2 * rows - 1) != (float)(t->number * t->number)) t->wrong++;
    tn_error_free(error);
    tn_tensor_free(in);
    tn_tensor_free(out);
  }
  return NULL;
}

static void steps_of_many_shapes(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output x = placeholder(g, "x"), y = op1(g, "Abs", NULL, op1(g, "Square", "y", x));
  tn_session *s = new_session(g, NULL, false);
  stepper steppers[THREADS];
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) {
    steppers[i] = (stepper){s, x, y, i, 0};
    assert_int_equal(pthread_create(&threads[i], NULL, step_often, &steppers[i]), 0);
  }
  for (int i = 0; i < THREADS; i++) {
    pthread_join(threads[i], NULL);
    assert_int_equal(steppers[i].wrong, 0);
  }
  tn_session_free(s);
  tn_graph_free(g);
}

/* A child of a process that has run steps can run steps. */
static void forks(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output x = placeholder(g, "x"), y = op2(g, "MatMul", "y", x, x);
  tn_session_options options = {.intra_op_threads = 2, .inter_op_threads = 2};
  tn_session *s = NULL;
  ok(tn_session_new(g, &options, &s));
  tn_tensor *in = filled(64, 64, 1);
  tn_tensor_free(run(s, x, in, y));
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    tn_tensor *out = NULL;
    tn_error *error = try_run(s, x, in, y, &out);
    _exit(!error && at(out, 100) == 64 ? 0 : 1);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  tn_tensor_free(run(s, x, in, y));
  tn_tensor_free(in);
  tn_session_free(s);
  tn_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(timeouts),          cmocka_unit_test(cancellation),         cmocka_unit_test(loops),
      cmocka_unit_test(updates_and_reads), cmocka_unit_test(steps_of_many_shapes), cmocka_unit_test(forks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
