/* Centered RMSProp: RMSProp with the running variance. */
#include "ops/train/training.h"

TN_TRAINING_KERNELS(centered_rmsprop, TN_CENTERED_RMSPROP, TN_FLOATS | TN_COMPLEXES);

TN_OP(ApplyCenteredRMSProp,
      .inputs = "var: Ref(T), mg: Ref(T), ms: Ref(T), mom: Ref(T), lr: T, rho: T, momentum: T, epsilon: T, grad: T",
      .outputs = "out: Ref(T)", .attrs = "T: numbertype; use_locking: bool = false",
      .doc = "Centered RMSProp: RMSProp with the running variance.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = tn_training_shape, .kernels = centered_rmsprop_kernels);

TN_OP(ResourceApplyCenteredRMSProp,
      .inputs =
          "var: resource, mg: resource, ms: resource, mom: resource, lr: T, rho: T, momentum: T, epsilon: T, grad: T",
      .outputs = "", .attrs = "T: numbertype; use_locking: bool = false",
      .doc = "Centered RMSProp, on resource variables: RMSProp with the running variance.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape,
      .kernels = centered_rmsprop_kernels);

TN_OP(SparseApplyCenteredRMSProp,
      .inputs = "var: Ref(T), mg: Ref(T), ms: Ref(T), mom: Ref(T), lr: T, rho: T, momentum: T, epsilon: T, grad: T, "
                "indices: Tindices",
      .outputs = "out: Ref(T)", .attrs = "T: numbertype; Tindices: indextype; use_locking: bool = false",
      .doc = "Centered RMSProp, on the rows that a sparse gradient names: RMSProp with the running variance.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = centered_rmsprop_kernels);

TN_OP(ResourceSparseApplyCenteredRMSProp,
      .inputs = "var: resource, mg: resource, ms: resource, mom: resource, lr: T, rho: T, momentum: T, epsilon: T, "
                "grad: T, indices: Tindices",
      .outputs = "", .attrs = "T: numbertype; Tindices: indextype; use_locking: bool = false",
      .doc = "Centered RMSProp, on rows of resource variables: RMSProp with the running variance.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape,
      .kernels = centered_rmsprop_kernels);
