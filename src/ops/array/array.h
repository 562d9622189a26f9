/* What the array ops share: sets of dtypes as TensorFlow's CPU kernels take them, index values, static values. */
#ifndef TN_OPS_ARRAY_ARRAY_H
#define TN_OPS_ARRAY_ARRAY_H

#include "base/alloc.h"
#include "graph/build.h"
#include "graph/shape.h"
#include "kernel/copy.h"
#include "kernel/kernel.h"

#define TN_BASIC        (TN_NUMBERS | TN_BIT(TN_BOOL))
#define TN_BASIC_STRING (TN_BASIC | TN_BIT(TN_STRING))
#define TN_FLOAT8S      (TN_BIT(TN_FLOAT8_E5M2) | TN_BIT(TN_FLOAT8_E4M3FN))
#define TN_OBJECTS      (TN_BIT(TN_RESOURCE) | TN_BIT(TN_VARIANT))
#define TN_QUANTIZED3   (TN_BIT(TN_QINT8) | TN_BIT(TN_QUINT8) | TN_BIT(TN_QINT32))
#define TN_QUANTIZED5   (TN_QUANTIZED3 | TN_BIT(TN_QINT16) | TN_BIT(TN_QUINT16))
#define TN_INDICES      (TN_BIT(TN_INT32) | TN_BIT(TN_INT64))

/* Element I of an integer tensor. */
static inline int64_t tn_int_at(const tn_tensor *t, int64_t i) {
  switch (t->dtype) {
  case TN_INT64: return ((const int64_t *)t->data)[i];
  case TN_INT32: return ((const int32_t *)t->data)[i];
  case TN_INT16: return ((const int16_t *)t->data)[i];
  case TN_INT8: return ((const int8_t *)t->data)[i];
  case TN_UINT16: return ((const uint16_t *)t->data)[i];
  case TN_UINT8: return ((const uint8_t *)t->data)[i];
  default: return 0;
  }
}
static inline void tn_int_put(tn_tensor *t, int64_t i, int64_t value) {
  if (t->dtype == TN_INT64)
    ((int64_t *)t->data)[i] = value;
  else
    ((int32_t *)t->data)[i] = (int32_t)value;
}

/* The first byte of element I. */
static inline void *tn_at(const tn_tensor *t, int64_t i) {
  return (char *)t->data + i * (int64_t)tn_dtype_size(t->dtype);
}

/* The product of the dimensions [BEGIN, END). */
static inline int64_t tn_span(const tn_shape *shape, int begin, int end) {
  int64_t n = 1;
  for (int i = begin; i < end; i++) n *= shape->dims[i];
  return n;
}

/* AXIS in [-RANK, RANK) as a dimension; INVALID_ARGUMENT naming WHAT it is otherwise. */
tn_error *tn_array_axis(const tn_node *node, const char *what, int64_t axis, int rank, int *out) TN_MUST_USE;
/* The only element of value input I of a prepared node; INVALID_ARGUMENT if it isn't one number. */
tn_error *tn_array_scalar(const tn_prepare *p, int input, int64_t *out) TN_MUST_USE;
/* "[1,2]": the place of element I in SHAPE, for messages. */
#define TN_PLACE_TEXT 192
const char *tn_place_text(const tn_shape *shape, int64_t i, char text[TN_PLACE_TEXT]);
#define TN_PLACE_STR(shape, i) tn_place_text((shape), (i), (char[TN_PLACE_TEXT]){0})

/* --- shape functions --- */
tn_shape tn_shape_part(const tn_shape *shape, int begin, int end); /* dimensions [BEGIN, END) of a known rank */
tn_error *tn_shape_join(tn_shape_ctx *c, const tn_shape *a, const tn_shape *b, tn_shape *out) TN_MUST_USE;
tn_error *tn_shape_same_as_input(tn_shape_ctx *c); /* output i has the shape of input i */

/* --- gradients --- */
/* The tensor of a Const node (also behind Identity), else NULL. */
const tn_tensor *tn_static_value(tn_output x);
/* The shape of X as a DTYPE vector: a constant where it is known. */
tn_output tn_grad_shape(tn_gradient_ctx *c, tn_output x, tn_dtype dtype);
/* A reshape of VALUE to the shape of X. */
tn_output tn_grad_reshape_to(tn_gradient_ctx *c, tn_output value, tn_output x);
/* Passes the gradient of output I on to input I, sparse or dense. */
tn_error *tn_grad_pass(tn_gradient_ctx *c);

#endif
