/* PNG images. */
#ifndef TN_IO_PNG_H
#define TN_IO_PNG_H

#include "tensor/tensor.h"

/* Decodes SIZE bytes into uint8 [height, width, CHANNELS]; CHANNELS 0: as the file has it, 1: gray, 2: gray and alpha,
 * 3: RGB, 4: RGBA. Sixteen-bit samples lose their lower half. INVALID_ARGUMENT: not a PNG, or broken. */
tn_error *tn_png_decode(const void *data, size_t size, int channels, tn_tensor **out) TN_MUST_USE;
/* The same from a file; the error names it. */
tn_error *tn_png_read(const char *path, int channels, tn_tensor **out) TN_MUST_USE;

#endif
