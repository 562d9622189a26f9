/* What the files that build training steps share. */
#ifndef TN_TRAIN_TRAIN_H
#define TN_TRAIN_TRAIN_H

#include <tenon/train.h>

#include "nn/net.h"

/* A trainable variable and its gradient. */
typedef struct tn_update {
  tn_net_variable variable;
  tn_gradient_value gradient;
} tn_update;

/* What a step changes; free ITEMS with tn_free. */
typedef struct tn_updates {
  size_t n;
  tn_update *items;
} tn_updates;

/* The trainable variables that LOSS depends on with their gradients, clipped as OPTIMIZER asks. False after an error.
 */
bool tn_net_find_updates(tn_net *net, const tn_optimizer *optimizer, tn_output loss, tn_updates *out);
/* Adds what applies UPDATES once READY ran, and counts the step, to GROUP. */
void tn_net_apply_updates(tn_net *net, const tn_optimizer *optimizer, const tn_updates *updates, tn_output ready,
                          tn_output_list *group);
/* Clips the N gradients in place, as OPTIMIZER asks. */
void tn_net_clip(tn_net *net, const tn_optimizer *optimizer, size_t n, tn_update *updates);
/* Moving averages of the N variables, each taken after AFTER ran; adds the nodes that update them to GROUP. */
void tn_net_averages(tn_net *net, float decay, tn_node *after, size_t n, const tn_update *updates,
                     tn_output_list *group);
/* A NoOp called NAME that runs after all of GROUP. */
tn_output tn_net_group(tn_net *net, const char *name, const tn_output_list *group);

/* Shorthand for nodes named after their op. */
static inline tn_output tn_net_one(tn_net *net, const char *op, const char *name, tn_output x) {
  return tn_net_op(net, op, name, TN_IN(x), NULL);
}
static inline tn_output tn_net_two(tn_net *net, const char *op, const char *name, tn_output x, tn_output y) {
  return tn_net_op(net, op, name, TN_IN(x, y), NULL);
}

#endif
