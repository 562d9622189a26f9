/* RMSProp: the step is divided by the root of a running mean square. */
#include "ops/train/training.h"

TN_TRAINING_KERNELS(rmsprop, TN_RMSPROP, TN_FLOATS | TN_COMPLEXES);

TN_OP(ApplyRMSProp, .inputs = "var: Ref(T), ms: Ref(T), mom: Ref(T), lr: T, rho: T, momentum: T, epsilon: T, grad: T",
      .outputs = "out: Ref(T)", .attrs = "T: numbertype; use_locking: bool = false",
      .doc = "RMSProp: the step is divided by the root of a running mean square.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = tn_training_shape, .kernels = rmsprop_kernels);

TN_OP(ResourceApplyRMSProp,
      .inputs = "var: resource, ms: resource, mom: resource, lr: T, rho: T, momentum: T, epsilon: T, grad: T",
      .outputs = "", .attrs = "T: numbertype; use_locking: bool = false",
      .doc = "RMSProp, on resource variables: the step is divided by the root of a running mean square.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = rmsprop_kernels);

TN_OP(
    SparseApplyRMSProp,
    .inputs =
        "var: Ref(T), ms: Ref(T), mom: Ref(T), lr: T, rho: T, momentum: T, epsilon: T, grad: T, indices: Tindices",
    .outputs = "out: Ref(T)", .attrs = "T: numbertype; Tindices: indextype; use_locking: bool = false",
    .doc =
        "RMSProp, on the rows that a sparse gradient names: the step is divided by the root of a running mean square.",
    .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = rmsprop_kernels);

TN_OP(ResourceSparseApplyRMSProp,
      .inputs = "var: resource, ms: resource, mom: resource, lr: T, rho: T, momentum: T, epsilon: T, grad: T, indices: "
                "Tindices",
      .outputs = "", .attrs = "T: numbertype; Tindices: indextype; use_locking: bool = false",
      .doc = "RMSProp, on rows of resource variables: the step is divided by the root of a running mean square.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = rmsprop_kernels);
