/* What counts as true to If, While and their kin. */
#ifndef TN_OPS_FLOW_TRUTH_H
#define TN_OPS_FLOW_TRUTH_H

#include <stdbool.h>

#include "tensor/tensor.h"

/* TensorFlow's truth: a scalar that is not zero or "", or a tensor that is not empty. */
bool tn_truth(const tn_tensor *t);

#endif
