/* Sessions: feeds, fetches, targets, callables, and what is wrong with them. */
#include <string.h>
#include <tenon/testing.h>

#include "runtime/builder.h"

static const float two_by_two[] = {1, 2, 3, 4};

/* Every test runs with both executors. */
static bool dynamic;
static int use_dynamic(void **state) {
  (void)state;
  dynamic = true;
  return 0;
}
static int use_static(void **state) {
  (void)state;
  dynamic = false;
  return 0;
}

static void adds(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output x = placeholder(g, "x"), y = op2(g, "AddV2", "y", x, x);
  tn_session *s = new_session(g, NULL, dynamic);
  for (int n = 1; n < 40; n++) {
    float values[40];
    for (int i = 0; i < n; i++) values[i] = (float)i;
    tn_tensor *in = vector(n, values), *out = run(s, x, in, y);
    assert_int_equal(tn_tensor_dim(out, 0), n);
    for (int i = 0; i < n; i++) assert_true(at(out, i) == 2 * (float)i);
    tn_tensor_free(in);
    tn_tensor_free(out);
  }
  assert_int_equal(tn_last_step_was_static(), false); /* the sixteenth shape and later ones */
  tn_session_free(s);
  tn_graph_free(g);
}

static void feeds_replace_any_tensor(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output c = constant(g, "c", matrix(2, 2, two_by_two)), square = op2(g, "Mul", "square", c, c);
  tn_output sum = op2(g, "AddV2", "sum", square, c);
  tn_session *s = new_session(g, NULL, dynamic);
  tn_tensor *in = filled(2, 2, 10), *out = run(s, square, in, sum);
  assert_true(at(out, 3) == 14);
  tn_tensor_free(out);
  out = run(s, square, in, square); /* what is fed can be fetched */
  assert_true(at(out, 0) == 10);
  tn_tensor_free(out);
  out = run(s, TN_NONE, NULL, c);
  assert_true(at(out, 1) == 2);
  tn_tensor_free(out);
  tn_tensor_free(in);
  tn_session_free(s);
  tn_graph_free(g);
}

static void many_fetches(void **state) {
  (void)state;
  enum { N = 40 };
  tn_graph *g = new_graph();
  tn_output x = placeholder(g, "x"), fetches[N];
  fetches[0] = op1(g, "Neg", NULL, x);
  for (int i = 1; i < N - 1; i++) fetches[i] = op2(g, "AddV2", NULL, fetches[i - 1], x);
  fetches[N - 1] = (tn_output){fetches[3].node, -1};
  tn_session *s = new_session(g, NULL, dynamic);
  tn_tensor *in = vector(2, two_by_two), *out[N];
  ok(tn_session_run(s, NULL, 1, &x, &in, N, fetches, 0, NULL, out, NULL));
  for (int i = 0; i < N - 1; i++) {
    assert_true(at(out[i], 1) == 2 * (float)(i - 1));
    tn_tensor_free(out[i]);
  }
  assert_null(out[N - 1]);
  tn_tensor_free(in);
  tn_session_free(s);
  tn_graph_free(g);
}

static void bad_requests(void **state) {
  (void)state;
  tn_graph *g = new_graph(), *other = new_graph();
  tn_output x = placeholder(g, "x"), y = op1(g, "Neg", "y", x), foreign = placeholder(other, "foreign");
  tn_output c = constant(g, "c", matrix(2, 2, two_by_two));
  tn_session *s = new_session(g, NULL, dynamic);
  tn_tensor *in = filled(2, 2, 1), *wrong = NULL, *out = NULL;
  ok(tn_tensor_new(TN_INT32, 0, NULL, &wrong));
  fails(try_run(s, TN_NONE, NULL, y, &out), TN_INVALID_ARGUMENT, "'x'");
  fails(try_run(s, TN_NONE, NULL, foreign, &out), TN_INVALID_ARGUMENT, "foreign");
  fails(try_run(s, foreign, in, y, &out), TN_INVALID_ARGUMENT, "foreign");
  fails(try_run(s, x, wrong, y, &out), TN_INVALID_ARGUMENT, "int32");
  fails(try_run(s, x, in, tn_nth(y, 1), &out), TN_INVALID_ARGUMENT, "y:1");
  fails(try_run(s, x, in, TN_NONE, &out), TN_INVALID_ARGUMENT, "fetch");
  tn_tensor *flat = vector(4, two_by_two);
  fails(try_run(s, c, flat, c, &out), TN_INVALID_ARGUMENT, "[4]");
  tn_output twice[] = {x, x};
  tn_tensor *both[] = {in, in};
  fails(tn_session_run(s, NULL, 2, twice, both, 1, &y, 0, NULL, &out, NULL), TN_INVALID_ARGUMENT, "more than once");
  assert_null(out);
  tn_tensor_free(flat);
  tn_tensor_free(wrong);
  tn_tensor_free(in);
  tn_session_free(s);
  tn_graph_free(g);
  tn_graph_free(other);
}

static void uninitialized_variables(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output v = variable(g, "weights", 2, 2), c = constant(g, "c", matrix(2, 2, two_by_two));
  tn_output read = op1(g, "Identity", "read", v), assign = op2(g, "Assign", "assign", v, c);
  tn_output add = op2(g, "AssignAdd", "add", v, c);
  tn_session *s = new_session(g, NULL, dynamic);
  tn_tensor *out = NULL;
  fails(try_run(s, TN_NONE, NULL, read, &out), TN_FAILED_PRECONDITION, "uninitialized value weights");
  fails(try_run(s, TN_NONE, NULL, v, &out), TN_FAILED_PRECONDITION, "weights");
  fails(try_run(s, TN_NONE, NULL, add, &out), TN_FAILED_PRECONDITION, "weights");
  run_target(s, assign.node);
  out = run(s, TN_NONE, NULL, read);
  assert_true(at(out, 2) == 3);
  tn_tensor_free(out);
  tn_session *second = new_session(g, NULL, dynamic); /* has variables of its own */
  fails(try_run(second, TN_NONE, NULL, read, &out), TN_FAILED_PRECONDITION, "weights");
  tn_session_free(second);
  tn_session_free(s);
  tn_graph_free(g);
}

static void callables(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output x = placeholder(g, "x"), y = op2(g, "Mul", "y", x, x);
  tn_session *s = new_session(g, NULL, dynamic);
  tn_callable *callable = NULL;
  ok(tn_session_make_callable(s, 1, &x, 1, &y, 0, NULL, &callable));
  tn_session_free(s); /* the callable holds it, but it is closed */
  tn_tensor *in = vector(2, two_by_two), *out = NULL;
  fails(tn_callable_run(callable, NULL, &in, &out, NULL), TN_CANCELLED, "closed");
  tn_callable_free(callable);
  s = new_session(g, NULL, dynamic);
  ok(tn_session_make_callable(s, 1, &x, 1, &y, 0, NULL, &callable));
  ok(tn_callable_run(callable, NULL, &in, &out, NULL));
  assert_true(at(out, 1) == 4);
  tn_callable_free(callable);
  tn_tensor_free(in);
  tn_tensor_free(out);
  tn_session_close(s);
  fails(try_run(s, x, NULL, y, &out), TN_CANCELLED, "closed");
  tn_session_free(s);
  tn_graph_free(g);
}

static void the_graph_grows(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output v = variable(g, "v", 1, 1), one = constant(g, "one", filled(1, 1, 1));
  tn_output assign = op2(g, "Assign", "assign", v, one), read = op1(g, "Identity", "read", v);
  tn_session *s = new_session(g, NULL, dynamic);
  run_target(s, assign.node);
  tn_tensor_free(run(s, TN_NONE, NULL, read));
  tn_output add = op2(g, "AssignAdd", "add", v, one);
  tn_tensor_free(run(s, TN_NONE, NULL, add));
  ok(tn_graph_add_control(g, add.node, read.node)); /* now reading adds first */
  tn_tensor *out = run(s, TN_NONE, NULL, read);
  assert_true(at(out, 0) == 3);
  tn_tensor_free(out);
  tn_session_free(s);
  tn_graph_free(g);
}

static void partial_runs(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output a = placeholder(g, "a"), b = placeholder(g, "b"), c = placeholder(g, "c");
  tn_output sum = op2(g, "AddV2", "sum", a, b), product = op2(g, "Mul", "product", sum, c);
  tn_session *s = new_session(g, NULL, dynamic);
  tn_output feeds[] = {a, b, c}, fetches[] = {sum, product};
  tn_partial_run *partial = NULL;
  ok(tn_partial_run_new(s, 3, feeds, 2, fetches, &partial));
  tn_tensor *two = scalar(2), *values[] = {two, two}, *out = NULL;
  fails(tn_partial_run_step(partial, 1, &a, values, 1, &sum, &out), TN_INVALID_ARGUMENT, "sum");
  tn_partial_run_free(partial);
  ok(tn_partial_run_new(s, 3, feeds, 2, fetches, &partial));
  ok(tn_partial_run_step(partial, 2, feeds, values, 1, &sum, &out));
  assert_true(at(out, 0) == 4);
  tn_tensor_free(out);
  fails(tn_partial_run_step(partial, 1, &a, values, 0, NULL, NULL), TN_INVALID_ARGUMENT, "before");
  ok(tn_partial_run_step(partial, 1, &c, &two, 1, &product, &out));
  assert_true(at(out, 0) == 8);
  tn_tensor_free(out);
  tn_partial_run_free(partial);
  tn_tensor_free(two);
  tn_session_free(s);
  tn_graph_free(g);
}

static void devices(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output x = placeholder(g, "x"), y = TN_NONE;
  tn_node_builder *b = tn_node_begin(g, "Neg", "elsewhere");
  tn_node_input(b, x);
  tn_node_device(b, "/device:GPU:3");
  ok(tn_node_finish(b, &y.node));
  tn_tensor *in = vector(2, two_by_two), *out = NULL;
  tn_session *s = new_session(g, NULL, dynamic);
  tn_tensor_free(run(s, x, in, y)); /* placement is soft: it runs here */
  tn_session_free(s);
  tn_session_options options = {.no_soft_placement = true, .dynamic_only = dynamic};
  ok(tn_session_new(g, &options, &s));
  fails(try_run(s, x, in, y, &out), TN_INVALID_ARGUMENT, "elsewhere");
  tn_session_free(s);
  tn_tensor_free(in);
  tn_graph_free(g);
}

#define BOTH(test)                                                                                                     \
  cmocka_unit_test_setup(test, use_static), { "dynamic " #test, test, use_dynamic, NULL, NULL }

int main(void) {
  const struct CMUnitTest tests[] = {BOTH(adds),
                                     BOTH(feeds_replace_any_tensor),
                                     BOTH(many_fetches),
                                     BOTH(bad_requests),
                                     BOTH(uninitialized_variables),
                                     BOTH(callables),
                                     BOTH(the_graph_grows),
                                     BOTH(partial_runs),
                                     BOTH(devices)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
