/* AddSign: steps grow where gradient and momentum agree. */
#include "ops/train/training.h"

TN_TRAINING_KERNELS(add_sign, TN_ADD_SIGN, TN_FLOATS);

TN_OP(ApplyAddSign, .inputs = "var: Ref(T), m: Ref(T), lr: T, alpha: T, sign_decay: T, beta: T, grad: T",
      .outputs = "out: Ref(T)", .attrs = "T: numbertype; use_locking: bool = false",
      .doc = "AddSign: steps grow where gradient and momentum agree.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = tn_training_shape, .kernels = add_sign_kernels);

TN_OP(ResourceApplyAddSign, .inputs = "var: resource, m: resource, lr: T, alpha: T, sign_decay: T, beta: T, grad: T",
      .outputs = "", .attrs = "T: numbertype; use_locking: bool = false",
      .doc = "AddSign, on resource variables: steps grow where gradient and momentum agree.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = add_sign_kernels);
