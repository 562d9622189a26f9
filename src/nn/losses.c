/* Losses: the mean over all elements, as tf.losses with its default reduction. */
#include <string.h>

#include "base/alloc.h"
#include "nn/net.h"

typedef struct pair {
  tn_output x, y; /* what the network says; the labels */
} pair;

static tn_output one(tn_net *net, const char *op, tn_output x) { return tn_net_op(net, op, NULL, TN_IN(x), NULL); }
static tn_output two(tn_net *net, const char *op, tn_output x, tn_output y) {
  return tn_net_op(net, op, NULL, TN_IN(x, y), NULL);
}
static tn_output number(tn_net *net, double value) { return tn_net_scalar(net, "Const", TN_FLOAT, value); }

static tn_output sparse_softmax(tn_net *net, pair p) {
  return two(net, "SparseSoftmaxCrossEntropyWithLogits", p.x, p.y);
}
static tn_output softmax(tn_net *net, pair p) { return two(net, "SoftmaxCrossEntropyWithLogits", p.x, p.y); }

/* max(x, 0) - x y + log(1 + exp(-|x|)), as tf.nn.sigmoid_cross_entropy_with_logits. */
static tn_output sigmoid(tn_net *net, pair p) {
  tn_output zeros = one(net, "ZerosLike", p.x), positive = two(net, "GreaterEqual", p.x, zeros);
  tn_output relu = tn_net_op(net, "Select", NULL, TN_IN(positive, p.x, zeros), NULL);
  tn_output minus = tn_net_op(net, "Select", NULL, TN_IN(positive, one(net, "Neg", p.x), p.x), NULL);
  tn_output linear = two(net, "Sub", relu, two(net, "Mul", p.x, p.y));
  return two(net, "AddV2", linear, one(net, "Log1p", one(net, "Exp", minus)));
}

static tn_output squared(tn_net *net, pair p) { return two(net, "SquaredDifference", p.x, p.y); }
static tn_output absolute(tn_net *net, pair p) { return one(net, "Abs", two(net, "Sub", p.x, p.y)); }

/* max(0, 1 - (2 y - 1) x). */
static tn_output hinge(tn_net *net, pair p) {
  tn_output sign = two(net, "Sub", two(net, "Mul", number(net, 2), p.y), number(net, 1));
  return one(net, "Relu", two(net, "Sub", number(net, 1), two(net, "Mul", sign, p.x)));
}

/* -y log(x + e) - (1 - y) log(1 - x + e). */
static tn_output logarithmic(tn_net *net, pair p) {
  tn_output epsilon = number(net, 1e-7), ones = number(net, 1);
  tn_output yes = two(net, "Mul", p.y, one(net, "Log", two(net, "AddV2", p.x, epsilon)));
  tn_output rest = two(net, "AddV2", two(net, "Sub", ones, p.x), epsilon);
  tn_output no = two(net, "Mul", two(net, "Sub", ones, p.y), one(net, "Log", rest));
  return two(net, "Sub", one(net, "Neg", yes), no);
}

/* Squares up to an error of 1, linear beyond. */
static tn_output huber(tn_net *net, pair p) {
  tn_output size = one(net, "Abs", two(net, "Sub", p.x, p.y)), delta = number(net, 1);
  tn_output quadratic = two(net, "Minimum", size, delta), linear = two(net, "Sub", size, quadratic);
  tn_output half = two(net, "Mul", number(net, 0.5), two(net, "Mul", quadratic, quadratic));
  return two(net, "AddV2", half, two(net, "Mul", delta, linear));
}

static const struct loss {
  const char *name, *other;
  tn_output (*build)(tn_net *net, pair p);
  bool integers; /* labels are class numbers */
} losses[] = {{"sparse_softmax_cross_entropy", "sparse_softmax", sparse_softmax, true},
              {"softmax_cross_entropy", "softmax", softmax, false},
              {"sigmoid_cross_entropy", "sigmoid", sigmoid, false},
              {"mean_squared_error", "mse", squared, false},
              {"absolute_difference", "mae", absolute, false},
              {"hinge", "hinge_loss", hinge, false},
              {"log", "log_loss", logarithmic, false},
              {"huber", "huber_loss", huber, false}};

static tn_output mean_of(tn_net *net, tn_output x) {
  if (tn_net_failed(net)) return TN_NONE;
  int64_t axes[TN_MAX_RANK];
  int rank = tn_output_shape(x).rank;
  for (int i = 0; i < rank; i++) axes[i] = i;
  return tn_net_op(net, "Mean", "value", TN_IN(x, tn_net_ints(net, "range", rank < 0 ? 0 : rank, axes)), NULL);
}

/* The scope is popped by the caller. */
static tn_output loss_in_scope(tn_net *net, const struct loss *loss, tn_output output, tn_output labels) {
  tn_shape x = tn_output_shape(output), y = tn_output_shape(labels);
  bool integers = !tn_dtype_is_floating(tn_dtype_base(tn_output_dtype(labels)));
  if (loss->integers && !tn_dtype_is_integer(tn_dtype_base(tn_output_dtype(labels)))) {
    tn_net_failf(net, TN_INVALID_ARGUMENT, "loss %s: labels must be class numbers, not %s", loss->name,
                 tn_dtype_name(tn_output_dtype(labels)));
  }
  if (!loss->integers && x.rank >= 0 && y.rank >= 0 && x.rank != y.rank) {
    tn_net_failf(net, TN_INVALID_ARGUMENT, "loss %s: the output has shape %s, but the labels %s", loss->name,
                 TN_SHAPE_STR(&x), TN_SHAPE_STR(&y));
  }
  if (!loss->integers && integers) {
    labels = tn_net_op(net, "Cast", NULL, TN_IN(labels), TN_ATTRS(TN_A_TYPE("DstT", TN_FLOAT)));
  }
  tn_output value = mean_of(net, loss->build(net, (pair){output, labels}));
  for (size_t i = 0; i < net->penalties.n; i++) value = two(net, "AddV2", value, net->penalties.items[i]);
  return value;
}

tn_output tn_net_loss(tn_net *net, const char *kind, tn_output output, tn_output labels) {
  if (tn_net_failed(net)) return TN_NONE;
  for (size_t i = 0; kind && i < sizeof losses / sizeof losses[0]; i++) {
    if (strcmp(kind, losses[i].name) != 0 && strcmp(kind, losses[i].other) != 0) continue;
    tn_net_push(net, losses[i].name);
    tn_output value = loss_in_scope(net, &losses[i], output, labels);
    tn_net_pop(net);
    return value;
  }
  tn_str names = {0};
  for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++) tn_str_addf(&names, " %s", losses[i].name);
  tn_net_failf(net, TN_INVALID_ARGUMENT, "there is no loss '%.60s'; there are%s", kind ? kind : "",
               names.data ? names.data : "");
  tn_str_clear(&names);
  return TN_NONE;
}
