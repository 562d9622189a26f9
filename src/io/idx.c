/* Reading IDX files. */
#include "io/idx.h"

#include <zlib.h>

#include "base/alloc.h"
#include "io/file.h"

enum { MAX_UNPACKED = 1 << 30 };

tn_error *tn_gunzip(const void *data, size_t size, size_t limit, char **out, size_t *out_size) {
  z_stream stream = {.next_in = (Bytef *)data, .avail_in = (uInt)size};
  if (size > UINT32_MAX) return tn_errorf(TN_INVALID_ARGUMENT, "%zu compressed bytes are too many", size);
  if (inflateInit2(&stream, 15 + 32) != Z_OK) return tn_out_of_memory();
  char *bytes = NULL;
  size_t capacity = 0, used = 0;
  int status = Z_OK;
  while (status == Z_OK && used <= limit) {
    capacity = capacity ? capacity * 2 : size * 4 + 1024;
    char *more = tn_realloc(bytes, capacity);
    if (!more) break;
    bytes = more;
    stream.next_out = (Bytef *)bytes + used;
    stream.avail_out = (uInt)(capacity - used < UINT32_MAX ? capacity - used : UINT32_MAX);
    status = inflate(&stream, Z_NO_FLUSH);
    used = (size_t)((char *)stream.next_out - bytes);
  }
  inflateEnd(&stream);
  if (status == Z_STREAM_END && used <= limit) {
    *out = bytes;
    *out_size = used;
    return NULL;
  }
  tn_free(bytes);
  if (status == Z_OK && used <= limit) return tn_out_of_memory();
  if (used > limit) return tn_errorf(TN_DATA_LOSS, "more than %zu bytes come out of the compressed data", limit);
  return tn_errorf(TN_DATA_LOSS, "the compressed data is %s", status == Z_BUF_ERROR ? "cut short" : "corrupt");
}

/* The dtype that the third byte of a file says. */
static tn_dtype dtype_of(unsigned char code) {
  switch (code) {
  case 0x08: return TN_UINT8;
  case 0x09: return TN_INT8;
  case 0x0b: return TN_INT16;
  case 0x0c: return TN_INT32;
  case 0x0d: return TN_FLOAT;
  case 0x0e: return TN_DOUBLE;
  default: return TN_INVALID;
  }
}

/* Big-endian elements become the machine's own. */
static void swap_bytes(char *data, size_t element, size_t n) {
  for (size_t i = 0; i < n && element > 1; i++, data += element)
    for (size_t k = 0; k < element / 2; k++) {
      char byte = data[k];
      data[k] = data[element - 1 - k];
      data[element - 1 - k] = byte;
    }
}

tn_error *tn_idx_parse(const void *data, size_t size, tn_tensor **out) {
  const unsigned char *p = data;
  if (size < 4) return tn_errorf(TN_DATA_LOSS, "%zu bytes are too few for an IDX file", size);
  tn_dtype dtype = dtype_of(p[2]);
  int rank = p[3];
  if (p[0] || p[1] || dtype == TN_INVALID)
    return tn_errorf(TN_DATA_LOSS, "not an IDX file: it begins with %02x %02x %02x %02x", p[0], p[1], p[2], p[3]);
  if (rank > TN_MAX_RANK)
    return tn_errorf(TN_DATA_LOSS, "an IDX file of rank %d: at most %d is supported", rank, TN_MAX_RANK);
  size_t head = 4 + 4 * (size_t)rank;
  if (size < head) return tn_errorf(TN_DATA_LOSS, "the IDX file ends in its header, at byte %zu of %zu", size, head);
  int64_t dims[TN_MAX_RANK];
  for (int i = 0; i < rank; i++) {
    const unsigned char *d = p + 4 + 4 * i;
    dims[i] = (int64_t)d[0] << 24 | d[1] << 16 | d[2] << 8 | d[3];
  }
  tn_shape shape = tn_shape_of(rank, dims);
  size_t element = tn_dtype_size(dtype), left = size - head;
  int64_t n = tn_shape_elements(&shape);
  if ((uint64_t)n > left / element || (uint64_t)n * element != left)
    return tn_errorf(TN_DATA_LOSS, "an IDX file of shape %s and dtype %s has %zu bytes of data", TN_SHAPE_STR(&shape),
                     tn_dtype_name(dtype), left);
  TN_TRY(tn_tensor_copy_of(dtype, rank, dims, p + head, out));
  swap_bytes((*out)->data, element, (size_t)n);
  return NULL;
}

tn_error *tn_idx_read(const char *path, tn_tensor **out) {
  char *bytes, *unpacked;
  size_t size;
  TN_TRY(tn_file_read(path, &bytes, &size));
  tn_error *error = NULL;
  if (size >= 2 && (unsigned char)bytes[0] == 0x1f && (unsigned char)bytes[1] == 0x8b) {
    error = tn_gunzip(bytes, size, MAX_UNPACKED, &unpacked, &size);
    if (!error) {
      tn_free(bytes);
      bytes = unpacked;
    }
  }
  if (!error) error = tn_idx_parse(bytes, size, out);
  tn_free(bytes);
  return tn_error_context(error, "'%s'", path);
}
