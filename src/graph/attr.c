/* Attribute values: copies, comparison, release. */
#include <string.h>

#include "graph/attr_arena.h"

size_t tn_attr_element_size(tn_attr_kind kind) {
  switch (kind) {
  case TN_ATTR_INT: return sizeof(int64_t);
  case TN_ATTR_FLOAT: return sizeof(float);
  case TN_ATTR_BOOL: return sizeof(bool);
  case TN_ATTR_TYPE: return sizeof(tn_dtype);
  case TN_ATTR_SHAPE: return sizeof(tn_shape);
  case TN_ATTR_STRING:
  case TN_ATTR_FUNC: return sizeof(tn_string);
  case TN_ATTR_TENSOR: return sizeof(tn_tensor *);
  case TN_ATTR_NONE: break;
  }
  return 0;
}

static bool holds_strings(tn_attr_kind kind) { return kind == TN_ATTR_STRING || kind == TN_ATTR_FUNC; }

void tn_attr_drop_tensors(tn_attr *attr) {
  if (attr->kind != TN_ATTR_TENSOR) return;
  if (!attr->is_list) {
    tn_tensor_free(attr->tensor);
    attr->tensor = NULL;
    return;
  }
  for (size_t i = 0; i < attr->n; i++) tn_tensor_free(attr->tensors[i]);
  attr->n = 0;
}

void tn_attr_clear(tn_attr *attr) {
  size_t n = attr->n;
  tn_attr_drop_tensors(attr);
  if (attr->is_list) {
    for (size_t i = 0; holds_strings(attr->kind) && i < n; i++) tn_free(attr->strings[i].data);
    tn_free(attr->ints);
  } else if (holds_strings(attr->kind)) {
    tn_free(attr->string.data);
  }
  *attr = (tn_attr){0};
}

static void *allocate(tn_arena *arena, size_t size) { return arena ? tn_arena_alloc(arena, size) : tn_calloc(1, size); }

static bool copy_string(tn_arena *arena, const tn_string *source, tn_string *out) {
  char *data = allocate(arena, source->size + 1);
  if (!data) return false;
  if (source->size > 0) memcpy(data, source->data, source->size);
  *out = (tn_string){data, source->size};
  return true;
}

static tn_error *copy_list(tn_arena *arena, const tn_attr *source, tn_attr *out) {
  size_t size = tn_attr_element_size(source->kind);
  tn_attr copy = {.kind = source->kind, .is_list = true};
  copy.ints = allocate(arena, source->n * size + 1);
  if (!copy.ints) return tn_out_of_memory();
  for (; copy.n < source->n; copy.n++) {
    if (holds_strings(source->kind)) {
      if (!copy_string(arena, &source->strings[copy.n], &copy.strings[copy.n])) break;
    } else if (source->kind == TN_ATTR_TENSOR) {
      copy.tensors[copy.n] = tn_tensor_ref(source->tensors[copy.n]);
    } else {
      memcpy((char *)copy.ints + copy.n * size, (const char *)source->ints + copy.n * size, size);
    }
  }
  if (copy.n < source->n) {
    if (!arena) tn_attr_clear(&copy);
    return tn_out_of_memory();
  }
  *out = copy;
  return NULL;
}

tn_error *tn_attr_copy_to(tn_arena *arena, const tn_attr *source, tn_attr *out) {
  if (source->is_list) return copy_list(arena, source, out);
  tn_attr copy = *source;
  if (holds_strings(source->kind) && !copy_string(arena, &source->string, &copy.string)) return tn_out_of_memory();
  if (source->kind == TN_ATTR_TENSOR && source->tensor) copy.tensor = tn_tensor_ref(source->tensor);
  *out = copy;
  return NULL;
}

tn_error *tn_attr_copy(const tn_attr *source, tn_attr *out) { return tn_attr_copy_to(NULL, source, out); }

static bool strings_equal(const tn_string *a, const tn_string *b) {
  return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

static bool tensors_equal(const tn_tensor *a, const tn_tensor *b) {
  if (a == b) return true;
  if (!a || !b || a->dtype != b->dtype || !tn_shape_equal(&a->shape, &b->shape)) return false;
  if (a->dtype == TN_STRING) {
    const tn_string *x = a->data, *y = b->data;
    for (int64_t i = 0, n = tn_shape_elements(&a->shape); i < n; i++) {
      if (!strings_equal(&x[i], &y[i])) return false;
    }
    return true;
  }
  size_t bytes = tn_tensor_bytes(a);
  return bytes == 0 || memcmp(a->data, b->data, bytes) == 0;
}

/* One value of KIND at A and B each. */
static bool elements_equal(tn_attr_kind kind, const void *a, const void *b) {
  switch (kind) {
  case TN_ATTR_STRING:
  case TN_ATTR_FUNC: return strings_equal(a, b);
  case TN_ATTR_SHAPE: return tn_shape_equal(a, b);
  case TN_ATTR_TENSOR: return tensors_equal(*(tn_tensor *const *)a, *(tn_tensor *const *)b);
  default: return memcmp(a, b, tn_attr_element_size(kind)) == 0;
  }
}

bool tn_attr_equal(const tn_attr *a, const tn_attr *b) {
  if (a->is_list != b->is_list) return false;
  if (!a->is_list) return a->kind == b->kind && elements_equal(a->kind, &a->i, &b->i);
  if (a->n != b->n) return false;
  if (a->n > 0 && a->kind != b->kind) return false;
  size_t size = tn_attr_element_size(a->kind);
  for (size_t i = 0; i < a->n; i++) {
    if (!elements_equal(a->kind, (const char *)a->ints + i * size, (const char *)b->ints + i * size)) return false;
  }
  return true;
}
