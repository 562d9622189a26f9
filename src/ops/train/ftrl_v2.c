/* FTRL-proximal with shrinkage: l2_shrinkage is added to the gradient. */
#include "ops/train/training.h"

TN_TRAINING_KERNELS(ftrl_v2, TN_FTRL_V2, TN_FLOATS);

TN_OP(
    ApplyFtrlV2,
    .inputs = "var: Ref(T), accum: Ref(T), linear: Ref(T), grad: T, lr: T, l1: T, l2: T, l2_shrinkage: T, lr_power: T",
    .outputs = "out: Ref(T)", .attrs = "T: numbertype; use_locking: bool = false; multiply_linear_by_lr: bool = false",
    .doc = "FTRL-proximal with shrinkage: l2_shrinkage is added to the gradient.", .flags = TN_OP_GRADIENT_UNREGISTERED,
    .shape = tn_training_shape, .kernels = ftrl_v2_kernels);

TN_OP(
    ResourceApplyFtrlV2,
    .inputs =
        "var: resource, accum: resource, linear: resource, grad: T, lr: T, l1: T, l2: T, l2_shrinkage: T, lr_power: T",
    .outputs = "", .attrs = "T: numbertype; use_locking: bool = false; multiply_linear_by_lr: bool = false",
    .doc = "FTRL-proximal with shrinkage, on resource variables: l2_shrinkage is added to the gradient.",
    .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = ftrl_v2_kernels);

TN_OP(SparseApplyFtrlV2,
      .inputs = "var: Ref(T), accum: Ref(T), linear: Ref(T), grad: T, indices: Tindices, lr: T, l1: T, l2: T, "
                "l2_shrinkage: T, lr_power: T",
      .outputs = "out: Ref(T)",
      .attrs = "T: numbertype; Tindices: indextype; use_locking: bool = false; multiply_linear_by_lr: bool = false",
      .doc = "FTRL-proximal with shrinkage, on the rows that a sparse gradient names: l2_shrinkage is added to the "
             "gradient.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = ftrl_v2_kernels);

TN_OP(ResourceSparseApplyFtrlV2,
      .inputs = "var: resource, accum: resource, linear: resource, grad: T, indices: Tindices, lr: T, l1: T, l2: T, "
                "l2_shrinkage: T, lr_power: T",
      .outputs = "",
      .attrs = "T: numbertype; Tindices: indextype; use_locking: bool = false; multiply_linear_by_lr: bool = false",
      .doc = "FTRL-proximal with shrinkage, on rows of resource variables: l2_shrinkage is added to the gradient.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = ftrl_v2_kernels);
