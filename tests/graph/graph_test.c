/* Building graphs: names, scopes, devices, controls, seeds, attributes and their errors. */
#include "check.h"

#include "graph/device.h"

#define FLOATS(graph, name) placeholder((graph), (name), TN_FLOAT, 2, (int64_t[]){2, 3})

static void test_names(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  assert_string_equal(FLOATS(g, "x").node->name, "x");
  assert_string_equal(FLOATS(g, "x").node->name, "x_1");
  assert_string_equal(FLOATS(g, "X").node->name, "X_2");
  assert_string_equal(FLOATS(g, "x_1").node->name, "x_1_1");
  assert_string_equal(FLOATS(g, NULL).node->name, "Placeholder");
  assert_string_equal(FLOATS(g, "").node->name, "Placeholder_1");
  char *name;
  ok(tn_graph_unique_name(g, "y", &name));
  assert_string_equal(name, "y");
  free(name);
  /* The name is taken, but may be used whole. */
  assert_string_equal(FLOATS(g, "y").node->name, "y_1");
  assert_string_equal(FLOATS(g, "y/").node->name, "y");
  size_t before = tn_graph_n_nodes(g);
  tn_node_builder *b = tn_node_begin(g, "Placeholder", "y/");
  tn_node_attr_type(b, "dtype", TN_FLOAT);
  expect(tn_node_finish(b, NULL), TN_INVALID_ARGUMENT, "in use");
  static const char *const bad[] = {"_x", "a b", "a:0", "-x", "a\n", "/x", "^x", "\xc3\xa4"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    b = tn_node_begin(g, "Placeholder", bad[i]);
    tn_node_attr_type(b, "dtype", TN_FLOAT);
    expect(tn_node_finish(b, NULL), TN_INVALID_ARGUMENT, "valid node name");
  }
  assert_int_equal(tn_graph_n_nodes(g), before);
  assert_ptr_equal(tn_graph_find(g, "x_1"), tn_graph_node(g, 1));
  assert_null(tn_graph_find(g, "nobody"));
  tn_output found;
  ok(tn_graph_find_output(g, "x_1:0", &found));
  assert_int_equal(found.node->id, 1);
  ok(tn_graph_find_output(g, "^x_1", &found));
  assert_int_equal(found.index, -1);
  expect(tn_graph_find_output(g, "x:1", &found), TN_NOT_FOUND, "x:1");
  expect(tn_graph_find_output(g, "nobody:0", &found), TN_NOT_FOUND, "nobody");
  expect(tn_graph_find_output(g, "^nobody", &found), TN_NOT_FOUND, "nobody");
  expect(tn_graph_find_output(g, "x:", &found), TN_INVALID_ARGUMENT, "x:");
  tn_graph_free(g);
}

static void test_name_scopes(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  ok(tn_graph_push_name_scope(g, "layer"));
  assert_string_equal(FLOATS(g, "x").node->name, "layer/x");
  ok(tn_graph_push_name_scope(g, "_inner"));
  assert_string_equal(FLOATS(g, "x").node->name, "layer/_inner/x");
  tn_graph_pop_name_scope(g);
  tn_graph_pop_name_scope(g);
  ok(tn_graph_push_name_scope(g, "Layer"));
  assert_string_equal(FLOATS(g, "x").node->name, "Layer_1/x");
  ok(tn_graph_push_name_scope(g, "layer/"));
  assert_string_equal(FLOATS(g, "x").node->name, "layer/x_1");
  ok(tn_graph_push_name_scope(g, NULL));
  assert_string_equal(FLOATS(g, "x").node->name, "x");
  for (int i = 0; i < 5; i++) tn_graph_pop_name_scope(g);
  assert_string_equal(FLOATS(g, "x").node->name, "x_1");
  expect(tn_graph_push_name_scope(g, "_x"), TN_INVALID_ARGUMENT, "scope name");
  expect(tn_graph_push_name_scope(g, "a b"), TN_INVALID_ARGUMENT, "scope name");
  tn_graph_free(g);
}

static void check_device(const char *text, const char *canonical) {
  tn_device_spec spec;
  char out[TN_DEVICE_TEXT];
  tn_error *error = tn_device_parse(text, &spec);
  if (!canonical) {
    expect(error, TN_INVALID_ARGUMENT, "device");
    return;
  }
  ok(error);
  assert_string_equal(tn_device_text(&spec, out), canonical);
}

static void test_device_names(void **state) {
  (void)state;
  check_device("", "");
  check_device("/job:worker/replica:0/task:12/device:GPU:3", "/job:worker/replica:0/task:12/device:GPU:3");
  check_device("/device:gpu:0/job:ps", "/job:ps/device:GPU:0");
  check_device("/cpu:0", "/device:CPU:0");
  check_device("gpu:1", "/device:GPU:1");
  check_device("/GPU", "/device:GPU:*");
  check_device("/device:GPU:*", "/device:GPU:*");
  check_device("/device:XLA_CPU:0", "/device:XLA_CPU:0");
  check_device("/job:*/task:*", "");
  check_device("/task:3", "/task:3");
  check_device("/job:a-b_2//task:1/", "/job:a-b_2/task:1");
  static const char *const bad[] = {"/job:",    "/job:1x", "/task:x",         "/task:-1", "/cpu:0/gpu:0",
                                    "/device:", "/cpux:0", "/device:GPU:0:1", "worker",   "/replica:99999999999",
                                    "/task:1 ", "/job"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) check_device(bad[i], NULL);
}

static void test_device_scopes(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  ok(tn_graph_push_device(g, "/job:ps/task:1"));
  assert_string_equal(tn_node_device_of(FLOATS(g, "a").node), "/job:ps/task:1");
  ok(tn_graph_push_device(g, "/task:2/gpu:0"));
  assert_string_equal(tn_node_device_of(FLOATS(g, "b").node), "/job:ps/task:2/device:GPU:0");
  tn_node_builder *b = tn_node_begin(g, "Placeholder", "c");
  tn_node_attr_type(b, "dtype", TN_FLOAT);
  tn_node_device(b, "/job:worker");
  tn_node *node;
  ok(tn_node_finish(b, &node));
  assert_string_equal(tn_node_device_of(node), "/job:worker/task:2/device:GPU:0");
  ok(tn_graph_push_device(g, NULL));
  assert_string_equal(tn_node_device_of(FLOATS(g, "d").node), "");
  tn_graph_pop_device(g);
  tn_graph_pop_device(g);
  assert_string_equal(tn_node_device_of(FLOATS(g, "e").node), "/job:ps/task:1");
  tn_graph_pop_device(g);
  assert_string_equal(tn_node_device_of(FLOATS(g, "f").node), "");
  expect(tn_graph_push_device(g, "/nonsense:3"), TN_INVALID_ARGUMENT, "nonsense");
  b = tn_node_begin(g, "Placeholder", "c");
  tn_node_device(b, "/nonsense:3");
  expect(tn_node_finish(b, NULL), TN_INVALID_ARGUMENT, "Placeholder 'c'");
  tn_graph_free(g);
}

static void test_controls(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output x = FLOATS(g, "x"), y = FLOATS(g, "y");
  ok(tn_graph_push_control(g, 1, &x.node));
  tn_node *a = OP(g, "Neg", "a", y), *b = OP(g, "Neg", "b", x), *c = OP(g, "Neg", "c", out(a, 0));
  assert_int_equal(tn_node_n_controls(a), 1);
  assert_ptr_equal(tn_node_control_at(a, 0), x.node);
  /* x is an input of b already; c depends on it through a. */
  assert_int_equal(tn_node_n_controls(b), 0);
  assert_int_equal(tn_node_n_controls(c), 0);
  ok(tn_graph_push_control(g, 0, NULL));
  assert_int_equal(tn_node_n_controls(OP(g, "Neg", "d", y)), 0);
  tn_graph_pop_control(g);
  tn_graph_pop_control(g);
  assert_int_equal(tn_node_n_controls(OP(g, "Neg", "e", y)), 0);
  uint64_t version = tn_graph_version(g);
  ok(tn_graph_add_control(g, b, a));
  assert_int_equal(tn_node_n_controls(a), 2);
  assert_true(tn_graph_version(g) > version);
  ok(tn_graph_add_control(g, b, a));
  assert_int_equal(tn_node_n_controls(a), 2);
  expect(tn_graph_add_control(g, c, b), TN_INVALID_ARGUMENT, "cycle");
  expect(tn_graph_add_control(g, a, a), TN_INVALID_ARGUMENT, "cycle");
  assert_int_equal(tn_node_n_controls(b), 0);
  tn_graph *other = new_graph();
  tn_output z = FLOATS(other, "z");
  expect(tn_graph_add_control(g, z.node, a), TN_INVALID_ARGUMENT, "one graph");
  expect(tn_graph_push_control(g, 1, &z.node), TN_INVALID_ARGUMENT, "graph");
  tn_graph_free(other);
  tn_graph_free(g);
}

static void test_inference_of_attributes(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output x = FLOATS(g, "x"), i = placeholder(g, "i", TN_INT32, 0, NULL);
  tn_node *pack = OP(g, "Pack", "p", x, x, x);
  assert_int_equal(tn_node_get_int(pack, "N"), 3);
  assert_int_equal(tn_node_get_type(pack, "T"), TN_FLOAT);
  assert_int_equal(tn_node_get_int(pack, "axis"), 0);
  int first;
  tn_node *concat = OP(g, "ConcatV2", "c", x, x, i);
  assert_int_equal(tn_node_get_int(concat, "N"), 2);
  assert_int_equal(tn_node_argument(concat, 1, &first), 1);
  assert_int_equal(first, 2);
  tn_node *identity = OP(g, "IdentityN", "n", x, i);
  const tn_attr *types = tn_node_attr(identity, "T");
  assert_true(types && types->is_list && types->n == 2);
  assert_int_equal(types->types[1], TN_INT32);
  assert_int_equal(tn_node_n_outputs(identity), 2);
  assert_int_equal(tn_output_dtype(out(identity, 1)), TN_INT32);
  assert_int_equal(tn_output_shape(out(identity, 0)).dims[1], 3);
  assert_null(tn_node_attr(pack, "nothing"));
  tn_graph_free(g);
}

/* Builds OP with the given inputs and attributes; it must fail so, and leave the graph as it was. */
static void refuse(tn_node_builder *b, tn_graph *g, tn_code code, const char *part) {
  size_t before = tn_graph_n_nodes(g);
  uint64_t version = tn_graph_version(g);
  expect(tn_node_finish(b, NULL), code, part);
  assert_int_equal(tn_graph_n_nodes(g), before);
  assert_int_equal(tn_graph_version(g), version);
}

static tn_node_builder *begin(tn_graph *g, const char *type, int n, const tn_output *inputs) {
  tn_node_builder *b = tn_node_begin(g, type, "bad");
  for (int i = 0; i < n; i++) tn_node_input(b, inputs[i]);
  return b;
}
#define BEGIN(g, type, ...)                                                                                            \
  begin((g), (type), (int)(sizeof((tn_output[]){__VA_ARGS__}) / sizeof(tn_output)), (tn_output[]){__VA_ARGS__})

static void test_bad_inputs(void **state) {
  (void)state;
  tn_graph *g = new_graph(), *other = new_graph();
  tn_output x = FLOATS(g, "x"), i = placeholder(g, "i", TN_INT32, 0, NULL);
  tn_output s = placeholder(g, "s", TN_STRING, 0, NULL);
  refuse(tn_node_begin(g, "NoSuchOp", "n"), g, TN_NOT_FOUND, "NoSuchOp 'n'");
  refuse(BEGIN(g, "MatMul", x), g, TN_INVALID_ARGUMENT, "expected 2 inputs, got 1");
  ok(tn_graph_push_name_scope(g, "scope"));
  refuse(BEGIN(g, "MatMul", x), g, TN_INVALID_ARGUMENT, "MatMul 'scope/bad': expected");
  tn_graph_pop_name_scope(g);
  refuse(BEGIN(g, "Neg", x, x), g, TN_INVALID_ARGUMENT, "expected 1 inputs, got 2");
  refuse(BEGIN(g, "MatMul", x, i), g, TN_INVALID_ARGUMENT, "MatMul 'bad': input 'b' has type int32");
  refuse(BEGIN(g, "Neg", s), g, TN_INVALID_ARGUMENT, "'T' is string, expected one of");
  refuse(BEGIN(g, "MatMul", x, x), g, TN_INVALID_ARGUMENT, "MatMul 'bad'");
  refuse(BEGIN(g, "Neg", (tn_output){x.node, 1}), g, TN_INVALID_ARGUMENT, "no output 1");
  refuse(BEGIN(g, "Neg", (tn_output){x.node, -1}), g, TN_INVALID_ARGUMENT, "no output -1");
  refuse(BEGIN(g, "Neg", TN_NONE), g, TN_INVALID_ARGUMENT, "not a tensor of this graph");
  refuse(BEGIN(g, "Neg", FLOATS(other, "x")), g, TN_INVALID_ARGUMENT, "not a tensor of this graph");
  refuse(BEGIN(g, "Assign", x, x), g, TN_INVALID_ARGUMENT, "must be a reference to a variable");
  refuse(tn_node_begin(g, "Pack", "bad"), g, TN_INVALID_ARGUMENT, "at least 1");
  tn_node_builder *b = BEGIN(g, "Neg", x);
  tn_node_control(b, FLOATS(other, "y").node);
  refuse(b, g, TN_INVALID_ARGUMENT, "control input");
  tn_graph_free(other);
  tn_graph_free(g);
}

static void test_bad_attributes(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output x = placeholder(g, "x", TN_FLOAT, 4, (int64_t[]){1, 4, 4, 1});
  tn_node_builder *b = tn_node_begin(g, "Placeholder", "bad");
  refuse(b, g, TN_INVALID_ARGUMENT, "attribute 'dtype' is missing");
  b = tn_node_begin(g, "Placeholder", "bad");
  tn_node_attr_int(b, "dtype", 1);
  refuse(b, g, TN_INVALID_ARGUMENT, "must be a type, but is a int");
  b = tn_node_begin(g, "Placeholder", "bad");
  tn_node_attr_type(b, "dtype", (tn_dtype)77);
  refuse(b, g, TN_INVALID_ARGUMENT, "no type");
  b = tn_node_begin(g, "Placeholder", "bad");
  tn_node_attr_type(b, "dtype", TN_FLOAT);
  tn_node_attr_type(b, "dtype", TN_FLOAT);
  refuse(b, g, TN_INVALID_ARGUMENT, "twice");
  b = BEGIN(g, "Neg", x);
  tn_node_attr_bool(b, "no_such", true);
  refuse(b, g, TN_INVALID_ARGUMENT, "no attribute 'no_such'");
  b = BEGIN(g, "Neg", x);
  tn_node_attr_type(b, "T", TN_DOUBLE);
  refuse(b, g, TN_INVALID_ARGUMENT, "input 'x' has type float32");
  b = BEGIN(g, "MaxPool", x);
  tn_node_attr_ints(b, "ksize", (int64_t[]){1, 2, 2, 1}, 4);
  tn_node_attr_ints(b, "strides", (int64_t[]){1, 2, 2, 1}, 4);
  tn_node_attr_string(b, "padding", "%s%n", 4);
  refuse(b, g, TN_INVALID_ARGUMENT, "'padding' is '%s%n', expected one of SAME, VALID");
  b = BEGIN(g, "MaxPool", x);
  tn_node_attr_ints(b, "ksize", (int64_t[]){1, 2, 2}, 3);
  tn_node_attr_ints(b, "strides", (int64_t[]){1, 2, 2, 1}, 4);
  tn_node_attr_string(b, "padding", "SAME", 4);
  refuse(b, g, TN_INVALID_ARGUMENT, "'ksize' has length 3, expected at least 4");
  /* Private attributes are kept, of whatever kind. */
  b = BEGIN(g, "Neg", x);
  tn_node_attr_string(b, "_gradient_op_type", "Mine", 4);
  tn_node *node;
  ok(tn_node_finish(b, &node));
  assert_true(tn_node_string_is(node, "_gradient_op_type", "Mine"));
  assert_false(tn_node_string_is(node, "_gradient_op_type", "Min"));
  tn_graph_free(g);
}

static void check_seed(tn_graph *g, const int64_t *op_seed, int64_t seed, int64_t seed2) {
  int64_t a = -1, b = -1;
  tn_graph_get_seed(g, op_seed, &a, &b);
  assert_int_equal(a, seed);
  assert_int_equal(b, seed2);
}

static void test_seeds(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  const int64_t five = 5, zero = 0, minus = -1, max = 2147483647;
  check_seed(g, NULL, 0, 0);
  check_seed(g, &five, 87654321, 5);
  check_seed(g, &minus, 87654321, 2147483646);
  check_seed(g, &max, 87654321, 0);
  tn_graph_set_seed(g, 7);
  check_seed(g, NULL, 7, 0);
  check_seed(g, &five, 7, 5);
  check_seed(g, NULL, 7, 1);
  tn_graph_set_seed(g, 0);
  check_seed(g, &zero, 0, 2147483647);
  check_seed(g, NULL, 0, 2);
  tn_graph_free(g);
}

static void test_set_shape(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output x = placeholder(g, "x", TN_FLOAT, -1, NULL);
  tn_shape shape = tn_shape_of(2, (int64_t[]){-1, 3});
  ok(tn_output_set_shape(x, &shape));
  shape = tn_shape_of(2, (int64_t[]){2, -1});
  ok(tn_output_set_shape(x, &shape));
  shape = tn_output_shape(x);
  assert_true(shape.rank == 2 && shape.dims[0] == 2 && shape.dims[1] == 3);
  shape = tn_shape_of(2, (int64_t[]){2, 4});
  expect(tn_output_set_shape(x, &shape), TN_INVALID_ARGUMENT, "[2,3]");
  shape = tn_shape_scalar();
  expect(tn_output_set_shape(x, &shape), TN_INVALID_ARGUMENT, "agree");
  assert_int_equal(tn_output_shape(x).dims[1], 3);
  tn_graph_free(g);
}

/* The value of a shape that is put together from others is known in parts. */
static void test_partial_shapes(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_scope s = {.graph = g};
  tn_output x = placeholder(g, "x", TN_FLOAT, 3, (int64_t[]){-1, 4, 5}), y = placeholder(g, "y", TN_FLOAT, -1, NULL);
  tn_output n = placeholder(g, "n", TN_INT32, 0, NULL);
  tn_output shape = tn_build1(&s, "Shape", x);
  int64_t one = 1, zero = 0, two = 2;
  tn_output b1 = tn_build_ints(&s, TN_INT32, 1, &one), b0 = tn_build_ints(&s, TN_INT32, 1, &zero);
  tn_output b2 = tn_build_ints(&s, TN_INT32, 1, &two);
  tn_output tail = tn_build(&s, "StridedSlice", TN_IN(shape, b0, b2, b1), NULL);
  tn_output pack = tn_build(&s, "Pack", TN_IN(n, tn_build_scalar(&s, TN_INT32, 7)), NULL);
  tn_output axis = tn_build_scalar(&s, TN_INT32, 0);
  tn_output both = tn_build(&s, "ConcatV2", TN_IN(tail, pack, axis), NULL);
  tn_output last = tn_build(&s, "StridedSlice", TN_IN(shape, b1, b2, b1), TN_ATTRS(TN_A_INT("shrink_axis_mask", 1)));
  tn_output reshaped = tn_build2(&s, "Reshape", y, both);
  tn_output filled =
      tn_build2(&s, "Fill", tn_build(&s, "Pack", TN_IN(n, last), NULL), tn_build_scalar(&s, TN_FLOAT, 1));
  tn_output wide = tn_build2(&s, "Fill", tn_build_cast(&s, shape, TN_INT64), tn_build_scalar(&s, TN_FLOAT, 1));
  if (s.error) fail_msg("%s", tn_error_message(s.error));
  tn_shape got = tn_output_shape(reshaped), want = tn_shape_of(4, (int64_t[]){-1, 4, -1, 7});
  if (!tn_shape_equal(&got, &want)) fail_msg("Reshape: %s", TN_SHAPE_STR(&got));
  got = tn_output_shape(filled), want = tn_shape_of(2, (int64_t[]){-1, 4});
  if (!tn_shape_equal(&got, &want)) fail_msg("Fill: %s", TN_SHAPE_STR(&got));
  got = tn_output_shape(wide), want = tn_shape_of(3, (int64_t[]){-1, 4, 5});
  if (!tn_shape_equal(&got, &want)) fail_msg("Fill of Cast: %s", TN_SHAPE_STR(&got));
  tn_graph_free(g);
}

static void test_many_nodes(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  for (int i = 0; i < 3000; i++) placeholder(g, NULL, TN_FLOAT, 0, NULL);
  for (size_t i = 0; i < 3000; i++) assert_int_equal(tn_node_id(tn_graph_node(g, i)), i);
  assert_null(tn_graph_node(g, 3000));
  assert_non_null(tn_graph_find(g, "Placeholder_2999"));
  tn_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names),          cmocka_unit_test(test_name_scopes),
      cmocka_unit_test(test_device_names),   cmocka_unit_test(test_device_scopes),
      cmocka_unit_test(test_controls),       cmocka_unit_test(test_inference_of_attributes),
      cmocka_unit_test(test_bad_inputs),     cmocka_unit_test(test_bad_attributes),
      cmocka_unit_test(test_seeds),          cmocka_unit_test(test_set_shape),
      cmocka_unit_test(test_partial_shapes), cmocka_unit_test(test_many_nodes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
