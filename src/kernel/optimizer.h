/* The arithmetic of optimizers: loops that change up to four variables from a gradient, element by element. Every
 * element depends on its own place only, so that any split of the work gives the same bits. */
#ifndef TN_KERNEL_OPTIMIZER_H
#define TN_KERNEL_OPTIMIZER_H

#include "tensor/tensor.h"

enum { TN_OPTIMIZER_SLOTS = 4, TN_OPTIMIZER_SCALARS = 8 };

typedef enum tn_optimizer_kind {
  TN_GRADIENT_DESCENT,
  TN_PROXIMAL_GRADIENT_DESCENT,
  TN_MOMENTUM,
  TN_KERAS_MOMENTUM,
  TN_ADAM,
  TN_ADAM_AMSGRAD,
  TN_ADAMAX,
  TN_RMSPROP,
  TN_CENTERED_RMSPROP,
  TN_ADAGRAD,
  TN_ADAGRAD_V2,
  TN_ADAGRAD_DA,
  TN_PROXIMAL_ADAGRAD,
  TN_ADADELTA,
  TN_FTRL,
  TN_FTRL_V2,
  TN_ADD_SIGN,
  TN_POWER_SIGN,
  TN_N_OPTIMIZERS
} tn_optimizer_kind;

/* One sweep over N elements. SLOTS are the variables in the op's order, H its scalars in the op's order (each points at
 * one element of the same dtype), FLAG its use_nesterov, update_slots or multiply_linear_by_lr. */
typedef struct tn_sweep {
  int64_t n;
  void *slots[TN_OPTIMIZER_SLOTS];
  const void *gradient;
  const void *h[TN_OPTIMIZER_SCALARS];
  bool flag;
} tn_sweep;

typedef void (*tn_sweep_fn)(const tn_sweep *s);

/* The loop that is written for vectors of the instruction set in use; NULL if DTYPE has none (all but float). */
tn_sweep_fn tn_optimizer_vector(tn_optimizer_kind kind, tn_dtype dtype);
/* The plain loop; NULL if TensorFlow has none for DTYPE. */
tn_sweep_fn tn_optimizer_plain(tn_optimizer_kind kind, tn_dtype dtype);
/* Bytes of one element, for walking rows. Runs FN over [begin, end) of the elements of S. */
void tn_sweep_range(const tn_sweep *s, tn_sweep_fn fn, size_t element, int64_t begin, int64_t end);
/* Runs FN over all of S on the threads of the caller. */
void tn_sweep_parallel(const tn_sweep *s, tn_sweep_fn fn, size_t element);

/* For the files that hold the loops. */
#ifdef __clang__
#define TN_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define TN_INDEPENDENT _Pragma("GCC ivdep")
#endif
typedef const tn_sweep_fn tn_optimizer_table[TN_N_OPTIMIZERS];
extern tn_optimizer_table tn_optimizer_generic, tn_optimizer_neon, tn_optimizer_avx2, tn_optimizer_avx512;

#endif
