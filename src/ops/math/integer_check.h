/* The errors that integer division and powers have: found before anything is computed. */
#ifndef TN_OPS_MATH_INTEGER_CHECK_H
#define TN_OPS_MATH_INTEGER_CHECK_H

#include "kernel/kernel.h"

/* Checks of RUN (tn_loop_check): an error if an integer of input 1 is zero. TensorFlow reports it as INVALID_ARGUMENT
 * for all ops but TruncateDiv and TruncateMod, where it is INTERNAL. */
tn_error *tn_check_divisor(const tn_run *r);
tn_error *tn_check_divisor_internal(const tn_run *r);
/* INVALID_ARGUMENT if an integer of input 1 is negative. */
tn_error *tn_check_exponent(const tn_run *r);

#endif
