/* What the image ops share. */
#ifndef TN_OPS_IMAGE_IMAGE_H
#define TN_OPS_IMAGE_IMAGE_H

#include "graph/build.h"
#include "graph/shape.h"
#include "kernel/kernel.h"

/* Runs FN(argument, row) for all rows of an image, in pieces of about 16,384 elements where a row has ELEMENTS. */
void tn_image_rows(int64_t rows, int64_t elements, void (*fn)(void *argument, int64_t row), void *argument);

/* N elements of a real DTYPE from BASE + OFFSET (elements) as floats: the bytes themselves, or converted into ROOM. */
const float *tn_image_floats(tn_dtype dtype, const void *base, int64_t offset, int64_t n, float *room);

#endif
