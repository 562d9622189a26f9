/* Buffers and tensors. */
#include "tensor/tensor.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/account.h"
#include "base/alloc.h"

/* --- objects --- */

tn_object *tn_object_ref(tn_object *object) {
  if (object) atomic_fetch_add_explicit(&object->refs, 1, memory_order_relaxed);
  return object;
}

void tn_object_unref(tn_object *object) {
  if (object && atomic_fetch_sub_explicit(&object->refs, 1, memory_order_acq_rel) == 1) object->destroy(object);
}

/* --- buffers --- */

tn_error *tn_buffer_new(tn_dtype dtype, size_t size, tn_buffer **out) {
  tn_buffer *buffer = tn_malloc(sizeof *buffer);
  if (!buffer) return tn_out_of_memory();
  void *data;
  tn_account *account = NULL;
  tn_error *error = tn_account_charge(size, &account);
  if (!error) error = tn_alloc_aligned(size, &data);
  if (error) {
    tn_account_discharge(account, size);
    tn_free(buffer);
    return error;
  }
  if (!tn_dtype_is_plain(dtype)) memset(data, 0, size);
  *buffer = (tn_buffer){.refs = 1, .dtype = dtype, .size = size, .data = data, .account = account};
  *out = buffer;
  return NULL;
}

tn_buffer *tn_buffer_ref(tn_buffer *buffer) {
  if (buffer) atomic_fetch_add_explicit(&buffer->refs, 1, memory_order_relaxed);
  return buffer;
}

/* Releases the strings or objects that the elements of a buffer hold. */
static void release_elements(tn_buffer *buffer) {
  if (buffer->dtype == TN_STRING) {
    tn_string *strings = buffer->data;
    for (size_t i = 0; i < buffer->size / sizeof *strings; i++) tn_free(strings[i].data);
  } else if (!tn_dtype_is_plain(buffer->dtype)) {
    tn_object **objects = buffer->data;
    for (size_t i = 0; i < buffer->size / sizeof *objects; i++) tn_object_unref(objects[i]);
  }
}

void tn_buffer_unref(tn_buffer *buffer) {
  if (!buffer || atomic_fetch_sub_explicit(&buffer->refs, 1, memory_order_acq_rel) != 1) return;
  if (buffer->release) {
    buffer->release(buffer->data, buffer->argument);
  } else {
    release_elements(buffer);
    tn_free_aligned(buffer->data, buffer->size);
    tn_account_discharge(buffer->account, buffer->size);
  }
  tn_free(buffer);
}

/* --- elements --- */

tn_error *tn_string_set(tn_string *string, const char *data, size_t size) {
  char *copy = tn_strndup(data, size);
  if (!copy) return tn_out_of_memory();
  tn_free(string->data);
  *string = (tn_string){copy, size};
  return NULL;
}

tn_error *tn_copy_elements(tn_dtype dtype, void *target, const void *source, int64_t n) {
  if (n <= 0) return NULL;
  if (tn_dtype_is_plain(dtype)) {
    memcpy(target, source, (size_t)n * tn_dtype_size(dtype));
  } else if (dtype == TN_STRING) {
    tn_string *to = target;
    const tn_string *from = source;
    for (int64_t i = 0; i < n; i++) TN_TRY(tn_string_set(&to[i], from[i].data, from[i].size));
  } else {
    tn_object **to = target;
    tn_object *const *from = source;
    for (int64_t i = 0; i < n; i++) {
      tn_object *old = to[i];
      to[i] = tn_object_ref(from[i]);
      tn_object_unref(old);
    }
  }
  return NULL;
}

/* --- values in slots --- */

/* Bytes of a tensor; fails where the dtype is none or the size overflows. */
static tn_error *size_of(tn_dtype dtype, const tn_shape *shape, size_t *out) {
  size_t element = tn_dtype_size(dtype);
  if (!element) return tn_errorf(TN_INVALID_ARGUMENT, "%d is not a dtype", (int)dtype);
  int64_t n = tn_shape_elements(shape);
  if ((uint64_t)n > (uint64_t)INT64_MAX / element)
    return tn_errorf(TN_RESOURCE_EXHAUSTED, "a tensor of shape %s and dtype %s is too large", TN_SHAPE_STR(shape),
                     tn_dtype_name(dtype));
  *out = (size_t)n * element;
  return NULL;
}

tn_error *tn_tensor_init(tn_tensor *tensor, tn_dtype dtype, const tn_shape *shape) {
  size_t size;
  TN_TRY(size_of(dtype, shape, &size));
  tn_buffer *buffer;
  TN_TRY(tn_buffer_new(dtype, size, &buffer));
  *tensor = (tn_tensor){.dtype = dtype, .shape = *shape, .data = buffer->data, .buffer = buffer, .refs = 1};
  return NULL;
}

void tn_tensor_set(tn_tensor *tensor, const tn_tensor *source) {
  tn_buffer *old = tensor->buffer;
  tensor->dtype = source->dtype;
  tensor->shape = source->shape;
  tensor->data = source->data;
  tensor->buffer = tn_buffer_ref(source->buffer);
  tn_buffer_unref(old);
}

void tn_tensor_clear(tn_tensor *tensor) {
  tn_buffer_unref(tensor->buffer);
  *tensor = (tn_tensor){0};
}

tn_error *tn_tensor_init_copy(tn_tensor *tensor, const tn_tensor *source) {
  tn_tensor copy;
  TN_TRY(tn_tensor_init(&copy, source->dtype, &source->shape));
  tn_error *error = tn_copy_elements(source->dtype, copy.data, source->data, tn_shape_elements(&source->shape));
  if (error) {
    tn_tensor_clear(&copy);
    return error;
  }
  *tensor = copy;
  return NULL;
}

/* --- tensors on the heap --- */

static tn_error *heap_tensor(const tn_tensor *value, tn_tensor **out) {
  tn_tensor *tensor = tn_malloc(sizeof *tensor);
  if (!tensor) return tn_out_of_memory();
  *tensor = *value;
  tensor->refs = 1;
  *out = tensor;
  return NULL;
}

tn_error *tn_tensor_box(const tn_tensor *value, tn_tensor **out) {
  tn_tensor own = {0};
  if (value->buffer) {
    tn_tensor_set(&own, value);
  } else {
    TN_TRY(tn_tensor_init_copy(&own, value));
  }
  tn_error *error = heap_tensor(&own, out);
  if (error) tn_tensor_clear(&own);
  return error;
}

static tn_error *check_dims(int rank, const int64_t *dims, tn_shape *out) {
  if (rank < 0 || rank > TN_MAX_RANK)
    return tn_errorf(TN_INVALID_ARGUMENT, "a tensor of rank %d: expected 0 to %d", rank, TN_MAX_RANK);
  for (int i = 0; i < rank; i++)
    if (dims[i] < 0)
      return tn_errorf(TN_INVALID_ARGUMENT, "dimension %d of a tensor is %" PRId64 ": expected >= 0", i, dims[i]);
  *out = tn_shape_of(rank, dims);
  return NULL;
}

tn_error *tn_tensor_new(tn_dtype dtype, int rank, const int64_t *dims, tn_tensor **out) {
  tn_shape shape;
  TN_TRY(check_dims(rank, dims, &shape));
  if (tn_dtype_is_ref(dtype))
    return tn_errorf(TN_INVALID_ARGUMENT, "a tensor can't have the dtype %s", tn_dtype_name(dtype));
  tn_tensor value;
  TN_TRY(tn_tensor_init(&value, dtype, &shape));
  if (value.buffer->size) memset(value.data, 0, value.buffer->size);
  tn_error *error = heap_tensor(&value, out);
  if (error) tn_tensor_clear(&value);
  return error;
}

/* The checks that borrowing and copying share. */
static tn_error *plain_shape(tn_dtype dtype, int rank, const int64_t *dims, tn_shape *shape, size_t *size) {
  if (!tn_dtype_is_plain(dtype))
    return tn_errorf(TN_INVALID_ARGUMENT, "a tensor of dtype %s can't be made from plain bytes", tn_dtype_name(dtype));
  TN_TRY(check_dims(rank, dims, shape));
  return size_of(dtype, shape, size);
}

/* What releases bytes that stay the caller's. */
static void release_nothing(void *data, void *argument) {
  (void)data;
  (void)argument;
}

tn_error *tn_tensor_borrow(tn_dtype dtype, int rank, const int64_t *dims, void *data, size_t size,
                           tn_release_fn release, void *argument, tn_tensor **out) {
  tn_shape shape;
  size_t needed;
  TN_TRY(plain_shape(dtype, rank, dims, &shape, &needed));
  if (size != needed)
    return tn_errorf(TN_INVALID_ARGUMENT, "a tensor of shape %s and dtype %s needs %zu bytes, not %zu",
                     TN_SHAPE_STR(&shape), tn_dtype_name(dtype), needed, size);
  tn_buffer *buffer = tn_malloc(sizeof *buffer);
  if (!buffer) return tn_out_of_memory();
  tn_tensor value = {.dtype = dtype, .shape = shape, .data = data, .buffer = buffer};
  tn_error *error = heap_tensor(&value, out);
  if (error) {
    tn_free(buffer);
    return error;
  }
  *buffer = (tn_buffer){.refs = 1, .dtype = dtype, .size = size, .data = data, .argument = argument};
  buffer->release = release ? release : release_nothing;
  return NULL;
}

tn_error *tn_tensor_copy_of(tn_dtype dtype, int rank, const int64_t *dims, const void *data, tn_tensor **out) {
  tn_shape shape;
  size_t size;
  TN_TRY(plain_shape(dtype, rank, dims, &shape, &size));
  tn_tensor *tensor;
  TN_TRY(tn_tensor_new(dtype, rank, dims, &tensor));
  if (size) memcpy(tensor->data, data, size);
  *out = tensor;
  return NULL;
}

tn_error *tn_tensor_strings(int rank, const int64_t *dims, const tn_string *elements, tn_tensor **out) {
  tn_tensor *tensor;
  TN_TRY(tn_tensor_new(TN_STRING, rank, dims, &tensor));
  tn_error *error = tn_copy_elements(TN_STRING, tensor->data, elements, tn_shape_elements(&tensor->shape));
  if (error) {
    tn_tensor_free(tensor);
    return error;
  }
  *out = tensor;
  return NULL;
}

tn_tensor *tn_tensor_ref(tn_tensor *tensor) {
  if (tensor) atomic_fetch_add_explicit(&tensor->refs, 1, memory_order_relaxed);
  return tensor;
}

bool tn_tensor_exclusive(const tn_tensor *tensor) {
  const tn_buffer *buffer = tensor->buffer;
  return atomic_load_explicit(&tensor->refs, memory_order_acquire) == 1 && buffer && !buffer->release &&
         atomic_load_explicit(&buffer->refs, memory_order_acquire) == 1;
}

void tn_tensor_free(tn_tensor *tensor) {
  if (!tensor || atomic_fetch_sub_explicit(&tensor->refs, 1, memory_order_acq_rel) != 1) return;
  tn_buffer_unref(tensor->buffer);
  tn_free(tensor);
}

/* A new heap tensor that shares TENSOR's buffer under SHAPE from DATA on. */
static tn_error *share(tn_tensor *tensor, const tn_shape *shape, void *data, tn_tensor **out) {
  tn_tensor value = {.dtype = tensor->dtype, .shape = *shape, .data = data, .buffer = tensor->buffer};
  TN_TRY(heap_tensor(&value, out));
  tn_buffer_ref(tensor->buffer);
  return NULL;
}

tn_error *tn_tensor_reshape(tn_tensor *tensor, int rank, const int64_t *dims, tn_tensor **out) {
  tn_shape shape;
  TN_TRY(check_dims(rank, dims, &shape));
  if (tn_shape_elements(&shape) != tn_shape_elements(&tensor->shape))
    return tn_errorf(TN_INVALID_ARGUMENT, "a tensor of shape %s can't be reshaped to %s", TN_SHAPE_STR(&tensor->shape),
                     TN_SHAPE_STR(&shape));
  return share(tensor, &shape, tensor->data, out);
}

tn_error *tn_tensor_rows(tn_tensor *tensor, int64_t begin, int64_t end, tn_tensor **out) {
  tn_shape shape = tensor->shape;
  if (shape.rank < 1 || begin < 0 || end < begin || end > shape.dims[0])
    return tn_errorf(TN_INVALID_ARGUMENT, "rows [%" PRId64 ",%" PRId64 ") of a tensor of shape %s", begin, end,
                     TN_SHAPE_STR(&shape));
  shape.dims[0] = 1;
  size_t row = (size_t)tn_shape_elements(&shape) * tn_dtype_size(tensor->dtype);
  shape.dims[0] = end - begin;
  return share(tensor, &shape, (char *)tensor->data + (size_t)begin * row, out);
}

tn_dtype tn_tensor_dtype(const tn_tensor *tensor) { return tensor->dtype; }
int tn_tensor_rank(const tn_tensor *tensor) { return tensor->shape.rank; }
int64_t tn_tensor_dim(const tn_tensor *tensor, int i) { return tensor->shape.dims[i]; }
int64_t tn_tensor_elements(const tn_tensor *tensor) { return tn_shape_elements(&tensor->shape); }
size_t tn_tensor_bytes(const tn_tensor *tensor) {
  return (size_t)tn_shape_elements(&tensor->shape) * tn_dtype_size(tensor->dtype);
}
void *tn_tensor_data(const tn_tensor *tensor) { return tensor->data; }
