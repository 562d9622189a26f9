/* Elements of which only the size matters. */
#ifndef TN_OPS_MATH_SIZED_H
#define TN_OPS_MATH_SIZED_H

#include <stdint.h>

/* complex128, and the pointer and size of a string. */
typedef struct tn_bytes16 {
  uint64_t half[2];
} tn_bytes16;

#endif
