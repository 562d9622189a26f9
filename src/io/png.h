/* PNG images. */
#ifndef TN_IO_PNG_H
#define TN_IO_PNG_H

#include "base/str.h"
#include "tensor/tensor.h"

/* Decodes SIZE bytes into DTYPE (uint8 or uint16) [height, width, CHANNELS]; CHANNELS 0: as the file has it, 1: gray,
 * 2: gray and alpha, 3: RGB, 4: RGBA. Alpha that is not wanted is dropped; samples keep their upper bits.
 * INVALID_ARGUMENT: not a PNG, or broken. */
tn_error *tn_png_decode(const void *data, size_t size, int channels, tn_dtype dtype, tn_tensor **out) TN_MUST_USE;
/* The same from a file, as uint8; the error names it. */
tn_error *tn_png_read(const char *path, int channels, tn_tensor **out) TN_MUST_USE;

/* Appends PIXELS (DTYPE uint8 or uint16) [height, width, channels], 1 to 4 channels, to OUT. COMPRESSION: -1 (default)
 * to 9. */
tn_error *tn_png_encode(const void *pixels, tn_dtype dtype, const int64_t shape[3], int compression,
                        tn_str *out) TN_MUST_USE;

#endif
