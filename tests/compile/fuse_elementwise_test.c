/* fuse_elementwise: random elementwise graphs give the same bits with and without the pass, and it fires. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/testing.h>

#include "graph/graph.h"
#include "runtime/builder.h"

enum { MAX_NODES = 40, N_SHAPES = 5, N_FEEDS = 6 };

static uint32_t seed;
static int below(int n) {
  seed = seed * 1664525u + 1013904223u;
  return (int)(seed >> 8) % n;
}

static const char *const unary[] = {"Neg",   "Abs",   "Exp",  "Tanh",     "Sigmoid",  "Square",   "Relu",
                                    "Relu6", "Floor", "Sign", "Softplus", "Softsign", "Elu",      "Sin",
                                    "Erf",   "Log1p", "Sqrt", "Selu",     "Rsqrt",    "LeakyRelu"};
static const char *const binary[] = {"AddV2",   "Sub",      "Mul",     "RealDiv",           "Maximum",
                                     "Minimum", "DivNoNan", "BiasAdd", "SquaredDifference", "MulNoNan"};
static const char *const comparing[] = {"Less", "GreaterEqual", "Equal"};

/* A graph under construction: float values, bool values, and what is fed. */
typedef struct maker {
  tn_graph *graph;
  tn_output floats[MAX_NODES + N_FEEDS], bools[MAX_NODES];
  int n_floats, n_bools;
  tn_output feeds[N_FEEDS];
  tn_tensor *values[N_FEEDS];
} maker;

static tn_output add_op(tn_graph *graph, const char *op, int n, const tn_output *inputs) {
  tn_node_builder *b = tn_node_begin(graph, op, NULL);
  for (int i = 0; i < n; i++) tn_node_input(b, inputs[i]);
  tn_node *node = NULL;
  tn_error *error = tn_node_finish(b, &node);
  if (error) { /* shapes that do not agree: no node */
    tn_error_free(error);
    return TN_NONE;
  }
  return (tn_output){node, 0};
}

static void add_feeds(maker *m, uint32_t number) {
  int64_t rows = 1 + below(40), columns = 1 + below(number % 10 ? 300 : 40000);
  int64_t shapes[N_SHAPES][2] = {{rows, columns}, {1, columns}, {rows, 1}, {1, 1}, {rows, columns}};
  for (int i = 0; i < N_FEEDS; i++) {
    const int64_t *dims = shapes[i % N_SHAPES];
    /* A vector as well as a matrix of one row; the last is a scalar. */
    int rank = i == N_FEEDS - 1 ? 0 : i == 1 ? 1 : 2;
    tn_shape shape = rank == 1 ? tn_shape_of(1, &columns) : tn_shape_of(rank, dims);
    ok(tn_tensor_new(TN_FLOAT, shape.rank, shape.dims, &m->values[i]));
    float *x = tn_tensor_data(m->values[i]);
    for (int64_t k = 0; k < tn_tensor_elements(m->values[i]); k++) x[k] = (float)(below(4001) - 2000) / 500.0f;
    tn_node_builder *b = tn_node_begin(m->graph, "Placeholder", NULL);
    tn_node_attr_type(b, "dtype", TN_FLOAT);
    tn_node_attr_shape(b, "shape", &shape);
    ok(tn_node_finish(b, &m->feeds[i].node));
    m->floats[m->n_floats++] = m->feeds[i];
  }
}

static tn_output some(const tn_output *values, int n) {
  /* Rather the latest ones, so that chains grow. */
  int i = below(3) ? n - 1 - below(n < 4 ? n : 4) : below(n);
  return values[i];
}

static tn_output add_bias_gradient(maker *m, tn_output x) {
  return add_op(m->graph, "BiasAddGrad", 1, &x); /* a scalar has none */
}

/* Over the last dimension, over all, or (which is not fused) over the first. */
static tn_output add_reduction(maker *m, tn_output x) {
  static const char *const reductions[] = {"Sum", "Mean", "Max", "Min"};
  int rank = tn_output_shape(x).rank, which = below(3);
  int32_t values[2] = {which == 2 ? 0 : which ? rank - 1 : 0, 1};
  int64_t n = which ? 1 : rank;
  tn_tensor *axes = NULL;
  ok(tn_tensor_copy_of(TN_INT32, 1, &n, values, &axes));
  if (rank < 1 || rank > 2) {
    tn_tensor_free(axes);
    return TN_NONE;
  }
  tn_node_builder *b = tn_node_begin(m->graph, reductions[below(4)], NULL);
  tn_node_input(b, x);
  tn_node_input(b, constant(m->graph, NULL, axes));
  tn_node_attr_bool(b, "keep_dims", true);
  tn_output made = TN_NONE;
  ok(tn_node_finish(b, &made.node));
  return made;
}

static void add_random_op(maker *m) {
  tn_output x = some(m->floats, m->n_floats), y = some(m->floats, m->n_floats), made = TN_NONE;
  int kind = below(14);
  if (kind < 4) {
    made = add_op(m->graph, unary[below(sizeof unary / sizeof *unary)], 1, &x);
  } else if (kind < 8) {
    made = add_op(m->graph, binary[below(sizeof binary / sizeof *binary)], 2, (tn_output[]){x, y});
  } else if (kind == 8) {
    made = add_op(m->graph, comparing[below(3)], 2, (tn_output[]){x, y});
    if (made.node) m->bools[m->n_bools++] = made;
    return;
  } else if (kind == 9 && m->n_bools) {
    made = add_op(m->graph, "SelectV2", 3, (tn_output[]){some(m->bools, m->n_bools), x, y});
  } else if (kind == 10) {
    tn_node_builder *b = tn_node_begin(m->graph, "AddN", NULL);
    for (int i = 0; i < 3; i++) tn_node_input(b, i % 2 ? y : x);
    tn_error *error = tn_node_finish(b, &made.node);
    tn_error_free(error);
  } else if (kind == 11) {
    made = add_reduction(m, x);
  } else if (kind == 12) {
    made = add_bias_gradient(m, x);
  } else {
    tn_output number = constant(m->graph, NULL, scalar((float)below(9) / 2));
    made = add_op(m->graph, "Mul", 2, (tn_output[]){x, number});
  }
  if (made.node) m->floats[m->n_floats++] = made;
}

static void run_all(const maker *m, const char *disabled, size_t n, const tn_output *fetches, tn_tensor **out) {
  tn_session *session = new_session(m->graph, disabled, false);
  ok(tn_session_run(session, NULL, N_FEEDS, m->feeds, m->values, n, fetches, 0, NULL, out, NULL));
  assert_true(tn_last_step_was_static());
  tn_session_free(session);
}

static void check_graph(uint32_t number) {
  maker m = {.graph = new_graph()};
  seed = number * 7919;
  add_feeds(&m, number);
  int n = 2 + below(MAX_NODES - 2);
  for (int i = 0; i < n; i++) add_random_op(&m);
  /* The last value, and a few on the way. */
  tn_output fetches[4] = {m.floats[m.n_floats - 1]};
  size_t n_fetches = 1 + (size_t)below(4);
  for (size_t i = 1; i < n_fetches; i++) fetches[i] = some(m.floats, m.n_floats);
  tn_tensor *plain[4], *fused[4];
  run_all(&m, "fuse_elementwise", n_fetches, fetches, plain);
  run_all(&m, NULL, n_fetches, fetches, fused);
  for (size_t i = 0; i < n_fetches; i++) {
    if (tn_tensor_bytes(plain[i]) != tn_tensor_bytes(fused[i]) ||
        memcmp(tn_tensor_data(plain[i]), tn_tensor_data(fused[i]), tn_tensor_bytes(plain[i])) != 0)
      fail_msg("graph %u: fetch %zu (%s) differs", number, i, tn_node_name(fetches[i].node));
    tn_tensor_free(plain[i]);
    tn_tensor_free(fused[i]);
  }
  for (int i = 0; i < N_FEEDS; i++) tn_tensor_free(m.values[i]);
  tn_graph_free(m.graph);
}

static void test_random(void **state) {
  (void)state;
  uint64_t before = tn_pass_fired("fuse_elementwise");
  for (uint32_t i = 0; i < 400; i++) check_graph(i);
  assert_true(tn_pass_fired("fuse_elementwise") >= before + 100);
}

/* What a step of y = tanh(x * 2 + x) needs: one node. Both results are fetched, so the group has two outputs. */
static void test_shared(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  tn_output x = placeholder(g, "x"), two = constant(g, "two", scalar(2));
  tn_output sum = op2(g, "AddV2", "sum", op2(g, "Mul", "twice", x, two), x), y = op1(g, "Tanh", "y", sum);
  tn_session *s = new_session(g, NULL, false);
  tn_tensor *in = filled(3, 5, 0.25f), *out[2];
  uint64_t before = tn_pass_fired("fuse_elementwise");
  ok(tn_session_run(s, NULL, 1, &x, &in, 2, (tn_output[]){y, sum}, 0, NULL, out, NULL));
  assert_int_equal(tn_pass_fired("fuse_elementwise"), before + 1);
  assert_true(at(out[1], 7) == 0.75f);
  assert_true(at(out[0], 7) > 0.6351f && at(out[0], 7) < 0.6352f);
  tn_tensor_free(in);
  tn_tensor_free(out[0]);
  tn_tensor_free(out[1]);
  tn_session_free(s);
  tn_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_random), cmocka_unit_test(test_shared)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
