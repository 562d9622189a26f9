/* Adam with AMSGrad: the largest second moment so far divides. */
#include "ops/train/training.h"

TN_TRAINING_KERNELS(adam_amsgrad, TN_ADAM_AMSGRAD, TN_FLOATS);

TN_OP(ResourceApplyAdamWithAmsgrad,
      .inputs = "var: resource, m: resource, v: resource, vhat: resource, beta1_power: T, beta2_power: T, lr: T, "
                "beta1: T, beta2: T, epsilon: T, grad: T",
      .outputs = "", .attrs = "T: numbertype; use_locking: bool = false",
      .doc = "Adam with AMSGrad, on resource variables: the largest second moment so far divides.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape,
      .kernels = adam_amsgrad_kernels);
