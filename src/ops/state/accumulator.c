/* Accumulators of dense gradients, and what both kinds share. */
#include "ops/state/accumulator.h"

#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "kernel/combine.h"
#include "kernel/wide.h"

/* --- the object --- */

static void drop(tn_accumulator *a) {
  tn_tensor_clear(&a->sum);
  tn_map_free(a->places);
  tn_free(a->indices);
  tn_free(a->counts);
  tn_free(a->rows);
  a->places = NULL;
  a->indices = a->counts = NULL;
  a->rows = NULL;
  a->n = a->room = 0;
}

void tn_accumulator_next(tn_accumulator *a) {
  drop(a);
  a->count = 0;
  a->step++;
}

static void destroy(tn_object *object) {
  tn_accumulator *a = (tn_accumulator *)object;
  drop(a);
  pthread_mutex_destroy(&a->mutex);
  pthread_cond_destroy(&a->changed);
  tn_free(a->name);
  tn_free(a);
}

static tn_error *as_strings(tn_object *object, tn_tensor *out) {
  return tn_handle_strings("", ((const tn_accumulator *)object)->name, out);
}

tn_error *tn_accumulator_new(const char *name, const tn_node *node, bool sparse, tn_accumulator **out) {
  tn_accumulator *a = tn_calloc(1, sizeof *a);
  if (!a) return tn_out_of_memory();
  atomic_init(&a->object.refs, 1);
  a->object.type = sparse ? TN_SPARSE_ACCUMULATOR_TYPE : TN_ACCUMULATOR_TYPE;
  a->object.destroy = destroy;
  a->object.read = as_strings;
  a->dtype = tn_node_get_type(node, "dtype");
  a->shape = *tn_node_get_shape(node, "shape");
  a->mean = tn_node_string_is(node, "reduction_type", "MEAN");
  pthread_mutex_init(&a->mutex, NULL);
  pthread_cond_init(&a->changed, NULL);
  a->waiting.mutex = &a->mutex;
  a->name = tn_strdup(name);
  if (!a->name) {
    tn_object_unref(&a->object);
    return tn_out_of_memory();
  }
  *out = a;
  return NULL;
}

tn_error *tn_accumulator_of(const tn_run *r, tn_accumulator **out) {
  tn_object *object = NULL;
  tn_error *error = tn_run_object(r, 0, TN_ACCUMULATOR_TYPE, &object);
  if (error) {
    tn_error_free(error);
    TN_TRY(tn_run_object(r, 0, TN_SPARSE_ACCUMULATOR_TYPE, &object));
  }
  *out = (tn_accumulator *)object;
  return NULL;
}

static tn_error *find(const tn_run *r, const char *type, tn_accumulator **out) {
  tn_object *object = NULL;
  TN_TRY(tn_run_object(r, 0, type, &object));
  *out = (tn_accumulator *)object;
  tn_dtype asked = tn_node_get_type(r->node, "dtype");
  if ((*out)->dtype == asked) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "the accumulator holds %s, but the node says %s",
                       tn_dtype_name((*out)->dtype), tn_dtype_name(asked));
}

tn_error *tn_accumulator_hold(const tn_run *r, const char *type, tn_accumulator **out, bool *stale) {
  tn_accumulator *a = NULL;
  TN_TRY(find(r, type, &a));
  tn_lock(&a->mutex);
  *stale = *TN_DATA(const int64_t, r->inputs[1]) < a->step;
  *out = a;
  return NULL;
}

void tn_accumulator_count(tn_accumulator *a) {
  a->count++;
  pthread_cond_signal(&a->changed);
  if (!a->wanted || a->count < a->wanted) return;
  a->wanted = 0; /* those that find too few say so again */
  tn_waiting_wake(&a->waiting);
}

tn_error *tn_accumulator_wait(tn_run *r, const char *type, tn_accumulator **out) {
  tn_accumulator *a = NULL;
  TN_TRY(find(r, type, &a));
  int32_t required = *TN_DATA(const int32_t, r->inputs[1]);
  if (required <= 0) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Argument num_required must be > 0");
  tn_lock(&a->mutex);
  tn_error *error = NULL;
  if (r->waiter && a->count < required) {
    bool joined = tn_waiting_join(&a->waiting, r->waiter);
    if (!a->wanted || required < a->wanted) a->wanted = required;
    r->outcome = TN_RUN_WAITS;
    tn_unlock(&a->mutex);
    return joined ? NULL : tn_out_of_memory();
  }
  if (r->waiter) tn_waiting_leave(r->waiter);
  while (a->count < required && !error) error = tn_step_wait(r->step, &a->changed, &a->mutex);
  if (error) {
    tn_unlock(&a->mutex);
    return error;
  }
  *out = a;
  return NULL;
}

/* Exact where the quotient of the wide values, rounded, would be: the divisor is a float. */
static void divide_floats(float *values, int64_t n, float count) {
  float inverse = 1 / count;
  if (((int64_t)count & ((int64_t)count - 1)) == 0) {
    for (int64_t i = 0; i < n; i++) values[i] *= inverse; /* by a power of two: the same bits */
  } else {
    for (int64_t i = 0; i < n; i++) values[i] /= count;
  }
}

tn_error *tn_accumulator_divide(tn_dtype dtype, void *data, int64_t n, int64_t count) {
  enum { MOST = 1 << 24 }; /* integers that a float holds */
  if (count == 1) return NULL;
  if (dtype == TN_FLOAT && count <= MOST) {
    divide_floats(data, n, (float)count);
    return NULL;
  }
  tn_wide wide = tn_wide_of(dtype);
  if (n == 0) return NULL;
  void *values = tn_malloc((size_t)n * tn_wide_size(wide));
  if (!values) return tn_out_of_memory();
  tn_widen(dtype, data, n, values);
  for (int64_t i = 0; i < n; i++) {
    if (wide == TN_WIDE_REAL) {
      ((double *)values)[i] /= (double)count;
    } else if (wide == TN_WIDE_INT) {
      ((int64_t *)values)[i] /= count;
    } else {
      ((double complex *)values)[i] /= (double)count;
    }
  }
  tn_narrow(dtype, values, n, data);
  tn_free(values);
  return NULL;
}

/* --- making one --- */

static tn_error *create_dense(void *argument, const char *name, tn_object **out) {
  return tn_accumulator_new(name, argument, false, (tn_accumulator **)out);
}

static tn_error *create_sparse(void *argument, const char *name, tn_object **out) {
  return tn_accumulator_new(name, argument, true, (tn_accumulator **)out);
}

static tn_error *prepare_dense(tn_prepare *p) {
  tn_object *object;
  tn_handle_request request = {TN_ACCUMULATOR_TYPE, create_dense, (void *)p->node};
  return tn_handle_prepare(p, &request, &object);
}

static tn_error *prepare_sparse(tn_prepare *p) {
  tn_object *object;
  tn_handle_request request = {TN_SPARSE_ACCUMULATOR_TYPE, create_sparse, (void *)p->node};
  return tn_handle_prepare(p, &request, &object);
}

/* --- asking --- */

static tn_error *prepare_scalar(tn_prepare *p) {
  tn_shape scalar = tn_shape_scalar();
  return tn_prepare_output(p, 0, &scalar);
}

static tn_error *run_count(tn_run *r) {
  tn_accumulator *a = NULL;
  TN_TRY(tn_accumulator_of(r, &a));
  tn_lock(&a->mutex);
  *TN_DATA(int32_t, r->outputs[0]) = (int32_t)a->count;
  tn_unlock(&a->mutex);
  return NULL;
}

static tn_error *check_scalar(tn_prepare *p) {
  if (p->inputs[1].shape.rank == 0) return NULL;
  return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input 1 must be a scalar, but its shape is %s",
                           TN_SHAPE_STR(&p->inputs[1].shape));
}

static tn_error *run_set_step(tn_run *r) {
  tn_accumulator *a = NULL;
  TN_TRY(tn_accumulator_of(r, &a));
  tn_lock(&a->mutex);
  a->step = *TN_DATA(const int64_t, r->inputs[1]);
  tn_unlock(&a->mutex);
  return NULL;
}

/* --- dense gradients --- */

static bool fits(const tn_shape *wanted, const tn_shape *given) {
  bool same = wanted->rank < 0 || wanted->rank == given->rank;
  for (int i = 0; same && i < wanted->rank; i++) same = wanted->dims[i] < 0 || wanted->dims[i] == given->dims[i];
  return same;
}

static void add_floats(float *out, const float *x, const float *y, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = x[i] + y[i];
}

/* With the lock held: GRADIENT is added to a sum that others may hold. */
static tn_error *add_to_sum(tn_accumulator *a, tn_combine_fn sum, const tn_tensor *gradient) {
  int64_t n = tn_elements(gradient);
  const tn_buffer *held = a->sum.buffer;
  if (!held->release && atomic_load_explicit(&held->refs, memory_order_acquire) == 1) {
    sum(a->sum.data, gradient->data, n);
    return NULL;
  }
  tn_tensor made = {0};
  if (a->dtype == TN_FLOAT) {
    TN_TRY(tn_tensor_init(&made, TN_FLOAT, &gradient->shape));
    add_floats(made.data, a->sum.data, gradient->data, n);
  } else {
    TN_TRY(tn_tensor_init_copy(&made, &a->sum));
    sum(made.data, gradient->data, n);
  }
  tn_tensor_clear(&a->sum);
  a->sum = made;
  return NULL;
}

/* With the lock held. */
static tn_error *add(const tn_run *r, tn_accumulator *a, const tn_tensor *gradient) {
  const tn_shape *wanted = a->count ? &a->sum.shape : &a->shape;
  if (!fits(wanted, &gradient->shape)) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Shape mismatch: expected %s, got %s", TN_SHAPE_STR(wanted),
                         TN_SHAPE_STR(&gradient->shape));
  }
  const tn_buffer *buffer = gradient->buffer;
  tn_combine_fn sum = tn_combine_of(TN_COMBINE_ADD, a->dtype);
  if (a->count && !sum) {
    return tn_run_errorf(r, TN_UNIMPLEMENTED, "%s gradients can't be added", tn_dtype_name(a->dtype));
  }
  if (a->count) {
    TN_TRY(add_to_sum(a, sum, gradient));
  } else if (!buffer || (buffer->release && !buffer->fixed)) {
    TN_TRY(tn_tensor_init_copy(&a->sum, gradient)); /* its bytes belong to somebody who may change them */
  } else {
    tn_tensor_set(&a->sum, gradient);
  }
  tn_accumulator_count(a);
  return NULL;
}

static tn_error *run_apply(tn_run *r) {
  tn_accumulator *a = NULL;
  bool stale = false;
  TN_TRY(tn_accumulator_hold(r, TN_ACCUMULATOR_TYPE, &a, &stale));
  tn_error *error = stale ? NULL : add(r, a, r->inputs[2]);
  tn_unlock(&a->mutex);
  return error;
}

static tn_error *prepare_take(tn_prepare *p) {
  TN_TRY(check_scalar(p));
  tn_prepare_dynamic(p, 0);
  return NULL;
}

static tn_error *run_take(tn_run *r) {
  tn_accumulator *a = NULL;
  TN_TRY(tn_accumulator_wait(r, TN_ACCUMULATOR_TYPE, &a));
  if (!a) return NULL;
  tn_error *error = NULL;
  if (a->mean) error = tn_accumulator_divide(a->dtype, a->sum.data, tn_elements(&a->sum), a->count);
  if (!error) {
    tn_run_set(r, 0, &a->sum);
    tn_accumulator_next(a);
  }
  tn_unlock(&a->mutex);
  return error;
}

/* --- the ops --- */

static const tn_kernel_def dense[] = {
    {.name = "reference", .prepare = prepare_dense, .run = tn_handle_run, .destroy = tn_handle_destroy}, {0}};
static const tn_kernel_def sparse[] = {
    {.name = "reference", .prepare = prepare_sparse, .run = tn_handle_run, .destroy = tn_handle_destroy}, {0}};
static const tn_kernel_def counts[] = {{.name = "reference", .prepare = prepare_scalar, .run = run_count}, {0}};
static const tn_kernel_def steps[] = {{.name = "reference", .prepare = check_scalar, .run = run_set_step}, {0}};
static const tn_kernel_def applies[] = {{.name = "reference", .prepare = check_scalar, .run = run_apply}, {0}};
static const tn_kernel_def takes[] = {{.name = "reference", .prepare = prepare_take, .run = run_take, .attempts = true},
                                      {0}};

static tn_error *shape_ref(tn_shape_ctx *c) {
  c->out[0] = tn_shape_of(1, &(int64_t){2});
  return NULL;
}

#define ATTRS                                                                                                          \
  "dtype: numbertype; shape: shape; container: string = ''; shared_name: string = ''; "                                \
  "reduction_type: {'MEAN', 'SUM'} = 'MEAN'"
#define NEW  TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED
#define OLD  TN_OP_GRADIENT_UNREGISTERED
#define WAIT TN_OP_BLOCKING | TN_OP_DYNAMIC_SHAPE

TN_OP(ConditionalAccumulator, .inputs = "", .outputs = "handle: Ref(string)", .attrs = ATTRS, .flags = NEW,
      .doc = "Adds up gradients until enough have come.", .shape = shape_ref, .kernels = dense);
TN_OP(ResourceConditionalAccumulator, .inputs = "", .outputs = "handle: resource", .attrs = ATTRS, .flags = NEW,
      .doc = "ConditionalAccumulator behind a resource handle.", .shape = shape_ref, .kernels = dense);
TN_OP(SparseConditionalAccumulator, .inputs = "", .outputs = "handle: Ref(string)", .attrs = ATTRS, .flags = NEW,
      .doc = "Adds up rows of gradients until enough gradients have come.", .shape = shape_ref, .kernels = sparse);
TN_OP(AccumulatorNumAccumulated, .inputs = "handle: Ref(string)", .outputs = "num_accumulated: int32", .attrs = "",
      .doc = "How many gradients have come.", .flags = OLD | TN_OP_READ_ONLY, .shape = tn_shape_scalar_out,
      .kernels = counts);
TN_OP(ResourceAccumulatorNumAccumulated, .inputs = "handle: resource", .outputs = "num_accumulated: int32", .attrs = "",
      .doc = "How many gradients have come.", .flags = NEW | TN_OP_READ_ONLY, .shape = tn_shape_scalar_out,
      .kernels = counts);
TN_OP(AccumulatorSetGlobalStep, .inputs = "handle: Ref(string), new_global_step: int64", .outputs = "", .attrs = "",
      .doc = "Gradients of steps before this one are dropped from now on.", .flags = OLD, .shape = tn_shape_no_outputs,
      .kernels = steps);
TN_OP(ResourceAccumulatorSetGlobalStep, .inputs = "handle: resource, new_global_step: int64", .outputs = "",
      .attrs = "", .doc = "Gradients of steps before this one are dropped from now on.", .flags = NEW,
      .shape = tn_shape_no_outputs, .kernels = steps);
TN_OP(AccumulatorApplyGradient, .inputs = "handle: Ref(string), local_step: int64, gradient: dtype", .outputs = "",
      .attrs = "dtype: numbertype", .doc = "Adds a gradient, unless it is of an old step.", .flags = OLD,
      .shape = tn_shape_no_outputs, .kernels = applies);
TN_OP(ResourceAccumulatorApplyGradient, .inputs = "handle: resource, local_step: int64, gradient: dtype", .outputs = "",
      .attrs = "dtype: numbertype", .doc = "Adds a gradient, unless it is of an old step.", .flags = NEW,
      .shape = tn_shape_no_outputs, .kernels = applies);
TN_OP(AccumulatorTakeGradient, .inputs = "handle: Ref(string), num_required: int32", .outputs = "average: dtype",
      .attrs = "dtype: numbertype", .doc = "The mean or sum of the gradients, once num_required have come.",
      .flags = OLD | WAIT, .shape = tn_shape_unknown_out, .kernels = takes);
TN_OP(ResourceAccumulatorTakeGradient, .inputs = "handle: resource, num_required: int32", .outputs = "average: dtype",
      .attrs = "dtype: numbertype", .doc = "The mean or sum of the gradients, once num_required have come.",
      .flags = NEW | WAIT, .shape = tn_shape_unknown_out, .kernels = takes);
