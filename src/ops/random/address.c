/* _RandomAddress: what the random ops of a session draw becomes a function of their seeds and of a place. */
#include <string.h>

#include "base/fault.h"
#include "graph/shape.h"
#include "kernel/kernel.h"
#include "kernel/step.h"

static tn_error *prepare(tn_prepare *p) {
  if (p->inputs[0].shape.rank == 1 && p->inputs[0].shape.dims[0] == 2) return NULL;
  return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "an address is two numbers, but its shape is %s",
                           TN_SHAPE_STR(&p->inputs[0].shape));
}

static tn_error *run(tn_run *r) {
  uint64_t address[2];
  memcpy(address, r->inputs[0]->data, sizeof address);
  tn_session_state_set_address(r->step->session, address);
  tn_fault("token");
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(_RandomAddress, .inputs = "address: int64", .outputs = "", .attrs = "",
      .doc = "What the session's random ops draw from now on is a function of their seeds and ADDRESS.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_shape_no_outputs, .kernels = kernels);
