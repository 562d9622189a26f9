/* Tensors from the inside: buffers, shapes and the value struct that executors keep in slots. */
#ifndef TN_TENSOR_TENSOR_H
#define TN_TENSOR_TENSOR_H

#include <stdatomic.h>
#include <tenon/tensor.h>

/* A reference-counted object: what elements of TN_RESOURCE and TN_VARIANT tensors point to. Embed it first. */
typedef struct tn_object {
  atomic_int refs;
  const char *type;                          /* "Variable", "Queue", ...: checked before a downcast */
  void (*destroy)(struct tn_object *object); /* frees the whole object when the last reference goes */
  /* What a reference to it is where a tensor is expected: OUT, which is clear, gets it. NULL: nothing. */
  struct tn_error *(*read)(struct tn_object *object, struct tn_tensor *out);
} tn_object;

tn_object *tn_object_ref(tn_object *object);
void tn_object_unref(tn_object *object);

/* Reference-counted bytes. ELEMENTS of dtype string, resource and variant are released with it. */
typedef struct tn_buffer {
  atomic_int refs;
  tn_dtype dtype;
  size_t size;
  void *data;
  tn_release_fn release; /* NULL: DATA came from tn_alloc_aligned */
  void *argument;
  bool fixed;                 /* with RELEASE: nobody changes the bytes as long as somebody holds them */
  struct tn_account *account; /* which SIZE is charged to; NULL: to the process alone */
} tn_buffer;

/* SIZE bytes for elements of DTYPE, aligned to 64 bytes, zeroed where DTYPE holds pointers. Charged to the memory
 * limit. */
tn_error *tn_buffer_new(tn_dtype dtype, size_t size, tn_buffer **out) TN_MUST_USE;
tn_buffer *tn_buffer_ref(tn_buffer *buffer);
void tn_buffer_unref(tn_buffer *buffer);

/* A tensor value. BUFFER is NULL where DATA is borrowed from an arena or lives elsewhere. On the heap (public API) REFS
 * counts. */
struct tn_tensor {
  tn_dtype dtype;
  tn_shape shape;
  void *data;
  tn_buffer *buffer;
  atomic_int refs;
};

/* --- values in slots (refs unused): init makes TENSOR own a new buffer; set shares SOURCE's buffer; clear drops it.
 * --- */
tn_error *tn_tensor_init(tn_tensor *tensor, tn_dtype dtype, const tn_shape *shape) TN_MUST_USE;
void tn_tensor_set(tn_tensor *tensor, const tn_tensor *source);
void tn_tensor_clear(tn_tensor *tensor);
/* Deep copy of the elements of SOURCE into a new buffer. */
tn_error *tn_tensor_init_copy(tn_tensor *tensor, const tn_tensor *source) TN_MUST_USE;
/* Copies N elements (strings and objects deeply / by reference) of DTYPE. TARGET elements must be initialised. */
tn_error *tn_copy_elements(tn_dtype dtype, void *target, const void *source, int64_t n) TN_MUST_USE;
/* A heap tensor (refs 1) that shares VALUE's buffer, or copies the bytes where BUFFER is NULL. */
tn_error *tn_tensor_box(const tn_tensor *value, tn_tensor **out) TN_MUST_USE;
/* Sets element STRING to a copy of SIZE bytes. */
tn_error *tn_string_set(tn_string *string, const char *data, size_t size) TN_MUST_USE;

/* --- shapes --- */
tn_shape tn_shape_unknown(void);
tn_shape tn_shape_scalar(void);
tn_shape tn_shape_of(int rank, const int64_t *dims); /* rank in [0, TN_MAX_RANK] */
tn_shape tn_shape_unknown_of_rank(int rank);
bool tn_shape_known(const tn_shape *shape); /* rank and all dimensions */
bool tn_shape_equal(const tn_shape *a, const tn_shape *b);
int64_t tn_shape_elements(const tn_shape *shape); /* of a known shape; saturates at INT64_MAX */
/* "[2,?,3]", "<unknown>" or "[]" in a buffer of the caller; returns it. */
#define TN_SHAPE_TEXT 192
const char *tn_shape_text(const tn_shape *shape, char text[TN_SHAPE_TEXT]);
/* Shorthand for messages: the text lives until the end of the enclosing block. */
#define TN_SHAPE_STR(shape) tn_shape_text((shape), (char[TN_SHAPE_TEXT]){0})
/* NumPy broadcasting of known shapes; false if they don't agree. */
bool tn_shape_broadcast(const tn_shape *a, const tn_shape *b, tn_shape *out);

/* --- dtypes --- */
static inline tn_dtype tn_dtype_base(tn_dtype dtype) { return dtype > TN_REF ? (tn_dtype)(dtype - TN_REF) : dtype; }
static inline bool tn_dtype_is_ref(tn_dtype dtype) { return dtype > TN_REF; }
bool tn_dtype_is_floating(tn_dtype dtype); /* half, bfloat16, float, double */
bool tn_dtype_is_complex(tn_dtype dtype);
bool tn_dtype_is_integer(tn_dtype dtype); /* signed and unsigned, not quantized, not bool */
bool tn_dtype_is_plain(tn_dtype dtype);   /* elements are plain bytes: not string, resource, variant */

/* A set of dtypes as bits. */
typedef uint64_t tn_dtype_mask;
#define TN_BIT(dtype) ((tn_dtype_mask)1 << (dtype))
#define TN_FLOATS     (TN_BIT(TN_FLOAT) | TN_BIT(TN_DOUBLE) | TN_BIT(TN_HALF) | TN_BIT(TN_BFLOAT16))
#define TN_SIGNED     (TN_BIT(TN_INT8) | TN_BIT(TN_INT16) | TN_BIT(TN_INT32) | TN_BIT(TN_INT64))
#define TN_UNSIGNED   (TN_BIT(TN_UINT8) | TN_BIT(TN_UINT16) | TN_BIT(TN_UINT32) | TN_BIT(TN_UINT64))
#define TN_REALS      (TN_FLOATS | TN_SIGNED | TN_UNSIGNED)
#define TN_COMPLEXES  (TN_BIT(TN_COMPLEX64) | TN_BIT(TN_COMPLEX128))
#define TN_NUMBERS    (TN_REALS | TN_COMPLEXES)

/* --- 16-bit floats: bits to float and back, round to nearest even, NaN kept --- */
float tn_half_to_float(uint16_t bits);
uint16_t tn_float_to_half(float value);
static inline float tn_bfloat16_to_float(uint16_t bits) {
  union {
    uint32_t u;
    float f;
  } v = {.u = (uint32_t)bits << 16};
  return v.f;
}
uint16_t tn_float_to_bfloat16(float value);

#endif
