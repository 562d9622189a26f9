/* Adagrad with epsilon: epsilon is added to the root. */
#include "ops/train/training.h"

TN_TRAINING_KERNELS(adagrad_v2, TN_ADAGRAD_V2, TN_FLOATS | TN_COMPLEXES);

TN_OP(ApplyAdagradV2, .inputs = "var: Ref(T), accum: Ref(T), lr: T, epsilon: T, grad: T", .outputs = "out: Ref(T)",
      .attrs = "T: numbertype; use_locking: bool = false; update_slots: bool = true",
      .doc = "Adagrad with epsilon: epsilon is added to the root.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = tn_training_shape, .kernels = adagrad_v2_kernels);

TN_OP(ResourceApplyAdagradV2, .inputs = "var: resource, accum: resource, lr: T, epsilon: T, grad: T", .outputs = "",
      .attrs = "T: numbertype; use_locking: bool = false; update_slots: bool = true",
      .doc = "Adagrad with epsilon, on resource variables: epsilon is added to the root.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = adagrad_v2_kernels);

TN_OP(SparseApplyAdagradV2, .inputs = "var: Ref(T), accum: Ref(T), lr: T, epsilon: T, grad: T, indices: Tindices",
      .outputs = "out: Ref(T)",
      .attrs = "T: numbertype; Tindices: indextype; use_locking: bool = false; update_slots: bool = true",
      .doc = "Adagrad with epsilon, on the rows that a sparse gradient names: epsilon is added to the root.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = adagrad_v2_kernels);

TN_OP(ResourceSparseApplyAdagradV2,
      .inputs = "var: resource, accum: resource, lr: T, epsilon: T, grad: T, indices: Tindices", .outputs = "",
      .attrs = "T: numbertype; Tindices: indextype; use_locking: bool = false; update_slots: bool = true",
      .doc = "Adagrad with epsilon, on rows of resource variables: epsilon is added to the root.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = adagrad_v2_kernels);
