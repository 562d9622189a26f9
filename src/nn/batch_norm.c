/* Batch normalization, with the moving averages that TensorFlow's layer keeps. */
#include "base/alloc.h"
#include "base/str.h"
#include "nn/net.h"

typedef struct norm {
  const char *layer;
  double epsilon, momentum;
  tn_output gamma, beta, mean, variance; /* the last two: moving averages */
} norm;

/* AVERAGE -= (AVERAGE - VALUE) * (1 - momentum), with every training step. */
static void follow(tn_net *net, const norm *n, tn_output average, tn_output value, const char *name) {
  const tn_net_variable *variable = tn_net_variable_behind(net, average);
  if (tn_net_failed(net) || !variable) return;
  tn_output ref = variable->ref;
  tn_net_push(net, name);
  tn_output decay = tn_net_scalar(net, "decay", TN_FLOAT, 1 - n->momentum);
  tn_output difference = tn_net_op(net, "Sub", "sub", TN_IN(average, value), NULL);
  tn_output change = tn_net_op(net, "Mul", "mul", TN_IN(difference, decay), NULL);
  tn_output update = tn_net_op(net, "AssignSub", TN_AS_SCOPE, TN_IN(ref, change), NULL);
  tn_net_pop(net);
  if (!tn_net_failed(net)) tn_net_add_update(net, update.node);
}

/* Images: the fused op. */
static tn_output fused(tn_net *net, tn_output x, const norm *n) {
  bool training = net->training;
  tn_output empty = TN_NONE;
  if (training) {
    tn_shape none = {1, {0}};
    tn_tensor *tensor;
    tn_error *error = tn_tensor_new(TN_FLOAT, 1, none.dims, &tensor);
    if (error) {
      tn_net_fail(net, error);
      return TN_NONE;
    }
    empty = tn_net_op(net, "Const", "Const", TN_NO_INPUTS,
                      TN_ATTRS(TN_A_TYPE("dtype", TN_FLOAT), {"value", {.kind = TN_ATTR_TENSOR, .tensor = tensor}}));
    tn_tensor_free(tensor);
  }
  tn_output y = tn_net_op(net, "FusedBatchNormV3", NULL,
                          TN_IN(x, n->gamma, n->beta, training ? empty : n->mean, training ? empty : n->variance),
                          TN_ATTRS(TN_A_FLOAT("epsilon", (float)n->epsilon), TN_A_BOOL("is_training", training)));
  if (training) {
    follow(net, n, n->mean, tn_nth(y, 1), "AssignMovingAvg");
    follow(net, n, n->variance, tn_nth(y, 2), "AssignMovingAvg_1");
  }
  return y;
}

/* Means over the rows: moments of a batch. */
static tn_output mean_of_rows(tn_net *net, tn_output x, const char *name) {
  tn_output axes = tn_net_ints(net, "reduction_indices", 1, (const int64_t[]){0});
  return tn_net_op(net, "Mean", name, TN_IN(x, axes), NULL);
}

static tn_output plain(tn_net *net, tn_output x, const norm *n) {
  tn_output mean = n->mean, variance = n->variance;
  if (net->training) {
    tn_net_push(net, "moments");
    mean = mean_of_rows(net, x, "mean");
    tn_output centre = tn_net_op(net, "StopGradient", NULL, TN_IN(mean), NULL);
    variance = mean_of_rows(net, tn_net_op(net, "SquaredDifference", NULL, TN_IN(x, centre), NULL), "variance");
    tn_net_pop(net);
    follow(net, n, n->mean, mean, "AssignMovingAvg");
    follow(net, n, n->variance, variance, "AssignMovingAvg_1");
  }
  tn_net_push(net, "batchnorm");
  tn_output epsilon = tn_net_scalar(net, "add/y", TN_FLOAT, n->epsilon);
  tn_output sum = tn_net_op(net, "AddV2", "add", TN_IN(variance, epsilon), NULL);
  tn_output inverse =
      tn_net_op(net, "Mul", "mul", TN_IN(tn_net_op(net, "Rsqrt", NULL, TN_IN(sum), NULL), n->gamma), NULL);
  tn_output scaled = tn_net_op(net, "Mul", "mul_1", TN_IN(x, inverse), NULL);
  tn_output shift = tn_net_op(net, "Mul", "mul_2", TN_IN(mean, inverse), NULL);
  tn_output offset = tn_net_op(net, "Sub", "sub", TN_IN(n->beta, shift), NULL);
  tn_output y = tn_net_op(net, "AddV2", "add_1", TN_IN(scaled, offset), NULL);
  tn_net_pop(net);
  return y;
}

/* A variable that no optimizer changes. */
static tn_output kept(tn_net *net, const char *layer, const char *part, const tn_shape *shape, tn_init_kind kind) {
  tn_initializer init = {.kind = kind};
  tn_str text = {0};
  char *name;
  tn_str_addf(&text, "%s/%s", layer, part);
  tn_error *error = tn_str_take(&text, &name, NULL);
  if (error) {
    tn_net_fail(net, error);
    return TN_NONE;
  }
  tn_output read = tn_net_variable_new(net, name, TN_FLOAT, shape, &init, false);
  tn_free(name);
  return read;
}

tn_output tn_net_batch_norm(tn_net *net, tn_output x, const tn_layer_options *options) {
  char name[64];
  tn_net_open_layer(net, "batch_normalization", options, name);
  if (tn_net_failed(net)) return TN_NONE;
  tn_shape in = tn_output_shape(x);
  if ((in.rank != 2 && in.rank != 4) || in.dims[in.rank - 1] < 1) {
    tn_net_failf(net, TN_INVALID_ARGUMENT,
                 "layer '%s': its input has shape %s; expected rank 2 or 4 and a known last size", name,
                 TN_SHAPE_STR(&in));
    return TN_NONE;
  }
  tn_shape shape = {1, {in.dims[in.rank - 1]}};
  norm n = {.layer = name, .epsilon = 0.001, .momentum = 0.99};
  if (options && options->epsilon > 0) n.epsilon = (double)options->epsilon;
  if (options && options->momentum > 0) n.momentum = (double)options->momentum;
  n.gamma = tn_net_layer_variable(net, name, "gamma", &shape, (tn_initializer){.kind = TN_INIT_ONES});
  n.beta = tn_net_layer_variable(net, name, "beta", &shape, (tn_initializer){.kind = TN_INIT_ZEROS});
  n.mean = kept(net, name, "moving_mean", &shape, TN_INIT_ZEROS);
  n.variance = kept(net, name, "moving_variance", &shape, TN_INIT_ONES);
  tn_output y = in.rank == 4 ? fused(net, x, &n) : plain(net, x, &n);
  tn_net_pop(net);
  return tn_net_activation(net, y, options ? options->activation : NULL);
}
