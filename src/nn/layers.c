/* Layers: dense, convolution, pools, dropout, embedding, activations, as tf.layers of TensorFlow 1.15 builds them. */
#include <stdio.h>
#include <string.h>

#include "nn/net.h"

static const tn_layer_options defaults;

void tn_net_open_layer(tn_net *net, const char *base, const tn_layer_options *options, char name[64]) {
  name[0] = 0;
  if (tn_net_failed(net)) return;
  if (options && options->name) {
    if (strlen(options->name) > 63) tn_net_failf(net, TN_INVALID_ARGUMENT, "a layer's name is longer than 63 bytes");
    snprintf(name, 64, "%s", options->name);
  } else {
    uintptr_t n = (uintptr_t)tn_map_find(net->layer_counts, base);
    snprintf(name, 64, n ? "%.40s_%u" : "%.40s", base, (unsigned)n);
    tn_error *error = tn_map_put(net->layer_counts, base, (void *)(n + 1));
    if (error) tn_net_fail(net, error);
  }
  tn_net_push(net, name);
}

tn_output tn_net_layer_variable(tn_net *net, const char *layer, const char *part, const tn_shape *shape,
                                tn_initializer initializer) {
  char name[96];
  snprintf(name, sizeof name, "%s/%s", layer, part);
  return tn_net_variable_new(net, name, TN_FLOAT, shape, &initializer, true);
}

/* OR_KIND stands in for the default initializer. */
static tn_initializer either(tn_initializer initializer, tn_init_kind or_kind) {
  if (initializer.kind == TN_INIT_DEFAULT) initializer.kind = or_kind;
  return initializer;
}

/* The size of the last dimension of X, which a layer must know; 0 after an error. */
static int64_t last_dim(tn_net *net, const char *layer, tn_output x, int least_rank) {
  if (tn_net_failed(net)) return 0;
  tn_shape shape = tn_output_shape(x);
  if (shape.rank >= least_rank && shape.dims[shape.rank - 1] > 0) return shape.dims[shape.rank - 1];
  tn_net_failf(net, TN_INVALID_ARGUMENT, "layer '%s': its input has shape %s; expected rank %d%s and a known last size",
               layer, TN_SHAPE_STR(&shape), least_rank, least_rank == 4 ? "" : " or more");
  return 0;
}

static void penalize(tn_net *net, tn_output kernel, float l2) {
  if (l2 == 0 || !net->training) return;
  tn_net_push(net, "kernel_regularizer");
  tn_output loss = tn_net_op(net, "L2Loss", NULL, TN_IN(kernel), NULL);
  tn_output scale = tn_net_scalar(net, "scale", TN_FLOAT, (double)l2);
  tn_net_add_penalty(net, tn_net_op(net, "Mul", TN_AS_SCOPE, TN_IN(scale, loss), NULL));
  tn_net_pop(net);
}

tn_output tn_net_activation(tn_net *net, tn_output x, const char *name) {
  static const struct {
    const char *name, *op;
  } known[] = {{"relu", "Relu"}, {"relu6", "Relu6"},       {"sigmoid", "Sigmoid"},
               {"tanh", "Tanh"}, {"softmax", "Softmax"},   {"elu", "Elu"},
               {"selu", "Selu"}, {"softplus", "Softplus"}, {"softsign", "Softsign"}};
  if (!name || !strcmp(name, "linear")) return x;
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    if (!strcmp(name, known[i].name)) return tn_net_op(net, known[i].op, NULL, TN_IN(x), NULL);
  }
  tn_net_failf(net, TN_INVALID_ARGUMENT,
               "there is no activation '%.60s'; there are relu, relu6, sigmoid, tanh, softmax, elu, selu, softplus, "
               "softsign and linear",
               name);
  return TN_NONE;
}

/* Bias and activation, the end of a layer. */
static tn_output finish(tn_net *net, const char *layer, tn_output y, int64_t units, const tn_layer_options *o) {
  tn_shape shape = {1, {units}};
  if (!o->no_bias) {
    tn_output bias = tn_net_layer_variable(net, layer, "bias", &shape, either(o->bias, TN_INIT_ZEROS));
    y = tn_net_op(net, "BiasAdd", NULL, TN_IN(y, bias), NULL);
  }
  y = tn_net_activation(net, y, o->activation);
  tn_net_pop(net);
  return y;
}

tn_output tn_net_flatten(tn_net *net, tn_output x) {
  if (tn_net_failed(net)) return TN_NONE;
  tn_shape shape = tn_output_shape(x);
  if (shape.rank == 2) return x;
  int64_t n = 1;
  for (int i = 1; i < shape.rank; i++) n *= shape.dims[i] < 0 ? 0 : shape.dims[i];
  if (shape.rank < 1 || n <= 0) {
    tn_net_failf(net, TN_INVALID_ARGUMENT, "flatten: all sizes but the first must be known, not %s",
                 TN_SHAPE_STR(&shape));
    return TN_NONE;
  }
  char name[64];
  tn_net_open_layer(net, "flatten", NULL, name);
  tn_output dims = tn_net_ints(net, "Reshape/shape", 2, (const int64_t[]){-1, n});
  tn_output y = tn_net_op(net, "Reshape", NULL, TN_IN(x, dims), NULL);
  tn_net_pop(net);
  return y;
}

/* X with rank over 2 becomes rows; SHAPE is what its result is to be brought back to, with UNITS last. */
static tn_output as_rows(tn_net *net, tn_output x, int64_t n) {
  return tn_net_op(net, "Reshape", NULL, TN_IN(x, tn_net_ints(net, "Reshape/shape", 2, (const int64_t[]){-1, n})),
                   NULL);
}

static tn_output as_before(tn_net *net, tn_output y, const tn_shape *before, int64_t units) {
  int64_t dims[TN_MAX_RANK];
  int unknown = 0;
  for (int i = 0; i < before->rank; i++) unknown += (dims[i] = before->dims[i]) < 0;
  dims[before->rank - 1] = units;
  if (unknown > 1)
    tn_net_failf(net, TN_INVALID_ARGUMENT, "dense: at most one size of its input may be unknown, not %s",
                 TN_SHAPE_STR(before));
  return tn_net_op(net, "Reshape", NULL, TN_IN(y, tn_net_ints(net, "Reshape_1/shape", before->rank, dims)), NULL);
}

tn_output tn_net_dense(tn_net *net, tn_output x, int64_t units, const tn_layer_options *options) {
  const tn_layer_options *o = options ? options : &defaults;
  char name[64];
  tn_net_open_layer(net, "dense", o, name);
  int64_t n = last_dim(net, name, x, 2);
  if (tn_net_failed(net)) return TN_NONE;
  if (units < 1) tn_net_failf(net, TN_INVALID_ARGUMENT, "layer '%s': %lld units", name, (long long)units);
  tn_shape shape = {2, {n, units}}, before = tn_output_shape(x);
  tn_output kernel = tn_net_layer_variable(net, name, "kernel", &shape, either(o->kernel, TN_INIT_GLOROT_UNIFORM));
  penalize(net, kernel, o->l2);
  if (before.rank > 2) x = as_rows(net, x, n);
  tn_output y = tn_net_op(net, "MatMul", NULL, TN_IN(x, kernel), NULL);
  if (before.rank == 2) return finish(net, name, y, units, o);
  return as_before(net, finish(net, name, y, units, o), &before, units);
}

/* The padding and strides attributes of convolutions and pools. */
static tn_attr ints(const int64_t values[4]) {
  return (tn_attr){.kind = TN_ATTR_INT, .is_list = true, .n = 4, .ints = (int64_t *)values};
}

static tn_attr padding(tn_net *net, const char *layer, const tn_layer_options *o) {
  const char *text = o->padding ? o->padding : "SAME";
  if (!strcmp(text, "same")) text = "SAME";
  if (!strcmp(text, "valid")) text = "VALID";
  if (strcmp(text, "SAME") != 0 && strcmp(text, "VALID") != 0)
    tn_net_failf(net, TN_INVALID_ARGUMENT, "layer '%s': padding is SAME or VALID, not '%.40s'", layer, text);
  return (tn_attr){.kind = TN_ATTR_STRING, .string = {(char *)text, strlen(text)}};
}

tn_output tn_net_conv2d(tn_net *net, tn_output x, int64_t filters, int size, const tn_layer_options *options) {
  const tn_layer_options *o = options ? options : &defaults;
  char name[64];
  tn_net_open_layer(net, "conv2d", o, name);
  int64_t channels = last_dim(net, name, x, 4), stride = o->stride ? o->stride : 1;
  if (tn_net_failed(net)) return TN_NONE;
  if (filters < 1 || size < 1 || stride < 1)
    tn_net_failf(net, TN_INVALID_ARGUMENT, "layer '%s': %lld filters of size %d with stride %lld", name,
                 (long long)filters, size, (long long)stride);
  tn_shape shape = {4, {size, size, channels, filters}};
  tn_output kernel = tn_net_layer_variable(net, name, "kernel", &shape, either(o->kernel, TN_INIT_GLOROT_UNIFORM));
  penalize(net, kernel, o->l2);
  const int64_t strides[4] = {1, stride, stride, 1};
  tn_output y = tn_net_op(net, "Conv2D", NULL, TN_IN(x, kernel),
                          TN_ATTRS({"strides", ints(strides)}, {"padding", padding(net, name, o)}));
  return finish(net, name, y, filters, o);
}

static tn_output pool(tn_net *net, tn_output x, int size, const tn_layer_options *options, const char *op) {
  const tn_layer_options *o = options ? options : &defaults;
  char name[64];
  int64_t stride = o->stride ? o->stride : size;
  tn_net_open_layer(net, !strcmp(op, "MaxPool") ? "max_pooling2d" : "average_pooling2d", o, name);
  if (tn_net_failed(net)) return TN_NONE;
  if (size < 1 || stride < 1)
    tn_net_failf(net, TN_INVALID_ARGUMENT, "layer '%s': windows of size %d with stride %lld", name, size,
                 (long long)stride);
  const int64_t window[4] = {1, size, size, 1}, strides[4] = {1, stride, stride, 1};
  tn_output y =
      tn_net_op(net, op, NULL, TN_IN(x),
                TN_ATTRS({"ksize", ints(window)}, {"strides", ints(strides)}, {"padding", padding(net, name, o)}));
  tn_net_pop(net);
  return y;
}

tn_output tn_net_max_pool(tn_net *net, tn_output x, int size, const tn_layer_options *options) {
  return pool(net, x, size, options, "MaxPool");
}

tn_output tn_net_avg_pool(tn_net *net, tn_output x, int size, const tn_layer_options *options) {
  return pool(net, x, size, options, "AvgPool");
}

tn_output tn_net_dropout(tn_net *net, tn_output x, float rate, const tn_layer_options *options) {
  const tn_layer_options *o = options ? options : &defaults;
  char name[64];
  if (!(rate >= 0 && rate < 1))
    tn_net_failf(net, TN_INVALID_ARGUMENT, "dropout: the rate must be in [0, 1), not %g", (double)rate);
  tn_net_open_layer(net, "dropout", o, name);
  if (tn_net_failed(net)) return TN_NONE;
  if (!net->training || rate == 0) {
    tn_net_pop(net);
    return x;
  }
  tn_dtype dtype = tn_output_dtype(x);
  int64_t seed, seed2;
  tn_graph_get_seed(net->graph, o->seeded ? &o->seed : NULL, &seed, &seed2);
  tn_net_push(net, "dropout");
  tn_output shape = tn_net_op(net, "Shape", NULL, TN_IN(x), NULL);
  tn_output random = tn_net_op(net, "RandomUniform", "random_uniform/RandomUniform", TN_IN(shape),
                               TN_ATTRS(TN_A_TYPE("dtype", dtype), TN_A_INT("seed", seed), TN_A_INT("seed2", seed2)));
  tn_output keep =
      tn_net_op(net, "GreaterEqual", NULL, TN_IN(random, tn_net_scalar(net, "rate", dtype, (double)rate)), NULL);
  tn_output mask = tn_net_op(net, "Cast", NULL, TN_IN(keep), TN_ATTRS(TN_A_TYPE("DstT", dtype)));
  tn_output scale = tn_net_scalar(net, "scale", dtype, 1 / (1 - (double)rate));
  tn_output scaled = tn_net_op(net, "Mul", "mul", TN_IN(x, scale), NULL);
  tn_output y = tn_net_op(net, "Mul", "mul_1", TN_IN(scaled, mask), NULL);
  tn_net_pop(net);
  tn_net_pop(net);
  return y;
}

tn_output tn_net_embedding(tn_net *net, tn_output x, int64_t words, int64_t width, const tn_layer_options *options) {
  const tn_layer_options *o = options ? options : &defaults;
  char name[64];
  tn_initializer init =
      o->kernel.kind == TN_INIT_DEFAULT ? (tn_initializer){TN_INIT_UNIFORM, -0.05f, 0.05f, false, 0} : o->kernel;
  tn_net_open_layer(net, "embedding", o, name);
  if (!tn_net_failed(net) && (words < 1 || width < 1))
    tn_net_failf(net, TN_INVALID_ARGUMENT, "layer '%s': %lld words of width %lld", name, (long long)words,
                 (long long)width);
  tn_shape shape = {2, {words, width}};
  tn_output table = tn_net_layer_variable(net, name, "embeddings", &shape, init);
  tn_output axis = tn_net_scalar(net, "embedding_lookup/axis", TN_INT32, 0);
  tn_output y = tn_net_op(net, "GatherV2", "embedding_lookup", TN_IN(table, x, axis), NULL);
  tn_net_pop(net);
  return y;
}
