/* Exponential moving averages of weights, as tf.train.ExponentialMovingAverage keeps them. */
#include <stdio.h>

#include "train/train.h"

/* min(decay, (1 + step) / (10 + step)): early averages follow faster. */
static tn_output decay_now(tn_net *net, double decay) {
  tn_output step = tn_net_op(net, "Cast", NULL, TN_IN(tn_net_global_step(net)), TN_ATTRS(TN_A_TYPE("DstT", TN_FLOAT)));
  tn_output up = tn_net_two(net, "AddV2", "add", tn_net_scalar(net, "one", TN_FLOAT, 1), step);
  tn_output down = tn_net_two(net, "AddV2", "add_1", tn_net_scalar(net, "ten", TN_FLOAT, 10), step);
  tn_output early = tn_net_two(net, "RealDiv", "truediv", up, down);
  return tn_net_two(net, "Minimum", NULL, tn_net_scalar(net, "decay", TN_FLOAT, decay), early);
}

/* One average: avg -= (avg - value) * (1 - decay). VALUE is read after the updates. */
static tn_output follow(tn_net *net, const tn_net_variable *v, tn_output rest) {
  char name[512];
  snprintf(name, sizeof name, "%s/ExponentialMovingAverage", v->name);
  tn_output read = tn_net_variable_of(net, name, v->initial, false);
  tn_net_set_average(net, v->name, name);
  const tn_net_variable *average = tn_net_find_variable(net, name);
  if (tn_net_failed(net) || !average) return TN_NONE;
  tn_output ref = average->ref, value = tn_net_one(net, "Identity", "value", v->ref);
  tn_output change = tn_net_two(net, "Mul", "mul", tn_net_two(net, "Sub", "sub", read, value), rest);
  return tn_net_two(net, "AssignSub", "AssignMovingAvg", ref, change);
}

void tn_net_averages(tn_net *net, float decay, tn_node *after, size_t n, const tn_update *updates,
                     tn_output_list *group) {
  if (tn_net_failed(net)) return;
  tn_net_push(net, "ExponentialMovingAverage");
  tn_output one = tn_net_scalar(net, "rest/x", TN_FLOAT, 1);
  tn_output rest = tn_net_two(net, "Sub", "rest", one, decay_now(net, (double)decay));
  tn_error *error = tn_graph_push_control(net->graph, 1, &after);
  if (error) tn_net_fail(net, error);
  net->pinned = true; /* each lies with its variable */
  for (size_t i = 0; i < n && !error; i++) {
    if (!tn_net_push_device_of(net, &updates[i].variable)) break;
    tn_net_append(net, group, follow(net, &updates[i].variable, rest));
    tn_graph_pop_device(net->graph);
  }
  net->pinned = false;
  if (!error) tn_graph_pop_control(net->graph);
  tn_net_pop(net);
}
