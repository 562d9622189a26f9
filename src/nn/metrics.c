/* Metrics: a total and a count a batch, so that many batches add up. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/net.h"

static tn_output one(tn_net *net, const char *op, tn_output x) { return tn_net_op(net, op, NULL, TN_IN(x), NULL); }
static tn_output two(tn_net *net, const char *op, tn_output x, tn_output y) {
  return tn_net_op(net, op, NULL, TN_IN(x, y), NULL);
}

static tn_output as(tn_net *net, tn_output x, tn_dtype dtype) {
  if (tn_net_failed(net) || tn_dtype_base(tn_output_dtype(x)) == dtype) return x;
  return tn_net_op(net, "Cast", NULL, TN_IN(x), TN_ATTRS(TN_A_TYPE("DstT", dtype)));
}

static int rank_of(const tn_net *net, tn_output x) { return tn_net_failed(net) ? 0 : tn_output_shape(x).rank; }

static tn_output sum(tn_net *net, tn_output x) {
  int64_t axes[TN_MAX_RANK];
  int rank = rank_of(net, x);
  for (int i = 0; i < rank; i++) axes[i] = i;
  tn_output float_x = as(net, x, TN_FLOAT);
  return tn_net_op(net, "Sum", NULL, TN_IN(float_x, tn_net_ints(net, "range", rank < 0 ? 0 : rank, axes)), NULL);
}

/* The sum of X's elements and their number. */
static tn_net_metric average(tn_net *net, tn_output x) {
  tn_output size = tn_net_op(net, "Size", NULL, TN_IN(x), NULL);
  return (tn_net_metric){sum(net, x), as(net, size, TN_FLOAT)};
}

static tn_output classes(tn_net *net, tn_output x) {
  return tn_net_op(net, "ArgMax", NULL, TN_IN(x, tn_net_scalar(net, "dimension", TN_INT32, -1)), NULL);
}

static tn_net_metric accuracy(tn_net *net, tn_output x, tn_output y) {
  if (rank_of(net, x) == rank_of(net, y) && rank_of(net, x) > 1) y = classes(net, y);
  return average(net, two(net, "Equal", classes(net, x), as(net, y, TN_INT64)));
}

static tn_output above_half(tn_net *net, tn_output x) {
  return two(net, "Greater", as(net, x, TN_FLOAT), tn_net_scalar(net, "half", TN_FLOAT, 0.5));
}

static tn_net_metric binary_accuracy(tn_net *net, tn_output x, tn_output y) {
  return average(net, two(net, "Equal", above_half(net, x), above_half(net, y)));
}

static tn_net_metric precision(tn_net *net, tn_output x, tn_output y) {
  tn_output said = above_half(net, x), both = two(net, "LogicalAnd", said, above_half(net, y));
  return (tn_net_metric){sum(net, both), sum(net, said)};
}

static tn_net_metric recall(tn_net *net, tn_output x, tn_output y) {
  tn_output is = above_half(net, y), both = two(net, "LogicalAnd", above_half(net, x), is);
  return (tn_net_metric){sum(net, both), sum(net, is)};
}

static tn_net_metric squared_error(tn_net *net, tn_output x, tn_output y) {
  return average(net, two(net, "SquaredDifference", as(net, x, TN_FLOAT), as(net, y, TN_FLOAT)));
}

static tn_net_metric absolute_error(tn_net *net, tn_output x, tn_output y) {
  return average(net, one(net, "Abs", two(net, "Sub", as(net, x, TN_FLOAT), as(net, y, TN_FLOAT))));
}

static tn_net_metric mean(tn_net *net, tn_output x, tn_output y) {
  (void)y;
  return average(net, x);
}

static tn_net_metric top_k(tn_net *net, tn_output x, tn_output y, int k) {
  tn_output in =
      tn_net_op(net, "InTopKV2", NULL, TN_IN(x, as(net, y, TN_INT32), tn_net_scalar(net, "k", TN_INT32, k)), NULL);
  return average(net, in);
}

static const struct metric {
  const char *name;
  tn_net_metric (*build)(tn_net *net, tn_output x, tn_output y);
} metrics[] = {{"accuracy", accuracy},
               {"binary_accuracy", binary_accuracy},
               {"mean_squared_error", squared_error},
               {"mean_absolute_error", absolute_error},
               {"precision", precision},
               {"recall", recall},
               {"mean", mean}};

tn_net_metric tn_net_metric_of(tn_net *net, const char *kind, tn_output output, tn_output labels) {
  tn_net_metric made = {TN_NONE, TN_NONE};
  if (tn_net_failed(net)) return made;
  for (size_t i = 0; kind && i < sizeof metrics / sizeof metrics[0]; i++) {
    if (strcmp(kind, metrics[i].name) != 0) continue;
    tn_net_push(net, metrics[i].name);
    made = metrics[i].build(net, output, labels);
    tn_net_pop(net);
    return made;
  }
  int k = kind && !strncmp(kind, "top_", 4) ? atoi(kind + 4) : 0;
  if (k > 0) {
    tn_net_push(net, "top_k");
    made = top_k(net, output, labels, k);
    tn_net_pop(net);
    return made;
  }
  tn_str names = {0};
  for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++) tn_str_addf(&names, " %s", metrics[i].name);
  tn_net_failf(net, TN_INVALID_ARGUMENT, "there is no metric '%.60s'; there are%s and top_K", kind ? kind : "",
               names.data ? names.data : "");
  tn_str_clear(&names);
  return made;
}
