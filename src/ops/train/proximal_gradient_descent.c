/* Proximal gradient descent: a gradient step, then the proximal operator of l1 and l2. */
#include "ops/train/training.h"

TN_TRAINING_KERNELS(proximal_gradient_descent, TN_PROXIMAL_GRADIENT_DESCENT, TN_FLOATS);

TN_OP(ApplyProximalGradientDescent, .inputs = "var: Ref(T), alpha: T, l1: T, l2: T, delta: T", .outputs = "out: Ref(T)",
      .attrs = "T: numbertype; use_locking: bool = false",
      .doc = "Proximal gradient descent: a gradient step, then the proximal operator of l1 and l2.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = proximal_gradient_descent_kernels);

TN_OP(ResourceApplyProximalGradientDescent, .inputs = "var: resource, alpha: T, l1: T, l2: T, delta: T", .outputs = "",
      .attrs = "T: numbertype; use_locking: bool = false",
      .doc =
          "Proximal gradient descent, on resource variables: a gradient step, then the proximal operator of l1 and l2.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape,
      .kernels = proximal_gradient_descent_kernels);

TN_OP(SparseApplyProximalGradientDescent, .inputs = "var: Ref(T), alpha: T, l1: T, l2: T, grad: T, indices: Tindices",
      .outputs = "out: Ref(T)", .attrs = "T: numbertype; Tindices: indextype; use_locking: bool = false",
      .doc = "Proximal gradient descent, on the rows that a sparse gradient names: a gradient step, then the proximal "
             "operator of l1 and l2.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = proximal_gradient_descent_kernels);

TN_OP(ResourceSparseApplyProximalGradientDescent,
      .inputs = "var: resource, alpha: T, l1: T, l2: T, grad: T, indices: Tindices", .outputs = "",
      .attrs = "T: numbertype; Tindices: indextype; use_locking: bool = false",
      .doc = "Proximal gradient descent, on rows of resource variables: a gradient step, then the proximal operator of "
             "l1 and l2.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape,
      .kernels = proximal_gradient_descent_kernels);
