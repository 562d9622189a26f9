/* fuse_products: products with a bias, a rectifier or an update give the same bits with and without the pass and with
 * any number of threads, and about the same as the plain kernel; what must not be fused is not. */
#include <math.h>
#include <string.h>
#include <tenon/testing.h>

#include "graph/graph.h"
#include "runtime/builder.h"

enum { STEPS = 3, MAX_VALUES = 4 };

static tn_tensor *random_matrix(int rows, int columns, uint32_t seed) {
  tn_tensor *made = filled(rows, columns, 0);
  float *x = tn_tensor_data(made);
  for (int i = 0; i < rows * columns; i++) {
    seed = seed * 1664525u + 1013904223u;
    x[i] = (float)(seed >> 8) / (float)(1 << 23) - 1;
  }
  return made;
}

/* A row as a vector. */
static tn_output row(tn_graph *g, const char *name, int n) {
  tn_tensor *values = random_matrix(1, n, 7), *made = vector(n, tn_tensor_data(values));
  tn_tensor_free(values);
  return constant(g, name, made);
}

static tn_output node(tn_graph *g, const char *op, const tn_output *inputs, const tn_named_attr *attrs) {
  tn_scope scope = {.graph = g};
  tn_output made = tn_build(&scope, op, inputs, attrs);
  ok(scope.error);
  return made;
}

static tn_output product(tn_graph *g, tn_output a, tn_output b, bool ta, bool tb) {
  return node(g, "MatMul", TN_IN(a, b), TN_ATTRS(TN_A_BOOL("transpose_a", ta), TN_A_BOOL("transpose_b", tb)));
}

/* A layer and the descent of its weights: h = relu(x w + bias); w -= rate * transposed(x) h, which is no gradient of
 * anything but exercises all that is fused. */
typedef struct layer {
  tn_graph *g;
  tn_output x, w, h;
  tn_node *init, *train;
  tn_tensor *in;
} layer;

static layer new_layer(int batch, int n, int m, const char *add, bool relu) {
  layer l = {.g = new_graph(), .in = random_matrix(batch, n, 3)};
  l.x = placeholder(l.g, "x");
  l.w = variable(l.g, "w", n, m);
  l.init = op2(l.g, "Assign", NULL, l.w, constant(l.g, "start", random_matrix(n, m, 5))).node;
  tn_output bias = row(l.g, "bias", m), xw = product(l.g, l.x, l.w, false, false);
  l.h = strcmp(add, "swapped") ? op2(l.g, add, NULL, xw, bias) : op2(l.g, "AddV2", NULL, bias, xw);
  if (relu) l.h = op1(l.g, "Relu", "h", l.h);
  tn_output rate = constant(l.g, "rate", scalar(0.001f)), gradient = product(l.g, l.x, l.h, true, false);
  l.train = node(l.g, "ApplyGradientDescent", TN_IN(l.w, rate, gradient), NULL).node;
  return l;
}

static void free_layer(layer *l) {
  tn_tensor_free(l->in);
  tn_graph_free(l->g);
}

/* The layer's output in each of some steps, and the weights after them. */
static void run_layer(const layer *l, const char *disabled, int threads, tn_tensor *out[STEPS + 1]) {
  tn_session *s = NULL;
  const tn_session_options options = {.disabled_passes = disabled, .intra_op_threads = threads};
  ok(tn_session_new(l->g, &options, &s));
  run_target(s, l->init);
  for (int i = 0; i < STEPS; i++) {
    ok(tn_session_run(s, NULL, 1, &l->x, &l->in, 1, &l->h, 1, &l->train, &out[i], NULL));
    assert_true(tn_last_step_was_static());
  }
  out[STEPS] = run(s, TN_NONE, NULL, l->w);
  tn_session_free(s);
}

static void check_same(tn_tensor *const *a, tn_tensor *const *b) {
  for (int i = 0; i <= STEPS; i++) {
    assert_int_equal(tn_tensor_bytes(a[i]), tn_tensor_bytes(b[i]));
    assert_memory_equal(tn_tensor_data(a[i]), tn_tensor_data(b[i]), tn_tensor_bytes(a[i]));
  }
}

static void check_close(tn_tensor *const *a, tn_tensor *const *b) {
  for (int i = 0; i <= STEPS; i++)
    for (int k = 0; k < tn_tensor_elements(a[i]); k++)
      assert_true(fabsf(at(a[i], k) - at(b[i], k)) <= 1e-4f * (1 + fabsf(at(a[i], k))));
}

static void free_all(tn_tensor **out) {
  for (int i = 0; i <= STEPS; i++) tn_tensor_free(out[i]);
}

static void check_layer(int batch, int n, int m, const char *add, bool relu, int fires) {
  layer l = new_layer(batch, n, m, add, relu);
  tn_tensor *plain[STEPS + 1], *fused[STEPS + 1];
  run_layer(&l, "fuse_products", 1, plain);
  for (int threads = 1; threads <= 3; threads++) {
    const uint64_t before = tn_pass_fired("fuse_products");
    run_layer(&l, NULL, threads, fused);
    assert_int_equal(tn_pass_fired("fuse_products") - before, fires);
    check_same(plain, fused);
    free_all(fused);
  }
  ok(tn_kernel_force(NULL, "reference"));
  run_layer(&l, NULL, 2, fused);
  ok(tn_kernel_force(NULL, NULL));
  check_close(plain, fused);
  free_all(fused);
  free_all(plain);
  free_layer(&l);
}

static void test_layers(void **state) {
  (void)state;
  static const int sizes[][3] = {{1, 1, 1}, {3, 5, 7}, {16, 32, 33}, {100, 64, 50}, {17, 300, 20}};
  static const char *const adds[] = {"AddV2", "Add", "BiasAdd", "swapped"};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    for (int k = 0; k < 4; k++) check_layer(sizes[i][0], sizes[i][1], sizes[i][2], adds[k], (i + (size_t)k) % 2, 2);
}

/* Longer sums than a tile keeps in registers: the update stays by itself. */
static void test_long(void **state) {
  (void)state;
  check_layer(1500, 4, 6, "AddV2", true, 1);
}

/* Runs a graph whose one feed is X and counts what the pass does. */
static void check_fires(tn_graph *g, tn_output x, tn_tensor *in, int n, const tn_output *fetches, int fires) {
  tn_tensor *plain[MAX_VALUES], *fused[MAX_VALUES];
  tn_session *a = new_session(g, "fuse_products", false), *b = new_session(g, NULL, false);
  ok(tn_session_run(a, NULL, 1, &x, &in, (size_t)n, fetches, 0, NULL, plain, NULL));
  const uint64_t before = tn_pass_fired("fuse_products");
  ok(tn_session_run(b, NULL, 1, &x, &in, (size_t)n, fetches, 0, NULL, fused, NULL));
  assert_int_equal(tn_pass_fired("fuse_products") - before, fires);
  for (int i = 0; i < n; i++) {
    assert_memory_equal(tn_tensor_data(plain[i]), tn_tensor_data(fused[i]), tn_tensor_bytes(plain[i]));
    tn_tensor_free(plain[i]);
    tn_tensor_free(fused[i]);
  }
  tn_session_free(a);
  tn_session_free(b);
}

/* A product that somebody else needs too, a column instead of a row, a product that is a gate, a sum that somebody
 * needs; and what is fused after all. */
static void test_patterns(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output x = placeholder(g, "x"), xx = product(g, x, x, false, false), bias = row(g, "bias", 9);
  tn_output sum = op2(g, "AddV2", "sum", xx, bias), relu = op1(g, "Relu", "relu", sum);
  tn_output column = constant(g, "column", random_matrix(9, 1, 2));
  tn_output gated = op2(g, "ReluGrad", "gated", product(g, x, x, false, true), x);
  tn_output gate = op2(g, "ReluGrad", "gate", x, product(g, x, x, true, true));
  tn_output wide = op2(g, "AddV2", "wide", product(g, x, x, true, false), column);
  tn_tensor *in = random_matrix(9, 9, 11);
  check_fires(g, x, in, 2, (tn_output[]){relu, xx}, 0);
  check_fires(g, x, in, 1, &wide, 0);
  check_fires(g, x, in, 1, &gate, 0);
  check_fires(g, x, in, 1, &gated, 1);
  check_fires(g, x, in, 2, (tn_output[]){relu, sum}, 1);
  check_fires(g, x, in, 1, &relu, 1);
  tn_tensor_free(in);
  tn_graph_free(g);
}

/* w -= rate * w x: the product reads what the update changes. */
static void test_own_operand(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output w = variable(g, "w", 20, 20), x = placeholder(g, "x");
  tn_node *init = op2(g, "Assign", NULL, w, constant(g, "start", random_matrix(20, 20, 5))).node;
  tn_output rate = constant(g, "rate", scalar(0.1f));
  tn_node *train = node(g, "ApplyGradientDescent", TN_IN(w, rate, product(g, w, x, false, true)), NULL).node;
  tn_tensor *in = random_matrix(20, 20, 11), *out[2];
  for (int i = 0; i < 2; i++) {
    tn_session *s = new_session(g, i ? NULL : "fuse_products", false);
    run_target(s, init);
    for (int k = 0; k < STEPS; k++) ok(tn_session_run(s, NULL, 1, &x, &in, 0, NULL, 1, &train, NULL, NULL));
    out[i] = run(s, TN_NONE, NULL, w);
    tn_session_free(s);
  }
  assert_memory_equal(tn_tensor_data(out[0]), tn_tensor_data(out[1]), tn_tensor_bytes(out[0]));
  tn_tensor_free(out[0]);
  tn_tensor_free(out[1]);
  tn_tensor_free(in);
  tn_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_layers), cmocka_unit_test(test_long),
                                     cmocka_unit_test(test_patterns), cmocka_unit_test(test_own_operand)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
