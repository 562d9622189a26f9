/* Momentum: accum = momentum * accum + grad; var -= lr * accum. */
#include "ops/train/training.h"

TN_TRAINING_KERNELS(momentum, TN_MOMENTUM, TN_FLOATS | TN_COMPLEXES);

TN_OP(ApplyMomentum, .inputs = "var: Ref(T), accum: Ref(T), lr: T, grad: T, momentum: T", .outputs = "out: Ref(T)",
      .attrs = "T: numbertype; use_locking: bool = false; use_nesterov: bool = false",
      .doc = "Momentum: accum = momentum * accum + grad; var -= lr * accum.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = tn_training_shape, .kernels = momentum_kernels);

TN_OP(ResourceApplyMomentum, .inputs = "var: resource, accum: resource, lr: T, grad: T, momentum: T", .outputs = "",
      .attrs = "T: numbertype; use_locking: bool = false; use_nesterov: bool = false",
      .doc = "Momentum, on resource variables: accum = momentum * accum + grad; var -= lr * accum.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = momentum_kernels);

TN_OP(SparseApplyMomentum, .inputs = "var: Ref(T), accum: Ref(T), lr: T, grad: T, indices: Tindices, momentum: T",
      .outputs = "out: Ref(T)",
      .attrs = "T: numbertype; Tindices: indextype; use_locking: bool = false; use_nesterov: bool = false",
      .doc = "Momentum, on the rows that a sparse gradient names: accum = momentum * accum + grad; var -= lr * accum.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = momentum_kernels);

TN_OP(ResourceSparseApplyMomentum,
      .inputs = "var: resource, accum: resource, lr: T, grad: T, indices: Tindices, momentum: T", .outputs = "",
      .attrs = "T: numbertype; Tindices: indextype; use_locking: bool = false; use_nesterov: bool = false",
      .doc = "Momentum, on rows of resource variables: accum = momentum * accum + grad; var -= lr * accum.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = momentum_kernels);
