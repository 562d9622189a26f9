/* Keys of transfers, and the rendezvous of the step. */
#include "runtime/transfer.h"

#include <string.h>

#include "base/alloc.h"
#include "runtime/node.h"

/* The key of READY's node in its turn of its loop. */
static tn_error *key_of(tn_step *step, const tn_flow *flow, const tn_ready *ready, tn_str *key) {
  const tn_node *node = flow->graph->items[ready->item].node;
  if (!step->rendezvous) return tn_node_errorf(node, TN_INTERNAL, "the step has no rendezvous");
  tn_string from = tn_node_get_string(node, "send_device"), to = tn_node_get_string(node, "recv_device"),
            name = tn_node_get_string(node, "tensor_name");
  tn_transfer transfer = {.send_device = from.data,
                          .send_device_size = from.size,
                          .recv_device = to.data,
                          .recv_device_size = to.size,
                          .name = name.data,
                          .name_size = name.size,
                          .incarnation = (uint64_t)tn_node_get_int(node, "send_device_incarnation")};
  tn_rendezvous_key(&transfer, tn_flow_frame_id(flow, ready), ready->iteration, key);
  return key->failed ? tn_out_of_memory() : NULL;
}

tn_error *tn_transfer_send(tn_step *step, const tn_flow *flow, const tn_ready *ready, const tn_tensor *inputs) {
  tn_str key = {0};
  tn_error *error = key_of(step, flow, ready, &key);
  if (!error) error = tn_rendezvous_send(step->rendezvous, key.data, inputs, ready->dead);
  tn_str_clear(&key);
  return tn_name_node(error, flow->graph->items[ready->item].node);
}

tn_error *tn_transfer_recv(tn_step *step, const tn_flow *flow, const tn_ready *ready, tn_rendezvous_done done,
                           void *argument) {
  tn_str key = {0};
  tn_error *error = key_of(step, flow, ready, &key);
  if (!error) tn_rendezvous_recv(step->rendezvous, key.data, done, argument);
  tn_str_clear(&key);
  return error;
}
