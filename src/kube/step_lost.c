/* Pods of nodes that are not heard of any more. */
#include <string.h>

#include "kube/pass.h"

enum { LOOK_AGAIN_S = 2 };

bool tn_node_is_lost(const json_t *node) {
  const char *ready = tn_json_text(tn_json_find(node, "status.conditions", "type", "Ready"), "status");
  return !node || (ready && !strcmp(ready, "Unknown"));
}

/* POD is to go. Its node would say when it has gone; from a lost node nobody will hear that, and the name would never
 * be free. What may still run there can't do harm: who takes its place has another incarnation, which all tasks ask
 * for, and a chief that was replaced writes no checkpoints. */
static void drop_if_lost(tn_pass *pass, json_t *pod) {
  const tn_observed *o = pass->observed;
  const char *node = tn_json_text(pod, "spec.nodeName");
  if (!node || !o->node_lost || !tn_json_at(pod, "metadata.deletionTimestamp")) return;
  if (o->node_lost(o->nodes, node))
    tn_pass_act(pass, TN_ACT_DROP, pod);
  else
    tn_pass_again(pass, o->now + LOOK_AGAIN_S);
}

void tn_step_lost(tn_pass *pass) {
  for (int role = 0; role < TN_N_ROLES; role++)
    for (int i = 0; i < pass->job.roles[role].count; i++)
      if (pass->slots[role][i].pod) drop_if_lost(pass, pass->slots[role][i].pod);
  for (size_t i = 0; i < pass->n_surplus; i++) drop_if_lost(pass, pass->surplus[i]);
}
