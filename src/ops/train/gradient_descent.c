/* Gradient descent: var -= alpha * delta. */
#include "ops/train/training.h"

TN_TRAINING_KERNELS(gradient_descent, TN_GRADIENT_DESCENT, TN_FLOATS | TN_COMPLEXES);

TN_OP(ApplyGradientDescent, .inputs = "var: Ref(T), alpha: T, delta: T", .outputs = "out: Ref(T)",
      .attrs = "T: numbertype; use_locking: bool = false", .doc = "Gradient descent: var -= alpha * delta.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape, .kernels = gradient_descent_kernels);

TN_OP(ResourceApplyGradientDescent, .inputs = "var: resource, alpha: T, delta: T", .outputs = "",
      .attrs = "T: numbertype; use_locking: bool = false",
      .doc = "Gradient descent, on resource variables: var -= alpha * delta.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_training_shape,
      .kernels = gradient_descent_kernels);
