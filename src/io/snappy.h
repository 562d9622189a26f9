/* Unpacking Snappy: old checkpoints compress their blocks with it.
 * https://github.com/google/snappy/blob/main/format_description.txt */
#ifndef TN_IO_SNAPPY_H
#define TN_IO_SNAPPY_H

#include <stddef.h>
#include <tenon/error.h>

/* Free *OUT with tn_free. DATA_LOSS if the bytes are not Snappy's. */
tn_error *tn_snappy_unpack(const char *data, size_t size, char **out, size_t *out_size) TN_MUST_USE;

#endif
