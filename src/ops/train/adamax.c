/* AdaMax: Adam with the infinity norm. */
#include "ops/train/training.h"

TN_TRAINING_KERNELS(adamax, TN_ADAMAX, TN_FLOATS);

TN_OP(ApplyAdaMax,
      .inputs = "var: Ref(T), m: Ref(T), v: Ref(T), beta1_power: T, lr: T, beta1: T, beta2: T, epsilon: T, grad: T",
      .outputs = "out: Ref(T)", .attrs = "T: numbertype; use_locking: bool = false",
      .doc = "AdaMax: Adam with the infinity norm.", .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape,
      .kernels = adamax_kernels);

TN_OP(
    ResourceApplyAdaMax,
    .inputs = "var: resource, m: resource, v: resource, beta1_power: T, lr: T, beta1: T, beta2: T, epsilon: T, grad: T",
    .outputs = "", .attrs = "T: numbertype; use_locking: bool = false",
    .doc = "AdaMax, on resource variables: Adam with the infinity norm.",
    .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = adamax_kernels);
