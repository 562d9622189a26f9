/* The pieces of the HDF5 format (version 0 of the superblock, version 1 of object headers) that reader and writer
 * share. */
#ifndef TN_IO_HDF5_FORMAT_H
#define TN_IO_HDF5_FORMAT_H

#include <stdbool.h>
#include <tenon/hdf5.h>

#define TN_H5_SIGNATURE "\x89HDF\r\n\x1a\n"
#define TN_H5_UNDEFINED UINT64_MAX

enum {
  TN_H5_SUPERBLOCK = 96, /* its size, the root's entry included */
  TN_H5_ENTRY = 40,      /* of a symbol table */
  TN_H5_HEAP_REFERENCE = 16
};

/* The messages of object headers. */
enum {
  TN_H5_DATASPACE = 1,
  TN_H5_DATATYPE = 3,
  TN_H5_FILL = 5,
  TN_H5_LINK = 6,
  TN_H5_LAYOUT = 8,
  TN_H5_FILTERS = 11,
  TN_H5_ATTRIBUTE = 12,
  TN_H5_CONTINUATION = 16,
  TN_H5_SYMBOL_TABLE = 17
};

/* The classes of types. */
enum { TN_H5_INTEGER = 0, TN_H5_FLOAT = 1, TN_H5_STRING = 3, TN_H5_ENUM = 8, TN_H5_VARIABLE = 9 };

/* The type that TEXT names, "<f4" say: its class, bytes an item, signedness and order. False for none that is known. */
typedef struct tn_h5_type {
  int class;
  uint32_t size;
  bool is_signed, big_endian;
} tn_h5_type;
bool tn_h5_type_named(const char *text, tn_h5_type *out);

#endif
