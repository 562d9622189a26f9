/* Tensor arrays: what the ops of the family share. They live as long as their handles, or (the old ones, whose handles
 * are two strings) as long as the step. */
#ifndef TN_OPS_FLOW_TENSOR_ARRAY_H
#define TN_OPS_FLOW_TENSOR_ARRAY_H

#include <pthread.h>

#include "graph/build.h"
#include "graph/shape.h"
#include "kernel/prepared.h"

/* One place of an array. Where WRITTEN is set and VALUE is empty, zeros of SHAPE are meant. */
typedef struct tn_array_slot {
  tn_tensor value;
  tn_shape shape;
  bool written, read, cleared;
  bool own; /* VALUE is a sum that was made here: more is added in place */
} tn_array_slot;

typedef struct tn_tensor_array {
  tn_object object;
  pthread_mutex_t mutex; /* guards what follows */
  char *name;
  tn_dtype dtype;
  tn_shape element; /* as far as it is known */
  bool dynamic, clear_after_read, identical, is_gradient, closed;
  bool summed; /* something was added to what had been written: there is no gradient of that */
  int64_t n, capacity;
  tn_array_slot *slots;
  struct tn_tensor_array *gradients, *next_gradient; /* of this array, one for each SOURCE */
  char *source;
  struct tn_tensor_array *forward; /* of an array of gradients: borrowed; NULL once it is gone */
} tn_tensor_array;

#define TN_TENSOR_ARRAY_TYPE "TensorArray"

/* The array behind input 0, a new reference. */
tn_error *tn_array_of(const tn_run *r, tn_tensor_array **out) TN_MUST_USE;
tn_error *tn_array_new(const char *name, tn_dtype dtype, int64_t n, tn_tensor_array **out) TN_MUST_USE;

/* Output 0 is a handle of A, which is taken over: as an object, or as strings by which the step's resources know it. */
tn_error *tn_array_hand_out(tn_run *r, tn_tensor_array *a) TN_MUST_USE;

/* --- with the lock held --- */
tn_error *tn_array_check_open(const tn_run *r, const tn_tensor_array *a) TN_MUST_USE;
/* Elements have the dtype of the node's attribute. */
tn_error *tn_array_check_type(const tn_run *r, const tn_tensor_array *a) TN_MUST_USE;
/* Keeps VALUE at INDEX; adds it to what is there in arrays of gradients. */
tn_error *tn_array_write(const tn_run *r, tn_tensor_array *a, int64_t index, const tn_tensor *value) TN_MUST_USE;
/* OUT shares the value at INDEX, and the array forgets it if it is one that does. */
tn_error *tn_array_read(const tn_run *r, tn_tensor_array *a, int64_t index, tn_tensor *out) TN_MUST_USE;
/* The array has at least N places from now on. */
tn_error *tn_array_grow(tn_tensor_array *a, int64_t n) TN_MUST_USE;

/* --- for several files of the family --- */
/* INVALID_ARGUMENT unless input INPUT, called NAME, has RANK. */
tn_error *tn_array_check_rank(const tn_prepare *p, int input, int rank, const char *name) TN_MUST_USE;
/* Output 0 is the input called flow_in, the last one. */
tn_error *tn_array_prepare_flow(tn_prepare *p) TN_MUST_USE;
/* True if a tensor of shape B may be what A, maybe unknown in parts, describes. */
bool tn_array_fits(const tn_shape *a, const tn_shape *b);

/* --- gradients: those of the ops of the same name --- */
tn_error *tn_grad_array_write(tn_gradient_ctx *c);
tn_error *tn_grad_array_read(tn_gradient_ctx *c);
tn_error *tn_grad_array_gather(tn_gradient_ctx *c);
tn_error *tn_grad_array_scatter(tn_gradient_ctx *c);
tn_error *tn_grad_array_concat(tn_gradient_ctx *c);
tn_error *tn_grad_array_split(tn_gradient_ctx *c);

#endif
