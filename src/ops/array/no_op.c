/* NoOp: nothing, for control dependencies. */
#include "ops/array/array.h"

static tn_error *no_op_run(tn_run *r) {
  (void)r;
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = tn_prepare_nothing, .run = no_op_run}, {0}};

TN_OP(NoOp, .inputs = "", .outputs = "", .attrs = "", .doc = "Does nothing; a place for control edges.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = tn_shape_no_outputs, .kernels = kernels);
