/* The loops behind the ops that change variables: one per operation and dtype, and what those ops share. */
#include "ops/state/update.h"

#include <complex.h>
#include <string.h>

#include "base/parallel.h"
#include "graph/shape.h"

#define ADD(a, b) ((a) + (b))
#define SUB(a, b) ((a) - (b))
#define MUL(a, b) ((a) * (b))
#define DIV(a, b) ((a) / (b))
#define MIN(a, b) ((b) < (a) ? (b) : (a))
#define MAX(a, b) ((a) < (b) ? (b) : (a))
/* Integer arithmetic wraps: it is done without signs. */
#define WRAP_ADD(a, b)   ((uint64_t)(a) + (uint64_t)(b))
#define WRAP_SUB(a, b)   ((uint64_t)(a) - (uint64_t)(b))
#define WRAP_MUL(a, b)   ((uint64_t)(a) * (uint64_t)(b))
#define SIGNED_DIV(a, b) ((b) == -1 ? (uint64_t)0 - (uint64_t)(a) : (uint64_t)((a) / (b)))
#define OR(a, b)         ((a) || (b))
#define XOR(a, b)        ((a) != (b))
#define AND(a, b)        ((a) && (b))
#define SAME(a)          (a)

/* One loop: elements of type T, read by IN and written by OUT. The two arrays may be one. */
#define LOOP(NAME, T, IN, OUT, OP)                                                                                     \
  static void NAME(void *target, const void *source, int64_t n, int step) {                                            \
    T *x = target;                                                                                                     \
    const T *y = source;                                                                                               \
    if (step) {                                                                                                        \
      for (int64_t i = 0; i < n; i++) x[i] = (T)OUT(OP(IN(x[i]), IN(y[i])));                                           \
    } else {                                                                                                           \
      const T value = y[0];                                                                                            \
      for (int64_t i = 0; i < n; i++) x[i] = (T)OUT(OP(IN(x[i]), IN(value)));                                          \
    }                                                                                                                  \
  }

#define FOUR(NAME, T, IN, OUT, A, S, M, D)                                                                             \
  LOOP(NAME##_add, T, IN, OUT, A)                                                                                      \
  LOOP(NAME##_sub, T, IN, OUT, S)                                                                                      \
  LOOP(NAME##_mul, T, IN, OUT, M)                                                                                      \
  LOOP(NAME##_div, T, IN, OUT, D)
#define SIX(NAME, T, IN, OUT, A, S, M, D)                                                                              \
  FOUR(NAME, T, IN, OUT, A, S, M, D)                                                                                   \
  LOOP(NAME##_min, T, IN, OUT, MIN)                                                                                    \
  LOOP(NAME##_max, T, IN, OUT, MAX)

SIX(float, float, SAME, SAME, ADD, SUB, MUL, DIV)
SIX(double, double, SAME, SAME, ADD, SUB, MUL, DIV)
SIX(half, uint16_t, tn_half_to_float, tn_float_to_half, ADD, SUB, MUL, DIV)
SIX(bfloat16, uint16_t, tn_bfloat16_to_float, tn_float_to_bfloat16, ADD, SUB, MUL, DIV)
SIX(int8, int8_t, SAME, SAME, WRAP_ADD, WRAP_SUB, WRAP_MUL, SIGNED_DIV)
SIX(int16, int16_t, SAME, SAME, WRAP_ADD, WRAP_SUB, WRAP_MUL, SIGNED_DIV)
SIX(int32, int32_t, SAME, SAME, WRAP_ADD, WRAP_SUB, WRAP_MUL, SIGNED_DIV)
SIX(int64, int64_t, SAME, SAME, WRAP_ADD, WRAP_SUB, WRAP_MUL, SIGNED_DIV)
SIX(uint8, uint8_t, SAME, SAME, WRAP_ADD, WRAP_SUB, WRAP_MUL, DIV)
SIX(uint16, uint16_t, SAME, SAME, WRAP_ADD, WRAP_SUB, WRAP_MUL, DIV)
SIX(uint32, uint32_t, SAME, SAME, WRAP_ADD, WRAP_SUB, WRAP_MUL, DIV)
SIX(uint64, uint64_t, SAME, SAME, WRAP_ADD, WRAP_SUB, WRAP_MUL, DIV)
FOUR(complex64, float complex, SAME, SAME, ADD, SUB, MUL, DIV)
FOUR(complex128, double complex, SAME, SAME, ADD, SUB, MUL, DIV)
LOOP(bool_add, bool, SAME, SAME, OR)
LOOP(bool_sub, bool, SAME, SAME, XOR)
LOOP(bool_mul, bool, SAME, SAME, AND)

#define FOUR_OF(NAME)                                                                                                  \
  [TN_UPDATE_ADD] = NAME##_add, [TN_UPDATE_SUB] = NAME##_sub, [TN_UPDATE_MUL] = NAME##_mul, [TN_UPDATE_DIV] = NAME##_div
#define SIX_OF(NAME) FOUR_OF(NAME), [TN_UPDATE_MIN] = NAME##_min, [TN_UPDATE_MAX] = NAME##_max

static const tn_update_fn loops[TN_N_DTYPES][TN_N_UPDATES] = {
    [TN_FLOAT] = {SIX_OF(float)},
    [TN_DOUBLE] = {SIX_OF(double)},
    [TN_HALF] = {SIX_OF(half)},
    [TN_BFLOAT16] = {SIX_OF(bfloat16)},
    [TN_INT8] = {SIX_OF(int8)},
    [TN_INT16] = {SIX_OF(int16)},
    [TN_INT32] = {SIX_OF(int32)},
    [TN_INT64] = {SIX_OF(int64)},
    [TN_UINT8] = {SIX_OF(uint8)},
    [TN_UINT16] = {SIX_OF(uint16)},
    [TN_UINT32] = {SIX_OF(uint32)},
    [TN_UINT64] = {SIX_OF(uint64)},
    [TN_COMPLEX64] = {FOUR_OF(complex64)},
    [TN_COMPLEX128] = {FOUR_OF(complex128)},
    [TN_BOOL] = {[TN_UPDATE_ADD] = bool_add, [TN_UPDATE_SUB] = bool_sub, [TN_UPDATE_MUL] = bool_mul},
};

tn_update_fn tn_update_of(tn_dtype dtype, tn_update_op op) {
  return dtype > TN_INVALID && dtype < TN_N_DTYPES ? loops[dtype][op] : NULL;
}

tn_error *tn_update_elements(tn_dtype dtype, tn_update_op op, void *target, const void *source, int64_t n, int step) {
  if (n == 0) return NULL;
  if (op != TN_UPDATE_ASSIGN) {
    tn_update_fn loop = tn_update_of(dtype, op);
    if (!loop) return tn_errorf(TN_UNIMPLEMENTED, "variables of %s can't be updated so", tn_dtype_name(dtype));
    loop(target, source, n, step);
    return NULL;
  }
  if (step) return tn_copy_elements(dtype, target, source, n);
  size_t size = tn_dtype_size(dtype);
  for (int64_t i = 0; i < n; i++) TN_TRY(tn_copy_elements(dtype, (char *)target + (size_t)i * size, source, 1));
  return NULL;
}

typedef struct whole {
  tn_update_fn loop;
  char *target;
  const char *source;
  size_t size;
  int64_t n, chunks;
} whole;

static void whole_chunk(void *argument, int64_t i) {
  const whole *w = argument;
  int64_t begin, end;
  tn_chunk(w->n, w->chunks, i, 64, &begin, &end);
  w->loop(w->target + (size_t)begin * w->size, w->source + (size_t)begin * w->size, end - begin, 1);
}

tn_error *tn_update_whole(tn_update_op op, tn_tensor *target, const tn_tensor *source) {
  whole w = {.loop = tn_update_of(target->dtype, op),
             .target = target->data,
             .source = source->data,
             .size = tn_dtype_size(target->dtype),
             .n = tn_elements(target)};
  w.chunks = tn_chunks(w.n, 32768);
  if (!w.loop || w.chunks < 2) return tn_update_elements(target->dtype, op, w.target, w.source, w.n, 1);
  tn_parallel(w.chunks, whole_chunk, &w);
  return NULL;
}

tn_error *tn_update_check_divisor(const tn_run *r, tn_update_op op, const tn_tensor *source) {
  if (op != TN_UPDATE_DIV || !tn_dtype_is_integer(source->dtype)) return NULL;
  static const char zeros[8];
  size_t size = tn_dtype_size(source->dtype);
  int64_t n = tn_elements(source);
  for (int64_t i = 0; i < n; i++) {
    if (memcmp((const char *)source->data + (size_t)i * size, zeros, size) == 0) {
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "integer division by zero: element %lld of the updates is 0",
                           (long long)i);
    }
  }
  return NULL;
}

tn_error *tn_state_prepare_ref(tn_prepare *p) { return tn_prepare_alias(p, 0, 0, &p->inputs[0].shape); }

tn_error *tn_state_prepare_none(tn_prepare *p) {
  (void)p;
  return NULL;
}

tn_error *tn_state_handle_shape(tn_shape_ctx *c, int i, const char *type_attr, tn_shape *out) {
  *out = tn_shape_unknown();
  const tn_handle_info *handle = c->in_handles ? &c->in_handles[i] : NULL;
  if (!handle || handle->dtype == TN_INVALID) return NULL;
  tn_dtype dtype = type_attr ? tn_node_get_type(c->node, type_attr) : handle->dtype;
  if (dtype != handle->dtype) {
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "the variable holds %s, but %s is %s",
                          tn_dtype_name(handle->dtype), type_attr, tn_dtype_name(dtype));
  }
  *out = handle->shape;
  return NULL;
}

tn_error *tn_state_variable_shape(tn_shape_ctx *c, int i, const char *type_attr, tn_shape *out) {
  if (c->node->input_types[i] == TN_RESOURCE) return tn_state_handle_shape(c, i, type_attr, out);
  *out = c->in[i];
  return NULL;
}

tn_error *tn_state_check_dtype(const tn_run *r, const tn_variable *v, tn_dtype dtype) {
  if (v->dtype == dtype) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "variable %s holds %s, expected %s", v->name, tn_dtype_name(v->dtype),
                       tn_dtype_name(dtype));
}

/* A resource that was never assigned does not exist, as TensorFlow sees it. */
static tn_error *missing(const tn_run *r, const tn_variable *v, tn_error *error) {
  if (tn_error_code(error) != TN_FAILED_PRECONDITION || r->node->input_types[0] != TN_RESOURCE) {
    return tn_error_context(error, "%s '%s'", r->node->op->name, r->node->name);
  }
  tn_error_free(error);
  return tn_run_errorf(r, TN_NOT_FOUND, "variable %s does not exist: it was not initialized, or has been destroyed",
                       v->name);
}

tn_error *tn_state_begin(const tn_run *r, tn_variable *v, tn_tensor *out) {
  tn_error *error = tn_variable_begin(v, out);
  return error ? missing(r, v, error) : NULL;
}

tn_error *tn_state_read(const tn_run *r, tn_variable *v, tn_tensor *out) {
  tn_error *error = tn_variable_read(v, out);
  return error ? missing(r, v, error) : NULL;
}

tn_error *tn_state_check_shape(const tn_run *r, tn_variable *v, const tn_tensor *value) {
  if (!tn_variable_initialized(v)) return NULL;
  tn_tensor now = {0};
  TN_TRY(tn_variable_read(v, &now));
  tn_shape shape = now.shape;
  tn_tensor_clear(&now);
  if (tn_shape_equal(&shape, &value->shape)) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "variable %s has shape %s; the value assigned to it has shape %s",
                       v->name, TN_SHAPE_STR(&shape), TN_SHAPE_STR(&value->shape));
}
