/* Tensors: a reference-counted buffer, a dtype and a dense row-major shape. */
#ifndef TENON_TENSOR_H
#define TENON_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tenon/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Element types, with the numbers of TensorFlow's types.proto. A reference type is its base type plus TN_REF. */
typedef enum tn_dtype {
  TN_INVALID = 0,
  TN_FLOAT = 1,
  TN_DOUBLE = 2,
  TN_INT32 = 3,
  TN_UINT8 = 4,
  TN_INT16 = 5,
  TN_INT8 = 6,
  TN_STRING = 7,
  TN_COMPLEX64 = 8,
  TN_INT64 = 9,
  TN_BOOL = 10,
  TN_QINT8 = 11,
  TN_QUINT8 = 12,
  TN_QINT32 = 13,
  TN_BFLOAT16 = 14,
  TN_QINT16 = 15,
  TN_QUINT16 = 16,
  TN_UINT16 = 17,
  TN_COMPLEX128 = 18,
  TN_HALF = 19,
  TN_RESOURCE = 20,
  TN_VARIANT = 21,
  TN_UINT32 = 22,
  TN_UINT64 = 23,
  TN_FLOAT8_E5M2 = 24,
  TN_FLOAT8_E4M3FN = 25,
  TN_FLOAT8_E4M3FNUZ = 26,
  TN_FLOAT8_E4M3B11FNUZ = 27,
  TN_FLOAT8_E5M2FNUZ = 28,
  TN_INT4 = 29,
  TN_UINT4 = 30,
  TN_INT2 = 31,
  TN_UINT2 = 32,
  TN_N_DTYPES = 33,
  TN_REF = 100
} tn_dtype;

/* The largest rank that a tensor can have. */
#define TN_MAX_RANK 8

/* A shape. In graphs RANK may be -1 (unknown) and a dimension -1 (unknown); a tensor's shape is always fully known. */
typedef struct tn_shape {
  int rank;
  int64_t dims[TN_MAX_RANK];
} tn_shape;

/* One element of a TN_STRING tensor: bytes, not text; not NUL-terminated. The tensor's buffer owns them. */
typedef struct tn_string {
  char *data;
  size_t size;
} tn_string;

/* A dense array. Reference counted and thread-safe to share; its bytes are not to be changed once it is shared. */
typedef struct tn_tensor tn_tensor;

/* Called with ARGUMENT when the last reference to borrowed bytes is gone. */
typedef void (*tn_release_fn)(void *data, void *argument);

/* The name that users write ("float32", "int64", "string"), with "_ref" for reference types; "invalid" for no dtype. */
TN_API const char *tn_dtype_name(tn_dtype dtype);

/* The dtype that users call NAME ("float32", "float", "half", "DT_FLOAT", ...). TN_INVALID if there is none. */
TN_API tn_dtype tn_dtype_from_name(const char *name);

/* Bytes of one element in memory; 0 for TN_INVALID. Sub-byte types take one byte each. */
TN_API size_t tn_dtype_size(tn_dtype dtype);

/* A zeroed tensor (strings empty). DIMS holds RANK sizes, each >= 0.
 * INVALID_ARGUMENT: bad dtype, rank or size. RESOURCE_EXHAUSTED: no memory, or over the memory limit. */
TN_API tn_error *tn_tensor_new(tn_dtype dtype, int rank, const int64_t *dims, tn_tensor **out) TN_MUST_USE;

/* A tensor on the caller's bytes, which stay the caller's until RELEASE (may be NULL) is called. Not for strings.
 * DATA may be unaligned. INVALID_ARGUMENT: SIZE is not what dtype and shape need; RELEASE is then not called. */
TN_API tn_error *tn_tensor_borrow(tn_dtype dtype, int rank, const int64_t *dims, void *data, size_t size,
                                  tn_release_fn release, void *argument, tn_tensor **out) TN_MUST_USE;

/* A copy of DATA, as tn_tensor_borrow would take it. */
TN_API tn_error *tn_tensor_copy_of(tn_dtype dtype, int rank, const int64_t *dims, const void *data,
                                   tn_tensor **out) TN_MUST_USE;

/* A string tensor with copies of the elements. */
TN_API tn_error *tn_tensor_strings(int rank, const int64_t *dims, const tn_string *elements,
                                   tn_tensor **out) TN_MUST_USE;

/* Another name for the same tensor; give each back with tn_tensor_free. */
TN_API tn_tensor *tn_tensor_ref(tn_tensor *tensor);

/* True if nothing but the caller's one reference holds the bytes, so that they may be written to. False for borrowed
 * bytes. */
TN_API bool tn_tensor_exclusive(const tn_tensor *tensor);

/* Gives a tensor back; NULL is allowed. */
TN_API void tn_tensor_free(tn_tensor *tensor);

/* The same bytes under another shape with as many elements. INVALID_ARGUMENT otherwise. */
TN_API tn_error *tn_tensor_reshape(tn_tensor *tensor, int rank, const int64_t *dims, tn_tensor **out) TN_MUST_USE;

/* Rows [BEGIN, END) along dimension 0, sharing the bytes. INVALID_ARGUMENT: rank 0 or a range outside. */
TN_API tn_error *tn_tensor_rows(tn_tensor *tensor, int64_t begin, int64_t end, tn_tensor **out) TN_MUST_USE;

/* The dtype, rank, size of dimension I, number of elements, number of bytes and first byte of TENSOR. */
TN_API tn_dtype tn_tensor_dtype(const tn_tensor *tensor);
/* The rank: 0 for a scalar. */
TN_API int tn_tensor_rank(const tn_tensor *tensor);
/* The size of dimension I, 0 <= I < rank. */
TN_API int64_t tn_tensor_dim(const tn_tensor *tensor, int i);
/* The number of elements. */
TN_API int64_t tn_tensor_elements(const tn_tensor *tensor);
/* The number of bytes of the element array (for strings, of the tn_string array). */
TN_API size_t tn_tensor_bytes(const tn_tensor *tensor);
/* The first element; NULL may come for a tensor without elements. */
TN_API void *tn_tensor_data(const tn_tensor *tensor);

#ifdef __cplusplus
}
#endif
#endif
