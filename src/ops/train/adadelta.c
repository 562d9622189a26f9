/* Adadelta: the step has the size of earlier steps. */
#include "ops/train/training.h"

TN_TRAINING_KERNELS(adadelta, TN_ADADELTA, TN_FLOATS | TN_COMPLEXES);

TN_OP(ApplyAdadelta, .inputs = "var: Ref(T), accum: Ref(T), accum_update: Ref(T), lr: T, rho: T, epsilon: T, grad: T",
      .outputs = "out: Ref(T)", .attrs = "T: numbertype; use_locking: bool = false",
      .doc = "Adadelta: the step has the size of earlier steps.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = tn_training_shape, .kernels = adadelta_kernels);

TN_OP(ResourceApplyAdadelta,
      .inputs = "var: resource, accum: resource, accum_update: resource, lr: T, rho: T, epsilon: T, grad: T",
      .outputs = "", .attrs = "T: numbertype; use_locking: bool = false",
      .doc = "Adadelta, on resource variables: the step has the size of earlier steps.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = adadelta_kernels);

TN_OP(
    SparseApplyAdadelta,
    .inputs = "var: Ref(T), accum: Ref(T), accum_update: Ref(T), lr: T, rho: T, epsilon: T, grad: T, indices: Tindices",
    .outputs = "out: Ref(T)", .attrs = "T: numbertype; Tindices: indextype; use_locking: bool = false",
    .doc = "Adadelta, on the rows that a sparse gradient names: the step has the size of earlier steps.",
    .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = adadelta_kernels);

TN_OP(
    ResourceSparseApplyAdadelta,
    .inputs =
        "var: resource, accum: resource, accum_update: resource, lr: T, rho: T, epsilon: T, grad: T, indices: Tindices",
    .outputs = "", .attrs = "T: numbertype; Tindices: indextype; use_locking: bool = false",
    .doc = "Adadelta, on rows of resource variables: the step has the size of earlier steps.",
    .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = adadelta_kernels);
