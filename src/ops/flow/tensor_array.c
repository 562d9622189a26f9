/* Tensor arrays as objects: their places, writing and reading. */
#include "ops/flow/tensor_array.h"

#include <stdio.h>
#include <string.h>

#include "base/thread.h"
#include "kernel/combine.h"
#include "kernel/copy.h"

/* --- making and finding --- */

static void drop_slots(tn_tensor_array *a) {
  for (int64_t i = 0; i < a->n; i++) tn_tensor_clear(&a->slots[i].value);
  tn_free(a->slots);
  a->slots = NULL;
  a->n = a->capacity = 0;
}

static void destroy(tn_object *object) {
  tn_tensor_array *a = (tn_tensor_array *)object;
  while (a->gradients) {
    tn_tensor_array *g = a->gradients;
    a->gradients = g->next_gradient;
    tn_lock(&g->mutex);
    g->forward = NULL;
    tn_unlock(&g->mutex);
    tn_object_unref(&g->object);
  }
  drop_slots(a);
  pthread_mutex_destroy(&a->mutex);
  tn_free(a->source);
  tn_free(a->name);
  tn_free(a);
}

/* The two strings that the old handles are. */
static tn_error *as_strings(tn_object *object, tn_tensor *out) {
  const tn_tensor_array *a = (const tn_tensor_array *)object;
  tn_shape two = tn_shape_of(1, &(int64_t){2});
  TN_TRY(tn_tensor_init(out, TN_STRING, &two));
  tn_error *error = tn_string_set(TN_DATA(tn_string, out), "_tensor_arrays", 14);
  if (!error) error = tn_string_set(TN_DATA(tn_string, out) + 1, a->name, strlen(a->name));
  if (error) tn_tensor_clear(out);
  return error;
}

tn_error *tn_array_grow(tn_tensor_array *a, int64_t n) {
  if (n <= a->n) return NULL;
  if (n > a->capacity) {
    int64_t capacity = a->capacity > n / 2 ? 2 * a->capacity : n;
    tn_array_slot *slots = tn_realloc(a->slots, (size_t)capacity * sizeof *slots);
    if (!slots) return tn_out_of_memory();
    a->slots = slots;
    a->capacity = capacity;
  }
  memset(a->slots + a->n, 0, (size_t)(n - a->n) * sizeof *a->slots);
  a->n = n;
  return NULL;
}

tn_error *tn_array_new(const char *name, tn_dtype dtype, int64_t n, tn_tensor_array **out) {
  tn_tensor_array *a = tn_calloc(1, sizeof *a);
  if (!a) return tn_out_of_memory();
  atomic_init(&a->object.refs, 1);
  a->object.type = TN_TENSOR_ARRAY_TYPE;
  a->object.destroy = destroy;
  a->object.read = as_strings;
  pthread_mutex_init(&a->mutex, NULL);
  a->dtype = dtype;
  a->element = tn_shape_unknown();
  a->clear_after_read = true;
  a->name = tn_strdup(name);
  tn_error *error = a->name ? tn_array_grow(a, n) : tn_out_of_memory();
  if (error) {
    tn_object_unref(&a->object);
    return error;
  }
  *out = a;
  return NULL;
}

tn_error *tn_array_of(const tn_run *r, tn_tensor_array **out) {
  const tn_tensor *handle = r->inputs[0];
  tn_object *object = NULL;
  if (handle->dtype != TN_STRING) {
    TN_TRY(tn_run_object(r, 0, TN_TENSOR_ARRAY_TYPE, &object));
    *out = (tn_tensor_array *)tn_object_ref(object);
    return NULL;
  }
  if (tn_elements(handle) != 2) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "the handle of a tensor array has two elements, but its shape is %s",
                         TN_SHAPE_STR(&handle->shape));
  }
  const tn_string *text = TN_DATA(tn_string, handle);
  char *name = tn_strndup(text[1].size ? text[1].data : "", text[1].size);
  if (!name) return tn_out_of_memory();
  tn_error *error =
      tn_resources_get(tn_run_step_resources(r), "_tensor_arrays", name, TN_TENSOR_ARRAY_TYPE, NULL, NULL, &object);
  tn_free(name);
  if (!error) *out = (tn_tensor_array *)object;
  return tn_error_context(error, "%s '%s'", r->node->op->name, r->node->name);
}

/* --- shapes --- */

bool tn_array_fits(const tn_shape *a, const tn_shape *b) {
  if (a->rank < 0 || b->rank < 0) return true;
  bool fits = a->rank == b->rank;
  for (int i = 0; fits && i < a->rank; i++) fits = a->dims[i] < 0 || b->dims[i] < 0 || a->dims[i] == b->dims[i];
  return fits;
}

tn_error *tn_array_check_rank(const tn_prepare *p, int input, int rank, const char *name) {
  if (p->inputs[input].shape.rank == rank) return NULL;
  return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "%s must be a %s, but its shape is %s", name,
                           rank ? "vector" : "scalar", TN_SHAPE_STR(&p->inputs[input].shape));
}

tn_error *tn_array_prepare_flow(tn_prepare *p) {
  return tn_prepare_alias(p, 0, p->n_inputs - 1, &p->inputs[p->n_inputs - 1].shape);
}

/* --- with the lock held --- */

tn_error *tn_array_check_open(const tn_run *r, const tn_tensor_array *a) {
  return a->closed ? tn_run_errorf(r, TN_INVALID_ARGUMENT, "TensorArray %s has already been closed.", a->name) : NULL;
}

tn_error *tn_array_check_type(const tn_run *r, const tn_tensor_array *a) {
  tn_dtype asked = tn_node_get_type(r->node, "dtype");
  if (asked == a->dtype) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "TensorArray %s: dtype is %s but %s was asked for", a->name,
                       tn_dtype_name(a->dtype), tn_dtype_name(asked));
}

/* Bytes without a buffer belong to somebody who will use them again. */
static tn_error *keep(tn_tensor *slot, const tn_tensor *value) {
  if (!value->buffer) return tn_tensor_init_copy(slot, value);
  tn_tensor_set(slot, value);
  return NULL;
}

/* Adds VALUE to what SLOT holds. */
static tn_error *add(const tn_run *r, tn_tensor_array *a, tn_array_slot *slot, const tn_tensor *value) {
  if (!tn_shape_equal(&slot->shape, &value->shape)) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "TensorArray %s: a tensor of shape %s can't be added to what has been written, whose shape is "
                         "%s",
                         a->name, TN_SHAPE_STR(&value->shape), TN_SHAPE_STR(&slot->shape));
  }
  a->summed = true;
  if (slot->value.dtype == TN_INVALID) return keep(&slot->value, value);
  tn_combine_fn sum = tn_combine_of(TN_COMBINE_ADD, a->dtype);
  if (!sum || a->dtype == TN_BOOL) {
    return tn_run_errorf(r, TN_UNIMPLEMENTED, "TensorArray %s: %s elements can't be added", a->name,
                         tn_dtype_name(a->dtype));
  }
  if (!slot->own) {
    tn_tensor copy = {0};
    TN_TRY(tn_tensor_init_copy(&copy, &slot->value));
    tn_tensor_clear(&slot->value);
    tn_tensor_set(&slot->value, &copy);
    tn_tensor_clear(&copy);
    slot->own = true;
  }
  sum(slot->value.data, value->data, tn_elements(value));
  return NULL;
}

static tn_error *check_write(const tn_run *r, tn_tensor_array *a, int64_t index, const tn_tensor *value) {
  TN_TRY(tn_array_check_open(r, a));
  if (index < 0 || (!a->dynamic && index >= a->n)) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "TensorArray %s: Tried to write to index %lld but array is not resizeable and size is: %lld",
                         a->name, (long long)index, (long long)a->n);
  }
  if (value->dtype != a->dtype) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "TensorArray %s: Could not write to TensorArray index %lld because the value dtype is %s but "
                         "TensorArray dtype is %s.",
                         a->name, (long long)index, tn_dtype_name(value->dtype), tn_dtype_name(a->dtype));
  }
  if (!tn_array_fits(&a->element, &value->shape)) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "TensorArray %s: Could not write to TensorArray index %lld because the value shape is %s "
                         "which is incompatible with the TensorArray's inferred element shape: %s (consider setting "
                         "infer_shape=False).",
                         a->name, (long long)index, TN_SHAPE_STR(&value->shape), TN_SHAPE_STR(&a->element));
  }
  return NULL;
}

tn_error *tn_array_write(const tn_run *r, tn_tensor_array *a, int64_t index, const tn_tensor *value) {
  TN_TRY(check_write(r, a, index, value));
  TN_TRY(tn_array_grow(a, index + 1));
  if (a->identical) a->element = value->shape;
  tn_array_slot *slot = &a->slots[index];
  if (slot->read || (slot->written && !a->is_gradient)) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "TensorArray %s: Could not write to TensorArray index %lld because it has already been %s.",
                         a->name, (long long)index, slot->read ? "read" : "written to");
  }
  if (slot->written) return add(r, a, slot, value);
  TN_TRY(keep(&slot->value, value));
  slot->shape = value->shape;
  slot->written = true;
  return NULL;
}

/* The shape of what the forward array has, or may have, at INDEX. */
static tn_shape forward_shape(const tn_tensor_array *a, int64_t index) {
  tn_shape shape = a->element;
  if (tn_shape_known(&shape) || !a->forward) return shape;
  tn_lock(&a->forward->mutex);
  if (index < a->forward->n && a->forward->slots[index].written) shape = a->forward->slots[index].shape;
  tn_unlock(&a->forward->mutex);
  return shape;
}

/* Nothing came for place INDEX, of an array of gradients or one whose elements' shape is known: zeros. */
static tn_error *assume_zeros(const tn_run *r, tn_tensor_array *a, int64_t index) {
  tn_shape shape = forward_shape(a, index);
  if (!tn_shape_known(&shape)) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "TensorArray %s: Could not read from gradient TensorArray index %lld.  Furthermore, the "
                         "element shape is not fully defined: %s.  It is likely you are working with a resizeable "
                         "TensorArray and stop_gradients is not allowing the gradients to be written.",
                         a->name, (long long)index, TN_SHAPE_STR(&a->element));
  }
  TN_TRY(tn_array_grow(a, index + 1));
  a->slots[index].shape = shape;
  a->slots[index].written = true;
  return NULL;
}

tn_error *tn_array_read(const tn_run *r, tn_tensor_array *a, int64_t index, tn_tensor *out) {
  TN_TRY(tn_array_check_open(r, a));
  if (index < 0 || (!a->is_gradient && index >= a->n)) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "TensorArray %s: Tried to read from index %lld but array size is: %lld", a->name,
                         (long long)index, (long long)a->n);
  }
  if (index >= a->n || (!a->slots[index].written && (a->is_gradient || tn_shape_known(&a->element)))) {
    TN_TRY(assume_zeros(r, a, index));
  }
  tn_array_slot *slot = &a->slots[index];
  if (!slot->written) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "TensorArray %s: Could not read from TensorArray index %lld because it has not yet been "
                         "written to.",
                         a->name, (long long)index);
  }
  if (slot->cleared) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "TensorArray %s: Could not read index %lld twice because it was cleared after a previous read "
                         "(perhaps try setting clear_after_read = false?).",
                         a->name, (long long)index);
  }
  if (slot->value.dtype == TN_INVALID) {
    TN_TRY(tn_tensor_init(&slot->value, a->dtype, &slot->shape));
    TN_TRY(tn_copy_zero(a->dtype, slot->value.data, tn_elements(&slot->value)));
  }
  slot->read = true;
  memset(out, 0, sizeof *out);
  if (a->clear_after_read) {
    *out = slot->value;
    slot->value = (tn_tensor){0};
    slot->cleared = true;
  } else {
    tn_tensor_set(out, &slot->value);
  }
  return NULL;
}

/* --- the ops that make and end arrays --- */

static tn_error *the_one(void *argument, tn_object **out) {
  *out = tn_object_ref(argument);
  return NULL;
}

/* The step finds arrays with handles that are strings by their names. */
static tn_error *note(const tn_run *r, tn_tensor_array *a) {
  if (r->outputs[0]->dtype == TN_RESOURCE) return NULL;
  tn_object *found = NULL;
  TN_TRY(
      tn_resources_get(tn_run_step_resources(r), "_tensor_arrays", a->name, TN_TENSOR_ARRAY_TYPE, the_one, a, &found));
  tn_object_unref(found);
  return NULL;
}

tn_error *tn_array_hand_out(tn_run *r, tn_tensor_array *a) {
  tn_error *error = note(r, a);
  if (!error && r->outputs[0]->dtype != TN_STRING) return tn_run_set_handle(r, 0, &a->object);
  tn_tensor handle = {0};
  if (!error) error = as_strings(&a->object, &handle);
  tn_object_unref(&a->object);
  if (error) return error;
  tn_run_set(r, 0, &handle);
  tn_tensor_clear(&handle);
  return NULL;
}

static tn_error *prepare_make(tn_prepare *p) {
  tn_shape scalar = tn_shape_scalar(), two = tn_shape_of(1, &(int64_t){2});
  TN_TRY(tn_array_check_rank(p, 0, 0, "size"));
  tn_prepare_dynamic(p, 0);
  TN_TRY(tn_prepare_output(p, 0, p->outputs[0].dtype == TN_STRING ? &two : &scalar));
  return p->n_outputs > 1 ? tn_prepare_output(p, 1, &scalar) : NULL;
}

/* Whether the node has the attribute, and it is true. */
static bool says(const tn_node *node, const char *name) {
  return tn_node_attr(node, name) && tn_node_get_bool(node, name);
}

static tn_error *run_make(tn_run *r) {
  static atomic_uint_fast64_t count;
  int32_t size = *TN_DATA(const int32_t, r->inputs[0]);
  if (size < 0) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "the size is %d; it must be >= 0", size);
  tn_string asked = tn_node_get_string(r->node, "tensor_array_name");
  char name[200];
  snprintf(name, sizeof name, "%.150s_%llu", asked.size ? asked.data : r->node->name,
           (unsigned long long)atomic_fetch_add(&count, 1));
  tn_tensor_array *a = NULL;
  TN_TRY(tn_array_new(name, tn_node_get_type(r->node, "dtype"), size, &a));
  a->element = *tn_node_get_shape(r->node, "element_shape");
  a->dynamic = says(r->node, "dynamic_size");
  a->clear_after_read = says(r->node, "clear_after_read");
  a->identical = says(r->node, "identical_element_shapes");
  if (r->n_outputs > 1) TN_DATA(float, r->outputs[1])[0] = 0;
  return tn_array_hand_out(r, a);
}

static tn_error *run_close(tn_run *r) {
  tn_tensor_array *a = NULL;
  TN_TRY(tn_array_of(r, &a));
  tn_lock(&a->mutex);
  drop_slots(a);
  a->closed = true;
  tn_unlock(&a->mutex);
  tn_object_unref(&a->object);
  return NULL;
}

static tn_error *prepare_size(tn_prepare *p) {
  tn_shape scalar = tn_shape_scalar();
  return tn_prepare_output(p, 0, &scalar);
}

static tn_error *run_size(tn_run *r) {
  tn_tensor_array *a = NULL;
  TN_TRY(tn_array_of(r, &a));
  tn_lock(&a->mutex);
  tn_error *error = tn_array_check_open(r, a);
  if (!error) *TN_DATA(int32_t, r->outputs[0]) = (int32_t)a->n;
  tn_unlock(&a->mutex);
  tn_object_unref(&a->object);
  return error;
}

static const tn_kernel_def make_kernels[] = {{.name = "reference", .prepare = prepare_make, .run = run_make}, {0}};
static const tn_kernel_def close_kernels[] = {{.name = "reference", .prepare = tn_prepare_nothing, .run = run_close},
                                              {0}};
static const tn_kernel_def size_kernels[] = {{.name = "reference", .prepare = prepare_size, .run = run_size}, {0}};

static tn_error *shape_make(tn_shape_ctx *c) {
  tn_shape unused;
  TN_TRY(tn_shape_with_rank(c, 0, 0, &unused));
  c->out[0] = tn_shape_of(1, &(int64_t){2});
  if (c->n_outputs < 2) return NULL;
  c->out[1] = tn_shape_scalar();
  if (!c->out_handles) return NULL;
  const tn_shape *element = tn_node_get_shape(c->node, "element_shape");
  if (!tn_shape_known(element) && !says(c->node, "identical_element_shapes")) return NULL;
  c->out_handles[0].dtype = tn_node_get_type(c->node, "dtype");
  c->out_handles[0].shape = *element;
  return NULL;
}

static tn_error *shape_close(tn_shape_ctx *c) {
  (void)c;
  return NULL;
}

#define MAKE  TN_OP_STATEFUL | TN_OP_DYNAMIC_SHAPE | TN_OP_NO_GRADIENT
#define FLAGS TN_OP_DYNAMIC_SHAPE | TN_OP_NO_GRADIENT

TN_OP(TensorArrayV3, .inputs = "size: int32", .outputs = "handle: resource, flow: float",
      .attrs = "dtype: type; element_shape: shape = unknown; dynamic_size: bool = false; clear_after_read: bool = "
               "true; identical_element_shapes: bool = false; tensor_array_name: string = ''",
      .doc = "A new array of tensors, for one step.", .flags = MAKE, .shape = shape_make, .kernels = make_kernels);

TN_OP(TensorArrayV2, .inputs = "size: int32", .outputs = "handle: string",
      .attrs = "dtype: type; element_shape: shape = unknown; dynamic_size: bool = false; clear_after_read: bool = "
               "true; tensor_array_name: string = ''",
      .doc = "The old TensorArrayV3.", .flags = MAKE, .shape = shape_make, .kernels = make_kernels);

TN_OP(TensorArray, .inputs = "size: int32", .outputs = "handle: Ref(string)",
      .attrs = "dtype: type; dynamic_size: bool = false; clear_after_read: bool = true; tensor_array_name: string = "
               "''; element_shape: shape = unknown",
      .doc = "The oldest TensorArrayV3.", .flags = MAKE, .shape = tn_shape_unknown_out, .kernels = make_kernels);

TN_OP(TensorArraySizeV3, .inputs = "handle: resource, flow_in: float", .outputs = "size: int32", .attrs = "",
      .doc = "The number of places of a tensor array.", .flags = MAKE, .shape = tn_shape_scalar_out,
      .kernels = size_kernels);

TN_OP(TensorArraySizeV2, .inputs = "handle: string, flow_in: float", .outputs = "size: int32", .attrs = "",
      .doc = "The old TensorArraySizeV3.", .flags = FLAGS, .shape = tn_shape_scalar_out, .kernels = size_kernels);

TN_OP(TensorArraySize, .inputs = "handle: Ref(string), flow_in: float", .outputs = "size: int32", .attrs = "",
      .doc = "The oldest TensorArraySizeV3.", .flags = FLAGS, .shape = tn_shape_unknown_out, .kernels = size_kernels);

TN_OP(TensorArrayCloseV3, .inputs = "handle: resource", .outputs = "", .attrs = "",
      .doc = "Drops the elements of a tensor array, which can't be used any more.", .flags = MAKE, .shape = shape_close,
      .kernels = close_kernels);

TN_OP(TensorArrayCloseV2, .inputs = "handle: string", .outputs = "", .attrs = "", .doc = "The old TensorArrayCloseV3.",
      .flags = FLAGS, .shape = shape_close, .kernels = close_kernels);

TN_OP(TensorArrayClose, .inputs = "handle: Ref(string)", .outputs = "", .attrs = "",
      .doc = "The oldest TensorArrayCloseV3.", .flags = FLAGS, .shape = shape_close, .kernels = close_kernels);
