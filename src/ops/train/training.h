/* What the training ops share: one shape function, and kernels that find variables, scalars, gradient and indices by
 * their names in the op's definition. The arithmetic is in kernel/optimizer.h. */
#ifndef TN_OPS_TRAIN_TRAINING_H
#define TN_OPS_TRAIN_TRAINING_H

#include "kernel/kernel.h"
#include "kernel/optimizer.h"

/* Shapes: all variables and a dense gradient agree, scalars are scalars, a sparse gradient has a row per index. */
tn_error *tn_training_shape(tn_shape_ctx *c) TN_MUST_USE;

tn_error *tn_training_prepare(tn_prepare *p, tn_optimizer_kind kind, bool vector) TN_MUST_USE;
tn_error *tn_training_run(tn_run *r) TN_MUST_USE;

/* The kernel list of an optimizer: CONCEPT_kernels, for all four of its ops. */
#define TN_TRAINING_KERNELS(CONCEPT, KIND, TYPES)                                                                      \
  static tn_error *prepare_##CONCEPT##_vector(tn_prepare *p) { return tn_training_prepare(p, KIND, true); }            \
  static tn_error *prepare_##CONCEPT(tn_prepare *p) { return tn_training_prepare(p, KIND, false); }                    \
  static const tn_kernel_def CONCEPT##_kernels[] = {                                                                   \
      {.name = "vector", .types = TN_BIT(TN_FLOAT), .prepare = prepare_##CONCEPT##_vector, .run = tn_training_run},    \
      {.name = "reference", .types = (TYPES), .prepare = prepare_##CONCEPT, .run = tn_training_run},                   \
      {0}}

#endif
