/* _Send and _Recv: what an executor hands to the step's rendezvous and takes from it. */
#ifndef TN_RUNTIME_TRANSFER_H
#define TN_RUNTIME_TRANSFER_H

#include "kernel/rendezvous.h"
#include "kernel/step.h"
#include "runtime/frames.h"

/* Sends INPUTS[0], or that it is dead. */
tn_error *tn_transfer_send(tn_step *step, const tn_flow *flow, const tn_ready *ready,
                           const tn_tensor *inputs) TN_MUST_USE;
/* Has DONE called once the tensor is there; not at all where an error is returned. */
tn_error *tn_transfer_recv(tn_step *step, const tn_flow *flow, const tn_ready *ready, tn_rendezvous_done done,
                           void *argument) TN_MUST_USE;

#endif
