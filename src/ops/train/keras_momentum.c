/* Keras momentum: accum = momentum * accum - lr * grad; var += accum. */
#include "ops/train/training.h"

TN_TRAINING_KERNELS(keras_momentum, TN_KERAS_MOMENTUM, TN_FLOATS | TN_COMPLEXES);

TN_OP(ResourceApplyKerasMomentum, .inputs = "var: resource, accum: resource, lr: T, grad: T, momentum: T",
      .outputs = "", .attrs = "T: numbertype; use_locking: bool = false; use_nesterov: bool = false",
      .doc = "Keras momentum, on resource variables: accum = momentum * accum - lr * grad; var += accum.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape,
      .kernels = keras_momentum_kernels);

TN_OP(ResourceSparseApplyKerasMomentum,
      .inputs = "var: resource, accum: resource, lr: T, grad: T, indices: Tindices, momentum: T", .outputs = "",
      .attrs = "T: numbertype; Tindices: indextype; use_locking: bool = false; use_nesterov: bool = false",
      .doc = "Keras momentum, on rows of resource variables: accum = momentum * accum - lr * grad; var += accum.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape,
      .kernels = keras_momentum_kernels);
