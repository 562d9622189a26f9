/* BMP images. */
#ifndef TN_IO_BMP_H
#define TN_IO_BMP_H

#include "tensor/tensor.h"

/* Decodes SIZE bytes of an uncompressed image of 8, 24 or 32 bits a pixel into uint8 [height, width, CHANNELS];
 * CHANNELS 0: as the file has it, 1: red alone, 3: RGB, 4: RGBA. INVALID_ARGUMENT: other CHANNELS, not such a BMP, or
 * broken. */
tn_error *tn_bmp_decode(const void *data, size_t size, int channels, tn_tensor **out) TN_MUST_USE;

#endif
