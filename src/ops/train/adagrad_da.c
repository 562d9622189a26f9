/* Adagrad with dual averaging: the weight is computed anew from the summed gradients. */
#include "ops/train/training.h"

TN_TRAINING_KERNELS(adagrad_da, TN_ADAGRAD_DA, TN_FLOATS);

TN_OP(ApplyAdagradDA,
      .inputs = "var: Ref(T), gradient_accumulator: Ref(T), gradient_squared_accumulator: Ref(T), grad: T, lr: T, l1: "
                "T, l2: T, global_step: int64",
      .outputs = "out: Ref(T)", .attrs = "T: numbertype; use_locking: bool = false",
      .doc = "Adagrad with dual averaging: the weight is computed anew from the summed gradients.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = adagrad_da_kernels);

TN_OP(
    ResourceApplyAdagradDA,
    .inputs = "var: resource, gradient_accumulator: resource, gradient_squared_accumulator: resource, grad: T, lr: T, "
              "l1: T, l2: T, global_step: int64",
    .outputs = "", .attrs = "T: numbertype; use_locking: bool = false",
    .doc = "Adagrad with dual averaging, on resource variables: the weight is computed anew from the summed gradients.",
    .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = adagrad_da_kernels);

TN_OP(SparseApplyAdagradDA,
      .inputs = "var: Ref(T), gradient_accumulator: Ref(T), gradient_squared_accumulator: Ref(T), grad: T, indices: "
                "Tindices, lr: T, l1: T, l2: T, global_step: int64",
      .outputs = "out: Ref(T)", .attrs = "T: numbertype; Tindices: indextype; use_locking: bool = false",
      .doc = "Adagrad with dual averaging, on the rows that a sparse gradient names: the weight is computed anew from "
             "the summed gradients.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = adagrad_da_kernels);

TN_OP(ResourceSparseApplyAdagradDA,
      .inputs = "var: resource, gradient_accumulator: resource, gradient_squared_accumulator: resource, grad: T, "
                "indices: Tindices, lr: T, l1: T, l2: T, global_step: int64",
      .outputs = "", .attrs = "T: numbertype; Tindices: indextype; use_locking: bool = false",
      .doc = "Adagrad with dual averaging, on rows of resource variables: the weight is computed anew from the summed "
             "gradients.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = adagrad_da_kernels);
