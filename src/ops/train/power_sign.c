/* PowerSign: steps grow exponentially where gradient and momentum agree. */
#include "ops/train/training.h"

TN_TRAINING_KERNELS(power_sign, TN_POWER_SIGN, TN_FLOATS);

TN_OP(ApplyPowerSign, .inputs = "var: Ref(T), m: Ref(T), lr: T, logbase: T, sign_decay: T, beta: T, grad: T",
      .outputs = "out: Ref(T)", .attrs = "T: numbertype; use_locking: bool = false",
      .doc = "PowerSign: steps grow exponentially where gradient and momentum agree.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = power_sign_kernels);

TN_OP(ResourceApplyPowerSign,
      .inputs = "var: resource, m: resource, lr: T, logbase: T, sign_decay: T, beta: T, grad: T", .outputs = "",
      .attrs = "T: numbertype; use_locking: bool = false",
      .doc = "PowerSign, on resource variables: steps grow exponentially where gradient and momentum agree.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = power_sign_kernels);
