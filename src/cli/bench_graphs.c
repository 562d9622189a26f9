/* The graphs of `tenon bench`. The first error sticks in the step's scope. */
#include <stdlib.h>

#include "cli/bench.h"

/* Random numbers for inputs, the same in every run: a linear congruential generator is good enough. */
static uint32_t random_bits(void) {
  static uint64_t state = 1;
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(state >> 33);
}

static void feed(bench_step *b, tn_dtype dtype, const tn_shape *shape, uint32_t below) {
  tn_scope *s = &b->scope;
  int i = b->n_feeds++;
  tn_shape open = *shape; /* the batch is not known when the graph is built */
  if (open.rank) open.dims[0] = -1;
  b->feeds[i] = tn_build(s, "Placeholder", TN_NO_INPUTS,
                         TN_ATTRS(TN_A_TYPE("dtype", dtype), {"shape", {.kind = TN_ATTR_SHAPE, .shape = open}}));
  if (!s->error) s->error = tn_tensor_new(dtype, shape->rank, shape->dims, &b->values[i]);
  if (s->error) return;
  for (int64_t k = 0; k < tn_tensor_elements(b->values[i]); k++) {
    if (dtype == TN_FLOAT)
      ((float *)b->values[i]->data)[k] = (float)random_bits() / 0x1p31f;
    else
      ((int64_t *)b->values[i]->data)[k] = random_bits() % below;
  }
}

/* A variable of the old kind with Glorot's uniform start; vectors start at zero. */
static tn_output variable(bench_step *b, const tn_shape *shape) {
  tn_scope *s = &b->scope;
  tn_output v = tn_build(s, "VariableV2", TN_NO_INPUTS,
                         TN_ATTRS({"shape", {.kind = TN_ATTR_SHAPE, .shape = *shape}}, TN_A_TYPE("dtype", TN_FLOAT)));
  tn_output size = tn_build_ints(s, TN_INT32, shape->rank, shape->dims), start;
  if (shape->rank == 1) {
    start = tn_build2(s, "Fill", size, tn_build_scalar(s, TN_FLOAT, 0));
  } else {
    double fans = (double)(shape->dims[shape->rank - 1] + shape->dims[shape->rank - 2]);
    for (int i = 0; i < shape->rank - 2; i++) fans *= (double)shape->dims[i];
    double limit = 2.45 / __builtin_sqrt(fans);
    start = tn_build(s, "RandomUniform", TN_IN(size),
                     TN_ATTRS(TN_A_TYPE("dtype", TN_FLOAT), TN_A_INT("seed", 1 + b->n_inits)));
    start = tn_build2(s, "Mul", tn_build2(s, "Sub", start, tn_build_scalar(s, TN_FLOAT, 0.5)),
                      tn_build_scalar(s, TN_FLOAT, 2 * limit));
  }
  b->inits[b->n_inits++] = tn_build2(s, "Assign", v, start).node;
  return v;
}
#define SHAPE(...) (&(tn_shape){.rank = sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), .dims = {__VA_ARGS__}})

static tn_output mean_loss(bench_step *b, tn_output logits, tn_output labels) {
  tn_scope *s = &b->scope;
  tn_output losses = tn_build2(s, "SparseSoftmaxCrossEntropyWithLogits", logits, labels);
  return tn_build(s, "Mean", TN_IN(losses, tn_build_ints(s, TN_INT32, 1, (int64_t[]){0})), NULL);
}

static void call_overhead(bench_step *b) {
  feed(b, TN_FLOAT, SHAPE(2), 0);
  b->fetch = tn_build2(&b->scope, "AddV2", b->feeds[0], b->feeds[0]);
}

static tn_output dense(bench_step *b, tn_output x, tn_output kernel, tn_output bias) {
  return tn_build2(&b->scope, "AddV2", tn_build2(&b->scope, "MatMul", x, kernel), bias);
}

static void mlp(bench_step *b) {
  tn_scope *s = &b->scope;
  feed(b, TN_FLOAT, SHAPE(100, 784), 0);
  feed(b, TN_INT64, SHAPE(100), 10);
  tn_output w[4] = {variable(b, SHAPE(784, 500)), variable(b, SHAPE(500)), variable(b, SHAPE(500, 10)),
                    variable(b, SHAPE(10))},
            g[4];
  tn_output hidden = tn_build1(s, "Relu", dense(b, b->feeds[0], w[0], w[1]));
  b->fetch = mean_loss(b, dense(b, hidden, w[2], w[3]), b->feeds[1]);
  if (!s->error) s->error = tn_graph_gradients(b->graph, 1, &b->fetch, 4, w, NULL, g);
  tn_output rate = tn_build_scalar(s, TN_FLOAT, 0.1);
  for (int i = 0; i < 4 && !s->error; i++)
    b->trains[b->n_trains++] = tn_build(s, "ApplyGradientDescent", TN_IN(w[i], rate, g[i]), NULL).node;
}

static tn_output conv_pool(bench_step *b, tn_output x, tn_output filter, tn_output bias) {
  tn_scope *s = &b->scope;
  int64_t ones[] = {1, 1, 1, 1}, twos[] = {1, 2, 2, 1};
#define INTS(NAME, VALUES)                                                                                             \
  {                                                                                                                    \
    NAME, { .kind = TN_ATTR_INT, .is_list = true, .n = 4, .ints = VALUES }                                             \
  }
  x = tn_build(s, "Conv2D", TN_IN(x, filter), TN_ATTRS(INTS("strides", ones), TN_A_STRING("padding", "SAME")));
  x = tn_build1(s, "Relu", tn_build2(s, "BiasAdd", x, bias));
  return tn_build(s, "MaxPool", TN_IN(x),
                  TN_ATTRS(INTS("ksize", twos), INTS("strides", twos), TN_A_STRING("padding", "SAME")));
}

static void lenet(bench_step *b) {
  tn_scope *s = &b->scope;
  feed(b, TN_FLOAT, SHAPE(100, 28, 28, 1), 0);
  feed(b, TN_INT64, SHAPE(100), 10);
  tn_output w[8] = {variable(b, SHAPE(5, 5, 1, 32)), variable(b, SHAPE(32)),        variable(b, SHAPE(5, 5, 32, 64)),
                    variable(b, SHAPE(64)),          variable(b, SHAPE(3136, 512)), variable(b, SHAPE(512)),
                    variable(b, SHAPE(512, 10)),     variable(b, SHAPE(10))},
            g[8];
  tn_output h = conv_pool(b, conv_pool(b, b->feeds[0], w[0], w[1]), w[2], w[3]);
  h = tn_build2(s, "Reshape", h, tn_build_ints(s, TN_INT32, 2, (int64_t[]){-1, 3136}));
  h = tn_build1(s, "Relu", dense(b, h, w[4], w[5]));
  b->fetch = mean_loss(b, dense(b, h, w[6], w[7]), b->feeds[1]);
  if (!s->error) s->error = tn_graph_gradients(b->graph, 1, &b->fetch, 8, w, NULL, g);
  tn_output rate = tn_build_scalar(s, TN_FLOAT, 0.01), momentum = tn_build_scalar(s, TN_FLOAT, 0.9);
  for (int i = 0; i < 8 && !s->error; i++) {
    tn_shape shape = tn_output_shape(w[i]);
    tn_output slot = variable(b, &shape);
    tn_output zeros =
        tn_build2(s, "Fill", tn_build_ints(s, TN_INT32, shape.rank, shape.dims), tn_build_scalar(s, TN_FLOAT, 0));
    b->inits[b->n_inits - 1] = tn_build2(s, "Assign", slot, zeros).node;
    b->trains[b->n_trains++] = tn_build(s, "ApplyMomentum", TN_IN(w[i], slot, rate, g[i], momentum), NULL).node;
  }
}

enum { BATCH = 20, STEPS = 35, WIDTH = 200, WORDS = 10000 };

/* One LSTM cell: X, H and C in, H and C out. */
static void lstm_cell(bench_step *b, tn_output x, tn_output kernel, tn_output bias, tn_output *h, tn_output *c) {
  tn_scope *s = &b->scope;
  tn_output one = tn_build_scalar(s, TN_INT32, 1);
  tn_output joined = tn_build(s, "ConcatV2", TN_IN(x, *h, one), TN_ATTRS(TN_A_INT("N", 2)));
  tn_output gates =
      tn_build(s, "Split", TN_IN(one, dense(b, joined, kernel, bias)), TN_ATTRS(TN_A_INT("num_split", 4)));
  tn_output forget = tn_build1(s, "Sigmoid", tn_build2(s, "AddV2", tn_nth(gates, 2), tn_build_scalar(s, TN_FLOAT, 1)));
  tn_output input = tn_build1(s, "Sigmoid", tn_nth(gates, 0)), new = tn_build1(s, "Tanh", tn_nth(gates, 1));
  *c = tn_build2(s, "AddV2", tn_build2(s, "Mul", forget, *c), tn_build2(s, "Mul", input, new));
  *h = tn_build2(s, "Mul", tn_build1(s, "Sigmoid", tn_nth(gates, 3)), tn_build1(s, "Tanh", *c));
}

/* The loss of the language model over all steps; the variables go into W. */
static void lstm_loss(bench_step *b, tn_output w[7]) {
  tn_scope *s = &b->scope;
  tn_output zero = tn_build_scalar(s, TN_INT32, 0);
  tn_output zeros =
      tn_build2(s, "Fill", tn_build_ints(s, TN_INT32, 2, (int64_t[]){BATCH, WIDTH}), tn_build_scalar(s, TN_FLOAT, 0));
  tn_output h[2] = {zeros, zeros}, c[2] = {zeros, zeros}, outputs[STEPS + 1];
  tn_output embedded = tn_build(s, "GatherV2", TN_IN(w[4], b->feeds[0], zero), NULL);
  tn_output values = tn_build(s, "Unpack", TN_IN(embedded), TN_ATTRS(TN_A_INT("num", STEPS), TN_A_INT("axis", 1)));
  for (int t = 0; t < STEPS; t++) {
    tn_output value = tn_nth(values, t);
    for (int i = 0; i < 2; i++) {
      lstm_cell(b, value, w[2 * i], w[2 * i + 1], &h[i], &c[i]);
      value = h[i];
    }
    outputs[t] = value;
  }
  outputs[STEPS] = TN_END;
  tn_output packed = tn_build(s, "Pack", outputs, TN_ATTRS(TN_A_INT("axis", 1)));
  tn_output flat = tn_build2(s, "Reshape", packed, tn_build_ints(s, TN_INT32, 2, (int64_t[]){-1, WIDTH}));
  tn_output labels = tn_build2(s, "Reshape", b->feeds[1], tn_build_ints(s, TN_INT32, 1, (int64_t[]){-1}));
  b->fetch = tn_build2(s, "Mul", mean_loss(b, dense(b, flat, w[5], w[6]), labels), tn_build_scalar(s, TN_FLOAT, STEPS));
}

static void lstm(bench_step *b) {
  tn_scope *s = &b->scope;
  for (int i = 0; i < 2; i++) feed(b, TN_INT64, SHAPE(BATCH, STEPS), WORDS);
  tn_output w[7] = {variable(b, SHAPE(2 * WIDTH, 4 * WIDTH)),
                    variable(b, SHAPE(4 * WIDTH)),
                    variable(b, SHAPE(2 * WIDTH, 4 * WIDTH)),
                    variable(b, SHAPE(4 * WIDTH)),
                    variable(b, SHAPE(WORDS, WIDTH)),
                    variable(b, SHAPE(WIDTH, WORDS)),
                    variable(b, SHAPE(WORDS))};
  lstm_loss(b, w);
  tn_gradient_value g[7];
  if (!s->error) s->error = tn_graph_gradients_sparse(b->graph, 1, &b->fetch, 7, w, NULL, 0, NULL, g);
  if (s->error) return;
  /* Clipping by the global norm, as tf.clip_by_global_norm: sparse gradients count by their values. */
  tn_output squares[8];
  for (int i = 0; i < 7; i++) squares[i] = tn_build1(s, "L2Loss", g[i].values);
  squares[7] = TN_END;
  tn_output two = tn_build_scalar(s, TN_FLOAT, 2), limit = tn_build_scalar(s, TN_FLOAT, 5),
            one = tn_build_scalar(s, TN_FLOAT, 1);
  tn_output norm = tn_build1(s, "Sqrt", tn_build2(s, "Mul", tn_build(s, "AddN", squares, NULL), two));
  tn_output scale =
      tn_build2(s, "Mul", limit,
                tn_build2(s, "Minimum", tn_build2(s, "RealDiv", one, norm), tn_build2(s, "RealDiv", one, limit)));
  for (int i = 0; i < 7 && !s->error; i++) {
    tn_output clipped = tn_build2(s, "Mul", g[i].values, scale);
    tn_output node = g[i].indices.node ? tn_build(s, "ScatterSub", TN_IN(w[i], g[i].indices, clipped), NULL)
                                       : tn_build(s, "ApplyGradientDescent", TN_IN(w[i], one, clipped), NULL);
    b->trains[b->n_trains++] = node.node;
  }
}

const bench_work bench_works[] = {{"call-overhead", "us/run", 20000, 100, 0, call_overhead},
                                  {"mlp", "steps/s", 500, 50, 1, mlp},
                                  {"lenet", "steps/s", 30, 5, 1, lenet},
                                  {"lstm", "words/s", 15, 3, BATCH *STEPS, lstm},
                                  {NULL, NULL, 0, 0, 0, NULL}};
