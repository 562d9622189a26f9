/* Looks through the second operand of an integer op for values that have no result. */
#include "ops/math/integer_check.h"

/* True if some element is zero (NEGATIVE false) or below zero. */
static bool has_bad(const tn_tensor *t, bool negative) {
  int64_t n = tn_elements(t);
#define LOOK(DTYPE, TYPE)                                                                                              \
  case DTYPE:                                                                                                          \
    for (int64_t i = 0; i < n; i++)                                                                                    \
      if (negative ? TN_DATA(TYPE, t)[i] < (TYPE)1 && TN_DATA(TYPE, t)[i] != 0 : TN_DATA(TYPE, t)[i] == 0)             \
        return true;                                                                                                   \
    return false;
  switch (t->dtype) {
    LOOK(TN_INT8, int8_t)
    LOOK(TN_INT16, int16_t)
    LOOK(TN_INT32, int32_t)
    LOOK(TN_INT64, int64_t)
    LOOK(TN_UINT8, uint8_t)
    LOOK(TN_UINT16, uint16_t)
    LOOK(TN_UINT32, uint32_t)
    LOOK(TN_UINT64, uint64_t)
  default: return false;
  }
#undef LOOK
}

tn_error *tn_check_divisor(const tn_run *r) {
  if (!has_bad(r->inputs[1], false)) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Integer division by zero");
}

tn_error *tn_check_divisor_internal(const tn_run *r) {
  if (!has_bad(r->inputs[1], false)) return NULL;
  return tn_run_errorf(r, TN_INTERNAL, "Integer division by zero");
}

tn_error *tn_check_exponent(const tn_run *r) {
  if (!has_bad(r->inputs[1], true)) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Integers to negative integer powers are not allowed");
}
