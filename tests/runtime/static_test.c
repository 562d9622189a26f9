/* Static plans: what a step of one costs, when one is made, and that variables are seen as they should be. */
#include <string.h>
#include <tenon/testing.h>

#include "base/alloc.h"
#include "runtime/builder.h"

static const float four[] = {1, 2, 3, 4};

static void assert_free_of_charge(void) {
  tn_counters c = tn_last_step_counters();
  assert_true(tn_last_step_was_static());
  assert_int_equal(c.allocations, 0);
  assert_int_equal(c.locks, 0);
  assert_int_equal(c.lookups, 0);
}

/* A step of gradient descent on w for the loss sum((x w)^2). */
typedef struct trainer {
  tn_graph *graph;
  tn_output x, w, loss, init, update;
} trainer;

static trainer new_trainer(void) {
  tn_graph *g = new_graph();
  trainer t = {.graph = g, .x = placeholder(g, "x"), .w = variable(g, "w", 2, 2)};
  t.init = op2(g, "Assign", "init", t.w, constant(g, "start", matrix(2, 2, four)));
  tn_output read = op1(g, "Identity", "read", t.w), product = op2(g, "MatMul", "product", t.x, read);
  int64_t axes[] = {0, 1};
  tn_tensor *list = NULL;
  ok(tn_tensor_copy_of(TN_INT64, 1, (int64_t[]){2}, axes, &list));
  t.loss = op2(g, "Sum", "loss", op1(g, "Square", "square", product), constant(g, "axes", list));
  tn_output gradient = TN_NONE;
  ok(tn_graph_gradients(g, 1, &t.loss, 1, &read, NULL, &gradient));
  tn_node_builder *b = tn_node_begin(g, "ApplyGradientDescent", "update");
  tn_node_input(b, t.w);
  tn_node_input(b, constant(g, "rate", scalar(0.01f)));
  tn_node_input(b, gradient);
  ok(tn_node_finish(b, &t.update.node));
  return t;
}

static void a_step_is_free(void **state) {
  (void)state;
  trainer t = new_trainer();
  tn_session *s = new_session(t.graph, NULL, false);
  run_target(s, t.init.node);
  tn_tensor *in = filled(3, 2, 1), *out = NULL;
  float last = 1e30f;
  for (int i = 0; i < 5; i++) {
    ok(tn_session_run(s, NULL, 1, &t.x, &in, 1, &t.loss, 1, &t.update.node, &out, NULL));
    assert_true(at(out, 0) < last);
    last = at(out, 0);
    tn_tensor_free(out);
    if (i > 0) assert_free_of_charge();
  }
  tn_tensor_free(in);
  tn_session_free(s);
  tn_graph_free(t.graph);
}

static void executors_agree(void **state) {
  (void)state;
  trainer t = new_trainer();
  const char *const disabled[] = {NULL, "all", "memory", "order", "fold", "simplify", "cse", NULL};
  tn_tensor *in = filled(3, 2, 0.5f);
  float want[4];
  for (int mode = 7; mode >= 0; mode--) { /* the last one is dynamic */
    tn_session *s = new_session(t.graph, disabled[mode], mode == 7);
    run_target(s, t.init.node);
    for (int i = 0; i < 4; i++) {
      ok(tn_session_run(s, NULL, 1, &t.x, &in, 0, NULL, 1, &t.update.node, NULL, NULL));
      assert_int_equal(tn_last_step_was_static(), mode != 7);
    }
    tn_tensor *out = run(s, TN_NONE, NULL, t.w);
    for (int i = 0; i < 4; i++) {
      if (mode == 7) want[i] = at(out, i);
      assert_true(at(out, i) == want[i]);
    }
    tn_tensor_free(out);
    tn_session_free(s);
  }
  tn_tensor_free(in);
  tn_graph_free(t.graph);
}

static void fetched_values_stay(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output v = variable(g, "v", 2, 2), c = constant(g, "c", matrix(2, 2, four));
  tn_output init = op2(g, "Assign", "init", v, c), add = op2(g, "AssignAdd", "add", v, c);
  tn_output read = op1(g, "Identity", "read", v), twice = op2(g, "AddV2", "twice", read, read);
  tn_session *s = new_session(g, NULL, false);
  run_target(s, init.node);
  tn_tensor *first = run(s, TN_NONE, NULL, read), *sum = run(s, TN_NONE, NULL, twice);
  run_target(s, add.node); /* copies, because FIRST holds the buffer */
  assert_true(at(first, 0) == 1 && at(sum, 0) == 2);
  void *before = tn_tensor_data(first);
  tn_tensor_free(first);
  first = run(s, TN_NONE, NULL, read);
  assert_true(at(first, 0) == 2);
  assert_ptr_not_equal(tn_tensor_data(first), before);
  before = tn_tensor_data(first);
  tn_tensor_free(first);
  run_target(s, add.node); /* now nobody does */
  first = run(s, TN_NONE, NULL, read);
  assert_true(at(first, 0) == 3);
  assert_ptr_equal(tn_tensor_data(first), before);
  tn_tensor_free(first);
  tn_tensor_free(sum);
  tn_session_free(s);
  tn_graph_free(g);
}

/* Reads before and after an update in one step see what they should. */
static void order_of_reads_and_updates(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output v = variable(g, "v", 2, 2), c = constant(g, "c", matrix(2, 2, four));
  tn_output init = op2(g, "Assign", "init", v, c), before = op1(g, "Identity", "before", v);
  tn_output add = op2_after(g, "AssignAdd", "add", (tn_output[]){v, c}, before.node);
  tn_node_builder *b = tn_node_begin(g, "Identity", "after");
  tn_output after = {NULL, 0};
  tn_node_input(b, v);
  tn_node_control(b, add.node);
  ok(tn_node_finish(b, &after.node));
  tn_output late = op2_after(g, "Sub", "late", (tn_output[]){after, before}, add.node);
  for (int mode = 0; mode < 3; mode++) {
    tn_session *s = new_session(g, mode == 1 ? "all" : NULL, mode == 2);
    run_target(s, init.node);
    for (int i = 0; i < 3; i++) {
      tn_output fetches[] = {before, after, late};
      tn_tensor *out[3];
      ok(tn_session_run(s, NULL, 0, NULL, NULL, 3, fetches, 0, NULL, out, NULL));
      for (int k = 0; k < 4; k++) {
        assert_true(at(out[0], k) == four[k] * (float)(i + 1));
        assert_true(at(out[1], k) == four[k] * (float)(i + 2));
        assert_true(at(out[2], k) == four[k]);
      }
      for (int k = 0; k < 3; k++) tn_tensor_free(out[k]);
    }
    tn_session_free(s);
  }
  tn_graph_free(g);
}

static void plans_are_cached(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output x = placeholder(g, "x"), y = op1(g, "Neg", "y", x), z = op1(g, "Square", "z", x);
  tn_session *s = new_session(g, NULL, false);
  uint64_t cached, hits, made;
  for (int i = 0; i < 3; i++) {
    for (int rows = 1; rows < 4; rows++) {
      tn_tensor *in = filled(rows, 2, 1);
      tn_tensor_free(run(s, x, in, y));
      tn_tensor_free(run(s, x, in, z));
      tn_tensor_free(in);
    }
  }
  tn_session_plan_stats(s, &cached, &hits, &made);
  assert_int_equal(made, 6);
  assert_int_equal(cached, 6);
  assert_int_equal(hits, 12);
  tn_session_free(s);
  tn_graph_free(g);
}

/* A variable without a fixed shape gets another one: the plan is made again. */
static void plans_follow_variables(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_shape any = tn_shape_unknown();
  tn_node_builder *b = tn_node_begin(g, "VarHandleOp", "v");
  tn_node_attr_type(b, "dtype", TN_FLOAT);
  tn_node_attr_shape(b, "shape", &any);
  tn_output v = {NULL, 0}, read = {NULL, 0}, assign = {NULL, 0}, x = placeholder(g, "x");
  ok(tn_node_finish(b, &v.node));
  b = tn_node_begin(g, "ReadVariableOp", "read");
  tn_node_input(b, v);
  tn_node_attr_type(b, "dtype", TN_FLOAT);
  ok(tn_node_finish(b, &read.node));
  b = tn_node_begin(g, "AssignVariableOp", "assign");
  tn_node_input(b, v);
  tn_node_input(b, x);
  ok(tn_node_finish(b, &assign.node));
  tn_output twice = op2(g, "AddV2", "twice", read, read);
  tn_session *s = new_session(g, NULL, false);
  for (int rows = 1; rows < 5; rows++) {
    tn_tensor *in = filled(rows, 2, (float)rows);
    ok(tn_session_run(s, NULL, 1, &x, &in, 0, NULL, 1, &assign.node, NULL, NULL));
    for (int i = 0; i < 2; i++) {
      tn_tensor *out = run(s, TN_NONE, NULL, twice);
      assert_true(tn_last_step_was_static());
      assert_int_equal(tn_tensor_dim(out, 0), rows);
      assert_true(at(out, 2 * rows - 1) == 2 * (float)rows);
      tn_tensor_free(out);
    }
    tn_tensor_free(in);
  }
  tn_session_free(s);
  tn_graph_free(g);
}

/* What lies between conditions runs as plans. */
static void parts_are_static(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output x = placeholder(g, "x"), limit = constant(g, "limit", scalar(0)), flat = TN_NONE;
  int64_t axes[] = {0};
  tn_tensor *list = NULL;
  ok(tn_tensor_copy_of(TN_INT64, 1, (int64_t[]){1}, axes, &list));
  flat = constant(g, "axes", list);
  tn_output positive = op2(g, "Greater", "positive", op2(g, "Sum", "sum", x, flat), limit);
  tn_output branches = op2(g, "Switch", "switch", x, positive), ends[2];
  for (int i = 0; i < 2; i++) {
    tn_output y = tn_nth(branches, i);
    for (int k = 0; k < 6; k++) y = op2(g, i ? "AddV2" : "Mul", NULL, op1(g, "Neg", NULL, y), y);
    ends[i] = op1(g, "Exp", NULL, y);
  }
  tn_output merged = op2(g, "Merge", "merge", ends[0], ends[1]);
  tn_session *s = new_session(g, NULL, false), *dynamic = new_session(g, NULL, true);
  for (int i = 0; i < 4; i++) {
    tn_tensor *in = vector(2, i % 2 ? (float[]){1, 2} : (float[]){-0.5f, -0.25f});
    tn_tensor *a = run(s, x, in, merged), *b = run(dynamic, x, in, merged);
    assert_false(tn_last_step_was_static());
    for (int k = 0; k < 2; k++) assert_true(at(a, k) == at(b, k));
    tn_tensor_free(a);
    tn_tensor_free(b);
    tn_tensor_free(in);
  }
  uint64_t cached, hits, made;
  tn_session_plan_stats(s, &cached, &hits, &made);
  assert_int_equal(made, 2);
  assert_int_equal(hits, 2);
  tn_session_free(s);
  tn_session_free(dynamic);
  tn_graph_free(g);
}

static void memory_limit(void **state) {
  (void)state;
  for (int dynamic = 0; dynamic < 2; dynamic++) {
    tn_graph *g = new_graph();
    tn_output x = placeholder(g, "x"), y = op1(g, "Exp", "large", x);
    tn_output z = op2(g, "MatMul", "larger", y, op1(g, "Neg", "other", x));
    z = op2(g, "MatMul", "last", z, y);
    tn_session *s = new_session(g, NULL, dynamic);
    tn_tensor *in = filled(256, 256, 0), *out = NULL;
    size_t limit = tn_memory_limit();
    tn_set_memory_limit(tn_memory_used() + 300000);
    tn_error *error = try_run(s, x, in, z, &out);
    tn_set_memory_limit(limit);
    fails(error, TN_RESOURCE_EXHAUSTED, "largest live tensors are");
    tn_tensor_free(run(s, x, in, z)); /* and the session goes on */
    tn_tensor_free(in);
    tn_session_free(s);
    tn_graph_free(g);
  }
}

static void traces(void **state) {
  (void)state;
  trainer t = new_trainer();
  tn_session *s = new_session(t.graph, NULL, false);
  tn_session *slow = new_session(t.graph, NULL, true);
  tn_tensor *in = filled(3, 2, 1);
  tn_run_options options = {.trace = 1};
  for (int i = 0; i < 2; i++) {
    tn_run_metadata metadata = {0};
    tn_session *session = i ? slow : s;
    run_target(session, t.init.node);
    ok(tn_session_run(session, &options, 1, &t.x, &in, 0, NULL, 1, &t.update.node, NULL, &metadata));
    assert_non_null(metadata.chrome_trace);
    assert_non_null(strstr(metadata.chrome_trace, "\"update\""));
    assert_true(metadata.step_stats_size > 0);
    tn_run_metadata_clear(&metadata);
    assert_null(metadata.chrome_trace);
  }
  tn_tensor_free(in);
  tn_session_free(s);
  tn_session_free(slow);
  tn_graph_free(t.graph);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_step_is_free),
      cmocka_unit_test(executors_agree),
      cmocka_unit_test(fetched_values_stay),
      cmocka_unit_test(order_of_reads_and_updates),
      cmocka_unit_test(plans_are_cached),
      cmocka_unit_test(plans_follow_variables),
      cmocka_unit_test(memory_limit),
      cmocka_unit_test(parts_are_static),
      cmocka_unit_test(traces),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
