/* Adagrad: the step is divided by the root of the sum of squares. */
#include "ops/train/training.h"

TN_TRAINING_KERNELS(adagrad, TN_ADAGRAD, TN_FLOATS | TN_COMPLEXES);

TN_OP(ApplyAdagrad, .inputs = "var: Ref(T), accum: Ref(T), lr: T, grad: T", .outputs = "out: Ref(T)",
      .attrs = "T: numbertype; use_locking: bool = false; update_slots: bool = true",
      .doc = "Adagrad: the step is divided by the root of the sum of squares.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = tn_training_shape, .kernels = adagrad_kernels);

TN_OP(ResourceApplyAdagrad, .inputs = "var: resource, accum: resource, lr: T, grad: T", .outputs = "",
      .attrs = "T: numbertype; use_locking: bool = false; update_slots: bool = true",
      .doc = "Adagrad, on resource variables: the step is divided by the root of the sum of squares.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = adagrad_kernels);

TN_OP(
    SparseApplyAdagrad, .inputs = "var: Ref(T), accum: Ref(T), lr: T, grad: T, indices: Tindices",
    .outputs = "out: Ref(T)",
    .attrs = "T: numbertype; Tindices: indextype; use_locking: bool = false; update_slots: bool = true",
    .doc = "Adagrad, on the rows that a sparse gradient names: the step is divided by the root of the sum of squares.",
    .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = adagrad_kernels);

TN_OP(ResourceSparseApplyAdagrad, .inputs = "var: resource, accum: resource, lr: T, grad: T, indices: Tindices",
      .outputs = "",
      .attrs = "T: numbertype; Tindices: indextype; use_locking: bool = false; update_slots: bool = true",
      .doc = "Adagrad, on rows of resource variables: the step is divided by the root of the sum of squares.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = adagrad_kernels);
