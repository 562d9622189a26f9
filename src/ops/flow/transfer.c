/* What moves tensors between the parts of a step that was split over devices. The executor runs these itself. */
#include "graph/build.h"
#include "graph/shape.h"

static tn_error *recv_shape(tn_shape_ctx *c) {
  c->out[0] = tn_shape_unknown();
  return NULL;
}

#define SEND_ATTRS                                                                                                     \
  "T: type; tensor_name: string; send_device: string; send_device_incarnation: int; recv_device: string; "             \
  "client_terminated: bool = false"
#define RECV_ATTRS                                                                                                     \
  "tensor_type: type; tensor_name: string; send_device: string; send_device_incarnation: int; recv_device: string; "   \
  "client_terminated: bool = false"

TN_OP(_Send, .inputs = "tensor: T", .outputs = "", .attrs = SEND_ATTRS,
      .doc = "Sends the tensor from send_device to recv_device.", .flags = TN_OP_CONTROL_FLOW | TN_OP_STATEFUL);

TN_OP(_HostSend, .inputs = "tensor: T", .outputs = "", .attrs = SEND_ATTRS,
      .doc = "Sends the tensor, which lies in the host's memory, from send_device to recv_device.",
      .flags = TN_OP_CONTROL_FLOW | TN_OP_STATEFUL);

TN_OP(_Recv, .inputs = "", .outputs = "tensor: tensor_type", .attrs = RECV_ATTRS,
      .doc = "Receives the tensor that send_device sends to recv_device.", .flags = TN_OP_CONTROL_FLOW | TN_OP_STATEFUL,
      .shape = recv_shape);

TN_OP(_HostRecv, .inputs = "", .outputs = "tensor: tensor_type", .attrs = RECV_ATTRS,
      .doc = "Receives the tensor that send_device sends to recv_device into the host's memory.",
      .flags = TN_OP_CONTROL_FLOW | TN_OP_STATEFUL, .shape = recv_shape);
