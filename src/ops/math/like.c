/* Constants in the shape of another tensor: ZerosLike, OnesLike. */
#include <string.h>

#include "graph/shape.h"
#include "kernel/kernel.h"

static tn_error *zeros_run(tn_run *r) {
  tn_tensor *z = r->outputs[0];
  int64_t n = tn_elements(z);
  if (n == 0) return NULL;
  if (z->dtype != TN_STRING) {
    memset(z->data, 0, (size_t)n * tn_dtype_size(z->dtype));
    return NULL;
  }
  for (int64_t i = 0; i < n; i++) TN_TRY(tn_string_set(&TN_DATA(tn_string, z)[i], "", 0));
  return NULL;
}

#define FILL(TYPE, VALUE)                                                                                              \
  do {                                                                                                                 \
    for (int64_t i = 0; i < n; i++) TN_DATA(TYPE, z)[i] = (VALUE);                                                     \
    return NULL;                                                                                                       \
  } while (0)

static tn_error *ones_run(tn_run *r) {
  tn_tensor *z = r->outputs[0];
  int64_t n = tn_elements(z);
  switch (z->dtype) {
  case TN_FLOAT: FILL(float, 1);
  case TN_DOUBLE: FILL(double, 1);
  case TN_HALF: FILL(uint16_t, tn_float_to_half(1));
  case TN_BFLOAT16: FILL(uint16_t, tn_float_to_bfloat16(1));
  case TN_COMPLEX64: FILL(float _Complex, 1);
  case TN_COMPLEX128: FILL(double _Complex, 1);
  case TN_INT8:
  case TN_UINT8:
  case TN_BOOL: FILL(uint8_t, 1);
  case TN_INT16:
  case TN_UINT16: FILL(uint16_t, 1);
  case TN_INT32:
  case TN_UINT32: FILL(uint32_t, 1);
  default: FILL(uint64_t, 1);
  }
}

#define ONES_TYPES (TN_NUMBERS | TN_BIT(TN_BOOL))
static const tn_kernel_def zeros_kernels[] = {
    {.name = "reference", .types = ONES_TYPES | TN_BIT(TN_STRING), .run = zeros_run}, {0}};
static const tn_kernel_def ones_kernels[] = {{.name = "reference", .types = ONES_TYPES, .run = ones_run}, {0}};

TN_OP(ZerosLike, .inputs = "x: T", .outputs = "y: T", .attrs = "T: type", .doc = "Zeros in the shape of x.",
      .flags = TN_OP_FROM_SHAPES | TN_OP_NO_GRADIENT, .shape = tn_shape_unchanged, .kernels = zeros_kernels);
TN_OP(OnesLike, .inputs = "x: T", .outputs = "y: T",
      .attrs = "T: {bfloat16, half, float, double, int8, uint8, int16, uint16, int32, uint32, int64, uint64, "
               "complex64, complex128, bool}",
      .doc = "Ones in the shape of x.", .flags = TN_OP_FROM_SHAPES | TN_OP_NO_GRADIENT, .shape = tn_shape_unchanged,
      .kernels = ones_kernels);
