/* FTRL-proximal: follow the regularised leader, with l1 and l2. */
#include "ops/train/training.h"

TN_TRAINING_KERNELS(ftrl, TN_FTRL, TN_FLOATS);

TN_OP(ApplyFtrl, .inputs = "var: Ref(T), accum: Ref(T), linear: Ref(T), grad: T, lr: T, l1: T, l2: T, lr_power: T",
      .outputs = "out: Ref(T)",
      .attrs = "T: numbertype; use_locking: bool = false; multiply_linear_by_lr: bool = false",
      .doc = "FTRL-proximal: follow the regularised leader, with l1 and l2.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = tn_training_shape, .kernels = ftrl_kernels);

TN_OP(ResourceApplyFtrl,
      .inputs = "var: resource, accum: resource, linear: resource, grad: T, lr: T, l1: T, l2: T, lr_power: T",
      .outputs = "", .attrs = "T: numbertype; use_locking: bool = false; multiply_linear_by_lr: bool = false",
      .doc = "FTRL-proximal, on resource variables: follow the regularised leader, with l1 and l2.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = ftrl_kernels);

TN_OP(SparseApplyFtrl,
      .inputs =
          "var: Ref(T), accum: Ref(T), linear: Ref(T), grad: T, indices: Tindices, lr: T, l1: T, l2: T, lr_power: T",
      .outputs = "out: Ref(T)",
      .attrs = "T: numbertype; Tindices: indextype; use_locking: bool = false; multiply_linear_by_lr: bool = false",
      .doc = "FTRL-proximal, on the rows that a sparse gradient names: follow the regularised leader, with l1 and l2.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = ftrl_kernels);

TN_OP(ResourceSparseApplyFtrl,
      .inputs = "var: resource, accum: resource, linear: resource, grad: T, indices: Tindices, lr: T, l1: T, l2: T, "
                "lr_power: T",
      .outputs = "",
      .attrs = "T: numbertype; Tindices: indextype; use_locking: bool = false; multiply_linear_by_lr: bool = false",
      .doc = "FTRL-proximal, on rows of resource variables: follow the regularised leader, with l1 and l2.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = ftrl_kernels);
