/* The names of HDF5's types. */
#include "io/hdf5_format.h"

#include <stdlib.h>
#include <string.h>

bool tn_h5_type_named(const char *text, tn_h5_type *out) {
  tn_h5_type type = {.size = TN_H5_HEAP_REFERENCE, .class = TN_H5_VARIABLE};
  if (strcmp(text, "O") == 0) {
    *out = type;
    return true;
  }
  if (!strchr("<>|", text[0]) || !text[0] || !text[1]) return false;
  char *end;
  const unsigned long size = strtoul(text + 2, &end, 10);
  if (*end || end == text + 2 || size < 1 || size > INT32_MAX) return false;
  type.size = (uint32_t)size;
  type.big_endian = text[0] == '>';
  const bool number = size == 1 || size == 2 || size == 4 || size == 8;
  switch (text[1]) {
  case 'f':
    type.class = TN_H5_FLOAT;
    if (!number || size == 1) return false;
    break;
  case 'i':
  case 'u':
    type.class = TN_H5_INTEGER;
    type.is_signed = text[1] == 'i';
    if (!number) return false;
    break;
  case 'S': type.class = TN_H5_STRING; break;
  default: return false;
  }
  *out = type;
  return true;
}
