/* Clipping gradients, as tf.clip_by_value, clip_by_norm and clip_by_global_norm do. */
#include "base/alloc.h"
#include "train/train.h"

static tn_output number(tn_net *net, const char *name, double value) {
  return tn_net_scalar(net, name, TN_FLOAT, value);
}

static tn_output by_value(tn_net *net, tn_output g, double limit) {
  tn_output low = tn_net_two(net, "Minimum", NULL, g, number(net, "high", limit));
  return tn_net_two(net, "Maximum", NULL, low, number(net, "low", -limit));
}

static tn_output by_norm(tn_net *net, tn_output g, double limit) {
  tn_output norm = number(net, "norm", limit);
  tn_output squares = tn_net_two(net, "Mul", "mul", number(net, "two", 2), tn_net_one(net, "L2Loss", NULL, g));
  tn_output length = tn_net_one(net, "Sqrt", NULL, squares);
  tn_output scaled = tn_net_two(net, "Mul", "mul_1", g, norm);
  return tn_net_two(net, "RealDiv", "truediv", scaled, tn_net_two(net, "Maximum", NULL, length, norm));
}

/* limit / max(norm, limit), NaN where the norm is not finite, as TensorFlow makes it. */
static tn_output global_scale(tn_net *net, double limit, size_t n, const tn_update *updates) {
  tn_output_list halves = {0};
  for (size_t i = 0; i < n; i++)
    tn_net_append(net, &halves, tn_net_one(net, "L2Loss", NULL, updates[i].gradient.values));
  tn_output sum = TN_NONE;
  if (!tn_net_failed(net)) {
    tn_net_append(net, &halves, TN_END);
    sum = tn_net_op(net, "AddN", NULL, halves.items, TN_ATTRS(TN_A_INT("N", (int64_t)n)));
  }
  tn_free(halves.items);
  tn_output norm = tn_net_one(net, "Sqrt", "global_norm", tn_net_two(net, "Mul", "mul", sum, number(net, "two", 2)));
  tn_output ratio = tn_net_two(net, "RealDiv", "truediv", number(net, "one", 1), norm);
  tn_output least = tn_net_two(net, "Minimum", NULL, ratio, number(net, "inverse", 1 / limit));
  tn_output scale = tn_net_two(net, "Mul", "scale", number(net, "limit", limit), least);
  return tn_net_two(net, "AddV2", "finite", scale, tn_net_two(net, "Sub", "nan", norm, norm));
}

void tn_net_clip(tn_net *net, const tn_optimizer *o, size_t n, tn_update *updates) {
  if (o->clip_value > 0) {
    tn_net_push(net, "clip_by_value");
    for (size_t i = 0; i < n; i++)
      updates[i].gradient.values = by_value(net, updates[i].gradient.values, (double)o->clip_value);
    tn_net_pop(net);
  }
  if (o->clip_norm > 0) {
    tn_net_push(net, "clip_by_norm");
    for (size_t i = 0; i < n; i++)
      updates[i].gradient.values = by_norm(net, updates[i].gradient.values, (double)o->clip_norm);
    tn_net_pop(net);
  }
  if (o->clip_global_norm > 0) {
    tn_net_push(net, "clip_by_global_norm");
    tn_output scale = global_scale(net, (double)o->clip_global_norm, n, updates);
    for (size_t i = 0; i < n; i++)
      updates[i].gradient.values = tn_net_two(net, "Mul", NULL, updates[i].gradient.values, scale);
    tn_net_pop(net);
  }
}
