/* Proximal Adagrad: an Adagrad step, then the proximal operator of l1 and l2. */
#include "ops/train/training.h"

TN_TRAINING_KERNELS(proximal_adagrad, TN_PROXIMAL_ADAGRAD, TN_FLOATS);

TN_OP(ApplyProximalAdagrad, .inputs = "var: Ref(T), accum: Ref(T), lr: T, l1: T, l2: T, grad: T",
      .outputs = "out: Ref(T)", .attrs = "T: numbertype; use_locking: bool = false",
      .doc = "Proximal Adagrad: an Adagrad step, then the proximal operator of l1 and l2.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = proximal_adagrad_kernels);

TN_OP(ResourceApplyProximalAdagrad, .inputs = "var: resource, accum: resource, lr: T, l1: T, l2: T, grad: T",
      .outputs = "", .attrs = "T: numbertype; use_locking: bool = false",
      .doc = "Proximal Adagrad, on resource variables: an Adagrad step, then the proximal operator of l1 and l2.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape,
      .kernels = proximal_adagrad_kernels);

TN_OP(SparseApplyProximalAdagrad,
      .inputs = "var: Ref(T), accum: Ref(T), lr: T, l1: T, l2: T, grad: T, indices: Tindices", .outputs = "out: Ref(T)",
      .attrs = "T: numbertype; Tindices: indextype; use_locking: bool = false",
      .doc = "Proximal Adagrad, on the rows that a sparse gradient names: an Adagrad step, then the proximal operator "
             "of l1 and l2.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = proximal_adagrad_kernels);

TN_OP(
    ResourceSparseApplyProximalAdagrad,
    .inputs = "var: resource, accum: resource, lr: T, l1: T, l2: T, grad: T, indices: Tindices", .outputs = "",
    .attrs = "T: numbertype; Tindices: indextype; use_locking: bool = false",
    .doc = "Proximal Adagrad, on rows of resource variables: an Adagrad step, then the proximal operator of l1 and l2.",
    .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape,
    .kernels = proximal_adagrad_kernels);
