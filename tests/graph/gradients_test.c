/* The structure of gradient graphs; their values are compared with TensorFlow's elsewhere. */
#include "check.h"

#define FLOATS(graph, name) placeholder((graph), (name), TN_FLOAT, 2, (int64_t[]){2, 3})

static tn_output one_gradient(tn_graph *g, tn_output y, tn_output x) {
  tn_output gradient = TN_NONE;
  ok(tn_graph_gradients(g, 1, &y, 1, &x, NULL, &gradient));
  return gradient;
}

static void test_chain(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output x = FLOATS(g, "x"), other = FLOATS(g, "other");
  tn_output y = out(OP(g, "Tanh", "y", x), 0);
  tn_output gradient = one_gradient(g, y, x);
  assert_string_equal(tn_node_op(gradient.node), "TanhGrad");
  assert_string_equal(gradient.node->name, "gradients/y_grad/TanhGrad");
  assert_ptr_equal(gradient.node->inputs[0].node, y.node);
  tn_shape shape = tn_output_shape(gradient), want = tn_output_shape(x);
  assert_true(tn_shape_equal(&shape, &want));
  assert_null(one_gradient(g, y, other).node);
  /* y itself: ones. */
  tn_output self = one_gradient(g, y, y);
  assert_string_equal(tn_node_op(self.node), "Fill");
  tn_graph_free(g);
}

static void test_sum_of_ways(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output x = FLOATS(g, "x");
  tn_output a = out(OP(g, "Tanh", "a", x), 0), b = out(OP(g, "Neg", "b", x), 0);
  tn_output y = out(OP(g, "AddN", "y", a, b, x), 0);
  tn_output gradient = one_gradient(g, y, x);
  assert_string_equal(tn_node_op(gradient.node), "AddN");
  assert_int_equal(gradient.node->n_inputs, 3);
  /* Two ys are added up as well, and a y that occurs twice counts twice. */
  tn_output ys[3] = {a, b, a};
  ok(tn_graph_gradients(g, 3, ys, 1, &x, NULL, &gradient));
  assert_int_equal(gradient.node->n_inputs, 2);
  tn_graph_free(g);
}

static void test_given_and_stopped(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output x = FLOATS(g, "x"), dy = FLOATS(g, "dy");
  tn_output a = out(OP(g, "Neg", "a", x), 0), y = out(OP(g, "Neg", "y", a), 0), gradient;
  ok(tn_graph_gradients(g, 1, &y, 1, &x, &dy, &gradient));
  assert_string_equal(tn_node_op(gradient.node), "Neg");
  tn_output given = gradient.node->inputs[0].node->inputs[0];
  assert_string_equal(tn_node_op(given.node), "Identity");
  assert_ptr_equal(given.node->inputs[0].node, dy.node);
  tn_gradient_value value;
  ok(tn_graph_gradients_sparse(g, 1, &y, 1, &x, NULL, 1, &a, &value));
  assert_null(value.values.node);
  tn_output xs[2] = {x, a};
  tn_gradient_value values[2];
  ok(tn_graph_gradients_sparse(g, 1, &y, 2, xs, NULL, 1, &a, values));
  assert_null(values[0].values.node);
  assert_non_null(values[1].values.node);
  /* An x between y and another x stops nothing. */
  ok(tn_graph_gradients_sparse(g, 1, &y, 2, xs, NULL, 0, NULL, values));
  assert_non_null(values[0].values.node);
  tn_graph_free(g);
}

static void test_sparse(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output x = placeholder(g, "x", TN_FLOAT, 2, (int64_t[]){100, 3});
  tn_output i = placeholder(g, "i", TN_INT32, 1, (int64_t[]){4}), j = placeholder(g, "j", TN_INT64, 1, (int64_t[]){4});
  tn_output a = out(OP(g, "Gather", "a", x, i), 0), b = out(OP(g, "Gather", "b", x, j), 0);
  tn_gradient_value value;
  ok(tn_graph_gradients_sparse(g, 1, &a, 1, &x, NULL, 0, NULL, &value));
  assert_non_null(value.indices.node);
  assert_non_null(value.dense_shape.node);
  tn_output ys[2] = {a, b}, dense;
  ok(tn_graph_gradients_sparse(g, 2, ys, 1, &x, NULL, 0, NULL, &value));
  assert_string_equal(tn_node_op(value.values.node), "ConcatV2");
  assert_string_equal(tn_node_op(value.indices.node), "ConcatV2");
  assert_int_equal(tn_output_dtype(value.indices), TN_INT64);
  ok(tn_graph_gradients(g, 2, ys, 1, &x, NULL, &dense));
  assert_string_equal(tn_node_op(dense.node), "UnsortedSegmentSum");
  /* Sparse and dense together are dense. */
  ys[1] = out(OP(g, "Neg", "n", x), 0);
  ok(tn_graph_gradients_sparse(g, 2, ys, 1, &x, NULL, 0, NULL, &value));
  assert_null(value.indices.node);
  assert_string_equal(tn_node_op(value.values.node), "AddN");
  tn_graph_free(g);
}

static tn_error *doubled(tn_graph *graph, tn_node *node, const tn_output *grad_outputs, tn_output *grad_inputs,
                         void *argument) {
  ++*(int *)argument;
  assert_string_equal(node->name, "y");
  tn_output inputs[2] = {grad_outputs[0], grad_outputs[0]};
  grad_inputs[0] = out(op(graph, "AddN", "doubled", 2, inputs), 0);
  return NULL;
}

static tn_error *wrong(tn_graph *graph, tn_node *node, const tn_output *grad_outputs, tn_output *grad_inputs,
                       void *argument) {
  (void)node;
  (void)grad_outputs;
  (void)argument;
  grad_inputs[0] = placeholder(graph, "wrong", TN_FLOAT, 1, (int64_t[]){7});
  return NULL;
}

static void test_user(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  int calls = 0;
  tn_output x = FLOATS(g, "x");
  ok(tn_graph_register_gradient(g, "Doubled", doubled, &calls));
  ok(tn_graph_register_gradient(g, "Wrong", wrong, NULL));
  expect(tn_graph_register_gradient(g, "Doubled", doubled, &calls), TN_ALREADY_EXISTS, "Doubled");
  tn_node *y;
  tn_node_builder *b = tn_node_begin(g, "Floor", "y");
  tn_node_input(b, x);
  tn_node_attr_string(b, "_gradient_op_type", "Doubled", 7);
  ok(tn_node_finish(b, &y));
  tn_output gradient = one_gradient(g, out(y, 0), x);
  assert_int_equal(calls, 1);
  assert_string_equal(gradient.node->name, "gradients/y_grad/doubled");
  const char *names[] = {"Nobody", "Wrong"};
  const tn_code codes[] = {TN_NOT_FOUND, TN_INVALID_ARGUMENT};
  for (int i = 0; i < 2; i++) {
    b = tn_node_begin(g, "Floor", NULL);
    tn_node_input(b, x);
    tn_node_attr_string(b, "_gradient_op_type", names[i], strlen(names[i]));
    ok(tn_node_finish(b, &y));
    tn_output bad = out(y, 0);
    expect(tn_graph_gradients(g, 1, &bad, 1, &x, NULL, &gradient), codes[i], i ? "shape" : "Nobody");
  }
  /* The name scope was left on the errors too. */
  assert_string_equal(FLOATS(g, "free").node->name, "free");
  tn_graph_free(g);
}

static void test_errors(void **state) {
  (void)state;
  tn_graph *g = new_graph(), *other = new_graph();
  tn_output x = FLOATS(g, "x"), i = placeholder(g, "i", TN_INT32, 0, NULL), gradient = TN_NONE;
  tn_output c = placeholder(g, "c", TN_COMPLEX64, 0, NULL), foreign = FLOATS(other, "x");
  expect(tn_graph_gradients(g, 1, &i, 1, &x, NULL, &gradient), TN_INVALID_ARGUMENT, "int32");
  expect(tn_graph_gradients(g, 1, &c, 1, &x, NULL, &gradient), TN_INVALID_ARGUMENT, "complex");
  expect(tn_graph_gradients(g, 1, &x, 1, &x, &i, &gradient), TN_INVALID_ARGUMENT, "int32");
  expect(tn_graph_gradients(g, 1, &foreign, 1, &x, NULL, &gradient), TN_INVALID_ARGUMENT, "not a tensor");
  expect(tn_graph_gradients(g, 1, &x, 1, &foreign, NULL, &gradient), TN_INVALID_ARGUMENT, "not a tensor");
  tn_output y = out(OP(g, "NextAfter", "y", x, x), 0);
  tn_error *error = tn_graph_gradients(g, 1, &y, 1, &x, NULL, &gradient);
  tn_error_free(error);
  assert_null(gradient.node && error ? gradient.node : NULL);
  tn_graph_free(other);
  tn_graph_free(g);
}

static void test_broadcasting(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output x = placeholder(g, "x", TN_FLOAT, 2, (int64_t[]){-1, 3}),
            b = placeholder(g, "b", TN_FLOAT, 1, (int64_t[]){3});
  tn_output y = out(OP(g, "AddV2", "y", x, b), 0);
  /* The bias' gradient is a sum over the first axis; x was not stretched, so its gradient is y's. */
  tn_output xs[2] = {x, b}, gradients[2];
  ok(tn_graph_gradients(g, 1, &y, 2, xs, NULL, gradients));
  assert_string_equal(tn_node_op(gradients[1].node), "Sum");
  assert_string_equal(tn_node_op(gradients[0].node), "Fill");
  assert_int_equal(tn_output_shape(gradients[1]).dims[0], 3);
  tn_graph_free(g);
}

static void test_second_order(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output x = FLOATS(g, "x");
  tn_output y = out(OP(g, "Tanh", "y", x), 0);
  tn_output first = one_gradient(g, y, x), second = one_gradient(g, first, x);
  assert_non_null(second.node);
  assert_true(strncmp(second.node->name, "gradients_1/", 12) == 0);
  tn_graph_free(g);
}

static void test_cond(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output x = FLOATS(g, "x"), p = placeholder(g, "p", TN_BOOL, 0, NULL);
  tn_node *s = OP(g, "Switch", "s", x, p);
  tn_output a = out(OP(g, "Tanh", "a", out(s, 0)), 0), b = out(OP(g, "Neg", "b", out(s, 1)), 0);
  tn_node *m = OP(g, "Merge", "m", a, b);
  tn_output gradient = one_gradient(g, out(m, 0), x);
  assert_string_equal(tn_node_op(gradient.node), "Merge");
  /* With one branch only, the other one gives zeros that are dead when it is not taken. */
  tn_node *t = OP(g, "Switch", "t", x, p);
  tn_output c = placeholder(g, "c", TN_FLOAT, 2, (int64_t[]){2, 3});
  tn_node *other = OP(g, "Switch", "u", c, p);
  tn_node *n = OP(g, "Merge", "n", out(OP(g, "Neg", "d", out(other, 0)), 0), out(OP(g, "Tanh", "e", out(t, 1)), 0));
  gradient = one_gradient(g, out(n, 0), x);
  assert_string_equal(tn_node_op(gradient.node), "Merge");
  assert_string_equal(tn_node_op(gradient.node->inputs[0].node), "Switch");
  assert_int_equal(gradient.node->inputs[0].index, 0);
  tn_graph_free(g);
}

/* y = x * x * ... in a loop: what one gradient remembers on stacks has no second one, which must not look like none. */
static void test_second_order_of_loops(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_scope s = {.graph = g};
  tn_output x = placeholder(g, "x", TN_FLOAT, 0, NULL);
  tn_attr name = {.kind = TN_ATTR_STRING, .string = {(char *)"f", 1}};
  tn_output i = tn_build(&s, "Enter", TN_IN(tn_build_scalar(&s, TN_FLOAT, 0)), TN_ATTRS({"frame_name", name}));
  tn_output v = tn_build(&s, "Enter", TN_IN(x), TN_ATTRS({"frame_name", name}));
  tn_output one = tn_build(&s, "Enter", TN_IN(tn_build_scalar(&s, TN_FLOAT, 1)),
                           TN_ATTRS({"frame_name", name}, TN_A_BOOL("is_constant", true)));
  tn_output count = tn_build2(&s, "Merge", i, i), value = tn_build2(&s, "Merge", v, v);
  tn_output more = tn_build1(&s, "LoopCond", tn_build2(&s, "Less", count, one));
  tn_output counts = tn_build2(&s, "Switch", count, more), values = tn_build2(&s, "Switch", value, more);
  tn_output next = tn_build1(&s, "NextIteration", tn_build2(&s, "Add", tn_nth(counts, 1), one));
  tn_output squared = tn_build2(&s, "Mul", tn_nth(values, 1), tn_nth(values, 1));
  tn_output next_value = tn_build1(&s, "NextIteration", squared), y = tn_build1(&s, "Exit", values), second = TN_NONE;
  ok(s.error);
  ok(tn_graph_set_back_edge(g, count.node, 1, next));
  ok(tn_graph_set_back_edge(g, value.node, 1, next_value));
  tn_output first = one_gradient(g, y, x);
  assert_string_equal(tn_node_op(first.node), "Exit");
  expect(tn_graph_gradients(g, 1, &first, 1, &x, NULL, &second), TN_NOT_FOUND, "StackPopV2");
  assert_null(second.node);
  /* The first order still works beside what the first one left in the loop. */
  assert_string_equal(tn_node_op(one_gradient(g, y, x).node), "Exit");
  tn_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_chain),
      cmocka_unit_test(test_sum_of_ways),
      cmocka_unit_test(test_given_and_stopped),
      cmocka_unit_test(test_sparse),
      cmocka_unit_test(test_user),
      cmocka_unit_test(test_errors),
      cmocka_unit_test(test_broadcasting),
      cmocka_unit_test(test_second_order),
      cmocka_unit_test(test_cond),
      cmocka_unit_test(test_second_order_of_loops),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
