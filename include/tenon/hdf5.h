/* HDF5 files, as far as Keras's weight files use them: groups, datasets in one piece, attributes; numbers and texts. */
#ifndef TENON_HDF5_H
#define TENON_HDF5_H

#include <stddef.h>
#include <stdint.h>
#include <tenon/error.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TN_H5_MAX_RANK 32

/* A text of any length. */
typedef struct tn_h5_text {
  const char *data; /* not terminated */
  size_t size;
} tn_h5_text;

/* The value of a dataset or attribute. */
typedef struct tn_h5_value {
  char type[16]; /* as NumPy has it: "<f4", ">i8", "|u1", "|S12" (texts of up to 12 bytes); "O": texts of any length */
  int rank;      /* 0: one item */
  uint64_t dims[TN_H5_MAX_RANK];
  const void *data;        /* the items, row-major; NULL where the file holds none (then they are zero) */
  size_t size;             /* bytes of DATA */
  const tn_h5_text *texts; /* the items of "O"; NULL else */
} tn_h5_value;

/* What is told of a file: each group before what is in it, attributes after the object that they belong to. An error of
 * a function ends the reading. All that is pointed to is borrowed until the function returns. */
typedef struct tn_h5_visitor {
  void *context;
  tn_error *(*group)(void *context, const char *path);
  tn_error *(*dataset)(void *context, const char *path, const tn_h5_value *value);
  tn_error *(*attribute)(void *context, const char *path, const char *name, const tn_h5_value *value);
} tn_h5_visitor;

/* Reads the file whose SIZE bytes stand at DATA. Paths begin with "/"; the root is "/". DATA_LOSS names what is wrong
 * and where; UNIMPLEMENTED names what is whole but of another kind (compressed, chunked, of a later format). */
TN_API tn_error *tn_h5_read(const void *data, size_t size, const tn_h5_visitor *visitor) TN_MUST_USE;

/* A file in the making. */
typedef struct tn_h5_writer tn_h5_writer;
TN_API tn_error *tn_h5_writer_new(tn_h5_writer **out) TN_MUST_USE;
/* Frees it; NULL is allowed. */
TN_API void tn_h5_writer_free(tn_h5_writer *writer);
/* Adds a group, and those above it; one that is there already stays. INVALID_ARGUMENT: a dataset has that path. */
TN_API tn_error *tn_h5_group(tn_h5_writer *writer, const char *path) TN_MUST_USE;
/* Adds a dataset, and the groups above it. VALUE's data is borrowed until the file is written. ALREADY_EXISTS: the path
 * is taken. INVALID_ARGUMENT: a type that is not written, or a size that is not that of the shape. */
TN_API tn_error *tn_h5_dataset(tn_h5_writer *writer, const char *path, const tn_h5_value *value) TN_MUST_USE;
/* Adds an attribute to a group or dataset that is there; its data is copied. NOT_FOUND: there is none.
 * INVALID_ARGUMENT: longer than 64512 bytes, the format's limit (texts of "O" may be longer). */
TN_API tn_error *tn_h5_attribute(tn_h5_writer *writer, const char *path, const char *name,
                                 const tn_h5_value *value) TN_MUST_USE;
/* Writes the file at PATH, which stays as it was where that fails (what the system says: NOT_FOUND, RESOURCE_EXHAUSTED
 * and the like). */
TN_API tn_error *tn_h5_write(tn_h5_writer *writer, const char *path) TN_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
