/* Which task a variable lies on, and whether all variables have values. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "graph/device.h"
#include "nn/net.h"

/* The parameter servers of a network. */
struct tn_net_servers {
  char job[TN_DEVICE_WORD];
  int n, next; /* whose turn it is */
  bool by_bytes;
  int64_t bytes[]; /* on each task */
};

void tn_net_parameter_servers(tn_net *net, const char *job, int n, bool by_bytes) {
  tn_free(net->servers);
  net->servers = NULL;
  if (n <= 0 || tn_net_failed(net)) return;
  if (!job) job = "ps";
  if (strlen(job) >= TN_DEVICE_WORD) {
    tn_net_failf(net, TN_INVALID_ARGUMENT, "'%.100s...' is not the name of a job", job);
    return;
  }
  struct tn_net_servers *made = tn_calloc(1, sizeof *made + (size_t)n * sizeof made->bytes[0]);
  if (!made) {
    tn_net_fail(net, tn_out_of_memory());
    return;
  }
  snprintf(made->job, sizeof made->job, "%s", job);
  made->n = n;
  made->by_bytes = by_bytes;
  net->servers = made;
}

static int choose(struct tn_net_servers *servers, int64_t n_bytes) {
  int chosen = servers->next;
  if (servers->by_bytes) {
    chosen = 0;
    for (int i = 1; i < servers->n; i++) {
      if (servers->bytes[i] < servers->bytes[chosen]) chosen = i;
    }
  }
  servers->bytes[chosen] += n_bytes;
  servers->next = (servers->next + 1) % servers->n;
  return chosen;
}

static bool push(tn_net *net, const char *device) {
  if (tn_net_failed(net)) return false;
  tn_error *error = tn_graph_push_device(net->graph, device);
  if (error) tn_net_fail(net, error);
  return !error;
}

bool tn_net_push_device_of(tn_net *net, const tn_net_variable *variable) {
  return variable && variable->ref.node && push(net, tn_node_device_of(variable->ref.node));
}

bool tn_net_push_server(tn_net *net, int64_t n_bytes) {
  char device[TN_DEVICE_WORD + 32];
  if (!net->servers) return false;
  snprintf(device, sizeof device, "/job:%s/task:%d", net->servers->job, choose(net->servers, n_bytes));
  return push(net, device);
}

static tn_output initialized(tn_net *net, const tn_net_variable *v) {
  if (!tn_net_push_device_of(net, v)) return TN_NONE;
  tn_output is = tn_net_op(net, "IsVariableInitialized", NULL, TN_IN(v->ref), NULL);
  tn_graph_pop_device(net->graph);
  return is;
}

tn_output tn_net_ready(tn_net *net) {
  tn_net_push(net, "ready");
  tn_output all = tn_net_scalar(net, "true", TN_BOOL, 1);
  for (size_t i = 0; i < net->n_variables && !tn_net_failed(net); i++) {
    all = tn_net_op(net, "LogicalAnd", NULL, TN_IN(all, initialized(net, &net->variables[i])), NULL);
  }
  tn_net_pop(net);
  return tn_net_failed(net) ? TN_NONE : all;
}
