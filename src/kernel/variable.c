/* Variables: one holder at a time writes, running plans pin what they read, and an update copies what others still
 * hold. */
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "kernel/resource.h"

#define HELD 0x80000000u
#define PINS 0x7fffffffu

/* The pins of this thread's running step. */
static __thread struct {
  size_t n;
  tn_variable *const *pinned;
} own;

/* Waits a little, longer each time; the first wait counts as a lock. */
static void back_off(int *tries) {
  if ((*tries)++ == 0) tn_counts.locks++;
  if (*tries < 64) {
    sched_yield();
    return;
  }
  struct timespec pause = {0, 50000};
  nanosleep(&pause, NULL);
}

/* Takes the variable. Uncontended this is one atomic operation, which is why it is no mutex. */
static void hold(tn_variable *v) {
  int tries = 0;
  for (;;) {
    unsigned seen = atomic_load_explicit(&v->state, memory_order_relaxed);
    if (!(seen & HELD) && atomic_compare_exchange_weak_explicit(&v->state, &seen, seen | HELD, memory_order_acq_rel,
                                                                memory_order_relaxed)) {
      return;
    }
    if (seen & HELD) back_off(&tries);
  }
}

static void release(tn_variable *v) { atomic_fetch_and_explicit(&v->state, ~HELD, memory_order_acq_rel); }

static void destroy(tn_object *object) {
  tn_variable *v = tn_variable_of(object);
  tn_tensor_clear(&v->value);
  tn_free(v->name);
  tn_free(v);
}

tn_error *tn_variable_new(const char *name, tn_dtype dtype, const tn_shape *shape, tn_variable **out) {
  tn_variable *v = tn_calloc(1, sizeof *v);
  char *copy = tn_strdup(name);
  if (!v || !copy) {
    tn_free(v);
    tn_free(copy);
    return tn_out_of_memory();
  }
  atomic_init(&v->object.refs, 1);
  v->object.type = TN_VARIABLE_TYPE;
  v->object.destroy = destroy;
  v->dtype = tn_dtype_base(dtype);
  v->shape = *shape;
  v->name = copy;
  atomic_init(&v->version, 1);
  *out = v;
  return NULL;
}

static tn_error *uninitialized(const tn_variable *v) {
  return tn_errorf(TN_FAILED_PRECONDITION, "Attempting to use uninitialized value %s", v->name);
}

bool tn_variable_initialized(tn_variable *v) {
  hold(v);
  bool there = v->value.dtype != TN_INVALID;
  release(v);
  return there;
}

tn_error *tn_variable_read(tn_variable *v, tn_tensor *out) {
  hold(v);
  bool there = v->value.dtype != TN_INVALID;
  if (there) {
    *out = (tn_tensor){0}; /* callers need not initialise what they are given */
    tn_tensor_set(out, &v->value);
  }
  release(v);
  return there ? NULL : uninitialized(v);
}

/* How many pins of V belong to this thread's step: 0 or 1. */
static unsigned own_pins(const tn_variable *v) {
  size_t low = 0, high = own.n;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (own.pinned[middle] == v) return 1;
    if ((uintptr_t)own.pinned[middle] < (uintptr_t)v) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return 0;
}

/* With V held: true if its bytes may be overwritten. */
static bool exclusive(const tn_variable *v) {
  unsigned pins = atomic_load_explicit(&v->state, memory_order_acquire) & PINS;
  if (pins > own_pins(v) || !v->value.buffer || v->value.buffer->release) return false;
  return atomic_load_explicit(&v->value.buffer->refs, memory_order_acquire) == 1 + v->bindings;
}

/* With V held: VALUE, which V takes over, replaces what is there. */
static void replace(tn_variable *v, tn_tensor *value) {
  tn_tensor_clear(&v->value);
  v->value.dtype = value->dtype;
  v->value.shape = value->shape;
  v->value.data = value->data;
  v->value.buffer = value->buffer;
  v->bindings = 0;
  atomic_fetch_add_explicit(&v->version, 1, memory_order_acq_rel);
}

static tn_error *check_assigned(const tn_variable *v, const tn_tensor *value, bool validate_shape) {
  if (value->dtype != v->dtype) {
    return tn_errorf(TN_INVALID_ARGUMENT, "variable '%s' is %s; the value assigned to it is %s", v->name,
                     tn_dtype_name(v->dtype), tn_dtype_name(value->dtype));
  }
  if (!validate_shape) return NULL;
  const tn_shape *want = &v->shape;
  bool fits = want->rank < 0 || want->rank == value->shape.rank;
  for (int i = 0; fits && i < want->rank; i++) fits = want->dims[i] < 0 || want->dims[i] == value->shape.dims[i];
  if (fits) return NULL;
  return tn_errorf(TN_INVALID_ARGUMENT, "variable '%s' has shape %s; the value assigned to it has shape %s", v->name,
                   TN_SHAPE_STR(want), TN_SHAPE_STR(&value->shape));
}

/* True if a variable may keep VALUE's buffer: ours, whole and aligned, so that nobody else can change it. */
static bool shareable(const tn_tensor *value) {
  const tn_buffer *buffer = value->buffer;
  if (!buffer || buffer->release || value->data != buffer->data) return false;
  return buffer->size == (size_t)tn_shape_elements(&value->shape) * tn_dtype_size(value->dtype);
}

/* With V held. */
static tn_error *assign(tn_variable *v, const tn_tensor *value) {
  bool same = v->value.dtype == value->dtype && tn_shape_equal(&v->value.shape, &value->shape);
  if (same && v->value.data == value->data) return NULL;
  tn_tensor made = {0};
  if (shareable(value)) {
    tn_tensor_set(&made, value);
  } else if (same && exclusive(v)) {
    return tn_copy_elements(value->dtype, v->value.data, value->data, tn_shape_elements(&value->shape));
  } else {
    TN_TRY(tn_tensor_init_copy(&made, value));
  }
  replace(v, &made);
  return NULL;
}

tn_error *tn_variable_assign(tn_variable *v, const tn_tensor *value, bool validate_shape) {
  hold(v);
  tn_error *error = check_assigned(v, value, validate_shape);
  if (!error) error = assign(v, value);
  release(v);
  return error;
}

/* With V held: makes its bytes writable. */
static tn_error *open_for_writing(tn_variable *v, tn_tensor *out) {
  if (v->value.dtype == TN_INVALID) return uninitialized(v);
  if (!exclusive(v)) {
    tn_tensor copy = {0};
    TN_TRY(tn_tensor_init_copy(&copy, &v->value));
    replace(v, &copy);
  }
  out->dtype = v->value.dtype;
  out->shape = v->value.shape;
  out->data = v->value.data;
  out->buffer = NULL;
  return NULL;
}

tn_error *tn_variable_begin(tn_variable *v, tn_tensor *out) {
  hold(v);
  tn_error *error = open_for_writing(v, out);
  if (error) release(v);
  return error;
}

void tn_variable_end(tn_variable *v) { release(v); }

void tn_variable_reset(tn_variable *v) {
  tn_tensor nothing = {0};
  hold(v);
  replace(v, &nothing);
  release(v);
}

/* The variable with the lowest address above LAST; NULL if there is none. Equal variables count once. */
static bool by_address(int n, tn_variable *const *v) {
  for (int i = 1; i < n; i++) {
    if ((uintptr_t)v[i - 1] >= (uintptr_t)v[i]) return false;
  }
  return true;
}

static tn_variable *next_by_address(int n, tn_variable *const *v, const tn_variable *last) {
  tn_variable *best = NULL;
  for (int i = 0; i < n; i++) {
    if ((uintptr_t)v[i] > (uintptr_t)last && (!best || (uintptr_t)v[i] < (uintptr_t)best)) best = v[i];
  }
  return best;
}

tn_error *tn_variables_begin(int n, tn_variable *const *v, tn_tensor *out) {
  if (by_address(n, v)) { /* as those who hold many have them */
    for (int i = 0; i < n; i++) hold(v[i]);
  } else {
    for (tn_variable *next = next_by_address(n, v, NULL); next; next = next_by_address(n, v, next)) hold(next);
  }
  for (int i = 0; i < n; i++) {
    tn_error *error = open_for_writing(v[i], &out[i]);
    if (error) {
      tn_variables_end(n, v);
      return error;
    }
  }
  return NULL;
}

void tn_variables_end(int n, tn_variable *const *v) {
  if (by_address(n, v)) {
    for (int i = 0; i < n; i++) release(v[i]);
    return;
  }
  for (tn_variable *next = next_by_address(n, v, NULL); next; next = next_by_address(n, v, next)) release(next);
}

tn_error *tn_variable_bind(tn_variable *v, tn_tensor *slot, uint64_t *version) {
  hold(v);
  tn_error *error = v->value.dtype == TN_INVALID ? uninitialized(v) : NULL;
  if (!error) {
    tn_tensor_set(slot, &v->value);
    v->bindings++;
    *version = atomic_load_explicit(&v->version, memory_order_relaxed);
  }
  release(v);
  return error;
}

void tn_variable_unbind(tn_variable *v, tn_tensor *slot, uint64_t version) {
  hold(v);
  if (atomic_load_explicit(&v->version, memory_order_relaxed) == version) v->bindings--;
  tn_tensor_clear(slot);
  release(v);
}

bool tn_variable_pin(tn_variable *v, uint64_t version) {
  int tries = 0;
  atomic_fetch_add_explicit(&v->state, 1, memory_order_acq_rel);
  /* Who holds it now may not have seen the pin yet. */
  while (atomic_load_explicit(&v->state, memory_order_acquire) & HELD) back_off(&tries);
  if (atomic_load_explicit(&v->version, memory_order_acquire) == version) return true;
  tn_variable_unpin(v);
  return false;
}

void tn_variable_unpin(tn_variable *v) { atomic_fetch_sub_explicit(&v->state, 1, memory_order_acq_rel); }

void tn_variable_set_own_pins(size_t n, tn_variable *const *pinned) {
  own.n = n;
  own.pinned = pinned;
}
