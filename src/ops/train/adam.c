/* Adam: running means of the gradient and its square. */
#include "ops/train/training.h"

TN_TRAINING_KERNELS(adam, TN_ADAM, TN_FLOATS | TN_COMPLEXES);

TN_OP(ApplyAdam,
      .inputs = "var: Ref(T), m: Ref(T), v: Ref(T), beta1_power: T, beta2_power: T, lr: T, beta1: T, beta2: T, "
                "epsilon: T, grad: T",
      .outputs = "out: Ref(T)", .attrs = "T: numbertype; use_locking: bool = false; use_nesterov: bool = false",
      .doc = "Adam: running means of the gradient and its square.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = tn_training_shape, .kernels = adam_kernels);

TN_OP(ResourceApplyAdam,
      .inputs = "var: resource, m: resource, v: resource, beta1_power: T, beta2_power: T, lr: T, beta1: T, beta2: T, "
                "epsilon: T, grad: T",
      .outputs = "", .attrs = "T: numbertype; use_locking: bool = false; use_nesterov: bool = false",
      .doc = "Adam, on resource variables: running means of the gradient and its square.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = adam_kernels);
