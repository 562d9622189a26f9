/* Elementwise changes of a variable's bytes: target op= source, for every dtype that TensorFlow's variables can be
 * updated in. */
#ifndef TN_OPS_STATE_UPDATE_H
#define TN_OPS_STATE_UPDATE_H

#include "kernel/kernel.h"

typedef enum tn_update_op {
  TN_UPDATE_ASSIGN,
  TN_UPDATE_ADD,
  TN_UPDATE_SUB,
  TN_UPDATE_MUL,
  TN_UPDATE_DIV,
  TN_UPDATE_MIN,
  TN_UPDATE_MAX,
  TN_N_UPDATES
} tn_update_op;

/* Dtypes whose variables can be added to, and those that have an order. */
#define TN_UPDATE_NUMBERS TN_NUMBERS
#define TN_UPDATE_ORDERED TN_REALS

/* TARGET[i] op= SOURCE[i * STEP] for i in [0, N): STEP 1, or 0 for one value everywhere. */
typedef void (*tn_update_fn)(void *target, const void *source, int64_t n, int step);
/* The loop for DTYPE; NULL where the pair makes no sense (an order of complex numbers) and for TN_UPDATE_ASSIGN. */
tn_update_fn tn_update_of(tn_dtype dtype, tn_update_op op);
/* The same with assignment and every dtype, strings too. */
tn_error *tn_update_elements(tn_dtype dtype, tn_update_op op, void *target, const void *source, int64_t n,
                             int step) TN_MUST_USE;
/* The same over a whole tensor of one shape, by all threads. */
tn_error *tn_update_whole(tn_update_op op, tn_tensor *target, const tn_tensor *source) TN_MUST_USE;
/* INVALID_ARGUMENT when OP divides integers by a zero of SOURCE (TensorFlow's process dies of it). */
tn_error *tn_update_check_divisor(const tn_run *r, tn_update_op op, const tn_tensor *source) TN_MUST_USE;

/* For ops whose output 0 is the reference that came in as input 0. */
tn_error *tn_state_prepare_ref(tn_prepare *p) TN_MUST_USE;
/* For ops without outputs. */
tn_error *tn_state_prepare_none(tn_prepare *p) TN_MUST_USE;
/* The shape of the variable behind resource input I (unknown if nothing is known), checked against attribute TYPE_ATTR.
 */
tn_error *tn_state_handle_shape(tn_shape_ctx *c, int i, const char *type_attr, tn_shape *out) TN_MUST_USE;
/* The shape of the variable behind input I, whether reference or resource. */
tn_error *tn_state_variable_shape(tn_shape_ctx *c, int i, const char *type_attr, tn_shape *out) TN_MUST_USE;
/* INVALID_ARGUMENT if V, behind input I of R, does not hold DTYPE. */
tn_error *tn_state_check_dtype(const tn_run *r, const tn_variable *v, tn_dtype dtype) TN_MUST_USE;
/* As tn_variable_begin and tn_variable_read, with TensorFlow's codes for a variable without a value:
 * FAILED_PRECONDITION of the reference kind, NOT_FOUND of the resource kind. */
tn_error *tn_state_begin(const tn_run *r, tn_variable *v, tn_tensor *out) TN_MUST_USE;
tn_error *tn_state_read(const tn_run *r, tn_variable *v, tn_tensor *out) TN_MUST_USE;
/* INVALID_ARGUMENT if V has a value of another shape than VALUE. */
tn_error *tn_state_check_shape(const tn_run *r, tn_variable *v, const tn_tensor *value) TN_MUST_USE;
#endif
